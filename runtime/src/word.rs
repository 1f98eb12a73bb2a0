//! Scalars in the stream. (Loads of what may race have a way of their own, see [`crate::view`].) One that has the value that its site saw last costs a bit, any other the bytes of
//! its difference to that, or a byte 0 (which no difference is) and its distance to another pointer ([`Near`]), where that is shorter.
//!
//! Eight scalars share a flag byte, which stands before the first of them: bit `i` is 1 when scalar `i` is as
//! expected, else the difference follows (zigzag LEB128). The flag byte is *open* until it is full; bytes that
//! are no scalar and the end of a chunk close it. Whatever closes it happens at the same place of the
//! stream at replay: the end of a chunk comes with its first scalar that finds no room, or in the middle of bytes that are
//! no scalar; everything else that writes out a chunk first seals the byte with one of padding. A bit that was not written yet is 0, so that
//! a stream cut off anywhere ends in a scalar that is missing, never in one that is wrong.

use crate::state::{ctl, elsewhere, me, page, recording, replaying};
use crate::{log, replay, view};
use core::sync::atomic::{Ordering::Release, compiler_fence};
use itarget_abi::control::mode;
use itarget_abi::log::{unzigzag, zigzag};
use itarget_abi::near::{self, Near};

/// Values remembered; a power of two.
const SLOTS: usize = 8192;
/// Slots of one site: its scalars are told apart by their order in the event.
const PER_SITE: u32 = 8;
/// Bits of a site id that number it within its kind.
const KIND_SHIFT: u32 = 18;

/// The scalars that a thread's sites saw last.
pub struct Words {
    last: [u64; SLOTS],
    /// Scalars of the event so far.
    count: u32,
    /// The open flag byte: where it is in the ring (record), its value (replay).
    flags: u64,
    /// Its scalars so far; [`CLOSED`] when none is open.
    used: u32,
    /// Pointers of all sites.
    near: Near,
}

/// A difference of so many bytes is not worth more thought.
const SHORT: u32 = 3;

/// No flag byte is open.
const CLOSED: u32 = 8;

impl Words {
    /// Nothing seen yet.
    pub const NEW: Words = Words { last: [0; SLOTS], count: 0, flags: 0, used: CLOSED, near: Near::NEW };
}

#[inline(always)]
fn words() -> &'static mut Words {
    &mut me().words
}

/// A new event begins.
#[inline(always)]
pub fn begin() {
    words().count = 0;
}

/// Bytes that are no scalar come next, `n` of them.
#[inline(always)]
pub fn raw(n: u64) {
    if n >= log::LARGE { seal() } else { words().used = CLOSED }
}

/// The chunk ends.
#[inline(always)]
pub fn close() {
    words().used = CLOSED;
    view::close();
}

/// Closes the flag byte with a byte of padding, also one that just got full: without it a chunk that ends
/// here would seem to end before the last scalars that cost no byte of their own.
pub fn seal() {
    close();
    let mut padding = 0u8;
    if recording() {
        log::reserve(1);
        // SAFETY: one readable byte.
        unsafe { log::put(&raw const padding, 1) };
    } else if replaying() {
        // SAFETY: one writable byte.
        unsafe { replay::take(&raw mut padding, 1) };
    }
}

/// Appends or takes a scalar.
#[inline]
pub fn word(value: u64) -> u64 {
    match page().mode {
        mode::RECORD => {
            if !elsewhere() {
                append(value);
            }
            value
        }
        mode::REPLAY => take(),
        _ => value,
    }
}

/// Kinds of events are numbered from the same low bits on (a downcall, its result, an upcall, a site of the plan): what a call hands over and
/// what ends its section would push each other out.
#[inline(always)]
fn apart(site: u32) -> u32 {
    site ^ (site >> KIND_SHIFT).wrapping_mul(149)
}

#[inline(always)]
fn slot(w: &mut Words) -> usize {
    let site = apart(ctl().last_site);
    let slot = site.wrapping_mul(PER_SITE).wrapping_add(w.count) as usize % SLOTS;
    w.count = w.count.wrapping_add(1);
    slot
}

#[inline]
fn append(value: u64) {
    log::reserve(log::SLACK);
    let c = ctl();
    if page().mode != mode::RECORD {
        return;
    }
    let w = words();
    if w.used == CLOSED {
        // SAFETY: room was reserved; the byte is zero before the cursor moves over it.
        unsafe { *(c.cur as *mut u8) = 0 };
        // A process may be killed between any two instructions: the order is that of the program.
        compiler_fence(Release);
        w.flags = c.cur;
        w.used = 0;
        c.cur += 1;
    }
    let (flags, used) = (w.flags as *mut u8, w.used);
    w.used += 1;
    let slot = slot(w);
    let last = &mut w.last[slot];
    if *last == value {
        // SAFETY: the flag byte lies in the live chunk, which has not been written out since.
        unsafe { *flags |= 1 << used };
        return;
    }
    let before = core::mem::replace(last, value);
    differ(value, before);
}

/// Appends a scalar that is not the one before it, in relation to that; there is room for the longest integer.
#[inline(always)]
pub fn differ(value: u64, before: u64) {
    let w = words();
    let difference = zigzag(value.wrapping_sub(before) as i64);
    let bytes = near::length(difference);
    if bytes > SHORT && let Some((code, taken)) = w.near.encode(value, bytes - 1) {
        log::varint_reserved(0);
        log::varint_of(code, taken);
    } else {
        log::varint_reserved(difference);
    }
    w.near.note(value);
}

#[inline]
fn take() -> u64 {
    let w = words();
    if w.used != CLOSED && replay::at_check() {
        w.used = CLOSED;
    }
    if w.used == CLOSED {
        let mut flags = 0u8;
        // SAFETY: one writable byte.
        unsafe { replay::take(&raw mut flags, 1) };
        w.flags = u64::from(flags);
        w.used = 0;
    }
    let same = w.flags >> w.used & 1 == 1;
    w.used += 1;
    let slot = slot(w);
    let last = &mut w.last[slot];
    if same {
        return *last;
    }
    let value = differed(*last);
    *last = value;
    value
}

/// Takes a scalar that is not the one before it.
#[inline(always)]
pub fn differed(before: u64) -> u64 {
    let near = &mut words().near;
    let value = match replay::take_varint() {
        0 => near.decode(replay::take_varint()),
        difference => before.wrapping_add(unzigzag(difference) as u64),
    };
    near.note(value);
    value
}
