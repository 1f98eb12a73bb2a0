//! `itarget explain --what NAME`: why a function is replayed or not, why a value is logged or not, what
//! happens on a line.

use super::items::{self, Item, Measured, Tracer};
use super::names::{self, plain};
use super::suggest::{Suggestion, sentence};
use super::text::bytes;
use super::why::{Kind, Step, Ways};
use crate::flow::facts::{CallSite, Place, Role};
use crate::flow::graph::as_bytes;
use crate::model::{FunctionId, InstrKind};
use crate::points_to::{FieldId, ObjectId, ObjectKind, Target};
use itarget_annotations::Kind as Annotated;
use itarget_plan::{Action, Site};
use serde::Serialize;

/// Most things that one name is taken for.
const MOST: usize = 12;

/// What is known about one thing of that name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// What it is.
    pub title: String,
    /// Sentences.
    pub says: Vec<String>,
    /// A way through the flow graph.
    pub path: Vec<Step>,
    /// What is logged there.
    pub items: Vec<Item>,
    /// Items left out.
    pub more: usize,
}

/// Answers, or names that are like the one asked for.
///
/// # Errors
/// The nearest names, best first.
pub fn what(
    ways: &Ways,
    suggestions: Vec<Suggestion>,
    name: &str,
    limit: usize,
    measured: Option<&Measured>,
) -> Result<(Vec<Answer>, Vec<Suggestion>), Vec<String>> {
    let mut teller = Teller { ways, tracer: Tracer::new(ways, suggestions), limit, measured };
    let answers = teller.answers(name.trim_matches('`'));
    match answers.is_empty() {
        false => Ok((answers, teller.tracer.suggestions)),
        true => Err(teller.near(name)),
    }
}

struct Teller<'w, 'a> {
    ways: &'w Ways<'a>,
    tracer: Tracer<'w, 'a>,
    limit: usize,
    measured: Option<&'w Measured>,
}

