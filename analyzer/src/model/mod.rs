//! The analyzer's own program model: flat, typed by size only, free of LLVM.
//!
//! Built by [`crate::bitcode`] from prepared bitcode (SSA form, sites numbered). Every pointer
//! computation keeps its byte offsets; integers of eight bytes may carry pointers. What is absent
//! on purpose: names of types, debug information beyond file, line and the types of functions, LLVM.

use std::fmt;

pub mod assembly;
mod layout;
mod loops;
mod prototypes;
mod variables;

pub use layout::{GepStep, Type, TypeId, Types};
pub use loops::{Dominators, loop_depths};
pub use prototypes::{Parameter, Prototype, Structure};
pub use variables::{Member, Variable, Variables};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u32);
        impl $name {
            /// As an index.
            #[must_use]
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
        impl From<usize> for $name {
            fn from(index: usize) -> Self {
                $name(u32::try_from(index).unwrap_or(u32::MAX))
            }
        }
    };
}

id!(
    /// Index in [`Module::functions`].
    FunctionId
);
id!(
    /// Index in [`Module::externals`].
    ExternalId
);
id!(
    /// Index in [`Module::globals`].
    GlobalId
);
id!(
    /// Index in [`Module::external_variables`].
    ExternalVariableId
);
id!(
    /// A parameter or instruction of one function: parameters first, then one per instruction
    /// (whether or not it has a result).
    ValueId
);
id!(
    /// Index in [`Module::files`].
    FileId
);
id!(
    /// Index in [`Module::lists`].
    ListId
);

/// A whole program.
#[derive(Debug, Clone, Default)]
pub struct Module {
    /// Hex SHA-256 as `itarget_plan` defines it.
    pub fingerprint: String,
    /// Functions with a body, sorted by name.
    pub functions: Vec<Function>,
    /// Functions without a body, sorted by name (LLVM intrinsics that the model has no
    /// instruction for included, under their `llvm.` name).
    pub externals: Vec<External>,
    /// Variables with an initialiser, sorted by name (unnamed ones in order of the module last).
    pub globals: Vec<Global>,
    /// Variables without one, sorted by name.
    pub external_variables: Vec<ExternalVariable>,
    /// Source files that locations mention, sorted.
    pub files: Vec<String>,
    /// Layouts that globals, stack slots and pointer arithmetic mention.
    pub types: Types,
    /// Structures that accesses mention.
    pub records: Vec<Record>,
    /// Members of structures that accesses mention.
    pub members: Vec<TypedMember>,
    /// Accesses say what they are declared as (compiled under C's rules on effective types).
    pub typed: bool,
    /// Types of functions that debug information tells.
    pub prototypes: Vec<Prototype>,
    /// Structures that these mention.
    pub structures: Vec<Structure>,
    /// Constants that hold several addresses ([`Operand::Any`]).
    pub lists: Vec<Vec<Operand>>,
    /// What debug information says of variables, if that was asked for.
    pub variables: Variables,
    /// What the functions look like, by name, if that was asked for.
    pub shapes: std::collections::BTreeMap<String, itarget_plan::Shape>,
    /// Module-level assembly is present: all exported symbols may be used by it.
    pub module_asm: bool,
}

impl Module {
    /// The defined function of that name.
    #[must_use]
    pub fn function(&self, name: &str) -> Option<FunctionId> {
        self.functions.binary_search_by(|f| f.name.as_str().cmp(name)).ok().map(FunctionId::from)
    }

    /// The variables that code outside of the module stores to by their names, ascending. `library` says whether a variable of that
    /// name is one of the library's, and what it holds only a run tells.
    #[must_use]
    pub fn variables_used_outside(&self, library: impl Fn(&str) -> Option<bool>) -> Vec<GlobalId> {
        let used = |g: &Global| g.exported && !g.constant && library(&g.name).unwrap_or(g.used_outside);
        self.globals.iter().enumerate().filter(|(_, g)| used(g)).map(|(i, _)| GlobalId::from(i)).collect()
    }

    /// The external function of that name.
    #[must_use]
    pub fn external(&self, name: &str) -> Option<ExternalId> {
        self.externals.binary_search_by(|f| f.name.as_str().cmp(name)).ok().map(ExternalId::from)
    }

