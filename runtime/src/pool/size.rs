//! Size classes: pure arithmetic. 16-byte steps to 1 KiB, then four per doubling to 16 KiB.

/// Largest small block, bytes.
pub const SMALL: u64 = 16 << 10;
/// Number of size classes.
pub const CLASSES: usize = 64 + 16;

/// Class of a request of 1 to [`SMALL`] bytes.
#[inline(always)]
pub fn class_of(n: u64) -> usize {
    if n <= 1024 {
        (n.max(1) as usize - 1) >> 4
    } else {
        // 1025..=16384: the top three bits of n - 1 give doubling and quarter.
        let m = n - 1;
        let top = 63 - m.leading_zeros() as usize; // 10..=13
        64 + (top - 10) * 4 + (((m >> (top - 2)) & 3) as usize)
    }
}

/// Bytes of a block of the class.
#[inline(always)]
pub fn size_of_class(c: usize) -> u64 {
    if c < 64 {
        (c as u64 + 1) << 4
    } else {
        let k = c - 64;
        let base = 1024u64 << (k / 4);
        base + (base / 4) * (k as u64 % 4 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_fits_its_class_and_not_the_one_below() {
        for n in 1..=SMALL {
            let c = class_of(n);
            assert!(c < CLASSES, "{n}");
            assert!(size_of_class(c) >= n, "{n} in {c}");
            assert!(c == 0 || size_of_class(c - 1) < n, "{n} in {c}");
        }
        assert_eq!(size_of_class(CLASSES - 1), SMALL);
    }
}
