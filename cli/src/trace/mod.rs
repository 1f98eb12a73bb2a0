//! Traces: the directory ([`dir`]), the log in it ([`log`]), its decoded form ([`flat`]).

pub mod dir;
pub mod flat;
pub mod log;
pub mod sites;
