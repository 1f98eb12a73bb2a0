//! The order of synchronization, recorded per object and kept per thread.
//!
//! Every thread counts its synchronization operations (`Control::ops`). An object remembers who released it last, and at which
//! count. An operation that acquires the object depends on that: if it was another thread, and nothing says so already, an
//! entry goes to the thread's *synchronization log*: at this count, that thread must have come to that count. An
//! object that one thread uses again and again costs no entry at all. At replay threads publish their counts, and wait only
//! where an entry says so; locks themselves are not taken. Entries always lead to what happened before in real time, so a
//! replay that follows them can't be stuck in a circle.
//!
//! Entries: LEB128 of `operations since the last entry << 2 | kind`; kind 0: `thread << 1 | begins`, and the zigzag difference of its count to
//! what was last known of it (`begins`: it need only have come to the beginning of that operation); kind 1: zigzag value that the
//! operation returned, where it is not the usual one; kind 2, before all others of an operation: it is an access ([`crate::shadow`]), so many
//! accesses after the last operation; kind 3: that line of the access is racy.

mod atomic;
mod locks;
mod table;
mod waits;

use crate::state::{MAIN, ctl, me, recording, replaying, st};
use crate::sys::sys;
use crate::{log, replay, sys};
use core::ffi::{c_int, c_void};
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering::*, compiler_fence};
use itarget_abi::layout::THREADS_MAX;
use itarget_abi::log::{unzigzag, zigzag};

use table::entry_of;

pub use itarget_abi::log::SYNC_BUFFER as BUFFER;
pub use atomic::faults;
pub use locks::plain as unused;
/// Most bytes of an entry.
const ENTRY: u64 = 32;
/// Threads of which a thread knows how far they are.
const KNOWN: usize = 256;
/// Bits of a count in a [`stamp`].
pub const COUNT: u32 = 44;
/// A count that no thread comes to: all that it does.
const ALL: u64 = (1 << COUNT) - 1;

/// Kinds of entries.
mod entry {
    pub const DEPENDS: u64 = 0;
    pub const VALUE: u64 = 1;
    pub const ACCESS: u64 = 2;
    pub const RACY: u64 = 3;
}

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
    /// Replay: the next operation is an access.
    access: bool,
    /// Record: it has the lock of output, and those of a stream (null: of both).
    prints: Option<Option<*mut c_void>>,
    /// Record: the place of the atomic operation that it makes, and the stamp that was there.
    makes: Option<(&'static table::Entry, u64)>,
    /// Record: whether it could be cancelled before it printed.
    cancels: c_int,
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
        access: false,
        prints: None,
        makes: None,
        cancels: 0,
    };


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
            self.last += head >> 2;
            (self.next, self.kind) = (self.last, head & 3);
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

    /// What its maker knows, and where that is, a new thread knows.
    pub fn inherit(&mut self, maker: &Local, number: u32, ops: u64) {
        self.known = maker.known;
        *self.known(number) = ops;
    }

    fn known(&mut self, thread: u32) -> &mut u64 {
        let slot = &mut self.known[thread as usize % KNOWN];
        if slot.0 != thread + 1 {
            *slot = (thread + 1, 0);
        }
        &mut slot.1
    }
}

/// A number that only grows, and that threads wait for.
struct Count {
    value: AtomicU64,
    /// The lowest that some thread waits for; nobody is woken before.
    wanted: AtomicU64,
    /// Times that threads were woken.
    wakes: AtomicU32,
}

impl Count {
    #[inline(always)]
    fn set(&self, value: u64) {
        self.value.store(value, SeqCst);
        if value >= self.wanted.load(SeqCst) {
            self.wake();
        }
    }

    /// What was waited for is there, or never will be. Who waits for more asks again.
    #[cold]
    fn wake(&self) {
        self.wanted.store(u64::MAX, SeqCst);
        self.wakes.fetch_add(1, SeqCst);
        // SAFETY: wakes all that sleep there.
        unsafe { sys!(libc::SYS_futex, (&raw const self.wakes), libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG, i32::MAX) };
    }
}

