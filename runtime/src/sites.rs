//! Replay with the option `sites`: how many events each site has in the log, and how many bytes of it.
//!
//! There are no headers in the log, so only a replay knows which bytes are whose: an event begins where the
//! one before it ended.

use crate::replay;
use crate::state::st;
use crate::sys;

/// A power of two, more than a large program has sites.
const SLOTS: usize = 1 << 18;
/// Not a site: what comes before the first event.
const START: u32 = u32::MAX;

#[repr(C)]
#[derive(Clone, Copy)]
struct Slot {
    site: u32,
    used: u32,
    events: u64,
    bytes: u64,
}

struct Sites {
    table: *mut Slot,
    /// The event that reads now, and where it began.
    now: u32,
    from: u64,
}

static mut SITES: Sites = Sites { table: core::ptr::null_mut(), now: START, from: 0 };

fn slot(site: u32) -> Option<&'static mut Slot> {
    let mut i = site.wrapping_mul(0x9e37_79b9) as usize >> 8;
    // SAFETY: our own table; one thread.
    unsafe {
        let sites = &mut *(&raw mut SITES);
        if sites.table.is_null() {
            let bytes = (SLOTS * size_of::<Slot>()) as u64;
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
            sites.table = sys::mmap(0, bytes, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0)?.cast();
        }
        for _ in 0..SLOTS {
            i = (i + 1) % SLOTS;
            let s = &mut *sites.table.add(i);
            if s.used == 0 {
                *s = Slot { site, used: 1, events: 0, bytes: 0 };
            }
            if s.site == site {
                return Some(s);
            }
        }
    }
    None
}

/// What was read since the last event belongs to it.
fn settle() {
    let here = replay::position();
    // SAFETY: one thread.
    let (now, from) = unsafe {
        let sites = &mut *(&raw mut SITES);
        (sites.now, core::mem::replace(&mut sites.from, here))
    };
    if let Some(s) = slot(now) {
        s.bytes += here.wrapping_sub(from);
    }
}

/// An event of this site begins.
#[cold]
pub fn begin(site: u32) {
    settle();
    // SAFETY: one thread.
    unsafe { SITES.now = site };
    if let Some(s) = slot(site) {
        s.events += 1;
    }
}

/// Writes `site<TAB>events<TAB>bytes` per site that was met.
pub fn write(fd: i32) {
    if !st().sites {
        return;
    }
    settle();
    for i in 0..SLOTS {
        // SAFETY: `settle` made the table, or there is none.
        let s = unsafe {
            let table = SITES.table;
            if table.is_null() {
                return;
            }
            *table.add(i)
        };
        if s.used != 0 && sys::Line::write(fd, format_args!("{}\t{}\t{}\n", s.site, s.events, s.bytes)).is_err() {
            return;
        }
    }
}
