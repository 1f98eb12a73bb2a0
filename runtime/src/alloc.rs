//! The allocation functions that instrumented code calls instead of libc's.

use crate::crossing::{self, Special};
use crate::hooks::{block, varint};
use crate::interpose::{next_free, next_realloc};
use crate::shadow;
use crate::pool::{self, allocate, allocate_aligned, allocate_fresh, owns, release, usable};
use crate::state::{elsewhere, page, recording, replaying};
use core::ffi::c_void;
use core::ptr::{copy_nonoverlapping, null_mut};
use itarget_abi::control::mode;
use itarget_abi::layout::OBJ_ENV;

unsafe extern "C" {
    fn malloc_usable_size(p: *mut c_void) -> usize;
    fn reallocarray(p: *mut c_void, n: usize, size: usize) -> *mut c_void;
    fn memalign(align: usize, n: usize) -> *mut c_void;
}

/// True when the environment allocates, in the recorded thread or another.
#[inline(always)]
fn from_environment() -> bool {
    crossing::from_environment() || elsewhere()
}

/// True when the program's own allocations go to libc: nothing is recorded and nothing was.
#[inline(always)]
fn plain() -> bool {
    page().mode == mode::PLAIN && !pool::ready()
}

fn no_memory() -> *mut u8 {
    // SAFETY: libc's errno of this thread.
    unsafe { *libc::__errno_location() = libc::ENOMEM };
    null_mut()
}

#[inline]
fn or_enomem(p: *mut u8) -> *mut u8 {
    if p.is_null() { no_memory() } else { p }
}

/// malloc.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_malloc(size: u64, objid: u32) -> *mut u8 {
    if plain() {
        // SAFETY: libc's malloc.
        return unsafe { libc::malloc(size as usize) }.cast();
    }
    if from_environment() {
        return environment_block(size, 0, objid, false);
    }
    let p = allocate(size, objid);
    shadow::block(p);
    or_enomem(p)
}

/// A block for the environment: libc's, unless replay space looks into it.
fn environment_block(size: u64, align: u64, objid: u32, zero: bool) -> *mut u8 {
    if elsewhere() {
        crate::state::foreign();
    }
    if objid == OBJ_ENV || elsewhere() {
        // SAFETY: libc's functions.
        return unsafe {
            match (zero, align) {
                (true, _) => libc::calloc(1, size as usize).cast(),
                (false, 0) => libc::malloc(size as usize).cast(),
                (false, align) => memalign(align as usize, size as usize).cast(),
            }
        };
    }
    crossing::special(Special::Alloc);
    varint(u64::from(objid) << 1 | u64::from(zero));
    varint(size);
    varint(align);
    let p = make(size, align, objid, zero);
    crossing::complete();
    p
}

/// A block of the pool, `align` 0 for the usual alignment, cleared if `zero`.
pub fn make(size: u64, align: u64, objid: u32, zero: bool) -> *mut u8 {
    let p = if align == 0 { allocate(size, objid) } else { allocate_aligned(align, size, objid) };
    if zero && !p.is_null() {
        // SAFETY: `size` bytes were allocated.
        unsafe { core::ptr::write_bytes(p, 0, size as usize) };
    }
    or_enomem(p)
}

/// calloc.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_calloc(count: u64, size: u64, objid: u32) -> *mut u8 {
    if plain() {
        // SAFETY: libc's calloc.
        return unsafe { libc::calloc(count as usize, size as usize) }.cast();
    }
    let Some(n) = count.checked_mul(size) else { return no_memory() };
    if from_environment() {
        return environment_block(n, 0, objid, true);
    }
    let (p, fresh) = allocate_fresh(n, objid);
    if !p.is_null() {
        shadow::range(p as u64, n, true);
    }
    if !p.is_null() && !fresh {
        // SAFETY: `n` bytes were allocated.
        unsafe { core::ptr::write_bytes(p, 0, n as usize) };
    }
    or_enomem(p)
}

/// realloc. Where the old block is environment memory and the new one is not, the bytes that
/// cross are logged.
///
/// # Safety
/// `old` is null or an allocated block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_realloc(old: *mut u8, size: u64, objid: u32) -> *mut u8 {
    if plain() {
        // SAFETY: libc's block.
        return unsafe { next_realloc(old, size as usize) };
    }
    if old.is_null() {
        return __itarget_malloc(size, objid);
    }
    if size == 0 {
        // SAFETY: the caller's promise.
        unsafe { __itarget_free(old) };
        return null_mut();
    }
    if from_environment() {
        // SAFETY: the caller's promise.
        return unsafe { environment_realloc(old, size, objid) };
    }
    let ours = owns(old);
    if ours {
        shadow::block(old);
    }
    let room = match (ours, replaying()) {
        (true, _) => usable(old),
        // SAFETY: a block of libc.
        (false, false) => unsafe { malloc_usable_size(old.cast()) as u64 },
        (false, true) => 0,
    };
    let stays = ours && pool::same_arena(old, objid);
    if stays && size <= room && (size >= room / 2 || room <= 64) {
        return old;
    }
    let new = allocate(size, objid);
    if new.is_null() {
        return no_memory();
    }
    let crosses = !stays && (recording() || replaying()) && pool::logged_across(old, new);
    if ours && !crosses && shadow::active() {
        let n = room.min(size);
        shadow::range(new as u64, n, true);
        // SAFETY: `n` bytes are valid in both blocks.
        unsafe {
            if !shadow::copy(old, new, n) {
                copy_nonoverlapping(old, new, n as usize);
                block(new, n);
            }
            __itarget_free(old);
        }
        return new;
    }
    let n = if crosses { varint(room.min(size)) } else { room.min(size) };
    // SAFETY: `n` bytes are valid in both blocks; at replay an environment block of libc does
    // not exist, and its bytes come from the log.
    unsafe {
        if ours || !replaying() {
            copy_nonoverlapping(old, new, n as usize);
        }
        if crosses {
            block(new, n);
        }
        __itarget_free(old);
    }
    new
}

