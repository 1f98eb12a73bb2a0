//! Loading, linking and preparing LLVM bitcode, and its conversion to the model.
//!
//! The only place of this crate that sees LLVM, and the only one with `unsafe`. What comes out is
//! [`crate::model::Module`]; what goes wrong is a [`LoadError`], never a message on stderr.

mod constants;
mod container;
mod convert;
mod declared;
mod error;
mod instructions;
mod ll;
mod prepare;
mod types;
mod variables;

use crate::model::Module;
pub use error::{LoadError, LoadErrorCode};
use std::path::Path;

/// Loads `.bc`, `.o`, fat `.o`, `.a` and instrumented executables, links them in this order into
/// one program, and prepares and converts it.
///
/// # Errors
/// See [`LoadErrorCode`].
pub fn load<P: AsRef<Path>>(inputs: &[P]) -> Result<Module, LoadError> {
    link(read(inputs)?, false)
}

/// As [`load`], with the names and types of variables.
///
/// # Errors
/// See [`LoadErrorCode`].
pub fn load_with_variables<P: AsRef<Path>>(inputs: &[P]) -> Result<Module, LoadError> {
    link(read(inputs)?, true)
}

/// As [`from_bytes`], with the names and types of variables.
///
/// # Errors
/// See [`LoadErrorCode`].
pub fn from_bytes_with_variables(name: &str, bytes: Vec<u8>) -> Result<Module, LoadError> {
    let mut parts = Vec::new();
    container::bitcode_in(name, bytes, &mut parts)?;
    link(parts, true)
}

/// As [`load`] for one input that is in memory; `name` is for messages.
///
/// # Errors
/// See [`LoadErrorCode`].
pub fn from_bytes(name: &str, bytes: Vec<u8>) -> Result<Module, LoadError> {
    let mut parts = Vec::new();
    container::bitcode_in(name, bytes, &mut parts)?;
    link(parts, false)
}

fn read<P: AsRef<Path>>(inputs: &[P]) -> Result<Vec<container::Part>, LoadError> {
    let mut parts = Vec::new();
    for path in inputs {
        let path = path.as_ref();
        let name = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|error| LoadError::unreadable(&name, &error))?;
        container::bitcode_in(&name, bytes, &mut parts)?;
    }
    Ok(parts)
}

fn link(parts: Vec<container::Part>, variables: bool) -> Result<Module, LoadError> {
    let context = ll::Context::new();
    let mut parts = parts.into_iter();
    let Some(first) = parts.next() else {
        return Err(LoadError::new(LoadErrorCode::NotBitcode, "", "no input given"));
    };
    let mut program = context.parse(&first.name, &first.bytes)?;
    for part in parts {
        let next = context.parse(&part.name, &part.bytes)?;
        program = context.link(program, next, &part.name)?;
    }
    context.verify(&program, &first.name)?;
    let sites = prepare::number(&program);
    let found = if variables { variables::find(&program) } else { variables::Found::default() };
    context.run_passes(&program, &first.name)?;
    Ok(convert::convert(&program, &sites, &found))
}
