//! Mode check: compares the program's memory across each external call and notes what was written
//! that no annotation declares (`itarget check-annotations`).
//!
//! A shadow of globals, heap and stack is brought up to date before a call, page by page; after it,
//! what differs and is not declared is a finding. Calls of one site are all checked at first, later
//! a sample of them, so that a long run stays bearable.

use crate::pool;
use crate::profile::object;
use crate::state::{page, st};
use crate::sys::{self, sys};
use itarget_abi::control::mode;
use itarget_abi::layout::{ARENA_SIZE, MIXED_BASE};

/// Bytes compared at once.
const PAGE: u64 = 4096;
/// Most of the stack that is compared.
const STACK: u64 = 1 << 28;
/// Calls of a site that are all checked; of those that come later one in [`SAMPLE`].
const ALL: u32 = 256;
const SAMPLE: u32 = 64;
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

struct Check {
    heap: *mut u8,
    stack: *mut u8,
    globals: *mut u8,
    counts: *mut u32,
    /// Where the program's frames begin.
    top: u64,
    process: i64,
    /// Frame of the outermost call being checked, 0 if none; it is not compared if `spoilt`.
    frame: u64,
    spoilt: bool,
    declared: [(u64, u64); DECLARED],
    declarations: usize,
    kept: [(u64, u64); KEPT],
    keeps: usize,
    findings: [Finding; FINDINGS],
    found: usize,
    calls: u64,
    checked: u64,
    /// Site at which checks ended, and one more; 0: they did not.
    stopped: u64,
}

static mut CHECK: Check = Check {
    heap: core::ptr::null_mut(),
    stack: core::ptr::null_mut(),
    globals: core::ptr::null_mut(),
    counts: core::ptr::null_mut(),
    top: 0,
    process: 0,
    frame: 0,
    spoilt: false,
    declared: [(0, 0); DECLARED],
    declarations: 0,
    kept: [(0, 0); KEPT],
    keeps: 0,
    findings: [NOTHING; FINDINGS],
    found: 0,
    calls: 0,
    checked: 0,
    stopped: 0,
};

fn check() -> &'static mut Check {
    // SAFETY: one thread; no caller keeps the reference across a call of another function that takes it.
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
    let (Some(heap), Some(stack), Some(globals), Some(counts)) =
        (room(ARENA_SIZE), room(STACK), room(bytes.max(PAGE)), room((SITES * size_of::<u32>()) as u64))
    else {
        return false;
    };
    (c.heap, c.stack, c.globals, c.counts, c.top) = (heap, stack, globals, counts.cast(), top);
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
    let (heap, stack, mut shadow, top) = (c.heap, c.stack, c.globals, c.top);
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
        while at < len {
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
    let c = check();
    if page().mode != mode::CHECK || c.stopped != 0 {
        return;
    }
    c.calls += 1;
    if c.frame > frame {
        // Called back during another call: what the program writes now is not the library's.
        c.spoilt = true;
        return;
    }
    c.frame = 0;
    // SAFETY: one counter per site.
    let count = unsafe { &mut *c.counts.add(site as usize % SITES) };
    *count = count.wrapping_add(1);
    if *count > ALL && !count.is_multiple_of(SAMPLE) {
        return;
    }
    for_each_difference(frame, |memory, shadow, n| {
        // SAFETY: `n` bytes of both.
        unsafe { core::ptr::copy_nonoverlapping(memory as *const u8, shadow, n as usize) };
    });
    (c.frame, c.spoilt, c.declarations) = (frame, false, 0);
    c.checked += 1;
}

/// The annotation says that the call wrote `len` bytes at `at`.
pub fn declare(at: u64, len: i64) {
    let c = check();
    if c.frame == 0 || at == 0 || len <= 0 {
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
    if page().mode != mode::CHECK || at.is_null() {
        return;
    }
    let at = at as u64;
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
    declare(whole.0, (whole.1 - whole.0) as i64);
    let c = check();
    if keeps != 0
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
    let c = check();
    let frame = core::mem::take(&mut c.frame);
    if frame == 0 || c.spoilt || page().mode != mode::CHECK {
        return;
    }
    let call = c.checked;
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
            i += end;
        }
    });
}

/// The end of what is declared at this address.
fn declared(at: u64) -> Option<u64> {
    let c = check();
    let mut all = c.declared[..c.declarations].iter().chain(&c.kept[..c.keeps]);
    all.find(|d| d.0 <= at && at < d.1).map(|d| d.1)
}

fn found(site: u32, at: u64, before: *const u8, len: u64, call: u64) {
    let c = check();
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
    *slot = Finding { site, object, offset, len, calls: 1, last: call, ..NOTHING };
    let n = len.min(8) as usize;
    // SAFETY: the bytes that differ, and those they were.
    unsafe {
        core::ptr::copy_nonoverlapping(before, slot.before.as_mut_ptr(), n);
        core::ptr::copy_nonoverlapping(at as *const u8, slot.after.as_mut_ptr(), n);
    }
    c.found += 1;
    // Also for a program that dies later.
    write();
}

/// The program itself runs during a call (a signal handler): the call is not compared.
pub fn spoil() {
    check().spoilt = true;
}

/// Something begins that makes comparisons meaningless (a thread).
pub fn stop(site: u32) {
    let c = check();
    if page().mode == mode::CHECK && c.stopped == 0 {
        c.stopped = u64::from(site) + 1;
    }
}

/// The program ends.
pub fn finish() {
    page().mode = mode::PLAIN;
    write();
}

/// Writes `check.tsv`: a line per finding (site, `kind:index+offset`, bytes, calls, the first bytes before
/// and after in hex), then `calls`, how many there were and how many were compared, and where checks ended.
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
        let stopped = c.stopped as i64 - 1;
        let _ = sys::Line::write(fd, format_args!("calls\t{}\t{}\t{stopped}\n", c.calls, c.checked));
        sys!(libc::SYS_close, fd);
    }
}
