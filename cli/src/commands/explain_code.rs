//! `itarget explain-code`: what an error code means.

use super::Outcome;
use crate::errors::{CATALOGUE, Error, nearest};
use std::ffi::OsString;
use std::path::Path;

/// Explain an error code.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Code, such as IT0603.
    code: String,
}

/// `itarget explain`: of a code if the only argument has the shape of one and is no file, else of the
/// interface of a program.
///
/// # Errors
/// IT0001; those of [`super::analyzer`].
pub fn or_interface(args: Vec<OsString>) -> Outcome {
    if let [only] = args.as_slice()
        && let Some(code) = only.to_str().filter(|a| is_code(a) && !Path::new(a).exists())
    {
        return run(Args { code: code.to_owned() });
    }
    super::analyzer_for("explain", args)
}

fn is_code(text: &str) -> bool {
    let digits = text.strip_prefix("IT").or_else(|| text.strip_prefix("it"));
    digits.is_some_and(|d| d.len() == 4 && d.bytes().all(|b| b.is_ascii_digit()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_a_shape() {
        assert!(is_code("IT0614") && is_code("it0614"));
        assert!(!is_code("IT061") && !is_code("IT06145") && !is_code("app") && !is_code("IT06x4"));
    }
}
