//! Packed logs: what stands in the file `log` of a process is compressed (LZ4), piece by piece from its beginning, into the
//! file `log.lz4` beside it, and the room of each piece in `log` is given back to the disk.
//!
//! `log.lz4` is a sequence of pieces, each a header of 16 bytes ("ITLZ", bytes of the piece, bytes compressed, CRC-32C of
//! the two and of what is compressed; little-endian) and an LZ4 block. A piece that was not written wholly
//! counts as not there: what it would hold is given up in `log` only afterwards.

use super::log::{fill, u32_at};
use crate::errors::Error;
use rustix::fs::{FallocateFlags, SeekFrom as Seek, fallocate, seek};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufReader, ErrorKind, Read, Result, Seek as _, SeekFrom, Write};
use std::path::Path;

/// Bytes of `log` in a piece; the last one may be shorter. A multiple of the blocks of file systems.
pub const PIECE: u64 = 4 << 20;
const MAGIC: [u8; 4] = *b"ITLZ";
const HEAD: usize = 16;

/// Name of the file of pieces.
pub const NAME: &str = "log.lz4";

fn checksum(head: &[u8], packed: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&head[..12]), packed)
}

fn damaged(what: &str) -> std::io::Error {
    std::io::Error::new(ErrorKind::InvalidData, format!("{NAME} is damaged: {what}"))
}

/// What whole pieces hold.
#[derive(Clone, Copy)]
struct Extent {
    /// Bytes of the log.
    raw: u64,
    /// Bytes of the file of pieces.
    packed: u64,
    /// Something else follows them than a piece that was cut off while it was written (then `log` has the bytes that it would hold).
    damaged: bool,
}

impl Extent {
    /// The same, unless pieces are damaged.
    fn whole(self) -> Result<Extent> {
        if self.damaged { Err(damaged(HEADS)) } else { Ok(self) }
    }
}

const HEADS: &str = "a piece has no end, or another head";

fn extent(pieces: &mut File, log: Option<&File>) -> Result<Extent> {
    let size = pieces.metadata()?.len();
    let (mut raw, mut at, mut last) = (0, 0, 0);
    let mut head = [0; HEAD];
    while at + HEAD as u64 <= size {
        pieces.seek(SeekFrom::Start(at))?;
        pieces.read_exact(&mut head)?;
        let next = at + HEAD as u64 + u64::from(u32_at(&head, 8));
        let held = u64::from(u32_at(&head, 4));
        // Only the last piece is shorter.
        if head[..4] != MAGIC || next > size || held > PIECE || (held < PIECE && next < size) {
            break;
        }
        raw += held;
        (last, at) = (at, next);
    }
    // Room that was given back is a hole.
    let intact = |next: Result<bool>| match next {
        Err(e) if e.kind() == ErrorKind::InvalidData => Ok(false),
        other => other,
    };
    let there = |log: &File| seek(log, Seek::Data(raw)).is_ok_and(|data| data == raw);
    let mut damaged = false;
    if at < size {
        // A head that is not what was written leads to no piece.
        pieces.seek(SeekFrom::Start(last))?;
        let mut before = Pieces { file: pieces.take(at - last), _lock: (), piece: vec![], at: 0 };
        damaged = !log.is_some_and(there) || (at > 0 && !intact(before.next())?);
    } else if let Some(log) = log.filter(|_| at == 0) {
        // A log does not begin with a hole: pieces were lost.
        damaged = log.metadata()?.len() > 0 && seek(log, Seek::Data(0)).is_ok_and(|data| data > 0);
    }
    Ok(Extent { raw, packed: at, damaged })
}

