//! CRC-32C (Castagnoli) with the CPU's instruction where it has one.
//!
//! The instruction takes three cycles and can start every cycle, so long inputs are cut in three parts that
//! are computed side by side and put together by multiplication with x^(8 * bytes) modulo the polynomial
//! (Gopal et al., "Fast CRC Computation for iSCSI Polynomial Using CRC32 Instruction", Intel, 2011).

use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// The polynomial, bits reversed.
const POLYNOMIAL: u32 = 0x82f6_3b78;
/// Bytes of one of three parts; a multiple of 8.
const PART: usize = 4096;

/// What `PART` zero bytes make of a checksum: one table per byte of it.
static ZEROS: [[u32; 256]; 4] = tables();

/// `a * b` modulo the polynomial, bits reversed (bit 31 is x^0).
const fn multiply(a: u32, mut b: u32) -> u32 {
    let mut product = 0;
    let mut bit = 1u32 << 31;
    while bit != 0 {
        if a & bit != 0 {
            product ^= b;
        }
        b = if b & 1 != 0 { (b >> 1) ^ POLYNOMIAL } else { b >> 1 };
        bit >>= 1;
    }
    product
}

/// x^(8 * `bytes`) modulo the polynomial.
const fn power(bytes: usize) -> u32 {
    let mut result = 1u32 << 31;
    let mut square = 1u32 << 23; // x^8
    let mut n = bytes;
    while n > 0 {
        if n & 1 != 0 {
            result = multiply(result, square);
        }
        square = multiply(square, square);
        n >>= 1;
    }
    result
}

const fn tables() -> [[u32; 256]; 4] {
    let mut tables = [[0; 256]; 4];
    let shift = power(PART);
    let mut k = 0;
    while k < 4 {
        let mut byte = 0;
        while byte < 256 {
            tables[k][byte] = multiply(shift, (byte as u32) << (8 * k));
            byte += 1;
        }
        k += 1;
    }
    tables
}

fn shifted(c: u32) -> u32 {
    let [a, b, d, e] = c.to_le_bytes();
    ZEROS[0][a as usize] ^ ZEROS[1][b as usize] ^ ZEROS[2][d as usize] ^ ZEROS[3][e as usize]
}

/// The checksum of `bytes` after what `seed` is the checksum of (0: nothing).
pub fn crc(seed: u32, bytes: &[u8]) -> u32 {
    if has_instruction() {
        // SAFETY: the CPU has the instruction (SSE 4.2).
        unsafe { hardware(seed, bytes) }
    } else {
        itarget_abi::log::crc32c(seed, bytes)
    }
}

/// Whether the CPU has the instruction (SSE 4.2). Asked once: virtual machines take microseconds to answer.
fn has_instruction() -> bool {
    const UNKNOWN: u8 = 2;
    static KNOWN: AtomicU8 = AtomicU8::new(UNKNOWN);
    match KNOWN.load(Relaxed) {
        UNKNOWN => {
            let has = core::arch::x86_64::__cpuid(1).ecx & (1 << 20) != 0;
            KNOWN.store(u8::from(has), Relaxed);
            has
        }
        known => known == 1,
    }
}

#[target_feature(enable = "sse4.2")]
fn hardware(seed: u32, bytes: &[u8]) -> u32 {
    use core::arch::x86_64::{_mm_crc32_u8, _mm_crc32_u64};
    let word = |w: &[u8]| {
        let mut b = [0; 8];
        b.copy_from_slice(w);
        u64::from_le_bytes(b)
    };
    let mut c = !seed;
    let mut long = bytes.chunks_exact(3 * PART);
    for piece in &mut long {
        let at = piece.as_ptr();
        let (mut x, mut y, mut z) = (u64::from(c), 0u64, 0u64);
        let mut i = 0;
        while i < PART {
            // SAFETY: the piece has three times PART bytes, and PART is a multiple of 8.
            let [p, q, r] = unsafe {
                [0, PART, 2 * PART].map(|part| at.add(part + i).cast::<u64>().read_unaligned())
            };
            x = _mm_crc32_u64(x, p);
            y = _mm_crc32_u64(y, q);
            z = _mm_crc32_u64(z, r);
            i += 8;
        }
        c = shifted(shifted(x as u32) ^ y as u32) ^ z as u32;
    }
    let mut words = long.remainder().chunks_exact(8);
    let mut x = u64::from(c);
    for w in &mut words {
        x = _mm_crc32_u64(x, word(w));
    }
    let mut c = x as u32;
    for &b in words.remainder() {
        c = _mm_crc32_u8(c, b);
    }
    !c
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_plain_definition_says() {
        let bytes: Vec<u8> = (0..3 * 3 * PART + 29).map(|i: usize| (i * i >> 5) as u8).collect();
        for n in [0, 1, 7, 8, 9, 3 * PART - 1, 3 * PART, 3 * PART + 13, bytes.len()] {
            assert_eq!(crc(0, &bytes[..n]), itarget_abi::log::crc32c(0, &bytes[..n]), "{n}");
            assert_eq!(crc(77, &bytes[..n]), itarget_abi::log::crc32c(77, &bytes[..n]), "{n}");
        }
    }
}
