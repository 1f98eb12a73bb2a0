//! Running a program: lookup, signals passed on while we wait, and ending as it ended.

use crate::cc::tools::in_path;
use crate::errors::Error;
use crate::program::{Identity, Program};
use crate::trace::dir::Ended;
use itarget_abi::layout::STACK_LIMIT;
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::WithOrigin;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};

/// Finds an instrumented program, by path or in PATH.
///
/// # Errors
/// IT0504 (no such program), IT0501 (not instrumented).
pub fn find(name: &str) -> Result<Program, Error> {
    Program::open(&path_of(name)?)
}

/// As [`find`], only to know which program it is.
///
/// # Errors
/// As [`find`].
pub fn identify(name: &str) -> Result<Identity, Error> {
    Identity::read(&path_of(name)?)
}

/// The path of a program, given by path or to be found in PATH.
///
/// # Errors
/// IT0504 (no such program).
pub fn path_of(name: &str) -> Result<PathBuf, Error> {
    let path = in_path(name)
        .ok_or_else(|| Error::new("IT0504", format!("no program {name}")).hint("give its path, such as ./a.out"))?;
    Ok(std::path::absolute(&path).unwrap_or(path))
}

/// Where the main stack has no limit, programs that are started from now on get one: see [`STACK_LIMIT`].
pub fn limit_stack() {
    let limit = getrlimit(Resource::Stack);
    if limit.current.is_none() {
        // Without it recording says what is wrong.
        let _ = setrlimit(Resource::Stack, Rlimit { current: Some(STACK_LIMIT), ..limit });
    }
}

/// Starts the command and waits for it. Signals by which servers are told to end, to read their configuration or to open their files
/// again are passed on when other processes send them to us; those of the terminal it gets itself.
///
/// # Errors
/// IT0505: it can't be started.
pub fn wait(command: &mut Command) -> Result<ExitStatus, Error> {
    let failed = |command: &Command, e: std::io::Error| {
        Error::new("IT0505", format!("{} can't be started: {e}", command.get_program().to_string_lossy()))
    };
    let signals = SignalsInfo::<WithOrigin>::new([SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2]);
    let mut child = command.spawn().map_err(|e| failed(command, e))?;
    if let (Ok(mut signals), Some(pid)) = (signals, Pid::from_raw(i32::try_from(child.id()).unwrap_or(0))) {
        std::thread::spawn(move || {
            for origin in signals.forever() {
                let signal = match origin.signal {
                    SIGINT => Signal::INT,
                    SIGTERM => Signal::TERM,
                    SIGQUIT => Signal::QUIT,
                    SIGUSR1 => Signal::USR1,
                    SIGUSR2 => Signal::USR2,
                    _ => Signal::HUP,
                };
                // From a process: it went to us alone.
                if origin.process.is_some() {
                    let _ = kill_process(pid, signal); // it may just have ended
                }
            }
        });
    }
    child.wait().map_err(|e| failed(command, e))
}

/// How it ended, for the trace.
#[must_use]
pub fn ended(status: ExitStatus) -> Ended {
    match status.signal() {
        Some(s) => Ended::Signal(s),
        None => Ended::Status(status.code().unwrap_or(0)),
    }
}

/// Exit status for our own exit; does not return when the program died of a signal: then so do we
/// (without a second core file).
#[must_use]
pub fn end_like(status: ExitStatus) -> i32 {
    if let Some(signal) = status.signal() {
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
        let _ = signal_hook::low_level::emulate_default_handler(signal);
        return 128 + signal;
    }
    status.code().unwrap_or(itarget_abi::exit::BUG)
}
