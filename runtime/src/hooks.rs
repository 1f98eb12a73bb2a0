//! Hooks of environment calls and of loads: record appends, replay takes.

use crate::pool::{self, Side};
use crate::state::{ctl, elsewhere, foreign, me, page, recording, replaying, st};
use crate::crossing::Special;
use crate::{check, crossing, digest, fault, log, replay, signal, sites, word};
use core::ffi::c_void;
use core::sync::atomic::{Ordering::SeqCst, compiler_fence};
use itarget_abi::control::{mix, mode};
use itarget_abi::hooks::{DOWNCALL, UPCALL};
use itarget_abi::layout;
use itarget_abi::log::end;

/// Adds an event to the checksum.
#[inline(always)]
pub fn event(site: u32) {
    if elsewhere() {
        return foreign();
    }
    let c = ctl();
    c.sum = mix(c.sum, site);
    c.last_site = site;
    word::begin();
    if st().watched {
        watched(site);
    }
}

/// An event of which more is wanted: where it is in the log, or its site in the log.
#[cold]
pub fn watched(site: u32) {
    if st().sites {
        sites::begin(site);
    }
    if !st().full {
        return;
    }
    let mut s = site;
    // SAFETY: a local of 4 bytes.
    unsafe { scalar((&raw mut s).cast(), 4) };
    if s != site {
        replay::diverged(b"another site was recorded", u64::from(s), u64::from(site));
    }
}

/// Appends or takes a scalar of at most 64 bytes in place.
///
/// # Safety
/// `p` must be readable and writable for `n` bytes.
#[inline]
pub unsafe fn scalar(p: *mut u8, n: u64) {
    if elsewhere() {
        return;
    }
    word::raw(n);
    match page().mode {
        mode::RECORD => {
            log::reserve(n);
            // SAFETY: passed on.
            unsafe { log::put(p, n) }
        }
        // SAFETY: passed on.
        mode::REPLAY => unsafe { replay::take(p, n) },
        _ => {}
    }
}

/// Appends or takes an unsigned integer.
#[inline]
pub fn varint(v: u64) -> u64 {
    word::word(v)
}

/// See the protocol in `itarget_abi::hooks`.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_enter(site: i32) -> i32 {
    let c = ctl();
    match page().mode {
        mode::RECORD => {
            if elsewhere() {
                foreign();
                return 1;
            }
            event(site as u32);
            c.boundaries += 1;
            digest::maybe();
            crate::shadow::enter();
            // A signal that came meanwhile must not wait for the end of a call that may wait for it.
            signal::enter_environment();
            1
        }
        mode::REPLAY => {
            event(site as u32);
            c.boundaries += 1;
            crate::shadow::enter();
            digest::maybe();
            if c.boundaries >= c.next_async {
                signal::replay_due((DOWNCALL..UPCALL).contains(&(site as u32)));
            }
            0
        }
        _ => 1,
    }
}

/// Control is back in the program.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_leave() {
    if elsewhere() {
        return;
    }
    ctl().in_env = 0;
    crate::shadow::leave();
}

/// An integer or pointer result.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_val(value: i64) -> i64 {
    word::word(value as u64) as i64
}

/// A result of another type, in a slot.
///
/// # Safety
/// `value` is a slot of `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_raw(value: *mut u8, len: i64) {
    // SAFETY: the caller's promise.
    unsafe { scalar(value, len as u64) }
}

/// True when bytes at `to` are logged: replay-space memory, or partly so.
#[inline]
pub fn logged(to: u64, len: u64) -> bool {
    to != 0 && (to < layout::SHARED_BOUND || pool::side(to, len) != Side::Environment)
}

/// The pointer, or null if it leads to a global or a stack object of the program: where those are the
/// environment's, nothing that is written there is logged.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_heap(p: *mut u8) -> *mut u8 {
    if (p as u64) < layout::BOUND && !pool::owns(p) { core::ptr::null_mut() } else { p }
}

