//! `itarget record --follow`: what a program starts is recorded, too, and each process replays what it printed.

use itarget_tests::{Outcome, Scratch};
use serde_json::Value;

/// Prints its arguments and what differs from run to run; status: their number.
const STARTED: &str = r#"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) printf("%s ", argv[i]);
  printf("by %d, mode %s\n", getpid(), getenv("ITARGET_MODE") ? getenv("ITARGET_MODE") : "none");
  return argc - 1;
}
"#;

/// Starts it in every way, and becomes it at the end.
const STARTS: &str = r#"
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
extern char **environ;
int main(void) {
  int status = system("./started system");
  printf("system %d\n", WEXITSTATUS(status));
  char line[100];
  FILE *f = popen("./started popen a", "r");
  while (fgets(line, sizeof line, f)) printf("read %s", line);
  printf("popen %d\n", WEXITSTATUS(pclose(f)));
  char *args[] = {"./started", "spawn", "a", "b", NULL};
  pid_t pid;
  if (posix_spawn(&pid, "./started", NULL, NULL, args, environ) != 0) return 1;
  waitpid(pid, &status, 0);
  printf("spawn %d\n", WEXITSTATUS(status));
  fflush(stdout);
  if (fork() == 0) {
    execl("./started", "started", "exec", "a", "b", "c", NULL);
    _exit(1);
  }
  wait(&status);
  printf("exec %d\n", WEXITSTATUS(status));
  fflush(stdout);
  execl("./started", "started", "last", NULL);
  return 1;
}
"#;

fn built() -> Scratch {
    let s = Scratch::new();
    for (name, source) in [("started", STARTED), ("starts", STARTS)] {
        s.write(&format!("{name}.c"), source);
        let o = s.run("itarget-cc", &["-O2", &format!("{name}.c"), "-o", name]);
        assert_eq!((o.status, o.stderr.as_str()), (0, ""), "{o:?}");
    }
    s
}

fn recorded(s: &Scratch, program: &[&str]) -> Outcome {
    s.run("itarget", &[&["record", "--digest", "--follow", "-o", "trace", "--"], program].concat())
}

fn processes(s: &Scratch) -> Vec<Value> {
    let o = s.run("itarget", &["ps", "--json", "trace"]);
    assert_eq!((o.status, o.stderr.as_str()), (0, ""), "{o:?}");
    serde_json::from_str(&o.stdout).expect("JSON")
}

fn replayed(s: &Scratch, process: usize) -> Outcome {
    s.run("itarget", &["replay", "--json-status", "status", "--process", &process.to_string(), "trace"])
}

/// What `STARTED` says of itself in a replay.
fn own_words(o: &Outcome) -> &str {
    o.stdout.split_once(" by ").expect("its words").0
}

#[test]
fn every_way_to_start_a_program() {
    let s = built();
    let o = recorded(&s, &["./starts"]);
    assert_eq!((o.status, o.stderr.as_str()), (1, ""), "{o:?}");
    let all = processes(&s);
    let ends: Vec<(&str, i64)> = all.iter().map(|p| (p["end"].as_str().expect("a name"), p["status"].as_i64().expect("a status"))).collect();
    // The fork before the `exec` is a process of its own in the list, and so is what it becomes.
    assert_eq!(ends, [("exec", 0), ("exit", 1), ("exit", 2), ("exit", 3), ("exec", 0), ("exit", 4), ("exit", 1)], "{all:#?}");
    assert_eq!((&all[4]["parent"], &all[5]["parent"], &all[6]["parent"]), (&Value::from(0), &Value::from(4), &Value::from(0)));
    assert_eq!((&all[4]["pid"], &all[0]["pid"]), (&all[5]["pid"], &all[6]["pid"]));
    for (process, words, status) in [(1, "system", 1), (2, "popen a", 2), (3, "spawn a b", 3), (5, "exec a b c", 4), (6, "last", 1)] {
        let r = replayed(&s, process);
        assert_eq!((r.status, own_words(&r), r.stderr.as_str()), (status, words, ""), "{r:?}");
        assert!(o.stdout.contains(&r.stdout), "{o:?} {r:?}");
        let told: Value = serde_json::from_slice(&std::fs::read(s.path("status")).expect("a status")).expect("JSON");
        assert_eq!(told["digests"]["mismatched"], 0, "{told}");
    }
    let (first, forked) = (replayed(&s, 0), replayed(&s, 4));
    assert!(first.stdout.contains("read popen a by ") && first.stdout.ends_with("exec 4\n"), "{first:?}");
    assert!(forked.stdout.ends_with("spawn 3\n") && forked.stderr.contains("IT0613"), "{forked:?}");
    let dump = s.run("itarget", &["dump", "--process", "3", "trace"]);
    assert!(dump.stdout.contains("/started\n") && dump.stdout.contains("arguments   ./started spawn a b\n"), "{dump:?}");
    let o = s.run("itarget", &["explain", "--process", "3", "started", "trace"]);
    assert!(o.status == 0 && o.stdout.contains("measured: "), "{o:?}");
    s.run("itarget", &["explain", "--process", "3", "starts", "trace"]).refused("IT0603");
    assert_eq!(s.run("itarget", &["rm", "trace"]).status, 0);
    assert!(!s.path("trace").exists());
}

