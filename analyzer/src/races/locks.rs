//! Which locks a thread certainly holds at each instruction.
//!
//! A lock is known if the pointer to it leads to one place that stands for one lock of the running program: in a variable, not in an
//! array, not on the heap. Others count as free. What a function does to locks is summed up as "held afterwards", "free afterwards"
//! or "as before", by lock; what is held where it begins is what all its callers hold.

use super::forward::forward;
use super::bits::Bits;
use super::calls::{Graph, Site};
use super::library::{self, LockCall};
use super::threads::Threads;
use crate::model::{Function, FunctionId, InstrKind, Module, Operand};
use crate::points_to::{FieldId, ObjectKind, PointsTo};
use rustc_hash::FxHashMap;

/// The locks of a program, and who holds which. Two numbers by lock in each set: held (perhaps with others), and held alone.
pub(super) struct Locks {
    /// The place of each lock, ascending.
    pub(super) places: Vec<FieldId>,
    /// What is held where a function begins, by function; everything, if it never does.
    entry: Vec<Bits>,
    effects: Effects,
}

/// What happens to locks: those held afterwards, and those that are not. The rest is as before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Effect {
    held: Bits,
    free: Bits,
}

impl Effect {
    fn none(bits: usize) -> Effect {
        Effect { held: Bits::none(bits), free: Bits::none(bits) }
    }

    /// Of code that never ends: anything can be said of what comes after.
    fn never(bits: usize) -> Effect {
        Effect { held: Bits::all(bits), free: Bits::none(bits) }
    }

    /// Of either.
    fn either(&mut self, other: &Effect) {
        self.held.meet(&other.held);
        self.free.join(&other.free);
    }

    /// Of this and then the other.
    fn then(&mut self, next: &Effect) {
        self.held.subtract(&next.free);
        self.free.join(&next.free);
        self.held.join(&next.held);
        self.free.subtract(&next.held);
    }

    fn apply(&self, held: &mut Bits) {
        held.subtract(&self.free);
        held.join(&self.held);
    }
}

struct Effects {
    bits: usize,
    /// Of calls of the library, by function and instruction.
    direct: FxHashMap<(usize, usize), Effect>,
    /// By function; `None`: it leaves all as it was.
    of: Vec<Option<Effect>>,
}

impl Locks {
    pub(super) fn find(module: &Module, points_to: &PointsTo, graph: &Graph, threads: &Threads) -> Locks {
        let calls = lock_calls(module, graph);
        let mut places: Vec<FieldId> = Vec::new();
        let known = |function: usize, operand: Operand| {
            let cell = points_to.exact(FunctionId::from(function), operand)?;
            stands_for_one(module, points_to, cell).then_some(cell)
        };
        let acquired = calls.iter().filter(|c| c.2.iter().any(|k| matches!(k, Some(LockCall::Exclusive | LockCall::Shared))));
        places.extend(acquired.filter_map(|c| known(c.0, argument(module, c.0, c.1)?)));
        places.sort_unstable();
        places.dedup();
        let bits = places.len() * 2;
        let mut effects = Effects { bits, direct: FxHashMap::default(), of: vec![None; module.functions.len()] };
        for (function, instr, kinds) in &calls {
            let mut all: Option<Effect> = None;
            for kind in kinds {
                let effect = match kind {
                    None => Effect::none(bits),
                    // What was held when it first returned may be free when it returns again.
                    Some(LockCall::ReturnsAgain) => Effect { held: Bits::none(bits), free: Bits::all(bits) },
                    Some(kind) => {
                        let operand = argument(module, *function, *instr);
                        let cells = operand.map_or_else(Vec::new, |o| points_to.value_merged(FunctionId::from(*function), o));
                        let lock = operand.and_then(|o| known(*function, o));
                        effect(*kind, lock, &cells, &places)
                    }
                };
                match &mut all {
                    Some(all) => all.either(&effect),
                    None => all = Some(effect),
                }
            }
            if let Some(all) = all {
                effects.direct.insert((*function, *instr), all);
            }
        }
        effects.sum_up(module, graph);
        let entry = effects.entries(module, graph, threads);
        Locks { places, entry, effects }
    }

