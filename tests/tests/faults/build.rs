//! What can go wrong at build: inputs of the analysis, plans, parts of different builds.

use super::{numbers, spread};
use itarget_tests::{Outcome, Scratch, root, run, tools};
use std::path::{Path, PathBuf};

fn source(name: &str) -> PathBuf {
    root().join("tests/faults").join(name)
}

/// Bitcode of a source, as the pass gets it.
fn bitcode(s: &Scratch, name: &str) -> PathBuf {
    let out = s.path(&format!("{name}.bc"));
    let o = s.run(
        "clang-19",
        &["-O0", "-Xclang", "-disable-O0-optnone", "-g", "-c", "-emit-llvm", &source(name).to_string_lossy(), "-o", &out.to_string_lossy()],
    );
    assert_eq!(o, Outcome::default());
    out
}

fn analyze(s: &Scratch, file: &Path) -> Outcome {
    s.run("itarget", &["analyze".as_ref(), file.as_os_str()])
}

#[test]
fn analyze_refuses_what_is_no_bitcode() {
    let s = Scratch::new();
    let native = s.path("native.o");
    let o = s.run("clang-19", &["-c", &source("chat.c").to_string_lossy(), "-o", &native.to_string_lossy()]);
    assert_eq!(o.status, 0);
    let mut next = numbers(5);
    let noise: Vec<u8> = (0..5000).map(|_| next(256) as u8).collect();
    for (what, path, code) in [
        ("text", source("chat.c"), "IT0101"),
        ("nothing", s.write("empty", ""), "IT0101"),
        ("noise", s.write("noise", &noise), "IT0101"),
        ("the magic number alone", s.write("magic.bc", b"BC\xc0\xde"), "IT0102"),
        ("noise after the magic number", s.write("noise.bc", [b"BC\xc0\xde".as_slice(), &noise].concat()), "IT0102"),
        ("an object of another compiler", native, "IT0104"),
        ("an executable of another compiler", "/bin/true".into(), "IT0104"),
        ("an archive cut off", s.write("cut.a", b"!<arch>\nfoo.o/          0  "), "IT0102"),
        ("a directory", s.path("."), "IT0105"),
        ("no file", s.path("none.bc"), "IT0105"),
    ] {
        let o = analyze(&s, &path);
        assert!(o.stderr.contains(code), "{what}: {o:?}");
        o.refused(code);
    }
}

#[test]
fn analyze_refuses_bitcode_cut_off_anywhere() {
    let s = Scratch::new();
    let whole = std::fs::read(bitcode(&s, "steady.c")).expect("bitcode");
    for n in spread(whole.len() as u64, 60) {
        let n = usize::try_from(n).expect("small");
        let o = analyze(&s, &s.write("cut.bc", &whole[..n]));
        let code = if n < 4 { "IT0101" } else { "IT0102" };
        // What is cut off behind the last block that counts may be missed by nobody.
        if o.status != 0 || n + 8 < whole.len() {
            assert_eq!(o.status, 120, "cut at {n} of {}: {o:?}", whole.len());
            assert!(o.stderr.contains(code) && o.stderr.contains("hint: "), "cut at {n}: {o:?}");
        }
        assert!(!o.stderr.contains("panicked"), "cut at {n}: {o:?}");
    }
}

/// LLVM's reader may accept a changed bit, refuse it, or fall over it.
#[test]
fn analyze_survives_damaged_bitcode() {
    let s = Scratch::new();
    let whole = std::fs::read(bitcode(&s, "steady.c")).expect("bitcode");
    let mut refused = 0;
    for bit in spread(whole.len() as u64 * 8, 80) {
        let bit = usize::try_from(bit).expect("small");
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let o = analyze(&s, &s.write("damaged.bc", bytes));
        assert!(o.status == 0 || o.status == 120, "bit {bit}: {o:?}");
        if o.status != 0 {
            assert!(o.stderr.contains("error [IT0") && o.stderr.contains("hint: "), "bit {bit}: {o:?}");
            refused += 1;
        }
    }
    assert!(refused > 5, "{refused}");
}

