//! Start of an instrumented program: mode, trace, memory layout, stack, arguments.

use crate::state::{__itarget_ctl, ctl, me, page, st};
use crate::sys::{self, Digits, mmap, say, sys};
use crate::{exit, log, pool, replay, sandbox, sync, thread};
use core::ffi::{c_char, c_int};
use itarget_abi::control::{PAGE, mode};
use itarget_abi::layout::{STACK_LIMIT, BOUND, STACK_BASE, STACK_MAX};
use itarget_abi::log::flat::{Header, Part};
use itarget_abi::log::{Fault, Start, kind};
use itarget_abi::{env, exit as codes, options, version};

/// The program: constructors and its own main.
type Main = extern "C" fn(c_int, *mut *mut c_char, *mut *mut c_char) -> c_int;

unsafe extern "C" {
    static mut environ: *mut *mut c_char;
    static mut program_invocation_name: *mut c_char;
    static mut program_invocation_short_name: *mut c_char;
    fn gnu_get_libc_version() -> *const c_char;
}

core::arch::global_asm!(
    ".weak __itarget_identity",
    ".pushsection .data.rel.ro.itarget_identity_address,\"aw\"",
    ".p2align 3",
    ".hidden itarget_identity_address",
    ".globl itarget_identity_address",
    "itarget_identity_address: .quad __itarget_identity",
    ".popsection"
);

unsafe extern "C" {
    static itarget_identity_address: *const [u8; 64];
}

/// Option values in the order of `options::ALL`.
struct Options([u64; options::ALL.len()]);

impl Options {
    fn get(&self, name: &str) -> u64 {
        options::ALL.iter().position(|o| o.name == name).map_or(0, |i| self.0[i])
    }

    fn parse(text: &[u8]) -> Options {
        let mut o = Options(core::array::from_fn(|i| options::ALL[i].default));
        for part in text.split(|b| *b == b':').filter(|p| !p.is_empty()) {
            let mut halves = part.splitn(2, |b| *b == b'=');
            let name = halves.next().unwrap_or(b"");
            let value = halves.next().unwrap_or(b"");
            let known = options::ALL.iter().position(|o| o.name.as_bytes() == name);
            match known {
                Some(i) if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                    o.0[i] = value.iter().fold(0u64, |n, d| n.saturating_mul(10).saturating_add(u64::from(d - b'0')));
                }
                _ => say(&[b"IT0615 ITARGET_OPTIONS: unknown option or bad value: ", part, b" (help=1 lists the options)"]),
            }
        }
        if o.get("help") != 0 {
            for x in options::ALL {
                say(&[x.name.as_bytes(), b": ", x.help.as_bytes(), b" (default ", Digits::new(x.default).bytes(), b")"]);
            }
            sys::exit_now(0);
        }
        o
    }
}

unsafe fn text<'a>(p: *const c_char) -> &'a [u8] {
    // SAFETY: a C string that lives as long as the process.
    unsafe { core::slice::from_raw_parts(p.cast(), libc::strlen(p)) }
}

/// Takes our variables out of the environment, unless programs that this one starts need them.
struct Settings<'a> {
    mode: &'a [u8],
    trace: &'a [u8],
    stream: &'a [u8],
    status: &'a [u8],
    options: &'a [u8],
    follow: bool,
}

