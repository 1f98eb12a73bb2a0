//! `itarget diff`: what two plans do differently.

use super::items::{Amount, Measured, logged, what, what_of};
use super::text::bytes;
use itarget_plan::{Action, Plan, Site};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// The differences of two plans.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// Both are of the same module, so sites are the same by function and ordinal; otherwise they are paired by
    /// function, kind, and order.
    pub same_module: bool,
    /// The kinds of cut.
    pub cuts: (String, String),
    /// Logged items only in the first.
    pub removed: Vec<Entry>,
    /// Logged items only in the second.
    pub added: Vec<Entry>,
    /// Logged items in both that are done differently or cost something else.
    pub changed: Vec<Change>,
    /// Sites that log nothing: only in the first, only in the second, different.
    pub others: (usize, usize, usize),
    /// Lists of functions, globals and the like, by their name in the plan: what left and what came.
    pub lists: BTreeMap<String, (Vec<String>, Vec<String>)>,
    /// Items of each, and what they log.
    pub totals: (Total, Total),
}

/// Sum of a plan.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Total {
    /// Logged items.
    pub items: usize,
    /// What they log.
    pub estimated: Amount,
}

/// A logged item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Function.
    pub function: String,
    /// Ordinal.
    pub ordinal: u32,
    /// `file:line`, empty if not known.
    pub at: String,
    /// What is done.
    pub what: String,
    /// What is logged.
    pub estimated: Amount,
}

/// An item that is in both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Fields of the action that differ.
    pub fields: Vec<String>,
    /// In the first.
    pub from: Entry,
    /// In the second.
    pub to: Entry,
}

impl Diff {
    /// There is none.
    #[must_use]
    pub fn is_same(&self) -> bool {
        let lists = self.removed.is_empty() && self.added.is_empty() && self.changed.is_empty() && self.lists.is_empty();
        lists && self.others == (0, 0, 0) && self.same_module && self.cuts.0 == self.cuts.1
    }
}

impl Entry {
    fn of(site: &Site) -> Entry {
        Entry {
            function: site.function.clone(),
            ordinal: site.ordinal,
            at: site.at.as_ref().map(|l| format!("{}:{}", l.file, l.line)).unwrap_or_default(),
            what: what_of(site),
            estimated: Amount { bytes: site.bytes, events: site.events },
        }
    }
}

/// What pairs the sites of two plans.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a> {
    function: &'a str,
    kind: String,
    number: u32,
}

fn keys<'a>(plan: &'a Plan, same_module: bool) -> BTreeMap<Key<'a>, &'a Site> {
    let mut counts: BTreeMap<(&str, String), u32> = BTreeMap::new();
    let key = |site: &'a Site| {
        if same_module {
            return Key { function: &site.function, kind: String::new(), number: site.ordinal };
        }
        // The callee, or "load": what is before the arrow may change with the cut.
        let text = what(&site.action);
        let kind = text.split([' ', ':']).next().unwrap_or_default().to_owned();
        let count = counts.entry((&site.function, kind.clone())).or_default();
        *count += 1;
        Key { function: &site.function, kind, number: *count }
    };
    let mut key = key;
    plan.sites.iter().map(|s| (key(s), s)).collect()
}

/// Compares two plans. Without `figures`, estimated bytes and events may differ.
#[must_use]
pub fn compare(a: &Plan, b: &Plan, figures: bool) -> Diff {
    let same_module = a.module == b.module;
    let none = Measured::default();
    let total = |plan: &Plan| {
        let sites = logged(plan, &none);
        let sum = sites.iter().map(|s| Entry::of(s).estimated).fold(Amount::default(), Amount::plus);
        Total { items: sites.len(), estimated: sum }
    };
    let mut diff = Diff {
        same_module,
        cuts: (name_of(&a.cut), name_of(&b.cut)),
        totals: (total(a), total(b)),
        lists: lists(a, b),
        ..Diff::default()
    };
    let is_logged = |plan: &Plan| -> BTreeSet<(String, u32)> {
        logged(plan, &none).iter().map(|s| (s.function.clone(), s.ordinal)).collect()
    };
    let (logged_a, logged_b) = (is_logged(a), is_logged(b));
    let counts = |logged: &BTreeSet<(String, u32)>, site: &Site| logged.contains(&(site.function.clone(), site.ordinal));
    let (keys_a, keys_b) = (keys(a, same_module), keys(b, same_module));
    for (key, &site) in &keys_a {
        let here = counts(&logged_a, site);
        match keys_b.get(key) {
            None if here => diff.removed.push(Entry::of(site)),
            None => diff.others.0 += 1,
            Some(&other) => {
                let there = counts(&logged_b, other);
                let (from, to) = (Entry::of(site), Entry::of(other));
                let moved = figures && from.estimated != to.estimated;
                if (&site.action, &site.alone) == (&other.action, &other.alone) && !moved {
                    continue;
                }
                match (here, there) {
                    (true, true) => diff.changed.push(Change { fields: fields(&site.action, &other.action), from, to }),
                    (true, false) => diff.removed.push(from),
                    (false, true) => diff.added.push(to),
                    (false, false) => diff.others.2 += 1,
                }
            }
        }
    }
    for (key, &site) in &keys_b {
        if !keys_a.contains_key(key) {
            if counts(&logged_b, site) { diff.added.push(Entry::of(site)) } else { diff.others.1 += 1 }
        }
    }
    let cost = |e: &Entry| std::cmp::Reverse(e.estimated.cost());
    diff.removed.sort_by(|x, y| (cost(x), &x.function, x.ordinal).cmp(&(cost(y), &y.function, y.ordinal)));
    diff.added.sort_by(|x, y| (cost(x), &x.function, x.ordinal).cmp(&(cost(y), &y.function, y.ordinal)));
    let by = |c: &Change| std::cmp::Reverse(c.from.estimated.cost().abs_diff(c.to.estimated.cost()));
    diff.changed.sort_by(|x, y| (by(x), &x.from.function, x.from.ordinal).cmp(&(by(y), &y.from.function, y.from.ordinal)));
    diff
}

