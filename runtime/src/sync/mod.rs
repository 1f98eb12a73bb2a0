//! The order of synchronization, recorded per object and kept per thread.
//!
//! Every thread counts its synchronization operations (`Control::ops`). An object remembers who released it last, and at which
//! count. An operation that acquires the object depends on that: if it was another thread, and nothing says so already, an
//! entry goes to the thread's *synchronization log*: at this count, that thread must have come to that count. An
//! object that one thread uses again and again costs no entry at all. At replay threads publish their counts, and wait only
//! where an entry says so; locks themselves are not taken. Entries always lead to what happened before in real time, so a
//! replay that follows them can't be stuck in a circle.
//!
//! Entries: LEB128 of `operations since the last entry << 1 | kind`; kind 0: thread, and the zigzag difference of its count to
//! what was last known of it; kind 1: zigzag value that the operation returned, where it is not the usual one.

mod atomic;
mod locks;
mod table;
mod waits;

use crate::state::{MAIN, ctl, me, recording, replaying, st};
use crate::sys::sys;
use crate::{log, replay, sys};
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering::*, compiler_fence};
use itarget_abi::layout::THREADS_MAX;
use itarget_abi::log::{unzigzag, zigzag};

use table::entry_of;

pub use itarget_abi::log::SYNC_BUFFER as BUFFER;
pub use locks::plain as unused;
/// Most bytes of an entry.
const ENTRY: u64 = 32;
/// Threads of which a thread knows how far they are.
const KNOWN: usize = 256;
/// Bits of a count in a [`stamp`].
const COUNT: u32 = 44;

/// What a thread keeps for itself.
pub struct Local {
    /// Thread and 1, and the count that it is known to have come to.
    known: [(u32, u64); KNOWN],
    /// Count of the last entry.
    last: u64,
    /// Replay: rest of the log, and the count of its first entry.
    cur: *const u8,
    end: *const u8,
    next: u64,
    /// Replay: kind of the next entry.
    kind: u64,
    /// Record: it has the lock of output.
    prints: bool,
}

impl Local {
    /// At the start of a thread.
    pub const NEW: Local = Local {
        known: [(0, 0); KNOWN],
        last: 0,
        cur: core::ptr::null(),
        end: core::ptr::null(),
        next: u64::MAX,
        kind: 0,
        prints: false,
    };

    /// Record: it is about to print.
    pub fn prints(&self) -> bool {
        self.prints
    }

    /// Replay: the thread's log.
    pub fn open(&mut self, from: *const u8, len: u64) {
        self.cur = from;
        // SAFETY: within the flat file.
        self.end = unsafe { from.add(len as usize) };
        self.advance();
    }

    fn advance(&mut self) {
        self.next = u64::MAX;
        if self.cur < self.end {
            let head = self.take();
            self.last += head >> 1;
            (self.next, self.kind) = (self.last, head & 1);
        }
    }

    fn take(&mut self) -> u64 {
        let (mut v, mut shift) = (0u64, 0);
        while self.cur < self.end && shift < 64 {
            // SAFETY: before the end.
            let b = unsafe { *self.cur };
            // SAFETY: at most the end.
            self.cur = unsafe { self.cur.add(1) };
            v |= u64::from(b & 0x7f) << shift;
            if b & 0x80 == 0 {
                return v;
            }
            shift += 7;
        }
        v
    }

    fn known(&mut self, thread: u32) -> &mut u64 {
        let slot = &mut self.known[thread as usize % KNOWN];
        if slot.0 != thread + 1 {
            *slot = (thread + 1, 0);
        }
        &mut slot.1
    }
}

/// Where a thread is, for others.
#[repr(C, align(64))]
pub struct Clock {
    /// Replay: operations that are done.
    done: AtomicU64,
    /// The lowest count that some thread waits for; nobody is woken before.
    wanted: AtomicU64,
    /// Times that threads were woken.
    wakes: AtomicU32,
}

impl Clock {
    /// What was waited for is there, or never will be. Who waits for more asks again.
    #[cold]
    fn wake(&self) {
        self.wanted.store(u64::MAX, SeqCst);
        self.wakes.fetch_add(1, SeqCst);
        // SAFETY: wakes all that sleep there.
        unsafe { sys!(libc::SYS_futex, (&raw const self.wakes), libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG, i32::MAX) };
    }
}

static mut CLOCKS: *mut Clock = core::ptr::null_mut();

/// Makes room for the counts of all threads, and for objects. False when there is none.
pub fn start() -> bool {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    let bytes = THREADS_MAX * size_of::<Clock>() as u64;
    // SAFETY: fresh memory; one thread.
    unsafe {
        let Some(p) = sys::mmap(0, bytes, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) else { return false };
        CLOCKS = p.cast();
    }
    table::start()
}

fn clock(thread: u32) -> &'static Clock {
    // SAFETY: numbers of threads are below the maximum.
    unsafe { &*CLOCKS.add(thread as usize) }
}