    /// Calls `visit` with each instruction of a function and what is held before it.
    pub(super) fn walk(&self, module: &Module, graph: &Graph, function: usize, mut visit: impl FnMut(usize, &Bits)) {
        self.effects.walk(&module.functions[function], graph, function, &self.entry[function], &mut visit);
    }

    /// Whether two who hold these locks can't both be there, one of them writing.
    pub(super) fn exclude(a: &Bits, b: &Bits) -> bool {
        a.iter().any(|i| b.has(i) && i % 2 == 0 && (a.has(i + 1) || b.has(i + 1)))
    }
}

/// The locks in a set, by the places of all, and whether each is held alone.
pub(super) fn held<'a>(places: &'a [FieldId], set: &'a Bits) -> impl Iterator<Item = (FieldId, bool)> + 'a {
    set.iter().filter(|i| i % 2 == 0).map(|i| (places[i / 2], set.has(i + 1)))
}

/// Whether a cell is in one place of one object only.
fn stands_for_one(module: &Module, points_to: &PointsTo, cell: FieldId) -> bool {
    let field = points_to.field(cell);
    let ObjectKind::Global(global) = points_to.object(field.object).kind else { return false };
    let alone = points_to.globals().iter().filter(|(_, o)| *o == field.object).count() == 1;
    let arrayed = points_to.arrays(field.object).any(|(start, end, stride)| start <= field.offset && field.offset < end && end - start > stride);
    alone && !arrayed && !module.globals[global.index()].thread_local
}

/// Calls of library functions that may touch locks: function, instruction, and what each of the functions called does.
fn lock_calls(module: &Module, graph: &Graph) -> Vec<(usize, usize, Vec<Option<LockCall>>)> {
    let mut all = Vec::new();
    for (function, sites) in graph.sites.iter().enumerate() {
        for site in sites {
            let kinds: Vec<Option<LockCall>> = site.externals.iter().map(|e| &module.externals[e.index()])
                .map(|e| if e.attributes.returns_twice { Some(LockCall::ReturnsAgain) } else { library::lock(&e.name) }).collect();
            if kinds.iter().any(Option::is_some) {
                all.push((function, site.instr, kinds));
            }
        }
    }
    all
}

fn argument(module: &Module, function: usize, instr: usize) -> Option<Operand> {
    let InstrKind::Call(call) = &module.functions[function].instrs[instr].kind else { return None };
    call.args.first().copied()
}

fn effect(kind: LockCall, lock: Option<FieldId>, cells: &[FieldId], places: &[FieldId]) -> Effect {
    let mut effect = Effect::none(places.len() * 2);
    let at = |cell: &FieldId| places.binary_search(cell).ok();
    match kind {
        LockCall::Exclusive | LockCall::Shared => {
            if let Some(i) = lock.as_ref().and_then(at) {
                effect.held.add(2 * i);
                let alone = if kind == LockCall::Exclusive { &mut effect.held } else { &mut effect.free };
                alone.add(2 * i + 1);
            }
        }
        LockCall::ReturnsAgain | LockCall::Release if cells.is_empty() => effect.free = Bits::all(places.len() * 2),
        LockCall::ReturnsAgain | LockCall::Release => {
            for i in cells.iter().filter_map(at) {
                effect.free.add(2 * i);
                effect.free.add(2 * i + 1);
            }
        }
    }
    effect
}

