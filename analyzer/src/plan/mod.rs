//! From sides to actions: the plan.
//!
//! Every site whose action follows from the cut gets exactly one. What is absent on purpose:
//! choices (those are the cut's), times, hash order: same module and inputs, same bytes.

mod alone;
pub mod clones;

use crate::annotate;
use crate::flow::cut::Cut;
use crate::flow::explain;
use crate::flow::collect::{is_allowed_outside, is_aware};
use crate::flow::facts::{CallSite, Facts, InternalCall, Load, Place, PointerArg, Role, Store, is_allocator};
use crate::flow::weights::{CellName, Traffic, Weights};
use crate::model::{FunctionId, InstrKind, Module};
use crate::points_to::{FieldId, ObjectId, ObjectKind, PointsTo};
use itarget_annotations::{Annotations, FRAME, Kind};
use itarget_plan::{Alone, Read, Action, Call, CutMode, FORMAT, FunctionClone, How, Len, Ordered, Plan, RaceMode, Raced, Ret, Site, Staged, Write};
use rustc_hash::FxHashSet;
use std::collections::{BTreeMap, BTreeSet};

/// Externals that can change the locale; without them it is always "C".
const LOCALE: &[&str] = &["setlocale", "uselocale", "newlocale"];

/// Externals by which a program gives threads or handlers stacks of its own, wherever they lie.
const OWN_STACKS: &[&str] = &["pthread_attr_setstack", "pthread_attr_setstackaddr", "sigaltstack"];

/// An action before clones are made: objids and redirections come with the variant.
#[derive(Debug, Clone)]
struct Draft {
    action: Action,
    alone: Alone,
    traffic: Traffic,
    at: (usize, usize),
}

/// Writes the plan for a cut. `partial`: not all functions are in the target.
#[must_use]
pub fn derive(module: &Module, points_to: &PointsTo, facts: &Facts, weights: &Weights, cut: &Cut, mode: CutMode, partial: bool) -> Plan {
    let allocation = clones::allocate(module, points_to, &facts.places, cut, mode);
    let writer = Writer {
        module,
        points_to,
        facts,
        weights,
        cut,
        mode,
        partial,
        alone: false,
        own_stacks: OWN_STACKS.iter().any(|n| module.external(n).is_some()),
        locale: LOCALE.iter().any(|n| module.external(n).is_some()),
    };
    let mut drafts = writer.drafts();
    let mut guards = writer.guards();
    if let Some(cut) = &cut.alone {
        let without = Writer { cut, alone: true, ..writer };
        alone::merge(&mut drafts, without.drafts());
        alone::merge_guards(&mut guards, &without.guards());
    }
    let stores = writer.ordered_stores();
    let mut variants: BTreeMap<&str, &clones::Variant> = BTreeMap::new();
    for variant in &allocation.variants {
        variants.insert(&variant.name, variant);
    }
    let mut sites = Vec::new();
    let reached = |index: usize| !points_to.instances_of(FunctionId::from(index)).is_empty();
    let mut unreached: Vec<String> =
        module.functions.iter().enumerate().filter(|(i, _)| !reached(*i)).map(|(_, f)| f.name.clone()).collect();
    unreached.sort();
    for (index, function) in module.functions.iter().enumerate() {
        if !reached(index) {
            continue;
        }
        let original = variants.get(function.name.as_str()).copied();
        writer.emit(&function.name, index, (&drafts[index], &guards, &stores[index]), original, &mut sites);
    }
    for clone in &allocation.clones {
        if let Some(variant) = variants.get(clone.name.as_str()) {
            let index = variant.of.index();
            writer.emit(&clone.name, index, (&drafts[index], &guards, &stores[index]), Some(variant), &mut sites);
        }
    }
    sites.sort_by(|a, b| (&a.function, a.ordinal).cmp(&(&b.function, b.ordinal)));
    Plan {
        format: FORMAT,
        module: module.fingerprint.clone(),
        cut: mode,
        accompanied: writer.accompanied(&sites, &variants),
        sites,
        mixed: allocation.mixed,
        environment: writer.environment_functions(&allocation.clones),
        clones: allocation.clones,
        targets: Vec::new(),
        partial: false,
        races: RaceMode::default(),
        single: facts.single,
        upcalls: writer.upcalls(),
        unreached: if mode.watches() { Vec::new() } else { unreached },
        by_name: if mode.watches() { Vec::new() } else { writer.by_name() },
        environment_globals: writer.environment_globals(),
        used_outside: if mode == CutMode::Check { writer.used_outside() } else { Vec::new() },
        shared_globals: writer.shared_globals(),
        library_variables: writer.library_variables(),
        constants: facts.constants.clone(),
        shapes: BTreeMap::new(),
        fit: None,
    }
}

