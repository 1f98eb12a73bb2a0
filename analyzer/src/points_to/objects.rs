//! Abstract objects during solving: their locations, and which bytes are array elements.
//!
//! A location is (object, byte offset), or (object, anywhere). Elements of an array are one: an
//! object has a list of array regions `(start, end, stride)`, and an offset inside one is
//! taken to the first element. Regions come from the layout of globals and stack slots, and from
//! the pointer arithmetic done on heap objects.

use super::{ObjectKind, Shape};
use crate::model::{GepStep, Type, TypeId, Types};
use rustc_hash::FxHashMap;

/// Index of a location.
pub(super) type Loc = u32;

/// An array: bytes `start..end` are elements of `stride` bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) stride: u64,
}

impl Region {
    /// All of an object, whose bytes are not told apart.
    pub(super) const WHOLE: Region = Region { start: 0, end: u64::MAX, stride: 1 };

    pub(super) fn contains(&self, offset: u64) -> bool {
        self.start <= offset && offset < self.end
    }
}

/// Farthest before its object that a pointer is followed.
const FARTHEST: i64 = 1 << 24;

/// Whether an offset is one before the object: of a structure around it that is not there. Lists and rings with a sentinel
/// compute such pointers from their heads, and go back into the head from there.
pub(super) fn is_before(offset: u64) -> bool {
    offset.cast_signed() < 0
}

/// An object.
pub(super) struct Obj {
    pub(super) kind: ObjectKind,
    /// Instance that allocated it (heap, stack), for names.
    pub(super) instance: u32,
    pub(super) name: String,
    pub(super) size: Option<u64>,
    /// Nothing is ever stored there: constants, and code.
    pub(super) constant: bool,
    /// Memory of the library that only some accesses look into.
    pub(super) shape: Option<Shape>,
    /// One location is all it has.
    pub(super) flat: bool,
    /// Layout, if it is declared.
    pub(super) ty: Option<TypeId>,
    pub(super) regions: Vec<Region>,
    /// Locations by offset; several offsets may have the same after merging.
    pub(super) locs: FxHashMap<u64, Loc>,
    /// Offsets with a location of their own, ascending by creation.
    pub(super) offsets: Vec<u64>,
    /// Locations before it, see [`is_before`].
    pub(super) before: u32,
    /// First and next free location of the blocks of this object's.
    pub(super) block: Option<(Loc, Loc)>,
    /// Nodes: what is loaded from, and stored to, an unknown place.
    pub(super) any_out: Option<u32>,
    pub(super) any_in: Option<u32>,
    /// Copies of this object's cells: from offset, length, to object, to offset.
    pub(super) copies: Vec<(u64, Option<u64>, u32, u64)>,
}

/// Where a step of pointer arithmetic leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// To these offsets (at most two).
    To(u64, Option<u64>),
    /// Anywhere in the object.
    Any,
    /// Out of the object.
    Out,
    /// To the offset, once this region is known.
    Region(Region),
}

impl Obj {
    /// The offset that stands for `offset`.
    pub(super) fn canonical(&self, mut offset: u64) -> u64 {
        if self.flat {
            return 0;
        }
        if is_before(offset) {
            return offset;
        }
        loop {
            let before = offset;
            for r in &self.regions {
                if r.contains(offset) {
                    offset = r.start + (offset - r.start) % r.stride;
                }
            }
            if offset == before {
                return offset;
            }
        }
    }

    fn fits(&self, offset: u64) -> bool {
        self.size.is_none_or(|size| offset <= size)
    }

    /// One step from a canonical offset.
    pub(super) fn step(&self, types: &Types, offset: u64, step: GepStep) -> Step {
        match step {
            _ if self.flat => Step::To(0, None),
            GepStep::Const(by) if is_before(offset) => match offset.wrapping_add_signed(by) {
                to if is_before(to) && by > 0 => Step::To(to, None),
                to if !is_before(to) && self.fits(to) => self.lands(types, self.canonical(to), None),
                _ => Step::Out,
            },
            _ if is_before(offset) => Step::Any,
            GepStep::Const(by) => self.constant(types, offset, by),
            GepStep::Array { stride, count } => self.array(types, offset, stride, count),
            GepStep::Pointer { stride } => self.pointer(types, offset, stride),
        }
    }

    /// A step to these offsets, or to anywhere if one is in the middle of something: bytes of one
    /// scalar are not told apart, so what is added later would be lost.
    fn lands(&self, types: &Types, to: u64, other: Option<u64>) -> Step {
        let whole = |offset: u64| {
            self.ty.is_none_or(|ty| offset.is_multiple_of(4) || self.size == Some(offset) || types.scalar_at(ty, offset).is_some())
        };
        if whole(to) && other.is_none_or(whole) { Step::To(to, other) } else { Step::Any }
    }

    fn constant(&self, types: &Types, offset: u64, by: i64) -> Step {
        let raw = offset.checked_add_signed(by);
        let inner = self.regions.iter().rev().find(|r| r.contains(offset));
        let Some(region) = inner else {
            return match raw {
                Some(to) if self.fits(to) => self.lands(types, self.canonical(to), None),
                None if by >= -FARTHEST => Step::To(offset.wrapping_add_signed(by), None),
                _ => Step::Out,
            };
        };
        let stride = i64::try_from(region.stride).unwrap_or(i64::MAX);
        if by % stride == 0 {
            // A structure that begins with an array begins where its first element does: a step
            // that leaves the array goes to another member.
            return match raw {
                Some(to) if !region.contains(to) && self.fits(to) => Step::To(offset, Some(self.canonical(to))),
                _ => Step::To(offset, None),
            };
        }
        let at = i64::try_from(offset - region.start).unwrap_or(0);
        let inside = at.wrapping_add(by).rem_euclid(stride);
        let inside = self.canonical(region.start + inside.unsigned_abs());
        match raw {
            Some(to) if !region.contains(to) && self.fits(to) => self.lands(types, inside, Some(self.canonical(to))),
            _ => self.lands(types, inside, None),
        }
    }

