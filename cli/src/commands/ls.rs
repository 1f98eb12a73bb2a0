//! `itarget ls`: the recorded traces.

use super::Outcome;
use crate::trace::dir::{self, Ended};

/// List recorded traces.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
///
/// # Errors
/// IT0502: no home directory.
pub fn run(_: Args) -> Outcome {
    for dir in dir::list()? {
        let bytes = dir::bytes(&dir);
        let Ok(meta) = dir::meta(&dir) else { continue };
        let end = match meta.end {
            Some(Ended::Status(s)) => format!("status {s}"),
            Some(Ended::Signal(s)) => format!("signal {s}"),
            None => "incomplete".into(),
        };
        let argv: Vec<String> = meta.argv.iter().map(|a| crate::cc::run::shell_quote(a)).collect();
        say!("{}  {bytes} bytes  {end}  {}", dir.display(), argv.join(" "));
    }
    Ok(0)
}
