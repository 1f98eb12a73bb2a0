//! The module as a whole: passes over it, its bitcode, whether it is right.

use super::*;

impl Ir {
    /// Runs passes of LLVM's on the module. References to what they remove are not valid any more.
    ///
    /// # Errors
    /// LLVM does not know one of them.
    pub fn run_passes(&self, passes: &CStr) -> Result<(), String> {
        use llvm_sys::transforms::pass_builder::{LLVMCreatePassBuilderOptions, LLVMDisposePassBuilderOptions, LLVMRunPasses};
        let options = llvm!(LLVMCreatePassBuilderOptions());
        let error = llvm!(LLVMRunPasses(self.module, passes.as_ptr(), std::ptr::null_mut(), options));
        llvm!(LLVMDisposePassBuilderOptions(options));
        if error.is_null() {
            return Ok(());
        }
        let text = llvm!(llvm_sys::error::LLVMGetErrorMessage(error));
        // SAFETY: a C string, until it is disposed of.
        let what = unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned();
        llvm!(llvm_sys::error::LLVMDisposeErrorMessage(text));
        Err(format!("IT0899: bug in itarget: {what}"))
    }

    /// Leaves out loads that find what is known already, and stores that leave what is there. Those of `values` that are gone are null then;
    /// no instruction is new.
    pub fn leave_out(&self, values: &mut [Value]) {
        llvm!(itarget_leave_out(self.module, values.as_mut_ptr(), values.len()));
    }

    /// Writes the module as bitcode.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn write_bitcode(&self, path: &str) -> Result<(), String> {
        let p = cstr(path);
        if llvm!(llvm_sys::bit_writer::LLVMWriteBitcodeToFile(self.module, p.as_ptr())) == 0 {
            Ok(())
        } else {
            Err(format!("can't write {path}"))
        }
    }

    /// Checks the module; the first complaint as text.
    ///
    /// # Errors
    /// The module is broken (a bug of ours).
    pub fn verify(&self) -> Result<(), String> {
        let mut message = std::ptr::null_mut();
        let action = llvm_sys::analysis::LLVMVerifierFailureAction::LLVMReturnStatusAction;
        let bad = llvm!(llvm_sys::analysis::LLVMVerifyModule(self.module, action, &mut message));
        if message.is_null() {
            return Ok(());
        }
        // SAFETY: the verifier gives a NUL-terminated string that we own.
        let text = unsafe { CStr::from_ptr(message) }.to_string_lossy().into_owned();
        llvm!(LLVMDisposeMessage(message));
        if bad != 0 { Err(text) } else { Ok(()) }
    }

    /// No other symbol takes the place of this one: nor does any in an executable.
    pub fn protect(&self, v: Value) {
        if llvm!(LLVMGetVisibility(v)) == llvm_sys::LLVMVisibility::LLVMDefaultVisibility {
            llvm!(LLVMSetVisibility(v, llvm_sys::LLVMVisibility::LLVMProtectedVisibility));
        }
    }
}