impl Effects {
    /// What a call does.
    fn of_site(&self, function: usize, site: &Site) -> Effect {
        let mut all: Option<Effect> = None;
        let mut or = |effect: &Effect| match &mut all {
            Some(all) => all.either(effect),
            None => all = Some(effect.clone()),
        };
        let none = Effect::none(self.bits);
        for callee in &site.functions {
            or(self.of[callee.index()].as_ref().unwrap_or(&none));
        }
        if let Some(direct) = self.direct.get(&(function, site.instr)) {
            or(direct);
        } else if site.may_not || site.functions.is_empty() {
            or(&none);
        }
        all.unwrap_or(none)
    }

    /// Sums up all functions, from those that do nothing but end: the greatest solution.
    fn sum_up(&mut self, module: &Module, graph: &Graph) {
        let mut callers: Vec<Vec<usize>> = vec![Vec::new(); module.functions.len()];
        for (caller, sites) in graph.sites.iter().enumerate() {
            sites.iter().flat_map(|s| &s.functions).for_each(|f| callers[f.index()].push(caller));
        }
        let mut work: Vec<usize> = self.direct.keys().map(|(f, _)| *f).collect();
        let mut touched = vec![false; module.functions.len()];
        while let Some(f) = work.pop() {
            if !std::mem::replace(&mut touched[f], true) {
                work.extend(&callers[f]);
            }
        }
        if self.bits == 0 {
            return;
        }
        let mut queue: Vec<usize> = (0..touched.len()).filter(|f| touched[*f]).collect();
        queue.iter().for_each(|f| self.of[*f] = Some(Effect::never(self.bits)));
        let mut queued = touched.clone();
        while let Some(f) = queue.pop() {
            queued[f] = false;
            let effect = self.sum(&module.functions[f], graph, f);
            if self.of[f].as_ref() != Some(&effect) {
                self.of[f] = Some(effect);
                for caller in callers[f].iter().filter(|c| touched[**c]) {
                    if !std::mem::replace(&mut queued[*caller], true) {
                        queue.push(*caller);
                    }
                }
            }
        }
    }

    /// What a function does from its entry to its returns.
    fn sum(&self, function: &Function, graph: &Graph, index: usize) -> Effect {
        let sites = &graph.sites[index];
        let mut into: Vec<Option<Effect>> = vec![None; function.blocks.len()];
        into[0] = Some(Effect::none(self.bits));
        let mut work = vec![0usize];
        let mut end = Effect::never(self.bits);
        while let Some(block) = work.pop() {
            let Some(mut effect) = into[block].clone() else { continue };
            let b = &function.blocks[block];
            let from = sites.partition_point(|s| s.instr < b.first as usize);
            for site in sites[from..].iter().take_while(|s| s.instr < b.end as usize) {
                effect.then(&self.of_site(index, site));
            }
            if matches!(function.instrs[b.end as usize - 1].kind, InstrKind::Ret { .. }) {
                end.either(&effect);
            }
            for &next in &b.successors {
                let next = next as usize;
                let changed = match &mut into[next] {
                    Some(old) => {
                        let before = old.clone();
                        old.either(&effect);
                        *old != before
                    }
                    none => {
                        *none = Some(effect.clone());
                        true
                    }
                };
                if changed {
                    work.push(next);
                }
            }
        }
        end
    }

