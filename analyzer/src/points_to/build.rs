//! Constraint generation: functions on demand, one instance at a time, calls bound as they are found.

use super::memory::new_object;
use super::objects::Loc;
use super::solver::{NONE, Node, Slots, Solver, Use};
use super::through::{self, Through};
use super::wrappers::{self, Wrappers};
use super::{Library, ObjectKind, Options, PointsTo, Runs, SiteRef, Target};
use crate::model::{
    Access, Callee, Class, Function, FunctionId, GepStep, GlobalId, InstrKind, Module, Operand, Signature, TypeId, ValueId, assembly,
};
use itarget_annotations::{Kind, VariableKind};
use rustc_hash::{FxHashMap, FxHashSet};
use std::time::Instant;

/// Longest chain of clones.
const MAX_DEPTH: u32 = 12;
/// Objects from clones of one function before it is asked whether cloning it pays.
const ENOUGH_CLONES: usize = 16;
/// Mean number of objects of a pointer from which on wrappers are not cloned.
const MIXED_UP: usize = 16;
/// Mean number of objects below which clones may add what they like; and how many times as many they may lead to otherwise.
const FEW: usize = 12;
const WORSE: usize = 2;
/// How often to start anew for what was learnt of cloning.
const MAX_RESTARTS: usize = 2;
/// Most words of one aggregate value followed.
const MAX_SLOTS: u64 = 16;

/// Analyses a module.
pub(super) fn solve(module: &Module, library: &dyn Library, options: &Options) -> PointsTo {
    let start = Instant::now();
    // Without clones first: where pointers are mixed up even so, clones would only multiply.
    let functions = module.functions.len();
    let mut plain = Builder::new(module, library, options, vec![true; functions]);
    // Functions that only pass pointers on make no objects: their clones cost little.
    for (i, f) in module.functions.iter().enumerate() {
        plain.once[i] = plain.wrappers.alloc[i] || wrappers::may_allocate(module, f, library);
    }
    plain.roots();
    plain.run(None);
    let mean = plain.solver.mean_objects();
    if !options.clone_wrappers || mean > MIXED_UP {
        return super::freeze::freeze(plain, start);
    }
    let mut once = vec![false; functions];
    for restart in 0..=MAX_RESTARTS {
        let mut builder = Builder::new(module, library, options, once.clone());
        builder.roots();
        match builder.run(Some(Patience { mean: mean.max(FEW) * WORSE, restart: restart < MAX_RESTARTS })) {
            Ending::Done => return super::freeze::freeze(builder, start),
            Ending::Hopeless(functions) => functions.into_iter().for_each(|f| once[f.index()] = true),
            Ending::Worse => break,
        }
    }
    super::freeze::freeze(plain, start)
}

/// What clones may cost.
struct Patience {
    /// Mean number of objects of a pointer.
    mean: usize,
    /// It is worth while to start anew without the clones that are of no use.
    restart: bool,
}

/// How solving ends.
enum Ending {
    /// Nothing is left to do.
    Done,
    /// Cloning turned out to be of no use for these functions.
    Hopeless(Vec<FunctionId>),
    /// Clones only multiply what pointers may address.
    Worse,
}

/// An instance being built.
pub(super) struct Inst {
    pub(super) function: FunctionId,
    /// Instance and instruction that it is cloned for.
    pub(super) caller: Option<(u32, u32)>,
    /// Node of the first value.
    pub(super) base: Node,
    /// Node of the result.
    pub(super) ret: Node,
    /// Location of the variable arguments.
    pub(super) varargs: Option<Loc>,
    pub(super) depth: u32,
}

/// A call as it is bound to its targets.
pub(super) struct CallSite {
    /// Instance.
    pub(super) instance: u32,
    /// Instruction.
    pub(super) instr: u32,
    pub(super) args: Vec<Node>,
    /// Constant values of arguments, for annotations by case.
    pub(super) constants: Vec<Option<i64>>,
    pub(super) byval: Vec<u64>,
    pub(super) ret: Node,
    /// `None`: a callback whose arguments are not checked.
    pub(super) signature: Option<Signature>,
    /// Made for a callback of the external called at this site.
    pub(super) callback: bool,
    /// Who runs what it calls.
    pub(super) runs: Runs,
}

