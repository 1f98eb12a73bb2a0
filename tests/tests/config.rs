//! `itarget.toml`: found from where a command runs, read by the commands that make or compute an interface, overruled by
//! what is said nearer.

use itarget_tests::{Outcome, Scratch, run};
use serde_json::Value;

const APP: &str = "
#include <stdio.h>
__attribute__((noinline)) int f(int n) { return n * 3; }
__attribute__((noinline)) int g(int n) { char b[8]; return fgets(b, sizeof b, stdin) ? b[0] + n : n; }
int main(void) { printf(\"%d\\n\", f(g(1))); return 0; }
";

/// A project with a target for one of its programs.
fn project() -> Scratch {
    let s = Scratch::new();
    s.write("app.c", APP);
    s.write("other.c", "int main(void) { return 0; }\n");
    s.write("itarget.toml", "target = [\"f\"]\nprograms = [\"app\"]\n");
    assert_eq!(s.run("itarget-cc", &["-O2", "-g", "app.c", "-o", "app"]), Outcome::default());
    s
}

/// The plan that `itarget analyze` makes with these arguments in a directory of the project.
fn plan_in(s: &Scratch, directory: &str, config: &str, args: &[&str]) -> Value {
    let mut c = s.command("itarget");
    c.args(["analyze", "--plan"]).arg(s.path("plan")).args(args).current_dir(s.path(directory)).env("ITARGET_CONFIG", config);
    let o = run(&mut c, b"").expect("itarget starts");
    assert!(o.status == 0 && o.stderr.is_empty(), "{o:?}");
    serde_json::from_slice(&std::fs::read(s.path("plan")).expect("plan")).expect("JSON")
}

/// The target that an executable remembers.
fn remembered(s: &Scratch, app: &str) -> Vec<String> {
    let plan = plan_in(s, ".", "off", &[app]);
    plan["targets"].as_array().into_iter().flatten().map(|t| t.as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_link_takes_the_target_of_its_project() {
    let s = project();
    assert_eq!(remembered(&s, "app"), ["f"]);
    // Programs that the target is not for, such as those of a configure script, are linked whole.
    assert_eq!(s.run("itarget-cc", &["other.c", "-o", "other"]), Outcome::default());
    assert!(remembered(&s, "other").is_empty());
    // From a directory below.
    std::fs::create_dir(s.path("below")).expect("directory");
    let mut c = s.command("itarget-cc");
    let below = run(c.args(["-O2", "../app.c", "-o", "app"]).current_dir(s.path("below")), b"").expect("starts");
    assert_eq!((below, remembered(&s, "below/app")), (Outcome::default(), vec!["f".to_string()]));
    // The environment says it nearer.
    let mut c = s.command("itarget-cc");
    c.args(["-O2", "app.c", "-o", "app2"]).env("ITARGET_CC_TARGET", "g:!f");
    assert_eq!(run(&mut c, b"").expect("starts"), Outcome::default());
    assert_eq!(remembered(&s, "app2"), ["g", "!f"]);
    // It is recorded and replayed as it was linked.
    let recorded = s.run_with("itarget", &["record", "--", "./app"], b"A\n");
    assert_eq!((recorded.status, recorded.stdout.as_str(), recorded.stderr.as_str()), (0, "198\n", ""));
    let replayed = s.run("itarget", &["replay"]);
    assert!(replayed.status == 0 && replayed.stderr.is_empty(), "{replayed:?}");
}

#[test]
fn commands_take_what_is_said_nearest() {
    let s = project();
    let targets = |config: &str, args: &[&str]| plan_in(&s, ".", config, args)["targets"].to_string();
    s.write("itarget.toml", "exclude = ['g']\ncut = 'functions'\n");
    assert_eq!(targets("", &["app"]), "[\"!g\"]");
    assert_eq!(targets("off", &["app"]), "[\"f\"]");
    assert_eq!(targets("", &["app", "--target", "main"]), "[\"main\"]");
    let cut = |args: &[&str]| plan_in(&s, ".", "", args)["cut"].as_str().unwrap_or_default().to_owned();
    assert_eq!((cut(&["app"]), cut(&["app", "--cut", "libc"])), ("functions".into(), "libc".into()));
    // The interface of an executable is what it was linked with.
    let explain = |config: &str| {
        let mut c = s.command("itarget");
        run(c.args(["explain", "--json", "app"]).env("ITARGET_CONFIG", config), b"").expect("starts")
    };
    assert!(explain("").status == 0 && explain("") == explain("off"), "{:?}", explain(""));
    // A relink follows the project; without one, what the executable remembers.
    assert_eq!(s.run("itarget", &["relink", "app", "-o", "again"]), Outcome::default());
    let again = plan_in(&s, ".", "off", &["again"]);
    assert_eq!(again["targets"].to_string(), "[\"!g\"]");
    let mut c = s.command("itarget");
    c.args(["relink", "app", "-o", "kept"]).env("ITARGET_CONFIG", "off");
    assert_eq!((run(&mut c, b"").expect("starts"), remembered(&s, "kept")), (Outcome::default(), vec!["f".to_string()]));
    let mut c = s.command("itarget");
    c.args(["relink", "app", "--target", "*", "-o", "whole"]);
    assert_eq!((run(&mut c, b"").expect("starts"), remembered(&s, "whole")), (Outcome::default(), vec!["*".to_string()]));
}

#[test]
fn annotations_of_a_project_lie_beside_its_file() {
    let s = Scratch::new();
    std::fs::create_dir(s.path("sub")).expect("directory");
    s.write("sub/app.c", "long measure(void);\nint main(void) { return (int)measure() - 7; }\n");
    s.write("measure.c", "long measure(void) { return 7; }\n");
    assert_eq!(s.run("cc", &["-c", "measure.c"]), Outcome::default());
    s.write("ours.toml", "[[function]]\nnames = [\"measure\"]\nkind = \"env\"\nret = \"int\"\n");
    s.write("itarget.toml", "annotations = ['ours.toml']\n");
    let link = |name: &str| {
        let mut c = s.command("itarget-cc");
        run(c.args(["-O2", "app.c", "../measure.o", "-o", name]).current_dir(s.path("sub")), b"").expect("starts")
    };
    assert_eq!(link("app"), Outcome::default());
    let report = |config: &str| {
        let mut c = s.command("itarget");
        run(c.args(["analyze", "app", "--json"]).current_dir(s.path("sub")).env("ITARGET_CONFIG", config), b"").expect("starts").stdout
    };
    let unknown = |text: &str| {
        let report: Value = serde_json::from_str(text).expect("JSON");
        report["unannotated"].to_string().contains("measure")
    };
    assert!(!unknown(&report("")), "{}", report(""));
    // The executable remembers them.
    assert!(!unknown(&report("off")));
    s.write("none.toml", "annotations = []\n");
    assert!(unknown(&report("../none.toml")), "{}", report("../none.toml"));
    s.write("itarget.toml", "annotations = ['gone.toml']\n");
    assert!(link("app").stderr.contains("IT0303"));
}

#[test]
fn mistakes_are_said_where_the_file_is_read() {
    let s = project();
    let line = |text: &str| format!("{}:{text}", s.path("itarget.toml").display());
    s.write("itarget.toml", "# ours\ntagret = ['f']\n");
    for (program, args) in [
        ("itarget-cc", vec!["app.c", "-o", "x"]),
        ("itarget", vec!["relink", "app"]),
        ("itarget", vec!["analyze", "app"]),
        ("itarget", vec!["profile", "--", "./app"]),
        ("itarget", vec!["tune", "--", "./app"]),
        ("itarget", vec!["compare", "--", "./app"]),
        ("itarget", vec!["check-annotations", "--", "./app"]),
    ] {
        let o = s.run(program, &args);
        o.refused("IT0207");
        assert!(o.stderr.contains(&line("2:1: unknown key `tagret`")) && o.stderr.contains("did you mean `target`?"), "{o:?}");
    }
    // Nothing else reads it.
    for args in [vec!["record", "--", "./app"], vec!["replay"], vec!["explain", "app"], vec!["ls"]] {
        assert_eq!(s.run("itarget", &args).status, 0, "{args:?}");
    }
    assert_eq!(s.run("itarget-cc", &["-c", "app.c"]), Outcome::default());
    s.write("itarget.toml", "target = ['h']\n");
    let o = s.run("itarget-cc", &["app.c", "-o", "x"]);
    assert!(o.status != 0 && o.stderr.contains("IT0903") && o.stderr.contains("`h`"), "{o:?}");
    let mut c = s.command("itarget");
    run(c.args(["relink", "app"]).env("ITARGET_CONFIG", "none.toml"), b"").expect("starts").refused("IT0208");
}
