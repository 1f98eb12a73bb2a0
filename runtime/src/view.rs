//! Loads of replay space that may race: another thread may have written what they read, but seldom has. A thread remembers what it
//! saw last, by address, in its *view*; a load that reads just that is a hit and costs the log next to nothing, any other
//! is a miss and stands in the stream as a scalar does ([`crate::word::differ`]), in relation to what the view has; a byte as it is.
//!
//! Hits and misses are counted in *runs*: a byte of the stream, at the place where the run begins, holds the number of hits (low
//! 5 bits) and of the misses that follow them (high 3 bits). A hit after a miss, and a count that is full, begins the next
//! run. The byte is counted up where it lies, in the live chunk, so that a process that is killed leaves nothing behind; it stays open
//! while other entries follow it, until the chunk is written out.
//!
//! The view is no copy of memory: it is a function of the addresses and values of these loads, and of what the thread itself stores to such
//! memory, which recording and replay both see. It has one byte for all addresses that agree in their low 16 bits.

use crate::hooks::{plain, watched};
use crate::state::{ctl, elsewhere, me, page, recording, st};
use crate::{log, replay, word};
use core::mem::offset_of;
use core::sync::atomic::{Ordering::Release, compiler_fence};
use itarget_abi::control::{mix, mode};
use itarget_abi::view::{BEYOND, BYTES};

/// Bits of a run's byte that count hits.
const HIT_BITS: u32 = 5;
/// Most hits of a run.
const HITS: u8 = (1 << HIT_BITS) - 1;
/// Most misses of a run.
const MISSES: u8 = u8::MAX >> HIT_BITS;

/// What a thread saw last.
#[repr(C)]
pub struct View {
    /// The byte of the open run in the live chunk; null when none is open, or when every load is looked at.
    run: *mut u8,
    /// Replay: hits, then misses, that are left of the run.
    left: (u8, u8),
    /// By the low bits of addresses; a value at the end reaches beyond.
    pub seen: [u8; BYTES + BEYOND],
}

impl View {
    /// Nothing seen yet.
    pub const NEW: View = View { run: core::ptr::null_mut(), left: (0, 0), seen: [0; BYTES + BEYOND] };

    fn at(&self, from: *const u8, size: i32) -> u64 {
        // SAFETY: at most 8 bytes from one of the first `BYTES`.
        unsafe { plain(self.seen.as_ptr().add(from as usize % BYTES), size) as u64 }
    }

    fn keep(&mut self, from: *const u8, size: i32, value: u64) {
        let bytes = value.to_le_bytes();
        let at = from as usize % BYTES;
        self.seen[at..at + size as usize].copy_from_slice(&bytes[..size as usize]);
    }
}

/// The run ends, since the live chunk is written out.
#[inline(always)]
pub fn close() {
    me().view.run = core::ptr::null_mut();
}

// The fast path, for a load of each size: an open run with room, and memory as the view has it. Everything but the result and r11
// is kept (LLVM's `preserve_most`), so that the code around a load does not pay for it.
macro_rules! race {
    ($name:literal, $size:literal, $load:literal, $compare:literal) => {
        core::arch::global_asm!(
            concat!(".pushsection .text.", $name, ",\"ax\",@progbits"),
            ".p2align 5",
            concat!(".globl ", $name),
            concat!(".type ", $name, ",@function"),
            concat!($name, ":"),
            ".cfi_startproc",
            "mov r11, qword ptr fs:[__itarget_view@tpoff]",
            "mov rax, qword ptr [r11 + {run}]",
            "test rax, rax",
            "jz 3f",
            "cmp byte ptr [rax], {hits}",
            "jae 3f",
            "push rcx",
            ".cfi_adjust_cfa_offset 8",
            "movzx ecx, di",
            "add rcx, r11",
            $load,
            $compare,
            "jne 2f",
            "inc byte ptr [rax]",
            "mov rax, r11",
            "pop rcx",
            ".cfi_adjust_cfa_offset -8",
            "ret",
            // Not as the view has it: the value goes along, for memory may be different a moment later.
            "2:",
            ".cfi_adjust_cfa_offset 8",
            "lea rax, [rip + {miss}]",
            "jmp 4f",
            "3:",
            ".cfi_adjust_cfa_offset -8",
            "lea rax, [rip + {slow}]",
            "push rcx",
            ".cfi_adjust_cfa_offset 8",
            "4:",
            "push rdx",
            ".cfi_adjust_cfa_offset 8",
            "push rsi",
            ".cfi_adjust_cfa_offset 8",
            "push rdi",
            ".cfi_adjust_cfa_offset 8",
            "push r8",
            ".cfi_adjust_cfa_offset 8",
            "push r9",
            ".cfi_adjust_cfa_offset 8",
            "push r10",
            ".cfi_adjust_cfa_offset 8",
            concat!("mov edx, ", $size),
            "mov rcx, r11",
            "call rax",
            "pop r10",
            ".cfi_adjust_cfa_offset -8",
            "pop r9",
            ".cfi_adjust_cfa_offset -8",
            "pop r8",
            ".cfi_adjust_cfa_offset -8",
            "pop rdi",
            ".cfi_adjust_cfa_offset -8",
            "pop rsi",
            ".cfi_adjust_cfa_offset -8",
            "pop rdx",
            ".cfi_adjust_cfa_offset -8",
            "pop rcx",
            ".cfi_adjust_cfa_offset -8",
            "ret",
            ".cfi_endproc",
            concat!(".size ", $name, ", .-", $name),
            ".popsection",
            run = const offset_of!(View, run) as isize - offset_of!(View, seen) as isize,
            hits = const HITS,
            miss = sym appended,
            slow = sym slow,
        );
    };
}

