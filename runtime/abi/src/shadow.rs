//! Shadow memory: what instrumented code looks at before it believes that an access has an order.
//!
//! Memory is looked at in lines of [`LINE`] bytes. Every thread has a table with a word per line: which accesses it may make there
//! without asking. A line's word is at index [`slot`]; lines that share one are treated as one line.

/// Thread-local symbol of the [`Access`] of a thread.
pub const SYMBOL: &str = "__itarget_order";
/// Bytes of a line.
pub const LINE: u64 = 1 << LINE_SHIFT;
/// log2 of [`LINE`].
pub const LINE_SHIFT: u32 = 6;
/// Addresses are folded by so many bits, so that stacks, the pool and globals do not share words.
pub const FOLD_SHIFT: u32 = 22;
/// log2 of the words of a table.
pub const TABLE_BITS: u32 = 24;

/// What a thread may do at once. All zero in threads that need not ask: nothing is or was recorded, or there is one thread.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Access {
    /// The thread's table.
    pub table: *mut i64,
    /// Index of the last word of the table; 0: nothing is asked.
    pub mask: u64,
    /// A load need not ask if the word is at least this.
    pub read: i64,
    /// A store need not ask if the word is at least this.
    pub write: i64,
    /// Counts down at every access; at 0 a replay has something to do.
    pub left: u64,
    /// What `left` was after the last synchronization operation.
    pub start: u64,
}

/// Index of an address's word in a table, before the mask.
#[inline(always)]
#[must_use]
pub const fn slot(address: u64) -> u64 {
    (address >> LINE_SHIFT) ^ (address >> FOLD_SHIFT)
}
