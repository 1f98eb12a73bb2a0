//! Start of the program: mode and options from the environment, trace, stack, switch.

use crate::mode::{OPTIONS, PLAIN, PROFILE, RECORD, REPLAY, ctl, mode};
use crate::{exit, locale, log, mem, profile, replay, report, sandbox, signal, stack, sys, tables};
use core::fmt::Write;
use itarget_abi::env::{self, PREFIX};
use itarget_abi::log::Start;
use itarget_abi::{layout, options, version};

unsafe extern "C" {
    static mut environ: *mut *mut u8;
    static stdout: *mut u8;
    static stderr: *mut u8;
}

/// What the environment says.
struct Wanted {
    mode: u32,
    trace: &'static [u8],
    stream_fd: i32,
    unknown: &'static [u8],
}

/// Called by the program's `main` with `run`, which runs constructors and the program's own main.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_start(argc: i32, argv: *mut u8, envp: *mut u8, run: *mut u8) -> i32 {
    let wanted = read_environment(envp as u64);
    if !wanted.unknown.is_empty() && (wanted.mode == RECORD || wanted.mode == REPLAY) {
        let name = wanted.unknown.split(|&b| b == b'=').next().unwrap_or(b"");
        report::message(format_args!("IT0616 unknown variable {} is ignored", text(name)));
    }
    match wanted.mode {
        RECORD | PROFILE => live(&wanted, argc as u64, argv as u64, envp as u64, run as u64),
        REPLAY => replayed(&wanted, run as u64),
        _ => {}
    }
    // SAFETY: `run` is the function the pass made: `int (int, char **, char **)`.
    let run: extern "C" fn(i32, *mut u8, *mut u8) -> i32 = unsafe { core::mem::transmute(run) };
    run(argc, argv, envp)
}

fn text(bytes: &[u8]) -> &str {
    core::str::from_utf8(bytes).unwrap_or("?")
}

fn number(s: &[u8]) -> Option<u64> {
    text(s).parse().ok()
}

/// Takes our variables out of `envp` in place.
fn read_environment(envp: u64) -> Wanted {
    let mut w = Wanted { mode: PLAIN, trace: b"", stream_fd: -1, unknown: b"" };
    let (mut from, mut to) = (envp, envp);
    loop {
        let s: u64 = mem::load(from);
        from += 8;
        if s == 0 {
            break;
        }
        // Cheap test first: most variables are not ours.
        let head: u8 = mem::load(s);
        let whole: &'static [u8] = if head == b'I' { mem::cstr(s) } else { b"" };
        if !whole.starts_with(PREFIX.as_bytes()) {
            mem::store(to, s);
            to += 8;
            continue;
        }
        let at = whole.iter().position(|&b| b == b'=').unwrap_or(whole.len());
        let (name, value) = (&whole[..at], whole.get(at + 1..).unwrap_or(b""));
        match text(name) {
            env::MODE => {
                w.mode = match value {
                    b"record" => RECORD,
                    b"replay" => REPLAY,
                    b"profile" => PROFILE,
                    _ => PLAIN,
                }
            }
            env::TRACE => w.trace = value,
            env::STREAM_FD => w.stream_fd = number(value).map_or(-1, |n| n as i32),
            env::STATUS_FD => OPTIONS.status_fd.set(number(value).map_or(-1, |n| n as i32)),
            env::OPTIONS => read_options(value),
            n if env::ALL.iter().any(|v| v.name == n) => {}
            _ => w.unknown = whole,
        }
    }
    mem::store(to, 0u64);
    w
}

