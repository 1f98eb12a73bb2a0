//! The flow graph collapsed for a picture: functions of the program, functions of the library, and memory.
//!
//! Every node is on one side of the cut (memory with parts on both sides is two nodes), so the edges that
//! lead from the environment to replay space are what is logged. Memory that the same code touches in the same
//! ways is one node.

use super::items::what_of;
use super::names::plain;
use super::why::{Subject, Ways};
use crate::flow::facts::{CallSite, Place, Role};
use crate::flow::target::Wish;
use crate::flow::weights::{CellName, Traffic};
use crate::model::{Callee, FunctionId, InstrKind};
use crate::points_to::{FieldId, Target};
use itarget_plan::{Action, Ret, Site};
use rustc_hash::{FxHashMap, FxHashSet, FxHasher};
use serde::Serialize;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

/// Version of the format.
pub const FORMAT: u32 = 1;

/// Most source lines kept per edge: of those that are logged, and of others.
const PLACES: (usize, usize) = (16, 4);
/// Most flows inside replay space that are kept of a function: reads, and writes.
const INSIDE: usize = 16;
/// Most names kept of memory that is one node.
const MEMBERS: usize = 24;

/// The collapsed graph.
#[derive(Debug, Default, Serialize)]
pub struct Picture {
    /// [`FORMAT`].
    pub format: u32,
    /// Fingerprint of the module.
    pub module: String,
    /// Which cut.
    pub cut: String,
    /// Value of the cut in estimated bytes of a run, an event counted as eight.
    pub cut_bytes: u64,
    /// Functions of the program, functions of the library, memory.
    pub nodes: Vec<Node>,
    /// Flows and calls.
    pub edges: Vec<Edge>,
    /// Source lines that edges mention.
    pub places: Vec<Spot>,
}

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeKind {
    /// A function of the program.
    Function,
    /// A function of the library.
    Library,
    /// Memory.
    Memory,
}

/// A node; edges name it by its index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// It is in the environment.
    pub environment: bool,
    /// Its name.
    pub name: String,
    /// Where it is defined or allocated; empty if not known.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub at: String,
    /// Why it is on its side; empty if nothing is to be said.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// Names of what this node stands for besides, if for several objects.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<String>,
    /// How many those are.
    #[serde(skip_serializing_if = "is_zero")]
    pub more: usize,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(n: &usize) -> bool {
    *n == 0
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_none(n: &u64) -> bool {
    *n == 0
}

/// What an edge is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EdgeKind {
    /// Memory is read.
    Read,
    /// Memory is written.
    Write,
    /// The result of a call is used.
    Result,
    /// A function calls another.
    Call,
}

/// An edge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edge {
    /// Index of a node: where data comes from, or the caller.
    pub from: u32,
    /// Index of a node.
    pub to: u32,
    /// What it is.
    pub kind: EdgeKind,
    /// What goes through it is in the log.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub logged: bool,
    /// Estimated bytes of a run.
    #[serde(skip_serializing_if = "is_none")]
    pub bytes: u64,
    /// Estimated events.
    #[serde(skip_serializing_if = "is_none")]
    pub events: u64,
    /// Where in the source, dearest first: indices in [`Picture::places`].
    pub places: Vec<u32>,
    /// Places left out.
    #[serde(skip_serializing_if = "is_zero")]
    pub more: usize,
}

/// A line of the source and what is done there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Spot {
    /// `file:line`, or the function.
    pub at: String,
    /// What is done there, as `itarget explain` says it; empty if that is not special.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub what: String,
    /// The line itself, if it could be read.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
}

/// Code on one side of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Peer {
    Function(u32),
    /// Index in the sorted names.
    Library(u32),
}

/// One site that touches memory.
struct Touch<'b> {
    peer: Peer,
    kind: EdgeKind,
    cells: &'b [FieldId],
    at: (usize, usize),
    ordinal: u32,
    executions: u64,
    bytes: u64,
}

/// Memory of one side.
type Part = (u32, bool);
/// What touches memory: an unordered hash, and what is in it.
type Mark = (u64, FxHashSet<(Peer, EdgeKind)>);
/// A flow to be ranked: its cost, how much else touches the memory, the memory.
type Ranked = (u64, usize, u32);

#[derive(Default)]
struct Flow {
    traffic: Traffic,
    logged: bool,
    /// Cost and place.
    places: BTreeMap<(usize, usize), u64>,
}