unsafe fn settings<'a>(envp: *mut *mut c_char) -> Settings<'a> {
    let mut s = Settings { mode: b"", trace: b"", stream: b"", status: b"", options: b"", follow: false };
    let (mut from, mut to) = (0, 0);
    // SAFETY: the null-terminated array that the kernel made; it only gets shorter.
    unsafe {
        // Without a mode the environment stays as it is, and we say nothing.
        let (mut on, mut recorded, mut follow) = (false, false, false);
        let mut i = 0;
        while !(*envp.add(i)).is_null() {
            let t = text(*envp.add(i));
            let is = |name: &str| t.starts_with(name.as_bytes()) && t.get(name.len()) == Some(&b'=');
            on |= is(env::MODE);
            recorded |= is(env::MODE) && t.ends_with(b"=record");
            follow |= is(env::FOLLOW);
            i += 1;
        }
        // One that runs with rights of its own takes no orders from who started it.
        if !on || libc::getauxval(libc::AT_SECURE) != 0 {
            return s;
        }
        follow &= recorded;
        s.follow = follow;
        while !(*envp.add(from)).is_null() {
            let p = *envp.add(from);
            from += 1;
            let t = text(p);
            if !t.starts_with(env::PREFIX.as_bytes()) {
                *envp.add(to) = p;
                to += 1;
                continue;
            }
            let at = t.iter().position(|b| *b == b'=').unwrap_or(t.len());
            let (name, value) = (&t[..at], t.get(at + 1..).unwrap_or(b""));
            if follow && [env::FOLLOW, env::MODE, env::TRACE, env::OPTIONS].iter().any(|v| v.as_bytes() == name) {
                *envp.add(to) = p;
                to += 1;
            }
            match name {
                n if n == env::MODE.as_bytes() => s.mode = value,
                n if n == env::TRACE.as_bytes() => s.trace = value,
                n if n == env::STREAM_FD.as_bytes() => s.stream = value,
                n if n == env::STATUS_FD.as_bytes() => s.status = value,
                n if n == env::OPTIONS.as_bytes() => s.options = value,
                n if env::ALL.iter().any(|v| v.name.as_bytes() == n) => {}
                n => say(&[b"IT0616 warning: unknown environment variable ", n]),
            }
        }
        *envp.add(to) = core::ptr::null_mut();
    }
    s
}

fn number(t: &[u8]) -> i32 {
    if t.is_empty() || t.len() > 9 || !t.iter().all(u8::is_ascii_digit) {
        return -1;
    }
    t.iter().fold(0, |n, d| n * 10 + i32::from(d - b'0'))
}

/// Called by `main` of every instrumented program.
///
/// # Safety
/// With the arguments that `main` got.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_start(argc: c_int, argv: *mut *mut c_char, envp: *mut *mut c_char, main: Main) -> c_int {
    // SAFETY: the environment of this process, before the program sees it.
    let s = unsafe { settings(envp) };
    if !s.mode.is_empty() && !s.follow {
        unlimit_stack();
    }
    thread::begin_main();
    match s.mode {
        b"record" => {
            let o = Options::parse(s.options);
            // A log or ring that may not grow must not kill the program.
            // SAFETY: a valid signal and disposition.
            let before = unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
            // SAFETY: passed on.
            if unsafe { start_record(argc, argv, envp, &s, &o) } {
                crate::show::standard_streams();
                exit::watch(true);
                // SAFETY: layout and stack were made by start_record.
                unsafe { run_on_stack(argc as u64, argv, envp, main, false) }
            }
            // SAFETY: as it was.
            unsafe { libc::signal(libc::SIGXFSZ, before) };
        }
        b"replay" => {
            let o = Options::parse(s.options);
            // SAFETY: passed on.
            unsafe { start_replay(&s, &o, main) }
        }
        b"profile" => {
            if !s.trace.is_empty() && s.trace.len() < st().trace.len() - 32 && layout(true) {
                st().trace[..s.trace.len()].copy_from_slice(s.trace);
                page().mode = mode::PROFILE;
                crate::process::watch();
                exit::written_at_end();
                begin_at_zero();
                exit::__itarget_exit(main(argc, argv, envp));
            }
            say(&[b"IT0617 profiling is off: no directory, or the address space is taken"]);
        }
        b"check" => {
            let fits = !s.trace.is_empty() && s.trace.len() < st().trace.len() - 32;
            if fits {
                st().trace[..s.trace.len()].copy_from_slice(s.trace);
            }
            if fits && layout(true) && crate::check::start(&raw const s as u64) {
                page().mode = mode::CHECK;
                crate::process::watch();
                exit::written_at_end();
                begin_at_zero();
                exit::__itarget_exit(main(argc, argv, envp));
            }
            say(&[b"IT0617 checks are off: no directory, or the address space is taken"]);
        }
        b"" => {}
        other => say(&[b"IT0616 warning: unknown ITARGET_MODE ", other, b"; the program runs unrecorded"]),
    }
    begin_at_zero();
    main(argc, argv, envp)
}

