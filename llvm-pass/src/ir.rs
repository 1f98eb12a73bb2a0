//! A thin layer over the C API of LLVM: just what instrumentation needs.
//!
//! All values are raw LLVM references owned by the module the pass was given; a [`Ir`] lives only
//! while the pass runs on that module, so none of them outlives it.
#![allow(clippy::not_unsafe_ptr_arg_deref)]

use llvm_sys::core::*;
use llvm_sys::prelude::*;
use llvm_sys::target::*;
use llvm_sys::{LLVMIntPredicate, LLVMLinkage, LLVMOpcode, LLVMTypeKind};
use std::ffi::{CStr, CString};

unsafe extern "C" {
    fn itarget_if_then(cond: LLVMValueRef, before: LLVMValueRef, unlikely: i32) -> LLVMValueRef;
    fn itarget_unlikely(branch: Value);
    fn itarget_if_then_else(
        cond: LLVMValueRef,
        before: LLVMValueRef,
        unlikely: i32,
        then_end: *mut LLVMValueRef,
        else_end: *mut LLVMValueRef,
    );
    fn itarget_move_before(inst: LLVMValueRef, before: LLVMValueRef);
    fn itarget_clone_function(function: LLVMValueRef, name: *const std::ffi::c_char) -> LLVMValueRef;
    fn itarget_lower_ifuncs(module: LLVMModuleRef);
    fn itarget_replace_address_uses(from: LLVMValueRef, to: LLVMValueRef) -> i32;
    fn itarget_replace_weak_uses(from: LLVMValueRef, to: LLVMValueRef);
    fn itarget_has_address_use(function: LLVMValueRef) -> i32;
    fn itarget_leave_out(module: LLVMModuleRef, values: *mut LLVMValueRef, n: usize);
    fn itarget_delete_body(function: LLVMValueRef);
    fn itarget_keep(module: LLVMModuleRef, value: LLVMValueRef);
    fn itarget_copy_abi_attributes(call: LLVMValueRef, function: LLVMValueRef);
    fn itarget_detach(inst: LLVMValueRef);
    fn itarget_strip_call_attributes(call: LLVMValueRef);
    fn itarget_set_callee(call: LLVMValueRef, ty: LLVMTypeRef, callee: LLVMValueRef);
}

/// A value of the module.
pub type Value = LLVMValueRef;
/// A type of the module's context.
pub type Type = LLVMTypeRef;

/// The module under instrumentation, a builder and the common types.
pub struct Ir {
    /// The module.
    pub module: LLVMModuleRef,
    /// Its context.
    pub cx: LLVMContextRef,
    builder: LLVMBuilderRef,
    layout: LLVMTargetDataRef,
    /// `i1`.
    pub i1: Type,
    /// `i8`.
    pub i8: Type,
    /// `i32`.
    pub i32: Type,
    /// `i64`.
    pub i64: Type,
    /// `ptr`.
    pub ptr: Type,
    /// `void`.
    pub void: Type,
}

impl Drop for Ir {
    fn drop(&mut self) {
        // SAFETY: the builder was made in `new` and is disposed once, here.
        unsafe { LLVMDisposeBuilder(self.builder) }
    }
}

/// A C string for a name; interior NULs (impossible in symbol names) end it.
pub fn cstr(s: &str) -> CString {
    CString::new(s.split('\0').next().unwrap_or("")).unwrap_or_default()
}

// Every function below only hands live references of `self.module` to the C API of LLVM, which
// is all that API asks for; that is the SAFETY argument of each block unless it says more.
macro_rules! llvm {
    ($e:expr) => {{
        // SAFETY: see the comment above this macro: only live references of one module are passed.
        #[allow(unused_unsafe)]
        unsafe { $e }
    }};
}

mod assembly;
mod attributes;

mod calls;

mod module;

