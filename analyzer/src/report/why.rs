//! Ways through the flow graph: from what is not deterministic to a cell, and from a cell to what works on
//! it in replay space. Of several ways the widest is shown (most bytes through its narrowest edge), of
//! equally wide ones the shortest.

use super::names::{Names, plain};
use crate::flow::cut::{Cut, SHOWN};
use crate::flow::explain;
use crate::flow::facts::{CallSite, Facts, Role};
use crate::flow::graph::{Cause, Edge, Graph, Node, SINK, SOURCE, as_bytes, node};
use crate::flow::target::Wish;
use crate::flow::weights::{CellName, Weights};
use crate::model::{FunctionId, Module};
use crate::points_to::{FieldId, PointsTo};
use itarget_min_cut::{Cap, INFINITE};
use itarget_plan::Plan;
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What is explained.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The program.
    pub module: &'a Module,
    /// Its points-to sets.
    pub points_to: &'a PointsTo,
    /// What its sites touch.
    pub facts: &'a Facts,
    /// How often.
    pub weights: &'a Weights<'a>,
    /// The flow graph.
    pub graph: &'a Graph,
    /// Its cut.
    pub cut: &'a Cut,
    /// The interface.
    pub plan: &'a Plan,
}

/// A station of a way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Where it is (`file:line`), empty if not known.
    pub at: String,
    /// On which side of the cut.
    pub environment: bool,
    /// Estimated bytes that arrive there; absent where that is not limited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

/// Kinds of stations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A call of a function of the library.
    Call,
    /// Memory.
    Object,
    /// Code of the program.
    Code,
}

/// Who writes memory in the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Writer {
    /// Index in [`Facts::calls`].
    Call(usize),
    /// A store of a function of the environment: index in [`Facts::stores`].
    Store(usize),
}

/// What decides that something is on its side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// Nothing but the price.
    Price,
    /// An edge that can't be cut.
    By(Cause),
}

#[derive(Clone, Copy)]
struct Way {
    edge: u32,
    width: Cap,
}

/// The ways of one program.
pub struct Ways<'a> {
    /// What is explained.
    pub subject: Subject<'a>,
    from: Vec<Option<Way>>,
    to: Vec<Option<Way>>,
}

impl<'a> Subject<'a> {
    /// Its names.
    #[must_use]
    pub fn names(&self) -> Names<'a> {
        Names { module: self.module, points_to: self.points_to }
    }

    /// An edge of the graph, or one that the cut added.
    fn edge(&self, index: u32) -> Edge {
        let index = index as usize;
        let own = &self.graph.edges;
        if index < own.len() { own[index] } else { self.cut.extra[index - own.len()] }
    }

    /// Who in the environment writes a cell, with what that costs to log; dearest first.
    #[must_use]
    pub fn writers(&self, cell: FieldId) -> Vec<(Writer, u64)> {
        let name = CellName::of(self.points_to, cell);
        let function = |at: (usize, usize)| self.module.functions[at.0].name.as_str();
        let mut all = Vec::new();
        for (index, call) in self.facts.calls.iter().enumerate() {
            let skipped = self.cut.is_skipped(call.at.0) && matches!(call.role, Role::Det | Role::Runtime);
            if !skipped && !matches!(call.role, Role::Env | Role::Unknown) {
                continue;
            }
            for write in call.writes.iter().filter(|w| w.values.binary_search(&cell).is_ok()) {
                let seen = self.weights.cell(function(call.at), call.ordinal, &name, call.executions, write.bytes);
                all.push((Writer::Call(index), seen.capacity()));
            }
        }
        for (index, store) in self.facts.stores.iter().enumerate() {
            if self.cut.is_skipped(store.at.0) && store.values.binary_search(&cell).is_ok() {
                let seen = self.weights.cell(function(store.at), store.ordinal, &name, store.executions, store.size);
                all.push((Writer::Store(index), seen.capacity()));
            }
        }
        all.sort_by_key(|(writer, cap)| (Reverse(*cap), *writer));
        all
    }

    /// Where a writer is.
    #[must_use]
    pub fn place_of(&self, writer: Writer) -> (usize, usize) {
        match writer {
            Writer::Call(call) => self.facts.calls[call].at,
            Writer::Store(store) => self.facts.stores[store].at,
        }
    }

    /// A writer in a sentence.
    #[must_use]
    pub fn name_of(&self, writer: Writer) -> String {
        match writer {
            Writer::Call(call) => self.names().call(&self.facts.calls[call]),
            Writer::Store(store) => {
                let at = self.facts.stores[store].at;
                format!("`{}` {}", self.module.functions[at.0].name, explain::at_place(self.module, at))
            }
        }
    }

    /// Loads of replayed functions that may read a cell (indices in [`Facts::loads`]), with what that costs to
    /// log; dearest first.
    #[must_use]
    pub fn readers(&self, cell: FieldId) -> Vec<(usize, u64)> {
        let name = CellName::of(self.points_to, cell);
        let mut all = Vec::new();
        for (index, load) in self.facts.loads.iter().enumerate() {
            if !self.cut.is_skipped(load.at.0) && load.values.binary_search(&cell).is_ok() {
                let function = &self.module.functions[load.at.0].name;
                let seen = self.weights.cell(function, load.ordinal, &name, load.executions, load.size);
                all.push((index, seen.capacity()));
            }
        }
        all.sort_by_key(|(index, cap)| (Reverse(*cap), *index));
        all
    }
}

