//! Calls from the environment into the program.

use crate::hooks::{boundary, leave, val};
use crate::mode::{PLAIN, PROFILE, RECORD, REPLAY, ctl, mode};
use crate::{log, mem, replay, stack, tables};
use core::arch::naked_asm;

/// Site id of the boundary after an upcall.
const AFTER: u32 = 0xffff_0010;

/// A thunk was entered while the environment runs: at record the call is logged.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_upcall_enter(function: i32, sp: *mut u8) -> i32 {
    if mode() != RECORD || ctl().in_env.get() == 0 {
        return 0;
    }
    leave();
    log::varint(function as u32 as u64 + 1);
    log::word(sp as u64, 8);
    1
}

/// The function returns to the environment. The boundary makes later asynchronous events
/// distinct from those before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_upcall_leave(state: i32) {
    if state != 0 && mode() == RECORD {
        boundary(AFTER);
        ctl().in_env.set(1);
    }
}

/// Memory for the runtime's own frames while it makes upcalls: the program's stack below the
/// caller belongs to the functions called.
static PRIVATE: mem::Buffer<65536> = mem::Buffer::new();

/// After an environment call during which upcalls may have been made. At replay the loop runs on
/// a stack of its own, so that nothing of ours lies where the recorded frames go.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_upcalls(site: i32) {
    naked_asm!(
        ".cfi_startproc",
        "push rbp",
        ".cfi_def_cfa_offset 16",
        ".cfi_offset rbp, -16",
        "mov rbp, rsp",
        ".cfi_def_cfa_register rbp",
        "sub rsp, 16",
        "call {prepare}", // 0, or the stack to run on
        "test rax, rax",
        "jz 2f",
        // Keep what the recorded frames may overwrite: our saved rbp and the old stack pointer.
        "mov rcx, [rbp]",
        "lea rdx, [rbp + 8]",
        "mov [rax], rcx",
        "mov [rax + 8], rdx",
        "mov rcx, [rdx]", // return address
        "mov [rax + 16], rcx",
        "mov rsp, rax",
        "mov rbp, rax",
        ".cfi_escape 0x0f, 0x05, 0x76, 0x08, 0x06, 0x23, 0x08", // CFA = *(rbp + 8) + 8
        "call {run}",
        "mov rsp, [rbp + 8]",
        "mov rbp, [rbp]",
        ".cfi_def_cfa rsp, 8",
        "ret",
        ".cfi_def_cfa rbp, 16",
        "2:",
        "mov rsp, rbp",
        "pop rbp",
        ".cfi_def_cfa rsp, 8",
        "ret",
        ".cfi_endproc",
        prepare = sym prepare,
        run = sym run,
    )
}

/// How much of [`PRIVATE`] nested loops use.
const STEP: u64 = 8192;
static DEPTH: mem::Global<core::cell::Cell<u64>> = mem::Global(core::cell::Cell::new(0));

extern "C" fn prepare() -> u64 {
    match mode() {
        RECORD => {
            log::varint(0);
            0
        }
        REPLAY => {
            let depth = DEPTH.get();
            if (depth + 1) * STEP > 65536 {
                replay::diverged("depth of upcalls", 65536 / STEP, depth);
            }
            DEPTH.set(depth + 1);
            PRIVATE.addr() + 65536 - depth * STEP - 64
        }
        PLAIN | PROFILE => 0,
        _ => 0,
    }
}

extern "C" fn run() {
    loop {
        let id = replay::varint();
        if id == 0 {
            DEPTH.set(DEPTH.get() - 1);
            return;
        }
        let sp = replay::word(8);
        let table = tables::upcalls();
        if id > table.len() {
            replay::diverged("number of an upcall", table.len(), id);
        }
        let [f, words]: [u64; 2] = table.get(id - 1);
        let mut args = [0u64; 6];
        for a in args.iter_mut().take(words as usize) {
            *a = val(0) as u64;
        }
        // `sp` is the frame address of the thunk; the function itself was called from below it.
        // SAFETY: recorded stack pointer inside the program's stack, function of the table.
        unsafe { stack::call6((sp - 64) & !15, f, args.as_ptr()) };
        boundary(AFTER);
    }
}
