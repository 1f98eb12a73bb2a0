//! setjmp and longjmp without glibc's pointer mangling (whose key differs between runs), so that
//! a jmp_buf has the same bytes at replay. Layout: rbx rbp r12 r13 r14 r15 rsp rip, then at byte
//! 64 whether the mask was saved and at byte 72 the mask.

use crate::state::ctl;
use core::ffi::c_int;

/// setjmp.
///
/// # Safety
/// As setjmp; `buf` is a jmp_buf.
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub unsafe extern "C" fn __itarget_setjmp(buf: *mut u64) -> c_int {
    core::arch::naked_asm!("xor esi, esi", "jmp {save}", save = sym __itarget_sigsetjmp)
}

/// sigsetjmp.
///
/// # Safety
/// As sigsetjmp; `buf` is a jmp_buf.
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub unsafe extern "C" fn __itarget_sigsetjmp(buf: *mut u64, savemask: c_int) -> c_int {
    core::arch::naked_asm!(
        "mov [rdi], rbx",
        "mov [rdi + 8], rbp",
        "mov [rdi + 16], r12",
        "mov [rdi + 24], r13",
        "mov [rdi + 32], r14",
        "mov [rdi + 40], r15",
        "lea rax, [rsp + 8]",
        "mov [rdi + 48], rax",
        "mov rax, [rsp]",
        "mov [rdi + 56], rax",
        "mov qword ptr [rdi + 64], 0",
        "mov qword ptr [rdi + 72], 0",
        "test esi, esi",
        "jz 2f",
        "jmp {mask}",
        "2: xor eax, eax",
        "ret",
        mask = sym save_mask
    )
}

/// Saves the signal mask; returns 0 to the caller of sigsetjmp.
unsafe extern "C" fn save_mask(buf: *mut u64) -> c_int {
    let mut mask = 0u64;
    // The mask is the kernel's, so it is environment data: kept out of the buffer's value by
    // logging it like any other result.
    let run = crate::hooks::__itarget_enter(crate::exit::site::MASK);
    if run != 0 {
        // SAFETY: a local of 8 bytes.
        unsafe { crate::sys::sys!(libc::SYS_rt_sigprocmask, 0u64, 0u64, &raw mut mask, 8u64) };
    }
    crate::hooks::__itarget_leave();
    mask = crate::hooks::__itarget_val(mask as i64) as u64;
    // SAFETY: a jmp_buf has room for 25 words.
    unsafe {
        *buf.add(8) = 1;
        *buf.add(9) = mask;
    }
    0
}

/// longjmp and siglongjmp.
///
/// # Safety
/// As longjmp.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_longjmp(buf: *const u64, value: c_int) -> ! {
    ctl().in_env = 0;
    // SAFETY: a buffer filled by sigsetjmp above.
    unsafe {
        if *buf.add(8) != 0 && !crate::state::replaying() {
            crate::sys::sys!(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, buf.add(9), 0u64, 8u64);
        }
        jump(buf, if value == 0 { 1 } else { value })
    }
}

#[unsafe(naked)]
unsafe extern "C" fn jump(buf: *const u64, value: c_int) -> ! {
    core::arch::naked_asm!(
        "mov eax, esi",
        "mov rbx, [rdi]",
        "mov rbp, [rdi + 8]",
        "mov r12, [rdi + 16]",
        "mov r13, [rdi + 24]",
        "mov r14, [rdi + 32]",
        "mov r15, [rdi + 40]",
        "mov rsp, [rdi + 48]",
        "jmp [rdi + 56]"
    )
}
