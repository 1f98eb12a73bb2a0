//! Constraint generation: functions on demand, one instance at a time, calls bound as they are found.

use super::objects::{Loc, Obj, Region};
use super::solver::{NONE, Node, Solver, Use};
use super::wrappers::{self, Wrappers};
use super::{Library, ObjectKind, Options, PointsTo, SiteRef, Target};
use crate::model::{
    Callee, Class, ExternalId, ExternalVariableId, Function, FunctionId, GepStep, GlobalId, InstrKind, Module,
    Operand, Signature, Type, TypeId, ValueId,
};
use itarget_annotations::Kind;
use rustc_hash::{FxHashMap, FxHashSet};
use std::time::Instant;

/// Longest chain of clones.
const MAX_DEPTH: u32 = 12;
/// Objects from clones of one function before it is asked whether cloning it pays.
const ENOUGH_CLONES: usize = 16;
/// Mean number of objects of a pointer from which on wrappers are not cloned.
const MIXED_UP: usize = 100;
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
    plain.roots();
    plain.run(false);
    if !options.clone_wrappers || plain.solver.mean_objects() > MIXED_UP {
        return super::freeze::freeze(plain, start);
    }
    let mut once = vec![false; functions];
    for restart in 0..=MAX_RESTARTS {
        let mut builder = Builder::new(module, library, options, once.clone());
        builder.roots();
        let hopeless = builder.run(restart < MAX_RESTARTS);
        if hopeless.is_empty() {
            return super::freeze::freeze(builder, start);
        }
        for f in hopeless {
            once[f.index()] = true;
        }
    }
    super::freeze::freeze(plain, start)
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
    varargs: Option<Loc>,
    depth: u32,
}

/// A call as it is bound to its targets.
pub(super) struct CallSite {
    /// Instance.
    pub(super) instance: u32,
    /// Instruction.
    pub(super) instr: u32,
    args: Vec<Node>,
    /// Constant values of arguments, for annotations by case.
    pub(super) constants: Vec<Option<i64>>,
    byval: Vec<u64>,
    ret: Node,
    /// `None`: a callback, whose arguments are not checked.
    signature: Option<Signature>,
    /// Made for a callback of the external called at this site.
    callback: bool,
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
    wrappers: Wrappers,
    clones: FxHashMap<(u32, u32, FunctionId), u32>,
    pending: Vec<u32>,
    pub(super) calls: Vec<CallSite>,
    bound: FxHashSet<(u32, Target)>,
    /// Targets by (instance, instruction).
    pub(super) targets: FxHashMap<(u32, u32), Vec<Target>>,
    /// Callbacks by (instance, instruction).
    pub(super) callbacks: FxHashMap<(u32, u32), Vec<u32>>,
    pub(super) operands: FxHashMap<Operand, Node>,
    globals: FxHashMap<GlobalId, u32>,
    plain_constants: Option<u32>,
    pending_globals: Vec<GlobalId>,
    named: FxHashMap<String, u32>,
    heap: FxHashMap<(u32, u32, u32), u32>,
    /// Objects made in clones of a function.
    fresh: FxHashMap<FunctionId, Vec<u32>>,
    /// Wrappers that are not to be cloned, because it was found of no use.
    once: Vec<bool>,
    /// Locations the environment keeps by annotation.
    pub(super) retained: Node,
    /// Some unannotated external is called.
    unknown_used: bool,
    /// The module mentions functions that nobody annotated.
    foreign: bool,
}

