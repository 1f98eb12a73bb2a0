//! Site instructions: their ordinals and the module's fingerprint (rule: crate `itarget-plan`).

use crate::ir::{Ir, Value};
use llvm_sys::{LLVMLinkage, LLVMOpcode};
use sha2::{Digest, Sha256};

/// Letter of a site instruction in the fingerprint, `None` for any other instruction.
pub fn letter(ir: &Ir, inst: Value) -> Option<u8> {
    match ir.opcode(inst) {
        LLVMOpcode::LLVMLoad => Some(b'l'),
        LLVMOpcode::LLVMStore => Some(b's'),
        LLVMOpcode::LLVMAtomicRMW => Some(b'r'),
        LLVMOpcode::LLVMAtomicCmpXchg => Some(b'x'),
        LLVMOpcode::LLVMVAArg => Some(b'v'),
        LLVMOpcode::LLVMCall | LLVMOpcode::LLVMInvoke | LLVMOpcode::LLVMCallBr => {
            let Some(f) = ir.called_function(inst) else { return Some(b'c') };
            let name = ir.name(f);
            match name.strip_prefix("llvm.") {
                None => Some(b'c'),
                Some(i) => is_memory_intrinsic(i).then_some(b'm'),
            }
        }
        _ => None,
    }
}

fn is_memory_intrinsic(name: &str) -> bool {
    ["memcpy.", "memmove.", "memset."].iter().any(|p| name.starts_with(p))
}

/// Site instructions of a function; the index is the ordinal.
pub fn of_function(ir: &Ir, f: Value) -> Vec<Value> {
    ir.instructions(f).into_iter().filter(|&i| letter(ir, i).is_some()).collect()
}

/// Fingerprint of the module, hex.
pub fn fingerprint(ir: &Ir) -> String {
    let mut named: Vec<(String, Value)> = ir
        .functions()
        .into_iter()
        .filter(|&f| {
            !ir.is_declaration(f) && ir.linkage(f) != LLVMLinkage::LLVMAvailableExternallyLinkage
        })
        .map(|f| (ir.name(f), f))
        .collect();
    named.sort();
    let mut hash = Sha256::new();
    for (name, f) in named {
        hash.update(name.as_bytes());
        hash.update([0]);
        let letters: Vec<u8> =
            ir.instructions(f).into_iter().filter_map(|i| letter(ir, i)).collect();
        hash.update(&letters);
        hash.update([0xff]);
    }
    hex(&hash.finalize())
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
