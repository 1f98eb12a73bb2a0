//! Programs with threads that end badly while they are recorded: killed, crashed, without room for the log, deadlocked.
//! The program must not notice what happens to its recording; what was recorded replays up to there, in bounded time.
//!
//! `TEST_ROUNDS` random moments each (3; 100 for a long run). Like tests/threads.rs, only what tests/threads/passing names
//! is run: `cargo test --release -p itarget-tests --test thread_faults -- --include-ignored`.

use itarget_tests::{Outcome, Recorder, Scratch, kill, root, run, tools, until};
use libtest_mimic::{Arguments, Failed, Trial};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

fn main() {
    let args = Arguments::from_args();
    let passing = std::fs::read_to_string(root().join("tests/threads/passing")).unwrap_or_default();
    let trial = |name: &'static str, test: fn() -> Result<(), Failed>| {
        let name = format!("faults/{name}");
        let ignored = !passing.lines().any(|l| l.trim() == name);
        Trial::test(name, test).with_ignored_flag(ignored)
    };
    let trials = vec![
        trial("assembly", assembly),
        trial("crash", crash),
        trial("killed", killed),
        trial("no-room", no_room),
        trial("directory-removed", directory_removed),
        trial("deadlock", deadlock),
        trial("forks-unrecorded", forks_unrecorded),
    ];
    libtest_mimic::run(&args, trials).exit();
}

fn rounds() -> u64 {
    std::env::var("TEST_ROUNDS").ok().and_then(|r| r.parse().ok()).unwrap_or(3)
}

fn ensure(good: bool, what: impl std::fmt::Debug) -> Result<(), Failed> {
    if good { Ok(()) } else { Err(format!("{what:?}").into()) }
}

fn replay(s: &Scratch, trace: &Path) -> Outcome {
    s.run("itarget", &["replay".as_ref(), trace.as_os_str()])
}

/// A recording of crowd with these arguments, in the background, its output in the file `out`.
fn start(s: &Scratch, trace: &Path, args: &[&str]) -> Recorder {
    let exe = s.path("crowd");
    let mut c = s.command("itarget");
    c.args(["record", "--ring-kib", "64", "-o"]).arg(trace).arg("--").arg(exe).args(args);
    c.stdin(Stdio::null()).stdout(std::fs::File::create(s.path("out")).expect("file"));
    c.stderr(std::fs::File::create(s.path("err")).expect("file"));
    Recorder::start(&mut c)
}

/// The replay stopped by itself, said why by a code, and printed a beginning of what was printed.
fn stopped(again: &Outcome, printed: &str) -> Result<(), Failed> {
    ensure(again.status == 122 && again.stderr.contains("IT06") && !again.stderr.contains("panicked"), again)?;
    ensure(printed.starts_with(&again.stdout) || again.stdout.starts_with(printed), ("other output", again, printed))
}

/// How many lines `start`'s program has printed.
fn lines(s: &Scratch) -> usize {
    std::fs::read_to_string(s.path("out")).map_or(0, |text| text.lines().count())
}

/// Whether no thread of a process does anything for a while.
fn waits(pid: &str) -> bool {
    // After the name in parentheses: the state, and (from the 12th on) the time spent.
    let threads = || -> Vec<String> {
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        let stat = tasks.filter_map(|t| std::fs::read_to_string(t.path().join("stat")).ok());
        stat.map(|s| s.rsplit(')').next().unwrap_or_default().split_whitespace().take(13).collect::<Vec<_>>().join(" ")).collect()
    };
    let before = threads();
    std::thread::sleep(Duration::from_millis(100));
    before.len() == 5 && before.iter().all(|t| t.starts_with('S')) && before == threads()
}

/// Threads that synchronize by inline assembly: refused by name, whoever comes there first.
fn assembly() -> Result<(), Failed> {
    for races in ["log", "trust", "order"] {
        let s = Scratch::new();
        let source = root().join("tests/faults/assembly.c");
        let mut c = s.command("itarget-cc");
        c.args(["-O1", "-g", "-pthread"]).arg(source).args(["-o", "app"]).env("ITARGET_CC_RACES", races);
        ensure(run(&mut c, b"")? == Outcome::default(), "it does not link")?;
        for round in 0..rounds() {
            let trace = s.path(&format!("assembly-{round}"));
            let recorded = s.run("itarget", &["record".as_ref(), "-o".as_ref(), trace.as_os_str(), "--".as_ref(), "./app".as_ref()]);
            ensure(recorded.status == 0 && recorded.stdout.lines().count() == 2 && recorded.stderr.contains("IT0614"), (races, &recorded))?;
            let again = replay(&s, &trace);
            stopped(&again, &recorded.stdout)?;
            ensure(again.stdout == "before\n" && again.stderr.contains("IT0613"), (races, &again))?;
        }
    }
    Ok(())
}

