//! Traces: the directory ([`dir`]), its processes ([`process`]), the log of each ([`log`]), perhaps packed ([`packed`]), its decoded form ([`flat`]).

pub mod dir;
pub mod flat;
pub mod log;
pub mod packed;
pub mod process;
pub mod sites;
