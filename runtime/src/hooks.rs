//! The hooks of environment calls, loads and allocation, and the check that all hooks exist.

use crate::mem::{self, Global};
use crate::mode::{OPTIONS, PLAIN, PROFILE, RECORD, REPLAY, ctl, mode, site as inside};
use crate::pool::{self, Place, Side};
use crate::{digest, exit, log, replay, signal};
use core::cell::Cell;
use itarget_abi::control::mix;
use itarget_abi::layout::{OBJ_ENV, OBJ_REPLAY, above, mapped_at_replay};

type P = *mut u8;

/// Compile-time check of names and types against the contract.
macro_rules! check {
    ($($name:ident($($arg:ident: $t:tt),*) -> $r:tt;)*) => {
        $(const _: unsafe extern "C" fn($(ty!($t)),*) -> ty!($r) = $name;)*
    };
}
macro_rules! ty {
    (ptr) => { P };
    (i32) => { i32 };
    (i64) => { i64 };
    (void) => { () };
}
mod contract {
    use super::P;
    use crate::hooks::*;
    use crate::profile::__itarget_count;
    use crate::scan::*;
    use crate::start::__itarget_start;
    use crate::upcall::*;
    itarget_abi::for_each_hook!(check);
}

/// A step of the checksum that counts no boundary.
#[inline(always)]
pub fn mark(site: u32) {
    let c = ctl();
    c.sum.set(mix(c.sum.get(), site));
    c.last_site.set(site);
    if OPTIONS.full.get() {
        full(site);
    }
}

#[cold]
fn full(site: u32) {
    match mode() {
        RECORD => log::word(u64::from(site), 4),
        REPLAY => replay::expect_site(site),
        _ => {}
    }
}

/// See the protocol in `itarget_abi::hooks`. True when the call is to be made.
pub fn enter(site: u32) -> bool {
    let m = mode();
    if m == PLAIN || m == PROFILE {
        return true;
    }
    boundary(site);
    if mode() == REPLAY {
        return false;
    }
    // A signal that came just now must run before a call that may block.
    ctl().in_env.set(1);
    while signal::pending() {
        ctl().in_env.set(0);
        signal::deliver_pending();
        ctl().in_env.set(1);
    }
    true
}

/// Checksum, count, asynchronous events.
pub fn boundary(site: u32) {
    let c = ctl();
    mark(site);
    c.boundaries.set(c.boundaries.get() + 1);
    if OPTIONS.digest_every.get() != 0 && c.boundaries.get().is_multiple_of(OPTIONS.digest_every.get()) {
        digest::take();
    }
    if mode() == RECORD {
        if signal::pending() {
            signal::deliver_pending();
        }
    } else if c.boundaries.get() >= c.next_async.get() {
        signal::deliver_recorded();
    }
}

/// The environment call is over.
pub fn leave() {
    ctl().in_env.set(0);
}

/// Logs or takes an integer.
#[inline]
pub fn val(v: i64) -> i64 {
    match mode() {
        RECORD => {
            log::signed(v);
            v
        }
        REPLAY => replay::signed(),
        _ => v,
    }
}

/// Logs or fills `n` bytes whatever side they are on.
pub fn always_bytes(at: u64, n: u64) {
    match mode() {
        RECORD => log::bytes(at, n),
        REPLAY => replay::bytes(at, n),
        _ => {}
    }
}

/// Logs or fills `n` bytes if they are (partly) replay space.
#[inline]
pub fn bytes(to: u64, n: i64) {
    if to == 0 || n <= 0 || mode() == PLAIN || mode() == PROFILE {
        return;
    }
    if !above(to) || pool::side(to, n as u64) != Side::Env {
        always_bytes(to, n as u64);
    }
}

