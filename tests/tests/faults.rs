//! Bad input end to end: every case ends in bounded time with an error that has a code and a hint,
//! never in a panic, never in a replay that silently does something else than the recorded run.

#[path = "faults/build.rs"]
mod build;
#[path = "faults/ends.rs"]
mod ends;
#[path = "faults/orders.rs"]
mod orders;
#[path = "faults/packed.rs"]
mod packed;
#[path = "faults/processes.rs"]
mod processes;
#[path = "faults/trace.rs"]
mod trace;

use itarget_tests::{Outcome, Scratch};
use std::path::{Path, PathBuf};

/// A small generator of "random" numbers, the same ones in every run.
fn numbers(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut state = seed;
    move |below| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below.max(1)
    }
}

/// `count` numbers below `below`, spread evenly with a little noise; includes the first and last.
fn spread(below: u64, count: u64) -> Vec<u64> {
    let mut next = numbers(below);
    let step = (below / count).max(1);
    let mut all: Vec<u64> = (0..count).map(|i| (i * step + next(step)).min(below - 1)).collect();
    all.extend([0, below - 1]);
    all.sort_unstable();
    all.dedup();
    all
}

/// Records `exe args` into `trace` with a small live chunk.
fn record(s: &Scratch, trace: &Path, exe: &Path, args: &[&str]) -> Outcome {
    let (trace, exe) = (trace.to_string_lossy(), exe.to_string_lossy());
    let mut all = vec!["record", "--ring-kib", "64", "-o", &trace, "--", &exe];
    all.extend(args);
    s.run("itarget", &all)
}

fn replay(s: &Scratch, trace: &Path) -> Outcome {
    s.run("itarget", &["replay".as_ref(), trace.as_os_str()])
}

/// What `itarget dump --json` says of a trace.
fn dump(s: &Scratch, trace: &Path) -> serde_json::Value {
    let o = s.run("itarget", &["dump".as_ref(), "--json".as_ref(), trace.as_os_str()]);
    assert_eq!(o.status, 0, "{o:?}");
    serde_json::from_str(&o.stdout).expect("JSON")
}

/// The error code that a message names.
fn code(o: &Outcome) -> Option<&str> {
    let at = o.stderr.find("IT0")?;
    o.stderr.get(at..at + 6)
}

/// Checks that a replay stopped before its end and said why, and showed nothing that the recorded
/// run would not have printed.
#[track_caller]
fn stopped(o: &Outcome, recorded: &str) {
    assert!([120, 121, 122].contains(&o.status), "{o:?}");
    assert!(code(o).is_some(), "no code: {o:?}");
    assert!(recorded.starts_with(&o.stdout), "it printed something else: {o:?}");
    assert!(!o.stderr.contains("panicked"), "{o:?}");
}

/// Copies a trace directory, over one that may be there.
fn copy(from: &Path, to: &Path) -> PathBuf {
    let _ = std::fs::remove_dir_all(to);
    std::fs::create_dir(to).expect("directory");
    for e in from.read_dir().expect("trace").flatten() {
        let copied = to.join(e.file_name());
        if e.path().is_dir() {
            copy(&e.path(), &copied);
        } else {
            std::fs::copy(e.path(), copied).expect("copy");
        }
    }
    to.to_path_buf()
}