fn read_options(all: &[u8]) {
    let o = &OPTIONS;
    for one in all.split(|&b| b == b':').filter(|s| !s.is_empty()) {
        let mut parts = one.splitn(2, |&b| b == b'=');
        let name = text(parts.next().unwrap_or(b""));
        let value = number(parts.next().unwrap_or(b""));
        let Some(v) = value.filter(|_| options::ALL.iter().any(|x| x.name == name)) else {
            report::message(format_args!("IT0615 unknown option {} is ignored; help=1 lists them", text(one)));
            continue;
        };
        match name {
            "digest" => o.digest.set(v != 0),
            "digest_every" => o.digest_every.set(v),
            "full" => o.full.set(v != 0),
            "ring_kib" => o.ring_bytes.set(v.clamp(64, 65536) << 10),
            "sandbox" => o.sandbox.set(v != 0),
            "stack_kib" => o.stack_bytes.set(v.clamp(64, layout::STACK_MAX >> 10) << 10),
            "help" if v != 0 => {
                for x in options::ALL {
                    let mut line = report::Line::new();
                    let _ = writeln!(line, "{:<14} {} (default {})", x.name, x.help, x.default);
                    report::write_all(2, line.text());
                }
                sys::exit_group(0);
            }
            _ => {}
        }
    }
}

/// glibc's version: major * 1000 + minor.
fn libc_version() -> u32 {
    // SAFETY: returns a static string.
    let v = mem::cstr(unsafe { libc::gnu_get_libc_version() } as u64);
    let mut parts = v.split(|&b| b == b'.').map(|p| number(p).unwrap_or(0) as u32);
    parts.next().unwrap_or(0) * 1000 + parts.next().unwrap_or(0)
}

/// Keeps glibc's malloc off the break heap, which lies below the bound: a page that no one may
/// touch stops the break from growing, and what the heap has already is used up.
fn guard_break() {
    let at = sys::brk().next_multiple_of(4096);
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED_NOREPLACE;
    let _ = sys::mmap(at, 4096, libc::PROT_NONE, flags, -1);
    let mut size = 64 << 10;
    while size >= 24 {
        // SAFETY: ordinary allocation.
        let p = unsafe { libc::malloc(size) };
        if p.is_null() || !layout::above(p as u64) {
            if p.is_null() {
                size /= 2;
            }
            continue;
        }
        // SAFETY: just allocated.
        unsafe { libc::free(p) };
        size /= 2;
    }
}

/// Record or profile. Returns when that is not possible: the program then runs plain.
fn live(w: &Wanted, argc: u64, argv: u64, envp: u64, run: u64) {
    let record = w.mode == RECORD;
    let name = if record { "recording" } else { "profiling" };
    let code = if record { "IT0618" } else { "IT0617" };
    let off = |errno: i32, what: &str| {
        report::message(format_args!("{code} {name} is off: {what} (errno {errno}); the program runs as usual"));
    };
    if let Some(soft) = sys::rlimit(libc::RLIMIT_STACK)
        && soft != u64::MAX
        && soft > OPTIONS.stack_bytes.get()
    {
        OPTIONS.stack_bytes.set(soft.min(layout::STACK_MAX) & !4095);
    }
    let size = OPTIONS.stack_bytes.get();
    let envc = (0..).take_while(|i| mem::load::<u64>(envp + 8 * i) != 0).count() as u64;
    let string = |i: u64| -> &'static [u8] {
        mem::cstr(mem::load(if i < argc { argv + 8 * i } else { envp + 8 * (i - argc) }))
    };
    let total: u64 = (0..argc + envc).map(|i| string(i).len() as u64 + 9).sum();
    if total + (64 << 10) > size {
        return off(libc::E2BIG, "arguments and environment don't fit on the stack");
    }
    if let Err(e) = stack::map(size) {
        return off(e, "the stack can't be mapped");
    }
    if record {
        if let Err(e) = log::open(w.trace, OPTIONS.ring_bytes.get()) {
            return off(e, "the trace can't be created");
        }
        if let Err(e) = write_start(argc, envc, &string) {
            log::undo_open();
            return off(e, "the log can't be written");
        }
    } else {
        profile::open(w.trace);
    }
    guard_break();
    let frame = stack::frame(argc, envc, string);
    crate::mode::set_mode(w.mode);
    begin(argc, &frame, run)
}

