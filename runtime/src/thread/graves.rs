//! Detached threads that ended: what is left of them is given back later.

use super::unmap;
use crate::sync;
use crate::sys::sys;

/// Detached threads that ended: their memory is given back once the kernel has forgotten them.
const GRAVES: usize = 256;
static GRAVEYARD: sync::Lock = sync::free();
static mut DEAD: [(u32, i32, (u64, u64)); GRAVES] = [(0, 0, (0, 0)); GRAVES];
static mut BURIED: usize = 0;

/// A detached thread ended, or is about to: number, number in the kernel, stack.
pub fn to_bury(number: u32, tid: i32, stack: (u64, u64)) {
    GRAVEYARD.lock();
    // SAFETY: under the lock. What does not fit stays mapped.
    unsafe {
        if BURIED < GRAVES {
            DEAD[BURIED] = (number, tid, stack);
            BURIED += 1;
        }
    }
    GRAVEYARD.unlock();
}

/// Before a fork beside other threads.
pub fn hold() {
    GRAVEYARD.lock();
    super::seat::hold();
}

/// After a fork: in the parent, or in a child, where there is one thread and no lock is taken.
pub fn after_fork() {
    super::seat::let_go();
    GRAVEYARD.unlock();
}

/// Gives back what those had that are gone.
pub fn bury() {
    GRAVEYARD.lock();
    // SAFETY: under the lock.
    unsafe {
        let mut i = 0;
        while i < BURIED {
            let (number, tid, stack) = DEAD[i];
            let gone = sys!(libc::SYS_tgkill, libc::getpid(), tid, 0u64) == -i64::from(libc::ESRCH);
            if gone {
                unmap(number, stack);
                BURIED -= 1;
                DEAD[i] = DEAD[BURIED];
            } else {
                i += 1;
            }
        }
    }
    GRAVEYARD.unlock();
}
