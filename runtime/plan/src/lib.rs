//! The plan: the cut written down as an interface between replay space and environment.
//!
//! Written by the analyzer, obeyed by the pass, read by the tools to print sites. A plan belongs to
//! one module (its fingerprint) and is byte-identical for the same module and inputs.
//!
//! Site ids are `(function, ordinal)`: the ordinal counts, in one function and in the order of
//! its instructions before optimisation, every *site instruction*: `load`, `store`, `atomicrmw`,
//! `cmpxchg`, `va_arg`, and every `call`/`invoke`/`callbr` except calls of `llvm.*` intrinsics
//! other than `llvm.memcpy*`, `llvm.memmove*` and `llvm.memset*`. Inline assembly counts.
//! The fingerprint is SHA-256 over the defined functions sorted by name (those with linkage
//! `available_externally` left out): name, a zero byte, one letter per site instruction
//! (`l`, `s`, `r`, `x`, `v`, `c`; `m` for the three memory intrinsics), a byte 0xff.
//!
//! Evolution: fields may be added with a serde default; any other change raises [`FORMAT`].

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Version of the plan format.
pub const FORMAT: u32 = 2;

/// A computed interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// [`FORMAT`].
    pub format: u32,
    /// Fingerprint of the module, hex.
    pub module: String,
    /// Which cut was taken.
    pub cut: CutMode,
    /// What to instrument, sorted by function, then ordinal. The index in this list is the site id.
    pub sites: Vec<Site>,
    /// Heap objects with environment-side fields; index + `OBJ_MIXED` is their `objid`.
    #[serde(default)]
    pub mixed: Vec<MixedObject>,
    /// Copies of allocation wrappers, one per side that callers want. Sorted by `name`.
    #[serde(default)]
    pub clones: Vec<FunctionClone>,
    /// Functions that run when recording only, sorted (clones included).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environment: Vec<String>,
    /// The patterns that chose the replay target, as given; empty: all functions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<String>,
    /// Some functions need not be replayed, by the patterns: a build that counts counts what functions do to each other, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// What was done about data races.
    #[serde(default, skip_serializing_if = "is_default")]
    pub races: RaceMode,
    /// The profiled run started no thread: where one is started, recording stops.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub single: bool,
    /// Functions that are expected to run once the process is not alone, sorted (clones included): loads of theirs that are something else before are made fast for then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accompanied: Vec<String>,
    /// Functions of replay space the environment may call, sorted; the index is the upcall id.
    #[serde(default)]
    pub upcalls: Vec<String>,
    /// Functions that the analysis found no way to, sorted. Nothing in them is instrumented, so
    /// recording stops if one runs after all.
    #[serde(default)]
    pub unreached: Vec<String>,
    /// Functions of replay space that have the name of a library function and can be seen by libraries, sorted: recording stops
    /// if one of these calls them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_name: Vec<String>,
    /// Globals with any environment-side part (left out of digests), sorted.
    #[serde(default)]
    pub environment_globals: Vec<String>,
    /// Those of them that are wholly in replay space as long as the process is alone, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shared_globals: Vec<String>,
    /// Globals that code outside of the module may store to by their names at any time, sorted; of a check build only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub used_outside: Vec<String>,
    /// Variables of the library, with their bytes, that may be anywhere below the bound, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub library_variables: Vec<(String, u64)>,
    /// External variables replaced by a replay-space copy made at start ("constant"), with bytes.
    #[serde(default)]
    pub constants: Vec<(String, u64)>,
    /// What the functions look like, by name; in builds that count only.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shapes: BTreeMap<String, Shape>,
    /// How the profile fitted, if it was that of another build.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fit: Option<Fit>,
}

/// Version of the format of profiles.
pub const PROFILE_FORMAT: u32 = 4;

/// Why a recording ends where a call goes to code of a library through a pointer, and what to do about it.
pub const FOREIGN_CALLEE: &str = "this call goes through a pointer that came from the environment (a plug-in, or a pointer of the library): \
    its code can't be recorded; make the call in a function that is compiled with ITARGET_CC_OFF=1";

/// Object of a profile: anything on the stack.
pub const STACK: &str = "<stack>";

/// What a function looks like, to know it again in another build.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// Line where it begins, 0 if not known.
    pub line: u32,
    /// Hash of its body, hex.
    pub hash: String,
}

