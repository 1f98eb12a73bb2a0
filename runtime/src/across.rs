//! What a call does to memory that is looked at before it, too: bytes that it mostly leaves as they are, and pointers that it moves on.

use crate::exit::site;
use crate::hooks::{__itarget_bytes, block, logged, refuse, varint};
use crate::state::{ctl, elsewhere, page, recording, replaying};
use crate::{check, crossing};
use core::ffi::{CStr, c_char};
use itarget_abi::control::mode;
use itarget_abi::format;

/// Where the bytes are that `__itarget_save` and `__itarget_changed` are about: at `of`, or where the
/// pointer at `offset` of it leads.
///
/// # Safety
/// `of` is null or valid.
unsafe fn about(of: *mut u8, offset: i64) -> *mut u8 {
    if of.is_null() || offset < 0 {
        return of;
    }
    // SAFETY: the caller's promise.
    unsafe { of.add(offset as usize).cast::<*mut u8>().read_unaligned() }
}

/// Before an environment call that mostly leaves `len` bytes as they are: keeps them in a slot of the
/// caller, with their address in front. `offset` -1: the bytes are at `of`, else where the pointer there leads.
///
/// # Safety
/// `of` is null or leads to the bytes; `slot` has room for `len` and 8 more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_save(slot: *mut u8, of: *mut u8, offset: i64, len: i64) {
    if replaying() {
        return;
    }
    // SAFETY: the caller's promise.
    unsafe {
        let from = about(of, offset);
        slot.cast::<u64>().write_unaligned(from as u64);
        if !from.is_null() {
            core::ptr::copy_nonoverlapping(from, slot.add(8), len as usize);
        }
    }
}

/// After the call: the bytes, if they are not what they were.
///
/// # Safety
/// As for `__itarget_save`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_changed(slot: *mut u8, of: *mut u8, offset: i64, len: i64) {
    if of.is_null() {
        return;
    }
    if page().mode == mode::CHECK {
        // SAFETY: the caller's promise.
        return check::declare(unsafe { about(of, offset) } as u64, len);
    }
    if elsewhere() {
        return;
    }
    // SAFETY: the caller's promise; `__itarget_save` kept the bytes.
    let differs = |to: *mut u8| unsafe {
        slot.cast::<u64>().read_unaligned() != to as u64 || libc::memcmp(slot.add(8).cast(), to.cast(), len as usize) != 0
    };
    if ctl().in_env != 0 {
        // SAFETY: the caller's promise.
        unsafe {
            let to = about(of, offset);
            if recording() && !to.is_null() && (differs(to) || crossing::on_stack(to as u64)) {
                crossing::written(to, len);
            }
        }
        return;
    }
    // SAFETY: the caller's promise; at replay nothing but the log says where they are.
    unsafe {
        let mut to = if recording() { about(of, offset) } else { of };
        if offset >= 0 {
            to = varint(to as u64) as *mut u8;
        }
        if !logged(to as u64, len as u64) {
            return;
        }
        let changed = recording() && differs(to);
        if varint(u64::from(changed)) != 0 {
            block(to, len as u64);
        }
    }
}

/// Bytes written by an environment call where the pointer at an offset of `of` leads.
///
/// # Safety
/// `of` is null, or (record) its memory holds at `offset` null or a pointer to `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_behind(of: *const u8, offset: i64, len: i64) {
    if of.is_null() {
        return;
    }
    if page().mode == mode::CHECK {
        // SAFETY: the caller's promise.
        return check::declare(unsafe { about(of.cast_mut(), offset) } as u64, len);
    }
    if ctl().in_env != 0 {
        // SAFETY: the caller's promise.
        return unsafe { crossing::written(of.add(offset as usize).cast::<*mut u8>().read_unaligned(), len) };
    }
    // SAFETY: the caller's promise.
    let here = if recording() { unsafe { of.add(offset as usize).cast::<u64>().read_unaligned() } } else { 0 };
    let to = varint(here) as *mut u8;
    // SAFETY: as recorded.
    unsafe { __itarget_bytes(to, len) };
}

/// Inside an event, before a call whose format nobody knew before: what it stores by `%n`, and memory that it makes by `%m`, would be in no
/// log, so recording ends.
///
/// # Safety
/// `format` is null or, while recording, a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_format(format: *const c_char, scanf: i32) {
    if !recording() && !replaying() || elsewhere() {
        return;
    }
    // SAFETY: the caller's promise.
    let text = if recording() && !format.is_null() { unsafe { CStr::from_ptr(format) }.to_bytes() } else { b"" };
    if varint(u64::from(if scanf != 0 { format::allocates(text) } else { format::stores(text) })) != 0 {
        refuse(site::FORMAT);
    }
}

/// Bytes written by a call from where the pointer at an offset of `of` led before it (`__itarget_save`) to where it leads now. How many.
///
/// # Safety
/// `of` is null, or (unless at replay) its memory holds a pointer at `offset`, and there is memory between what it was and what it is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_moved(slot: *const u8, of: *mut u8, offset: i64) -> i64 {
    if of.is_null() || elsewhere() {
        return 0;
    }
    // SAFETY: the caller's promise.
    let (from, to) = if replaying() { (0, 0) } else { unsafe { (slot.cast::<u64>().read_unaligned(), about(of, offset) as u64) } };
    let n = if from == 0 { 0 } else { to.saturating_sub(from) };
    if page().mode == mode::CHECK {
        check::declare(from, n as i64);
    } else if ctl().in_env != 0 {
        // SAFETY: the caller's promise.
        unsafe { crossing::written(from as *mut u8, n as i64) };
    } else if recording() || replaying() {
        let (from, n) = (varint(from), varint(n) as i64);
        // SAFETY: as recorded.
        unsafe { __itarget_bytes(from as *mut u8, n) };
        return n;
    }
    n as i64
}
