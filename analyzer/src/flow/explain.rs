//! Sentences for what can't be recorded: who writes the memory, who reads it, what to annotate.

use super::facts::{Facts, Pin};
use super::graph::{Cause, Edge, Graph, SINK, SOURCE};
use crate::model::Module;
use crate::points_to::{FieldId, PointsTo};
use itarget_min_cut::NetworkBuilder;
use itarget_plan::Location;

/// Where an instruction is in the source.
#[must_use]
pub fn location(module: &Module, (function, instr): (usize, usize)) -> Option<Location> {
    let at = module.functions[function].instrs[instr].at.filter(|at| at.line != 0)?;
    Some(Location { file: module.files.get(at.file.index())?.clone(), line: at.line })
}

/// The same as text: `file:line`, or the function's name.
#[must_use]
pub fn place(module: &Module, at: (usize, usize)) -> String {
    match location(module, at) {
        Some(l) => format!("{}:{}", l.file, l.line),
        None => format!("in `{}`", module.functions[at.0].name),
    }
}

/// The same in a sentence: at that line, or in that function.
#[must_use]
pub fn at_place(module: &Module, at: (usize, usize)) -> String {
    let preposition = if location(module, at).is_some() { "at " } else { "" };
    format!("{preposition}{}", place(module, at))
}

/// Why a pin can't hold.
pub(super) fn conflict(
    module: &Module,
    points_to: &PointsTo,
    facts: &Facts,
    pin: &Pin,
    value: FieldId,
    path: &[Cause],
) -> String {
    let object = &points_to.object(points_to.field(value).object).name;
    let reader = format!("{} {} may work on `{object}`", pin.what, at_place(module, pin.at));
    match path.first() {
        Some(Cause::Written(call)) => {
            let call = &facts.calls[*call as usize];
            let how = if call.spec.kind.is_none() {
                format!("nobody has said what it writes: annotate `{}` (`itarget analyze` prints the stanza)", call.callee)
            } else if !call.spec.opaque.is_empty() {
                "how much it writes is not known here (a request or format that is not a constant)".to_owned()
            } else {
                format!("it keeps a pointer to it: if not, correct the annotation of `{}`", call.callee)
            };
            format!(
                "{reader}, which `{}` {} may change behind the program's back; {how}",
                call.callee,
                at_place(module, call.at)
            )
        }
        _ => format!("{reader}, which is memory of the environment and does not exist at replay"),
    }
}

/// What the cut would cost with other edges, in tenths of bytes: all for which `keep` holds, and `more`.
/// `None` if there is no cut.
#[must_use]
pub fn cost(graph: &Graph, extra: &[Edge], more: &[Edge], keep: impl Fn(&Edge) -> bool) -> Option<u64> {
    let mut builder = NetworkBuilder::new(graph.nodes);
    for edge in graph.edges.iter().chain(extra).filter(|e| keep(e)).chain(more) {
        builder.add_edge(edge.tail, edge.head, edge.cap);
    }
    builder.build().min_cut(SOURCE, SINK).ok().map(|cut| cut.value)
}

/// Why a function of the target can't be separated from the environment: the first thing on the way that
/// can't be logged, and what to do about it.
pub(super) fn inseparable(module: &Module, facts: &Facts, path: &[Cause]) -> String {
    let name = |f: u32| module.functions[f as usize].name.as_str();
    let steps = path.iter().filter_map(|cause| match cause {
        Cause::Written(call) => {
            let call = &facts.calls[*call as usize];
            Some(format!("`{}` {} writes an unknown amount of it: annotate `{}`", call.callee, at_place(module, call.at), call.callee))
        }
        Cause::Outside => Some("code without bitcode uses it by its name".to_owned()),
        Cause::Raced => Some("a thread that is not recorded may write it".to_owned()),
        Cause::Read(call) => {
            let call = &facts.calls[*call as usize];
            Some(format!("`{}` {} reads it", call.callee, at_place(module, call.at)))
        }
        Cause::Unloggable(f) => Some(format!(
            "`{}`, which is not replayed, works on memory that must be (its frame, a list of arguments, or what a function without annotation writes): leave `{}` free",
            name(*f),
            name(*f)
        )),
        Cause::Together(i) => {
            let (a, b, state) = &facts.bonds.together[*i as usize];
            Some(format!("`{}` and `{}` share {state}, so both are replayed or none: exclude neither, or both", name(a.0), name(b.0)))
        }
        Cause::Replayed(i) => {
            let (f, what) = &facts.bonds.replayed[*i as usize];
            Some(format!("`{}` calls {what}, which must be replayed: leave it free", name(f.0)))
        }
        _ => None,
    });
    let steps: Vec<String> = steps.collect();
    format!("the target can't be separated from the environment: {}", steps.join("; "))
}
