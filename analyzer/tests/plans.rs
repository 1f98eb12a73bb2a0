//! Golden plans of small C programs. `ITARGET_BLESS=1` rewrites them; what each program is there
//! for is asserted besides, so that a wrong plan can't be blessed by accident.

use itarget_analyzer::analysis::{Analysis, Options, analyze};
use itarget_analyzer::bitcode;
use itarget_analyzer::flow::target::Targets;
use itarget_annotations::Annotations;
use itarget_plan::{Action, Alone, Call, CutMode, How, Plan, Raced, Ret};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plans")
}

fn bitcode_of(name: &str) -> Vec<u8> {
    let output = Command::new("clang-19")
        .current_dir(directory())
        .args(["-O1", "-Xclang", "-disable-llvm-passes", "-g", "-emit-llvm", "-c", "-o", "-", &format!("{name}.c")])
        .output()
        .expect("clang-19 runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn analysis(name: &str, cut: CutMode) -> Analysis {
    partial(name, cut, &[])
}

/// The same with a target, in texts as [`Targets::of_text`] takes them.
fn partial(name: &str, cut: CutMode, target: &[&str]) -> Analysis {
    let module = bitcode::from_bytes(name, bitcode_of(name)).expect("loads");
    let options = Options { cut, targets: Targets::of_text(target), ..Options::default() };
    let analysis = analyze(&module, Annotations::builtin(), &options, &mut |_| {}).expect("has an interface");
    assert_eq!(Plan::parse(&analysis.plan.to_text()).expect("parses"), analysis.plan);
    analysis
}

/// One line per entry, so that a change of a plan is readable.
fn text(plan: &Plan) -> String {
    let mut out = format!("cut {:?}\n", plan.cut);
    for site in &plan.sites {
        let line = site.at.as_ref().map_or(0, |l| l.line);
        let action = serde_json::to_string(&site.action).expect("serialises");
        writeln!(out, "{}#{} line {line} {action} bytes {} events {}", site.function, site.ordinal, site.bytes, site.events)
            .expect("writes");
        if site.alone != Alone::Same {
            writeln!(out, "    alone {}", serde_json::to_string(&site.alone).expect("serialises")).expect("writes");
        }
    }
    for m in &plan.mixed {
        writeln!(out, "mixed {m:?}").expect("writes");
    }
    for c in &plan.clones {
        writeln!(out, "clone {c:?}").expect("writes");
    }
    for (what, list) in [("environment", &plan.environment), ("upcalls", &plan.upcalls), ("environment globals", &plan.environment_globals), ("shared globals", &plan.shared_globals)] {
        if !list.is_empty() {
            writeln!(out, "{what} {list:?}").expect("writes");
        }
    }
    if !plan.constants.is_empty() {
        writeln!(out, "constants {:?}", plan.constants).expect("writes");
    }
    out
}

/// The plan, after comparison with the golden one.
fn golden(name: &str) -> Analysis {
    golden_of(name, name, &[])
}

/// The same for a target; the golden plan is `as_name`.plan.
fn golden_of(name: &str, as_name: &str, target: &[&str]) -> Analysis {
    let analysis = partial(name, CutMode::Min, target);
    let found = text(&analysis.plan);
    let path = directory().join(format!("{as_name}.plan"));
    if std::env::var_os("ITARGET_BLESS").is_some() {
        std::fs::write(&path, &found).expect("writes");
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, wanted, "the plan of {name}.c changed; ITARGET_BLESS=1 accepts it");
    analysis
}

fn actions<'a>(plan: &'a Plan, function: &str) -> Vec<&'a Action> {
    plan.sites.iter().filter(|s| s.function == function).map(|s| &s.action).collect()
}

fn calls<'a>(plan: &'a Plan, callee: &str) -> Vec<&'a Call> {
    let calls = plan.sites.iter().filter_map(|s| match &s.action {
        Action::Call(call) => Some(call),
        _ => None,
    });
    calls.filter(|c| c.callee == callee).collect()
}

fn loads(plan: &Plan, how: How) -> usize {
    plan.sites.iter().filter(|s| matches!(&s.action, Action::Load { how: is, .. } if *is == how)).count()
}

fn objids(plan: &Plan) -> Vec<(String, u32)> {
    let objids = plan.sites.iter().filter_map(|s| match &s.action {
        Action::Alloc { objid, .. } => Some((s.function.clone(), *objid)),
        _ => None,
    });
    objids.collect()
}

