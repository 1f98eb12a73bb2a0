//! Data races: memory that several threads may reach at once, one of them writing, without a lock in common.
//!
//! Sound under what `docs/limits.md` takes for granted: what is not listed is never accessed by two threads without an order that
//! locks, creation of threads or the program's structure give it. [`worlds`] tells the main thread's memory from that of others, [`calls`] is the call graph with what starts threads, [`threads`] who
//! runs what and what runs before the first of them, [`shared`] which objects several threads can find, [`locks`] and [`own_locks`] what is
//! held,
//! [`slices`] what each thread has for itself by the argument that it started with, [`fresh`] what others can't know of yet, [`accesses`] what is read and written, [`conflicts`] which accesses meet. What is absent on purpose: sides, plans, LLVM.

mod accesses;
mod bits;
mod calls;
mod conflicts;
mod forward;
mod fresh;
mod library;
mod locks;
mod own_locks;
mod shared;
mod slices;
mod threads;
mod worlds;

pub use accesses::{Deed, is_atomic};

use crate::model::{FunctionId, Location, Module};
use crate::points_to::{FieldId, ObjectId, ObjectKind, PointsTo};
use accesses::Accesses;
use itarget_annotations::Annotations;
use locks::Locks;
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};
use threads::Threads;

/// Mean number of objects of a pointer from which on the main thread's are not told from others': they would be mixed up all the same.
const MIXED_UP: f64 = 32.0;

/// What several threads may access without an order.
#[derive(Debug, Clone, Default)]
pub struct Races {
    /// Cells that race, or that atomic instructions of several threads work on; ascending.
    pub cells: Vec<FieldId>,
    /// Those of them whose writes have no order, or that more than loads race for: ascending.
    pub unordered: Vec<FieldId>,
    /// The loads that race for the others, by function and instruction: ascending.
    pub loads: Vec<(FunctionId, usize)>,
    /// The races, by object and cell. Cells of an object with the same two accesses are one.
    pub reports: Vec<Race>,
    /// Figures.
    pub counts: Counts,
    /// Functions that start threads, the one that stands for `main` left out; ascending. The flag: several may run at a time.
    pub threads: Vec<(FunctionId, bool)>,
    /// Functions that such threads may run; ascending.
    pub run_by_threads: Vec<FunctionId>,
}

/// Figures of one analysis.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Objects that several threads may find.
    pub shared_objects: usize,
    /// Their cells that several threads may touch at the same time, locks aside.
    pub shared_cells: usize,
    /// Cells that race.
    pub raced_cells: usize,
    /// Objects that these are in.
    pub raced_objects: usize,
    /// Cells where only atomic instructions meet.
    pub atomic_cells: usize,
    /// Locks that are told apart.
    pub locks: usize,
}

/// Two accesses that may meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Race {
    /// The object.
    pub object: ObjectId,
    /// The cells, ascending.
    pub cells: Vec<FieldId>,
    /// Name of the object, with the member if debug information tells; see [`crate::points_to::AbstractObject::name`].
    pub name: String,
    /// Its declared type, if known.
    pub ty: Option<String>,
    /// Only atomic instructions meet there: no race by C's rules, but the order matters to a replay.
    pub atomic: bool,
    /// The two accesses; one that writes first.
    pub accesses: [Accessed; 2],
}

/// One access of a race.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accessed {
    /// What it does.
    pub deed: Deed,
    /// Function.
    pub function: FunctionId,
    /// Instruction index.
    pub instr: usize,
    /// Source location, if known.
    pub at: Option<Location>,
    /// Names of the locks held; `false`: with others (a read lock).
    pub locks: Vec<(String, bool)>,
    /// Functions that the threads start with which may be here; `None`: `main`.
    pub threads: Vec<Option<FunctionId>>,
}

/// Finds the races of a module. Calls that end a recording must have been taken for what they do
/// ([`crate::points_to::Options::outside`]), or no thread is seen to start.
#[must_use]
pub fn find(module: &Module, points_to: &PointsTo, annotations: &Annotations) -> Races {
    let graph = calls::Graph::build(module, points_to, annotations);
    let threads = Threads::find(module, &graph);
    if threads.is_single() {
        return Races::default();
    }
    if points_to.stats().mean_objects > MIXED_UP {
        let map = worlds::Map::new(points_to, points_to);
        return Found::find(module, points_to, annotations, &graph, threads).said_of(module, points_to, module, points_to, &map);
    }
    let (double, split) = worlds::split(module, points_to, annotations);
    let map = worlds::Map::new(&split, points_to);
    let graph = calls::Graph::build(&double, &split, annotations);
    let threads = Threads::find(&double, &graph);
    let found = Found::find(&double, &split, annotations, &graph, threads);
    found.said_of(module, points_to, &double, &split, &map)
}