/// `errno` is 0 when `main` begins: what the runtime did until now is none of the program's.
fn begin_at_zero() {
    // SAFETY: libc's errno of this thread.
    unsafe { *libc::__errno_location() = 0 };
}

/// Arenas, and libc's malloc kept off the brk heap, which would lie below the bound.
fn layout(tagged: bool) -> bool {
    if !pool::init(tagged) {
        return false;
    }
    // SAFETY: a page right above the heap's end that nobody uses; failure only means that
    // somebody does already, and then the heap can't grow either.
    unsafe {
        let end = sys!(libc::SYS_brk, 0u64) as u64;
        let page = end.next_multiple_of(4096);
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED_NOREPLACE;
        mmap(page, 4096, libc::PROT_NONE, flags, -1, 0);
    }
    use_up_heap();
    crate::variables::make(false) && sync::start()
}

/// What a library's constructor allocated before us (libstdc++'s does) has left a brk heap with
/// room. Takes all of it, so that libc's malloc gives only memory above the bound from now on.
fn use_up_heap() {
    let halves = (0..7).map(|i| (64 << 10) >> i);
    // Up to the largest chunk that libc keeps for a thread: 1040 bytes, of 1024 that somebody asked for (as stdio does for a file of /proc).
    let bins = (1..=65).rev().map(|i| i * 16);
    for size in halves.chain(bins) {
        loop {
            // SAFETY: memory that nobody else has; what lies below the bound is never given back.
            let p = unsafe { libc::malloc(size - 8) };
            if p.is_null() {
                return;
            }
            if p as u64 >= BOUND {
                // SAFETY: just allocated.
                unsafe { libc::free(p) };
                break;
            }
        }
    }
}

/// Flags for a file that is made, or emptied.
pub const NEW: i32 = libc::O_CREAT | libc::O_TRUNC;

/// Opens a file of the process's directory, out of the way of the descriptors that the program will get.
pub fn open(name: &[u8], flags: i32) -> i32 {
    let trace = &st().trace;
    open_in(&trace[..trace.iter().position(|b| *b == 0).unwrap_or(trace.len())], name, flags)
}

/// As [`open`], of any directory.
pub fn open_in(directory: &[u8], name: &[u8], flags: i32) -> i32 {
    let mut path = [0u8; 4200];
    let n = directory.len();
    path[..n].copy_from_slice(directory);
    path[n..n + name.len()].copy_from_slice(name);
    // SAFETY: a NUL-terminated path; our own descriptors.
    unsafe {
        let fd = sys!(libc::SYS_open, path.as_ptr(), flags | libc::O_CLOEXEC, 0o600);
        if fd < 0 {
            return fd as i32;
        }
        let high = sys!(libc::SYS_fcntl, fd, libc::F_DUPFD_CLOEXEC, 900);
        if high < 0 {
            return fd as i32;
        }
        sys!(libc::SYS_close, fd);
        high as i32
    }
}

/// Gives a file of ours that many bytes, also on the disk: touching a hole where there is no room would kill the program. False: no room.
pub fn make_room(fd: i32, bytes: u64) -> bool {
    // SAFETY: a descriptor; nothing of ours is passed. File systems that can't allocate are taken as they are.
    unsafe {
        sys!(libc::SYS_ftruncate, fd, bytes) == 0 && sys!(libc::SYS_fallocate, fd, 0, 0u64, bytes) != -i64::from(libc::ENOSPC)
    }
}

/// Opens the ring of a seat.
pub fn open_ring(seat: u32) -> i32 {
    let mut name = [0u8; 32];
    let digits = Digits::new(u64::from(seat));
    let n = digits.bytes().len();
    name[..6].copy_from_slice(b"/ring.");
    name[6..6 + n].copy_from_slice(digits.bytes());
    open(&name[..6 + n], libc::O_RDWR | NEW)
}

