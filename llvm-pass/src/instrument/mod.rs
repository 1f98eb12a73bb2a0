//! Rewrites the planned sites of a prepared module.
//!
//! Order: clones first (so that every clone has the original's ordinals), then all site
//! instructions are collected, then loads of what was just loaded or stored are left out (the optimizer could not any more), then each that is
//! left is rewritten, then the program gets its new `main` and a clean stack.

mod access;
mod alloc;
mod boundary;
mod call;
mod group;
mod hooks;
mod length;
mod order;
mod program;
mod scan;
mod show;
mod stack;
mod threads;

pub use program::identity;

use crate::ir::{Ir, Value};
use crate::sites;
use access::Look;
use hooks::Hooks;
use itarget_plan::{Action, Alone, CutMode, How, Plan, Raced, Site};
use llvm_sys::LLVMOpcode;
use std::cell::Cell;
use std::collections::BTreeMap;

/// What every rewriting needs.
pub struct Cx<'a> {
    ir: &'a Ir,
    hooks: Hooks,
    /// The control page.
    control: Value,
    /// Memory is compared across external calls.
    checks: bool,
    /// There are atomic operations on 16 bytes.
    wide: bool,
    /// A library may call the program in threads that it started.
    called_elsewhere: bool,
    /// What is being made is in force only once the process is not alone.
    accompanied: Cell<bool>,
}

/// Instruments the module. `text` is the plan as it stands in the file (its hash is embedded).
///
/// # Errors
/// The plan names a site that the module does not have, or that can't be instrumented.
pub fn run(ir: &Ir, plan: &Plan, text: &str) -> Result<(), String> {
    let accompanies = |s: &Site| matches!(&s.action, Action::Call(call) if call.accompanies);
    let mut cx = Cx {
        ir,
        hooks: Hooks::declare(ir),
        control: ir.declare_global(
            itarget_abi::control::SYMBOL,
            ir.array_type(ir.i8, itarget_abi::control::PAGE as u64),
        ),
        checks: plan.cut == itarget_plan::CutMode::Check,
        wide: threads::has_wide(ir),
        called_elsewhere: plan.sites.iter().any(accompanies),
        accompanied: Cell::new(false),
    };
    cx.called_elsewhere |= cx.threads();
    for clone in &plan.clones {
        let of = ir.function(&clone.of).ok_or_else(|| unknown(&clone.of))?;
        if ir.function(&clone.name).is_none() {
            ir.clone_function(of, &clone.name);
        }
    }
    let mut by_function: BTreeMap<&str, Vec<(u32, u32)>> = BTreeMap::new();
    for (id, site) in plan.sites.iter().enumerate() {
        by_function.entry(&site.function).or_default().push((site.ordinal, id as u32));
    }
    // Ordinals are looked up before anything changes.
    let mut work: Vec<(u32, Value)> = Vec::new();
    for (function, wanted) in by_function {
        let f = ir.function(function).ok_or_else(|| unknown(function))?;
        let instructions = sites::of_function(ir, f);
        for (ordinal, id) in wanted {
            let inst = instructions.get(ordinal as usize).ok_or_else(|| {
                format!("IT0405: the plan names site {ordinal} of `{function}`, which it does not have")
            })?;
            work.push((id, *inst));
        }
    }
    work.sort_by_key(|w| w.0);
    let mut left: Vec<Value> = work.iter().map(|w| w.1).collect();
    ir.leave_out(&mut left);
    let work: Vec<(u32, Value)> = work.into_iter().map(|w| w.0).zip(left).filter(|w| !w.1.is_null()).collect();
    let done = cx.groups(&work, plan)?;
    for (id, inst) in work.into_iter().filter(|w| !done.contains(&w.0)) {
        cx.site(id, inst, plan)?;
    }
    cx.leaving();
    program::run(&cx, plan, text)?;
    stack::run(&cx);
    crate::prepare::rename(ir);
    Ok(())
}

fn unknown(function: &str) -> String {
    format!("IT0405: the plan names function `{function}`, which this program does not have")
}