/// Bytes written by an environment call.
///
/// # Safety
/// `to` is null or valid for `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_bytes(to: *mut u8, len: i64) {
    if page().mode == mode::CHECK {
        return check::declare(to as u64, len);
    }
    if elsewhere() {
        return;
    }
    if ctl().in_env != 0 {
        // SAFETY: passed on.
        return unsafe { crossing::written(to, len) };
    }
    if len <= 0 || !logged(to as u64, len as u64) {
        return;
    }
    // SAFETY: the caller's promise.
    unsafe { block(to, len as u64) }
}

/// Appends or takes `n` bytes in place.
///
/// # Safety
/// `to` is valid for `n` bytes.
pub unsafe fn block(to: *mut u8, n: u64) {
    if matches!(n, 1 | 2 | 4 | 8 | 16) {
        // SAFETY: the caller's promise.
        return unsafe { small(to, n) };
    }
    // SAFETY: the caller's promise.
    unsafe { bulk(to, n) }
}

/// As [`block`], for bytes that are never looked at as numbers.
///
/// # Safety
/// As [`block`].
pub unsafe fn bulk(to: *mut u8, n: u64) {
    if elsewhere() {
        return;
    }
    word::raw(n);
    match page().mode {
        // SAFETY: the caller's promise.
        mode::RECORD => unsafe { log::put(to, n) },
        // SAFETY: the caller's promise.
        mode::REPLAY => unsafe { replay::take(to, n) },
        _ => {}
    }
}

/// As [`block`] for one number, or two of eight bytes each (`struct timespec`).
#[inline]
unsafe fn small(to: *mut u8, n: u64) {
    // SAFETY: the caller's promise.
    unsafe {
        if n == 16 {
            number(to, 8);
            number(to.add(8), 8);
        } else {
            number(to, n as i32);
        }
    }
}

/// A number of 1, 2, 4 or 8 bytes.
#[inline(always)]
unsafe fn number(at: *mut u8, n: i32) {
    // SAFETY: the caller's promise.
    unsafe {
        if recording() {
            word::word(plain(at, n) as u64);
        } else if replaying() {
            let v = word::word(0);
            match n {
                1 => *at = v as u8,
                2 => at.cast::<u16>().write_unaligned(v as u16),
                4 => at.cast::<u32>().write_unaligned(v as u32),
                _ => at.cast::<u64>().write_unaligned(v),
            }
        }
    }
}

/// A C string written by an environment call.
///
/// # Safety
/// `to` is null or a C string (record).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_cstr(to: *mut u8) {
    // SAFETY: passed on; asked only where there is a string.
    unsafe { text(to, || libc::strlen(to.cast()) as u64 + 1) }
}

/// The same of `wchar_t`.
///
/// # Safety
/// As [`__itarget_cstr`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_wcstr(to: *mut u8) {
    // SAFETY: as above.
    unsafe { text(to, || (libc::wcslen(to.cast()) as u64 + 1) * 4) }
}

/// A text of that many bytes, if it is not null and not a replay.
unsafe fn text(to: *mut u8, bytes: impl Fn() -> u64) {
    if page().mode == mode::CHECK {
        return check::declare(to as u64, if to.is_null() { 0 } else { bytes() as i64 });
    }
    if !logged(to as u64, 1) {
        return;
    }
    if ctl().in_env != 0 {
        // SAFETY: the caller's text.
        return unsafe { crossing::written(to, bytes() as i64) };
    }
    let n = varint(if recording() { bytes() } else { 0 });
    // SAFETY: as recorded.
    unsafe { block(to, n) }
}

/// True where events are appended or taken: neither in the environment nor in another process.
pub fn logging() -> bool {
    (recording() || replaying()) && !elsewhere() && ctl().in_env == 0
}