/// The log of a process, whether it is packed or not, and its bytes. Nobody packs it while it is read.
///
/// # Errors
/// IT0601: it is damaged; IT0604: there is none; IT0606: it can't be read.
pub fn open(process: &Path) -> std::result::Result<(Box<dyn Read>, u64), Error> {
    let path = process.join("log");
    let said = |e: std::io::Error| {
        let at = path.display();
        match e.kind() {
            ErrorKind::InvalidData => Error::new("IT0601", format!("{at}: {e}")),
            ErrorKind::NotFound => {
                Error::new("IT0604", format!("{at}: {e}")).hint("the program ended before it recorded anything, or this is no trace")
            }
            _ => Error::new("IT0606", format!("{at}: {e}")),
        }
    };
    let (pieces, log) = files(process).map_err(said)?;
    let Some(mut pieces) = pieces else {
        let log = log.ok_or_else(|| said(ErrorKind::NotFound.into()))?;
        let size = log.metadata().map_err(said)?.len();
        return Ok((Box::new(BufReader::new(log)), size));
    };
    let Extent { raw, packed: bytes, damaged: broken } = extent(&mut pieces, log.as_ref()).map_err(said)?;
    pieces.seek(SeekFrom::Start(0)).map_err(said)?;
    // The lock goes with the descriptor, which is open until the log is read.
    let lock = pieces.try_clone().map_err(said)?;
    let packed = Pieces { file: BufReader::new(pieces.take(bytes)), _lock: lock, piece: Vec::new(), at: 0 };
    match log {
        // What whole pieces hold can be read, and then it is said. What is lost is a piece at least.
        _ if broken => Ok((Box::new(packed.chain(Lost)), raw + PIECE)),
        None => Ok((Box::new(packed), raw)),
        Some(mut log) => {
            let size = log.metadata().map_err(said)?.len();
            log.seek(SeekFrom::Start(raw)).map_err(said)?;
            Ok((Box::new(packed.chain(BufReader::new(log))), size.max(raw)))
        }
    }
}

/// `log.lz4`, locked for reading, and `log`.
fn files(process: &Path) -> Result<(Option<File>, Option<File>)> {
    let there = |name: &str| match File::open(process.join(name)) {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    };
    let pieces = there(NAME)?;
    if let Some(pieces) = &pieces {
        pieces.lock_shared()?;
    }
    Ok((pieces, there("log")?))
}

/// Bytes that the log of a process takes: packed and not.
#[must_use]
pub fn bytes(process: &Path) -> u64 {
    let size = |name: &str| process.join(name).metadata().map_or(0, |m| m.len());
    let packed = files(process).and_then(|(pieces, log)| pieces.map(|mut f| extent(&mut f, log.as_ref())).transpose());
    match packed {
        Ok(Some(e)) => e.packed + size("log").saturating_sub(e.raw),
        _ => size("log"),
    }
}

/// In the place of a damaged piece.
struct Lost;

impl Read for Lost {
    fn read(&mut self, _: &mut [u8]) -> Result<usize> {
        Err(damaged(HEADS))
    }
}

/// What pieces hold, in their order.
struct Pieces<R, L> {
    file: R,
    _lock: L,
    piece: Vec<u8>,
    at: usize,
}

impl<R: Read, L> Pieces<R, L> {
    fn next(&mut self) -> Result<bool> {
        let damaged = || damaged("a piece is not what was written");
        let mut head = [0; HEAD];
        match fill(&mut self.file, &mut head)? {
            0 => return Ok(false),
            HEAD => {}
            _ => return Err(damaged()),
        }
        let (raw, len) = (u32_at(&head, 4) as usize, u32_at(&head, 8) as usize);
        // Neither is more than what a piece can be.
        if raw as u64 > PIECE || len > lz4_flex::block::get_maximum_output_size(PIECE as usize) {
            return Err(damaged());
        }
        let mut packed = vec![0; len];
        if fill(&mut self.file, &mut packed)? != len || checksum(&head, &packed) != u32_at(&head, 12) {
            return Err(damaged());
        }
        self.piece = lz4_flex::block::decompress(&packed, raw).map_err(|_| damaged())?;
        self.at = 0;
        Ok(true)
    }
}

