//! `itarget explain` on recorded programs: what it says was measured is what is in the log.

use itarget_tests::{Outcome, Scratch, run};
use serde_json::Value;

const STATUS: &str = "examples/01-hello-cut/status.c";

fn response() -> Vec<u8> {
    let mut all = b"HTTP/1.1 200 OK\n".to_vec();
    all.resize(1_000_000, b'x');
    all
}

/// The example, built and recorded into `trace`.
fn recorded(s: &Scratch) {
    s.build(STATUS, "min");
    let o = s.run_with("itarget", &["record", "-o", "trace", "--", "./status"], &response());
    assert_eq!(o.status, 0, "{o:?}");
}

fn json(o: &Outcome) -> Value {
    assert_eq!((o.status, o.stderr.as_str()), (0, ""), "{o:?}");
    serde_json::from_str(&o.stdout).unwrap_or_else(|e| panic!("{e}: {o:?}"))
}

#[test]
fn every_byte_of_a_log_is_attributed() {
    let s = Scratch::new();
    recorded(&s);
    let e = json(&s.run("itarget", &["explain", "--json", "--all", "status", "trace"]));
    let log = json(&s.run("itarget", &["dump", "--json", "trace"]));
    let bytes = |v: &Value| v.as_u64().unwrap_or_else(|| panic!("{e:#}"));
    assert_eq!(bytes(&e["measured"]["bytes"]) + bytes(&e["measured_besides"]), bytes(&log["log"]["stream"]));
    let items = e["items"].as_array().expect("items");
    let of = |what: &str| items.iter().find(|i| i["what"].as_str().is_some_and(|w| w.starts_with(what))).expect("an item");
    // A read of 65536 bytes takes 16 calls, one brings the end of the file; the results are what is logged.
    assert_eq!((of("fread")["measured"]["events"].as_u64(), of("tmpfile")["measured"]["events"].as_u64()), (Some(17), Some(1)));
    assert!(bytes(&of("fread")["measured"]["bytes"]) < 100);
    // The chain of the paper's example: what `fgets` reads is needed for what `atoi` makes of it.
    let names: Vec<&str> = of("strtol")["path"].as_array().expect("a path").iter().filter_map(|p| p["name"].as_str()).collect();
    assert_eq!((names[0], names[2], names[3]), ("`fgets` called by `main`", "`strtol` called by `atoi`", "result used by `atoi`"));
    let text = s.run("itarget", &["explain", "status", "--trace", "trace"]);
    assert!(text.stdout.contains("=LOG=> result used by `atoi`") && text.stdout.contains("measured"), "{text:?}");
}

/// A child with three threads.
const CHILD: &str = r"
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long sum;
static void *work(void *arg) {
  for (int i = 0; i < 100; i++) {
    pid_t parent = getppid();
    pthread_mutex_lock(&lock);
    sum += parent;
    pthread_mutex_unlock(&lock);
  }
  return arg;
}
int main(void) {
  if (fork() == 0) {
    pthread_t t[3];
    for (int k = 0; k < 3; k++) pthread_create(&t[k], NULL, work, NULL);
    for (int k = 0; k < 3; k++) pthread_join(t[k], NULL);
    return sum == 0;
  }
  int status;
  wait(&status);
  return status != 0;
}
";

/// Of a process other than the first, and of all its threads; also the order in which they ran.
#[test]
fn every_byte_of_threads_and_children_is_attributed() {
    let s = Scratch::new();
    s.write("child.c", CHILD);
    let o = s.run("itarget-cc", &["-O2", "-g", "-pthread", "child.c", "-o", "child"]);
    assert_eq!((o.status, o.stderr.as_str()), (0, ""), "{o:?}");
    let o = s.run("itarget", &["record", "-o", "trace", "--", "./child"]);
    assert_eq!(o.status, 0, "{o:?}");
    for process in ["0", "1"] {
        let log = json(&s.run("itarget", &["dump", "--json", "--process", process, "trace"]));
        let threads = log["log"]["threads"].as_array().expect("threads");
        let e = json(&s.run("itarget", &["explain", "--json", "--process", process, "child", "trace"]));
        let bytes = |v: &Value| v.as_u64().unwrap_or_else(|| panic!("{e:#}"));
        assert_eq!(bytes(&e["measured"]["bytes"]) + bytes(&e["measured_besides"]), bytes(&log["log"]["stream"]));
        assert_eq!(bytes(&e["measured_order"]), threads.iter().map(|t| bytes(&t["order"])).sum::<u64>());
        assert_eq!((threads.len() > 1, bytes(&e["measured_order"]) > 0), (process == "1", process == "1"), "{log:#}");
        let items = e["items"].as_array().expect("items");
        let getppid = items.iter().find(|i| i["what"].as_str().is_some_and(|w| w.starts_with("getppid"))).expect("an item");
        assert_eq!(getppid["measured"]["events"], if process == "0" { 0 } else { 300 });
    }
    s.run("itarget", &["explain", "--process", "7", "child", "trace"]).refused("IT0627");
}

