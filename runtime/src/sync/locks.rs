//! Mutexes, read-write locks and spin locks.
//!
//! While recording the shadow is locked (see `table`) and the order of its owners is noted; at replay nothing is
//! locked: a thread goes on once the one before it has let go.

use super::{count, depend, entry_of, late, next_stamp, pass, release, safe_point, table::{self, Entry}, unusual};
use crate::pool::{self, Side};
use crate::state::{ctl, elsewhere, me, page};
use core::ffi::{c_int, c_void};
use core::sync::atomic::Ordering::*;
use itarget_abi::control::mode;

unsafe extern "C" {
    fn pthread_mutex_clocklock(m: *mut libc::pthread_mutex_t, clock: c_int, until: *const libc::timespec) -> c_int;
    fn pthread_rwlock_clockrdlock(l: *mut libc::pthread_rwlock_t, clock: c_int, until: *const libc::timespec) -> c_int;
    fn pthread_rwlock_clockwrlock(l: *mut libc::pthread_rwlock_t, clock: c_int, until: *const libc::timespec) -> c_int;
    fn pthread_rwlock_timedrdlock(l: *mut libc::pthread_rwlock_t, until: *const libc::timespec) -> c_int;
    fn pthread_rwlock_timedwrlock(l: *mut libc::pthread_rwlock_t, until: *const libc::timespec) -> c_int;
    fn pthread_mutex_consistent(m: *mut libc::pthread_mutex_t) -> c_int;
}

type Mutex = libc::pthread_mutex_t;
type RwLock = libc::pthread_rwlock_t;
type Time = libc::timespec;

/// The flag of a mutex that processes share (glibc's `PTHREAD_MUTEX_PSHARED_BIT`).
const SHARED: u32 = 128;
/// Bits of the kind that are 0 in a mutex that checks nothing.
const ORDINARY: u32 = 0x1f;

/// What a function does with the program's own object, and with no other, while nothing is or was recorded.
#[inline(always)]
pub fn plain() -> bool {
    page().mode == mode::PLAIN && !crate::pool::ready()
}

/// How an operation on a synchronization object runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// On the program's object.
    Plain,
    /// On the shadow, unrecorded.
    Shadow,
    /// On the shadow, recorded.
    Record,
    /// Not at all.
    Replay,
}

#[inline(always)]
pub(super) fn how() -> How {
    match page().mode {
        mode::RECORD if !elsewhere() => How::Record,
        mode::REPLAY if !elsewhere() => How::Replay,
        _ if plain() => How::Plain,
        mode::RECORD => {
            crate::state::foreign();
            How::Shadow
        }
        _ => How::Shadow,
    }
}

/// The mutex that is locked for the program's.
///
/// # Safety
/// An initialised mutex.
#[inline(always)]
pub(super) unsafe fn real_mutex(m: *mut Mutex) -> (&'static Entry, *mut Mutex) {
    let e = entry_of(m as u64);
    // SAFETY: glibc keeps the kind in the fifth word of 4 bytes.
    unsafe {
        let kind = *m.cast::<u32>().add(4);
        (e, e.real(m, kind, kind & SHARED != 0 && e.own.load(Relaxed) == 0))
    }
}

