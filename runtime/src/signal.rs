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

/// The first of the signals that wait in the kernel as often as they were sent.
const REAL_TIME: c_int = 32;

/// What is added to the code of a signal that came to a thread which is not recorded, when it is sent on.
const SENT_ON: i32 = -0x4000_0000;

/// Kernel view of the program's action (glibc's layout of `struct sigaction`).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Action {
    /// Its function.
    handler: usize,
    mask: [u64; 16],
    /// `SA_` and so on.
    pub flags: c_int,
    restorer: usize,
}

impl Action {
    /// Signals that are blocked while its handler runs, but for those that were before.
    pub fn blocks(&self, signal: c_int) -> u64 {
        self.mask[0] | if self.flags & libc::SA_NODEFER != 0 { 0 } else { bit(signal) }
    }
}

const DEFAULT: Action = Action { handler: libc::SIG_DFL, mask: [0; 16], flags: 0, restorer: 0 };
static mut ACTIONS: [Action; SIGNALS] = [DEFAULT; SIGNALS];

/// Signals of a thread that wait for a safe point.
pub struct Queue {
    /// Oldest first.
    list: [(c_int, i32, [u64; 2]); 128],
    /// How many. One instruction changes it: a handler may be interrupted by that of another signal.
    count: AtomicUsize,
    /// The one whose handler runs next, and the signals that are blocked around it.
    handled: (Action, Async, u64),
    /// What the handler that returned last leaves blocked.
    mask: u64,
    /// Record: what the kernel says of where the environment was interrupted last.
    context: *const libc::ucontext_t,
}

