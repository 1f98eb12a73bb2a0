//! `itarget ps`: the processes of a trace.

use super::Outcome;
use crate::errors::Error;
use crate::trace::log::{Reading, reason};
use crate::trace::{dir, flat, packed, process};
use serde_json::{Value, json};
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
struct Row {
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
/// IT06xx of the first process; what is wrong with others is said in their place.
pub fn run(args: Args) -> Outcome {
    let trace = dir::find(args.trace.as_deref())?;
    let mut rows = vec![];
    for number in process::all(&trace) {
        match row(&trace, number) {
            Ok(row) => rows.push(row),
            Err(e) if number == 0 => return Err(e),
            Err(e) => e.print("itarget"),
        }
    }
    if args.json {
        let rows: Vec<Value> = rows.iter().map(as_json).collect();
        say!("{}", serde_json::to_string_pretty(&rows).unwrap_or_default());
        return Ok(0);
    }
    say!("process  parent      pid         bytes  end");
    for r in &rows {
        let parent = r.parent.map_or("-".into(), |p| p.to_string());
        let pid = r.pid.map_or("-".into(), |p| p.to_string());
        let status = r.status.map_or(String::new(), |s| format!(" ({s})"));
        say!("{:>7}  {parent:>6}  {pid:>7}  {:>12}  {}{status}", r.number, r.bytes, r.end);
    }
    Ok(0)
}

fn row(trace: &Path, number: u32) -> Result<Row, Error> {
    let own = process::directory(trace, number);
    let origin = if number == 0 { None } else { Some(process::origin(&own)?) };
    let log = flat::inspect(trace, number, Reading::UntilDamage)?;
    // Children know it.
    let all = process::all(trace).into_iter().filter(|n| *n > 0);
    let pid = match origin {
        Some(fork) => Some(fork.pid),
        None => all.filter_map(|n| process::origin(&process::directory(trace, n)).ok()).find(|f| f.parent == 0).map(|f| f.parent_pid),
    };
    Ok(Row {
        number,
        parent: origin.map(|fork| fork.parent),
        pid,
        bytes: packed::bytes(&own),
        end: reason(&log),
        status: log.end.map(|e| e.status),
    })
}

fn as_json(r: &Row) -> Value {
    json!({ "process": r.number, "parent": r.parent, "pid": r.pid, "bytes": r.bytes, "end": r.end, "status": r.status })
}
