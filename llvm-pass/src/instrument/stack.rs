//! Padding of stack objects starts as zero.
//!
//! clang's `-ftrivial-auto-var-init=zero` clears variables without initialiser. What it leaves are the
//! gaps in those with one, in parameters and in temporaries: copied to the heap as part of a structure they
//! would take along what the environment left on the stack or in registers.

use super::Cx;
use crate::ir::{Ir, Type, Value};
use llvm_sys::{LLVMLinkage, LLVMOpcode, LLVMTypeKind};

/// Clears every stack object of the program that has gaps, each time its life begins.
pub(super) fn run(cx: &Cx) {
    let ir = cx.ir;
    for f in ir.functions() {
        if ir.is_declaration(f) || ir.linkage(f) == LLVMLinkage::LLVMAvailableExternallyLinkage {
            continue;
        }
        let instructions = ir.instructions(f);
        let entry = ir.entry(f);
        for &slot in instructions.iter().filter(|i| ir.opcode(**i) == LLVMOpcode::LLVMAlloca) {
            let ty = ir.allocated_type(slot);
            if ir.block_of(slot) != entry || ir.const_int(ir.operand(slot, 0)) != Some(1) || !has_gaps(ir, ty) {
                continue;
            }
            let starts: Vec<Value> = instructions.iter().copied().filter(|i| begins(ir, *i, slot)).collect();
            let bytes = ir.abi_size(ty);
            for start in if starts.is_empty() { vec![slot] } else { starts } {
                ir.after(start);
                ir.clear(slot, bytes);
            }
        }
    }
}

/// True for `llvm.lifetime.start` of the slot.
fn begins(ir: &Ir, inst: Value, slot: Value) -> bool {
    ir.opcode(inst) == LLVMOpcode::LLVMCall
        && ir.called_function(inst).is_some_and(|f| ir.name(f).starts_with("llvm.lifetime.start"))
        && ir.operand(inst, 1) == slot
}

/// True when values of the type leave bytes of their memory unwritten.
fn has_gaps(ir: &Ir, ty: Type) -> bool {
    match ir.kind(ty) {
        LLVMTypeKind::LLVMStructTypeKind => {
            let fields = ir.struct_fields(ty);
            let filled: u64 = fields.iter().map(|f| ir.abi_size(*f)).sum();
            filled < ir.abi_size(ty) || fields.into_iter().any(|f| has_gaps(ir, f))
        }
        LLVMTypeKind::LLVMArrayTypeKind => has_gaps(ir, ir.element_type(ty)),
        _ => ir.store_size(ty) < ir.abi_size(ty),
    }
}
