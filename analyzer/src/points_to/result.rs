//! The result of the points-to analysis, frozen: numbered, sorted, with the solver's nodes gone.

use super::objects::Region;
use super::set::Set;
use super::{
    AbstractObject, Field, FieldId, Instance, InstanceId, ObjectId, ObjectKind, Pointer, SiteRef, Stats, Target,
};
use crate::model::{Access, Declared, FunctionId, GlobalId, Module, Operand, TypeId};
use rustc_hash::{FxHashMap, FxHashSet};
use std::cell::RefCell;

/// Points-to sets of all pointers and cells, and the call graph.
#[derive(Debug, Clone, Default)]
pub struct PointsTo {
    pub(super) objects: Vec<AbstractObject>,
    pub(super) fields: Vec<Field>,
    pub(super) instances: Vec<Instance>,
    pub(super) stats: Stats,
    pub(super) globals: Vec<(GlobalId, ObjectId)>,
    pub(super) frozen: Frozen,
    pub(super) options: super::Options,
    /// Whether a layout has a place for a member, as far as somebody asked.
    somewhere: RefCell<FxHashMap<(TypeId, u32), bool>>,
}

/// What queries look at.
#[derive(Debug, Clone, Default)]
pub(super) struct Frozen {
    /// Arrays by object.
    pub(super) regions: Vec<Vec<Region>>,
    /// Object, and field (`None`: all of the object's).
    pub(super) locs: Vec<(ObjectId, Option<FieldId>)>,
    /// Locations before their objects: nothing is accessed there, but others are computed from them.
    pub(super) before: FxHashSet<u32>,
    /// Distinct sets of locations.
    pub(super) sets: Vec<Set>,
    /// Set by node.
    pub(super) by_node: Vec<u32>,
    /// Set by field.
    pub(super) contents: Vec<u32>,
    /// Set by constant operand.
    pub(super) operands: FxHashMap<Operand, u32>,
    /// First node by instance.
    pub(super) bases: Vec<u32>,
    pub(super) by_function: Vec<Vec<InstanceId>>,
    pub(super) targets: FxHashMap<(InstanceId, u32), Vec<Target>>,
    pub(super) callbacks: FxHashMap<(InstanceId, u32), Vec<InstanceId>>,
    pub(super) escaped: Vec<FieldId>,
    pub(super) escaped_functions: Vec<FunctionId>,
}

impl PointsTo {
    /// What it was solved with.
    #[must_use]
    pub fn options(&self) -> &super::Options {
        &self.options
    }

    /// All objects.
    #[must_use]
    pub fn objects(&self) -> &[AbstractObject] {
        &self.objects
    }

    /// The object that each variable is (tables that no code tells apart share one), ascending; those that nothing
    /// looks into are missing.
    #[must_use]
    pub fn globals(&self) -> &[(GlobalId, ObjectId)] {
        &self.globals
    }

    /// One object.
    #[must_use]
    pub fn object(&self, id: ObjectId) -> &AbstractObject {
        &self.objects[id.0 as usize]
    }

    /// The field is part of a copy of a static result of the library.
    #[must_use]
    pub fn is_copy(&self, field: FieldId) -> bool {
        let object = self.object(self.field(field).object);
        object.kind == ObjectKind::Copy && object.name.starts_with("copy:")
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

    /// The fields of an object, ascending by offset; at least one.
    pub fn fields_of(&self, object: ObjectId) -> impl Iterator<Item = FieldId> + use<> {
        let (first, end) = self.object(object).fields;
        (first.0..end.0).map(FieldId)
    }

    /// The arrays in an object as `(start, end, stride)` in bytes, outer before inner; an array
    /// inside array elements appears once, in the first element. `end` is `u64::MAX` if not known.
    pub fn arrays(&self, object: ObjectId) -> impl Iterator<Item = (u64, u64, u64)> + '_ {
        self.frozen.regions[object.0 as usize].iter().map(|r| (r.start, r.end, r.stride))
    }