/// What was found of the split program: see [`worlds`].
struct Found {
    threads: Threads,
    accesses: Accesses,
    conflicts: Vec<conflicts::Conflict>,
    loads: Vec<(FunctionId, usize)>,
    counts: Counts,
    /// The place of each lock.
    locks: Vec<FieldId>,
}

impl Found {
    fn find(module: &Module, points_to: &PointsTo, annotations: &Annotations, graph: &calls::Graph, threads: Threads) -> Found {
        let locks = Locks::find(module, points_to, graph, &threads);
        let shared = shared::find(module, points_to, graph);
        let own_locks = own_locks::OwnLocks::find(module, points_to, graph, &threads);
        let fresh = fresh::Fresh::find(module, graph, annotations);
        let slices = slices::Slices::find(module, graph, &threads, &fresh);
        let accesses = accesses::collect(module, points_to, annotations, graph, &threads, (&locks, &own_locks, &fresh, &slices), &shared);
        let (conflicts, shared_cells) = settle(points_to, &accesses, &threads);
        let mut raced: Vec<ObjectId> = conflicts.iter().filter(|c| !c.atomic).map(|c| points_to.field(c.cell).object).collect();
        raced.dedup();
        let counts = Counts {
            shared_objects: shared.iter().filter(|s| **s).count(),
            shared_cells,
            raced_cells: conflicts.iter().filter(|c| !c.atomic).count(),
            raced_objects: raced.len(),
            atomic_cells: conflicts.iter().filter(|c| c.atomic).count(),
            locks: locks.places.len(),
        };
        Found { loads: loads(&accesses, &conflicts), threads, accesses, conflicts, counts, locks: locks.places }
    }

    /// The same, by the functions and cells of the program as it is.
    fn said_of(self, module: &Module, points_to: &PointsTo, double: &Module, split: &PointsTo, map: &worlds::Map) -> Races {
        let mut races = Races { counts: self.counts, ..Races::default() };
        // By cell the conflict that weighs most: one of writes, before one of loads alone, before one of atomic instructions.
        let weight = |c: &conflicts::Conflict| (c.atomic, c.loads.is_some());
        let mut by_cell: BTreeMap<FieldId, &conflicts::Conflict> = BTreeMap::new();
        let mut unordered: BTreeSet<FieldId> = BTreeSet::new();
        for conflict in &self.conflicts {
            // What the program has no such memory for may be any.
            let cells = map.cells(conflict.cell).unwrap_or_else(|| (0u32..).zip(points_to.fields()).map(|(i, _)| FieldId(i)).collect());
            if conflict.loads.is_none() {
                unordered.extend(&cells);
            }
            for cell in cells {
                let known = by_cell.entry(cell).or_insert(conflict);
                if weight(conflict) < weight(known) {
                    *known = conflict;
                }
            }
        }
        races.cells = by_cell.keys().copied().collect();
        races.unordered = unordered.into_iter().collect();
        races.loads = self.loads.iter().map(|(f, i)| (map.function(*f), *i)).collect();
        races.loads.sort_unstable();
        races.loads.dedup();
        let context = Context { module, points_to, double, split, map, found: &self };
        for (cell, conflict) in &by_cell {
            let race = context.race(*cell, conflict);
            match races.reports.iter_mut().rev().take_while(|r| r.object == race.object).find(|r| (&r.accesses, r.atomic) == (&race.accesses, race.atomic)) {
                Some(same) => same.cells.extend(race.cells),
                None => races.reports.push(race),
            }
        }
        let roots = self.threads.roots.iter().zip(&self.threads.many);
        races.threads = roots.filter_map(|(f, many)| Some((map.function((*f)?), *many))).collect();
        races.threads.sort_unstable();
        let run = (0u32..).map(FunctionId).zip(&self.threads.run_by).filter(|(_, by)| by.iter().any(|root| root != 0));
        races.run_by_threads = run.map(|(f, _)| map.function(f)).collect();
        races.run_by_threads.sort_unstable();
        races.run_by_threads.dedup();
        for race in &mut races.reports {
            race.name = name(module, points_to, race.object, &race.cells);
        }
        races
    }
}

