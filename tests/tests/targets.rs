//! Partial replay: the programs in tests/replay and tests/targets under targets that put functions on both sides of
//! the cut. Each is recorded with digests and replayed in the sandbox: the log must be used up, the status and all
//! replayed memory must agree, and what the replay prints must be part of what the recorded run printed, in
//! order (functions that are not replayed print nothing).

use itarget_tests::{Directives, Outcome, known_failures, root, run, tools};
use libtest_mimic::{Arguments, Failed, Trial};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

fn main() {
    let args = Arguments::from_args();
    let mut trials = vec![];
    for dir in ["tests/replay", "tests/targets"] {
        let mut programs: Vec<PathBuf> = std::fs::read_dir(root().join(dir))
            .map(|d| d.flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "c")).collect())
            .unwrap_or_default();
        programs.sort();
        for program in programs {
            let source = std::fs::read_to_string(&program).unwrap_or_default();
            let given = Directives::parse(&source).map(|d| d.targets).unwrap_or_default();
            for target in if given.is_empty() { usual(&source) } else { given } {
                let name = format!("{}/{target}", program.file_stem().unwrap_or_default().to_string_lossy());
                let program = program.clone();
                let known = known_failures().contains(&name);
                trials.push(Trial::test(name, move || check(&program, &target)).with_ignored_flag(known));
            }
        }
    }
    libtest_mimic::run(&args, trials).exit();
}

/// Targets for a program that names none: everything but main, and each function alone, with main in the environment or free.
fn usual(source: &str) -> Vec<String> {
    let mut targets = vec!["!main".to_owned()];
    for name in functions(source).into_iter().filter(|n| n != "main" && !n.starts_with("__")) {
        targets.push(format!("{name}:!main"));
        targets.push(format!("main:!{name}"));
        targets.push(name);
    }
    targets
}

/// Names of functions that begin at the start of a line, as these programs are written.
fn functions(source: &str) -> Vec<String> {
    let head = |line: &str| {
        let line = line.trim_end();
        let starts = line.starts_with(|c: char| c.is_ascii_alphabetic()) && (line.ends_with('{') || line.ends_with('}'));
        let before = line.split_once('(')?.0;
        let name: String = before.chars().rev().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let name: String = name.chars().rev().collect();
        (starts && before.len() > name.len() && !before.contains('=') && !name.is_empty()).then_some(name)
    };
    source.lines().filter_map(head).collect()
}

fn check(program: &Path, target: &str) -> Result<(), Failed> {
    let source = std::fs::read_to_string(program)?;
    let directives = Directives::parse(&source)?;
    for level in &directives.levels {
        let dir = tempfile::tempdir()?;
        if let Err(e) = check_in(dir.path(), program, &directives, target, level) {
            let kept = dir.keep();
            return Err(format!(
                "{level}, target {target}: {e}\nkept: {}\nreplay: {} replay {}",
                kept.display(),
                tools().join("itarget").display(),
                kept.join("trace").display()
            )
            .into());
        }
    }
    Ok(())
}

fn check_in(dir: &Path, program: &Path, d: &Directives, target: &str, level: &str) -> Result<(), String> {
    let text = |e: std::io::Error| e.to_string();
    let (app, trace, json) = (dir.join("app"), dir.join("trace"), dir.join("status.json"));
    let mut c = Command::new(tools().join("itarget-cc"));
    c.args([level, "-g", "-w"]).arg(program).args(&d.libs).arg("-o").arg(&app).env("ITARGET_CC_TARGET", target);
    let o = run(&mut c, b"").map_err(text)?;
    if o.stderr.contains("can't be separated") && !d.separable {
        return Ok(()); // said, not done wrong
    }
    if o.status != 0 || !o.stderr.is_empty() {
        return Err(format!("itarget-cc said (status {}): {}", o.status, o.stderr));
    }
    let itarget = tools().join("itarget");
    let recorded = record(dir, &app, &trace, d).map_err(text)?;
    if recorded.status != d.status {
        return Err(format!("the recorded run ends with {recorded:?}"));
    }
    let refused = recorded.stderr.contains("IT0614");
    let mut replay = Command::new(&itarget);
    replay.arg("replay").arg(&trace).arg("--json-status").arg(&json).env_clear().current_dir("/");
    let replayed = run(&mut replay, b"").map_err(text)?;
    let status: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&json).map_err(text)?).map_err(|e| e.to_string())?;
    if refused {
        return Err(format!("the recording was refused: {recorded:?}"));
    }
    // Where functions must not be replayed, what they hand over has to be logged, whatever the boundary would cost.
    if !target.contains('!') {
        smaller(dir, program, d, (target, level), &trace)?;
    }
    // A crash in the environment does not happen again.
    let cut_off = d.status > 128 && status["end"] == "trace_ends";
    if !cut_off && (replayed.status != recorded.status || !part(&recorded, &replayed)) {
        return Err(format!("the replay differs\nrecorded {recorded:?}\nreplayed {replayed:?}\n{status}"));
    }
    if d.status <= 128 && status["log_consumed"] != true {
        return Err(format!("the log was not wholly used: {status}"));
    }
    if status["environment_calls"] != 0 {
        return Err(format!("the replay called the environment: {status}"));
    }
    let checked = status["digests"]["checked"].as_u64().unwrap_or(0);
    if d.status <= 128 && !source_dies(d) && (checked == 0 || status["digests"]["mismatched"] != 0) {
        return Err(format!("digests: {status}"));
    }
    Ok(())
}

