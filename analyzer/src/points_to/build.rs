//! Object-level inclusion-based analysis (Andersen 1994), call graph on the fly, wrappers cloned.
//!
//! Every abstract object is one cell. Copy edges, loads and stores are closed over a worklist with
//! difference propagation; cycles of copy edges are collapsed from time to time (Tarjan 1972).

use super::*;
use crate::model::{Call, Callee, Function, InstrKind, ValueId};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;

/// Most instructions of a function that is cloned as an allocation wrapper.
const WRAPPER_SIZE: usize = 80;
/// Longest chain of cloned wrappers.
const DEPTH: usize = 3;

/// A call through a pointer, or of a callback.
#[derive(Clone)]
struct Indirect {
    instance: InstanceId,
    ordinal: Option<u32>,
    args: Vec<u32>,
    result: Option<u32>,
    variadic: bool,
    call: Option<Box<Call>>,
    callback_of: Option<u32>,
}

#[derive(Default)]
struct Node {
    pts: Vec<u32>,
    fresh: Vec<u32>,
    succ: Vec<u32>,
    loads: Vec<u32>,
    stores: Vec<u32>,
    calls: Vec<u32>,
    queued: bool,
}

pub(super) struct Solver<'a> {
    module: &'a Module,
    library: &'a dyn Library,
    options: &'a Options,
    nodes: Vec<Node>,
    parent: Vec<u32>,
    edges: FxHashSet<(u32, u32)>,
    queue: std::collections::VecDeque<u32>,
    indirect: Vec<Indirect>,
    wired: FxHashSet<(u32, u32)>,
    objects: Vec<AbstractObject>,
    contents: Vec<u32>,
    address: FxHashMap<u32, u32>,
    by_kind: FxHashMap<ObjectKind, u32>,
    by_name: BTreeMap<String, u32>,
    heap: FxHashMap<(SiteRef, u32), u32>,
    instances: Vec<Instance>,
    base: Vec<u32>,
    first: Vec<Option<u32>>,
    of_function: Vec<Vec<InstanceId>>,
    built: Vec<bool>,
    todo: Vec<u32>,
    wrapper: Vec<bool>,
    depth: Vec<usize>,
    callees: BTreeMap<(u32, u32), Vec<Target>>,
    callbacks: BTreeMap<(u32, u32), Vec<InstanceId>>,
    escape: u32,
    escaped_contents: FxHashSet<u32>,
    constraints: usize,
}

/// Analyses a module.
pub(super) fn solve(module: &Module, library: &dyn Library, options: &Options) -> PointsTo {
    let start = std::time::Instant::now();
    let n = module.functions.len();
    let mut s = Solver {
        module,
        library,
        options,
        nodes: vec![],
        parent: vec![],
        edges: FxHashSet::default(),
        queue: Default::default(),
        indirect: vec![],
        wired: FxHashSet::default(),
        objects: vec![],
        contents: vec![],
        address: FxHashMap::default(),
        by_kind: FxHashMap::default(),
        by_name: BTreeMap::new(),
        heap: FxHashMap::default(),
        instances: vec![],
        base: vec![],
        first: vec![None; n],
        of_function: vec![vec![]; n],
        built: vec![],
        todo: vec![],
        wrapper: vec![false; n],
        depth: vec![],
        callees: BTreeMap::new(),
        callbacks: BTreeMap::new(),
        escape: 0,
        escaped_contents: FxHashSet::default(),
        constraints: 0,
    };
    s.escape = s.node();
    let unknown = s.external_object("unknown");
    s.add(s.escape, unknown);
    s.find_wrappers();
    s.program();
    s.run();
    s.freeze(start.elapsed().as_secs_f64())
}

