//! Collects the facts of a module from its instructions, points-to sets and annotations.

mod copies;
mod externals;
mod functions;
mod order;
mod places;
mod threads;

pub use functions::{is_allowed_outside, is_aware};
pub use threads::{is_create, starts_threads};

use super::facts::{Facts, Load, Pin, Place, Role, Store};
use super::weights::Weights;
use crate::annotate::Arguments;
use crate::model::{Access, Call, Callee, Class, FunctionId, InstrKind, Module, Operand, assembly};
use crate::points_to::{FieldId, InstanceId, ObjectKind, PointsTo, Shape, Target};
use itarget_annotations::Annotations;
use itarget_plan::{How, RaceMode, Staged};
use rustc_hash::{FxHashMap, FxHashSet};
use std::cell::RefCell;

/// What the facts are to hold for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scope {
    /// Not all functions are in the target, so threads are the environment's.
    pub partial: bool,
    /// What is done about data races.
    pub races: RaceMode,
}

/// Collects the facts.
#[must_use]
pub fn facts(module: &Module, points_to: &PointsTo, annotations: &Annotations, weights: &Weights, scope: Scope) -> Facts {
    let Scope { partial, races } = scope;
    let threads = !partial && starts_threads(module);
    let mut collector = Collector { module, points_to, annotations, weights, threads, partial, facts: Facts::default(), ranges: RefCell::default() };
    collector.facts.places = collector.places();
    collector.facts.elsewhere = collector.elsewhere();
    collector.facts.used_outside = collector.used_outside();
    collector.unused_mappings();
    for function in 0..module.functions.len() {
        for instr in 0..module.functions[function].instrs.len() {
            collector.instruction(function, instr);
        }
    }
    collector.escaped();
    collector.constants();
    collector.bonds();
    if partial {
        collector.raced();
    } else if threads || !collector.facts.atomics.is_empty() {
        collector.raced_by_threads(races);
    }
    collector.facts.alone = !partial && races != RaceMode::Order;
    collector.facts.unknown_by_call = !points_to.objects().iter().any(|o| match o.kind {
        ObjectKind::ExternalFunction(e) => annotations.function(&module.externals[e.index()].name).is_none(),
        _ => false,
    });
    collector.facts.implied = crate::plan::clones::ties(module, points_to, &collector.facts.places);
    for cells in std::mem::take(&mut collector.facts.sorted) {
        let object = |v: FieldId| points_to.field(v).object;
        let pairs = cells.windows(2).filter(|p| object(p[0]) == object(p[1])).flat_map(|p| [(p[0], p[1]), (p[1], p[0])]);
        collector.facts.implied.extend(pairs);
    }
    collector.facts
}

struct Collector<'a> {
    module: &'a Module,
    points_to: &'a PointsTo,
    annotations: &'a Annotations,
    weights: &'a Weights<'a>,
    /// Threads are recorded.
    threads: bool,
    /// Not all functions are in the target.
    partial: bool,
    facts: Facts,
    /// Ranges asked for before.
    ranges: RefCell<FxHashMap<(FieldId, Option<u64>), Vec<FieldId>>>,
}

/// The arguments of a call of the model.
pub(crate) struct CallArguments<'a>(pub(crate) &'a Module, pub(crate) &'a Call);

impl Arguments for CallArguments<'_> {
    fn count(&self) -> u32 {
        self.1.args.len() as u32
    }
    fn constant(&self, arg: u32) -> Option<i64> {
        match self.1.args.get(arg as usize) {
            Some(Operand::Int(n)) => Some(*n),
            Some(Operand::Null) => Some(0),
            _ => None,
        }
    }
    fn text(&self, arg: u32) -> Option<String> {
        self.0.text(*self.1.args.get(arg as usize)?)
    }
    fn is_pointer(&self, arg: u32) -> bool {
        self.1.signature.params.get(arg as usize) == Some(&Class::Pointer)
    }
}

impl<'a> Collector<'a> {

    fn merged(&self, function: usize, operand: Operand) -> Vec<FieldId> {
        self.points_to.value_merged(FunctionId::from(function), operand)
    }

    /// One instance of a function for each way these operands differ.
    fn contexts(&self, function: usize, operands: &[Operand]) -> Vec<InstanceId> {
        let mut seen: FxHashSet<Vec<Option<u32>>> = FxHashSet::default();
        let instances = self.points_to.instances_of(FunctionId::from(function)).iter().copied();
        instances.filter(|i| seen.insert(operands.iter().map(|o| self.points_to.set_id(*i, *o)).collect())).collect()
    }

    /// The cells that `len` bytes from each of `fields` may cover; code left out.
    fn span(&self, fields: &[FieldId], len: Option<u64>) -> Vec<FieldId> {
        let mut all = Vec::with_capacity(fields.len());
        for &field in fields {
            if matches!(self.facts.place(self.points_to, field), Place::Code | Place::Absent) {
                continue;
            }
            match (self.points_to.field(field).size, len) {
                (Some(size), Some(len)) if len <= size => all.push(field),
                _ => {
                    let mut ranges = self.ranges.borrow_mut();
                    let range = ranges.entry((field, len)).or_insert_with(|| self.points_to.range(field, len));
                    all.extend_from_slice(range);
                }
            }
        }
        sorted(all)
    }

