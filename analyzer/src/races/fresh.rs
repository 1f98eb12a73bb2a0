//! Memory that only the function that made it knows of yet: what is done to a block before its address is given away.
//!
//! Such an access comes before all others by other threads if the address reaches them in an order that locks or the creation of
//! threads give. Where it does not (a pointer that races leads there), the access counts after all: see [`super::find`].

use super::calls::{Graph, Site};
use super::library::{self, Calls};
use crate::model::{Callee, Function, InstrKind, Module, Operand, ValueId};
use itarget_annotations::{Annotations, Ret};

/// What is known of functions of the program.
pub(super) struct Fresh<'a> {
    module: &'a Module,
    graph: &'a Graph,
    annotations: &'a Annotations,
    /// The function returns a block that nobody else knows of.
    returns: Vec<bool>,
    /// Parameters whose value it may give away, by function.
    keeps: Vec<Vec<bool>>,
}

/// The value that a pointer is computed from, at whatever distance.
pub(super) fn base(function: &Function, mut operand: Operand) -> Option<ValueId> {
    loop {
        let Operand::Local(value) = operand else { return None };
        match function.instr_of(value).map(|i| &function.instrs[i].kind) {
            Some(InstrKind::Gep { base, .. }) => operand = *base,
            _ => return Some(value),
        }
    }
}

impl<'a> Fresh<'a> {
    pub(super) fn find(module: &'a Module, graph: &'a Graph, annotations: &'a Annotations) -> Fresh<'a> {
        let keeps = module.functions.iter().map(|f| vec![true; f.signature.params.len()]).collect();
        let mut fresh = Fresh { module, graph, annotations, returns: vec![false; module.functions.len()], keeps };
        // More is found each time, all of it true.
        for _ in 0..3 {
            let mut changed = false;
            for f in (0..module.functions.len()).filter(|f| graph.reached[*f]) {
                for param in 0..fresh.keeps[f].len() {
                    let keeps = fresh.keeps[f][param] && fresh.given_away(f, ValueId::from(param)).next().is_some();
                    changed |= keeps != fresh.keeps[f][param];
                    fresh.keeps[f][param] = keeps;
                }
                let returns = fresh.returns[f] || fresh.returns_fresh(f);
                changed |= returns != fresh.returns[f];
                fresh.returns[f] = returns;
            }
            if !changed {
                break;
            }
        }
        fresh
    }

    /// The instructions of a function at which each block that it makes is known to itself only: by instruction, the value.
    pub(super) fn of(&self, f: usize) -> Vec<(ValueId, Vec<bool>)> {
        let function = &self.module.functions[f];
        let made = self.graph.sites[f].iter().filter(|s| self.makes(s)).map(|s| function.value_of(s.instr));
        made.map(|value| (value, self.known(f, value))).collect()
    }

    /// The result of the call is a block that nobody else knows of.
    fn makes(&self, site: &Site) -> bool {
        let allocates = |name: &str| {
            self.annotations.function(name).is_some_and(|a| matches!(a.ret, Ret::Alloc | Ret::AllocCStr) && a.frees.is_none() && a.pointers.is_none())
        };
        match (site.functions.as_slice(), site.externals.as_slice()) {
            ([], [only]) => {
                let name = &self.module.externals[only.index()].name;
                allocates(name) && !name.contains("realloc") && !name.contains("mmap")
            }
            ([_, ..], []) => !site.may_not && site.functions.iter().all(|f| self.returns[f.index()]),
            _ => false,
        }
    }

    fn returns_fresh(&self, f: usize) -> bool {
        let function = &self.module.functions[f];
        let rets: Vec<(usize, Operand)> = function.instrs.iter().enumerate().filter_map(|(i, instr)| match &instr.kind {
            InstrKind::Ret { value: Some(value) } => Some((i, *value)),
            _ => None,
        }).collect();
        let made = self.graph.sites[f].iter().filter(|s| self.makes(s)).map(|s| function.value_of(s.instr)).collect::<Vec<_>>();
        if made.is_empty() || rets.is_empty() {
            return false;
        }
        let mut some = false;
        for (at, value) in rets {
            if value == Operand::Null {
                continue;
            }
            let Some(value) = base(function, value).filter(|v| made.contains(v)) else { return false };
            if !self.known(f, value)[at] {
                return false;
            }
            some = true;
        }
        some
    }

    /// The instructions before which a value has not been given away since it was made.
    fn known(&self, f: usize, value: ValueId) -> Vec<bool> {
        let function = &self.module.functions[f];
        let mut fresh = vec![true; function.instrs.len()];
        let Some(made) = function.instr_of(value) else { return fresh };
        let mut entered = vec![false; function.blocks.len()];
        let mut work: Vec<u32> = Vec::new();
        // From an instruction on, to the end of its block or to where the value is made anew.
        let lost = |from: usize, end: usize, fresh: &mut Vec<bool>| {
            let stop = if (from..end).contains(&made) { made } else { end };
            fresh[from..stop].fill(false);
            stop == end
        };
        for at in self.given_away(f, value) {
            let block = &function.blocks[function.instrs[at].block as usize];
            fresh[at] = false;
            if lost(at + 1, block.end as usize, &mut fresh) {
                work.extend(&block.successors);
            }
        }
        while let Some(next) = work.pop() {
            if !std::mem::replace(&mut entered[next as usize], true) {
                let block = &function.blocks[next as usize];
                if lost(block.first as usize, block.end as usize, &mut fresh) {
                    work.extend(&block.successors);
                }
            }
        }
        fresh
    }

    /// Where a value, or what is computed from it, goes to where others may find it. Returning a block of its own is not among
    /// these.
    fn given_away(&self, f: usize, value: ValueId) -> impl Iterator<Item = usize> + '_ {
        let function = &self.module.functions[f];
        let is = move |operand: Operand| base(function, operand) == Some(value);
        let passed = function.instr_of(value).is_none();
        function.instrs.iter().enumerate().filter(move |(i, instr)| match &instr.kind {
            InstrKind::Load { .. } | InstrKind::Gep { .. } | InstrKind::Branch { .. } => false,
            // To hand a parameter back makes it another name of the argument.
            InstrKind::Ret { value } => passed && value.is_some_and(is),
            InstrKind::Compute { .. } | InstrKind::MemSet { .. } | InstrKind::MemCopy { .. } => false,
            InstrKind::Store { value, .. } => is(*value),
            InstrKind::Call(call) => call.args.iter().enumerate().any(|(arg, o)| is(*o) && self.call_keeps(f, *i, arg)) || matches!(call.callee, Callee::Indirect(o) if is(o)),
            other => {
                let mut found = false;
                other.operands(|o| found |= is(o));
                found
            }
        }).map(|(i, _)| i)
    }

