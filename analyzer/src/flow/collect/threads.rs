//! Programs whose threads are recorded: the runtime's synchronization takes the place of the library's, atomic
//! operations are logged, and what threads may race for is the environment's.

use super::{Collector, sorted};
use crate::annotate::CallSpec;
use crate::flow::facts::{CallSite, Place};
use crate::points_to::{AbstractObject, FieldId, ObjectKind};
use crate::model::{FunctionId, InstrKind, Module, Operand};
use itarget_abi::hooks::THREADS;
use itarget_annotations::Kind;
use itarget_plan::RaceMode;
use rustc_hash::FxHashSet;

/// Functions that start a thread.
const CREATE: &[&str] = &["pthread_create", "thrd_create"];
/// What draws from one row of numbers for all threads: who gets which depends on the schedule.
const DRAWN: &[&str] = &["rand", "random", "drand48", "lrand48", "mrand48"];

/// Objects that an access may be to from which on it says nothing of them.
const FEW: usize = 4;
/// Signals of what a thread does itself: SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV.
const FAULTS: &[i64] = &[4, 5, 6, 7, 8, 11];

/// Whether the program may start threads.
#[must_use]
pub fn starts_threads(module: &Module) -> bool {
    CREATE.iter().any(|name| module.external(name).is_some())
}

/// True if the call starts a thread.
#[must_use]
pub fn is_create(call: &CallSite) -> bool {
    CREATE.contains(&call.callee.as_str())
}

/// A function of threads writes a number or an address where this argument says: what the argument leads to is nothing that threads synchronize by.
fn fills(name: &str, arg: u32) -> bool {
    let made = CREATE.contains(&name) || matches!(name, "pthread_key_create" | "tss_create");
    made && arg == 0 || arg == 1 && (name.contains("join") || matches!(name, "pthread_getattr_np" | "sem_getvalue"))
}

/// A function of threads works on an object that threads or processes synchronize by: its first argument.
pub(super) fn synchronizes(name: &str) -> bool {
    THREADS.iter().any(|(library, _)| *library == name) && !fills(name, 0)
}