/// Several threads are or were recorded.
#[inline(always)]
pub fn threads() -> bool {
    st().threads
}

/// A thread and its count, in one word; never 0.
#[inline(always)]
fn stamp() -> u64 {
    u64::from(me().number) << COUNT | ctl().ops
}

/// The stamp of the next operation.
#[inline(always)]
pub fn next_stamp() -> u64 {
    stamp() + 1
}

#[inline(always)]
fn parts(stamp: u64) -> (u32, u64) {
    ((stamp >> COUNT) as u32, stamp & ((1 << COUNT) - 1))
}

/// Record: the next operation depends on what that stamp says.
#[inline(always)]
pub fn depend(stamp: u64) {
    if stamp != 0 && parts(stamp).0 != me().number {
        note(stamp);
    }
}

#[cold]
fn note(stamp: u64) {
    let (thread, count) = parts(stamp);
    let local = &mut me().sync;
    let known = local.known(thread);
    if *known >= count {
        return;
    }
    let by = count.wrapping_sub(core::mem::replace(known, count));
    append(ctl().ops + 1, 0, [u64::from(thread), zigzag(by as i64)]);
}

/// Record: the next operation returns this, which is not what it usually does.
#[cold]
pub fn unusual(value: i64) {
    append(ctl().ops + 1, 1, [zigzag(value), 0]);
}

/// Record: the operation that was counted last returns this.
#[cold]
pub fn late(value: i64) {
    append(ctl().ops, 1, [zigzag(value), 0]);
}

fn append(op: u64, kind: u64, values: [u64; 2]) {
    let c = ctl();
    if c.sync_cur + ENTRY > c.sync_start + BUFFER {
        log::flush_sync();
        if c.sync_cur + ENTRY > c.sync_start + BUFFER {
            return;
        }
    }
    // Also where another thread ends the recording just now: the operation is counted, so its entry must be there.
    let local = &mut me().sync;
    let mut p = c.sync_cur as *mut u8;
    let mut put = |mut v: u64| {
        // SAFETY: there is room for an entry.
        unsafe {
            while v >= 0x80 {
                *p = v as u8 | 0x80;
                p = p.add(1);
                v >>= 7;
            }
            *p = v as u8;
            p = p.add(1);
        }
    };
    put((op - local.last) << 1 | kind);
    local.last = op;
    put(values[0]);
    if kind == 0 {
        put(values[1]);
    }
    // A process may be killed between any two instructions: the cursor moves over whole entries only.
    compiler_fence(Release);
    c.sync_cur = p as u64;
}

/// A safe point: signals that wait are delivered here, and at replay again.
#[inline(always)]
pub fn safe_point() {
    let c = ctl();
    c.boundaries += 1;
    if recording() {
        crate::signal::deliver_pending();
    } else if c.boundaries >= c.next_async {
        crate::signal::replay_due(false);
    }
}

/// Record: the operation is done.
#[inline(always)]
pub fn count() {
    compiler_fence(Release);
    ctl().ops += 1;
}

/// Record: an operation that releases something: its stamp, for the object.
#[inline(always)]
pub fn release() -> u64 {
    count();
    stamp()
}

/// Replay: waits for what the next operation depends on; gives what it returns, if that was unusual.
#[inline]
pub fn await_next() -> Option<i64> {
    let op = ctl().ops + 1;
    if op > replay::part().ops {
        me().life.waits = true;
        replay::park();
    }
    let mut result = None;
    while me().sync.next == op {
        let local = &mut me().sync;
        if local.kind == 1 {
            result = Some(unzigzag(local.take()));
        } else {
            let thread = local.take() as u32;
            let by = unzigzag(local.take());
            let known = local.known(thread);
            *known = known.wrapping_add(by as u64);
            let count = *known;
            wait_for(thread, count);
        }
        me().sync.advance();
    }
    result
}

/// Replay: the operation is done.
#[inline]
pub fn publish() {
    let c = ctl();
    c.ops += 1;
    let clock = clock(me().number);
    clock.done.store(c.ops, SeqCst);
    if c.ops >= clock.wanted.load(SeqCst) {
        clock.wake();
    }
}

/// Replay: nothing more was recorded of this thread; who depends on an operation that it was about to do need not wait.
pub fn publish_end() {
    let clock = clock(me().number);
    clock.done.store(u64::MAX, SeqCst);
    clock.wake();
}

/// Replay: an operation without anything to do between its beginning and its end.
pub fn pass() -> Option<i64> {
    let result = await_next();
    publish();
    result
}

/// Times that a count is looked at before the thread sleeps.
const SPINS: u32 = 200;
/// Seconds without any progress of any thread after which a replay is given up.
const PATIENCE: u32 = 20;