/// State of constraint generation.
pub(super) struct Builder<'a> {
    pub(super) module: &'a Module,
    pub(super) library: &'a dyn Library,
    pub(super) options: &'a Options,
    pub(super) solver: Solver<'a>,
    pub(super) instances: Vec<Inst>,
    /// The instance for all other calls, by function.
    pub(super) shared: Vec<Option<u32>>,
    pub(super) wrappers: Wrappers,
    /// By function: it returns nothing but what its arguments lead to.
    pub(super) through: Vec<Option<Through>>,
    pub(super) clones: FxHashMap<(u32, u32, FunctionId), u32>,
    pub(super) pending: Vec<u32>,
    pub(super) calls: Vec<CallSite>,
    pub(super) bound: FxHashSet<(u32, Target)>,
    /// Targets by (instance, instruction).
    pub(super) targets: FxHashMap<(u32, u32), Vec<Target>>,
    /// Callbacks by (instance, instruction).
    pub(super) callbacks: FxHashMap<(u32, u32), Vec<u32>>,
    pub(super) operands: FxHashMap<Operand, Node>,
    pub(super) globals: FxHashMap<GlobalId, u32>,
    /// Code that is not in the module may call what is exported.
    exposed: bool,
    /// Variables that share an object with others, by the layout of their elements.
    pub(super) tables: FxHashMap<GlobalId, TypeId>,
    pub(super) table_of: FxHashMap<(TypeId, bool), u32>,
    pub(super) plain_constants: Option<u32>,
    pub(super) pending_globals: Vec<GlobalId>,
    pub(super) named: FxHashMap<String, u32>,
    pub(super) heap: FxHashMap<(u32, u32, u32), u32>,
    /// The objects of calls in functions that are the same, by the first one's, which one of it, and its size.
    pub(super) twins: FxHashMap<(SiteRef, u32, Option<u64>), u32>,
    /// Objects made in clones of a function.
    pub(super) fresh: FxHashMap<FunctionId, Vec<u32>>,
    /// Wrappers that are not to be cloned, because it was found of no use.
    pub(super) once: Vec<bool>,
    /// Locations the environment keeps by annotation.
    pub(super) retained: Node,
    /// Some unannotated external is called.
    pub(super) unknown_used: bool,
    /// The module mentions functions that nobody annotated.
    pub(super) foreign: bool,
}

impl<'a> Builder<'a> {
    fn new(module: &'a Module, library: &'a dyn Library, options: &'a Options, once: Vec<bool>) -> Self {
        let mut solver = Solver::new(module, options);
        let retained = solver.node();
        let through = if options.clone_wrappers { through::find(module, library) } else { vec![None; module.functions.len()] };
        let wrappers = if options.clone_wrappers {
            wrappers::find(module, library, (&through, !solver.filters.off))
        } else {
            let none = vec![false; module.functions.len()];
            Wrappers { alloc: none.clone(), accessor: none }
        };
        let exposed = exposed(module, library, options);
        let mut builder = Builder {
            exposed,
            module,
            library,
            options,
            solver,
            instances: Vec::new(),
            shared: vec![None; module.functions.len()],
            wrappers,
            through,
            clones: FxHashMap::default(),
            pending: Vec::new(),
            calls: Vec::new(),
            bound: FxHashSet::default(),
            targets: FxHashMap::default(),
            callbacks: FxHashMap::default(),
            operands: FxHashMap::default(),
            globals: FxHashMap::default(),
            tables: super::memory::tables(module, exposed),
            table_of: FxHashMap::default(),
            plain_constants: None,
            pending_globals: Vec::new(),
            named: FxHashMap::default(),
            heap: FxHashMap::default(),
            twins: FxHashMap::default(),
            fresh: FxHashMap::default(),
            once,
            retained,
            unknown_used: false,
            foreign: module.externals.iter().any(|e| !e.name.starts_with("llvm.") && library.function(&e.name).is_none()),
        };
        let unknown = builder.named_object("ext:unknown", ObjectKind::External);
        let loc = builder.solver.loc(unknown, 0);
        let escape = builder.solver.escape;
        builder.solver.add(escape, loc);
        builder
    }