    fn accessed(&self, function: usize, ptr: Operand, size: u64) -> Vec<FieldId> {
        self.span(&self.merged(function, ptr), Some(size))
    }

    /// What a load or store may touch. Memory that accesses of this type do not look into is left out, unless nothing else
    /// explains the access.
    fn accessed_as(&self, function: usize, ptr: Operand, access: &Access) -> Vec<FieldId> {
        let pointees = self.points_to.accessed(self.module, FunctionId::from(function), ptr, access);
        let values = self.span(&pointees, Some(access.size));
        self.plausible(values, |shape| shape.admits(access.declared, access.record, access.size))
    }

    /// The cells but those in shaped memory that is not admitted, if any are left.
    fn plausible(&self, values: Vec<FieldId>, admits: impl Fn(&Shape) -> bool) -> Vec<FieldId> {
        let shape = |v: &FieldId| self.points_to.object(self.points_to.field(*v).object).shape.as_ref();
        let kept: Vec<FieldId> = values.iter().copied().filter(|v| shape(v).is_none_or(&admits)).collect();
        if kept.is_empty() { values } else { kept }
    }

    /// What a function that works on bytes may touch.
    fn as_bytes(&self, values: Vec<FieldId>) -> Vec<FieldId> {
        self.plausible(values, |shape| shape.bytes)
    }

    fn instruction(&mut self, function: usize, instr: usize) {
        let module = self.module;
        let i = &module.functions[function].instrs[instr];
        let Some(ordinal) = i.ordinal else { return };
        let at = (function, instr);
        match &i.kind {
            InstrKind::Load { ptr, access } => {
                let values = self.accessed_as(function, *ptr, access);
                let executions = self.weights.executions(module, function, instr, 1);
                let (size, volatile) = (access.size, access.volatile);
                if access.atomic && self.logs_atomics(&values) {
                    self.facts.atomics.push(((at, ordinal), values.clone()));
                }
                self.facts.loads.push(Load { at, ordinal, values, size, volatile, races: false, executions });
            }
            InstrKind::Store { ptr, access, .. } => {
                let values = self.accessed_as(function, *ptr, access);
                let executions = self.weights.executions(module, function, instr, 1);
                if access.atomic && self.logs_atomics(&values) {
                    self.facts.atomics.push(((at, ordinal), values.clone()));
                }
                self.facts.stores.push(Store { at, ordinal, values, size: access.size, executions });
            }
            InstrKind::AtomicRmw { ptr, access, .. } | InstrKind::CmpXchg { ptr, access, .. } => {
                let values = self.accessed(function, *ptr, access.size);
                if self.logs_atomics(&values) {
                    self.facts.atomics.push(((at, ordinal), values));
                } else {
                    self.pin(at, values, "an atomic read-modify-write", false, &[0]);
                }
            }
            InstrKind::VaArg { list } => {
                let values = self.accessed(function, *list, 24);
                self.pin(at, values, "va_arg", false, &[0]);
            }
            InstrKind::MemCopy { dst, src, len, .. } => self.memory_intrinsic(at, ordinal, *dst, Some(*src), *len),
            InstrKind::MemSet { dst, len, .. } => self.memory_intrinsic(at, ordinal, *dst, None, *len),
            InstrKind::Call(call) => self.call(at, ordinal, call, i.used),
            _ => {}
        }
    }

    fn pin(&mut self, at: (usize, usize), mut values: Vec<FieldId>, what: &str, refusable: bool, operands: &[u32]) {
        values.retain(|v| self.facts.place(self.points_to, *v) != Place::ReadOnly);
        if !values.is_empty() {
            self.facts.pins.push(Pin { at, values, what: what.to_owned(), operands: operands.to_vec(), refusable, staged: None });
        }
    }

    /// As `pin`, for an argument of a call that may as well get a copy of so many bytes, which are read, or written.
    fn pin_or_copy(&mut self, at: (usize, usize), values: Vec<FieldId>, what: &str, arg: u32, staged: Option<(u64, bool, bool)>) {
        let before = self.facts.pins.len();
        self.pin(at, values, what, true, &[arg]);
        if let Some(pin) = self.facts.pins.get_mut(before) {
            // What is written may be so in part only: the rest of the copy goes back as it came.
            let copy = |(bytes, read, written)| Staged { arg, bytes, limit: None, read: read || written, written, how: How::Checked, ordered: false };
            pin.staged = staged.map(copy);
        }
    }

