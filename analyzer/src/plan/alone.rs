//! What is done at a site as long as the process is alone: what the cut without races and unknown calls says.

use super::{Draft, Guards};
use itarget_plan::{Action, Alone};
use std::collections::BTreeMap;

/// Adds to the drafts of the cut what those of the cut of a process that is alone say, by function and ordinal.
pub(super) fn merge(drafts: &mut [BTreeMap<u32, Draft>], alone: Vec<BTreeMap<u32, Draft>>) {
    for (drafts, mut alone) in drafts.iter_mut().zip(alone) {
        for (ordinal, draft) in drafts.iter_mut() {
            draft.alone = match (alone.remove(ordinal), &draft.action) {
                // What these do later does before, too.
                (_, Action::Atomic { .. } | Action::Alloc { .. } | Action::Replace { .. }) => Alone::Same,
                (Some(other), action) if other.action == *action || told_the_same(&other.action, action) => Alone::Same,
                (Some(other), _) => Alone::Other(Box::new(other.action)),
                (None, _) => Alone::Nothing,
            };
        }
        drafts.extend(alone);
    }
}

/// Loads that only differ in how what they read is put into the stream.
fn told_the_same(alone: &Action, later: &Action) -> bool {
    matches!((alone, later), (Action::Load { how: a, .. }, Action::Load { how: b, .. }) if a == b)
}

/// Marks the guards that a process does not need that is alone.
pub(super) fn merge_guards(guards: &mut Guards, alone: &Guards) {
    for (at, guard) in guards {
        guard.later = alone.get(at).is_none_or(|other| other.operands.is_empty());
    }
}
