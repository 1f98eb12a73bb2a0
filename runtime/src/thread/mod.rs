//! Threads: each has a number, a stack at a place that the number gives, a ring and a stream of its own.
//!
//! glibc's part of a thread (its control block, thread-local variables of libraries, the frames around the program's
//! function) lies in a small mapping above the bound, also at a fixed place, so that `pthread_t` is the same at replay; the program's
//! frames are on a stack below the bound.

pub mod cancel;
mod ends;
mod first;
mod graves;
pub mod seat;
pub mod still;
pub mod values;

use crate::exit::site;
use crate::hooks::{__itarget_enter, __itarget_leave};
use crate::state::{FOREIGN, MAIN, Thread, become_thread, elsewhere, me, page, recording, replaying, st};
use crate::sync;
use crate::sys::{mmap, sys};
use crate::word::word;
use crate::{log, replay, signal};
use core::ffi::{c_int, c_void};
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering::*};
use itarget_abi::control::mode;
use itarget_abi::layout::{TCB_BASE, TCB_STRIDE, THREAD_STACKS, THREAD_STRIDE, THREADS_MAX};

pub use ends::{park, settle, stay_behind, wait_alone};
pub use first::begin_replay;
pub use graves::{after_fork, hold};
pub use seat::each;

use first::{end_first, stays, wait_for_first};

type Start = extern "C" fn(*mut c_void) -> *mut c_void;
type Handle = libc::pthread_t;
type Attr = libc::pthread_attr_t;

/// What a thread runs, and how it ends.
pub struct Life {
    start: Option<Start>,
    argument: *mut c_void,
    /// Top of the program's stack; lowest address and bytes of what is unmapped after the thread.
    top: u64,
    stack: (u64, u64),
    /// Stack pointer of the frames around the program's.
    pub outer: u64,
    /// Innermost handler of `pthread_cleanup_push`.
    cleanup: *mut cancel::Buffer,
    /// What it has last asked for (`pthread_setcanceltype`).
    cancel_type: c_int,
    /// Record: the stamp of the mutex that it gets back when it is cancelled where it waits; else null.
    retakes: *const AtomicU64,
    /// The buffer by which glibc finds the frames around the program's.
    catch: [u64; 13],
    result: *mut c_void,
    detached: AtomicU32,
    /// Values of keys.
    values: [*mut c_void; values::KEYS],
    /// What `pthread_once` is to run, and whether it did.
    pub once: Option<(extern "C" fn(), *mut c_int)>,
    /// See `once`.
    pub ran: bool,
    /// C11: the function gives an `int`.
    int: bool,
    /// Signals that it blocks at first, if they are all blocked until it is one that is recorded, and at last, where they all are.
    mask: Option<u64>,
    /// Replay: it was about to synchronize when the recording ended.
    pub waits: bool,
    /// Record: how it forks.
    pub forks: Forks,
    /// 1: it ended, but stays until the process does.
    over: AtomicU32,
}

/// How a thread forks.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Forks {
    /// It does not; a library may.
    No,
    /// For the program.
    Yes,
    /// So, beside others, and the child is to find what they share in the runtime at rest.
    Beside,
}

impl Life {
    /// Top of the program's stack; 0: the main thread's.
    pub fn top(&self) -> u64 {
        self.top
    }

    /// None.
    pub const NEW: Life = Life {
        start: None,
        argument: core::ptr::null_mut(),
        top: 0,
        stack: (0, 0),
        outer: 0,
        cleanup: core::ptr::null_mut(),
        cancel_type: 0,
        retakes: core::ptr::null(),
        catch: [0; 13],
        result: core::ptr::null_mut(),
        detached: AtomicU32::new(0),
        values: [core::ptr::null_mut(); values::KEYS],
        once: None,
        ran: false,
        int: false,
        mask: None,
        waits: false,
        forks: Forks::No,
        over: AtomicU32::new(0),
    };
}

/// Bytes of glibc's part.
const TCB: u64 = 256 << 10;
/// Bytes that may not be touched below a stack.
const GUARD: u64 = 4096;
/// `PTHREAD_ATTR_NO_SIGMASK_NP`: the attributes say nothing about signals.
const NO_MASK: c_int = -1;
/// Bit of `detached`: the thread came to its end.
const ENDED: u32 = 2;

