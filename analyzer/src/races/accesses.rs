//! What the threads of a program access: each load and store, and what functions of the library do for it.

use super::bits::Bits;
use super::calls::Graph;
use super::fresh::{self, Fresh};
use super::library;
use super::locks::Locks;
use super::own_locks::{self, Held, OwnLocks};
use super::slices::{Slice, Slices};
use super::threads::Threads;
use crate::annotate::{Arguments, CallSpec};
use crate::flow::collect::CallArguments;
use crate::model::{Access, Attributes, Call, Callee, FunctionId, InstrKind, Module, Operand, ValueId, assembly};
use crate::points_to::{FieldId, ObjectKind, PointsTo};
use itarget_annotations::{Annotations, Len, Ret};
use rustc_hash::FxHashMap;

/// What an access does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Deed {
    /// Reads.
    Read,
    /// Writes (and may read).
    Write,
    /// Hands the memory back.
    Free,
    /// Reads by an atomic instruction.
    AtomicRead,
    /// Writes by an atomic instruction.
    AtomicWrite,
    /// Writes by an atomic instruction of inline assembly: nothing says in which order.
    AtomicAssembly,
}

impl Deed {
    /// The memory is other than before.
    #[must_use]
    pub fn writes(self) -> bool {
        !matches!(self, Deed::Read | Deed::AtomicRead)
    }

    /// By an atomic instruction.
    #[must_use]
    pub fn is_atomic(self) -> bool {
        matches!(self, Deed::AtomicRead | Deed::AtomicWrite | Deed::AtomicAssembly)
    }
}

/// Whether inline assembly looks as if threads synchronized by it.
#[must_use]
pub fn is_atomic(assembly: &str) -> bool {
    assembly.contains("lock") || assembly.contains("xchg")
}

/// All that matters of an access for races, but where it goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Class {
    pub(super) deed: Deed,
    /// Threads that may make it.
    pub(super) threads: Bits,
    /// Locks held.
    pub(super) locks: Bits,
    /// Locks held in the object itself: bytes from the address accessed, held alone. See [`super::own_locks`].
    pub(super) own: Vec<(i64, bool)>,
    /// The thread's own part of memory that it lies in. See [`super::slices`].
    pub(super) slice: Slice,
    /// Reads by an instruction that can be logged by itself.
    pub(super) load: bool,
}

impl Class {
    /// Whether locks keep two from being there at the same time, one of them writing, or each has a part of its own.
    pub(super) fn excludes(&self, other: &Class) -> bool {
        let same = |(at, alone): &(i64, bool)| other.own.iter().any(|(there, too)| at == there && (*alone || *too));
        self.slice != 0 && self.slice == other.slice || Locks::exclude(&self.locks, &other.locks) || self.own.iter().any(same)
    }
}

/// Accesses of one class to the same cells.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) class: u32,
    /// Set of cells.
    pub(super) cells: u32,
    /// The first function and instruction that make such an access.
    pub(super) at: (u32, u32),
    /// Nobody else can know of the memory yet, unless it is found in no order.
    pub(super) fresh: bool,
    /// All that make such an access, where loads can be logged by themselves.
    pub(super) loads: Vec<(u32, u32)>,
}

/// Accesses, those that are alike once.
#[derive(Debug, Default)]
pub(super) struct Accesses {
    pub(super) classes: Vec<Class>,
    /// What is accessed, by the first to do so.
    pub(super) list: Vec<Entry>,
    /// Sets of cells.
    pub(super) cells: Vec<Vec<FieldId>>,
}

/// What tells sets of cells apart: the points-to sets, and how they are looked at.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Typed(Vec<u32>, Access),
    Plain(Vec<u32>, Option<u64>),
    Behind(Vec<u32>),
    /// All that these lead to; of none, what escapes.
    Reached(Vec<FieldId>),
    These(Vec<FieldId>),
}

