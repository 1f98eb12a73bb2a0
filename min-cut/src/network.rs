//! The network: edges by id, and one array of forward and residual arcs grouped by node.

use crate::cut::{CutError, MinCut};
use crate::solver;

/// Capacity of an edge, in the unit of the caller's cost model.
pub type Cap = u64;

/// Capacity of an edge that no cut may contain. Every other value is an ordinary finite capacity.
pub const INFINITE: Cap = u64::MAX;

/// Edge ids must leave room for the direction bit of an [`ArcId`].
const MAX_EDGES: usize = (u32::MAX / 2) as usize;

/// Collects edges; [`NetworkBuilder::build`] then groups them by node.
#[derive(Clone, Debug)]
pub struct NetworkBuilder {
    nodes: u32,
    tail: Vec<u32>,
    head: Vec<u32>,
    cap: Vec<Cap>,
    defect: Option<CutError>,
    max_edges: usize,
}

impl NetworkBuilder {
    /// A network of `nodes` nodes, numbered from 0, and no edges yet.
    pub fn new(nodes: u32) -> Self {
        NetworkBuilder {
            nodes,
            tail: Vec::new(),
            head: Vec::new(),
            cap: Vec::new(),
            defect: None,
            max_edges: MAX_EDGES,
        }
    }

    /// Makes room for `additional` more edges.
    pub fn reserve(&mut self, additional: u32) {
        let additional = additional as usize;
        self.tail.reserve(additional);
        self.head.reserve(additional);
        self.cap.reserve(additional);
    }

    /// Adds an edge from `u` to `v` and returns its id: 0 for the first edge, then 1, and so on.
    ///
    /// Parallel edges stay apart. Self-loops get an id and are otherwise ignored. An edge that
    /// names a missing node gets an id as well; [`Network::min_cut`] then reports it. Past
    /// 2^31 - 1 edges nothing is stored, `u32::MAX` is returned, and `min_cut` reports that.
    pub fn add_edge(&mut self, u: u32, v: u32, cap: Cap) -> u32 {
        if self.tail.len() >= self.max_edges {
            self.defect.get_or_insert(CutError::TooManyEdges);
            return u32::MAX;
        }
        let edge = self.tail.len() as u32;
        if u >= self.nodes || v >= self.nodes {
            self.defect.get_or_insert(CutError::BadEdge { edge });
        }
        self.tail.push(u);
        self.head.push(v);
        self.cap.push(cap);
        edge
    }

    /// Groups the edges by node.
    pub fn build(self) -> Network {
        let NetworkBuilder {
            nodes,
            tail,
            head,
            cap,
            defect,
            ..
        } = self;
        let (first, arcs) = if defect.is_none() {
            group_by_node(nodes, &tail, &head)
        } else {
            // Nothing walks the arcs of a defective network.
            (Vec::new(), Vec::new())
        };
        Network {
            nodes,
            tail,
            head,
            cap,
            first,
            arcs,
            defect,
        }
    }
}

/// Counting sort of both arcs of every edge by the node they leave; within a node by edge id.
fn group_by_node(nodes: u32, tail: &[u32], head: &[u32]) -> (Vec<u32>, Vec<Arc>) {
    let mut first = vec![0u32; nodes as usize + 1];
    for (&u, &v) in tail.iter().zip(head) {
        if u != v {
            first[u as usize] += 1;
            first[v as usize] += 1;
        }
    }
    let mut end = 0;
    for slot in &mut first {
        end += *slot;
        *slot = end;
    }
    // Filling from the back turns every end into the start of its node.
    let mut arcs = vec![
        Arc {
            id: ArcId(0),
            to: 0
        };
        end as usize
    ];
    for (edge, (&u, &v)) in tail.iter().zip(head).enumerate().rev() {
        if u != v {
            let edge = edge as u32;
            for (from, arc) in [
                (
                    v,
                    Arc {
                        id: ArcId(edge << 1 | 1),
                        to: u,
                    },
                ),
                (
                    u,
                    Arc {
                        id: ArcId(edge << 1),
                        to: v,
                    },
                ),
            ] {
                first[from as usize] -= 1;
                arcs[first[from as usize] as usize] = arc;
            }
        }
    }
    (first, arcs)
}

/// An edge together with a direction of travel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ArcId(u32);

impl ArcId {
    /// The edge travelled.
    pub(crate) fn edge(self) -> usize {
        (self.0 >> 1) as usize
    }

    /// Whether the edge is travelled from its tail to its head.
    pub(crate) fn is_forward(self) -> bool {
        self.0 & 1 == 0
    }
}

/// One way to leave a node: along an edge, or against it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arc {
    /// Which edge, and in which direction.
    pub(crate) id: ArcId,
    /// The node at the other end.
    pub(crate) to: u32,
}

/// A directed network with capacities, ready to be cut. Immutable.
#[derive(Clone, Debug)]
pub struct Network {
    nodes: u32,
    pub(crate) tail: Vec<u32>,
    pub(crate) head: Vec<u32>,
    pub(crate) cap: Vec<Cap>,
    /// `arcs[first[v]..first[v + 1]]` leave node `v`.
    first: Vec<u32>,
    arcs: Vec<Arc>,
    defect: Option<CutError>,
}

impl Network {
    /// Number of nodes.
    pub fn node_count(&self) -> u32 {
        self.nodes
    }

