//! Programs with threads (tests/threads), with several processes (tests/processes) and with data races (tests/races):
//! recorded with digests and replayed in the sandbox, `TEST_ROUNDS` times (1; from the second on with the recording, the
//! replay or both on one processor), at the program's levels of optimisation or those of `TEST_LEVELS` (`-O0 -O3`). A replay
//! must print exactly what the recording printed and end as it ended. What the recording prints is compared with the plain program, unless that says
//! `varies: output`: then it depends on the schedule, and only the status must agree.
//!
//! Only the programs of tests/threads/passing are run (rows only come); the others are ignored:
//!
//! ```sh
//! cargo test --release -p itarget-tests --test threads -- --include-ignored threads/mutex   # those with this in their name
//! ```

use itarget_tests::{Directives, Outcome, root, run, tools};
use libtest_mimic::{Arguments, Failed, Trial};
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    let args = Arguments::from_args();
    let passing = std::fs::read_to_string(root().join("tests/threads/passing")).unwrap_or_default();
    let passing: Vec<&str> = passing.lines().map(str::trim).collect();
    let mut trials = vec![];
    for dir in ["threads", "processes", "races"] {
        let mut programs: Vec<PathBuf> = std::fs::read_dir(root().join("tests").join(dir))
            .map(|d| d.flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "c")).collect())
            .unwrap_or_default();
        programs.sort();
        for program in programs {
            let name = format!("{dir}/{}", program.file_stem().unwrap_or_default().to_string_lossy());
            let ignored = !passing.contains(&name.as_str());
            trials.push(Trial::test(name, move || check(&program)).with_ignored_flag(ignored));
        }
    }
    libtest_mimic::run(&args, trials).exit();
}

fn check(program: &Path) -> Result<(), Failed> {
    let source = std::fs::read_to_string(program)?;
    let directives = Directives::parse(&source)?;
    let levels = std::env::var("TEST_LEVELS").ok();
    let levels: Vec<String> = levels.map_or(directives.levels.clone(), |l| l.split_whitespace().map(str::to_string).collect());
    for level in &levels {
        let dir = tempfile::tempdir()?;
        if let Err(e) = check_in(dir.path(), program, &directives, level) {
            let kept = dir.keep();
            let itarget = tools().join("itarget");
            let trace = kept.join("trace");
            return Err(format!("{level}: {e}\nkept: {}\nreplay: {} replay {}", kept.display(), itarget.display(), trace.display())
                .into());
        }
    }
    Ok(())
}

fn check_in(dir: &Path, program: &Path, d: &Directives, level: &str) -> Result<(), String> {
    let text = |e: std::io::Error| e.to_string();
    let (plain, app) = (dir.join("plain"), dir.join("app"));
    for (compiler, out) in [(PathBuf::from("clang-19"), &plain), (tools().join("itarget-cc"), &app)] {
        let mut c = Command::new(&compiler);
        c.args([level, "-g", "-w", "-pthread"]).arg(program).args(&d.libs).arg("-o").arg(out);
        c.envs(d.targets.first().map(|target| ("ITARGET_CC_TARGET", target)));
        if d.trusted {
            c.env("ITARGET_CC_RACES", "trust");
        }
        let o = run(&mut c, b"").map_err(text)?;
        if o.status != 0 || !o.stderr.is_empty() {
            return Err(format!("{} said (status {}): {}", compiler.display(), o.status, o.stderr));
        }
    }
    let expected = go(dir, d, Command::new(&plain))?;
    if expected.status != d.status {
        return Err(format!("the plain program ends with {expected:?}"));
    }
    let like_plain = |what: &str, got: &Outcome| {
        if got.status == d.status && (d.varies || *got == expected) {
            Ok(())
        } else {
            Err(format!("{what} differs\nexpected {expected:?}\n     got {got:?}"))
        }
    };
    like_plain("the instrumented program, not recording,", &go(dir, d, Command::new(&app))?)?;
    let rounds = std::env::var("TEST_ROUNDS").ok().and_then(|r| r.parse().ok()).unwrap_or(1);
    for round in 0..rounds {
        let trace = dir.join("trace");
        let _ = std::fs::remove_dir_all(&trace);
        let mut record = itarget(round % 4 == 1 || round % 4 == 3);
        record.args(["record", "--digest", "-o"]).arg(&trace).arg("--").arg(&app);
        let recorded = go(dir, d, record)?;
        like_plain("the recorded run", &recorded)?;
        replay(dir, d, &trace, &recorded, round % 4 >= 2).map_err(|e| format!("round {round}: {e}"))?;
        children(dir, d, &trace, round % 4 >= 2).map_err(|e| format!("round {round}: {e}"))?;
    }
    Ok(())
}

