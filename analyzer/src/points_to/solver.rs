//! The constraint solver: inclusion constraints over nodes that hold sets of locations.
//!
//! Wave propagation with difference sets (Pereira and Berlin, "Wave Propagation and Deep
//! Propagation for Pointer Analysis", CGO 2009): merge cycles of copy edges, then pass what is new
//! along in topological order; loads, stores and calls add edges on the way; repeat until nothing is new.

use super::inner::{Inner, Own};
use super::members::Places;
use super::proven::{Filters, Only};
use super::objects::{Loc, Obj, Region, Step, is_before};
use super::set::{BLOCK, Set};
use super::{ObjectKind, Options};
use crate::model::{Declared, GepStep, TypedMember, Module, Types};
use rustc_hash::{FxHashMap, FxHashSet};

/// A node of the constraint graph.
pub(super) type Node = u32;

/// No node: a value that holds no pointer.
pub(super) const NONE: Node = u32::MAX;

/// Words that an access moves, and what they are declared as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Slots {
    pub(super) count: u16,
    /// Bytes.
    pub(super) size: u16,
    pub(super) declared: Declared,
    /// See [`crate::model::Access::record`].
    pub(super) record: Option<u32>,
    /// See [`crate::model::Access::member`].
    pub(super) member: Option<u32>,
}

impl Slots {
    /// One word of any type, as a library function moves it by its annotation (never out of shaped memory).
    pub(super) const ONE: Slots = Slots { count: 1, size: 8, declared: Declared::Any, record: None, member: None };
}

/// A constraint hanging on the node whose locations it looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// `target` may hold these locations after the steps with that index.
    Gep { steps: u32, target: Node },
    /// `target` may hold the locations' objects at any place.
    Anywhere { target: Node },
    /// `target` may hold what is in the location (`slots` words from there).
    Load { target: Node, slots: Slots },
    /// The location may hold what `source` holds.
    Store { source: Node, slots: Slots },
    /// `target` may hold the locations that a filter lets pass.
    Only { only: Only, target: Node },
    /// A store into the location's object of a pointer into that object.
    Inner(u32),
    /// Source of a memory copy.
    CopyFrom(u32),
    /// Destination of a memory copy.
    CopyTo(u32),
    /// Callee of an indirect call.
    Callee(u32),
    /// Unknown code has the location: what is reachable from it is in the node too, and it may
    /// store there what it has.
    Escape,
}

/// A memory copy.
#[derive(Debug, Clone, Copy)]
pub(super) struct MemCopy {
    pub(super) dst: Node,
    pub(super) src: Node,
    pub(super) len: Option<u64>,
    /// What stands between, once there are too many pairs: copied to, copied from.
    pub(super) between: Option<(Loc, Loc)>,
}

/// No object: the first location of a block that objects share.
pub(super) const NOBODY: u32 = u32::MAX;

/// Places before one object that are told apart.
const MAX_BEFORE: u32 = 16;

/// Pointers to an object from which on it gets few new fields.
const MOBBED: u32 = 1024;

