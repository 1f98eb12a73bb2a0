//! The face of the commands: help texts, typical errors, listings of a small trace, as snapshots.
//! `INSTA_UPDATE=always cargo test -p itarget-tests --test cli` writes them anew; review the
//! difference like any other.

use itarget_tests::{Scratch, root, run};
use std::process::Command;

/// Runs a command line of ours (no quoting needed here) in a bare environment and shows it as a
/// session.
fn session(s: &Scratch, lines: &[&str]) -> String {
    let mut all = String::new();
    for line in lines {
        let mut words = line.split_whitespace();
        let mut c = bare(s, words.next().unwrap_or_default());
        if !line.starts_with("itarget record") {
            // The traces of the user who runs the tests are none of ours.
            c.env("XDG_DATA_HOME", s.path("data"));
        }
        let o = run(c.args(words), b"").expect("starts");
        all += &format!("$ {line}\n{}{}", o.stdout, o.stderr);
        if o.status != 0 {
            all += &format!("(status {})\n", o.status);
        }
        all.push('\n');
    }
    redact(s, &all)
}

/// A command whose environment is always the same, so that a trace has always the same size.
fn bare(s: &Scratch, program: &str) -> Command {
    let mut c = s.command(program);
    c.env_clear().env("PATH", "/usr/bin:/bin");
    c
}

/// The same with a directory for traces, which makes the environment of a program longer or shorter.
fn with_home(s: &Scratch, line: &str) -> String {
    let mut words = line.split_whitespace();
    let mut c = bare(s, words.next().unwrap_or_default());
    let o = run(c.args(words).env("XDG_DATA_HOME", s.path("data")), b"").expect("starts");
    redact(s, &format!("$ {line}\n{}{}\n", o.stdout, o.stderr))
}

/// Takes out what differs from run to run: the scratch directory, hashes, sizes that depend on it.
fn redact(s: &Scratch, text: &str) -> String {
    let text = text.replace(&*s.path("").to_string_lossy(), "[DIR]/").replace(s.path("").to_string_lossy().trim_end_matches('/'), "[DIR]");
    let mut out = String::new();
    for line in text.lines() {
        let mut line = line.to_string();
        for (at, _) in line.clone().match_indices('"').rev().chain(line.clone().match_indices(' ').rev()) {
            let hex = line[at + 1..].bytes().take_while(|b| b.is_ascii_hexdigit()).count();
            if hex == 64 {
                line.replace_range(at + 1..at + 65, "[HASH]");
            }
        }
        // Of the day, of the system, of the user's limits.
        for key in ["\"started\": ", "\"libc\": ", "\"stack\": ", "\"pid\": "] {
            if let Some((before, rest)) = line.split_once(key) {
                let comma = if rest.ends_with(',') { "," } else { "" };
                line = format!("{before}{key}[N]{comma}");
            }
        }
        if let Some((before, after)) = line.split_once(" bytes  status ") {
            let digits = before.rfind(' ').map_or(0, |at| at + 1);
            line = format!("{}[N] bytes  status {after}", &before[..digits]);
        }
        out += &line;
        out.push('\n');
    }
    out
}

fn check(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(root().join("tests/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn help() {
    let s = Scratch::new();
    check("help", &session(&s, &["itarget --help", "itarget --version"]));
    for command in
        ["record", "replay", "debug", "dump", "ls", "rm", "profile", "ps", "pack", "relink", "tune", "compare", "check-annotations", "annotations", "analyze", "explain", "diff", "graph", "explain-code"]
    {
        check(&format!("help-{command}"), &session(&s, &[&format!("itarget {command} --help")]));
    }
    check("help-annotations-check", &session(&s, &["itarget annotations check --help"]));
}

#[test]
fn typical_errors() {
    let s = Scratch::new();
    s.write("text.c", "int x;\n");
    s.write("my.toml", "[[function]]\nnames = [\"f\"]\nkind = \"env\"\nret = \"int\"\nwrites = [{ arg = 0, len = \"lots\" }]\n");
    std::fs::create_dir(s.path("empty")).expect("directory");
    check(
        "errors",
        &session(
            &s,
            &[
                "itarget",
                "itarget recrod",
                "itarget record",
                "itarget record --bogus -- ./app",
                "itarget record --ring-kib 1 -- ./app",
                "itarget record -- /bin/true",
                "itarget record -- ./app",
                "itarget replay",
                "itarget replay empty",
                "itarget replay --until-damaged",
                "itarget dump none",
                "itarget rm",
                "itarget rm empty",
                "itarget debug",
                "itarget profile -- /bin/true",
                "itarget relink /bin/true",
                "itarget analyze text.c",
                "itarget analyze none.bc",
                "itarget analyze /bin/true",
                "itarget annotations check my.toml",
                "itarget annotations check none.toml",
                "itarget explain-code IT9999",
                "itarget explain-code IT0603",
            ],
        ),
    );
}

#[test]
fn listings_of_a_small_trace() {
    let s = Scratch::new();
    std::fs::copy(root().join("tests/readme/app.c"), s.path("app.c")).expect("copy");
    let mut c = s.command("itarget-cc");
    c.args(["-O2", "-g", "app.c", "-o", "app"]).env("ITARGET_CC_CUT", "libc");
    assert_eq!(run(&mut c, b"").expect("itarget-cc starts").status, 0);
    let mut text = String::new();
    for line in ["itarget ls", "itarget record -- ./app one", "itarget record -- ./app two", "itarget ls", "itarget replay"] {
        text += &with_home(&s, line);
    }
    for line in [format!("itarget rm {}", s.path("data/itarget/app-0").display()), "itarget ls".into()] {
        text += &with_home(&s, &line);
    }
    check("traces", &text);
    check(
        "dump",
        &session(
            &s,
            &[
                "itarget record -o one -- ./app one",
                "itarget dump one",
                "itarget dump --json one",
                "itarget record --check=full --digest -o two -- ./app two",
                "itarget dump two",
                "itarget rm two",
                "itarget dump two",
            ],
        ),
    );
    // A trace that was cut off, and one that is damaged.
    let mut log = std::fs::read(s.path("one/log")).expect("log");
    s.write("one/log", &log[..log.len() - 20]);
    let cut = session(&s, &["itarget dump one", "itarget replay one"]);
    // In what comes before the END chunk, of 112 bytes.
    let middle = log.len() - 114;
    log[middle] ^= 4;
    s.write("one/log", &log);
    let damaged = session(&s, &["itarget dump one", "itarget replay one", "itarget replay --until-damage one"]);
    check("damaged", &(cut + &damaged));
}
