//! Where objects live: what the plan can move, what the environment owns, what never exists in a recording.

use super::{CallArguments, Collector};
use crate::annotate::CallSpec;
use crate::flow::facts::{Place, is_allocator};
use crate::model::{Callee, InstrKind, Operand};
use crate::points_to::{AbstractObject, FieldId, ObjectKind, SiteRef};
use itarget_annotations::{FRAME, Kind, Ret, VariableKind};
use rustc_hash::FxHashSet;

/// Names of library memory (`ext:<name>`) that is as valid at replay as when recording.
const CARRIED: &[&str] = &[
    "__ctype_b_loc",
    "__ctype_tolower_loc",
    "__ctype_toupper_loc",
    "__secure_getenv",
    "environ",
    "getenv",
    "secure_getenv",
];

/// `MAP_ANONYMOUS`.
const ANONYMOUS: i64 = 0x20;
/// `MAP_SHARED`.
const SHARED: i64 = 1;

impl Collector<'_> {
    pub(super) fn places(&self) -> Vec<Place> {
        let stored = self.stored_variables();
        self.points_to.objects().iter().enumerate().map(|(i, o)| match o.kind {
            ObjectKind::Function(_) | ObjectKind::ExternalFunction(_) => Place::Code,
            ObjectKind::Global(g) if self.module.globals[g.index()].constant => Place::ReadOnly,
            ObjectKind::Global(_)
            | ObjectKind::Stack(..)
            | ObjectKind::ByVal(..)
            | ObjectKind::Copy
            | ObjectKind::Arguments
            | ObjectKind::VarArgs(_) => Place::Low,
            ObjectKind::External => match o.name.strip_prefix("ext:") {
                Some(name) if CARRIED.contains(&name) => Place::Low,
                // Below the bound, beside the program's own frames.
                Some(name) if name.ends_with(FRAME) => Place::ExternalLow,
                _ => Place::External,
            },
            ObjectKind::ExternalVariable(v) => {
                match self.annotations.variable(&self.module.external_variables[v.index()].name).map(|v| v.kind) {
                    Some(VariableKind::Constant) if !stored.contains(&(i as u32)) => Place::ReadOnly,
                    Some(VariableKind::Native) => Place::Low,
                    _ => Place::ExternalLow,
                }
            }
            ObjectKind::Heap(site) => self.heap_place(site.function.index(), site.ordinal),
        }).collect()
    }

    /// By object: whether it is the library's own, and a replay finds it where its own library has it (`errno`, `optind`), not where it was.
    pub(super) fn elsewhere(&self) -> Vec<bool> {
        let asked = |name: &str| self.annotations.function(name).is_some_and(|f| matches!(f.kind, Kind::Native | Kind::Det | Kind::DetLocale));
        let elsewhere = |o: &AbstractObject| match o.kind {
            ObjectKind::External => o.name.strip_prefix("ext:").is_some_and(asked),
            ObjectKind::ExternalVariable(_) => true,
            _ => false,
        };
        self.points_to.objects().iter().map(elsewhere).collect()
    }

    /// The cells of variables that code outside of the module stores to by their names.
    pub(super) fn used_outside(&self) -> Vec<FieldId> {
        let variables = self.module.variables_used_outside(|name| self.annotations.variable(name).map(|v| v.kind != VariableKind::Native));
        let objects = self.points_to.globals().iter().filter(|(global, _)| variables.contains(global));
        objects.flat_map(|(_, object)| self.points_to.fields_of(*object)).collect()
    }

    /// A file mapping can be in the points-to set of most of a program's pointers, and every access that may
    /// touch it must check its address. One that the profiled run never made ends the recording instead.
    pub(super) fn unused_mappings(&mut self) {
        if !self.weights.measured() {
            return;
        }
        for (object, place) in self.points_to.objects().iter().zip(&mut self.facts.places) {
            let at = |site: &SiteRef| self.module.functions[site.function.index()].site(site.ordinal).map(|instr| (site.function.index(), instr));
            let made: Vec<_> = object.made_at.iter().map_while(at).collect();
            if *place == Place::Mapping
                && made.len() == object.made_at.len()
                && made.iter().all(|at| self.weights.executions(self.module, at.0, at.1, 1) == 0)
            {
                *place = Place::Absent;
                let reason = "this maps a file, which the profiled run never did: the recording ends here. To record it, link with a profile of a run that does, or without one";
                self.facts.refused.extend(made.into_iter().map(|at| (at, reason.to_owned())));
            }
        }
    }

    /// External variables that the module stores to itself.
    pub(super) fn stored_variables(&self) -> FxHashSet<u32> {
        let mut stored = FxHashSet::default();
        for (index, function) in self.module.functions.iter().enumerate() {
            for instr in &function.instrs {
                let ptr = match &instr.kind {
                    InstrKind::Store { ptr, .. }
                    | InstrKind::AtomicRmw { ptr, .. }
                    | InstrKind::CmpXchg { ptr, .. } => *ptr,
                    InstrKind::MemCopy { dst, .. } | InstrKind::MemSet { dst, .. } => *dst,
                    _ => continue,
                };
                for field in self.merged(index, ptr) {
                    let object = self.points_to.field(field).object;
                    if matches!(self.points_to.object(object).kind, ObjectKind::ExternalVariable(_)) {
                        stored.insert(object.0);
                    }
                }
            }
        }
        stored
    }

    pub(super) fn heap_place(&self, function: usize, ordinal: u32) -> Place {
        let f = &self.module.functions[function];
        let Some(InstrKind::Call(call)) = f.site(ordinal).map(|i| &f.instrs[i].kind) else { return Place::External };
        let Callee::External(e) = call.callee else { return Place::External };
        let Some(annotation) = self.annotations.function(&self.module.externals[e.index()].name) else {
            return Place::External;
        };
        let spec = CallSpec::of(annotation, &CallArguments(self.module, call));
        match spec.kind {
            Some(Kind::Runtime) if is_allocator(&spec) => Place::Movable,
            Some(Kind::Runtime) if spec.runtime.as_deref() == Some("__itarget_mmap") => match call.args.get(3) {
                // What processes share is not the program's alone.
                Some(Operand::Int(flags)) if flags & ANONYMOUS != 0 && flags & SHARED == 0 => Place::Low,
                _ => Place::Mapping,
            },
            Some(Kind::Runtime) => Place::Low,
            Some(Kind::Env) if spec.ret == Ret::AllocCStr => Place::Movable,
            _ => Place::External,
        }
    }
}