/// The log is no longer than that of the library boundary for the same run, but by what tests/targets/longer.tsv says.
fn smaller(dir: &Path, program: &Path, d: &Directives, (target, level): (&str, &str), trace: &Path) -> Result<(), String> {
    let Some(most) = at_the_boundary(dir, program, d, level)? else { return Ok(()) };
    let length = std::fs::metadata(trace.join("log")).map(|m| m.len()).map_err(|e| e.to_string())?;
    let name = format!("{}/{target}", program.file_stem().unwrap_or_default().to_string_lossy());
    let table = std::fs::read_to_string(root().join("tests/targets/longer.tsv")).map_err(|e| e.to_string())?;
    let row = table.lines().filter_map(|l| l.split_once('\t')).find(|(n, _)| *n == name);
    let more: u64 = row.map_or(Ok(0), |(_, more)| more.parse()).map_err(|e| format!("longer.tsv: {e}"))?;
    if length <= most + more {
        return Ok(());
    }
    Err(format!("the log has {length} bytes, {most} at the library boundary ({more} more are known of)"))
}

/// Bytes of the log at the library boundary; `None` if such a recording ends before the program does.
fn at_the_boundary(dir: &Path, program: &Path, d: &Directives, level: &str) -> Result<Option<u64>, String> {
    static KNOWN: Mutex<BTreeMap<(PathBuf, String), Option<u64>>> = Mutex::new(BTreeMap::new());
    let key = (program.to_path_buf(), level.to_owned());
    if let Some(known) = KNOWN.lock().map_err(|e| e.to_string())?.get(&key) {
        return Ok(*known);
    }
    // Names as long as the other ones: they are part of the log.
    let (app, trace) = (dir.join("lib"), dir.join("bound"));
    let text = |e: std::io::Error| e.to_string();
    let mut c = Command::new(tools().join("itarget-cc"));
    c.args([level, "-g", "-w"]).arg(program).args(&d.libs).arg("-o").arg(&app).env("ITARGET_CC_CUT", "libc");
    let built = run(&mut c, b"").map_err(text)?;
    let recorded = if built.status == 0 { record(dir, &app, &trace, d).map_err(text)? } else { built };
    // What can't be recorded whole (threads) says so.
    let whole = recorded.status == d.status && !recorded.stderr.contains("IT0614");
    let length = if whole { Some(std::fs::metadata(trace.join("log")).map_err(text)?.len()) } else { None };
    KNOWN.lock().map_err(|e| e.to_string())?.insert(key, length);
    Ok(length)
}

fn record(dir: &Path, app: &Path, trace: &Path, d: &Directives) -> std::io::Result<Outcome> {
    let mut record = Command::new(tools().join("itarget"));
    record.args(["record", "--digest", "-o"]).arg(trace).arg("--").arg(app).args(&d.args);
    record.envs(d.env.iter().map(|(a, b)| (a, b))).current_dir(dir).env("LC_ALL", "C");
    run(&mut record, d.stdin.as_bytes())
}

/// A program that ends by a signal or an early exit has no digest at its end.
fn source_dies(d: &Directives) -> bool {
    d.status > 128
}

/// What the replay printed is part of what the recorded run printed: bytes left out, none added or moved.
fn part(recorded: &Outcome, replayed: &Outcome) -> bool {
    let part = |whole: &str, part: &str| {
        let mut whole = whole.bytes();
        part.bytes().all(|b| whole.any(|w| w == b))
    };
    part(&recorded.stdout, &replayed.stdout) && part(&recorded.stderr, &replayed.stderr)
}