#[test]
fn the_load_of_errno_is_logged() {
    let plan = golden("errno").plan;
    assert_eq!(calls(&plan, "open")[0].ret, Ret::Log);
    assert_eq!((loads(&plan, How::Always), loads(&plan, How::Checked)), (1, 0));
}

#[test]
fn what_is_read_often_is_logged_once() {
    let plan = golden("read_replay").plan;
    let read = calls(&plan, "read")[0];
    assert_eq!((read.how, read.ret.clone(), read.writes.len()), (How::Always, Ret::Log, 1));
    assert_eq!(loads(&plan, How::Always) + loads(&plan, How::Checked), 0);
}

#[test]
fn what_is_passed_on_is_not_logged() {
    let plan = golden("passthrough").plan;
    assert_eq!(calls(&plan, "read")[0].writes, []);
    assert_eq!(objids(&plan), [("main".to_owned(), 1)]);
}

#[test]
fn the_library_boundary_logs_what_is_passed_on() {
    let plan = analysis("passthrough", CutMode::Libc).plan;
    assert_eq!(calls(&plan, "read")[0].writes.len(), 1);
    assert_eq!(objids(&plan), [("main".to_owned(), 0)]);
}

#[test]
fn a_wrapper_is_cloned_per_side() {
    let plan = golden("wrapper").plan;
    let mut sides: Vec<u32> = Vec::new();
    for action in actions(&plan, "main") {
        if let Action::Redirect { to } = action {
            let clone = plan.clones.iter().find(|c| c.name == *to).expect("the clone is listed");
            assert_eq!(clone.of, "xmalloc");
            sides.extend(objids(&plan).iter().filter(|(f, _)| f == to).map(|(_, objid)| *objid));
        }
    }
    assert_eq!(sides, [1], "the buffer passed on is in the environment");
    assert!(objids(&plan).contains(&("xmalloc".to_owned(), 0)));
    assert!(calls(&plan, "read").iter().any(|c| c.writes.is_empty()));
    assert!(calls(&plan, "read").iter().any(|c| c.writes.len() == 1));
}

#[test]
fn a_structure_has_fields_on_both_sides() {
    let plan = golden("mixed").plan;
    assert_eq!(objids(&plan), [("main".to_owned(), 3)]);
    assert_eq!(plan.mixed.len(), 1);
    assert_eq!(plan.mixed[0].ranges, [(16, 16 + 65536)], "the body, and all of it");
    let reads = calls(&plan, "read");
    assert_eq!((reads[0].writes.len(), reads[1].writes.len()), (1, 0));
}

#[test]
fn nothing_races_before_the_second_thread() {
    let plan = golden("alone").plan;
    assert_eq!(plan.environment_globals, ["buffer", "counter"]);
    assert_eq!(plan.shared_globals, plan.environment_globals);
    assert_eq!(objids(&plan), [("main".to_owned(), 2), ("main".to_owned(), 3)], "shared as a whole, and in part");
    assert_eq!((&plan.mixed[0].ranges[..], &plan.mixed[0].shared[..]), (&[][..], &[(0, 4)][..]));
    let raced = plan.sites.iter().filter(|s| matches!(s.action, Action::Load { raced: Raced::Yes, .. })).count();
    assert_eq!((raced, plan.sites.iter().filter(|s| s.alone == Alone::Nothing).count()), (8, 13), "loads, and with stores");
    // What the library writes is logged as long as what reads it is not.
    assert!(calls(&plan, "read").iter().all(|c| c.writes.is_empty()));
    let others = plan.sites.iter().filter_map(|s| if let Alone::Other(a) = &s.alone { Some(&**a) } else { None });
    assert_eq!(others.filter(|a| matches!(a, Action::Call(c) if c.writes.len() == 1)).count(), 2);
}

#[test]
fn an_unknown_function_that_is_handed_over_may_run_at_any_time() {
    let plan = analysis("handed", CutMode::Min).plan;
    assert_eq!(plan.environment_globals, ["first", "second"]);
    assert!(plan.sites.iter().all(|s| s.alone == Alone::Same), "{}", text(&plan));
    assert!(analysis("unknown", CutMode::Min).plan.sites.iter().any(|s| s.alone == Alone::Nothing), "nothing else calls it there");
}

