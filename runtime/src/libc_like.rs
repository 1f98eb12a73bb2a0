//! libc functions whose memory or hidden state must be ours.

use crate::alloc::{__itarget_free, __itarget_malloc};
use crate::crossing;
use crate::exit::site;
use crate::hooks::{
    __itarget_bytes, __itarget_enter, __itarget_leave, refuse, __itarget_val, block, event, varint,
};
use crate::pool;
use crate::word::word;
use crate::state::{me, recording, replaying};
use crate::sys::{self, sys};
use core::ffi::{c_char, c_int, c_void};
use itarget_abi::layout::{self, OBJ_REPLAY};

/// A comparison function of the program.
type Compare = extern "C" fn(*const u8, *const u8) -> c_int;
/// One that gets an argument besides.
type CompareWith = extern "C" fn(*const u8, *const u8, *mut c_void) -> c_int;

unsafe extern "C" {
    fn vsnprintf(to: *mut u8, n: usize, format: *const c_char, list: *mut c_void) -> c_int;
    fn iconv(cd: *mut c_void, from: *mut *mut u8, from_left: *mut u64, to: *mut *mut u8, to_left: *mut u64) -> u64;
    fn qsort_r(base: *mut c_void, count: usize, size: usize, compare: CompareWith, argument: *mut c_void);
    fn getdelim(line: *mut *mut c_char, n: *mut usize, delimiter: c_int, stream: *mut c_void) -> isize;
}

/// Nothing is recorded or replayed.
pub fn off() -> bool {
    !recording() && !replaying()
}

/// Memory of the library does not exist at replay: recording stops.
fn refuse_above(p: *const u8) {
    if !layout::mapped_at_replay(p as u64) {
        refuse(site::ABOVE);
    }
}

/// bsearch: what is compared is the program's own affair, so the array may be the environment's.
///
/// # Safety
/// As bsearch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_bsearch(key: *const u8, base: *mut u8, count: u64, size: u64, compare: Compare) -> *mut u8 {
    let (mut from, mut to) = (0, count);
    while from < to {
        let middle = from + (to - from) / 2;
        let at = base.wrapping_add((middle * size) as usize);
        match compare(key, at) {
            0 => return at,
            ..0 => to = middle,
            1.. => from = middle + 1,
        }
    }
    core::ptr::null_mut()
}

/// qsort: a merge sort of ours (stable, as glibc's usually is), because glibc's choice of
/// algorithm depends on the machine's memory. It moves bytes and looks at none of them: the array may be the
/// environment's, where what is compared is logged by who compares.
///
/// # Safety
/// As qsort.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_qsort(base: *mut u8, count: u64, size: u64, compare: Compare) {
    // SAFETY: passed on.
    unsafe {
        if off() {
            let f: unsafe extern "C" fn(*const c_void, *const c_void) -> c_int = core::mem::transmute(compare);
            return libc::qsort(base.cast(), count as usize, size as usize, Some(f));
        }
        sort_array(base, count, size, &|a, b| compare(a, b));
    }
}

/// qsort_r, likewise.
///
/// # Safety
/// As qsort_r.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_qsort_r(base: *mut u8, count: u64, size: u64, compare: CompareWith, argument: *mut c_void) {
    // SAFETY: passed on.
    unsafe {
        if off() {
            return qsort_r(base.cast(), count as usize, size as usize, compare, argument);
        }
        sort_array(base, count, size, &|a, b| compare(a, b, argument));
    }
}

/// # Safety
/// An array of so many elements of so many bytes each.
unsafe fn sort_array(base: *mut u8, count: u64, size: u64, compare: &impl Fn(*const u8, *const u8) -> c_int) {
    // SAFETY: passed on; the temporary holds `count * size` bytes.
    unsafe {
        if count < 2 || size == 0 {
            return;
        }
        // The library's own, such as what `scandir` gives, is not there at replay: what is compared tells the order.
        if replaying() && !layout::mapped_at_replay(base as u64) {
            return sort::<false, _>(base, base, count as usize, size as usize, compare);
        }
        let bytes = count * size;
        let rw = libc::PROT_READ | libc::PROT_WRITE;
        let mut small = [0u8; 4096];
        let large = bytes > small.len() as u64;
        let temporary = if large {
            match sys::mmap(0, bytes, rw, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0) {
                Some(p) => p,
                None => libc::abort(),
            }
        } else {
            small.as_mut_ptr()
        };
        crate::shadow::give_up(base as u64, bytes);
        sort::<true, _>(base, temporary, count as usize, size as usize, compare);
        if large {
            sys!(libc::SYS_munmap, temporary, bytes);
        }
    }
}

