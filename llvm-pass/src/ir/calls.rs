//! What functions and calls of them are like: attributes of their parameters, kinds of calls.

use super::{Ir, Type, Value};
use llvm_sys::core::*;
use llvm_sys::prelude::{LLVMTypeRef, LLVMValueRef};

unsafe extern "C" {
    fn itarget_inline(function: LLVMValueRef);
    fn itarget_copy_signature(from: LLVMValueRef, to: LLVMValueRef);
    fn itarget_byval_type(of: LLVMValueRef, i: u32) -> LLVMTypeRef;
}

impl Ir {
    /// Puts the body of a function in the place of each call of it, where that can be.
    pub fn inline(&self, f: Value) {
        llvm!(itarget_inline(f));
    }

    /// Gives a function or call the parameter, return and convention attributes of another.
    pub fn copy_signature(&self, from: Value, to: Value) {
        llvm!(itarget_copy_signature(from, to));
    }

    /// Type of a parameter of a function or call that is passed by value in memory.
    pub fn byval_type(&self, of: Value, i: usize) -> Option<Type> {
        let ty = llvm!(itarget_byval_type(of, i as u32));
        (!ty.is_null()).then_some(ty)
    }

    /// Copies `bytes` of memory where the builder is.
    pub fn copy_memory(&self, to: Value, from: Value, bytes: u64) {
        llvm!(LLVMBuildMemCpy(self.builder, to, 1, from, 1, self.int(self.i64, bytes)));
    }

    /// Inline assembly without operands, where the builder is.
    pub fn asm(&self, text: &str, clobbers: &str) {
        let ty = self.fn_type(self.void, &[], false);
        let asm = llvm!(LLVMGetInlineAsm(
            ty,
            text.as_ptr().cast(),
            text.len(),
            clobbers.as_ptr().cast(),
            clobbers.len(),
            1,
            0,
            llvm_sys::LLVMInlineAsmDialect::LLVMInlineAsmDialectATT,
            0
        ));
        self.call(asm, ty, &[]);
    }

    /// A call that becomes a jump, so that all arguments go on, variable ones too.
    pub fn must_tail(&self, call: Value) {
        llvm!(LLVMSetTailCallKind(call, llvm_sys::LLVMTailCallKind::LLVMTailCallKindMustTail));
    }

    /// Callers of the function may leave all in registers but its result, r11 and floating-point values.
    pub fn preserve_most(&self, f: Value) {
        llvm!(LLVMSetFunctionCallConv(f, llvm_sys::LLVMCallConv::LLVMPreserveMostCallConv as u32));
    }

    /// A string attribute of a function.
    pub fn attribute(&self, f: Value, name: &str, value: &str) {
        let a = llvm!(LLVMCreateStringAttribute(
            self.cx,
            name.as_ptr().cast(),
            name.len() as u32,
            value.as_ptr().cast(),
            value.len() as u32
        ));
        llvm!(LLVMAddAttributeAtIndex(f, llvm_sys::LLVMAttributeFunctionIndex, a));
    }

    /// True for a call.
    pub fn is_call(&self, v: Value) -> bool {
        // SAFETY: any value of the module.
        !unsafe { llvm_sys::core::LLVMIsACallInst(v) }.is_null()
    }

    /// The instruction after this one.
    pub fn next(&self, inst: Value) -> Value {
        // SAFETY: an instruction that is not the last of its block.
        unsafe { llvm_sys::core::LLVMGetNextInstruction(inst) }
    }
}
