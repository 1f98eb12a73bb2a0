//! Programs whose threads are recorded: the runtime's synchronization takes the place of the library's, atomic
//! operations are logged, and what threads may race for is the environment's.

use super::{Collector, sorted};
use crate::annotate::CallSpec;
use crate::flow::facts::{CallSite, Place};
use crate::points_to::FieldId;
use crate::model::Module;
use itarget_abi::hooks::THREADS;
use itarget_annotations::Kind;

/// Functions that start a thread.
const CREATE: &[&str] = &["pthread_create", "thrd_create"];
/// What can't be recorded in a thread yet.
const REFUSED: &[&str] = &["pthread_cancel", "pthread_clockjoin_np"];

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

impl Collector<'_> {
    /// What a call is where threads are recorded.
    pub(super) fn with_threads(&self, name: &str, spec: &mut CallSpec) {
        if !self.threads {
            return;
        }
        if REFUSED.contains(&name) {
            spec.kind = Some(Kind::Refuse);
            spec.reason = Some(format!("`{name}` can't be recorded yet: the recording ends at this call"));
        }
        let Some((_, runtime)) = THREADS.iter().find(|(library, _)| *library == name) else { return };
        // The runtime's function does the same at replay: nothing that it writes needs to be logged.
        spec.kind = Some(Kind::Runtime);
        spec.runtime = Some((*runtime).to_owned());
        spec.writes.clear();
        spec.opaque.clear();
        spec.retains.clear();
        spec.reads = Some(Vec::new());
    }

    /// An atomic operation that may touch these is logged: threads may reach them, or other processes.
    pub(super) fn logs_atomics(&self, values: &[FieldId]) -> bool {
        self.threads || !self.partial && values.iter().any(|v| self.facts.place(self.points_to, *v) == Place::Mapping)
    }

    /// What threads may race for is the environment's, and so is what atomic operations work on.
    pub(super) fn raced_by_threads(&mut self, race_free: bool) {
        let races = || crate::races::find(self.module, self.points_to, self.annotations).cells;
        let mut raced = if race_free { Vec::new() } else { races() };
        if race_free {
            // Whoever says `volatile` expects that others write.
            raced.extend(self.facts.loads.iter().filter(|l| l.volatile).flat_map(|l| l.values.iter().copied()));
        }
        raced.extend(self.facts.atomics.iter().flat_map(|a| a.1.iter().copied()));
        raced.retain(|c| !matches!(self.facts.place(self.points_to, *c), Place::Code | Place::ReadOnly | Place::Absent));
        self.facts.raced = sorted(raced);
    }
}
