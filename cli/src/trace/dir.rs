//! The trace directory: `version`, `incomplete` (while recording), `meta.json`, `log` (and `log.lz4`, [`packed`]), `ring`, `ring.1` and so
//! on; a directory with `log` and rings for every other process ([`process`]), and `processes`, as many bytes as have begun.
//!
//! Evolution: `version` holds one number and never moves; `meta.json` may gain fields.

use super::log::Start;
use super::{packed, process};
use crate::errors::Error;
use etcetera::BaseStrategy;
use itarget_abi::control::PAGE;
use itarget_abi::version::TRACE_DIR;
use serde::{Deserialize, Serialize};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Name of the link to the newest trace.
pub const LATEST: &str = "latest-trace";

/// What is known about a recording besides the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// Absolute path of the program that was started.
    pub exe: String,
    /// Fingerprint of the module, hex; empty where itarget-cc did not build it, so that only what it starts was recorded.
    pub module: String,
    /// SHA-256 of the plan, hex.
    pub plan: String,
    /// Command line.
    pub argv: Vec<String>,
    /// Start of the recording, seconds since 1970.
    pub started: u64,
    /// Version of itarget.
    pub itarget: String,
    /// How the program ended; absent while it runs or when `itarget record` was killed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Ended>,
}

/// How the program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ended {
    /// With this status.
    Status(i32),
    /// By this signal.
    Signal(i32),
}

fn base() -> Result<PathBuf, Error> {
    etcetera::choose_base_strategy()
        .map(|b| b.data_dir().join("itarget"))
        .map_err(|e| Error::new("IT0502", format!("no directory for traces: {e}")).hint("set XDG_DATA_HOME, or give -o"))
}

/// Directory for files that can be made again.
///
/// # Errors
/// IT0502: no home directory.
pub fn cache() -> Result<PathBuf, Error> {
    etcetera::choose_base_strategy()
        .map(|b| b.cache_dir().join("itarget"))
        .map_err(|e| Error::new("IT0502", format!("no cache directory: {e}")).hint("set XDG_CACHE_HOME"))
}

/// Makes the directory of a new trace: `wanted`, or a new numbered one.
///
/// # Errors
/// IT0502.
pub fn create(wanted: Option<&Path>, exe: &Path, meta: &Meta) -> Result<PathBuf, Error> {
    let failed = |p: &Path, e: &dyn std::fmt::Display| {
        Error::new("IT0502", format!("the trace directory {} can't be made: {e}", p.display()))
    };
    let dir = match wanted {
        Some(dir) => {
            let old = dir.read_dir().is_ok_and(|mut d| d.next().is_some());
            if old {
                return Err(failed(dir, &"it exists and is not empty").hint("give another -o, or `itarget rm` it"));
            }
            std::fs::create_dir_all(dir).map_err(|e| failed(dir, &e))?;
            std::path::absolute(dir).map_err(|e| failed(dir, &e))?
        }
        None => {
            let base = base()?;
            std::fs::create_dir_all(&base).map_err(|e| failed(&base, &e))?;
            let dir = numbered(&base, &exe.file_name().unwrap_or_default().to_string_lossy()).map_err(|e| failed(&base, &e))?;
            // A link that can't be made costs only convenience.
            let link = base.join(format!(".{LATEST}-{}", std::process::id()));
            let _ = std::os::unix::fs::symlink(&dir, &link);
            let _ = std::fs::rename(&link, base.join(LATEST));
            dir
        }
    };
    let write = |name: &str, text: &str| std::fs::write(dir.join(name), text).map_err(|e| failed(&dir, &e));
    write("incomplete", "")?;
    write("meta.json", &text(meta))?;
    write("version", &format!("{TRACE_DIR}\n"))?;
    Ok(dir)
}

fn numbered(base: &Path, name: &str) -> std::io::Result<PathBuf> {
    let taken = |e: std::fs::DirEntry| {
        let file = e.file_name().to_string_lossy().into_owned();
        file.strip_prefix(name)?.strip_prefix('-')?.parse::<u64>().ok()
    };
    let mut n = base.read_dir()?.flatten().filter_map(taken).max().map_or(0, |n| n + 1);
    loop {
        let dir = base.join(format!("{name}-{n}"));
        match std::fs::create_dir(&dir) {
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => n += 1,
            other => return other.map(|()| dir),
        }
    }
}

fn text(meta: &Meta) -> String {
    serde_json::to_string_pretty(meta).unwrap_or_default() + "\n"
}

/// Marks the trace complete; removes the live chunk when the log holds all of it.
///
/// # Errors
/// IT0502.
pub fn complete(dir: &Path, meta: &Meta) -> Result<(), Error> {
    let failed = |e: std::io::Error| Error::new("IT0502", format!("{}: {e}", dir.display()));
    std::fs::write(dir.join("meta.json"), text(meta)).map_err(failed)?;
    tidy(dir).map_err(failed)?;
    for process in process::children(dir) {
        let own = process::directory(dir, process);
        // Children may still run: the live chunks of those that do not end are theirs.
        if !may_grow(&own) {
            tidy(&own).map_err(failed)?;
        }
    }
    std::fs::remove_file(dir.join("incomplete")).map_err(failed)
}

