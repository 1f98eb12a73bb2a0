//! Output on stdout and stderr, which a replay shows again.
//!
//! What lies in replay space is printed anew. Text in memory of the environment does not exist at
//! replay: then what is printed is captured while recording, and its bytes are logged.

use crate::hooks::{bulk, varint};
use crate::word;
use crate::pool;
use crate::pool::Side;
use crate::sys::sys;
use crate::{log, replay, sys};
use crate::state::{elsewhere, page, recording, replaying, st};
use core::ffi::{c_char, c_void};
use core::ptr::null_mut;
use itarget_abi::control::mode;
use itarget_abi::layout;

unsafe extern "C" {
    static stdout: *mut c_void;
    static mut stderr: *mut c_void;
    static mut program_invocation_name: *mut c_char;
    static mut program_invocation_short_name: *mut c_char;
    fn flockfile(stream: *mut c_void);
    fn ftrylockfile(stream: *mut c_void) -> i32;
    fn funlockfile(stream: *mut c_void);
    fn __fpending(stream: *mut c_void) -> usize;
    fn open_memstream(to: *mut *mut c_char, n: *mut usize) -> *mut c_void;
}

/// True when libc's memory is below the bound, where accesses are not checked: libc lies in the image of the program (linked statically), or
/// the kernel maps libraries from below.
pub fn library_is_low() -> bool {
    // SAFETY: libc's variable, set before main.
    (unsafe { stdout } as u64) < layout::BOUND
}

/// It is in the image: as near to our own variables as one is.
pub fn library_is_inside() -> bool {
    // SAFETY: libc's variable, set before main.
    let at = unsafe { stdout } as u64;
    at.abs_diff((&raw const LEADS) as u64) < 1 << 31
}

/// Logs where stdout and stderr are, so that a replay knows them again.
pub fn standard_streams() {
    // SAFETY: libc's variables, set before main.
    unsafe {
        st().stdout = varint(stdout as u64);
        st().stderr = varint(stderr as u64);
        ORIGINAL = [sys::identity(1), sys::identity(2)];
    }
}

/// stderr is what it was when the program started.
pub fn stderr_is_original() -> bool {
    // SAFETY: set before main.
    sys::identity(2) == unsafe { ORIGINAL[1] }
}

/// What descriptors 1 and 2 led to at first.
static mut ORIGINAL: [Option<(u64, u64)>; 2] = [None; 2];
/// Which of these they lead to now: 1 or 2; 0 is neither.
static mut LEADS: [u8; 2] = [1, 2];
/// Replay: what they led to at first.
static mut KEPT: [i32; 2] = [-1; 2];

/// Replay: keeps what descriptors 1 and 2 lead to, for when the program makes one lead to the other.
pub fn keep() {
    // SAFETY: descriptors of this process, which has one thread and opens no others.
    unsafe { KEPT = [1, 2].map(|fd| libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 3)) };
}

/// The descriptors that [`keep`] made.
pub fn kept() -> [i32; 2] {
    // SAFETY: set at start.
    unsafe { KEPT }
}

/// Of other descriptors: 1 or 2 for a duplicate of that one.
static mut DUPLICATES: [u8; 1024] = [0; 1024];

/// Descriptor 1 or 2 that `fd` is, or is a duplicate of, where what is printed there is shown. Whether a duplicate still is one the log says:
/// streams, directories and libraries close descriptors, too.
fn shown_as(fd: i32) -> Option<i32> {
    if fd == 1 || fd == 2 {
        return is_shown(fd).then_some(fd);
    }
    // SAFETY: small numbers; what threads do with descriptors is not followed.
    let own = unsafe { (&*(&raw const DUPLICATES)).get(fd as usize).copied().filter(|d| *d != 0).map(i32::from) }?;
    // SAFETY: set at start.
    let same = recording() && sys::identity(fd) == unsafe { ORIGINAL[own as usize - 1] };
    let same = varint(u64::from(same)) != 0;
    // SAFETY: descriptors of this process.
    same.then(|| unsafe { if replaying() && LEADS[own as usize - 1] != own as u8 { KEPT[own as usize - 1] } else { own } })
}