    /// Whether a call may give away an argument.
    fn call_keeps(&self, f: usize, instr: usize, arg: usize) -> bool {
        let function = &self.module.functions[f];
        let sites = &self.graph.sites[f];
        let InstrKind::Call(call) = &function.instrs[instr].kind else { return true };
        let Ok(site) = sites.binary_search_by_key(&instr, |s| s.instr) else { return true };
        let site = &sites[site];
        if matches!(call.callee, Callee::Asm { .. }) || site.functions.is_empty() && site.externals.is_empty() {
            return true;
        }
        if !site.functions.is_empty() && site.may_not {
            return true;
        }
        if call.byval.get(arg).is_some_and(|size| *size > 0) {
            return false;
        }
        let by_function = site.functions.iter().any(|f| self.keeps[f.index()].get(arg).copied().unwrap_or(true));
        let by_library = site.externals.iter().any(|e| {
            let name = &self.module.externals[e.index()].name;
            if name.starts_with("llvm.") {
                return false;
            }
            let Some(a) = self.annotations.function(name) else { return true };
            let same = matches!(a.ret, Ret::Arg(_) | Ret::Into(_)) && function.instrs[instr].used;
            same || a.pointers.is_some() || !a.callbacks.is_empty() || !a.retains.is_empty() || !a.cases.is_empty() || library::calls(name) != Calls::Here
        });
        by_function || by_library
    }
}
