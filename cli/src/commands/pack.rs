//! `itarget pack`: compresses the logs of traces.

use super::Outcome;
use crate::errors::Error;
use crate::trace::log::Reading;
use crate::trace::{dir, flat, packed, process};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Compress the logs of traces (LZ4). Packed traces are used as others are.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Trace directories (default: the newest).
    traces: Vec<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// IT0604, IT0605, IT0602; IT0628: the last log that can't be packed, or whose process still runs. What can be packed is.
pub fn run(args: Args) -> Outcome {
    let traces: Vec<Option<PathBuf>> = if args.traces.is_empty() { vec![None] } else { args.traces.into_iter().map(Some).collect() };
    let mut problem: Option<Error> = None;
    let mut keep = |e: Error| {
        if let Some(before) = problem.replace(e) {
            before.print("itarget");
        }
    };
    for trace in traces {
        let trace = match dir::find(trace.as_deref()) {
            Ok(trace) => trace,
            Err(e) => {
                keep(e);
                continue;
            }
        };
        let before = dir::bytes(&trace);
        for number in process::all(&trace) {
            pack(&trace, number).unwrap_or_else(&mut keep);
        }
        say!("{}  {before} -> {} bytes", trace.display(), dir::bytes(&trace));
    }
    problem.map_or(Ok(0), Err)
}

fn pack(trace: &Path, process: u32) -> Result<(), Error> {
    let own = &process::directory(trace, process);
    let log = own.join("log");
    let failed = |e: std::io::Error| {
        let at = log.display();
        match e.kind() {
            ErrorKind::InvalidData => Error::new("IT0601", format!("{at}: {e}")),
            ErrorKind::WouldBlock => {
                Error::new("IT0628", format!("{at} can't be packed: another itarget reads or packs it")).hint("wait for it")
            }
            _ => Error::new("IT0628", format!("{at} can't be packed: {e}")),
        }
    };
    match log.symlink_metadata() {
        // It is packed already, or there is none.
        Err(e) if e.kind() == ErrorKind::NotFound => return packed::open(own).map(|_| ()),
        Err(e) => return Err(failed(e)),
        Ok(_) => {}
    }
    let ended = || flat::inspect(trace, process, Reading::UntilDamage).is_ok_and(|log| log.end.is_some());
    if dir::may_grow(own) && !ended() {
        return Err(Error::new("IT0628", format!("{} may still be written", log.display()))
            .hint("a process that was killed, or still runs, keeps what it recorded last in the file `ring`: wait for it, or leave the trace as it is"));
    }
    dir::tidy(own).map_err(failed)?;
    let mut packer = packed::Packer::open(own).map_err(failed)?;
    packer.finish().and_then(|()| std::fs::remove_file(&log)).map_err(failed)
}
