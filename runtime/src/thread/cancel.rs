//! Cancellation of threads.
//!
//! While recording, glibc cancels: it ends the call that the thread waits in, gives back what its own frames hold, and unwinds. It finds
//! the innermost buffer that was registered with it, and that is ours, around all of the program's frames ([`super::on_stack`]). There the
//! runtime takes over on glibc's part of the stack: where the thread was cancelled is logged as an event of the call, as a signal is, and the handlers
//! of the program run from its own list, as at `pthread_exit`. At replay that event does the same; nobody asks glibc.
//!
//! All cancellation is deferred: a thread that asks for the asynchronous kind is cancelled at its next cancellation point.

use super::{Handle, is_main, plain, real, unwind};
use crate::exit::site;
use crate::hooks::{__itarget_enter, __itarget_leave, refuse};
use crate::state::{ctl, me, recording};
use crate::sync;
use crate::word::word;
use crate::{log, signal};
use core::ffi::{c_int, c_void};
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use itarget_abi::log::{Async, kind};

/// The signal that glibc cancels threads by; no program can have it.
pub const SIGNAL: u32 = 32;
/// `PTHREAD_CANCEL_DISABLE`.
const DISABLE: c_int = 1;
/// What a thread that was cancelled gives.
const CANCELED: *mut c_void = usize::MAX as *mut c_void;

unsafe extern "C" {
    fn pthread_cancel(t: Handle) -> c_int;
    fn pthread_setcanceltype(kind: c_int, old: *mut c_int) -> c_int;
    fn pthread_setcancelstate(state: c_int, old: *mut c_int) -> c_int;
    fn pthread_testcancel();
    pub(super) fn __pthread_register_cancel(buffer: *mut c_void);
    fn __pthread_unregister_cancel(buffer: *mut c_void);
    fn __pthread_unwind_next(buffer: *mut c_void) -> !;
}

/// pthread_cancel.
///
/// # Safety
/// As the function; so for all in this file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_pthread_cancel(t: Handle) -> c_int {
    // SAFETY: passed on.
    unsafe {
        if plain() {
            return pthread_cancel(t);
        }
        if is_main(t) {
            // Nothing of ours is around its frames.
            refuse(site::CANCEL);
        }
        let run = __itarget_enter(site::CANCEL) != 0;
        let mut rc = 0;
        if run {
            rc = pthread_cancel(real(t));
            __itarget_leave();
        }
        word(rc as u64) as c_int
    }
}

/// pthread_setcanceltype: both kinds are the same here.
///
/// # Safety
/// See `__itarget_pthread_cancel`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_setcanceltype(kind: c_int, old: *mut c_int) -> c_int {
    if plain() {
        // SAFETY: passed on.
        return unsafe { pthread_setcanceltype(kind, old) };
    }
    if !(0..=1).contains(&kind) {
        return libc::EINVAL;
    }
    let before = core::mem::replace(&mut me().life.cancel_type, kind);
    if !old.is_null() {
        // SAFETY: the caller's variable.
        unsafe { *old = before };
    }
    0
}

/// The thread waits for a condition: when it is cancelled there, it has the mutex again, which this released last.
pub fn waits_with(mutex: *const AtomicU64) {
    me().life.retakes = mutex;
}

/// The thread is cancelled here, if it is to be, and nowhere before [`allow`]. Gives what that gets.
pub fn forbid() -> c_int {
    // SAFETY: glibc's function; what happens if the thread is cancelled is `cancelled`.
    unsafe { pthread_testcancel() };
    forbid_meanwhile()
}

/// The thread is not cancelled before [`allow`]. Gives what that gets.
pub fn forbid_meanwhile() -> c_int {
    let mut before = 0;
    // SAFETY: glibc's function.
    unsafe { pthread_setcancelstate(DISABLE, &raw mut before) };
    before
}

/// The thread ends itself: what it runs from now on is not cancelled.
pub(super) fn forbid_for_good() {
    // SAFETY: glibc's function.
    unsafe { pthread_setcancelstate(DISABLE, core::ptr::null_mut()) };
}

/// It may be cancelled again.
pub fn allow(before: c_int) {
    // SAFETY: glibc's function.
    unsafe { pthread_setcancelstate(before, core::ptr::null_mut()) };
}

