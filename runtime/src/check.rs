//! Mode check: compares the program's memory across each external call and notes what was written
//! that no annotation declares (`itarget check-annotations`).
//!
//! A shadow of globals, heap and stack is brought up to date before a call, page by page; after it,
//! what differs and is not declared is a finding. Calls of one site are all checked at first, later
//! a sample of them, so that a long run stays bearable.
//!
//! What differs may also be what another thread wrote. So once there are threads, a difference is the call's only if no other
//! thread ran from before the shadow was brought up to date until the difference was seen: all of them share one processor
//! (from the first difference on), and the kernel did not take that from this thread.

mod beside;

use crate::profile::object;
use crate::state::{elsewhere, me, page, st};
use crate::sync::{self, Lock};
use crate::sys::{self, sys};
use crate::{pool, signal};
use core::sync::atomic::Ordering::SeqCst;
use itarget_abi::control::mode;
use itarget_abi::layout::{ARENA_SIZE, MIXED_BASE};

/// Bytes compared at once.
const PAGE: u64 = 4096;
/// Most of the stack that is compared.
const STACK: u64 = 1 << 28;
/// Calls of a site that are all checked; of those that come later one in [`SAMPLE`].
const ALL: u32 = 256;
const SAMPLE: u32 = 64;
/// Nanoseconds that comparing may take in all; after that only the first [`FEW`] calls of each site are.
const TIME: u64 = 20_000_000_000;
const FEW: u32 = 2;
/// Sites, declared regions of a call, objects that the environment keeps, findings.
const SITES: usize = 1 << 20;
const DECLARED: usize = 512;
const KEPT: usize = 4096;
const FINDINGS: usize = 1024;
/// Bytes that may be written where the environment keeps a pointer to the stack.
const KEPT_STACK: u64 = 8192;

/// Undeclared writes of a site to an object: the first one, and how often.
#[derive(Clone, Copy)]
struct Finding {
    site: u32,
    object: u64,
    offset: u32,
    len: u64,
    before: [u8; 8],
    after: [u8; 8],
    calls: u32,
    last: u64,
}

const NOTHING: Finding = Finding { site: 0, object: 0, offset: 0, len: 0, before: [0; 8], after: [0; 8], calls: 0, last: 0 };

/// Calls of a site: all, those that were compared, and those that could not be because of other threads.
struct Site {
    calls: u32,
    compared: u32,
    beside: u32,
}

struct Check {
    heap: *mut u8,
    stack: *mut u8,
    globals: *mut u8,
    sites: *mut Site,
    /// One more than the last site that was called.
    last_site: u32,
    /// Where the main thread's frames begin.
    top: u64,
    process: i64,
    /// Frame of the outermost call being checked, 0 if none; it is not compared if `spoilt`.
    frame: u64,
    spoilt: bool,
    /// Its site, number of the thread that makes it, and what tells whether others ran meanwhile.
    site: u32,
    owner: u32,
    since: beside::Since,
    declared: [(u64, u64); DECLARED],
    declarations: usize,
    kept: [(u64, u64); KEPT],
    keeps: usize,
    findings: [Finding; FINDINGS],
    found: usize,
    calls: u64,
    checked: u64,
    /// Calls that were not compared: of sites that are called often, beside other threads, after [`TIME`].
    sampled: u64,
    beside: u64,
    late: u64,
    /// Nanoseconds that comparing took.
    spent: u64,
    /// Site at which checks ended, and one more; 0: they did not.
    stopped: u64,
}

static mut CHECK: Check = Check {
    heap: core::ptr::null_mut(),
    stack: core::ptr::null_mut(),
    globals: core::ptr::null_mut(),
    sites: core::ptr::null_mut(),
    last_site: 0,
    top: 0,
    process: 0,
    frame: 0,
    spoilt: false,
    site: 0,
    owner: 0,
    since: beside::Since::NEW,
    declared: [(0, 0); DECLARED],
    declarations: 0,
    kept: [(0, 0); KEPT],
    keeps: 0,
    findings: [NOTHING; FINDINGS],
    found: 0,
    calls: 0,
    checked: 0,
    sampled: 0,
    beside: 0,
    late: 0,
    spent: 0,
    stopped: 0,
};

