//! Checks a cut without trusting whoever computed it.
//!
//! A flow and a cut of equal value prove each other optimal (L. R. Ford and D. R. Fulkerson,
//! "Maximal Flow through a Network", Canadian Journal of Mathematics 8, 1956). So a few linear
//! passes over the network suffice, and they share no code with the solver but the arc arrays.

use crate::cut::{CutError, MinCut};
use crate::network::{Cap, INFINITE, Network};
use std::fmt;

/// What is wrong with an alleged minimum cut.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateError {
    /// The question is already wrong: no two such nodes, or a malformed network.
    Question(CutError),
    /// `flow` or `source_side` does not have one entry per edge or node.
    Shape,
    /// The edge carries more than its capacity.
    AboveCapacity {
        /// Edge id.
        edge: u32,
    },
    /// Flow into and out of the node differ, and it is neither source nor sink.
    Conservation {
        /// The node.
        node: u32,
    },
    /// The source is not on the source side, or the sink is.
    Sides,
    /// An infinite edge crosses the cut.
    InfiniteCrosses {
        /// Edge id.
        edge: u32,
    },
    /// `cut_edges` is not the ascending list of the edges that cross.
    CutEdges,
    /// The capacity of the crossing edges is not the claimed value.
    CutValue {
        /// The capacity of the crossing edges.
        capacity: u128,
    },
    /// The net flow out of the source is not the claimed value.
    FlowValue {
        /// The net flow out of the source.
        flow: i128,
    },
    /// The cut is minimum, but this source-side node could move to the sink side for free.
    NotMinimal {
        /// The node.
        node: u32,
    },
}

impl CertificateError {
    /// Stable identifier of the kind of error.
    pub fn code(&self) -> &'static str {
        match self {
            CertificateError::Question(error) => error.code(),
            CertificateError::Shape => "certificate-shape",
            CertificateError::AboveCapacity { .. } => "certificate-above-capacity",
            CertificateError::Conservation { .. } => "certificate-conservation",
            CertificateError::Sides => "certificate-sides",
            CertificateError::InfiniteCrosses { .. } => "certificate-infinite-crosses",
            CertificateError::CutEdges => "certificate-cut-edges",
            CertificateError::CutValue { .. } => "certificate-cut-value",
            CertificateError::FlowValue { .. } => "certificate-flow-value",
            CertificateError::NotMinimal { .. } => "certificate-not-minimal",
        }
    }

    /// What the caller can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            CertificateError::Question(error) => error.hint(),
            _ => {
                "check the cut against the network, source and sink it was computed for; if they match, report a solver bug"
            }
        }
    }
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CertificateError::Question(error) => error.fmt(f),
            CertificateError::Shape => {
                f.write_str("the cut is not one of this network: wrong number of nodes or edges")
            }
            CertificateError::AboveCapacity { edge } => {
                write!(f, "edge {edge} carries more than its capacity")
            }
            CertificateError::Conservation { node } => {
                write!(f, "node {node} does not conserve flow")
            }
            CertificateError::Sides => f.write_str("source or sink is on the wrong side"),
            CertificateError::InfiniteCrosses { edge } => {
                write!(f, "infinite edge {edge} crosses the cut")
            }
            CertificateError::CutEdges => {
                f.write_str("the listed cut edges are not those that cross")
            }
            CertificateError::CutValue { capacity } => {
                write!(
                    f,
                    "the edges that cross have capacity {capacity}, not the claimed value"
                )
            }
            CertificateError::FlowValue { flow } => {
                write!(
                    f,
                    "the source sends {flow} units of flow, not the claimed value"
                )
            }
            CertificateError::NotMinimal { node } => {
                write!(f, "node {node} need not be on the source side")
            }
        }
    }
}

impl std::error::Error for CertificateError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            CertificateError::Question(error) => Some(error),
            _ => None,
        }
    }
}

/// Proves that `cut` is the minimum cut of `network` between `s` and `t` with the smallest source
/// side: the flow respects capacities and is conserved, its value equals the claimed value and the
/// capacity of the edges that cross, none of which is infinite, and every source-side node is
/// reachable in the residual graph. Takes time linear in the network.
///
/// # Errors
/// The first violation found, checks and ids in ascending order.
pub fn check(network: &Network, s: u32, t: u32, cut: &MinCut) -> Result<(), CertificateError> {
    network.validate(s, t).map_err(CertificateError::Question)?;
    let nodes = network.node_count() as usize;
    if cut.flow.len() != network.edge_count() as usize || cut.source_side.len() != nodes {
        return Err(CertificateError::Shape);
    }
    let source_flow = check_flow(network, s, t, &cut.flow)?;
    if !cut.source_side[s as usize] || cut.source_side[t as usize] {
        return Err(CertificateError::Sides);
    }
    let crossing = network.crossing(&cut.source_side);
    if let Some(&edge) = crossing
        .iter()
        .find(|&&edge| network.cap[edge as usize] == INFINITE)
    {
        return Err(CertificateError::InfiniteCrosses { edge });
    }
    if crossing != cut.cut_edges {
        return Err(CertificateError::CutEdges);
    }
    let capacity: u128 = crossing
        .iter()
        .map(|&edge| u128::from(network.cap[edge as usize]))
        .sum();
    if capacity != u128::from(cut.value) {
        return Err(CertificateError::CutValue { capacity });
    }
    if source_flow != i128::from(cut.value) {
        return Err(CertificateError::FlowValue { flow: source_flow });
    }
    // The two values agree, so nothing outside the source side is reachable; is everything inside?
    let reach = network.residual_reach(s, &cut.flow);
    match (0..nodes).find(|&node| cut.source_side[node] != reach[node]) {
        Some(node) => Err(CertificateError::NotMinimal { node: node as u32 }),
        None => Ok(()),
    }
}

/// Checks bounds and conservation; the result is the net flow out of `s`.
fn check_flow(network: &Network, s: u32, t: u32, flow: &[Cap]) -> Result<i128, CertificateError> {
    // At most 2^31 terms of at most 2^64 each: an i128 cannot overflow.
    let mut net_out = vec![0i128; network.node_count() as usize];
    for (edge, &amount) in flow.iter().enumerate() {
        if amount > network.cap[edge] {
            return Err(CertificateError::AboveCapacity { edge: edge as u32 });
        }
        net_out[network.tail[edge] as usize] += i128::from(amount);
        net_out[network.head[edge] as usize] -= i128::from(amount);
    }
    let leak = |&node: &u32| node != s && node != t && net_out[node as usize] != 0;
    match (0..network.node_count()).find(leak) {
        Some(node) => Err(CertificateError::Conservation { node }),
        None => Ok(net_out[s as usize]),
    }
}
