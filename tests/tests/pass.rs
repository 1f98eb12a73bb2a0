//! Instrumented IR: each tests/pass/NAME.ll has its plan in comments (`; site: FUNCTION ORDINAL
//! ACTION`, `; clone: NAME OF`, `; mixed: OBJECT`); what the pass makes of it is compared with
//! NAME.golden. `ITARGET_BLESS=1` writes that anew; the lines `; has: TEXT` must be in it even
//! then (`|` separates alternatives), so that a wrong one can't be blessed by accident.

use itarget_tests::{Outcome, Scratch, root, run, tools};
use serde_json::{Value, json};
use std::path::Path;

/// The values of a directive.
fn directives<'a>(source: &'a str, name: &str) -> Vec<&'a str> {
    source.lines().filter_map(|l| l.strip_prefix("; ")?.strip_prefix(name)?.strip_prefix(": ")).collect()
}

/// The plan in the comments of a source.
fn plan(source: &str) -> Value {
    let json = |text: &str| -> Value { serde_json::from_str(text).unwrap_or_else(|e| panic!("{text}: {e}")) };
    let mut sites: Vec<Value> = directives(source, "site")
        .iter()
        .map(|line| {
            let mut parts = line.splitn(3, ' ');
            let mut next = || parts.next().unwrap_or_default();
            let (function, ordinal) = (next(), next().parse::<u32>().expect("ordinal"));
            json!({ "function": function, "ordinal": ordinal, "action": json(next()) })
        })
        .collect();
    for line in directives(source, "alone") {
        let (place, alone) = line.rsplit_once(" := ").expect("function, ordinal and what is done");
        let site = sites.iter_mut().find(|s| format!("{} {}", s["function"].as_str().unwrap_or(""), s["ordinal"]) == place);
        site.expect("a site")["alone"] = json(alone);
    }
    let clones: Vec<Value> = directives(source, "clone")
        .iter()
        .map(|line| {
            let (name, of) = line.split_once(' ').expect("name and original");
            json!({ "name": name, "of": of })
        })
        .collect();
    let mixed: Vec<Value> = directives(source, "mixed").iter().map(|l| json(l)).collect();
    let (outside, shared) = (directives(source, "environment"), directives(source, "shared"));
    let accompanied = directives(source, "accompanied");
    json!({
        "format": 2, "module": "?", "cut": "min", "sites": sites, "clones": clones, "mixed": mixed, "environment_globals": outside, "shared_globals": shared,
        "accompanied": accompanied
    })
}

/// Runs the pass on a module with this plan in the place of the analyzer's.
fn pass(s: &Scratch, module: &Path, plan: &Value) -> Outcome {
    let plan = s.write("given.json", plan.to_string());
    let script = format!("#!/bin/sh\nwhile [ \"$1\" != --plan ]; do shift; done\ncp {} \"$2\"\n", plan.display());
    let analyzer = s.write_program("analyzer", script);
    let config = json!({ "abi": itarget_abi::version::ABI, "itarget": analyzer, "work_dir": s.path(""), "cut": "min" });
    let config = s.write("config.json", config.to_string());
    let mut c = s.command("opt-19");
    c.arg("-load-pass-plugin").arg(tools().join("libitarget_llvm_pass.so")).args(["-passes=itarget", "-S", "-o", "-"]);
    run(c.arg(module).env("ITARGET_PASS_CONFIG", config), b"").expect("opt-19 starts")
}

/// The same for the plan in the source's comments. The module's fingerprint is in the words with
/// which the pass refuses the plan of another module.
fn instrument(s: &Scratch, source: &str) -> Outcome {
    let module = s.write("module.ll", source);
    let mut plan = plan(source);
    let o = pass(s, &module, &plan);
    let at = o.stderr.find("this is ").unwrap_or_else(|| panic!("{o:?}")) + "this is ".len();
    assert!(o.stderr.contains("IT0404"), "{o:?}");
    plan["module"] = o.stderr[at..at + 64].into();
    pass(s, &module, &plan)
}

/// What is compared: functions with a body and, if `whole`, tables; without what all programs get.
fn essence(ir: &str, whole: bool) -> String {
    let mut out = String::new();
    let mut body = false;
    let mut main = false;
    for line in ir.lines() {
        if line.starts_with("define ") {
            body = true;
            main = !whole && ["@main(", "@itarget.main(", "@itarget.run("].iter().any(|m| line.contains(m));
        }
        let table = line.starts_with('@') && (whole || line.starts_with("@__itarget_mixed"));
        if (body && !main) || (table && !line.starts_with("@__itarget_identity")) {
            // Comments name predecessors; columns depend on nothing of ours.
            let line = line.split(" ; preds").next().unwrap_or(line);
            out += line.trim_end();
            out.push('\n');
        }
        if line == "}" {
            if !main {
                out.push('\n');
            }
            body = false;
        }
    }
    out.trim_end().to_string() + "\n"
}

