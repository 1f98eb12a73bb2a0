//! Programs with threads (tests/threads), with several processes (tests/processes) and with data races (tests/races):
//! recorded with digests and replayed in the sandbox, `TEST_ROUNDS` times (1; from the second on with the recording, the
//! replay or both on one processor), at the program's levels of optimisation or those of `TEST_LEVELS` (`-O0 -O3`). A replay
//! must print exactly what the recording printed and end as it ended. What the recording prints is compared with the plain program, unless that says
//! `varies: output`: then it depends on the schedule, and only the status must agree.
//!
//! Those of tests/threads and tests/races are run once more with `ITARGET_CC_RACES=order` (`ordered threads/mutex-kinds`).
//!
//! Only the programs of tests/threads/passing are run (rows only come); the others are ignored:
//!
//! ```sh
//! cargo test --release -p itarget-tests --test threads -- --include-ignored threads/mutex   # those with this in their name
//! ```

use itarget_tests::{Directives, End, Outcome, Unrecorded, root, run, tools};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

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
            if dir != "processes" {
                let program = program.clone();
                let name = format!("ordered {name}");
                trials.push(Trial::test(name, move || check(&program, true)).with_ignored_flag(ignored));
            }
            trials.push(Trial::test(name, move || check(&program, false)).with_ignored_flag(ignored));
        }
    }
    libtest_mimic::run(&args, trials).exit();
}

/// `ordered`: with accesses that are ordered as they are made, in place of what the program says.
fn check(program: &Path, ordered: bool) -> Result<(), Failed> {
    let source = std::fs::read_to_string(program)?;
    let mut directives = Directives::parse(&source)?;
    if ordered {
        // How much is logged is said of the default.
        directives.log_below = None;
    }
    let unrecorded = directives.unrecorded == Unrecorded::Always || ordered && directives.unrecorded == Unrecorded::IfOrdered;
    directives.unrecorded = if unrecorded { Unrecorded::Always } else { Unrecorded::Never };
    if unrecorded {
        directives.processes = Some(1);
    }
    let levels = std::env::var("TEST_LEVELS").ok();
    let levels: Vec<String> = levels.map_or(directives.levels.clone(), |l| l.split_whitespace().map(str::to_string).collect());
    for level in &levels {
        let dir = tempfile::tempdir()?;
        if let Err(e) = check_in(dir.path(), program, (&directives, ordered), level) {
            let kept = dir.keep();
            let itarget = tools().join("itarget");
            let trace = kept.join("trace");
            return Err(format!("{level}: {e}\nkept: {}\nreplay: {} replay {}", kept.display(), itarget.display(), trace.display())
                .into());
        }
    }
    Ok(())
}

fn check_in(dir: &Path, program: &Path, (d, ordered): (&Directives, bool), level: &str) -> Result<(), String> {
    let text = |e: std::io::Error| e.to_string();
    let (plain, app) = (dir.join("plain"), dir.join("app"));
    for (compiler, out) in [(PathBuf::from("clang-19"), &plain), (tools().join("itarget-cc"), &app)] {
        let mut c = Command::new(&compiler);
        c.args([level, "-g", "-w", "-pthread"]).arg(program).args(&d.libs).arg("-o").arg(out);
        c.envs(d.targets.first().map(|target| ("ITARGET_CC_TARGET", target)));
        if ordered || d.trusted {
            c.env("ITARGET_CC_RACES", if ordered { "order" } else { "trust" });
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
        // Small chunks in the first round: every kind of entry comes to be the last of one.
        record.args(["record", "--digest", "--ring-kib", if round % 2 == 0 { "64" } else { "1024" }, "-o"]).arg(&trace).arg("--").arg(&app);
        let mut recorded = go(dir, d, record)?;
        if d.unrecorded == Unrecorded::Always {
            recorded.stderr = without_message(&recorded)?;
        }
        like_plain("the recorded run", &recorded)?;
        let again = Replays { dir, d, trace: &trace, recorded: &recorded, confined: round % 4 >= 2 };
        let first = again.first().map_err(|e| format!("round {round}: {e}"))?;
        again.children(first).map_err(|e| format!("round {round}: {e}"))?;
    }
    Ok(())
}

/// The replays of one trace.
struct Replays<'a> {
    dir: &'a Path,
    d: &'a Directives,
    trace: &'a Path,
    recorded: &'a Outcome,
    confined: bool,
}

