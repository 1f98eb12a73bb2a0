//! Whether other threads ran.

use crate::sys::sys;
use super::{SeqCst, st};

/// Bytes of a set of processors.
const SET: usize = 128;
type Set = [u64; SET / 8];

/// A moment.
#[derive(Clone, Copy)]
pub struct Since {
    /// How often this thread had left its processor.
    switches: u64,
    /// Other threads of the program's were there.
    beside: bool,
}

impl Since {
    /// None.
    pub const NEW: Since = Since { switches: 0, beside: false };

    /// This one.
    pub fn now() -> Since {
        Since { switches: switches(), beside: st().alive.load(SeqCst) > 1 }
    }

    /// Certainly no other thread has run since then.
    pub fn is_alone(self) -> bool {
        let tasks = Tasks::new();
        if !self.beside && tasks.count == 1 {
            return true;
        }
        tasks.together && switches() == self.switches
    }
}

/// How often this thread has left its processor, or slept.
fn switches() -> u64 {
    // SAFETY: a structure of ours.
    unsafe {
        let mut usage: libc::rusage = core::mem::zeroed();
        sys!(libc::SYS_getrusage, libc::RUSAGE_THREAD, &raw mut usage);
        usage.ru_nvcsw as u64 + usage.ru_nivcsw as u64
    }
}

/// Nanoseconds that this thread has run.
pub fn time() -> u64 {
    // SAFETY: a structure of ours.
    unsafe {
        let mut t: libc::timespec = core::mem::zeroed();
        libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut t);
        t.tv_sec as u64 * 1_000_000_000 + t.tv_nsec as u64
    }
}

/// The threads of the process, those of libraries among them.
struct Tasks {
    count: u32,
    /// All have been on one processor, the same.
    together: bool,
}

impl Tasks {
    /// As they are. Those that may run elsewhere may only run on this processor from now on.
    fn new() -> Tasks {
        let mut tasks = Tasks { count: 0, together: true };
        let mut here = 0u32;
        // SAFETY: a file that is opened here, and memory of ours; what the kernel wrote there is read within its bounds.
        unsafe {
            sys!(libc::SYS_getcpu, &raw mut here, 0u64, 0u64);
            let fd = sys!(libc::SYS_open, c"/proc/self/task".as_ptr(), libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC);
            if fd < 0 {
                return Tasks { count: 0, together: false };
            }
            let mut room = [0u64; 512];
            loop {
                let n = sys!(libc::SYS_getdents64, fd, room.as_mut_ptr(), size_of_val(&room));
                let mut at = 0;
                while (at as i64) < n {
                    let entry = room.as_ptr().cast::<u8>().add(at).cast::<libc::dirent64>();
                    let name = (&raw const (*entry).d_name).cast::<u8>();
                    if let Some(tid) = number(name) {
                        tasks.count += 1;
                        tasks.together &= is_on(tid, here);
                    }
                    at += usize::from((*entry).d_reclen);
                }
                if n <= 0 {
                    break;
                }
            }
            sys!(libc::SYS_close, fd);
        }
        tasks
    }
}

/// The number that a NUL-terminated name is.
unsafe fn number(name: *const u8) -> Option<u64> {
    let mut number = 0;
    for i in 0..20 {
        // SAFETY: the name ends with a NUL.
        match unsafe { *name.add(i) } {
            0 if i > 0 => return Some(number),
            digit @ b'0'..=b'9' => number = number * 10 + u64::from(digit - b'0'),
            _ => return None,
        }
    }
    None
}

/// The thread was held to this processor. If not, it is now.
fn is_on(tid: u64, processor: u32) -> bool {
    let mut only: Set = [0; SET / 8];
    let Some(word) = only.get_mut(processor as usize / 64) else { return false };
    *word = 1 << (processor % 64);
    let mut set: Set = [0; SET / 8];
    // SAFETY: sets of ours.
    unsafe {
        let n = sys!(libc::SYS_sched_getaffinity, tid, SET, set.as_mut_ptr());
        if n > 0 && set == only {
            return true;
        }
        sys!(libc::SYS_sched_setaffinity, tid, SET, only.as_ptr());
    }
    false
}
