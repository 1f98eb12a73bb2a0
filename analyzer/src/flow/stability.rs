//! How good a cut stays when the weights change: the price of the sides that one profile chose,
//! under the weights of another.

use super::cut::{self, Cut};
use super::facts::Facts;
use super::graph::{Cause, Edge, Graph, SINK, SOURCE, node};
use super::target::Wish;
use super::weights::{Profile, Weights};
use super::{FlowError, collect, graph};
use crate::model::Module;
use crate::points_to::{FieldId, PointsTo};
use itarget_annotations::Annotations;
use itarget_min_cut::INFINITE;
use itarget_plan::CutMode;
use serde::Serialize;

/// A cut under other weights than those it was taken with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reweighed {
    /// What it costs under the other weights, in tenths of bytes; absent where it can't be had: what
    /// the other profile saw makes it impossible.
    pub cost: Option<u64>,
    /// What the cut costs that is taken with the other weights.
    pub best: u64,
    /// Cells on another side in that cut.
    pub cells_differ: usize,
}

/// Weighs `cut` with another profile. `wishes`, `mode` and `scope` are those it was taken with.
///
/// # Errors
/// Those of [`cut::take`] with the other profile's weights.
pub fn reweigh(
    module: &Module,
    points_to: &PointsTo,
    annotations: &Annotations,
    cut: &Cut,
    other: &Profile,
    wishes: &[Wish],
    mode: CutMode,
    scope: collect::Scope,
) -> Result<Reweighed, FlowError> {
    let weights = Weights::new(module, points_to, Some(other));
    let facts = collect::facts(module, points_to, annotations, &weights, scope);
    let graph = graph::build(module, points_to, &facts, &weights, wishes, mode == CutMode::Functions);
    let best = cut::take(module, points_to, &facts, &graph, mode)?;
    let cost = held(module, points_to, &facts, &graph, cut, mode);
    let cells_differ = cut.environment.iter().zip(&best.environment).filter(|(a, b)| a != b).count();
    Ok(Reweighed { cost, best: best.value, cells_differ })
}

/// The cheapest cut of `graph` in which every cell is where `cut` has it.
fn held(module: &Module, points_to: &PointsTo, facts: &Facts, graph: &Graph, cut: &Cut, mode: CutMode) -> Option<u64> {
    let mut pinned = graph.clone();
    pinned.edges.extend(cut.environment.iter().enumerate().map(|(index, environment)| {
        let v = node(FieldId(index as u32));
        let (tail, head) = if *environment { (SOURCE, v) } else { (v, SINK) };
        Edge { tail, head, cap: INFINITE, cause: Cause::Asked }
    }));
    cut::take(module, points_to, facts, &pinned, mode).ok().map(|c| c.value)
}
