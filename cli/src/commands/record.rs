//! `itarget record`: runs a program and keeps what came from its environment.

use super::{Outcome, run};
use crate::program;
use crate::trace::log;
use crate::trace::packed::Packer;
use crate::trace::process;
use crate::trace::dir::{self, Meta};
use itarget_abi::env;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Record a run of a program built with itarget-cc.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Directory for the trace (default: a new one in the data directory).
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Log digests of the program's memory, so that replay can compare them.
    #[arg(long)]
    digest: bool,
    /// Boundary calls between two digests; 0: only at exit. Implies --digest.
    #[arg(long, value_name = "N")]
    digest_every: Option<u64>,
    /// How much is logged for finding divergences.
    #[arg(long, value_enum, default_value = "light")]
    check: Check,
    /// Size of the live chunk in KiB.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(64..=65536))]
    ring_kib: Option<u64>,
    /// The program and its arguments.
    #[arg(required = true, trailing_var_arg = true, value_name = "PROGRAM ARGS")]
    program: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Check {
    /// A running checksum of the calls made.
    Light,
    /// The site of every event.
    Full,
}

/// Packs logs that get long, beside the recording.
struct Packing {
    stop: mpsc::Sender<()>,
    thread: Option<JoinHandle<()>>,
}

/// Bytes of a log that are left as they are: shorter recordings are not packed at all.
const UNPACKED: u64 = 64 << 20;

impl Packing {
    fn start(trace: &Path) -> Packing {
        let trace = trace.to_path_buf();
        let (stop, stopped) = mpsc::channel();
        let work = move || {
            // The program comes first; where that can't be said, it is packed all the same.
            let _ = rustix::process::setpriority_process(None, 19);
            // None: it can't be packed, a full disk mostly. Its log stays as it is; who records says so.
            let mut packers: BTreeMap<u32, Option<Packer>> = BTreeMap::new();
            while stopped.recv_timeout(Duration::from_millis(250)) == Err(RecvTimeoutError::Timeout) {
                for number in process::all(&trace) {
                    let own = process::directory(&trace, number);
                    let long = own.join("log").metadata().is_ok_and(|m| m.len() >= UNPACKED);
                    if long && !packers.contains_key(&number) {
                        packers.insert(number, Packer::open(&own).ok());
                    }
                    let Some(kept) = packers.get_mut(&number) else { continue };
                    while let Some(packer) = kept {
                        match packer.step(UNPACKED) {
                            Ok(true) if stopped.try_recv().is_ok() => return,
                            Ok(true) => {}
                            Ok(false) => break,
                            Err(_) => *kept = None,
                        }
                    }
                }
            }
        };
        // Without a thread nothing is packed.
        Packing { stop, thread: std::thread::Builder::new().spawn(work).ok() }
    }
}

impl Drop for Packing {
    fn drop(&mut self) {
        let _ = self.stop.send(()); // it may have given up
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Runs the command.
///
/// # Errors
/// IT0501, IT0504, IT0505.
pub fn run(args: Args) -> Outcome {
    let identified = run::identify(&args.program[0])?;
    let started = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let mut meta = Meta {
        exe: identified.path.display().to_string(),
        module: identified.module.clone(),
        plan: identified.plan.clone(),
        argv: args.program.clone(),
        started,
        itarget: env!("CARGO_PKG_VERSION").into(),
        end: None,
    };
    let mut command = Command::new(&identified.path);
    {
        use std::os::unix::process::CommandExt;
        command.arg0(&args.program[0]);
    }
    command.args(&args.program[1..]);
    let trace = match dir::create(args.output.as_deref(), &identified.path, &meta) {
        Ok(dir) => Some(dir),
        Err(e) => {
            e.print("itarget");
            anstream::eprintln!("itarget: the program runs unrecorded");
            None
        }
    };
    match &trace {
        Some(dir) => {
            let mut options: Vec<String> = std::env::var(env::OPTIONS).ok().filter(|o| !o.is_empty()).into_iter().collect();
            if args.digest || args.digest_every.is_some() {
                options.push("digest=1".into());
            }
            if let Some(n) = args.digest_every {
                options.push(format!("digest_every={n}"));
            }
            if args.check == Check::Full {
                options.push("full=1".into());
            }
            if let Some(n) = args.ring_kib {
                options.push(format!("ring_kib={n}"));
            }
            command.env(env::MODE, "record").env(env::TRACE, dir).env(env::OPTIONS, options.join(":"));
        }
        None => {
            command.env_remove(env::MODE).env_remove(env::TRACE).env_remove(env::OPTIONS);
        }
    }
    let packing = trace.as_deref().map(Packing::start);
    let status = run::wait(&mut command);
    drop(packing);
    let status = status?;
    if let Some(dir) = &trace {
        meta.end = Some(run::ended(status));
        if let Err(e) = dir::complete(dir, &meta) {
            e.print("itarget");
        }
        // What the runtime says by itself it has said.
        if let Some(site) = log::refused_at(&dir.join("log")).filter(|site| itarget_abi::site::why_refused(*site).is_none()) {
            anstream::eprintln!("itarget: the recording ended here: {}", program::why_refused(site, Some(&identified.path)));
        }
    }
    Ok(run::end_like(status))
}
