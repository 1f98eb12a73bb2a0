//! Atomic operations of the program on memory that several threads reach.
//!
//! What they read is logged, so that values need no order; but what one thread wrote before it released
//! something must be there at replay when another has acquired it. A write leaves its stamp *before* it is done and is
//! chained to the stamps before it, a read looks for the stamp *after* it is done: whoever wrote the value that was read, or
//! someone ordered after it, is found there.

use super::locks::{How, how};
use super::{count, depend, entry_of, locks::chained, pass};
use core::ffi::c_int;
use core::sync::atomic::Ordering::*;

/// Before an atomic operation that writes at `at`. Returns 1 if the operation is to be done.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_order_release(at: *const u8) -> c_int {
    crate::shadow::atomic(at as u64);
    match how() {
        How::Record => {
            chained(&entry_of(at as u64 & !7).last);
            1
        }
        How::Replay => {
            pass();
            // What it reads comes from the log all the same; until others come, what it writes is read plainly.
            c_int::from(crate::shadow::wanted() && itarget_abi::layout::mapped_at_replay(at as u64))
        }
        _ => 1,
    }
}

/// After an atomic operation that read at `at`.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_order_acquire(at: *const u8) {
    crate::shadow::atomic(at as u64);
    match how() {
        How::Record => {
            depend(entry_of(at as u64 & !7).last.load(Acquire));
            count();
        }
        How::Replay => _ = pass(),
        _ => {}
    }
}