impl Solver<'_> {
    fn node(&mut self) -> u32 {
        self.nodes.push(Node::default());
        let id = self.parent.len() as u32;
        self.parent.push(id);
        id
    }

    fn find(&mut self, mut n: u32) -> u32 {
        while self.parent[n as usize] != n {
            let up = self.parent[self.parent[n as usize] as usize];
            self.parent[n as usize] = up;
            n = up;
        }
        n
    }

    fn enqueue(&mut self, n: u32) {
        if !self.nodes[n as usize].queued {
            self.nodes[n as usize].queued = true;
            self.queue.push_back(n);
        }
    }

    fn add(&mut self, n: u32, object: u32) {
        let n = self.find(n);
        if self.nodes[n as usize].pts.binary_search(&object).is_err() {
            self.nodes[n as usize].fresh.push(object);
            self.enqueue(n);
        }
    }

    fn edge(&mut self, from: u32, to: u32) {
        let (from, to) = (self.find(from), self.find(to));
        if from == to || !self.edges.insert((from, to)) {
            return;
        }
        self.constraints += 1;
        self.nodes[from as usize].succ.push(to);
        let all = self.nodes[from as usize].pts.clone();
        self.push(to, &all);
    }

    fn push(&mut self, to: u32, objects: &[u32]) {
        if objects.is_empty() {
            return;
        }
        let node = &mut self.nodes[to as usize];
        let mut any = false;
        for o in objects {
            if node.pts.binary_search(o).is_err() {
                node.fresh.push(*o);
                any = true;
            }
        }
        if any {
            self.enqueue(to);
        }
    }

    fn load(&mut self, pointer: u32, to: u32) {
        self.constraints += 1;
        let p = self.find(pointer);
        self.nodes[p as usize].loads.push(to);
        for o in self.nodes[p as usize].pts.clone() {
            let c = self.contents[o as usize];
            self.edge(c, to);
        }
    }

    fn store(&mut self, from: u32, pointer: u32) {
        self.constraints += 1;
        let p = self.find(pointer);
        self.nodes[p as usize].stores.push(from);
        for o in self.nodes[p as usize].pts.clone() {
            let c = self.contents[o as usize];
            self.edge(from, c);
        }
    }

    fn object(&mut self, kind: ObjectKind, name: String, size: Option<u64>, chain: Vec<SiteRef>, at: Option<Location>) -> u32 {
        let id = self.objects.len() as u32;
        let mut unique = name.clone();
        let mut k = 1;
        while self.by_name.contains_key(&unique) {
            k += 1;
            unique = format!("{name}#{k}");
        }
        self.by_name.insert(unique.clone(), id);
        self.objects.push(AbstractObject { kind, name: unique, size, chain, at, stride: 0, fields: (FieldId(id), FieldId(id + 1)) });
        let c = self.node();
        self.contents.push(c);
        id
    }

    fn kind_object(&mut self, kind: ObjectKind, make: impl FnOnce(&Module) -> (String, Option<u64>, Option<Location>)) -> u32 {
        if let Some(o) = self.by_kind.get(&kind) {
            return *o;
        }
        let (name, size, at) = make(self.module);
        let o = self.object(kind, name, size, vec![], at);
        self.by_kind.insert(kind, o);
        match kind {
            ObjectKind::Global(g) => {
                let c = self.contents[o as usize];
                for (_, v) in self.module.globals[g.index()].init.clone() {
                    if let Some(n) = self.operand(0, v) {
                        self.edge(n, c);
                    }
                }
            }
            ObjectKind::Arguments => {
                let c = self.contents[o as usize];
                self.add(c, o);
            }
            _ => {}
        }
        o
    }

    fn external_object(&mut self, name: &str) -> u32 {
        let full = format!("ext:{name}");
        if let Some(o) = self.by_name.get(&full) {
            return *o;
        }
        let o = self.object(ObjectKind::External, full, None, vec![], None);
        let c = self.contents[o as usize];
        self.add(c, o);
        o
    }

    fn copy_object(&mut self, name: &str) -> u32 {
        let full = format!("copy:{name}");
        if let Some(o) = self.by_name.get(&full) {
            return *o;
        }
        let o = self.object(ObjectKind::Copy, full, None, vec![], None);
        let e = self.external_object(name);
        let c = self.contents[o as usize];
        self.add(c, e);
        o
    }

    /// A node whose only pointer is to `object`.
    fn address(&mut self, object: u32) -> u32 {
        if let Some(n) = self.address.get(&object) {
            return *n;
        }
        let n = self.node();
        self.add(n, object);
        self.address.insert(object, n);
        n
    }

    fn operand(&mut self, instance: u32, operand: Operand) -> Option<u32> {
        let object = match operand {
            Operand::Local(v) => return Some(self.base[instance as usize] + v.0),
            Operand::Global(g, _) => self.kind_object(ObjectKind::Global(g), |m| {
                let x = &m.globals[g.index()];
                (x.name.clone(), Some(x.size), x.at)
            }),
            Operand::ExternalVariable(v, _) => {
                let o = self.kind_object(ObjectKind::ExternalVariable(v), |m| {
                    let x = &m.external_variables[v.index()];
                    (format!("extvar:{}", x.name), x.size, None)
                });
                let c = self.contents[o as usize];
                let name = self.module.external_variables[v.index()].name.clone();
                let own = if matches!(name.as_str(), "environ" | "__environ" | "optarg") {
                    self.kind_object(ObjectKind::Arguments, |_| ("argv".into(), None, None))
                } else {
                    self.external_object(&name)
                };
                self.add(c, own);
                o
            }
            Operand::Function(f) => self.kind_object(ObjectKind::Function(f), |m| (format!("fn:{}", m.functions[f.index()].name), None, None)),
            Operand::External(e) => self.kind_object(ObjectKind::ExternalFunction(e), |m| (format!("fn:{}", m.externals[e.index()].name), None, None)),
            Operand::Any(list) => {
                let n = self.node();
                for o in self.module.lists[list.index()].clone() {
                    if let Some(from) = self.operand(instance, o) {
                        self.edge(from, n);
                    }
                }
                return Some(n);
            }
            Operand::Null | Operand::Int(_) | Operand::Undef | Operand::Other => return None,
        };
        Some(self.address(object))
    }

    /// Functions that return what an allocation (or another wrapper) gave them.
    fn find_wrappers(&mut self) {
        if !self.options.clone_wrappers {
            return;
        }
        let module = self.module;
        for _ in 0..DEPTH {
            for (i, f) in module.functions.iter().enumerate() {
                if self.wrapper[i] || f.instrs.len() > WRAPPER_SIZE || f.signature.ret != crate::model::Class::Pointer {
                    continue;
                }
                self.wrapper[i] = self.returns_allocation(f);
            }
        }
    }

    fn returns_allocation(&self, f: &Function) -> bool {
        let mut seen = FxHashSet::default();
        let mut todo: Vec<ValueId> = vec![];
        let visit = |o: &Operand, todo: &mut Vec<ValueId>| {
            if let Operand::Local(v) = o {
                todo.push(*v);
            }
        };
        for i in &f.instrs {
            if let InstrKind::Ret { value: Some(v) } = &i.kind {
                visit(v, &mut todo);
            }
        }
        while let Some(v) = todo.pop() {
            if !seen.insert(v) {
                continue;
            }
            let Some(k) = f.instr_of(v) else { continue };
            match &f.instrs[k].kind {
                InstrKind::Copy { from } => from.iter().for_each(|o| visit(o, &mut todo)),
                InstrKind::Gep { base, .. } => visit(base, &mut todo),
                InstrKind::Call(c) => match c.callee {
                    Callee::Function(g) if self.wrapper[g.index()] => return true,
                    Callee::External(e) => {
                        if let Some(a) = self.library.function(&self.module.externals[e.index()].name)
                            && matches!(a.ret, ann::Ret::Alloc | ann::Ret::AllocCStr)
                        {
                            return true;
                        }
                    }
                    _ => {}
                },
                _ => {}
            }
        }
        false
    }

    fn new_instance(&mut self, f: FunctionId, caller: Option<(InstanceId, u32)>) -> u32 {
        let id = self.instances.len() as u32;
        self.instances.push(Instance { function: f, caller });
        let base = self.nodes.len() as u32;
        for _ in 0..self.module.functions[f.index()].values() + 2 {
            self.node();
        }
        self.base.push(base);
        self.built.push(false);
        self.depth.push(caller.map_or(0, |(c, _)| self.depth[c.0 as usize] + 1));
        self.of_function[f.index()].push(InstanceId(id));
        self.todo.push(id);
        id
    }

    fn shared(&mut self, f: FunctionId) -> u32 {
        if let Some(i) = self.first[f.index()] {
            return i;
        }
        let i = self.new_instance(f, None);
        self.first[f.index()] = Some(i);
        i
    }

    fn ret_node(&self, i: u32) -> u32 {
        self.base[i as usize] + self.module.functions[self.instances[i as usize].function.index()].values() as u32
    }

    fn program(&mut self) {
        let module = self.module;
        let open = module.module_asm
            || module.externals.iter().any(|e| e.name == "dlopen" || (!e.name.starts_with("llvm.") && self.library.function(&e.name).is_none()));
        for (i, f) in module.functions.iter().enumerate() {
            let id = FunctionId::from(i);
            let instance = self.shared(id);
            if f.name == "main" {
                let args = self.kind_object(ObjectKind::Arguments, |_| ("argv".into(), None, None));
                for p in 1..f.signature.params.len() {
                    let n = self.base[instance as usize] + p as u32;
                    self.add(n, args);
                }
            } else if f.exported && open && let Some(n) = self.operand(0, Operand::Function(id)) {
                self.edge(n, self.escape);
            }
        }
        if open {
            for (i, g) in module.globals.iter().enumerate() {
                if g.exported && let Some(n) = self.operand(0, Operand::Global(crate::model::GlobalId::from(i), 0)) {
                    self.edge(n, self.escape);
                }
            }
        }
        while let Some(i) = self.todo.pop() {
            self.build(i);
        }
    }

    fn build(&mut self, i: u32) {
        if std::mem::replace(&mut self.built[i as usize], true) {
            return;
        }
        let f = self.instances[i as usize].function;
        let module = self.module;
        let function = &module.functions[f.index()];
        for (p, size) in function.byval.iter().enumerate() {
            if *size > 0 {
                let o = self.kind_object(ObjectKind::ByVal(f, p as u32), |_| (format!("{}:arg{p}", function.name), Some(*size), function.at));
                let n = self.base[i as usize] + p as u32;
                self.add(n, o);
            }
        }
        for (k, instr) in function.instrs.iter().enumerate() {
            let result = self.base[i as usize] + function.value_of(k).0;
            let copy = |s: &mut Self, from: &[Operand]| {
                for o in from {
                    if let Some(n) = s.operand(i, *o) {
                        s.edge(n, result);
                    }
                }
            };
            match &instr.kind {
                InstrKind::Alloca { size, name, .. } => {
                    let o = self.kind_object(ObjectKind::Stack(f, k as u32), |_| {
                        let slot = if name.is_empty() { format!("{k}") } else { name.clone() };
                        (format!("{}:{slot}", function.name), *size, instr.at)
                    });
                    self.add(result, o);
                }
                InstrKind::Load { ptr, access } if access.class.carries_pointer() => {
                    if let Some(p) = self.operand(i, *ptr) {
                        self.load(p, result);
                    }
                }
                InstrKind::AtomicRmw { ptr, value, access } | InstrKind::CmpXchg { ptr, value, access, .. } if access.class.carries_pointer() => {
                    if let Some(p) = self.operand(i, *ptr) {
                        self.load(p, result);
                        if let Some(v) = self.operand(i, *value) {
                            self.store(v, p);
                        }
                    }
                }
                InstrKind::Store { ptr, value, access } if access.class.carries_pointer() => {
                    if let (Some(p), Some(v)) = (self.operand(i, *ptr), self.operand(i, *value)) {
                        self.store(v, p);
                    }
                }
                InstrKind::Gep { base, .. } => copy(self, &[*base]),
                InstrKind::Copy { from } => copy(self, from),
                InstrKind::Arith { from, .. } if instr.class.carries_pointer() => copy(self, from),
                InstrKind::MemCopy { dst, src, .. } => self.copy_memory(i, *dst, *src),
                InstrKind::VaCopy { dst, src } => self.copy_memory(i, *dst, *src),
                InstrKind::VaStart { list } => {
                    let o = self.kind_object(ObjectKind::VarArgs(f), |_| (format!("{}:varargs", function.name), None, function.at));
                    let c = self.contents[o as usize];
                    let extra = self.ret_node(i) + 1;
                    self.edge(extra, c);
                    let a = self.address(o);
                    if let Some(p) = self.operand(i, *list) {
                        self.store(a, p);
                    }
                }
                InstrKind::VaArg { list } => {
                    if let Some(p) = self.operand(i, *list) {
                        let t = self.node();
                        self.load(p, t);
                        self.load(t, result);
                    }
                }
                InstrKind::Ret { value: Some(v) } => {
                    if let Some(n) = self.operand(i, *v) {
                        let r = self.ret_node(i);
                        self.edge(n, r);
                    }
                }
                InstrKind::Call(call) => self.call(i, instr.ordinal, call, result),
                _ => {}
            }
        }
    }

    fn copy_memory(&mut self, i: u32, dst: Operand, src: Operand) {
        if let (Some(d), Some(s)) = (self.operand(i, dst), self.operand(i, src)) {
            let t = self.node();
            self.load(s, t);
            self.store(t, d);
        }
    }

    fn call(&mut self, i: u32, ordinal: Option<u32>, call: &Call, result: u32) {
        let args: Vec<u32> = call
            .args
            .iter()
            .map(|a| self.operand(i, *a).unwrap_or(u32::MAX))
            .collect();
        let c = Indirect {
            instance: InstanceId(i),
            ordinal,
            args,
            result: Some(result),
            variadic: call.signature.variadic,
            call: Some(Box::new(call.clone())),
            callback_of: None,
        };
        match &call.callee {
            Callee::Function(f) => {
                let clone = self.wrapper[f.index()]
                    && self.depth[i as usize] < DEPTH
                    && self.instances.len() < self.options.max_instances
                    && ordinal.is_some()
                    && !self.recursive(i, *f);
                let target = match ordinal {
                    Some(o) if clone => self.new_instance(*f, Some((InstanceId(i), o))),
                    _ => self.shared(*f),
                };
                self.wire_function(&c, target);
            }
            Callee::External(e) => self.wire_external(&c, *e),
            Callee::Indirect(o) => {
                let index = self.indirect.len() as u32;
                self.indirect.push(c);
                if let Some(n) = self.operand(i, *o) {
                    let n = self.find(n);
                    self.nodes[n as usize].calls.push(index);
                    for o in self.nodes[n as usize].pts.clone() {
                        self.indirect_target(index, o);
                    }
                }
            }
            Callee::Asm { .. } => {
                for a in c.args.iter().filter(|a| **a != u32::MAX) {
                    self.edge(*a, result);
                }
            }
        }
    }

    fn recursive(&self, i: u32, f: FunctionId) -> bool {
        let mut at = Some(i);
        while let Some(k) = at {
            if self.instances[k as usize].function == f {
                return true;
            }
            at = self.instances[k as usize].caller.map(|c| c.0.0);
        }
        false
    }

    fn note(&mut self, c: &Indirect, target: Target) {
        if let (Some(o), None) = (c.ordinal, c.callback_of) {
            let list = self.callees.entry((c.instance.0, o)).or_default();
            if !list.contains(&target) {
                list.push(target);
            }
        }
        if let (Some(o), Target::Function(t)) = (c.callback_of, target) {
            let list = self.callbacks.entry((c.instance.0, o)).or_default();
            if !list.contains(&t) {
                list.push(t);
            }
        }
    }

    fn wire_function(&mut self, c: &Indirect, target: u32) {
        self.note(c, Target::Function(InstanceId(target)));
        let f = &self.module.functions[self.instances[target as usize].function.index()];
        let n = f.signature.params.len();
        let byval = f.byval.clone();
        for (k, a) in c.args.iter().enumerate() {
            if *a == u32::MAX {
                continue;
            }
            let to = if k < n { self.base[target as usize] + k as u32 } else { self.ret_node(target) + 1 };
            if byval.get(k).copied().unwrap_or(0) > 0 {
                let t = self.node();
                self.load(*a, t);
                self.store(t, to);
            } else {
                self.edge(*a, to);
            }
        }
        if let Some(r) = c.result {
            let from = self.ret_node(target);
            self.edge(from, r);
        }
    }

    fn indirect_target(&mut self, index: u32, object: u32) {
        if !self.wired.insert((index, object)) {
            return;
        }
        let c = self.indirect[index as usize].clone();
        match self.objects[object as usize].kind {
            ObjectKind::Function(f) => {
                if self.fits(&c, &self.module.functions[f.index()].signature) {
                    let t = self.shared(f);
                    self.wire_function(&c, t);
                }
            }
            ObjectKind::ExternalFunction(e) => {
                if self.fits(&c, &self.module.externals[e.index()].signature) {
                    self.wire_external(&c, e);
                }
            }
            ObjectKind::External => {
                self.note(&c, Target::Unknown);
                for a in c.args.iter().filter(|a| **a != u32::MAX) {
                    self.edge(*a, self.escape);
                }
                if let Some(r) = c.result {
                    self.edge(self.escape, r);
                }
            }
            _ => {}
        }
    }

    fn fits(&self, c: &Indirect, s: &crate::model::Signature) -> bool {
        use crate::model::Class;
        let Some(call) = &c.call else { return true };
        if !self.options.match_signatures || s.variadic || c.variadic {
            return true;
        }
        if call.signature.params.len() < s.params.len() {
            return false;
        }
        let float = |k: &Class| matches!(k, Class::Float);
        s.params.iter().zip(&call.signature.params).all(|(a, b)| float(a) == float(b))
    }

    fn heap_object(&mut self, c: &Indirect, name: &str) -> u32 {
        let Some(ordinal) = c.ordinal else { return self.external_object(name) };
        let function = self.instances[c.instance.0 as usize].function;
        let site = SiteRef { function, ordinal };
        if let Some(o) = self.heap.get(&(site, c.instance.0)) {
            return *o;
        }
        let mut chain = vec![site];
        let mut at = c.instance;
        let mut text = format!("heap:{}:{ordinal}", self.module.functions[function.index()].name);
        while let Some((caller, o)) = self.instances[at.0 as usize].caller {
            let f = self.instances[caller.0 as usize].function;
            chain.push(SiteRef { function: f, ordinal: o });
            text = format!("{text}<{}:{o}", self.module.functions[f.index()].name);
            at = caller;
        }
        let last = chain[chain.len() - 1];
        let f = &self.module.functions[last.function.index()];
        let line = f.site(last.ordinal).and_then(|k| f.instrs[k].at);
        let o = self.object(ObjectKind::Heap(site), text, None, chain, line);
        self.heap.insert((site, c.instance.0), o);
        o
    }

    fn place(&mut self, c: &Indirect, name: &str, p: &ann::Place) -> Option<u32> {
        let mut n = match &p.root {
            ann::Root::Ret => c.result?,
            ann::Root::Arg(k) => *c.args.get(*k as usize).filter(|a| **a != u32::MAX)?,
            ann::Root::External(e) => {
                let o = self.external_object(e);
                self.address(o)
            }
            ann::Root::Alloc => {
                let o = self.heap_object(c, name);
                self.address(o)
            }
            ann::Root::Static(s) => {
                let o = self.copy_object(s);
                self.address(o)
            }
        };
        for _ in 0..p.derefs {
            let t = self.node();
            self.load(n, t);
            n = t;
        }
        Some(n)
    }

    fn wire_external(&mut self, c: &Indirect, e: ExternalId) {
        self.note(c, Target::External(e));
        let external = &self.module.externals[e.index()];
        let name = external.name.clone();
        let Some(a) = self.library.function(&name).cloned() else {
            self.unannotated(c, e);
            return;
        };
        let ret = if external.name == "free" { ann::Ret::Void } else { a.ret };
        if let Some(r) = c.result {
            match ret {
                ann::Ret::Arg(k) | ann::Ret::Into(k) => {
                    if let Some(n) = c.args.get(k as usize).filter(|n| **n != u32::MAX) {
                        self.edge(*n, r);
                    }
                }
                ann::Ret::Alloc | ann::Ret::AllocCStr => {
                    let o = self.heap_object(c, &name);
                    self.add(r, o);
                }
                ann::Ret::External => {
                    let o = self.external_object(&name);
                    self.add(r, o);
                }
                ann::Ret::CopyCStr | ann::Ret::Copy(_) => {
                    let o = self.copy_object(&name);
                    self.add(r, o);
                }
                _ => {}
            }
        }
        let mut flows: Vec<ann::PointerFlow> = a.pointers.clone().unwrap_or_default();
        let mut retains = a.retains.clone();
        for case in &a.cases {
            flows.extend(case.pointers.clone().unwrap_or_default());
            retains.extend(case.retains.clone().unwrap_or_default());
        }
        for f in &flows {
            let Some(from) = self.place(c, &name, &f.src) else { continue };
            if f.dst.derefs == 0 {
                if let Some(to) = self.place(c, &name, &f.dst) {
                    self.edge(from, to);
                }
            } else {
                let mut up = f.dst.clone();
                up.derefs -= 1;
                if let Some(to) = self.place(c, &name, &up) {
                    self.store(from, to);
                }
            }
        }
        for k in retains {
            if let Some(n) = c.args.get(k as usize).copied().filter(|n| *n != u32::MAX) {
                let o = self.external_object(&name);
                let cell = self.contents[o as usize];
                self.edge(n, cell);
            }
        }
        for b in &a.callbacks {
            let Some(n) = self.place(c, &name, &b.function) else { continue };
            let args = b
                .args
                .iter()
                .map(|x| match x {
                    ann::CallbackArg::Int => u32::MAX,
                    ann::CallbackArg::Pointer(p) => self.place(c, &name, p).unwrap_or(u32::MAX),
                })
                .collect();
            let index = self.indirect.len() as u32;
            self.indirect.push(Indirect {
                instance: c.instance,
                ordinal: c.ordinal,
                args,
                result: None,
                variadic: true,
                call: None,
                callback_of: c.ordinal,
            });
            let n = self.find(n);
            self.nodes[n as usize].calls.push(index);
            for o in self.nodes[n as usize].pts.clone() {
                self.indirect_target(index, o);
            }
        }
    }

    fn unannotated(&mut self, c: &Indirect, e: ExternalId) {
        let external = &self.module.externals[e.index()];
        let attributes = external.attributes.clone();
        let harmless = external.name.starts_with("llvm.") || attributes.readnone;
        for (k, a) in c.args.iter().enumerate() {
            if *a == u32::MAX {
                continue;
            }
            if harmless {
                if let Some(r) = c.result {
                    self.edge(*a, r);
                }
                continue;
            }
            let flag = |v: &[bool]| v.get(k).copied().unwrap_or(false);
            if !(flag(&attributes.nocapture) && flag(&attributes.param_readonly)) {
                self.edge(*a, self.escape);
            }
        }
        if let Some(r) = c.result
            && !harmless
        {
            self.edge(self.escape, r);
        }
    }

    fn run(&mut self) {
        let mut pops = 0usize;
        let mut next = 20_000usize;
        self.collapse();
        loop {
            while let Some(i) = self.todo.pop() {
                self.build(i);
            }
            let Some(n) = self.queue.pop_front() else { break };
            pops += 1;
            if pops > next {
                next = pops + self.nodes.len() / 2 + 20_000;
                self.collapse();
            }
            self.nodes[n as usize].queued = false;
            if self.find(n) != n {
                continue;
            }
            let mut fresh = std::mem::take(&mut self.nodes[n as usize].fresh);
            fresh.sort_unstable();
            fresh.dedup();
            fresh.retain(|o| self.nodes[n as usize].pts.binary_search(o).is_err());
            if fresh.is_empty() {
                continue;
            }
            let merged = merge(&self.nodes[n as usize].pts, &fresh);
            self.nodes[n as usize].pts = merged;
            for k in 0..self.nodes[n as usize].succ.len() {
                let to = self.nodes[n as usize].succ[k];
                let to = self.find(to);
                if to != n {
                    self.push(to, &fresh);
                }
            }
            for to in self.nodes[n as usize].loads.clone() {
                for o in &fresh {
                    let c = self.contents[*o as usize];
                    self.edge(c, to);
                }
            }
            for from in self.nodes[n as usize].stores.clone() {
                for o in &fresh {
                    let c = self.contents[*o as usize];
                    self.edge(from, c);
                }
            }
            for index in self.nodes[n as usize].calls.clone() {
                for o in &fresh {
                    self.indirect_target(index, *o);
                }
            }
            let escape = self.find(self.escape);
            if n == escape {
                for o in &fresh {
                    self.escape_object(*o);
                }
            }
        }
    }

    /// Unknown code reads and writes what it can reach, and calls the functions it knows.
    fn escape_object(&mut self, o: u32) {
        if !self.escaped_contents.insert(o) {
            return;
        }
        match self.objects[o as usize].kind {
            ObjectKind::Function(f) => {
                let t = self.shared(f);
                for p in 0..self.module.functions[f.index()].signature.params.len() {
                    let to = self.base[t as usize] + p as u32;
                    self.edge(self.escape, to);
                }
                let r = self.ret_node(t);
                self.edge(r, self.escape);
            }
            ObjectKind::ExternalFunction(_) => {}
            _ => {
                let c = self.contents[o as usize];
                self.edge(c, self.escape);
                self.edge(self.escape, c);
            }
        }
    }

    /// Merges the cycles of copy edges (Tarjan, iterative).
    fn collapse(&mut self) {
        let n = self.nodes.len();
        let mut index = vec![0u32; n];
        let mut low = vec![0u32; n];
        let mut on = vec![false; n];
        let mut stack: Vec<u32> = vec![];
        let mut next = 0u32;
        let mut groups: Vec<Vec<u32>> = vec![];
        for root in 0..n as u32 {
            if index[root as usize] != 0 || self.parent[root as usize] != root {
                continue;
            }
            let mut work: Vec<(u32, usize)> = vec![(root, 0)];
            while let Some((v, k)) = work.pop() {
                if k == 0 {
                    next += 1;
                    index[v as usize] = next;
                    low[v as usize] = next;
                    stack.push(v);
                    on[v as usize] = true;
                }
                let mut descended = false;
                let mut j = k;
                while j < self.nodes[v as usize].succ.len() {
                    let w = self.nodes[v as usize].succ[j];
                    let w = self.find(w);
                    j += 1;
                    if index[w as usize] == 0 {
                        work.push((v, j));
                        work.push((w, 0));
                        descended = true;
                        break;
                    }
                    if on[w as usize] {
                        low[v as usize] = low[v as usize].min(index[w as usize]);
                    }
                }
                if descended {
                    continue;
                }
                if low[v as usize] == index[v as usize] {
                    let mut group = vec![];
                    while let Some(w) = stack.pop() {
                        on[w as usize] = false;
                        group.push(w);
                        if w == v {
                            break;
                        }
                    }
                    if group.len() > 1 {
                        groups.push(group);
                    }
                }
                if let Some((u, _)) = work.last() {
                    let l = low[v as usize];
                    low[*u as usize] = low[*u as usize].min(l);
                }
            }
        }
        for group in groups {
            let to = group[0];
            for &from in &group[1..] {
                self.unite(from, to);
            }
        }
    }

    fn unite(&mut self, from: u32, to: u32) {
        let old = std::mem::take(&mut self.nodes[from as usize]);
        self.parent[from as usize] = to;
        let mine = self.nodes[to as usize].pts.clone();
        // What either had not seen must pass all constraints again.
        let node = &mut self.nodes[to as usize];
        node.succ.extend(old.succ);
        node.loads.extend(old.loads);
        node.stores.extend(old.stores);
        node.calls.extend(old.calls);
        node.fresh.extend(old.fresh);
        node.fresh.extend(old.pts);
        node.fresh.extend(mine);
        node.pts.clear();
        self.enqueue(to);
    }

    fn freeze(mut self, seconds: f64) -> PointsTo {
        let mut values = vec![];
        let mut index: FxHashMap<u32, u32> = FxHashMap::default();
        let mut sets: Vec<Vec<FieldId>> = vec![];
        for n in 0..self.nodes.len() as u32 {
            let r = self.find(n);
            let k = *index.entry(r).or_insert_with(|| {
                sets.push(self.nodes[r as usize].pts.iter().map(|o| FieldId(*o)).collect());
                sets.len() as u32 - 1
            });
            values.push(k);
        }
        for list in self.callees.values_mut() {
            list.sort_unstable();
        }
        for list in self.callbacks.values_mut() {
            list.sort_unstable();
        }
        let fields = (0..self.objects.len() as u32)
            .map(|o| Field { object: ObjectId(o), offset: 0, size: self.objects[o as usize].size })
            .collect();
        let escape = self.find(self.escape);
        let mut operands = FxHashMap::default();
        for (kind, o) in &self.by_kind {
            operands.insert(*kind, FieldId(*o));
        }
        let mut p = PointsTo {
            objects: self.objects,
            fields,
            instances: self.instances,
            stats: Stats::default(),
            sets,
            values,
            base: self.base,
            contents: self.contents,
            of_function: self.of_function,
            callees: self.callees,
            callbacks: self.callbacks,
            escaped: vec![],
            escaped_functions: vec![],
            operands,
            lists: self.module.lists.clone(),
        };
        let all = p.sets[p.values[escape as usize] as usize].clone();
        p.escaped_functions = all
            .iter()
            .filter_map(|f| match p.object(ObjectId(f.0)).kind {
                ObjectKind::Function(f) => Some(f),
                _ => None,
            })
            .collect();
        p.escaped_functions.sort_unstable();
        p.escaped = all;
        p.stats = stats(self.module, &p, seconds, self.constraints, self.nodes.len(), self.indirect.len());
        p
    }
}