/// The number of `size` bytes (4, 8) that an environment call left at `of`, by which what it wrote is measured; 0 if `of` is null. It
/// may be the environment's, and its bytes may be logged behind those that it measures: so it has a place of its own in the stream.
///
/// # Safety
/// `of` is null or valid for reading, unless at replay.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_len(of: *const u8, size: i32) -> i64 {
    if of.is_null() {
        return 0;
    }
    // SAFETY: the caller's promise.
    let here = || unsafe { plain(of, size) };
    if !logging() {
        return here();
    }
    // Another thread may end the recording meanwhile: all but a replay have what is there.
    word::word(if replaying() { 0 } else { here() as u64 }) as i64
}

/// Data read into an array of iovec. `carried`: the array may be the environment's.
///
/// # Safety
/// `iov` points to `count` iovecs, unless they are the environment's, at replay.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_iovec(iov: *const libc::iovec, count: i64, total: i64, carried: i32) {
    let carried = carried != 0 && logging();
    let mut left = total.max(0);
    for i in 0..count.max(0) {
        if carried && left == 0 {
            break;
        }
        let mut v = libc::iovec { iov_base: core::ptr::null_mut(), iov_len: 0 };
        if !carried || recording() {
            // SAFETY: the caller's promise.
            v = unsafe { *iov.add(i as usize) };
        }
        if carried {
            v.iov_base = varint(v.iov_base as u64) as *mut c_void;
            v.iov_len = varint(v.iov_len as u64) as usize;
        }
        let n = left.min(v.iov_len as i64);
        // SAFETY: the program's buffer.
        unsafe { __itarget_bytes(v.iov_base.cast(), n) };
        left -= n;
    }
}

/// What recvmsg wrote. `carried`: the header or the array that it leads to may be the environment's.
///
/// # Safety
/// `msg` is a msghdr, unless it is the environment's, at replay.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_msghdr(msg: *mut libc::msghdr, total: i64, carried: i32) {
    // SAFETY: the caller's promise; sizes were logged before the data they describe.
    unsafe {
        __itarget_bytes((&raw mut (*msg).msg_namelen).cast(), 4);
        __itarget_bytes((&raw mut (*msg).msg_controllen).cast(), 8);
        __itarget_bytes((&raw mut (*msg).msg_flags).cast(), 4);
        let mut m = core::mem::zeroed();
        if carried == 0 || !replaying() || !logging() {
            m = msg.read();
        }
        if carried != 0 && logging() {
            m.msg_name = varint(m.msg_name as u64) as *mut c_void;
            m.msg_namelen = varint(u64::from(m.msg_namelen)) as u32;
            m.msg_control = varint(m.msg_control as u64) as *mut c_void;
            m.msg_controllen = varint(m.msg_controllen as u64) as usize;
            m.msg_iov = varint(m.msg_iov as u64) as *mut libc::iovec;
            m.msg_iovlen = varint(m.msg_iovlen as u64) as usize;
        }
        __itarget_bytes(m.msg_name.cast(), i64::from(m.msg_namelen));
        __itarget_bytes(m.msg_control.cast(), m.msg_controllen as i64);
        __itarget_iovec(m.msg_iov, m.msg_iovlen as i64, total, carried);
    }
}

/// What recvmmsg wrote into the first `count` of these. `carried`: they may be the environment's, or the arrays that they lead to.
///
/// # Safety
/// `all` is an array of `count` messages, unless it is the environment's, at replay.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_mmsghdr(all: *mut libc::mmsghdr, count: i64, carried: i32) {
    let carried_length = carried != 0 && logging();
    for i in 0..count.max(0) {
        // SAFETY: the caller's promise.
        unsafe {
            let one = all.add(i as usize);
            let at = &raw mut (*one).msg_len;
            __itarget_bytes(at.cast(), 4);
            let mut length = 0;
            if !carried_length || recording() {
                length = *at;
            }
            if carried_length {
                length = varint(u64::from(length)) as u32;
            }
            __itarget_msghdr(&raw mut (*one).msg_hdr, i64::from(length), carried);
        }
    }
}

