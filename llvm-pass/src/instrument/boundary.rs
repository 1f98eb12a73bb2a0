//! Calls between functions on the two sides of the cut.
//!
//! A function that is called from the other side gets a *door*: a function of the same type through which
//! such calls go. Whoever calls it, the door finds out on which side it is called from: pointers to the function
//! lead to the door, too. Direct calls within one side stay as they are.
//! ```text
//! door of an environment function:  plain:  return f(args)          not recording, or called by the environment
//!                                   slow:   if enter(DOWNCALL + k) { slot = f(args) }
//!                                           result(k, &slot, n); return slot
//! door of a replayed function:      plain:  return f(args)          called by replay space
//!                                   slow:   upcall(k, sp); args = val(args)...; r = f(args); upcall_end(); return r
//! ```
//! At replay the runtime calls the second kind of door on the stack pointer that it had when recording, with
//! any arguments: its frame is then the same, and so are all stack addresses below it.

use super::Cx;
use crate::ir::{Type, Value};
use itarget_abi::control::Control;
use itarget_abi::hooks::{DOWNCALL, UPCALL};
use itarget_plan::{Plan, Write};
use llvm_sys::{LLVMIntPredicate, LLVMOpcode, LLVMTypeKind};
use std::collections::BTreeMap;
use std::mem::offset_of;

/// Functions whose door counts at the start of the program, and the doors of upcalls by id.
pub struct Doors {
    of: Vec<(Value, Value)>,
    /// Doors of replayed functions; the index is the upcall id.
    pub up: Vec<Value>,
}

impl Doors {
    /// What replay space calls to get to a function.
    pub fn of(&self, f: Value) -> Value {
        self.of.iter().find(|(from, _)| *from == f).map_or(f, |(_, door)| *door)
    }
}

/// Registers that a function finds as its caller left them.
const CLEAR: &str = "xorl %ebx, %ebx; xorl %r12d, %r12d; xorl %r13d, %r13d; xorl %r14d, %r14d; xorl %r15d, %r15d";
const CLEARED: &str = "~{rbx},~{r12},~{r13},~{r14},~{r15},~{flags},~{memory}";

/// A call from the other side.
struct Crossing {
    call: Value,
    callee: Value,
}

