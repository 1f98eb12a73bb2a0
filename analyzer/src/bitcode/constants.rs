//! Constants to operands: addresses with their byte offsets, and the addresses in initialisers.

use super::ll::{Kind, Op, Ty, TyKind, Value};
use super::types::TypeMap;
use crate::model::{Class, ExternalId, ExternalVariableId, FunctionId, GlobalId, ListId, Operand};
use rustc_hash::FxHashMap;

/// What a named symbol of the module is.
#[derive(Clone, Copy)]
pub(super) enum Symbol {
    Function(FunctionId),
    External(ExternalId),
    Global(GlobalId),
    Variable(ExternalVariableId),
}

/// Deepest nesting of constant expressions and aggregates followed.
const MAX_DEPTH: u32 = 256;

/// Converts constants, each once.
pub(super) struct Constants<'p> {
    pub(super) types: TypeMap<'p>,
    pub(super) symbols: FxHashMap<usize, Symbol>,
    pub(super) lists: Vec<Vec<Operand>>,
    list_ids: FxHashMap<Vec<Operand>, ListId>,
    known: FxHashMap<usize, Operand>,
}

impl<'p> Constants<'p> {
    pub(super) fn new(types: TypeMap<'p>, symbols: FxHashMap<usize, Symbol>) -> Self {
        Constants {
            types,
            symbols,
            lists: Vec::new(),
            list_ids: FxHashMap::default(),
            known: FxHashMap::default(),
        }
    }

    /// The operand for a constant.
    pub(super) fn operand(&mut self, value: Value<'p>) -> Operand {
        if let Some(operand) = self.known.get(&value.key()) {
            return *operand;
        }
        let operand = self.convert(value, 0);
        self.known.insert(value.key(), operand);
        operand
    }

    fn convert(&mut self, value: Value<'p>, depth: u32) -> Operand {
        if depth > MAX_DEPTH {
            return Operand::Other;
        }
        match value.kind() {
            Kind::LLVMFunctionValueKind | Kind::LLVMGlobalVariableValueKind => self.symbol(value),
            Kind::LLVMGlobalAliasValueKind => match value.aliasee() {
                Some(target) => self.convert(target, depth + 1),
                None => Operand::Other,
            },
            Kind::LLVMGlobalIFuncValueKind => self.symbol(value),
            Kind::LLVMConstantIntValueKind => value.integer().map_or(Operand::Other, Operand::Int),
            Kind::LLVMConstantPointerNullValueKind | Kind::LLVMConstantAggregateZeroValueKind => Operand::Null,
            Kind::LLVMUndefValueValueKind | Kind::LLVMPoisonValueKind => Operand::Undef,
            Kind::LLVMConstantStructValueKind | Kind::LLVMConstantArrayValueKind | Kind::LLVMConstantVectorValueKind => {
                self.any(value, depth)
            }
            Kind::LLVMConstantExprValueKind => match value.const_opcode() {
                Op::LLVMGetElementPtr => {
                    let base = value.operand(0).map_or(Operand::Other, |b| self.convert(b, depth + 1));
                    let offset = self.gep_offset(value);
                    self.displace(base, offset)
                }
                _ => self.any(value, depth),
            },
            _ => Operand::Other,
        }
    }

    fn symbol(&self, value: Value<'p>) -> Operand {
        match self.symbols.get(&value.key()) {
            Some(Symbol::Function(id)) => Operand::Function(*id),
            Some(Symbol::External(id)) => Operand::External(*id),
            Some(Symbol::Global(id)) => Operand::Global(*id, 0),
            Some(Symbol::Variable(id)) => Operand::ExternalVariable(*id, 0),
            None => Operand::Other,
        }
    }

    /// Any of the addresses among a value's operands.
    fn any(&mut self, value: Value<'p>, depth: u32) -> Operand {
        let mut found = Vec::new();
        for i in 0..value.operand_count() {
            let Some(operand) = value.operand(i) else { continue };
            match self.convert(operand, depth + 1) {
                Operand::Any(list) => found.extend_from_slice(&self.lists[list.index()]),
                Operand::Null | Operand::Int(_) | Operand::Undef | Operand::Other | Operand::Local(_) => {}
                address => found.push(address),
            }
        }
        self.one_of(found)
    }

