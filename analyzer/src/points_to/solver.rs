//! The constraint solver: inclusion constraints over nodes that hold sets of locations.
//!
//! Wave propagation with difference sets (Pereira and Berlin, "Wave Propagation and Deep
//! Propagation for Pointer Analysis", CGO 2009): merge cycles of copy edges, then pass what is new
//! along in topological order; loads, stores and calls add edges on the way; repeat until nothing is new.

use super::objects::{Loc, Obj, Region, Step};
use super::set::{BLOCK, Set};
use super::{ObjectKind, Options};
use crate::model::{GepStep, Types};
use rustc_hash::{FxHashMap, FxHashSet};

/// A node of the constraint graph.
pub(super) type Node = u32;

/// No node: a value that holds no pointer.
pub(super) const NONE: Node = u32::MAX;

/// A constraint hanging on the node whose locations it looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// `target` may hold these locations after the steps with that index.
    Gep { steps: u32, target: Node },
    /// `target` may hold the locations' objects at any place.
    Anywhere { target: Node },
    /// `target` may hold what is in the location (`slots` words from there).
    Load { target: Node, slots: u32 },
    /// The location may hold what `source` holds.
    Store { source: Node, slots: u32 },
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
struct MemCopy {
    dst: Node,
    src: Node,
    len: Option<u64>,
    /// Node that stands between, once there are too many pairs.
    between: Option<Node>,
}

/// No object: the first location of a block that objects share.
pub(super) const NOBODY: u32 = u32::MAX;

/// Pointers to an object from which on its fields are only kept if it helps.
const POPULAR: u32 = 256;

/// Mean places in such an object per pointer from which on it does not help.
const PLACES: u64 = 4;

/// Pairs of locations of one memory copy that are told apart.
const MAX_PAIRS: usize = 256;

/// The solver's state.
pub(super) struct Solver<'a> {
    pub(super) types: &'a Types,
    pub(super) options: &'a Options,
    parent: Vec<Node>,
    /// All that is merged there is defined by the same constraint, and by nothing else.
    pure: Vec<bool>,
    pts: Vec<Set>,
    delta: Vec<Set>,
    /// Room for what is new to a node.
    spare: Set,
    copies: Vec<Vec<Node>>,
    uses: Vec<Vec<Use>>,
    edges: FxHashSet<u64>,
    pub(super) objects: Vec<Obj>,
    /// Object, offset (`None`: anywhere), node of the contents (`NONE` for anywhere).
    pub(super) locs: Vec<(u32, Option<u64>, Node)>,
    steps: Vec<Box<[GepStep]>>,
    step_ids: FxHashMap<Box<[GepStep]>, u32>,
    /// By index of steps: they are on a cycle, so that offsets would grow without end.
    cyclic: Vec<bool>,
    cyclic_ids: FxHashMap<u32, u32>,
    memcopies: Vec<MemCopy>,
    /// First and next free location of the blocks of objects that have only one each.
    packed: Option<(Loc, Loc)>,
    /// Nodes that are defined by copies of these alone.
    choices: Vec<(Node, Box<[Node]>)>,
    /// By node and words: what is stored through it by more than one store.
    joints: FxHashMap<(Node, u32), Node>,
    copied: FxHashSet<(Loc, Loc, Option<u64>)>,
    /// Function locations that reached an indirect callee: (call, location).
    pub(super) called: Vec<(u32, Loc)>,
    /// Function locations that reached the node of what unknown code holds.
    pub(super) escape: Node,
    pub(super) escaped_code: Vec<Loc>,
    dirty: Vec<Node>,
    is_dirty: Vec<bool>,
    /// Position in topological order, as of the last merging of cycles.
    rank: Vec<u32>,
    new_edges: usize,
    waves: usize,
    /// Pointers by object, as of the last look.
    popularity: Vec<u32>,
    /// Pointers from which on an object is popular.
    crowd: u32,
    /// [`Solver::is_popular`] has new answers.
    pub(super) looked: bool,
    merges: usize,
    pub(super) constraints: usize,
}