/// A call in a check build, with all that its annotation declares; nothing without annotation, nor where
/// functions of the program run meanwhile.
fn checked(call: &CallSite) -> Option<Call> {
    if call.role == Role::Unknown || call.spec.deep || !call.upcalls.is_empty() || !call.spec.callbacks.is_empty() || call.callee.starts_with("llvm.") {
        return None;
    }
    let object = |arg: u32, keeps| Write { arg, len: Len::Object(keeps), when: None, heap_only: false, carried: false, kept: false, unless: None, copied: None };
    let mut writes: Vec<Write> = call.spec.writes.iter().map(|w| Write { kept: false, ..w.write.clone() }).collect();
    writes.extend(call.spec.opaque.iter().map(|a| object(*a, false)));
    writes.extend(call.spec.retains.iter().map(|kept| object(u32::from(kept.arg), true)));
    // A `va_list` is used up.
    writes.extend(call.spec.va_list.map(|a| Write { len: Len::Const(24), ..object(a, false) }));
    Some(Call {
        callee: call.callee.clone(),
        how: How::Always,
        pointers: Vec::new(),
        located: Vec::new(),
        on_stack: Vec::new(),
        in_frames: Vec::new(),
        locale: false,
        varies: None,
        ret: Ret::Log,
        writes,
        show: None,
        captured: false,
        upcalls: false,
        accompanies: false,
        format: None,
        ordered: Vec::new(),
        blind: false,
    })
}

/// What comes before an instruction that works on memory itself.
#[derive(Default)]
struct Guard {
    /// Operands that are guarded.
    operands: BTreeSet<u32>,
    /// Only once the process is not alone.
    later: bool,
    /// Arguments that are copied.
    staged: BTreeMap<u32, Staged>,
}

/// By place.
type Guards = BTreeMap<(usize, usize), Guard>;

struct Writer<'a> {
    module: &'a Module,
    points_to: &'a PointsTo,
    facts: &'a Facts,
    weights: &'a Weights<'a>,
    cut: &'a Cut,
    mode: CutMode,
    /// The locale may change.
    locale: bool,
    /// Not all functions are in the target.
    partial: bool,
    /// Stacks may lie anywhere.
    own_stacks: bool,
    /// The process is alone.
    alone: bool,
}

