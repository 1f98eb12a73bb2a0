//! Cuts networks in DIMACS's format for maximum flow problems (`itarget analyze --network` writes them).
//!
//! `dimacs [--runs N] [--petgraph] FILE...` prints a line of tab-separated fields per file: name, nodes, edges, value of
//! the cut, then medians in milliseconds of building the network, cutting it, and checking the certificate; with
//! `--petgraph` those of building petgraph's graph and of its `dinics` in the place of the last three.

use itarget_min_cut::{Cap, INFINITE, NetworkBuilder, certificate};
use petgraph::graph::{DiGraph, NodeIndex};
use std::process::exit;
use std::time::Instant;

#[derive(Default)]
struct Problem {
    nodes: u32,
    source: u32,
    sink: u32,
    edges: Vec<(u32, u32, Cap)>,
}

fn read(path: &str) -> Result<Problem, String> {
    let text = std::fs::read_to_string(path).map_err(|e| e.to_string())?;
    let mut p = Problem::default();
    for (n, line) in text.lines().enumerate() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let bad = || format!("line {}: {line}", n + 1);
        let number = |w: &str| w.parse::<u64>().map_err(|_| bad());
        let node = |w: &str| number(w)?.checked_sub(1).and_then(|v| u32::try_from(v).ok()).ok_or_else(bad);
        match words.as_slice() {
            [] | ["c", ..] => {}
            ["p", "max", nodes, _] => p.nodes = u32::try_from(number(nodes)?).map_err(|_| bad())?,
            ["n", v, "s"] => p.source = node(v)?,
            ["n", v, "t"] => p.sink = node(v)?,
            ["a", u, v, cap] => p.edges.push((node(u)?, node(v)?, number(cap)?)),
            _ => return Err(bad()),
        }
    }
    // More than everything finite together stands for infinite (see the writer).
    let largest = p.edges.iter().map(|e| e.2).max().unwrap_or(0);
    let rest: u128 = p.edges.iter().filter(|e| e.2 < largest).map(|e| u128::from(e.2)).sum();
    if u128::from(largest) > rest {
        for e in p.edges.iter_mut().filter(|e| e.2 == largest) {
            e.2 = INFINITE;
        }
    }
    Ok(p)
}

fn milliseconds<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed().as_secs_f64() * 1e3)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn ours(p: &Problem, runs: usize) -> (u64, Vec<f64>) {
    let mut times = [vec![], vec![], vec![]];
    let mut value = 0;
    for _ in 0..runs {
        let (network, build) = milliseconds(|| {
            let mut builder = NetworkBuilder::new(p.nodes);
            builder.reserve(p.edges.len() as u32);
            for &(u, v, cap) in &p.edges {
                builder.add_edge(u, v, cap);
            }
            builder.build()
        });
        let (cut, solve) = milliseconds(|| network.min_cut(p.source, p.sink).unwrap_or_else(|e| fail(&e.to_string())));
        let (proof, check) = milliseconds(|| certificate::check(&network, p.source, p.sink, &cut));
        proof.unwrap_or_else(|e| fail(&e.to_string()));
        value = cut.value;
        for (all, time) in times.iter_mut().zip([build, solve, check]) {
            all.push(time);
        }
    }
    (value, times.map(median).to_vec())
}

fn dinics(p: &Problem, runs: usize) -> (u64, Vec<f64>) {
    let beyond = 1 + p.edges.iter().filter(|e| e.2 != INFINITE).map(|e| e.2).sum::<u64>();
    let mut times = [vec![], vec![]];
    let mut value = 0;
    for _ in 0..runs {
        let (graph, build) = milliseconds(|| {
            let mut graph = DiGraph::<(), u64>::with_capacity(p.nodes as usize, p.edges.len());
            for _ in 0..p.nodes {
                graph.add_node(());
            }
            for &(u, v, cap) in &p.edges {
                graph.add_edge(NodeIndex::new(u as usize), NodeIndex::new(v as usize), cap.min(beyond));
            }
            graph
        });
        let ends = (NodeIndex::new(p.source as usize), NodeIndex::new(p.sink as usize));
        let ((flow, _), solve) = milliseconds(|| petgraph::algo::dinics(&graph, ends.0, ends.1));
        value = flow;
        for (all, time) in times.iter_mut().zip([build, solve]) {
            all.push(time);
        }
    }
    (value, times.map(median).to_vec())
}

fn fail(message: &str) -> ! {
    eprintln!("dimacs: {message}");
    exit(2)
}

fn main() {
    let mut runs = 5;
    let mut petgraph = false;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--petgraph" => petgraph = true,
            "--runs" => match args.next().and_then(|n| n.parse().ok()).filter(|n| *n > 0) {
                Some(n) => runs = n,
                None => fail("--runs wants a number"),
            },
            path => {
                let p = read(path).unwrap_or_else(|e| fail(&format!("{path}: {e}")));
                let (value, times) = if petgraph { dinics(&p, runs) } else { ours(&p, runs) };
                let times: Vec<String> = times.iter().map(|t| format!("{t:.3}")).collect();
                println!("{path}\t{}\t{}\t{value}\t{}", p.nodes, p.edges.len(), times.join("\t"));
            }
        }
    }
}
