//! The program's main stack at its fixed address, and calls on a chosen stack.

use crate::mem;
use crate::sys;
use core::arch::naked_asm;
use itarget_abi::layout::{STACK_BASE, STACK_MAX};

/// One past the highest byte of the stack.
pub const TOP: u64 = STACK_BASE + STACK_MAX;

/// Maps `bytes` of stack below [`TOP`]; the page below stays unmapped and so stops an overflow.
///
/// # Errors
/// errno.
pub fn map(bytes: u64) -> Result<(), i32> {
    sys::anonymous_at(TOP - bytes + 4096, bytes - 4096)
}

/// Arguments and environment at the top of the stack.
pub struct Frame {
    pub argv: u64,
    pub envp: u64,
    pub sp: u64,
}

/// Copies strings to the top of the stack and lays the pointer arrays below them: the addresses
/// depend only on the strings. `next(i)` gives string `i` of `argc + envc`.
pub fn frame(argc: u64, envc: u64, next: impl Fn(u64) -> &'static [u8]) -> Frame {
    let total: u64 = (0..argc + envc).map(|i| next(i).len() as u64 + 1).sum();
    let strings = (TOP - 64 - total) & !63;
    let argv = (strings - 8 * (argc + envc + 2)) & !63;
    let envp = argv + 8 * (argc + 1);
    let mut at = strings;
    for i in 0..argc + envc {
        let s = next(i);
        mem::copy(at, s.as_ptr() as u64, s.len());
        let slot = if i < argc { argv + 8 * i } else { envp + 8 * (i - argc) };
        mem::store(slot, at);
        at += s.len() as u64 + 1;
    }
    Frame { argv, envp, sp: argv - 64 }
}

/// Calls `f(a, b, c)` with the stack pointer at `sp` (16-byte aligned) and returns its result.
#[unsafe(naked)]
pub unsafe extern "C" fn call3(sp: u64, f: u64, a: u64, b: u64, c: u64) -> u64 {
    naked_asm!(
        ".cfi_startproc",
        "push rbp",
        ".cfi_def_cfa_offset 16",
        ".cfi_offset rbp, -16",
        "mov rbp, rsp",
        ".cfi_def_cfa_register rbp",
        "mov rsp, rdi",
        "mov rax, rsi",
        "mov rdi, rdx",
        "mov rsi, rcx",
        "mov rdx, r8",
        "call rax",
        "mov rsp, rbp",
        "pop rbp",
        ".cfi_def_cfa rsp, 8",
        "ret",
        ".cfi_endproc",
    )
}

/// As [`call3`] for the program itself, which never comes back here: registers hold nothing that
/// differs between runs, except that the frame pointer leads to the caller for backtraces.
#[unsafe(naked)]
pub unsafe extern "C" fn start(sp: u64, f: u64, a: u64, b: u64, c: u64) -> u64 {
    naked_asm!(
        ".cfi_startproc",
        "push rbp",
        ".cfi_def_cfa_offset 16",
        ".cfi_offset rbp, -16",
        "mov rbp, rsp",
        ".cfi_def_cfa_register rbp",
        "push rbx",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "mov rsp, rdi",
        "mov rax, rsi",
        "mov rdi, rdx",
        "mov rsi, rcx",
        "mov rdx, r8",
        "xor ebx, ebx",
        "xor r12d, r12d",
        "xor r13d, r13d",
        "xor r14d, r14d",
        "xor r15d, r15d",
        "call rax",
        "lea rsp, [rbp - 40]",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbx",
        "pop rbp",
        ".cfi_def_cfa rsp, 8",
        "ret",
        ".cfi_endproc",
    )
}

/// Calls `f` with six integer arguments at `args` and the stack pointer at `sp`.
#[unsafe(naked)]
pub unsafe extern "C" fn call6(sp: u64, f: u64, args: *const u64) -> u64 {
    naked_asm!(
        ".cfi_startproc",
        "push rbp",
        ".cfi_def_cfa_offset 16",
        ".cfi_offset rbp, -16",
        "mov rbp, rsp",
        ".cfi_def_cfa_register rbp",
        "mov rsp, rdi",
        "mov rax, rsi",
        "mov r10, rdx",
        "mov rdi, [r10]",
        "mov rsi, [r10 + 8]",
        "mov rdx, [r10 + 16]",
        "mov rcx, [r10 + 24]",
        "mov r8, [r10 + 32]",
        "mov r9, [r10 + 40]",
        "call rax",
        "mov rsp, rbp",
        "pop rbp",
        ".cfi_def_cfa rsp, 8",
        "ret",
        ".cfi_endproc",
    )
}
