//! `itarget explain`: every item of the interface with the way that makes it necessary, the reason why the
//! cut is there, and what would make it cheaper.

use super::names::{data, plain};
use super::suggest::{self, Suggestion};
use super::why::{Kind, Step, Subject, Ways};
use crate::flow::facts::{CallSite, Load, Role};
use crate::model::{InstrKind, Operand};
use crate::points_to::{FieldId, ObjectKind, PointsTo};
use itarget_plan::{Action, Alone, Call, How, Plan, Ret, Site};
use rustc_hash::FxHashMap;
use serde::Serialize;
use std::collections::BTreeMap;

/// Bytes and events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Amount {
    /// Bytes.
    pub bytes: u64,
    /// Events.
    pub events: u64,
}

impl Amount {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Amount) -> Amount {
        Amount { bytes: self.bytes.saturating_add(other.bytes), events: self.events.saturating_add(other.events) }
    }

    /// Bytes, an event counted as eight.
    #[must_use]
    pub fn cost(self) -> u64 {
        self.bytes.saturating_add(self.events.saturating_mul(8))
    }
}

/// What a run really logged.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    /// By function and ordinal.
    pub sites: BTreeMap<(String, u32), Amount>,
    /// Bytes of the synchronization log.
    pub order: u64,
}

impl Measured {
    /// What a site logged.
    #[must_use]
    pub fn of(&self, site: &Site) -> Amount {
        self.sites.get(&(site.function.clone(), site.ordinal)).copied().unwrap_or_default()
    }
}

/// The explanation of an interface.
#[derive(Debug, Serialize)]
pub struct Explanation {
    /// Fingerprint of the module.
    pub module: String,
    /// Which cut.
    pub cut: itarget_plan::CutMode,
    /// Value of the cut in estimated bytes of a run, an event counted as eight.
    pub cut_bytes: u64,
    /// Sums over all items.
    pub estimated: Amount,
    /// Sums over all items, of the run that was measured.
    pub measured: Option<Amount>,
    /// Where all that comes from, most first.
    pub origins: Vec<Origin>,
    /// What the log of that run holds besides (signals, the runtime's own events), in bytes.
    pub measured_besides: Option<u64>,
    /// Bytes of the order of threads in that run (the synchronization log).
    pub measured_order: Option<u64>,
    /// The items shown, dearest first.
    pub items: Vec<Item>,
    /// Items not shown.
    pub more: usize,
    /// What would make the interface cheaper, most first.
    pub cheaper: Vec<Suggestion>,
}

/// What makes items necessary: a function of the library, or memory that is the environment's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// Its name.
    pub name: String,
    /// Items because of it.
    pub items: usize,
    /// Estimated sums of these.
    pub estimated: Amount,
    /// Measured ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measured: Option<Amount>,
}

/// A logged site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// Function as the source has it.
    pub function: String,
    /// Number of the copy of the function, if it is in one that the pass makes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copy: Option<String>,
    /// Ordinal of the site in it.
    pub ordinal: u32,
    /// `file:line`, empty if not known.
    pub at: String,
    /// What is logged: `read -> log ret + arg1`.
    pub what: String,
    /// The data: `4-byte integer`.
    pub data: String,
    /// Estimated.
    pub estimated: Amount,
    /// In the run that was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measured: Option<Amount>,
    /// The way from what is not deterministic to the code that needs it; the log stands where
    /// `environment` turns false.
    pub path: Vec<Step>,
    /// Other cells that it is about.
    pub others: usize,
    /// Why the cut is here.
    pub reason: String,
    /// Which of [`Explanation::cheaper`] would help.
    pub cheaper: Vec<usize>,
}

/// An item with the cell that decides it.
pub struct Traced {
    /// The item.
    pub item: Item,
    /// The cell whose side makes it necessary.
    pub cell: Option<FieldId>,
}

