//! Every program in tests/replay: built plain and with itarget-cc, run, recorded with both cuts'
//! default, replayed with the sandbox on. Output and status must agree, the log must be consumed. So must those of a run that is profiled.
//! On failure the trace is kept and the command to replay it is printed.

use itarget_tests::{Directives, Outcome, known_failures, root, run, tools};
use libtest_mimic::{Arguments, Failed, Trial};
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    let args = Arguments::from_args();
    let mut programs: Vec<PathBuf> = std::fs::read_dir(root().join("tests/replay"))
        .map(|d| d.flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "c")).collect())
        .unwrap_or_default();
    programs.sort();
    let mut trials = vec![];
    for program in programs {
        for cut in ["min", "libc"] {
            let name = format!("{}/{cut}", program.file_stem().unwrap_or_default().to_string_lossy());
            let program = program.clone();
            let known = known_failures().contains(&name);
            trials.push(Trial::test(name, move || check(&program, cut)).with_ignored_flag(known));
        }
    }
    libtest_mimic::run(&args, trials).exit();
}

fn check(program: &Path, cut: &str) -> Result<(), Failed> {
    let source = std::fs::read_to_string(program)?;
    let directives = Directives::parse(&source)?;
    for (i, level) in directives.levels.iter().enumerate() {
        let dir = tempfile::tempdir()?;
        if let Err(e) = check_in(dir.path(), program, &directives, (cut, i == 0), level) {
            let kept = dir.keep();
            return Err(format!(
                "{level}: {e}\nkept: {}\nreplay: {} replay {}",
                kept.display(),
                tools().join("itarget").display(),
                kept.join("trace").display()
            )
            .into());
        }
    }
    Ok(())
}

/// `cut`: the kind, and whether the program is profiled, too, where that is `min`.
fn check_in(dir: &Path, program: &Path, d: &Directives, (cut, profiled): (&str, bool), level: &str) -> Result<(), String> {
    let text = |e: std::io::Error| e.to_string();
    let compile = |compiler: &Path, out: &Path| -> Result<(), String> {
        let mut c = Command::new(compiler);
        c.args([level, "-g", "-w"]).arg(program).args(&d.libs).arg("-o").arg(out).env("ITARGET_CC_CUT", cut);
        let o = run(&mut c, b"").map_err(text)?;
        if o.status != 0 || !o.stderr.is_empty() {
            return Err(format!("{} said (status {}): {}", compiler.display(), o.status, o.stderr));
        }
        Ok(())
    };
    let (plain, app, trace, json) =
        (dir.join("plain"), dir.join("app"), dir.join("trace"), dir.join("status.json"));
    compile(Path::new("clang-19"), &plain)?;
    compile(&tools().join("itarget-cc"), &app)?;
    let go = |exe: &Path, before: &[&str]| -> Result<Outcome, String> {
        let mut c = match before.first() {
            None => Command::new(exe),
            Some(first) => {
                let mut c = Command::new(first);
                c.args(&before[1..]).arg(exe);
                c
            }
        };
        c.args(&d.args).envs(d.env.iter().map(|(a, b)| (a, b))).current_dir(dir).env("LC_ALL", "C");
        run(&mut c, d.stdin.as_bytes()).map_err(text)
    };
    let expected = go(&plain, &[])?;
    if expected.status != d.status {
        return Err(format!("the plain program ends with {expected:?}"));
    }
    let same = |what: &str, got: &Outcome| -> Result<(), String> {
        if got.status == expected.status && got.stdout == expected.stdout && got.stderr == expected.stderr {
            Ok(())
        } else {
            Err(format!("{what} differs\nexpected {expected:?}\n     got {got:?}"))
        }
    };
    same("the instrumented program, not recording,", &go(&app, &[])?)?;
    let itarget = tools().join("itarget").to_string_lossy().into_owned();
    let trace_text = trace.to_string_lossy().into_owned();
    let record = [itarget.as_str(), "record", "--digest", "-o", &trace_text, "--"];
    same("the recorded run", &go(&app, &record)?)?;
    let mut replay = Command::new(&itarget);
    replay.arg("replay").arg(&trace).arg("--json-status").arg(&json).env_clear().current_dir("/");
    same("the replay", &run(&mut replay, b"").map_err(text)?)?;
    let status: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&json).map_err(text)?).map_err(|e| e.to_string())?;
    let crashed = d.status > 128;
    if !crashed && status["log_consumed"] != true {
        return Err(format!("the log was not wholly used: {status}"));
    }
    if status["environment_calls"] != 0 {
        return Err(format!("the replay called the environment: {status}"));
    }
    if profiled && cut == "min" && !crashed {
        let counts = dir.join("counts").to_string_lossy().into_owned();
        let mut got = go(&app, &[itarget.as_str(), "profile", "-o", &counts, "--"])?;
        // It says that it links.
        got.stderr = got.stderr.lines().filter(|l| !l.starts_with("itarget: linking ")).map(|l| format!("{l}\n")).collect();
        same("the profiled run", &got)?;
    }
    let digests = |which: &str| status["digests"][which].as_u64().unwrap_or(0);
    if digests("mismatched") != 0 || d.r3 && digests("checked") == 0 {
        return Err(format!("digests: {status}"));
    }
    if let Some(limit) = d.log_below.filter(|_| cut == "min") {
        let size = std::fs::metadata(trace.join("log")).map_err(text)?.len();
        if size >= limit {
            return Err(format!("the log has {size} bytes, expected below {limit}"));
        }
    }
    Ok(())
}