    fn one_of(&mut self, mut found: Vec<Operand>) -> Operand {
        found.sort_unstable();
        found.dedup();
        match found[..] {
            [] => Operand::Other,
            [one] => one,
            _ => {
                let next = ListId::from(self.lists.len());
                let id = *self.list_ids.entry(found.clone()).or_insert(next);
                if id == next {
                    self.lists.push(found);
                }
                Operand::Any(id)
            }
        }
    }

    fn displace(&mut self, base: Operand, by: i64) -> Operand {
        match base {
            Operand::Global(id, offset) => Operand::Global(id, offset.wrapping_add(by)),
            Operand::ExternalVariable(id, offset) => Operand::ExternalVariable(id, offset.wrapping_add(by)),
            Operand::Any(list) => {
                let all = self.lists[list.index()].clone();
                let all = all.into_iter().map(|one| self.displace(one, by)).collect();
                self.one_of(all)
            }
            other => other,
        }
    }

    /// Byte offset of a constant GEP expression (variable parts count as 0; LLVM has none).
    fn gep_offset(&mut self, value: Value<'p>) -> i64 {
        let mut ty = value.gep_type();
        let mut offset = 0i64;
        for i in 1..value.operand_count() {
            let index = value.operand(i).filter(|v| matches!(v.kind(), Kind::LLVMConstantIntValueKind));
            let index = index.and_then(Value::integer).unwrap_or(0);
            let step = if i == 1 {
                scale(self.types.layout.size(ty), index)
            } else {
                let (at, inner) = self.step_into(ty, index);
                ty = inner;
                at
            };
            offset = offset.wrapping_add(step);
        }
        offset
    }

    fn step_into(&self, ty: Ty<'p>, index: i64) -> (i64, Ty<'p>) {
        match ty.kind() {
            TyKind::LLVMStructTypeKind => {
                let field = u32::try_from(index).unwrap_or(0);
                (i64::try_from(self.types.layout.offset(ty, field)).unwrap_or(0), ty.field(field))
            }
            TyKind::LLVMArrayTypeKind | TyKind::LLVMVectorTypeKind => {
                let element = ty.element();
                (scale(self.types.layout.size(element), index), element)
            }
            _ => (0, ty),
        }
    }

    /// The bytes of an initialiser that is a byte string.
    pub(super) fn bytes_of(&self, value: Value<'p>) -> Option<Vec<u8>> {
        match value.kind() {
            Kind::LLVMConstantDataArrayValueKind => value.bytes(),
            Kind::LLVMConstantAggregateZeroValueKind if matches!(value.ty().kind(), TyKind::LLVMArrayTypeKind) => {
                let ty = value.ty();
                let bytes = matches!(self.types.class(ty.element()), Class::Int(1)) && ty.array_len() <= 1 << 16;
                bytes.then(|| vec![0; usize::try_from(ty.array_len()).unwrap_or(0)])
            }
            _ => None,
        }
    }

    /// The addresses in an initialiser, with byte offsets from `base`, appended to `found`.
    pub(super) fn addresses(&mut self, value: Value<'p>, base: u64, found: &mut Vec<(u64, Operand)>, depth: u32) {
        if depth > MAX_DEPTH {
            return;
        }
        let ty = value.ty();
        match value.kind() {
            Kind::LLVMConstantStructValueKind => {
                for i in 0..value.operand_count() {
                    if let Some(field) = value.operand(i) {
                        let at = base + self.types.layout.offset(ty, i);
                        self.addresses(field, at, found, depth + 1);
                    }
                }
            }
            Kind::LLVMConstantArrayValueKind | Kind::LLVMConstantVectorValueKind => {
                let stride = self.types.layout.size(ty.element());
                for i in 0..value.operand_count() {
                    if let Some(element) = value.operand(i) {
                        self.addresses(element, base + stride * u64::from(i), found, depth + 1);
                    }
                }
            }
            Kind::LLVMFunctionValueKind
            | Kind::LLVMGlobalVariableValueKind
            | Kind::LLVMGlobalAliasValueKind
            | Kind::LLVMGlobalIFuncValueKind
            | Kind::LLVMConstantExprValueKind => {
                if !self.types.class(ty).carries_pointer() {
                    return;
                }
                match self.operand(value) {
                    Operand::Any(list) => found.extend(self.lists[list.index()].iter().map(|one| (base, *one))),
                    Operand::Null | Operand::Int(_) | Operand::Undef | Operand::Other => {}
                    address => found.push((base, address)),
                }
            }
            _ => {}
        }
    }
}

pub(super) fn scale(size: u64, index: i64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX).wrapping_mul(index)
}