impl<'a> Builder<'a> {
    fn new(module: &'a Module, library: &'a dyn Library, options: &'a Options, once: Vec<bool>) -> Self {
        let mut solver = Solver::new(&module.types, options);
        let retained = solver.node();
        let wrappers = if options.clone_wrappers {
            wrappers::find(module, library)
        } else {
            let none = vec![false; module.functions.len()];
            Wrappers { alloc: none.clone(), accessor: none }
        };
        let mut builder = Builder {
            module,
            library,
            options,
            solver,
            instances: Vec::new(),
            shared: vec![None; module.functions.len()],
            wrappers,
            clones: FxHashMap::default(),
            pending: Vec::new(),
            calls: Vec::new(),
            bound: FxHashSet::default(),
            targets: FxHashMap::default(),
            callbacks: FxHashMap::default(),
            operands: FxHashMap::default(),
            globals: FxHashMap::default(),
            plain_constants: None,
            pending_globals: Vec::new(),
            named: FxHashMap::default(),
            heap: FxHashMap::default(),
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
        // A program that loads code can be called from that code, unless loading is refused.
        let dynamic = ["dlopen", "dlmopen"].iter().any(|name| {
            let refused = self.library.function(name).is_some_and(|f| f.kind == Kind::Refuse);
            module.external(name).is_some() && !refused
        });
        let main = module.function("main").filter(|_| !self.options.exported_callable);
        if let Some(main) = main {
            let instance = self.shared_instance(main);
            let arguments = self.arguments();
            for param in 1..module.functions[main.index()].signature.params.len().min(3) {
                let node = self.instances[instance as usize].base + u32::try_from(param).unwrap_or(0);
                self.solver.add(node, arguments);
            }
        }
        if main.is_none() || dynamic || module.module_asm {
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
        for g in module.globals.iter().filter(|g| matches!(&*g.name, "llvm.global_ctors" | "llvm.global_dtors")) {
            for (_, operand) in &g.init {
                if let Operand::Function(f) = operand {
                    self.shared_instance(*f);
                }
            }
        }
    }

    /// Location of the vectors that `main` gets: they hold pointers to strings.
    fn arguments(&mut self) -> Loc {
        let vector = self.named_object("argv", ObjectKind::Arguments);
        let strings = self.named_object("argv:strings", ObjectKind::Arguments);
        let string = self.solver.loc(strings, 0);
        let contents = self.solver.contents(vector, 0);
        self.solver.add(contents, string);
        self.solver.loc(vector, 0)
    }

    /// Solves; if `choosy`, stops as soon as cloning turns out to be of no use for some functions,
    /// and returns these.
    fn run(&mut self, choosy: bool) -> Vec<FunctionId> {
        loop {
            while let Some(instance) = self.pending.pop() {
                self.generate(instance);
            }
            self.solver.solve();
            if choosy && self.solver.looked {
                let mut hopeless: Vec<FunctionId> = self.fresh.keys().copied().filter(|f| self.is_hopeless(*f)).collect();
                if !hopeless.is_empty() {
                    hopeless.sort_unstable();
                    return hopeless;
                }
            }
            let mut called = std::mem::take(&mut self.solver.called);
            called.sort_unstable();
            called.dedup();
            let mut escaped = std::mem::take(&mut self.solver.escaped_code);
            escaped.sort_unstable();
            escaped.dedup();
            if called.is_empty() && escaped.is_empty() && self.pending.is_empty() && self.solver.is_done() {
                return Vec::new();
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

    fn called_by_unknown(&mut self, f: FunctionId) {
        let instance = self.shared_instance(f);
        let (base, ret) = (self.instances[instance as usize].base, self.instances[instance as usize].ret);
        let escape = self.solver.escape;
        for (i, class) in self.module.functions[f.index()].signature.params.iter().enumerate() {
            if class.carries_pointer() {
                self.solver.edge(escape, base + u32::try_from(i).unwrap_or(0));
            }
        }
        self.solver.edge(ret, escape);
    }

    /// The object with that name.
    pub(super) fn named_object(&mut self, name: &str, kind: ObjectKind) -> u32 {
        if let Some(id) = self.named.get(name) {
            return *id;
        }
        let one = Region { start: 0, end: u64::MAX, stride: 1 };
        let mut object = new_object(kind, 0, name.to_owned());
        if matches!(kind, ObjectKind::External | ObjectKind::Arguments | ObjectKind::VarArgs(_) | ObjectKind::Copy) {
            object.regions.push(one);
            object.flat = true;
        }
        let id = self.solver.object(object);
        self.named.insert(name.to_owned(), id);
        if kind == ObjectKind::External {
            // What it points to is the environment's too.
            let loc = self.solver.loc(id, 0);
            let contents = self.solver.contents(id, 0);
            self.solver.add(contents, loc);
            if self.unknown_used {
                let escape = self.solver.escape;
                self.solver.add(escape, loc);
            }
        }
        id
    }

    fn unknown_external(&mut self) {
        if self.unknown_used {
            return;
        }
        self.unknown_used = true;
        let escape = self.solver.escape;
        for object in 0..u32::try_from(self.solver.objects.len()).unwrap_or(0) {
            if self.solver.objects[object as usize].kind == ObjectKind::External {
                let loc = self.solver.loc(object, 0);
                self.solver.add(escape, loc);
            }
        }
        let retained = self.retained;
        self.solver.edge(retained, escape);
    }

    /// An object with a declared layout.
    fn typed_object(&mut self, kind: ObjectKind, name: String, ty: TypeId, size: Option<u64>, array: bool) -> u32 {
        let mut object = new_object(kind, 0, name);
        object.size = size;
        object.ty = Some(ty);
        let element = self.module.types.size(ty);
        if array && element > 0 {
            object.regions.push(Region { start: 0, end: u64::MAX, stride: element });
        }
        let arrays = self.module.types.arrays(ty);
        object.flat = match self.module.types.get(ty) {
            _ if array => element == 1,
            Type::Scalar(size) => *size <= 8,
            Type::Array(_, stride, _) => *stride == 1,
            Type::Struct(..) => false,
        };
        object.regions.extend(arrays.into_iter().map(|(start, end, stride)| Region { start, end, stride }));
        self.solver.object(object)
    }

    fn global_loc(&mut self, id: GlobalId, offset: i64) -> Loc {
        let object = match self.globals.get(&id) {
            Some(object) => *object,
            None => {
                let g = &self.module.globals[id.index()];
                if g.constant && g.init.is_empty() {
                    return self.plain_constant(id);
                }
                let object = self.typed_object(ObjectKind::Global(id), g.name.clone(), g.ty, Some(g.size), false);
                self.solver.objects[object as usize].constant = g.constant;
                self.globals.insert(id, object);
                self.pending_globals.push(id);
                object
            }
        };
        self.solver.loc(object, u64::try_from(offset).unwrap_or(0))
    }

    /// Constants without pointers (texts, tables of numbers) are one object: what is read there
    /// is the same in every run, and which of them it was is of no use to anyone.
    fn plain_constant(&mut self, id: GlobalId) -> Loc {
        let object = match self.plain_constants {
            Some(object) => object,
            None => {
                let mut object = new_object(ObjectKind::Global(id), 0, "constants".to_owned());
                object.constant = true;
                object.flat = true;
                object.regions.push(Region { start: 0, end: u64::MAX, stride: 1 });
                *self.plain_constants.insert(self.solver.object(object))
            }
        };
        self.solver.loc(object, 0)
    }

    fn variable_loc(&mut self, id: ExternalVariableId, offset: i64) -> Loc {
        let v = &self.module.external_variables[id.index()];
        let name = format!("extvar:{}", v.name);
        if let Some(object) = self.named.get(&name) {
            return self.solver.loc(*object, u64::try_from(offset).unwrap_or(0));
        }
        let object = self.typed_object(ObjectKind::ExternalVariable(id), name.clone(), v.ty, v.size, false);
        self.named.insert(name, object);
        let target = self.named_object(&format!("ext:{}", v.name), ObjectKind::External);
        let (loc, anywhere) = (self.solver.loc(target, 0), self.solver.any_in(object));
        self.solver.add(anywhere, loc);
        let own = self.solver.loc(object, 0);
        match self.library.variable(&v.name) {
            None => {
                let escape = self.solver.escape;
                self.solver.add(escape, own);
            }
            Some(_) if matches!(&*v.name, "environ" | "__environ" | "_environ") => {
                let vector = self.arguments();
                self.solver.add(anywhere, vector);
            }
            Some(_) => {}
        }
        self.solver.loc(object, u64::try_from(offset).unwrap_or(0))
    }

    fn code_loc(&mut self, kind: ObjectKind, name: &str) -> Loc {
        let name = format!("code:{name}");
        let object = match self.named.get(&name) {
            Some(object) => *object,
            None => {
                let object = self.solver.object(new_object(kind, 0, name.clone()));
                self.named.insert(name, object);
                object
            }
        };
        self.solver.loc(object, 0)
    }

    /// The node of a constant or of a value of an instance.
    pub(super) fn node_of(&mut self, instance: u32, operand: Operand) -> Node {
        match operand {
            Operand::Local(ValueId(value)) => self.instances[instance as usize].base + value,
            Operand::Null | Operand::Int(_) | Operand::Undef | Operand::Other => NONE,
            _ => self.constant(operand),
        }
    }

    fn constant(&mut self, operand: Operand) -> Node {
        if let Some(node) = self.operands.get(&operand) {
            return *node;
        }
        let node = self.solver.node();
        self.operands.insert(operand, node);
        self.add_address(node, operand);
        self.initialise();
        node
    }

    fn add_address(&mut self, node: Node, operand: Operand) {
        let module = self.module;
        match operand {
            Operand::Global(id, offset) => {
                let loc = self.global_loc(id, offset);
                self.solver.add(node, loc);
            }
            Operand::ExternalVariable(id, offset) => {
                let loc = self.variable_loc(id, offset);
                self.solver.add(node, loc);
            }
            Operand::Function(id) => {
                let loc = self.code_loc(ObjectKind::Function(id), &module.functions[id.index()].name);
                self.solver.add(node, loc);
            }
            Operand::External(id) => {
                let loc = self.code_loc(ObjectKind::ExternalFunction(id), &module.externals[id.index()].name);
                self.solver.add(node, loc);
            }
            Operand::Any(list) => {
                for one in &module.lists[list.index()] {
                    self.add_address(node, *one);
                }
            }
            _ => {}
        }
    }

    /// Fills in the initialisers of globals met for the first time.
    fn initialise(&mut self) {
        while let Some(id) = self.pending_globals.pop() {
            let object = self.globals[&id];
            for (offset, operand) in &self.module.globals[id.index()].init {
                let contents = self.solver.contents(object, *offset);
                self.add_address(contents, *operand);
            }
        }
    }

    fn shared_instance(&mut self, f: FunctionId) -> u32 {
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
    fn instance_for(&mut self, call: u32, f: FunctionId) -> u32 {
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
                let ptr = self.node_of(id, *ptr);
                self.solver.define(ptr, Use::Load { target: result, slots: slots(access.class, access.size) });
            }
            InstrKind::Store { ptr, value, access } if access.class.carries_pointer() => {
                let (ptr, source) = (self.node_of(id, *ptr), self.node_of(id, *value));
                if source != NONE {
                    self.solver.attach(ptr, Use::Store { source, slots: slots(access.class, access.size) });
                }
            }
            InstrKind::AtomicRmw { ptr, value, access } | InstrKind::CmpXchg { ptr, value, access, .. }
                if access.class.carries_pointer() =>
            {
                let (ptr, source) = (self.node_of(id, *ptr), self.node_of(id, *value));
                self.solver.define(ptr, Use::Load { target: result, slots: 1 });
                if source != NONE {
                    self.solver.attach(ptr, Use::Store { source, slots: 1 });
                }
            }
            InstrKind::Gep { base, steps } => {
                let base = self.node_of(id, *base);
                if base != NONE && steps.is_empty() {
                    self.solver.alias(base, result);
                } else if base != NONE {
                    let steps = self.solver.intern(steps);
                    self.solver.define(base, Use::Gep { steps, target: result });
                }
            }
            InstrKind::Copy { from } if class.carries_pointer() && from.len() == 1 => {
                let node = self.node_of(id, from[0]);
                self.solver.alias(node, result);
            }
            InstrKind::Copy { from } if class.carries_pointer() => {
                let mut nodes: Vec<Node> = from.iter().map(|operand| self.node_of(id, *operand)).collect();
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
                    let node = self.node_of(id, *operand);
                    self.solver.attach(node, Use::Gep { steps, target: result });
                }
            }
            InstrKind::MemCopy { dst, src, len, .. } => {
                let (dst, src) = (self.node_of(id, *dst), self.node_of(id, *src));
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
                        self.solver.attach(at, Use::Store { source, slots: 1 });
                    }
                }
            }
            InstrKind::VaCopy { dst, src } => {
                let (dst, src) = (self.node_of(id, *dst), self.node_of(id, *src));
                self.solver.memcopy(dst, src, Some(24));
            }
            InstrKind::VaArg { list } if class.carries_pointer() => {
                let list = self.node_of(id, *list);
                let area = self.solver.stepped(list, &[GepStep::Const(8)]);
                let values = self.solver.node();
                self.solver.define(area, Use::Load { target: values, slots: 1 });
                self.solver.define(values, Use::Load { target: result, slots: 1 });
            }
            InstrKind::Ret { value: Some(value) } if f.signature.ret.carries_pointer() => {
                let (node, ret) = (self.node_of(id, *value), self.instances[id as usize].ret);
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
                    .map(|(a, class)| if class.carries_pointer() { self.node_of(id, *a) } else { NONE })
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
                };
                let number = self.add_call(site);
                match &call.callee {
                    Callee::Function(target) => self.bind(number, *target, true),
                    Callee::External(target) => self.external(number, *target),
                    Callee::Indirect(operand) => match self.node_of(id, *operand) {
                        NONE => self.unknown_call(number),
                        node => self.solver.attach(node, Use::Callee(number)),
                    },
                    Callee::Asm { .. } => self.escape_args(number),
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

    fn add_call(&mut self, site: CallSite) -> u32 {
        let number = u32::try_from(self.calls.len()).unwrap_or(u32::MAX);
        self.calls.push(site);
        number
    }

    fn record(&mut self, call: u32, target: Target) -> bool {
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
    fn bind_location(&mut self, call: u32, loc: Loc) {
        let object = self.solver.locs[loc as usize].0;
        match self.solver.objects[object as usize].kind {
            ObjectKind::Function(f) => {
                let fits = match &self.calls[call as usize].signature {
                    Some(signature) if self.options.match_signatures => {
                        compatible(signature, &self.module.functions[f.index()].signature)
                    }
                    _ => true,
                };
                if fits {
                    self.bind(call, f, false);
                }
            }
            ObjectKind::ExternalFunction(e) => {
                let fits = match &self.calls[call as usize].signature {
                    Some(signature) if self.options.match_signatures => {
                        compatible(signature, &self.module.externals[e.index()].signature)
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

    /// Whether memory of the environment may stand for code. What annotated functions hand out is
    /// data, but for those that hand out functions: what was loaded by name, what unannotated code
    /// returned, and signal handlers, which are the program's own unless other code installs some.
    fn holds_code(&self, object: u32) -> bool {
        let name = self.solver.objects[object as usize].name.as_str();
        match name.split_once(':').map_or(name, |(_, name)| name) {
            "unknown" | "dlsym" | "dlvsym" | "error_print_progname" => true,
            "signal" => self.foreign,
            other => self.library.function(other).is_none() && self.module.external(other).is_some()
                || self.library.variable(other).is_none() && self.is_external_variable(other),
        }
    }

    fn is_external_variable(&self, name: &str) -> bool {
        self.module.external_variables.iter().any(|v| v.name == name)
    }

    /// Binds a call to a function; `direct`: it has no other callee.
    fn bind(&mut self, call: u32, f: FunctionId, direct: bool) {
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
                        self.solver.attach(out, Use::Load { target: any, slots: 1 });
                    }
                    self.solver.edge(*arg, contents);
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
        if direct {
            self.solver.alias(ret, result);
        } else {
            self.solver.edge(ret, result);
        }
    }

    fn escape_args(&mut self, call: u32) {
        self.unknown_external();
        let escape = self.solver.escape;
        let (args, ret) = (self.calls[call as usize].args.clone(), self.calls[call as usize].ret);
        for arg in args {
            self.solver.edge(arg, escape);
        }
        self.solver.edge(escape, ret);
    }

    fn unknown_call(&mut self, call: u32) {
        if self.record(call, Target::Unknown) {
            self.escape_args(call);
        }
    }

    fn external(&mut self, call: u32, e: ExternalId) {
        if !self.record(call, Target::External(e)) {
            return;
        }
        let external = &self.module.externals[e.index()];
        match self.library.function(&external.name) {
            Some(annotation) => self.annotated(call, annotation),
            None => self.unannotated(call, e),
        }
    }

    fn unannotated(&mut self, call: u32, e: ExternalId) {
        let external = &self.module.externals[e.index()];
        let known = &external.attributes;
        let site = &self.calls[call as usize];
        let (args, ret) = (site.args.clone(), site.ret);
        let mut captured = false;
        let escape = self.solver.escape;
        for (i, arg) in args.iter().enumerate() {
            let quiet = known.readonly
                || known.nocapture.get(i) == Some(&true) && known.param_readonly.get(i) == Some(&true);
            if !quiet && *arg != NONE {
                captured = true;
                self.solver.edge(*arg, escape);
            } else if ret != NONE && known.returned.is_none() && known.nocapture.get(i) != Some(&true) {
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
                let site_ref = SiteRef { function: f, ordinal: instr.ordinal.unwrap_or(u32::MAX) };
                let mut object = new_object(ObjectKind::Heap(site_ref), site.instance, String::new());
                object.size = self.allocation_size(call);
                let object = self.solver.object(object);
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

    /// Constant size of an allocation by a direct call of `malloc` or `calloc`.
    fn allocation_size(&self, call: u32) -> Option<u64> {
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

    /// Lets an external call a function pointer with these arguments.
    pub(super) fn call_back(&mut self, call: u32, function: Node, args: Vec<Node>) {
        let (instance, instr) = (self.calls[call as usize].instance, self.calls[call as usize].instr);
        let constants = vec![None; args.len()];
        let site = CallSite {
            instance,
            instr,
            args,
            constants,
            byval: Vec::new(),
            ret: NONE,
            signature: None,
            callback: true,
        };
        let number = self.add_call(site);
        self.solver.attach(function, Use::Callee(number));
    }

    /// The external variable of that name, if the module has it.
    pub(super) fn variable(&mut self, name: &str) -> Option<Loc> {
        let index = self.module.external_variables.iter().position(|v| v.name == name)?;
        Some(self.variable_loc(ExternalVariableId::from(index), 0))
    }
}

/// An object without layout.
fn new_object(kind: ObjectKind, instance: u32, name: String) -> Obj {
    Obj {
        kind,
        instance,
        name,
        size: None,
        constant: matches!(kind, ObjectKind::Function(_) | ObjectKind::ExternalFunction(_)),
        flat: matches!(kind, ObjectKind::Function(_) | ObjectKind::ExternalFunction(_)),
        ty: None,
        regions: Vec::new(),
        locs: FxHashMap::default(),
        offsets: Vec::new(),
        block: None,
        any_out: None,
        any_in: None,
        copies: Vec::new(),
    }
}

fn slots(class: Class, size: u64) -> u32 {
    if class == Class::Aggregate { u32::try_from((size / 8).clamp(1, MAX_SLOTS)).unwrap_or(1) } else { 1 }
}

fn constant_length(len: Operand) -> Option<u64> {
    match len {
        Operand::Int(len) => u64::try_from(len).ok(),
        _ => None,
    }
}

/// Whether a call of this type may enter a function of that type. Missing and surplus arguments
/// and arguments in other registers are behaviour that C leaves undefined and that no compiler
/// keeps; narrow integers are promoted, so their width does not count.
fn compatible(call: &Signature, target: &Signature) -> bool {
    let fixed = target.params.len();
    let count = if target.variadic || call.variadic { call.params.len() >= fixed } else { call.params.len() == fixed };
    let fits = |a: &Class, b: &Class| {
        let wide = |c: &Class| matches!(c, Class::Pointer | Class::Int(5..));
        a == b
            || wide(a) && wide(b)
            || matches!((a, b), (Class::Int(..=4), Class::Int(..=4)))
            || (*a == Class::Aggregate) != (*b == Class::Aggregate)
    };
    let ret = call.ret == Class::Void || fits(&call.ret, &target.ret);
    count && ret && call.params.iter().zip(&target.params).all(|(a, b)| fits(a, b))
}