/// The names of the fields in which two actions differ, as a plan has them.
fn fields(a: &Action, b: &Action) -> Vec<String> {
    let (Ok(Value::Object(a)), Ok(Value::Object(b))) = (serde_json::to_value(a), serde_json::to_value(b)) else { return Vec::new() };
    let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    names.into_iter().filter(|n| a.get(*n) != b.get(*n)).cloned().collect()
}

fn name_of(cut: &itarget_plan::CutMode) -> String {
    serde_json::to_value(cut).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Every list of the plan but its sites, as it is written: what is new in plans shows up by itself.
fn lists(a: &Plan, b: &Plan) -> BTreeMap<String, (Vec<String>, Vec<String>)> {
    let (a, b) = (written(a), written(b));
    let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let empty = BTreeSet::new();
    let mut all = BTreeMap::new();
    for name in names {
        let (x, y) = (a.get(name).unwrap_or(&empty), b.get(name).unwrap_or(&empty));
        if x != y {
            all.insert(name.clone(), (x.difference(y).cloned().collect(), y.difference(x).cloned().collect()));
        }
    }
    all
}

fn written(plan: &Plan) -> BTreeMap<String, BTreeSet<String>> {
    let Ok(Value::Object(fields)) = serde_json::to_value(plan) else { return BTreeMap::new() };
    let lists = fields.into_iter().filter(|(name, _)| name != "sites").filter_map(|(name, value)| match value {
        Value::Array(items) => {
            let text = |v: Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
            Some((name, items.into_iter().map(text).collect()))
        }
        _ => None,
    });
    lists.collect()
}

/// What a list of the plan is about, in words.
fn title(list: &str) -> String {
    match list {
        "clones" => "copies of functions".to_owned(),
        "constants" => "constants of the library".to_owned(),
        "environment" => "functions in the environment".to_owned(),
        "environment_globals" => "globals in the environment".to_owned(),
        "mixed" => "heap objects with parts on both sides".to_owned(),
        "targets" => "target".to_owned(),
        "unreached" => "functions that nothing leads to".to_owned(),
        "upcalls" => "functions that the environment may call".to_owned(),
        other => other.replace('_', " "),
    }
}

/// The differences as text: `-` for the first plan, `+` for the second, `~` for both.
#[must_use]
pub fn text(diff: &Diff, names: (&str, &str), limit: usize) -> String {
    let mut out = String::new();
    // Writing to a string can't fail.
    let _ = write(&mut out, diff, names, limit);
    out
}

fn write(out: &mut String, d: &Diff, names: (&str, &str), limit: usize) -> std::fmt::Result {
    if d.is_same() {
        return Ok(());
    }
    for (sign, name, cut, total) in [("---", names.0, &d.cuts.0, d.totals.0), ("+++", names.1, &d.cuts.1, d.totals.1)] {
        writeln!(out, "{sign} {name}: cut {cut}, {} items, {}, {} events", total.items, bytes(total.estimated.bytes), total.estimated.events)?;
    }
    if !d.same_module {
        writeln!(out, "the modules differ: sites are paired by function, kind and order")?;
    }
    for (sign, list) in [("-", &d.removed), ("+", &d.added)] {
        for e in list.iter().take(limit) {
            writeln!(out, "{sign} {} in `{}`: {}  [{}, {} events]", place(e), e.function, e.what, bytes(e.estimated.bytes), e.estimated.events)?;
        }
        more(out, sign, list.len(), limit)?;
    }
    for c in d.changed.iter().take(limit) {
        let (from, to) = (&c.from, &c.to);
        let what = match from.what == to.what {
            false => format!("{} => {}", from.what, to.what),
            true if c.fields.is_empty() => from.what.clone(),
            true => format!("{} (other {})", from.what, c.fields.join(", ")),
        };
        let figures = match from.estimated == to.estimated {
            true => String::new(),
            false => format!(
                "  [{}, {} events => {}, {} events]",
                bytes(from.estimated.bytes),
                from.estimated.events,
                bytes(to.estimated.bytes),
                to.estimated.events
            ),
        };
        writeln!(out, "~ {} in `{}`: {what}{figures}", place(to), to.function)?;
    }
    more(out, "~", d.changed.len(), limit)?;
    let (a, b, c) = d.others;
    if (a, b, c) != (0, 0, 0) {
        writeln!(out, "sites that log nothing: {a} only in the first, {b} only in the second, {c} different")?;
    }
    for (name, (gone, come)) in &d.lists {
        writeln!(out, "{}:", title(name))?;
        for (sign, list) in [("-", gone), ("+", come)] {
            for item in list.iter().take(limit) {
                writeln!(out, "  {sign} {item}")?;
            }
            more(out, &format!("  {sign}"), list.len(), limit)?;
        }
    }
    Ok(())
}

fn place(e: &Entry) -> String {
    if e.at.is_empty() { format!("{}#{}", e.function, e.ordinal) } else { e.at.clone() }
}

fn more(out: &mut String, sign: &str, len: usize, limit: usize) -> std::fmt::Result {
    match len.checked_sub(limit).filter(|n| *n > 0) {
        Some(n) => writeln!(out, "{sign} and {n} more (--all)"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use itarget_plan::{CutMode, FORMAT, How};

    fn site(function: &str, ordinal: u32, how: How, bytes: u64) -> Site {
        Site { function: function.into(), ordinal, at: None, action: Action::Load { how, raced: itarget_plan::Raced::No }, alone: itarget_plan::Alone::Same, bytes, events: 1 }
    }

    fn plan(module: &str, sites: Vec<Site>, upcalls: &[&str]) -> Plan {
        let text = format!("{{\"format\":{FORMAT},\"module\":\"{module}\",\"cut\":\"min\",\"sites\":[]}}");
        let plan = Plan::parse(&text).expect("parses");
        Plan { sites, upcalls: upcalls.iter().map(|u| (*u).to_owned()).collect(), cut: CutMode::Min, ..plan }
    }

    #[test]
    fn a_plan_is_the_same_as_itself() {
        let p = plan("m", vec![site("f", 1, How::Always, 4)], &["g"]);
        assert!(compare(&p, &p, true).is_same());
        assert_eq!(text(&compare(&p, &p, true), ("a", "b"), 10), "");
    }

    #[test]
    fn what_left_came_and_changed_is_told_apart() {
        let a = plan("m", vec![site("f", 1, How::Always, 4), site("f", 2, How::Always, 8)], &["g"]);
        let b = plan("m", vec![site("f", 2, How::Checked, 8), site("g", 1, How::Always, 2)], &["h"]);
        let d = compare(&a, &b, true);
        assert_eq!((d.removed.len(), d.added.len(), d.changed.len()), (1, 1, 1));
        assert_eq!(d.lists["upcalls"], (vec!["g".to_owned()], vec!["h".to_owned()]));
        let text = text(&d, ("a", "b"), 10);
        assert!(text.contains("- f#1 in `f`") && text.contains("+ g#1 in `g`") && text.contains("~ f#2 in `f`"), "{text}");
    }

    #[test]
    fn estimates_count_unless_they_are_left_out() {
        let (a, b) = (plan("m", vec![site("f", 1, How::Always, 4)], &[]), plan("m", vec![site("f", 1, How::Always, 5)], &[]));
        assert_eq!(compare(&a, &b, true).changed.len(), 1);
        assert!(compare(&a, &b, false).is_same());
    }

    #[test]
    fn sites_of_other_modules_are_paired_by_order() {
        let a = plan("m", vec![site("f", 1, How::Always, 4), site("f", 7, How::Always, 4)], &[]);
        let b = plan("n", vec![site("f", 2, How::Always, 4), site("f", 8, How::Always, 4)], &[]);
        let d = compare(&a, &b, true);
        assert!(d.removed.is_empty() && d.added.is_empty() && d.changed.is_empty() && !d.is_same());
    }
}
