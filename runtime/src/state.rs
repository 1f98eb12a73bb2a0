//! The runtime's own state: the control page, what belongs to the process and what belongs to one thread.
//!
//! Every thread that is recorded has a [`Thread`], which a thread-local pointer leads to; nobody else changes it while the
//! thread runs. Threads that a library started on its own have none: they share [`FOREIGN`], and nothing that they do is
//! recorded ([`elsewhere`]).

use crate::hooks::Cells;
use crate::pool;
use crate::signal::Queue;
use crate::sync;
use crate::view::{self, Seen, View};
use crate::word::Words;
use core::mem::offset_of;
use core::sync::atomic::AtomicU32;
use itarget_abi::control::{Control, PAGE, mode};

/// The control page (first symbol of the ABI).
#[repr(C, align(4096))]
pub struct ControlPage {
    /// What instrumented code reads.
    pub control: Control,
    pad: [u8; PAGE - size_of::<Control>()],
}

const CONTROL: Control = Control {
    mode: mode::PLAIN,
    ended: 0,
    locale_c: 1,
    clean: 0,
    bound: u64::MAX,
    missing: u64::MAX,
    accompanied: 0,
    bound_alone: u64::MAX,
    magic: 0,
    number: 0,
    cur: 0,
    end: 0,
    sum: 0,
    boundaries: 0,
    last_site: 0,
    in_env: 0,
    hits: 0,
    run: 0,
    most: 0,
    next_async: u64::MAX,
    chunk_offset: 0,
    chunk_seq: 0,
    chunk_start: 0,
    flushed: 0,
    ops: 0,
    sync_start: 0,
    sync_cur: 0,
    sync_offset: 0,
};

/// The page itself; while recording the first page of the ring file is mapped over it. `mode`, `bound`, `locale_c` and `ended`
/// are the whole process's, the rest is the main thread's.
#[unsafe(no_mangle)]
pub static mut __itarget_ctl: ControlPage = ControlPage { control: CONTROL, pad: [0; PAGE - size_of::<Control>()] };

/// A reference from the pass keeps old runtimes from being linked.
#[unsafe(no_mangle)]
pub static __itarget_abi_v15: u8 = 11;

/// What belongs to one thread.
pub struct Thread {
    /// Its control block: the control page, or the first page of its own ring.
    pub control: *mut Control,
    /// Number, in order of creation; 0 is the main thread.
    pub number: u32,
    /// Number in the kernel.
    pub tid: i32,
    /// Chunks written so far.
    pub seq: u64,
    /// Bytes of ring memory.
    pub ring: u64,
    /// Number of its seat; 0 is the main thread's.
    pub seat: u32,
    /// Replay: where its part of the flat file is described.
    pub part: *const itarget_abi::log::flat::Part,
    /// Replay: start of the stream in memory.
    pub stream: *const u8,
    /// Replay: bytes of the stream.
    pub stream_len: u64,
    /// Replay: index of the next check and of the next asynchronous event.
    pub next_check: u64,
    /// Index of the next asynchronous event.
    pub next_async_index: u64,
    /// Calls back under way, see `crossing`.
    pub depth: u64,
    /// Crossings under way.
    pub driver: crate::crossing::Driver,
    /// Order of synchronization.
    pub sync: sync::Local,
    /// Blocks of the pool that are free for this thread.
    pub pool: [pool::Local; pool::ARENA_COUNT],
    /// Signals that wait for a safe point.
    pub signals: Queue,
    /// Replay: its faults.
    pub faults: crate::fault::Local,
    /// Scalars seen last.
    pub words: Words,
    /// What loads that may race saw last.
    pub view: View,
    /// For `getline`.
    pub line: crate::libc_like::Line,
    /// Copies of static results.
    pub cells: Cells,
    /// Thread-local variables of the program.
    pub locals: *mut u8,
    /// What it runs, and with what.
    pub life: crate::thread::Life,
    /// Option `sites`, at replay.
    pub sites: crate::sites::Local,
}

impl Thread {
    /// A thread that does not run yet.
    pub const fn new(control: *mut Control, seen: *mut Seen) -> Thread {
        Thread {
            control,
            number: 0,
            tid: 0,
            seq: 0,
            ring: 0,
            seat: 0,
            part: core::ptr::null(),
            stream: core::ptr::null(),
            stream_len: 0,
            next_check: 0,
            next_async_index: 0,
            depth: 0,
            driver: crate::crossing::Driver::NEW,
            sync: sync::Local::NEW,
            pool: [pool::Local::NEW; pool::ARENA_COUNT],
            signals: Queue::NEW,
            faults: crate::fault::Local::NEW,
            words: Words::NEW,
            view: View::new(seen),
            line: crate::libc_like::Line::NEW,
            cells: Cells::NEW,
            locals: core::ptr::null_mut(),
            life: crate::thread::Life::NEW,
            sites: crate::sites::Local::NEW,
        }
    }
}

