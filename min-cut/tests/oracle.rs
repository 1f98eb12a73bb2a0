//! The solver against two oracles: every cut of a small network, and petgraph's maximum flow.

use itarget_min_cut::{Cap, CutError, INFINITE, MinCut, Network, NetworkBuilder, certificate};
use petgraph::graph::{DiGraph, NodeIndex};
use proptest::prelude::*;

type Edges = Vec<(u32, u32, Cap)>;

fn network(nodes: u32, edges: &Edges) -> Network {
    let mut builder = NetworkBuilder::new(nodes);
    for &(u, v, cap) in edges {
        builder.add_edge(u, v, cap);
    }
    builder.build()
}

/// Value and source side of the minimum cut with the smallest source side, from all cuts; `None` if
/// all are infinite. The intersection of minimum cuts is one, so the smallest is unique.
fn brute_force(nodes: u32, edges: &Edges, s: u32, t: u32) -> Option<(u128, Vec<bool>)> {
    (0u32..1 << nodes)
        .filter(|side| side >> s & 1 == 1 && side >> t & 1 == 0)
        .filter_map(|side| {
            let mut value = 0u128;
            for &(u, v, cap) in edges {
                if side >> u & 1 == 1 && side >> v & 1 == 0 {
                    if cap == INFINITE {
                        return None;
                    }
                    value += u128::from(cap);
                }
            }
            Some((value, side))
        })
        .min_by_key(|&(value, side)| (value, side.count_ones()))
        .map(|(value, side)| (value, (0..nodes).map(|v| side >> v & 1 == 1).collect()))
}

/// petgraph's value; infinite capacities become more than all finite ones together.
fn petgraph_value(nodes: u32, edges: &Edges, s: u32, t: u32) -> u64 {
    let beyond = 1 + edges
        .iter()
        .filter(|e| e.2 != INFINITE)
        .map(|e| e.2)
        .sum::<u64>();
    let mut graph = DiGraph::<(), u64>::new();
    for _ in 0..nodes {
        graph.add_node(());
    }
    for &(u, v, cap) in edges {
        if u != v {
            graph.add_edge(
                NodeIndex::new(u as usize),
                NodeIndex::new(v as usize),
                cap.min(beyond),
            );
        }
    }
    petgraph::algo::dinics(
        &graph,
        NodeIndex::new(s as usize),
        NodeIndex::new(t as usize),
    )
    .0
}

fn assert_infinite_path(network: &Network, s: u32, t: u32, path: &[u32]) {
    let mut at = s;
    for &edge in path {
        let (u, v, cap) = network.edge(edge).expect("an edge of the network");
        assert_eq!((u, cap), (at, INFINITE));
        at = v;
    }
    assert_eq!(at, t);
    assert!(!path.is_empty());
}

fn check_against_all_cuts(nodes: u32, edges: &Edges) {
    let (s, t) = (0, nodes - 1);
    let network = network(nodes, edges);
    let answer = network.min_cut(s, t);
    assert_eq!(answer, network.min_cut(s, t), "not deterministic");
    match (brute_force(nodes, edges, s, t), answer) {
        (None, Err(CutError::Infinite { path })) => assert_infinite_path(&network, s, t, &path),
        (Some((value, side)), Ok(cut)) => {
            certificate::check(&network, s, t, &cut).expect("certificate");
            assert_eq!(u128::from(cut.value), value);
            assert_eq!(cut.source_side, side);
        }
        (Some(_), Err(CutError::Overflow)) => {
            let finite: u128 = edges
                .iter()
                .filter(|e| e.2 != INFINITE)
                .map(|e| u128::from(e.2))
                .sum();
            assert!(
                finite > u128::from(INFINITE - 2),
                "overflow without large capacities"
            );
        }
        (expected, got) => panic!("{expected:?} {got:?}"),
    }
}

fn caps() -> impl Strategy<Value = Cap> {
    prop_oneof![1 => Just(0), 8 => 1u64..12, 2 => 1u64..1000, 2 => Just(INFINITE)]
}

fn edges(
    nodes: u32,
    most: usize,
    caps: impl Strategy<Value = Cap>,
) -> impl Strategy<Value = Edges> {
    prop::collection::vec((0..nodes, 0..nodes, caps), 0..most)
}

