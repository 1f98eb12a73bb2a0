//! The stream at replay: taking values, comparing checksums, and the ways a replay ends.

use crate::state::{ctl, me, st};
use crate::{sync, thread};
use crate::sys::{self, Digits, say};
use crate::word;
use itarget_abi::exit;
use itarget_abi::log::flat::{Check, Header, Part};
use itarget_abi::log::{Async, Fault, end};

/// Header of the mapped flat file.
pub fn header() -> Header {
    // SAFETY: mapped and verified at start.
    unsafe { core::ptr::read_unaligned(st().flat.cast::<Header>()) }
}

/// What was recorded of this thread.
#[inline(always)]
pub fn part() -> &'static Part {
    // SAFETY: set by `open`; the file stays mapped.
    unsafe { &*me().part }
}

/// What is there of a thread of which nothing was recorded.
static NOTHING: Part =
    Part { number: 0, stream: 8, checks: 8, asyncs: 8, faults: 8, sync: 8, stream_len: 0, check_count: 0, async_count: 0, fault_count: 0, sync_len: 0, ops: 0, last_call: 0, left: 0 };

/// What was recorded of the thread with that number.
fn part_of(number: u32) -> Option<&'static Part> {
    let h = header();
    // SAFETY: the table of parts was checked at start; it is ascending by number.
    let parts = unsafe { core::slice::from_raw_parts(st().flat.add(h.parts as usize).cast::<Part>(), h.part_count as usize) };
    parts.binary_search_by_key(&u64::from(number), |p| p.number).ok().map(|i| &parts[i])
}

/// Something was recorded of the thread with that number.
pub fn has_part(number: u32) -> bool {
    part_of(number).is_some()
}

/// The process is a child that was forked beside that thread.
pub fn was_left(number: u32) -> bool {
    part_of(number).is_some_and(|part| part.left() != 0)
}

/// A process, this one or one before it, was forked by that thread.
pub fn has_forked(number: u32) -> bool {
    part_of(number).is_some_and(Part::has_forked)
}

/// The process is a child that was forked beside the thread that calls, and before it started one with that number.
pub fn is_left(number: u32) -> bool {
    (1..=u64::from(number)).contains(&part().left())
}

/// Ends the process, or leaves it where it is not the calling thread's: the process is a child, which was forked before that.
pub fn may_end() {
    if part().left() != 0 {
        park();
    }
}

/// This thread begins.
pub fn open() {
    let part = part_of(me().number).unwrap_or(&NOTHING);
    let t = me();
    t.part = part;
    // SAFETY: within the file.
    t.stream = unsafe { st().flat.add(part.stream as usize) };
    t.stream_len = part.stream_len;
    let c = ctl();
    c.cur = t.stream as u64;
    next_window();
    crate::fault::begin();
    crate::signal::next_async();
    sync::open_log();
}

fn check(i: u64) -> Option<Check> {
    let h = part();
    if i >= h.check_count {
        return None;
    }
    // SAFETY: within the table that `start` verified.
    Some(unsafe { core::ptr::read_unaligned(st().flat.add(h.checks as usize).cast::<Check>().add(i as usize)) })
}

/// The asynchronous event with index `i`.
pub fn async_event(i: u64) -> Option<Async> {
    let h = part();
    if i >= h.async_count {
        return None;
    }
    // SAFETY: within the table that `start` verified.
    Some(unsafe { core::ptr::read_unaligned(st().flat.add(h.asyncs as usize).cast::<Async>().add(i as usize)) })
}

/// The fault with index `i`.
pub fn fault(i: u64) -> Option<Fault> {
    let h = part();
    if i >= h.fault_count {
        return None;
    }
    // SAFETY: within the table that `start` verified.
    Some(unsafe { core::ptr::read_unaligned(st().flat.add(h.faults as usize).cast::<Fault>().add(i as usize)) })
}

/// Bytes taken so far.
pub fn position() -> u64 {
    ctl().cur - me().stream as u64
}

/// Sets `end` to the offset of the next check (or the end of the stream).
pub fn next_window() {
    let to = check(me().next_check).map_or(me().stream_len, |c| c.offset.min(me().stream_len));
    ctl().end = me().stream as u64 + to;
}

