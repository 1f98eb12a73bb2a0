//! The flow graph: cells and deterministic calls between the environment (source) and replay
//! space (sink).
//!
//! Functions of the target are the sink, environment calls and excluded functions are the source. Nodes
//! are needed for cells, for functions that are free, and for what lies between them. Finite edges into the same pair of nodes
//! are added up. Cells that can't be told apart by address at run time are reached through one
//! auxiliary node per set of such cells: if one of them is in the environment, the whole site is
//! logged, and once.

use super::extent;
use super::facts::{CallSite, Facts, InternalCall, Place, Role, Store};
use super::target::Wish;
use super::weights::{BYTE, CHECK, CellName, MOST, Traffic, Weights};
use crate::model::{FunctionId, Module};
use crate::points_to::{FieldId, PointsTo};
use itarget_min_cut::{Cap, INFINITE};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// The environment.
pub const SOURCE: u32 = 0;
/// Replay space.
pub const SINK: u32 = 1;

/// Bytes by which the address of a logged store is estimated.
const ADDRESS: u64 = 2;
/// Bytes by which the stack pointer of an upcall is estimated.
const STACK_POINTER: u64 = 2;

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
    /// A thread of the environment may write it.
    Raced,
    /// Code that is not in the module may write it by its name.
    Outside,
    /// Part of the way through an auxiliary node.
    Same,
    /// The deterministic call reads it: index in [`Facts::calls`].
    Read(u32),
    /// Index in [`Facts::pins`].
    Pin(u32),
    /// Asked for by the kind of cut.
    Asked,
    /// A function of the environment works on it in a way that can't be logged: index in
    /// [`Module::functions`].
    Unloggable(u32),
    /// Two functions share a state that the library keeps: index in [`Bonds::together`].
    Together(u32),
    /// The function must be replayed: index in [`Bonds::replayed`].
    Replayed(u32),
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
    /// A free function: index in [`Module::functions`].
    Function(u32),
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
    /// Node of each function: [`SINK`] if it is in the target.
    pub functions: Vec<u32>,
    /// What was wished of each function.
    pub wishes: Vec<Wish>,
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

/// Builds the flow graph. `wishes` says what is wished of each function; with `boundaries_only` only calls
/// may be cut: no load and no store of the program is logged, but loads of the library's memory.
#[must_use]
pub fn build(module: &Module, points_to: &PointsTo, facts: &Facts, weights: &Weights, wishes: &[Wish], boundaries_only: bool) -> Graph {
    build_with(module, points_to, facts, weights, (wishes, boundaries_only, false))
}

/// The same graph as long as the process is alone ([`Facts::differs_alone`]): without what recorded threads race for, and without what calls write that nobody annotated.
#[must_use]
pub fn build_alone(module: &Module, points_to: &PointsTo, facts: &Facts, weights: &Weights, wishes: &[Wish], boundaries_only: bool) -> Graph {
    build_with(module, points_to, facts, weights, (wishes, boundaries_only, true))
}

