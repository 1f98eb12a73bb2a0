//! Points-to analysis: which (abstract object, field) cells each pointer of the program may address.
//!
//! Inclusion-based and field-sensitive by byte offset, with the call graph built on the fly and
//! allocation wrappers cloned per call site. Contract for users: everything here is sound under
//! C's rule that pointer arithmetic stays inside the array it starts in. What is absent on purpose:
//! sides, capacities, plans (see `flow`), LLVM.

use crate::model::{Declared, ExternalId, FunctionId, Location, Module};
use itarget_annotations as ann;

mod anywhere;
mod build;
mod calls;
mod copies;
mod externals;
mod freeze;
mod inner;
mod members;
mod memory;
mod objects;
mod proven;
mod result;
mod set;
mod simplify;
mod solver;
mod through;
mod wrappers;

pub use result::PointsTo;

/// Index in [`PointsTo::objects`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId(pub u32);

/// Index in [`PointsTo::fields`]; ascending by (object, offset).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldId(pub u32);

/// A function in one calling context. Functions that are not cloned have one instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InstanceId(pub u32);

/// What is known of library functions and variables.
pub trait Library {
    /// The annotation of a function.
    fn function(&self, name: &str) -> Option<&ann::Function>;
    /// The annotation of a variable.
    fn variable(&self, name: &str) -> Option<&ann::Variable>;
    /// What is said of memory of the library.
    fn memory(&self, name: &str) -> Option<&ann::Memory>;
}

/// Through what memory of the library is looked into (see [`ann::Memory`]), by the records of one module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// By index in [`Module::records`]: the record holds this one.
    records: Vec<bool>,
    /// Characters are read there.
    pub bytes: bool,
    scalar: Option<u64>,
    /// Numbers of any size are read there (several characters at once).
    numbers: bool,
}

impl Shape {
    fn new(module: &Module, memory: &ann::Memory) -> Shape {
        let holds = |record: &crate::model::Record| memory.record.as_ref().is_some_and(|name| record.holds.contains(name));
        Shape { records: module.records.iter().map(holds).collect(), bytes: memory.bytes, scalar: memory.scalar, numbers: false }
    }

    /// Texts: memory that whoever made it declared as an array of characters. Nothing is read or written there as a pointer or
    /// as a member of a structure; several characters may be read as one number.
    fn text(module: &Module) -> Shape {
        Shape { records: vec![false; module.records.len()], bytes: true, scalar: None, numbers: true }
    }

    /// See [`Shape::text`].
    fn is_text(&self) -> bool {
        self.numbers
    }

    /// Whether an access of that type may touch the memory.
    #[must_use]
    pub fn admits(&self, declared: Declared, record: Option<u32>, size: u64) -> bool {
        match (declared, record) {
            (Declared::Unknown, _) => true,
            (_, Some(record)) => self.records.get(record as usize).copied().unwrap_or(true),
            (Declared::Pointer, None) => false,
            (_, None) => self.numbers || self.scalar == Some(size) || self.bytes && size == 1,
        }
    }
}

/// A call site or other instruction: function and site ordinal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SiteRef {
    /// Function.
    pub function: FunctionId,
    /// Ordinal of the site instruction.
    pub ordinal: u32,
}

/// What an abstract object stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ObjectKind {
    /// Defined variable.
    Global(crate::model::GlobalId),
    /// Code of a defined function (the target of function pointers).
    Function(FunctionId),
    /// Code of an external function.
    ExternalFunction(ExternalId),
    /// Stack slot: function and instruction index of the `alloca`; one object per instance.
    Stack(FunctionId, u32),
    /// Copy of a `byval` argument: function and parameter.
    ByVal(FunctionId, u32),
    /// Heap memory from this call of an allocation external, in the context of `instance`.
    Heap(SiteRef),
    /// Memory the environment owns: `ext:<name>`, or `ext:unknown`.
    External,
    /// Copy in replay space of a library's static buffer: `copy:<name>`.
    Copy,
    /// External variable.
    ExternalVariable(crate::model::ExternalVariableId),
    /// Strings and vectors that `main` gets: `argv`, `envp` and their strings.
    Arguments,
    /// Variable arguments of a variadic function.
    VarArgs(FunctionId),
}

/// An abstract object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AbstractObject {
    /// What it stands for.
    pub kind: ObjectKind,
    /// Unique name for messages: `global`, `function:slot`, `heap:function:line<caller:line<...`,
    /// `ext:name`.
    pub name: String,
    /// Size in bytes, if constant.
    pub size: Option<u64>,
    /// For heap objects: the call sites that lead to the allocation, from the wrapper inside out
    /// (the allocation itself first, the outermost wrapper's caller last).
    pub chain: Vec<SiteRef>,
    /// For heap objects: the allocations, ascending; several if a header's static function makes it ([`crate::model::Function::twin`]).
    pub made_at: Vec<SiteRef>,
    /// Source of the alloca, definition or outermost allocation call, if known.
    pub at: Option<Location>,
    /// Stride in bytes if the whole object is an array of elements that are not told apart, else 0.
    pub stride: u64,
    /// Memory of the library that only some accesses look into.
    pub shape: Option<Shape>,
    /// Layout, if it is declared.
    pub layout: Option<crate::model::TypeId>,
    /// Fields, as a range of field ids `(first, end)`.
    pub fields: (FieldId, FieldId),
}

