//! Profile mode: bytes and events per (site, object actually touched).

use crate::pool;
use crate::state::{page, st};
use crate::sys::{self, sys};
use itarget_abi::control::mode;

/// Most (site, object) pairs.
const SLOTS: usize = 1 << 18;
/// Offsets in one object that are told apart at one site. A member of a structure has one offset; where
/// there are more than these, the object is an array, and what matters is their common distance.
const OFFSETS: usize = 8;

/// What one site did at one offset, or at several: those that differ from `offset` by multiples of
/// `step`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Counter {
    offset: u32,
    step: u32,
    events: u64,
    bytes: u64,
}

/// The counters of a site for one object. `object`: kind in the top 8 bits (0 other, 1 stack, 2 heap,
/// 3 global), then index (24 bits), then nothing (32 bits).
#[repr(C)]
#[derive(Clone, Copy)]
struct Slot {
    site: u32,
    used: u32,
    object: u64,
    counters: [Counter; OFFSETS],
    others: Counter,
}

/// Bytes that are counted where nobody knows how many they are.
const SOME: i64 = 16;

static mut TABLE: *mut Slot = core::ptr::null_mut();
static mut LOST: u64 = 0;
/// This process is a child: its counts are its own.
static mut CHILD: bool = false;

impl Slot {
    fn count(&mut self, offset: u32, bytes: u64) {
        for c in &mut self.counters {
            if c.events == 0 {
                c.offset = offset;
            }
            if c.offset == offset {
                c.events += 1;
                c.bytes += bytes;
                return;
            }
        }
        let c = &mut self.others;
        if c.events == 0 {
            c.offset = offset;
        }
        c.step = gcd(c.step, c.offset.abs_diff(offset));
        c.events += 1;
        c.bytes += bytes;
    }
}

/// Greatest common divisor; `gcd(0, n)` is `n`.
fn gcd(mut a: u32, mut b: u32) -> u32 {
    if a != 0 && b.is_multiple_of(a) {
        return a;
    }
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

core::arch::global_asm!(
    ".weak __itarget_all_globals",
    ".pushsection .data.rel.ro.itarget_all_globals_address,\"aw\"",
    ".p2align 3",
    ".hidden itarget_all_globals_address",
    ".globl itarget_all_globals_address",
    "itarget_all_globals_address: .quad __itarget_all_globals",
    ".popsection"
);

unsafe extern "C" {
    static itarget_all_globals_address: *const u64;
}

/// The table of all globals, null if there is none: count, then address and size of each.
pub fn globals_table() -> *const u64 {
    // SAFETY: a word that the linker fills.
    unsafe { itarget_all_globals_address }
}

/// Name of the kind in the top bits of an object.
pub fn kind_name(object: u64) -> &'static str {
    match object >> 56 {
        1 => "stack",
        2 => "heap",
        3 => "global",
        _ => "other",
    }
}

/// The object at an address, with the offset in it: see [`Slot::object`].
pub fn object(p: u64) -> u64 {
    if let Some((objid, offset)) = pool::object_of(p) {
        return 2 << 56 | u64::from(objid & 0xff_ffff) << 32 | offset.min(u64::from(u32::MAX));
    }
    // SAFETY: the table of the pass: count, then address and size of each global.
    unsafe {
        let t = itarget_all_globals_address;
        if !t.is_null() && p < itarget_abi::layout::POOL_BASE {
            for i in 0..*t {
                let (start, size) = (*t.add(1 + 2 * i as usize), *t.add(2 + 2 * i as usize));
                if p.wrapping_sub(start) < size {
                    return 3 << 56 | i << 32 | (p - start).min(u64::from(u32::MAX));
                }
            }
        }
    }
    let mut here = 0u64;
    let sp = &raw mut here as u64;
    if p.abs_diff(sp) < 16 << 20 { 1 << 56 } else { 0 }
}

/// Counts `len` bytes at `at` for a site; negative: some, anywhere in the object. A site with `COUNT_READ`: what its call read.
#[unsafe(no_mangle)]
pub extern "C" fn __itarget_count(site: u32, at: u64, len: i64) {
    if page().mode != mode::PROFILE {
        return;
    }
    // SAFETY: our own table, of plain integers. Threads that count at once may lose each other's counts, or one of two tables: a profile
    // is an estimate.
    unsafe {
        if TABLE.is_null() {
            let bytes = (SLOTS * size_of::<Slot>()) as u64;
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
            match sys::mmap(0, bytes, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) {
                Some(p) => TABLE = p.cast(),
                None => return,
            }
        }
        let place = if at == 0 { 0 } else { object(at) };
        let (o, offset) = (place & !0xffff_ffff, if len < 0 { u32::MAX } else { (place & 0xffff_ffff) as u32 });
        let len = if len < 0 { SOME } else { len };
        let mut i = (u64::from(site).wrapping_mul(0x9e37_79b9).wrapping_add(o.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20)) as usize % SLOTS;
        for _ in 0..64 {
            let s = &mut *TABLE.add(i);
            if s.used == 0 {
                // The rest is zero, as mapped.
                (s.site, s.used, s.object) = (site, 1, o);
            }
            if s.site == site && s.object == o {
                s.count(offset, len as u64);
                return;
            }
            i = (i + 1) % SLOTS;
        }
        LOST += 1;
    }
}

/// In a child process: what its parent counted is not its own.
pub fn in_child() {
    // SAFETY: our own table; a child has one thread.
    unsafe {
        if !TABLE.is_null() {
            sys!(libc::SYS_munmap, TABLE, SLOTS * size_of::<Slot>());
            TABLE = core::ptr::null_mut();
        }
        LOST = 0;
        CHILD = true;
    }
}

/// Writes `profile.tsv` (in a child `profile.PID.tsv`, behind what one before it with that number wrote): site, `kind:index+offset/step`, events, bytes; then what found no room.
pub fn write() {
    page().mode = mode::PLAIN;
    let mut path = st().trace;
    let n = path.iter().position(|b| *b == 0).unwrap_or(0);
    let digits = sys::Digits::new(sys::pid() as u64);
    // SAFETY: set while there is one thread.
    let child = unsafe { CHILD };
    let name: [&[u8]; 4] = [b"/profile", if child { b"." } else { b"" }, if child { digits.bytes() } else { b"" }, b".tsv\0"];
    let mut at = n;
    for part in name {
        let Some(room) = path.get_mut(at..at + part.len()) else { return };
        room.copy_from_slice(part);
        at += part.len();
    }
    // SAFETY: our own file and table.
    unsafe {
        let fd = sys!(libc::SYS_open, path.as_ptr(), libc::O_WRONLY | libc::O_CREAT | if child { libc::O_APPEND } else { libc::O_TRUNC }, 0o600) as i32;
        if fd < 0 || TABLE.is_null() {
            return;
        }
        for i in 0..SLOTS {
            let s = &*TABLE.add(i);
            if s.used == 0 {
                continue;
            }
            let kind = kind_name(s.object);
            let index = s.object >> 32 & 0xff_ffff;
            for c in s.counters.iter().chain([&s.others]).filter(|c| c.events > 0) {
                let line = format_args!("{}\t{kind}:{index}+{}/{}\t{}\t{}\n", s.site, c.offset, c.step, c.events, c.bytes);
                if sys::Line::write(fd, line).is_err() {
                    sys!(libc::SYS_close, fd);
                    return;
                }
            }
        }
        // A table without this line was cut off.
        let _ = sys::Line::write(fd, format_args!("lost\t{}\n", LOST));
        sys!(libc::SYS_close, fd);
    }
}
