//! What each site of the program reads and writes, in terms of cells: the input of the flow graph
//! and of the plan.

use super::weights::Traffic;
use crate::annotate::CallSpec;
use crate::model::FunctionId;
use crate::points_to::{FieldId, PointsTo};
use itarget_plan::{Ordered, Staged};
use rustc_hash::FxHashMap;

/// Where an object lives, as far as sides are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Code: holds no values.
    Code,
    /// Never there while something is recorded: the call that makes it ends the recording.
    Absent,
    /// Never written: always replay space.
    ReadOnly,
    /// Heap object whose arena the plan chooses: its cells are told apart by address at run time.
    Movable,
    /// Stays below the bound whichever side its cells are on.
    Low,
    /// A mapping of the program: below the bound if anonymous, else environment memory above it.
    Mapping,
    /// Environment memory above the bound.
    External,
    /// Environment memory that may lie below the bound (variables of the library).
    ExternalLow,
}

/// Runtime functions that take an `objid`.
pub const ALLOCATORS: &[&str] = &[
    "__itarget_calloc",
    "__itarget_malloc",
    "__itarget_memalign",
    "__itarget_posix_memalign",
    "__itarget_realloc",
    "__itarget_reallocarray",
    "__itarget_strdup",
    "__itarget_strndup",
];

/// A load.
#[derive(Debug)]
pub struct Load {
    /// Function and instruction index.
    pub at: (usize, usize),
    /// Ordinal.
    pub ordinal: u32,
    /// Cells it may read; empty: not known.
    pub values: Vec<FieldId>,
    /// Bytes.
    pub size: u64,
    /// Volatile.
    pub volatile: bool,
    /// It may race though the memory does not count as racing: what it read is logged, whichever side that is on.
    pub races: bool,
    /// Estimated executions.
    pub executions: u64,
}

/// A store.
#[derive(Debug)]
pub struct Store {
    /// Function and instruction index.
    pub at: (usize, usize),
    /// Ordinal.
    pub ordinal: u32,
    /// Cells it may write; empty: not known.
    pub values: Vec<FieldId>,
    /// Bytes.
    pub size: u64,
    /// Estimated executions.
    pub executions: u64,
}

/// A call of functions of the program.
#[derive(Debug)]
pub struct InternalCall {
    /// Function and instruction index.
    pub at: (usize, usize),
    /// Functions it may call, ascending.
    pub callees: Vec<FunctionId>,
    /// Through a pointer.
    pub indirect: bool,
    /// Bytes of its arguments.
    pub arg_bytes: u64,
    /// Bytes of its result; 0 if that is not used.
    pub ret_bytes: u64,
    /// Estimated executions.
    pub executions: u64,
}

/// What a function can only do on one side of the cut. Matters where it is free.
#[derive(Debug, Default)]
pub struct Bonds {
    /// If the function is in the environment, so is the cell: what it does there can't be logged.
    pub own: Vec<(FunctionId, FieldId)>,
    /// Functions that must be on the same side, with the reason: state that the library keeps for them.
    pub together: Vec<(FunctionId, FunctionId, &'static str)>,
    /// Functions that must be replayed, with what they do.
    pub replayed: Vec<(FunctionId, String)>,
    /// Cells of heap objects with the function that allocates them.
    pub allocated: Vec<(FunctionId, FieldId, u64)>,
}

/// How a call is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Environment call with annotated writes.
    Env,
    /// Environment call that may write whatever it reaches.
    Unknown,
    /// Runs natively on replay-space data.
    Det,
    /// Replaced by a runtime function.
    Runtime,
    /// Always runs natively.
    Native,
    /// Recording ends.
    Refuse,
}

/// Bytes written by an external call.
#[derive(Debug)]
pub struct WriteFact {
    /// Cells that may be written; empty: not known.
    pub values: Vec<FieldId>,
    /// Cells that say where the bytes are: the array of `iovec`, the `msghdr`.
    pub shape: Vec<FieldId>,
    /// Estimated bytes of one call.
    pub bytes: u64,
    /// The pointer is null in this call: nothing is written.
    pub nowhere: bool,
}

