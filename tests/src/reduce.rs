//! Makes a program that fails smaller: leaves out functions and statements as long as it fails.

use crate::generate::Program;

/// The smallest program found for which `fails` holds. `fails` is asked again for each try.
pub fn reduce(program: &Program, mut fails: impl FnMut(&Program) -> bool) -> Program {
    let mut best = program.clone();
    loop {
        let before = size(&best);
        // Statements, many at once first.
        let mut chunk = best.functions.iter().map(|f| f.body.len()).sum::<usize>().max(1);
        while chunk > 0 {
            let mut at = 0;
            while at < best.functions.iter().map(|f| f.body.len()).sum() {
                let smaller = without_statements(&best, at, chunk);
                if fails(&smaller) {
                    best = smaller;
                } else {
                    at += chunk;
                }
            }
            chunk /= 2;
        }
        for i in (0..best.functions.len()).rev().filter(|i| *i + 1 < best.functions.len()).collect::<Vec<_>>() {
            let mut smaller = best.clone();
            smaller.functions.remove(i);
            if fails(&smaller) {
                best = smaller;
            }
        }
        if size(&best) == before {
            return best;
        }
    }
}

fn size(program: &Program) -> usize {
    program.functions.iter().map(|f| f.body.len() + 1).sum()
}

/// The program without `count` statements from number `first` on.
fn without_statements(program: &Program, first: usize, count: usize) -> Program {
    let mut out = program.clone();
    let mut number = 0;
    for f in &mut out.functions {
        f.body.retain(|_| {
            number += 1;
            !(first + 1..=first + count).contains(&number)
        });
    }
    out
}