/// Where sites are in the facts.
pub struct Sites<'a> {
    loads: FxHashMap<(&'a str, u32), usize>,
    calls: FxHashMap<(&'a str, u32), usize>,
    originals: FxHashMap<&'a str, &'a str>,
}

impl<'a> Sites<'a> {
    /// Finds them.
    #[must_use]
    pub fn new(s: &Subject<'a>) -> Sites<'a> {
        let name = |at: (usize, usize)| s.module.functions[at.0].name.as_str();
        Sites {
            loads: s.facts.loads.iter().enumerate().map(|(i, l)| ((name(l.at), l.ordinal), i)).collect(),
            calls: s.facts.calls.iter().enumerate().map(|(i, c)| ((name(c.at), c.ordinal), i)).collect(),
            originals: s.plan.clones.iter().map(|c| (c.name.as_str(), c.of.as_str())).collect(),
        }
    }

    /// The function that a site belongs to in the source.
    #[must_use]
    pub fn original(&self, function: &'a str) -> &'a str {
        self.originals.get(function).copied().unwrap_or(function)
    }

    fn load(&self, s: &Subject<'a>, site: &'a Site) -> Option<&'a Load> {
        self.loads.get(&(self.original(&site.function), site.ordinal)).map(|i| &s.facts.loads[*i])
    }

    fn call(&self, s: &Subject<'a>, site: &'a Site) -> Option<&'a CallSite> {
        self.calls.get(&(self.original(&site.function), site.ordinal)).map(|i| &s.facts.calls[*i])
    }
}

/// The sites of a plan that log something, dearest first, with their indices.
#[must_use]
pub fn logged<'a>(plan: &'a Plan, measured: &Measured) -> Vec<&'a Site> {
    let logs = |site: &Site| match &site.action {
        Action::Call(call) => logs(call),
        Action::Load { .. } | Action::Order { checked: true } | Action::Apply { .. } | Action::Downcall { .. } | Action::Upcall { .. } => true,
        Action::Store { .. }
        | Action::Order { checked: false }
        | Action::Alloc { .. }
        | Action::Replace { .. }
        | Action::Redirect { .. }
        | Action::Refuse { .. }
        | Action::Guard { .. }
        | Action::Stage { .. }
        | Action::Atomic { .. }
        | Action::Callee { .. }
        | Action::Poll
        | Action::Count { .. } => false,
    };
    let mut sites: Vec<&Site> = plan.sites.iter().filter(|s| logs(s)).collect();
    sites.sort_by_key(|s| {
        let seen = measured.of(s).cost();
        let estimated = estimated(s).cost();
        (std::cmp::Reverse((seen, estimated)), &s.function, s.ordinal)
    });
    sites
}

fn logs(call: &Call) -> bool {
    call.ret != Ret::None || !call.writes.is_empty() || call.captured || call.upcalls
}