/// One scanf conversion: `size` bytes, or a C string if 0.
///
/// # Safety
/// `to` is null or what the conversion wrote.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_scan(to: *mut u8, size: i64) {
    // SAFETY: passed on.
    unsafe {
        if size == 0 { __itarget_cstr(to) } else { __itarget_bytes(to, size) }
    }
}

/// A cell in replay space for what lies at an address of the library's that functions give as a result: some give the same address always, others one
/// for each of their texts.
struct Cell {
    /// The function.
    key: u32,
    /// Record: that address.
    of: *const u8,
    at: *mut u8,
    room: u64,
}
const CELLS: usize = 256;
/// The cells of a thread.
pub struct Cells([Cell; CELLS]);
impl Cells {
    /// None yet.
    pub const NEW: Cells = Cells([const { Cell { key: 0, of: core::ptr::null(), at: core::ptr::null_mut(), room: 0 } }; CELLS]);
}

/// Record: the number of the cell for a result. Where there are too many, the function's results share one.
fn cell(key: u32, of: *const u8) -> usize {
    let cells = &me().cells.0;
    let from = key as usize % CELLS;
    let order = (from..CELLS).chain(0..from);
    let mut own = None;
    for i in order {
        if cells[i].of.is_null() || cells[i].of == of && cells[i].key == key {
            return i;
        }
        if cells[i].key == key {
            own = own.or(Some(i));
        }
    }
    own.unwrap_or(from)
}

/// No static result of libc lies below.
const NUMBERS: u64 = 1 << 32;
/// What a result is, in the log: null; a number (`nl_langinfo` gives some as addresses where nothing is); what lies in a cell, by its number.
const NULL: u64 = 0;
const NUMBER: u64 = 1;
const IN_CELL: u64 = 2;

/// A static result of libc, copied into replay space. `len` -1: a C string.
///
/// # Safety
/// `result` is null or valid for reading (record).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_copy(result: *mut u8, len: i64, key: i32) -> *mut u8 {
    if !recording() && !replaying() || elsewhere() {
        return result;
    }
    // Another thread may end the recording meanwhile: all but a replay have the result.
    let what = varint(match result as u64 {
        _ if replaying() => 0,
        0 => NULL,
        number if number < NUMBERS => NUMBER,
        _ => IN_CELL + cell(key as u32, result) as u64,
    });
    match what {
        NULL => return core::ptr::null_mut(),
        NUMBER => return varint(result as u64) as *mut u8,
        _ => {}
    }
    // SAFETY: a C string by annotation.
    let n = varint(if replaying() { 0 } else if len < 0 { unsafe { libc::strlen(result.cast()) as u64 + 1 } } else { len as u64 });
    let Some(cell) = me().cells.0.get_mut((what - IN_CELL) as usize) else { replay::diverged(b"a result of the library has no place", what, 0) };
    (cell.key, cell.of) = (key as u32, result);
    if cell.room < n {
        cell.room = n.next_power_of_two().max(64);
        cell.at = pool::allocate(cell.room, layout::OBJ_REPLAY);
    }
    let to = cell.at;
    if !replaying() && !to.is_null() {
        // SAFETY: `to` has room for `n` bytes.
        unsafe { core::ptr::copy(result, to, n as usize) };
    }
    // SAFETY: as above.
    unsafe { block(to, n) };
    to
}

/// A malloc'ed C string of libc, moved into our pool.
///
/// # Safety
/// `result` is null or malloc'ed by libc (record).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_adopt_cstr(result: *mut u8, objid: i32) -> *mut u8 {
    if !recording() && !replaying() || elsewhere() {
        return result;
    }
    // SAFETY: a C string while recording.
    let n = varint(if !replaying() && !result.is_null() { unsafe { libc::strlen(result.cast()) as u64 + 1 } } else { 0 });
    if n == 0 {
        return core::ptr::null_mut();
    }
    let to = pool::allocate(n, objid as u32);
    // SAFETY: `to` has room; libc's block is freed once.
    unsafe {
        if !replaying() {
            core::ptr::copy_nonoverlapping(result, to, n as usize);
            crate::interpose::next_free(result.cast());
        }
        block(to, n);
    }
    to
}

