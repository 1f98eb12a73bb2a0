//! Which arena each allocation asks for, and the copies of allocation wrappers that takes.
//!
//! An object's chain of calls leads from the allocation to the outermost caller that tells it
//! apart. Decisions along these chains form a tree per function (a *flavour*): at its allocation
//! sites an objid, at its calls of wrappers the flavour the wrapper is wanted in. The original of
//! a function has the flavour of its uncloned calls; any other flavour is one clone.

use crate::flow::cut::Cut;
use crate::flow::extent;
use crate::flow::facts::Place;
use crate::model::{Callee, FunctionId, InstrKind, Module};
use crate::points_to::{FieldId, ObjectId, ObjectKind, PointsTo, SiteRef};
use itarget_abi::layout::{OBJ_ENV, OBJ_MIXED, OBJ_REPLAY, OBJ_SHARED};
use itarget_plan::{CutMode, FunctionClone, MixedObject};
use std::collections::BTreeMap;

/// Decisions for the sites of one function, by ordinal.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flavour(BTreeMap<u32, Decision>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Decision {
    /// The objid of an allocation.
    Objid(u32),
    /// The flavour in which this function is called.
    Into(FunctionId, Flavour),
}

impl Flavour {
    /// Adds the objid of the allocation at the start of `chain`, whose last site is in this function.
    fn decide(&mut self, chain: &[SiteRef], objid: u32) {
        match chain {
            [] => {}
            [allocation] => {
                self.0.insert(allocation.ordinal, Decision::Objid(objid));
            }
            [inner @ .., site] => {
                let callee = inner[inner.len() - 1].function;
                let decision =
                    self.0.entry(site.ordinal).or_insert_with(|| Decision::Into(callee, Flavour::default()));
                // A call site of a defined function is no allocation site: always `Into`.
                if let Decision::Into(_, flavour) = decision {
                    flavour.decide(inner, objid);
                }
            }
        }
    }
}

/// One function to emit: the original or a clone.
#[derive(Debug, Clone)]
pub struct Variant {
    /// Symbol name.
    pub name: String,
    /// Function it is (a copy of).
    pub of: FunctionId,
    /// Objid by ordinal of its allocation sites; those missing get 0.
    pub objids: BTreeMap<u32, u32>,
    /// Clone called instead, by ordinal.
    pub redirects: BTreeMap<u32, String>,
}

/// Everything allocation sites need.
#[derive(Debug, Default)]
pub struct Allocation {
    /// Originals with at least one decision, and all clones.
    pub variants: Vec<Variant>,
    /// Clones, sorted by name.
    pub clones: Vec<FunctionClone>,
    /// Objects with ranges (in profile builds: all objects, for their names).
    pub mixed: Vec<MixedObject>,
}

/// The parts of an object's chains along which the pass can tell it apart: direct calls only.
pub(crate) fn chains(module: &Module, points_to: &PointsTo, object: ObjectId) -> Vec<Vec<SiteRef>> {
    match &*points_to.object(object).made_at {
        several @ [_, _, ..] => several.iter().map(|site| vec![*site]).collect(),
        _ => vec![chain(module, &points_to.object(object).chain)],
    }
}

fn chain(module: &Module, full: &[SiteRef]) -> Vec<SiteRef> {
    let mut chain: Vec<SiteRef> = Vec::new();
    for &site in full {
        if let Some(inner) = chain.last() {
            let function = &module.functions[site.function.index()];
            let direct = function.site(site.ordinal).is_some_and(|i| {
                matches!(&function.instrs[i].kind, InstrKind::Call(c) if c.callee == Callee::Function(inner.function))
            });
            if !direct {
                break;
            }
        }
        chain.push(site);
    }
    chain
}

