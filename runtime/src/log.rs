//! The writer: live chunk in the ring, finished chunks in the log.
//!
//! Salvage rule for readers of a ring whose `magic` is set and `clean` is 0: the live chunk is
//! `cur - chunk_start` bytes at file offset 4096, at stream offset `chunk_offset`. When the log
//! already holds more than `chunk_offset` stream bytes, the process died between writing that
//! chunk and resetting the cursor, and the ring adds nothing.

use crate::mem::{self, Global};
use crate::mode::{PLAIN, ctl, page};
use crate::{report, sys};
use core::cell::Cell;
use core::sync::atomic::{Ordering, compiler_fence};
use itarget_abi::control::PAGE;
use itarget_abi::log::{CHUNK_MAGIC, ChunkHeader, End, HEADER, MAGIC, end, kind, zigzag};
use itarget_abi::version;

/// Inline code may write this many bytes past `end`.
const SLACK: u64 = 128;
/// A scalar needs at most this much room; with less the chunk is closed first.
const SCALAR: u64 = 16;
/// Payloads from this size on go to the log as chunks of their own, without a copy.
pub const DIRECT: u64 = 128 << 10;
/// Largest payload of one chunk.
const CHUNK_MAX: u64 = 64 << 20;

struct Writer {
    fd: Cell<i32>,
    /// Bytes of the log file that are whole chunks.
    size: Cell<u64>,
    ring: Cell<u64>,
    ring_len: Cell<u64>,
    /// Process that records (a child that slipped past `fork` must not write).
    sse: Cell<u32>,
}
static WRITER: Global<Writer> = Global(Writer {
    fd: Cell::new(-1),
    size: Cell::new(0),
    ring: Cell::new(0),
    ring_len: Cell::new(0),
    sse: Cell::new(0),
});

/// Creates `log` and `ring` in `dir` and maps the ring. `dir` has no NUL inside.
///
/// # Errors
/// errno of the first step that failed; nothing is mapped then.
pub fn open(dir: &[u8], ring_bytes: u64) -> Result<(), i32> {
    let old = sys::sigmask(libc::SIG_BLOCK, XFSZ);
    let r = open_files(dir, ring_bytes);
    restore_mask(old);
    r
}

fn open_files(dir: &[u8], ring_bytes: u64) -> Result<(), i32> {
    let mut path = report::Line::new();
    if dir.len() > 1000 {
        return Err(libc::ENAMETOOLONG);
    }
    path.push(dir);
    path.push(b"/log\0");
    let log = sys::high_fd(sys::create(path.text())?);
    let mut path = report::Line::new();
    path.push(dir);
    path.push(b"/ring\0");
    let ring = match sys::create(path.text()) {
        Ok(fd) => fd,
        Err(e) => {
            sys::close(log);
            return Err(e);
        }
    };
    let total = PAGE as u64 + ring_bytes;
    let r = sys::reserve(ring, total).and_then(|()| {
        let prot = libc::PROT_READ | libc::PROT_WRITE;
        let live = sys::mmap_at(0, ring_bytes, prot, libc::MAP_SHARED, ring, PAGE as u64)?;
        // Until this mapping the page is the image's own; its fields are set again by `begin`.
        match sys::mmap_at(page(), PAGE as u64, prot, libc::MAP_SHARED | libc::MAP_FIXED, ring, 0) {
            Ok(_) => Ok(live),
            Err(e) => {
                sys::munmap(live, ring_bytes);
                Err(e)
            }
        }
    });
    sys::close(ring);
    match r {
        Err(e) => {
            sys::close(log);
            Err(e)
        }
        Ok(live) => {
            let w = &WRITER;
            w.fd.set(log);
            w.size.set(0);
            w.ring.set(live);
            w.ring_len.set(ring_bytes);
            let c = ctl();
            c.locale_c.set(1);
            c.chunk_start.set(live);
            c.cur.set(live);
            c.end.set(live + ring_bytes - SLACK);
            compiler_fence(Ordering::SeqCst);
            c.magic.set(MAGIC);
            Ok(())
        }
    }
}

const XFSZ: u64 = 1 << (libc::SIGXFSZ - 1);

fn restore_mask(old: u64) {
    if old & XFSZ == 0 {
        sys::consume_signal(XFSZ);
        sys::sigmask(libc::SIG_SETMASK, old);
    }
}

