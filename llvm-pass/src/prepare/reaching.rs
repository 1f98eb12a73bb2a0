//! Intrinsics that reach memory by themselves (gathers, masked loads and stores, `lddqu`): nobody knows what they read or write, so a
//! recording ends at the first. A call of a function of the runtime, which is refused (`annotations/linux/processor.toml`), stands before each.

use crate::ir::{Ir, Value};
use llvm_sys::{LLVMOpcode, LLVMTypeKind};

/// The function of the runtime.
const REACHES: &str = "itarget_reaches";

/// Intrinsics (what follows `llvm.` in their names) that take addresses and reach no memory by them, or that the analysis knows.
const HARMLESS: &[&str] = &[
    "adjust.trampoline", "annotation", "assume", "clear_cache", "dbg.", "eh.", "invariant.", "is.constant", "launder.", "lifetime.", "memcpy.", "memmove.", "memset.",
    "objectsize.", "prefetch", "ptr.annotation", "ptrmask.", "stackrestore", "strip.", "threadlocal.address", "va_", "var.annotation", "x86.cldemote", "x86.clflushopt",
    "x86.clwb", "x86.sse2.clflush",
];

/// Marks all of them, each once.
pub fn run(ir: &Ir) {
    for f in ir.functions() {
        if ir.is_declaration(f) {
            continue;
        }
        let mut before: Option<Value> = None;
        for inst in ir.instructions(f) {
            let marked = before.replace(inst).is_some_and(|b| callee(ir, b).is_some_and(|name| name == REACHES));
            if !marked && callee(ir, inst).is_some_and(|name| reaches(ir, inst, &name)) {
                ir.before(inst);
                ir.debug_of(inst);
                let ty = ir.fn_type(ir.void, &[], false);
                ir.call(ir.declare(REACHES, ty), ty, &[]);
            }
        }
    }
}

fn callee(ir: &Ir, inst: Value) -> Option<String> {
    let call = matches!(ir.opcode(inst), LLVMOpcode::LLVMCall);
    call.then(|| ir.called_function(inst)).flatten().map(|f| ir.name(f))
}

/// Whether a call of the function of that name reaches memory.
fn reaches(ir: &Ir, call: Value, name: &str) -> bool {
    let Some(rest) = name.strip_prefix("llvm.") else { return false };
    let address = |v: &Value| {
        let ty = ir.type_of(*v);
        matches!(ir.kind(ty), LLVMTypeKind::LLVMPointerTypeKind) || ir.is_vector_of_pointers(ty)
    };
    !HARMLESS.iter().any(|h| rest.starts_with(h)) && !ir.called_function(call).is_some_and(|f| ir.touches_nothing(f)) && ir.args(call).iter().any(address)
}
