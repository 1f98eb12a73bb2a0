//! Which cells race: two accesses that may happen at the same time, one of them a write, with no lock in common.

use super::accesses::{Accesses, Class, Deed, Entry};
use super::threads::Threads;
use crate::points_to::FieldId;
use rustc_hash::FxHashMap;
use std::rc::Rc;

/// An access: class, function, instruction.
pub(super) type Made = (u32, (u32, u32));

/// A cell that races, with the two accesses to show.
#[derive(Debug, Clone)]
pub(super) struct Conflict {
    pub(super) cell: FieldId,
    pub(super) accesses: [Made; 2],
    /// Only atomic instructions meet there.
    pub(super) atomic: bool,
    /// The classes of loads that race with writes that have an order among themselves (atomic ones do); `None`: writes race with writes too,
    /// or with what can't be logged by itself.
    pub(super) loads: Option<Rc<[u32]>>,
}

/// Finds all conflicts, ascending by cell, where accesses to fresh memory count in cells that are `open`; and the number of cells that several threads may touch at the same time at all.
pub(super) fn find(accesses: &Accesses, threads: &Threads, cells: usize, open: impl Fn(FieldId) -> bool) -> (Vec<Conflict>, usize) {
    // By cell: classes, ascending, and the first to make such an access.
    let mut by_cell: Vec<Vec<Made>> = vec![Vec::new(); cells];
    for Entry { class, cells: set, at, fresh, .. } in &accesses.list {
        for cell in accesses.cells[*set as usize].iter().filter(|c| !fresh || open(**c)) {
            let made = &mut by_cell[cell.0 as usize];
            match made.binary_search_by_key(class, |m| m.0) {
                Ok(i) => made[i].1 = made[i].1.min(*at),
                Err(i) => made.insert(i, (*class, *at)),
            }
        }
    }
    let mut judged: FxHashMap<Vec<u32>, Judgement> = FxHashMap::default();
    let mut conflicts = Vec::new();
    let mut shared = 0;
    for (index, made) in by_cell.iter().enumerate().filter(|(_, made)| !made.is_empty()) {
        let classes: Vec<u32> = made.iter().map(|m| m.0).collect();
        let judgement = judged.entry(classes).or_insert_with_key(|classes| judge(&accesses.classes, classes, threads));
        shared += usize::from(judgement.shared);
        if let Some((a, b, atomic)) = judgement.pair {
            conflicts.push(Conflict { cell: FieldId(index as u32), accesses: [made[a], made[b]], atomic, loads: judgement.loads.clone() });
        }
    }
    (conflicts, shared)
}

/// What is found of accesses of some classes to one cell.
#[derive(Debug, Clone)]
struct Judgement {
    /// Several threads may be there at the same time, if there were no locks.
    shared: bool,
    /// Two that conflict, by their places among the classes, and whether there are atomic ones only.
    pair: Option<(usize, usize, bool)>,
    /// See [`Conflict::loads`].
    loads: Option<Rc<[u32]>>,
}

fn judge(all: &[Class], classes: &[u32], threads: &Threads) -> Judgement {
    let mut judgement = Judgement { shared: false, pair: None, loads: None };
    let (mut loads, mut others) = (Vec::new(), false);
    let mut best = u32::MAX;
    for (i, a) in classes.iter().enumerate() {
        for (j, b) in classes.iter().enumerate().skip(i) {
            let numbers = [*a, *b];
            let (a, b) = (&all[*a as usize], &all[*b as usize]);
            if !threads.parallel(&a.threads, &b.threads) {
                continue;
            }
            judgement.shared = true;
            let atomic = a.deed.is_atomic() && b.deed.is_atomic();
            if !(a.deed.writes() || b.deed.writes()) || !atomic && a.excludes(b) {
                continue;
            }
            match (a.load, b.load) {
                _ if a.deed == Deed::AtomicAssembly || b.deed == Deed::AtomicAssembly => others = true,
                (true, false) => loads.push(numbers[0]),
                (false, true) => loads.push(numbers[1]),
                // These are made in the recorded order.
                _ if atomic => {}
                _ => others = true,
            }
            let rank = if atomic { 100 } else { rank(a, b) };
            if rank < best {
                best = rank;
                let ordered = if writes_first(a, b) { (i, j, atomic) } else { (j, i, atomic) };
                judgement.pair = Some(ordered);
            }
        }
    }
    loads.sort_unstable();
    loads.dedup();
    judgement.loads = (!others).then(|| loads.into());
    judgement
}

fn writes_first(a: &Class, b: &Class) -> bool {
    a.deed.writes() || !b.deed.writes()
}

/// How well a pair shows what is wrong: the less, the better.
fn rank(a: &Class, b: &Class) -> u32 {
    let freed = u32::from(a.deed == Deed::Free) + u32::from(b.deed == Deed::Free);
    let atomic = u32::from(a.deed.is_atomic() || b.deed.is_atomic());
    let same = u32::from(std::ptr::eq(a, b));
    // Where one holds a lock and the other does not, the lock was forgotten.
    let none = |c: &Class| c.locks.is_empty() && c.own.is_empty();
    let forgotten = u32::from(none(a) == none(b));
    freed * 16 + atomic * 8 + forgotten * 2 + same
}
