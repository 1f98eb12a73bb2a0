//! Calls between replay space and functions of the environment, and what these do to replay space.
//!
//! While the environment runs, what it does to replay space goes to the stream as a *section*: a list of
//! tagged entries (bytes written, blocks allocated, functions called back) that ends with [`END`]. At replay the
//! environment does not run: the section is *driven*, entry by entry. The driver has a stack of its own,
//! because the program's stack below the caller belongs to the functions called back, which must find
//! their stack pointer as it was.
//!
//! Sections nest: a function called back may call the environment again. `depth` counts the calls back that are
//! under way; it is the same when recording and at replay.

use crate::hooks::{__itarget_val, block, event};
use crate::pool::{self, Side};
use crate::state::{Thread, __itarget_ctl, ctl, elsewhere, me, page, recording, replaying};
use crate::word::word;
use crate::{exit, locale, replay, setjmp, signal, sys};
use core::ffi::{c_int, c_void};
use itarget_abi::control::{Control, mode};
use itarget_abi::hooks::{DOWNCALL, UPCALL};
use itarget_abi::layout::{self, STACK_BASE, STACK_MAX, THREAD_STACKS, THREAD_STRIDE, THREADS_MAX};

core::arch::global_asm!(
    ".weak __itarget_upcall_table",
    ".pushsection .data.rel.ro.itarget_upcalls_address,\"aw\"",
    ".p2align 3",
    ".hidden itarget_upcalls_address",
    ".globl itarget_upcalls_address",
    "itarget_upcalls_address: .quad __itarget_upcall_table",
    ".popsection"
);

unsafe extern "C" {
    static itarget_upcalls_address: *const u64;
}

/// End of a section.
pub const END: u64 = 0;
/// Low bits of a tag: what kind of entry it is; the rest is a number.
const KIND: u64 = 3;
/// A call back; the number is the upcall id.
const CALLED: u64 = 1;
/// Bytes written; the number is the site.
const WRITTEN: u64 = 2;
/// Something that the runtime does for the environment; the number says what.
const SPECIAL: u64 = 3;

/// Entries that stand for calls of the runtime by the environment.
#[repr(u64)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Special {
    /// A block of the pool: objid and whether it is cleared, bytes, alignment.
    Alloc,
    /// A block of the pool is freed: address.
    Free,
    /// longjmp: state of the target and whether the buffer is a copy, buffer, of a copy what tells of which, value.
    Jump,
    /// exit: stack pointer, status.
    Exit,
    /// _exit: status.
    ImmediateExit,
    /// abort.
    Abort,
    /// A failed assertion.
    Assert,
    /// atexit: function, argument.
    AtExit,
    /// sigaction: signal, action.
    Action,
    /// setlocale, or the first use of the character tables.
    Locale,
    /// exec, which comes back only if it fails.
    Exec,
    /// setenv and the like: which, and texts.
    Variables,
    /// fork, by which the log is written out.
    Fork,
    /// Something that can't be recorded: what. The recording ends.
    Refuse,
}

const SPECIALS: [Special; 14] = [
    Special::Alloc,
    Special::Free,
    Special::Jump,
    Special::Exit,
    Special::ImmediateExit,
    Special::Abort,
    Special::Assert,
    Special::AtExit,
    Special::Action,
    Special::Locale,
    Special::Exec,
    Special::Variables,
    Special::Fork,
    Special::Refuse,
];

/// Site ids of special entries, for the memory of scalars.
const SPECIAL_SITES: u32 = 0xfffc_0000;
/// Site ids of results of downcalls: that of the downcall and this.
const RESULT: u32 = 0x0004_0000;

/// What a thread needs for crossings.
pub struct Driver {
    /// The site whose writes `bytes` and the like are about, while the environment runs.
    site: u32,
    /// Where the next section starts on the driver's stack (replay).
    top: u64,
    /// The innermost call back under way (replay).
    innermost: *const Called,
    /// Lowest address of the driver's stack.
    stack: u64,
}

impl Driver {
    /// Nothing under way.
    pub const NEW: Driver = Driver { site: 0, top: 0, innermost: core::ptr::null(), stack: 0 };
}

/// The program has functions that the environment may call.
pub fn may_be_called() -> bool {
    // SAFETY: the table of the pass, if there is one: count, then functions.
    unsafe { !itarget_upcalls_address.is_null() && *itarget_upcalls_address > 0 }
}

