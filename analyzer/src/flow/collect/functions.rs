//! Calls between functions of the program, and what a function can do on one side of the cut only.

use super::externals::class_bytes;
use super::{CallArguments, Collector, sorted};
use crate::annotate::Arguments;
use crate::flow::facts::{CallSite, InternalCall, Place, Role, is_allocator};
use crate::model::{Call, Callee, FunctionId, InstrKind, Operand};
use crate::points_to::{FieldId, ObjectKind};
use itarget_annotations::Ret;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;

/// Bytes by which an allocation is logged, where a function of the environment makes it.
const ALLOCATION: u64 = 8;

/// State that the library keeps from one call to the next, by the functions that share it.
const STATES: &[(&str, &[&str])] = &[
    ("the generator of random numbers", &[
        "drand48", "initstate", "lcong48", "lrand48", "mrand48", "rand", "random", "seed48", "setstate", "srand", "srand48",
        "srandom",
    ]),
    ("the state of getopt", &["__posix_getopt", "getopt", "getopt_long", "getopt_long_only"]),
    ("the state of strtok", &["strtok"]),
    ("the memory mappings", &["mmap", "mmap64", "munmap"]),
    ("the floating-point environment", &[
        "feclearexcept", "fegetenv", "feholdexcept", "feraiseexcept", "fesetenv", "fesetexceptflag", "fesetround", "feupdateenv",
    ]),
    ("the values of thread keys", &[
        "pthread_getspecific", "pthread_key_create", "pthread_key_delete", "pthread_once", "pthread_setspecific",
    ]),
];

/// Variables of the library that `getopt` writes.
const GETOPT: &[&str] = &["optarg", "opterr", "optind", "optopt"];

/// Runtime functions that know when the environment calls them.
const AWARE: &[&str] = &[
    "__itarget__exit",
    "__itarget_abort",
    "__itarget_assert_fail",
    "__itarget_atexit",
    "__itarget_ctype_b_loc",
    "__itarget_ctype_tolower_loc",
    "__itarget_ctype_toupper_loc",
    "__itarget_clearenv",
    "__itarget_cxa_atexit",
    "__itarget_daemon",
    "__itarget_dlopen",
    "__itarget_exit",
    "__itarget_fork",
    "__itarget_forkpty",
    "__itarget_free",
    "__itarget_longjmp",
    "__itarget_malloc_usable_size",
    "__itarget_setenv",
    "__itarget_setjmp",
    "__itarget_setlocale",
    "__itarget_sigaction",
    "__itarget_sigignore",
    "__itarget_signal",
    "__itarget_sigset",
    "__itarget_sigsetjmp",
    "__itarget_sysv_signal",
    "__itarget_unsetenv",
    "__itarget_vfork",
];

/// Runtime functions that change what replay space sees in a way that no log carries.
const REPLAYED: &[&str] = &["__itarget_atfork", "__itarget_putenv", "__itarget_uselocale"];

/// True if a function of the environment calls the runtime's version, not the library's own.
#[must_use]
pub fn is_aware(call: &CallSite) -> bool {
    is_allocator(&call.spec) || call.spec.runtime.as_deref().is_some_and(|r| AWARE.contains(&r) || r.starts_with("__itarget_exec"))
}

/// What replay space may not do with threads and processes, but the environment may.
const OUTSIDE: &[&str] = &[
    "pthread_cancel", "pthread_clockjoin_np", "pthread_create", "pthread_detach", "pthread_exit", "pthread_join", "pthread_kill",
    "pthread_timedjoin_np", "pthread_tryjoin_np", "thrd_create", "thrd_detach", "thrd_exit", "thrd_join",
];

/// True if the environment may make the call natively though a recording of it would end there.
#[must_use]
pub fn is_allowed_outside(callee: &str) -> bool {
    OUTSIDE.contains(&callee)
}

fn on_stack(kind: ObjectKind) -> bool {
    matches!(kind, ObjectKind::Stack(..) | ObjectKind::ByVal(..) | ObjectKind::VarArgs(_))
}

