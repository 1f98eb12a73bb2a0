//! How often things happen: block frequencies from loop depth and the call graph, or a profile.
//!
//! Capacities are in tenths of a byte, so that the price of an address check is not zero.

use crate::model::{Callee, InstrKind, Module};
use super::extent;
use crate::plan::clones;
use crate::points_to::{FieldId, ObjectId, ObjectKind, PointsTo, SiteRef, Target};
use rustc_hash::{FxHashMap, FxHashSet};
use itarget_plan::{PROFILE_FORMAT, STACK, Shape};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Capacity of one byte.
pub const BYTE: u64 = 10;
/// Capacity of one event (8 bytes).
pub const EVENT: u64 = 8 * BYTE;
/// Capacity of one address check (0.3 bytes).
pub const CHECK: u64 = 3;
/// No single capacity exceeds this, so that sums stay far below 64 bits.
pub const MOST: u64 = 1 << 40;
/// Most calls a static estimate gives a function; its sites have at most a hundred times that.
const MOST_CALLS: u64 = 10_000;
/// Deepest loop nest that still counts.
const DEEPEST: u32 = 4;

/// Bytes and events that a profile run saw, by site and object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// [`PROFILE_FORMAT`].
    pub format: u32,
    /// Fingerprint of the module it was made with, hex.
    pub module: String,
    /// It was made for a part of the program: stores, and calls between functions of the program, are counted too.
    #[serde(default)]
    pub partial: bool,
    /// What was seen.
    pub edges: Vec<ProfileEdge>,
    /// What the functions looked like, by name; empty in profiles of older versions.
    #[serde(default)]
    pub functions: BTreeMap<String, Shape>,
    /// Functions of which it says anything ([`super::fit`]); the weights of others are estimates. `None`: all.
    #[serde(skip)]
    pub only: Option<BTreeSet<String>>,
}

/// Traffic between one site and one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileEdge {
    /// Function.
    pub function: String,
    /// Ordinal of the site.
    pub ordinal: u32,
    /// Object, named as in the plan of the profile build; [`STACK`] for all on the stack; empty if it was none of them (memory of
    /// the library).
    #[serde(default)]
    pub object: String,
    /// What a call read that only works on memory, not what it wrote.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub read: bool,
    /// Byte offset in the object where the accesses began, if known.
    #[serde(default)]
    pub offset: Option<u64>,
    /// Not 0: they began there, and at other places that differ from it by multiples of this (an array).
    #[serde(default)]
    pub step: u64,
    /// Events.
    pub events: u64,
    /// Bytes.
    pub bytes: u64,
}

impl Profile {
    /// Reads a profile.
    ///
    /// # Errors
    /// A sentence: malformed, or another version.
    pub fn parse(text: &str) -> Result<Profile, String> {
        let profile: Profile = serde_json::from_str(text).map_err(|e| e.to_string())?;
        if profile.format != PROFILE_FORMAT {
            return Err(format!("profile format {}, this version reads {PROFILE_FORMAT}", profile.format));
        }
        Ok(profile)
    }
}

/// Bytes and events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes.
    pub bytes: u64,
    /// Events.
    pub events: u64,
}

impl Traffic {
    /// What logging it costs.
    #[must_use]
    pub fn capacity(self) -> u64 {
        let bytes = self.bytes.saturating_mul(BYTE);
        bytes.saturating_add(self.events.saturating_mul(EVENT)).clamp(1, MOST)
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Traffic) -> Traffic {
        Traffic {
            bytes: self.bytes.saturating_add(other.bytes),
            events: self.events.saturating_add(other.events),
        }
    }
}

/// A cell as a profile names it.
#[derive(Debug, Clone, Copy)]
pub struct CellName<'a> {
    /// Object.
    pub object: &'a str,
    /// First byte.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
    /// Stride of the object if it is an array, else 0.
    pub stride: u64,
    /// It is on the stack.
    pub stack: bool,
}