    /// What is held where each function begins: what all who may call it hold.
    fn entries(&self, module: &Module, graph: &Graph, threads: &Threads) -> Vec<Bits> {
        let count = module.functions.len();
        let mut entry = vec![Bits::all(self.bits); count];
        let mut called = vec![false; count];
        let mut work = Vec::new();
        let mut first = |f: FunctionId, entry: &mut Vec<Bits>| {
            entry[f.index()] = Bits::none(self.bits);
            called[f.index()] = true;
            work.push(f.index());
        };
        graph.starts.iter().flat_map(|s| &s.runs).chain(&graph.anywhere).for_each(|f| first(*f, &mut entry));
        let callees: rustc_hash::FxHashSet<usize> = graph.sites.iter().flatten().flat_map(|s| &s.functions).map(|f| f.index()).collect();
        (0..count).filter(|f| graph.reached[*f] && !callees.contains(f)).for_each(|f| first(FunctionId::from(f), &mut entry));
        let main = module.function("main");
        let once = module.globals.iter().filter(|g| g.name.starts_with("llvm.global_")).flat_map(|g| &g.init);
        let once = once.filter_map(|(_, o)| if let Operand::Function(f) = o { Some(*f) } else { None });
        let exported = (0..count).filter(|f| main.is_none() && module.functions[*f].exported).map(FunctionId::from);
        main.into_iter().chain(once).chain(exported).for_each(|f| first(f, &mut entry));
        let mut queued = vec![false; count];
        work.iter().for_each(|f| queued[*f] = true);
        while let Some(f) = work.pop() {
            queued[f] = false;
            let begin = entry[f].clone();
            let sites = &graph.sites[f];
            let mut next = 0;
            let mut changed = Vec::new();
            self.walk(&module.functions[f], graph, f, &begin, &mut |instr, held| {
                while next < sites.len() && sites[next].instr < instr {
                    next += 1;
                }
                let Some(site) = sites.get(next).filter(|s| s.instr == instr) else { return };
                for id in &site.functions {
                    let (callee, alone) = (id.index(), threads.is_alone_in(f, instr, *id));
                    let new = !std::mem::replace(&mut called[callee], true);
                    // Before there is a second thread nobody needs a lock.
                    let less = !alone && entry[callee].meet(held);
                    if new || less {
                        changed.push(callee);
                    }
                }
            });
            for callee in changed {
                if !std::mem::replace(&mut queued[callee], true) {
                    work.push(callee);
                }
            }
        }
        entry
    }

    /// Visits each instruction in order of blocks, with what is held before it.
    fn walk(&self, function: &Function, graph: &Graph, index: usize, entry: &Bits, visit: &mut impl FnMut(usize, &Bits)) {
        let sites = &graph.sites[index];
        let effects: Vec<Effect> = match self.bits {
            0 => Vec::new(),
            _ => sites.iter().map(|site| self.of_site(index, site)).collect(),
        };
        let step = |instr: usize, held: &mut Bits| {
            if !effects.is_empty()
                && let Ok(i) = sites.binary_search_by_key(&instr, |s| s.instr)
            {
                effects[i].apply(held);
            }
        };
        forward(function, entry.clone(), Bits::meet, step, visit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two locks; of each the numbers held, and free.
    fn effect(held: &[usize], free: &[usize]) -> Effect {
        let mut effect = Effect::none(4);
        held.iter().for_each(|i| effect.held.add(*i));
        free.iter().for_each(|i| effect.free.add(*i));
        effect
    }

    #[test]
    fn what_is_given_back_and_taken_again_is_held() {
        let mut all = effect(&[], &[0, 1]);
        all.then(&effect(&[0, 1], &[]));
        assert_eq!(all, effect(&[0, 1], &[]));
        all.then(&effect(&[], &[0, 1]));
        assert_eq!(all, effect(&[], &[0, 1]));
    }

    #[test]
    fn held_is_what_is_held_on_all_ways() {
        let mut all = effect(&[0, 1, 2, 3], &[]);
        all.either(&effect(&[0, 1], &[]));
        all.either(&Effect::never(4));
        assert_eq!(all, effect(&[0, 1], &[]));
        // Free on one way, as before on the other: nothing is certain but what one loses.
        all.either(&effect(&[], &[2, 3]));
        assert_eq!(all, effect(&[], &[2, 3]));
    }

    #[test]
    fn two_who_read_do_not_keep_each_other_out() {
        let set = |of: &[usize]| effect(of, &[]).held;
        assert!(!Locks::exclude(&set(&[0]), &set(&[0])));
        assert!(Locks::exclude(&set(&[0]), &set(&[0, 1])));
        assert!(!Locks::exclude(&set(&[0, 1]), &set(&[2, 3])));
    }
}
