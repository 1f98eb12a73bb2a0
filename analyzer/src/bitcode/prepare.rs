//! Numbers the sites of a module and computes its fingerprint, before any pass has run.
//!
//! The rule is `itarget_plan`'s; the pass follows the same. Ordinals are kept by the address of
//! the instruction: mem2reg deletes loads and stores but makes only phi nodes, which are no sites,
//! so an address that still belongs to a site instruction belongs to the same one.

use super::ll::{Kind, Op, Program, Value};
use llvm_sys::LLVMLinkage;
use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};

/// What is known of a module before passes.
pub(super) struct Sites {
    /// Ordinal by [`Value::key`].
    pub(super) ordinals: FxHashMap<usize, u32>,
    /// Hex SHA-256.
    pub(super) fingerprint: String,
}

/// The site letter of an instruction, `None` if it is no site.
fn letter(instruction: Value<'_>) -> Option<u8> {
    match instruction.opcode() {
        Op::LLVMLoad => Some(b'l'),
        Op::LLVMStore => Some(b's'),
        Op::LLVMAtomicRMW => Some(b'r'),
        Op::LLVMAtomicCmpXchg => Some(b'x'),
        Op::LLVMVAArg => Some(b'v'),
        Op::LLVMCall | Op::LLVMInvoke | Op::LLVMCallBr => {
            let callee = instruction.callee()?;
            if !matches!(callee.kind(), Kind::LLVMFunctionValueKind) {
                return Some(b'c');
            }
            let name = callee.name();
            match name.strip_prefix("llvm.") {
                None => Some(b'c'),
                Some(rest) if ["memcpy", "memmove", "memset"].iter().any(|m| rest.starts_with(m)) => Some(b'm'),
                Some(_) => None,
            }
        }
        _ => None,
    }
}

/// Numbers all sites.
pub(super) fn number(program: &Program<'_>) -> Sites {
    let mut ordinals = FxHashMap::default();
    let mut lines: Vec<(String, Vec<u8>)> = Vec::new();
    for function in program.functions() {
        if function.is_declaration() || matches!(function.linkage(), LLVMLinkage::LLVMAvailableExternallyLinkage) {
            continue;
        }
        let mut letters = Vec::new();
        for instruction in function.blocks().flat_map(|b| b.instructions()) {
            if let Some(letter) = letter(instruction) {
                ordinals.insert(instruction.key(), u32::try_from(letters.len()).unwrap_or(u32::MAX));
                letters.push(letter);
            }
        }
        lines.push((function.name(), letters));
    }
    lines.sort_unstable();
    let mut hash = Sha256::new();
    for (name, letters) in lines {
        hash.update(name.as_bytes());
        hash.update([0]);
        hash.update(&letters);
        hash.update([0xff]);
    }
    let fingerprint = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
    Sites { ordinals, fingerprint }
}