#[test]
fn an_unknown_external_is_sound_and_reported() {
    let Analysis { plan, report } = golden("unknown");
    assert_eq!(calls(&plan, "mystery")[0].how, How::Always);
    assert_eq!(plan.environment_globals, ["tail"]);
    assert_eq!(loads(&plan, How::Always), 2, "head.value and tail.value, not untouched");
    assert_eq!(report.unannotated.len(), 1);
    let stanza = Annotations::parse("stanza", &report.unannotated[0].stanza).expect("the stanza parses");
    assert!(stanza.function("mystery").is_some());
}

#[test]
fn a_copy_out_of_the_environment_is_logged() {
    let plan = golden("memcpy").plan;
    assert_eq!(calls(&plan, "read")[0].writes, []);
    let copy = calls(&plan, "llvm.memcpy");
    assert_eq!((copy.len(), copy[0].how, copy[0].writes.len()), (1, How::Always, 1));
    assert_eq!(objids(&plan), [("main".to_owned(), 1)]);
}

#[test]
fn arguments_and_environment_variables_are_in_replay_space() {
    let plan = golden("start").plan;
    assert_eq!(loads(&plan, How::Always), 0);
    // Where a variable is found is logged, what it holds is not.
    assert_eq!(calls(&plan, "getenv").len(), 1);
}

#[test]
fn fields_of_a_stream_are_environment_memory() {
    let plan = golden("file_macro").plan;
    assert!(loads(&plan, How::Always) >= 4);
    assert!(plan.sites.iter().any(|s| matches!(s.action, Action::Store { checked: true, .. })));
}

fn applies(plan: &Plan, function: &str) -> usize {
    actions(plan, function).iter().filter(|a| matches!(a, Action::Apply { .. })).count()
}

#[test]
fn the_environment_leaves_what_is_needed_and_calls_back() {
    let plan = golden_of("sides", "sides-fetch", &["!fetch"]).plan;
    assert_eq!((plan.environment.as_slice(), plan.upcalls.as_slice()), (["fetch".to_owned()].as_slice(), ["progress".to_owned()].as_slice()));
    assert_eq!(actions(&plan, "decide").iter().filter(|a| matches!(a, Action::Downcall { to } if *to == ["fetch"])).count(), 1);
    assert_eq!(actions(&plan, "fetch").iter().filter(|a| matches!(a, Action::Upcall { to } if *to == ["progress"])).count(), 1);
    assert_eq!(applies(&plan, "fetch"), 3, "code, length and kind, not the body");
    assert_eq!(calls(&plan, "read").len(), 0);
    assert!(actions(&plan, "main").iter().all(|a| !matches!(a, Action::Downcall { .. } | Action::Upcall { .. })));
}

#[test]
fn what_calls_the_target_need_not_be_replayed() {
    let plan = golden_of("sides", "sides-decide", &["decide", "!fetch", "!main"]).plan;
    assert_eq!(plan.environment[..2], ["fetch", "main"]);
    assert!(plan.upcalls.contains(&"decide".to_owned()));
    let called = |a: &&&Action| matches!(a, Action::Upcall { to } if *to == ["decide"]);
    assert_eq!(actions(&plan, "main").iter().filter(called).count(), 2);
}

#[test]
fn a_cut_at_functions_logs_no_load_and_no_store() {
    let plan = partial("sides", CutMode::Functions, &["decide", "!main"]).plan;
    assert_eq!(loads(&plan, How::Always) + loads(&plan, How::Checked), 0);
    assert!(plan.environment.contains(&"main".to_owned()));
    assert!(plan.sites.iter().all(|s| s.function != "fetch" || !matches!(s.action, Action::Apply { .. })));
}

#[test]
fn the_same_bitcode_gives_the_same_plan() {
    for name in ["wrapper", "mixed", "unknown"] {
        assert_eq!(analysis(name, CutMode::Min).plan.to_text(), analysis(name, CutMode::Min).plan.to_text());
    }
}

#[test]
fn a_profile_build_counts_and_names_every_heap_object() {
    let plan = analysis("wrapper", CutMode::Profile).plan;
    let names: std::collections::BTreeSet<&str> = plan.mixed.iter().map(|m| m.name.as_str()).collect();
    assert_eq!(names.len(), plan.mixed.len());
    assert!(plan.mixed.len() >= 2 && plan.mixed.iter().all(|m| m.ranges.is_empty()));
    assert!(plan.sites.iter().any(|s| matches!(s.action, Action::Count { .. })));
    assert!(!plan.sites.iter().any(|s| matches!(s.action, Action::Load { .. } | Action::Call(_))));
}
