//! Ways a program ends: exit, _exit, abort, exec.

use crate::hooks::{__itarget_enter, __itarget_leave, __itarget_val, event};
use crate::crossing::{self, Special};
use crate::state::{be_plain, ctl, elsewhere, me, page, recording, replaying, st};
use crate::sys::sys;
use crate::{digest, log, replay, signal, sys};
use core::ffi::{c_char, c_int, c_void};
use core::sync::atomic::{AtomicU32, Ordering::SeqCst};
use itarget_abi::control::mode;
use itarget_abi::log::{Async, end};
pub use itarget_abi::site;

const HANDLERS: usize = 1024;
/// What runs at exit, with its argument; functions without one do not look at it.
type Handler = (extern "C" fn(*mut c_void), *mut c_void);
static mut LIST: [Option<Handler>; HANDLERS] = [None; HANDLERS];
static mut COUNT: usize = 0;

/// Handlers are in libc's list: no replay will run them. Where a program is profiled or checked, functions of libc's that end it (`err`) must find them there.
fn in_libc() -> bool {
    matches!(page().mode, mode::PROFILE | mode::CHECK) || page().mode == mode::PLAIN && !crate::pool::ready()
}

/// Where a program is profiled or checked: what was found is written when it ends, after its own handlers.
pub fn written_at_end() {
    extern "C" fn written() {
        match page().mode {
            mode::PROFILE => crate::profile::write(),
            mode::CHECK => crate::check::finish(),
            _ => {}
        }
    }
    // SAFETY: libc's atexit.
    unsafe { libc::atexit(written) };
}

/// atexit: our own list, so that the handlers run at replay too.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_atexit(f: extern "C" fn()) -> c_int {
    if in_libc() {
        // SAFETY: libc's atexit.
        return unsafe { libc::atexit(f) };
    }
    // SAFETY: the calling convention lets a function be called with an argument more.
    add(unsafe { core::mem::transmute::<extern "C" fn(), extern "C" fn(*mut c_void)>(f) }, core::ptr::null_mut())
}

unsafe extern "C" {
    fn __cxa_atexit(f: extern "C" fn(*mut c_void), argument: *mut c_void, dso: *mut c_void) -> c_int;
}

/// __cxa_atexit: destructors of static C++ objects.
///
/// # Safety
/// As `__cxa_atexit`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_cxa_atexit(f: extern "C" fn(*mut c_void), argument: *mut c_void, dso: *mut c_void) -> c_int {
    if in_libc() {
        // SAFETY: passed on.
        return unsafe { __cxa_atexit(f, argument, dso) };
    }
    add(f, argument)
}

unsafe extern "C" {
    fn on_exit(f: extern "C" fn(c_int, *mut c_void), argument: *mut c_void) -> c_int;
}

/// Has libc say when a library calls `exit`, and, the `first` time, when all is done that libraries want done then.
pub fn watch(first: bool) {
    // SAFETY: libc's on_exit.
    unsafe { on_exit(left, usize::from(first) as *mut c_void) };
}

/// Libraries do what they have to do at exit, and may call the program: in the thread with this number, and one; 0: not yet.
static mut LEAVING: u32 = 0;
/// They have called it there.
static mut CALLED: bool = false;

/// Record: the thread that has called `exit`, and one; 0: none has.
static EXITS: AtomicU32 = AtomicU32::new(0);

/// Record: another thread has called `exit`, and handlers run there.
pub fn begun_by_another() -> bool {
    ![0, me().number + 1].contains(&EXITS.load(SeqCst))
}

/// In this thread libraries do what they have to do at exit.
fn is_leaving() -> bool {
    // SAFETY: only the thread itself makes that true, or ends it.
    !elsewhere() && unsafe { core::ptr::read_volatile(&raw const LEAVING) } == me().number + 1
}

/// In the place of the number of a signal, one that no program can have: a library called `exit` during the call of the environment,
/// with the status that is the code.
pub const SIGNAL: u32 = 33;
static mut STATUS: c_int = 0;

