//! The log writer: appends to the live chunk in the ring, writes full chunks to the file `log`.

use crate::state::{be_plain, ctl, me, page, recording, st};
use crate::crc::crc;
use crate::sys::sys;
use crate::{sys, word};
use core::sync::atomic::{AtomicU32, Ordering::SeqCst};
use itarget_abi::control::mode;
use itarget_abi::log::{ChunkHeader, End, HEADER, ThreadEnd, end, kind};

/// Blocks of this size are not copied to the ring.
pub const LARGE: u64 = 64 << 10;
/// Bytes kept free behind `end`, so that a scalar that was checked for never straddles.
pub const SLACK: u64 = 64;

/// Writes one chunk, whose payload lies in two places. The checksum of events, if there is a `check`,
/// holds between the two.
fn write_chunk(kind: u16, payload: &[u8], more: &[u8], offset: u64, check: bool) -> Result<(), i32> {
    let c = ctl();
    let mut h = ChunkHeader {
        magic: itarget_abi::log::CHUNK_MAGIC,
        version: itarget_abi::version::LOG,
        kind,
        thread: me().number,
        len: (payload.len() + more.len()) as u32,
        seq: me().seq,
        offset,
        sum: c.sum,
        boundaries: if check { c.boundaries } else { u64::MAX },
        unchecked: if check { more.len() as u64 } else { 0 },
        reserved2: 0,
        crc: 0,
    };
    // SAFETY: a header is 64 bytes of plain integers without padding.
    let head = unsafe { core::slice::from_raw_parts((&raw const h).cast::<u8>(), HEADER) };
    h.crc = crc(crc(crc(0, head), payload), more);
    let parts = [((&raw const h).cast(), HEADER), (payload.as_ptr(), payload.len()), (more.as_ptr(), more.len())];
    // SAFETY: header and payload are readable.
    unsafe { sys::write_all(own_file()?, parts)? };
    me().seq += 1;
    Ok(())
}

/// The descriptor of `log`. A program may close all descriptors that there are, and use their numbers for files of its own.
/// `Err`: errno.
pub fn own_file() -> Result<i32, i32> {
    let s = st();
    if sys::identity(s.log_fd) != Some(s.log_identity) {
        let fd = crate::start::open(b"/log", libc::O_WRONLY | libc::O_APPEND);
        if fd < 0 {
            return Err(-fd);
        }
        if sys::identity(fd) != Some(s.log_identity) {
            // SAFETY: opened just now; nobody else knows it.
            unsafe { sys!(libc::SYS_close, fd) };
            return Err(libc::ENOENT);
        }
        s.log_fd = fd;
    }
    Ok(s.log_fd)
}

/// Closes the descriptor of `log`, if it still is that.
pub fn close_file() {
    if sys::identity(st().log_fd) == Some(st().log_identity) {
        // SAFETY: it leads to our own file, as was just seen.
        unsafe { sys!(libc::SYS_close, st().log_fd) };
    }
}

/// `log` was just made; `fd` is its descriptor.
pub fn use_file(fd: i32) {
    let s = st();
    s.log_fd = fd;
    s.log_identity = sys::identity(fd).unwrap_or_default();
}

/// Writes a chunk that is not part of the stream.
pub fn special(kind: u16, payload: &[u8]) -> Result<(), i32> {
    write_chunk(kind, payload, &[], 0, true)?;
    ctl().chunk_seq = me().seq;
    Ok(())
}

/// Writes what waits of the thread's synchronization log.
pub fn flush_sync() {
    let c = ctl();
    let len = c.sync_cur - c.sync_start;
    if len == 0 || page().mode != mode::RECORD {
        return;
    }
    // SAFETY: mapped memory of `len` bytes.
    let payload = unsafe { core::slice::from_raw_parts(c.sync_start as *const u8, len as usize) };
    match write_chunk(kind::SYNC, payload, &[], c.sync_offset, false) {
        Ok(()) => {
            // Order matters for salvage: what `log` holds is not taken from the ring again.
            c.sync_offset += len;
            c.sync_cur = c.sync_start;
            c.chunk_seq = me().seq;
        }
        Err(errno) => fail(errno),
    }
}

