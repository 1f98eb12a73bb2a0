//! The whole computation on a loaded module: points-to, flow graph, cut, plan, report.

use crate::flow::cut::{self, Cut};
use crate::flow::facts::Facts;
use crate::flow::graph::{self, Graph};
use crate::flow::target::{self, Targets, Wish};
use crate::flow::weights::{Profile, Weights};
use crate::flow::{FlowError, collect, stability};
use crate::model::Module;
use crate::plan;
use crate::points_to::{self, Library, PointsTo};
use crate::report::{self, Report};
use itarget_annotations::{Annotations, Function, Memory, Variable};
use itarget_plan::{CutMode, Fit, Plan, RaceMode};
use std::time::Instant;

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which cut.
    pub cut: CutMode,
    /// Measured weights.
    pub profile: Option<Profile>,
    /// How the profile was fitted, if it was one of another build ([`crate::flow::fit`]).
    pub fit: Option<Fit>,
    /// Another profile, under whose weights the cut is priced as well.
    pub weigh_with: Option<Profile>,
    /// The network is wanted, not the interface: go on where something that can't be logged must be.
    pub network: bool,
    /// Limits of the points-to analysis.
    pub points_to: points_to::Options,
    /// What must be replayed ([`CutMode::Min`], [`CutMode::Functions`], [`CutMode::Profile`]).
    pub targets: Targets,
    /// What is done about data races.
    pub races: RaceMode,
}

impl Default for Options {
    fn default() -> Self {
        Options { cut: CutMode::Min, profile: None, fit: None, weigh_with: None, network: false, points_to: points_to::Options::default(), targets: Targets::default(), races: RaceMode::default() }
    }
}

/// What comes out.
#[derive(Debug)]
pub struct Analysis {
    /// The interface.
    pub plan: Plan,
    /// Figures and lists for people and scripts.
    pub report: Report,
}

/// What the computation went through, for those who ask why (see [`crate::report`]).
#[derive(Debug)]
pub struct Details {
    /// Points-to sets.
    pub points_to: PointsTo,
    /// What each site touches.
    pub facts: Facts,
    /// The flow graph.
    pub graph: Graph,
    /// Its cut.
    pub cut: Cut,
}

/// A step of the computation, for progress displays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Reading and linking bitcode (not part of [`analyze`]).
    Load,
    /// Points-to analysis.
    PointsTo,
    /// Facts and flow graph.
    Flow,
    /// Minimum cut and its proof.
    Cut,
    /// Plan.
    Plan,
}

impl Phase {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Phase::Load => "load",
            Phase::PointsTo => "points-to",
            Phase::Flow => "flow",
            Phase::Cut => "cut",
            Phase::Plan => "plan",
        }
    }
}

pub(crate) struct Known<'a>(pub(crate) &'a Annotations);

impl Library for Known<'_> {
    fn function(&self, name: &str) -> Option<&Function> {
        self.0.function(name)
    }
    fn variable(&self, name: &str) -> Option<&Variable> {
        self.0.variable(name)
    }
    fn memory(&self, name: &str) -> Option<&Memory> {
        self.0.memory(name)
    }
}

/// Computes the interface of a module. `progress` is called as each phase begins.
///
/// # Errors
/// See [`FlowError`].
pub fn analyze(
    module: &Module,
    annotations: &Annotations,
    options: &Options,
    progress: &mut dyn FnMut(Phase),
) -> Result<Analysis, FlowError> {
    analyze_in_detail(module, annotations, options, progress).map(|(analysis, _)| analysis)
}

/// As [`analyze`], with all that led to the result.
///
/// # Errors
/// See [`FlowError`].
pub fn analyze_in_detail(
    module: &Module,
    annotations: &Annotations,
    options: &Options,
    progress: &mut dyn FnMut(Phase),
) -> Result<(Analysis, Details), FlowError> {
    let mut profiles = options.profile.iter().chain(&options.weigh_with);
    if let Some(profile) = profiles.find(|p| p.module != module.fingerprint) {
        let found = profile.module.clone();
        let why = "run `itarget profile` again, or match it function by function (--profile-match=function)";
        return Err(FlowError::OtherModule { found, module: module.fingerprint.clone(), why });
    }
    let mut wishes = target::resolve(module, &options.targets)?;
    let partial = wishes.iter().any(|w| *w != Wish::Replay);
    if partial && options.profile.iter().chain(&options.weigh_with).any(|p| !p.partial) {
        return Err(FlowError::WholeProfile);
    }
    let scope = collect::Scope { partial, races: options.races };
    if matches!(options.cut, CutMode::Libc | CutMode::Profile | CutMode::Check) {
        wishes.fill(Wish::Replay);
    }
    let mut clock = Clock { last: Instant::now(), phases: Vec::new() };
    progress(Phase::PointsTo);
    let points_to_options = points_to::Options { outside: partial || collect::starts_threads(module), ..options.points_to.clone() };
    let points_to = PointsTo::solve(module, &Known(annotations), &points_to_options);
    clock.lap(Phase::PointsTo);
    progress(Phase::Flow);
    let weights = Weights::new(module, &points_to, options.profile.as_ref());
    let mut facts = collect::facts(module, &points_to, annotations, &weights, scope);
    if options.network || options.cut == CutMode::Check {
        facts.pins.iter_mut().for_each(|pin| pin.refusable = true);
    }
    let graph = graph::build(module, &points_to, &facts, &weights, &wishes, options.cut == CutMode::Functions);
    clock.lap(Phase::Flow);
    progress(Phase::Cut);
    let mut cut: Cut = cut::take(module, &points_to, &facts, &graph, options.cut)?;
    // The library's boundary is what other interfaces are compared with, and stays the one interface that it is.
    if facts.differs_alone() && matches!(options.cut, CutMode::Min | CutMode::Functions) {
        let graph = graph::build_alone(module, &points_to, &facts, &weights, &wishes, options.cut == CutMode::Functions);
        // Estimates say too little of what is read how often in memory that nobody would log but for races and unknown calls.
        let mode = if options.profile.is_none() && options.cut == CutMode::Min { CutMode::Libc } else { options.cut };
        let alone = cut::take_within(module, &points_to, &facts, &graph, mode, &cut)?;
        cut.alone = Some(Box::new(alone));
    }
    clock.lap(Phase::Cut);
    progress(Phase::Plan);
    let mut plan = plan::derive(module, &points_to, &facts, &weights, &cut, options.cut, partial);
    plan.targets = options.targets.to_text();
    plan.partial = partial && options.cut == CutMode::Profile;
    plan.races = options.races;
    plan.fit = options.fit.clone();
    if options.cut == CutMode::Profile {
        plan.shapes = module.shapes.clone();
    }
    clock.lap(Phase::Plan);
    let reweighed = match &options.weigh_with {
        Some(other) => Some(stability::reweigh(module, &points_to, annotations, &cut, other, &wishes, options.cut, scope)?),
        None => None,
    };
    let mut report = report::collect(&report::Input {
        module,
        points_to: &points_to,
        facts: &facts,
        cut: &cut,
        plan: &plan,
        phases: clock.phases,
    });
    report.reweighed = reweighed;
    Ok((Analysis { plan, report }, Details { points_to, facts, graph, cut }))
}

struct Clock {
    last: Instant,
    phases: Vec<(Phase, f64)>,
}

impl Clock {
    fn lap(&mut self, phase: Phase) {
        let now = Instant::now();
        self.phases.push((phase, now.duration_since(self.last).as_secs_f64()));
        self.last = now;
    }
}