/// What descriptor 1 or 2 led to at first that `fd` leads to now, 0 if neither.
fn leads(fd: i32) -> u8 {
    // SAFETY: numbers and flags; what threads do with descriptors is not followed.
    unsafe {
        if fd == 1 || fd == 2 { LEADS[fd as usize - 1] } else { (&*(&raw const DUPLICATES)).get(fd as usize).copied().unwrap_or(0) }
    }
}

/// `new` (negative: none) leads to where `old` does.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_duplicate(old: i32, new: i32) {
    if !recording() && !replaying() || elsewhere() || crate::sync::threads() {
        return;
    }
    if new == 1 || new == 2 {
        return __itarget_descriptor(new);
    }
    let of = if shown_as(old).is_some() { leads(old) } else { 0 };
    // SAFETY: as above.
    if let Some(slot) = unsafe { (&mut *(&raw mut DUPLICATES)).get_mut(new as usize) } {
        *slot = of;
    }
}

fn is_shown(fd: i32) -> bool {
    leads(fd) != 0
}

/// Descriptor 1 or 2 leads to what one of them led to at first. `pending`: it did so before what was printed last had been written there.
fn lead(own: i32, to: u8, pending: bool) {
    if replaying() && leads(own) != to && to != 0 {
        if !pending {
            replay::flush_output();
        }
        // SAFETY: descriptors of this process.
        unsafe { sys!(libc::SYS_dup2, KEPT[to as usize - 1], own) };
    }
    // SAFETY: a number.
    unsafe { LEADS[own as usize - 1] = to };
}

/// What a failed assertion says, as libc has it.
///
/// # Safety
/// C strings; the function may be null.
pub unsafe fn failed_assertion(assertion: *const c_char, file: *const c_char, line: u32, function: *const c_char) {
    if !is_shown(2) && !recording() {
        return;
    }
    // SAFETY: libc's variables; the caller's promise.
    unsafe {
        let program = program_invocation_short_name;
        let separator = |text: *const c_char| if text.is_null() || *text == 0 { c"".as_ptr() } else { c": ".as_ptr() };
        let function = if function.is_null() { c"".as_ptr() } else { function };
        let format = c"%s%s%s:%u: %s%sAssertion `%s' failed.\n".as_ptr();
        libc::fprintf(stderr.cast(), format, program, separator(program), file, line, function, separator(function), assertion);
        libc::fflush(stderr.cast());
    }
}

/// A descriptor was closed or made to lead elsewhere; -1: any may have been. What is printed on stdout and stderr is shown at
/// replay only while they are those that the program started with. Once there are threads it stays as it is: what others print
/// meanwhile has no order with this.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_descriptor(fd: i32) {
    if !recording() && !replaying() || crate::state::elsewhere() || crate::sync::threads() {
        return;
    }
    // SAFETY: as in `shown_as`.
    unsafe {
        match (&mut *(&raw mut DUPLICATES)).get_mut(fd as usize) {
            Some(slot) => *slot = 0,
            None if fd < 0 => DUPLICATES = [0; 1024],
            None => {}
        }
    }
    for own in 1..=2 {
        if fd == own || fd == -1 {
            let mut now = 0;
            if recording() {
                let file = sys::identity(own);
                // SAFETY: set at start.
                let same = |n: &i32| file == unsafe { ORIGINAL[*n as usize - 1] };
                let to = [own, 3 - own].into_iter().find(same).unwrap_or(0);
                // SAFETY: libc's variables.
                let pending = own == 1 && unsafe { __fpending(stdout) } > 0;
                now = to as u64 | u64::from(pending) << 2;
            }
            now = varint(now);
            lead(own, now as u8 & 3, now & 4 != 0);
        }
    }
}

/// A stream was closed: its descriptor was, where it is stdout or stderr.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_closed(stream: u64) {
    if stream != 0 && stream == st().stdout {
        __itarget_descriptor(1);
    } else if stream != 0 && stream == st().stderr {
        __itarget_descriptor(2);
    }
}

