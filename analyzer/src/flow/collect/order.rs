//! Which of the memory that threads may race for can be ordered as it is accessed, so that it stays in replay space.
//!
//! The order of an access is found by code in front of it or behind it. So memory qualifies if all that touches it at replay, too, has
//! such code: loads, stores and atomic operations of the program, copies, and library calls of which it is known before the call how
//! far they reach. What the runtime or the library works on otherwise stays the environment's.

use super::{Collector, sorted};
use crate::flow::facts::{ALLOCATORS, CallSite, Pin, Place, Role};
use crate::model::{FunctionId, InstrKind, Operand};
use crate::points_to::{FieldId, ObjectKind};
use itarget_plan::{Len, Ordered};
use rustc_hash::{FxHashMap, FxHashSet};

/// Runtime functions that do not look at the memory they get, or see to the order of what they do there.
const AWARE: &[&str] = &[
    "__itarget_assert_fail",
    "__itarget_bsearch",
    "__itarget_execv",
    "__itarget_execve",
    "__itarget_execvp",
    "__itarget_execvpe",
    "__itarget_free",
    "__itarget_getspecific",
    "__itarget_key_create",
    "__itarget_malloc_usable_size",
    "__itarget_munmap",
    "__itarget_pthread_create",
    "__itarget_pthread_join",
    "__itarget_qsort",
    "__itarget_qsort_r",
    "__itarget_setspecific",
    "__itarget_sigaction",
];
/// Beginnings of the names of runtime functions for objects of synchronization, which they never touch.
const OBJECTS: &[&str] = &["barrier_", "cnd_", "cond_", "mtx_", "mutex_", "rwlock_", "sem_", "spin_"];
/// Those of them that write elsewhere.
const RESULTS: &[&str] = &["__itarget_sem_getvalue"];
/// Functions that take mappings away, or make them anew.
const UNMAP: &[&str] = &["mremap", "munmap"];
/// Most bytes of an argument or a variable of the environment (the kernel's `MAX_ARG_STRLEN`).
const ARGUMENT: u64 = 128 << 10;
/// Bytes that `iconv` works on at an argument itself.
const POINTER: u64 = 8;
/// Loads that race are logged where there are so many times as many accesses that do not.
const SELDOM: u64 = 10;
/// Bytes of a list of arguments.
const VA_LIST: u64 = 24;

/// What a call accesses.
#[derive(Debug, Clone, Default)]
struct Reach {
    /// What can be ordered before it.
    ordered: Vec<Ordered>,
    /// Cells that it reads besides.
    blind: Vec<FieldId>,
    /// Cells for which nothing of that is enough.
    beyond: Vec<FieldId>,
}