impl<'a> Ways<'a> {
    /// Finds them.
    #[must_use]
    pub fn new(subject: Subject<'a>) -> Ways<'a> {
        let from = widest(&subject, true);
        let to = widest(&subject, false);
        Ways { subject, from, to }
    }

    fn side(&self, node: u32) -> bool {
        self.subject.cut.sides.get(node as usize).copied().unwrap_or(false)
    }

    /// The edges from the source to a node, or from a node to the sink.
    fn edges(&self, at: u32, forward: bool) -> Vec<Edge> {
        let tree = if forward { &self.from } else { &self.to };
        let mut edges = Vec::new();
        let mut at = at;
        while let Some(way) = tree.get(at as usize).copied().flatten() {
            if edges.len() > tree.len() {
                break; // no tree has that many
            }
            let edge = self.subject.edge(way.edge);
            edges.push(edge);
            at = if forward { edge.tail } else { edge.head };
        }
        if forward {
            edges.reverse();
        }
        edges
    }

    /// The narrowest place on the way from the source to a cell; 0 if there is no way.
    #[must_use]
    pub fn width(&self, cell: FieldId) -> Cap {
        self.from[node(cell) as usize].map_or(0, |way| way.width)
    }

    /// What keeps a cell in the environment, or in replay space.
    #[must_use]
    pub fn held(&self, cell: FieldId, environment: bool) -> Held {
        self.node_held(node(cell), environment)
    }

    /// The same for any node.
    #[must_use]
    pub fn node_held(&self, at: u32, environment: bool) -> Held {
        let edges = self.edges(at, environment);
        let infinite = !edges.is_empty() && edges.iter().all(|e| e.cap == INFINITE);
        match if environment { edges.first() } else { edges.last() } {
            Some(edge) if infinite => Held::By(edge.cause),
            _ => Held::Price,
        }
    }

    /// From the source to a cell of the environment.
    #[must_use]
    pub fn to_cell(&self, cell: FieldId) -> Vec<Step> {
        let edges = self.edges(node(cell), true);
        if edges.is_empty() {
            return vec![self.object(cell, None)];
        }
        self.steps(&edges, None)
    }

    /// From the source to a function of the environment, itself included.
    #[must_use]
    pub fn to_function(&self, function: usize) -> Vec<Step> {
        let at = self.subject.graph.functions[function];
        let mut steps = if at == SOURCE { Vec::new() } else { self.steps(&self.edges(at, true), None) };
        let own = self.function(function, None);
        if steps.last().is_none_or(|s| s.name != own.name) {
            steps.push(own);
        }
        steps
    }

    /// A function as a station.
    #[must_use]
    pub fn function(&self, function: usize, bytes: Option<u64>) -> Step {
        let s = &self.subject;
        Step {
            kind: Kind::Code,
            name: format!("`{}`", s.module.functions[function].name),
            at: s.names().definition(FunctionId::from(function)).unwrap_or_default(),
            environment: s.cut.is_skipped(function),
            bytes,
        }
    }

    /// From a cell of replay space to what works on it there.
    #[must_use]
    pub fn from_cell(&self, cell: FieldId) -> Vec<Step> {
        let mut steps = vec![self.object(cell, None)];
        steps.extend(self.steps(&self.edges(node(cell), false), Some(cell)));
        steps
    }

    fn steps(&self, edges: &[Edge], start: Option<FieldId>) -> Vec<Step> {
        let graph = self.subject.graph;
        let mut steps: Vec<Step> = Vec::new();
        let mut last = start;
        for (i, edge) in edges.iter().enumerate() {
            let bytes = (edge.cap != INFINITE).then(|| as_bytes(edge.cap));
            if edge.tail == SOURCE {
                let next = edges[i..].iter().find_map(|e| match graph.kind(e.head) {
                    Node::Cell(cell) => Some(cell),
                    _ => None,
                });
                match graph.kind(edge.head) {
                    Node::Function(f) => steps.extend(self.result_in(f as usize)),
                    _ => steps.extend(self.origin(edge.cause, next)),
                }
            }
            match graph.kind(edge.head) {
                Node::Cell(cell) => {
                    last = Some(cell);
                    let step = self.object(cell, bytes);
                    if steps.last().is_none_or(|s| s.name != step.name) {
                        steps.push(step);
                    }
                }
                Node::Call(call) => steps.push(self.call(&self.subject.facts.calls[call as usize], edge.head, bytes)),
                Node::Replay => steps.extend(self.end(edge, last, bytes)),
                Node::Function(f) => steps.push(self.function(f as usize, bytes)),
                Node::Together | Node::Environment => {}
            }
        }
        steps
    }

    /// Who brings in the bytes of the first cell of a way.
    fn origin(&self, cause: Cause, cell: Option<FieldId>) -> Option<Step> {
        let calls = &self.subject.facts.calls;
        match cause {
            Cause::Written(call) => Some(self.call(&calls[call as usize], SOURCE, None)),
            Cause::Cost => {
                let (writer, cap) = *self.subject.writers(cell?).first()?;
                Some(self.writer(writer, Some(as_bytes(cap))))
            }
            Cause::EnvironmentMemory
            | Cause::Raced
            | Cause::Outside
            | Cause::Same
            | Cause::Read(_)
            | Cause::Pin(_)
            | Cause::Asked
            | Cause::Unloggable(_)
            | Cause::Together(_)
            | Cause::Replayed(_) => None,
        }
    }

    /// Who writes, as a station.
    #[must_use]
    pub fn writer(&self, writer: Writer, bytes: Option<u64>) -> Step {
        match writer {
            Writer::Call(call) => self.call(&self.subject.facts.calls[call], SOURCE, bytes),
            Writer::Store(store) => {
                let at = self.subject.facts.stores[store].at;
                Step { at: self.subject.names().line(at), ..self.function(at.0, bytes) }
            }
        }
    }

    /// The dearest call of the environment whose result a function uses.
    fn result_in(&self, function: usize) -> Option<Step> {
        let calls = self.subject.facts.calls.iter().enumerate();
        let here = calls.filter(|(_, c)| c.at.0 == function && c.used && matches!(c.role, Role::Env | Role::Unknown));
        let (_, call) = here.max_by_key(|(i, c)| (c.result_traffic().capacity(), Reverse(*i)))?;
        Some(self.call(call, SOURCE, Some(as_bytes(call.result_traffic().capacity()))))
    }

    /// What in replay space a way ends at.
    fn end(&self, edge: &Edge, last: Option<FieldId>, bytes: Option<u64>) -> Option<Step> {
        let s = &self.subject;
        match (edge.cause, s.graph.kind(edge.tail)) {
            (Cause::Pin(pin), _) => {
                let pin = &s.facts.pins[pin as usize];
                let name = format!("{} in `{}`", pin.what, s.module.functions[pin.at.0].name);
                Some(Step { kind: Kind::Code, name, at: s.names().line(pin.at), environment: false, bytes })
            }
            (_, Node::Call(call)) => Some(self.user(&s.facts.calls[call as usize], bytes)),
            (Cause::Cost | Cause::Same, _) => {
                let (load, cap) = *s.readers(last?).first()?;
                let load = &s.facts.loads[load];
                let name = format!("read by `{}`", s.module.functions[load.at.0].name);
                Some(Step { kind: Kind::Code, name, at: s.names().line(load.at), environment: false, bytes: Some(as_bytes(cap)) })
            }
            (
                Cause::Asked
                | Cause::Raced
                | Cause::Outside
                | Cause::EnvironmentMemory
                | Cause::Written(_)
                | Cause::Read(_)
                | Cause::Unloggable(_)
                | Cause::Together(_)
                | Cause::Replayed(_),
                _,
            ) => None,
        }
    }

    /// A call as a station.
    #[must_use]
    pub fn call(&self, call: &CallSite, at: u32, bytes: Option<u64>) -> Step {
        let s = &self.subject;
        let name = format!("`{}` called by `{}`", plain(&call.callee), s.module.functions[call.at.0].name);
        Step { kind: Kind::Call, name, at: s.names().line(call.at), environment: at == SOURCE || self.side(at), bytes }
    }

    /// The function that uses a call's result.
    #[must_use]
    pub fn user(&self, call: &CallSite, bytes: Option<u64>) -> Step {
        let s = &self.subject;
        let name = format!("result used by `{}`", s.module.functions[call.at.0].name);
        Step { kind: Kind::Code, name, at: s.names().line(call.at), environment: false, bytes }
    }

    /// A cell as a station.
    #[must_use]
    pub fn object(&self, cell: FieldId, bytes: Option<u64>) -> Step {
        let s = &self.subject;
        let object = s.points_to.field(cell).object;
        Step {
            kind: Kind::Object,
            name: s.names().cell(cell),
            at: s.names().origin(object),
            environment: s.cut.is_environment(cell),
            bytes,
        }
    }

    /// The first cell on the way to a cell of the environment.
    #[must_use]
    pub fn first_cell(&self, cell: FieldId) -> Option<FieldId> {
        let edges = self.edges(node(cell), true);
        edges.iter().find_map(|e| match self.subject.graph.kind(e.head) {
            Node::Cell(cell) => Some(cell),
            _ => None,
        })
    }

    /// Who or what brings in the bytes of a cell of the environment.
    #[must_use]
    pub fn origin_of(&self, cell: FieldId) -> String {
        let s = &self.subject;
        let Some(first) = self.edges(node(cell), true).first().copied() else { return s.names().object(s.points_to.field(cell).object) };
        let calls = &s.facts.calls;
        match (first.cause, s.graph.kind(first.head)) {
            (Cause::Written(call), _) => format!("`{}`", plain(&calls[call as usize].callee)),
            (Cause::EnvironmentMemory, Node::Cell(c)) => s.names().object(s.points_to.field(c).object),
            _ => {
                let next = self.first_cell(cell);
                let writer = next.and_then(|c| s.writers(c).first().copied());
                match writer {
                    Some((Writer::Call(call), _)) => format!("`{}`", plain(&calls[call].callee)),
                    Some((Writer::Store(store), _)) => format!("`{}`", s.module.functions[s.facts.stores[store].at.0].name),
                    None => s.names().cell(next.unwrap_or(cell)),
                }
            }
        }
    }

    /// Why a cell is where it is, as a sentence. `other` is what the cut would cost if it were on the other
    /// side, in its own unit, if that was computed.
    #[must_use]
    pub fn reason(&self, cell: FieldId, other: Option<Option<u64>>) -> String {
        let s = &self.subject;
        let environment = s.cut.is_environment(cell);
        let what = s.names().cell(cell);
        match (self.held(cell, environment), environment) {
            (Held::By(Cause::EnvironmentMemory), _) => format!("{what} belongs to the environment and does not exist at replay"),
            (Held::By(Cause::Written(call)), _) => {
                let call = &s.facts.calls[call as usize];
                let how = if call.spec.kind.is_none() {
                    "nobody has said what it writes, so it may write this at any time"
                } else if !call.spec.opaque.is_empty() {
                    "how much it writes is not known at this call"
                } else {
                    "it keeps a pointer to this and may write it later"
                };
                format!("{what} is the environment's because of {}: {how}", s.names().call(call))
            }
            (Held::By(Cause::Pin(pin)), _) => {
                let pin = &s.facts.pins[pin as usize];
                format!("{what} has to be in replay space: {} {} works on it", pin.what, explain::at_place(s.module, pin.at))
            }
            (Held::By(Cause::Read(call)), _) => {
                format!("{what} has to be in replay space: {} reads it there", s.names().call(&s.facts.calls[call as usize]))
            }
            (Held::By(Cause::Asked), _) => match s.plan.cut {
                itarget_plan::CutMode::Libc => format!("{what} is in replay space because the cut is at the library (libc)"),
                _ => format!("{what} is kept in replay space with the rest of its object: checks at its accesses would cost more"),
            },
            (Held::By(Cause::Raced), _) if s.facts.threaded.is_empty() => {
                format!("threads may work on {what} at once, in no order that the analysis sees: `itarget races` lists who")
            }
            (Held::By(Cause::Outside), _) => format!("{what} is used by its name by a library or an object without bitcode, which may write it at any time"),
            (Held::By(Cause::Raced), _) => format!("{what} may be written by a thread that is not recorded"),
            (Held::By(Cause::Unloggable(f)), _) => format!(
                "{what} is where `{}` is: what that function does there can't be logged (its frame, or what it passes to the library)",
                s.module.functions[f as usize].name
            ),
            (Held::By(Cause::Together(i)), _) => {
                let (a, b, state) = &s.facts.bonds.together[i as usize];
                let name = |f: &FunctionId| &s.module.functions[f.index()].name;
                format!("{what} is where `{}` and `{}` are, which share {state}", name(a), name(b))
            }
            (Held::By(Cause::Replayed(i)), _) => {
                let (f, why) = &s.facts.bonds.replayed[i as usize];
                format!("{what} is in replay space with `{}`, which calls {why}", s.module.functions[f.index()].name)
            }
            (Held::By(Cause::Cost | Cause::Same) | Held::Price, true) => match other {
                Some(Some(value)) => format!(
                    "{what} stays in the environment: logging what arrives there instead would cost {} more",
                    super::text::bytes(as_bytes(value.saturating_sub(s.cut.value)))
                ),
                Some(None) => format!("{what} stays in the environment: it can't be in replay space"),
                None => format!("{what} stays in the environment: that is cheaper than logging what arrives there"),
            },
            (Held::By(Cause::Cost | Cause::Same) | Held::Price, false) => match other {
                Some(Some(value)) if value.saturating_sub(s.cut.value) >= SHOWN => {
                    format!("{what} is printed, and a replay shows what is printed")
                }
                Some(Some(value)) => format!(
                    "logging it here is cheapest: logging what is read of {what} instead would cost {} more",
                    super::text::bytes(as_bytes(value.saturating_sub(s.cut.value)))
                ),
                Some(None) => format!("{what} has to be in replay space"),
                None => format!("logging it here is cheaper than logging what is read of {what}"),
            },
        }
    }

    /// Why a function is on its side, as a sentence without its name.
    #[must_use]
    pub fn function_reason(&self, function: usize) -> String {
        let s = &self.subject;
        let skipped = s.cut.is_skipped(function);
        let more = |value: u64| super::text::bytes(as_bytes(value.saturating_sub(s.cut.value)));
        match (s.graph.wishes.get(function), skipped) {
            (Some(Wish::Environment), _) => return "excluded from the target (--exclude)".to_owned(),
            (Some(Wish::Replay) | None, false) => return "in the target".to_owned(),
            (Some(Wish::Replay) | None, true) => return "in the target, but nothing leads to it".to_owned(),
            (Some(Wish::Free), _) => {}
        }
        let at = s.graph.functions[function];
        match (self.node_held(at, skipped), skipped) {
            (Held::By(Cause::Replayed(i)), _) => format!("it calls {}", s.facts.bonds.replayed[i as usize].1),
            (Held::By(Cause::Together(i)), _) => {
                let (a, b, state) = &s.facts.bonds.together[i as usize];
                format!("`{}` and `{}` share {state}", s.names().function(*a), s.names().function(*b))
            }
            (Held::By(Cause::Unloggable(f)), _) => {
                format!("what `{}` does to memory there can't be logged", s.module.functions[f as usize].name)
            }
            (_, true) => match self.node_other_side(at, true) {
                Some(value) => format!("cheaper so: to replay it would cost {} more", more(value)),
                None => "it can't be replayed".to_owned(),
            },
            (_, false) => match self.node_other_side(at, false) {
                Some(value) => format!("cheaper so: to leave it out would cost {} more", more(value)),
                None => "it can't be left out".to_owned(),
            },
        }
    }

    /// The value of the cut if a cell were on the other side; `None` if it can't be.
    #[must_use]
    pub fn other_side(&self, cell: FieldId) -> Option<u64> {
        self.node_other_side(node(cell), self.subject.cut.is_environment(cell))
    }

    /// The same for any node, which is in the environment or not.
    #[must_use]
    pub fn node_other_side(&self, at: u32, environment: bool) -> Option<u64> {
        let s = &self.subject;
        let wish = match environment {
            true => Edge { tail: at, head: SINK, cap: INFINITE, cause: Cause::Asked },
            false => Edge { tail: SOURCE, head: at, cap: INFINITE, cause: Cause::Asked },
        };
        explain::cost(s.graph, &s.cut.extra, &[wish], |_| true)
    }
}

/// For every node of a side, the edge that leads there from the source (or on to the sink) on the widest way.
fn widest(s: &Subject, forward: bool) -> Vec<Option<Way>> {
    let n = s.graph.nodes as usize;
    let root = if forward { SOURCE } else { SINK };
    let count = s.graph.edges.len() + s.cut.extra.len();
    let near = |e: &Edge| if forward { e.tail } else { e.head };
    let far = |e: &Edge| if forward { e.head } else { e.tail };
    let inside = |node: u32| s.cut.sides.get(node as usize).copied().unwrap_or(false) == forward;
    let useful = |e: &Edge| e.cap > 0 && inside(e.tail) && inside(e.head);
    let mut first = vec![0u32; n + 1];
    for i in 0..count {
        let edge = s.edge(i as u32);
        if useful(&edge) {
            first[near(&edge) as usize + 1] += 1;
        }
    }
    for i in 0..n {
        first[i + 1] += first[i];
    }
    let mut next = first.clone();
    let mut out = vec![0u32; first[n] as usize];
    for i in 0..count {
        let edge = s.edge(i as u32);
        if useful(&edge) {
            let at = &mut next[near(&edge) as usize];
            out[*at as usize] = i as u32;
            *at += 1;
        }
    }
    let mut tree: Vec<Option<Way>> = vec![None; n];
    let mut done = vec![false; n];
    // Widest first, then shortest, then by number: the answer does not depend on the order of edges.
    let mut heap = BinaryHeap::from([(INFINITE, Reverse(0u32), Reverse(root), u32::MAX)]);
    while let Some((width, Reverse(hops), Reverse(at), edge)) = heap.pop() {
        if std::mem::replace(&mut done[at as usize], true) {
            continue;
        }
        if edge != u32::MAX {
            tree[at as usize] = Some(Way { edge, width });
        }
        for &index in &out[first[at as usize] as usize..first[at as usize + 1] as usize] {
            let edge = s.edge(index);
            if !done[far(&edge) as usize] {
                heap.push((width.min(edge.cap), Reverse(hops + 1), Reverse(far(&edge)), index));
            }
        }
    }
    tree
}
