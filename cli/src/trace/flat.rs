//! The decoded form of a log, in an anonymous file that the program at replay maps.

use super::log::{self, Log, Reading};
use crate::errors::Error;
use itarget_abi::log::flat::{Header, MAGIC};
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

const HEADER: u64 = size_of::<Header>() as u64;

/// Decodes the log in a trace directory into an anonymous file that child processes inherit.
///
/// # Errors
/// Those of [`log::read`].
pub fn decode(dir: &Path, reading: Reading) -> Result<(Log, File), Error> {
    let fd = rustix::fs::memfd_create("itarget-stream", rustix::fs::MemfdFlags::empty())
        .map_err(|e| Error::new("IT0607", format!("no memory for the decoded log: {e}")))?;
    let mut file = File::from(fd);
    let (input, size, ring) = open(dir)?;
    let log = build(&mut BufReader::new(input), size, &ring, reading, &mut file)?;
    Ok((log, file))
}

/// Reads the log in a trace directory for what it says, without keeping the stream.
///
/// # Errors
/// Those of [`log::read`].
pub fn inspect(dir: &Path, reading: Reading) -> Result<Log, Error> {
    let (input, size, ring) = open(dir)?;
    log::read(&mut BufReader::new(input), size, &ring, reading, &mut |_| Ok(()), &mut std::io::sink())
}

fn open(dir: &Path) -> Result<(File, u64, Vec<u8>), Error> {
    let path = dir.join("log");
    let file = File::open(&path).map_err(|e| {
        Error::new("IT0604", format!("{}: {e}", path.display())).hint("the program ended before it recorded anything, or this is no trace")
    })?;
    let size = file.metadata().map_err(|e| Error::new("IT0606", format!("{}: {e}", path.display())))?.len();
    // Without a live chunk there is nothing to salvage.
    let ring = std::fs::read(dir.join("ring")).unwrap_or_default();
    Ok((file, size, ring))
}

/// Writes the flat form of a log to `out` (from offset 0).
///
/// # Errors
/// Those of [`log::read`].
pub fn build<F: Read + Write + Seek>(
    input: &mut dyn Read,
    size: u64,
    ring: &[u8],
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
        log::read(input, size, ring, reading, &mut on_start, &mut Sink(&shared))?
    };
    let mut w = shared.into_inner();
    let end = stream_at + log.stream;
    let checks = end.next_multiple_of(8);
    let asyncs = checks + 24 * log.checks.len() as u64;
    let total = asyncs + 40 * log.asyncs.len() as u64;
    let mut tail = vec![0; (checks - end) as usize];
    for c in &log.checks {
        for v in [c.offset, c.sum, c.boundaries] {
            tail.extend(v.to_le_bytes());
        }
    }
    for a in &log.asyncs {
        tail.extend(a.boundaries.to_le_bytes());
        tail.extend(a.signal.to_le_bytes());
        tail.extend(a.code.to_le_bytes());
        tail.extend(a.info[0].to_le_bytes());
        tail.extend(a.info[1].to_le_bytes());
        tail.extend(a.sp.to_le_bytes());
    }
    w.write_all(&tail).map_err(io)?;
    let mut h = vec![];
    let start_len = log.start.as_ref().map_or(0, |s| s.payload.len() as u64);
    for v in [
        MAGIC,
        total,
        checks,
        log.checks.len() as u64,
        asyncs,
        log.asyncs.len() as u64,
        start_at,
        start_len,
        stream_at,
        log.stream,
        log.last_call.unwrap_or(u64::MAX),
    ] {
        h.extend(v.to_le_bytes());
    }
    h.extend(log.end.map_or(0, |e| e.reason).to_le_bytes());
    h.extend(log.end.map_or(0, |e| e.status).to_le_bytes());
    debug_assert_eq!(h.len() as u64, HEADER);
    w.seek(SeekFrom::Start(0)).map_err(io)?;
    w.write_all(&h).map_err(io)?;
    w.flush().map_err(io)?;
    Ok(log)
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
        build(&mut &bytes[..], bytes.len() as u64, &[], Reading::Strict, &mut out).expect("good");
        let f = out.into_inner();
        let word = |at: usize| u64::from_le_bytes(f[at..at + 8].try_into().expect("8 bytes"));
        let field = |at: usize| word(at) as usize;
        assert_eq!(word(0), MAGIC);
        assert_eq!(field(offset_of!(Header, total)), f.len());
        assert_eq!(&f[field(offset_of!(Header, stream))..][..field(offset_of!(Header, stream_len))], b"helloworld");
        let start = &f[field(offset_of!(Header, start))..][..field(offset_of!(Header, start_len))];
        assert!(start.ends_with(b"prog\0arg\0A=b\0"));
        let checks = field(offset_of!(Header, checks));
        assert_eq!((field(offset_of!(Header, check_count)), word(checks), word(checks + 24)), (2, 5, 10));
        assert_eq!(word(field(offset_of!(Header, asyncs))), 0x0505_0505_0505_0505);
        for at in [offset_of!(Header, stream), offset_of!(Header, checks), offset_of!(Header, asyncs)] {
            assert_eq!(word(at) % 8, 0);
        }
        let reason = offset_of!(Header, end_reason);
        assert_eq!(&f[reason..reason + 8], [1, 0, 0, 0, 3, 0, 0, 0]);
    }
}
