//! Small sets of numbers below a limit that all sets of one analysis share.

/// A set.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub(super) struct Bits(Box<[u64]>);

impl Bits {
    /// No element, room for `limit`.
    pub(super) fn none(limit: usize) -> Bits {
        Bits(vec![0; limit.div_ceil(64)].into())
    }

    /// Everything below `limit`.
    pub(super) fn all(limit: usize) -> Bits {
        let mut all = Bits::none(limit);
        (0..limit).for_each(|i| all.add(i));
        all
    }

    pub(super) fn add(&mut self, i: usize) {
        self.0[i / 64] |= 1 << (i % 64);
    }

    pub(super) fn has(&self, i: usize) -> bool {
        self.0[i / 64] >> (i % 64) & 1 == 1
    }

    /// Adds all of `other`; true if any is new.
    pub(super) fn join(&mut self, other: &Bits) -> bool {
        let mut new = false;
        for (a, b) in self.0.iter_mut().zip(&*other.0) {
            new |= b & !*a != 0;
            *a |= b;
        }
        new
    }

    /// Keeps what is in `other` too; true if anything went.
    pub(super) fn meet(&mut self, other: &Bits) -> bool {
        let mut gone = false;
        for (a, b) in self.0.iter_mut().zip(&*other.0) {
            gone |= *a & !b != 0;
            *a &= b;
        }
        gone
    }

    /// Takes all of `other` out.
    pub(super) fn subtract(&mut self, other: &Bits) {
        self.0.iter_mut().zip(&*other.0).for_each(|(a, b)| *a &= !b);
    }

    /// Something is in both.
    pub(super) fn meets(&self, other: &Bits) -> bool {
        self.0.iter().zip(&*other.0).any(|(a, b)| a & b != 0)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|a| *a == 0)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.0.len() * 64).filter(|i| self.has(*i))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_more_than_a_word() {
        let mut a = Bits::none(130);
        a.add(3);
        a.add(129);
        let b = Bits::all(130);
        assert!(b.has(129) && a.meets(&b));
        assert!(!a.meet(&b));
        assert_eq!(a.iter().collect::<Vec<_>>(), [3, 129]);
        assert!(a.join(&b) && !a.join(&b));
        a.subtract(&b);
        assert!(a.is_empty());
    }
}