/// Finds what is really locked for an object of the program's.
pub(super) type Real<T> = unsafe fn(*mut T) -> (&'static Entry, *mut T);

/// Takes a lock with `f`; `taken` notes what there is to note besides, if it was taken.
///
/// # Safety
/// An initialised object; so for all that get one.
#[inline(always)]
unsafe fn take<T>(object: *mut T, real: Real<T>, f: impl Fn(*mut T) -> c_int, taken: impl FnOnce(&Entry)) -> c_int {
    let recorded = |e: &Entry, f: &dyn Fn() -> c_int| {
        let r = f();
        if r == 0 {
            taken(e);
        }
        acquired(e, r)
    };
    // SAFETY: passed on.
    unsafe { run(object, real, f, recorded) }
}

/// An operation: `f` on the program's object or its shadow, `recorded` with that while recording.
#[inline(always)]
unsafe fn run<T>(object: *mut T, real: Real<T>, f: impl Fn(*mut T) -> c_int, recorded: impl FnOnce(&Entry, &dyn Fn() -> c_int) -> c_int) -> c_int {
    match how() {
        How::Plain => f(object),
        // SAFETY: passed on.
        How::Shadow => f(unsafe { real(object) }.1),
        How::Replay => pass().map_or(0, |r| r as c_int),
        How::Record => {
            // SAFETY: passed on.
            let (e, real) = unsafe { real(object) };
            recorded(e, &|| f(real))
        }
    }
}

/// The program initialises an object anew, or is done with it.
fn initialised<T>(object: *mut T) {
    if matches!(how(), How::Record | How::Shadow) {
        entry_of(object as u64).forget();
    }
}

/// The program makes a lock anew: see [`table::refuse_left`].
fn refuse_left<T>(object: *mut T, is_held: impl FnOnce(&Entry) -> bool) {
    if crate::state::st().left_others && matches!(how(), How::Record) && is_held(entry_of(object as u64)) {
        table::refuse_left();
    }
}

/// The program initialises an object. One in memory of the environment, such as what processes share, is not there at replay.
pub(super) fn initialise<T>(object: *mut T, f: impl FnOnce(*mut T) -> c_int) -> c_int {
    initialised(object);
    if matches!(how(), How::Plain | How::Shadow) || pool::side(object as u64, size_of::<T>() as u64) == Side::Replay {
        return f(object);
    }
    if matches!(how(), How::Replay) {
        return pass().map_or(0, |r| r as c_int);
    }
    counted(f(object))
}

/// The result of an operation that orders nothing.
fn counted(r: c_int) -> c_int {
    if r != 0 {
        unusual(i64::from(r));
    }
    count();
    r
}

/// Handlers of signals that came before run here.
#[inline(always)]
fn before_lock() {
    if matches!(how(), How::Record | How::Replay) {
        safe_point();
    }
}

unsafe fn lock(m: *mut Mutex, f: impl Fn(*mut Mutex) -> c_int) -> c_int {
    before_lock();
    // SAFETY: passed on.
    unsafe { take(m, real_mutex, f, |_| ()) }
}

/// Takes a lock with `f`, which waits where `attempt` finds it taken. Signals that come meanwhile run their handlers at once, after the safe point in front:
/// who has the lock may wait for that.
unsafe fn patiently<T>(object: *mut T, attempt: unsafe extern "C" fn(*mut T) -> c_int, f: impl Fn(*mut T) -> c_int) -> c_int {
    if !matches!(how(), How::Record) || ctl().in_env != 0 {
        return f(object);
    }
    // SAFETY: passed on.
    match unsafe { attempt(object) } {
        libc::EBUSY => {
            crate::signal::wait_for_lock();
            let r = f(object);
            ctl().in_env = 0;
            r
        }
        r => r,
    }
}

/// Notes that a lock was taken, or not (`r`).
#[inline(always)]
fn acquired(e: &Entry, r: c_int) -> c_int {
    if r == 0 || r == libc::EOWNERDEAD {
        depend(e.last.load(Relaxed));
    }
    if r != 0 {
        unusual(i64::from(r));
    }
    count();
    r
}

/// pthread_mutex_lock and mtx_lock.
///
/// # Safety
/// As the function; so for all in this file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_mutex_lock(m: *mut Mutex) -> c_int {
    // SAFETY: passed on.
    unsafe { lock(m, |m| patiently(m, libc::pthread_mutex_trylock, |m| libc::pthread_mutex_lock(m))) }
}

/// pthread_mutex_trylock.
///
/// # Safety
/// See `__itarget_mutex_lock`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_mutex_trylock(m: *mut Mutex) -> c_int {
    // SAFETY: passed on.
    unsafe { lock(m, |m| libc::pthread_mutex_trylock(m)) }
}