/// Explains an interface. `limit` items are shown; `measured` is what a run logged, by site.
#[must_use]
pub fn explain(ways: &Ways, suggestions: Vec<Suggestion>, measured: Option<&Measured>, limit: usize) -> Explanation {
    let s = &ways.subject;
    let none = Measured::default();
    let seen = measured.unwrap_or(&none);
    let sites = logged(s.plan, seen);
    let amount = |site: &Site| seen.of(site);
    let sum = |f: &dyn Fn(&Site) -> Amount| sites.iter().map(|site| f(site)).fold(Amount::default(), Amount::plus);
    let total = sum(&amount);
    let besides = measured.map(|m| m.sites.values().map(|a| a.bytes).sum::<u64>().saturating_sub(total.bytes));
    let mut tracer = Tracer::new(ways, suggestions);
    let mut origins: BTreeMap<String, Origin> = BTreeMap::new();
    for site in &sites {
        let name = tracer.origin(site);
        let none = Origin { name: name.clone(), items: 0, estimated: Amount::default(), measured: None };
        let origin = origins.entry(name).or_insert(none);
        origin.items += 1;
        origin.estimated = origin.estimated.plus(estimated(site));
        if measured.is_some() {
            origin.measured = Some(origin.measured.unwrap_or_default().plus(amount(site)));
        }
    }
    let mut origins: Vec<Origin> = origins.into_values().collect();
    origins.sort_by_key(|o| (std::cmp::Reverse((o.measured.map_or(0, Amount::cost), o.estimated.cost())), o.name.clone()));
    let mut items: Vec<Item> = sites.iter().take(limit).map(|site| tracer.item(site, measured.map(|_| amount(site))).item).collect();
    // Most saved first; what can't be computed last.
    let mut order: Vec<usize> = (0..tracer.suggestions.len()).collect();
    order.sort_by_key(|i| (std::cmp::Reverse(tracer.suggestions[*i].saves), *i));
    let mut rank = vec![0; order.len()];
    for (new, old) in order.iter().enumerate() {
        rank[*old] = new;
    }
    for item in &mut items {
        item.cheaper.iter_mut().for_each(|i| *i = rank[*i]);
        item.cheaper.sort_unstable();
    }
    let cheaper = order.iter().map(|i| tracer.suggestions[*i].clone()).collect();
    Explanation {
        module: s.plan.module.clone(),
        cut: s.plan.cut,
        cut_bytes: crate::flow::graph::as_bytes(s.cut.value),
        estimated: sum(&estimated),
        origins,
        measured: measured.map(|_| total),
        measured_besides: besides,
        measured_order: measured.map(|m| m.order),
        more: sites.len().saturating_sub(limit),
        items,
        cheaper,
    }
}

fn estimated(site: &Site) -> Amount {
    Amount { bytes: site.bytes, events: site.events }
}

/// Makes items.
pub struct Tracer<'w, 'a> {
    ways: &'w Ways<'a>,
    sites: Sites<'a>,
    /// What would be cheaper.
    pub suggestions: Vec<Suggestion>,
    /// The value of the cut with a cell on the other side, by cell.
    others: FxHashMap<FieldId, Option<u64>>,
    /// Where cells of the environment come from.
    origins: FxHashMap<FieldId, String>,
    /// What it would save not to replay a function.
    exclusions: FxHashMap<String, Option<usize>>,
}

/// Most cells for which the cut is taken again.
const MOST_OTHERS: usize = 64;
/// Most functions without which it is taken again.
const MOST_EXCLUSIONS: usize = 12;

impl<'w, 'a> Tracer<'w, 'a> {
    /// A new one.
    #[must_use]
    pub fn new(ways: &'w Ways<'a>, suggestions: Vec<Suggestion>) -> Tracer<'w, 'a> {
        Tracer { ways, sites: Sites::new(&ways.subject), suggestions, others: FxHashMap::default(), origins: FxHashMap::default(), exclusions: FxHashMap::default() }
    }

    /// The item of a site.
    #[must_use]
    pub fn item(&mut self, site: &'a Site, measured: Option<Amount>) -> Traced {
        let s = self.ways.subject;
        let mut item = Item {
            function: self.sites.original(&site.function).to_owned(),
            copy: (self.sites.original(&site.function) != site.function).then(|| site.function.clone()),
            ordinal: site.ordinal,
            at: site.at.as_ref().map(|l| format!("{}:{}", l.file, l.line)).unwrap_or_default(),
            what: what_of(site),
            data: String::new(),
            estimated: estimated(site),
            measured,
            path: Vec::new(),
            others: 0,
            reason: String::new(),
            cheaper: Vec::new(),
        };
        let (mut cell, mut cells) = (None, Vec::new());
        match &site.action {
            Action::Load { .. } | Action::Order { checked: true } => {
                if let Some(load) = self.sites.load(&s, site) {
                    cell = self.load(load, &mut item);
                    cells.clone_from(&load.values);
                }
            }
            Action::Call(action) => {
                if let Some(call) = self.sites.call(&s, site) {
                    cell = self.call(call, action, &mut item);
                    cells = match call.role {
                        Role::Det => call.movements.iter().flat_map(|m| m.from.iter().copied()).collect(),
                        _ => written(call, action).collect(),
                    };
                }
            }
            Action::Refuse { reason, .. } => item.reason.clone_from(reason),
            Action::Apply { .. } => cell = self.applied(site, &mut item),
            Action::Downcall { to } => self.crossing(site, to, true, &mut item),
            Action::Upcall { to } => self.crossing(site, to, false, &mut item),
            Action::Store { .. }
            | Action::Order { checked: false }
            | Action::Alloc { .. }
            | Action::Replace { .. }
            | Action::Redirect { .. }
            | Action::Guard { .. }
            | Action::Stage { .. }
            | Action::Atomic { .. }
            | Action::Callee { .. }
            | Action::Poll
            | Action::Count { .. } => {}
        }
        if let Some(cell) = cell {
            item.reason = self.ways.reason(cell, self.other(cell));
            item.cheaper = suggest::for_cells(self.ways, &mut self.suggestions, cell, &cells);
        }
        if let Some(index) = self.exclusion(&item.function) {
            item.cheaper.push(index);
        }
        Traced { item, cell }
    }

