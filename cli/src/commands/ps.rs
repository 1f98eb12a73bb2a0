//! `itarget ps`: the processes of a trace.

use super::{Outcome, text};
use crate::errors::Error;
use crate::trace::log::{Reading, reason};
use crate::trace::{dir, flat, packed, process};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// List the processes of a trace: number, parent, process id, bytes of log, how it ended, command line.
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
    arguments: Vec<String>,
    /// Not by `fork`: the process that was in its place, or its parent, in the kernel's numbers.
    #[serde(skip)]
    began: Option<[i32; 2]>,
}

/// Characters of a command line that are shown.
const SHOWN: usize = 60;

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
    for i in 0..rows.len() {
        // Numbers of processes are used again; the one that began last is meant.
        let from = |pid: i32| rows[..i].iter().rev().find(|r| r.pid == Some(pid)).map(|r| r.number);
        if let Some([own, parent]) = rows[i].began {
            rows[i].parent = from(own).or_else(|| from(parent));
        }
    }
    if args.json {
        say!("{}", serde_json::to_string_pretty(&rows).unwrap_or_default());
    } else {
        say!("process  parent      pid         bytes  {:<19}  command", "end");
        for r in &rows {
            let parent = r.parent.map_or("-".into(), |p| p.to_string());
            let pid = r.pid.map_or("-".into(), |p| p.to_string());
            let status = r.status.map_or(String::new(), |s| format!(" ({s})"));
            let end = format!("{}{status}", r.end);
            let words: Vec<String> = r.arguments.iter().map(|a| crate::cc::run::shell_quote(a)).collect();
            let mut command: String = words.join(" ");
            if let Some((at, _)) = command.char_indices().nth(SHOWN) {
                command.replace_range(at.., "...");
            }
            say!("{:>7}  {parent:>6}  {pid:>7}  {:>12}  {end:<19}  {command}", r.number, r.bytes);
        }
    }
    problem.map_or(Ok(0), Err)
}

fn row(trace: &Path, number: u32) -> Result<Row, Error> {
    let origin = process::origin(trace, number)?;
    let log = flat::inspect(trace, number, Reading::UntilDamage)?;
    let start = log.start.as_ref();
    Ok(Row {
        number,
        parent: origin.as_ref().map(|origin| origin.fork.parent),
        pid: origin.as_ref().map(|origin| origin.fork.pid).or(start.map(|s| s.pid)),
        bytes: packed::bytes(&process::directory(trace, number)),
        end: if log.damage.is_some() { "damaged" } else { reason(&log) },
        status: log.end.map(|e| e.status),
        arguments: start.map_or(vec![], |s| s.args.iter().map(|a| text(a)).collect()),
        began: if origin.is_none() { start.map(|s| [s.pid, s.parent_pid]) } else { None },
    })
}