struct Builder<'w, 'a> {
    ways: &'w Ways<'a>,
    s: Subject<'a>,
    library: Vec<&'a str>,
    /// Logged sites by function and ordinal.
    sites: FxHashMap<(&'a str, u32), &'a Site>,
    flows: BTreeMap<(u32, u32, EdgeKind), Flow>,
}

/// Collapses the flow graph. `source` gives the text of a line, if it can be read.
#[must_use]
pub fn picture(ways: &Ways, source: &mut dyn FnMut(&str, u32) -> Option<String>) -> Picture {
    let s = ways.subject;
    let mut library: Vec<&str> = s.facts.calls.iter().filter(|c| is_outside(c)).map(|c| plain(&c.callee)).collect();
    library.sort_unstable();
    library.dedup();
    let mut b = Builder { ways, s, library, sites: FxHashMap::default(), flows: BTreeMap::new() };
    let originals: FxHashMap<&str, &str> = s.plan.clones.iter().map(|c| (c.name.as_str(), c.of.as_str())).collect();
    for site in &s.plan.sites {
        let function = originals.get(site.function.as_str()).copied().unwrap_or(&site.function);
        b.sites.entry((function, site.ordinal)).or_insert(site);
    }
    let (parts, memory) = b.memory();
    b.touches(&mut |b, t| b.flow(t, &parts));
    b.thin();
    b.calls();
    b.finish(&memory, source)
}

/// Calls that are nodes of their own: what comes back is the environment's. What runs at replay is part of
/// the function that calls it.
fn is_outside(call: &CallSite) -> bool {
    match call.role {
        Role::Env | Role::Unknown | Role::Refuse => true,
        Role::Det | Role::Runtime | Role::Native => false,
    }
}

impl<'a> Builder<'_, 'a> {
    fn library_peer(&self, name: &str) -> Peer {
        Peer::Library(self.library.binary_search(&plain(name)).unwrap_or(0) as u32)
    }

    /// Cells that hold values.
    fn is_memory(&self, cell: FieldId) -> bool {
        match self.s.facts.place(self.s.points_to, cell) {
            Place::Code | Place::Absent | Place::ReadOnly => false,
            Place::Movable | Place::Low | Place::Mapping | Place::External | Place::ExternalLow => true,
        }
    }

    fn part(&self, cell: FieldId) -> Part {
        (self.s.points_to.field(cell).object.0, self.s.cut.is_environment(cell))
    }

    /// Everything that touches memory, function by function.
    fn touches(&mut self, each: &mut dyn FnMut(&mut Self, &Touch)) {
        let s = self.s;
        for load in &s.facts.loads {
            let (at, ordinal) = (load.at, load.ordinal);
            let peer = Peer::Function(at.0 as u32);
            each(self, &Touch { peer, kind: EdgeKind::Read, cells: &load.values, at, ordinal, executions: load.executions, bytes: load.size });
        }
        for store in &s.facts.stores {
            let (at, ordinal) = (store.at, store.ordinal);
            let peer = Peer::Function(at.0 as u32);
            each(self, &Touch { peer, kind: EdgeKind::Write, cells: &store.values, at, ordinal, executions: store.executions, bytes: store.size });
        }
        for call in &s.facts.calls {
            let (at, ordinal, executions) = (call.at, call.ordinal, call.executions);
            let outside = is_outside(call);
            let peer = if outside { self.library_peer(&call.callee) } else { Peer::Function(at.0 as u32) };
            for write in &call.writes {
                each(self, &Touch { peer, kind: EdgeKind::Write, cells: &write.values, at, ordinal, executions, bytes: write.bytes });
            }
            if outside && !call.pinned.is_empty() {
                each(self, &Touch { peer, kind: EdgeKind::Write, cells: &call.pinned, at, ordinal, executions: 0, bytes: 0 });
            }
            for moved in &call.movements {
                let bytes = moved.to.iter().map(|t| t.1).max().unwrap_or(call.ret_bytes);
                each(self, &Touch { peer, kind: EdgeKind::Read, cells: &moved.from, at, ordinal, executions, bytes });
                if call.writes.is_empty() {
                    let to: Vec<FieldId> = moved.to.iter().map(|t| t.0).collect();
                    each(self, &Touch { peer, kind: EdgeKind::Write, cells: &to, at, ordinal, executions, bytes });
                }
            }
        }
    }

