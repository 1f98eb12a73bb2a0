//! Stores into an object of a pointer into it, or of one that was in it.
//!
//! In `it->key = it->buffer` and `head->next = head` the address and the value are made from one pointer. A pointer leads to one
//! object at a time, so each object that it may lead to gets a pointer into itself, and none into the others. Without this, one
//! function that begins iterators or lists on the stack and on the heap lets the heap hold pointers to the stack. Likewise
//! `b->pos = b->pos + n`: each object gets what it had, and nothing of the others'.

use super::build::{Builder, slots};
use super::objects::Loc;
use super::solver::{NONE, Node, Slots, Solver, Use};
use crate::model::{Access, Callee, Function, GepStep, InstrKind, Operand};
use rustc_hash::FxHashSet;

/// Most instructions that are followed back.
const LONGEST: usize = 8;

/// Most values that one store is taken apart into.
const MOST: usize = 16;

/// A store into an object of a pointer into it, or of what was loaded from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Inner {
    /// Steps from the pointer to the place stored to.
    to: u32,
    slots: Slots,
    value: Own,
}

/// A pointer that is made from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Own {
    /// Steps from that.
    from: u32,
    /// It is what is loaded there.
    load: Option<Slots>,
    /// Then these steps, any number of times in any order: index in [`Solver::loops`].
    further: Option<u32>,
}

/// What a stored value is made of.
#[derive(Default)]
struct Parts {
    /// The base, some steps on, or what is loaded there.
    own: Vec<(Vec<GepStep>, Option<Slots>)>,
    /// Steps to take from there and from others.
    steps: FxHashSet<Box<[GepStep]>>,
    /// Others, and the instructions that use them.
    others: Vec<(Operand, usize)>,
}

/// Where a pointer comes from: a value, and the steps from there.
fn origin(f: &Function, operand: Operand) -> (Operand, Vec<GepStep>) {
    let (mut at, mut steps) = (operand, Vec::new());
    for _ in 0..LONGEST {
        let Operand::Local(value) = at else { break };
        match f.instr_of(value).map(|instr| &f.instrs[instr].kind) {
            Some(InstrKind::Gep { base, steps: more }) => {
                steps.splice(0..0, more.iter().copied());
                at = *base;
            }
            Some(InstrKind::Copy { from }) if from.len() == 1 => at = from[0],
            _ => break,
        }
    }
    (at, steps)
}

