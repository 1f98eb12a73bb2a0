//! `itarget annotations check`: checks annotation files.

use super::Outcome;
use crate::errors::Error;
use itarget_annotations::Annotations;
use std::path::PathBuf;

/// Work with annotations of library functions.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Sub,
}

#[derive(Debug, clap::Subcommand)]
enum Sub {
    /// Check annotation files.
    Check {
        /// TOML files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

/// Runs the command.
///
/// # Errors
/// IT0303 (unreadable), IT0301, IT0302.
pub fn run(args: Args) -> Outcome {
    let Sub::Check { files } = args.command;
    let mut bad = false;
    for f in &files {
        let name = f.display().to_string();
        let text = std::fs::read_to_string(f).map_err(|e| Error::new("IT0303", format!("{name}: {e}")))?;
        match Annotations::parse(&name, &text) {
            Ok(a) => say!("{name}: {} functions, {} variables", a.functions().count(), a.variables().count()),
            Err(e) => {
                anstream::eprintln!("{e}");
                bad = true;
            }
        }
    }
    Ok(if bad { itarget_abi::exit::FAILURE } else { 0 })
}