/// libc's `exit` was called: by us, which is of no interest any more, or by a library. Then the program's functions run here, as they would
/// if libc had them.
extern "C" fn left(status: c_int, first: *mut c_void) {
    // SAFETY: one thread is here.
    unsafe {
        if is_leaving() {
            // What was registered first comes last.
            if !first.is_null() {
                LEAVING = 0;
                if CALLED {
                    crossing::__itarget_upcalls(site::EXIT);
                }
                ctl().in_env = 0;
                end(status);
            }
            return;
        }
    }
    if crossing::from_environment() {
        // SAFETY: one thread is here.
        unsafe { STATUS = status };
        signal::interrupt_here(SIGNAL, status, finish_left);
    } else {
        finish(status);
    }
}

/// Record: a library calls the program. If that is at exit, a call of the environment begins of which nobody knew until now.
pub fn called_back() {
    // SAFETY: one thread is here.
    unsafe {
        if is_leaving() && !CALLED {
            CALLED = true;
            ctl().in_env = 0;
            ctl().boundaries += 1;
            signal::log_event(SIGNAL, 0, [1, 0], true);
            event(site::EXIT as u32);
            ctl().in_env = 1;
        }
    }
}

/// Replay: libraries called the program when it had called `exit`, or signals came meanwhile.
fn replay_calls() {
    if crossing::may_be_called() && ctl().boundaries >= ctl().next_async {
        signal::replay_due(false);
    }
    let here = |e: &Async| e.signal == SIGNAL && e.info[0] == 1 && e.boundaries == ctl().boundaries + 1;
    if replay::async_event(me().next_async_index).is_some_and(|e| here(&e)) {
        me().next_async_index += 1;
        ctl().boundaries += 1;
        signal::next_async();
        event(site::EXIT as u32);
        // SAFETY: it is a section that comes.
        unsafe { crossing::__itarget_upcalls(site::EXIT) };
    }
}

/// Replay: a library called exit.
pub fn replay_left(e: &Async) -> ! {
    // SAFETY: one thread is here.
    unsafe { STATUS = e.code };
    crossing::interrupt(finish_left, e.sp & !1, e.sp & 1 != 0);
    sys::exit_now(e.code)
}

extern "C" fn finish_left() {
    // SAFETY: set just before.
    finish(unsafe { STATUS });
}

/// Registers a function to run at exit.
pub fn add(f: extern "C" fn(*mut c_void), argument: *mut c_void) -> c_int {
    if crossing::from_environment() {
        crossing::special(Special::AtExit);
        crate::word::word(f as usize as u64);
        crate::word::word(argument as u64);
        crossing::complete();
    }
    crate::sync::section(|| {
        // SAFETY: sections exclude each other; the index is checked.
        unsafe {
            if COUNT == HANDLERS {
                return -1;
            }
            LIST[COUNT] = Some((f, argument));
            COUNT += 1;
        }
        if recording() {
            // In libc's order with functions of libraries.
            watch(false);
        }
        0
    })
}

fn run_handlers() {
    // SAFETY: one thread runs them, of those that call exit one; a handler may register another, so no reference is kept.
    unsafe {
        while COUNT > 0 {
            COUNT -= 1;
            if let Some((f, argument)) = LIST[COUNT].take() {
                f(argument);
            }
        }
    }
}

/// exit, and the return from main.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_exit(status: c_int) -> ! {
    if crossing::from_environment() {
        crossing::exit_from_environment(status)
    }
    if replaying() {
        replay::may_end();
    } else if recording() && !elsewhere() {
        EXITS.store(me().number + 1, SeqCst);
    }
    run_handlers();
    if replaying() {
        replay_calls();
    }
    // SAFETY: one thread is here, of those that call exit one. The process ends as the program asked.
    unsafe {
        if recording() && !elsewhere() && crossing::may_be_called() && LEAVING == 0 {
            LEAVING = me().number + 1;
            ctl().in_env = 1;
        } else {
            end(status);
        }
        libc::exit(status)
    }
}

/// What the program wants done at exit, and the end of the recording or replay.
fn finish(status: c_int) {
    run_handlers();
    end(status);
}

/// The end of the recording or replay by exit.
fn end(status: c_int) {
    match page().mode {
        // The recorded thread is somewhere in its run: the trace ends there, as if the process had been killed.
        mode::RECORD if elsewhere() => {}
        mode::RECORD => {
            digest::at_end();
            log::stop(end::EXIT, status);
        }
        mode::REPLAY => {
            digest::at_end();
            replay::finish(end::EXIT, status);
            replay::status_line("exit", status);
            replay::flush_output();
            sys::exit_now(status);
        }
        _ => {}
    }
}

