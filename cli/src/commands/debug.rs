//! `itarget debug`: a replay under gdb.

use super::{Outcome, replay, run};
use crate::cc::run::Directory;
use crate::cc::tools::in_path;
use crate::errors::Error;
use crate::trace::log::Reading;
use itarget_abi::env;
use std::fmt::Write;
use std::path::PathBuf;
use std::process::Command;

/// Replay a trace under gdb.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Trace directory (default: the newest).
    trace: Option<PathBuf>,
    /// Number of the process, as `itarget ps` lists it; 0 is the first.
    #[arg(short, long, value_name = "N", default_value_t = 0)]
    process: u32,
    /// Executable to run (default: the one that was recorded).
    #[arg(long, value_name = "PATH")]
    exe: Option<PathBuf>,
    /// Arguments for gdb.
    #[arg(last = true)]
    gdb: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// IT0701: no gdb; those of replay.
pub fn run(args: Args) -> Outcome {
    if in_path("gdb").is_none() {
        return Err(Error::new("IT0701", "gdb is not installed").hint("apt-get install gdb"));
    }
    // Debugging what comes before the damage is better than nothing.
    let ready = replay::prepare(args.trace.as_deref(), args.process, args.exe.as_deref(), Reading::UntilDamage)?;
    ready.notes();
    let mut script = String::from("set startup-with-shell off\nset confirm off\nunset environment\n");
    let mut variables = ready.variables();
    variables.push((env::OPTIONS.into(), "sandbox=0".into()));
    for (name, value) in &variables {
        let _ = writeln!(script, "set environment {name} {value}"); // a String can't fail
    }
    script.push_str("set confirm on\n");
    let dir = Directory::temporary()?;
    let file = dir.0.join("commands.gdb");
    std::fs::write(&file, script).map_err(|e| Error::new("IT0206", format!("{}: {e}", file.display())))?;
    let mut command = Command::new("gdb");
    // gdb hands the descriptors that it was started with to the program.
    command.arg("-q").arg("-x").arg(&file).args(&args.gdb).arg(&ready.program.path);
    let status = run::wait(&mut command)?;
    drop(dir);
    Ok(run::end_like(status))
}
