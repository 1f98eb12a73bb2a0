//! Hand-made networks: each shows one property of the cut, the certificate or an error.

use itarget_min_cut::certificate::{CertificateError, check};
use itarget_min_cut::{Cap, CutError, INFINITE, MinCut, Network, NetworkBuilder};

fn network(nodes: u32, edges: &[(u32, u32, Cap)]) -> Network {
    let mut builder = NetworkBuilder::new(nodes);
    for (id, &(u, v, cap)) in edges.iter().enumerate() {
        assert_eq!(builder.add_edge(u, v, cap), id as u32);
    }
    builder.build()
}

fn cut(network: &Network, s: u32, t: u32) -> MinCut {
    let cut = network.min_cut(s, t).expect("a finite cut");
    check(network, s, t, &cut).expect("a valid certificate");
    cut
}

#[test]
fn the_cut_nearest_the_source_wins_a_tie() {
    let network = network(4, &[(0, 1, 7), (1, 2, 7), (2, 3, 7)]);
    let cut = cut(&network, 0, 3);
    assert_eq!((cut.value, cut.cut_edges), (7, vec![0]));
    assert_eq!(cut.source_side, [true, false, false, false]);
    assert_eq!(cut.flow, [7, 7, 7]);
}

#[test]
fn nothing_connects() {
    let network = network(
        4,
        &[
            (0, 1, INFINITE),
            (3, 2, 5),
            (3, 0, 5),
            (1, 3, 0),
            (1, 1, INFINITE),
        ],
    );
    let cut = cut(&network, 0, 3);
    assert_eq!(cut.value, 0);
    assert_eq!(cut.source_side, [true, true, false, false]);
    assert_eq!(cut.cut_edges, [3], "an edge of capacity zero still crosses");
    assert_eq!(cut.flow, [0; 5]);
}

#[test]
fn no_edges_at_all() {
    let cut = cut(&network(2, &[]), 1, 0);
    assert_eq!((cut.value, cut.source_side), (0, vec![false, true]));
}

#[test]
fn forced_nodes_carry_flow_through_their_infinite_trees() {
    // 0 => 1 => 2 and 5 => 6 => 7 are infinite; the finite middle decides.
    let network = network(
        8,
        &[
            (0, 1, INFINITE),
            (1, 2, INFINITE),
            (2, 3, 5),
            (1, 4, 3),
            (3, 5, 4),
            (4, 6, 9),
            (2, 6, 2),
            (5, 6, INFINITE),
            (6, 7, INFINITE),
            (5, 1, 100),
            (0, 2, 50),
        ],
    );
    let cut = cut(&network, 0, 7);
    assert_eq!((cut.value, cut.cut_edges), (9, vec![3, 4, 6]));
    assert_eq!(cut.flow, [9, 6, 4, 3, 4, 3, 2, 4, 9, 0, 0]);
}

#[test]
fn excess_that_gets_stuck_behind_a_cycle_returns() {
    let network = network(
        6,
        &[
            (0, 1, 100),
            (1, 2, 60),
            (2, 3, 60),
            (3, 1, 60),
            (3, 4, 50),
            (4, 2, 30),
            (4, 5, 1),
            (2, 5, 1),
        ],
    );
    let cut = cut(&network, 0, 5);
    assert_eq!((cut.value, cut.cut_edges), (2, vec![6, 7]));
}

#[test]
fn infinite_path_is_named_edge_by_edge() {
    let network = network(
        5,
        &[
            (0, 1, INFINITE),
            (1, 2, 5),
            (1, 3, INFINITE),
            (3, 4, INFINITE),
            (3, 2, INFINITE),
            (2, 4, INFINITE),
        ],
    );
    assert_eq!(
        network.min_cut(0, 4),
        Err(CutError::Infinite {
            path: vec![0, 2, 3]
        })
    );
}

#[test]
fn infinite_edges_in_the_middle_are_not_cut() {
    let network = network(
        4,
        &[
            (0, 1, 10),
            (0, 2, 10),
            (1, 2, INFINITE),
            (2, 1, INFINITE),
            (2, 3, 13),
        ],
    );
    let cut = cut(&network, 0, 3);
    assert_eq!((cut.value, cut.cut_edges), (13, vec![4]));
}