/// This process's stdout or stderr if `stream` is the recorded one, else null.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_show_stream(stream: u64) -> *mut c_void {
    if page().mode == mode::PROFILE {
        // SAFETY: libc's variables.
        return unsafe { [stdout, stderr] }.into_iter().find(|s| *s as u64 == stream).unwrap_or(null_mut());
    }
    if !recording() && !replaying() {
        return null_mut();
    }
    // SAFETY: libc's variables.
    unsafe {
        match stream {
            0 => null_mut(),
            s if s == st().stdout && is_shown(1) => stdout,
            s if s == st().stderr && is_shown(2) => stderr,
            _ => null_mut(),
        }
    }
}

/// This process's stdout (1) or stderr (2); null where what is printed there is not shown.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_standard(fd: i32) -> *mut c_void {
    // SAFETY: libc's variables.
    let stream = unsafe { if fd == 1 { stdout } else { stderr } };
    if is_shown(fd) { stream } else { null_mut() }
}

/// Replay: the program closes its stdout or stderr. What it printed there is shown; the buffer may be the program's to use again.
///
/// # Safety
/// A stream of this process.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_shown_close(stream: *mut c_void) {
    // SAFETY: the caller's promise.
    unsafe { libc::fflush(stream.cast()) };
}

/// Record: a buffer that the program gives to a stream. What libc does there later is nothing a replay could repeat, and nobody may look at
/// it, so the stream gets one of libc's, which it keeps for good.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_own_buffer(buffer: *mut c_void, size: i64) -> *mut c_void {
    if buffer.is_null() || !recording() || elsewhere() || size <= 0 {
        return buffer;
    }
    // SAFETY: memory of libc's.
    unsafe { libc::malloc(size as usize) }
}

/// Replay: the program says how its stdout or stderr is buffered. The buffer that it may give is not used: when the program
/// takes it back would have to be known.
///
/// # Safety
/// A stream of this process.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_shown_buffer(stream: *mut c_void, mode: i32, size: i64) {
    // SAFETY: the caller's promise.
    unsafe { libc::setvbuf(stream.cast(), null_mut(), mode, size as usize) };
}

/// Record: this thread has the locks of `stream`, or, where that is null, of stdout and stderr, until [`give_back`]. False: another one has one of them, and
/// this thread none.
///
/// Who prints never waits for streams with the runtime's lock of output: another thread may hold the stream by hand (`flockfile`) and print there meanwhile.
///
/// # Safety
/// `stream` is null or a stream of libc.
pub unsafe fn hold(stream: *mut c_void) -> bool {
    // SAFETY: streams of libc; the locks are counted.
    unsafe {
        if !stream.is_null() {
            return ftrylockfile(stream) == 0;
        }
        if ftrylockfile(stdout) != 0 {
            return false;
        }
        if ftrylockfile(stderr) != 0 {
            funlockfile(stdout);
            return false;
        }
        true
    }
}

/// Record: waits until the locks that [`hold`] takes were free one after the other. True: they were free.
pub fn waits_for(stream: *mut c_void) -> bool {
    let mut free = true;
    // SAFETY: as there.
    unsafe {
        for stream in if stream.is_null() { [stdout, stderr] } else { [stream, stream] } {
            if ftrylockfile(stream) != 0 {
                free = false;
                flockfile(stream);
            }
            funlockfile(stream);
        }
    }
    free
}

/// Record: the locks that [`hold`] took.
///
/// # Safety
/// As there.
pub unsafe fn give_back(stream: *mut c_void) {
    // SAFETY: this thread holds them.
    unsafe {
        if stream.is_null() {
            funlockfile(stdout);
            funlockfile(stderr);
        } else {
            funlockfile(stream);
        }
    }
}

/// 1 or 2 if `fd` is that or a duplicate of it, else -1.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_show_fd(fd: i32) -> i32 {
    match shown_as(fd) {
        Some(own) if recording() || replaying() || page().mode == mode::PROFILE => {
            if replaying() {
                replay::flush_output();
            }
            own
        }
        _ => -1,
    }
}