/// The process may not have as much of it as it likes.
fn is_limited(what: u32) -> bool {
    // SAFETY: a structure of ours.
    unsafe {
        let mut limit: libc::rlimit = core::mem::zeroed();
        libc::getrlimit(what, &raw mut limit) == 0 && limit.rlim_cur != libc::RLIM_INFINITY
    }
}

/// Takes back the limit that the tool set: see [`STACK_LIMIT`].
fn unlimit_stack() {
    // SAFETY: a structure of ours.
    unsafe {
        let mut limit: libc::rlimit = core::mem::zeroed();
        if libc::getrlimit(libc::RLIMIT_STACK, &raw mut limit) == 0 && limit.rlim_cur == STACK_LIMIT {
            limit.rlim_cur = libc::RLIM_INFINITY;
            libc::setrlimit(libc::RLIMIT_STACK, &raw const limit);
        }
    }
}

unsafe fn start_record(argc: c_int, argv: *mut *mut c_char, envp: *mut *mut c_char, s: &Settings, o: &Options) -> bool {
    let off = |why: &[u8]| {
        say(&[b"IT0618 recording is off: ", why, b"; the program runs unrecorded"]);
        false
    };
    if crate::show::library_is_low() {
        return off(match crate::show::library_is_inside() {
            true => b"it is linked statically, so memory of libc can't be told from its own; link it without -static",
            false => b"libraries lie where its own memory belongs, as with an unlimited stack; start it by `itarget record`, or after `ulimit -S -s 8192`",
        });
    }
    if s.trace.is_empty() || s.trace.len() >= st().trace.len() - 32 {
        return off(b"ITARGET_TRACE names no directory");
    }
    st().trace[..s.trace.len()].copy_from_slice(s.trace);
    if let Err(why) = crate::process::begin(s.follow) {
        return off(why);
    }
    // Where there is a log, there is a ring.
    let ring_fd = open(b"/ring", libc::O_RDWR | NEW);
    let log_fd = open(b"/log", libc::O_WRONLY | libc::O_APPEND | NEW);
    if log_fd < 0 || ring_fd < 0 {
        return off(b"the trace directory can't be written");
    }
    let ring = o.get("ring_kib").clamp(64, 65536) << 10;
    let all = PAGE as u64 + sync::BUFFER + ring;
    // SAFETY: our files; the control page is remapped in place, over memory that is only ours.
    unsafe {
        let rw = libc::PROT_READ | libc::PROT_WRITE;
        if !make_room(ring_fd, all) {
            return off(match is_limited(libc::RLIMIT_FSIZE) {
                true => b"there is no room for the live chunk: on the disk, or by the limit of the size of files (ulimit -f)",
                false => b"there is no room on the disk for the live chunk",
            });
        }
        let Some(memory) = mmap(0, sync::BUFFER + ring, rw, libc::MAP_SHARED, ring_fd, PAGE as u64) else {
            return off(b"the live chunk can't be mapped");
        };
        let here = &raw mut __itarget_ctl;
        if mmap(here as u64, PAGE as u64, rw, libc::MAP_SHARED | libc::MAP_FIXED, ring_fd, 0).is_none() {
            return off(b"the control page can't be mapped");
        }
        sys!(libc::SYS_close, ring_fd);
        let c = ctl();
        c.next_async = u64::MAX;
        page().locale_c = 1;
        c.sync_start = memory as u64;
        c.sync_cur = c.sync_start;
        c.chunk_start = memory as u64 + sync::BUFFER;
        c.cur = c.chunk_start;
        c.end = c.chunk_start + ring - log::SLACK;
        log::use_file(log_fd);
        me().ring = ring;
        st().digest = o.get("digest") != 0;
        st().digest_every = o.get("digest_every");
        st().full = o.get("full") != 0;
        st().watched = st().full;
        if !layout(false) {
            return off(match is_limited(libc::RLIMIT_AS) {
                true => b"its address space is limited (ulimit -v), and recording reserves more than 1 TiB of it",
                false => b"the address space is taken",
            });
        }
        let mut limit: libc::rlimit = core::mem::zeroed();
        libc::getrlimit(libc::RLIMIT_STACK, &raw mut limit);
        let wanted = o.get("stack_kib") << 10;
        let limit = if limit.rlim_cur == libc::RLIM_INFINITY { 0 } else { limit.rlim_cur };
        let stack = wanted.max(limit).clamp(64 << 10, STACK_MAX - 4096) & !4095;
        if !write_start(argc, argv, envp, stack, s.follow) {
            return off(b"the log can't be written");
        }
        if mmap_stack(stack).is_none() {
            return off(b"the stack can't be mapped");
        }
        c.magic = itarget_abi::log::MAGIC;
        c.chunk_seq = me().seq;
        page().bound = BOUND;
        page().bound_alone = BOUND;
        page().missing = u64::MAX;
        page().mode = mode::RECORD;
    }
    true
}

