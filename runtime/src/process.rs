//! Processes. Each has a number and a directory of its own in that of the trace.
//!
//! A program that a recorded one starts is a process like the first one, if it was told to record itself ([`itarget_abi::env::FOLLOW`]).
//!
//! fork: the child's log goes on where its parent's was.
//!
//! Nothing at replay knows of it: what a child did is its parent's stream up to the fork and then its own, in
//! which fork gave 0. So a child's log begins with a [`Fork`] that says how much of the parent's comes before it.
//!
//! The thread that forks is the child's first one, with the number and the places that it has; if it is not the main thread, that one is not there. Other threads
//! that run at the fork are left behind: the child's log says how many operations of synchronization each had done ([`Left`]), and at replay each goes as far as that and stays there. What it did outside of
//! operations before or after the fork nobody reads in the child: it could race, so its loads are logged, or it is under a lock, which the child can't get; a child that
//! makes such a lock anew is not recorded on. That these counts are those of the
//! moment of the fork is the kernel's doing: they lie in memory that the child has a copy of.
//!
//! Children beside other threads go on unrecorded where what may race is not logged.

use crate::crossing::{self, Special};
use crate::exit::{__itarget__exit, site};
use crate::hooks::{__itarget_enter, __itarget_leave, __itarget_refuse};
use crate::start::NEW;
use crate::state::{MAIN, __itarget_ctl, be_plain, ctl, elsewhere, me, page, recording, st, trusted};
use crate::sys::{self, Digits, mmap, say, sys};
use crate::word::word;
use crate::thread::Forks;
use crate::{log, shadow, signal, sync, thread, word};
use core::ffi::c_int;
use core::sync::atomic::{AtomicBool, Ordering::SeqCst};
use itarget_abi::control::{Control, PAGE, mode};
use itarget_abi::log::{Fork, Left, MAGIC, kind};

/// Functions given to `pthread_atfork` at once; more are an error (ENOMEM).
const HANDLERS: usize = 256;
type Handler = Option<extern "C" fn()>;
static mut LIST: [[Handler; 3]; HANDLERS] = [[None; 3]; HANDLERS];
static mut COUNT: usize = 0;
const PREPARE: usize = 0;
const PARENT: usize = 1;
const CHILD: usize = 2;

/// Bytes of the name of the trace's directory, in which all processes have theirs but the first, whose it is.
static mut ROOT: usize = 0;

/// libc's fork, made by the program and not by a library.
fn libc_fork(how: Forks) -> c_int {
    me().life.forks = how;
    // SAFETY: libc's fork.
    let r = unsafe { libc::fork() };
    me().life.forks = Forks::No;
    r
}

/// Number of the thread that forked this process; 0: the main one, or the process began as a program.
static mut FIRST: u32 = 0;
/// In a child that left threads behind: number in the kernel of its first thread before that, in the parent.
static mut FIRST_BEFORE: i32 = 0;

/// See [`FIRST`].
pub fn first() -> u32 {
    // SAFETY: changes only in a child, while it has one thread.
    unsafe { FIRST }
}

/// See [`FIRST_BEFORE`].
pub fn first_before() -> i32 {
    // SAFETY: as above.
    unsafe { FIRST_BEFORE }
}

/// The thread that calls forks beside others.
fn beside() -> bool {
    me().life.forks == Forks::Beside
}

/// Before a fork, after the handlers of libraries, which may wait for threads that wait for us.
extern "C" fn before() {
    if beside() {
        sync::hold_others();
    }
}

/// After it, in the parent, before those handlers.
extern "C" fn in_parent() {
    if beside() {
        sync::go_on();
    }
}

/// In a child, before anything else runs there: one that a library made on its own may call back into the program.
extern "C" fn in_child() {
    if beside() {
        sync::after_fork();
    }
    if recording() && me().life.forks == Forks::No {
        leave_recording();
        say(&[b"IT0618 recording is off in process ", Digits::new(sys::pid() as u64).bytes(), b", which a library made; it runs unrecorded"]);
    }
}

unsafe extern "C" {
    fn pthread_atfork(prepare: Handler, parent: Handler, child: Handler) -> c_int;
}

/// Forks of the program and of libraries are noticed from now on.
pub fn watch() {
    // SAFETY: a function without conditions.
    unsafe { pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
}

/// A program starts: its number, and its directory, which `st().trace` names from now on. With `follow`, others of the trace may have started.
///
/// # Errors
/// Why it can't be recorded.
pub fn begin(follow: bool) -> Result<(), &'static [u8]> {
    let trace = &st().trace;
    watch();
    // SAFETY: one thread.
    unsafe {
        ROOT = trace.iter().position(|b| *b == 0).unwrap_or(0);
        NUMBER = take_number(if follow { 0 } else { libc::O_TRUNC }).ok_or(UNWRITABLE)?;
        if NUMBER > 0 { make_directory(NUMBER) } else { Ok(()) }
    }
}

