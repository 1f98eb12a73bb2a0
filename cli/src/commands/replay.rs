//! `itarget replay`: runs the same executable again, with the log in the place of its environment.

use super::{Outcome, run, same_binary, text};
use crate::errors::Error;
use crate::program::{Program, describe};
use crate::trace::dir;
use crate::trace::flat;
use crate::trace::log::{Log, Reading};
use itarget_abi::{env, exit};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::fd::AsRawFd;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Replay a trace: the program runs as it did, without its environment.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Trace directory (default: the newest).
    trace: Option<PathBuf>,
    /// Number of the process, as `itarget ps` lists it; 0 is the first. What its parents did before they started it is
    /// replayed, too.
    #[arg(short, long, value_name = "N", default_value_t = 0)]
    process: u32,
    /// Write what was checked to this file, as JSON.
    #[arg(long, value_name = "FILE")]
    json_status: Option<PathBuf>,
    /// Executable to run (default: the one that was recorded).
    #[arg(long, value_name = "PATH")]
    exe: Option<PathBuf>,
    /// Let system calls through (for debuggers and other tools).
    #[arg(long)]
    no_sandbox: bool,
    /// Replay a damaged log up to the damage.
    #[arg(long)]
    until_damage: bool,
}

/// A decoded trace and the executable that goes with it.
pub struct Ready {
    /// The log.
    pub log: Log,
    /// The flat form.
    pub stream: File,
    /// The executable.
    pub program: Program,
    /// The signal of which the recorded process died outside of its own code, if that is known.
    pub killed_by: Option<i32>,
}

/// Finds, decodes and checks what a trace holds of a process.
///
/// # Errors
/// IT06xx, IT0501.
pub fn prepare(trace: Option<&Path>, process: u32, exe: Option<&Path>, reading: Reading) -> Result<Ready, Error> {
    let dir = dir::find(trace)?;
    let (log, stream) = flat::decode(&dir, process, reading)?;
    let exe = match exe {
        Some(e) => e.to_path_buf(),
        None => dir::executable(&dir, process, log.start.as_ref())?,
    };
    let program = Program::open(&exe)?;
    if let Some(start) = &log.start {
        same_binary(start, &program)?;
    }
    // What became of others nobody waited for.
    let ended = if process == 0 && log.end.is_none() { dir::meta(&dir).ok().and_then(|meta| meta.end) } else { None };
    let killed_by = ended.and_then(|ended| match ended {
        dir::Ended::Signal(signal) => Some(signal),
        dir::Ended::Status(_) => None,
    });
    Ok(Ready { log, stream, program, killed_by })
}

impl Ready {
    /// Says where the log ends early, if it does.
    pub fn notes(&self) {
        if let Some(at) = self.log.truncated {
            anstream::eprintln!("itarget: note: the log is cut off at byte {at}; the trace ends there");
        }
        if let Some(d) = &self.log.damage {
            anstream::eprintln!("itarget: note: the log is damaged at byte {}: {}; the trace ends there", d.at, d.what);
        }
    }

    /// The variables that the program needs at replay, besides the status descriptor. The rest of
    /// its environment comes from the log, except for what the dynamic loader must know.
    #[must_use]
    pub fn variables(&self) -> Vec<(String, String)> {
        let mut all = vec![
            (env::MODE.to_string(), "replay".to_string()),
            (env::STREAM_FD.to_string(), self.stream.as_raw_fd().to_string()),
        ];
        let recorded = self.log.start.iter().flat_map(|s| s.env.iter());
        for v in recorded.map(|v| text(v)) {
            if let Some(value) = v.strip_prefix("LD_LIBRARY_PATH=") {
                all.push(("LD_LIBRARY_PATH".into(), value.into()));
            }
        }
        all
    }
}