/// The solver's state.
pub(super) struct Solver<'a> {
    pub(super) types: &'a Types,
    pub(super) members: &'a [TypedMember],
    pub(super) places: Places,
    pub(super) filters: Filters,
    /// Cells keep pointers and numbers apart, see [`Solver::cell`].
    pub(super) typed: bool,
    pub(super) options: &'a Options,
    pub(super) parent: Vec<Node>,
    /// All that is merged there is defined by the same constraint, and by nothing else.
    pub(super) pure: Vec<bool>,
    pub(super) pts: Vec<Set>,
    pub(super) delta: Vec<Set>,
    /// Room for what is new to a node.
    pub(super) spare: Set,
    pub(super) copies: Vec<Vec<Node>>,
    pub(super) uses: Vec<Vec<Use>>,
    pub(super) edges: FxHashSet<u64>,
    pub(super) objects: Vec<Obj>,
    /// Object, offset (`None`: anywhere), node of the contents (`NONE` for anywhere).
    pub(super) locs: Vec<(u32, Option<u64>, Node)>,
    pub(super) steps: Vec<Box<[GepStep]>>,
    pub(super) step_ids: FxHashMap<Box<[GepStep]>, u32>,
    /// By index of steps: they are on a cycle, so that offsets would grow without end.
    pub(super) cyclic: Vec<bool>,
    pub(super) cyclic_ids: FxHashMap<u32, u32>,
    pub(super) memcopies: Vec<MemCopy>,
    /// By node, length, and whether it is copied from: see [`Solver::buffer`].
    pub(super) buffers: FxHashMap<(Node, Option<u64>, bool), Loc>,
    /// Locations of code, by block of a set.
    pub(super) code: Vec<u64>,
    pub(super) inners: Vec<Inner>,
    /// Lists of indices of steps.
    pub(super) loops: Vec<Box<[u32]>>,
    /// Nodes made for one object alone.
    pub(super) lone: FxHashSet<Node>,
    /// See [`Solver::own`].
    pub(super) owns: FxHashMap<(Own, Loc), Node>,
    /// First and next free location of the blocks of objects that have only one each.
    pub(super) packed: Option<(Loc, Loc)>,
    /// Nodes that are defined by copies of these alone.
    pub(super) choices: Vec<(Node, Box<[Node]>)>,
    /// By node and words: what is stored through it by more than one store.
    pub(super) joints: FxHashMap<(Node, Slots), Node>,
    pub(super) copied: FxHashSet<(Loc, Loc, Option<u64>)>,
    /// Function locations that reached an indirect callee: (call, location).
    pub(super) called: Vec<(u32, Loc)>,
    /// Function locations that reached the node of what unknown code holds.
    pub(super) escape: Node,
    pub(super) escaped_code: Vec<Loc>,
    pub(super) dirty: Vec<Node>,
    pub(super) is_dirty: Vec<bool>,
    /// Position in topological order, as of the last merging of cycles.
    pub(super) rank: Vec<u32>,
    pub(super) new_edges: usize,
    pub(super) waves: usize,
    /// Pointers by object, as of the last look.
    pub(super) popularity: Vec<u32>,
    /// Pointers from which on an object is popular.
    pub(super) crowd: u32,
    /// [`Solver::is_popular`] has new answers.
    pub(super) looked: bool,
    pub(super) merges: usize,
    pub(super) constraints: usize,
}

impl<'a> Solver<'a> {
    pub(super) fn new(module: &'a Module, options: &'a Options) -> Self {
        let mut solver = Solver {
            types: &module.types,
            members: &module.members,
            places: Places::default(),
            filters: Filters::new(module),
            typed: module.typed,
            options,
            parent: Vec::new(),
            pure: Vec::new(),
            pts: Vec::new(),
            delta: Vec::new(),
            spare: Set::default(),
            copies: Vec::new(),
            uses: Vec::new(),
            edges: FxHashSet::default(),
            objects: Vec::new(),
            locs: Vec::new(),
            steps: Vec::new(),
            step_ids: FxHashMap::default(),
            cyclic: Vec::new(),
            cyclic_ids: FxHashMap::default(),
            memcopies: Vec::new(),
            buffers: FxHashMap::default(),
            code: Vec::new(),
            inners: Vec::new(),
            loops: Vec::new(),
            lone: FxHashSet::default(),
            owns: FxHashMap::default(),
            packed: None,
            choices: Vec::new(),
            joints: FxHashMap::default(),
            copied: FxHashSet::default(),
            called: Vec::new(),
            escape: 0,
            escaped_code: Vec::new(),
            dirty: Vec::new(),
            is_dirty: Vec::new(),
            rank: Vec::new(),
            new_edges: 0,
            waves: 0,
            popularity: Vec::new(),
            crowd: 0,
            looked: false,
            merges: 0,
            constraints: 0,
        };
        solver.escape = solver.node();
        solver.attach(solver.escape, Use::Escape);
        solver
    }

