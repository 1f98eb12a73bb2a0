//! What library functions read, write and return, as data.
//!
//! One TOML file per library area, embedded in this crate, plus a parser for the same format so
//! that users can add files of their own. What is absent on purpose: this crate knows neither LLVM
//! nor the runtime nor the file system.
//!
//! ```
//! use itarget_annotations::{Annotations, Kind, Ret};
//!
//! let read = Annotations::builtin().function("read").unwrap();
//! assert_eq!((read.kind, read.ret), (Kind::Env, Ret::Int));
//! assert_eq!(read.writes[0].len.to_string(), "min(ret, arg2)");
//! ```
#![forbid(unsafe_code)]

mod builtin;
mod error;
pub mod model;
mod parse;
mod set;
mod stanza;

pub use error::{Error, ErrorCode};
pub use model::*;
pub use set::Annotations;
pub use stanza::stanza_for;