/// Data moved by a deterministic call: what is read flows into what is written.
#[derive(Debug)]
pub struct Movement {
    /// Cells read.
    pub from: Vec<FieldId>,
    /// Cells written, with the bytes of one call that land in each.
    pub to: Vec<(FieldId, u64)>,
}

/// A pointer argument that decides at run time.
#[derive(Debug)]
pub struct PointerArg {
    /// Argument.
    pub arg: u32,
    /// Cells it may lead to; empty: not known.
    pub values: Vec<FieldId>,
    /// It is read through.
    pub read: bool,
}

/// A call of an external function, or a memory intrinsic.
#[derive(Debug)]
pub struct CallSite {
    /// Function and instruction index.
    pub at: (usize, usize),
    /// Ordinal.
    pub ordinal: u32,
    /// Name of what is called.
    pub callee: String,
    /// How it is treated.
    pub role: Role,
    /// Its annotation, with constants filled in.
    pub spec: CallSpec,
    /// What it writes, in step with `spec.writes`.
    pub writes: Vec<WriteFact>,
    /// Cells the environment may write now or later.
    pub pinned: Vec<FieldId>,
    /// What a deterministic call moves, per calling context.
    pub movements: Vec<Movement>,
    /// It copies memory from one argument to another.
    pub copies: bool,
    /// Pointer arguments of a deterministic call.
    pub pointers: Vec<PointerArg>,
    /// Cells a deterministic call reads that no argument points to (through a `va_list`).
    pub deep: Vec<FieldId>,
    /// Cells of what a call prints.
    pub printed: Vec<FieldId>,
    /// Estimated bytes that one call prints from there; 0 if it is certainly not on stdout or stderr.
    pub printed_bytes: u64,
    /// Arguments that lead there.
    pub shown: Vec<u32>,
    /// An unannotated call that writes no memory.
    pub harmless: bool,
    /// The result is used.
    pub used: bool,
    /// Bytes of the result.
    pub ret_bytes: u64,
    /// Functions the environment may call meanwhile, ascending.
    pub upcalls: Vec<FunctionId>,
    /// Estimated executions.
    pub executions: u64,
}

/// Cells that must be in replay space, or the site can't be recorded.
#[derive(Debug)]
pub struct Pin {
    /// Function and instruction index.
    pub at: (usize, usize),
    /// The cells.
    pub values: Vec<FieldId>,
    /// What reads them, for messages.
    pub what: String,
    /// The operands that lead to them: arguments of a call, else the address.
    pub operands: Vec<u32>,
    /// The site is a call: recording can stop there if the cells can't be in replay space.
    pub refusable: bool,
    /// Where the cells are not in replay space, the site gets this copy.
    pub staged: Option<Staged>,
}

