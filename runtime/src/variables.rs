//! Variables of the program, and memory on stacks, that are the environment's: where what may be one of them is something else as well, the
//! address tells.
//!
//! Two bits for every few bytes of the span in which they lie say whether there is any, and whether all of them are; only where the
//! two differ is the sorted table of variables searched. So the answer depends on variables, not on what happens to lie beside them.

use crate::hooks::{__itarget_ld, __itarget_ldn, logged_side, plain};
use crate::state::me;
use crate::sys;
use itarget_abi::hooks::SHARED;
use itarget_abi::layout;

core::arch::global_asm!(
    ".weak __itarget_variables",
    ".pushsection .data.rel.ro.itarget_variables_address,\"aw\"",
    ".p2align 3",
    ".hidden itarget_variables_address",
    ".globl itarget_variables_address",
    "itarget_variables_address: .quad __itarget_variables",
    ".popsection"
);

unsafe extern "C" {
    static itarget_variables_address: *const u64;
}

/// Bytes per bit, as a shift.
pub const GRAIN: u32 = 2;

/// Bytes of the longest load that the fast path decides.
const WORD: u64 = 8;

/// What is known of the variables.
#[repr(C)]
pub struct Variables {
    /// First address, and bytes from there to the last one.
    pub from: u64,
    pub span: u64,
    /// Whether any of a grain's bytes is in a variable.
    pub any: *mut u64,
    /// Whether all of them are.
    pub all: *mut u64,
    /// First address and bytes of each, in order.
    table: *const [u64; 2],
    count: usize,
}

pub static mut VARIABLES: Variables =
    Variables { from: 0, span: 0, any: core::ptr::null_mut(), all: core::ptr::null_mut(), table: core::ptr::null(), count: 0 };

/// Makes the table, at the start of the process, and again (`shared`) when it is alone no more: from then on more
/// variables are the environment's. False: no memory.
pub fn make(shared: bool) -> bool {
    // SAFETY: the pass's table: a count, then address and size of each; one thread; fresh memory.
    unsafe {
        let given = itarget_variables_address;
        if given.is_null() {
            return true;
        }
        let all = core::slice::from_raw_parts(given.add(1).cast::<[u64; 2]>(), *given as usize);
        // Those of the library that lie above the bound are told apart by that, and weak ones may be nowhere.
        let somewhere = |v: &&[u64; 2]| v[0] != 0 && v[0] < layout::SHARED_BOUND;
        let chosen = || all.iter().filter(somewhere).filter(|v| shared || v[1] & SHARED == 0);
        let count = chosen().count();
        if count == VARIABLES.count {
            return true;
        }
        let map = |bytes: u64| {
            sys::mmap(0, bytes, libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE, -1, 0)
        };
        let Some(table) = map(count as u64 * 16) else { return false };
        let table = core::slice::from_raw_parts_mut(table.cast::<[u64; 2]>(), count);
        for (row, [at, size]) in table.iter_mut().zip(chosen()) {
            *row = [*at, size & !SHARED];
        }
        table.sort_unstable();
        // An aligned word that reaches into the first variable is in the span.
        let from = (table[0][0] - WORD) / WORD * WORD;
        let last = table[count - 1];
        let span = last[0] + last[1].max(1) - from;
        // Of either kind, with room for the last word.
        let bytes = (span >> GRAIN >> 3) + 16;
        let (Some(any), Some(all)) = (map(bytes), map(bytes)) else { return false };
        let (any, all) = (any.cast::<u64>(), all.cast::<u64>());
        for [at, bytes] in table.iter() {
            let (first, end) = (at - from, at - from + bytes.max(&1));
            set(any, first >> GRAIN, ((end - 1) >> GRAIN) + 1);
            set(all, first.next_multiple_of(1 << GRAIN) >> GRAIN, end >> GRAIN);
        }
        VARIABLES = Variables { from, span, any, all, table: table.as_ptr(), count };
    }
    true
}

/// Sets bits from `from` to before `to`.
///
/// # Safety
/// They lie in `bits`.
unsafe fn set(bits: *mut u64, from: u64, to: u64) {
    let mut bit = from;
    while bit < to {
        let end = to.min((bit / 64 + 1) * 64);
        // SAFETY: the caller's promise; of one word, and at least one bit.
        unsafe { *bits.add((bit / 64) as usize) |= u64::MAX >> (64 - (end - bit)) << (bit % 64) };
        bit = end;
    }
}