static LOCK: Lock = sync::free();

/// One thread at a time, and none of the program's handlers of signals.
fn alone<R>(run: impl FnOnce() -> R) -> R {
    let before = signal::block();
    LOCK.lock();
    let r = run();
    LOCK.unlock();
    signal::unblock(before);
    r
}

fn check() -> &'static mut Check {
    // SAFETY: one thread has the lock, or there is only one; no caller keeps the reference across a call of another function that takes it.
    unsafe { &mut *(&raw mut CHECK) }
}

/// Makes the shadows. `top` is an address above all frames of the program. False: no room.
pub fn start(top: u64) -> bool {
    let room = |bytes: u64| {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: fresh memory.
        unsafe { sys::mmap(0, bytes, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) }
    };
    let c = check();
    let mut bytes = 0;
    globals(|_, n| bytes += n);
    let (Some(heap), Some(stack), Some(globals), Some(sites)) =
        (room(ARENA_SIZE), room(STACK), room(bytes.max(PAGE)), room((SITES * size_of::<Site>()) as u64))
    else {
        return false;
    };
    (c.heap, c.stack, c.globals, c.sites, c.top) = (heap, stack, globals, sites.cast(), top);
    // SAFETY: no arguments.
    c.process = unsafe { sys!(libc::SYS_getpid) };
    write();
    true
}

/// Globals of the program: address and size.
fn globals(mut f: impl FnMut(u64, u64)) {
    // SAFETY: the table of the pass, or null.
    unsafe {
        let t = crate::profile::globals_table();
        if !t.is_null() {
            for i in 0..*t as usize {
                f(*t.add(1 + 2 * i), *t.add(2 + 2 * i));
            }
        }
    }
}

/// Calls `f(memory, shadow, bytes)` for everything that is compared.
fn for_each_area(frame: u64, mut f: impl FnMut(u64, *mut u8, u64)) {
    let c = check();
    let (heap, stack, mut shadow) = (c.heap, c.stack, c.globals);
    let top = if sync::is_main() { c.top } else { me().life.outer };
    globals(|at, n| {
        f(at, shadow, n);
        // SAFETY: the shadow has room for all globals.
        shadow = unsafe { shadow.add(n as usize) };
    });
    pool::for_each_mixed_span(|p, n| {
        // SAFETY: inside the arena, and so inside its shadow.
        f(p as u64, unsafe { heap.add((p as u64 - MIXED_BASE) as usize) }, n as u64);
    });
    // The frame and the return address of the wrapper are below.
    let from = frame + 16;
    if from < top && top - from < STACK {
        // SAFETY: the shadow ends where the stack does.
        f(from, unsafe { stack.add((STACK - (top - from)) as usize) }, top - from);
    }
}

/// Calls `f(memory, shadow, bytes)` for every piece in which the two differ.
fn for_each_difference(frame: u64, mut f: impl FnMut(u64, *mut u8, u64)) {
    for_each_area(frame, |memory, shadow, len| {
        let mut at = 0;
        while at < len && !check().spoilt {
            let n = PAGE.min(len - at);
            // SAFETY: `len` bytes of both.
            unsafe {
                let (a, b) = ((memory + at) as *const u8, shadow.add(at as usize));
                if libc::memcmp(a.cast(), b.cast(), n as usize) != 0 {
                    f(memory + at, b, n);
                }
            }
            at += n;
        }
    });
}

core::arch::global_asm!(
    // The wrapper keeps its frame pointer.
    ".globl __itarget_check_begin",
    ".hidden __itarget_check_begin",
    ".type __itarget_check_begin,@function",
    "__itarget_check_begin:",
    "mov rsi, rbp",
    "jmp {begin}",
    begin = sym begin,
);

/// Before a call of an external, by a wrapper with this frame.
extern "C" fn begin(site: u32, frame: u64) {
    if page().mode == mode::CHECK && !elsewhere() {
        alone(|| begin_alone(site, frame));
    }
}

/// The counts of a site.
fn of(site: u32) -> &'static mut Site {
    // SAFETY: one per site, under the lock.
    unsafe { &mut *check().sites.add(site as usize % SITES) }
}