fn build_with(
    module: &Module,
    points_to: &PointsTo,
    facts: &Facts,
    weights: &Weights,
    (wishes, boundaries_only, alone): (&[Wish], bool, bool),
) -> Graph {
    let cells = points_to.fields().len();
    let mut nodes = cells as u32 + 2;
    let mut others = Vec::new();
    let functions = wishes.iter().enumerate().map(|(index, wish)| match wish {
        _ if points_to.instances_of(FunctionId::from(index)).is_empty() => SINK,
        Wish::Replay => SINK,
        Wish::Environment => SOURCE,
        Wish::Free => {
            others.push(Node::Function(index as u32));
            nodes += 1;
            nodes - 1
        }
    });
    let functions: Vec<u32> = functions.collect();
    let mut builder = Builder {
        module,
        points_to,
        facts,
        weights,
        boundaries_only,
        graph: Graph { nodes, functions, others, wishes: wishes.to_vec(), ..Graph::default() },
        from_source: vec![0; cells],
        to_sink: vec![0; cells],
        forced: vec![None; cells],
        between: FxHashMap::default(),
        gates_in: Gates::default(),
        gates_out: Gates::default(),
    };
    builder.memory();
    let unknown = !alone || !facts.unknown_by_call;
    if let Some(call) = facts.unknown_call.filter(|_| unknown) {
        for &v in &facts.escaped {
            builder.forced[v.0 as usize].get_or_insert(Cause::Written(call));
        }
    }
    for &v in &facts.used_outside {
        builder.forced[v.0 as usize].get_or_insert(Cause::Outside);
    }
    let races = !alone || !facts.threads;
    for &v in facts.raced.iter().filter(|_| races) {
        builder.forced[v.0 as usize].get_or_insert(Cause::Raced);
    }
    // What is logged whatever the cut is has no part in it.
    for load in facts.loads.iter().filter(|l| !races || !l.races) {
        let name = &module.functions[load.at.0].name;
        let site = weights.site(name, load.ordinal, load.executions, load.size);
        builder.read(load.at.0, &load.values, site, |b, v| {
            b.weights.cell(name, load.ordinal, &b.cell(v), load.executions, load.size)
        });
        builder.checks(load.at.0, &load.values, site.events);
    }
    for store in &facts.stores {
        builder.store(store);
    }
    for (index, call) in facts.calls.iter().enumerate() {
        builder.call(index as u32, call, unknown || !call.may_write_all());
    }
    for call in &facts.internal {
        builder.internal(call);
    }
    builder.bonds();
    for &(from, to) in &facts.implied {
        builder.edge(node(from), node(to), INFINITE, Cause::Same);
    }
    builder.finish()
}

/// Auxiliary nodes by the node on their one side and the set of cells behind them.
#[derive(Default)]
struct Gates {
    index: FxHashMap<(u32, Vec<FieldId>), usize>,
    /// Node on the one side, node, and capacity summed so far, in order of creation.
    list: Vec<(u32, u32, Cap)>,
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
    /// Finite capacity between free functions, and between them and cells: by tail and head.
    between: FxHashMap<(u32, u32), Cap>,
    boundaries_only: bool,
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

    /// Node of a function.
    fn function(&self, index: usize) -> u32 {
        self.graph.functions[index]
    }

    /// Adds to the capacity between two nodes.
    fn flow(&mut self, tail: u32, head: u32, cap: Cap) {
        if tail == head || tail == SINK || head == SOURCE {
            return;
        }
        let cells = self.forced.len();
        let cell = |n: u32| n.checked_sub(2).map(|c| c as usize).filter(|c| *c < cells);
        match (cell(tail), cell(head)) {
            (Some(c), _) if head == SINK => add(&mut self.to_sink[c], cap),
            (_, Some(c)) if tail == SOURCE => add(&mut self.from_source[c], cap),
            _ => add(self.between.entry((tail, head)).or_insert(0), cap),
        }
    }

    /// Logging of a load or store of the program: not where only calls are cut.
    fn logged(&self, v: FieldId, site: Traffic) -> Cap {
        let library = matches!(self.place(v), Place::External | Place::ExternalLow);
        if self.boundaries_only && !library { INFINITE } else { site.capacity() }
    }

    /// A read of any of `values` by a function, if that is replayed: `site` is all it moves.
    fn read(&mut self, function: usize, values: &[FieldId], site: Traffic, cell: impl Fn(&Self, FieldId) -> Traffic) {
        let reader = self.function(function);
        if reader == SOURCE {
            return;
        }
        let (low, high) = self.split(values);
        if self.boundaries_only {
            for &v in low.iter().chain(&high) {
                let cap = self.logged(v, site);
                self.flow_or_bind(node(v), reader, cap);
            }
            return;
        }
        self.any_of(&low, reader, site.capacity());
        for v in high {
            let capacity = cell(self, v).capacity();
            self.flow(node(v), reader, capacity);
        }
    }

    /// What costs `cap`, and once, if any of the cells is in the environment and the reader is replayed.
    fn any_of(&mut self, cells: &[FieldId], reader: u32, cap: Cap) {
        match cells {
            [] => {}
            [only] => self.flow(node(*only), reader, cap),
            _ => {
                let (gate, new) = self.gate(true, reader, cells);
                add(&mut self.gates_out.list[gate].2, cap);
                if new {
                    let gate = self.gates_out.list[gate].1;
                    for &v in cells {
                        self.edge(node(v), gate, INFINITE, Cause::Same);
                    }
                }
            }
        }
    }

