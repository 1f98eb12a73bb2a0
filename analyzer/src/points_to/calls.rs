//! Calls bound to their targets: arguments to parameters, results to results; external functions,
//! annotated or not; what unknown code may do.

use super::build::{Builder, CallSite, Inst};
use super::memory::new_object;
use super::objects::Loc;
use super::solver::{NONE, Node, Slots, Use};
use super::through::Through;
use super::{ObjectKind, Runs, SiteRef, Target};
use itarget_annotations::FRAME;
use crate::model::{Callee, Class, Declared, ExternalId, FunctionId, GepStep, InstrKind, Operand, Signature};

impl Builder<'_> {
    pub(super) fn add_call(&mut self, site: CallSite) -> u32 {
        let number = u32::try_from(self.calls.len()).unwrap_or(u32::MAX);
        self.calls.push(site);
        number
    }

    pub(super) fn record(&mut self, call: u32, target: Target) -> bool {
        if !self.bound.insert((call, target)) {
            return false;
        }
        let site = &self.calls[call as usize];
        let key = (site.instance, site.instr);
        if site.callback {
            if let Target::Function(instance) = target {
                self.callbacks.entry(key).or_default().push(instance.0);
            }
        } else {
            self.targets.entry(key).or_default().push(target);
        }
        true
    }

    /// A location has reached the callee of an indirect call.
    pub(super) fn bind_location(&mut self, call: u32, loc: Loc) {
        let object = self.solver.locs[loc as usize].0;
        match self.solver.objects[object as usize].kind {
            ObjectKind::Function(f) => {
                let site = &self.calls[call as usize];
                let instr = &self.module.functions[self.instances[site.instance as usize].function.index()].instrs[site.instr as usize];
                let by = match &instr.kind {
                    InstrKind::Call(of) if !site.callback => of.prototypes.as_slice(),
                    _ => &[],
                };
                let fits = match &site.signature {
                    Some(_) if self.options.match_signatures && !self.module.may_enter(by, &self.module.functions[f.index()]) => false,
                    Some(signature) if self.options.match_signatures => {
                        let target = &self.module.functions[f.index()];
                        let cast = self.module.is_cast_to(by, target);
                        if site.callback { calls_back(signature, &target.signature) } else { compatible(signature, &target.signature, cast) }
                    }
                    _ => true,
                };
                if fits {
                    for f in self.copies(call, f) {
                        self.bind(call, f, false);
                    }
                }
            }
            ObjectKind::ExternalFunction(e) => {
                let fits = match &self.calls[call as usize].signature {
                    Some(signature) if self.options.match_signatures => {
                        let target = &self.module.externals[e.index()].signature;
                        let pairs = || signature.params.iter().zip(&target.params);
                        // Nobody declares a library function to take numbers for addresses, or the reverse.
                        let same = signature.variadic || pairs().all(|(a, b)| (*a == Class::Pointer) == (*b == Class::Pointer));
                        same && compatible(signature, target, false)
                    }
                    _ => true,
                };
                if fits {
                    self.external(call, e);
                }
            }
            ObjectKind::External if self.holds_code(object) => self.unknown_call(call),
            _ => {}
        }
    }

    /// Which copies of a function a call through its address may enter.
    fn copies(&self, call: u32, f: FunctionId) -> Vec<FunctionId> {
        let Some(worlds) = self.options.worlds else { return vec![f] };
        let copy = FunctionId::from(f.index() + worlds.copies);
        let site = &self.calls[call as usize];
        match site.runs {
            Runs::Caller if self.is_copy(site.instance) => vec![copy],
            Runs::Caller => vec![f],
            Runs::Thread => vec![copy],
            Runs::Anyone => vec![f, copy],
        }
    }

    /// The instance is of a function as threads of the program run it.
    pub(super) fn is_copy(&self, instance: u32) -> bool {
        self.options.worlds.is_some_and(|w| self.instances[instance as usize].function.index() >= w.copies)
    }

    /// Whether memory of the environment may stand for code. What annotated functions hand out is
    /// data, but for those that hand out functions: what was loaded by name, what unannotated code
    /// returned, and signal handlers, which are the program's own unless other code installs some.
    pub(super) fn holds_code(&self, object: u32) -> bool {
        let name = self.solver.objects[object as usize].name.as_str();
        match name.split_once(':').map_or(name, |(_, name)| name) {
            "unknown" | "dlsym" | "dlvsym" | "error_print_progname" => true,
            "signal" => self.foreign,
            other => self.library.function(other).is_none() && self.module.external(other).is_some()
                || self.library.variable(other).is_none() && self.is_external_variable(other),
        }
    }

    pub(super) fn is_external_variable(&self, name: &str) -> bool {
        self.module.external_variables.iter().any(|v| v.name == name)
    }

    /// Binds a call to a function; `direct`: it has no other callee.
    pub(super) fn bind(&mut self, call: u32, f: FunctionId, direct: bool) {
        let instance = self.instance_for(call, f);
        if !self.record(call, Target::Function(super::InstanceId(instance))) {
            return;
        }
        let target = &self.module.functions[f.index()];
        let Inst { base, ret, varargs, caller, .. } = self.instances[instance as usize];
        // Nobody else calls it: parameters are names of the arguments.
        let alone = caller.is_some();
        let site = &self.calls[call as usize];
        let (args, byval, result) = (site.args.clone(), site.byval.clone(), site.ret);
        let fixed = target.signature.params.len();
        for (i, arg) in args.iter().enumerate() {
            let param = u32::try_from(i).unwrap_or(0);
            let copied = byval.get(i).copied().unwrap_or(0);
            if i >= fixed {
                if let Some(area) = varargs {
                    let (object, _, contents) = self.solver.locs[area as usize];
                    if copied > 0 {
                        let out = self.solver.stepped(*arg, &[GepStep::Pointer { stride: 1 }]);
                        let any = self.solver.any_in(object);
                        self.solver.attach(out, Use::Load { target: any, slots: Slots::ONE });
                        let numbers = self.solver.numbers(any);
                        self.solver.edge(any, numbers);
                    }
                    self.solver.write(*arg, contents, Declared::Unknown);
                }
            } else if target.byval[i] > 0 {
                self.solver.memcopy(base + param, *arg, Some(target.byval[i].max(8)));
            } else if target.signature.params[i].carries_pointer() {
                if alone {
                    self.solver.alias(*arg, base + param);
                } else {
                    self.solver.edge(*arg, base + param);
                }
            }
        }
        if !alone && self.hand_through(f, &args, result, direct) {
            return;
        }
        if direct {
            self.solver.alias(ret, result);
        } else {
            self.solver.edge(ret, result);
        }
    }

    /// Lets a call have what it handed to a function as its result, if the function returns nothing else.
    fn hand_through(&mut self, f: FunctionId, args: &[Node], result: Node, direct: bool) -> bool {
        let Some(through) = &self.through[f.index()] else { return false };
        if result == NONE || through.params.iter().any(|param| *param >= args.len()) {
            return false;
        }
        let Through { params, steps, constants } = through.clone();
        let within = if direct { result } else { self.solver.node() };
        for param in params {
            self.solver.edge(args[param], within);
        }
        for constant in constants {
            let node = self.constant(constant);
            self.solver.edge(node, within);
        }
        for further in steps {
            let steps = self.solver.intern(&further);
            self.solver.attach(within, Use::Gep { steps, target: within });
        }
        self.solver.edge(within, result);
        true
    }

    pub(super) fn escape_args(&mut self, call: u32) {
        self.unknown_external();
        let escape = self.solver.escape;
        let (args, ret) = (self.calls[call as usize].args.clone(), self.calls[call as usize].ret);
        for arg in args {
            self.solver.edge(arg, escape);
        }
        self.solver.edge(escape, ret);
    }

    /// Inline assembly works on its operands; an empty text hands them through.
    pub(super) fn assembly(&mut self, call: u32, nothing: bool) {
        let site = &self.calls[call as usize];
        if nothing {
            let (args, ret) = (site.args.clone(), site.ret);
            args.into_iter().for_each(|arg| self.solver.edge(arg, ret));
        } else if site.ret != NONE || site.args.iter().any(|arg| *arg != NONE) {
            self.escape_args(call);
        }
    }

    pub(super) fn unknown_call(&mut self, call: u32) {
        // Recording stops before code of the environment is called through such a pointer
        // (`Action::Callee`), so nothing that the code does is ever recorded.
        self.record(call, Target::Unknown);
    }

    pub(super) fn external(&mut self, call: u32, e: ExternalId) {
        if !self.record(call, Target::External(e)) {
            return;
        }
        let external = &self.module.externals[e.index()];
        match self.library.function(&external.name) {
            Some(annotation) => self.annotated(call, annotation),
            None => self.unannotated(call, e),
        }
    }

    pub(super) fn unannotated(&mut self, call: u32, e: ExternalId) {
        let external = &self.module.externals[e.index()];
        let known = &external.attributes;
        let site = &self.calls[call as usize];
        let (args, ret) = (site.args.clone(), site.ret);
        let mut captured = false;
        let escape = self.solver.escape;
        for (i, arg) in args.iter().enumerate() {
            let quiet = known.readonly
                || known.nocapture.get(i) == Some(&true) && known.param_readonly.get(i) == Some(&true);
            let handed_back = ret != NONE && known.returned.is_none() && known.nocapture.get(i) != Some(&true);
            if !quiet && *arg != NONE || handed_back {
                captured = true;
                self.solver.edge(*arg, escape);
            }
        }
        if let Some(arg) = known.returned {
            if let Some(arg) = args.get(usize::from(arg)) {
                self.solver.edge(*arg, ret);
            }
        } else if known.noalias_result {
            let loc = self.heap_object(call, 0);
            self.solver.add(ret, loc);
        } else if ret != NONE {
            captured = true;
            self.solver.edge(escape, ret);
        }
        if captured {
            self.unknown_external();
        }
    }

    /// The location of heap memory made at a call; `which` tells several of one call apart.
    pub(super) fn heap_object(&mut self, call: u32, which: u32) -> Loc {
        let site = &self.calls[call as usize];
        let key = (site.instance, site.instr, which);
        let object = match self.heap.get(&key) {
            Some(object) => *object,
            None => {
                let f = self.instances[site.instance as usize].function;
                let instr = &self.module.functions[f.index()].instrs[site.instr as usize];
                let site_ref = SiteRef { function: self.twin_of(f, site.instr).unwrap_or(f), ordinal: instr.ordinal.unwrap_or(u32::MAX) };
                let size = self.allocation_size(call);
                let shared = Some((site_ref, which, size)).filter(|_| self.instances[site.instance as usize].caller.is_none());
                let object = match shared.and_then(|shared| self.twins.get(&shared)) {
                    Some(object) => *object,
                    None => {
                        let mut object = new_object(ObjectKind::Heap(site_ref), site.instance, String::new());
                        object.size = size;
                        self.solver.object(object)
                    }
                };
                if let Some(shared) = shared {
                    self.twins.insert(shared, object);
                }
                self.heap.insert(key, object);
                let mut at = key.0;
                while let Some((up, _)) = self.instances[at as usize].caller {
                    self.fresh.entry(self.instances[at as usize].function).or_default().push(object);
                    at = up;
                }
                object
            }
        };
        self.solver.loc(object, 0)
    }

    /// The function whose call stands for that of `f`: they are the same static function ([`crate::model::Function::twin`]).
    fn twin_of(&self, f: FunctionId, instr: u32) -> Option<FunctionId> {
        let twin = self.module.functions[f.index()].twin?;
        let [own, other] = [f, twin].map(|f| &self.module.functions[f.index()].instrs[instr as usize]);
        let (InstrKind::Call(a), InstrKind::Call(b)) = (&own.kind, &other.kind) else { return None };
        let same = match (&a.callee, &b.callee) {
            (Callee::External(a), Callee::External(b)) => a == b,
            (Callee::Indirect(_), Callee::Indirect(_)) => true,
            _ => false,
        };
        // Macros may give the sources other constants.
        let constants = a.args.iter().zip(&b.args).all(|(a, b)| match (a, b) {
            (Operand::Int(a), Operand::Int(b)) => a == b,
            (a, b) => !matches!(a, Operand::Int(_)) && !matches!(b, Operand::Int(_)),
        });
        (same && constants && a.args.len() == b.args.len() && own.ordinal == other.ordinal).then_some(twin)
    }

    /// Constant size of an allocation by a direct call of `malloc` or `calloc`.
    pub(super) fn allocation_size(&self, call: u32) -> Option<u64> {
        let site = &self.calls[call as usize];
        let f = self.instances[site.instance as usize].function;
        let InstrKind::Call(of) = &self.module.functions[f.index()].instrs[site.instr as usize].kind else {
            return None;
        };
        let Callee::External(e) = of.callee else { return None };
        let size = |arg: usize| site.constants.get(arg).copied().flatten().and_then(|v| u64::try_from(v).ok());
        match &*self.module.externals[e.index()].name {
            "malloc" => size(0),
            "calloc" => size(0)?.checked_mul(size(1)?),
            "realloc" => size(1),
            _ => None,
        }
    }

    pub(super) fn call_arg(&self, call: u32, arg: u8) -> Node {
        self.calls[call as usize].args.get(usize::from(arg)).copied().unwrap_or(NONE)
    }

    pub(super) fn call_ret(&self, call: u32) -> Node {
        self.calls[call as usize].ret
    }

    /// Lets an external call a function pointer with these arguments, of these classes if they are known.
    pub(super) fn call_back(&mut self, call: u32, function: Node, (args, ret): (Vec<Node>, Node), (signature, runs): (Option<Signature>, Runs)) {
        let (instance, instr) = (self.calls[call as usize].instance, self.calls[call as usize].instr);
        let constants = vec![None; args.len()];
        let site = CallSite {
            instance,
            instr,
            args,
            constants,
            byval: Vec::new(),
            ret,
            signature,
            callback: true,
            runs,
        };
        let number = self.add_call(site);
        self.solver.attach(function, Use::Callee(number));
    }

    pub(super) fn called_by_unknown(&mut self, f: FunctionId) {
        if let Some(worlds) = self.options.worlds.filter(|w| f.index() < w.copies) {
            self.called_by_unknown(FunctionId::from(f.index() + worlds.copies));
        }
        let instance = self.shared_instance(f);
        let (base, ret) = (self.instances[instance as usize].base, self.instances[instance as usize].ret);
        let escape = self.solver.escape;
        // What it has in its frames it may hand over, too.
        let frame = self.named_object(&format!("ext:unknown{FRAME}"), ObjectKind::External);
        let frame = self.solver.loc(frame, 0);
        self.solver.add(escape, frame);
        for (i, class) in self.module.functions[f.index()].signature.params.iter().enumerate() {
            if class.carries_pointer() {
                self.solver.edge(escape, base + u32::try_from(i).unwrap_or(0));
            }
        }
        self.solver.edge(ret, escape);
    }
}

