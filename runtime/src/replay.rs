//! The reader: takes from the mapped stream what the recording appended, and checks on the way.

use crate::mem::{self, Global};
use crate::mode::{OPTIONS, ctl};
use crate::{log, report, sys};
use core::cell::Cell;
use itarget_abi::log::flat::{Check, Header, MAGIC};
use itarget_abi::log::{Async, end, unzigzag};

struct Reader {
    base: Cell<u64>,
    header: Cell<Option<Header>>,
    /// Index of the next check.
    check: Cell<u64>,
    /// Index of the next asynchronous event.
    event: Cell<u64>,
}
static READER: Global<Reader> =
    Global(Reader { base: Cell::new(0), header: Cell::new(None), check: Cell::new(0), event: Cell::new(0) });

/// Maps the flat file and checks that its parts lie inside it.
///
/// # Errors
/// What is wrong, for a message.
pub fn open(fd: i32) -> Result<(), &'static str> {
    let size = sys::file_size(fd).map_err(|_| "the stream descriptor can't be read")?;
    if size < size_of::<Header>() as u64 {
        return Err("the stream is too short");
    }
    let base = sys::mmap(0, size, libc::PROT_READ, libc::MAP_PRIVATE, fd).map_err(|_| "the stream can't be mapped")?;
    sys::close(fd);
    let h: Header = mem::load(base);
    let inside = |at: u64, n: u64, row: u64| n.checked_mul(row).and_then(|b| at.checked_add(b)).is_some_and(|e| e <= size);
    if h.magic != MAGIC
        || h.total > size
        || !inside(h.checks, h.check_count, size_of::<Check>() as u64)
        || !inside(h.asyncs, h.async_count, size_of::<Async>() as u64)
        || !inside(h.start, h.start_len, 1)
        || !inside(h.stream, h.stream_len, 1)
        || h.start_len < size_of::<itarget_abi::log::Start>() as u64
    {
        return Err("the stream is damaged");
    }
    READER.base.set(base);
    READER.header.set(Some(h));
    ctl().cur.set(base + h.stream);
    Ok(())
}

/// Address and length of the START payload.
pub fn start_payload() -> (u64, u64) {
    let h = header();
    (READER.base.get() + h.start, h.start_len)
}

/// Puts the cursor at the start of the stream.
pub fn begin() {
    set_end();
    next_async_is(0);
}

fn header() -> Header {
    match READER.header.get() {
        Some(h) => h,
        None => sys::exit_group(itarget_abi::exit::BUG),
    }
}

fn offset() -> u64 {
    ctl().cur.get().wrapping_sub(READER.base.get() + READER.header.get().map_or(0, |h| h.stream))
}

/// Stream bytes not yet taken.
pub fn left() -> u64 {
    READER.header.get().map_or(0, |h| h.stream_len.saturating_sub(offset()))
}

/// How the recording ended, and its status.
pub fn recorded_end() -> (u32, i32) {
    let h = header();
    (h.end_reason, h.end_status)
}

fn set_end() {
    let h = header();
    let to = check_at(READER.check.get()).map_or(h.stream_len, |c| c.offset.min(h.stream_len));
    ctl().end.set(READER.base.get() + h.stream + to);
}

fn check_at(i: u64) -> Option<Check> {
    let h = header();
    (i < h.check_count).then(|| mem::load(READER.base.get() + h.checks + i * size_of::<Check>() as u64))
}

/// The replay differs from the recording; never returns.
#[cold]
pub fn diverged(what: &str, expected: u64, actual: u64) -> ! {
    let c = ctl();
    report::message(format_args!(
        "IT0620 divergence: thread 0, stream offset {}, event {}: {what}: expected {expected:#x}, found {actual:#x}; last site {}",
        offset(),
        c.boundaries.get(),
        c.last_site.get(),
    ));
    report::stop("diverged", itarget_abi::exit::DIVERGED)
}

/// The recording ends here although the program goes on; never returns.
#[cold]
pub fn trace_ends() -> ! {
    let (reason, status) = recorded_end();
    let why = match reason {
        end::IO_ERROR => "the log could not be written any further",
        end::REFUSED => "the program does something here that can't be recorded",
        end::EXEC => "the program replaced itself by another one (exec)",
        _ => "the recorded program was killed, or the log is cut off",
    };
    report::message(format_args!("IT0613 the recording ends here: {why} ({status})"));
    report::stop("trace_ends", itarget_abi::exit::TRACE_ENDS)
}

