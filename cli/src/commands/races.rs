//! `itarget races`: memory that several threads may reach at once, without a lock in common.

use super::Outcome;
use crate::analyze;
use crate::select;
use clap::Parser;
use itarget_analyzer::bitcode;
use itarget_analyzer::points_to::{Options, PointsTo};
use itarget_analyzer::races;
use itarget_analyzer::report::races as report;
use itarget_cli::config::Config;
use itarget_cli::program::Program;
use std::ffi::OsString;
use std::path::PathBuf;

/// Lists what several threads of a program may access at once without a lock in common.
#[derive(Debug, Parser)]
#[command(name = "itarget races", max_term_width = 100)]
pub struct Args {
    /// An executable, bitcode, objects or archives built by itarget-cc.
    #[arg(required = true, value_name = "APP|BITCODE")]
    inputs: Vec<PathBuf>,
    /// More annotations of library functions (may be repeated; later files win).
    #[arg(long, value_name = "FILE")]
    annotations: Vec<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Show all races.
    #[arg(long)]
    all: bool,
}

/// Races shown unless all are asked for.
const SHOWN: usize = 20;

/// Runs the command on the arguments after its name. That there are races is no failure: the exit status is 0.
///
/// # Errors
/// IT01xx (inputs), IT03xx (annotations), IT0609 (output).
pub fn run(args: Vec<OsString>) -> Outcome {
    let all = std::iter::once(OsString::from("itarget races")).chain(args);
    let args = match Args::try_parse_from(all) {
        Ok(args) => args,
        Err(e) => {
            // Help goes to stdout, errors to stderr; that it could not be printed changes nothing.
            let _ = e.print();
            return Ok(e.exit_code());
        }
    };
    let program = match args.inputs.as_slice() {
        [only] => Program::open(only).ok(),
        _ => None,
    };
    let config = if program.is_some() { Config::default() } else { Config::here()? };
    let files = match config.annotations {
        Some(files) => files,
        None => analyze::linked_with(program.as_ref()).annotations.into_iter().filter(analyze::existing).collect(),
    };
    let files: Vec<PathBuf> = files.into_iter().map(PathBuf::from).chain(args.annotations).collect();
    let annotations = analyze::annotations(&files)?;
    let module = analyze::load(&args.inputs, bitcode::Extras { variables: true, shapes: false })?;
    let points_to = PointsTo::solve(&module, &annotations, &Options { outside: true, ..Options::default() });
    let races = races::find(&module, &points_to, &annotations);
    let report = report::collect(&module, &points_to, &races);
    let text = if args.json {
        serde_json::to_string_pretty(&report).unwrap_or_default() + "\n"
    } else {
        report::text(&report, if args.all { usize::MAX } else { SHOWN })
    };
    select::print(&text)?;
    // The model of a large program takes a while to free; the process ends anyway.
    std::mem::forget((module, points_to));
    Ok(0)
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
