//! What `itarget analyze` says about an interface: figures, the list of logged sites, what is not
//! annotated. Serialised as JSON, or shown as text by [`text`].

pub mod diff;
pub mod items;
pub mod items_text;
pub mod names;
pub mod page;
pub mod picture;
pub mod races;
pub mod suggest;
pub mod text;
pub mod what;
pub mod why;

use crate::analysis::Phase;
use crate::flow::cut::Cut;
use crate::flow::explain;
use crate::flow::facts::{Facts, Role};
use crate::flow::graph::as_bytes;
use crate::flow::stability::Reweighed;
use crate::model::{Class, Module};
use crate::points_to::PointsTo;
use itarget_annotations::stanza_for;
use itarget_plan::{Action, Call, CutMode, Fit, How, Len, Plan, Ret, Write};
use serde::Serialize;
use std::collections::BTreeMap;

/// The report.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Fingerprint of the module.
    pub module: String,
    /// Which cut.
    pub cut: CutMode,
    /// Functions with bitcode.
    pub functions: usize,
    /// External functions called.
    pub externals: usize,
    /// Cells: fields of abstract objects.
    pub values: usize,
    /// Nodes of the flow graph.
    pub nodes: u32,
    /// Its edges.
    pub edges: u32,
    /// Edges cut.
    pub crossing: usize,
    /// Value of the cut in estimated bytes of a run, an event counted as eight.
    pub cut_bytes: u64,
    /// Instrumented sites by kind.
    pub sites: Sites,
    /// What is logged, dearest first.
    pub interface: Vec<Item>,
    /// How the profile was fitted, if it was one of another build.
    pub fit: Option<Fit>,
    /// No thread was profiled, and none is recorded.
    pub single: bool,
    /// External functions without annotation.
    pub unannotated: Vec<Unannotated>,
    /// Sites at which recording ends, with the reason.
    pub refused: Vec<Note>,
    /// What can't be ruled out and would make a replay diverge.
    pub doubts: Vec<Note>,
    /// Calls through pointers that may lead to code without bitcode.
    pub unknown_calls: Vec<String>,
    /// Globals in the environment.
    pub environment_globals: Vec<String>,
    /// Heap allocation sites by side.
    pub heap: Heap,
    /// Points-to figures.
    pub points_to: Points,
    /// Seconds of all phases.
    pub analysis_seconds: f64,
    /// Seconds by phase.
    pub phases: BTreeMap<&'static str, f64>,
    /// The cut under another profile's weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reweighed: Option<Reweighed>,
    /// Most memory the process held, in bytes (0: not known).
    pub peak_rss_bytes: u64,
}

/// Numbers of instrumented sites.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Sites {
    /// Environment calls.
    pub calls: usize,
    /// Calls that may be one, told by address.
    pub checked_calls: usize,
    /// Loads that are always logged.
    pub loads: usize,
    /// Loads that may be logged, told by address.
    pub checked_loads: usize,
    /// Loads and stores that are ordered as they are made, because they may race.
    pub ordered: usize,
    /// Stores that may hit memory of the environment.
    pub stores: usize,
    /// Allocations.
    pub allocations: usize,
    /// Clones of allocation wrappers.
    pub clones: usize,
}

/// Numbers of heap objects.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Heap {
    /// In replay space.
    pub replay: usize,
    /// In the environment.
    pub environment: usize,
    /// With fields on both sides.
    pub mixed: usize,
}

/// A logged site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// Function.
    pub function: String,
    /// Ordinal.
    pub ordinal: u32,
    /// `file:line`, empty if not known.
    pub at: String,
    /// What is logged.
    pub what: String,
    /// Estimated bytes.
    pub bytes: u64,
    /// Estimated events.
    pub events: u64,
}

/// An external function without annotation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unannotated {
    /// Name.
    pub name: String,
    /// Call sites.
    pub calls: usize,
    /// First call site.
    pub at: String,
    /// Cells it forces into the environment.
    pub cells: usize,
    /// TOML to complete and pass by `--annotations`.
    pub stanza: String,
}

/// A place and a sentence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Note {
    /// `file:line`, or the function.
    pub at: String,
    /// The sentence.
    pub text: String,
}

