//! The replay target: which functions must be replayed, which must not, which are free.

use crate::model::Module;
use globset::{Glob, GlobBuilder, GlobMatcher};

/// What the user says of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wish {
    /// It is replayed: a function of the target.
    #[default]
    Replay,
    /// The cut decides.
    Free,
    /// It is not replayed.
    Environment,
}

/// Patterns as the user gives them. A pattern is the name of a function or a glob of such names
/// (`http_*`), or, if it has a `/` or the ending of a source file, the end of a path (`src/retr.c`); a directory
/// stands for all files in it (`src/http/`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Targets {
    /// Functions to replay; empty: all.
    pub include: Vec<String>,
    /// Functions not to replay.
    pub exclude: Vec<String>,
}

impl Targets {
    /// One text for each pattern, those that exclude after a `!`.
    #[must_use]
    pub fn to_text(&self) -> Vec<String> {
        self.include.iter().cloned().chain(self.exclude.iter().map(|p| format!("!{p}"))).collect()
    }

    /// The patterns of such texts.
    #[must_use]
    pub fn of_text<S: AsRef<str>>(texts: &[S]) -> Targets {
        let mut targets = Targets::default();
        for text in texts.iter().map(AsRef::as_ref).filter(|t| !t.is_empty()) {
            match text.strip_prefix('!') {
                Some(pattern) => targets.exclude.push(pattern.to_owned()),
                None => targets.include.push(text.to_owned()),
            }
        }
        targets
    }
}

/// Why the patterns can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Not a glob.
    #[error("`{pattern}` is not a pattern: {reason}")]
    Syntax {
        /// The pattern.
        pattern: String,
        /// What is wrong.
        reason: String,
    },
    /// Nothing matches.
    #[error("no function matches the target `{pattern}`")]
    Nothing {
        /// The pattern.
        pattern: String,
        /// Names of functions or files that are like it, best first.
        near: Vec<String>,
    },
    /// A function is asked for and excluded.
    #[error("`{function}` is in the target by `{include}` and excluded by `{exclude}`")]
    Conflict {
        /// The function.
        function: String,
        /// Pattern that includes it.
        include: String,
        /// Pattern that excludes it.
        exclude: String,
    },
}

/// Endings of source files.
const SOURCES: &[&str] = &["c", "cc", "cpp", "cxx", "h", "hpp", "inc", "y", "l"];

enum Pattern {
    Function(GlobMatcher),
    File(GlobMatcher),
}

impl Pattern {
    fn parse(text: &str) -> Result<Pattern, TargetError> {
        let bad = |e: &globset::Error| TargetError::Syntax { pattern: text.to_owned(), reason: e.kind().to_string() };
        let ending = text.rsplit_once('.').is_some_and(|(_, e)| SOURCES.contains(&e));
        if !ending && !text.contains('/') {
            return Ok(Pattern::Function(Glob::new(text).map_err(|e| bad(&e))?.compile_matcher()));
        }
        let path = text.trim_start_matches("./");
        let glob = match (path.starts_with('/'), ending) {
            (true, true) => path.to_owned(),
            (false, true) => format!("**/{path}"),
            (absolute, false) => format!("{}{}/**", if absolute { "" } else { "**/" }, path.trim_end_matches('/')),
        };
        let glob = GlobBuilder::new(&glob).literal_separator(true).build().map_err(|e| bad(&e))?;
        Ok(Pattern::File(glob.compile_matcher()))
    }

    fn matches(&self, function: &str, file: Option<&str>) -> bool {
        match self {
            Pattern::Function(glob) => glob.is_match(function),
            Pattern::File(glob) => file.is_some_and(|f| glob.is_match(f)),
        }
    }
}

/// What is wished for each function of the module.
///
/// # Errors
/// A pattern that is none, that matches nothing, or two that contradict each other.
pub fn resolve(module: &Module, targets: &Targets) -> Result<Vec<Wish>, TargetError> {
    let files: Vec<Option<&str>> =
        (module.functions.iter()).map(|f| Some(module.files.get(f.at?.file.index())?.as_str())).collect();
    let matches = |text: &String| -> Result<Vec<usize>, TargetError> {
        let pattern = Pattern::parse(text)?;
        let all = module.functions.iter().zip(&files).enumerate();
        let found: Vec<usize> = all.filter(|(_, (f, file))| pattern.matches(&f.name, **file)).map(|(i, _)| i).collect();
        if found.is_empty() {
            return Err(TargetError::Nothing { pattern: text.clone(), near: near(module, &pattern, text) });
        }
        Ok(found)
    };
    let free = if targets.include.is_empty() { Wish::Replay } else { Wish::Free };
    let mut wishes = vec![free; module.functions.len()];
    let mut by: Vec<Option<&String>> = vec![None; module.functions.len()];
    for pattern in &targets.include {
        for function in matches(pattern)? {
            wishes[function] = Wish::Replay;
            by[function] = Some(pattern);
        }
    }
    for pattern in &targets.exclude {
        for function in matches(pattern)? {
            if let Some(include) = by[function] {
                return Err(TargetError::Conflict {
                    function: module.functions[function].name.clone(),
                    include: include.clone(),
                    exclude: pattern.clone(),
                });
            }
            wishes[function] = Wish::Environment;
        }
    }
    Ok(wishes)
}

