//! Memory copies: by field between the objects of source and destination, while these are few.

use super::ObjectKind;
use super::memory::new_object;
use super::objects::{Loc, is_before};
use super::solver::{NONE, Node, Solver};

/// Pairs of locations of one memory copy that are told apart.
const MAX_PAIRS: usize = 256;
/// Places from which on it is not told apart which memory copy copies out of (or into) them.
const CROWD: usize = 1024;
/// Longest memory copy from or to an unknown place whose other end is told apart by member, in bytes.
const MAX_WITHIN: u64 = 256;
/// Bytes of a pointer.
const WORD: u64 = 8;

impl Solver<'_> {
    pub(super) fn copy_with(&mut self, id: u32, loc: Loc, is_source: bool) {
        let copy = self.memcopies[id as usize];
        let (object, offset, _) = self.locs[loc as usize];
        if self.is_closed(object) || self.is_code(object) || offset.is_some_and(is_before) || !is_source && self.is_constant(object) {
            return;
        }
        let (src, dst) = (self.find(copy.src), self.find(copy.dst));
        let crowded = |solver: &Self, node: Node| solver.pts[node as usize].len_without(&solver.code) > CROWD;
        if let Some((first, last)) = copy.between {
            let node = if is_source { src } else { dst };
            let common = self.buffers.get(&(NONE, copy.len, is_source)).copied();
            let own = if is_source { first } else { last };
            if common == Some(own) || !crowded(self, node) {
                let (from, to) = if is_source { (loc, first) } else { (last, loc) };
                self.copy_pair(from, to, copy.len);
                return;
            }
            // By now it is copied out of (or into) almost everything: with what others copy so.
            let common = self.buffer(NONE, copy.len, is_source);
            let (first, last) = if is_source { (common, last) } else { (first, common) };
            self.copy_pair(first, last, copy.len);
            self.memcopies[id as usize].between = Some((first, last));
            for one in self.pts[node as usize].clone().iter() {
                self.copy_with(id, one, is_source);
            }
            return;
        }
        let (sources, targets) = (self.pts[src as usize].clone(), self.pts[dst as usize].clone());
        if sources.len() * targets.len() > MAX_PAIRS {
            let node = |solver: &Self, node: Node| if crowded(solver, node) { NONE } else { node };
            let (first, last) = (self.buffer(node(self, src), copy.len, true), self.buffer(node(self, dst), copy.len, false));
            self.copy_pair(first, last, copy.len);
            self.memcopies[id as usize].between = Some((first, last));
            for one in sources.iter() {
                self.copy_with(id, one, true);
            }
            for one in targets.iter() {
                self.copy_with(id, one, false);
            }
            return;
        }
        let others = if is_source { targets } else { sources };
        for other in others.iter() {
            let (from, to) = if is_source { (loc, other) } else { (other, loc) };
            self.copy_pair(from, to, copy.len);
        }
    }

    /// The place that stands for what is copied out of (or into) all that a node (`NONE`: any crowded one) leads to: an object that nothing else leads to.
    fn buffer(&mut self, node: Node, len: Option<u64>, is_source: bool) -> Loc {
        if let Some(known) = self.buffers.get(&(node, len, is_source)) {
            return *known;
        }
        let mut object = new_object(ObjectKind::Copy, 0, format!("copied:{}", self.buffers.len()));
        object.size = len;
        let object = self.object(object);
        let place = self.loc(object, 0);
        self.buffers.insert((node, len, is_source), place);
        place
    }

    /// Nobody copies what only a structure's own accesses look into.
    fn is_closed(&self, object: u32) -> bool {
        self.objects[object as usize].shape.as_ref().is_some_and(|shape| !shape.bytes)
    }

    pub(super) fn copy_pair(&mut self, from: Loc, to: Loc, len: Option<u64>) {
        if !self.copied.insert((from, to, len)) {
            return;
        }
        let (source, at, _) = self.locs[from as usize];
        let (target, into, _) = self.locs[to as usize];
        if self.is_closed(source) || self.is_closed(target) || self.is_code(source) || self.is_constant(target) {
            return;
        }
        if at.is_some_and(is_before) || into.is_some_and(is_before) {
            return;
        }
        let (Some(at), Some(into)) = (at, into) else {
            // So many bytes from or to an unknown place: what may be there has one end at least.
            let from = at.and_then(|at| self.pointers_within(source, at, len));
            let to = into.and_then(|into| self.pointers_within(target, into, len));
            let from = from.unwrap_or_else(|| vec![self.any_out(source)]);
            let to = to.unwrap_or_else(|| vec![self.any_in(target)]);
            for (from, to) in from.into_iter().flat_map(|from| to.iter().map(move |to| (from, *to))) {
                self.flow(from, to);
            }
            return;
        };
        if len.is_some_and(|len| !self.has_room(source, at, len) || !self.has_room(target, into, len)) {
            return;
        }
        let bounds = [self.bytes_at(source, at), self.bytes_at(target, into)];
        let len = len.or_else(|| bounds.into_iter().flatten().min());
        // Too short for a pointer.
        if len.is_some_and(|len| len < WORD) {
            return;
        }
        let copy = (at, len, target, into);
        // What is one field needs no look at others, nor at new ones.
        let single = |o: &super::objects::Obj| o.ty.is_some() && !o.flat && o.regions.iter().all(|r| !r.contains(at));
        if len == Some(WORD) && single(&self.objects[source as usize]) {
            self.contents(source, at);
            self.copy_field(source, at, copy);
            return;
        }
        self.objects[source as usize].copies.push(copy);
        if self.objects[source as usize].any_in.is_some() {
            let from = self.any_in(source);
            let to = self.pointers_within(target, into, len).unwrap_or_else(|| vec![self.any_in(target)]);
            to.into_iter().for_each(|to| self.flow(from, to));
        }
        let mut i = 0;
        while i < self.objects[source as usize].offsets.len() {
            let offset = self.objects[source as usize].offsets[i];
            self.copy_field(source, offset, copy);
            i += 1;
        }
    }

    /// The contents of all places in so many bytes of an object of declared layout where a pointer may begin. `None`: too many, or not known.
    pub(super) fn pointers_within(&mut self, object: u32, at: u64, len: Option<u64>) -> Option<Vec<Node>> {
        let o = &self.objects[object as usize];
        let (ty, len) = (o.ty.filter(|_| self.typed && !o.flat)?, len.filter(|len| *len <= MAX_WITHIN)?);
        if o.regions.iter().any(|r| r.start < at.saturating_add(len) && at < r.end) {
            return None;
        }
        let places: Vec<u64> = (at..at.saturating_add(len)).filter(|place| self.types.may_have_pointer(ty, *place)).collect();
        (places.len() as u64 <= len / WORD).then(|| places.into_iter().map(|place| self.contents(object, place)).collect())
    }

    /// Whether so many bytes may be copied to or from there: they are in the object, and do not begin in the middle of a number or pointer.
    fn has_room(&self, object: u32, at: u64, len: u64) -> bool {
        let o = &self.objects[object as usize];
        let inside = o.ty.filter(|_| self.typed && !o.flat).is_some_and(|ty| self.types.lone_scalar(ty, at).is_some_and(|(inside, _)| inside > 0));
        !inside && o.size.is_none_or(|size| size == 0 || at.saturating_add(len) <= size)
    }

    /// Length of the array of bytes that an offset is in, or of the number or pointer that begins there, if it is a member of an object
    /// of declared layout: what copies an unknown number of bytes to or from there does not leave it, as C says.
    fn bytes_at(&self, object: u32, offset: u64) -> Option<u64> {
        let o = &self.objects[object as usize];
        let ty = o.ty?;
        match o.regions.iter().find(|r| r.stride == 1 && r.contains(offset)) {
            Some(region) => (region.start > 0 || o.size.is_some_and(|size| region.end < size)).then(|| region.end - region.start),
            None => self.types.lone_scalar(ty, offset).map(|(_, rest)| rest),
        }
    }

    /// Applies a copy to one field of its source.
    pub(super) fn copy_field(&mut self, source: u32, offset: u64, (at, len, target, into): (u64, Option<u64>, u32, u64)) {
        let end = len.map_or(u64::MAX, |len| at.saturating_add(len));
        if offset >= end {
            return;
        }
        let no_pointer = |object: u32, at: u64| {
            let ty = self.objects[object as usize].ty.filter(|_| self.typed);
            ty.is_some_and(|ty| !self.types.may_have_pointer(ty, at))
        };
        if no_pointer(source, offset) {
            return;
        }
        let o = &self.objects[source as usize];
        // Members of the arrays the field is in: the first at or after the start of the copy, and how far it is to the last before its end.
        let mut first = offset;
        let mut arrays = Vec::new();
        for r in o.regions.iter().filter(|r| r.contains(offset)) {
            if first < at {
                first += (at - first).div_ceil(r.stride) * r.stride;
            }
            let end = end.min(r.end);
            if first < r.end && first + r.stride < end {
                arrays.push((r.stride, (end - 1 - first) / r.stride * r.stride));
            }
        }
        if first < at || first >= end {
            return;
        }
        let contents = self.locs[o.locs[&offset] as usize].2;
        let to = into + (first - at);
        let t = &self.objects[target as usize];
        if t.size.is_some_and(|size| to > size) {
            return;
        }
        let one = t.canonical(to);
        let is_one = |(stride, last): &(u64, u64)| {
            let both = |r: &super::objects::Region| r.contains(one) && r.contains(one.saturating_add(*last));
            t.flat || t.canonical(to.saturating_add(*last)) == one && t.regions.iter().any(|r| stride.is_multiple_of(r.stride) && both(r))
        };
        let spread = !arrays.iter().all(is_one);
        // What is one field of the source (bytes) may be many of the target: that none of them begins with a pointer says nothing of the others.
        if (!spread || len == Some(WORD)) && no_pointer(target, one) {
            return;
        }
        if spread && len != Some(WORD) && let Some(places) = self.pointers_within(target, into, len) {
            places.into_iter().for_each(|place| self.flow(contents, place));
            return;
        }
        let node = if spread { self.any_in(target) } else { self.contents(target, one) };
        self.flow(contents, node);
        // One word: a pointer may become a number so, and a number a pointer.
        if self.typed && len == Some(WORD) {
            self.edge(contents, node + 1);
            self.edge(contents + 1, node);
        }
    }
}
