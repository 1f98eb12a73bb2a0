//! The order of synchronization, recorded per object and kept per thread.
//!
//! Its core is [`itarget_order`]: stamps, the entries of a thread's *synchronization log*, counts that threads wait for. Here they meet the
//! state of threads (`Control::ops` is a thread's count) and what the program calls. An object that one thread uses again and again
//! costs no entry at all. At replay locks are not taken: threads wait only where an entry says so. Accesses that are operations are
//! those of [`crate::shadow`].

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
use itarget_order::count::Platform;
use itarget_order::entries::{self, Entry, Reader};
use itarget_order::{ALL, Known, parts};

use table::entry_of;

pub use itarget_abi::log::SYNC_BUFFER as BUFFER;
pub use atomic::faults;
pub use locks::plain as unused;
pub use itarget_order::COUNT;

/// Words of memory, and the kernel's futexes.
pub struct Native;

impl Platform for Native {
    type Long = AtomicU64;
    type Short = AtomicU32;
    const SPINS: u32 = 200;

    #[inline]
    fn sleep(word: &AtomicU32, value: u32) {
        let second = libc::timespec { tv_sec: 1, tv_nsec: 0 };
        // SAFETY: sleeps while the word has that value.
        unsafe { sys!(libc::SYS_futex, core::ptr::from_ref(word), libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG, value, &raw const second) };
    }

    #[inline]
    fn sleep_long(word: &AtomicU32, value: u32) {
        // SAFETY: as above.
        unsafe { sys!(libc::SYS_futex, core::ptr::from_ref(word), libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG, value, 0u64) };
    }

    #[inline]
    fn wake(word: &AtomicU32, most: i32) {
        // SAFETY: wakes those that sleep there.
        unsafe { sys!(libc::SYS_futex, core::ptr::from_ref(word), libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG, most) };
    }

    #[inline(always)]
    fn relax() {
        core::hint::spin_loop();
    }
}

/// What a thread keeps for itself.
pub struct Local {
    known: Known,
    /// Record: count of the last entry.
    last: u64,
    /// Replay: the thread's log.
    log: Reader<'static>,
    /// Replay: the next operation is an access.
    access: bool,
    /// Record: it has the lock of output, and those of a stream (null: of both).
    prints: Option<Option<*mut c_void>>,
    /// Record: the place of the atomic operation that it makes, and the stamp that was there.
    makes: Option<(&'static table::Entry, u64)>,
    /// Record: it makes one, or is about to.
    making: AtomicU32,
    /// Record: whether it could be cancelled before it printed.
    cancels: c_int,
}

impl Local {
    /// At the start of a thread.
    pub const NEW: Local = Local {
        known: Known::NEW,
        last: 0,
        log: Reader::NEW,
        access: false,
        prints: None,
        makes: None,
        making: AtomicU32::new(0),
        cancels: 0,
    };


    /// What its maker knows, and where that is, a new thread knows.
    pub fn inherit(&mut self, maker: &Local, number: u32, ops: u64) {
        self.known = maker.known;
        *self.known.of(number) = ops;
    }
}

type Count = itarget_order::count::Count<Native>;

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
    itarget_order::stamp(me().number, ctl().ops)
}

/// The stamp of the next operation.
#[inline(always)]
pub fn next_stamp() -> u64 {
    stamp() + 1
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
    if let Some(entry) = me().sync.known.after(stamp) {
        append(ctl().ops + 1, entry);
    }
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
    if stamp == 0 || thread == me().number || *me().sync.known.of(thread) > epoch {
        return None;
    }
    Some(Edge { thread, count: epoch + 1, begins: clock(thread).done.get(SeqCst) <= epoch })
}

/// Record: an access that comes after these, the so many'th after the last operation; it found that line of it racy.
#[cold]
pub fn access_event(accesses: u64, edges: &[Edge], racy: Option<u64>) {
    append(ctl().ops + 1, Entry::Access(accesses));
    for edge in edges {
        if edge.begins {
            let by = edge.count.wrapping_sub(*me().sync.known.of(edge.thread));
            append(ctl().ops + 1, Entry::After { thread: edge.thread, begins: true, by: by as i64 });
        } else {
            note(itarget_order::stamp(edge.thread, edge.count));
        }
    }
    if let Some(line) = racy {
        append(ctl().ops + 1, Entry::Racy(line));
    }
    count();
    crate::shadow::made();
}

