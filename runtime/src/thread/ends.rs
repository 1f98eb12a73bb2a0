//! Replay: threads come to the end of what was recorded of them, and wait there for each other.

use crate::replay;
use crate::state::st;
use crate::sync::Watch;
use crate::sys::sys;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};

/// Replay: threads that came to the end of what was recorded of them.
static PARKED: AtomicU32 = AtomicU32::new(0);

/// Replay: this thread stays here. If it was the last one, the trace ends.
pub fn park(all: impl Fn()) -> ! {
    PARKED.fetch_add(1, SeqCst);
    loop {
        // Others may end after this one came here.
        if PARKED.load(SeqCst) >= st().alive.load(SeqCst) && !LAST.swap(true, SeqCst) {
            all();
        }
        let second = libc::timespec { tv_sec: 1, tv_nsec: 0 };
        // SAFETY: sleeps; the process ends by another thread, or when all are here.
        unsafe { sys!(libc::SYS_futex, (&raw const SLEEP), libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG, 0u64, &raw const second) };
    }
}

/// Replay of a child process that was forked beside this thread: the process goes on without it.
pub fn stay_behind() -> ! {
    loop {
        // SAFETY: sleeps until the process ends.
        unsafe { sys!(libc::SYS_futex, (&raw const SLEEP), libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG, 0u64, 0u64) };
    }
}

/// Somebody says that all are here.
static LAST: AtomicBool = AtomicBool::new(false);
/// Always 0.
static SLEEP: AtomicU32 = AtomicU32::new(0);

/// Replay: waits until all other threads have done what was recorded of them. False: some did not.
pub fn settle() -> bool {
    let mut watch = Watch::new();
    let mut rounds = 0u32;
    while PARKED.load(SeqCst) + 1 < st().alive.load(SeqCst) {
        let pause = libc::timespec { tv_sec: 0, tv_nsec: 1_000_000 };
        // SAFETY: sleeps for a moment.
        unsafe { sys!(libc::SYS_futex, (&raw const SLEEP), libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG, 0u64, &raw const pause) };
        rounds += 1;
        if rounds.is_multiple_of(1000) && watch.is_stuck() {
            return false;
        }
    }
    true
}

/// Replay: waits until this is the only thread, as it was when it was recorded.
pub fn wait_alone() {
    let mut watch = Watch::new();
    let mut rounds = 0u32;
    while st().alive.load(SeqCst) > 1 {
        let pause = libc::timespec { tv_sec: 0, tv_nsec: 1_000_000 };
        // SAFETY: sleeps for a moment.
        unsafe { sys!(libc::SYS_futex, (&raw const SLEEP), libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG, 0u64, &raw const pause) };
        rounds += 1;
        if rounds.is_multiple_of(1000) && watch.is_stuck() {
            replay::diverged(b"threads run that had ended", 1, u64::from(st().alive.load(SeqCst)));
        }
    }
}
