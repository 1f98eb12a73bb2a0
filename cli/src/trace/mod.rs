//! Traces: the directory ([`dir`]), its processes ([`process`]), the log of each ([`log`]), its decoded form ([`flat`]).

pub mod dir;
pub mod flat;
pub mod log;
pub mod process;
pub mod sites;