    fn flow_or_bind(&mut self, tail: u32, head: u32, cap: Cap) {
        if cap != INFINITE {
            self.flow(tail, head, cap);
        } else if tail != head && tail != SINK && head != SOURCE {
            self.between.insert((tail, head), INFINITE);
        }
    }

    /// A store of a function, if that is in the environment.
    fn store(&mut self, store: &Store) {
        let writer = self.function(store.at.0);
        if writer == SINK {
            return;
        }
        let name = &self.module.functions[store.at.0].name;
        let bytes = store.size + ADDRESS;
        let site = self.weights.site(name, store.ordinal, store.executions, bytes);
        self.write(writer, &store.values, site, |b, v| {
            let seen = b.weights.cell(name, store.ordinal, &b.cell(v), store.executions, bytes);
            b.logged(v, seen)
        });
    }

    /// Bytes that `writer` (a free function, or the environment) may write to `values`.
    fn write(&mut self, writer: u32, values: &[FieldId], site: Traffic, cell: impl Fn(&Self, FieldId) -> Cap) {
        let (low, high) = self.split(values);
        if self.boundaries_only && writer != SOURCE {
            for &v in low.iter().chain(&high) {
                self.flow_or_bind(writer, node(v), INFINITE);
            }
            return;
        }
        match low.as_slice() {
            [] => {}
            [only] => self.flow(writer, node(*only), site.capacity()),
            _ => {
                let gate = self.gate_in(writer, &low).0;
                add(&mut self.gates_in.list[gate].2, site.capacity());
            }
        }
        for &v in &high {
            let cap = cell(self, v);
            self.flow_or_bind(writer, node(v), cap);
        }
    }

    /// A call of functions of the program: a downcall if the callee is in the environment, an upcall if
    /// the caller is.
    fn internal(&mut self, call: &InternalCall) {
        let caller = self.function(call.at.0);
        for callee in &call.callees {
            let callee = self.function(callee.index());
            let n = call.executions;
            let cost = |bytes: u64| Traffic { bytes: bytes.saturating_mul(n), events: n }.capacity();
            self.flow(callee, caller, cost(call.ret_bytes));
            self.flow(caller, callee, cost(call.arg_bytes + STACK_POINTER));
        }
    }

    fn bonds(&mut self) {
        let facts = self.facts;
        for &(function, cell) in &facts.bonds.own {
            let f = self.function(function.index());
            if f != SINK {
                self.edge(f, node(cell), INFINITE, Cause::Unloggable(function.0));
            }
        }
        let mut allocated: BTreeMap<(u32, u32), (u64, Vec<FieldId>)> = BTreeMap::new();
        for &(function, cell, cost) in &facts.bonds.allocated {
            let object = self.points_to.field(cell).object.0;
            let entry = allocated.entry((self.function(function.index()), object)).or_insert((cost, Vec::new()));
            entry.1.push(cell);
        }
        for ((f, _), (cost, cells)) in allocated {
            if f != SINK {
                let gate = self.gate_in(f, &cells).0;
                let cost = if self.boundaries_only { MOST } else { cost.saturating_mul(BYTE).clamp(1, MOST) };
                add(&mut self.gates_in.list[gate].2, cost);
            }
        }
        for (index, &(a, b, _)) in facts.bonds.together.iter().enumerate() {
            let (a, b) = (self.function(a.index()), self.function(b.index()));
            if a != b {
                self.edge(a, b, INFINITE, Cause::Together(index as u32));
                self.edge(b, a, INFINITE, Cause::Together(index as u32));
            }
        }
        for (index, (function, _)) in facts.bonds.replayed.iter().enumerate() {
            let f = self.function(function.index());
            if f != SINK {
                self.edge(f, SINK, INFINITE, Cause::Replayed(index as u32));
            }
        }
    }

    /// An access that also touches other cells must look at the address once a cell of its set is
    /// in the environment.
    fn checks(&mut self, function: usize, values: &[FieldId], events: u64) {
        if values.len() < 2 {
            return;
        }
        let reader = self.function(function);
        let cost = events.saturating_mul(CHECK).clamp(1, MOST);
        for &v in values {
            if self.place(v) == Place::Movable {
                self.flow(node(v), reader, cost);
            }
        }
    }

