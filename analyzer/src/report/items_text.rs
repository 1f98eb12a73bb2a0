//! Explanations as text for a terminal.

use super::items::{Amount, Explanation, Item};
use super::suggest::{Advice, Suggestion, sentence};
use super::text::bytes;
use super::what::Answer;
use super::why::Step;
use std::fmt::Write as _;

/// Most lines about origins.
const ORIGINS: usize = 8;

/// An explanation.
#[must_use]
pub fn explanation(e: &Explanation) -> String {
    let mut out = String::new();
    // Writing to a string can't fail.
    let _ = write_explanation(&mut out, e);
    out
}

fn write_explanation(out: &mut String, e: &Explanation) -> std::fmt::Result {
    let total = e.items.len() + e.more;
    if total == 0 {
        return writeln!(out, "nothing is logged");
    }
    writeln!(out, "{total} items of the interface, about {} in {} events per run", bytes(e.estimated.bytes), e.estimated.events)?;
    if let Some(m) = e.measured {
        let besides = e.measured_besides.unwrap_or(0);
        let order = e.measured_order.filter(|n| *n > 0).map_or(String::new(), |n| format!(", {} of the order of threads", bytes(n)));
        writeln!(out, "measured: {} in {} events, and {} of start and runtime{order}", bytes(m.bytes), m.events, bytes(besides))?;
    }
    if e.origins.len() > 1 {
        writeln!(out, "because of")?;
        for o in e.origins.iter().take(ORIGINS) {
            let sum = o.measured.map_or_else(|| amount(o.estimated), |m| format!("measured {}", amount(m)));
            writeln!(out, "   {:<44} {sum} ({} item{})", o.name, o.items, if o.items == 1 { "" } else { "s" })?;
        }
        if let Some(more) = e.origins.len().checked_sub(ORIGINS).filter(|n| *n > 0) {
            writeln!(out, "   and {more} others")?;
        }
    }
    for (number, item) in e.items.iter().enumerate() {
        writeln!(out)?;
        write_item(out, &format!("{}. ", number + 1), item, &e.cheaper)?;
    }
    if e.more > 0 {
        writeln!(out, "\nand {} more (--all)", e.more)?;
    }
    let worth: Vec<&Suggestion> = e.cheaper.iter().filter(|s| s.saves != Some(0)).collect();
    if !worth.is_empty() {
        writeln!(out, "\nWhat would make it cheaper:")?;
        for s in worth {
            writeln!(out, "* {}", sentence(s))?;
            if let Some(stanza) = &s.stanza {
                for line in stanza.lines() {
                    writeln!(out, "    {line}")?;
                }
            }
        }
    }
    Ok(())
}

/// One item, as `itarget explain` shows it.
///
/// # Errors
/// Those of `out`.
pub fn write_item(out: &mut String, lead: &str, item: &Item, cheaper: &[Suggestion]) -> std::fmt::Result {
    let at = if item.at.is_empty() { format!("{}#{}", item.function, item.ordinal) } else { item.at.clone() };
    let copy = if item.copy.is_some() { " (in a copy of it)" } else { "" };
    writeln!(out, "{lead}{at} in `{}`{copy}: {}", item.function, item.what)?;
    let measured = item.measured.map_or(String::new(), |m| format!("; measured {}", amount(m)));
    let data = if item.data.is_empty() { String::new() } else { format!("{}; ", item.data) };
    writeln!(out, "   data  {data}estimated {}{measured}", amount(item.estimated))?;
    write_path(out, &item.path, "   path  ")?;
    if item.others > 0 {
        writeln!(out, "         and {} other place{} of memory", item.others, if item.others == 1 { "" } else { "s" })?;
    }
    if !item.reason.is_empty() {
        writeln!(out, "   why   {}", item.reason)?;
    }
    for &index in &item.cheaper {
        if let Some(s) = cheaper.get(index) {
            let what = match s.advice {
                Advice::Annotate => format!("annotate `{}`", s.function),
                Advice::Correct => format!("correct the annotation of `{}`", s.function),
                Advice::Memory => format!("say more of the memory that `{}` returns", s.function),
                Advice::Exclude => format!("leave `{}` out of the target", s.function),
                Advice::Allocator => format!("tell apart what `{}` allocates", s.function),
            };
            let saves = match s.saves {
                Some(0) => " (saves nothing by itself)".to_owned(),
                Some(n) => format!(" (saves about {})", bytes(n)),
                None => String::new(),
            };
            writeln!(out, "   less  {what}{saves}")?;
        }
    }
    Ok(())
}

/// The stations one below the other, with a line where the log stands.
///
/// # Errors
/// Those of `out`.
pub fn write_path(out: &mut String, path: &[Step], lead: &str) -> std::fmt::Result {
    let blank = " ".repeat(lead.len());
    let mut environment = None;
    for (i, step) in path.iter().enumerate() {
        let lead = if i == 0 { lead } else { &blank };
        let arrow = match (i, environment) {
            (0, _) => "",
            (_, Some(true)) if !step.environment => "=LOG=> ",
            _ => "-> ",
        };
        let at = if step.at.is_empty() || step.name.contains(&step.at) { String::new() } else { format!(" ({})", step.at) };
        let load = step.bytes.filter(|_| i > 0).map_or(String::new(), |b| format!(" [{}]", bytes(b)));
        writeln!(out, "{lead}{arrow}{}{at}{load}", step.name)?;
        environment = Some(step.environment);
    }
    Ok(())
}

fn amount(a: Amount) -> String {
    format!("{}, {} event{}", bytes(a.bytes), a.events, if a.events == 1 { "" } else { "s" })
}

/// Answers to `--what`.
#[must_use]
pub fn answers(answers: &[Answer], cheaper: &[Suggestion]) -> String {
    let mut out = String::new();
    // Writing to a string can't fail.
    let _ = write_answers(&mut out, answers, cheaper);
    out
}

fn write_answers(out: &mut String, answers: &[Answer], cheaper: &[Suggestion]) -> std::fmt::Result {
    for (i, answer) in answers.iter().enumerate() {
        if i > 0 {
            writeln!(out)?;
        }
        writeln!(out, "{}", answer.title)?;
        for line in &answer.says {
            writeln!(out, "  {line}")?;
        }
        if !answer.path.is_empty() {
            write_path(out, &answer.path, "  path  ")?;
        }
        for item in &answer.items {
            writeln!(out)?;
            write_item(out, "", item, cheaper)?;
        }
        if answer.more > 0 {
            writeln!(out, "\nand {} more (--all)", answer.more)?;
        }
    }
    Ok(())
}
