//! Parts of memory that each thread of a kind has for itself, by the argument that it was started with: `work` started in a loop
//! with `(void *)i` works on `field[i]`, with `&slots[i]` on that element, with a block made for it on that block.
//!
//! The call that starts such threads runs in a loop that is entered once, and once in each round; so the arguments differ. That a
//! pointer into an element does not leave it is C's rule, as everywhere in the analysis.

use super::calls::{self, Graph};
use super::fresh::Fresh;
use super::threads::Threads;
use crate::model::{Class, Function, FunctionId, GepStep, GlobalId, InstrKind, Module, Number, Operand, ValueId};
use rustc_hash::{FxHashMap, FxHashSet};
use std::cell::RefCell;

/// Parts that belong together: one for each thread of a kind. 0: none.
pub(super) type Slice = u32;

/// What makes the parts: the kind of threads (by function), and where they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    /// Elements of this many bytes from there on, by number.
    Elements(FunctionId, GlobalId, i64, u64),
    /// What the thread's argument leads to.
    Argument(FunctionId),
}

/// What is known of a value in a thread of such a kind, which is told by the function that it starts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tag {
    /// No other thread of the kind has this number.
    Number(FunctionId),
    /// Points into the thread's part of `size` bytes: bytes from its start, or from where an array of unknown place in it starts
    /// that takes up `room`.
    Inside { slice: Slice, size: i64, at: i64, room: i64 },
}

/// A call that starts threads whose arguments differ.
struct Start {
    runs: FunctionId,
    by: usize,
    /// The loop's counter, and for pointers what they are computed from.
    counter: Option<ValueId>,
    array: Option<(Operand, i64, i64)>,
    tag: Tag,
    /// Instructions of the starting function that come before the call in a round.
    before: Vec<bool>,
}

/// The parts of a program.
pub(super) struct Slices<'a> {
    module: &'a Module,
    keys: RefCell<FxHashMap<Key, Slice>>,
    /// What is known of parameters, by function that such threads run.
    params: FxHashMap<usize, Vec<Option<Tag>>>,
    starts: Vec<Start>,
}

