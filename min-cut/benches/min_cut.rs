//! Minimum cut against petgraph's Dinic on generated networks in the shape of flow graphs.
//!
//! `cargo bench -p itarget-min-cut` runs small sizes in seconds. `MIN_CUT_EDGES=1000000,5000000`
//! sets other approximate edge counts; `MIN_CUT_ORACLE=0` leaves petgraph out. Before measuring,
//! each network is solved once by both, the answer is certified, and the ratio is printed.

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use itarget_min_cut::{Cap, INFINITE, Network, NetworkBuilder, certificate};
use petgraph::graph::{DiGraph, NodeIndex};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// A small generator of pseudo-random numbers (G. Marsaglia, "Xorshift RNGs", 2003), so that every
/// run measures the same networks.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 32) % u64::from(bound)) as u32
    }

    /// Mostly small, rarely large, as byte counts are.
    fn cost(&mut self) -> Cap {
        let bits = self.below(14);
        1 + u64::from(self.below(1 << bits))
    }
}

struct Shape {
    name: &'static str,
    nodes: u32,
    sink: u32,
    edges: Vec<(u32, u32, Cap)>,
}

/// Source -> external calls -> values and objects -> operations -> sink: inputs are bound to the
/// source and required operations to the sink by infinite edges, the rest is free.
fn shallow(edges: u32) -> Shape {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let values = (edges / 5).max(10);
    let (calls, operations) = (values / 10, values / 2);
    let call = |i: u32| 1 + i;
    let value = |i: u32| 1 + calls + i;
    let operation = |i: u32| 1 + calls + values + i;
    let sink = 1 + calls + values + operations;
    let mut list = Vec::new();
    for i in 0..calls {
        list.push((
            0,
            call(i),
            if random.below(3) > 0 {
                INFINITE
            } else {
                random.cost()
            },
        ));
        for _ in 0..3 {
            list.push((call(i), value(random.below(values)), random.cost()));
        }
    }
    for i in 0..operations {
        // An operation reads and writes values near its own place, and a few far ones.
        let home = i * (values / operations);
        for k in 0..7 {
            let far = random.below(20) == 0;
            let at = if far {
                random.below(values)
            } else {
                (home + random.below(40)) % values
            };
            if k < 5 {
                list.push((value(at), operation(i), random.cost()));
            } else {
                list.push((operation(i), value(at), random.cost()));
            }
        }
        if random.below(5) == 0 {
            list.push((operation(i), sink, INFINITE));
        } else if random.below(4) == 0 {
            list.push((operation(i), sink, random.cost()));
        }
    }
    Shape {
        name: "shallow",
        nodes: sink + 1,
        sink,
        edges: list,
    }
}

/// The same, but nothing forced and a long way from source to sink: values flow through fifty
/// ranks of operations, so that neither contraction nor a short distance helps.
fn deep(edges: u32) -> Shape {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let ranks = 50;
    let width = (edges / (4 * ranks)).max(4);
    let node = |rank: u32, i: u32| 1 + rank * width + i % width;
    let sink = 1 + ranks * width;
    let mut list = Vec::new();
    for i in 0..width {
        list.push((0, node(0, i), 20 * random.cost()));
        list.push((node(ranks - 1, i), sink, 20 * random.cost()));
    }
    for rank in 0..ranks {
        for i in 0..width {
            for _ in 0..4 {
                let next = if random.below(10) == 0 {
                    rank.saturating_sub(1)
                } else {
                    (rank + 1).min(ranks - 1)
                };
                let near = if random.below(10) == 0 {
                    random.below(width)
                } else {
                    i + random.below(8)
                };
                list.push((node(rank, i), node(next, near), random.cost()));
            }
        }
    }
    list.retain(|&(u, v, _)| u != v);
    Shape {
        name: "deep",
        nodes: sink + 1,
        sink,
        edges: list,
    }
}

fn ours(shape: &Shape) -> Network {
    let mut builder = NetworkBuilder::new(shape.nodes);
    builder.reserve(shape.edges.len() as u32);
    for &(u, v, cap) in &shape.edges {
        builder.add_edge(u, v, cap);
    }
    builder.build()
}

fn theirs(shape: &Shape) -> DiGraph<(), u64> {
    let beyond = 1 + shape
        .edges
        .iter()
        .filter(|e| e.2 != INFINITE)
        .map(|e| e.2)
        .sum::<u64>();
    let mut graph = DiGraph::with_capacity(shape.nodes as usize, shape.edges.len());
    for _ in 0..shape.nodes {
        graph.add_node(());
    }
    for &(u, v, cap) in &shape.edges {
        graph.add_edge(
            NodeIndex::new(u as usize),
            NodeIndex::new(v as usize),
            cap.min(beyond),
        );
    }
    graph
}

fn dinic(graph: &DiGraph<(), u64>, sink: u32) -> u64 {
    petgraph::algo::dinics(graph, NodeIndex::new(0), NodeIndex::new(sink as usize)).0
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

fn compare(criterion: &mut Criterion, shape: &Shape, oracle: bool) {
    let (network, build) = timed(|| ours(shape));
    let (cut, solve) = timed(|| network.min_cut(0, shape.sink).expect("a finite cut"));
    let ((), proof) =
        timed(|| certificate::check(&network, 0, shape.sink, &cut).expect("a valid certificate"));
    let size = shape.edges.len();
    eprintln!(
        "{} {size} edges, {} nodes: cut {} over {} edges; build {build:.1?}, cut {solve:.1?}, check {proof:.1?}",
        shape.name,
        shape.nodes,
        cut.value,
        cut.cut_edges.len()
    );
    let mut group = criterion.benchmark_group(shape.name);
    group
        .throughput(Throughput::Elements(size as u64))
        .sampling_mode(SamplingMode::Flat);
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1));
    group.bench_function(BenchmarkId::new("push-relabel", size), |b| {
        b.iter(|| black_box(&network).min_cut(0, shape.sink));
    });
    if oracle {
        let graph = theirs(shape);
        let (value, dinic_time) = timed(|| dinic(&graph, shape.sink));
        assert_eq!(value, cut.value, "petgraph disagrees");
        eprintln!(
            "{} {size} edges: dinics {dinic_time:.1?}, ratio {:.1}",
            shape.name,
            dinic_time.as_secs_f64() / solve.as_secs_f64()
        );
        group.bench_function(BenchmarkId::new("petgraph-dinics", size), |b| {
            b.iter(|| dinic(black_box(&graph), shape.sink));
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let sizes = std::env::var("MIN_CUT_EDGES").unwrap_or_else(|_| "2000,20000".into());
    let oracle = std::env::var("MIN_CUT_ORACLE").map_or(true, |v| v != "0");
    for size in sizes.split(',') {
        let size = size
            .trim()
            .parse()
            .expect("MIN_CUT_EDGES is a list of numbers");
        compare(&mut criterion, &shallow(size), oracle);
        compare(&mut criterion, &deep(size), oracle);
    }
    criterion.final_summary();
}
