//! Builds beyond one C file: C++, CMake. What is built is recorded and replayed.

use itarget_tests::{Outcome, Scratch, known_failures, root, run, tools};
use libtest_mimic::{Arguments, Failed, Trial};
use std::path::Path;

fn main() {
    let args = Arguments::from_args();
    let known = known_failures();
    let trial = |name: &'static str, test: fn() -> Result<(), Failed>| {
        Trial::test(name, test).with_ignored_flag(known.iter().any(|k| k == &format!("build/{name}")))
    };
    let trials = vec![
        trial("cxx-without-exceptions", cxx_without_exceptions),
        trial("cxx-containers", cxx_containers),
        trial("cxx-exceptions-are-refused", cxx_exceptions_are_refused),
        trial("cmake", cmake),
        trial("configure-tests", configure_tests),
        trial("relocatable", relocatable),
        trial("used-outside", used_outside),
    ];
    libtest_mimic::run(&args, trials).exit();
}

/// Tests of autoconf declare what they look for as `char NAME();` and link a call of it: a link that fails would leave a
/// function out of the program's configuration.
fn configure_tests() -> Result<(), Failed> {
    let s = Scratch::new();
    for name in ["malloc", "calloc", "strdup", "strerror", "localtime", "getpwnam", "nl_langinfo", "crypt", "fork", "qsort", "asprintf", "execl", "execle", "execlp", "__asprintf_chk", "__vasprintf_chk"] {
        let source = s.write("conftest.c", format!("char {name} ();\nint main (void) {{ return {name} (); }}\n"));
        let mut c = s.command("itarget-cc");
        c.args(["-O2", "-w"]).arg(source).args(["-o", "conftest", "-lcrypt"]);
        let o = run(&mut c, b"")?;
        expect(name, o.status == 0, &o)?;
    }
    Ok(())
}

/// Objects that `ld -r` makes of several are recorded like these; with one of another compiler among them, they are what they were.
fn relocatable() -> Result<(), Failed> {
    let s = Scratch::new();
    s.write("a.c", "#include <stdio.h>\n#include <unistd.h>\nint b(int);\nstatic int own(void) { return getpid() > 0; }\nint main(void) { return printf(\"%d\\n\", b(own())) < 0; }\n");
    s.write("b.c", "static int own(int n) { return n + 1; }\nint b(int n) { return own(n); }\n");
    let script = "set -e; itarget-cc -O2 -c a.c; itarget-cc -O2 -c b.c; clang-19 -O2 -c b.c -o foreign.o\n\
         ld -r -o gnu.o a.o b.o; itarget-cc -r -o ours.o a.o b.o; ld -r -o mixed.o a.o foreign.o\n\
         for o in gnu ours mixed; do itarget-cc -O2 $o.o -o $o; done";
    let mut c = s.command("sh");
    c.args(["-c", script]).env("PATH", format!("{}:{}", tools().display(), std::env::var("PATH").unwrap_or_default()));
    let o = run(&mut c, b"")?;
    expect("the build", o == Outcome::default(), &o)?;
    let said = Outcome { stdout: "2\n".into(), ..Outcome::default() };
    for name in ["gnu", "ours"] {
        let o = s.run("itarget", &["record", "-o", &format!("{name}.trace"), "--", &format!("./{name}")]);
        expect(name, o == said, &o)?;
        let o = s.run("itarget", &["replay", &format!("{name}.trace")]);
        expect(name, o == said, &o)?;
        let o = s.run("itarget", &["relink", name, "-o", "again"]);
        expect("relink", o.status == 0, &o)?;
        let o = s.run::<&str>("./again", &[]);
        expect("relinked", o == said, &o)?;
    }
    let o = s.run::<&str>("./mixed", &[]);
    expect("mixed", o == said, &o)
}

/// Variables of the program that an object or a library without bitcode stores to by their names; a function that it calls by its name ends
/// the recording.
fn used_outside() -> Result<(), Failed> {
    let s = Scratch::new();
    s.write("a.c", "#include <stdio.h>\nint counter = 1; char *text = \"none\"; void bump(int);\n\
        int main(void) { for (int i = 4; i > 0; i -= 2) { bump(i); printf(\"%d %s\\n\", counter, text); } return 0; }\n");
    s.write("b.c", "extern int counter; extern char *text; static char own[] = \"other\";\n\
        void bump(int n) { counter += n; text = own; }\n");
    s.write("c.c", "#include <stdio.h>\nint calls(int); int sum; __attribute__((noinline)) int called(int n) { return sum += n; }\n\
        int main(void) { int n = called(1); printf(\"%d\\n\", n + calls(1)); return 0; }\n");
    s.write("d.c", "int called(int);\nint calls(int n) { return called(n) + 1; }\n");
    let script = "set -e; for p in b d; do clang-19 -O2 -c $p.c; clang-19 -O2 -shared -fPIC $p.c -o lib$p.so; done\n\
         itarget-cc -O2 a.c b.o -o object; itarget-cc -O2 a.c -L. -lb -Wl,-rpath,. -o library\n\
         itarget-cc -O2 c.c d.o -o calling-object; itarget-cc -O2 c.c -L. -ld -Wl,-rpath,. -o calling-library";
    let mut c = s.command("sh");
    c.args(["-c", script]).env("PATH", format!("{}:{}", tools().display(), std::env::var("PATH").unwrap_or_default()));
    let o = run(&mut c, b"")?;
    expect("the build", o == Outcome::default(), &o)?;
    let said = Outcome { stdout: "5 other\n7 other\n".into(), ..Outcome::default() };
    for name in ["object", "library"] {
        let o = s.run("itarget", &["record", "--digest", "-o", &format!("{name}.trace"), "--", &format!("./{name}")]);
        expect(name, o == said, &o)?;
        let o = s.run("itarget", &["replay", &format!("{name}.trace")]);
        expect(name, o == said, &o)?;
        let o = s.run("itarget", &["record", "-o", &format!("{name}.called"), "--", &format!("./calling-{name}")]);
        expect(name, o.stdout == "4\n" && o.status == 0 && o.stderr.contains("by its name"), &o)?;
    }
    Ok(())
}

