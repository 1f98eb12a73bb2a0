//! The seccomp filter of a replay: what is not needed to show output and to use memory is a bug
//! of ours or a hole in the plan, and is reported instead of done.

use crate::mode::OPTIONS;
use crate::{mem, report, sys};
use itarget_abi::exit::ENVIRONMENT_CALL;

const LD: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS
const JEQ: u16 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const RET: u16 = 0x06; // BPF_RET | BPF_K
const ALLOW: u32 = 0x7fff_0000;
const TRAP: u32 = 0x0003_0000;
const ARCH: u32 = 0xc000_003e;

#[repr(C)]
#[derive(Clone, Copy)]
struct Step {
    code: u16,
    yes: u8,
    no: u8,
    k: u32,
}

struct Program {
    steps: [Step; 128],
    len: usize,
}

impl Program {
    fn add(&mut self, code: u16, yes: u8, no: u8, k: u32) {
        if let Some(s) = self.steps.get_mut(self.len) {
            *s = Step { code, yes, no, k };
            self.len += 1;
        }
    }
    /// Call `nr` is allowed.
    fn allow(&mut self, nr: i64) {
        self.add(JEQ, 0, 1, nr as u32);
        self.add(RET, 0, 0, ALLOW);
    }
    /// Call `nr` is allowed when argument `arg` is one of `values`.
    fn allow_if(&mut self, nr: i64, arg: u32, values: &[u32]) {
        let n = values.len() as u8;
        self.add(JEQ, 0, n + 3, nr as u32);
        self.add(LD, 0, 0, 16 + 8 * arg);
        for (i, v) in values.iter().enumerate() {
            self.add(JEQ, n - i as u8, 0, *v);
        }
        self.add(RET, 0, 0, TRAP);
        self.add(RET, 0, 0, ALLOW);
    }
}

extern "C" fn trapped(_: i32, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // siginfo of SIGSYS: call address 16, syscall number 24.
    let nr: i32 = mem::load(info as u64 + 24);
    let last = crate::mode::ctl().last_site.get();
    report::message(format_args!("IT0621 environment call at replay: syscall {nr}; last site {last}"));
    report::stop("environment_call", ENVIRONMENT_CALL)
}

/// Installs the filter; where the kernel refuses, the replay goes on without.
pub fn install() {
    let pid = sys::getpid();
    let mut p = Program { steps: [Step { code: 0, yes: 0, no: 0, k: 0 }; 128], len: 0 };
    p.add(LD, 0, 0, 4);
    p.add(JEQ, 1, 0, ARCH);
    p.add(RET, 0, 0, TRAP);
    p.add(LD, 0, 0, 0);
    let status = OPTIONS.status_fd.get();
    let shown = [1, 2, if status >= 0 { status as u32 } else { 2 }];
    p.allow_if(libc::SYS_write, 0, &shown);
    p.allow_if(libc::SYS_writev, 0, &shown);
    for nr in [
        libc::SYS_exit,
        libc::SYS_exit_group,
        libc::SYS_mmap,
        libc::SYS_munmap,
        libc::SYS_mprotect,
        libc::SYS_madvise,
        libc::SYS_mremap,
        libc::SYS_brk,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        libc::SYS_futex,
        libc::SYS_getpid,
        libc::SYS_gettid,
    ] {
        p.allow(nr);
    }
    p.allow_if(libc::SYS_kill, 0, &[pid]);
    p.allow_if(libc::SYS_tgkill, 0, &[pid]);
    p.allow_if(libc::SYS_fstat, 0, &[1, 2]);
    p.allow_if(libc::SYS_newfstatat, 0, &[1, 2]);
    p.allow_if(libc::SYS_ioctl, 1, &[libc::TCGETS as u32]);
    p.allow_if(libc::SYS_lseek, 0, &[1, 2]);
    p.add(RET, 0, 0, TRAP);

    let mut act = [0u64; 19];
    act[0] = trapped as *const () as u64;
    act[17] = libc::SA_SIGINFO as u64;
    // SAFETY: `act` has the layout of `struct sigaction`.
    unsafe { libc::sigaction(libc::SIGSYS, act.as_ptr().cast(), core::ptr::null_mut()) };
    let fprog = [p.len as u64, p.steps.as_ptr() as u64];
    if let Err(e) = sys::seccomp(fprog.as_ptr() as u64) {
        report::message(format_args!("note: no seccomp filter (errno {e}); environment calls would not be noticed"));
    }
}
