//! Condition variables, semaphores, barriers and `pthread_once`.
//!
//! A wait is a boundary: signals that come while it lasts are delivered there, and again there at replay.

use super::locks::{How, chained, how, initialise, real_mutex, result_only};
use super::{await_next, count, depend, entry_of, next_stamp, pass, publish, table::Entry, unusual};
use crate::exit::site;
use crate::hooks::{__itarget_enter, __itarget_leave};
use crate::state::{me, page};
use core::ffi::c_int;
use core::sync::atomic::Ordering::*;
use itarget_abi::control::mode;

unsafe extern "C" {
    fn pthread_cond_clockwait(c: *mut Cond, m: *mut Mutex, clock: c_int, until: *const Time) -> c_int;
    fn sem_clockwait(s: *mut Sem, clock: c_int, until: *const Time) -> c_int;
}

type Cond = libc::pthread_cond_t;
type Mutex = libc::pthread_mutex_t;
type Sem = libc::sem_t;
type Barrier = libc::pthread_barrier_t;
type Time = libc::timespec;

/// A wait, in which signals may come. The thread waits at a boundary, between its operations.
fn waiting<R>(f: impl FnOnce() -> R) -> R {
    __itarget_enter(site::WAIT);
    let r = f();
    __itarget_leave();
    r
}

unsafe fn real_cond(c: *mut Cond) -> (&'static Entry, *mut Cond) {
    let e = entry_of(c as u64);
    // SAFETY: glibc keeps the clock and whether processes share it in the low bits of the word at byte 36.
    unsafe {
        let flags = *c.cast::<u32>().add(9) & 3;
        (e, e.real(c, flags, flags & 1 != 0))
    }
}

/// Lets go of the mutex, waits, and takes the mutex again.
unsafe fn cond_wait(c: *mut Cond, m: *mut Mutex, f: impl FnOnce(*mut Cond, *mut Mutex) -> c_int) -> c_int {
    match how() {
        How::Plain => f(c, m),
        // SAFETY: passed on.
        How::Shadow => unsafe { f(real_cond(c).1, real_mutex(m).1) },
        How::Replay => {
            pass();
            waiting(|| ());
            pass().map_or(0, |r| r as c_int)
        }
        How::Record => {
            // SAFETY: passed on.
            let ((_, cond), (e, mutex)) = unsafe { (real_cond(c), real_mutex(m)) };
            chained(&e.last);
            crate::thread::cancel::waits_with(&raw const e.last);
            let r = waiting(|| f(cond, mutex));
            crate::thread::cancel::waits_with(core::ptr::null());
            depend(e.last.load(Relaxed));
            if r != 0 {
                unusual(i64::from(r));
            }
            count();
            r
        }
    }
}

/// pthread_cond_wait and cnd_wait.
///
/// # Safety
/// As the function; so for all in this file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_cond_wait(c: *mut Cond, m: *mut Mutex) -> c_int {
    // SAFETY: passed on.
    unsafe { cond_wait(c, m, |c, m| libc::pthread_cond_wait(c, m)) }
}

/// pthread_cond_timedwait.
///
/// # Safety
/// See `__itarget_cond_wait`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_cond_timedwait(c: *mut Cond, m: *mut Mutex, until: *const Time) -> c_int {
    // SAFETY: passed on.
    unsafe { cond_wait(c, m, |c, m| libc::pthread_cond_timedwait(c, m, until)) }
}

/// cnd_timedwait.
///
/// # Safety
/// See `__itarget_cond_wait`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_cnd_timedwait(c: *mut Cond, m: *mut Mutex, until: *const Time) -> c_int {
    // SAFETY: passed on.
    match unsafe { __itarget_cond_timedwait(c, m, until) } {
        0 => 0,
        libc::ETIMEDOUT => 4,
        _ => 2,
    }
}

