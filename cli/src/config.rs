//! `itarget.toml`: what a project wants replayed, for every command that makes or computes an interface.
//!
//! The file is looked for in the current directory and its parents; the first one found counts, and is not merged
//! with others. `ITARGET_CONFIG` names another file, or is `off`. Nothing is said when it is read.

use crate::errors::{Error, nearest};
use globset::Glob;
use itarget_abi::env;
use std::ffi::OsStr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Name of the file.
pub const NAME: &str = "itarget.toml";

/// Keys, sorted.
const KEYS: [&str; 5] = ["annotations", "cut", "exclude", "programs", "target"];

/// Kinds of interface that a project may ask for.
const CUTS: [&str; 3] = ["min", "functions", "libc"];

/// What the file says; `None` where it says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// Files with annotations, as absolute paths (in the file: relative to its own directory).
    pub annotations: Option<Vec<String>>,
    /// `min`, `functions` or `libc`.
    pub cut: Option<String>,
    target: Option<Vec<String>>,
    exclude: Option<Vec<String>>,
    programs: Option<Vec<Glob>>,
}

impl Config {
    /// The configuration of the current directory; empty without a file.
    ///
    /// # Errors
    /// IT0207: malformed; IT0208: unreadable.
    pub fn here() -> Result<Config, Error> {
        let start = std::env::current_dir().unwrap_or_default();
        match find(&start, std::env::var_os(env::CONFIG).as_deref())? {
            None => Ok(Config::default()),
            Some((path, text)) => Config::parse(&path, &text),
        }
    }

    /// The patterns of the replay target of a program, those that exclude after a `!`; `None` if the file has none for
    /// it. Without a name (bitcode has none) the target is for it.
    #[must_use]
    pub fn targets(&self, program: Option<&str>) -> Option<Vec<String>> {
        let meant = |name| self.programs.as_ref().is_none_or(|l| l.iter().any(|g| g.compile_matcher().is_match(name)));
        if !program.is_none_or(meant) || (self.target.is_none() && self.exclude.is_none()) {
            return None;
        }
        let excluded = self.exclude.iter().flatten().map(|p| format!("!{p}"));
        Some(self.target.iter().flatten().cloned().chain(excluded).collect())
    }

    /// Reads the text of the file at `path`.
    ///
    /// # Errors
    /// IT0207, with the place.
    pub fn parse(path: &Path, text: &str) -> Result<Config, Error> {
        let file = File { path, text };
        let table = DeTable::parse(text).map_err(|e| file.at(e.span().unwrap_or(0..0), e.message()))?;
        let mut config = Config::default();
        let directory = path.parent().unwrap_or(Path::new(""));
        for (key, value) in table.get_ref() {
            match &**key.get_ref() {
                "annotations" => {
                    let join = |(_, p): (_, String)| directory.join(p).display().to_string();
                    config.annotations = Some(file.strings(value)?.into_iter().map(join).collect());
                }
                "cut" => config.cut = Some(file.cut(value)?),
                "exclude" => config.exclude = Some(file.patterns(value)?),
                "programs" => {
                    let glob = |(span, text): (_, String)| Glob::new(&text).map_err(|e| file.at(span, &e.kind().to_string()));
                    config.programs = Some(file.strings(value)?.into_iter().map(glob).collect::<Result<_, _>>()?);
                }
                "target" => config.target = Some(file.patterns(value)?),
                other => {
                    let error = file.at(key.span(), &format!("unknown key `{other}`"));
                    return Err(match nearest(other, KEYS.into_iter()) {
                        Some(near) => error.hint(format!("did you mean `{near}`?")),
                        None => error.hint(format!("the keys are {}", KEYS.join(", "))),
                    });
                }
            }
        }
        Ok(config)
    }
}

/// The file that counts, and its text.
fn find(start: &Path, asked: Option<&OsStr>) -> Result<Option<(PathBuf, String)>, Error> {
    let unreadable = |path: &Path, e: &std::io::Error| {
        Error::new("IT0208", format!("{}: {e}", path.display()))
            .hint(format!("correct it, or read none: {}=off", env::CONFIG))
    };
    let read = |path: PathBuf| match std::fs::read_to_string(&path) {
        Ok(text) => Ok((path, text)),
        Err(e) => Err(unreadable(&path, &e)),
    };
    match asked.filter(|a| !a.is_empty()) {
        Some(off) if off == "off" => return Ok(None),
        Some(path) => return read(start.join(path)).map(Some),
        None => {}
    }
    for directory in start.ancestors() {
        let path = directory.join(NAME);
        match path.symlink_metadata() {
            Ok(_) => return read(path).map(Some),
            Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::PermissionDenied) => {}
            Err(e) => return Err(unreadable(&path, &e)),
        }
    }
    Ok(None)
}

struct File<'a> {
    path: &'a Path,
    text: &'a str,
}

type Value<'a> = Spanned<DeValue<'a>>;

