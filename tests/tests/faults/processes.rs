//! Traces of several processes: asked for one that is not there, damaged, packed, removed; and what `itarget profile` counts of them.

use super::{code, copy, replay};
use itarget_tests::{Outcome, Scratch};
use std::path::{Path, PathBuf};

/// A recorded run of `counts`: the first process and two children.
fn recorded(args: &[&str]) -> (Scratch, PathBuf, Outcome) {
    let s = Scratch::new();
    let exe = s.build("tests/faults/counts.c", "min");
    let trace = s.path("trace");
    let run = super::record(&s, &trace, &exe, args);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{run:?}");
    (s, trace, run)
}

fn of(s: &Scratch, command: &str, process: &str, trace: &Path) -> Outcome {
    s.run("itarget", &[command.as_ref(), "--process".as_ref(), process.as_ref(), trace.as_os_str()])
}

#[test]
fn a_process_that_is_not_there_is_refused() {
    let (s, trace, run) = recorded(&[]);
    for process in ["3", "7", "4294967295"] {
        for command in ["replay", "dump", "debug"] {
            let o = of(&s, command, process, &trace);
            o.refused("IT0627");
            assert!(o.stderr.contains(&format!("process {process}")) && o.stderr.contains("itarget ps"), "{o:?}");
        }
    }
    for process in ["-1", "one", "4294967296"] {
        let o = s.run("itarget", &["replay", &format!("--process={process}"), &trace.to_string_lossy()]);
        assert_eq!((o.status, o.stdout.as_str()), (2, ""), "{o:?}");
    }
    assert_eq!(of(&s, "replay", "0", &trace).stdout, "ends\n", "{run:?}");
    assert_eq!(of(&s, "replay", "2", &trace), Outcome { stdout: "1\n".into(), ..Outcome::default() });
    // One that something else took the place of.
    std::fs::remove_dir_all(trace.join("process.1")).expect("there");
    std::fs::write(trace.join("process.1"), "no directory").expect("room");
    of(&s, "replay", "1", &trace).refused("IT0627");
    assert_eq!(of(&s, "replay", "2", &trace).status, 0);
}

#[test]
fn damage_to_one_process_leaves_the_others() {
    let (s, trace, run) = recorded(&[]);
    let to = s.path("damaged");
    let log = std::fs::read(trace.join("process.1/log")).expect("log");
    // That of another process, none, a flipped bit in the chunk that says whose child it is.
    let mut flipped = log.clone();
    flipped[70] ^= 1;
    for (what, bytes, expected) in
        [("another's", std::fs::read(trace.join("process.2/log")).expect("log"), "IT0601"), ("none", vec![], "IT0604"), ("flipped", flipped, "IT0601")]
    {
        copy(&trace, &to);
        std::fs::write(to.join("process.1/log"), bytes).expect("room");
        of(&s, "replay", "1", &to).refused(expected);
        assert_eq!(of(&s, "replay", "2", &to).stdout, "1\n", "{what}");
        let listed = s.run("itarget", &["ps".as_ref(), to.as_os_str()]);
        assert_eq!((listed.status, code(&listed), listed.stdout.lines().count()), (120, Some(expected), 3), "{what}: {listed:?}");
    }
    // The parent's log is shorter than it was when the child was started.
    copy(&trace, &to);
    let parent = std::fs::read(trace.join("log")).expect("log");
    std::fs::write(to.join("log"), &parent[..1000]).expect("room");
    of(&s, "replay", "2", &to).refused("IT0601");
    assert_eq!(replay(&s, &trace).stdout, run.stdout.replace("1\n", ""));
}

#[test]
fn traces_of_several_processes_are_packed_and_removed() {
    let (s, trace, _) = recorded(&["killed"]);
    // The last child was killed: what it recorded last stays in its live chunk.
    let ring = trace.join("process.2/ring");
    assert!(ring.exists());
    let o = s.run("itarget", &["pack".as_ref(), trace.as_os_str()]);
    assert_eq!((o.status, code(&o)), (120, Some("IT0628")), "{o:?}");
    assert!(o.stderr.contains("process.2") && o.stderr.contains("hint: "), "{o:?}");
    let there = |name: &str| trace.join(name).exists();
    assert!(there("log.lz4") && there("process.1/log.lz4") && there("process.2/log"), "what can be packed is");
    assert!(!there("log") && !there("process.1/log") && !there("process.2/log.lz4"));
    assert_eq!(of(&s, "replay", "1", &trace), Outcome { stdout: "1\n".into(), ..Outcome::default() });
    let killed = of(&s, "replay", "2", &trace);
    assert_eq!((killed.status, code(&killed)), (122, Some("IT0613")), "{killed:?}");
    // Only what a trace has is removed.
    let thesis = trace.join("process.1/thesis");
    std::fs::write(&thesis, "years of work").expect("room");
    let remove = || s.run("itarget", &["rm".as_ref(), trace.as_os_str()]);
    remove().refused("IT0608");
    assert!(thesis.exists());
    std::fs::rename(&thesis, s.path("thesis")).expect("moved");
    assert_eq!(remove(), Outcome::default());
    assert!(!trace.exists());
}

