//! What holds before each instruction of a function, whatever way leads there: a forward analysis over its blocks.

use crate::model::Function;

/// Visits each instruction, in order of blocks, with what holds before it. `meet` takes out of the first what does not hold in
/// the second, and says whether there was any; `step` is what an instruction does.
pub(super) fn forward<S: Clone>(
    function: &Function,
    entry: S,
    meet: impl Fn(&mut S, &S) -> bool,
    mut step: impl FnMut(usize, &mut S),
    visit: &mut impl FnMut(usize, &S),
) {
    let mut into: Vec<Option<S>> = vec![None; function.blocks.len()];
    into[0] = Some(entry);
    let mut work = vec![0usize];
    while let Some(block) = work.pop() {
        let Some(mut state) = into[block].clone() else { continue };
        let b = &function.blocks[block];
        (b.first as usize..b.end as usize).for_each(|instr| step(instr, &mut state));
        for &next in &b.successors {
            let changed = match &mut into[next as usize] {
                Some(old) => meet(old, &state),
                none => {
                    *none = Some(state.clone());
                    true
                }
            };
            if changed {
                work.push(next as usize);
            }
        }
    }
    for (block, b) in function.blocks.iter().enumerate() {
        let Some(mut state) = into[block].take() else { continue };
        for instr in b.first as usize..b.end as usize {
            visit(instr, &state);
            step(instr, &mut state);
        }
    }
}