/// How the profile of another build was used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fit {
    /// Functions with the same name and body: they have measured weights.
    pub matched: usize,
    /// Functions whose body is another one, sorted: their weights are estimates.
    pub changed: Vec<String>,
    /// Functions that the profile does not know: their weights are estimates.
    pub new: usize,
    /// Functions of the profile that are no more.
    pub gone: usize,
    /// Counted events at sites of matched functions.
    pub events: u64,
    /// Counted events that were left out.
    pub events_left_out: u64,
}

/// Most names of changed functions that are said in a sentence.
const SHOWN: usize = 5;

impl fmt::Display for Fit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let estimated = self.changed.len() + self.new;
        let (matched, of) = (self.matched, self.matched + estimated);
        write!(f, "profile of another build: {matched} of {of} functions are as they were, with {} counted events", self.events)?;
        if estimated > 0 {
            write!(f, "; weights of the other {estimated} are estimates")?;
        }
        if !self.changed.is_empty() {
            let names: Vec<String> = self.changed.iter().take(SHOWN).map(|n| format!("`{n}`")).collect();
            write!(f, " (changed: {}", names.join(", "))?;
            if self.changed.len() > SHOWN {
                write!(f, " and {} more", self.changed.len() - SHOWN)?;
            }
            write!(f, ")")?;
        }
        if self.events_left_out > 0 {
            write!(f, "; {} events left out", self.events_left_out)?;
        }
        Ok(())
    }
}

/// Which interface was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CutMode {
    /// The minimum cut of the flow graph.
    Min,
    /// The library boundary: every result and out-parameter of non-deterministic externals.
    Libc,
    /// Only calls are cut: no load and no store of the program is logged, but loads of the library's memory.
    Functions,
    /// Counts bytes and events at every candidate site (a build for `itarget profile`).
    Profile,
    /// Compares memory across external calls (a build for `itarget check-annotations`).
    Check,
}

impl CutMode {
    /// A build that watches the program, and is not for recording.
    #[must_use]
    pub fn watches(self) -> bool {
        matches!(self, CutMode::Profile | CutMode::Check)
    }
}

/// What is done about memory that threads may access without an order that can be proved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RaceMode {
    /// It is the environment's: what is loaded from there is logged.
    #[default]
    Log,
    /// Accesses are ordered as they are made; what is loaded where they race indeed is logged.
    Order,
    /// The program is taken to have no data races but those of its atomic operations.
    Trust,
}

/// A place in the source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Location {
    /// File as the debug information has it.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
}

/// One instrumented instruction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// Function (name in the module; for a site of a clone the clone's name).
    pub function: String,
    /// Ordinal of the site instruction in the (original) function.
    pub ordinal: u32,
    /// Where it is, if the module has debug information.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Location>,
    /// What to do there.
    pub action: Action,
    /// What to do there instead as long as the process is alone.
    #[serde(default, skip_serializing_if = "is_default")]
    pub alone: Alone,
    /// Estimated bytes logged in a run (from the profile or static estimates).
    #[serde(default)]
    pub bytes: u64,
    /// Estimated events in a run.
    #[serde(default)]
    pub events: u64,
}

/// What the pass does at a site as long as the process is alone: it has had one thread only, and no external function has run of which nobody knows what it
/// writes. More is replay space then.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alone {
    /// The same as later.
    #[default]
    Same,
    /// Nothing.
    Nothing,
    /// Something else.
    Other(Box<Action>),
}

/// Whether threads may race for what is accessed, and the thread remembers by its address what it saw there (see `itarget_abi::view`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Raced {
    /// They can't.
    #[default]
    No,
    /// They may, and it lies where it was recorded.
    Yes,
    /// They may, but it may be a variable of the library's, which lies elsewhere at replay: the address tells.
    Mapped,
}

impl Raced {
    /// Nobody races for it.
    #[must_use]
    pub fn is_no(&self) -> bool {
        *self == Raced::No
    }
}

