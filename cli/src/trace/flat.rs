//! The decoded form of a log, in an anonymous file that the program at replay maps.

use super::log::{self, Log, Reading, Thread};
use super::{packed, process};
use crate::errors::Error;
use super::process::Origin;
use itarget_abi::log::Left;
use itarget_abi::log::flat::{FORKED, Header, MAGIC, Part};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

const HEADER: u64 = size_of::<Header>() as u64;

/// Decodes the log of a process of a trace into an anonymous file that child processes inherit.
///
/// # Errors
/// Those of [`log::read`] and [`process::origin`]; IT0627: there is no such process.
pub fn decode(dir: &Path, process: u32, reading: Reading) -> Result<(Log, File), Error> {
    let fd = rustix::fs::memfd_create("itarget-stream", rustix::fs::MemfdFlags::empty())
        .map_err(|e| Error::new("IT0607", format!("no memory for the decoded log: {e}")))?;
    let mut file = File::from(fd);
    let mut input = open(dir, process)?;
    let others = others(dir, process, reading)?;
    let log = build(&mut input.chunks, input.size, (&input.rings, others), reading, &mut file)?;
    Ok((log, file))
}

/// Reads the log of a process of a trace for what it says, without keeping the stream.
///
/// # Errors
/// As [`decode`].
pub fn inspect(dir: &Path, process: u32, reading: Reading) -> Result<Log, Error> {
    inspect_into(dir, process, reading, &mut std::io::sink())
}

/// The same, with the main thread's stream, unless that was left behind.
fn inspect_into(dir: &Path, process: u32, reading: Reading, main: &mut dyn Write) -> Result<Log, Error> {
    let mut input = open(dir, process)?;
    let others = others(dir, process, reading)?;
    log::read(&mut input.chunks, input.size, (&input.rings, others), reading, &mut |_| Ok(()), main)
}

/// The threads that the parent of a process had beside the fork, or before it: what the parent's whole log says of them.
fn others(dir: &Path, process: u32, reading: Reading) -> Result<BTreeMap<u32, Thread>, Error> {
    let Some(Origin { fork, thread: own, left }) = process::origin(dir, process)?.filter(|origin| !origin.left.is_empty()) else {
        return Ok(BTreeMap::new());
    };
    let mut main = vec![];
    let mut threads = match own {
        0 => inspect(dir, fork.parent, reading)?.threads,
        _ => inspect_into(dir, fork.parent, reading, &mut main)?.threads,
    };
    if let Some(t) = threads.get_mut(&0).filter(|t| t.left == 0) {
        t.bytes = main;
    }
    threads.retain(|number, _| *number < fork.threads && *number != own);
    for Left { thread, ops } in left {
        // One of which nothing was recorded had not begun.
        let number = u32::try_from(thread).unwrap_or(u32::MAX);
        let t = threads.entry(number).or_default();
        if t.left == 0 {
            t.left = u64::from(fork.threads);
        }
        if t.ops < ops {
            let (process, there) = (fork.parent, t.ops);
            return Err(Error::new(
                "IT0601",
                format!("process {process} had thread {number} do {ops} operations when process {} was forked, its log has {there}", fork.number),
            ));
        }
        t.ops = ops;
    }
    Ok(threads)
}

/// What was recorded of a process.
struct Input {
    /// The chunks of its ancestors that come before its own, then these.
    chunks: Box<dyn Read>,
    /// Bytes of them.
    size: u64,
    /// Its live chunks.
    rings: Vec<Vec<u8>>,
}

fn open(dir: &Path, process: u32) -> Result<Input, Error> {
    let own = process::directory(dir, process);
    // Without live chunks there is nothing to salvage.
    let rings = rings(&own).iter().filter_map(|ring| std::fs::read(ring).ok()).collect();
    let mut input = Input { chunks: Box::new(std::io::empty()), size: 0, rings };
    // The newest first: directory, bytes that come before the log of the child.
    let mut logs = vec![(own, u64::MAX)];
    let mut at = process;
    while at > 0 {
        if !process::directory(dir, at).is_dir() {
            return Err(match at == process {
                true => Error::new("IT0627", format!("nothing is recorded of a process {at}")).hint("`itarget ps` lists the processes of a trace"),
                false => Error::new("IT0601", format!("the log of process {at}, a parent of process {process}, is missing")),
            });
        }
        let Some(Origin { fork, .. }) = process::origin(dir, at)? else { break };
        at = fork.parent;
        logs.push((process::directory(dir, at), fork.before));
    }
    for (own, before) in &logs {
        let (_, size) = packed::open(own)?;
        if *before != u64::MAX && size < *before {
            return Err(Error::new("IT0601", format!("{} is shorter than it was when a child was started: {size} bytes, {before} then", own.display())));
        }
        input.size = input.size.saturating_add(size.min(*before));
    }
    input.chunks = Box::new(Logs { left: logs, now: None });
    Ok(input)
}

