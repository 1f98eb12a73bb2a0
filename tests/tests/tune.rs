//! `itarget tune` and `itarget compare`: figures that are those of real runs, programs that still record and replay.

use itarget_tests::{Outcome, Scratch, root};
use serde_json::Value;
use std::path::Path;

/// The first example, and a response of a megabyte for its standard input.
fn example(s: &Scratch) {
    std::fs::copy(root().join("examples/01-hello-cut/status.c"), s.path("status.c")).expect("copy");
    assert_eq!(s.run("itarget-cc", &["-O2", "-g", "status.c", "-o", "status"]), Outcome::default());
    let mut response = b"HTTP/1.1 200 OK\n".to_vec();
    response.resize(1_000_000, b'x');
    s.write("response", response);
}

fn json(o: &Outcome) -> Value {
    serde_json::from_str(&o.stdout).unwrap_or_else(|e| panic!("{e}: {o:?}"))
}

fn number(v: &Value) -> u64 {
    v.as_u64().unwrap_or_else(|| panic!("no number: {v}"))
}

#[test]
fn compare_shows_each_cut_on_the_same_run() {
    let s = Scratch::new();
    example(&s);
    let o = s.run("itarget", &["compare", "--json", "-n", "5", "--input", "response", "--", "./status"]);
    assert_eq!(o.status, 0, "{o:?}");
    let all = json(&o);
    let log = |cut: &str| {
        let row = all["cuts"].as_array().into_iter().flatten().find(|r| r["cut"] == cut).unwrap_or_else(|| panic!("{all}"));
        assert!(row["ended_early"].is_null() && row["end"]["status"] == 0, "{row}");
        number(&row["log_bytes"])
    };
    assert!(log("libc") > 1_000_000 && log("min") < 10_000 && log("min") <= log("functions"), "{all}");
    assert!(log("functions") <= log("libc"), "{all}");
    // The second time nothing is linked, and nothing of the runs is left.
    let o = s.run("itarget", &["compare", "-n", "1", "--input", "response", "--", "./status"]);
    assert!(o.status == 0 && o.stderr.is_empty() && o.stdout.contains("slowdown") && o.stdout.contains("note: no profile"), "{o:?}");
    let left: Vec<_> = std::fs::read_dir(s.path("itarget")).expect("cache").flatten().map(|e| e.file_name()).collect();
    assert_eq!(left, ["variants"]);
}

#[test]
fn a_tuned_program_records_and_replays() {
    let s = Scratch::new();
    example(&s);
    let o = s.run("itarget", &["tune", "--json", "--profile", "kept.json", "--input", "response", "--", "./status"]);
    assert_eq!(o.status, 0, "{o:?}");
    let all = json(&o);
    assert!(number(&all["profile"]["bytes"]) >= 1_000_000 && s.path("kept.json").exists(), "{all}");
    assert!(number(&all["after"]["log_bytes"]) <= number(&all["before"]["log_bytes"]), "{all}");
    let tuned = all["tuned"].as_str().unwrap_or_default();
    assert!(Path::new(tuned).ends_with("status.tuned"), "{all}");
    let response = std::fs::read(s.path("response")).expect("response");
    let recorded = s.run_with("itarget", &["record", "--digest", "--", tuned], &response);
    assert_eq!((recorded.status, recorded.stdout.as_str()), (0, "status 200, 999984 bytes\n"), "{recorded:?}");
    assert_eq!(s.run("itarget", &["replay"]), recorded);
    // The same cut from the kept profile.
    assert_eq!(s.run("itarget", &["relink", "status", "--profile", "kept.json", "-o", "again"]), Outcome::default());
    let plan = |exe: &str| s.run("itarget", &["analyze", "--profile", "kept.json", "--plan", "plan", exe]).status;
    assert_eq!(plan("again"), 0);
}

#[test]
fn a_partial_target_is_tuned_with_calls_through_pointers() {
    let s = Scratch::new();
    s.write(
        "app.c",
        "#include <stdio.h>
        static int twice(int n) { return 2 * n; }
        static int next(int n) { return n + 1; }
        int (*const table[])(int) = { twice, next };
        __attribute__((noinline)) int apply(int i, int n) { return table[i & 1](n); }
        int main(void) { int n = 0; for (int c; (c = getchar()) > 0;) n = apply(c, n) % 1000; printf(\"%d\\n\", n); return 0; }\n",
    );
    assert_eq!(s.run("itarget-cc", &["-O2", "-g", "app.c", "-o", "app"]), Outcome::default());
    s.write("input", vec![b'x'; 500]);
    let o = s.run("itarget", &["tune", "--json", "--target", "apply", "--input", "input", "--", "./app"]);
    assert_eq!(o.status, 0, "{o:?}");
    assert!(number(&json(&o)["profile"]["events"]) >= 500, "{o:?}");
    let recorded = s.run_with("itarget", &["record", "--digest", "--", "./app.tuned"], &[b'x'; 500]);
    assert_eq!((recorded.status, recorded.stderr.as_str()), (0, ""), "{recorded:?}");
    assert_eq!(s.run("itarget", &["replay"]).status, 0);
}

#[test]
fn what_can_not_be_tuned_is_said() {
    let s = Scratch::new();
    example(&s);
    s.run("itarget", &["tune", "--", "/bin/true"]).refused("IT0501");
    s.run("itarget", &["tune", "-o", "status", "--", "./status"]).refused("IT0609");
    s.run("itarget", &["tune", "--input", "none", "--", "./status"]).refused("IT0105");
    assert_eq!(s.run("itarget", &["compare", "-n", "0", "--", "./status"]).status, 2);
    s.run("itarget", &["compare", "--profile", "none", "--", "./status"]).refused("IT0411");
    s.run("itarget", &["compare", "--annotations", "none", "--", "./status"]).refused("IT0303");
    // A program that dies writes no counts.
    s.write("die.c", "#include <stdlib.h>\nint main(void) { abort(); }\n");
    assert_eq!(s.run("itarget-cc", &["-O2", "die.c", "-o", "die"]), Outcome::default());
    s.run("itarget", &["tune", "--", "./die"]).refused("IT0507");
}
