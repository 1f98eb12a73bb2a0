//! Reading ahead: a thread that goes through memory which others filled misses at every step, and every miss costs a scalar and a walk through
//! the slow path. From the third miss in a row on, the bytes ahead are logged with it, raw and ever more of them, and then the view has them.
//!
//! Nothing here looks at memory: how many bytes are ahead follows from the addresses of misses alone, which a replay knows, too.

use itarget_abi::control::PAGE;

/// Places in memory that are gone through at once.
const AT_ONCE: usize = 4;
/// Bytes ahead at a place, by how many misses came before there: what is logged in vain is no more than what was of use.
const AHEAD: [u64; 7] = [0, 0, 8, 16, 32, 64, 128];

/// A place: where its last miss began, and where what is known ends.
#[derive(Clone, Copy)]
struct Scan {
    begin: u64,
    end: u64,
    misses: usize,
}

/// See above.
pub struct Scans {
    all: [Scan; AT_ONCE],
    oldest: usize,
}

impl Scans {
    /// No misses yet.
    pub const NEW: Scans = Scans { all: [Scan { begin: 0, end: 0, misses: 0 }; AT_ONCE], oldest: 0 };

    /// After a miss of `size` bytes at `from`: how many bytes behind it are known as well from now on. They are in the page of its last byte.
    pub fn ahead(&mut self, from: u64, size: u64) -> u64 {
        let end = from + size;
        // One before the end finds memory that was written again, not more of it.
        let Some(scan) = self.all.iter_mut().find(|s| s.begin < from && from <= s.end && s.end < end) else {
            self.all[self.oldest] = Scan { begin: from, end, misses: 0 };
            self.oldest = (self.oldest + 1) % AT_ONCE;
            return 0;
        };
        scan.misses = (scan.misses + 1).min(AHEAD.len() - 1);
        let page = (end - 1 | PAGE as u64 - 1) + 1;
        let n = AHEAD[scan.misses].min(page - end);
        *scan = Scan { begin: from, end: end + n, misses: scan.misses };
        n
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_goes_on_reads_ahead() {
        let mut s = Scans::NEW;
        let mut at = 0x1000;
        let ahead: Vec<u64> = (0..8)
            .map(|_| {
                let n = s.ahead(at, 8);
                at += 8 + n;
                n
            })
            .collect();
        assert_eq!(ahead, [0, 0, 8, 16, 32, 64, 128, 128]);
        // Words that overlap go on as well.
        assert_eq!(s.ahead(at - 3, 8), 128);
    }

    #[test]
    fn not_over_the_edge_of_a_page() {
        let mut s = Scans::NEW;
        let sum: u64 = (0..4).map(|i| s.ahead(0x1fe0 + i * 4, 4)).sum();
        assert!(sum > 0 && s.ahead(0x1ff8, 8) == 0);
    }

    #[test]
    fn memory_that_was_written_again_is_no_more_of_it() {
        let mut s = Scans::NEW;
        for i in 0..6 {
            s.ahead(0x1000 + i * 64, 64);
        }
        assert_eq!([s.ahead(0x1010, 1), s.ahead(0x1020, 1), s.ahead(0x1100, 8)], [0; 3]);
    }
}