/// Removes the live chunks of a process that ended, where the log holds all of them.
///
/// # Errors
/// A ring that can't be removed.
pub fn tidy(process: &Path) -> std::io::Result<()> {
    for ring in super::flat::rings(process) {
        let main = ring.extension().is_none();
        let needless = |page: &Vec<u8>| super::log::ring_is_clean(page) || !main && super::log::ring_is_free(page);
        if first_page(&ring).as_ref().is_some_and(needless) {
            std::fs::remove_file(&ring)?;
        }
    }
    Ok(())
}

fn first_page(file: &Path) -> Option<Vec<u8>> {
    let mut page = vec![0; PAGE];
    std::fs::File::open(file).and_then(|mut f| std::io::Read::read_exact(&mut f, &mut page)).ok().map(|()| page)
}

/// The trace to use: the given one or the newest.
///
/// # Errors
/// IT0604 (not a trace), IT0605 (no trace), IT0602 (other version).
pub fn find(given: Option<&Path>) -> Result<PathBuf, Error> {
    let dir = match given {
        Some(dir) => dir.to_path_buf(),
        None => {
            let link = base()?.join(LATEST);
            link.canonicalize().map_err(|_| {
                Error::new("IT0605", "there is no recorded trace").hint("record one: `itarget record -- PROGRAM`, or name a trace directory")
            })?
        }
    };
    check(&dir)?;
    Ok(dir)
}

fn check(dir: &Path) -> Result<(), Error> {
    let not = || Error::new("IT0604", format!("{} is not a trace directory", dir.display())).hint("`itarget ls` lists traces");
    let version = std::fs::read_to_string(dir.join("version")).map_err(|_| not())?;
    match version.trim().parse::<u32>() {
        Ok(TRACE_DIR) => Ok(()),
        Ok(v) => Err(Error::new("IT0602", format!("trace directory version {v}, this itarget reads {TRACE_DIR}"))
            .hint("use the itarget that recorded it")),
        Err(_) => Err(not()),
    }
}

/// Reads `meta.json`.
///
/// # Errors
/// IT0604.
pub fn meta(dir: &Path) -> Result<Meta, Error> {
    let path = dir.join("meta.json");
    let bad = |e: &dyn std::fmt::Display| Error::new("IT0604", format!("{}: {e}", path.display()));
    let text = std::fs::read_to_string(&path).map_err(|e| bad(&e))?;
    serde_json::from_str(&text).map_err(|e| bad(&e))
}

/// The executable that a process ran.
///
/// # Errors
/// IT0604, IT0606, IT0601.
pub fn executable(dir: &Path, process: u32, start: Option<&Start>) -> Result<PathBuf, Error> {
    let meta = meta(dir)?;
    // By the name that the user gave, where that is the program.
    if meta.module.is_empty() || process::program(dir, process)? > 0 {
        if let Some(start) = start.filter(|s| !s.exe.is_empty()) {
            return Ok(Path::new(OsStr::from_bytes(&start.exe)).to_path_buf());
        }
    }
    Ok(meta.exe.into())
}

/// All traces in the usual place, sorted by name.
///
/// # Errors
/// IT0502: no home directory.
pub fn list() -> Result<Vec<PathBuf>, Error> {
    let Ok(entries) = base()?.read_dir() else { return Ok(vec![]) };
    let mut all: Vec<PathBuf> = entries
        .flatten()
        .map(|e| e.path())
        .filter(|p| !p.is_symlink() && check(p).is_ok())
        .collect();
    all.sort();
    Ok(all)
}

/// Removes a trace (only files that a trace has).
///
/// # Errors
/// IT0604 (not a trace), IT0608.
pub fn remove(dir: &Path) -> Result<(), Error> {
    check(dir)?;
    let failed = |e: std::io::Error| Error::new("IT0608", format!("{} can't be removed: {e}", dir.display()));
    for process in process::children(dir) {
        let own = process::directory(dir, process);
        files(&own, &["log", packed::NAME]).and_then(|()| std::fs::remove_dir(&own)).map_err(failed)?;
    }
    files(dir, &["log", packed::NAME, "incomplete", "meta.json", "processes", "profile.tsv", "version"]).map_err(failed)?;
    std::fs::remove_dir(dir).map_err(failed)
}

/// Removes the rings in a directory, and files with these names.
fn files(dir: &Path, names: &[&str]) -> std::io::Result<()> {
    for file in super::flat::rings(dir).into_iter().chain(names.iter().map(|name| dir.join(name))) {
        match std::fs::remove_file(file) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
    }
    Ok(())
}

/// The log of a process may not be all that it recorded: it runs, or was killed.
#[must_use]
pub fn may_grow(process: &Path) -> bool {
    let ring = process.join("ring");
    ring.exists() && !first_page(&ring).is_some_and(|page| super::log::ring_is_clean(&page))
}

/// Bytes that the logs of all processes take.
#[must_use]
pub fn bytes(dir: &Path) -> u64 {
    process::all(dir).iter().map(|p| packed::bytes(&process::directory(dir, *p))).sum()
}
