//! Replay touches nothing outside: a seccomp filter that the kernel enforces.

use crate::state::{ctl, st};
use crate::sys::{self, Digits, say};
use core::ffi::{c_int, c_void};

#[repr(C)]
#[derive(Clone, Copy)]
struct Insn {
    code: u16,
    jt: u8,
    jf: u8,
    k: u32,
}

const LOAD: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS
const EQUAL: u16 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const RETURN: u16 = 0x06; // BPF_RET | BPF_K
const SET: u16 = 0x45; // BPF_JMP | BPF_JSET | BPF_K
const ALLOW: u32 = 0x7fff_0000;
const TRAP: u32 = 0x0003_0000;
const ERRNO: u32 = 0x0005_0000;

/// Calls about this process's own memory, signals and end.
const FREE: [i64; 23] = [
    libc::SYS_exit, libc::SYS_exit_group, libc::SYS_mmap, libc::SYS_munmap, libc::SYS_mprotect,
    libc::SYS_madvise, libc::SYS_mremap, libc::SYS_brk, libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask, libc::SYS_rt_sigreturn, libc::SYS_sigaltstack, libc::SYS_futex,
    libc::SYS_getpid, libc::SYS_gettid, libc::SYS_tgkill, libc::SYS_restart_syscall,
    libc::SYS_getrandom, libc::SYS_lseek, libc::SYS_set_robust_list, libc::SYS_rseq, libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
];
/// Calls allowed on stdout, stderr and the status descriptor: output and what stdio asks about it.
const OUTPUT: [i64; 5] = [libc::SYS_write, libc::SYS_writev, libc::SYS_fstat, libc::SYS_newfstatat, libc::SYS_ioctl];

/// Installs the filter; without support in the kernel the replay goes on with a note.
pub fn install() {
    let mut code = [Insn { code: RETURN, jt: 0, jf: 0, k: TRAP }; 160];
    let mut n = 0;
    let mut push = |i: Insn| {
        code[n] = i;
        n += 1;
    };
    push(Insn { code: LOAD, jt: 0, jf: 0, k: 0 });
    for s in FREE {
        push(Insn { code: EQUAL, jt: 0, jf: 1, k: s as u32 });
        push(Insn { code: RETURN, jt: 0, jf: 0, k: ALLOW });
    }
    // Threads of this process may be started. The arguments of clone3 can't be looked at: libc goes back to clone.
    push(Insn { code: EQUAL, jt: 0, jf: 1, k: libc::SYS_clone3 as u32 });
    push(Insn { code: RETURN, jt: 0, jf: 0, k: ERRNO | libc::ENOSYS as u32 });
    push(Insn { code: EQUAL, jt: 0, jf: 4, k: libc::SYS_clone as u32 });
    push(Insn { code: LOAD, jt: 0, jf: 0, k: 16 });
    push(Insn { code: SET, jt: 1, jf: 0, k: libc::CLONE_THREAD as u32 });
    push(Insn { code: RETURN, jt: 0, jf: 0, k: TRAP });
    push(Insn { code: RETURN, jt: 0, jf: 0, k: ALLOW });
    // `perror` prints on a copy of stderr, or, if there can be none, on stderr.
    push(Insn { code: EQUAL, jt: 0, jf: 4, k: libc::SYS_dup as u32 });
    push(Insn { code: LOAD, jt: 0, jf: 0, k: 16 });
    push(Insn { code: EQUAL, jt: 0, jf: 1, k: 2 });
    push(Insn { code: RETURN, jt: 0, jf: 0, k: ERRNO | libc::EMFILE as u32 });
    push(Insn { code: RETURN, jt: 0, jf: 0, k: TRAP });
    let kept = crate::show::kept().map(|fd| fd as u32);
    // stdout and stderr are made to lead to each other, as they were, and back.
    push(Insn { code: EQUAL, jt: 0, jf: 5, k: libc::SYS_dup2 as u32 });
    push(Insn { code: LOAD, jt: 0, jf: 0, k: 16 });
    push(Insn { code: EQUAL, jt: 2, jf: 0, k: kept[0] });
    push(Insn { code: EQUAL, jt: 1, jf: 0, k: kept[1] });
    push(Insn { code: RETURN, jt: 0, jf: 0, k: TRAP });
    push(Insn { code: RETURN, jt: 0, jf: 0, k: ALLOW });
    for s in OUTPUT {
        // If it is this call: look at the descriptor.
        push(Insn { code: EQUAL, jt: 0, jf: 8, k: s as u32 });
        push(Insn { code: LOAD, jt: 0, jf: 0, k: 16 });
        push(Insn { code: EQUAL, jt: 5, jf: 0, k: 1 });
        push(Insn { code: EQUAL, jt: 4, jf: 0, k: 2 });
        push(Insn { code: EQUAL, jt: 3, jf: 0, k: kept[0] });
        push(Insn { code: EQUAL, jt: 2, jf: 0, k: kept[1] });
        push(Insn { code: EQUAL, jt: 1, jf: 0, k: st().status_fd as u32 });
        push(Insn { code: RETURN, jt: 0, jf: 0, k: TRAP });
        push(Insn { code: RETURN, jt: 0, jf: 0, k: ALLOW });
    }
    push(Insn { code: RETURN, jt: 0, jf: 0, k: TRAP });
    #[repr(C)]
    struct Program {
        len: u16,
        code: *const Insn,
    }
    let program = Program { len: n as u16, code: code.as_ptr() };
    // SAFETY: structures as the kernel wants them; `trapped` is async-signal-safe.
    unsafe {
        let mut a: libc::sigaction = core::mem::zeroed();
        a.sa_sigaction = trapped as *const () as usize;
        a.sa_flags = libc::SA_SIGINFO;
        libc::sigaction(libc::SIGSYS, &raw const a, core::ptr::null_mut());
        let ok = sys::sys!(libc::SYS_prctl, libc::PR_SET_NO_NEW_PRIVS, 1u64, 0u64, 0u64, 0u64) == 0
            && sys::sys!(libc::SYS_prctl, libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) == 0;
        if !ok {
            say(&[b"note: no seccomp here; the replay is not sandboxed"]);
        }
    }
}

extern "C" fn trapped(_: c_int, info: *mut libc::siginfo_t, _: *mut c_void) {
    // SAFETY: for SIGSYS the kernel puts the call number at byte 24 of the siginfo.
    let number = unsafe { *info.cast::<u8>().add(24).cast::<i32>() };
    say(&[
        b"IT0621 environment call at replay: system call ",
        Digits::new(number as u64).bytes(),
        b" after event ",
        Digits::new(ctl().boundaries).bytes(),
        b", site ",
        Digits::new(u64::from(ctl().last_site)).bytes(),
    ]);
    crate::replay::status_line("environment_call", itarget_abi::exit::ENVIRONMENT_CALL);
    sys::exit_now(itarget_abi::exit::ENVIRONMENT_CALL)
}