    /// The text at a constant address, up to its NUL byte.
    #[must_use]
    pub fn text(&self, operand: Operand) -> Option<String> {
        let Operand::Global(global, offset) = operand else { return None };
        let global = &self.globals[global.index()];
        if !global.constant {
            return None;
        }
        let bytes = global.bytes.as_ref()?.get(usize::try_from(offset).ok()?..)?;
        let end = bytes.iter().position(|b| *b == 0)?;
        Some(String::from_utf8_lossy(&bytes[..end]).into_owned())
    }
}

/// A place in the source; line 0 is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// File.
    pub file: FileId,
    /// Line, from 1.
    pub line: u32,
}

/// What a value is, as far as passing and pruning goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// No value.
    Void,
    /// Integer of at most 64 bits (bytes, rounded up).
    Int(u8),
    /// Pointer.
    Pointer,
    /// Floating point or vector without pointers.
    Float,
    /// Several scalars in one value, or an integer of more than 64 bits; may carry pointers.
    Aggregate,
}

impl Class {
    /// Whether a value of this class can hold a pointer.
    #[must_use]
    pub fn carries_pointer(self) -> bool {
        matches!(self, Class::Pointer | Class::Int(8) | Class::Aggregate)
    }
}

/// Parameter and result classes of a function or call.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Signature {
    /// Parameters.
    pub params: Vec<Class>,
    /// Result.
    pub ret: Class,
    /// Takes variable arguments.
    pub variadic: bool,
}

/// A function with a body.
#[derive(Debug, Clone)]
pub struct Function {
    /// Symbol name.
    pub name: String,
    /// Parameter and result classes.
    pub signature: Signature,
    /// Its type: index in [`Module::prototypes`], if known.
    pub prototype: Option<u32>,
    /// Other types that its address is cast to where it is taken ([`Prototype::exact`]); `None`: not known.
    pub called_as: Option<Vec<u32>>,
    /// Size of the object passed by value (copied by the caller) for `byval` parameters, else 0.
    pub byval: Vec<u64>,
    /// Visible outside the module.
    pub exported: bool,
    /// Code that is not in the module uses its name.
    pub used_outside: bool,
    /// Its address is used otherwise than by calling it.
    pub address_taken: bool,
    /// Calls `setjmp` or the like directly.
    pub returns_twice: bool,
    /// Where it is defined, if known.
    pub at: Option<Location>,
    /// The first of the functions that are the same static function of a header, if it is another.
    pub twin: Option<FunctionId>,
    /// Instructions in block order.
    pub instrs: Vec<Instr>,
    /// Basic blocks, entry first.
    pub blocks: Vec<Block>,
    /// Ordinal and instruction index of the sites, ascending.
    pub sites: Vec<(u32, u32)>,
    /// What tells numbers apart, by instruction, ascending; only in programs that start threads.
    pub numbers: Vec<(u32, Number)>,
}

/// What an instruction does to a number, beyond what its kind says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Number {
    /// Pointer arithmetic by these variable indices: one for each step that is not constant, in order.
    Indices(Box<[Operand]>),
    /// Made wider or narrower.
    Cast,
    /// One of the operands, by where control comes from.
    Phi,
    /// The first operand and a constant.
    Add(i64),
}

impl Function {
    /// The value of an instruction.
    #[must_use]
    pub fn value_of(&self, instr: usize) -> ValueId {
        ValueId::from(self.signature.params.len() + instr)
    }

    /// The instruction that makes a value; `None` for a parameter.
    #[must_use]
    pub fn instr_of(&self, value: ValueId) -> Option<usize> {
        value.index().checked_sub(self.signature.params.len())
    }

    /// What an instruction does to a number, if that was kept.
    #[must_use]
    pub fn number(&self, instr: usize) -> Option<&Number> {
        let at = self.numbers.binary_search_by_key(&instr, |(at, _)| *at as usize).ok()?;
        Some(&self.numbers[at].1)
    }

    /// Number of values.
    #[must_use]
    pub fn values(&self) -> usize {
        self.signature.params.len() + self.instrs.len()
    }

    /// Index of the instruction with that site ordinal.
    #[must_use]
    pub fn site(&self, ordinal: u32) -> Option<usize> {
        let at = self.sites.binary_search_by_key(&ordinal, |(ordinal, _)| *ordinal).ok()?;
        Some(self.sites[at].1 as usize)
    }
}

