//! One arena: spans of size classes and large spans, all at addresses that depend only on the
//! order of calls. Metadata lies outside, so nothing the program does can spoil it.

use super::classes::{CLASSES, SMALL_MAX, UNIT_SHIFT, class_of, class_size, span_units};
use crate::{mem, sys};
use core::cell::Cell;

const UNIT: u64 = 1 << UNIT_SHIFT;
/// The arena grows by this many bytes.
const STEP: u64 = 64 << 20;
/// A freed large block from this size on gives its pages back.
const GIVE_BACK: u64 = 32 << 20;
/// Free ranges remembered; more are lost (their addresses are not used again).
const RANGES: u64 = 1 << 20;
/// `Entry::meta` class of a large span.
const LARGE: u32 = 255;

/// Metadata of a unit: class + 1 in the low byte (0: free), above it the distance to the first
/// unit of the span.
#[derive(Clone, Copy)]
#[repr(C)]
struct Entry {
    meta: u32,
    /// First unit of a large span: its units.
    units: u32,
}

#[derive(Clone, Copy)]
#[repr(C)]
struct Range {
    unit: u32,
    count: u32,
    /// Not 0: may hold other bytes than zeros.
    dirty: u32,
}

/// A block as found by [`Arena::block_of`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    pub start: u64,
    pub bytes: u64,
}

/// See the module comment.
pub struct Arena {
    base: u64,
    size: u64,
    free: [Cell<u64>; CLASSES],
    bump: [Cell<u64>; CLASSES],
    bump_end: [Cell<u64>; CLASSES],
    /// The span at `bump` was used before.
    bump_dirty: [Cell<bool>; CLASSES],
    table: Cell<u64>,
    ranges: Cell<u64>,
    range_count: Cell<u64>,
    /// Units in use or free below the top.
    top: Cell<u64>,
    mapped: Cell<u64>,
}

impl Arena {
    /// An empty arena at `base`; nothing is mapped yet.
    pub const fn new(base: u64, size: u64) -> Self {
        Arena {
            base,
            size,
            free: [const { Cell::new(0) }; CLASSES],
            bump: [const { Cell::new(0) }; CLASSES],
            bump_end: [const { Cell::new(0) }; CLASSES],
            bump_dirty: [const { Cell::new(false) }; CLASSES],
            table: Cell::new(0),
            ranges: Cell::new(0),
            range_count: Cell::new(0),
            top: Cell::new(0),
            mapped: Cell::new(0),
        }
    }

    /// A block of at least `size` bytes, and whether it is known to be all zeros.
    #[inline(always)]
    pub fn alloc(&self, size: u64) -> Option<(u64, bool)> {
        if size <= SMALL_MAX { self.alloc_class(class_of(size)) } else { self.alloc_large(size, 1) }
    }

    /// A block of class `c`.
    #[inline(always)]
    pub fn alloc_class(&self, c: usize) -> Option<(u64, bool)> {
        let head = self.free[c].get();
        if head != 0 {
            self.free[c].set(mem::load(head));
            return Some((head, false));
        }
        self.alloc_fresh(c)
    }

    #[cold]
    fn alloc_fresh(&self, c: usize) -> Option<(u64, bool)> {
        let bytes = class_size(c);
        if self.bump[c].get() + bytes > self.bump_end[c].get() {
            let (unit, dirty) = self.units(span_units(c), 1)?;
            self.set(unit, span_units(c), c as u32 + 1);
            let at = self.base + unit * UNIT;
            self.bump[c].set(at);
            self.bump_end[c].set(at + span_units(c) * UNIT);
            self.bump_dirty[c].set(dirty);
        }
        let at = self.bump[c].get();
        self.bump[c].set(at + bytes);
        Some((at, !self.bump_dirty[c].get()))
    }

    /// A span of its own; `align_units` is a power of two.
    #[cold]
    pub fn alloc_large(&self, size: u64, align_units: u64) -> Option<(u64, bool)> {
        if size > self.size / 2 {
            return None;
        }
        let n = size.div_ceil(UNIT).max(1);
        let (unit, dirty) = self.units(n, align_units)?;
        self.set(unit, n, LARGE);
        Some((self.base + unit * UNIT, !dirty))
    }

