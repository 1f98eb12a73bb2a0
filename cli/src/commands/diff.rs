//! `itarget diff`: what two interfaces do differently, with the exit statuses of diff(1).

use super::Outcome;
use crate::errors::Error;
use crate::select::{self, Choice};
use clap::Parser;
use itarget_analyzer::report::diff;
use itarget_cli::program::Program;
use itarget_plan::Plan;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Compares two interfaces. Exit status 0: the same, 1: different, 2: trouble.
#[derive(Debug, Parser)]
#[command(name = "itarget diff", max_term_width = 100)]
pub struct Args {
    /// A plan (`itarget analyze --plan`), an executable built by itarget-cc, or bitcode.
    #[arg(value_name = "PLAN|APP|BITCODE")]
    first: PathBuf,
    /// The other one.
    #[arg(value_name = "PLAN|APP|BITCODE")]
    second: PathBuf,
    /// Look at what is done only, not at estimated bytes and events.
    #[arg(long)]
    no_figures: bool,
    #[command(flatten)]
    choice: Choice,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Show lists in full.
    #[arg(long)]
    all: bool,
}

/// Items shown per list unless all are asked for.
const SHOWN: usize = 20;
/// Trouble, as diff(1) says it.
const TROUBLE: i32 = 2;

/// Runs the command on the arguments after its name; errors are printed here, for their exit status.
///
/// # Errors
/// None.
pub fn run(args: Vec<OsString>) -> Outcome {
    let all = std::iter::once(OsString::from("itarget diff")).chain(args);
    let args = match Args::try_parse_from(all) {
        Ok(args) => args,
        Err(e) => {
            // Help goes to stdout, errors to stderr; that it could not be printed changes nothing.
            let _ = e.print();
            return Ok(e.exit_code());
        }
    };
    compare(&args).or_else(|e| {
        e.print("itarget");
        Ok(TROUBLE)
    })
}

fn compare(args: &Args) -> Outcome {
    let (first, second) = (plan(&args.first, &args.choice)?, plan(&args.second, &args.choice)?);
    let diff = diff::compare(&first, &second, !args.no_figures);
    let limit = if args.all { usize::MAX } else { SHOWN };
    let name = |p: &Path| p.display().to_string();
    let text = match args.json {
        true => serde_json::to_string_pretty(&diff).unwrap_or_default() + "\n",
        false => diff::text(&diff, (&name(&args.first), &name(&args.second)), limit),
    };
    select::print(&text)?;
    Ok(i32::from(!diff.is_same()))
}

/// The plan in a file: as it is, that of an executable, or the one computed from bitcode.
fn plan(path: &Path, choice: &Choice) -> Result<Plan, Error> {
    let bytes = std::fs::read(path)
        .map_err(|e| Error::new("IT0105", format!("{}: {e}", path.display())).hint("check the path and its permissions"))?;
    if bytes.trim_ascii_start().starts_with(b"{") {
        let text = String::from_utf8_lossy(&bytes);
        return Plan::parse(&text).map_err(|e| {
            let message = e.to_string();
            let (code, rest) = if message.starts_with("IT0402") { ("IT0402", "IT0402: ") } else { ("IT0401", "IT0401: ") };
            Error::new(code, format!("{}: {}", path.display(), message.strip_prefix(rest).unwrap_or(&message)))
                .hint("make one with `itarget analyze --plan FILE`")
        });
    }
    match Program::open(path) {
        Ok(program) => program.plan(),
        // Not linked by us: its bitcode is analyzed, or the error says what is wrong with it.
        Err(_) => Ok(choice.select(&[path.to_path_buf()])?.analysis.plan),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }
}
