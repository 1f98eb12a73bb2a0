//! Upcalls: the environment calls a function of the program during an environment call.

use crate::hooks::varint;
use crate::replay;
use crate::state::{ctl, recording, replaying};
use core::ffi::c_int;

core::arch::global_asm!(
    ".weak __itarget_upcall_table",
    ".pushsection .data.rel.ro.itarget_upcalls_address,\"aw\"",
    ".p2align 3",
    ".hidden itarget_upcalls_address",
    ".globl itarget_upcalls_address",
    "itarget_upcalls_address: .quad __itarget_upcall_table",
    ".popsection"
);

unsafe extern "C" {
    static itarget_upcalls_address: *const u64;
}

/// A function was entered: from the environment if `in_env` (then its id and stack pointer are
/// logged; the thunk logs the arguments). Returns the state for `leave`.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_upcall_enter(function: c_int, sp: u64) -> c_int {
    if !recording() || ctl().in_env == 0 {
        return 0;
    }
    varint(function as u64 + 1);
    varint(sp);
    ctl().in_env = 0;
    1
}

/// The function returns to where it came from.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_upcall_leave(state: c_int) {
    if state != 0 && recording() {
        ctl().in_env = 1;
    }
}

/// After an environment call that may call back: ends the list of upcalls (record), or makes
/// the recorded ones (replay).
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_upcalls(_site: c_int) {
    if recording() {
        varint(0);
        return;
    }
    while replaying() {
        let id = varint(0);
        if id == 0 {
            return;
        }
        let sp = varint(0);
        // SAFETY: the table of the pass: count, then functions of at most six words.
        unsafe {
            let table = itarget_upcalls_address;
            if table.is_null() || id > *table {
                replay::diverged(b"an upcall to a function that does not exist", id, 0);
            }
            let f = *table.add(2 * id as usize - 1);
            let n = *table.add(2 * id as usize);
            let mut args = [0u64; 6];
            for a in args.iter_mut().take(n as usize) {
                *a = varint(0);
            }
            // The thunk's frame pointer: its return address and saved register lie above it.
            call_at((sp - 128) & !15, f, args.as_ptr());
        }
    }
}

/// Calls `f` with six words on the recorded stack pointer.
#[unsafe(naked)]
unsafe extern "C" fn call_at(sp: u64, f: u64, args: *const u64) {
    core::arch::naked_asm!(
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
        ".cfi_endproc"
    )
}