/// Without `MOVES`, what is compared is compared, and nothing else happens.
unsafe fn sort<const MOVES: bool, F: Fn(*const u8, *const u8) -> c_int>(base: *mut u8, temporary: *mut u8, n: usize, size: usize, compare: &F) {
    if n < 2 {
        return;
    }
    let half = n / 2;
    let middle = base.wrapping_add(half * size);
    // SAFETY: both halves lie in the array; the temporary is as large as the array.
    unsafe {
        sort::<MOVES, _>(base, temporary, half, size, compare);
        sort::<MOVES, _>(middle, temporary, n - half, size, compare);
    }
    // Merged into the temporary; the program only ever sees addresses in its own array.
    let (mut i, mut j, mut k) = (0, half, 0);
    while i < half && j < n {
        let (a, b) = (base.wrapping_add(i * size), base.wrapping_add(j * size));
        let from = if compare(a, b) <= 0 {
            i += 1;
            a
        } else {
            j += 1;
            b
        };
        if MOVES {
            // SAFETY: as above.
            unsafe { core::ptr::copy_nonoverlapping(from, temporary.add(k * size), size) };
        }
        k += 1;
    }
    if MOVES {
        // What is left of the left half goes behind what was merged; the rest of the right one
        // is in place already.
        // SAFETY: as above.
        unsafe {
            if i < half {
                core::ptr::copy_nonoverlapping(base.add(i * size), temporary.add(k * size), (half - i) * size);
                k += half - i;
            }
            core::ptr::copy_nonoverlapping(temporary, base, k * size);
        }
    }
}

static mut TOKEN: *mut u8 = core::ptr::null_mut();

/// strtok, its position in replay space.
///
/// # Safety
/// As strtok.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_strtok(s: *mut u8, delimiters: *const u8) -> *mut u8 {
    // SAFETY: passed on.
    unsafe { next_token(s, delimiters, false) }
}

/// The same where text or delimiters may lie in memory of the environment: what it finds is logged.
///
/// # Safety
/// As strtok.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_strtok_logged(s: *mut u8, delimiters: *const u8) -> *mut u8 {
    // SAFETY: passed on.
    unsafe { next_token(s, delimiters, !off()) }
}

/// # Safety
/// As strtok.
unsafe fn next_token(s: *mut u8, delimiters: *const u8, logged: bool) -> *mut u8 {
    // Its position is the whole process's.
    // SAFETY: as strtok; sections exclude each other.
    crate::sync::section(|| unsafe {
        let p = if s.is_null() { TOKEN } else { s };
        if p.is_null() {
            return p;
        }
        if !logged {
            refuse_above(p);
        }
        let (mut start, mut next, mut cut) = (core::ptr::null_mut(), p, false);
        if !logged || !replaying() {
            (start, next, cut) = token(p, delimiters);
        }
        if logged {
            event(site::STRTOK as u32);
            start = varint(start as u64) as *mut u8;
            next = varint(next as u64) as *mut u8;
            cut = varint(u64::from(cut)) != 0;
        }
        // A part of the block may be replay space.
        if cut && (!replaying() || layout::mapped_at_replay(next as u64 - 1)) {
            *next.sub(1) = 0;
        }
        TOKEN = next;
        start
    })
}

/// The next token of a text: where it begins (null: there is none), where to go on, and whether a delimiter is to be overwritten before that.
///
/// # Safety
/// Two C strings.
unsafe fn token(text: *mut u8, delimiters: *const u8) -> (*mut u8, *mut u8, bool) {
    // SAFETY: the caller's promise.
    unsafe {
        let start = text.add(libc::strspn(text.cast(), delimiters.cast()));
        if *start == 0 {
            return (core::ptr::null_mut(), start, false);
        }
        let end = start.add(libc::strcspn(start.cast(), delimiters.cast()));
        if *end == 0 { (start, end, false) } else { (start, end.add(1), true) }
    }
}

/// The buffer of a thread's into which libc reads lines.
pub struct Line {
    text: *mut c_char,
    room: usize,
}

