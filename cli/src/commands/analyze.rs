//! `itarget analyze`: computes the cut of a program from its bitcode, shows it, writes the plan.

use super::Outcome;
use crate::errors::Error;
use crate::select::note;
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use itarget_analyzer::analysis::{self, Analysis, Phase};
use itarget_analyzer::flow::{FlowError, dimacs, fit};
use itarget_cli::config::Config;
use itarget_cli::program::{Program, SavedSettings};
use itarget_cli::targeting::Targeting;
use itarget_analyzer::flow::target::{TargetError, Targets};
use itarget_analyzer::flow::weights::Profile;
use itarget_analyzer::report::text;
use itarget_analyzer::model::Module;
use itarget_analyzer::{bitcode, contradictions, points_to};
use itarget_annotations::Annotations;
use itarget_cli::weighing::{Match, Weighing};
use itarget_plan::{CutMode, Fit, RaceMode};
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Computes what must be logged between a program and its environment.
#[derive(Debug, Parser)]
#[command(name = "itarget analyze", max_term_width = 100)]
pub struct Args {
    /// Bitcode, objects and archives built by itarget-cc, or an executable; several are linked.
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// Write the plan to this file.
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    /// Write the flow network to this file, in DIMACS's format for maximum flow problems; also of a
    /// program for which there is no interface.
    #[arg(long, value_name = "FILE", conflicts_with = "plan")]
    network: Option<PathBuf>,
    /// Which interface to compute (default: that of itarget.toml, or min).
    #[arg(long, value_enum)]
    cut: Option<Cut>,
    /// More annotations of library functions (may be repeated; later files win).
    #[arg(long, value_name = "FILE")]
    annotations: Vec<PathBuf>,
    #[command(flatten)]
    weighing: Weighing,
    /// Another profile: also say what the interface costs under its weights.
    #[arg(long, value_name = "FILE")]
    weigh_with: Option<PathBuf>,
    #[command(flatten)]
    targeting: Targeting,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
    /// Also say how the points-to figures are counted.
    #[arg(long)]
    stats: bool,
    /// Show lists in full.
    #[arg(long)]
    all: bool,
    /// Print nothing but errors and what will not be recorded (used by the compiler pass).
    #[arg(long)]
    for_pass: bool,
}

/// The kinds of interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Cut {
    /// The minimum cut of the flow graph.
    Min,
    /// The library boundary: every result and out-parameter of non-deterministic functions.
    Libc,
    /// The minimum cut where only calls may be cut: no load and no store of the program is logged.
    Functions,
    /// A build that counts, for `itarget profile`.
    Profile,
    /// A build that compares memory across external calls, for `itarget check-annotations`.
    Check,
}

impl Cut {
    /// What was asked for, or else what itarget.toml says.
    pub fn or(asked: Option<Cut>, config: &Config) -> Cut {
        let named = || config.cut.as_deref().and_then(|c| <Cut as clap::ValueEnum>::from_str(c, false).ok());
        asked.or_else(named).unwrap_or(Cut::Min)
    }

    /// The name that plans have for it.
    pub fn mode(self) -> CutMode {
        match self {
            Cut::Min => CutMode::Min,
            Cut::Libc => CutMode::Libc,
            Cut::Functions => CutMode::Functions,
            Cut::Profile => CutMode::Profile,
            Cut::Check => CutMode::Check,
        }
    }
}

