//! Messages on stderr and the machine-readable status line of a replay.

use crate::mode::{OPTIONS, ctl};
use crate::{replay, sys};
use core::fmt::{Arguments, Write};

/// A line being made; what does not fit is cut off.
pub struct Line {
    bytes: [u8; 1024],
    len: usize,
}

impl Line {
    /// Empty.
    pub const fn new() -> Self {
        Line { bytes: [0; 1024], len: 0 }
    }
    /// What was written so far.
    pub fn text(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
    /// Appends raw bytes.
    pub fn push(&mut self, s: &[u8]) {
        let n = s.len().min(self.bytes.len() - self.len);
        self.bytes[self.len..self.len + n].copy_from_slice(&s[..n]);
        self.len += n;
    }
}

impl Write for Line {
    fn write_str(&mut self, s: &str) -> core::fmt::Result {
        self.push(s.as_bytes());
        Ok(())
    }
}

/// Writes all of `bytes` as far as possible; a closed descriptor is nobody's problem.
pub fn write_all(fd: i32, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match sys::write(fd, bytes) {
            Ok(0) => return,
            Ok(n) => bytes = &bytes[(n as usize).min(bytes.len())..],
            Err(libc::EINTR) => {}
            Err(_) => return,
        }
    }
}

/// `itarget: <text>` as one line on stderr.
pub fn message(text: Arguments) {
    let mut line = Line::new();
    let _ = write!(line, "itarget: {text}");
    if line.len == line.bytes.len() {
        line.len -= 1;
    }
    line.push(b"\n");
    write_all(2, line.text());
}

/// The status line of a replay: how it ended and how much of the log it used.
pub fn status(end: &str, status: i32) {
    let fd = OPTIONS.status_fd.get();
    if fd < 0 {
        return;
    }
    let left = replay::left();
    let (checked, mismatched) = crate::digest::counts();
    let mut line = Line::new();
    let _ = writeln!(
        line,
        "{{\"log_consumed\":{},\"stream_left\":{left},\"boundaries\":{},\"digests\":{{\"checked\":{checked},\"mismatched\":{mismatched}}},\"end\":\"{end}\",\"status\":{status},\"site\":{}}}",
        left == 0,
        ctl().boundaries.get(),
        ctl().last_site.get(),
    );
    write_all(fd, line.text());
}

/// Ends a replay that did not go as recorded. `code` is one of `itarget_abi::exit`.
pub fn stop(end: &str, code: i32) -> ! {
    status(end, code);
    sys::exit_group(code)
}
