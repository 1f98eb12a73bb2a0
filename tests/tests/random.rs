//! Random programs under random targets, and with threads: what is recorded must be replayed, every time.
//!
//! `ITARGET_RANDOM=7` tries one seed, `ITARGET_RANDOM=100-200` a range; `ITARGET_RANDOM_TARGET=f3:!main`
//! (with `ITARGET_RANDOM_CUT`, `ITARGET_RANDOM_OPT`) tries one target instead of random ones. With
//! `ITARGET_RANDOM_REDUCE=1` a program that fails is made smaller first. With `ITARGET_RANDOM_PLAIN=1` the
//! programs are run plainly under the sanitizers of addresses and undefined behaviour only.

use fastrand::Rng;
use itarget_tests::generate::{Program, program};
use itarget_tests::reduce::reduce;
use itarget_tests::{Outcome, run, tools};
use libtest_mimic::{Arguments, Failed, Trial};
use std::path::Path;
use std::process::Command;

/// Seeds that are tried if none is asked for.
const USUAL: std::ops::Range<u64> = 0..10;

/// One that found a mistake which no smaller test shows: `setjmp` kept in memory what differs between a recording and its replay.
const FOUND: [u64; 1] = [430];
/// Targets per program.
const TARGETS: usize = 3;

/// What a program is tried with.
#[derive(Debug, Clone)]
struct Case {
    level: String,
    cut: String,
    target: String,
    threads: Threads,
}

/// What of threads the program has. (They can't be in programs with a target.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Threads {
    /// Nothing.
    None,
    /// It could start one that does all again; then everything would race.
    Possible,
    /// It does so once it is done, and waits for it.
    Second,
}

fn main() {
    let args = Arguments::from_args();
    let seeds = match std::env::var("ITARGET_RANDOM") {
        Ok(text) => {
            let mut ends = text.splitn(2, '-').map(|n| n.parse::<u64>().expect("ITARGET_RANDOM is N or N-M"));
            let first = ends.next().unwrap_or(0);
            (first..ends.next().unwrap_or(first + 1)).collect()
        }
        Err(_) => USUAL.chain(FOUND).collect::<Vec<u64>>(),
    };
    let one = |seed| Trial::test(format!("{seed}"), move || check(seed));
    let threaded = |seed| Trial::test(format!("threads {seed}"), move || check_threads(seed));
    let trials = seeds.into_iter().flat_map(|seed| [one(seed), threaded(seed)]).collect();
    libtest_mimic::run(&args, trials).exit();
}

