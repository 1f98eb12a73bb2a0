//! The profile of another build of the program, fitted to this one function by function.
//!
//! A function with the same name and body has the same sites, so what was counted there counts here. Functions
//! that changed, and new ones, get estimates. Heap objects are named by line in a profile: in functions that only
//! moved the lines are corrected. Traffic with an object that can't be found again counts for every object of its site,
//! as it does without a profile: a weight may then be too high, never too low.

use super::weights::Profile;
use super::FlowError;
use crate::model::Module;
use itarget_plan::{Fit, Shape};
use std::collections::BTreeSet;

/// Name of an object that is not known any more; no object has it.
pub const LOST: &str = "?";

/// Fits `profile` to `module`, which was loaded with its shapes. No [`Fit`] for a profile of this very module.
///
/// # Errors
/// [`FlowError::OtherModule`]: the profile does not know its functions' shapes, or none is as it was.
pub fn fit(profile: Profile, module: &Module) -> Result<(Profile, Option<Fit>), FlowError> {
    if profile.module == module.fingerprint {
        return Ok((profile, None));
    }
    let other = |why| FlowError::OtherModule { found: profile.module.clone(), module: module.fingerprint.clone(), why };
    if profile.functions.is_empty() {
        return Err(other("it does not say what its functions look like; run `itarget profile` again"));
    }
    let as_before = |name: &str| module.shapes.get(name).is_some_and(|s| profile.functions.get(name).is_some_and(|p| p.hash == s.hash));
    let same: BTreeSet<String> = module.shapes.keys().filter(|n| as_before(n)).cloned().collect();
    if same.is_empty() {
        return Err(other("none of its functions is in this program as it was; run `itarget profile` again"));
    }
    let (known, unknown): (Vec<&String>, Vec<&String>) =
        module.shapes.keys().filter(|n| !same.contains(*n)).partition(|n| profile.functions.contains_key(*n));
    let mut fit = Fit {
        matched: same.len(),
        changed: known.into_iter().cloned().collect(),
        new: unknown.len(),
        gone: profile.functions.keys().filter(|n| !module.shapes.contains_key(*n)).count(),
        ..Fit::default()
    };
    let mut edges = Vec::new();
    for edge in &profile.edges {
        if !same.contains(super::weights::original(&edge.function)) {
            fit.events_left_out = fit.events_left_out.saturating_add(edge.events);
            continue;
        }
        fit.events = fit.events.saturating_add(edge.events);
        let shapes = |name: &str| same.contains(name).then(|| Some((profile.functions.get(name)?, module.shapes.get(name)?))).flatten();
        let object = object(&edge.object, &shapes, module).unwrap_or_else(|| LOST.to_owned());
        edges.push(super::weights::ProfileEdge { object, ..edge.clone() });
    }
    let module = module.fingerprint.clone();
    Ok((Profile { module, edges, only: Some(same), ..profile }, Some(fit)))
}

/// The name that an object of the profile has in this module, if that can be told.
fn object<'a>(name: &str, shapes: &dyn Fn(&str) -> Option<(&'a Shape, &'a Shape)>, module: &Module) -> Option<String> {
    if name.is_empty() || name == itarget_plan::STACK {
        return Some(name.to_owned());
    }
    // Of several objects with one name, which is which depends on the whole program.
    if name.contains('#') {
        return None;
    }
    let (first, chain) = name.split_once('<').map_or((name, None), |(first, chain)| (first, Some(chain)));
    let moved = |site: &str| {
        let (function, line) = site.rsplit_once(':')?;
        let (before, now) = shapes(function)?;
        if line.starts_with('@') {
            return Some(site.to_owned());
        }
        let line = (line.parse::<u32>().ok()? + now.line).checked_sub(before.line)?;
        Some(format!("{function}:{line}"))
    };
    let mut new = match first.strip_prefix("heap:") {
        Some(site) => format!("heap:{}", moved(site)?),
        None => {
            let known = module.globals.iter().any(|g| g.name == first) || first.contains(':');
            known.then(|| first.to_owned())?
        }
    };
    for site in chain.into_iter().flat_map(|c| c.split('<')) {
        new = format!("{new}<{}", moved(site)?);
    }
    Some(new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::weights::ProfileEdge;
    use std::collections::BTreeMap;

    fn shapes(list: &[(&str, u32, &str)]) -> BTreeMap<String, Shape> {
        list.iter().map(|(name, line, hash)| ((*name).to_owned(), Shape { line: *line, hash: (*hash).to_owned() })).collect()
    }

    fn edge(function: &str, object: &str) -> ProfileEdge {
        ProfileEdge { function: function.into(), ordinal: 0, object: object.into(), read: false, offset: None, step: 0, events: 10, bytes: 10 }
    }

    #[test]
    fn functions_are_matched_by_name_and_body() {
        let module = Module {
            fingerprint: "new".into(),
            shapes: shapes(&[("f", 20, "a"), ("g", 30, "c"), ("h", 40, "d")]),
            ..Module::default()
        };
        let edges = vec![edge("f", "heap:f:12"), edge("f", "heap:f:@3<g:7"), edge("f", ""), edge("f.itarget.2", "gone"), edge("g", ""), edge("i", "")];
        let functions = shapes(&[("f", 10, "a"), ("g", 30, "b"), ("i", 50, "e")]);
        let profile = Profile { format: 3, module: "old".into(), partial: false, edges, functions, only: None };
        let (fitted, fit) = fit(profile.clone(), &module).expect("fits");
        let fit = fit.expect("another module");
        assert_eq!((fit.matched, fit.changed.as_slice(), fit.new, fit.gone), (1, &["g".to_string()][..], 1, 1));
        assert_eq!((fit.events, fit.events_left_out, fitted.module.as_str()), (40, 20, "new"));
        let objects: Vec<&str> = fitted.edges.iter().map(|e| e.object.as_str()).collect();
        assert_eq!(objects, ["heap:f:22", LOST, "", LOST]);
        assert_eq!(
            fit.to_string(),
            "profile of another build: 1 of 3 functions are as they were, with 40 counted events; weights of the other 2 are estimates (changed: `g`); 20 events left out"
        );
        let same = Profile { module: "new".into(), ..profile.clone() };
        assert_eq!(super::fit(same.clone(), &module), Ok((same, None)));
        let refused = |functions| super::fit(Profile { functions, ..profile.clone() }, &module).is_err();
        assert!(refused(BTreeMap::new()) && refused(shapes(&[("f", 10, "z")])));
    }
}
