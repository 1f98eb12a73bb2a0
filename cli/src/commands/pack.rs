//! `itarget pack`: compresses the logs of traces.

use super::Outcome;
use crate::errors::Error;
use crate::trace::{dir, packed, process};
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
/// IT0604, IT0605, IT0602; IT0628: a log that can't be packed, or whose process still runs.
pub fn run(args: Args) -> Outcome {
    let traces: Vec<Option<PathBuf>> = if args.traces.is_empty() { vec![None] } else { args.traces.into_iter().map(Some).collect() };
    for trace in traces {
        let trace = dir::find(trace.as_deref())?;
        let before = dir::bytes(&trace);
        for number in process::all(&trace) {
            pack(&process::directory(&trace, number))?;
        }
        say!("{}  {before} -> {} bytes", trace.display(), dir::bytes(&trace));
    }
    Ok(0)
}

fn pack(own: &Path) -> Result<(), Error> {
    let log = own.join("log");
    let failed = |e: std::io::Error| Error::new("IT0628", format!("{} can't be packed: {e}", log.display()));
    if !log.exists() {
        return Ok(()); // it is packed already
    }
    if dir::may_grow(own) {
        return Err(Error::new("IT0628", format!("{} may still be written", log.display()))
            .hint("a process that was killed, or still runs, keeps what it recorded last in the file `ring`: wait for it, or leave the trace as it is"));
    }
    packed::Packer::open(own).and_then(|mut p| p.finish()).map_err(failed)?;
    std::fs::remove_file(&log).map_err(failed)
}
