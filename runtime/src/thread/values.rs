//! Values of thread keys, and the program's thread-local variables.

use super::plain;
use crate::state::me;
use crate::sync;
use core::ffi::{c_int, c_void};

/// Keys that a program may have.
pub const KEYS: usize = 256;
/// Rounds of destructors, as POSIX has them.
const ROUNDS: usize = 4;

type Destructor = Option<extern "C" fn(*mut c_void)>;

static mut USED: [bool; KEYS] = [false; KEYS];
static mut DESTRUCTORS: [Destructor; KEYS] = [None; KEYS];

/// pthread_key_create.
///
/// # Safety
/// As the function; so for all in this file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_key_create(key: *mut libc::pthread_key_t, destructor: Destructor) -> c_int {
    if plain() {
        // SAFETY: passed on.
        return unsafe { libc::pthread_key_create(key, core::mem::transmute::<Destructor, Option<unsafe extern "C" fn(*mut c_void)>>(destructor)) };
    }
    // An access may be an operation, which a section is as well: one after the other.
    crate::shadow::range(key as u64, size_of::<libc::pthread_key_t>() as u64, true);
    sync::section(|| {
        // SAFETY: sections exclude each other.
        unsafe {
            let Some(free) = (0..KEYS).find(|i| !USED[*i]) else { return libc::EAGAIN };
            USED[free] = true;
            DESTRUCTORS[free] = destructor;
            *key = free as u32;
        }
        0
    })
}

/// pthread_key_delete.
///
/// # Safety
/// See `__itarget_key_create`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_key_delete(key: libc::pthread_key_t) -> c_int {
    if plain() {
        // SAFETY: passed on.
        return unsafe { libc::pthread_key_delete(key) };
    }
    sync::section(|| {
        // SAFETY: sections exclude each other.
        unsafe {
            match USED.get_mut(key as usize) {
                Some(used) if *used => *used = false,
                _ => return libc::EINVAL,
            }
            DESTRUCTORS[key as usize] = None;
        }
        // A new key starts without values.
        for t in super::each() {
            // SAFETY: no thread uses a key that is being deleted.
            unsafe { (*core::ptr::from_ref(t).cast_mut()).life.values[key as usize] = core::ptr::null_mut() };
        }
        0
    })
}

/// pthread_setspecific and tss_set.
///
/// # Safety
/// See `__itarget_key_create`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_setspecific(key: libc::pthread_key_t, value: *const c_void) -> c_int {
    if plain() {
        // SAFETY: passed on.
        return unsafe { libc::pthread_setspecific(key, value) };
    }
    match me().life.values.get_mut(key as usize) {
        Some(slot) => *slot = value.cast_mut(),
        None => return libc::EINVAL,
    }
    0
}

/// pthread_getspecific and tss_get.
///
/// # Safety
/// See `__itarget_key_create`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_getspecific(key: libc::pthread_key_t) -> *mut c_void {
    if plain() {
        // SAFETY: passed on.
        return unsafe { libc::pthread_getspecific(key) };
    }
    me().life.values.get(key as usize).copied().unwrap_or(core::ptr::null_mut())
}

/// Runs the destructors of the values of this thread.
pub extern "C" fn destroy(_: *mut c_void) -> *mut c_void {
    for _ in 0..ROUNDS {
        let mut any = false;
        for key in 0..KEYS {
            let value = core::mem::replace(&mut me().life.values[key], core::ptr::null_mut());
            // SAFETY: a word that is changed in sections only.
            let destructor = unsafe { DESTRUCTORS[key] };
            if let (false, Some(destructor)) = (value.is_null(), destructor) {
                any = true;
                destructor(value);
            }
        }
        if !any {
            break;
        }
    }
    me().life.result
}

core::arch::global_asm!(
    ".weak __itarget_tls_image",
    ".pushsection .data.rel.ro.itarget_tls_address,\"aw\"",
    ".p2align 3",
    ".hidden itarget_tls_address",
    ".globl itarget_tls_address",
    "itarget_tls_address: .quad __itarget_tls_image",
    ".popsection",
    // Where the variables of the thread are, for instrumented code; null until they are first used.
    ".pushsection .tbss.__itarget_locals,\"awT\",@nobits",
    ".p2align 3",
    ".globl __itarget_locals",
    ".type __itarget_locals,@object",
    ".size __itarget_locals,8",
    "__itarget_locals: .zero 8",
    ".popsection",
);

unsafe extern "C" {
    /// Bytes, then what the variables hold at first.
    static itarget_tls_address: *const u64;
}

fn set_locals(p: *mut u8) {
    // SAFETY: a thread-local variable of 8 bytes in the executable.
    unsafe { core::arch::asm!("mov qword ptr fs:[__itarget_locals@tpoff], {}", in(reg) p, options(nostack, preserves_flags)) };
}

/// Makes the thread's own copy of the program's thread-local variables. Where nothing is recorded it stays until the process
/// ends.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_tls() -> *mut u8 {
    // SAFETY: the table of the pass; instrumented code calls this only if there is one.
    unsafe {
        let bytes = *itarget_tls_address;
        let p = if plain() {
            let p: *mut u8 = libc::malloc(bytes as usize + 64).cast();
            p.add(p.align_offset(64))
        } else {
            crate::pool::allocate_aligned(64, bytes, itarget_abi::layout::OBJ_REPLAY)
        };
        crate::shadow::range(p as u64, bytes, true);
        core::ptr::copy_nonoverlapping(itarget_tls_address.add(8).cast::<u8>(), p, bytes as usize);
        set_locals(p);
        me().locals = p;
        p
    }
}

/// The program starts: its thread's variables get their place, for what uses them first may not run at replay.
pub fn begin() {
    // SAFETY: the table of the pass, if there is one.
    if unsafe { !itarget_tls_address.is_null() } {
        __itarget_tls();
    }
}

/// Bytes of a thread's variables, if some of them are the environment's.
fn undigested() -> Option<usize> {
    // SAFETY: the table of the pass, if there is one: bytes, and whether that is so.
    unsafe {
        let t = itarget_tls_address;
        (!t.is_null() && *t.add(1) != 0).then(|| *t as usize)
    }
}

/// The part of a piece of the heap that a digest leaves out: this thread's variables, where some are the environment's.
pub fn left_out(from: *const u8, n: usize) -> Option<(usize, usize)> {
    let at = (me().locals as usize).checked_sub(from as usize).filter(|at| *at < n)?;
    Some((at, undigested()?))
}

/// The thread ends: its variables go.
pub fn free_locals() {
    let p = core::mem::replace(&mut me().locals, core::ptr::null_mut());
    if !p.is_null() {
        set_locals(core::ptr::null_mut());
        if crate::pool::owns(p) {
            if undigested().is_some() {
                // SAFETY: the block, of that size.
                unsafe { core::ptr::write_bytes(p, 0, *itarget_tls_address as usize) };
            }
            crate::pool::release(p);
        }
    }
}
