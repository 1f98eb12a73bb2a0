//! `itarget check-annotations`: lies are found, and the annotations built in tell the truth about what the replay
//! programs call.

use itarget_tests::{Directives, Outcome, Scratch, root};
use serde_json::Value;
use std::path::Path;

fn build(s: &Scratch, main: &str, annotations: &Path) {
    let dir = root().join("tests/annotations");
    for name in ["lies.c", main] {
        std::fs::copy(dir.join(name), s.path(name)).expect("copy");
    }
    assert_eq!(s.run("clang-19", &["-O2", "-c", "lies.c", "-o", "lies.o"]), Outcome::default());
    let mut c = s.command("itarget-cc");
    c.args(["-O2", "-g", "-pthread", main, "lies.o", "-o", "main"]).env("ITARGET_CC_ANNOTATIONS", annotations);
    assert_eq!(itarget_tests::run(&mut c, b"").expect("itarget-cc starts"), Outcome::default());
}

fn json(o: &Outcome) -> Value {
    serde_json::from_str(&o.stdout).unwrap_or_else(|e| panic!("{e}: {o:?}"))
}

#[test]
fn annotations_that_lie_are_found() {
    let s = Scratch::new();
    build(&s, "main.c", &root().join("tests/annotations/lies.toml"));
    let o = s.run("itarget", &["check-annotations", "--json", "--", "./main"]);
    assert_eq!(o.status, 1, "{o:?}");
    let report = json(&o);
    let found: Vec<String> = report["findings"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|f| format!("{} {} {} {} {}", f["at"].as_str().unwrap_or(""), f["callee"].as_str().unwrap_or(""), f["object"].as_str().unwrap_or(""), f["offset"], f["calls"]))
        .collect();
    assert_eq!(
        found,
        [
            "main.c:25 fill global `buffer` 16 1",
            "main.c:26 fill heap object `heap:main:18` 16 1",
            "main.c:27 both the stack of its callers null 1",
            "main.c:30 later global `kept` 0 3",
            "main.c:31 pure global `kept` 0 1",
        ],
        "{report}"
    );
    assert_eq!(report["findings"][0]["bytes"], 4);
    let o = s.run("itarget", &["check-annotations", "--show-output", "--", "./main"]);
    assert!(o.status == 1 && o.stdout.starts_with("1 2 40 50 x x\n") && o.stdout.contains("\n5 undeclared writes; "), "{o:?}");
}

/// What other threads write meanwhile is none of the call's; what a call writes is found beside them, too.
#[test]
fn lies_are_told_from_what_other_threads_write() {
    let s = Scratch::new();
    build(&s, "threads.c", &root().join("tests/annotations/lies.toml"));
    let o = s.run("itarget", &["check-annotations", "--json", "--", "./main"]);
    let report = json(&o);
    let found: Vec<String> = report["findings"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|f| format!("{} {} {}", f["callee"].as_str().unwrap_or(""), f["object"].as_str().unwrap_or(""), f["bytes"]))
        .collect();
    assert_eq!(found, ["both the stack of its callers 1", "fill global `buffer` 4"], "{report}");
    assert!(report["beside"].as_u64() > Some(0), "{report}");
    let o = s.run("itarget", &["check-annotations", "--", "./main"]);
    assert!(o.status == 1 && o.stdout.contains("`usleep` was not checked: other threads ran meanwhile\n"), "{o:?}");
}

#[test]
fn annotations_that_tell_the_truth_pass() {
    let s = Scratch::new();
    let text = std::fs::read_to_string(root().join("tests/annotations/lies.toml")).expect("annotations");
    // The truth: lengths as they are, both pointers, and what is kept.
    let honest = text
        .replace("\"fill\", \"honest\"]\nkind = \"env\"\nret = \"void\"\nparams = 2\nwrites = [{ arg = 0, len = \"arg1\" }]",
            "\"fill\", \"honest\"]\nkind = \"env\"\nret = \"void\"\nparams = 2\nwrites = [{ arg = 0, len = \"arg1 + 4\" }]")
        .replace("{ arg = 0, len = \"4\" }", "{ arg = 0, len = \"4\" }, { arg = 1, len = \"4\" }")
        .replace("ret = \"void\"\nparams = 1", "ret = \"void\"\nparams = 1\nretains = [0]");
    let file = s.write("honest.toml", honest);
    build(&s, "main.c", &file);
    let o = s.run("itarget", &["check-annotations", "--", "./main"]);
    assert!(o.status == 0 && o.stdout.starts_with("no undeclared write; 11 of 11 calls"), "{o:?}");
    s.run("itarget", &["check-annotations", "--", "/bin/true"]).refused("IT0501");
}

#[test]
fn annotations_that_contradict_the_type_are_refused() {
    let s = Scratch::new();
    s.write("a.c", "int f(char *p, int n);\nint main(void) { char b[4]; return f(b, 4); }\n");
    let clang = s.run("clang-19", &["-O0", "-c", "-emit-llvm", "a.c", "-o", "a.bc"]);
    assert_eq!(clang, Outcome::default());
    let head = "[[function]]\nnames = [\"f\"]\nkind = \"env\"\n";
    for (what, wrong) in [
        ("ret = \"int\"\nwrites = [{ arg = 2, len = \"4\" }]", Some("argument 2, but the function has 2 parameters")),
        ("ret = \"int\"\nwrites = [{ arg = 1, len = \"4\" }]", Some("argument 1, which is no pointer")),
        ("ret = \"external\"", Some("the function returns a number")),
        ("ret = \"int\"\nwrites = [{ arg = 0, len = \"arg1\" }]", None),
    ] {
        s.write("f.toml", format!("{head}{what}\n"));
        let o = s.run("itarget", &["analyze", "--annotations", "f.toml", "a.bc"]);
        match wrong {
            Some(text) => {
                o.refused("IT0304");
                assert!(o.stderr.contains("f.toml:2:10: ") && o.stderr.contains(text), "{o:?}");
            }
            None => assert_eq!(o.status, 0, "{o:?}"),
        }
    }
}

/// Every program of tests/replay, with the arguments and the input that it is recorded with.
#[test]
fn annotations_built_in_tell_the_truth() {
    let mut programs: Vec<_> = std::fs::read_dir(root().join("tests/replay"))
        .expect("programs")
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.extension().is_some_and(|e| e == "c"))
        .collect();
    programs.sort();
    assert!(programs.len() > 20, "{programs:?}");
    let s = Scratch::new();
    let mut compared = 0;
    for source in programs {
        let d = Directives::parse(&std::fs::read_to_string(&source).expect("source")).expect("directives");
        s.write("input", &d.stdin);
        let source_name = source.to_string_lossy();
        let args: Vec<&str> = ["-O2", "-g", &source_name, "-o", "program", "-lm"].into_iter().chain(d.libs.iter().map(String::as_str)).collect();
        let built = s.run("itarget-cc", &args);
        assert_eq!(built.status, 0, "{}: {built:?}", source.display());
        let mut c = s.command("itarget");
        c.args(["check-annotations", "--json", "--input", "input", "--", "./program"]).args(&d.args).envs(d.env.iter().cloned());
        let o = itarget_tests::run(&mut c, b"").expect("itarget starts");
        assert_eq!(o.status, 0, "{}: {o:?}", source.display());
        compared += json(&o)["checked"].as_u64().unwrap_or(0);
    }
    assert!(compared > 500, "{compared} calls compared");
}
