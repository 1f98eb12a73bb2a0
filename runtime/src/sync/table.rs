//! Synchronization objects by address: who released them last, and the lock that is really taken while recording.
//!
//! The program's own object is not touched by operations on it, so that its bytes are the same at replay: its *shadow* is
//! locked instead, a copy of what the program initialised. Objects that processes share are used as they are.
//!
//! So an assignment that initialises an object anew changes nothing in it. Where this is done is children by fork, with what threads that they don't have left
//! behind: there what was in use is marked ([`mark`]), and the mark is gone after an assignment. A replay has no shadows and needs none of that, but marks
//! the same objects ([`agree`]): the program may look at them.

use crate::state::{recording, replaying};
use crate::sys::{self, sys};
use crate::word::word;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::*};
use itarget_abi::layout::mapped_at_replay;

/// Entries; a power of two.
const ENTRIES: usize = 1 << 18;
/// Entries looked at for an address.
const PROBES: usize = 128;
/// Bytes of the largest object (`pthread_rwlock_t`).
const LARGEST: usize = 56;
/// Bytes of the smallest object that an assignment can initialise (`pthread_mutex_t`), but for `pthread_once_t`. The first eight are 0 then.
const ASSIGNABLE: u32 = 40;

/// In a child by fork this is in the first word of the program's objects that were in use at the fork: an assignment that makes them anew shows there.
const MARK: u64 = 0x6b72_616d_7369_6874;
/// See [`MARK`]: there may be some.
static MARKED: AtomicBool = AtomicBool::new(false);

/// Entries that a bit of [`USED`] stands for.
const PER_BIT: usize = 32;
/// Where in the table there are entries.
static USED: [AtomicU64; ENTRIES / PER_BIT / 64] = [const { AtomicU64::new(0) }; ENTRIES / PER_BIT / 64];

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
    /// 0: the shadow is to be made; 1: it is being made; 2: it is there; 3: the object is used itself; 4: as 2, and the object is marked ([`MARK`]);
    /// 5: so, and another thread held it for itself when this process was forked.
    state: AtomicU32,
    /// What the object's kind was when the shadow was made.
    kind: u32,
    /// 1: a mutex that the process has for itself, though its kind says that processes share it, as that of all robust ones does.
    pub own: AtomicU32,
    /// Bytes of the object.
    size: AtomicU32,
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
                _ => {
                    USED[i / PER_BIT / 64].fetch_or(1 << (i / PER_BIT % 64), Relaxed);
                    return e;
                }
            }
        }
        i += 1;
    }
    full()
}

/// The entries that have an address, and others beside them.
fn each() -> impl Iterator<Item = &'static Entry> {
    let bits = USED.iter().enumerate().flat_map(|(at, word)| {
        let word = word.load(Relaxed);
        (0..64).filter(move |bit| word >> bit & 1 != 0).map(move |bit| at * 64 + bit)
    });
    // SAFETY: in the table.
    bits.flat_map(|bit| (0..PER_BIT).map(move |i| unsafe { &*TABLE.add(bit * PER_BIT + i) }))
}

/// In a child by fork, while it has one thread: marks what is in use. `tid` and `number`: those of the thread that forked, in the parent.
pub fn mark(tid: i32, number: u32) {
    // SAFETY: set at the start.
    if unsafe { TABLE.is_null() } {
        return;
    }
    for e in each() {
        e.mark(tid, number);
    }
}

/// The same: a replay puts the marks where the recording did.
pub fn agree() {
    let marked = || each().filter(|e| e.is_marked());
    let mut those = marked();
    for _ in 0..word(if recording() { marked().count() as u64 } else { 0 }) {
        let address = word(those.next().map_or(0, |e| e.key.load(Relaxed)));
        if replaying() && mapped_at_replay(address) {
            let e = entry_of(address);
            e.state.store(4, Relaxed);
            // SAFETY: an object of the program, in memory that is there.
            unsafe { (address as *mut u64).write_volatile(MARK) };
            MARKED.store(true, Relaxed);
        }
    }
}

/// Takes the marks back: memory is about to be compared. From then on what the program assigns to these objects is not noticed.
pub fn unmark() {
    if MARKED.swap(false, Relaxed) {
        each().for_each(Entry::unmark);
    }
}

/// Whether a word of the program's is still there: its page may be gone.
fn is_readable(word: *const u64) -> bool {
    const NONSENSE: u64 = 77;
    // SAFETY: a system call that reads 8 bytes, and does nothing.
    unsafe { sys!(libc::SYS_rt_sigprocmask, NONSENSE, word, 0u64, 8u64) == -i64::from(libc::EINVAL) }
}

/// Whether it may be written, too. Where it is 0 or a mark it is something else then: the caller writes it next.
unsafe fn is_writable(word: *mut u64) -> bool {
    // SAFETY: a system call that writes 8 bytes.
    unsafe { is_readable(word) && [0, MARK].contains(&*word) && sys!(libc::SYS_rt_sigprocmask, libc::SIG_BLOCK, 0u64, word, 8u64) == 0 }
}

