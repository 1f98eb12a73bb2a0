//! Runs of a program, measured, and variants of it with other cuts: what `tune` and `compare` share.
//!
//! Variants are kept in the cache directory under a hash of everything that goes into them, so
//! that comparing again costs no link.

use crate::cc::run::own_exe;
use crate::cc::settings::Settings;
use crate::cc::tools;
use crate::commands::{relink, run};
use crate::config::Config;
use crate::errors::Error;
use crate::program::{Program, hex};
use crate::trace::dir::{self, Ended, Meta};
use crate::trace::flat;
use crate::trace::log::{Reading, reason};
use itarget_abi::env;
use itarget_plan::{Action, Call, Ret};
use sha2::{Digest, Sha256};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::fmt::Write as _;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Instant, UNIX_EPOCH};

/// Most variants that are kept.
const KEPT: usize = 24;

/// What is run, and with what.
#[derive(Debug, clap::Args)]
pub struct Subject {
    /// File for the program's standard input (default: nothing).
    #[arg(long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// Let the program's output through.
    #[arg(long)]
    pub show_output: bool,
    /// The program and its arguments.
    #[arg(required = true, trailing_var_arg = true, value_name = "PROGRAM ARGS")]
    pub program: Vec<String>,
}

/// A recorded run.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Seconds.
    pub seconds: f64,
    /// How the program ended.
    pub end: Ended,
    /// Bytes of the log.
    pub log: u64,
    /// Calls across the interface.
    pub calls: u64,
    /// Why the recording ended before the program did.
    pub early: Option<&'static str>,
}

impl Subject {
    /// A command that runs `exe` under the name the user gave.
    ///
    /// # Errors
    /// IT0105: the input can't be read.
    pub fn command(&self, exe: &Path) -> Result<Command, Error> {
        let mut command = Command::new(exe);
        command.arg0(&self.program[0]).args(&self.program[1..]);
        for name in [env::MODE, env::TRACE, env::FOLLOW, env::STREAM_FD, env::STATUS_FD] {
            command.env_remove(name);
        }
        let input = match &self.input {
            None => Stdio::null(),
            Some(path) => {
                std::fs::File::open(path).map_err(|e| Error::new("IT0105", format!("{}: {e}", path.display())))?.into()
            }
        };
        command.stdin(input);
        if !self.show_output {
            command.stdout(Stdio::null()).stderr(Stdio::null());
        }
        Ok(command)
    }

    /// Runs `exe` without recording. Seconds, and how it ended.
    ///
    /// # Errors
    /// IT0105, IT0505, IT0508 (interrupted).
    pub fn plain(&self, exe: &Path) -> Result<(f64, Ended), Error> {
        timed(self.command(exe)?)
    }

    /// Records `exe`; the trace is removed again.
    ///
    /// # Errors
    /// IT0105, IT0502, IT0505, IT0508 (interrupted, or nothing was recorded).
    pub fn record(&self, exe: &Path) -> Result<Recorded, Error> {
        let base = dir::cache()?;
        let failed = |e: std::io::Error| Error::new("IT0502", format!("{}: {e}", base.display()));
        std::fs::create_dir_all(&base).map_err(failed)?;
        let scratch = tempfile::Builder::new().prefix("measure-").tempdir_in(&base).map_err(failed)?;
        let program = crate::program::Identity::read(exe)?;
        let meta = Meta {
            exe: exe.display().to_string(),
            module: program.module,
            plan: program.plan,
            argv: self.program.clone(),
            started: 0,
            itarget: env!("CARGO_PKG_VERSION").into(),
            end: None,
        };
        let trace = dir::create(Some(&scratch.path().join("trace")), exe, &meta)?;
        let mut command = self.command(exe)?;
        command.env(env::MODE, "record").env(env::TRACE, &trace);
        let (seconds, end) = timed(command)?;
        let nothing = |e: Error| Error::new("IT0508", format!("{} was not recorded: {}", exe.display(), e.message));
        let log = flat::inspect(&trace, 0, Reading::Strict).map_err(nothing)?;
        let early = match reason(&log) {
            "exit" | "immediate-exit" | "abort" | "assert" | "exec" => None,
            // A fatal signal leaves no last chunk.
            "cut-off" if matches!(end, Ended::Signal(_)) => None,
            why => Some(why),
        };
        Ok(Recorded {
            seconds,
            end,
            log: std::fs::metadata(trace.join("log")).map_or(0, |m| m.len()),
            calls: log.chunks.iter().filter_map(|c| c.boundaries).max().unwrap_or(0),
            early,
        })
    }
}

