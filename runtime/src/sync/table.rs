//! Synchronization objects by address: who released them last, and the lock that is really taken while recording.
//!
//! The program's own object is not touched by operations on it, so that its bytes are the same at replay: its *shadow* is
//! locked instead, a copy of what the program initialised. Objects that processes share are used as they are.

use crate::sys;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering::*};

/// Entries; a power of two.
const ENTRIES: usize = 1 << 18;
/// Entries looked at for an address.
const PROBES: usize = 128;
/// Bytes of the largest object (`pthread_rwlock_t`).
const LARGEST: usize = 56;

/// An object.
#[repr(C, align(128))]
pub struct Entry {
    key: AtomicU64,
    /// Stamp of the last release (by a writer).
    pub last: AtomicU64,
    /// Stamp of the last release by a reader.
    pub readers: AtomicU64,
    /// Stamp of the last atomic operation that wrote there.
    pub atomic: AtomicU64,
    /// The thread that holds it for writing, and 1.
    pub writer: AtomicU32,
    /// 0: the shadow is to be made; 1: it is being made; 2: it is there; 3: the object is used itself.
    state: AtomicU32,
    /// What the object's kind was when the shadow was made.
    kind: u32,
    /// 1: a mutex that the process has for itself, though its kind says that processes share it, as that of all robust ones does.
    pub own: AtomicU32,
    shadow: [u64; 8],
}

static mut TABLE: *mut Entry = core::ptr::null_mut();

/// Makes the table. False when there is no room.
pub fn start() -> bool {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    let bytes = ((ENTRIES + 1) * size_of::<Entry>()) as u64;
    // SAFETY: fresh memory, zero; one thread.
    unsafe {
        let Some(p) = sys::mmap(0, bytes, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) else { return false };
        TABLE = p.cast();
    }
    true
}

/// The entry of an address. Where the table is full the recording ends by name: objects that shared an entry would lose orders.
#[inline(always)]
pub fn entry_of(address: u64) -> &'static Entry {
    let mut i = ((address >> 2).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as usize;
    for _ in 0..PROBES {
        i %= ENTRIES;
        // SAFETY: in the table.
        let e = unsafe { &*TABLE.add(i) };
        let key = e.key.load(Acquire);
        if key == address {
            return e;
        }
        if key == 0 {
            match e.key.compare_exchange(0, address, AcqRel, Acquire) {
                Err(other) if other != address => {}
                _ => return e,
            }
        }
        i += 1;
    }
    full()
}

#[cold]
fn full() -> &'static Entry {
    crate::hooks::refuse(crate::exit::site::OBJECTS);
    // SAFETY: one entry more than there are hashes; its shadow is never used.
    let e = unsafe { &*TABLE.add(ENTRIES) };
    e.state.store(3, Release);
    e
}

impl Entry {
    /// The object to be locked for that of the program at `address`, of `len` bytes, whose kind is `kind` now.
    ///
    /// # Safety
    /// The object is initialised.
    #[inline(always)]
    pub unsafe fn real<T>(&'static self, object: *mut T, kind: u32, shared: bool) -> *mut T {
        if self.state.load(Acquire) == 2 && self.kind == kind {
            return self.shadow.as_ptr().cast_mut().cast();
        }
        // SAFETY: passed on.
        unsafe { self.make(object, kind, shared) }
    }

    #[cold]
    unsafe fn make<T>(&'static self, object: *mut T, kind: u32, shared: bool) -> *mut T {
        let shadow = self.shadow.as_ptr().cast_mut().cast::<T>();
        loop {
            match self.state.load(Acquire) {
                3 => return object,
                // Whoever made it was a thread of the parent's.
                1 if crate::state::st().left_others && crate::state::st().alive.load(Relaxed) == 1 => self.state.store(0, Release),
                1 => core::hint::spin_loop(),
                2 if self.kind == kind => return shadow,
                now => {
                    if self.state.compare_exchange(now, 1, AcqRel, Acquire).is_err() {
                        continue;
                    }
                    if shared {
                        self.state.store(3, Release);
                        return object;
                    }
                    const { assert!(size_of::<T>() <= LARGEST + 8) };
                    // SAFETY: the shadow has room; whoever made the state 1 is alone with it.
                    unsafe {
                        core::ptr::copy_nonoverlapping(object, shadow, 1);
                        *(&raw const self.kind).cast_mut() = kind;
                    }
                    self.state.store(2, Release);
                    return shadow;
                }
            }
        }
    }

    /// Whether a mutex is held by another thread than that with this number in the kernel.
    pub fn mutex_is_held(&self, but_by: i32) -> bool {
        // glibc keeps the lock in the first word of 4 bytes, and its owner in the third.
        self.state.load(Acquire) == 2 && self.shadow[0] as u32 != 0 && self.shadow[1] as i32 != but_by
    }

    /// Whether a read-write lock is held for writing by another thread than that with this number.
    pub fn is_written(&self, but_by: u32) -> bool {
        ![0, but_by + 1].contains(&self.writer.load(Relaxed))
    }

    /// Whether a spin lock is held. Nobody knows by whom.
    pub fn spin_is_held(&self) -> bool {
        // glibc keeps 1 where it is free.
        self.state.load(Acquire) == 2 && (self.shadow[0] as i32) < 1
    }

    /// The program initialises the object anew.
    pub fn forget(&self) {
        self.writer.store(0, Relaxed);
        self.own.store(0, Relaxed);
        self.state.store(0, Release);
    }
}