#[cold]
fn full() -> &'static Entry {
    crate::hooks::refuse(crate::exit::site::OBJECTS);
    // SAFETY: one entry more than there are hashes; its shadow is never used.
    let e = unsafe { &*TABLE.add(ENTRIES) };
    e.state.store(3, Release);
    e
}

/// In a child that was forked beside other threads: one of these was at work under a lock that is made anew now. How far it had come is in no
/// log, and the replay lets it go on to the end of that.
pub fn refuse_left() {
    if crate::state::st().left_others && crate::state::recording() {
        crate::hooks::refuse(crate::exit::site::LEFT);
    }
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
        // SAFETY: an object that has marks has a word.
        let is_marked = || unsafe { object.cast::<u64>().read_volatile() } == MARK;
        loop {
            match self.state.load(Acquire) {
                3 => return object,
                // Whoever made it was a thread of the parent's.
                1 if crate::state::st().left_others && crate::state::st().alive.load(Relaxed) == 1 => self.state.store(0, Release),
                1 => core::hint::spin_loop(),
                2 if self.kind == kind => return shadow,
                4 | 5 if self.kind == kind && is_marked() => return shadow,
                now => {
                    if self.state.compare_exchange(now, 1, AcqRel, Acquire).is_err() {
                        continue;
                    }
                    if matches!(now, 4 | 5) && !is_marked() {
                        // The program has made it anew.
                        self.writer.store(0, Relaxed);
                        if now == 5 {
                            refuse_left();
                        }
                    }
                    if shared {
                        self.state.store(3, Release);
                        return object;
                    }
                    const { assert!(size_of::<T>() <= LARGEST + 8) };
                    self.size.store(size_of::<T>() as u32, Relaxed);
                    // SAFETY: the shadow has room; whoever made the state 1 is alone with it.
                    unsafe {
                        core::ptr::copy_nonoverlapping(object, shadow, 1);
                        if size_of::<T>() >= ASSIGNABLE as usize && self.shadow[0] == MARK {
                            // It was moved here from where it was marked.
                            shadow.cast::<u64>().write(0);
                        }
                        *(&raw const self.kind).cast_mut() = kind;
                    }
                    self.state.store(2, Release);
                    return shadow;
                }
            }
        }
    }

    /// See [`MARK`].
    fn is_marked(&self) -> bool {
        let word = self.key.load(Relaxed) as *const u64;
        // SAFETY: it is there, as that says.
        matches!(self.state.load(Acquire), 4 | 5) && is_readable(word) && unsafe { word.read_volatile() == MARK }
    }

    /// It has a shadow.
    fn is_made(&self) -> bool {
        matches!(self.state.load(Acquire), 2 | 4 | 5)
    }

    /// See [`mark`].
    fn mark(&self, tid: i32, number: u32) {
        let word = self.key.load(Relaxed) as *mut u64;
        let size = self.size.load(Relaxed);
        // SAFETY: it is there, as that says.
        unsafe {
            // One that was marked in this process's parent, and is not any more, has been made anew since.
            let anew = matches!(self.state.load(Acquire), 4 | 5) && !self.is_marked();
            if !self.is_made() || self.shadow[0] == 0 || size < ASSIGNABLE || anew || !is_writable(word) {
                return;
            }
            let held = size == ASSIGNABLE && self.mutex_is_held(tid) || self.is_written(number);
            word.write_volatile(MARK);
            self.state.store(if held { 5 } else { 4 }, Release);
        }
        MARKED.store(true, Relaxed);
    }

    /// See [`unmark`].
    fn unmark(&self) {
        let word = self.key.load(Relaxed) as *mut u64;
        // SAFETY: it is there, as that says.
        unsafe {
            if matches!(self.state.load(Acquire), 4 | 5) && is_writable(word) {
                word.write_volatile(0);
                self.state.store(2, Release);
            }
        }
    }

    /// Whether a mutex is held by another thread than that with this number in the kernel.
    pub fn mutex_is_held(&self, but_by: i32) -> bool {
        // glibc keeps the lock in the first word of 4 bytes, and its owner in the third.
        self.is_made() && self.shadow[0] as u32 != 0 && self.shadow[1] as i32 != but_by
    }

    /// Whether a read-write lock is held for writing by another thread than that with this number.
    pub fn is_written(&self, but_by: u32) -> bool {
        ![0, but_by + 1].contains(&self.writer.load(Relaxed))
    }

    /// Whether a spin lock is held. Nobody knows by whom.
    pub fn spin_is_held(&self) -> bool {
        // glibc keeps 1 where it is free.
        self.is_made() && (self.shadow[0] as i32) < 1
    }

    /// The program initialises the object anew.
    pub fn forget(&self) {
        self.writer.store(0, Relaxed);
        self.own.store(0, Relaxed);
        self.state.store(0, Release);
    }
}
