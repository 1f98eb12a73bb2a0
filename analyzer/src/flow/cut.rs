//! The cut: pins that can't hold, the kind of cut asked for, the proof, and the side of each cell.

use super::facts::{Facts, Place, Role};
use super::graph::{Cause, Edge, Graph, SINK, SOURCE, node};
use super::{FlowError, explain};
use crate::model::Module;
use crate::points_to::{FieldId, PointsTo};
use itarget_min_cut::{CutError, INFINITE, MinCut, Network, NetworkBuilder, certificate};
use itarget_plan::CutMode;

/// Capacity of showing a cell at replay: dearer than any log, cheaper than what is impossible.
pub const SHOWN: u64 = 1 << 40;

/// What a checked access costs, in tenths of logged bytes.
const CHECK: u64 = 5;

/// A pin that can't hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Index in [`Facts::pins`].
    pub pin: usize,
    /// All its cells are environment: recording stops at its site. Otherwise the analysis only
    /// can't rule it out; if it happens, the replay diverges and says so.
    pub certain: bool,
    /// The sentence for the user.
    pub reason: String,
}

/// The side of everything.
#[derive(Debug, Default)]
pub struct Cut {
    /// By cell: it is on the environment's side.
    pub environment: Vec<bool>,
    /// By node of the graph: it is on the environment's side.
    pub sides: Vec<bool>,
    /// Edges of the network that are not in the graph: pins and wishes.
    pub extra: Vec<Edge>,
    /// By function: it is on the environment's side.
    pub functions: Vec<bool>,
    /// Value of the cut in tenths of bytes.
    pub value: u64,
    /// Nodes of the network.
    pub nodes: u32,
    /// Edges of the network.
    pub edges: u32,
    /// Edges cut.
    pub crossing: usize,
    /// Pins that don't hold for all their cells.
    pub conflicts: Vec<Conflict>,
    /// The cut as long as the process is alone ([`Facts::differs_alone`]), where that is another one: the environment is smaller.
    pub alone: Option<Box<Cut>>,
}

impl Cut {
    /// True if the cell is on the environment's side.
    #[must_use]
    pub fn is_environment(&self, field: FieldId) -> bool {
        self.environment[field.0 as usize]
    }

    /// True if the cell is on the environment's side only once the process is not alone any more.
    #[must_use]
    pub fn is_shared(&self, field: FieldId) -> bool {
        self.alone.as_ref().is_some_and(|alone| self.is_environment(field) && !alone.is_environment(field))
    }

    /// True if the function runs when recording only.
    #[must_use]
    pub fn is_skipped(&self, function: usize) -> bool {
        self.functions[function]
    }
}

/// Takes the cut.
///
/// # Errors
/// [`FlowError::Infeasible`] if something that can't be logged must be, [`FlowError::Cut`] if the
/// solver fails or its answer can't be proved.
pub fn take(
    module: &Module,
    points_to: &PointsTo,
    facts: &Facts,
    graph: &Graph,
    mode: CutMode,
) -> Result<Cut, FlowError> {
    take_from(module, points_to, facts, graph, mode, None)
}

/// Takes the cut of `graph`, which is that of `outer` as long as the process is alone ([`super::graph::build_alone`]): replay space there is replay space here, and a
/// heap object that is wholly the environment's there is on one side.
///
/// # Errors
/// As for [`take`].
pub fn take_within(module: &Module, points_to: &PointsTo, facts: &Facts, graph: &Graph, mode: CutMode, outer: &Cut) -> Result<Cut, FlowError> {
    take_from(module, points_to, facts, graph, mode, Some(outer))
}

