//! Keeping the constraint graph small: cycles merged, equal constraints shared, fields given up
//! where they tell nothing apart.

use super::objects::Region;
use super::set::BLOCK;
use super::solver::{NOBODY, NONE, Node, Slots, Solver, Use};
use crate::model::GepStep;
use rustc_hash::FxHashMap;

/// Pointers to an object from which on its fields are only kept if it helps.
const POPULAR: u32 = 256;

/// Mean places in such an object per pointer from which on it does not help.
const PLACES: u64 = 4;

/// What makes two constraints on one node the same but for their other end.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Gep(u32),
    Anywhere,
    Load(Slots),
    Store(Slots),
}

fn is_crowded(places: u64, pointers: u32) -> bool {
    pointers > POPULAR && places > PLACES * u64::from(pointers)
}

/// Places in one set from which on it is mixed up.
const WIDE: usize = 4096;
/// Places in a block that are many.
const MANY: u32 = 8;

impl Solver<'_> {
    /// Collapses objects that many pointers address, at several places or an unknown one each: their
    /// fields would be reached through all of those.
    pub(super) fn give_up_fields(&mut self) {
        let (places, all, pointers) = self.addressed();
        for object in 0..u32::try_from(self.objects.len()).unwrap_or(0) {
            // Members of a declared layout stay apart: accesses say which one they mean.
            let declared = self.typed && self.objects[object as usize].ty.is_some();
            if !declared && is_crowded(places[object as usize], all[object as usize]) && self.objects[object as usize].offsets.len() > 1 {
                self.add_region(object, Region::WHOLE);
            }
        }
        self.crowd = POPULAR.max(pointers / 8);
        self.popularity = all;
        self.looked = true;
    }

    /// In sets in which almost everything is, many places of an object become an unknown one: each would be followed through all that is
    /// done with such pointers, and accesses tell by their types what they mean.
    pub(super) fn widen(&mut self) {
        for node in 0..u32::try_from(self.parent.len()).unwrap_or(0) {
            if self.parent[node as usize] != node || self.pts[node as usize].len() <= WIDE {
                continue;
            }
            let many: Vec<u32> = self.pts[node as usize].blocks().filter(|(_, places)| (MANY..BLOCK).contains(places)).map(|(first, _)| first).collect();
            for first in many {
                if self.locs[first as usize].0 != NOBODY {
                    self.add(node, first);
                }
            }
        }
    }

    /// By object: that many pointers address it at so many places each that to list its fields tells nothing apart.
    pub(super) fn crowded(&self) -> Vec<bool> {
        let (places, all, _) = self.addressed();
        places.into_iter().zip(all).map(|(places, all)| is_crowded(places, all)).collect()
    }

    /// By object: places that pointers address, and pointers; and the number of pointers.
    fn addressed(&self) -> (Vec<u64>, Vec<u32>, u32) {
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
        (places, all, pointers)
    }

    /// So many pointers address the object that telling parts of it apart is of little use.
    pub(super) fn is_popular(&self, object: u32) -> bool {
        self.popularity.get(object as usize).is_some_and(|pointers| *pointers > self.crowd)
    }

    /// Lets equal constraints on a node have one target or source: results of loads, and of pointer
    /// arithmetic, that are defined the same way are the same; stores through one pointer meet.
    pub(super) fn share(&mut self) {
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
        let mut old: Vec<((Node, Slots), Node)> = self.joints.drain().collect();
        old.sort_unstable();
        for ((node, slots), joint) in old {
            joints.entry((self.find(node), slots)).or_insert(joint);
        }
        self.joints = joints;
        let mut late: Vec<(Node, Use)> = Vec::new();
        let mut edges: Vec<(Node, Node)> = Vec::new();
        let mut groups: FxHashMap<Key, usize> = FxHashMap::default();
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
                    Use::Gep { steps, target } => (Key::Gep(steps), target),
                    Use::Anywhere { target } => (Key::Anywhere, target),
                    Use::Load { target, slots } => (Key::Load(slots), target),
                    Use::Store { source, slots } => (Key::Store(slots), source),
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

    pub(super) fn share_store(
        &mut self,
        node: Node,
        slots: Slots,
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
    pub(super) fn collapse_cycles(&mut self) {
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
    pub(super) fn cyclic_form(&mut self, steps: u32) -> u32 {
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
    pub(super) fn graph(&mut self, arithmetic: bool) -> Vec<Vec<Node>> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Module;
    use crate::points_to::memory::new_object;
    use crate::points_to::{ObjectKind, Options};
    use std::collections::BTreeSet;

    const OBJECTS: u32 = 10;
    const NODES: u32 = 40;

    #[derive(Debug, Clone, Copy)]
    enum Constraint {
        Address(Node, u32),
        Copy(Node, Node),
        Load(Node, Node),
        Store(Node, Node),
        Field(Node, Node),
    }

    /// Least solution by going over all constraints until nothing changes. Places are (object,
    /// field); field 1 is eight bytes on.
    fn reference(constraints: &[Constraint]) -> Vec<BTreeSet<(u32, u32)>> {
        let mut pts = vec![BTreeSet::new(); NODES as usize];
        let mut cells = vec![BTreeSet::new(); 2 * OBJECTS as usize];
        loop {
            let before: usize = pts.iter().chain(&cells).map(BTreeSet::len).sum();
            for constraint in constraints {
                match *constraint {
                    Constraint::Address(node, object) => {
                        pts[node as usize].insert((object, 0));
                    }
                    Constraint::Copy(from, to) => {
                        let set = pts[from as usize].clone();
                        pts[to as usize].extend(set);
                    }
                    Constraint::Load(ptr, to) => {
                        for (object, field) in pts[ptr as usize].clone() {
                            let set = cells[(2 * object + field) as usize].clone();
                            pts[to as usize].extend(set);
                        }
                    }
                    Constraint::Store(ptr, from) => {
                        for (object, field) in pts[ptr as usize].clone() {
                            let set = pts[from as usize].clone();
                            cells[(2 * object + field) as usize].extend(set);
                        }
                    }
                    Constraint::Field(from, to) => {
                        let set: Vec<_> = pts[from as usize].iter().filter(|p| p.1 == 0).map(|p| (p.0, 1)).collect();
                        pts[to as usize].extend(set);
                    }
                }
            }
            if before == pts.iter().chain(&cells).map(BTreeSet::len).sum::<usize>() {
                return pts;
            }
        }
    }

    #[test]
    fn shared_constraints_have_the_same_solution() {
        let mut seed = 11u32;
        let mut next = move |below: u32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 10) % below
        };
        let (module, options) = (Module::default(), Options::default());
        let mut exact = 0;
        for _ in 0..300 {
            let mut solver = Solver::new(&module, &options);
            let objects: Vec<u32> = (0..OBJECTS)
                .map(|i| {
                    let mut object = new_object(ObjectKind::External, 0, i.to_string());
                    object.size = Some(15);
                    solver.object(object)
                })
                .collect();
            let nodes: Vec<Node> = (0..NODES).map(|_| solver.node()).collect();
            // The upper half of the nodes are defined by one load or step each, as in SSA form.
            let mut constraints = Vec::new();
            for to in NODES / 2..NODES {
                let from = next(to);
                constraints.push(if next(2) == 0 { Constraint::Load(from, to) } else { Constraint::Field(from, to) });
            }
            for _ in 0..next(60) {
                let (a, b, low) = (next(NODES), next(NODES), next(NODES / 2));
                constraints.push(match next(4) {
                    0 => Constraint::Address(low, next(OBJECTS)),
                    1 => Constraint::Copy(a, low),
                    _ => Constraint::Store(a, b),
                });
            }
            let steps = solver.intern(&[GepStep::Const(8)]);
            for (i, constraint) in constraints.iter().enumerate() {
                match *constraint {
                    Constraint::Address(node, object) => {
                        let loc = solver.loc(objects[object as usize], 0);
                        solver.add(nodes[node as usize], loc);
                    }
                    Constraint::Copy(from, to) => solver.edge(nodes[from as usize], nodes[to as usize]),
                    Constraint::Load(ptr, to) => {
                        solver.define(nodes[ptr as usize], Use::Load { target: nodes[to as usize], slots: Slots::ONE });
                    }
                    Constraint::Store(ptr, from) => {
                        solver.attach(nodes[ptr as usize], Use::Store { source: nodes[from as usize], slots: Slots::ONE });
                    }
                    Constraint::Field(from, to) => {
                        solver.define(nodes[from as usize], Use::Gep { steps, target: nodes[to as usize] });
                    }
                }
                if i % 7 == 0 {
                    solver.share();
                    solver.collapse_cycles();
                }
            }
            while !solver.is_done() {
                solver.solve();
                solver.share();
                solver.collapse_cycles();
            }
            let wanted = reference(&constraints);
            for (node, wanted) in nodes.iter().zip(&wanted) {
                let places = |loc| {
                    let (object, offset, _) = solver.locs[loc as usize];
                    (object - objects[0], u32::try_from(offset.unwrap_or(u64::MAX) / 8).unwrap_or(u32::MAX))
                };
                let found: BTreeSet<(u32, u32)> = solver.points_to(*node).iter().map(places).collect();
                let covered = |p: &(u32, u32)| found.contains(p) || found.contains(&(p.0, u32::MAX));
                assert!(wanted.iter().all(covered), "{found:?} {wanted:?}");
                // Steps that feed themselves lose the place.
                assert!(solver.cyclic.contains(&true) || found == *wanted, "{found:?} {wanted:?}");
                exact += usize::from(!wanted.is_empty() && found == *wanted);
            }
        }
        assert!(exact > 1000, "{exact}");
    }
}