/// A cell: bytes of an object that the analysis tells apart from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Object.
    pub object: ObjectId,
    /// Byte offset; of the first element, if the field is in an array.
    pub offset: u64,
    /// Bytes up to the next field or the end of the object (or element), if known.
    pub size: Option<u64>,
}

/// One calling context of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Function.
    pub function: FunctionId,
    /// Instance and site it is cloned for; `None`: stands for all other calls.
    pub caller: Option<(InstanceId, u32)>,
}

/// Who a call site may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// Defined function, in this instance.
    Function(InstanceId),
    /// External function.
    External(ExternalId),
    /// Code the analysis doesn't know (pointer from the environment).
    Unknown,
}

/// Limits and switches.
#[derive(Debug, Clone)]
pub struct Options {
    /// Clone allocation wrappers per call site.
    pub clone_wrappers: bool,
    /// Most instances of cloned functions.
    pub max_instances: usize,
    /// Most fields of one object before it is collapsed.
    pub max_fields: usize,
    /// Only consider indirect targets whose parameters fit the call.
    pub match_signatures: bool,
    /// Exported functions may be called, and exported variables used, by code that is not in the
    /// module. Always so for modules without `main`, or with `dlopen` or module-level assembly.
    pub exported_callable: bool,
    /// Calls that end a recording (threads) do what they do: functions that are not replayed may make them.
    pub outside: bool,
    /// Functions are there twice: as the thread of `main` runs them, and as others do.
    pub worlds: Option<Worlds>,
}

/// A module in which every function has a copy for the threads that the program starts: what they allocate, their stacks and what
/// they keep under thread keys is told apart from what the thread of `main` has.
#[derive(Debug, Clone, Copy)]
pub struct Worlds {
    /// The first copy: that of function `i` has this number plus `i`. Addresses in the program are those of the first.
    pub copies: usize,
    /// Who runs functions that a library function is given, by its name.
    pub runs: fn(&str) -> Runs,
}

/// Who runs functions that a library function is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runs {
    /// The thread that calls it.
    Caller,
    /// A thread that it starts.
    Thread,
    /// Any thread.
    Anyone,
}

impl Default for Options {
    fn default() -> Self {
        Options { clone_wrappers: true, max_instances: 20_000, max_fields: 256, match_signatures: true, exported_callable: false, outside: false, worlds: None }
    }
}

/// Figures of one run.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Stats {
    /// Functions analysed, instances counted each.
    pub instances: usize,
    /// Constraints before solving.
    pub constraints: usize,
    /// Constraint nodes after solving (cycles merged not counted twice).
    pub nodes: usize,
    /// Abstract objects.
    pub objects: usize,
    /// Fields.
    pub fields: usize,
    /// Loads and stores of the program (sites, not instances) with a pointer operand.
    pub sites: usize,
    /// Mean number of places over these sites (over instances the union is taken) that an access of this type may touch; an
    /// unknown place in an object is one.
    pub mean_fields: f64,
    /// Mean number of objects over these sites.
    pub mean_objects: f64,
    /// Largest number of places of one site.
    pub max_fields: usize,
    /// Indirect call sites.
    pub indirect_sites: usize,
    /// Mean number of functions called at these.
    pub mean_targets: f64,
    /// Seconds of solving, set-up included.
    pub seconds: f64,
}

/// Which pointer of a site is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pointer {
    /// Address of a load, store, atomic or `va_arg`; destination of a memory intrinsic.
    Address,
    /// Source of `memcpy` and `memmove`.
    Source,
    /// Argument of a call.
    Argument(u32),
    /// Result.
    Result,
}

impl PointsTo {
    /// Analyses a module. Never fails: what is unknown is treated as unknown external code.
    #[must_use]
    pub fn solve(module: &Module, library: &dyn Library, options: &Options) -> PointsTo {
        let mut result = build::solve(module, library, options);
        result.options = options.clone();
        result
    }
}

impl Library for ann::Annotations {
    fn function(&self, name: &str) -> Option<&ann::Function> {
        ann::Annotations::function(self, name)
    }

    fn variable(&self, name: &str) -> Option<&ann::Variable> {
        ann::Annotations::variable(self, name)
    }

    fn memory(&self, name: &str) -> Option<&ann::Memory> {
        ann::Annotations::memory(self, name)
    }
}