fn take_from(
    module: &Module,
    points_to: &PointsTo,
    facts: &Facts,
    graph: &Graph,
    mode: CutMode,
    within: Option<&Cut>,
) -> Result<Cut, FlowError> {
    // A free function that must work on memory of the environment is there, too, with all that follows from it.
    let mut forced: Vec<Edge> = within.map(|outer| whole_within(points_to, facts, outer)).unwrap_or_default();
    let reached = loop {
        let reached = reach(graph, &forced);
        let before = forced.len();
        for (index, pin) in facts.pins.iter().enumerate() {
            let user = graph.functions[pin.at.0];
            let free = user != SINK && reached[user as usize].is_none() && !pin.refusable && !pin.values.is_empty();
            if free && pin.values.iter().all(|v| reached[node(*v) as usize].is_some()) {
                let cause = Cause::Pin(index as u32);
                forced.extend(pin.values.iter().map(|v| Edge { tail: node(*v), head: user, cap: INFINITE, cause }));
            }
        }
        if forced.len() == before {
            break reached;
        }
    };
    if reached[SINK as usize].is_some() {
        let path = path(graph, &forced, &reached, SINK);
        return Err(FlowError::Infeasible { reason: explain::inseparable(module, facts, &path) });
    }
    let mut conflicts = Vec::new();
    let mut extra = forced.clone();
    for (index, pin) in facts.pins.iter().enumerate() {
        let user = graph.functions[pin.at.0];
        if user == SOURCE {
            continue;
        }
        let lost = pin.values.iter().find(|v| reached[node(**v) as usize].is_some());
        if let Some(&v) = lost {
            let path = path(graph, &forced, &reached, node(v));
            let reason = explain::conflict(module, points_to, facts, pin, v, &path);
            let certain = pin.values.iter().all(|v| reached[node(*v) as usize].is_some());
            if certain && user == SINK && !pin.refusable {
                return Err(FlowError::Infeasible { reason });
            }
            if certain && user != SINK {
                // In the environment the function does it; replayed, it would end the recording.
                extra.push(Edge { tail: SOURCE, head: user, cap: SHOWN, cause: Cause::Asked });
            }
            conflicts.push(Conflict { pin: index, certain, reason });
        }
        for &v in pin.values.iter().filter(|v| reached[node(**v) as usize].is_none()) {
            extra.push(Edge { tail: node(v), head: user, cap: INFINITE, cause: Cause::Pin(index as u32) });
        }
    }
    let refused = facts.refused.iter().chain(&facts.refused_later).map(|(at, _)| at.0);
    let refused = refused.chain(facts.calls.iter().filter(|c| c.role == Role::Refuse).map(|c| c.at.0));
    for user in refused.map(|f| graph.functions[f]).filter(|n| *n != SINK && *n != SOURCE) {
        extra.push(Edge { tail: SOURCE, head: user, cap: SHOWN, cause: Cause::Asked });
    }
    for &(function, v) in facts.shown.iter().filter(|(_, v)| reached[node(*v) as usize].is_none()) {
        let printer = graph.functions[function];
        if printer != SOURCE {
            extra.push(Edge { tail: node(v), head: printer, cap: SHOWN, cause: Cause::Asked });
        }
    }
    if mode == CutMode::Libc {
        // Everything that can be in replay space is.
        for index in 0..points_to.fields().len() {
            let v = FieldId(index as u32);
            if reached[node(v) as usize].is_none() && !matches!(facts.place(points_to, v), Place::Code | Place::Absent) {
                extra.push(Edge { tail: node(v), head: SINK, cap: INFINITE, cause: Cause::Asked });
            }
        }
    }
    if let Some(outer) = within {
        let replayed = (0..outer.environment.len()).map(|c| FieldId(c as u32)).filter(|v| !outer.is_environment(*v));
        extra.extend(replayed.map(|v| Edge { tail: node(v), head: SINK, cap: INFINITE, cause: Cause::Same }));
    }
    let mut network = network_of(graph, &extra);
    let mut cut = solve(&network)?;
    // A heap object with fields on both sides makes every access to it a checked one. Where that
    // costs more than the fields save, the whole object is kept in replay space.
    let mixed = mixed_objects(points_to, facts, &reached, &cut);
    if mode == CutMode::Min && !mixed.is_empty() {
        let checks = accesses(points_to, facts, &mixed).saturating_mul(CHECK);
        let mut whole = extra.clone();
        for &object in &mixed {
            let fields = points_to.objects()[object as usize].fields;
            whole.extend((fields.0.0..fields.1.0).map(|v| Edge {
                tail: node(FieldId(v)),
                head: SINK,
                cap: INFINITE,
                cause: Cause::Asked,
            }));
        }
        let other = network_of(graph, &whole);
        let better = solve(&other)?;
        if better.value.saturating_sub(cut.value) <= checks {
            (network, cut, extra) = (other, better, whole);
        }
    }
    if graph.functions.iter().any(|n| *n != SINK) {
        // What is not needed is not replayed.
        cut.source_side = widest(graph, &extra, &cut);
    }
    let mut environment: Vec<bool> =
        (0..points_to.fields().len()).map(|i| cut.source_side[node(FieldId(i as u32)) as usize]).collect();
    let mut leads_on = vec![false; environment.len()];
    for edge in graph.edges.iter().chain(&extra) {
        if let Some(cell) = edge.tail.checked_sub(2).and_then(|c| leads_on.get_mut(c as usize)) {
            *cell = true;
        }
    }
    whole_objects(points_to, facts, &leads_on, &mut environment);
    let functions: Vec<bool> = graph.functions.iter().map(|n| cut.source_side[*n as usize]).collect();
    conflicts.retain(|c| !functions[facts.pins[c.pin].at.0]);
    Ok(Cut {
        environment,
        functions,
        value: cut.value,
        nodes: network.node_count(),
        edges: network.edge_count(),
        crossing: cut.cut_edges.len(),
        sides: cut.source_side,
        extra,
        conflicts,
        alone: None,
    })
}