impl<'a> Solver<'a> {
    pub(super) fn new(types: &'a Types, options: &'a Options) -> Self {
        let mut solver = Solver {
            types,
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
            crowd: POPULAR,
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

    /// Mean number of objects of the pointers that have any.
    pub(super) fn mean_objects(&self) -> usize {
        let sets = || self.pts.iter().filter(|set| !set.is_empty());
        sets().map(Set::block_count).sum::<usize>() / sets().count().max(1)
    }

    /// Number of nodes that stand for themselves.
    pub(super) fn distinct_nodes(&self) -> usize {
        self.parent.iter().enumerate().filter(|(i, p)| **p as usize == *i).count()
    }

    fn touch(&mut self, node: Node) {
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

    fn add_all(&mut self, node: Node, set: &Set) {
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
        for loc in set.iter() {
            self.apply(what, loc);
        }
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
        let popular = self.popularity.get(object as usize).is_some_and(|pointers| *pointers > 4 * POPULAR);
        if o.offsets.len() >= if popular { self.options.max_fields / 8 } else { self.options.max_fields } {
            self.add_region(object, Region { start: 0, end: u64::MAX, stride: 1 });
            return self.loc(object, 0);
        }
        let block = if o.flat { self.packed } else { o.block };
        let node = self.node();
        let loc = match block {
            Some((_, next)) if next % BLOCK != 0 => next,
            _ => self.new_block(object) + 1,
        };
        self.locs[loc as usize] = (object, Some(offset), node);
        let o = &mut self.objects[object as usize];
        let block = if o.flat { &mut self.packed } else { &mut o.block };
        *block = block.map(|(first, _)| (first, loc + 1));
        o.locs.insert(offset, loc);
        o.offsets.push(offset);
        let (any_in, any_out) = (o.any_in, o.any_out);
        if let Some(any) = any_out {
            self.edge(node, any);
        }
        if let Some(any) = any_in {
            self.edge(any, node);
        }
        for i in 0..self.objects[object as usize].copies.len() {
            let copy = self.objects[object as usize].copies[i];
            self.copy_field(object, offset, copy);
        }
        loc
    }

    /// A block of locations; the first stands for the whole object.
    fn new_block(&mut self, object: u32) -> Loc {
        let start = u32::try_from(self.locs.len()).unwrap_or(u32::MAX);
        let o = &mut self.objects[object as usize];
        let (block, owner) = if o.flat { (&mut self.packed, NOBODY) } else { (&mut o.block, object) };
        *block = Some((block.map_or(start, |(first, _)| first), start + 1));
        self.locs.resize(self.locs.len() + BLOCK as usize, (owner, None, NONE));
        start
    }

    /// The location "anywhere in the object".
    pub(super) fn anywhere(&mut self, object: u32) -> Loc {
        if self.objects[object as usize].flat {
            return self.loc(object, 0);
        }
        match self.objects[object as usize].block {
            Some((first, _)) => first,
            None => self.new_block(object),
        }
    }

    /// The node of what is loaded from an unknown place in an object.
    pub(super) fn any_out(&mut self, object: u32) -> Node {
        if self.objects[object as usize].flat {
            return self.contents(object, 0);
        }
        if let Some(node) = self.objects[object as usize].any_out {
            return node;
        }
        let node = self.node();
        self.objects[object as usize].any_out = Some(node);
        for i in 0..self.objects[object as usize].offsets.len() {
            let field = self.contents_at(object, i);
            self.edge(field, node);
        }
        if let Some(any_in) = self.objects[object as usize].any_in {
            self.edge(any_in, node);
        }
        node
    }

    /// The node of what is stored to an unknown place in an object.
    pub(super) fn any_in(&mut self, object: u32) -> Node {
        if self.objects[object as usize].flat {
            return self.contents(object, 0);
        }
        if let Some(node) = self.objects[object as usize].any_in {
            return node;
        }
        let node = self.node();
        self.objects[object as usize].any_in = Some(node);
        for i in 0..self.objects[object as usize].offsets.len() {
            let field = self.contents_at(object, i);
            self.edge(node, field);
        }
        if let Some(any_out) = self.objects[object as usize].any_out {
            self.edge(node, any_out);
        }
        for i in 0..self.objects[object as usize].copies.len() {
            let (_, _, to, _) = self.objects[object as usize].copies[i];
            let target = self.any_in(to);
            self.edge(node, target);
        }
        node
    }

    fn contents_at(&self, object: u32, index: usize) -> Node {
        let o = &self.objects[object as usize];
        self.locs[o.locs[&o.offsets[index]] as usize].2
    }

    /// The contents of the location at an offset.
    pub(super) fn contents(&mut self, object: u32, offset: u64) -> Node {
        let loc = self.loc(object, offset);
        self.locs[loc as usize].2
    }

    /// Code has no contents.
    fn is_code(&self, object: u32) -> bool {
        matches!(self.objects[object as usize].kind, ObjectKind::Function(_) | ObjectKind::ExternalFunction(_))
    }

    /// Nothing can be stored there.
    fn is_constant(&self, object: u32) -> bool {
        self.objects[object as usize].constant
    }

    fn add_region(&mut self, object: u32, region: Region) {
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
    fn merge(&mut self, a: Node, b: Node) {
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
            for loc in delta.iter() {
                self.apply(what, loc);
            }
            i += 1;
        }
        if self.merges != merges {
            // The lists above may have been moved; constraints are idempotent, so once more.
            let node = self.find(node);
            self.delta[node as usize].extend(&delta);
            self.touch(node);
        }
    }

    fn apply(&mut self, what: Use, loc: Loc) {
        let (object, offset, node) = self.locs[loc as usize];
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
                if self.is_code(object) {
                    return;
                }
                match offset {
                    None => {
                        let from = self.any_out(object);
                        self.edge(from, target);
                    }
                    Some(offset) => {
                        self.edge(node, target);
                        for slot in 1..slots {
                            let from = self.contents(object, offset + 8 * u64::from(slot));
                            self.edge(from, target);
                        }
                    }
                }
            }
            Use::Store { source, slots } => {
                if self.is_constant(object) {
                    return;
                }
                match offset {
                    None => {
                        let to = self.any_in(object);
                        self.edge(source, to);
                    }
                    Some(offset) => {
                        self.edge(source, node);
                        for slot in 1..slots {
                            let to = self.contents(object, offset + 8 * u64::from(slot));
                            self.edge(source, to);
                        }
                    }
                }
            }
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
                self.edge(out, escape);
                if !self.is_constant(object) {
                    let into = self.any_in(object);
                    self.edge(escape, into);
                }
            }
        }
    }

