//! `itarget rm`: removes traces.

use super::Outcome;
use crate::trace::dir;
use std::path::PathBuf;

/// Remove traces.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Trace directories.
    #[arg(required_unless_present = "all")]
    traces: Vec<PathBuf>,
    /// All traces in the data directory.
    #[arg(long, conflicts_with = "traces")]
    all: bool,
}

/// Runs the command.
///
/// # Errors
/// IT0604, IT0608; stops at the first.
pub fn run(args: Args) -> Outcome {
    let traces = if args.all { dir::list()? } else { args.traces };
    for t in &traces {
        dir::remove(t)?;
    }
    Ok(0)
}