impl CellName<'_> {
    /// The name of a cell.
    #[must_use]
    pub fn of(points_to: &PointsTo, v: FieldId) -> CellName<'_> {
        let object = points_to.object(points_to.field(v).object);
        let (start, end) = extent::stretch(points_to, v);
        let stack = matches!(object.kind, ObjectKind::Stack(..) | ObjectKind::ByVal(..) | ObjectKind::VarArgs(_));
        CellName { object: &object.name, start, end, stride: object.stride, stack }
    }

    #[cfg(test)]
    fn meets(&self, edge: &ProfileEdge) -> bool {
        edge.object == self.object && self.covers(edge)
    }

    /// The traffic is with these bytes, if it is with the object.
    fn covers(&self, edge: &ProfileEdge) -> bool {
        let Some(offset) = edge.offset else { return true };
        let len = edge.bytes.checked_div(edge.events).unwrap_or(1).max(1);
        if edge.step != 0 && (self.stride == 0 || !edge.step.is_multiple_of(self.stride)) {
            // From the first such place that is not wholly before the cell.
            let last = self.end.saturating_sub(1) % edge.step;
            let back = (last + edge.step - offset % edge.step) % edge.step;
            return back < (self.end - self.start).saturating_add(len - 1);
        }
        if self.stride == 0 {
            return offset < self.end && self.start < offset.saturating_add(len);
        }
        let first = offset % self.stride;
        let end = first.saturating_add(len);
        end > self.stride || (first < self.end && self.start < end)
    }
}

/// Frequencies of one module.
#[derive(Debug)]
pub struct Weights<'a> {
    /// Estimated calls by function index.
    calls: Vec<u64>,
    profile: Option<BySite<'a>>,
    only: Option<&'a BTreeSet<String>>,
    /// Heap objects that a profile can't tell apart, by name: it has one of their names for all.
    groups: FxHashMap<String, u32>,
}

/// What was seen, by function and ordinal.
type BySite<'a> = FxHashMap<(&'a str, u32), Vec<Seen<'a>>>;

/// Traffic of a site.
#[derive(Debug)]
struct Seen<'a> {
    edge: &'a ProfileEdge,
    /// With which object is not known: with any.
    anywhere: bool,
    /// Of the object, if it can't be told from others.
    group: Option<u32>,
}

impl Seen<'_> {
    fn meets(&self, cell: &CellName, group: Option<u32>) -> bool {
        self.anywhere || cell.stack && self.edge.object == STACK || (self.edge.object == cell.object || (group.is_some() && self.group == group)) && cell.covers(self.edge)
    }
}

impl<'a> Weights<'a> {
    /// Static estimates, overruled by a profile if there is one.
    #[must_use]
    pub fn new(module: &Module, points_to: &PointsTo, profile: Option<&'a Profile>) -> Weights<'a> {
        let only = profile.and_then(|p| p.only.as_ref());
        let groups = if profile.is_some() { groups(module, points_to) } else { FxHashMap::default() };
        let profile = profile.map(|p| {
            let known: FxHashSet<&str> = match only {
                Some(_) => points_to.objects().iter().map(|o| o.name.as_str()).collect(),
                None => FxHashSet::default(),
            };
            let mut by_site: FxHashMap<(&str, u32), Vec<Seen>> = FxHashMap::default();
            for edge in &p.edges {
                let anywhere = only.is_some() && !edge.object.is_empty() && edge.object != STACK && !known.contains(edge.object.as_str());
                by_site.entry((original(&edge.function), edge.ordinal)).or_default().push(Seen { edge, anywhere, group: groups.get(&edge.object).copied() });
            }
            by_site
        });
        Weights { calls: calls(module, points_to), profile, only, groups }
    }

    /// What was measured in a function, if that was.
    fn of(&self, function: &str) -> Option<&BySite<'a>> {
        self.profile.as_ref().filter(|_| self.only.is_none_or(|o| o.contains(function)))
    }

    /// True with a profile.
    #[must_use]
    pub fn measured(&self) -> bool {
        self.profile.is_some()
    }

    /// What happens in the function was measured.
    #[must_use]
    pub fn knows(&self, function: &str) -> bool {
        self.of(function).is_some()
    }

    /// Executions of an instruction: measured, where a profile build counts `counters` events for each, or
    /// estimated.
    #[must_use]
    pub fn executions(&self, module: &Module, function: usize, instr: usize, counters: usize) -> u64 {
        let f = &module.functions[function];
        if let (Some(profile), Some(ordinal)) = (self.of(&f.name), f.instrs[instr].ordinal) {
            let edges = profile.get(&(f.name.as_str(), ordinal)).into_iter().flatten().filter(|s| !s.edge.read);
            let events = edges.fold(0u64, |sum, s| sum.saturating_add(s.edge.events));
            return events.div_ceil(counters.max(1) as u64);
        }
        let depth = f.blocks.get(f.instrs[instr].block as usize).map_or(0, |b| b.loop_depth);
        self.calls[function].saturating_mul(10u64.pow(depth.min(DEEPEST))).min(MOST_CALLS * 100)
    }