impl Replays<'_> {
    /// The replay of a process: what it did, and what it says of itself.
    fn replayed(&self, process: u64) -> Result<(Outcome, Value), String> {
        let json = self.dir.join("status.json");
        let _ = std::fs::remove_file(&json);
        let mut command = itarget(self.confined);
        command.arg("replay").arg(self.trace).arg("-p").arg(process.to_string());
        command.arg("--json-status").arg(&json).env_clear().current_dir("/");
        let outcome = run(&mut command, b"").map_err(|e| e.to_string())?;
        all_ended(self.dir)?;
        let status = std::fs::read_to_string(&json).map_err(|e| format!("no status: {e}: {outcome:?}"))?;
        let status = serde_json::from_str(&status).map_err(|e| format!("no status: {e}: {status}"))?;
        Ok((outcome, status))
    }

    /// The replay of the first process: exactly what was recorded, the log wholly used, no environment call, digests met.
    fn first(&self) -> Result<Outcome, String> {
        let (d, recorded) = (self.d, self.recorded);
        let (replayed, status) = self.replayed(0)?;
        let wrong = |what: &str| format!("{what}\nrecorded {recorded:?}\nreplayed {replayed:?}\n{status}");
        // A signal from outside ended the program: the replay comes to that point and says so.
        if d.status > 128 && ![134, 139].contains(&d.status) {
            let there = replayed.status == 122 && replayed.stderr.contains("IT0613") && replayed.stdout == recorded.stdout;
            return if there { Ok(replayed) } else { Err(wrong("the replay differs")) };
        }
        if d.replaced {
            let there = replayed.status == 122 && replayed.stderr.contains("IT0613") && !replayed.stdout.is_empty();
            let whole = there && recorded.stdout.starts_with(&replayed.stdout) && status["end"] == "exec";
            return if whole && exact(&status, true, false).is_ok() { Ok(replayed) } else { Err(wrong("the replay differs")) };
        }
        let same = if d.children_print {
            replayed.status == recorded.status && replayed.stderr == recorded.stderr && in_order(&recorded.stdout, &replayed.stdout)
        } else {
            replayed == *recorded
        };
        if !same {
            return Err(wrong("the replay differs"));
        }
        // A signal ends a program anywhere: events behind its last output may be in the log, and memory has no state to compare.
        let killed = d.status > 128;
        exact(&status, !killed, !killed && !d.running).map_err(|what| wrong(&what))?;
        if let Some(limit) = d.log_below {
            let size = std::fs::metadata(self.trace.join("log")).map_err(|e| e.to_string())?.len();
            if size >= limit {
                return Err(format!("the log has {size} bytes, expected below {limit}"));
            }
        }
        Ok(replayed)
    }

    /// The replays of all processes but the first: each ends as it ended, its log wholly used, without an environment call. All
    /// replays together print what was printed.
    fn children(&self, first: Outcome) -> Result<(), String> {
        let d = self.d;
        let mut ps = itarget(false);
        ps.args(["ps", "--json"]).arg(self.trace);
        let listed = run(&mut ps, b"").map_err(|e| e.to_string())?;
        let rows: Vec<Value> = serde_json::from_str(&listed.stdout).map_err(|e| format!("itarget ps: {e}: {listed:?}"))?;
        if listed.status != 0 || d.processes.is_some_and(|n| n != rows.len()) {
            return Err(format!("{:?} processes expected: {listed:?}", d.processes));
        }
        let mut ends: BTreeMap<u64, End> = d.ends.iter().copied().collect();
        let (mut own, mut printed) = (vec![first.stdout.clone()], BTreeMap::from([(0, first.stdout)]));
        for row in rows.iter().filter(|r| r["process"] != 0) {
            let number = |name: &str| row[name].as_u64().ok_or_else(|| format!("itarget ps: no {name}: {row}"));
            let (process, parent) = (number("process")?, number("parent")?);
            let (replayed, status) = self.replayed(process)?;
            let wrong = |what: &str| format!("process {row}: {what}: {replayed:?}\n{status}");
            let end = ends.remove(&process).unwrap_or(End::Exit);
            let (recorded, expected) = match end {
                End::Exit if row["end"] == "exit" => ("exit", row["status"].as_i64().unwrap_or(-1) & 0xff),
                End::Exit => ("immediate-exit", row["status"].as_i64().unwrap_or(-1) & 0xff),
                End::Abort => ("abort", 134),
                End::Exec => ("exec", 122),
                End::Killed => ("cut-off", 122),
                End::Fault => ("cut-off", 139),
            };
            if row["end"] != recorded {
                return Err(wrong(&format!("it ends in another way than by {end:?}")));
            }
            if i64::from(replayed.status) != expected {
                return Err(wrong("the replay ends with another status"));
            }
            let says = if expected == 122 { replayed.stderr.contains("IT0613") } else { replayed.stderr.is_empty() };
            if !says {
                return Err(wrong("the replay says something else"));
            }
            exact(&status, end != End::Fault, end == End::Exit && !d.children_beside_threads).map_err(|what| wrong(&what))?;
            // What its parents printed before they started it, it prints too.
            let before = printed.get(&parent).map_or("", |p| common(p, &replayed.stdout));
            own.push(replayed.stdout[before.len()..].to_string());
            printed.insert(process, replayed.stdout);
        }
        if !ends.is_empty() {
            return Err(format!("no such processes: {ends:?}: {}", listed.stdout));
        }
        let own = own.concat();
        let shown = |l: &&str| d.shows.as_ref().is_none_or(|prefix| l.starts_with(prefix));
        let (mut expected, mut got): (Vec<&str>, Vec<&str>) = (self.recorded.stdout.lines().filter(shown).collect(), own.lines().collect());
        expected.sort_unstable();
        got.sort_unstable();
        if rows.len() > 1 && expected != got {
            return Err(format!("the replays of all processes print\n{got:?}, recorded was\n{expected:?}"));
        }
        Ok(())
    }
}

