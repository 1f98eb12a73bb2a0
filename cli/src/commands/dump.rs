//! `itarget dump`: what a trace holds.

use super::{Outcome, text};
use crate::program::{self, hex};
use crate::trace::log::{Log, Reading, reason};
use crate::trace::{dir, flat};
use itarget_abi::log::{end, kind};
use serde_json::json;
use std::path::PathBuf;

/// Show what a trace holds: chunks, arguments, totals, how it ended.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Trace directory (default: the newest).
    trace: Option<PathBuf>,
    /// Number of the process, as `itarget ps` lists it; 0 is the first.
    #[arg(short, long, value_name = "N", default_value_t = 0)]
    process: u32,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// IT06xx; a damaged log is shown up to the damage.
pub fn run(args: Args) -> Outcome {
    let dir = dir::find(args.trace.as_deref())?;
    let log = flat::inspect(&dir, args.process, Reading::UntilDamage)?;
    let meta = dir::meta(&dir).ok();
    if args.json {
        let value = json!({
            "trace": dir.display().to_string(),
            "incomplete": dir.join("incomplete").exists(),
            "meta": meta,
            "log": as_json(&log),
        });
        say!("{}", serde_json::to_string_pretty(&value).unwrap_or_default());
        return Ok(0);
    }
    say!("trace       {}", dir.display());
    let exe = dir::executable(&dir, args.process, log.start.as_ref()).ok();
    if let Some(exe) = &exe {
        say!("program     {}", exe.display());
    }
    if let Some(s) = &log.start {
        let args: Vec<String> = s.args.iter().map(|a| crate::cc::run::shell_quote(&text(a))).collect();
        say!("arguments   {}", args.join(" "));
        say!("environment {} variables", s.env.len());
        say!("module      {}", hex(&s.module));
        say!("plan        {}", hex(&s.plan));
        say!("checks      {}{}", if s.full { "full" } else { "light" }, if s.digest { ", digests" } else { "" });
    }
    say!();
    say!("    offset  thread  kind        bytes  boundary calls");
    for c in &log.chunks {
        let calls = c.boundaries.map_or(String::new(), |b| b.to_string());
        say!("{:>10}  {:>6}  {:<8}{:>9}  {calls}", c.at, c.thread, name(c.kind), c.len);
    }
    say!();
    say!("stream      {} bytes{}", log.stream, salvaged(&log));
    let ops: u64 = log.threads.values().map(|t| t.ops).sum();
    let order: usize = log.threads.values().map(|t| t.sync.len()).sum();
    say!("threads     {}, {ops} synchronization operations, {order} bytes of their order", log.threads.len());
    say!("signals     {}", log.threads.values().map(|t| t.asyncs.len()).sum::<usize>());
    // Where there was no room for the END chunk, only the reason is known.
    let known = log.end.filter(|e| e.reason != end::IO_ERROR || e.status != 0);
    let status = known.map_or(String::new(), |e| match e.reason {
        end::REFUSED => format!(": {}", program::why_refused(e.status, exe.as_deref())),
        _ => format!(" ({})", e.status),
    });
    say!("end         {}{status}", reason(&log));
    if let Some(at) = log.truncated {
        say!("cut off     at byte {at}");
    }
    if let Some(d) = &log.damage {
        say!("damaged     at byte {}: {}", d.at, d.what);
    }
    Ok(0)
}

fn salvaged(log: &Log) -> String {
    if log.salvaged == 0 { String::new() } else { format!(", {} of them from the live chunk", log.salvaged) }
}

fn name(k: u16) -> &'static str {
    match k {
        kind::START => "START",
        kind::DATA => "DATA",
        kind::ASYNC => "ASYNC",
        kind::END => "END",
        kind::SYNC => "SYNC",
        kind::THREAD_END => "THREAD",
        kind::FORK => "FORK",
        kind::FAULT => "FAULT",
        _ => "other",
    }
}

fn as_json(log: &Log) -> serde_json::Value {
    json!({
        "start": log.start.as_ref().map(|s| json!({
            "abi": s.abi,
            "libc": s.libc,
            "module": hex(&s.module),
            "plan": hex(&s.plan),
            "stack": s.stack,
            "full": s.full,
            "digest": s.digest,
            "args": s.args.iter().map(|a| text(a)).collect::<Vec<_>>(),
            "pid": s.pid,
            "env": s.env.iter().map(|a| text(a)).collect::<Vec<_>>(),
        })),
        "chunks": log.chunks.iter().map(|c| json!({
            "at": c.at, "thread": c.thread, "kind": name(c.kind), "len": c.len, "boundaries": c.boundaries,
        })).collect::<Vec<_>>(),
        "signals": log.threads.values().flat_map(|t| &t.asyncs).map(|a| json!({"boundaries": a.boundaries, "signal": a.signal})).collect::<Vec<_>>(),
        "threads": log.threads.iter().map(|(number, t)| json!({
            "number": number, "stream": t.stream, "operations": t.ops, "order": t.sync.len(), "ended": t.ended,
        })).collect::<Vec<_>>(),
        "stream": log.stream,
        "salvaged": log.salvaged,
        "end": reason(log),
        "status": log.end.map(|e| e.status),
        "boundaries": log.chunks.iter().filter_map(|c| c.boundaries).max(),
        "truncated": log.truncated,
        "damage": log.damage.as_ref().map(|d| json!({"at": d.at, "what": d.what})),
    })
}
