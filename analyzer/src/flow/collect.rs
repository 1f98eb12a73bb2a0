//! Collects the facts of a module from its instructions, points-to sets and annotations.

use super::facts::{
    CallSite, Facts, Load, Movement, Pin, Place, PointerArg, Role, Store, WriteFact, is_allocator, ALLOCATORS,
};
use super::extent;
use super::weights::Weights;
use crate::annotate::{self, Arguments, CallSpec};
use crate::model::{Access, Attributes, Call, Callee, Class, FunctionId, InstrKind, Module, Operand};
use crate::points_to::{FieldId, InstanceId, ObjectKind, PointsTo, Shape, Target};
use itarget_annotations::{Annotations, Kind, Ret, Root, VariableKind, Varargs};
use itarget_abi::hooks::REPLACEMENTS;
use itarget_plan as plan;
use rustc_hash::{FxHashMap, FxHashSet};
use std::cell::RefCell;

/// Runtime functions that never look into the memory they get.
const ADDRESS_ONLY: &[&str] = &["__itarget_free", "__itarget_malloc_usable_size", "__itarget_munmap"];

/// Runtime functions that read the program's memory themselves, at replay too.
const NATIVE_READERS: &[&str] =
    &["__itarget_iconv", "__itarget_qsort", "__itarget_strtok", "__itarget_longjmp", "__itarget_sigaction"];

/// Those of them that refuse memory above the bound.
const CHECKS_ADDRESS: &[&str] = &["__itarget_qsort", "__itarget_strtok"];

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

/// Ways to die: nothing comes after them.
const DEATHS: &[&str] = &["__itarget_chk_fail", "__itarget_fortify_fail", "__itarget_stack_chk_fail"];

/// `MAP_ANONYMOUS`.
const ANONYMOUS: i64 = 0x20;

/// The runtime function that takes the place of an external: the pass knows fortified twins by the
/// name of the external. `Err`: the runtime has none yet.
fn replacement(runtime: &str) -> Result<&str, ()> {
    match runtime {
        "__itarget_asprintf_chk" => Ok("__itarget_asprintf"),
        "__itarget_vasprintf_chk" => Ok("__itarget_vasprintf"),
        known
            if ALLOCATORS.contains(&known)
                || ADDRESS_ONLY.contains(&known)
                || REPLACEMENTS.contains(&known)
                || known == "__itarget_assert_fail" =>
        {
            Ok(known)
        }
        _ => Err(()),
    }
}

/// Collects the facts.
#[must_use]
pub fn facts(module: &Module, points_to: &PointsTo, annotations: &Annotations, weights: &Weights) -> Facts {
    let mut collector = Collector { module, points_to, annotations, weights, facts: Facts::default(), ranges: RefCell::default() };
    collector.facts.places = collector.places();
    collector.unused_mappings();
    for function in 0..module.functions.len() {
        for instr in 0..module.functions[function].instrs.len() {
            collector.instruction(function, instr);
        }
    }
    collector.escaped();
    collector.constants();
    collector.facts.implied = crate::plan::clones::ties(module, points_to, &collector.facts.places);
    collector.facts
}

struct Collector<'a> {
    module: &'a Module,
    points_to: &'a PointsTo,
    annotations: &'a Annotations,
    weights: &'a Weights<'a>,
    facts: Facts,
    /// Ranges asked for before.
    ranges: RefCell<FxHashMap<(FieldId, Option<u64>), Vec<FieldId>>>,
}