/// pthread_mutex_timedlock.
///
/// # Safety
/// See `__itarget_mutex_lock`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_mutex_timedlock(m: *mut Mutex, until: *const Time) -> c_int {
    // SAFETY: passed on.
    unsafe { lock(m, |m| patiently(m, libc::pthread_mutex_trylock, |m| libc::pthread_mutex_timedlock(m, until))) }
}

/// pthread_mutex_clocklock.
///
/// # Safety
/// See `__itarget_mutex_lock`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_mutex_clocklock(m: *mut Mutex, clock: c_int, until: *const Time) -> c_int {
    // SAFETY: passed on.
    unsafe { lock(m, |m| patiently(m, libc::pthread_mutex_trylock, |m| pthread_mutex_clocklock(m, clock, until))) }
}

/// pthread_mutex_unlock.
///
/// # Safety
/// See `__itarget_mutex_lock`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_mutex_unlock(m: *mut Mutex) -> c_int {
    // SAFETY: passed on; glibc keeps the kind in the fifth word of 4 bytes.
    unsafe {
        run(m, real_mutex, |m| libc::pthread_mutex_unlock(m), |e, f| {
            // Only an ordinary mutex is always its caller's. At replay it may not be there.
            if *m.cast::<u32>().add(4) & ORDINARY == 0 {
                return unlock(e, f);
            }
            chained(&e.last);
            let r = f();
            if r != 0 {
                late(i64::from(r));
            }
            r
        })
    }
}

/// Lets go of a lock that is held alone.
#[inline(always)]
fn unlock(e: &Entry, f: &dyn Fn() -> c_int) -> c_int {
    e.last.store(release(), Release);
    f()
}

/// pthread_mutex_init.
///
/// # Safety
/// See `__itarget_mutex_lock`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_mutex_init(m: *mut Mutex, attr: *const libc::pthread_mutexattr_t) -> c_int {
    refuse_left(m, |e| e.mutex_is_held(crate::process::first_before()));
    // SAFETY: passed on.
    let r = initialise(m, |m| unsafe { libc::pthread_mutex_init(m, attr) });
    if r == 0 && !attr.is_null() && matches!(how(), How::Record | How::Shadow) {
        let mut shared = libc::PTHREAD_PROCESS_SHARED;
        // SAFETY: the caller's attributes, with which a mutex was just made.
        unsafe { libc::pthread_mutexattr_getpshared(attr, &raw mut shared) };
        entry_of(m as u64).own.store(u32::from(shared == libc::PTHREAD_PROCESS_PRIVATE), Relaxed);
    }
    r
}

/// pthread_mutex_destroy. The program's object is as it was initialised: it can always be destroyed.
///
/// # Safety
/// See `__itarget_mutex_lock`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_mutex_destroy(m: *mut Mutex) -> c_int {
    // SAFETY: passed on.
    let r = unsafe { result_only(m, real_mutex, |m| libc::pthread_mutex_destroy(m)) };
    if r == 0 {
        initialised(m);
    }
    r
}

/// pthread_mutex_consistent.
///
/// # Safety
/// See `__itarget_mutex_lock`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_mutex_consistent(m: *mut Mutex) -> c_int {
    // SAFETY: passed on.
    unsafe { result_only(m, real_mutex, |m| pthread_mutex_consistent(m)) }
}

/// An operation that orders nothing: its result is all there is.
pub(super) unsafe fn result_only<T>(object: *mut T, real: Real<T>, f: impl Fn(*mut T) -> c_int) -> c_int {
    // SAFETY: passed on.
    unsafe { run(object, real, f, |_, f| counted(f())) }
}

unsafe fn real_rwlock(l: *mut RwLock) -> (&'static Entry, *mut RwLock) {
    let e = entry_of(l as u64);
    // SAFETY: glibc keeps the word `__shared` at byte 28 and the flags at byte 48.
    unsafe {
        let (shared, flags) = (*l.cast::<u32>().add(7), *l.cast::<u32>().add(12));
        (e, e.real(l, flags, shared != 0))
    }
}

