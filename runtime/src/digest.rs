//! Digests of replay-space memory: one of the globals, one of the heap.

use crate::mem::{self, Global};
use crate::mode::{OPTIONS, RECORD, REPLAY, ctl, mode};
use crate::{log, pool, replay, report, tables};
use core::cell::Cell;

struct Counts {
    checked: Cell<u64>,
    mismatched: Cell<u64>,
}
static COUNTS: Global<Counts> = Global(Counts { checked: Cell::new(0), mismatched: Cell::new(0) });

/// Digests compared, and how many of them differed.
pub fn counts() -> (u64, u64) {
    (COUNTS.checked.get(), COUNTS.mismatched.get())
}

/// One 64-bit step: multiply, fold the high half back.
fn step(h: u64, w: u64) -> u64 {
    let x = (h ^ w).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x ^ (x >> 29)
}

fn hash(mut h: u64, bytes: &[u8]) -> u64 {
    let mut words = bytes.chunks_exact(8);
    for w in &mut words {
        h = step(h, u64::from_le_bytes([w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]]));
    }
    for &b in words.remainder() {
        h = step(h, u64::from(b));
    }
    step(h, bytes.len() as u64)
}

/// Logs or compares the digests, if the option is on.
pub fn take() {
    if !OPTIONS.digest.get() || !matches!(mode(), RECORD | REPLAY) {
        return;
    }
    let table = tables::globals();
    let globals = (0..table.len()).fold(1, |h, i| {
        let [start, len]: [u64; 2] = table.get(i);
        hash(h, mem::slice(start, len as usize))
    });
    let (from, to) = pool::REPLAY.used();
    let heap = hash(2, mem::slice(from, (to - from) as usize));
    for (name, found) in [("globals", globals), ("heap", heap)] {
        if mode() == RECORD {
            log::word(found, 8);
            continue;
        }
        if mode() != REPLAY {
            return;
        }
        let expected = replay::word(8);
        COUNTS.checked.set(COUNTS.checked.get() + 1);
        if expected != found {
            COUNTS.mismatched.set(COUNTS.mismatched.get() + 1);
            report::message(format_args!(
                "IT0623 digest of {name} differs at event {}: expected {expected:#018x}, found {found:#018x}",
                ctl().boundaries.get()
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_counts() {
        let mut a = [5u8; 29];
        let before = hash(1, &a);
        for i in 0..a.len() {
            a[i] ^= 1;
            assert_ne!(hash(1, &a), before);
            a[i] ^= 1;
        }
        assert_ne!(hash(1, &a[..28]), before);
    }
}
