//! How much of a log belongs to which site. The log has no headers, so a replay counts.

use crate::commands::replay::prepare;
use crate::commands::run;
use crate::errors::Error;
use crate::program::Program;
use crate::trace::log::Reading;
use itarget_abi::env;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::{Command, Stdio};

/// What one site has in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// Index in the plan; numbers beyond are events of the runtime itself.
    pub site: u32,
    /// Events.
    pub events: u64,
    /// Bytes of the stream.
    pub bytes: u64,
}

/// What the log of a process holds.
pub struct Counts {
    /// By site.
    pub sites: Vec<Count>,
    /// Bytes of the synchronization log.
    pub order: u64,
    /// The program that was recorded.
    pub program: Program,
}

/// Replays a process of a trace, silently, and counts. `exe`: the executable to run instead of the recorded one.
///
/// # Errors
/// IT06xx, IT0501, IT0505.
pub fn count(trace: &Path, process: u32, exe: Option<&Path>) -> Result<Counts, Error> {
    let exe = exe.map(|e| std::path::absolute(e).unwrap_or(e.to_path_buf()));
    let ready = prepare(Some(trace), process, exe.as_deref(), Reading::Strict)?;
    let mut file: File = rustix::fs::memfd_create("itarget-sites", rustix::fs::MemfdFlags::empty())
        .map_err(|e| Error::new("IT0607", format!("no memory for the counts: {e}")))?
        .into();
    let mut command = Command::new(&ready.program.path);
    command.env_clear().envs(ready.variables()).env(env::STATUS_FD, file.as_raw_fd().to_string());
    command.env(env::OPTIONS, "sites=1").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    run::wait(&mut command)?;
    let mut text = String::new();
    file.seek(SeekFrom::Start(0))
        .and_then(|_| file.read_to_string(&mut text))
        .map_err(|e| Error::new("IT0607", format!("the counts can't be read: {e}")))?;
    let sites: Vec<Count> = text.lines().filter_map(line).collect();
    if sites.is_empty() {
        return Err(Error::new("IT0413", "the replay left no counts").hint(format!("see whether `itarget replay {}` works", trace.display())));
    }
    let order = ready.log.threads.values().map(|t| t.sync.len() as u64).sum();
    Ok(Counts { sites, order, program: ready.program })
}

/// `site<TAB>events<TAB>bytes`; the status line is another.
fn line(text: &str) -> Option<Count> {
    let mut fields = text.split('\t');
    let count = Count {
        site: fields.next()?.parse().ok()?,
        events: fields.next()?.parse().ok()?,
        bytes: fields.next()?.parse().ok()?,
    };
    fields.next().is_none().then_some(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        assert_eq!(line("3\t2\t17"), Some(Count { site: 3, events: 2, bytes: 17 }));
        assert_eq!(line("{\"end\":\"exit\"}"), None);
        assert_eq!(line("3\t2"), None);
    }
}