#[test]
fn sums_beyond_64_bits_are_errors_only_when_they_matter() {
    let huge = INFINITE - 1;
    let two_ways = network(4, &[(0, 1, huge), (0, 2, huge), (1, 3, huge), (2, 3, huge)]);
    assert_eq!(two_ways.min_cut(0, 3), Err(CutError::Overflow));
    // Either end alone may be too wide.
    let wide_start = network(
        4,
        &[
            (0, 1, huge),
            (0, 1, huge),
            (0, 2, huge),
            (1, 2, huge),
            (2, 3, 5),
            (1, 3, 6),
        ],
    );
    assert_eq!(cut(&wide_start, 0, 3).value, 11);
    let wide_end = network(
        4,
        &[
            (0, 1, 4),
            (0, 2, 5),
            (1, 3, huge),
            (2, 3, huge),
            (1, 2, INFINITE),
        ],
    );
    assert_eq!(cut(&wide_end, 0, 3).value, 9);
    let direct = network(2, &[(0, 1, huge)]);
    assert_eq!(cut(&direct, 0, 1).value, huge);
    let direct_twice = network(2, &[(0, 1, huge), (0, 1, 1)]);
    assert_eq!(direct_twice.min_cut(0, 1), Err(CutError::Overflow));
}

#[test]
fn certificate_names_what_was_tampered_with() {
    let network = network(
        5,
        &[
            (0, 1, 10),
            (1, 2, 4),
            (1, 3, 4),
            (2, 4, 9),
            (3, 4, 9),
            (1, 3, INFINITE),
            (2, 2, 3),
        ],
    );
    let good = cut(&network, 0, 4);
    assert_eq!((good.value, good.cut_edges.as_slice()), (10, &[0][..]));
    let tampered = |change: &dyn Fn(&mut MinCut)| {
        let mut bad = good.clone();
        change(&mut bad);
        check(&network, 0, 4, &bad)
    };
    assert_eq!(tampered(&|_| ()), Ok(()));
    assert_eq!(
        tampered(&|c| c.value = 9),
        Err(CertificateError::CutValue { capacity: 10 })
    );
    assert_eq!(
        tampered(&|c| c.flow[0] = 11),
        Err(CertificateError::AboveCapacity { edge: 0 })
    );
    assert_eq!(
        tampered(&|c| c.flow[0] = 9),
        Err(CertificateError::Conservation { node: 1 })
    );
    assert_eq!(
        tampered(&|c| c.flow = vec![0; 7]),
        Err(CertificateError::FlowValue { flow: 0 })
    );
    assert_eq!(tampered(&|c| c.flow.push(0)), Err(CertificateError::Shape));
    assert_eq!(
        tampered(&|c| c.source_side.truncate(4)),
        Err(CertificateError::Shape)
    );
    assert_eq!(
        tampered(&|c| c.source_side[0] = false),
        Err(CertificateError::Sides)
    );
    assert_eq!(
        tampered(&|c| c.source_side[4] = true),
        Err(CertificateError::Sides)
    );
    assert_eq!(
        tampered(&|c| c.source_side[1] = true),
        Err(CertificateError::InfiniteCrosses { edge: 5 })
    );
    assert_eq!(
        tampered(&|c| c.cut_edges.push(1)),
        Err(CertificateError::CutEdges)
    );
    assert_eq!(
        tampered(&|c| c.cut_edges.clear()),
        Err(CertificateError::CutEdges)
    );
    assert_eq!(
        check(&network, 0, 0, &good),
        Err(CertificateError::Question(CutError::SameNode))
    );
    assert_eq!(
        check(&network, 0, 5, &good),
        Err(CertificateError::Question(CutError::BadNode))
    );
}

#[test]
fn certificate_rejects_a_minimum_cut_that_is_not_the_smallest() {
    let network = network(3, &[(0, 1, 7), (1, 2, 7)]);
    let mut other = cut(&network, 0, 2);
    other.source_side[1] = true;
    other.cut_edges = vec![1];
    assert_eq!(
        check(&network, 0, 2, &other),
        Err(CertificateError::NotMinimal { node: 1 })
    );
}

#[test]
fn deep_chains_and_wide_stars_do_not_recurse() {
    let n = 200_000;
    let mut edges: Vec<_> = (0..n - 1)
        .map(|v| (v, v + 1, 10 + u64::from(v % 7)))
        .collect();
    edges[1000].2 = 3;
    assert_eq!(cut(&network(n, &edges), 0, n - 1).cut_edges, [1000]);
    let star: Vec<_> = (1..n - 1)
        .flat_map(|v| [(0, v, 2), (v, n - 1, 1 + u64::from(v % 3))])
        .collect();
    let cut = cut(&network(n, &star), 0, n - 1);
    assert_eq!(
        cut.value,
        (1..n - 1).map(|v| u64::from(1 + v % 3).min(2)).sum::<u64>()
    );
}
