//! The stream at replay: taking values, comparing checksums, and the ways a replay ends.

use crate::state::{ctl, st};
use crate::sys::{self, Digits, say};
use crate::word;
use itarget_abi::exit;
use itarget_abi::log::flat::{Check, Header};
use itarget_abi::log::{Async, end};

/// Header of the mapped flat file.
pub fn header() -> Header {
    // SAFETY: mapped and verified at start.
    unsafe { core::ptr::read_unaligned(st().flat.cast::<Header>()) }
}

fn check(i: u64) -> Option<Check> {
    let h = header();
    if i >= h.check_count {
        return None;
    }
    // SAFETY: within the table that `start` verified.
    Some(unsafe { core::ptr::read_unaligned(st().flat.add(h.checks as usize).cast::<Check>().add(i as usize)) })
}

/// The asynchronous event with index `i`.
pub fn async_event(i: u64) -> Option<Async> {
    let h = header();
    if i >= h.async_count {
        return None;
    }
    // SAFETY: within the table that `start` verified.
    Some(unsafe { core::ptr::read_unaligned(st().flat.add(h.asyncs as usize).cast::<Async>().add(i as usize)) })
}

/// Bytes taken so far.
pub fn position() -> u64 {
    ctl().cur - st().stream as u64
}

/// Sets `end` to the offset of the next check (or the end of the stream).
pub fn next_window() {
    let to = check(st().next_check).map_or(st().stream_len, |c| c.offset.min(st().stream_len));
    ctl().end = st().stream as u64 + to;
}

/// The slow path: `cur` is at `end` and more bytes are wanted.
fn advance() {
    let c = ctl();
    while c.cur >= c.end {
        if let Some(k) = check(st().next_check)
            && k.offset <= position()
        {
            compare(&k);
            st().next_check += 1;
            next_window();
            continue;
        }
        if position() >= st().stream_len {
            stream_ended();
        }
        next_window();
        if c.cur >= c.end {
            stream_ended();
        }
    }
}

/// True at the end of a chunk, which is checked and left behind.
pub fn at_check() -> bool {
    let there = check(st().next_check).filter(|k| k.offset == position());
    if let Some(k) = there {
        compare(&k);
        st().next_check += 1;
        next_window();
    }
    there.is_some()
}

fn compare(k: &Check) {
    let c = ctl();
    if k.sum != c.sum || k.boundaries != c.boundaries {
        diverged(b"the calls made differ from the recorded ones", k.boundaries, c.boundaries);
    }
}

/// Takes `n` bytes of the stream.
///
/// # Safety
/// `to` must be writable for `n` bytes.
pub unsafe fn take(to: *mut u8, n: u64) {
    let mut to = to;
    let mut n = n;
    let c = ctl();
    while n > 0 {
        if c.cur >= c.end {
            advance();
        }
        let k = (c.end - c.cur).min(n);
        // SAFETY: `k` bytes of the stream are mapped; the target is the caller's promise.
        unsafe {
            core::ptr::copy_nonoverlapping(c.cur as *const u8, to, k as usize);
            to = to.add(k as usize);
        }
        c.cur += k;
        n -= k;
    }
}

/// Takes an unsigned LEB128 integer.
pub fn take_varint() -> u64 {
    let mut v = 0u64;
    let mut shift = 0;
    loop {
        let mut b = 0u8;
        // SAFETY: one writable byte.
        unsafe { take(&raw mut b, 1) };
        if shift < 64 {
            v |= u64::from(b & 0x7f) << shift;
        }
        if b & 0x80 == 0 {
            return v;
        }
        shift += 7;
        if shift > 63 + 7 {
            diverged(b"a malformed integer in the stream", 0, 0);
        }
    }
}

/// The recording holds no more: says why and ends the process.
pub fn stream_ended() -> ! {
    let h = header();
    let why: &[u8] = match h.end_reason {
        end::NONE => b"recording was cut off here (killed, or still running)",
        end::IO_ERROR => b"recording ended here: the log could not be written",
        end::REFUSED => b"recording ended here: the program did something that can't be recorded",
        end::EXEC => b"the program replaced itself by another image here (exec)",
        _ => diverged(b"the program wants more than was recorded", h.stream_len, position()),
    };
    say(&[b"IT0613 the trace ends here: ", why]);
    status_line("trace_ends", exit::TRACE_ENDS);
    flush_output();
    sys::exit_now(exit::TRACE_ENDS)
}

/// The replay is not what was recorded: says so and ends the process.
pub fn diverged(what: &[u8], expected: u64, actual: u64) -> ! {
    let c = ctl();
    say(&[
        b"IT0620 divergence: ",
        what,
        b"; thread 0, event ",
        Digits::new(c.boundaries).bytes(),
        b", stream byte ",
        Digits::new(position()).bytes(),
        b", expected ",
        Digits::new(expected).bytes(),
        b", actual ",
        Digits::new(actual).bytes(),
        b", last site ",
        Digits::new(u64::from(c.last_site)).bytes(),
    ]);
    status_line("diverged", exit::DIVERGED);
    flush_output();
    sys::exit_now(exit::DIVERGED)
}

/// The program ends at replay: everything must be used, every checksum must agree.
pub fn finish(expected_reason: u32, status: i32) {
    let h = header();
    // The recording sealed the stream before it wrote the last of it.
    if position() < st().stream_len {
        word::seal();
    }
    if position() != st().stream_len {
        diverged(b"the program ends before the recording did", st().stream_len, position());
    }
    while let Some(k) = check(st().next_check) {
        compare(&k);
        st().next_check += 1;
    }
    if h.end_reason != expected_reason && h.end_reason != end::NONE {
        diverged(b"the program ends in another way", u64::from(h.end_reason), u64::from(expected_reason));
    }
    if h.end_reason == expected_reason && h.end_status != status && expected_reason == end::EXIT {
        diverged(b"the exit status differs", h.end_status as u64, status as u64);
    }
}

/// Output shown at replay goes through stdio.
pub fn flush_output() {
    // SAFETY: stdio of this process; nobody else uses it now.
    unsafe { libc::fflush(core::ptr::null_mut()) };
}

/// One JSON line on the status descriptor.
pub fn status_line(how: &str, status: i32) {
    let fd = st().status_fd;
    if fd < 0 {
        return;
    }
    crate::sites::write(fd);
    let left = st().stream_len.saturating_sub(position());
    let s = st();
    let _ = sys::Line::write(
        fd,
        format_args!(
            "{{\"log_consumed\":{},\"stream_left\":{left},\"boundaries\":{},\"digests\":{{\"checked\":{},\"mismatched\":{}}},\"end\":\"{how}\",\"status\":{status},\"site\":{}}}\n",
            left == 0,
            ctl().boundaries,
            s.digests_checked,
            s.digests_mismatched,
            ctl().last_site
        ),
    );
}
