//! Names and types of variables from debug information, for those who explain: the analysis itself needs none.
//!
//! Read before any pass runs. LLVM keeps the declarations of local variables beside the instructions (debug
//! records), which its C interface can't show; so they are turned into calls of intrinsics for a moment.

use super::ll::{Op, Program, Value};
use crate::model::{Member, Variable};
use rustc_hash::FxHashMap;

/// Variables by the key of what they live in: a stack slot, a parameter, a global.
pub(super) type Found = FxHashMap<usize, Variable>;

/// Deepest nesting of types that is looked at.
const DEEPEST: usize = 8;
/// Most members of one variable.
const MOST: usize = 512;

pub(super) mod tag {
    pub(in crate::bitcode) const ARRAY: u16 = 0x01;
    pub(in crate::bitcode) const CLASS: u16 = 0x02;
    pub(in crate::bitcode) const ENUM: u16 = 0x04;
    pub(in crate::bitcode) const MEMBER: u16 = 0x0d;
    pub(in crate::bitcode) const POINTER: u16 = 0x0f;
    pub(in crate::bitcode) const STRUCT: u16 = 0x13;
    pub(in crate::bitcode) const SUBROUTINE: u16 = 0x15;
    pub(in crate::bitcode) const TYPEDEF: u16 = 0x16;
    pub(in crate::bitcode) const UNION: u16 = 0x17;
    pub(in crate::bitcode) const CONST: u16 = 0x26;
    pub(in crate::bitcode) const VOLATILE: u16 = 0x35;
    pub(in crate::bitcode) const RESTRICT: u16 = 0x37;
    pub(in crate::bitcode) const UNSPECIFIED: u16 = 0x18;
    pub(in crate::bitcode) const BASE: u16 = 0x24;
    pub(in crate::bitcode) const ATOMIC: u16 = 0x47;
}

/// The variables of a program.
pub(super) fn find(program: &Program<'_>) -> Found {
    let mut found = Found::default();
    for global in program.globals() {
        // An expression; the variable is its first operand.
        if let Some(variable) = global.debug_node().and_then(|e| operand(e, 0)).and_then(variable) {
            found.insert(global.key(), variable);
        }
    }
    program.set_debug_records(false);
    for function in program.functions().filter(|f| !f.is_declaration()) {
        for i in function.blocks().flat_map(|b| b.instructions()) {
            if i.opcode() != Op::LLVMCall {
                continue;
            }
            // (place, variable, ...), or with optimisation (value, variable, expression, id, place, ...).
            let at = match i.callee().map(|c| c.name()).as_deref() {
                Some("llvm.dbg.declare") => 0,
                Some("llvm.dbg.assign") => 4,
                _ => continue,
            };
            let (Some(place), Some(node)) = (i.operand(at), i.operand(1)) else { continue };
            if let (Some(Some(place)), Some(variable)) = (place.node_operands().first(), variable(node)) {
                found.entry(place.key()).or_insert(variable);
            }
        }
    }
    program.set_debug_records(true);
    found
}

pub(super) fn operand<'p>(node: Value<'p>, index: usize) -> Option<Value<'p>> {
    node.node_operands().get(index).copied().flatten()
}

pub(super) fn text(node: Value<'_>, index: usize) -> String {
    operand(node, index).and_then(Value::node_text).unwrap_or_default()
}

/// A local or global variable: scope, name, file, type.
fn variable(node: Value<'_>) -> Option<Variable> {
    let name = text(node, 1);
    let ty = operand(node, 3)?;
    if name.is_empty() {
        return None;
    }
    let mut members = Vec::new();
    add_members(ty, 0, "", &mut members, 0);
    Some(Variable { name, ty: type_name(ty, 0), members })
}

/// A type as C writes it, without the name of what has it.
fn type_name(ty: Value<'_>, depth: usize) -> String {
    // Types: file, scope, name, base type, elements of composites.
    let base = || match operand(ty, 3) {
        None => "void".to_owned(),
        Some(_) if depth >= DEEPEST => "...".to_owned(),
        Some(base) => type_name(base, depth + 1),
    };
    let named = |word: &str| format!("{word} {}", text(ty, 2)).trim_end().to_owned();
    match ty.debug_tag() {
        tag::POINTER => format!("{} *", base()).replace("* *", "**"),
        tag::STRUCT | tag::CLASS => named("struct"),
        tag::UNION => named("union"),
        tag::ENUM => named("enum"),
        tag::CONST => format!("const {}", base()),
        tag::VOLATILE => format!("volatile {}", base()),
        tag::RESTRICT | tag::ATOMIC => base(),
        tag::SUBROUTINE => "function".to_owned(),
        tag::ARRAY => {
            let ranges = operand(ty, 4).map(|e| e.node_operands()).unwrap_or_default();
            let count = |r: &Option<Value<'_>>| {
                let count = r.and_then(|r| operand(r, 0)).and_then(|c| c.node_operands().first().copied().flatten().or(Some(c)));
                count.and_then(|c| c.integer()).filter(|n| *n >= 0).map_or(String::new(), |n| n.to_string())
            };
            format!("{}{}", base(), ranges.iter().map(|r| format!("[{}]", count(r))).collect::<String>())
        }
        _ => text(ty, 2),
    }
}

/// Adds the members of a structure, those of structures in it instead of these.
fn add_members(ty: Value<'_>, at: u64, path: &str, out: &mut Vec<Member>, depth: usize) {
    if depth > DEEPEST || out.len() >= MOST {
        return;
    }
    let base = operand(ty, 3);
    match ty.debug_tag() {
        tag::TYPEDEF | tag::CONST | tag::VOLATILE | tag::RESTRICT | tag::ATOMIC => {
            if let Some(base) = base {
                add_members(base, at, path, out, depth + 1);
            }
        }
        tag::ARRAY => {
            // Elements are not told apart: the members of the first stand for all.
            if let Some(base) = base {
                add_members(base, at, &format!("{path}[]"), out, depth + 1);
            }
        }
        tag::STRUCT | tag::CLASS => {
            let elements = operand(ty, 4).map(|e| e.node_operands()).unwrap_or_default();
            for member in elements.into_iter().flatten().filter(|m| m.debug_tag() == tag::MEMBER) {
                let (offset, size) = member.debug_extent();
                let name = text(member, 2);
                let path = if name.is_empty() { path.to_owned() } else { format!("{path}.{name}") };
                let before = out.len();
                if let Some(inner) = operand(member, 3) {
                    add_members(inner, at + offset / 8, &path, out, depth + 1);
                }
                if out.len() == before && !name.is_empty() && out.len() < MOST {
                    out.push(Member { offset: at + offset / 8, size: size.div_ceil(8), path });
                }
            }
        }
        _ => {}
    }
}
