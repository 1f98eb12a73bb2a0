//! A thin checked layer over the LLVM C API: contexts, modules, values, types.
//!
//! [`Value`], [`Ty`] and [`Block`] borrow the [`Program`] they belong to, and nothing in this crate
//! deletes what they stand for while they live (passes run between two borrows only), so the
//! references inside are valid. Functions that LLVM defines for some kinds of value only are
//! called by `convert` after looking at the kind; those are marked "kind".

use super::error::{LoadError, LoadErrorCode as Code};
use llvm_sys::core::*;
use llvm_sys::debuginfo::*;
use llvm_sys::prelude::*;
pub(super) use llvm_sys::{LLVMOpcode as Op, LLVMTypeKind as TyKind, LLVMValueKind as Kind};
use std::ffi::{CStr, CString, c_char, c_void};
use std::marker::PhantomData;

/// A call into LLVM on live references.
macro_rules! llvm {
    ($call:expr) => {{
        // SAFETY: the wrappers hold references that are live (see the module's comment), and the
        // caller has checked the kind where LLVM asks for one.
        unsafe { $call }
    }};
}

/// An LLVM context with the diagnostics it has emitted.
pub(super) struct Context {
    raw: LLVMContextRef,
    messages: *mut Vec<String>,
}

/// A module in a context.
pub(super) struct Program<'c> {
    raw: LLVMModuleRef,
    context: PhantomData<&'c Context>,
}

extern "C" fn collect(info: LLVMDiagnosticInfoRef, messages: *mut c_void) {
    // SAFETY: LLVM gives a live diagnostic and the pointer registered in `Context::new`, which
    // points to a vector that lives as long as the context and is not borrowed during LLVM calls.
    unsafe {
        if !matches!(LLVMGetDiagInfoSeverity(info), llvm_sys::LLVMDiagnosticSeverity::LLVMDSError) {
            return;
        }
        let text = LLVMGetDiagInfoDescription(info);
        (*messages.cast::<Vec<String>>()).push(take_message(text));
    }
}

/// Copies and frees a message made by LLVM; null gives an empty one.
fn take_message(text: *mut c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: not null, so a NUL-terminated string that LLVM made for us to dispose of.
    unsafe {
        let owned = CStr::from_ptr(text).to_string_lossy().trim().replace('\n', "; ");
        LLVMDisposeMessage(text);
        owned
    }
}

impl Context {
    pub(super) fn new() -> Self {
        let messages = Box::into_raw(Box::new(Vec::new()));
        // SAFETY: a fresh context; the handler has the type LLVM calls, and `messages` outlives it.
        let raw = unsafe {
            let raw = LLVMContextCreate();
            LLVMContextSetDiagnosticHandler(raw, Some(collect), messages.cast());
            raw
        };
        Context { raw, messages }
    }

    fn messages(&self) -> String {
        // SAFETY: made by `Box::into_raw` in `new`, freed in `drop` only; no LLVM call is running.
        let messages = unsafe { std::mem::take(&mut *self.messages) };
        if messages.is_empty() { "no details from LLVM".to_owned() } else { messages.join("; ") }
    }

