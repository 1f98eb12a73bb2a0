//! The deterministic heap: three arenas (replay, mixed, environment) and what lies in them.
//!
//! Blocks of the mixed arena start with a 16-byte header (size, object id, offset of the
//! object's start), so that an interior pointer leads to its object.

mod arena;
mod classes;

use crate::mem::{self, Global};
use crate::mode::{self, PROFILE};
use crate::tables;
pub use arena::Arena;
use itarget_abi::hooks::MixedObject;
use itarget_abi::layout::{ARENA_SIZE, ENV_BASE, MIXED_BASE, OBJ_ENV, OBJ_MIXED, OBJ_REPLAY, POOL_BASE, mapped_at_replay};

/// Replay-side heap.
pub static REPLAY: Global<Arena> = Global(Arena::new(POOL_BASE, ARENA_SIZE));
static MIXED: Global<Arena> = Global(Arena::new(MIXED_BASE, ARENA_SIZE));
static ENV: Global<Arena> = Global(Arena::new(ENV_BASE, ARENA_SIZE));

/// Bytes of the header of a mixed block.
const HEADER: u64 = 16;

/// Where an address lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    Replay,
    Mixed,
    Env,
    Elsewhere,
}

/// Arena of an address.
#[inline(always)]
pub fn place(at: u64) -> Place {
    const SHIFT: u32 = ARENA_SIZE.trailing_zeros();
    match at >> SHIFT {
        x if x == POOL_BASE >> SHIFT => Place::Replay,
        x if x == MIXED_BASE >> SHIFT => Place::Mixed,
        x if x == ENV_BASE >> SHIFT => Place::Env,
        _ => Place::Elsewhere,
    }
}

/// Arena for an object id in the current mode.
pub fn place_for(objid: u32) -> Place {
    match objid {
        _ if mode::mode() == PROFILE => Place::Mixed,
        OBJ_REPLAY => Place::Replay,
        OBJ_ENV => Place::Env,
        _ => Place::Mixed,
    }
}

/// Allocates; 0 when there is no memory. `align` is a power of two.
#[inline]
pub fn alloc(objid: u32, size: u64, align: u64, zero: bool) -> u64 {
    if objid == OBJ_REPLAY && align <= 16 && mode::mode() != PROFILE {
        return finish(REPLAY.alloc(size), size, zero);
    }
    alloc_slow(objid, size, align, zero)
}

#[inline(always)]
fn finish(got: Option<(u64, bool)>, size: u64, zero: bool) -> u64 {
    match got {
        None => 0,
        Some((at, fresh)) => {
            if zero && !fresh {
                mem::zero(at, size as usize);
            }
            at
        }
    }
}

fn alloc_slow(objid: u32, size: u64, align: u64, zero: bool) -> u64 {
    let align = align.max(16);
    if size > ARENA_SIZE / 2 || align > ARENA_SIZE / 2 {
        return 0;
    }
    let arena = match place_for(objid) {
        Place::Mixed => {
            let extra = if align > 16 { align } else { HEADER };
            let Some((block, fresh)) = MIXED.alloc(size + extra) else { return 0 };
            let at = (block + HEADER).next_multiple_of(align);
            mem::store(block, size);
            mem::store(block + 8, objid);
            mem::store(block + 12, (at - block) as u32);
            return finish(Some((at, fresh)), size, zero);
        }
        Place::Env => &ENV,
        _ => &REPLAY,
    };
    let got = if align <= 16 {
        arena.alloc(size)
    } else if let Some(c) = classes::aligned_class(size, align) {
        arena.alloc_class(c)
    } else {
        arena.alloc_large(size, (align >> classes::UNIT_SHIFT).max(1))
    };
    finish(got, size, zero)
}

/// Frees a block of ours; false when `at` is not in our arenas.
#[inline]
pub fn free(at: u64) -> bool {
    match place(at) {
        Place::Replay => REPLAY.free(at),
        Place::Env => ENV.free(at),
        Place::Mixed => {
            if let Some(b) = MIXED.block_of(at) {
                mem::store(b.start + 8, 0u32);
                MIXED.free(b.start);
            }
        }
        Place::Elsewhere => return false,
    }
    true
}