/// A C string that the environment wrote.
pub fn cstr(to: u64) {
    let skip = to == 0 || (above(to) && pool::side(to, 1) == Side::Env);
    match mode() {
        RECORD if skip => log::varint(0),
        RECORD => {
            let n = mem::strlen(to) as u64 + 1;
            log::varint(n);
            log::bytes(to, n);
        }
        REPLAY => {
            let n = replay::varint();
            if n != 0 {
                replay::bytes(to, n);
            }
        }
        _ => {}
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_enter(site: i32) -> i32 {
    i32::from(enter(site as u32))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_leave() {
    leave();
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_val(value: i64) -> i64 {
    val(value)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_raw(value: P, len: i64) {
    always_bytes(value as u64, len.max(0) as u64);
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_bytes(to: P, len: i64) {
    bytes(to as u64, len);
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_cstr(to: P) {
    cstr(to as u64);
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_iovec(iov: P, count: i64, total: i64) {
    iovec(iov as u64, count, total);
}

fn iovec(iov: u64, count: i64, mut total: i64) {
    let mut i = 0;
    while i < count && total > 0 && iov != 0 {
        let [base, len]: [u64; 2] = mem::load(iov + 16 * i as u64);
        let n = total.min(len as i64);
        bytes(base, n);
        total -= n;
        i += 1;
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_msghdr(msg: P, total: i64) {
    // struct msghdr: name 0, namelen 8 (u32), iov 16, iovlen 24, control 32, controllen 40, flags 48.
    let m = msg as u64;
    if m == 0 || total < 0 || above(m) {
        return;
    }
    bytes(m + 8, 4);
    bytes(m + 40, 8);
    bytes(m + 48, 4);
    let name_len = mem::load::<u32>(m + 8).min(128);
    bytes(mem::load(m), i64::from(name_len));
    bytes(mem::load(m + 32), mem::load(m + 40));
    iovec(mem::load(m + 16), mem::load(m + 24), total);
}

/// Replay-space copies of static buffers of libc, one per key.
struct Cells {
    rows: [Cell<(u32, u64, u64)>; 256],
    used: Cell<usize>,
}
static CELLS: Global<Cells> =
    Global(Cells { rows: [const { Cell::new((0, 0, 0)) }; 256], used: Cell::new(0) });

/// Memory of at least `n` bytes for `key`; what it held before is not kept.
fn cell(key: u32, n: u64) -> u64 {
    let c = &CELLS;
    let row = c.rows[..c.used.get()].iter().find(|r| r.get().0 == key).or_else(|| {
        let new = c.rows.get(c.used.get())?;
        c.used.set(c.used.get() + 1);
        new.set((key, 0, 0));
        Some(new)
    });
    let Some(row) = row else { return pool::alloc(OBJ_REPLAY, n, 16, false) };
    let (_, at, room) = row.get();
    if n <= room {
        return at;
    }
    pool::free(at);
    let size = n.max(64);
    let new = pool::alloc(OBJ_REPLAY, size, 16, false);
    row.set((key, new, if new == 0 { 0 } else { size }));
    new
}

/// Copies a result out of the environment. `len` -1: a C string. `to(n)` gives the memory.
fn copied(result: u64, len: i64, to: impl Fn(u64) -> u64) -> u64 {
    let n = match mode() {
        RECORD => {
            let n = match (result, len) {
                (0, _) => 0,
                (_, ..0) => mem::strlen(result) as u64 + 2,
                _ => len as u64 + 1,
            };
            log::varint(n);
            n
        }
        REPLAY => replay::varint(),
        _ => return result,
    };
    if n == 0 {
        return 0;
    }
    let at = to(n - 1);
    if at == 0 {
        return result;
    }
    if mode() == REPLAY {
        replay::bytes(at, n - 1);
    } else {
        mem::copy(at, result, (n - 1) as usize);
        always_bytes(at, n - 1);
    }
    at
}

/// See [`copied`]: into the cell of `key`.
pub fn copy(result: u64, len: i64, key: u32) -> u64 {
    copied(result, len, |n| cell(key, n))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_copy(result: P, len: i64, key: i32) -> P {
    copy(result as u64, len, key as u32) as P
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_adopt_cstr(result: P, objid: i32) -> P {
    let live = mode() == RECORD;
    let at = copied(result as u64, -1, |n| pool::alloc(objid as u32, n, 16, false));
    if live && at != result as u64 {
        // SAFETY: libc allocated the original, and the program never sees it.
        unsafe { libc::free(result.cast()) };
    }
    at as P
}

/// `stdout` and `stderr` as they were at record.
static STREAMS: Global<[Cell<u64>; 2]> = Global([Cell::new(0), Cell::new(0)]);

/// Logs or takes the addresses of libc's streams.
pub fn remember_streams(out: u64, err: u64) {
    STREAMS[0].set(val(out as i64) as u64);
    STREAMS[1].set(val(err as i64) as u64);
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_show_stream(stream: P) -> P {
    match stream as u64 {
        _ if mode() != REPLAY => core::ptr::null_mut(),
        s if s == STREAMS[0].get() => crate::start::out() as P,
        s if s == STREAMS[1].get() => crate::start::err() as P,
        _ => core::ptr::null_mut(),
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_show_fd(fd: i32) -> i32 {
    if mode() == REPLAY && (fd == 1 || fd == 2) { fd } else { -1 }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_refuse(code: i32) {
    exit::refuse(code as u32);
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_poll(site: i32) {
    if matches!(mode(), RECORD | REPLAY) {
        boundary(site as u32);
    }
}

#[inline(always)]
fn plain_load(from: u64, size: i32) -> u64 {
    match size {
        1 => u64::from(mem::load::<u8>(from)),
        2 => u64::from(mem::load::<u16>(from)),
        4 => u64::from(mem::load::<u32>(from)),
        _ => mem::load(from),
    }
}

#[inline(always)]
fn logged_load(from: u64, size: i32, site: u32) -> u64 {
    match mode() {
        RECORD => {
            mark(site);
            let v = plain_load(from, size);
            log::word(v, size as u64);
            v
        }
        REPLAY => {
            mark(site);
            replay::word(size as u64)
        }
        _ => plain_load(from, size),
    }
}

fn logged_copy(from: u64, to: u64, len: u64, site: u32) {
    match mode() {
        RECORD => {
            mark(site);
            mem::copy(to, from, len as usize);
            log::bytes(to, len);
        }
        REPLAY => {
            mark(site);
            replay::bytes(to, len);
        }
        _ => mem::copy(to, from, len as usize),
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_ld(from: P, size: i32, site: i32) -> i64 {
    logged_load(from as u64, size, site as u32) as i64
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_ldn(from: P, to: P, len: i64, site: i32) {
    logged_copy(from as u64, to as u64, len.max(0) as u64, site as u32);
}

/// True when the memory holds the recorded values at replay by itself.
#[inline(always)]
fn replay_side(from: u64, len: u64) -> bool {
    !above(from) || (pool::place(from) == Place::Mixed && pool::side(from, len) == Side::Replay)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_ck(from: P, size: i32, site: i32) -> i64 {
    let from = from as u64;
    if replay_side(from, size as u64) {
        return plain_load(from, size) as i64;
    }
    logged_load(from, size, site as u32) as i64
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_ckn(from: P, to: P, len: i64, site: i32) {
    let (from, to, len) = (from as u64, to as u64, len.max(0) as u64);
    if replay_side(from, len) {
        return mem::copy(to, from, len as usize);
    }
    logged_copy(from, to, len, site as u32);
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_may_store(to: P) -> i32 {
    i32::from(mode() != REPLAY || mapped_at_replay(to as u64))
}

fn no_memory() -> P {
    // SAFETY: errno of this thread.
    unsafe { *libc::__errno_location() = libc::ENOMEM };
    core::ptr::null_mut()
}

fn give(at: u64) -> P {
    if at == 0 { no_memory() } else { at as P }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_malloc(size: i64, objid: i32) -> P {
    if mode() == PLAIN {
        // SAFETY: the program's own call.
        return unsafe { libc::malloc(size as usize) }.cast();
    }
    give(pool::alloc(objid as u32, size as u64, 16, false))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_calloc(count: i64, size: i64, objid: i32) -> P {
    if mode() == PLAIN {
        // SAFETY: the program's own call.
        return unsafe { libc::calloc(count as usize, size as usize) }.cast();
    }
    match (count as u64).checked_mul(size as u64) {
        Some(n) => give(pool::alloc(objid as u32, n, 16, true)),
        None => no_memory(),
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_free(p: P) {
    if p.is_null() || pool::free(p as u64) || mode() == REPLAY {
        return;
    }
    // SAFETY: not ours, so libc's.
    unsafe { libc::free(p.cast()) };
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_realloc(old: P, size: i64, objid: i32) -> P {
    realloc(old as u64, size as u64, objid as u32) as P
}

/// `realloc` over all arenas.
pub fn realloc(old: u64, size: u64, objid: u32) -> u64 {
    let ours = pool::place(old);
    let m = mode();
    if m == PLAIN && ours == Place::Elsewhere {
        // SAFETY: the program's own call on libc's block.
        return unsafe { libc::realloc(old as *mut libc::c_void, size as usize) } as u64;
    }
    let fresh = || {
        if m == PLAIN {
            // SAFETY: ordinary allocation.
            unsafe { libc::malloc(size as usize) as u64 }
        } else {
            pool::alloc(objid, size, 16, false)
        }
    };
    if old == 0 {
        return give(fresh()) as u64;
    }
    if size == 0 {
        // SAFETY: as `free`.
        unsafe { __itarget_free(old as P) };
        return 0;
    }
    let target = if m == PLAIN { Place::Elsewhere } else { pool::place_for(objid) };
    // A mixed object that becomes another kind of object gets a new header.
    let same_object = target != Place::Mixed || pool::object_of(old).is_some_and(|o| o.id == objid);
    if ours == target && same_object && pool::fits_in_place(old, size) {
        return old;
    }
    let new = fresh();
    if new == 0 {
        return give(0) as u64;
    }
    let environment = match ours {
        Place::Elsewhere => true,
        Place::Env => target != Place::Env,
        Place::Mixed => target == Place::Replay,
        Place::Replay => false,
    };
    if environment && matches!(m, RECORD | REPLAY) {
        mark(inside::REALLOC);
        let n = if m == RECORD { usable(old).min(size) as i64 } else { 0 };
        let n = val(n) as u64;
        if mode() != REPLAY {
            mem::copy(new, old, n as usize);
        }
        always_bytes(new, n);
    } else {
        mem::copy(new, old, usable(old).min(size) as usize);
    }
    // SAFETY: as `free`.
    unsafe { __itarget_free(old as P) };
    new
}

/// Usable bytes of any block, as it stands.
fn usable(at: u64) -> u64 {
    pool::usable(at).unwrap_or_else(|| {
        // SAFETY: not ours, so libc's.
        unsafe { libc::malloc_usable_size(at as *mut libc::c_void) as u64 }
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_reallocarray(old: P, count: i64, size: i64, objid: i32) -> P {
    match (count as u64).checked_mul(size as u64) {
        Some(n) => realloc(old as u64, n, objid as u32) as P,
        None => no_memory(),
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_memalign(align: i64, size: i64, objid: i32) -> P {
    if mode() == PLAIN {
        // SAFETY: the program's own call.
        return unsafe { libc::memalign(align as usize, size as usize) }.cast();
    }
    match (align as u64).max(1).checked_next_power_of_two() {
        Some(a) => give(pool::alloc(objid as u32, size as u64, a, false)),
        None => no_memory(),
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_posix_memalign(out: P, align: i64, size: i64, objid: i32) -> i32 {
    let a = align as u64;
    if !a.is_power_of_two() || !a.is_multiple_of(8) {
        return libc::EINVAL;
    }
    // SAFETY: same contract.
    let p = unsafe { __itarget_memalign(align, size, objid) };
    if p.is_null() {
        return libc::ENOMEM;
    }
    mem::store(out as u64, p as u64);
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_malloc_usable_size(p: P) -> i64 {
    if p.is_null() {
        return 0;
    }
    if let Some(n) = pool::usable(p as u64) {
        return n as i64;
    }
    match mode() {
        RECORD | REPLAY => {
            mark(inside::USABLE);
            val(if mode() == RECORD { usable(p as u64) as i64 } else { 0 })
        }
        _ => usable(p as u64) as i64,
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_strdup(s: P, objid: i32) -> P {
    // SAFETY: same contract.
    unsafe { __itarget_strndup(s, i64::MAX, objid) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_strndup(s: P, n: i64, objid: i32) -> P {
    let from = s as u64;
    // A string above the bound may not be there at replay: its bytes are logged.
    let logged = above(from) && matches!(mode(), RECORD | REPLAY);
    if logged {
        mark(inside::STRDUP);
    }
    let len = if logged && mode() == REPLAY {
        replay::varint()
    } else {
        // SAFETY: the program's own argument. (A negative `n` is a huge size_t.)
        let len = unsafe { libc::strnlen(s.cast(), if n == i64::MAX { usize::MAX } else { n as usize }) } as u64;
        if logged {
            log::varint(len);
        }
        len
    };
    let at = if mode() == PLAIN {
        // SAFETY: ordinary allocation.
        unsafe { libc::malloc(len as usize + 1) as u64 }
    } else {
        pool::alloc(objid as u32, len + 1, 16, false)
    };
    if at == 0 {
        return no_memory();
    }
    if !(logged && mode() == REPLAY) {
        mem::copy(at, from, len as usize);
    }
    if logged {
        always_bytes(at, len);
    }
    mem::store(at + len, 0u8);
    at as P
}

/// Object id for memory that takes the place of `old`.
pub fn same_side(old: u64) -> u32 {
    if pool::place(old) == Place::Env { OBJ_ENV } else { OBJ_REPLAY }
}
