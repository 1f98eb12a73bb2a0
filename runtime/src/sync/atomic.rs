//! Atomic operations of the program on memory that several threads reach.
//!
//! Operations that write to one place are made one after the other, so that a replay can make them in the same order and its memory
//! is what it was: plain accesses that come after them find it. What loads read is logged (and what operations find that may be on memory
//! of the environment), so loads need no place in that order; they come after the write whose value they read, or after a later one.

use super::locks::{How, how};
use super::table::Entry;
use super::{await_next, count, depend, entry_of, pass, publish, release};
use crate::state::me;
use crate::sys::sys;
use core::ffi::c_int;
use core::sync::atomic::{AtomicU32, compiler_fence};
use core::sync::atomic::Ordering::*;
use itarget_abi::hooks::{ATOMIC_AGAIN, ATOMIC_DONE, ATOMIC_HELD, ATOMIC_RUN};
use itarget_abi::layout::mapped_at_replay;

/// In place of a stamp: an operation is being made.
const BUSY: u64 = u64::MAX;
/// Times that a place is looked at before the thread lets others run.
const SPINS: u32 = 100;

/// Before an atomic operation that writes at `at`: what is to be done, see [`ATOMIC_RUN`].
///
/// # Safety
/// The operation may be made.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_atomic_begin(at: *const u8) -> c_int {
    crate::shadow::atomic(at as u64);
    match how() {
        How::Record => {
            // A bad address is to fault now, not while others wait.
            // SAFETY: what the operation does.
            unsafe { at.read_volatile() };
            let entry = entry_of(at as u64 & !7);
            let before = begin(entry);
            me().sync.makes = Some((entry, before));
            depend(before);
            ATOMIC_RUN | ATOMIC_HELD
        }
        How::Replay => {
            let there = mapped_at_replay(at as u64);
            if there {
                // SAFETY: as above.
                unsafe { at.read_volatile() };
            }
            await_next();
            ATOMIC_DONE | if there { ATOMIC_AGAIN } else { 0 }
        }
        _ => ATOMIC_RUN,
    }
}

/// After it, where [`ATOMIC_HELD`] or [`ATOMIC_DONE`] was said.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_atomic_end() {
    match me().sync.makes.take() {
        Some((entry, _)) => {
            entry.atomic.store(release(), Release);
            me().sync.making.store(0, Release);
        }
        None => publish(),
    }
}

/// After an atomic operation that only read at `at`.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_atomic_read(at: *const u8) {
    crate::shadow::atomic(at as u64);
    match how() {
        How::Record => {
            let entry = entry_of(at as u64 & !7);
            let mut spins = 0;
            let stamp = loop {
                match entry.atomic.load(Acquire) {
                    BUSY => wait(&mut spins),
                    stamp => break stamp,
                }
            };
            depend(stamp);
            count();
        }
        How::Replay => _ = pass(),
        _ => {}
    }
}

/// The operation that the thread is about to make faults: it is not made.
pub fn faults() {
    if let Some((entry, before)) = me().sync.makes.take() {
        entry.atomic.store(before, Release);
        me().sync.making.store(0, Release);
    }
}

/// Record: no thread begins an operation, for one of them forks.
static HELD: AtomicU32 = AtomicU32::new(0);

/// Waits until no other thread is in the middle of an operation: a child would not know whether it was made.
pub fn hold() {
    HELD.swap(1, SeqCst);
    barrier();
    let mut spins = 0;
    for thread in crate::thread::each().filter(|thread| thread.number != me().number) {
        while thread.sync.making.load(SeqCst) != 0 {
            wait(&mut spins);
        }
    }
}

/// All other threads see what was written before, and what they wrote before is seen here: so that each either is seen to make an operation, or sees [`HELD`].
fn barrier() {
    const EXPEDITED: u64 = 8;
    const REGISTER: u64 = 16;
    // SAFETY: membarrier, in the memory of this process; one that the kernel does not have, or that is not allowed, does nothing.
    unsafe {
        if sys!(libc::SYS_membarrier, EXPEDITED, 0u64, 0u64) == -i64::from(libc::EPERM) {
            sys!(libc::SYS_membarrier, REGISTER, 0u64, 0u64);
            sys!(libc::SYS_membarrier, EXPEDITED, 0u64, 0u64);
        }
    }
}

/// They go on.
pub fn go_on() {
    HELD.store(0, Release);
}

/// Takes the place, unless another thread forks; gives the stamp of the last operation.
#[inline(always)]
fn begin(entry: &Entry) -> u64 {
    loop {
        me().sync.making.store(1, Relaxed);
        // A fence of the processor is what `barrier` is for.
        compiler_fence(SeqCst);
        if HELD.load(Relaxed) == 0 {
            let before = take(entry);
            if HELD.load(SeqCst) == 0 {
                return before;
            }
            entry.atomic.store(before, Release);
        }
        me().sync.making.store(0, Release);
        let mut spins = 0;
        while HELD.load(Acquire) != 0 {
            wait(&mut spins);
        }
    }
}

/// Takes the place; gives the stamp of the last operation.
#[inline(always)]
fn take(entry: &Entry) -> u64 {
    let mut spins = 0;
    loop {
        let before = entry.atomic.swap(BUSY, SeqCst);
        if before != BUSY {
            return before;
        }
        while entry.atomic.load(Relaxed) == BUSY {
            wait(&mut spins);
        }
    }
}

fn wait(spins: &mut u32) {
    core::hint::spin_loop();
    *spins += 1;
    if *spins > SPINS {
        *spins = 0;
        // SAFETY: no arguments.
        unsafe { sys!(libc::SYS_sched_yield) };
    }
}