fn set(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn check(seed: u64) -> Result<(), Failed> {
    let program = program(seed);
    let mut rng = Rng::with_seed(seed ^ 0x5eed);
    if set("ITARGET_RANDOM_PLAIN").is_some() {
        let dir = tempfile::tempdir()?;
        return plain(dir.path(), &program).map_err(|e| keep(dir, &e).into());
    }
    let level = set("ITARGET_RANDOM_OPT").unwrap_or_else(|| ["-O0", "-O1", "-O2"][rng.usize(0..3)].to_owned());
    let cases: Vec<Case> = match set("ITARGET_RANDOM_TARGET") {
        Some(target) => {
            vec![Case { level, target, cut: set("ITARGET_RANDOM_CUT").unwrap_or_else(|| "min".to_owned()), threads: Threads::None }]
        }
        None => (program.targets(&mut rng, TARGETS).into_iter())
            .map(|target| {
                let cut = ["min", "min", "min", "functions", "libc"][rng.usize(0..5)].to_owned();
                Case { level: level.clone(), target, cut, threads: Threads::None }
            })
            .collect(),
    };
    let dir = tempfile::tempdir()?;
    if let Err(e) = build(dir.path(), &program, &cases[0]) {
        return Err(keep(dir, &e).into());
    }
    for case in cases {
        let Err(e) = again(dir.path(), &program, &case) else { continue };
        let mut what = format!("{e}\n{}", repeat(seed, &case));
        if set("ITARGET_RANDOM_REDUCE").is_some() {
            let small = tempfile::tempdir()?;
            let kind = e.split(['\n', ':']).next().unwrap_or_default().to_owned();
            let less = reduce(&program, |p| {
                // What the environment says may hide it once.
                (0..2).any(|_| {
                    let r = build(small.path(), p, &case).and_then(|()| again(small.path(), p, &case));
                    r.is_err_and(|e| e.starts_with(&kind))
                })
            });
            std::fs::write(small.path().join("program.c"), less.source())?;
            let r = build(small.path(), &less, &case).and_then(|()| again(small.path(), &less, &case));
            what += &format!("\nsmaller: {}\n{}", small.keep().display(), r.err().unwrap_or_default());
        }
        return Err(keep(dir, &what).into());
    }
    Ok(())
}

/// The program, all of it replayed, with a thread that it could start. (With a target there are no recorded threads.)
fn check_threads(seed: u64) -> Result<(), Failed> {
    if ["ITARGET_RANDOM_PLAIN", "ITARGET_RANDOM_TARGET"].into_iter().any(|n| set(n).is_some()) {
        return Ok(());
    }
    let program = program(seed);
    let mut rng = Rng::with_seed(seed ^ 0x7ead);
    let mut choose = |name: &str, from: &[&str]| set(name).unwrap_or_else(|| from[rng.usize(0..from.len())].to_owned());
    let level = choose("ITARGET_RANDOM_OPT", &["-O0", "-O1", "-O2"]);
    let cut = choose("ITARGET_RANDOM_CUT", &["min", "min", "functions", "libc"]);
    let mut case = Case { level, cut, target: String::new(), threads: Threads::Possible };
    let dir = tempfile::tempdir()?;
    let mut done = build(dir.path(), &program, &case);
    for threads in [Threads::Possible, Threads::Second] {
        case.threads = threads;
        done = done.and_then(|()| again(dir.path(), &program, &case));
    }
    done.map_err(|e| keep(dir, &format!("{e}\n{}", repeat(seed, &case).replace("ITARGET_RANDOM_TARGET='' ", ""))).into())
}

/// A program that may run in another thread once it is done.
fn with_threads(source: &str) -> String {
    format!(
        "#define main program\n{source}\n#undef main\n#include <pthread.h>\n#include <stdlib.h>\n\
         static int count; static char **arguments;\n\
         static void *again(void *unused) {{ return (void *)(long)program(count, arguments); }}\n\
         int main(int argc, char **argv) {{\n\
             pthread_t other; void *result;\n\
             count = argc; arguments = argv;\n\
             int status = program(argc, argv);\n\
             if (!getenv(\"SECOND\")) return status;\n\
             if (pthread_create(&other, 0, again, 0)) return 99;\n\
             if (argc > 100) status = program(argc, argv);\n\
             pthread_join(other, &result);\n\
             return (status + (int)(long)result) & 63;\n}}\n"
    )
}

fn keep(dir: tempfile::TempDir, what: &str) -> String {
    format!("{what}\nkept: {}", dir.keep().display())
}

fn repeat(seed: u64, case: &Case) -> String {
    format!(
        "repeat: ITARGET_RANDOM={seed} ITARGET_RANDOM_OPT={} ITARGET_RANDOM_CUT={} ITARGET_RANDOM_TARGET='{}' cargo test --release -p itarget-tests --test random",
        case.level, case.cut, case.target
    )
}

fn stdin(seed: u64) -> Vec<u8> {
    let mut rng = Rng::with_seed(seed + 1);
    (0..rng.usize(0..400)).map(|_| if rng.u8(0..12) == 0 { b'\n' } else { rng.u8(33..127) }).collect()
}

/// A command without our variables.
fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut c = Command::new(program);
    for (name, _) in std::env::vars_os().filter(|(n, _)| n.to_string_lossy().starts_with("ITARGET_")) {
        c.env_remove(name);
    }
    c
}

fn text(e: std::io::Error) -> String {
    e.to_string()
}

/// The program as any compiler builds it.
fn plain(dir: &Path, program: &Program) -> Result<(), String> {
    let (source, app) = (dir.join("program.c"), dir.join("plain"));
    std::fs::write(&source, program.source()).map_err(text)?;
    let mut c = Command::new("gcc");
    c.args(["-O1", "-g", "-w", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]).arg(&source).arg("-o").arg(&app);
    let o = run(&mut c, b"").map_err(text)?;
    if o.status != 0 {
        return Err(format!("gcc said: {}", o.stderr));
    }
    let mut c = Command::new(&app);
    c.env("ASAN_OPTIONS", "detect_leaks=0:detect_stack_use_after_return=1").env("GENERATED", "given");
    let o = run(&mut c, &stdin(program.seed)).map_err(text)?;
    if o.status > 63 || o.stderr.contains("runtime error") {
        return Err(format!("the plain build ends with {o:?}"));
    }
    Ok(())
}

