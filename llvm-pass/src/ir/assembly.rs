//! Inline assembly and vectors: their operands, and results of several registers.

use super::{Ir, Type, Value};
use llvm_sys::LLVMAtomicOrdering::LLVMAtomicOrderingSequentiallyConsistent as ORDERED;
use llvm_sys::{LLVMAtomicRMWBinOp, LLVMTypeKind};
use llvm_sys::core::*;

impl Ir {
    /// Text and constraints of the inline assembly that a call runs.
    pub fn assembly(&self, call: Value) -> Option<(String, String)> {
        let v = llvm!(LLVMIsAInlineAsm(LLVMGetCalledValue(call)));
        if v.is_null() {
            return None;
        }
        let mut len = 0;
        let text = llvm!(LLVMGetInlineAsmAsmString(v, &mut len));
        let text = self.text_of(text, len);
        let constraints = llvm!(LLVMGetInlineAsmConstraintString(v, &mut len));
        Some((text, self.text_of(constraints, len)))
    }

    fn text_of(&self, at: *const std::ffi::c_char, len: usize) -> String {
        // SAFETY: LLVM's own string of that length.
        let bytes = unsafe { std::slice::from_raw_parts(at.cast::<u8>(), len) };
        String::from_utf8_lossy(bytes).into_owned()
    }

    /// What was there, and whether it was what is `expected`: then `new` is there.
    pub fn compare_exchange(&self, memory: Value, expected: Value, new: Value) -> (Value, Value) {
        let pair = llvm!(LLVMBuildAtomicCmpXchg(self.builder, memory, expected, new, ORDERED, ORDERED, 0));
        let member = |i| llvm!(LLVMBuildExtractValue(self.builder, pair, i, c"".as_ptr()));
        (member(0), member(1))
    }

    /// What was there before the operation.
    pub fn read_modify_write(&self, operation: LLVMAtomicRMWBinOp, memory: Value, value: Value) -> Value {
        llvm!(LLVMBuildAtomicRMW(self.builder, operation, memory, value, ORDERED, 0))
    }

    /// Difference.
    pub fn sub(&self, a: Value, b: Value) -> Value {
        llvm!(LLVMBuildSub(self.builder, a, b, c"".as_ptr()))
    }

    /// A structure of type `ty` that is a value, of these members.
    pub fn structure(&self, ty: Type, members: &[Value]) -> Value {
        members.iter().zip(0..).fold(llvm!(LLVMGetPoison(ty)), |of, (&member, i)| llvm!(LLVMBuildInsertValue(self.builder, of, member, i, c"".as_ptr())))
    }

    /// True for a vector of addresses.
    pub fn is_vector_of_pointers(&self, ty: Type) -> bool {
        matches!(self.kind(ty), LLVMTypeKind::LLVMVectorTypeKind) && matches!(self.kind(llvm!(LLVMGetElementType(ty))), LLVMTypeKind::LLVMPointerTypeKind)
    }
}