/// Up to three names that are like the pattern.
fn near(module: &Module, pattern: &Pattern, text: &str) -> Vec<String> {
    let text = text.replace(['*', '?'], "");
    let last = text.trim_end_matches('/').rsplit('/').next().unwrap_or(&text).to_owned();
    let mut names: Vec<(usize, &str)> = match pattern {
        Pattern::Function(_) => module.functions.iter().map(|f| (distance(&text, &f.name), f.name.as_str())).collect(),
        Pattern::File(_) => {
            let mut used: Vec<&str> =
                module.functions.iter().filter_map(|f| Some(module.files.get(f.at?.file.index())?.as_str())).collect();
            used.sort_unstable();
            used.dedup();
            used.iter().map(|f| (distance(&last, f.rsplit('/').next().unwrap_or(f)), *f)).collect()
        }
    };
    names.sort();
    names.into_iter().filter(|(d, _)| *d <= text.len() / 2 + 1).take(3).map(|(_, n)| n.to_owned()).collect()
}

/// Levenshtein distance; 1 when one holds the other.
fn distance(a: &str, b: &str) -> usize {
    if !a.is_empty() && (b.contains(a) || a.contains(b)) {
        return 1;
    }
    strsim::levenshtein(a, b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Class, FileId, Function, Location, Signature};

    fn module() -> Module {
        let function = |name: &str, file: usize| Function {
            name: name.into(),
            signature: Signature { params: Vec::new(), ret: Class::Void, variadic: false },
            byval: Vec::new(),
            exported: false,
            used_outside: false,
            address_taken: false,
            prototype: None,
            called_as: None,
            returns_twice: false,
            at: Some(Location { file: FileId::from(file), line: 1 }),
            twin: None,
            instrs: Vec::new(),
            blocks: Vec::new(),
            sites: Vec::new(),
            numbers: Vec::new(),
        };
        Module {
            files: vec!["/b/src/http.c".into(), "/b/src/net/sock.c".into(), "main.c".into()],
            functions: vec![function("http_get", 0), function("http_put", 0), function("main", 2), function("sock_read", 1)],
            ..Module::default()
        }
    }

    fn wishes(include: &[&str], exclude: &[&str]) -> Result<Vec<Wish>, TargetError> {
        let strings = |l: &[&str]| l.iter().map(|s| (*s).to_owned()).collect();
        resolve(&module(), &Targets { include: strings(include), exclude: strings(exclude) })
    }

    #[test]
    fn names_globs_files_and_directories() {
        use Wish::{Environment as E, Free as F, Replay as R};
        assert_eq!(wishes(&[], &[]), Ok(vec![R, R, R, R]));
        assert_eq!(wishes(&["http_*"], &[]), Ok(vec![R, R, F, F]));
        assert_eq!(wishes(&["main"], &["sock_read"]), Ok(vec![F, F, R, E]));
        assert_eq!(wishes(&["src/http.c", "./main.c"], &[]), Ok(vec![R, R, R, F]));
        assert_eq!(wishes(&["src/net/"], &[]), Ok(vec![F, F, F, R]));
        assert_eq!(wishes(&["src/"], &[]), Ok(vec![R, R, F, R]));
        assert_eq!(wishes(&[], &["/b/src/*.c"]), Ok(vec![E, E, R, R]));
    }

    #[test]
    fn what_matches_nothing_or_contradicts_itself() {
        let Err(TargetError::Nothing { near, .. }) = wishes(&["htp_get"], &[]) else { panic!("matched") };
        assert_eq!(near, ["http_get", "http_put"]);
        let Err(TargetError::Nothing { near, .. }) = wishes(&["src/htp.c"], &[]) else { panic!("matched") };
        assert_eq!(near[0], "/b/src/http.c");
        assert!(matches!(wishes(&["http_*"], &["http_put"]), Err(TargetError::Conflict { .. })));
        assert!(matches!(wishes(&["a[b"], &[]), Err(TargetError::Syntax { .. })));
    }
}
