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
        let Some(scan) = self.all.iter_mut().find(|s| s.begin < from && from <= s.end) else {
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