impl<'a> Teller<'_, 'a> {
    fn answers(&mut self, name: &str) -> Vec<Answer> {
        let s = self.ways.subject;
        if let Some((file, line)) = name.rsplit_once(':')
            && let Ok(line) = line.parse::<u32>()
        {
            return self.line(file, line).into_iter().collect();
        }
        let mut answers = Vec::new();
        if let Some(function) = s.module.function(name) {
            answers.push(self.function(function));
        }
        if s.facts.calls.iter().any(|c| plain(&c.callee) == name) || s.module.external(name).is_some() {
            answers.push(self.external(name));
        }
        let objects: Vec<ObjectId> = self.objects(name);
        for object in objects.into_iter().take(MOST) {
            answers.push(self.object(object));
        }
        answers
    }

    /// Objects of a name: all of it, or the part behind the colon (a local variable).
    fn objects(&self, name: &str) -> Vec<ObjectId> {
        let s = &self.ways.subject;
        let whole = |n: &str| n == name;
        let part = |n: &str| n.split_once(':').is_some_and(|(_, rest)| rest == name);
        let is = |o: &crate::points_to::AbstractObject| match o.kind {
            ObjectKind::Function(_) | ObjectKind::ExternalFunction(_) => false,
            // A static variable of a function is `function.name`.
            ObjectKind::Global(_) => whole(&o.name) || o.name.split_once('.').is_some_and(|(_, rest)| rest == name),
            _ => whole(&o.name) || part(&o.name),
        };
        let (function, local) = name.split_once(':').map_or((None, name), |(f, local)| (Some(f), local));
        // Locals have their names from debug information.
        let declared = |id: ObjectId, kind: ObjectKind| match kind {
            ObjectKind::Stack(f, _) | ObjectKind::ByVal(f, _) => {
                s.names().variable(id).is_some_and(|v| v.name == local) && function.is_none_or(|name| name == s.names().function(f))
            }
            _ => false,
        };
        let all = s.points_to.objects().iter().enumerate().map(|(i, o)| (ObjectId(i as u32), o));
        all.filter(|(id, o)| is(o) || declared(*id, o.kind)).map(|(id, _)| id).collect()
    }

    /// The lines with code that are nearest to one without.
    fn near_lines(&self, file: &str, line: u32) -> Vec<String> {
        let module = self.ways.subject.module;
        let at = module.functions.iter().flat_map(|f| f.instrs.iter().filter_map(|i| i.at));
        let mut lines: Vec<u32> =
            at.filter(|at| module.files.get(at.file.index()).is_some_and(|f| is_file(f, file))).map(|at| at.line).filter(|l| *l > 0).collect();
        lines.sort_unstable_by_key(|l| (l.abs_diff(line), *l));
        lines.dedup();
        lines.into_iter().take(2).map(|l| format!("{file}:{l}")).collect()
    }

    fn near(&self, name: &str) -> Vec<String> {
        if let Some((file, line)) = name.rsplit_once(':')
            && let Ok(line) = line.parse::<u32>()
        {
            let lines = self.near_lines(file, line);
            if !lines.is_empty() {
                return lines;
            }
        }
        let s = &self.ways.subject;
        if let Some((_, local)) = name.split_once(':') {
            let same = s.module.variables.locals.iter().filter(|(_, v)| v.name == local);
            let mut names: Vec<String> = same.map(|((f, _), _)| format!("{}:{local}", s.names().function(*f))).collect();
            names.dedup();
            if !names.is_empty() {
                return names.into_iter().take(3).collect();
            }
        }
        let mut names: Vec<&str> = s.module.functions.iter().map(|f| f.name.as_str()).collect();
        names.extend(s.module.externals.iter().map(|e| e.name.as_str()));
        names.extend(s.module.files.iter().map(String::as_str));
        let told = s.points_to.objects().iter().filter(|o| o.kind != ObjectKind::External);
        names.extend(told.map(|o| o.name.split_once(':').map_or(o.name.as_str(), |(_, rest)| rest)).filter(|n| !n.starts_with('%')));
        names.extend(s.module.variables.locals.values().map(|v| v.name.as_str()));
        names.retain(|n| !n.is_empty() && !n.starts_with("llvm."));
        names.sort_unstable();
        names.dedup();
        let wanted = name.rsplit_once(':').map_or(name, |(file, _)| file);
        let mut near: Vec<(usize, &str)> = names.into_iter().map(|n| (strsim::levenshtein(wanted, n), n)).filter(|(d, _)| *d <= wanted.len().div_ceil(3).min(3)).collect();
        near.sort_unstable();
        near.into_iter().take(3).map(|(_, n)| n.to_owned()).collect()
    }

    /// The items of these sites, dearest first.
    fn items(&mut self, wanted: &dyn Fn(&Site) -> bool) -> (Vec<Item>, usize) {
        let s = self.ways.subject;
        let none = Measured::default();
        let seen = self.measured.unwrap_or(&none);
        let sites: Vec<&'a Site> = items::logged(s.plan, seen).into_iter().filter(|site| wanted(site)).collect();
        let more = sites.len().saturating_sub(self.limit);
        let shown = sites.into_iter().take(self.limit);
        (shown.map(|site| self.tracer.item(site, self.measured.map(|m| m.of(site))).item).collect(), more)
    }

    /// The functions that call one, or hand it to somebody who may.
    fn called_by(&self, function: FunctionId) -> Vec<String> {
        let s = &self.ways.subject;
        let mut names: Vec<String> = Vec::new();
        for (index, f) in s.module.functions.iter().enumerate() {
            let calls = f.instrs.iter().any(|i| {
                let InstrKind::Call(call) = &i.kind else { return false };
                match (&call.callee, i.ordinal) {
                    (crate::model::Callee::Function(g), _) => *g == function,
                    (crate::model::Callee::Indirect(_), Some(ordinal)) => {
                        s.points_to.instances_of(FunctionId::from(index)).iter().any(|instance| {
                            s.points_to.callees(*instance, ordinal).iter().any(
                                |t| matches!(t, Target::Function(g) if s.points_to.instance(*g).function == function),
                            )
                        })
                    }
                    _ => false,
                }
            });
            if calls {
                names.push(f.name.clone());
            }
        }
        names
    }

    fn function(&mut self, function: FunctionId) -> Answer {
        let s = self.ways.subject;
        let f = &s.module.functions[function.index()];
        let at = s.names().definition(function).map_or(String::new(), |at| format!(" ({at})"));
        let mut says = Vec::new();
        if s.points_to.instances_of(function).is_empty() {
            says.push("The analysis found no way to it: nothing in it is instrumented, and a recording ends if it runs (IT0624).".to_owned());
        } else {
            let why = self.ways.function_reason(function.index());
            says.push(match s.cut.is_skipped(function.index()) {
                true => format!("It is in the environment and does not run at replay: {why}."),
                false => format!("It runs again at replay: {why}."),
            });
        }
        let callers = self.called_by(function);
        if !callers.is_empty() {
            says.push(format!("Called by {}.", list(&callers)));
        }
        if s.plan.upcalls.contains(&f.name) {
            says.push("The environment may call it; then the call is logged, and made again at replay.".to_owned());
        }
        let copies = s.plan.clones.iter().filter(|c| c.of == f.name).count();
        if copies > 0 {
            says.push(format!("The pass makes {copies} copies of it, because its callers want memory on different sides."));
        }
        for (at, reason) in s.facts.refused.iter().chain(&s.facts.refused_later).filter(|(at, _)| at.0 == function.index()) {
            says.push(format!("Recording ends {}: {reason}.", crate::flow::explain::at_place(s.module, *at)));
        }
        let copies: Vec<&str> = s.plan.clones.iter().filter(|c| c.of == f.name).map(|c| c.name.as_str()).collect();
        let (items, more) = self.items(&|site| site.function == f.name || copies.contains(&site.function.as_str()));
        says.push(match items.len() + more {
            0 if s.cut.is_skipped(function.index()) => "Nothing it does there is logged.".to_owned(),
            0 => "Nothing is logged in it: all it reads is in replay space.".to_owned(),
            1 => "One of its sites is logged:".to_owned(),
            n => format!("{n} of its sites are logged, dearest first:"),
        });
        Answer { title: format!("function `{}`{at}", f.name), says, path: Vec::new(), items, more }
    }

    fn external(&mut self, name: &str) -> Answer {
        let s = self.ways.subject;
        let calls: Vec<&CallSite> = s.facts.calls.iter().filter(|c| plain(&c.callee) == name).collect();
        let mut says = Vec::new();
        match calls.first() {
            None => says.push("It is never called directly.".to_owned()),
            Some(first) => {
                let n = calls.len();
                let how = treated(first);
                says.push(format!("{how} It is called at {n} place{}.", if n == 1 { "" } else { "s" }));
            }
        }
        if calls.iter().any(|c| c.role == Role::Unknown)
            && let Some(s) = self.tracer.suggestions.iter().find(|s| s.function == name)
        {
            says.push(format!("Cheaper: {}", sentence(s)));
            says.extend(s.stanza.iter().flat_map(|s| s.lines()).map(|l| format!("    {l}")));
        }
        let (items, more) =
            self.items(&|site| matches!(&site.action, Action::Call(call) if plain(&call.callee) == name));
        let logged = items.len() + more;
        if logged == 0 && !calls.is_empty() {
            says.push("Nothing of it is logged.".to_owned());
        }
        Answer { title: format!("function `{name}` of the library"), says, path: Vec::new(), items, more }
    }

    fn object(&mut self, id: ObjectId) -> Answer {
        let s = self.ways.subject;
        let object = s.points_to.object(id);
        let cells: Vec<FieldId> = s.points_to.fields_of(id).collect();
        let outside: Vec<FieldId> = cells.iter().copied().filter(|c| s.cut.is_environment(*c)).collect();
        let at = s.names().origin(id);
        let ty = s.names().variable(id).map_or(String::new(), |v| format!(", {}", v.ty));
        let size = object.size.map_or(String::new(), |n| format!("{ty}, {n} bytes"));
        let at = if at.is_empty() { String::new() } else { format!(" ({at})") };
        let mut says = Vec::new();
        says.push(match s.facts.places[id.0 as usize] {
            Place::ReadOnly => "It is never written: the same at replay.".to_owned(),
            Place::Absent => "The profiled run never made it: a recording ends at the call that does.".to_owned(),
            Place::Code | Place::Movable | Place::Low | Place::Mapping | Place::External | Place::ExternalLow => {
                if outside.is_empty() {
                    "It is in replay space: its bytes are computed again, reads of it are not logged.".to_owned()
                } else if outside.len() == cells.len() {
                    "It is in the environment: it has no meaningful bytes at replay, so what replay space reads of it is logged.".to_owned()
                } else {
                    let parts: Vec<String> = outside.iter().map(|c| names::bytes(s.points_to.field(*c).offset, s.points_to.field(*c).size)).collect();
                    format!("Of it, {} are in the environment, where reads are logged; the rest is in replay space.", list(&parts))
                }
            }
        });
        if outside.iter().any(|c| s.cut.is_shared(*c)) {
            let all = outside.iter().all(|c| s.cut.is_shared(*c));
            let what = if all { "That holds" } else { "Of that, some holds" };
            says.push(format!("{what} from the moment on that a second thread starts, or a function without annotation runs; before that it is in replay space."));
        }
        // The part that most goes through.
        let pool = if outside.is_empty() { &cells } else { &outside };
        let main = pool.iter().copied().max_by_key(|c| {
            let through = s.writers(*c).first().map_or(0, |w| w.1) + s.readers(*c).first().map_or(0, |r| r.1);
            (through, self.ways.width(*c), std::cmp::Reverse(*c))
        });
        let mut path = Vec::new();
        if let Some(cell) = main {
            let writers = s.writers(cell);
            let readers = s.readers(cell);
            let environment = s.cut.is_environment(cell);
            if !writers.is_empty() || environment {
                let other = self.tracer.other(cell);
                says.push(format!("{}.", capital(&self.ways.reason(cell, other))));
            }
            let written: Vec<String> =
                writers.iter().map(|(w, cap)| format!("{} [{}]", s.name_of(*w), bytes(as_bytes(*cap)))).collect();
            if !written.is_empty() {
                says.push(format!("The environment writes it: {}.", list(&written)));
            }
            let read: Vec<String> = readers
                .iter()
                .map(|(l, cap)| {
                    let load = &s.facts.loads[*l];
                    let place = crate::flow::explain::place(s.module, load.at);
                    format!("`{}` at {place} [{}]", s.module.functions[load.at.0].name, bytes(as_bytes(*cap)))
                })
                .collect();
            says.push(if read.is_empty() { "No load of the program reads it.".to_owned() } else { format!("Read by {}.", list(&read)) });
            if environment {
                path = self.ways.to_cell(cell);
                if let Some((load, cap)) = readers.first() {
                    let load = &s.facts.loads[*load];
                    let name = format!("read by `{}`", s.module.functions[load.at.0].name);
                    let (at, bytes) = (s.names().line(load.at), Some(as_bytes(*cap)));
                    path.push(Step { kind: Kind::Code, name, at, environment: false, bytes });
                }
            } else if let Some((writer, cap)) = writers.first() {
                path = vec![self.ways.writer(*writer, Some(as_bytes(*cap)))];
                path.extend(self.ways.from_cell(cell));
            }
        }
        Answer { title: format!("{}{at}{size}", s.names().object(id)), says, path, items: Vec::new(), more: 0 }
    }

    fn line(&mut self, file: &str, line: u32) -> Option<Answer> {
        let s = self.ways.subject;
        let here = |f: &str| is_file(f, file);
        let mut says = Vec::new();
        let mut seen = false;
        let (items, more) = self.items(&|site| site.at.as_ref().is_some_and(|l| l.line == line && here(&l.file)));
        for (index, f) in s.module.functions.iter().enumerate() {
            for (k, instr) in f.instrs.iter().enumerate() {
                let Some(at) = instr.at.filter(|at| at.line == line) else { continue };
                if !s.module.files.get(at.file.index()).is_some_and(|f| here(f)) {
                    continue;
                }
                seen = true;
                let Some(ordinal) = instr.ordinal else { continue };
                let site = s.plan.sites.binary_search_by(|x| (x.function.as_str(), x.ordinal).cmp(&(f.name.as_str(), ordinal))).ok();
                let site = site.map(|i| &s.plan.sites[i]);
                if site.is_some_and(|x| items.iter().any(|i| i.function == x.function && i.ordinal == x.ordinal)) {
                    continue;
                }
                if let Some(sentence) = self.unlogged((index, k), &instr.kind, site) {
                    says.push(format!("In `{}`: {sentence}.", f.name));
                }
            }
        }
        says.dedup();
        let title = format!("{file}:{line}");
        seen.then_some(Answer { title, says, path: Vec::new(), items, more })
    }

    /// Why nothing is logged at a site.
    fn unlogged(&self, at: (usize, usize), kind: &InstrKind, site: Option<&Site>) -> Option<String> {
        let s = &self.ways.subject;
        if let Some(site) = site {
            return Some(format!("{}; nothing is logged", items::what_of(site)));
        }
        Some(match kind {
            InstrKind::Load { .. } => {
                let load = s.facts.loads.iter().find(|l| l.at == at)?;
                let names: Vec<String> = load.values.iter().map(|v| s.names().cell(*v)).collect();
                format!("a load of {} is not logged: that is in replay space", if names.is_empty() { "nothing".to_owned() } else { list(&names) })
            }
            InstrKind::Store { .. } => "a store is done again at replay".to_owned(),
            InstrKind::Call(call) => match &call.callee {
                crate::model::Callee::Function(f) => format!("`{}` runs again at replay", s.names().function(*f)),
                crate::model::Callee::External(e) => {
                    let name = plain(&s.module.externals[e.index()].name);
                    match s.facts.calls.iter().find(|c| c.at == at) {
                        Some(call) => format!("`{name}`: {}", treated(call).trim_end_matches('.')),
                        None => return None,
                    }
                }
                crate::model::Callee::Indirect(_) => "what the pointer leads to runs again at replay".to_owned(),
                crate::model::Callee::Asm { .. } => "the assembly runs again at replay".to_owned(),
            },
            InstrKind::MemCopy { .. } => "the copy is done again at replay".to_owned(),
            InstrKind::MemSet { .. } => "the memory is set again at replay".to_owned(),
            _ => return None,
        })
    }
}

