//! Programs that end in every way while they are recorded: by themselves, by a signal, by SIGKILL,
//! by a full disk for the trace.

use super::{code, dump, numbers, record, replay, stopped};
use itarget_tests::{Outcome, Recorder, Scratch, kill, root, run, until};
use std::path::{Path, PathBuf};
use std::time::Duration;

#[test]
fn ends_of_the_program_are_passed_on_and_replayed() {
    let s = Scratch::new();
    let exe = s.build_noisily("tests/faults/ends.c", "min");
    let leaving = [("_exit", 9), ("exit", 44), ("return", 7), ("error", 4), ("err", 5), ("errx", 6)];
    for (how, status) in leaving.into_iter().chain([("abort", 134), ("segv", 139), ("assert", 134)]) {
        let plain = s.run(&exe.to_string_lossy(), &[how]);
        let trace = s.path(how);
        let recorded = record(&s, &trace, &exe, &[how]);
        assert_eq!((recorded.status, &recorded.stdout), (status, &plain.stdout), "{how}: {recorded:?}");
        assert!(recorded.stdout.starts_with(&format!("{how} with time to spare: 1\n")), "{recorded:?}");
        let again = replay(&s, &trace);
        assert_eq!(again, recorded, "{how}");
    }
}

/// The end of such a program is the doing of its environment: a replay comes to that point, says
/// so, and does not go on.
#[test]
fn a_replay_ends_where_a_signal_or_another_image_ended_the_program() {
    let s = Scratch::new();
    let exe = s.build_noisily("tests/faults/ends.c", "min");
    for (how, status, rest) in
        [("term", 143, ""), ("divide", 136, ""), ("kill", 137, ""), ("exec", 0, "another program\n"), ("execl", 0, "another program\n")]
    {
        let trace = s.path(how);
        let recorded = record(&s, &trace, &exe, &[how]);
        let line = format!("{how} with time to spare: 1\n");
        assert_eq!((recorded.status, recorded.stdout), (status, format!("{line}{rest}")), "{how}");
        let again = replay(&s, &trace);
        assert_eq!((again.status, again.stdout.as_str(), code(&again)), (122, line.as_str(), Some("IT0613")), "{how}: {again:?}");
    }
}

/// Nothing is stored by `%n`, and no memory made by `%m`, that is in no log.
#[test]
fn formats_that_store_or_allocate_end_the_recording() {
    let s = Scratch::new();
    let exe = s.build_noisily("tests/faults/formats.c", "min");
    for (args, ends) in [
        (["print", "%d%n\n"], true),
        (["print", "%d\n"], false),
        (["print-known", ""], true),
        (["scan", "a %ms"], true),
        (["scan", "a %*s"], false),
        (["scan-known", ""], true),
    ] {
        let plain = s.run(&exe.to_string_lossy(), &args);
        let trace = s.path("t");
        let recorded = record(&s, &trace, &exe, &args);
        assert_eq!((recorded.status, &recorded.stdout), (0, &plain.stdout), "{args:?}: {recorded:?}");
        assert_eq!(recorded.stderr.contains("IT0614"), ends, "{args:?}: {recorded:?}");
        let again = replay(&s, &trace);
        assert_eq!((again.status, code(&again)), if ends { (122, Some("IT0613")) } else { (0, None) }, "{args:?}: {again:?}");
        std::fs::remove_dir_all(&trace).expect("the trace is there");
    }
}

/// What the runtime has in place of a function of the library stays there where the recording ends: `longjmp` works with what `setjmp` made.
#[test]
fn where_the_recording_ends_the_program_still_jumps() {
    let s = Scratch::new();
    let exe = s.build_noisily("tests/faults/jumps-behind-the-end.c", "min");
    let plain = s.run::<&str>(&exe.to_string_lossy(), &[]);
    assert_eq!((plain.status, plain.stdout.as_str()), (3, "first\nback with 42\n"));
    let recorded = record(&s, &s.path("t"), &exe, &[]);
    assert_eq!((recorded.status, &recorded.stdout), (3, &plain.stdout), "{recorded:?}");
    assert!(recorded.stderr.contains("IT0614"), "{recorded:?}");
}

#[test]
fn after_a_failed_exec_or_a_refused_call_the_program_goes_on() {
    let s = Scratch::new();
    let exe = s.build_noisily("tests/faults/ends.c", "min");
    for how in ["noexec", "fork", "printed"] {
        let plain = s.run(&exe.to_string_lossy(), &[how]);
        let trace = s.path(how);
        let recorded = record(&s, &trace, &exe, &[how]);
        assert_eq!((recorded.status, &recorded.stdout), (7, &plain.stdout), "{recorded:?}");
        let again = replay(&s, &trace);
        if recorded.stderr.contains("IT0614") {
            assert_eq!((again.status, code(&again)), (122, Some("IT0613")), "{again:?}");
            stopped(&again, &recorded.stdout);
        } else {
            assert_eq!(again, recorded);
        }
    }
}

