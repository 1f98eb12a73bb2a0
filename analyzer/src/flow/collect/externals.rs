//! Calls of library functions: what their annotations say, in terms of cells.

use super::threads::synchronizes;
use super::{CallArguments, Collector, sorted};
use crate::annotate::{self, Arguments, CallSpec};
use crate::flow::facts::{ALLOCATORS, CallSite, Movement, Place, PointerArg, Role, WriteFact, is_allocator};
use crate::model::{Attributes, Call, Class, FunctionId, InstrKind, Operand};
use crate::points_to::{FieldId, InstanceId, SiteRef};
use itarget_abi::hooks::{REPLACEMENTS, THREADS};
use itarget_annotations::{Kind, Ret, Root, Varargs};
use itarget_plan as plan;

/// Functions that give the place of a variable of the calling thread, which lies elsewhere in another process.
const LOCATIONS: &[&str] = &["__errno_location", "__h_errno_location"];

/// Runtime functions that never look into the memory they get.
const ADDRESS_ONLY: &[&str] = &["__itarget_free", "__itarget_malloc_usable_size", "__itarget_munmap"];

/// Runtime functions that read the program's memory themselves, at replay too.
const NATIVE_READERS: &[&str] = &[
    "__itarget_iconv",
    "__itarget_longjmp",
    "__itarget_putenv",
    "__itarget_setenv",
    "__itarget_sigaction",
    "__itarget_unsetenv",
];

/// Runtime functions that leave addresses and numbers where arguments say, at replay too.
const FILLS: &[&str] = &[
    "__itarget_asprintf",
    "__itarget_getdelim",
    "__itarget_getline",
    "__itarget_posix_memalign",
    "__itarget_timer_create",
    "__itarget_vasprintf",
];

/// Those of them that read C strings, and keep no pointer to them.
const TEXT_READERS: &[&str] = &["__itarget_setenv", "__itarget_unsetenv"];

/// Functions that hand a buffer to a stream: while a program is recorded whole, the runtime gives the stream one of its own.
const BUFFERS: &[&str] = &["setbuf", "setbuffer", "setvbuf"];

/// Runtime functions that make text in a block of their own.
const FORMATTERS: &[&str] = &["__itarget_asprintf", "__itarget_vasprintf"];

/// Bytes by which such a text is estimated.
const TEXT: u64 = 32;

/// Ways to die: nothing comes after them.
const DEATHS: &[&str] = &["__itarget_chk_fail", "__itarget_fortify_fail", "__itarget_stack_chk_fail"];

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
                || THREADS.iter().any(|(_, runtime)| *runtime == known)
                || known == "__itarget_assert_fail" =>
        {
            Ok(known)
        }
        _ => Err(()),
    }
}