    /// The node of every part of memory, and the parts of each node; nodes of code come first.
    fn memory(&mut self) -> (FxHashMap<Part, u32>, Vec<Vec<Part>>) {
        // What touches a part, as an unordered hash; each peer and kind once.
        let mut marks: FxHashMap<Part, Mark> = FxHashMap::default();
        self.touches(&mut |b, t| {
            let mut last = None;
            for &cell in t.cells.iter().filter(|c| b.is_memory(**c)) {
                let part = b.part(cell);
                if last == Some(part) {
                    continue;
                }
                last = Some(part);
                let mark = marks.entry(part).or_default();
                if mark.1.insert((t.peer, t.kind)) {
                    let mut hasher = FxHasher::default();
                    (t.peer, t.kind).hash(&mut hasher);
                    mark.0 ^= hasher.finish().wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17);
                }
            }
        });
        let mut parts: Vec<(Part, u64)> = marks.into_iter().map(|(part, mark)| (part, mark.0)).collect();
        parts.sort_unstable();
        let first = (self.s.module.functions.len() + self.library.len()) as u32;
        let mut by_mark: FxHashMap<(u64, bool), u32> = FxHashMap::default();
        let mut nodes: Vec<Vec<Part>> = Vec::new();
        let mut index = FxHashMap::default();
        for (part, mark) in parts {
            let node = *by_mark.entry((mark, part.1)).or_insert_with(|| {
                nodes.push(Vec::new());
                first + nodes.len() as u32 - 1
            });
            nodes[(node - first) as usize].push(part);
            index.insert(part, node);
        }
        (index, nodes)
    }

    fn code(&self, peer: Peer) -> u32 {
        match peer {
            Peer::Function(f) => f,
            Peer::Library(l) => self.s.module.functions.len() as u32 + l,
        }
    }

    /// Whether a function is in the environment.
    fn outside(&self, function: usize) -> bool {
        self.s.cut.is_skipped(function)
    }

    fn flow(&mut self, t: &Touch, parts: &FxHashMap<Part, u32>) {
        let s = self.s;
        let name = s.module.functions[t.at.0].name.as_str();
        let mut by_node: BTreeMap<(u32, bool), Traffic> = BTreeMap::new();
        for &cell in t.cells.iter().filter(|c| self.is_memory(**c)) {
            let part = self.part(cell);
            let Some(&node) = parts.get(&part) else { continue };
            let seen = match t.executions {
                0 => Traffic::default(),
                n => s.weights.cell(name, t.ordinal, &CellName::of(s.points_to, cell), n, t.bytes),
            };
            let sum = by_node.entry((node, part.1)).or_default();
            *sum = sum.plus(seen);
        }
        let all = s.weights.site(name, t.ordinal, t.executions, t.bytes);
        let site = self.sites.get(&(name, t.ordinal)).copied();
        let code = self.code(t.peer);
        let code_outside = match t.peer {
            Peer::Function(f) => self.outside(f as usize),
            Peer::Library(_) => true,
        };
        // Each place that may be meant has its share.
        let sum = by_node.values().fold(Traffic::default(), |sum, t| sum.plus(*t));
        let share = |part: u64, sum: u64, all: u64| if sum <= all { part } else { (u128::from(part) * u128::from(all) / u128::from(sum)) as u64 };
        for ((node, environment), seen) in by_node {
            let (from, to) = if t.kind == EdgeKind::Read { (node, code) } else { (code, node) };
            let (from_outside, to_outside) = if t.kind == EdgeKind::Read { (environment, code_outside) } else { (code_outside, environment) };
            let flow = self.flows.entry((from, to, t.kind)).or_default();
            let seen = Traffic {
                bytes: share(seen.bytes, sum.bytes, all.bytes),
                events: share(seen.events, sum.events, all.events),
            };
            flow.traffic = flow.traffic.plus(seen);
            flow.logged |= from_outside && !to_outside && site.is_some_and(|site| logs(site, t.kind));
            *flow.places.entry(t.at).or_default() += seen.capacity();
        }
    }

    /// Keeps the flows of each function that are not logged to the heaviest and most particular: where the
    /// analysis can tell nothing apart, every function would be connected with all memory.
    fn thin(&mut self) {
        let mut degrees: FxHashMap<u32, usize> = FxHashMap::default();
        let code = (self.s.module.functions.len() + self.library.len()) as u32;
        let memory = |from: u32, to: u32| if from >= code { from } else { to };
        for (from, to, _) in self.flows.keys() {
            *degrees.entry(memory(*from, *to)).or_default() += 1;
        }
        let mut by_function: BTreeMap<(u32, EdgeKind), Vec<Ranked>> = BTreeMap::new();
        for ((from, to, kind), flow) in &self.flows {
            let (m, f) = (memory(*from, *to), if *from >= code { *to } else { *from });
            if !flow.logged {
                by_function.entry((f, *kind)).or_default().push((flow.traffic.capacity(), degrees[&m], m));
            }
        }
        for ((f, kind), mut list) in by_function {
            list.sort_unstable_by_key(|(cost, degree, m)| (std::cmp::Reverse(*cost), *degree, *m));
            for (_, _, m) in list.into_iter().skip(INSIDE) {
                let key = if kind == EdgeKind::Read { (m, f, kind) } else { (f, m, kind) };
                self.flows.remove(&key);
            }
        }
    }

    /// Who calls whom, and whose results are used.
    fn calls(&mut self) {
        let s = self.s;
        for (index, function) in s.module.functions.iter().enumerate() {
            for (k, instr) in function.instrs.iter().enumerate() {
                let (InstrKind::Call(call), Some(ordinal)) = (&instr.kind, instr.ordinal) else { continue };
                let mut targets: Vec<u32> = Vec::new();
                match &call.callee {
                    Callee::Function(f) => targets.push(f.0),
                    Callee::Indirect(_) => {
                        for instance in s.points_to.instances_of(FunctionId::from(index)) {
                            targets.extend(s.points_to.callees(*instance, ordinal).iter().filter_map(|t| match t {
                                Target::Function(i) => Some(s.points_to.instance(*i).function.0),
                                Target::External(_) | Target::Unknown => None,
                            }));
                        }
                        targets.sort_unstable();
                        targets.dedup();
                    }
                    Callee::External(_) | Callee::Asm { .. } => {}
                }
                for target in targets {
                    let flow = self.flows.entry((index as u32, target, EdgeKind::Call)).or_default();
                    flow.places.entry((index, k)).or_default();
                }
            }
        }
        for call in &s.facts.internal {
            let name = s.module.functions[call.at.0].name.as_str();
            let site = s.module.functions[call.at.0].instrs[call.at.1].ordinal.and_then(|o| self.sites.get(&(name, o)).copied());
            let caller = self.outside(call.at.0);
            for callee in call.callees.iter().filter(|f| s.cut.is_skipped(f.index()) != caller) {
                // Across the cut: arguments or results are logged.
                let (from, to, kind, bytes) = match caller {
                    true => (call.at.0 as u32, callee.0, EdgeKind::Call, call.arg_bytes),
                    false => (callee.0, call.at.0 as u32, EdgeKind::Result, call.ret_bytes),
                };
                let seen = Traffic { bytes: bytes.saturating_mul(call.executions), events: call.executions };
                let flow = self.flows.entry((from, to, kind)).or_default();
                flow.traffic = flow.traffic.plus(seen);
                flow.logged |= site.is_some_and(|site| logs(site, kind));
                *flow.places.entry(call.at).or_default() += seen.capacity();
            }
        }
        for call in s.facts.calls.iter().filter(|c| is_outside(c)) {
            let function = call.at.0 as u32;
            let library = self.code(self.library_peer(&call.callee));
            let name = s.module.functions[call.at.0].name.as_str();
            self.flows.entry((function, library, EdgeKind::Call)).or_default().places.entry(call.at).or_default();
            if call.used {
                let site = self.sites.get(&(name, call.ordinal)).copied();
                let seen = call.result_traffic();
                let flow = self.flows.entry((library, function, EdgeKind::Result)).or_default();
                flow.traffic = flow.traffic.plus(seen);
                flow.logged |= !s.cut.is_skipped(call.at.0) && site.is_some_and(|site| logs(site, EdgeKind::Result));
                *flow.places.entry(call.at).or_default() += seen.capacity();
            }
        }
    }

    fn finish(self, memory: &[Vec<Part>], source: &mut dyn FnMut(&str, u32) -> Option<String>) -> Picture {
        let s = self.s;
        let names = s.names();
        let mut nodes = Vec::new();
        for (index, function) in s.module.functions.iter().enumerate() {
            let id = FunctionId::from(index);
            let reached = !s.points_to.instances_of(id).is_empty();
            nodes.push(Node {
                kind: NodeKind::Function,
                environment: self.outside(index),
                name: function.name.clone(),
                at: names.definition(id).unwrap_or_default(),
                why: match (reached, s.graph.wishes.get(index)) {
                    (false, _) => "nothing leads to it".to_owned(),
                    (true, Some(Wish::Free) | None) if self.outside(index) => "free, and cheaper in the environment".to_owned(),
                    (true, Some(Wish::Free) | None) => "free, and cheaper replayed".to_owned(),
                    (true, Some(Wish::Environment)) => "excluded from the target".to_owned(),
                    (true, Some(Wish::Replay)) => String::new(),
                },
                others: Vec::new(),
                more: 0,
            });
        }
        for name in &self.library {
            let (at, why) = (String::new(), String::new());
            nodes.push(Node { kind: NodeKind::Library, environment: true, name: (*name).to_owned(), at, why, others: Vec::new(), more: 0 });
        }
        for parts in memory {
            let (object, environment) = parts[0];
            let id = crate::points_to::ObjectId(object);
            let cells = s.points_to.fields_of(id).filter(|c| s.cut.is_environment(*c) == environment);
            let why = cells.max_by_key(|c| (self.ways.width(*c), std::cmp::Reverse(*c))).map(|c| self.ways.reason(c, None));
            let rest = &parts[1..];
            nodes.push(Node {
                kind: NodeKind::Memory,
                environment,
                name: names.object(id),
                at: names.origin(id),
                why: why.unwrap_or_default(),
                others: rest.iter().take(MEMBERS).map(|p| names.object(crate::points_to::ObjectId(p.0))).collect(),
                more: rest.len(),
            });
        }
        let mut spots: BTreeMap<Spot, u32> = BTreeMap::new();
        let mut places: Vec<Spot> = Vec::new();
        let mut edges = Vec::new();
        for ((from, to, kind), flow) in &self.flows {
            let mut at: Vec<((usize, usize), u64)> = flow.places.iter().map(|(at, cost)| (*at, *cost)).collect();
            at.sort_by_key(|(at, cost)| (std::cmp::Reverse(*cost), *at));
            let most = if flow.logged { PLACES.0 } else { PLACES.1 };
            let more = at.len().saturating_sub(most);
            let listed = at.into_iter().take(most).map(|(at, _)| {
                let spot = self.spot(at, source);
                *spots.entry(spot.clone()).or_insert_with(|| {
                    places.push(spot);
                    places.len() as u32 - 1
                })
            });
            let mut listed: Vec<u32> = listed.collect();
            let mut seen = FxHashSet::default();
            listed.retain(|p| seen.insert(*p));
            let traffic = flow.traffic;
            edges.push(Edge { from: *from, to: *to, kind: *kind, logged: flow.logged, bytes: traffic.bytes, events: traffic.events, places: listed, more });
        }
        let cut = serde_json::to_value(s.plan.cut).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
        let cut_bytes = crate::flow::graph::as_bytes(s.cut.value);
        Picture { format: FORMAT, module: s.plan.module.clone(), cut, cut_bytes, nodes, edges, places }
    }

    fn spot(&self, at: (usize, usize), source: &mut dyn FnMut(&str, u32) -> Option<String>) -> Spot {
        let s = self.s;
        let function = &s.module.functions[at.0];
        let site = function.instrs[at.1].ordinal.and_then(|o| self.sites.get(&(function.name.as_str(), o)));
        let what = site.map_or_else(String::new, |site| what_of(site));
        match crate::flow::explain::location(s.module, at) {
            Some(l) => Spot { at: format!("{}:{}", l.file, l.line), what, text: source(&l.file, l.line).unwrap_or_default() },
            None => Spot { at: format!("in `{}`", function.name), what, text: String::new() },
        }
    }
}

