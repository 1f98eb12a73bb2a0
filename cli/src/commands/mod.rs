//! The commands of `itarget`, one file each.

/// A line on stdout. A reader that went away (`| head`) is no error.
macro_rules! say {
    ($($t:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(anstream::stdout(), $($t)*);
    }};
}

pub mod annotations;
pub mod check_annotations;
pub mod compare;
pub mod debug;
pub mod dump;
pub mod explain_code;
pub mod ls;
pub mod pack;
pub mod profile;
pub mod ps;
pub mod record;
pub mod relink;
pub mod replay;
pub mod rm;
pub mod run;
pub mod tune;

use crate::errors::Error;
use crate::program::{Program, hex};
use crate::trace::log::Start;
use signal_hook::consts::{SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV};
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;

/// Exit status, or an expected error.
pub type Outcome = Result<i32, Error>;

/// Checks that a trace was recorded by this executable.
///
/// # Errors
/// IT0603.
pub fn same_binary(start: &Start, program: &Program) -> Result<(), Error> {
    let module = hex(&start.module);
    let what = if module != program.module {
        "another program"
    } else if start.plan != program.plan_hash {
        "the same program with another interface"
    } else {
        return Ok(());
    };
    Err(Error::new("IT0603", format!("the trace was recorded by another binary: {} is {what}", program.path.display()))
        .hint("replay with the executable that was recorded (--exe), or record again"))
}

/// Lossy text for people.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// As [`analyzer`], for another command of that program.
///
/// # Errors
/// As [`analyzer`].
pub fn analyzer_for(command: &str, mut args: Vec<OsString>) -> Outcome {
    args.insert(0, format!("--command={command}").into());
    analyzer(args)
}

/// `itarget analyze`, `explain` and `graph`: runs `itarget-analyze`, which lies beside this executable. LLVM's reader of
/// bitcode does not survive everything that damaged bitcode may hold, so its death is an error here.
///
/// # Errors
/// IT0201: there is none; IT0505: it does not start; IT0901: it crashed.
pub fn analyzer(args: Vec<OsString>) -> Outcome {
    let path = crate::cc::tools::ours(&crate::cc::run::own_exe()?, "itarget-analyze")?;
    let status = run::wait(std::process::Command::new(&path).args(args))?;
    match status.signal() {
        Some(signal @ (SIGILL | SIGABRT | SIGBUS | SIGFPE | SIGSEGV)) => {
            Err(Error::new("IT0901", format!("the analysis crashed (signal {signal}); the bitcode may be damaged"))
                .hint("build the inputs again; if that does not help, report it with them"))
        }
        _ => Ok(run::end_like(status)),
    }
}
