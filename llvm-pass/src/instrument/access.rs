//! Loads of environment values, stores that may hit memory a replay does not map, safe points.

use super::Cx;
use crate::ir::{Type, Value};
use itarget_abi::hooks::{APART, RACE, STAGE_ALWAYS, STAGE_ORDERED, STAGE_READ};
use itarget_abi::{layout, view};
use itarget_plan::{How, Raced, Staged};
use llvm_sys::LLVMTypeKind;

/// Most words of 8 bytes of what threads may race for that are loaded one by one.
pub(super) const MOST_WORDS: u64 = 4;

/// How a load is told to be one that is logged.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// As the plan says.
    As(How),
    /// By the address as long as the process is alone; all once it is not alone.
    Alone,
}

impl Cx<'_> {
    /// Logs a load. `Always`: in every mode but plain; `Checked`: when the address is above the
    /// bound (the hook then knows which side it is).
    pub(super) fn load(&self, id: u32, load: Value, how: Look, raced: Raced) {
        let ir = self.ir;
        let ty = ir.type_of(load);
        let pointer = ir.operand(load, 0);
        let f = self.function_of(load);
        // SAFETY: a load.
        if unsafe { llvm_sys::core::LLVMGetVolatile(load) } != 0 {
            // It may wait for what a signal handler writes.
            self.poll(id, load);
        }
        ir.before(load);
        let slow = match how {
            Look::As(How::Always | How::Located | How::OnStack | How::InFrames) => ir.nonzero(self.mode()),
            Look::As(How::Checked) => self.above(ir.ptr_to_int(pointer)),
            Look::Alone => self.above_alone(ir.ptr_to_int(pointer)),
        };
        let (slow_end, fast_end) = ir.if_then_else(slow, load, raced.is_no());
        ir.before(slow_end);
        ir.debug_of(load);
        let logged = self.logged_load(f, pointer, ty, id, how, raced);
        // The builder stands in the slow block (no block was added by logged_load).
        let slow_block = ir.block_of(slow_end);
        let fast_block = ir.block_of(fast_end);
        let copy = {
            ir.before(fast_end);
            ir.debug_of(load);
            ir.copy(load)
        };
        ir.before(load);
        let phi = ir.phi(ty, &[(logged, slow_block), (copy, fast_block)]);
        ir.replace(load, phi);
        ir.erase(load);
    }

    /// The slow path of a load: the value of type `ty` at `pointer`, through the hooks.
    pub(super) fn logged_load(&self, f: Value, pointer: Value, ty: Type, id: u32, how: Look, raced: Raced) -> Value {
        let ir = self.ir;
        let site = ir.int(ir.i32, u64::from(id));
        let size = ir.store_size(ty);
        let (small, large) = match how {
            Look::As(How::Always) => ("__itarget_ld", "__itarget_ldn"),
            Look::As(How::Checked) => ("__itarget_ck", "__itarget_ckn"),
            Look::As(How::Located) => ("__itarget_at", "__itarget_atn"),
            Look::As(How::OnStack) => ("__itarget_st", "__itarget_stn"),
            Look::As(How::InFrames) => ("__itarget_fr", "__itarget_frn"),
            Look::Alone => ("__itarget_ld_alone", "__itarget_ldn_alone"),
        };
        if !raced.is_no() && (self.is_word(ty) || size % 8 == 0 && size <= MOST_WORDS * 8) {
            let kind = match how {
                Look::As(How::Always) if raced == Raced::Yes => "",
                Look::As(How::Always) => "_mapped",
                Look::As(How::Checked) => "_ck",
                Look::As(How::Located) => "_at",
                Look::As(How::OnStack) => "_st",
                Look::As(How::InFrames) => "_fr",
                Look::Alone if raced == Raced::Yes => "_alone",
                Look::Alone => "_mapped_alone",
            };
            let site = if raced == Raced::Mapped { ir.int(ir.i32, u64::from(id | APART)) } else { site };
            if self.is_word(ty) {
                let v = self.hook(&format!("{RACE}{kind}{size}"), &[pointer, site]);
                return self.word_as(v, ty);
            }
            let slot = ir.entry_alloca(f, ty);
            for offset in (0..size).step_by(8) {
                let v = self.hook(&format!("{RACE}{kind}8"), &[ir.offset(pointer, offset), site]);
                ir.store(v, ir.offset(slot, offset));
            }
            return ir.load(ty, slot);
        }
        if self.is_word(ty) {
            let v = self.hook(small, &[pointer, ir.int(ir.i32, size), site]);
            return self.word_as(v, ty);
        }
        let slot = ir.entry_alloca(f, ty);
        self.hook(large, &[pointer, slot, ir.int(ir.i64, size), site]);
        ir.load(ty, slot)
    }

    /// The hooks give values of this type as a word.
    pub(super) fn is_word(&self, ty: Type) -> bool {
        match self.ir.kind(ty) {
            LLVMTypeKind::LLVMIntegerTypeKind => matches!(self.ir.int_bits(ty), 1 | 8 | 16 | 32 | 64),
            LLVMTypeKind::LLVMPointerTypeKind | LLVMTypeKind::LLVMFloatTypeKind | LLVMTypeKind::LLVMDoubleTypeKind => true,
            _ => false,
        }
    }

    /// A word of a hook as a value of that type.
    pub(super) fn word_as(&self, v: Value, ty: Type) -> Value {
        let ir = self.ir;
        match ir.kind(ty) {
            LLVMTypeKind::LLVMPointerTypeKind => ir.int_to_ptr(v),
            LLVMTypeKind::LLVMFloatTypeKind => ir.bitcast(ir.int_cast(v, ir.i32, false), ty),
            LLVMTypeKind::LLVMDoubleTypeKind => ir.bitcast(v, ty),
            _ => ir.int_cast(v, ty, false),
        }
    }

    /// What a store writes is what the thread sees there last, see `itarget_abi::view`. Not while nothing is recorded: threads share a view then.
    pub(super) fn see(&self, store: Value, raced: Raced) {
        let ir = self.ir;
        let (value, pointer) = (ir.operand(store, 0), ir.operand(store, 1));
        let aggregate = matches!(ir.kind(ir.type_of(value)), LLVMTypeKind::LLVMStructTypeKind | LLVMTypeKind::LLVMArrayTypeKind);
        if raced.is_no() || aggregate || ir.store_size(ir.type_of(value)) > view::BEYOND as u64 {
            return;
        }
        ir.before(store);
        let on = ir.nonzero(self.mode());
        let mut then = ir.if_then(on, store, false);
        if raced == Raced::Mapped {
            // What the library has lies elsewhere at replay.
            ir.before(then);
            let mapped = self.mapped(ir.ptr_to_int(pointer));
            then = ir.if_then(mapped, then, false);
        }
        ir.before(then);
        ir.debug_of(store);
        let seen = ir.store(value, self.in_view(pointer));
        // SAFETY: a store.
        unsafe { llvm_sys::core::LLVMSetAlignment(seen, 1) };
    }

    /// Whether an address is one that the thread's view has, as `itarget_abi::layout::mapped_at_replay` tells.
    fn mapped(&self, address: Value) -> Value {
        let ir = self.ir;
        let arena = ir.lshr(address, u64::from(layout::ARENA_SIZE.trailing_zeros()));
        let is = |of, base: u64| ir.icmp(of, arena, ir.int(ir.i64, base / layout::ARENA_SIZE));
        ir.or(is(llvm_sys::LLVMIntPredicate::LLVMIntULE, layout::MIXED_BASE), is(llvm_sys::LLVMIntPredicate::LLVMIntEQ, layout::ENV_BASE))
    }

    /// A store that a replay skips when its memory is not mapped there.
    pub(super) fn store(&self, store: Value) {
        let ir = self.ir;
        let pointer = ir.operand(store, 1);
        ir.before(store);
        let high = self.missing(ir.ptr_to_int(pointer));
        let check_end = ir.if_then(high, store, true);
        let check_block = ir.block_of(check_end);
        ir.before(check_end);
        ir.debug_of(store);
        let may = ir.nonzero(self.hook("__itarget_may_store", &[pointer]));
        // `store` now heads the join block; the other predecessor is the block with the compare.
        ir.before(store);
        let head = ir.block_before_then(check_block);
        let perform = ir.phi(ir.i1, &[(ir.int(ir.i1, 1), head), (may, check_block)]);
        let end = ir.if_then(perform, store, false);
        ir.move_before(store, end);
    }

    /// Recording stops before an indirect call of code that is not the program's: that lies above
    /// the bound. Only `free` as libraries see it, which some hand out (`xmlFree`), is known. `foreign`: nothing else is.
    pub(super) fn callee_check(&self, id: u32, call: Value, foreign: bool) {
        let ir = self.ir;
        ir.before(call);
        if let [block] = ir.args(call)[..]
            && ir.kind(ir.type_of(block)) == LLVMTypeKind::LLVMPointerTypeKind
            && ir.return_type(ir.call_type(call)) == ir.void
        {
            let free = ir.declare("__itarget_library_free", ir.fn_type(ir.void, &[ir.ptr], false));
            let other = ir.icmp(llvm_sys::LLVMIntPredicate::LLVMIntNE, ir.ptr_to_int(ir.callee_operand(call)), ir.ptr_to_int(free));
            let (call_end, free_end) = ir.if_then_else(other, call, false);
            ir.before(free_end);
            ir.debug_of(call);
            self.hook("__itarget_free_of_library", &[block]);
            ir.move_before(call, call_end);
        }
        ir.before(call);
        if !foreign {
            let above = self.above(ir.ptr_to_int(ir.callee_operand(call)));
            ir.before(ir.if_then(above, call, true));
        }
        ir.debug_of(call);
        self.hook("__itarget_refuse", &[ir.int(ir.i32, u64::from(id))]);
    }

    /// Recording stops before an instruction that works on memory of the environment.
    pub(super) fn guard(&self, id: u32, inst: Value, operands: &[u32]) {
        let ir = self.ir;
        for &operand in operands {
            let pointer = ir.operand(inst, operand);
            if ir.kind(ir.type_of(pointer)) != LLVMTypeKind::LLVMPointerTypeKind {
                continue;
            }
            ir.before(inst);
            let above = self.above(ir.ptr_to_int(pointer));
            let then = ir.if_then(above, inst, true);
            ir.before(then);
            ir.debug_of(inst);
            self.hook("__itarget_guard", &[pointer, ir.int(ir.i32, u64::from(id))]);
        }
    }

    /// A call gets copies of what its arguments lead to, where that is the environment's.
    pub(super) fn stage(&self, id: u32, call: Value, args: &[Staged]) {
        let ir = self.ir;
        let f = self.function_of(call);
        let after = ir.next(call);
        for staged in args {
            let pointer = ir.operand(call, staged.arg);
            if ir.kind(ir.type_of(pointer)) != LLVMTypeKind::LLVMPointerTypeKind || ir.is_null(pointer) {
                continue;
            }
            if staged.bytes == 0 {
                self.stage_text(id, call, after, staged, pointer);
                continue;
            }
            ir.before(call);
            // Of 16 bytes each, so that it is aligned as any of its members may want it.
            let slot = ir.entry_alloca(f, ir.array_type(ir.int_type(128), staged.bytes.div_ceil(16)));
            ir.before(call);
            ir.debug_of(call);
            let always = if staged.how == How::Always { STAGE_ALWAYS } else { 0 };
            let flags = always | if staged.read { STAGE_READ } else { 0 } | if staged.ordered { STAGE_ORDERED } else { 0 };
            let len = ir.int(ir.i64, staged.bytes);
            let site = ir.int(ir.i32, u64::from(id));
            let given = self.hook("__itarget_stage", &[slot, pointer, len, ir.int(ir.i32, flags as u64), site]);
            ir.set_operand(call, staged.arg, given);
            if staged.written {
                ir.before(after);
                let copied = ir.icmp(llvm_sys::LLVMIntPredicate::LLVMIntEQ, ir.ptr_to_int(given), ir.ptr_to_int(slot));
                let then = ir.if_then(copied, after, true);
                ir.before(then);
                ir.debug_of(call);
                self.hook("__itarget_unstage", &[pointer, slot, len]);
            }
        }
    }

    /// The same for an argument that is a string.
    fn stage_text(&self, id: u32, call: Value, after: Value, staged: &Staged, pointer: Value) {
        let ir = self.ir;
        ir.before(call);
        ir.debug_of(call);
        let limit = match staged.limit {
            Some(arg) => ir.int_cast(ir.operand(call, arg), ir.i64, false),
            None => ir.int(ir.i64, u64::MAX),
        };
        let flags = ir.int(ir.i32, if staged.how == How::Always { STAGE_ALWAYS as u64 } else { 0 });
        let given = self.hook("__itarget_stage_text", &[pointer, limit, flags, ir.int(ir.i32, u64::from(id))]);
        ir.set_operand(call, staged.arg, given);
        ir.before(after);
        ir.debug_of(call);
        self.hook("__itarget_unstage_text", &[given, pointer]);
    }

    /// A safe point for asynchronous events before a volatile load.
    pub(super) fn poll(&self, id: u32, load: Value) {
        let ir = self.ir;
        ir.before(load);
        let on = ir.nonzero(self.mode());
        let end = ir.if_then(on, load, true);
        ir.before(end);
        ir.debug_of(load);
        self.hook("__itarget_poll", &[ir.int(ir.i32, u64::from(id))]);
    }

    /// Function an instruction is in.
    pub(super) fn function_of(&self, inst: Value) -> Value {
        self.ir.function_of_block(self.ir.block_of(inst))
    }
}