/// A basic block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// First instruction.
    pub first: u32,
    /// One past the last instruction.
    pub end: u32,
    /// Number of natural loops around it.
    pub loop_depth: u32,
    /// Successors, as block indices (ascending, without repetition).
    pub successors: Vec<u32>,
}

/// A function without a body.
#[derive(Debug, Clone)]
pub struct External {
    /// Symbol name.
    pub name: String,
    /// Parameter and result classes.
    pub signature: Signature,
    /// Its address is used otherwise than by calling it.
    pub address_taken: bool,
    /// What LLVM knows of it.
    pub attributes: Attributes,
}

/// What LLVM knows of an external function from its declaration and its library tables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes {
    /// Result is fresh memory.
    pub noalias_result: bool,
    /// Does not return.
    pub noreturn: bool,
    /// Writes no memory.
    pub readonly: bool,
    /// Reads and writes no memory.
    pub readnone: bool,
    /// Touches memory through its arguments only.
    pub argmemonly: bool,
    /// Parameters that are not captured.
    pub nocapture: Vec<bool>,
    /// Parameters through which nothing is written.
    pub param_readonly: Vec<bool>,
    /// Parameter that is returned.
    pub returned: Option<u8>,
    /// May return more than once (`setjmp`).
    pub returns_twice: bool,
}

/// A variable with an initialiser.
#[derive(Debug, Clone)]
pub struct Global {
    /// Symbol name; unnamed ones get `.<index>`.
    pub name: String,
    /// Size in bytes.
    pub size: u64,
    /// Layout.
    pub ty: TypeId,
    /// Never written.
    pub constant: bool,
    /// One per thread.
    pub thread_local: bool,
    /// Visible outside the module.
    pub exported: bool,
    /// Code that is not in the module uses its name: an object or a library without bitcode.
    pub used_outside: bool,
    /// Its address is used otherwise than by a direct load or store.
    pub address_taken: bool,
    /// Addresses in the initialiser: `(byte offset, value)`, ascending.
    pub init: Vec<(u64, Operand)>,
    /// The whole initialiser, if it is a constant byte string.
    pub bytes: Option<Vec<u8>>,
    /// The section that it is put into, if the program names one.
    pub section: Option<String>,
    /// Where it is defined, if known.
    pub at: Option<Location>,
}

/// A variable without an initialiser.
#[derive(Debug, Clone)]
pub struct ExternalVariable {
    /// Symbol name.
    pub name: String,
    /// Size in bytes, if the declaration is complete.
    pub size: Option<u64>,
    /// Layout.
    pub ty: TypeId,
    /// One per thread.
    pub thread_local: bool,
}

impl ExternalVariable {
    /// The section whose first or last byte the linker defines the variable as (`__start_SECTION`).
    #[must_use]
    pub fn section(&self) -> Option<&str> {
        ["__start_", "__stop_"].iter().find_map(|bound| self.name.strip_prefix(bound))
    }

    /// An address tells whether it is in this variable.
    #[must_use]
    pub fn located(&self) -> bool {
        !self.thread_local && self.size.is_some_and(|size| size > 0)
    }
}

/// A use of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operand {
    /// Parameter or instruction of the same function.
    Local(ValueId),
    /// Address of a global plus bytes.
    Global(GlobalId, i64),
    /// Address of an external variable plus bytes.
    ExternalVariable(ExternalVariableId, i64),
    /// Address of a defined function.
    Function(FunctionId),
    /// Address of an external function.
    External(ExternalId),
    /// Constant that may be any of several addresses ([`Module::lists`]).
    Any(ListId),
    /// Null pointer or all-zero aggregate.
    Null,
    /// Integer constant.
    Int(i64),
    /// Undefined or poison.
    Undef,
    /// Constant that holds no address: floating point, wide integers, block addresses.
    Other,
}

/// An instruction.
#[derive(Debug, Clone)]
pub struct Instr {
    /// What it does.
    pub kind: InstrKind,
    /// Ordinal of the site instruction (see `itarget_plan`).
    pub ordinal: Option<u32>,
    /// Class of the result.
    pub class: Class,
    /// The result has a use.
    pub used: bool,
    /// Where it is, if known.
    pub at: Option<Location>,
    /// Block it is in.
    pub block: u32,
}

