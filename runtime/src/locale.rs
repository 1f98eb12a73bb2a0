//! Locale: setlocale is an environment call; the ctype tables are copies in replay space, logged
//! when they are not those of the "C" locale.

use crate::crossing::{self, Special};
use crate::exit::site;
use crate::hooks::{__itarget_copy, __itarget_enter, __itarget_leave, __itarget_val, block, varint};
use crate::state::{elsewhere, page, recording, replaying};
use core::ffi::{c_char, c_int, c_void};
use itarget_abi::format;

unsafe extern "C" {
    fn __ctype_b_loc() -> *mut *const u16;
    fn __ctype_tolower_loc() -> *mut *const i32;
    fn __ctype_toupper_loc() -> *mut *const i32;
}

/// Entries -128..256 of each table.
const ENTRIES: usize = 384;

struct Tables {
    class: [u16; ENTRIES],
    lower: [i32; ENTRIES],
    upper: [i32; ENTRIES],
}

static mut TABLES: Tables = Tables { class: [0; ENTRIES], lower: [0; ENTRIES], upper: [0; ENTRIES] };
static mut CLASS: *const u16 = core::ptr::null();
static mut LOWER: *const i32 = core::ptr::null();
static mut UPPER: *const i32 = core::ptr::null();
static mut USED: bool = false;

/// Copies libc's tables; says whether they are others than before.
///
/// # Safety
/// No other thread uses them.
unsafe fn copy() -> bool {
    // SAFETY: libc's tables have entries -128..256; ours are as large. See `first_use`.
    unsafe {
        let class = core::slice::from_raw_parts((*__ctype_b_loc()).sub(128), ENTRIES);
        let lower = core::slice::from_raw_parts((*__ctype_tolower_loc()).sub(128), ENTRIES);
        let upper = core::slice::from_raw_parts((*__ctype_toupper_loc()).sub(128), ENTRIES);
        let changed = class != TABLES.class || lower != TABLES.lower || upper != TABLES.upper;
        if changed {
            TABLES.class.copy_from_slice(class);
            TABLES.lower.copy_from_slice(lower);
            TABLES.upper.copy_from_slice(upper);
        }
        changed
    }
}

/// Makes our tables those of the current locale. Those of "C" are libc's at replay, too: there no other
/// locale of theirs is ever set. Any others are logged if they changed.
fn refresh() {
    // SAFETY: see `first_use`.
    unsafe {
        if page().locale_c != 0 {
            copy();
        } else {
            let changed = recording() && copy();
            if varint(u64::from(changed)) != 0 {
                block((&raw mut TABLES).cast(), size_of::<Tables>() as u64);
            }
        }
        CLASS = (&raw const TABLES.class[128]).cast();
        LOWER = (&raw const TABLES.lower[128]).cast();
        UPPER = (&raw const TABLES.upper[128]).cast();
    }
}

/// Before there are threads: whose first use it is must not depend on them.
pub fn prepare() {
    first_use();
}

#[inline(always)]
fn first_use() {
    // SAFETY: the tables are made before there are threads (`prepare`), and never changed once there are: `refuse_with_threads`.
    unsafe {
        if !USED {
            if crossing::from_environment() {
                crossing::special(Special::Locale);
                change(current());
                USED = true;
                refresh();
                crossing::complete();
            } else {
                USED = true;
                refresh();
            }
        }
    }
}

macro_rules! location {
    ($name:ident, $real:ident, $cell:ident, $t:ty) => {
        /// The table's location: a cell in replay space, or libc's when nothing is recorded.
        #[unsafe(no_mangle)]
        pub extern "C" fn $name() -> *mut *const $t {
            if !recording() && !replaying() || elsewhere() {
                // SAFETY: libc's function.
                return unsafe { $real() };
            }
            first_use();
            &raw mut $cell
        }
    };
}
location!(__itarget_ctype_b_loc, __ctype_b_loc, CLASS, u16);
location!(__itarget_ctype_tolower_loc, __ctype_tolower_loc, LOWER, i32);
location!(__itarget_ctype_toupper_loc, __ctype_toupper_loc, UPPER, i32);

/// True when every category is "C" or "POSIX".
fn is_c() -> bool {
    // SAFETY: a query; the result is a C string.
    unsafe {
        let p = libc::setlocale(libc::LC_ALL, core::ptr::null());
        !p.is_null() && (libc::strcmp(p, c"C".as_ptr()) == 0 || libc::strcmp(p, c"POSIX".as_ptr()) == 0)
    }
}

/// What a replay has to know of a locale.
mod local {
    /// Every category is "C" or "POSIX".
    pub const C: u64 = 1;
    /// Characters are UTF-8.
    pub const UTF8: u64 = 2;
    /// Numbers are not printed as in "C".
    pub const NUMBERS: u64 = 4;
    /// Characters are neither UTF-8 nor those of "C".
    pub const OTHER: u64 = 8;
}

/// Record: that of the current locale.
fn current() -> u64 {
    // SAFETY: queries; the results are C strings.
    unsafe {
        let is = |item, text: &core::ffi::CStr| libc::strcmp(libc::nl_langinfo(item), text.as_ptr()) == 0;
        let numbers = !is(libc::RADIXCHAR, c".") || !is(libc::THOUSEP, c"");
        let characters = match () {
            () if is(libc::CODESET, c"UTF-8") => local::UTF8,
            () if is(libc::CODESET, c"ANSI_X3.4-1968") => 0,
            () => local::OTHER,
        };
        u64::from(is_c()) * local::C + u64::from(numbers) * local::NUMBERS + characters
    }
}