/// Finds the conflicts. What is done to memory while it is fresh counts if others may find it in no order: through cells that race, or
/// that the environment hands around.
fn settle(points_to: &PointsTo, accesses: &Accesses, threads: &Threads) -> (Vec<conflicts::Conflict>, usize) {
    let mut open = vec![false; points_to.objects().len()];
    let mut looked = vec![false; points_to.fields().len()];
    for cell in points_to.escaped() {
        open[points_to.field(*cell).object.0 as usize] = true;
    }
    let outside = |kind: ObjectKind| matches!(kind, ObjectKind::External | ObjectKind::ExternalVariable(_) | ObjectKind::Copy);
    let mut next: Vec<FieldId> = Vec::new();
    for object in points_to.objects().iter().filter(|o| outside(o.kind) && !shared::KEYS.contains(&o.name.as_str())) {
        next.extend((object.fields.0.0..object.fields.1.0).map(FieldId));
    }
    loop {
        for cell in next.drain(..).filter(|c| !std::mem::replace(&mut looked[c.0 as usize], true)) {
            for to in points_to.contents(cell) {
                open[points_to.field(to).object.0 as usize] = true;
            }
        }
        let (conflicts, shared) = conflicts::find(accesses, threads, points_to.fields().len(), |c| open[points_to.field(c).object.0 as usize]);
        next.extend(conflicts.iter().filter(|c| !c.atomic).map(|c| c.cell).filter(|c| !looked[c.0 as usize]));
        if next.is_empty() {
            return (conflicts, shared);
        }
    }
}

/// The loads that race where writes do not.
fn loads(accesses: &Accesses, conflicts: &[conflicts::Conflict]) -> Vec<(FunctionId, usize)> {
    let by_cell: FxHashMap<FieldId, &[u32]> = conflicts.iter().filter_map(|c| Some((c.cell, c.loads.as_deref()?))).collect();
    let races = |e: &&accesses::Entry| {
        let cells = &accesses.cells[e.cells as usize];
        !e.loads.is_empty() && cells.iter().any(|c| by_cell.get(c).is_some_and(|classes| classes.contains(&e.class)))
    };
    let mut loads: Vec<(FunctionId, usize)> =
        accesses.list.iter().filter(races).flat_map(|e| &e.loads).map(|(f, i)| (FunctionId(*f), *i as usize)).collect();
    loads.sort_unstable();
    loads.dedup();
    loads
}

struct Context<'a> {
    module: &'a Module,
    points_to: &'a PointsTo,
    double: &'a Module,
    split: &'a PointsTo,
    map: &'a worlds::Map<'a>,
    found: &'a Found,
}

impl Context<'_> {
    fn race(&self, cell: FieldId, conflict: &conflicts::Conflict) -> Race {
        let object = self.points_to.field(cell).object;
        Race {
            object,
            cells: vec![cell],
            name: String::new(),
            ty: variable(self.module, self.points_to, object).map(|v| v.ty.clone()),
            atomic: conflict.atomic,
            accesses: conflict.accesses.map(|made| self.accessed(made)),
        }
    }

    fn accessed(&self, (class, (function, instr)): conflicts::Made) -> Accessed {
        let class = &self.found.accesses.classes[class as usize];
        let held = locks::held(&self.found.locks, &class.locks);
        let named = |(place, alone): (FieldId, bool)| (name(self.double, self.split, self.split.field(place).object, &[place]), alone);
        let own = class.own.iter().map(|(by, alone)| (format!("the lock {by:+} bytes from there"), *alone));
        let function = self.map.function(FunctionId(function));
        Accessed {
            deed: class.deed,
            function,
            instr: instr as usize,
            at: self.module.functions[function.index()].instrs[instr as usize].at,
            locks: held.map(named).chain(own).collect(),
            threads: class.threads.iter().map(|root| self.found.threads.roots[root].map(|f| self.map.function(f))).collect(),
        }
    }
}

/// What debug information says of an object.
fn variable<'a>(module: &'a Module, points_to: &PointsTo, object: ObjectId) -> Option<&'a crate::model::Variable> {
    match points_to.object(object).kind {
        ObjectKind::Global(g) => module.variables.globals.get(&g),
        ObjectKind::Stack(f, index) => module.variables.locals.get(&(f, index)),
        ObjectKind::ByVal(f, index) => module.variables.parameters.get(&(f, index)),
        _ => None,
    }
}

/// An object's name, with the member or the offset that cells in it are at.
fn name(module: &Module, points_to: &PointsTo, object: ObjectId, cells: &[FieldId]) -> String {
    let o = points_to.object(object);
    let variable = variable(module, points_to, object);
    let inside = match o.kind {
        ObjectKind::Stack(f, _) | ObjectKind::ByVal(f, _) => format!("{}:", module.functions[f.index()].name),
        _ => String::new(),
    };
    let whole = match variable.filter(|_| !inside.is_empty()) {
        Some(v) => format!("{inside}{}", v.name),
        None => o.name.clone(),
    };
    let [cell] = cells else { return whole };
    let field = points_to.field(*cell);
    if let Some(member) = variable.and_then(|v| v.member(field.offset, field.size)) {
        return format!("{inside}{member}");
    }
    let only = o.fields.1.0 - o.fields.0.0 == 1 || field.offset == 0 && o.size == field.size;
    if only { whole } else { format!("{whole}+{}", field.offset) }
}