/// Others, and children, see how far this thread is, while recording.
#[inline(always)]
pub fn show_count() {
    clock(me().number).done.show(ctl().ops);
}

/// The thread does nothing any more that others could come after.
pub fn gone() {
    if recording() {
        clock(me().number).done.show(u64::MAX);
    } else if replaying() {
        publish_end();
    }
}

/// All that this thread did comes before what the calling one does next: it was waited for.
pub fn joined(thread: u32) {
    *me().sync.known.of(thread) = ALL;
}

/// Record: the next operation returns this, which is not what it usually does.
#[cold]
pub fn unusual(value: i64) {
    append(ctl().ops + 1, Entry::Value(value));
}

/// Record: the operation that was counted last returns this.
#[cold]
pub fn late(value: i64) {
    append(ctl().ops, Entry::Value(value));
}

fn append(op: u64, entry: Entry) {
    let c = ctl();
    let full = |c: &itarget_abi::control::Control| c.sync_cur + entries::MOST as u64 > c.sync_start + BUFFER;
    if full(c) {
        log::flush_sync();
        if full(c) {
            return;
        }
    }
    // Also where another thread ends the recording just now: the operation is counted, so its entry must be there.
    let local = &mut me().sync;
    // SAFETY: there is room for an entry.
    let bytes = entries::put(unsafe { &mut *(c.sync_cur as *mut [u8; entries::MOST]) }, local.last, op, entry);
    local.last = op;
    // A process may be killed between any two instructions: the cursor moves over whole entries only.
    compiler_fence(Release);
    c.sync_cur += bytes as u64;
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
    // A child by fork has a copy of this, and not of the control page.
    show_count();
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
    await_entries(|entry| match entry {
        Entry::Value(value) => result = Some(value),
        _ => damaged(),
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
    await_entries(|entry| match entry {
        Entry::Racy(line) => racy(line),
        _ => damaged(),
    });
    publish();
    crate::shadow::made();
}

#[inline]
fn await_entries(mut f: impl FnMut(Entry)) {
    let op = ctl().ops + 1;
    if op > replay::part().ops {
        me().life.waits = true;
        replay::park();
    }
    if crate::shadow::active() {
        let clock = clock(me().number);
        clock.begun.set(op);
    }
    while let Some(entry) = me().sync.log.next(op) {
        match entry {
            Entry::After { thread, begins, by } => {
                let count = me().sync.known.count(thread, begins, by);
                wait_for(thread, count, begins);
            }
            other => f(other),
        }
    }
}

#[cold]
fn damaged() -> ! {
    replay::diverged(b"the synchronization log is damaged", ctl().ops + 1, u64::from(me().number))
}

/// Replay: looks whether the next operation is an access, and at which one it is due.
pub fn look_ahead() {
    let op = ctl().ops + 1;
    let local = &mut me().sync;
    local.access = local.log.is_access(op);
    let at = match local.access.then(|| local.log.next(op)) {
        Some(Some(Entry::Access(at))) => at,
        _ => i64::MAX as u64,
    };
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

/// Seconds without any progress of any thread after which a replay is given up.
const PATIENCE: u32 = 20;

fn wait_for(thread: u32, count: u64, begins: bool) {
    if u64::from(thread) >= THREADS_MAX {
        damaged();
    }
    let clock = clock(thread);
    let far = if begins { &clock.begun } else { &clock.done };
    let mut watch = None;
    far.wait(count, |there| {
        if watch.get_or_insert_with(Watch::new).is_stuck() {
            replay::stuck(thread, count, there);
        }
    });
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
pub type Lock = itarget_order::count::Lock<Native>;

/// A lock that is free.
pub const fn free() -> Lock {
    Lock::new(AtomicU32::new(0))
}

static SECTION: Lock = free();
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

static OUTPUT: Lock = free();
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
        let held = (on == 2 || !stream.is_null()).then_some(stream);
        // Handlers run while it waits, and find nothing half done.
        ctl().in_env = 0;
        while !take_output(held) {
            crate::thread::cancel::allow(before);
            crate::signal::enter_environment();
            if held.is_none_or(crate::show::waits_for) {
                OUTPUT.wait();
            }
            crate::thread::cancel::forbid_meanwhile();
            ctl().in_env = 0;
        }
        me().sync.cancels = before;
        crate::signal::enter_environment();
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
    if me().sync.prints.is_some() {
        ctl().in_env = 0;
        if recording() {
            // All is one operation, which comes after those of handlers that ran meanwhile.
            // SAFETY: under the lock.
            unsafe {
                depend(SHOWN);
                SHOWN = release();
            }
        }
        pause_output();
    } else if replaying() {
        publish();
    }
}

/// Takes the lock of output, and those of a stream; false: somebody has one.
fn take_output(held: Option<*mut c_void>) -> bool {
    // SAFETY: the pass gives stdout or stderr.
    if held.is_some_and(|stream| unsafe { !crate::show::hold(stream) }) {
        return false;
    }
    if OUTPUT.attempt() {
        me().sync.prints = Some(held);
        return true;
    }
    if let Some(stream) = held {
        // SAFETY: `hold` took it.
        unsafe { crate::show::give_back(stream) };
    }
    false
}

/// Record: a handler of a signal interrupts what this thread prints, if it does: others print meanwhile, and so may the handler, which may jump elsewhere, too.
/// A replay runs the handler first. Gives what the thread held.
pub fn pause_output() -> Option<Option<*mut c_void>> {
    let held = me().sync.prints.take()?;
    OUTPUT.unlock_for_all();
    if let Some(stream) = held {
        // SAFETY: `hold` took it.
        unsafe { crate::show::give_back(stream) };
    }
    crate::thread::cancel::allow(me().sync.cancels);
    Some(held)
}

/// The handler is done.
pub fn resume_output(held: Option<*mut c_void>) {
    if !recording() {
        return;
    }
    me().sync.cancels = crate::thread::cancel::forbid_meanwhile();
    while !take_output(held) {
        if held.is_none_or(crate::show::waits_for) {
            OUTPUT.wait();
        }
    }
}

/// Before a fork beside other threads: what they share in the runtime is at rest until [`go_on`], or, in the child, [`after_fork`].
pub fn hold_others() {
    SECTION.lock();
    crate::thread::hold();
    crate::mapping::hold();
    if recording() {
        atomic::hold();
    }
}

/// After such a fork, in the parent.
pub fn go_on() {
    atomic::go_on();
    crate::mapping::let_go();
    crate::thread::after_fork();
    SECTION.unlock();
}

/// In a child process that the main thread did not fork: nothing of that one is under way.
pub fn forget_main() {
    // SAFETY: it is not there.
    unsafe {
        MAIN.sync = Local::NEW;
        MAIN.signals = crate::signal::Queue::NEW;
    }
}

/// In a child process, before anything of the program runs there: it may make anew by an assignment what its parent used. `tid`: number in the kernel of the thread that
/// forked, in the parent.
pub fn mark_used(tid: i32) {
    if !unused() {
        table::mark(tid, me().number);
    }
}

/// After that, where the child is recorded, or replayed: see [`table::agree`].
pub fn agree_on_marks() {
    if !unused() {
        table::agree();
    }
}

/// See [`table::unmark`].
pub fn unmark_used() {
    table::unmark();
}

/// In a child process there is one thread, and no lock is taken.
pub fn after_fork() {
    SECTION.unlock();
    OUTPUT.unlock();
    crate::mapping::let_go();
    atomic::go_on();
    crate::thread::after_fork();
    st().alive.store(1, SeqCst);
}

/// In a child process: the other threads that its parent had at the fork, and their operations so far.
pub fn left_behind(threads: u32) -> impl Iterator<Item = (u32, u64)> {
    (0..threads).filter(|number| *number != me().number).map(|number| (number, clock(number).done.get(Relaxed))).filter(|(_, ops)| *ops != u64::MAX)
}

/// Replay: the thread with that number begins.
pub fn open_log() {
    let part = replay::part();
    // SAFETY: the flat file stays mapped; its parts were checked by who wrote it.
    let log = unsafe { core::slice::from_raw_parts(st().flat.add(part.sync as usize), part.sync_len as usize) };
    me().sync.log = Reader::open(log);
}

/// The main thread calls.
pub fn is_main() -> bool {
    core::ptr::eq(me(), &raw const MAIN)
}
