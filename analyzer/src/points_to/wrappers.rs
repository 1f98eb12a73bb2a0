//! Which functions are allocation wrappers: small functions that return fresh memory, their own or
//! that of another wrapper. They are cloned per call site, so that each caller gets objects of its
//! own. Cloning more than needed costs time, never soundness, so the test is generous.

use super::Library;
use super::through::Through;
use crate::model::{Callee, Class, Function, FunctionId, Instr, InstrKind, Module, Operand, Signature, ValueId};
use itarget_annotations::{Ret, Root};
use rustc_hash::{FxHashMap, FxHashSet};

/// Largest wrapper, in instructions.
const MAX_INSTRS: usize = 160;
/// Largest accessor (a function without loops that calls nothing but library functions).
const MAX_ACCESSOR: usize = 14;
/// Largest function that hands an argument through to its result and is cloned for it.
const MAX_FORWARDER: usize = 40;

/// Most instructions of all clones, in one context, of a function that gets a list of variable arguments.
const MAX_FORMATTERS: usize = 100_000;
/// How deep such functions call each other.
const MAX_FORMATTER_DEPTH: usize = 3;

/// Functions to be cloned per call site.
pub(super) struct Wrappers {
    /// Return fresh memory.
    pub(super) alloc: Vec<bool>,
    /// Only pass pointers on.
    pub(super) accessor: Vec<bool>,
}

