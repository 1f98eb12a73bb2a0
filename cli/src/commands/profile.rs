//! `itarget profile`: counts how often and how much data crosses each candidate edge of the cut.

use super::{Outcome, run};
use crate::cc::settings::Settings;
use crate::config::Config;
use crate::errors::Error;
use crate::measure::{self, Subject};
use crate::program::Program;
use crate::targeting::Targeting;
use crate::trace::dir::Ended;
use itarget_abi::{env, hooks::COUNT_READ, layout};
use itarget_plan::{PROFILE_FORMAT, STACK, Shape};
use object::{Object, ObjectSection, ObjectSymbol};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

/// Run a program with counters; `itarget relink --profile` uses the counts.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where to write the profile.
    #[arg(short, long, value_name = "FILE", default_value = "itarget-profile.json")]
    output: PathBuf,
    #[command(flatten)]
    targeting: Targeting,
    /// The program and its arguments.
    #[arg(required = true, trailing_var_arg = true, value_name = "PROGRAM ARGS")]
    program: Vec<String>,
}

/// The profile, as the analyzer reads it.
#[derive(Debug, Serialize, PartialEq, Eq)]
struct Profile {
    format: u32,
    module: String,
    partial: bool,
    functions: BTreeMap<String, Shape>,
    edges: Vec<Edge>,
}

#[derive(Debug, Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    function: String,
    ordinal: u32,
    object: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    read: bool,
    offset: Option<u64>,
    #[serde(skip_serializing_if = "is_zero")]
    step: u64,
    events: u64,
    bytes: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// Runs the command; its exit status is the program's.
///
/// # Errors
/// IT05xx, IT02xx, IT0609.
pub fn run(args: Args) -> Outcome {
    let program = run::find(&args.program[0])?;
    let config = Config::here()?;
    let counters = counters(&program, &measure::annotations(&program, &config, &[])?, args.targeting.of(&config, Some(&program)))?;
    let mut command = Command::new(&counters.path);
    {
        use std::os::unix::process::CommandExt;
        command.arg0(&args.program[0]);
    }
    command.args(&args.program[1..]);
    let (status, profile) = counted(&mut command, &counters)?;
    std::fs::write(&args.output, text(&profile)).map_err(|e| Error::new("IT0609", format!("{}: {e}", args.output.display())))?;
    Ok(run::end_like(status))
}

/// The program linked with counters.
fn counters(program: &Program, annotations: &[String], targets: Vec<String>) -> Result<Program, Error> {
    let settings =
        Settings { cut: Some("profile".into()), annotations: annotations.to_vec(), targets, ..Settings::default() };
    Program::open(&measure::variant(program, &settings)?)
}

/// What a run with counters saw.
pub struct Counted {
    /// The profile, as the analyzer reads it.
    pub text: String,
    /// Events counted.
    pub events: u64,
    /// Bytes counted.
    pub bytes: u64,
    /// Sites with events.
    pub sites: usize,
    /// How the program ended.
    pub end: Ended,
}

/// Runs a program with counters.
///
/// # Errors
/// IT05xx, IT02xx.
pub fn count(program: &Program, subject: &Subject, annotations: &[String], targets: &[String]) -> Result<Counted, Error> {
    let counters = counters(program, annotations, targets.to_vec())?;
    let (status, profile) = counted(&mut subject.command(&counters.path)?, &counters)?;
    let mut sites: Vec<_> = profile.edges.iter().map(|e| (&e.function, e.ordinal)).collect();
    sites.dedup();
    Ok(Counted {
        text: text(&profile),
        events: profile.edges.iter().fold(0, |n, e| n.saturating_add(e.events)),
        bytes: profile.edges.iter().fold(0, |n, e| n.saturating_add(e.bytes)),
        sites: sites.len(),
        end: run::ended(status),
    })
}

/// Runs the command, whose program counts.
fn counted(command: &mut Command, counters: &Program) -> Result<(ExitStatus, Profile), Error> {
    let work = crate::cc::run::Directory::temporary()?;
    let status = run::wait(command.env(env::MODE, "profile").env(env::TRACE, &work.0))?;
    let mut table = std::fs::read_to_string(work.0.join("profile.tsv")).map_err(|e| {
        Error::new("IT0507", format!("the program left no counts: {e}")).hint("it must end by exit or by returning from main")
    })?;
    table.extend(children(&work.0));
    Ok((status, convert(&table, counters, &globals(counters))?))
}