/// Whether a site logs what is read, written, or returned there.
fn logs(site: &Site, kind: EdgeKind) -> bool {
    match (&site.action, kind) {
        (Action::Load { .. } | Action::Order { checked: true }, EdgeKind::Read)
        | (Action::Apply { .. }, EdgeKind::Write)
        | (Action::Downcall { .. }, EdgeKind::Result)
        | (Action::Upcall { .. }, EdgeKind::Call) => true,
        (Action::Call(call), EdgeKind::Write) => !call.writes.is_empty(),
        (Action::Call(call), EdgeKind::Result) => call.ret != Ret::None,
        // A call that runs at replay unless what it reads is the environment's.
        (Action::Call(call), EdgeKind::Read) => call.ret != Ret::None || !call.writes.is_empty(),
        (
            Action::Load { .. }
            | Action::Order { .. }
            | Action::Call(_)
            | Action::Apply { .. }
            | Action::Downcall { .. }
            | Action::Upcall { .. }
            | Action::Store { .. }
            | Action::Alloc { .. }
            | Action::Replace { .. }
            | Action::Redirect { .. }
            | Action::Refuse { .. }
            | Action::Guard { .. }
            | Action::Stage { .. }
            | Action::Atomic { .. }
            | Action::Callee { .. }
            | Action::Poll
            | Action::Count { .. },
            _,
        ) => false,
    }
}
