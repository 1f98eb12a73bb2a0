//! Pointers as they stand in the stream when nothing like them was seen at their site: as the distance to one seen anywhere, of a few
//! that are remembered, one for each part of the address space in use. Recording and replay remember the same, since both see all
//! of a thread's scalars.

use crate::layout::{ENV_BASE, MIXED_BASE, POOL_BASE, STACK_BASE, STACK_MAX};
use crate::log::{unzigzag, zigzag};

/// Bits that say which of those remembered is meant.
const BITS: u32 = 3;
const COUNT: usize = 1 << BITS;
/// The first ones stand for the arenas and the main stack, and stay there.
const FIXED: usize = 4;
/// What is closer than this is in the same part of the address space. So close that libraries and the kernel's stack, which are wherever the
/// run put them, count as one part in few runs: the length of a log should not depend on that.
const PART: u64 = 1 << 31;
/// How far apart mappings lie depends on where the run put them: a distance that takes more bytes than this (so that it leads to another mapping)
/// takes [`FAR`] bytes.
const CLOSE: u32 = 3;
/// Bytes of any distance within a part.
const FAR: u32 = 5;
/// What is less is no pointer, or one into the program itself, which is short.
const LEAST: u64 = 1 << 32;

/// Pointers seen last.
pub struct Near {
    seen: [u64; COUNT],
    next: u8,
}

impl Near {
    /// Nothing seen yet.
    pub const NEW: Near = Near { seen: [STACK_BASE + STACK_MAX, POOL_BASE, MIXED_BASE, ENV_BASE, 0, 0, 0, 0], next: FIXED as u8 };

    /// The pointer as a number and the bytes of a variable-length integer that it is to take, if these are less than `bytes`.
    #[must_use]
    pub fn encode(&self, value: u64, bytes: u32) -> Option<(u64, u32)> {
        let i = self.part(value)?;
        let distance = zigzag(value.wrapping_sub(self.seen[i]) as i64);
        let code = distance << BITS | i as u64;
        let needed = length(code);
        let taken = if i >= FIXED && needed > CLOSE { FAR } else { needed };
        (taken < bytes).then_some((code, taken))
    }

    /// The pointer of such a number.
    #[must_use]
    pub fn decode(&self, code: u64) -> u64 {
        self.seen[code as usize % COUNT].wrapping_add(unzigzag(code >> BITS) as u64)
    }

    /// A scalar was seen.
    pub fn note(&mut self, value: u64) {
        if value < LEAST {
            return;
        }
        let i = self.part(value).unwrap_or_else(|| {
            let i = usize::from(self.next);
            self.next = if i + 1 == COUNT { FIXED as u8 } else { i as u8 + 1 };
            i
        });
        self.seen[i] = value;
    }

    fn part(&self, value: u64) -> Option<usize> {
        (0..COUNT).find(|i| value >= LEAST && self.seen[*i].abs_diff(value) < PART)
    }
}

/// Bytes of a variable-length integer.
#[must_use]
pub const fn length(v: u64) -> u32 {
    (70 - (v | 1).leading_zeros()) / 7
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths() {
        for (v, n) in [(0, 1), (127, 1), (128, 2), (1 << 14, 3), (u64::MAX, 10)] {
            assert_eq!(length(v), n, "{v}");
        }
    }

    #[test]
    fn what_was_encoded_is_decoded() {
        let (mut record, mut replay) = (Near::NEW, Near::NEW);
        let values = [POOL_BASE + 64, 7, STACK_BASE + STACK_MAX - 400, 0x7fff_1234_5678, 0x7fff_1234_5000, u64::MAX, POOL_BASE + 640, 0, u64::MAX - 9];
        let mut short = 0;
        for v in values {
            if let Some((code, taken)) = record.encode(v, 6) {
                assert_eq!(replay.decode(code), v);
                assert!(length(code) <= taken && taken < 6);
                short += 1;
            }
            record.note(v);
            replay.note(v);
        }
        assert_eq!(short, 5);
    }
}
