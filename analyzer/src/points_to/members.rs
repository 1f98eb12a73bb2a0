//! Where in an object an access to a member of a structure may be: what C's rules on effective types say.
//!
//! An access that clang describes as one to a member ([`crate::model::TypedMember`]) is one to memory in which such a structure
//! may begin so many bytes before. Layouts that are declared are taken leniently: bytes, arrays of numbers, unions and types
//! without a name may hold anything, and a structure may lie wherever there are words where its pointers are.

use super::objects::{Region, is_before};
use super::solver::{Slots, Solver};
use crate::model::TypeId;
use rustc_hash::FxHashMap;
use std::rc::Rc;

/// Where in a layout a member may be, as far as asked for.
pub(super) type Places = FxHashMap<(TypeId, u32), Option<Rc<[u64]>>>;

impl Solver<'_> {
    /// Calls `with` for the places in an object (`None`: an unknown one) that an access through such a location may touch.
    /// Where the layout is declared it says where a member can be.
    pub(super) fn access(&mut self, object: u32, slots: Slots, offset: Option<u64>, with: impl Fn(&mut Self, Option<u64>)) {
        if offset.is_some_and(is_before) {
            return;
        }
        let Some(member) = slots.member else { return with(self, offset) };
        match offset {
            Some(offset) if !self.can_be_at(object, offset, member) => {}
            Some(_) => with(self, offset),
            None => match self.places(object, member) {
                Some(places) => places.iter().for_each(|place| with(self, Some(*place))),
                None => with(self, None),
            },
        }
    }

    /// Whether a member of a structure can be at an offset of an object: there is room for the structure's
    /// beginning, and where the layout is declared, there are words where its pointers are.
    pub(super) fn can_be_at(&self, object: u32, offset: u64, member: u32) -> bool {
        let (o, member) = (&self.objects[object as usize], &self.members[member as usize]);
        if o.flat || o.regions.contains(&Region::WHOLE) {
            return true;
        }
        match offset.checked_sub(member.offset) {
            None => o.regions.iter().any(|r| r.contains(offset)),
            Some(start) => o.ty.is_none_or(|ty| self.types.may_hold(ty, start, member)),
        }
    }

    /// Where in an object of declared layout the member may be; `None`: anywhere.
    pub(super) fn places(&mut self, object: u32, member: u32) -> Option<Rc<[u64]>> {
        let o = &self.objects[object as usize];
        let ty = o.ty.filter(|_| !o.flat && !o.regions.contains(&Region::WHOLE))?;
        let (types, members) = (self.types, self.members);
        self.places.entry((ty, member)).or_insert_with(|| types.places(ty, &members[member as usize]).map(Rc::from)).clone()
    }
}