/// Writes one chunk, retrying short writes. On an error the file is cut back to whole chunks.
fn chunk(kind: u16, offset: u64, payload: &[u8]) -> Result<(), i32> {
    let (c, w) = (ctl(), &WRITER);
    let mut header = ChunkHeader {
        magic: CHUNK_MAGIC,
        version: version::LOG,
        kind,
        thread: 0,
        len: payload.len() as u32,
        seq: c.chunk_seq.get(),
        offset,
        sum: c.sum.get(),
        boundaries: c.boundaries.get(),
        reserved: 0,
        reserved2: 0,
        crc: 0,
    };
    header.crc = crc(crc(0, mem::bytes_of(&header)), payload);
    // Going over a file size limit sends a signal; the program must not see that.
    let old = sys::sigmask(libc::SIG_BLOCK, XFSZ);
    let total = HEADER as u64 + payload.len() as u64;
    let mut done = 0;
    let mut result = Ok(());
    while done < total {
        let head = done.min(HEADER as u64);
        let body = done - head;
        let iov = [
            [&raw const header as u64 + head, HEADER as u64 - head],
            [payload.as_ptr() as u64 + body, payload.len() as u64 - body],
        ];
        match sys::writev(w.fd.get(), &iov) {
            Ok(0) => {
                result = Err(libc::EIO);
                break;
            }
            Ok(n) => done += n,
            Err(libc::EINTR) => {}
            Err(e) => {
                result = Err(e);
                break;
            }
        }
    }
    if result.is_ok() {
        w.size.set(w.size.get() + total);
        c.chunk_seq.set(c.chunk_seq.get() + 1);
    } else {
        let _ = sys::truncate(w.fd.get(), w.size.get());
    }
    restore_mask(old);
    result
}

/// CRC-32C, by the CPU's instruction where it has one.
fn crc(start: u32, bytes: &[u8]) -> u32 {
    if WRITER.sse.get() == 0 {
        let has = core::arch::x86_64::__cpuid(1).ecx >> 20 & 1;
        WRITER.sse.set(1 + has);
    }
    if WRITER.sse.get() == 2 {
        // SAFETY: cpuid said that SSE4.2 is there.
        unsafe { crc_sse(start, bytes) }
    } else {
        itarget_abi::log::crc32c(start, bytes)
    }
}

#[target_feature(enable = "sse4.2")]
fn crc_sse(start: u32, bytes: &[u8]) -> u32 {
    use core::arch::x86_64::{_mm_crc32_u8, _mm_crc32_u64};
    let mut crc = u64::from(!start);
    let mut words = bytes.chunks_exact(8);
    for w in &mut words {
        crc = _mm_crc32_u64(crc, u64::from_le_bytes([w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]]));
    }
    let mut crc = crc as u32;
    for &b in words.remainder() {
        crc = _mm_crc32_u8(crc, b);
    }
    !crc
}

/// Writes the START chunk.
///
/// # Errors
/// errno of the write.
pub fn start_chunk(payload: &[u8]) -> Result<(), i32> {
    chunk(kind::START, 0, payload)
}

/// Moves the live chunk to the log. False when recording has ended because of an error.
#[cold]
pub fn flush() -> bool {
    let c = ctl();
    let start = c.chunk_start.get();
    let n = c.cur.get() - start;
    if n == 0 {
        return true;
    }
    if let Err(e) = chunk(kind::DATA, c.chunk_offset.get(), mem::slice(start, n as usize)) {
        fail(e);
        return false;
    }
    compiler_fence(Ordering::SeqCst);
    c.cur.set(start);
    compiler_fence(Ordering::SeqCst);
    c.chunk_offset.set(c.chunk_offset.get() + n);
    c.flushed.set(c.chunk_offset.get());
    true
}

/// Writes an ASYNC chunk at once, so that it survives any death that the live chunk survives.
pub fn asynchronous(record: &itarget_abi::log::Async) {
    if let Err(e) = chunk(kind::ASYNC, 0, mem::bytes_of(record)) {
        fail(e);
    }
}

/// The log can't be written: recording ends, the program goes on.
fn fail(errno: i32) {
    report::message(format_args!(
        "IT0612 recording ends here: the log can't be written (errno {errno}); the program goes on"
    ));
    finish(end::IO_ERROR, errno, false);
}

/// Ends the recording. `flush_first` is false when the log is broken.
pub fn finish(reason: u32, status: i32, flush_first: bool) {
    if flush_first && !flush() {
        return; // ended by the error
    }
    let c = ctl();
    let record = End { reason, status, bytes: c.flushed.get() };
    let wrote = chunk(kind::END, 0, mem::bytes_of(&record));
    c.ended.set(reason);
    crate::mode::set_mode(PLAIN);
    c.in_env.set(0);
    if wrote.is_ok() || reason == end::IO_ERROR {
        c.clean.set(1);
    }
    sys::close(WRITER.fd.get());
    WRITER.fd.set(-1);
}