/// Lowest address and bytes of the main thread's stack.
pub fn main_stack() -> (u64, u64) {
    // SAFETY: set once, at start.
    let size = unsafe { MAIN_STACK };
    (STACK_BASE + STACK_MAX - size, size)
}

static mut MAIN_STACK: u64 = 0;

fn mmap_stack(stack: u64) -> Option<*mut u8> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED_NOREPLACE;
    // SAFETY: a fixed, unused region; the page below it stays unmapped; one thread.
    unsafe {
        MAIN_STACK = stack;
        mmap(STACK_BASE + STACK_MAX - stack, stack, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0)
    }
}

fn libc_version() -> u32 {
    // SAFETY: a static string of libc, such as "2.36".
    let t = unsafe { text(gnu_get_libc_version()) };
    let mut parts = t.split(|b| *b == b'.').map(|p| p.iter().take_while(|d| d.is_ascii_digit()).fold(0u32, |n, d| n * 10 + u32::from(d - b'0')));
    parts.next().unwrap_or(0) * 1000 + parts.next().unwrap_or(0)
}

fn identity() -> [u8; 64] {
    // SAFETY: a table made by the pass, or null.
    unsafe { if itarget_identity_address.is_null() { [0; 64] } else { *itarget_identity_address } }
}

/// The START chunk: fixed part and strings. With `follow`, who reads the trace does not know the executable.
unsafe fn write_start(argc: c_int, argv: *mut *mut c_char, envp: *mut *mut c_char, stack: u64, follow: bool) -> bool {
    let mut envc = 0;
    let mut bytes = size_of::<Start>();
    let mut exe = [0u8; 4097];
    // SAFETY: the arrays that main got; a path, and a buffer with room for a NUL behind what is written to it.
    unsafe {
        if follow {
            sys!(libc::SYS_readlink, c"/proc/self/exe".as_ptr(), exe.as_mut_ptr(), exe.len() - 1);
        }
        let exe: *mut c_char = exe.as_mut_ptr().cast();
        bytes += text(exe).len() + 1;
        for i in 0..argc as usize {
            bytes += text(*argv.add(i)).len() + 1;
        }
        while !(*envp.add(envc)).is_null() {
            bytes += text(*envp.add(envc)).len() + 1;
            envc += 1;
        }
        let id = identity();
        let mut start = Start {
            abi: version::ABI,
            argc: argc as u32,
            envc: envc as u32,
            digest: u32::from(st().digest),
            digest_every: st().digest_every,
            module: [0; 32],
            plan: [0; 32],
            stack,
            full: u32::from(st().full),
            libc: libc_version(),
            pid: sys::pid(),
            parent_pid: sys!(libc::SYS_getppid) as i32,
        };
        start.module.copy_from_slice(&id[..32]);
        start.plan.copy_from_slice(&id[32..]);
        let Some(buffer) = mmap(0, bytes as u64, libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0) else {
            return false;
        };
        core::ptr::copy_nonoverlapping((&raw const start).cast(), buffer, size_of::<Start>());
        let mut at = size_of::<Start>();
        let strings = (0..argc as usize).map(|i| *argv.add(i)).chain((0..envc).map(|i| *envp.add(i))).chain([exe]);
        for p in strings {
            let n = libc::strlen(p) + 1;
            core::ptr::copy_nonoverlapping(p.cast(), buffer.add(at), n);
            at += n;
        }
        let ok = log::special(kind::START, core::slice::from_raw_parts(buffer, bytes)).is_ok();
        sys!(libc::SYS_munmap, buffer, bytes);
        ok
    }
}