/// What the pass does at a site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Action {
    /// An external call (or memory intrinsic) that is, or may be, an environment call.
    Call(Call),
    /// Load of an environment value.
    Load {
        /// Always logged, or told apart by address.
        how: How,
        /// It is logged because it may race: mostly it reads what the thread saw there last.
        #[serde(default, skip_serializing_if = "Raced::is_no")]
        raced: Raced,
    },
    /// Store that may hit memory which does not exist at replay, or memory that loads race for, or both.
    Store {
        /// Whether its memory exists at replay is told apart by address.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        checked: bool,
        /// Loads of that memory are `raced`: the thread will know what it wrote.
        #[serde(default, skip_serializing_if = "Raced::is_no")]
        raced: Raced,
    },
    /// Load or store of replay space that may race: ordered as it is made; a load is logged where it races indeed.
    Order {
        /// A load that may also be one of environment memory, told apart by address.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        checked: bool,
    },
    /// A store, memory intrinsic or external call of a function of the environment that may write replay
    /// space: what it writes there is logged, and applied at replay.
    Apply {
        /// For calls: what is written.
        #[serde(default)]
        writes: Vec<Write>,
    },
    /// A call of functions of the program that are in the environment: their results and what they write to
    /// replay space is logged (at the functions, not here).
    Downcall {
        /// The functions, in order of the module.
        to: Vec<String>,
    },
    /// A call by a function of the environment of functions that are replayed: arguments and stack pointer are
    /// logged (at the functions, not here).
    Upcall {
        /// The functions, in order of the module.
        to: Vec<String>,
    },
    /// Allocation: the objid argument of the runtime's allocation function.
    Alloc {
        /// Runtime function called instead.
        runtime: String,
        /// See `itarget_abi::layout::OBJ_REPLAY` and following.
        objid: u32,
    },
    /// Call of a runtime function with the same arguments instead.
    Replace {
        /// Its symbol.
        runtime: String,
    },
    /// Call of a clone instead of the original function.
    Redirect {
        /// Name of the clone (see [`Plan::clones`]).
        to: String,
    },
    /// Recording stops before this call, with this reason.
    Refuse {
        /// Sentence for the user.
        reason: String,
        /// What takes the place of the call all the same: other calls work with what the runtime's function makes (`setjmp`).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        then: Option<Box<Action>>,
    },
    /// Recording stops before this instruction if one of these operands leads to memory of the environment above the
    /// bound: it works on that memory itself, and at replay the memory is not what it was.
    Guard {
        /// Operands (of a call: arguments).
        operands: Vec<u32>,
    },
    /// A call that works on what its arguments point to itself, at replay too, while that may be memory of the environment: it
    /// gets copies, whose contents are logged.
    Stage {
        /// The arguments.
        args: Vec<Staged>,
    },
    /// An atomic operation on memory that several threads reach: its order is logged.
    Atomic {
        /// It reads and writes replay space, in an order with all that writes there: what it reads needs no log.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        replayed: bool,
    },
    /// An indirect call: recording stops before it if the code called is not the program's.
    Callee {
        /// No function of the program's is known to be called there: recording stops before all but the `free` of libraries.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        foreign: bool,
    },
    /// A safe point for asynchronous events (volatile load).
    Poll,
    /// Profile builds: count bytes moved through the pointer of this load, store or call.
    Count {
        /// For calls: what is counted, by pointer argument; empty for loads and stores.
        #[serde(default)]
        writes: Vec<Write>,
        /// For calls that only work on memory, or print it: what they read, counted apart.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        reads: Vec<Read>,
        /// Where it prints: what goes elsewhere than to stdout and stderr is not counted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        show: Option<Show>,
    },
}

impl Action {
    /// The action that counts a load, a store, or that a call is made.
    #[must_use]
    pub fn count() -> Action {
        Action::Count { writes: Vec::new(), reads: Vec::new(), show: None }
    }
}

/// What a call reads through a pointer argument, in profile builds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// The argument.
    pub arg: u32,
    /// How much; `None`: some, anywhere in the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub len: Option<Len>,
}

/// An argument whose memory is copied around a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staged {
    /// Argument, from 0.
    pub arg: u32,
    /// Bytes; 0: a C string.
    pub bytes: u64,
    /// For a string: the argument that says how much of it is looked at, at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// They are read.
    pub read: bool,
    /// They are written.
    pub written: bool,
    /// Always copied, or only if the address is above the bound.
    pub how: How,
    /// It may race: copied in an order while there are several threads.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ordered: bool,
}