/// _exit.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget__exit(status: c_int) -> ! {
    if crossing::from_environment() {
        crossing::special(Special::ImmediateExit);
        crate::word::word(status as u64);
    }
    match page().mode {
        mode::RECORD if elsewhere() => {}
        mode::RECORD => {
            digest::at_end();
            log::stop(end::IMMEDIATE_EXIT, status);
        }
        mode::REPLAY => {
            replay::may_end();
            digest::at_end();
            replay::finish(end::IMMEDIATE_EXIT, status);
            replay::status_line("immediate_exit", status);
            replay::flush_output();
        }
        mode::PROFILE => crate::profile::write(),
        mode::CHECK => crate::check::finish(),
        _ => {}
    }
    sys::exit_now(status)
}

/// abort.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_abort() -> ! {
    let handled = is_handled();
    if handled {
        raise_abort();
    }
    abort_for_good(handled)
}

/// The program has a handler for the signal of `abort`, which is to run at replay, too.
fn is_handled() -> bool {
    matches!(page().mode, mode::RECORD | mode::REPLAY | mode::CHECK) && !elsewhere() && signal::is_handled(libc::SIGABRT)
}

/// The signal of `abort`, as `raise` sends it. Comes back if the handler does.
fn raise_abort() {
    let outside = crossing::from_environment();
    if outside || __itarget_enter(site::ABORT) != 0 {
        let blocked = 1u64 << (libc::SIGABRT - 1);
        // SAFETY: a mask of 8 bytes; libc's raise.
        unsafe {
            sys!(libc::SYS_rt_sigprocmask, libc::SIG_UNBLOCK, &raw const blocked, 0u64, 8u64);
            libc::raise(libc::SIGABRT);
        }
    }
    if !outside {
        __itarget_leave();
    }
}

/// The process ends by SIGABRT; `handled`: its handler has run.
pub fn abort_for_good(handled: bool) -> ! {
    if crossing::from_environment() {
        crossing::special(Special::Abort);
    }
    match page().mode {
        mode::RECORD if elsewhere() => {}
        mode::RECORD => log::stop(end::ABORT, libc::SIGABRT),
        mode::REPLAY => {
            replay::finish(end::ABORT, libc::SIGABRT);
            replay::status_line("abort", 128 + libc::SIGABRT);
            replay::flush_output();
        }
        mode::CHECK => crate::check::finish(),
        _ => {}
    }
    die(handled)
}

/// libc's abort; `handled`: not the handler, which has run.
fn die(handled: bool) -> ! {
    // SAFETY: ends the process with SIGABRT.
    unsafe {
        if handled {
            libc::signal(libc::SIGABRT, libc::SIG_DFL);
        }
        libc::abort()
    }
}

unsafe extern "C" {
    fn __assert_fail(assertion: *const c_char, file: *const c_char, line: u32, function: *const c_char) -> !;
}

/// A failed assertion.
///
/// # Safety
/// As `__assert_fail`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_assert_fail(a: *const c_char, file: *const c_char, line: u32, f: *const c_char) -> ! {
    let handled = is_handled();
    if handled {
        // SAFETY: passed on.
        unsafe { crate::show::failed_assertion(a, file, line, f) };
        raise_abort();
    }
    if crossing::from_environment() {
        crossing::special(Special::Assert);
    }
    end_assertion();
    if handled {
        die(true);
    }
    // SAFETY: passed on.
    unsafe { __assert_fail(a, file, line, f) }
}

fn end_assertion() {
    match page().mode {
        mode::RECORD if elsewhere() => {}
        mode::RECORD => log::stop(end::ASSERT, libc::SIGABRT),
        mode::REPLAY => {
            replay::finish(end::ASSERT, libc::SIGABRT);
            replay::status_line("assert", 128 + libc::SIGABRT);
            replay::flush_output();
        }
        _ => {}
    }
}

/// Replay: an assertion failed in the environment, whose texts are not there.
pub fn failed_assertion() -> ! {
    end_assertion();
    // SAFETY: ends the process with SIGABRT.
    unsafe { libc::abort() }
}

type Exec = unsafe extern "C" fn(*const c_char, *const *const c_char, *const *const c_char) -> c_int;