    fn walk(&mut self, steps: u32, from: usize, object: u32, offset: Option<u64>, target: Node) {
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
        let loc = self.loc(object, at);
        self.add(target, loc);
    }

    fn copy_with(&mut self, id: u32, loc: Loc, is_source: bool) {
        let copy = self.memcopies[id as usize];
        let (object, _, _) = self.locs[loc as usize];
        if self.is_code(object) || !is_source && self.is_constant(object) {
            return;
        }
        if let Some(between) = copy.between {
            if is_source {
                let out = self.any_out(object);
                self.edge(out, between);
            } else {
                let into = self.any_in(object);
                self.edge(between, into);
            }
            return;
        }
        let (src, dst) = (self.find(copy.src), self.find(copy.dst));
        let (sources, targets) = (self.pts[src as usize].clone(), self.pts[dst as usize].clone());
        if sources.len() * targets.len() > MAX_PAIRS {
            let between = self.node();
            self.memcopies[id as usize].between = Some(between);
            for one in sources.iter() {
                self.copy_with(id, one, true);
            }
            for one in targets.iter() {
                self.copy_with(id, one, false);
            }
            return;
        }
        let others = if is_source { targets } else { sources };
        for other in others.iter() {
            let (from, to) = if is_source { (loc, other) } else { (other, loc) };
            self.copy_pair(from, to, copy.len);
        }
    }