/// Finds the wrappers; `formatting`: and functions that format variable arguments, which return only what of their arguments `returned` says.
pub(super) fn find(module: &Module, library: &dyn Library, (returned, formatting): (&[Option<Through>], bool)) -> Wrappers {
    let allocates: Vec<bool> = module
        .externals
        .iter()
        .map(|e| match library.function(&e.name) {
            Some(f) => {
                matches!(f.ret, Ret::Alloc | Ret::AllocCStr)
                    || f.pointers.iter().flatten().any(|p| p.src.root == Root::Alloc)
            }
            None => e.attributes.noalias_result,
        })
        .collect();
    let mut alloc = vec![false; module.functions.len()];
    let through: Vec<Vec<usize>> = module.functions.iter().map(handed_through).collect();
    let flows: Vec<Option<Flow>> = module.functions.iter().map(|f| result_flow(f, &through)).collect();
    let mut by_signature: FxHashMap<&Signature, Vec<FunctionId>> = FxHashMap::default();
    for (i, f) in module.functions.iter().enumerate() {
        if f.address_taken {
            by_signature.entry(&f.signature).or_default().push(FunctionId::from(i));
        }
    }
    loop {
        let mut changed = false;
        for (i, f) in module.functions.iter().enumerate() {
            let Some(flow) = &flows[i] else { continue };
            if alloc[i] {
                continue;
            }
            let fresh = flow.calls.iter().any(|index| {
                let InstrKind::Call(call) = &f.instrs[*index].kind else { return false };
                match &call.callee {
                    Callee::External(e) => allocates[e.index()],
                    Callee::Function(g) => alloc[g.index()],
                    Callee::Indirect(_) => {
                        by_signature.get(&call.signature).is_some_and(|all| all.iter().any(|g| alloc[g.index()]))
                    }
                    Callee::Asm { .. } => false,
                }
            });
            if fresh && !publishes(f, flow) {
                alloc[i] = true;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    let formatter = if formatting { formatters(module, returned) } else { vec![false; module.functions.len()] };
    let accessor = module.functions.iter().zip(&through).zip(formatter).map(|((f, through), formatter)| formatter || is_accessor(f, through)).collect();
    Wrappers { alloc, accessor }
}

/// Functions that get a list of variable arguments from the function that began it (`vformat` of `format` and `log`), and those that only
/// they call. What one caller prints, and where to, is not what others do.
fn formatters(module: &Module, returned: &[Option<Through>]) -> Vec<bool> {
    let may = |i: usize, f: &Function| !f.address_taken && (returned[i].is_some() || !f.signature.ret.carries_pointer());
    let mut callers: Vec<Vec<usize>> = vec![Vec::new(); module.functions.len()];
    let mut given = vec![false; module.functions.len()];
    for (i, f) in module.functions.iter().enumerate() {
        let list = |instr: &Instr| if let InstrKind::VaStart { list } = instr.kind { Some(base_of(f, list)) } else { None };
        let lists: Vec<Operand> = f.instrs.iter().filter_map(list).collect();
        for instr in &f.instrs {
            if let InstrKind::Call(call) = &instr.kind
                && let Callee::Function(g) = call.callee
            {
                callers[g.index()].push(i);
                given[g.index()] |= !lists.is_empty() && call.args.iter().any(|arg| lists.contains(&base_of(f, *arg)));
            }
        }
    }
    let mut formatter = vec![false; module.functions.len()];
    loop {
        let mut changed = false;
        for (i, f) in module.functions.iter().enumerate().filter(|(i, f)| may(*i, f)) {
            let inner = !callers[i].is_empty() && callers[i].iter().all(|caller| formatter[*caller]);
            if !formatter[i] && (given[i] || inner) && f.instrs.len() * callers[i].len() <= MAX_FORMATTERS {
                formatter[i] = true;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    // Those that begin the list, too, if they have few callers.
    let mut with_callees: Vec<usize> = module.functions.iter().map(|f| f.instrs.len()).collect();
    for _ in 0..MAX_FORMATTER_DEPTH {
        with_callees = module.functions.iter().map(|f| f.instrs.len() + called(f).filter(|g| formatter[*g]).map(|g| with_callees[g]).sum::<usize>()).collect();
    }
    for (i, f) in module.functions.iter().enumerate().filter(|(i, f)| f.signature.variadic && may(*i, f)) {
        let begins = called(f).any(|g| formatter[g]);
        if begins && !formatter[i] && with_callees[i] * callers[i].len() <= MAX_FORMATTERS {
            formatter[i] = true;
        }
    }
    formatter
}

/// The functions that a function calls directly, once for each call.
fn called(f: &Function) -> impl Iterator<Item = usize> {
    f.instrs.iter().filter_map(|instr| match &instr.kind {
        InstrKind::Call(call) => match call.callee {
            Callee::Function(g) => Some(g.index()),
            _ => None,
        },
        _ => None,
    })
}

/// What pointer arithmetic begins with.
fn base_of(f: &Function, mut at: Operand) -> Operand {
    while let Operand::Local(value) = at
        && let Some(index) = f.instr_of(value)
        && let InstrKind::Gep { base, .. } = f.instrs[index].kind
    {
        at = base;
    }
    at
}

/// Calls whose result, or what they store through an argument, leaves a function.
struct Flow {
    calls: Vec<usize>,
}

/// The calls whose results reach the function's result or memory its parameters point to.
fn result_flow(f: &Function, through: &[Vec<usize>]) -> Option<Flow> {
    if f.instrs.len() > MAX_INSTRS {
        return None;
    }
    let params = f.signature.params.len();
    let mut work: Vec<usize> = Vec::new();
    let push = |operand: Operand, work: &mut Vec<usize>| {
        if let Operand::Local(value) = operand
            && value.index() >= params
        {
            work.push(value.index() - params);
        }
    };
    for instr in &f.instrs {
        match &instr.kind {
            InstrKind::Ret { value: Some(value) } if f.signature.ret.carries_pointer() => push(*value, &mut work),
            // Out-parameter: `*out = malloc(n)`.
            InstrKind::Store { ptr: Operand::Local(ptr), value, access }
                if access.class == Class::Pointer && ptr.index() < params =>
            {
                push(*value, &mut work);
            }
            _ => {}
        }
    }
    let mut seen = FxHashSet::default();
    let mut calls = Vec::new();
    while let Some(index) = work.pop() {
        if !seen.insert(index) {
            continue;
        }
        match &f.instrs[index].kind {
            InstrKind::Copy { from } => from.iter().for_each(|o| push(*o, &mut work)),
            InstrKind::Gep { base, .. } => push(*base, &mut work),
            InstrKind::Call(call) => {
                calls.push(index);
                if let Callee::Function(g) = call.callee {
                    for arg in through[g.index()].iter().filter_map(|arg| call.args.get(*arg)) {
                        push(*arg, &mut work);
                    }
                }
            }
            // A slot whose address was passed on: calls that get it may have stored there.
            InstrKind::Load { ptr: Operand::Local(slot), .. } if is_slot(f, *slot) => {
                for (i, instr) in f.instrs.iter().enumerate() {
                    match &instr.kind {
                        InstrKind::Call(call) if call.args.contains(&Operand::Local(*slot)) => calls.push(i),
                        InstrKind::Store { ptr: Operand::Local(to), value, .. } if to == slot => {
                            push(*value, &mut work);
                        }
                        _ => {}
                    }
                }
            }
            // Something out of shared memory, such as a free list: a pool, whose results are not
            // told apart by call site.
            InstrKind::Load { .. } => return None,
            _ => {}
        }
    }
    calls.sort_unstable();
    calls.dedup();
    (!calls.is_empty()).then_some(Flow { calls })
}

fn is_slot(f: &Function, value: ValueId) -> bool {
    f.instr_of(value).is_some_and(|index| matches!(f.instrs[index].kind, InstrKind::Alloca { .. }))
}

/// Whether a function stores the result of such a call in memory that is neither fresh nor its
/// own: then all callers' objects meet there, and telling them apart is of no use.
fn publishes(f: &Function, flow: &Flow) -> bool {
    let params = f.signature.params.len();
    let mut fresh = vec![false; f.values()];
    for call in &flow.calls {
        fresh[params + call] = true;
    }
    let holds = |fresh: &[bool], o: Operand| matches!(o, Operand::Local(v) if fresh[v.index()]);
    loop {
        let mut changed = false;
        for (i, instr) in f.instrs.iter().enumerate() {
            let derived = match &instr.kind {
                InstrKind::Copy { from } => from.iter().any(|o| holds(&fresh, *o)),
                InstrKind::Gep { base, .. } => holds(&fresh, *base),
                // A slot that the fresh pointer was stored in, or passed to the call.
                InstrKind::Load { ptr: Operand::Local(slot), .. } => f.instrs.iter().any(|other| match &other.kind {
                    InstrKind::Store { ptr: Operand::Local(to), value, .. } => to == slot && holds(&fresh, *value),
                    _ => false,
                }),
                _ => false,
            };
            if derived && !fresh[params + i] {
                fresh[params + i] = true;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    f.instrs.iter().any(|instr| match &instr.kind {
        InstrKind::Store { ptr, value, .. } if holds(&fresh, *value) => match ptr {
            Operand::Local(to) => {
                let own = f.instr_of(*to).is_none_or(|i| matches!(f.instrs[i].kind, InstrKind::Alloca { .. }));
                !own && !fresh[to.index()]
            }
            _ => true,
        },
        _ => false,
    })
}

/// The parameters that a small function may return, through copies and pointer arithmetic alone.
fn handed_through(f: &Function) -> Vec<usize> {
    if f.instrs.len() > MAX_FORWARDER || !f.signature.ret.carries_pointer() {
        return Vec::new();
    }
    let mut work: Vec<Operand> = Vec::new();
    for instr in &f.instrs {
        if let InstrKind::Ret { value: Some(value) } = instr.kind {
            work.push(value);
        }
    }
    let mut seen = FxHashSet::default();
    let mut params = Vec::new();
    while let Some(operand) = work.pop() {
        let Operand::Local(value) = operand else { continue };
        if !seen.insert(value) {
            continue;
        }
        match f.instr_of(value).map(|index| &f.instrs[index].kind) {
            None if f.signature.params[value.index()].carries_pointer() => params.push(value.index()),
            Some(InstrKind::Copy { from }) => work.extend_from_slice(from),
            Some(InstrKind::Gep { base, .. }) => work.push(*base),
            _ => {}
        }
    }
    params.sort_unstable();
    params
}

fn is_accessor(f: &Function, through: &[usize]) -> bool {
    let quiet = f.instrs.iter().all(|i| !matches!(i.kind, InstrKind::Alloca { .. } | InstrKind::VaStart { .. }));
    // Around a library function (glibc's checking variants) all callers' memory would meet.
    let calls = f.instrs.iter().any(|i| matches!(&i.kind, InstrKind::Call(call) if !matches!(call.callee, Callee::External(_))));
    let loops = f.blocks.iter().any(|b| b.loop_depth > 0);
    let pointers = f.signature.params.contains(&Class::Pointer);
    quiet && (!through.is_empty() || pointers && !loops && !calls && f.instrs.len() <= MAX_ACCESSOR)
}

/// Whether a function itself may call a library function that hands out fresh memory.
pub(super) fn may_allocate(module: &Module, f: &Function, library: &dyn Library) -> bool {
    f.instrs.iter().any(|instr| match &instr.kind {
        InstrKind::Call(call) => match call.callee {
            Callee::External(e) => library.function(&module.externals[e.index()].name).is_none_or(|f| {
                matches!(f.ret, Ret::Alloc | Ret::AllocCStr) || f.pointers.iter().flatten().any(|p| p.src.root == Root::Alloc)
            }),
            Callee::Indirect(_) => true,
            _ => false,
        },
        _ => false,
    })
}