impl<'a> Slices<'a> {
    pub(super) fn find(module: &'a Module, graph: &Graph, threads: &Threads, fresh: &Fresh) -> Slices<'a> {
        let mut slices = Slices { module, keys: RefCell::default(), params: FxHashMap::default(), starts: Vec::new() };
        let called: FxHashSet<FunctionId> = graph.sites.iter().flatten().flat_map(|s| s.functions.iter().copied()).collect();
        for start in &graph.starts {
            let ([runs], [given]) = (start.runs.as_slice(), start.given.as_slice()) else { continue };
            let elsewhere = graph.starts.iter().filter(|s| s.runs.contains(runs)).count() > 1 || graph.anywhere.contains(runs) || called.contains(runs);
            if !elsewhere && threads.runs_once(start.function.index()) {
                slices.start(*runs, start.function.index(), start.instr, *given, fresh);
            }
        }
        if !slices.starts.is_empty() {
            slices.follow(graph);
        }
        slices
    }

    fn slice(&self, key: Key) -> Slice {
        let mut keys = self.keys.borrow_mut();
        let next = keys.len() as Slice + 1;
        *keys.entry(key).or_insert(next)
    }

    /// Looks at a call that starts threads: are its arguments never the same?
    fn start(&mut self, runs: FunctionId, by: usize, instr: usize, given: Operand, fresh: &Fresh) {
        let function = &self.module.functions[by];
        if function.returns_twice {
            return;
        }
        let block = function.instrs[instr].block;
        let mut start = Start { runs, by, counter: None, array: None, tag: Tag::Number(runs), before: Vec::new() };
        if let Some(counter) = counter(function, given, block) {
            start.counter = Some(counter);
            start.before = before(function, counter, instr);
        } else if let Some((base, from, stride, counter)) = element(function, given, block) {
            start.counter = Some(counter);
            start.before = before(function, counter, instr);
            start.array = Some((base, from.0, stride));
            start.tag = Tag::Inside { slice: self.slice(Key::Argument(runs)), size: stride, at: from.1, room: stride };
        } else if let Operand::Local(value) = given
            && let Some((made, known)) = fresh.of(by).into_iter().find(|(made, _)| *made == value)
            && instr > function.blocks[block as usize].first as usize
            && known[instr - 1]
            && let Some(made) = function.instr_of(made)
            && (function.instrs[made].block == block && made < instr || !reaches(function, block, block, function.instrs[made].block))
        {
            start.tag = Tag::Inside { slice: self.slice(Key::Argument(runs)), size: i64::MAX, at: 0, room: i64::MAX };
        } else {
            return;
        }
        self.starts.push(start);
    }

    /// Follows the arguments into functions that such threads call.
    fn follow(&mut self, graph: &Graph) {
        let module = self.module;
        let mut run: FxHashSet<usize> = FxHashSet::default();
        let mut work: Vec<usize> = self.starts.iter().map(|s| s.runs.index()).collect();
        while let Some(f) = work.pop() {
            if run.insert(f) {
                work.extend(graph.sites[f].iter().flat_map(|s| &s.functions).map(|f| f.index()));
            }
        }
        let nothing = |f: usize| vec![None; module.functions[f].signature.params.len()];
        let others = (0..module.functions.len()).filter(|f| !run.contains(f)).flat_map(|f| &graph.sites[f]).flat_map(|s| &s.functions);
        let anywhere = graph.anywhere.iter().chain(graph.starts.iter().flat_map(|s| &s.runs)).chain(others);
        for f in anywhere.map(|f| f.index()).filter(|f| run.contains(f)) {
            self.params.insert(f, nothing(f));
        }
        let main = module.function("main").map(FunctionId::index);
        for f in run.iter().copied().filter(|f| main.is_none() && module.functions[*f].exported || main == Some(*f)) {
            self.params.insert(f, nothing(f));
        }
        for start in &self.starts {
            let mut tags = nothing(start.runs.index());
            if let Some(first) = tags.first_mut() {
                *first = Some(start.tag);
            }
            self.params.insert(start.runs.index(), tags);
        }
        let mut work: Vec<usize> = self.params.keys().copied().collect();
        work.sort_unstable();
        while let Some(f) = work.pop() {
            for site in &graph.sites[f] {
                let InstrKind::Call(call) = &module.functions[f].instrs[site.instr].kind else { continue };
                for callee in site.functions.iter().map(|f| f.index()) {
                    let of = &module.functions[callee];
                    let tag = |i: usize| {
                        let arg = call.args.get(i).filter(|_| site.externals.is_empty() && of.byval[i] == 0)?;
                        self.tag(f, *arg, None)
                    };
                    let tags: Vec<Option<Tag>> = (0..of.signature.params.len()).map(tag).collect();
                    let changed = match self.params.get_mut(&callee) {
                        Some(known) => {
                            let mut changed = false;
                            for (known, _) in known.iter_mut().zip(&tags).filter(|(known, tag)| known.is_some() && known != tag) {
                                *known = None;
                                changed = true;
                            }
                            changed
                        }
                        None => {
                            self.params.insert(callee, tags);
                            true
                        }
                    };
                    if changed {
                        work.push(callee);
                    }
                }
            }
        }
    }

    /// The kind of threads whose number is the first index in pointer arithmetic from a global, where the array starts, and the size of an
    /// element; with the numbers of steps and indices up to there.
    fn indexed(&self, f: usize, value: Operand, offset: i64, instr: Option<usize>) -> Option<(FunctionId, i64, u64, (usize, usize))> {
        let function = &self.module.functions[f];
        let Operand::Local(value) = value else { return None };
        let at = function.instr_of(value)?;
        let InstrKind::Gep { steps, .. } = &function.instrs[at].kind else { return None };
        let Some(Number::Indices(indices)) = function.number(at) else { return None };
        let (variable, index, from) = first_variable(steps, indices)?;
        let (GepStep::Array { stride, .. } | GepStep::Pointer { stride }) = steps[variable] else { return None };
        let Some(Tag::Number(root)) = self.tag(f, indices[index], instr) else { return None };
        (stride > 0).then_some((root, offset.checked_add(from)?, stride, (variable + 1, index + 1)))
    }

    /// What is known of a value; `instr`: the place in a function that starts threads.
    fn tag(&self, f: usize, operand: Operand, instr: Option<usize>) -> Option<Tag> {
        let Operand::Local(value) = operand else { return None };
        let function = &self.module.functions[f];
        let starts = || self.starts.iter().filter(|s| s.by == f && instr.is_some_and(|i| s.before.get(i) == Some(&true)));
        if let Some(start) = starts().find(|s| s.counter == Some(value) && s.array.is_none()) {
            return Some(Tag::Number(start.runs));
        }
        let Some(at) = function.instr_of(value) else {
            return self.params.get(&f)?.get(value.index()).copied().flatten();
        };
        match &function.instrs[at].kind {
            InstrKind::Copy { from } => match &**from {
                [only] if function.number(at).is_none() => self.tag(f, *only, instr),
                _ => None,
            },
            InstrKind::Compute { from } if is_cast(function, at) => match self.tag(f, *from.first()?, instr)? {
                Tag::Number(root) => Some(Tag::Number(root)),
                Tag::Inside { .. } => None,
            },
            InstrKind::Gep { base, steps } => {
                let indices = match function.number(at) {
                    Some(Number::Indices(indices)) => &**indices,
                    _ => &[],
                };
                // The element that a thread is about to be started with.
                if let Some(start) = starts().find(|s| s.array.is_some_and(|(b, _, _)| b == *base))
                    && let Some((_, from, stride)) = start.array
                    && let Some((variable, index, constant)) = first_variable(steps, indices)
                    && constant == from
                    && matches!(steps[variable], GepStep::Array { stride: s, .. } | GepStep::Pointer { stride: s } if i64::try_from(s) == Ok(stride))
                    && start.counter == plain(function, indices[index])
                    && let Tag::Inside { slice, size, .. } = start.tag
                {
                    return walk(Tag::Inside { slice, size, at: 0, room: size }, &steps[variable + 1..], &indices[index + 1..]);
                }
                if let Operand::Global(global, offset) = base {
                    let (root, from, stride, (step, index)) = self.indexed(f, operand, *offset, instr)?;
                    let slice = self.slice(Key::Elements(root, *global, from, stride));
                    let size = i64::try_from(stride).ok()?;
                    return walk(Tag::Inside { slice, size, at: 0, room: size }, &steps[step..], &indices[index..]);
                }
                walk(self.tag(f, *base, instr)?, steps, indices)
            }
            _ => None,
        }
    }

    /// The thread's part that an access lies in.
    pub(super) fn at(&self, f: usize, instr: usize, operand: Operand, bytes: Option<u64>) -> Slice {
        if self.starts.is_empty() || !self.params.contains_key(&f) && !self.starts.iter().any(|s| s.by == f) {
            return 0;
        }
        let Some(bytes) = bytes.and_then(|b| i64::try_from(b).ok()) else { return 0 };
        match self.tag(f, operand, Some(instr)) {
            Some(Tag::Inside { slice, at, room, .. }) if at >= 0 && at.checked_add(bytes).is_some_and(|end| end <= room) => slice,
            _ => 0,
        }
    }
}

/// The first step by an index that is not constant, the number of that index, and the bytes before it.
fn first_variable(steps: &[GepStep], indices: &[Operand]) -> Option<(usize, usize, i64)> {
    let (mut sum, mut index) = (0i64, 0);
    for (number, step) in steps.iter().enumerate() {
        match step {
            GepStep::Const(by) => sum = sum.checked_add(*by)?,
            GepStep::Array { stride, .. } | GepStep::Pointer { stride } => {
                let Operand::Int(by) = indices.get(index)? else { return Some((number, index, sum)) };
                sum = sum.checked_add(i64::try_from(*stride).ok()?.checked_mul(*by)?)?;
                index += 1;
            }
        }
    }
    None
}

/// Where a pointer into a part leads after these steps, if it stays there.
fn walk(tag: Tag, steps: &[GepStep], mut indices: &[Operand]) -> Option<Tag> {
    let Tag::Inside { slice, size, mut at, mut room } = tag else { return None };
    for step in steps {
        match step {
            GepStep::Const(by) => at = at.checked_add(*by)?,
            GepStep::Array { stride, .. } | GepStep::Pointer { stride } => {
                let stride = i64::try_from(*stride).ok().filter(|s| *s > 0)?;
                let (index, rest) = indices.split_first()?;
                indices = rest;
                if let Operand::Int(by) = index {
                    at = at.checked_add(stride.checked_mul(*by)?)?;
                    continue;
                }
                // By an element of the array that the parts are, it would lead to another thread's.
                if stride >= size || at < 0 || at.checked_add(stride)? > room {
                    return None;
                }
                (at, room) = (0, stride);
            }
        }
    }
    Some(Tag::Inside { slice, size, at, room })
}

fn is_cast(function: &Function, at: usize) -> bool {
    // So many threads that 32 bits do not tell them apart there can't be.
    function.number(at) == Some(&Number::Cast) && matches!(function.instrs[at].class, Class::Int(4..))
}

/// The value behind conversions.
fn plain(function: &Function, mut operand: Operand) -> Option<ValueId> {
    loop {
        let Operand::Local(value) = operand else { return None };
        let Some(at) = function.instr_of(value) else { return Some(value) };
        match &function.instrs[at].kind {
            InstrKind::Copy { from } if from.len() == 1 && function.number(at).is_none() => operand = from[0],
            InstrKind::Compute { from } if is_cast(function, at) => operand = *from.first()?,
            _ => return Some(value),
        }
    }
}

/// The counter that a value is, if it is another each time control comes to a block of its loop.
fn counter(function: &Function, operand: Operand, block: u32) -> Option<ValueId> {
    const STEPS: std::ops::RangeInclusive<i64> = -4096..=4096;
    let value = plain(function, operand)?;
    let at = function.instr_of(value)?;
    let (Some(Number::Phi), InstrKind::Copy { from } | InstrKind::Compute { from }) = (function.number(at), &function.instrs[at].kind) else {
        return None;
    };
    if !matches!(function.instrs[at].class, Class::Int(4..)) {
        return None;
    }
    let steps = |operand: Operand| {
        let Operand::Local(next) = operand else { return false };
        let Some(next) = function.instr_of(next) else { return false };
        let from = match &function.instrs[next].kind {
            InstrKind::Arith { from, .. } | InstrKind::Compute { from } => from.first(),
            _ => None,
        };
        matches!(function.number(next), Some(Number::Add(by)) if *by != 0 && STEPS.contains(by)) && from == Some(&Operand::Local(value))
    };
    let [a, b] = **from else { return None };
    // One from outside of the loop, one from its round.
    if steps(a) == steps(b) {
        return None;
    }
    let head = function.instrs[at].block;
    let into: Vec<u32> = (0..function.blocks.len() as u32).filter(|b| function.blocks[*b as usize].successors.contains(&head)).collect();
    let (round, outside): (Vec<u32>, Vec<u32>) = into.into_iter().partition(|b| reaches(function, head, *b, u32::MAX) || *b == head);
    let dominated = |b: &u32| *b == head || head == 0 || !(*b == 0 || reaches(function, 0, *b, head));
    let entered_once = round.len() == 1 && outside.len() == 1 && round.iter().all(dominated);
    (entered_once && (block == head || !reaches(function, block, block, head))).then_some(value)
}

/// The element of an array that an address is, by a counter: what it is computed from, bytes to the array and from the element's start,
/// size of an element, counter.
type Element = (Operand, (i64, i64), i64, ValueId);

fn element(function: &Function, operand: Operand, block: u32) -> Option<Element> {
    let Operand::Local(value) = operand else { return None };
    let at = function.instr_of(value)?;
    let InstrKind::Gep { base, steps } = &function.instrs[at].kind else { return None };
    let Some(Number::Indices(indices)) = function.number(at) else { return None };
    let (variable, at_index, from) = first_variable(steps, indices)?;
    let index = indices[at_index];
    let (GepStep::Array { stride, .. } | GepStep::Pointer { stride }) = steps[variable] else { return None };
    let stride = i64::try_from(stride).ok().filter(|s| *s > 0)?;
    let inner = walk(Tag::Inside { slice: 0, size: stride, at: 0, room: stride }, &steps[variable + 1..], &indices[at_index + 1..])?;
    let Tag::Inside { at: rest, room, .. } = inner else { return None };
    let counter = counter(function, index, block)?;
    // The array is the same one in every round.
    let head = function.instrs[function.instr_of(counter)?].block;
    let fixed = match base {
        Operand::Global(..) => true,
        Operand::Local(value) => function.instr_of(*value).is_none_or(|at| {
            let made = function.instrs[at].block;
            made != head && !reaches(function, head, made, u32::MAX)
        }),
        _ => false,
    };
    (fixed && room == stride && (0..stride).contains(&rest)).then_some((*base, (from, rest), stride, counter))
}

/// The instructions from which on, in the same round of the loop of a counter, the call is still to come.
fn before(function: &Function, counter: ValueId, call: usize) -> Vec<bool> {
    let mut before = vec![false; function.instrs.len()];
    let Some(head) = function.instr_of(counter).map(|at| function.instrs[at].block) else { return before };
    let block = function.instrs[call].block;
    for (number, b) in (0u32..).zip(&function.blocks) {
        let inside = number == head || reaches(function, head, number, u32::MAX) && reaches(function, number, head, u32::MAX);
        let range = b.first as usize..b.end as usize;
        if number == block {
            before[range.start..call].fill(true);
        } else if inside && !(block != head && reaches(function, block, number, head)) {
            before[range].fill(block != head || number == head);
        }
    }
    before
}

/// Whether control may get from the end of a block to another without passing a third.
fn reaches(function: &Function, from: u32, to: u32, without: u32) -> bool {
    calls::reaches(function, from as usize, to as usize, without as usize)
}
