//! Explanations of small C programs: ways, reasons and suggestions say what the program shows.

use itarget_analyzer::analysis::{Details, Options, analyze_in_detail};
use itarget_analyzer::bitcode;
use itarget_analyzer::flow::target::Targets;
use itarget_analyzer::flow::weights::Weights;
use itarget_analyzer::report::picture::{self, NodeKind, Picture};
use itarget_analyzer::report::items::{self, Explanation};
use itarget_analyzer::report::suggest::{self, Advice};
use itarget_analyzer::report::what::{self, Answer};
use itarget_analyzer::report::why::{Step, Subject, Ways};
use itarget_analyzer::report::items_text;
use itarget_annotations::Annotations;
use std::path::Path;
use std::process::Command;

/// Compiles a program of tests/plans and calls `f` on what explains it.
fn with<T>(name: &str, f: impl FnOnce(&Ways, Vec<suggest::Suggestion>) -> T) -> T {
    with_target(name, &[], f)
}

/// The same for a replay target.
fn with_target<T>(name: &str, target: &[&str], f: impl FnOnce(&Ways, Vec<suggest::Suggestion>) -> T) -> T {
    let output = Command::new("clang-19")
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plans"))
        .args(["-O1", "-Xclang", "-disable-llvm-passes", "-g", "-emit-llvm", "-c", "-o", "-", &format!("{name}.c")])
        .output()
        .expect("clang-19 runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let module = bitcode::from_bytes_with_variables(name, output.stdout).expect("loads");
    let targets = Targets { include: target.iter().map(|t| (*t).to_owned()).collect(), exclude: Vec::new() };
    let options = Options { targets, ..Options::default() };
    let (analysis, mut details) =
        analyze_in_detail(&module, Annotations::builtin(), &options, &mut |_| {}).expect("has an interface");
    let weights = Weights::new(&module, &details.points_to, None);
    let Details { points_to, facts, graph, cut } = &mut details;
    let suggestions = suggest::collect(&module, points_to, facts, &weights, options.cut, &graph.wishes, cut.value);
    let subject = Subject {
        module: &module,
        points_to: &details.points_to,
        facts: &details.facts,
        weights: &weights,
        graph: &details.graph,
        cut: &details.cut,
        plan: &analysis.plan,
    };
    f(&Ways::new(subject), suggestions)
}

fn explained(name: &str) -> Explanation {
    with(name, |ways, cheaper| items::explain(ways, cheaper, None, usize::MAX))
}

fn answers(name: &str, about: &str) -> Result<Vec<Answer>, Vec<String>> {
    with(name, |ways, cheaper| what::what(ways, cheaper, about, 10, None).map(|(answers, _)| answers))
}

fn names(path: &[Step]) -> Vec<&str> {
    path.iter().map(|s| s.name.as_str()).collect()
}

#[test]
fn what_holds_later_only_is_said_so() {
    let later = "once the process is not alone";
    let e = explained("alone");
    assert!(e.items.iter().any(|i| i.what == format!("load -> log value, {later}")), "{:?}", e.items);
    let before = format!("read -> log ret, {later}; before that: read -> log ret + arg1");
    assert_eq!(e.items.iter().filter(|i| i.what == before).count(), 2);
    let answer = answers("alone", "counter").expect("found").remove(0);
    assert!(answer.says[1].contains("before that it is in replay space"), "{answer:?}");
    let answer = answers("unknown", "tail").expect("found").remove(0);
    assert!(answer.says[1].contains("a function without annotation runs"), "{answer:?}");
}

#[test]
fn a_function_that_nobody_annotated_is_named_with_what_it_costs() {
    let e = explained("unknown");
    let load = e.items.iter().find(|i| i.what.starts_with("load") && i.path[1].name == "`tail`").expect("a load of tail");
    assert_eq!(names(&load.path), ["`mystery` called by `main`", "`tail`", "read by `main`"]);
    assert!(load.path[1].environment && !load.path[2].environment);
    assert!(load.reason.contains("nobody has said what it writes"), "{}", load.reason);
    assert_eq!((load.at.as_str(), load.data.as_str()), ("unknown.c:12", "4-byte integer, member of struct node"));
    let advice = &e.cheaper[load.cheaper[0]];
    assert_eq!((advice.advice, advice.function.as_str()), (Advice::Annotate, "mystery"));
    // Three loads of four bytes, an event counted as eight.
    assert_eq!(advice.saves, Some(24), "{advice:?}");
    assert!(advice.stanza.as_ref().is_some_and(|s| s.contains("names = [\"mystery\"]")));
}

#[test]
fn memory_of_the_library_is_where_errno_comes_from() {
    let e = explained("errno");
    let load = e.items.iter().find(|i| i.what == "load -> log value").expect("the load of errno");
    assert_eq!(names(&load.path), ["memory of the library (`__errno_location`)", "read by `main`"]);
    assert!(load.reason.contains("does not exist at replay"), "{}", load.reason);
    // It is meant: there is nothing to be gained.
    assert_eq!(e.cheaper, []);
}

#[test]
fn the_price_of_the_other_side_is_computed() {
    let e = explained("mixed");
    let read = &e.items[0];
    assert_eq!(read.path[0].name, "`read` called by `main`");
    assert!(read.path[1].name.starts_with("memory from `malloc` at mixed.c:10"), "{}", read.path[1].name);
    assert_eq!(read.path[2].name, "read by `main`");
    assert!(read.reason.contains("would cost 1.4 KB more"), "{}", read.reason);
}

#[test]
fn figures_add_up_and_the_text_is_always_the_same() {
    let e = explained("wrapper");
    let sum = e.items.iter().map(|i| i.estimated.bytes).sum::<u64>();
    assert_eq!(sum, e.estimated.bytes);
    assert_eq!(e.origins.iter().map(|o| o.items).sum::<usize>(), e.items.len());
    assert_eq!(items_text::explanation(&e), items_text::explanation(&explained("wrapper")));
}

#[test]
fn functions_variables_and_lines_are_found() {
    let main = &answers("passthrough", "main").expect("found")[0];
    assert_eq!(main.title, "function `main` (passthrough.c:4)");
    assert_eq!(main.items.len(), 2);
    let read = &answers("passthrough", "read").expect("found")[0];
    assert!(read.says[0].contains("not run at replay") && read.says[0].contains("1 place."), "{:?}", read.says);
    let tail = &answers("unknown", "tail").expect("found")[0];
    assert!(tail.says[0].contains("in the environment"), "{:?}", tail.says);
    assert_eq!(tail.path.last().map(|s| s.name.as_str()), Some("read by `main`"));
    let untouched = &answers("unknown", "untouched").expect("found")[0];
    assert!(untouched.says[0].contains("in replay space"), "{:?}", untouched.says);
    let line = &answers("unknown", "unknown.c:11").expect("found")[0];
    assert!(line.items.iter().any(|i| i.what.starts_with("mystery")), "{line:?}");
    assert!(line.says.iter().any(|s| s.contains("a load of `untouched` is not logged")), "{:?}", line.says);
}

#[test]
fn other_names_are_answered_with_near_ones() {
    assert_eq!(answers("unknown", "untoched"), Err(vec!["untouched".to_owned()]));
    assert_eq!(answers("unknown", "unknown.c:4711"), Err(vec!["unknown.c:13".to_owned(), "unknown.c:12".to_owned()]));
    assert_eq!(answers("unknown", "unknwn.c:12"), Err(vec!["unknown.c".to_owned()]));
    assert_eq!(answers("unknown", "no such thing at all"), Err(vec![]));
}

/// A function that is free, one that must be replayed, and between them what the cut chooses.
#[test]
fn partial_targets_are_explained() {
    let (e, fetch, parse) = with_target("partial", &["main", "parse"], |ways, cheaper| {
        let about = |name: &str| what::what(ways, Vec::new(), name, 10, None).expect("found").0.remove(0);
        (items::explain(ways, cheaper, None, usize::MAX), about("fetch"), about("parse"))
    });
    let down = e.items.iter().find(|i| i.what.starts_with("downcall of `fetch`")).expect("a downcall");
    assert_eq!(names(&down.path), ["`read` called by `fetch`", "`fetch`", "result used by `main`"]);
    assert!(down.reason.contains("cheaper so: to replay it would cost"), "{}", down.reason);
    assert!(fetch.says[0].starts_with("It is in the environment"), "{:?}", fetch.says);
    assert_eq!(parse.says[0], "It runs again at replay: in the target.");
    let load = e.items.iter().find(|i| i.what.starts_with("load")).expect("a load");
    assert_eq!(names(&load.path), ["`read` called by `fetch`", "`response`", "read by `parse`"]);
}

/// Without a target, what it would save to leave a function out is computed.
#[test]
fn functions_to_leave_out_are_suggested() {
    let e = explained("partial");
    let advice = e.cheaper.iter().find(|s| s.advice == Advice::Exclude && s.function == "fetch").expect("a suggestion");
    assert!(advice.saves.is_some_and(|n| n > 100), "{advice:?}");
    let asked = with_target("partial", &["fetch", "main"], |ways, cheaper| items::explain(ways, cheaper, None, usize::MAX));
    assert!(asked.cheaper.iter().all(|s| s.advice != Advice::Exclude), "{:?}", asked.cheaper);
}

#[test]
fn local_variables_and_members_have_names() {
    let s = &answers("partial", "main:s").expect("found")[0];
    assert_eq!(s.title, "`s` of `main` (partial.c:23), struct status, 8 bytes");
    assert_eq!(answers("partial", "s").expect("found")[0].title, s.title);
    assert_eq!(answers("partial", "parse:s"), Err(vec!["main:s".to_owned()]));
    let e = explained("unknown");
    assert!(e.items.iter().any(|i| i.path[1].name == "`head.value` of `main`"), "{:#?}", e.items);
}

fn drawn(name: &str, target: &[&str]) -> Picture {
    with_target(name, target, |ways, _| picture::picture(ways, &mut |_, line| Some(format!("text {line}"))))
}

#[test]
fn the_picture_has_the_log_between_its_sides() {
    let p = drawn("mixed", &[]);
    for e in &p.edges {
        let (from, to) = (&p.nodes[e.from as usize], &p.nodes[e.to as usize]);
        assert!(!e.logged || from.environment && !to.environment, "{from:?} {to:?}");
    }
    // One object, of which the header is replayed and the body is not.
    let parts: Vec<bool> = p.nodes.iter().filter(|n| n.kind == NodeKind::Memory && n.name.contains("mixed.c:10")).map(|n| n.environment).collect();
    assert!(parts.contains(&true) && parts.contains(&false), "{:#?}", p.nodes);
    let index = |name: &str| p.nodes.iter().position(|n| n.name == name).expect("a node") as u32;
    let result = p.edges.iter().find(|e| e.from == index("read") && e.to == index("main")).expect("an edge");
    assert!(result.logged && result.places.iter().all(|s| p.places[*s as usize].text.starts_with("text ")));
    assert_eq!(serde_json::to_string(&p).expect("JSON"), serde_json::to_string(&drawn("mixed", &[])).expect("JSON"));
}

#[test]
fn functions_of_the_environment_are_drawn_there() {
    let p = drawn("partial", &["main"]);
    let node = |name: &str| p.nodes.iter().position(|n| n.name == name && n.kind == NodeKind::Function).expect("a node");
    assert!(p.nodes[node("fetch")].environment && !p.nodes[node("main")].environment);
    let edge = p.edges.iter().find(|e| e.from as usize == node("fetch") && e.to as usize == node("main")).expect("a result");
    assert!(edge.logged, "{edge:?}");
}