/// 1 if the text at `p` is not wholly in replay space, up to the end of its block. Depends on
/// nothing that differs at replay.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_foreign(p: *const u8) -> i32 {
    let known = pool::side(p as u64, pool::usable(p)) == Side::Replay;
    i32::from(!known)
}

/// 1 if the `n` bytes at `p` are not wholly in replay space.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_foreign_bytes(p: *const u8, n: i64) -> i32 {
    i32::from(n != 0 && pool::may_be_foreign(p as u64) && (n < 0 || pool::side(p as u64, n as u64) != Side::Replay))
}

/// 1 if `count` entries of an array of buffers, or what they lead to, are not wholly in replay space.
///
/// # Safety
/// `iov` leads to as many entries, unless they are the environment's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_foreign_vector(iov: *const libc::iovec, count: i64) -> i32 {
    // As many as the kernel takes.
    if !(1..=1024).contains(&count) {
        return 0;
    }
    let bytes = count * size_of::<libc::iovec>() as i64;
    if __itarget_foreign_bytes(iov.cast(), bytes) != 0 {
        return 1;
    }
    // SAFETY: replay space is there in both modes.
    let mut all = (0..count as usize).map(|i| unsafe { iov.add(i).read_unaligned() });
    i32::from(all.any(|v| __itarget_foreign_bytes(v.iov_base.cast(), v.iov_len as i64) != 0))
}

/// A call prints the name of the program: what the program may have set it to, at replay too. Otherwise it is that of the start.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_show_name() {
    // SAFETY: libc's variables.
    unsafe {
        for name in [&raw mut program_invocation_name, &raw mut program_invocation_short_name] {
            let own = if recording() && __itarget_foreign((*name).cast()) == 0 { *name as u64 } else { 0 };
            let own = varint(own);
            if replaying() && own != 0 {
                *name = own as *mut c_char;
            }
        }
    }
}

/// A call prints the text of `errno`: that of the recording, at replay too. `format` is null, or a format that says so with `%m`.
///
/// # Safety
/// `format` is null or a text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_show_errno(format: *const c_char) {
    // What a format of the environment prints is captured.
    if !format.is_null() {
        if __itarget_foreign(format.cast()) != 0 {
            return;
        }
        // SAFETY: the caller's promise.
        let format = unsafe { core::ffi::CStr::from_ptr(format) };
        if !itarget_abi::format::names_errno(format.to_bytes()) {
            return;
        }
    }
    // SAFETY: the thread's own errno.
    unsafe {
        let errno = libc::__errno_location();
        *errno = varint(*errno as u64) as i32;
    }
}

/// Within a call that prints memory of the environment and can't be captured: recording ends here.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_not_captured() {
    crate::hooks::refuse(crate::exit::site::PRINTED);
}

static mut CAPTURED: *mut c_char = null_mut();
static mut CAPTURED_LEN: usize = 0;

/// While recording: a stream that takes what a call prints instead of `stream`.
///
/// # Safety
/// `stream` is a stream of libc.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_capture(stream: *mut c_void) -> *mut c_void {
    // SAFETY: whoever prints has the lock of output (`__itarget_output_begin`) where there are threads.
    let memory = unsafe { open_memstream(&raw mut CAPTURED, &raw mut CAPTURED_LEN) };
    if memory.is_null() { stream } else { memory }
}

/// While recording: prints what was captured on `stream`, and logs it. Returns its bytes.
///
/// # Safety
/// `memory` is what [`__itarget_capture`] returned for `stream`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_captured(memory: *mut c_void, stream: *mut c_void) -> i64 {
    if memory == stream {
        // No memory to capture it: a replay could not show it.
        crate::hooks::refuse(crate::exit::site::ABOVE);
        return 0;
    }
    // SAFETY: the memory stream's bytes are valid once it is closed, until they are freed.
    unsafe {
        libc::fclose(memory.cast());
        libc::fwrite(CAPTURED.cast(), 1, CAPTURED_LEN, stream.cast());
        varint(CAPTURED_LEN as u64);
        bulk(CAPTURED.cast(), CAPTURED_LEN as u64);
        crate::interpose::next_free(CAPTURED.cast());
        CAPTURED = null_mut();
        CAPTURED_LEN as i64
    }
}