    /// The value of the cut with the cell on the other side, for so many cells as is reasonable.
    pub fn other(&mut self, cell: FieldId) -> Option<Option<u64>> {
        if let Some(known) = self.others.get(&cell) {
            return Some(*known);
        }
        if self.others.len() >= MOST_OTHERS {
            return None;
        }
        let value = self.ways.other_side(cell);
        self.others.insert(cell, value);
        Some(value)
    }

    /// What it would save not to replay a function, if anything.
    fn exclusion(&mut self, function: &str) -> Option<usize> {
        if let Some(known) = self.exclusions.get(function) {
            return *known;
        }
        if self.exclusions.len() >= MOST_EXCLUSIONS {
            return None;
        }
        let found = self.ways.subject.module.function(function).and_then(|f| suggest::exclude(self.ways, f.index()));
        let index = found.map(|suggestion| {
            self.suggestions.push(suggestion);
            self.suggestions.len() - 1
        });
        self.exclusions.insert(function.to_owned(), index);
        index
    }

    fn load(&mut self, load: &Load, item: &mut Item) -> Option<FieldId> {
        let s = self.ways.subject;
        let function = &s.module.functions[load.at.0];
        if let InstrKind::Load { access, .. } = &function.instrs[load.at.1].kind {
            item.data = s.names().access(access);
        }
        let environment = self.read(load);
        let name = format!("read by `{}`", function.name);
        let end = Step { kind: Kind::Code, name, at: item.at.clone(), environment: false, bytes: Some(item.estimated.bytes) };
        let Some(cell) = self.dearest(&environment, load.at.0, load.ordinal, load.executions, load.size) else {
            item.reason = if load.values.is_empty() {
                "the analysis found nothing that this could read; if something of the environment is there, its value is logged".to_owned()
            } else if load.races {
                "another thread may write there meanwhile, though writes have an order: `itarget races` lists who".to_owned()
            } else {
                "nothing of the environment is known to be there; a file mapping may be, which the address tells".to_owned()
            };
            item.path = vec![end];
            return None;
        };
        item.others = environment.len() - 1;
        item.path = self.ways.to_cell(cell);
        item.path.push(end);
        Some(cell)
    }

    fn call(&mut self, call: &CallSite, action: &Call, item: &mut Item) -> Option<FieldId> {
        let s = self.ways.subject;
        item.data = self.data(call, action);
        if call.role == Role::Det {
            return self.deterministic(call, action, item);
        }
        let written: Vec<FieldId> = written(call, action).filter(|v| !s.cut.is_environment(*v)).collect();
        item.path = vec![self.ways.call(call, crate::flow::graph::SOURCE, Some(item.estimated.bytes))];
        if let Some(cell) = self.dearest(&written, call.at.0, call.ordinal, call.executions, 1) {
            item.others = written.len() - 1;
            item.path.extend(self.ways.from_cell(cell));
            return Some(cell);
        }
        let name = plain(&call.callee);
        if call.used {
            item.path.push(self.ways.user(call, None));
            item.reason = format!("`{name}` is not run at replay, and its result is used");
        } else if action.captured {
            item.reason = format!("what `{name}` prints may be memory of the environment, so it is captured to be shown at replay");
        } else if action.upcalls {
            item.reason = format!("`{name}` may call functions of the program: which, and with what, is logged");
        }
        None
    }