impl Cx<'_> {
    fn site(&self, id: u32, inst: Value, plan: &Plan) -> Result<(), String> {
        let site = &plan.sites[id as usize];
        match (&site.alone, &site.action) {
            (Alone::Same, action) => self.act(id, inst, site, action, plan),
            // Before it, all is replay space.
            (Alone::Nothing, Action::Refuse { then: None, .. }) => {
                self.refuse_accompanied(id, inst);
                Ok(())
            }
            (Alone::Other(other), Action::Refuse { then: Some(then), .. }) if other == then => {
                self.refuse_accompanied(id, inst);
                self.act(id, inst, site, then, plan)
            }
            (Alone::Other(other), Action::Store { checked, raced }) if **other == (Action::Store { checked: *checked, raced: Raced::No }) => {
                self.when_accompanied(|| self.see(inst, *raced));
                self.store(inst);
                Ok(())
            }
            (Alone::Other(other), Action::Load { how: How::Always, raced }) if matches!(**other, Action::Load { how: How::Checked, .. }) => {
                self.load(id, inst, Look::Alone, *raced);
                Ok(())
            }
            (Alone::Nothing, action) => self.when_accompanied(|| self.act(id, inst, site, action, plan)),
            (Alone::Other(other), action) => {
                let (later, alone) = self.split(inst);
                // It asks for the word that the split asked for, so the optimizer leaves the second question out.
                self.when_accompanied(|| self.act(id, later, site, action, plan))?;
                self.act(id, alone, site, other, plan)
            }
        }
    }

    /// The recording ends before this instruction, once the process is not alone.
    fn refuse_accompanied(&self, id: u32, inst: Value) {
        self.ir.before(inst);
        let then = self.ir.if_then(self.ir.nonzero(self.mode_accompanied()), inst, true);
        self.ir.before(then);
        self.hook("__itarget_refuse", &[self.ir.int(self.ir.i32, u64::from(id))]);
    }

    fn when_accompanied<R>(&self, make: impl FnOnce() -> R) -> R {
        self.accompanied.set(true);
        let made = make();
        self.accompanied.set(false);
        made
    }

    /// Two copies of an instruction in its place: what runs once the process is not alone, and what runs before.
    fn split(&self, inst: Value) -> (Value, Value) {
        let ir = self.ir;
        let ty = ir.type_of(inst);
        ir.before(inst);
        let slot = (ty != ir.void).then(|| ir.entry_alloca(self.function_of(inst), ty));
        ir.before(inst);
        let (then, otherwise) = ir.if_then_else(ir.nonzero(self.mode_accompanied()), inst, false);
        let copies = [then, otherwise].map(|end| {
            ir.before(end);
            ir.debug_of(inst);
            let copy = ir.copy(inst);
            if let Some(slot) = slot {
                ir.store(copy, slot);
            }
            copy
        });
        if let Some(slot) = slot {
            ir.before(inst);
            ir.replace(inst, ir.load(ty, slot));
        }
        ir.erase(inst);
        copies.into()
    }

    fn act(&self, id: u32, inst: Value, site: &Site, action: &Action, plan: &Plan) -> Result<(), String> {
        let opcode = self.ir.opcode(inst);
        let fits = match action {
            Action::Atomic { .. } => matches!(opcode, LLVMOpcode::LLVMLoad | LLVMOpcode::LLVMStore | LLVMOpcode::LLVMAtomicRMW | LLVMOpcode::LLVMAtomicCmpXchg),
            Action::Load { .. } | Action::Poll => opcode == LLVMOpcode::LLVMLoad,
            Action::Store { .. } => opcode == LLVMOpcode::LLVMStore,
            Action::Order { .. } => matches!(opcode, LLVMOpcode::LLVMLoad | LLVMOpcode::LLVMStore),
            Action::Apply { .. } => matches!(opcode, LLVMOpcode::LLVMStore | LLVMOpcode::LLVMCall),
            Action::Count { .. } | Action::Guard { .. } => true,
            _ => opcode == LLVMOpcode::LLVMCall,
        };
        if !fits {
            return Err(format!(
                "IT0405: site {} of `{}` is no instruction that `{:?}` fits",
                site.ordinal, site.function, action
            ));
        }
        match action {
            Action::Call(c) => self.external_call(id, inst, c),
            Action::Load { how, raced } => {
                self.load(id, inst, Look::As(*how), *raced);
                Ok(())
            }
            Action::Store { checked, raced } => {
                self.see(inst, *raced);
                if *checked {
                    self.store(inst);
                }
                Ok(())
            }
            Action::Order { checked } => {
                if opcode == LLVMOpcode::LLVMLoad { self.ordered_load(id, inst, *checked) } else { self.ordered_store(inst) }
                Ok(())
            }
            Action::Apply { writes } => self.apply(id, inst, writes),
            // Crossings are made where the functions are, see `boundary`.
            Action::Downcall { .. } | Action::Upcall { .. } => Ok(()),
            Action::Alloc { runtime, objid } => {
                if plan.cut == CutMode::Profile {
                    self.count_execution(id, inst);
                }
                self.allocation(inst, runtime, Some(*objid))
            }
            Action::Replace { runtime } => {
                if plan.cut == CutMode::Profile {
                    self.count_execution(id, inst);
                }
                self.allocation(inst, runtime, None)
            }
            Action::Redirect { to } => {
                let f = self.ir.function(to).ok_or_else(|| unknown(to))?;
                self.ir.set_callee(inst, self.ir.call_type(inst), f);
                Ok(())
            }
            Action::Refuse { then, .. } => {
                self.ir.before(inst);
                self.hook("__itarget_refuse", &[self.ir.int(self.ir.i32, u64::from(id))]);
                then.as_ref().map_or(Ok(()), |then| self.act(id, inst, site, then, plan))
            }
            Action::Guard { operands } => {
                self.guard(id, inst, operands);
                Ok(())
            }
            Action::Stage { args } => {
                self.stage(id, inst, args);
                Ok(())
            }
            Action::Atomic { replayed } => {
                self.atomic(id, inst, *replayed);
                Ok(())
            }
            Action::Callee { foreign } => {
                self.callee_check(id, inst, *foreign);
                Ok(())
            }
            Action::Poll => {
                self.poll(id, inst);
                Ok(())
            }
            Action::Count { writes, reads, show } => self.count(id, inst, writes, reads, *show),
        }
    }

    /// Calls a hook where the builder is.
    fn hook(&self, name: &str, args: &[Value]) -> Value {
        let (f, ty) = self.hooks.get(name);
        self.ir.call(f, ty, args)
    }

    /// The lowest byte of `mode` of the control page, where the builder is: not 0 if what is being made is in force.
    fn mode(&self) -> Value {
        if self.accompanied.get() { self.mode_accompanied() } else { self.ir.load(self.ir.i8, self.control) }
    }

    /// The same, once the process is not alone.
    fn mode_accompanied(&self) -> Value {
        let offset = std::mem::offset_of!(itarget_abi::control::Control, accompanied);
        self.ir.load(self.ir.i8, self.ir.offset(self.control, offset as u64))
    }

    /// `address >= bound` of the control page, where the builder is.
    fn above(&self, address: Value) -> Value {
        self.at_least(address, std::mem::offset_of!(itarget_abi::control::Control, bound))
    }

    /// `address >= missing` of the control page, where the builder is.
    fn missing(&self, address: Value) -> Value {
        self.at_least(address, std::mem::offset_of!(itarget_abi::control::Control, missing))
    }

    /// `address >= bound_alone` of the control page, where the builder is.
    fn above_alone(&self, address: Value) -> Value {
        self.at_least(address, std::mem::offset_of!(itarget_abi::control::Control, bound_alone))
    }

    fn at_least(&self, address: Value, offset: usize) -> Value {
        let bound = self.ir.load(self.ir.i64, self.ir.offset(self.control, offset as u64));
        self.ir.icmp(llvm_sys::LLVMIntPredicate::LLVMIntUGE, address, bound)
    }
}