#[test]
fn the_shape_of_the_argument_decides() {
    let s = Scratch::new();
    let o = s.run("itarget", &["explain", "IT0614"]);
    assert!(o.status == 0 && o.stdout.starts_with("IT0614: Recording ended"), "{o:?}");
    assert_eq!(o, s.run("itarget", &["explain-code", "it0614"]));
    s.run("itarget", &["explain", "IT0000"]).refused("IT0001");
    s.run("itarget", &["explain", "nothing"]).refused("IT0105");
    s.write("text", "no bitcode");
    s.run("itarget", &["explain", "text"]).refused("IT0101");
    assert_eq!(s.run::<&str>("itarget", &["explain"]).status, 2);
}

#[test]
fn names_that_do_not_exist_and_traces_of_others_are_refused() {
    let s = Scratch::new();
    recorded(&s);
    let o = s.run("itarget", &["explain", "status", "--what", "boddy"]);
    o.refused("IT0412");
    assert!(o.stderr.contains("did you mean `body`?"), "{o:?}");
    let o = s.run("itarget", &["explain", "status", "--what", "body"]);
    assert!(o.status == 0 && o.stdout.contains("It is in the environment"), "{o:?}");
    s.run("itarget", &["explain", "status", "--trace", "none"]).refused("IT0604");
    let other = s.build("tests/replay/exits.c", "min");
    s.run("itarget", &["explain", &other.display().to_string(), "--trace", "trace"]).refused("IT0603");
}

/// An executable is explained with what it was linked with, as long as that is there.
#[test]
fn profile_and_cut_of_the_link_are_used() {
    let s = Scratch::new();
    recorded(&s);
    s.write("response", response());
    let mut c = s.command("sh");
    c.args(["-c", "itarget profile -o p.json -- ./status < response && itarget relink status --profile p.json -o tuned"]);
    c.env("PATH", format!("{}:{}", itarget_tests::tools().display(), std::env::var("PATH").unwrap_or_default()));
    let o = run(&mut c, b"").expect("sh starts");
    assert_eq!(o.status, 0, "{o:?}");
    let e = json(&s.run("itarget", &["explain", "--json", "tuned"]));
    let fread = e["items"].as_array().expect("items").iter().find(|i| i["what"].as_str().is_some_and(|w| w.starts_with("fread")));
    assert_eq!(fread.expect("fread")["estimated"]["events"], 17, "{e:#}");
    std::fs::remove_file(s.path("p.json")).expect("removed");
    let o = s.run("itarget", &["explain", "tuned"]);
    assert!(o.status == 0 && o.stderr.contains("p.json, with which the program was linked, is gone"), "{o:?}");
    s.build(STATUS, "libc");
    let e = json(&s.run("itarget", &["explain", "--json", "status"]));
    assert_eq!(e["cut"], "libc");
}

#[test]
fn diff_has_the_statuses_of_diff() {
    let s = Scratch::new();
    s.build(STATUS, "min");
    std::fs::rename(s.path("status"), s.path("min")).expect("renamed");
    s.build(STATUS, "libc");
    let o = s.run("itarget", &["diff", "min", "min"]);
    assert_eq!((o.status, o.stdout.as_str(), o.stderr.as_str()), (0, "", ""));
    let o = s.run("itarget", &["diff", "min", "status"]);
    assert_eq!(o.status, 1, "{o:?}");
    assert!(o.stdout.contains("--- min: cut min") && o.stdout.contains("+++ status: cut libc"), "{o:?}");
    // At the library the body and the line are logged, and `strtol` runs again.
    assert!(o.stdout.contains("fread -> log ret => fread -> log ret + arg0"), "{o:?}");
    assert!(o.stdout.contains("in `atoi`: strtol -> log ret  ["), "{o:?}");
    assert!(o.stdout.contains("globals in the environment:\n  - body\n"), "{o:?}");
    // A plan by itself is as good as the executable that was linked with it.
    assert_eq!(s.run("itarget", &["analyze", "min", "--plan", "plan"]).status, 0);
    assert_eq!(s.run("itarget", &["diff", "plan", "min"]).status, 0);
    let e = s.run("itarget", &["diff", "--json", "plan", "status"]);
    let e: Value = serde_json::from_str(&e.stdout).expect("JSON");
    assert_eq!(e["changed"].as_array().map(Vec::len), Some(3), "{e:#}");
}

#[test]
fn trouble_is_two() {
    let s = Scratch::new();
    s.write("cut-off", "{\"format\": 1, \"module\"");
    s.write("text", "no plan");
    s.write("future", "{\"format\": 4711}");
    for (file, code) in [("cut-off", "IT0401"), ("text", "IT0101"), ("future", "IT0402"), ("none", "IT0105")] {
        let o = s.run("itarget", &["diff", file, file]);
        assert_eq!((o.status, o.stdout.as_str()), (2, ""), "{o:?}");
        assert!(o.stderr.contains(&format!("error [{code}]")) && o.stderr.contains("hint: "), "{o:?}");
    }
    assert_eq!(s.run("itarget", &["diff", "one"]).status, 2);
}
