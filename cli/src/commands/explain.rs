//! `itarget explain`: why each item of an interface is there, and what would make it cheaper.

use super::Outcome;
use crate::errors::Error;
use crate::select::{self, Choice};
use clap::Parser;
use itarget_analyzer::report::items::{self, Amount, Measured};
use itarget_analyzer::report::{items_text, what};
use itarget_cli::program::Program;
use itarget_cli::trace::{dir, sites};
use itarget_plan::Site;
use serde_json::json;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Explains the interface of a program: why each item is logged, and what would make it cheaper.
#[derive(Debug, Parser)]
#[command(name = "itarget explain", max_term_width = 100)]
pub struct Args {
    /// An executable, bitcode, objects or archives built by itarget-cc; a trace directory at the end adds
    /// what that run logged. `itarget explain IT0614` explains an error code.
    #[arg(required = true, value_name = "APP|BITCODE")]
    inputs: Vec<PathBuf>,
    /// Trace of a run of the program: measured bytes and events of each item (the trace is replayed).
    #[arg(long, value_name = "TRACE")]
    trace: Option<PathBuf>,
    /// Number of the process of the trace, as `itarget ps` lists it; 0 is the first. What its parents did before they
    /// started it counts, too.
    #[arg(short, long, value_name = "N", default_value_t = 0)]
    process: u32,
    /// Why is this logged, or why is it not replayed: a function, a variable, `file:line`.
    #[arg(long, value_name = "VALUE|FUNCTION|FILE:LINE")]
    what: Option<String>,
    #[command(flatten)]
    choice: Choice,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Show all items.
    #[arg(long)]
    all: bool,
}

/// Items shown unless all are asked for.
const SHOWN: usize = 10;

/// Runs the command on the arguments after its name.
///
/// # Errors
/// Those of `itarget analyze`; IT0412 (no such name); IT06xx (trace).
pub fn run(args: Vec<OsString>) -> Outcome {
    let all = std::iter::once(OsString::from("itarget explain")).chain(args);
    let mut args = match Args::try_parse_from(all) {
        Ok(args) => args,
        Err(e) => {
            // Help goes to stdout, errors to stderr; that it could not be printed changes nothing.
            let _ = e.print();
            return Ok(e.exit_code());
        }
    };
    if args.trace.is_none() && args.inputs.len() > 1 && args.inputs.last().is_some_and(|p| p.is_dir()) {
        args.trace = args.inputs.pop();
    }
    let mut selected = args.choice.select(&args.inputs)?;
    let measured = match &args.trace {
        Some(trace) => Some(measure(trace, args.process, &args.inputs, &selected.module.fingerprint)?),
        None => None,
    };
    let limit = if args.all { usize::MAX } else { SHOWN };
    let text = match &args.what {
        None => {
            let explanation = selected.with(|ways, cheaper| items::explain(ways, cheaper, measured.as_ref(), limit));
            if args.json { pretty(&explanation) } else { items_text::explanation(&explanation) }
        }
        Some(name) => {
            let found = selected.with(|ways, cheaper| what::what(ways, cheaper, name, limit, measured.as_ref()));
            let (answers, cheaper) = found.map_err(|near| unknown(name, &near))?;
            if args.json {
                pretty(&json!({ "answers": answers, "cheaper": cheaper }))
            } else {
                items_text::answers(&answers, &cheaper)
            }
        }
    };
    select::print(&text)?;
    // The model of a large program takes a while to free; the process ends anyway.
    std::mem::forget(selected);
    Ok(0)
}

fn pretty(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

fn unknown(name: &str, near: &[String]) -> Error {
    let error = Error::new("IT0412", format!("the program has no function, variable or source line `{name}`"));
    match near {
        [] => error.hint("a line is FILE:LINE, a local variable FUNCTION:VARIABLE; `itarget analyze --all` lists what is logged"),
        names => error.hint(format!("did you mean {}?", names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(" or "))),
    }
}

/// What a process logged at each site.
fn measure(trace: &Path, process: u32, inputs: &[PathBuf], module: &str) -> Result<Measured, Error> {
    let trace = dir::find(Some(trace))?;
    // With bitcode, the executable is the one that was recorded.
    let exe = match inputs {
        [only] if Program::open(only).is_ok() => Some(only.as_path()),
        _ => None,
    };
    let counts = sites::count(&trace, process, exe)?;
    if counts.program.module != module {
        return Err(Error::new("IT0603", format!("the trace was recorded by another program than {}", inputs[0].display()))
            .hint("name the executable that was recorded"));
    }
    let plan = counts.program.plan()?;
    let mut sites = BTreeMap::new();
    for count in counts.sites {
        // What belongs to no site of the plan is the runtime's own.
        let site: Option<&Site> = usize::try_from(count.site).ok().and_then(|i| plan.sites.get(i));
        let key = site.map_or((String::new(), count.site), |s| (s.function.clone(), s.ordinal));
        sites.insert(key, Amount { bytes: count.bytes, events: count.events });
    }
    Ok(Measured { sites, order: counts.order })
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
