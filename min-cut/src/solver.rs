//! From a network to its minimum cut: contract what infinite edges force, solve the rest, expand.
//!
//! What the source reaches over infinite edges is on its side of every finite cut, so it merges
//! into the source; likewise for the sink. Of the other nodes only those on some way from source to
//! sink matter. Edges that leave the merged source become one supply per node, edges that enter
//! the merged sink one demand per node, and `push_relabel` sees only the rest. Afterwards the flow
//! is spread over the original edges, and along the infinite trees inside the merged ends, so that
//! it is a valid flow of the original network; one last search finds the source side.

use crate::cut::{CutError, MinCut};
use crate::network::{Cap, INFINITE, Network};
use crate::push_relabel::{InnerEdge, InnerFlow, max_flow};

/// Larger sums than this are not carried; leaves room for "one more than any flow", below infinite.
const MAX_TOTAL: u64 = INFINITE - 2;

/// "Not an inner node", "no edge".
const NONE: u32 = u32::MAX;

/// Solves for two different nodes of a well-formed network.
pub(crate) fn solve(network: &Network, s: u32, t: u32) -> Result<MinCut, CutError> {
    let source = infinite_tree(network, s, true);
    if source.via[t as usize] != NONE {
        return Err(CutError::Infinite {
            path: path_to(network, &source, s, t),
        });
    }
    let sink = infinite_tree(network, t, false);
    let mut ends = Ends {
        place: vec![Place::Free; network.node_count() as usize],
    };
    for &v in &source.nodes {
        ends.place[v as usize] = Place::Source;
    }
    for &v in &sink.nodes {
        ends.place[v as usize] = Place::Sink;
    }
    let inner = Inner::new(network, &source, &sink, &ends);
    let solved = inner.solve()?;
    let (flow, value) = expand(network, &source, &sink, &ends, &inner, solved)?;
    let source_side = network.residual_reach(s, &flow);
    let cut_edges = network.crossing(&source_side);
    Ok(MinCut {
        value,
        source_side,
        flow,
        cut_edges,
    })
}

/// What infinite edges connect with an end, as a breadth-first tree.
struct Tree {
    /// In the order of discovery, the end itself first.
    nodes: Vec<u32>,
    /// The edge through which a node was found; `NONE` for the end and for nodes outside.
    via: Vec<u32>,
}

/// All nodes that `end` reaches over infinite edges (`forward`), or that so reach it.
fn infinite_tree(network: &Network, end: u32, forward: bool) -> Tree {
    let mut nodes = vec![end];
    let mut via = vec![NONE; network.node_count() as usize];
    let mut next = 0;
    while let Some(&u) = nodes.get(next) {
        next += 1;
        for arc in network.arcs(u) {
            let (v, edge) = (arc.to, arc.id.edge());
            if arc.id.is_forward() == forward
                && v != end
                && via[v as usize] == NONE
                && network.cap[edge] == INFINITE
            {
                via[v as usize] = edge as u32;
                nodes.push(v);
            }
        }
    }
    Tree { nodes, via }
}

/// The edges of the forward tree from `s` to `t`.
fn path_to(network: &Network, tree: &Tree, s: u32, t: u32) -> Vec<u32> {
    let mut path = Vec::new();
    let mut v = t;
    while v != s {
        let edge = tree.via[v as usize];
        path.push(edge);
        v = network.tail[edge as usize];
    }
    path.reverse();
    path
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Source,
    Sink,
    Free,
}

/// Which nodes have merged into which end.
struct Ends {
    place: Vec<Place>,
}

impl Ends {
    fn of(&self, v: u32) -> Place {
        self.place[v as usize]
    }
}

/// The contracted problem.
struct Inner {
    /// Inner number per node of the network; `NONE` if merged or irrelevant.
    number: Vec<u32>,
    /// Capacity from the merged source and to the merged sink, per inner node. Saturates: that much
    /// is as good as infinite.
    supply: Vec<Cap>,
    demand: Vec<Cap>,
    edges: Vec<InnerEdge>,
    /// Edge id in the network, per inner edge.
    edge_id: Vec<u32>,
}

impl Inner {
    fn new(network: &Network, source: &Tree, sink: &Tree, ends: &Ends) -> Self {
        let leads_on = free_reach(network, &source.nodes, ends, true, |_| true);
        let mut useful = vec![false; network.node_count() as usize];
        for &v in &leads_on {
            useful[v as usize] = true;
        }
        // Numbering in the order of a search from the sink puts what is used together together.
        let order = free_reach(network, &sink.nodes, ends, false, |v| useful[v as usize]);
        let mut number = vec![NONE; network.node_count() as usize];
        for (i, &v) in order.iter().enumerate() {
            number[v as usize] = i as u32;
        }
        let mut supply = vec![0; order.len()];
        let mut demand = vec![0; order.len()];
        let mut edges = Vec::new();
        let mut edge_id = Vec::new();
        for (edge, ((&u, &v), &cap)) in network
            .tail
            .iter()
            .zip(&network.head)
            .zip(&network.cap)
            .enumerate()
        {
            let (tail, head) = (number[u as usize], number[v as usize]);
            if tail != NONE && head != NONE {
                if tail != head && cap > 0 {
                    edges.push(InnerEdge { tail, head, cap });
                    edge_id.push(edge as u32);
                }
            } else if head != NONE && ends.of(u) == Place::Source {
                let slot: &mut Cap = &mut supply[head as usize];
                *slot = slot.saturating_add(cap);
            } else if tail != NONE && ends.of(v) == Place::Sink {
                let slot: &mut Cap = &mut demand[tail as usize];
                *slot = slot.saturating_add(cap);
            }
        }
        Inner {
            number,
            supply,
            demand,
            edges,
            edge_id,
        }
    }