unsafe fn read_lock(l: *mut RwLock, f: impl Fn(*mut RwLock) -> c_int) -> c_int {
    before_lock();
    // SAFETY: passed on.
    unsafe { take(l, real_rwlock, f, |_| ()) }
}

unsafe fn write_lock(l: *mut RwLock, f: impl Fn(*mut RwLock) -> c_int) -> c_int {
    before_lock();
    // SAFETY: passed on.
    unsafe {
        take(l, real_rwlock, f, |e| {
            depend(e.readers.load(Relaxed));
            e.writer.store(me().number + 1, Relaxed);
        })
    }
}

macro_rules! rwlock {
    ($name:ident, $lock:ident, $f:expr $(, $arg:ident: $ty:ty)*) => {
        /// See the function of the same name in pthread.h.
        ///
        /// # Safety
        /// See `__itarget_mutex_lock`.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(l: *mut RwLock $(, $arg: $ty)*) -> c_int {
            // SAFETY: passed on.
            unsafe { $lock(l, $f) }
        }
    };
}
rwlock!(__itarget_rwlock_rdlock, read_lock, |l| patiently(l, libc::pthread_rwlock_tryrdlock, |l| libc::pthread_rwlock_rdlock(l)));
rwlock!(__itarget_rwlock_tryrdlock, read_lock, |l| libc::pthread_rwlock_tryrdlock(l));
rwlock!(__itarget_rwlock_timedrdlock, read_lock, |l| patiently(l, libc::pthread_rwlock_tryrdlock, |l| pthread_rwlock_timedrdlock(l, until)), until: *const Time);
rwlock!(__itarget_rwlock_clockrdlock, read_lock, |l| patiently(l, libc::pthread_rwlock_tryrdlock, |l| pthread_rwlock_clockrdlock(l, clock, until)), clock: c_int, until: *const Time);
rwlock!(__itarget_rwlock_wrlock, write_lock, |l| patiently(l, libc::pthread_rwlock_trywrlock, |l| libc::pthread_rwlock_wrlock(l)));
rwlock!(__itarget_rwlock_trywrlock, write_lock, |l| libc::pthread_rwlock_trywrlock(l));
rwlock!(__itarget_rwlock_timedwrlock, write_lock, |l| patiently(l, libc::pthread_rwlock_trywrlock, |l| pthread_rwlock_timedwrlock(l, until)), until: *const Time);
rwlock!(__itarget_rwlock_clockwrlock, write_lock, |l| patiently(l, libc::pthread_rwlock_trywrlock, |l| pthread_rwlock_clockwrlock(l, clock, until)), clock: c_int, until: *const Time);

/// pthread_rwlock_unlock.
///
/// # Safety
/// See `__itarget_mutex_lock`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_rwlock_unlock(l: *mut RwLock) -> c_int {
    // SAFETY: passed on.
    unsafe {
        run(l, real_rwlock, |l| libc::pthread_rwlock_unlock(l), |e, f| {
            if e.writer.load(Relaxed) == me().number + 1 {
                e.writer.store(0, Relaxed);
                return unlock(e, f);
            }
            chained(&e.readers);
            f()
        })
    }
}

/// Record: an operation that releases an object together with others: it comes after what they released.
#[inline]
pub(super) fn chained(stamps: &core::sync::atomic::AtomicU64) {
    // The count first: whoever finds the stamp depends on it.
    let now = next_stamp();
    depend(stamps.swap(now, AcqRel));
    count();
}

/// pthread_rwlock_init.
///
/// # Safety
/// See `__itarget_mutex_lock`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_rwlock_init(l: *mut RwLock, attr: *const libc::pthread_rwlockattr_t) -> c_int {
    refuse_left(l, |e| e.is_written(crate::process::first()));
    // SAFETY: passed on.
    initialise(l, |l| unsafe { libc::pthread_rwlock_init(l, attr) })
}

/// pthread_rwlock_destroy.
///
/// # Safety
/// See `__itarget_mutex_lock`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_rwlock_destroy(l: *mut RwLock) -> c_int {
    // SAFETY: passed on.
    unsafe { result_only(l, real_rwlock, |l| libc::pthread_rwlock_destroy(l)) }
}

