//! Minimum s-t cut of a directed network on flat arrays, with a certificate that can be checked.
//!
//! Build a [`Network`] with a [`NetworkBuilder`], ask it for [`Network::min_cut`], and, if in
//! doubt, let [`certificate::check`] prove the answer: a flow and a cut of the same value prove
//! each other optimal, whatever produced them.
//!
//! ```
//! use itarget_min_cut::{INFINITE, NetworkBuilder, certificate};
//!
//! let mut builder = NetworkBuilder::new(4);
//! builder.add_edge(0, 1, INFINITE);
//! let cheap = builder.add_edge(1, 2, 4);
//! builder.add_edge(2, 3, 1000);
//! let network = builder.build();
//! let cut = network.min_cut(0, 3).unwrap();
//! assert_eq!((cut.value, cut.cut_edges.as_slice()), (4, &[cheap][..]));
//! certificate::check(&network, 0, 3, &cut).unwrap();
//! ```
//!
//! What is absent on purpose: this crate knows neither LLVM nor files, has no dependencies, no
//! unsafe code, no randomness and no hash order. The same network gives the same answer, bit for
//! bit.
#![forbid(unsafe_code)]

pub mod certificate;
mod cut;
mod network;
mod push_relabel;
mod solver;

pub use cut::{CutError, MinCut};
pub use network::{Cap, INFINITE, Network, NetworkBuilder};