impl Ir {
    /// Wraps a module.
    ///
    /// # Safety
    /// `module` must be valid for as long as the result lives.
    pub unsafe fn new(module: LLVMModuleRef) -> Ir {
        let cx = llvm!(LLVMGetModuleContext(module));
        Ir {
            module,
            cx,
            builder: llvm!(LLVMCreateBuilderInContext(cx)),
            layout: llvm!(LLVMGetModuleDataLayout(module)),
            i1: llvm!(LLVMInt1TypeInContext(cx)),
            i8: llvm!(LLVMInt8TypeInContext(cx)),
            i32: llvm!(LLVMInt32TypeInContext(cx)),
            i64: llvm!(LLVMInt64TypeInContext(cx)),
            ptr: llvm!(LLVMPointerTypeInContext(cx, 0)),
            void: llvm!(LLVMVoidTypeInContext(cx)),
        }
    }

    /// All functions, in module order.
    pub fn functions(&self) -> Vec<Value> {
        let mut out = vec![];
        let mut f = llvm!(LLVMGetFirstFunction(self.module));
        while !f.is_null() {
            out.push(f);
            f = llvm!(LLVMGetNextFunction(f));
        }
        out
    }

    /// All global variables, in module order.
    pub fn globals(&self) -> Vec<Value> {
        let mut out = vec![];
        let mut g = llvm!(LLVMGetFirstGlobal(self.module));
        while !g.is_null() {
            out.push(g);
            g = llvm!(LLVMGetNextGlobal(g));
        }
        out
    }

    /// All instructions of a function, in order.
    pub fn instructions(&self, function: Value) -> Vec<Value> {
        let mut out = vec![];
        let mut b = llvm!(LLVMGetFirstBasicBlock(function));
        while !b.is_null() {
            let mut i = llvm!(LLVMGetFirstInstruction(b));
            while !i.is_null() {
                out.push(i);
                i = llvm!(LLVMGetNextInstruction(i));
            }
            b = llvm!(LLVMGetNextBasicBlock(b));
        }
        out
    }

    /// Name of a global or function.
    pub fn name(&self, v: Value) -> String {
        let mut len = 0;
        let p = llvm!(LLVMGetValueName2(v, &mut len));
        // SAFETY: LLVM gives `len` bytes that live as long as the value keeps its name.
        let bytes = unsafe { std::slice::from_raw_parts(p.cast::<u8>(), len) };
        String::from_utf8_lossy(bytes).into_owned()
    }

    /// Renames a value.
    pub fn set_name(&self, v: Value, name: &str) {
        llvm!(LLVMSetValueName2(v, name.as_ptr().cast(), name.len()));
    }

    /// Function by name.
    pub fn function(&self, name: &str) -> Option<Value> {
        let n = cstr(name);
        let f = llvm!(LLVMGetNamedFunction(self.module, n.as_ptr()));
        (!f.is_null()).then_some(f)
    }

    /// Global variable by name.
    pub fn global(&self, name: &str) -> Option<Value> {
        let n = cstr(name);
        let g = llvm!(LLVMGetNamedGlobal(self.module, n.as_ptr()));
        (!g.is_null()).then_some(g)
    }

    /// True for a function or global without body or initialiser.
    pub fn is_declaration(&self, v: Value) -> bool {
        llvm!(LLVMIsDeclaration(v)) != 0
    }

    /// Linkage.
    pub fn linkage(&self, v: Value) -> LLVMLinkage {
        llvm!(LLVMGetLinkage(v))
    }

    /// Sets the linkage.
    pub fn set_linkage(&self, v: Value, l: LLVMLinkage) {
        llvm!(LLVMSetLinkage(v, l));
    }

    /// Function type of a function.
    pub fn function_type(&self, f: Value) -> Type {
        llvm!(LLVMGlobalGetValueType(f))
    }

    /// Value type of a global variable.
    pub fn global_type(&self, g: Value) -> Type {
        llvm!(LLVMGlobalGetValueType(g))
    }

    /// Makes a function type.
    pub fn fn_type(&self, ret: Type, params: &[Type], vararg: bool) -> Type {
        let mut p = params.to_vec();
        llvm!(LLVMFunctionType(ret, p.as_mut_ptr(), p.len() as u32, i32::from(vararg)))
    }

