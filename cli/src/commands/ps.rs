//! `itarget ps`: the processes of a trace.

use super::Outcome;
use crate::errors::Error;
use crate::trace::log::{Reading, reason};
use crate::trace::{dir, flat, packed, process};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// List the processes of a trace: number, parent, process id, bytes of log, how it ended.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Trace directory (default: the newest).
    trace: Option<PathBuf>,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// One process.
#[derive(Serialize)]
struct Row {
    #[serde(rename = "process")]
    number: u32,
    parent: Option<u32>,
    pid: Option<i32>,
    bytes: u64,
    end: &'static str,
    status: Option<i32>,
}

/// Runs the command.
///
/// # Errors
/// IT06xx: of the last process of which the log can't be read; the others are listed all the same.
pub fn run(args: Args) -> Outcome {
    let trace = dir::find(args.trace.as_deref())?;
    let (mut rows, mut problem) = (vec![], None);
    for number in process::all(&trace) {
        match row(&trace, number) {
            Ok(row) => rows.push(row),
            Err(e) => {
                if let Some(before) = problem.replace(e) {
                    before.print("itarget");
                }
            }
        }
    }
    if let Some(first) = rows.first_mut().filter(|r| r.number == 0) {
        // Children know it.
        let children = process::children(&trace).into_iter().filter_map(|n| process::origin(&trace, n).ok());
        first.pid = children.into_iter().find(|f| f.parent == 0).map(|f| f.parent_pid);
    }
    if args.json {
        say!("{}", serde_json::to_string_pretty(&rows).unwrap_or_default());
    } else {
        say!("process  parent      pid         bytes  end");
        for r in &rows {
            let parent = r.parent.map_or("-".into(), |p| p.to_string());
            let pid = r.pid.map_or("-".into(), |p| p.to_string());
            let status = r.status.map_or(String::new(), |s| format!(" ({s})"));
            say!("{:>7}  {parent:>6}  {pid:>7}  {:>12}  {}{status}", r.number, r.bytes, r.end);
        }
    }
    problem.map_or(Ok(0), Err)
}

fn row(trace: &Path, number: u32) -> Result<Row, Error> {
    let origin = if number == 0 { None } else { Some(process::origin(trace, number)?) };
    let log = flat::inspect(trace, number, Reading::UntilDamage)?;
    Ok(Row {
        number,
        parent: origin.map(|fork| fork.parent),
        pid: origin.map(|fork| fork.pid),
        bytes: packed::bytes(&process::directory(trace, number)),
        end: if log.damage.is_some() { "damaged" } else { reason(&log) },
        status: log.end.map(|e| e.status),
    })
}
