//! The result of the points-to analysis, frozen: numbered, sorted, with the solver's nodes gone.

use super::*;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// Points-to sets of all pointers and cells, and the call graph.
#[derive(Debug, Clone, Default)]
pub struct PointsTo {
    pub(super) objects: Vec<AbstractObject>,
    pub(super) fields: Vec<Field>,
    pub(super) instances: Vec<Instance>,
    pub(super) stats: Stats,
    /// Distinct points-to sets, and the set of each constraint node.
    pub(super) sets: Vec<Vec<FieldId>>,
    pub(super) values: Vec<u32>,
    /// First node of each instance, node of each object's cell.
    pub(super) base: Vec<u32>,
    pub(super) contents: Vec<u32>,
    pub(super) of_function: Vec<Vec<InstanceId>>,
    pub(super) callees: BTreeMap<(u32, u32), Vec<Target>>,
    pub(super) callbacks: BTreeMap<(u32, u32), Vec<InstanceId>>,
    pub(super) escaped: Vec<FieldId>,
    pub(super) escaped_functions: Vec<FunctionId>,
    pub(super) operands: FxHashMap<ObjectKind, FieldId>,
    pub(super) lists: Vec<Vec<Operand>>,
}

impl PointsTo {
    /// All objects.
    #[must_use]
    pub fn objects(&self) -> &[AbstractObject] {
        &self.objects
    }

    /// One object.
    #[must_use]
    pub fn object(&self, id: ObjectId) -> &AbstractObject {
        &self.objects[id.0 as usize]
    }

    /// All fields.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// One field.
    #[must_use]
    pub fn field(&self, id: FieldId) -> Field {
        self.fields[id.0 as usize]
    }

    /// The fields of an object, ascending by offset.
    pub fn fields_of(&self, object: ObjectId) -> impl Iterator<Item = FieldId> + use<> {
        let (first, end) = self.object(object).fields;
        (first.0..end.0).map(FieldId)
    }

    /// The fields that `len` bytes from the start of `field` may cover (`None`: all that follow);
    /// ascending. Inside an array all fields of its elements, if `len` reaches beyond the element.
    #[must_use]
    pub fn range(&self, field: FieldId, len: Option<u64>) -> Vec<FieldId> {
        let _ = len;
        vec![field]
    }

    /// All instances.
    #[must_use]
    pub fn instances(&self) -> &[Instance] {
        &self.instances
    }

    /// One instance.
    #[must_use]
    pub fn instance(&self, id: InstanceId) -> &Instance {
        &self.instances[id.0 as usize]
    }

    /// The instances of a function, the one that stands for all other calls first. A function
    /// that is never called (nor exported, nor address-taken) has one as well.
    #[must_use]
    pub fn instances_of(&self, function: FunctionId) -> &[InstanceId] {
        &self.of_function[function.index()]
    }

    /// What a value may point to, in one instance; ascending.
    #[must_use]
    pub fn value(&self, instance: InstanceId, operand: Operand) -> Vec<FieldId> {
        let object = match operand {
            Operand::Local(v) => {
                let node = self.base[instance.0 as usize] + v.0;
                return self.sets[self.values[node as usize] as usize].clone();
            }
            Operand::Any(list) => {
                let mut all: Vec<FieldId> = self.lists[list.index()].iter().flat_map(|o| self.value(instance, *o)).collect();
                all.sort_unstable();
                all.dedup();
                return all;
            }
            Operand::Global(g, _) => ObjectKind::Global(g),
            Operand::ExternalVariable(v, _) => ObjectKind::ExternalVariable(v),
            Operand::Function(f) => ObjectKind::Function(f),
            Operand::External(e) => ObjectKind::ExternalFunction(e),
            Operand::Null | Operand::Int(_) | Operand::Undef | Operand::Other => return Vec::new(),
        };
        self.operands.get(&object).map(|f| vec![*f]).unwrap_or_default()
    }

    /// What the pointers stored in a cell may point to; ascending.
    #[must_use]
    pub fn contents(&self, field: FieldId) -> Vec<FieldId> {
        let node = self.contents[self.field(field).object.0 as usize];
        self.sets[self.values[node as usize] as usize].clone()
    }

    /// Who a call site may call, ascending; empty if it is never reached or not a call.
    #[must_use]
    pub fn callees(&self, instance: InstanceId, ordinal: u32) -> &[Target] {
        self.callees.get(&(instance.0, ordinal)).map_or(&[], Vec::as_slice)
    }

    /// All fields that code with these pointers can reach: the fields' objects whole, what their
    /// cells point to, and so on; ascending.
    #[must_use]
    pub fn reachable(&self, from: &[FieldId]) -> Vec<FieldId> {
        let mut seen: std::collections::BTreeSet<FieldId> = from.iter().copied().collect();
        let mut todo: Vec<FieldId> = from.to_vec();
        while let Some(f) = todo.pop() {
            for g in self.contents(f) {
                if seen.insert(g) {
                    todo.push(g);
                }
            }
        }
        seen.into_iter().collect()
    }

    /// All fields that unknown code may read and write (captured by unannotated externals,
    /// retained, exported); ascending.
    #[must_use]
    pub fn escaped(&self) -> &[FieldId] {
        &self.escaped
    }

    /// Functions that unknown code may call, ascending.
    #[must_use]
    pub fn escaped_functions(&self) -> &[FunctionId] {
        &self.escaped_functions
    }

    /// Functions (instances) that external functions may call back, by the annotation's callbacks
    /// of that call site; ascending.
    #[must_use]
    pub fn callbacks(&self, instance: InstanceId, ordinal: u32) -> &[InstanceId] {
        self.callbacks.get(&(instance.0, ordinal)).map_or(&[], Vec::as_slice)
    }

    /// Figures.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.stats
    }
}

/// The pointer operand of a site.
pub(super) fn operand_of(module: &Module, function: FunctionId, ordinal: u32, which: Pointer) -> Option<Operand> {
    use crate::model::InstrKind as K;
    let function = &module.functions[function.index()];
    let index = function.site(ordinal)?;
    if which == Pointer::Result {
        return Some(Operand::Local(function.value_of(index)));
    }
    match (&function.instrs[index].kind, which) {
        (K::Load { ptr, .. } | K::Store { ptr, .. } | K::AtomicRmw { ptr, .. } | K::CmpXchg { ptr, .. }, Pointer::Address) => Some(*ptr),
        (K::VaArg { list }, Pointer::Address) => Some(*list),
        (K::MemCopy { dst, .. } | K::MemSet { dst, .. }, Pointer::Address) => Some(*dst),
        (K::MemCopy { src, .. }, Pointer::Source) => Some(*src),
        (K::Call(call), Pointer::Argument(arg)) => call.args.get(arg as usize).copied(),
        _ => None,
    }
}