    /// Return type of a function type.
    pub fn return_type(&self, ty: Type) -> Type {
        llvm!(LLVMGetReturnType(ty))
    }

    /// Parameter types of a function type.
    pub fn param_types(&self, ty: Type) -> Vec<Type> {
        let n = llvm!(LLVMCountParamTypes(ty)) as usize;
        let mut v = vec![std::ptr::null_mut(); n];
        llvm!(LLVMGetParamTypes(ty, v.as_mut_ptr()));
        v
    }

    /// True for a variadic function type.
    pub fn is_vararg(&self, ty: Type) -> bool {
        llvm!(LLVMIsFunctionVarArg(ty)) != 0
    }

    /// Declares a function, or finds it.
    pub fn declare(&self, name: &str, ty: Type) -> Value {
        if let Some(f) = self.function(name) {
            return f;
        }
        let n = cstr(name);
        llvm!(LLVMAddFunction(self.module, n.as_ptr(), ty))
    }

    /// New internal function with an entry block.
    pub fn define(&self, name: &str, ty: Type) -> Value {
        let n = cstr(name);
        let f = llvm!(LLVMAddFunction(self.module, n.as_ptr(), ty));
        self.set_linkage(f, LLVMLinkage::LLVMInternalLinkage);
        self.block(f, "entry");
        f
    }

    /// Appends a block and positions the builder at its end.
    pub fn block(&self, f: Value, name: &str) -> LLVMBasicBlockRef {
        let n = cstr(name);
        let b = llvm!(LLVMAppendBasicBlockInContext(self.cx, f, n.as_ptr()));
        self.at_end(b);
        b
    }

    /// Positions the builder at the end of a block.
    pub fn at_end(&self, b: LLVMBasicBlockRef) {
        llvm!(LLVMPositionBuilderAtEnd(self.builder, b));
    }

    /// Positions the builder before an instruction, with its debug location.
    pub fn before(&self, inst: Value) {
        llvm!(LLVMPositionBuilderBefore(self.builder, inst));
        let loc = llvm!(llvm_sys::debuginfo::LLVMInstructionGetDebugLoc(inst));
        llvm!(LLVMSetCurrentDebugLocation2(self.builder, loc));
    }

    /// Debug location for what is built next: that of `inst`.
    pub fn debug_of(&self, inst: Value) {
        let loc = llvm!(llvm_sys::debuginfo::LLVMInstructionGetDebugLoc(inst));
        llvm!(LLVMSetCurrentDebugLocation2(self.builder, loc));
    }

    /// No debug location for what is built next.
    pub fn no_debug(&self) {
        llvm!(LLVMSetCurrentDebugLocation2(self.builder, std::ptr::null_mut()));
    }

    /// Block the builder is in.
    pub fn here(&self) -> LLVMBasicBlockRef {
        llvm!(LLVMGetInsertBlock(self.builder))
    }

    /// Block of an instruction.
    pub fn block_of(&self, inst: Value) -> LLVMBasicBlockRef {
        llvm!(LLVMGetInstructionParent(inst))
    }

    /// Function parameter.
    pub fn param(&self, f: Value, i: usize) -> Value {
        llvm!(LLVMGetParam(f, i as u32))
    }

    /// Integer constant.
    pub fn int(&self, ty: Type, v: u64) -> Value {
        llvm!(LLVMConstInt(ty, v, 0))
    }

    /// Zero of any type.
    pub fn zero(&self, ty: Type) -> Value {
        llvm!(LLVMConstNull(ty))
    }

    /// Value of an integer constant, if it is one.
    pub fn const_int(&self, v: Value) -> Option<i64> {
        if llvm!(LLVMIsAConstantInt(v)).is_null() {
            return None;
        }
        Some(llvm!(LLVMConstIntGetSExtValue(v)))
    }

    /// Type of a value.
    pub fn type_of(&self, v: Value) -> Type {
        llvm!(LLVMTypeOf(v))
    }