impl<R: Read, L> Read for Pieces<R, L> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        while self.at == self.piece.len() {
            if !self.next()? {
                return Ok(0);
            }
        }
        let n = buffer.len().min(self.piece.len() - self.at);
        buffer[..n].copy_from_slice(&self.piece[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}

/// Packs the log of one process, while it grows or later.
pub struct Packer {
    log: File,
    pieces: File,
    /// Bytes of the log that are packed.
    done: u64,
    /// Bytes of the pieces.
    written: u64,
}

impl Packer {
    /// Goes on where pieces that are there end.
    ///
    /// # Errors
    /// A file that can't be read or written, or is damaged.
    pub fn open(process: &Path) -> Result<Packer> {
        let log = OpenOptions::new().read(true).write(true).open(process.join("log"))?;
        let pieces = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(process.join(NAME))?;
        Ok(Packer { log, pieces, done: 0, written: u64::MAX })
    }

    /// Packs a piece, unless there is none without the last `keep` bytes of the log, or somebody reads or packs it. Returns whether it did.
    ///
    /// # Errors
    /// A disk that is full: what was packed before stays, and so does the rest of the log.
    pub fn step(&mut self, keep: u64) -> Result<bool> {
        match self.lock() {
            Err(e) if e.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(e) => Err(e),
            Ok(()) => {
                let there = self.log.metadata()?.len() >= self.done + PIECE + keep;
                let packed = if there { self.piece(PIECE, false) } else { Ok(()) };
                self.pieces.unlock()?;
                packed.map(|()| there)
            }
        }
    }

    /// Packs what is left. Nobody may write the log any more. Every piece is on the disk before its room is given back.
    ///
    /// # Errors
    /// As [`Packer::step`]; `WouldBlock`: somebody reads or packs it.
    pub fn finish(&mut self) -> Result<()> {
        loop {
            self.lock()?;
            let left = self.log.metadata()?.len().saturating_sub(self.done).min(PIECE);
            let packed = if left == 0 { self.pieces.sync_all() } else { self.piece(left, true) };
            self.pieces.unlock()?;
            packed?;
            if left == 0 {
                return Ok(());
            }
        }
    }

    /// Keeps others away, and finds out where the pieces end, if others packed meanwhile.
    fn lock(&mut self) -> Result<()> {
        self.pieces.try_lock().map_err(|e| match e {
            TryLockError::WouldBlock => ErrorKind::WouldBlock.into(),
            TryLockError::Error(e) => e,
        })?;
        if self.pieces.metadata()?.len() != self.written {
            let whole = extent(&mut self.pieces, Some(&self.log))?.whole()?;
            (self.done, self.written) = (whole.raw, whole.packed);
            self.pieces.set_len(self.written)?;
        }
        Ok(())
    }

    fn piece(&mut self, len: u64, safe: bool) -> Result<()> {
        let mut raw = vec![0; usize::try_from(len).unwrap_or(0)];
        self.log.seek(SeekFrom::Start(self.done))?;
        self.log.read_exact(&mut raw)?;
        let packed = lz4_flex::block::compress(&raw);
        let mut head = [0; HEAD];
        head[..4].copy_from_slice(&MAGIC);
        head[4..8].copy_from_slice(&(raw.len() as u32).to_le_bytes());
        head[8..12].copy_from_slice(&(packed.len() as u32).to_le_bytes());
        let sum = checksum(&head, &packed);
        head[12..].copy_from_slice(&sum.to_le_bytes());
        self.pieces.seek(SeekFrom::Start(self.written))?;
        let written = self.pieces.write_all(&head).and_then(|()| self.pieces.write_all(&packed));
        if let Err(e) = written {
            // What does not fit is cut off again.
            let _ = self.pieces.set_len(self.written);
            return Err(e);
        }
        self.written += HEAD as u64 + packed.len() as u64;
        if safe {
            self.pieces.sync_data()?;
        }
        // A file system that can't give room back keeps it.
        let _ = fallocate(&self.log, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, self.done, len);
        self.done += len;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(bytes: usize) -> Vec<u8> {
        (0..bytes).map(|i| (i / 7 % 251) as u8).collect()
    }

    fn read(dir: &Path) -> std::result::Result<Vec<u8>, String> {
        let (mut input, size) = open(dir).map_err(|e| e.code.to_string())?;
        let mut all = vec![];
        input.read_to_end(&mut all).map_err(|e| e.to_string())?;
        assert_eq!(all.len() as u64, size);
        Ok(all)
    }

    #[test]
    fn a_log_that_grows_is_packed_from_its_beginning() {
        let dir = tempfile::tempdir().expect("a directory");
        let text = sample(3 * PIECE as usize + 1000);
        let log = dir.path().join("log");
        std::fs::write(&log, &text[..2 * PIECE as usize]).expect("written");
        let mut packer = Packer::open(dir.path()).expect("opens");
        assert!(packer.step(PIECE).expect("room") && !packer.step(PIECE).expect("room"));
        assert_eq!(read(dir.path()).expect("whole"), text[..2 * PIECE as usize]);
        let mut more = OpenOptions::new().append(true).open(&log).expect("there");
        more.write_all(&text[2 * PIECE as usize..]).expect("room");
        // Another packer goes on where the first one stopped.
        let mut packer = Packer::open(dir.path()).expect("opens");
        packer.finish().expect("room");
        assert_eq!(read(dir.path()).expect("whole"), text);
        assert!(bytes(dir.path()) < text.len() as u64 / 10);
        std::fs::remove_file(&log).expect("there");
        assert_eq!(read(dir.path()).expect("whole"), text);
    }

    #[test]
    fn a_piece_that_was_cut_off_is_in_the_log_still() {
        let dir = tempfile::tempdir().expect("a directory");
        let text = sample(2 * PIECE as usize);
        std::fs::write(dir.path().join("log"), &text).expect("written");
        Packer::open(dir.path()).and_then(|mut p| p.step(PIECE)).expect("room");
        let pieces = dir.path().join(NAME);
        let whole = std::fs::read(&pieces).expect("there");
        let mut f = OpenOptions::new().append(true).open(&pieces).expect("there");
        f.write_all(b"ITLZ\0\0\x40\0\xff\xff\0\0....rest").expect("room");
        assert_eq!(read(dir.path()).expect("whole"), text);
        // Nothing is thrown away that stands nowhere else: neither a reader nor a packer takes a damaged piece for one that was cut off.
        let good = std::fs::read(&pieces).expect("there");
        for at in [0, 5, 9, 100] {
            let mut bad = good.clone();
            bad[at] ^= 0x41;
            std::fs::write(&pieces, &bad).expect("written");
            assert!(read(dir.path()).expect_err("damaged").starts_with(NAME), "byte {at}");
            let packed = Packer::open(dir.path()).and_then(|mut p| p.finish());
            assert_eq!(packed.expect_err("damaged").kind(), ErrorKind::InvalidData, "byte {at}");
            assert_eq!(std::fs::read(&pieces).expect("there"), bad, "byte {at}");
        }
        let mut bad = whole;
        bad[100] ^= 0x41;
        std::fs::write(&pieces, &bad).expect("written");
        assert!(read(dir.path()).expect_err("damaged").starts_with(NAME));
    }

    #[test]
    fn one_packs_at_a_time() {
        let dir = tempfile::tempdir().expect("a directory");
        let text = sample(3 * PIECE as usize);
        std::fs::write(dir.path().join("log"), &text).expect("written");
        let (mut one, mut other) = (Packer::open(dir.path()).expect("opens"), Packer::open(dir.path()).expect("opens"));
        assert!(one.step(0).expect("room"));
        assert!(other.step(0).expect("room"));
        let reader = open(dir.path()).expect("opens");
        assert!(!one.step(0).expect("room"), "it is read");
        assert_eq!(other.finish().expect_err("it is read").kind(), ErrorKind::WouldBlock);
        drop(reader);
        assert!(one.step(0).expect("room"));
        one.finish().expect("room");
        other.finish().expect("nothing is left");
        assert_eq!(read(dir.path()).expect("whole"), text);
    }
}
