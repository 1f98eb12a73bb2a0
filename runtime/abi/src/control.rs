//! The control page: what the inline fast path reads and writes; and the control blocks of other threads.
//!
//! It is the symbol [`SYMBOL`], one page, page-aligned, in the image of the instrumented program.
//! While recording, the first page of the `ring` file of the trace is mapped over it, so the
//! cursor of the live chunk survives any death of the process. Every other thread has such a block in the first page of
//! a ring file of its own.

/// Symbol of the page (defined by the runtime, declared by the pass as an external global).
pub const SYMBOL: &str = "__itarget_ctl";
/// Bytes of the control page.
pub const PAGE: usize = 4096;

/// Modes of [`Control::mode`]. The program looks at the lowest byte only, which is 1 in all modes but plain: `setjmp` keeps what it has in
/// registers in memory of the program's, where a recording and its replay must have the same.
pub mod mode {
    /// Nothing is recorded: the program runs as if it had not been instrumented.
    pub const PLAIN: u32 = 0;
    /// Results of the environment are appended to the log.
    pub const RECORD: u32 = 0x101;
    /// Results of the environment come from the log; the environment is not called.
    pub const REPLAY: u32 = 0x201;
    /// Bytes and events per site are counted.
    pub const PROFILE: u32 = 0x301;
    /// Memory is compared across external calls.
    pub const CHECK: u32 = 0x401;
}

/// Layout of the control page. Offsets are part of the ABI: the pass addresses `mode` as the
/// first byte.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Control {
    /// One of [`mode`].
    pub mode: u32,
    /// Not 0 once recording or replaying has ended early; see [`crate::log::end`].
    pub ended: u32,
    /// 1 while every locale category is "C"/"POSIX".
    pub locale_c: u32,
    /// 1 once the ring holds nothing that the log does not hold.
    pub clean: u32,
    /// Addresses at or above this one are checked: `layout::BOUND`, or `layout::SHARED_BOUND` once the process is not alone, or `u64::MAX` in
    /// mode plain, where nothing needs to be.
    pub bound: u64,
    /// Stores at or above this address are checked, for their memory may not be there: as `bound`, at replay only.
    pub missing: u64,
    /// `mode`, once the process is not alone (see `layout::SHARED_BASE`); 0 before.
    pub accompanied: u64,
    /// Addresses at or above this one are checked where every one is logged once the process is not alone: as `bound` before that, then 0.
    pub bound_alone: u64,
    /// Marks a live ring file: [`crate::log::MAGIC`] while in use.
    pub magic: u64,
    /// Number of the thread.
    pub number: u64,
    /// Next byte of the stream: in the ring (record) or in the mapped stream (replay). From here on, a line of the cache below what all threads read, the thread writes.
    pub cur: u64,
    /// One past the last byte usable before the slow path must run (chunk end).
    pub end: u64,
    /// Running checksum of site ids since the start of the run, see [`mix`].
    pub sum: u64,
    /// Boundary calls since the start of the run (events).
    pub boundaries: u64,
    /// Site id of the last event (for divergence reports).
    pub last_site: u32,
    /// Not 0 while the program's control is inside an environment call (1), or waits for a lock (2).
    pub in_env: u32,
    /// Record: how many more hits the thread's open run takes (see [`crate::view`]), less those that are counted and still to come; 0, less these, where no run takes any.
    pub hits: i64,
    /// Record: address of the beginning of the open run, in the live chunk; 0: no run is open.
    pub run: u64,
    /// Record: most hits of the open run, see [`crate::view::most`].
    pub most: u64,
    /// Replay: value of `boundaries` at which the next asynchronous event is delivered.
    pub next_async: u64,
    /// Stream offset of the start of the live chunk (bytes).
    pub chunk_offset: u64,
    /// Sequence number of the live chunk.
    pub chunk_seq: u64,
    /// First byte of the live chunk in memory.
    pub chunk_start: u64,
    /// Bytes already copied from the ring to the log (stream offset).
    pub flushed: u64,
    /// Synchronization operations of the thread so far.
    pub ops: u64,
    /// First byte of the thread's synchronization log that is not in `log` yet, in memory.
    pub sync_start: u64,
    /// Next byte of it.
    pub sync_cur: u64,
    /// Bytes of it that `log` holds.
    pub sync_offset: u64,
}

// What all threads read lies apart from what one of them writes.
const _: () = assert!(core::mem::offset_of!(Control, cur) == 64);

/// One step of the running checksum of site ids. Order matters: FNV-1a over 32-bit ids, with a
/// rotation so that high bits feed back.
#[inline(always)]
#[must_use]
pub const fn mix(sum: u64, site: u32) -> u64 {
    (sum ^ site as u64).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23)
}