/// Whether a side is known at compile time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// Always treated as environment (logged).
    Always,
    /// Decided by one compare of the address at run time.
    Checked,
    /// Decided at run time, too, where the memory below the bound that is the environment's is all in variables: those of
    /// [`Plan::environment_globals`].
    Located,
    /// As `Located`, and the environment also has some of the memory on stacks: what is on a stack is treated as its.
    OnStack,
    /// As `Located`, and the environment has frames of the library's on stacks: what is on a stack is treated as its while the library calls back.
    InFrames,
}

/// An external call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// External function (or intrinsic).
    pub callee: String,
    /// `Always`: an environment call. `Checked`: runs natively in all modes unless one of
    /// `pointers` is at or above the bound (or as `locale` and `varies` say), in which case
    /// this instance is an environment call.
    pub how: How,
    /// Argument indices whose addresses decide (for `Checked`). For `Always`: those that it writes through, if what these lead to may be
    /// missing at replay.
    #[serde(default)]
    pub pointers: Vec<u32>,
    /// Those of `pointers` that may lead to variables of the environment (see [`How::Located`]): decided by these, too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub located: Vec<u32>,
    /// Those of `located` that may lead to memory on a stack that is the environment's (see [`How::OnStack`]).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_stack: Vec<u32>,
    /// Those of `located` that may lead to frames of the library's (see [`How::InFrames`]).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub in_frames: Vec<u32>,
    /// For `Checked`: also an environment call while the locale is not "C".
    #[serde(default)]
    pub locale: bool,
    /// For `Checked`: also an environment call if what the printf format that is this argument prints depends on `errno` or the locale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub varies: Option<u32>,
    /// What happens to the result.
    pub ret: Ret,
    /// Bytes to log after the call.
    #[serde(default)]
    pub writes: Vec<Write>,
    /// The call is re-run at replay when it writes to stdout or stderr.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub show: Option<Show>,
    /// What it prints may lie in memory of the environment below the bound: always captured when it
    /// goes to stdout or stderr.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub captured: bool,
    /// The environment may call back into the program during this call.
    #[serde(default)]
    pub upcalls: bool,
    /// Nobody annotated it, so from this call on the process is not alone ([`Alone`]), and it may have threads of the library's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub accompanies: bool,
    /// A format that comes at run time: recording ends before the call if it has memory allocated or stores through arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// What it accesses that may race: ordered before the call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ordered: Vec<Ordered>,
    /// It also reads what can't be ordered before it: an environment call while there are several threads.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub blind: bool,
}

/// Memory that a call accesses and that threads may race for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ordered {
    /// Pointer argument.
    pub arg: u32,
    /// Most bytes from there on, computed from arguments; `None`: to the end of the block, if it leads to the heap, else `most` bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub len: Option<Len>,
    /// See `len`.
    #[serde(default)]
    pub most: u64,
    /// It writes there.
    pub write: bool,
}

/// What happens to the result of an environment call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "as", rename_all = "snake_case")]
pub enum Ret {
    /// Void or unused: nothing.
    None,
    /// Logged as it is (integers, pointers, floats).
    Log,
    /// Static buffer of libc, copied into replay space: a C string.
    CopyCstr,
    /// Static buffer of libc, copied into replay space: that many bytes.
    CopyBytes {
        /// Bytes.
        bytes: u64,
    },
    /// A malloc'ed C string that is moved into our pool.
    AdoptCstr {
        /// objid of the new object.
        objid: u32,
    },
}

/// Bytes written through a pointer argument, logged after the call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write {
    /// Pointer argument, from 0. For [`Len::Scanf`] the first vararg.
    pub arg: u32,
    /// How many bytes.
    pub len: Len,
    /// `Some((arg, value))`: only when that integer argument has that value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<(u32, Vec<i64>)>,
    /// Globals and stack objects that may be written are all the environment's: only heap memory is logged.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub heap_only: bool,
    /// What the length is computed from (the array of [`Len::Iovec`], the headers of [`Len::Msghdr`] and [`Len::Mmsghdr`]) may be memory of the
    /// environment: its contents are logged, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub carried: bool,
    /// Compared across the call, and logged only if changed; [`Len::Const`] or [`Len::Behind`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub kept: bool,
    /// Nothing is written with this result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unless: Option<i64>,
    /// The bytes are those at this argument, for which threads may race: mostly they are what the thread saw there last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copied: Option<u32>,
}

