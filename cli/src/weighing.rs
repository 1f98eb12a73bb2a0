//! The options that say where weights come from, the same for every command that has them.

use std::path::{Path, PathBuf};

/// Where the weights of the cut come from.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Weighing {
    /// Weights measured by `itarget profile`.
    #[arg(long, value_name = "FILE")]
    pub profile: Option<PathBuf>,
    /// What to do with a profile of another build: refuse it, or use it for the functions that are as they were.
    #[arg(long, value_enum, value_name = "HOW")]
    pub profile_match: Option<Match>,
}

/// How a profile has to fit the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, clap::ValueEnum)]
pub enum Match {
    /// It was made with this very program (default).
    #[default]
    Exact,
    /// By function: those with the same name and body have measured weights, the others estimates.
    Function,
}

impl Match {
    /// Reads its name.
    #[must_use]
    pub fn of_text(text: &str) -> Option<Match> {
        match text {
            "" | "exact" => Some(Match::Exact),
            "function" => Some(Match::Function),
            _ => None,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Match::Exact => "exact",
            Match::Function => "function",
        }
    }
}

impl Weighing {
    /// The profile's absolute path.
    #[must_use]
    pub fn absolute(&self) -> Option<String> {
        let absolute = |p: &Path| std::path::absolute(p).unwrap_or_else(|_| p.to_path_buf()).display().to_string();
        self.profile.as_deref().map(absolute)
    }

    /// How it has to fit.
    #[must_use]
    pub fn matching(&self) -> Match {
        self.profile_match.unwrap_or_default()
    }
}
