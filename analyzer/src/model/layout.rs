//! Byte layouts: enough of the types to know which bytes of an object are elements of an array.

use super::TypedMember;
use rustc_hash::{FxHashMap, FxHashSet};

/// Index in [`Types`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(pub u32);

/// One layout.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Type {
    /// Scalar (or anything without structure) of that many bytes.
    Scalar(u64),
    /// Fields at byte offsets, and the size in bytes.
    Struct(Vec<(u64, TypeId)>, u64),
    /// Elements: layout, stride in bytes, count.
    Array(TypeId, u64, u64),
}

/// One step of pointer arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GepStep {
    /// That many bytes on (a field, or a constant index into memory of unknown extent).
    Const(i64),
    /// Into an array that starts here: element of this stride; `count` elements if known.
    Array {
        /// Bytes per element.
        stride: u64,
        /// Number of elements, if the array is not the open end of a struct.
        count: Option<u64>,
    },
    /// A variable number of elements on, either way.
    Pointer {
        /// Bytes per element; 0 if not known.
        stride: u64,
    },
}

/// Layouts, each once.
#[derive(Debug, Clone, Default)]
pub struct Types {
    list: Vec<Type>,
    ids: FxHashMap<Type, TypeId>,
    /// Memory laid out so may also be laid out otherwise: unions, and types without a name, which clang makes for
    /// variables whose initialiser is of another shape than they are.
    open: FxHashSet<TypeId>,
}

impl Types {
    /// The id of a layout.
    pub fn intern(&mut self, ty: Type) -> TypeId {
        if let Some(id) = self.ids.get(&ty) {
            return *id;
        }
        let id = TypeId(u32::try_from(self.list.len()).unwrap_or(u32::MAX));
        self.list.push(ty.clone());
        self.ids.insert(ty, id);
        id
    }

    /// The layout with that id.
    #[must_use]
    pub fn get(&self, id: TypeId) -> &Type {
        &self.list[id.0 as usize]
    }

    /// Says that what is laid out so may also be laid out otherwise.
    pub fn open(&mut self, id: TypeId) {
        self.open.insert(id);
    }

    /// Whether a word may be at `offset` in a layout. Bytes may hold anything.
    fn has_word(&self, id: TypeId, offset: u64) -> bool {
        if self.open.contains(&id) {
            return true;
        }
        match self.get(id) {
            Type::Scalar(size) => offset == 0 && *size == 8,
            Type::Struct(fields, _) => {
                let inside = fields.iter().rev().find(|(at, _)| *at <= offset);
                inside.is_some_and(|(at, field)| self.has_word(*field, offset - at))
            }
            Type::Array(element, stride, count) => {
                *stride <= 1 || (offset < stride.saturating_mul(*count) && self.has_word(*element, offset % stride))
            }
        }
    }

    /// A number, or an array of them: memory that is laid out elsewhere, for all one can tell.
    fn is_raw(&self, id: TypeId) -> bool {
        match self.get(id) {
            Type::Scalar(_) => true,
            Type::Array(element, ..) => self.is_raw(*element),
            Type::Struct(..) => false,
        }
    }

    /// Whether a structure that has the member may begin at `start` in a layout of one element: there are words where its
    /// pointers are.
    #[must_use]
    pub fn may_hold(&self, id: TypeId, start: u64, member: &TypedMember) -> bool {
        let size = self.size(id);
        self.is_raw(id) || member.pointers.iter().all(|at| start + at >= size || self.has_word(id, start + at))
    }

    /// Offsets in a layout at which the member may be, elements of an array being one. `None`: at too many or unknown ones.
    #[must_use]
    pub fn places(&self, id: TypeId, member: &TypedMember) -> Option<Vec<u64>> {
        let mut starts = Vec::new();
        if self.is_raw(id) {
            return None;
        }
        self.starts(id, 0, &mut starts, 0)?;
        starts.sort_unstable();
        starts.dedup();
        starts.retain(|start| self.may_hold(id, *start, member));
        Some(starts.into_iter().map(|start| start + member.offset).filter(|at| *at < self.size(id)).collect())
    }

    fn starts(&self, id: TypeId, base: u64, found: &mut Vec<u64>, depth: u32) -> Option<()> {
        if self.open.contains(&id) || depth > 16 || found.len() > 256 {
            return None;
        }
        match self.get(id) {
            Type::Scalar(_) => {}
            Type::Struct(fields, _) => {
                found.push(base);
                for (at, field) in fields {
                    self.starts(*field, base + at, found, depth + 1)?;
                }
            }
            Type::Array(_, stride, _) if *stride <= 1 => return None,
            Type::Array(element, ..) => self.starts(*element, base, found, depth + 1)?,
        }
        Some(())
    }

    /// Size in bytes.
    #[must_use]
    pub fn size(&self, id: TypeId) -> u64 {
        match self.get(id) {
            Type::Scalar(size) | Type::Struct(_, size) => *size,
            Type::Array(_, stride, count) => stride.saturating_mul(*count),
        }
    }

    /// The arrays in a layout, outer before inner, each as `(start, end, stride)` in bytes; arrays
    /// inside array elements appear once, in the first element.
    #[must_use]
    pub fn arrays(&self, id: TypeId) -> Vec<(u64, u64, u64)> {
        let mut found = Vec::new();
        self.collect(id, 0, &mut found, 0);
        found
    }

    fn collect(&self, id: TypeId, base: u64, found: &mut Vec<(u64, u64, u64)>, depth: u32) {
        if depth > 64 || found.len() > 4096 {
            return;
        }
        match self.get(id) {
            Type::Scalar(_) => {}
            Type::Struct(fields, _) => {
                for (offset, field) in fields {
                    self.collect(*field, base + offset, found, depth + 1);
                }
            }
            Type::Array(element, stride, count) => {
                if *count != 0 && *stride != 0 {
                    found.push((base, base + stride * count, *stride));
                    self.collect(*element, base, found, depth + 1);
                }
            }
        }
    }

    /// Size of the scalar, struct or array element that starts at `offset`, smallest first.
    #[must_use]
    pub fn scalar_at(&self, id: TypeId, offset: u64) -> Option<u64> {
        match self.get(id) {
            Type::Scalar(size) => (offset == 0).then_some(*size),
            Type::Struct(fields, _) => {
                let (at, field) = fields.iter().rev().find(|(at, _)| *at <= offset)?;
                self.scalar_at(*field, offset - at)
            }
            Type::Array(element, stride, count) => {
                if *stride == 0 || offset >= stride * count {
                    return None;
                }
                self.scalar_at(*element, offset % stride)
            }
        }
    }
}
