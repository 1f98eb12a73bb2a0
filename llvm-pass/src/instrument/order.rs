//! Accesses that threads may race for: the thread's table of shadow memory says whether they may be made at once.
//!
//! ```text
//! load:   v = *p;  if mask { left -= 1; if table[slot(p) & mask] < read || left == 0 { v = order_load(p) } }
//! store:  if mask { left -= 1; if table[slot(p) & mask] < write || left == 0 { order_store(p) } }  *p = v
//! ```
//! A load looks after it has read, a store before it writes (`runtime/src/shadow`).

use super::Cx;
use super::access::{Look, MOST_WORDS};
use super::call::Wrapper;
use crate::ir::{Type, Value};
use itarget_abi::shadow::{Access, FOLD_SHIFT, LINE, LINE_SHIFT, SYMBOL};
use itarget_plan::{Call, How, Ordered, Raced};
use llvm_sys::core::*;
use llvm_sys::{LLVMIntPredicate, LLVMThreadLocalMode, LLVMTypeKind};
use std::mem::offset_of;

/// Most bytes of a call's access that are looked at inline: they lie in two lines at most.
const SMALL: u64 = LINE;

impl Cx<'_> {
    /// A load. `checked`: it may also be one of memory of the environment above the bound.
    pub(super) fn ordered_load(&self, id: u32, load: Value, checked: bool) {
        let ir = self.ir;
        let ty = ir.type_of(load);
        let (pointer, size) = (ir.operand(load, 0), ir.store_size(ty));
        // SAFETY: a load.
        let (volatile, align) = unsafe { (LLVMGetVolatile(load) != 0, LLVMGetAlignment(load)) };
        if volatile {
            self.poll(id, load);
        }
        ir.before(load);
        let slot = ir.entry_alloca(self.function_of(load), ty);
        let mut here = load;
        if checked {
            ir.before(load);
            let above = self.above(ir.ptr_to_int(pointer));
            let (slow, fast) = ir.if_then_else(above, load, true);
            ir.before(slow);
            ir.debug_of(load);
            let v = self.hook_load(("__itarget_order_ck", "__itarget_order_ckn"), pointer, ty, size, id, slot);
            ir.store(v, slot);
            here = fast;
        }
        ir.before(here);
        ir.debug_of(load);
        let v = ir.copy(load);
        ir.store(v, slot);
        let on = self.looks();
        let then = ir.if_then(on, here, false);
        ir.before(then);
        ir.debug_of(load);
        // What was read is read before the table is looked at.
        ir.compiler_fence();
        let bad = self.must_ask(pointer, size, u64::from(align), false);
        let ask = ir.if_then(bad, then, true);
        ir.before(ask);
        ir.debug_of(load);
        let v = self.hook_load(("__itarget_order_load", "__itarget_order_loadn"), pointer, ty, size, id, slot);
        ir.store(v, slot);
        ir.before(load);
        let result = ir.load(ty, slot);
        ir.replace(load, result);
        ir.erase(load);
    }

    /// A store.
    pub(super) fn ordered_store(&self, store: Value) {
        let ir = self.ir;
        let pointer = ir.operand(store, 1);
        let size = ir.store_size(ir.type_of(ir.operand(store, 0)));
        // SAFETY: a store.
        let align = u64::from(unsafe { LLVMGetAlignment(store) });
        ir.before(store);
        let on = self.looks();
        let then = ir.if_then(on, store, false);
        ir.before(then);
        ir.debug_of(store);
        let bad = self.must_ask(pointer, size, align, true);
        let ask = ir.if_then(bad, then, true);
        ir.before(ask);
        ir.debug_of(store);
        self.hook("__itarget_order_store", &[pointer, ir.int(ir.i64, size)]);
    }

    /// A copy of so few bytes that loads and stores do it. False: it is none.
    pub(super) fn small_copy(&self, id: u32, call: Value, plan: &Call) -> bool {
        let ir = self.ir;
        let copies = ["llvm.memcpy", "llvm.memmove"].iter().any(|n| ir.called_function(call).is_some_and(|f| ir.name(f).starts_with(n)));
        if !copies || plan.locale || plan.varies.is_some() || plan.blind {
            return false;
        }
        let Some(bytes) = ir.const_int(ir.operand(call, 2)).and_then(|n| u64::try_from(n).ok()).filter(|n| *n > 0) else { return false };
        let ordered = |write| plan.ordered.iter().any(|o| o.write == write);
        let source: &[u32] = if plan.how == How::Always { &[] } else { &[1] };
        let raced = plan.writes.iter().any(|w| w.copied == Some(1)) && plan.ordered.is_empty() && plan.pointers == source;
        if raced && (matches!(bytes, 1 | 2 | 4) || bytes % 8 == 0 && bytes <= MOST_WORDS * 8) {
            let how = match plan.how {
                How::Always => How::Always,
                _ if plan.located.is_empty() => How::Checked,
                _ if !plan.on_stack.is_empty() => How::OnStack,
                _ if !plan.in_frames.is_empty() => How::InFrames,
                _ => How::Located,
            };
            let loads = self.copy_by_words(call, bytes);
            loads.iter().for_each(|(load, store)| {
                self.see(*store, Raced::Mapped);
                self.load(id, *load, Look::As(how), Raced::Mapped);
            });
            ir.erase(call);
            return true;
        }
        if plan.how != How::Checked || !plan.pointers.is_empty() || !matches!(bytes, 1 | 2 | 4 | 8) {
            return false;
        }
        for (load, store) in self.copy_by_words(call, bytes) {
            if ordered(true) {
                self.ordered_store(store);
            }
            if ordered(false) {
                self.ordered_load(id, load, false);
            }
        }
        ir.erase(call);
        true
    }

    /// Before a call that copies `bytes` bytes (1, 2, 4, or words of 8): loads, then stores, that do the same.
    fn copy_by_words(&self, call: Value, bytes: u64) -> Vec<(Value, Value)> {
        let ir = self.ir;
        let size = bytes.min(8);
        let ty = ir.int_type(size as u32 * 8);
        ir.before(call);
        ir.debug_of(call);
        let at = |operand, offset| if offset == 0 { ir.operand(call, operand) } else { ir.offset(ir.operand(call, operand), offset) };
        let offsets = (0..bytes / size).map(|i| i * size);
        let loads: Vec<Value> = offsets.clone().map(|offset| ir.load(ty, at(1, offset))).collect();
        let copied: Vec<(Value, Value)> = loads.into_iter().zip(offsets).map(|(v, offset)| (v, ir.store(v, at(0, offset)))).collect();
        for v in copied.iter().flat_map(|(load, store)| [*load, *store]) {
            // SAFETY: a load or a store just made; nothing is known of the addresses, and volatile copies stay so.
            unsafe {
                LLVMSetAlignment(v, 1);
                LLVMSetVolatile(v, i32::from(ir.const_int(ir.operand(call, 3)) != Some(0)));
            }
        }
        copied
    }

    /// Before a call, in its wrapper: `1` as an `i32` if something that it reads must be logged. `hold`: the call reads it as it is made.
    pub(super) fn ordered_call(&self, w: &Wrapper, ordered: &[Ordered], hold: bool) -> Value {
        let ir = self.ir;
        let mut any = ir.int(ir.i32, 0);
        for access in ordered {
            let Some(&p) = w.args.get(access.arg as usize) else { continue };
            if ir.kind(ir.type_of(p)) != LLVMTypeKind::LLVMPointerTypeKind {
                continue;
            }
            let len = match &access.len {
                Some(len) => self.room(w, len, None),
                None => ir.int(ir.i64, i64::MAX as u64),
            };
            let hook = if access.write { "__itarget_order_writes" } else { "__itarget_order_reads" };
            let racy = self.hook(hook, &[p, len, ir.int(ir.i64, access.most)]);
            if !access.write {
                any = ir.or(any, racy);
            }
        }
        if hold {
            any = ir.or(any, self.hook("__itarget_order_hold", &[]));
        }
        any
    }

    fn hook_load(&self, (small, large): (&str, &str), pointer: Value, ty: Type, size: u64, id: u32, slot: Value) -> Value {
        let ir = self.ir;
        let site = ir.int(ir.i32, u64::from(id));
        if self.is_word(ty) {
            let v = self.hook(small, &[pointer, ir.int(ir.i32, size), site]);
            return self.word_as(v, ty);
        }
        self.hook(large, &[pointer, slot, ir.int(ir.i64, size), site]);
        ir.load(ty, slot)
    }

    /// The thread looks at shadow memory at all.
    pub(super) fn looks(&self) -> Value {
        self.ir.nonzero(self.of_access(offset_of!(Access, mask)))
    }

    /// A member of the thread's [`Access`].
    fn of_access(&self, offset: usize) -> Value {
        self.ir.load(self.ir.i64, self.ir.offset(self.access(), offset as u64))
    }

    /// The thread-local variable.
    fn access(&self) -> Value {
        let ir = self.ir;
        let v = ir.declare_global(SYMBOL, ir.array_type(ir.i64, (size_of::<Access>() / 8) as u64));
        // SAFETY: a declaration; the runtime has the variable in the executable.
        unsafe { LLVMSetThreadLocalMode(v, LLVMThreadLocalMode::LLVMLocalExecTLSModel) };
        v
    }

    /// Counts an access, and finds out whether it can't be made at once.
    fn must_ask(&self, pointer: Value, size: u64, align: u64, write: bool) -> Value {
        let ir = self.ir;
        let left_at = ir.offset(self.access(), offset_of!(Access, left) as u64);
        let left = ir.add(ir.load(ir.i64, left_at), ir.int(ir.i64, u64::MAX));
        ir.store(left, left_at);
        let due = ir.icmp(LLVMIntPredicate::LLVMIntEQ, left, ir.int(ir.i64, 0));
        let limit = self.of_access(if write { offset_of!(Access, write) } else { offset_of!(Access, read) });
        let mask = self.of_access(offset_of!(Access, mask));
        let table = ir.int_to_ptr(self.of_access(offset_of!(Access, table)));
        let first = ir.ptr_to_int(pointer);
        let mut bad = ir.or(due, self.forbidden(first, (table, mask, limit)));
        // What is aligned lies in one line.
        if size > align || size > LINE {
            let last = ir.add(first, ir.int(ir.i64, size.min(SMALL) - 1));
            bad = ir.or(bad, self.forbidden(last, (table, mask, limit)));
            if size > SMALL {
                bad = ir.int(ir.i1, 1);
            }
        }
        bad
    }

    fn forbidden(&self, address: Value, (table, mask, limit): (Value, Value, Value)) -> Value {
        let ir = self.ir;
        let line = ir.lshr(address, u64::from(LINE_SHIFT));
        let folded = ir.xor(line, ir.lshr(address, u64::from(FOLD_SHIFT)));
        let word = ir.load(ir.i64, ir.element(ir.i64, table, ir.and(folded, mask)));
        // SAFETY: a load: others may change what is there.
        unsafe { LLVMSetVolatile(word, 1) };
        ir.icmp(LLVMIntPredicate::LLVMIntSLT, word, limit)
    }
}

