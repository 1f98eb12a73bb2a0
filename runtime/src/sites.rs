//! Replay with the option `sites`: how many events each site has in the log, and how many bytes of it.
//!
//! There are no headers in the log, so only a replay knows which bytes are whose: an event of a thread begins where
//! the one before it ended.

use crate::state::{Thread, me, st};
use crate::sync::{self, Lock};
use crate::sys;
use crate::thread::seat;

/// A power of two, more than a large program has sites.
const SLOTS: usize = 1 << 18;
/// Not a site: what belongs to no event.
const NONE: u32 = u32::MAX;

#[repr(C)]
#[derive(Clone, Copy)]
struct Slot {
    site: u32,
    used: u32,
    events: u64,
    bytes: u64,
}

/// Where a thread is.
#[derive(Clone, Copy)]
pub struct Local {
    /// The site of the event that reads now, and one; 0 before the first.
    now: u32,
    /// Bytes of the stream that are accounted for.
    settled: u64,
}

impl Local {
    /// Nothing was read yet.
    pub const NEW: Local = Local { now: 0, settled: 0 };
}

/// Counts of all threads are in one table; nobody is in a hurry.
static LOCK: Lock = sync::free();
static mut TABLE: *mut Slot = core::ptr::null_mut();

/// Adds to what a site has.
fn add(site: u32, events: u64, bytes: u64) {
    let mut i = site.wrapping_mul(0x9e37_79b9) as usize >> 8;
    LOCK.lock();
    // SAFETY: our own table, under the lock.
    unsafe {
        if TABLE.is_null() {
            let bytes = (SLOTS * size_of::<Slot>()) as u64;
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
            TABLE = sys::mmap(0, bytes, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0).map_or(core::ptr::null_mut(), |m| m.cast());
        }
        for _ in 0..if TABLE.is_null() { 0 } else { SLOTS } {
            i = (i + 1) % SLOTS;
            let s = &mut *TABLE.add(i);
            if s.used == 0 {
                *s = Slot { site, used: 1, events: 0, bytes: 0 };
            }
            if s.site == site {
                s.events += events;
                s.bytes += bytes;
                break;
            }
        }
    }
    LOCK.unlock();
}

/// What a thread has read since its last event belongs to that.
fn settle(t: &mut Thread) {
    // SAFETY: the control block of a seat stays mapped.
    let here = unsafe { core::ptr::read_volatile(&raw const (*t.control).cur) }.saturating_sub(t.stream as u64);
    let bytes = here.saturating_sub(t.sites.settled);
    t.sites.settled = here;
    add(t.sites.now.wrapping_sub(1), 0, bytes);
}

/// An event of this site begins.
#[cold]
pub fn begin(site: u32) {
    settle(me());
    me().sites.now = site + 1;
    add(site, 1, 0);
}

/// This thread ends.
pub fn end() {
    if st().sites {
        settle(me());
        me().sites.now = 0;
    }
}

/// Writes `site<TAB>events<TAB>bytes` per site that was met. What threads have not read when the replay ends belongs to no event.
pub fn write(fd: i32) {
    if !st().sites {
        return;
    }
    settle(me());
    for t in seat::each() {
        // SAFETY: the thread's stream and position stay where they are; that it may go on meanwhile costs a count, no more.
        let read = unsafe { core::ptr::read_volatile(&raw const (*t.control).cur) }.saturating_sub(t.stream as u64);
        let settled = t.sites.settled;
        add(t.sites.now.wrapping_sub(1), 0, read.saturating_sub(settled));
        add(NONE, 0, t.stream_len.saturating_sub(read.max(settled)));
    }
    LOCK.lock();
    for i in 0..SLOTS {
        // SAFETY: the table was made above, or there is none; under the lock.
        let s = unsafe {
            if TABLE.is_null() {
                break;
            }
            *TABLE.add(i)
        };
        if s.used != 0 && sys::Line::write(fd, format_args!("{}\t{}\t{}\n", s.site, s.events, s.bytes)).is_err() {
            break;
        }
    }
    LOCK.unlock();
}
