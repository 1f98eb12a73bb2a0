//! Natural loop depth of basic blocks.
//!
//! Dominators by the iterative algorithm of Cooper, Harvey and Kennedy ("A Simple, Fast Dominance
//! Algorithm", 2001); a back edge is one whose target dominates its source. Irreducible cycles
//! count as no loop.

/// The number of natural loops around each block. `successors[b]` are block indices; block 0 is
/// the entry. Unreachable blocks get 0.
#[must_use]
pub fn loop_depths(successors: &[Vec<u32>]) -> Vec<u32> {
    let n = successors.len();
    let mut depth = vec![0; n];
    if n == 0 {
        return depth;
    }
    let order = postorder(successors);
    let preds = predecessors(successors, &order);
    let idom = dominators(&order, &preds);
    let mut in_loop = vec![usize::MAX; n];
    for (stamp, header) in order.iter().rev().enumerate() {
        let latches: Vec<usize> =
            preds[*header].iter().copied().filter(|p| dominates(&idom, *header, *p)).collect();
        if latches.is_empty() {
            continue;
        }
        in_loop[*header] = stamp;
        depth[*header] += 1;
        let mut work = latches;
        while let Some(b) = work.pop() {
            if in_loop[b] == stamp {
                continue;
            }
            in_loop[b] = stamp;
            depth[b] += 1;
            work.extend(preds[b].iter().copied());
        }
    }
    depth
}

/// Which blocks lie on all ways to others.
#[derive(Debug, Clone)]
pub struct Dominators(Vec<usize>);

impl Dominators {
    /// Of a function: `successors[b]` are block indices; block 0 is the entry.
    #[must_use]
    pub fn new<'a>(successors: impl IntoIterator<Item = &'a Vec<u32>>) -> Self {
        let successors: Vec<Vec<u32>> = successors.into_iter().cloned().collect();
        if successors.is_empty() {
            return Dominators(Vec::new());
        }
        let order = postorder(&successors);
        Dominators(dominators(&order, &predecessors(&successors, &order)))
    }

    /// Every way to `b` goes through the other block `a`. False for blocks that no way leads to.
    #[must_use]
    pub fn strictly(&self, a: u32, b: u32) -> bool {
        let (a, b) = (a as usize, b as usize);
        let reached = |block: usize| self.0.get(block).is_some_and(|up| *up != usize::MAX);
        a != b && reached(a) && reached(b) && dominates(&self.0, a, b)
    }
}

fn predecessors(successors: &[Vec<u32>], order: &[usize]) -> Vec<Vec<usize>> {
    let mut preds = vec![Vec::new(); successors.len()];
    for b in order {
        for s in &successors[*b] {
            preds[*s as usize].push(*b);
        }
    }
    preds
}

fn postorder(successors: &[Vec<u32>]) -> Vec<usize> {
    let mut order = Vec::new();
    let mut seen = vec![false; successors.len()];
    let mut stack = vec![(0usize, 0usize)];
    seen[0] = true;
    while let Some((b, next)) = stack.pop() {
        if let Some(s) = successors[b].get(next) {
            stack.push((b, next + 1));
            let s = *s as usize;
            if !seen[s] {
                seen[s] = true;
                stack.push((s, 0));
            }
        } else {
            order.push(b);
        }
    }
    order
}

fn dominators(order: &[usize], preds: &[Vec<usize>]) -> Vec<usize> {
    let mut number = vec![usize::MAX; preds.len()];
    for (i, b) in order.iter().enumerate() {
        number[*b] = i;
    }
    let mut idom = vec![usize::MAX; number.len()];
    idom[0] = 0;
    let mut changed = true;
    while changed {
        changed = false;
        for b in order.iter().rev().copied().filter(|b| *b != 0) {
            let mut new = usize::MAX;
            for p in preds[b].iter().copied().filter(|p| idom[*p] != usize::MAX) {
                new = if new == usize::MAX { p } else { intersect(&idom, &number, p, new) };
            }
            if idom[b] != new {
                idom[b] = new;
                changed = true;
            }
        }
    }
    idom
}

fn intersect(idom: &[usize], number: &[usize], mut a: usize, mut b: usize) -> usize {
    while a != b {
        while number[a] < number[b] {
            a = idom[a];
        }
        while number[b] < number[a] {
            b = idom[b];
        }
    }
    a
}

fn dominates(idom: &[usize], a: usize, mut b: usize) -> bool {
    while b != a && b != 0 {
        b = idom[b];
    }
    b == a
}

#[cfg(test)]
mod tests {
    use super::loop_depths;

    #[test]
    fn nested_loops() {
        // 0 -> 1 -> 2 -> 2, 2 -> 1, 1 -> 3
        let depths = loop_depths(&[vec![1], vec![2, 3], vec![1, 2], vec![]]);
        assert_eq!(depths, [0, 1, 2, 0]);
    }

    #[test]
    fn what_lies_on_all_ways() {
        // 0 -> 1 -> 2 -> 3, 1 -> 3; nothing leads to 4
        let d = super::Dominators::new(&[vec![1], vec![2, 3], vec![3], vec![], vec![3]]);
        assert!(d.strictly(0, 3) && d.strictly(1, 3) && d.strictly(1, 2));
        assert!(!d.strictly(2, 3) && !d.strictly(3, 3) && !d.strictly(4, 3) && !d.strictly(0, 4));
    }

    #[test]
    fn irreducible_and_unreachable() {
        let depths = loop_depths(&[vec![1, 2], vec![2], vec![1], vec![3]]);
        assert_eq!(depths, [0, 0, 0, 0]);
    }
}
