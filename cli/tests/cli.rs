//! The commands as a user meets them, without an instrumented program: a hand-made executable
//! with a plan section stands in for one.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

fn itarget(home: &Path) -> Command {
    let mut c = Command::new(env!("CARGO_BIN_EXE_itarget"));
    for (name, _) in std::env::vars_os().filter(|(n, _)| n.to_string_lossy().starts_with("ITARGET_")) {
        c.env_remove(name);
    }
    c.env("XDG_DATA_HOME", home).env("XDG_CACHE_HOME", home).env("HOME", home).current_dir(home);
    c
}

fn text(b: &[u8]) -> String {
    String::from_utf8_lossy(b).into_owned()
}

fn run(home: &Path, args: &[&str]) -> (i32, String, String) {
    let o: Output = itarget(home).args(args).output().expect("itarget runs");
    (o.status.code().unwrap_or(-1), text(&o.stdout), text(&o.stderr))
}

fn home() -> tempfile::TempDir {
    tempfile::tempdir().expect("directory")
}

/// An ordinary program (of `cc`) that has a plan section.
fn fake(home: &Path, body: &str) -> std::path::PathBuf {
    let (source, plan, exe) = (home.join("f.c"), home.join("plan"), home.join("fake"));
    std::fs::write(&plan, r#"{"format":2,"module":"00","cut":"min","sites":[]}"#).expect("write");
    let asm = format!("__asm__(\".pushsection .itarget.plan,\\\"\\\",@progbits\\n.incbin \\\"{}\\\"\\n.popsection\");", plan.display());
    std::fs::write(&source, format!("#include <stdlib.h>\n#include <stdio.h>\n#include <signal.h>\n{asm}\nint main(int c, char **v) {{ {body} }}\n"))
        .expect("write");
    let ok = Command::new("cc").arg(&source).arg("-o").arg(&exe).status().expect("cc runs").success();
    assert!(ok);
    exe
}

#[test]
fn help_lists_the_commands() {
    let home = home();
    let (status, out, _) = run(home.path(), &["--help"]);
    assert_eq!(status, 0);
    for c in ["record", "replay", "debug", "dump", "ls", "rm", "profile", "relink", "annotations", "analyze", "explain-code", "cc"] {
        assert!(out.contains(&format!("  {c} ")), "{c} in {out}");
    }
}

#[test]
fn usage_errors_exit_2_and_expected_ones_120() {
    let home = home();
    assert_eq!(run(home.path(), &["record"]).0, 2);
    assert_eq!(run(home.path(), &["no-such-command"]).0, 2);
    let cases: &[(&[&str], &str)] = &[
        (&["record", "--", "/bin/sh"], "IT0501"),
        (&["record", "--", "./no-such-program"], "IT0504"),
        (&["replay"], "IT0605"),
        (&["replay", "/"], "IT0604"),
        (&["dump", "no-such-trace"], "IT0604"),
        (&["rm", "/"], "IT0604"),
        (&["explain-code", "IT9999"], "IT0001"),
        (&["relink", "/bin/sh"], "IT0501"),
        (&["annotations", "check", "none.toml"], "IT0303"),
    ];
    for (args, code) in cases {
        let (status, out, err) = run(home.path(), args);
        assert_eq!((status, out.as_str()), (120, ""), "{args:?} {err}");
        assert!(err.starts_with(&format!("itarget: error [{code}]: ")), "{args:?}: {err}");
    }
}

#[test]
fn explain_code_knows_its_codes() {
    let home = home();
    let (status, out, _) = run(home.path(), &["explain-code", "it0603"]);
    assert_eq!(status, 0);
    assert!(out.starts_with("IT0603: The trace was recorded by another binary\n\n"), "{out}");
}

#[test]
fn record_passes_the_program_through_and_keeps_a_trace() {
    let home = home();
    let exe = fake(
        home.path(),
        "printf(\"%s %s %s %s\\n\", v[1], getenv(\"ITARGET_MODE\"), getenv(\"ITARGET_OPTIONS\"), getenv(\"ITARGET_TRACE\")); return 7;",
    );
    let exe = exe.to_str().expect("UTF-8");
    let (status, out, err) = run(home.path(), &["record", "--digest", "--check=full", "--ring-kib", "64", "--", exe, "--arg"]);
    let trace = home.path().join("itarget/fake-0");
    // It has no runtime.
    assert!(status == 7 && err.starts_with("itarget: nothing was recorded"), "{err}");
    assert_eq!(out, format!("--arg record digest=1:full=1:ring_kib=64 {}\n", trace.display()));
    assert!(!trace.join("incomplete").exists());
    let meta: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(trace.join("meta.json")).expect("meta")).expect("JSON");
    assert_eq!((&meta["exe"], &meta["end"]["status"]), (&serde_json::json!(exe), &serde_json::json!(7)));
    let (_, _, _) = run(home.path(), &["record", "--", exe, "x"]);
    assert!(home.path().join("itarget/fake-1").is_dir());
    let latest = home.path().join("itarget/latest-trace").canonicalize().expect("link");
    assert_eq!(latest, home.path().join("itarget/fake-1").canonicalize().expect("trace"));
    let (_, out, _) = run(home.path(), &["ls"]);
    assert_eq!(out.lines().count(), 2, "{out}");
    assert!(out.contains("status 7"), "{out}");
    // This program has no runtime, so it left no log.
    let (status, _, err) = run(home.path(), &["replay"]);
    assert!(status == 120 && err.contains("IT0604"), "{err}");
    assert_eq!(run(home.path(), &["rm", "--all"]).0, 0);
    assert_eq!(run(home.path(), &["ls"]).1, "");
}