/// exec: the recording ends if it succeeds.
///
/// # Safety
/// As the exec function.
unsafe fn exec(f: Exec, path: *const c_char, argv: *const *const c_char, envp: *const *const c_char) -> c_int {
    let outside = crossing::from_environment();
    let run = if outside {
        crossing::special(Special::Exec);
        1
    } else {
        __itarget_enter(site::EXEC)
    };
    crate::word::seal();
    let mut r = -1;
    if run != 0 {
        let mut restore = None;
        if recording() && !elsewhere() {
            // Other threads would write behind an END: with them a trace that ends here is one that was cut off.
            restore = log::write_out().filter(|_| st().alive.load(SeqCst) == 1).map(|at| (at, me().seq));
            if restore.is_some() {
                log::finish(end::EXEC, 0);
            }
        }
        // SAFETY: passed on.
        r = unsafe { f(path, argv, envp) };
        if let Some((at, seq)) = restore {
            // It failed: the END chunk is taken back.
            // SAFETY: a descriptor that leads to our own file.
            let back = log::own_file().is_ok_and(|fd| unsafe { sys!(libc::SYS_ftruncate, fd, at) } == 0);
            if back {
                me().seq = seq;
                let c = ctl();
                c.chunk_seq = seq;
                c.clean = 0;
                page().clean = 0;
                c.magic = itarget_abi::log::MAGIC;
            } else {
                sys::say(&[b"IT0612 recording ends here: the log can't be written after a call of exec that failed; the program goes on, the trace ends with that call"]);
                page().ended = end::EXEC;
                be_plain();
            }
        }
        if outside {
            crossing::complete();
            return r;
        }
        __itarget_leave();
    } else {
        ended_by_exec();
    }
    __itarget_val(i64::from(r)) as c_int
}

/// Replay: the environment calls exec.
pub fn replay_exec() {
    crate::word::seal();
    ended_by_exec();
    // The next entry counts before it is read.
    replay::at_check();
}

/// Replay: ends where the recorded program became another.
fn ended_by_exec() {
    if !replaying() {
        return;
    }
    let (h, own) = (replay::header(), u64::from(me().number));
    if h.end_reason == end::EXEC && h.end_thread == own && replay::position() == me().stream_len {
        sys::say(&[b"IT0613 the trace ends here: the program replaced itself by another image (exec)"]);
        replay::status_line("exec", itarget_abi::exit::TRACE_ENDS);
        replay::flush_output();
        sys::exit_now(itarget_abi::exit::TRACE_ENDS);
    }
}

unsafe extern "C" {
    static environ: *const *const c_char;
    fn execvpe(file: *const c_char, argv: *const *const c_char, envp: *const *const c_char) -> c_int;
}

/// execve.
///
/// # Safety
/// As execve.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_execve(p: *const c_char, a: *const *const c_char, e: *const *const c_char) -> c_int {
    // SAFETY: passed on.
    unsafe { exec(libc::execve, p, a, e) }
}

/// execv.
///
/// # Safety
/// As execv.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_execv(p: *const c_char, a: *const *const c_char) -> c_int {
    // SAFETY: passed on.
    unsafe { exec(libc::execve, p, a, environ) }
}

/// execvp.
///
/// # Safety
/// As execvp.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_execvp(p: *const c_char, a: *const *const c_char) -> c_int {
    // SAFETY: passed on.
    unsafe { exec(execvpe, p, a, environ) }
}

/// execvpe.
///
/// # Safety
/// As execvpe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_execvpe(p: *const c_char, a: *const *const c_char, e: *const *const c_char) -> c_int {
    // SAFETY: passed on.
    unsafe { exec(execvpe, p, a, e) }
}

/// A check of the C library or the compiler failed: the process ends, at replay too.
fn failed_check(what: &[u8]) -> ! {
    sys::say(&[what]);
    __itarget_abort()
}

/// A smashed stack.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_stack_chk_fail() -> ! {
    failed_check(b"*** stack smashing detected ***")
}

/// A buffer overflow found by a fortified function.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_chk_fail() -> ! {
    failed_check(b"*** buffer overflow detected ***")
}

/// See `__itarget_chk_fail`.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_fortify_fail(_: *const c_char) -> ! {
    failed_check(b"*** fortified function failed ***")
}