    /// Parses one module.
    pub(super) fn parse(&self, name: &str, bytes: &[u8]) -> Result<Program<'_>, LoadError> {
        let label = CString::new(name.replace('\0', "?")).unwrap_or_default();
        let mut raw = std::ptr::null_mut();
        // SAFETY: LLVM copies the bytes, and takes a pointer and a length that belong together; the
        // buffer is disposed of once, after the eager parse is done with it.
        let failed = unsafe {
            let buffer =
                LLVMCreateMemoryBufferWithMemoryRangeCopy(bytes.as_ptr().cast(), bytes.len(), label.as_ptr());
            let failed = llvm_sys::bit_reader::LLVMParseBitcodeInContext2(self.raw, buffer, &raw mut raw);
            LLVMDisposeMemoryBuffer(buffer);
            failed
        };
        if failed != 0 || raw.is_null() {
            let detail = self.messages();
            let other = detail.contains("Producer: ") && !detail.contains("Producer: 'LLVM19.1");
            return Err(LoadError::new(if other { Code::OtherVersion } else { Code::Malformed }, name, detail));
        }
        Ok(Program { raw, context: PhantomData })
    }

    /// Links `next` into `program`.
    pub(super) fn link<'c>(
        &'c self,
        program: Program<'c>,
        next: Program<'c>,
        name: &str,
    ) -> Result<Program<'c>, LoadError> {
        let source = next.raw;
        std::mem::forget(next);
        // SAFETY: both live and of this context; LLVM takes ownership of the source.
        if unsafe { llvm_sys::linker::LLVMLinkModules2(program.raw, source) } != 0 {
            return Err(LoadError::new(Code::Malformed, name, format!("does not link: {}", self.messages())));
        }
        Ok(program)
    }

    /// Checks that the module is well formed.
    pub(super) fn verify(&self, program: &Program<'_>, name: &str) -> Result<(), LoadError> {
        let mut text = std::ptr::null_mut();
        let action = llvm_sys::analysis::LLVMVerifierFailureAction::LLVMReturnStatusAction;
        // SAFETY: live module; the message is taken over below.
        let broken = unsafe { llvm_sys::analysis::LLVMVerifyModule(program.raw, action, &raw mut text) };
        let text = take_message(text);
        if broken != 0 {
            return Err(LoadError::new(Code::Malformed, name, text.chars().take(500).collect::<String>()));
        }
        Ok(())
    }

    /// Brings the module to SSA form; no site is deleted but loads and stores of promoted slots.
    pub(super) fn run_passes(&self, program: &Program<'_>, name: &str) -> Result<(), LoadError> {
        for function in program.functions() {
            let index = llvm_sys::LLVMAttributeFunctionIndex;
            llvm!(LLVMRemoveEnumAttributeAtIndex(function.raw, index, attribute_kind("optnone")));
        }
        let passes = c"elim-avail-extern,inferattrs,function(mem2reg)";
        // SAFETY: live module; options live during the run; an error value is consumed by
        // LLVMGetErrorMessage, and its text disposed of by its own function.
        unsafe {
            use llvm_sys::transforms::pass_builder::*;
            let options = LLVMCreatePassBuilderOptions();
            let error = LLVMRunPasses(program.raw, passes.as_ptr(), std::ptr::null_mut(), options);
            LLVMDisposePassBuilderOptions(options);
            if !error.is_null() {
                let text = llvm_sys::error::LLVMGetErrorMessage(error);
                let detail = CStr::from_ptr(text).to_string_lossy().into_owned();
                llvm_sys::error::LLVMDisposeErrorMessage(text);
                return Err(LoadError::new(Code::Malformed, name, detail));
            }
        }
        Ok(())
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: modules borrow the context, so none is left; the vector came from Box::into_raw.
        unsafe {
            LLVMContextDispose(self.raw);
            drop(Box::from_raw(self.messages));
        }
    }
}

impl Drop for Program<'_> {
    fn drop(&mut self) {
        // SAFETY: owned, and values borrow the program, so none is left.
        unsafe { LLVMDisposeModule(self.raw) }
    }
}

/// Iterates over one of LLVM's linked lists.
macro_rules! list {
    ($name:ident, $first:ident, $next:ident) => {
        pub(super) fn $name(&self) -> impl Iterator<Item = Value<'_>> {
            let mut at = llvm!($first(self.raw));
            std::iter::from_fn(move || {
                let value = Value::some(at)?;
                at = llvm!($next(at));
                Some(value)
            })
        }
    };
}

