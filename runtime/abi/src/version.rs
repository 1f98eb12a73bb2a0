//! Versions of the contract. A change of [`crate::hooks`], [`crate::control`] or
//! [`crate::layout`] raises [`ABI`]; a change of [`crate::log`] raises [`LOG`].

/// Version of hooks, control page and memory layout. The pass references the symbol
/// [`ABI_SYMBOL`], so a runtime of another version is a link error.
pub const ABI: u32 = 15;
/// Symbol that the runtime of this [`ABI`] defines.
pub const ABI_SYMBOL: &str = "__itarget_abi_v15";
/// Version of the log format.
pub const LOG: u16 = 13;
/// Version of the trace directory.
pub const TRACE_DIR: u32 = 1;
