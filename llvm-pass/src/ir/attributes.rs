//! What optimizer and code generator are told of functions and calls.

use super::{Ir, Value};
use llvm_sys::core::*;

impl Ir {
    /// Keeps a function out of line, as something rarely run.
    pub fn never_inline(&self, f: Value) {
        for name in ["noinline", "cold"] {
            let kind = llvm!(llvm_sys::core::LLVMGetEnumAttributeKindForName(name.as_ptr().cast(), name.len()));
            let attribute = llvm!(LLVMCreateEnumAttribute(self.cx, kind, 0));
            llvm!(LLVMAddAttributeAtIndex(f, llvm_sys::LLVMAttributeFunctionIndex, attribute));
        }
    }

    /// Keeps a call as it is: no optimisation makes it one of another function.
    pub fn never_another(&self, call: Value) {
        let name = "nobuiltin";
        let kind = llvm!(llvm_sys::core::LLVMGetEnumAttributeKindForName(name.as_ptr().cast(), name.len()));
        let attribute = llvm!(LLVMCreateEnumAttribute(self.cx, kind, 0));
        llvm!(llvm_sys::core::LLVMAddCallSiteAttribute(call, llvm_sys::LLVMAttributeFunctionIndex, attribute));
    }

    /// Has hooks of a function (`-finstrument-functions-after-inlining`) called before inlining; other ones (`mcount`) stay.
    pub fn hook_early(&self, f: Value) {
        let index = llvm_sys::LLVMAttributeFunctionIndex;
        let create = |key: &str, value: &str| {
            llvm!(llvm_sys::core::LLVMCreateStringAttribute(self.cx, key.as_ptr().cast(), key.len() as u32, value.as_ptr().cast(), value.len() as u32))
        };
        for (when, hook) in [("entry", "__cyg_profile_func_enter"), ("entry", "__cyg_profile_func_enter_bare"), ("exit", "__cyg_profile_func_exit")] {
            let (early, late) = (format!("instrument-function-{when}"), format!("instrument-function-{when}-inlined"));
            // Attributes that say the same are the same one.
            if llvm!(llvm_sys::core::LLVMGetStringAttributeAtIndex(f, index, late.as_ptr().cast(), late.len() as u32)) == create(&late, hook) {
                llvm!(llvm_sys::core::LLVMRemoveStringAttributeAtIndex(f, index, late.as_ptr().cast(), late.len() as u32));
                llvm!(LLVMAddAttributeAtIndex(f, index, create(&early, hook)));
            }
        }
    }

    /// `to` is compiled for the same processor as `from`: it may be inlined there, or take it in.
    pub fn same_target(&self, from: Value, to: Value) {
        let index = llvm_sys::LLVMAttributeFunctionIndex;
        for key in ["target-cpu", "target-features", "tune-cpu"] {
            let attribute = llvm!(llvm_sys::core::LLVMGetStringAttributeAtIndex(from, index, key.as_ptr().cast(), key.len() as u32));
            if !attribute.is_null() {
                llvm!(LLVMAddAttributeAtIndex(to, index, attribute));
            }
        }
    }

    /// Marks a function; bitcode keeps that.
    pub fn mark(&self, f: Value, mark: &str) {
        let attribute = llvm!(llvm_sys::core::LLVMCreateStringAttribute(self.cx, mark.as_ptr().cast(), mark.len() as u32, c"".as_ptr(), 0));
        llvm!(LLVMAddAttributeAtIndex(f, llvm_sys::LLVMAttributeFunctionIndex, attribute));
    }

    /// Whether it has that mark.
    pub fn is_marked(&self, f: Value, mark: &str) -> bool {
        let index = llvm_sys::LLVMAttributeFunctionIndex;
        !llvm!(llvm_sys::core::LLVMGetStringAttributeAtIndex(f, index, mark.as_ptr().cast(), mark.len() as u32)).is_null()
    }

    /// True for a function that reads and writes no memory.
    pub fn touches_nothing(&self, f: Value) -> bool {
        let name = "memory";
        let kind = llvm!(llvm_sys::core::LLVMGetEnumAttributeKindForName(name.as_ptr().cast(), name.len()));
        let memory = llvm!(LLVMGetEnumAttributeAtIndex(f, llvm_sys::LLVMAttributeFunctionIndex, kind));
        // 0 stands for none.
        !memory.is_null() && llvm!(LLVMGetEnumAttributeValue(memory)) == 0
    }
}
