//! Mappings: mmap, munmap, mprotect, madvise.
//!
//! Private anonymous memory is replay space, at addresses that are the same at replay; what the program does to memory that is there
//! at replay it does there, too. Other mappings are the environment's, above the bound, where the kernel puts them.

use crate::hooks::{__itarget_enter, __itarget_leave, __itarget_val, refuse};
use crate::libc_like::off;
use crate::state::{elsewhere, replaying};
use crate::sync::{self, Lock};
use crate::{replay, sys};
use core::ffi::{c_int, c_void};
use itarget_abi::layout::{self, ARENA_SIZE, BOUND, MMAP_BASE};
use itarget_abi::site;

/// Bytes of address space for mappings without an address.
const SPAN: u64 = ARENA_SIZE * 64;
/// Those that the program wants to have in the lowest 2 GiB (`MAP_32BIT`).
const LOW: (u64, u64) = (0x4000_0000, 0x7fff_0000);
/// Where the next mapping goes, and the next in the lowest 2 GiB.
static mut NEXT: [u64; 2] = [MMAP_BASE, LOW.0];

/// Ranges of the program's own memory that digests leave out: what can't be read (`PROT_NONE`), such as guard pages in blocks of the pool, and
/// stacks for handlers, where the kernel keeps what a fault interrupted.
struct Closed {
    ranges: [(u64, u64); CLOSED_MAX],
    count: usize,
    /// There were more than there is room for.
    unknown: bool,
}
const CLOSED_MAX: usize = 1024;
static LOCK: Lock = sync::free();

/// Before a fork beside other threads.
pub fn hold() {
    LOCK.lock();
}

/// After a fork: in the parent, or in a child, where there is one thread and no lock is taken.
pub fn let_go() {
    LOCK.unlock();
}

static mut CLOSED: Closed = Closed { ranges: [(0, 0); CLOSED_MAX], count: 0, unknown: false };

/// What the program did with pages: they can be read from now on, or can't.
fn set_closed(at: *const u8, len: u64, closed: bool) {
    change(at as u64, at as u64 + len.next_multiple_of(4096), closed);
}

/// Memory that others write to, too, is none for digests.
pub fn leave_out(at: *const u8, len: u64) {
    change(at as u64, (at as u64).saturating_add(len), true);
}

fn change(from: u64, to: u64, closed: bool) {
    if (MMAP_BASE..MMAP_BASE + SPAN).contains(&from) {
        // Digests do not look at mappings.
        return;
    }
    LOCK.lock();
    // SAFETY: under the lock.
    let c = unsafe { &mut *(&raw mut CLOSED) };
    let mut i = 0;
    let add = |c: &mut Closed, range: (u64, u64)| {
        if range.0 >= range.1 {
            return;
        }
        match c.ranges.get_mut(c.count) {
            Some(r) => {
                *r = range;
                c.count += 1;
            }
            None => c.unknown = true,
        }
    };
    while i < c.count {
        let (a, b) = c.ranges[i];
        if b <= from || to <= a {
            i += 1;
            continue;
        }
        c.count -= 1;
        c.ranges[i] = c.ranges[c.count];
        // What is left of it lies outside, so it is not met again.
        add(c, (a, from.max(a)));
        add(c, (to.min(b), b));
    }
    if closed {
        add(c, (from, to));
    }
    LOCK.unlock();
}

/// Calls `f` for the parts of the memory that can be read, in order of addresses; for none if nobody knows which these are.
pub fn each_open(from: *const u8, n: usize, mut f: impl FnMut(*const u8, usize)) {
    // SAFETY: the digest is taken while all other threads wait.
    let c = unsafe { &*(&raw const CLOSED) };
    let (mut at, end) = (from as u64, from as u64 + n as u64);
    if c.unknown {
        return;
    }
    while at < end {
        // The first closed range that ends behind here.
        let next = c.ranges[..c.count].iter().filter(|r| r.1 > at && r.0 < end).min_by_key(|r| r.0);
        let Some(&(a, b)) = next else {
            return f(at as *const u8, (end - at) as usize);
        };
        if a > at {
            f(at as *const u8, (a - at) as usize);
        }
        at = b;
    }
}