    /// What a site moves in all: measured, or `bytes` at each of its `executions`.
    #[must_use]
    pub fn site(&self, function: &str, ordinal: u32, executions: u64, bytes: u64) -> Traffic {
        match self.of(function) {
            None => Traffic { bytes: bytes.saturating_mul(executions), events: executions },
            Some(p) => p.get(&(function, ordinal)).into_iter().flatten().filter(|s| !s.edge.read).fold(Traffic::default(), |sum, s| {
                sum.plus(Traffic { bytes: s.edge.bytes, events: s.edge.events })
            }),
        }
    }

    /// As [`Weights::site`], the part attributed to one cell: the bytes from `start` to `end` of an
    /// object, modulo its stride if that is not 0 (without a profile: all).
    #[must_use]
    pub fn cell(&self, function: &str, ordinal: u32, cell: &CellName, executions: u64, bytes: u64) -> Traffic {
        match self.of(function) {
            None => Traffic { bytes: bytes.saturating_mul(executions), events: executions },
            Some(p) => self.at(p, function, ordinal, cell, false),
        }
    }

    /// What a call that only works on memory read of one cell, if that was measured.
    #[must_use]
    pub fn source(&self, function: &str, ordinal: u32, cell: &CellName) -> Option<Traffic> {
        self.of(function).map(|p| self.at(p, function, ordinal, cell, true))
    }

    fn at(&self, profile: &BySite<'a>, function: &str, ordinal: u32, cell: &CellName, read: bool) -> Traffic {
        let seen = profile.get(&(function, ordinal)).into_iter().flatten().filter(|s| s.edge.read == read);
        let group = self.groups.get(cell.object).copied();
        seen.filter(|s| s.meets(cell, group)).fold(Traffic::default(), |sum, s| {
            sum.plus(Traffic { bytes: s.edge.bytes, events: s.edge.events })
        })
    }
}

/// Names of heap objects that no build can tell apart, with a number for each group of them.
fn groups(module: &Module, points_to: &PointsTo) -> FxHashMap<String, u32> {
    let mut by_chain: BTreeMap<Vec<SiteRef>, Vec<&str>> = BTreeMap::new();
    for (index, object) in points_to.objects().iter().enumerate() {
        if matches!(object.kind, ObjectKind::Heap(_)) {
            for chain in clones::chains(module, points_to, ObjectId(index as u32)) {
                by_chain.entry(chain).or_default().push(&object.name);
            }
        }
    }
    let several = by_chain.into_values().filter(|names| names.len() > 1);
    let named = (0..).zip(several).flat_map(|(group, names)| names.into_iter().map(move |n| (n.to_owned(), group)));
    named.collect()
}

/// The function that a clone made by the plan is a copy of.
pub(super) fn original(name: &str) -> &str {
    match name.rsplit_once(".itarget.") {
        Some((of, number)) if !of.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) => of,
        _ => name,
    }
}

/// Estimated calls of each function: from the entries along call edges, callers before callees;
/// edges back into a function being visited (recursion) do not count.
fn calls(module: &Module, points_to: &PointsTo) -> Vec<u64> {
    let n = module.functions.len();
    // callee -> executions per call of the caller, by caller
    let mut edges: Vec<Vec<(usize, u64)>> = vec![Vec::new(); n];
    for (index, function) in module.functions.iter().enumerate() {
        for instr in &function.instrs {
            let InstrKind::Call(call) = &instr.kind else { continue };
            let depth = function.blocks.get(instr.block as usize).map_or(0, |b| b.loop_depth);
            let times = 10u64.pow(depth.min(DEEPEST));
            match (&call.callee, instr.ordinal) {
                (Callee::Function(f), _) => edges[index].push((f.index(), times)),
                (Callee::Indirect(_), Some(ordinal)) => {
                    let mut targets: Vec<usize> = Vec::new();
                    for instance in points_to.instances_of(crate::model::FunctionId::from(index)) {
                        for target in points_to.callees(*instance, ordinal) {
                            if let Target::Function(i) = target {
                                targets.push(points_to.instance(*i).function.index());
                            }
                        }
                    }
                    targets.sort_unstable();
                    targets.dedup();
                    edges[index].extend(targets.into_iter().map(|t| (t, times)));
                }
                _ => {}
            }
        }
    }
    let mut roots: Vec<usize> = module.function("main").map(|f| f.index()).into_iter().collect();
    roots.extend((0..n).filter(|&f| module.functions[f].exported || module.functions[f].address_taken));
    roots.extend(0..n);
    let (order, position) = postorder(&edges, &roots);
    let mut calls = vec![0u64; n];
    for &f in order.iter().rev() {
        calls[f] = calls[f].max(1);
        for &(callee, times) in &edges[f] {
            if position[callee] < position[f] {
                let more = calls[f].saturating_mul(times);
                calls[callee] = calls[callee].saturating_add(more).min(MOST_CALLS);
            }
        }
    }
    calls
}