unsafe extern "C" {
    fn pthread_tryjoin_np(t: Handle, result: *mut *mut c_void) -> c_int;
    fn pthread_timedjoin_np(t: Handle, result: *mut *mut c_void, until: *const libc::timespec) -> c_int;
    fn pthread_clockjoin_np(t: Handle, result: *mut *mut c_void, clock: c_int, until: *const libc::timespec) -> c_int;
    fn pthread_attr_getsigmask_np(attr: *const Attr, set: *mut libc::sigset_t) -> c_int;
    fn __sigsetjmp(buffer: *mut c_void, mask: c_int) -> c_int;
    fn pthread_attr_getdetachstate(attr: *const Attr, state: *mut c_int) -> c_int;
}

static NEXT: AtomicU32 = AtomicU32::new(1);

/// Record: numbers that threads were given so far, that of the main thread included.
pub fn numbers() -> u32 {
    NEXT.load(SeqCst)
}

/// Nothing of ours is needed: nothing is or was recorded, or a library's thread calls.
fn plain() -> bool {
    page().mode == mode::PLAIN && !crate::pool::ready() || elsewhere()
}

/// Bytes of stack that the program wants, and where, if it says so.
unsafe fn wanted(attr: *const Attr) -> (u64, u64) {
    // SAFETY: null or an initialised attribute object.
    unsafe {
        let mut own: Attr = core::mem::zeroed();
        let attr = if attr.is_null() {
            libc::pthread_attr_init(&raw mut own);
            &raw const own
        } else {
            attr
        };
        let (mut at, mut size) = (core::ptr::null_mut(), 0);
        libc::pthread_attr_getstacksize(attr, &raw mut size);
        // glibc keeps the address of a stack that was given in the word at byte 24 (its end).
        let end = *attr.cast::<u64>().add(3);
        if end != 0 && libc::pthread_attr_getstack(attr, &raw mut at, &raw mut size) == 0 {
            return (size as u64, at as u64);
        }
        (size as u64, 0)
    }
}

/// pthread_create.
///
/// # Safety
/// As the function; so for all in this file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_pthread_create(t: *mut Handle, attr: *const Attr, start: Start, argument: *mut c_void) -> c_int {
    if plain() {
        // SAFETY: passed on.
        return unsafe { libc::pthread_create(t, attr, core::mem::transmute::<Start, extern "C" fn(*mut c_void) -> *mut c_void>(start), argument) };
    }
    // SAFETY: passed on.
    unsafe { create(t, attr, start, argument, false) }
}

/// thrd_create.
///
/// # Safety
/// See `__itarget_pthread_create`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_thrd_create(t: *mut Handle, start: Start, argument: *mut c_void) -> c_int {
    unsafe extern "C" {
        fn thrd_create(t: *mut Handle, start: Start, argument: *mut c_void) -> c_int;
    }
    if plain() {
        // SAFETY: passed on.
        return unsafe { thrd_create(t, start, argument) };
    }
    // SAFETY: passed on.
    match unsafe { create(t, core::ptr::null(), start, argument, true) } {
        0 => 0,
        libc::ENOMEM => 3,
        _ => 2,
    }
}

