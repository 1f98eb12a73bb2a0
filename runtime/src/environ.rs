//! Environment variables, whose strings and array are in replay space.

use crate::alloc::__itarget_malloc;
use crate::crossing;
use crate::exit::site;
use crate::hooks::{__itarget_enter, __itarget_leave, __itarget_refuse, __itarget_val, bulk, varint};
use crate::libc_like::off;
use crate::pool;
use crate::sys::{self, sys};
use core::ffi::c_int;
use itarget_abi::layout::{self, OBJ_REPLAY};

unsafe extern "C" {
    static mut environ: *mut *mut u8;
}

/// Length of the name in `name` or `name=value`; 0 when it can't be one.
unsafe fn name_length(s: *const u8) -> usize {
    // SAFETY: a C string.
    unsafe { libc::strcspn(s.cast(), c"=".as_ptr()) }
}

/// Slot of a variable, or the terminating slot.
unsafe fn slot(name: *const u8, n: usize) -> *mut *mut u8 {
    // SAFETY: libc's null-terminated array of C strings.
    unsafe {
        let mut e = environ;
        while !(*e).is_null() && !(libc::strncmp((*e).cast(), name.cast(), n) == 0 && *(*e).add(n) == b'=') {
            e = e.add(1);
        }
        e
    }
}

/// Before the program changes its variables: a library that did so itself has put its own strings there, or its own array, which a replay does not
/// have. Then the recording ends.
fn unless_changed_by_library() {
    if off() {
        return;
    }
    let mut known = true;
    // Where a function of the environment calls, no replay does.
    let outside = crossing::from_environment();
    if outside || __itarget_enter(site::VARIABLES) != 0 {
        // SAFETY: as `slot`.
        unsafe {
            let mut e = environ;
            known = e.is_null() || layout::mapped_at_replay(e as u64);
            while !e.is_null() && !(*e).is_null() {
                known &= layout::mapped_at_replay(*e as u64);
                e = e.add(1);
            }
        }
    }
    if !outside {
        __itarget_leave();
        known = __itarget_val(i64::from(known)) != 0;
    }
    if !known {
        __itarget_refuse(site::VARIABLES);
    }
}

/// Puts `entry` (`name=value`) into the environment; the array grows in the pool.
unsafe fn put(entry: *mut u8, n: usize) -> c_int {
    // SAFETY: as `slot`; a new array has room for all old entries, the new one and the null.
    unsafe {
        let at = slot(entry, n);
        if !(*at).is_null() {
            *at = entry;
            return 0;
        }
        let count = at.offset_from(environ) as usize;
        let new = __itarget_malloc((count as u64 + 2) * 8, OBJ_REPLAY).cast::<*mut u8>();
        if new.is_null() {
            return -1;
        }
        core::ptr::copy_nonoverlapping(environ, new, count);
        *new.add(count) = entry;
        *new.add(count + 1) = core::ptr::null_mut();
        environ = new;
        0
    }
}

fn invalid() -> c_int {
    // SAFETY: libc's errno.
    unsafe { *libc::__errno_location() = libc::EINVAL };
    -1
}

/// setenv, its strings in replay space.
///
/// # Safety
/// As setenv.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_setenv(name: *const u8, value: *const u8, overwrite: c_int) -> c_int {
    // SAFETY: C strings; the new entry has room for both.
    unsafe {
        if off() && !pool::ready() {
            return libc::setenv(name.cast(), value.cast(), overwrite);
        }
        unless_changed_by_library();
        if name.is_null() || *name == 0 || *name.add(name_length(name)) != 0 {
            return invalid();
        }
        let outside = announce(SET | u64::from(overwrite != 0), name, value);
        let r = set_variable(name, value, overwrite);
        if outside {
            crossing::complete();
        }
        r
    }
}

const SET: u64 = 0;
const UNSET: u64 = 2;
const CLEAR: u64 = 3;

