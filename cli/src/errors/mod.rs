//! Expected errors: a code, what happened, what to do; and the catalogue of all codes.

mod catalogue;

pub use catalogue::CATALOGUE;

use std::fmt;

/// An error the user can do something about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// Code in the [`CATALOGUE`].
    pub code: &'static str,
    /// What happened.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Error {
    /// An error without a hint.
    #[must_use]
    pub fn new(code: &'static str, message: impl Into<String>) -> Error {
        Error { code, message: message.into(), hint: None }
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Error {
        self.hint = Some(hint.into());
        self
    }

    /// Prints it to stderr, coloured on a terminal.
    pub fn print(&self, program: &str) {
        anstream::eprintln!("{program}: \x1b[1;31merror\x1b[0m [{}]: {}", self.code, self.message);
        let more = format!("`itarget explain-code {}` says more", self.code);
        anstream::eprintln!("  \x1b[1mhint\x1b[0m: {}", self.hint.as_ref().unwrap_or(&more));
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Error {}

/// One entry of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// `ITnnnn`.
    pub code: &'static str,
    /// A short title.
    pub title: &'static str,
    /// What it means and what to do.
    pub what_to_do: &'static str,
}

/// The known name nearest to `name`, if one is near.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known.map(|k| (strsim::levenshtein(name, k), k)).min().filter(|(d, _)| *d <= 3).map(|(_, k)| k)
}

/// The page docs/errors.md.
#[cfg(test)]
fn page() -> String {
    let mut out = String::from("# Error codes\n\nMade from the catalogue in cli/src/errors/catalogue.rs; `itarget explain-code CODE` prints an entry.\n");
    for e in CATALOGUE {
        out += &format!("\n## {}: {}\n\n{}\n", e.code, e.title, e.what_to_do);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
    }

    #[test]
    fn the_catalogue_is_sorted() {
        assert!(CATALOGUE.is_sorted_by(|a, b| a.code < b.code));
    }

    /// `ITARGET_BLESS=1 cargo test -p itarget` writes it.
    #[test]
    fn the_page_is_up_to_date() {
        let path = root().join("docs/errors.md");
        if std::env::var_os("ITARGET_BLESS").is_some() {
            std::fs::write(&path, page()).expect("write");
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), page(), "run with ITARGET_BLESS=1");
    }

    fn codes(dir: &Path, found: &mut BTreeSet<String>) {
        for entry in dir.read_dir().into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() {
                if name != "target" {
                    codes(&path, found);
                }
            } else if name.ends_with(".rs") && name != "catalogue.rs" {
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                for (at, _) in text.match_indices("IT0") {
                    let code: String = text[at..].chars().take(6).collect();
                    if code.len() == 6 && code[2..].bytes().all(|b| b.is_ascii_digit()) {
                        found.insert(code);
                    }
                }
            }
        }
    }

    #[test]
    fn every_code_in_the_sources_is_in_the_catalogue() {
        let mut found = BTreeSet::new();
        for part in ["analyzer", "annotations", "cli/src", "llvm-pass", "runtime"] {
            codes(&root().join(part), &mut found);
        }
        let known: BTreeSet<String> = CATALOGUE.iter().map(|e| e.code.to_string()).collect();
        let missing: Vec<_> = found.difference(&known).collect();
        assert!(missing.is_empty(), "not in the catalogue: {missing:?}");
    }

    #[test]
    fn near_names() {
        assert_eq!(nearest("IT0602", ["IT0603", "IT0602"].into_iter()), Some("IT0602"));
        assert_eq!(nearest("abcdefgh", ["stuvwxyz"].into_iter()), None);
    }
}