#[test]
fn a_script_starts_many_at_once() {
    let s = built();
    s.write_program("script", "#!/bin/sh\nfor i in 1 2 3 4 5 6 7 8; do ./started $i & done\nwait\n./started end a\nexit 7\n");
    let o = recorded(&s, &["./script"]);
    assert_eq!((o.status, o.stderr.as_str()), (7, ""), "{o:?}");
    let all = processes(&s);
    assert_eq!(all.len(), 9, "{all:#?}");
    let mut said: Vec<String> = (0..9).map(|n| replayed(&s, n).stdout).collect();
    let mut lines: Vec<String> = o.stdout.split_inclusive('\n').map(String::from).collect();
    assert!(said[8].starts_with("end a by "), "{said:?}");
    said.sort();
    lines.sort();
    assert_eq!(said, lines);
    s.run("itarget", &["replay", "--process", "9", "trace"]).refused("IT0627");
}

#[test]
fn without_it_nothing_changes() {
    let s = built();
    let o = s.run("itarget", &["record", "-o", "trace", "--", "./starts"]);
    assert!(o.status == 1 && o.stdout.ends_with("mode none\n") && !o.stdout.contains("mode record"), "{o:?}");
    assert_eq!(processes(&s).len(), 2);
    s.write_program("script", "#!/bin/sh\n./started\n");
    let o = s.run("itarget", &["record", "-o", "other", "--", "./script"]);
    o.refused("IT0501");
    assert!(o.stderr.contains("--follow"), "{o:?}");
}

#[test]
fn nothing_that_can_be_recorded() {
    let s = built();
    for command in [&["true"][..], &["env", "-i", "./started"]] {
        let o = recorded(&s, command);
        assert!(o.status == 0 && o.stderr.contains("nothing was recorded"), "{o:?}");
        assert!(!s.path("trace").exists());
    }
    let o = recorded(&s, &["no-such-program"]);
    o.refused("IT0504");
}

/// Where a program's recording ends early, the process and the place are named.
#[test]
fn a_recording_that_ends_early_names_its_process() {
    let s = built();
    s.write("refused.c", "#include <unistd.h>\nint main(int n, char **a) { (void)a; return sbrk(n) == 0; }\n");
    assert_eq!(s.run("itarget-cc", &["-O2", "-g", "refused.c", "-o", "refused"]).status, 0);
    let o = recorded(&s, &["sh", "-c", "./started; ./refused"]);
    assert!(o.stderr.contains("the recording of process 1 ended here: ") && o.stderr.contains("sbrk"), "{o:?}");
    assert_eq!(processes(&s)[1]["end"], "refused");
}

/// A raw system call whose number only the run tells: nobody knows what it writes.
#[test]
fn a_system_call_by_a_number_that_is_not_known() {
    let s = built();
    let source = "#include <sys/syscall.h>\n#include <sys/uio.h>\n#include <unistd.h>\nint main(int n, char **a) { (void)a; char c[2]; \
        struct iovec v = {c, 2}; return syscall(SYS_readv + n - 1, 0, &v, 1) == 1; }\n";
    s.write("number.c", source);
    assert_eq!(s.run("itarget-cc", &["-O2", "-g", "number.c", "-o", "number"]).status, 0);
    let o = recorded(&s, &["./number"]);
    assert!(o.stderr.contains("this raw system call is not known"), "{o:?}");
    assert_eq!(processes(&s)[0]["end"], "refused");
}