#[test]
fn a_program_without_a_trace_directory_runs_unrecorded() {
    let home = home();
    let exe = fake(home.path(), "printf(\"%s\\n\", getenv(\"ITARGET_MODE\") ? \"bad\" : \"plain\"); return 3;");
    let file = home.path().join("plan/sub");
    let (status, out, err) =
        run(home.path(), &["record", "-o", file.to_str().expect("UTF-8"), "--", exe.to_str().expect("UTF-8")]);
    assert_eq!((status, out.as_str()), (3, "plain\n"));
    assert!(err.contains("IT0502"), "{err}");
}

#[test]
fn record_dies_of_the_signal_the_program_died_of() {
    use std::os::unix::process::ExitStatusExt;
    let home = home();
    let exe = fake(home.path(), "raise(SIGSEGV); return 0;");
    let o = itarget(home.path()).args(["record", "--"]).arg(&exe).output().expect("runs");
    assert_eq!(o.status.signal(), Some(11));
    let meta = std::fs::read_to_string(home.path().join("itarget/fake-0/meta.json")).expect("meta");
    assert!(meta.contains("\"signal\": 11"), "{meta}");
}

#[test]
fn signals_reach_the_program() {
    use std::io::{BufRead, BufReader};
    let home = home();
    let exe = fake(home.path(), "puts(\"up\"); fflush(stdout); getchar(); return 0;");
    let mut child = itarget(home.path())
        .args(["record", "--"])
        .arg(&exe)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("runs");
    // Waiting would close it, and the program would end by itself.
    let stdin = child.stdin.take();
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("stdout")).read_line(&mut line).expect("line");
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill").success());
    use std::os::unix::process::ExitStatusExt;
    assert_eq!(child.wait().expect("wait").signal(), Some(15));
    drop(stdin);
    let meta = std::fs::read_to_string(home.path().join("itarget/fake-0/meta.json")).expect("meta");
    assert!(meta.contains("\"signal\": 15"), "{meta}");
}

#[test]
fn the_other_names() {
    let home = home();
    assert_eq!(run(home.path(), &["self-links", "."]).0, 0);
    for name in ["itarget-cc", "itarget-c++"] {
        let o = Command::new(home.path().join(name)).arg("-dumpmachine").output().expect("runs");
        assert!(o.status.success() && text(&o.stdout).contains("linux"), "{name}: {o:?}");
        assert!(o.stderr.is_empty());
    }
    let o = Command::new(home.path().join("itarget-cc")).output().expect("runs");
    assert!(!o.status.success() && text(&o.stderr).contains("no input files"));
    let o = Command::new(home.path().join("itarget-cc")).env("ITARGET_CC_OF", "1").output().expect("runs");
    assert!(text(&o.stderr).contains("IT0203") && text(&o.stderr).contains("ITARGET_CC_OFF"), "{o:?}");
    let o = Command::new(home.path().join("itarget-cc"))
        .args(["-v"])
        .env("ITARGET_CC_CLANG", "/no/such/clang")
        .output()
        .expect("runs");
    assert!(o.status.code() == Some(120) && text(&o.stderr).contains("IT0202"), "{o:?}");
    let o = Command::new(home.path().join("itarget-llvm-ar")).arg("--version").output().expect("runs");
    assert!(text(&o.stdout).contains("LLVM version 19"), "{o:?}");
}

#[test]
fn wrapper_without_its_files_names_them() {
    let home = home();
    let alone = home.path().join("bin/itarget-cc");
    std::fs::create_dir(home.path().join("bin")).expect("directory");
    std::fs::copy(env!("CARGO_BIN_EXE_itarget"), &alone).expect("copy");
    std::fs::set_permissions(&alone, std::fs::Permissions::from_mode(0o755)).expect("mode");
    std::fs::write(home.path().join("a.c"), "int main(void) { return 0; }").expect("write");
    let o = Command::new(&alone).args(["-c", "a.c"]).current_dir(home.path()).output().expect("runs");
    assert!(o.status.code() == Some(120) && text(&o.stderr).contains("IT0201"), "{o:?}");
    // What needs nothing of ours works.
    let o = Command::new(&alone).args(["-E", "a.c"]).current_dir(home.path()).output().expect("runs");
    assert!(o.status.success(), "{o:?}");
}