/// Something that can't be recorded comes next. Called by code of the program, and where that calls the runtime before anything else is
/// done: in a section of the environment it is an entry.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_refuse(code: i32) {
    if crossing::from_environment() {
        crossing::special(Special::Refuse);
        word::word(code as u32 as u64);
    }
    refuse(code);
}

/// A library calls a function of replay space by its name: nothing would tell a replay.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_by_name() {
    if recording() && !elsewhere() && ctl().in_env != 0 {
        refuse(crate::exit::site::BY_NAME);
    }
}

/// As [`__itarget_refuse`], inside an event.
pub fn refuse(code: i32) {
    check::stop(code as u32);
    if elsewhere() {
        return;
    }
    if recording() {
        match itarget_abi::site::why_refused(code) {
            Some(why) => crate::sys::say(&[b"IT0614 recording ends here: ", why.as_bytes(), b"; the program goes on"]),
            None => {
                let process = crate::process::number();
                let (option, number) = (if process == 0 { b"".as_slice() } else { b" -p " }, crate::sys::Digits::new(u64::from(process)));
                crate::sys::say(&[
                    b"IT0614 recording ends here: the program does something that can't be recorded (site ",
                    crate::sys::Digits::new(u64::from(code as u32)).bytes(),
                    b"; `itarget dump",
                    option,
                    if process == 0 { b"" } else { number.bytes() },
                    b"` names it); the program goes on",
                ]);
            }
        }
    }
    end_refused(code);
}

/// What comes next works on the memory at `at` itself: recording ends if that is the environment's.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_guard(at: u64, site: i32) {
    if (recording() || replaying()) && pool::side(at, 1) != Side::Replay {
        __itarget_refuse(site);
    }
}

/// The recording or the replay ends, because what comes next can't be recorded.
pub fn end_refused(code: i32) {
    if recording() {
        log::stop(end::REFUSED, code);
    } else if replaying() {
        if replay::ended_elsewhere() {
            replay::park();
        }
        replay::finish(end::REFUSED, code);
        match itarget_abi::site::why_refused(code) {
            Some(why) => crate::sys::say(&[b"IT0613 the trace ends here, and the recording did: ", why.as_bytes()]),
            None => crate::sys::say(&[b"IT0613 the trace ends here: the program did something that can't be recorded"]),
        }
        replay::status_line("trace_ends", itarget_abi::exit::TRACE_ENDS);
        replay::flush_output();
        crate::sys::exit_now(itarget_abi::exit::TRACE_ENDS);
    }
}

/// A function runs that the analysis found no way to: what it reads is not logged.
///
/// # Safety
/// `name` is a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_unreached(name: *const core::ffi::c_char) {
    if elsewhere() {
        return foreign();
    }
    if recording() {
        // SAFETY: the caller's promise.
        let name = unsafe { core::ffi::CStr::from_ptr(name) };
        crate::sys::say(&[
            b"IT0624 recording ends here: `",
            name.to_bytes(),
            b"` runs, which the analysis found no way to; please report it; the program goes on",
        ]);
    }
    end_refused(crate::exit::site::UNREACHED);
}

/// A safe point that is no call.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_poll(site: i32) {
    if elsewhere() {
        return;
    }
    let c = ctl();
    match page().mode {
        mode::RECORD => {
            event(site as u32);
            c.boundaries += 1;
            signal::deliver_pending();
        }
        mode::REPLAY => {
            event(site as u32);
            c.boundaries += 1;
            if c.boundaries >= c.next_async {
                signal::replay_due(false);
            }
        }
        _ => {}
    }
}