/// Evaluates the check at the cursor if the cursor stands at the end of a chunk. Both sides call
/// this where the recording wrote the live chunk out before it was full.
pub fn sync() {
    let c = ctl();
    if c.cur.get() == c.end.get() {
        pass_check();
    }
}

fn pass_check() {
    let (c, r) = (ctl(), &READER);
    let Some(check) = check_at(r.check.get()) else { return };
    r.check.set(r.check.get() + 1);
    // After a kill the last sums may be those of an event that never got to log anything.
    let last = check_at(r.check.get()).is_none();
    if !(last && header().end_reason == end::NONE) {
        if check.boundaries != c.boundaries.get() {
            diverged("number of boundary calls", check.boundaries, c.boundaries.get());
        }
        if check.sum != c.sum.get() {
            diverged("checksum of sites", check.sum, c.sum.get());
        }
    }
    set_end();
}

/// More is wanted and the chunk is used up.
#[cold]
fn more() {
    let c = ctl();
    while c.cur.get() >= c.end.get() {
        pass_check();
        if left() == 0 {
            match recorded_end().0 {
                end::NONE | end::IO_ERROR | end::REFUSED | end::EXEC => trace_ends(),
                _ => diverged("the program goes on after the end of the recording", 0, 1),
            }
        }
    }
}

/// Takes an unsigned LEB128 integer.
#[inline]
pub fn varint() -> u64 {
    let c = ctl();
    if c.cur.get() >= c.end.get() {
        more();
    }
    let (mut at, mut v, mut shift) = (c.cur.get(), 0u64, 0);
    loop {
        if at >= c.end.get() || shift > 63 {
            diverged("a damaged integer in the stream", 0, 0);
        }
        let b: u8 = mem::load(at);
        at += 1;
        v |= u64::from(b & 0x7f) << shift;
        shift += 7;
        if b < 0x80 {
            break;
        }
    }
    c.cur.set(at);
    v
}

/// Takes a signed integer.
#[inline]
pub fn signed() -> i64 {
    unzigzag(varint())
}

/// Takes `size` bytes (1 to 8), zero-extended.
#[inline]
pub fn word(size: u64) -> u64 {
    let mut v = 0u64;
    scalar(&raw mut v as u64, size);
    v
}

fn scalar(to: u64, n: u64) {
    let c = ctl();
    if c.cur.get() >= c.end.get() {
        more();
    }
    if n > c.end.get() - c.cur.get() {
        diverged("bytes left in the chunk", n, c.end.get() - c.cur.get());
    }
    mem::copy(to, c.cur.get(), n as usize);
    c.cur.set(c.cur.get() + n);
}

/// Takes `n` bytes into `to` (nowhere if it is 0).
pub fn bytes(mut to: u64, mut n: u64) {
    let c = ctl();
    let direct = n >= log::DIRECT;
    if direct {
        sync();
    }
    while n > 0 {
        if c.cur.get() >= c.end.get() {
            if direct { sync_or_more() } else { more() }
        }
        let part = n.min(c.end.get() - c.cur.get());
        if to != 0 {
            mem::copy(to, c.cur.get(), part as usize);
            to += part;
        }
        c.cur.set(c.cur.get() + part);
        n -= part;
    }
    if direct {
        sync();
    }
}

fn sync_or_more() {
    sync();
    if ctl().cur.get() >= ctl().end.get() {
        more();
    }
}

/// The recording ended by `reason`: everything must have been used, and the sums agree.
pub fn must_be_done(reason: u32) {
    let (recorded, _) = recorded_end();
    if left() != 0 {
        diverged("stream bytes left at the end of the program", 0, left());
    }
    sync();
    if recorded == end::NONE || recorded == end::IO_ERROR {
        trace_ends();
    }
    if recorded != reason {
        diverged("way the program ends", u64::from(recorded), u64::from(reason));
    }
}

fn next_async_is(i: u64) {
    let h = header();
    READER.event.set(i);
    let at = if i < h.async_count {
        mem::load::<Async>(READER.base.get() + h.asyncs + i * size_of::<Async>() as u64).boundaries
    } else {
        u64::MAX
    };
    ctl().next_async.set(at);
}

/// The next asynchronous event, which is then behind us.
pub fn take_async() -> Async {
    let i = READER.event.get();
    let a = mem::load(READER.base.get() + header().asyncs + i * size_of::<Async>() as u64);
    next_async_is(i + 1);
    a
}

/// Compares a site id logged under option `full`.
pub fn expect_site(site: u32) {
    if OPTIONS.full.get() {
        let expected = word(4);
        if expected != u64::from(site) {
            diverged("site", expected, u64::from(site));
        }
    }
}
