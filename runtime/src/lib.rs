//! The runtime that is linked into instrumented programs (`libitarget_rt.a`).
//!
//! Plain mode costs next to nothing; record appends what the plan's sites log to a ring and a log;
//! replay takes it from a mapped stream and calls nothing outside. See `itarget_abi::hooks` for
//! the protocol.
//!
//! Invariant of absence: no `std`, no allocation through libc, no libc stdio of our own.
#![cfg_attr(not(test), no_std)]

mod digest;
mod environment;
mod exit;
mod hooks;
mod libc_like;
mod locale;
mod log;
mod mem;
mod mode;
mod pool;
mod process;
mod profile;
mod replay;
mod report;
mod sandbox;
mod scan;
mod setjmp;
mod signal;
mod stack;
mod start;
mod sys;
mod tables;
mod upcall;

/// A bug of ours: say where, and end.
#[cfg(not(test))]
#[panic_handler]
fn panic(info: &core::panic::PanicInfo) -> ! {
    report::message(format_args!("bug in the runtime: {info}"));
    sys::exit_group(itarget_abi::exit::BUG)
}

// Precompiled `core` refers to the personality routine of unwinding, which panic=abort never runs.
// Weak: a program with Rust code of its own brings the real one.
#[cfg(not(test))]
core::arch::global_asm!(
    ".weak rust_eh_personality",
    ".pushsection .text.rust_eh_personality,\"ax\"",
    "rust_eh_personality: ud2",
    ".popsection"
);