    /// Kind of a type.
    pub fn kind(&self, ty: Type) -> LLVMTypeKind {
        llvm!(LLVMGetTypeKind(ty))
    }

    /// Bits of an integer type.
    pub fn int_bits(&self, ty: Type) -> u32 {
        llvm!(LLVMGetIntTypeWidth(ty))
    }

    /// Bytes a store of the type writes.
    pub fn store_size(&self, ty: Type) -> u64 {
        llvm!(LLVMStoreSizeOfType(self.layout, ty))
    }

    /// Bytes the type takes in an array.
    pub fn abi_size(&self, ty: Type) -> u64 {
        llvm!(LLVMABISizeOfType(self.layout, ty))
    }

    /// Opcode of an instruction.
    pub fn opcode(&self, inst: Value) -> LLVMOpcode {
        llvm!(LLVMGetInstructionOpcode(inst))
    }

    /// Operand of an instruction.
    pub fn operand(&self, inst: Value, i: u32) -> Value {
        llvm!(LLVMGetOperand(inst, i))
    }

    /// Arguments of a call.
    pub fn args(&self, call: Value) -> Vec<Value> {
        let n = llvm!(LLVMGetNumArgOperands(call));
        (0..n).map(|i| llvm!(LLVMGetOperand(call, i))).collect()
    }

    /// Function type of a call.
    pub fn call_type(&self, call: Value) -> Type {
        llvm!(LLVMGetCalledFunctionType(call))
    }

    /// Directly called function of a call, if there is one.
    pub fn called_function(&self, call: Value) -> Option<Value> {
        let v = llvm!(LLVMGetCalledValue(call));
        let f = llvm!(LLVMIsAFunction(v));
        (!f.is_null()).then_some(f)
    }

    /// True for a stack slot.
    pub fn is_alloca(&self, v: Value) -> bool {
        !llvm!(LLVMIsAAllocaInst(v)).is_null()
    }

    /// A function whose result depends on nothing that the program can change, and that does nothing else.
    pub fn always_the_same(&self, f: Value) {
        for name in ["memory", "nounwind", "willreturn"] {
            let kind = llvm!(llvm_sys::core::LLVMGetEnumAttributeKindForName(name.as_ptr().cast(), name.len()));
            // For `memory`, 0 stands for none.
            let attribute = llvm!(LLVMCreateEnumAttribute(self.cx, kind, 0));
            llvm!(LLVMAddAttributeAtIndex(f, llvm_sys::LLVMAttributeFunctionIndex, attribute));
        }
    }

    /// Makes `f` keep its frame pointer in the register for it.
    pub fn keep_frame_pointer(&self, f: Value) {
        let (key, value) = ("frame-pointer", "all");
        let attribute = llvm!(llvm_sys::core::LLVMCreateStringAttribute(
            self.cx,
            key.as_ptr().cast(),
            key.len() as u32,
            value.as_ptr().cast(),
            value.len() as u32
        ));
        llvm!(LLVMAddAttributeAtIndex(f, llvm_sys::LLVMAttributeFunctionIndex, attribute));
    }

    /// What a call calls: a function or a pointer.
    pub fn callee_operand(&self, call: Value) -> Value {
        llvm!(LLVMGetCalledValue(call))
    }

    /// True for a null (zero) constant.
    pub fn is_null(&self, v: Value) -> bool {
        llvm!(LLVMIsConstant(v)) != 0 && llvm!(LLVMIsNull(v)) != 0
    }

    /// True when an instruction's result has uses.
    pub fn used(&self, v: Value) -> bool {
        !llvm!(LLVMGetFirstUse(v)).is_null()
    }

    /// Replaces all uses.
    pub fn replace(&self, from: Value, to: Value) {
        llvm!(LLVMReplaceAllUsesWith(from, to));
    }

    /// Removes an instruction.
    pub fn erase(&self, inst: Value) {
        llvm!(LLVMInstructionEraseFromParent(inst));
    }

