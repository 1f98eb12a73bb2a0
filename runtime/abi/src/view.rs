//! A thread's view of memory that threads may race for: what it saw there last, or wrote. Its loads find it by the low bits of an
//! address; instrumented stores write to it.

/// Thread-local variable: address of the calling thread's view, of [`BYTES`] and [`BEYOND`] more.
pub const SYMBOL: &str = "__itarget_view";
/// Bits of an address that say where in the view a value begins. Pages of a view that nobody uses take no memory.
pub const BITS: u32 = 22;
/// Places where a value may begin.
pub const BYTES: usize = 1 << BITS;
/// Most bytes of a value, so of what lies beyond the last of these places.
pub const BEYOND: usize = 64;
