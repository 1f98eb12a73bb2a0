//! Loading, linking and preparing LLVM bitcode, and its conversion to the model.
//!
//! The only place of this crate that sees LLVM, and the only one with `unsafe`. What comes out is
//! [`crate::model::Module`]; what goes wrong is a [`LoadError`], never a message on stderr.

mod addresses;
mod constants;
mod container;
mod convert;
mod declared;
mod error;
mod instructions;
mod ll;
mod prepare;
mod prototypes;
mod shapes;
mod types;
mod variables;

use crate::model::Module;
pub use error::{LoadError, LoadErrorCode};
use std::collections::BTreeMap;
use std::path::Path;

/// What is wanted besides the model itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extras {
    /// Names and types of variables.
    pub variables: bool,
    /// What functions look like ([`Module::shapes`]).
    pub shapes: bool,
}

/// Loads `.bc`, `.o`, fat `.o`, `.a` and instrumented executables, links them in this order into
/// one program, and prepares and converts it.
///
/// # Errors
/// See [`LoadErrorCode`].
pub fn load<P: AsRef<Path>>(inputs: &[P]) -> Result<Module, LoadError> {
    load_with(inputs, Extras::default())
}

/// As [`load`], with more.
///
/// # Errors
/// See [`LoadErrorCode`].
pub fn load_with<P: AsRef<Path>>(inputs: &[P], extras: Extras) -> Result<Module, LoadError> {
    link(read(inputs)?, extras)
}

/// As [`from_bytes`], with the names and types of variables.
///
/// # Errors
/// See [`LoadErrorCode`].
pub fn from_bytes_with_variables(name: &str, bytes: Vec<u8>) -> Result<Module, LoadError> {
    from_bytes_with(name, bytes, Extras { variables: true, ..Extras::default() })
}

/// As [`load`] for one input that is in memory; `name` is for messages.
///
/// # Errors
/// See [`LoadErrorCode`].
pub fn from_bytes(name: &str, bytes: Vec<u8>) -> Result<Module, LoadError> {
    from_bytes_with(name, bytes, Extras::default())
}

/// As [`from_bytes`], with more.
///
/// # Errors
/// See [`LoadErrorCode`].
pub fn from_bytes_with(name: &str, bytes: Vec<u8>, extras: Extras) -> Result<Module, LoadError> {
    let mut parts = Vec::new();
    container::bitcode_in(name, bytes, &mut parts)?;
    link(parts, extras)
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

fn link(parts: Vec<container::Part>, extras: Extras) -> Result<Module, LoadError> {
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
    let found = if extras.variables { variables::find(&program) } else { variables::Found::default() };
    let shapes = if extras.shapes { shapes::of(&program) } else { BTreeMap::default() };
    let prototypes = prototypes::find(&program);
    context.run_passes(&program, &first.name)?;
    Ok(Module { shapes, ..convert::convert(&program, &sites, &found, prototypes) })
}