/// Runs the command on the arguments after its name.
///
/// # Errors
/// IT01xx (inputs), IT03xx (annotations), IT0411 (profile), IT0609 (output), IT09xx (no interface).
pub fn run(args: Vec<OsString>) -> Outcome {
    let all = std::iter::once(OsString::from("itarget analyze")).chain(args);
    let args = match Args::try_parse_from(all) {
        Ok(args) => args,
        Err(e) => {
            // Help goes to stdout, errors to stderr; that it could not be printed changes nothing.
            let _ = e.print();
            return Ok(e.exit_code());
        }
    };
    // The compiler pass says everything there is to say.
    let config = if args.for_pass { Config::default() } else { Config::here()? };
    let program = match args.inputs.as_slice() {
        [only] if !args.for_pass => Program::open(only).ok(),
        _ => None,
    };
    let files = match &config.annotations {
        Some(files) => files.clone(),
        None => linked_with(program.as_ref()).annotations.into_iter().filter(existing).collect(),
    };
    let files: Vec<PathBuf> = files.into_iter().map(PathBuf::from).chain(args.annotations.iter().cloned()).collect();
    let annotations = annotations(&files)?;
    let weigh_with = args.weigh_with.as_deref().map(profile).transpose()?;
    let unfitted = args.weighing.profile.as_deref().map(profile).transpose()?;
    let matching = args.weighing.matching();
    let cut = Cut::or(args.cut, &config).mode();
    let targets = Targets::of_text(&args.targeting.of(&config, program.as_ref()));
    let mut progress = Progress::start(!args.for_pass && std::io::stderr().is_terminal());
    progress.phase(Phase::Load);
    let start = Instant::now();
    let module = load(&args.inputs, bitcode::Extras { variables: false, shapes: shapes(cut, matching) })?;
    agree(&module, &annotations, &files)?;
    let (profile, fit) = fitted(unfitted, &module, matching)?;
    let (weigh_with, _) = fitted(weigh_with, &module, matching)?;
    let network = args.network.is_some();
    let options = analysis::Options { cut, profile, fit, weigh_with, network, points_to: points_to::Options::default(), targets, races: races(program.as_ref())? };
    let loading = start.elapsed().as_secs_f64();
    let result = analysis::analyze_in_detail(&module, &annotations, &options, &mut |phase| progress.phase(phase));
    progress.finish();
    let (mut analysis, details) = result.map_err(|e| refusal(&e))?;
    analysis.report.phases.insert(Phase::Load.name(), loading);
    analysis.report.analysis_seconds += loading;
    if let Some(path) = &args.plan {
        let failed = |e| Error::new("IT0609", format!("{}: {e}", path.display()));
        std::fs::write(path, analysis.plan.to_text()).map_err(failed)?;
    }
    if let Some(path) = &args.network {
        let failed = |e| Error::new("IT0609", format!("{}: {e}", path.display()));
        let mut file = std::io::BufWriter::new(std::fs::File::create(path).map_err(failed)?);
        dimacs::write(&details.graph, &details.cut, &mut file).and_then(|()| file.flush()).map_err(failed)?;
    }
    show(&args, &analysis)?;
    // The model of a large program takes a while to free; the process ends anyway.
    std::mem::forget((module, details));
    Ok(0)
}

fn show(args: &Args, analysis: &Analysis) -> Result<(), Error> {
    let report = &analysis.report;
    if args.for_pass {
        // Silent at a link: configure scripts take any word for a failure.
        if let Some(log) = std::env::var_os(itarget_abi::env::CC_LOG).filter(|l| !l.is_empty()) {
            let fit = report.fit.iter().map(|f| format!("profile\t{f}\n"));
            let lines: String = fit.chain(
                report.refused.iter().map(|n| format!("refused\t{}: recording will stop here: {}\n", n.at, n.text))).collect();
            let file = std::fs::OpenOptions::new().create(true).append(true).open(&log);
            // The log is an aid: a link does not fail for it.
            let _ = file.and_then(|mut f| std::io::Write::write_all(&mut f, lines.as_bytes()));
        }
        return Ok(());
    }
    let text = if args.json {
        serde_json::to_string_pretty(report).unwrap_or_default() + "\n"
    } else {
        text::summary(report, args.stats, args.all)
    };
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(Error::new("IT0609", format!("stdout: {e}"))),
        _ => Ok(()),
    }
}

/// Loads the inputs.
///
/// # Errors
/// IT01xx.
pub fn load(inputs: &[PathBuf], extras: bitcode::Extras) -> Result<Module, Error> {
    bitcode::load_with(inputs, extras)
        .map_err(|e| Error::new(e.code.code(), format!("{}: {}", e.file, e.detail)).hint(e.code.hint()))
}

