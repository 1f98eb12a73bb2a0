//! Carrying an action out.

use super::action::{Action, Files, Link, decide};
use super::args::{Language, expand, response_text};
use super::settings::Settings;
use super::{joined, tools};
use crate::config::Config;
use crate::errors::Error;
use serde_json::json;
use std::ffi::OsString;
use std::io::Write;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Arguments above this many bytes go through a response file.
const LONG: usize = 100_000;

/// Runs the wrapper. Returns the exit status (or does not return: `exec`).
///
/// # Errors
/// IT02xx.
pub fn compiler(language: Language, args: Vec<OsString>) -> Result<i32, Error> {
    let args: Vec<String> = args
        .into_iter()
        .map(|a| a.into_string().map_err(|a| Error::new("IT0205", format!("argument {a:?} is not UTF-8"))))
        .collect::<Result<_, _>>()?;
    let settings =
        Settings::read(std::env::vars_os().filter_map(|(a, b)| Some((a.into_string().ok()?, b.into_string().ok()?))))?;
    if settings.off || args.first().is_some_and(|a| a.starts_with("-cc1")) {
        log(&settings, "off", &args);
        return exec(&mut driver(language, &settings), &args);
    }
    let args = expand(&args, &mut |f| std::fs::read_to_string(f).ok());
    let exe = own_exe()?;
    let plugin = tools::ours(&exe, tools::PLUGIN);
    let runtime = tools::ours(&exe, tools::RUNTIME);
    let tmp = temporary_name();
    let files = Files {
        plugin: plugin.clone().unwrap_or_default(),
        runtime: runtime.clone().unwrap_or_default(),
        tmp: tmp.display().to_string(),
    };
    match decide(&args, &files) {
        Action::Plain { args, why } => {
            log(&settings, why, &args);
            run_or_exec(&mut clang(language, &settings), &args)
        }
        Action::Compile { args } => {
            plugin?;
            log(&settings, "compile", &args);
            run_or_exec(&mut clang(language, &settings), &args)
        }
        Action::Link(link) => {
            plugin?;
            runtime?;
            tools::check_lld()?;
            let _dir = Directory::create(tmp)?;
            let settings = settings.or(&Config::here()?, &link.program());
            let order = Order { itarget: tools::ours(&exe, "itarget")?, language, settings: &settings, tmp: &files.tmp };
            let status = order.run(&link)?;
            Ok(status)
        }
    }
}

/// Runs `llvm-ar-19` or `llvm-ranlib-19`.
///
/// # Errors
/// IT0202.
pub fn archiver(tool: &str, args: Vec<OsString>) -> Result<i32, Error> {
    let name = tools::llvm(tool);
    let e = Command::new(&name).args(&args).exec();
    if e.kind() == std::io::ErrorKind::NotFound { Err(tools::missing(&name)) } else { Err(Error::new("IT0202", format!("{name}: {e}"))) }
}

/// Path of the running executable, links resolved.
///
/// # Errors
/// IT0201.
pub fn own_exe() -> Result<PathBuf, Error> {
    std::env::current_exe().map_err(|e| Error::new("IT0201", format!("the path of this executable is unknown: {e}")))
}

/// The orders for one link.
pub struct Order<'a> {
    /// The `itarget` executable, for the analysis.
    pub itarget: String,
    /// Driver.
    pub language: Language,
    /// Settings.
    pub settings: &'a Settings,
    /// Directory for temporary files; exists.
    pub tmp: &'a str,
}

impl Order<'_> {
    /// Compiles, then links. Returns clang's exit status.
    ///
    /// # Errors
    /// A tool is missing, a temporary file can't be written.
    pub fn run(&self, link: &Link) -> Result<i32, Error> {
        let pending = Pending::catch();
        for c in &link.compiles {
            log(self.settings, "compile", c);
            let status = spawn(&mut clang(self.language, self.settings), c, self.tmp)?;
            if !status.success() {
                return Ok(pending.code(status));
            }
        }
        let cwd = std::env::current_dir().map(|d| d.display().to_string()).unwrap_or_default();
        let config = json!({
            "abi": itarget_abi::version::ABI,
            "itarget": self.itarget,
            "work_dir": self.tmp,
            "cut": self.settings.cut(),
            "annotations": absolute(&cwd, &self.settings.annotations),
            "profile": self.settings.profile.as_ref().map(|p| absolute_one(&cwd, p)),
            "profile_match": self.settings.profile_match.name(),
            "targets": self.settings.targets,
            "opt_level": link.opt_level,
            "exports_all": link.exports_all(),
            "link": {
                "cwd": cwd,
                "argv": link.user,
                "language": if self.language == Language::Cxx { "c++" } else { "c" },
                "temporary": link.temporary,
                "settings": {
                    "annotations": absolute(&cwd, &self.settings.annotations),
                    "profile": self.settings.profile.as_ref().map(|p| absolute_one(&cwd, p)),
                    "profile_match": self.settings.profile_match.name(),
                },
            },
            "keep": true,
            "log": self.settings.log,
        });
        let path = format!("{}/config.json", self.tmp);
        write(&path, config.to_string().as_bytes())?;
        let mut command = clang(self.language, self.settings);
        command.env("ITARGET_PASS_CONFIG", &path);
        let args = joined::arguments(&link.args, self.tmp)?;
        log(self.settings, "link", &args);
        Ok(pending.code(spawn(&mut command, &args, self.tmp)?))
    }
}