/// The environment changes the variables: begins the entry that says how.
unsafe fn announce(what: u64, name: *const u8, value: *const u8) -> bool {
    if !crossing::from_environment() {
        return false;
    }
    crossing::special(crossing::Special::Variables);
    varint(what);
    for text in [name, value] {
        // SAFETY: null or a C string.
        unsafe {
            let n = if text.is_null() { 0 } else { libc::strlen(text.cast()) as u64 + 1 };
            varint(n);
            if n > 0 {
                bulk(text.cast_mut(), n);
            }
        }
    }
    true
}

/// Replay: the environment changes the variables.
pub fn replay_variables() {
    let what = varint(0);
    let mut texts = [core::ptr::null_mut(); 2];
    let mut sizes = [0; 2];
    for i in 0..2 {
        sizes[i] = varint(0);
        if sizes[i] > 0 {
            let rw = libc::PROT_READ | libc::PROT_WRITE;
            // SAFETY: new memory, as long as the text.
            unsafe {
                let Some(p) = sys::mmap(0, sizes[i], rw, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0) else { libc::abort() };
                texts[i] = p;
                bulk(p, sizes[i]);
            }
        }
    }
    // SAFETY: texts as they were given.
    unsafe {
        match what {
            UNSET => unset_variable(texts[0]),
            CLEAR => clear_variables(),
            set => _ = set_variable(texts[0], texts[1], (set & 1) as c_int),
        }
        for i in 0..2 {
            if sizes[i] > 0 {
                sys!(libc::SYS_munmap, texts[i], sizes[i]);
            }
        }
    }
}

/// Adds or replaces a variable.
unsafe fn set_variable(name: *const u8, value: *const u8, overwrite: c_int) -> c_int {
    // SAFETY: C strings.
    unsafe {
        let n = name_length(name);
        if overwrite == 0 && !(*slot(name, n)).is_null() {
            return 0;
        }
        let v = libc::strlen(value.cast());
        let entry = __itarget_malloc((n + v + 2) as u64, OBJ_REPLAY);
        if entry.is_null() {
            return -1;
        }
        core::ptr::copy_nonoverlapping(name, entry, n);
        *entry.add(n) = b'=';
        core::ptr::copy_nonoverlapping(value, entry.add(n + 1), v + 1);
        put(entry, n)
    }
}

/// putenv.
///
/// # Safety
/// As putenv: the string becomes part of the environment.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_putenv(entry: *mut u8) -> c_int {
    // SAFETY: a C string.
    unsafe {
        if off() && !pool::ready() {
            return libc::putenv(entry.cast());
        }
        unless_changed_by_library();
        let n = name_length(entry);
        if *entry.add(n) == 0 { __itarget_unsetenv(entry) } else { put(entry, n) }
    }
}

/// Removes a variable; the array only gets shorter.
unsafe fn unset_variable(name: *const u8) {
    // SAFETY: a C string.
    unsafe {
        loop {
            let mut at = slot(name, name_length(name));
            if (*at).is_null() {
                break;
            }
            while !(*at).is_null() {
                *at = *at.add(1);
                at = at.add(1);
            }
        }
    }
}

/// Removes all; the array stays, empty.
unsafe fn clear_variables() {
    // SAFETY: libc's array.
    unsafe {
        if !environ.is_null() {
            *environ = core::ptr::null_mut();
        }
    }
}

/// unsetenv.
///
/// # Safety
/// As unsetenv.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_unsetenv(name: *const u8) -> c_int {
    // SAFETY: C strings.
    unsafe {
        if off() && !pool::ready() {
            return libc::unsetenv(name.cast());
        }
        unless_changed_by_library();
        if name.is_null() || *name == 0 || *name.add(name_length(name)) != 0 {
            return invalid();
        }
        let outside = announce(UNSET, name, core::ptr::null());
        unset_variable(name);
        if outside {
            crossing::complete();
        }
        0
    }
}

/// clearenv.
///
/// # Safety
/// As clearenv.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_clearenv() -> c_int {
    // SAFETY: libc's array.
    unsafe {
        if off() && !pool::ready() {
            return libc::clearenv();
        }
        unless_changed_by_library();
        let outside = announce(CLEAR, core::ptr::null(), core::ptr::null());
        clear_variables();
        if outside {
            crossing::complete();
        }
        0
    }
}