pub(super) struct Collector<'a> {
    module: &'a Module,
    points_to: &'a PointsTo,
    annotations: &'a Annotations,
    shared: &'a [bool],
    accesses: Accesses,
    classes: FxHashMap<Class, u32>,
    known: FxHashMap<Key, u32>,
    seen: FxHashMap<(u32, u32, bool), usize>,
    ranges: FxHashMap<(FieldId, Option<u64>), Vec<FieldId>>,
    escaped: Option<u32>,
    /// Cells that a call of the library fills when it makes them, by function and site.
    made: FxHashMap<(usize, u32), Vec<FieldId>>,
    /// Cells that are filled as a function begins: arguments passed in memory.
    passed: FxHashMap<usize, Vec<FieldId>>,
    /// The function and instruction at hand, with who runs it and what is held.
    at: (usize, usize),
    threads: Bits,
    locks: Bits,
    held: Vec<Held>,
    /// Blocks that the function at hand makes, and where only it knows of each.
    blocks: Vec<(ValueId, Vec<bool>)>,
    /// What of the locks held counts for the access at hand.
    own: Vec<(i64, bool)>,
    slices: &'a Slices<'a>,
    /// The thread's own part that the access at hand lies in; and whether it is a load.
    slice: Slice,
    load: bool,
}

/// Collects the accesses to shared memory that threads make while there may be others.
pub(super) fn collect<'a>(
    module: &'a Module,
    points_to: &'a PointsTo,
    annotations: &'a Annotations,
    graph: &Graph,
    threads: &Threads,
    (locks, own_locks, fresh, slices): (&Locks, &OwnLocks, &Fresh, &'a Slices<'a>),
    shared: &'a [bool],
) -> Accesses {
    let none = Bits::none(0);
    let mut all = Collector {
        module,
        points_to,
        annotations,
        shared,
        accesses: Accesses::default(),
        classes: FxHashMap::default(),
        known: FxHashMap::default(),
        seen: FxHashMap::default(),
        ranges: FxHashMap::default(),
        escaped: None,
        made: FxHashMap::default(),
        passed: FxHashMap::default(),
        at: (0, 0),
        threads: none.clone(),
        locks: none,
        held: Vec::new(),
        blocks: Vec::new(),
        own: Vec::new(),
        slices,
        slice: 0,
        load: false,
    };
    for object in points_to.objects() {
        let cells = (object.fields.0.0..object.fields.1.0).map(FieldId);
        match object.kind {
            ObjectKind::Heap(_) => {
                for site in &object.made_at {
                    all.made.entry((site.function.index(), site.ordinal)).or_default().extend(cells.clone());
                }
            }
            ObjectKind::ByVal(f, _) | ObjectKind::VarArgs(f) => all.passed.entry(f.index()).or_default().extend(cells),
            _ => {}
        }
    }
    for (index, function) in module.functions.iter().enumerate().filter(|(i, _)| graph.reached[*i]) {
        let mut next = 0;
        let mut own: FxHashMap<usize, Vec<Held>> = FxHashMap::default();
        all.blocks = fresh.of(index);
        if own_locks.matters(index) {
            own_locks.visit(index, &mut |instr, held| {
                if !held.is_empty() {
                    own.insert(instr, held.to_vec());
                }
            });
        }
        locks.walk(module, graph, index, |instr, held| {
            let kind = &function.instrs[instr].kind;
            if instr == 0 {
                all.begin(index, threads.at(index, 0), held);
            }
            if matches!(kind, InstrKind::Gep { .. } | InstrKind::Copy { .. } | InstrKind::Arith { .. } | InstrKind::Compute { .. } | InstrKind::Nop) {
                return;
            }
            all.threads = threads.at(index, instr);
            if all.threads.is_empty() {
                return;
            }
            all.at = (index, instr);
            all.locks.clone_from(held);
            all.held = own.remove(&instr).unwrap_or_default();
            let sites = &graph.sites[index];
            if next >= sites.len() || sites[next].instr > instr {
                next = 0;
            }
            next += sites[next..].partition_point(|s| s.instr < instr);
            let externals = sites.get(next).filter(|s| s.instr == instr).map_or(&[][..], |s| &s.externals);
            all.instruction(kind, externals);
        });
    }
    all.accesses
}