impl Program<'_> {
    list!(functions, LLVMGetFirstFunction, LLVMGetNextFunction);
    list!(globals, LLVMGetFirstGlobal, LLVMGetNextGlobal);

    /// Layout for sizes.
    pub(super) fn layout(&self) -> Layout<'_> {
        Layout { raw: llvm!(llvm_sys::target::LLVMGetModuleDataLayout(self.raw)), program: PhantomData }
    }

    /// Debug information of variables as records beside the instructions, or as calls of intrinsics.
    pub(super) fn set_debug_records(&self, records: bool) {
        llvm!(LLVMSetIsNewDbgInfoFormat(self.raw, i32::from(records)));
    }

    /// There is module-level assembly.
    pub(super) fn has_asm(&self) -> bool {
        let mut len = 0;
        llvm!(LLVMGetModuleInlineAsm(self.raw, &raw mut len));
        len != 0
    }
}

/// The data layout of a program.
#[derive(Clone, Copy)]
pub(super) struct Layout<'p> {
    raw: llvm_sys::target::LLVMTargetDataRef,
    program: PhantomData<&'p ()>,
}

impl<'p> Layout<'p> {
    /// Size with padding, in bytes; 0 for unsized types.
    pub(super) fn size(&self, ty: Ty<'p>) -> u64 {
        if !ty.sized() {
            return 0;
        }
        llvm!(llvm_sys::target::LLVMABISizeOfType(self.raw, ty.raw))
    }

    /// Bytes that a load or store moves; 0 for unsized types.
    pub(super) fn store_size(&self, ty: Ty<'p>) -> u64 {
        if !ty.sized() {
            return 0;
        }
        llvm!(llvm_sys::target::LLVMStoreSizeOfType(self.raw, ty.raw))
    }

    /// Offset of a struct's field. Kind: sized struct, `field` in range.
    pub(super) fn offset(&self, ty: Ty<'p>, field: u32) -> u64 {
        llvm!(llvm_sys::target::LLVMOffsetOfElement(self.raw, ty.raw, field))
    }
}

/// A type.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Ty<'p> {
    raw: LLVMTypeRef,
    program: PhantomData<&'p ()>,
}

impl<'p> Ty<'p> {
    fn new(raw: LLVMTypeRef) -> Self {
        Ty { raw, program: PhantomData }
    }

    pub(super) fn kind(self) -> TyKind {
        llvm!(LLVMGetTypeKind(self.raw))
    }

    pub(super) fn sized(self) -> bool {
        llvm!(LLVMTypeIsSized(self.raw)) != 0
    }

    /// Kind: integer.
    pub(super) fn bits(self) -> u32 {
        llvm!(LLVMGetIntTypeWidth(self.raw))
    }

    /// Kind: struct.
    pub(super) fn field_count(self) -> u32 {
        llvm!(LLVMCountStructElementTypes(self.raw))
    }

    /// Kind: struct. Its name, if it has one.
    pub(super) fn struct_name(self) -> Option<String> {
        let text = llvm!(LLVMGetStructName(self.raw));
        if text.is_null() {
            return None;
        }
        // SAFETY: LLVM gives a text with a NUL at its end that lives as long as the context.
        Some(unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
    }

    /// Kind: struct, `index` in range.
    pub(super) fn field(self, index: u32) -> Ty<'p> {
        Ty::new(llvm!(LLVMStructGetTypeAtIndex(self.raw, index)))
    }

    /// Kind: array or vector.
    pub(super) fn element(self) -> Ty<'p> {
        Ty::new(llvm!(LLVMGetElementType(self.raw)))
    }

    /// Kind: array.
    pub(super) fn array_len(self) -> u64 {
        llvm!(LLVMGetArrayLength2(self.raw))
    }

    /// Kind: function.
    pub(super) fn variadic(self) -> bool {
        llvm!(LLVMIsFunctionVarArg(self.raw)) != 0
    }

    /// Kind: function.
    pub(super) fn result(self) -> Ty<'p> {
        Ty::new(llvm!(LLVMGetReturnType(self.raw)))
    }

    /// Kind: function.
    pub(super) fn params(self) -> Vec<Ty<'p>> {
        let count = llvm!(LLVMCountParamTypes(self.raw)) as usize;
        let mut raw = vec![std::ptr::null_mut(); count];
        llvm!(LLVMGetParamTypes(self.raw, raw.as_mut_ptr()));
        raw.into_iter().map(Ty::new).collect()
    }
}

