//! Functions with hidden state, callbacks or allocation that replay space has its own version of.

use crate::hooks::{always_bytes, bytes, cstr, enter, leave, realloc, same_side, val};
use crate::mem::{self, Buffer, Global};
use crate::mode::{PLAIN, PROFILE, REPLAY, mode, site};
use crate::pool;
use crate::sys;
use core::cell::Cell;
use itarget_abi::layout::{ARENA_SIZE, BOUND, MMAP_BASE, OBJ_REPLAY, above, mapped_at_replay};

type P = *mut u8;
type Compare = unsafe extern "C" fn(P, P) -> i32;

unsafe extern "C" {
    fn vsnprintf(to: P, size: usize, format: *const u8, list: P) -> i32;
}

fn set_errno(e: i32) {
    // SAFETY: errno of this thread.
    unsafe { *libc::__errno_location() = e };
}

/// `qsort`: a stable merge sort, so that equal elements come out the same everywhere. Elements
/// that are not below the bound are sorted in place, so that the comparison function only ever
/// sees addresses inside the array.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_qsort(base: P, n: u64, size: u64, compare: P) {
    // SAFETY: the program passes a comparison function.
    let f: Compare = unsafe { core::mem::transmute(compare) };
    if mode() == PLAIN {
        // SAFETY: the program's own call.
        return unsafe { libc::qsort(base.cast(), n as usize, size as usize, Some(core::mem::transmute::<P, unsafe extern "C" fn(*const libc::c_void, *const libc::c_void) -> i32>(compare))) };
    }
    if n < 2 || size == 0 {
        return;
    }
    let less = |a: u64, b: u64| {
        // SAFETY: as the program would be called by libc.
        unsafe { f(a as P, b as P) < 0 }
    };
    let temp = if above(base as u64) { 0 } else { pool::alloc(OBJ_REPLAY, n.saturating_mul(size), 16, false) };
    if temp == 0 {
        return heap_sort(base as u64, n, size, &less);
    }
    merge_sort(base as u64, n, size, temp, &less);
    pool::free(temp);
}

fn merge_sort(base: u64, n: u64, size: u64, temp: u64, less: &dyn Fn(u64, u64) -> bool) {
    if n < 2 {
        return;
    }
    let half = n / 2;
    let (mut a, mut b) = (base, base + half * size);
    let (a_end, b_end) = (b, base + n * size);
    merge_sort(a, half, size, temp, less);
    merge_sort(b, n - half, size, temp, less);
    let mut to = temp;
    while a < a_end && b < b_end {
        let from = if less(b, a) { &mut b } else { &mut a };
        mem::copy(to, *from, size as usize);
        *from += size;
        to += size;
    }
    // What is left of the second half is in place already.
    mem::copy(to, a, (a_end - a) as usize);
    mem::copy(base, temp, (to - temp + a_end - a) as usize);
}

fn heap_sort(base: u64, n: u64, size: u64, less: &dyn Fn(u64, u64) -> bool) {
    let swap = |a: u64, b: u64| {
        if mode() == REPLAY && !mapped_at_replay(a) {
            return;
        }
        for i in 0..size {
            let (x, y): (u8, u8) = (mem::load(a + i), mem::load(b + i));
            mem::store(a + i, y);
            mem::store(b + i, x);
        }
    };
    let sift = |mut root: u64, end: u64| loop {
        let mut child = 2 * root + 1;
        if child >= end {
            return;
        }
        if child + 1 < end && less(base + child * size, base + (child + 1) * size) {
            child += 1;
        }
        if !less(base + root * size, base + child * size) {
            return;
        }
        swap(base + root * size, base + child * size);
        root = child;
    };
    for root in (0..n / 2).rev() {
        sift(root, n);
    }
    for end in (1..n).rev() {
        swap(base, base + end * size);
        sift(0, end);
    }
}

static TOKEN: Global<Cell<u64>> = Global(Cell::new(0));

/// `strtok`, with its state in replay space.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_strtok(s: P, delimiters: *const u8) -> P {
    if mode() == PLAIN {
        // SAFETY: the program's own call.
        return unsafe { libc::strtok(s.cast(), delimiters.cast()) }.cast();
    }
    let set = mem::cstr(delimiters as u64);
    let mut at = if s.is_null() { TOKEN.get() } else { s as u64 };
    if at == 0 {
        return core::ptr::null_mut();
    }
    let is_end = |c: u8| c == 0 || set.contains(&c);
    loop {
        let c: u8 = mem::load(at);
        if c == 0 {
            TOKEN.set(at);
            return core::ptr::null_mut();
        }
        if !is_end(c) {
            break;
        }
        at += 1;
    }
    let start = at;
    while !is_end(mem::load(at)) {
        at += 1;
    }
    if mem::load::<u8>(at) != 0 {
        mem::store(at, 0u8);
        at += 1;
    }
    TOKEN.set(at);
    start as P
}

