//! The program's frame: its new `main`, constructors, constants read at start, functions the
//! environment may call, and the tables the runtime reads.

use super::Cx;
use super::boundary::Doors;
use crate::ir::{Type, Value};
use itarget_abi::hooks::{SHARED, tables};
use itarget_plan::Plan;
use llvm_sys::core::*;
use llvm_sys::LLVMLinkage;
use sha2::{Digest, Sha256};

/// Site ids of the loads of constants at start (not sites of the plan).
const CONSTANT_SITES: u64 = 0xffff_0100;

pub(super) fn run(cx: &Cx, plan: &Plan, text: &str) -> Result<(), String> {
    let constants = cx.constants(plan);
    cx.unreached(plan)?;
    cx.by_name(plan)?;
    let doors = cx.boundary(plan)?;
    cx.upcall_table(&doors);
    cx.tables(plan, text);
    cx.new_main(&constants, &doors)?;
    if cx.threads() {
        cx.thread_locals(plan);
    }
    Ok(())
}

/// Fingerprint of the module and hash of the plan's text.
#[must_use]
pub fn identity(plan: &Plan, text: &str) -> [u8; 64] {
    let mut identity = [0u8; 64];
    for (i, b) in identity[..32].iter_mut().enumerate() {
        *b = u8::from_str_radix(plan.module.get(2 * i..2 * i + 2).unwrap_or("0"), 16).unwrap_or(0);
    }
    identity[32..].copy_from_slice(&Sha256::digest(text.as_bytes()));
    identity
}