fn merge(a: &[u32], b: &[u32]) -> Vec<u32> {
    let mut out = Vec::with_capacity(a.len() + b.len());
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        if a[i] < b[j] {
            out.push(a[i]);
            i += 1;
        } else {
            out.push(b[j]);
            j += 1;
        }
    }
    out.extend_from_slice(&a[i..]);
    out.extend_from_slice(&b[j..]);
    out
}

fn stats(module: &Module, p: &PointsTo, seconds: f64, constraints: usize, nodes: usize, indirect: usize) -> Stats {
    let (mut sites, mut total, mut max) = (0usize, 0usize, 0usize);
    for (f, function) in module.functions.iter().enumerate() {
        for i in &function.instrs {
            let Some(ordinal) = i.ordinal else { continue };
            if matches!(i.kind, InstrKind::Load { .. } | InstrKind::Store { .. }) {
                let n = p.access_merged(module, SiteRef { function: FunctionId::from(f), ordinal }, Pointer::Address).len();
                sites += 1;
                total += n;
                max = max.max(n);
            }
        }
    }
    let mean = if sites == 0 { 0.0 } else { total as f64 / sites as f64 };
    Stats {
        instances: p.instances.len(),
        constraints,
        nodes,
        objects: p.objects.len(),
        fields: p.fields.len(),
        sites,
        mean_fields: mean,
        mean_objects: mean,
        max_fields: max,
        indirect_sites: indirect,
        mean_targets: 0.0,
        seconds,
    }
}
