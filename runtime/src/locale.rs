//! Locale: setlocale, and replay-space copies of the tables behind the ctype macros.

use crate::hooks::{always_bytes, copy, enter, leave, val};
use crate::mem::{self, Buffer, Global};
use crate::mode::{PLAIN, PROFILE, REPLAY, ctl, mode, site};
use core::cell::Cell;

unsafe extern "C" {
    fn __ctype_b_loc() -> *mut u8;
    fn __ctype_tolower_loc() -> *mut u8;
    fn __ctype_toupper_loc() -> *mut u8;
}

/// Entries of a table: index -128 to 255.
const ENTRIES: usize = 384;
static CLASSES: Buffer<{ ENTRIES * 2 }> = Buffer::new();
static LOWER: Buffer<{ ENTRIES * 4 }> = Buffer::new();
static UPPER: Buffer<{ ENTRIES * 4 }> = Buffer::new();

struct Tables {
    /// Pointers to entry 0 of each copy: the program gets the address of one of these cells.
    cells: [Cell<u64>; 3],
    ready: Cell<bool>,
}
static TABLES: Global<Tables> = Global(Tables { cells: [const { Cell::new(0) }; 3], ready: Cell::new(false) });

/// The tables of the C locale: classes, lower, upper (at index 128 + c).
fn c_locale() {
    for c in -128i32..256 {
        let i = (c + 128) as u64;
        let u = if c == -1 { -1 } else { c & 0xff };
        let (lower, upper) = match u {
            0x41..=0x5a => (u + 32, u),
            0x61..=0x7a => (u, u - 32),
            _ => (u, u),
        };
        mem::store(LOWER.addr() + 4 * i, lower);
        mem::store(UPPER.addr() + 4 * i, upper);
        mem::store(CLASSES.addr() + 2 * i, if c < 0 { 0 } else { class(c as u8) });
    }
}

/// glibc's class bits of a character in the C locale.
fn class(c: u8) -> u16 {
    let bits = [
        (c.is_ascii_uppercase(), 8),
        (c.is_ascii_lowercase(), 9),
        (c.is_ascii_alphabetic(), 10),
        (c.is_ascii_digit(), 11),
        (c.is_ascii_hexdigit(), 12),
        (matches!(c, 9..=13 | 32), 13),
        (matches!(c, 32..=126), 14),
        (c.is_ascii_graphic(), 15),
        (c == b' ' || c == b'\t', 0),
        (c.is_ascii_control(), 1),
        (c.is_ascii_punctuation(), 2),
        (c.is_ascii_alphanumeric(), 3),
    ];
    bits.iter().fold(0, |m, &(on, bit)| m | u16::from(on) << bit)
}

/// Called once when the program starts.
pub fn begin() {
    c_locale();
    TABLES.cells[0].set(CLASSES.addr() + 128 * 2);
    TABLES.cells[1].set(LOWER.addr() + 128 * 4);
    TABLES.cells[2].set(UPPER.addr() + 128 * 4);
}

/// Brings the copies up to date; the log says what changed.
fn refresh() {
    let copies = [(CLASSES.addr(), ENTRIES * 2), (LOWER.addr(), ENTRIES * 4), (UPPER.addr(), ENTRIES * 4)];
    // SAFETY: libc's functions, no arguments.
    let real = unsafe { [__ctype_b_loc(), __ctype_tolower_loc(), __ctype_toupper_loc()] };
    let mut changed = false;
    if mode() != REPLAY {
        for ((at, n), r) in copies.iter().zip(real) {
            let from = mem::load::<u64>(r as u64) - *n as u64 / 3;
            if mem::slice(*at, *n) != mem::slice(from, *n) {
                changed = true;
                mem::copy(*at, from, *n);
            }
        }
    }
    if val(i64::from(changed)) != 0 {
        for (at, n) in copies {
            always_bytes(at, n as u64);
        }
    }
}

fn table(i: usize, real: unsafe extern "C" fn() -> *mut u8) -> *mut u8 {
    if mode() == PLAIN || mode() == PROFILE {
        // SAFETY: libc's function, no arguments.
        return unsafe { real() };
    }
    if !TABLES.ready.replace(true) {
        refresh();
    }
    TABLES.cells[i].as_ptr().cast()
}

/// `__ctype_b_loc`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_ctype_b_loc() -> *mut u8 {
    table(0, __ctype_b_loc)
}

/// `__ctype_tolower_loc`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_ctype_tolower_loc() -> *mut u8 {
    table(1, __ctype_tolower_loc)
}

/// `__ctype_toupper_loc`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_ctype_toupper_loc() -> *mut u8 {
    table(2, __ctype_toupper_loc)
}

/// True when every category is "C" or "POSIX".
fn all_c() -> bool {
    // SAFETY: a query; the result is libc's string.
    let name = unsafe { libc::setlocale(libc::LC_ALL, core::ptr::null()) };
    !name.is_null() && matches!(mem::cstr(name as u64), b"C" | b"POSIX")
}

fn changed(c: i64) {
    ctl().locale_c.set(val(c) as u32);
    if TABLES.ready.get() {
        refresh();
    }
}

/// `setlocale`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_setlocale(category: i32, name: *mut u8) -> *mut u8 {
    let run = enter(site::SETLOCALE);
    let mut r = 0;
    if run {
        // SAFETY: the program's own call.
        r = unsafe { libc::setlocale(category, name.cast()) } as u64;
        leave();
    }
    let query = name.is_null();
    r = copy(r, -1, site::SETLOCALE + 0x100 + category as u32);
    if !query {
        changed(if run { i64::from(all_c()) } else { 0 });
    }
    r as *mut u8
}

/// `uselocale`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_uselocale(locale: *mut u8) -> *mut u8 {
    let run = enter(site::USELOCALE);
    let (mut r, mut c) = (0, 0);
    if run {
        // SAFETY: the program's own call, and a query.
        unsafe {
            r = libc::uselocale(locale.cast()) as i64;
            let now = libc::uselocale(core::ptr::null_mut());
            c = i64::from(now == (-1isize) as libc::locale_t && all_c());
        }
        leave();
    }
    r = val(r);
    changed(c);
    r as *mut u8
}
