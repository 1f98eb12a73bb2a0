//! The profile of an older build: refused, or used for the functions that are as they were.

use itarget_tests::{Outcome, Scratch, run};
use serde_json::Value;

/// A program that reads a lot into a heap buffer and needs little of it.
const APP: &str = "
#include <stdio.h>
#include <stdlib.h>
struct part { int length; char text[60]; };
__attribute__((noinline)) struct part *fetch(void) {
    struct part *p = malloc(sizeof *p);
    p->length = fread(p->text, 1, sizeof p->text, stdin);
    return p;
}
__attribute__((noinline)) int weigh(struct part *p) { return p->text[0] + p->length; }
__attribute__((noinline)) int scale(int n) { return n * 3; }
int main(void) {
    int sum = 0;
    for (int i = 0; i < 1000; i++) {
        struct part *p = fetch();
        sum += scale(weigh(p));
        free(p);
    }
    printf(\"%d\\n\", sum);
    return 0;
}
";

/// A program, its later version (moved by some lines, one function changed, one new) and the profile of the first.
fn versions() -> Scratch {
    let s = Scratch::new();
    s.write("old.c", APP);
    let later = APP.replace("n * 3", "n * 5").replace("int main", "int more(int n) { return n + 1; }\nint main").replace("sum += scale", "sum += more(1) + scale");
    s.write("new.c", format!("\n\n/* moved */\n{later}"));
    for name in ["old", "new"] {
        assert_eq!(s.run("itarget-cc", &["-O2", "-g", &format!("{name}.c"), "-o", name]), Outcome::default());
        let o = s.run_with("itarget", &["profile", "-o", &format!("{name}.json"), "--", &format!("./{name}")], &input());
        assert_eq!(o.status, 0, "{o:?}");
    }
    s
}

fn input() -> Vec<u8> {
    (0..60_000u32).map(|n| b'a' + (n % 23) as u8).collect()
}

fn analyze(s: &Scratch, args: &[&str]) -> (Value, Value) {
    let plan = s.path("plan");
    let mut all = vec!["analyze", "--json", "--plan", plan.to_str().expect("UTF-8")];
    all.extend(args);
    let o = s.run("itarget", &all);
    assert!(o.status == 0 && o.stderr.is_empty(), "{o:?}");
    let plan = serde_json::from_slice(&std::fs::read(&plan).expect("plan")).expect("JSON");
    (serde_json::from_str(&o.stdout).expect("JSON"), plan)
}

const SAID: &str = "profile of another build: 2 of 5 functions are as they were, with ";

#[test]
fn a_profile_of_another_build_is_refused_unless_told_otherwise() {
    let s = versions();
    let o = s.run("itarget", &["analyze", "--profile", "old.json", "new"]);
    o.refused("IT0411");
    assert!(o.stderr.contains("--profile-match=function"), "{o:?}");
    let o = s.run("itarget", &["relink", "new", "--profile", "old.json", "-o", "tuned"]);
    assert!(o.status != 0 && o.stderr.contains("IT0411") && !s.path("tuned").exists(), "{o:?}");
    // A profile of a version that did not say what functions look like, and one of something else.
    let mut old: Value = serde_json::from_slice(&std::fs::read(s.path("old.json")).expect("profile")).expect("JSON");
    old["functions"] = serde_json::json!({});
    s.write("blank.json", old.to_string());
    s.run("itarget", &["analyze", "--profile", "blank.json", "--profile-match=function", "new"]).refused("IT0411");
    old["functions"] = serde_json::json!({"main": {"line": 1, "hash": "00"}});
    s.write("other.json", old.to_string());
    s.run("itarget", &["analyze", "--profile", "other.json", "--profile-match=function", "new"]).refused("IT0411");
    assert_eq!(s.run("itarget", &["relink", "new", "--profile-match=line"]).status, 2);
    let mut c = s.command("itarget-cc");
    c.args(["new.c", "-o", "x"]).env("ITARGET_CC_PROFILE_MATCH", "line");
    run(&mut c, b"").expect("starts").refused("IT0204");
}

#[test]
fn functions_that_are_as_they_were_have_measured_weights() {
    let s = versions();
    let (report, matched) = analyze(&s, &["--profile", "old.json", "--profile-match=function", "new"]);
    let fit = &report["fit"];
    // main calls another function, scale is another one, more is new; fetch and weigh stay.
    assert_eq!((fit["matched"].as_u64(), fit["changed"].to_string().as_str(), fit["new"].as_u64()), (Some(2), "[\"main\",\"scale\"]", Some(1)), "{report}");
    assert!(fit["events"].as_u64() > Some(1000), "{fit}");
    // Where all that matters was matched, the interface is that of a new profile.
    let (_, fresh) = analyze(&s, &["--profile", "new.json", "new"]);
    assert_eq!(matched["sites"], fresh["sites"]);
    // A profile of this very build fits as it is.
    let (report, plan) = analyze(&s, &["--profile", "new.json", "--profile-match=function", "new"]);
    assert_eq!((report["fit"].is_null(), &plan), (true, &fresh));
    // Text for people.
    let o = s.run("itarget", &["analyze", "--profile", "old.json", "--profile-match=function", "new"]);
    assert!(o.stdout.contains("profile of another build: 2 of 5 functions are as they were, with "), "{o:?}");
}

#[test]
fn a_program_linked_with_an_older_profile_records_and_replays() {
    let s = versions();
    let o = s.run("itarget", &["relink", "new", "--profile", "old.json", "--profile-match=function", "-o", "tuned"]);
    assert!(o.status == 0 && o.stdout.is_empty() && o.stderr.starts_with(&format!("itarget: note: {SAID}")), "{o:?}");
    // The link says it to nobody but the log.
    let mut c = s.command("itarget-cc");
    c.args(["-O2", "-g", "new.c", "-o", "linked"]);
    c.env("ITARGET_CC_PROFILE", "old.json").env("ITARGET_CC_PROFILE_MATCH", "function").env("ITARGET_CC_LOG", s.path("cc.log"));
    assert_eq!(run(&mut c, b"").expect("starts"), Outcome::default());
    assert!(std::fs::read_to_string(s.path("cc.log")).expect("log").contains(&format!("profile\t{SAID}")));
    // What is remembered is enough to explain it.
    let o = s.run("itarget", &["explain", "--json", "tuned"]);
    assert!(o.status == 0 && o.stderr.is_empty(), "{o:?}");
    for app in ["./tuned", "./linked"] {
        let recorded = s.run_with("itarget", &["record", "--digest", "--", app], &input());
        assert!(recorded.status == 0 && recorded.stderr.is_empty(), "{recorded:?}");
        assert_eq!(s.run("itarget", &["replay"]), recorded);
    }
}