/// Heap objects with an objid, by what the pass can tell apart.
fn groups(module: &Module, points_to: &PointsTo, places: &[Place]) -> BTreeMap<Vec<SiteRef>, Vec<ObjectId>> {
    let mut groups: BTreeMap<Vec<SiteRef>, Vec<ObjectId>> = BTreeMap::new();
    for (index, object) in points_to.objects().iter().enumerate() {
        if places[index] == Place::Movable && matches!(object.kind, ObjectKind::Heap(_)) {
            let id = ObjectId(index as u32);
            for chain in chains(module, points_to, id) {
                groups.entry(chain).or_default().push(id);
            }
        }
    }
    groups
}

/// Pairs of cells that must be on the same side, because their objects can't be told apart by the
/// pass, or they themselves by the runtime.
#[must_use]
pub fn ties(module: &Module, points_to: &PointsTo, places: &[Place]) -> Vec<(FieldId, FieldId)> {
    let mut ties = Vec::new();
    for objects in groups(module, points_to, places).into_values() {
        for &object in &objects {
            arrays(points_to, object, &mut ties);
        }
        for pair in objects.windows(2) {
            for a in points_to.fields_of(pair[0]) {
                let offset = points_to.field(a).offset;
                for b in points_to.fields_of(pair[1]).filter(|b| points_to.field(*b).offset == offset) {
                    ties.extend([(a, b), (b, a)]);
                }
            }
        }
    }
    ties
}

/// Ties the cells of each array whose elements are too many to list.
fn arrays(points_to: &PointsTo, object: ObjectId, ties: &mut Vec<(FieldId, FieldId)>) {
    for cell in points_to.fields_of(object) {
        let Some((start, end, _)) = extent::unlisted(points_to, cell) else { continue };
        let inside = |f: &FieldId| (start..end).contains(&points_to.field(*f).offset);
        for other in points_to.fields_of(object).filter(inside).filter(|f| *f != cell) {
            ties.extend([(cell, other), (other, cell)]);
        }
    }
}

/// Decides objids, clones and redirections.
#[must_use]
pub fn allocate(module: &Module, points_to: &PointsTo, places: &[Place], cut: &Cut, mode: CutMode) -> Allocation {
    let mut mixed: Vec<MixedObject> = Vec::new();
    let mut base: BTreeMap<FunctionId, Flavour> = BTreeMap::new();
    for (chain, objects) in groups(module, points_to, places) {
        let objid = objid(points_to, cut, mode, &objects, &mut mixed);
        let Some(outermost) = chain.last() else { continue };
        base.entry(outermost.function).or_default().decide(&chain, objid);
    }
    let (variants, clones) = variants(module, &base);
    Allocation { variants, clones, mixed }
}

/// The functions to emit for these flavours of the originals.
fn variants(module: &Module, base: &BTreeMap<FunctionId, Flavour>) -> (Vec<Variant>, Vec<FunctionClone>) {
    let mut emitter = Emitter { module, base, normal: BTreeMap::new(), clones: BTreeMap::new(), counts: BTreeMap::new() };
    let mut variants = Vec::new();
    let mut queue: Vec<(String, FunctionId, Flavour)> = Vec::new();
    for &function in base.keys() {
        let flavour = emitter.base(function).unwrap_or_default();
        queue.push((module.functions[function.index()].name.clone(), function, flavour));
    }
    let mut next = 0;
    while let Some((name, of, flavour)) = queue.get(next).cloned() {
        next += 1;
        let mut variant = Variant { name, of, objids: BTreeMap::new(), redirects: BTreeMap::new() };
        for (ordinal, decision) in flavour.0 {
            match decision {
                Decision::Objid(objid) => {
                    variant.objids.insert(ordinal, objid);
                }
                Decision::Into(function, flavour) => {
                    let (name, new) = emitter.clone_of(function, &flavour);
                    if new {
                        queue.push((name.clone(), function, flavour));
                    }
                    variant.redirects.insert(ordinal, name);
                }
            }
        }
        variants.push(variant);
    }
    let mut clones: Vec<FunctionClone> = (emitter.clones.iter())
        .map(|((of, _), name)| FunctionClone { name: name.clone(), of: module.functions[of.index()].name.clone() })
        .collect();
    clones.sort_by(|a, b| a.name.cmp(&b.name));
    (variants, clones)
}