/// Tables of child processes; one that was killed, or still runs, has none that is whole.
fn children(work: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(work).into_iter().flatten().flatten().map(|e| e.path());
    let mut paths: Vec<PathBuf> = entries.filter(|p| p.file_name().is_some_and(|n| n != "profile.tsv")).collect();
    paths.sort();
    let tables = paths.iter().filter_map(|p| std::fs::read_to_string(p).ok());
    tables.filter(|t| t.lines().last().is_some_and(|l| l.starts_with("lost\t"))).collect()
}

fn text(profile: &Profile) -> String {
    serde_json::to_string_pretty(profile).unwrap_or_default() + "\n"
}

/// Function, ordinal, object, offset, step.
type Key = (String, u32, String, bool, Option<u64>, u64);

/// Counts by site and object, from the runtime's table.
fn convert(table: &str, program: &Program, globals: &[String]) -> Result<Profile, Error> {
    let plan = program.plan()?;
    let malformed = || Error::new("IT0507", "the counts are malformed");
    let mut sums: BTreeMap<Key, (u64, u64)> = BTreeMap::new();
    let mut lost = None;
    for line in table.lines() {
        if let Some(n) = line.strip_prefix("lost\t") {
            lost = n.parse::<u64>().ok().map(|n| n.saturating_add(lost.unwrap_or(0)));
            continue;
        }
        let mut fields = line.split('\t');
        let mut next = || fields.next().ok_or_else(malformed);
        let number = |t: &str| t.parse::<u64>().map_err(|_| malformed());
        let site = number(next()?)?;
        let object = next()?;
        let (events, bytes) = (number(next()?)?, number(next()?)?);
        let read = site & u64::from(COUNT_READ) != 0;
        let site = usize::try_from(site & !(u64::from(COUNT_READ))).ok().and_then(|i| plan.sites.get(i)).ok_or_else(malformed)?;
        let (kind, rest) = object.split_once(':').ok_or_else(malformed)?;
        let (index, offset) = rest.split_once('+').ok_or_else(malformed)?;
        let (offset, step) = offset.split_once('/').ok_or_else(malformed)?;
        let (index, offset, step) = (number(index)? as usize, number(offset)?, number(step)?);
        let name = match kind {
            "heap" => index.checked_sub(layout::OBJ_MIXED as usize).and_then(|i| plan.mixed.get(i)).map(|m| m.name.clone()),
            "global" => globals.get(index).cloned(),
            "stack" => Some(STACK.to_owned()),
            _ => None,
        }
        .unwrap_or_default();
        let offset = Some(offset).filter(|o| !name.is_empty() && name != STACK && *o != u64::from(u32::MAX));
        let step = if offset.is_some() { step } else { 0 };
        let sum = sums.entry((site.function.clone(), site.ordinal, name, read, offset, step)).or_default();
        sum.0 += events;
        sum.1 += bytes;
    }
    let edges = sums
        .into_iter()
        .map(|((function, ordinal, object, read, offset, step), (events, bytes))| Edge { function, ordinal, object, read, offset, step, events, bytes })
        .collect();
    match lost {
        None => return Err(malformed()),
        Some(0) => {}
        Some(n) => anstream::eprintln!("itarget: note: {n} events are missing from the profile: too many sites and objects"),
    }
    Ok(Profile { format: PROFILE_FORMAT, module: plan.module.clone(), partial: plan.partial, functions: plan.shapes.clone(), edges })
}

/// Names of the globals in the order of the table `__itarget_all_globals`, by their addresses in
/// the symbol table; empty where there is none.
pub fn globals(program: &Program) -> Vec<String> {
    read_globals(program.bytes()).unwrap_or_default()
}

fn read_globals(bytes: &[u8]) -> Option<Vec<String>> {
    let file = object::File::parse(bytes).ok()?;
    let mut names: BTreeMap<u64, String> = BTreeMap::new();
    let mut table = None;
    for s in file.symbols().filter(|s| s.is_definition()) {
        let name = s.name().unwrap_or_default();
        if name == itarget_abi::hooks::tables::ALL_GLOBALS {
            table = Some(s.address());
        }
        if s.kind() == object::SymbolKind::Data {
            let old = names.entry(s.address()).or_insert_with(|| name.to_string());
            // Aliases: the same name in every build.
            if name < old.as_str() {
                *old = name.to_string();
            }
        }
    }
    let table = table?;
    let section = file.sections().find(|s| s.address() <= table && table - s.address() < s.size())?;
    let data = section.data().ok()?;
    let word = |at: u64| {
        let at = usize::try_from(at).ok()?;
        Some(u64::from_le_bytes(data.get(at..at + 8)?.try_into().ok()?))
    };
    let base = table - section.address();
    let count = word(base)?;
    (0..count).map(|i| Some(names.get(&word(base + 8 + 16 * i)?).cloned().unwrap_or_default())).collect()
}
