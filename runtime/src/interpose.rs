//! `free` and `realloc` as the libraries see them.
//!
//! A library may free what the program allocated (`regfree` a fastmap). A block of ours is then left
//! alone for good: at replay the call is skipped, and later addresses must be the same. Everything
//! else goes to the allocator that comes next in the search order. The symbols are weak, so that an
//! allocator of the program's own, or libc's in a static link, wins.

use crate::pool::{owns, usable};
use core::ffi::{c_char, c_void};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

core::arch::global_asm!(
    ".weak free",
    ".set free, __itarget_library_free",
    ".weak realloc",
    ".set realloc, __itarget_library_realloc",
    ".weak dlsym",
    ".pushsection .data.rel.ro.itarget_dlsym,\"aw\"",
    ".p2align 3",
    ".hidden itarget_dlsym",
    ".globl itarget_dlsym",
    "itarget_dlsym: .quad dlsym",
    ".popsection"
);

type Free = unsafe extern "C" fn(*mut u8);
type Realloc = unsafe extern "C" fn(*mut u8, usize) -> *mut u8;
type Dlsym = unsafe extern "C" fn(*mut c_void, *const c_char) -> *mut c_void;

unsafe extern "C" {
    fn __libc_free(p: *mut u8);
    fn __libc_realloc(p: *mut u8, n: usize) -> *mut u8;
    static itarget_dlsym: Option<Dlsym>;
}

/// `RTLD_NEXT`.
const NEXT: *mut c_void = usize::MAX as *mut c_void;

static STATE: AtomicUsize = AtomicUsize::new(UNKNOWN);
const UNKNOWN: usize = 0;
const ASKING: usize = 1;
const KNOWN: usize = 2;
static FREE: AtomicPtr<c_void> = AtomicPtr::new(null_mut());
static REALLOC: AtomicPtr<c_void> = AtomicPtr::new(null_mut());

/// Whether the next allocator is known; asks once. False while asking: `dlsym` may come back here.
fn known() -> bool {
    match STATE.compare_exchange(UNKNOWN, ASKING, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => {
            // SAFETY: set by the linker; the names are C strings.
            if let Some(dlsym) = unsafe { itarget_dlsym } {
                // SAFETY: as above.
                unsafe {
                    FREE.store(dlsym(NEXT, c"free".as_ptr()), Ordering::Relaxed);
                    REALLOC.store(dlsym(NEXT, c"realloc".as_ptr()), Ordering::Relaxed);
                }
            }
            STATE.store(KNOWN, Ordering::Release);
            true
        }
        Err(state) => state == KNOWN,
    }
}

/// The `free` of libraries.
///
/// # Safety
/// `p` is null or an allocated block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_library_free(p: *mut u8) {
    if !p.is_null() && !owns(p) {
        // SAFETY: the caller's promise.
        unsafe { next_free(p) };
    }
}

/// The program calls that through a pointer of a library's. At replay the library's blocks are not there.
///
/// # Safety
/// As [`__itarget_library_free`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_free_of_library(block: *mut u8) {
    if !crate::state::replaying() {
        // SAFETY: passed on.
        unsafe { __itarget_library_free(block) };
    }
}

/// Frees a block that is not of the pool.
///
/// # Safety
/// `p` is null or an allocated block of the next allocator.
pub unsafe fn next_free(p: *mut u8) {
    // A block freed while the allocator is being looked up is lost: a few bytes, once.
    if !known() {
        return;
    }
    let f = FREE.load(Ordering::Relaxed);
    // SAFETY: the symbol `free` of the next allocator, or libc's.
    unsafe {
        if f.is_null() { __libc_free(p) } else { core::mem::transmute::<*mut c_void, Free>(f)(p) }
    }
}

/// The `realloc` of libraries.
///
/// # Safety
/// `p` is null or an allocated block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_library_realloc(p: *mut u8, n: usize) -> *mut u8 {
    if p.is_null() || !owns(p) {
        // SAFETY: the caller's promise.
        return unsafe { next_realloc(p, n) };
    }
    // SAFETY: a fresh block, and a block of ours of `usable` bytes.
    unsafe {
        let to = next_realloc(null_mut(), n);
        if !to.is_null() {
            core::ptr::copy_nonoverlapping(p, to, (usable(p) as usize).min(n));
        }
        to
    }
}

/// Grows a block that is not of the pool.
///
/// # Safety
/// `p` is null or an allocated block of the next allocator.
pub unsafe fn next_realloc(p: *mut u8, n: usize) -> *mut u8 {
    let f = if known() { REALLOC.load(Ordering::Relaxed) } else { null_mut() };
    // SAFETY: the symbol `realloc` of the next allocator, or libc's.
    unsafe {
        if f.is_null() { __libc_realloc(p, n) } else { core::mem::transmute::<*mut c_void, Realloc>(f)(p, n) }
    }
}
