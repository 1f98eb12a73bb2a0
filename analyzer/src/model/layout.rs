//! Byte layouts: enough of the types to know which bytes of an object are elements of an array.

use super::{Access, Declared, TypedMember};
use rustc_hash::{FxHashMap, FxHashSet};

/// Index in [`Types`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(pub u32);

/// One layout.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Type {
    /// Number (or anything without structure) of that many bytes.
    Scalar(u64),
    /// A pointer, of 8 bytes.
    Pointer,
    /// Fields at byte offsets, and the size in bytes.
    Struct(Vec<(u64, TypeId)>, u64),
    /// Elements: layout, stride in bytes, count.
    Array(TypeId, u64, u64),
}

/// One step of pointer arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
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

    /// Whether a scalar may be at `offset` in a layout. Bytes may hold anything; a bit-field is declared as the type that it
    /// is a part of, so that numbers fit wherever no pointer is.
    fn has(&self, id: TypeId, offset: u64, declared: Declared) -> bool {
        if self.open.contains(&id) {
            return true;
        }
        match self.get(id) {
            Type::Pointer => declared != Declared::Number && offset == 0,
            Type::Scalar(size) => declared != Declared::Pointer && offset < *size,
            Type::Struct(fields, _) => match fields.iter().rev().find(|(at, _)| *at <= offset) {
                Some((at, field)) if offset - at < self.size(*field) => self.has(*field, offset - at, declared),
                // Between two fields, or past the last: an open end.
                Some(_) => true,
                None => false,
            },
            Type::Array(element, stride, count) => {
                *stride <= 1
                    || self.is_raw(*element)
                    || *count == 0
                    || (offset < stride.saturating_mul(*count) && self.has(*element, offset % stride, declared))
            }
        }
    }

    /// A number, or an array of them: memory that is laid out elsewhere, for all one can tell.
    fn is_raw(&self, id: TypeId) -> bool {
        match self.get(id) {
            Type::Scalar(_) => true,
            Type::Array(element, ..) => self.is_raw(*element),
            Type::Struct(..) | Type::Pointer => false,
        }
    }

    /// Whether a structure that has the member may begin at `start` in a layout of one element: it fits in what is there, pointers
    /// and numbers where its own are. (A structure that repeats the members of another at its beginning may be looked at as the
    /// other, though C does not say so.)
    #[must_use]
    pub fn may_hold(&self, id: TypeId, start: u64, member: &TypedMember) -> bool {
        let size = self.size(id);
        let has = |(at, declared, bytes): &(u64, Declared, u64)| match declared {
            // An array of bytes may be there to give it some size, or to end it.
            Declared::Any => start + at <= size,
            _ => start + at + bytes <= size.next_multiple_of(8) && self.has(id, start + at, *declared),
        };
        match self.is_raw(id) {
            true => member.extent() <= size,
            false => self.begins(id, start, member.extent()) && member.scalars.iter().all(has),
        }
    }

    /// Whether a structure of so many bytes may begin at `offset` in a layout.
    fn begins(&self, id: TypeId, offset: u64, extent: u64) -> bool {
        if self.open.contains(&id) {
            return true;
        }
        match self.get(id) {
            Type::Pointer | Type::Scalar(_) => false,
            Type::Struct(fields, size) => {
                let inside = || fields.iter().rev().find(|(at, field)| *at <= offset && (self.size(*field) > 0 || *at == offset));
                offset == 0 || offset < *size && inside().is_some_and(|(at, field)| self.begins(*field, offset - at, extent))
            }
            Type::Array(_, _, 0) => true,
            Type::Array(element, stride, count) if *stride <= 1 || self.is_raw(*element) => extent <= stride.saturating_mul(*count),
            Type::Array(element, stride, _) => self.begins(*element, offset % stride, extent),
        }
    }

    /// Whether a scalar that is not said to be a member may be accessed as that at `offset` (`None`: at an unknown place).
    #[must_use]
    pub fn may_be(&self, id: TypeId, offset: Option<u64>, declared: Declared, size: u64) -> bool {
        match (declared, offset) {
            (Declared::Unknown | Declared::Any, _) => true,
            _ if self.is_raw(id) && self.size(id) >= size => true,
            (_, Some(offset)) => offset >= self.size(id) || self.has(id, offset, declared),
            (_, None) => self.has_any(id, declared, size, 0),
        }
    }

    /// Whether some scalar of a layout may be accessed as that.
    fn has_any(&self, id: TypeId, declared: Declared, size: u64, depth: u32) -> bool {
        if depth > 16 || self.open.contains(&id) {
            return true;
        }
        match self.get(id) {
            Type::Pointer => declared != Declared::Number,
            // Vectors and long doubles are read in parts.
            Type::Scalar(own) => declared != Declared::Pointer && (*own == size || *own > 8),
            Type::Struct(fields, _) => fields.iter().any(|(_, field)| self.has_any(*field, declared, size, depth + 1)),
            Type::Array(_, stride, _) if *stride <= 1 => true,
            Type::Array(element, ..) => self.has_any(*element, declared, size, depth + 1),
        }
    }

    /// Whether an access may touch something laid out so at `offset` (`None`: at some place).
    #[must_use]
    pub fn admits(&self, id: TypeId, offset: Option<u64>, access: &Access, members: &[TypedMember]) -> bool {
        match (access.member.map(|index| &members[index as usize]), offset) {
            (None, _) if access.record.is_some() => true,
            (None, offset) => self.may_be(id, offset, access.declared, access.size),
            (Some(member), Some(offset)) => match offset.checked_sub(member.offset) {
                Some(start) => self.may_hold(id, start, member),
                None => false,
            },
            (Some(member), None) => self.places(id, member).is_none_or(|places| !places.is_empty()),
        }
    }

    /// Offsets in a layout at which the member may be, elements of an array being one. `None`: at too many or unknown ones.
    #[must_use]
    pub fn places(&self, id: TypeId, member: &TypedMember) -> Option<Vec<u64>> {
        let extent = member.extent();
        if self.is_raw(id) {
            return (extent > self.size(id)).then(Vec::new);
        }
        let mut starts = Vec::new();
        self.starts(id, 0, extent, &mut starts, 0)?;
        starts.sort_unstable();
        starts.dedup();
        starts.retain(|start| self.may_hold(id, *start, member));
        Some(starts.into_iter().map(|start| start + member.offset).filter(|at| *at < self.size(id)).collect())
    }

    /// Adds where in a layout structures begin. `None`: one of so many bytes may be anywhere.
    fn starts(&self, id: TypeId, base: u64, extent: u64, found: &mut Vec<u64>, depth: u32) -> Option<()> {
        if self.open.contains(&id) || depth > 16 || found.len() > 256 {
            return None;
        }
        match self.get(id) {
            Type::Scalar(_) | Type::Pointer => {}
            Type::Struct(fields, _) => {
                found.push(base);
                for (at, field) in fields {
                    self.starts(*field, base + at, extent, found, depth + 1)?;
                }
            }
            Type::Array(_, _, 0) => return None,
            Type::Array(element, stride, count) if *stride <= 1 || self.is_raw(*element) => {
                return (extent > stride.saturating_mul(*count)).then_some(());
            }
            Type::Array(element, ..) => self.starts(*element, base, extent, found, depth + 1)?,
        }
        Some(())
    }

    /// Size in bytes.
    #[must_use]
    pub fn size(&self, id: TypeId) -> u64 {
        match self.get(id) {
            Type::Scalar(size) | Type::Struct(_, size) => *size,
            Type::Pointer => 8,
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
            Type::Scalar(_) | Type::Pointer => {}
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

    /// Whether a pointer may begin at `offset` in a layout: no number shorter than that is there, nor the middle of anything.
    #[must_use]
    pub fn may_have_pointer(&self, id: TypeId, offset: u64) -> bool {
        if self.open.contains(&id) {
            return true;
        }
        match self.get(id) {
            Type::Pointer => offset == 0,
            Type::Scalar(size) => *size >= 8 && offset % 8 == 0,
            Type::Struct(fields, _) => {
                let inside = fields.iter().rev().find(|(at, field)| *at <= offset && (self.size(*field) > 0 || *at == offset));
                inside.is_none_or(|(at, field)| offset - at < self.size(*field).max(1) && self.may_have_pointer(*field, offset - at))
            }
            Type::Array(element, stride, count) => {
                *count == 0 || *stride == 0 || self.is_raw(*element) || self.may_have_pointer(*element, offset % stride)
            }
        }
    }

    /// Bytes from the start of the scalar that `offset` is in, and to its end, if nothing larger starts there.
    #[must_use]
    pub fn lone_scalar(&self, id: TypeId, offset: u64) -> Option<(u64, u64)> {
        if self.open.contains(&id) {
            return None;
        }
        let (inner, inside) = match self.get(id) {
            Type::Struct(fields, _) if offset > 0 => {
                let (at, field) = fields.iter().rev().find(|(at, _)| *at <= offset)?;
                // An array without elements marks where a group of members begins.
                if fields.iter().any(|(marked, field)| *marked == offset && self.size(*field) == 0) {
                    return None;
                }
                (*field, offset - at)
            }
            Type::Array(element, stride, count) if *stride > 0 && offset < stride.saturating_mul(*count) => match offset % stride {
                0 => return None,
                inside => (*element, inside),
            },
            _ => return None,
        };
        match self.get(inner) {
            Type::Scalar(_) | Type::Pointer => Some((inside, self.size(inner).checked_sub(inside)?)),
            _ => self.lone_scalar(inner, inside),
        }
    }

    /// Size of the scalar, struct or array element that starts at `offset`, smallest first.
    #[must_use]
    pub fn scalar_at(&self, id: TypeId, offset: u64) -> Option<u64> {
        match self.get(id) {
            Type::Scalar(size) => (offset == 0).then_some(*size),
            Type::Pointer => (offset == 0).then_some(8),
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
