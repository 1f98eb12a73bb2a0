//! Stores of a pointer into the object that it points into.
//!
//! In `it->key = it->buffer` and `head->next = head` the address and the value are made from one pointer. A pointer leads to one
//! object at a time, so each object that it may lead to gets a pointer into itself, and none into the others. Without this, one
//! function that begins iterators or lists on the stack and on the heap lets the heap hold pointers to the stack.

use super::build::{Builder, slots};
use super::objects::Loc;
use super::solver::{NONE, Node, Slots, Solver, Use};
use crate::model::{Access, Function, GepStep, InstrKind, Operand};
use rustc_hash::FxHashSet;

/// Most instructions that are followed back.
const LONGEST: usize = 8;

/// Most values that one store is taken apart into.
const MOST: usize = 16;

/// A store into an object of a pointer into it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Inner {
    /// Steps from the pointer to the place stored to.
    to: u32,
    slots: Slots,
    /// Steps from the pointer to what is stored.
    value: u32,
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
                let (to, value) = (self.solver.intern(&to), self.solver.intern(&steps));
                self.solver.store_inner(pointer, Inner { to, slots, value });
                continue;
            }
            if inner && steps.is_empty() && self.is_loaded(instance, from, (base, &to), slots) {
                continue;
            }
            if let Some((instr, choices)) = self.choices_after(instance, base, from).filter(|_| inner && steps.is_empty() && seen.len() < MOST) {
                todo.extend(choices.into_iter().map(|choice| (choice, instr)));
                continue;
            }
            let source = self.found_at(instance, at, value);
            if source != NONE {
                self.solver.attach(address, Use::Store { source, slots });
            }
        }
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

    /// Applies such a store to one location of its pointer.
    pub(super) fn inner(&mut self, id: u32, loc: Loc) {
        let Inner { to, slots, value } = self.inners[id as usize];
        let (object, offset, _) = self.locs[loc as usize];
        if self.is_code(object) {
            return;
        }
        let (address, source) = (self.node(), self.node());
        self.walk(value, 0, object, offset, source);
        self.walk(to, 0, object, offset, address);
        self.attach(address, Use::Store { source, slots });
    }
}