/// Where a thread is, for others.
#[repr(C, align(64))]
pub struct Clock {
    /// Operations that are done: at replay, and where accesses are ordered.
    done: Count,
    /// Replay: the operation that was begun last.
    begun: Count,
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
pub fn stamp() -> u64 {
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
    append(ctl().ops + 1, entry::DEPENDS, [u64::from(thread) << 1, zigzag(by as i64)]);
}

/// An order between an access and what another thread did.
#[derive(Clone, Copy)]
pub struct Edge {
    thread: u32,
    count: u64,
    /// The operation need only have begun.
    pub begins: bool,
}

/// Record: what an access comes after that must not come before a thread has left the epoch with that stamp; `None`: it does anyway.
pub fn edge_after(stamp: u64) -> Option<Edge> {
    let (thread, epoch) = parts(stamp);
    if stamp == 0 || thread == me().number || *me().sync.known(thread) > epoch {
        return None;
    }
    Some(Edge { thread, count: epoch + 1, begins: clock(thread).done.value.load(SeqCst) <= epoch })
}

/// Record: an access that comes after these, the so many'th after the last operation; it found that line of it racy.
#[cold]
pub fn access_event(accesses: u64, edges: &[Edge], racy: Option<u64>) {
    append(ctl().ops + 1, entry::ACCESS, [accesses, 0]);
    for edge in edges {
        if edge.begins {
            let by = edge.count.wrapping_sub(*me().sync.known(edge.thread));
            append(ctl().ops + 1, entry::DEPENDS, [u64::from(edge.thread) << 1 | 1, zigzag(by as i64)]);
        } else {
            note(u64::from(edge.thread) << COUNT | edge.count);
        }
    }
    if let Some(line) = racy {
        append(ctl().ops + 1, entry::RACY, [line, 0]);
    }
    count();
    crate::shadow::made();
}

/// Others see how far this thread is, while recording.
#[inline(always)]
pub fn show_count() {
    clock(me().number).done.value.store(ctl().ops, Release);
}

/// The thread does nothing any more that others could come after.
pub fn gone() {
    if recording() {
        clock(me().number).done.value.store(u64::MAX, Release);
    } else if replaying() {
        publish_end();
    }
}

/// All that this thread did comes before what the calling one does next: it was waited for.
pub fn joined(thread: u32) {
    *me().sync.known(thread) = ALL;
}

/// Record: the next operation returns this, which is not what it usually does.
#[cold]
pub fn unusual(value: i64) {
    append(ctl().ops + 1, entry::VALUE, [zigzag(value), 0]);
}

/// Record: the operation that was counted last returns this.
#[cold]
pub fn late(value: i64) {
    append(ctl().ops, entry::VALUE, [zigzag(value), 0]);
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
    put((op - local.last) << 2 | kind);
    local.last = op;
    put(values[0]);
    if kind == entry::DEPENDS {
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
    crate::shadow::epoch();
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
    if me().sync.access {
        replay::diverged(b"the thread synchronizes where it accessed memory", ctl().ops + 1, 0);
    }
    let mut result = None;
    await_entries(|kind, value| match kind {
        entry::VALUE => result = Some(unzigzag(value)),
        _ => replay::diverged(b"the synchronization log is damaged", ctl().ops + 1, kind),
    });
    result
}

/// Replay: the next operation is an access.
pub fn access_is_next() -> bool {
    me().sync.access
}

/// Replay: an access that is an operation: waits for what it comes after; `racy` gets the lines that are found to be racy.
#[cold]
pub fn await_access(mut racy: impl FnMut(u64)) {
    me().sync.access = false;
    await_entries(|kind, value| match kind {
        entry::RACY => racy(value),
        _ => replay::diverged(b"the synchronization log is damaged", ctl().ops + 1, kind),
    });
    publish();
    crate::shadow::made();
}

#[inline]
fn await_entries(mut f: impl FnMut(u64, u64)) {
    let op = ctl().ops + 1;
    if op > replay::part().ops {
        me().life.waits = true;
        replay::park();
    }
    if crate::shadow::active() {
        let clock = clock(me().number);
        clock.begun.set(op);
    }
    while me().sync.next == op {
        let local = &mut me().sync;
        let kind = local.kind;
        let first = local.take();
        if kind == entry::DEPENDS {
            let (thread, begins) = ((first >> 1) as u32, first & 1 == 1);
            let by = unzigzag(local.take());
            let known = local.known(thread);
            let count = known.wrapping_add(by as u64);
            if !begins {
                *known = count;
            }
            wait_for(thread, count, begins);
        } else {
            f(kind, first);
        }
        me().sync.advance();
    }
}

/// Replay: looks whether the next operation is an access, and at which one it is due.
pub fn look_ahead() {
    let op = ctl().ops + 1;
    let local = &mut me().sync;
    local.access = local.next == op && local.kind == entry::ACCESS;
    let mut at = i64::MAX as u64;
    if local.access {
        at = local.take();
        local.advance();
    }
    crate::shadow::arm(at);
}

/// Replay: the operation is done.
#[inline]
pub fn publish() {
    let c = ctl();
    c.ops += 1;
    let clock = clock(me().number);
    clock.done.set(c.ops);
    if crate::shadow::active() {
        look_ahead();
    }
}

/// Replay: nothing more was recorded of this thread; who depends on an operation that it was about to do need not wait.
pub fn publish_end() {
    let clock = clock(me().number);
    clock.done.set(u64::MAX);
    clock.begun.set(u64::MAX);
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

fn wait_for(thread: u32, count: u64, begins: bool) {
    if u64::from(thread) >= THREADS_MAX {
        replay::diverged(b"the synchronization log is damaged", 0, u64::from(thread));
    }
    let clock = clock(thread);
    let far = if begins { &clock.begun } else { &clock.done };
    for _ in 0..SPINS {
        if far.value.load(Acquire) >= count {
            return;
        }
        core::hint::spin_loop();
    }
    let mut watch = Watch::new();
    loop {
        // Before the wish, which whoever wakes others takes back.
        let wakes = far.wakes.load(SeqCst);
        far.wanted.fetch_min(count, SeqCst);
        if far.value.load(SeqCst) >= count {
            break;
        }
        let second = libc::timespec { tv_sec: 1, tv_nsec: 0 };
        // SAFETY: sleeps while nobody was woken.
        unsafe { sys!(libc::SYS_futex, (&raw const far.wakes), libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG, wakes, &raw const second) };
        if watch.is_stuck() {
            replay::stuck(thread, count, far.value.load(SeqCst));
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

/// Something is printed that a replay prints again, in the same order: if `on` is 1, on `stream` or (null) on a descriptor;
/// if it is 2, on stdout or stderr or both; 0: nothing is.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_output_begin(on: i32, stream: *mut c_void) {
    if on == 0 || !threads() || crate::state::elsewhere() {
        return;
    }
    if recording() {
        // glibc may cancel a call that has written already, and a replay could not know. So this call is cancelled before or not at all.
        let before = crate::thread::cancel::forbid();
        if on == 2 || !stream.is_null() {
            // SAFETY: the pass gives stdout or stderr.
            unsafe { crate::show::hold(stream) };
        }
        OUTPUT.lock();
        me().sync.prints = Some((on == 2 || !stream.is_null()).then_some(stream));
        me().sync.cancels = before;
        // SAFETY: under the lock.
        depend(unsafe { SHOWN });
    } else if replaying() {
        await_next();
    }
}

/// It was.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_output_end(on: i32) {
    if on == 0 || !threads() || crate::state::elsewhere() {
        return;
    }
    // Recording may have ended meanwhile.
    if let Some(held) = core::mem::take(&mut me().sync.prints) {
        if recording() {
            // SAFETY: under the lock.
            unsafe { SHOWN = release() };
        }
        OUTPUT.unlock();
        if let Some(stream) = held {
            // SAFETY: `hold` took it.
            unsafe { crate::show::give_back(stream) };
        }
        crate::thread::cancel::allow(me().sync.cancels);
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