/// All facts of a module.
#[derive(Debug, Default)]
pub struct Facts {
    /// Cells whose bytes calls print on stdout or stderr, with the function that does: a replay shows them
    /// only if they are in replay space.
    pub shown: Vec<(usize, FieldId)>,
    /// Place by object.
    pub places: Vec<Place>,
    /// By object: its address at replay may be another than that recorded.
    pub elsewhere: Vec<bool>,
    /// Loads, by function and ordinal.
    pub loads: Vec<Load>,
    /// Stores (memory intrinsics are calls).
    pub stores: Vec<Store>,
    /// Calls of externals.
    pub calls: Vec<CallSite>,
    /// Calls of functions of the program.
    pub internal: Vec<InternalCall>,
    /// See there.
    pub bonds: Bonds,
    /// Cells of variables that code outside of the module stores to by their names.
    pub used_outside: Vec<FieldId>,
    /// Cells that threads of the environment may write: ascending.
    pub raced: Vec<FieldId>,
    /// Cells that threads may race for, whose accesses are ordered as they are made: ascending.
    pub ordered: Vec<FieldId>,
    /// Calls that may access such cells, with what is ordered before each, and whether they read more of them.
    pub ordered_calls: FxHashMap<(usize, usize), (Vec<Ordered>, bool)>,
    /// Atomic operations, where threads are recorded: place, ordinal, and what they touch.
    pub atomics: Vec<(((usize, usize), u32), Vec<FieldId>)>,
    /// The run time can tell whether the process is alone: all functions are replayed, and nothing is ordered as it is made.
    pub alone: bool,
    /// Functions without annotation run where they are called only: no address of one is taken, by which a library could call it.
    pub unknown_by_call: bool,
    /// Threads are recorded, and what they race for without an order is the environment's.
    pub threads: bool,
    /// The profiled run started no thread, and one that does is not recorded on.
    pub single: bool,
    /// Functions that are expected to run once there are several threads: others than that of `main` may run them, or the profiled run had some; ascending.
    pub accompanied: Vec<usize>,
    /// Inline assembly: place, what it works on, and whether it looks as if threads synchronized by it.
    pub assembly: Vec<((usize, usize), Vec<FieldId>, bool)>,
    /// What several threads may write in replay space they write in an order, for certain.
    pub ordered_writes: bool,
    /// Functions that such threads may run: ascending.
    pub threaded: Vec<FunctionId>,
    /// Cells that earlier unannotated calls may have captured, and one such call (its index in
    /// `calls`), if there is any.
    pub escaped: Vec<FieldId>,
    /// See `escaped`.
    pub unknown_call: Option<u32>,
    /// Cells that must be in replay space.
    pub pins: Vec<Pin>,
    /// Cells that an array may consist of whose elements change places.
    pub sorted: Vec<Vec<FieldId>>,
    /// Pairs of cells that move together: if the first is environment, so is the second.
    pub implied: Vec<(FieldId, FieldId)>,
    /// Calls that are refused whatever the cut is, with the reason: `(function, instruction)`.
    pub refused: Vec<((usize, usize), String)>,
    /// As `refused`, once the process is not alone: what is no matter as long as there is one thread.
    pub refused_later: Vec<((usize, usize), String)>,
    /// Calls through pointers that may lead to code the analysis does not know, and whether they lead to no other.
    pub unknown_calls: Vec<((usize, usize), bool)>,
    /// External variables that become replay-space copies: name, bytes.
    pub constants: Vec<(String, u64)>,
}

impl Facts {
    /// More is replay space as long as the process is alone: until it has a second thread, or calls what nobody annotated.
    #[must_use]
    pub fn differs_alone(&self) -> bool {
        let races = self.threads && (!self.raced.is_empty() || self.loads.iter().any(|l| l.races));
        self.alone && (races || self.unknown_by_call && self.calls.iter().any(CallSite::may_write_all))
    }

    /// The place of a cell.
    #[must_use]
    pub fn place(&self, points_to: &PointsTo, field: FieldId) -> Place {
        self.places[points_to.field(field).object.0 as usize]
    }
}

/// True if the call's replacement takes an objid.
#[must_use]
pub fn is_allocator(spec: &CallSpec) -> bool {
    spec.runtime.as_deref().is_some_and(|r| ALLOCATORS.contains(&r))
}

impl CallSite {
    /// Nobody annotated what is called, how much it writes is not known (a format of scanf that comes at run time), or it keeps a pointer:
    /// it may write all that it reaches, now or later.
    #[must_use]
    pub fn may_write_all(&self) -> bool {
        self.role == Role::Unknown && !self.harmless || self.role == Role::Env && !self.pinned.is_empty()
    }

    /// What its result costs to log, in all executions.
    #[must_use]
    pub fn result_traffic(&self) -> Traffic {
        if self.used {
            Traffic { bytes: self.ret_bytes.saturating_mul(self.executions), events: self.executions }
        } else {
            Traffic::default()
        }
    }
}