impl Cx<'_> {
    /// Makes doors and sends through them what crosses.
    pub(super) fn boundary(&self, plan: &Plan) -> Result<Doors, String> {
        let ir = self.ir;
        let environment: BTreeMap<&str, u32> = plan.environment.iter().map(String::as_str).zip(0..).collect();
        let mut doors = Doors { of: Vec::new(), up: Vec::new() };
        let (mut down, mut up) = (Vec::new(), Vec::new());
        if !environment.is_empty() {
            for f in ir.functions() {
                let here = ir.name(f);
                if ir.is_declaration(f) || here.starts_with("itarget.") {
                    continue;
                }
                let outside = environment.contains_key(here.as_str());
                for call in ir.instructions(f).into_iter().filter(|i| ir.opcode(*i) == LLVMOpcode::LLVMCall) {
                    let Some(callee) = ir.called_function(call).filter(|c| !ir.is_declaration(*c)) else { continue };
                    let name = ir.name(callee);
                    if !name.starts_with("itarget.") && environment.contains_key(name.as_str()) != outside {
                        if outside { &mut up } else { &mut down }.push(Crossing { call, callee });
                    }
                }
            }
        }
        for (name, &k) in &environment {
            let f = ir.function(name).ok_or_else(|| super::unknown(name))?;
            let entry = *name == "main" || ir.has_address_use(f);
            if entry && !ir.is_vararg(ir.function_type(f)) {
                let door = self.down(f, f, k);
                ir.replace_address_uses(f, door);
                doors.of.push((f, door));
            }
        }
        for name in &plan.upcalls {
            let f = ir.function(name).ok_or_else(|| super::unknown(name))?;
            if ir.has_address_use(f) {
                let door = if ir.is_vararg(ir.function_type(f)) { self.closed(f) } else { self.up(f, f, &mut doors.up) };
                ir.replace_address_uses(f, door);
                doors.of.push((f, door));
            }
        }
        for crossing in down {
            let k = environment.get(ir.name(crossing.callee).as_str()).copied().unwrap_or(0);
            self.cross(&crossing, &doors.of, |cx, like| cx.down(crossing.callee, like, k));
        }
        let mut made: Vec<(Value, Value)> = doors.of.clone();
        for crossing in up {
            let known = self.cross(&crossing, &made, |cx, like| cx.up(crossing.callee, like, &mut doors.up));
            made.extend(known);
        }
        Ok(doors)
    }

    /// Sends a call through a door: one that is there, or a new one, made for a call like this. A new door that
    /// serves other calls as well is returned with its function.
    fn cross(&self, crossing: &Crossing, there: &[(Value, Value)], make: impl FnOnce(&Self, Value) -> Value) -> Option<(Value, Value)> {
        let ir = self.ir;
        let (call, callee) = (crossing.call, crossing.callee);
        let ty = ir.call_type(call);
        let usual = ty == ir.function_type(callee) && !ir.is_vararg(ty);
        let known = there.iter().find(|(f, _)| usual && *f == callee).map(|(_, door)| *door);
        let door = known.unwrap_or_else(|| make(self, if usual { callee } else { call }));
        ir.strip_call_attributes(call);
        ir.set_callee(call, ir.function_type(door), door);
        (usual && known.is_none()).then_some((callee, door))
    }

    /// A function with the type of `like` (the function itself, or a call of it), its arguments and blocks.
    fn door(&self, name: &str, like: Value) -> (Value, Vec<Value>) {
        let ir = self.ir;
        let call = ir.is_call(like);
        let whole = if call { ir.call_type(like) } else { ir.function_type(like) };
        let params: Vec<Type> =
            if call { ir.args(like).iter().map(|a| ir.type_of(*a)).collect() } else { ir.param_types(whole) };
        let door = ir.define(name, ir.fn_type(ir.return_type(whole), &params, false));
        ir.no_debug();
        ir.copy_signature(like, door);
        let args = (0..params.len()).map(|i| ir.param(door, i)).collect();
        (door, args)
    }

    /// Calls `f` as `like` says, where the builder is.
    fn call_like(&self, f: Value, like: Value, args: &[Value]) -> Value {
        let ir = self.ir;
        let ty = if ir.is_call(like) { ir.call_type(like) } else { ir.function_type(like) };
        let r = ir.call(f, ty, args);
        ir.copy_signature(like, r);
        r
    }

    pub(super) fn in_env(&self) -> Value {
        let ir = self.ir;
        if self.threads() {
            return self.hook("__itarget_in_env", &[]);
        }
        ir.load(ir.i32, ir.offset(self.control, offset_of!(Control, in_env) as u64))
    }

    /// The program may have threads.
    pub(super) fn threads(&self) -> bool {
        ["pthread_create", "thrd_create"].iter().any(|n| self.ir.function(n).is_some())
    }

    /// True in a thread that is not the recorded one.
    fn elsewhere(&self) -> Value {
        self.ir.nonzero(self.hook("__itarget_elsewhere", &[]))
    }

    /// The door of environment function `f`.
    fn down(&self, f: Value, like: Value, k: u32) -> Value {
        let ir = self.ir;
        let (door, args) = self.door(&format!("itarget.down.{}", ir.name(f)), like);
        let ret = ir.return_type(ir.function_type(door));
        let entry = ir.here();
        let [plain, slow, live, join] = ["plain", "slow", "live", "join"].map(|b| ir.block(door, b));
        ir.at_end(entry);
        let recorded = ir.nonzero(self.mode());
        let outside = ir.nonzero(self.in_env());
        let crossing = ir.select(outside, ir.int(ir.i1, 0), recorded);
        ir.cond_br(crossing, slow, plain);
        ir.at_end(plain);
        let r = self.call_like(f, like, &args);
        self.give_back(ret, r);
        ir.at_end(slow);
        let slot = (ret != ir.void).then(|| ir.entry_alloca(door, ret));
        ir.at_end(slow);
        if let Some(slot) = slot {
            ir.store(ir.zero(ret), slot);
        }
        let site = ir.int(ir.i32, u64::from(DOWNCALL + k));
        let run = ir.nonzero(self.hook("__itarget_enter", &[site]));
        ir.cond_br(run, live, join);
        ir.at_end(live);
        let r = self.call_like(f, like, &args);
        if let Some(slot) = slot {
            ir.store(r, slot);
        }
        ir.br(join);
        ir.at_end(join);
        let bytes = if ret == ir.void { 0 } else { ir.store_size(ret) };
        let to = slot.unwrap_or_else(|| ir.zero(ir.ptr));
        self.hook("__itarget_result", &[ir.int(ir.i32, u64::from(k)), to, ir.int(ir.i64, bytes)]);
        let r = slot.map(|s| ir.load(ret, s));
        ir.ret(r);
        door
    }

    /// The door of replayed function `f`, which is added to `doors`.
    fn up(&self, f: Value, like: Value, doors: &mut Vec<Value>) -> Value {
        let ir = self.ir;
        let k = doors.len() as u32;
        let (door, args) = self.door(&format!("itarget.up.{}", ir.name(f)), like);
        ir.never_inline(door);
        ir.attribute(door, "frame-pointer", "all");
        doors.push(door);
        let ret = ir.return_type(ir.function_type(door));
        let entry = ir.here();
        let [plain, slow] = ["plain", "slow"].map(|b| ir.block(door, b));
        ir.at_end(entry);
        let mut outside = ir.nonzero(self.in_env());
        if self.called_elsewhere {
            outside = ir.select(self.elsewhere(), ir.int(ir.i1, 0), outside);
        }
        ir.cond_br(outside, slow, plain);
        ir.at_end(plain);
        let r = self.call_like(f, like, &args);
        self.give_back(ret, r);
        ir.at_end(slow);
        let sp_ty = ir.fn_type(ir.ptr, &[], false);
        let sp = ir.call(ir.declare("llvm.addressofreturnaddress.p0", sp_ty), sp_ty, &[]);
        self.hook("__itarget_upcall", &[ir.int(ir.i32, u64::from(UPCALL + k)), sp]);
        let passed: Vec<Value> = args.iter().enumerate().map(|(i, a)| self.pass(door, like, i, *a)).collect();
        // What the environment left in registers must not get into a `jmp_buf`.
        ir.asm(CLEAR, CLEARED);
        let r = self.call_like(f, like, &passed);
        self.hook("__itarget_upcall_end", &[]);
        self.give_back(ret, r);
        door
    }

    /// An argument through the log.
    fn pass(&self, door: Value, like: Value, i: usize, a: Value) -> Value {
        let ir = self.ir;
        let ty = ir.type_of(a);
        if let Some(of) = ir.byval_type(like, i) {
            let slot = ir.entry_alloca(door, of);
            let bytes = ir.abi_size(of);
            ir.copy_memory(slot, a, bytes);
            self.hook("__itarget_raw", &[slot, ir.int(ir.i64, bytes)]);
            return slot;
        }
        match ir.kind(ty) {
            LLVMTypeKind::LLVMPointerTypeKind => ir.int_to_ptr(self.hook("__itarget_val", &[ir.ptr_to_int(a)])),
            LLVMTypeKind::LLVMIntegerTypeKind if ir.int_bits(ty) <= 64 => {
                ir.int_cast(self.hook("__itarget_val", &[ir.int_cast(a, ir.i64, true)]), ty, true)
            }
            _ => {
                let slot = ir.entry_alloca(door, ty);
                ir.store(a, slot);
                self.hook("__itarget_raw", &[slot, ir.int(ir.i64, ir.store_size(ty))]);
                ir.load(ty, slot)
            }
        }
    }

    /// In place of the door of a variadic function that a library may call back: recording ends there.
    fn closed(&self, f: Value) -> Value {
        let ir = self.ir;
        let ty = ir.function_type(f);
        let door = ir.define(&format!("itarget.up.{}", ir.name(f)), ty);
        ir.no_debug();
        ir.copy_signature(f, door);
        let entry = ir.here();
        let [refuse, go] = ["refuse", "go"].map(|b| ir.block(door, b));
        ir.at_end(entry);
        ir.cond_br(ir.nonzero(self.in_env()), refuse, go);
        ir.at_end(refuse);
        self.hook("__itarget_refuse", &[ir.int(ir.i32, 0xffff_0200)]);
        ir.br(go);
        ir.at_end(go);
        let args: Vec<Value> = (0..ir.param_types(ty).len()).map(|i| ir.param(door, i)).collect();
        let r = self.call_like(f, f, &args);
        ir.must_tail(r);
        self.give_back(ir.return_type(ty), r);
        door
    }

    fn give_back(&self, ty: Type, r: Value) {
        self.ir.ret((ty != self.ir.void).then_some(r));
    }

    /// Logs what a store, memory intrinsic or external call of an environment function writes to replay space.
    pub(super) fn apply(&self, id: u32, inst: Value, writes: &[Write]) -> Result<(), String> {
        let ir = self.ir;
        let site = ir.int(ir.i32, u64::from(id));
        if ir.opcode(inst) == LLVMOpcode::LLVMStore {
            let (value, to) = (ir.operand(inst, 0), ir.operand(inst, 1));
            let ty = ir.type_of(value);
            let bytes = ir.store_size(ty);
            let next = ir.next(inst);
            let scalar = matches!(ir.kind(ty), LLVMTypeKind::LLVMIntegerTypeKind | LLVMTypeKind::LLVMPointerTypeKind);
            // What is there already is there at replay, too, but on stacks.
            ir.before(inst);
            let there = scalar.then(|| ir.load(ty, to));
            ir.before(next);
            let on = ir.nonzero(self.mode());
            let changed = match there {
                Some(there) => ir.int_cast(ir.icmp(LLVMIntPredicate::LLVMIntNE, there, value), ir.i32, false),
                None => ir.int(ir.i32, 1),
            };
            let end = ir.if_then(on, next, true);
            ir.before(end);
            ir.debug_of(inst);
            self.hook("__itarget_apply", &[to, ir.int(ir.i64, bytes), site, changed]);
            return Ok(());
        }
        let w = self.wrapper(id, inst)?;
        let [log, plain] = ["log", "plain"].map(|b| self.block(&w, b));
        ir.at_end(self.entry(&w));
        let on = ir.nonzero(self.mode());
        ir.cond_br(on, log, plain);
        ir.at_end(plain);
        let r = self.perform(&w, &w.args);
        self.give(&w, r);
        ir.at_end(log);
        let saved = self.save(&w, writes);
        let r = self.perform(&w, &w.args);
        self.hook("__itarget_applies", &[site]);
        let result = (w.ret != ir.void).then_some(r);
        let null_means_none = ir.kind(w.ret) == LLVMTypeKind::LLVMPointerTypeKind;
        for (write, slot) in writes.iter().zip(saved) {
            self.write(&w, write, slot, result, null_means_none)?;
        }
        self.give(&w, r);
        self.redirect(inst, &w);
        Ok(())
    }
}
