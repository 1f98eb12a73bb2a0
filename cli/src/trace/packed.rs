//! Packed logs: what stands in the file `log` of a process is compressed (LZ4), piece by piece from its beginning, into the
//! file `log.lz4` beside it, and the room of each piece in `log` is given back to the disk.
//!
//! `log.lz4` is a sequence of pieces, each a header of 16 bytes ("ITLZ", bytes of the piece, bytes compressed, CRC-32C of
//! the two and of what is compressed; little-endian) and an LZ4 block. A piece that was not written wholly
//! counts as not there: what it would hold is given up in `log` only afterwards.

use crate::errors::Error;
use rustix::fs::{FallocateFlags, fallocate};
use std::fs::{File, OpenOptions};
use std::io::{BufReader, ErrorKind, Read, Result, Seek, SeekFrom, Write};
use std::path::Path;

/// Bytes of `log` in a piece; the last one may be shorter. A multiple of the blocks of file systems.
pub const PIECE: u64 = 4 << 20;
const MAGIC: [u8; 4] = *b"ITLZ";
const HEAD: usize = 16;

/// Name of the file of pieces.
pub const NAME: &str = "log.lz4";

fn word(head: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(head[at..at + 4].try_into().unwrap_or_default())
}

fn checksum(head: &[u8], packed: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&head[..12]), packed)
}

/// Reads up to `buffer.len()` bytes; less only at the end of the file.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> Result<usize> {
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

/// What whole pieces hold: bytes of the log, bytes of the file.
fn extent(file: &mut File) -> Result<(u64, u64)> {
    let size = file.metadata()?.len();
    let (mut raw, mut at) = (0, 0);
    let mut head = [0; HEAD];
    while at + HEAD as u64 <= size {
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut head)?;
        let next = at + HEAD as u64 + u64::from(word(&head, 8));
        if head[..4] != MAGIC || next > size {
            break;
        }
        raw += u64::from(word(&head, 4));
        at = next;
    }
    Ok((raw, at))
}

/// The log of a process, whether it is packed or not, and its bytes.
///
/// # Errors
/// IT0604: there is none; IT0606: it can't be read.
pub fn open(process: &Path) -> std::result::Result<(Box<dyn Read>, u64), Error> {
    let path = process.join("log");
    let unreadable = |e: std::io::Error| Error::new("IT0606", format!("{}: {e}", path.display()));
    let missing = |e: &dyn std::fmt::Display| {
        Error::new("IT0604", format!("{}: {e}", path.display())).hint("the program ended before it recorded anything, or this is no trace")
    };
    let Ok(mut pieces) = File::open(process.join(NAME)) else {
        let log = File::open(&path).map_err(|e| missing(&e))?;
        let size = log.metadata().map_err(unreadable)?.len();
        return Ok((Box::new(BufReader::new(log)), size));
    };
    let (raw, bytes) = extent(&mut pieces).map_err(unreadable)?;
    pieces.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    let packed = Pieces { file: BufReader::new(pieces.take(bytes)), piece: Vec::new(), at: 0 };
    match File::open(&path) {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok((Box::new(packed), raw)),
        Err(e) => Err(missing(&e)),
        Ok(mut log) => {
            let size = log.metadata().map_err(unreadable)?.len();
            log.seek(SeekFrom::Start(raw)).map_err(unreadable)?;
            Ok((Box::new(packed.chain(BufReader::new(log))), size.max(raw)))
        }
    }
}

/// Bytes that the log of a process takes on the disk.
#[must_use]
pub fn bytes(process: &Path) -> u64 {
    let size = |name: &str| process.join(name).metadata().map_or(0, |m| m.len());
    let packed = File::open(process.join(NAME)).and_then(|mut f| extent(&mut f));
    match packed {
        Ok((raw, bytes)) => bytes + size("log").saturating_sub(raw),
        Err(_) => size("log"),
    }
}

/// What pieces hold, in their order.
struct Pieces<R> {
    file: R,
    piece: Vec<u8>,
    at: usize,
}

impl<R: Read> Pieces<R> {
    fn next(&mut self) -> Result<bool> {
        let damaged = || std::io::Error::new(ErrorKind::InvalidData, format!("a piece of {NAME} is damaged"));
        let mut head = [0; HEAD];
        match fill(&mut self.file, &mut head)? {
            0 => return Ok(false),
            HEAD => {}
            _ => return Err(damaged()),
        }
        let (raw, len) = (word(&head, 4) as usize, word(&head, 8) as usize);
        // Neither is more than what a piece can be.
        if raw as u64 > PIECE || len > lz4_flex::block::get_maximum_output_size(PIECE as usize) {
            return Err(damaged());
        }
        let mut packed = vec![0; len];
        if fill(&mut self.file, &mut packed)? != len || checksum(&head, &packed) != word(&head, 12) {
            return Err(damaged());
        }
        self.piece = lz4_flex::block::decompress(&packed, raw).map_err(|_| damaged())?;
        self.at = 0;
        Ok(true)
    }
}

impl<R: Read> Read for Pieces<R> {
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
    /// A file that can't be read or written.
    pub fn open(process: &Path) -> Result<Packer> {
        let log = OpenOptions::new().read(true).write(true).open(process.join("log"))?;
        let mut pieces = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(process.join(NAME))?;
        let (done, written) = extent(&mut pieces)?;
        pieces.set_len(written)?;
        Ok(Packer { log, pieces, done, written })
    }

    /// Packs a piece, unless there is none without the last `keep` bytes of the log. Returns whether there was one.
    ///
    /// # Errors
    /// A disk that is full: what was packed before stays, and so does the rest of the log.
    pub fn step(&mut self, keep: u64) -> Result<bool> {
        let there = self.log.metadata()?.len() >= self.done + PIECE + keep;
        if there {
            self.piece(PIECE)?;
        }
        Ok(there)
    }

    /// Packs what is left. Nobody may write the log any more.
    ///
    /// # Errors
    /// As [`Packer::step`].
    pub fn finish(&mut self) -> Result<()> {
        while self.step(0)? {}
        let left = self.log.metadata()?.len().saturating_sub(self.done);
        if left > 0 {
            self.piece(left)?;
        }
        self.pieces.sync_all()
    }

    fn piece(&mut self, len: u64) -> Result<()> {
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
        let mut f = OpenOptions::new().append(true).open(&pieces).expect("there");
        f.write_all(b"ITLZ\0\0\x40\0\xff\xff\0\0....rest").expect("room");
        assert_eq!(read(dir.path()).expect("whole"), text);
        let mut bad = std::fs::read(&pieces).expect("there");
        bad[100] ^= 1;
        std::fs::write(&pieces, bad).expect("written");
        assert!(read(dir.path()).expect_err("damaged").contains("damaged"));
    }
}