    /// Number of edges, self-loops included; edge ids are below this.
    pub fn edge_count(&self) -> u32 {
        self.tail.len() as u32
    }

    /// Tail, head and capacity of an edge, or `None` if there is no such edge.
    pub fn edge(&self, edge: u32) -> Option<(u32, u32, Cap)> {
        let edge = edge as usize;
        Some((
            *self.tail.get(edge)?,
            *self.head.get(edge)?,
            *self.cap.get(edge)?,
        ))
    }

    /// The minimum cut between source `s` and sink `t` whose source side is smallest.
    ///
    /// Deterministic: the same network gives the same flow and the same cut.
    ///
    /// # Errors
    /// - [`CutError::BadNode`], [`CutError::SameNode`]: `s` and `t` are not two nodes of this network;
    /// - [`CutError::BadEdge`], [`CutError::TooManyEdges`]: the builder was given an impossible edge;
    /// - [`CutError::Infinite`]: infinite edges alone lead from `s` to `t`;
    /// - [`CutError::Overflow`]: finite capacities add up beyond 64 bits.
    pub fn min_cut(&self, s: u32, t: u32) -> Result<MinCut, CutError> {
        self.validate(s, t)?;
        solver::solve(self, s, t)
    }

    /// Whether the network is well formed and `s` and `t` are two of its nodes.
    pub(crate) fn validate(&self, s: u32, t: u32) -> Result<(), CutError> {
        if let Some(defect) = &self.defect {
            return Err(defect.clone());
        }
        if s >= self.nodes || t >= self.nodes {
            return Err(CutError::BadNode);
        }
        if s == t {
            return Err(CutError::SameNode);
        }
        Ok(())
    }

    /// The arcs, forward and residual, that leave `v`.
    pub(crate) fn arcs(&self, v: u32) -> &[Arc] {
        let v = v as usize;
        &self.arcs[self.first[v] as usize..self.first[v + 1] as usize]
    }

    /// Nodes reachable from `s` when `flow` is subtracted from the capacities.
    pub(crate) fn residual_reach(&self, s: u32, flow: &[Cap]) -> Vec<bool> {
        let mut seen = vec![false; self.nodes as usize];
        seen[s as usize] = true;
        let mut stack = vec![s];
        while let Some(u) = stack.pop() {
            for arc in self.arcs(u) {
                if seen[arc.to as usize] {
                    continue;
                }
                let edge = arc.id.edge();
                let open = if arc.id.is_forward() {
                    self.cap[edge] == INFINITE || flow[edge] < self.cap[edge]
                } else {
                    flow[edge] > 0
                };
                if open {
                    seen[arc.to as usize] = true;
                    stack.push(arc.to);
                }
            }
        }
        seen
    }

    /// Ids of the edges that leave `side`, ascending.
    pub(crate) fn crossing(&self, side: &[bool]) -> Vec<u32> {
        let ends = self.tail.iter().zip(&self.head);
        ends.enumerate()
            .filter(|&(_, (&u, &v))| side[u as usize] && !side[v as usize])
            .map(|(edge, _)| edge as u32)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arcs_are_grouped_by_node_in_edge_order() {
        let mut builder = NetworkBuilder::new(3);
        assert_eq!(builder.add_edge(0, 1, 5), 0);
        assert_eq!(builder.add_edge(1, 1, 9), 1);
        assert_eq!(builder.add_edge(2, 0, 6), 2);
        assert_eq!(builder.add_edge(0, 1, 7), 3);
        let network = builder.build();
        let view = |v| -> Vec<(usize, bool, u32)> {
            network
                .arcs(v)
                .iter()
                .map(|a| (a.id.edge(), a.id.is_forward(), a.to))
                .collect()
        };
        assert_eq!(view(0), [(0, true, 1), (2, false, 2), (3, true, 1)]);
        assert_eq!(view(1), [(0, false, 0), (3, false, 0)]);
        assert_eq!(view(2), [(2, true, 0)]);
        assert_eq!((network.node_count(), network.edge_count()), (3, 4));
        assert_eq!(network.edge(3), Some((0, 1, 7)));
        assert_eq!(network.edge(4), None);
    }

    #[test]
    fn impossible_requests_are_errors() {
        let mut builder = NetworkBuilder::new(2);
        builder.add_edge(0, 1, 1);
        let good = builder.clone().build();
        assert_eq!(good.min_cut(0, 2), Err(CutError::BadNode));
        assert_eq!(good.min_cut(2, 0), Err(CutError::BadNode));
        assert_eq!(good.min_cut(1, 1), Err(CutError::SameNode));
        assert_eq!(
            NetworkBuilder::new(0).build().min_cut(0, 0),
            Err(CutError::BadNode)
        );
        builder.add_edge(0, 2, 1);
        builder.add_edge(9, 0, 1);
        assert_eq!(
            builder.build().min_cut(0, 1),
            Err(CutError::BadEdge { edge: 1 })
        );
    }

    #[test]
    fn too_many_edges_is_an_error() {
        let mut builder = NetworkBuilder::new(2);
        builder.max_edges = 1;
        assert_eq!(builder.add_edge(0, 1, 1), 0);
        assert_eq!(builder.add_edge(0, 1, 1), u32::MAX);
        assert_eq!(builder.build().min_cut(0, 1), Err(CutError::TooManyEdges));
    }
}
