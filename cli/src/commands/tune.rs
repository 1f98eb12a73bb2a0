//! `itarget tune`: profiles a run, cuts again with what was measured, links, and shows what that gained.

use super::{Outcome, profile};
use crate::cc::settings::Settings;
use crate::config::Config;
use crate::errors::Error;
use crate::measure::{self, Recorded, Subject, baseline, how, items, median, table, variant};
use crate::program::Program;
use crate::targeting::Targeting;
use crate::trace::dir::Ended;
use itarget_plan::{CutMode, Plan};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Profile a run, link the program again with the cut that is best for it, report before and after.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where to put the tuned program (default: beside the program, with `.tuned` added).
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Keep the profile in this file.
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// Recordings of each program.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    runs: u32,
    #[command(flatten)]
    targeting: Targeting,
    /// Annotation files to add.
    #[arg(long, value_name = "FILE")]
    annotations: Vec<String>,
    /// Print the figures as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    subject: Subject,
}

/// A program and its recordings.
struct Side {
    exe: PathBuf,
    items: usize,
    runs: Vec<Recorded>,
    ratios: Vec<f64>,
}

impl Side {
    fn of(program: &Program) -> Result<Side, Error> {
        Ok(Side { exe: program.path.clone(), items: items(program)?, runs: vec![], ratios: vec![] })
    }

    fn seconds(&self) -> f64 {
        median(self.runs.iter().map(|r| r.seconds).collect())
    }

    fn slowdown(&self) -> f64 {
        median(self.ratios.clone())
    }
}

/// Runs the command.
///
/// # Errors
/// IT05xx, IT02xx, IT0609; IT0508: a run was interrupted.
pub fn run(args: Args) -> Outcome {
    let program = super::run::find(&args.subject.program[0])?;
    let old_plan = program.plan()?;
    if old_plan.cut == CutMode::Profile {
        return Err(Error::new("IT0509", format!("{} is a build that counts", program.path.display()))
            .hint("tune the program that it was made from"));
    }
    let output = args.output.clone().unwrap_or_else(|| beside(&program.path));
    if same_file(&output, &program.path) {
        return Err(Error::new("IT0609", format!("{}: that is the program itself", output.display()))
            .hint("give another -o, and move it when you like what you see"));
    }
    let config = Config::here()?;
    let annotations = measure::annotations(&program, &config, &args.annotations)?;
    let targets = args.targeting.of(&config, Some(&program));
    let counted = profile::count(&program, &args.subject, &annotations, &targets)?;
    let file = measure::keep_profile(&counted.text)?;
    if let Some(kept) = &args.profile {
        write(kept, &counted.text)?;
    }
    let profile = Some(file.display().to_string());
    let settings = Settings { profile, annotations, targets, cut: config.cut, ..Settings::default() };
    let tuned = Program::open(&variant(&program, &settings)?)?;
    let new_plan = tuned.plan()?;
    replace(&tuned.path, &output)?;
    let mut sides = [Side::of(&program)?, Side::of(&tuned)?];
    let base = baseline(&program)?;
    let mut plain = vec![];
    let mut expected = counted.end;
    for _ in 0..args.runs {
        let (seconds, end) = args.subject.plain(&base)?;
        expected = end;
        plain.push(seconds);
        for side in &mut sides {
            let recorded = args.subject.record(&side.exe)?;
            side.ratios.push(recorded.seconds / seconds.max(1e-6));
            side.runs.push(recorded);
        }
    }
    let [before, after] = &sides;
    if let (Some(b), Some(a)) = (before.runs.last(), after.runs.last()) {
        let shown = Shown { args: &args, output: &output, counted: &counted, plain: median(plain), expected };
        shown.show((before, b, &old_plan), (after, a, &new_plan));
    }
    Ok(0)
}

struct Shown<'a> {
    args: &'a Args,
    output: &'a Path,
    counted: &'a profile::Counted,
    plain: f64,
    expected: Ended,
}