race!("__itarget_race1", "1", "movzx r11d, byte ptr [rdi]", "cmp byte ptr [rcx], r11b");
race!("__itarget_race2", "2", "movzx r11d, word ptr [rdi]", "cmp word ptr [rcx], r11w");
race!("__itarget_race4", "4", "mov r11d, dword ptr [rdi]", "cmp dword ptr [rcx], r11d");
race!("__itarget_race8", "8", "mov r11, qword ptr [rdi]", "cmp qword ptr [rcx], r11");

/// A load, as the assembly above does it.
///
/// # Safety
/// `from` is valid for reading `size` bytes, unless at replay.
#[inline(always)]
pub unsafe fn load(from: *const u8, size: i32, site: i32) -> i64 {
    let view = &mut me().view;
    // SAFETY: an open run's byte lies in the live chunk; memory is only read while recording.
    unsafe {
        if view.run.is_null() || *view.run >= HITS {
            return slow(from, site, size);
        }
        let value = plain(from, size);
        if view.at(from, size) != value as u64 {
            return appended(from, site, size, value);
        }
        *view.run += 1;
        value
    }
}

/// A load where the fast path does not do.
///
/// # Safety
/// `from` is valid for reading `size` bytes.
unsafe extern "C" fn slow(from: *const u8, site: i32, size: i32) -> i64 {
    match page().mode {
        mode::REPLAY => taken(from, site as u32, size) as i64,
        mode::RECORD => {
            // SAFETY: the caller's promise.
            appended(from, site, size, unsafe { plain(from, size) })
        }
        // SAFETY: the caller's promise.
        _ => unsafe { plain(from, size) },
    }
}

/// Appends what was read.
extern "C" fn appended(from: *const u8, site: i32, size: i32, value: i64) -> i64 {
    if page().mode != mode::RECORD || elsewhere() {
        return value;
    }
    if st().watched {
        watched(site as u32);
    }
    log::reserve(log::SLACK);
    if !recording() {
        return value;
    }
    let view = &mut me().view;
    let last = view.at(from, size);
    let hit = last == value as u64;
    let run = view.run;
    // SAFETY: the run's byte lies in the live chunk, where room was reserved, too; a byte has its value before the cursor moves over it.
    unsafe {
        if !run.is_null() && (if hit { *run < HITS } else { *run >> HIT_BITS < MISSES }) {
            *run += if hit { 1 } else { 1 << HIT_BITS };
        } else {
            let run = ctl().cur as *mut u8;
            *run = if hit { 1 } else { 1 << HIT_BITS };
            compiler_fence(Release);
            ctl().cur += 1;
            view.run = run;
        }
    }
    // A process may be killed between any two instructions: a miss is counted before its value is there.
    compiler_fence(Release);
    if !hit {
        view.keep(from, size, value as u64);
        count(site as u32);
        if size == 1 {
            // A text, mostly: shorter than differences, and packs better.
            // SAFETY: room was reserved.
            unsafe { *(ctl().cur as *mut u8) = value as u8 };
            compiler_fence(Release);
            ctl().cur += 1;
        } else {
            word::differ(value as u64, last);
        }
    }
    if st().watched {
        // The next one comes here again.
        close();
    }
    value
}

/// Takes what was read.
fn taken(from: *const u8, site: u32, size: i32) -> u64 {
    if elsewhere() {
        // SAFETY: such a thread does what it does; see `elsewhere`.
        return unsafe { plain(from, size) as u64 };
    }
    if st().watched {
        watched(site);
    }
    let view = &mut me().view;
    if view.left == (0, 0) {
        // The load that began this run may have ended a chunk, and with it the flag byte of scalars.
        if replay::at_check() {
            word::close();
        }
        let mut run = 0u8;
        // SAFETY: one writable byte.
        unsafe { replay::take(&raw mut run, 1) };
        view.left = (run & HITS, run >> HIT_BITS);
    }
    let last = view.at(from, size);
    if view.left.0 > 0 {
        view.left.0 -= 1;
        return last;
    }
    if view.left.1 == 0 {
        replay::diverged(b"a run of loads is empty", 0, u64::from(site));
    }
    view.left.1 -= 1;
    count(site);
    let value = if size == 1 {
        let mut byte = 0u8;
        // SAFETY: one writable byte.
        unsafe { replay::take(&raw mut byte, 1) };
        u64::from(byte)
    } else {
        word::differed(last)
    };
    view.keep(from, size, value);
    value
}

/// Misses count as events. Hits leave no trace, not even of their site: scalars that follow one stand in relation to the event before
/// it, at replay too.
#[inline(always)]
fn count(site: u32) {
    let c = ctl();
    c.sum = mix(c.sum, site);
    c.last_site = site;
    word::begin();
}
