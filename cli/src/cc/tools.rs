//! Finding our own files (beside the executable) and LLVM's tools.

use crate::errors::Error;
use std::path::{Path, PathBuf};

/// Name of the pass plugin.
pub const PLUGIN: &str = "libitarget_llvm_pass.so";
/// Name of the runtime archive.
pub const RUNTIME: &str = "libitarget_rt.a";
const INSTALL: &str = "apt-get install clang-19 lld-19 llvm-19-dev g++";

/// Directories that may hold our files, best first.
#[must_use]
pub fn places(exe: &Path) -> Vec<PathBuf> {
    let dir = exe.parent().unwrap_or(Path::new("."));
    let mut all = vec![dir.to_path_buf(), dir.join("../lib/itarget")];
    // A test executable lies in target/<profile>/deps.
    all.push(dir.join(".."));
    // A built tree: target/debug, target/release.
    for profile in ["release", "debug"] {
        all.push(dir.join("target").join(profile));
        all.push(dir.join("..").join(profile));
    }
    all
}

/// Path of a file of ours.
///
/// # Errors
/// IT0201: it is in none of the places.
pub fn ours(exe: &Path, name: &str) -> Result<String, Error> {
    for place in places(exe) {
        let path = place.join(name);
        if path.is_file() {
            let path = path.canonicalize().unwrap_or(path);
            return path.into_os_string().into_string().map_err(|_| {
                Error::new("IT0205", format!("the path of {name} is not UTF-8")).hint("install itarget elsewhere")
            });
        }
    }
    let looked: Vec<String> = places(exe).iter().take(2).map(|p| p.display().to_string()).collect();
    Err(Error::new("IT0201", format!("{name} is not in {}", looked.join(" nor in ")))
        .hint("build the whole workspace (cargo build), or install all files of itarget together"))
}

/// The error for a missing LLVM tool.
#[must_use]
pub fn missing(tool: &str) -> Error {
    Error::new("IT0202", format!("{tool} can't be run")).hint(INSTALL)
}

/// Checks that lld of LLVM 19 is there.
///
/// # Errors
/// IT0202.
pub fn check_lld() -> Result<(), Error> {
    if Path::new("/usr/lib/llvm-19/bin/ld.lld").exists() || in_path("ld.lld").is_some() || in_path("ld.lld-19").is_some() {
        Ok(())
    } else {
        Err(missing("lld (ld.lld-19)"))
    }
}

/// A tool of LLVM 19: what to run.
#[must_use]
pub fn llvm(tool: &str) -> String {
    let (name, path) = (format!("{tool}-19"), format!("/usr/lib/llvm-19/bin/{tool}"));
    if in_path(&name).is_none() && Path::new(&path).exists() { path } else { name }
}

/// Looks a program up as the shell does: a name with a slash is a path.
#[must_use]
pub fn in_path(name: &str) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let runs = |p: &Path| p.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0);
    if name.contains('/') {
        let p = PathBuf::from(name);
        return runs(&p).then_some(p);
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|d| d.join(name)).find(|p| runs(p))
}