    /// A copy of an instruction, inserted where the builder is.
    pub fn copy(&self, inst: Value) -> Value {
        let c = llvm!(LLVMInstructionClone(inst));
        llvm!(LLVMInsertIntoBuilder(self.builder, c));
        c
    }

    /// Sets an operand.
    pub fn set_operand(&self, inst: Value, i: u32, v: Value) {
        llvm!(LLVMSetOperand(inst, i, v));
    }

    /// Builds a call.
    pub fn call(&self, f: Value, ty: Type, args: &[Value]) -> Value {
        let mut a = args.to_vec();
        let call = llvm!(LLVMBuildCall2(self.builder, ty, f, a.as_mut_ptr(), a.len() as u32, c"".as_ptr()));
        if !llvm!(LLVMIsAFunction(f)).is_null() {
            llvm!(LLVMSetInstructionCallConv(call, LLVMGetFunctionCallConv(f)));
        }
        call
    }

    /// A branch by a condition that is unlikely in the place of one that ends a block.
    pub fn branch_instead(&self, end: Value, cond: Value, then: LLVMBasicBlockRef, otherwise: LLVMBasicBlockRef) {
        self.before(end);
        llvm!(itarget_unlikely(LLVMBuildCondBr(self.builder, cond, then, otherwise)));
        self.erase(end);
    }

    /// `not` of an `i1`.
    pub fn not(&self, a: Value) -> Value {
        self.xor(a, self.int(self.i1, 1))
    }

    /// Builds a load.
    pub fn load(&self, ty: Type, p: Value) -> Value {
        llvm!(LLVMBuildLoad2(self.builder, ty, p, c"".as_ptr()))
    }

    /// Builds a store.
    pub fn store(&self, v: Value, p: Value) -> Value {
        llvm!(LLVMBuildStore(self.builder, v, p))
    }

    /// Builds an alloca.
    pub fn alloca(&self, ty: Type) -> Value {
        llvm!(LLVMBuildAlloca(self.builder, ty, c"".as_ptr()))
    }

    /// Type of the object that an alloca makes.
    pub fn allocated_type(&self, slot: Value) -> Type {
        llvm!(LLVMGetAllocatedType(slot))
    }

    /// Types of the members of a structure type.
    pub fn struct_fields(&self, ty: Type) -> Vec<Type> {
        (0..llvm!(LLVMCountStructElementTypes(ty))).map(|i| llvm!(LLVMStructGetTypeAtIndex(ty, i))).collect()
    }

    /// Element type of an array type.
    pub fn element_type(&self, ty: Type) -> Type {
        llvm!(LLVMGetElementType(ty))
    }

    /// Sets memory to zero.
    pub fn clear(&self, p: Value, bytes: u64) {
        llvm!(LLVMBuildMemSet(self.builder, p, self.int(self.i8, 0), self.int(self.i64, bytes), 1));
    }

    /// Positions the builder after an instruction that ends no block.
    pub fn after(&self, inst: Value) {
        self.before(llvm!(LLVMGetNextInstruction(inst)));
    }

    /// An alloca in the entry block of a function; the builder stays where it is.
    pub fn entry_alloca(&self, f: Value, ty: Type) -> Value {
        let block = self.here();
        let last = llvm!(LLVMGetBasicBlockTerminator(block));
        let entry = llvm!(LLVMGetEntryBasicBlock(f));
        let first = llvm!(LLVMGetFirstInstruction(entry));
        if first.is_null() {
            self.at_end(entry);
        } else {
            llvm!(LLVMPositionBuilderBefore(self.builder, first));
        }
        let a = self.alloca(ty);
        if last.is_null() {
            self.at_end(block);
        } else {
            llvm!(LLVMPositionBuilderBefore(self.builder, last));
        }
        a
    }

    /// Entry block of a function.
    pub fn entry(&self, f: Value) -> LLVMBasicBlockRef {
        llvm!(LLVMGetEntryBasicBlock(f))
    }