/// A basic block.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Block<'p> {
    raw: LLVMBasicBlockRef,
    program: PhantomData<&'p ()>,
}

impl<'p> Block<'p> {
    pub(super) fn instructions(self) -> impl Iterator<Item = Value<'p>> {
        let mut at = llvm!(LLVMGetFirstInstruction(self.raw));
        std::iter::from_fn(move || {
            let value = Value::some(at)?;
            at = llvm!(LLVMGetNextInstruction(at));
            Some(value)
        })
    }

    /// A key that is unique among live values: that of the block as an operand.
    pub(super) fn key(self) -> usize {
        llvm!(LLVMBasicBlockAsValue(self.raw)) as usize
    }

    pub(super) fn successors(self) -> Vec<Block<'p>> {
        let end = llvm!(LLVMGetBasicBlockTerminator(self.raw));
        if end.is_null() {
            return Vec::new();
        }
        let count = llvm!(LLVMGetNumSuccessors(end));
        let block = |i| Block { raw: llvm!(LLVMGetSuccessor(end, i)), program: PhantomData };
        (0..count).map(block).collect()
    }
}

/// A value: constant, global, parameter or instruction.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Value<'p> {
    raw: LLVMValueRef,
    program: PhantomData<&'p ()>,
}

/// Where an attribute sits.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Function,
    Return,
    Param(u32),
}

impl Place {
    fn index(self) -> u32 {
        match self {
            Place::Function => llvm_sys::LLVMAttributeFunctionIndex,
            Place::Return => 0,
            Place::Param(index) => index + 1,
        }
    }
}

/// Number of a kind of metadata.
pub(super) fn kind_of_metadata(name: &str) -> u32 {
    llvm!(LLVMGetMDKindID(name.as_ptr().cast(), u32::try_from(name.len()).unwrap_or(0)))
}

fn attribute_kind(name: &str) -> u32 {
    llvm!(LLVMGetEnumAttributeKindForName(name.as_ptr().cast(), name.len()))
}

impl<'p> Value<'p> {
    fn some(raw: LLVMValueRef) -> Option<Self> {
        (!raw.is_null()).then_some(Value { raw, program: PhantomData })
    }

    pub(super) fn kind(self) -> Kind {
        llvm!(LLVMGetValueKind(self.raw))
    }