/// Whether it has to be known what functions look like.
pub fn shapes(cut: CutMode, matching: Match) -> bool {
    cut == CutMode::Profile || matching == Match::Function
}

/// The profile as it is used for this module, and how it fitted if it is one of another build.
///
/// # Errors
/// IT0411: it does not fit.
pub fn fitted(profile: Option<Profile>, module: &Module, matching: Match) -> Result<(Option<Profile>, Option<Fit>), Error> {
    match profile {
        Some(profile) if matching == Match::Function => {
            let (profile, fit) = fit::fit(profile, module).map_err(|e| refusal(&e))?;
            Ok((Some(profile), fit))
        }
        // One of another module is refused by the analysis.
        other => Ok((other, None)),
    }
}

/// What is done about data races: as `ITARGET_CC_RACES` says, else as an executable was linked.
///
/// # Errors
/// IT0204: the variable says something else.
pub fn races(program: Option<&Program>) -> Result<RaceMode, Error> {
    match std::env::var("ITARGET_CC_RACES").as_deref() {
        Ok("trust") => Ok(RaceMode::Trust),
        Ok("order") => Ok(RaceMode::Order),
        Ok("log") => Ok(RaceMode::Log),
        Ok(other) if !other.is_empty() => {
            Err(Error::new("IT0204", format!("ITARGET_CC_RACES is `{other}`")).hint("log (default): what may race is logged; order: accesses are ordered as they are made; trust: nothing races"))
        }
        _ => Ok(program.and_then(|p| p.plan().ok()).map(|p| p.races).unwrap_or_default()),
    }
}

/// What an executable was linked with.
pub fn linked_with(program: Option<&Program>) -> SavedSettings {
    program.and_then(|p| p.link().ok()).map(|l| l.settings).unwrap_or_default()
}

/// Whether a file that an executable was linked with is there; if not, that is said.
pub fn existing(path: &String) -> bool {
    let there = Path::new(path).exists();
    if !there {
        note(&format!("{path}, with which the program was linked, is gone: the figures are others"));
    }
    there
}

/// The annotations built in, and those of files.
///
/// # Errors
/// IT03xx.
pub fn annotations(files: &[PathBuf]) -> Result<Annotations, Error> {
    let mut all = Annotations::builtin().clone();
    for path in files {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|e| Error::new("IT0303", format!("{name}: {e}")))?;
        let code = |e: &itarget_annotations::Error| e.code.as_str();
        all.merge(Annotations::parse(&name, &text).map_err(|e| {
            let text = e.to_string();
            let message = text.strip_prefix(&format!("{}: ", code(&e))).unwrap_or(&text).to_owned();
            Error::new(code(&e), message)
        })?);
    }
    Ok(all)
}

/// Refuses annotations of the user that the types of the program's functions contradict.
///
/// # Errors
/// IT0304.
fn agree(module: &Module, annotations: &Annotations, files: &[PathBuf]) -> Result<(), Error> {
    let names: Vec<String> = files.iter().map(|f| f.display().to_string()).collect();
    let found = contradictions::find(module, annotations, &|file| names.iter().any(|n| n == file));
    let Some(first) = found.first() else { return Ok(()) };
    let more = if found.len() > 1 { format!(" ({} more like this)", found.len() - 1) } else { String::new() };
    let text = std::fs::read_to_string(&first.file).unwrap_or_default();
    let (line, column) = name_in(&text, &first.function).unwrap_or((1, 1));
    Err(Error::new(
        "IT0304",
        format!("{}:{line}:{column}: the annotation of `{}` can't be true: {}{more}", first.file, first.function, first.message),
    )
    .hint("correct the annotation, or include the header that declares the function"))
}

/// Line and column, from 1, of the name of an annotated function.
fn name_in(text: &str, name: &str) -> Option<(usize, usize)> {
    let quoted = [format!("\"{name}\""), format!("'{name}'")];
    let mut in_names = false;
    for (n, line) in text.lines().enumerate() {
        // A list of names may go over several lines.
        in_names = line.trim_start().starts_with("names") || in_names && !line.contains('=');
        let at = if in_names { quoted.iter().find_map(|q| line.find(q.as_str())) } else { None };
        if let Some(at) = at {
            return Some((n + 1, line[..at].chars().count() + 1));
        }
    }
    None
}