/// glibc has cancelled this thread: it is on glibc's part of the stack, and all frames of the program are still there.
pub(super) extern "C" fn cancelled() -> ! {
    let retakes = core::mem::replace(&mut me().life.retakes, core::ptr::null());
    if recording() {
        ctl().in_env = 0;
        let e = Async {
            boundaries: ctl().boundaries,
            signal: SIGNAL,
            code: i32::from(!retakes.is_null()),
            info: [0; 2],
            sp: 1,
        };
        // SAFETY: plain integers without padding.
        let bytes = unsafe { core::slice::from_raw_parts((&raw const e).cast::<u8>(), size_of::<Async>()) };
        if let Err(errno) = log::special(kind::ASYNC, bytes) {
            log::fail(errno);
        }
        if !retakes.is_null() {
            // SAFETY: objects that threads synchronize by are never given back.
            sync::depend(unsafe { (*retakes).load(Relaxed) });
            sync::count();
        }
        // Signals that came while glibc unwound.
        ctl().boundaries += 1;
        signal::deliver_pending();
    } else {
        ctl().in_env = 0;
    }
    leave()
}

/// Replay: the call that begins here was cancelled, and `operations` of the order were done by that.
pub fn replay(operations: i32) -> ! {
    for _ in 0..operations {
        sync::pass();
    }
    ctl().boundaries += 1;
    if ctl().boundaries >= ctl().next_async {
        signal::replay_due(false);
    }
    leave()
}

fn leave() -> ! {
    me().life.result = CANCELED;
    unwind()
}

/// glibc's `__pthread_unwind_buf_t`, as `pthread_cleanup_push` has it in C.
#[repr(C)]
pub struct Buffer {
    registers: [u64; 8],
    saved: c_int,
    outer: *mut Buffer,
}

/// Registers a handler of `pthread_cleanup_push`.
///
/// # Safety
/// See `__itarget_pthread_cancel`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_register_cancel(buffer: *mut Buffer) {
    if plain() {
        // SAFETY: passed on.
        return unsafe { register(buffer) };
    }
    let life = &mut me().life;
    // SAFETY: a local of the caller.
    unsafe { (*buffer).outer = life.cleanup };
    life.cleanup = buffer;
}

/// Takes it back.
///
/// # Safety
/// See `__itarget_pthread_cancel`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_unregister_cancel(buffer: *mut Buffer) {
    if plain() {
        // SAFETY: passed on.
        return unsafe { unregister(buffer.cast()) };
    }
    // SAFETY: a local of the caller.
    me().life.cleanup = unsafe { (*buffer).outer };
}

/// A handler has run: on with the next one.
///
/// # Safety
/// See `__itarget_pthread_cancel`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_unwind_next(buffer: *mut Buffer) -> ! {
    if plain() {
        // SAFETY: passed on.
        unsafe { unwind_next(buffer.cast()) }
    }
    // SAFETY: a local of the caller.
    me().life.cleanup = unsafe { (*buffer).outer };
    unwind()
}

/// A program that is not recorded leaves its handlers to glibc, whose buffers keep three registers in a form of its own.
///
/// # Safety
/// A buffer that `__itarget_sigsetjmp` filled.
unsafe fn register(buffer: *mut Buffer) {
    let key: u64;
    // SAFETY: the word of the thread's control block that glibc mangles pointers with.
    unsafe { core::arch::asm!("mov {}, fs:[0x30]", out(reg) key, options(nostack, readonly, preserves_flags)) };
    for at in [1, 6, 7] {
        // SAFETY: rbp, the stack pointer and the address to go on at.
        unsafe {
            let word = &mut (*buffer).registers[at];
            *word = (*word ^ key).rotate_left(17);
        }
    }
    // SAFETY: a buffer of glibc's layout.
    unsafe { __pthread_register_cancel(buffer.cast()) };
}

/// See [`register`].
///
/// # Safety
/// A buffer that was registered.
pub(super) unsafe fn unregister(buffer: *mut c_void) {
    // SAFETY: passed on.
    unsafe { __pthread_unregister_cancel(buffer) };
}

/// See [`register`].
///
/// # Safety
/// A buffer that was registered, whose handler has run.
unsafe fn unwind_next(buffer: *mut c_void) -> ! {
    // SAFETY: passed on.
    unsafe { __pthread_unwind_next(buffer) }
}
