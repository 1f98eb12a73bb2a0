//! `itarget record`: runs a program and keeps what came from its environment.

use super::{Outcome, run};
use crate::program;
use crate::trace::flat;
use crate::trace::log::{self, Reading};
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
    /// Record, too, what the program starts (by exec, system, popen, a shell) and itarget-cc built; the program itself may be any, such as
    /// `make`. `itarget ps` lists what was recorded.
    #[arg(short, long)]
    follow: bool,
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

/// What to do about a program that itarget-cc did not build.
const HINT: &str = "build it with CC=itarget-cc; if it only starts such programs, as a script does: `itarget record --follow`";

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
    // With --follow, a program that itarget-cc did not build is one that starts others.
    let (path, identified) = match run::identify(&args.program[0]) {
        Err(e) if args.follow && e.code == "IT0501" => (run::path_of(&args.program[0])?, None),
        Err(e) if e.code == "IT0501" => return Err(e.hint(HINT)),
        other => other.map(|i| (i.path.clone(), Some(i)))?,
    };
    let started = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let (module, plan) = identified.map(|i| (i.module, i.plan)).unwrap_or_default();
    let launcher = module.is_empty();
    let mut meta = Meta {
        exe: path.display().to_string(),
        module,
        plan,
        argv: args.program.clone(),
        started,
        itarget: env!("CARGO_PKG_VERSION").into(),
        end: None,
    };
    let mut command = Command::new(&path);
    {
        use std::os::unix::process::CommandExt;
        command.arg0(&args.program[0]);
    }
    command.args(&args.program[1..]);
    let trace = match dir::create(args.output.as_deref(), &path, &meta) {
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
            match args.follow {
                true => command.env(env::FOLLOW, "1"),
                // A recording that is part of another one.
                false => command.env_remove(env::FOLLOW),
            };
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
        if process::all(dir).iter().any(|n| process::recorded(&process::directory(dir, *n))) {
            refused(dir, &path);
        } else if launcher {
            anstream::eprintln!("itarget: nothing was recorded: no program that itarget-cc built was started, or its environment was cleared");
            if let Err(e) = dir::remove(dir) {
                e.print("itarget");
            }
        } else {
            anstream::eprintln!("itarget: nothing was recorded: what the program said above tells why, or it has rights of its own (set-user-ID)");
        }
    }
    Ok(run::end_like(status))
}

/// Says which recordings ended because of what the program did, unless the runtime has said why.
fn refused(trace: &Path, first: &Path) {
    for number in process::all(trace) {
        let site = log::refused_at(&process::directory(trace, number).join("log"));
        let Some(site) = site.filter(|site| itarget_abi::site::why_refused(*site).is_none()) else { continue };
        let (exe, which) = match number {
            0 => (Some(first.to_path_buf()), String::new()),
            _ => {
                let start = flat::inspect(trace, number, Reading::UntilDamage).ok().and_then(|log| log.start);
                (dir::executable(trace, number, start.as_ref()).ok(), format!(" of process {number}"))
            }
        };
        anstream::eprintln!("itarget: the recording{which} ended here: {}", program::why_refused(site, exe.as_deref()));
    }
}