impl Queue {
    /// None.
    pub const NEW: Queue = Queue {
        list: [(0, 0, [0; 2]); 128],
        count: AtomicUsize::new(0),
        handled: (DEFAULT, Async { boundaries: 0, signal: 0, code: 0, info: [0; 2], sp: 0 }, 0),
        mask: 0,
        context: core::ptr::null(),
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

/// Undoes [`block`]: these signals are blocked, and no others.
pub fn unblock(before: u64) {
    // SAFETY: a mask of 8 bytes.
    unsafe { crate::sys::sys!(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const before, 0u64, 8u64) };
}

/// Signals of what an instruction does, as a mask: they come again at replay by themselves, unless somebody sent them (`raise`, `kill`).
pub const FAULTS: u64 =
    1 << (libc::SIGSEGV - 1) | 1 << (libc::SIGBUS - 1) | 1 << (libc::SIGFPE - 1) | 1 << (libc::SIGILL - 1) | 1 << (libc::SIGTRAP - 1);

/// It is what an instruction did, and nobody sent it.
fn is_fault(signal: c_int, code: i32) -> bool {
    synchronous(signal) && code > 0
}

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
        if r == 0 && !old.is_null() {
            logged_stack(&mut was);
            if itarget_abi::layout::mapped_at_replay(old as u64) {
                *old = was;
            }
        }
        if r == 0 && !new.is_null() {
            logged_stack(&mut wanted);
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

/// A stack through the log.
fn logged_stack(s: &mut libc::stack_t) {
    s.ss_sp = word(s.ss_sp as u64) as *mut c_void;
    s.ss_flags = word(s.ss_flags as u64) as c_int;
    s.ss_size = word(s.ss_size as u64) as usize;
}

/// Where on the thread's alternate stack, if a handler of that signal runs there, it finds its return address.
fn alternate(signal: c_int, here: u64) -> Option<u64> {
    // SAFETY: the kernel fills the structure.
    let s = unsafe {
        let mut s: libc::stack_t = core::mem::zeroed();
        crate::sys::sys!(libc::SYS_sigaltstack, 0u64, &raw mut s);
        s
    };
    let (from, to) = (s.ss_sp as u64, (s.ss_sp as u64).saturating_add(s.ss_size as u64));
    let there = s.ss_flags & libc::SS_DISABLE == 0 && itarget_abi::layout::mapped_at_replay(from) && itarget_abi::layout::mapped_at_replay(to);
    if !there {
        None
    } else if (from..to).contains(&here) {
        (here - from > 2 * NEAR).then(|| (here - NEAR) & !15 | 8)
    } else {
        (action(signal).flags & libc::SA_ONSTACK != 0).then(|| (to & !15) - 8)
    }
}

/// What the program does at that signal, a number from 1 to 64.
pub fn action(signal: c_int) -> &'static mut Action {
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
    let fault = is_fault(signal, code);
    let inside = ctl().in_env;
    if fault || matches!(page().mode, mode::PLAIN | mode::CHECK) {
        crate::shadow::done();
        crate::sync::faults();
        let known = fault && (recording() || replaying()) && !elsewhere();
        // SAFETY: the program's handler, called as the kernel would.
        unsafe {
            if known && inside == 0 {
                return crate::fault::arrived(signal, code, info, context.cast());
            } else if !known || replaying() {
                return call(&a, signal, info, context);
            }
        }
        // The environment's, which a replay does not call: there the handler interrupts it as one of another signal does.
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
    if inside != 0 {
        // Another signal that comes meanwhile waits: the log is being written.
        ctl().in_env = 0;
        // SAFETY: the kernel's structure; it uses the first word of a mask, and takes it from here when the handler returns.
        let mask = unsafe { &mut *(&raw mut (*context.cast::<libc::ucontext_t>()).uc_sigmask).cast::<u64>() };
        me().signals.context = context.cast();
        *mask = deliver(signal, code, words, true, *mask);
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

/// Calls the program's handler, if there is one.
///
/// # Safety
/// As the handler wants them.
pub unsafe fn call(a: &Action, signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
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

/// Runs the program's handler at this boundary and logs that it ran here. `mask`: what is blocked around it; gives what is to be afterwards.
fn deliver(signal: c_int, code: i32, info: [u64; 2], outside: bool, mask: u64) -> u64 {
    let here = 0u8;
    let sp = alternate(signal, (&raw const here) as u64).unwrap_or_else(|| below((&raw const here) as u64));
    run(&log_at(sp, signal as u32, code, info, outside), mask);
    me().signals.mask
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
    let here = 0u8;
    log_at(below((&raw const here) as u64), signal, code, info, outside)
}

/// Where on the program's stack a handler finds its return address: far enough below whatever is called from `here`, when recording and at
/// replay. 0: that is another stack.
#[inline(always)]
fn below(here: u64) -> u64 {
    let sp = (here - FAR) & !15 | 8;
    if (STACK_BASE..STACK_BASE + STACK_MAX).contains(&sp) { sp } else { 0 }
}

/// As [`log_event`], with the place of the handler's return address.
fn log_at(sp: u64, signal: u32, code: i32, info: [u64; 2], outside: bool) -> Async {
    let e = Async { boundaries: ctl().boundaries, signal, code, info, sp: sp | u64::from(outside) };
    // SAFETY: plain integers without padding.
    let bytes = unsafe { core::slice::from_raw_parts((&raw const e).cast::<u8>(), size_of::<Async>()) };
    if let Err(errno) = log::special(kind::ASYNC, bytes) {
        log::fail(errno);
    }
    e
}

fn run(e: &Async, mask: u64) {
    let a = *action(e.signal as c_int);
    if a.flags & libc::SA_RESETHAND != 0 {
        reset(e.signal as c_int);
    }
    me().signals.handled = (a, *e, mask);
    let prints = crate::sync::pause_output();
    crossing::interrupt(handle, e.sp & !1, e.sp & 1 != 0);
    if let Some(held) = prints {
        crate::sync::resume_output(held);
    }
    // Whatever the thread waits for now: what the handler did is done.
    crate::shadow::boundary();
}

/// The program has no handler of that signal any more.
pub fn reset(signal: c_int) {
    action(signal).handler = libc::SIG_DFL;
    if recording() || synchronous(signal) {
        // SAFETY: a valid structure.
        unsafe { install(signal, &DEFAULT) };
    }
}

/// Distance of a handler's frame to that of the runtime, in bytes.
const FAR: u64 = 8192;
/// The same on an alternate stack, which may have no more than that.
const NEAR: u64 = 1024;

/// Calls the handler that was set last.
extern "C" fn handle() {
    let (action, e, mut mask) = me().signals.handled;
    if action.flags & libc::SA_SIGINFO != 0 {
        mask = handle_informed(&action, &e, mask);
    } else {
        // SAFETY: a handler of one argument.
        unsafe { call(&action, e.signal as c_int, core::ptr::null_mut(), core::ptr::null_mut()) };
    }
    me().signals.mask = mask;
    // So that a signal delivered right after this handler is not taken for one that came during
    // the handler's last call.
    ctl().boundaries += 1;
}

/// Calls a handler that is told what is known of the signal and of where it came. Gives what it left in the mask of its context.
fn handle_informed(action: &Action, e: &Async, mask: u64) -> u64 {
    let mut info = [0u64; 16];
    // SAFETY: a siginfo of 128 bytes; a context is plain integers and pointers.
    unsafe {
        info[0] = u64::from(e.signal);
        info[1] = e.code as u32 as u64;
        info[2] = e.info[0];
        info[3] = e.info[1];
        let mut context: libc::ucontext_t = core::mem::zeroed();
        if !replaying() {
            crate::sys::sys!(libc::SYS_sigaltstack, 0u64, &raw mut context.uc_stack);
        }
        crate::hooks::event(crate::exit::site::CONTEXT as u32);
        let to = (&raw mut context.uc_sigmask).cast::<u64>();
        *to = word(mask);
        logged_stack(&mut context.uc_stack);
        context.uc_stack.ss_flags &= !libc::SS_ONSTACK;
        let registers = &mut context.uc_mcontext.gregs;
        let fault = is_fault(e.signal as c_int, e.code);
        if fault {
            // Where the environment was does not interest, but what the kernel says of the fault stands there, too.
            if recording() {
                *registers = (*me().signals.context).uc_mcontext.gregs;
            }
            for r in &mut *registers {
                *r = word(*r as u64) as i64;
            }
        } else {
            // Registers are not recorded. What stands here is the same at replay: the handler was called from here, on this stack.
            registers[libc::REG_RIP as usize] = handle as *const () as i64;
            registers[libc::REG_RSP as usize] = if e.sp & !1 != 0 { e.sp & !1 } else { me().life.top() } as i64;
        }
        let before = *registers;
        // Those of the FPU have their place behind the mask.
        context.uc_mcontext.fpregs = to.byte_add(size_of::<libc::sigset_t>()).cast();
        call(action, e.signal as c_int, (&raw mut info).cast(), (&raw mut context).cast());
        if fault && context.uc_mcontext.gregs != before {
            // Unrecorded it faults again, and the handler finds the registers themselves.
            crate::hooks::refuse(crate::exit::site::REGISTERS);
        }
        to.read()
    }
}

/// Delivers what has been queued; called at boundaries while recording.
#[inline(always)]
pub fn deliver_pending() {
    if me().signals.count.load(Relaxed) != 0 {
        drain();
    }
}

/// From now on handlers run at once; what was queued before has run, but for what is blocked.
#[inline(always)]
pub fn enter_environment() {
    run_at_once(1);
}

/// The same in a thread that waits for a lock, behind a safe point: until `in_env` is 0 again.
#[cold]
pub fn wait_for_lock() {
    // No call is under way.
    run_at_once(2);
}

#[inline(always)]
fn run_at_once(inside: u32) {
    let mut blocked = 0;
    loop {
        ctl().in_env = inside;
        compiler_fence(SeqCst);
        if me().signals.count.load(Relaxed) == blocked {
            return;
        }
        ctl().in_env = 0;
        blocked = drain();
    }
}

/// Delivers what has been queued and is not blocked; gives how many are left.
#[cold]
fn drain() -> usize {
    loop {
        // The queue is not to change meanwhile.
        let before = block();
        let Some(((signal, code, info), during)) = next(before) else {
            let left = me().signals.count.load(Relaxed);
            unblock(before);
            return left;
        };
        unblock(during);
        let after = deliver(signal, code, info, false, before);
        unblock(after);
    }
}

/// The thread ends, and all signals are blocked from now on: delivers what has been queued.
pub fn deliver_last() {
    loop {
        let queue = &mut me().signals;
        let n = queue.count.load(Relaxed).min(queue.list.len());
        if n == 0 {
            return;
        }
        let (signal, code, info) = queue.list[0];
        queue.list.copy_within(1..n, 0);
        queue.count.store(n - 1, Relaxed);
        deliver(signal, code, info, false, !0);
    }
}

/// A child by fork: what came to its parent waits for that.
pub fn forget() {
    me().signals.count.store(0, Relaxed);
}

/// A signal's bit in a mask.
fn bit(signal: c_int) -> u64 {
    1 << (signal - 1)
}

/// Takes the first one out of the queue that is not blocked; gives also what is blocked while its handler runs.
fn next(blocked: u64) -> Option<((c_int, i32, [u64; 2]), u64)> {
    let Queue { list, count, .. } = &mut me().signals;
    let n = count.load(Relaxed).min(list.len());
    let at = list[..n].iter().position(|s| blocked & bit(s.0) == 0)?;
    let first = list[at];
    list.copy_within(at + 1..n, at);
    let a = action(first.0);
    let during = blocked | a.blocks(first.0);
    // Those that must not interrupt this handler wait in the kernel, where calls that wait for them find them. There only those for real time
    // can wait more than once: of the others the second one waits here.
    let (mut left, mut there) = (0, blocked);
    for i in 0..n - 1 {
        let s = list[i];
        if during & bit(s.0) != 0 && there & bit(s.0) == 0 && send(me().tid, s) {
            there |= if s.0 < REAL_TIME { bit(s.0) } else { 0 };
        } else {
            list[left] = s;
            left += 1;
        }
    }
    count.store(left, Relaxed);
    Some((first, during))
}

/// Has a signal of the queue come again to a thread of this process. False if the kernel has no room for it.
fn send(tid: i32, (signal, code, words): (c_int, i32, [u64; 2])) -> bool {
    let mut info = [0u64; 16];
    info[0] = signal as u32 as u64;
    info[1] = u64::from((SENT_ON + code.clamp(-128, 128)) as u32);
    info[2..4].copy_from_slice(&words);
    // SAFETY: a siginfo of 128 bytes, which the kernel copies.
    unsafe { crate::sys::sys!(libc::SYS_rt_tgsigqueueinfo, crate::sys::pid(), tid, signal, &raw const info) == 0 }
}

/// The recording ended early and the program goes on: what waits for a safe point comes again, to the same threads.
pub fn send_again() {
    let before = block();
    for thread in crate::thread::each() {
        let waiting = thread.signals.count.swap(0, SeqCst);
        for waits in thread.signals.list.iter().take(waiting) {
            // A signal that another thread's handler is noting down just now may be lost, as one that comes too late.
            send(thread.tid, *waits);
        }
    }
    unblock(before);
}

/// Replay: sets the boundary at which the next asynchronous event is due, or the trace ends.
pub fn next_async() {
    let event = replay::async_event(me().next_async_index).map_or(u64::MAX, |e| e.boundaries);
    ctl().next_async = event.min(replay::part().last_call).min(crate::fault::due());
}

/// Replay: runs every handler that is due at this boundary; ends the replay where the recording
/// was cut off.
///
/// `downcall`: a function of the environment is about to be called; what interrupts that comes later.
#[cold]
pub fn replay_due(downcall: bool) {
    if ctl().boundaries >= crate::fault::due() {
        crate::fault::missed();
    }
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
        run(&e, 0);
    }
    if ctl().boundaries >= replay::part().last_call {
        replay::stream_ended();
    }
}
