//! Mistyped options, variables and annotations.

use itarget_tests::{Outcome, Scratch, root, run};

#[test]
fn unknown_options_are_named() {
    let s = Scratch::new();
    for args in [
        &["--bogus"][..],
        &["bogus"],
        &["record", "--bogus", "--", "x"],
        &["record", "--ring-kib", "1", "--", "x"],
        &["record", "--ring-kib", "many", "--", "x"],
        &["record", "--check", "none", "--", "x"],
        &["replay", "--until-damaged"],
        &["dump", "--bogus"],
        &["rm"],
        &["analyze", "--bogus", "x"],
        &["analyze", "--cut", "bogus", "x"],
        &["analyze"],
        &["annotations", "bogus"],
    ] {
        let o = s.run("itarget", args);
        assert_eq!((o.status, o.stdout.as_str()), (2, ""), "{args:?}: {o:?}");
        assert!(o.stderr.starts_with("error: ") && o.stderr.contains("--help"), "{args:?}: {o:?}");
        assert!(!o.stderr.contains("panicked"), "{o:?}");
    }
    let o = s.run("itarget", &["replay", "--until-damaged"]);
    assert!(o.stderr.contains("--until-damage'"), "no suggestion: {o:?}");
    // Options of the compiler are clang's to judge.
    let o = s.run("itarget-cc", &["--bogus", "x.c"]);
    assert!(o.status == 1 && o.stderr.contains("--bogus"), "{o:?}");
}

#[test]
fn mistyped_variables_of_the_compiler_are_errors() {
    let s = Scratch::new();
    let source = root().join("tests/faults/chat.c");
    let with = |name: &str, value: &str| {
        let mut c = s.command("itarget-cc");
        c.arg("-c").arg(&source).args(["-o", "x.o"]).env(name, value);
        run(&mut c, b"").expect("itarget-cc starts")
    };
    let o = with("ITARGET_CC_CUTS", "libc");
    o.refused("IT0203");
    assert!(o.stderr.contains("did you mean ITARGET_CC_CUT?"), "{o:?}");
    with("ITARGET_CC_BOGUS", "").refused("IT0203");
    with("ITARGET_CC_CUT", "lbic").refused("IT0204");
    with("ITARGET_CC_OFF", "yes").refused("IT0204");
    assert!(!s.path("x.o").exists());
    assert_eq!(with("ITARGET_CC_OFF", "0"), Outcome::default());
    // A clang that is not there, or is none.
    with("ITARGET_CC_CLANG", "/nonexistent/clang").refused("IT0202");
}

#[test]
fn mistyped_variables_of_the_runtime_are_named_and_the_program_runs() {
    let s = Scratch::new();
    let exe = s.build_noisily("tests/faults/ends.c", "min");
    let expected = Outcome { status: 44, stdout: "exit with time to spare: 1\nhandler\n".into(), stderr: String::new() };
    let mut n = 0;
    let mut recorded = |name: &str, value: &str| {
        n += 1;
        let trace = s.path(&format!("trace-{n}"));
        let mut c = s.command("itarget");
        c.args(["record", "-o"]).arg(&trace).arg("--").arg(&exe).arg("exit").env(name, value);
        let o = run(&mut c, b"").expect("itarget starts");
        assert_eq!((o.status, &o.stdout), (44, &expected.stdout), "{o:?}");
        let again = super::replay(&s, &trace);
        assert_eq!(again, expected, "{name}={value}");
        o.stderr
    };
    assert_eq!(recorded("ITARGET_OPTIONS", "full=1:ring_kib=64"), "");
    let said = recorded("ITARGET_OPTOINS", "full=1");
    assert!(said.contains("IT0616") && said.contains("ITARGET_OPTOINS"), "{said}");
    for bad in ["ful=1", "full", "full=yes", "ring_kib=", "=", "full=1:bogus=2"] {
        let said = recorded("ITARGET_OPTIONS", bad);
        let part = bad.rsplit(':').next().unwrap_or(bad);
        assert!(said.contains("IT0615") && said.contains(part) && said.contains("help=1"), "{bad}: {said}");
    }
    // Values out of range are cut to the range.
    assert_eq!(recorded("ITARGET_OPTIONS", "ring_kib=99999999999999999999999:stack_kib=0"), "");
    // A mode that does not exist: the program runs all the same.
    let mut c = s.command(&exe);
    c.arg("exit").env("ITARGET_MODE", "recrod");
    let o = run(&mut c, b"").expect("runs");
    assert_eq!((o.status, &o.stdout), (44, &expected.stdout));
    assert!(o.stderr.contains("IT0616") && o.stderr.contains("recrod"), "{o:?}");
    // A replay that nobody prepared.
    let mut c = s.command(&exe);
    c.arg("exit").env("ITARGET_MODE", "replay").env("ITARGET_STREAM_FD", "77");
    let o = run(&mut c, b"").expect("runs");
    assert_eq!((o.status, o.stdout.as_str()), (120, ""), "{o:?}");
    assert!(o.stderr.contains("IT0619") && o.stderr.contains("itarget replay"), "{o:?}");
}

#[test]
fn malformed_annotations_point_at_line_and_column() {
    let s = Scratch::new();
    let function = "[[function]]\nnames = [\"f\"]\nkind = \"env\"\n";
    for (text, code, place) in [
        (format!("{function}ret = \"int\"\nwirtes = []\n"), "IT0301", "5:1"),
        (format!("{function}ret = int\n"), "IT0301", "4:7"),
        (format!("{function}ret = \"int\"\nwrites = [{{ arg = 0, len = \"lots\" }}]\n"), "IT0302", "5:28"),
        ("[[function]\n".to_string(), "IT0301", "1:"),
        ("\u{0}\u{1}".to_string(), "IT0301", "1:"),
    ] {
        let file = s.write("my.toml", &text);
        let file = file.to_string_lossy();
        let o = s.run("itarget", &["annotations", "check", &file]);
        assert_eq!((o.status, o.stdout.as_str()), (120, ""), "{o:?}");
        assert!(o.stderr.contains(&format!("my.toml:{place}")) && o.stderr.contains(code), "{o:?}");
        // The same through the compiler: the link fails with the same words.
        let mut c = s.command("itarget-cc");
        c.arg(root().join("tests/faults/chat.c")).args(["-o", "app"]).env("ITARGET_CC_ANNOTATIONS", &*file);
        let o = run(&mut c, b"").expect("itarget-cc starts");
        assert!(o.status != 0 && o.stderr.contains(&format!("my.toml:{place}")) && o.stderr.contains(code), "{o:?}");
        assert!(!s.path("app").exists());
    }
    let not_text = s.write("latin1.toml", b"# caf\xe9\n");
    s.run("itarget", &["annotations", "check", &not_text.to_string_lossy()]).refused("IT0303");
    s.run("itarget", &["annotations", "check", "none.toml"]).refused("IT0303");
}
