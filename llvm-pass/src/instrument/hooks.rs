//! LLVM declarations of the hooks, made from the one list in `itarget-abi`.

use crate::ir::{Ir, Type, Value};
use std::collections::BTreeMap;

/// Declared hooks by name.
pub struct Hooks {
    by_name: BTreeMap<&'static str, (Value, Type)>,
}

impl Hooks {
    /// Declares every hook of the contract.
    pub fn declare(ir: &Ir) -> Hooks {
        let mut by_name = BTreeMap::new();
        macro_rules! ty {
            (ptr) => {
                ir.ptr
            };
            (i32) => {
                ir.i32
            };
            (i64) => {
                ir.i64
            };
            (void) => {
                ir.void
            };
        }
        macro_rules! declare {
            ($($name:ident($($arg:ident: $t:tt),*) -> $r:tt;)*) => {
                $(
                    let ty = ir.fn_type(ty!($r), &[$(ty!($t)),*], false);
                    let f = ir.declare(stringify!($name), ty);
                    if stringify!($name).starts_with(itarget_abi::hooks::RACE) {
                        ir.preserve_most(f);
                    }
                    if stringify!($name).contains("_missed") {
                        ir.never_inline(f);
                    }
                    by_name.insert(stringify!($name), (f, ty));
                )*
            };
        }
        itarget_abi::for_each_hook!(declare);
        Hooks { by_name }
    }

    /// A hook and its type. Names are literals in this crate; a wrong one is found by any test.
    pub fn get(&self, name: &str) -> (Value, Type) {
        self.by_name[name]
    }

    /// As [`Hooks::get`] for a name that comes from a plan.
    pub fn find(&self, name: &str) -> Option<(Value, Type)> {
        self.by_name.get(name).copied()
    }
}