/// A call of the site could not be compared because of other threads.
fn lost(site: u32) {
    check().beside += 1;
    of(site).beside += 1;
}

fn begin_alone(site: u32, frame: u64) {
    let c = check();
    if c.stopped != 0 {
        return;
    }
    c.calls += 1;
    if c.frame != 0 && c.owner != me().number {
        // This thread runs during the other one's call.
        lost(c.site);
    } else if c.frame > frame {
        // Called back during another call: what the program writes now is not the library's.
        c.spoilt = true;
        return;
    }
    c.frame = 0;
    c.last_site = c.last_site.max(site + 1);
    let count = &mut of(site).calls;
    *count = count.wrapping_add(1);
    if *count > ALL && !count.is_multiple_of(SAMPLE) {
        c.sampled += 1;
        return;
    }
    if c.spent > TIME && *count > FEW {
        c.late += 1;
        return;
    }
    let start = beside::time();
    (c.since, c.spoilt) = (beside::Since::now(), false);
    for_each_difference(frame, |memory, shadow, n| {
        // SAFETY: `n` bytes of both.
        unsafe { core::ptr::copy_nonoverlapping(memory as *const u8, shadow, n as usize) };
    });
    (c.frame, c.site, c.owner, c.declarations) = (frame, site, me().number, 0);
    c.spent += beside::time() - start;
}

/// A call is being compared, perhaps that of the thread that asks.
fn is_open() -> bool {
    check().frame != 0 && !elsewhere()
}

/// The annotation says that the call wrote `len` bytes at `at`.
pub fn declare(at: u64, len: i64) {
    if at != 0 && len > 0 && is_open() {
        alone(|| declare_alone(at, len));
    }
}

fn declare_alone(at: u64, len: i64) {
    let c = check();
    if c.frame == 0 || c.owner != me().number {
        return;
    }
    match c.declared.get_mut(c.declarations) {
        Some(slot) => {
            *slot = (at, at.saturating_add(len as u64));
            c.declarations += 1;
        }
        None => c.spoilt = true,
    }
}

/// The call may write anywhere in the object at `at`; with `keeps` so may every later call.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_check_object(at: *mut u8, keeps: i32) {
    if page().mode == mode::CHECK && !at.is_null() && is_open() {
        alone(|| object_alone(at as u64, keeps != 0));
    }
}

fn object_alone(at: u64, keeps: bool) {
    let mut whole = (at, at.saturating_add(KEPT_STACK));
    if pool::owns(at as *const u8) {
        whole = (at - pool::object_of(at).map_or(0, |o| o.1), at + pool::usable(at as *const u8));
    } else {
        globals(|start, n| {
            if at.wrapping_sub(start) < n {
                whole = (start, start + n);
            }
        });
    }
    declare_alone(whole.0, (whole.1 - whole.0) as i64);
    let c = check();
    if keeps
        && !c.kept[..c.keeps].contains(&whole)
        && let Some(slot) = c.kept.get_mut(c.keeps)
    {
        *slot = whole;
        c.keeps += 1;
    }
}

/// After the call, and after its declarations.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_check_end(site: u32) {
    if page().mode == mode::CHECK && is_open() {
        alone(|| end_alone(site));
    }
}

fn end_alone(site: u32) {
    let c = check();
    if c.owner != me().number {
        return;
    }
    let frame = core::mem::take(&mut c.frame);
    if frame == 0 || c.spoilt {
        return;
    }
    let (start, call) = (beside::time(), c.calls);
    for_each_difference(frame, |memory, shadow, n| {
        let mut i = 0;
        while i < n {
            // SAFETY: within `n` bytes of both.
            let differs = |i: u64| unsafe { *((memory + i) as *const u8) != *shadow.add(i as usize) };
            if !differs(i) {
                i += 1;
                continue;
            }
            let at = memory + i;
            if let Some(end) = declared(at) {
                i += end - at;
                continue;
            }
            let mut len = 0;
            let mut end = 0;
            // A number of which a byte in the middle happens to be the same is one write.
            while i + len < n && len < end + 8 {
                if differs(i + len) && declared(at + len).is_none() {
                    end = len + 1;
                }
                len += 1;
            }
            // SAFETY: within `n` bytes of the shadow.
            found(site, at, unsafe { shadow.add(i as usize) }, end, call);
            if c.spoilt {
                break;
            }
            i += end;
        }
    });
    if c.spoilt {
        lost(site);
    } else {
        c.checked += 1;
        of(site).compared += 1;
    }
    c.spent += beside::time() - start;
}