const UNWRITABLE: &[u8] = b"the trace directory can't be written";

/// A number that no process of the trace has, and greater than those of all before it: a file gets a byte longer, and tells by the
/// position where that byte went. `None`: the file can't be written.
fn take_number(flags: c_int) -> Option<u32> {
    // SAFETY: set when the process began.
    let root = unsafe { ROOT };
    let fd = crate::start::open_in(&st().trace[..root], b"/processes", libc::O_WRONLY | libc::O_APPEND | libc::O_CREAT | flags);
    if fd < 0 {
        return None;
    }
    // SAFETY: a descriptor that was opened just now, and a byte.
    let (n, end) = unsafe {
        let n = sys!(libc::SYS_write, fd, b"+".as_ptr(), 1);
        let end = sys!(libc::SYS_lseek, fd, 0u64, libc::SEEK_CUR);
        sys!(libc::SYS_close, fd);
        (n, end)
    };
    if n == 1 { u32::try_from(end - 1).ok() } else { None }
}

/// Makes the directory of the process with this number, the one whose files are opened from now on.
fn make_directory(number: u32) -> Result<(), &'static [u8]> {
    let trace = &mut st().trace;
    let digits = Digits::new(u64::from(number));
    let name: [&[u8]; 3] = [b"/process.", digits.bytes(), b"\0"];
    // SAFETY: set when the process began.
    let mut at = unsafe { ROOT };
    for part in name {
        let Some(room) = trace.get_mut(at..at + part.len()) else { return Err(b"the name of its directory is too long") };
        room.copy_from_slice(part);
        at += part.len();
    }
    if at + 32 > trace.len() {
        return Err(b"the name of its directory is too long");
    }
    // SAFETY: a NUL-terminated path.
    if unsafe { sys!(libc::SYS_mkdir, trace.as_ptr(), 0o700) } < 0 {
        return Err(b"its directory can't be made");
    }
    Ok(())
}

/// Number of this process in its trace.
pub fn number() -> u32 {
    // SAFETY: changes only in a child, while it has one thread.
    unsafe { NUMBER }
}

static mut NUMBER: u32 = 0;

/// pthread_atfork.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_atfork(prepare: Handler, parent: Handler, child: Handler) -> c_int {
    if sync::unused() {
        // SAFETY: passed on.
        return unsafe { pthread_atfork(prepare, parent, child) };
    }
    sync::section(|| {
        // SAFETY: sections exclude each other; the index is checked.
        unsafe {
            if COUNT == HANDLERS {
                return libc::ENOMEM;
            }
            LIST[COUNT] = [prepare, parent, child];
            COUNT += 1;
        }
        0
    })
}

/// Runs the handlers of one kind.
fn handlers(which: usize) {
    // SAFETY: entries are only added.
    let count = unsafe { COUNT };
    for i in 0..count {
        let i = if which == PREPARE { count - 1 - i } else { i };
        // SAFETY: as above.
        if let Some(f) = unsafe { LIST[i][which] } {
            f();
        }
    }
}

/// fork.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_fork() -> c_int {
    // SAFETY: entries are only added.
    if unsafe { COUNT } > 0 && crossing::from_environment() {
        // The handlers are replayed, and the environment can't call them without a word.
        __itarget_refuse(site::FORK);
    }
    handlers(PREPARE);
    let r = fork();
    handlers(if r == 0 { CHILD } else { PARENT });
    r
}

/// vfork: the child has its own memory, which is what remains of it once it ends or becomes another program.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_vfork() -> c_int {
    fork()
}

/// That a child is not recorded was said, here or in a parent.
static SAID: AtomicBool = AtomicBool::new(false);

/// Whether the child that is about to be made has to say that it is not recorded. It does once: a server may make a thousand of them. It does not where
/// the program has led stderr elsewhere, perhaps to somebody who would not understand.
fn is_to_say() -> bool {
    crate::show::stderr_is_original() && !SAID.swap(true, SeqCst)
}

/// In a child: nothing is recorded of it.
fn say_off(parent: i32, why: &[u8]) {
    say(&[
        b"IT0618 recording is off in process ",
        Digits::new(sys::pid() as u64).bytes(),
        b", a child of process ",
        Digits::new(parent as u64).bytes(),
        b": ",
        why,
        b"; it runs unrecorded",
    ]);
}

