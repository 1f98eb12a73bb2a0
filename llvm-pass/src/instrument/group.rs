//! Loads that may race, compared with the thread's view where they stand (see `itarget_abi::view`). Those of a stretch of code without
//! a call are a group: they are counted at once, before the first, so that a load costs a comparison. What is not as the view has it goes to the runtime.

use super::Cx;
use crate::ir::Value;
use itarget_abi::hooks::{APART, RACE};
use itarget_abi::layout;
use itarget_abi::view::{self, GROUP, REST_SHIFT};
use itarget_plan::{Action, Alone, How, Plan, Raced, Site};
use llvm_sys::core::{
    LLVMGetAlignment, LLVMGetVolatile, LLVMIsAConstantExpr, LLVMIsAGetElementPtrInst, LLVMIsAGlobalVariable, LLVMSetAlignment, LLVMSetThreadLocalMode, LLVMSetVolatile,
};
use llvm_sys::{LLVMIntPredicate, LLVMOpcode, LLVMThreadLocalMode};
use std::collections::{BTreeSet, HashMap};

/// What groups have of a load.
#[derive(Clone, Copy)]
struct Kind {
    /// Only once the process is not alone.
    accompanied: bool,
    /// The address tells whether it may race; then as the hook is called that knows.
    located: Option<&'static str>,
}

/// Whether a site is a load that a group may have. One that is something else as long as the process is alone is not: there it costs less by itself.
fn joins(site: &Site) -> Option<Kind> {
    let (Action::Load { how, raced }, Alone::Same | Alone::Nothing) = (&site.action, &site.alone) else { return None };
    let located = match (how, raced) {
        (How::Always, Raced::Yes) => None,
        (How::Always, Raced::Mapped) => Some("_mapped"),
        (How::Located, Raced::Yes | Raced::Mapped) => Some("_at"),
        (How::OnStack, Raced::Yes | Raced::Mapped) => Some("_st"),
        (How::InFrames, Raced::Yes | Raced::Mapped) => Some("_fr"),
        _ => return None,
    };
    Some(Kind { accompanied: site.alone != Alone::Same, located })
}