/// The objid of a group of objects that share an allocation.
fn objid(points_to: &PointsTo, cut: &Cut, mode: CutMode, objects: &[ObjectId], mixed: &mut Vec<MixedObject>) -> u32 {
    let first = points_to.object(objects[0]);
    let mut add = |ranges, shared, stride| {
        mixed.push(MixedObject { name: first.name.clone(), ranges, shared, stride });
        OBJ_MIXED + (mixed.len() - 1) as u32
    };
    if mode.watches() {
        return add(Vec::new(), Vec::new(), first.stride);
    }
    let (mut ranges, mut shared): (Vec<(u64, u64)>, Vec<(u64, u64)>) = Default::default();
    let (mut all, mut some) = (true, [false; 2]);
    for field in objects.iter().flat_map(|o| points_to.fields_of(*o)) {
        if !cut.is_environment(field) {
            all = false;
            continue;
        }
        some[usize::from(cut.is_shared(field))] = true;
        let ranges = if cut.is_shared(field) { &mut shared } else { &mut ranges };
        match (extent::ranges(points_to, field), extent::unlisted(points_to, field)) {
            (Some(own), _) => ranges.extend(own),
            // All cells of that array are on this side, see `ties`.
            (None, Some((start, end, _))) => ranges.push((start, end)),
            (None, None) => {}
        }
    }
    match (all, some) {
        _ if ranges.is_empty() && shared.is_empty() => OBJ_REPLAY,
        (true, [true, false]) => OBJ_ENV,
        (true, [false, true]) => OBJ_SHARED,
        _ => {
            let ranges = extent::merged(ranges);
            let shared = extent::without(extent::merged(shared), &ranges);
            add(ranges, shared, first.stride)
        }
    }
}

struct Emitter<'a> {
    module: &'a Module,
    base: &'a BTreeMap<FunctionId, Flavour>,
    /// Normal forms of `base`; `None` while being computed.
    normal: BTreeMap<FunctionId, Option<Flavour>>,
    clones: BTreeMap<(FunctionId, Flavour), String>,
    counts: BTreeMap<FunctionId, usize>,
}

