//! What the environment asks of the compiler wrapper.

use crate::config::Config;
use crate::errors::{Error, nearest};
use crate::weighing::Match;
use itarget_abi::env;

/// Settings of one run of the wrapper.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// Files with annotations to add.
    pub annotations: Vec<String>,
    /// Clang to run instead of the default.
    pub clang: Option<String>,
    /// `min`, `functions`, `libc`, `profile` or `check`.
    pub cut: Option<String>,
    /// Log file.
    pub log: Option<String>,
    /// Run clang alone.
    pub off: bool,
    /// Profile with capacities.
    pub profile: Option<String>,
    /// How the profile has to fit the program.
    pub profile_match: Match,
    /// Replay target: patterns, those that exclude after a `!`; empty: all functions.
    pub targets: Vec<String>,
}

impl Settings {
    /// Reads them from name-value pairs; an empty value counts as absent.
    ///
    /// # Errors
    /// IT0203 for an unknown variable with our compiler prefix, IT0204 for a value that can't be.
    pub fn read(variables: impl Iterator<Item = (String, String)>) -> Result<Settings, Error> {
        let mut s = Settings::default();
        let mut mine: Vec<_> = variables.filter(|(name, _)| name.starts_with("ITARGET_CC_")).collect();
        mine.sort();
        for (name, value) in mine {
            let given = Some(value.clone()).filter(|v| !v.is_empty());
            match name.as_str() {
                "ITARGET_CC_ANNOTATIONS" => {
                    s.annotations = value.split(':').filter(|p| !p.is_empty()).map(str::to_string).collect();
                }
                "ITARGET_CC_CLANG" => s.clang = given,
                "ITARGET_CC_CUT" => {
                    if !matches!(value.as_str(), "" | "min" | "functions" | "libc" | "profile" | "check") {
                        return Err(Error::new("IT0204", format!("ITARGET_CC_CUT is `{value}`"))
                            .hint("it may be min, functions, libc or profile"));
                    }
                    s.cut = given;
                }
                env::CC_LOG => s.log = given,
                "ITARGET_CC_OFF" => {
                    if !matches!(value.as_str(), "" | "0" | "1") {
                        return Err(Error::new("IT0204", format!("ITARGET_CC_OFF is `{value}`")).hint("it may be 0 or 1"));
                    }
                    s.off = value == "1";
                }
                "ITARGET_CC_PROFILE" => s.profile = given,
                "ITARGET_CC_PROFILE_MATCH" => {
                    s.profile_match = Match::of_text(&value).ok_or_else(|| {
                        Error::new("IT0204", format!("ITARGET_CC_PROFILE_MATCH is `{value}`")).hint("it may be exact or function")
                    })?;
                }
                // The analysis reads it itself.
                "ITARGET_CC_RACES" => {}
                "ITARGET_CC_TARGET" => {
                    s.targets = value.split(':').filter(|p| !p.is_empty()).map(str::to_string).collect();
                }
                _ => {
                    let known = env::ALL.iter().filter(|v| v.reader == env::Reader::Compiler).map(|v| v.name);
                    let e = Error::new("IT0203", format!("unknown environment variable {name}"));
                    return Err(match nearest(&name, known) {
                        Some(near) => e.hint(format!("did you mean {near}?")),
                        None => e.hint("unset it"),
                    });
                }
            }
        }
        Ok(s)
    }

    /// Fills in from itarget.toml what the environment leaves open, for the link of `program`.
    #[must_use]
    pub fn or(mut self, config: &Config, program: &str) -> Settings {
        if self.targets.is_empty() {
            self.targets = config.targets(Some(program)).unwrap_or_default();
        }
        self.cut = self.cut.or_else(|| config.cut.clone());
        // Files given later win.
        self.annotations = config.annotations.iter().flatten().cloned().chain(self.annotations).collect();
        self
    }

    /// The cut to ask for.
    #[must_use]
    pub fn cut(&self) -> &str {
        self.cut.as_deref().unwrap_or("min")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(list: &[(&str, &str)]) -> Result<Settings, Error> {
        Settings::read(list.iter().map(|(a, b)| (a.to_string(), b.to_string())))
    }

    #[test]
    fn values() {
        assert_eq!(read(&[("ITARGET_CC_PROFILE_MATCH", "function")]).expect("value").profile_match, Match::Function);
        let s = read(&[("ITARGET_CC_CUT", "libc"), ("ITARGET_CC_ANNOTATIONS", "a::b"), ("ITARGET_CC_OFF", "1"), ("X", "y")]);
        let s = s.expect("settings");
        assert_eq!((s.cut(), s.annotations.len(), s.off), ("libc", 2, true));
        assert_eq!(read(&[("ITARGET_CC_CUT", "")]).expect("empty").cut(), "min");
        assert_eq!(read(&[("ITARGET_MODE", "record")]).expect("not ours"), Settings::default());
    }

    #[test]
    fn the_environment_wins_over_the_project() {
        let text = "target = ['f']\nexclude = ['g']\ncut = 'libc'\nannotations = ['a.toml']\nprograms = ['app']";
        let config = Config::parse(std::path::Path::new("/p/itarget.toml"), text).expect("well formed");
        let of = |list: &[(&str, &str)], program| read(list).expect("settings").or(&config, program);
        let s = of(&[], "app");
        assert_eq!((s.targets, s.cut, s.annotations), (vec!["f".into(), "!g".into()], Some("libc".into()), vec!["/p/a.toml".into()]));
        let s = of(&[("ITARGET_CC_TARGET", "h"), ("ITARGET_CC_CUT", "min"), ("ITARGET_CC_ANNOTATIONS", "b")], "app");
        assert_eq!((s.targets, s.cut, s.annotations), (vec!["h".into()], Some("min".into()), vec!["/p/a.toml".into(), "b".into()]));
        assert!(of(&[], "conftest").targets.is_empty());
    }

    #[test]
    fn mistakes() {
        let e = read(&[("ITARGET_CC_PROFIL", "x")]).expect_err("unknown");
        assert_eq!((e.code, e.hint.as_deref()), ("IT0203", Some("did you mean ITARGET_CC_PROFILE?")));
        assert_eq!(read(&[("ITARGET_CC_CUT", "max")]).expect_err("value").code, "IT0204");
        assert_eq!(read(&[("ITARGET_CC_PROFILE_MATCH", "name")]).expect_err("value").code, "IT0204");
    }

    #[test]
    fn every_compiler_variable_of_the_contract_is_read() {
        for v in env::ALL.iter().filter(|v| v.reader == env::Reader::Compiler) {
            assert!(read(&[(v.name, "")]).is_ok(), "{}", v.name);
        }
    }
}