fn timed(mut command: Command) -> Result<(f64, Ended), Error> {
    let start = Instant::now();
    let status = run::wait(&mut command)?;
    let seconds = start.elapsed().as_secs_f64();
    if let Some(signal @ (SIGINT | SIGTERM | SIGHUP)) = status.signal() {
        return Err(Error::new("IT0508", format!("the measured run was interrupted (signal {signal})")).hint("run it again"));
    }
    Ok((seconds, run::ended(status)))
}

/// The program without instrumentation, to which slowdowns are relative. Where it can't be linked
/// (objects without bitcode that need our runtime), the program itself, unrecorded.
///
/// # Errors
/// As [`variant`].
pub fn baseline(program: &Program) -> Result<PathBuf, Error> {
    match variant(program, &Settings { off: true, ..Settings::default() }) {
        Err(e) if e.code == "IT0506" => {
            anstream::eprintln!("itarget: slowdowns are relative to {} unrecorded", program.path.display());
            Ok(program.path.clone())
        }
        other => other,
    }
}

/// Links `program` with `settings`, or finds it in the cache. The directory of this process stays
/// what it is.
///
/// # Errors
/// IT0506 (also: the link failed), IT0502, IT02xx.
pub fn variant(program: &Program, settings: &Settings) -> Result<PathBuf, Error> {
    let all = dir::cache()?.join("variants");
    let place = all.join(key(program, settings)?);
    let name = program.path.file_name().unwrap_or_default();
    let path = place.join(name);
    if path.is_file() {
        return Ok(path);
    }
    let failed = |e: std::io::Error| Error::new("IT0502", format!("{}: {e}", place.display()));
    std::fs::create_dir_all(&place).map_err(failed)?;
    keep_newest(&all);
    let with = settings.profile.as_ref().map_or("", |_| " and the profile");
    let cut = if settings.off { "without instrumentation".into() } else { format!("with the cut {}{with}", settings.cut()) };
    anstream::eprintln!("itarget: linking {} {cut} ...", name.to_string_lossy());
    let here = std::env::current_dir();
    let status = relink::relink(program, settings, &path);
    if let Ok(here) = here {
        std::env::set_current_dir(&here).map_err(failed)?;
    }
    match status? {
        0 => Ok(path),
        status => Err(Error::new("IT0506", format!("linking {} again failed (status {status})", program.path.display()))),
    }
}

/// The annotations of itarget.toml, or else those that `program` was linked with, and more, as absolute paths.
///
/// # Errors
/// IT0503.
pub fn annotations(program: &Program, config: &Config, more: &[String]) -> Result<Vec<String>, Error> {
    let mut all = match &config.annotations {
        Some(files) => files.clone(),
        None => program.link()?.settings.annotations,
    };
    all.extend(more.iter().map(|f| std::path::absolute(f).map_or(f.clone(), |p| p.display().to_string())));
    Ok(all)
}

/// What a program that was linked with a profile of a run without threads does not record.
pub const SINGLE: &str = "the profiled run started no thread: a recording ends where one is started";

/// Says how a profile fitted the program that was just linked with it, and what it keeps from being recorded.
///
/// # Errors
/// IT0402, IT0501.
pub fn say_profile(program: &Path) -> Result<(), Error> {
    let plan = Program::open(program)?.plan()?;
    if let Some(fit) = plan.fit {
        anstream::eprintln!("itarget: note: {fit}");
    }
    if plan.single {
        anstream::eprintln!("itarget: note: {SINGLE}");
    }
    Ok(())
}