    /// A fresh node.
    pub(super) fn node(&mut self) -> Node {
        let node = u32::try_from(self.parent.len()).unwrap_or(NONE);
        self.parent.push(node);
        self.pure.push(false);
        self.pts.push(Set::default());
        self.delta.push(Set::default());
        self.copies.push(Vec::new());
        self.uses.push(Vec::new());
        self.is_dirty.push(false);
        node
    }

    /// The node of what a cell holds. Where the program keeps to C's rules on effective types, it stands
    /// for what was stored as a pointer; its twin ([`Solver::numbers`]) for what was stored as a number.
    pub(super) fn cell(&mut self) -> Node {
        let cell = self.node();
        if self.typed {
            self.node();
        }
        cell
    }

    /// The node of what was stored in a cell as a number. A node stands for its cell by the index that it
    /// was made with, whatever it was merged with since.
    pub(super) fn numbers(&self, cell: Node) -> Node {
        if self.typed { cell + 1 } else { cell }
    }

    /// One cell may hold what the other holds.
    pub(super) fn flow(&mut self, from: Node, to: Node) {
        self.edge(from, to);
        if self.typed {
            self.edge(from + 1, to + 1);
        }
    }

    /// The nodes of a cell that a value declared as that goes through.
    fn parts(&self, cell: Node, declared: Declared) -> impl Iterator<Item = Node> + use<> {
        let pointers = (declared != Declared::Number || !self.typed).then_some(cell);
        let numbers = (declared != Declared::Pointer && self.typed).then_some(cell + 1);
        pointers.into_iter().chain(numbers)
    }

    /// A value is read out of a cell.
    pub(super) fn read(&mut self, cell: Node, to: Node, declared: Declared) {
        self.parts(cell, declared).for_each(|part| self.edge(part, to));
    }

    /// A value is written into a cell.
    pub(super) fn write(&mut self, from: Node, cell: Node, declared: Declared) {
        self.parts(cell, declared).for_each(|part| self.edge(from, part));
    }

    /// `count` fresh nodes in a row; the first is returned.
    pub(super) fn nodes(&mut self, count: usize) -> Node {
        let first = u32::try_from(self.parent.len()).unwrap_or(NONE);
        for _ in 0..count {
            self.node();
        }
        first
    }

    /// The node that stands for `node` after merging.
    pub(super) fn find(&mut self, mut node: Node) -> Node {
        while self.parent[node as usize] != node {
            let up = self.parent[self.parent[node as usize] as usize];
            self.parent[node as usize] = up;
            node = up;
        }
        node
    }

    /// As [`Solver::find`], without shortening paths.
    pub(super) fn representative(&self, mut node: Node) -> Node {
        while self.parent[node as usize] != node {
            node = self.parent[node as usize];
        }
        node
    }

    pub(super) fn points_to(&self, node: Node) -> &Set {
        &self.pts[self.representative(node) as usize]
    }

    /// Nothing is left to propagate.
    pub(super) fn is_done(&self) -> bool {
        self.dirty.is_empty()
    }

    /// Number of nodes.
    pub(super) fn node_count(&self) -> usize {
        self.parent.len()
    }

    /// Mean number of objects of the pointers that have any, but for those of one object alone ([`Solver::own`]).
    pub(super) fn mean_objects(&self) -> usize {
        let sets = || (0u32..).zip(&self.pts).filter(|(node, set)| !set.is_empty() && !self.lone.contains(node)).map(|(_, set)| set);
        sets().map(Set::block_count).sum::<usize>() / sets().count().max(1)
    }

    /// Number of nodes that stand for themselves.
    pub(super) fn distinct_nodes(&self) -> usize {
        self.parent.iter().enumerate().filter(|(i, p)| **p as usize == *i).count()
    }

    pub(super) fn touch(&mut self, node: Node) {
        if !self.is_dirty[node as usize] {
            self.is_dirty[node as usize] = true;
            self.dirty.push(node);
        }
    }

    /// Adds a location to a node.
    pub(super) fn add(&mut self, node: Node, loc: Loc) {
        if node == NONE {
            return;
        }
        let node = self.find(node);
        if self.pts[node as usize].insert(loc) {
            self.delta[node as usize].insert(loc);
            self.touch(node);
        }
    }

