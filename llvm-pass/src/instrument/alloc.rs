//! Calls of libc functions that the runtime has its own version of.

use super::Cx;
use crate::ir::{Type, Value};
use llvm_sys::LLVMTypeKind;

/// True for the variant that logs what it makes.
fn logged(runtime: &str) -> bool {
    runtime.ends_with("_logged")
}

impl Cx<'_> {
    /// Calls `runtime` instead: with the same arguments (those of the plan's `Replace`), or with
    /// `objid` appended (the allocation functions).
    pub(super) fn allocation(&self, call: Value, runtime: &str, objid: Option<u32>) -> Result<(), String> {
        let ir = self.ir;
        let callee = ir.called_function(call).map(|f| ir.name(f)).unwrap_or_default();
        let mut args = ir.args(call);
        let mut runtime = runtime;
        let least = match callee.as_str() {
            "asprintf" | "execl" | "execlp" => 2,
            "__asprintf_chk" | "execle" => 3,
            "__vasprintf_chk" => 4,
            _ => 0,
        };
        if args.len() < least {
            // What configure links to see whether the function is there; nobody runs it.
            return Ok(());
        }
        match callee.as_str() {
            "asprintf" => return self.asprintf(call, 1, runtime),
            "__asprintf_chk" => return self.asprintf(call, 2, runtime),
            "execl" | "execlp" | "execle" => return self.execl(call, &callee),
            "__vasprintf_chk" => {
                args.remove(1); // the fortify flag
                runtime = if logged(runtime) { "__itarget_vasprintf_logged" } else { "__itarget_vasprintf" };
            }
            _ => {}
        }
        let (f, ty) = match (objid, self.hooks.find(runtime)) {
            (_, Some(hook)) => hook,
            (Some(_), None) => {
                return Err(format!("IT0405: the plan names allocation function `{runtime}`, which the runtime does not have"));
            }
            (None, None) => {
                let params: Vec<Type> = args.iter().map(|a| ir.type_of(*a)).collect();
                let ty = ir.fn_type(ir.return_type(ir.call_type(call)), &params, false);
                let f = ir.declare(runtime, ty);
                if runtime.starts_with("__itarget_ctype_") {
                    // As libc declares them: found once per function, not once per character.
                    ir.always_the_same(f);
                }
                (f, ty)
            }
        };
        let params = ir.param_types(ty);
        // `char malloc();`, as tests of autoconf declare and call what they look for: it has to link, it never runs.
        while params.len() > args.len() + usize::from(objid.is_some()) && ir.param_types(ir.call_type(call)).is_empty() {
            args.push(ir.zero(params[args.len()]));
        }
        if let Some(objid) = objid {
            args.push(ir.int(ir.i32, u64::from(objid)));
        }
        if params.len() != args.len() {
            return Err(format!(
                "IT0810: `{callee}` is called with {} arguments, the runtime's `{runtime}` takes {}: declare it as the C library does",
                args.len(),
                params.len()
            ));
        }
        let r = ir.call_type(call);
        if params.iter().zip(&args).all(|(p, a)| *p == ir.type_of(*a))
            && objid.is_none()
            && ir.return_type(r) == ir.return_type(ty)
        {
            // Same shape: keep the call itself (returns_twice, noreturn, debug location).
            ir.strip_call_attributes(call);
            if params.len() == ir.args(call).len() {
                ir.set_callee(call, ty, f);
                return Ok(());
            }
        }
        ir.before(call);
        let cast: Vec<Value> = params.iter().zip(&args).map(|(p, a)| self.convert(*a, *p)).collect();
        let new = ir.call(f, ty, &cast);
        let wanted = ir.type_of(call);
        if wanted != ir.void && ir.used(call) {
            ir.replace(call, self.convert(new, wanted));
        }
        ir.erase(call);
        Ok(())
    }

    fn convert(&self, v: Value, to: Type) -> Value {
        let ir = self.ir;
        let from = ir.type_of(v);
        if from == to {
            return v;
        }
        match (ir.kind(from), ir.kind(to)) {
            (LLVMTypeKind::LLVMIntegerTypeKind, LLVMTypeKind::LLVMIntegerTypeKind) => ir.int_cast(v, to, false),
            (LLVMTypeKind::LLVMPointerTypeKind, LLVMTypeKind::LLVMIntegerTypeKind) => {
                ir.int_cast(ir.ptr_to_int(v), to, false)
            }
            (LLVMTypeKind::LLVMIntegerTypeKind, LLVMTypeKind::LLVMPointerTypeKind) => ir.int_to_ptr(v),
            _ => ir.zero(to),
        }
    }

    /// `asprintf` through a variadic function of the module that calls the `va_list` twin.
    /// `format`: index of the format argument.
    fn asprintf(&self, call: Value, format: usize, runtime: &str) -> Result<(), String> {
        let ir = self.ir;
        let twin_name = if logged(runtime) { "__itarget_vasprintf_logged" } else { "__itarget_vasprintf" };
        let name = format!("itarget.asprintf.{format}{}", if logged(runtime) { ".logged" } else { "" });
        let params: Vec<Type> = ir.args(call)[..=format].iter().map(|a| ir.type_of(*a)).collect();
        let ty = ir.fn_type(ir.i32, &params, true);
        let f = match ir.function(&name) {
            Some(f) => f,
            None => {
                let f = ir.define(&name, ty);
                ir.no_debug();
                let list = ir.alloca(ir.array_type(ir.i64, 3));
                let va = ir.fn_type(ir.void, &[ir.ptr], false);
                ir.call(ir.declare("llvm.va_start.p0", va), va, &[list]);
                let twin_ty = ir.fn_type(ir.i32, &[ir.ptr, ir.ptr, ir.ptr], false);
                let twin = ir.declare(twin_name, twin_ty);
                let r = ir.call(twin, twin_ty, &[ir.param(f, 0), ir.param(f, format), list]);
                ir.call(ir.declare("llvm.va_end.p0", va), va, &[list]);
                ir.ret(Some(r));
                f
            }
        };
        ir.strip_call_attributes(call);
        ir.set_callee(call, ty, f);
        Ok(())
    }

    /// `execl*`: the list of arguments becomes an array.
    fn execl(&self, call: Value, callee: &str) -> Result<(), String> {
        let ir = self.ir;
        let args = ir.args(call);
        ir.before(call);
        let function = self.function_of(call);
        let list = ir.entry_alloca(function, ir.array_type(ir.ptr, args.len() as u64));
        ir.before(call);
        // `execle` has the environment after the null that ends the list.
        let with_env = callee == "execle";
        let end = args.len() - usize::from(with_env);
        for (i, &a) in args[1..end].iter().enumerate() {
            ir.store(self.convert(a, ir.ptr), ir.index(ir.ptr, list, i as u64));
        }
        let mut params = vec![ir.ptr, ir.ptr];
        let mut values = vec![args[0], list];
        if with_env {
            params.push(ir.ptr);
            values.push(args[end]);
        }
        let ty = ir.fn_type(ir.i32, &params, false);
        let runtime = match callee {
            "execlp" => "__itarget_execvp",
            "execle" => "__itarget_execve",
            _ => "__itarget_execv",
        };
        let r = ir.call(ir.declare(runtime, ty), ty, &values);
        ir.replace(call, r);
        ir.erase(call);
        Ok(())
    }
}