    /// What a function of the environment writes to replay space.
    fn applied(&mut self, site: &'a Site, item: &mut Item) -> Option<FieldId> {
        let s = self.ways.subject;
        let function = s.module.function(self.sites.original(&site.function))?.index();
        item.path = self.ways.to_function(function);
        let store = s.facts.stores.iter().find(|x| x.at.0 == function && x.ordinal == site.ordinal);
        let (mut cells, step) = match (store, self.sites.call(&s, site)) {
            (Some(store), _) => {
                if let InstrKind::Store { access, .. } = &s.module.functions[function].instrs[store.at.1].kind {
                    item.data = format!("address and {}", s.names().access(access));
                }
                (store.values.clone(), None)
            }
            (None, Some(call)) => {
                let step = self.ways.call(call, crate::flow::graph::SOURCE, None);
                item.data = "addresses and bytes".to_owned();
                (call.writes.iter().flat_map(|w| w.values.iter().copied()).collect(), Some(step))
            }
            (None, None) => (Vec::new(), None),
        };
        item.path.extend(step);
        cells.retain(|v| !s.cut.is_environment(*v));
        let cell = self.dearest(&cells, function, site.ordinal, 1, 1)?;
        item.others = cells.len() - 1;
        item.path.extend(self.ways.from_cell(cell));
        Some(cell)
    }

    /// A call from one side to the other.
    fn crossing(&self, site: &'a Site, to: &'a [String], down: bool, item: &mut Item) {
        let s = self.ways.subject;
        let (Some(caller), Some(callee)) =
            (s.module.function(self.sites.original(&site.function)), to.first().and_then(|f| s.module.function(self.sites.original(f))))
        else {
            return;
        };
        item.others = 0;
        let (inner, outer) = if down { (callee, caller) } else { (caller, callee) };
        item.path = self.ways.to_function(inner.index());
        let mut end = self.ways.function(outer.index(), Some(site.bytes));
        if down {
            end.name = format!("result used by {}", end.name);
            end.at.clone_from(&item.at);
        }
        item.path.push(end);
        item.data = if down { "result".to_owned() } else { "arguments and stack pointer".to_owned() };
        let reason = self.ways.function_reason(inner.index());
        item.reason = format!("`{}` is in the environment: {reason}", s.names().function(inner));
    }

    /// A call that runs at replay, if what it reads is there.
    fn deterministic(&mut self, call: &CallSite, action: &Call, item: &mut Item) -> Option<FieldId> {
        let s = self.ways.subject;
        let read = self.read_by(call);
        let mut step = self.ways.call(call, crate::flow::graph::SOURCE, Some(item.estimated.bytes));
        let cell = self.widest(&read);
        if let Some(cell) = cell {
            item.others = read.len() - 1;
            item.path = self.ways.to_cell(cell);
        }
        item.path.push(step.clone());
        let written: Vec<FieldId> = written(call, action).filter(|v| !s.cut.is_environment(*v)).collect();
        if let Some(&to) = written.first() {
            item.path.extend(self.ways.from_cell(to));
        } else if call.used {
            step = self.ways.user(call, None);
            item.path.push(step);
        }
        if cell.is_none() {
            let name = plain(&call.callee);
            item.reason = if action.locale {
                format!("`{name}` depends on the locale: its results are logged while that is not \"C\"")
            } else if action.varies.is_some() {
                format!("`{name}` runs again at replay; what it prints is logged where it depends on `errno` or the locale, or may lie outside replay space")
            } else {
                format!("`{name}` runs again at replay; only what it does with memory that may lie outside replay space is logged")
            };
        }
        cell
    }

