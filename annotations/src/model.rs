//! The annotation model: what a library function reads, writes and returns, as plain values.
//!
//! Argument numbers count from 0 and run on into the variable arguments: in
//! `ioctl(fd, request, ...)` the first variable argument is argument 2.

use serde::Serialize;

/// Highest argument number an annotation may name.
pub const MAX_ARG: u8 = 15;

/// How calls of a function are treated when recording and at replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Non-deterministic: runs when recording, does not run at replay; its result and annotated
    /// writes come from the log.
    Env,
    /// Deterministic: runs natively in both. A call instance with a pointer argument into
    /// environment memory is treated like [`Kind::Env`].
    Det,
    /// As [`Kind::Det`] while the locale is "C", else as [`Kind::Env`].
    DetLocale,
    /// Always runs natively and is never logged: its hidden state evolves identically at replay.
    Native,
    /// The call is replaced by a function of the itarget runtime, see [`Function::runtime`].
    Runtime,
    /// Recording must stop with a reason, see [`Function::reason`].
    Refuse,
}

/// What the result of a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ret {
    /// No result.
    Void,
    /// Any scalar that is not a pointer into memory, floating point included.
    Int,
    /// The pointer passed as this argument, or null.
    Arg(u8),
    /// A pointer into the object this argument points to, or null.
    Into(u8),
    /// Fresh memory from the library's malloc that the program must free, or null.
    Alloc,
    /// As [`Ret::Alloc`]; the content is a C string, so the runtime can copy it into its own pool.
    AllocCStr,
    /// A pointer to memory the environment owns, or an opaque handle (`FILE *`, `DIR *`), or null.
    External,
    /// A pointer to a static C string of the library; the runtime copies it into replay space
    /// after each call.
    CopyCStr,
    /// A pointer to a static buffer of this many bytes; the runtime copies it into replay space
    /// after each call. Pointers inside it stay external.
    Copy(u64),
    /// The function does not return.
    NoReturn,
}

impl Ret {
    /// Whether the result is a pointer.
    #[must_use]
    pub fn is_pointer(self) -> bool {
        !matches!(self, Ret::Void | Ret::Int | Ret::NoReturn)
    }
}

/// Width of an unsigned number in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Width {
    /// 4 bytes (`int`, `socklen_t`).
    U32,
    /// 8 bytes (`size_t`).
    U64,
}

/// A length in bytes, evaluated after the call. Saturating; a negative `ret` or 32-bit argument
/// counts as 0.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Len {
    /// A constant.
    Const(u64),
    /// The value of an argument.
    Arg(u8),
    /// The result of the call; negative counts as 0.
    Ret,
    /// The number in the memory that an argument points to, after the call; 0 if it is null.
    Mem {
        /// The pointer argument.
        arg: u8,
        /// Width of the number.
        width: Width,
    },
    /// Sum.
    Add(Box<Len>, Box<Len>),
    /// Product.
    Mul(Box<Len>, Box<Len>),
    /// Quotient by a constant that is not 0, rounded down.
    Div(Box<Len>, u64),
    /// The smaller of the two.
    Min(Box<Len>, Box<Len>),
    /// The bytes from the region's start up to and including the first NUL byte.
    CStr,
    /// As [`Len::CStr`] for strings of `wchar_t` (4 bytes each).
    WCStr,
    /// The buffers of the `struct iovec` array `arg` with as many entries as argument `count`
    /// says, `ret` bytes in all.
    Iovec {
        /// The `struct iovec *` argument.
        arg: u8,
        /// The argument that holds the number of entries.
        count: u8,
    },
    /// The `struct msghdr` that an argument points to, as `recvmsg` fills it: name, control data,
    /// flags, lengths, and `ret` bytes of the buffers.
    Msghdr {
        /// The `struct msghdr *` argument.
        arg: u8,
    },
    /// The array of `struct mmsghdr` that an argument points to, as `recvmmsg` fills the first `ret` of them: in each what
    /// [`Len::Msghdr`] says, its own length, and so many bytes of its buffers.
    Mmsghdr {
        /// The `struct mmsghdr *` argument.
        arg: u8,
    },
    /// Not the argument's own bytes, but so many where the pointer at this offset of its memory
    /// leads; none if that is null.
    Behind {
        /// Where the pointer is, in bytes.
        offset: u64,
        /// Bytes written there.
        bytes: u64,
    },
    /// Not the argument's own bytes, but what lies between where the pointer at this offset of its memory led before the call and where it
    /// leads after it; none if it was null.
    Moved {
        /// Where the pointer is, in bytes.
        offset: u64,
    },
    /// The conversions of a scanf format over the variable arguments (or the `va_list`) after it;
    /// `ret` of them took place.
    Scanf {
        /// The argument that holds the format.
        format: u8,
    },
    /// The size that the Linux ioctl request number in an argument encodes (bits 16 to 29) if its
    /// read bit (bit 31) is set, else 0.
    Ioctl {
        /// The argument that holds the request.
        request: u8,
    },
}