/// The logs of a process and its ancestors, the oldest last in `left`, opened one after the other.
struct Logs {
    left: Vec<(PathBuf, u64)>,
    now: Option<Box<dyn Read>>,
}

impl Read for Logs {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            if let Some(now) = &mut self.now {
                let n = now.read(buffer)?;
                if n > 0 || buffer.is_empty() {
                    return Ok(n);
                }
            }
            let Some((own, before)) = self.left.pop() else { return Ok(0) };
            let (chunks, _) = packed::open(&own).map_err(|e| std::io::Error::other(e.to_string()))?;
            self.now = Some(Box::new(chunks.take(before)));
        }
    }
}

/// The ring files of a trace, the main thread's first.
#[must_use]
pub fn rings(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.path());
    let is_ring = |path: &PathBuf| path.file_name().and_then(|n| n.to_str()).is_some_and(|n| n == "ring" || n.starts_with("ring."));
    let mut rings: Vec<PathBuf> = entries.filter(is_ring).collect();
    rings.sort();
    rings
}

/// Writes the flat form of a log to `out` (from offset 0).
///
/// # Errors
/// Those of [`log::read`].
pub fn build<F: Read + Write + Seek>(
    input: &mut dyn Read,
    size: u64,
    rings: (&[Vec<u8>], BTreeMap<u32, Thread>),
    reading: Reading,
    out: &mut F,
) -> Result<Log, Error> {
    let io = |e: std::io::Error| Error::new("IT0607", format!("no memory for the decoded log: {e}"));
    let mut start_at = 0;
    let mut stream_at = 0;
    let mut shared = std::cell::RefCell::new(BufWriter::with_capacity(1 << 16, out));
    shared.get_mut().write_all(&[0; HEADER as usize]).map_err(io)?;
    let log = {
        struct Sink<'a, W: Write>(&'a std::cell::RefCell<W>);
        impl<W: Write> Write for Sink<'_, W> {
            fn write(&mut self, b: &[u8]) -> std::io::Result<usize> {
                self.0.borrow_mut().write(b)
            }
            fn flush(&mut self) -> std::io::Result<()> {
                self.0.borrow_mut().flush()
            }
        }
        let mut on_start = |s: &log::Start| {
            start_at = HEADER;
            stream_at = (HEADER + s.payload.len() as u64).next_multiple_of(8);
            let mut padded = s.payload.clone();
            padded.resize((stream_at - HEADER) as usize, 0);
            shared.borrow_mut().write_all(&padded).map_err(io)
        };
        log::read(input, size, rings, reading, &mut on_start, &mut Sink(&shared))?
    };
    let mut w = shared.into_inner();
    let mut at = stream_at;
    let mut parts: Vec<Part> = vec![];
    for (number, t) in &log.threads {
        let mut part = Part { number: u64::from(*number), stream: at, stream_len: t.stream, ops: t.ops, ..Part::default() };
        part.last_call = t.last_call.unwrap_or(u64::MAX);
        part.left = t.left | if t.forked { FORKED } else { 0 };
        // The main thread's stream is there already, if it is the process's own.
        w.write_all(&t.bytes).map_err(io)?;
        at += t.stream;
        let rest = rest(t, at, &mut part);
        w.write_all(&rest).map_err(io)?;
        at += rest.len() as u64;
        parts.push(part);
    }
    let mut table = vec![];
    for p in &parts {
        for v in [
            p.number, p.stream, p.stream_len, p.checks, p.check_count, p.asyncs, p.async_count, p.faults, p.fault_count, p.sync, p.sync_len, p.ops, p.last_call, p.left,
        ] {
            table.extend(v.to_le_bytes());
        }
    }
    w.write_all(&table).map_err(io)?;
    let total = at + table.len() as u64;
    let mut h = vec![];
    let start_len = log.start.as_ref().map_or(0, |s| s.payload.len() as u64);
    for v in [MAGIC, total, start_at, start_len, at, parts.len() as u64, u64::from(log.end_thread)] {
        h.extend(v.to_le_bytes());
    }
    h.extend(log.end.map_or(0, |e| e.reason).to_le_bytes());
    h.extend(log.end.map_or(0, |e| e.status).to_le_bytes());
    let [globals, heap] = log.end.map_or([0; 2], |e| e.digests);
    for v in [globals, heap, log.end.map_or(0, |e| e.digested)] {
        h.extend(v.to_le_bytes());
    }
    debug_assert_eq!(h.len() as u64, HEADER);
    w.seek(SeekFrom::Start(0)).map_err(io)?;
    w.write_all(&h).map_err(io)?;
    w.flush().map_err(io)?;
    Ok(log)
}

