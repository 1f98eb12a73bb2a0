//! Arithmetic of size classes: pure, and the same at record and replay.

/// Number of small classes.
pub const CLASSES: usize = 88;
/// Largest size of a small class (bytes).
pub const SMALL_MAX: u64 = 64 << 10;
/// log2 of the granularity of spans.
pub const UNIT_SHIFT: u32 = 16;

/// Class of a size up to [`SMALL_MAX`]: 16-byte steps to 1 KiB, then four per doubling.
#[inline(always)]
pub const fn class_of(size: u64) -> usize {
    if size <= 1024 {
        (size.saturating_sub(1) / 16) as usize
    } else {
        let s = size - 1;
        let lg = 63 - s.leading_zeros() as u64;
        (64 + (lg - 10) * 4 + ((s >> (lg - 2)) & 3)) as usize
    }
}

/// Bytes of a block of class `c`.
pub const fn class_size(c: usize) -> u64 {
    if c < 64 {
        (c as u64 + 1) * 16
    } else {
        let (lg, k) = (10 + (c as u64 - 64) / 4, (c as u64 - 64) % 4);
        (1 << lg) + ((k + 1) << (lg - 2))
    }
}

/// Units of a span of class `c`: 64 KiB to 1 MiB.
pub const fn span_units(c: usize) -> u64 {
    let bytes = class_size(c) * 16;
    if class_size(c) <= 1024 { 1 } else { bytes.div_ceil(1 << UNIT_SHIFT) }
}

/// Class whose blocks are all aligned to `align` (a power of two up to [`SMALL_MAX`]) and hold
/// `size` bytes.
pub const fn aligned_class(size: u64, align: u64) -> Option<usize> {
    let wanted = if size > align { size } else { align };
    if wanted > SMALL_MAX {
        return None;
    }
    let mut c = class_of(wanted);
    while c < CLASSES {
        if class_size(c).is_multiple_of(align) {
            return Some(c);
        }
        c += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_fits_its_class_and_not_the_one_before() {
        for size in 0..=SMALL_MAX {
            let c = class_of(size);
            assert!(c < CLASSES && class_size(c) >= size, "{size}");
            assert!(c == 0 || class_size(c - 1) < size, "{size}");
        }
        assert_eq!(class_size(CLASSES - 1), SMALL_MAX);
        assert!((0..CLASSES).all(|c| class_size(c).is_multiple_of(16) && span_units(c) <= 16));
    }

    #[test]
    fn aligned_classes() {
        for lg in 4..=16 {
            for size in [0, 1, 100, 5000, 65536] {
                let Some(c) = aligned_class(size, 1 << lg) else { panic!("{size} {lg}") };
                assert!(class_size(c).is_multiple_of(1 << lg) && class_size(c) >= size);
            }
        }
        assert_eq!(aligned_class(65537, 16), None);
    }
}
