//! Loads of replay space that may race: another thread may have written what they read, but seldom has. A thread remembers what it
//! saw last, by address, in its *view*; a load that reads just that is a hit and costs the log next to nothing, any other
//! is a miss and stands in the stream as a scalar does ([`crate::word::differ`]), in relation to what the view has; a byte as it is.
//!
//! Hits and misses are counted in *runs*: a byte of the stream, at the place where the run begins, holds the number of hits (low
//! 5 bits) and of the misses that follow them (high 3 bits). A hit after a miss, and a count that is full, begins the next
//! run. The byte is counted up where it lies, in the live chunk, so that a process that is killed leaves nothing behind; it stays open
//! while other entries follow it, until the chunk is written out.
//!
//! Where misses follow each other in memory, more than the value is logged ([`scan`]): what lies ahead, so that the next loads hit. Copies
//! of such memory are compared with the view, too ([`copy`]).
//!
//! The view is no copy of memory: it is a function of the addresses and values of these loads and copies, and of what the thread itself stores to such
//! memory, which recording and replay both see. It has one byte for all addresses that agree in their low 22 bits.

mod copy;
mod fast;
mod scan;

use crate::hooks::{__itarget_ld, plain, watched};
use crate::state::{ctl, elsewhere, me, page, recording, st};
use crate::{log, replay, variables, word};
use core::sync::atomic::{Ordering::Release, compiler_fence};
use itarget_abi::control::{mix, mode};
use itarget_abi::hooks::APART;
use itarget_abi::layout::mapped_at_replay;
use itarget_abi::view::{BEYOND, BYTES};
use scan::Scans;

/// Bits of a run's byte that count hits.
const HIT_BITS: u32 = 5;
/// Most hits of a run.
const HITS: u8 = (1 << HIT_BITS) - 1;
/// What `run` leads to where no run is open, or every load is looked at: there is no room for anything.
static CLOSED: u8 = u8::MAX;
/// Most misses of a run.
const MISSES: u8 = u8::MAX >> HIT_BITS;

/// Bytes that a thread saw last, by the low bits of addresses; a value at the end reaches beyond.
pub struct Seen([u8; BYTES + BEYOND]);

impl Seen {
    /// Nothing seen yet.
    pub const NEW: Seen = Seen([0; BYTES + BEYOND]);
}

/// What a thread saw last.
pub struct View {
    /// Replay: hits, then misses, that are left of the run.
    left: (u8, u8),
    /// Where misses follow each other in memory.
    scans: Scans,
    /// Only its thread looks there.
    pub seen: *mut Seen,
}

impl View {
    /// Nothing seen yet.
    pub const fn new(seen: *mut Seen) -> View {
        View { left: (0, 0), scans: Scans::NEW, seen }
    }

    /// The byte for an address; as many as a value has follow it, or those of the rest of the address's page.
    fn place(&self, address: u64) -> *mut u8 {
        // SAFETY: one of the first `BYTES`, a multiple of a page.
        unsafe { (&raw mut (*self.seen).0).cast::<u8>().add(address as usize % BYTES) }
    }

    fn at(&self, from: *const u8, size: i32) -> u64 {
        // SAFETY: at most 8 bytes from there.
        unsafe { plain(self.place(from as u64), size) as u64 }
    }

    fn keep(&mut self, from: *const u8, size: i32, value: u64) {
        let bytes = value.to_le_bytes();
        // SAFETY: at most 8 bytes from there.
        unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), self.place(from as u64), size as usize) };
    }
}

core::arch::global_asm!(
    ".pushsection .tdata.itarget_run,\"awT\",@progbits",
    ".p2align 3",
    ".hidden itarget_run",
    ".globl itarget_run",
    ".type itarget_run,@object",
    ".size itarget_run,8",
    "itarget_run: .quad {closed}",
    ".popsection",
    closed = sym CLOSED,
);

/// The byte of the calling thread's open run, in its live chunk, or [`CLOSED`].
#[inline(always)]
fn run() -> *mut u8 {
    let run: *mut u8;
    // SAFETY: a thread-local variable of 8 bytes in the executable.
    unsafe { core::arch::asm!("mov {}, qword ptr fs:[itarget_run@tpoff]", out(reg) run, options(readonly, nostack, preserves_flags)) };
    run
}

#[inline(always)]
fn set_run(run: *mut u8) {
    // SAFETY: as above.
    unsafe { core::arch::asm!("mov qword ptr fs:[itarget_run@tpoff], {}", in(reg) run, options(nostack, preserves_flags)) };
}

/// The run ends, since the live chunk is written out; a new thread has none.
#[inline(always)]
pub fn close() {
    set_run((&raw const CLOSED).cast_mut());
}

/// A load, as the assembly of [`fast`] does it.
///
/// # Safety
/// `from` is valid for reading `size` bytes, unless at replay.
#[inline(always)]
pub unsafe fn load(from: *const u8, size: i32, site: i32) -> i64 {
    let run = run();
    // SAFETY: an open run's byte lies in the live chunk, which is not written to where there is no room; memory is only read while recording.
    unsafe {
        if *run >= HITS {
            return slow(from, site, size);
        }
        let value = plain(from, size);
        if me().view.at(from, size) != value as u64 {
            return appended(from, site, size, value);
        }
        *run += 1;
        value
    }
}