/// True when the environment calls the runtime while something is recorded.
#[inline(always)]
pub fn from_environment() -> bool {
    let c = ctl();
    c.in_env != 0 && page().mode == mode::RECORD && !elsewhere()
}

/// Begins an entry: signals wait until it is complete.
fn entry(tag: u64, site: u32) {
    let c = ctl();
    c.in_env = 0;
    c.boundaries += 1;
    word(tag);
    event(site);
}

/// Begins a special entry.
pub fn special(what: Special) {
    entry((what as u64) << 2 | SPECIAL, SPECIAL_SITES + what as u32);
}

/// The entry is complete, and the environment goes on.
pub fn complete() {
    signal::deliver_pending();
    ctl().in_env = 1;
}

/// Before writes of an external call: the site they belong to.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_applies(site: c_int) {
    me().driver.site = site as u32;
}

/// Whether memory lies on a stack. What nobody wrote there yet differs at replay, where frames of the environment leave nothing behind:
/// a write that changes nothing is logged all the same.
pub fn on_stack(at: u64) -> bool {
    let here = 0u8;
    let threads = THREAD_STACKS..THREAD_STACKS + THREADS_MAX * THREAD_STRIDE;
    // One that the program gave to a thread.
    let given = (&raw const here as u64)..crate::state::me().life.top();
    (STACK_BASE..STACK_BASE + STACK_MAX).contains(&at) || threads.contains(&at) || given.contains(&at)
}

/// A function of the environment wrote `len` bytes at `at`; `changed`: they are not what was there.
///
/// # Safety
/// `at` is null or valid for `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_apply(at: *mut u8, len: i64, site: c_int, changed: c_int) {
    if changed == 0 && !on_stack(at as u64) {
        return;
    }
    __itarget_applies(site);
    // SAFETY: passed on.
    unsafe { written(at, len) }
}

/// As `__itarget_apply`, for the site announced last.
///
/// # Safety
/// As `__itarget_apply`.
pub unsafe fn written(at: *mut u8, len: i64) {
    let to = at as u64;
    if !recording() || len <= 0 || to == 0 {
        return;
    }
    if to >= layout::BOUND && pool::side(to, len as u64) == Side::Environment {
        return;
    }
    if !from_environment() {
        return;
    }
    let site = me().driver.site;
    entry(u64::from(site) << 2 | WRITTEN, site);
    word(to);
    word(len as u64);
    // SAFETY: the caller's promise.
    unsafe { block(at, len as u64) };
    complete();
}

/// A replayed function is called by the environment (record) or the driver (replay). Its arguments follow.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_upcall(function: c_int, sp: u64) {
    if recording() && !itarget_abi::layout::mapped_at_replay(sp) {
        crate::hooks::refuse(exit::site::FOREIGN_STACK);
    }
    if recording() {
        exit::called_back();
        let function = function as u32;
        entry(u64::from(function - UPCALL) << 2 | CALLED, function);
        word(sp);
    }
    ctl().in_env = 0;
    me().depth += 1;
}

/// It returns.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_upcall_end() {
    me().depth -= 1;
    ctl().boundaries += 1;
    if recording() {
        signal::deliver_pending();
    }
    ctl().in_env = 1;
}

