//! Signals: delivered at safe points, logged there, delivered again at the same point at replay.
//!
//! A handler of the program never runs between two hooks of one event: while the program is
//! inside an environment call it runs at once (the call is opaque at replay, so the order is
//! kept), else it waits for the next boundary.

use crate::crossing::{self, Special};
use crate::hooks::bulk;
use crate::state::{MAIN, ctl, elsewhere, me, page, recording, replaying};
use crate::word::word;
use crate::{log, replay};
use core::ffi::{c_int, c_void};
use core::sync::atomic::{AtomicUsize, Ordering::{Relaxed, SeqCst}, compiler_fence};
use itarget_abi::control::mode;
use itarget_abi::layout::{STACK_BASE, STACK_MAX};
use itarget_abi::log::{Async, kind};

const SIGNALS: usize = 65;

/// What is added to the code of a signal that came to a thread which is not recorded, when it is sent on.
const SENT_ON: i32 = -0x4000_0000;

/// Kernel view of the program's action (glibc's layout of `struct sigaction`).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Action {
    handler: usize,
    mask: [u64; 16],
    flags: c_int,
    restorer: usize,
}

const DEFAULT: Action = Action { handler: libc::SIG_DFL, mask: [0; 16], flags: 0, restorer: 0 };
static mut ACTIONS: [Action; SIGNALS] = [DEFAULT; SIGNALS];

/// Signals of a thread that wait for a safe point.
pub struct Queue {
    /// Oldest first.
    list: [(c_int, i32, [u64; 2]); 128],
    /// How many. One instruction changes it: a handler may be interrupted by that of another signal.
    count: AtomicUsize,
    /// The one whose handler runs next (replay).
    handled: (Action, Async),
}

impl Queue {
    /// None.
    pub const NEW: Queue = Queue {
        list: [(0, 0, [0; 2]); 128],
        count: AtomicUsize::new(0),
        handled: (DEFAULT, Async { boundaries: 0, signal: 0, code: 0, info: [0; 2], sp: 0 }),
    };
}

/// Blocks all signals of this thread; gives what was blocked before.
pub fn block() -> u64 {
    let all = !0u64;
    let mut old = 0u64;
    // SAFETY: masks of 8 bytes.
    unsafe { crate::sys::sys!(libc::SYS_rt_sigprocmask, libc::SIG_BLOCK, &raw const all, &raw mut old, 8u64) };
    old
}

/// Undoes [`block`].
pub fn unblock(before: u64) {
    // SAFETY: a mask of 8 bytes.
    unsafe { crate::sys::sys!(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const before, 0u64, 8u64) };
}

/// Signals of what an instruction does, as a mask: they come again at replay by themselves, unless somebody sent them (`raise`, `kill`).
pub const FAULTS: u64 =
    1 << (libc::SIGSEGV - 1) | 1 << (libc::SIGBUS - 1) | 1 << (libc::SIGFPE - 1) | 1 << (libc::SIGILL - 1) | 1 << (libc::SIGTRAP - 1);

fn synchronous(signal: c_int) -> bool {
    (1..=64).contains(&signal) && FAULTS >> (signal - 1) & 1 != 0
}

/// sigaltstack, at replay too: handlers of faults run there.
///
/// # Safety
/// As sigaltstack.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_sigaltstack(new: *const libc::stack_t, old: *mut libc::stack_t) -> c_int {
    // SAFETY: as sigaltstack; what the caller has is read while recording, and written where it is there.
    unsafe {
        if !recording() && !replaying() || elsewhere() || crossing::from_environment() {
            return libc::sigaltstack(new, old);
        }
        let mut was: libc::stack_t = core::mem::zeroed();
        let mut wanted: libc::stack_t = core::mem::zeroed();
        let run = crate::hooks::__itarget_enter(crate::exit::site::STACK) != 0;
        let mut r = 0;
        if run {
            r = libc::sigaltstack(new, &raw mut was);
            crate::hooks::__itarget_leave();
            if !new.is_null() {
                wanted = *new;
            }
        }
        let r = word(r as u64) as c_int;
        let logged = |s: &mut libc::stack_t| {
            s.ss_sp = word(s.ss_sp as u64) as *mut c_void;
            s.ss_flags = word(s.ss_flags as u64) as c_int;
            s.ss_size = word(s.ss_size as u64) as usize;
        };
        if r == 0 && !old.is_null() {
            logged(&mut was);
            if itarget_abi::layout::mapped_at_replay(old as u64) {
                *old = was;
            }
        }
        if r == 0 && !new.is_null() {
            logged(&mut wanted);
            if wanted.ss_flags & libc::SS_DISABLE == 0 && itarget_abi::layout::mapped_at_replay(wanted.ss_sp as u64) {
                crate::mapping::leave_out(wanted.ss_sp.cast(), wanted.ss_size as u64);
            }
            if replaying() && itarget_abi::layout::mapped_at_replay(wanted.ss_sp as u64) {
                libc::sigaltstack(&raw const wanted, core::ptr::null_mut());
            }
        }
        r
    }
}