/// While recording: as [`__itarget_capture`], for a call that prints on stderr by libc's variable, which leads to the memory meanwhile.
/// With several threads recording ends instead, for another one may look at that variable.
///
/// # Safety
/// [`__itarget_captured_errors`] follows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_capture_errors() -> *mut c_void {
    if crate::sync::threads() {
        __itarget_not_captured();
        return null_mut();
    }
    // SAFETY: libc's variable, of the only thread.
    unsafe {
        STDERR = stderr;
        stderr = __itarget_capture(STDERR);
        stderr
    }
}

static mut STDERR: *mut c_void = null_mut();

/// While recording: prints what was captured on stderr, and logs it.
///
/// # Safety
/// `memory` is what [`__itarget_capture_errors`] returned.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_captured_errors(memory: *mut c_void) {
    if memory.is_null() {
        return;
    }
    // SAFETY: as there.
    unsafe {
        stderr = STDERR;
        __itarget_captured(memory, STDERR);
        libc::fflush(STDERR.cast());
    }
}

/// While recording: writes what was captured to a descriptor, and logs it. What the call returns: the bytes, or a negative number.
///
/// # Safety
/// `memory` is what [`__itarget_capture`] returned for a null stream.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_captured_fd(memory: *mut c_void, fd: i32) -> i64 {
    if memory.is_null() {
        crate::hooks::refuse(crate::exit::site::ABOVE);
        return -1;
    }
    // SAFETY: as in `__itarget_captured`.
    unsafe {
        libc::fclose(memory.cast());
        let mut at = 0;
        while at < CAPTURED_LEN {
            match libc::write(fd, CAPTURED.add(at).cast(), CAPTURED_LEN - at) {
                written @ 1.. => at += written as usize,
                _ => break,
            }
        }
        varint(at as u64);
        bulk(CAPTURED.cast(), at as u64);
        crate::interpose::next_free(CAPTURED.cast());
        CAPTURED = null_mut();
        if at == CAPTURED_LEN { at as i64 } else { -1 }
    }
}

/// While recording: logs `n` bytes (none if negative) that were printed from `p`.
///
/// # Safety
/// `p` is valid for `n` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_printed(p: *mut u8, n: i64) {
    let n = varint(n.max(0) as u64);
    // SAFETY: the caller's promise.
    unsafe { bulk(p, n) };
}

/// While recording: logs the first `n` bytes (none if negative) of these buffers, which were printed.
///
/// # Safety
/// `iov` leads to buffers of `n` bytes and more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_printed_vector(mut iov: *const libc::iovec, n: i64) {
    let mut left = varint(n.max(0) as u64);
    if elsewhere() {
        return;
    }
    word::raw(left);
    while left > 0 {
        // SAFETY: the caller's promise.
        unsafe {
            let v = iov.read_unaligned();
            let some = left.min(v.iov_len as u64);
            log::put(v.iov_base.cast(), some);
            left -= some;
            iov = iov.add(1);
        }
    }
}

/// At replay: prints on `stream`, or on `fd` if that is null, what was captured.
///
/// # Safety
/// `stream` is null or a stream of libc.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_print(stream: *mut c_void, fd: i32) {
    let mut left = varint(0);
    // One block, taken in pieces.
    word::raw(left);
    let mut some = [0u8; 4096];
    while left > 0 {
        let n = left.min(some.len() as u64);
        // SAFETY: a buffer of that size; a stream of libc or a descriptor.
        unsafe {
            replay::take(some.as_mut_ptr(), n);
            if stream.is_null() {
                let mut at = 0;
                while at < n as usize {
                    match libc::write(fd, some.as_ptr().add(at).cast(), n as usize - at) {
                        written @ 1.. => at += written as usize,
                        _ => break,
                    }
                }
            } else {
                libc::fwrite(some.as_ptr().cast(), 1, n as usize, stream.cast());
            }
        }
        left -= n;
    }
}
