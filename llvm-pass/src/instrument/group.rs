//! Loads that may race, compared with the thread's view where they stand (see `itarget_abi::view`). Those of a stretch of code without
//! a call are a group: they are counted at once, before the first, so that a load costs a comparison. What is not as the view has it goes to the runtime.

use super::Cx;
use super::access::Look;
use crate::ir::Value;
use itarget_abi::hooks::{APART, RACE};
use itarget_abi::layout;
use itarget_abi::view::{self, GROUP, REST_SHIFT};
use itarget_plan::{Action, Alone, How, Plan, Raced, Site};
use llvm_sys::core::{
    LLVMGetAlignment, LLVMGetVolatile, LLVMIsAConstantExpr, LLVMIsAGetElementPtrInst, LLVMIsAGlobalVariable, LLVMSetAlignment, LLVMSetThreadLocalMode, LLVMSetVolatile,
};
use llvm_sys::prelude::LLVMBasicBlockRef;
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

/// A load of a group, of which `rest` are still to come.
#[derive(Clone, Copy)]
struct Member<'a> {
    id: u32,
    load: Value,
    site: &'a Site,
    rest: usize,
}

impl Member<'_> {
    /// As [`Kind::located`].
    fn located(&self) -> Option<&'static str> {
        joins(self.site, true).and_then(|kind| kind.located)
    }

    /// Whether the address alone says what it is as long as the process is alone, and all are logged once it is not.
    fn bounded(&self) -> bool {
        let Alone::Other(alone) = &self.site.alone else { return false };
        matches!((&self.site.action, &**alone), (Action::Load { how: How::Always, .. }, Action::Load { how: How::Checked, .. }))
    }
}

/// What is so where a load of a group stands.
#[derive(Clone, Copy)]
struct Counted {
    /// Whether it is in force.
    on: Value,
    /// It is not compared here: it is not in force, or the open run does not take all of the group, so that they go to the runtime, as at replay always.
    /// Nor is one behind one that is no hit.
    elsewhere: Value,
}

