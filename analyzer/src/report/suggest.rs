//! What would make an interface cheaper. Nothing here is a guess: each suggestion comes from a constraint
//! that was found on a way, and what it saves from taking the cut again without it.

use super::why::{Held, Subject, Ways};
use crate::flow::cut;
use crate::flow::facts::{CallSite, Facts, Role};
use crate::flow::graph::{self, Cause, as_bytes};
use crate::flow::target::Wish;
use crate::flow::weights::Weights;
use crate::model::{Callee, InstrKind, Module};
use crate::points_to::{FieldId, ObjectId, ObjectKind, PointsTo, Target};
use itarget_plan::CutMode;
use serde::Serialize;
use std::collections::BTreeMap;

/// Kinds of suggestions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Advice {
    /// Write an annotation for an external function.
    Annotate,
    /// Look at the annotation of a function again.
    Correct,
    /// Say more of memory of the library: who looks into it, or how it is copied.
    Memory,
    /// Tell the memory apart that an allocation function of the program hands out.
    Allocator,
    /// Leave a function out of the target.
    Exclude,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Suggestion {
    /// What kind.
    pub advice: Advice,
    /// The function it is about.
    pub function: String,
    /// The sentence.
    pub text: String,
    /// Estimated bytes of a run that it saves, an event counted as eight: the cut was taken again. Absent
    /// where that can't be computed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saves: Option<u64>,
    /// TOML to complete and pass by `--annotations`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stanza: Option<String>,
}

/// Most functions for which the cut is taken again.
const MOST: usize = 32;

/// Functions of the library that force something into the environment, and what it would save if they
/// did not. `value` is that of the cut as it is.
#[must_use]
pub fn collect(
    module: &Module,
    points_to: &PointsTo,
    facts: &mut Facts,
    weights: &Weights,
    mode: CutMode,
    wishes: &[Wish],
    value: u64,
) -> Vec<Suggestion> {
    let mut forced: BTreeMap<String, (Advice, usize)> = BTreeMap::new();
    for call in &facts.calls {
        let advice = match call.role {
            Role::Unknown if !call.harmless => Advice::Annotate,
            Role::Env if !call.pinned.is_empty() => Advice::Correct,
            Role::Env | Role::Unknown | Role::Det | Role::Runtime | Role::Native | Role::Refuse => continue,
        };
        let entry = forced.entry(call.callee.clone()).or_insert((advice, 0));
        entry.1 = entry.1.max(call.pinned.len());
    }
    let mut order: Vec<(String, Advice, usize)> = forced.into_iter().map(|(name, (advice, cells))| (name, advice, cells)).collect();
    order.sort_by(|a, b| (b.2, &a.0).cmp(&(a.2, &b.0)));
    order.truncate(MOST);
    let mut all: Vec<Suggestion> = Vec::new();
    for (name, advice, _) in &order {
        let saves = without(module, points_to, facts, weights, mode, wishes, &|c| c.callee == *name).map(|v| as_bytes(value.saturating_sub(v)));
        all.push(suggestion(module, facts, name, *advice, saves));
    }
    let unknown: Vec<&String> = order.iter().filter(|o| o.1 == Advice::Annotate).map(|o| &o.0).collect();
    let single = all.iter().filter_map(|s| s.saves).max().unwrap_or(0);
    if unknown.len() > 1
        && let Some(together) = without(module, points_to, facts, weights, mode, wishes, &|c| c.role == Role::Unknown)
        && as_bytes(value.saturating_sub(together)) > single
    {
        let names: Vec<String> = unknown.iter().map(|n| format!("`{n}`")).collect();
        all.push(Suggestion {
            advice: Advice::Annotate,
            function: String::new(),
            text: format!("annotate {} all together: what one of them captures another may write", names.join(", ")),
            saves: Some(as_bytes(value.saturating_sub(together))),
            stanza: None,
        });
    }
    all.sort_by(|a, b| (b.saves, a.advice, &a.function).cmp(&(a.saves, b.advice, &b.function)));
    all
}

fn suggestion(module: &Module, facts: &Facts, name: &str, advice: Advice, saves: Option<u64>) -> Suggestion {
    let calls: Vec<&CallSite> = facts.calls.iter().filter(|c| c.callee == name).collect();
    let first = calls.first().map(|c| crate::flow::explain::place(module, c.at)).unwrap_or_default();
    let text = match advice {
        Advice::Annotate => format!("annotate `{name}` ({}, first at {first}): say what it writes and keeps", counted(calls.len())),
        Advice::Correct => {
            let how = match calls.iter().any(|c| !c.spec.retains.is_empty()) {
                true => "keeps a pointer and may write there later",
                false => "writes to an extent that is not known before the call",
            };
            format!("`{name}` ({}, first at {first}) {how}, says its annotation: if it does not here, correct that", counted(calls.len()))
        }
        Advice::Memory | Advice::Allocator | Advice::Exclude => String::new(),
    };
    let stanza = (advice == Advice::Annotate).then(|| super::stanza(module, name));
    Suggestion { advice, function: name.to_owned(), text, saves, stanza }
}