    /// Index of the auxiliary node of a set of cells, and whether it is new.
    fn gate(&mut self, out: bool, side: u32, cells: &[FieldId]) -> (usize, bool) {
        let gates = if out { &mut self.gates_out } else { &mut self.gates_in };
        let key = (side, cells.to_vec());
        if let Some(&gate) = gates.index.get(&key) {
            return (gate, false);
        }
        let gate = gates.list.len();
        gates.index.insert(key, gate);
        gates.list.push((side, self.graph.nodes, 0));
        self.new_node(Node::Together);
        (gate, true)
    }

    /// The node through which `writer` writes to cells that can't be told apart.
    fn gate_in(&mut self, writer: u32, low: &[FieldId]) -> (usize, u32) {
        let (gate, new) = self.gate(false, writer, low);
        let at = self.gates_in.list[gate].1;
        if new {
            for &v in low {
                self.edge(at, node(v), INFINITE, Cause::Same);
            }
        }
        (gate, at)
    }

    /// `pins`: what the environment may write from this call on counts.
    fn call(&mut self, index: u32, call: &CallSite, pins: bool) {
        for &v in call.pinned.iter().filter(|_| pins) {
            if !self.is_fixed(v) {
                self.forced[v.0 as usize].get_or_insert(Cause::Written(index));
            }
        }
        let caller = self.function(call.at.0);
        match call.role {
            Role::Env | Role::Unknown => {
                self.environment_writes(SOURCE, call);
                if self.boundaries_only && caller != SINK {
                    self.environment_writes(caller, call);
                }
                if call.used && caller != SINK {
                    self.flow(SOURCE, caller, call.result_traffic().capacity());
                }
                self.printed(caller, call);
            }
            Role::Det | Role::Runtime => {
                for movement in &call.movements {
                    self.movement(index, call, &movement.from, &movement.to);
                }
                if call.role == Role::Det {
                    self.refilled(call);
                    if caller != SINK {
                        self.environment_writes(caller, call);
                    }
                }
            }
            Role::Native | Role::Refuse => {}
        }
    }

    /// What a replayed function prints from memory of the environment is logged, so that a replay shows it.
    fn printed(&mut self, caller: u32, call: &CallSite) {
        if caller == SOURCE {
            return;
        }
        let name = &self.module.functions[call.at.0].name;
        let cells: Vec<FieldId> = call.printed.iter().copied().filter(|v| !self.is_fixed(*v)).collect();
        if !self.weights.knows(name) {
            let n = call.executions;
            let all = Traffic { bytes: call.printed_bytes.saturating_mul(n), events: n };
            if call.printed_bytes > 0 {
                self.any_of(&cells, caller, all.capacity());
            }
            return;
        }
        for v in cells {
            if let Some(seen) = self.weights.source(name, call.ordinal, &self.cell(v)).filter(|seen| seen.events > 0) {
                self.edge(node(v), caller, seen.capacity(), Cause::Cost);
            }
        }
    }

    /// What a call writes, if it is made by `writer`.
    fn environment_writes(&mut self, writer: u32, call: &CallSite) {
        let name = &self.module.functions[call.at.0].name;
        for (write, written) in call.writes.iter().zip(&call.spec.writes) {
            // What most calls leave as it is costs a comparison.
            let cost = |seen: Traffic| Traffic { bytes: if written.write.kept { 0 } else { seen.bytes }, ..seen };
            let site = cost(self.weights.site(name, call.ordinal, call.executions, write.bytes));
            self.write(writer, &write.values, site, |b, v| {
                let bytes = extent::bytes(b.points_to, v, write.bytes);
                cost(b.weights.cell(name, call.ordinal, &b.cell(v), call.executions, bytes)).capacity()
            });
        }
    }

    /// A deterministic call whose destination lies above the bound is treated as an environment
    /// call: its result is logged.
    fn refilled(&mut self, call: &CallSite) {
        if !call.used {
            return;
        }
        let caller = self.function(call.at.0);
        let cost = call.result_traffic().capacity();
        for write in &call.writes {
            for &v in &write.values {
                if self.place(v) == Place::Movable {
                    self.flow(node(v), caller, cost);
                }
            }
        }
    }