/// How memory is accessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Access {
    /// Bytes.
    pub size: u64,
    /// Class of the value moved.
    pub class: Class,
    /// Volatile.
    pub volatile: bool,
    /// Atomic.
    pub atomic: bool,
    /// What the value is declared as.
    pub declared: Declared,
    /// The structure that the value is a member of, by the access: index in [`Module::records`].
    pub record: Option<u32>,
    /// Which member it is of the innermost structure: index in [`Module::members`].
    pub member: Option<u32>,
}

/// A member of a structure: members of structures that are made of the same scalars are one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct TypedMember {
    /// Bytes from the start of the structure.
    pub offset: u64,
    /// The scalars of the structure, by offset: what they are, and bytes; an array's first element stands for it.
    pub scalars: Vec<(u64, Declared, u64)>,
}

impl TypedMember {
    /// Bytes up to the end of the structure's last scalar.
    #[must_use]
    pub fn extent(&self) -> u64 {
        self.scalars.iter().map(|(at, _, bytes)| at + bytes).max().unwrap_or(0)
    }

    /// Bytes up to the end of the member, as far as an access to it certainly goes.
    #[must_use]
    pub fn reach(&self) -> u64 {
        let own = self.scalars.iter().find(|(at, ..)| *at == self.offset);
        self.offset + own.map_or(1, |(_, _, bytes)| *bytes)
    }
}

/// What C's rules on effective types say of a value in memory (clang's type-based alias metadata): a
/// pointer is not read back as a number, nor a number as a pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Declared {
    /// Nothing: compiled without these rules, or a copy made by the compiler.
    Unknown,
    /// Characters or a union: may be either.
    Any,
    /// A pointer.
    Pointer,
    /// A number.
    Number,
}

/// A structure as accesses name it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// Its tag.
    pub name: String,
    /// The tags of all structures in it, its own included, sorted.
    pub holds: Vec<String>,
}

/// What an instruction does. Only what moves data or control between functions is told apart.
#[derive(Debug, Clone)]
pub enum InstrKind {
    /// Stack slot.
    Alloca {
        /// Layout of one element.
        ty: TypeId,
        /// Bytes of the whole, `None` if variable.
        size: Option<u64>,
        /// More than one element (or a variable number).
        array: bool,
        /// Source-level or LLVM name, may be empty.
        name: String,
    },
    /// Load.
    Load {
        /// Address.
        ptr: Operand,
        /// What is moved.
        access: Access,
    },
    /// Store.
    Store {
        /// Address.
        ptr: Operand,
        /// Value.
        value: Operand,
        /// What is moved.
        access: Access,
    },
    /// Pointer arithmetic.
    Gep {
        /// Base.
        base: Operand,
        /// Steps in order.
        steps: Box<[GepStep]>,
    },
    /// The result may be any of the operands (casts, phi, select, freeze, extract, insert).
    Copy {
        /// Operands.
        from: Box<[Operand]>,
    },
    /// Arithmetic on integers. The result may hold a pointer into what operands point to, at any
    /// offset, if it has eight bytes.
    Arith {
        /// Operands.
        from: Box<[Operand]>,
        /// The bytes added, if it is an addition or subtraction of a constant (to the first operand).
        add: Option<i64>,
    },
    /// Computation on operands whose result can't hold a pointer (comparisons, floating point,
    /// conversions, narrow integers).
    Compute {
        /// Operands.
        from: Box<[Operand]>,
    },
    /// Call (`call`, `invoke`, `callbr`) of anything but the memory intrinsics.
    Call(Box<Call>),
    /// `llvm.memcpy`, `llvm.memmove`.
    MemCopy {
        /// Destination.
        dst: Operand,
        /// Source.
        src: Operand,
        /// Length in bytes.
        len: Operand,
        /// Volatile.
        volatile: bool,
    },
    /// `llvm.memset`.
    MemSet {
        /// Destination.
        dst: Operand,
        /// Byte.
        value: Operand,
        /// Length in bytes.
        len: Operand,
    },
    /// `atomicrmw`: the old value is the result.
    AtomicRmw {
        /// Address.
        ptr: Operand,
        /// Operand value.
        value: Operand,
        /// What is moved.
        access: Access,
    },
    /// `cmpxchg`: result is (old value, success).
    CmpXchg {
        /// Address.
        ptr: Operand,
        /// Expected.
        expected: Operand,
        /// New value.
        value: Operand,
        /// What is moved.
        access: Access,
    },
    /// `llvm.va_start`.
    VaStart {
        /// Address of the `va_list`.
        list: Operand,
    },
    /// `llvm.va_copy`.
    VaCopy {
        /// Address of the destination.
        dst: Operand,
        /// Address of the source.
        src: Operand,
    },
    /// `va_arg`.
    VaArg {
        /// Address of the `va_list`.
        list: Operand,
    },
    /// Return.
    Ret {
        /// Value, if any.
        value: Option<Operand>,
    },
    /// Branch, switch and other ends of blocks.
    Branch {
        /// Condition or address, if any.
        on: Option<Operand>,
    },
    /// Exception landing pad: result comes from the environment.
    LandingPad,
    /// No effect (`fence`, markers, debug).
    Nop,
}