/// The end of what is declared at this address.
fn declared(at: u64) -> Option<u64> {
    let c = check();
    let mut all = c.declared[..c.declarations].iter().chain(&c.kept[..c.keeps]);
    all.find(|d| d.0 <= at && at < d.1).map(|d| d.1)
}

/// Spoils the call if another thread may have written this.
fn found(site: u32, at: u64, before: *const u8, len: u64, call: u64) {
    let c = check();
    let mut now = [0; 8];
    let n = len.min(8) as usize;
    // SAFETY: the bytes that differ.
    unsafe { core::ptr::copy_nonoverlapping(at as *const u8, now.as_mut_ptr(), n) };
    if !c.since.is_alone() {
        c.spoilt = true;
        return;
    }
    let place = object(at);
    let (object, offset) = (place & !0xffff_ffff, (place & 0xffff_ffff) as u32);
    if let Some(f) = c.findings[..c.found].iter_mut().find(|f| f.site == site && f.object == object) {
        if f.last != call {
            f.calls += 1;
            f.last = call;
        }
        return;
    }
    let Some(slot) = c.findings.get_mut(c.found) else { return };
    *slot = Finding { site, object, offset, len, after: now, calls: 1, last: call, ..NOTHING };
    // SAFETY: what these bytes were.
    unsafe { core::ptr::copy_nonoverlapping(before, slot.before.as_mut_ptr(), n) };
    c.found += 1;
    // Also for a program that dies later.
    write();
}

/// The program itself runs during a call (a signal handler): the call is not compared.
pub fn spoil() {
    check().spoilt = true;
}

/// Something begins that makes comparisons meaningless.
pub fn stop(site: u32) {
    let c = check();
    if page().mode == mode::CHECK && c.stopped == 0 {
        c.stopped = u64::from(site) + 1;
    }
}

/// The program ends.
pub fn finish() {
    alone(|| {
        page().mode = mode::PLAIN;
        write();
    });
}

/// Writes `check.tsv`: a line per finding (site, `kind:index+offset`, bytes, calls, the first bytes before
/// and after in hex), then a line `beside` for each site of which no call could be compared because of other threads, then `calls`, how
/// many there were and how many were compared, where checks ended, and how many were left out for what reason (see [`Check`]).
fn write() {
    let c = check();
    let mut path = st().trace;
    let n = path.iter().position(|b| *b == 0).unwrap_or(0);
    let name = b"/check.tsv\0";
    // SAFETY: our own file; the child of a fork has nothing to say.
    unsafe {
        if n + name.len() > path.len() || c.process != sys!(libc::SYS_getpid) {
            return;
        }
        path[n..n + name.len()].copy_from_slice(name);
        let fd = sys!(libc::SYS_open, path.as_ptr(), libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC, 0o600) as i32;
        if fd < 0 {
            return;
        }
        for f in &c.findings[..c.found] {
            let kind = crate::profile::kind_name(f.object);
            let (index, b, a) = (f.object >> 32 & 0xff_ffff, u64::from_be_bytes(f.before), u64::from_be_bytes(f.after));
            let line = format_args!("{}\t{kind}:{index}+{}\t{}\t{}\t{b:016x}\t{a:016x}\n", f.site, f.offset, f.len, f.calls);
            let _ = sys::Line::write(fd, line);
        }
        for site in 0..c.last_site {
            let s = of(site);
            if s.compared == 0 && s.beside > 0 {
                let _ = sys::Line::write(fd, format_args!("beside\t{site}\t{}\n", s.beside));
            }
        }
        let stopped = c.stopped as i64 - 1;
        let counts = format_args!("calls\t{}\t{}\t{stopped}\t{}\t{}\t{}\n", c.calls, c.checked, c.sampled, c.beside, c.late);
        let _ = sys::Line::write(fd, counts);
        sys!(libc::SYS_close, fd);
    }
}