    /// As `pin`, for an argument of a call that may as well get a copy of the string there, or of as much as the argument `limit` says.
    fn pin_or_copy_text(&mut self, at: (usize, usize), values: Vec<FieldId>, what: &str, arg: u32, limit: Option<u32>) {
        let before = self.facts.pins.len();
        self.pin(at, values, what, true, &[arg]);
        if let Some(pin) = self.facts.pins.get_mut(before) {
            pin.staged = Some(Staged { arg, bytes: 0, limit, read: true, written: false, how: How::Checked, ordered: false });
        }
    }

    fn call(&mut self, at: (usize, usize), ordinal: u32, call: &Call, used: bool) {
        self.byval(at, call);
        match &call.callee {
            Callee::Function(f) => self.internal(at, call, vec![*f], used),
            Callee::External(e) => {
                let external = &self.module.externals[e.index()];
                self.external(at, ordinal, call, &external.name, &external.attributes, used);
            }
            Callee::Indirect(_) => self.indirect(at, ordinal, call, used),
            Callee::Asm { text, constraints } => self.assembly(at, call, text, constraints),
        }
    }

    fn byval(&mut self, at: (usize, usize), call: &Call) {
        if matches!(call.callee, Callee::External(_)) {
            return; // the callee reads it, as any other pointer argument
        }
        for (arg, &size) in call.byval.iter().enumerate().filter(|(_, size)| **size > 0) {
            let values = self.accessed(at.0, call.args[arg], size);
            self.pin_or_copy(at, values, "an argument passed by value", arg as u32, Some((size, true, false)));
        }
    }

    fn indirect(&mut self, at: (usize, usize), ordinal: u32, call: &Call, used: bool) {
        let (mut callees, mut unknown) = (Vec::new(), false);
        for instance in self.points_to.instances_of(FunctionId::from(at.0)) {
            for target in self.points_to.callees(*instance, ordinal) {
                match target {
                    Target::Function(i) => callees.push(self.points_to.instance(*i).function),
                    Target::External(_) | Target::Unknown => unknown = true,
                }
            }
        }
        callees.sort_unstable();
        callees.dedup();
        let known = !callees.is_empty();
        if known {
            self.internal(at, call, callees, used);
        }
        if unknown {
            self.facts.unknown_calls.push((at, !known));
            // What could be `free` is told when it is called.
            let frees = call.signature.ret == Class::Void && call.signature.params == [Class::Pointer];
            if !known && !frees {
                self.facts.refused.push((at, itarget_plan::FOREIGN_CALLEE.to_owned()));
            }
        }
    }

    fn assembly(&mut self, at: (usize, usize), call: &Call, text: &str, constraints: &str) {
        const NONDETERMINISTIC: &[&str] = &["rdtsc", "rdrand", "rdseed", "syscall", "int $$0x80", "rdpmc"];
        if let Some(what) = NONDETERMINISTIC.iter().find(|w| text.contains(**w)) {
            let what = what.replace("$$", "$");
            let reason = format!("inline assembly with `{what}` brings in values that can't be recorded; use the C library's function instead");
            self.facts.refused.push((at, reason));
        }
        if assembly::only_computes(text, constraints) {
            return;
        }
        for (index, &arg) in call.args.iter().enumerate() {
            let values = self.span(&self.merged(at.0, arg), None);
            self.facts.assembly.push((at, values.clone(), crate::races::is_atomic(text)));
            self.pin(at, values, "inline assembly", true, &[index as u32]);
        }
    }

    /// What unannotated calls may have captured is theirs to write at any of them.
    fn escaped(&mut self) {
        let unknown = self.facts.calls.iter().position(|c| c.role == Role::Unknown && !c.harmless);
        let Some(call) = unknown else { return };
        let mut escaped = self.points_to.escaped().to_vec();
        escaped.retain(|v| !matches!(self.facts.place(self.points_to, *v), Place::Code | Place::ReadOnly | Place::Absent));
        self.facts.escaped = escaped;
        self.facts.unknown_call = Some(call as u32);
    }

    fn functions(&self, fields: &[FieldId]) -> Vec<FunctionId> {
        let kinds = fields.iter().map(|f| self.points_to.object(self.points_to.field(*f).object).kind);
        let mut functions: Vec<FunctionId> = kinds
            .filter_map(|k| match k {
                ObjectKind::Function(f) => Some(f),
                _ => None,
            })
            .collect();
        functions.sort_unstable();
        functions.dedup();
        functions
    }

    fn constants(&mut self) {
        let mut constants = Vec::new();
        for (i, object) in self.points_to.objects().iter().enumerate() {
            if let ObjectKind::ExternalVariable(v) = object.kind
                && self.facts.places[i] == Place::ReadOnly
            {
                let variable = &self.module.external_variables[v.index()];
                let annotated = self.annotations.variable(&variable.name).and_then(|v| v.size);
                constants.push((variable.name.clone(), variable.size.or(annotated).unwrap_or(8)));
            }
        }
        constants.sort();
        constants.dedup();
        self.facts.constants = constants;
    }
}

/// Sorted, each once.
fn sorted(mut fields: Vec<FieldId>) -> Vec<FieldId> {
    fields.sort_unstable();
    fields.dedup();
    fields
}