/// A number of bytes, computed from arguments and result. Negative counts as 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Len {
    /// Constant.
    Const(u64),
    /// Value of an argument.
    Arg(u32),
    /// The (recorded) result.
    Ret,
    /// 32-bit value in the memory an argument points to, after the call; it is logged.
    Mem32(u32),
    /// 64-bit value in the memory an argument points to, after the call; it is logged.
    Mem64(u32),
    /// Sum.
    Add(Box<Len>, Box<Len>),
    /// Product.
    Mul(Box<Len>, Box<Len>),
    /// Minimum.
    Min(Box<Len>, Box<Len>),
    /// Up to and including the terminating NUL.
    Cstr,
    /// The same for `wchar_t`.
    Wcstr,
    /// `iovec` array at argument 0 of the tuple, count at argument 1, `Ret` bytes in total.
    Iovec(u32, u32),
    /// `msghdr` at this argument (recvmsg), `Ret` bytes of data in total.
    Msghdr(u32),
    /// Array of `mmsghdr` at this argument (recvmmsg), `Ret` of them filled, each of which says its number of bytes.
    Mmsghdr(u32),
    /// Not the argument's own bytes: where the pointer at this offset of its memory leads (after
    /// the call; nowhere if null), so many bytes.
    Behind(u64, u64),
    /// Not the argument's own bytes: from where the pointer at this offset of its memory led before the call (nowhere if null) to where it
    /// leads after it.
    Moved(u64),
    /// What scanf stores, in the order of its format, through the varargs from `Write::arg` on.
    Scanf(Vec<Conversion>),
    /// Check builds: somewhere in the object that the argument points to; `true`: also later.
    Object(bool),
}

/// A format among the arguments of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Format {
    /// Argument index.
    pub arg: u32,
    /// One of scanf, not of printf.
    pub scanf: bool,
}

/// A conversion of a scanf format that stores through an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversion {
    /// Bytes stored; 0: a C string.
    pub size: u64,
    /// `%n`: does not count in the result.
    pub is_n: bool,
}

/// Where an output function writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "to", rename_all = "snake_case")]
pub enum Show {
    /// Always stdout (1) or stderr (2).
    Standard {
        /// Which.
        fd: u32,
    },
    /// `FILE *` in this argument.
    Stream {
        /// Argument index.
        arg: u32,
    },
    /// Descriptor in this argument.
    Fd {
        /// Argument index.
        arg: u32,
    },
}

/// A heap object with environment-side fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MixedObject {
    /// Name for messages: `function:line` of the allocation.
    pub name: String,
    /// Environment-side byte ranges `(start, end)`; `end == u64::MAX`: to the end of the object.
    pub ranges: Vec<(u64, u64)>,
    /// The same, of what is in replay space as long as the process is alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shared: Vec<(u64, u64)>,
    /// Element size when the object is an array, else 0.
    #[serde(default)]
    pub stride: u64,
}

/// A copy of a function made by the pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionClone {
    /// Name of the copy.
    pub name: String,
    /// Function it is a copy of.
    pub of: String,
}

/// Why a plan can't be used.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// Not JSON, or not a plan.
    #[error("IT0401: not a plan: {0}")]
    Syntax(#[from] serde_json::Error),
    /// Written by another version.
    #[error("IT0402: plan format {found}, this version reads {FORMAT}; run `itarget analyze` again")]
    Format {
        /// Format of the file.
        found: u32,
    },
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Plan {
    /// Something is told apart by which variable it is in.
    #[must_use]
    pub fn locates(&self) -> bool {
        let locates = |action: &Action| match action {
            Action::Load { how, .. } => matches!(how, How::Located | How::OnStack | How::InFrames),
            Action::Call(call) => !call.located.is_empty(),
            _ => false,
        };
        self.sites.iter().any(|s| locates(&s.action) || matches!(&s.alone, Alone::Other(action) if locates(action)))
    }

    /// The canonical text: JSON.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Reads a plan.
    ///
    /// # Errors
    /// Malformed text, or another format version.
    pub fn parse(text: &str) -> Result<Plan, PlanError> {
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        let head: Head = serde_json::from_str(text)?;
        if head.format != FORMAT {
            return Err(PlanError::Format { found: head.format });
        }
        Ok(serde_json::from_str(text)?)
    }
}