/// A thread other than the main one ends.
pub fn end_of_thread() {
    if page().mode != mode::RECORD {
        return;
    }
    word::seal();
    flush(true);
    flush_sync();
    let e = ThreadEnd { bytes: ctl().chunk_offset, ops: ctl().ops };
    // SAFETY: plain integers without padding.
    let bytes = unsafe { core::slice::from_raw_parts((&raw const e).cast::<u8>(), size_of::<ThreadEnd>()) };
    if let Err(errno) = special(kind::THREAD_END, bytes) {
        fail(errno);
    }
}

/// Writes the live chunk to the log and empties it. On failure recording ends.
pub fn flush(check: bool) {
    flush_with(&[], check);
}

/// Writes the live chunk and bytes that come after it in the stream, as one chunk.
fn flush_with(more: &[u8], check: bool) {
    let c = ctl();
    word::close();
    let len = c.cur - c.chunk_start;
    if len + more.len() as u64 == 0 || page().mode != mode::RECORD {
        return;
    }
    // SAFETY: the live chunk is mapped memory of `len` bytes.
    let payload = unsafe { core::slice::from_raw_parts(c.chunk_start as *const u8, len as usize) };
    match write_chunk(kind::DATA, payload, more, c.chunk_offset, check) {
        Ok(()) => {
            c.chunk_offset += len + more.len() as u64;
            c.flushed = c.chunk_offset;
            // Order matters for salvage: an empty chunk with the old number is ignored.
            c.cur = c.chunk_start;
            c.chunk_seq = me().seq;
        }
        Err(errno) => fail(errno),
    }
}

/// Recording ends because the log can't be written; the program goes on.
pub fn fail(errno: i32) {
    let number = sys::Digits::new(errno as u64);
    sys::say(&[
        b"IT0612 recording ends here: the log can't be written (errno ",
        number.bytes(),
        b"); the program goes on, the trace can be replayed up to this point",
    ]);
    stop(end::IO_ERROR, errno);
}

/// The thread that ends the recording, and 1.
static ENDING: AtomicU32 = AtomicU32::new(0);

/// The mode, as other threads change it.
fn page_mode() -> u32 {
    // SAFETY: a word of the control page.
    unsafe { core::ptr::read_volatile(&raw const page().mode) }
}

/// Ends the recording with a reason; the program goes on unrecorded.
pub fn stop(reason: u32, status: i32) {
    if page().mode != mode::RECORD {
        return;
    }
    // The log may turn out to be full while it is ended: then the same thread comes here again.
    let own = me().number + 1;
    if ENDING.compare_exchange(0, own, SeqCst, SeqCst).is_err_and(|other| other != own) {
        // Another thread is at it.
        while page_mode() == mode::RECORD {
            core::hint::spin_loop();
        }
        return;
    }
    if reason != end::IO_ERROR {
        word::seal();
        flush(true);
        flush_sync();
        if page().mode != mode::RECORD {
            // The log was full: this thread ended the recording meanwhile.
            return;
        }
    }
    let digests = if matches!(reason, end::EXIT | end::IMMEDIATE_EXIT) { crate::digest::when_others_wait() } else { None };
    if finish_with(reason, status, digests) && reason != end::IO_ERROR {
        crate::process::give_back_room();
    }
    page().ended = reason;
    be_plain();
    if matches!(reason, end::IO_ERROR | end::REFUSED) {
        crate::signal::send_again();
    }
}

/// Writes the END chunk; the ring is no longer needed. The live chunk must have been flushed. False if it can't be written.
pub fn finish(reason: u32, status: i32) -> bool {
    finish_with(reason, status, None)
}