    /// Cells of the environment that a load may read.
    fn read(&self, load: &Load) -> Vec<FieldId> {
        load.values.iter().copied().filter(|v| self.ways.subject.cut.is_environment(*v)).collect()
    }

    /// Cells of the environment that a deterministic call may read.
    fn read_by(&self, call: &CallSite) -> Vec<FieldId> {
        let mut read: Vec<FieldId> = call.movements.iter().flat_map(|m| m.from.iter().copied()).chain(call.deep.iter().copied()).collect();
        read.sort_unstable();
        read.dedup();
        read.retain(|v| self.ways.subject.cut.is_environment(*v));
        read
    }

    /// The cell with the widest way.
    fn widest(&self, cells: &[FieldId]) -> Option<FieldId> {
        cells.iter().copied().max_by_key(|v| (self.ways.width(*v), std::cmp::Reverse(*v)))
    }

    /// What makes an item necessary.
    fn origin(&mut self, site: &'a Site) -> String {
        let s = self.ways.subject;
        let cell = match &site.action {
            Action::Load { .. } => self.sites.load(&s, site).and_then(|load| {
                self.dearest(&self.read(load), load.at.0, load.ordinal, load.executions, load.size)
            }),
            Action::Call(_) => match self.sites.call(&s, site) {
                Some(call) if call.role == Role::Det => self.widest(&self.read_by(call)),
                Some(call) => return format!("`{}`", plain(&call.callee)),
                None => None,
            },
            Action::Apply { .. } | Action::Upcall { .. } => return format!("`{}`", self.sites.original(&site.function)),
            Action::Downcall { to } => return super::names(to),
            _ => None,
        };
        let Some(cell) = cell else { return "only if an address leads to the environment".to_owned() };
        if let Some(known) = self.origins.get(&cell) {
            return known.clone();
        }
        let name = self.ways.origin_of(cell);
        self.origins.insert(cell, name.clone());
        name
    }

    /// The cell among several that most goes through at a site.
    fn dearest(&self, cells: &[FieldId], function: usize, ordinal: u32, executions: u64, size: u64) -> Option<FieldId> {
        let s = &self.ways.subject;
        let name = &s.module.functions[function].name;
        let cost = |v: &FieldId| {
            let cell = crate::flow::weights::CellName::of(s.points_to, *v);
            s.weights.cell(name, ordinal, &cell, executions, size).capacity()
        };
        // Of equals, rather a buffer of the program than what all of it looks at.
        let likely = |v: &FieldId| match s.points_to.object(s.points_to.field(*v).object).kind {
            ObjectKind::Heap(_) | ObjectKind::Stack(..) => 2,
            ObjectKind::Arguments => 0,
            _ => 1,
        };
        cells.iter().copied().max_by_key(|v| (cost(v), likely(v), std::cmp::Reverse(*v)))
    }

    /// The data that a call logs, in words.
    fn data(&self, call: &CallSite, action: &Call) -> String {
        let s = &self.ways.subject;
        let mut parts = Vec::new();
        let instr = &s.module.functions[call.at.0].instrs[call.at.1];
        match &action.ret {
            Ret::None => {}
            Ret::Log => parts.push(format!("result: {}", data(instr.class, call.ret_bytes))),
            Ret::CopyCstr | Ret::AdoptCstr { .. } => parts.push("result: string".to_owned()),
            Ret::CopyBytes { bytes } => parts.push(format!("result: {bytes} bytes")),
        }
        for (written, fact) in call.spec.writes.iter().zip(&call.writes) {
            if !action.writes.iter().any(|w| (w.arg, &w.len) == (written.write.arg, &written.write.len)) {
                continue;
            }
            let here: Vec<FieldId> = fact.values.iter().copied().filter(|v| !s.cut.is_environment(*v)).collect();
            let into = objects(s.points_to, &here);
            let to = match into.as_slice() {
                [] => String::new(),
                [only] => format!(" of {}", s.names().object(*only)),
                [first, rest @ ..] => format!(" of {} and {} more", s.names().object(*first), rest.len()),
            };
            parts.push(format!("{}{to}", super::describe_len(&written.write)));
        }
        if let InstrKind::Call(called) = &instr.kind
            && called.args.iter().any(|a| matches!(a, Operand::Function(_)))
            && action.upcalls
        {
            parts.push("calls back".to_owned());
        }
        parts.join(" + ")
    }
}