    fn entry(&self, unit: u64) -> u64 {
        self.table.get() + unit * size_of::<Entry>() as u64
    }

    fn set(&self, unit: u64, n: u64, class: u32) {
        for i in 0..n {
            mem::store(self.entry(unit + i), Entry { meta: class | (i as u32) << 8, units: n as u32 });
        }
    }

    fn range(&self, i: u64) -> Range {
        mem::load(self.ranges.get() + i * size_of::<Range>() as u64)
    }

    fn set_range(&self, i: u64, r: Range) {
        mem::store(self.ranges.get() + i * size_of::<Range>() as u64, r);
    }

    fn move_ranges(&self, from: u64, to: u64) {
        let row = size_of::<Range>() as u64;
        let n = (self.range_count.get() - from) * row;
        mem::copy(self.ranges.get() + to * row, self.ranges.get() + from * row, n as usize);
        self.range_count.set(self.range_count.get() + to - from);
    }

    /// `n` units in a row, and whether they are dirty: best fit, lowest address among equals.
    fn units(&self, n: u64, align: u64) -> Option<(u64, bool)> {
        if align > 1 {
            let extra = n + align - 1;
            let (unit, dirty) = self.units(extra, 1)?;
            // Bases are multiples of the arena size, so unit numbers and addresses align alike.
            let at = unit.next_multiple_of(align);
            self.give(unit, at - unit, dirty);
            self.give(at + n, unit + extra - at - n, dirty);
            return Some((at, dirty));
        }
        let mut best: Option<(u64, Range)> = None;
        for i in 0..self.range_count.get() {
            let r = self.range(i);
            if u64::from(r.count) >= n && best.is_none_or(|(_, b)| r.count < b.count) {
                best = Some((i, r));
            }
        }
        if let Some((i, r)) = best {
            if u64::from(r.count) == n {
                self.move_ranges(i + 1, i);
            } else {
                self.set_range(i, Range { unit: r.unit + n as u32, count: r.count - n as u32, ..r });
            }
            return Some((u64::from(r.unit), r.dirty != 0));
        }
        let unit = self.top.get();
        let end = (unit + n) * UNIT;
        if end > self.size {
            return None;
        }
        if self.table.get() == 0 {
            self.table.set(sys::anonymous(self.size / UNIT * size_of::<Entry>() as u64).ok()?);
            self.ranges.set(sys::anonymous((RANGES + 1) * size_of::<Range>() as u64).ok()?);
        }
        if end > self.mapped.get() {
            let to = end.next_multiple_of(STEP);
            sys::anonymous_at(self.base + self.mapped.get(), to - self.mapped.get()).ok()?;
            self.mapped.set(to);
        }
        self.top.set(unit + n);
        Some((unit, false))
    }

    /// Puts a range of units back, joined with its neighbours.
    fn give(&self, unit: u64, n: u64, dirty: bool) {
        if n == 0 {
            return;
        }
        self.set(unit, n, 0);
        let count = self.range_count.get();
        let (mut low, mut high) = (0, count);
        while low < high {
            let mid = (low + high) / 2;
            if u64::from(self.range(mid).unit) < unit { low = mid + 1 } else { high = mid }
        }
        let at = low;
        let mut new = Range { unit: unit as u32, count: n as u32, dirty: u32::from(dirty) };
        let next = (at < count).then(|| self.range(at)).filter(|r| u64::from(r.unit) == unit + n);
        if let Some(r) = next {
            new.count += r.count;
            new.dirty |= r.dirty;
        }
        let before = (at > 0).then(|| self.range(at - 1)).filter(|r| u64::from(r.unit + r.count) == unit);
        if let Some(r) = before {
            new = Range { unit: r.unit, count: r.count + new.count, dirty: r.dirty | new.dirty };
        }
        match (before.is_some(), next.is_some()) {
            (true, true) => {
                self.set_range(at - 1, new);
                self.move_ranges(at + 1, at);
            }
            (true, false) => self.set_range(at - 1, new),
            (false, true) => self.set_range(at, new),
            (false, false) if count < RANGES => {
                self.move_ranges(at, at + 1);
                self.set_range(at, new);
            }
            (false, false) => {}
        }
    }

