//! Which program and which of its interfaces `itarget explain` and `itarget graph` are about.

use crate::analyze::{self, Cut, Progress};
use crate::errors::Error;
use itarget_analyzer::analysis::{self, Analysis, Details, Phase};
use itarget_analyzer::flow::target::Targets;
use itarget_analyzer::flow::weights::Weights;
use itarget_analyzer::model::Module;
use itarget_analyzer::bitcode;
use itarget_analyzer::report::suggest::{self, Suggestion};
use itarget_analyzer::report::why::{Subject, Ways};
use itarget_annotations::Annotations;
use itarget_cli::config::Config;
use itarget_cli::program::Program;
use itarget_cli::targeting::Targeting;
use itarget_cli::weighing::{Match, Weighing};
use itarget_plan::Plan;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

/// Options that choose an interface. Those not given are what an executable was linked with.
#[derive(Debug, clap::Args)]
pub struct Choice {
    /// Which interface (default: that of the executable, or that of itarget.toml, or min).
    #[arg(long, value_enum)]
    pub cut: Option<Cut>,
    /// More annotations of library functions (may be repeated; later files win).
    #[arg(long, value_name = "FILE")]
    pub annotations: Vec<PathBuf>,
    #[command(flatten)]
    pub weighing: Weighing,
    #[command(flatten)]
    pub targeting: Targeting,
}

/// A program with its interface and all that led to it.
pub struct Selected {
    /// The program.
    pub module: Module,
    /// How it was analyzed.
    pub options: analysis::Options,
    /// The interface.
    pub analysis: Analysis,
    /// What led to it.
    pub details: Details,
}

impl Choice {
    /// Loads and analyzes the inputs.
    ///
    /// # Errors
    /// Those of `itarget analyze`.
    pub fn select(&self, inputs: &[PathBuf]) -> Result<Selected, Error> {
        let program = match inputs {
            [only] => Program::open(only).ok(),
            _ => None,
        };
        // An executable has an interface, and that is what is asked about.
        let config = if program.is_some() { Config::default() } else { Config::here()? };
        let linked = analyze::linked_with(program.as_ref());
        let files: Vec<PathBuf> = match (&config.annotations, self.annotations.is_empty()) {
            (None, true) => linked.annotations.iter().filter(|p| analyze::existing(p)).map(PathBuf::from).collect(),
            (project, _) => project.iter().flatten().map(PathBuf::from).chain(self.annotations.iter().cloned()).collect(),
        };
        let matching = match self.weighing.profile {
            Some(_) => self.weighing.matching(),
            None => self.weighing.profile_match.or(Match::of_text(&linked.profile_match)).unwrap_or_default(),
        };
        let profile = self.weighing.profile.clone().or_else(|| linked.profile.filter(analyze::existing).map(PathBuf::from));
        let annotations: Annotations = analyze::annotations(&files)?;
        let profile = profile.as_deref().map(analyze::profile).transpose()?;
        let plan = program.as_ref().and_then(|p| p.plan().ok());
        let cut = match (self.cut, &plan) {
            (None, Some(plan)) => plan.cut,
            (asked, _) => Cut::or(asked, &config).mode(),
        };
        let targets = Targets::of_text(&self.targeting.of(&config, program.as_ref()));
        let mut progress = Progress::start(std::io::stderr().is_terminal());
        progress.phase(Phase::Load);
        let module = analyze::load(inputs, bitcode::Extras { variables: true, shapes: analyze::shapes(cut, matching) })?;
        let (profile, fit) = analyze::fitted(profile, &module, matching)?;
        let races = analyze::races(program.as_ref())?;
        let options = analysis::Options { cut, profile, fit, targets, races, ..analysis::Options::default() };
        let result = analysis::analyze_in_detail(&module, &annotations, &options, &mut |phase| progress.phase(phase));
        progress.finish();
        let (analysis, details) = result.map_err(|e| analyze::refusal(&e))?;
        let chosen = self.cut.is_some() || self.weighing.profile.is_some() || !self.targeting.is_empty() || !self.annotations.is_empty();
        if let Some(linked) = plan.filter(|_| !chosen)
            && !same(&linked, &analysis.plan)
        {
            note("the executable was linked with another interface (its profile or annotations changed): this is about the one computed now");
        }
        Ok(Selected { module, options, analysis, details })
    }
}

impl Selected {
    /// Calls `f` with the ways through the graph.
    pub fn with_ways<T>(&mut self, f: impl FnOnce(&Ways) -> T) -> T {
        let Details { points_to, facts, graph, cut } = &self.details;
        let weights = Weights::new(&self.module, points_to, self.options.profile.as_ref());
        let subject =
            Subject { module: &self.module, points_to, facts, weights: &weights, graph, cut, plan: &self.analysis.plan };
        f(&Ways::new(subject))
    }

    /// Calls `f` with what is needed to explain, and what would be cheaper.
    pub fn with<T>(&mut self, f: impl FnOnce(&Ways, Vec<Suggestion>) -> T) -> T {
        let Details { points_to, facts, graph, cut } = &mut self.details;
        let weights = Weights::new(&self.module, points_to, self.options.profile.as_ref());
        let suggestions = suggest::collect(&self.module, points_to, facts, &weights, self.options.cut, &graph.wishes, cut.value);
        let subject =
            Subject { module: &self.module, points_to, facts, weights: &weights, graph, cut, plan: &self.analysis.plan };
        f(&Ways::new(subject), suggestions)
    }
}

/// The same sites with the same actions.
fn same(a: &Plan, b: &Plan) -> bool {
    let key = |p: &Plan| p.sites.iter().map(|s| (s.function.clone(), s.ordinal, s.action.clone(), s.alone.clone())).collect::<Vec<_>>();
    a.module == b.module && key(a) == key(b)
}

/// A line on stderr.
pub fn note(text: &str) {
    eprintln!("itarget: note: {text}");
}

/// Text on stdout. A reader that went away (`| head`) is no error.
///
/// # Errors
/// IT0609.
pub fn print(text: &str) -> Result<(), Error> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(Error::new("IT0609", format!("stdout: {e}"))),
        _ => Ok(()),
    }
}