/// pthread_cond_clockwait.
///
/// # Safety
/// See `__itarget_cond_wait`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_cond_clockwait(c: *mut Cond, m: *mut Mutex, clock: c_int, until: *const Time) -> c_int {
    // SAFETY: passed on.
    unsafe { cond_wait(c, m, |c, m| pthread_cond_clockwait(c, m, clock, until)) }
}

/// pthread_cond_signal and cnd_signal. What is ordered here is ordered by the mutex.
///
/// # Safety
/// See `__itarget_cond_wait`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_cond_signal(c: *mut Cond) -> c_int {
    // SAFETY: passed on.
    unsafe { result_only(c, real_cond, |c| libc::pthread_cond_signal(c)) }
}

/// pthread_cond_broadcast and cnd_broadcast.
///
/// # Safety
/// See `__itarget_cond_wait`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_cond_broadcast(c: *mut Cond) -> c_int {
    // SAFETY: passed on.
    unsafe { result_only(c, real_cond, |c| libc::pthread_cond_broadcast(c)) }
}

/// pthread_cond_init.
///
/// # Safety
/// See `__itarget_cond_wait`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_cond_init(c: *mut Cond, attr: *const libc::pthread_condattr_t) -> c_int {
    // SAFETY: passed on.
    initialise(c, |c| unsafe { libc::pthread_cond_init(c, attr) })
}

/// cnd_init.
///
/// # Safety
/// See `__itarget_cond_wait`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_cnd_init(c: *mut Cond) -> c_int {
    // SAFETY: passed on; glibc's `cnd_t` is a `pthread_cond_t`.
    unsafe { __itarget_cond_init(c, core::ptr::null()) }
}

/// pthread_cond_destroy and cnd_destroy.
///
/// # Safety
/// See `__itarget_cond_wait`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_cond_destroy(c: *mut Cond) -> c_int {
    // SAFETY: passed on.
    unsafe { result_only(c, real_cond, |c| libc::pthread_cond_destroy(c)) }
}

unsafe fn real_sem(s: *mut Sem) -> (&'static Entry, *mut Sem) {
    let e = entry_of(s as u64);
    // SAFETY: glibc keeps what the futex is called with, 0 where processes share it, at byte 8.
    unsafe { (e, e.real(s, 0, *s.cast::<u32>().add(2) != 0)) }
}

/// sem_init: glibc writes the value into the program's object, which keeps it.
///
/// # Safety
/// See `__itarget_cond_wait`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_sem_init(s: *mut Sem, shared: c_int, value: u32) -> c_int {
    // SAFETY: passed on.
    initialise(s, |s| unsafe { libc::sem_init(s, shared, value) })
}

/// Logs how a call went that gives -1 and `errno`.
fn answered(r: c_int) -> c_int {
    if r != 0 {
        // SAFETY: this thread's errno.
        unusual(i64::from(unsafe { *libc::__errno_location() }));
    }
    count();
    r
}

/// The other side of [`answered`].
fn replayed() -> c_int {
    match pass() {
        None => 0,
        Some(errno) => {
            // SAFETY: this thread's errno.
            unsafe { *libc::__errno_location() = errno as c_int };
            -1
        }
    }
}

/// sem_post.
///
/// # Safety
/// See `__itarget_cond_wait`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_sem_post(s: *mut Sem) -> c_int {
    // SAFETY: passed on.
    unsafe {
        match how() {
            How::Plain => libc::sem_post(s),
            How::Shadow => libc::sem_post(real_sem(s).1),
            How::Replay => replayed(),
            How::Record => {
                let (e, real) = real_sem(s);
                chained(&e.last);
                let r = libc::sem_post(real);
                if r != 0 {
                    super::late(i64::from(*libc::__errno_location()));
                }
                r
            }
        }
    }
}

