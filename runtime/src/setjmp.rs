//! setjmp and longjmp without glibc's pointer mangling (whose key differs between runs), so that
//! a jmp_buf has the same bytes at replay. Layout: rbx rbp r12 r13 r14 r15 rsp rip, then at byte
//! 64 whether the mask was saved, at byte 72 the mask, at byte 80 from which side of the cut it was called, and
//! how deep in calls back, at byte 88 its own address, at byte 96 its number.
//!
//! A buffer may lie in memory of the library (libpng has one in its structure) or in a block of the environment's, which a replay does not have. There it has
//! one of ours instead. Functions of the environment may jump by a copy of a buffer, which a replay does not have either: what it was filled with is
//! known by its number, as long as nothing else is of that frame.

use crate::crossing;
use crate::state::{elsewhere, me, replaying};
use core::cell::UnsafeCell;
use core::ffi::c_int;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use itarget_abi::layout;

/// Words of a jmp_buf that are used.
const WORDS: usize = 13;

/// What stands in for a buffer of the library at replay.
struct StandIn {
    address: AtomicU64,
    words: UnsafeCell<[u64; WORDS]>,
}

// SAFETY: a buffer is that of one thread, which finds it by its address.
unsafe impl Sync for StandIn {}

/// The last ones; a program has no more of these at a time.
static STAND_INS: [StandIn; 256] = [const { StandIn { address: AtomicU64::new(0), words: UnsafeCell::new([0; WORDS]) } }; 256];
static NEXT: AtomicUsize = AtomicUsize::new(0);

fn stand_in(address: u64) -> Option<&'static StandIn> {
    STAND_INS.iter().find(|s| s.address.load(Ordering::Relaxed) == address)
}

/// Whether a replay has the memory of this buffer.
fn is_there(buf: u64) -> bool {
    buf < layout::BOUND || buf >= layout::MIXED_BASE && buf < layout::MIXED_BASE + layout::ARENA_SIZE
}

/// Where the words of this buffer are. Those of one that was never filled (by a function of the environment, at replay) are where it says.
pub fn words_of(buf: u64) -> *const u64 {
    if !replaying() || is_there(buf) {
        return buf as *const u64;
    }
    stand_in(buf).map_or(buf as *const u64, |s| s.words.get().cast())
}

/// Where to fill this buffer.
extern "C" fn room(buf: u64) -> u64 {
    if !replaying() || is_there(buf) {
        return buf;
    }
    let found = stand_in(buf).unwrap_or_else(|| {
        let new = &STAND_INS[NEXT.fetch_add(1, Ordering::Relaxed) % STAND_INS.len()];
        new.address.store(buf, Ordering::Relaxed);
        new
    });
    found.words.get() as u64
}

/// Words of a buffer that tell its frame: stack pointer, and where it goes on.
const SP: usize = 6;
const IP: usize = 7;
/// The word that has its number.
const NUMBER: usize = 12;

/// What buffers were filled with last, by their frames; and how many were. Of functions that are replayed, in the main thread: the same while recording and at replay.
static mut FILLED: [[u64; WORDS]; 1024] = [[0; WORDS]; 1024];
static mut FILLS: u64 = 0;

fn slot_of(sp: u64, ip: u64) -> *mut [u64; WORDS] {
    // SAFETY: a place in the table.
    unsafe { (&raw mut FILLED[(sp / 16 ^ ip) as usize % 1024]).cast() }
}

/// A buffer has been filled: it gets a number, by which copies of it are known.
unsafe fn remember(words: *mut u64) {
    // SAFETY: the caller's promise; only the main thread goes on.
    unsafe {
        *words.add(NUMBER) = 0;
        if me().number == 0 && !elsewhere() && !crossing::from_environment() {
            FILLS += 1;
            *words.add(NUMBER) = FILLS;
            core::ptr::copy_nonoverlapping(words, slot_of(*words.add(SP), *words.add(IP)).cast(), WORDS);
        }
    }
}

