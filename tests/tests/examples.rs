//! Every example's script runs to its end, with our tools first in PATH.

use itarget_tests::{root, run, tools};
use std::process::Command;

#[test]
fn every_example_runs() {
    let mut scripts: Vec<_> = std::fs::read_dir(root().join("examples"))
        .expect("examples")
        .flatten()
        .map(|e| e.path().join("run.sh"))
        .filter(|script| script.exists())
        .collect();
    scripts.sort();
    assert!(!scripts.is_empty());
    for script in scripts {
        let path = format!("{}:{}", tools().display(), std::env::var("PATH").unwrap_or_default());
        // One of them builds a real program.
        let o = Command::new("timeout").args(["900", "sh"]).arg(&script).env("PATH", path).output().expect("starts");
        assert!(o.status.success(), "{}: {o:?}", script.display());
    }
}

/// The first example's log does not hold the body that the program never looks at.
#[test]
fn the_cut_leaves_the_body_out() {
    let script = root().join("examples/01-hello-cut/run.sh");
    let path = format!("{}:{}", tools().display(), std::env::var("PATH").unwrap_or_default());
    let o = run(Command::new("sh").arg(&script).env("PATH", path), b"").expect("starts");
    let kilobytes = |cut: &str| -> u64 {
        let line = o.stdout.lines().find(|l| l.starts_with(cut)).unwrap_or_else(|| panic!("{o:?}"));
        line.rsplit(' ').nth(1).and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("{line}"))
    };
    assert!(kilobytes("libc") >= 1000, "{o:?}");
    assert!(kilobytes("min") < 10, "{o:?}");
}