/// Bytes the program may use at `at`; `None` when it is not a block of ours.
pub fn usable(at: u64) -> Option<u64> {
    let rest = |a: &Arena| a.block_of(at).map(|b| b.start + b.bytes - at);
    match place(at) {
        Place::Replay => rest(&REPLAY),
        Place::Env => rest(&ENV),
        Place::Mixed => MIXED.block_of(at).map(|b| mem::load::<u64>(b.start)),
        Place::Elsewhere => None,
    }
}

/// True when a block can stay where it is for its new size (and little would be wasted).
pub fn fits_in_place(at: u64, size: u64) -> bool {
    match place(at) {
        Place::Replay | Place::Env => usable(at).is_some_and(|u| size <= u && (size > u / 2 || u <= 64)),
        Place::Mixed => MIXED.block_of(at).is_some_and(|b| {
            let room = b.start + b.bytes - at;
            let stays = size <= room && size > room / 2;
            if stays {
                mem::store(b.start, size);
            }
            stays
        }),
        Place::Elsewhere => false,
    }
}

/// A heap object with an id of its own.
#[derive(Clone, Copy)]
pub struct Object {
    pub start: u64,
    pub id: u32,
}

/// Object of the mixed arena that `at` points into.
pub fn object_of(at: u64) -> Option<Object> {
    let b = MIXED.block_of(at)?;
    let start = b.start + u64::from(mem::load::<u32>(b.start + 12));
    Some(Object { start, id: mem::load(b.start + 8) })
}

/// Side of a range of memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// Has its value at replay without our help.
    Replay,
    /// Environment that the program's own later reads log.
    Env,
    /// Both, or not known: log it.
    Both,
}

/// Side of `[at, at + len)`. Below the bound everything is replay space.
pub fn side(at: u64, len: u64) -> Side {
    match place(at) {
        Place::Mixed => mixed_side(at, len),
        Place::Env => Side::Env,
        _ if mapped_at_replay(at) => Side::Replay,
        _ => Side::Env,
    }
}

fn mixed_side(at: u64, len: u64) -> Side {
    let Some(o) = object_of(at) else { return Side::Both };
    if o.id < OBJ_MIXED || at < o.start {
        return Side::Both;
    }
    let index = u64::from(o.id - OBJ_MIXED);
    let table = tables::mixed();
    let (mut low, mut high) = (0, table.len());
    while low < high {
        let mid = (low + high) / 2;
        if table.get::<MixedObject>(mid).object < index { low = mid + 1 } else { high = mid }
    }
    classify(at - o.start, len, (low..table.len()).map(|i| table.get::<MixedObject>(i)).take_while(|r| r.object == index))
}

/// Side of `len` bytes at `offset` of an object with these environment-side ranges.
fn classify(offset: u64, len: u64, ranges: impl Iterator<Item = MixedObject>) -> Side {
    let mut touched = false;
    for r in ranges {
        let from = if r.stride != 0 { offset % r.stride } else { offset };
        let Some(to) = from.checked_add(len) else { return Side::Both };
        if r.stride != 0 && to > r.stride {
            return Side::Both;
        }
        if r.start <= from && to <= r.end {
            return Side::Env;
        }
        touched |= from < r.end && r.start < to;
    }
    if touched { Side::Both } else { Side::Replay }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_of_mixed_objects() {
        let r = |start, end, stride| MixedObject { object: 0, start, end, stride };
        let plain = [r(8, 16, 0), r(32, u64::MAX, 0)];
        let of = |o, l| classify(o, l, plain.into_iter());
        assert_eq!(of(0, 8), Side::Replay);
        assert_eq!(of(8, 8), Side::Env);
        assert_eq!(of(4, 8), Side::Both);
        assert_eq!(of(1000, 8), Side::Env);
        assert_eq!(of(0, 100), Side::Both);
        let array = |o, l| classify(o, l, [r(8, 16, 24)].into_iter());
        assert_eq!(array(24 * 5 + 8, 8), Side::Env);
        assert_eq!(array(24 * 5, 8), Side::Replay);
        assert_eq!(array(24 * 5 + 16, 16), Side::Both);
    }

    #[test]
    fn places() {
        assert_eq!(place(POOL_BASE), Place::Replay);
        assert_eq!(place(MIXED_BASE + ARENA_SIZE - 1), Place::Mixed);
        assert_eq!(place(ENV_BASE), Place::Env);
        assert_eq!(place(ENV_BASE + ARENA_SIZE), Place::Elsewhere);
    }
}
