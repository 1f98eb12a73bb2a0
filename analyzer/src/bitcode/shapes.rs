//! What the bodies of functions look like, to know a function again in another build of the program.
//!
//! The hash covers instructions, types, constants and names of what is called or touched; it leaves out what changes
//! when other functions do: numbers behind names (`.str.12`, `struct.list.3`), debug information, attributes. So it is the
//! same at every optimisation level as far as clang emits the same unoptimised code.

use super::ll::{Kind, Op, Program, Ty, TyKind, Value};
use itarget_plan::Shape;
use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Deepest constant expression that is looked into.
const DEEPEST: u32 = 8;
/// Bytes of a hash that are kept.
const KEPT: usize = 12;

/// Intrinsics that say something to the optimiser only.
const HINTS: &[&str] = &["llvm.dbg.", "llvm.lifetime.", "llvm.assume", "llvm.invariant.", "llvm.experimental.noalias.", "llvm.expect."];

/// The shapes of all defined functions, by name. To be called before passes.
pub(super) fn of<'p>(program: &'p Program<'_>) -> BTreeMap<String, Shape> {
    let mut types = FxHashMap::default();
    let shape = |f: Value<'p>| {
        let line = f.line().map_or(0, |(line, _)| line);
        let mut body = Body { hash: Sha256::new(), locals: FxHashMap::default(), types: std::mem::take(&mut types) };
        body.function(f);
        // Types are the program's: what is known of them serves the next function.
        types = std::mem::take(&mut body.types);
        (f.name(), Shape { line, hash: short(body.hash) })
    };
    program.functions().filter(|f| !f.is_declaration()).map(shape).collect()
}

fn short(hash: Sha256) -> String {
    hash.finalize()[..KEPT].iter().map(|b| format!("{b:02x}")).collect()
}

/// A name without the numbers that tell it from others in its module.
fn plain(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((rest, number)) if !rest.is_empty() && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) => plain(rest),
        _ => name,
    }
}

struct Body<'p> {
    hash: Sha256,
    /// Parameters, blocks and instructions in order.
    locals: FxHashMap<usize, u32>,
    types: FxHashMap<Ty<'p>, String>,
}

impl<'p> Body<'p> {
    fn function(&mut self, f: Value<'p>) {
        self.ty(f.value_type());
        for param in f.params() {
            self.local(param.key());
        }
        for block in f.blocks() {
            self.local(block.key());
        }
        let all: Vec<Value<'p>> = f.blocks().flat_map(|b| b.instructions()).filter(|i| !is_hint(*i)).collect();
        for i in &all {
            self.local(i.key());
        }
        for i in all {
            self.instruction(i);
        }
    }

    fn local(&mut self, key: usize) {
        let next = u32::try_from(self.locals.len()).unwrap_or(u32::MAX);
        self.locals.insert(key, next);
    }

    fn instruction(&mut self, i: Value<'p>) {
        let op = i.opcode();
        self.text(&format!("{op:?}"));
        self.ty(i.ty());
        match op {
            Op::LLVMAlloca => self.ty(i.allocated_type()),
            Op::LLVMGetElementPtr => self.ty(i.gep_type()),
            Op::LLVMICmp | Op::LLVMFCmp => self.number(u64::from(i.predicate())),
            Op::LLVMLoad | Op::LLVMStore => self.number(u64::from(i.volatile())),
            Op::LLVMCall | Op::LLVMInvoke | Op::LLVMCallBr => self.ty(i.called_type()),
            _ => {}
        }
        let count = i.operand_count();
        self.number(u64::from(count));
        for index in 0..count {
            match i.operand(index) {
                Some(operand) => self.operand(operand, DEEPEST),
                None => self.text("none"),
            }
        }
    }

    fn operand(&mut self, value: Value<'p>, deep: u32) {
        if let Some(&n) = self.locals.get(&value.key()) {
            return self.number(u64::from(n));
        }
        let kind = value.kind();
        match kind {
            Kind::LLVMConstantIntValueKind => {
                self.ty(value.ty());
                match value.integer() {
                    Some(n) => self.number(n as u64),
                    None => self.text(&value.text()),
                }
            }
            Kind::LLVMFunctionValueKind | Kind::LLVMGlobalAliasValueKind | Kind::LLVMGlobalIFuncValueKind => self.text(plain(&value.name())),
            Kind::LLVMGlobalVariableValueKind => {
                self.text(plain(&value.name()));
                // String literals have no name of their own.
                let literal = value.is_constant_global() && value.linkage() == llvm_sys::LLVMLinkage::LLVMPrivateLinkage;
                if let Some(bytes) = value.initializer().filter(|v| literal && v.kind() == Kind::LLVMConstantDataArrayValueKind).and_then(Value::bytes) {
                    self.bytes(&bytes);
                }
            }
            Kind::LLVMConstantExprValueKind if deep > 0 => {
                self.text(&format!("{:?}", value.const_opcode()));
                self.ty(value.ty());
                for index in 0..value.operand_count() {
                    if let Some(operand) = value.operand(index) {
                        self.operand(operand, deep - 1);
                    }
                }
            }
            Kind::LLVMInlineAsmValueKind => {
                let (text, constraints) = value.asm();
                self.text(&text);
                self.text(&constraints);
            }
            Kind::LLVMConstantFPValueKind | Kind::LLVMConstantDataVectorValueKind | Kind::LLVMConstantDataArrayValueKind => {
                self.text(&value.text());
            }
            // Null, undefined, metadata.
            _ => self.text(&format!("{kind:?}")),
        }
    }

    fn ty(&mut self, ty: Ty<'p>) {
        let text = self.type_text(ty);
        self.text(&text);
    }

    /// The shape of a type; that of a structure is a hash.
    fn type_text(&mut self, ty: Ty<'p>) -> String {
        if let Some(known) = self.types.get(&ty) {
            return known.clone();
        }
        let kind = ty.kind();
        let text = match kind {
            TyKind::LLVMIntegerTypeKind => format!("i{}", ty.bits()),
            TyKind::LLVMArrayTypeKind => format!("[{} x {}]", ty.array_len(), self.type_text(ty.element())),
            TyKind::LLVMVectorTypeKind => format!("<{}>", self.type_text(ty.element())),
            TyKind::LLVMStructTypeKind => {
                let mut hash = Sha256::new();
                for index in 0..ty.field_count() {
                    hash.update(self.type_text(ty.field(index)));
                    hash.update(",");
                }
                short(hash)
            }
            TyKind::LLVMFunctionTypeKind => {
                let params: Vec<String> = ty.params().into_iter().map(|p| self.type_text(p)).collect();
                format!("{}({}){}", self.type_text(ty.result()), params.join(","), ty.variadic())
            }
            other => format!("{other:?}"),
        };
        self.types.insert(ty, text.clone());
        text
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// With the length in front, so that no two lists of texts look the same.
    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.hash.update(bytes);
    }

    fn number(&mut self, n: u64) {
        self.hash.update(n.to_le_bytes());
    }
}

fn is_hint(i: Value<'_>) -> bool {
    let callee = match i.opcode() {
        Op::LLVMCall => i.callee().filter(|c| c.kind() == Kind::LLVMFunctionValueKind),
        _ => None,
    };
    callee.is_some_and(|c| {
        let name = c.name();
        HINTS.iter().any(|h| name.starts_with(h))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_behind_names_do_not_count() {
        assert_eq!((plain(".str.12"), plain("f.1.2"), plain("itarget.thunk.read"), plain(".1")), (".str", "f", "itarget.thunk.read", ".1"));
    }
}