    /// A maximum flow of the contracted problem.
    fn solve(&self) -> Result<InnerFlow, CutError> {
        let total = |caps: &[Cap]| caps.iter().map(|&cap| u128::from(cap)).sum::<u128>();
        let (supply, demand) = (total(&self.supply), total(&self.demand));
        let most = u64::try_from(supply.min(demand))
            .ok()
            .filter(|&most| most <= MAX_TOTAL)
            .ok_or(CutError::Overflow)?;
        // No flow exceeds `most`. Lowering capacities to just above it, infinite ones among them,
        // changes no minimum cut, and nothing can then overflow if at most 2^64 - 1 is sent out.
        let enough = most + 1;
        let lower =
            |caps: &[Cap]| -> Vec<Cap> { caps.iter().map(|&cap| cap.min(enough)).collect() };
        let edges = self.edges.iter().map(|&edge| InnerEdge {
            cap: edge.cap.min(enough),
            ..edge
        });
        if supply <= u128::from(MAX_TOTAL) {
            let edges: Vec<_> = edges.collect();
            return Ok(max_flow(&self.supply, &lower(&self.demand), &edges));
        }
        // Too much could be sent out; the other way round it is not.
        let edges: Vec<_> = edges
            .map(|edge| InnerEdge {
                tail: edge.head,
                head: edge.tail,
                cap: edge.cap,
            })
            .collect();
        let InnerFlow {
            edge_flow,
            supplied,
            met,
        } = max_flow(&self.demand, &lower(&self.supply), &edges);
        Ok(InnerFlow {
            edge_flow,
            supplied: met,
            met: supplied,
        })
    }
}

/// Free nodes that `keep` admits and that are connected with a merged end over edges of positive
/// capacity, in breadth-first order.
fn free_reach(
    network: &Network,
    end: &[u32],
    ends: &Ends,
    forward: bool,
    keep: impl Fn(u32) -> bool,
) -> Vec<u32> {
    let mut seen = vec![false; network.node_count() as usize];
    let mut order = Vec::new();
    let mut visit = |u: u32, order: &mut Vec<u32>| {
        for arc in network.arcs(u) {
            let v = arc.to;
            if arc.id.is_forward() == forward
                && !seen[v as usize]
                && ends.of(v) == Place::Free
                && network.cap[arc.id.edge()] > 0
                && keep(v)
            {
                seen[v as usize] = true;
                order.push(v);
            }
        }
    };
    for &u in end {
        visit(u, &mut order);
    }
    let mut next = 0;
    while let Some(&u) = order.get(next) {
        next += 1;
        visit(u, &mut order);
    }
    order
}

/// The flow of the original network, and its value.
fn expand(
    network: &Network,
    source: &Tree,
    sink: &Tree,
    ends: &Ends,
    inner: &Inner,
    solved: InnerFlow,
) -> Result<(Vec<Cap>, u64), CutError> {
    let InnerFlow {
        edge_flow,
        mut supplied,
        mut met,
    } = solved;
    let mut flow = vec![0; network.edge_count() as usize];
    for (&edge, &amount) in inner.edge_id.iter().zip(&edge_flow) {
        flow[edge as usize] = amount;
    }
    let mut value = 0u128;
    for (edge, slot) in flow.iter_mut().enumerate() {
        let (u, v, cap) = (network.tail[edge], network.head[edge], network.cap[edge]);
        let amount = match (ends.of(u), ends.of(v)) {
            (Place::Source, Place::Sink) => cap,
            (Place::Source, Place::Free) => take(&mut supplied, inner.number[v as usize], cap),
            (Place::Free, Place::Sink) => take(&mut met, inner.number[u as usize], cap),
            _ => continue,
        };
        *slot = amount;
        if ends.of(u) == Place::Source {
            value += u128::from(amount);
        }
    }
    let value = u64::try_from(value)
        .ok()
        .filter(|&value| value < INFINITE)
        .ok_or(CutError::Overflow)?;
    // The value bounds everything that passes through a merged end, so these sums do not overflow.
    let mut through = vec![0u64; network.node_count() as usize];
    for (edge, &amount) in flow.iter().enumerate() {
        let (u, v) = (network.tail[edge], network.head[edge]);
        if ends.of(u) == Place::Source {
            through[u as usize] += amount;
        }
        if ends.of(v) == Place::Sink {
            through[v as usize] += amount;
        }
    }
    for (tree, other_end) in [(source, &network.tail), (sink, &network.head)] {
        for &v in tree.nodes[1..].iter().rev() {
            let edge = tree.via[v as usize] as usize;
            flow[edge] = through[v as usize];
            through[other_end[edge] as usize] += through[v as usize];
        }
    }
    Ok((flow, value))
}

/// Takes up to `cap` from what is still to be spread over the edges of an inner node.
fn take(left: &mut [Cap], node: u32, cap: Cap) -> Cap {
    let Some(left) = left.get_mut(node as usize) else {
        return 0;
    };
    let amount = cap.min(*left);
    *left -= amount;
    amount
}