fn finish_with(reason: u32, status: i32, digests: Option<[u64; 2]>) -> bool {
    let c = ctl();
    let e = End {
        reason,
        status,
        bytes: c.chunk_offset,
        ops: c.ops,
        digests: digests.unwrap_or_default(),
        digested: u64::from(digests.is_some()),
    };
    // SAFETY: plain integers without padding.
    let bytes = unsafe { core::slice::from_raw_parts((&raw const e).cast::<u8>(), size_of::<End>()) };
    let written = special(kind::END, bytes).is_ok();
    if written && reason != end::IO_ERROR {
        c.clean = 1;
        c.magic = 0;
        if crate::process::first() != 0 {
            // Nothing waits in the ring of a main thread that is not there.
            page().clean = 1;
        }
    }
    written
}

/// Writes all that waits in memory of this thread; gives the bytes of the log, or `None` where the recording ended over it.
pub fn write_out() -> Option<u64> {
    flush(true);
    flush_sync();
    if !recording() {
        return None;
    }
    // SAFETY: our own descriptor.
    let bytes = own_file().map(|fd| unsafe { sys!(libc::SYS_lseek, fd, 0u64, libc::SEEK_END) });
    match bytes {
        Ok(bytes @ 0..) => return Some(bytes as u64),
        Ok(errno) => fail(-errno as i32),
        Err(errno) => fail(errno),
    }
    None
}

/// Makes room for `n` (at most [`SLACK`]) bytes.
#[inline(always)]
pub fn reserve(n: u64) {
    let c = ctl();
    if c.cur + n > c.end {
        flush(true);
    }
}

/// Appends bytes, splitting them over chunks.
///
/// # Safety
/// `from` must be readable for `n` bytes.
pub unsafe fn put(from: *const u8, n: u64) {
    let c = ctl();
    if n >= LARGE {
        // SAFETY: the caller's promise.
        return unsafe { put_large(from, n) };
    }
    let mut from = from;
    let mut n = n;
    while n > 0 && page().mode == mode::RECORD {
        let room = c.end - c.cur;
        if room == 0 {
            flush(true);
            continue;
        }
        let k = room.min(n);
        // SAFETY: `k` bytes are readable at `from` and free at `cur`.
        unsafe { core::ptr::copy_nonoverlapping(from, c.cur as *mut u8, k as usize) };
        c.cur += k;
        // SAFETY: within the caller's buffer.
        from = unsafe { from.add(k as usize) };
        n -= k;
    }
}

/// Large payloads go to the file from where they are, together with the live chunk.
unsafe fn put_large(from: *const u8, n: u64) {
    let mut done = 0;
    while done < n && page().mode == mode::RECORD {
        let k = (n - done).min(1 << 30);
        // SAFETY: within the caller's buffer.
        let piece = unsafe { core::slice::from_raw_parts(from.add(done as usize), k as usize) };
        flush_with(piece, done == 0);
        done += k;
    }
}

/// As [`varint_reserved`], of so many bytes, though fewer may do.
pub fn varint_of(v: u64, bytes: u32) {
    let c = ctl();
    // SAFETY: there is room for the longest integer.
    unsafe {
        for i in 0..bytes {
            let more = if i + 1 < bytes { 0x80 } else { 0 };
            *(c.cur as *mut u8).add(i as usize) = (v >> (7 * i)) as u8 & 0x7f | more;
        }
        core::sync::atomic::compiler_fence(core::sync::atomic::Ordering::Release);
        c.cur += u64::from(bytes);
    }
}

/// Appends an unsigned LEB128 integer, for which room was reserved.
#[inline(always)]
pub fn varint_reserved(mut v: u64) {
    let c = ctl();
    let mut p = c.cur as *mut u8;
    // SAFETY: there is room for the longest integer.
    unsafe {
        while v >= 0x80 {
            *p = v as u8 | 0x80;
            p = p.add(1);
            v >>= 7;
        }
        *p = v as u8;
        core::sync::atomic::compiler_fence(core::sync::atomic::Ordering::Release);
        c.cur = p as u64 + 1;
    }
}