/// A program whose recording has ended forks beside threads: its children find nothing taken of what threads share in the runtime. So do those of one that is checked.
fn forks_unrecorded() -> Result<(), Failed> {
    let s = Scratch::new();
    let exe = s.build_noisily("tests/faults/forks-unrecorded.c", "min");
    let trace = s.path("trace");
    let recorded = s.run("itarget", &["record".as_ref(), "-o".as_ref(), trace.as_os_str(), "--".as_ref(), exe.as_os_str()]);
    let whole = "before\nchildren gave 420\nended with 3, by on_exit\n";
    ensure(recorded.status == 3 && recorded.stdout == whole && recorded.stderr.contains("IT0614"), &recorded)?;
    stopped(&replay(&s, &trace), whole)?;
    let checked = s.run("itarget", &["check-annotations".as_ref(), "--show-output".as_ref(), "--".as_ref(), exe.as_os_str()]);
    ensure(checked.stdout.starts_with(whole), &checked)
}

fn crash() -> Result<(), Failed> {
    let s = Scratch::new();
    let exe = s.build_noisily("tests/faults/crowd.c", "min");
    for round in 0..rounds() {
        for (how, status) in [("segv", 139), ("abort", 134), ("end", 5)] {
            let trace = s.path(&format!("{how}-{round}"));
            let count = (1 + round * 7919 % 1500).to_string();
            let trace_text = trace.to_string_lossy();
            let all = ["record", "--ring-kib", "64", "-o", &trace_text, "--", &exe.to_string_lossy(), how, &count, "0"];
            let recorded = s.run("itarget", &all);
            ensure(recorded.status == status && recorded.stderr.is_empty(), (how, &recorded))?;
            let again = replay(&s, &trace);
            ensure(again == recorded, ("the replay differs", how, again.status, &again.stderr))?;
        }
    }
    Ok(())
}

fn killed() -> Result<(), Failed> {
    let s = Scratch::new();
    s.build_noisily("tests/faults/crowd.c", "min");
    for round in 0..rounds() {
        let trace = s.path(&format!("killed-{round}"));
        let mut recorder = start(&s, &trace, &["loop", "1000000000", "50"]);
        std::thread::sleep(Duration::from_millis(20 + round * 97 % 400));
        let program = recorder.program().ok_or("the program has ended")?;
        if round % 2 == 1 {
            recorder.kill();
        }
        kill(&program);
        recorder.ended();
        let printed = std::fs::read_to_string(s.path("out"))?;
        if !trace.join("log").exists() {
            continue; // killed before it began
        }
        let again = replay(&s, &trace);
        stopped(&again, &printed)?;
        // What was seen from outside is in the log, but for the line that was just being written.
        let (seen, shown) = (printed.lines().count(), again.stdout.lines().count());
        ensure(shown + 1 >= seen, (round, seen, shown))?;
    }
    Ok(())
}

fn no_room() -> Result<(), Failed> {
    let s = Scratch::new();
    let exe = s.build_noisily("tests/faults/crowd.c", "min");
    for (i, blocks) in ["401", "777"].iter().enumerate() {
        let trace = s.path(&format!("limit-{i}"));
        let mut c = s.command("sh");
        let script = format!("ulimit -f {blocks}; exec {} \"$@\"", tools().join("itarget").display());
        c.args(["-c", &script, "sh", "record", "--ring-kib", "64", "-o"]).arg(&trace).arg("--").arg(&exe).args(["end", "6000", "0"]);
        let o = run(&mut c, b"")?;
        ensure(o.status == 5 && o.stdout.lines().count() >= 6000, (o.status, &o.stderr))?;
        ensure(o.stderr.contains("IT0612") && o.stderr.contains("the program goes on"), &o.stderr)?;
        let again = replay(&s, &trace);
        stopped(&again, &o.stdout)?;
        ensure(again.stdout.lines().count() > 100, again)?;
    }
    Ok(())
}

fn directory_removed() -> Result<(), Failed> {
    let s = Scratch::new();
    s.build_noisily("tests/faults/crowd.c", "min");
    let trace = s.path("trace");
    let mut recorder = start(&s, &trace, &["end", "6000", "20"]);
    until("it prints", || (lines(&s) > 100).then_some(()));
    // The recorder may make a file in it meanwhile.
    until("it can be removed", || std::fs::remove_dir_all(&trace).is_ok().then_some(()));
    let status = recorder.ended();
    let printed = std::fs::read_to_string(s.path("out"))?;
    let said = std::fs::read_to_string(s.path("err"))?;
    ensure(status == Some(5) && printed.lines().count() >= 6000, (status, printed.lines().count(), &said))?;
    ensure(!said.contains("panicked"), said)
}

/// The recording of a deadlocked program can be interrupted; its replay comes to the same deadlock, says that it is one and
/// who waits, and ends.
fn deadlock() -> Result<(), Failed> {
    let s = Scratch::new();
    s.build_noisily("tests/faults/crowd.c", "min");
    for round in 0..rounds() {
        let trace = s.path(&format!("hang-{round}"));
        let mut recorder = start(&s, &trace, &["hang", "200", "0"]);
        let program = recorder.program().ok_or("the program has ended")?;
        until("all threads wait", || (lines(&s) == 200 && waits(&program)).then_some(()));
        kill(&program);
        recorder.ended();
        let printed = std::fs::read_to_string(s.path("out"))?;
        let started = Instant::now();
        let again = replay(&s, &trace);
        ensure(started.elapsed() < Duration::from_secs(30), "the replay hangs")?;
        stopped(&again, &printed)?;
        ensure(again.stdout == printed, (again.stdout.lines().count(), printed.lines().count()))?;
        ensure(again.stderr.contains("wait"), &again.stderr)?;
    }
    Ok(())
}
