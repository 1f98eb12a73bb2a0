//! Before analysis: the shape that makes every external call a direct call of an external.
//!
//! * hooks at the beginning and end of functions (`-finstrument-functions`) are called as all else is, though clang would add the calls later;
//! * code that constants leave out (`if (options & 0)`) is removed, as a plain build does: what only that refers to need not exist;
//! * bodies of `available_externally` functions (glibc's inline variants) are dropped, unless they only read (`tolower`,
//!   `feof_unlocked`): one call of the library is cheaper to log than what `getc_unlocked` does to a stream; those that
//!   only read, and those of C++ templates (not all of them exist in libstdc++), become the program's own; those that print part of their callers;
//! * functions that the dynamic linker would choose by a resolver (`ifunc`, `target_clones`) ask the resolver when they are called first;
//! * what only the processor knows (time stamps, random numbers) is asked from the runtime;
//! * before intrinsics that reach memory by themselves stands a call that ends a recording;
//! * thread-local variables become globals in programs that can't start a thread;
//! * where the address of an external function is taken, a thunk with the direct call takes its
//!   place, so that calls through pointers are instrumented too;
//! * what can't be instrumented yet is refused by name.
//!
//! Preparing twice changes nothing.

mod atomics;
mod processor;
mod reaching;

use crate::ir::{Ir, Value};
use llvm_sys::core::*;
use llvm_sys::{LLVMLinkage, LLVMOpcode};

/// Mark of the library's inline functions that become the program's own. By its name the optimizer would take such a function for
/// the library's, and add calls of it (`putchar` for `puts("")`) when it has adapted it to the calls that there were: see [`rename`].
const INLINE: &str = "itarget-inline";
/// Prefix of thunks.
pub const THUNK: &str = "itarget.thunk.";

/// Externals that start threads; with one of them thread-locals stay thread-local.
const THREADS: &[&str] = &["pthread_create", "thrd_create", "clone", "__clone"];

/// Variadic externals with at most three word-sized arguments after the fixed ones.
const WORDS: &[&str] = &[
    "open", "open64", "openat", "openat64", "fcntl", "fcntl64", "ioctl", "prctl", "syscall", "mremap",
    "sem_open", "mq_open", "semctl", "ulimit",
];

/// Variadic externals with a `va_list` twin: name, twin.
const LISTS: &[(&str, &str)] = &[
    ("printf", "vprintf"),
    ("fprintf", "vfprintf"),
    ("sprintf", "vsprintf"),
    ("snprintf", "vsnprintf"),
    ("dprintf", "vdprintf"),
    ("asprintf", "vasprintf"),
    ("scanf", "vscanf"),
    ("fscanf", "vfscanf"),
    ("sscanf", "vsscanf"),
    ("syslog", "vsyslog"),
    ("warn", "vwarn"),
    ("warnx", "vwarnx"),
    ("err", "verr"),
    ("errx", "verrx"),
];

/// What is still visible outside of the module is used by code that is not in it. It is protected, which changes nothing for an
/// executable, and tells the analysis.
pub fn used_outside(ir: &Ir) {
    let local = [LLVMLinkage::LLVMInternalLinkage, LLVMLinkage::LLVMPrivateLinkage, LLVMLinkage::LLVMLinkerPrivateLinkage, LLVMLinkage::LLVMAppendingLinkage];
    for v in ir.functions().into_iter().chain(ir.globals()) {
        if !ir.is_declaration(v) && !local.contains(&ir.linkage(v)) {
            ir.protect(v);
        }
    }
}

