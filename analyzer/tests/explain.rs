//! Explanations of small C programs: ways, reasons and suggestions say what the program shows.

use itarget_analyzer::analysis::{Options, analyze_in_detail};
use itarget_analyzer::bitcode;
use itarget_analyzer::flow::weights::Weights;
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
    let output = Command::new("clang-19")
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plans"))
        .args(["-O1", "-Xclang", "-disable-llvm-passes", "-g", "-emit-llvm", "-c", "-o", "-", &format!("{name}.c")])
        .output()
        .expect("clang-19 runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let module = bitcode::from_bytes(name, output.stdout).expect("loads");
    let options = Options::default();
    let (analysis, mut details) =
        analyze_in_detail(&module, Annotations::builtin(), &options, &mut |_| {}).expect("has an interface");
    let weights = Weights::new(&module, &details.points_to, None);
    let suggestions =
        suggest::collect(&module, &details.points_to, &mut details.facts, &weights, options.cut, details.cut.value);
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
    assert_eq!(advice.saves, Some(24));
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
