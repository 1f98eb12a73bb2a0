//! `itarget profile`: counts how often and how much data crosses each candidate edge of the cut.

use super::{Outcome, relink, run};
use crate::cc::settings::Settings;
use crate::errors::Error;
use crate::program::Program;
use crate::trace::dir;
use itarget_abi::{env, layout};
use object::{Object, ObjectSection, ObjectSymbol};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

/// Run a program with counters; `itarget relink --profile` uses the counts.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where to write the profile.
    #[arg(short, long, value_name = "FILE", default_value = "itarget-profile.json")]
    output: PathBuf,
    /// The program and its arguments.
    #[arg(required = true, trailing_var_arg = true, value_name = "PROGRAM ARGS")]
    program: Vec<String>,
}

/// The profile, as the analyzer reads it.
#[derive(Debug, Serialize, PartialEq, Eq)]
struct Profile {
    format: u32,
    module: String,
    edges: Vec<Edge>,
}

#[derive(Debug, Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    function: String,
    ordinal: u32,
    object: String,
    offset: Option<u64>,
    events: u64,
    bytes: u64,
}

/// Runs the command; its exit status is the program's.
///
/// # Errors
/// IT05xx, IT02xx, IT0609.
pub fn run(args: Args) -> Outcome {
    let program = run::find(&args.program[0])?;
    let cache = dir::cache()?.join("profile").join(&program.module);
    let failed = |path: &std::path::Path, e: std::io::Error| Error::new("IT0609", format!("{}: {e}", path.display()));
    std::fs::create_dir_all(&cache).map_err(|e| failed(&cache, e))?;
    let counted = cache.join(program.path.file_name().unwrap_or_default());
    let settings = Settings { cut: Some("profile".into()), ..Settings::default() };
    let here = std::env::current_dir().ok();
    let status = relink::relink(&program, &settings, &counted)?;
    if status != 0 {
        return Ok(status);
    }
    if let Some(here) = here {
        std::env::set_current_dir(&here).map_err(|e| failed(&here, e))?;
    }
    let work = crate::cc::run::Directory::temporary()?;
    let mut command = Command::new(&counted);
    {
        use std::os::unix::process::CommandExt;
        command.arg0(&args.program[0]);
    }
    command.args(&args.program[1..]).env(env::MODE, "profile").env(env::TRACE, &work.0);
    let status = run::wait(&mut command)?;
    let table = std::fs::read_to_string(work.0.join("profile.tsv")).map_err(|e| {
        Error::new("IT0507", format!("the program left no counts: {e}")).hint("it must end by exit or by returning from main")
    })?;
    let counted = Program::open(&counted)?;
    let globals = globals(&counted);
    let profile = convert(&table, &counted, &globals)?;
    let text = serde_json::to_string_pretty(&profile).unwrap_or_default() + "\n";
    std::fs::write(&args.output, text).map_err(|e| failed(&args.output, e))?;
    drop(work);
    Ok(run::end_like(status))
}

/// Function, ordinal, object, offset.
type Key = (String, u32, String, Option<u64>);

/// Counts by site and object, from the runtime's table.
fn convert(table: &str, program: &Program, globals: &[String]) -> Result<Profile, Error> {
    let plan = program.plan()?;
    let malformed = || Error::new("IT0507", "the counts are malformed");
    let mut sums: BTreeMap<Key, (u64, u64)> = BTreeMap::new();
    for line in table.lines() {
        let mut fields = line.split('\t');
        let mut next = || fields.next().ok_or_else(malformed);
        let number = |t: &str| t.parse::<u64>().map_err(|_| malformed());
        let site = number(next()?)?;
        let object = next()?;
        let (events, bytes) = (number(next()?)?, number(next()?)?);
        let site = usize::try_from(site).ok().and_then(|i| plan.sites.get(i)).ok_or_else(malformed)?;
        let (kind, rest) = object.split_once(':').ok_or_else(malformed)?;
        let (index, offset) = rest.split_once('+').ok_or_else(malformed)?;
        let (index, offset) = (number(index)? as usize, number(offset)?);
        let name = match kind {
            "heap" => index.checked_sub(layout::OBJ_MIXED as usize).and_then(|i| plan.mixed.get(i)).map(|m| m.name.clone()),
            "global" => globals.get(index).cloned(),
            _ => None,
        }
        .unwrap_or_default();
        let offset = Some(offset).filter(|o| !name.is_empty() && *o != u64::from(u32::MAX));
        let sum = sums.entry((site.function.clone(), site.ordinal, name, offset)).or_default();
        sum.0 += events;
        sum.1 += bytes;
    }
    let edges = sums
        .into_iter()
        .map(|((function, ordinal, object, offset), (events, bytes))| Edge { function, ordinal, object, offset, events, bytes })
        .collect();
    Ok(Profile { format: 1, module: plan.module.clone(), edges })
}

/// Names of the globals in the order of the table `__itarget_all_globals`, by their addresses in
/// the symbol table; empty where there is none.
fn globals(program: &Program) -> Vec<String> {
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