unsafe fn create(t: *mut Handle, attr: *const Attr, start: Start, argument: *mut c_void, int: bool) -> c_int {
    if !st().threads {
        crate::locale::prepare();
    }
    if crate::state::single() {
        crate::hooks::refuse(site::SINGLE);
    }
    let run = __itarget_enter(site::THREAD) != 0;
    // From now on the pool and other shared state keep their order.
    st().threads = true;
    crate::state::accompany();
    graves::bury();
    // SAFETY: passed on.
    let (mut size, given) = if run { unsafe { wanted(attr) } } else { (0, 0) };
    size = word(size);
    let given = word(given);
    let number = word(if run { u64::from(NEXT.fetch_add(1, Relaxed)) } else { 0 }) as u32;
    __itarget_leave();
    if replaying() && replay::is_left(number) {
        // The child that is replayed was forked before that.
        replay::park();
    }
    if !crate::shadow::start() {
        log::fail(libc::ENOMEM);
    }
    if crate::shadow::active() {
        // What the thread does comes after what its maker did.
        if recording() { sync::count() } else if replaying() { _ = sync::pass() }
    }
    if u64::from(number) >= THREADS_MAX {
        // It runs all the same, unrecorded.
        crate::hooks::refuse(site::THREAD);
    }
    // The thread may end the process before its maker hears of it: what was recorded of it says that it was made.
    crate::shadow::range(t as u64, size_of::<Handle>() as u64, true);
    let mut made = run || replay::has_part(number);
    let mut now = 0;
    if made {
        // SAFETY: passed on.
        now = unsafe { make(t, attr, start, argument, number, size, given, int) };
    }
    let rc = word(now as u64) as c_int;
    if rc == 0 && !made {
        made = true;
        // SAFETY: passed on.
        now = unsafe { make(t, attr, start, argument, number, size, given, int) };
    }
    if replaying() && made && now != 0 {
        replay::diverged(b"a thread can't be started", 0, now as u64);
    }
    rc
}

#[allow(clippy::too_many_arguments)]
unsafe fn make(t: *mut Handle, attr: *const Attr, start: Start, argument: *mut c_void, number: u32, size: u64, given: u64, int: bool) -> c_int {
    let mut seat = seat::take(number);
    if seat.is_none() && recording() {
        // Without room for its log the thread runs all the same.
        log::fail(libc::ENOSPC);
        seat = seat::take(number);
    }
    let Some(thread) = seat else { return libc::EAGAIN };
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED_NOREPLACE;
    let rw = libc::PROT_READ | libc::PROT_WRITE;
    let recorded = recording() || replaying();
    let n = u64::from(number);
    // SAFETY: places that belong to this number alone; the thread does not run yet.
    unsafe {
        let life = &mut (*thread).life;
        *life = Life { start: Some(start), argument, int, ..Life::NEW };
        if crate::shadow::active() {
            (*thread).sync.inherit(&me().sync, me().number, crate::state::ctl().ops);
        }
        let mut own: Attr = core::mem::zeroed();
        if attr.is_null() { libc::pthread_attr_init(&raw mut own); } else { own = core::ptr::read(attr); }
        if recorded {
            let mut detached = 0;
            pthread_attr_getdetachstate(&raw const own, &raw mut detached);
            life.detached = AtomicU32::new(u32::from(detached == libc::PTHREAD_CREATE_DETACHED));
            if given != 0 {
                life.top = given + size;
            } else {
                let size = size.clamp(64 << 10, THREAD_STRIDE - GUARD).next_multiple_of(4096);
                life.top = THREAD_STACKS + (n + 1) * THREAD_STRIDE;
                life.stack = (life.top - size, size);
                if mmap(life.top - size, size, rw, flags, -1, 0).is_none() {
                    seat::give_back(thread);
                    return libc::EAGAIN;
                }
            }
            let tcb = TCB_BASE + n * TCB_STRIDE;
            if mmap(tcb, TCB, rw, flags, -1, 0).is_none() {
                sys!(libc::SYS_munmap, life.stack.0, life.stack.1);
                seat::give_back(thread);
                return libc::EAGAIN;
            }
            libc::pthread_attr_setstack(&raw mut own, tcb as *mut c_void, TCB as usize);
        }
        let counts = counts(number);
        st().alive.fetch_add(counts, SeqCst);
        // A signal that came before the thread is ours would find nobody to take it.
        let before = recording().then(signal::block);
        let mut set: libc::sigset_t = core::mem::zeroed();
        if pthread_attr_getsigmask_np(&raw const own, &raw mut set) == NO_MASK {
            (*thread).life.mask = before;
        }
        let rc = libc::pthread_create(t, &raw const own, begin, thread.cast());
        if let Some(before) = before {
            signal::unblock(before);
        }
        if rc != 0 {
            st().alive.fetch_sub(counts, SeqCst);
            unmap(number, (*thread).life.stack);
            seat::give_back(thread);
        }
        rc
    }
}

