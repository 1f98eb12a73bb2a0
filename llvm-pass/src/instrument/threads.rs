//! What threads need: atomic operations in an order that is recorded, and thread-local variables below the bound.

use super::Cx;
use super::access::Look;
use crate::ir::{Ir, Value};
use itarget_abi::hooks::{ATOMIC_AGAIN, ATOMIC_DONE, ATOMIC_HELD, ATOMIC_RUN, tables};
use itarget_plan::{How, Plan, Raced};
use llvm_sys::core::*;
use llvm_sys::{LLVMAtomicOrdering, LLVMLinkage, LLVMOpcode, LLVMThreadLocalMode, LLVMTypeKind};

/// The thread's copy of the variables, made by the runtime on first use.
const LOCALS: &str = "__itarget_locals";
/// Bytes in front of the variables in the table.
const HEAD: u64 = 64;

/// Whether the program has atomic operations on more than a word (16 bytes), so that smaller ones may be on a part of that.
pub(super) fn has_wide(ir: &Ir) -> bool {
    let defined = ir.functions().into_iter().filter(|&f| !ir.is_declaration(f));
    defined.flat_map(|f| ir.instructions(f)).any(|i| {
        // SAFETY: a load or store.
        let atomic = || unsafe { LLVMGetOrdering(i) != LLVMAtomicOrdering::LLVMAtomicOrderingNotAtomic };
        let value = match ir.opcode(i) {
            LLVMOpcode::LLVMAtomicRMW | LLVMOpcode::LLVMAtomicCmpXchg => ir.operand(i, 1),
            LLVMOpcode::LLVMStore if atomic() => ir.operand(i, 0),
            LLVMOpcode::LLVMLoad if atomic() => i,
            _ => return false,
        };
        ir.store_size(ir.type_of(value)) > 8
    })
}