fn wait_for(thread: u32, count: u64) {
    if u64::from(thread) >= THREADS_MAX {
        replay::diverged(b"the synchronization log is damaged", 0, u64::from(thread));
    }
    let clock = clock(thread);
    for _ in 0..SPINS {
        if clock.done.load(Acquire) >= count {
            return;
        }
        core::hint::spin_loop();
    }
    let mut watch = Watch::new();
    loop {
        // Before the wish, which whoever wakes others takes back.
        let wakes = clock.wakes.load(SeqCst);
        clock.wanted.fetch_min(count, SeqCst);
        if clock.done.load(SeqCst) >= count {
            break;
        }
        let second = libc::timespec { tv_sec: 1, tv_nsec: 0 };
        // SAFETY: sleeps while nobody was woken.
        unsafe { sys!(libc::SYS_futex, (&raw const clock.wakes), libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG, wakes, &raw const second) };
        if watch.is_stuck() {
            replay::stuck(thread, count, clock.done.load(SeqCst));
        }
    }
}

/// Notices when no thread makes progress.
pub struct Watch {
    seen: u64,
    idle: u32,
}

impl Watch {
    /// From now on.
    pub fn new() -> Watch {
        Watch { seen: progress(), idle: 0 }
    }

    /// To be asked once a second.
    pub fn is_stuck(&mut self) -> bool {
        let now = progress();
        self.idle = if now == self.seen { self.idle + 1 } else { 0 };
        self.seen = now;
        self.idle > PATIENCE
    }
}

/// A number that changes when some thread does something.
fn progress() -> u64 {
    crate::thread::each().map(|t| {
        // SAFETY: control blocks stay mapped; the numbers may be read while they change, and the pointer is null for a moment
        // while a seat is prepared.
        unsafe {
            let c = core::ptr::read_volatile(&raw const t.control);
            if c.is_null() { 0 } else { (*c).boundaries.wrapping_add((*c).ops).wrapping_add((*c).cur) }
        }
    }).fold(0, u64::wrapping_add)
}

/// A lock of the runtime that no signal handler and no fork can find taken by its own thread for long.
pub struct Lock(AtomicU32);

impl Lock {
    /// Free.
    pub const NEW: Lock = Lock(AtomicU32::new(0));

    /// Takes it.
    pub fn lock(&self) {
        if self.0.compare_exchange(0, 1, Acquire, Relaxed).is_ok() {
            return;
        }
        while self.0.swap(2, Acquire) != 0 {
            // SAFETY: sleeps while others hold it.
            unsafe { sys!(libc::SYS_futex, (&raw const self.0), libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG, 2u64, 0u64) };
        }
    }

    /// Gives it back.
    pub fn unlock(&self) {
        if self.0.swap(0, Release) == 2 {
            // SAFETY: wakes one that sleeps.
            unsafe { sys!(libc::SYS_futex, (&raw const self.0), libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG, 1u64) };
        }
    }
}

static SECTION: Lock = Lock::NEW;
/// Stamp of the last section.
static mut LAST: u64 = 0;

/// Runs something that must happen in the same order at replay as while recording: pieces of the runtime that threads share.
pub fn section<R>(run: impl FnOnce() -> R) -> R {
    let other = crate::state::elsewhere();
    if other {
        crate::state::foreign();
    } else if !threads() {
        return run();
    }
    // SAFETY: `LAST` is only looked at under the lock.
    unsafe {
        if recording() && !other {
            SECTION.lock();
            depend(LAST);
            let r = run();
            LAST = release();
            SECTION.unlock();
            r
        } else if replaying() && !other {
            await_next();
            let r = run();
            publish();
            r
        } else {
            SECTION.lock();
            let r = run();
            SECTION.unlock();
            r
        }
    }
}

static OUTPUT: Lock = Lock::NEW;
/// Stamp of the last output.
static mut SHOWN: u64 = 0;

/// Something is printed that a replay prints again: in the same order.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_output_begin() {
    if !threads() || crate::state::elsewhere() {
        return;
    }
    if recording() {
        OUTPUT.lock();
        me().sync.prints = true;
        // SAFETY: under the lock.
        depend(unsafe { SHOWN });
    } else if replaying() {
        await_next();
    }
}

/// It was.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_output_end() {
    if !threads() || crate::state::elsewhere() {
        return;
    }
    // Recording may have ended meanwhile.
    if core::mem::take(&mut me().sync.prints) {
        if recording() {
            // SAFETY: under the lock.
            unsafe { SHOWN = release() };
        }
        OUTPUT.unlock();
    } else if replaying() {
        publish();
    }
}

/// In a child process there is one thread, and no lock is taken.
pub fn after_fork() {
    SECTION.unlock();
    OUTPUT.unlock();
    crate::thread::after_fork();
}

/// Replay: the thread with that number begins.
pub fn open_log() {
    let part = replay::part();
    // SAFETY: the flat file is mapped; its parts were checked by who wrote it.
    let from = unsafe { st().flat.add(part.sync as usize) };
    me().sync.open(from, part.sync_len);
}

/// The main thread calls.
pub fn is_main() -> bool {
    core::ptr::eq(me(), &raw const MAIN)
}
