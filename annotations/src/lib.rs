//! What library functions read, write and return, as data.
//!
//! One TOML file per library area, embedded in this crate, plus a parser for the same format so
//! that users can add files of their own. What is absent on purpose: this crate knows neither LLVM
//! nor the runtime nor the file system.
#![forbid(unsafe_code)]

mod error;
pub mod model;

pub use error::{Error, ErrorCode};
pub use model::*;