    pub(super) fn add_all(&mut self, node: Node, set: &Set) {
        let mut missing = std::mem::take(&mut self.spare);
        self.pts[node as usize].missing_into(set, &mut missing);
        if !missing.is_empty() {
            self.pts[node as usize].extend(&missing);
            self.delta[node as usize].extend(&missing);
            self.touch(node);
        }
        self.spare = missing;
    }

    /// `to` may hold what `from` holds.
    pub(super) fn edge(&mut self, from: Node, to: Node) {
        if from == NONE || to == NONE {
            return;
        }
        let (from, to) = (self.find(from), self.find(to));
        if from == to || !self.edges.insert(u64::from(from) << 32 | u64::from(to)) {
            return;
        }
        self.constraints += 1;
        self.new_edges += 1;
        self.copies[from as usize].push(to);
        let set = std::mem::take(&mut self.pts[from as usize]);
        self.add_all(to, &set);
        self.pts[from as usize] = set;
    }

    /// Hangs a constraint on a node.
    pub(super) fn attach(&mut self, node: Node, what: Use) {
        if node == NONE {
            return;
        }
        self.constraints += 1;
        let node = self.find(node);
        self.uses[node as usize].push(what);
        let set = self.pts[node as usize].clone();
        self.apply_all(what, &set);
    }

    /// Hangs a constraint on a node that is all that defines its target.
    pub(super) fn define(&mut self, node: Node, what: Use) {
        if let Use::Gep { target, .. } | Use::Anywhere { target } | Use::Load { target, .. } = what {
            self.pure[target as usize] = true;
        }
        self.attach(node, what);
    }

    /// `target`, which nothing else defines, is another name of `node`.
    pub(super) fn alias(&mut self, node: Node, target: Node) {
        if node == NONE || target == NONE {
            return;
        }
        let pure = self.pure[self.representative(node) as usize];
        self.merge(node, target);
        let node = self.find(node);
        self.pure[node as usize] = pure;
    }

    /// `target`, which nothing else defines, may hold what any of these holds.
    pub(super) fn choice(&mut self, from: Box<[Node]>, target: Node) {
        for node in &from {
            self.edge(*node, target);
        }
        self.choices.push((target, from));
    }

    /// The index of a list of steps.
    pub(super) fn intern(&mut self, steps: &[GepStep]) -> u32 {
        if let Some(id) = self.step_ids.get(steps) {
            return *id;
        }
        let id = u32::try_from(self.steps.len()).unwrap_or(u32::MAX);
        self.steps.push(steps.into());
        self.cyclic.push(false);
        self.step_ids.insert(steps.into(), id);
        id
    }

    /// A node that holds what `base` holds, steps further.
    pub(super) fn stepped(&mut self, base: Node, steps: &[GepStep]) -> Node {
        if base == NONE {
            return NONE;
        }
        let target = self.node();
        let steps = self.intern(steps);
        self.define(base, Use::Gep { steps, target });
        target
    }

    /// A node that holds the objects of what `base` holds, at any place.
    pub(super) fn anywhere_of(&mut self, base: Node) -> Node {
        if base == NONE {
            return NONE;
        }
        let target = self.node();
        self.define(base, Use::Anywhere { target });
        target
    }

    /// A memory copy.
    pub(super) fn memcopy(&mut self, dst: Node, src: Node, len: Option<u64>) {
        if dst == NONE || src == NONE || len.is_some_and(|len| len < 8) {
            return;
        }
        let id = u32::try_from(self.memcopies.len()).unwrap_or(u32::MAX);
        self.memcopies.push(MemCopy { dst, src, len, between: None });
        self.attach(src, Use::CopyFrom(id));
        self.attach(dst, Use::CopyTo(id));
    }

    /// A fresh object.
    pub(super) fn object(&mut self, object: Obj) -> u32 {
        let id = u32::try_from(self.objects.len()).unwrap_or(u32::MAX);
        self.objects.push(object);
        id
    }