type Spin = libc::pthread_spinlock_t;

unsafe fn real_spin(s: *mut Spin) -> (&'static Entry, *mut Spin) {
    let e = entry_of(s as u64);
    // SAFETY: an initialised lock, whose bytes never change.
    unsafe { (e, e.real(s, 0, false)) }
}

unsafe fn spin(s: *mut Spin, f: impl Fn(*mut Spin) -> c_int) -> c_int {
    // SAFETY: passed on.
    unsafe { take(s, real_spin, f, |_| ()) }
}

/// pthread_spin_lock.
///
/// # Safety
/// See `__itarget_mutex_lock`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_spin_lock(s: *mut Spin) -> c_int {
    // SAFETY: passed on.
    unsafe { spin(s, |s| libc::pthread_spin_lock(s)) }
}

/// pthread_spin_trylock.
///
/// # Safety
/// See `__itarget_mutex_lock`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_spin_trylock(s: *mut Spin) -> c_int {
    // SAFETY: passed on.
    unsafe { spin(s, |s| libc::pthread_spin_trylock(s)) }
}

/// pthread_spin_unlock.
///
/// # Safety
/// See `__itarget_mutex_lock`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_spin_unlock(s: *mut Spin) -> c_int {
    // SAFETY: passed on.
    unsafe { run(s, real_spin, |s| libc::pthread_spin_unlock(s), unlock) }
}

/// pthread_spin_init.
///
/// # Safety
/// See `__itarget_mutex_lock`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_spin_init(s: *mut Spin, shared: c_int) -> c_int {
    refuse_left(s, Entry::spin_is_held);
    // SAFETY: passed on.
    initialise(s, |s| unsafe { libc::pthread_spin_init(s, shared) })
}

/// pthread_spin_destroy.
///
/// # Safety
/// See `__itarget_mutex_lock`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_spin_destroy(s: *mut Spin) -> c_int {
    // SAFETY: passed on.
    unsafe { result_only(s, real_spin, |s| libc::pthread_spin_destroy(s)) }
}

/// C11's results of a mutex (`thrd_success` and the like) out of POSIX's.
fn c11(r: c_int) -> c_int {
    match r {
        0 => 0,
        libc::EBUSY => 1,
        libc::ENOMEM => 3,
        libc::ETIMEDOUT => 4,
        _ => 2,
    }
}

/// mtx_lock.
///
/// # Safety
/// See `__itarget_mutex_lock`; glibc's `mtx_t` is a `pthread_mutex_t`. So for the next ones.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_mtx_lock(m: *mut c_void) -> c_int {
    // SAFETY: passed on.
    c11(unsafe { __itarget_mutex_lock(m.cast()) })
}

/// mtx_init.
///
/// # Safety
/// See `__itarget_mtx_lock`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_mtx_init(m: *mut c_void, kind: c_int) -> c_int {
    unsafe extern "C" {
        fn mtx_init(m: *mut c_void, kind: c_int) -> c_int;
    }
    // SAFETY: passed on.
    initialise(m, |m| unsafe { mtx_init(m, kind) })
}

/// mtx_trylock.
///
/// # Safety
/// See `__itarget_mtx_lock`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_mtx_trylock(m: *mut c_void) -> c_int {
    // SAFETY: passed on.
    c11(unsafe { __itarget_mutex_trylock(m.cast()) })
}

/// mtx_timedlock.
///
/// # Safety
/// See `__itarget_mtx_lock`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_mtx_timedlock(m: *mut c_void, until: *const Time) -> c_int {
    // SAFETY: passed on.
    c11(unsafe { __itarget_mutex_timedlock(m.cast(), until) })
}

/// mtx_unlock.
///
/// # Safety
/// See `__itarget_mtx_lock`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_mtx_unlock(m: *mut c_void) -> c_int {
    // SAFETY: passed on.
    c11(unsafe { __itarget_mutex_unlock(m.cast()) })
}