    pub(super) fn ty(self) -> Ty<'p> {
        Ty::new(llvm!(LLVMTypeOf(self.raw)))
    }

    /// Name, empty if it has none.
    pub(super) fn name(self) -> String {
        let mut len = 0;
        let text = llvm!(LLVMGetValueName2(self.raw, &raw mut len));
        copy_text(text, len)
    }

    /// Kind: user.
    pub(super) fn operand_count(self) -> u32 {
        u32::try_from(llvm!(LLVMGetNumOperands(self.raw))).unwrap_or(0)
    }

    /// Kind: user, `index` in range.
    pub(super) fn operand(self, index: u32) -> Option<Value<'p>> {
        Value::some(llvm!(LLVMGetOperand(self.raw, index)))
    }

    pub(super) fn has_uses(self) -> bool {
        !llvm!(LLVMGetFirstUse(self.raw)).is_null()
    }

    /// Kind: function or global variable.
    pub(super) fn is_declaration(self) -> bool {
        llvm!(LLVMIsDeclaration(self.raw)) != 0
    }

    /// Kind: global value.
    pub(super) fn linkage(self) -> llvm_sys::LLVMLinkage {
        llvm!(LLVMGetLinkage(self.raw))
    }

    /// Kind: global value.
    pub(super) fn is_protected(self) -> bool {
        llvm!(LLVMGetVisibility(self.raw)) == llvm_sys::LLVMVisibility::LLVMProtectedVisibility
    }

    /// Kind: global value.
    pub(super) fn value_type(self) -> Ty<'p> {
        Ty::new(llvm!(LLVMGlobalGetValueType(self.raw)))
    }

    /// Kind: global variable.
    pub(super) fn initializer(self) -> Option<Value<'p>> {
        Value::some(llvm!(LLVMGetInitializer(self.raw)))
    }

    /// Kind: global value.
    pub(super) fn section(self) -> Option<String> {
        let text = llvm!(LLVMGetSection(self.raw));
        if text.is_null() {
            return None;
        }
        // SAFETY: a C string that lives as long as the module.
        Some(unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()).filter(|name| !name.is_empty())
    }

    /// Kind: global variable.
    pub(super) fn is_constant_global(self) -> bool {
        llvm!(LLVMIsGlobalConstant(self.raw)) != 0
    }

    /// Kind: global variable.
    pub(super) fn is_thread_local(self) -> bool {
        llvm!(LLVMIsThreadLocal(self.raw)) != 0
    }

    /// Kind: alias.
    pub(super) fn aliasee(self) -> Option<Value<'p>> {
        Value::some(llvm!(LLVMAliasGetAliasee(self.raw)))
    }

    /// Kind: function.
    pub(super) fn params(self) -> Vec<Value<'p>> {
        let count = llvm!(LLVMCountParams(self.raw));
        (0..count).filter_map(|i| Value::some(llvm!(LLVMGetParam(self.raw, i)))).collect()
    }

    /// Kind: function.
    pub(super) fn blocks(self) -> impl Iterator<Item = Block<'p>> {
        let mut at = llvm!(LLVMGetFirstBasicBlock(self.raw));
        std::iter::from_fn(move || {
            if at.is_null() {
                return None;
            }
            let block = Block { raw: at, program: PhantomData };
            at = llvm!(LLVMGetNextBasicBlock(at));
            Some(block)
        })
    }

    /// Kind: function.
    pub(super) fn attribute(self, place: Place, name: &str) -> Option<u64> {
        let raw = llvm!(LLVMGetEnumAttributeAtIndex(self.raw, place.index(), attribute_kind(name)));
        (!raw.is_null()).then(|| llvm!(LLVMGetEnumAttributeValue(raw)))
    }

    /// Kind: function. The type of a type attribute (`byval`, `sret`).
    pub(super) fn type_attribute(self, place: Place, name: &str) -> Option<Ty<'p>> {
        let raw = llvm!(LLVMGetEnumAttributeAtIndex(self.raw, place.index(), attribute_kind(name)));
        (!raw.is_null()).then(|| Ty::new(llvm!(LLVMGetTypeAttributeValue(raw))))
    }

    /// Kind: call, invoke or callbr. The type of a type attribute of the call site.
    pub(super) fn call_type_attribute(self, place: Place, kind: u32) -> Option<Ty<'p>> {
        let raw = llvm!(LLVMGetCallSiteEnumAttribute(self.raw, place.index(), kind));
        (!raw.is_null()).then(|| Ty::new(llvm!(LLVMGetTypeAttributeValue(raw))))
    }

    /// Kind: instruction.
    pub(super) fn opcode(self) -> Op {
        llvm!(LLVMGetInstructionOpcode(self.raw))
    }

    /// Kind: comparison. Number of its predicate.
    pub(super) fn predicate(self) -> u32 {
        match self.opcode() {
            Op::LLVMFCmp => llvm!(LLVMGetFCmpPredicate(self.raw)) as u32,
            _ => llvm!(LLVMGetICmpPredicate(self.raw)) as u32,
        }
    }

    /// Kind: constant data. It, as LLVM prints it.
    pub(super) fn text(self) -> String {
        take_message(llvm!(LLVMPrintValueToString(self.raw)))
    }

    /// Kind: constant expression.
    pub(super) fn const_opcode(self) -> Op {
        llvm!(LLVMGetConstOpcode(self.raw))
    }

    /// Kind: GEP instruction or expression.
    pub(super) fn gep_type(self) -> Ty<'p> {
        Ty::new(llvm!(LLVMGetGEPSourceElementType(self.raw)))
    }

    /// Kind: alloca.
    pub(super) fn allocated_type(self) -> Ty<'p> {
        Ty::new(llvm!(LLVMGetAllocatedType(self.raw)))
    }

    /// Kind: load, store, atomicrmw or cmpxchg.
    pub(super) fn volatile(self) -> bool {
        llvm!(LLVMGetVolatile(self.raw)) != 0
    }

    /// Kind: load or store.
    pub(super) fn atomic(self) -> bool {
        !matches!(llvm!(LLVMGetOrdering(self.raw)), llvm_sys::LLVMAtomicOrdering::LLVMAtomicOrderingNotAtomic)
    }

    /// Kind: integer constant. Value if it fits 64 bits.
    pub(super) fn integer(self) -> Option<i64> {
        (self.ty().bits() <= 64).then(|| llvm!(LLVMConstIntGetSExtValue(self.raw)))
    }

    /// Kind: constant data array. Its bytes if the elements are bytes.
    pub(super) fn bytes(self) -> Option<Vec<u8>> {
        if llvm!(LLVMIsConstantString(self.raw)) == 0 {
            return None;
        }
        let mut len = 0;
        let text = llvm!(LLVMGetAsString(self.raw, &raw mut len));
        // SAFETY: LLVM gives a pointer into the constant and its length.
        (!text.is_null()).then(|| unsafe { std::slice::from_raw_parts(text.cast::<u8>(), len) }.to_vec())
    }

    /// Kind: call, invoke or callbr.
    pub(super) fn callee(self) -> Option<Value<'p>> {
        Value::some(llvm!(LLVMGetCalledValue(self.raw)))
    }

    /// Kind: call, invoke or callbr.
    pub(super) fn called_type(self) -> Ty<'p> {
        Ty::new(llvm!(LLVMGetCalledFunctionType(self.raw)))
    }

    /// Kind: call, invoke or callbr.
    pub(super) fn arg_count(self) -> u32 {
        llvm!(LLVMGetNumArgOperands(self.raw))
    }

    /// Kind: inline assembly. Text and constraints.
    pub(super) fn asm(self) -> (String, String) {
        let (mut a, mut b) = (0, 0);
        let text = llvm!(LLVMGetInlineAsmAsmString(self.raw, &raw mut a));
        let constraints = llvm!(LLVMGetInlineAsmConstraintString(self.raw, &raw mut b));
        (copy_text(text, a), copy_text(constraints, b))
    }

    /// Line of an instruction's debug location or a function's definition, and the address of
    /// its file name (equal addresses mean equal names). Kind: instruction, function or global.
    pub(super) fn line(self) -> Option<(u32, FileName<'p>)> {
        let mut len = 0;
        if !llvm!(LLVMIsAInstruction(self.raw)).is_null() {
            // What the library's headers define is where it is used.
            let mut at = llvm!(LLVMInstructionGetDebugLoc(self.raw));
            while !at.is_null() {
                let outer = llvm!(LLVMDILocationGetInlinedAt(at));
                if outer.is_null() {
                    break;
                }
                at = outer;
            }
            if at.is_null() {
                return None;
            }
            let (line, file) = (llvm!(LLVMDILocationGetLine(at)), llvm!(LLVMDIScopeGetFile(LLVMDILocationGetScope(at))));
            if line == 0 || file.is_null() {
                return None;
            }
            let text = llvm!(LLVMDIFileGetFilename(file, &raw mut len));
            return (!text.is_null()).then_some((line, FileName { text, len, program: PhantomData }));
        }
        let line = llvm!(LLVMGetDebugLocLine(self.raw));
        if line == 0 {
            return None;
        }
        let text = llvm!(LLVMGetDebugLocFilename(self.raw, &raw mut len));
        (!text.is_null()).then_some((line, FileName { text, len, program: PhantomData }))
    }

    /// The node of a kind of metadata that is attached to an instruction.
    pub(super) fn metadata(self, kind: u32) -> Option<Value<'p>> {
        Value::some(llvm!(LLVMGetMetadata(self.raw, kind)))
    }

    /// Kind: global. The node that describes it in debug information.
    pub(super) fn debug_node(self) -> Option<Value<'p>> {
        let dbg = kind_of_metadata("dbg");
        let mut count = 0;
        let entries = llvm!(LLVMGlobalCopyAllMetadata(self.raw, &raw mut count));
        let mut node = None;
        for i in 0..u32::try_from(count).unwrap_or(0) {
            if llvm!(LLVMValueMetadataEntriesGetKind(entries, i)) == dbg {
                let context = llvm!(LLVMGetTypeContext(LLVMTypeOf(self.raw)));
                node = Value::some(llvm!(LLVMMetadataAsValue(context, LLVMValueMetadataEntriesGetMetadata(entries, i))));
                break;
            }
        }
        llvm!(LLVMDisposeValueMetadataEntries(entries));
        node
    }

    /// Kind: metadata. The DWARF tag of a node of debug information, 0 if it has none.
    pub(super) fn debug_tag(self) -> u16 {
        if llvm!(LLVMIsAMDNode(self.raw)).is_null() {
            return 0;
        }
        llvm!(llvm_sys::debuginfo::LLVMGetDINodeTag(LLVMValueAsMetadata(self.raw)))
    }

    /// Kind: a type of debug information. Offset and size in bits.
    pub(super) fn debug_extent(self) -> (u64, u64) {
        let node = llvm!(LLVMValueAsMetadata(self.raw));
        (llvm!(llvm_sys::debuginfo::LLVMDITypeGetOffsetInBits(node)), llvm!(llvm_sys::debuginfo::LLVMDITypeGetSizeInBits(node)))
    }

    /// Kind: metadata. Operands of the node; empty if it is none.
    pub(super) fn node_operands(self) -> Vec<Option<Value<'p>>> {
        if llvm!(LLVMIsAMDNode(self.raw)).is_null() {
            return Vec::new();
        }
        let count = llvm!(LLVMGetMDNodeNumOperands(self.raw));
        let mut raw = vec![std::ptr::null_mut(); count as usize];
        llvm!(LLVMGetMDNodeOperands(self.raw, raw.as_mut_ptr()));
        raw.into_iter().map(Value::some).collect()
    }

    /// Kind: metadata. Its text, if it is one.
    pub(super) fn node_text(self) -> Option<String> {
        let mut len = 0;
        let text = llvm!(LLVMGetMDString(self.raw, &raw mut len));
        if text.is_null() {
            return None;
        }
        // SAFETY: LLVM gives `len` bytes that live as long as the context.
        let bytes = unsafe { std::slice::from_raw_parts(text.cast::<u8>(), len as usize) };
        Some(String::from_utf8_lossy(bytes).into_owned())
    }

    /// A key that is unique among live values.
    pub(super) fn key(self) -> usize {
        self.raw as usize
    }
}

/// Number of an attribute, for [`Value::call_type_attribute`].
pub(super) fn kind_of_attribute(name: &str) -> u32 {
    attribute_kind(name)
}

/// A file name in debug information.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct FileName<'p> {
    text: *const c_char,
    len: u32,
    program: PhantomData<&'p ()>,
}

impl FileName<'_> {
    pub(super) fn to_text(self) -> String {
        copy_text(self.text, self.len as usize)
    }
}

fn copy_text(text: *const c_char, len: usize) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: LLVM gave this pointer and length together, into memory of the live module.
    String::from_utf8_lossy(unsafe { std::slice::from_raw_parts(text.cast::<u8>(), len) }).into_owned()
}
