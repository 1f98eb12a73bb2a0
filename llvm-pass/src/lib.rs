//! LLVM pass plugin of itarget: instruments exactly what the plan says.
//!
//! Runs once, at full LTO link time, on the merged and not yet optimised module: prepares it,
//! has the analyzer compute the plan, rewrites the planned sites, and leaves the rest to LLVM.
//!
//! Invariant of absence: no analysis here; every decision is read from the plan.

mod config;
mod embed;
mod instrument;
mod ir;
mod plugin;
mod prepare;
mod sites;

pub use plugin::{PluginInfo, llvmGetPassPluginInfo};