fn counted(calls: usize) -> String {
    if calls == 1 { "1 call".to_owned() } else { format!("{calls} calls") }
}

/// The value of the cut if these calls wrote nothing but what their annotations list.
fn without(
    module: &Module,
    points_to: &PointsTo,
    facts: &mut Facts,
    weights: &Weights,
    mode: CutMode,
    wishes: &[Wish],
    which: &dyn Fn(&CallSite) -> bool,
) -> Option<u64> {
    let mut kept: Vec<(usize, Vec<FieldId>)> = Vec::new();
    for (index, call) in facts.calls.iter_mut().enumerate() {
        if which(call) {
            kept.push((index, std::mem::take(&mut call.pinned)));
        }
    }
    // What was captured is theirs to write as long as any unknown call is left.
    let unknown = facts.unknown_call;
    facts.unknown_call = facts.calls.iter().position(|c| c.role == Role::Unknown && !c.harmless && !which(c)).map(|i| i as u32);
    let graph = graph::build(module, points_to, facts, weights, wishes, mode == CutMode::Functions);
    let value = cut::take(module, points_to, facts, &graph, mode).ok().map(|cut| cut.value);
    facts.unknown_call = unknown;
    for (index, cells) in kept {
        facts.calls[index].pinned = cells;
    }
    value
}

/// Most objects of an item that are looked at.
const MOST_OBJECTS: usize = 16;

/// What it saves not to replay a function, if it saves anything.
#[must_use]
pub fn exclude(ways: &Ways, function: usize) -> Option<Suggestion> {
    let s = &ways.subject;
    let name = &s.module.functions[function].name;
    let mode = s.plan.cut;
    // What the user asked for is not to be left out. A program that is not replayed at all logs nothing; nobody
    // needs to be told.
    let asked = s.plan.targets.iter().any(|t| !t.starts_with('!'));
    if asked || s.cut.is_skipped(function) || name == "main" || !matches!(mode, CutMode::Min | CutMode::Functions) {
        return None;
    }
    let mut wishes = s.graph.wishes.clone();
    *wishes.get_mut(function)? = Wish::Environment;
    let graph = graph::build(s.module, s.points_to, s.facts, s.weights, &wishes, mode == CutMode::Functions);
    let value = cut::take(s.module, s.points_to, s.facts, &graph, mode).ok()?.value;
    let before = s.cut.value.saturating_add(results(s, &s.graph.functions));
    let saves = as_bytes(before.saturating_sub(value.saturating_add(results(s, &graph.functions))));
    let text = format!("if `{name}` need not be replayed: leave it out of the target (`--exclude {name}`)");
    (saves > 0).then(|| Suggestion { advice: Advice::Exclude, function: name.clone(), text, saves: Some(saves), stanza: None })
}

/// What the results of calls of the environment cost in functions that are replayed whatever the cut is: not part
/// of its value.
fn results(s: &Subject, functions: &[u32]) -> u64 {
    let replayed = |c: &&CallSite| c.used && matches!(c.role, Role::Env | Role::Unknown) && functions[c.at.0] == graph::SINK;
    s.facts.calls.iter().filter(replayed).fold(0u64, |sum, c| sum.saturating_add(c.result_traffic().capacity()))
}