    /// Removes debug location and metadata of an instruction copied to another function.
    pub fn detach(&self, inst: Value) {
        llvm!(itarget_detach(inst));
    }

    /// Function of a block.
    pub fn function_of_block(&self, b: LLVMBasicBlockRef) -> Value {
        llvm!(LLVMGetBasicBlockParent(b))
    }

    /// The single predecessor of a block made by [`Ir::if_then`]: the block before it.
    pub fn block_before_then(&self, b: LLVMBasicBlockRef) -> LLVMBasicBlockRef {
        llvm!(LLVMGetPreviousBasicBlock(b))
    }

    /// Address plus constant bytes.
    pub fn offset(&self, p: Value, bytes: u64) -> Value {
        let mut i = [self.int(self.i64, bytes)];
        llvm!(LLVMBuildGEP2(self.builder, self.i8, p, i.as_mut_ptr(), 1, c"".as_ptr()))
    }

    /// Element address of an array of `ty`.
    pub fn index(&self, ty: Type, p: Value, i: u64) -> Value {
        let mut i = [self.int(self.i64, i)];
        llvm!(LLVMBuildGEP2(self.builder, ty, p, i.as_mut_ptr(), 1, c"".as_ptr()))
    }

    /// Element address of an array of `ty`, at a computed index.
    pub fn element(&self, ty: Type, p: Value, i: Value) -> Value {
        let mut i = [i];
        llvm!(LLVMBuildGEP2(self.builder, ty, p, i.as_mut_ptr(), 1, c"".as_ptr()))
    }

    /// Integer comparison.
    pub fn icmp(&self, p: LLVMIntPredicate, a: Value, b: Value) -> Value {
        llvm!(LLVMBuildICmp(self.builder, p, a, b, c"".as_ptr()))
    }

    /// `a != 0` / null.
    pub fn nonzero(&self, a: Value) -> Value {
        self.icmp(LLVMIntPredicate::LLVMIntNE, a, self.zero(self.type_of(a)))
    }

    /// Selection.
    pub fn select(&self, c: Value, a: Value, b: Value) -> Value {
        llvm!(LLVMBuildSelect(self.builder, c, a, b, c"".as_ptr()))
    }

    /// Bitwise or.
    pub fn or(&self, a: Value, b: Value) -> Value {
        llvm!(LLVMBuildOr(self.builder, a, b, c"".as_ptr()))
    }

    /// Bitwise and.
    pub fn and(&self, a: Value, b: Value) -> Value {
        llvm!(LLVMBuildAnd(self.builder, a, b, c"".as_ptr()))
    }

    /// Bitwise exclusive or.
    pub fn xor(&self, a: Value, b: Value) -> Value {
        llvm!(LLVMBuildXor(self.builder, a, b, c"".as_ptr()))
    }

    /// Logical shift to the right.
    pub fn lshr(&self, a: Value, bits: u64) -> Value {
        llvm!(LLVMBuildLShr(self.builder, a, self.int(self.type_of(a), bits), c"".as_ptr()))
    }

    /// The compiler keeps accesses of memory on their side of this.
    pub fn compiler_fence(&self) {
        use llvm_sys::LLVMAtomicOrdering::LLVMAtomicOrderingSequentiallyConsistent as Ordering;
        llvm!(LLVMBuildFence(self.builder, Ordering, 1, c"".as_ptr()));
    }

    /// Sum.
    pub fn add(&self, a: Value, b: Value) -> Value {
        llvm!(LLVMBuildAdd(self.builder, a, b, c"".as_ptr()))
    }

    /// Product.
    pub fn mul(&self, a: Value, b: Value) -> Value {
        llvm!(LLVMBuildMul(self.builder, a, b, c"".as_ptr()))
    }

    /// Sign-extends or truncates an integer.
    pub fn int_cast(&self, v: Value, ty: Type, signed: bool) -> Value {
        llvm!(LLVMBuildIntCast2(self.builder, v, ty, i32::from(signed), c"".as_ptr()))
    }

