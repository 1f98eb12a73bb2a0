//! The stanza to paste for an external function that nobody has annotated yet.

use std::fmt::Write as _;

use crate::model::MAX_ARG;

/// TOML for the function `name`, to be completed by hand: it parses as it is, and it says what
/// holds without an annotation, that the environment keeps and may rewrite everything it was given.
///
/// `ptr_params` has one entry per fixed parameter, true for pointers. Parameters beyond the highest
/// that annotations can name are left out.
#[must_use]
pub fn stanza_for(name: &str, ret_is_ptr: bool, ptr_params: &[bool], vararg: bool) -> String {
    let quoted = toml::Value::String(name.to_owned());
    let limit = usize::from(MAX_ARG) + 1;
    let pointers: Vec<usize> = ptr_params
        .iter()
        .take(limit)
        .enumerate()
        .filter(|(_, ptr)| **ptr)
        .map(|(i, _)| i)
        .collect();
    let mut text = String::new();
    // Writing to a string can't fail.
    let _ = write!(text, "[[function]]\nnames = [{quoted}]\n");
    let _ = writeln!(
        text,
        "kind = \"env\"        # \"det\" if it is a function of its arguments alone"
    );
    let _ = match ret_is_ptr {
        true => writeln!(
            text,
            "ret = \"external\"    # or argN, into:N, alloc, copy:cstr, copy:BYTES"
        ),
        false => writeln!(text, "ret = \"int\"         # or void, noreturn"),
    };
    if ptr_params.len() <= limit {
        let _ = writeln!(text, "params = {}", ptr_params.len());
    }
    if vararg {
        let words = limit.saturating_sub(ptr_params.len());
        let _ = writeln!(
            text,
            "varargs = \"words:{words}\" # or none, printf:N, scanf:N, pointers"
        );
    }
    if !pointers.is_empty() {
        let _ = writeln!(
            text,
            "# Bytes it writes, for each pointer argument it writes through:"
        );
        for index in &pointers {
            let _ = writeln!(text, "#   {{ arg = {index}, len = \"...\" }},");
        }
        let _ = writeln!(text, "writes = []");
        let list: Vec<String> = pointers.iter().map(ToString::to_string).collect();
        let _ = writeln!(
            text,
            "# Pointers it keeps beyond the call; delete those it does not keep:\nretains = [{}]",
            list.join(", ")
        );
    }
    text
}
