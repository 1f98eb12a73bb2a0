//! Reading a log. Total: any bytes give a value or an error.
//!
//! The reader goes through the file once and hands the event stream to a sink, so that a log of
//! any size needs the memory of one chunk.

use crate::errors::Error;
use itarget_abi::control::PAGE;
use itarget_abi::log::flat::Check;
use itarget_abi::log::Start as Fixed;
use itarget_abi::log::{Async, CHUNK_MAGIC, End, Fault, HEADER, MAGIC, SYNC_BUFFER, ThreadEnd, end, kind};
use itarget_abi::{version, view};
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::mem::offset_of;
use std::path::Path;

/// The START chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The payload as it is.
    pub payload: Vec<u8>,
    /// ABI version of the recording runtime.
    pub abi: u32,
    /// Digests are in the log.
    pub digest: bool,
    /// Site ids are in the stream.
    pub full: bool,
    /// Fingerprint of the module.
    pub module: [u8; 32],
    /// Hash of the plan.
    pub plan: [u8; 32],
    /// Bytes of the main stack.
    pub stack: u64,
    /// Version of libc, major * 1000 + minor.
    pub libc: u32,
    /// Arguments.
    pub args: Vec<Vec<u8>>,
    /// Environment strings.
    pub env: Vec<Vec<u8>>,
    /// Path of the executable; empty if only one program was recorded, which `meta.json` names.
    pub exe: Vec<u8>,
    /// Number of the process in the kernel.
    pub pid: i32,
    /// That of its parent.
    pub parent_pid: i32,
}

/// One chunk, for listings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Offset in the file (bytes).
    pub at: u64,
    /// Number of the thread.
    pub thread: u32,
    /// Kind ([`kind`]).
    pub kind: u16,
    /// Payload bytes.
    pub len: u32,
    /// Boundary calls at its end; `None` when it has no checksum of calls.
    pub boundaries: Option<u64>,
}

/// Where a log stops being usable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Offset in the file (bytes).
    pub at: u64,
    /// What is wrong.
    pub what: String,
}

/// What a log says of one thread.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Thread {
    /// Number of its chunks.
    pub chunks: u64,
    /// Checksums of calls, by stream offset.
    pub checks: Vec<Check>,
    /// Asynchronous events.
    pub asyncs: Vec<Async>,
    /// Its faults, as they are in the log.
    pub faults: Vec<[u8; FAULT_SIZE]>,
    /// Bytes of the stream.
    pub stream: u64,
    /// The stream itself; empty for the main thread, whose goes to the sink.
    pub bytes: Vec<u8>,
    /// Synchronization log.
    pub sync: Vec<u8>,
    /// Synchronization operations that were done.
    pub ops: u64,
    /// It ended, or ended the process.
    pub ended: bool,
    /// Bytes taken from its live chunk.
    pub salvaged: u64,
    /// Its ring was there and said how far it came.
    salvaged_ring: bool,
    /// It was cut off before this boundary call was finished, if that is known.
    pub last_call: Option<u64>,
    /// The process was forked beside it: see [`itarget_abi::log::flat::Part::left`]; 0: it was not.
    pub left: u64,
    /// It is not the main thread, and forked the process or one before it.
    pub forked: bool,
    /// Boundary calls at the end of its last chunk.
    boundaries: Option<u64>,
}

/// What a log says, besides the stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Log {
    /// The START chunk.
    pub start: Option<Start>,
    /// All chunks.
    pub chunks: Vec<Chunk>,
    /// By thread.
    pub threads: BTreeMap<u32, Thread>,
    /// Bytes of all streams.
    pub stream: u64,
    /// How the recording ended, if it has an END chunk, and the thread that ended it.
    pub end: Option<End>,
    /// See `end`.
    pub end_thread: u32,
    /// The file ends inside a chunk at this offset.
    pub truncated: Option<u64>,
    /// A chunk is damaged (only kept with [`Reading::UntilDamage`]).
    pub damage: Option<Damage>,
    /// Bytes taken from live chunks.
    pub salvaged: u64,
}

/// What to do with a damaged chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// IT0601.
    Strict,
    /// The trace ends before it.
    UntilDamage,
}