impl InstrKind {
    /// The access of a load, store or atomic.
    pub fn access_mut(&mut self) -> Option<&mut Access> {
        match self {
            InstrKind::Load { access, .. }
            | InstrKind::Store { access, .. }
            | InstrKind::AtomicRmw { access, .. }
            | InstrKind::CmpXchg { access, .. } => Some(access),
            _ => None,
        }
    }

    /// Calls `visit` with every operand, in order.
    pub fn operands(&self, mut visit: impl FnMut(Operand)) {
        match self {
            InstrKind::Alloca { .. } | InstrKind::LandingPad | InstrKind::Nop => {}
            InstrKind::Load { ptr, .. } => visit(*ptr),
            InstrKind::Store { ptr, value, .. } | InstrKind::AtomicRmw { ptr, value, .. } => {
                visit(*ptr);
                visit(*value);
            }
            InstrKind::Gep { base, .. } => visit(*base),
            InstrKind::Copy { from } | InstrKind::Arith { from, .. } | InstrKind::Compute { from } => {
                from.iter().copied().for_each(visit);
            }
            InstrKind::Call(call) => {
                if let Callee::Indirect(callee) = call.callee {
                    visit(callee);
                }
                call.args.iter().copied().for_each(visit);
            }
            InstrKind::MemCopy { dst, src, len, .. } => [*dst, *src, *len].into_iter().for_each(visit),
            InstrKind::MemSet { dst, value, len } => [*dst, *value, *len].into_iter().for_each(visit),
            InstrKind::CmpXchg { ptr, expected, value, .. } => [*ptr, *expected, *value].into_iter().for_each(visit),
            InstrKind::VaStart { list } | InstrKind::VaArg { list } => visit(*list),
            InstrKind::VaCopy { dst, src } => [*dst, *src].into_iter().for_each(visit),
            InstrKind::Ret { value } => value.iter().copied().for_each(visit),
            InstrKind::Branch { on } => on.iter().copied().for_each(visit),
        }
    }
}

/// Who is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Callee {
    /// Defined function.
    Function(FunctionId),
    /// External function.
    External(ExternalId),
    /// Through a pointer.
    Indirect(Operand),
    /// Inline assembly.
    Asm {
        /// Text.
        text: String,
        /// Constraints.
        constraints: String,
    },
}

impl Callee {
    /// Inline assembly that may touch memory.
    #[must_use]
    pub fn is_working_assembly(&self) -> bool {
        matches!(self, Callee::Asm { text, constraints } if !assembly::only_computes(text, constraints))
    }
}

/// A call.
#[derive(Debug, Clone)]
pub struct Call {
    /// Who.
    pub callee: Callee,
    /// Arguments.
    pub args: Vec<Operand>,
    /// Classes of arguments as passed and of the result; `variadic` as the call's type says.
    pub signature: Signature,
    /// The types of functions that a call through a pointer may be made by: indices in [`Module::prototypes`]; none if not known.
    pub prototypes: Vec<u32>,
    /// For `byval` arguments the size of the object copied, else 0. May be empty if all 0.
    pub byval: Vec<u64>,
    /// Result is written through the first argument (`sret`).
    pub sret: bool,
    /// May unwind to a landing pad (`invoke`).
    pub invoke: bool,
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Class::Void => f.write_str("void"),
            Class::Int(bytes) => write!(f, "i{}", u32::from(*bytes) * 8),
            Class::Pointer => f.write_str("ptr"),
            Class::Float => f.write_str("float"),
            Class::Aggregate => f.write_str("aggregate"),
        }
    }
}
