//! The runtime's own state: the control page and everything that belongs to one thread.
//!
//! Single-threaded for now: every access is from the main thread (or its signal handlers, which
//! run at safe points), so plain reads and writes through raw pointers suffice.

use itarget_abi::control::{Control, PAGE, mode};

/// The control page (first symbol of the ABI).
#[repr(C, align(4096))]
pub struct ControlPage {
    /// What instrumented code reads.
    pub control: Control,
    pad: [u8; PAGE - size_of::<Control>()],
}

/// The page itself; while recording the first page of the ring file is mapped over it.
#[unsafe(no_mangle)]
pub static mut __itarget_ctl: ControlPage = ControlPage {
    control: Control {
        mode: mode::PLAIN,
        in_env: 0,
        cur: 0,
        end: 0,
        sum: 0,
        boundaries: 0,
        chunk_offset: 0,
        chunk_seq: 0,
        chunk_start: 0,
        last_site: 0,
        ended: 0,
        next_async: u64::MAX,
        locale_c: 1,
        clean: 0,
        magic: 0,
        flushed: 0,
        bound: u64::MAX,
        thread: 0,
    },
    pad: [0; PAGE - size_of::<Control>()],
};

/// A reference from the pass keeps old runtimes from being linked.
#[unsafe(no_mangle)]
pub static __itarget_abi_v4: u8 = 4;

/// The control block.
#[inline(always)]
pub fn ctl() -> &'static mut Control {
    // SAFETY: one thread; no caller keeps the reference across a call into the program.
    unsafe { &mut (*(&raw mut __itarget_ctl)).control }
}

/// State that instrumented code does not see.
pub struct State {
    /// Descriptor of `log` (record).
    pub log_fd: i32,
    /// Chunks written so far.
    pub seq: u64,
    /// Bytes of ring memory.
    pub ring: u64,
    /// Replay: the mapped flat file.
    pub flat: *const u8,
    /// Replay: start of the stream in memory.
    pub stream: *const u8,
    /// Replay: bytes of the stream.
    pub stream_len: u64,
    /// Replay: index of the next check and of the next asynchronous event.
    pub next_check: u64,
    /// Index of the next asynchronous event.
    pub next_async_index: u64,
    /// Replay: descriptor for the status line, -1 if none.
    pub status_fd: i32,
    /// Recorded addresses of stdout and stderr.
    pub stdout: u64,
    /// See `stdout`.
    pub stderr: u64,
    /// Number of the recorded thread in the kernel.
    pub tid: i32,
    /// Calls back under way, see `crossing`.
    pub depth: u64,
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
    /// Directory of the trace (NUL-terminated), for profile output.
    pub trace: [u8; 4096],
}

/// The one instance.
pub static mut STATE: State = State {
    log_fd: -1,
    seq: 0,
    ring: 0,
    flat: core::ptr::null(),
    stream: core::ptr::null(),
    stream_len: 0,
    next_check: 0,
    next_async_index: 0,
    status_fd: -1,
    stdout: 0,
    stderr: 0,
    tid: 0,
    depth: 0,
    digest: false,
    digest_every: 0,
    full: false,
    sites: false,
    watched: false,
    digests_checked: 0,
    digests_mismatched: 0,
    trace: [0; 4096],
};

/// The state.
#[inline(always)]
pub fn st() -> &'static mut State {
    // SAFETY: as for `ctl`.
    unsafe { &mut *(&raw mut STATE) }
}

/// True in mode record.
#[inline(always)]
pub fn recording() -> bool {
    ctl().mode == mode::RECORD
}

/// True in a thread of the environment: nothing that it does is recorded.
#[inline(always)]
pub fn elsewhere() -> bool {
    let main = ctl().thread;
    main != 0 && main != crate::sys::thread()
}

/// True in mode replay.
#[inline(always)]
pub fn replaying() -> bool {
    ctl().mode == mode::REPLAY
}