impl Cx<'_> {
    /// Makes the groups of the module, whose sites are `work`; gives the numbers of those that are done with it.
    pub(super) fn groups(&self, work: &[(u32, Value)], plan: &Plan) -> BTreeSet<u32> {
        let ir = self.ir;
        let sites: HashMap<Value, u32> = work.iter().map(|&(id, inst)| (inst, id)).collect();
        let with: BTreeSet<Value> = work.iter().filter(|(id, _)| joins(&plan.sites[*id as usize]).is_some()).map(|&(_, inst)| self.function_of(inst)).collect();
        let mut done = BTreeSet::new();
        for f in with {
            let mut group: Vec<(u32, Value)> = vec![];
            let mut last = (None, false);
            for inst in ir.instructions(f) {
                let id = sites.get(&inst).copied();
                let site = id.map(|id| &plan.sites[id as usize]);
                let kind = site.and_then(joins).filter(|_| self.is_word(ir.type_of(inst)) && !is_volatile(inst) && id < Some(1 << REST_SHIFT));
                let Some(Kind { accompanied, .. }) = kind else {
                    if self.separates(inst, site) {
                        self.group(&mut group, last.1, plan);
                    }
                    continue;
                };
                let here = (Some(ir.block_of(inst)), accompanied);
                if here != last || group.len() == GROUP {
                    self.group(&mut group, last.1, plan);
                }
                last = here;
                group.extend(id.map(|id| (id, inst)));
                done.extend(id);
            }
            self.group(&mut group, last.1, plan);
        }
        done
    }

    /// Whether a load behind this instruction may not be counted before it: what runs there may end the run, or not come back. That may be a fault, too, whose
    /// handler has loads of its own before this goes on.
    fn separates(&self, inst: Value, site: Option<&Site>) -> bool {
        let ir = self.ir;
        match (site.map(|s| &s.action), ir.opcode(inst)) {
            (Some(Action::Store { checked, .. }), _) => *checked || self.may_fault(inst, 1),
            (Some(_), _) => true,
            (None, LLVMOpcode::LLVMCall) => {
                let name = ir.called_function(inst).map(|f| ir.name(f)).unwrap_or_default();
                !["llvm.dbg.", "llvm.lifetime.", "llvm.assume", "llvm.expect."].iter().any(|harmless| name.starts_with(harmless))
            }
            (None, LLVMOpcode::LLVMLoad) => is_volatile(inst) || self.may_fault(inst, 0),
            (None, LLVMOpcode::LLVMStore) => is_volatile(inst) || self.may_fault(inst, 1),
            (None, opcode) => matches!(
                opcode,
                LLVMOpcode::LLVMInvoke | LLVMOpcode::LLVMFence | LLVMOpcode::LLVMAtomicRMW | LLVMOpcode::LLVMAtomicCmpXchg | LLVMOpcode::LLVMVAArg | LLVMOpcode::LLVMCallBr
            ),
        }
    }

    /// Whether an access may be of memory that is not there: by another address than that of a variable.
    fn may_fault(&self, inst: Value, operand: u32) -> bool {
        let ir = self.ir;
        let mut pointer = ir.operand(inst, operand);
        // SAFETY: values of the module.
        while unsafe { !LLVMIsAGetElementPtrInst(pointer).is_null() } {
            pointer = ir.operand(pointer, 0);
        }
        // SAFETY: as above.
        !ir.is_alloca(pointer) && unsafe { LLVMIsAGlobalVariable(pointer).is_null() && LLVMIsAConstantExpr(pointer).is_null() }
    }

    /// Makes one of these loads, in their order.
    fn group(&self, group: &mut Vec<(u32, Value)>, accompanied: bool, plan: &Plan) {
        let ir = self.ir;
        let Some(&(_, first)) = group.first() else { return };
        ir.before(first);
        ir.debug_of(first);
        let on = ir.nonzero(if accompanied { self.mode_accompanied() } else { self.mode() });
        let then = ir.if_then(on, first, false);
        ir.before(then);
        ir.debug_of(first);
        let hits = self.thread_address(view::HITS_SYMBOL);
        let left = ir.add(ir.load(ir.i64, hits), ir.int(ir.i64, (group.len() as u64).wrapping_neg()));
        let stored = ir.store(left, hits);
        // What a fault finds is what was counted.
        // SAFETY: a store.
        unsafe { LLVMSetVolatile(stored, 1) };
        let none = ir.icmp(LLVMIntPredicate::LLVMIntSLT, left, ir.int(ir.i64, 0));
        ir.before(first);
        let counted = ir.block_of(then);
        // They are not compared here: it is not in force, or the open run does not take them all, so that they go to the runtime, as at replay always. Nor are those
        // behind one that is no hit.
        let mut elsewhere = ir.phi(ir.i1, &[(none, counted), (ir.int(ir.i1, 1), ir.block_before_then(counted))]);
        let n = group.len();
        for (i, (id, load)) in group.drain(..).enumerate() {
            elsewhere = self.member(id, load, (on, elsewhere, n - 1 - i), &plan.sites[id as usize]);
        }
    }

    /// A load of a group, of which `rest` are still to come; gives what `elsewhere` is for the next.
    fn member(&self, id: u32, load: Value, (on, elsewhere, rest): (Value, Value, usize), site: &Site) -> Value {
        let located = joins(site).and_then(|kind| kind.located);
        let ir = self.ir;
        let ty = ir.type_of(load);
        let pointer = ir.operand(load, 0);
        let size = ir.store_size(ty);
        let int = ir.int_type(size as u32 * 8);
        ir.before(load);
        ir.debug_of(load);
        let elsewhere = if located.is_some() { ir.or(elsewhere, ir.not(self.is_shared(ir.ptr_to_int(pointer)))) } else { elsewhere };
        let (elsewhere_end, here_end) = ir.if_then_else(elsewhere, load, false);
        ir.before(elsewhere_end);
        let (missed_end, off_end) = ir.if_then_else(on, elsewhere_end, false);
        let missed_block = ir.block_of(missed_end);
        ir.before(missed_end);
        ir.debug_of(load);
        let apart = matches!(site.action, Action::Load { raced: Raced::Mapped, .. });
        let number = ir.int(ir.i32, u64::from(if apart { id | APART } else { id }) | (rest as u64) << REST_SHIFT);
        let missed = ir.int_cast(self.hook(&format!("{RACE}{}_missed{size}", located.unwrap_or_default()), &[pointer, number]), int, false);
        let missed = self.word_as(missed, ty);
        ir.before(off_end);
        ir.debug_of(load);
        let copy = ir.copy(load);
        ir.before(elsewhere_end);
        let other = ir.phi(ty, &[(missed, missed_block), (copy, ir.block_of(off_end))]);
        ir.before(here_end);
        ir.debug_of(load);
        let value = ir.load(int, pointer);
        let seen = ir.load(int, self.in_view(pointer));
        // What is compared is what the program gets: memory is read once.
        // SAFETY: loads.
        unsafe {
            LLVMSetVolatile(value, 1);
            LLVMSetAlignment(value, LLVMGetAlignment(load));
            LLVMSetAlignment(seen, 1);
        }
        let differs = ir.icmp(LLVMIntPredicate::LLVMIntNE, value, seen);
        let value = self.word_as(value, ty);
        let here = ir.block_of(here_end);
        ir.branch_instead(here_end, differs, missed_block, ir.block_of(load));
        ir.before(load);
        let elsewhere_block = ir.block_of(elsewhere_end);
        let phi = ir.phi(ty, &[(value, here), (other, elsewhere_block)]);
        let next = ir.phi(ir.i1, &[(ir.int(ir.i1, 0), here), (ir.int(ir.i1, 1), elsewhere_block)]);
        ir.replace(load, phi);
        ir.erase(load);
        next
    }

    /// Whether an address is of the heap that threads may share, and they may by now.
    fn is_shared(&self, address: Value) -> Value {
        let ir = self.ir;
        let arena = ir.lshr(address, u64::from(layout::ARENA_SIZE.trailing_zeros()));
        let shared = ir.icmp(LLVMIntPredicate::LLVMIntEQ, arena, ir.int(ir.i64, layout::SHARED_BASE / layout::ARENA_SIZE));
        ir.and(shared, self.above(address))
    }

    /// Where the thread's view has an address.
    pub(super) fn in_view(&self, pointer: Value) -> Value {
        let ir = self.ir;
        let at = ir.int_cast(ir.int_cast(ir.ptr_to_int(pointer), ir.int_type(view::BITS), false), ir.i64, false);
        ir.element(ir.i8, self.thread_address(view::SYMBOL), at)
    }

    /// What a thread-local variable of the runtime has. It is another address at replay: none may be in a register across a call, for `setjmp` keeps these in memory of the program's.
    fn thread_address(&self, symbol: &str) -> Value {
        let ir = self.ir;
        let variable = ir.declare_global(symbol, ir.ptr);
        // SAFETY: a declaration; the runtime has the variable in the executable.
        unsafe { LLVMSetThreadLocalMode(variable, LLVMThreadLocalMode::LLVMLocalExecTLSModel) };
        ir.load(ir.ptr, variable)
    }
}

fn is_volatile(inst: Value) -> bool {
    // SAFETY: an instruction that accesses memory.
    unsafe { LLVMGetVolatile(inst) != 0 }
}
