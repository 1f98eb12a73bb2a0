//! Whether all other threads stand still: each in a call of the kernel that writes to the program's memory, if at all, as the last thing
//! it does. Then memory is what the program made it, and a replay that comes to the same calls has the same.

use super::seat;
use crate::state::{me, st};
use crate::sys::{Digits, sys};
use core::sync::atomic::Ordering::SeqCst;
use itarget_abi::control::mix;

/// Such calls.
const WAITS: [i64; 16] = [
    libc::SYS_epoll_wait,
    libc::SYS_epoll_pwait,
    libc::SYS_poll,
    libc::SYS_ppoll,
    libc::SYS_select,
    libc::SYS_pselect6,
    libc::SYS_futex,
    libc::SYS_nanosleep,
    libc::SYS_clock_nanosleep,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_rt_sigtimedwait,
    libc::SYS_rt_sigsuspend,
    libc::SYS_pause,
    libc::SYS_wait4,
    libc::SYS_waitid,
];

/// A sum over what was recorded of the other threads so far, if all of them wait. While two sums are equal nobody went on in between.
pub fn stamp() -> Option<u64> {
    let mut sum = 0;
    let mut others = 0;
    // SAFETY: a control block stays mapped.
    for (thread, control) in seat::each().map(|t| (t, unsafe { t.control.read_volatile() })) {
        if thread.number == me().number || control.magic == 0 {
            continue;
        }
        if !waits(thread.tid) {
            return None;
        }
        others += 1;
        for v in [control.cur, control.chunk_seq, control.boundaries, control.ops, control.sync_cur, thread.number.into()] {
            sum = mix(mix(sum, v as u32), (v >> 32) as u32);
        }
    }
    (others + 1 == st().alive.load(SeqCst)).then_some(sum)
}

/// Whether a thread of this process is in one of [`WAITS`], as the kernel says.
fn waits(tid: i32) -> bool {
    let mut path = [0u8; 64];
    let mut at = 0;
    for part in [b"/proc/self/task/".as_slice(), Digits::new(tid as u64).bytes(), b"/syscall"] {
        path[at..at + part.len()].copy_from_slice(part);
        at += part.len();
    }
    let mut text = [0u8; 16];
    // SAFETY: a path that ends in 0, and room for what is read.
    let read = unsafe {
        let fd = sys!(libc::SYS_openat, libc::AT_FDCWD, path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC, 0u64);
        if fd < 0 {
            return false;
        }
        let read = sys!(libc::SYS_read, fd, text.as_mut_ptr(), text.len());
        sys!(libc::SYS_close, fd);
        read
    };
    // The number of the call, then its arguments; "running" or "-1" where there is none.
    let mut call = 0;
    for &c in text.iter().take(read.max(0) as usize) {
        match c {
            b'0'..=b'9' => call = call * 10 + i64::from(c - b'0'),
            b' ' => return WAITS.contains(&call),
            _ => return false,
        }
    }
    false
}