/// Runs the command.
///
/// # Errors
/// IT06xx, IT0501, IT0505.
pub fn run(args: Args) -> Outcome {
    let reading = if args.until_damage { Reading::UntilDamage } else { Reading::Strict };
    let ready = prepare(args.trace.as_deref(), args.process, args.exe.as_deref(), reading)?;
    ready.notes();
    let mut status_file: File = rustix::fs::memfd_create("itarget-status", rustix::fs::MemfdFlags::empty())
        .map_err(|e| Error::new("IT0607", format!("no memory for the status: {e}")))?
        .into();
    let mut command = Command::new(&ready.program.path);
    command.env_clear().envs(ready.variables()).env(env::STATUS_FD, status_file.as_raw_fd().to_string());
    let mut options: Vec<String> = std::env::var(env::OPTIONS).ok().filter(|o| !o.is_empty()).into_iter().collect();
    if args.no_sandbox {
        options.push("sandbox=0".into());
    }
    command.env(env::OPTIONS, options.join(":")).stdin(Stdio::null());
    let status = run::wait(&mut command)?;
    let mut line = String::new();
    status_file.seek(SeekFrom::Start(0)).and_then(|_| status_file.read_to_string(&mut line)).map_err(|e| {
        Error::new("IT0607", format!("the status can't be read: {e}"))
    })?;
    let report: Value = line.lines().last().and_then(|l| serde_json::from_str(l).ok()).unwrap_or(Value::Null);
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    if let Some(path) = &args.json_status {
        std::fs::write(path, format!("{}\n", summary(&report, code, status.signal())))
            .map_err(|e| Error::new("IT0609", format!("{}: {e}", path.display())))?;
    }
    explain(&report, code, &ready);
    Ok(run::end_like(status))
}

/// The runtime's line with what only we know.
fn summary(report: &Value, code: i32, signal: Option<i32>) -> Value {
    let mut all = match report {
        Value::Object(m) => m.clone(),
        _ => serde_json::Map::new(),
    };
    let ended = all.get("end").and_then(Value::as_str).unwrap_or("").to_string();
    all.entry("log_consumed").or_insert(Value::Bool(false));
    all.entry("environment_calls").or_insert(json!(i32::from(ended == "environment_call")));
    all.insert("exit".into(), json!(code));
    all.insert("signal".into(), json!(signal));
    Value::Object(all)
}

/// Names the site at which a replay went wrong.
fn explain(report: &Value, code: i32, ready: &Ready) {
    let ended = report["end"].as_str().unwrap_or("");
    let expected = match ended {
        "diverged" => exit::DIVERGED,
        "environment_call" => exit::ENVIRONMENT_CALL,
        "trace_ends" => exit::TRACE_ENDS,
        _ => return,
    };
    if code != expected {
        return;
    }
    // Before the first event there is none.
    let site = report["site"].as_u64().and_then(|n| usize::try_from(n).ok()).filter(|_| report["boundaries"] != 0);
    let plan = ready.program.plan().ok();
    if let Some((site, plan)) = site.zip(plan)
        && let Some(s) = plan.sites.get(site)
    {
        anstream::eprintln!("itarget: last site before that: {}", describe(s));
    }
    match ended {
        "trace_ends" => {
            if let Some(signal) = ready.killed_by {
                let name = signal_hook::low_level::signal_name(signal).map_or(String::new(), |name| format!(" ({name})"));
                anstream::eprintln!("itarget: the recorded program died here of signal {signal}{name}, in a call of the library or from outside");
            }
        }
        "diverged" => anstream::eprintln!(
            "itarget: record with --check=full to find the first event that differs, or with --digest to compare memory"
        ),
        "environment_call" => anstream::eprintln!("itarget: this is a bug of the interface; please report it with the trace"),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries() {
        let s = summary(&json!({"log_consumed": true, "end": "exit", "site": 3}), 3, None);
        assert_eq!(s["environment_calls"], 0);
        assert_eq!((&s["exit"], &s["log_consumed"], &s["signal"]), (&json!(3), &json!(true), &Value::Null));
        let s = summary(&Value::Null, 139, Some(11));
        assert_eq!((&s["log_consumed"], &s["signal"]), (&json!(false), &json!(11)));
        assert_eq!(summary(&json!({"end": "environment_call"}), 124, None)["environment_calls"], 1);
    }
}