impl Builder<'_> {
    /// Constraints for a store of a pointer.
    pub(super) fn store(&mut self, instance: u32, index: usize, (ptr, value): (Operand, Operand), access: &Access) {
        let address = self.found_at(instance, index, ptr);
        let slots = slots(access);
        let f = &self.module.functions[self.instances[instance as usize].function.index()];
        let (base, to) = origin(f, ptr);
        let variable = |local| matches!(f.instr_of(local).map(|instr| &f.instrs[instr].kind), Some(InstrKind::Alloca { .. }));
        let inner = match base {
            Operand::Local(local) => slots.count == 1 && !variable(local),
            _ => false,
        };
        let mut todo = vec![(value, index)];
        let mut seen = FxHashSet::default();
        while let Some((value, at)) = todo.pop() {
            if !seen.insert((value, at)) {
                continue;
            }
            let (from, steps) = if inner { origin(f, value) } else { (value, Vec::new()) };
            if inner && from == base {
                let pointer = self.found_at(instance, index, base);
                let (to, from) = (self.solver.intern(&to), self.solver.intern(&steps));
                self.solver.store_inner(pointer, Inner { to, slots, value: Own { from, load: None, further: None } });
                continue;
            }
            if inner && steps.is_empty() && self.is_loaded(instance, from, (base, &to), slots) {
                continue;
            }
            if let Some((instr, choices)) = self.choices_after(instance, base, from).filter(|_| inner && steps.is_empty() && seen.len() < MOST) {
                todo.extend(choices.into_iter().map(|choice| (choice, instr)));
                continue;
            }
            if inner && !self.solver.filters.off && let Some(parts) = self.parts(instance, base, (value, at)) {
                let pointer = self.found_at(instance, index, base);
                self.store_parts(instance, (pointer, address), (&to, slots), parts);
                continue;
            }
            let source = self.found_at(instance, at, value);
            if source != NONE {
                self.solver.attach(address, Use::Store { source, slots });
            }
        }
    }

    /// What a value is made of, if some of that is made from `base`.
    fn parts(&mut self, instance: u32, base: Operand, value: (Operand, usize)) -> Option<Parts> {
        let module = self.module;
        let f = &module.functions[self.instances[instance as usize].function.index()];
        let (mut parts, mut todo, mut seen) = (Parts::default(), vec![value], FxHashSet::default());
        while let Some((value, at)) = todo.pop() {
            if value == base {
                parts.own.push((Vec::new(), None));
                continue;
            }
            if !seen.insert(value) {
                continue;
            }
            if seen.len() > MOST {
                return None;
            }
            let instr = match value {
                Operand::Local(local) => f.instr_of(local),
                Operand::Null | Operand::Int(_) | Operand::Undef | Operand::Other => continue,
                _ => None,
            };
            let Some(index) = instr else {
                parts.others.push((value, at));
                continue;
            };
            match &f.instrs[index].kind {
                InstrKind::Copy { from } if from.len() == 1 => todo.push((from[0], index)),
                InstrKind::Copy { .. } => match self.choices_after(instance, base, value) {
                    Some((index, choices)) => todo.extend(choices.into_iter().map(|choice| (choice, index))),
                    None => parts.others.push((value, at)),
                },
                InstrKind::Gep { base, steps } => {
                    if !steps.is_empty() {
                        parts.steps.insert(steps.clone());
                    }
                    todo.push((*base, index));
                }
                InstrKind::Load { ptr, access } if access.class.carries_pointer() && slots(access).count == 1 => match origin(f, *ptr) {
                    (from, steps) if from == base => parts.own.push((steps, Some(slots(access)))),
                    _ => parts.others.push((value, at)),
                },
                InstrKind::Call(call) => {
                    let through = match call.callee {
                        Callee::Function(g) => self.through[g.index()].as_ref(),
                        _ => None,
                    };
                    match through.filter(|through| through.params.iter().all(|param| *param < call.args.len())) {
                        Some(through) => {
                            parts.steps.extend(through.steps.iter().cloned());
                            let args = through.params.iter().map(|param| call.args[*param]);
                            todo.extend(args.chain(through.constants.iter().copied()).map(|operand| (operand, index)));
                        }
                        None => parts.others.push((value, at)),
                    }
                }
                _ => parts.others.push((value, at)),
            }
        }
        (!parts.own.is_empty()).then_some(parts)
    }

    /// Constraints for a store of a value that is made so, to the steps `to` from `pointer`: to `address`.
    fn store_parts(&mut self, instance: u32, (pointer, address): (Node, Node), (to, slots): (&[GepStep], Slots), parts: Parts) {
        let to = self.solver.intern(to);
        let mut steps: Vec<u32> = parts.steps.iter().map(|steps| self.solver.intern(steps)).collect();
        steps.sort_unstable();
        let further = (!steps.is_empty()).then(|| self.solver.intern_loop(&steps));
        for (from, load) in parts.own {
            let from = self.solver.intern(&from);
            self.solver.store_inner(pointer, Inner { to, slots, value: Own { from, load, further } });
        }
        if parts.others.is_empty() {
            return;
        }
        let source = self.solver.node();
        for (other, at) in parts.others {
            let node = self.found_at(instance, at, other);
            self.solver.edge(node, source);
        }
        for steps in steps {
            self.solver.attach(source, Use::Gep { steps, target: source });
        }
        self.solver.attach(address, Use::Store { source, slots });
    }

    /// A value was loaded from that place: stored back there, it changes nothing.
    fn is_loaded(&self, instance: u32, value: Operand, place: (Operand, &[GepStep]), words: Slots) -> bool {
        let f = &self.module.functions[self.instances[instance as usize].function.index()];
        let Operand::Local(value) = value else { return false };
        let Some(InstrKind::Load { ptr, access }) = f.instr_of(value).map(|instr| &f.instrs[instr].kind) else { return false };
        let (base, steps) = origin(f, *ptr);
        (base, steps.as_slice()) == place && slots(access) == words
    }

    /// What a value is one of, if that is chosen where `base` is known: then the base has not changed since.
    fn choices_after(&mut self, instance: u32, base: Operand, value: Operand) -> Option<(usize, Vec<Operand>)> {
        let f = &self.module.functions[self.instances[instance as usize].function.index()];
        let (Operand::Local(base), Operand::Local(value)) = (base, value) else { return None };
        let index = f.instr_of(value)?;
        let InstrKind::Copy { from } = &f.instrs[index].kind else { return None };
        let chosen = match f.instr_of(base) {
            None => true,
            Some(made) => self.proofs(instance).strictly(f.instrs[made].block, f.instrs[index].block),
        };
        chosen.then(|| (index, from.to_vec()))
    }
}

impl Solver<'_> {
    fn store_inner(&mut self, pointer: Node, inner: Inner) {
        let id = u32::try_from(self.inners.len()).unwrap_or(u32::MAX);
        self.inners.push(inner);
        self.attach(pointer, Use::Inner(id));
    }

    /// The index of a list of indices of steps.
    fn intern_loop(&mut self, steps: &[u32]) -> u32 {
        let known = self.loops.iter().position(|known| &**known == steps);
        let id = known.unwrap_or_else(|| {
            self.loops.push(steps.into());
            self.loops.len() - 1
        });
        u32::try_from(id).unwrap_or(u32::MAX)
    }

    /// Applies such a store to one location of its pointer.
    pub(super) fn inner(&mut self, id: u32, loc: Loc) {
        let Inner { to, slots, value } = self.inners[id as usize];
        let (object, offset, _) = self.locs[loc as usize];
        if self.is_code(object) {
            return;
        }
        let source = self.own(value, loc);
        let address = self.node();
        if value.load.is_some() || value.further.is_some() {
            self.lone.insert(address);
        }
        self.walk(to, 0, object, offset, address);
        self.attach(address, Use::Store { source, slots });
    }

    /// The node of a pointer that is made from one to that location.
    fn own(&mut self, value: Own, loc: Loc) -> Node {
        if let Some(known) = self.owns.get(&(value, loc)) {
            return *known;
        }
        let (object, offset, _) = self.locs[loc as usize];
        let place = self.node();
        self.walk(value.from, 0, object, offset, place);
        let node = match value.load {
            Some(slots) => {
                let node = self.node();
                self.attach(place, Use::Load { target: node, slots });
                node
            }
            None => place,
        };
        for i in 0..value.further.map_or(0, |id| self.loops[id as usize].len()) {
            let steps = self.loops[value.further.unwrap_or(0) as usize][i];
            self.attach(node, Use::Gep { steps, target: node });
        }
        if value.load.is_some() || value.further.is_some() {
            self.lone.extend([place, node]);
        }
        self.owns.insert((value, loc), node);
        node
    }
}
