//! What a minimum-cut computation answers: the cut itself, or why there is none.

use crate::network::Cap;
use std::fmt;

/// A minimum s-t cut together with a maximum flow that proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MinCut {
    /// Total capacity of the edges that cross the cut, equal to the value of `flow`. Always finite,
    /// that is, below [`INFINITE`](crate::INFINITE).
    pub value: u64,
    /// Per node, whether it lies on the source side. Of all minimum cuts this is the one with the
    /// smallest source side: the nodes reachable from the source in the residual graph. That set
    /// is the same for every maximum flow.
    pub source_side: Vec<bool>,
    /// Flow per edge id; self-loops carry none.
    pub flow: Vec<Cap>,
    /// Ids of the edges from the source side to the sink side, ascending. An edge of capacity zero
    /// is listed too if it crosses.
    pub cut_edges: Vec<u32>,
}

/// Why no minimum cut can be given.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CutError {
    /// Every cut is infinite.
    Infinite {
        /// Edge ids, in order, of a source-sink path that consists of infinite edges only (a
        /// shortest such path).
        path: Vec<u32>,
    },
    /// The source or the sink is not a node of the network.
    BadNode,
    /// Source and sink are the same node.
    SameNode,
    /// This edge names a node the network does not have (the first such edge).
    BadEdge {
        /// Edge id.
        edge: u32,
    },
    /// More edges were added than arc indices can address (2^31 - 1).
    TooManyEdges,
    /// Finite capacities add up to more than the arithmetic can carry: the cut itself is worth
    /// 2^64 - 1 or more, or both the capacity that leaves the source and the capacity that enters
    /// the sink exceed 2^64 - 3.
    Overflow,
}

impl CutError {
    /// Stable identifier of the kind of error.
    pub fn code(&self) -> &'static str {
        match self {
            CutError::Infinite { .. } => "cut-infinite",
            CutError::BadNode => "cut-bad-node",
            CutError::SameNode => "cut-same-node",
            CutError::BadEdge { .. } => "cut-bad-edge",
            CutError::TooManyEdges => "cut-too-many-edges",
            CutError::Overflow => "cut-overflow",
        }
    }

    /// What the caller can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            CutError::Infinite { .. } => {
                "give at least one edge of the path a finite capacity, or move its end to the other side"
            }
            CutError::BadNode => {
                "pass a source and a sink below the node count given to the builder"
            }
            CutError::SameNode => "pass two different nodes as source and sink",
            CutError::BadEdge { .. } => {
                "add edges only between nodes below the node count given to the builder"
            }
            CutError::TooManyEdges => "merge parallel edges before adding them",
            CutError::Overflow => {
                "scale the capacities down, or use INFINITE for edges that must not be cut"
            }
        }
    }
}

impl fmt::Display for CutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CutError::Infinite { path } => {
                write!(
                    f,
                    "every cut is infinite: {} infinite edges lead from source to sink",
                    path.len()
                )
            }
            CutError::BadNode => f.write_str("source or sink is not a node of the network"),
            CutError::SameNode => f.write_str("source and sink are the same node"),
            CutError::BadEdge { edge } => {
                write!(f, "edge {edge} names a node the network does not have")
            }
            CutError::TooManyEdges => f.write_str("the network has more than 2^31 - 1 edges"),
            CutError::Overflow => f.write_str("finite capacities add up to more than 64 bits hold"),
        }
    }
}

impl std::error::Error for CutError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_its_own_code_and_says_something() {
        let all = [
            CutError::Infinite { path: vec![3, 4] },
            CutError::BadNode,
            CutError::SameNode,
            CutError::BadEdge { edge: 7 },
            CutError::TooManyEdges,
            CutError::Overflow,
        ];
        let mut codes: Vec<_> = all.iter().map(CutError::code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all.len());
        assert!(
            all.iter()
                .all(|e| !e.hint().is_empty() && !e.to_string().is_empty())
        );
        assert!(all[0].to_string().contains('2') && all[3].to_string().contains('7'));
    }
}