/// Points-to figures; see [`crate::points_to::Stats`] for how they are counted.
#[derive(Debug, Clone, Serialize)]
pub struct Points {
    /// Mean number of cells a load or store may touch.
    pub mean: f64,
    /// Most cells a load or store may touch.
    pub max: usize,
    /// Mean number of objects.
    pub mean_objects: f64,
    /// Loads and stores counted.
    pub sites: usize,
    /// Abstract objects.
    pub objects: usize,
    /// Function instances.
    pub instances: usize,
    /// Constraints.
    pub constraints: usize,
    /// Indirect call sites.
    pub indirect_sites: usize,
    /// Mean number of functions they may call.
    pub mean_targets: f64,
}

/// What a report is made from.
pub struct Input<'a> {
    /// The program.
    pub module: &'a Module,
    /// Its points-to sets.
    pub points_to: &'a PointsTo,
    /// Its facts.
    pub facts: &'a Facts,
    /// The cut.
    pub cut: &'a Cut,
    /// The plan.
    pub plan: &'a Plan,
    /// Seconds by phase.
    pub phases: Vec<(Phase, f64)>,
}

/// Collects the report.
#[must_use]
pub fn collect(input: &Input) -> Report {
    let Input { module, points_to, facts, cut, plan, phases } = input;
    let stats = points_to.stats();
    let mut report = Report {
        module: module.fingerprint.clone(),
        cut: plan.cut,
        functions: module.functions.len(),
        externals: module.externals.iter().filter(|e| !e.name.starts_with("llvm.")).count(),
        values: points_to.fields().len(),
        nodes: cut.nodes,
        edges: cut.edges,
        crossing: cut.crossing,
        cut_bytes: as_bytes(cut.value),
        sites: Sites { clones: plan.clones.len(), ..Sites::default() },
        interface: Vec::new(),
        fit: plan.fit.clone(),
        single: plan.single,
        unannotated: unannotated(module, facts),
        refused: Vec::new(),
        doubts: doubts(module, facts, cut),
        unknown_calls: facts.unknown_calls.iter().map(|(at, _)| explain::place(module, *at)).collect(),
        environment_globals: plan.environment_globals.clone(),
        heap: Heap::default(),
        points_to: Points {
            mean: stats.mean_fields,
            max: stats.max_fields,
            mean_objects: stats.mean_objects,
            sites: stats.sites,
            objects: stats.objects,
            instances: stats.instances,
            constraints: stats.constraints,
            indirect_sites: stats.indirect_sites,
            mean_targets: stats.mean_targets,
        },
        analysis_seconds: phases.iter().map(|p| p.1).sum(),
        phases: phases.iter().map(|(p, s)| (p.name(), *s)).collect(),
        reweighed: None,
        peak_rss_bytes: peak_rss(),
    };
    for site in &plan.sites {
        let at = site.at.as_ref().map(|l| format!("{}:{}", l.file, l.line)).unwrap_or_default();
        let what = match &site.action {
            Action::Call(call) => {
                match call.how {
                    How::Always => report.sites.calls += 1,
                    How::Checked | How::Located | How::OnStack | How::InFrames => report.sites.checked_calls += 1,
                }
                describe(call)
            }
            Action::Load { how, .. } => {
                match how {
                    How::Always => report.sites.loads += 1,
                    How::Checked | How::Located | How::OnStack | How::InFrames => report.sites.checked_loads += 1,
                }
                match how {
                    How::Always => "load -> log value".to_owned(),
                    How::Checked | How::Located | How::OnStack | How::InFrames => "load -> log value if environment".to_owned(),
                }
            }
            Action::Order { checked: true } => {
                report.sites.checked_loads += 1;
                "load -> log value if environment".to_owned()
            }
            Action::Order { checked: false } => {
                report.sites.ordered += 1;
                continue;
            }
            Action::Apply { .. } => "environment function writes -> log address and bytes".to_owned(),
            Action::Downcall { to } => format!("downcall of {} -> log result", names(to)),
            Action::Upcall { to } => format!("upcall of {} -> log arguments, stack pointer", names(to)),
            Action::Store { checked, .. } => {
                report.sites.stores += usize::from(*checked);
                continue;
            }
            Action::Alloc { objid, .. } => {
                report.sites.allocations += 1;
                match objid {
                    0 => report.heap.replay += 1,
                    1 | 2 => report.heap.environment += 1,
                    _ => report.heap.mixed += 1,
                }
                continue;
            }
            Action::Refuse { reason, .. } => {
                let at = if at.is_empty() { format!("in `{}`", site.function) } else { at };
                report.refused.push(Note { at, text: reason.clone() });
                continue;
            }
            Action::Replace { .. } | Action::Redirect { .. } | Action::Guard { .. } | Action::Stage { .. } | Action::Atomic { .. } | Action::Callee { .. } | Action::Poll | Action::Count { .. } => continue,
        };
        let what = items::told_apart(site, what);
        let (bytes, events) = (site.bytes, site.events);
        report.interface.push(Item { function: site.function.clone(), ordinal: site.ordinal, at, what, bytes, events });
    }
    report.interface.sort_by(|a, b| {
        let cost = |i: &Item| std::cmp::Reverse(i.bytes.saturating_add(i.events.saturating_mul(8)));
        (cost(a), &a.function, a.ordinal).cmp(&(cost(b), &b.function, b.ordinal))
    });
    report.refused.sort();
    report.refused.dedup();
    report
}

