//! setenv, putenv and unsetenv over an array in our own heap: the environment of the program is
//! replay space, so it changes natively in all modes.

use crate::mem::{self, Global};
use crate::mode::{PLAIN, mode};
use crate::pool;
use core::cell::Cell;
use itarget_abi::layout::OBJ_REPLAY;

type P = *mut u8;

unsafe extern "C" {
    static mut environ: *mut P;
}

/// The array that we allocated, and how many pointers fit.
static OWN: Global<Cell<(u64, u64)>> = Global(Cell::new((0, 0)));

/// True when the environment is not (or no longer) ours to keep.
fn libcs() -> bool {
    mode() == PLAIN && OWN.get().0 == 0
}

fn array() -> u64 {
    // SAFETY: libc's variable; one thread.
    unsafe { environ as u64 }
}

fn invalid() -> i32 {
    // SAFETY: errno of this thread.
    unsafe { *libc::__errno_location() = libc::EINVAL };
    -1
}

/// Slot of the variable whose name is the first `n` bytes at `name`, and the number of slots.
fn slot(name: u64, n: usize) -> (Option<u64>, u64) {
    let name = mem::slice(name, n);
    let (mut found, mut count) = (None, 0);
    loop {
        let at = array() + 8 * count;
        let entry: u64 = if array() == 0 { 0 } else { mem::load(at) };
        if entry == 0 {
            return (found, count);
        }
        let text = mem::cstr(entry);
        if found.is_none() && text.len() > n && text[n] == b'=' && &text[..n] == name {
            found = Some(at);
        }
        count += 1;
    }
}

fn put(entry: u64, n: usize) -> i32 {
    let (found, count) = slot(entry, n);
    if let Some(at) = found {
        mem::store(at, entry);
        return 0;
    }
    let (own, room) = OWN.get();
    let mut to = array();
    if to != own || count + 2 > room {
        let room = (count + 2) * 2;
        to = pool::alloc(OBJ_REPLAY, room * 8, 16, false);
        if to == 0 {
            return -1;
        }
        mem::copy(to, array(), count as usize * 8);
        if own != 0 && own == array() {
            pool::free(own);
        }
        OWN.set((to, room));
    }
    mem::store(to + 8 * count, entry);
    mem::store(to + 8 * count + 8, 0u64);
    // SAFETY: libc's variable; one thread; the array stays until it is replaced here.
    unsafe { environ = to as *mut P };
    0
}

fn name_length(s: u64) -> usize {
    let text = mem::cstr(s);
    text.iter().position(|&b| b == b'=').unwrap_or(text.len())
}

/// `setenv`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_setenv(name: P, value: P, overwrite: i32) -> i32 {
    if libcs() {
        // SAFETY: the program's own call.
        return unsafe { libc::setenv(name.cast(), value.cast(), overwrite) };
    }
    let name = name as u64;
    if name == 0 || mem::cstr(name).is_empty() || mem::cstr(name).contains(&b'=') {
        return invalid();
    }
    let (n, v) = (mem::strlen(name), mem::strlen(value as u64));
    if overwrite == 0 && slot(name, n).0.is_some() {
        return 0;
    }
    let entry = pool::alloc(OBJ_REPLAY, (n + v + 2) as u64, 16, false);
    if entry == 0 {
        return -1;
    }
    mem::copy(entry, name, n);
    mem::store(entry + n as u64, b'=');
    mem::copy(entry + n as u64 + 1, value as u64, v + 1);
    put(entry, n)
}

/// `putenv`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_putenv(entry: P) -> i32 {
    if libcs() {
        // SAFETY: the program's own call.
        return unsafe { libc::putenv(entry.cast()) };
    }
    let n = name_length(entry as u64);
    if mem::load::<u8>(entry as u64 + n as u64) == 0 {
        // SAFETY: same contract.
        return unsafe { __itarget_unsetenv(entry) };
    }
    put(entry as u64, n)
}

/// `unsetenv`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_unsetenv(name: P) -> i32 {
    if libcs() {
        // SAFETY: the program's own call.
        return unsafe { libc::unsetenv(name.cast()) };
    }
    let at = name as u64;
    if at == 0 || mem::cstr(at).is_empty() || mem::cstr(at).contains(&b'=') {
        return invalid();
    }
    while let (Some(found), count) = slot(at, mem::strlen(at)) {
        let end = array() + 8 * count + 8;
        mem::copy(found, found + 8, (end - found - 8) as usize);
    }
    0
}
