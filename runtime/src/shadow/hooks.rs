//! What instrumented code calls where its thread's table does not allow an access at once.

use super::{MOST, access, active, done, hold, look, range, reach, release, will_read, will_write};
use crate::hooks::{__itarget_ck, __itarget_ckn, __itarget_ld, __itarget_ldn, logged_side, plain};
use crate::state::recording;
use crate::sync;
use core::sync::atomic::{Ordering::SeqCst, compiler_fence};
use itarget_abi::layout::mapped_at_replay;

/// Most bytes that a call may read without what it gets being logged: more takes longer to look at.
const FAR: u64 = 1 << 20;
/// The same where how much it reads is not known.
const FAR_UNKNOWN: u64 = 4096;

/// Reads with `f` until nobody took the permission away meanwhile. False: what is there must be logged.
pub fn settled(from: *const u8, len: u64, mut f: impl FnMut()) -> bool {
    loop {
        if look(from as u64, len, false) {
            return false;
        }
        let before = sync::stamp();
        f();
        compiler_fence(SeqCst);
        // Still allowed, in the same epoch?
        if !recording() || !active() || !look(from as u64, len, false) && before == sync::stamp() {
            return true;
        }
    }
}

/// A load.
///
/// # Safety
/// `from` is valid for `size` bytes (1, 2, 4 or 8).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_order_load(from: *const u8, size: i32, site: i32) -> i64 {
    let mut v = 0;
    // SAFETY: the caller's promise.
    if settled(from, size as u64, || v = unsafe { plain(from, size) }) {
        return v;
    }
    // SAFETY: the caller's promise.
    unsafe { __itarget_ld(from, size, site) }
}

/// A load of any size.
///
/// # Safety
/// Both are valid for `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_order_loadn(from: *const u8, to: *mut u8, len: i64, site: i32) {
    // SAFETY: the caller's promise.
    unsafe {
        if !settled(from, len as u64, || core::ptr::copy(from, to, len as usize)) {
            __itarget_ldn(from, to, len, site);
        }
    }
}

/// A load from above the bound: logged if that is memory of the environment.
///
/// # Safety
/// As `__itarget_ck`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_order_ck(from: *const u8, size: i32, site: i32) -> i64 {
    // SAFETY: passed on.
    unsafe {
        if !active() || logged_side(from as u64, size as u64) {
            return __itarget_ck(from, size, site);
        }
        access().left = access().left.wrapping_sub(1);
        __itarget_order_load(from, size, site)
    }
}

/// As `__itarget_order_ck` for any size.
///
/// # Safety
/// As `__itarget_ckn`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_order_ckn(from: *const u8, to: *mut u8, len: i64, site: i32) {
    // SAFETY: passed on.
    unsafe {
        if !active() || logged_side(from as u64, len as u64) {
            return __itarget_ckn(from, to, len, site);
        }
        access().left = access().left.wrapping_sub(1);
        __itarget_order_loadn(from, to, len, site);
    }
}

/// Before a store.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_order_store(to: *mut u8, len: i64) {
    look(to as u64, len as u64, true);
}

/// A length as it is given, `i64::MAX` if that says nothing: more than any memory has.
fn known(len: i64) -> i64 {
    if len < 0 { i64::MAX } else { len }
}

/// Before a call that reads `len` bytes itself, at replay too. 1: what it gets there must be logged.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_order_reads(from: *const u8, len: i64, most: i64) -> i32 {
    let (at, len) = (from as u64, known(len));
    if !active() || at == 0 || len == 0 || !mapped_at_replay(at) {
        return 0;
    }
    let far = if len == i64::MAX { FAR_UNKNOWN } else { FAR };
    let len = reach(at, len as u64, most as u64);
    if len == 0 || len > far {
        return 1;
    }
    will_read(at, len);
    i32::from(range(at, len, false))
}

/// After these, if none gave 1: so it stays until the call has read. 1: what it gets must be logged after all.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_order_hold() -> i32 {
    i32::from(active() && hold())
}

/// The call has been made natively.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_order_done() {
    done();
}

/// The call is made as one of the environment.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_order_env() {
    release();
}

/// Before a call that writes at most `len` bytes.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_order_writes(to: *mut u8, len: i64, most: i64) -> i32 {
    let (at, len) = (to as u64, known(len));
    if !active() || at == 0 || len == 0 || !mapped_at_replay(at) {
        return 0;
    }
    let mut bytes = reach(at, len as u64, most as u64);
    if bytes > MOST && recording() {
        // No call writes beyond its block, whatever it is told.
        bytes = crate::pool::rest(at).unwrap_or(bytes);
    }
    if bytes == 0 {
        crate::hooks::refuse(crate::exit::site::ORDER);
    }
    will_write(at, bytes);
    i32::from(range(at, bytes, true))
}