fn write_start(argc: u64, envc: u64, string: &dyn Fn(u64) -> &'static [u8]) -> Result<(), i32> {
    let (module, plan) = tables::identity();
    let o = &OPTIONS;
    let start = Start {
        abi: version::ABI,
        argc: argc as u32,
        envc: envc as u32,
        digest: u32::from(o.digest.get()),
        digest_every: o.digest_every.get(),
        module,
        plan,
        stack: o.stack_bytes.get(),
        full: u32::from(o.full.get()),
        libc: libc_version(),
    };
    let head = size_of::<Start>() as u64;
    let total = head + (0..argc + envc).map(|i| string(i).len() as u64 + 1).sum::<u64>();
    let at = sys::anonymous(total)?;
    mem::store(at, start);
    let mut to = at + head;
    for i in 0..argc + envc {
        let s = string(i);
        mem::copy(to, s.as_ptr() as u64, s.len());
        to += s.len() as u64 + 1;
    }
    let r = log::start_chunk(mem::slice(at, total as usize));
    sys::munmap(at, total);
    r
}

fn refuse(what: core::fmt::Arguments) -> ! {
    report::message(what);
    report::stop("refused", itarget_abi::exit::FAILURE)
}

fn replayed(w: &Wanted, run: u64) -> ! {
    if let Err(what) = replay::open(w.stream_fd) {
        refuse(format_args!("IT0610 {what}; use `itarget replay`"));
    }
    let (at, len) = replay::start_payload();
    let start: Start = mem::load(at);
    let (module, plan) = tables::identity();
    if start.abi != version::ABI || start.module != module || start.plan != plan {
        refuse(format_args!("IT0603 this program is not the one that was recorded (other code or another plan)"));
    }
    if start.libc != libc_version() {
        let (r, h) = (start.libc, libc_version());
        refuse(format_args!(
            "IT0611 recorded with C library {}.{}, this machine has {}.{}",
            r / 1000,
            r % 1000,
            h / 1000,
            h % 1000
        ));
    }
    let o = &OPTIONS;
    o.digest.set(start.digest != 0);
    o.digest_every.set(start.digest_every);
    o.full.set(start.full != 0);
    o.stack_bytes.set(start.stack);
    let (argc, envc) = (u64::from(start.argc), u64::from(start.envc));
    let strings = at + size_of::<Start>() as u64;
    let whole = mem::slice(strings, (at + len - strings) as usize);
    if start.stack > layout::STACK_MAX
        || start.stack < 64 << 10
        || whole.iter().filter(|&&b| b == 0).count() as u64 != argc + envc
    {
        refuse(format_args!("IT0610 the stream is damaged; use `itarget replay`"));
    }
    if let Err(e) = stack::map(start.stack) {
        refuse(format_args!("IT0619 the program's stack can't be mapped at its address (errno {e})"));
    }
    guard_break();
    // The strings are found from the front each time; only done once and they are few.
    let string = |i: u64| whole.split(|&b| b == 0).nth(i as usize).unwrap_or(b"");
    let frame = stack::frame(argc, envc, string);
    replay::begin();
    ctl().locale_c.set(1);
    crate::mode::set_mode(REPLAY);
    if o.sandbox.get() {
        sandbox::install();
    }
    begin(argc, &frame, run)
}

/// Switches to the program's stack and never comes back.
fn begin(argc: u64, frame: &stack::Frame, run: u64) -> ! {
    // SAFETY: one thread; the array lives as long as the program.
    unsafe { environ = frame.envp as *mut *mut u8 };
    if mode() != PROFILE {
        crate::hooks::remember_streams(out(), err());
    }
    signal::begin();
    locale::begin();
    // SAFETY: the stack is mapped, `sp` aligned; `run` is `int (int, char **, char **)`.
    let r = unsafe { stack::start(frame.sp, run, argc, frame.argv, frame.envp) };
    exit::exit(r as i32)
}

/// libc's `stdout`.
pub fn out() -> u64 {
    // SAFETY: reads libc's variable.
    unsafe { stdout as u64 }
}

/// libc's `stderr`.
pub fn err() -> u64 {
    // SAFETY: reads libc's variable.
    unsafe { stderr as u64 }
}