/// 1, or 0 if nobody is to wait for the thread: the process that is replayed left it behind when it was forked.
fn counts(number: u32) -> u32 {
    u32::from(!(replaying() && replay::was_left(number)))
}

/// Where every thread begins.
extern "C" fn begin(thread: *mut c_void) -> *mut c_void {
    let thread: *mut Thread = thread.cast();
    // SAFETY: made for this thread.
    let result = unsafe {
        become_thread(thread);
        me().tid = sys!(libc::SYS_gettid) as i32;
        if let Some(mask) = me().life.mask {
            signal::unblock(mask);
        }
        if replaying() {
            replay::open();
            if !crate::crossing::start() {
                replay::diverged(b"no memory for a thread", 0, 0);
            }
        }
        if !crate::shadow::begin() {
            log::fail(libc::ENOMEM);
        }
        let life = &mut me().life;
        let (Some(start), argument) = (life.start, life.argument) else { return core::ptr::null_mut() };
        me().life.result = value_of(on_program_stack(start, argument));
        // All that the program runs lies on its own stack.
        on_program_stack(values::destroy, core::ptr::null_mut());
        on_program_stack(take_last_signals, core::ptr::null_mut());
        // One that forked a child in these is the first one there.
        if stays(me().number) {
            on_program_stack(end_first, core::ptr::null_mut());
        }
        me().life.result
    };
    end(result)
}

/// Calls a function where the frames of the program lie in this thread. Gives what it gives, or what the thread is ended with in it.
unsafe fn on_program_stack(f: Start, argument: *mut c_void) -> *mut c_void {
    let life = &mut me().life;
    // At replay nobody is cancelled by glibc.
    let catch = if replaying() { core::ptr::null_mut() } else { &raw mut life.catch };
    // SAFETY: nothing else runs there any more, or yet.
    unsafe {
        let result = on_stack(f, argument, life.top, &raw mut life.outer, catch);
        if !catch.is_null() {
            cancel::unregister(catch.cast());
        }
        result
    }
}

/// Calls a function on another stack, or further down on this one if `top` is 0; [`back`] ends it, too. While it runs `catch`, if not null, is registered
/// with glibc, so that [`cancel::cancelled`] is called if the thread is cancelled.
///
/// # Safety
/// `top` is the end of a stack that nobody uses. `catch` lives until it is taken back.
#[unsafe(naked)]
unsafe extern "C" fn on_stack(f: Start, argument: *mut c_void, top: u64, outer: *mut u64, catch: *mut [u64; 13]) -> *mut c_void {
    core::arch::naked_asm!(
        "push rbx",
        "push rbp",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "mov [rcx], rsp",
        "test r8, r8",
        "jz 2f",
        "push rdi",
        "push rsi",
        "push rdx",
        "push rcx",
        "push r8",
        "mov rdi, r8",
        "xor esi, esi",
        "call {setjmp}",
        "test eax, eax",
        "jnz 4f",
        "mov rdi, [rsp]",
        "call {register}",
        "pop r8",
        "pop rcx",
        "pop rdx",
        "pop rsi",
        "pop rdi",
        "2:",
        "test rdx, rdx",
        "jnz 3f",
        // Room for what is called when the thread is cancelled.
        "lea rdx, [rsp - 4088]",
        "3:",
        "mov rsp, rdx",
        // The program's frames end here; what setjmp would save of these must be the same at replay.
        "mov rax, rdi",
        "mov rdi, rsi",
        "xor ebx, ebx",
        "xor ebp, ebp",
        "xor r12d, r12d",
        "xor r13d, r13d",
        "xor r14d, r14d",
        "xor r15d, r15d",
        "sub rsp, 16",
        "mov [rsp], rcx",
        "call rax",
        "mov rdi, [rsp]",
        "mov rsi, rax",
        "jmp {back}",
        "4:",
        "call {cancelled}",
        "ud2",
        back = sym back,
        setjmp = sym __sigsetjmp,
        register = sym cancel::__pthread_register_cancel,
        cancelled = sym cancel::cancelled,
    )
}

