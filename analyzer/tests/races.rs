//! The races of the programs in tests/races/static: each says by `//# races:` which objects race, and by `//# atomic:` on which only
//! atomic instructions meet. Both lists are whole: what is missing there must not be found.

use itarget_analyzer::bitcode;
use itarget_analyzer::points_to::{Options, PointsTo};
use itarget_analyzer::{races, report};
use itarget_annotations::Annotations;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/races/static")
}

fn report(program: &Path, level: &str) -> report::races::Report {
    let output = Command::new("clang-19")
        .args([level, "-Xclang", "-disable-llvm-passes", "-g", "-w", "-pthread", "-emit-llvm", "-c", "-o", "-"])
        .arg(program)
        .output()
        .expect("clang-19 runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let directory = tempfile();
    let path = directory.join(program.file_stem().expect("has a name")).with_extension("bc");
    std::fs::write(&path, output.stdout).expect("writes");
    let module = bitcode::load_with(&[&path], bitcode::Extras { variables: true, shapes: false }).expect("loads");
    std::fs::remove_file(&path).expect("removes");
    let points_to = PointsTo::solve(&module, Annotations::builtin(), &Options { outside: true, ..Options::default() });
    let found = races::find(&module, &points_to, Annotations::builtin());
    assert!(found.cells.is_sorted(), "{}", program.display());
    report::races::collect(&module, &points_to, &found)
}

fn tempfile() -> PathBuf {
    let directory = std::env::temp_dir().join(format!("itarget-races-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("makes");
    directory
}

/// The names after a directive, without `none`.
fn listed(source: &str, directive: &str) -> BTreeSet<String> {
    let line = source.lines().find_map(|l| l.strip_prefix(directive)).unwrap_or_default();
    line.split(',').map(|n| n.trim().to_owned()).filter(|n| !n.is_empty() && n != "none").collect()
}

#[test]
fn programs_race_where_they_say() {
    let mut programs: Vec<PathBuf> = std::fs::read_dir(directory()).expect("is there").flatten().map(|e| e.path()).collect();
    programs.sort();
    assert!(programs.len() >= 20);
    let mut wrong = Vec::new();
    for program in &programs {
        let source = std::fs::read_to_string(program).expect("reads");
        assert!(source.contains("//# races:"), "{}", program.display());
        for level in ["-O1", "-O0"] {
            let report = report(program, level);
            let names = |atomic: bool| -> BTreeSet<String> {
                report.races.iter().filter(|r| r.atomic == atomic).map(|r| r.object.clone()).collect()
            };
            for (directive, atomic) in [("//# races:", false), ("//# atomic:", true)] {
                let (expected, found) = (listed(&source, directive), names(atomic));
                if expected != found {
                    wrong.push(format!("{} {level} {directive} expected {expected:?}, found {found:?}", program.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_report_shows_both_sides() {
    let report = report(&directory().join("one-way-unlocked.c"), "-O1");
    let text = report::races::text(&report, usize::MAX);
    let text: Vec<String> = text.lines().map(|l| l.replace("../tests/races/static", "")).collect();
    let expected = [
        "data race: global variable early of type long, /one-way-unlocked.c:4",
        "  write in work at /one-way-unlocked.c:10",
        "    no lock held; thread work (several)",
        "  read in work at /one-way-unlocked.c:10",
        "    no lock held; thread work (several)",
    ];
    assert_eq!(text[..5], expected);
    assert_eq!(text.last().map(String::as_str), Some("2 of 3 cells that threads share race, in 2 objects; 0 only by atomic instructions; 1 locks told apart"));
    assert!(report::races::text(&report, 1).contains("... 1 more: --all shows them"));
}