/// What would help about an item that `cell` decides and that is about `cells` (all that may be touched
/// there), as indices of `all`, to which what is found only now is added.
pub fn for_cells(ways: &Ways, all: &mut Vec<Suggestion>, cell: FieldId, cells: &[FieldId]) -> Vec<usize> {
    let s = &ways.subject;
    let mut found = Vec::new();
    if let Held::By(Cause::Written(call)) = ways.held(cell, s.cut.is_environment(cell)) {
        let name = &s.facts.calls[call as usize].callee;
        found.extend(all.iter().position(|a| a.function == *name && !matches!(a.advice, Advice::Allocator | Advice::Exclude)));
    }
    let mut objects: Vec<_> = cells.iter().map(|c| s.points_to.field(*c).object).collect();
    objects.dedup();
    // Where nothing else can be meant, that memory is.
    if objects.len() > 1
        && let Some(suggestion) = library(ways, cell)
    {
        let known = all.iter().position(|a| a.function == suggestion.function && a.advice == Advice::Memory);
        found.push(known.unwrap_or_else(|| {
            all.push(suggestion);
            all.len() - 1
        }));
    }
    for suggestion in objects.into_iter().take(MOST_OBJECTS).filter_map(|o| allocator(ways, o)) {
        let known = all.iter().position(|a| a.function == suggestion.function && a.advice == Advice::Allocator);
        found.push(known.unwrap_or_else(|| {
            all.push(suggestion);
            all.len() - 1
        }));
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Memory of the library from which everything comes that arrives at a cell.
fn library(ways: &Ways, cell: FieldId) -> Option<Suggestion> {
    let s = &ways.subject;
    let Held::By(Cause::EnvironmentMemory) = ways.held(cell, true) else { return None };
    let first = ways.first_cell(cell)?;
    let id = s.points_to.field(first).object;
    let object = s.points_to.object(id);
    let name = object.name.strip_prefix("ext:").unwrap_or(&object.name);
    // "function:part" is what a part of its result leads to.
    let function = name.split(':').next().unwrap_or(name);
    let cells = object.fields;
    let of_object = |e: &graph::Edge| {
        e.cause == Cause::EnvironmentMemory && e.head >= graph::node(cells.0) && e.head < graph::node(cells.1)
    };
    let saved = |value: u64| as_bytes(s.cut.value.saturating_sub(value));
    let saves = saved(crate::flow::explain::cost(s.graph, &s.cut.extra, &[], |e| !of_object(e))?);
    if saves == 0 {
        // Others bring in the same: what all of them together cost.
        let all = saved(crate::flow::explain::cost(s.graph, &s.cut.extra, &[], |e| e.cause != Cause::EnvironmentMemory)?);
        let text = format!(
            "{} is one of several memories of the library that may be looked at in the same places: say in annotations \
             who looks into them (`[[memory]]` with a `record`)",
            s.names().object(id),
        );
        return Some(Suggestion { advice: Advice::Memory, function: function.to_owned(), text, saves: Some(all), stanza: None });
    }
    let text = format!(
        "{}: say in an annotation who looks into it (`[[memory]]` with a `record`), or that the result is a buffer to copy (`ret = \"copy:...\"`)",
        s.names().object(id),
    );
    let saves = Some(saves);
    let stanza = Some(format!("[[memory]]\nnames = [\"{name}\"]\nrecord = \"...\"        # the struct through which it is read\n"));
    Some(Suggestion { advice: Advice::Memory, function: function.to_owned(), text, saves, stanza })
}

/// Memory that a function of the program hands out to several callers that the analysis does not tell apart.
fn allocator(ways: &Ways, id: ObjectId) -> Option<Suggestion> {
    let s = &ways.subject;
    let object = s.points_to.object(id);
    let ObjectKind::Heap(_) = object.kind else { return None };
    let outer = object.chain.last()?.function;
    let function = &s.module.functions[outer.index()];
    if !function.signature.ret.carries_pointer() {
        return None;
    }
    let callers = call_sites(s.module, s.points_to, outer.index());
    if callers < 2 {
        return None;
    }
    let text = format!(
        "if `{}` hands out fresh memory: its {callers} callers share {}, and the cut puts all of it on one side",
        function.name,
        s.names().object(id),
    );
    Some(Suggestion { advice: Advice::Allocator, function: function.name.clone(), text, saves: None, stanza: None })
}

/// Call sites of a function, through pointers too.
fn call_sites(module: &Module, points_to: &PointsTo, function: usize) -> usize {
    let mut count = 0;
    for (index, f) in module.functions.iter().enumerate() {
        for instr in &f.instrs {
            let InstrKind::Call(call) = &instr.kind else { continue };
            let here = match (&call.callee, instr.ordinal) {
                (Callee::Function(g), _) => g.index() == function,
                (Callee::Indirect(_), Some(ordinal)) => {
                    points_to.instances_of(crate::model::FunctionId::from(index)).iter().any(|i| {
                        points_to.callees(*i, ordinal).iter().any(
                            |t| matches!(t, Target::Function(g) if points_to.instance(*g).function.index() == function),
                        )
                    })
                }
                _ => false,
            };
            count += usize::from(here);
        }
    }
    count
}

/// The sentence with what it saves.
#[must_use]
pub fn sentence(s: &Suggestion) -> String {
    match s.saves {
        Some(0) => format!("{} (saves nothing by itself)", s.text),
        Some(bytes) => format!("{} (saves about {})", s.text, super::text::bytes(bytes)),
        None => s.text.clone(),
    }
}
