//! The repository tests itself: file sizes, purposes, no placeholders.

use itarget_tests::root;
use std::path::PathBuf;

fn rust_files() -> Vec<PathBuf> {
    let mut out = vec![];
    let mut todo = vec![root()];
    while let Some(dir) = todo.pop() {
        for e in std::fs::read_dir(&dir).into_iter().flatten().flatten() {
            let path = e.path();
            let name = e.file_name().to_string_lossy().into_owned();
            // Cargo marks what it builds into.
            let built = name.starts_with("target") || path.join("CACHEDIR.TAG").exists();
            if path.is_dir() && !name.starts_with('.') && !built {
                todo.push(path);
            } else if name.ends_with(".rs") {
                out.push(path);
            }
        }
    }
    out.sort();
    assert!(out.len() > 20, "the walk found {} files", out.len());
    out
}

#[test]
fn files_are_short_and_say_their_purpose() {
    let mut bad = vec![];
    let known = std::fs::read_to_string(root().join("tests/known-failures.tsv")).unwrap_or_default();
    for f in rust_files() {
        let text = std::fs::read_to_string(&f).unwrap_or_default();
        let name = f.strip_prefix(root()).unwrap_or(&f).to_string_lossy().into_owned();
        let is_known = known.lines().any(|l| l.split('\t').next() == Some(name.as_str()));
        if text.lines().count() > 800 && !is_known {
            bad.push(format!("{}: over 800 lines", f.display()));
        }
        if !text.starts_with("//!") && !text.starts_with("#!") {
            bad.push(format!("{}: does not open with //! and its purpose", f.display()));
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

#[test]
fn no_placeholders() {
    let marks = [concat!("todo", "!("), concat!("unimple", "mented!("), concat!("FIX", "ME"), concat!("XX", "X ")];
    let mut bad = vec![];
    for f in rust_files() {
        let text = std::fs::read_to_string(&f).unwrap_or_default();
        for (n, line) in text.lines().enumerate() {
            if marks.iter().any(|m| line.contains(m)) {
                bad.push(format!("{}:{}: {line}", f.display(), n + 1));
            }
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

#[test]
fn unsafe_has_a_safety_comment_and_its_place() {
    let allowed = ["runtime/src", "llvm-pass/src", "analyzer/src/bitcode", "cli/src"];
    let mut bad = vec![];
    for f in rust_files() {
        let name = f.strip_prefix(root()).unwrap_or(&f).to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&f).unwrap_or_default();
        let uses = text.lines().any(|l| l.contains(concat!("uns", "afe {")));
        if uses && !allowed.iter().any(|a| name.starts_with(a)) {
            bad.push(name);
        }
    }
    assert!(bad.is_empty(), "unsafe outside its places: {bad:?}");
}