/// Whether a filled buffer is a copy of another one.
///
/// # Safety
/// A filled buffer.
pub unsafe fn is_copy(buf: *const u64) -> bool {
    // SAFETY: as the caller says.
    unsafe { *buf.add(11) != buf as u64 }
}

/// Frame and number of a filled buffer, by which [`words_for`] finds it.
///
/// # Safety
/// A filled buffer.
pub unsafe fn identity(buf: *const u64) -> [u64; 3] {
    // SAFETY: as the caller says.
    unsafe { [*buf.add(SP), *buf.add(IP), *buf.add(NUMBER)] }
}

/// The words that a buffer was filled with; null if that is forgotten.
pub fn words_for([sp, ip, number]: [u64; 3]) -> *const u64 {
    let kept = slot_of(sp, ip).cast::<u64>();
    // SAFETY: a place in the table; only the main thread comes here.
    let known = unsafe { identity(kept) };
    if number != 0 && known == [sp, ip, number] { kept } else { core::ptr::null() }
}

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
        "mov rax, {bound}",
        "cmp rdi, rax",
        "jb 2f",
        "push rsi",
        "call {room}",
        "pop rsi",
        "mov rdi, rax",
        "2:",
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
        "jmp {rest}",
        bound = const layout::BOUND,
        room = sym room,
        rest = sym rest
    )
}

/// What is no register; returns 0 to the caller of sigsetjmp.
unsafe extern "C" fn rest(buf: *mut u64, savemask: c_int) -> c_int {
    // SAFETY: a jmp_buf has room for 25 words.
    unsafe {
        *buf.add(10) = crossing::place();
        *buf.add(11) = buf as u64;
        if savemask != 0 {
            save_mask(buf);
        }
        remember(buf);
    }
    0
}

/// Saves the signal mask.
unsafe fn save_mask(buf: *mut u64) {
    let mut mask = 0u64;
    // The mask is the kernel's, so it is environment data: kept out of the buffer's value by
    // logging it like any other result.
    let outside = crossing::from_environment();
    let run = if outside { 1 } else { crate::hooks::__itarget_enter(crate::exit::site::MASK) };
    if run != 0 {
        // SAFETY: a local of 8 bytes.
        unsafe { crate::sys::sys!(libc::SYS_rt_sigprocmask, 0u64, 0u64, &raw mut mask, 8u64) };
    }
    if !outside {
        crate::hooks::__itarget_leave();
        mask = crate::hooks::__itarget_val(mask as i64) as u64;
    }
    // SAFETY: a jmp_buf has room for 25 words.
    unsafe {
        *buf.add(8) = 1;
        *buf.add(9) = mask;
    }
}

/// longjmp and siglongjmp.
///
/// # Safety
/// As longjmp.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_longjmp(buf: *const u64, value: c_int) -> ! {
    let words = words_of(buf as u64);
    // SAFETY: a buffer filled by sigsetjmp above; at replay that of a frame of the environment is not looked at.
    unsafe {
        // At replay a buffer of the environment may not be there.
        let target = if !replaying() || layout::mapped_at_replay(words as u64) { *words.add(10) } else { 0 };
        crossing::jump(target, buf as u64, value);
        restore_mask(words);
        jump(words, if value == 0 { 1 } else { value })
    }
}

/// Restores the signal mask that [`save_mask`] saved, if it did.
///
/// # Safety
/// A buffer that is there.
pub unsafe fn restore_mask(buf: *const u64) {
    // SAFETY: as the caller says; a mask of 8 bytes.
    unsafe {
        if *buf.add(8) != 0 {
            // At replay only faults arrive, and those that handlers leave this way are to arrive again.
            let mask = if crate::state::replaying() { *buf.add(9) & crate::signal::FAULTS } else { *buf.add(9) };
            crate::sys::sys!(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const mask, 0u64, 8u64);
        }
    }
}

/// Restores the registers.
///
/// # Safety
/// The buffer is one of a frame that is there.
#[unsafe(naked)]
pub unsafe extern "C" fn jump(buf: *const u64, value: c_int) -> ! {
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