/// Ties the cells of each heap object that is wholly in the environment of another cut.
fn whole_within(points_to: &PointsTo, facts: &Facts, outer: &Cut) -> Vec<Edge> {
    let edge = |tail, head| Edge { tail, head, cap: INFINITE, cause: Cause::Same };
    let mut edges = Vec::new();
    for (index, object) in points_to.objects().iter().enumerate() {
        let (from, to) = (object.fields.0.0, object.fields.1.0);
        if facts.places[index] == Place::Movable && (from..to).all(|v| outer.is_environment(FieldId(v))) {
            edges.extend((from + 1..to).flat_map(|v| [(v - 1, v), (v, v - 1)]).map(|(a, b)| edge(node(FieldId(a)), node(FieldId(b)))));
        }
    }
    edges
}

fn network_of(graph: &Graph, extra: &[Edge]) -> Network {
    let mut builder = NetworkBuilder::new(graph.nodes);
    for edge in graph.edges.iter().chain(extra) {
        builder.add_edge(edge.tail, edge.head, edge.cap);
    }
    builder.build()
}

/// The minimum cut, proved.
fn solve(network: &Network) -> Result<MinCut, FlowError> {
    let cut = network.min_cut(SOURCE, SINK).map_err(|e| cut_error(&e))?;
    certificate::check(network, SOURCE, SINK, &cut).map_err(|e| FlowError::Cut { message: e.to_string(), hint: e.hint() })?;
    Ok(cut)
}

/// The largest source side of all cuts of this value: the nodes that don't reach the sink in the residual graph.
fn widest(graph: &Graph, extra: &[Edge], cut: &MinCut) -> Vec<bool> {
    let n = graph.nodes as usize;
    let mut into: Vec<Vec<u32>> = vec![Vec::new(); n];
    for (edge, &flow) in graph.edges.iter().chain(extra).zip(&cut.flow) {
        if edge.cap == INFINITE || flow < edge.cap {
            into[edge.head as usize].push(edge.tail);
        }
        if flow > 0 {
            into[edge.tail as usize].push(edge.head);
        }
    }
    let mut source_side = vec![true; n];
    source_side[SINK as usize] = false;
    let mut stack = vec![SINK];
    while let Some(node) = stack.pop() {
        for &from in &into[node as usize] {
            if std::mem::replace(&mut source_side[from as usize], false) {
                stack.push(from);
            }
        }
    }
    source_side
}

/// Heap objects with cells on both sides, none of which has to be in the environment.
fn mixed_objects(points_to: &PointsTo, facts: &Facts, reached: &[Option<u32>], cut: &MinCut) -> Vec<u32> {
    let mixed = |index: usize| {
        let fields = points_to.objects()[index].fields;
        let mut sides = (fields.0.0..fields.1.0).map(|v| cut.source_side[node(FieldId(v)) as usize]);
        let first = sides.next();
        facts.places[index] == Place::Movable
            && sides.any(|s| Some(s) != first)
            && (fields.0.0..fields.1.0).all(|v| reached[node(FieldId(v)) as usize].is_none())
    };
    (0..points_to.objects().len()).filter(|i| mixed(*i)).map(|i| i as u32).collect()
}