fn action(signal: c_int) -> &'static mut Action {
    // SAFETY: callers check the range. Threads change it in sections of `sync`; a handler that arrives while it is changed finds
    // words of the old action or of the new one, as it would in the kernel's table.
    unsafe { &mut *(&raw mut ACTIONS[signal as usize]) }
}

/// sigaction, emulated: the table is replay-space state, the kernel is told while recording.
///
/// # Safety
/// As sigaction.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_sigaction(signal: c_int, new: *const Action, old: *mut Action) -> c_int {
    if !recording() && !replaying() && page().mode != mode::CHECK {
        // SAFETY: passed on.
        return unsafe { libc::sigaction(signal, new.cast(), old.cast()) };
    }
    if signal <= 0 || signal >= SIGNALS as c_int || (!new.is_null() && (signal == libc::SIGKILL || signal == libc::SIGSTOP)) {
        // SAFETY: libc's errno.
        unsafe { *libc::__errno_location() = libc::EINVAL };
        return -1;
    }
    // An access may be an operation, which a section is as well: one after the other.
    crate::shadow::range(old as u64, size_of::<Action>() as u64, true);
    // SAFETY: the caller's structures; sections exclude each other.
    crate::sync::section(|| unsafe {
        let slot = action(signal);
        let before = *slot;
        if !new.is_null() {
            let wanted = *new;
            if crossing::from_environment() {
                crossing::special(Special::Action);
                word(signal as u64);
                logged(wanted);
                crossing::complete();
            }
            *slot = wanted;
            install(signal, &wanted);
        }
        if !old.is_null() {
            *old = before;
        }
    });
    0
}

/// Replay: the environment calls sigaction.
pub fn replay_action() {
    let signal = word(0) as c_int;
    let wanted = logged(DEFAULT);
    // SAFETY: plain integers; the signal was checked before it was logged.
    unsafe {
        *action(signal.clamp(0, SIGNALS as c_int - 1)) = wanted;
        install(signal, &wanted);
    }
}

/// An action through the log. Of the mask, which has room for 1024 signals, Linux uses the first word.
fn logged(mut a: Action) -> Action {
    a.handler = word(a.handler as u64) as usize;
    a.flags = word(a.flags as u64) as c_int;
    a.restorer = word(a.restorer as u64) as usize;
    a.mask[0] = word(a.mask[0]);
    let rest = &mut a.mask[1..];
    if word(u64::from(rest.iter().any(|m| *m != 0))) != 0 {
        // SAFETY: plain integers.
        unsafe { bulk(rest.as_mut_ptr().cast(), size_of_val(rest) as u64) };
    }
    a
}

/// Tells the kernel, while recording; at replay only for faults, which happen again by themselves.
unsafe fn install(signal: c_int, wanted: &Action) {
    if !recording() && page().mode != mode::CHECK && !synchronous(signal) {
        return;
    }
    let mut real = *wanted;
    if real.handler != libc::SIG_DFL && real.handler != libc::SIG_IGN {
        real.handler = arrived as *const () as usize;
        real.flags |= libc::SA_SIGINFO;
        if !synchronous(signal) {
            real.flags &= !libc::SA_RESETHAND;
        }
    }
    // SAFETY: a valid structure.
    unsafe { libc::sigaction(signal, (&raw const real).cast(), core::ptr::null_mut()) };
}

/// The program has a handler for it.
pub fn is_handled(signal: c_int) -> bool {
    !matches!(action(signal).handler, libc::SIG_DFL | libc::SIG_IGN)
}

/// signal.
///
/// # Safety
/// As signal.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_signal(signal: c_int, handler: usize) -> usize {
    handled_by(signal, handler, libc::SA_RESTART)
}

/// signal as System V has it: the handler runs once.
///
/// # Safety
/// As signal.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_sysv_signal(signal: c_int, handler: usize) -> usize {
    handled_by(signal, handler, libc::SA_RESETHAND | libc::SA_NODEFER)
}

/// sigset, which also blocks or unblocks the signal.
///
/// # Safety
/// As sigset.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_sigset(signal: c_int, handler: usize) -> usize {
    /// `SIG_HOLD`
    const HOLD: usize = 2;
    let before = if handler == HOLD { current(signal) } else { handled_by(signal, handler, 0) };
    if before == libc::SIG_ERR {
        return before;
    }
    let (bit, mut held) = (1u64 << (signal - 1), 0u64);
    // Where a function of the environment calls, no replay does.
    let outside = crossing::from_environment();
    if outside || crate::hooks::__itarget_enter(crate::exit::site::MASK) != 0 {
        let how = if handler == HOLD { libc::SIG_BLOCK } else { libc::SIG_UNBLOCK };
        // SAFETY: masks of 8 bytes.
        unsafe { crate::sys::sys!(libc::SYS_rt_sigprocmask, how, &raw const bit, &raw mut held, 8u64) };
    }
    if !outside {
        crate::hooks::__itarget_leave();
        held = crate::hooks::__itarget_val(held as i64) as u64;
    }
    if held & bit != 0 { HOLD } else { before }
}