impl Collector<'_> {
    pub(super) fn internal(&mut self, at: (usize, usize), call: &Call, callees: Vec<FunctionId>, used: bool) {
        let passed: u64 = call.byval.iter().sum();
        self.facts.internal.push(InternalCall {
            at,
            callees,
            indirect: matches!(call.callee, Callee::Indirect(_)),
            arg_bytes: passed + call.signature.params.iter().map(|class| class_bytes(*class)).sum::<u64>(),
            ret_bytes: if used { class_bytes(call.signature.ret) } else { 0 },
            executions: self.weights.executions(self.module, at.0, at.1, 1),
        });
    }

    /// Fills [`crate::flow::facts::Bonds`]; the facts of all sites are there.
    pub(super) fn bonds(&mut self) {
        let mut own = Vec::new();
        let mut heap: FxHashMap<(usize, u32), Vec<FieldId>> = FxHashMap::default();
        for object in self.points_to.objects() {
            let cells = (object.fields.0.0..object.fields.1.0).map(FieldId);
            match object.kind {
                ObjectKind::Stack(function, _) | ObjectKind::ByVal(function, _) => own.extend(cells.map(|c| (function, c))),
                ObjectKind::Heap(_) => {
                    for site in &object.made_at {
                        heap.entry((site.function.index(), site.ordinal)).or_default().extend(cells.clone());
                    }
                }
                _ => {}
            }
        }
        for (index, function) in self.module.functions.iter().enumerate() {
            for instr in &function.instrs {
                let operands: &[_] = match &instr.kind {
                    InstrKind::VaArg { list: at } | InstrKind::AtomicRmw { ptr: at, .. } | InstrKind::CmpXchg { ptr: at, .. } => &[*at],
                    InstrKind::Call(call) if call.callee.is_working_assembly() => &call.args,
                    _ => continue,
                };
                for &operand in operands {
                    let cells = self.span(&self.merged(index, operand), None);
                    own.extend(cells.into_iter().map(|c| (FunctionId::from(index), c)));
                }
            }
        }
        let mut users: BTreeMap<&'static str, Vec<FunctionId>> = BTreeMap::new();
        let mut replayed = Vec::new();
        let mut allocated = Vec::new();
        for call in &self.facts.calls {
            let function = FunctionId::from(call.at.0);
            if let Some((state, _)) = STATES.iter().find(|(_, names)| names.contains(&call.callee.as_str())) {
                users.entry(state).or_default().push(function);
            }
            if call.spec.runtime.as_deref().is_some_and(|r| REPLAYED.contains(&r)) {
                replayed.push((function, format!("`{}`", call.callee)));
            }
            let setjmp = matches!(call.spec.runtime.as_deref(), Some("__itarget_setjmp" | "__itarget_sigsetjmp"));
            if matches!(call.role, Role::Native | Role::Runtime) && !is_aware(call) || setjmp {
                own.extend(self.hidden_writes(call).into_iter().map(|c| (function, c)));
            }
            let made = heap.get(&(call.at.0, call.ordinal)).into_iter().flatten();
            if is_allocator(&call.spec) {
                allocated.extend(made.map(|c| (function, *c, call.executions.saturating_mul(ALLOCATION))));
            } else {
                // The library's own block, or its static buffer: no copy is made for the environment.
                own.extend(made.clone().map(|c| (function, *c)));
                if call.role == Role::Runtime {
                    // Where a replayed function makes it, it lies in the pool.
                    let at = call.at.0;
                    let pooled = made.filter(|_| !call.callee.starts_with("mmap"));
                    self.facts.shown.extend(pooled.map(|c| (at, *c)));
                }
                if matches!(call.spec.ret, Ret::CopyCStr | Ret::Copy(_)) {
                    let result = Operand::Local(self.module.functions[call.at.0].value_of(call.at.1));
                    let cells = self.span(&self.merged(call.at.0, result), None);
                    own.extend(cells.into_iter().map(|c| (function, c)));
                }
            }
        }
        self.facts.bonds.allocated.clone_from(&allocated);
        let mut together = Vec::new();
        for (state, mut functions) in users {
            functions.sort_unstable();
            functions.dedup();
            together.extend(functions.windows(2).map(|pair| (pair[0], pair[1], state)));
        }
        for call in self.facts.internal.iter().filter(|c| c.indirect) {
            let variadic = call.callees.iter().filter(|f| self.module.functions[f.index()].signature.variadic);
            let caller = FunctionId::from(call.at.0);
            together.extend(variadic.map(|f| (caller, *f, "a variadic function called through a pointer")));
        }
        own.retain(|(_, c)| !matches!(self.facts.place(self.points_to, *c), Place::Code | Place::ReadOnly | Place::Absent));
        own.sort_unstable();
        own.dedup();
        replayed.sort();
        replayed.dedup();
        let bonds = &mut self.facts.bonds;
        (bonds.own, bonds.together, bonds.replayed, bonds.allocated) = (own, together, replayed, allocated);
    }

    /// The functions that threads of the environment may run.
    pub(super) fn threaded(&self) -> FxHashSet<FunctionId> {
        let started = self.facts.calls.iter().filter(|c| super::is_create(c)).flat_map(|c| c.upcalls.iter().copied());
        self.called_from(started.collect(), true)
    }

    /// These functions and those that they may call: all, or those that they name.
    pub(super) fn called_from(&self, mut queue: Vec<FunctionId>, all: bool) -> FxHashSet<FunctionId> {
        let mut seen: FxHashSet<FunctionId> = queue.iter().copied().collect();
        if queue.is_empty() {
            return seen;
        }
        let mut calls: FxHashMap<usize, Vec<FunctionId>> = FxHashMap::default();
        for call in self.facts.internal.iter().filter(|c| all || !c.indirect) {
            calls.entry(call.at.0).or_default().extend(&call.callees);
        }
        for call in self.facts.calls.iter().filter(|_| all) {
            calls.entry(call.at.0).or_default().extend(&call.upcalls);
        }
        while let Some(function) = queue.pop() {
            for &callee in calls.get(&function.index()).into_iter().flatten() {
                if seen.insert(callee) {
                    queue.push(callee);
                }
            }
        }
        seen
    }

    /// What threads of the environment may write: cells that are the environment's, whoever reads them. Stack objects
    /// count if something outside of stacks may point to them; otherwise each thread has its own.
    pub(super) fn raced(&mut self) {
        let threaded = self.threaded();
        if threaded.is_empty() {
            return;
        }
        let cells = self.written_among(&threaded);
        let shared = self.shared_stack();
        self.facts.raced = cells.into_iter().filter(|c| self.may_be_shared(*c, &shared)).collect();
        let mut threaded: Vec<FunctionId> = threaded.into_iter().collect();
        threaded.sort_unstable();
        self.facts.threaded = threaded;
    }

    /// What these functions write, with what they call of the library.
    fn written_among(&self, functions: &FxHashSet<FunctionId>) -> Vec<FieldId> {
        let among = |at: (usize, usize)| functions.contains(&FunctionId::from(at.0));
        let mut cells: Vec<FieldId> = Vec::new();
        cells.extend(self.facts.stores.iter().filter(|s| among(s.at)).flat_map(|s| &s.values));
        for call in self.facts.calls.iter().filter(|c| among(c.at)) {
            cells.extend(call.writes.iter().flat_map(|w| &w.values));
            if matches!(call.role, Role::Native | Role::Runtime) && !is_aware(call) {
                cells.extend(self.hidden_writes(call));
            }
        }
        cells.extend(self.facts.bonds.own.iter().filter(|(f, _)| functions.contains(f)).map(|(_, c)| *c));
        cells.extend(self.facts.bonds.allocated.iter().filter(|(f, _, _)| functions.contains(f)).map(|(_, c, _)| *c));
        sorted(cells)
    }

    /// Objects that something outside of stacks may point to.
    pub(super) fn shared_stack(&self) -> FxHashSet<u32> {
        let mut shared: FxHashSet<u32> = FxHashSet::default();
        for index in 0..self.points_to.fields().len() {
            let cell = FieldId(index as u32);
            if !on_stack(self.points_to.object(self.points_to.field(cell).object).kind) {
                shared.extend(self.points_to.contents(cell).iter().map(|c| self.points_to.field(*c).object.0));
            }
        }
        for call in self.facts.calls.iter().filter(|c| super::is_create(c)) {
            let InstrKind::Call(instr) = &self.module.functions[call.at.0].instrs[call.at.1].kind else { continue };
            for argument in &instr.args {
                shared.extend(self.merged(call.at.0, *argument).iter().map(|c| self.points_to.field(*c).object.0));
            }
        }
        shared
    }

    /// Several threads may reach the cell: objects on stacks only if something outside of stacks may point to them.
    pub(super) fn may_be_shared(&self, cell: FieldId, shared: &FxHashSet<u32>) -> bool {
        let object = self.points_to.field(cell).object;
        let fixed = matches!(self.facts.places[object.0 as usize], Place::Code | Place::ReadOnly | Place::Absent);
        !fixed && (!on_stack(self.points_to.object(object).kind) || shared.contains(&object.0))
    }

    /// What a call writes that runs natively even in the environment: nothing says how much, so it is all
    /// that its arguments lead to.
    fn hidden_writes(&self, call: &CallSite) -> Vec<FieldId> {
        let InstrKind::Call(instr) = &self.module.functions[call.at.0].instrs[call.at.1].kind else { return Vec::new() };
        let mut cells = Vec::new();
        for (arg, &operand) in instr.args.iter().enumerate() {
            if CallArguments(self.module, instr).is_pointer(arg as u32) {
                let direct = self.span(&self.merged(call.at.0, operand), None);
                cells.extend(self.pointees(&direct));
                cells.extend(direct);
            }
        }
        if call.callee.contains("getopt") {
            let variables = self.points_to.objects().iter().filter(|o| matches!(o.kind, ObjectKind::ExternalVariable(v)
                if GETOPT.contains(&self.module.external_variables[v.index()].name.as_str())));
            cells.extend(variables.flat_map(|o| (o.fields.0.0..o.fields.1.0).map(FieldId)));
        }
        sorted(cells)
    }
}