/// The main thread.
pub static mut MAIN: Thread = Thread::new((&raw mut __itarget_ctl).cast(), &raw mut MAIN_SEEN);
static mut MAIN_SEEN: Seen = Seen::NEW;
static mut FOREIGN_CONTROL: Control = CONTROL;
static mut FOREIGN_SEEN: Seen = Seen::NEW;
/// Stands for all threads that are not recorded.
pub static mut FOREIGN: Thread = Thread::new(&raw mut FOREIGN_CONTROL, &raw mut FOREIGN_SEEN);

core::arch::global_asm!(
    ".pushsection .tdata.itarget_self,\"awT\",@progbits",
    ".p2align 3",
    ".hidden itarget_self",
    ".globl itarget_self",
    ".type itarget_self,@object",
    ".size itarget_self,8",
    "itarget_self: .quad {foreign}",
    ".hidden __itarget_view",
    ".globl __itarget_view",
    ".type __itarget_view,@object",
    ".size __itarget_view,8",
    "__itarget_view: .quad {seen}",
    ".hidden __itarget_hits",
    ".globl __itarget_hits",
    ".type __itarget_hits,@object",
    ".size __itarget_hits,8",
    "__itarget_hits: .quad {control} + {hits}",
    ".popsection",
    foreign = sym FOREIGN,
    seen = sym FOREIGN_SEEN,
    control = sym FOREIGN_CONTROL,
    hits = const offset_of!(Control, hits),
);

#[inline(always)]
fn own() -> *mut Thread {
    let own: *mut Thread;
    // SAFETY: a thread-local variable of 8 bytes in the executable.
    unsafe { core::arch::asm!("mov {}, qword ptr fs:[itarget_self@tpoff]", out(reg) own, options(pure, readonly, nostack, preserves_flags)) };
    own
}

/// The thread that calls.
#[inline(always)]
pub fn me() -> &'static mut Thread {
    // SAFETY: the pointer leads to the thread's own state or to `FOREIGN`; no caller keeps the reference across a call into the
    // program.
    unsafe { &mut *own() }
}

/// From now on the thread that calls is this one.
///
/// # Safety
/// Nobody else is.
pub unsafe fn become_thread(thread: *mut Thread) {
    // SAFETY: as in `own`.
    unsafe {
        let (seen, hits) = ((*thread).view.seen, &raw mut (*(*thread).control).hits);
        core::arch::asm!(
            "mov qword ptr fs:[itarget_self@tpoff], {}",
            "mov qword ptr fs:[__itarget_view@tpoff], {}",
            "mov qword ptr fs:[__itarget_hits@tpoff], {}",
            in(reg) thread,
            in(reg) seen,
            in(reg) hits,
            options(nostack, preserves_flags)
        );
    }
    view::close();
}

/// The control block of the thread that calls.
#[inline(always)]
pub fn ctl() -> &'static mut Control {
    // SAFETY: as for `me`.
    unsafe { &mut *me().control }
}

/// The control page.
#[inline(always)]
pub fn page() -> &'static mut Control {
    // SAFETY: what belongs to the process is changed by one thread at a time; the others see it sooner or later.
    unsafe { &mut (*(&raw mut __itarget_ctl)).control }
}

/// State of the process that instrumented code does not see.
pub struct State {
    /// Descriptor of `log` (record).
    pub log_fd: i32,
    /// Device and number of that file.
    pub log_identity: (u64, u64),
    /// Replay: the mapped flat file.
    pub flat: *const u8,
    /// Replay: descriptor for the status line, -1 if none.
    pub status_fd: i32,
    /// Recorded addresses of stdout and stderr.
    pub stdout: u64,
    /// See `stdout`.
    pub stderr: u64,
    /// Option `digest`.
    pub digest: bool,
    /// Option `digest_every`.
    pub digest_every: u64,
    /// Option `full`.
    pub full: bool,
    /// Option `sites`, at replay.
    pub sites: bool,
    /// `full` or `sites`.
    pub watched: bool,
    /// Digests compared at replay.
    pub digests_checked: u64,
    /// Of those, different.
    pub digests_mismatched: u64,
    /// The process has had one thread only, and has run no code of which nobody knows what it writes: what is shared is replay space.
    pub alone: bool,
    /// More than one thread was recorded so far.
    pub threads: bool,
    /// Threads that were started and did not end yet, the main thread included.
    pub alive: AtomicU32,
    /// Record: the process was forked beside other threads of its parent.
    pub left_others: bool,
    /// Directory of the trace (NUL-terminated).
    pub trace: [u8; 4096],
}