    /// The location at an offset of an object (taken to its first element).
    pub(super) fn loc(&mut self, object: u32, offset: u64) -> Loc {
        let o = &self.objects[object as usize];
        let offset = o.canonical(offset);
        if let Some(loc) = o.locs.get(&offset) {
            return *loc;
        }
        let popular = self.popularity.get(object as usize).is_some_and(|pointers| *pointers > MOBBED);
        // A declared layout has so many members and no more.
        if o.ty.is_none() && o.offsets.len() >= if popular { self.options.max_fields / 8 } else { self.options.max_fields } {
            self.add_region(object, Region::WHOLE);
            return self.loc(object, 0);
        }
        let block = if o.flat { self.packed } else { o.block };
        let node = self.cell();
        let loc = match block {
            Some((_, next)) if next % BLOCK != 0 => next,
            _ => self.new_block(object) + 1,
        };
        self.locs[loc as usize] = (object, Some(offset), node);
        if self.is_code(object) {
            let block = (loc / BLOCK) as usize;
            self.code.resize(self.code.len().max(block + 1), 0);
            self.code[block] |= 1 << (loc % BLOCK);
        }
        let o = &mut self.objects[object as usize];
        let block = if o.flat { &mut self.packed } else { &mut o.block };
        *block = block.map(|(first, _)| (first, loc + 1));
        o.locs.insert(offset, loc);
        // Nothing is there.
        if is_before(offset) {
            o.before += 1;
            return loc;
        }
        o.offsets.push(offset);
        let (any_in, any_out) = (o.any_in, o.any_out);
        if let Some(any) = any_out {
            self.flow(node, any);
        }
        if let Some(any) = any_in {
            self.flow(any, node);
        }
        for i in 0..self.objects[object as usize].copies.len() {
            let copy = self.objects[object as usize].copies[i];
            self.copy_field(object, offset, copy);
        }
        loc
    }

    /// A block of locations; the first stands for the whole object.
    pub(super) fn new_block(&mut self, object: u32) -> Loc {
        let start = u32::try_from(self.locs.len()).unwrap_or(u32::MAX);
        let o = &mut self.objects[object as usize];
        let (block, owner) = if o.flat { (&mut self.packed, NOBODY) } else { (&mut o.block, object) };
        *block = Some((block.map_or(start, |(first, _)| first), start + 1));
        self.locs.resize(self.locs.len() + BLOCK as usize, (owner, None, NONE));
        start
    }

    pub(super) fn contents_at(&self, object: u32, index: usize) -> Node {
        let o = &self.objects[object as usize];
        self.locs[o.locs[&o.offsets[index]] as usize].2
    }

    /// The contents of the location at an offset.
    pub(super) fn contents(&mut self, object: u32, offset: u64) -> Node {
        let loc = self.loc(object, offset);
        self.locs[loc as usize].2
    }

    /// Code has no contents.
    pub(super) fn is_code(&self, object: u32) -> bool {
        matches!(self.objects[object as usize].kind, ObjectKind::Function(_) | ObjectKind::ExternalFunction(_))
    }

    /// An access of that type may touch the object.
    fn admits(&self, object: u32, slots: Slots) -> bool {
        let shape = &self.objects[object as usize].shape;
        shape.as_ref().is_none_or(|shape| shape.admits(slots.declared, slots.record, u64::from(slots.size)))
    }

    /// Nothing can be stored there.
    pub(super) fn is_constant(&self, object: u32) -> bool {
        self.objects[object as usize].constant
    }

