//! The call graph as threads go through it: what a call site calls in the thread that it is in, what it starts in others, what
//! may run anywhere.

use super::library::{self, Calls};
use crate::model::{Callee, ExternalId, Function, FunctionId, InstrKind, Module, Operand};
use crate::points_to::{FieldId, ObjectKind, PointsTo, Target};
use itarget_annotations::Annotations;

/// A call site.
#[derive(Debug, Default)]
pub(super) struct Site {
    /// Index of the instruction.
    pub(super) instr: usize,
    /// Functions of the program that run before it returns, in its thread; ascending.
    pub(super) functions: Vec<FunctionId>,
    /// It may return without having called any of them, or call them through the library.
    pub(super) may_not: bool,
    /// Functions of the library that it may call, ascending.
    pub(super) externals: Vec<ExternalId>,
}

/// A call that starts a thread.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) function: FunctionId,
    pub(super) instr: usize,
    /// What the thread may run, ascending.
    pub(super) runs: Vec<FunctionId>,
    /// What it is given.
    pub(super) given: Vec<Operand>,
}

/// The whole graph.
#[derive(Debug, Default)]
pub(super) struct Graph {
    /// By function, ascending by instruction.
    pub(super) sites: Vec<Vec<Site>>,
    pub(super) starts: Vec<Start>,
    /// Functions that may run in any thread, ascending.
    pub(super) anywhere: Vec<FunctionId>,
    /// Calls from which on some of them may: function, instruction, which.
    pub(super) registered: Vec<(FunctionId, usize, Vec<FunctionId>)>,
    /// The points-to analysis has seen the function called.
    pub(super) reached: Vec<bool>,
}

impl Graph {
    pub(super) fn build(module: &Module, points_to: &PointsTo, annotations: &Annotations) -> Graph {
        let mut graph = Graph::default();
        for (index, function) in module.functions.iter().enumerate() {
            let id = FunctionId::from(index);
            let mut sites = Vec::new();
            let reached = !points_to.instances_of(id).is_empty();
            graph.reached.push(reached);
            for (instr, i) in function.instrs.iter().enumerate().filter(|_| reached) {
                if let (InstrKind::Call(call), Some(ordinal)) = (&i.kind, i.ordinal) {
                    let mut site = Site { instr, ..Site::default() };
                    for target in targets(points_to, id, ordinal, &call.callee) {
                        match target {
                            Target::Function(instance) => site.functions.push(points_to.instance(instance).function),
                            Target::Unknown => {
                                site.may_not = true;
                                site.functions.extend(here(points_to, id, points_to.escaped_functions()));
                            }
                            Target::External(e) => {
                                site.externals.push(e);
                                graph.external(module, points_to, annotations, id, ordinal, &call.args, e, &mut site);
                            }
                        }
                    }
                    site.functions.sort_unstable();
                    site.functions.dedup();
                    site.externals.sort_unstable();
                    sites.push(site);
                }
            }
            graph.sites.push(sites);
        }
        graph.anywhere.sort_unstable();
        graph.anywhere.dedup();
        graph
    }

    #[allow(clippy::too_many_arguments)]
    fn external(
        &mut self,
        module: &Module,
        points_to: &PointsTo,
        annotations: &Annotations,
        function: FunctionId,
        ordinal: u32,
        args: &[Operand],
        external: ExternalId,
        site: &mut Site,
    ) {
        let name = module.externals[external.index()].name.as_str();
        if name.starts_with("llvm.") {
            return;
        }
        let unknown = annotations.function(name).is_none();
        let instances = points_to.instances_of(function);
        let mut called: Vec<FunctionId> = Vec::new();
        for instance in instances {
            called.extend(points_to.callbacks(*instance, ordinal).iter().map(|i| points_to.instance(*i).function));
        }
        if unknown {
            called.extend_from_slice(points_to.escaped_functions());
            called.extend(args.iter().flat_map(|a| functions(points_to, &points_to.value_merged(function, *a))));
        }
        called.sort_unstable();
        called.dedup();
        called.retain(|f| library::takes(name, &module.functions[f.index()].signature));
        if let Some(worlds) = points_to.options().worlds {
            let first: Vec<FunctionId> = called.iter().map(|f| FunctionId::from(f.index() % worlds.copies)).collect();
            let copies = first.iter().map(|f| FunctionId::from(f.index() + worlds.copies));
            called = match library::calls(name) {
                Calls::Here => here(points_to, function, &first),
                Calls::Thread(_) => copies.collect(),
                Calls::Anywhere => first.iter().copied().chain(copies).collect(),
            };
            called.sort_unstable();
            called.dedup();
        }
        match library::calls(name) {
            Calls::Here => {
                site.may_not = true;
                site.functions.extend(called);
            }
            Calls::Thread(_) if library::may_start_nothing(name) && called.is_empty() => {}
            Calls::Thread(given) => {
                let given = match given {
                    Some(arg) => args.get(arg).copied().into_iter().collect(),
                    None => args.to_vec(),
                };
                self.starts.push(Start { function, instr: site.instr, runs: called, given });
            }
            Calls::Anywhere => {
                self.anywhere.extend_from_slice(&called);
                self.registered.push((function, site.instr, called));
            }
        }
    }
}

/// The copies of functions that a function enters where it calls them by their address.
fn here(points_to: &PointsTo, caller: FunctionId, functions: &[FunctionId]) -> Vec<FunctionId> {
    match points_to.options().worlds {
        Some(worlds) if caller.index() >= worlds.copies => functions.iter().map(|f| FunctionId::from(f.index() % worlds.copies + worlds.copies)).collect(),
        _ => functions.to_vec(),
    }
}

fn targets(points_to: &PointsTo, function: FunctionId, ordinal: u32, callee: &Callee) -> Vec<Target> {
    let mut all: Vec<Target> =
        points_to.instances_of(function).iter().flat_map(|i| points_to.callees(*i, ordinal)).copied().collect();
    if let (Callee::External(e), true) = (callee, all.is_empty()) {
        all.push(Target::External(*e));
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// The functions among these cells.
pub(super) fn functions(points_to: &PointsTo, cells: &[FieldId]) -> Vec<FunctionId> {
    let kinds = cells.iter().map(|c| points_to.object(points_to.field(*c).object).kind);
    kinds.filter_map(|k| if let ObjectKind::Function(f) = k { Some(f) } else { None }).collect()
}

/// Whether an instruction may run more than once in one run of its function: it is in a cycle of the control flow, or `setjmp`
/// may return a second time.
pub(super) fn is_repeated(function: &Function, instr: usize) -> bool {
    let block = function.instrs[instr].block as usize;
    function.returns_twice || function.blocks[block].loop_depth > 0 || reaches(function, block, block, usize::MAX)
}

/// Whether control may get from the end of a block to another without passing a third.
pub(super) fn reaches(function: &Function, from: usize, to: usize, without: usize) -> bool {
    let mut seen = vec![false; function.blocks.len()];
    let mut work = vec![from];
    while let Some(block) = work.pop() {
        for &next in &function.blocks[block].successors {
            let next = next as usize;
            if next == without {
                continue;
            }
            if next == to {
                return true;
            }
            if !std::mem::replace(&mut seen[next], true) {
                work.push(next);
            }
        }
    }
    false
}
