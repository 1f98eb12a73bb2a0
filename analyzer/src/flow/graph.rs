//! The flow graph: cells and deterministic calls between the environment (source) and replay
//! space (sink).
//!
//! Every function with bitcode is the sink and every environment call is the source, so nodes are
//! needed for cells and for what lies between them only. Finite edges into the same pair of nodes
//! are added up. Cells that can't be told apart by address at run time are reached through one
//! auxiliary node per set of such cells: if one of them is in the environment, the whole site is
//! logged, and once.

use super::extent;
use super::facts::{CallSite, Facts, Place, Role};
use super::weights::{BYTE, CHECK, CellName, MOST, Traffic, Weights};
use crate::model::Module;
use crate::points_to::{FieldId, PointsTo};
use itarget_min_cut::{Cap, INFINITE};
use rustc_hash::FxHashMap;

/// The environment.
pub const SOURCE: u32 = 0;
/// Replay space.
pub const SINK: u32 = 1;

/// Most `(node of read cell, written cell)` edges for which a deterministic call is split by the
/// cell it reads.
const SPLIT: usize = 64;

/// Why an infinite edge is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Finite.
    Cost,
    /// The cell is memory of the environment.
    EnvironmentMemory,
    /// An unannotated call may write it, or an annotated one keeps a pointer to it: index in
    /// [`Facts::calls`].
    Written(u32),
    /// Part of the way through an auxiliary node.
    Same,
    /// The deterministic call reads it: index in [`Facts::calls`].
    Read(u32),
    /// Index in [`Facts::pins`].
    Pin(u32),
    /// Asked for by the kind of cut.
    Asked,
}

/// An edge.
#[derive(Debug, Clone, Copy)]
pub struct Edge {
    /// From.
    pub tail: u32,
    /// To.
    pub head: u32,
    /// Capacity in tenths of bytes.
    pub cap: Cap,
    /// Why.
    pub cause: Cause,
}

/// What a node stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Node {
    /// [`SOURCE`].
    Environment,
    /// [`SINK`].
    Replay,
    /// A cell.
    Cell(FieldId),
    /// What a deterministic call reads: index in [`Facts::calls`].
    Call(u32),
    /// Cells that are accessed together and can't be told apart by address.
    Together,
}

/// The flow graph.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    /// Number of nodes.
    pub nodes: u32,
    /// Edges; pins are not among them (see [`Facts::pins`]).
    pub edges: Vec<Edge>,
    /// What the nodes after the cells stand for.
    pub others: Vec<Node>,
}

impl Graph {
    /// What a node stands for.
    #[must_use]
    pub fn kind(&self, node: u32) -> Node {
        let others = self.nodes - self.others.len() as u32;
        match node {
            SOURCE => Node::Environment,
            SINK => Node::Replay,
            n if n >= others => self.others[(n - others) as usize],
            n => Node::Cell(FieldId(n - 2)),
        }
    }
}

/// The node of a cell.
#[must_use]
pub fn node(field: FieldId) -> u32 {
    field.0 + 2
}

/// Builds the flow graph.
#[must_use]
pub fn build(module: &Module, points_to: &PointsTo, facts: &Facts, weights: &Weights) -> Graph {
    let cells = points_to.fields().len();
    let mut builder = Builder {
        module,
        points_to,
        facts,
        weights,
        graph: Graph { nodes: cells as u32 + 2, ..Graph::default() },
        from_source: vec![0; cells],
        to_sink: vec![0; cells],
        forced: vec![None; cells],
        gates_in: Gates::default(),
        gates_out: Gates::default(),
    };
    builder.memory();
    if let Some(call) = facts.unknown_call {
        for &v in &facts.escaped {
            builder.forced[v.0 as usize].get_or_insert(Cause::Written(call));
        }
    }
    for load in &facts.loads {
        let name = &module.functions[load.at.0].name;
        let site = weights.site(name, load.ordinal, load.executions, load.size);
        builder.read(&load.values, site, |b, v| {
            b.weights.cell(name, load.ordinal, &b.cell(v), load.executions, load.size)
        });
        builder.checks(&load.values, site.events);
    }
    for (index, call) in facts.calls.iter().enumerate() {
        builder.call(index as u32, call);
    }
    for &(from, to) in &facts.implied {
        builder.edge(node(from), node(to), INFINITE, Cause::Same);
    }
    builder.finish()
}

/// Auxiliary nodes by the set of cells behind them.
#[derive(Default)]
struct Gates {
    index: FxHashMap<Vec<FieldId>, usize>,
    /// Node and capacity summed so far, in order of creation.
    list: Vec<(u32, Cap)>,
}