/// Keeps a profile in the cache, under a hash of what it says: the program linked with it names this
/// file.
///
/// # Errors
/// IT0609.
pub fn keep_profile(text: &str) -> Result<PathBuf, Error> {
    let all = dir::cache()?.join("profiles");
    let path = all.join(format!("{}.json", &hex(&Sha256::digest(text))[..32]));
    let failed = |e: std::io::Error| Error::new("IT0609", format!("{}: {e}", path.display()));
    std::fs::create_dir_all(&all).map_err(failed)?;
    keep_newest(&all);
    std::fs::write(&path, text).map_err(failed)?;
    Ok(path)
}

/// Hash of everything that goes into a variant.
fn key(program: &Program, settings: &Settings) -> Result<String, Error> {
    let mut hash = Sha256::new();
    hash.update(program.bytes());
    let exe = own_exe()?;
    for name in ["itarget-analyze", tools::PLUGIN, tools::RUNTIME] {
        let path = tools::ours(&exe, name)?;
        let meta = std::fs::metadata(&path).map_err(|e| Error::new("IT0201", format!("{path}: {e}")))?;
        let time = meta.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
        hash.update(format!("{path} {} {}\n", meta.len(), time.as_nanos()));
    }
    let files = settings.annotations.iter().map(|f| ("IT0303", f)).chain(settings.profile.iter().map(|f| ("IT0411", f)));
    for (code, file) in files {
        hash.update(std::fs::read(file).map_err(|e| Error::new(code, format!("{file}: {e}")))?);
    }
    // What else the settings say; the files count by what is in them.
    let rest = Settings { annotations: vec![], profile: None, log: None, ..settings.clone() };
    hash.update(format!("{rest:?} {} {}", settings.annotations.len(), settings.profile.is_some()));
    Ok(hex(&hash.finalize())[..32].to_string())
}

/// Removes the oldest variants or profiles; what can't be removed stays.
fn keep_newest(all: &Path) {
    let age = |e: &std::fs::DirEntry| e.metadata().and_then(|m| m.modified()).ok();
    let mut found: Vec<_> = all.read_dir().into_iter().flatten().flatten().map(|e| (age(&e), e.path())).collect();
    found.sort();
    let surplus = found.len().saturating_sub(KEPT);
    for (_, path) in found.into_iter().take(surplus) {
        let _ = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    }
}

/// Sites at which the plan of a program may log something.
///
/// # Errors
/// IT0402.
pub fn items(program: &Program) -> Result<usize, Error> {
    let logs = |call: &Call| call.ret != Ret::None || !call.writes.is_empty();
    let plan = program.plan()?;
    let count = plan.sites.iter().filter(|s| match &s.action {
        Action::Call(call) => logs(call),
        Action::Load { .. } => true,
        _ => false,
    });
    Ok(count.count())
}

/// The middle value; 0 of none.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        n if n % 2 == 1 => values[n / 2],
        n => f64::midpoint(values[n / 2 - 1], values[n / 2]),
    }
}

/// Aligned columns: the first to the left, the others to the right.
#[must_use]
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |c: usize| rows.iter().filter_map(|r| r.get(c)).map(|t| t.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (c, (text, w)) in row.iter().zip(&widths).enumerate() {
            // Writing to a string can't fail.
            let _ = if c == 0 { write!(line, "{text:<w$}") } else { write!(line, "  {text:>w$}") };
        }
        out += line.trim_end();
        out.push('\n');
    }
    out
}

/// How a program ended, as text.
#[must_use]
pub fn how(end: Ended) -> String {
    match end {
        Ended::Status(s) => format!("status {s}"),
        Ended::Signal(s) => format!("signal {s}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!((median(vec![]), median(vec![3.0, 1.0, 2.0]), median(vec![1.0, 2.0])), (0.0, 2.0, 1.5));
    }

    #[test]
    fn columns_are_aligned() {
        let row = |r: &[&str]| r.iter().map(|t| (*t).to_string()).collect::<Vec<_>>();
        assert_eq!(table(&[row(&["a", "1"]), row(&["long", "100"])]), "a       1\nlong  100\n");
    }
}