/// Whether any of `len` bytes from an address on is a variable of the environment's. (Code that reads whole words or vectors begins before what
/// it is after, or ends behind it.)
#[inline(always)]
pub fn has(at: u64, len: u64) -> bool {
    // SAFETY: made at start, and changed only while there is one thread; the bits lie within the span.
    unsafe {
        let v = &*(&raw const VARIABLES);
        let first = at.saturating_sub(v.from);
        let end = at.saturating_add(len).saturating_sub(v.from).min(v.span);
        if first >= end {
            return false;
        }
        let bit = |bits: *mut u64, grain: u64| *bits.add((grain / 64) as usize) >> (grain % 64) & 1 != 0;
        let (grain, last) = (first >> GRAIN, (end - 1) >> GRAIN);
        bit(v.all, grain) || (grain..=last).any(|grain| bit(v.any, grain)) && search(at, len)
    }
}

#[inline(never)]
fn search(at: u64, len: u64) -> bool {
    // SAFETY: as above.
    let table = unsafe {
        let v = &*(&raw const VARIABLES);
        core::slice::from_raw_parts(v.table, v.count)
    };
    let next = table.partition_point(|v| v[0] < at.saturating_add(len));
    next > 0 && at < table[next - 1][0] + table[next - 1][1]
}

/// Before a call that may read a variable of the environment: whether it does.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_variable(at: u64) -> i32 {
    i32::from(has(at, 1))
}

/// Before a call that may read a variable of the environment, or its memory on a stack: whether it does.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_on_stack(at: u64) -> i32 {
    i32::from(has(at, 1) || is_stack(at))
}

/// As `__itarget_on_stack`, where that memory is in frames of the library's only: there are some while it calls back.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_in_frame(at: u64) -> i32 {
    if me().depth > 0 { __itarget_on_stack(at) } else { __itarget_variable(at) }
}

/// Whether that is on a stack, the arguments of the program included.
#[inline(always)]
fn is_stack(at: u64) -> bool {
    (layout::STACK_BASE..layout::THREAD_STACKS + layout::THREADS_MAX * layout::THREAD_STRIDE).contains(&at)
}

/// Whether an access is one of the environment's memory.
#[inline(always)]
pub fn logged<const STACK: bool>(at: u64, len: u64) -> bool {
    if at < layout::SHARED_BOUND { has(at, len) || STACK && is_stack(at) } else { logged_side(at, len) }
}

/// A load of what may be in a variable of the environment, or above the bound: logged if it is environment memory.
///
/// # Safety
/// As `__itarget_ld`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_at(from: *const u8, size: i32, site: i32) -> i64 {
    // SAFETY: passed on.
    unsafe { if logged::<false>(from as u64, size as u64) { __itarget_ld(from, size, site) } else { plain(from, size) } }
}

/// As `__itarget_at`, where it may also be on a stack.
///
/// # Safety
/// See `__itarget_at`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_st(from: *const u8, size: i32, site: i32) -> i64 {
    // SAFETY: passed on.
    unsafe { if logged::<true>(from as u64, size as u64) { __itarget_ld(from, size, site) } else { plain(from, size) } }
}

/// As `__itarget_st`, where it may be in a frame of the library's: there are some while it calls back.
///
/// # Safety
/// See `__itarget_at`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_fr(from: *const u8, size: i32, site: i32) -> i64 {
    // SAFETY: passed on.
    unsafe { if me().depth > 0 { __itarget_st(from, size, site) } else { __itarget_at(from, size, site) } }
}

/// As `__itarget_fr` for any size.
///
/// # Safety
/// See `__itarget_at`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_frn(from: *const u8, to: *mut u8, len: i64, site: i32) {
    // SAFETY: passed on.
    unsafe { if me().depth > 0 { __itarget_stn(from, to, len, site) } else { __itarget_atn(from, to, len, site) } }
}

/// As `__itarget_at` for any size.
///
/// # Safety
/// See `__itarget_at`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_atn(from: *const u8, to: *mut u8, len: i64, site: i32) {
    // SAFETY: passed on.
    unsafe { load::<false>(from, to, len, site) }
}

/// As `__itarget_st` for any size.
///
/// # Safety
/// See `__itarget_at`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_stn(from: *const u8, to: *mut u8, len: i64, site: i32) {
    // SAFETY: passed on.
    unsafe { load::<true>(from, to, len, site) }
}

#[inline(always)]
unsafe fn load<const STACK: bool>(from: *const u8, to: *mut u8, len: i64, site: i32) {
    // SAFETY: the caller's promise.
    unsafe {
        if logged::<STACK>(from as u64, len as u64) {
            __itarget_ldn(from, to, len, site);
        } else {
            core::ptr::copy(from, to, len as usize);
        }
    }
}