impl Collector<'_> {
    /// What is passed in memory is written by the caller; who gets to know its address may not wait for that.
    fn begin(&mut self, function: usize, threads: Bits, held: &Bits) {
        let Some(cells) = self.passed.remove(&function).filter(|_| !threads.is_empty()) else { return };
        (self.at, self.threads, self.load) = ((function, 0), threads, false);
        self.locks.clone_from(held);
        self.fields(cells, Deed::Write, false);
    }

    /// An access to these cells.
    fn fields(&mut self, cells: Vec<FieldId>, deed: Deed, fresh: bool) {
        let key = Key::These(cells.clone());
        let set = match self.known.get(&key) {
            Some(set) => *set,
            None => self.keep(key, cells),
        };
        self.add(set, deed, fresh);
    }

    /// Whether the call at hand makes a block that nobody else knows of.
    fn makes(&self, result: Operand) -> bool {
        self.blocks.iter().any(|(value, _)| result == Operand::Local(*value))
    }

    /// Whether a pointer leads to a block that nobody else knows of yet.
    fn is_fresh(&self, operand: Operand) -> bool {
        if self.blocks.is_empty() {
            return false;
        }
        let base = fresh::base(&self.module.functions[self.at.0], operand);
        self.blocks.iter().any(|(value, known)| base == Some(*value) && known[self.at.1])
    }

    /// Which of the locks held are at known distances from an address.
    fn beside(&mut self, operand: Operand, size: Option<u64>) {
        self.own.clear();
        if self.held.is_empty() || size.is_none_or(|size| size > own_locks::MOST) {
            return;
        }
        if let Some((root, at)) = own_locks::resolve(&self.module.functions[self.at.0], operand) {
            self.own.extend(self.held.iter().filter(|h| h.0 == root).map(|h| (h.1 - at, h.2)));
        }
    }

    fn instruction(&mut self, kind: &InstrKind, externals: &[crate::model::ExternalId]) {
        let deed = |access: &Access, plain, atomic| if access.atomic { atomic } else { plain };
        self.load = matches!(kind, InstrKind::Load { access, .. } if !access.atomic);
        match kind {
            InstrKind::Load { ptr, access } => self.typed(*ptr, access, deed(access, Deed::Read, Deed::AtomicRead)),
            InstrKind::Store { ptr, access, .. } => self.typed(*ptr, access, deed(access, Deed::Write, Deed::AtomicWrite)),
            InstrKind::AtomicRmw { ptr, access, .. } | InstrKind::CmpXchg { ptr, access, .. } => self.typed(*ptr, access, Deed::AtomicWrite),
            InstrKind::MemCopy { dst, src, len, .. } => {
                let len = constant(*len);
                self.plain(*src, len, Deed::Read);
                self.plain(*dst, len, Deed::Write);
            }
            InstrKind::MemSet { dst, len, .. } => self.plain(*dst, constant(*len), Deed::Write),
            InstrKind::VaStart { list } => self.plain(*list, Some(24), Deed::Write),
            InstrKind::VaArg { list } => {
                self.plain(*list, Some(24), Deed::Write);
                self.behind(*list, Deed::Read);
            }
            InstrKind::VaCopy { dst, src } => {
                self.plain(*src, Some(24), Deed::Read);
                self.plain(*dst, Some(24), Deed::Write);
            }
            InstrKind::Call(call) => self.call(call, externals),
            _ => {}
        }
    }

    fn call(&mut self, call: &Call, externals: &[crate::model::ExternalId]) {
        for (arg, &size) in call.byval.iter().enumerate().filter(|(_, size)| **size > 0) {
            self.plain(call.args[arg], Some(size), Deed::Read);
        }
        if let Callee::Asm { text, .. } = &call.callee
            && !assembly::does_nothing(text)
        {
            let deed = if is_atomic(text) { Deed::AtomicAssembly } else { Deed::Write };
            for &arg in &call.args {
                self.plain(arg, None, deed);
            }
        }
        for external in externals {
            let external = &self.module.externals[external.index()];
            if external.name.starts_with("llvm.") || external.name.starts_with("__itarget") || library::synchronises(&external.name) {
                continue;
            }
            let ordinal = self.module.functions[self.at.0].instrs[self.at.1].ordinal;
            if let Some(cells) = ordinal.and_then(|o| self.made.get(&(self.at.0, o))).filter(|_| !library::leaves_empty(&external.name)) {
                let result = Operand::Local(self.module.functions[self.at.0].value_of(self.at.1));
                self.fields(cells.clone(), Deed::Write, self.makes(result));
            }
            match self.annotations.function(&external.name) {
                Some(annotation) => {
                    let spec = CallSpec::of(annotation, &CallArguments(self.module, call));
                    let behind = annotation.reads.iter().chain(&annotation.writes).filter(|r| matches!(r.len, Len::Iovec { .. } | Len::Msghdr { .. } | Len::Mmsghdr { .. } | Len::Moved { .. }));
                    let behind: Vec<u32> = behind.map(|r| u32::from(r.arg)).collect();
                    self.annotated(call, &spec, &behind, library::keeps(&external.name));
                }
                None => self.unknown(call, &external.attributes),
            }
        }
    }

    fn annotated(&mut self, call: &Call, spec: &CallSpec, behind: &[u32], keeps: bool) {
        let arg = |arg: u32| call.args.get(arg as usize).copied();
        for written in &spec.writes {
            for operand in written.through.iter().filter_map(|a| arg(*a)) {
                if written.deep {
                    self.behind(operand, Deed::Write);
                }
                self.plain(operand, if written.deep { None } else { most(&written.write.len) }, Deed::Write);
            }
        }
        for operand in spec.opaque.iter().filter_map(|a| arg(*a)) {
            self.plain(operand, None, Deed::Write);
            self.behind(operand, Deed::Write);
        }
        let result = Operand::Local(self.module.functions[self.at.0].value_of(self.at.1));
        if matches!(spec.ret, Ret::CopyCStr | Ret::Copy(_)) {
            self.plain(result, None, Deed::Write);
        }
        if let Some(operand) = spec.frees.and_then(arg) {
            self.plain(operand, None, Deed::Free);
        }
        if keeps || spec.runtime.as_deref() == Some("__itarget_free") {
            return;
        }
        let written: Vec<u32> = spec.writes.iter().flat_map(|w| w.through.iter().copied()).collect();
        for (index, &operand) in call.args.iter().enumerate() {
            let index = index as u32;
            let read = match &spec.reads {
                Some(reads) => reads.contains(&index),
                None => CallArguments(self.module, call).is_pointer(index) && !written.contains(&index),
            };
            if read {
                self.plain(operand, None, Deed::Read);
            }
            if behind.contains(&index) || spec.va_list == Some(index) {
                self.behind(operand, Deed::Read);
            }
        }
    }

    /// Unknown code may do anything to what it was given, now and before.
    fn unknown(&mut self, call: &Call, attributes: &Attributes) {
        if attributes.readnone {
            return;
        }
        let flag = |flags: &[bool], arg: usize| flags.get(arg).copied().unwrap_or(false);
        let mut roots = Vec::new();
        for (arg, &operand) in call.args.iter().enumerate() {
            let reads = attributes.readonly || flag(&attributes.param_readonly, arg);
            if flag(&attributes.nocapture, arg) && attributes.argmemonly {
                self.plain(operand, None, if reads { Deed::Read } else { Deed::Write });
            } else {
                roots.extend(self.points_to.value_merged(FunctionId::from(self.at.0), operand));
            }
        }
        roots.sort_unstable();
        roots.dedup();
        let deed = if attributes.readonly { Deed::Read } else { Deed::Write };
        if !roots.is_empty() {
            let cells = match self.known.get(&Key::Reached(roots.clone())) {
                Some(set) => *set,
                None => {
                    let reached = self.points_to.reachable(&roots);
                    self.keep(Key::Reached(roots), reached)
                }
            };
            self.add(cells, deed, false);
        }
        if !attributes.argmemonly {
            let escaped = match self.escaped {
                Some(set) => set,
                None => {
                    let escaped = self.points_to.escaped().to_vec();
                    let set = self.keep(Key::Reached(Vec::new()), escaped);
                    *self.escaped.insert(set)
                }
            };
            self.add(escaped, deed, false);
        }
    }

    fn sets(&self, operand: Operand) -> Vec<u32> {
        let instances = self.points_to.instances_of(FunctionId::from(self.at.0));
        let mut sets: Vec<u32> = instances.iter().filter_map(|i| self.points_to.set_id(*i, operand)).collect();
        sets.sort_unstable();
        sets.dedup();
        sets
    }

    /// An access of the program's own.
    fn typed(&mut self, operand: Operand, access: &Access, deed: Deed) {
        self.beside(operand, Some(access.size));
        self.slice = self.slices.at(self.at.0, self.at.1, operand, Some(access.size));
        let key = Key::Typed(self.sets(operand), *access);
        let set = match self.known.get(&key) {
            Some(set) => *set,
            None => {
                let cells = self.points_to.accessed(self.module, FunctionId::from(self.at.0), operand, access);
                let cells = self.span(&cells, Some(access.size));
                self.keep(key, cells)
            }
        };
        self.add(set, deed, self.is_fresh(operand));
        self.own.clear();
        self.slice = 0;
    }

    /// An access to bytes.
    fn plain(&mut self, operand: Operand, len: Option<u64>, deed: Deed) {
        self.beside(operand, len);
        self.slice = self.slices.at(self.at.0, self.at.1, operand, if deed == Deed::Free { Some(0) } else { len });
        let key = Key::Plain(self.sets(operand), len);
        let set = match self.known.get(&key) {
            Some(set) => *set,
            None => {
                let cells = self.points_to.value_merged(FunctionId::from(self.at.0), operand);
                let cells = self.span(&cells, len);
                self.keep(key, cells)
            }
        };
        self.add(set, deed, self.is_fresh(operand));
        self.own.clear();
        self.slice = 0;
    }

    /// An access to what pointers in memory lead to.
    fn behind(&mut self, operand: Operand, deed: Deed) {
        let key = Key::Behind(self.sets(operand));
        let set = match self.known.get(&key) {
            Some(set) => *set,
            None => {
                let direct = self.points_to.value_merged(FunctionId::from(self.at.0), operand);
                let mut cells = self.span(&direct, None);
                let mut all = Vec::new();
                // Through a list of variable arguments, one step more.
                for _ in 0..2 {
                    cells = cells.iter().flat_map(|c| self.points_to.contents(*c)).collect();
                    cells.sort_unstable();
                    cells.dedup();
                    cells = self.span(&cells, None);
                    all.extend_from_slice(&cells);
                }
                self.keep(key, all)
            }
        };
        self.add(set, deed, false);
    }

    /// The cells that `len` bytes from these on may cover.
    fn span(&mut self, cells: &[FieldId], len: Option<u64>) -> Vec<FieldId> {
        let mut all = Vec::with_capacity(cells.len());
        for &cell in cells {
            match (self.points_to.field(cell).size, len) {
                (Some(size), Some(len)) if len <= size => all.push(cell),
                _ => all.extend_from_slice(self.ranges.entry((cell, len)).or_insert_with(|| self.points_to.range(cell, len))),
            }
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Keeps a set, without what can't race.
    fn keep(&mut self, key: Key, mut cells: Vec<FieldId>) -> u32 {
        let (points_to, module, shared) = (self.points_to, self.module, self.shared);
        cells.retain(|c| {
            let object = points_to.field(*c).object;
            shared[object.0 as usize]
                && match points_to.object(object).kind {
                    ObjectKind::Global(g) => !module.globals[g.index()].constant,
                    ObjectKind::Function(_) | ObjectKind::ExternalFunction(_) | ObjectKind::External => false,
                    _ => true,
                }
        });
        cells.sort_unstable();
        cells.dedup();
        let set = self.accesses.cells.len() as u32;
        self.accesses.cells.push(cells);
        self.known.insert(key, set);
        set
    }

    fn add(&mut self, cells: u32, deed: Deed, fresh: bool) {
        if self.accesses.cells[cells as usize].is_empty() {
            return;
        }
        let class = Class { deed, threads: self.threads.clone(), locks: self.locks.clone(), own: self.own.clone(), slice: self.slice, load: self.load };
        let next = self.accesses.classes.len() as u32;
        let class = match self.classes.get(&class) {
            Some(class) => *class,
            None => {
                self.accesses.classes.push(class.clone());
                self.classes.insert(class, next);
                next
            }
        };
        let at = (self.at.0 as u32, self.at.1 as u32);
        let next = self.accesses.list.len();
        let entry = *self.seen.entry((class, cells, fresh)).or_insert(next);
        if entry == next {
            self.accesses.list.push(Entry { class, cells, at, fresh, loads: Vec::new() });
        }
        if self.load {
            self.accesses.list[entry].loads.push(at);
        }
    }
}

fn constant(len: Operand) -> Option<u64> {
    if let Operand::Int(n) = len { u64::try_from(n).ok() } else { None }
}

/// Most bytes that a length comes to, if that is known.
fn most(len: &itarget_plan::Len) -> Option<u64> {
    match len {
        itarget_plan::Len::Const(n) => Some(*n),
        itarget_plan::Len::Min(a, b) => match (most(a), most(b)) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        },
        _ => None,
    }
}
