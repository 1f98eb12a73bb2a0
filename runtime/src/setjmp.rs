//! setjmp and longjmp without pointer mangling, so that all bytes of a `jmp_buf` are the same at
//! record and replay: eight registers, `mask saved` (i32 at 64), the signal mask (at 72), zeros.

use crate::hooks::{mark, val};
use crate::mem;
use crate::mode::{RECORD, REPLAY, ctl, mode, site};
use crate::{signal, sys};
use core::arch::naked_asm;

/// `_setjmp`, `setjmp`.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_setjmp(buf: *mut u8) -> i32 {
    naked_asm!(".cfi_startproc", "xor esi, esi", "jmp {}", ".cfi_endproc", sym __itarget_sigsetjmp)
}

/// `sigsetjmp`.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_sigsetjmp(buf: *mut u8, save_mask: i32) -> i32 {
    naked_asm!(
        ".cfi_startproc",
        "mov [rdi], rbx",
        "mov [rdi + 8], rbp",
        "mov [rdi + 16], r12",
        "mov [rdi + 24], r13",
        "mov [rdi + 32], r14",
        "mov [rdi + 40], r15",
        "lea rdx, [rsp + 8]",
        "mov [rdi + 48], rdx",
        "mov rdx, [rsp]",
        "mov [rdi + 56], rdx",
        "pxor xmm0, xmm0",
        "movups [rdi + 64], xmm0",
        "movups [rdi + 80], xmm0",
        "movups [rdi + 96], xmm0",
        "movups [rdi + 112], xmm0",
        "movups [rdi + 128], xmm0",
        "movups [rdi + 144], xmm0",
        "movups [rdi + 160], xmm0",
        "movups [rdi + 176], xmm0",
        "movups [rdi + 184], xmm0",
        "test esi, esi",
        "jz 2f",
        "push rdi",
        ".cfi_adjust_cfa_offset 8",
        "call {mask}",
        "pop rdi",
        ".cfi_adjust_cfa_offset -8",
        "mov dword ptr [rdi + 64], 1",
        "mov [rdi + 72], rax",
        "2:",
        "xor eax, eax",
        "ret",
        ".cfi_endproc",
        mask = sym mask,
    )
}

/// The signal mask, logged.
extern "C" fn mask() -> u64 {
    let logged = matches!(mode(), RECORD | REPLAY);
    if logged {
        mark(site::SIGSETJMP);
    }
    let now = if mode() == REPLAY { 0 } else { sys::sigmask_now() };
    val(now as i64) as u64
}

/// What has to be put right before the jump.
extern "C" fn prepare(buf: u64) {
    ctl().in_env.set(0);
    signal::left_by_jump();
    if mem::load::<i32>(buf + 64) != 0 && mode() != REPLAY {
        sys::sigmask(libc::SIG_SETMASK, mem::load(buf + 72));
    }
}

/// `longjmp`, `siglongjmp`.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_longjmp(buf: *mut u8, value: i32) -> ! {
    naked_asm!(
        ".cfi_startproc",
        "push rbx",
        ".cfi_adjust_cfa_offset 8",
        "push r12",
        ".cfi_adjust_cfa_offset 8",
        "sub rsp, 8",
        ".cfi_adjust_cfa_offset 8",
        "mov rbx, rdi",
        "mov r12d, esi",
        "call {prepare}",
        "mov eax, r12d",
        "cmp eax, 1",
        "adc eax, 0", // 0 becomes 1
        "mov rdi, rbx",
        "mov rbx, [rdi]",
        "mov rbp, [rdi + 8]",
        "mov r12, [rdi + 16]",
        "mov r13, [rdi + 24]",
        "mov r14, [rdi + 32]",
        "mov r15, [rdi + 40]",
        "mov rsp, [rdi + 48]",
        "jmp qword ptr [rdi + 56]",
        ".cfi_endproc",
        prepare = sym prepare,
    )
}