impl Collector<'_> {
    pub(super) fn external(&mut self, at: (usize, usize), ordinal: u32, call: &Call, name: &str, attributes: &Attributes, used: bool) {
        let args = CallArguments(self.module, call);
        let annotation = self.annotations.function(name);
        if annotation.is_none() && (name.starts_with("llvm.") || name.starts_with("__itarget")) {
            return; // intrinsics that the model has no instruction for touch no memory of the program
        }
        let mut spec = annotation.map_or_else(CallSpec::unknown, |a| CallSpec::of(a, &args));
        self.with_threads(name, &mut spec);
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
            // An address of the library's own: where more than the memory there is used, it must be what it was.
            Some(Kind::Native) if LOCATIONS.contains(&name) && self.escapes(at) => Role::Env,
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
            copies: false,
            pointers: Vec::new(),
            deep: Vec::new(),
            printed: Vec::new(),
            printed_bytes: 0,
            shown: Vec::new(),
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
        // What processes share is not there at replay: nothing can be done there to what they synchronize by. Other functions change more than
        // this memory, and get a copy.
        let shared = |v: &FieldId| self.facts.place(self.points_to, *v) == Place::Mapping;
        if role == Role::Native && synchronizes(name) && site.writes.iter().flat_map(|w| &w.values).any(shared) {
            site.role = Role::Env;
        }
        let role = site.role;
        match role {
            Role::Unknown => self.unknown(&mut site, call, attributes),
            Role::Env => {
                let own = !self.partial && BUFFERS.contains(&name);
                let kept = site.spec.retains.iter().filter(|_| !own).map(|kept| (u32::from(kept.arg), kept.bytes));
                for (arg, bytes) in kept.chain(site.spec.opaque.iter().map(|arg| (*arg, None))) {
                    if let Some(&operand) = call.args.get(arg as usize) {
                        let cells = self.span(&self.merged(at.0, operand), bytes);
                        site.pinned.extend(if site.spec.deep { self.points_to.reachable(&cells) } else { cells });
                    }
                }
                if let Some(&list) = va_list.filter(|l| site.spec.opaque.contains(l)).and_then(|l| call.args.get(l as usize)) {
                    let instances = self.points_to.instances_of(FunctionId::from(at.0));
                    site.pinned.extend(instances.iter().flat_map(|i| self.deep(*i, list, true)));
                }
                site.upcalls = self.upcalls(&site, call);
                if site.spec.callbacks.iter().any(|c| c.retained) {
                    site.pinned.extend(site.upcalls.iter().flat_map(|f| self.returned(*f)));
                }
                site.pinned = sorted(std::mem::take(&mut site.pinned));
                self.shown(&mut site, call);
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
        if matches!(role, Role::Det | Role::Runtime | Role::Native | Role::Refuse) {
            // Who is called back, should the caller be in the environment.
            site.upcalls = self.upcalls(&site, call);
        }
        self.facts.calls.push(site);
    }

    pub(super) fn writes(&self, site: &mut CallSite, call: &Call) {
        for written in &site.spec.writes {
            let len = extent(&written.write.len);
            let (mut values, mut shape) = (Vec::new(), Vec::new());
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
                if let plan::Len::Moved(offset) = written.write.len {
                    values.extend(self.pointees(&self.at(&targets, offset)));
                } else if written.deep {
                    // iovec, msghdr, mmsghdr: the buffers the array's pointers lead to.
                    let mut buffers = self.pointees(&direct);
                    shape.extend(&direct);
                    if matches!(written.write.len, plan::Len::Msghdr(_) | plan::Len::Mmsghdr(_)) {
                        // The array that the header leads to, with its own buffers; name and control data are among the first.
                        shape.extend(&buffers);
                        values.extend(self.pointees(&buffers));
                        values.extend(direct);
                    }
                    values.append(&mut buffers);
                } else {
                    values.extend(direct);
                }
            }
            if unknown {
                values.clear();
            }
            let values = sorted(values);
            let object = self.object_size(&values);
            let bytes = annotate::estimate(&written.write.len, object, 4096);
            site.writes.push(WriteFact { values, shape: sorted(shape), bytes, nowhere });
        }
    }

    pub(super) fn unknown(&self, site: &mut CallSite, call: &Call, attributes: &Attributes) {
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

    /// Who is called back: as the annotation says, or whatever is handed over.
    pub(super) fn upcalls(&self, site: &CallSite, call: &Call) -> Vec<FunctionId> {
        let (function, ordinal) = (site.at.0, site.ordinal);
        let mut functions = Vec::new();
        for instance in self.points_to.instances_of(FunctionId::from(function)) {
            let called = self.points_to.callbacks(*instance, ordinal);
            functions.extend(called.iter().map(|i| self.points_to.instance(*i).function));
        }
        for &arg in call.args.iter().filter(|_| site.spec.callbacks.is_empty()) {
            functions.extend(self.functions(&self.merged(function, arg)));
        }
        // A library that calls what it was given before may have been given it by functions that nobody annotated.
        if site.spec.callbacks.iter().any(|c| matches!(c.function.root, Root::Static(_))) {
            functions.extend_from_slice(self.points_to.escaped_functions());
        }
        functions.sort_unstable();
        functions.dedup();
        functions
    }

    pub(super) fn deterministic(&mut self, site: &mut CallSite, call: &Call, va_list: Option<u32>) {
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
            site.copies = true;
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
            let operands: Vec<u32> = site.pointers.iter().map(|p| p.arg).collect();
            self.pin(site.at, values, &format!("`{}`, which calls back into the program,", site.callee), true, &operands);
        }
    }

    /// What the pointers in the memory that `operand` points to lead to; through a `va_list` one
    /// step more.
    pub(super) fn deep(&self, instance: InstanceId, operand: Operand, list: bool) -> Vec<FieldId> {
        let mut cells = self.span(&self.points_to.value(instance, operand), None);
        let mut all = Vec::new();
        for _ in 0..=u32::from(list) {
            cells = self.pointees(&cells);
            all.extend(&cells);
        }
        sorted(all)
    }

    /// What the pointers in these cells lead to.
    pub(super) fn pointees(&self, cells: &[FieldId]) -> Vec<FieldId> {
        let pointees: Vec<FieldId> = cells.iter().flat_map(|c| self.points_to.contents(*c)).collect();
        self.span(&sorted(pointees), None)
    }

    /// Where what a function returns leads.
    fn returned(&self, f: FunctionId) -> Vec<FieldId> {
        let returns = self.module.functions[f.index()].instrs.iter().filter_map(|i| match &i.kind {
            InstrKind::Ret { value } => *value,
            _ => None,
        });
        returns.flat_map(|value| self.span(&self.merged(f.index(), value), None)).collect()
    }

    /// The cells that a pointer may be in so many bytes behind these.
    fn at(&self, from: &[FieldId], offset: u64) -> Vec<FieldId> {
        let at = |cell: &FieldId| {
            let first = self.points_to.field(*cell);
            let whole: Vec<FieldId> = self.points_to.fields_of(first.object).collect();
            let exact = whole.iter().copied().find(|c| self.points_to.field(*c).offset == first.offset + offset);
            let arrays = self.points_to.arrays(first.object).next().is_some();
            exact.filter(|_| !arrays).map_or(whole, |cell| vec![cell])
        };
        sorted(from.iter().flat_map(at).collect())
    }

    /// A native function reads what it gets at replay too.
    pub(super) fn native(&mut self, site: &CallSite, call: &Call) {
        if site.callee == "pthread_setspecific" {
            return; // keeps the pointer only
        }
        for (arg, &operand) in call.args.iter().enumerate() {
            if CallArguments(self.module, call).is_pointer(arg as u32) {
                let written = site.spec.writes.iter().find(|w| w.write.arg == arg as u32);
                let len = written.and_then(|w| extent(&w.write.len));
                let values = self.span(&self.merged(site.at.0, operand), len);
                let staged = sized(&site.spec, arg as u32);
                self.pin_or_copy(site.at, values, &format!("`{}`", site.callee), arg as u32, staged);
            }
        }
    }

    pub(super) fn runtime(&mut self, site: &mut CallSite, call: &Call) {
        let Some(runtime) = site.spec.runtime.clone() else { return };
        let runtime = runtime.as_str();
        if FILLS.contains(&runtime) {
            for &(arg, bytes, read, written) in &site.spec.sizes.clone() {
                let Some(&operand) = call.args.get(arg as usize) else { continue };
                let values = self.span(&self.merged(site.at.0, operand), Some(bytes));
                self.pin_or_copy(site.at, values, &format!("`{}`", site.callee), arg, Some((bytes, read, written)));
            }
        }
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
                if runtime.contains("dup") {
                    let limit = (runtime == "__itarget_strndup").then_some(1);
                    self.pin_or_copy_text(site.at, sorted(low), &format!("`{}`", site.callee), 0, limit);
                }
            }
            return;
        }
        if ADDRESS_ONLY.contains(&runtime) {
            return;
        }
        if FORMATTERS.contains(&runtime) {
            let movement = self.formatted(site, call, runtime == "__itarget_vasprintf");
            site.movements.push(movement);
        }
        if runtime == "__itarget_strtok" {
            // Its text is where it was last, or an argument; its result leads into either.
            let result = Operand::Local(self.module.functions[site.at.0].value_of(site.at.1));
            let read = call.args.iter().copied().chain([result]).flat_map(|o| self.span(&self.merged(site.at.0, o), None));
            site.movements.push(Movement { from: sorted(read.collect()), to: Vec::new() });
        }
        if matches!(runtime, "__itarget_qsort" | "__itarget_qsort_r") && let Some(&array) = call.args.first() {
            // Elements change places: what is in the environment of one is so of all.
            self.facts.sorted.push(self.span(&self.merged(site.at.0, array), None));
        }
        if THREADS.iter().any(|(_, known)| *known == runtime) {
            for &(arg, bytes, read, written) in &site.spec.sizes.clone() {
                let Some(&operand) = call.args.get(arg as usize) else { continue };
                let values = self.span(&self.merged(site.at.0, operand), Some(bytes));
                self.pin_or_copy(site.at, values, &format!("`{}`", site.callee), arg, Some((bytes, read, written)));
            }
        }
        if NATIVE_READERS.contains(&runtime) {
            // The descriptor of iconv is the environment's; of the rest it moves pointers and counts.
            let (first, len) = if runtime == "__itarget_iconv" { (1, Some(8)) } else { (0, None) };
            for (index, &arg) in call.args.iter().enumerate().skip(first) {
                let values = self.span(&self.merged(site.at.0, arg), len);
                if TEXT_READERS.contains(&runtime) {
                    self.pin_or_copy_text(site.at, values, &format!("`{}`", site.callee), index as u32, None);
                    continue;
                }
                let staged = sized(&site.spec, index as u32);
                self.pin_or_copy(site.at, values, &format!("`{}`", site.callee), index as u32, staged);
            }
        }
    }

    /// What text made by `asprintf` or `vasprintf` (`list`) comes from, and the block that it gets.
    fn formatted(&self, site: &CallSite, call: &Call, list: bool) -> Movement {
        let mut from = Vec::new();
        for (arg, &operand) in call.args.iter().enumerate().skip(1) {
            if list && arg + 1 == call.args.len() {
                let instances = self.points_to.instances_of(FunctionId::from(site.at.0));
                from.extend(instances.iter().flat_map(|i| self.deep(*i, operand, true)));
            } else if CallArguments(self.module, call).is_pointer(arg as u32) || call.signature.params.get(arg).is_none() {
                from.extend(self.span(&self.merged(site.at.0, operand), None));
            }
        }
        let here = SiteRef { function: FunctionId::from(site.at.0), ordinal: site.ordinal };
        let blocks = self.points_to.objects().iter().filter(|o| o.made_at.contains(&here));
        let cells: Vec<FieldId> = blocks.flat_map(|o| (o.fields.0.0..o.fields.1.0).map(FieldId)).collect();
        Movement { from: sorted(from), to: self.landing(&cells, TEXT) }
    }

    /// Whether the result of a call is used otherwise than for an access to where it leads.
    fn escapes(&self, at: (usize, usize)) -> bool {
        let function = &self.module.functions[at.0];
        let result = Operand::Local(function.value_of(at.1));
        function.instrs.iter().any(|i| match &i.kind {
            InstrKind::Load { ptr, .. } if *ptr == result => false,
            InstrKind::Store { ptr, value, .. } if *ptr == result && *value != result => false,
            kind => {
                let mut used = false;
                kind.operands(|operand| used |= operand == result);
                used
            }
        })
    }

    /// What a call prints, and whether certainly on stdout or stderr.
    pub(super) fn shown(&mut self, site: &mut CallSite, call: &Call) {
        let stream = match site.spec.show {
            None => return,
            Some(plan::Show::Standard { .. } | plan::Show::Fd { .. }) => None,
            Some(plan::Show::Stream { arg }) => Some(arg as usize),
        };
        for (k, &operand) in call.args.iter().enumerate() {
            if Some(k) != stream && call.signature.params.get(k) == Some(&Class::Pointer) {
                let mut values = self.span(&self.merged(site.at.0, operand), None);
                let len = site.spec.lengths.iter().find(|l| l.0 == k as u32).map(|l| &l.1);
                if matches!(len, Some(plan::Len::Iovec(..))) {
                    values.extend(self.pointees(&values));
                    values = sorted(values);
                }
                site.printed_bytes += len.map_or(TEXT, |l| annotate::estimate(l, self.object_size(&values), 4096));
                site.printed.extend(values);
                site.shown.push(k as u32);
            }
        }
        site.printed = sorted(std::mem::take(&mut site.printed));
        if matches!(site.spec.show, Some(plan::Show::Fd { .. })) {
            site.printed_bytes = 0; // most descriptors are others
            return;
        }
        if let Some(arg) = stream {
            let Some(&operand) = call.args.get(arg) else { return };
            let streams = self.merged(site.at.0, operand);
            let standard = |v: &FieldId| {
                let name = &self.points_to.object(self.points_to.field(*v).object).name;
                name.contains("stdout") || name.contains("stderr")
            };
            if !streams.is_empty() && !streams.iter().any(standard) {
                site.printed_bytes = 0; // into a file
            }
            if streams.is_empty() || !streams.iter().all(standard) {
                return;
            }
        }
        self.facts.shown.extend(site.printed.iter().map(|v| (site.at.0, *v)));
    }
}

/// How many bytes an argument leads to, whether they are read, and whether they are written, if that is known.
fn sized(spec: &CallSpec, arg: u32) -> Option<(u64, bool, bool)> {
    spec.sizes.iter().find(|s| s.0 == arg).map(|&(_, bytes, read, written)| (bytes, read, written))
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

/// Bytes of a value as it is passed.
pub(super) fn class_bytes(class: Class) -> u64 {
    match class {
        Class::Void => 0,
        Class::Int(bytes) => u64::from(bytes),
        Class::Pointer | Class::Float => 8,
        Class::Aggregate => 16,
    }
}