impl Collector<'_> {
    /// What a call is where threads are recorded.
    pub(super) fn with_threads(&self, name: &str, spec: &mut CallSpec) {
        if !self.threads {
            // Functions that are not replayed, and their threads, have the object itself: no copy of it is locked.
            let native = spec.kind == Some(Kind::Native) && !spec.writes.is_empty() && synchronizes(name);
            if native && self.partial && starts_threads(self.module) {
                spec.kind = Some(Kind::Env);
            }
            return;
        }
        if DRAWN.contains(&name) {
            spec.kind = Some(Kind::Env);
        }
        let Some((_, runtime)) = THREADS.iter().find(|(library, _)| *library == name) else { return };
        // The runtime's function does the same at replay: nothing that it writes needs to be logged.
        spec.kind = Some(Kind::Runtime);
        spec.runtime = Some((*runtime).to_owned());
        spec.writes.clear();
        spec.opaque.clear();
        spec.retains.clear();
        spec.reads = Some(Vec::new());
        // Attributes are looked at, and what is found out is filled in; all else is synchronized by its address, or not looked at when replayed.
        spec.sizes.retain(|s| s.2 && !s.3 && (CREATE.contains(&name) || name.ends_with("_init")) || s.3 && fills(name, s.0));
    }

    /// An atomic operation that may touch these is logged: threads may reach them, or other processes.
    pub(super) fn logs_atomics(&self, values: &[FieldId]) -> bool {
        let others = |v: &FieldId| self.facts.place(self.points_to, *v) == Place::Mapping || self.points_to.escaped().binary_search(v).is_ok();
        self.threads || !self.partial && values.iter().any(others)
    }

    /// The profiled run started no thread: what would start one ends the recording, and nothing races.
    fn is_single(&self) -> bool {
        let create = |o: &AbstractObject| match o.kind {
            ObjectKind::ExternalFunction(e) => CREATE.contains(&&*self.module.externals[e.index()].name),
            _ => false,
        };
        let measured = |c: &CallSite| c.executions == 0 && self.weights.knows(&self.module.functions[c.at.0].name);
        self.weights.measured()
            && self.facts.calls.iter().filter(|c| is_create(c)).all(measured)
            && !self.points_to.objects().iter().any(create)
    }

    /// What threads may race for is the environment's.
    pub(super) fn raced_by_threads(&mut self, mode: RaceMode) {
        self.facts.single = self.threads && self.is_single();
        self.facts.ordered_writes = self.facts.single || mode == RaceMode::Log;
        if self.facts.single {
            return;
        }
        let races = match mode {
            RaceMode::Trust => crate::races::Races::default(),
            RaceMode::Log | RaceMode::Order => crate::races::find(self.module, self.points_to, self.annotations),
        };
        let profiled = self.facts.calls.iter().any(|c| is_create(c) && c.executions > 0 && self.weights.measured());
        self.facts.accompanied = if profiled { (0..self.module.functions.len()).collect() } else { races.run_by_threads.iter().map(|f| f.index()).collect() };
        if mode == RaceMode::Order {
            self.raced_or_ordered(races);
            let facts = &self.facts;
            let held = |c: &FieldId| !matches!(facts.place(self.points_to, *c), Place::Code | Place::ReadOnly | Place::Absent);
            let raced = facts.raced.iter().copied().filter(held).collect();
            self.facts.raced = raced;
            self.refuse_assembly();
            return;
        }
        let mut raced = races.unordered;
        for load in &mut self.facts.loads {
            load.races = races.loads.binary_search(&(FunctionId::from(load.at.0), load.at.1)).is_ok();
        }
        if mode == RaceMode::Trust {
            raced.extend(self.volatile());
            raced.extend(self.set_by_handlers());
            raced.extend(self.read_beside_atomics());
            raced.extend(self.facts.assembly.iter().filter(|a| a.2).flat_map(|a| &a.1));
        }
        raced.retain(|c| !matches!(self.facts.place(self.points_to, *c), Place::Code | Place::ReadOnly | Place::Absent));
        self.facts.raced = sorted(raced);
        self.facts.threads = self.threads;
        self.refuse_assembly();
    }

    /// Inline assembly may work on memory that races, and the address does not tell: it lies in a variable or on a stack.
    fn refuse_assembly(&mut self) {
        let facts = &mut self.facts;
        for (at, values, _) in &facts.assembly {
            let low = |v: &FieldId| facts.raced.binary_search(v).is_ok() && facts.places[self.points_to.field(*v).object.0 as usize] == Place::Low;
            if values.iter().any(low) {
                let reason = "inline assembly works on memory that threads share; use the compiler's atomic builtins instead";
                facts.refused_later.push((*at, reason.to_owned()));
            }
        }
    }

    /// Where races are not looked for, what atomic operations work on is the environment's all the same if it is few objects, for many a
    /// program reads its counters plainly. (Shared mappings are told by their address.)
    fn read_beside_atomics(&self) -> Vec<FieldId> {
        let object = |c: &FieldId| self.points_to.field(*c).object;
        let few = |cells: &&Vec<FieldId>| cells.chunk_by(|a, b| object(a) == object(b)).count() <= FEW;
        let private = |c: &FieldId| self.facts.place(self.points_to, *c) != Place::Mapping;
        self.facts.atomics.iter().map(|a| &a.1).filter(few).flatten().copied().filter(private).collect()
    }

    /// Whoever says `volatile` expects that others write. Memory that is looked at in no other way is the environment's. What is also
    /// read plainly (a comparison that is to take the same time always reads any bytes so) does not race there, as the user says: it is
    /// enough to log what the volatile loads found.
    fn volatile(&mut self) -> Vec<FieldId> {
        let plain = self.facts.loads.iter().filter(|l| !l.volatile).flat_map(|l| l.values.iter().copied());
        let moved = self.facts.calls.iter().flat_map(|c| &c.movements).flat_map(|m| m.from.iter().copied());
        let plain: FxHashSet<FieldId> = plain.chain(moved).collect();
        let mut only = Vec::new();
        for load in self.facts.loads.iter_mut().filter(|l| l.volatile) {
            only.extend(load.values.iter().copied().filter(|c| !plain.contains(c)));
            load.races = load.values.iter().any(|c| plain.contains(c));
        }
        only
    }

    /// Variables that handlers of signals set, by themselves, by functions that they name, or by the library: they run in whichever thread gets the signal, and nothing orders that before what others
    /// read. Many a program polls a flag of this kind that is not `volatile`.
    fn set_by_handlers(&self) -> Vec<FieldId> {
        let installs = |c: &&CallSite| matches!(c.spec.runtime.as_deref(), Some("__itarget_sigaction" | "__itarget_signal" | "__itarget_sigset" | "__itarget_sysv_signal"));
        let asynchronous = |c: &&CallSite| match &self.module.functions[c.at.0].instrs[c.at.1].kind {
            InstrKind::Call(call) => !matches!(call.args.first(), Some(Operand::Int(n)) if FAULTS.contains(n)),
            _ => true,
        };
        let handlers = self.facts.calls.iter().filter(installs).filter(asynchronous).flat_map(|c| c.upcalls.iter().copied());
        let functions = self.called_from(handlers.collect(), false);
        let among = |at: (usize, usize)| functions.contains(&FunctionId::from(at.0));
        let object = |c: &FieldId| self.points_to.field(*c).object;
        let stores = self.facts.stores.iter().filter(|s| among(s.at)).map(|s| &s.values);
        let calls = self.facts.calls.iter().filter(|c| among(c.at)).flat_map(|c| &c.writes).map(|w| &w.values);
        let few = |cells: &&Vec<FieldId>| cells.chunk_by(|a, b| object(a) == object(b)).count() <= FEW;
        let global = |c: &FieldId| matches!(self.points_to.object(object(c)).kind, ObjectKind::Global(_));
        stores.chain(calls).filter(few).flatten().copied().filter(global).collect()
    }
}
