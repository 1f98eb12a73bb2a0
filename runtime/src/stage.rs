//! Copies of arguments: for calls that work on memory themselves, at replay too, where it is the environment's or threads may race for it.

use crate::fault;
use crate::hooks::{bulk, event, logged_side, logging, varint};
use crate::state::replaying;
use itarget_abi::hooks::{STAGE_ALWAYS, STAGE_ORDERED, STAGE_READ};
use itarget_abi::layout;

/// Before a call that works on `len` bytes at `of` itself: where they are the environment's, it gets those at `slot` instead, whose
/// contents are logged. See `STAGE_READ` and `STAGE_ALWAYS` for `flags`.
///
/// # Safety
/// `of` is null or valid for `len` bytes; `slot` has that room.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_stage(slot: *mut u8, of: *mut u8, len: i64, flags: i32, site: i32) -> *mut u8 {
    if of.is_null() || !logging() {
        return of;
    }
    if flags & STAGE_ALWAYS == 0 && !logged_side(of as u64, len as u64) {
        if flags & STAGE_ORDERED == 0 || !crate::shadow::active() {
            return of;
        }
        // SAFETY: the caller's promise.
        if crate::shadow::copy(of, slot, len as u64) {
            return slot;
        }
    }
    event(site as u32);
    // SAFETY: the caller's promise.
    unsafe {
        if replaying() {
            fault::before(of as u64, len as u64, false);
        } else {
            core::ptr::copy_nonoverlapping(of, slot, len as usize);
        }
        if flags & STAGE_READ != 0 {
            bulk(slot, len as u64);
        }
    }
    slot
}

/// After such a call: what it left at `slot`, which is what it got, goes to where it belongs.
///
/// # Safety
/// As for `__itarget_stage`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_unstage(to: *mut u8, slot: *const u8, len: i64) {
    if !replaying() || layout::mapped_at_replay(to as u64) {
        // SAFETY: the caller's promise.
        unsafe { core::ptr::copy(slot, to, len as usize) };
    }
}

/// Before a call that reads the string at `of`, or `limit` bytes of it, itself: where that is the environment's, it gets a copy in the pool,
/// whose contents are logged. See `STAGE_ALWAYS` for `flags`.
///
/// # Safety
/// `of` is null or leads to a string, or to `limit` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_stage_text(of: *mut u8, limit: u64, flags: i32, site: i32) -> *mut u8 {
    if of.is_null() || !logging() || flags & STAGE_ALWAYS == 0 && !logged_side(of as u64, 1) {
        return of;
    }
    event(site as u32);
    if replaying() {
        fault::before(of as u64, limit, false);
    }
    // SAFETY: the caller's promise; the block has room for the text and its end.
    unsafe {
        let n = varint(if replaying() { 0 } else { libc::strnlen(of.cast(), limit as usize) as u64 });
        let copy = crate::alloc::__itarget_malloc(n + 1, layout::OBJ_REPLAY);
        if copy.is_null() {
            libc::abort();
        }
        if !replaying() {
            core::ptr::copy_nonoverlapping(of, copy, n as usize);
        }
        bulk(copy, n);
        *copy.add(n as usize) = 0;
        copy
    }
}

/// After such a call: the copy, if it was one, is no longer needed.
///
/// # Safety
/// What `__itarget_stage_text` gave for `of`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_unstage_text(given: *mut u8, of: *mut u8) {
    if given != of {
        // SAFETY: a block of ours.
        unsafe { crate::alloc::__itarget_free(given) };
    }
}