impl Cx<'_> {
    /// External variables that keep their value: a replay-space copy of each takes its place.
    fn constants(&self, plan: &Plan) -> Vec<(Value, Value, Type)> {
        let ir = self.ir;
        let mut out = vec![];
        for (name, _) in &plan.constants {
            let Some(g) = ir.global(name) else { continue };
            let ty = ir.global_type(g);
            let copy = ir.add_global(&format!("itarget.constant.{name}"), ir.zero(ty));
            ir.replace(g, copy);
            out.push((g, copy, ty));
        }
        out
    }

    /// Functions that the analysis found no way to say so when they run.
    fn unreached(&self, plan: &Plan) -> Result<(), String> {
        let ir = self.ir;
        for name in &plan.unreached {
            let f = ir.function(name).ok_or_else(|| super::unknown(name))?;
            let first = ir.instructions(f).into_iter().find(|i| ir.opcode(*i) != llvm_sys::LLVMOpcode::LLVMAlloca);
            let Some(first) = first else { continue };
            let mut text = name.as_bytes().to_vec();
            text.push(0);
            let text = ir.add_global(&format!("itarget.name.{name}"), ir.const_bytes(&text));
            ir.before(first);
            self.hook("__itarget_unreached", &[text]);
        }
        Ok(())
    }

    /// Functions that libraries may call past the doors: they look whether one does.
    fn by_name(&self, plan: &Plan) -> Result<(), String> {
        let ir = self.ir;
        for name in plan.by_name.iter().filter(|name| !plan.unreached.contains(name)) {
            let f = ir.function(name).ok_or_else(|| super::unknown(name))?;
            // Not seen by libraries after all: the linker says so.
            if matches!(ir.linkage(f), LLVMLinkage::LLVMInternalLinkage | LLVMLinkage::LLVMPrivateLinkage) {
                continue;
            }
            let first = ir.instructions(f).into_iter().find(|i| ir.opcode(*i) != llvm_sys::LLVMOpcode::LLVMAlloca);
            let Some(first) = first else { continue };
            ir.before(first);
            let on = ir.if_then(ir.nonzero(self.mode()), first, true);
            ir.before(on);
            ir.debug_of(first);
            let called = ir.if_then(ir.nonzero(self.in_env()), on, true);
            ir.before(called);
            ir.debug_of(first);
            self.hook("__itarget_by_name", &[]);
        }
        Ok(())
    }

    fn upcall_table(&self, doors: &Doors) {
        let ir = self.ir;
        let count = ir.int(ir.i64, doors.up.len() as u64);
        let init = ir.const_struct(&[count, ir.const_array(ir.ptr, &doors.up)]);
        self.export(tables::UPCALLS, init);
    }

    fn export(&self, name: &str, init: Value) {
        let g = self.ir.add_global(name, init);
        self.ir.set_linkage(g, LLVMLinkage::LLVMExternalLinkage);
        self.ir.set_name(g, name);
        self.ir.keep(g);
    }

    fn tables(&self, plan: &Plan, text: &str) {
        let ir = self.ir;
        let number = |n: u64| ir.int(ir.i64, n);
        let mixed: Vec<Value> = plan
            .mixed
            .iter()
            .enumerate()
            .flat_map(|(i, o)| {
                let shared = o.shared.iter().map(move |r| (i as u64 | SHARED, r));
                o.ranges.iter().map(move |r| (i as u64, r)).chain(shared).map(|(i, (a, b))| (i, *a, *b, o.stride))
            })
            .map(|(i, a, b, s)| ir.const_array(ir.i64, &[number(i), number(a), number(b), number(s)]))
            .collect();
        let row = ir.array_type(ir.i64, 4);
        let init = ir.const_struct(&[number(mixed.len() as u64), ir.const_array(row, &mixed)]);
        self.export(tables::MIXED, init);

        if !plan.environment.is_empty() {
            self.export(tables::OUTSIDE, ir.int(ir.i8, 1));
        }
        if plan.races == itarget_plan::RaceMode::Order {
            self.export(tables::ORDERED, ir.int(ir.i8, 1));
        }
        if plan.races == itarget_plan::RaceMode::Trust {
            self.export(tables::TRUSTED, ir.int(ir.i8, 1));
        }
        if plan.single {
            self.export(tables::SINGLE, ir.int(ir.i8, 1));
        }
        self.export(tables::IDENTITY, ir.const_bytes(&identity(plan, text)));

        let globals: Vec<(String, Value)> = ir
            .globals()
            .into_iter()
            // SAFETY: globals of the module.
            .filter(|&g| unsafe { !ir.is_declaration(g) && LLVMIsThreadLocal(g) == 0 })
            .map(|g| (ir.name(g), g))
            .filter(|(n, _)| !n.starts_with("llvm.") && !n.starts_with("__itarget"))
            .collect();
        let flagged = |g: Value, flag: u64| ir.const_struct(&[g, number(ir.abi_size(ir.global_type(g)) | flag)]);
        let pair = |g: Value| flagged(g, 0);
        // The environment's only once the process is not alone.
        let shared = |name: &String, g: Value| flagged(g, if plan.shared_globals.binary_search(name).is_ok() { SHARED } else { 0 });
        let outside = |name: &String| plan.environment_globals.binary_search(name).is_ok();
        let pair_ty = ir.type_of(ir.const_struct(&[ir.zero(ir.ptr), number(0)]));
        let all: Vec<Value> = globals.iter().map(|(_, g)| pair(*g)).collect();
        let digested: Vec<Value> = globals
            .iter()
            // SAFETY: as above.
            .filter(|(n, g)| unsafe { LLVMIsGlobalConstant(*g) } == 0 && (!outside(n) || plan.shared_globals.binary_search(n).is_ok()))
            .map(|(n, g)| shared(n, *g))
            .collect();
        let make = |of: &[Value]| ir.const_struct(&[number(of.len() as u64), ir.const_array(pair_ty, of)]);
        let digested = make(&digested);
        self.export(tables::GLOBALS, digested);
        if plan.locates() {
            let own = globals.iter().filter(|(n, _)| outside(n)).map(|(n, g)| shared(n, *g));
            let library = plan.library_variables.iter().filter_map(|(n, size)| ir.global(n).map(|g| ir.const_struct(&[g, number(*size)])));
            let located: Vec<Value> = own.chain(library).collect();
            self.export(tables::VARIABLES, make(&located));
        }
        if plan.cut.watches() {
            let all = make(&all);
            self.export(tables::ALL_GLOBALS, all);
        }
    }

    /// `main` becomes a call of the runtime, which calls the program's on its own stack.
    fn new_main(&self, constants: &[(Value, Value, Type)], doors: &Doors) -> Result<(), String> {
        let ir = self.ir;
        let main = ir.function("main").ok_or("IT0811: no main")?;
        let main_ty = ir.function_type(main);
        let params = ir.param_types(main_ty);
        let ret = ir.return_type(main_ty);
        if params.len() > 3 || (ret != ir.void && ret != ir.i32) {
            return Err("IT0811: `main` has a type that C does not allow".into());
        }
        ir.set_name(main, "itarget.main");
        ir.set_linkage(main, LLVMLinkage::LLVMInternalLinkage);
        let real = doors.of(main);
        let ty = ir.fn_type(ir.i32, &[ir.i32, ir.ptr, ir.ptr], false);
        let run = ir.define("itarget.run", ty);
        ir.same_target(main, run);
        ir.no_debug();
        for (i, (g, copy, vty)) in constants.iter().enumerate() {
            let site = CONSTANT_SITES + i as u64;
            let v = self.logged_load(run, *g, *vty, site as u32, super::access::Look::As(itarget_plan::How::Always), itarget_plan::Raced::No);
            ir.store(v, *copy);
        }
        let all = [ir.param(run, 0), ir.param(run, 1), ir.param(run, 2)];
        // Constructors get argc, argv, envp as the loader gives them.
        for f in self.structors("llvm.global_ctors").into_iter().map(|f| doors.of(f)) {
            let fty = ir.function_type(f);
            let n = ir.param_types(fty).len().min(3);
            ir.call(f, fty, &all[..n]);
        }
        let register_ty = ir.fn_type(ir.i32, &[ir.ptr], false);
        for f in self.structors("llvm.global_dtors") {
            ir.call(ir.declare("__itarget_atexit", register_ty), register_ty, &[doors.of(f)]);
        }
        let r = ir.call(real, main_ty, &all[..params.len()]);
        ir.ret(Some(if ret == ir.void { ir.int(ir.i32, 0) } else { r }));

        let new = ir.define("main", ty);
        ir.set_linkage(new, LLVMLinkage::LLVMExternalLinkage);
        ir.no_debug();
        let r = self.hook("__itarget_start", &[ir.param(new, 0), ir.param(new, 1), ir.param(new, 2), run]);
        ir.ret(Some(r));
        // A runtime of another version does not define this symbol.
        let version = ir.declare_global(itarget_abi::version::ABI_SYMBOL, ir.i8);
        let reference = ir.add_global("itarget.abi", version);
        ir.keep(reference);
        Ok(())
    }

    /// Functions of `llvm.global_ctors` or `llvm.global_dtors` in the order they run; the list
    /// itself is removed from the module.
    fn structors(&self, list: &str) -> Vec<Value> {
        let ir = self.ir;
        let Some(g) = ir.global(list) else { return vec![] };
        let mut found = vec![];
        if let Some(init) = ir.initializer(g) {
            // SAFETY: `init` is a constant array of {i32, ptr, ptr}; reads stay in its bounds.
            unsafe {
                for i in 0..LLVMGetArrayLength2(LLVMTypeOf(init)) {
                    let entry = LLVMGetAggregateElement(init, i as u32);
                    let priority = ir.const_int(LLVMGetAggregateElement(entry, 0)).unwrap_or(65535);
                    let f = LLVMIsAFunction(LLVMGetAggregateElement(entry, 1));
                    if !f.is_null() {
                        found.push((priority, f));
                    }
                }
            }
        }
        // Destructors are registered in this order and so run in the opposite one.
        found.sort_by_key(|f| f.0);
        // SAFETY: nothing refers to this list but LLVM itself.
        unsafe { LLVMDeleteGlobal(g) };
        found.into_iter().map(|f| f.1).collect()
    }
}