/// The memory is there at replay.
fn there(at: *const u8, len: u64) -> bool {
    let last = (at as u64).saturating_add(len.max(1) - 1);
    layout::mapped_at_replay(at as u64) && layout::mapped_at_replay(last)
}

/// A call of the environment.
fn outside(call: impl FnOnce() -> i64) -> i64 {
    let run = __itarget_enter(site::MMAP);
    let mut r = 0;
    if run != 0 {
        r = call();
        __itarget_leave();
    }
    __itarget_val(r)
}

/// A call that is made at replay, too, where it must come to what it came to: what a process may map depends on more than the program.
fn both(call: impl Fn() -> i64) -> i64 {
    let r = outside(&call);
    if replaying() && !elsewhere() && r != -1 && call() != r {
        replay::diverged(b"memory can't be mapped or protected as it was", r as u64, 0);
    }
    r
}

fn failed(errno: c_int) -> *mut u8 {
    // SAFETY: libc's errno of this thread.
    unsafe { *libc::__errno_location() = errno };
    libc::MAP_FAILED.cast()
}

/// Private anonymous memory, which the program does not want at a certain address.
fn anywhere(len: u64, prot: c_int, flags: c_int) -> *mut u8 {
    let (here, size) = match addresses(len, flags) {
        Ok(found) => found,
        Err(errno) => return failed(errno),
    };
    let flags = flags & !libc::MAP_32BIT | libc::MAP_FIXED_NOREPLACE;
    // SAFETY: addresses that are only handed out once.
    unsafe { sys::mmap(here, size, prot, flags, -1, 0) }.unwrap_or(libc::MAP_FAILED.cast())
}

/// Addresses for so many bytes, which are handed out once, and how many these are in whole pages.
///
/// # Errors
/// errno.
fn addresses(len: u64, flags: c_int) -> Result<(u64, u64), c_int> {
    let low = flags & libc::MAP_32BIT != 0;
    let end = if low { LOW.1 } else { MMAP_BASE + SPAN };
    if len == 0 {
        return Err(libc::EINVAL);
    }
    let size = len.checked_next_multiple_of(4096).filter(|size| *size < SPAN).ok_or(libc::ENOMEM)?;
    let here = sync::section(|| {
        // SAFETY: sections exclude each other.
        let next = unsafe { &mut (*(&raw mut NEXT))[usize::from(low)] };
        let here = *next;
        if here + size > end {
            return 0;
        }
        *next += size + 4096;
        here
    });
    if here == 0 { Err(libc::ENOMEM) } else { Ok((here, size)) }
}

/// mremap. The program's own mappings grow only by being moved: behind each lies another.
///
/// # Safety
/// As mremap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_mremap(at: *mut u8, len: u64, new: u64, flags: c_int, to: *mut u8) -> *mut u8 {
    // SAFETY: as mremap.
    let remap = |flags: c_int, to: *mut c_void| unsafe { libc::mremap(at.cast(), len as usize, new as usize, flags, to) };
    if off() {
        return remap(flags, to.cast()).cast();
    }
    let own = there(at, len);
    if flags & !libc::MREMAP_MAYMOVE != 0 || own && len == 0 {
        // To where the program says, or a second time.
        refuse(site::FIXED);
        return remap(flags, to.cast()).cast();
    }
    if !own {
        return outside(|| remap(flags, core::ptr::null_mut()) as i64) as *mut u8;
    }
    if new == 0 {
        return failed(libc::EINVAL);
    }
    if new.next_multiple_of(4096) <= len.next_multiple_of(4096) {
        return both(|| remap(0, core::ptr::null_mut()) as i64) as *mut u8;
    }
    if flags & libc::MREMAP_MAYMOVE == 0 {
        return failed(libc::ENOMEM);
    }
    match addresses(new, 0) {
        Ok((here, _)) => both(|| remap(libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED, here as *mut c_void) as i64) as *mut u8,
        Err(errno) => failed(errno),
    }
}

