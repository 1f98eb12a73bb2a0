//! Entry points that LLVM calls, and the order of work on a module.

use crate::config::Config;
use crate::ir::Ir;
use crate::{embed, instrument, prepare, sites};
use itarget_plan::Plan;
use llvm_sys::prelude::*;
use std::ffi::{c_char, c_int, c_void};

/// What LLVM asks a plugin for (`PassPluginLibraryInfo`, API version 1; the shim asserts it).
#[repr(C)]
pub struct PluginInfo {
    api: u32,
    name: *const c_char,
    version: *const c_char,
    register: unsafe extern "C" fn(*mut c_void),
}

unsafe extern "C" {
    fn itarget_register(builder: *mut c_void);
}

/// Entry point of the plugin.
#[unsafe(no_mangle)]
pub extern "C" fn llvmGetPassPluginInfo() -> PluginInfo {
    PluginInfo {
        api: 1,
        name: c"itarget".as_ptr(),
        version: c"1".as_ptr(),
        register: itarget_register,
    }
}

/// Called by the pass in the shim. Errors end the link with a message: a program must never be
/// linked half instrumented.
///
/// # Safety
/// `module` is the module the pass runs on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn itarget_run_on_module(module: LLVMModuleRef) -> c_int {
    // SAFETY: the caller's promise; the reference is not kept.
    let ir = unsafe { Ir::new(module) };
    match run(&ir) {
        Ok(changed) => c_int::from(changed),
        Err(message) => {
            eprintln!("{}", report(&message));
            std::process::exit(1);
        }
    }
}

/// An error as the other parts of itarget print theirs: `error [CODE]: what`, and a hint.
fn report(message: &str) -> String {
    match message.split_once(": ").filter(|(code, _)| code.starts_with("IT0") && code.len() == 6) {
        Some((code, what)) => {
            format!("itarget-cc: error [{code}]: {what}\n  hint: `itarget explain-code {code}` says more")
        }
        None => format!("itarget-cc: error: {message}"),
    }
}

fn run(ir: &Ir) -> Result<bool, String> {
    let Some(config) = Config::from_environment()? else {
        return Ok(false);
    };
    // A helper library or a link without a program of ours: leave it alone.
    if ir.function("main").is_none_or(|f| ir.is_declaration(f)) {
        return Ok(false);
    }
    prepare::run(ir)?;
    // Where all symbols are exported, it says nothing of one that it is.
    if !config.exports_all {
        prepare::used_outside(ir);
    }
    let merged = config.work("merged.bc");
    ir.write_bitcode(&merged)?;
    let plan_path = config.work("plan.json");
    config.analyze(&merged, &plan_path)?;
    let text = std::fs::read_to_string(&plan_path)
        .map_err(|e| format!("IT0403: the analysis left no plan at {plan_path}: {e}"))?;
    let plan = Plan::parse(&text).map_err(|e| e.to_string())?;
    let fingerprint = sites::fingerprint(ir);
    if plan.module != fingerprint {
        return Err(format!(
            "IT0404: the plan is for module {}, this is {fingerprint}; analyze this program again",
            plan.module
        ));
    }
    instrument::run(ir, &plan, &text)?;
    if config.keep {
        embed::run(ir, &config, &merged, &text, &instrument::identity(&plan, &text))?;
    }
    ir.verify().map_err(|e| format!("IT0899: bug in itarget: {e}"))?;
    Ok(true)
}