/// Prepares the module.
///
/// # Errors
/// A construct that can't be instrumented, with a code and what to do.
pub fn run(ir: &Ir) -> Result<(), String> {
    ir.lower_ifuncs();
    for f in ir.functions() {
        ir.hook_early(f);
    }
    ir.run_passes(c"function(ee-instrument,sccp),globaldce")?;
    for f in ir.functions() {
        if ir.linkage(f) == LLVMLinkage::LLVMAvailableExternallyLinkage {
            let name = ir.name(f);
            if name.starts_with("_Z") || only_reads(ir, f) {
                ir.set_linkage(f, LLVMLinkage::LLVMInternalLinkage);
                if !name.starts_with("_Z") {
                    ir.mark(f, INLINE);
                }
                continue;
            }
            ir.delete_body(f);
            ir.set_linkage(f, LLVMLinkage::LLVMExternalLinkage);
        }
    }
    // What prints is its caller's code, so that it is on the same side of the cut (`vprintf`, `putchar`); so is what checks
    // lengths (`-D_FORTIFY_SOURCE`), as clang names it.
    for f in ir.functions() {
        let checks = ir.linkage(f) == LLVMLinkage::LLVMInternalLinkage && ir.name(f).ends_with(".inline");
        if checks || ir.is_marked(f, INLINE) && prints(ir, f) {
            ir.inline(f);
        }
    }
    ir.run_passes(c"globaldce")?;
    refuse_unsupported(ir)?;
    processor::run(ir);
    atomics::run(ir);
    reaching::run(ir);
    if !THREADS.iter().any(|t| ir.function(t).is_some()) {
        lower_thread_locals(ir);
    }
    for f in ir.functions() {
        let name = ir.name(f);
        if ir.is_declaration(f)
            && !name.starts_with("llvm.")
            && !name.starts_with("__itarget")
            && ir.has_address_use(f)
        {
            thunk(ir, f, &name)?;
        }
    }
    Ok(())
}

/// When nobody looks for functions by name any more: those that are not the library's have other names.
pub fn rename(ir: &Ir) {
    for f in ir.functions() {
        if ir.is_marked(f, INLINE) {
            ir.set_name(f, &format!("{}.inline", ir.name(f)));
        }
    }
}

/// True for a function that writes nothing but its own variables, and does not stand for the library's
/// function of its name (then it calls that).
fn only_reads(ir: &Ir, f: Value) -> bool {
    !ir.is_vararg(ir.function_type(f))
        && ir.instructions(f).into_iter().all(|i| match ir.opcode(i) {
            LLVMOpcode::LLVMStore => ir.is_alloca(ir.operand(i, 1)),
            LLVMOpcode::LLVMCall => ir.called_function(i).is_some_and(|callee| callee != f),
            LLVMOpcode::LLVMAtomicRMW | LLVMOpcode::LLVMAtomicCmpXchg | LLVMOpcode::LLVMInvoke => false,
            _ => true,
        })
}

/// True for a function that asks for the stream of the standard output.
fn prints(ir: &Ir, f: Value) -> bool {
    ir.instructions(f).into_iter().any(|i| ir.opcode(i) == LLVMOpcode::LLVMLoad && ir.name(ir.operand(i, 0)) == "stdout")
}

fn refuse_unsupported(ir: &Ir) -> Result<(), String> {
    for f in ir.functions() {
        if ir.is_declaration(f) {
            continue;
        }
        for i in ir.instructions(f) {
            let what = match ir.opcode(i) {
                LLVMOpcode::LLVMInvoke | LLVMOpcode::LLVMLandingPad | LLVMOpcode::LLVMResume => {
                    "C++ exceptions (the function can throw across the interface; build with -fno-exceptions)"
                }
                LLVMOpcode::LLVMCallBr => "asm goto",
                _ => continue,
            };
            return Err(format!(
                "IT0801: function `{}` uses {what}, which can't be recorded yet; link this program with ITARGET_CC_OFF=1 to build it without itarget",
                ir.name(f)
            ));
        }
    }
    Ok(())
}

fn lower_thread_locals(ir: &Ir) {
    for g in ir.globals() {
        // SAFETY: `g` is a global of the module.
        let tls = unsafe { LLVMIsThreadLocal(g) } != 0;
        if tls && !ir.is_declaration(g) {
            // SAFETY: as above.
            unsafe { LLVMSetThreadLocal(g, 0) };
        }
    }
    let calls: Vec<Value> = ir
        .functions()
        .into_iter()
        .filter(|&f| !ir.is_declaration(f))
        .flat_map(|f| ir.instructions(f))
        .filter(|&i| {
            ir.opcode(i) == LLVMOpcode::LLVMCall
                && ir
                    .called_function(i)
                    .is_some_and(|f| ir.name(f).starts_with("llvm.threadlocal.address"))
        })
        .collect();
    for c in calls {
        let g = ir.operand(c, 0);
        // SAFETY: the operand of this intrinsic is a global of the module.
        let is_variable = unsafe { !LLVMIsAGlobalVariable(g).is_null() && LLVMIsThreadLocal(g) == 0 };
        if is_variable {
            ir.replace(c, g);
            ir.erase(c);
        }
    }
}

