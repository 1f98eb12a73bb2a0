//! Seats: the state and the ring of a thread, used again by later threads.

use crate::state::{MAIN, Thread, me, recording};
use crate::sync::{self, Lock};
use crate::sys::{mmap, sys};
use crate::view::Seen;
use itarget_abi::control::{Control, PAGE};
use itarget_abi::log::MAGIC;

/// Seats that there may be at once.
pub const SEATS: usize = 8192;
/// Most bytes of the live chunk of a thread that is not the main one.
const RING: u64 = 256 << 10;

static LOCK: Lock = sync::free();
static mut ALL: [*mut Thread; SEATS] = [core::ptr::null_mut(); SEATS];
static mut COUNT: usize = 0;
static mut FREE: [u32; SEATS] = [0; SEATS];
static mut FREE_COUNT: usize = 0;

/// All threads, the main one first; those of free seats, too.
pub fn each() -> impl Iterator<Item = &'static Thread> {
    // SAFETY: seats are never taken away; what they hold may change while it is looked at.
    unsafe {
        let main = core::iter::once(&*(&raw const MAIN));
        main.chain((0..COUNT).map(|i| &*ALL[i]))
    }
}

/// Seats there are, that of the main thread included.
pub fn count() -> u32 {
    // SAFETY: only grows.
    unsafe { core::ptr::read_volatile(&raw const COUNT) as u32 + 1 }
}

/// A seat for the thread with that number; `None`: no room.
pub fn take(number: u32) -> Option<*mut Thread> {
    LOCK.lock();
    // SAFETY: under the lock.
    let thread = unsafe {
        // Rings of threads that were cut off hold what was recorded of them.
        if FREE_COUNT > 0 && (recording() || (*ALL[FREE[FREE_COUNT - 1] as usize]).ring == 0) {
            FREE_COUNT -= 1;
            Some(ALL[FREE[FREE_COUNT] as usize])
        } else {
            make()
        }
    };
    if let Some(thread) = thread {
        // A fork waits until it is whole: the child gives back what its seats have.
        // SAFETY: nobody sits there.
        unsafe { clean(thread, number) };
    }
    LOCK.unlock();
    thread
}

/// Makes a seat ready for the thread with that number.
unsafe fn clean(thread: *mut Thread, number: u32) {
    // SAFETY: the caller has the lock, and nobody sits there.
    unsafe {
        let (control, ring, seat, seen) = ((*thread).control, (*thread).ring, (*thread).seat, (*thread).view.seen);
        let (start, buffer) = ((*control).chunk_start, (*control).sync_start);
        // Free blocks stay with the seat, which belongs to one thread after the other: but which, a replay can't know.
        core::ptr::write_bytes(thread.cast::<u8>(), 0, size_of::<Thread>());
        (*thread).control = control;
        (*thread).ring = ring;
        (*thread).seat = seat;
        (*thread).number = number;
        (*thread).words = crate::word::Words::NEW;
        (*thread).view.seen = seen;
        // It reads as zero again.
        sys!(libc::SYS_madvise, seen, size_of::<Seen>(), libc::MADV_DONTNEED);
        (*thread).sync = sync::Local::NEW;
        core::ptr::write_bytes(control.cast::<u8>(), 0, size_of::<Control>());
        let c = &mut *control;
        c.number = u64::from(number);
        c.next_async = u64::MAX;
        c.chunk_start = start;
        c.cur = start;
        c.end = if ring == 0 { 0 } else { start + ring - crate::log::SLACK };
        c.sync_start = buffer;
        c.sync_cur = buffer;
        if ring != 0 {
            core::sync::atomic::fence(core::sync::atomic::Ordering::Release);
            c.magic = MAGIC;
        }
    }
}

