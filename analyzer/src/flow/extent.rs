//! Which bytes of an object a cell stands for: in arrays, those of every element.

use crate::points_to::{FieldId, ObjectId, PointsTo};

/// Most byte ranges that one cell may come to in a table of ranges.
const MOST_RANGES: usize = 1024;

/// The arrays around a cell, inner before outer, as `(start, end, stride)`. The one that is the
/// whole object is left out: its elements are told apart by the object's stride.
fn around(points_to: &PointsTo, object: ObjectId, offset: u64) -> Vec<(u64, u64, u64)> {
    let whole = points_to.object(object).stride;
    let contains = |r: &(u64, u64, u64)| r.0 <= offset && offset < r.1 && r.2 > 0;
    let mut arrays: Vec<(u64, u64, u64)> =
        points_to.arrays(object).filter(contains).filter(|r| whole == 0 || r.0 != 0 || r.2 != whole).collect();
    arrays.sort_by_key(|r| (r.2, r.1 - r.0));
    arrays
}

/// The smallest interval of bytes that holds all a cell stands for, within one element of the
/// object if that is an array. The end is `u64::MAX` if not known.
#[must_use]
pub fn stretch(points_to: &PointsTo, cell: FieldId) -> (u64, u64) {
    let field = points_to.field(cell);
    let mut end = field.size.map_or(u64::MAX, |s| field.offset.saturating_add(s));
    for (first, last, stride) in around(points_to, field.object, field.offset) {
        end = match last {
            u64::MAX => u64::MAX,
            _ => end.saturating_add((last - first).div_ceil(stride).saturating_sub(1).saturating_mul(stride)),
        };
    }
    (field.offset, end)
}

/// Bytes a cell stands for, at most `most`, at least 1.
#[must_use]
pub fn bytes(points_to: &PointsTo, cell: FieldId, most: u64) -> u64 {
    let (start, end) = stretch(points_to, cell);
    if points_to.object(points_to.field(cell).object).stride != 0 {
        return most.max(1);
    }
    end.saturating_sub(start).min(most).max(1)
}

/// The byte ranges a cell stands for, ascending and apart; `None` if there are too many.
#[must_use]
pub fn ranges(points_to: &PointsTo, cell: FieldId) -> Option<Vec<(u64, u64)>> {
    let field = points_to.field(cell);
    let mut ranges = vec![(field.offset, field.size.map_or(u64::MAX, |s| field.offset.saturating_add(s)))];
    for (first, last, stride) in around(points_to, field.object, field.offset) {
        ranges = repeat(&ranges, first, last, stride)?;
    }
    Some(ranges)
}

/// The ranges of the first element of an array, in all its elements.
fn repeat(element: &[(u64, u64)], first: u64, last: u64, stride: u64) -> Option<Vec<(u64, u64)>> {
    if let [(start, end)] = element
        && *start == first
        && *end >= first.saturating_add(stride)
    {
        return Some(vec![(first, last)]);
    }
    let count = usize::try_from((last - first).div_ceil(stride)).ok()?;
    if count.checked_mul(element.len())? > MOST_RANGES {
        return None;
    }
    let all = (0..count as u64).flat_map(|i| {
        element.iter().map(move |(start, end)| (start.saturating_add(i * stride), end.saturating_add(i * stride)))
    });
    Some(merged(all.collect()))
}

/// Sorted, with ranges that touch joined.
#[must_use]
pub fn merged(mut ranges: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    ranges.sort_unstable();
    let mut out: Vec<(u64, u64)> = Vec::new();
    for (start, end) in ranges {
        match out.last_mut() {
            Some(before) if start <= before.1 => before.1 = before.1.max(end),
            _ => out.push((start, end)),
        }
    }
    out
}

/// What `others` leave of `ranges`; both as [`merged`] gives them.
#[must_use]
pub fn without(ranges: Vec<(u64, u64)>, others: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let mut out = Vec::new();
    for (mut start, end) in ranges {
        for &(from, to) in others {
            if from >= end || to <= start {
                continue;
            }
            if from > start {
                out.push((start, from));
            }
            start = to;
        }
        if start < end {
            out.push((start, end));
        }
    }
    out
}

/// The outermost array around a cell whose elements a table of ranges can't list.
#[must_use]
pub fn unlisted(points_to: &PointsTo, cell: FieldId) -> Option<(u64, u64, u64)> {
    if ranges(points_to, cell).is_some() {
        return None;
    }
    let field = points_to.field(cell);
    around(points_to, field.object, field.offset).last().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_without_others() {
        assert_eq!(without(vec![(0, 10), (20, u64::MAX)], &[(2, 4), (8, 22), (30, 40)]), [(0, 2), (4, 8), (22, 30), (40, u64::MAX)]);
        assert_eq!(without(vec![(4, 8)], &[(0, 8)]), []);
        assert_eq!(without(vec![(4, 8)], &[]), [(4, 8)]);
    }

    #[test]
    fn elements_that_fill_their_stride_are_one_range() {
        assert_eq!(repeat(&[(16, 17)], 16, 65552, 1), Some(vec![(16, 65552)]));
    }

    #[test]
    fn a_member_of_each_element_is_a_range_each() {
        assert_eq!(repeat(&[(4, 8)], 0, 24, 8), Some(vec![(4, 8), (12, 16), (20, 24)]));
        assert_eq!(repeat(&[(4, 8)], 0, 80_000, 8), None);
        assert_eq!(repeat(&[(4, 8)], 0, u64::MAX, 8), None);
    }

    #[test]
    fn touching_ranges_are_joined() {
        assert_eq!(merged(vec![(8, 12), (0, 4), (4, 6), (11, 13)]), [(0, 6), (8, 13)]);
    }
}
