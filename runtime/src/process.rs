//! fork and exec.

use crate::hooks::{enter, leave, val};
use crate::mode::{RECORD, mode, site};
use crate::{log, replay, sys};
use itarget_abi::log::end;

/// `fork`. The child runs plain.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_fork() -> i32 {
    if !enter(site::FORK) {
        return val(0) as i32;
    }
    let recording = mode() == RECORD;
    // No handler may run in the child before it has let go of the shared ring.
    let old = sys::sigmask(libc::SIG_SETMASK, u64::MAX);
    // SAFETY: the program's own call.
    let r = unsafe { libc::fork() };
    if r == 0 {
        if recording {
            log::abandon_in_child();
        } else {
            crate::mode::set_mode(crate::mode::PLAIN);
        }
        sys::sigmask(libc::SIG_SETMASK, old);
        return 0;
    }
    sys::sigmask(libc::SIG_SETMASK, old);
    leave();
    val(i64::from(r)) as i32
}

/// `vfork`, which may be fork by its specification.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_vfork() -> i32 {
    // SAFETY: same contract.
    unsafe { __itarget_fork() }
}

/// Runs `call`, which only returns when it failed.
fn exec(call: impl Fn() -> i32) -> i32 {
    if !enter(site::EXEC) {
        replay::sync();
        if replay::left() == 0 && replay::recorded_end().0 == end::EXEC {
            replay::trace_ends();
        }
        return val(-1) as i32;
    }
    if mode() != RECORD {
        return call();
    }
    let before = log::provisional_end(end::EXEC);
    let r = call();
    if let Some(before) = before {
        log::take_back_end(before);
    }
    leave();
    val(i64::from(r)) as i32
}

/// `execve`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_execve(path: *mut u8, argv: *mut u8, envp: *mut u8) -> i32 {
    // SAFETY: the program's own call.
    exec(|| unsafe { libc::execve(path.cast(), argv.cast(), envp.cast()) })
}

/// `execv`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_execv(path: *mut u8, argv: *mut u8) -> i32 {
    // SAFETY: the program's own call.
    exec(|| unsafe { libc::execv(path.cast(), argv.cast()) })
}

/// `execvp`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_execvp(file: *mut u8, argv: *mut u8) -> i32 {
    // SAFETY: the program's own call.
    exec(|| unsafe { libc::execvp(file.cast(), argv.cast()) })
}

