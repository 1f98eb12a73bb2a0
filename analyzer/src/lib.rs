//! Reads LLVM bitcode and computes the interface between replay space and environment:
//! bitcode -> model -> points-to -> flow graph -> minimum cut -> plan.

pub mod analysis;
pub mod annotate;
pub mod bitcode;
pub mod contradictions;
pub mod flow;
pub mod model;
pub mod plan;
pub mod points_to;
pub mod races;
pub mod report;
mod scanf;
