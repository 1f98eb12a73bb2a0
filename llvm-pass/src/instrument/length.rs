//! Lengths of the plan as IR: computed from arguments and the (recorded) result, so that they
//! are the same when recording and at replay.

use super::Cx;
use super::call::Wrapper;
use crate::ir::Value;
use itarget_abi::hooks::COUNT_READ;
use itarget_plan::{Len, Read, Show, Write};
use llvm_sys::{LLVMIntPredicate, LLVMTypeKind};

impl Cx<'_> {
    /// `len` as an `i64` where the builder is. Negative results count as 0.
    pub(super) fn length(&self, w: &Wrapper, len: &Len, result: Option<Value>) -> Value {
        let ir = self.ir;
        match len {
            Len::Const(n) => ir.int(ir.i64, *n),
            Len::Arg(i) => w.args.get(*i as usize).map_or_else(|| ir.int(ir.i64, 0), |&a| self.number(a)),
            Len::Ret => result.map_or_else(|| ir.int(ir.i64, 0), |r| self.number(r)),
            Len::Mem32(i) => self.in_memory(w, *i, 4),
            Len::Mem64(i) => self.in_memory(w, *i, 8),
            Len::Add(a, b) => ir.add(self.length(w, a, result), self.length(w, b, result)),
            Len::Mul(a, b) => ir.mul(self.length(w, a, result), self.length(w, b, result)),
            Len::Min(a, b) => {
                let (a, b) = (self.room(w, a, result), self.room(w, b, result));
                ir.select(ir.icmp(LLVMIntPredicate::LLVMIntULT, a, b), a, b)
            }
            Len::Cstr | Len::Wcstr | Len::Iovec(..) | Len::Msghdr(_) | Len::Mmsghdr(_) | Len::Behind(..) | Len::Moved(_) | Len::Scanf(_) | Len::Object(_) => ir.int(ir.i64, 0),
        }
    }

    /// As [`Cx::length`], for what limits another length: an argument with its highest bit set is a very large `size_t`, no limit.
    pub(super) fn room(&self, w: &Wrapper, len: &Len, result: Option<Value>) -> Value {
        let ir = self.ir;
        match len {
            Len::Arg(i) => match w.args.get(*i as usize) {
                Some(&a) if ir.kind(ir.type_of(a)) == LLVMTypeKind::LLVMIntegerTypeKind => ir.int_cast(a, ir.i64, true),
                _ => self.length(w, len, result),
            },
            len => self.length(w, len, result),
        }
    }

    /// An integer (or pointer) as `i64`, negative as 0.
    fn number(&self, v: Value) -> Value {
        let ir = self.ir;
        match ir.kind(ir.type_of(v)) {
            LLVMTypeKind::LLVMIntegerTypeKind => {
                let n = ir.int_cast(v, ir.i64, true);
                let zero = ir.int(ir.i64, 0);
                ir.select(ir.icmp(LLVMIntPredicate::LLVMIntSGT, n, zero), n, zero)
            }
            LLVMTypeKind::LLVMPointerTypeKind => ir.ptr_to_int(v),
            _ => ir.int(ir.i64, 0),
        }
    }

    /// The value an argument points to after the call, through the log; 0 when it is null.
    fn in_memory(&self, w: &Wrapper, arg: u32, bytes: u64) -> Value {
        let ir = self.ir;
        match w.args.get(arg as usize) {
            Some(&p) if ir.kind(ir.type_of(p)) == LLVMTypeKind::LLVMPointerTypeKind => self.hook("__itarget_len", &[p, ir.int(ir.i32, bytes)]),
            _ => ir.int(ir.i64, 0),
        }
    }

    /// Profile builds: counts that a call is made.
    pub(super) fn count_execution(&self, id: u32, call: Value) {
        let ir = self.ir;
        ir.before(call);
        self.hook("__itarget_count", &[ir.int(ir.i32, u64::from(id)), ir.zero(ir.ptr), ir.int(ir.i64, 0)]);
    }

    /// Profile builds: counts what a call read.
    fn count_reads(&self, id: u32, w: &Wrapper, reads: &[Read], show: Option<Show>, result: Option<Value>) {
        let ir = self.ir;
        let site = ir.int(ir.i32, u64::from(id | COUNT_READ));
        let (null, none) = (ir.zero(ir.ptr), ir.int(ir.i64, 0));
        let standard = match show {
            Some(Show::Stream { arg }) => w.args.get(arg as usize).map(|&s| ir.nonzero(self.hook("__itarget_show_stream", &[s]))),
            Some(Show::Fd { arg }) => w.args.get(arg as usize).map(|&fd| {
                let fd = self.hook("__itarget_show_fd", &[ir.int_cast(fd, ir.i32, true)]);
                ir.icmp(LLVMIntPredicate::LLVMIntSGE, fd, ir.int(ir.i32, 0))
            }),
            Some(Show::Standard { .. }) | None => None,
        };
        for read in reads {
            let Some(&from) = w.args.get(read.arg as usize) else { continue };
            let known = |len: &Len| matches!(len, Len::Const(_) | Len::Arg(_) | Len::Mul(..) | Len::Ret);
            let n = match read.len.as_ref().filter(|len| known(len)) {
                Some(len) => self.length(w, len, result),
                None => ir.int(ir.i64, u64::MAX),
            };
            let (from, n) = match standard {
                Some(here) => (ir.select(here, from, null), ir.select(here, n, none)),
                None => (from, n),
            };
            self.hook("__itarget_count", &[site, from, n]);
        }
    }

    /// Profile builds: counts bytes moved through the pointers of a load, store or call.
    pub(super) fn count(&self, id: u32, inst: Value, writes: &[Write], reads: &[Read], show: Option<Show>) -> Result<(), String> {
        use llvm_sys::LLVMOpcode::*;
        let ir = self.ir;
        let site = ir.int(ir.i32, u64::from(id));
        match ir.opcode(inst) {
            LLVMLoad | LLVMStore => {
                let store = ir.opcode(inst) == LLVMStore;
                let pointer = ir.operand(inst, u32::from(store));
                let ty = if store { ir.type_of(ir.operand(inst, 0)) } else { ir.type_of(inst) };
                ir.before(inst);
                let size = ir.int(ir.i64, ir.store_size(ty));
                self.hook("__itarget_count", &[site, pointer, size]);
                Ok(())
            }
            // Functions of the program, perhaps called through a pointer.
            LLVMCall if writes.is_empty() && ir.called_function(inst).is_none_or(|f| !ir.is_declaration(f)) => {
                self.count_execution(id, inst);
                Ok(())
            }
            LLVMCall => {
                let w = self.wrapper(id, inst)?;
                ir.at_end(self.entry(&w));
                let saved = self.save(&w, writes);
                let r = self.perform(&w, &w.args);
                let result = (w.ret != ir.void).then_some(r);
                self.count_reads(id, &w, reads, show, result);
                if writes.is_empty() {
                    self.hook("__itarget_count", &[site, ir.zero(ir.ptr), ir.int(ir.i64, 0)]);
                }
                for (write, slot) in writes.iter().zip(saved) {
                    let Some(&(mut to)) = w.args.get(write.arg as usize) else { continue };
                    if ir.kind(ir.type_of(to)) != LLVMTypeKind::LLVMPointerTypeKind {
                        continue;
                    }
                    let n = match &write.len {
                        Len::Moved(offset) => {
                            let Some(slot) = slot else { continue };
                            let n = self.hook("__itarget_moved", &[slot, to, ir.int(ir.i64, *offset)]);
                            to = ir.load(ir.ptr, slot);
                            n
                        }
                        Len::Iovec(..) | Len::Msghdr(_) => self.length(&w, &Len::Ret, result),
                        Len::Cstr | Len::Wcstr | Len::Scanf(_) | Len::Mmsghdr(_) | Len::Behind(..) | Len::Object(_) => ir.int(ir.i64, 16),
                        len => self.length(&w, len, result),
                    };
                    let n = match (write.unless, result) {
                        (Some(without), Some(r)) => {
                            let none = ir.icmp(LLVMIntPredicate::LLVMIntEQ, ir.int_cast(r, ir.i64, true), ir.int(ir.i64, without as u64));
                            ir.select(none, ir.int(ir.i64, 0), n)
                        }
                        _ => n,
                    };
                    self.hook("__itarget_count", &[site, to, n]);
                }
                self.give(&w, r);
                self.redirect(inst, &w);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