impl Writer<'_> {
    /// Drafts by function, then ordinal.
    fn drafts(&self) -> Vec<BTreeMap<u32, Draft>> {
        let mut drafts: Vec<BTreeMap<u32, Draft>> = vec![BTreeMap::new(); self.module.functions.len()];
        let foreign = self.foreign();
        for call in &self.facts.internal {
            if let Some(ordinal) = self.module.functions[call.at.0].instrs[call.at.1].ordinal
                && let Some((action, traffic)) = self.internal(call)
            {
                drafts[call.at.0].insert(ordinal, Draft { action, alone: Alone::Same, traffic, at: call.at });
            }
        }
        for load in self.facts.loads.iter().filter(|l| !self.cut.is_skipped(l.at.0)) {
            if let Some((action, traffic)) = self.load(load) {
                drafts[load.at.0].insert(load.ordinal, Draft { action, alone: Alone::Same, traffic, at: load.at });
            }
        }
        for store in &self.facts.stores {
            if let Some((action, traffic)) = self.store(store, &foreign) {
                drafts[store.at.0].insert(store.ordinal, Draft { action, alone: Alone::Same, traffic, at: store.at });
            }
        }
        if !self.mode.watches() {
            for (((function, instr), ordinal), values) in &self.facts.atomics {
                let at = (*function, *instr);
                let both = matches!(self.module.functions[at.0].instrs[at.1].kind, InstrKind::AtomicRmw { .. } | InstrKind::CmpXchg { .. });
                let here = |v: &FieldId| matches!(self.place(*v), Place::Low | Place::Movable) && !self.cut.is_environment(*v);
                let replayed = both && self.facts.ordered_writes && !values.is_empty() && values.iter().all(here);
                drafts[*function].insert(*ordinal, Draft { action: Action::Atomic { replayed }, alone: Alone::Same, traffic: Traffic::default(), at });
            }
        }
        for call in &self.facts.calls {
            if let Some((action, traffic)) = if self.cut.is_skipped(call.at.0) { self.skipped_call(call, &foreign) } else { self.call(call, &foreign) } {
                drafts[call.at.0].insert(call.ordinal, Draft { action, alone: Alone::Same, traffic, at: call.at });
            }
        }
        for &(at, foreign) in &self.facts.unknown_calls {
            if let Some(ordinal) = self.module.functions[at.0].instrs[at.1].ordinal
                && !self.mode.watches()
                && !self.cut.is_skipped(at.0)
            {
                drafts[at.0].insert(ordinal, Draft { action: Action::Callee { foreign }, alone: Alone::Same, traffic: Traffic::default(), at });
            }
        }
        let conflicts = self.cut.conflicts.iter().filter(|c| c.certain && self.facts.pins[c.pin].staged.is_none());
        let conflicts = conflicts.map(|c| (self.facts.pins[c.pin].at, &c.reason));
        let calls: BTreeSet<(usize, usize)> = self.facts.calls.iter().map(|c| c.at).collect();
        // Assembly and foreign code are no trouble where nothing is replayed.
        let later = self.facts.refused_later.iter().filter(|_| !self.alone);
        let refused = self.facts.refused.iter().chain(later).filter(|(at, _)| !self.cut.is_skipped(at.0) || calls.contains(at));
        for (at, reason) in conflicts.chain(refused.map(|(at, reason)| (*at, reason))) {
            if let Some(ordinal) = self.module.functions[at.0].instrs[at.1].ordinal {
                let then = match drafts[at.0].remove(&ordinal).map(|d| d.action) {
                    Some(made @ (Action::Replace { .. } | Action::Alloc { .. })) => Some(Box::new(made)),
                    Some(Action::Refuse { then, .. }) => then,
                    _ => None,
                };
                let action = Action::Refuse { reason: reason.clone(), then };
                drafts[at.0].insert(ordinal, Draft { action, alone: Alone::Same, traffic: Traffic::default(), at });
            }
        }
        drafts
    }

    /// What comes before instructions that may work on memory of the environment, though nothing says that they do: operands that are
    /// guarded, and arguments that are copied.
    fn guards(&self) -> Guards {
        let mut guards = Guards::new();
        if self.mode.watches() {
            return guards;
        }
        let conflicts: BTreeMap<usize, bool> = self.cut.conflicts.iter().map(|c| (c.pin, c.certain)).collect();
        for (index, pin) in self.facts.pins.iter().enumerate() {
            // A mapping that is none of replay space is told by its address alone.
            let mapped = !self.cut.is_skipped(pin.at.0) && pin.values.iter().any(|v| self.place(*v) == Place::Mapping);
            let Some(certain) = conflicts.get(&index).copied().or(mapped.then_some(false)) else { continue };
            let guard = guards.entry(pin.at).or_default();
            match &pin.staged {
                Some(copy) => {
                    let how = if certain || self.any_low(&pin.values) { How::Always } else { How::Checked };
                    guard.staged.insert(copy.arg, Staged { how, ordered: self.may_race(&pin.values), ..copy.clone() });
                }
                _ if !certain => guard.operands.extend(&pin.operands),
                _ => {}
            }
        }
        for pin in self.facts.pins.iter().filter(|p| self.may_race(&p.values)) {
            if let Some(copy) = pin.staged.as_ref().filter(|s| !s.written && s.bytes > 0) {
                guards.entry(pin.at).or_default().staged.entry(copy.arg).or_insert(Staged { ordered: true, ..copy.clone() });
            }
        }
        guards
    }

    /// The sites of a function or of a clone of it.
    fn emit(
        &self,
        name: &str,
        index: usize,
        (drafts, guards, stores): (&BTreeMap<u32, Draft>, &Guards, &BTreeMap<u32, (usize, usize)>),
        variant: Option<&clones::Variant>,
        sites: &mut Vec<Site>,
    ) {
        let function = &self.module.functions[index];
        let mut push = |ordinal: u32, (action, alone): (Action, Alone), traffic: Traffic, at| {
            sites.push(Site {
                function: name.to_owned(),
                ordinal,
                at: explain::location(self.module, at),
                action,
                alone,
                bytes: traffic.bytes,
                events: traffic.events,
            });
        };
        for (&at, guard) in guards.range((index, 0)..(index + 1, 0)) {
            let Some(ordinal) = function.instrs[at.1].ordinal else { continue };
            if !guard.operands.is_empty() {
                let alone = if guard.later { Alone::Nothing } else { Alone::Same };
                push(ordinal, (Action::Guard { operands: guard.operands.iter().copied().collect() }, alone), Traffic::default(), at);
            }
            if !guard.staged.is_empty() {
                push(ordinal, (Action::Stage { args: guard.staged.values().cloned().collect() }, Alone::Same), Traffic::default(), at);
            }
        }
        for (&ordinal, &at) in stores {
            push(ordinal, (Action::Order { checked: false }, Alone::Same), Traffic::default(), at);
        }
        for (&ordinal, draft) in drafts {
            let (mut action, mut alone) = (draft.action.clone(), draft.alone.clone());
            let wanted = variant.and_then(|v| v.objids.get(&ordinal)).copied().unwrap_or(0);
            let other = if let Alone::Other(other) = &mut alone { Some(&mut **other) } else { None };
            for action in other.into_iter().chain([&mut action]) {
                match action {
                    Action::Alloc { objid, .. } => *objid = wanted,
                    Action::Call(Call { ret: Ret::AdoptCstr { objid }, .. }) => *objid = wanted,
                    _ => {}
                }
            }
            push(ordinal, (action, alone), draft.traffic, draft.at);
        }
        for (&ordinal, to) in variant.map(|v| &v.redirects).into_iter().flatten() {
            // Crossings only say what is logged, and counts what is counted: they stand beside the redirection.
            if drafts.get(&ordinal).is_none_or(|d| matches!(d.action, Action::Downcall { .. } | Action::Upcall { .. } | Action::Count { .. }))
                && let Some(instr) = function.site(ordinal)
            {
                push(ordinal, (Action::Redirect { to: to.clone() }, Alone::Same), Traffic::default(), (index, instr));
            }
        }
    }

    /// Of the functions that are expected to run once the process is not alone those to which it makes a difference.
    fn accompanied(&self, sites: &[Site], variants: &BTreeMap<&str, &clones::Variant>) -> Vec<String> {
        let expected: FxHashSet<&str> = self.facts.accompanied.iter().map(|f| self.module.functions[*f].name.as_str()).collect();
        let original = |name: &str| variants.get(name).map_or(name.to_owned(), |v| self.module.functions[v.of.index()].name.clone());
        let differs = sites.iter().filter(|s| matches!((&s.action, &s.alone), (Action::Load { .. }, Alone::Other(_)))).map(|s| s.function.as_str());
        let names: BTreeSet<&str> = differs.filter(|f| expected.contains(original(f).as_str())).collect();
        names.into_iter().map(str::to_owned).collect()
    }

    fn place(&self, v: FieldId) -> Place {
        self.facts.place(self.points_to, v)
    }

    fn is_low(&self, v: FieldId) -> bool {
        matches!(self.place(v), Place::Low | Place::Mapping | Place::ExternalLow)
    }

    /// The cell may lie above the bound, as far as that matters.
    fn may_be_above(&self, v: FieldId) -> bool {
        match self.place(v) {
            Place::Mapping => true,
            Place::Low => false,
            _ => self.cut.is_environment(v),
        }
    }

    fn environment<'b>(&'b self, values: &'b [FieldId]) -> impl Iterator<Item = FieldId> + 'b {
        values.iter().copied().filter(|v| self.cut.is_environment(*v))
    }

    fn any_low(&self, values: &[FieldId]) -> bool {
        self.environment(values).any(|v| self.is_low(v))
    }

    /// How an access of these cells is told apart, if something of the environment among them is low: by the address, where that is all in variables and
    /// on stacks, which have their place.
    fn located(&self, values: &[FieldId]) -> How {
        let (mut on_stack, mut in_frames) = (false, false);
        for v in self.environment(values).filter(|v| self.is_low(*v)) {
            match self.points_to.object(self.points_to.field(v).object).kind {
                ObjectKind::Global(g) if !self.module.globals[g.index()].thread_local => {}
                ObjectKind::ExternalVariable(v) if self.module.external_variables[v.index()].located() => {}
                ObjectKind::Stack(..) | ObjectKind::ByVal(..) | ObjectKind::VarArgs(_) | ObjectKind::Arguments if !self.own_stacks => on_stack = true,
                ObjectKind::External if !self.own_stacks && self.points_to.object(self.points_to.field(v).object).name.ends_with(FRAME) => in_frames = true,
                _ => return How::Always,
            }
        }
        match (on_stack, in_frames) {
            (true, _) => How::OnStack,
            (false, true) => How::InFrames,
            (false, false) => How::Located,
        }
    }

    fn load(&self, load: &Load) -> Option<(Action, Traffic)> {
        let name = &self.module.functions[load.at.0].name;
        let all = self.weights.site(name, load.ordinal, load.executions, load.size);
        if self.mode == CutMode::Profile {
            return Some((Action::count(), all));
        }
        if self.mode == CutMode::Check {
            return None;
        }
        if load.races && self.races() {
            return Some((Action::Load { how: How::Always, raced: self.seen(&load.values) }, all));
        }
        let environment = self.environment(&load.values).count();
        let ordered = self.may_race(&load.values);
        if load.values.is_empty() {
            // The analysis thinks nobody comes here; if somebody does, the address tells.
            return Some((Action::Load { how: How::Checked, raced: Raced::No }, Traffic::default()));
        }
        if environment == 0 && load.values.iter().any(|v| self.place(*v) == Place::Mapping) {
            let action = if ordered { Action::Order { checked: true } } else { Action::Load { how: How::Checked, raced: Raced::No } };
            return Some((action, Traffic::default()));
        }
        if environment == 0 && ordered {
            return Some((Action::Order { checked: false }, Traffic::default()));
        }
        if environment == 0 {
            return load.volatile.then_some((Action::Poll, Traffic::default()));
        }
        let raced = self.raced(&load.values);
        let how = if self.any_low(&load.values) { self.located(&load.values) } else { How::Checked };
        if environment == load.values.len() || how == How::Always || ordered && how != How::Checked {
            return Some((Action::Load { how: How::Always, raced }, all));
        }
        let mut part = Traffic::default();
        for v in self.environment(&load.values) {
            let cell = self.cell(v);
            part = part.plus(self.weights.cell(name, load.ordinal, &cell, load.executions, load.size));
        }
        let part = Traffic { bytes: part.bytes.min(all.bytes), events: part.events.min(all.events) };
        let action = if ordered { Action::Order { checked: true } } else { Action::Load { how, raced } };
        Some((action, part))
    }

    /// What threads race for counts.
    fn races(&self) -> bool {
        !self.alone || !self.facts.threads
    }

    /// Whether threads may race for some of these cells, and what a thread saw there last can be found by the address, at replay too.
    fn raced(&self, values: &[FieldId]) -> Raced {
        let raced = self.races() && values.iter().any(|v| self.facts.raced.binary_search(v).is_ok());
        if raced { self.seen(values) } else { Raced::No }
    }

    /// Threads race for these cells: whether all are where they were when they were recorded.
    fn seen(&self, values: &[FieldId]) -> Raced {
        let elsewhere = values.iter().any(|v| self.facts.elsewhere[self.points_to.field(*v).object.0 as usize]);
        if elsewhere { Raced::Mapped } else { Raced::Yes }
    }

    /// Some of these cells are in replay space, and accesses of them are ordered as they are made.
    fn may_race(&self, values: &[FieldId]) -> bool {
        !self.mode.watches() && values.iter().any(|v| self.facts.ordered.binary_search(v).is_ok() && !self.cut.is_environment(*v))
    }

    /// Stores of replay space that are ordered as they are made, by function: their ordinals.
    fn ordered_stores(&self) -> Vec<BTreeMap<u32, (usize, usize)>> {
        let mut stores = vec![BTreeMap::new(); self.module.functions.len()];
        for store in self.facts.stores.iter().filter(|s| !self.cut.is_skipped(s.at.0) && self.may_race(&s.values)) {
            stores[store.at.0].insert(store.ordinal, store.at);
        }
        stores
    }

    /// What is ordered before a call, and whether it reads more that may race.
    fn ordered_call(&self, call: &CallSite) -> (Vec<Ordered>, bool) {
        if self.mode.watches() { (Vec::new(), false) } else { self.facts.ordered_calls.get(&call.at).cloned().unwrap_or_default() }
    }

    /// Cells of memory that functions of the environment get from the library: it is not there at replay.
    fn foreign(&self) -> FxHashSet<FieldId> {
        let bonds = &self.facts.bonds;
        let allocated = bonds.allocated.iter().map(|(f, c, _)| (*f, *c));
        let here = allocated.chain(bonds.own.iter().copied()).filter(|(f, c)| {
            let kind = self.points_to.object(self.points_to.field(*c).object).kind;
            let outside = self.cut.is_skipped(f.index()) || self.facts.threaded.binary_search(f).is_ok();
            outside && self.cut.is_environment(*c) && matches!(kind, ObjectKind::Heap(_) | ObjectKind::Copy)
        });
        here.map(|(_, c)| c).collect()
    }

    /// The cell may lie in memory that a replay does not map.
    fn may_be_missing(&self, v: FieldId, foreign: &FxHashSet<FieldId>) -> bool {
        matches!(self.place(v), Place::External | Place::ExternalLow | Place::Mapping | Place::Code | Place::Absent) || foreign.contains(&v)
    }

    fn store(&self, store: &Store, foreign: &FxHashSet<FieldId>) -> Option<(Action, Traffic)> {
        let name = &self.module.functions[store.at.0].name;
        if self.mode == CutMode::Profile {
            // What a function of the environment writes matters only where there are some.
            let traffic = self.weights.site(name, store.ordinal, store.executions, store.size);
            return self.partial.then_some((Action::count(), traffic));
        }
        if self.mode == CutMode::Check {
            return None;
        }
        if self.cut.is_skipped(store.at.0) {
            let replayed = store.values.is_empty() || store.values.iter().any(|v| self.is_replayed(*v));
            let traffic = self.weights.site(name, store.ordinal, store.executions, store.size);
            return replayed.then_some((Action::Apply { writes: Vec::new() }, traffic));
        }
        let checked = store.values.is_empty() || store.values.iter().any(|v| self.may_be_missing(*v, foreign));
        let raced = self.raced(&store.values);
        (checked || !raced.is_no()).then_some((Action::Store { checked, raced }, Traffic::default()))
    }

    /// The cell is in replay space, and is written at all.
    fn is_replayed(&self, v: FieldId) -> bool {
        !self.cut.is_environment(v) && !matches!(self.place(v), Place::Code | Place::ReadOnly | Place::Absent)
    }

    /// A call of functions of the program, if it may cross the cut.
    fn internal(&self, call: &InternalCall) -> Option<(Action, Traffic)> {
        if self.mode == CutMode::Profile {
            return self.partial.then_some((Action::count(), Traffic::default()));
        }
        let caller = self.cut.is_skipped(call.at.0);
        let other = call.callees.iter().filter(|f| self.cut.is_skipped(f.index()) != caller);
        let to: Vec<String> = other.map(|f| self.module.functions[f.index()].name.clone()).collect();
        if to.is_empty() {
            return None;
        }
        let bytes = if caller { call.arg_bytes } else { call.ret_bytes };
        let traffic = Traffic { bytes: bytes.saturating_mul(call.executions), events: call.executions };
        Some((if caller { Action::Upcall { to } } else { Action::Downcall { to } }, traffic))
    }

    /// A call of an external by a function of the environment: only what it writes to replay space matters.
    fn skipped_call(&self, call: &CallSite, foreign: &FxHashSet<FieldId>) -> Option<(Action, Traffic)> {
        match call.role {
            Role::Refuse if !is_allowed_outside(&call.callee) => self.call(call, foreign),
            Role::Runtime if is_aware(call) => self.call(call, foreign),
            Role::Runtime | Role::Native | Role::Unknown => None,
            Role::Env | Role::Det | Role::Refuse => {
                let mut action = self.outline(call, How::Always);
                action.ret = Ret::None;
                let traffic = self.traffic(call, &action);
                (!action.writes.is_empty()).then_some((Action::Apply { writes: action.writes }, traffic))
            }
        }
    }

    fn environment_functions(&self, clones: &[FunctionClone]) -> Vec<String> {
        let skipped = |name: &str| self.module.function(name).is_some_and(|f| self.cut.is_skipped(f.index()));
        let originals = self.module.functions.iter().map(|f| &f.name).filter(|n| skipped(n));
        let copies = clones.iter().filter(|c| skipped(&c.of)).map(|c| &c.name);
        let mut names: Vec<String> = originals.chain(copies).cloned().collect();
        names.sort();
        names
    }

    fn cell(&self, v: FieldId) -> CellName<'_> {
        CellName::of(self.points_to, v)
    }

    fn call(&self, call: &CallSite, foreign: &FxHashSet<FieldId>) -> Option<(Action, Traffic)> {
        let nothing = Traffic::default();
        if matches!(call.role, Role::Env | Role::Unknown | Role::Det) && self.mode == CutMode::Profile {
            let writes: Vec<_> = call.spec.writes.iter().map(|w| w.write.clone()).collect();
            let read = call.pointers.iter().filter(|p| p.read && call.role == Role::Det);
            // What a copy writes it reads.
            let len = if call.copies { writes.first().map(|w| w.len.clone()) } else { None };
            let mut reads: Vec<Read> = read.map(|p| Read { arg: p.arg, len: len.clone() }).collect();
            let show = call.spec.show.filter(|_| !call.printed.is_empty());
            if show.is_some() {
                let length = |arg| call.spec.lengths.iter().find(|l| l.0 == arg).map(|l| l.1.clone());
                reads.extend(call.shown.iter().map(|&arg| Read { arg, len: length(arg) }));
            }
            return Some((Action::Count { writes, reads, show }, nothing));
        }
        if matches!(call.role, Role::Env | Role::Unknown | Role::Det) && self.mode == CutMode::Check {
            return checked(call).map(|c| (Action::Call(c), nothing));
        }
        if call.spec.runtime.as_deref() == Some("__itarget_mmap") && self.mode == CutMode::Profile {
            return Some((Action::count(), nothing));
        }
        match call.role {
            Role::Native => None,
            Role::Refuse => {
                let reason = call.spec.reason.clone();
                let reason = reason.unwrap_or_else(|| format!("`{}` can't be recorded", call.callee));
                Some((Action::Refuse { reason, then: None }, nothing))
            }
            Role::Runtime => {
                let runtime = call.spec.runtime.clone().unwrap_or_default();
                let action = match is_allocator(&call.spec) {
                    true => Action::Alloc { runtime, objid: 0 },
                    // Text of the environment is not there at replay.
                    false if call.movements.iter().any(|m| m.from.iter().any(|v| self.cut.is_environment(*v) || self.may_be_above(*v))) => {
                        let bytes = call.movements.iter().flat_map(|m| &m.to).map(|t| t.1).sum::<u64>();
                        let traffic = Traffic { bytes: bytes.saturating_mul(call.executions), events: call.executions };
                        return Some((Action::Replace { runtime: format!("{runtime}_logged") }, traffic));
                    }
                    false => Action::Replace { runtime },
                };
                Some((action, nothing))
            }
            Role::Env | Role::Unknown => {
                let mut action = self.outline(call, How::Always);
                action.upcalls = !call.upcalls.is_empty();
                action.accompanies = self.facts.alone && call.may_write_all();
                action.show = call.spec.show;
                action.captured = call.spec.show.is_some()
                    && (call.deep.iter().any(|v| self.cut.is_environment(*v) || self.may_be_above(*v))
                        || call.printed.iter().any(|v| self.cut.is_environment(*v) && self.is_low(*v))
                        || self.may_race(&call.printed));
                action.captured |= call.spec.show.is_some() && self.may_race(&call.deep);
                action.ordered = self.ordered_call(call).0;
                let traffic = self.traffic(call, &action);
                Some((Action::Call(action), traffic))
            }
            Role::Det => self.deterministic(call, foreign),
        }
    }

    fn deterministic(&self, call: &CallSite, foreign: &FxHashSet<FieldId>) -> Option<(Action, Traffic)> {
        let varies = call.spec.varies;
        let locale = self.locale && call.spec.kind == Some(Kind::DetLocale) && varies.is_none();
        let reads_low = |p: &&PointerArg| p.read && self.any_low(&p.values);
        let located: Vec<u32> = call.pointers.iter().filter(reads_low).map(|p| p.arg).collect();
        // What only fills or copies memory does so at replay, too, like a store: also in objects with parts on both sides.
        let stores = call.copies || call.callee == "llvm.memset";
        let there = |p: &PointerArg| stores && !p.read && !p.values.iter().any(|v| self.may_be_missing(*v, foreign));
        let above = |p: &PointerArg| p.values.iter().any(|v| self.may_be_above(*v)) && !there(p);
        let pointers: Vec<u32> = (call.pointers.iter())
            .filter(|p| p.values.is_empty() || above(p) || located.contains(&p.arg))
            .map(|p| p.arg)
            .collect();
        let always = call.deep.iter().any(|v| self.cut.is_environment(*v) || self.may_be_above(*v))
            || call.pointers.iter().any(|p| {
                let environment = self.environment(&p.values).count();
                p.read && environment > 0 && (environment == p.values.len() || self.any_low(&p.values) && self.located(&p.values) == How::Always)
            });
        let (ordered, blind) = self.ordered_call(call);
        if pointers.is_empty() && !always && !locale && varies.is_none() && ordered.is_empty() && !blind {
            return None;
        }
        let mut action = self.outline(call, if always { How::Always } else { How::Checked });
        // What is logged anyway need not be read in an order.
        action.ordered = ordered.into_iter().filter(|o| o.write || !always && !blind).collect();
        action.blind = blind && !always;
        if always {
            // Where the source is logged, the copy is made at replay by stores, unless its memory may be missing there.
            let written = call.pointers.iter().filter(|p| !p.read).map(|p| p.arg);
            action.pointers = written.filter(|arg| pointers.contains(arg)).collect();
        } else {
            action.pointers = pointers;
            let on_stack = |p: &&PointerArg| located.contains(&p.arg) && self.located(&p.values) == How::OnStack;
            let in_frames = |p: &&PointerArg| located.contains(&p.arg) && self.located(&p.values) == How::InFrames;
            action.on_stack = call.pointers.iter().filter(on_stack).map(|p| p.arg).collect();
            action.in_frames = call.pointers.iter().filter(in_frames).map(|p| p.arg).collect();
            action.located = located;
            action.locale = locale;
            action.varies = varies;
        }
        let reads = call.movements.iter().any(|m| self.environment(&m.from).next().is_some());
        let traffic = if reads { self.traffic(call, &action) } else { Traffic::default() };
        Some((Action::Call(action), traffic))
    }

    /// Result and writes of a call that is treated as an environment call.
    fn outline(&self, call: &CallSite, how: How) -> Call {
        let ret = if call.used { annotate::result(call.spec.ret, 0) } else { Ret::None };
        // The result of an unknown call is said to be external only for want of better.
        let ret = if call.used && call.ret_bytes > 0 && ret == Ret::None { Ret::Log } else { ret };
        let kept = call.spec.writes.iter().zip(&call.writes).filter(|(_, fact)| {
            !fact.nowhere && fact.values.is_empty() || fact.values.iter().any(|v| !self.cut.is_environment(*v))
        });
        // The thread will know both places by their addresses.
        let copied = call.pointers.iter().find(|p| call.copies && p.read && !self.raced(&p.values).is_no()).map(|p| p.arg);
        Call {
            callee: call.callee.clone(),
            how,
            pointers: Vec::new(),
            located: Vec::new(),
            on_stack: Vec::new(),
            in_frames: Vec::new(),
            locale: false,
            varies: None,
            ret,
            writes: kept
                .map(|(w, fact)| {
                    let mut low = fact.values.iter().filter(|v| self.is_low(**v)).peekable();
                    let heap_only = low.peek().is_some() && low.all(|v| self.cut.is_environment(*v));
                    let carried = fact.shape.iter().any(|v| self.cut.is_environment(*v) || self.may_be_above(*v));
                    Write { heap_only, carried, copied, ..w.write.clone() }
                })
                .collect(),
            show: None,
            captured: false,
            upcalls: false,
            accompanies: false,
            format: call.spec.format,
            ordered: Vec::new(),
            blind: false,
        }
    }

    /// Bytes and events that a call logs.
    fn traffic(&self, call: &CallSite, action: &Call) -> Traffic {
        let name = &self.module.functions[call.at.0].name;
        let mut sum = if action.ret == Ret::None { Traffic::default() } else { call.result_traffic() };
        for (written, fact) in call.spec.writes.iter().zip(&call.writes) {
            if !action.writes.iter().any(|w| (w.arg, &w.len, &w.when) == (written.write.arg, &written.write.len, &written.write.when)) {
                continue;
            }
            let here: Vec<FieldId> = fact.values.iter().copied().filter(|v| !self.cut.is_environment(*v)).collect();
            let all = self.weights.site(name, call.ordinal, call.executions, fact.bytes);
            if here.iter().any(|v| self.is_low(*v)) || here.is_empty() {
                sum = sum.plus(all);
                continue;
            }
            let mut part = Traffic::default();
            for v in here {
                part = part.plus(self.weights.cell(name, call.ordinal, &self.cell(v), call.executions, fact.bytes));
            }
            sum = sum.plus(Traffic { bytes: part.bytes.min(all.bytes), events: part.events.min(all.events) });
        }
        sum
    }

    fn upcalls(&self) -> Vec<String> {
        let mut names = BTreeSet::new();
        let mut add = |f: &FunctionId| {
            if !self.cut.is_skipped(f.index()) {
                names.insert(self.module.functions[f.index()].name.clone());
            }
        };
        for call in &self.facts.calls {
            if self.cut.is_skipped(call.at.0) || matches!(call.role, Role::Env | Role::Unknown) {
                call.upcalls.iter().for_each(&mut add);
            }
        }
        for call in self.facts.internal.iter().filter(|c| self.cut.is_skipped(c.at.0)) {
            call.callees.iter().for_each(&mut add);
        }
        if self.cut.functions.contains(&true) {
            // The environment may call through pointers that the analysis lost sight of.
            let reached = |f: &FunctionId| !self.points_to.instances_of(*f).is_empty();
            let taken = self.module.functions.iter().enumerate().filter(|(_, f)| f.address_taken);
            taken.map(|(i, _)| FunctionId::from(i)).filter(reached).for_each(|f| add(&f));
        }
        names.into_iter().collect()
    }

    /// What code that is not in the module calls by its name, and what libraries may call in place of the C library's function of that name.
    fn by_name(&self) -> Vec<String> {
        let library = Annotations::builtin();
        let seen = self.module.functions.iter().enumerate().filter(|(i, f)| f.exported && !self.cut.is_skipped(*i) && f.name != "main");
        let called = seen.filter(|(_, f)| f.used_outside || library.function(&f.name).is_some());
        let mut names: Vec<String> = called.map(|(_, f)| f.name.clone()).collect();
        names.sort();
        names
    }

    fn environment_globals(&self) -> Vec<String> {
        self.globals(self.cut).into_iter().collect()
    }

    fn used_outside(&self) -> Vec<String> {
        let used: FxHashSet<ObjectId> = self.facts.used_outside.iter().map(|v| self.points_to.field(*v).object).collect();
        let globals = self.points_to.globals().iter().filter(|(_, object)| used.contains(object));
        let names: BTreeSet<String> = globals.map(|(global, _)| self.module.globals[global.index()].name.clone()).collect();
        names.into_iter().collect()
    }

    /// Globals that are the environment's only once the process is not alone.
    fn shared_globals(&self) -> Vec<String> {
        let Some(alone) = &self.cut.alone else { return Vec::new() };
        let always = self.globals(alone);
        self.globals(self.cut).into_iter().filter(|name| !always.contains(name)).collect()
    }

    /// Variables of the library, with their bytes, that are told apart by their addresses.
    fn library_variables(&self) -> Vec<(String, u64)> {
        let mut found = Vec::new();
        for (object, place) in self.points_to.objects().iter().zip(&self.facts.places) {
            let ObjectKind::ExternalVariable(v) = object.kind else { continue };
            let variable = &self.module.external_variables[v.index()];
            if *place == Place::ExternalLow && variable.located() {
                found.push((variable.name.clone(), variable.size.unwrap_or_default()));
            }
        }
        found.sort();
        found.dedup();
        found
    }

    fn globals(&self, cut: &Cut) -> BTreeSet<String> {
        let low = |object: ObjectId| self.facts.places[object.0 as usize] == Place::Low;
        let outside = |object: ObjectId| low(object) && self.points_to.fields_of(object).any(|f| cut.is_environment(f));
        let names = self.points_to.globals().iter().filter(|(_, object)| outside(*object));
        names.map(|(global, _)| self.module.globals[global.index()].name.clone()).collect()
    }
}