    /// The fields that `len` bytes from the start of `field` may cover (`None`: all that follow);
    /// ascending. Inside an array all fields of its elements, if `len` reaches beyond the element.
    #[must_use]
    pub fn range(&self, field: FieldId, len: Option<u64>) -> Vec<FieldId> {
        let Field { object, offset, .. } = self.field(field);
        let regions = &self.frozen.regions[object.0 as usize];
        let len = len.unwrap_or(u64::MAX);
        // The field stands for all elements of the arrays it is in: bytes from any of them on.
        let mut last = offset;
        let mut around = regions.iter().filter(|r| r.contains(offset)).peekable();
        let mut low = offset;
        if around.peek().is_some() {
            for r in around {
                let inside = (offset - r.start) % r.stride;
                if len > r.stride - inside {
                    low = low.min(r.start);
                    last = last.max(r.end.saturating_sub(r.stride).saturating_add(inside));
                }
            }
        }
        let high = last.saturating_add(len);
        self.fields_of(object)
            .filter(|other| {
                let Field { offset: at, size, .. } = self.field(*other);
                // An inner array's field stands for the whole array.
                let inner = regions.iter().filter(|r| r.contains(at) && !r.contains(offset)).map(|r| r.end).max();
                let end = size.map_or(u64::MAX, |size| at.saturating_add(size)).max(inner.unwrap_or(0));
                *other == field || at < high && end > low
            })
            .collect()
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

    /// The instances of a function, the one that stands for all other calls first. Empty if the
    /// function is never reached.
    #[must_use]
    pub fn instances_of(&self, function: FunctionId) -> &[InstanceId] {
        &self.frozen.by_function[function.index()]
    }

    pub(super) fn set_of(&self, instance: InstanceId, operand: Operand) -> Option<u32> {
        match operand {
            Operand::Local(value) => {
                let node = self.frozen.bases[instance.0 as usize] as usize + value.index();
                self.frozen.by_node.get(node).copied()
            }
            other => self.frozen.operands.get(&other).copied(),
        }
    }

    pub(super) fn expand(&self, set: u32) -> Vec<FieldId> {
        self.fields_at(self.frozen.sets[set as usize].iter().map(|loc| self.frozen.locs[loc as usize]))
    }

    /// Places and objects in the union of these sets that an access may touch, code not counted. An unknown place in an
    /// object is one, and stands for all others in it.
    pub(super) fn sizes(&self, module: &Module, sets: &[u32], access: &Access) -> (usize, usize) {
        let mut places: Vec<(ObjectId, Option<FieldId>)> = self.touched(module, sets, access);
        places.retain(|(object, _)| {
            !matches!(self.object(*object).kind, ObjectKind::Function(_) | ObjectKind::ExternalFunction(_))
        });
        places.sort_unstable();
        places.dedup();
        let mut objects = 0;
        let mut count = 0;
        for of in places.chunk_by(|a, b| a.0 == b.0) {
            objects += 1;
            count += if of[0].1.is_none() { 1 } else { of.len() };
        }
        (count, objects)
    }

    /// The locations in these sets that an access may touch, by the room that there is and by C's rules on effective types.
    /// All of them, if that leaves none: then the program does not keep to these rules.
    fn touched(&self, module: &Module, sets: &[u32], access: &Access) -> Vec<(ObjectId, Option<FieldId>)> {
        let locs = || sets.iter().flat_map(|set| self.frozen.sets[*set as usize].iter());
        let place = |loc: u32| self.frozen.locs[loc as usize];
        let there = locs().filter(|loc| !self.frozen.before.contains(loc)).map(place);
        let some: Vec<_> = there.filter(|(object, field)| self.admits(module, *object, *field, access)).collect();
        if some.is_empty() { locs().map(place).collect() } else { some }
    }

    fn admits(&self, module: &Module, object: ObjectId, field: Option<FieldId>, access: &Access) -> bool {
        let o = self.object(object);
        if o.shape.as_ref().is_some_and(|shape| !shape.admits(access.declared, access.record, access.size)) {
            return false;
        }
        let before = access.member.map_or(0, |index| module.members[index as usize].offset);
        // What no type is said of may be a word, or a vector, that reaches over the edge of what it is after.
        let word = access.size > 1 && access.member.is_none() && matches!(access.declared, Declared::Unknown | Declared::Any);
        let fits = |from: u64| word || o.size.is_none_or(|size| size == 0 || from.saturating_add(access.size) <= size);
        if !fits(before) {
            return false;
        }
        let one = self.frozen.regions[object.0 as usize].contains(&Region::WHOLE) || o.fields.1.0 - o.fields.0.0 == 1;
        let offset = field.filter(|_| !one).map(|field| self.field(field).offset);
        let admits = |ty| module.types.admits(ty, offset, access, &module.members);
        offset.is_none_or(fits)
            && o.layout.is_none_or(|ty| match (access.member, offset) {
                // Large sets ask the same again and again.
                (Some(member), None) => *self.somewhere.borrow_mut().entry((ty, member)).or_insert_with(|| admits(ty)),
                _ => admits(ty),
            })
    }

    /// The distinct sets of an operand over all instances of a function.
    pub(super) fn sets_of(&self, function: FunctionId, operand: Operand) -> Vec<u32> {
        let instances = self.instances_of(function);
        let mut sets: Vec<u32> = instances.iter().filter_map(|i| self.set_of(*i, operand)).collect();
        sets.sort_unstable();
        sets.dedup();
        sets
    }

    /// What a load or store through a pointer may touch, over all instances of a function; ascending. Narrower than
    /// [`PointsTo::value_merged`]: memory in which nothing of the type of the access can be is left out.
    #[must_use]
    pub fn accessed(&self, module: &Module, function: FunctionId, operand: Operand, access: &Access) -> Vec<FieldId> {
        self.fields_at(self.touched(module, &self.sets_of(function, operand), access))
    }

    /// The cell that a pointer leads to, if it can be at no other place in any object; over all instances of a function.
    #[must_use]
    pub fn exact(&self, function: FunctionId, operand: Operand) -> Option<FieldId> {
        let sets = self.sets_of(function, operand);
        let mut locs = sets.iter().flat_map(|set| self.frozen.sets[*set as usize].iter()).map(|loc| self.frozen.locs[loc as usize]);
        let (_, Some(first)) = locs.next()? else { return None };
        locs.all(|(_, field)| field == Some(first)).then_some(first)
    }

    fn fields_at(&self, locs: impl IntoIterator<Item = (ObjectId, Option<FieldId>)>) -> Vec<FieldId> {
        let mut fields = Vec::new();
        for loc in locs {
            match loc {
                (_, Some(field)) => fields.push(field),
                (object, None) => fields.extend(self.fields_of(object)),
            }
        }
        fields.sort_unstable();
        fields.dedup();
        fields
    }

    /// What a value may point to, in one instance; ascending. A pointer to an unknown place in an
    /// object stands for all its fields.
    #[must_use]
    pub fn value(&self, instance: InstanceId, operand: Operand) -> Vec<FieldId> {
        self.set_of(instance, operand).map_or_else(Vec::new, |set| self.expand(set))
    }

    /// As [`PointsTo::value`], over all instances of a function.
    #[must_use]
    pub fn value_merged(&self, function: FunctionId, operand: Operand) -> Vec<FieldId> {
        let sets = self.sets_of(function, operand);
        if let [only] = sets.as_slice() {
            return self.expand(*only);
        }
        let mut all: Vec<FieldId> = sets.iter().flat_map(|set| self.expand(*set)).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// A number that is the same for the same set of [`PointsTo::value`].
    #[must_use]
    pub fn set_id(&self, instance: InstanceId, operand: Operand) -> Option<u32> {
        self.set_of(instance, operand)
    }

    /// What the pointers stored in a cell may point to; ascending.
    #[must_use]
    pub fn contents(&self, field: FieldId) -> Vec<FieldId> {
        self.expand(self.frozen.contents[field.0 as usize])
    }

    /// Who a call site may call, ascending; empty if it is never reached or not a call.
    #[must_use]
    pub fn callees(&self, instance: InstanceId, ordinal: u32) -> &[Target] {
        self.frozen.targets.get(&(instance, ordinal)).map_or(&[], Vec::as_slice)
    }

    /// All fields that code with these pointers can reach: the fields' objects whole, what their
    /// cells point to, and so on; ascending. Code has no cells.
    #[must_use]
    pub fn reachable(&self, from: &[FieldId]) -> Vec<FieldId> {
        let mut seen = vec![false; self.objects.len()];
        let mut sets = vec![false; self.frozen.sets.len()];
        let mut work = Vec::new();
        let mut enter = |object: ObjectId, work: &mut Vec<ObjectId>| {
            let code = matches!(self.object(object).kind, ObjectKind::Function(_) | ObjectKind::ExternalFunction(_));
            if !code && !seen[object.0 as usize] {
                seen[object.0 as usize] = true;
                work.push(object);
            }
        };
        for field in from {
            enter(self.field(*field).object, &mut work);
        }
        while let Some(object) = work.pop() {
            for field in self.fields_of(object) {
                let set = self.frozen.contents[field.0 as usize] as usize;
                if std::mem::replace(&mut sets[set], true) {
                    continue;
                }
                for loc in self.frozen.sets[set].iter() {
                    enter(self.frozen.locs[loc as usize].0, &mut work);
                }
            }
        }
        let reached = (0..self.objects.len()).filter(|i| seen[*i]);
        reached.flat_map(|i| self.fields_of(ObjectId(u32::try_from(i).unwrap_or(u32::MAX)))).collect()
    }

    /// All fields that unknown code may read and write (captured by unannotated externals,
    /// retained by annotated ones, exported), with what is reachable from them; ascending.
    #[must_use]
    pub fn escaped(&self) -> &[FieldId] {
        &self.frozen.escaped
    }

    /// Functions that unknown code may call, ascending.
    #[must_use]
    pub fn escaped_functions(&self) -> &[FunctionId] {
        &self.frozen.escaped_functions
    }

    /// Functions (instances) that external functions may call back, by the annotation's callbacks
    /// of that call site; ascending.
    #[must_use]
    pub fn callbacks(&self, instance: InstanceId, ordinal: u32) -> &[InstanceId] {
        self.frozen.callbacks.get(&(instance, ordinal)).map_or(&[], Vec::as_slice)
    }

    /// Figures.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// The fields a pointer operand of a site may address, in one instance; ascending.
    #[must_use]
    pub fn access(&self, module: &Module, instance: InstanceId, ordinal: u32, which: Pointer) -> Vec<FieldId> {
        let function = self.instance(instance).function;
        operand_of(module, function, ordinal, which).map_or_else(Vec::new, |operand| self.value(instance, operand))
    }

    /// As [`PointsTo::access`], over all instances of the function.
    #[must_use]
    pub fn access_merged(&self, module: &Module, site: SiteRef, which: Pointer) -> Vec<FieldId> {
        let mut all = Vec::new();
        for instance in self.instances_of(site.function) {
            all.extend(self.access(module, *instance, site.ordinal, which));
        }
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// The pointer operand of a site.
fn operand_of(module: &Module, function: FunctionId, ordinal: u32, which: Pointer) -> Option<Operand> {
    use crate::model::InstrKind as K;
    let function = &module.functions[function.index()];
    let index = function.site(ordinal)?;
    if which == Pointer::Result {
        return Some(Operand::Local(function.value_of(index)));
    }
    match (&function.instrs[index].kind, which) {
        (
            K::Load { ptr, .. } | K::Store { ptr, .. } | K::AtomicRmw { ptr, .. } | K::CmpXchg { ptr, .. },
            Pointer::Address,
        ) => Some(*ptr),
        (K::VaArg { list }, Pointer::Address) => Some(*list),
        (K::MemCopy { dst, .. } | K::MemSet { dst, .. }, Pointer::Address) => Some(*dst),
        (K::MemCopy { src, .. }, Pointer::Source) => Some(*src),
        (K::Call(call), Pointer::Argument(arg)) => call.args.get(arg as usize).copied(),
        _ => None,
    }
}
