//! Locks that lie in the same object as what they guard: `lock(&s->lock); s->count++`.
//!
//! A lock is named by the pointer that the program computes it from, and the bytes from there. Two threads that each hold the lock
//! at the same distance from the address that they access hold the same lock if they access the same address: whatever the pointer
//! leads to, also on the heap and in arrays. Names hold as long as the pointer is not computed anew; they go through arguments into
//! functions, and out of functions that take a lock for their caller.

use super::forward::forward;
use super::bits::Bits;
use super::calls::{Graph, Site};
use super::library::{self, LockCall};
use super::threads::Threads;
use crate::model::{Function, FunctionId, GepStep, InstrKind, Module, Operand, ValueId};
use crate::points_to::{ObjectId, PointsTo};
use rustc_hash::FxHashMap;

/// A lock held: the parameter, result or variable that its address is computed from, bytes from there, held alone.
pub(super) type Held = (Operand, i64, bool);

/// Most bytes of an access for which this holds: locks that lie closer to each other than that would be mixed up.
pub(super) const MOST: u64 = 32;

pub(super) struct OwnLocks<'a> {
    module: &'a Module,
    points_to: &'a PointsTo,
    graph: &'a Graph,
    /// What a function holds when it returns, through its parameters.
    taken: Vec<Vec<Held>>,
    /// What is held where it begins, through its parameters; `None`: it never does.
    entry: Vec<Option<Vec<Held>>>,
    /// Objects in which locks are given back, numbered.
    guarded: FxHashMap<ObjectId, usize>,
    /// Those in which a function, or what it calls, may do so; `None`: anywhere.
    released: Vec<Option<Bits>>,
    /// It has to do with locks.
    busy: Vec<bool>,
}

/// The value that an address is computed from, and the bytes from there.
pub(super) fn resolve(function: &Function, mut operand: Operand) -> Option<(Operand, i64)> {
    let mut offset = 0i64;
    loop {
        let value = match operand {
            Operand::Local(value) => value,
            Operand::Global(global, by) => return Some((Operand::Global(global, 0), offset.checked_add(by)?)),
            _ => return None,
        };
        let constant = |instr: usize| match &function.instrs[instr].kind {
            InstrKind::Gep { base: base @ (Operand::Local(_) | Operand::Global(..)), steps } => {
                let sum = steps.iter().try_fold(0i64, |sum, step| if let GepStep::Const(by) = step { sum.checked_add(*by) } else { None });
                sum.map(|sum| (*base, sum))
            }
            _ => None,
        };
        let Some((base, by)) = function.instr_of(value).and_then(constant) else { return Some((operand, offset)) };
        offset = offset.checked_add(by)?;
        operand = base;
    }
}

/// The number of a parameter.
fn parameter(function: &Function, operand: Operand) -> Option<usize> {
    if let Operand::Local(value) = operand { Some(value.index()).filter(|i| *i < function.signature.params.len()) } else { None }
}