/// The arguments of a call of the model.
struct CallArguments<'a>(&'a Module, &'a Call);

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
    fn places(&self) -> Vec<Place> {
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

    /// A file mapping can be in the points-to set of most of a program's pointers, and every access that may
    /// touch it must check its address. One that the profiled run never made ends the recording instead.
    fn unused_mappings(&mut self) {
        if !self.weights.measured() {
            return;
        }
        for (object, place) in self.points_to.objects().iter().zip(&mut self.facts.places) {
            let ObjectKind::Heap(site) = object.kind else { continue };
            let function = &self.module.functions[site.function.index()];
            let Some(instr) = function.site(site.ordinal) else { continue };
            let at = (site.function.index(), instr);
            if *place == Place::Mapping && self.weights.executions(self.module, at.0, at.1, 1) == 0 {
                *place = Place::Absent;
                let reason = "this maps a file, which the profiled run never did: the recording ends here. To record it, link with a profile of a run that does, or without one";
                self.facts.refused.push((at, reason.to_owned()));
            }
        }
    }

    /// External variables that the module stores to itself.
    fn stored_variables(&self) -> FxHashSet<u32> {
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

    fn heap_place(&self, function: usize, ordinal: u32) -> Place {
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
                Some(Operand::Int(flags)) if flags & ANONYMOUS != 0 => Place::Low,
                _ => Place::Mapping,
            },
            Some(Kind::Runtime) => Place::Low,
            Some(Kind::Env) if spec.ret == Ret::AllocCStr => Place::Movable,
            _ => Place::External,
        }
    }

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

    /// What a load or store may touch. Memory of the library that accesses of this type do not look into
    /// is left out, unless nothing else explains the access.
    fn accessed_as(&self, function: usize, ptr: Operand, access: &Access) -> Vec<FieldId> {
        let values = self.accessed(function, ptr, access.size);
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
                self.facts.loads.push(Load { at, ordinal, values, size, volatile, executions });
            }
            InstrKind::Store { ptr, access, .. } => {
                let values = self.accessed_as(function, *ptr, access);
                self.facts.stores.push(Store { at, ordinal, values, size: access.size });
            }
            InstrKind::AtomicRmw { ptr, access, .. } | InstrKind::CmpXchg { ptr, access, .. } => {
                let values = self.accessed(function, *ptr, access.size);
                self.pin(at, values, "an atomic read-modify-write", false);
            }
            InstrKind::VaArg { list } => {
                let values = self.accessed(function, *list, 24);
                self.pin(at, values, "va_arg", false);
            }
            InstrKind::MemCopy { dst, src, len, .. } => self.memory_intrinsic(at, ordinal, *dst, Some(*src), *len),
            InstrKind::MemSet { dst, len, .. } => self.memory_intrinsic(at, ordinal, *dst, None, *len),
            InstrKind::Call(call) => self.call(at, ordinal, call, i.used),
            _ => {}
        }
    }

    fn pin(&mut self, at: (usize, usize), mut values: Vec<FieldId>, what: &str, refusable: bool) {
        values.retain(|v| self.facts.place(self.points_to, *v) != Place::ReadOnly);
        if !values.is_empty() {
            self.facts.pins.push(Pin { at, values, what: what.to_owned(), refusable, checked: false });
        }
    }

    /// What a call prints, and whether certainly on stdout or stderr.
    fn shown(&mut self, site: &mut CallSite, call: &Call) {
        let stream = match site.spec.show {
            None => return,
            Some(plan::Show::Standard | plan::Show::Fd { .. }) => None,
            Some(plan::Show::Stream { arg }) => Some(arg as usize),
        };
        for (k, &operand) in call.args.iter().enumerate() {
            if Some(k) != stream && call.signature.params.get(k) == Some(&Class::Pointer) {
                site.printed.extend(self.span(&self.merged(site.at.0, operand), None));
            }
        }
        site.printed = sorted(std::mem::take(&mut site.printed));
        if matches!(site.spec.show, Some(plan::Show::Fd { .. })) {
            return;
        }
        if let Some(arg) = stream {
            let Some(&operand) = call.args.get(arg) else { return };
            let streams = self.merged(site.at.0, operand);
            let standard = |v: &FieldId| {
                let name = &self.points_to.object(self.points_to.field(*v).object).name;
                name.contains("stdout") || name.contains("stderr")
            };
            if streams.is_empty() || !streams.iter().all(standard) {
                return;
            }
        }
        self.facts.shown.extend(&site.printed);
    }

    fn memory_intrinsic(&mut self, at: (usize, usize), ordinal: u32, dst: Operand, src: Option<Operand>, len: Operand) {
        let constant = match len {
            Operand::Int(n) => u64::try_from(n).ok(),
            _ => None,
        };
        let plan_len = constant.map_or(plan::Len::Arg(2), plan::Len::Const);
        let mut spec = CallSpec::unknown();
        spec.kind = Some(Kind::Det);
        spec.ret = Ret::Void;
        let write = plan::Write { arg: 0, len: plan_len, when: None, heap_only: false, kept: false };
        spec.writes.push(annotate::Written { write, through: vec![0], deep: false });
        let to = self.as_bytes(self.span(&self.merged(at.0, dst), constant));
        let mut pointers = vec![PointerArg { arg: 0, values: to.clone(), read: false }];
        let mut movements = Vec::new();
        let bytes = constant.unwrap_or_else(|| self.typical(&to));
        if let Some(src) = src {
            let from = self.as_bytes(self.span(&self.merged(at.0, src), constant));
            pointers.push(PointerArg { arg: 1, values: from, read: true });
            for instance in self.contexts(at.0, &[dst, src]) {
                let to = self.as_bytes(self.points_to.value(instance, dst));
                let from = self.as_bytes(self.points_to.value(instance, src));
                self.copy(&from, &to, constant, bytes, &mut movements);
            }
        }
        let callee = if src.is_some() { "llvm.memcpy" } else { "llvm.memset" };
        self.facts.calls.push(CallSite {
            at,
            ordinal,
            callee: callee.to_owned(),
            role: Role::Det,
            spec,
            writes: vec![WriteFact { values: to, bytes, nowhere: false }],
            pinned: Vec::new(),
            movements,
            pointers,
            deep: Vec::new(),
            printed: Vec::new(),
            harmless: false,
            used: false,
            ret_bytes: 0,
            upcalls: Vec::new(),
            executions: self.weights.executions(self.module, at.0, at.1, 1),
        });
    }

    /// Copies of `len` bytes: by field where few places are involved.
    fn copy(&self, from: &[FieldId], to: &[FieldId], len: Option<u64>, bytes: u64, out: &mut Vec<Movement>) {
        if from.len() * to.len() > 16 {
            let from = self.span(from, len);
            let to = self.landing(&self.span(to, len), bytes);
            out.push(Movement { from, to });
            return;
        }
        for &source in from {
            let base = self.points_to.field(source).offset;
            for v in self.span(&[source], len) {
                let mut landing = Vec::new();
                for &target in to {
                    landing.extend(self.counterpart(source, base, v, target, len));
                }
                landing.sort_unstable();
                landing.dedup();
                out.push(Movement { from: vec![v], to: self.landing(&landing, bytes) });
            }
        }
    }

    /// Where the cell `v` lands when `len` bytes are copied from `source` to `target`.
    fn counterpart(&self, source: FieldId, base: u64, v: FieldId, target: FieldId, len: Option<u64>) -> Vec<FieldId> {
        let all = self.span(&[target], len);
        let p = self.points_to;
        let (from, to) = (p.field(source), p.field(target));
        let (v_start, v_end) = extent::stretch(p, v);
        if p.object(from.object).stride != 0 || p.object(to.object).stride != 0 || v_start < base {
            return all;
        }
        let (start, end) = (v_start - base, v_end.saturating_sub(base));
        let overlaps = |w: &FieldId| {
            let (w_start, w_end) = extent::stretch(p, *w);
            w_start < to.offset || (w_start - to.offset < end && start < w_end.saturating_sub(to.offset))
        };
        all.into_iter().filter(overlaps).collect()
    }

    /// Bytes of one call that land in each cell.
    fn landing(&self, cells: &[FieldId], bytes: u64) -> Vec<(FieldId, u64)> {
        cells.iter().map(|&w| (w, extent::bytes(self.points_to, w, bytes))).collect()
    }

    /// Size of the largest object of known size, else 0.
    fn object_size(&self, fields: &[FieldId]) -> u64 {
        fields.iter().filter_map(|f| self.points_to.object(self.points_to.field(*f).object).size).max().unwrap_or(0)
    }

    fn typical(&self, fields: &[FieldId]) -> u64 {
        match self.object_size(fields) {
            0 => 256,
            n => n.min(4096),
        }
    }

    fn call(&mut self, at: (usize, usize), ordinal: u32, call: &Call, used: bool) {
        self.byval(at, call);
        match &call.callee {
            Callee::Function(_) => {}
            Callee::External(e) => {
                let external = &self.module.externals[e.index()];
                self.external(at, ordinal, call, &external.name, &external.attributes, used);
            }
            Callee::Indirect(_) => self.indirect(at, ordinal),
            Callee::Asm { text, .. } => self.assembly(at, call, text),
        }
    }

    fn byval(&mut self, at: (usize, usize), call: &Call) {
        if matches!(call.callee, Callee::External(_)) {
            return; // the callee reads it, as any other pointer argument
        }
        for (arg, &size) in call.byval.iter().enumerate().filter(|(_, size)| **size > 0) {
            let values = self.accessed(at.0, call.args[arg], size);
            self.pin(at, values, "an argument passed by value", true);
        }
    }

    fn indirect(&mut self, at: (usize, usize), ordinal: u32) {
        let (mut known, mut unknown) = (false, false);
        for instance in self.points_to.instances_of(FunctionId::from(at.0)) {
            for target in self.points_to.callees(*instance, ordinal) {
                match target {
                    Target::Function(_) => known = true,
                    Target::External(_) | Target::Unknown => unknown = true,
                }
            }
        }
        if unknown {
            self.facts.unknown_calls.push(at);
            if !known {
                let reason = "this call goes through a pointer that came from the environment (a plug-in, or a pointer of the library): its code can't be recorded";
                self.facts.refused.push((at, reason.to_owned()));
            }
        }
    }

    fn assembly(&mut self, at: (usize, usize), call: &Call, text: &str) {
        const NONDETERMINISTIC: &[&str] = &["rdtsc", "rdrand", "rdseed", "syscall", "int $$0x80", "rdpmc"];
        if let Some(what) = NONDETERMINISTIC.iter().find(|w| text.contains(**w)) {
            let what = what.replace("$$", "$");
            let reason = format!("inline assembly with `{what}` brings in values that can't be recorded; use the C library's function instead");
            self.facts.refused.push((at, reason));
        }
        if text.trim().is_empty() {
            return;
        }
        for &arg in &call.args {
            let values = self.span(&self.merged(at.0, arg), None);
            self.pin(at, values, "inline assembly", true);
        }
    }

    fn external(&mut self, at: (usize, usize), ordinal: u32, call: &Call, name: &str, attributes: &Attributes, used: bool) {
        let args = CallArguments(self.module, call);
        let annotation = self.annotations.function(name);
        if annotation.is_none() && (name.starts_with("llvm.") || name.starts_with("__itarget")) {
            return; // intrinsics that the model has no instruction for touch no memory of the program
        }
        let mut spec = annotation.map_or_else(CallSpec::unknown, |a| CallSpec::of(a, &args));
        if spec.kind == Some(Kind::Runtime) {
            let runtime = spec.runtime.take().unwrap_or_default();
            match replacement(&runtime) {
                Ok(known) => spec.runtime = Some(known.to_owned()),
                Err(()) if DEATHS.contains(&runtime.as_str()) => spec.kind = Some(Kind::Native),
                Err(()) => {
                    spec.kind = Some(Kind::Refuse);
                    spec.reason = Some(format!("`{name}` can't be recorded yet: the recording ends at this call"));
                }
            }
        }
        // A result in a static buffer of the library, or in its heap, is carried by the log.
        let carried = matches!(spec.ret, Ret::CopyCStr | Ret::Copy(_) | Ret::AllocCStr);
        let role = match spec.kind {
            None => Role::Unknown,
            Some(Kind::Env) => Role::Env,
            Some(Kind::Det | Kind::DetLocale) if carried => Role::Env,
            Some(Kind::Det | Kind::DetLocale) => Role::Det,
            Some(Kind::Native) => Role::Native,
            Some(Kind::Runtime) => Role::Runtime,
            Some(Kind::Refuse) => Role::Refuse,
        };
        let executions = self.weights.executions(self.module, at.0, at.1, spec.writes.len());
        let mut site = CallSite {
            at,
            ordinal,
            callee: name.to_owned(),
            role,
            spec,
            writes: Vec::new(),
            pinned: Vec::new(),
            movements: Vec::new(),
            pointers: Vec::new(),
            deep: Vec::new(),
            printed: Vec::new(),
            harmless: false,
            used,
            ret_bytes: class_bytes(call.signature.ret),
            upcalls: Vec::new(),
            executions,
        };
        let va_list = annotation.and_then(|a| a.varargs).and_then(|v| match v {
            Varargs::VPrintf(f) | Varargs::VScanf(f) => Some(u32::from(f) + 1),
            _ => None,
        });
        self.writes(&mut site, call);
        if matches!(role, Role::Env | Role::Det) {
            self.lengths(&site, call);
        }
        match role {
            Role::Unknown => self.unknown(&mut site, call, attributes),
            Role::Env => {
                for &arg in site.spec.retains.iter().chain(&site.spec.opaque) {
                    if let Some(&operand) = call.args.get(arg as usize) {
                        site.pinned.extend(self.span(&self.merged(at.0, operand), None));
                    }
                }
                if let Some(&list) = va_list.filter(|l| site.spec.opaque.contains(l)).and_then(|l| call.args.get(l as usize)) {
                    let instances = self.points_to.instances_of(FunctionId::from(at.0));
                    site.pinned.extend(instances.iter().flat_map(|i| self.deep(*i, list, true)));
                }
                site.pinned = sorted(std::mem::take(&mut site.pinned));
                self.shown(&mut site, call);
                site.upcalls = self.upcalls(at.0, ordinal, call);
                if let Some(&list) = va_list.and_then(|arg| call.args.get(arg as usize)) {
                    let instances = self.points_to.instances_of(FunctionId::from(at.0));
                    site.deep = sorted(instances.iter().flat_map(|i| self.deep(*i, list, true)).collect());
                }
            }
            Role::Det => self.deterministic(&mut site, call, va_list),
            Role::Runtime => self.runtime(&mut site, call),
            Role::Native => self.native(&site, call),
            Role::Refuse => {}
        }
        self.facts.calls.push(site);
    }

    fn writes(&self, site: &mut CallSite, call: &Call) {
        for written in &site.spec.writes {
            let len = extent(&written.write.len);
            let mut values = Vec::new();
            let behind = matches!(written.write.len, plan::Len::Behind(..));
            let (mut unknown, mut nowhere) = (false, !behind);
            for &arg in &written.through {
                let Some(&operand) = call.args.get(arg as usize) else { continue };
                if matches!(operand, Operand::Null | Operand::Undef) {
                    continue;
                }
                nowhere = false;
                let targets = self.merged(site.at.0, operand);
                unknown |= targets.is_empty();
                let direct = self.span(&targets, if written.deep { None } else { len });
                if written.deep {
                    // iovec, msghdr: the buffers the array's pointers lead to.
                    let mut buffers = Vec::new();
                    for &cell in &direct {
                        buffers.extend(self.points_to.contents(cell));
                    }
                    values.extend(self.span(&sorted(buffers), None));
                    if matches!(written.write.len, plan::Len::Msghdr(_)) {
                        values.extend(direct);
                    }
                } else {
                    values.extend(direct);
                }
            }
            if unknown {
                values.clear();
            }
            let values = sorted(values);
            let object = self.object_size(&values);
            let mut bytes = annotate::estimate(&written.write.len, object, 4096);
            // read(fd, buffer, 64): the capacity stands beside the buffer.
            let beside = call.args.get(written.write.arg as usize + 1);
            if let (plan::Len::Ret, Some(Operand::Int(most @ 1..))) = (&written.write.len, beside) {
                bytes = most.unsigned_abs();
            }
            site.writes.push(WriteFact { values, bytes, nowhere });
        }
    }

    /// Memory that lengths are read from after the call, at replay too.
    fn lengths(&mut self, site: &CallSite, call: &Call) {
        let mut args: Vec<(u32, Option<u64>)> = Vec::new();
        for written in &site.spec.writes {
            length_args(&written.write.len, &mut args);
        }
        args.sort_unstable();
        args.dedup();
        for (arg, len) in args {
            if let Some(&operand) = call.args.get(arg as usize) {
                let values = self.span(&self.merged(site.at.0, operand), len);
                self.pin(site.at, values, &format!("`{}`", site.callee), true);
            }
        }
    }

    fn unknown(&self, site: &mut CallSite, call: &Call, attributes: &Attributes) {
        site.harmless = attributes.readnone || attributes.readonly;
        if attributes.readnone {
            return;
        }
        let mut roots = Vec::new();
        for (arg, &operand) in call.args.iter().enumerate() {
            let flag = |flags: &[bool]| flags.get(arg).copied().unwrap_or(false);
            let writes_nothing = attributes.readonly || flag(&attributes.param_readonly);
            let targets = self.merged(site.at.0, operand);
            if attributes.argmemonly && flag(&attributes.nocapture) {
                // Only memory the argument itself points into.
                if !writes_nothing {
                    site.pinned.extend(self.span(&targets, None));
                }
            } else if !(attributes.readonly && flag(&attributes.nocapture)) {
                roots.extend(targets);
            }
        }
        let roots = sorted(roots);
        let reached = self.points_to.reachable(&roots);
        site.upcalls = self.functions(&reached);
        site.upcalls.extend_from_slice(self.points_to.escaped_functions());
        site.upcalls.sort_unstable();
        site.upcalls.dedup();
        site.pinned.extend(reached);
        site.pinned = sorted(std::mem::take(&mut site.pinned));
        let facts = &self.facts;
        site.pinned.retain(|v| !matches!(facts.place(self.points_to, *v), Place::Code | Place::ReadOnly | Place::Absent));
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

    fn upcalls(&self, function: usize, ordinal: u32, call: &Call) -> Vec<FunctionId> {
        let mut functions = Vec::new();
        for instance in self.points_to.instances_of(FunctionId::from(function)) {
            let called = self.points_to.callbacks(*instance, ordinal);
            functions.extend(called.iter().map(|i| self.points_to.instance(*i).function));
        }
        for &arg in &call.args {
            functions.extend(self.functions(&self.merged(function, arg)));
        }
        functions.sort_unstable();
        functions.dedup();
        functions
    }

    fn deterministic(&mut self, site: &mut CallSite, call: &Call, va_list: Option<u32>) {
        let function = site.at.0;
        let written: Vec<u32> = site.spec.writes.iter().flat_map(|w| w.through.iter().copied()).collect();
        let is_read = |arg: u32, spec: &CallSpec| {
            !written.contains(&arg) || spec.reads.as_ref().is_some_and(|r| r.contains(&arg))
        };
        let mut pointer_args = Vec::new();
        for (arg, &operand) in call.args.iter().enumerate() {
            let arg = arg as u32;
            let known_null = matches!(operand, Operand::Null | Operand::Undef | Operand::Function(_));
            if CallArguments(self.module, call).is_pointer(arg) && !known_null {
                let values = self.as_bytes(self.span(&self.merged(function, operand), None));
                pointer_args.push((arg, operand));
                site.pointers.push(PointerArg { arg, values, read: is_read(arg, &site.spec) });
            }
        }
        let deep_args: Vec<u32> = (site.spec.pointers.iter())
            // A pointer is loaded from memory to be followed (`strsep`), not copied with the rest.
            .filter_map(|flow| match flow.src.root {
                Root::Arg(a) if flow.src.derefs >= 1 && (flow.dst.derefs == 0 || flow.dst == flow.src) => {
                    Some(u32::from(a))
                }
                _ => None,
            })
            .chain(va_list)
            .collect();
        if let Some((dst, src)) = content_copy(&site.spec) {
            // memcpy and the like: field by field.
            if let (Some(&dst), Some(&src)) = (call.args.get(dst as usize), call.args.get(src as usize)) {
                let len = site.spec.writes.first().and_then(|w| extent(&w.write.len));
                let bytes = site.writes.first().map_or(1, |w| w.bytes);
                for instance in self.contexts(function, &[dst, src]) {
                    let from = self.as_bytes(self.points_to.value(instance, src));
                    let to = self.as_bytes(self.points_to.value(instance, dst));
                    self.copy(&from, &to, len, bytes, &mut site.movements);
                }
                return;
            }
        }
        for instance in self.contexts(function, &call.args) {
            let from_args = pointer_args.iter().filter(|(arg, _)| is_read(*arg, &site.spec));
            let mut from: Vec<FieldId> =
                from_args.flat_map(|(_, operand)| self.as_bytes(self.points_to.value(instance, *operand))).collect();
            from = self.span(&sorted(from), None);
            for &arg in &deep_args {
                if let Some(&operand) = call.args.get(arg as usize) {
                    let deep = self.deep(instance, operand, va_list == Some(arg));
                    from.extend(&deep);
                    site.deep.extend(deep);
                }
            }
            let mut to = Vec::new();
            for (written, fact) in site.spec.writes.iter().zip(&site.writes) {
                let operands = written.through.iter().filter_map(|a| call.args.get(*a as usize));
                let targets: Vec<FieldId> = operands.flat_map(|o| self.points_to.value(instance, *o)).collect();
                let cells = self.span(&sorted(targets), extent(&written.write.len));
                to.extend(self.landing(&cells, fact.bytes));
            }
            to.sort_unstable();
            to.dedup_by_key(|t| t.0);
            site.movements.push(Movement { from: sorted(from), to });
        }
        site.deep = sorted(std::mem::take(&mut site.deep));
        if !site.spec.callbacks.is_empty() {
            // The callback reads through pointers of ours: natively, at replay too.
            let values = sorted(site.pointers.iter().flat_map(|p| p.values.iter().copied()).collect());
            self.pin(site.at, values, &format!("`{}`, which calls back into the program,", site.callee), true);
        }
    }

    /// What the pointers in the memory that `operand` points to lead to; through a `va_list` one
    /// step more.
    fn deep(&self, instance: InstanceId, operand: Operand, list: bool) -> Vec<FieldId> {
        let mut cells = self.span(&self.points_to.value(instance, operand), None);
        let mut all = Vec::new();
        for _ in 0..=u32::from(list) {
            cells = self.pointees(&cells);
            all.extend(&cells);
        }
        sorted(all)
    }

    /// What the pointers in these cells lead to.
    fn pointees(&self, cells: &[FieldId]) -> Vec<FieldId> {
        let pointees: Vec<FieldId> = cells.iter().flat_map(|c| self.points_to.contents(*c)).collect();
        self.span(&sorted(pointees), None)
    }

    /// A native function reads what it gets at replay too.
    fn native(&mut self, site: &CallSite, call: &Call) {
        if site.callee == "pthread_setspecific" {
            return; // keeps the pointer only
        }
        for (arg, &operand) in call.args.iter().enumerate() {
            if CallArguments(self.module, call).is_pointer(arg as u32) {
                let written = site.spec.writes.iter().find(|w| w.write.arg == arg as u32);
                let len = written.and_then(|w| extent(&w.write.len));
                let values = self.span(&self.merged(site.at.0, operand), len);
                self.pin(site.at, values, &format!("`{}`", site.callee), true);
            }
        }
    }

    fn runtime(&mut self, site: &mut CallSite, call: &Call) {
        let Some(runtime) = site.spec.runtime.clone() else { return };
        let runtime = runtime.as_str();
        if is_allocator(&site.spec) {
            let copies = matches!(runtime, "__itarget_realloc" | "__itarget_reallocarray" | "__itarget_strdup" | "__itarget_strndup");
            if copies && let Some(&old) = call.args.first() {
                // The runtime logs what crosses sides, told apart by address: low cells can't be.
                // Only a string that is duplicated can lie there, never a block of the heap.
                let mut low = Vec::new();
                let result = Operand::Local(self.module.functions[site.at.0].value_of(site.at.1));
                for instance in self.contexts(site.at.0, &[old, result]) {
                    let from = self.points_to.value(instance, old);
                    let to = self.points_to.value(instance, result);
                    let bytes = self.typical(&to);
                    self.copy(&from, &to, None, bytes, &mut site.movements);
                    if runtime.contains("dup") {
                        low.extend(self.span(&from, None));
                    }
                }
                let facts = &self.facts;
                low.retain(|v| facts.place(self.points_to, *v) == Place::Low);
                self.pin(site.at, sorted(low), &format!("`{}`", site.callee), true);
            }
            return;
        }
        if ADDRESS_ONLY.contains(&runtime) {
            return;
        }
        if NATIVE_READERS.contains(&runtime) {
            // The descriptor of iconv is the environment's; of the rest it moves pointers and counts.
            let (first, len) = if runtime == "__itarget_iconv" { (1, Some(8)) } else { (0, None) };
            for &arg in call.args.iter().skip(first) {
                let values = self.span(&self.merged(site.at.0, arg), len);
                self.pin(site.at, values, &format!("`{}`", site.callee), true);
                if CHECKS_ADDRESS.contains(&runtime) && let Some(pin) = self.facts.pins.last_mut() {
                    pin.checked = true;
                }
            }
        }
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

/// Destination and source of a call that only copies memory.
fn content_copy(spec: &CallSpec) -> Option<(u32, u32)> {
    let copy = spec.pointers.iter().find_map(|flow| match (&flow.dst.root, &flow.src.root) {
        (&Root::Arg(dst), &Root::Arg(src))
            if dst != src
                && (flow.dst.derefs, flow.src.derefs) == (1, 1)
                && flow.dst.offset.is_none()
                && flow.src.offset.is_none() =>
        {
            Some((u32::from(dst), u32::from(src)))
        }
        _ => None,
    })?;
    let only = matches!(spec.writes.as_slice(), [w] if w.write.arg == copy.0);
    let reads = spec.reads.as_ref().is_none_or(|r| *r == [copy.1]);
    (only && reads && spec.callbacks.is_empty()).then_some(copy)
}

/// Arguments whose memory a length is computed from, with the bytes read there.
fn length_args(len: &plan::Len, out: &mut Vec<(u32, Option<u64>)>) {
    match len {
        plan::Len::Mem32(arg) => out.push((*arg, Some(4))),
        plan::Len::Mem64(arg) => out.push((*arg, Some(8))),
        plan::Len::Iovec(arg, _) => out.push((*arg, None)),
        plan::Len::Msghdr(arg) => out.push((*arg, Some(56))),
        plan::Len::Add(a, b) | plan::Len::Mul(a, b) | plan::Len::Min(a, b) => {
            length_args(a, out);
            length_args(b, out);
        }
        _ => {}
    }
}

/// Most bytes a length can come to, if that is constant.
fn extent(len: &plan::Len) -> Option<u64> {
    match len {
        plan::Len::Const(n) => Some(*n),
        plan::Len::Min(a, b) => match (extent(a), extent(b)) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        },
        _ => None,
    }
}

fn class_bytes(class: Class) -> u64 {
    match class {
        Class::Void => 0,
        Class::Int(bytes) => u64::from(bytes),
        Class::Pointer | Class::Float => 8,
        Class::Aggregate => 16,
    }
}

/// Sorted, each once.
fn sorted(mut fields: Vec<FieldId>) -> Vec<FieldId> {
    fields.sort_unstable();
    fields.dedup();
    fields
}