/// Bytes read or written through a pointer argument. Nothing is read or written if the pointer is
/// null, or if the function returns a pointer ([`Ret::is_pointer`]) and the result is null.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Region {
    /// The pointer argument. For [`Len::Scanf`] the format argument: the
    /// pointers are the arguments after it.
    pub arg: u8,
    /// How many bytes from where it points.
    pub len: Len,
    /// Most calls leave it as it is.
    pub kept: bool,
    /// With this result nothing is written.
    pub unless: Option<i64>,
}

/// A pointer argument that the environment keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Retained {
    /// The pointer argument.
    pub arg: u8,
    /// How many bytes from where it points are the environment's to write later. `None`: all that is left of the object.
    pub bytes: Option<u64>,
}

impl Region {
    /// Most bytes that can be compared across a call.
    pub const MOST_KEPT: u64 = 4096;
}

/// Where a pointer flow starts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Root {
    /// The result.
    Ret,
    /// An argument.
    Arg(u8),
    /// The address of an object the environment owns, one per name.
    External(String),
    /// The address of a fresh heap object, one per call site.
    Alloc,
    /// The address of a static object of the library, one per name.
    Static(String),
}

/// A place a pointer comes from or goes to: the value of `root`, dereferenced `derefs` times.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Place {
    /// Where it starts.
    pub root: Root,
    /// How often to dereference: 0 for the value itself (a pointer derived within the same object
    /// included, unless `offset` is 0), 1 for `*root`, 2 for `**root`.
    pub derefs: u8,
    /// Byte offset of the last dereference from where the pointer points; `None` means anywhere in
    /// the object (and, flowing object to object, the same offsets on both sides).
    pub offset: Option<u64>,
}

/// One pointer flow: `dst` may hold what `src` holds after the call.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct PointerFlow {
    /// Where the pointer goes.
    pub dst: Place,
    /// Where it comes from.
    pub src: Place,
}

/// End of the name of an object that lies in frames of the library's functions: on the program's stack.
pub const FRAME: &str = " frame";

/// What a callback receives as one of its arguments.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallbackArg {
    /// Not a pointer.
    Int,
    /// A pointer from this place.
    Pointer(Place),
}

/// A function pointer that the library calls, now or later.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Callback {
    /// Where the function pointer is: an argument, or memory an argument points to.
    pub function: Place,
    /// The library keeps what it returns, and may write there later.
    pub retained: bool,
    /// Where the library keeps what it returns, for other callbacks.
    pub kept: Option<Place>,
    /// Its arguments.
    pub args: Vec<CallbackArg>,
}

/// Which stream an output function writes to; at replay its output is shown if that is stdout or
/// stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Show {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// The `FILE *` in this argument.
    Stream(u8),
    /// The file descriptor in this argument.
    Fd(u8),
}

