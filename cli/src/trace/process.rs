//! The processes of a trace: the first one's files lie in the trace directory itself, those of the others in `process.1` and so
//! on. The log of a child by `fork` begins with a chunk that says whose child it is, and how much of the parent's log comes before it; that
//! of a program as the first one's.

use super::{log, packed};
use crate::errors::Error;
use itarget_abi::log::{Fork, HEADER, Left, kind};
use itarget_abi::layout::THREADS_MAX;
use std::io::ErrorKind;
use std::mem::offset_of;
use std::path::{Path, PathBuf};

/// The directory of a process.
#[must_use]
pub fn directory(trace: &Path, process: u32) -> PathBuf {
    if process == 0 { trace.to_path_buf() } else { trace.join(format!("process.{process}")) }
}

/// Numbers of the processes of a trace but the first, ascending.
#[must_use]
pub fn children(trace: &Path) -> Vec<u32> {
    let entries = std::fs::read_dir(trace).into_iter().flatten().flatten();
    let number = |e: std::fs::DirEntry| {
        let number = e.file_name().to_str()?.strip_prefix("process.")?.parse::<u32>().ok().filter(|n| *n > 0)?;
        let real = e.file_type().is_ok_and(|t| t.is_dir()) && e.path() == directory(trace, number);
        real.then_some(number)
    };
    let mut all: Vec<u32> = entries.filter_map(number).collect();
    all.sort_unstable();
    all
}

/// Numbers of the processes of a trace, ascending; the first is there unless others began before it could be recorded.
#[must_use]
pub fn all(trace: &Path) -> Vec<u32> {
    let mut all = children(trace);
    if all.is_empty() || recorded(trace) {
        all.insert(0, 0);
    }
    all
}

/// A process wrote something to its directory.
#[must_use]
pub fn recorded(own: &Path) -> bool {
    own.join("log").exists() || own.join(packed::NAME).exists()
}

/// How a process began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Whose child it is, and what of the parent's log comes before its own.
    pub fork: Fork,
    /// Number of its thread that forked.
    pub thread: u32,
    /// The threads that the parent had besides.
    pub left: Vec<Left>,
}

/// The first chunk of the log of a child by `fork`; `None`: the process began as a program.
///
/// # Errors
/// IT0604: nothing was recorded; IT0606: it can't be read; IT0601: it is damaged, or another process's.
pub fn origin(trace: &Path, process: u32) -> Result<Option<Origin>, Error> {
    if process == 0 {
        return Ok(None);
    }
    let own = directory(trace, process);
    let mut bytes = vec![0u8; HEADER + size_of::<Fork>()];
    let (mut input, _) = packed::open(&own)?;
    let damaged = |what: &str| Error::new("IT0601", format!("the log of process {process} ({}) is damaged: {what}", own.display()));
    match log::fill(&mut *input, &mut bytes) {
        Ok(n) if n < bytes.len() => {
            return Err(Error::new("IT0604", format!("nothing was recorded of process {process} ({})", own.display()))
                .hint("it ended before it recorded anything"));
        }
        Err(e) if e.kind() == ErrorKind::InvalidData => return Err(damaged(&e.to_string())),
        Err(e) => return Err(Error::new("IT0606", format!("{}: {e}", own.display()))),
        Ok(_) => {}
    }
    // Threads of the parent's follow.
    let left = log::u32_at(&bytes[HEADER..], offset_of!(Fork, left)) as usize;
    if log::begins(&bytes[..HEADER], kind::FORK) {
        let whole = (log::length(&bytes[..HEADER]) as usize).min(size_of::<Fork>() + THREADS_MAX as usize * size_of::<Left>());
        let at = bytes.len();
        bytes.resize((HEADER + whole).max(at), 0);
        match log::fill(&mut *input, &mut bytes[at..]) {
            Ok(_) => {}
            Err(e) if e.kind() == ErrorKind::InvalidData => return Err(damaged(&e.to_string())),
            Err(e) => return Err(Error::new("IT0606", format!("{}: {e}", own.display()))),
        }
    }
    let (head, payload) = bytes.split_at(HEADER);
    if log::begins(head, kind::START) {
        return Ok(None);
    }
    if !log::is_chunk(head, payload, kind::FORK) || payload.len() != size_of::<Fork>() + left * size_of::<Left>() {
        return Err(damaged("it does not say whose child the process is"));
    }
    let fork = Fork {
        number: log::u32_at(payload, offset_of!(Fork, number)),
        parent: log::u32_at(payload, offset_of!(Fork, parent)),
        pid: log::u32_at(payload, offset_of!(Fork, pid)) as i32,
        parent_pid: log::u32_at(payload, offset_of!(Fork, parent_pid)) as i32,
        before: log::u64_at(payload, offset_of!(Fork, before)),
        threads: log::u32_at(payload, offset_of!(Fork, threads)),
        left: left as u32,
    };
    let left = payload[size_of::<Fork>()..].chunks_exact(size_of::<Left>());
    let left = left.map(|l| Left { thread: log::u64_at(l, offset_of!(Left, thread)), ops: log::u64_at(l, offset_of!(Left, ops)) }).collect();
    // Numbers only grow, so who goes from child to parent comes to an end.
    let thread = log::thread(head);
    if fork.number != process || fork.parent >= process {
        return Err(damaged(&format!("it is that of process {}, a child of {}", fork.number, fork.parent)));
    }
    Ok(Some(Origin { fork, thread, left }))
}

/// Number of the process that `process` was forked from, directly or not, and that began as a program: its own where it did.
///
/// # Errors
/// As [`origin`].
pub fn program(trace: &Path, process: u32) -> Result<u32, Error> {
    let mut at = process;
    while let Some(origin) = origin(trace, at)? {
        at = origin.fork.parent;
    }
    Ok(at)
}
