//! The core of the synchronization log, apart from where the runtime keeps a thread's state: so that it can be run under a scheduler
//! that tries orders (`tests/schedules.rs`).
//!
//! Every thread counts its synchronization operations. An object remembers who released it last, and at which count: its
//! [`stamp`]. An operation that acquires the object depends on that: if it was another thread, and nothing says so already
//! ([`Known`]), an entry goes to the thread's log ([`entries`]). At replay threads publish their counts ([`count::Count`]), and wait only
//! where an entry says so. Entries always lead to what happened before in real time, so a replay that follows them
//! can't be stuck in a circle.
#![no_std]
#![forbid(unsafe_code)]

pub mod count;
pub mod entries;

/// Bits of a count in a [`stamp`].
pub const COUNT: u32 = 44;
/// A count that no thread comes to: all that it does.
pub const ALL: u64 = (1 << COUNT) - 1;
/// Threads of which a thread knows how far they are.
const KNOWN: usize = 256;

/// A thread and its count (operations), in one word. 0 stands for nobody: counts begin with 1.
#[inline(always)]
#[must_use]
pub const fn stamp(thread: u32, count: u64) -> u64 {
    (thread as u64) << COUNT | count
}

/// Thread and count of a stamp.
#[inline(always)]
#[must_use]
pub const fn parts(stamp: u64) -> (u32, u64) {
    ((stamp >> COUNT) as u32, stamp & ALL)
}

/// How far a thread knows others to have come: what its entries said so far. Of threads whose numbers agree modulo 256, of the
/// last one.
#[derive(Clone, Copy)]
pub struct Known([(u32, u64); KNOWN]);

impl Known {
    /// Nothing known.
    pub const NEW: Known = Known([(0, 0); KNOWN]);

    /// What is known of a thread.
    #[inline]
    pub fn of(&mut self, thread: u32) -> &mut u64 {
        let slot = &mut self.0[thread as usize % KNOWN];
        if slot.0 != thread + 1 {
            *slot = (thread + 1, 0);
        }
        &mut slot.1
    }

    /// Recording: the entry of an operation that comes after what a stamp of another thread says; `None` where that is known.
    #[inline]
    pub fn after(&mut self, stamp: u64) -> Option<entries::Entry> {
        let (thread, count) = parts(stamp);
        let known = self.of(thread);
        if *known >= count {
            return None;
        }
        let by = count.wrapping_sub(core::mem::replace(known, count));
        Some(entries::Entry::After { thread, begins: false, by: by as i64 })
    }

    /// Replay: the count that an [`entries::Entry::After`] leads to, which is known from then on unless it is only that of a beginning.
    #[inline]
    pub fn count(&mut self, thread: u32, begins: bool, by: i64) -> u64 {
        let known = self.of(thread);
        let count = known.wrapping_add(by as u64);
        if !begins {
            *known = count;
        }
        count
    }
}