/// A load of what may be the environment's, where the fast path can't tell.
///
/// # Safety
/// `from` is valid for reading `size` bytes, unless at replay and of the environment.
unsafe extern "C" fn located(from: *const u8, site: i32, size: i32) -> i64 {
    // SAFETY: passed on.
    unsafe {
        if !variables::logged::<false>(from as u64, size as u64) {
            plain(from, size)
        } else if site as u32 & APART == 0 || mapped_at_replay(from as u64) {
            load(from, size, site)
        } else {
            apart(from, site, size)
        }
    }
}

/// A load of what may lie elsewhere at replay.
///
/// # Safety
/// As `__itarget_ld`.
unsafe extern "C" fn apart(from: *const u8, site: i32, size: i32) -> i64 {
    // SAFETY: passed on.
    unsafe { __itarget_ld(from, size, number(site)) }
}

/// The site without [`APART`].
#[inline(always)]
const fn number(site: i32) -> i32 {
    (site as u32 & !APART) as i32
}

/// A load where the fast path does not do.
///
/// # Safety
/// `from` is valid for reading `size` bytes.
unsafe extern "C" fn slow(from: *const u8, site: i32, size: i32) -> i64 {
    match page().mode {
        mode::REPLAY => taken(from, number(site) as u32, size) as i64,
        mode::RECORD => {
            // SAFETY: the caller's promise.
            appended(from, site, size, unsafe { plain(from, size) })
        }
        // SAFETY: the caller's promise.
        _ => unsafe { plain(from, size) },
    }
}

/// Appends what was read.
extern "C" fn appended(from: *const u8, site: i32, size: i32, value: i64) -> i64 {
    if page().mode != mode::RECORD || elsewhere() {
        return value;
    }
    let site = number(site);
    if st().watched {
        watched(site as u32);
    }
    log::reserve(log::SLACK);
    if !recording() {
        return value;
    }
    let view = &mut me().view;
    let last = view.at(from, size);
    let hit = last == value as u64;
    let run = run();
    // SAFETY: the run's byte lies in the live chunk, where room was reserved, too; a byte has its value before the cursor moves over it.
    unsafe {
        if if hit { *run < HITS } else { *run >> HIT_BITS < MISSES } {
            *run += if hit { 1 } else { 1 << HIT_BITS };
        } else {
            let run = ctl().cur as *mut u8;
            *run = if hit { 1 } else { 1 << HIT_BITS };
            compiler_fence(Release);
            ctl().cur += 1;
            set_run(run);
        }
    }
    // A process may be killed between any two instructions: a miss is counted before its value is there.
    compiler_fence(Release);
    if !hit {
        view.keep(from, size, value as u64);
        count(site as u32);
        if size == 1 {
            // A text, mostly: shorter than differences, and packs better.
            // SAFETY: room was reserved.
            unsafe { *(ctl().cur as *mut u8) = value as u8 };
            compiler_fence(Release);
            ctl().cur += 1;
        } else {
            word::differ(value as u64, last);
        }
        let n = view.scans.ahead(from as u64, size as u64);
        if n > 0 {
            let (next, place) = (from as u64 + size as u64, view.place(from as u64 + size as u64));
            word::raw(n);
            // SAFETY: the rest of a page of which something was just read; what is logged is what the view has then.
            unsafe {
                core::ptr::copy_nonoverlapping(next as *const u8, place, n as usize);
                log::put(place, n);
            }
        }
    }
    if st().watched {
        // The next one comes here again.
        close();
    }
    value
}

/// Takes what was read.
fn taken(from: *const u8, site: u32, size: i32) -> u64 {
    if elsewhere() {
        // SAFETY: such a thread does what it does; see `elsewhere`.
        return unsafe { plain(from, size) as u64 };
    }
    if st().watched {
        watched(site);
    }
    let view = &mut me().view;
    if view.left == (0, 0) {
        // The load that began this run may have ended a chunk, and with it the flag byte of scalars.
        if replay::at_check() {
            word::close();
        }
        let mut run = 0u8;
        // SAFETY: one writable byte.
        unsafe { replay::take(&raw mut run, 1) };
        view.left = (run & HITS, run >> HIT_BITS);
    }
    let last = view.at(from, size);
    if view.left.0 > 0 {
        view.left.0 -= 1;
        return last;
    }
    if view.left.1 == 0 {
        replay::diverged(b"a run of loads is empty", 0, u64::from(site));
    }
    view.left.1 -= 1;
    count(site);
    let value = if size == 1 {
        let mut byte = 0u8;
        // SAFETY: one writable byte.
        unsafe { replay::take(&raw mut byte, 1) };
        u64::from(byte)
    } else {
        word::differed(last)
    };
    view.keep(from, size, value);
    let n = view.scans.ahead(from as u64, size as u64);
    if n > 0 {
        word::raw(n);
        // SAFETY: within a page of the view.
        unsafe { replay::take(view.place(from as u64 + size as u64), n) };
    }
    value
}

/// Misses count as events. Hits leave no trace, not even of their site: scalars that follow one stand in relation to the event before
/// it, at replay too.
#[inline(always)]
fn count(site: u32) {
    let c = ctl();
    c.sum = mix(c.sum, site);
    c.last_site = site;
    word::begin();
}