    pub(super) fn add_region(&mut self, object: u32, region: Region) {
        if self.objects[object as usize].regions.contains(&region) {
            return;
        }
        self.objects[object as usize].regions.push(region);
        let mut offsets = std::mem::take(&mut self.objects[object as usize].offsets);
        offsets.sort_unstable();
        let mut kept = Vec::new();
        let mut orphans = Vec::new();
        for offset in offsets {
            let to = self.objects[object as usize].canonical(offset);
            if to == offset { kept.push(offset) } else { orphans.push((offset, to)) }
        }
        self.objects[object as usize].offsets = kept;
        for (from, to) in orphans {
            let gone = self.objects[object as usize].locs[&from];
            // The first field to map to a new representative gives its location to it.
            if let Some(target) = self.objects[object as usize].locs.get(&to).copied() {
                let (a, b) = (self.locs[gone as usize].2, self.locs[target as usize].2);
                self.merge(a, b);
                self.merge(self.numbers(a), self.numbers(b));
            } else {
                let o = &mut self.objects[object as usize];
                o.locs.insert(to, gone);
                o.offsets.push(to);
                self.locs[gone as usize].1 = Some(to);
            }
        }
        for i in 0..self.objects[object as usize].copies.len() {
            for j in 0..self.objects[object as usize].offsets.len() {
                let o = &self.objects[object as usize];
                let (offset, copy) = (o.offsets[j], o.copies[i]);
                self.copy_field(object, offset, copy);
            }
        }
    }

    /// Merges two nodes. What only one of them held is new to the constraints of the other.
    pub(super) fn merge(&mut self, a: Node, b: Node) {
        let (mut a, mut b) = (self.find(a), self.find(b));
        if a == b {
            return;
        }
        if self.copies[a as usize].len() + self.uses[a as usize].len()
            < self.copies[b as usize].len() + self.uses[b as usize].len()
        {
            std::mem::swap(&mut a, &mut b);
        }
        let pts = std::mem::take(&mut self.pts[b as usize]);
        let delta = std::mem::take(&mut self.delta[b as usize]);
        let only_a = pts.missing(&self.pts[a as usize]);
        let only_b = self.pts[a as usize].missing(&pts);
        self.parent[b as usize] = a;
        self.pure[a as usize] = false;
        self.merges += 1;
        self.pts[a as usize].extend(&only_b);
        self.delta[a as usize].extend(&delta);
        self.delta[a as usize].extend(&only_a);
        self.delta[a as usize].extend(&only_b);
        let copies = std::mem::take(&mut self.copies[b as usize]);
        self.copies[a as usize].extend(copies);
        let uses = std::mem::take(&mut self.uses[b as usize]);
        self.uses[a as usize].extend(uses);
        if !self.delta[a as usize].is_empty() {
            self.touch(a);
        }
    }

    /// Runs until nothing is new, or until the builder has something to do: the callee of an indirect
    /// call is new (new functions come in as early as possible, so that little is propagated more
    /// than once), or it is known anew which objects are popular.
    pub(super) fn solve(&mut self) {
        self.looked = false;
        while !self.dirty.is_empty() && !self.looked && self.called.is_empty() && self.escaped_code.is_empty() {
            self.waves += 1;
            if self.waves % 16 == 1 || self.new_edges > 500 + self.edges.len() / 16 {
                self.new_edges = 0;
                self.give_up_fields();
                self.share();
                self.widen();
                self.collapse_cycles();
            }
            let mut wave = std::mem::take(&mut self.dirty);
            for node in &wave {
                self.is_dirty[*node as usize] = false;
            }
            wave.sort_unstable_by_key(|node| (self.rank.get(*node as usize).copied().unwrap_or(u32::MAX), *node));
            for node in wave {
                let node = self.find(node);
                if !self.delta[node as usize].is_empty() {
                    self.process(node);
                }
            }
        }
    }

    fn process(&mut self, node: Node) {
        let delta = std::mem::take(&mut self.delta[node as usize]);
        let merges = self.merges;
        let mut i = 0;
        while let Some(to) = self.copies[self.representative(node) as usize].get(i).copied() {
            let to = self.find(to);
            if to != self.find(node) {
                self.add_all(to, &delta);
            }
            i += 1;
        }
        let mut i = 0;
        while let Some(what) = self.uses[self.representative(node) as usize].get(i).copied() {
            self.apply_all(what, &delta);
            i += 1;
        }
        if self.merges != merges {
            // The lists above may have been moved; constraints are idempotent, so once more.
            let node = self.find(node);
            self.delta[node as usize].extend(&delta);
            self.touch(node);
        }
    }