#[test]
fn a_program_without_instrumentation_is_refused() {
    let s = Scratch::new();
    let o = s.run("itarget", &["record", "--", "/bin/true"]);
    o.refused("IT0501");
    assert!(o.stderr.contains("CC=itarget-cc"), "{o:?}");
    s.run("itarget", &["record", "--", "no-such-program"]).refused("IT0504");
    let script = s.write_program("script", "#!/bin/sh\necho hello\n");
    s.run("itarget", &["record".as_ref(), "--".as_ref(), script.as_os_str()]).refused("IT0501");
    // Stripped of everything that is ours.
    let exe = s.build("tests/faults/chat.c", "min");
    let o = s.run("strip", &["-R", ".itarget.plan", &exe.to_string_lossy()]);
    assert_eq!(o.status, 0, "{o:?}");
    s.run("itarget", &["record".as_ref(), "--".as_ref(), exe.as_os_str()]).refused("IT0501");
    // Parts of an executable.
    let whole = std::fs::read(s.build("tests/faults/chat.c", "min")).expect("executable");
    for n in spread(whole.len() as u64, 12) {
        let cut = s.write_program("cut", &whole[..usize::try_from(n).expect("small")]);
        let o = s.run("itarget", &["record".as_ref(), "--".as_ref(), cut.as_os_str()]);
        assert!(o.status == 120 && o.stderr.contains("error [IT0") && o.stderr.contains("hint: "), "{n}: {o:?}");
    }
}

#[test]
fn a_static_program_is_not_recorded_and_says_so() {
    let s = Scratch::new();
    let source = root().join("tests/faults/chat.c");
    let o = s.run("itarget-cc", &["-O1".as_ref(), "-static".as_ref(), source.as_os_str(), "-o".as_ref(), "static".as_ref()]);
    assert_eq!(o.status, 0, "{o:?}");
    let o = s.run("itarget", &["record", "-o", "trace", "--", "./static"]);
    assert!(o.stderr.contains("IT0618") && o.stderr.contains("without -static"), "{o:?}");
    let o = s.run("itarget", &["replay", "trace"]);
    assert!(o.status != 0 && o.stderr.contains("IT06"), "{o:?}");
}

#[test]
fn a_stack_without_limit_is_recorded_and_replayed() {
    let s = Scratch::new();
    std::fs::write(
        s.path("app.c"),
        "#include <stdio.h>\n#include <stdlib.h>\n#include <sys/resource.h>\nint main(void) { struct rlimit r; getrlimit(RLIMIT_STACK, &r); printf(\"%d\\n\", r.rlim_cur == RLIM_INFINITY); fflush(stdout); return system(\"ulimit -s\"); }\n",
    )
    .expect("source");
    assert_eq!(s.run("itarget-cc", &["-O1", "app.c", "-o", "app"]), Outcome::default());
    let unlimited = |what: &str| s.run("sh", &["-c", &format!("ulimit -s unlimited; exec {what}")]);
    let itarget = tools().join("itarget");
    let recorded = unlimited(&format!("{} record -o trace -- ./app", itarget.display()));
    assert_eq!((recorded.status, recorded.stdout.as_str(), recorded.stderr.as_str()), (0, "1\nunlimited\n", ""));
    // What another program printed is not the program's.
    let again = unlimited(&format!("{} replay trace", itarget.display()));
    assert_eq!((again.status, again.stdout.as_str(), again.stderr.as_str()), (0, "1\n", ""));
    // Other limits that are in the way are named.
    let o = s.run("sh", &["-c", &format!("ulimit -v 4000000; exec {} record -o other -- ./app", itarget.display())]);
    assert!(o.status == 0 && o.stderr.contains("IT0618") && o.stderr.contains("ulimit -v"), "{o:?}");
    // Not started by our tool: it says so.
    let o = unlimited("env ITARGET_MODE=record ITARGET_TRACE=trace ./app");
    assert!(o.status == 0 && o.stderr.contains("IT0618") && o.stderr.contains("ulimit"), "{o:?}");
}

/// A directory with our tools, in which a part can be exchanged.
fn installation(s: &Scratch) -> PathBuf {
    let dir = s.path("tools");
    std::fs::create_dir(&dir).expect("directory");
    for name in ["itarget", "itarget-analyze", "libitarget_llvm_pass.so", "libitarget_rt.a"] {
        let from = tools().join(name).canonicalize().expect("tool");
        if std::fs::hard_link(&from, dir.join(name)).is_err() {
            std::fs::copy(&from, dir.join(name)).expect("copy");
        }
    }
    std::os::unix::fs::symlink("itarget", dir.join("itarget-cc")).expect("link");
    dir
}

fn cc(s: &Scratch, tools: &Path, args: &[&str]) -> Outcome {
    s.run(&tools.join("itarget-cc").to_string_lossy(), args)
}