/// The slow path: `cur` is at `end` and more bytes are wanted.
fn advance() {
    let c = ctl();
    while c.cur >= c.end {
        if let Some(k) = check(me().next_check)
            && k.offset <= position()
        {
            compare(&k);
            me().next_check += 1;
            next_window();
            continue;
        }
        if position() >= me().stream_len {
            stream_ended();
        }
        next_window();
        if c.cur >= c.end {
            stream_ended();
        }
    }
}

/// True at the end of a chunk, which is checked and left behind.
pub fn at_check() -> bool {
    let there = check(me().next_check).filter(|k| k.offset == position());
    if let Some(k) = there {
        compare(&k);
        me().next_check += 1;
        next_window();
    }
    there.is_some()
}

fn compare(k: &Check) {
    let c = ctl();
    if k.sum != c.sum || k.boundaries != c.boundaries {
        diverged(b"the calls made differ from the recorded ones", k.boundaries, c.boundaries);
    }
}

/// All of the thread's stream is taken, and the recorded process was killed.
pub fn is_cut_off() -> bool {
    position() == me().stream_len && header().end_reason == end::NONE
}

/// Takes `n` bytes of the stream.
///
/// # Safety
/// `to` must be writable for `n` bytes.
pub unsafe fn take(to: *mut u8, n: u64) {
    let mut to = to;
    let mut n = n;
    let c = ctl();
    while n > 0 {
        if c.cur >= c.end {
            advance();
        }
        let k = (c.end - c.cur).min(n);
        // SAFETY: `k` bytes of the stream are mapped; the target is the caller's promise.
        unsafe {
            core::ptr::copy_nonoverlapping(c.cur as *const u8, to, k as usize);
            to = to.add(k as usize);
        }
        c.cur += k;
        n -= k;
    }
}

/// Takes an unsigned LEB128 integer.
pub fn take_varint() -> u64 {
    let mut v = 0u64;
    let mut shift = 0;
    loop {
        let mut b = 0u8;
        // SAFETY: one writable byte.
        unsafe { take(&raw mut b, 1) };
        if shift < 64 {
            v |= u64::from(b & 0x7f) << shift;
        }
        if b & 0x80 == 0 {
            return v;
        }
        shift += 7;
        if shift > 63 + 7 {
            diverged(b"a malformed integer in the stream", 0, 0);
        }
    }
}

/// The recording holds no more: says why and ends the process.
pub fn stream_ended() -> ! {
    let h = header();
    if sync::threads() && (h.end_thread != u64::from(me().number) || matches!(h.end_reason, end::NONE | end::IO_ERROR)) {
        park()
    }
    trace_ends()
}

/// The recording was refused by this thread, and no event comes after the last one.
pub fn refused_here() -> bool {
    let h = header();
    if h.end_reason != end::REFUSED || h.end_thread != u64::from(me().number) {
        return false;
    }
    let last = part().check_count.checked_sub(1).and_then(|last| check(last));
    last.is_some_and(|k| k.offset == me().stream_len && k.boundaries == ctl().boundaries)
}

/// All that was recorded of this thread is done, and another one ended the recording.
pub fn ended_elsewhere() -> bool {
    let h = header();
    if !sync::threads() || h.end_reason == end::NONE || h.end_thread == u64::from(me().number) {
        return false;
    }
    if position() < me().stream_len {
        word::seal();
    }
    position() == me().stream_len
}

/// This thread has done all that was recorded of it: it waits for the others.
pub fn park() -> ! {
    if !sync::threads() {
        trace_ends()
    }
    sync::publish_end();
    if part().left() != 0 {
        thread::stay_behind();
    }
    thread::park(|| {
        trace_ends();
    })
}

fn trace_ends() -> ! {
    let h = header();
    let why: &[u8] = match h.end_reason {
        end::NONE => b"recording was cut off here (killed, or still running)",
        end::IO_ERROR => b"recording ended here: the log could not be written",
        end::REFUSED => b"recording ended here: the program did something that can't be recorded",
        end::EXEC => b"the program replaced itself by another image here (exec)",
        _ => diverged(b"the program wants more than was recorded", me().stream_len, position()),
    };
    say(&[b"IT0613 the trace ends here: ", why]);
    for t in thread::each().filter(|t| t.life.waits).take(8) {
        // SAFETY: a control block stays mapped.
        let events = unsafe { (*t.control).boundaries };
        say(&[
            b"thread ",
            Digits::new(u64::from(t.number)).bytes(),
            b" was waiting here for a lock or another thread, after its event ",
            Digits::new(events).bytes(),
        ]);
    }
    status_line("trace_ends", exit::TRACE_ENDS);
    flush_output();
    sys::exit_now(exit::TRACE_ENDS)
}

