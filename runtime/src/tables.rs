//! The tables that the pass defines; each is optional (weak).

use crate::mem;
use core::arch::asm;
use itarget_abi::hooks::{MixedObject, tables};

macro_rules! weak {
    ($name:literal) => {{
        const _: () = assert!(listed($name));
        let at: u64;
        // SAFETY: takes the address of a weak symbol from the GOT: 0 when it is not defined.
        unsafe {
            asm!(concat!(".weak ", $name), concat!("mov {}, qword ptr [rip + ", $name, "@GOTPCREL]"), out(reg) at,
                 options(nostack, pure, readonly, preserves_flags));
        }
        at
    }};
}

/// True when `name` is a table of the ABI.
const fn listed(name: &str) -> bool {
    const ALL: [&str; 5] = [tables::MIXED, tables::GLOBALS, tables::UPCALLS, tables::IDENTITY, tables::ALL_GLOBALS];
    let mut i = 0;
    while i < ALL.len() {
        let (a, b) = (ALL[i].as_bytes(), name.as_bytes());
        let mut k = 0;
        while a.len() == b.len() && k < a.len() && a[k] == b[k] {
            k += 1;
        }
        if a.len() == b.len() && k == a.len() {
            return true;
        }
        i += 1;
    }
    false
}

/// A table with a count in front.
#[derive(Clone, Copy)]
pub struct Table {
    at: u64,
    row: u64,
}

impl Table {
    /// Number of rows.
    pub fn len(self) -> u64 {
        if self.at == 0 { 0 } else { mem::load(self.at) }
    }
    /// Row `i`.
    pub fn get<T: Copy>(self, i: u64) -> T {
        mem::load(self.at + 8 + i * self.row)
    }
}

/// Environment-side ranges of mixed objects, sorted by object.
pub fn mixed() -> Table {
    Table { at: weak!("__itarget_mixed"), row: size_of::<MixedObject>() as u64 }
}

/// `(start, bytes)` of the writable globals of replay space.
pub fn globals() -> Table {
    Table { at: weak!("__itarget_globals"), row: 16 }
}

/// `(start, bytes)` of all globals (profile builds).
pub fn all_globals() -> Table {
    Table { at: weak!("__itarget_all_globals"), row: 16 }
}

/// `(function, parameters)` of the functions the environment may call.
pub fn upcalls() -> Table {
    Table { at: weak!("__itarget_upcall_table"), row: 16 }
}

/// Module hash and plan hash; zeros in a program that was not instrumented.
pub fn identity() -> ([u8; 32], [u8; 32]) {
    let at = weak!("__itarget_identity");
    if at == 0 { ([0; 32], [0; 32]) } else { (mem::load(at), mem::load(at + 32)) }
}
