//! The control page as the runtime sees it, and the rest of the global state.

use crate::mem::Global;
use core::cell::Cell;
pub use itarget_abi::control::mode::{PLAIN, PROFILE, RECORD, REPLAY};
use itarget_abi::control::{Control, PAGE};

/// [`Control`] with interior mutability: same layout, checked below.
#[repr(C)]
pub struct Ctl {
    pub mode: Cell<u32>,
    pub in_env: Cell<u32>,
    pub cur: Cell<u64>,
    pub end: Cell<u64>,
    pub sum: Cell<u64>,
    pub boundaries: Cell<u64>,
    pub chunk_offset: Cell<u64>,
    pub chunk_seq: Cell<u64>,
    pub chunk_start: Cell<u64>,
    pub last_site: Cell<u32>,
    pub ended: Cell<u32>,
    pub next_async: Cell<u64>,
    pub locale_c: Cell<u32>,
    pub clean: Cell<u32>,
    pub magic: Cell<u64>,
    pub flushed: Cell<u64>,
    pub bound: Cell<u64>,
}
macro_rules! same_layout {
    ($($f:ident)*) => { $(const _: () = assert!(core::mem::offset_of!(Ctl, $f) == core::mem::offset_of!(Control, $f));)* };
}
same_layout!(mode in_env cur end sum boundaries chunk_offset chunk_seq chunk_start last_site ended next_async locale_c clean magic flushed bound);
const _: () = assert!(size_of::<Ctl>() == size_of::<Control>());

/// One page, page-aligned: the ring's first page is mapped over it while recording.
#[repr(C, align(4096))]
pub struct ControlPage {
    ctl: Ctl,
    rest: [u8; PAGE - size_of::<Ctl>()],
}

/// The control page (symbol of the ABI).
#[unsafe(no_mangle)]
pub static __itarget_ctl: Global<ControlPage> = Global(ControlPage {
    ctl: Ctl {
        mode: Cell::new(PLAIN),
        in_env: Cell::new(0),
        cur: Cell::new(0),
        end: Cell::new(0),
        sum: Cell::new(0),
        boundaries: Cell::new(0),
        chunk_offset: Cell::new(0),
        chunk_seq: Cell::new(0),
        chunk_start: Cell::new(0),
        last_site: Cell::new(0),
        ended: Cell::new(0),
        next_async: Cell::new(0),
        locale_c: Cell::new(1),
        clean: Cell::new(0),
        magic: Cell::new(0),
        flushed: Cell::new(0),
        bound: Cell::new(u64::MAX),
    },
    rest: [0; PAGE - size_of::<Ctl>()],
});

/// The symbol that instrumented code refers to, so that a stale runtime is a link error.
#[unsafe(no_mangle)]
pub static __itarget_abi_v1: u8 = 1;
const _: () = assert!(itarget_abi::version::ABI == 1);

/// The control fields.
#[inline(always)]
pub fn ctl() -> &'static Ctl {
    &__itarget_ctl.0.ctl
}

/// Address of the control page.
pub fn page() -> u64 {
    core::ptr::from_ref(&__itarget_ctl) as u64
}

/// Changes the mode. Only recording and replaying code has to check addresses.
pub fn set_mode(mode: u32) {
    let checked = mode == RECORD || mode == REPLAY;
    ctl().bound.set(if checked { itarget_abi::layout::BOUND } else { u64::MAX });
    ctl().mode.set(mode);
}

/// Current mode.
#[inline(always)]
pub fn mode() -> u32 {
    ctl().mode.get()
}

/// Options that stay fixed after start.
pub struct Options {
    pub digest: Cell<bool>,
    pub digest_every: Cell<u64>,
    pub full: Cell<bool>,
    pub ring_bytes: Cell<u64>,
    pub sandbox: Cell<bool>,
    pub stack_bytes: Cell<u64>,
    /// Descriptor for the status line of a replay, or -1.
    pub status_fd: Cell<i32>,
}
/// See [`Options`].
pub static OPTIONS: Global<Options> = Global(Options {
    digest: Cell::new(false),
    digest_every: Cell::new(0),
    full: Cell::new(false),
    ring_bytes: Cell::new(1 << 20),
    sandbox: Cell::new(true),
    stack_bytes: Cell::new(8 << 20),
    status_fd: Cell::new(-1),
});

/// Site ids of events inside the runtime (not sites of the plan).
pub mod site {
    pub const SETLOCALE: u32 = 0xffff_0001;
    pub const USELOCALE: u32 = 0xffff_0002;
    pub const FORK: u32 = 0xffff_0003;
    pub const EXEC: u32 = 0xffff_0004;
    pub const GETDELIM: u32 = 0xffff_0005;
    pub const MMAP: u32 = 0xffff_0006;
    pub const MUNMAP: u32 = 0xffff_0007;
    pub const REALPATH: u32 = 0xffff_0008;
    pub const GETCWD: u32 = 0xffff_0009;
    pub const REALLOC: u32 = 0xffff_000a;
    pub const STRDUP: u32 = 0xffff_000b;
    pub const USABLE: u32 = 0xffff_000c;
    pub const ASPRINTF: u32 = 0xffff_000d;
    pub const SIGSETJMP: u32 = 0xffff_000e;
}