fn fork() -> c_int {
    if elsewhere() {
        let says = recording() && is_to_say();
        let parent = sys::pid();
        let r = plain();
        if r == 0 && recording() {
            leave_recording();
            if says {
                say_off(parent, b"it was forked by a thread that is not recorded (others like it say nothing)");
            }
        }
        return r;
    }
    if crossing::from_environment() {
        let before = signal::block();
        crossing::special(Special::Fork);
        word::seal();
        let r = record();
        signal::unblock(before);
        crossing::complete();
        return r;
    }
    let tid = me().tid;
    let run = __itarget_enter(site::FORK) != 0;
    let before = if run { signal::block() } else { 0 };
    word::seal();
    let mut r = 0;
    if run {
        r = if recording() { record() } else { plain() };
        if r == 0 {
            sync::mark_used(tid);
        }
        __itarget_leave();
        signal::unblock(before);
    }
    let r = word(r as u64) as c_int;
    if r == 0 {
        sync::agree_on_marks();
    }
    r
}

/// Nothing is recorded, perhaps not any more: threads may still share what the runtime has.
fn plain() -> c_int {
    let others = crate::pool::ready() && st().alive.load(SeqCst) > 1;
    let r = libc_fork(if others { Forks::Beside } else { Forks::Yes });
    match page().mode {
        mode::PROFILE if r == 0 => crate::profile::in_child(),
        // It has nothing to say.
        mode::CHECK if r == 0 => be_plain(),
        _ => {}
    }
    r
}

/// While recording: the parent's log is written out, so that the child knows what comes before its own.
fn record() -> c_int {
    let others = st().alive.load(SeqCst) > 1;
    let recorded = !(others && (shadow::wanted() || trusted()));
    let says = !recorded && is_to_say();
    let before = log::write_out();
    // The control page is the parent's until the child has its own, and so is the thread's control block: only these copies are good there.
    let copies = (*ctl(), *page());
    // Where there is none, the child can't make its directory either.
    let number = if recorded { take_number(0).unwrap_or(0) } else { 0 };
    let (parent, tid) = (sys::pid(), me().tid);
    let r = libc_fork(if others && recorded { Forks::Beside } else { Forks::Yes });
    if r != 0 {
        return r;
    }
    signal::forget();
    let Some(before) = before.filter(|_| recorded) else {
        leave_recording();
        if says {
            say_off(parent, b"it was forked beside other threads, and the program is linked with ITARGET_CC_RACES=order or trust (others like it say nothing)");
        }
        return 0;
    };
    if others && crate::exit::begun_by_another() {
        // Which of the handlers it has found done is in no log.
        leave_recording();
        if is_to_say() {
            say_off(parent, b"it was forked while another thread ended the process");
        }
        return 0;
    }
    let threads = thread::numbers();
    // A process that left threads of its parent behind leaves them behind for its own children, too.
    let left = if others || st().left_others { sync::left_behind(threads).count() as u32 } else { 0 };
    st().left_others = left > 0;
    // SAFETY: a child has one thread.
    unsafe { FIRST_BEFORE = tid };
    let fork = Fork { number, parent: self::number(), pid: sys::pid(), parent_pid: parent, before, threads, left };
    if let Err(why) = adopt(&copies, &fork) {
        leave_recording();
        say_off(parent, why);
    }
    0
}

/// In a child: a log and a live chunk of its own, in the place of the parent's.
fn adopt((own, all): &(Control, Control), fork: &Fork) -> Result<(), &'static [u8]> {
    if fork.number == 0 {
        return Err(b"its directory can't be made");
    }
    make_directory(fork.number)?;
    // SAFETY: descriptors that are opened here; mappings of ours, over which the same memory is mapped again
    // before anything reads it (the control page is written from `copy`); a child has one thread.
    unsafe {
        let ring_fd = crate::start::open(b"/ring", libc::O_RDWR | NEW);
        let log_fd = crate::start::open(b"/log", libc::O_WRONLY | libc::O_APPEND | NEW);
        let main = sync::is_main();
        // One that has no main thread needs the control page only.
        let bytes = if main { sync::BUFFER + MAIN.ring } else { 0 };
        let rw = libc::PROT_READ | libc::PROT_WRITE;
        let fixed = libc::MAP_SHARED | libc::MAP_FIXED;
        let here = (&raw mut __itarget_ctl) as u64;
        let why: &[u8] = if log_fd < 0 || ring_fd < 0 {
            b"its directory can't be written"
        } else if !crate::start::make_room(ring_fd, PAGE as u64 + bytes) {
            b"no room for its live chunk"
        } else if main && mmap(own.sync_start, bytes, rw, fixed, ring_fd, PAGE as u64).is_none() || mmap(here, PAGE as u64, rw, fixed, ring_fd, 0).is_none() {
            b"its live chunk can't be mapped"
        } else if !main && !thread::seat::renew(own) {
            b"no room for the live chunk of its thread"
        } else {
            b""
        };
        sys!(libc::SYS_close, ring_fd);
        if !why.is_empty() {
            sys!(libc::SYS_close, log_fd);
            return Err(why);
        }
        let c = page();
        *c = *all;
        c.magic = 0;
        log::close_file();
        log::use_file(log_fd);
        me().tid = sys!(libc::SYS_gettid) as i32;
        // Where signals go that come to threads of libraries.
        MAIN.tid = me().tid;
        NUMBER = fork.number;
        FIRST = me().number;
        if !main {
            sync::forget_main();
        }
        sync::after_fork();
        crate::thread::seat::forget();
        if begin_log(fork).is_none() {
            return Err(b"its log can't be written");
        }
        ctl().magic = MAGIC;
    }
    Ok(())
}

