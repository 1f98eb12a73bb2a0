//! Sparse bitmaps: sorted blocks of 64 elements. Elements of one object are numbered together, and
//! the first of a block stands for all of its object: a block that has it holds nothing else.
//! Objects without fields share blocks, whose first is never used.

/// Elements per block.
pub(super) const BLOCK: u32 = 64;

/// Bits of a block without those that its first one stands for.
fn reduced(bits: u64) -> u64 {
    if bits & 1 != 0 { 1 } else { bits }
}

/// The bits of `other` that are not in `bits`.
fn beyond(bits: u64, other: u64) -> u64 {
    if bits & 1 != 0 { 0 } else { reduced(other) & !bits }
}

/// A set of locations, each of which is the element 0 of its block or stood for by it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Set {
    keys: Vec<u32>,
    bits: Vec<u64>,
}

impl Set {
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Adds an element; true if it is new.
    pub(super) fn insert(&mut self, element: u32) -> bool {
        let (key, bit) = (element >> 6, 1u64 << (element & 63));
        match self.keys.binary_search(&key) {
            Ok(at) => {
                let new = beyond(self.bits[at], bit) != 0;
                self.bits[at] = reduced(self.bits[at] | bit);
                new
            }
            Err(at) => {
                self.keys.insert(at, key);
                self.bits.insert(at, bit);
                true
            }
        }
    }

    /// The elements of `other` that are not in `self`.
    pub(super) fn missing(&self, other: &Set) -> Set {
        let mut found = Set::default();
        self.missing_into(other, &mut found);
        found
    }

    /// As [`Set::missing`], into a set whose room is used again.
    pub(super) fn missing_into(&self, other: &Set, found: &mut Set) {
        found.keys.clear();
        found.bits.clear();
        let mut at = 0;
        for (key, bits) in other.keys.iter().zip(&other.bits) {
            at = self.seek(at, *key);
            let have = if at < self.keys.len() && self.keys[at] == *key { self.bits[at] } else { 0 };
            let new = beyond(have, *bits);
            if new != 0 {
                found.keys.push(*key);
                found.bits.push(new);
            }
        }
    }

    /// The first place from `at` on whose key is not less; near ones are found fast.
    fn seek(&self, mut at: usize, key: u32) -> usize {
        let mut step = 1;
        let mut end = at;
        while end < self.keys.len() && self.keys[end] < key {
            at = end + 1;
            end += step;
            step *= 2;
        }
        at + self.keys[at..end.min(self.keys.len())].partition_point(|k| *k < key)
    }

    /// Adds all elements of `other`.
    pub(super) fn extend(&mut self, other: &Set) {
        if other.is_empty() {
            return;
        }
        if self.is_empty() {
            self.clone_from(other);
            return;
        }
        if self.keys.last() < other.keys.first() {
            self.keys.extend_from_slice(&other.keys);
            self.bits.extend_from_slice(&other.bits);
            return;
        }
        let mut at = 0;
        let mut new = 0;
        for key in &other.keys {
            at = self.seek(at, *key);
            new += usize::from(self.keys.get(at) != Some(key));
        }
        if new == 0 {
            let mut at = 0;
            for (key, bits) in other.keys.iter().zip(&other.bits) {
                at = self.seek(at, *key);
                self.bits[at] = reduced(self.bits[at] | bits);
            }
            return;
        }
        // Merge from the back, in place.
        let (mut i, mut j) = (self.keys.len(), other.keys.len());
        let mut k = i + new;
        self.keys.resize(k, 0);
        self.bits.resize(k, 0);
        while j > 0 {
            k -= 1;
            let key = other.keys[j - 1];
            if i > 0 && self.keys[i - 1] >= key {
                let same = self.keys[i - 1] == key;
                self.keys[k] = self.keys[i - 1];
                self.bits[k] = reduced(self.bits[i - 1] | if same { other.bits[j - 1] } else { 0 });
                i -= 1;
                j -= usize::from(same);
            } else {
                self.keys[k] = key;
                self.bits[k] = other.bits[j - 1];
                j -= 1;
            }
        }
    }

    /// Of each block the bits that are wanted, by its first element and all its bits.
    pub(super) fn masked(&self, mut wanted: impl FnMut(u32, u64) -> u64) -> Set {
        let mut some = Set::default();
        for (key, bits) in self.keys.iter().zip(&self.bits) {
            let bits = wanted(*key * BLOCK, *bits);
            if bits != 0 {
                some.keys.push(*key);
                some.bits.push(bits);
            }
        }
        some
    }

    /// Number of blocks.
    pub(super) fn block_count(&self) -> usize {
        self.keys.len()
    }

    /// The blocks: first element, and how many are in the set (many, if the first is).
    pub(super) fn blocks(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        let places = |bits: &u64| if bits & 1 != 0 { BLOCK } else { bits.count_ones() };
        self.keys.iter().zip(&self.bits).map(move |(key, bits)| (key * BLOCK, places(bits)))
    }

    /// Number of elements.
    pub(super) fn len(&self) -> usize {
        self.bits.iter().map(|b| b.count_ones() as usize).sum()
    }

    /// Number of elements without those in `others`, by block: 64 bits each.
    pub(super) fn len_without(&self, others: &[u64]) -> usize {
        let rest = |(key, bits): (&u32, &u64)| (bits & !others.get(*key as usize).unwrap_or(&0)).count_ones() as usize;
        self.keys.iter().zip(&self.bits).map(rest).sum()
    }

    /// The elements, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.keys.iter().zip(&self.bits).flat_map(|(key, bits)| {
            let mut rest = *bits;
            std::iter::from_fn(move || {
                if rest == 0 {
                    return None;
                }
                let bit = rest.trailing_zeros();
                rest &= rest - 1;
                Some((key << 6) | bit)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Set;
    use std::collections::BTreeSet;

    fn plain(set: BTreeSet<u32>) -> BTreeSet<u32> {
        set.iter().copied().filter(|e| e % 64 == 0 || !set.contains(&(e / 64 * 64))).collect()
    }

    #[test]
    fn like_an_ordered_set() {
        let mut seed = 7u32;
        let mut next = move || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 12) % 2000
        };
        for round in 0..200 {
            let (mut a, mut b) = (Set::default(), Set::default());
            let (mut x, mut y) = (BTreeSet::new(), BTreeSet::new());
            for _ in 0..round {
                let (p, q) = (next(), next());
                assert_eq!(a.insert(p), !x.contains(&(p / 64 * 64)) && x.insert(p));
                b.insert(q);
                y.insert(q);
                (x, y) = (plain(x), plain(y));
            }
            let missing: Vec<u32> = y.iter().copied().filter(|e| !x.contains(e) && !x.contains(&(e / 64 * 64))).collect();
            assert_eq!(a.missing(&b).iter().collect::<Vec<_>>(), missing);
            a.extend(&b);
            x.extend(&y);
            x = plain(x);
            assert_eq!(a.iter().collect::<Vec<_>>(), x.iter().copied().collect::<Vec<_>>());
            assert_eq!(a.len(), x.len());
        }
    }
}
