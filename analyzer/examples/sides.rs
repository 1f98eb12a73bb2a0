//! Why loads are logged or checked: the cells on the environment's side, what the cut would pay for each, and the loads
//! that may touch them: `cargo run --release -p itarget-analyzer --example sides -- PROGRAM.bc [PROFILE]`. With `ALONE=1` as long as the
//! process has had only one thread.

use itarget_analyzer::bitcode;
use itarget_analyzer::flow::explain;
use itarget_analyzer::flow::facts::Place;
use itarget_analyzer::flow::weights::{Profile, Weights};
use itarget_analyzer::flow::{collect, cut, graph};
use itarget_analyzer::points_to::{Options, PointsTo};
use itarget_annotations::Annotations;
use itarget_plan::CutMode;
use std::collections::BTreeMap;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let module = bitcode::load(&args[..1]).unwrap_or_else(|e| panic!("{e}"));
    let profile = args.get(1).map(|p| {
        let text = std::fs::read_to_string(p).unwrap_or_else(|e| panic!("{e}"));
        Profile::parse(&text).unwrap_or_else(|e| panic!("{e}"))
    });
    let points_to = PointsTo::solve(&module, Annotations::builtin(), &Options::default());
    let weights = Weights::new(&module, &points_to, profile.as_ref());
    let facts = collect::facts(&module, &points_to, Annotations::builtin(), &weights, collect::Scope::default());
    let wishes = vec![itarget_analyzer::flow::target::Wish::Replay; module.functions.len()];
    let mut graph = graph::build(&module, &points_to, &facts, &weights, &wishes, false);
    let mut cut = cut::take(&module, &points_to, &facts, &graph, CutMode::Min).unwrap_or_else(|e| panic!("{e}"));
    if std::env::var_os("ALONE").is_some() {
        graph = graph::build_alone(&module, &points_to, &facts, &weights, &wishes, false);
        cut = cut::take_within(&module, &points_to, &facts, &graph, CutMode::Libc, &cut).unwrap_or_else(|e| panic!("{e}"));
    }
    let name = |cell: u32| {
        let field = points_to.fields()[cell as usize];
        let object = points_to.object(field.object);
        format!("{}+{}..{:?} {:?}", object.name, field.offset, field.size, facts.places[field.object.0 as usize])
    };
    println!("cells in the environment, with the edges at them:");
    for cell in 0..points_to.fields().len() as u32 {
        let object = points_to.fields()[cell as usize].object;
        if !cut.environment[cell as usize] || matches!(facts.places[object.0 as usize], Place::External | Place::ExternalLow) {
            continue;
        }
        println!("  {}", name(cell));
        for e in &graph.edges {
            let node = graph::node(itarget_analyzer::points_to::FieldId(cell));
            if e.tail == node || e.head == node {
                let end = |n: u32| match n {
                    graph::SOURCE => "S".to_owned(),
                    graph::SINK => "T".to_owned(),
                    n if ((n - 2) as usize) < points_to.fields().len() => name(n - 2),
                    n => format!("node {n}"),
                };
                println!("      {} -> {} cap {} {:?}", end(e.tail), end(e.head), e.cap, e.cause);
            }
        }
    }
    println!("loads by what they may touch in the environment:");
    let mut by: BTreeMap<Vec<String>, (u64, Vec<String>)> = BTreeMap::new();
    for load in &facts.loads {
        let there: Vec<String> =
            load.values.iter().filter(|v| cut.environment[v.0 as usize]).map(|v| name(v.0)).collect();
        if there.is_empty() {
            continue;
        }
        let entry = by.entry(there).or_default();
        entry.0 += load.executions;
        entry.1.push(format!("{} ({} of {})", explain::place(&module, load.at), load.executions, load.values.len()));
    }
    for (cells, (executions, loads)) in by {
        println!("{} loads, {executions} executions: {cells:?}", loads.len());
        for load in loads.iter().take(6) {
            println!("      {load}");
        }
    }
}
