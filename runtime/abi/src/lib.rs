//! The one contract between the pass, the runtime, the analyzer and the tools.
//!
//! Everything two of them must agree on is declared here once and only here: where things lie in
//! memory ([`layout`]), the control page ([`control`]), the hooks that instrumented code calls
//! ([`hooks`]), the bytes of a log ([`log`]), environment variables ([`env`]), options
//! ([`options`]), site ids ([`site`]), shadow memory ([`shadow`]), formats ([`format`]) and exit codes ([`exit`]).
//!
//! Invariant of absence: no allocation, no file, no LLVM, no libc; `core` only.
#![no_std]
#![forbid(unsafe_code)]

pub mod control;
pub mod env;
pub mod exit;
pub mod format;
pub mod hooks;
pub mod layout;
pub mod log;
pub mod near;
pub mod options;
pub mod shadow;
pub mod site;
pub mod version;
pub mod view;
