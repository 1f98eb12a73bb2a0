//! Orders from the compiler wrapper: a JSON file named by an environment variable.

use serde::Deserialize;
use std::process::Command;

/// Environment variable with the path of the JSON file.
pub const VARIABLE: &str = "ITARGET_PASS_CONFIG";

/// What the wrapper wants.
#[derive(Debug, Deserialize)]
pub struct Config {
    /// ABI version of the wrapper.
    pub abi: u32,
    /// The `itarget` executable, for `itarget analyze`.
    pub itarget: String,
    /// Directory for temporary files; lives until the link has ended.
    pub work_dir: String,
    /// Replay target: patterns, those that exclude after a `!`.
    #[serde(default)]
    pub targets: Vec<String>,
    /// `min`, `functions`, `libc` or `profile`.
    pub cut: String,
    /// Annotation files to add.
    #[serde(default)]
    pub annotations: Vec<String>,
    /// Profile with capacities.
    #[serde(default)]
    pub profile: Option<String>,
    /// How it must fit: `exact` or `function`.
    #[serde(default)]
    pub profile_match: Option<String>,
    /// All symbols are exported, whoever uses them.
    #[serde(default)]
    pub exports_all: bool,
    /// The link line, kept as it is for `itarget relink`.
    #[serde(default)]
    pub link: serde_json::Value,
    /// Keep bitcode, plan and link line in the executable.
    #[serde(default)]
    pub keep: bool,
}

impl Config {
    /// Reads the configuration; `None` when the plugin was loaded without one.
    ///
    /// # Errors
    /// Unreadable or malformed file, wrapper of another version.
    pub fn from_environment() -> Result<Option<Config>, String> {
        let Ok(path) = std::env::var(VARIABLE) else { return Ok(None) };
        let text = std::fs::read_to_string(&path).map_err(|e| format!("IT0804: {path}: {e}"))?;
        let config: Config =
            serde_json::from_str(&text).map_err(|e| format!("IT0804: {path}: {e}"))?;
        if config.abi != itarget_abi::version::ABI {
            return Err(format!(
                "IT0805: itarget-cc speaks ABI {}, its pass plugin {}: install both from the same build",
                config.abi,
                itarget_abi::version::ABI
            ));
        }
        Ok(Some(config))
    }

    /// A path in the work directory.
    pub fn work(&self, name: &str) -> String {
        format!("{}/{name}", self.work_dir)
    }

    /// Runs the analyzer on the merged bitcode.
    ///
    /// # Errors
    /// It does not run, or refuses the program (its message is on stderr already).
    pub fn analyze(&self, bitcode: &str, plan: &str) -> Result<(), String> {
        let mut command = Command::new(&self.itarget);
        command.args(["analyze", "--for-pass", "--plan", plan, "--cut", &self.cut]);
        for a in &self.annotations {
            command.args(["--annotations", a]);
        }
        if let Some(p) = &self.profile {
            command.args(["--profile", p]);
        }
        if let Some(m) = &self.profile_match {
            command.args(["--profile-match", m]);
        }
        for target in &self.targets {
            match target.strip_prefix('!') {
                Some(pattern) => command.args(["--exclude", pattern]),
                None => command.args(["--target", target]),
            };
        }
        command.arg(bitcode);
        let status = command
            .status()
            .map_err(|e| format!("IT0806: can't run {}: {e}", self.itarget))?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("IT0807: no interface could be computed for this program ({status})"))
        }
    }
}