#[test]
fn golden() {
    let dir = root().join("tests/pass");
    let bless = std::env::var_os("ITARGET_BLESS").is_some();
    let mut sources: Vec<_> = dir
        .read_dir()
        .expect("tests/pass")
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.extension().is_some_and(|e| e == "ll"))
        .collect();
    sources.sort();
    assert!(sources.len() >= 9, "{sources:?}");
    let mut faults = vec![];
    for path in sources {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let source = std::fs::read_to_string(&path).expect("source");
        let s = Scratch::new();
        let o = instrument(&s, &source);
        if o.status != 0 || !o.stderr.is_empty() {
            faults.push(format!("{name}: status {}: {}", o.status, o.stderr));
            continue;
        }
        let got = essence(&o.stdout, source.lines().any(|l| l == "; whole"));
        for has in directives(&source, "has") {
            if !has.split('|').any(|h| got.contains(h)) {
                faults.push(format!("{name}: no `{has}` in\n{got}"));
            }
        }
        let golden = path.with_extension("golden");
        if bless {
            std::fs::write(&golden, &got).expect("write");
        }
        let want = std::fs::read_to_string(&golden).unwrap_or_default();
        if want != got {
            faults.push(format!("{name}: differs from {} (ITARGET_BLESS=1 writes it)\n{got}", golden.display()));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What is instrumented stays valid and can be optimised and compiled.
#[test]
fn the_result_goes_through_the_optimizer() {
    let s = Scratch::new();
    for name in ["call", "call-checked", "show", "load", "store", "alloc", "redirect", "refuse", "start"] {
        let source = std::fs::read_to_string(root().join(format!("tests/pass/{name}.ll"))).expect("source");
        let ir = s.write("out.ll", instrument(&s, &source).stdout);
        let o = s.run("opt-19", &["-passes=verify,default<O2>,verify", "-o", "/dev/null", &ir.to_string_lossy()]);
        assert_eq!(o, Outcome::default(), "{name}");
    }
}

#[test]
fn plans_that_do_not_fit_are_refused() {
    let source = std::fs::read_to_string(root().join("tests/pass/store.ll")).expect("source");
    let s = Scratch::new();
    assert_eq!(instrument(&s, &source).status, 0);
    for (what, from, to, code) in [
        ("another kind of instruction", "; site: f 1 ", "; site: f 0 ", "IT0405"),
        ("an ordinal that is not there", "; site: f 1 ", "; site: f 2 ", "IT0405"),
        ("a function that is not there", "; site: f 1 ", "; site: g 1 ", "IT0405"),
        ("an action that does not exist", "\"store\"", "\"stroe\"", "IT0401"),
        ("a clone of nothing", "; site: f 1 ", "; clone: a b\n; site: f 1 ", "IT0405"),
    ] {
        let changed = source.replacen(from, to, 1);
        assert_ne!(changed, source);
        let module = s.write("module.ll", &changed);
        let mut plan = plan(&changed);
        let o = if code == "IT0401" { pass(&s, &module, &plan) } else { instrument(&s, &changed) };
        assert!(o.status == 1 && o.stderr.contains(code), "{what}: {o:?}");
        assert_eq!(o.stdout, "", "{what}");
        plan["format"] = 3.into();
        assert!(pass(&s, &module, &plan).stderr.contains("IT0402"));
    }
}

/// Without orders, or without a main, the plugin changes nothing.
#[test]
fn what_is_not_ours_is_left_alone() {
    let s = Scratch::new();
    let helper = "define i32 @f(ptr %p) {\n  %v = load i32, ptr %p\n  ret i32 %v\n}\n";
    let module = s.write("module.ll", helper);
    let plain = s.run("opt-19", &["-passes=verify", "-S", "-o", "-", &module.to_string_lossy()]);
    let without_main = pass(&s, &module, &json!({}));
    assert_eq!(without_main, plain);
    let whole = s.write("whole.ll", format!("{helper}define i32 @main() {{\n  ret i32 0\n}}\n"));
    let plugin = tools().join("libitarget_llvm_pass.so");
    let mut c = s.command("opt-19");
    c.arg("-load-pass-plugin").arg(&plugin).args(["-passes=itarget", "-S", "-o", "-"]).arg(&whole);
    let o = run(&mut c, b"").expect("opt-19 starts");
    assert_eq!((o.status, o.stdout.contains("__itarget")), (0, false), "{o:?}");
    // Orders that can't be read.
    for (text, code) in [("", "IT0804"), ("{}", "IT0804"), ("[", "IT0804")] {
        let config = s.write("bad.json", text);
        let mut c = s.command("opt-19");
        c.arg("-load-pass-plugin").arg(&plugin).args(["-passes=itarget", "-S", "-o", "-"]).arg(&whole);
        let o = run(c.env("ITARGET_PASS_CONFIG", config), b"").expect("opt-19 starts");
        assert!(o.status == 1 && o.stderr.contains(code) && o.stdout.is_empty(), "{o:?}");
    }
}