/// A hook that ends a section: while recording it calls `$end`, at replay `$drive` on the driver's stack.
macro_rules! section_end {
    ($(#[$doc:meta])* $name:ident($($arg:ident: $ty:ty),*), $end:ident, $drive:ident) => {
        $(#[$doc])*
        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($($arg: $ty),*) {
            core::arch::naked_asm!(
                "cmp dword ptr [rip + {ctl} + {mode}], {replay}",
                "lea r10, [rip + {drive}]",
                "je {switch}",
                "jmp {end}",
                ctl = sym __itarget_ctl,
                mode = const core::mem::offset_of!(Control, mode),
                replay = const mode::REPLAY,
                drive = sym $drive,
                switch = sym on_driver_stack,
                end = sym $end,
            )
        }
    };
}

section_end!(
    /// Ends the section of an external call that may call back.
    ///
    /// # Safety
    /// None of its own.
    __itarget_upcalls(_site: c_int), end_calls, drive_calls
);

section_end!(
    /// Ends the section of a downcall; then comes the result, in a slot of `len` bytes.
    ///
    /// # Safety
    /// `value` is valid for `len` bytes.
    __itarget_result(_function: c_int, _value: *mut u8, _len: i64), result, drive_result
);

/// Calls the function in r10 on the driver's stack. Where the return address stands now, a function called
/// back may have its own.
#[unsafe(naked)]
unsafe extern "C" fn on_driver_stack() {
    core::arch::naked_asm!(
        "pop rax",
        "mov r11, rsp",
        // The fourth argument is nobody's.
        "mov rcx, fs:[itarget_self@tpoff]",
        "mov rsp, [rcx + {top}]",
        "push rax",
        "push r11",
        "call r10",
        "pop r11",
        "pop rax",
        "mov rsp, r11",
        "jmp rax",
        top = const core::mem::offset_of!(Thread, driver.top),
    )
}

/// A call back under way.
pub struct Called {
    /// The one around it.
    outer: *const Called,
    /// `depth` before it.
    depth: u64,
    /// `top` before it.
    top: u64,
    /// The driver's stack pointer in it.
    sp: u64,
}

/// Bytes of the driver's stack.
const STACK: u64 = 256 << 20;

/// Maps the driver's stack of this thread (replay). False when there is no room.
pub fn start() -> bool {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: new memory anywhere.
    unsafe {
        let Some(p) = sys::mmap(0, STACK, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) else { return false };
        me().driver.stack = p as u64;
        me().driver.top = p as u64 + STACK;
    }
    true
}

/// The thread ends.
pub fn stop() {
    // SAFETY: the mapping that `start` made; nothing is under way.
    unsafe { sys::sys!(libc::SYS_munmap, me().driver.stack, STACK) };
}

extern "C" fn end_calls(_site: c_int) {
    if recording() && !elsewhere() {
        ctl().boundaries += 1;
        word(END);
    }
}

extern "C" fn drive_calls(_site: c_int) {
    drive();
}

/// Record: the end of a downcall.
unsafe extern "C" fn result(function: c_int, value: *mut u8, len: i64) {
    if elsewhere() {
        return;
    }
    ctl().in_env = 0;
    if !recording() {
        return;
    }
    ctl().boundaries += 1;
    word(END);
    // SAFETY: the caller's promise.
    unsafe { take_result(function, value, len) }
}

/// Replay: a whole downcall.
unsafe extern "C" fn drive_result(function: c_int, value: *mut u8, len: i64) {
    drive();
    // SAFETY: the caller's promise.
    unsafe { take_result(function, value, len) }
}

unsafe fn take_result(function: c_int, value: *mut u8, len: i64) {
    event(DOWNCALL + RESULT + function as u32);
    if len > 0 {
        // SAFETY: the caller's promise.
        unsafe { block(value, len as u64) };
    }
}

/// Does what the section says, to its end.
fn drive() {
    loop {
        ctl().in_env = 1;
        if ctl().boundaries >= ctl().next_async {
            signal::replay_due(false);
        }
        if replay::refused_here() {
            // By what a library did in the call.
            replay::stream_ended();
        }
        ctl().boundaries += 1;
        let tag = word(0);
        let number = tag >> 2;
        match tag & KIND {
            CALLED => call_back(number),
            WRITTEN => write(number),
            SPECIAL => perform(number),
            _ if tag == END => break,
            _ => replay::diverged(b"a malformed entry in the stream", tag, 0),
        }
    }
    ctl().in_env = 0;
}

fn write(site: u64) {
    event(site as u32);
    let to = word(0);
    let len = word(0);
    if !layout::mapped_at_replay(to) || !layout::mapped_at_replay(to.wrapping_add(len)) {
        replay::diverged(b"bytes written to memory that is not there", to, len);
    }
    // SAFETY: memory of the program, as recorded.
    unsafe { block(to as *mut u8, len) }
}

fn call_back(id: u64) {
    event(UPCALL + id as u32);
    let sp = word(0);
    // SAFETY: the table of the pass: count, then functions.
    let door = unsafe {
        let table = itarget_upcalls_address;
        if table.is_null() || id >= *table {
            replay::diverged(b"an upcall to a function that does not exist", id, 0);
        }
        *table.add(1 + id as usize)
    };
    // SAFETY: one thread; `called` outlives the call.
    unsafe {
        let mut called = Called { outer: me().driver.innermost, depth: me().depth, top: me().driver.top, sp: 0 };
        me().driver.innermost = &raw const called;
        call_at(door, sp, &raw mut called.sp, &raw mut me().driver.top);
        me().driver.innermost = called.outer;
        me().driver.top = called.top;
        me().depth = called.depth;
    }
}

/// Calls `f`, a handler of a signal, which finds its return address at `sp`, if that is not 0, when recording and
/// at replay. It counts as called back if the environment was interrupted (`outside`).
pub fn interrupt(f: extern "C" fn(), sp: u64, outside: bool) {
    let in_env = ctl().in_env;
    let driving = in_env != 0 && replaying();
    ctl().in_env = 0;
    // SAFETY: one thread; `called` outlives the call; nothing of the program lies below `sp`.
    unsafe {
        let mut called = Called { outer: me().driver.innermost, depth: me().depth, top: me().driver.top, sp: 0 };
        let mut unused = 0;
        if driving {
            me().driver.innermost = &raw const called;
        }
        me().depth += u64::from(outside);
        if sp == 0 && !driving {
            f();
            me().depth = called.depth;
            ctl().in_env = in_env;
            return;
        }
        // The driver has one stack: where the handler has no place on the program's, it gets one below.
        let sp = if sp == 0 { ((&raw const called) as u64 - 4096) & !15 | 8 } else { sp };
        call_at(f as usize as u64, sp, &raw mut called.sp, if driving { &raw mut me().driver.top } else { &raw mut unused });
        if driving {
            me().driver.innermost = called.outer;
            me().driver.top = called.top;
        }
        me().depth = called.depth;
    }
    ctl().in_env = in_env;
}

/// Calls `f` so that it finds its return address at `sp`. The stack pointer of here is kept in `here`, and is
/// where the next section starts (`top`).
#[unsafe(naked)]
unsafe extern "C" fn call_at(f: u64, sp: u64, here: *mut u64, top: *mut u64) {
    core::arch::naked_asm!(
        ".cfi_startproc",
        "push rbp",
        ".cfi_def_cfa_offset 16",
        ".cfi_offset rbp, -16",
        "mov rbp, rsp",
        ".cfi_def_cfa_register rbp",
        "push rbx",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "push rdx",
        "mov [rdx], rsp",
        "mov [rcx], rsp",
        "mov rbx, rsp",
        "lea rsp, [rsi + 8]",
        "call rdi",
        // Nobody takes the result: a long double would stay on the stack of the FPU.
        "emms",
        "mov rsp, rbx",
        "pop rdx",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbx",
        "pop rbp",
        ".cfi_def_cfa rsp, 8",
        "ret",
        ".cfi_endproc"
    )
}

/// Ends a call back that was left by longjmp: returns from its `call_at`.
#[unsafe(naked)]
unsafe extern "C" fn return_from(sp: u64) -> ! {
    core::arch::naked_asm!("mov rsp, rdi", "pop rdx", "pop r15", "pop r14", "pop r13", "pop r12", "pop rbx", "pop rbp", "ret")
}

/// Replay: the calls back deeper than `depth` are over.
fn leave(depth: u64) {
    // SAFETY: one thread; the calls back form a list on the driver's stack.
    unsafe {
        while !me().driver.innermost.is_null() && (*me().driver.innermost).depth >= depth {
            me().driver.top = (*me().driver.innermost).top;
            me().driver.innermost = (*me().driver.innermost).outer;
        }
    }
    me().depth = depth;
}

/// Replay: control goes to a frame of the environment, at `depth`: the driver of that section goes on.
fn resume(depth: u64) -> ! {
    // SAFETY: one thread; the calls back form a list on the driver's stack.
    unsafe {
        while !me().driver.innermost.is_null() && (*me().driver.innermost).depth > depth {
            me().driver.innermost = (*me().driver.innermost).outer;
        }
        if me().driver.innermost.is_null() || (*me().driver.innermost).depth != depth {
            replay::diverged(b"a jump to a frame of the environment that is not there", depth, me().depth);
        }
        ctl().in_env = 1;
        return_from((*me().driver.innermost).sp)
    }
}

/// What `setjmp` keeps of here: the depth, and whether it is called by the environment.
pub fn place() -> u64 {
    me().depth << 1 | u64::from(ctl().in_env != 0)
}

/// longjmp to a buffer with this [`place`]: logs or follows where it goes. Returns if the target is a frame that
/// exists.
pub fn jump(target: u64, buffer: u64, value: c_int) {
    if elsewhere() {
        return;
    }
    let outside = target & 1 != 0;
    if from_environment() {
        if target != place() {
            let at = buffer as *const u64;
            // SAFETY: the environment jumps by it, while recording.
            let (copied, identity) = unsafe { (setjmp::is_copy(at), setjmp::identity(at)) };
            if copied && setjmp::words_for(identity).is_null() {
                crate::hooks::refuse(exit::site::COPY);
                return;
            }
            special(Special::Jump);
            word(target << 1 | u64::from(copied));
            word(buffer);
            if copied {
                for part in identity {
                    word(part);
                }
            }
            word(value as u64);
        }
    } else if recording() || replaying() {
        // Most programs jump within replay space only: one bit.
        event(exit::site::JUMP as u32);
        let target = __itarget_val(if outside { target as i64 } else { 0 }) as u64;
        if target & 1 != 0 {
            ctl().boundaries += 1;
            if replaying() {
                resume(target >> 1);
            }
        }
    }
    if replaying() {
        leave(target >> 1);
    }
    me().depth = target >> 1;
    ctl().in_env = c_int::from(outside) as u32;
}

fn perform(number: u64) {
    event(SPECIAL_SITES + number as u32);
    let Some(&what) = SPECIALS.get(number as usize) else {
        replay::diverged(b"an unknown entry in the stream", number, 0)
    };
    match what {
        Special::Alloc => {
            let (id, size, align) = (word(0), word(0), word(0));
            crate::alloc::make(size, align, (id >> 1) as u32, id & 1 != 0);
        }
        Special::Free => pool::release(word(0) as *mut u8),
        Special::Jump => {
            let (target, buffer) = (word(0), word(0));
            let identity = (target & 1 != 0).then(|| [0; 3].map(word));
            let (target, value) = (target >> 1, word(0));
            if target & 1 != 0 {
                resume(target >> 1);
            }
            leave(target >> 1);
            ctl().in_env = 0;
            let words = identity.map_or_else(|| setjmp::words_of(buffer), setjmp::words_for);
            if words.is_null() {
                replay::diverged(b"a jump by the environment to a frame that is not there", buffer, 0);
            }
            // SAFETY: what setjmp keeps of that frame, filled at replay too.
            unsafe {
                setjmp::restore_mask(words);
                setjmp::jump(words, value as c_int)
            }
        }
        Special::Exit => {
            let (sp, status) = (word(0), word(0));
            ctl().in_env = 0;
            // SAFETY: the stack below what the program uses.
            unsafe { exit_at(sp, status as c_int) }
        }
        Special::ImmediateExit => {
            let status = word(0);
            ctl().in_env = 0;
            exit::__itarget__exit(status as c_int)
        }
        Special::Abort => exit::abort_for_good(false),
        Special::Assert => exit::failed_assertion(),
        Special::AtExit => {
            let (f, argument) = (word(0), word(0));
            // SAFETY: a function of the program, at the address that it had.
            let f = unsafe { core::mem::transmute::<u64, extern "C" fn(*mut c_void)>(f) };
            exit::add(f, argument as *mut c_void);
        }
        Special::Action => signal::replay_action(),
        Special::Locale => locale::replay_change(),
        Special::Exec => exit::replay_exec(),
        Special::Variables => crate::environ::replay_variables(),
        Special::Fork => {
            crate::word::seal();
            // The next entry counts before it is read.
            replay::at_check();
        }
        Special::Refuse => crate::hooks::end_refused(word(0) as c_int),
    }
}

/// exit by the environment: the functions registered run on a stack pointer that is the same at replay.
pub fn exit_from_environment(status: c_int) -> ! {
    let here = 0u8;
    let sp = ((&raw const here) as u64 - 1024) & !63;
    special(Special::Exit);
    word(sp);
    word(status as u64);
    // SAFETY: below all frames in use.
    unsafe { exit_at(sp, status) }
}

/// Calls exit on that stack pointer.
#[unsafe(naked)]
unsafe extern "C" fn exit_at(sp: u64, status: c_int) -> ! {
    core::arch::naked_asm!(
        "mov rsp, rdi",
        "mov edi, esi",
        "xor ebx, ebx",
        "xor ebp, ebp",
        "xor r12d, r12d",
        "xor r13d, r13d",
        "xor r14d, r14d",
        "xor r15d, r15d",
        "call {exit}",
        "ud2",
        exit = sym exit::__itarget_exit
    )
}