/// A replay does not have what a library put among the environment variables. The program may change them before.
#[test]
fn variables_that_a_library_sets_end_the_recording() {
    let s = Scratch::new();
    s.write("library.c", "#include <stdlib.h>\nint set(const char *name) { return setenv(name, \"80\", 1); }\n");
    s.write("app.c", "#include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        extern char **environ;
        int set(const char *name);
        int main(int argc, char **argv) {
            size_t n = 0;
            setenv(\"FIRST\", \"1\", 1);
            if (argc > 1) set(argv[1]);
            setenv(\"SECOND\", \"2\", 1);
            for (char **e = environ; *e; e++) n += strlen(*e);
            printf(\"%zu\\n\", n);
            return 7;
        }");
    assert_eq!(s.run("clang-19", &["-O1", "-c", "library.c"]), Outcome::default());
    assert_eq!(s.run("itarget-cc", &["-O1", "-g", "app.c", "library.o", "-o", "app"]), Outcome::default());
    let exe = s.path("app");
    let recorded = record(&s, &s.path("alone"), &exe, &[]);
    assert_eq!((recorded.status, &*recorded.stderr), (7, ""), "{recorded:?}");
    assert_eq!(replay(&s, &s.path("alone")), recorded);
    for name in ["COLUMNS", "FIRST"] {
        let trace = s.path(name);
        let recorded = record(&s, &trace, &exe, &[name]);
        assert!(recorded.status == 7 && recorded.stderr.contains("IT0614") && recorded.stderr.contains("environment variables"), "{recorded:?}");
        let again = replay(&s, &trace);
        assert_eq!((again.status, code(&again)), (122, Some("IT0613")), "{again:?}");
    }
}

#[test]
fn vector_instructions_that_reach_memory_end_the_recording() {
    let s = Scratch::new();
    let exe = s.build_noisily("tests/faults/gathers.c", "min");
    for flush in ["", "flush"] {
        let trace = s.path("whole");
        let said = if flush.is_empty() { "flush to zero 0 0\n" } else { "flush to zero 1 1\n" };
        let recorded = record(&s, &trace, &exe, &["", flush]);
        assert_eq!((recorded.status, &*recorded.stdout, &*recorded.stderr), (7, said, ""), "{recorded:?}");
        assert_eq!(replay(&s, &trace), recorded);
        std::fs::remove_dir_all(&trace).expect("the trace is there");
    }
    for (how, says) in [("gather", "gathered 2\n"), ("masked", "masked 0\n")] {
        let trace = s.path(how);
        let recorded = record(&s, &trace, &exe, &[how]);
        assert_eq!((recorded.status, recorded.stdout), (7, format!("flush to zero 0 0\n{says}")), "{}", recorded.stderr);
        assert!(recorded.stderr.contains("IT0614") && recorded.stderr.contains("vector instruction"), "{}", recorded.stderr);
        let again = replay(&s, &trace);
        assert_eq!((again.status, code(&again), &*again.stdout), (122, Some("IT0613"), "flush to zero 0 0\n"), "{again:?}");
    }
}

/// A function that a library put into a structure is called by a name only in code that is the library's, too: the message says so, and it is so.
#[test]
fn calls_through_pointers_of_a_library_end_the_recording() {
    let s = Scratch::new();
    s.write("table.h", "struct table { int (*twice)(int); };\nvoid fill(struct table *t);\nint twice_by(struct table *t, int n);\n");
    s.write("library.c", "#include \"table.h\"\nstatic int twice(int n) { return 2 * n; }\nvoid fill(struct table *t) { t->twice = twice; }\n");
    s.write("calls.c", "#include \"table.h\"\nint twice_by(struct table *t, int n) { return t->twice(n); }\n");
    let main = "#include <stdio.h>\n#include \"table.h\"\nint main(void) { struct table t = { 0 }; fill(&t); puts(\"before\"); printf(\"%d\\n\", CALL); return 0; }\n";
    s.write("main.c", main);
    for name in ["library.c", "calls.c"] {
        let mut c = s.command("itarget-cc");
        assert_eq!(run(c.args(["-O1", "-g", "-c", name]).env("ITARGET_CC_OFF", "1"), b"").expect("itarget-cc starts"), Outcome::default());
    }
    for (call, ends) in [("t.twice(21)", true), ("twice_by(&t, 21)", false)] {
        let define = format!("-DCALL={call}");
        let o = s.run("itarget-cc", &["-O1", "-g", &define, "main.c", "calls.o", "library.o", "-o", "program"]);
        assert_eq!(o.status, 0, "{o:?}");
        let trace = s.path(if ends { "ends" } else { "goes-on" });
        let recorded = record(&s, &trace, &s.path("program"), &[]);
        assert_eq!((recorded.status, recorded.stdout.as_str()), (0, "before\n42\n"), "{recorded:?}");
        assert_eq!(recorded.stderr.contains("IT0614") && recorded.stderr.contains("compiled with ITARGET_CC_OFF=1"), ends, "{recorded:?}");
        let again = replay(&s, &trace);
        if ends {
            stopped(&again, "before\n");
        } else {
            assert_eq!(again, recorded);
        }
    }
}

/// What a replay could not do the same way ends the recording by name.
#[test]
fn jumps_by_old_copies_and_threads_that_handlers_of_faults_start_end_the_recording() {
    for (name, target, says) in [("jumps-by-old-copies", "main:!keeps:!jumps", "by a copy of a buffer"), ("handler-starts-thread", "", "starts the first thread")] {
        let s = Scratch::new();
        let source = root().join(format!("tests/faults/{name}.c")).to_string_lossy().into_owned();
        let mut c = s.command("itarget-cc");
        let built = run(c.args(["-O2", "-g", "-pthread", &source, "-o", "app"]).env("ITARGET_CC_TARGET", target), b"").expect("itarget-cc starts");
        assert_eq!(built.status, 0, "{built:?}");
        let trace = s.path("trace");
        let recorded = record(&s, &trace, &s.path("app"), &[]);
        assert!(recorded.status == 0 && recorded.stdout.starts_with("before\n"), "{recorded:?}");
        assert!(recorded.stderr.contains("IT0614") && recorded.stderr.contains(says), "{recorded:?}");
        let again = replay(&s, &trace);
        assert_eq!((again.status, code(&again)), (122, Some("IT0613")), "{again:?}");
    }
}

/// The program may start threads itself, and so look at who calls it anyway, or not.
#[test]
fn what_a_thread_of_the_library_calls_ends_the_recording() {
    for threads in ["-UTHREADS", "-DTHREADS"] {
        let s = Scratch::new();
        let source = root().join("tests/faults/aio-calls-back.c").to_string_lossy().into_owned();
        let built = s.run("itarget-cc", &["-O2", "-g", "-w", "-pthread", threads, &source, "-o", "app"]);
        assert_eq!(built.status, 0, "{built:?}");
        let (exe, trace) = (s.path("app"), s.path("trace"));
        let recorded = record(&s, &trace, &exe, &[]);
        assert_eq!((recorded.status, recorded.stdout.starts_with("2 8 ")), (0, true), "{recorded:?}");
        assert!(recorded.stderr.contains("IT0614") && recorded.stderr.contains("a thread that a library started"), "{recorded:?}");
        let again = replay(&s, &trace);
        assert_eq!((again.status, code(&again)), (122, Some("IT0613")), "{again:?}");
    }
}

/// A loop that only a signal can end must not replay for ever.
#[test]
fn a_program_killed_while_it_waits_for_a_signal_replays_in_bounded_time() {
    let s = Scratch::new();
    let exe = s.build_noisily("tests/faults/ends.c", "min");
    let trace = s.path("trace");
    let mut c = s.command("sh");
    c.args(["-c", "timeout -s KILL 1 itarget \"$@\"", "sh", "record", "-o"]).arg(&trace).arg("--").arg(&exe).arg("wait");
    c.env("PATH", path_with_tools());
    run(&mut c, b"").expect("runs");
    let again = replay(&s, &trace);
    assert_eq!((again.status, code(&again)), (122, Some("IT0613")), "{again:?}");
    assert_eq!(again.stdout, "wait with time to spare: 1\n");
}

/// What tells servers to open their logs again and the like goes to the recorder, which is what a script started.
#[test]
fn signals_for_the_program_are_passed_on() {
    let s = Scratch::new();
    let exe = s.build_noisily("tests/faults/ends.c", "min");
    for signal in ["USR1", "USR2"] {
        let trace = s.path(signal);
        let mut c = s.command("sh");
        let script = "itarget \"$@\" & sleep 1; kill -$SIGNAL $!; wait $!";
        c.args(["-c", script, "sh", "record", "-o"]).arg(&trace).arg("--").arg(&exe).arg("wait");
        c.env("PATH", path_with_tools()).env("SIGNAL", signal);
        let recorded = run(&mut c, b"").expect("runs");
        // The program has a handler of USR1 and goes on; the other ends it.
        let status = if signal == "USR1" { 7 } else { 128 + 12 };
        assert_eq!(recorded.status, status, "{recorded:?}");
        let again = replay(&s, &trace);
        if signal == "USR1" {
            assert_eq!((again.status, &again.stdout), (7, &recorded.stdout), "{again:?}");
        }
    }
}

fn path_with_tools() -> String {
    format!("{}:{}", itarget_tests::tools().display(), std::env::var("PATH").unwrap_or_default())
}

const LINES: u64 = 3000;

/// What `steady` reads, and all that it prints.
fn steady(s: &Scratch) -> (PathBuf, PathBuf, String) {
    let exe = s.build("tests/faults/steady.c", "libc");
    let mut next = numbers(3);
    let input = s.write("input", (0..LINES * 1000).map(|_| next(256) as u8).collect::<Vec<_>>());
    let all = s.run(&exe.to_string_lossy(), &[&input.to_string_lossy(), LINES.to_string().as_str(), "0"]);
    assert_eq!((all.status, all.stdout.lines().count()), (5, LINES as usize));
    (exe, input, all.stdout)
}

/// Stream bytes before the first line and per line, from two whole recordings.
fn stream_law(s: &Scratch, exe: &Path, input: &Path) -> (u64, u64) {
    let size = |lines: u64| {
        let trace = s.path(&format!("law-{lines}"));
        let o = record(s, &trace, exe, &[&input.to_string_lossy(), &lines.to_string(), "1"]);
        assert_eq!(o.status, 5, "{o:?}");
        dump(s, &trace)["log"]["stream"].as_u64().expect("bytes")
    };
    let (one, two) = (size(100), size(200));
    assert_eq!((two - one) % 100, 0, "every line logs the same number of bytes");
    let each = (two - one) / 100;
    // What is logged behind the last line counts as before the first: at most a few bytes.
    (one - 100 * each, each)
}

#[test]
fn everything_up_to_a_sigkill_replays() {
    let s = Scratch::new();
    let (exe, input, all) = steady(&s);
    let (before, each) = stream_law(&s, &exe, &input);
    assert!(each >= 1000 && before < each, "{before} {each}");
    let mut next = numbers(11);
    let mut killed = 0;
    for moment in 0..10u64 {
        let trace = s.path(&format!("killed-{moment}"));
        let out = s.path("out");
        let mut c = s.command("itarget");
        c.args(["record", "--ring-kib", "64", "-o"]).arg(&trace).arg("--").arg(&exe).arg(&input);
        c.args([LINES.to_string().as_str(), "100"]);
        c.stdout(std::fs::File::create(&out).expect("file")).stderr(std::process::Stdio::null());
        let mut recorder = Recorder::start(&mut c);
        std::thread::sleep(Duration::from_millis(10 + moment * 40 + next(40)));
        // The program alone, or the recorder too (then the trace stays marked as incomplete).
        let program = recorder.program();
        let both = moment % 2 == 1;
        if both {
            recorder.kill();
        }
        killed += u64::from(program.as_ref().is_some_and(|p| kill(p)));
        recorder.ended();
        // The kernel is at it.
        until("it is gone", || (!program.as_ref().is_some_and(|p| alive(p))).then_some(()));
        let printed = std::fs::read_to_string(&out).expect("output");
        assert!(all.starts_with(&printed), "moment {moment}");
        check_killed(&s, &trace, &all, &printed, before, each, moment);
    }
    assert!(killed >= 5, "only {killed} of 10 were still running");
}

/// True while a process exists and is no zombie.
fn alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().next()).is_some_and(|state| state != "Z" && state != "X")
}

fn check_killed(s: &Scratch, trace: &Path, all: &str, printed: &str, before: u64, each: u64, moment: u64) {
    if !trace.join("log").exists() {
        assert_eq!(printed, "", "moment {moment}: killed before it began");
        return;
    }
    // With the live chunk, and as if that had been lost with the machine.
    let mut replayed = vec![];
    for live in [true, false] {
        if !live {
            let _ = std::fs::remove_file(trace.join("ring"));
        }
        if std::fs::metadata(trace.join("log")).expect("log").len() == 0 {
            return;
        }
        let o = replay(s, trace);
        if o.status == 5 {
            assert_eq!(o.stdout, all, "moment {moment}: it had ended");
            return;
        }
        assert_eq!((o.status, code(&o)), (122, Some("IT0613")), "moment {moment}: {o:?}");
        stopped(&o, all);
        // Whole lines, as many as have their bytes in the stream.
        let lines = o.stdout.lines().count() as u64;
        assert!(o.stdout.is_empty() || o.stdout.ends_with('\n'), "moment {moment}");
        let stream = dump(s, trace)["log"]["stream"].as_u64().expect("bytes");
        let known = stream.saturating_sub(before) / each;
        assert!(lines + 1 >= known && lines <= known + 1, "moment {moment}, live {live}: {lines} lines, {known} known");
        replayed.push(lines);
    }
    // What was seen from outside is in the log, but for the line that was just being written.
    let seen = printed.lines().count() as u64;
    assert!(replayed[0] + 1 >= seen, "moment {moment}: {seen} lines were printed, {} replayed", replayed[0]);
    assert!(replayed[1] <= replayed[0] && replayed[0] - replayed[1] <= 70, "moment {moment}: {replayed:?}");
}

/// A recording for which there is no more room: the program must not notice.
fn check_no_room(s: &Scratch, trace: &Path, o: &Outcome, all: &str) {
    assert_eq!((o.status, o.stdout.as_str()), (5, all), "{}", o.stderr);
    assert!(o.stderr.contains("IT0612") && o.stderr.contains("the program goes on"), "{o:?}");
    let said = s.run("itarget", &["dump".as_ref(), trace.as_os_str()]);
    assert!(said.stdout.contains("end         io-error"), "{}", said.stdout);
    let again = replay(s, trace);
    assert_eq!((again.status, code(&again)), (122, Some("IT0613")), "{again:?}");
    assert!(again.stderr.contains("could not be written"), "{again:?}");
    assert!(again.stdout.lines().count() > 100, "{again:?}");
    stopped(&again, all);
}

#[test]
fn a_file_size_limit_ends_the_recording_only() {
    let s = Scratch::new();
    let (exe, input, all) = steady(&s);
    let limited = |blocks: &str, trace: &Path| {
        let mut c = s.command("sh");
        // In units of 512 bytes.
        let script = format!("ulimit -f {blocks}; exec itarget \"$@\"");
        c.args(["-c", &script, "sh", "record", "--ring-kib", "64", "-o"]).arg(trace).arg("--").arg(&exe).arg(&input);
        c.args([LINES.to_string().as_str(), "0"]).env("PATH", path_with_tools());
        run(&mut c, b"").expect("sh runs")
    };
    for (i, blocks) in ["401", "777", "1500"].iter().enumerate() {
        let trace = s.path(&format!("limit-{i}"));
        let o = limited(blocks, &trace);
        check_no_room(&s, &trace, &o, &all);
    }
    // No room even for the live chunk: nothing is recorded.
    let trace = s.path("none");
    let o = limited("20", &trace);
    assert_eq!((o.status, o.stdout == all), (5, true), "{}", o.stderr);
    assert!(o.stderr.contains("IT0618") && o.stderr.contains("unrecorded"), "{o:?}");
    replay(&s, &trace).refused("IT0604");
}

#[test]
fn a_log_that_is_full_only_at_the_end_ends_the_recording_only() {
    let s = Scratch::new();
    let exe = s.build("tests/faults/late.c", "min");
    let mut c = s.command("sh");
    // 153,600 bytes: the log has 132,000 of 187,000 when the program ends.
    c.args(["-c", "ulimit -f 300; exec timeout 20 itarget \"$@\"", "sh", "record", "--ring-kib", "64", "-o"]).arg(s.path("t")).arg("--").arg(&exe);
    c.env("PATH", path_with_tools());
    let o = run(&mut c, b"").expect("sh runs");
    assert_eq!((o.status, o.stdout.as_str()), (7, "ends\n"), "{}", o.stderr);
    assert!(o.stderr.contains("IT0612"), "{}", o.stderr);
}

/// By a limit or a filter that it sets for itself: all that it did is in memory when the log turns out to be closed to it.
#[test]
fn a_program_that_takes_the_log_from_its_recording_ends_it_only() {
    let s = Scratch::new();
    let exe = s.build("tests/faults/forbids.c", "min");
    for how in ["limit", "filter"] {
        let plain = s.run(&exe.to_string_lossy(), &[how]);
        assert_eq!((plain.status, plain.stdout.as_str()), (6, "0 1\n"), "{plain:?}");
        for times in ["10", "20000"] {
            let trace = s.path(&format!("{how}-{times}"));
            let o = record(&s, &trace, &exe, &[how, times]);
            assert_eq!((o.status, &o.stdout), (6, &plain.stdout), "{o:?}");
            assert!(o.stderr.contains("IT0612"), "{o:?}");
            let again = replay(&s, &trace);
            assert_eq!((again.status, code(&again)), (122, Some("IT0613")), "{again:?}");
            assert!(again.stderr.contains("could not be written"), "{again:?}");
            // What was still in memory is replayed.
            assert_eq!(again.stdout, if times == "10" { o.stdout.as_str() } else { "" }, "{again:?}");
        }
    }
}

#[test]
fn a_full_disk_ends_the_recording_only() {
    let s = Scratch::new();
    let disk = s.path("disk");
    std::fs::create_dir(&disk).expect("directory");
    let mounted = s.run("mount", &["-t", "tmpfs", "-o", "size=300k", "tmpfs", &disk.to_string_lossy()]);
    if mounted.status != 0 {
        println!("skipped: no mount here: {}", mounted.stderr);
        return;
    }
    let result = std::panic::catch_unwind(|| {
        let (exe, input, all) = steady(&s);
        let lines = LINES.to_string();
        let args = [&*input.to_string_lossy(), &lines, "0"];
        let trace = disk.join("trace");
        let o = record(&s, &trace, &exe, &args);
        check_no_room(&s, &trace, &o, &all);
        // Now there is not even room for the next trace's live chunk.
        let next = disk.join("next");
        let o = record(&s, &next, &exe, &args);
        assert_eq!((o.status, o.stdout == all), (5, true), "{}", o.stderr);
        assert!(["IT0618", "IT0502"].iter().any(|c| o.stderr.contains(c)), "{o:?}");
    });
    let unmounted = s.run("umount", &[&disk]);
    assert_eq!(unmounted.status, 0, "{unmounted:?}");
    if let Err(e) = result {
        std::panic::resume_unwind(e);
    }
}

#[test]
fn a_directory_that_cannot_be_made_costs_only_the_trace() {
    let s = Scratch::new();
    let exe = s.build_noisily("tests/faults/ends.c", "min");
    let below = s.write("file", "").join("sub");
    let o = record(&s, &below, &exe, &["exit"]);
    assert_eq!((o.status, o.stdout.as_str()), (44, "exit with time to spare: 1\nhandler\n"));
    assert!(o.stderr.contains("IT0502") && o.stderr.contains("hint: ") && o.stderr.contains("unrecorded"), "{o:?}");
    // A directory in use is not overwritten.
    let used = s.path("used");
    std::fs::create_dir(&used).expect("directory");
    std::fs::write(used.join("thesis"), "years of work").expect("write");
    let o = record(&s, &used, &exe, &["exit"]);
    assert_eq!(o.status, 44);
    assert!(o.stderr.contains("IT0502"), "{o:?}");
    assert_eq!(used.read_dir().expect("directory").count(), 1);
    // The program started by hand with a directory that does not exist.
    let mut c = s.command(&exe);
    c.arg("exit").env("ITARGET_MODE", "record").env("ITARGET_TRACE", "/nonexistent/trace");
    let o = run(&mut c, b"").expect("runs");
    assert_eq!((o.status, o.stdout.as_str()), (44, "exit with time to spare: 1\nhandler\n"));
    assert!(o.stderr.contains("IT0618"), "{o:?}");
}

/// Faults come again at replay, and so do their handlers.
#[test]
fn handlers_of_faults_run_again() {
    let s = Scratch::new();
    let exe = s.build("tests/faults/handled.c", "min");
    let trace = s.path("trace");
    let run = super::record(&s, &trace, &exe, &[]);
    let expected = "0: 11 after 1\n1: 11 after 1\n2: 11 after 1\n3: 11 after 1\noverflow 11 1 1\n1 3 1\n";
    assert_eq!(run, Outcome { stdout: expected.into(), ..Outcome::default() });
    assert_eq!(super::replay(&s, &trace), run);
}

/// A mapping of a file in the place of the program's own memory: refused by name, and made.
#[test]
fn a_file_mapped_over_own_memory_ends_the_recording() {
    let s = Scratch::new();
    s.write("file", "of the file");
    s.write(
        "over.c",
        "#include <fcntl.h>\n#include <stdio.h>\n#include <sys/mman.h>\nint main(void) {\n  char *own = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);\n  own[5000] = 'y';\n  puts(\"before\");\n  char *over = mmap(own, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED, open(\"file\", O_RDONLY), 0);\n  printf(\"%d %.4s %c\\n\", over == own, own + 3, own[5000]);\n  return 0;\n}\n",
    );
    assert_eq!(s.run("itarget-cc", &["-O2", "-g", "over.c", "-o", "over"]).status, 0);
    let o = s.run("itarget", &["record", "-o", "trace", "--", "./over"]);
    assert_eq!((o.status, o.stdout.as_str()), (0, "before\n1 the  y\n"), "{o:?}");
    assert!(o.stderr.contains("IT0614") && o.stderr.contains("MAP_FIXED"), "{o:?}");
    let r = super::replay(&s, &s.path("trace"));
    assert!(r.stdout == "before\n" && r.stderr.contains("IT0613"), "{r:?}");
}

#[test]
fn signals_that_interrupt_each_other_replay_in_their_order() {
    let s = Scratch::new();
    let exe = s.build("tests/faults/burst.c", "min");
    for i in 0..5 {
        let trace = s.path(&format!("trace-{i}"));
        let recorded = record(&s, &trace, &exe, &[]);
        assert_eq!((recorded.status, recorded.stderr.as_str()), (0, ""), "{recorded:?}");
        assert_eq!(replay(&s, &trace), recorded);
    }
}

/// Nothing says which memory an atomic operation works on: where it is the library's, the recording ends by name.
#[test]
fn an_atomic_operation_on_memory_of_the_library_is_refused() {
    let s = Scratch::new();
    let exe = s.build_noisily("tests/faults/guarded.c", "min");
    for (args, refused) in [(&[][..], false), (&["there"][..], true)] {
        let plain = s.run(&exe.to_string_lossy(), args);
        let trace = s.path(if refused { "refused" } else { "recorded" });
        let recorded = record(&s, &trace, &exe, args);
        assert_eq!((recorded.status, &recorded.stdout), (0, &plain.stdout), "{recorded:?}");
        assert_eq!(recorded.stderr.contains("IT0614"), refused, "{recorded:?}");
        let again = replay(&s, &trace);
        assert_eq!((again.status, code(&again)), if refused { (122, Some("IT0613")) } else { (0, None) }, "{again:?}");
    }
}

/// A program that moves about in its output.
#[test]
fn stdout_that_leads_to_stderr_does_so_in_every_replay() {
    let s = Scratch::new();
    let exe = s.build("tests/processes/led-to-stderr.c", "min");
    let itarget = itarget_tests::tools().join("itarget");
    let (itarget, exe) = (itarget.display(), exe.display());
    let plain = s.run("sh", &["-c", &format!("exec {exe}")]);
    assert_eq!(s.run("sh", &["-c", &format!("exec {itarget} record -o trace -- {exe}")]), plain);
    for replay in [format!("{itarget} replay --no-sandbox trace"), format!("ulimit -n 60; {itarget} replay trace")] {
        assert_eq!(s.run("sh", &["-c", &replay]), plain, "{replay}");
    }
}

#[test]
fn a_stack_of_the_environment_ends_the_recording() {
    let s = Scratch::new();
    s.write(
        "app.c",
        "#include <signal.h>\n#include <stdlib.h>\n__attribute__((noinline)) static int inner(int s) { return s * 2; }\nstatic volatile int got;\n\
        static void handler(int s) { got = inner(s); }\nint main(void) { stack_t t = { .ss_sp = malloc(65536), .ss_size = 65536 }; sigaltstack(&t, NULL);\n\
        struct sigaction a = { .sa_handler = handler, .sa_flags = SA_ONSTACK }; sigaction(SIGUSR1, &a, NULL); raise(SIGUSR1); return got != 2 * SIGUSR1; }\n",
    );
    let mut c = s.command("itarget-cc");
    c.args(["-O1", "app.c", "-o", "app"]).env("ITARGET_CC_TARGET", "inner:!main:!handler");
    assert_eq!(run(&mut c, b"").expect("itarget-cc starts"), Outcome::default());
    let o = s.run("itarget", &["record", "-o", "trace", "--", "./app"]);
    assert!(o.status == 0 && o.stderr.contains("IT0614") && o.stderr.contains("on a stack that the environment allocated"), "{o:?}");
    let again = s.run("itarget", &["replay", "trace"]);
    assert_eq!((again.status, code(&again)), (122, Some("IT0613")), "{again:?}");
}

/// They are not there at replay, where `getopt` would find nothing and `optind` stay what it was.
#[test]
fn arguments_of_getopt_that_processes_share_end_the_recording() {
    let s = Scratch::new();
    s.write(
        "app.c",
        "#include <stdio.h>\n#include <sys/mman.h>\n#include <unistd.h>\nint main(void) { char **av = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);\n\
        av[0] = \"p\"; av[1] = \"-a\"; av[2] = \"rest\"; int c = getopt(3, av, \"a\"); printf(\"%c %d\\n\", c, optind); return 0; }\n",
    );
    assert_eq!(s.run("itarget-cc", &["-O1", "app.c", "-o", "app"]), Outcome::default());
    let o = s.run("itarget", &["record", "-o", "trace", "--", "./app"]);
    assert!(o.status == 0 && o.stdout == "a 2\n" && o.stderr.contains("IT0614"), "{o:?}");
    let again = s.run("itarget", &["replay", "trace"]);
    assert_eq!((again.status, code(&again)), (122, Some("IT0613")), "{again:?}");
}

#[test]
fn a_replay_into_a_file_makes_the_same_file() {
    let s = Scratch::new();
    let exe = s.build("tests/faults/seeks.c", "min");
    let itarget = itarget_tests::tools().join("itarget");
    let (itarget, exe) = (itarget.display(), exe.display());
    let script = format!("{exe} >plain && {itarget} record -o trace -- {exe} >recorded && {itarget} replay trace >replayed");
    let o = s.run("sh", &["-c", &script]);
    assert_eq!(o.status, 0, "{o:?}");
    let [plain, recorded, replayed] = ["plain", "recorded", "replayed"].map(|f| std::fs::read_to_string(s.path(f)).expect("made"));
    assert_eq!((plain.as_str(), &recorded, &replayed), ("Length 0033\nline 0\nline 1\nline 2\nenD\n", &plain, &plain));
}

/// A library that is no part of the program: it keeps a pointer, and calls `getenv`.
fn with_library(source: &str) -> (Scratch, PathBuf) {
    let s = Scratch::new();
    s.write("library.c", "#include <stdlib.h>\nvoid *kept;\nvoid keeps(void *p) { kept = p; }\nint asks(int (*f)(void)) { return (f ? f() : 0) + (getenv(\"HOME\") != 0); }\n\
        void (*release)(void *) = free;\nvoid release_by(void (*f)(void *)) { release = f; }\nvoid *block(void) { return calloc(1, 8); }\nvoid release_otherwise(void) { release = keeps; }\n\
        struct given { int a, b; const char *text; void *data; };\nint each(int (*f)(struct given *, int), void *data, int n) { int r = 0;\n\
        for (int i = 0; i < n; i++) { char t[3] = { (char)('a' + i), 'x', 0 }; struct given g = { i * n, i + 7, t, data }; r += f(&g, i) + g.b; } return r; }\n\
        static void (*last)(void);\nstatic void bye(void) { last(); last(); }\nvoid at_exit(void (*f)(void)) { last = f; atexit(bye); }\n");
    s.write("app.c", source);
    assert_eq!(s.run("clang-19", &["-shared", "-fPIC", "library.c", "-o", "libapart.so"]), Outcome::default());
    let here = s.path("").to_string_lossy().into_owned();
    assert_eq!(s.run("itarget-cc", &["-O1", "-w", "app.c", "-o", "app", "-L.", "-lapart", &format!("-Wl,-rpath,{here}")]), Outcome::default());
    let exe = s.path("app");
    (s, exe)
}

/// What a library hands to a callback lies in its own frames, beside those of the program's, and goes where memory of the program's goes, too.
#[test]
fn what_lies_in_frames_of_a_library_is_logged() {
    let (s, exe) = with_library(
        "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n\
         struct given { int a, b; const char *text; void *data; };\nint each(int (*f)(struct given *, int), void *data, int n);\n\
         static long sum, kept;\nstatic int look(const struct given *g) { return g->a * 3 + g->b + (int)strlen(g->text); }\n\
         static int back(struct given *g, int i) { printf(\"%s %d\\n\", g->text, look(g)); g->b += 100; kept = kept * 3 + look(g); *(long *)g->data += g->a; return look(g) + i; }\n\
         int main(void) { struct given mine = { 1, 2, \"mine\", &sum }; int r = look(&mine); struct given *h = malloc(sizeof *h); *h = mine; h->a = 9; r += look(h);\n\
         r += each(back, &sum, 4); printf(\"%d %ld %ld\\n\", r, sum, kept); free(h); return 0; }\n",
    );
    let trace = s.path("trace");
    let run = record(&s, &trace, &exe, &[]);
    assert!(run.status == 0 && run.stdout.starts_with("ax 9\nbx 22\n") && run.stderr.is_empty(), "{run:?}");
    assert_eq!(replay(&s, &trace), run);
}

#[test]
fn a_jump_by_a_buffer_that_a_library_may_look_at_goes_where_it_went() {
    let source = std::fs::read_to_string(itarget_tests::root().join("tests/faults/jumps.c")).expect("there");
    let (s, exe) = with_library(&source);
    let trace = s.path("trace");
    let run = record(&s, &trace, &exe, &[]);
    assert_eq!((run.status, run.stdout.as_str(), run.stderr.as_str()), (0, "the outer one, 7 1\n", ""));
    assert_eq!(replay(&s, &trace), run);
}

/// The program's own `getenv`, which the library calls in place of the C library's: also after it called back.
#[test]
fn a_function_that_a_library_calls_by_its_name_ends_the_recording() {
    for (back, printed) in [("0", "x\n1 2\n"), ("back", "x\nback\n2 2\n")] {
        let (s, exe) = with_library(&format!(
            "#include <stdio.h>\nint asks(int (*f)(void));\nstatic int calls;\nchar *getenv(const char *name) {{ calls++; return (char *)name; }}\nstatic int back(void) {{ puts(\"back\"); return 1; }}\nint main(void) {{ printf(\"%s\\n\", getenv(\"x\")); fflush(stdout); int r = asks({back}); printf(\"%d %d\\n\", r, calls); return 0; }}\n"
        ));
        let trace = s.path("trace");
        let run = record(&s, &trace, &exe, &[]);
        assert!(run.status == 0 && run.stdout == printed && run.stderr.contains("has the name of one of the C library's"), "{run:?}");
        let again = replay(&s, &trace);
        assert!(again.status == 122 && code(&again) == Some("IT0613"), "{again:?}");
        stopped(&again, &run.stdout);
    }
}

/// Blocks of a library are freed through a pointer of its, as libxml2's are (`xmlFree`), whoever the function behind it is.
#[test]
fn blocks_of_a_library_are_freed_through_its_pointer() {
    for set in ["", "if (argc > 9) release_by(own);", "release_by(own);"] {
        let source = format!(
            "#include <stdio.h>\n#include <stdlib.h>\nextern void (*release)(void *);\nvoid release_by(void (*)(void *));\nvoid *block(void);\n\
             static int count;\nstatic void own(void *p) {{ count++; free(p); }}\n\
             int main(int argc, char **argv) {{\n  {set}\n  void *p = block();\n  printf(\"%d\\n\", *(char *)p + argc);\n  release(p);\n\
             printf(\"%d\\n\", count);\n  return own == NULL || !argv;\n}}\n"
        );
        let (s, exe) = with_library(&source);
        let trace = s.path("trace");
        let run = s.run("itarget", &["record".as_ref(), "--digest".as_ref(), "-o".as_ref(), trace.as_os_str(), exe.as_os_str()]);
        let count = usize::from(set.starts_with("release"));
        assert_eq!(run, Outcome { stdout: format!("1\n{count}\n"), ..Outcome::default() }, "{set}");
        assert_eq!(replay(&s, &trace), run, "{set}");
    }
}

/// A program with rights of its own (set-user-ID) writes no trace where who starts it says.
#[test]
fn a_program_with_rights_of_its_own_runs_unrecorded() {
    use std::os::unix::fs::{PermissionsExt, chown};
    let s = Scratch::new();
    s.write("own.c", "#include <stdio.h>\n#include <sys/auxv.h>\nint main(void) {\n  printf(\"%lu\\n\", getauxval(AT_SECURE));\n  return 0;\n}\n");
    assert_eq!(s.run("itarget-cc", &["-O2", "own.c", "-o", "own"]).status, 0);
    let exe = s.path("own");
    // Only root may give it to somebody else, and not everywhere do such rights count.
    if chown(&exe, Some(65534), None).is_err() {
        return;
    }
    std::fs::create_dir(s.path("trace")).expect("directory");
    for (path, mode) in [(exe, 0o4755), (s.path(""), 0o755), (s.path("trace"), 0o777)] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("mode");
    }
    let o = s.run::<&str>("./own", &[]);
    if o.stdout != "1\n" {
        return;
    }
    let o = s.run("itarget", &["record", "-o", "trace", "--", "./own"]);
    assert_eq!((o.status, o.stdout.as_str()), (0, "1\n"), "{o:?}");
    assert!(o.stderr.starts_with("itarget: nothing was recorded") && !s.path("trace/log").exists(), "{o:?}");
    s.run("itarget", &["replay", "trace"]).refused("IT0604");
}

/// A library's own handler calls the program at exit: that is part of the recording, however exit was called.
#[test]
fn what_a_library_calls_at_exit_is_recorded() {
    let source = r#"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
void at_exit(void (*)(void));
static int rounds, again;
static char *text;
static void own(void) { printf("own %d\n", rounds); text = malloc(32); }
static void last(void) {
  snprintf(text, 32, "round %d of %s", ++rounds, getpid() > 0 ? "one" : "none");
  printf("%s\n", text);
  fflush(stdout);
  if (again) exit(9);
}
int main(int argc, char **argv) {
  again = argc > 2;
  at_exit(last);
  atexit(own);
  printf("main\n");
  if (argc > 1) exit(argc);
  return argc + (argv == NULL);
}
"#;
    for (args, said, status) in [
        (&[][..], "main\nown 0\nround 1 of one\nround 2 of one\n", 1),
        (&["one"][..], "main\nown 0\nround 1 of one\nround 2 of one\n", 2),
        (&["one", "two"][..], "main\nown 0\nround 1 of one\n", 9),
    ] {
        let (s, exe) = with_library(source);
        let (trace, exe) = (s.path("trace").display().to_string(), exe.display().to_string());
        let run = s.run("itarget", &[&["record", "--digest", "-o", &trace, "--", &exe], args].concat());
        assert_eq!(run, Outcome { status, stdout: said.into(), ..Outcome::default() });
        assert_eq!(replay(&s, s.path("trace").as_path()), run);
    }
}

/// Anything but `free` behind such a pointer ends the recording.
#[test]
fn other_functions_behind_a_pointer_of_a_library_end_the_recording() {
    let (s, exe) = with_library(
        "#include <stdio.h>\nextern void (*release)(void *);\nvoid release_otherwise(void);\nvoid *block(void);\n\
         int main(void) {\n  release_otherwise();\n  puts(\"before\");\n  release(block());\n  puts(\"after\");\n  return 0;\n}\n",
    );
    let trace = s.path("trace");
    let run = record(&s, &trace, &exe, &[]);
    assert_eq!((run.status, run.stdout.as_str(), code(&run)), (0, "before\nafter\n", Some("IT0614")), "{run:?}");
    let again = replay(&s, &trace);
    assert_eq!((again.status, again.stdout.as_str(), code(&again)), (122, "before\n", Some("IT0613")), "{again:?}");
}
