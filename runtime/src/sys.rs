//! Raw system calls: nothing here touches libc, its locks or its `errno`.

use core::arch::asm;

/// Six-argument system call; negative results are `-errno`.
///
/// # Safety
/// As the system call itself.
#[inline]
pub unsafe fn syscall6(n: i64, a: u64, b: u64, c: u64, d: u64, e: u64, f: u64) -> i64 {
    let r: i64;
    // SAFETY: the x86-64 Linux convention; the caller answers for the arguments.
    unsafe {
        asm!("syscall", inlateout("rax") n => r, in("rdi") a, in("rsi") b, in("rdx") c,
             in("r10") d, in("r8") e, in("r9") f, lateout("rcx") _, lateout("r11") _,
             options(nostack));
    }
    r
}

macro_rules! sys {
    ($n:expr $(, $a:expr)*) => {{
        let args = [$($a as u64),*];
        let get = |i: usize| args.get(i).copied().unwrap_or(0);
        $crate::sys::syscall6($n, get(0), get(1), get(2), get(3), get(4), get(5))
    }};
}
pub(crate) use sys;

/// Anonymous or file mapping; `None` on failure.
///
/// # Safety
/// With `MAP_FIXED` the caller owns the range.
pub unsafe fn mmap(at: u64, len: u64, prot: i32, flags: i32, fd: i32, offset: u64) -> Option<*mut u8> {
    // SAFETY: passed on to the caller.
    let r = unsafe { sys!(libc::SYS_mmap, at, len, prot, flags, fd as i64, offset) };
    if r < 0 && r > -4096 { None } else { Some(r as *mut u8) }
}

/// Writes all of two buffers; `Err(errno)` when it can't.
///
/// # Safety
/// The buffers must be readable.
pub unsafe fn write_all(fd: i32, parts: [(*const u8, usize); 3]) -> Result<(), i32> {
    let mut parts = parts;
    loop {
        if parts.iter().all(|p| p.1 == 0) {
            return Ok(());
        }
        // SAFETY: an iovec array with the caller's readable buffers.
        let mut r = unsafe { sys!(libc::SYS_writev, fd, parts.as_ptr(), 3u64) };
        if r == -i64::from(libc::EPERM) || r == -i64::from(libc::EACCES) || r == -i64::from(libc::ENOSYS) {
            // A filter of the program's own may let through nothing but `write`.
            let first = parts.iter().find(|p| p.1 != 0).map_or((core::ptr::null(), 0), |p| *p);
            // SAFETY: a buffer of the caller's.
            r = unsafe { sys!(libc::SYS_write, fd, first.0, first.1) };
        }
        match r {
            _ if r == -i64::from(libc::EINTR) => {}
            n if n < 0 => return Err(-n as i32),
            0 => return Err(libc::ENOSPC),
            n => {
                let mut n = n as usize;
                for p in &mut parts {
                    let k = n.min(p.1);
                    // SAFETY: at most one past the end of the buffer.
                    *p = (unsafe { p.0.add(k) }, p.1 - k);
                    n -= k;
                }
            }
        }
    }
}

/// Device and number of the file that a descriptor leads to.
pub fn identity(fd: i32) -> Option<(u64, u64)> {
    // SAFETY: the structure is plain integers, and the call fills it.
    unsafe {
        let mut status: libc::stat = core::mem::zeroed();
        (sys!(libc::SYS_fstat, fd, &raw mut status) == 0).then_some((status.st_dev, status.st_ino))
    }
}

/// Number of this process in the kernel.
pub fn pid() -> i32 {
    // SAFETY: no arguments.
    unsafe { sys!(libc::SYS_getpid) as i32 }
}

/// Ends the process at once.
pub fn exit_now(status: i32) -> ! {
    loop {
        // SAFETY: exit_group has no memory arguments.
        unsafe { sys!(libc::SYS_exit_group, status) };
    }
}

/// A message on stderr: `itarget: <parts>`.
pub fn say(parts: &[&[u8]]) {
    let mut line = [0u8; 512];
    let mut n = 0;
    for p in [b"itarget: ".as_slice()].iter().chain(parts).chain(&[b"\n".as_slice()]) {
        for &b in *p {
            if n < line.len() {
                line[n] = b;
                n += 1;
            }
        }
    }
    // SAFETY: `line` is readable; a closed stderr only makes the call fail.
    let _ = unsafe { write_all(2, [(line.as_ptr(), n), (line.as_ptr(), 0), (line.as_ptr(), 0)]) };
}

/// Decimal digits of a number.
pub struct Digits {
    text: [u8; 20],
    from: usize,
}

impl Digits {
    /// Digits of `v`.
    pub fn new(mut v: u64) -> Digits {
        let mut d = Digits { text: [0; 20], from: 20 };
        loop {
            d.from -= 1;
            d.text[d.from] = b'0' + (v % 10) as u8;
            v /= 10;
            if v == 0 {
                return d;
            }
        }
    }

    /// The digits.
    pub fn bytes(&self) -> &[u8] {
        &self.text[self.from..]
    }
}

/// One line of at most 320 bytes, written with a single call.
pub struct Line {
    text: [u8; 320],
    len: usize,
}

impl Line {
    /// Writes formatted text to a descriptor.
    pub fn write(fd: i32, text: core::fmt::Arguments<'_>) -> Result<(), i32> {
        let mut l = Line { text: [0; 320], len: 0 };
        let _ = core::fmt::write(&mut l, text); // a longer line is cut
        // SAFETY: `len` bytes of the buffer.
        unsafe { write_all(fd, [(l.text.as_ptr(), l.len), (l.text.as_ptr(), 0), (l.text.as_ptr(), 0)]) }
    }
}

impl core::fmt::Write for Line {
    fn write_str(&mut self, s: &str) -> core::fmt::Result {
        let n = s.len().min(self.text.len() - self.len);
        self.text[self.len..self.len + n].copy_from_slice(&s.as_bytes()[..n]);
        self.len += n;
        if n == s.len() { Ok(()) } else { Err(core::fmt::Error) }
    }
}