unsafe fn start_replay(s: &Settings, o: &Options, main: Main) -> ! {
    let refuse = |code: &[u8]| -> ! {
        say(&[code]);
        sys::exit_now(codes::FAILURE)
    };
    let fd = number(s.stream);
    st().status_fd = number(s.status);
    // SAFETY: lseek on a descriptor that itarget replay gave us; a bad one gives an error.
    let size = unsafe { sys!(libc::SYS_lseek, fd, 0u64, libc::SEEK_END) };
    if fd < 0 || size < size_of::<Header>() as i64 {
        refuse(b"IT0619 no stream to replay; start it with `itarget replay`");
    }
    // SAFETY: a private mapping of that file; all offsets are checked before use.
    unsafe {
        let Some(p) = mmap(0, size as u64, libc::PROT_READ, libc::MAP_PRIVATE, fd, 0) else {
            refuse(b"IT0619 the stream can't be mapped")
        };
        sys!(libc::SYS_close, fd);
        st().flat = p;
        let h = replay::header();
        let inside = |at: u64, count: u64, each: u64| count.checked_mul(each).and_then(|n| n.checked_add(at)).is_some_and(|e| e <= size as u64);
        let good = h.magic == itarget_abi::log::flat::MAGIC
            && inside(h.start, h.start_len, 1)
            && inside(h.parts, h.part_count, size_of::<Part>() as u64)
            && h.parts.is_multiple_of(8)
            && h.start_len >= size_of::<Start>() as u64;
        let part = |i: u64| core::ptr::read_unaligned(p.add(h.parts as usize).cast::<Part>().add(i as usize));
        let parts = |part: Part| {
            inside(part.checks, part.check_count, 24)
                && inside(part.asyncs, part.async_count, 40)
                && inside(part.faults, part.fault_count, size_of::<Fault>() as u64)
                && inside(part.stream, part.stream_len, 1)
                && inside(part.sync, part.sync_len, 1)
        };
        if !good || !(0..h.part_count).all(|i| parts(part(i))) {
            refuse(b"IT0619 the stream is malformed");
        }
        let start: Start = core::ptr::read_unaligned(p.add(h.start as usize).cast());
        if start.abi != version::ABI {
            refuse(b"IT0619 the stream is of another version of itarget");
        }
        let id = identity();
        if start.module[..] != id[..32] || start.plan[..] != id[32..] {
            refuse(b"IT0603 the trace was recorded by another binary");
        }
        if start.libc != libc_version() {
            refuse(b"IT0611 the trace was recorded with another version of libc, whose functions may behave otherwise; replay it where that libc is installed");
        }
        st().digest = start.digest != 0;
        st().digest_every = start.digest_every;
        st().full = start.full != 0;
        st().sites = o.get("sites") != 0;
        st().watched = st().full || st().sites;
        page().locale_c = 1;
        if !layout(false) || mmap_stack(start.stack).is_none() || !crate::crossing::start() {
            refuse(b"IT0619 the address space is taken");
        }
        // One arena is enough; to make more, libc would look at the machine.
        libc::mallopt(libc::M_ARENA_MAX, 1);
        page().bound = BOUND;
        page().bound_alone = BOUND;
        page().missing = BOUND;
        page().mode = mode::REPLAY;
        replay::open();
        thread::begin_replay();
        crate::show::standard_streams();
        // Argument and environment strings from the log, in one array for both.
        let total = start.argc as usize + start.envc as usize + 2;
        let rw = libc::PROT_READ | libc::PROT_WRITE;
        let Some(array) = mmap(0, (total * 8) as u64, rw, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0) else {
            refuse(b"IT0619 no memory")
        };
        let array: *mut *mut c_char = array.cast();
        let strings = core::slice::from_raw_parts(p.add(h.start as usize), h.start_len as usize);
        let mut at = size_of::<Start>();
        let mut slot = 0;
        for _ in 0..start.argc + start.envc {
            let Some(n) = strings[at..].iter().position(|b| *b == 0) else {
                refuse(b"IT0619 the stream is malformed")
            };
            if slot == start.argc as usize {
                slot += 1;
            }
            *array.add(slot) = strings[at..].as_ptr().cast_mut().cast();
            slot += 1;
            at += n + 1;
        }
        if start.argc > 0 {
            // What `error` and `warn` begin with.
            let name = *array;
            program_invocation_name = name;
            let slash = libc::strrchr(name, c_int::from(b'/'));
            program_invocation_short_name = if slash.is_null() { name } else { slash.add(1) };
        }
        crate::locale::load();
        let sandbox = o.get("sandbox") != 0;
        let (argv, envp) = (array, array.add(start.argc as usize + 1));
        run_on_stack(u64::from(start.argc), argv, envp, main, sandbox)
    }
}

