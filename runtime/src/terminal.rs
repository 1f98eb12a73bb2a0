//! forkpty: a child process with a terminal of its own. The library's forks inside, where no record of the child could begin.

use crate::crossing;
use crate::exit::{__itarget__exit, site};
use crate::hooks::{__itarget_bytes, __itarget_cstr, __itarget_enter, __itarget_leave, __itarget_refuse};
use crate::process::__itarget_fork;
use crate::word::word;
use core::ffi::{c_char, c_int};
use core::ptr::{null, null_mut};

/// Bytes of a terminal's name, `/dev/pts/` and a number.
const NAME: usize = 64;

unsafe extern "C" {
    fn ptsname_r(fd: c_int, name: *mut c_char, room: usize) -> c_int;
}

/// forkpty.
///
/// # Safety
/// As forkpty: `master` has room for a descriptor, `name` is null or has room for a terminal's name, the others are null or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_forkpty(master: *mut c_int, name: *mut c_char, modes: *const libc::termios, size: *const libc::winsize) -> c_int {
    if crossing::from_environment() {
        __itarget_refuse(site::TERMINAL);
    }
    let run = __itarget_enter(site::TERMINAL) != 0;
    let mut ends = None;
    if run {
        // SAFETY: the caller's promise.
        ends = unsafe { open(name, modes, size) };
        __itarget_leave();
    }
    if word(u64::from(ends.is_some())) == 0 {
        return -1;
    }
    // SAFETY: the caller's promise; what is the environment's is only written while recording.
    unsafe {
        if let Some((end, _)) = ends {
            master.write(end);
        }
        __itarget_bytes(master.cast(), size_of::<c_int>() as i64);
        __itarget_cstr(name.cast());
    }
    let child = __itarget_fork();
    if child != 0 {
        if let Some((end, other)) = ends {
            // SAFETY: descriptors that were opened here.
            unsafe {
                libc::close(other);
                if child < 0 {
                    libc::close(end);
                }
            }
        }
        return child;
    }
    let mut own = true;
    if __itarget_enter(site::TERMINAL) != 0 {
        own = ends.is_some_and(|(end, other)| {
            // SAFETY: descriptors that were opened here.
            unsafe { libc::close(end) };
            become_session(other)
        });
        __itarget_leave();
    }
    if word(u64::from(own)) == 0 {
        __itarget__exit(1);
    }
    crate::show::__itarget_descriptor(-1);
    0
}

/// A new terminal: the end that controls it, and the terminal itself. `None`, and errno: there is none.
unsafe fn open(name: *mut c_char, modes: *const libc::termios, size: *const libc::winsize) -> Option<(c_int, c_int)> {
    let mut path = [0 as c_char; NAME];
    // SAFETY: the caller's promise; `path` has the room that is said.
    unsafe {
        let end = libc::posix_openpt(libc::O_RDWR | libc::O_NOCTTY);
        if end < 0 {
            return None;
        }
        let named = libc::grantpt(end) == 0 && libc::unlockpt(end) == 0 && ptsname_r(end, path.as_mut_ptr(), NAME) == 0;
        let terminal = if named { libc::open(path.as_ptr(), libc::O_RDWR | libc::O_NOCTTY) } else { -1 };
        if terminal < 0 {
            libc::close(end);
            return None;
        }
        if modes != null() {
            libc::tcsetattr(terminal, libc::TCSAFLUSH, modes);
        }
        if size != null() {
            libc::ioctl(terminal, libc::TIOCSWINSZ, size);
        }
        if name != null_mut() {
            libc::strcpy(name, path.as_ptr());
        }
        Some((end, terminal))
    }
}

/// The process leads a session whose terminal this is, with its standard streams there.
fn become_session(terminal: c_int) -> bool {
    // SAFETY: descriptors of this process.
    unsafe {
        libc::setsid();
        if libc::ioctl(terminal, libc::TIOCSCTTY, 0) != 0 {
            return false;
        }
        for to in 0..3 {
            libc::dup2(terminal, to);
        }
        if terminal > 2 {
            libc::close(terminal);
        }
    }
    true
}