impl Shown<'_> {
    fn show(&self, (before, b, old): (&Side, &Recorded, &Plan), (after, a, new): (&Side, &Recorded, &Plan)) {
        let (gone, come) = changes(old, new);
        if self.args.json {
            let side = |s: &Side, r: &Recorded| {
                json!({
                    "log_bytes": r.log, "calls": r.calls, "items": s.items, "record_seconds": s.seconds(),
                    "slowdown": s.slowdown(), "ended_early": r.early, "end": r.end,
                })
            };
            let all = json!({
                "program": self.args.subject.program, "tuned": self.output.display().to_string(), "runs": self.args.runs,
                "plain_seconds": self.plain, "profile": {"events": self.counted.events, "bytes": self.counted.bytes, "sites": self.counted.sites},
                "before": side(before, b), "after": side(after, a), "sites_dropped": gone, "sites_added": come,
            });
            say!("{}", serde_json::to_string_pretty(&all).unwrap_or_default());
            return;
        }
        let c = self.counted;
        say!("profiled: {} events, {} bytes at {} sites ({})", c.events, c.bytes, c.sites, how(c.end));
        let row = |name: &str, x: String, y: String, change: String| vec![name.to_string(), x, y, change];
        let number = |name: &str, x: u64, y: u64| row(name, x.to_string(), y.to_string(), change(x, y));
        let lines = [
            row("", "before".into(), "after".into(), String::new()),
            number("log bytes", b.log, a.log),
            number("recorded calls", b.calls, a.calls),
            number("interface items", before.items as u64, after.items as u64),
            row("record s", format!("{:.3}", before.seconds()), format!("{:.3}", after.seconds()), String::new()),
            row("slowdown", format!("{:.3}x", before.slowdown()), format!("{:.3}x", after.slowdown()), String::new()),
        ];
        say!("{}", table(&lines).trim_end());
        say!("not instrumented: {:.3} s; plan: {gone} instrumented sites dropped, {come} added", self.plain);
        for (name, r) in [("before", b), ("after", a)] {
            if let Some(why) = r.early {
                say!("note: {name}: the recording ended before the program did ({why}); its figures say nothing");
            }
            if r.end != self.expected {
                say!("note: {name}: the recorded program ended with {}, not with {}", how(r.end), how(self.expected));
            }
        }
        if a.log > b.log && a.early.is_none() && b.early.is_none() {
            say!("note: the new plan logs more bytes; it is cheaper by the cut's measure (bytes, events and address checks together)");
        }
        if old.sites == new.sites {
            say!("note: the plan is the same as before");
        }
        if new.single {
            say!("note: {}", measure::SINGLE);
        }
        say!("tuned program: {}", self.output.display());
    }
}

/// `program.tuned`.
fn beside(program: &Path) -> PathBuf {
    let mut name = program.file_name().unwrap_or_default().to_os_string();
    name.push(".tuned");
    program.with_file_name(name)
}

fn same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    std::fs::write(path, text).map_err(|e| Error::new("IT0609", format!("{}: {e}", path.display())))
}

/// Copies the program to its place, at once.
fn replace(from: &Path, to: &Path) -> Result<(), Error> {
    let mut name = std::ffi::OsString::from(".");
    name.push(to.file_name().unwrap_or_default());
    name.push(format!("-{}", std::process::id()));
    let new = to.with_file_name(name);
    let failed = |e: std::io::Error| Error::new("IT0609", format!("{}: {e}", to.display())).hint("give another place with -o");
    std::fs::copy(from, &new).map_err(failed)?;
    std::fs::rename(&new, to).map_err(|e| {
        let _ = std::fs::remove_file(&new); // the error is what counts
        failed(e)
    })
}

/// Sites of the old plan that the new one leaves alone, and the other way round.
fn changes(old: &Plan, new: &Plan) -> (usize, usize) {
    let sites = |p: &Plan| p.sites.iter().map(|s| (s.function.clone(), s.ordinal)).collect::<BTreeSet<_>>();
    let (old, new) = (sites(old), sites(new));
    (old.difference(&new).count(), new.difference(&old).count())
}

/// `-99.9 %`, `12.3x`, or nothing.
fn change(before: u64, after: u64) -> String {
    if before == after || before == 0 {
        return String::new();
    }
    let ratio = after as f64 / before as f64;
    if ratio >= 2.0 { format!("{ratio:.1}x") } else { format!("{:+.1} %", (ratio - 1.0) * 100.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_readable() {
        assert_eq!(change(1000, 1), "-99.9 %");
        assert_eq!((change(10, 11).as_str(), change(10, 30).as_str(), change(5, 5).as_str()), ("+10.0 %", "3.0x", ""));
    }

    #[test]
    fn the_tuned_program_lies_beside_the_old_one() {
        assert_eq!(beside(Path::new("/a/b.c")), Path::new("/a/b.c.tuned"));
    }
}