    /// `main` and constructors; without `main` everything exported.
    fn roots(&mut self) {
        let module = self.module;
        let main = module.function("main").filter(|_| !self.options.exported_callable);
        if let Some(main) = main {
            let instance = self.shared_instance(main);
            let arguments = self.arguments();
            for param in 1..module.functions[main.index()].signature.params.len().min(3) {
                let node = self.instances[instance as usize].base + u32::try_from(param).unwrap_or(0);
                self.solver.add(node, arguments);
            }
        }
        if self.exposed {
            for (i, f) in module.functions.iter().enumerate() {
                if f.exported && Some(FunctionId::from(i)) != main {
                    self.called_by_unknown(FunctionId::from(i));
                }
            }
            let exported = module.globals.iter().enumerate().filter(|(_, g)| g.exported);
            let exported: Vec<GlobalId> = exported.map(|(i, _)| GlobalId::from(i)).collect();
            for global in exported {
                let loc = self.global_loc(global, 0);
                let escape = self.solver.escape;
                self.solver.add(escape, loc);
            }
        }
        for global in module.variables_used_outside(|name| self.library.variable(name).map(|v| v.kind != VariableKind::Native)) {
            self.used_outside(global);
        }
        for g in module.globals.iter().filter(|g| matches!(&*g.name, "llvm.global_ctors" | "llvm.global_dtors")) {
            for (_, operand) in &g.init {
                if let Operand::Function(f) = operand {
                    self.shared_instance(*f);
                }
            }
        }
    }

    /// Solves; with `patience`, stops as soon as cloning turns out to be of no use.
    fn run(&mut self, patience: Option<Patience>) -> Ending {
        loop {
            while let Some(instance) = self.pending.pop() {
                self.generate(instance);
            }
            self.solver.solve();
            if let Some(patience) = patience.as_ref().filter(|_| self.solver.looked) {
                if self.solver.mean_objects() > patience.mean {
                    return Ending::Worse;
                }
                let mut hopeless: Vec<FunctionId> = self.fresh.keys().copied().filter(|f| self.is_hopeless(*f)).collect();
                if patience.restart && !hopeless.is_empty() {
                    hopeless.sort_unstable();
                    return Ending::Hopeless(hopeless);
                }
            }
            let mut called = std::mem::take(&mut self.solver.called);
            called.sort_unstable();
            called.dedup();
            let mut escaped = std::mem::take(&mut self.solver.escaped_code);
            escaped.sort_unstable();
            escaped.dedup();
            if called.is_empty() && escaped.is_empty() && self.pending.is_empty() && self.solver.is_done() {
                return Ending::Done;
            }
            for (call, loc) in called {
                self.bind_location(call, loc);
            }
            for loc in escaped {
                let object = self.solver.locs[loc as usize].0;
                if let ObjectKind::Function(f) = self.solver.objects[object as usize].kind {
                    self.called_by_unknown(f);
                }
            }
        }
    }

    /// The node of a constant or of a value of an instance.
    pub(super) fn node_of(&mut self, instance: u32, operand: Operand) -> Node {
        match operand {
            Operand::Local(ValueId(value)) => self.instances[instance as usize].base + value,
            Operand::Null | Operand::Int(_) | Operand::Undef | Operand::Other => NONE,
            _ => self.constant(operand),
        }
    }

    pub(super) fn shared_instance(&mut self, f: FunctionId) -> u32 {
        if let Some(instance) = self.shared[f.index()] {
            return instance;
        }
        let instance = self.new_instance(f, None, 0);
        self.shared[f.index()] = Some(instance);
        instance
    }

    fn new_instance(&mut self, function: FunctionId, caller: Option<(u32, u32)>, depth: u32) -> u32 {
        let id = u32::try_from(self.instances.len()).unwrap_or(u32::MAX);
        let f = &self.module.functions[function.index()];
        let base = self.solver.nodes(f.values() + 1);
        let ret = base + u32::try_from(f.values()).unwrap_or(0);
        self.instances.push(Inst { function, caller, base, ret, varargs: None, depth });
        if f.signature.variadic {
            let object = self.named_object(&format!("varargs:{}#{id}", f.name), ObjectKind::VarArgs(function));
            self.instances[id as usize].varargs = Some(self.solver.loc(object, 0));
        }
        for (i, size) in f.byval.iter().enumerate().filter(|(_, size)| **size > 0) {
            let param = u32::try_from(i).unwrap_or(0);
            let mut object = new_object(ObjectKind::ByVal(function, param), id, format!("{}:param{i}", f.name));
            object.size = Some(*size);
            let object = self.solver.object(object);
            let loc = self.solver.loc(object, 0);
            self.solver.add(base + param, loc);
        }
        self.pending.push(id);
        id
    }