/// A profile.
///
/// # Errors
/// IT0411.
pub fn profile(path: &Path) -> Result<Profile, Error> {
    let malformed = |e: String| {
        Error::new("IT0411", format!("{}: not a profile: {e}", path.display()))
            .hint("make one with `itarget profile PROGRAM ARGS`")
    };
    let text = std::fs::read_to_string(path).map_err(|e| malformed(e.to_string()))?;
    Profile::parse(&text).map_err(malformed)
}

/// Why there is no interface, with what to do.
pub fn refusal(error: &FlowError) -> Error {
    let message = error.to_string();
    let (code, hint) = match error {
        FlowError::Infeasible { .. } => {
            ("IT0901", Some("`itarget explain-code IT0901` says more; annotations are passed by --annotations FILE"))
        }
        FlowError::Target(TargetError::Nothing { near, .. }) if !near.is_empty() => {
            let near: Vec<String> = near.iter().map(|n| format!("`{n}`")).collect();
            return Error::new("IT0903", message.strip_prefix("IT0903: ").unwrap_or(&message))
                .hint(format!("did you mean {}?", near.join(", ")));
        }
        FlowError::Target(_) => ("IT0903", Some("a target is the name of a function, a glob of names, a source file or a directory; `programs` in itarget.toml says which programs of a build it is for")),
        FlowError::Cut { .. } => ("IT0902", Some("this is a bug; keep the input and report it")),
        FlowError::WholeProfile => ("IT0411", Some("give `itarget profile` the same --target and --exclude")),
        FlowError::OtherModule { .. } => ("IT0411", None),
    };
    let error = Error::new(code, message.strip_prefix(&format!("{code}: ")).unwrap_or(&message));
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// A spinner with the phase, once a computation takes longer than a second.
pub struct Progress {
    thread: Option<(mpsc::Sender<Phase>, std::thread::JoinHandle<()>)>,
}

impl Progress {
    /// Shows something only if that is wanted.
    pub fn start(wanted: bool) -> Progress {
        if !wanted {
            return Progress { thread: None };
        }
        let (sender, receiver) = mpsc::channel();
        let handle = std::thread::spawn(move || draw(&receiver));
        Progress { thread: Some((sender, handle)) }
    }

    /// A phase begins.
    pub fn phase(&mut self, phase: Phase) {
        if let Some((sender, _)) = &self.thread {
            // Nobody listens only if drawing has failed, which does no harm.
            let _ = sender.send(phase);
        }
    }

    /// Takes it away.
    pub fn finish(&mut self) {
        if let Some((sender, handle)) = self.thread.take() {
            drop(sender);
            let _ = handle.join();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}

fn draw(phases: &mpsc::Receiver<Phase>) {
    let deadline = Instant::now() + Duration::from_secs(1);
    let mut now = Phase::Load;
    loop {
        match phases.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(phase) => now = phase,
            Err(mpsc::RecvTimeoutError::Disconnected) => return,
            Err(mpsc::RecvTimeoutError::Timeout) => break,
        }
    }
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    bar.set_message(now.name());
    while let Ok(phase) = phases.recv() {
        bar.set_message(phase.name());
    }
    bar.finish_and_clear();
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }

    #[test]
    fn names_of_functions_are_found_where_they_are_annotated() {
        let text = "# \"f\"\n[[function]]\nnames = [\n  \"g\", \"f\",\n]\nkind = \"env\"\n";
        assert_eq!((name_in(text, "f"), name_in(text, "env")), (Some((4, 8)), None));
    }

    #[test]
    fn the_arguments_of_the_pass_are_understood() {
        let line = "x --for-pass --plan p --cut libc --annotations a --annotations b --profile f in.bc";
        let args = Args::try_parse_from(line.split(' ')).unwrap();
        assert!(args.for_pass && args.cut == Some(Cut::Libc) && args.annotations.len() == 2 && args.inputs.len() == 1);
    }
}