    fn copy_pair(&mut self, from: Loc, to: Loc, len: Option<u64>) {
        if !self.copied.insert((from, to, len)) {
            return;
        }
        let (source, at, _) = self.locs[from as usize];
        let (target, into, _) = self.locs[to as usize];
        if self.is_code(source) || self.is_constant(target) {
            return;
        }
        let (Some(at), Some(into)) = (at, into) else {
            let out = self.any_out(source);
            let into = self.any_in(target);
            self.edge(out, into);
            return;
        };
        let copy = (at, len, target, into);
        self.objects[source as usize].copies.push(copy);
        if self.objects[source as usize].any_in.is_some() {
            let (from, to) = (self.any_in(source), self.any_in(target));
            self.edge(from, to);
        }
        let mut i = 0;
        while i < self.objects[source as usize].offsets.len() {
            let offset = self.objects[source as usize].offsets[i];
            self.copy_field(source, offset, copy);
            i += 1;
        }
    }

    /// Applies a copy to one field of its source.
    fn copy_field(&mut self, source: u32, offset: u64, (at, len, target, into): (u64, Option<u64>, u32, u64)) {
        let end = len.map_or(u64::MAX, |len| at.saturating_add(len));
        let o = &self.objects[source as usize];
        let contents = self.locs[o.locs[&offset] as usize].2;
        // Members of the arrays the field is in: the first at or after the start of the copy.
        let mut first = offset;
        let mut strides = Vec::new();
        for r in o.regions.iter().filter(|r| r.contains(offset)) {
            if first < at {
                first += (at - first).div_ceil(r.stride) * r.stride;
            }
            if first < r.end && first + r.stride < end.min(r.end) {
                strides.push(r.stride);
            }
        }
        if first < at || first >= end {
            return;
        }
        let to = into + (first - at);
        let t = &self.objects[target as usize];
        if t.size.is_some_and(|size| to > size) {
            return;
        }
        let one = t.canonical(to);
        let spread = strides.iter().any(|stride| t.canonical(to + stride) != one);
        let node = if spread { self.any_in(target) } else { self.contents(target, one) };
        self.edge(contents, node);
    }

    /// Collapses objects that many pointers address, at several places or an unknown one each: their
    /// fields would be reached through all of those.
    fn give_up_fields(&mut self) {
        let mut places = vec![0u64; self.objects.len()];
        let mut all = vec![0u32; self.objects.len()];
        let mut pointers = 0;
        for node in (0..self.parent.len()).filter(|node| self.parent[*node] as usize == *node) {
            pointers += u32::from(!self.pts[node].is_empty());
            for (first, count) in self.pts[node].blocks() {
                let object = self.locs[first as usize].0;
                if object != NOBODY {
                    all[object as usize] += 1;
                    places[object as usize] += u64::from(count);
                }
            }
        }
        for object in 0..u32::try_from(self.objects.len()).unwrap_or(0) {
            let (places, all) = (places[object as usize], all[object as usize]);
            if all > POPULAR && places > PLACES * u64::from(all) && self.objects[object as usize].offsets.len() > 1 {
                self.add_region(object, Region { start: 0, end: u64::MAX, stride: 1 });
            }
        }
        self.crowd = POPULAR.max(pointers / 8);
        self.popularity = all;
        self.looked = true;
    }

    /// So many pointers address the object that telling parts of it apart is of little use.
    pub(super) fn is_popular(&self, object: u32) -> bool {
        self.popularity.get(object as usize).is_some_and(|pointers| *pointers > self.crowd)
    }