    /// The instance that a call of `f` at this site enters.
    pub(super) fn instance_for(&mut self, call: u32, f: FunctionId) -> u32 {
        let site = &self.calls[call as usize];
        let (from, instr, callback) = (site.instance, site.instr, site.callback);
        let depth = self.instances[from as usize].depth + 1;
        let wanted = if self.wrappers.alloc[f.index()] {
            depth <= MAX_DEPTH
        } else {
            self.wrappers.accessor[f.index()]
        };
        if callback || !wanted || self.once[f.index()] {
            return self.shared_instance(f);
        }
        if let Some(instance) = self.clones.get(&(from, instr, f)) {
            return *instance;
        }
        if self.instances.len() >= self.options.max_instances || self.on_chain(from, f) {
            return self.shared_instance(f);
        }
        if self.is_hopeless(f) {
            return self.shared_instance(f);
        }
        let instance = self.new_instance(f, Some((from, instr)), depth);
        self.clones.insert((from, instr, f), instance);
        instance
    }

    /// Objects of most clones of an allocation wrapper ended up wherever the others did: more of
    /// them would cost much and tell nothing apart.
    fn is_hopeless(&self, f: FunctionId) -> bool {
        let Some(objects) = self.fresh.get(&f) else { return false };
        let popular = objects.iter().filter(|object| self.solver.is_popular(**object)).count();
        objects.len() >= ENOUGH_CLONES && popular > objects.len() / 2
    }

    fn on_chain(&self, mut at: u32, f: FunctionId) -> bool {
        loop {
            let instance = &self.instances[at as usize];
            if instance.function == f {
                return true;
            }
            match instance.caller {
                Some((up, _)) => at = up,
                None => return false,
            }
        }
    }

    fn generate(&mut self, id: u32) {
        let module = self.module;
        let function = self.instances[id as usize].function;
        let f = &module.functions[function.index()];
        for (index, instr) in f.instrs.iter().enumerate() {
            let result = self.instances[id as usize].base + f.value_of(index).0;
            self.instruction(id, f, index, &instr.kind, result, instr.class);
        }
    }