unsafe fn sem_wait(s: *mut Sem, blocks: bool, f: impl FnOnce(*mut Sem) -> c_int) -> c_int {
    match how() {
        How::Plain => f(s),
        // SAFETY: passed on.
        How::Shadow => f(unsafe { real_sem(s) }.1),
        How::Replay => {
            if blocks {
                waiting(|| ());
            }
            replayed()
        }
        How::Record => {
            // SAFETY: passed on.
            let (e, real) = unsafe { real_sem(s) };
            let r = if blocks { waiting(|| f(real)) } else { f(real) };
            if r == 0 {
                depend(e.last.load(Acquire));
            }
            answered(r)
        }
    }
}

/// sem_wait.
///
/// # Safety
/// See `__itarget_cond_wait`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_sem_wait(s: *mut Sem) -> c_int {
    // SAFETY: passed on.
    unsafe { sem_wait(s, true, |s| libc::sem_wait(s)) }
}

/// sem_trywait.
///
/// # Safety
/// See `__itarget_cond_wait`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_sem_trywait(s: *mut Sem) -> c_int {
    // SAFETY: passed on.
    unsafe { sem_wait(s, false, |s| libc::sem_trywait(s)) }
}

/// sem_timedwait.
///
/// # Safety
/// See `__itarget_cond_wait`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_sem_timedwait(s: *mut Sem, until: *const Time) -> c_int {
    // SAFETY: passed on.
    unsafe { sem_wait(s, true, |s| libc::sem_timedwait(s, until)) }
}

/// sem_clockwait.
///
/// # Safety
/// See `__itarget_cond_wait`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_sem_clockwait(s: *mut Sem, clock: c_int, until: *const Time) -> c_int {
    // SAFETY: passed on.
    unsafe { sem_wait(s, true, |s| sem_clockwait(s, clock, until)) }
}

/// sem_getvalue.
///
/// # Safety
/// See `__itarget_cond_wait`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_sem_getvalue(s: *mut Sem, value: *mut c_int) -> c_int {
    // SAFETY: passed on.
    unsafe {
        match how() {
            How::Plain => libc::sem_getvalue(s, value),
            How::Shadow => libc::sem_getvalue(real_sem(s).1, value),
            How::Replay => {
                *value = pass().unwrap_or(0) as c_int;
                0
            }
            How::Record => {
                let (e, real) = real_sem(s);
                let r = libc::sem_getvalue(real, value);
                depend(e.last.load(Acquire));
                unusual(i64::from(*value));
                count();
                r
            }
        }
    }
}

/// sem_destroy.
///
/// # Safety
/// See `__itarget_cond_wait`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_sem_destroy(s: *mut Sem) -> c_int {
    // SAFETY: passed on.
    unsafe { result_only(s, real_sem, |s| libc::sem_destroy(s)) }
}

unsafe fn real_barrier(b: *mut Barrier) -> (&'static Entry, *mut Barrier) {
    let e = entry_of(b as u64);
    // SAFETY: glibc keeps whether processes share it at byte 12.
    unsafe { (e, e.real(b, 0, *b.cast::<u32>().add(3) != 0)) }
}

/// pthread_barrier_init.
///
/// # Safety
/// See `__itarget_cond_wait`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_barrier_init(b: *mut Barrier, attr: *const libc::pthread_barrierattr_t, n: u32) -> c_int {
    // SAFETY: passed on.
    initialise(b, |b| unsafe { libc::pthread_barrier_init(b, attr, n) })
}

/// pthread_barrier_wait: arrives (an operation), waits, leaves (another).
///
/// # Safety
/// See `__itarget_cond_wait`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_barrier_wait(b: *mut Barrier) -> c_int {
    // SAFETY: passed on.
    unsafe {
        match how() {
            How::Plain => libc::pthread_barrier_wait(b),
            How::Shadow => libc::pthread_barrier_wait(real_barrier(b).1),
            How::Replay => {
                pass();
                waiting(|| ());
                pass().map_or(0, |r| r as c_int)
            }
            How::Record => {
                let (e, real) = real_barrier(b);
                chained(&e.last);
                let r = waiting(|| libc::pthread_barrier_wait(real));
                depend(e.last.load(Acquire));
                if r != 0 {
                    unusual(i64::from(r));
                }
                count();
                r
            }
        }
    }
}