impl Cx<'_> {
    /// The place by which the order of an atomic operation is kept, where the builder is.
    fn place(&self, pointer: Value) -> Value {
        let ir = self.ir;
        if !self.wide {
            return pointer;
        }
        ir.int_to_ptr(ir.and(ir.ptr_to_int(pointer), ir.int(ir.i64, !15)))
    }

    /// An atomic load, store or read-modify-write of memory that several threads reach.
    ///
    /// ```text
    /// load:   log r; read(p)
    /// store:  f = begin(p); if f & (RUN | AGAIN) { *p = v }; if f & (HELD | DONE) { end() }
    /// other:  f = begin(p); if f & RUN { r = operation }; if f & HELD { end() }
    ///         log r
    ///         if f & AGAIN { *p = r; operation }; if f & DONE { end() }
    /// if replayed: as a store
    /// ```
    pub(super) fn atomic(&self, id: u32, inst: Value, replayed: bool) {
        let ir = self.ir;
        match ir.opcode(inst) {
            LLVMOpcode::LLVMLoad => {
                let pointer = ir.operand(inst, 0);
                let after = ir.next(inst);
                self.load(id, inst, Look::As(How::Always), Raced::Mapped);
                ir.before(after);
                let on = ir.nonzero(self.mode());
                let end = ir.if_then(on, after, true);
                ir.before(end);
                ir.debug_of(after);
                self.hook("__itarget_atomic_read", &[self.place(pointer)]);
            }
            LLVMOpcode::LLVMStore => self.atomic_store(inst),
            _ => self.read_modify_write(id, inst, replayed),
        }
    }

    fn atomic_store(&self, inst: Value) {
        let ir = self.ir;
        ir.before(inst);
        let on = ir.nonzero(self.mode());
        let (slow, fast) = ir.if_then_else(on, inst, true);
        ir.before(fast);
        ir.debug_of(inst);
        ir.copy(inst);
        ir.before(slow);
        ir.debug_of(inst);
        let said = self.hook("__itarget_atomic_begin", &[self.place(ir.operand(inst, 1))]);
        let make = ir.if_then(self.says(said, ATOMIC_RUN | ATOMIC_AGAIN), slow, false);
        ir.before(make);
        ir.debug_of(inst);
        ir.copy(inst);
        self.atomic_end(said, ATOMIC_HELD | ATOMIC_DONE, slow);
        ir.erase(inst);
    }

    fn read_modify_write(&self, id: u32, inst: Value, replayed: bool) {
        let ir = self.ir;
        if replayed && ir.opcode(inst) == LLVMOpcode::LLVMAtomicCmpXchg {
            // SAFETY: such an instruction. It must not fail at replay where it did not.
            unsafe { LLVMSetWeak(inst, 0) };
        }
        let ty = ir.type_of(inst);
        let pointer = ir.operand(inst, 0);
        ir.before(inst);
        let slot = ir.entry_alloca(self.function_of(inst), ty);
        ir.before(inst);
        let on = ir.nonzero(self.mode());
        let (slow, fast) = ir.if_then_else(on, inst, true);
        ir.before(fast);
        ir.debug_of(inst);
        ir.store(ir.copy(inst), slot);
        ir.before(slow);
        ir.debug_of(inst);
        let said = self.hook("__itarget_atomic_begin", &[self.place(pointer)]);
        let (run, end) = if replayed { (ATOMIC_RUN | ATOMIC_AGAIN, ATOMIC_HELD | ATOMIC_DONE) } else { (ATOMIC_RUN, ATOMIC_HELD) };
        let make = ir.if_then(self.says(said, run), slow, false);
        ir.before(make);
        ir.debug_of(inst);
        ir.store(ir.copy(inst), slot);
        self.atomic_end(said, end, slow);
        if !replayed {
            self.found_from_log(id, inst, (slot, said), slow);
        }
        ir.before(inst);
        let result = ir.load(ty, slot);
        ir.replace(inst, result);
        ir.erase(inst);
    }

    /// What an operation found goes through the log; a replay makes the operation with that.
    fn found_from_log(&self, id: u32, inst: Value, (slot, said): (Value, Value), slow: Value) {
        let ir = self.ir;
        let (ty, pointer) = (ir.type_of(inst), ir.operand(inst, 0));
        ir.before(slow);
        ir.debug_of(inst);
        let site = ir.int(ir.i32, u64::from(id));
        let pair = ir.kind(ty) == LLVMTypeKind::LLVMStructTypeKind;
        let found = if pair { ir.struct_fields(ty)[0] } else { ty };
        self.hook("__itarget_ldn", &[slot, slot, ir.int(ir.i64, ir.store_size(found)), site]);
        if pair {
            // Whether a compare-exchange exchanged lies behind what it found.
            let flag = ir.offset(slot, ir.store_size(found));
            self.hook("__itarget_ldn", &[flag, flag, ir.int(ir.i64, 1), site]);
        }
        let again = ir.if_then(self.says(said, ATOMIC_AGAIN), slow, true);
        ir.before(again);
        ir.debug_of(inst);
        ir.store(ir.load(found, slot), pointer);
        ir.copy(inst);
        self.atomic_end(said, ATOMIC_DONE, slow);
    }

    /// Tells that the operation is made, if that is wanted.
    fn atomic_end(&self, said: Value, when: i32, before: Value) {
        let ir = self.ir;
        ir.before(before);
        let end = ir.if_then(self.says(said, when), before, false);
        ir.before(end);
        ir.debug_of(before);
        self.hook("__itarget_atomic_end", &[]);
    }

    /// Whether the answer has one of these flags, where the builder is.
    fn says(&self, said: Value, flags: i32) -> Value {
        let ir = self.ir;
        ir.nonzero(ir.and(said, ir.int(ir.i32, flags as u64)))
    }

    /// Gives the program's thread-local variables a place in a block of the thread's, below the bound.
    pub(super) fn thread_locals(&self, plan: &Plan) {
        let ir = self.ir;
        let mut at = HEAD;
        let mut init = vec![ir.int(ir.i64, 0); 8];
        let mut places: Vec<(Value, u64)> = vec![];
        for g in ir.globals() {
            // SAFETY: globals of the module.
            let (local, align) = unsafe { (LLVMIsThreadLocal(g) != 0 && !ir.is_declaration(g), LLVMGetAlignment(g)) };
            let Some(value) = ir.initializer(g).filter(|_| local) else { continue };
            let align = u64::from(align.clamp(16, 64));
            let padding = at.next_multiple_of(align) - at;
            if padding > 0 {
                init.push(ir.zero(ir.array_type(ir.i8, padding)));
            }
            at += padding;
            init.push(value);
            places.push((g, at - HEAD));
            at += ir.abi_size(ir.global_type(g));
        }
        if places.is_empty() {
            return;
        }
        init[0] = ir.int(ir.i64, at - HEAD);
        // Whether some of them are the environment's: a digest leaves them out.
        init[1] = ir.int(ir.i64, u64::from(places.iter().any(|(g, _)| plan.environment_globals.binary_search(&ir.name(*g)).is_ok())));
        let image = ir.add_global(tables::TLS, ir.const_struct(&init));
        ir.set_linkage(image, LLVMLinkage::LLVMExternalLinkage);
        ir.set_name(image, tables::TLS);
        ir.keep(image);
        let locals = ir.declare_global(LOCALS, ir.ptr);
        // SAFETY: a declaration; the runtime has the variable in the executable.
        unsafe { LLVMSetThreadLocalMode(locals, LLVMThreadLocalMode::LLVMLocalExecTLSModel) };
        let is_address = |f: Value| ir.name(f).starts_with("llvm.threadlocal.address");
        let functions = ir.functions().into_iter().filter(|&f| !ir.is_declaration(f));
        let calls: Vec<Value> = functions
            .flat_map(|f| ir.instructions(f))
            .filter(|&i| ir.opcode(i) == LLVMOpcode::LLVMCall && ir.called_function(i).is_some_and(is_address))
            .collect();
        for call in calls {
            let variable = ir.operand(call, 0);
            let Some((_, place)) = places.iter().find(|(g, _)| *g == variable) else { continue };
            ir.before(call);
            let base = ir.load(ir.ptr, locals);
            let missing = ir.icmp(llvm_sys::LLVMIntPredicate::LLVMIntEQ, ir.ptr_to_int(base), ir.int(ir.i64, 0));
            let (slow, fast) = ir.if_then_else(missing, call, true);
            ir.before(slow);
            ir.debug_of(call);
            let made = self.hook("__itarget_tls", &[]);
            ir.before(call);
            let base = ir.phi(ir.ptr, &[(made, ir.block_of(slow)), (base, ir.block_of(fast))]);
            let address = ir.offset(base, *place);
            ir.replace(call, address);
            ir.erase(call);
        }
    }
}