impl Collector<'_> {
    /// Of these cells, ascending, those that can be ordered as they are accessed.
    pub(super) fn orderable(&self, cells: &[FieldId]) -> Vec<FieldId> {
        let beyond = self.beyond();
        // A thread that got the address of a mapping in no order may come there before what was mapped there earlier is gone.
        let unmaps = UNMAP.iter().any(|name| self.module.external(name).is_some());
        let fits = |c: &FieldId| {
            let kind = self.points_to.object(self.points_to.field(*c).object).kind;
            let place = self.facts.place(self.points_to, *c);
            (matches!(place, Place::Low | Place::Movable) || place == Place::Mapping && !unmaps)
                && matches!(kind, ObjectKind::Arguments | ObjectKind::Global(_) | ObjectKind::Stack(..) | ObjectKind::Heap(_))
                && !beyond.contains(c)
        };
        cells.iter().copied().filter(fits).collect()
    }

    /// Cells that something works on that can't be ordered.
    fn beyond(&self) -> FxHashSet<FieldId> {
        let mut all: FxHashSet<FieldId> = FxHashSet::default();
        let (mut empty, mut aware): (FxHashSet<(usize, usize)>, FxHashSet<(usize, usize)>) = Default::default();
        for call in &self.facts.calls {
            let runtime = call.spec.runtime.as_deref().unwrap_or_default();
            if fills(runtime) {
                empty.insert(call.at);
            }
            if fills(runtime) || AWARE.contains(&runtime) {
                aware.insert(call.at);
            }
            all.extend(self.reach(call).beyond);
        }
        // What is read natively gets a copy, if its size is known; what is written as well is not.
        let copied = |p: &&Pin| p.staged.as_ref().is_some_and(|s| !s.written && s.bytes > 0) || aware.contains(&p.at);
        all.extend(self.facts.pins.iter().filter(|p| !copied(p)).flat_map(|p| p.values.iter().copied()));
        let mut made: FxHashSet<(usize, u32)> = FxHashSet::default();
        made.extend(self.facts.calls.iter().filter(|c| empty.contains(&c.at)).map(|c| (c.at.0, c.ordinal)));
        for object in self.points_to.objects() {
            if !object.made_at.iter().all(|site| made.contains(&(site.function.index(), site.ordinal))) {
                all.extend((object.fields.0.0..object.fields.1.0).map(FieldId));
            }
        }
        for (index, function) in self.module.functions.iter().enumerate() {
            for instr in &function.instrs {
                let lists: &[Operand] = match &instr.kind {
                    InstrKind::VaStart { list } | InstrKind::VaArg { list } => &[*list],
                    InstrKind::VaCopy { dst, src } => &[*dst, *src],
                    InstrKind::Call(call) => {
                        if call.callee.is_working_assembly() {
                            for &arg in &call.args {
                                all.extend(self.span(&self.merged(index, arg), None));
                            }
                        }
                        continue;
                    }
                    _ => continue,
                };
                for &list in lists {
                    all.extend(self.span(&self.merged(index, list), Some(VA_LIST)));
                }
            }
        }
        all
    }

    /// What a call of the library, or of the runtime in its place, accesses natively.
    fn reach(&self, call: &CallSite) -> Reach {
        let mut reach = Reach::default();
        let InstrKind::Call(made) = &self.module.functions[call.at.0].instrs[call.at.1].kind else {
            return self.moved(call, reach);
        };
        match call.role {
            Role::Refuse | Role::Unknown => {}
            Role::Env => self.written(call, &mut reach),
            Role::Det => reach = self.moved(call, reach),
            Role::Native | Role::Runtime => {
                let runtime = call.spec.runtime.as_deref().unwrap_or_default();
                let object = runtime.strip_prefix("__itarget_").is_some_and(|r| OBJECTS.iter().any(|o| r.starts_with(o)));
                if fills(runtime) || AWARE.contains(&runtime) || object && !RESULTS.contains(&runtime) {
                    return reach;
                }
                let len = (runtime == "__itarget_iconv").then_some(POINTER);
                for &arg in &made.args {
                    reach.beyond.extend(self.span(&self.merged(call.at.0, arg), len));
                }
            }
        }
        reach
    }

    /// What an environment call writes is ordered before it.
    fn written(&self, call: &CallSite, reach: &mut Reach) {
        for (written, fact) in call.spec.writes.iter().zip(&call.writes) {
            reach.beyond.extend(&fact.shape);
            // What runs meanwhile may end the epoch in which the memory was acquired.
            let calls_back = !call.spec.callbacks.is_empty();
            if calls_back || written.deep || written.write.kept || written.through != [written.write.arg] || matches!(written.write.len, Len::Behind(..)) {
                reach.beyond.extend(&fact.values);
            } else {
                let len = bound(&written.write.len);
                reach.beyond.extend(self.order(written.write.arg, len, true, &fact.values, &mut reach.ordered));
            }
        }
    }

    /// What a call works on natively.
    fn moved(&self, call: &CallSite, mut reach: Reach) -> Reach {
        self.written(call, &mut reach);
        reach.blind.extend(&call.deep);
        let copied = call.spec.writes.first().map(|w| &w.write.len).filter(|_| call.copies);
        for pointer in call.pointers.iter().filter(|p| p.read) {
            let declared = call.spec.lengths.iter().find(|l| l.0 == pointer.arg).map(|l| &l.1);
            let len = copied.or(declared).and_then(bound);
            reach.blind.extend(self.order(pointer.arg, len, false, &pointer.values, &mut reach.ordered));
        }
        reach
    }

    /// An access through an argument. What lies on the heap may be looked at as far as its block goes, variables as far as the largest of
    /// them. Gives the cells of objects whose size is not known.
    fn order(&self, arg: u32, len: Option<Len>, write: bool, values: &[FieldId], ordered: &mut Vec<Ordered>) -> Vec<FieldId> {
        let object = |c: &FieldId| self.points_to.object(self.points_to.field(*c).object);
        let low: Vec<FieldId> = values.iter().copied().filter(|c| !matches!(object(c).kind, ObjectKind::Heap(_))).collect();
        let size = |c: &FieldId| if object(c).kind == ObjectKind::Arguments { Some(ARGUMENT) } else { object(c).size };
        let most = low.iter().filter_map(size).max().unwrap_or(0);
        let (most, unknown) = match len {
            Some(_) => (0, Vec::new()),
            None => {
                // How far a mapping goes the runtime can't tell.
                let mapped = |c: &FieldId| self.facts.place(self.points_to, *c) == Place::Mapping;
                let unknown = low.into_iter().filter(|c| size(c).is_none());
                (most, unknown.chain(values.iter().copied().filter(mapped)).collect())
            }
        };
        let access = Ordered { arg, len, most, write };
        if !ordered.contains(&access) {
            ordered.push(access);
        }
        unknown
    }

    /// By call: what is ordered before it, where that may be memory that races, and whether it reads more of that.
    fn ordered_calls(&self, ordered: &[FieldId]) -> FxHashMap<(usize, usize), (Vec<Ordered>, bool)> {
        let races = |values: &[FieldId]| values.iter().any(|v| ordered.binary_search(v).is_ok());
        let mut calls = FxHashMap::default();
        for call in self.facts.calls.iter().filter(|c| matches!(c.role, Role::Env | Role::Det)) {
            let reach = self.reach(call);
            let mut accesses = reach.ordered;
            accesses.retain(|access| {
                let writes = call.spec.writes.iter().zip(&call.writes).filter(|(w, _)| access.write && w.write.arg == access.arg);
                let reads = call.pointers.iter().filter(|p| !access.write && p.arg == access.arg);
                writes.map(|(_, f)| &f.values).chain(reads.map(|p| &p.values)).any(|v| races(v))
            });
            let blind = races(&reach.blind);
            if blind || !accesses.is_empty() {
                calls.insert(call.at, (accesses, blind));
            }
        }
        calls
    }

    /// Cells that only loads race for, few of all that access them: these loads are logged, which costs less than to order all accesses.
    fn seldom_read(&mut self, races: &crate::races::Races, atomics: &[FieldId]) -> FxHashSet<FieldId> {
        let only_loads = |c: &FieldId| races.unordered.binary_search(c).is_err() && atomics.binary_search(c).is_err();
        let mut counts: FxHashMap<FieldId, (u64, u64)> = races.cells.iter().filter(|c| only_loads(c)).map(|c| (*c, (0, 0))).collect();
        let racing = |at: (usize, usize)| races.loads.binary_search(&(FunctionId::from(at.0), at.1)).is_ok();
        let loads = self.facts.loads.iter().map(|l| (&l.values, l.executions, racing(l.at)));
        for (values, executions, races) in loads.chain(self.facts.stores.iter().map(|s| (&s.values, s.executions, false))) {
            for value in values {
                if let Some((racing, all)) = counts.get_mut(value) {
                    *racing = racing.saturating_add(if races { executions } else { 0 });
                    *all = all.saturating_add(executions);
                }
            }
        }
        let seen: FxHashSet<FieldId> = counts.iter().filter(|(_, (racing, all))| racing.saturating_mul(SELDOM) < *all).map(|(c, _)| *c).collect();
        for load in &mut self.facts.loads {
            load.races = racing(load.at) && load.values.iter().any(|v| seen.contains(v));
        }
        seen
    }

    /// What races, in programs whose accesses are ordered as they are made.
    pub(super) fn raced_or_ordered(&mut self, races: crate::races::Races) {
        let atomics = sorted(self.facts.atomics.iter().flat_map(|a| a.1.iter().copied()).collect());
        let seen = self.seldom_read(&races, &atomics);
        let all = sorted(races.cells.iter().copied().filter(|c| !seen.contains(c)).chain(atomics).collect());
        let ordered = self.orderable(&all);
        self.facts.raced = all.into_iter().filter(|c| ordered.binary_search(c).is_err()).collect();
        self.facts.ordered_calls = self.ordered_calls(&ordered);
        self.facts.ordered = ordered;
    }
}

/// A runtime function whose blocks are empty, or filled in an order.
fn fills(runtime: &str) -> bool {
    ALLOCATORS.contains(&runtime) || runtime == "__itarget_mmap"
}

/// The most that a length comes to, if that can be computed before the call.
fn bound(len: &Len) -> Option<Len> {
    match len {
        Len::Const(_) | Len::Arg(_) => Some(len.clone()),
        Len::Add(a, b) => Some(Len::Add(Box::new(bound(a)?), Box::new(bound(b)?))),
        Len::Mul(a, b) => Some(Len::Mul(Box::new(bound(a)?), Box::new(bound(b)?))),
        Len::Min(a, b) => match (bound(a), bound(b)) {
            (Some(a), Some(b)) => Some(Len::Min(Box::new(a), Box::new(b))),
            (a, b) => a.or(b),
        },
        _ => None,
    }
}
