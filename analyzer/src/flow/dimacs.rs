//! The flow network in the format of the first DIMACS challenge, for other solvers.

use super::cut::Cut;
use super::graph::{Graph, SINK, SOURCE};
use itarget_min_cut::INFINITE;
use std::io::{Result, Write};

/// Writes the network that was cut. Nodes count from 1. The format knows no infinite capacity: such
/// an edge gets one more than all finite ones together, and no minimum cut contains it.
///
/// # Errors
/// Those of `out`.
pub fn write(graph: &Graph, cut: &Cut, out: &mut dyn Write) -> Result<()> {
    let all = || graph.edges.iter().chain(&cut.extra);
    let finite = all().filter(|e| e.cap != INFINITE).fold(0u64, |sum, e| sum.saturating_add(e.cap));
    let infinite = finite.saturating_add(1).min(i64::MAX as u64);
    writeln!(out, "c flow network of a program, capacities in tenths of bytes; {infinite} stands for infinite")?;
    writeln!(out, "c minimum cut {}", cut.value)?;
    writeln!(out, "p max {} {}", graph.nodes, all().count())?;
    writeln!(out, "n {} s", SOURCE + 1)?;
    writeln!(out, "n {} t", SINK + 1)?;
    for e in all() {
        writeln!(out, "a {} {} {}", e.tail + 1, e.head + 1, e.cap.min(infinite))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::graph::{Cause, Edge};

    #[test]
    fn infinite_edges_get_more_than_all_finite_ones() {
        let edge = |tail, head, cap| Edge { tail, head, cap, cause: Cause::Cost };
        let graph = Graph { nodes: 3, edges: vec![edge(SOURCE, 2, INFINITE), edge(2, SINK, 5)], ..Graph::default() };
        let cut = Cut { extra: vec![edge(SOURCE, SINK, 2)], value: 7, ..Cut::default() };
        let mut out = Vec::new();
        write(&graph, &cut, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = text.lines().filter(|l| !l.starts_with('c')).collect();
        assert_eq!(lines, ["p max 3 3", "n 1 s", "n 2 t", "a 1 3 8", "a 3 2 5", "a 1 2 2"]);
    }
}
