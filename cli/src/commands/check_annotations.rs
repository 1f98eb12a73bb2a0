//! `itarget check-annotations`: finds annotations that lie, by comparing the program's memory across
//! each external call of a run.

use super::{Outcome, profile, run};
use crate::cc::settings::Settings;
use crate::config::Config;
use crate::errors::Error;
use crate::measure::{self, Subject};
use crate::program::Program;
use crate::targeting::Targeting;
use crate::trace::dir::Ended;
use itarget_abi::{env, layout};
use itarget_plan::{Action, Plan, Site};
use serde::Serialize;

/// Run a program and report what external functions write that their annotations do not declare.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Annotation files to add to those the program was linked with.
    #[arg(long, value_name = "FILE")]
    annotations: Vec<String>,
    /// Print the findings as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    subject: Subject,
}

/// An undeclared write.
#[derive(Debug, Serialize, PartialEq, Eq)]
struct Finding {
    /// External function.
    callee: String,
    /// Function that calls it.
    function: String,
    /// `file:line`, empty if not known.
    at: String,
    /// What was written: a global, heap memory, the stack.
    object: String,
    /// Where in it (bytes), unless it is the stack.
    offset: Option<u64>,
    /// Bytes that changed, the first time.
    bytes: u64,
    /// Calls in which it happened.
    calls: u64,
    /// The first bytes before and after, hex.
    before: String,
    /// See `before`.
    after: String,
}

/// A place at which no call could be compared, for other threads ran meanwhile.
#[derive(Debug, Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct Beside {
    /// `file:line`, empty if not known.
    at: String,
    /// Function that calls.
    function: String,
    /// External function.
    callee: String,
    /// Calls.
    calls: u64,
}

/// What a run showed.
#[derive(Debug, Serialize, PartialEq, Eq)]
struct Report {
    /// Sorted by place.
    findings: Vec<Finding>,
    /// Calls of annotated externals.
    calls: u64,
    /// Those across which memory was compared.
    checked: u64,
    /// Those left out because their sites are called often.
    sampled: u64,
    /// Those across which other threads ran.
    beside: u64,
    /// Those left out because comparing had taken its time.
    late: u64,
    /// Where other threads ran across all calls that were to be compared, sorted by place.
    never: Vec<Beside>,
    /// Where checks ended early.
    stopped: Option<String>,
}

/// Runs the command. Exit status: 0 if nothing was found, 1 otherwise.
///
/// # Errors
/// IT05xx, IT02xx.
pub fn run(args: Args) -> Outcome {
    let program = run::find(&args.subject.program[0])?;
    let config = Config::here()?;
    let settings = Settings {
        cut: Some("check".into()),
        annotations: measure::annotations(&program, &config, &args.annotations)?,
        targets: Targeting::default().of(&config, Some(&program)),
        ..Settings::default()
    };
    let checking = Program::open(&measure::variant(&program, &settings)?)?;
    let work = crate::cc::run::Directory::temporary()?;
    let mut command = args.subject.command(&checking.path)?;
    let status = run::wait(command.env(env::MODE, "check").env(env::TRACE, &work.0))?;
    let table = std::fs::read_to_string(work.0.join("check.tsv")).map_err(|e| {
        Error::new("IT0507", format!("the program left no findings: {e}")).hint("it must end by exit or by returning from main")
    })?;
    let mut report = read(&table, &checking.plan()?, &profile::globals(&checking))?;
    if let Ended::Signal(_) = run::ended(status) {
        report.stopped.get_or_insert("a fatal signal: the numbers are those of the last finding".into());
    }
    if args.json {
        say!("{}", serde_json::to_string_pretty(&report).unwrap_or_default());
    } else {
        show(&report, measure::how(run::ended(status)));
    }
    Ok(i32::from(!report.findings.is_empty()))
}

/// Findings from the runtime's table.
fn read(table: &str, plan: &Plan, globals: &[String]) -> Result<Report, Error> {
    let malformed = || Error::new("IT0507", "the findings are malformed").hint("a bug; report it with the program");
    let number = |t: &str| t.parse::<u64>().map_err(|_| malformed());
    let site = |t: &str| number(t).ok().and_then(|i| plan.sites.get(usize::try_from(i).ok()?)).ok_or_else(malformed);
    let place_of = |site: &Site| site.at.as_ref().map(|l| format!("{}:{}", l.file, l.line)).unwrap_or_default();
    let mut report = Report { findings: vec![], calls: 0, checked: 0, sampled: 0, beside: 0, late: 0, never: vec![], stopped: None };
    let mut complete = false;
    for line in table.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        match fields.as_slice() {
            ["calls", calls, checked, stopped, sampled, beside, late] => {
                (report.calls, report.checked, complete) = (number(calls)?, number(checked)?, true);
                (report.sampled, report.beside, report.late) = (number(sampled)?, number(beside)?, number(late)?);
                report.stopped = match *stopped {
                    "-1" => None,
                    s => Some(site(s).map_or("something that can't be followed".into(), crate::program::describe)),
                };
            }
            ["beside", at, calls] => {
                let site = site(at)?;
                report.never.push(Beside { at: place_of(site), function: site.function.clone(), callee: callee(site), calls: number(calls)? });
            }
            [at, object, bytes, calls, before, after] => {
                let site = site(at)?;
                let bytes = number(bytes)?;
                if names_used_outside(object, plan, globals) {
                    continue;
                }
                let (object, offset) = place(object, plan, globals).ok_or_else(malformed)?;
                let shown = |hex: &str| hex[..hex.len().min(2 * usize::try_from(bytes).unwrap_or(8).min(8))].to_string();
                report.findings.push(Finding {
                    callee: callee(site),
                    function: site.function.clone(),
                    at: place_of(site),
                    object,
                    offset,
                    bytes,
                    calls: number(calls)?,
                    before: shown(before),
                    after: shown(after),
                });
            }
            _ => return Err(malformed()),
        }
    }
    if !complete {
        return Err(malformed());
    }
    report.never.sort();
    report.findings.sort_by(|a, b| (&a.at, &a.function, &a.callee, &a.object, a.offset).cmp(&(&b.at, &b.function, &b.callee, &b.object, b.offset)));
    Ok(report)
}