/// mmap.
///
/// # Safety
/// As mmap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_mmap(at: *mut u8, len: u64, prot: c_int, flags: c_int, fd: c_int, offset: i64) -> *mut u8 {
    // SAFETY: as mmap.
    let map = |at: *mut u8| unsafe { libc::mmap(at.cast(), len as usize, prot, flags, fd, offset) };
    if off() {
        return map(at).cast();
    }
    let own = flags & libc::MAP_ANONYMOUS != 0 && flags & libc::MAP_PRIVATE != 0;
    let replaces = flags & libc::MAP_FIXED != 0 && flags & libc::MAP_FIXED_NOREPLACE != libc::MAP_FIXED_NOREPLACE;
    let fixed = replaces || flags & libc::MAP_FIXED_NOREPLACE == libc::MAP_FIXED_NOREPLACE;
    if own && !fixed {
        // Where it is said to go is a wish.
        return anywhere(len, prot, flags);
    }
    if own && there(at, len) {
        let r = both(|| map(at) as i64) as *mut c_void;
        if r != libc::MAP_FAILED {
            set_closed(at, len, prot & libc::PROT_READ == 0);
        }
        return r.cast();
    }
    if own && !replaces {
        // As if something were there, which may be.
        return failed(libc::EEXIST);
    }
    if own || fixed && ((at as u64) < BOUND || there(at, len)) || flags & libc::MAP_32BIT != 0 {
        // Memory of the environment among the program's, or the other way round.
        refuse(site::FIXED);
    }
    outside(|| map(if fixed { at } else { core::ptr::null_mut() }) as i64) as *mut u8
}

/// munmap.
///
/// # Safety
/// As munmap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_munmap(at: *mut u8, len: u64) -> c_int {
    // SAFETY: as munmap.
    let unmap = || unsafe { libc::munmap(at.cast(), len as usize) };
    if off() || there(at, len) { unmap() } else { outside(|| i64::from(unmap())) as c_int }
}

/// mprotect.
///
/// # Safety
/// As mprotect.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_mprotect(at: *mut u8, len: u64, prot: c_int) -> c_int {
    // SAFETY: as mprotect.
    let protect = || unsafe { libc::mprotect(at.cast(), len as usize, prot) };
    if off() {
        return protect();
    }
    if !there(at, len) {
        return outside(|| i64::from(protect())) as c_int;
    }
    let r = both(|| i64::from(protect())) as c_int;
    if r == 0 {
        set_closed(at, len, prot & libc::PROT_READ == 0);
    }
    r
}

/// Hints, which leave memory as it is, to child processes as well.
fn is_hint(advice: c_int) -> bool {
    // Up to MADV_WILLNEED; MADV_DONTFORK to MADV_DODUMP; MADV_KEEPONFORK to MADV_POPULATE_WRITE; MADV_COLLAPSE.
    matches!(advice, 0..=3 | 10..=17 | 19..=23 | 25)
}

/// madvise. Memory that the kernel may take away when it likes (`MADV_FREE`) it takes at once.
///
/// # Safety
/// As madvise.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_madvise(at: *mut u8, len: u64, advice: c_int) -> c_int {
    // SAFETY: as madvise.
    let advise = |advice| unsafe { libc::madvise(at.cast(), len as usize, advice) };
    if off() {
        return advise(advice);
    }
    if is_hint(advice) || !there(at, len) {
        return outside(|| i64::from(advise(advice))) as c_int;
    }
    match advice {
        libc::MADV_DONTNEED | libc::MADV_FREE => both(|| i64::from(advise(libc::MADV_DONTNEED))) as c_int,
        _ => {
            refuse(site::ADVICE);
            advise(advice)
        }
    }
}

/// mlockall. Our own reservations are far larger than memory, so pages are locked only once they are touched; where even that is more
/// than the program may lock, nothing is.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_mlockall(flags: c_int) -> c_int {
    /// `MCL_ONFAULT`
    const ON_FAULT: c_int = 4;
    // SAFETY: no memory is passed.
    let lock = |flags| unsafe { libc::mlockall(flags) };
    if off() {
        return lock(flags);
    }
    outside(|| {
        let r = lock(flags | ON_FAULT);
        // SAFETY: libc's errno of this thread.
        let errno = unsafe { *libc::__errno_location() };
        i64::from(if r != 0 && errno == libc::ENOMEM { 0 } else { r })
    }) as c_int
}