/// Depth-first postorder from `roots`, and each node's position in it.
fn postorder(edges: &[Vec<(usize, u64)>], roots: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let mut order = Vec::with_capacity(edges.len());
    let mut position = vec![usize::MAX; edges.len()];
    let mut seen = vec![false; edges.len()];
    for &root in roots {
        if std::mem::replace(&mut seen[root], true) {
            continue;
        }
        let mut stack = vec![(root, 0)];
        while let Some((node, next)) = stack.pop() {
            if let Some(&(to, _)) = edges[node].get(next) {
                stack.push((node, next + 1));
                if !std::mem::replace(&mut seen[to], true) {
                    stack.push((to, 0));
                }
            } else {
                position[node] = order.len();
                order.push(node);
            }
        }
    }
    (order, position)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traffic_costs_bytes_and_events_and_is_never_free() {
        assert_eq!(Traffic { bytes: 4, events: 1 }.capacity(), 4 * BYTE + EVENT);
        assert_eq!(Traffic::default().capacity(), 1);
        assert_eq!(Traffic { bytes: u64::MAX, events: 9 }.capacity(), MOST);
    }

    #[test]
    fn a_profile_of_another_version_is_refused() {
        assert!(Profile::parse(r#"{"format":4,"module":"x","edges":[]}"#).is_ok());
        assert!(Profile::parse(r#"{"format":3,"module":"x","edges":[]}"#).unwrap_err().contains("format 3"));
        assert!(Profile::parse("nonsense").is_err());
    }

    #[test]
    fn a_cell_gets_the_traffic_that_touches_it() {
        let edge = |offset, bytes, events| ProfileEdge {
            function: String::new(),
            ordinal: 0,
            object: "o".into(),
            read: false,
            offset,
            step: 0,
            events,
            bytes,
        };
        let cell = CellName { object: "o", start: 8, end: 16, stride: 0, stack: false };
        assert!(cell.meets(&edge(None, 1, 1)));
        assert!(cell.meets(&edge(Some(4), 8, 1)) && !cell.meets(&edge(Some(4), 8, 2)));
        assert!(!cell.meets(&edge(Some(16), 4, 1)));
        let row = CellName { stride: 24, ..cell };
        assert!(row.meets(&edge(Some(24 + 8), 8, 1)) && !row.meets(&edge(Some(24 + 16), 8, 1)));
        let every = |offset, step, bytes| ProfileEdge { step, ..edge(Some(offset), bytes, 1) };
        assert!(row.meets(&every(48 + 8, 24, 8)) && !row.meets(&every(48 + 16, 24, 8)));
        // Steps that say nothing of the stride, and an object that is no array.
        assert!(row.meets(&every(16, 8, 8)));
        assert!(cell.meets(&every(4, 1, 1)) && cell.meets(&every(44, 32, 1)) && !cell.meets(&every(48, 32, 1)));
        assert!(cell.meets(&every(36, 32, 8)) && !cell.meets(&every(32, 32, 8)));
        assert!(!CellName { object: "p", ..cell }.meets(&edge(None, 1, 1)));
    }

    #[test]
    fn traffic_of_clones_counts_for_the_original() {
        assert_eq!(original("xmalloc.itarget.12"), "xmalloc");
        assert_eq!(original("itarget.thunk.read"), "itarget.thunk.read");
        assert_eq!(original("f.itarget.x"), "f.itarget.x");
    }

    #[test]
    fn callers_come_after_callees_in_postorder() {
        let edges = vec![vec![(1, 1), (2, 1)], vec![(2, 1)], vec![(1, 1)]];
        let (order, position) = postorder(&edges, &[0]);
        assert_eq!(order.last(), Some(&0));
        assert!(position[1] < position[0] && position[2] < position[0]);
    }
}