fn callee(site: &Site) -> String {
    match &site.action {
        Action::Call(c) => c.callee.clone(),
        _ => String::new(),
    }
}

/// Whether it is a variable that a library stores to by its name: what calls write there is logged without an annotation.
fn names_used_outside(text: &str, plan: &Plan, globals: &[String]) -> bool {
    let index = text.strip_prefix("global:").and_then(|rest| rest.split('+').next()?.parse::<usize>().ok());
    index.and_then(|i| globals.get(i)).is_some_and(|name| plan.used_outside.contains(name))
}

/// `kind:index+offset` as words, and the offset.
fn place(text: &str, plan: &Plan, globals: &[String]) -> Option<(String, Option<u64>)> {
    let (kind, rest) = text.split_once(':')?;
    let (index, offset) = rest.split_once('+')?;
    let (index, offset) = (index.parse::<usize>().ok()?, offset.parse::<u64>().ok()?);
    Some(match kind {
        "global" => match globals.get(index).filter(|n| !n.is_empty()) {
            Some(name) => (format!("global `{name}`"), Some(offset)),
            None => ("a global".into(), Some(offset)),
        },
        "heap" => match index.checked_sub(layout::OBJ_MIXED as usize).and_then(|i| plan.mixed.get(i)) {
            Some(m) => (format!("heap object `{}`", m.name), Some(offset)),
            None => ("heap memory".into(), Some(offset)),
        },
        "stack" => ("the stack of its callers".into(), None),
        _ => ("memory of the program".into(), None),
    })
}

fn show(report: &Report, how: String) {
    let place = |at: &str, function: &str| if at.is_empty() { format!("in `{function}`") } else { format!("{at}: in `{function}`") };
    for f in &report.findings {
        let at = place(&f.at, &f.function);
        let offset = f.offset.map_or(String::new(), |o| format!(" at offset {o}"));
        let times = if f.calls == 1 { String::new() } else { format!(", in {} calls", f.calls) };
        say!(
            "{at}: `{}` changes {} bytes of {}{offset}, which its annotation does not declare ({} -> {}{times})",
            f.callee,
            f.bytes,
            f.object,
            f.before,
            f.after
        );
    }
    if let Some(site) = &report.stopped {
        say!("not all was checked: {site}");
    }
    for n in &report.never {
        say!("{}: `{}` was not checked: other threads ran meanwhile", place(&n.at, &n.function), n.callee);
    }
    let rest = report.calls - [report.checked, report.sampled, report.beside, report.late].iter().sum::<u64>().min(report.calls);
    let reasons = [
        (report.sampled, "sites called often: a sample".to_string()),
        (report.beside, format!("{} not, as other threads ran meanwhile", report.beside)),
        (rest, format!("{rest} not, as code of the program ran meanwhile, or they did not return")),
        (report.late, format!("{} not, as comparing had taken 20 s", report.late)),
    ];
    let reasons: Vec<String> = reasons.into_iter().filter(|(n, _)| *n > 0).map(|(_, text)| text).collect();
    let left_out = if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join("; ")) };
    let found = match report.findings.len() {
        0 => "no undeclared write".to_string(),
        1 => "1 undeclared write".to_string(),
        n => format!("{n} undeclared writes"),
    };
    say!("{found}; {} of {} calls of annotated functions compared{left_out}; the program ended with {how}", report.checked, report.calls);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        let text = r#"{"format":2,"module":"m","cut":"check","used_outside":["PC"],"sites":[{"function":"main","ordinal":3,"at":{"file":"a.c","line":7},
            "action":{"do":"call","callee":"fill","how":"always","ret":{"as":"log"}}}],"mixed":[{"name":"main:5","ranges":[]}]}"#;
        Plan::parse(text).expect("a plan")
    }

    #[test]
    fn findings_are_named() {
        let table = "0\tglobal:2+0\t1\t1\t00\tff\n0\tglobal:1+8\t4\t3\t0000000000000000\t4142434400000000\n0\theap:3+0\t1\t1\t0000000000000000\tff00000000000000\nbeside\t0\t2\ncalls\t9\t5\t-1\t1\t2\t0\n";
        let r = read(table, &plan(), &["a".into(), "table".into(), "PC".into()]).expect("readable");
        assert_eq!((r.calls, r.checked, r.stopped.is_none()), (9, 5, true));
        let f = &r.findings[0];
        assert_eq!((f.object.as_str(), f.offset, f.after.as_str(), f.at.as_str()), ("global `table`", Some(8), "41424344", "a.c:7"));
        assert_eq!(r.findings[1].object, "heap object `main:5`");
        assert_eq!((r.sampled, r.beside, r.late), (1, 2, 0));
        assert_eq!((r.never[0].at.as_str(), r.never[0].callee.as_str(), r.never[0].calls), ("a.c:7", "fill", 2));
    }

    #[test]
    fn damaged_findings_are_refused() {
        for bad in ["", "0\tglobal:1+8\t4\n", "7\tglobal:1+8\t4\t3\t00\t00\ncalls\t1\t1\t-1\t0\t0\t0\n", "0\tglobal\t4\t3\t00\t00\n", "calls\t1\tx\t5\t0\t0\t0\n", "beside\t0\t1\n"] {
            assert!(read(bad, &plan(), &[]).is_err(), "{bad}");
        }
    }
}