fn build(dir: &Path, program: &Program, case: &Case) -> Result<(), String> {
    let source = dir.join("program.c");
    let written = if case.threads == Threads::None { program.source() } else { with_threads(&program.source()) };
    std::fs::write(&source, written).map_err(text)?;
    let mut c = command(tools().join("itarget-cc"));
    c.args([&case.level, "-g", "-w", "-pthread"]).arg(&source).arg("-o").arg(dir.join("program"));
    let o = run(&mut c, b"").map_err(text)?;
    if o.status != 0 || !o.stderr.is_empty() {
        return Err(format!("itarget-cc said (status {}): {}", o.status, o.stderr));
    }
    Ok(())
}

/// Links again for the target, records, replays.
fn again(dir: &Path, program: &Program, case: &Case) -> Result<(), String> {
    let itarget = tools().join("itarget");
    let (app, trace, json) = (dir.join("app"), dir.join("trace"), dir.join("status.json"));
    let mut c = command(&itarget);
    c.arg("relink").arg(dir.join("program")).arg("-o").arg(&app).args(["--cut", &case.cut]);
    select(&mut c, case);
    let o = run(&mut c, b"").map_err(text)?;
    if o.stderr.contains("IT0901") {
        return Ok(()); // said, not done wrong
    }
    if o.status != 0 || o.stderr.contains("error") {
        return Err(format!("relink said (status {}): {}", o.status, o.stderr));
    }
    let _ = std::fs::remove_dir_all(&trace);
    let mut record = command(&itarget);
    record.args(["record", "--digest", "-o"]).arg(&trace).arg("--").arg(&app);
    record.env("GENERATED", "given").current_dir(dir).env("LC_ALL", "C");
    if case.threads == Threads::Second {
        record.env("SECOND", "1");
    }
    let input = stdin(program.seed);
    std::fs::write(dir.join("stdin"), &input).map_err(text)?;
    let recorded = run(&mut record, &input).map_err(text)?;
    if recorded.stderr.contains("IT0614") && announced(&dir.join("program"), case)? {
        return Ok(()); // said by name beforehand
    }
    if recorded.stderr.contains("itarget: ") {
        return Err(format!("the recording was refused: {recorded:?}"));
    }
    if recorded.status > 63 {
        return Err(format!("the recorded run ends with {recorded:?}"));
    }
    let mut replay = command(&itarget);
    replay.arg("replay").arg(&trace).arg("--json-status").arg(&json).env_clear().current_dir("/");
    let replayed = run(&mut replay, b"").map_err(text)?;
    let status: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&json).map_err(text)?).map_err(|e| e.to_string())?;
    if replayed.status != recorded.status || !part(&recorded, &replayed) {
        return Err(format!("the replay differs\nrecorded {recorded:?}\nreplayed {replayed:?}\n{status}"));
    }
    if status["log_consumed"] != true {
        return Err(format!("the log was not wholly used: {status}"));
    }
    if status["environment_calls"] != 0 {
        return Err(format!("the replay called the environment: {status}"));
    }
    if status["digests"]["checked"].as_u64().unwrap_or(0) == 0 || status["digests"]["mismatched"] != 0 {
        return Err(format!("digests: {status}"));
    }
    Ok(())
}

/// The analysis says that a call of this case will be refused.
fn announced(app: &Path, case: &Case) -> Result<bool, String> {
    let mut c = command(tools().join("itarget"));
    c.arg("analyze").arg(app).args(["--cut", &case.cut]);
    select(&mut c, case);
    Ok(run(&mut c, b"").map_err(text)?.stdout.contains("refused: "))
}

fn select(c: &mut Command, case: &Case) {
    for pattern in case.target.split(':').filter(|p| !p.is_empty()) {
        match pattern.strip_prefix('!') {
            Some(p) => c.args(["--exclude", p]),
            None => c.args(["--target", pattern]),
        };
    }
}

/// What the replay printed is part of what the recorded run printed: bytes left out, none added or moved.
fn part(recorded: &Outcome, replayed: &Outcome) -> bool {
    let part = |whole: &str, part: &str| {
        let mut whole = whole.bytes();
        part.bytes().all(|b| whole.any(|w| w == b))
    };
    part(&recorded.stdout, &replayed.stdout) && part(&recorded.stderr, &replayed.stderr)
}
