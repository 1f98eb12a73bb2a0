//! Signals: the program's handlers run at safe points, and at the same ones at replay.
//!
//! While the program's control is inside an environment call its handler runs at once (it may
//! have to interrupt the call); otherwise the signal waits for the next boundary. Every delivery
//! counts as a boundary when it is over, so that each has a number of its own. Faults are not
//! asynchronous: they happen again at replay, and the handler runs where they happen.

use crate::hooks::{boundary, val};
use crate::mem::{self, Buffer, Global};
use crate::mode::{PLAIN, PROFILE, RECORD, REPLAY, ctl, mode};
use crate::{log, replay, stack, sys};
use core::cell::Cell;
use itarget_abi::log::Async;

const SIGNALS: usize = 65;
const DFL: u64 = 0;
const IGN: u64 = 1;
/// Site id of the boundary after a delivery.
const DELIVERED: u32 = 0xffff_0011;
/// Signals of faults.
const FAULTS: u64 = bit(libc::SIGSEGV) | bit(libc::SIGBUS) | bit(libc::SIGFPE) | bit(libc::SIGILL) | bit(libc::SIGTRAP);

const fn bit(signal: i32) -> u64 {
    1 << (signal - 1)
}

#[derive(Clone, Copy)]
struct Action {
    handler: u64,
    mask: u64,
    flags: i32,
}

struct State {
    actions: [Cell<Action>; SIGNALS],
    queue: [Cell<Async>; QUEUE],
    head: Cell<u32>,
    tail: Cell<u32>,
    depth: Cell<usize>,
}
const QUEUE: usize = 64;
const NONE: Async = Async { boundaries: 0, signal: 0, code: 0, info: [0; 2] };
static STATE: Global<State> = Global(State {
    actions: [const { Cell::new(Action { handler: DFL, mask: 0, flags: 0 }) }; SIGNALS],
    queue: [const { Cell::new(NONE) }; QUEUE],
    head: Cell::new(0),
    tail: Cell::new(0),
    depth: Cell::new(0),
});
/// What handlers get as `siginfo_t *`: at fixed addresses, one per nested delivery.
static INFO: [Buffer<128>; 8] = [const { Buffer::new() }; 8];
/// What handlers get as `ucontext_t *`: nothing of it is known at replay.
static CONTEXT: Buffer<1024> = Buffer::new();

// SAFETY: a buffer is only handed out by address.
unsafe impl<const N: usize> Sync for Buffer<N> {}

/// Logs or takes which signals are ignored from the start.
pub fn begin() {
    let mut ignored = 0u64;
    if mode() != REPLAY {
        for s in 1..SIGNALS as i32 {
            let mut old = [0u64; 32];
            // SAFETY: reads the disposition into a buffer larger than `struct sigaction`.
            let r = unsafe { libc::sigaction(s, core::ptr::null(), old.as_mut_ptr().cast()) };
            if r == 0 && old[0] == IGN {
                ignored |= bit(s);
            }
        }
    }
    let ignored = val(ignored as i64) as u64;
    for s in 1..SIGNALS as i32 {
        if ignored & bit(s) != 0 {
            STATE.actions[s as usize].set(Action { handler: IGN, mask: 0, flags: 0 });
        }
    }
}

/// True when a signal waits for a safe point.
#[inline(always)]
pub fn pending() -> bool {
    STATE.head.get() != STATE.tail.get()
}

extern "C" fn trampoline(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // The code that was interrupted may be between a call and its look at errno.
    // SAFETY: errno of this thread.
    let errno = unsafe { *libc::__errno_location() };
    let s = &STATE;
    let a = s.actions[signal as usize & 63].get();
    // SAFETY: the kernel's siginfo.
    let code = unsafe { (*info).si_code };
    if a.handler > IGN {
        let fault = FAULTS & bit(signal) != 0 && code > 0;
        let m = mode();
        if fault || m == PLAIN || m == PROFILE {
            let in_env = ctl().in_env.replace(0);
            if a.flags & libc::SA_RESETHAND != 0 {
                reset(signal);
            }
            call(a.handler, signal, info as u64, context as u64);
            ctl().in_env.set(in_env);
        } else if m == RECORD {
            let words = [mem::load(info as u64 + 16), mem::load(info as u64 + 24)];
            let record = Async { boundaries: 0, signal: signal as u32, code, info: words };
            if ctl().in_env.get() != 0 {
                ctl().in_env.set(0);
                deliver(record);
                ctl().in_env.set(if mode() == RECORD { 1 } else { 0 });
            } else if s.tail.get().wrapping_sub(s.head.get()) < QUEUE as u32 {
                s.queue[s.tail.get() as usize % QUEUE].set(record);
                s.tail.set(s.tail.get().wrapping_add(1));
            }
        }
    }
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
}

/// Calls a handler where we are.
fn call(handler: u64, signal: i32, info: u64, context: u64) {
    // SAFETY: the program installed it; one that takes only the number ignores the rest.
    let f: extern "C" fn(i32, u64, u64) = unsafe { core::mem::transmute(handler) };
    f(signal, info, context);
}

/// Runs the handlers of waiting signals (recording).
#[cold]
pub fn deliver_pending() {
    let s = &STATE;
    while pending() {
        let record = s.queue[s.head.get() as usize % QUEUE].get();
        s.head.set(s.head.get().wrapping_add(1));
        let a = s.actions[record.signal as usize].get();
        if a.handler <= IGN {
            continue;
        }
        // While a handler runs its signal is blocked, as the kernel would have done.
        let own = if a.flags & libc::SA_NODEFER != 0 { 0 } else { bit(record.signal as i32) };
        let old = sys::sigmask(libc::SIG_BLOCK, a.mask | own);
        deliver(record);
        sys::sigmask(libc::SIG_SETMASK, old);
    }
}

