//! Environment calls and calls that may be one.
//!
//! Each site gets an internal wrapper function with the types of that very call; the call is
//! redirected to it and LLVM inlines it (it has one caller). Its shape:
//! ```text
//! plain:  return f(args)                     mode plain, or (checked) all addresses below the bound
//! slow:   run = enter(site); if run { r = f(args); in_env = 0 }
//!         r = val(r); bytes(..)...; return r
//! ```

use super::Cx;
use crate::ir::{Type, Value};
use itarget_plan::{Call, How, Len, Ret, Write};
use llvm_sys::prelude::LLVMBasicBlockRef;
use llvm_sys::{LLVMIntPredicate, LLVMTypeKind};

/// A wrapper being built.
pub(super) struct Wrapper {
    /// Its function.
    pub f: Value,
    /// Its parameters: the arguments of the call.
    pub args: Vec<Value>,
    /// The call it wraps (still in the program).
    original: Value,
    /// Result type.
    pub ret: Type,
}

impl Wrapper {
    /// The call it wraps.
    pub(super) fn call(&self) -> Value {
        self.original
    }
}

impl Cx<'_> {
    pub(super) fn external_call(&self, id: u32, call: Value, plan: &Call) -> Result<(), String> {
        let ir = self.ir;
        if self.small_copy(id, call, plan) {
            return Ok(());
        }
        let w = self.wrapper(id, call)?;
        let slow = self.block(&w, "slow");
        let plain = self.block(&w, "plain");
        // Which path?
        ir.at_end(self.entry(&w));
        match plan.how {
            How::Always => {
                let on = ir.nonzero(self.mode());
                if plan.ordered.is_empty() {
                    ir.cond_br(on, slow, plain);
                } else {
                    let ordered = self.block(&w, "ordered");
                    ir.at_end(self.entry(&w));
                    ir.cond_br(on, ordered, plain);
                    ir.at_end(ordered);
                    self.whether_racy(&w, plan);
                    ir.br(slow);
                }
            }
            How::Checked | How::Located | How::OnStack | How::InFrames => {
                let maybe = self.block(&w, "maybe");
                ir.at_end(self.entry(&w));
                let racy = (plan.blind || !plan.ordered.is_empty()).then(|| self.whether_racy(&w, plan));
                let mut any = ir.int(ir.i64, 0);
                for &p in &plan.pointers {
                    if let Some(&a) = w.args.get(p as usize)
                        && ir.kind(ir.type_of(a)) == LLVMTypeKind::LLVMPointerTypeKind
                    {
                        any = ir.or(any, ir.ptr_to_int(a));
                    }
                }
                // The bound is a power of two (or nothing is checked), so one compare does for all.
                let mut env = self.above(any);
                if plan.locale {
                    let offset = std::mem::offset_of!(itarget_abi::control::Control, locale_c);
                    let c = ir.load(ir.i32, ir.offset(self.control, offset as u64));
                    let other = ir.icmp(LLVMIntPredicate::LLVMIntEQ, c, ir.int(ir.i32, 0));
                    env = ir.or(env, other);
                }
                if let Some(racy) = racy {
                    env = ir.or(env, ir.nonzero(racy));
                }
                let from = ir.here();
                let otherwise = self.unless_it_varies(&w, plan, slow, plain);
                ir.at_end(from);
                if plan.located.is_empty() {
                    ir.cond_br(env, maybe, otherwise);
                    ir.at_end(maybe);
                    let on = ir.nonzero(self.mode());
                    ir.cond_br(on, slow, plain);
                } else {
                    let on = ir.nonzero(self.mode());
                    ir.cond_br(on, maybe, plain);
                    ir.at_end(maybe);
                    for &p in &plan.located {
                        if let Some(&a) = w.args.get(p as usize) {
                            let hook = match p {
                                _ if plan.on_stack.contains(&p) => "__itarget_on_stack",
                                _ if plan.in_frames.contains(&p) => "__itarget_in_frame",
                                _ => "__itarget_variable",
                            };
                            env = ir.or(env, ir.nonzero(self.hook(hook, &[a])));
                        }
                    }
                    ir.cond_br(env, slow, otherwise);
                }
            }
        }
        let ordered = plan.how != How::Always && !plan.ordered.is_empty();
        if ordered {
            ir.at_end(slow);
            self.hook("__itarget_order_env", &[]);
        }
        ir.at_end(plain);
        let r = self.perform(&w, &w.args);
        if ordered {
            let (done, end) = (self.block(&w, "done"), self.block(&w, "end"));
            ir.at_end(plain);
            ir.cond_br(self.looks(), done, end);
            ir.at_end(done);
            self.hook("__itarget_order_done", &[]);
            ir.br(end);
            ir.at_end(end);
        }
        self.give(&w, r);
        // A function of its own: what it leaves in registers (streams of this process) must not
        // get into a `jmp_buf`, and the fast path stays small.
        let out = self.wrapper_as(&format!("itarget.slow.{id}"), id, call)?;
        ir.never_inline(out.f);
        let body = self.block(&out, "body");
        ir.at_end(self.entry(&out));
        ir.br(body);
        ir.at_end(body);
        self.slow_path(id, &out, plan)?;
        ir.at_end(slow);
        let r = ir.call(out.f, ir.function_type(out.f), &w.args);
        self.give(&w, r);
        self.redirect(call, &w);
        Ok(())
    }

    /// Orders what the call accesses, where threads may race for it; not 0 if what it reads must be logged. The builder then stands in a
    /// block of its own.
    fn whether_racy(&self, w: &Wrapper, plan: &Call) -> Value {
        let ir = self.ir;
        let from = ir.here();
        let look = self.block(w, "look");
        let join = self.block(w, "looked");
        ir.at_end(from);
        ir.cond_br(self.looks(), look, join);
        ir.at_end(look);
        let mut racy = self.ordered_call(w, &plan.ordered, holds(plan));
        if plan.blind {
            racy = ir.int(ir.i32, 1);
        }
        let end = ir.here();
        ir.br(join);
        ir.at_end(join);
        ir.phi(ir.i32, &[(ir.int(ir.i32, 0), from), (racy, end)])
    }

    /// Where a call goes on that is none of the environment by its pointers: to `slow` all the same if its format says so at run time.
    fn unless_it_varies(&self, w: &Wrapper, plan: &Call, slow: LLVMBasicBlockRef, plain: LLVMBasicBlockRef) -> LLVMBasicBlockRef {
        let ir = self.ir;
        let Some(&format) = plan.varies.and_then(|arg| w.args.get(arg as usize)) else { return plain };
        let (may_vary, ask) = (self.block(w, "may_vary"), self.block(w, "varies"));
        ir.at_end(may_vary);
        ir.cond_br(ir.nonzero(self.mode()), ask, plain);
        ir.at_end(ask);
        let varies = ir.nonzero(self.hook("__itarget_varies", &[format]));
        ir.cond_br(varies, slow, plain);
        may_vary
    }

    fn slow_path(&self, id: u32, w: &Wrapper, plan: &Call) -> Result<(), String> {
        let ir = self.ir;
        let site = ir.int(ir.i32, u64::from(id));
        let has_result = w.ret != ir.void;
        let slot = has_result.then(|| ir.entry_alloca(w.f, w.ret));
        if let Some(slot) = slot {
            ir.store(ir.zero(w.ret), slot);
        }
        if self.checks {
            ir.keep_frame_pointer(w.f);
            self.hook("__itarget_check_begin", &[site]);
        }
        if plan.accompanies {
            self.hook("__itarget_accompany", &[]);
        }
        let saved = self.save(w, &plan.writes);
        let run = ir.nonzero(self.hook("__itarget_enter", &[site]));
        if let Some(format) = plan.format
            && let Some(&text) = w.args.get(format.arg as usize)
        {
            self.hook("__itarget_format", &[text, ir.int(ir.i32, u64::from(format.scanf))]);
        }
        let shown = plan.show.and_then(|s| self.shown(w, plan, s));
        let split = ir.here();
        let live = self.block(w, "live");
        let skip = self.block(w, "skip");
        let join = self.block(w, "join");
        ir.at_end(split);
        ir.cond_br(run, live, skip);
        ir.at_end(live);
        match &shown {
            Some(shown) => self.perform_shown(w, shown, slot),
            None => {
                let r = self.perform_as_is(w, &w.args);
                if let Some(slot) = slot {
                    ir.store(r, slot);
                }
            }
        }
        // What the runtime's `__itarget_leave` does.
        if self.threads() {
            self.hook("__itarget_leave", &[]);
        } else {
            let in_env = std::mem::offset_of!(itarget_abi::control::Control, in_env) as u64;
            ir.store(ir.int(ir.i32, 0), ir.offset(self.control, in_env));
        }
        ir.br(join);
        ir.at_end(skip);
        if let Some(shown) = &shown {
            self.show(w, shown);
        }
        ir.br(join);
        ir.at_end(join);
        if plan.upcalls {
            self.hook("__itarget_upcalls", &[site]);
        }
        let pointer_result = ir.kind(w.ret) == LLVMTypeKind::LLVMPointerTypeKind;
        let needs_result = matches!(plan.ret, Ret::Log)
            || (matches!(plan.ret, Ret::None)
                && has_result
                && (plan.writes.iter().any(|x| x.unless.is_some() || uses_result(&x.len))
                    || (pointer_result && plan.writes.iter().any(|x| matches!(x.len, Len::Cstr | Len::Wcstr)))));
        if let Some(slot) = slot {
            match &plan.ret {
                Ret::None | Ret::Log => {
                    if needs_result {
                        self.log_result(w, slot);
                    }
                }
                // `char strerror();`, as tests of autoconf declare it.
                Ret::CopyCstr | Ret::CopyBytes { .. } | Ret::AdoptCstr { .. } if !pointer_result => {}
                Ret::CopyCstr => self.copied(w, slot, "__itarget_copy", u64::MAX, &plan.callee),
                Ret::CopyBytes { bytes } => {
                    self.copied(w, slot, "__itarget_copy", *bytes, &plan.callee);
                }
                Ret::AdoptCstr { objid } => {
                    let r = ir.load(ir.ptr, slot);
                    let objid = ir.int(ir.i32, u64::from(*objid));
                    ir.store(self.hook("__itarget_adopt_cstr", &[r, objid]), slot);
                }
            }
        }
        let result = slot.map(|s| ir.load(w.ret, s));
        for (write, slot) in plan.writes.iter().zip(saved) {
            self.write(w, write, slot, result, pointer_result && needs_result)?;
        }
        self.descriptors(w, &plan.callee, result.filter(|_| plan.ret == Ret::Log));
        self.leaves(w, &plan.callee);
        if self.checks {
            self.hook("__itarget_check_end", &[site]);
        }
        ir.ret(result);
        Ok(())
    }

    /// Before the call: keeps what the call mostly leaves as it is. A slot for each such write.
    pub(super) fn save(&self, w: &Wrapper, writes: &[Write]) -> Vec<Option<Value>> {
        let ir = self.ir;
        let slot = |write: &Write| {
            let (offset, len) = kept(write).or(match write.len {
                Len::Moved(offset) => Some((offset as i64, 0)),
                _ => None,
            })?;
            let of = *w.args.get(write.arg as usize)?;
            let slot = ir.entry_alloca(w.f, ir.array_type(ir.i8, len + 8));
            self.hook("__itarget_save", &[slot, of, ir.int(ir.i64, offset as u64), ir.int(ir.i64, len)]);
            Some(slot)
        };
        writes.iter().map(slot).collect()
    }

    /// Logs the scalar in `slot`, which then holds the recorded one.
    fn log_result(&self, w: &Wrapper, slot: Value) {
        let ir = self.ir;
        let r = ir.load(w.ret, slot);
        match ir.kind(w.ret) {
            LLVMTypeKind::LLVMIntegerTypeKind if ir.int_bits(w.ret) <= 64 => {
                let v = self.hook("__itarget_val", &[ir.int_cast(r, ir.i64, true)]);
                ir.store(ir.int_cast(v, w.ret, true), slot);
            }
            LLVMTypeKind::LLVMPointerTypeKind => {
                let v = self.hook("__itarget_val", &[ir.ptr_to_int(r)]);
                ir.store(ir.int_to_ptr(v), slot);
            }
            _ => {
                let size = ir.int(ir.i64, ir.store_size(w.ret));
                self.hook("__itarget_raw", &[slot, size]);
            }
        }
    }

    fn copied(&self, w: &Wrapper, slot: Value, hook: &str, bytes: u64, callee: &str) {
        let ir = self.ir;
        let r = ir.load(w.ret, slot);
        // One cell per function, as libc has one buffer per function.
        let key = callee.bytes().fold(0x811c_9dc5_u32, |h, b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193));
        let args = [r, ir.int(ir.i64, bytes), ir.int(ir.i32, u64::from(key))];
        ir.store(self.hook(hook, &args), slot);
    }

    pub(super) fn write(
        &self,
        w: &Wrapper,
        write: &Write,
        slot: Option<Value>,
        result: Option<Value>,
        null_means_none: bool,
    ) -> Result<(), String> {
        let ir = self.ir;
        if let Len::Scanf(conversions) = &write.len {
            self.scanf(w, write.arg, conversions, result);
            return Ok(());
        }
        let Some(&to) = w.args.get(write.arg as usize) else {
            return Ok(()); // a vararg that this call does not pass
        };
        if ir.kind(ir.type_of(to)) != LLVMTypeKind::LLVMPointerTypeKind {
            return Ok(()); // ioctl(fd, request, integer)
        }
        if ir.is_null(self.original_arg(w, write.arg)) {
            return Ok(()); // time(NULL)
        }
        let null = ir.zero(ir.ptr);
        let mut to = to;
        if let Some((arg, values)) = &write.when
            && let Some(&a) = w.args.get(*arg as usize)
        {
            let a = ir.int_cast(a, ir.i64, true);
            let mut hit = ir.int(ir.i1, 0);
            for v in values {
                let same = ir.icmp(LLVMIntPredicate::LLVMIntEQ, a, ir.int(ir.i64, *v as u64));
                hit = ir.or(hit, same);
            }
            to = ir.select(hit, to, null);
        }
        if let (Some(without), Some(r)) = (write.unless, result) {
            let none = ir.icmp(LLVMIntPredicate::LLVMIntEQ, ir.int_cast(r, ir.i64, true), ir.int(ir.i64, without as u64));
            to = ir.select(none, null, to);
        }
        // A null result says that no string was written. Other extents are logged all the same: for
        // re_compile_pattern null is success.
        if null_means_none && matches!(write.len, Len::Cstr | Len::Wcstr) && let Some(r) = result {
            to = ir.select(ir.nonzero(r), to, null);
        }
        if write.heap_only && !matches!(write.len, Len::Iovec(..) | Len::Msghdr(_) | Len::Mmsghdr(_) | Len::Behind(..) | Len::Moved(_)) {
            to = self.hook("__itarget_heap", &[to]);
        }
        if let (Some(slot), Some((offset, len))) = (slot, kept(write)) {
            self.hook("__itarget_changed", &[slot, to, ir.int(ir.i64, offset as u64), ir.int(ir.i64, len)]);
            return Ok(());
        }
        let carried = ir.int(ir.i32, u64::from(write.carried));
        match &write.len {
            Len::Cstr => {
                self.hook("__itarget_cstr", &[to]);
            }
            Len::Wcstr => {
                self.hook("__itarget_wcstr", &[to]);
            }
            Len::Object(keeps) => {
                self.hook("__itarget_check_object", &[to, ir.int(ir.i32, u64::from(*keeps))]);
            }
            Len::Iovec(arg, count) => {
                let (Some(&iov), Some(&n)) = (w.args.get(*arg as usize), w.args.get(*count as usize)) else {
                    return Ok(());
                };
                let total = self.length(w, &Len::Ret, result);
                self.hook("__itarget_iovec", &[iov, ir.int_cast(n, ir.i64, true), total, carried]);
            }
            Len::Msghdr(arg) => {
                let Some(&m) = w.args.get(*arg as usize) else { return Ok(()) };
                let total = self.length(w, &Len::Ret, result);
                self.hook("__itarget_msghdr", &[m, total, carried]);
            }
            Len::Mmsghdr(arg) => {
                let Some(&all) = w.args.get(*arg as usize) else { return Ok(()) };
                let count = self.length(w, &Len::Ret, result);
                self.hook("__itarget_mmsghdr", &[all, count, carried]);
            }
            Len::Behind(offset, bytes) => {
                let at = ir.int(ir.i64, *offset);
                self.hook("__itarget_behind", &[to, at, ir.int(ir.i64, *bytes)]);
            }
            Len::Moved(offset) => {
                if let Some(slot) = slot {
                    self.hook("__itarget_moved", &[slot, to, ir.int(ir.i64, *offset)]);
                }
            }
            len => {
                let n = self.length(w, len, result);
                match write.copied.and_then(|from| w.args.get(from as usize)) {
                    Some(&from) => self.hook("__itarget_copied", &[to, from, n]),
                    None => self.hook("__itarget_bytes", &[to, n]),
                };
            }
        }
        Ok(())
    }

    /// A wrapper for a call, with an empty entry block.
    pub(super) fn wrapper(&self, id: u32, call: Value) -> Result<Wrapper, String> {
        self.wrapper_as(&format!("itarget.call.{id}"), id, call)
    }

    fn wrapper_as(&self, name: &str, id: u32, call: Value) -> Result<Wrapper, String> {
        let ir = self.ir;
        if ir.called_function(call).is_none() {
            return Err(format!("IT0405: site {id} of the plan is an indirect call"));
        }
        let ret = ir.return_type(ir.call_type(call));
        let outer = ir.args(call);
        let params: Vec<Type> = outer.iter().map(|a| ir.type_of(*a)).collect();
        let f = ir.define(name, ir.fn_type(ret, &params, false));
        ir.no_debug();
        ir.copy_abi_attributes(call, f);
        let args = (0..params.len()).map(|i| ir.param(f, i)).collect();
        Ok(Wrapper { f, args, original: call, ret })
    }

    /// Points the program's call at the wrapper.
    pub(super) fn redirect(&self, call: Value, w: &Wrapper) {
        let ir = self.ir;
        ir.strip_call_attributes(call);
        ir.set_callee(call, ir.function_type(w.f), w.f);
    }

    /// The wrapped call itself, where the builder is.
    pub(super) fn perform(&self, w: &Wrapper, args: &[Value]) -> Value {
        let ir = self.ir;
        let c = ir.copy(w.original);
        for (i, &a) in args.iter().enumerate() {
            // Constant integers stay where they are: some intrinsics insist on it.
            let constant = ir.const_int(self.original_arg(w, i as u32)).is_some();
            if !constant || a != w.args[i] {
                ir.set_operand(c, i as u32, a);
            }
        }
        ir.detach(c);
        c
    }

    /// As [`Cx::perform`], within an event: the function that is called may not become another one, which the program may have a definition
    /// of (`puts("")`, and the `putchar` of stdio.h), for that has events of its own.
    pub(super) fn perform_as_is(&self, w: &Wrapper, args: &[Value]) -> Value {
        let c = self.perform(w, args);
        self.ir.never_another(c);
        c
    }

    pub(super) fn give(&self, w: &Wrapper, r: Value) {
        self.ir.ret((w.ret != self.ir.void).then_some(r));
    }

    pub(super) fn entry(&self, w: &Wrapper) -> LLVMBasicBlockRef {
        self.ir.entry(w.f)
    }

    pub(super) fn block(&self, w: &Wrapper, name: &str) -> LLVMBasicBlockRef {
        self.ir.block(w.f, name)
    }
}

/// What the call reads must stay as it was found until it has read it.
fn holds(plan: &Call) -> bool {
    plan.how != How::Always && plan.ordered.iter().any(|o| !o.write)
}

/// Offset of the pointer (-1: none) and number of the bytes that are compared across a call.
fn kept(write: &Write) -> Option<(i64, u64)> {
    match write.len {
        Len::Const(bytes) if write.kept => Some((-1, bytes)),
        Len::Behind(offset, bytes) if write.kept => Some((offset as i64, bytes)),
        _ => None,
    }
}

fn uses_result(len: &Len) -> bool {
    match len {
        Len::Ret | Len::Iovec(..) | Len::Msghdr(_) | Len::Mmsghdr(_) | Len::Scanf(_) => true,
        Len::Add(a, b) | Len::Mul(a, b) | Len::Min(a, b) => uses_result(a) || uses_result(b),
        _ => false,
    }
}

impl Cx<'_> {
    /// An argument of the wrapped call as it stands in the program (for constants).
    pub(super) fn original_arg(&self, w: &Wrapper, i: u32) -> Value {
        self.ir.operand(w.original, i)
    }
}