fn absolute(cwd: &str, paths: &[String]) -> Vec<String> {
    paths.iter().map(|p| absolute_one(cwd, p)).collect()
}

fn absolute_one(cwd: &str, path: &str) -> String {
    Path::new(cwd).join(path).display().to_string()
}

/// Fatal signals while clang runs: clang gets those of the terminal too; we wait for it, clean up
/// and end the same way.
struct Pending(Arc<AtomicUsize>);

impl Pending {
    fn catch() -> Pending {
        let got = Arc::new(AtomicUsize::new(0));
        for s in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP] {
            let _ = signal_hook::flag::register_usize(s, got.clone(), s as usize);
        }
        Pending(got)
    }

    fn code(&self, status: ExitStatus) -> i32 {
        let signal = self.0.load(Ordering::Relaxed);
        if signal != 0 { 128 + signal as i32 } else { code(status) }
    }
}

fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

/// What GCC 12 only warns of and clang makes an error. Configure probes and old projects count on
/// it; the user's own flags come later and win.
const LENIENT: [&str; 4] = [
    "-Wno-error=implicit-function-declaration",
    "-Wno-error=implicit-int",
    "-Wno-error=int-conversion",
    "-Wno-error=incompatible-function-pointer-types",
];

/// The clang driver, as forgiving as the compiler it stands in for.
#[must_use]
pub fn clang(language: Language, settings: &Settings) -> Command {
    let mut command = driver(language, settings);
    if language == Language::C {
        command.args(LENIENT);
    }
    command
}

/// The clang driver alone.
fn driver(language: Language, settings: &Settings) -> Command {
    match (&settings.clang, language) {
        (None, Language::C) => Command::new("clang-19"),
        (None, Language::Cxx) => Command::new("clang++-19"),
        (Some(c), Language::C) => Command::new(c),
        (Some(c), Language::Cxx) => {
            let mut command = Command::new(c);
            command.arg("--driver-mode=g++");
            command
        }
    }
}

fn failed(command: &Command, e: &std::io::Error) -> Error {
    let name = command.get_program().to_string_lossy().into_owned();
    if e.kind() == std::io::ErrorKind::NotFound {
        tools::missing(&name)
    } else {
        Error::new("IT0202", format!("{name}: {e}"))
    }
}

fn exec(command: &mut Command, args: &[String]) -> Result<i32, Error> {
    let e = command.args(args).exec();
    Err(failed(command, &e))
}

fn long(args: &[String]) -> bool {
    args.iter().map(|a| a.len() + 1).sum::<usize>() > LONG
}

fn run_or_exec(command: &mut Command, args: &[String]) -> Result<i32, Error> {
    if !long(args) {
        return exec(command, args);
    }
    let dir = Directory::create(temporary_name())?;
    Ok(code(spawn(command, args, &dir.0.display().to_string())?))
}

fn spawn(command: &mut Command, args: &[String], tmp: &str) -> Result<ExitStatus, Error> {
    if long(args) {
        let path = format!("{tmp}/arguments");
        write(&path, response_text(args).as_bytes())?;
        command.arg(format!("@{path}"));
    } else {
        command.args(args);
    }
    command.status().map_err(|e| failed(command, &e))
}

fn write(path: &str, bytes: &[u8]) -> Result<(), Error> {
    std::fs::write(path, bytes).map_err(|e| Error::new("IT0206", format!("{path}: {e}")))
}

fn temporary_name() -> PathBuf {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.subsec_nanos());
    std::env::temp_dir().join(format!("itarget-{}-{now:08x}", std::process::id()))
}

/// A temporary directory, removed when it goes out of scope.
pub struct Directory(pub PathBuf);

impl Directory {
    /// Makes it; only we may look into it.
    ///
    /// # Errors
    /// IT0206.
    pub fn create(path: PathBuf) -> Result<Directory, Error> {
        use std::os::unix::fs::DirBuilderExt;
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(|e| Error::new("IT0206", format!("{}: {e}", path.display())).hint("TMPDIR names the directory for temporary files"))?;
        Ok(Directory(path))
    }

    /// Makes one with a new name.
    ///
    /// # Errors
    /// IT0206.
    pub fn temporary() -> Result<Directory, Error> {
        Directory::create(temporary_name())
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0); // best effort: it is in the directory for temporary files
    }
}

/// Appends one line to the log, if there is one. A log that can't be written is no reason to fail
/// a build.
fn log(settings: &Settings, what: &str, args: &[String]) {
    let Some(path) = &settings.log else { return };
    if let Ok(mut f) = std::fs::OpenOptions::new().create(true).append(true).open(path) {
        let quoted: Vec<String> = args.iter().map(|a| shell_quote(a)).collect();
        let cwd = std::env::current_dir().map(|d| d.display().to_string()).unwrap_or_default();
        let _ = f.write_all(format!("{cwd}: {what}: {}\n", quoted.join(" ")).as_bytes());
    }
}

/// Quotes for sh.
#[must_use]
pub fn shell_quote(a: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "-_=+./,:@%".contains(c);
    if !a.is_empty() && a.chars().all(safe) { a.to_string() } else { format!("'{}'", a.replace('\'', "'\\''")) }
}
