//! Data races for people and scripts.

use crate::model::{FunctionId, Location, Module};
use crate::points_to::{ObjectKind, PointsTo};
use crate::races::{Accessed, Counts, Deed, Races};
use serde::Serialize;
use std::fmt::Write as _;

/// The report. Fields are only ever added.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Figures.
    pub counts: Counts,
    /// Functions that threads start with.
    pub threads: Vec<Thread>,
    /// Races, those of one object together.
    pub races: Vec<Race>,
}

/// Threads that start with one function.
#[derive(Debug, Clone, Serialize)]
pub struct Thread {
    /// The function.
    pub function: String,
    /// Several may run at a time.
    pub many: bool,
}

/// A race.
#[derive(Debug, Clone, Serialize)]
pub struct Race {
    /// The object, with the member if only one is meant.
    pub object: String,
    /// What kind of object.
    pub kind: &'static str,
    /// Its type, if known.
    #[serde(rename = "type")]
    pub ty: Option<String>,
    /// Where it is defined or allocated, as `file:line`.
    pub defined: Option<String>,
    /// Offsets of the cells in the object, in bytes.
    pub offsets: Vec<u64>,
    /// Only atomic instructions meet there.
    pub atomic: bool,
    /// The two accesses to show.
    pub accesses: Vec<Access>,
}

/// An access.
#[derive(Debug, Clone, Serialize)]
pub struct Access {
    /// `read`, `write`, `free`, `atomic read`, `atomic write`.
    pub what: &'static str,
    /// Function.
    pub function: String,
    /// `file:line`, if known.
    pub at: Option<String>,
    /// Locks held.
    pub locks: Vec<Lock>,
    /// What the threads start with that may be here; `main` is the first thread.
    pub threads: Vec<String>,
}

/// A lock.
#[derive(Debug, Clone, Serialize)]
pub struct Lock {
    /// Its name.
    pub name: String,
    /// Held with others (a read lock).
    pub shared: bool,
}

/// The report of what was found.
#[must_use]
pub fn collect(module: &Module, points_to: &PointsTo, races: &Races) -> Report {
    let function = |f: FunctionId| module.functions[f.index()].name.clone();
    let place = |at: Location| format!("{}:{}", module.files[at.file.index()], at.line);
    let access = |a: &Accessed| Access {
        what: match a.deed {
            Deed::Read => "read",
            Deed::Write => "write",
            Deed::Free => "free",
            Deed::AtomicRead => "atomic read",
            Deed::AtomicWrite | Deed::AtomicAssembly => "atomic write",
        },
        function: function(a.function),
        at: a.at.map(place),
        locks: a.locks.iter().map(|(name, alone)| Lock { name: name.clone(), shared: !alone }).collect(),
        threads: a.threads.iter().map(|t| t.map_or_else(|| "main".to_owned(), function)).collect(),
    };
    Report {
        counts: races.counts,
        threads: races.threads.iter().map(|(f, many)| Thread { function: function(*f), many: *many }).collect(),
        races: races
            .reports
            .iter()
            .map(|race| Race {
                object: race.name.clone(),
                kind: kind(points_to.object(race.object).kind),
                ty: race.ty.clone(),
                defined: points_to.object(race.object).at.map(place),
                offsets: race.cells.iter().map(|c| points_to.field(*c).offset).collect(),
                atomic: race.atomic,
                accesses: race.accesses.iter().map(access).collect(),
            })
            .collect(),
    }
}

fn kind(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Global(_) | ObjectKind::ExternalVariable(_) => "global variable",
        ObjectKind::Stack(..) | ObjectKind::ByVal(..) | ObjectKind::VarArgs(_) => "local variable",
        ObjectKind::Heap(_) => "heap block",
        _ => "memory",
    }
}

/// The report as text; of races, so many.
#[must_use]
pub fn text(report: &Report, limit: usize) -> String {
    let mut out = String::new();
    // Errors can't happen when writing to a string.
    let _ = write(&mut out, report, limit);
    out
}

fn write(out: &mut String, report: &Report, limit: usize) -> std::fmt::Result {
    let (plain, atomic): (Vec<&Race>, Vec<&Race>) = report.races.iter().partition(|r| !r.atomic);
    for race in plain.iter().chain(&atomic).take(limit) {
        let ty = race.ty.as_ref().map(|t| format!(" of type {t}")).unwrap_or_default();
        let defined = race.defined.as_ref().map(|d| format!(", {d}")).unwrap_or_default();
        let what = if race.atomic { "atomic accesses" } else { "data race" };
        let cells = if race.offsets.len() > 1 { format!(" ({} places)", race.offsets.len()) } else { String::new() };
        writeln!(out, "{what}: {} {}{ty}{defined}{cells}", race.kind, race.object)?;
        for access in &race.accesses {
            let at = access.at.as_ref().map(|a| format!(" at {a}")).unwrap_or_default();
            writeln!(out, "  {} in {}{at}", access.what, access.function)?;
            let locks: Vec<String> = access.locks.iter().map(|l| if l.shared { format!("{} (shared)", l.name) } else { l.name.clone() }).collect();
            let held = if locks.is_empty() { "no lock held".to_owned() } else { format!("holding {}", locks.join(", ")) };
            let many = |t: &String| report.threads.iter().any(|of| of.function == *t && of.many);
            let threads: Vec<String> = access.threads.iter().map(|t| if many(t) { format!("{t} (several)") } else { t.clone() }).collect();
            let shown = if threads.len() > 4 { format!("{} and {} more", threads[..3].join(", "), threads.len() - 3) } else { threads.join(", ") };
            writeln!(out, "    {held}; {} {shown}", if threads.len() == 1 { "thread" } else { "threads" })?;
        }
    }
    if report.races.len() > limit {
        writeln!(out, "... {} more: --all shows them", report.races.len() - limit)?;
    }
    let c = &report.counts;
    if report.threads.is_empty() && report.races.is_empty() {
        return writeln!(out, "no races: the program starts no thread");
    }
    let objects = if c.raced_objects == 1 { "object" } else { "objects" };
    writeln!(
        out,
        "{} of {} cells that threads share race, in {} {objects}; {} only by atomic instructions; {} locks told apart",
        c.raced_cells, c.shared_cells, c.raced_objects, c.atomic_cells, c.locks
    )
}