fn thunk(ir: &Ir, f: Value, name: &str) -> Result<(), String> {
    let ty = ir.function_type(f);
    let ret = ir.return_type(ty);
    let fixed = ir.param_types(ty);
    let thunk_name = format!("{THUNK}{name}");
    // Where nobody defines such a one its address is null, and programs ask.
    let weak = ir.linkage(f) == LLVMLinkage::LLVMExternalWeakLinkage;
    let known = !ir.is_vararg(ty) || WORDS.contains(&name) || LISTS.iter().any(|(n, _)| *n == name);
    if weak && !known {
        return Ok(());
    }
    let t;
    if !ir.is_vararg(ty) {
        t = ir.define(&thunk_name, ty);
        ir.no_debug();
        let args: Vec<Value> = (0..fixed.len()).map(|i| ir.param(t, i)).collect();
        let r = ir.call(f, ty, &args);
        finish(ir, ret, r);
    } else if fixed.is_empty() {
        return undeclared(ir, f, &thunk_name);
    } else if WORDS.contains(&name) {
        let mut params = fixed.clone();
        // Pointers, since some are: what the function writes through them is logged.
        while params.len() < 6 {
            params.push(ir.ptr);
        }
        t = ir.define(&thunk_name, ir.fn_type(ret, &params, false));
        ir.no_debug();
        let args: Vec<Value> = (0..params.len()).map(|i| ir.param(t, i)).collect();
        let r = ir.call(f, ty, &args);
        finish(ir, ret, r);
    } else if let Some((_, twin)) = LISTS.iter().find(|(n, _)| *n == name) {
        let mut params = fixed.clone();
        params.push(ir.ptr);
        let twin_ty = ir.fn_type(ret, &params, false);
        let twin = ir.declare(twin, twin_ty);
        t = ir.define(&thunk_name, ty);
        ir.no_debug();
        let list = ir.alloca(ir.array_type(ir.i64, 3));
        let va_ty = ir.fn_type(ir.void, &[ir.ptr], false);
        ir.call(ir.declare("llvm.va_start.p0", va_ty), va_ty, &[list]);
        let mut args: Vec<Value> = (0..fixed.len()).map(|i| ir.param(t, i)).collect();
        args.push(list);
        let r = ir.call(twin, twin_ty, &args);
        ir.call(ir.declare("llvm.va_end.p0", va_ty), va_ty, &[list]);
        finish(ir, ret, r);
    } else {
        return Err(format!(
            "IT0802: the address of the variadic library function `{name}` is taken; calls through it can't be recorded. Call it directly, or through a function of yours"
        ));
    }
    // The thunk itself calls `f` directly, which is not an address use.
    if weak {
        ir.replace_weak_uses(f, t);
    } else {
        ir.replace_address_uses(f, t);
    }
    Ok(())
}

/// A function that was declared without its parameters (`char memmove ();` in tests of old configure scripts): the thunk hands on whatever it
/// is given. It jumps through a pointer, since an indirect call of the library's code is what ends a recording; to compare
/// the address does not.
fn undeclared(ir: &Ir, f: Value, thunk_name: &str) -> Result<(), String> {
    let ty = ir.function_type(f);
    let pointer = ir.add_global(&format!("{thunk_name}.address"), ir.zero(ir.ptr));
    let t = ir.define(thunk_name, ty);
    ir.no_debug();
    let r = ir.call(ir.load(ir.ptr, pointer), ty, &[]);
    ir.must_tail(r);
    finish(ir, ir.return_type(ty), r);
    ir.replace_address_uses(f, t);
    ir.constant(pointer, f);
    Ok(())
}

fn finish(ir: &Ir, ret: crate::ir::Type, r: Value) {
    if ret == ir.void {
        ir.ret(None);
    } else {
        ir.ret(Some(r));
    }
}