/// The one instance.
pub static mut STATE: State = State {
    log_fd: -1,
    log_identity: (0, 0),
    flat: core::ptr::null(),
    status_fd: -1,
    stdout: 0,
    stderr: 0,
    digest: false,
    digest_every: 0,
    full: false,
    sites: false,
    watched: false,
    digests_checked: 0,
    digests_mismatched: 0,
    alone: true,
    threads: false,
    alive: AtomicU32::new(1),
    left_others: false,
    trace: [0; 4096],
};

/// The state.
#[inline(always)]
pub fn st() -> &'static mut State {
    // SAFETY: set at start, while there is one thread; counters change under the locks of `thread`.
    unsafe { &mut *(&raw mut STATE) }
}

/// From now on nothing is recorded.
pub fn be_plain() {
    let c = page();
    c.mode = mode::PLAIN;
    c.bound = u64::MAX;
    c.bound_alone = u64::MAX;
    c.accompanied = 0;
}

/// The process is alone no more: from now on what is shared is the environment's.
pub fn accompany() {
    if !st().alone {
        return;
    }
    let made = crate::variables::make(true);
    st().alone = false;
    let c = page();
    if matches!(c.mode, mode::RECORD | mode::REPLAY) {
        c.bound = itarget_abi::layout::SHARED_BOUND;
        c.bound_alone = 0;
        c.accompanied = u64::from(c.mode);
    }
    if !made && recording() {
        crate::log::fail(libc::ENOMEM);
    } else if !made && replaying() {
        crate::replay::diverged(b"no memory for the table of variables", 0, libc::ENOMEM as u64);
    }
}

/// True in mode record.
#[inline(always)]
pub fn recording() -> bool {
    page().mode == mode::RECORD
}

/// True in a thread of the environment: nothing that it does is recorded.
#[inline(always)]
pub fn elsewhere() -> bool {
    own() == &raw mut FOREIGN
}

/// Whether the thread that calls is inside an environment call.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_in_env() -> i32 {
    ctl().in_env as i32
}

/// Before code of the program that others may call: see [`elsewhere`] and [`foreign`].
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_elsewhere() -> i32 {
    if elsewhere() {
        foreign();
    }
    i32::from(elsewhere())
}

core::arch::global_asm!(
    ".weak __itarget_outside",
    ".pushsection .data.rel.ro.itarget_outside_address,\"aw\"",
    ".p2align 3",
    ".hidden itarget_outside_address",
    ".globl itarget_outside_address",
    "itarget_outside_address: .quad __itarget_outside",
    ".popsection"
);

unsafe extern "C" {
    static itarget_outside_address: *const u8;
}

core::arch::global_asm!(
    ".weak __itarget_trusted",
    ".pushsection .data.rel.ro.itarget_trusted_address,\"aw\"",
    ".p2align 3",
    ".hidden itarget_trusted_address",
    ".globl itarget_trusted_address",
    "itarget_trusted_address: .quad __itarget_trusted",
    ".popsection",
    ".weak __itarget_single",
    ".pushsection .data.rel.ro.itarget_single_address,\"aw\"",
    ".p2align 3",
    ".hidden itarget_single_address",
    ".globl itarget_single_address",
    "itarget_single_address: .quad __itarget_single",
    ".popsection",
);

/// Nothing is there to record threads with: see [`itarget_abi::hooks::tables::SINGLE`].
pub fn single() -> bool {
    unsafe extern "C" {
        static itarget_single_address: *const u8;
    }
    // SAFETY: a pointer that the linker sets.
    !unsafe { itarget_single_address }.is_null()
}

/// What threads may race for is not logged: see [`itarget_abi::hooks::tables::TRUSTED`].
pub fn trusted() -> bool {
    unsafe extern "C" {
        static itarget_trusted_address: *const u8;
    }
    // SAFETY: a pointer that the linker sets.
    !unsafe { itarget_trusted_address }.is_null()
}

/// Code of the program runs in a thread that is not recorded. Where all of it is replayed, that ends the recording: what it
/// writes would be missing.
#[cold]
pub fn foreign() {
    // SAFETY: set by the linker.
    if recording() && unsafe { itarget_outside_address.is_null() } {
        crate::sys::say(&[b"IT0614 recording ends here: a thread that a library started runs code of the program; the program goes on"]);
        page().ended = itarget_abi::log::end::REFUSED;
        be_plain();
    }
}

/// True in mode replay.
#[inline(always)]
pub fn replaying() -> bool {
    page().mode == mode::REPLAY
}
