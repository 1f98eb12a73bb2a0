//! As what the addresses of functions are kept: a function that is cast when its address is taken may be called by the type that it is
//! cast to, all others by their own only.

use super::ll::{Kind, Op, TyKind, Value};
use super::prototypes::{Finder, bare, functions, member_at, parts};
use super::variables::{operand, tag};

/// Deepest nesting of constants.
const DEEPEST: u32 = 32;

fn is_function(value: Value<'_>) -> bool {
    matches!(value.kind(), Kind::LLVMFunctionValueKind)
}

fn is_expression(value: Value<'_>) -> bool {
    matches!(value.kind(), Kind::LLVMConstantExprValueKind)
}

/// Operands of an instruction, without the function that it calls.
fn used<'p>(i: Value<'p>) -> impl Iterator<Item = (u32, Value<'p>)> {
    let count = match i.opcode() {
        Op::LLVMCall | Op::LLVMInvoke | Op::LLVMCallBr => i.arg_count(),
        _ => i.operand_count(),
    };
    (0..count).filter_map(move |index| Some((index, i.operand(index)?)))
}

/// An instruction uses the address of a function.
pub(super) fn takes_any(i: Value<'_>) -> bool {
    used(i).any(|(_, value)| is_function(value) || is_expression(value))
}

impl<'p> Finder<'p> {
    /// Finds as what addresses are kept: by initialisers, and by these instructions.
    pub(super) fn addresses(&mut self, taken: &[Value<'p>]) {
        for global in self.program.globals() {
            if let Some(value) = global.initializer() {
                let ty = self.places.get(&global.key()).copied();
                self.initialiser(value, ty, 0);
            }
        }
        for i in taken {
            self.instruction(*i);
        }
    }

    /// Finds where pointers to functions are cast as they are stored, passed or returned by these instructions.
    pub(super) fn casts(&mut self, passed: &[(Value<'p>, Value<'p>)]) {
        for (f, i) in passed {
            match i.opcode() {
                Op::LLVMStore => {
                    let place = i.operand(1);
                    self.passes(i.operand(0), |finder| place.and_then(|place| finder.place(place, 0)));
                }
                Op::LLVMRet if i.operand_count() == 0 => {}
                Op::LLVMRet => {
                    self.passes(i.operand(0), |_| f.debug_node().and_then(|node| operand(node, 4)).and_then(|ty| parts(ty).first().copied().flatten()));
                }
                _ => {
                    for index in 0..i.arg_count() {
                        self.passes(i.operand(index), |finder| {
                            let callee = i.callee()?;
                            let ty = match callee.kind() {
                                Kind::LLVMFunctionValueKind => callee.debug_node().and_then(|node| operand(node, 4)),
                                _ => finder.called(*i, 0),
                            };
                            ty.map(parts).unwrap_or_default().get(1 + index as usize).copied().flatten()
                        });
                    }
                }
            }
        }
    }

    /// A value goes where it is declared as that.
    fn passes(&mut self, value: Option<Value<'p>>, to: impl FnOnce(&mut Self) -> Option<Value<'p>>) {
        let is_pointer = |value: &Value<'p>| value.ty().kind() == TyKind::LLVMPointerTypeKind && !is_function(*value);
        let Some(from) = value.filter(is_pointer).and_then(|value| self.declared_as(value)) else { return };
        let from = self.exact_types(from);
        if from.is_empty() {
            return;
        }
        let Some(to) = to(self) else { return };
        for to in self.exact_types(to) {
            for from in from.iter().filter(|from| **from != to) {
                let all = self.found.cast.entry(*from).or_default();
                if !all.contains(&to) {
                    all.push(to);
                }
            }
        }
    }

    /// The exact types of functions that pointers of a type lead to, but for those without a list of parameters.
    fn exact_types(&mut self, ty: Value<'p>) -> Vec<u32> {
        let ids: Vec<u32> = functions(ty).into_iter().filter_map(|ty| self.prototype(ty)).collect();
        ids.into_iter().map(|id| &self.found.list[id as usize]).filter(|known| !known.open).map(|known| known.exact).collect()
    }

    fn initialiser(&mut self, value: Value<'p>, ty: Option<Value<'p>>, depth: u32) {
        if depth > DEEPEST {
            return;
        }
        if is_function(value) {
            return self.keep(value, ty);
        }
        let of = ty.and_then(bare).map(|(ty, _)| ty);
        let llvm = value.ty();
        let inner = |index: u32| match (llvm.kind(), of.map(Value::debug_tag)) {
            _ if !matches!(value.kind(), Kind::LLVMConstantStructValueKind | Kind::LLVMConstantArrayValueKind) => None,
            (TyKind::LLVMStructTypeKind, Some(tag::STRUCT)) => member_at(of?, 8 * self.program.layout().offset(llvm, index)),
            (TyKind::LLVMStructTypeKind, Some(tag::UNION)) if index == 0 => of,
            // Elements whose unions differ make an array into a structure.
            (TyKind::LLVMArrayTypeKind | TyKind::LLVMStructTypeKind, Some(tag::ARRAY)) if operand(of?, 4)?.node_operands().len() == 1 => operand(of?, 3),
            _ => None,
        };
        if matches!(value.kind(), Kind::LLVMConstantStructValueKind | Kind::LLVMConstantArrayValueKind | Kind::LLVMConstantExprValueKind) {
            for index in 0..value.operand_count() {
                if let Some(part) = value.operand(index) {
                    let ty = inner(index);
                    self.initialiser(part, ty, depth + 1);
                }
            }
        }
    }

    fn instruction(&mut self, i: Value<'p>) {
        for (index, value) in used(i) {
            if is_expression(value) {
                self.initialiser(value, None, 0);
            }
            if !is_function(value) {
                continue;
            }
            match i.opcode() {
                Op::LLVMICmp => {}
                Op::LLVMStore if index == 0 => {
                    let ty = i.operand(1).and_then(|place| self.place(place, 0));
                    self.keep(value, ty);
                }
                Op::LLVMCall | Op::LLVMInvoke | Op::LLVMCallBr => {
                    let Some(callee) = i.callee() else { continue };
                    let ty = match callee.kind() {
                        // What the library does with it is annotated.
                        Kind::LLVMFunctionValueKind if callee.is_declaration() => continue,
                        Kind::LLVMFunctionValueKind => callee.debug_node().and_then(|node| operand(node, 4)),
                        _ => self.called(i, 0),
                    };
                    let parts = ty.map(parts).unwrap_or_default();
                    self.keep(value, parts.get(1 + index as usize).copied().flatten());
                }
                _ => self.keep(value, None),
            }
        }
    }

    /// The address of a function is kept in a place of that type.
    fn keep(&mut self, function: Value<'p>, ty: Option<Value<'p>>) {
        let own = self.found.by_key.get(&function.key()).map(|id| self.found.list[*id as usize].exact);
        let known = match ty.and_then(bare).map(|(ty, _)| ty) {
            None => None,
            Some(ty) if ty.debug_tag() == tag::POINTER => match operand(ty, 3) {
                // To be cast back before it is called.
                None => Some(Vec::new()),
                Some(to) => match bare(to).map(|(to, _)| to) {
                    Some(to) if to.debug_tag() == tag::SUBROUTINE => self.prototype(to).map(|id| match &self.found.list[id as usize] {
                        open if open.open => Vec::new(),
                        other => vec![other.exact],
                    }),
                    _ => Some(Vec::new()),
                },
            },
            Some(ty) if ty.debug_tag() == tag::UNION => {
                let ids: Vec<Option<u32>> = functions(ty).into_iter().map(|ty| self.prototype(ty)).collect();
                let exact = ids.into_iter().flatten().any(|id| Some(self.found.list[id as usize].exact) == own);
                exact.then(Vec::new)
            }
            Some(_) => None,
        };
        let kept = self.found.kept.entry(function.key()).or_insert_with(|| Some(Vec::new()));
        match (kept.as_mut(), known) {
            (Some(all), Some(more)) => all.extend(more.into_iter().filter(|exact| Some(*exact) != own)),
            _ => *kept = None,
        }
    }
}