/// The replay is not what was recorded: says so and ends the process.
pub fn diverged(what: &[u8], expected: u64, actual: u64) -> ! {
    let c = ctl();
    say(&[
        b"IT0620 divergence: ",
        what,
        b"; thread ",
        Digits::new(u64::from(me().number)).bytes(),
        b", event ",
        Digits::new(c.boundaries).bytes(),
        b", stream byte ",
        Digits::new(position()).bytes(),
        b", expected ",
        Digits::new(expected).bytes(),
        b", actual ",
        Digits::new(actual).bytes(),
        b", last site ",
        Digits::new(u64::from(c.last_site)).bytes(),
    ]);
    status_line("diverged", exit::DIVERGED);
    flush_output();
    sys::exit_now(exit::DIVERGED)
}

/// The program ends at replay: everything must be used, every checksum must agree.
pub fn finish(expected_reason: u32, status: i32) {
    may_end();
    let h = header();
    if h.end_reason == end::IO_ERROR {
        // All that happened was in memory when the log could not be written; how the program ended is in no log.
        consumed();
        park();
    }
    if h.end_reason != end::NONE && h.end_thread != u64::from(me().number) {
        diverged(b"another thread ended the process", h.end_thread, u64::from(me().number));
    }
    consumed();
    if sync::threads() && !thread::settle() {
        diverged(b"threads do not come to where they were when the process ended", 0, 0);
    }
    if h.end_digested != 0 {
        crate::digest::compare_end(h.end_digests);
    }
    if h.end_reason != expected_reason && h.end_reason != end::NONE {
        diverged(b"the program ends in another way", u64::from(h.end_reason), u64::from(expected_reason));
    }
    if h.end_reason == expected_reason && h.end_status != status && expected_reason == end::EXIT {
        diverged(b"the exit status differs", h.end_status as u64, status as u64);
    }
}

/// A thread other than the main one ends.
pub fn end_of_thread() {
    crate::crossing::stop();
    consumed();
    crate::sites::end();
    if ctl().ops != part().ops {
        diverged(b"the thread synchronizes less than was recorded", part().ops, ctl().ops);
    }
}

/// Replay waits for an order that does not come.
pub fn stuck(thread: u32, count: u64, there: u64) -> ! {
    say(&[b"IT0625 thread ", Digits::new(u64::from(me().number)).bytes(), b" waits for thread ", Digits::new(u64::from(thread)).bytes(), b", which makes no progress"]);
    diverged(b"the order of synchronization differs", count, there)
}

/// Everything that was recorded of this thread must be used up.
fn consumed() {
    // The recording sealed the stream before it wrote the last of it.
    if position() < me().stream_len {
        word::seal();
    }
    if position() != me().stream_len {
        diverged(b"the program ends before the recording did", me().stream_len, position());
    }
    if header().end_reason != end::IO_ERROR {
        crate::fault::none_is_left();
    }
    while let Some(k) = check(me().next_check) {
        compare(&k);
        me().next_check += 1;
    }
}

/// Output shown at replay goes through stdio.
pub fn flush_output() {
    // SAFETY: stdio of this process; nobody else uses it now.
    unsafe { libc::fflush(core::ptr::null_mut()) };
}

/// One JSON line on the status descriptor.
pub fn status_line(how: &str, status: i32) {
    let fd = st().status_fd;
    if fd < 0 {
        return;
    }
    crate::sites::write(fd);
    let left = me().stream_len.saturating_sub(position());
    let s = st();
    let _ = sys::Line::write(
        fd,
        format_args!(
            "{{\"log_consumed\":{},\"stream_left\":{left},\"boundaries\":{},\"digests\":{{\"checked\":{},\"mismatched\":{}}},\"end\":\"{how}\",\"status\":{status},\"site\":{}}}\n",
            left == 0,
            ctl().boundaries,
            s.digests_checked,
            s.digests_mismatched,
            ctl().last_site
        ),
    );
}
