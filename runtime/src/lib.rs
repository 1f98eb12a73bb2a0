//! The runtime linked into instrumented programs: plain, record, replay and profile in one.
//!
//! Invariant of absence: no std, no allocation through libc, no libc stdio for our own work, no
//! lock. Hooks are declared in `itarget_abi::hooks`; state in [`state`].
#![cfg_attr(not(test), no_std)]
#![allow(static_mut_refs)]

#[cfg(test)]
extern crate std;

mod across;
mod alloc;
mod check;
mod crc;
mod crossing;
mod digest;
mod environ;
mod exit;
mod fault;
mod hooks;
mod interpose;
mod libc_like;
mod locale;
mod log;
mod mapping;
mod pool;
mod process;
mod processor;
mod profile;
mod replay;
mod sandbox;
mod setjmp;
mod shadow;
mod show;
mod signal;
mod sites;
mod stage;
mod start;
mod state;
mod sync;
mod sys;
mod terminal;
mod thread;
mod variables;
mod view;
mod word;

#[cfg(not(test))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    sys::say(&[b"IT0999 bug in the runtime; please report it with the trace directory"]);
    sys::exit_now(itarget_abi::exit::BUG)
}

// Precompiled `core` refers to the personality of unwinding, which panic=abort never runs. Weak:
// a program with Rust code of its own brings the real one.
#[cfg(not(test))]
core::arch::global_asm!(
    ".weak rust_eh_personality",
    ".pushsection .text.rust_eh_personality,\"ax\"",
    "rust_eh_personality: ud2",
    ".popsection"
);
