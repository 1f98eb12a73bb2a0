//! Faults of a thread that is recorded, for which the program has a handler: this runs at once.
//!
//! What faulted while recording does so at replay as well, if it is done there. A load is not whose value comes from the log, or from the thread's view ([`crate::view`]):
//! its memory may be other memory there, or none. So each fault is in the log with its place: the events that came before it, and the bytes of the stream. At replay a load that comes to
//! that place and would read the address does not, and the handler runs instead. If it returns, the load comes again.
//!
//! The handler finds its stack pointer as it was: it runs on the same stack, below what the kernel and the runtime have there.

use crate::signal::{Action, FAULTS, action, block, call, reset, unblock};
use crate::state::{ctl, me, page, recording, replaying};
use crate::{crossing, log, replay, signal, view};
use core::ffi::c_int;
use core::mem::{offset_of, zeroed};
use itarget_abi::layout::mapped_at_replay;
use itarget_abi::log::{Fault, REGISTERS, kind};
use libc::{siginfo_t, ucontext_t};

/// `si_code` of a fault whose address the kernel does not know: it has bits that no address has.
const UNKNOWN: i32 = 128;
/// Bit of the kernel's word on a fault: something was to be written.
const WRITE: u64 = 2;
/// Bytes between the frame of here and that of the handler.
const DISTANCE: u64 = 1024;
/// Bytes that the runtime needs in between.
const FRAMES: u64 = 512;

/// What a replay knows of the faults to come.
pub struct Local {
    /// Number of the next one.
    next: u64,
    /// Its [`Fault::sum`].
    sum: u64,
    /// The one whose handler is about to run.
    at_hand: *mut Handled<'static>,
}

impl Local {
    /// None.
    pub const NEW: Local = Local { next: 0, sum: u64::MAX, at_hand: core::ptr::null_mut() };
}

/// What the handler is told.
struct Handled<'a> {
    action: &'a Action,
    fault: &'a Fault,
    /// The kernel's, unless the load was not made.
    from: Option<(*mut siginfo_t, *mut ucontext_t)>,
    /// What is blocked around it, as a replay has it.
    mask: u64,
}

/// A thread begins (replay).
pub fn begin() {
    me().faults.sum = next().map_or(u64::MAX, |f| f.sum);
}

fn next() -> Option<Fault> {
    replay::fault(me().faults.next)
}

/// Replay: the number of events after which the next fault has been missed.
pub fn due() -> u64 {
    next().map_or(u64::MAX, |f| f.boundaries + 1)
}

/// Replay: the next fault did not come.
#[cold]
pub fn missed() -> ! {
    let (address, boundaries) = next().map_or((0, 0), |f| (f.info[0], f.boundaries));
    replay::diverged(b"a fault that was recorded (at the address that is expected, after as many events as are said to be actual) does not come", address, boundaries)
}

/// Replay: the program ends.
pub fn none_is_left() {
    if next().is_some() {
        missed();
    }
}

/// Whether this thread has come to the place of a fault.
fn is_here(f: &Fault) -> bool {
    let c = ctl();
    f.sum == c.sum && f.boundaries == c.boundaries && f.offset == replay::position() && view::is_left(f.beyond)
}

/// Replay: the next fault comes now.
fn take() {
    me().faults.next += 1;
    begin();
    signal::next_async();
    view::forget();
}

/// Replay: a load of at most `size` bytes that takes its value from the log comes next, or a store that is left out (`write`). If it faulted, the handler runs.
#[inline(always)]
pub fn before(address: u64, size: u64, write: bool) {
    while me().faults.sum == ctl().sum && happens(address, size, write) {}
}

#[cold]
fn happens(address: u64, size: u64, write: bool) -> bool {
    let Some(f) = next() else { return false };
    let last = address.saturating_add(size.saturating_sub(1));
    let there = if f.code == UNKNOWN { !is_canonical(address) || !is_canonical(last) } else { (address..=last).contains(&f.info[0]) };
    let of_memory = matches!(f.signal as c_int, libc::SIGSEGV | libc::SIGBUS);
    if !of_memory || !there || writes(&f) != write || !is_here(&f) {
        return false;
    }
    let to_come = view::to_come();
    take();
    // What the kernel does.
    let a = *action(f.signal as c_int);
    if a.flags & libc::SA_RESETHAND != 0 {
        reset(f.signal as c_int);
    }
    let before = block();
    let during = before | a.blocks(f.signal as c_int) & FAULTS;
    unblock(during);
    let mut h = Handled { action: &a, fault: &f, from: None, mask: before };
    run(&mut h);
    unblock(h.mask);
    view::go_on(to_come);
    true
}

fn is_canonical(address: u64) -> bool {
    (address << 16) as i64 >> 16 == address as i64
}

fn writes(f: &Fault) -> bool {
    f.registers[libc::REG_ERR as usize] & WRITE != 0
}