/// Runs the handlers that ran here when it was recorded.
#[cold]
pub fn deliver_recorded() {
    let c = ctl();
    while mode() == REPLAY && c.boundaries.get() >= c.next_async.get() {
        let record = replay::take_async();
        if record.boundaries != c.boundaries.get() {
            replay::diverged("boundary of a signal", record.boundaries, c.boundaries.get());
        }
        if record.signal as usize >= SIGNALS {
            replay::diverged("signal number", SIGNALS as u64, u64::from(record.signal));
        }
        deliver(record);
    }
}

/// One delivery, the same at record and replay: the stack pointer comes from the log.
fn deliver(mut record: Async) {
    let (c, s) = (ctl(), &STATE);
    let a = s.actions[record.signal as usize].get();
    record.boundaries = c.boundaries.get();
    let here = 0u64;
    let mut sp = (&raw const here as u64 - 2048) & !63;
    if mode() == RECORD {
        log::asynchronous(&record);
        log::word(sp, 8);
    } else {
        sp = replay::word(8);
        if a.handler <= IGN {
            replay::diverged("handler of a signal", 1, a.handler);
        }
    }
    if a.flags & libc::SA_RESETHAND != 0 {
        reset(record.signal as i32);
    }
    let depth = s.depth.get();
    let info = INFO[depth % INFO.len()].addr();
    mem::zero(info, 128);
    mem::store(info, record.signal);
    mem::store(info + 8, record.code);
    mem::store(info + 16, record.info[0]);
    mem::store(info + 24, record.info[1]);
    s.depth.set(depth + 1);
    // SAFETY: `sp` is free stack below all live frames (2 KiB below ours when recording; at replay
    // our frames are shallower than the kernel's and libc's were).
    unsafe { stack::call3(sp, a.handler, u64::from(record.signal), info, CONTEXT.addr()) };
    s.depth.set(depth);
    boundary(DELIVERED);
}

/// longjmp leaves handlers without returning from them.
pub fn left_by_jump() {
    STATE.depth.set(0);
}

/// Makes a disposition the kernel's, as far as the mode wants it. False: refused by the kernel.
fn install(signal: i32, a: Action) -> bool {
    let real = match mode() {
        // At replay only faults reach the program; what else comes is not from the recording.
        REPLAY => FAULTS & bit(signal) != 0,
        _ => true,
    };
    if !real {
        return true;
    }
    // struct sigaction: handler 0, mask 8 (128 bytes), flags 136, restorer 144.
    let mut act = [0u64; 19];
    act[0] = if a.handler <= IGN { a.handler } else { trampoline as *const () as u64 };
    act[1] = a.mask;
    let mut flags = a.flags & !(libc::SA_RESETHAND) | libc::SA_SIGINFO;
    if FAULTS & bit(signal) == 0 {
        // On another stack the handler's frames would not be where a replay puts them.
        flags &= !libc::SA_ONSTACK;
    }
    act[17] = u64::from(flags as u32);
    // SAFETY: `act` has the layout of `struct sigaction`.
    unsafe { libc::sigaction(signal, act.as_ptr().cast(), core::ptr::null_mut()) == 0 }
}

/// Back to the default action.
pub fn reset(signal: i32) {
    let a = Action { handler: DFL, mask: 0, flags: 0 };
    STATE.actions[signal as usize].set(a);
    install(signal, a);
}

/// The program's handler of SIGABRT runs first, as abort does.
pub fn before_abort() {
    let a = STATE.actions[libc::SIGABRT as usize].get();
    if a.handler > IGN && mode() != PLAIN {
        let info = INFO[0].addr();
        mem::zero(info, 128);
        mem::store(info, libc::SIGABRT);
        call(a.handler, libc::SIGABRT, info, CONTEXT.addr());
    }
}

fn invalid() -> i32 {
    // SAFETY: errno of this thread.
    unsafe { *libc::__errno_location() = libc::EINVAL };
    -1
}

fn valid(signal: i32, change: bool) -> bool {
    (1..SIGNALS as i32).contains(&signal)
        && !(change && (signal == libc::SIGKILL || signal == libc::SIGSTOP))
        && !(signal == 32 || signal == 33)
}

/// `sigaction`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_sigaction(signal: i32, act: *mut u8, old: *mut u8) -> i32 {
    if mode() == PLAIN && ctl().ended.get() == 0 {
        // SAFETY: the program's own call.
        return unsafe { libc::sigaction(signal, act.cast(), old.cast()) };
    }
    if !valid(signal, !act.is_null()) {
        return invalid();
    }
    let slot = &STATE.actions[signal as usize];
    let before = slot.get();
    if !act.is_null() {
        let at = act as u64;
        let a = Action { handler: mem::load(at), mask: mem::load(at + 8), flags: mem::load(at + 136) };
        slot.set(a);
        if !install(signal, a) {
            slot.set(before);
            return invalid();
        }
    }
    if !old.is_null() {
        let at = old as u64;
        mem::zero(at, 152);
        mem::store(at, before.handler);
        mem::store(at + 8, before.mask);
        mem::store(at + 136, before.flags);
    }
    0
}

/// `signal`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_signal(signal: i32, handler: *mut u8) -> *mut u8 {
    if mode() == PLAIN && ctl().ended.get() == 0 {
        // SAFETY: the program's own call.
        return unsafe { libc::signal(signal, handler as usize) } as *mut u8;
    }
    if !valid(signal, true) {
        invalid();
        return usize::MAX as *mut u8;
    }
    let slot = &STATE.actions[signal as usize];
    let before = slot.get();
    let a = Action { handler: handler as u64, mask: 0, flags: libc::SA_RESTART };
    slot.set(a);
    install(signal, a);
    before.handler as *mut u8
}
