//! The processes of a trace: the first one's files lie in the trace directory itself, those of the others in `process.1` and so
//! on. The log of a child begins with a chunk that says whose child it is, and how much of the parent's log comes before it.

use super::{log, packed};
use crate::errors::Error;
use itarget_abi::log::{Fork, HEADER, kind};
use std::path::{Path, PathBuf};

/// The directory of a process.
#[must_use]
pub fn directory(trace: &Path, process: u32) -> PathBuf {
    if process == 0 { trace.to_path_buf() } else { trace.join(format!("process.{process}")) }
}

/// Numbers of the processes of a trace, ascending; the first is always there.
#[must_use]
pub fn all(trace: &Path) -> Vec<u32> {
    let entries = std::fs::read_dir(trace).into_iter().flatten().flatten();
    let number = |name: std::ffi::OsString| name.to_str()?.strip_prefix("process.")?.parse::<u32>().ok();
    let mut all: Vec<u32> = entries.filter_map(|e| number(e.file_name())).filter(|n| *n > 0).collect();
    all.push(0);
    all.sort_unstable();
    all.dedup();
    all
}

/// The first chunk of the log of a child with that directory.
///
/// # Errors
/// IT0604, IT0606: it can't be read; IT0601: it is damaged or was cut off before the chunk was written.
pub fn origin(own: &Path) -> Result<Fork, Error> {
    let path = own.join("log");
    let mut bytes = [0u8; HEADER + size_of::<Fork>()];
    let (mut input, _) = packed::open(own)?;
    input
        .read_exact(&mut bytes)
        .map_err(|e| Error::new("IT0606", format!("{}: {e}", path.display())).hint("the process ended before it recorded anything"))?;
    let (head, payload) = bytes.split_at(HEADER);
    if !log::is_chunk(head, payload, kind::FORK) {
        return Err(Error::new("IT0601", format!("the log is damaged at byte 0: {} does not say whose child the process is", path.display())));
    }
    let word = |at: usize| u32::from_le_bytes(payload[at..at + 4].try_into().unwrap_or_default());
    Ok(Fork {
        number: word(0),
        parent: word(4),
        pid: word(8) as i32,
        parent_pid: word(12) as i32,
        before: u64::from(word(16)) | u64::from(word(20)) << 32,
    })
}
