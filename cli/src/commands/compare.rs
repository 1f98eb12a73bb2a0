//! `itarget compare`: what recording costs with each kind of cut, on the same run.

use super::Outcome;
use crate::cc::settings::Settings;
use crate::config::Config;
use crate::measure::{self, Recorded, Subject, baseline, how, items, median, table, variant};
use crate::program::Program;
use crate::targeting::Targeting;
use crate::trace::dir::Ended;
use crate::weighing::Weighing;
use serde_json::json;

/// The cuts that are compared, cheapest log first.
const CUTS: &[&str] = &["min", "functions", "libc"];

/// Show log size and slowdown of a run with each kind of cut.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Runs of each variant.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    runs: u32,
    #[command(flatten)]
    weighing: Weighing,
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

/// One kind of cut.
struct Row {
    cut: &'static str,
    items: usize,
    runs: Vec<Recorded>,
    ratios: Vec<f64>,
}

/// Runs the command.
///
/// # Errors
/// IT05xx, IT02xx; IT0508: a run was interrupted.
pub fn run(args: Args) -> Outcome {
    let program = super::run::find(&args.subject.program[0])?;
    let config = Config::here()?;
    let annotations = measure::annotations(&program, &config, &args.annotations)?;
    let targets = args.targeting.of(&config, Some(&program));
    let mut rows = vec![];
    let mut variants = vec![];
    for &cut in CUTS {
        let settings = Settings {
            cut: Some(cut.into()),
            profile: args.weighing.absolute(),
            profile_match: args.weighing.matching(),
            annotations: annotations.clone(),
            targets: targets.clone(),
            ..Settings::default()
        };
        let path = variant(&program, &settings)?;
        if cut == CUTS[0] && args.weighing.profile.is_some() {
            measure::say_profile(&path)?;
        }
        rows.push(Row { cut, items: items(&Program::open(&path)?)?, runs: vec![], ratios: vec![] });
        variants.push(path);
    }
    // Files in the cache of the kernel, directories made: the first run pays for all.
    let base = baseline(&program)?;
    let (_, expected) = args.subject.plain(&base)?;
    let mut plain = vec![];
    for _ in 0..args.runs {
        // Alternating, so that a machine that gets slower does so for all.
        let (seconds, _) = args.subject.plain(&base)?;
        plain.push(seconds);
        for (row, exe) in rows.iter_mut().zip(&variants) {
            let recorded = args.subject.record(exe)?;
            row.ratios.push(recorded.seconds / seconds.max(1e-6));
            row.runs.push(recorded);
        }
    }
    show(&args, &rows, median(plain), expected);
    Ok(0)
}

fn show(args: &Args, rows: &[Row], plain: f64, expected: Ended) {
    let last = |r: &Row| r.runs.last().cloned();
    // Where the kernel puts libraries and stacks has a part in a log's length, of a byte or two.
    let log = |r: &Row| {
        let mut bytes: Vec<_> = r.runs.iter().map(|x| x.log).collect();
        bytes.sort_unstable();
        bytes.get(bytes.len().saturating_sub(1) / 2).copied().unwrap_or_default()
    };
    let seconds = |r: &Row| median(r.runs.iter().map(|x| x.seconds).collect());
    if args.json {
        let cuts: Vec<_> = rows
            .iter()
            .filter_map(|r| {
                let l = last(r)?;
                Some(json!({
                    "cut": r.cut, "items": r.items, "log_bytes": log(r), "calls": l.calls, "record_seconds": seconds(r),
                    "slowdown": median(r.ratios.clone()), "ended_early": l.early, "end": l.end,
                }))
            })
            .collect();
        let all = json!({"program": args.subject.program, "runs": args.runs, "plain_seconds": plain, "end": expected, "cuts": cuts});
        say!("{}", serde_json::to_string_pretty(&all).unwrap_or_default());
        return;
    }
    let heading = ["cut", "interface items", "log bytes", "recorded calls", "record s", "slowdown"];
    let mut lines: Vec<Vec<String>> = vec![heading.iter().map(|t| (*t).to_string()).collect()];
    let mut notes = vec![];
    for r in rows {
        let Some(l) = last(r) else { continue };
        lines.push(vec![
            r.cut.to_string(),
            r.items.to_string(),
            log(r).to_string(),
            l.calls.to_string(),
            format!("{:.3}", seconds(r)),
            format!("{:.3}x", median(r.ratios.clone())),
        ]);
        if let Some(why) = l.early {
            notes.push(format!("{}: the recording ended before the program did ({why}); its figures say nothing", r.cut));
        }
        if l.end != expected {
            notes.push(format!("{}: the recorded program ended with {}, not with {}", r.cut, how(l.end), how(expected)));
        }
    }
    say!("{}", table(&lines).trim_end());
    say!("not instrumented: {plain:.3} s ({}); medians of {} alternating runs", how(expected), args.runs);
    if args.weighing.profile.is_none() {
        notes.push("no profile: `min` and `functions` go by estimates; `itarget tune` measures, --profile takes what it kept".into());
    }
    for note in notes {
        say!("note: {note}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_compared_cut_can_be_linked() {
        for cut in CUTS {
            let read = Settings::read([("ITARGET_CC_CUT".to_string(), (*cut).to_string())].into_iter());
            assert!(read.is_ok(), "{cut}");
        }
    }
}
