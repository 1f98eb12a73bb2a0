//! `itarget-analyze`: what `itarget analyze`, `diff`, `explain`, `graph` and `races` run; the only tool that loads LLVM.
#![forbid(unsafe_code)]

#[path = "../commands/analyze.rs"]
mod analyze;
#[path = "../commands/diff.rs"]
mod diff;
#[path = "../commands/explain.rs"]
mod explain;
#[path = "../commands/graph.rs"]
mod graph;
#[path = "../commands/races.rs"]
mod races;
#[path = "../commands/select.rs"]
mod select;

use itarget_cli::commands::Outcome;
use itarget_cli::errors;

fn main() {
    let mut args: Vec<std::ffi::OsString> = std::env::args_os().skip(1).collect();
    // A name that no input can have tells which command is meant.
    let command = args.first().and_then(|a| a.to_str()).and_then(|a| a.strip_prefix("--command=")).map(str::to_owned);
    if command.is_some() {
        args.remove(0);
    }
    let result = match command.as_deref() {
        Some("diff") => diff::run(args),
        Some("graph") => graph::run(args),
        Some("races") => races::run(args),
        Some("explain") => explain::run(args),
        _ => analyze::run(args),
    };
    std::process::exit(match result {
        Ok(status) => status,
        Err(e) => {
            e.print("itarget");
            itarget_abi::exit::FAILURE
        }
    })
}