struct Builder<'a> {
    module: &'a Module,
    points_to: &'a PointsTo,
    facts: &'a Facts,
    weights: &'a Weights<'a>,
    graph: Graph,
    from_source: Vec<Cap>,
    to_sink: Vec<Cap>,
    forced: Vec<Option<Cause>>,
    gates_in: Gates,
    gates_out: Gates,
}

impl Builder<'_> {
    fn edge(&mut self, tail: u32, head: u32, cap: Cap, cause: Cause) {
        self.graph.edges.push(Edge { tail, head, cap, cause });
    }

    fn new_node(&mut self, kind: Node) -> u32 {
        self.graph.others.push(kind);
        self.graph.nodes += 1;
        self.graph.nodes - 1
    }

    fn place(&self, v: FieldId) -> Place {
        self.facts.place(self.points_to, v)
    }

    fn is_fixed(&self, v: FieldId) -> bool {
        matches!(self.place(v), Place::Code | Place::ReadOnly | Place::Absent)
    }

    fn cell(&self, v: FieldId) -> CellName<'_> {
        CellName::of(self.points_to, v)
    }

    /// Memory that is the environment's by nature.
    fn memory(&mut self) {
        for index in 0..self.points_to.fields().len() {
            let v = FieldId(index as u32);
            if matches!(self.place(v), Place::External | Place::ExternalLow) {
                self.forced[index] = Some(Cause::EnvironmentMemory);
            }
        }
    }

    /// The cells among `values` that can't be told apart by address, those that can, in order.
    fn split(&self, values: &[FieldId]) -> (Vec<FieldId>, Vec<FieldId>) {
        let mut low = Vec::new();
        let mut high = Vec::new();
        for &v in values {
            match self.place(v) {
                Place::Code | Place::ReadOnly | Place::Absent => {}
                Place::Low | Place::Mapping | Place::ExternalLow => low.push(v),
                Place::Movable | Place::External => high.push(v),
            }
        }
        (low, high)
    }

    /// A read of any of `values` by replay space: `site` is all it moves.
    fn read(&mut self, values: &[FieldId], site: Traffic, cell: impl Fn(&Self, FieldId) -> Traffic) {
        let (low, high) = self.split(values);
        match low.as_slice() {
            [] => {}
            [only] => add(&mut self.to_sink[only.0 as usize], site.capacity()),
            _ => {
                let (gate, new) = self.gate(true, &low);
                add(&mut self.gates_out.list[gate].1, site.capacity());
                if new {
                    let gate = self.gates_out.list[gate].0;
                    for &v in &low {
                        self.edge(node(v), gate, INFINITE, Cause::Same);
                    }
                }
            }
        }
        for v in high {
            let capacity = cell(self, v).capacity();
            add(&mut self.to_sink[v.0 as usize], capacity);
        }
    }

    /// An access that also touches other cells must look at the address once a cell of its set is
    /// in the environment.
    fn checks(&mut self, values: &[FieldId], events: u64) {
        if values.len() < 2 {
            return;
        }
        let cost = events.saturating_mul(CHECK).clamp(1, MOST);
        for &v in values {
            if self.place(v) == Place::Movable {
                add(&mut self.to_sink[v.0 as usize], cost);
            }
        }
    }

    /// Index of the auxiliary node of a set of cells, and whether it is new.
    fn gate(&mut self, out: bool, cells: &[FieldId]) -> (usize, bool) {
        let gates = if out { &mut self.gates_out } else { &mut self.gates_in };
        if let Some(&gate) = gates.index.get(cells) {
            return (gate, false);
        }
        let gate = gates.list.len();
        gates.index.insert(cells.to_vec(), gate);
        gates.list.push((self.graph.nodes, 0));
        self.new_node(Node::Together);
        (gate, true)
    }

    /// The node through which something is written to cells that can't be told apart.
    fn gate_in(&mut self, low: &[FieldId]) -> (usize, u32) {
        let (gate, new) = self.gate(false, low);
        let at = self.gates_in.list[gate].0;
        if new {
            for &v in low {
                self.edge(at, node(v), INFINITE, Cause::Same);
            }
        }
        (gate, at)
    }

    fn call(&mut self, index: u32, call: &CallSite) {
        for &v in &call.pinned {
            if !self.is_fixed(v) {
                self.forced[v.0 as usize].get_or_insert(Cause::Written(index));
            }
        }
        match call.role {
            Role::Env | Role::Unknown => self.environment_writes(call),
            Role::Det | Role::Runtime => {
                for movement in &call.movements {
                    self.movement(index, call, &movement.from, &movement.to);
                }
                if call.role == Role::Det {
                    self.refilled(call);
                }
            }
            Role::Native | Role::Refuse => {}
        }
    }

    /// What an environment call writes arrives from the source.
    fn environment_writes(&mut self, call: &CallSite) {
        let name = &self.module.functions[call.at.0].name;
        for (write, written) in call.writes.iter().zip(&call.spec.writes) {
            let (low, high) = self.split(&write.values);
            // What most calls leave as it is costs a comparison.
            let cost = |seen: Traffic| Traffic { bytes: if written.write.kept { 0 } else { seen.bytes }, ..seen };
            let site = cost(self.weights.site(name, call.ordinal, call.executions, write.bytes));
            match low.as_slice() {
                [] => {}
                [only] => add(&mut self.from_source[only.0 as usize], site.capacity()),
                _ => {
                    let gate = self.gate_in(&low).0;
                    add(&mut self.gates_in.list[gate].1, site.capacity());
                }
            }
            for &v in &high {
                let bytes = extent::bytes(self.points_to, v, write.bytes);
                let seen = cost(self.weights.cell(name, call.ordinal, &self.cell(v), call.executions, bytes));
                add(&mut self.from_source[v.0 as usize], seen.capacity());
            }
        }
    }

    /// A deterministic call whose destination lies above the bound is treated as an environment
    /// call: its result is logged.
    fn refilled(&mut self, call: &CallSite) {
        if !call.used {
            return;
        }
        let cost = call.result_traffic().capacity();
        for write in &call.writes {
            for &v in &write.values {
                if self.place(v) == Place::Movable {
                    add(&mut self.to_sink[v.0 as usize], cost);
                }
            }
        }
    }

    fn movement(&mut self, index: u32, call: &CallSite, from: &[FieldId], to: &[(FieldId, u64)]) {
        let from: Vec<FieldId> = from.iter().copied().filter(|v| !self.is_fixed(*v)).collect();
        let to: Vec<(FieldId, u64)> = to.iter().copied().filter(|(w, _)| !self.is_fixed(*w)).collect();
        if from.is_empty() || (to.is_empty() && !call.used) {
            return;
        }
        if from.len() * to.len().max(1) <= SPLIT {
            for v in from {
                let others: Vec<(FieldId, u64)> = to.iter().copied().filter(|(w, _)| *w != v).collect();
                if others.is_empty() && !call.used {
                    continue;
                }
                let middle = self.new_node(Node::Call(index));
                self.edge(node(v), middle, INFINITE, Cause::Read(index));
                self.moved(call, middle, &others);
            }
        } else {
            let middle = self.new_node(Node::Call(index));
            for v in from {
                self.edge(node(v), middle, INFINITE, Cause::Read(index));
            }
            self.moved(call, middle, &to);
        }
    }

    fn moved(&mut self, call: &CallSite, middle: u32, to: &[(FieldId, u64)]) {
        let n = call.executions;
        if call.used && call.role == Role::Det {
            self.edge(middle, SINK, call.result_traffic().capacity(), Cause::Cost);
        }
        let cells: Vec<FieldId> = to.iter().map(|t| t.0).collect();
        let (low, _) = self.split(&cells);
        let name = &self.module.functions[call.at.0].name;
        if low.len() > 1 {
            let most = to.iter().filter(|t| low.binary_search(&t.0).is_ok()).map(|t| t.1).max().unwrap_or(1);
            let cost = self.weights.site(name, call.ordinal, n, most).capacity();
            let at = self.gate_in(&low).1;
            self.edge(middle, at, cost, Cause::Cost);
        }
        for &(w, bytes) in to {
            if low.len() <= 1 || low.binary_search(&w).is_err() {
                let cost = self.weights.cell(name, call.ordinal, &self.cell(w), n, bytes).capacity();
                self.edge(middle, node(w), cost, Cause::Cost);
            }
        }
    }

    fn finish(mut self) -> Graph {
        for index in 0..self.forced.len() {
            let v = node(FieldId(index as u32));
            match self.forced[index] {
                Some(cause) => self.edge(SOURCE, v, INFINITE, cause),
                None if self.from_source[index] > 0 => self.edge(SOURCE, v, self.from_source[index], Cause::Cost),
                None => {}
            }
            if self.to_sink[index] > 0 {
                self.edge(v, SINK, self.to_sink[index], Cause::Cost);
            }
        }
        for (gate, cap) in std::mem::take(&mut self.gates_in.list) {
            if cap > 0 {
                self.edge(SOURCE, gate, cap, Cause::Cost);
            }
        }
        for (gate, cap) in std::mem::take(&mut self.gates_out.list) {
            self.edge(gate, SINK, cap.max(1), Cause::Cost);
        }
        self.graph
    }
}

fn add(sum: &mut Cap, more: Cap) {
    // Far below INFINITE whatever is added.
    *sum = sum.saturating_add(more).min(MOST * 16);
}

/// Bytes that a capacity stands for, events as eight bytes each.
#[must_use]
pub fn as_bytes(cap: u64) -> u64 {
    cap / BYTE
}