/// realloc by the environment. What of the old block gets into replay space is logged.
unsafe fn environment_realloc(old: *mut u8, size: u64, objid: u32) -> *mut u8 {
    if !owns(old) && (objid == OBJ_ENV || elsewhere()) {
        // SAFETY: libc's block.
        return unsafe { next_realloc(old, size as usize) };
    }
    // SAFETY: a block of ours or of libc.
    let room = if owns(old) { usable(old) } else { unsafe { malloc_usable_size(old.cast()) as u64 } };
    let new = __itarget_malloc(size, objid);
    if !new.is_null() {
        let n = room.min(size);
        // SAFETY: `n` bytes are valid in both blocks.
        unsafe {
            copy_nonoverlapping(old, new, n as usize);
            crossing::__itarget_apply(new, n as i64, crate::exit::site::REALLOC, 1);
            __itarget_free(old);
        }
    }
    new
}

/// reallocarray.
///
/// # Safety
/// As `__itarget_realloc`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_reallocarray(old: *mut u8, count: u64, size: u64, objid: u32) -> *mut u8 {
    if plain() {
        // SAFETY: libc's block.
        return unsafe { reallocarray(old.cast(), count as usize, size as usize) }.cast();
    }
    match count.checked_mul(size) {
        // SAFETY: passed on.
        Some(n) => unsafe { __itarget_realloc(old, n, objid) },
        None => no_memory(),
    }
}

/// memalign and aligned_alloc.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_memalign(align: u64, size: u64, objid: u32) -> *mut u8 {
    if plain() {
        // SAFETY: libc's memalign.
        return unsafe { memalign(align as usize, size as usize) }.cast();
    }
    let align = align.max(1).next_power_of_two();
    if from_environment() {
        return environment_block(size, align, objid, false);
    }
    let p = allocate_aligned(align, size, objid);
    shadow::block(p);
    or_enomem(p)
}

/// posix_memalign.
///
/// # Safety
/// `out` is writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_posix_memalign(out: *mut *mut u8, align: u64, size: u64, objid: u32) -> i32 {
    if !align.is_power_of_two() || !align.is_multiple_of(8) {
        return libc::EINVAL;
    }
    let p = __itarget_memalign(align, size, objid);
    if p.is_null() {
        return libc::ENOMEM;
    }
    shadow::range(out as u64, size_of::<*mut u8>() as u64, true);
    // SAFETY: the caller's promise.
    unsafe { *out = p };
    0
}

/// strdup.
///
/// # Safety
/// `s` is a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_strdup(s: *const u8, objid: u32) -> *mut u8 {
    // SAFETY: passed on.
    unsafe { __itarget_strndup(s, u64::MAX, objid) }
}

/// strndup. A string of the environment is logged as it is copied.
///
/// # Safety
/// `s` is a C string, or `n` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_strndup(s: *const u8, n: u64, objid: u32) -> *mut u8 {
    if from_environment() {
        // SAFETY: the caller's promise; `n + 1` bytes were allocated.
        unsafe {
            let n = libc::strnlen(s.cast(), n as usize);
            let p = __itarget_malloc(n as u64 + 1, objid);
            if !p.is_null() {
                copy_nonoverlapping(s, p, n);
                *p.add(n) = 0;
                crossing::__itarget_apply(p, n as i64 + 1, crate::exit::site::REALLOC, 1);
            }
            return p;
        }
    }
    let foreign = (recording() || replaying()) && pool::side(s as u64, 1) != pool::Side::Replay;
    let missing = foreign && replaying();
    if missing {
        crate::fault::before(s as u64, n, false);
    }
    // Others may change it meanwhile.
    let crosses = foreign || shadow::active();
    // SAFETY: the caller's promise; environment memory is not read at replay.
    let len = if missing { 0 } else { unsafe { libc::strnlen(s.cast(), n as usize) as u64 } };
    let len = if crosses { varint(len) } else { len };
    let p = __itarget_malloc(len + 1, objid);
    if !p.is_null() {
        shadow::range(p as u64, len + 1, true);
        // SAFETY: `len + 1` bytes were allocated.
        unsafe {
            if !crosses || !replaying() {
                copy_nonoverlapping(s, p, len as usize);
            }
            if crosses {
                block(p, len);
            }
            *p.add(len as usize) = 0;
        }
    }
    p
}

/// free.
///
/// # Safety
/// `p` is null or an allocated block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_free(p: *mut u8) {
    if owns(p) {
        if elsewhere() {
            return; // The pool is the recorded thread's: the block stays for good.
        }
        if crossing::from_environment() {
            crossing::special(Special::Free);
            varint(p as u64);
            release(p);
            crossing::complete();
            return;
        }
        shadow::block(p);
        release(p);
    } else if !replaying() {
        // SAFETY: a block of libc (or null).
        unsafe { next_free(p) };
    }
}

/// malloc_usable_size.
///
/// # Safety
/// `p` is null or an allocated block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_malloc_usable_size(p: *mut u8) -> u64 {
    if owns(p) {
        return usable(p);
    }
    if from_environment() {
        // SAFETY: a block of libc.
        return unsafe { malloc_usable_size(p.cast()) as u64 };
    }
    // SAFETY: a block of libc, which exists unless this is a replay.
    varint(if replaying() { 0 } else { unsafe { malloc_usable_size(p.cast()) as u64 } })
}
