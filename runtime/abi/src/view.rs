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

/// Thread-local variable: address of the calling thread's [`crate::control::Control::hits`].
pub const HITS_SYMBOL: &str = "__itarget_hits";
/// Bits that count hits in the byte at the beginning of a run; those above count the misses that follow.
pub const HIT_BITS: u32 = 5;
/// The same of a long run, which has two bytes there.
pub const LONG_HIT_BITS: u32 = 13;
/// Most misses of a run.
pub const MISSES: u16 = 7;

/// Most loads of a group: they are counted at once, before the first of them. One that is no hit says how many are still to come.
pub const GROUP: usize = 8;
/// Where a site has that number: the bits from here on, below [`crate::hooks::APART`].
pub const REST_SHIFT: u32 = 28;

const _: () = assert!(GROUP < 1 << HIT_BITS && GROUP == 1 << (31 - REST_SHIFT));

/// Most hits of a run.
#[must_use]
pub const fn most(long: bool) -> u16 {
    (1 << if long { LONG_HIT_BITS } else { HIT_BITS }) - 1
}

/// What stands at the beginning of a run in the end. As long as no miss ended its hits that is `most`, and `left` says how many of them are to come.
#[must_use]
pub const fn settled(run: u16, most: u16, left: i64) -> u16 {
    if run > most || left <= 0 {
        run
    } else if left > most as i64 {
        0
    } else {
        most - left as u16
    }
}
