//! Loads of replay space that may race: another thread may have written what they read, but seldom has. A thread remembers what it
//! saw last, by address, in its *view*; a load that reads just that is a hit and costs the log next to nothing, any other
//! is a miss and stands in the stream as a scalar does ([`crate::word::differ`]), in relation to what the view has; a byte as it is.
//!
//! Hits and misses are counted in *runs*: a byte of the stream, at the place where the run begins, holds the number of hits (low
//! 5 bits) and of the misses that follow them (high 3 bits). A hit after a miss, and a count that is full, begins the next
//! run. The byte is counted up where it lies, in the live chunk, so that a process that is killed leaves nothing behind; it stays open
//! while other entries follow it, until the chunk is written out.
//!
//! The view is no copy of memory: it is a function of the addresses and values of these loads, and of what the thread itself stores to such
//! memory, which recording and replay both see. It has one byte for all addresses that agree in their low 16 bits.

mod fast;

use crate::hooks::{plain, watched};
use crate::state::{ctl, elsewhere, me, page, recording, st};
use crate::{log, replay, variables, word};
use core::sync::atomic::{Ordering::Release, compiler_fence};
use itarget_abi::control::{mix, mode};
use itarget_abi::view::{BEYOND, BYTES};

/// Bits of a run's byte that count hits.
const HIT_BITS: u32 = 5;
/// Most hits of a run.
const HITS: u8 = (1 << HIT_BITS) - 1;
/// What `run` leads to where no run is open, or every load is looked at: there is no room for anything.
static CLOSED: u8 = u8::MAX;
/// Most misses of a run.
const MISSES: u8 = u8::MAX >> HIT_BITS;

/// What a thread saw last.
#[repr(C, align(64))]
pub struct View {
    /// Replay: hits, then misses, that are left of the run.
    left: (u8, u8),
    pad: [u8; 54],
    /// The byte of the open run in the live chunk, or [`CLOSED`].
    run: *mut u8,
    /// By the low bits of addresses; a value at the end reaches beyond.
    pub seen: [u8; BYTES + BEYOND],
}

impl View {
    /// Nothing seen yet.
    pub const NEW: View = View { left: (0, 0), pad: [0; 54], run: (&raw const CLOSED).cast_mut(), seen: [0; BYTES + BEYOND] };

    /// Ends the run; a new thread has none.
    #[inline(always)]
    pub fn close(&mut self) {
        self.run = (&raw const CLOSED).cast_mut();
    }

    fn at(&self, from: *const u8, size: i32) -> u64 {
        // SAFETY: at most 8 bytes from one of the first `BYTES`.
        unsafe { plain(self.seen.as_ptr().add(from as usize % BYTES), size) as u64 }
    }

    fn keep(&mut self, from: *const u8, size: i32, value: u64) {
        let bytes = value.to_le_bytes();
        let at = from as usize % BYTES;
        self.seen[at..at + size as usize].copy_from_slice(&bytes[..size as usize]);
    }
}

/// The run ends, since the live chunk is written out.
#[inline(always)]
pub fn close() {
    me().view.close();
}

/// A load, as the assembly of [`fast`] does it.
///
/// # Safety
/// `from` is valid for reading `size` bytes, unless at replay.
#[inline(always)]
pub unsafe fn load(from: *const u8, size: i32, site: i32) -> i64 {
    let view = &mut me().view;
    // SAFETY: an open run's byte lies in the live chunk, which is not written to where there is no room; memory is only read while recording.
    unsafe {
        if *view.run >= HITS {
            return slow(from, site, size);
        }
        let value = plain(from, size);
        if view.at(from, size) != value as u64 {
            return appended(from, site, size, value);
        }
        *view.run += 1;
        value
    }
}

/// A load of what may be the environment's, where the fast path can't tell.
///
/// # Safety
/// `from` is valid for reading `size` bytes, unless at replay and of the environment.
unsafe extern "C" fn located(from: *const u8, site: i32, size: i32) -> i64 {
    // SAFETY: passed on.
    unsafe { if variables::logged::<false>(from as u64, size as u64) { load(from, size, site) } else { plain(from, size) } }
}

/// A load where the fast path does not do.
///
/// # Safety
/// `from` is valid for reading `size` bytes.
unsafe extern "C" fn slow(from: *const u8, site: i32, size: i32) -> i64 {
    match page().mode {
        mode::REPLAY => taken(from, site as u32, size) as i64,
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
    let run = view.run;
    // SAFETY: the run's byte lies in the live chunk, where room was reserved, too; a byte has its value before the cursor moves over it.
    unsafe {
        if if hit { *run < HITS } else { *run >> HIT_BITS < MISSES } {
            *run += if hit { 1 } else { 1 << HIT_BITS };
        } else {
            let run = ctl().cur as *mut u8;
            *run = if hit { 1 } else { 1 << HIT_BITS };
            compiler_fence(Release);
            ctl().cur += 1;
            view.run = run;
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