/// Copies arguments and environment to the top of the program's stack and runs it there.
unsafe fn run_on_stack(argc: u64, argv: *mut *mut c_char, envp: *mut *mut c_char, main: Main, sandbox: bool) -> ! {
    let mut top = STACK_BASE + STACK_MAX - 64;
    // SAFETY: the stack is mapped; strings of arguments fit (the kernel limits them to a quarter
    // of the stack limit, and the stack has at least that limit).
    unsafe {
        let mut envc = 0;
        while !(*envp.add(envc)).is_null() {
            envc += 1;
        }
        let mut copy = |p: *mut c_char| {
            let n = libc::strlen(p) as u64 + 1;
            top -= n;
            core::ptr::copy_nonoverlapping(p.cast::<u8>(), top as *mut u8, n as usize);
            top
        };
        // One behind the other as the kernel has them: programs write their title over all of them.
        for i in (0..envc).rev() {
            *envp.add(i) = copy(*envp.add(i)) as *mut c_char;
        }
        for i in (0..argc as usize).rev() {
            *argv.add(i) = copy(*argv.add(i)) as *mut c_char;
        }
        top &= !63;
        let mut array = |of: *mut *mut c_char, n: usize| {
            top -= (n as u64 + 1) * 8;
            let to = top as *mut *mut c_char;
            core::ptr::copy_nonoverlapping(of, to, n);
            *to.add(n) = core::ptr::null_mut();
            to
        };
        let new_env = array(envp, envc);
        let new_argv = array(argv, argc as usize);
        environ = new_env;
        top &= !63;
        crate::show::keep();
        if sandbox {
            sandbox::install();
        }
        begin_at_zero();
        thread::values::begin();
        start_on_stack(top, argc, new_argv.cast(), new_env.cast(), main)
    }
}

/// Calls `f(argc, argv, envp)` with the stack pointer at `top` (16-aligned), then `exit`: what runs at exit has
/// its frames on the program's stack, too.
///
/// # Safety
/// `top` is the end of a mapped stack.
#[unsafe(naked)]
unsafe extern "C" fn start_on_stack(top: u64, argc: u64, argv: *mut u8, envp: *mut u8, f: Main) -> ! {
    core::arch::naked_asm!(
        ".cfi_startproc",
        // The program's frames end here for debuggers.
        ".cfi_undefined rip",
        "mov rsp, rdi",
        "mov rdi, rsi",
        "mov rsi, rdx",
        "mov rdx, rcx",
        // What setjmp would save of these must be the same at replay.
        "xor ebx, ebx",
        "xor ebp, ebp",
        "xor r12d, r12d",
        "xor r13d, r13d",
        "xor r14d, r14d",
        "xor r15d, r15d",
        "call r8",
        "mov edi, eax",
        "call {exit}",
        "ud2",
        ".cfi_endproc",
        exit = sym exit::__itarget_exit,
    )
}