impl File<'_> {
    /// An error at a place.
    fn at(&self, span: Range<usize>, message: &str) -> Error {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        Error::new("IT0207", format!("{}:{line}:{column}: {message}", self.path.display()))
    }

    /// A list of texts that are not empty, with their places.
    fn strings(&self, value: &Value) -> Result<Vec<(Range<usize>, String)>, Error> {
        let wanted = |v: &Value| self.at(v.span(), &format!("a list of strings is wanted, this is {}", kind(v.get_ref())));
        let DeValue::Array(list) = value.get_ref() else {
            return Err(wanted(value).hint("write it as [\"one\", \"two\"]"));
        };
        let one = |item: &Value| match item.get_ref() {
            DeValue::String(text) if text.is_empty() => Err(self.at(item.span(), "an empty string").hint("leave it out")),
            DeValue::String(text) => Ok((item.span(), text.clone().into_owned())),
            _ => Err(wanted(item).hint("put it into quotes")),
        };
        list.iter().map(one).collect()
    }

    /// Patterns of functions.
    fn patterns(&self, value: &Value) -> Result<Vec<String>, Error> {
        let list = self.strings(value)?;
        if let Some((span, text)) = list.iter().find(|(_, text)| text.starts_with('!')) {
            let error = self.at(span.clone(), &format!("`{text}` begins with a `!`"));
            return Err(error.hint("what is not to be replayed goes into the list `exclude`, without it"));
        }
        Ok(list.into_iter().map(|(_, text)| text).collect())
    }

    fn cut(&self, value: &Value) -> Result<String, Error> {
        match value.get_ref() {
            DeValue::String(text) if CUTS.contains(&&**text) => Ok(text.clone().into_owned()),
            DeValue::String(text) => {
                let error = self.at(value.span(), &format!("there is no cut `{text}`"));
                Err(match nearest(text, CUTS.into_iter()).filter(|_| text.len() > 2) {
                    Some(near) => error.hint(format!("did you mean `{near}`?")),
                    None => error.hint("it may be \"min\", \"functions\" or \"libc\""),
                })
            }
            other => Err(self
                .at(value.span(), &format!("a string is wanted, this is {}", kind(other)))
                .hint("it may be \"min\", \"functions\" or \"libc\"")),
        }
    }
}

fn kind(value: &DeValue) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, Error> {
        Config::parse(Path::new("/p/itarget.toml"), text)
    }

    fn said(text: &str) -> (String, String) {
        let e = parse(text).expect_err(text);
        assert_eq!(e.code, "IT0207");
        (e.message, e.hint.unwrap_or_default())
    }

    #[test]
    fn values() {
        let all = "target = ['http_*', \"src/a.c\"]\nexclude = ['main']\ncut = 'functions'\nannotations = ['a.toml', '/b']\n";
        let c = parse(all).expect("well formed");
        assert_eq!(c.targets(Some("x")).expect("targets"), ["http_*", "src/a.c", "!main"]);
        assert_eq!(c.annotations.as_deref(), Some(&["/p/a.toml".to_string(), "/b".to_string()][..]));
        assert_eq!(c.cut.as_deref(), Some("functions"));
        let empty = parse("# nothing\n").expect("well formed");
        assert_eq!((empty.targets(None), &empty), (None, &Config::default()));
        // A list without members is not the same as no list: it overrules what an executable remembers.
        assert_eq!(parse("target = []").expect("well formed").targets(None), Some(vec![]));
    }

    #[test]
    fn a_target_may_be_for_some_programs() {
        let c = parse("target = ['f']\nprograms = ['redis-server', 'redis-c*']").expect("well formed");
        let meant = |name| c.targets(name).is_some();
        assert!(meant(None) && meant(Some("redis-server")) && meant(Some("redis-cli")) && !meant(Some("conftest")));
    }

    #[test]
    fn mistakes_have_their_place() {
        assert_eq!(said("cut = 'min'\ntargets = []"), ("/p/itarget.toml:2:1: unknown key `targets`".into(), "did you mean `target`?".into()));
        let (message, hint) = said("[project]\nname = 'x'");
        assert!(message.starts_with("/p/itarget.toml:1:") && hint.starts_with("the keys are annotations, "), "{message} {hint}");
        assert_eq!(said("cut = 'lib'"), ("/p/itarget.toml:1:7: there is no cut `lib`".into(), "did you mean `libc`?".into()));
        assert!(said("cut = 'everything'").1.contains("\"min\""));
        assert_eq!(said("cut = 3").0, "/p/itarget.toml:1:7: a string is wanted, this is a number");
        assert_eq!(said("target = 'f'").0, "/p/itarget.toml:1:10: a list of strings is wanted, this is a string");
        assert_eq!(said("target = ['f',\n  7]").0, "/p/itarget.toml:2:3: a list of strings is wanted, this is a number");
        assert!(said("target = ['!f']").1.contains("exclude"));
        assert!(said("exclude = ['']").0.ends_with(":1:12: an empty string"));
        assert!(said("programs = ['a[b']").0.starts_with("/p/itarget.toml:1:13: "));
        assert!(said("cut = 'min'\ncut = 'libc'").0.starts_with("/p/itarget.toml:2:1: "));
        assert!(said("é = [\n").0.starts_with("/p/itarget.toml:"));
        assert!(said("target").0.starts_with("/p/itarget.toml:1:"));
    }

    #[test]
    fn the_nearest_file_counts() {
        let dir = tempfile::tempdir().expect("directory");
        let deep = dir.path().join("a/b");
        std::fs::create_dir_all(&deep).expect("directories");
        let at = |asked: Option<&str>| find(&deep, asked.map(OsStr::new));
        std::fs::write(dir.path().join(NAME), "cut = 'libc'").expect("write");
        assert_eq!(at(None).expect("found").expect("some").1, "cut = 'libc'");
        std::fs::write(dir.path().join("a").join(NAME), "cut = 'min'").expect("write");
        assert_eq!(at(Some("")).expect("found").expect("some").1, "cut = 'min'");
        assert_eq!(at(Some("../../itarget.toml")).expect("found").expect("some").1, "cut = 'libc'");
        assert_eq!(at(Some("off")).expect("off"), None);
        assert_eq!(at(Some("none.toml")).expect_err("no file").code, "IT0208");
        std::fs::create_dir(deep.join(NAME)).expect("directory");
        assert_eq!(at(None).expect_err("a directory").code, "IT0208");
    }
}