/// `read -> log ret + arg1`.
fn describe(call: &Call) -> String {
    let mut logged: Vec<String> = Vec::new();
    match call.ret {
        Ret::None => {}
        Ret::Log => logged.push("ret".to_owned()),
        Ret::CopyCstr | Ret::CopyBytes { .. } | Ret::AdoptCstr { .. } => logged.push("*ret".to_owned()),
    }
    logged.extend(call.writes.iter().map(describe_write));
    let logged = if logged.is_empty() { "log nothing".to_owned() } else { format!("log {}", logged.join(" + ")) };
    match call.how {
        How::Always => format!("{} -> {logged}", call.callee),
        How::Checked | How::Located | How::OnStack | How::InFrames => format!("{} -> {logged} if environment", call.callee),
    }
}

fn describe_write(write: &Write) -> String {
    match write.len {
        Len::Scanf(_) => "scanned values".to_owned(),
        _ => format!("arg{}", write.arg),
    }
}

/// The bytes that a write is about: `bytes of arg1`.
fn describe_len(write: &Write) -> String {
    match &write.len {
        Len::Const(n) => format!("{n} bytes"),
        Len::Cstr | Len::Wcstr => "string".to_owned(),
        Len::Ret => "as many bytes as the result says".to_owned(),
        Len::Scanf(_) => "scanned values".to_owned(),
        Len::Iovec(..) => "buffers of an iovec".to_owned(),
        Len::Msghdr(_) => "a message".to_owned(),
        Len::Mmsghdr(_) => "messages".to_owned(),
        Len::Object(_) => "an object".to_owned(),
        Len::Behind(_, n) => format!("{n} bytes behind a pointer"),
        Len::Moved(offset) => format!("what the pointer {offset} bytes into it moves over"),
        Len::Arg(_) | Len::Mem32(_) | Len::Mem64(_) | Len::Add(..) | Len::Mul(..) | Len::Min(..) => "bytes".to_owned(),
    }
}

/// An annotation of an external function to complete.
fn stanza(module: &Module, name: &str) -> String {
    module.external(name).map_or_else(String::new, |e| {
        let signature = &module.externals[e.index()].signature;
        let pointers: Vec<bool> = signature.params.iter().map(|c| *c == Class::Pointer).collect();
        stanza_for(name, signature.ret == Class::Pointer, &pointers, signature.variadic)
    })
}

fn unannotated(module: &Module, facts: &Facts) -> Vec<Unannotated> {
    let mut by_name: BTreeMap<&str, Unannotated> = BTreeMap::new();
    for call in facts.calls.iter().filter(|c| c.role == Role::Unknown) {
        let entry = by_name.entry(&call.callee).or_insert_with(|| {
            let stanza = stanza(module, &call.callee);
            let at = explain::place(module, call.at);
            Unannotated { name: call.callee.clone(), calls: 0, at, cells: 0, stanza }
        });
        entry.calls += 1;
        entry.cells = entry.cells.max(call.pinned.len());
    }
    by_name.into_values().collect()
}

fn doubts(module: &Module, facts: &Facts, cut: &Cut) -> Vec<Note> {
    let mut notes: Vec<Note> = (cut.conflicts.iter().filter(|c| !c.certain && facts.pins[c.pin].staged.is_none()))
        .map(|c| Note { at: explain::place(module, facts.pins[c.pin].at), text: c.reason.clone() })
        .collect();
    notes.sort();
    notes.dedup();
    notes
}

/// Most memory this process has held, in bytes.
#[must_use]
pub fn peak_rss() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|l| l.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

/// The first few of some functions.
fn names(functions: &[String]) -> String {
    const SHOWN: usize = 3;
    let first: Vec<String> = functions.iter().take(SHOWN).map(|f| format!("`{f}`")).collect();
    match functions.len().saturating_sub(SHOWN) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}