/// How many variable arguments a call has and of what types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Varargs {
    /// The function takes none, or reads none.
    None,
    /// As the printf format in this argument says; they follow the format.
    Printf(u8),
    /// As the scanf format in this argument says; they follow the format.
    Scanf(u8),
    /// As [`Varargs::Printf`], from the `va_list` that is the argument after the format.
    VPrintf(u8),
    /// As [`Varargs::Scanf`], from the `va_list` that is the argument after the format.
    VScanf(u8),
    /// At most this many machine words (integers or pointers), as for `open` and `fcntl`.
    Words(u8),
    /// Pointers up to and including a null pointer, as for `execl`.
    Pointers,
}

/// An override for calls whose argument `arg` has one of `values` (`fcntl`, `ioctl`, `prctl`).
/// A field that is `None` keeps the function's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Case {
    /// The argument that selects.
    pub arg: u8,
    /// Its values; compared in the width of the argument.
    pub values: Vec<i64>,
    /// How calls are treated.
    pub kind: Option<Kind>,
    /// What the result is.
    pub ret: Option<Ret>,
    /// Bytes written.
    pub writes: Option<Vec<Region>>,
    /// Bytes read.
    pub reads: Option<Vec<Region>>,
    /// Pointer flow.
    pub pointers: Option<Vec<PointerFlow>>,
    /// Pointer arguments the environment keeps.
    pub retains: Option<Vec<Retained>>,
    /// Why the call is refused.
    pub reason: Option<String>,
}

/// The annotation of one library function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Function {
    /// Symbol name.
    pub name: String,
    /// How calls are treated.
    pub kind: Kind,
    /// What the result is.
    pub ret: Ret,
    /// Bytes written through pointer arguments, valid after the call.
    pub writes: Vec<Region>,
    /// Bytes read through pointer arguments (informative, may be incomplete).
    pub reads: Vec<Region>,
    /// Pointer flow. `None`: [`Function::ret`] alone says it. `Some`: what is said here holds in
    /// addition to what `ret` says.
    pub pointers: Option<Vec<PointerFlow>>,
    /// Function pointers the library calls.
    pub callbacks: Vec<Callback>,
    /// The stream an output function writes to.
    pub show: Option<Show>,
    /// Variable arguments; `None` if the function has none.
    pub varargs: Option<Varargs>,
    /// The argument whose memory the function frees.
    pub frees: Option<u8>,
    /// Pointer arguments the environment keeps: it may read or write their memory later.
    pub retains: Vec<Retained>,
    /// Overrides by the value of an argument; the first that matches holds.
    pub cases: Vec<Case>,
    /// For [`Kind::Runtime`]: the runtime symbol that replaces the function.
    pub runtime: Option<String>,
    /// For [`Kind::Refuse`]: why, in words for the user.
    pub reason: Option<String>,
    /// The file that says so.
    pub source: String,
}

impl Function {
    /// The override that holds when argument `arg` has the value `value`.
    #[must_use]
    pub fn case(&self, arg: u8, value: i64) -> Option<&Case> {
        self.cases
            .iter()
            .find(|case| case.arg == arg && case.values.contains(&value))
    }
}

/// What memory of the library holds: who looks into it uses this type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// Name of the memory: the function whose result leads there, the variable, or what `external:NAME`
    /// says.
    pub name: String,
    /// The tag of the structure it is, a type that the program may not even know.
    pub record: Option<String>,
    /// It (or an array in the structure) is read as characters too, and holds no pointers.
    pub bytes: bool,
    /// It is an array of numbers of this many bytes.
    pub scalar: Option<u64>,
    /// The file that says so.
    pub source: String,
}

/// How a library variable is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum VariableKind {
    /// Loaded once at start into replay space (`stdin`, `stdout`, `stderr`).
    Constant,
    /// The replay's own variable is valid (`optarg`, `environ`).
    Native,
    /// Environment memory: all loads are logged. Also holds for a variable without annotation.
    External,
}

/// The annotation of one library variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Variable {
    /// Symbol name.
    pub name: String,
    /// How it is treated.
    pub kind: VariableKind,
    /// Size in bytes, where known.
    pub size: Option<u64>,
    /// The file that says so.
    pub source: String,
}