/// Whether a file of the program is the one that is named, by its last parts.
fn is_file(file: &str, named: &str) -> bool {
    file.strip_suffix(named).is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

/// How a call of the library is treated, as a sentence.
fn treated(call: &CallSite) -> String {
    match (call.role, call.spec.kind) {
        (Role::Env, Some(Annotated::Det | Annotated::DetLocale)) => {
            "It is a function of its arguments, but its result is memory of the library: it is skipped at replay and the result comes from the log.".to_owned()
        }
        (Role::Env, _) => "It is not run at replay: its result and what it writes come from the log, as far as replay space looks at them.".to_owned(),
        (Role::Unknown, _) => {
            "Nobody has said what it does (no annotation): it is not run at replay, and all it can reach counts as the environment's.".to_owned()
        }
        (Role::Det, _) => "It is a function of its arguments and their memory: it runs again at replay, unless that memory is the environment's.".to_owned(),
        (Role::Runtime, _) => "The runtime does it, so that it comes out the same at replay.".to_owned(),
        (Role::Native, _) => "It runs in recording and replay alike.".to_owned(),
        (Role::Refuse, _) => format!("It can't be recorded: {}.", call.spec.reason.as_deref().unwrap_or("recording ends there")),
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |c| c.to_uppercase().collect::<String>() + chars.as_str())
}

/// The first few, and how many more.
fn list(names: &[String]) -> String {
    const FEW: usize = 4;
    match names.len().checked_sub(FEW).filter(|n| *n > 0) {
        Some(more) => format!("{} and {more} more", names[..FEW].join(", ")),
        None => names.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<String> = (0..6).map(|i| i.to_string()).collect();
        assert_eq!(list(&names), "0, 1, 2, 3 and 2 more");
        assert_eq!(capital("a b"), "A b");
    }
}