struct Header {
    kind: u16,
    thread: u32,
    len: u32,
    seq: u64,
    offset: u64,
    sum: u64,
    boundaries: u64,
    unchecked: u64,
    crc: u32,
}

/// Little-endian integers at fixed places of a buffer that is long enough; 0 outside.
fn u16_at(b: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(b.get(at..at + 2).and_then(|s| s.try_into().ok()).unwrap_or_default())
}
pub(super) fn u32_at(b: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(b.get(at..at + 4).and_then(|s| s.try_into().ok()).unwrap_or_default())
}
pub(super) fn u64_at(b: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(b.get(at..at + 8).and_then(|s| s.try_into().ok()).unwrap_or_default())
}

fn header(b: &[u8]) -> Header {
    Header {
        kind: u16_at(b, 6),
        thread: u32_at(b, 8),
        len: u32_at(b, 12),
        seq: u64_at(b, 16),
        offset: u64_at(b, 24),
        sum: u64_at(b, 32),
        boundaries: u64_at(b, 40),
        unchecked: u64_at(b, 48),
        crc: u32_at(b, 60),
    }
}

/// True if these are the header and the payload of a whole chunk of that kind.
#[must_use]
pub fn is_chunk(head: &[u8], payload: &[u8], kind: u16) -> bool {
    let h = header(head);
    u32_at(head, 0) == CHUNK_MAGIC && h.kind == kind && h.len as usize == payload.len() && is_intact(head, payload)
}

/// A header of a chunk of this kind, by itself.
#[must_use]
pub fn begins(head: &[u8], kind: u16) -> bool {
    u32_at(head, 0) == CHUNK_MAGIC && header(head).kind == kind
}

/// The thread whose chunk begins with this header.
#[must_use]
pub fn thread(head: &[u8]) -> u32 {
    header(head).thread
}

/// Bytes of the payload behind this header.
#[must_use]
pub fn length(head: &[u8]) -> u32 {
    header(head).len
}

/// The checksum of a chunk is right.
fn is_intact(head: &[u8], payload: &[u8]) -> bool {
    let mut zeroed: [u8; HEADER] = head.try_into().unwrap_or([0; HEADER]);
    zeroed[60..64].fill(0);
    crc32c::crc32c_append(crc32c::crc32c(&zeroed), payload) == header(head).crc
}

