//! What accesses say of the value they move: clang's type-based alias metadata (`!tbaa`), which states C's
//! rules on effective types (C17 6.5, paragraph 7). An access tag is (base type, access type, offset); a
//! scalar type is (name, parent, 0), a structure (name, member type, offset, ...).

use super::ll::{Value, kind_of_metadata};
use crate::model::{Declared, TypedMember, Record};
use rustc_hash::FxHashMap;

/// Deepest nesting of structures that is looked at.
const DEEPEST: usize = 32;
/// Most scalars of a structure whose members are told from others.
const LONGEST: usize = 4096;
/// What clang calls the scalar types of C, and their bytes.
const SCALARS: &[(&str, Declared, u64)] = &[
    ("omnipotent char", Declared::Any, 1),
    ("any pointer", Declared::Pointer, 8),
    ("vtable pointer", Declared::Pointer, 8),
    ("_Bool", Declared::Number, 1),
    ("bool", Declared::Number, 1),
    ("short", Declared::Number, 2),
    ("int", Declared::Number, 4),
    ("wchar_t", Declared::Number, 4),
    ("long", Declared::Number, 8),
    ("long long", Declared::Number, 8),
    ("__int128", Declared::Number, 16),
    ("half", Declared::Number, 2),
    ("_Float16", Declared::Number, 2),
    ("__bf16", Declared::Number, 2),
    ("float", Declared::Number, 4),
    ("double", Declared::Number, 8),
    ("long double", Declared::Number, 16),
    ("__float128", Declared::Number, 16),
];

fn scalar(name: &str) -> Option<(Declared, u64)> {
    SCALARS.iter().find(|(known, ..)| *known == name).map(|(_, declared, size)| (*declared, *size))
}

/// What an access says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tag {
    pub(super) declared: Declared,
    pub(super) record: Option<u32>,
    pub(super) member: Option<u32>,
}

/// Tags met so far.
pub(super) struct Tags {
    kind: u32,
    by_tag: FxHashMap<usize, Tag>,
    by_base: FxHashMap<usize, u32>,
    by_layout: FxHashMap<TypedMember, u32>,
    /// In order of appearance.
    pub(super) records: Vec<Record>,
    /// In order of appearance.
    pub(super) members: Vec<TypedMember>,
}

impl Tags {
    pub(super) fn new() -> Self {
        Tags {
            kind: kind_of_metadata("tbaa"),
            by_tag: FxHashMap::default(),
            by_base: FxHashMap::default(),
            by_layout: FxHashMap::default(),
            records: Vec::new(),
            members: Vec::new(),
        }
    }

    /// Some access had a tag.
    pub(super) fn any(&self) -> bool {
        !self.by_tag.is_empty()
    }

    /// What an access says.
    pub(super) fn of(&mut self, access: Value<'_>) -> Tag {
        let Some(tag) = access.metadata(self.kind) else {
            return Tag { declared: Declared::Unknown, record: None, member: None };
        };
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
        let member = match (part(0), part(1), part(2).and_then(|at| at.integer())) {
            (Some(base), Some(value), Some(at)) if base.key() != value.key() && declared != Declared::Any => {
                self.member(base, value, u64::try_from(at).unwrap_or(u64::MAX))
            }
            _ => None,
        };
        let known = Tag { declared, record, member };
        self.by_tag.insert(tag.key(), known);
        known
    }

    /// The index of a member.
    pub(super) fn laid_out(&mut self, member: TypedMember) -> Option<u32> {
        // A structure of one number says no more than the number: such are made to read at any alignment.
        if member.scalars.len() < 2 {
            return None;
        }
        let next = u32::try_from(self.members.len()).ok()?;
        let index = *self.by_layout.entry(member).or_insert_with_key(|member| {
            self.members.push(member.clone());
            next
        });
        Some(index)
    }

    /// The member at `offset` of a structure, seen from the innermost structure around it.
    fn member(&mut self, mut base: Value<'_>, value: Value<'_>, mut offset: u64) -> Option<u32> {
        for _ in 0..DEEPEST {
            let (at, inner) = members(base).into_iter().rev().find(|(at, _)| *at <= offset)?;
            if inner.key() == value.key() && at == offset {
                let mut all = Vec::new();
                scalars(base, 0, &mut all, DEEPEST)?;
                return self.laid_out(TypedMember { offset, scalars: all });
            }
            (base, offset) = (inner, offset - at);
        }
        None
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

/// Offsets and types of a structure's members.
fn members(node: Value<'_>) -> Vec<(u64, Value<'_>)> {
    let operands = node.node_operands();
    let pairs = operands.get(1..).unwrap_or_default().chunks_exact(2);
    pairs.filter_map(|pair| Some((u64::try_from(pair[1]?.integer()?).ok()?, pair[0]?))).collect()
}

/// Adds offset, kind and bytes of all scalars of a structure at `start`. `None`: there is something of no known form.
fn scalars(node: Value<'_>, start: u64, found: &mut Vec<(u64, Declared, u64)>, deepest: usize) -> Option<()> {
    if let Some((declared, size)) = scalar(&name(node)?) {
        found.push((start, declared, size));
        return (found.len() < LONGEST).then_some(());
    }
    let inside = members(node);
    if deepest == 0 || inside.is_empty() {
        return None;
    }
    inside.into_iter().try_for_each(|(at, member)| scalars(member, start + at, found, deepest - 1))
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