const INPUT: &[u8] = b"square 2\ndisc 3\nnonsense\nsquare 1.5\nsquare 2\n";

fn expect(what: &str, good: bool, o: &Outcome) -> Result<(), Failed> {
    if good { Ok(()) } else { Err(format!("{what}: {o:?}").into()) }
}

fn cxx(s: &Scratch, name: &str, flags: &[&str]) -> Outcome {
    let source = root().join("tests/cxx").join(name);
    let mut c = s.command("itarget-c++");
    c.args(["-O2", "-g"]).args(flags).arg(source).args(["-o", "app"]);
    run(&mut c, b"").expect("itarget-c++ starts")
}

/// The program does the same plain, recorded and replayed.
fn records(s: &Scratch, plain: &Path, app: &Path) -> Result<Outcome, Failed> {
    let recorded = {
        let mut c = s.command("itarget");
        c.args(["record", "-o", "trace", "--"]).arg(app).arg("word");
        run(&mut c, INPUT)?
    };
    let expected = run(s.command(plain).arg("word"), INPUT)?;
    expect("the recorded run", recorded.status == expected.status && recorded.stderr.is_empty(), &recorded)?;
    // Times and process numbers differ; the shape does not.
    let shape = |o: &Outcome| o.stdout.split_whitespace().count();
    expect("its output", shape(&recorded) == shape(&expected), &recorded)?;
    let replayed = s.run("itarget", &["replay", "trace"]);
    expect("the replay", replayed == recorded, &replayed)?;
    Ok(recorded)
}

fn cxx_program(name: &str) -> Result<Outcome, Failed> {
    let s = Scratch::new();
    let o = s.run("clang++-19", &["-O2", &root().join("tests/cxx").join(name).to_string_lossy(), "-o", "plain"]);
    expect("clang++", o == Outcome::default(), &o)?;
    let o = cxx(&s, name, &["-fno-exceptions"]);
    expect("itarget-c++", o == Outcome::default(), &o)?;
    records(&s, &s.path("plain"), &s.path("app"))
}

fn cxx_without_exceptions() -> Result<(), Failed> {
    let o = cxx_program("shapes.cc")?;
    expect("the destructor of the static object", o.stdout.ends_with("\n4 lines\n") && o.status == 4, &o)
}

fn cxx_containers() -> Result<(), Failed> {
    let o = cxx_program("containers.cc")?;
    expect("the lines", o.stdout.contains("square 2: 0 4\n") && o.status == 4, &o)
}

fn cxx_exceptions_are_refused() -> Result<(), Failed> {
    let s = Scratch::new();
    let o = cxx(&s, "throws.cc", &[]);
    let named = ["error [IT0801]: ", "hint: ", "function `main`", "exceptions", "-fno-exceptions", "ITARGET_CC_OFF=1"];
    expect("the link", o.status != 0 && named.iter().all(|n| o.stderr.contains(n)), &o)?;
    expect("no executable", !s.path("app").exists(), &o)?;
    // As the message says.
    let mut c = s.command("itarget-c++");
    c.arg(root().join("tests/cxx/throws.cc")).args(["-o", "app"]).env("ITARGET_CC_OFF", "1");
    let o = run(&mut c, b"")?;
    expect("with ITARGET_CC_OFF", o == Outcome::default(), &o)?;
    let o = s.run("./app", &[""]);
    expect("the program", o.status == 1 && o.stdout == "caught 5\n", &o)
}

fn cmake() -> Result<(), Failed> {
    let s = Scratch::new();
    if run(s.command("cmake").arg("--version"), b"").is_err() {
        println!("skipped: cmake is not installed");
        return Ok(());
    }
    let source = root().join("tests/cmake");
    let build = |name: &str, compiler: &str| -> Result<(), Failed> {
        let mut c = s.command("cmake");
        c.arg("-S").arg(&source).args(["-B", name, "-DCMAKE_BUILD_TYPE=Release"]).env("CC", compiler);
        c.env("PATH", format!("{}:{}", tools().display(), std::env::var("PATH").unwrap_or_default()));
        let o = run(&mut c, b"")?;
        expect("configuration", o.status == 0, &o)?;
        let o = run(s.command("cmake").args(["--build", name]), b"")?;
        expect("build", o.status == 0 && !o.stderr.contains("warning"), &o)
    };
    build("plain", "clang-19")?;
    build("ours", "itarget-cc")?;
    let o = records(&s, &s.path("plain/clock"), &s.path("ours/clock"))?;
    expect("its lines", o.status == 4 && o.stdout.lines().count() == 3, &o)
}
