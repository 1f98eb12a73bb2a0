//! Raw system calls (x86-64 Linux): no errno, no libc, safe inside libc replacements.

use core::arch::asm;

/// Six-argument system call. `Err` is the positive errno.
#[inline]
pub fn call(nr: i64, a: [u64; 6]) -> Result<u64, i32> {
    let r: i64;
    // SAFETY: the kernel checks its arguments; memory it writes belongs to the callers below.
    unsafe {
        asm!("syscall", inlateout("rax") nr => r, in("rdi") a[0], in("rsi") a[1], in("rdx") a[2],
             in("r10") a[3], in("r8") a[4], in("r9") a[5], lateout("rcx") _, lateout("r11") _,
             options(nostack));
    }
    if (-4095..0).contains(&r) { Err(-r as i32) } else { Ok(r as u64) }
}

macro_rules! sys {
    ($nr:expr $(, $a:expr)*) => {{
        let given = [$($a as u64),*];
        let mut all = [0u64; 6];
        all[..given.len()].copy_from_slice(&given);
        call($nr, all)
    }};
}

/// Opens (creates, truncates) a file for reading and writing. `path` ends in NUL.
pub fn create(path: &[u8]) -> Result<i32, i32> {
    let flags = libc::O_RDWR | libc::O_CREAT | libc::O_TRUNC | libc::O_CLOEXEC;
    sys!(libc::SYS_open, path.as_ptr(), flags, 0o644).map(|fd| fd as i32)
}

/// Moves a descriptor out of the numbers a program gets, so that it sees the same ones as plain.
pub fn high_fd(fd: i32) -> i32 {
    let mut limit = [0u64; 2];
    let max = match sys!(libc::SYS_prlimit64, 0, libc::RLIMIT_NOFILE, 0, limit.as_mut_ptr()) {
        Ok(_) => limit[0].min(1 << 16),
        Err(_) => 1024,
    };
    match sys!(libc::SYS_fcntl, fd, libc::F_DUPFD_CLOEXEC, max.saturating_sub(16)) {
        Ok(new) => {
            close(fd);
            new as i32
        }
        Err(_) => fd,
    }
}

/// Closes a descriptor.
pub fn close(fd: i32) {
    let _ = sys!(libc::SYS_close, fd);
}

/// Writes bytes; a short count is possible.
pub fn write(fd: i32, bytes: &[u8]) -> Result<u64, i32> {
    sys!(libc::SYS_write, fd, bytes.as_ptr(), bytes.len())
}

/// Gathering write; a short count is possible.
pub fn writev(fd: i32, iov: &[[u64; 2]]) -> Result<u64, i32> {
    sys!(libc::SYS_writev, fd, iov.as_ptr(), iov.len())
}

/// Size of an open file.
pub fn file_size(fd: i32) -> Result<u64, i32> {
    let at = sys!(libc::SYS_lseek, fd, 0, libc::SEEK_END)?;
    sys!(libc::SYS_lseek, fd, 0, libc::SEEK_SET)?;
    Ok(at)
}

/// Cuts a file off at `len` and seeks there.
pub fn truncate(fd: i32, len: u64) -> Result<(), i32> {
    sys!(libc::SYS_ftruncate, fd, len)?;
    sys!(libc::SYS_lseek, fd, len, libc::SEEK_SET).map(|_| ())
}

/// Makes sure that a file has `len` bytes of disk space behind it.
pub fn reserve(fd: i32, len: u64) -> Result<(), i32> {
    match sys!(libc::SYS_fallocate, fd, 0, 0, len) {
        Err(libc::EOPNOTSUPP) | Err(libc::ENOSYS) => {
            let zeros = [0u8; 4096];
            let mut done = 0;
            while done < len {
                let n = (len - done).min(4096) as usize;
                done += write(fd, &zeros[..n])?;
            }
            Ok(())
        }
        r => r.map(|_| ()),
    }
}

/// Maps memory; `addr` 0 lets the kernel choose.
pub fn mmap(addr: u64, len: u64, prot: i32, flags: i32, fd: i32) -> Result<u64, i32> {
    sys!(libc::SYS_mmap, addr, len, prot, flags, fd as i64, 0)
}

/// Maps memory of a file from `offset`.
pub fn mmap_at(addr: u64, len: u64, prot: i32, flags: i32, fd: i32, offset: u64) -> Result<u64, i32> {
    sys!(libc::SYS_mmap, addr, len, prot, flags, fd as i64, offset)
}

/// Fresh zeroed memory anywhere that is only backed where touched.
pub fn anonymous(len: u64) -> Result<u64, i32> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    mmap(0, len, libc::PROT_READ | libc::PROT_WRITE, flags, -1)
}

/// Fresh zeroed memory at `addr`, refused if something is there.
pub fn anonymous_at(addr: u64, len: u64) -> Result<(), i32> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED_NOREPLACE;
    let got = mmap(addr, len, libc::PROT_READ | libc::PROT_WRITE, flags, -1)?;
    if got == addr {
        return Ok(());
    }
    // A kernel that does not know the flag takes the address as a hint.
    munmap(got, len);
    Err(libc::EEXIST)
}

/// Unmaps memory.
pub fn munmap(addr: u64, len: u64) {
    let _ = sys!(libc::SYS_munmap, addr, len);
}

/// Gives pages back; they read as zero afterwards.
pub fn forget(addr: u64, len: u64) -> bool {
    sys!(libc::SYS_madvise, addr, len, libc::MADV_DONTNEED).is_ok()
}

/// Ends the process now.
pub fn exit_group(status: i32) -> ! {
    loop {
        let _ = sys!(libc::SYS_exit_group, status);
    }
}

/// Current break.
pub fn brk() -> u64 {
    sys!(libc::SYS_brk, 0).unwrap_or(0)
}

/// Soft limit of a resource.
pub fn rlimit(resource: u32) -> Option<u64> {
    let mut limit = [0u64; 2];
    sys!(libc::SYS_prlimit64, 0, resource, 0, limit.as_mut_ptr()).ok().map(|_| limit[0])
}

/// Changes the signal mask (64 signals) and returns the old one. `how`: `SIG_BLOCK`, ...
pub fn sigmask(how: i32, set: u64) -> u64 {
    let (set, mut old) = (set, 0u64);
    let _ = sys!(libc::SYS_rt_sigprocmask, how, &raw const set, &raw mut old, 8);
    old
}

/// The signal mask.
pub fn sigmask_now() -> u64 {
    let mut old = 0u64;
    let _ = sys!(libc::SYS_rt_sigprocmask, 0, 0, &raw mut old, 8);
    old
}

/// Takes one pending signal of `set` away, if there is one.
pub fn consume_signal(set: u64) {
    let zero = [0u64; 2];
    let _ = sys!(libc::SYS_rt_sigtimedwait, &raw const set, 0, zero.as_ptr(), 8);
}

/// Sends a signal to this very thread.
pub fn raise(signal: i32) {
    let (Ok(pid), Ok(tid)) = (sys!(libc::SYS_getpid, 0), sys!(libc::SYS_gettid, 0)) else { return };
    let _ = sys!(libc::SYS_tgkill, pid, tid, signal);
}

/// Process id.
pub fn getpid() -> u32 {
    sys!(libc::SYS_getpid, 0).unwrap_or(0) as u32
}

/// `prctl(PR_SET_NO_NEW_PRIVS)` and a seccomp filter at `program` (`struct sock_fprog`).
pub fn seccomp(program: u64) -> Result<(), i32> {
    sys!(libc::SYS_prctl, libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)?;
    sys!(libc::SYS_prctl, libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, program).map(|_| ())
}
