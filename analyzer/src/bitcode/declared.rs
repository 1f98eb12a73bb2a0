//! What accesses say of the value they move: clang's type-based alias metadata (`!tbaa`), which states C's
//! rules on effective types (C17 6.5, paragraph 7). An access tag is (base type, access type, offset); a
//! scalar type is (name, parent, 0), a structure (name, member type, offset, ...).

use super::ll::{Value, kind_of_metadata};
use crate::model::{Declared, Record};
use rustc_hash::FxHashMap;

/// Deepest nesting of structures that is looked at.
const DEEPEST: usize = 32;

/// Tags met so far.
pub(super) struct Tags {
    kind: u32,
    by_tag: FxHashMap<usize, (Declared, Option<u32>)>,
    by_base: FxHashMap<usize, u32>,
    /// In order of appearance.
    pub(super) records: Vec<Record>,
}

impl Tags {
    pub(super) fn new() -> Self {
        Tags { kind: kind_of_metadata("tbaa"), by_tag: FxHashMap::default(), by_base: FxHashMap::default(), records: Vec::new() }
    }

    /// Some access had a tag.
    pub(super) fn any(&self) -> bool {
        !self.by_tag.is_empty()
    }

    /// What an access says.
    pub(super) fn of(&mut self, access: Value<'_>) -> (Declared, Option<u32>) {
        let Some(tag) = access.metadata(self.kind) else { return (Declared::Unknown, None) };
        if let Some(known) = self.by_tag.get(&tag.key()) {
            return *known;
        }
        let operands = tag.node_operands();
        let part = |i: usize| operands.get(i).copied().flatten();
        let declared = match part(1).and_then(|ty| name(ty)) {
            None => Declared::Any,
            Some(name) if name == "omnipotent char" => Declared::Any,
            Some(name) if name == "any pointer" || name == "vtable pointer" => Declared::Pointer,
            Some(_) => Declared::Number,
        };
        let record = match (part(0), part(1)) {
            (Some(base), Some(value)) if base.key() != value.key() => self.record(base),
            _ => None,
        };
        self.by_tag.insert(tag.key(), (declared, record));
        (declared, record)
    }

    fn record(&mut self, base: Value<'_>) -> Option<u32> {
        if let Some(known) = self.by_base.get(&base.key()) {
            return Some(*known);
        }
        let mut holds = Vec::new();
        structures(base, &mut holds, DEEPEST)?;
        holds.sort_unstable();
        holds.dedup();
        let index = u32::try_from(self.records.len()).ok()?;
        self.records.push(Record { name: name(base)?, holds });
        self.by_base.insert(base.key(), index);
        Some(index)
    }
}

fn name(node: Value<'_>) -> Option<String> {
    node.node_operands().first().copied().flatten()?.node_text()
}

/// Adds the names of a type and of all in it. `None`: too deep, or a type without a name.
fn structures(node: Value<'_>, holds: &mut Vec<String>, deepest: usize) -> Option<()> {
    let operands = node.node_operands();
    holds.push(name(node).filter(|name| !name.is_empty())?);
    if deepest == 0 {
        return None;
    }
    // Scalars have their parent where structures have their first member: the way up ends at the root.
    for member in operands.iter().skip(1).step_by(2).flatten() {
        if member.node_operands().len() > 1 {
            structures(*member, holds, deepest - 1)?;
        }
    }
    Some(())
}