    pub(super) fn apply(&mut self, what: Use, loc: Loc) {
        let (object, offset, _) = self.locs[loc as usize];
        match what {
            Use::Gep { steps, target } => {
                if self.is_code(object) {
                    return;
                }
                self.walk(steps, 0, object, offset, target);
            }
            Use::Anywhere { target } => {
                if !self.is_code(object) {
                    let anywhere = self.anywhere(object);
                    self.add(target, anywhere);
                }
            }
            Use::Load { target, slots } => {
                if self.is_code(object) || !self.admits(object, slots) {
                    return;
                }
                self.access(object, slots, offset, |solver, place| {
                    let from = if let Some(offset) = place { solver.contents(object, offset) } else { solver.any_out(object) };
                    solver.read(from, target, slots.declared);
                });
                for (slot, offset) in (1..slots.count).zip(offset.iter().cycle()) {
                    let from = self.contents(object, offset + 8 * u64::from(slot));
                    self.read(from, target, slots.declared);
                }
            }
            Use::Store { source, slots } => {
                if self.is_constant(object) || !self.admits(object, slots) {
                    return;
                }
                self.access(object, slots, offset, |solver, place| {
                    let to = if let Some(offset) = place { solver.contents(object, offset) } else { solver.any_in(object) };
                    solver.write(source, to, slots.declared);
                });
                for (slot, offset) in (1..slots.count).zip(offset.iter().cycle()) {
                    let to = self.contents(object, offset + 8 * u64::from(slot));
                    self.write(source, to, slots.declared);
                }
            }
            // Whole sets go through filters.
            Use::Only { .. } => {}
            Use::Inner(id) => self.inner(id, loc),
            Use::CopyFrom(copy) => self.copy_with(copy, loc, true),
            Use::CopyTo(copy) => self.copy_with(copy, loc, false),
            Use::Callee(call) => {
                if self.is_code(object) || self.objects[object as usize].kind == ObjectKind::External {
                    self.called.push((call, loc));
                }
            }
            Use::Escape => {
                if self.is_code(object) {
                    self.escaped_code.push(loc);
                    return;
                }
                let escape = self.escape;
                let anywhere = self.anywhere(object);
                self.add(escape, anywhere);
                let out = self.any_out(object);
                self.read(out, escape, Declared::Unknown);
                if !self.is_constant(object) {
                    let into = self.any_in(object);
                    self.write(escape, into, Declared::Unknown);
                }
            }
        }
    }

    /// `target` may hold where these steps, from one of them on, lead to from a place in an object.
    pub(super) fn walk(&mut self, steps: u32, from: usize, object: u32, offset: Option<u64>, target: Node) {
        let Some(mut at) = offset else {
            let loc = self.anywhere(object);
            self.add(target, loc);
            return;
        };
        if self.cyclic[steps as usize] && self.objects[object as usize].ty.is_none() {
            let o = &self.objects[object as usize];
            // In an array the next element is the same location.
            let stays = self.steps[steps as usize].iter().all(|step| o.step(self.types, at, *step) == Step::To(at, None));
            let loc = if stays { self.loc(object, at) } else { self.anywhere(object) };
            self.add(target, loc);
            return;
        }
        let mut i = from;
        while i < self.steps[steps as usize].len() {
            let step = self.steps[steps as usize][i];
            match self.objects[object as usize].step(self.types, at, step) {
                Step::To(to, None) => at = to,
                Step::To(to, Some(other)) => {
                    self.walk(steps, i + 1, object, Some(other), target);
                    at = to;
                }
                Step::Any => {
                    let loc = self.anywhere(object);
                    self.add(target, loc);
                    return;
                }
                Step::Out => return,
                Step::Region(region) => {
                    self.add_region(object, region);
                    at = self.objects[object as usize].canonical(at);
                }
            }
            i += 1;
        }
        let o = &self.objects[object as usize];
        let crowded = is_before(at) && o.before >= MAX_BEFORE && !o.locs.contains_key(&at);
        let loc = if crowded { self.anywhere(object) } else { self.loc(object, at) };
        self.add(target, loc);
    }

}
