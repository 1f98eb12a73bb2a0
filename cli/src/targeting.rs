//! The options that choose the replay target, the same for every command that has them.

use crate::config::Config;
use crate::program::Program;

/// Which functions are replayed.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Targeting {
    /// Replay only these functions, and whatever is cheaper replayed than logged: names, globs of names
    /// (`http_*`), source files (`src/retr.c`), directories (`src/http/`). May be repeated; default: what
    /// itarget.toml says, else what an executable was linked with, else all (as `*` does).
    #[arg(long, value_name = "PATTERN")]
    target: Vec<String>,
    /// Functions not to replay, as for --target.
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,
}

impl Targeting {
    /// Nothing was asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.target.is_empty() && self.exclude.is_empty()
    }

    /// The patterns, those that exclude after a `!`.
    #[must_use]
    pub fn patterns(&self) -> Vec<String> {
        self.target.iter().cloned().chain(self.exclude.iter().map(|p| format!("!{p}"))).collect()
    }

    /// The patterns, or else those of itarget.toml, or else those that the program was linked with, if it is an
    /// executable.
    #[must_use]
    pub fn of(&self, config: &Config, program: Option<&Program>) -> Vec<String> {
        if !self.is_empty() {
            return self.patterns();
        }
        let name = program.and_then(|p| p.path.file_name()).map(|n| n.to_string_lossy());
        let remembered = || program.and_then(|p| p.plan().ok()).map(|p| p.targets).unwrap_or_default();
        config.targets(name.as_deref()).unwrap_or_else(remembered)
    }
}