impl Emitter<'_> {
    /// The normal flavour of the original of a function; `None` while it is being computed.
    fn base(&mut self, function: FunctionId) -> Option<Flavour> {
        if let Some(known) = self.normal.get(&function) {
            return known.clone();
        }
        self.normal.insert(function, None);
        let flavour = self.base.get(&function).cloned().unwrap_or_default();
        let normal = self.normalize(&flavour);
        self.normal.insert(function, Some(normal.clone()));
        Some(normal)
    }

    /// Leaves out what holds anyway: objid 0, and calls of the original as it is.
    fn normalize(&mut self, flavour: &Flavour) -> Flavour {
        let mut normal = Flavour::default();
        for (&ordinal, decision) in &flavour.0 {
            match decision {
                Decision::Objid(OBJ_REPLAY) => {}
                Decision::Objid(objid) => {
                    normal.0.insert(ordinal, Decision::Objid(*objid));
                }
                Decision::Into(function, inner) => {
                    let inner = self.normalize(inner);
                    if self.base(*function).as_ref() != Some(&inner) {
                        normal.0.insert(ordinal, Decision::Into(*function, inner));
                    }
                }
            }
        }
        normal
    }

    /// Name of the clone of a function in a flavour, and whether it is new.
    fn clone_of(&mut self, function: FunctionId, flavour: &Flavour) -> (String, bool) {
        let key = (function, flavour.clone());
        if let Some(name) = self.clones.get(&key) {
            return (name.clone(), false);
        }
        let count = self.counts.entry(function).or_default();
        *count += 1;
        let name = format!("{}.itarget.{count}", self.module.functions[function.index()].name);
        self.clones.insert(key, name.clone());
        (name, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Class, Function, Signature};

    fn module(names: &[&str]) -> Module {
        let function = |name: &&str| Function {
            name: (*name).to_owned(),
            signature: Signature { params: vec![], ret: Class::Void, variadic: false },
            byval: vec![],
            exported: false,
            used_outside: false,
            address_taken: false,
            prototype: None,
            called_as: None,
            returns_twice: false,
            at: None,
            twin: None,
            instrs: vec![],
            sites: vec![],
            numbers: Vec::new(),
            blocks: vec![],
        };
        Module { functions: names.iter().map(function).collect(), ..Module::default() }
    }

    fn site(function: u32, ordinal: u32) -> SiteRef {
        SiteRef { function: FunctionId(function), ordinal }
    }

    fn base(chains: &[(&[SiteRef], u32)]) -> BTreeMap<FunctionId, Flavour> {
        let mut base: BTreeMap<FunctionId, Flavour> = BTreeMap::new();
        for (chain, objid) in chains {
            base.entry(chain[chain.len() - 1].function).or_default().decide(chain, *objid);
        }
        base
    }

    #[test]
    fn one_clone_for_all_callers_that_want_the_same() {
        let module = module(&["main", "xmalloc"]);
        let allocation = site(1, 0);
        let chains: &[(&[SiteRef], u32)] = &[
            (&[allocation, site(0, 1)], OBJ_ENV),
            (&[allocation, site(0, 2)], OBJ_REPLAY),
            (&[allocation, site(0, 3)], OBJ_ENV),
        ];
        let (variants, clones) = variants(&module, &base(chains));
        assert_eq!(clones.len(), 1);
        let main = variants.iter().find(|v| v.name == "main").unwrap();
        let redirects: Vec<(u32, &str)> = main.redirects.iter().map(|(o, n)| (*o, n.as_str())).collect();
        assert_eq!(redirects, [(1, "xmalloc.itarget.1"), (3, "xmalloc.itarget.1")]);
        let clone = variants.iter().find(|v| v.name == "xmalloc.itarget.1").unwrap();
        assert_eq!(clone.objids.get(&0), Some(&OBJ_ENV));
    }

    #[test]
    fn wrappers_of_wrappers_are_cloned_too() {
        let module = module(&["main", "xmalloc", "xzalloc"]);
        let chains: &[(&[SiteRef], u32)] = &[
            (&[site(1, 0), site(2, 5), site(0, 1)], OBJ_ENV),
            (&[site(1, 0), site(2, 5), site(0, 2)], OBJ_REPLAY),
        ];
        let (variants, clones) = variants(&module, &base(chains));
        let names: Vec<&str> = clones.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["xmalloc.itarget.1", "xzalloc.itarget.1"]);
        let outer = variants.iter().find(|v| v.name == "xzalloc.itarget.1").unwrap();
        assert_eq!(outer.redirects.get(&5).map(String::as_str), Some("xmalloc.itarget.1"));
    }

    #[test]
    fn an_original_in_another_flavour_is_no_default() {
        // Through a pointer the wrapper makes environment objects; one direct call wants replay space.
        let module = module(&["main", "xmalloc"]);
        let chains: &[(&[SiteRef], u32)] =
            &[(&[site(1, 0)], OBJ_ENV), (&[site(1, 0), site(0, 2)], OBJ_REPLAY)];
        let (variants, clones) = variants(&module, &base(chains));
        assert_eq!(clones.len(), 1);
        let original = variants.iter().find(|v| v.name == "xmalloc").unwrap();
        assert_eq!(original.objids.get(&0), Some(&OBJ_ENV));
        let clone = variants.iter().find(|v| v.name == "xmalloc.itarget.1").unwrap();
        assert!(clone.objids.is_empty(), "objid 0 is what is not said");
    }

    #[test]
    fn mutual_recursion_ends() {
        let module = module(&["a", "b"]);
        let chains: &[(&[SiteRef], u32)] = &[
            (&[site(0, 0), site(1, 1)], OBJ_ENV),
            (&[site(1, 0), site(0, 1)], OBJ_ENV),
            (&[site(0, 0), site(1, 1), site(0, 1)], OBJ_ENV),
        ];
        let (variants, _) = variants(&module, &base(chains));
        assert!(variants.len() < 10);
    }
}