/// libc's buffer for lines: the environment's, never seen by the program.
struct LineBuffer {
    at: Cell<*mut libc::c_char>,
    room: Cell<usize>,
}
static LINE: Global<LineBuffer> = Global(LineBuffer { at: Cell::new(core::ptr::null_mut()), room: Cell::new(0) });

/// `getdelim`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_getdelim(line: P, n: P, delimiter: i32, stream: P) -> i64 {
    if mode() == PLAIN && pool::place(if line.is_null() { 0 } else { mem::load(line as u64) }) == pool::Place::Elsewhere {
        // SAFETY: the program's own call.
        return unsafe { getdelim_real(line.cast(), n.cast(), delimiter, stream) };
    }
    let run = enter(site::GETDELIM);
    let mut r = -1;
    if run {
        // SAFETY: our own buffer, the program's stream.
        r = unsafe { getdelim_real(LINE.at.as_ptr(), LINE.room.as_ptr(), delimiter, stream) };
        leave();
    }
    let r = val(r);
    if r < 0 || line.is_null() || n.is_null() {
        return r;
    }
    let need = r as u64 + 1;
    let old: u64 = mem::load(line as u64);
    let room = if old == 0 { 0 } else { mem::load::<u64>(n as u64) };
    let mut to = old;
    if need > room {
        let want = need.max(room.saturating_mul(2)).max(120);
        to = if old == 0 { pool::alloc(OBJ_REPLAY, want, 16, false) } else { realloc(old, want, same_side(old)) };
        if to == 0 {
            set_errno(libc::ENOMEM);
            return -1;
        }
        mem::store(line as u64, to);
        mem::store(n as u64, want);
    }
    if run {
        mem::copy(to, LINE.at.get() as u64, need as usize);
    }
    bytes(to, need as i64);
    r
}

unsafe extern "C" {
    #[link_name = "getdelim"]
    fn getdelim_real(line: *mut *mut libc::c_char, n: *mut usize, delimiter: i32, stream: P) -> i64;
}

/// `getline`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_getline(line: P, n: P, stream: P) -> i64 {
    // SAFETY: same contract.
    unsafe { __itarget_getdelim(line, n, i32::from(b'\n'), stream) }
}

/// `vasprintf`. `list` is a `va_list` (24 bytes). The text may come from strings above the bound
/// and from the locale, so it is an environment call whose result is logged.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_vasprintf(to: P, format: P, list: P) -> i32 {
    let run = enter(site::ASPRINTF);
    let copy: [u64; 3] = mem::load(list as u64);
    let mut n = -1;
    if run {
        let mut first = copy;
        // SAFETY: the program's own format and arguments.
        n = unsafe { vsnprintf(core::ptr::null_mut(), 0, format, first.as_mut_ptr().cast()) };
        leave();
    }
    n = val(i64::from(n)) as i32;
    if n < 0 {
        return n;
    }
    let size = n as u64 + 1;
    let at = if mode() == PLAIN {
        // SAFETY: ordinary allocation.
        unsafe { libc::malloc(size as usize) as u64 }
    } else {
        pool::alloc(OBJ_REPLAY, size, 16, false)
    };
    if at == 0 {
        set_errno(libc::ENOMEM);
        return -1;
    }
    if run {
        let mut second = copy;
        // SAFETY: as above, into memory of that size.
        unsafe { vsnprintf(at as P, size as usize, format, second.as_mut_ptr().cast()) };
    }
    always_bytes(at, size);
    mem::store(to as u64, at);
    n
}

/// Anonymous mappings: a bump pointer, and the last ranges given back.
struct Maps {
    top: Cell<u64>,
    free: [Cell<[u64; 2]>; 64],
}
static MAPS: Global<Maps> = Global(Maps { top: Cell::new(MMAP_BASE), free: [const { Cell::new([0; 2]) }; 64] });

fn map_address(len: u64) -> u64 {
    let m = &MAPS;
    if let Some(f) = m.free.iter().find(|f| f.get()[1] == len) {
        return f.replace([0; 2])[0];
    }
    let at = m.top.get();
    m.top.set(at + len);
    at
}

fn fail(e: i32) -> P {
    set_errno(e);
    libc::MAP_FAILED.cast()
}