/// The thread of a seat has ended.
pub fn give_back(thread: *mut Thread) {
    // SAFETY: the seat is one of ours.
    if !recording() && unsafe { (*thread).ring } != 0 {
        // The recording ended before the thread did: its ring says where.
        return;
    }
    LOCK.lock();
    // SAFETY: under the lock.
    unsafe {
        (*(*thread).control).magic = 0;
        if let Some(i) = (0..COUNT).find(|i| ALL[*i] == thread) {
            FREE[FREE_COUNT] = i as u32;
            FREE_COUNT += 1;
        }
    }
    LOCK.unlock();
}

unsafe fn make() -> Option<*mut Thread> {
    // SAFETY: the caller has the lock; fresh memory and files of ours.
    unsafe {
        if COUNT == SEATS {
            return None;
        }
        let rw = libc::PROT_READ | libc::PROT_WRITE;
        let private = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let thread: *mut Thread = mmap(0, size_of::<Thread>() as u64, rw, private, -1, 0)?.cast();
        let seen = mmap(0, size_of::<Seen>() as u64, rw, private, -1, 0)?;
        // A thread that looks at little is to have little of it.
        sys!(libc::SYS_madvise, seen, size_of::<Seen>(), libc::MADV_NOHUGEPAGE);
        (*thread).view.seen = seen.cast();
        if recording() {
            let ring = RING.min(MAIN.ring);
            let bytes = PAGE as u64 + sync::BUFFER + ring;
            let fd = crate::start::open_ring(COUNT as u32 + 1);
            if fd < 0 {
                return None;
            }
            let memory = if crate::start::make_room(fd, bytes) { mmap(0, bytes, rw, libc::MAP_SHARED, fd, 0) } else { None };
            sys!(libc::SYS_close, fd);
            let memory = memory?;
            (*thread).control = memory.cast();
            (*thread).ring = ring;
            (*(*thread).control).sync_start = memory as u64 + PAGE as u64;
            (*(*thread).control).chunk_start = memory as u64 + PAGE as u64 + sync::BUFFER;
        } else {
            (*thread).control = mmap(0, PAGE as u64, rw, private, -1, 0)?.cast();
        }
        (*thread).seat = COUNT as u32 + 1;
        ALL[COUNT] = thread;
        core::sync::atomic::fence(core::sync::atomic::Ordering::Release);
        COUNT += 1;
        Some(thread)
    }
}

/// In a child process, whose threads get rings of their own: the one that it has is the main one, or has the first seat from now on.
pub fn forget() {
    // SAFETY: nobody sits there; the memory is ours.
    unsafe {
        for i in (0..COUNT).filter(|i| !core::ptr::eq(ALL[*i], me())) {
            let (control, ring) = ((*ALL[i]).control, (*ALL[i]).ring);
            sys!(libc::SYS_munmap, control, PAGE as u64 + sync::BUFFER + ring);
            sys!(libc::SYS_munmap, (*ALL[i]).view.seen, size_of::<Seen>());
            sys!(libc::SYS_munmap, ALL[i], size_of::<Thread>());
        }
        COUNT = 0;
        FREE_COUNT = 0;
        if !sync::is_main() {
            ALL[0] = me();
            COUNT = 1;
            me().seat = 1;
        }
    }
}

/// In a child process that the thread which calls has forked, and that is not the main one: a ring in the place of the parent's. `copy`: its control block. False: no room.
pub fn renew(copy: &Control) -> bool {
    let (control, bytes) = (me().control, PAGE as u64 + sync::BUFFER + me().ring);
    let fd = crate::start::open_ring(1);
    if fd < 0 {
        return false;
    }
    let (rw, fixed) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_FIXED);
    // SAFETY: a file that was opened just now is mapped where the thread's ring is; nobody else looks there.
    unsafe {
        let there = crate::start::make_room(fd, bytes) && mmap(control as u64, bytes, rw, fixed, fd, 0).is_some();
        sys!(libc::SYS_close, fd);
        if there {
            *control = *copy;
            (*control).magic = 0;
        }
        there
    }
}

/// See [`sync::hold_others`].
pub fn hold() {
    LOCK.lock();
}

/// See [`hold`].
pub fn let_go() {
    LOCK.unlock();
}