    fn movement(&mut self, index: u32, call: &CallSite, from: &[FieldId], to: &[(FieldId, u64)]) {
        let from: Vec<FieldId> = from.iter().copied().filter(|v| !self.is_fixed(*v)).collect();
        let to: Vec<(FieldId, u64)> = to.iter().copied().filter(|(w, _)| !self.is_fixed(*w)).collect();
        let caller = self.function(call.at.0);
        if from.is_empty() || (to.is_empty() && !call.used) || caller == SOURCE && call.role == Role::Det {
            return;
        }
        if from.len() * to.len().max(1) <= SPLIT {
            for v in from {
                let others: Vec<(FieldId, u64)> = to.iter().copied().filter(|(w, _)| *w != v).collect();
                if others.is_empty() && !call.used {
                    continue;
                }
                let middle = self.new_node(Node::Call(index));
                self.source(index, call, v, middle);
                self.moved(call, middle, &others);
            }
        } else {
            let middle = self.new_node(Node::Call(index));
            for v in from {
                self.source(index, call, v, middle);
            }
            self.moved(call, middle, &to);
        }
    }

    /// A call reads `v`. It costs no more to log what comes of it than what the profiled run read there.
    fn source(&mut self, index: u32, call: &CallSite, v: FieldId, middle: u32) {
        let name = &self.module.functions[call.at.0].name;
        let counted = call.role == Role::Det && call.deep.binary_search(&v).is_err();
        match self.weights.source(name, call.ordinal, &self.cell(v)).filter(|_| counted) {
            Some(seen) => self.edge(node(v), middle, seen.capacity(), Cause::Cost),
            None => self.edge(node(v), middle, INFINITE, Cause::Read(index)),
        }
    }

    fn moved(&mut self, call: &CallSite, middle: u32, to: &[(FieldId, u64)]) {
        let n = call.executions;
        let caller = self.function(call.at.0);
        if call.role == Role::Det {
            if call.used {
                self.edge(middle, caller, call.result_traffic().capacity(), Cause::Cost);
            }
        } else if caller != SINK {
            // The runtime logs what its own functions copy, whoever calls them.
            self.edge(caller, middle, INFINITE, Cause::Same);
        }
        let cells: Vec<FieldId> = to.iter().map(|t| t.0).collect();
        let (low, _) = self.split(&cells);
        let name = &self.module.functions[call.at.0].name;
        if low.len() > 1 {
            let most = to.iter().filter(|t| low.binary_search(&t.0).is_ok()).map(|t| t.1).max().unwrap_or(1);
            let cost = self.weights.site(name, call.ordinal, n, most).capacity();
            let at = self.gate_in(SOURCE, &low).1;
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
        let whole = self.graph.wishes.iter().all(|w| *w == Wish::Replay);
        for index in 0..self.forced.len() {
            let v = node(FieldId(index as u32));
            if whole && self.forced[index].is_none() && self.points_to.is_copy(FieldId(index as u32)) {
                // The runtime's copy of a static result lies in replay space anyway, and digests look at it.
                add(&mut self.to_sink[index], MOST);
            }
            match self.forced[index] {
                Some(cause) => self.edge(SOURCE, v, INFINITE, cause),
                None if self.from_source[index] > 0 => self.edge(SOURCE, v, self.from_source[index], Cause::Cost),
                None => {}
            }
            if self.to_sink[index] > 0 {
                self.edge(v, SINK, self.to_sink[index], Cause::Cost);
            }
        }
        for (from, gate, cap) in std::mem::take(&mut self.gates_in.list) {
            if cap > 0 {
                self.edge(from, gate, cap, Cause::Cost);
            }
        }
        for (to, gate, cap) in std::mem::take(&mut self.gates_out.list) {
            self.edge(gate, to, cap.max(1), Cause::Cost);
        }
        let mut between: Vec<((u32, u32), Cap)> = std::mem::take(&mut self.between).into_iter().collect();
        between.sort_unstable();
        for ((tail, head), cap) in between {
            self.edge(tail, head, cap, if cap == INFINITE { Cause::Asked } else { Cause::Cost });
        }
        self.graph
    }
}

fn add(sum: &mut Cap, more: Cap) {
    if *sum == INFINITE {
        return;
    }
    // Far below INFINITE whatever is added.
    *sum = sum.saturating_add(more).min(MOST * 16);
}

/// Bytes that a capacity stands for, events as eight bytes each.
#[must_use]
pub fn as_bytes(cap: u64) -> u64 {
    cap / BYTE
}