    /// Lets equal constraints on a node have one target or source: results of loads, and of pointer
    /// arithmetic, that are defined the same way are the same; stores through one pointer meet.
    fn share(&mut self) {
        let mut choices = std::mem::take(&mut self.choices);
        choices.retain(|(target, from)| {
            let target = self.find(*target);
            let mut only = None;
            for node in from {
                let node = self.find(*node);
                if node == target {
                    // On a cycle, on which there may be more.
                    return false;
                }
                if only.is_some_and(|other| other != node) {
                    return true;
                }
                only = Some(node);
            }
            if let Some(only) = only {
                self.alias(only, target);
            }
            false
        });
        self.choices = choices;
        let mut joints = FxHashMap::default();
        let mut old: Vec<((Node, u32), Node)> = self.joints.drain().collect();
        old.sort_unstable();
        for ((node, slots), joint) in old {
            joints.entry((self.find(node), slots)).or_insert(joint);
        }
        self.joints = joints;
        let mut late: Vec<(Node, Use)> = Vec::new();
        let mut edges: Vec<(Node, Node)> = Vec::new();
        let mut groups: FxHashMap<(u8, u32), usize> = FxHashMap::default();
        for node in 0..u32::try_from(self.parent.len()).unwrap_or(0) {
            if self.parent[node as usize] != node || self.uses[node as usize].len() < 2 {
                continue;
            }
            let uses = std::mem::take(&mut self.uses[node as usize]);
            let mut kept = Vec::new();
            let mut lists: Vec<(Use, Vec<Node>)> = Vec::new();
            groups.clear();
            for what in uses {
                let (key, end) = match what {
                    Use::Gep { steps, target } => ((0, steps), target),
                    Use::Anywhere { target } => ((1, 0), target),
                    Use::Load { target, slots } => ((2, slots), target),
                    Use::Store { source, slots } => ((3, slots), source),
                    _ => {
                        if !kept.contains(&what) {
                            kept.push(what);
                        }
                        continue;
                    }
                };
                let at = *groups.entry(key).or_insert(lists.len());
                if at == lists.len() {
                    lists.push((what, Vec::new()));
                }
                lists[at].1.push(self.find(end));
            }
            for (what, mut ends) in lists {
                ends.sort_unstable();
                ends.dedup();
                if let Use::Store { slots, .. } = what {
                    self.share_store(node, slots, ends, &mut kept, &mut late, &mut edges);
                    continue;
                }
                let with = |target: Node| match what {
                    Use::Gep { steps, .. } => Use::Gep { steps, target },
                    Use::Load { slots, .. } => Use::Load { target, slots },
                    _ => Use::Anywhere { target },
                };
                let mut pure = None;
                let mut others = Vec::new();
                for end in ends {
                    match pure {
                        _ if !self.pure[end as usize] || self.find(end) == self.find(node) => others.push(end),
                        None => pure = Some(end),
                        Some(one) => {
                            self.merge(one, end);
                            let one = self.find(one);
                            self.pure[one as usize] = true;
                            pure = Some(one);
                        }
                    }
                }
                match pure {
                    Some(one) => {
                        kept.push(with(one));
                        edges.extend(others.iter().map(|other| (one, *other)));
                    }
                    None if others.len() < 3 => kept.extend(others.iter().map(|other| with(*other))),
                    None => {
                        let one = self.node();
                        self.pure[one as usize] = true;
                        late.push((node, with(one)));
                        edges.extend(others.iter().map(|other| (one, *other)));
                    }
                }
            }
            let node = self.find(node);
            self.uses[node as usize].extend(kept);
        }
        for (node, what) in late {
            self.attach(node, what);
        }
        for (from, to) in edges {
            self.edge(from, to);
        }
    }

    fn share_store(
        &mut self,
        node: Node,
        slots: u32,
        sources: Vec<Node>,
        kept: &mut Vec<Use>,
        late: &mut Vec<(Node, Use)>,
        edges: &mut Vec<(Node, Node)>,
    ) {
        let joint = match self.joints.get(&(node, slots)) {
            Some(joint) => *joint,
            None if sources.len() < 3 => {
                kept.extend(sources.iter().map(|source| Use::Store { source: *source, slots }));
                return;
            }
            None => {
                let joint = self.node();
                self.joints.insert((node, slots), joint);
                late.push((node, Use::Store { source: joint, slots }));
                joint
            }
        };
        let own = self.find(joint);
        for source in sources {
            if source == own {
                kept.push(Use::Store { source, slots });
            } else {
                edges.push((source, joint));
            }
        }
    }