    /// Pointer to `i64`.
    pub fn ptr_to_int(&self, v: Value) -> Value {
        llvm!(LLVMBuildPtrToInt(self.builder, v, self.i64, c"".as_ptr()))
    }

    /// Integer to pointer.
    pub fn int_to_ptr(&self, v: Value) -> Value {
        llvm!(LLVMBuildIntToPtr(self.builder, v, self.ptr, c"".as_ptr()))
    }

    /// Reinterprets bits.
    pub fn bitcast(&self, v: Value, ty: Type) -> Value {
        llvm!(LLVMBuildBitCast(self.builder, v, ty, c"".as_ptr()))
    }

    /// Integer type of that many bits.
    pub fn int_type(&self, bits: u32) -> Type {
        llvm!(LLVMIntTypeInContext(self.cx, bits))
    }

    /// Array type.
    pub fn array_type(&self, ty: Type, n: u64) -> Type {
        llvm!(LLVMArrayType2(ty, n))
    }

    /// Branch.
    pub fn br(&self, b: LLVMBasicBlockRef) {
        llvm!(LLVMBuildBr(self.builder, b));
    }

    /// Conditional branch.
    pub fn cond_br(&self, c: Value, a: LLVMBasicBlockRef, b: LLVMBasicBlockRef) {
        llvm!(LLVMBuildCondBr(self.builder, c, a, b));
    }

    /// Return (`None`: void).
    pub fn ret(&self, v: Option<Value>) {
        match v {
            Some(v) => llvm!(LLVMBuildRet(self.builder, v)),
            None => llvm!(LLVMBuildRetVoid(self.builder)),
        };
    }

    /// Phi of `(value, block)` pairs.
    pub fn phi(&self, ty: Type, of: &[(Value, LLVMBasicBlockRef)]) -> Value {
        let p = llvm!(LLVMBuildPhi(self.builder, ty, c"".as_ptr()));
        let (mut v, mut b): (Vec<_>, Vec<_>) = of.iter().copied().unzip();
        llvm!(LLVMAddIncoming(p, v.as_mut_ptr(), b.as_mut_ptr(), of.len() as u32));
        p
    }

    /// Splits before `before`: `if cond { .. }`; returns the branch that ends the new block.
    pub fn if_then(&self, cond: Value, before: Value, unlikely: bool) -> Value {
        llvm!(itarget_if_then(cond, before, i32::from(unlikely)))
    }

    /// Splits before `before` into two branches; returns the branches that end them.
    pub fn if_then_else(&self, cond: Value, before: Value, unlikely: bool) -> (Value, Value) {
        let (mut a, mut b) = (std::ptr::null_mut(), std::ptr::null_mut());
        llvm!(itarget_if_then_else(cond, before, i32::from(unlikely), &mut a, &mut b));
        (a, b)
    }

    /// Moves an instruction.
    pub fn move_before(&self, inst: Value, before: Value) {
        llvm!(itarget_move_before(inst, before));
    }

    /// A copy of a function with internal linkage.
    pub fn clone_function(&self, f: Value, name: &str) -> Value {
        let n = cstr(name);
        llvm!(itarget_clone_function(f, n.as_ptr()))
    }

    /// Makes functions that a resolver chooses (`ifunc`) such of the program's that ask it when they are called first.
    pub fn lower_ifuncs(&self) {
        llvm!(itarget_lower_ifuncs(self.module));
    }

    /// Replaces uses of a function other than as callee; returns how many.
    pub fn replace_address_uses(&self, from: Value, to: Value) -> i32 {
        llvm!(itarget_replace_address_uses(from, to))
    }

    /// As [`Ir::replace_address_uses`] for a function that nobody need define, in code: null where nobody does.
    pub fn replace_weak_uses(&self, from: Value, to: Value) {
        llvm!(itarget_replace_weak_uses(from, to));
    }

    /// True when a function is used other than as callee.
    pub fn has_address_use(&self, f: Value) -> bool {
        llvm!(itarget_has_address_use(f)) != 0
    }