#[test]
fn a_stale_runtime_is_a_link_error_by_symbol() {
    let s = Scratch::new();
    let dir = installation(&s);
    let (c, exe) = (source("chat.c"), s.path("exe"));
    let build = [&*c.to_string_lossy(), "-o", &*exe.to_string_lossy()];
    assert_eq!(cc(&s, &dir, &build), Outcome::default());
    std::fs::remove_file(&exe).expect("remove");
    // A runtime that speaks another version.
    let (ours, runtime) = (itarget_abi::version::ABI_SYMBOL, dir.join("libitarget_rt.a"));
    let other = dir.join("other.a");
    let o = s.run(
        "llvm-objcopy-19",
        &["--redefine-sym", &format!("{ours}=__itarget_abi_v0"), &runtime.to_string_lossy(), &other.to_string_lossy()],
    );
    assert_eq!(o.status, 0, "{o:?}");
    std::fs::rename(&other, &runtime).expect("rename");
    let o = cc(&s, &dir, &build);
    assert!(o.status != 0 && o.stderr.contains(&format!("symbol: {ours}\n")), "{o:?}");
    assert!(!exe.exists(), "no executable is left");
    for part in ["libitarget_rt.a", "libitarget_llvm_pass.so"] {
        let away = dir.join("away");
        std::fs::rename(dir.join(part), &away).expect("rename");
        let o = cc(&s, &dir, &build);
        o.refused("IT0201");
        assert!(o.stderr.contains(part), "{o:?}");
        std::fs::rename(&away, dir.join(part)).expect("rename");
    }
}

/// Runs the pass with an analyzer that hands it `plan`, and a wrapper of ABI `abi`.
fn pass_with(s: &Scratch, module: &Path, plan: &str, abi: u32) -> Outcome {
    let plan = s.write("given.plan", plan);
    // `itarget analyze ... --plan FILE ...`: the file name is the argument after --plan.
    let script = format!("#!/bin/sh\nwhile [ \"$1\" != --plan ]; do shift; done\ncp {} \"$2\"\n", plan.display());
    let fake = s.write_program("fake-itarget", script);
    let work = s.path("work");
    let _ = std::fs::create_dir(&work);
    let config = serde_json::json!({ "abi": abi, "itarget": fake, "work_dir": work, "cut": "min" });
    let config = s.write("config.json", config.to_string());
    let mut c = s.command("opt-19");
    c.arg("-load-pass-plugin").arg(tools().join("libitarget_llvm_pass.so")).args(["-passes=itarget", "-S", "-o", "/dev/null"]);
    c.arg(module).env("ITARGET_PASS_CONFIG", config);
    run(&mut c, b"").expect("opt-19 starts")
}

#[test]
fn plans_that_do_not_fit_are_refused() {
    let s = Scratch::new();
    let (one, two) = (bitcode(&s, "chat.c"), bitcode(&s, "steady.c"));
    let plan = |module: &Path| {
        // The module as the pass prepares it is what the plan is for: ask the pass itself.
        let work = s.path("honest");
        let _ = std::fs::create_dir(&work);
        let config = serde_json::json!({
            "abi": itarget_abi::version::ABI, "itarget": tools().join("itarget"), "work_dir": work, "cut": "min"
        });
        let config = s.write("honest.json", config.to_string());
        let mut c = s.command("opt-19");
        c.arg("-load-pass-plugin").arg(tools().join("libitarget_llvm_pass.so")).args(["-passes=itarget", "-S", "-o", "/dev/null"]);
        c.arg(module).env("ITARGET_PASS_CONFIG", config);
        assert_eq!(run(&mut c, b"").expect("opt-19 starts"), Outcome::default());
        std::fs::read_to_string(work.join("plan.json")).expect("plan")
    };
    let (own, other) = (plan(&one), plan(&two));
    let abi = itarget_abi::version::ABI;
    assert_eq!(pass_with(&s, &one, &own, abi), Outcome::default());
    let refused = |plan: &str, abi: u32, code: &str| {
        let o = pass_with(&s, &one, plan, abi);
        let said = o.stderr.contains(&format!("error [{code}]: ")) && o.stderr.contains("hint: ");
        assert!(o.status == 1 && said && !o.stderr.contains("panicked"), "{code}: {o:?}");
    };
    refused(&other, abi, "IT0404");
    refused(&own, abi + 1, "IT0805");
    refused("", abi, "IT0401");
    refused("{}", abi, "IT0401");
    refused(&own[..own.len() / 2], abi, "IT0401");
    let mut value: serde_json::Value = serde_json::from_str(&own).expect("JSON");
    value["format"] = 99.into();
    refused(&value.to_string(), abi, "IT0402");
    // The right module, but a site that is not there.
    let mut value: serde_json::Value = serde_json::from_str(&own).expect("JSON");
    value["sites"][0]["function"] = "no_such_function".into();
    refused(&value.to_string(), abi, "IT0405");
}