/// Back to the frames around the program's, with its result.
///
/// # Safety
/// `outer` was set by `on_stack` in this thread.
#[unsafe(naked)]
unsafe extern "C" fn back(outer: *mut u64, result: *mut c_void) -> ! {
    core::arch::naked_asm!(
        "mov rax, rsi",
        "mov rsp, [rdi]",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbp",
        "pop rbx",
        "ret"
    )
}

/// Signals sent to the process go to other threads from now on; those that came run their handlers.
extern "C" fn take_last_signals(_: *mut c_void) -> *mut c_void {
    if recording() {
        me().life.mask = Some(signal::block());
        crate::state::ctl().boundaries += 1;
        signal::deliver_last();
    } else if replaying() {
        sync::safe_point();
    }
    me().life.result
}

/// The program's part of a thread is over.
fn end(result: *mut c_void) -> *mut c_void {
    let thread: *mut Thread = me();
    values::free_locals();
    me().line.free();
    crate::pool::leave();
    let t = me();
    let (number, stack) = (t.number, t.life.stack);
    crate::shadow::end();
    if recording() {
        log::end_of_thread();
        sync::gone();
    } else if replaying() {
        replay::end_of_thread();
    }
    let detached = t.life.detached.fetch_or(ENDED, AcqRel) & 1 != 0;
    let tid = t.tid;
    // SAFETY: nothing of this thread is recorded any more.
    unsafe { become_thread(&raw mut FOREIGN) };
    seat::give_back(thread);
    if detached {
        graves::to_bury(number, tid, stack);
    }
    st().alive.fetch_sub(counts(number), SeqCst);
    // SAFETY: wakes who waits for the last thread.
    unsafe { sys!(libc::SYS_futex, (&raw const st().alive), libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG, i32::MAX) };
    result
}

/// What this thread gives.
fn value_of(result: *mut c_void) -> *mut c_void {
    // C11: the upper half is nobody's.
    if me().life.int { (result as u64 as i32 as i64) as *mut c_void } else { result }
}

fn unmap(number: u32, stack: (u64, u64)) {
    // SAFETY: mappings of a thread that is gone, or was never there.
    unsafe {
        if stack.1 != 0 {
            sys!(libc::SYS_munmap, stack.0, stack.1);
        }
        sys!(libc::SYS_munmap, TCB_BASE + u64::from(number) * TCB_STRIDE, TCB);
    }
}

/// The number of the thread with that handle; `None`: the main thread's, or not ours.
fn number_of(t: Handle) -> Option<u32> {
    let n = (t as u64).checked_sub(TCB_BASE)? / TCB_STRIDE;
    (n < THREADS_MAX).then_some(n as u32)
}

/// The thread with that number, if its seat is still its own.
fn of_number(number: u32) -> Option<&'static Thread> {
    each().find(|thread| thread.number == number && (number == 0 || thread.life.top != 0))
}

/// Whether that is the main thread. Its handle is another one at replay, where there are no others outside of our places.
fn is_main(t: Handle) -> bool {
    // SAFETY: the main thread's own handle, set at start.
    number_of(t).is_none() && (replaying() || t == unsafe { MAIN.life.argument as Handle })
}

/// The handle that a thread has here.
fn real(t: Handle) -> Handle {
    // SAFETY: as above.
    if is_main(t) { unsafe { MAIN.life.argument as Handle } } else { t }
}

/// Waits for the end of a thread: `f` with the real handle, or at replay, where it succeeded, a plain join.
unsafe fn join(t: Handle, result: *mut *mut c_void, f: impl FnOnce(*mut *mut c_void) -> c_int) -> c_int {
    let run = __itarget_enter(site::JOIN) != 0;
    let mut value = core::ptr::null_mut();
    let mut rc = 0;
    let first = if is_main(t) { Some(0) } else { number_of(t) }.filter(|number| stays(*number)).and_then(of_number);
    if run {
        rc = first.map_or_else(|| f(&raw mut value), wait_for_first);
        __itarget_leave();
    }
    rc = word(rc as u64) as c_int;
    if rc == 0 {
        // SAFETY: the thread ended, or will.
        unsafe {
            if let Some(first) = first {
                if replaying() {
                    // One that was left behind did not see it end.
                    replay::may_end();
                }
                wait_for_first(first);
                value = first.life.result;
            } else if replaying() {
                libc::pthread_join(real(t), &raw mut value);
            }
            if let Some(number) = number_of(t).filter(|_| crate::shadow::active()) {
                sync::joined(number);
            }
            if let Some(number) = number_of(t).filter(|_| first.is_none()) {
                let top = THREAD_STACKS + (u64::from(number) + 1) * THREAD_STRIDE;
                unmap(number, (top - (THREAD_STRIDE - GUARD), THREAD_STRIDE - GUARD));
            }
            if !result.is_null() {
                crate::shadow::range(result as u64, size_of_val(&*result) as u64, true);
                *result = value;
            }
        }
    }
    rc
}

