//! What a profile says of a part of a program: whose memory calls and stores of its functions touch.

use itarget_tests::{Outcome, Scratch};
use serde_json::Value;

const APP: &str = "
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static void *grow(void *p, size_t n) { void *q = realloc(p, n); if (!q) abort(); return q; }
__attribute__((noinline)) void append(char *to, const char *s, size_t at) { memcpy(to + at, s, 4); }
__attribute__((noinline)) int last(const char *s, int n) { return s[n - 1]; }
int main(int argc, char **argv) {
    char *text = NULL, own[8] = \"abcdefg\";
    size_t at = 0, room = 0;
    own[0] += argc;
    for (int i = 0; i < 1000; i++, at += 4) {
        if (at + 4 > room) text = grow(text, room = room ? room * 2 : 16);
        append(text, own, at);
    }
    printf(\"%d\\n\", last(text, (int)at) + last(own, 8));
    return 0;
}
";

/// Events by `read` and object at sites of a function.
fn edges(profile: &Value, function: &str) -> Vec<(bool, String, u64)> {
    let mut sums = std::collections::BTreeMap::new();
    for e in profile["edges"].as_array().expect("edges").iter().filter(|e| e["function"] == function) {
        let key = (e["read"].as_bool().unwrap_or(false), e["object"].as_str().expect("a name").to_owned());
        *sums.entry(key).or_insert(0) += e["events"].as_u64().expect("a number");
    }
    sums.into_iter().map(|((read, object), n)| (read, object, n)).collect()
}

#[test]
fn a_profile_of_a_part_knows_whose_memory_it_is() {
    let s = Scratch::new();
    s.write("app.c", APP);
    assert_eq!(s.run("itarget-cc", &["-O1", "-g", "app.c", "-o", "app"]), Outcome::default());
    let profile = |args: &[&str]| -> Value {
        let mut all = vec!["profile", "-o", "p.json"];
        all.extend(args);
        all.extend(["--", "./app"]);
        let o = s.run("itarget", &all);
        assert_eq!(o.status, 0, "{o:?}");
        serde_json::from_slice(&std::fs::read(s.path("p.json")).expect("a profile")).expect("JSON")
    };
    let whole = profile(&[]);
    // Calls through the wrapper go to its copy for this caller, also where they are counted.
    let heap = whole["edges"].as_array().expect("edges").iter().filter_map(|e| e["object"].as_str()).find(|o| o.starts_with("heap:grow"));
    let heap = heap.expect("the text is seen").to_owned();
    assert_eq!(edges(&whole, "append"), [(false, heap.clone(), 1000), (true, "<stack>".into(), 1000)]);
    let o = s.run("itarget", &["analyze", "--target", "append", "--profile", "p.json", "app"]);
    o.refused("IT0411");
    assert!(o.stderr.contains("same --target"), "{o:?}");
    let part = profile(&["--target", "append"]);
    assert_eq!(edges(&part, "append"), [(false, heap.clone(), 1000), (true, "<stack>".into(), 1000)]);
    // A load of each object.
    assert_eq!(edges(&part, "last"), [(false, "<stack>".into(), 1), (false, heap, 1)]);
    let calls = edges(&part, "main").iter().map(|e| e.2).sum::<u64>();
    assert!(calls >= 1000, "{calls} calls of functions");
    let o = s.run("itarget", &["relink", "--target", "append", "--profile", "p.json", "app", "-o", "app.part"]);
    assert_eq!(o.status, 0, "{o:?}");
}

const THREADED: &str = "
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
static int *shared;
static atomic_int rounds;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *work(void *arg) {
    for (int i = 0; i < 1000; i++) shared[i % 10] += *(int *)arg, rounds++;
    return NULL;
}
int main(int argc, char **argv) {
    pthread_t t;
    shared = calloc(10, sizeof *shared);
    for (int i = 0; i < 1000; i++) { pthread_mutex_lock(&lock); shared[i % 10] += i; pthread_mutex_unlock(&lock); }
    if (argc > 1) pthread_create(&t, NULL, work, &argc);
    work(&argc);
    if (argc > 1) pthread_join(t, NULL);
    printf(\"%d after %d\\n\", shared[3], atomic_load(&rounds));
    return 0;
}
";

#[test]
fn a_program_that_was_profiled_without_threads_is_recorded_without() {
    let s = Scratch::new();
    s.write("app.c", THREADED);
    assert_eq!(s.run("itarget-cc", &["-O1", "-g", "-pthread", "app.c", "-o", "app"]), Outcome::default());
    let linked = |name: &str, args: &[&str]| {
        let (profile, mut all) = (format!("{name}.json"), vec!["profile", "-o"]);
        all.extend([profile.as_str(), "--", "./app"]);
        all.extend(args);
        assert_eq!(s.run("itarget", &all).status, 0);
        let o = s.run("itarget", &["relink", "app", "--profile", &profile, "-o", name]);
        assert!(o.status == 0 && o.stderr.contains("started no thread") == args.is_empty(), "{o:?}");
        let plan = s.run("itarget", &["analyze", "--json", "--profile", &profile, "app"]);
        serde_json::from_str::<Value>(&plan.stdout).expect("JSON")
    };
    let events = |report: &Value| report["interface"].as_array().expect("items").iter().filter_map(|i| i["events"].as_u64()).sum::<u64>();
    let (without, with) = (linked("without", &[]), linked("with", &["2"]));
    assert_eq!((&without["single"], &with["single"]), (&Value::Bool(true), &Value::Bool(false)));
    assert!(events(&without) < 100 && events(&with) > 1000, "{} and {} events", events(&without), events(&with));
    let record = |name: &str, args: &[&str]| {
        let (trace, app) = (format!("{name}.trace"), format!("./{name}"));
        let mut all = vec!["record", "--digest", "-o", trace.as_str(), "--", app.as_str()];
        all.extend(args);
        let _ = std::fs::remove_dir_all(s.path(&trace));
        (s.run("itarget", &all), s.run("itarget", &["replay", &trace]))
    };
    for (name, args) in [("without", &[][..]), ("with", &[]), ("with", &["2"])] {
        let (recorded, replayed) = record(name, args);
        assert_eq!((recorded.status, recorded.stderr.as_str()), (0, ""), "{name} {args:?}");
        assert_eq!(recorded, replayed, "{name} {args:?}");
    }
    // A thread all the same: the recording ends there, and the program does not.
    let (recorded, replayed) = record("without", &["2"]);
    assert_eq!(recorded.status, 0, "{recorded:?}");
    assert!(recorded.stderr.contains("IT0614") && recorded.stderr.contains("which the profiled run did not"), "{recorded:?}");
    assert!(recorded.stdout.ends_with("after 2000\n"), "{recorded:?}");
    assert!(replayed.status == 122 && replayed.stderr.contains("IT0613") && replayed.stderr.contains("it starts a thread"), "{replayed:?}");
}