/// sigignore.
///
/// # Safety
/// As sigignore.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_sigignore(signal: c_int) -> c_int {
    if handled_by(signal, libc::SIG_IGN, 0) == libc::SIG_ERR { -1 } else { 0 }
}

/// Sets a handler; what was there before.
fn handled_by(signal: c_int, handler: usize, flags: c_int) -> usize {
    let new = Action { handler, mask: [0; 16], flags, restorer: 0 };
    let mut old = DEFAULT;
    // SAFETY: valid structures.
    if unsafe { __itarget_sigaction(signal, &raw const new, &raw mut old) } < 0 {
        return libc::SIG_ERR;
    }
    old.handler
}

/// The handler that is set.
fn current(signal: c_int) -> usize {
    let mut old = DEFAULT;
    // SAFETY: a valid structure.
    if unsafe { __itarget_sigaction(signal, core::ptr::null(), &raw mut old) } < 0 {
        return libc::SIG_ERR;
    }
    old.handler
}

/// The kernel delivers a signal while recording.
extern "C" fn arrived(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let a = *action(signal);
    crate::check::spoil();
    // SAFETY: the kernel's structure, of this delivery only.
    let code = unsafe {
        let code = (*info).si_code;
        let code = if (code - SENT_ON).unsigned_abs() <= 128 { code - SENT_ON } else { code };
        (*info).si_code = code;
        code
    };
    let fault = synchronous(signal) && code > 0;
    if fault || matches!(page().mode, mode::PLAIN | mode::CHECK) {
        crate::shadow::done();
        crate::sync::faults();
        // SAFETY: the program's handler, called as the kernel would.
        unsafe { call(&a, signal, info, context) };
        return;
    }
    if elsewhere() {
        // Handlers run in the recorded thread. The kernel lets nobody send on the codes that are its own.
        // SAFETY: the kernel's structure, sent on but for the code.
        unsafe {
            let mut copy = *info;
            copy.si_code = SENT_ON + code.clamp(-128, 128);
            crate::sys::sys!(libc::SYS_rt_tgsigqueueinfo, crate::sys::pid(), MAIN.tid, signal, &raw const copy);
        }
        return;
    }
    // SAFETY: the kernel's structure; words 2 and 3 hold pid/uid or value.
    let words = unsafe {
        let raw = info.cast::<u64>();
        [*raw.add(2), *raw.add(3)]
    };
    let inside = ctl().in_env;
    if inside != 0 {
        // Another signal that comes meanwhile waits: the log is being written.
        ctl().in_env = 0;
        deliver(signal, code, words, true);
        deliver_pending();
        ctl().in_env = inside;
    } else {
        let queue = &mut me().signals;
        let at = queue.count.fetch_add(1, Relaxed);
        match queue.list.get_mut(at) {
            // This slot is ours alone until the next safe point.
            Some(slot) => *slot = (signal, code, words),
            None => _ = queue.count.fetch_sub(1, Relaxed),
        }
    }
}

unsafe fn call(a: &Action, signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    if a.handler == libc::SIG_DFL || a.handler == libc::SIG_IGN {
        return;
    }
    // SAFETY: the program gave these functions for exactly this use.
    unsafe {
        if a.flags & libc::SA_SIGINFO != 0 {
            let f: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) = core::mem::transmute(a.handler);
            f(signal, info, context);
        } else {
            let f: extern "C" fn(c_int) = core::mem::transmute(a.handler);
            f(signal);
        }
    }
}

/// Runs the program's handler at this boundary and logs that it ran here.
fn deliver(signal: c_int, code: i32, info: [u64; 2], outside: bool) {
    run(&log_event(signal as u32, code, info, outside));
}

/// Interrupts the call of the environment that this thread is in, for good, by what is no signal.
pub fn interrupt_here(number: u32, code: i32, f: extern "C" fn()) {
    ctl().in_env = 0;
    let e = log_event(number, code, [0; 2], true);
    crossing::interrupt(f, e.sp & !1, true);
}

