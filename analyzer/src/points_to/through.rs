//! Functions that return nothing but what their arguments point into: `end = print(buffer, last, ...)`. What such a call returns is
//! made from its own arguments, not from those of all calls; so a buffer on the stack of one caller is not what others get back.

use super::Library;
use crate::model::{Callee, Function, GepStep, InstrKind, Module, Operand};
use itarget_annotations::{self as ann, Ret, Root};
use rustc_hash::FxHashSet;

/// What a function returns: its arguments of these numbers, these steps further, any number of times in any order; or constants.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Through {
    /// Ascending.
    pub(super) params: Vec<usize>,
    pub(super) steps: Vec<Box<[GepStep]>>,
    pub(super) constants: Vec<Operand>,
}

/// By function; `None`: it returns something else, too.
pub(super) fn find(module: &Module, library: &dyn Library) -> Vec<Option<Through>> {
    let returns = |f: &Function| f.signature.ret.carries_pointer().then(Through::default);
    let mut all: Vec<Option<Through>> = module.functions.iter().map(returns).collect();
    let mut callers: Vec<Vec<usize>> = vec![Vec::new(); all.len()];
    for (i, f) in module.functions.iter().enumerate().filter(|(i, _)| all[*i].is_some()) {
        for instr in &f.instrs {
            if let InstrKind::Call(call) = &instr.kind
                && let Callee::Function(g) = call.callee
            {
                callers[g.index()].push(i);
            }
        }
    }
    let mut work: Vec<usize> = (0..all.len()).collect();
    while let Some(i) = work.pop() {
        if all[i].is_none() {
            continue;
        }
        let now = summary(module, library, &module.functions[i], &all);
        if now != all[i] {
            all[i] = now;
            work.extend_from_slice(&callers[i]);
        }
    }
    // Without an argument it is a constant of all callers.
    all.iter_mut().for_each(|t| *t = t.take().filter(|t| !t.params.is_empty()));
    all
}

/// The arguments that a library function returns, and whether it returns a pointer to another place there; `None`: it returns something else, too
/// (`strtok` what it kept, `ngettext` a message).
fn returned(f: &ann::Function) -> Option<(Vec<usize>, bool)> {
    if !f.cases.is_empty() {
        return None;
    }
    let (first, mut moved) = match f.ret {
        Ret::Arg(arg) => (arg, false),
        Ret::Into(arg) => (arg, true),
        _ => return None,
    };
    let mut args = vec![usize::from(first)];
    for flow in f.pointers.iter().flatten().filter(|flow| flow.dst.root == Root::Ret && flow.dst.derefs == 0) {
        match flow.src.root {
            Root::Arg(arg) if flow.src.derefs == 0 => args.push(usize::from(arg)),
            _ => return None,
        }
        moved = true;
    }
    Some((args, moved))
}

/// What a function returns, by what is known of those that it calls so far.
fn summary(module: &Module, library: &dyn Library, f: &Function, all: &[Option<Through>]) -> Option<Through> {
    let mut found = Through::default();
    let mut work: Vec<Operand> = Vec::new();
    for instr in &f.instrs {
        if let InstrKind::Ret { value: Some(value) } = instr.kind {
            work.push(value);
        }
    }
    let mut seen = FxHashSet::default();
    let mut steps: FxHashSet<Box<[GepStep]>> = FxHashSet::default();
    while let Some(operand) = work.pop() {
        if !seen.insert(operand) {
            continue;
        }
        let Operand::Local(value) = operand else {
            match operand {
                Operand::Null | Operand::Int(_) | Operand::Undef | Operand::Other => {}
                constant => found.constants.push(constant),
            }
            continue;
        };
        let Some(index) = f.instr_of(value) else {
            if f.byval[value.index()] > 0 {
                return None;
            }
            if f.signature.params[value.index()].carries_pointer() {
                found.params.push(value.index());
            }
            continue;
        };
        match &f.instrs[index].kind {
            InstrKind::Copy { from } => work.extend_from_slice(from),
            InstrKind::Gep { base, steps: further } => {
                work.push(*base);
                if !further.is_empty() {
                    steps.insert(further.clone());
                }
            }
            InstrKind::Call(call) => {
                let args: Vec<usize> = match call.callee {
                    Callee::Function(g) => {
                        let inner: &Through = all[g.index()].as_ref()?;
                        steps.extend(inner.steps.iter().cloned());
                        found.constants.extend_from_slice(&inner.constants);
                        inner.params.clone()
                    }
                    Callee::External(e) => {
                        let (args, moved) = returned(library.function(&module.externals[e.index()].name)?)?;
                        if moved {
                            steps.insert(Box::new([GepStep::Pointer { stride: 0 }]));
                        }
                        args
                    }
                    _ => return None,
                };
                for arg in args {
                    work.push(*call.args.get(arg)?);
                }
            }
            _ => return None,
        }
    }
    found.params.sort_unstable();
    found.constants.sort_unstable();
    found.constants.dedup();
    found.steps = steps.into_iter().collect();
    found.steps.sort_unstable();
    Some(found)
}