    fn instruction(&mut self, id: u32, f: &'a Function, index: usize, kind: &'a InstrKind, result: Node, class: Class) {
        let at = u32::try_from(index).unwrap_or(u32::MAX);
        // Constants are asked for later even where no pointer moves.
        kind.operands(|operand| {
            if !matches!(operand, Operand::Local(_)) {
                self.node_of(id, operand);
            }
        });
        match kind {
            InstrKind::Alloca { ty, size, array, name } => {
                let function = self.instances[id as usize].function;
                let slot = if name.is_empty() { format!("{}:%{index}", f.name) } else { format!("{}:{name}", f.name) };
                let object = self.typed_object(ObjectKind::Stack(function, at), slot, *ty, *size, *array);
                self.solver.objects[object as usize].instance = id;
                let loc = self.solver.loc(object, 0);
                self.solver.add(result, loc);
            }
            InstrKind::Load { ptr, access } if access.class.carries_pointer() => {
                let ptr = self.found_at(id, index, *ptr);
                self.solver.define(ptr, Use::Load { target: result, slots: slots(access) });
            }
            InstrKind::Store { ptr, value, access } if access.class.carries_pointer() => {
                self.store(id, index, (*ptr, *value), access);
            }
            InstrKind::AtomicRmw { ptr, value, access } | InstrKind::CmpXchg { ptr, value, access, .. }
                if access.class.carries_pointer() =>
            {
                let (ptr, source) = (self.found_at(id, index, *ptr), self.found_at(id, index, *value));
                self.solver.define(ptr, Use::Load { target: result, slots: slots(access) });
                if source != NONE {
                    self.solver.attach(ptr, Use::Store { source, slots: slots(access) });
                }
            }
            InstrKind::Gep { base, steps } => {
                let base = self.found_at(id, index, *base);
                if base != NONE && steps.is_empty() {
                    self.solver.alias(base, result);
                } else if base != NONE {
                    let steps = self.solver.intern(steps);
                    self.solver.define(base, Use::Gep { steps, target: result });
                }
            }
            InstrKind::Copy { from } if class.carries_pointer() && from.len() == 1 => {
                let node = self.found_at(id, index, from[0]);
                self.solver.alias(node, result);
            }
            InstrKind::Copy { from } if class.carries_pointer() => {
                let mut nodes: Vec<Node> = from.iter().map(|operand| self.found_at(id, index, *operand)).collect();
                nodes.retain(|node| *node != NONE);
                self.solver.choice(nodes.into(), result);
            }
            InstrKind::Arith { from, add } if class.carries_pointer() => {
                let step = match add {
                    Some(by) => GepStep::Const(*by),
                    None => GepStep::Pointer { stride: 1 },
                };
                let steps = self.solver.intern(&[step]);
                for operand in from {
                    let node = self.found_at(id, index, *operand);
                    self.solver.attach(node, Use::Gep { steps, target: result });
                }
            }
            InstrKind::MemCopy { dst, src, len, .. } => {
                let (dst, src) = (self.found_at(id, index, *dst), self.found_at(id, index, *src));
                self.solver.memcopy(dst, src, constant_length(*len));
            }
            InstrKind::VaStart { list } => {
                if let Some(loc) = self.instances[id as usize].varargs {
                    let source = self.solver.node();
                    self.solver.add(source, loc);
                    // overflow_arg_area and reg_save_area of the x86-64 va_list.
                    let list = self.node_of(id, *list);
                    for offset in [8, 16] {
                        let at = self.solver.stepped(list, &[GepStep::Const(offset)]);
                        self.solver.attach(at, Use::Store { source, slots: Slots::ONE });
                    }
                }
            }
            InstrKind::VaCopy { dst, src } => {
                let (dst, src) = (self.found_at(id, index, *dst), self.found_at(id, index, *src));
                self.solver.memcopy(dst, src, Some(24));
            }
            InstrKind::VaArg { list } if class.carries_pointer() => {
                let list = self.node_of(id, *list);
                let area = self.solver.stepped(list, &[GepStep::Const(8)]);
                let values = self.solver.node();
                self.solver.define(area, Use::Load { target: values, slots: Slots::ONE });
                self.solver.define(values, Use::Load { target: result, slots: Slots::ONE });
            }
            InstrKind::Ret { value: Some(value) } if f.signature.ret.carries_pointer() => {
                let (node, ret) = (self.found_at(id, index, *value), self.instances[id as usize].ret);
                self.solver.edge(node, ret);
            }
            InstrKind::LandingPad => {
                let escape = self.solver.escape;
                self.solver.edge(escape, result);
            }
            InstrKind::Call(call) => {
                let args: Vec<Node> = call
                    .args
                    .iter()
                    .zip(&call.signature.params)
                    .map(|(a, class)| if class.carries_pointer() { self.found_at(id, index, *a) } else { NONE })
                    .collect();
                let constants =
                    call.args.iter().map(|a| if let Operand::Int(value) = a { Some(*value) } else { None }).collect();
                let site = CallSite {
                    instance: id,
                    instr: at,
                    args,
                    constants,
                    byval: call.byval.clone(),
                    ret: if class.carries_pointer() { result } else { NONE },
                    signature: Some(call.signature.clone()),
                    callback: false,
                    runs: Runs::Caller,
                };
                let number = self.add_call(site);
                match &call.callee {
                    Callee::Function(target) => self.bind(number, *target, true),
                    Callee::External(target) => self.external(number, *target),
                    Callee::Indirect(operand) => match self.found_at(id, index, *operand) {
                        NONE => self.unknown_call(number),
                        node => self.solver.attach(node, Use::Callee(number)),
                    },
                    Callee::Asm { text, .. } => self.assembly(number, assembly::does_nothing(text)),
                }
            }
            // No pointers move, but queries know constant addresses by their nodes.
            InstrKind::Load { ptr, .. }
            | InstrKind::Store { ptr, .. }
            | InstrKind::AtomicRmw { ptr, .. }
            | InstrKind::CmpXchg { ptr, .. }
            | InstrKind::MemSet { dst: ptr, .. } => {
                self.node_of(id, *ptr);
            }
            _ => {}
        }
    }

}

/// Whether code that is not in the module may call its exported functions and use its exported variables.
fn exposed(module: &Module, library: &dyn Library, options: &Options) -> bool {
    // A program that loads code can be called from that code, unless a recording ends there: at the call, or (`runtime`) where it succeeds.
    let dynamic = ["dlopen", "dlmopen"].iter().any(|name| {
        let ends = library.function(name).is_some_and(|f| matches!(f.kind, Kind::Refuse | Kind::Runtime));
        module.external(name).is_some() && !ends
    });
    options.exported_callable || module.function("main").is_none() || dynamic || module.module_asm
}

pub(super) fn slots(access: &Access) -> Slots {
    let count = if access.class == Class::Aggregate { (access.size / 8).clamp(1, MAX_SLOTS) } else { 1 };
    let narrow = |n: u64| u16::try_from(n).unwrap_or(u16::MAX);
    Slots { count: narrow(count), size: narrow(access.size), declared: access.declared, record: access.record, member: access.member.filter(|_| count == 1) }
}

fn constant_length(len: Operand) -> Option<u64> {
    match len {
        Operand::Int(len) => u64::try_from(len).ok(),
        _ => None,
    }
}