impl Line {
    /// None yet.
    pub const NEW: Line = Line { text: core::ptr::null_mut(), room: 0 };

    /// The thread ends.
    pub fn free(&mut self) {
        // SAFETY: libc's block, or null.
        unsafe { crate::interpose::next_free(self.text.cast()) };
        *self = Line::NEW;
    }
}

// Weak: only programs that call it need have it (before glibc 2.34 it was in a library of its own).
core::arch::global_asm!(
    ".weak dlopen",
    ".pushsection .data.rel.ro.itarget_dlopen_address,\"aw\"",
    ".p2align 3",
    ".hidden itarget_dlopen_address",
    ".globl itarget_dlopen_address",
    "itarget_dlopen_address: .quad dlopen",
    ".popsection"
);

unsafe extern "C" {
    static itarget_dlopen_address: unsafe extern "C" fn(*const c_char, c_int) -> *mut c_void;
}

/// dlopen, of which a recording knows only that it fails.
///
/// # Safety
/// As dlopen.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_dlopen(file: *const c_char, flags: c_int) -> *mut c_void {
    if off() {
        // SAFETY: passed on.
        return unsafe { itarget_dlopen_address(file, flags) };
    }
    let mut handle = core::ptr::null_mut();
    // Where a function of the environment calls, no replay does.
    let outside = crossing::from_environment();
    if outside || __itarget_enter(site::DLOPEN) != 0 {
        // SAFETY: passed on.
        handle = unsafe { itarget_dlopen_address(file, flags) };
    }
    if !outside {
        __itarget_leave();
        handle = __itarget_val(handle as i64) as *mut c_void;
    }
    if !handle.is_null() {
        crate::hooks::__itarget_refuse(site::DLOPEN);
    }
    handle
}

/// getdelim: libc reads into a buffer of its own, the program's grows in the pool.
///
/// # Safety
/// As getdelim.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_getdelim(line: *mut *mut u8, n: *mut u64, delimiter: c_int, stream: *mut c_void) -> i64 {
    // SAFETY: as getdelim; sizes are checked against the buffer before copying.
    unsafe {
        if off() && !pool::ready() {
            return getdelim(line.cast(), n.cast(), delimiter, stream) as i64;
        }
        let run = __itarget_enter(site::GETDELIM);
        let mut r = -1;
        if run != 0 {
            let own = &mut me().line;
            r = getdelim(&raw mut own.text, &raw mut own.room, delimiter, stream) as i64;
            __itarget_leave();
        }
        r = __itarget_val(r);
        // Both may be variables of the environment, which are not what they were.
        let (mut text, had) = (word(*line as u64) as *mut u8, word(*n));
        let need = if r >= 0 { r as u64 + 1 } else { 1 };
        if text.is_null() || had < need {
            let room = need.max(120).max(2 * had);
            let new = __itarget_malloc(room, OBJ_REPLAY);
            if new.is_null() {
                return -1;
            }
            __itarget_free(text);
            *line = new;
            *n = room;
            text = new;
        }
        if r >= 0 {
            if !replaying() {
                core::ptr::copy_nonoverlapping(me().line.text.cast(), text, need as usize);
            }
            block(text, need);
        }
        r
    }
}

/// iconv, whose descriptor is the environment's: what it wrote, and how far it got, is logged.
///
/// # Safety
/// As iconv.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_iconv(
    cd: *mut c_void,
    from: *mut *mut u8,
    from_left: *mut u64,
    to: *mut *mut u8,
    to_left: *mut u64,
) -> u64 {
    // SAFETY: as iconv; the four are null or lie in replay space, the buffer is as long as iconv
    // says it wrote.
    unsafe {
        if off() {
            return iconv(cd, from, from_left, to, to_left);
        }
        let start = if to.is_null() { core::ptr::null_mut() } else { *to };
        let mut r = 0;
        if __itarget_enter(site::ICONV) != 0 {
            r = iconv(cd, from, from_left, to, to_left) as i64;
            __itarget_leave();
        }
        r = __itarget_val(r);
        for p in [from.cast::<u8>(), from_left.cast(), to.cast(), to_left.cast()] {
            if !p.is_null() {
                block(p, 8);
            }
        }
        if !start.is_null() {
            __itarget_bytes(start, (*to as i64).wrapping_sub(start as i64));
        }
        r as u64
    }
}