/// The characters of the recorded locale at replay, loaded before the sandbox is there; null: this machine has none.
static mut UTF8: libc::locale_t = core::ptr::null_mut();
/// Numbers are not printed as in "C".
static mut LOCAL_NUMBERS: bool = false;

unsafe extern "C" {
    fn wcrtomb(to: *mut c_char, c: u32, state: *mut c_void) -> usize;
}

/// Replay, before the sandbox: what prints wide characters in UTF-8.
pub fn load() {
    // SAFETY: libc's functions; the state is larger than libc's.
    unsafe {
        let utf8 = libc::newlocale(libc::LC_CTYPE_MASK, c"C.UTF-8".as_ptr(), core::ptr::null_mut());
        if utf8.is_null() {
            return;
        }
        // libc looks for converters when they are first used.
        let before = libc::uselocale(utf8);
        let (mut some, mut state) = ([0 as c_char; 16], [0u64; 2]);
        wcrtomb(some.as_mut_ptr(), 0xe9, (&raw mut state).cast());
        libc::uselocale(before);
        UTF8 = utf8;
    }
}

/// Logs what the locale is now, `now` while recording, and prints as it does at replay.
fn change(now: u64) {
    let now = varint(now);
    page().locale_c = u32::from(now & local::C != 0);
    // SAFETY: the locale changes before there are threads; libc has the locale already, so it reads no file.
    unsafe {
        LOCAL_NUMBERS = now & local::NUMBERS != 0;
        if replaying() && (now & local::OTHER != 0 || now & local::UTF8 != 0 && UTF8.is_null()) {
            crate::sys::say(&[b"note: this replay does not have the characters of the recorded locale: what is printed as wide characters is not shown"]);
        }
        if replaying() && !UTF8.is_null() {
            libc::setlocale(libc::LC_CTYPE, if now & local::UTF8 != 0 { c"C.UTF-8".as_ptr() } else { c"C".as_ptr() });
        }
    }
}

/// 1 where numbers are not printed as in "C": a replay has no such locale.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_local_numbers() -> i32 {
    // SAFETY: a flag, which is not changed once there are threads.
    i32::from(unsafe { LOCAL_NUMBERS })
}

/// What a printf format prints is not what it prints at replay, which has another `errno` and may have another locale.
pub fn varies(format: &[u8]) -> bool {
    // SAFETY: a flag, which is not changed once there are threads.
    let numbers = unsafe { LOCAL_NUMBERS };
    format::names_errno(format) || numbers && format::prints_local_numbers(format) || page().locale_c == 0 && format::prints_wide(format)
}

/// 1 where a call that prints with this format is one of the environment because of that.
///
/// # Safety
/// `format` is a text of the program, or (then others find out) the environment's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_varies(format: *const c_char) -> i32 {
    if !recording() && !replaying() || elsewhere() || crate::show::__itarget_foreign(format.cast()) != 0 {
        return 0;
    }
    // SAFETY: the caller's promise.
    i32::from(varies(unsafe { core::ffi::CStr::from_ptr(format) }.to_bytes()))
}

/// What other threads see of a change is not recorded.
fn refuse_with_threads(asks: bool) {
    if !asks && crate::sync::threads() && !elsewhere() {
        crate::hooks::refuse(site::LOCALE);
    }
}

/// setlocale.
///
/// # Safety
/// As setlocale.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_setlocale(category: c_int, locale: *const c_char) -> *mut c_char {
    if !recording() && !replaying() {
        // SAFETY: passed on.
        return unsafe { libc::setlocale(category, locale) };
    }
    refuse_with_threads(locale.is_null());
    if crossing::from_environment() {
        // SAFETY: passed on; see `first_use`.
        unsafe {
            let r = libc::setlocale(category, locale);
            crossing::special(Special::Locale);
            change(current());
            USED = true;
            refresh();
            crossing::complete();
            return r;
        }
    }
    let run = __itarget_enter(site::LOCALE);
    let mut r = core::ptr::null_mut();
    if run != 0 {
        // SAFETY: passed on.
        r = unsafe { libc::setlocale(category, locale) };
        __itarget_leave();
    }
    // SAFETY: a static string of libc, one per category.
    let r = unsafe { __itarget_copy(r.cast(), -1, 0x5e71_0000 + category) };
    change(if replaying() { 0 } else { current() });
    // SAFETY: see `first_use`.
    if unsafe { USED } {
        refresh();
    }
    r.cast()
}

/// Replay: the environment changed the locale, or used the tables first.
pub fn replay_change() {
    change(0);
    // SAFETY: see `first_use`.
    unsafe { USED = true };
    refresh();
}

/// uselocale.
///
/// # Safety
/// As uselocale.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_uselocale(locale: libc::locale_t) -> libc::locale_t {
    refuse_with_threads(locale.is_null());
    let run = __itarget_enter(site::LOCALE);
    let mut r = core::ptr::null_mut();
    if run != 0 {
        // SAFETY: passed on.
        r = unsafe { libc::uselocale(locale) };
        __itarget_leave();
    }
    if !locale.is_null() {
        // What a thread's own locale does is not known: locale-dependent calls are logged from now on.
        change(if replaying() { 0 } else { current() & !local::C });
        // SAFETY: see `first_use`.
        if (recording() || replaying()) && unsafe { USED } {
            refresh();
        }
    }
    __itarget_val(r as i64) as libc::locale_t
}