/// Logs an asynchronous event at this boundary.
#[inline(always)]
pub fn log_event(signal: u32, code: i32, info: [u64; 2], outside: bool) -> Async {
    let c = ctl();
    let here = 0u8;
    // Far enough below whatever is called from here, when recording and at replay.
    let sp = ((&raw const here) as u64 - FAR) & !15 | 8;
    let sp = if (STACK_BASE..STACK_BASE + STACK_MAX).contains(&sp) { sp } else { 0 } | u64::from(outside);
    let e = Async { boundaries: c.boundaries, signal, code, info, sp };
    // SAFETY: plain integers without padding.
    let bytes = unsafe { core::slice::from_raw_parts((&raw const e).cast::<u8>(), size_of::<Async>()) };
    if let Err(errno) = log::special(kind::ASYNC, bytes) {
        log::fail(errno);
    }
    e
}

fn run(e: &Async) {
    let a = *action(e.signal as c_int);
    if a.flags & libc::SA_RESETHAND != 0 {
        action(e.signal as c_int).handler = libc::SIG_DFL;
        if recording() || synchronous(e.signal as c_int) {
            // SAFETY: a valid structure.
            unsafe { install(e.signal as c_int, &DEFAULT) };
        }
    }
    me().signals.handled = (a, *e);
    crossing::interrupt(handle, e.sp & !1, e.sp & 1 != 0);
    // Whatever the thread waits for now: what the handler did is done.
    crate::shadow::boundary();
}

/// Distance of a handler's frame to that of the runtime, in bytes.
const FAR: u64 = 8192;

/// Calls the handler that was set last.
extern "C" fn handle() {
    let mut info = [0u64; 16];
    // SAFETY: set just before; a siginfo of 128 bytes; the context is not recorded, so there is none.
    unsafe {
        let (action, e) = me().signals.handled;
        info[0] = u64::from(e.signal);
        info[1] = e.code as u32 as u64;
        info[2] = e.info[0];
        info[3] = e.info[1];
        call(&action, e.signal as c_int, (&raw mut info).cast(), core::ptr::null_mut());
    }
    // So that a signal delivered right after this handler is not taken for one that came during
    // the handler's last call.
    ctl().boundaries += 1;
}

/// Delivers what has been queued; called at boundaries while recording.
#[inline(always)]
pub fn deliver_pending() {
    if me().signals.count.load(Relaxed) != 0 {
        drain();
    }
}

/// From now on handlers run at once; what was queued before has run.
#[inline(always)]
pub fn enter_environment() {
    loop {
        ctl().in_env = 1;
        compiler_fence(SeqCst);
        if me().signals.count.load(Relaxed) == 0 {
            return;
        }
        ctl().in_env = 0;
        drain();
    }
}

#[cold]
fn drain() {
    loop {
        // The queue is not to change meanwhile.
        let before = block();
        let queue = &mut me().signals;
        let first = queue.list[0];
        let left = queue.count.load(Relaxed).checked_sub(1);
        if let Some(left) = left {
            queue.count.store(left, Relaxed);
            queue.list.copy_within(1..=left, 0);
        }
        unblock(before);
        if left.is_none() {
            return;
        }
        deliver(first.0, first.1, first.2, false);
    }
}

/// The recording ended early and the program goes on: what waits for a safe point comes again, to the same threads.
pub fn send_again() {
    let before = block();
    for thread in crate::thread::each() {
        let waiting = thread.signals.count.swap(0, SeqCst);
        for (signal, code, words) in thread.signals.list.iter().take(waiting) {
            let mut info = [0u64; 16];
            info[0] = *signal as u32 as u64;
            info[1] = u64::from((SENT_ON + (*code).clamp(-128, 128)) as u32);
            info[2..4].copy_from_slice(words);
            // SAFETY: a siginfo of 128 bytes, which the kernel copies. A signal that another thread's handler is noting down just now
            // may be lost, as one that comes too late.
            unsafe { crate::sys::sys!(libc::SYS_rt_tgsigqueueinfo, crate::sys::pid(), thread.tid, *signal, &raw const info) };
        }
    }
    unblock(before);
}

/// Replay: sets the boundary at which the next asynchronous event is due, or the trace ends.
pub fn next_async() {
    let event = replay::async_event(me().next_async_index).map_or(u64::MAX, |e| e.boundaries);
    ctl().next_async = event.min(replay::part().last_call);
}

/// Replay: runs every handler that is due at this boundary; ends the replay where the recording
/// was cut off.
///
/// `downcall`: a function of the environment is about to be called; what interrupts that comes later.
#[cold]
pub fn replay_due(downcall: bool) {
    while let Some(e) = replay::async_event(me().next_async_index) {
        if e.boundaries > ctl().boundaries || downcall && e.sp & 1 != 0 {
            break;
        }
        me().next_async_index += 1;
        next_async();
        if e.signal == crate::thread::cancel::SIGNAL {
            crate::thread::cancel::replay(e.code);
        }
        if e.signal == crate::exit::SIGNAL {
            crate::exit::replay_left(&e);
        }
        run(&e);
    }
    if ctl().boundaries >= replay::part().last_call {
        replay::stream_ended();
    }
}