    /// Merges cycles of copy edges, ranks the nodes in topological order, and finds pointer
    /// arithmetic that feeds itself.
    fn collapse_cycles(&mut self) {
        let graph: Vec<Vec<Node>> = self.graph(false);
        let (roots, order) = components(&graph);
        for (node, root) in (0u32..).zip(&roots) {
            self.merge(*root, node);
        }
        // Drop edges that have become loops or duplicates.
        for node in 0..self.parent.len() {
            if self.parent[node] as usize == node && !self.copies[node].is_empty() {
                let mut copies = std::mem::take(&mut self.copies[node]);
                for to in &mut copies {
                    *to = self.find(*to);
                }
                copies.sort_unstable();
                copies.dedup();
                copies.retain(|to| *to as usize != node);
                self.copies[node] = copies;
            }
        }
        self.edges.clear();
        for node in 0..self.parent.len() {
            for to in &self.copies[node] {
                self.edges.insert((node as u64) << 32 | u64::from(*to));
            }
        }
        self.rank.clear();
        self.rank.resize(self.parent.len(), u32::MAX);
        for (rank, node) in (0u32..).zip(order.iter().rev()) {
            self.rank[*node as usize] = rank;
        }
        let graph = self.graph(true);
        let (roots, _) = components(&graph);
        for node in 0..self.parent.len() {
            for i in 0..self.uses[node].len() {
                if let Use::Gep { steps, target } = self.uses[node][i] {
                    let target = self.find(target);
                    if roots[node] == roots[target as usize] && !self.cyclic[steps as usize] {
                        let moves = |s: &GepStep| matches!(s, GepStep::Const(by) if *by != 0);
                        if self.steps[steps as usize].iter().any(moves) {
                            self.uses[node][i] = Use::Gep { steps: self.cyclic_form(steps), target };
                        }
                    }
                }
            }
        }
    }

    /// The steps with that index, marked as feeding themselves.
    fn cyclic_form(&mut self, steps: u32) -> u32 {
        if let Some(id) = self.cyclic_ids.get(&steps) {
            return *id;
        }
        let id = u32::try_from(self.steps.len()).unwrap_or(u32::MAX);
        self.steps.push(self.steps[steps as usize].clone());
        self.cyclic.push(true);
        self.cyclic_ids.insert(steps, id);
        id
    }

    /// Successors by copy edges, and by pointer arithmetic if `arithmetic`.
    fn graph(&mut self, arithmetic: bool) -> Vec<Vec<Node>> {
        (0..self.parent.len())
            .map(|node| {
                if self.parent[node] as usize != node {
                    return Vec::new();
                }
                let mut next: Vec<Node> = self.copies[node].iter().map(|to| self.representative(*to)).collect();
                if arithmetic {
                    next.extend(self.uses[node].iter().filter_map(|what| match what {
                        Use::Gep { target, .. } => Some(self.representative(*target)),
                        _ => None,
                    }));
                }
                next
            })
            .collect()
    }
}

/// Strongly connected components by Tarjan's algorithm without recursion: the root of each node's
/// component, and the roots in reverse topological order.
fn components(graph: &[Vec<Node>]) -> (Vec<Node>, Vec<Node>) {
    let n = graph.len();
    let mut index = vec![0u32; n];
    let mut low = vec![0u32; n];
    let mut on_stack = vec![false; n];
    let mut root_of: Vec<Node> = (0..u32::try_from(n).unwrap_or(NONE)).collect();
    let mut next = 1u32;
    let mut stack: Vec<Node> = Vec::new();
    let mut order: Vec<Node> = Vec::new();
    let mut work: Vec<(Node, usize)> = Vec::new();
    for root in 0..u32::try_from(n).unwrap_or(NONE) {
        if index[root as usize] != 0 {
            continue;
        }
        work.push((root, 0));
        while let Some((v, i)) = work.pop() {
            if i == 0 {
                index[v as usize] = next;
                low[v as usize] = next;
                next += 1;
                stack.push(v);
                on_stack[v as usize] = true;
            }
            if let Some(w) = graph[v as usize].get(i).copied() {
                work.push((v, i + 1));
                if index[w as usize] == 0 {
                    work.push((w, 0));
                } else if on_stack[w as usize] {
                    low[v as usize] = low[v as usize].min(index[w as usize]);
                }
                continue;
            }
            if let Some((up, _)) = work.last() {
                low[*up as usize] = low[*up as usize].min(low[v as usize]);
            }
            if low[v as usize] == index[v as usize] {
                while let Some(w) = stack.pop() {
                    on_stack[w as usize] = false;
                    root_of[w as usize] = v;
                    if w == v {
                        break;
                    }
                }
                order.push(v);
            }
        }
    }
    (root_of, order)
}
