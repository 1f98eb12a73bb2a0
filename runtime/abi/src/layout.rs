//! Where things lie in the address space of an instrumented program.
//!
//! One compare tells the two sides apart: everything of replay space (globals of the non-PIE
//! image, the pool, anonymous mappings, stacks) lies below [`BOUND`]; everything else (heap
//! objects placed on the environment side, objects with environment-side fields, libc's memory,
//! kernel mappings) lies at or above it. Heap objects that are the environment's only once
//! the process is not alone lie just below, and the bound moves down to [`SHARED_BOUND`] then.

/// log2 of [`BOUND`].
pub const BOUND_SHIFT: u32 = 46;
/// First address that is not replay space, except for [`MIXED_BASE`] objects' replay-side fields.
pub const BOUND: u64 = 1 << BOUND_SHIFT;

/// No process has memory here or above.
pub const END: u64 = 1 << 47;
/// Once the process is not alone, this is the bound: what it may share with others lies here and above.
pub const SHARED_BOUND: u64 = 1 << 45;

/// Replay-side heap (arena id [`ARENA_REPLAY`]).
pub const POOL_BASE: u64 = 0x0400_0000_0000;
/// Main stack mapping (grows down from `STACK_BASE + STACK_MAX`).
pub const STACK_BASE: u64 = 0x0500_0000_0000;
/// Most bytes the main stack may have.
pub const STACK_MAX: u64 = 1 << 30;
/// Limit of the main stack (bytes) under which the tool starts a program where it has none: without one the kernel maps libraries where the
/// program's memory belongs. The runtime takes it back.
pub const STACK_LIMIT: u64 = (8 << 30) - 0x7000;
/// Stacks of threads other than the main one: that of thread `n` ends at `THREAD_STACKS + (n + 1) * THREAD_STRIDE`.
pub const THREAD_STACKS: u64 = 0x0600_0000_0000;
/// Anonymous private mappings made by the program, up to [`SHARED_BOUND`].
pub const MMAP_BASE: u64 = 0x1000_0000_0000;
/// Heap objects that are replay space as long as the process is *alone*: as it has had one thread only, and has run no external
/// function of which nobody knows what it writes. From then on threads may race for them, or such functions write them, and
/// they are the environment's.
pub const SHARED_BASE: u64 = SHARED_BOUND;
/// Bytes of address space for each such stack.
pub const THREAD_STRIDE: u64 = 64 << 20;
/// Most threads of a recording, those that ended included.
pub const THREADS_MAX: u64 = 1 << 17;
/// What glibc keeps of thread `n` (its `pthread_t` points there) lies at `TCB_BASE + n * TCB_STRIDE`.
pub const TCB_BASE: u64 = 0x4800_0000_0000;
/// Bytes of address space for each of these.
pub const TCB_STRIDE: u64 = 1 << 20;
/// Heap objects that have both replay-side and environment-side fields.
pub const MIXED_BASE: u64 = 0x4000_0000_0000;
/// Heap objects wholly on the environment side (allocated by the program itself, so their
/// addresses are deterministic too).
pub const ENV_BASE: u64 = 0x5000_0000_0000;
/// Bytes of address space reserved for each arena.
pub const ARENA_SIZE: u64 = 1 << 38;

/// `objid` of an allocation whose object is in replay space.
pub const OBJ_REPLAY: u32 = 0;
/// `objid` of an allocation whose object is wholly in the environment.
pub const OBJ_ENV: u32 = 1;
/// `objid` of an allocation whose object is wholly in the environment once the process is not alone.
pub const OBJ_SHARED: u32 = 2;
/// First `objid` of an allocation whose object has environment-side fields: index
/// `objid - OBJ_MIXED` in the table of [`crate::hooks::MIXED_TABLE`].
pub const OBJ_MIXED: u32 = 3;

// Code that tells by whole arenas what `mapped_at_replay` says: the arena of mixed objects begins at the bound.
const _: () = assert!(MIXED_BASE == BOUND && MIXED_BASE % ARENA_SIZE == 0 && ENV_BASE % ARENA_SIZE == 0);

/// True when `address` lies in memory that a replay maps as the recording did: below the bound,
/// or in one of the program's own arenas.
#[inline(always)]
#[must_use]
pub const fn mapped_at_replay(address: u64) -> bool {
    address < BOUND
        || (address >= MIXED_BASE && address < MIXED_BASE + ARENA_SIZE)
        || (address >= ENV_BASE && address < ENV_BASE + ARENA_SIZE)
}