    /// The block an address lies in, also when it points inside.
    pub fn block_of(&self, at: u64) -> Option<Block> {
        let unit = at.checked_sub(self.base)? >> UNIT_SHIFT;
        if unit >= self.top.get() {
            return None;
        }
        let e: Entry = mem::load(self.entry(unit));
        let start = self.base + (unit - u64::from(e.meta >> 8)) * UNIT;
        match e.meta & 0xff {
            0 => None,
            LARGE => Some(Block { start, bytes: u64::from(e.units) * UNIT }),
            c => {
                let bytes = class_size(c as usize - 1);
                Some(Block { start: start + (at - start) / bytes * bytes, bytes })
            }
        }
    }

    /// Frees the block that starts at `at` (as given out). Other addresses are ignored.
    #[inline(always)]
    pub fn free(&self, at: u64) {
        let unit = (at - self.base) >> UNIT_SHIFT;
        if unit >= self.top.get() {
            return;
        }
        let e: Entry = mem::load(self.entry(unit));
        let class = e.meta & 0xff;
        if class.wrapping_sub(1) < CLASSES as u32 {
            let list = &self.free[class as usize - 1];
            mem::store(at, list.get());
            list.set(at);
        } else if class == LARGE && e.meta >> 8 == 0 {
            self.free_large(unit, u64::from(e.units));
        }
    }

    #[cold]
    fn free_large(&self, unit: u64, n: u64) {
        let clean = n * UNIT >= GIVE_BACK && sys::forget(self.base + unit * UNIT, n * UNIT);
        self.give(unit, n, !clean);
    }

    /// First address and one past the last that was ever given out.
    pub fn used(&self) -> (u64, u64) {
        (self.base, self.base + self.top.get() * UNIT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(seed: &mut u64) -> u64 {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *seed >> 33
    }

    /// Random work; returns the addresses given out, checks that live blocks never overlap.
    fn work(base: u64) -> Vec<u64> {
        let a = Arena::new(base, 1 << 34);
        let (mut live, mut given, mut seed) = (std::collections::BTreeMap::new(), vec![], 7);
        for i in 0..20_000u64 {
            if live.len() > 200 || (i % 3 == 2 && !live.is_empty()) {
                let k = (next(&mut seed) as usize) % live.len();
                let (&at, &size): (&u64, &u64) = live.iter().nth(k).expect("live");
                assert_eq!(mem::load::<u64>(at), at ^ size, "overwritten");
                live.remove(&at);
                a.free(at);
                continue;
            }
            let size = 8 + match next(&mut seed) % 10 {
                0 => next(&mut seed) % 300_000,
                1..=3 => next(&mut seed) % 20_000,
                _ => next(&mut seed) % 500,
            };
            let (at, zero) = a.alloc(size).expect("memory");
            assert!(!zero || mem::load::<u64>(at) == 0);
            let before = live.range(..=at).next_back().map_or(0, |(b, s)| b + s);
            let after = live.range(at..).next().map_or(u64::MAX, |(b, _)| *b);
            assert!(before <= at && at + size <= after && at % 16 == 0);
            let block = a.block_of(at + size - 1).expect("block");
            assert!(block.start == at && block.bytes >= size);
            mem::store(at, at ^ size);
            live.insert(at, size);
            given.push(at - base);
        }
        given
    }

    #[test]
    fn blocks_do_not_overlap_and_addresses_repeat() {
        assert_eq!(work(0x1500_0000_0000), work(0x1600_0000_0000));
    }

    #[test]
    fn large_spans_are_joined_and_used_again() {
        let a = Arena::new(0x1700_0000_0000, 1 << 34);
        let x = a.alloc(1 << 20).expect("x").0;
        let y = a.alloc(1 << 20).expect("y").0;
        let z = a.alloc(1 << 20).expect("z").0;
        a.free(x);
        a.free(y);
        assert_eq!(a.alloc(2 << 20).expect("joined").0, x);
        a.free(z);
        let (w, _) = a.alloc_large(1 << 20, 64).expect("aligned");
        assert_eq!(w % (64 << UNIT_SHIFT), 0);
        assert!(a.alloc(1 << 40).is_none());
    }
}