fn sized(nodes: std::ops::Range<u32>, density: usize) -> impl Strategy<Value = (u32, Edges)> {
    nodes.prop_flat_map(move |n| (Just(n), edges(n, n as usize * density, caps())))
}

/// No two infinite edges in a row from source to sink: always solvable, with long inner ways.
fn finite(nodes: std::ops::Range<u32>, density: usize) -> impl Strategy<Value = (u32, Edges)> {
    nodes.prop_flat_map(move |n| (Just(n), edges(n, n as usize * density, 0u64..30)))
}

/// A chain of ranks with edges that mostly lead on, some of them infinite, and some back.
fn ranks() -> impl Strategy<Value = (u32, Edges)> {
    (3u32..9, 2u32..7).prop_flat_map(|(depth, width)| {
        let n = depth * width + 2;
        let caps = || prop_oneof![6 => 1u64..40, 1 => Just(INFINITE)];
        let inner = prop::collection::vec(
            (0..depth, 0..width, 0..width, 0u32..8, caps()),
            0..(n as usize * 4),
        );
        let ends = prop::collection::vec((0..width, 1u64..60, 1u64..60), 1..12);
        (inner, ends).prop_map(move |(inner, ends)| {
            let node = |rank: u32, column: u32| 1 + rank * width + column;
            let mut edges = Edges::new();
            for (rank, from, to, kind, cap) in inner {
                let next = if kind == 0 {
                    rank.saturating_sub(1)
                } else {
                    (rank + 1).min(depth - 1)
                };
                edges.push((node(rank, from), node(next, to), cap));
            }
            for (column, into, out) in ends {
                edges.push((0, node(0, column), into));
                edges.push((node(depth - 1, width - 1 - column), n - 1, out));
            }
            (n, edges)
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_all_cuts((nodes, edges) in sized(2..9, 4)) {
        check_against_all_cuts(nodes, &edges);
    }

    #[test]
    fn agrees_with_all_cuts_when_finite((nodes, edges) in finite(4..11, 4)) {
        check_against_all_cuts(nodes, &edges);
    }

    #[test]
    fn survives_huge_capacities(
        (nodes, edges) in (2u32..7).prop_flat_map(|n| {
            let cap = prop_oneof![2 => 1u64..9, 3 => INFINITE - 4..=INFINITE, 1 => INFINITE / 2 - 2..INFINITE / 2 + 2];
            (Just(n), edges(n, n as usize * 4, cap))
        })
    ) {
        check_against_all_cuts(nodes, &edges);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_petgraph((nodes, edges) in prop_oneof![sized(10..60, 3), finite(10..60, 5), ranks()]) {
        let (s, t) = (0, nodes - 1);
        let network = network(nodes, &edges);
        match network.min_cut(s, t) {
            Ok(cut) => {
                certificate::check(&network, s, t, &cut).expect("certificate");
                prop_assert_eq!(cut.value, petgraph_value(nodes, &edges, s, t));
            }
            Err(CutError::Infinite { path }) => assert_infinite_path(&network, s, t, &path),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn certificate_rejects_any_single_change(
        (nodes, edges) in finite(3..20, 4),
        pick in any::<prop::sample::Index>(),
        what in 0u32..5,
    ) {
        let (s, t) = (0, nodes - 1);
        let network = network(nodes, &edges);
        let cut = network.min_cut(s, t).expect("finite");
        let mut changed: MinCut = cut.clone();
        match what {
            0 => changed.value += 1,
            1 => {
                let node = pick.index(nodes as usize);
                changed.source_side[node] = !changed.source_side[node];
            }
            2 => {
                // Only edges between different nodes: a self-loop's flow is its own affair.
                let real: Vec<usize> = (0..edges.len()).filter(|&e| edges[e].0 != edges[e].1).collect();
                prop_assume!(!real.is_empty());
                let edge = real[pick.index(real.len())];
                changed.flow[edge] += 1;
            }
            3 => {
                prop_assume!(!cut.cut_edges.is_empty());
                changed.cut_edges.remove(pick.index(cut.cut_edges.len()));
            }
            _ => changed.cut_edges.push(edges.len() as u32),
        }
        prop_assert!(certificate::check(&network, s, t, &changed).is_err(), "{:?}", changed);
        prop_assert_eq!(certificate::check(&network, s, t, &cut), Ok(()));
    }
}