/// getline.
///
/// # Safety
/// As getline.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_getline(line: *mut *mut u8, n: *mut u64, stream: *mut c_void) -> i64 {
    // SAFETY: passed on.
    unsafe { __itarget_getdelim(line, n, i32::from(b'\n'), stream) }
}

/// vasprintf into the pool.
///
/// # Safety
/// As vasprintf; `list` is a `va_list` (24 bytes).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_vasprintf(to: *mut *mut u8, format: *const c_char, list: *mut c_void) -> c_int {
    // SAFETY: as vasprintf; a va_list is consumed once, so the first pass gets a copy.
    unsafe {
        if crate::locale::__itarget_varies(format) != 0 {
            return __itarget_vasprintf_logged(to, format, list);
        }
        let mut copy = *list.cast::<[u64; 3]>();
        let n = vsnprintf(core::ptr::null_mut(), 0, format, (&raw mut copy).cast());
        if n < 0 {
            return -1;
        }
        let p = __itarget_malloc(n as u64 + 1, OBJ_REPLAY);
        if p.is_null() {
            return -1;
        }
        *to = p;
        vsnprintf(p, n as usize + 1, format, list)
    }
}

/// vasprintf of what may be text of the environment: logged.
///
/// # Safety
/// As vasprintf; `list` is a `va_list` (24 bytes).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_vasprintf_logged(to: *mut *mut u8, format: *const c_char, list: *mut c_void) -> c_int {
    // SAFETY: as vasprintf; at replay nothing is read but the log.
    unsafe {
        if off() {
            return __itarget_vasprintf(to, format, list);
        }
        event(site::TEXT as u32);
        let n = match replaying() {
            true => 0,
            false => {
                let mut copy = *list.cast::<[u64; 3]>();
                vsnprintf(core::ptr::null_mut(), 0, format, (&raw mut copy).cast())
            }
        };
        let n = varint(n as i64 as u64) as i64 as c_int;
        if n < 0 {
            return -1;
        }
        let p = __itarget_malloc(n as u64 + 1, OBJ_REPLAY);
        if p.is_null() {
            return -1;
        }
        if !replaying() {
            vsnprintf(p, n as usize + 1, format, list);
        }
        block(p, n as u64 + 1);
        *to = p;
        n
    }
}

/// A path made by libc into `to`, or into a new block of the pool when `to` is null.
unsafe fn path(to: *mut u8, size: u64, get: impl Fn() -> *mut u8) -> *mut u8 {
    // SAFETY: `get` gives null or a malloc'ed C string that is freed here.
    unsafe {
        let run = __itarget_enter(site::PATH);
        let mut made = core::ptr::null_mut();
        let mut n = 0;
        if run != 0 {
            made = get();
            __itarget_leave();
            if !made.is_null() {
                n = libc::strlen(made.cast()) as u64 + 1;
            }
        }
        n = varint(n);
        let mut result = core::ptr::null_mut();
        if n != 0 && (to.is_null() || n <= size) {
            result = if to.is_null() { __itarget_malloc(n.max(size), OBJ_REPLAY) } else { to };
            if !result.is_null() {
                if !made.is_null() {
                    core::ptr::copy_nonoverlapping(made, result, n as usize);
                }
                if to.is_null() {
                    block(result, n);
                } else {
                    __itarget_bytes(result, n as i64);
                }
            }
        } else if n > size && !made.is_null() {
            *libc::__errno_location() = libc::ERANGE;
        }
        crate::interpose::next_free(made.cast());
        result
    }
}

/// realpath.
///
/// # Safety
/// As realpath.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_realpath(name: *const c_char, to: *mut u8) -> *mut u8 {
    // SAFETY: as realpath; a buffer has PATH_MAX bytes.
    unsafe {
        if off() && !pool::ready() {
            return libc::realpath(name, to.cast()).cast();
        }
        let size = if to.is_null() { 0 } else { 4096 };
        path(to, size, || libc::realpath(name, core::ptr::null_mut()).cast())
    }
}

/// getcwd.
///
/// # Safety
/// As getcwd.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_getcwd(to: *mut u8, size: u64) -> *mut u8 {
    // SAFETY: as getcwd.
    unsafe {
        if off() && !pool::ready() {
            return libc::getcwd(to.cast(), size as usize).cast();
        }
        path(to, size, || libc::getcwd(core::ptr::null_mut(), 0).cast())
    }
}
