//! The compiler wrapper: `itarget-cc`, `itarget-c++`, `itarget-llvm-ar`, `itarget-llvm-ranlib`.
//!
//! Silent, because configure scripts take any word on stderr for an answer; ITARGET_CC_LOG tells
//! what it does. The exit status is clang's.

pub mod action;
pub mod args;
mod joined;
pub mod run;
pub mod settings;
pub mod tools;

pub use args::Language;
pub use run::{archiver, compiler};