/// Reads up to `buffer.len()` bytes; less only at the end of the file.
pub(super) fn fill(input: &mut dyn Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut n = 0;
    while n < buffer.len() {
        match input.read(&mut buffer[n..]) {
            Ok(0) => break,
            Ok(k) => n += k,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(n)
}

fn io(e: &std::io::Error) -> Error {
    Error::new("IT0606", format!("the log can't be read: {e}"))
}

fn sink_io(e: &std::io::Error) -> Error {
    Error::new("IT0607", format!("no memory for the decoded log: {e}"))
}

/// The site at which the recording ended because of what the program does there, by the last chunk of a log that is complete.
#[must_use]
pub fn refused_at(log: &Path) -> Option<i32> {
    let mut tail = [0u8; HEADER + END_SIZE];
    let mut file = std::fs::File::open(log).ok()?;
    file.seek(SeekFrom::End(-i64::try_from(tail.len()).ok()?)).ok()?;
    file.read_exact(&mut tail).ok()?;
    let (head, payload) = tail.split_at(HEADER);
    let is_end = u32_at(head, 0) == CHUNK_MAGIC && u16_at(head, offset_of!(itarget_abi::log::ChunkHeader, kind)) == kind::END;
    (is_end && is_intact(head, payload) && u32_at(payload, 0) == end::REFUSED).then(|| u32_at(payload, 4).cast_signed())
}

/// Bytes of the fixed part of the START payload.
const START_FIXED: usize = size_of::<Fixed>();
const ASYNC_SIZE: usize = size_of::<Async>();
/// Bytes of a fault.
pub const FAULT_SIZE: usize = size_of::<Fault>();
const END_SIZE: usize = size_of::<End>();

/// Reads a log of `size` bytes and the rings beside it (their bytes); the main thread's
/// stream goes to `sink`, START first if `on_start` wants it. What is said of threads of `others` takes the place of what chunks say; where the main one is
/// among them nothing goes to `sink`.
///
/// # Errors
/// IT0601 (damage), IT0602 (other version), IT0604 (no log at all), IT0606 and IT0607 (I/O), IT0626 (a thread without an end).
pub fn read(
    input: &mut dyn Read,
    size: u64,
    (rings, others): (&[Vec<u8>], BTreeMap<u32, Thread>),
    reading: Reading,
    on_start: &mut dyn FnMut(&Start) -> Result<(), Error>,
    sink: &mut dyn Write,
) -> Result<Log, Error> {
    let mut nowhere = std::io::sink();
    let sink = if others.contains_key(&0) { &mut nowhere } else { sink };
    let mut log = Log::default();
    let mut at = 0u64;
    let mut payload = vec![];
    let problem: Option<Damage> = loop {
        let bad = |what: &str| Some(Damage { at, what: what.to_string() });
        let mut head = [0u8; HEADER];
        let n = match fill(input, &mut head) {
            Ok(n) => n,
            // A packed piece.
            Err(e) if e.kind() == ErrorKind::InvalidData => break bad(&e.to_string()),
            Err(e) => return Err(io(&e)),
        };
        if n == 0 {
            break None;
        }
        if n >= 8 {
            if u32_at(&head, 0) != CHUNK_MAGIC {
                break bad("no chunk begins here");
            }
            if u16_at(&head, 4) != version::LOG {
                // The version is outside of the checksum's reach only when it is right.
                let found = u16_at(&head, 4);
                if at == 0 {
                    return Err(Error::new("IT0602", format!("log version {found}, this itarget reads {}", version::LOG))
                        .hint("replay it with the itarget that recorded it"));
                }
                break bad(&format!("a chunk of version {found} in a log of version {}", version::LOG));
            }
        }
        if n < HEADER {
            log.truncated = Some(at);
            break None;
        }
        let h = header(&head);
        let left = size.saturating_sub(at + HEADER as u64);
        payload.clear();
        let want = u64::from(h.len).min(left);
        payload.resize(usize::try_from(want).unwrap_or(0), 0);
        let n = match fill(input, &mut payload) {
            Ok(n) => n,
            Err(e) if e.kind() == ErrorKind::InvalidData => break bad(&e.to_string()),
            Err(e) => return Err(io(&e)),
        };
        if n < h.len as usize {
            // Cut off, or a wrong length? The next header tells.
            payload.truncate(n);
            if next_header_in(&payload) {
                break bad("the length of this chunk is wrong");
            }
            log.truncated = Some(at);
            break None;
        }
        if !is_intact(&head, &payload) {
            break bad("the checksum of this chunk is wrong");
        }
        if (log.start.is_none()) != (h.kind == kind::START) && h.kind < 0x80 {
            break bad("START is not the first chunk");
        }
        let t = log.threads.entry(h.thread).or_default();
        if h.seq != t.chunks {
            break bad(&format!("chunk {} of thread {} where its chunk {} should be", h.seq, h.thread, t.chunks));
        }
        if t.ended {
            break bad("a chunk after the end");
        }
        match h.kind {
            kind::START => match parse_start(&payload) {
                Some(s) => {
                    on_start(&s)?;
                    log.start = Some(s);
                }
                None => break bad("a malformed START"),
            },
            kind::DATA => {
                if h.offset != t.stream {
                    break bad(&format!("stream offset {} where {} should be", h.offset, t.stream));
                }
                t.take(h.thread, &payload, sink)?;
                if h.boundaries != u64::MAX {
                    let Some(to) = (payload.len() as u64).checked_sub(h.unchecked) else {
                        break bad("more bytes behind the check than there are");
                    };
                    t.checks.push(Check { offset: h.offset + to, sum: h.sum, boundaries: h.boundaries });
                }
            }
            kind::SYNC => {
                if h.offset != t.sync.len() as u64 {
                    break bad(&format!("synchronization offset {} where {} should be", h.offset, t.sync.len()));
                }
                t.sync.extend_from_slice(&payload);
            }
            kind::THREAD_END => {
                if payload.len() != size_of::<ThreadEnd>() || u64_at(&payload, 0) != t.stream {
                    break bad("a malformed end of a thread");
                }
                t.ops = u64_at(&payload, 8);
                t.ended = true;
                t.checks.push(Check { offset: t.stream, sum: h.sum, boundaries: h.boundaries });
            }
            kind::ASYNC => {
                if payload.is_empty() || payload.len() % ASYNC_SIZE != 0 {
                    break bad("a malformed asynchronous event");
                }
                t.asyncs.extend(payload.chunks_exact(ASYNC_SIZE).map(|a| Async {
                    boundaries: u64_at(a, 0),
                    signal: u32_at(a, 8),
                    code: u32_at(a, 12) as i32,
                    info: [u64_at(a, 16), u64_at(a, 24)],
                    sp: u64_at(a, 32),
                }));
            }
            kind::FAULT => match payload[..].try_into() {
                Ok(fault) => t.faults.push(fault),
                Err(_) => break bad("a malformed fault"),
            },
            kind::END => {
                if payload.len() != END_SIZE || u64_at(&payload, 8) != t.stream || log.end.is_some() {
                    break bad("a malformed END");
                }
                let ops = u64_at(&payload, 16);
                let e = End {
                    reason: u32_at(&payload, 0),
                    status: u32_at(&payload, 4) as i32,
                    bytes: t.stream,
                    ops,
                    digests: [u64_at(&payload, 24), u64_at(&payload, 32)],
                    digested: u64_at(&payload, 40),
                };
                if matches!(e.reason, end::EXIT | end::IMMEDIATE_EXIT) {
                    t.checks.push(Check { offset: t.stream, sum: h.sum, boundaries: h.boundaries });
                }
                t.ops = ops;
                t.ended = e.reason != end::IO_ERROR;
                log.end = Some(e);
                log.end_thread = h.thread;
            }
            // Who reads it knows the rest already.
            kind::FORK => t.forked = h.thread != 0,
            k if k >= 0x80 => {}
            k => {
                return Err(Error::new("IT0602", format!("chunk kind {k} at byte {at} is not known to this version"))
                    .hint("replay it with the itarget that recorded it"));
            }
        }
        t.chunks += 1;
        let boundaries = Some(h.boundaries).filter(|b| *b != u64::MAX);
        t.boundaries = boundaries.or(t.boundaries);
        log.chunks.push(Chunk { at, thread: h.thread, kind: h.kind, len: h.len, boundaries });
        at += HEADER as u64 + u64::from(h.len);
    };
    if let Some(d) = problem {
        let lost = size.saturating_sub(d.at);
        if reading == Reading::Strict || log.start.is_none() {
            let e = Error::new(
                "IT0601",
                format!("the log is damaged at byte {}: {}; the last {lost} bytes are lost", d.at, d.what),
            );
            return Err(if log.start.is_some() { e.hint("`--until-damage` replays what comes before") } else { e });
        }
        log.damage = Some(d);
    }
    if log.start.is_none() {
        return Err(Error::new("IT0604", "the log has no START chunk: nothing was recorded").hint("record again"));
    }
    log.threads.extend(others.into_iter());
    // What follows the last chunk needs no logged value, so nothing else would end its replay: a
    // loop that waits for a signal, or what comes after the call in which the program was killed.
    for t in log.threads.values_mut().filter(|t| !t.ended && t.left == 0) {
        t.last_call = t.boundaries.map(|b| b.saturating_add(1));
    }
    if log.damage.is_none() {
        for ring in rings {
            salvage(&mut log, ring, sink)?;
        }
    }
    if let Some((number, _)) = log.threads.iter().find(|(_, t)| !t.ended && !t.salvaged_ring && t.left == 0).filter(|_| log.threads.len() > 1) {
        // How far a thread came is only known from its end or its ring: others would go on without it.
        return Err(Error::new("IT0626", format!("what is recorded of thread {number} has no end, and its ring file is missing or damaged"))
            .hint("a recording with threads replays only with all that was recorded of them; record again"));
    }
    log.stream = log.threads.values().map(|t| t.stream).sum();
    log.salvaged = log.threads.values().map(|t| t.salvaged).sum();
    Ok(log)
}

impl Thread {
    /// Appends to the stream.
    fn take(&mut self, number: u32, bytes: &[u8], sink: &mut dyn Write) -> Result<(), Error> {
        if number == 0 {
            sink.write_all(bytes).map_err(|e| sink_io(&e))?;
        } else {
            self.bytes.extend_from_slice(bytes);
        }
        self.stream += bytes.len() as u64;
        Ok(())
    }
}

/// True when a chunk header lies somewhere in the bytes.
fn next_header_in(bytes: &[u8]) -> bool {
    let magic = CHUNK_MAGIC.to_le_bytes();
    bytes.windows(24).any(|w| w[..4] == magic && u16_at(w, 4) == version::LOG)
}

fn hash_at(p: &[u8], at: usize) -> Option<[u8; 32]> {
    p.get(at..at + 32)?.try_into().ok()
}

fn parse_start(p: &[u8]) -> Option<Start> {
    let strings = p.get(START_FIXED..)?;
    let argc = u32_at(p, offset_of!(Fixed, argc)) as usize;
    let envc = u32_at(p, offset_of!(Fixed, envc)) as usize;
    let mut all = vec![];
    let mut rest = strings;
    while !rest.is_empty() {
        let n = rest.iter().position(|b| *b == 0)?;
        all.push(rest[..n].to_vec());
        rest = &rest[n + 1..];
    }
    if all.len() != argc.checked_add(envc)?.checked_add(1)? {
        return None;
    }
    let exe = all.pop()?;
    let env = all.split_off(argc);
    Some(Start {
        payload: p.to_vec(),
        abi: u32_at(p, offset_of!(Fixed, abi)),
        digest: u32_at(p, offset_of!(Fixed, digest)) != 0,
        full: u32_at(p, offset_of!(Fixed, full)) != 0,
        module: hash_at(p, offset_of!(Fixed, module))?,
        plan: hash_at(p, offset_of!(Fixed, plan))?,
        stack: u64_at(p, offset_of!(Fixed, stack)),
        libc: u32_at(p, offset_of!(Fixed, libc)),
        args: all,
        env,
        exe,
        pid: u32_at(p, offset_of!(Fixed, pid)) as i32,
        parent_pid: u32_at(p, offset_of!(Fixed, parent_pid)) as i32,
    })
}

/// Offsets of the fields of the control page.
mod control_at {
    use itarget_abi::control::Control;
    use std::mem::offset_of;
    pub const CUR: usize = offset_of!(Control, cur);
    pub const CHUNK_OFFSET: usize = offset_of!(Control, chunk_offset);
    pub const CHUNK_SEQ: usize = offset_of!(Control, chunk_seq);
    pub const CHUNK_START: usize = offset_of!(Control, chunk_start);
    pub const CLEAN: usize = offset_of!(Control, clean);
    pub const MAGIC: usize = offset_of!(Control, magic);
    pub const BOUNDARIES: usize = offset_of!(Control, boundaries);
    pub const IN_ENV: usize = offset_of!(Control, in_env);
    pub const ENDED: usize = offset_of!(Control, ended);
    pub const NUMBER: usize = offset_of!(Control, number);
    pub const OPS: usize = offset_of!(Control, ops);
    pub const SYNC_START: usize = offset_of!(Control, sync_start);
    pub const SYNC_CUR: usize = offset_of!(Control, sync_cur);
    pub const SYNC_OFFSET: usize = offset_of!(Control, sync_offset);
    pub const HITS: usize = offset_of!(Control, hits);
    pub const RUN: usize = offset_of!(Control, run);
    pub const MOST: usize = offset_of!(Control, most);
}

/// Takes the live chunk of a thread that did not end by itself. It carries no check: the program may have
/// died between an event and its checksum.
fn salvage(log: &mut Log, ring: &[u8], sink: &mut dyn Write) -> Result<(), Error> {
    let chunk_at = PAGE + SYNC_BUFFER as usize;
    let failed = ring.len() >= PAGE && u32_at(ring, control_at::ENDED) == end::IO_ERROR && log.end.is_none();
    if failed && u64_at(ring, control_at::NUMBER) == 0 && log.threads.get(&0).is_some_and(|t| t.left != 0) {
        // That thread is not the process's own.
        log.end = Some(End { reason: end::IO_ERROR, status: 0, bytes: 0, ops: 0, digests: [0; 2], digested: 0 });
    }
    if ring.len() <= chunk_at || u64_at(ring, control_at::MAGIC) != MAGIC || u32_at(ring, control_at::CLEAN) != 0 {
        return Ok(());
    }
    let number = u64_at(ring, control_at::NUMBER) as u32;
    let between = |from: usize, to: usize| u64_at(ring, to).checked_sub(u64_at(ring, from)).and_then(|n| usize::try_from(n).ok());
    let t = log.threads.entry(number).or_default();
    if t.ended {
        return Ok(());
    }
    t.ops = u64_at(ring, control_at::OPS);
    t.salvaged_ring = true;
    let sync = between(control_at::SYNC_START, control_at::SYNC_CUR).and_then(|n| ring[PAGE..chunk_at].get(..n));
    if let Some(sync) = sync.filter(|_| u64_at(ring, control_at::SYNC_OFFSET) == t.sync.len() as u64) {
        t.sync.extend_from_slice(sync);
    }
    let live = u64_at(ring, control_at::CHUNK_SEQ) == t.chunks && u64_at(ring, control_at::CHUNK_OFFSET) == t.stream;
    let bytes = between(control_at::CHUNK_START, control_at::CUR).and_then(|n| ring[chunk_at..].get(..n));
    if let (true, Some(bytes)) = (live, bytes) {
        let mut bytes = bytes.to_vec();
        // How many hits the open run has is beside it.
        let (left, long) = (u64_at(ring, control_at::HITS) as i64, u64_at(ring, control_at::MOST) == u64::from(view::most(true)));
        let run = between(control_at::CHUNK_START, control_at::RUN).and_then(|at| bytes.get_mut(at..)).unwrap_or_default();
        match run {
            [low, high, ..] if long => [*low, *high] = view::settled(u16::from_le_bytes([*low, *high]), view::most(true), left).to_le_bytes(),
            [run, ..] if !long => *run = view::settled(u16::from(*run), view::most(false), left) as u8,
            _ => {}
        }
        t.take(number, &bytes, sink)?;
        t.salvaged = bytes.len() as u64;
        let finished = u32_at(ring, control_at::IN_ENV) != 1;
        t.last_call = Some(u64_at(ring, control_at::BOUNDARIES).saturating_add(u64::from(finished)));
        // Killed (or out of room) while it wrote just this chunk: nothing of it is lost.
        if !bytes.is_empty() {
            log.truncated = None;
        }
        if number == 0 && u32_at(ring, control_at::ENDED) == end::IO_ERROR && log.end.is_none() {
            log.end = Some(End { reason: end::IO_ERROR, status: 0, bytes: t.stream, ops: t.ops, digests: [0; 2], digested: 0 });
        }
    }
    Ok(())
}

/// True when the first page of a ring says that the log holds everything.
#[must_use]
pub fn ring_is_clean(page: &[u8]) -> bool {
    page.len() >= PAGE && u64_at(page, control_at::MAGIC) == 0 && u32_at(page, control_at::CLEAN) == 1
}

/// True when the first page of the ring of a thread says that it serves none.
#[must_use]
pub fn ring_is_free(page: &[u8]) -> bool {
    page.len() >= PAGE && u64_at(page, control_at::MAGIC) == 0
}

/// Name of an end reason.
#[must_use]
pub fn reason(log: &Log) -> &'static str {
    match log.end.map_or(end::NONE, |e| e.reason) {
        end::EXIT => "exit",
        end::IMMEDIATE_EXIT => "immediate-exit",
        end::ABORT => "abort",
        end::EXEC => "exec",
        end::IO_ERROR => "io-error",
        end::REFUSED => "refused",
        end::ASSERT => "assert",
        end::NONE => "cut-off",
        _ => "unknown",
    }
}

#[cfg(test)]
#[path = "log_tests.rs"]
pub mod tests;