/// What follows a thread's stream, which ends at `from`.
fn rest(t: &Thread, from: u64, part: &mut Part) -> Vec<u8> {
    let mut rest = vec![];
    let align = |rest: &mut Vec<u8>| {
        let here = from + rest.len() as u64;
        rest.resize(rest.len() + (here.next_multiple_of(8) - here) as usize, 0);
        from + rest.len() as u64
    };
    part.checks = align(&mut rest);
    part.check_count = t.checks.len() as u64;
    for c in &t.checks {
        for v in [c.offset, c.sum, c.boundaries] {
            rest.extend(v.to_le_bytes());
        }
    }
    part.asyncs = align(&mut rest);
    part.async_count = t.asyncs.len() as u64;
    for a in &t.asyncs {
        rest.extend(a.boundaries.to_le_bytes());
        rest.extend(a.signal.to_le_bytes());
        rest.extend(a.code.to_le_bytes());
        rest.extend(a.info[0].to_le_bytes());
        rest.extend(a.info[1].to_le_bytes());
        rest.extend(a.sp.to_le_bytes());
    }
    part.faults = align(&mut rest);
    part.fault_count = t.faults.len() as u64;
    rest.extend(t.faults.iter().flatten());
    part.sync = align(&mut rest);
    part.sync_len = t.sync.len() as u64;
    rest.extend_from_slice(&t.sync);
    align(&mut rest);
    rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::log::tests::sample;
    use std::io::Cursor;
    use std::mem::offset_of;

    #[test]
    fn parts_are_where_the_header_says() {
        let bytes = sample();
        let mut out = Cursor::new(vec![]);
        build(&mut &bytes[..], bytes.len() as u64, (&[], BTreeMap::new()), Reading::Strict, &mut out).expect("good");
        let f = out.into_inner();
        let word = |at: usize| u64::from_le_bytes(f[at..at + 8].try_into().expect("8 bytes"));
        let field = |at: usize| word(at) as usize;
        assert_eq!(word(0), MAGIC);
        assert_eq!(field(offset_of!(Header, total)), f.len());
        let start = &f[field(offset_of!(Header, start))..][..field(offset_of!(Header, start_len))];
        assert!(start.ends_with(b"prog\0arg\0A=b\0/bin/prog\0"));
        assert_eq!(word(offset_of!(Header, part_count)), 1);
        let part = field(offset_of!(Header, parts));
        let of = |at: usize| field(part + at);
        assert_eq!(&f[of(offset_of!(Part, stream))..][..of(offset_of!(Part, stream_len))], b"helloworld");
        let checks = of(offset_of!(Part, checks));
        assert_eq!((of(offset_of!(Part, check_count)), word(checks), word(checks + 24)), (2, 5, 10));
        assert_eq!(word(of(offset_of!(Part, asyncs))), 0x0505_0505_0505_0505);
        for at in [offset_of!(Part, checks), offset_of!(Part, asyncs), offset_of!(Part, faults), offset_of!(Part, sync)] {
            assert_eq!(of(at) % 8, 0);
        }
        let reason = offset_of!(Header, end_reason);
        assert_eq!(&f[reason..reason + 8], [1, 0, 0, 0, 3, 0, 0, 0]);
        let digests = offset_of!(Header, end_digests);
        assert_eq!((word(digests), word(digests + 8), word(offset_of!(Header, end_digested))), (8, 9, 1));
    }
}