/// pthread_join.
///
/// # Safety
/// See `__itarget_pthread_create`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_pthread_join(t: Handle, result: *mut *mut c_void) -> c_int {
    // SAFETY: passed on.
    unsafe { if plain() { libc::pthread_join(t, result) } else { join(t, result, |value| libc::pthread_join(real(t), value)) } }
}

/// pthread_tryjoin_np.
///
/// # Safety
/// See `__itarget_pthread_create`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_pthread_tryjoin(t: Handle, result: *mut *mut c_void) -> c_int {
    // SAFETY: passed on.
    unsafe { if plain() { pthread_tryjoin_np(t, result) } else { join(t, result, |value| pthread_tryjoin_np(real(t), value)) } }
}

/// pthread_timedjoin_np.
///
/// # Safety
/// See `__itarget_pthread_create`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_pthread_timedjoin(t: Handle, result: *mut *mut c_void, until: *const libc::timespec) -> c_int {
    // SAFETY: passed on.
    unsafe {
        if plain() { pthread_timedjoin_np(t, result, until) } else { join(t, result, |value| pthread_timedjoin_np(real(t), value, until)) }
    }
}

/// pthread_clockjoin_np.
///
/// # Safety
/// See `__itarget_pthread_create`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_pthread_clockjoin(t: Handle, result: *mut *mut c_void, clock: c_int, until: *const libc::timespec) -> c_int {
    let timed = |t, value| {
        // SAFETY: passed on.
        unsafe { pthread_clockjoin_np(t, value, clock, until) }
    };
    // SAFETY: passed on.
    unsafe { if plain() { timed(t, result) } else { join(t, result, |value| timed(real(t), value)) } }
}

/// thrd_join.
///
/// # Safety
/// See `__itarget_pthread_create`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_thrd_join(t: Handle, result: *mut c_int) -> c_int {
    let mut value = core::ptr::null_mut();
    // SAFETY: passed on.
    let rc = unsafe { __itarget_pthread_join(t, &raw mut value) };
    if rc == 0 && !result.is_null() {
        // SAFETY: the caller's variable.
        unsafe { *result = value as usize as c_int };
    }
    if rc == 0 { 0 } else { 2 }
}

/// pthread_detach and thrd_detach.
///
/// # Safety
/// See `__itarget_pthread_create`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_pthread_detach(t: Handle) -> c_int {
    // SAFETY: passed on.
    unsafe {
        if plain() {
            return libc::pthread_detach(t);
        }
        let run = __itarget_enter(site::JOIN) != 0;
        let mut rc = 0;
        if run {
            rc = libc::pthread_detach(real(t));
            __itarget_leave();
        }
        rc = word(rc as u64) as c_int;
        if rc == 0 && replaying() {
            libc::pthread_detach(real(t));
        }
        // What ended before stays mapped if its seat has been taken since: its number in the kernel is not known any more.
        if rc == 0
            && let Some(number) = number_of(t)
            && let Some(thread) = of_number(number)
            && thread.life.detached.fetch_or(1, AcqRel) & ENDED != 0
        {
            graves::to_bury(number, thread.tid, thread.life.stack);
        }
        rc
    }
}