/// The kernel delivers a fault.
///
/// # Safety
/// As the kernel calls a handler.
pub unsafe fn arrived(signal: c_int, code: i32, info: *mut siginfo_t, context: *mut ucontext_t) {
    let a = *action(signal);
    let mut f = Fault { boundaries: 0, sum: 0, offset: 0, beyond: 0, signal: signal as u32, code, info: [0; 2], mask: 0, sp: 0, registers: [0; REGISTERS] };
    // SAFETY: the kernel's structures.
    unsafe {
        let raw = info.cast::<u64>();
        f.info = [*raw.add(2), *raw.add(3)];
        f.mask = *mask_of(context);
        f.registers = core::mem::transmute::<[i64; REGISTERS], [u64; REGISTERS]>((*context).uc_mcontext.gregs);
    }
    let mut to_come = 0;
    if recording() {
        f.beyond = view::leave();
        let c = ctl();
        (f.boundaries, f.sum, f.offset) = (c.boundaries, c.sum, c.chunk_offset + (c.cur - c.chunk_start));
        f.sp = place();
        // SAFETY: plain integers without padding.
        let bytes = unsafe { core::slice::from_raw_parts((&raw const f).cast::<u8>(), size_of::<Fault>()) };
        if let Err(errno) = log::special(kind::FAULT, bytes) {
            log::fail(errno);
        }
    } else {
        let recorded = next().filter(|n| n.signal == f.signal && n.code == code && n.info[0] == f.info[0] && is_here(n));
        let Some(recorded) = recorded else {
            if replay::is_cut_off() {
                // The recorded program died of it. So does this one when it comes again.
                reset(signal);
                return;
            }
            replay::diverged(b"a fault (at the address that is said to be actual) that was not recorded", next().map_or(0, |n| n.info[0]), f.info[0]);
        };
        to_come = view::to_come();
        f = recorded;
        take();
    }
    if a.flags & libc::SA_RESETHAND != 0 {
        reset(signal);
    }
    run(&mut Handled { action: &a, fault: &f, from: Some((info, context)), mask: 0 });
    view::go_on(to_come);
}

/// Where a handler finds its return address, far enough below what the caller calls.
#[inline(never)]
fn place() -> u64 {
    // SAFETY: the kernel fills the structure.
    let s = unsafe {
        let mut s: libc::stack_t = zeroed();
        crate::sys::sys!(libc::SYS_sigaltstack, 0u64, &raw mut s);
        s
    };
    let here = (&raw const s) as u64;
    let above = here.wrapping_sub(s.ss_sp as u64);
    // On an alternate stack there may be no room.
    let room = s.ss_flags & libc::SS_DISABLE != 0 || above >= s.ss_size as u64 || above > 4 * DISTANCE;
    if room && mapped_at_replay(here) { (here - DISTANCE) & !15 | 8 } else { 0 }
}

/// Runs the program's handler.
#[inline(never)]
fn run(h: &mut Handled) {
    let here = (&raw const h) as u64;
    // One that a replay does not have is a library's.
    let sp = if mapped_at_replay(h.fault.sp) { h.fault.sp } else { 0 };
    if replaying() && sp.wrapping_sub(here.wrapping_sub(FRAMES)) < FRAMES + DISTANCE {
        replay::diverged(b"there is no room for the handler of a fault", sp, here);
    }
    // It is there until the handler has run.
    me().faults.at_hand = (&raw mut *h).cast();
    crossing::interrupt(handle, sp, false);
}

/// Calls the handler of the fault at hand, with copies of what the kernel says: they lie where they do at replay, where the kernel may have nothing to say.
extern "C" fn handle() {
    // SAFETY: set just now; it is of a frame above.
    let h = unsafe { &mut *me().faults.at_hand };
    let f = h.fault;
    let signal = f.signal as c_int;
    // SAFETY: a siginfo of 128 bytes; a context is plain integers and pointers, of which the kernel has those up to the first word of the mask.
    unsafe {
        let mut info = [0u64; 16];
        let mut context: ucontext_t = zeroed();
        if let Some((i, c)) = h.from {
            info = i.cast::<[u64; 16]>().read();
            core::ptr::copy_nonoverlapping(c.cast::<u8>(), (&raw mut context).cast(), offset_of!(ucontext_t, uc_sigmask) + 8);
        } else {
            info[0] = u64::from(f.signal);
            info[1] = u64::from(f.code as u32);
            info[2..4].copy_from_slice(&f.info);
            crate::sys::sys!(libc::SYS_sigaltstack, 0u64, &raw mut context.uc_stack);
            context.uc_mcontext.gregs = core::mem::transmute::<[u64; REGISTERS], [i64; REGISTERS]>(f.registers);
            *mask_of(&raw mut context) = f.mask;
            // Those of the FPU have their place behind the mask.
            context.uc_mcontext.fpregs = mask_of(&raw mut context).byte_add(size_of::<libc::sigset_t>()).cast();
        }
        let registers = context.uc_mcontext.gregs;
        let alone = page().accompanied == 0;
        call(h.action, signal, (&raw mut info).cast(), (&raw mut context).cast());
        let kept = context.uc_mcontext.gregs == registers;
        if !kept && !writes(f) && page().accompanied != 0 {
            // If it is a load that may race, a replay has other registers.
            crate::hooks::refuse(crate::exit::site::REGISTERS);
        }
        if alone && page().accompanied != 0 {
            // What goes on now has asked before.
            crate::hooks::refuse(crate::exit::site::COMPANY);
        }
        match h.from {
            Some((_, c)) => {
                (*c).uc_mcontext.gregs = context.uc_mcontext.gregs;
                *mask_of(c) = *mask_of(&raw mut context);
            }
            None if !kept => replay::diverged(b"a handler of faults changes registers", f.info[0], 0),
            None if h.action.flags & libc::SA_SIGINFO != 0 => h.mask = *mask_of(&raw mut context) & FAULTS,
            None => {}
        }
    }
}

/// The signals of a context that are blocked: the kernel uses the first word.
fn mask_of(context: *mut ucontext_t) -> *mut u64 {
    // SAFETY: a place in a structure.
    unsafe { (&raw mut (*context).uc_sigmask).cast() }
}