/// Estimated executions of loads that may touch one of these objects.
fn accesses(points_to: &PointsTo, facts: &Facts, objects: &[u32]) -> u64 {
    let touches = |values: &[FieldId]| values.iter().any(|v| objects.contains(&points_to.field(*v).object.0));
    facts.loads.iter().filter(|l| touches(&l.values)).fold(0u64, |sum, l| sum.saturating_add(l.executions))
}

fn cut_error(error: &CutError) -> FlowError {
    FlowError::Cut { message: error.to_string(), hint: error.hint() }
}

/// Cells that nothing reads follow the rest of their heap object into the environment, so that
/// the object needs no table of ranges.
fn whole_objects(points_to: &PointsTo, facts: &Facts, leads_on: &[bool], environment: &mut [bool]) {
    for (index, object) in points_to.objects().iter().enumerate() {
        if facts.places[index] != Place::Movable {
            continue;
        }
        let cells = object.fields.0.0 as usize..object.fields.1.0 as usize;
        if environment[cells.clone()].contains(&true) && cells.clone().all(|c| environment[c] || !leads_on[c]) {
            environment[cells].fill(true);
        }
    }
}

/// For each node reached from the source over infinite edges: the edge it was first reached by
/// (`u32::MAX` for the source).
fn reach(graph: &Graph, extra: &[Edge]) -> Vec<Option<u32>> {
    let n = graph.nodes as usize;
    let mut first = vec![0u32; n + 1];
    let infinite = || graph.edges.iter().chain(extra).enumerate().filter(|(_, e)| e.cap == INFINITE);
    for (_, edge) in infinite() {
        first[edge.tail as usize + 1] += 1;
    }
    for i in 0..n {
        first[i + 1] += first[i];
    }
    let mut next = first.clone();
    let mut out = vec![0u32; first[n] as usize];
    for (index, edge) in infinite() {
        out[next[edge.tail as usize] as usize] = index as u32;
        next[edge.tail as usize] += 1;
    }
    let mut reached = vec![None; n];
    reached[SOURCE as usize] = Some(u32::MAX);
    let mut queue = vec![SOURCE];
    let mut head = 0;
    while let Some(&u) = queue.get(head) {
        head += 1;
        for &edge in &out[first[u as usize] as usize..first[u as usize + 1] as usize] {
            let v = at(graph, extra, edge).map_or(SOURCE, |e| e.head);
            if reached[v as usize].is_none() {
                reached[v as usize] = Some(edge);
                queue.push(v);
            }
        }
    }
    reached
}

/// An edge by its number: those of the graph, then the others.
fn at<'a>(graph: &'a Graph, extra: &'a [Edge], edge: u32) -> Option<&'a Edge> {
    let edge = edge as usize;
    graph.edges.get(edge).or_else(|| extra.get(edge.checked_sub(graph.edges.len())?))
}

/// The causes along the way from the source to a node.
fn path(graph: &Graph, extra: &[Edge], reached: &[Option<u32>], to: u32) -> Vec<Cause> {
    let mut causes = Vec::new();
    let mut here = to;
    while let Some(edge) = reached[here as usize].and_then(|e| at(graph, extra, e)) {
        causes.push(edge.cause);
        here = edge.tail;
    }
    causes.reverse();
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(tail: u32, head: u32, cap: u64, cause: Cause) -> Edge {
        Edge { tail, head, cap, cause }
    }

    #[test]
    fn infinite_edges_carry_the_reason() {
        let graph = Graph {
            nodes: 5,
            edges: vec![
                edge(SOURCE, 2, INFINITE, Cause::EnvironmentMemory),
                edge(SOURCE, 4, 7, Cause::Cost),
                edge(2, 3, INFINITE, Cause::Read(1)),
                edge(3, 4, 7, Cause::Cost),
            ],
            ..Graph::default()
        };
        let reached = reach(&graph, &[]);
        assert!(reached[3].is_some() && reached[4].is_none());
        assert_eq!(path(&graph, &[], &reached, 3), [Cause::EnvironmentMemory, Cause::Read(1)]);
    }
}
