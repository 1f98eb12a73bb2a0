//! What a pointer can lead to once memory was accessed through it.
//!
//! A value does not change. So wherever an access through a pointer lies on all ways from its definition to a use, the use
//! finds a pointer through which that access has been made: not one to code, and, if the access was one to a member of a
//! structure, one to memory in which such a structure may be (C17 6.5, paragraph 7, and 6.5.2.3, paragraph 4, taken as leniently as for
//! accesses themselves: see [`super::members`]). Uses see such a value through a filter. What passes one never has to be taken back:
//! objects of declared layout keep their layout, all others are only asked for their size.
//!
//! This keeps mixed pointers from spreading: of all that a `void *` may lead to, only what the function could work with is handed on.

use super::build::Builder;
use super::externals::{MESSAGE, WORD};
use super::set::{BLOCK, Set};
use super::solver::{NONE, Node, Solver, Use};
use super::{ObjectKind, Shape};
use super::objects::is_before;
use crate::model::{Dominators, Function, FunctionId, GepStep, InstrKind, Module, Operand, TypedMember};
use rustc_hash::FxHashMap;
use std::rc::Rc;

/// Most bases that an address is traced back through.
const LONGEST: usize = 8;
/// Instructions of a program from which on filters would cost more memory than they are worth.
const LARGE: usize = 1_000_000;

/// What a filter lets pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Only {
    /// All but code.
    Data,
    /// What an allocator may have returned: the program's own variables can't be resized or freed.
    Allocated,
    /// Objects that a message between threads may be.
    Message,
    /// Memory in which a structure with this member may begin.
    Structure(u32),
}

/// The accesses of one function by the values they are made through.
pub(super) struct Proofs {
    dominators: Dominators,
    /// By value: instruction, and what its access proves.
    by_value: FxHashMap<u32, Vec<(u32, Only)>>,
}

impl Proofs {
    pub(super) fn new(f: &Function, members: &[TypedMember]) -> Proofs {
        let mut by_value: FxHashMap<u32, Vec<(u32, Only)>> = FxHashMap::default();
        for (index, instr) in f.instrs.iter().enumerate() {
            let (InstrKind::Load { ptr, access } | InstrKind::Store { ptr, access, .. } | InstrKind::AtomicRmw { ptr, access, .. } | InstrKind::CmpXchg { ptr, access, .. }) =
                &instr.kind
            else {
                continue;
            };
            let member = access.member.map(|index| (index, members[index as usize].offset));
            let at = u32::try_from(index).unwrap_or(u32::MAX);
            let (mut pointer, mut offset) = (*ptr, Some(0i64));
            for _ in 0..LONGEST {
                let Operand::Local(value) = pointer else { break };
                let only = match member {
                    Some((member, at)) if offset.is_some_and(|offset| u64::try_from(offset) == Ok(at)) => Only::Structure(member),
                    _ => Only::Data,
                };
                let made_by = f.instr_of(value).map(|instr| &f.instrs[instr].kind);
                if matches!(made_by, Some(InstrKind::Alloca { .. })) {
                    break;
                }
                by_value.entry(value.0).or_default().push((at, only));
                let Some(InstrKind::Gep { base, steps }) = made_by else { break };
                for step in steps {
                    offset = match step {
                        GepStep::Const(by) => offset.map(|offset| offset.wrapping_add(*by)),
                        // The first element stands for all, in members as in objects.
                        GepStep::Array { .. } => offset,
                        GepStep::Pointer { .. } => None,
                    };
                }
                pointer = *base;
            }
        }
        let dominators = Dominators::new(f.blocks.iter().map(|block| &block.successors));
        Proofs { dominators, by_value }
    }

    /// Whether one block is on all ways to another.
    pub(super) fn strictly(&self, block: u32, other: u32) -> bool {
        self.dominators.strictly(block, other)
    }

    /// The strongest filter for a value at an instruction.
    fn at(&self, f: &Function, value: u32, index: usize, members: &[TypedMember]) -> Option<Only> {
        let here = f.instrs[index].block;
        // Of several operands some may come with an edge from another block.
        let joins = matches!(&f.instrs[index].kind, InstrKind::Copy { from } if from.len() > 1);
        let before = |instr: u32| {
            let block = f.instrs[instr as usize].block;
            block == here && !joins && (instr as usize) < index || self.dominators.strictly(block, here)
        };
        let strength = |only: &Only| match only {
            Only::Data | Only::Allocated | Only::Message => (0, 0),
            Only::Structure(member) => (1 + members[*member as usize].scalars.len(), u32::MAX - member),
        };
        let proofs = self.by_value.get(&value)?.iter().filter(|(instr, _)| before(*instr));
        proofs.map(|(_, only)| *only).max_by_key(strength)
    }
}

/// What is known of filters.
#[derive(Default)]
pub(super) struct Filters {
    /// The program is too large for them.
    pub(super) off: bool,
    by_function: FxHashMap<FunctionId, Rc<Proofs>>,
    nodes: FxHashMap<(Node, Only), Node>,
    /// By member, and block of locations: those that are known, and those of them that pass.
    known: FxHashMap<u32, FxHashMap<u32, (u64, u64)>>,
}