/// What all processes read adds up; one that was killed left no counts.
#[test]
fn profiles_add_up_all_processes() {
    let s = Scratch::new();
    let exe = s.build("tests/faults/counts.c", "min");
    for (args, events, bytes) in [(&[][..], 3, 6000), (&["killed"][..], 2, 3000)] {
        let mut all = vec!["profile".to_string(), "-o".into(), "profile.json".into(), exe.to_string_lossy().into_owned()];
        all.extend(args.iter().map(ToString::to_string));
        let o = s.run("itarget", &all);
        assert_eq!((o.status, o.stdout.lines().last()), (0, Some("ends")), "{o:?}");
        let text = std::fs::read_to_string(s.path("profile.json")).expect("profile");
        let profile: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let edges = profile["edges"].as_array().expect("edges");
        // The call of read: it writes all of the block at once.
        let reads: Vec<_> = edges.iter().filter(|e| e["function"] == "take" && e["object"] == "block" && e["bytes"].as_u64() >= Some(1000)).collect();
        let call = reads.iter().find(|e| e["offset"] == 0).expect("the call");
        assert_eq!((call["events"].as_u64(), call["bytes"].as_u64()), (Some(events), Some(bytes)), "{call}");
        let o = s.run("itarget", &["relink", "--profile", "profile.json", "-o", "again", &exe.to_string_lossy()]);
        assert_eq!(o.status, 0, "{o:?}");
    }
}

/// A library that forks on its own, and runs code of the program in the child: that is not recorded, and the parent's trace is whole.
#[test]
fn a_child_that_a_library_makes_leaves_the_trace_alone() {
    let s = Scratch::new();
    s.write("library.c", "#include <sys/wait.h>\n#include <unistd.h>\nint apart(int (*f)(void)) { pid_t p = fork(); if (p == 0) _exit(f()); int status; waitpid(p, &status, 0); return WEXITSTATUS(status); }\n");
    s.write(
        "app.c",
        "#include <stdio.h>\n#include <time.h>\n#include <unistd.h>\nint apart(int (*f)(void));\nstatic int work(void) { for (int i = 0; i < 100; i++) if (time(0) == 1) return 9; return getppid() > 0 ? 5 : 6; }\nint main(void) { printf(\"%d\\n\", apart(work)); printf(\"%d\\n\", time(0) > 0); return 0; }\n",
    );
    assert_eq!(s.run("clang-19", &["-shared", "-fPIC", "library.c", "-o", "libapart.so"]), Outcome::default());
    let here = s.path("").to_string_lossy().into_owned();
    assert_eq!(s.run("itarget-cc", &["-O1", "app.c", "-o", "app", "-L.", "-lapart", &format!("-Wl,-rpath,{here}")]), Outcome::default());
    let trace = s.path("trace");
    let run = super::record(&s, &trace, &s.path("app"), &[]);
    assert!(run.status == 0 && run.stdout == "5\n1\n" && code(&run) == Some("IT0618"), "{run:?}");
    assert_eq!(replay(&s, &trace), Outcome { stdout: run.stdout, ..Outcome::default() });
}

/// An excluded function forks where replayed code has handlers for that: the recording ends there by name, and so does its replay.
#[test]
fn a_fork_by_the_environment_with_replayed_handlers_ends_the_recording() {
    let s = Scratch::new();
    s.write(
        "app.c",
        "#include <pthread.h>\n#include <stdio.h>\n#include <sys/wait.h>\n#include <time.h>\n#include <unistd.h>\nstatic void before(void) { fputs(\"before\\n\", stdout); fflush(stdout); }\n__attribute__((noinline)) int target(int k) { pthread_atfork(before, 0, 0); return time(0) > 0 ? k + 1 : 0; }\nint main(int argc, char **argv) { int s; target(argc); pid_t p = fork(); if (!p) _exit(3); waitpid(p, &s, 0); printf(\"%d\\n\", WEXITSTATUS(s)); return 0; }\n",
    );
    assert_eq!(s.run("itarget-cc", &["-O1", "app.c", "-o", "app"]), Outcome::default());
    assert_eq!(s.run("itarget", &["relink", "app", "--target", "target", "--exclude", "main", "-o", "part"]).status, 0);
    let trace = s.path("trace");
    let run = super::record(&s, &trace, &s.path("part"), &[]);
    assert!(run.status == 0 && run.stdout == "before\n3\n" && code(&run) == Some("IT0614"), "{run:?}");
    let again = replay(&s, &trace);
    assert!(again.status == 122 && code(&again) == Some("IT0613"), "{again:?}");
}

/// A child takes a lock away from a thread that it does not have: what that thread had done under it so far is in no log.
#[test]
fn a_child_that_takes_a_lock_away_is_not_recorded_on() {
    let s = Scratch::new();
    let exe = s.build("tests/processes/fork-takes-lock-away.c", "min");
    for args in [&["theirs"][..], &["theirs", "assigned"]] {
        let trace = s.path(&format!("trace-{}", args.len()));
        let run = super::record(&s, &trace, &exe, args);
        assert!(run.status == 0 && run.stdout == "child 1\n3\n" && run.stderr.contains("IT0614") && run.stderr.contains("a thread of its parent's"), "{run:?}");
        let child = of(&s, "replay", "1", &trace);
        assert!(child.status == 122 && child.stdout.is_empty() && child.stderr.contains("IT0613"), "{child:?}");
        assert_eq!(of(&s, "replay", "0", &trace), Outcome { stdout: "3\n".into(), ..Outcome::default() });
    }
}
