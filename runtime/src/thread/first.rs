//! The first thread of a process: the main one, or in a child the one that forked it. When it ends on its own it stays, and the process ends with the last
//! of the others.

use super::{Thread, counts};
use crate::exit::site;
use crate::hooks::{__itarget_enter, __itarget_leave};
use crate::state::{me, recording, replaying, st};
use crate::sys::sys;
use crate::{replay, signal};
use core::ffi::{c_int, c_void};
use core::sync::atomic::Ordering::SeqCst;

/// The thread with that number is the first one of its process: the main one, or the one that forked that. It stays until the process ends.
pub fn stays(number: u32) -> bool {
    number == 0 || if replaying() { replay::has_forked(number) } else { number == crate::process::first() }
}

/// Waits until the first thread has ended on its own. It stays until the process ends.
pub fn wait_for_first(first: &Thread) -> c_int {
    while first.life.over.load(SeqCst) == 0 {
        // SAFETY: sleeps while it is 0.
        unsafe { sys!(libc::SYS_futex, (&raw const first.life.over), libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG, 0u64, 0u64) };
    }
    0
}

/// The first thread ends on its own.
pub extern "C" fn end_first(_: *mut c_void) -> *mut c_void {
    wait_for_others();
    if let Some(mask) = me().life.mask.filter(|_| recording()) {
        // What handlers of exit do is the last thread's in C's library.
        signal::unblock(mask);
    }
    crate::exit::__itarget_exit(0)
}

/// The first thread ended on its own: the process does when the last thread has.
fn wait_for_others() {
    me().life.over.store(1, SeqCst);
    // SAFETY: wakes who joins the thread.
    unsafe { sys!(libc::SYS_futex, (&raw const me().life.over), libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG, i32::MAX) };
    if replaying() {
        replay::may_end();
    }
    // At replay the others end by themselves, too.
    __itarget_enter(site::JOIN);
    loop {
        let alive = st().alive.load(SeqCst);
        if alive <= 1 {
            break;
        }
        // SAFETY: sleeps while the number is what was seen.
        unsafe { sys!(libc::SYS_futex, (&raw const st().alive), libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG, u64::from(alive), 0u64) };
    }
    __itarget_leave();
}

/// Replay: the process may be a child that the main thread was left behind by.
pub fn begin_replay() {
    st().alive.store(counts(0), SeqCst);
}