/// Reads `size` (1, 2, 4, 8) bytes, zero-extended.
///
/// # Safety
/// `from` is valid for reading.
#[inline(always)]
pub unsafe fn plain(from: *const u8, size: i32) -> i64 {
    // SAFETY: the program would have read the same bytes.
    unsafe {
        match size {
            1 => i64::from(*from),
            2 => i64::from(from.cast::<u16>().read_unaligned()),
            4 => i64::from(from.cast::<u32>().read_unaligned()),
            _ => from.cast::<i64>().read_unaligned(),
        }
    }
}

/// A load that is always logged.
///
/// # Safety
/// `from` is valid for reading, unless at replay.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_ld(from: *const u8, size: i32, site: i32) -> i64 {
    match page().mode {
        mode::RECORD => {
            // It may fault: then nothing has happened yet.
            // SAFETY: the caller's promise.
            let v = unsafe { plain(from, size) };
            compiler_fence(SeqCst);
            event(site as u32);
            word::word(v as u64) as i64
        }
        mode::REPLAY => {
            fault::before(from as u64, size as u64, false);
            event(site as u32);
            word::word(0) as i64
        }
        // SAFETY: the caller's promise.
        _ => unsafe { plain(from, size) },
    }
}

/// A logged load of any size.
///
/// # Safety
/// `to` is valid for `len` bytes; `from` too, unless at replay.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_ldn(from: *const u8, to: *mut u8, len: i64, site: i32) {
    if !replaying() {
        // SAFETY: the caller's promise.
        unsafe { core::ptr::copy(from, to, len as usize) };
    } else {
        fault::before(from as u64, len as u64, false);
    }
    if recording() || replaying() {
        event(site as u32);
        // SAFETY: the caller's promise.
        unsafe { block(to, len as u64) };
    }
}

/// A load whose address is above the bound: logged if it is environment memory.
///
/// # Safety
/// As `__itarget_ld`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_ck(from: *const u8, size: i32, site: i32) -> i64 {
    // SAFETY: passed on.
    unsafe {
        if !logged_side(from as u64, size as u64) { plain(from, size) } else { __itarget_ld(from, size, site) }
    }
}

/// As `__itarget_ck` for any size.
///
/// # Safety
/// As `__itarget_ldn`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_ckn(from: *const u8, to: *mut u8, len: i64, site: i32) {
    // SAFETY: passed on.
    unsafe {
        if logged_side(from as u64, len as u64) {
            __itarget_ldn(from, to, len, site);
        } else {
            core::ptr::copy(from, to, len as usize);
        }
    }
}

/// A load that is logged if it is of environment memory, and always once the process is not alone.
///
/// # Safety
/// As `__itarget_ld`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_ld_alone(from: *const u8, size: i32, site: i32) -> i64 {
    // SAFETY: passed on.
    unsafe { if page().accompanied != 0 { __itarget_ld(from, size, site) } else { __itarget_ck(from, size, site) } }
}

/// As `__itarget_ld_alone` for any size.
///
/// # Safety
/// As `__itarget_ldn`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_ldn_alone(from: *const u8, to: *mut u8, len: i64, site: i32) {
    // SAFETY: passed on.
    unsafe { if page().accompanied != 0 { __itarget_ldn(from, to, len, site) } else { __itarget_ckn(from, to, len, site) } }
}

/// What comes next may write whatever it reaches, now or later.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_accompany() {
    if (recording() || replaying()) && !elsewhere() {
        crate::state::accompany();
    }
}

/// True when a load from above the bound must be logged.
#[inline]
pub fn logged_side(from: u64, len: u64) -> bool {
    from >= layout::SHARED_BOUND && pool::side(from, len) != Side::Replay
}

/// Most bytes that a store writes, as far as anybody asks.
const STORED: u64 = 64;

/// 1 unless this is a replay and the memory does not exist there. Where there never is any, the store is a fault, as it was.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_may_store(to: u64) -> i32 {
    let may = !replaying() || layout::mapped_at_replay(to) || to >= layout::END;
    if !may {
        fault::before(to, STORED, true);
    }
    i32::from(may)
}