impl<'a> OwnLocks<'a> {
    pub(super) fn find(module: &'a Module, points_to: &'a PointsTo, graph: &'a Graph, threads: &Threads) -> OwnLocks<'a> {
        let count = module.functions.len();
        let mut locks = OwnLocks {
            module,
            points_to,
            graph,
            taken: vec![Vec::new(); count],
            entry: vec![None; count],
            guarded: FxHashMap::default(),
            released: Vec::new(),
            busy: vec![false; count],
        };
        let mut callers: Vec<Vec<usize>> = vec![Vec::new(); count];
        for (caller, sites) in graph.sites.iter().enumerate() {
            sites.iter().flat_map(|s| &s.functions).for_each(|f| callers[f.index()].push(caller));
        }
        locks.releases(&callers);
        // What a function takes for its caller: more is found each time, all of it true.
        for _ in 0..3 {
            let mut changed = false;
            for f in (0..count).filter(|f| locks.busy[*f]).collect::<Vec<_>>() {
                let taken = locks.takes(f);
                changed |= taken != locks.taken[f];
                locks.taken[f] = taken;
            }
            if !changed {
                break;
            }
        }
        locks.enter(threads);
        locks
    }

    /// Finds which functions may give locks back, and where.
    fn releases(&mut self, callers: &[Vec<usize>]) {
        let mut by: Vec<(usize, Option<Vec<ObjectId>>)> = Vec::new();
        for (f, sites) in self.graph.sites.iter().enumerate() {
            for site in sites {
                let Some(kind) = self.kind(site) else { continue };
                self.busy[f] = true;
                match kind {
                    LockCall::Release => {
                        let cells = self.argument(f, site.instr).map(|o| self.points_to.value_merged(FunctionId::from(f), o));
                        let objects = cells.filter(|c| !c.is_empty()).map(|c| c.iter().map(|c| self.points_to.field(*c).object).collect());
                        by.push((f, objects));
                    }
                    LockCall::ReturnsAgain => by.push((f, None)),
                    LockCall::Exclusive | LockCall::Shared => {}
                }
            }
        }
        for object in by.iter().filter_map(|(_, o)| o.as_ref()).flatten() {
            let next = self.guarded.len();
            self.guarded.entry(*object).or_insert(next);
        }
        self.released = vec![Some(Bits::none(self.guarded.len())); self.busy.len()];
        for (f, objects) in by {
            match (objects, &mut self.released[f]) {
                (Some(objects), Some(all)) => objects.iter().for_each(|o| all.add(self.guarded[o])),
                (_, all) => *all = None,
            }
        }
        let mut work: Vec<usize> = (0..self.busy.len()).filter(|f| self.busy[*f]).collect();
        while let Some(f) = work.pop() {
            let mine = self.released[f].clone();
            for &caller in &callers[f] {
                let new = match (&mine, &mut self.released[caller]) {
                    (Some(mine), Some(all)) => all.join(mine),
                    (None, all @ Some(_)) => {
                        *all = None;
                        true
                    }
                    (_, None) => false,
                };
                if new | !std::mem::replace(&mut self.busy[caller], true) {
                    work.push(caller);
                }
            }
        }
    }

    /// What a call of the library does to a lock; to release one is the least to expect.
    fn kind(&self, site: &Site) -> Option<LockCall> {
        let of = |e: &crate::model::ExternalId| {
            let e = &self.module.externals[e.index()];
            // Spin locks are so small that several are within one access.
            let small = |kind: &LockCall| e.name.contains("spin") && *kind != LockCall::Release;
            if e.attributes.returns_twice { Some(LockCall::ReturnsAgain) } else { library::lock(&e.name).filter(|k| !small(k)) }
        };
        match site.externals.as_slice() {
            [only] if site.functions.is_empty() => of(only),
            all => all.iter().filter_map(of).find(|k| *k == LockCall::ReturnsAgain).or(all.iter().any(|e| of(e).is_some()).then_some(LockCall::Release)),
        }
    }

    fn argument(&self, function: usize, instr: usize) -> Option<Operand> {
        let InstrKind::Call(call) = &self.module.functions[function].instrs[instr].kind else { return None };
        call.args.first().copied()
    }

    /// The objects that a pointer leads to, of those that have locks; `None` if it is not known where it leads.
    fn objects(&self, function: usize, operand: Operand) -> Option<Bits> {
        let cells = self.points_to.value_merged(FunctionId::from(function), operand);
        let mut all = Bits::none(self.guarded.len());
        cells.iter().filter_map(|c| self.guarded.get(&self.points_to.field(*c).object)).for_each(|i| all.add(*i));
        (!cells.is_empty()).then_some(all)
    }

    /// What a function holds at all its returns, by its parameters, if it begins with nothing.
    fn takes(&self, f: usize) -> Vec<Held> {
        let function = &self.module.functions[f];
        let mut all: Option<Vec<Held>> = None;
        self.walk(f, &[], &mut |instr, held| {
            if matches!(function.instrs[instr].kind, InstrKind::Ret { .. }) {
                match &mut all {
                    Some(all) => all.retain(|h| held.contains(h)),
                    None => all = Some(held.to_vec()),
                }
            }
        });
        let mut all = all.unwrap_or_default();
        all.retain(|(root, _, _)| parameter(function, *root).is_some() || matches!(root, Operand::Global(..)));
        all
    }

    /// What all callers hold.
    fn enter(&mut self, threads: &Threads) {
        let count = self.module.functions.len();
        let mut called = vec![false; count];
        for f in self.graph.sites.iter().flatten().flat_map(|s| &s.functions) {
            called[f.index()] = true;
        }
        let anyone = self.graph.starts.iter().flat_map(|s| &s.runs).chain(&self.graph.anywhere).map(|f| f.index());
        let mut work: Vec<usize> = anyone.chain((0..count).filter(|f| !called[*f])).collect();
        let main = self.module.function("main").map(FunctionId::index);
        work.extend(main);
        let open = (0..count).filter(|f| main.is_none() && self.module.functions[*f].exported);
        work.extend(open.collect::<Vec<_>>());
        work.iter().for_each(|f| self.entry[*f] = Some(Vec::new()));
        let mut seen = vec![false; count];
        while let Some(f) = work.pop() {
            seen[f] = true;
            let begin = self.entry[f].clone().unwrap_or_default();
            let graph = self.graph;
            let mut found: Vec<(usize, Option<Vec<Held>>)> = Vec::new();
            let mut note = |this: &Self, site: &Site, held: &[Held]| {
                for callee in &site.functions {
                    let alone = threads.is_alone_in(f, site.instr, *callee);
                    let passed = if site.externals.is_empty() { this.passed(f, site.instr, *callee, held) } else { Vec::new() };
                    // Before there is a second thread nobody needs a lock.
                    found.push((callee.index(), (!alone).then_some(passed)));
                }
            };
            if begin.is_empty() && !self.busy[f] {
                graph.sites[f].iter().for_each(|site| note(self, site, &[]));
            } else {
                let sites = &graph.sites[f];
                self.walk(f, &begin, &mut |instr, held| {
                    if let Ok(i) = sites.binary_search_by_key(&instr, |s| s.instr) {
                        note(self, &sites[i], held);
                    }
                });
            }
            for (callee, passed) in found {
                let changed = match (&mut self.entry[callee], passed) {
                    (Some(all), Some(passed)) => {
                        let before = all.len();
                        all.retain(|h| passed.contains(h));
                        all.len() != before
                    }
                    (none @ None, Some(passed)) => {
                        *none = Some(passed);
                        true
                    }
                    // Whoever calls it later will say what is held then.
                    (None, None) => !seen[callee],
                    (Some(_), None) => false,
                };
                if changed {
                    work.push(callee);
                }
            }
        }
    }

    /// What is held, by the parameters of a callee.
    fn passed(&self, f: usize, instr: usize, callee: FunctionId, held: &[Held]) -> Vec<Held> {
        let InstrKind::Call(call) = &self.module.functions[f].instrs[instr].kind else { return Vec::new() };
        let params = &self.module.functions[callee.index()];
        let mut all: Vec<Held> = held.iter().filter(|h| matches!(h.0, Operand::Global(..))).copied().collect();
        for (i, arg) in call.args.iter().enumerate().take(params.signature.params.len()) {
            if params.byval[i] > 0 {
                continue;
            }
            if let Some((root, at)) = resolve(&self.module.functions[f], *arg) {
                all.extend(held.iter().filter(|h| h.0 == root).map(|h| (Operand::Local(ValueId::from(i)), h.1 - at, h.2)));
            }
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    /// What a call does to what is held.
    fn apply(&self, f: usize, site: &Site, held: &mut Vec<Held>, roots: &mut FxHashMap<Operand, Option<Bits>>) {
        let function = &self.module.functions[f];
        let mut release = |objects: Option<&Bits>, held: &mut Vec<Held>| match objects {
            None => held.clear(),
            Some(_) if held.is_empty() => {}
            Some(objects) => held.retain(|(root, _, _)| {
                let mine = roots.entry(*root).or_insert_with(|| self.objects(f, *root));
                mine.as_ref().is_some_and(|mine| !mine.meets(objects))
            }),
        };
        for callee in &site.functions {
            release(self.released[callee.index()].as_ref(), held);
        }
        if let Some(kind) = self.kind(site) {
            let lock = self.argument(f, site.instr);
            match kind {
                LockCall::Exclusive | LockCall::Shared => {
                    if let Some((root, at)) = lock.and_then(|o| resolve(function, o)) {
                        held.push((root, at, kind == LockCall::Exclusive));
                    }
                }
                LockCall::Release => {
                    let named = lock.and_then(|o| resolve(function, o));
                    held.retain(|h| named != Some((h.0, h.1)));
                    let objects = lock.and_then(|o| self.objects(f, o));
                    release(objects.as_ref(), held);
                }
                LockCall::ReturnsAgain => held.clear(),
            }
        } else if let ([callee], true, InstrKind::Call(call)) = (site.functions.as_slice(), !site.may_not, &function.instrs[site.instr].kind) {
            let of = &self.module.functions[callee.index()];
            for (root, at, alone) in &self.taken[callee.index()] {
                let arg = parameter(of, *root).filter(|i| of.byval[*i] == 0).and_then(|i| call.args.get(i)).copied();
                if let Some((root, offset)) = arg.and_then(|arg| resolve(function, arg)) {
                    held.push((root, offset + at, *alone));
                } else if matches!(root, Operand::Global(..)) {
                    held.push((*root, *at, *alone));
                }
            }
        }
        held.sort_unstable();
        held.dedup();
    }

    /// Visits each instruction with what is held before it.
    pub(super) fn visit(&self, f: usize, visit: &mut impl FnMut(usize, &[Held])) {
        self.walk(f, self.entry[f].as_deref().unwrap_or_default(), visit);
    }

    /// Whether anything is ever held in a function.
    pub(super) fn matters(&self, f: usize) -> bool {
        self.busy[f] || self.entry[f].as_ref().is_some_and(|e| !e.is_empty())
    }

    fn walk(&self, f: usize, entry: &[Held], visit: &mut impl FnMut(usize, &[Held])) {
        let function = &self.module.functions[f];
        let sites = &self.graph.sites[f];
        let mut roots = FxHashMap::default();
        let step = |instr: usize, held: &mut Vec<Held>| {
            if let Ok(i) = sites.binary_search_by_key(&instr, |s| s.instr) {
                self.apply(f, &sites[i], held, &mut roots);
            }
            // The name stands for another address from here on.
            if held.is_empty() {
                return;
            }
            let value = Operand::Local(function.value_of(instr));
            held.retain(|h| h.0 != value);
        };
        let meet = |old: &mut Vec<Held>, new: &Vec<Held>| {
            let before = old.len();
            old.retain(|h| new.contains(h));
            old.len() != before
        };
        forward(function, entry.to_vec(), meet, step, &mut |instr, held: &Vec<Held>| visit(instr, held));
    }
}
