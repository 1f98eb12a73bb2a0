//! `itarget explain-code`: what an error code means.

use super::Outcome;
use crate::errors::{CATALOGUE, Error, nearest};

/// Explain an error code.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Code, such as IT0603.
    code: String,
}

/// Runs the command.
///
/// # Errors
/// IT0001: no such code.
pub fn run(args: Args) -> Outcome {
    let code = args.code.to_uppercase();
    match CATALOGUE.iter().find(|e| e.code == code) {
        Some(e) => {
            say!("{}: {}\n\n{}", e.code, e.title, e.what_to_do);
            Ok(0)
        }
        None => {
            let e = Error::new("IT0001", format!("no error has the code {}", args.code));
            Err(match nearest(&code, CATALOGUE.iter().map(|e| e.code)) {
                Some(n) => e.hint(format!("did you mean {n}?")),
                None => e,
            })
        }
    }
}