/// Whether a call of this type may enter a function of that type. Missing and surplus arguments
/// and arguments in other registers are behaviour that C leaves undefined and that no compiler
/// keeps; but a function that is cast to the type of the call, or defined without a parameter list and declared with
/// one, may take fewer arguments than it gets, and one that is cast may give nothing for a result. Narrow integers are promoted, so their width does not count.
fn compatible(call: &Signature, target: &Signature, cast: bool) -> bool {
    let fixed = target.params.len();
    // A thunk for a variadic library function takes as many words as there are registers.
    let count = call.variadic || if target.variadic || cast { call.params.len() >= fixed } else { call.params.len() == fixed };
    let fits = |a: &Class, b: &Class| fits(a, b, call.variadic);
    let ret = call.ret == Class::Void || cast && target.ret == Class::Void || fits(&call.ret, &target.ret);
    count && ret && call.params.iter().zip(&target.params).all(|(a, b)| fits(a, b))
}

/// Whether a library that calls back with these arguments may enter a function of that type. It may take fewer of them (a handler of
/// signals) or more, which are not there; but none that is passed in another register, or only in part.
fn calls_back(call: &Signature, target: &Signature) -> bool {
    call.params.iter().zip(&target.params).all(|(a, b)| fits(a, b, false))
}

/// Whether an argument of one class may be taken for one of another.
fn fits(a: &Class, b: &Class, variadic: bool) -> bool {
    // Through a variadic type (`fcntl(fd, F_GETFD, 0)` by a pointer) an argument is as wide as
    // what was passed, not as what the function takes.
    let integral = |c: &Class| matches!(c, Class::Pointer | Class::Int(_));
    let wide = |c: &Class| matches!(c, Class::Pointer | Class::Int(5..));
    a == b
        || wide(a) && wide(b)
        || matches!((a, b), (Class::Int(..=4), Class::Int(..=4)))
        || (*a == Class::Aggregate) != (*b == Class::Aggregate)
        || variadic && integral(a) && integral(b)
}