/// Writes a provisional END chunk and returns where the log was cut before it.
pub fn provisional_end(reason: u32) -> Option<u64> {
    if !flush() {
        return None;
    }
    let before = WRITER.size.get();
    let record = End { reason, status: 0, bytes: ctl().flushed.get() };
    match chunk(kind::END, 0, mem::bytes_of(&record)) {
        Ok(()) => {
            ctl().clean.set(1);
            Some(before)
        }
        Err(e) => {
            fail(e);
            None
        }
    }
}

/// Takes a provisional END chunk back.
pub fn take_back_end(before: u64) {
    let c = ctl();
    c.clean.set(0);
    match sys::truncate(WRITER.fd.get(), before) {
        Ok(()) => {
            WRITER.size.set(before);
            c.chunk_seq.set(c.chunk_seq.get() - 1);
        }
        Err(e) => fail(e),
    }
}

/// In the child after fork: nothing of the recording may be touched any more. The control page
/// becomes the child's own.
pub fn abandon_in_child() {
    let mut copy = [0u8; size_of::<itarget_abi::control::Control>()];
    copy.copy_from_slice(mem::slice(page(), size_of::<itarget_abi::control::Control>()));
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
    if sys::mmap(page(), PAGE as u64, libc::PROT_READ | libc::PROT_WRITE, flags, -1).is_err() {
        sys::exit_group(itarget_abi::exit::BUG);
    }
    mem::copy(page(), copy.as_ptr() as u64, size_of::<itarget_abi::control::Control>());
    crate::mode::set_mode(PLAIN);
    ctl().in_env.set(0);
    sys::munmap(WRITER.ring.get(), WRITER.ring_len.get());
    sys::close(WRITER.fd.get());
    WRITER.fd.set(-1);
}

/// Unmaps nothing, but makes the page the image's own again after a failed start.
pub fn undo_open() {
    abandon_in_child();
    ctl().magic.set(0);
}

/// Room for one scalar. False when recording has ended.
#[inline(always)]
fn room() -> bool {
    let c = ctl();
    c.cur.get() + SCALAR <= c.end.get() || flush()
}

/// Appends an unsigned LEB128 integer.
#[inline]
pub fn varint(mut v: u64) {
    if !room() {
        return;
    }
    let mut at = ctl().cur.get();
    while v >= 0x80 {
        mem::store(at, v as u8 | 0x80);
        v >>= 7;
        at += 1;
    }
    mem::store(at, v as u8);
    compiler_fence(Ordering::Release);
    ctl().cur.set(at + 1);
}

/// Appends a signed integer.
#[inline]
pub fn signed(v: i64) {
    varint(zigzag(v));
}

/// Appends the low `size` bytes (1 to 8) of `v`.
#[inline(always)]
pub fn word(v: u64, size: u64) {
    if !room() {
        return;
    }
    let at = ctl().cur.get();
    mem::store(at, v); // up to 7 bytes more than needed: room() left 16
    compiler_fence(Ordering::Release);
    ctl().cur.set(at + size);
}

/// Appends `n` bytes at `from`.
#[inline]
pub fn bytes(from: u64, n: u64) {
    let c = ctl();
    if n < DIRECT && n <= c.end.get() - c.cur.get() {
        mem::copy(c.cur.get(), from, n as usize);
        compiler_fence(Ordering::Release);
        c.cur.set(c.cur.get() + n);
    } else {
        long_bytes(from, n);
    }
}

#[cold]
fn long_bytes(mut from: u64, mut n: u64) {
    let c = ctl();
    if n >= DIRECT {
        if !flush() {
            return;
        }
        while n > 0 {
            let part = n.min(CHUNK_MAX);
            if let Err(e) = chunk(kind::DATA, c.chunk_offset.get(), mem::slice(from, part as usize)) {
                fail(e);
                return;
            }
            c.chunk_offset.set(c.chunk_offset.get() + part);
            c.flushed.set(c.chunk_offset.get());
            from += part;
            n -= part;
        }
        return;
    }
    while n > 0 {
        let part = n.min(c.end.get() - c.cur.get());
        if part == 0 {
            if !flush() {
                return;
            }
            continue;
        }
        mem::copy(c.cur.get(), from, part as usize);
        compiler_fence(Ordering::Release);
        c.cur.set(c.cur.get() + part);
        from += part;
        n -= part;
    }
}