/// What a program printed on stderr, but for the one message that a child is not recorded.
fn without_message(recorded: &Outcome) -> Result<String, String> {
    let (said, rest): (Vec<&str>, Vec<&str>) = recorded.stderr.split_inclusive('\n').partition(|l| l.starts_with("itarget: IT0618 "));
    if said.len() == 1 { Ok(rest.concat()) } else { Err(format!("not one child says that it is not recorded: {recorded:?}")) }
}

/// Whether a replay called no environment, met every digest and, if they are asked for, used its log wholly and compared any digest.
fn exact(status: &Value, whole: bool, digests: bool) -> Result<(), String> {
    let what = if status["environment_calls"] != 0 {
        "the replay called the environment"
    } else if whole && status["log_consumed"] != true {
        "the log was not wholly used"
    } else if digests && status["digests"]["checked"].as_u64().unwrap_or(0) == 0 {
        "no digest was compared"
    } else if status["digests"]["mismatched"].as_u64().unwrap_or(0) != 0 {
        "digests differ"
    } else {
        return Ok(());
    };
    Err(what.into())
}

/// The lines with which both texts begin.
fn common<'a>(a: &'a str, b: &str) -> &'a str {
    let lines = a.split_inclusive('\n').zip(b.split_inclusive('\n'));
    &a[..lines.take_while(|(x, y)| x == y).map(|(x, _)| x.len()).sum()]
}

/// Waits until no process executes a file of the directory any more: children may end after the first process.
fn all_ended(dir: &Path) -> Result<(), String> {
    let pid = |e: std::fs::DirEntry| e.file_name().to_str()?.parse::<u32>().ok();
    let there = || -> Vec<u32> {
        let all = std::fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(pid);
        all.filter(|p| std::fs::read_link(format!("/proc/{p}/exe")).is_ok_and(|exe| exe.starts_with(dir))).collect()
    };
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let left = there();
        if left.is_empty() {
            return Ok(());
        }
        if Instant::now() > until {
            for pid in &left {
                let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
            }
            return Err(format!("processes {left:?} do not end"));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
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

/// Runs a command on the program's input, in its directory, until all that it started has ended.
fn go(dir: &Path, d: &Directives, mut command: Command) -> Result<Outcome, String> {
    command.args(&d.args).envs(d.env.iter().map(|(a, b)| (a, b))).current_dir(dir).env("LC_ALL", "C");
    let outcome = run(&mut command, d.stdin.as_bytes()).map_err(|e| e.to_string())?;
    all_ended(dir).map(|()| outcome)
}

/// Whether `part` is what remains of `whole` when bytes are left out.
fn in_order(whole: &str, part: &str) -> bool {
    let mut whole = whole.bytes();
    part.bytes().all(|b| whole.any(|w| w == b))
}