/// The replays of all processes but the first: each ends as it ended, its log wholly used, without an environment call.
fn children(dir: &Path, d: &Directives, trace: &Path, confined: bool) -> Result<(), String> {
    let text = |e: std::io::Error| e.to_string();
    let mut ps = itarget(false);
    ps.args(["ps", "--json"]).arg(trace);
    let listed = run(&mut ps, b"").map_err(text)?;
    let rows: Vec<serde_json::Value> = serde_json::from_str(&listed.stdout).map_err(|e| format!("itarget ps: {e}: {listed:?}"))?;
    if let Some(n) = d.processes
        && rows.len() != n
    {
        return Err(format!("{n} processes expected: {}", listed.stdout));
    }
    for row in rows.iter().filter(|r| r["process"] != 0) {
        let json = dir.join("status.json");
        let _ = std::fs::remove_file(&json);
        let mut command = itarget(confined);
        command.arg("replay").arg(trace).arg("-p").arg(row["process"].to_string());
        command.arg("--json-status").arg(&json).env_clear().current_dir("/");
        let replayed = run(&mut command, b"").map_err(text)?;
        let status: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&json).unwrap_or_default()).unwrap_or_default();
        let wrong = |what: &str| Err(format!("process {row}: {what}: {replayed:?}\n{status}"));
        let end = row["end"].as_str().unwrap_or("");
        let expected: Vec<i64> = match end {
            "exit" | "immediate-exit" => vec![row["status"].as_i64().unwrap_or(-1) & 0xff],
            "abort" => vec![134],
            "exec" => vec![122],
            // By a fault of its own, which happens again, or by a signal from outside.
            "cut-off" => vec![122, 139],
            _ => return wrong("it ends in another way"),
        };
        if !expected.contains(&i64::from(replayed.status)) {
            return wrong("the replay ends with another status");
        }
        if replayed.status == 139 {
            continue;
        }
        if status["log_consumed"] != true || status["environment_calls"] != 0 || status["digests"]["mismatched"] != 0 {
            return wrong("the replay differs");
        }
        if end.ends_with("exit") && status["digests"]["checked"].as_u64().unwrap_or(0) == 0 {
            return wrong("no digest was compared");
        }
    }
    Ok(())
}

/// The tool, on one processor of those that this process may use, or on all.
fn itarget(confined: bool) -> Command {
    let tool = tools().join("itarget");
    if !confined {
        return Command::new(tool);
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let allowed = status.lines().find_map(|l| l.strip_prefix("Cpus_allowed_list:")).unwrap_or("0").trim();
    let first: String = allowed.chars().take_while(char::is_ascii_digit).collect();
    let mut c = Command::new("taskset");
    c.args(["-c", &first]).arg(tool);
    c
}

/// Runs a command on the program's input, in its directory.
fn go(dir: &Path, d: &Directives, mut command: Command) -> Result<Outcome, String> {
    command.args(&d.args).envs(d.env.iter().map(|(a, b)| (a, b))).current_dir(dir).env("LC_ALL", "C");
    run(&mut command, d.stdin.as_bytes()).map_err(|e| e.to_string())
}

/// The replay of a trace: exactly what was recorded, the log wholly used, no environment call, digests met.
fn replay(dir: &Path, d: &Directives, trace: &Path, recorded: &Outcome, confined: bool) -> Result<(), String> {
    let text = |e: std::io::Error| e.to_string();
    let json = dir.join("status.json");
    let _ = std::fs::remove_file(&json);
    let mut command = itarget(confined);
    command.arg("replay").arg(trace).arg("--json-status").arg(&json).env_clear().current_dir("/");
    let replayed = run(&mut command, b"").map_err(text)?;
    // A signal from outside ended the program: the replay comes to that point and says so.
    if d.status > 128 && ![134, 139].contains(&d.status) {
        let there = replayed.status == 122 && replayed.stderr.contains("IT0613") && replayed.stdout == recorded.stdout;
        return if there { Ok(()) } else { Err(format!("the replay differs\nrecorded {recorded:?}\nreplayed {replayed:?}")) };
    }
    let same = if d.children_print {
        replayed.status == recorded.status && in_order(&recorded.stdout, &replayed.stdout)
    } else {
        replayed == *recorded
    };
    let status = std::fs::read_to_string(&json).unwrap_or_default();
    if !same {
        return Err(format!("the replay differs\nrecorded {recorded:?}\nreplayed {replayed:?}\n{status}"));
    }
    let status: serde_json::Value = serde_json::from_str(&status).map_err(|e| format!("no status: {e}"))?;
    // A signal ends a program anywhere: events behind its last output may be in the log.
    let killed = d.status > 128;
    if !killed && status["log_consumed"] != true {
        return Err(format!("the log was not wholly used: {status}"));
    }
    if status["environment_calls"] != 0 {
        return Err(format!("the replay called the environment: {status}"));
    }
    if !killed && !d.running && (status["digests"]["checked"].as_u64().unwrap_or(0) == 0 || status["digests"]["mismatched"] != 0) {
        return Err(format!("digests: {status}"));
    }
    if let Some(limit) = d.log_below {
        let size = std::fs::metadata(trace.join("log")).map_err(text)?.len();
        if size >= limit {
            return Err(format!("the log has {size} bytes, expected below {limit}"));
        }
    }
    Ok(())
}

/// Whether `part` is what remains of `whole` when bytes are left out.
fn in_order(whole: &str, part: &str) -> bool {
    let mut whole = whole.bytes();
    part.bytes().all(|b| whole.any(|w| w == b))
}
