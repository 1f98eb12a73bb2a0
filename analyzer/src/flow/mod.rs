//! The flow graph of a program and its cut: which cells are in replay space, which in the
//! environment.
//!
//! [`collect`] says what each site touches ([`facts`]), [`graph`] makes nodes and capacities of it, [`cut`]
//! takes and proves the minimum cut. What is absent on purpose: actions (see [`crate::plan`]),
//! LLVM, clocks: the same module gives the same cut.

pub mod collect;
pub mod cut;
pub mod dimacs;
pub mod explain;
pub mod extent;
pub mod facts;
pub mod fit;
pub mod graph;
pub mod stability;
pub mod target;
pub mod weights;

/// Why there is no interface.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FlowError {
    /// Something that can't be logged would have to be.
    #[error("IT0901: {reason}")]
    Infeasible {
        /// What, where, and what to annotate.
        reason: String,
    },
    /// The replay target can't be used.
    #[error("IT0903: {0}")]
    Target(#[from] target::TargetError),
    /// The solver failed, or its answer could not be proved: a bug.
    #[error("IT0902: the minimum cut failed: {message} ({hint})")]
    Cut {
        /// What happened.
        message: String,
        /// What the solver suggests.
        hint: &'static str,
    },
    /// The profile does not say what calls and stores between functions of the program move.
    #[error("IT0411: the profile was made for the whole program: it does not count what its functions do to each other")]
    WholeProfile,
    /// The profile belongs to another module.
    #[error("IT0411: the profile was made with another module ({found}), this one is {module}; {why}")]
    OtherModule {
        /// What stands against using it, and what to do.
        why: &'static str,
        /// Fingerprint in the profile.
        found: String,
        /// Fingerprint of the module.
        module: String,
    },
}