/// The first chunk of a child's log. `None`: it can't be written.
fn begin_log(fork: &Fork) -> Option<()> {
    let bytes = size_of::<Fork>() + fork.left as usize * size_of::<Left>();
    let rw = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: fresh memory for a `Fork` and so many `Left`, plain integers without padding.
    unsafe {
        let room = mmap(0, bytes as u64, rw, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0)?;
        room.cast::<Fork>().write(*fork);
        let list = room.add(size_of::<Fork>()).cast::<Left>();
        for (i, (thread, ops)) in sync::left_behind(fork.threads).take(fork.left as usize).enumerate() {
            list.add(i).write(Left { thread: thread.into(), ops });
        }
        let written = log::special(kind::FORK, core::slice::from_raw_parts(room, bytes));
        sys!(libc::SYS_munmap, room, bytes);
        written.ok()
    }
}

/// A child's log holds all of it: its live chunk needs no room on the disk any more. A program may have thousands of children before
/// `itarget record` can tidy up.
pub fn give_back_room() {
    // Another thread's end leaves the first thread's live chunk as it is.
    if number() == 0 || me().number != first() {
        return;
    }
    let fd = crate::start::open(if first() == 0 { b"/ring" } else { b"/ring.1" }, libc::O_RDWR);
    if fd >= 0 {
        let how = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
        let ring = me().ring;
        // SAFETY: a descriptor that was opened just now; the live chunk and what waits of the order of threads were written, so nothing
        // is read from what is mapped of the file and reads as zero from now on. The control page stays.
        unsafe {
            sys!(libc::SYS_fallocate, fd, how, PAGE, sync::BUFFER + ring);
            sys!(libc::SYS_close, fd);
        }
    }
}

/// In a child: no write may reach the parent's trace.
fn leave_recording() {
    // A library's thread has no control page of its own.
    let own = if elsewhere() { None } else { Some((ctl() as *mut Control, me().ring)) };
    for (control, ring) in [Some((page() as *mut Control, 0)), own].into_iter().flatten() {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
        let rw = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a control page and a live chunk of ours are mapped again in place: private memory instead of the ring file.
        unsafe {
            let copy = *control;
            mmap(control as u64, PAGE as u64, rw, flags, -1, 0);
            *control = copy;
            if ring != 0 {
                mmap(copy.sync_start, sync::BUFFER + ring, rw, flags, -1, 0);
            }
        }
    }
    log::close_file();
    sync::after_fork();
    be_plain();
    ctl().in_env = 0;
}

/// daemon.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_daemon(keep_directory: c_int, keep_streams: c_int) -> c_int {
    match __itarget_fork() {
        -1 => return -1,
        0 => {}
        // As libc's: no handlers of exit.
        _ => __itarget__exit(0),
    }
    let session = || {
        // SAFETY: what libc's daemon does in the child.
        unsafe {
            if libc::setsid() == -1 {
                return -1;
            }
            if keep_directory == 0 {
                libc::chdir(c"/".as_ptr());
            }
        }
        if keep_streams == 0 { null_streams() } else { 0 }
    };
    if crossing::from_environment() {
        // Its result is its caller's.
        return session();
    }
    let mut r = 0;
    if __itarget_enter(site::DAEMON) != 0 {
        r = session();
        __itarget_leave();
    }
    let r = word(r as u64) as c_int;
    crate::show::__itarget_descriptor(-1);
    r
}

/// Points the standard streams to `/dev/null`.
fn null_streams() -> c_int {
    // SAFETY: descriptors of this process.
    unsafe {
        let fd = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR);
        if fd < 0 {
            return -1;
        }
        for to in 0..3 {
            libc::dup2(fd, to);
        }
        if fd > 2 {
            libc::close(fd);
        }
    }
    0
}
