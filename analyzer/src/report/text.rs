//! The report as text for a terminal.

use super::Report;
use crate::flow::graph::as_bytes;
use itarget_plan::CutMode;
use std::fmt::Write as _;

/// Most lines of a list that are shown unless all are asked for.
const SHOWN: usize = 20;

/// The summary. `stats` adds how the points-to figures are counted and the time of each phase;
/// `all` shows whole lists.
#[must_use]
pub fn summary(report: &Report, stats: bool, all: bool) -> String {
    let limit = if all { usize::MAX } else { SHOWN };
    let mut out = String::new();
    // Writing to a string can't fail.
    let _ = write_summary(&mut out, report, stats, limit);
    out
}

fn write_summary(out: &mut String, r: &Report, stats: bool, limit: usize) -> std::fmt::Result {
    let cut = match r.cut {
        CutMode::Min => "minimum cut",
        CutMode::Libc => "library boundary",
        CutMode::Functions => "calls of functions",
        CutMode::Profile => "profile build",
        CutMode::Check => "check build",
    };
    writeln!(
        out,
        "{} functions, {} external functions, {} values; flow graph of {} nodes, {} edges",
        r.functions, r.externals, r.values, r.nodes, r.edges
    )?;
    writeln!(out, "{cut}: about {} per estimated run, {} edges cut", bytes(r.cut_bytes), r.crossing)?;
    if let Some(fit) = &r.fit {
        writeln!(out, "{fit}")?;
    }
    if let Some(w) = &r.reweighed {
        match w.cost {
            Some(cost) => writeln!(
                out,
                "with the other profile's weights it costs {}, the best cut {} ({} values on another side)",
                bytes(as_bytes(cost)),
                bytes(as_bytes(w.best)),
                w.cells_differ
            )?,
            None => writeln!(out, "what the other profile saw can't be recorded with this interface")?,
        }
    }
    let s = &r.sites;
    writeln!(
        out,
        "sites: {} environment calls, {} checked calls, {} logged loads, {} checked loads, {} guarded stores",
        s.calls, s.checked_calls, s.loads, s.checked_loads, s.stores
    )?;
    if s.ordered > 0 {
        writeln!(out, "races: {} loads and stores are ordered as they are made", s.ordered)?;
    }
    writeln!(
        out,
        "heap: {} allocation sites in replay space, {} in the environment, {} with fields on both sides; {} clones",
        r.heap.replay, r.heap.environment, r.heap.mixed, s.clones
    )?;
    if !r.environment_globals.is_empty() {
        writeln!(out, "globals in the environment: {}", list(&r.environment_globals, limit))?;
    }
    interface(out, r, limit)?;
    if r.single {
        writeln!(out, "threads: the profiled run started none; a recording ends where one is started")?;
    }
    for note in &r.refused {
        writeln!(out, "refused: {}: {}", note.at, note.text)?;
    }
    if !r.doubts.is_empty() {
        writeln!(out, "not ruled out ({}; a replay would diverge there and say so):", r.doubts.len())?;
        for note in r.doubts.iter().take(limit) {
            writeln!(out, "  {}", note.text)?;
        }
    }
    if !r.unknown_calls.is_empty() {
        writeln!(out, "calls that may lead to code without bitcode: {}", list(&r.unknown_calls, limit))?;
    }
    unannotated(out, r)?;
    writeln!(
        out,
        "points-to sets: mean {:.2}, max {} cells over {} loads and stores",
        r.points_to.mean, r.points_to.max, r.points_to.sites
    )?;
    if stats {
        let p = &r.points_to;
        writeln!(
            out,
            "  counted: every load and store with a pointer operand once, over all calling contexts together, \
             unreached ones with size 0; \
             an unknown place in an object is one and stands for all others in it; code is not counted"
        )?;
        writeln!(
            out,
            "  mean objects {:.2}; {} objects, {} function instances, {} constraints; {} indirect calls with {:.2} targets on average",
            p.mean_objects, p.objects, p.instances, p.constraints, p.indirect_sites, p.mean_targets
        )?;
    }
    let phases: Vec<String> = r.phases.iter().map(|(name, seconds)| format!("{name} {seconds:.2}")).collect();
    writeln!(
        out,
        "{:.2} s ({}), peak memory {}",
        r.analysis_seconds,
        phases.join(", "),
        bytes(r.peak_rss_bytes)
    )
}

fn interface(out: &mut String, r: &Report, limit: usize) -> std::fmt::Result {
    if r.interface.is_empty() {
        return writeln!(out, "nothing is logged");
    }
    writeln!(out, "interface ({} items, dearest first):", r.interface.len())?;
    for item in r.interface.iter().take(limit) {
        let at = if item.at.is_empty() { format!("{}#{}", item.function, item.ordinal) } else { item.at.clone() };
        writeln!(out, "  {at} {}  [{}, {} events]", item.what, bytes(item.bytes), item.events)?;
    }
    if let Some(more) = r.interface.len().checked_sub(limit).filter(|n| *n > 0) {
        writeln!(out, "  and {more} more (--all)")?;
    }
    Ok(())
}

fn unannotated(out: &mut String, r: &Report) -> std::fmt::Result {
    if r.unannotated.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "not annotated ({}): everything these can reach counts as environment; complete and pass by --annotations FILE:",
        r.unannotated.len()
    )?;
    for u in &r.unannotated {
        writeln!(out, "\n# {} call(s), first at {}; forces {} cells into the environment", u.calls, u.at, u.cells)?;
        out.push_str(&u.stanza);
    }
    out.push('\n');
    Ok(())
}

fn list(items: &[String], limit: usize) -> String {
    match items.len().checked_sub(limit).filter(|n| *n > 0) {
        Some(more) => format!("{} and {more} more", items[..limit].join(", ")),
        None => items.join(", "),
    }
}

/// A number of bytes for people.
#[must_use]
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["KB", "MB", "GB", "TB", "PB"];
    if n < 1000 {
        return format!("{n} B");
    }
    let mut value = n as f64;
    let mut unit = "B";
    for next in UNITS {
        value /= 1000.0;
        unit = next;
        if value < 999.5 {
            break;
        }
    }
    format!("{value:.1} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_readable() {
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1500), "1.5 KB");
        assert_eq!(bytes(999_900), "1.0 MB");
        assert_eq!(bytes(u64::MAX), "18446.7 PB");
    }

    #[test]
    fn long_lists_say_how_much_is_left_out() {
        let items: Vec<String> = (0..4).map(|i| i.to_string()).collect();
        assert_eq!(list(&items, 2), "0, 1 and 2 more");
        assert_eq!(list(&items, 4), "0, 1, 2, 3");
    }
}