/// The objects of some cells, each once.
fn objects(points_to: &PointsTo, cells: &[FieldId]) -> Vec<crate::points_to::ObjectId> {
    let mut all: Vec<_> = cells.iter().map(|v| points_to.field(*v).object).collect();
    all.dedup();
    all
}

/// Cells that the logged writes of a call are about.
fn written<'b>(call: &'b CallSite, action: &'b Call) -> impl Iterator<Item = FieldId> + 'b {
    let logged = |w: &itarget_plan::Write| action.writes.iter().any(|a| (a.arg, &a.len, &a.when) == (w.arg, &w.len, &w.when));
    let facts = call.spec.writes.iter().zip(&call.writes).filter(move |(w, _)| logged(&w.write));
    facts.flat_map(|(_, fact)| fact.values.iter().copied())
}

/// What is done at a site, in the words of `itarget analyze`.
#[must_use]
pub fn what_of(site: &Site) -> String {
    told_apart(site, what(&site.action))
}

/// What is done at a site, with what is done as long as the process is alone.
pub(super) fn told_apart(site: &Site, later: String) -> String {
    match &site.alone {
        Alone::Same => later,
        Alone::Nothing => format!("{later}, once the process is not alone"),
        Alone::Other(action) => {
            let before = what(action);
            if before == later { later } else { format!("{later}, once the process is not alone; before that: {before}") }
        }
    }
}

/// What an action does.
#[must_use]
pub fn what(action: &Action) -> String {
    match action {
        Action::Call(call) => super::describe(call).replace("llvm.", ""),
        Action::Load { how: How::Always, .. } => "load -> log value".to_owned(),
        Action::Load { how: How::Checked | How::Located | How::OnStack | How::InFrames, .. } | Action::Order { checked: true } => "load -> log value if environment".to_owned(),
        Action::Order { checked: false } => "ordered as it is made: logged if it races with another thread".to_owned(),
        Action::Apply { .. } => "environment function writes -> log address and bytes".to_owned(),
        Action::Downcall { to } => format!("downcall of {} -> log result", super::names(to)),
        Action::Upcall { to } => format!("upcall of {} -> log arguments, stack pointer", super::names(to)),
        Action::Store { checked: true, .. } => "store: skipped at replay if its memory is not there".to_owned(),
        Action::Store { checked: false, .. } => "store: what loads that race see".to_owned(),
        Action::Alloc { runtime, objid } => {
            let side = match objid {
                0 => "in replay space",
                1 => "in the environment",
                2 => "in replay space, and in the environment once the process is not alone",
                _ => "with parts on both sides",
            };
            format!("{}: memory {side}", runtime.trim_start_matches("__itarget_"))
        }
        Action::Replace { runtime } => format!("{}: done by the runtime", runtime.trim_start_matches("__itarget_")),
        Action::Redirect { to } => format!("calls the copy `{to}`"),
        Action::Refuse { reason, .. } => format!("recording stops: {reason}"),
        Action::Atomic { replayed: false } => "an atomic operation: its order and what it read are logged".to_owned(),
        Action::Atomic { replayed: true } => "an atomic operation: its order is logged".to_owned(),
        Action::Stage { .. } => "works on a copy where its arguments lead to memory of the environment".to_owned(),
        Action::Guard { .. } => "recording stops if this works on memory of the environment".to_owned(),
        Action::Callee { .. } => "call through a pointer: recording stops if it leads to foreign code".to_owned(),
        Action::Poll => "volatile load: signals are delivered here".to_owned(),
        Action::Count { .. } => "counted".to_owned(),
    }
}