    fn array(&self, types: &Types, offset: u64, stride: u64, count: Option<u64>) -> Step {
        if stride == 0 || self.in_elements(offset, stride) || self.size.is_some_and(|s| s <= stride) {
            return Step::To(offset, None);
        }
        if let Some(ty) = self.ty {
            return if types_has(types, ty, offset, stride) { Step::To(offset, None) } else { Step::Any };
        }
        // A byte view of something that is known to have bigger parts.
        if self.regions.iter().any(|r| r.contains(offset) && r.stride % stride != 0) {
            return Step::Any;
        }
        let end = count.map_or(u64::MAX, |count| offset.saturating_add(stride.saturating_mul(count)));
        Step::Region(Region { start: offset, end, stride })
    }

    fn pointer(&self, types: &Types, offset: u64, stride: u64) -> Step {
        if self.in_elements(offset, stride) || self.size.is_some_and(|s| s <= stride) {
            return Step::To(offset, None);
        }
        if let Some(ty) = self.ty {
            let one = stride == 0 || types_has(types, ty, offset, stride);
            return if one { Step::To(offset, None) } else { Step::Any };
        }
        if stride <= 8 || self.regions.iter().any(|r| r.contains(offset)) {
            return Step::Any;
        }
        let start = if offset < stride { offset } else { offset % stride };
        Step::Region(Region { start, end: u64::MAX, stride })
    }

    /// Elements that `stride` steps over whole surround `offset`.
    fn in_elements(&self, offset: u64, stride: u64) -> bool {
        self.regions.iter().any(|r| r.contains(offset) && stride.is_multiple_of(r.stride))
    }
}

/// Something of `size` bytes starts at `offset` in a layout.
fn types_has(types: &Types, ty: TypeId, offset: u64, size: u64) -> bool {
    if offset == 0 && types.size(ty) == size {
        return true;
    }
    match types.get(ty) {
        Type::Scalar(_) | Type::Pointer => false,
        Type::Struct(fields, _) => fields
            .iter()
            .rev()
            .find(|(at, field)| *at <= offset && offset < at + types.size(*field).max(1))
            .is_some_and(|(at, field)| types_has(types, *field, offset - at, size)),
        Type::Array(element, stride, _) => *stride != 0 && types_has(types, *element, offset % stride, size),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(regions: &[(u64, u64, u64)]) -> Obj {
        Obj {
            kind: ObjectKind::External,
            instance: 0,
            name: String::new(),
            size: None,
            constant: false,
            shape: None,
            flat: false,
            ty: None,
            regions: regions.iter().map(|(start, end, stride)| Region { start: *start, end: *end, stride: *stride }).collect(),
            locs: FxHashMap::default(),
            offsets: Vec::new(),
            before: 0,
            block: None,
            any_out: None,
            any_in: None,
            copies: Vec::new(),
        }
    }

    #[test]
    fn nested_arrays() {
        let o = object(&[(8, 8 + 320, 32), (16, 24, 1)]);
        assert_eq!(o.canonical(4), 4);
        assert_eq!(o.canonical(8 + 64), 8);
        assert_eq!(o.canonical(8 + 32 + 13), 16);
        assert_eq!(o.canonical(8 + 320), 328);
    }

    #[test]
    fn constant_steps_wrap_inside_an_array() {
        let types = Types::default();
        let o = object(&[(8, 8 + 320, 32)]);
        assert_eq!(o.step(&types, 8, GepStep::Const(-32)), Step::To(8, None));
        assert_eq!(o.step(&types, 8, GepStep::Const(16)), Step::To(24, None));
        assert_eq!(o.step(&types, 8, GepStep::Const(-8)), Step::To(32, Some(0)));
        let before = 0u64.wrapping_sub(8);
        assert_eq!(o.step(&types, 0, GepStep::Const(-8)), Step::To(before, None));
        assert_eq!(o.step(&types, before, GepStep::Const(8)), Step::To(0, None));
        assert_eq!(o.step(&types, before, GepStep::Const(16)), Step::To(8, None));
        assert_eq!(o.step(&types, before, GepStep::Const(-8)), Step::Out);
        assert_eq!(o.step(&types, 328, GepStep::Const(-16)), Step::To(24, None));
    }

    #[test]
    fn a_structure_may_begin_with_an_array() {
        let types = Types::default();
        let o = object(&[(0, 320, 32), (0, 12, 1)]);
        assert_eq!(o.step(&types, 0, GepStep::Const(4)), Step::To(0, None));
        assert_eq!(o.step(&types, 0, GepStep::Const(16)), Step::To(0, Some(16)));
    }

    #[test]
    fn heap_arrays_are_found_by_their_use() {
        let types = Types::default();
        let o = object(&[]);
        let region = Region { start: 8, end: u64::MAX, stride: 72 };
        assert_eq!(o.step(&types, 8, GepStep::Array { stride: 72, count: None }), Step::Region(region));
        assert_eq!(o.step(&types, 0, GepStep::Pointer { stride: 1 }), Step::Any);
    }
}