    /// Turns a definition into a declaration.
    pub fn delete_body(&self, f: Value) {
        llvm!(itarget_delete_body(f));
    }

    /// Keeps a symbol through optimisation and garbage collection.
    pub fn keep(&self, v: Value) {
        llvm!(itarget_keep(self.module, v));
    }

    /// Gives `function` the calling-convention attributes of `call`.
    pub fn copy_abi_attributes(&self, call: Value, function: Value) {
        llvm!(itarget_copy_abi_attributes(call, function));
    }

    /// Forgets what the optimiser may know of the callee.
    pub fn strip_call_attributes(&self, call: Value) {
        llvm!(itarget_strip_call_attributes(call));
    }

    /// Redirects a call.
    pub fn set_callee(&self, call: Value, ty: Type, f: Value) {
        llvm!(itarget_set_callee(call, ty, f));
    }

    /// New global variable with internal linkage.
    pub fn add_global(&self, name: &str, init: Value) -> Value {
        let n = cstr(name);
        let g = llvm!(LLVMAddGlobal(self.module, self.type_of(init), n.as_ptr()));
        llvm!(LLVMSetInitializer(g, init));
        self.set_linkage(g, LLVMLinkage::LLVMInternalLinkage);
        g
    }

    /// Makes a global variable a constant.
    pub fn constant(&self, g: Value, value: Value) {
        llvm!(LLVMSetInitializer(g, value));
        llvm!(LLVMSetGlobalConstant(g, 1));
    }

    /// Declares an external global variable, or finds it.
    pub fn declare_global(&self, name: &str, ty: Type) -> Value {
        if let Some(g) = self.global(name) {
            return g;
        }
        let n = cstr(name);
        let g = llvm!(LLVMAddGlobal(self.module, ty, n.as_ptr()));
        // Defined in the runtime archive of the same executable: no GOT.
        llvm!(LLVMSetVisibility(g, llvm_sys::LLVMVisibility::LLVMHiddenVisibility));
        g
    }

    /// Constant struct without a name.
    pub fn const_struct(&self, of: &[Value]) -> Value {
        let mut v = of.to_vec();
        llvm!(LLVMConstStructInContext(self.cx, v.as_mut_ptr(), v.len() as u32, 0))
    }

    /// Constant array.
    pub fn const_array(&self, ty: Type, of: &[Value]) -> Value {
        let mut v = of.to_vec();
        llvm!(LLVMConstArray2(ty, v.as_mut_ptr(), v.len() as u64))
    }

    /// Constant bytes.
    pub fn const_bytes(&self, bytes: &[u8]) -> Value {
        llvm!(LLVMConstStringInContext2(self.cx, bytes.as_ptr().cast(), bytes.len(), 1))
    }

    /// Initialiser of a global, if any.
    pub fn initializer(&self, g: Value) -> Option<Value> {
        let v = llvm!(LLVMGetInitializer(g));
        (!v.is_null()).then_some(v)
    }

    /// Appends file-scope assembly.
    pub fn module_asm(&self, text: &str) {
        llvm!(LLVMAppendModuleInlineAsm(self.module, text.as_ptr().cast(), text.len()));
    }

    /// Bytes of a constant string global (format strings), without the NUL.
    pub fn const_cstr(&self, v: Value) -> Option<Vec<u8>> {
        let g = llvm!(LLVMIsAGlobalVariable(v));
        if g.is_null() || llvm!(LLVMIsGlobalConstant(g)) == 0 {
            return None;
        }
        let init = self.initializer(g)?;
        if llvm!(LLVMIsConstantString(init)) == 0 {
            return None;
        }
        let mut len = 0;
        let p = llvm!(LLVMGetAsString(init, &mut len));
        // SAFETY: LLVM gives `len` bytes owned by the constant.
        let bytes = unsafe { std::slice::from_raw_parts(p.cast::<u8>(), len) };
        Some(bytes.iter().copied().take_while(|b| *b != 0).collect())
    }
}