/// `mmap`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_mmap(addr: P, len: u64, prot: i32, flags: i32, fd: i32, offset: i64) -> P {
    let real = || {
        // SAFETY: the program's own call.
        unsafe { libc::mmap(addr.cast(), len as usize, prot, flags, fd, offset) }
    };
    if mode() == PLAIN || mode() == PROFILE {
        return real().cast();
    }
    let private = flags & libc::MAP_ANONYMOUS != 0 && flags & libc::MAP_TYPE == libc::MAP_PRIVATE;
    let ours = (MMAP_BASE..MMAP_BASE + ARENA_SIZE).contains(&(addr as u64));
    if private && len != 0 && len < ARENA_SIZE / 2 && (flags & libc::MAP_FIXED == 0 || ours) {
        let whole = len.next_multiple_of(4096);
        let at = if flags & libc::MAP_FIXED != 0 { addr as u64 } else { map_address(whole) };
        return match sys::mmap(at, whole, prot, flags | libc::MAP_FIXED, -1) {
            Ok(at) => at as P,
            Err(e) => fail(e),
        };
    }
    let run = enter(site::MMAP);
    let mut r = 0;
    if run {
        r = real() as i64;
        leave();
    }
    let r = val(r) as u64;
    if r < BOUND && prot & libc::PROT_READ != 0 {
        // A file over replay space: its contents are logged.
        if mode() == REPLAY {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
            let _ = sys::mmap(r, len.next_multiple_of(4096), libc::PROT_READ | libc::PROT_WRITE, flags, -1);
        }
        always_bytes(r, len);
    }
    r as P
}

/// `munmap`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_munmap(addr: P, len: u64) -> i32 {
    let at = addr as u64;
    if (MMAP_BASE..MMAP_BASE + ARENA_SIZE).contains(&at) {
        let whole = len.next_multiple_of(4096);
        if !at.is_multiple_of(4096) || len == 0 {
            set_errno(libc::EINVAL);
            return -1;
        }
        sys::munmap(at, whole);
        if let Some(f) = MAPS.free.iter().find(|f| f.get()[1] == 0) {
            f.set([at, whole]);
        }
        return 0;
    }
    let run = enter(site::MUNMAP);
    let mut r = 0;
    if run {
        // SAFETY: the program's own call.
        r = unsafe { libc::munmap(addr.cast(), len as usize) };
        leave();
    }
    val(i64::from(r)) as i32
}

/// Where libc puts a path before it goes to its place.
static PATH: Buffer<4096> = Buffer::new();

/// Gives a path in [`PATH`] (if `run`) to the program. `size`: of a new buffer, 0: as needed.
fn give_path(found: bool, run: bool, buffer: u64, size: u64) -> P {
    if val(i64::from(found)) == 0 {
        return core::ptr::null_mut();
    }
    if buffer != 0 {
        if run {
            mem::copy(buffer, PATH.addr(), mem::strlen(PATH.addr()) + 1);
        }
        cstr(buffer);
        return buffer as P;
    }
    let n = val(if run { mem::strlen(PATH.addr()) as i64 + 1 } else { 0 }) as u64;
    let want = n.max(size);
    let at = if mode() == PLAIN {
        // SAFETY: ordinary allocation.
        unsafe { libc::malloc(want as usize) as u64 }
    } else {
        pool::alloc(OBJ_REPLAY, want, 16, false)
    };
    if at == 0 {
        set_errno(libc::ENOMEM);
        return core::ptr::null_mut();
    }
    if run {
        mem::copy(at, PATH.addr(), n as usize);
    }
    always_bytes(at, n);
    at as P
}

/// `realpath`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_realpath(path: P, buffer: P) -> P {
    if mode() == PLAIN {
        // SAFETY: the program's own call.
        return unsafe { libc::realpath(path.cast(), buffer.cast()) }.cast();
    }
    let run = enter(site::REALPATH);
    let mut found = false;
    if run {
        // SAFETY: a buffer of PATH_MAX bytes.
        found = unsafe { !libc::realpath(path.cast(), PATH.addr() as *mut libc::c_char).is_null() };
        leave();
    }
    give_path(found, run, buffer as u64, 0)
}

/// `getcwd`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_getcwd(buffer: P, size: u64) -> P {
    if mode() == PLAIN {
        // SAFETY: the program's own call.
        return unsafe { libc::getcwd(buffer.cast(), size as usize) }.cast();
    }
    let run = enter(site::GETCWD);
    let mut found = false;
    if run {
        let room = if size == 0 && buffer.is_null() { 4096 } else { size.min(4096) };
        // SAFETY: a buffer of at least `room` bytes.
        found = unsafe { !libc::getcwd(PATH.addr() as *mut libc::c_char, room as usize).is_null() };
        leave();
    }
    give_path(found, run, buffer as u64, size)
}