/// pthread_getattr_np: of a thread whose stack we made.
///
/// # Safety
/// See `__itarget_pthread_create`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_pthread_getattr(t: Handle, attr: *mut Attr) -> c_int {
    unsafe extern "C" {
        fn pthread_getattr_np(t: Handle, attr: *mut Attr) -> c_int;
    }
    if plain() {
        // SAFETY: passed on.
        return unsafe { pthread_getattr_np(t, attr) };
    }
    let number = number_of(t).unwrap_or(0);
    let thread = of_number(number);
    let (from, size) = if number == 0 { crate::start::main_stack() } else { thread.map_or((0, 0), |thread| thread.life.stack) };
    let detached = thread.map_or(0, |thread| thread.life.detached.load(Relaxed) & 1);
    // Whether the thread is still there depends on others.
    let (there, from, size, detached) = (word(u64::from(thread.is_some())), word(from), word(size), word(u64::from(detached)));
    if there == 0 {
        return libc::ESRCH;
    }
    // SAFETY: the caller's object.
    unsafe {
        libc::pthread_attr_init(attr);
        libc::pthread_attr_setdetachstate(attr, if detached != 0 { libc::PTHREAD_CREATE_DETACHED } else { libc::PTHREAD_CREATE_JOINABLE });
        libc::pthread_attr_setguardsize(attr, GUARD as usize);
        if size != 0 { libc::pthread_attr_setstack(attr, from as *mut c_void, size as usize) } else { 0 }
    }
}

/// timer_create. A timer that starts threads of its own ends the recording: nothing of them would be in it.
///
/// # Safety
/// See `__itarget_pthread_create`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_timer_create(clock: c_int, event: *mut libc::sigevent, timer: *mut libc::timer_t) -> c_int {
    // SAFETY: the caller's structure.
    if !event.is_null() && unsafe { (*event).sigev_notify } == libc::SIGEV_THREAD {
        crate::hooks::refuse(site::TIMER);
    }
    if plain() || !recording() && !replaying() {
        // SAFETY: passed on.
        return unsafe { libc::timer_create(clock, event, timer) };
    }
    let run = __itarget_enter(site::TIMER) != 0;
    let (mut rc, mut made, mut errno) = (0, core::ptr::null_mut(), 0);
    if run {
        // SAFETY: passed on; this thread's errno.
        unsafe {
            rc = libc::timer_create(clock, event, &raw mut made);
            errno = *libc::__errno_location();
        }
        __itarget_leave();
    }
    rc = word(rc as u64) as c_int;
    let made = word(made as u64) as libc::timer_t;
    // SAFETY: the caller's variable; this thread's errno.
    unsafe {
        if rc == 0 {
            *timer = made;
        } else {
            *libc::__errno_location() = word(errno as u64) as c_int;
        }
    }
    rc
}

fn unwind() -> ! {
    let life = &mut me().life;
    if !life.cleanup.is_null() {
        // SAFETY: a buffer that setjmp filled, in a frame that is there.
        unsafe { crate::setjmp::jump(life.cleanup.cast(), 1) }
    }
    if life.outer == 0 {
        // The main thread, which nothing of ours is around.
        values::destroy(core::ptr::null_mut());
        take_last_signals(core::ptr::null_mut());
        end_first(core::ptr::null_mut());
    }
    // SAFETY: set when the thread began.
    unsafe { back(&raw mut life.outer, life.result) }
}

/// pthread_exit.
///
/// # Safety
/// See `__itarget_pthread_create`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_pthread_exit(result: *mut c_void) -> ! {
    if plain() {
        // SAFETY: passed on.
        unsafe { libc::pthread_exit(result) }
    }
    me().life.result = result;
    if !replaying() {
        cancel::forbid_for_good();
    }
    unwind()
}

/// thrd_exit.
///
/// # Safety
/// See `__itarget_pthread_create`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_thrd_exit(result: c_int) -> ! {
    // SAFETY: passed on.
    unsafe { __itarget_pthread_exit(result as i64 as *mut c_void) }
}

/// Remembers the main thread.
pub fn begin_main() {
    // SAFETY: no other thread is there.
    unsafe {
        become_thread(&raw mut MAIN);
        MAIN.life.argument = libc::pthread_self() as *mut c_void;
        MAIN.tid = sys!(libc::SYS_gettid) as i32;
    }
}
