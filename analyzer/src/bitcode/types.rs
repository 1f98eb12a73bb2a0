//! LLVM types to layouts and classes.

use super::ll::{Layout, Ty, TyKind};
use crate::model::{Class, Declared, Signature, Type, TypeId, Types};
use rustc_hash::FxHashMap;

/// Most scalars of a structure that is told from others.
const LONGEST: usize = 4096;

/// Converts types, each once.
pub(super) struct TypeMap<'p> {
    pub(super) layout: Layout<'p>,
    pub(super) types: Types,
    known: FxHashMap<Ty<'p>, TypeId>,
    /// Members by structure and offset, as arithmetic leads to them.
    pub(super) inside: FxHashMap<(Ty<'p>, u64), Option<u32>>,
}

impl<'p> TypeMap<'p> {
    pub(super) fn new(layout: Layout<'p>) -> Self {
        TypeMap { layout, types: Types::default(), known: FxHashMap::default(), inside: FxHashMap::default() }
    }

    /// The layout of a type.
    pub(super) fn id(&mut self, ty: Ty<'p>) -> TypeId {
        if let Some(id) = self.known.get(&ty) {
            return *id;
        }
        let layout = match ty.kind() {
            _ if !ty.sized() => Type::Scalar(0),
            // An array whose initialiser has members of unions set is a structure to clang.
            TyKind::LLVMStructTypeKind if ty.struct_name().is_none() && self.uniform(ty) => {
                let element = ty.field(0);
                Type::Array(self.id(element), self.layout.size(element), u64::from(ty.field_count()))
            }
            TyKind::LLVMStructTypeKind => {
                let fields = (0..ty.field_count())
                    .map(|i| (self.layout.offset(ty, i), self.id(ty.field(i))))
                    .collect();
                Type::Struct(fields, self.layout.size(ty))
            }
            TyKind::LLVMArrayTypeKind => {
                let element = ty.element();
                Type::Array(self.id(element), self.layout.size(element), ty.array_len())
            }
            TyKind::LLVMPointerTypeKind => Type::Pointer,
            _ => Type::Scalar(self.layout.size(ty)),
        };
        let id = self.types.intern(layout);
        if ty.kind() == TyKind::LLVMStructTypeKind && ty.struct_name().is_none_or(|name| name.starts_with("union.")) {
            self.types.open(id);
        }
        self.known.insert(ty, id);
        id
    }

    /// Kind: struct. Its fields are several structures of one size, side by side.
    fn uniform(&self, ty: Ty<'p>) -> bool {
        let size = self.layout.size(ty.field(0));
        ty.field_count() > 1
            && size > 0
            && (0..ty.field_count()).all(|i| {
                let field = ty.field(i);
                field.kind() == TyKind::LLVMStructTypeKind
                    && self.layout.size(field) == size
                    && self.layout.offset(ty, i) == u64::from(i) * size
            })
    }

    /// Kind: struct or array. No element is wide enough for a pointer.
    pub(super) fn is_narrow(&self, ty: Ty<'p>) -> bool {
        match ty.kind() {
            TyKind::LLVMStructTypeKind => (0..ty.field_count()).all(|i| self.is_narrow(ty.field(i))),
            TyKind::LLVMArrayTypeKind => self.is_narrow(ty.element()),
            TyKind::LLVMIntegerTypeKind => ty.bits() < 64,
            _ => !self.class(ty).carries_pointer(),
        }
    }

    /// Adds the scalars of a structure at `start`: offset, what they are, and bytes. Of an array only those of the first
    /// element, of unions and of what clang makes up only that something is there. `None`: too many.
    pub(super) fn scalars(&self, ty: Ty<'p>, start: u64, found: &mut Vec<(u64, Declared, u64)>) -> Option<()> {
        if found.len() >= LONGEST {
            return None;
        }
        match ty.kind() {
            _ if self.is_named(ty) => {
                for i in 0..ty.field_count() {
                    self.scalars(ty.field(i), start + self.layout.offset(ty, i), found)?;
                }
            }
            TyKind::LLVMArrayTypeKind if ty.array_len() > 0 => self.scalars(ty.element(), start, found)?,
            TyKind::LLVMArrayTypeKind => {}
            TyKind::LLVMPointerTypeKind => found.push((start, Declared::Pointer, 8)),
            TyKind::LLVMIntegerTypeKind if matches!(ty.bits(), 16 | 32 | 64) => {
                found.push((start, Declared::Number, u64::from(ty.bits() / 8)));
            }
            TyKind::LLVMFloatTypeKind => found.push((start, Declared::Number, 4)),
            TyKind::LLVMDoubleTypeKind => found.push((start, Declared::Number, 8)),
            _ => found.push((start, Declared::Any, 1)),
        }
        Some(())
    }

    /// A structure with the name of one, so it is laid out as that and not otherwise.
    pub(super) fn is_named(&self, ty: Ty<'p>) -> bool {
        ty.kind() == TyKind::LLVMStructTypeKind && ty.sized() && ty.struct_name().is_some_and(|name| !name.starts_with("union."))
    }

    /// The class of a type.
    pub(super) fn class(&self, ty: Ty<'p>) -> Class {
        match ty.kind() {
            TyKind::LLVMVoidTypeKind | TyKind::LLVMLabelTypeKind | TyKind::LLVMMetadataTypeKind
            | TyKind::LLVMTokenTypeKind => Class::Void,
            TyKind::LLVMPointerTypeKind => Class::Pointer,
            TyKind::LLVMIntegerTypeKind => match ty.bits().div_ceil(8) {
                bytes @ 0..=8 => Class::Int(u8::try_from(bytes).unwrap_or(8)),
                _ => Class::Aggregate,
            },
            TyKind::LLVMStructTypeKind | TyKind::LLVMArrayTypeKind => Class::Aggregate,
            TyKind::LLVMVectorTypeKind => match self.class(ty.element()) {
                element if element.carries_pointer() => Class::Aggregate,
                _ => Class::Float,
            },
            _ => Class::Float,
        }
    }

    /// The signature of a function type.
    pub(super) fn signature(&self, ty: Ty<'p>) -> Signature {
        Signature {
            params: ty.params().into_iter().map(|p| self.class(p)).collect(),
            ret: self.class(ty.result()),
            variadic: ty.variadic(),
        }
    }
}
