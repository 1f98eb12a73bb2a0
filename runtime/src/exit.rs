//! The ways a program ends itself.

use crate::mem::Global;
use crate::mode::{PROFILE, RECORD, REPLAY, mode};
use crate::{digest, log, profile, replay, report, signal, sys};
use core::cell::Cell;
use itarget_abi::log::end;

unsafe extern "C" {
    fn __cxa_atexit(f: *mut u8, arg: *mut u8, dso: *mut u8) -> i32;
    fn __assert_fail(assertion: *const u8, file: *const u8, line: u32, function: *const u8) -> !;
}

/// Handlers of the program in blocks of our own heap: `[previous block, f, f, ...]`.
const PER_BLOCK: u64 = 63;
struct Handlers {
    block: Cell<u64>,
    count: Cell<u64>,
}
static HANDLERS: Global<Handlers> = Global(Handlers { block: Cell::new(0), count: Cell::new(0) });

/// `atexit`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_atexit(f: *mut u8) -> i32 {
    if mode() == crate::mode::PLAIN && HANDLERS.block.get() == 0 {
        // SAFETY: `f` takes no argument; an extra one does no harm in this calling convention.
        return unsafe { __cxa_atexit(f, core::ptr::null_mut(), core::ptr::null_mut()) };
    }
    let h = &HANDLERS;
    if h.block.get() == 0 || h.count.get() == PER_BLOCK {
        let Ok(new) = sys::anonymous(4096) else { return -1 };
        crate::mem::store(new, h.block.get());
        h.block.set(new);
        h.count.set(0);
    }
    h.count.set(h.count.get() + 1);
    crate::mem::store(h.block.get() + 8 * h.count.get(), f as u64);
    0
}

/// Runs the handlers, last registered first; also those that handlers register.
fn run_handlers() {
    let h = &HANDLERS;
    while h.block.get() != 0 {
        if h.count.get() == 0 {
            h.block.set(crate::mem::load(h.block.get()));
            h.count.set(PER_BLOCK);
            continue;
        }
        let f: u64 = crate::mem::load(h.block.get() + 8 * h.count.get());
        h.count.set(h.count.get() - 1);
        // SAFETY: the program registered a `void (*)(void)`.
        let f: extern "C" fn() = unsafe { core::mem::transmute(f) };
        f();
    }
}

/// The program has ended by `reason`: what all ways have in common. At replay this never returns
/// unless the program is to end by a signal.
fn ended(reason: u32, status: i32) {
    match mode() {
        RECORD => {
            digest::take();
            if mode() == RECORD {
                log::finish(reason, status, true);
            }
        }
        REPLAY => {
            digest::take();
            replay::must_be_done(reason);
            let name = match reason {
                end::EXIT => "exit",
                end::IMMEDIATE_EXIT => "immediate_exit",
                end::ASSERT => "assert",
                _ => "abort",
            };
            if reason == end::EXIT {
                // SAFETY: flushes libc's streams: output that was shown again.
                unsafe { libc::fflush(core::ptr::null_mut()) };
            }
            report::status(name, status);
            if reason == end::EXIT || reason == end::IMMEDIATE_EXIT {
                sys::exit_group(status)
            }
        }
        PROFILE => {
            profile::write();
            crate::mode::set_mode(crate::mode::PLAIN);
        }
        _ => {}
    }
}

/// See [`__itarget_exit`].
pub fn exit(status: i32) -> ! {
    run_handlers();
    ended(end::EXIT, status);
    // SAFETY: the program's own exit.
    unsafe { libc::exit(status) }
}

/// `exit`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_exit(status: i32) -> ! {
    exit(status)
}

/// `_exit`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget__exit(status: i32) -> ! {
    ended(end::IMMEDIATE_EXIT, status);
    sys::exit_group(status)
}

/// `abort`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_abort() -> ! {
    signal::before_abort();
    let replayed = mode() == REPLAY;
    ended(end::ABORT, 134);
    signal::reset(libc::SIGABRT);
    if replayed {
        sys::sigmask(libc::SIG_UNBLOCK, 1 << (libc::SIGABRT - 1));
        sys::raise(libc::SIGABRT);
        sys::exit_group(134);
    }
    // SAFETY: the program's own abort.
    unsafe { libc::abort() }
}

/// glibc's `__assert_fail`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_assert_fail(assertion: *const u8, file: *const u8, line: u32, function: *const u8) -> ! {
    ended(end::ASSERT, 134);
    signal::reset(libc::SIGABRT);
    // SAFETY: the program's own arguments.
    unsafe { __assert_fail(assertion, file, line, function) }
}

/// The program is about to do something that can't be recorded: the recording ends here.
pub fn refuse(code: u32) {
    match mode() {
        RECORD => {
            report::message(format_args!("IT0614 recording ends here: site {code} can't be recorded; the program goes on"));
            log::finish(end::REFUSED, code as i32, true);
        }
        REPLAY => {
            if replay::left() != 0 {
                replay::diverged("stream bytes left where the recording was refused", 0, replay::left());
            }
            replay::sync();
            replay::trace_ends()
        }
        _ => {}
    }
}
