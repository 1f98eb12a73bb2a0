//! `itarget races` on programs as they are built: executables, and bitcode alone.

use itarget_tests::Scratch;
use serde_json::Value;

#[test]
fn an_executable_tells_its_races() {
    let s = Scratch::new();
    s.build("tests/races/static/one-way-unlocked.c", "min");
    let o = s.run("itarget", &["races", "one-way-unlocked"]);
    assert_eq!((o.status, o.stderr.as_str()), (0, ""), "{o:?}");
    assert!(o.stdout.contains("global variable never of type long"), "{o:?}");
    assert!(o.stdout.ends_with("2 of 3 cells that threads share race, in 2 objects; 0 only by atomic instructions; 1 locks told apart\n"), "{o:?}");
    let o = s.run("itarget", &["races", "--json", "one-way-unlocked"]);
    let report: Value = serde_json::from_str(&o.stdout).expect("JSON");
    assert_eq!(report["counts"]["raced_cells"].as_u64(), Some(2), "{report:#}");
    assert_eq!(report["races"][0]["accesses"].as_array().map(Vec::len), Some(2), "{report:#}");
    assert_eq!(report["threads"][0]["many"].as_bool(), Some(true), "{report:#}");
}

#[test]
fn a_program_without_threads_has_none() {
    let s = Scratch::new();
    s.build("tests/races/static/one-thread.c", "min");
    let o = s.run("itarget", &["races", "one-thread"]);
    assert_eq!((o.status, o.stdout.as_str(), o.stderr.as_str()), (0, "no races: the program starts no thread\n", ""), "{o:?}");
}