/// Whether a site is a load that a group may have. One that is something else as long as the process is alone only is if it is `expected` to run later: before, it costs less by itself.
fn joins(site: &Site, expected: bool) -> Option<Kind> {
    let Action::Load { how, raced } = &site.action else { return None };
    if matches!(site.alone, Alone::Other(_)) && !expected {
        return None;
    }
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
    pub(super) fn groups(&self, work: &[(u32, Value)], plan: &Plan) -> Result<BTreeSet<u32>, String> {
        let ir = self.ir;
        let sites: HashMap<Value, u32> = work.iter().map(|&(id, inst)| (inst, id)).collect();
        let accompanied: BTreeSet<&str> = plan.accompanied.iter().map(String::as_str).collect();
        let joins = |site: &Site| joins(site, accompanied.contains(site.function.as_str()));
        let with: BTreeSet<Value> = work.iter().filter(|(id, _)| joins(&plan.sites[*id as usize]).is_some()).map(|&(_, inst)| self.function_of(inst)).collect();
        let mut done = BTreeSet::new();
        for f in with {
            let mut group: Vec<(u32, Value)> = vec![];
            let mut last = (None, false);
            for inst in ir.instructions(f) {
                let id = sites.get(&inst).copied();
                let site = id.map(|id| &plan.sites[id as usize]);
                let kind = site.and_then(&joins).filter(|_| self.is_word(ir.type_of(inst)) && !is_volatile(inst) && id < Some(1 << REST_SHIFT));
                let Some(Kind { accompanied, .. }) = kind else {
                    if self.separates(inst, site) {
                        self.group(&mut group, last.1, plan)?;
                    }
                    continue;
                };
                let here = (Some(ir.block_of(inst)), accompanied);
                if here != last || group.len() == GROUP {
                    self.group(&mut group, last.1, plan)?;
                }
                last = here;
                group.extend(id.map(|id| (id, inst)));
                done.extend(id);
            }
            self.group(&mut group, last.1, plan)?;
        }
        Ok(done)
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
    fn group(&self, group: &mut Vec<(u32, Value)>, accompanied: bool, plan: &Plan) -> Result<(), String> {
        let n = group.len();
        let mut counted = None;
        for (i, (id, load)) in group.drain(..).enumerate() {
            let member = Member { id, load, site: &plan.sites[id as usize], rest: n - 1 - i };
            counted = Some(if member.bounded() {
                self.bounded(&member, (counted, accompanied, n), plan)?
            } else {
                let counted = counted.unwrap_or_else(|| self.count_group(load, accompanied, n));
                self.member(&member, counted, plan)?
            });
        }
        Ok(())
    }

    /// Counts the `n` loads of a group at once, before the first of them.
    fn count_group(&self, first: Value, accompanied: bool, n: usize) -> Counted {
        let ir = self.ir;
        ir.before(first);
        ir.debug_of(first);
        let on = ir.nonzero(not_analyzed(if accompanied { self.mode_accompanied() } else { self.mode() }));
        let then = ir.if_then(on, first, false);
        ir.before(then);
        ir.debug_of(first);
        let hits = self.thread_address(view::HITS_SYMBOL);
        let left = ir.add(not_analyzed(ir.load(ir.i64, hits)), ir.int(ir.i64, (n as u64).wrapping_neg()));
        let stored = ir.store(left, hits);
        // What a fault finds is what was counted.
        // SAFETY: a store.
        unsafe { LLVMSetVolatile(stored, 1) };
        let none = ir.icmp(LLVMIntPredicate::LLVMIntSLT, left, ir.int(ir.i64, 0));
        ir.before(first);
        let counted = ir.block_of(then);
        let elsewhere = ir.phi(ir.i1, &[(none, counted), (ir.int(ir.i1, 1), ir.block_before_then(counted))]);
        Counted { on, elsewhere }
    }

    /// A load of a group; gives what is so for the next.
    fn member(&self, m: &Member, Counted { on, elsewhere }: Counted, plan: &Plan) -> Result<Counted, String> {
        let ir = self.ir;
        let load = m.load;
        ir.before(load);
        ir.debug_of(load);
        // Such a load only comes here if it is one to ask for, or the process is not alone.
        let (elsewhere_end, here_end) = ir.if_then_else(self.not_here(m, elsewhere), load, m.bounded());
        ir.before(elsewhere_end);
        let (missed_end, off_end) = ir.if_then_else(on, elsewhere_end, true);
        let missed = self.missed(m, missed_end);
        ir.before(off_end);
        ir.debug_of(load);
        let off = if m.bounded() {
            let Action::Load { raced, .. } = m.site.action else { unreachable!("a load of a group") };
            self.logged_load(self.function_of(load), ir.operand(load, 0), ir.type_of(load), m.id, Look::Alone, raced)
        } else {
            ir.copy(load)
        };
        ir.before(elsewhere_end);
        let other = ir.phi(ir.type_of(load), &[(missed, ir.block_of(missed_end)), (off, ir.block_of(off_end))]);
        let elsewhere = self.compared(m, (here_end, ir.block_of(missed_end)), (other, ir.block_of(elsewhere_end)));
        match &m.site.alone {
            Alone::Other(alone) if !m.bounded() => self.act(m.id, off, m.site, alone, plan)?,
            _ => {}
        }
        Ok(Counted { on, elsewhere })
    }

    /// One whose address alone is asked for as long as the process is alone. That bound is 0 once it is not, so that the group is counted behind it if this is its first.
    fn bounded(&self, m: &Member, (counted, accompanied, n): (Option<Counted>, bool, usize), plan: &Plan) -> Result<Counted, String> {
        let ir = self.ir;
        let load = m.load;
        ir.before(load);
        ir.debug_of(load);
        let above = self.above_alone(ir.ptr_to_int(ir.operand(load, 0)));
        let (above_end, below_end) = ir.if_then_else(above, load, false);
        let [above, below] = [above_end, below_end].map(|end| {
            ir.before(end);
            ir.debug_of(load);
            ir.copy(load)
        });
        ir.before(load);
        ir.replace(load, ir.phi(ir.type_of(load), &[(above, ir.block_of(above_end)), (below, ir.block_of(below_end))]));
        let now = counted.unwrap_or_else(|| self.count_group(above, accompanied, n));
        let next = self.member(&Member { load: above, ..*m }, now, plan)?;
        ir.before(load);
        let either = |above: Value, below: Value| ir.phi(ir.i1, &[(above, ir.block_of(above_end)), (below, ir.block_of(below_end))]);
        let next = match counted {
            Some(before) => Counted { on: now.on, elsewhere: either(next.elsewhere, before.elsewhere) },
            None => Counted { on: either(now.on, ir.int(ir.i1, 0)), elsewhere: either(next.elsewhere, ir.int(ir.i1, 1)) },
        };
        ir.erase(load);
        Ok(next)
    }

    /// Whether a load is not compared here, where the builder is: nor is one whose address does not say that it may race.
    fn not_here(&self, m: &Member, elsewhere: Value) -> Value {
        let ir = self.ir;
        if m.located().is_none() {
            return elsewhere;
        }
        ir.or(elsewhere, ir.not(self.is_shared(ir.ptr_to_int(ir.operand(m.load, 0)))))
    }

    /// What the runtime gives for a load, before `end`.
    fn missed(&self, m: &Member, end: Value) -> Value {
        let ir = self.ir;
        let ty = ir.type_of(m.load);
        let size = ir.store_size(ty);
        ir.before(end);
        ir.debug_of(m.load);
        let apart = matches!(m.site.action, Action::Load { raced: Raced::Mapped, .. });
        let number = ir.int(ir.i32, u64::from(if apart { m.id | APART } else { m.id }) | (m.rest as u64) << REST_SHIFT);
        let kind = m.located().unwrap_or_default();
        let given = self.hook(&format!("{RACE}{kind}_missed{size}"), &[ir.operand(m.load, 0), number]);
        self.word_as(ir.int_cast(given, ir.int_type(size as u32 * 8), false), ty)
    }

    /// Makes a load where the block with the end `here` is, and compares it: it is in `missed` again if it is not as the view has it. Those that
    /// are not made there have another value from another block. Gives whether it was not that for the next.
    fn compared(&self, m: &Member, (here, missed): (Value, LLVMBasicBlockRef), (other, other_block): (Value, LLVMBasicBlockRef)) -> Value {
        let ir = self.ir;
        let load = m.load;
        let (ty, pointer) = (ir.type_of(load), ir.operand(load, 0));
        let int = ir.int_type(ir.store_size(ty) as u32 * 8);
        ir.before(here);
        ir.debug_of(load);
        let value = ir.load(int, pointer);
        let seen = not_analyzed(ir.load(int, self.in_view(pointer)));
        // What is compared is what the program gets: memory is read once.
        // SAFETY: loads.
        unsafe {
            LLVMSetVolatile(value, 1);
            LLVMSetAlignment(value, LLVMGetAlignment(load));
            LLVMSetAlignment(seen, 1);
        }
        let differs = ir.icmp(LLVMIntPredicate::LLVMIntNE, value, seen);
        let value = self.word_as(value, ty);
        let here_block = ir.block_of(here);
        ir.branch_instead(here, differs, missed, ir.block_of(load));
        ir.before(load);
        let phi = ir.phi(ty, &[(value, here_block), (other, other_block)]);
        let elsewhere = ir.phi(ir.i1, &[(ir.int(ir.i1, 0), here_block), (ir.int(ir.i1, 1), other_block)]);
        ir.replace(load, phi);
        ir.erase(load);
        elsewhere
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
        not_analyzed(ir.load(ir.ptr, variable))
    }
}

/// A load that the optimizer does not look for elsewhere: with so many of them that takes most of a link's time, and finds nothing that is worth a register.
fn not_analyzed(load: Value) -> Value {
    // SAFETY: a load.
    unsafe { LLVMSetVolatile(load, 1) };
    load
}

fn is_volatile(inst: Value) -> bool {
    // SAFETY: an instruction that accesses memory.
    unsafe { LLVMGetVolatile(inst) != 0 }
}