/// pthread_barrier_destroy.
///
/// # Safety
/// See `__itarget_cond_wait`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_barrier_destroy(b: *mut Barrier) -> c_int {
    // SAFETY: passed on.
    unsafe { result_only(b, real_barrier, |b| libc::pthread_barrier_destroy(b)) }
}

/// Says that the caller ran the function.
const RAN: i64 = 1;

/// What glibc leaves in a control whose function ran.
const DONE: c_int = 2;

extern "C" fn run_once() {
    let life = &mut me().life;
    let given = life.once.take();
    if matches!(how(), How::Record) {
        unusual(RAN);
        count();
    }
    if let Some((run, control)) = given {
        run();
        // SAFETY: the control that the program gave.
        unsafe { done(control) };
    }
    me().life.ran = true;
}

/// The program sees that the function ran, and may set the control back.
unsafe fn done(control: *mut c_int) {
    if (control as u64) < page().missing {
        // SAFETY: memory that is there, also at replay.
        unsafe { control.write(DONE) };
    }
}

/// Where the program has set the control back (a child that a fork left without threads does) the function runs again.
unsafe fn set_back(e: &Entry, control: *mut c_int, real: *mut c_int) {
    let ran = e.last.load(Acquire);
    // SAFETY: both are there. Who ran the function left the program's control first, then the stamp; one of the threads that come here sees it to it.
    unsafe {
        if ran != 0 && control.read_volatile() == 0 && e.last.compare_exchange(ran, 0, AcqRel, Relaxed).is_ok() {
            real.write_volatile(0);
        }
    }
}

/// pthread_once and call_once.
///
/// # Safety
/// See `__itarget_cond_wait`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_once(control: *mut c_int, run: extern "C" fn()) -> c_int {
    unsafe extern "C" {
        fn pthread_once(control: *mut c_int, run: extern "C" fn()) -> c_int;
    }
    // SAFETY: passed on; a control of 4 bytes is its own shadow's start.
    unsafe {
        match how() {
            How::Plain => pthread_once(control, run),
            How::Shadow if crate::pool::owns(control.cast()) => pthread_once(control, run),
            How::Replay => {
                if crate::pool::owns(control.cast()) {
                    crate::hooks::refuse(site::ONCE);
                }
                if await_next() == Some(RAN) {
                    publish();
                    run();
                    done(control);
                    pass();
                } else {
                    publish();
                }
                0
            }
            how => {
                let recorded = matches!(how, How::Record);
                if recorded && crate::pool::owns(control.cast()) {
                    // A later one at the same place would be taken for this one.
                    crate::hooks::refuse(site::ONCE);
                    return pthread_once(control, run);
                }
                let e = entry_of(control as u64);
                let real = e.real(control, 0, false);
                set_back(e, control, real);
                let life = &mut me().life;
                let outer = life.once.replace((run, control));
                life.ran = false;
                pthread_once(real, run_once);
                let life = &mut me().life;
                life.once = outer;
                match (core::mem::take(&mut life.ran), recorded) {
                    (true, true) => {
                        // Others that come later find this; those that waited for it meanwhile come later, too.
                        e.last.store(next_stamp(), Release);
                        count();
                    }
                    (false, true) => {
                        depend(wait_for_stamp(e));
                        count();
                    }
                    // No stamp is looked at any more.
                    (true, false) if page().mode != mode::RECORD => e.last.store(1, Release),
                    _ => {}
                }
                0
            }
        }
    }
}

/// The stamp of who ran the function, which may be about to write it.
fn wait_for_stamp(e: &Entry) -> u64 {
    loop {
        let stamp = e.last.load(Acquire);
        if stamp != 0 {
            return stamp;
        }
        core::hint::spin_loop();
    }
}