impl Filters {
    pub(super) fn new(module: &Module) -> Filters {
        let instrs: usize = module.functions.iter().map(|f| f.instrs.len()).sum();
        Filters { off: instrs > LARGE, ..Filters::default() }
    }
}

impl Builder<'_> {
    /// What is known of the function of an instance.
    pub(super) fn proofs(&mut self, instance: u32) -> Rc<Proofs> {
        let (module, function) = (self.module, self.instances[instance as usize].function);
        let f = &module.functions[function.index()];
        let known = &mut self.solver.filters.by_function;
        known.entry(function).or_insert_with(|| Rc::new(Proofs::new(f, &module.members))).clone()
    }

    /// The node of a value as an instruction finds it.
    pub(super) fn found_at(&mut self, instance: u32, index: usize, operand: Operand) -> Node {
        let node = self.node_of(instance, operand);
        let Operand::Local(value) = operand else { return node };
        if node == NONE || self.solver.filters.off {
            return node;
        }
        let (module, function) = (self.module, self.instances[instance as usize].function);
        let f = &module.functions[function.index()];
        match self.proofs(instance).at(f, value.0, index, &module.members) {
            Some(only) => self.solver.filtered(node, only),
            None => node,
        }
    }
}

impl Solver<'_> {
    /// The node that holds what a filter lets pass of another.
    pub(super) fn filtered(&mut self, node: Node, only: Only) -> Node {
        if let Some(known) = self.filters.nodes.get(&(node, only)) {
            return *known;
        }
        let target = self.node();
        self.filters.nodes.insert((node, only), target);
        self.attach(node, Use::Only { only, target });
        target
    }

    /// Applies a constraint to all locations of a set.
    pub(super) fn apply_all(&mut self, what: Use, set: &Set) {
        match what {
            Use::Only { only, target } => self.add_filtered(target, set, only),
            _ => set.iter().for_each(|loc| self.apply(what, loc)),
        }
    }

    /// Adds what a filter lets pass of a set.
    fn add_filtered(&mut self, target: Node, set: &Set, only: Only) {
        let mut known = match only {
            Only::Data | Only::Allocated | Only::Message => FxHashMap::default(),
            Only::Structure(member) => self.filters.known.remove(&member).unwrap_or_default(),
        };
        let some = set.masked(|first, bits| match only {
            Only::Data => bits & !self.those(first, bits, |object| self.is_code(object)),
            Only::Allocated => bits & !self.those(first, bits, |object| self.is_variable(object)),
            Only::Message => self.those(first, bits, |object| self.is_message(object)),
            Only::Structure(member) => {
                let (seen, pass) = known.entry(first).or_default();
                let mut new = bits & !*seen;
                *seen |= bits;
                while new != 0 {
                    let bit = new.trailing_zeros();
                    new &= new - 1;
                    *pass |= u64::from(self.may_begin_at(first + bit, member)) << bit;
                }
                bits & *pass
            }
        });
        if let Only::Structure(member) = only {
            self.filters.known.insert(member, known);
        }
        if !some.is_empty() {
            let target = self.find(target);
            self.add_all(target, &some);
        }
    }

    /// Those of a block's locations whose objects are such ones.
    fn those(&self, first: u32, bits: u64, such: impl Fn(u32) -> bool) -> u64 {
        (0..BLOCK).filter(|bit| bits >> bit & 1 != 0 && such(self.locs[(first + bit) as usize].0)).map(|bit| 1u64 << bit).sum()
    }

    /// Memory of so few bytes that all of it may be sent as one message.
    fn is_message(&self, object: u32) -> bool {
        !self.is_code(object) && self.objects[object as usize].size.is_some_and(|size| (WORD..=MESSAGE).contains(&size))
    }

    /// Code, or memory that came to be without an allocator of the library's.
    fn is_variable(&self, object: u32) -> bool {
        use ObjectKind::{Arguments, ByVal, Global, Stack, VarArgs};
        let kind = &self.objects[object as usize].kind;
        self.is_code(object) || matches!(kind, Stack(..) | Global(_) | ByVal(..) | VarArgs(_) | Arguments)
    }

    /// Whether a structure with that member may begin at a location.
    fn may_begin_at(&mut self, loc: u32, member: u32) -> bool {
        let (object, offset, _) = self.locs[loc as usize];
        let (o, typed) = (&self.objects[object as usize], &self.members[member as usize]);
        // Of an allocated structure only what is accessed needs to be there.
        let room = o.size.is_none_or(|size| size == 0 || typed.reach() <= size);
        if self.is_code(object) || o.shape.as_ref().is_some_and(Shape::is_text) || !room {
            return false;
        }
        match offset {
            Some(offset) if is_before(offset) => false,
            Some(offset) => self.can_be_at(object, offset + typed.offset, member),
            None => self.places(object, member).is_none_or(|places| !places.is_empty()),
        }
    }
}
