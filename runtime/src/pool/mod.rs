//! The deterministic pool: four arenas at fixed addresses, no address from the kernel.
//!
//! An arena is a row of 64 KiB spans. A span holds blocks of one size class, or is part of a run
//! that holds one large block. The class of an address is found in a table by its span, so that
//! `free` needs no header. Free blocks are kept in LIFO lists threaded through the blocks. The
//! addresses depend only on the sequence of calls. In the mixed arena a block starts with a
//! 16-byte header that holds the objid.
//!
//! Every thread has free lists of its own: a block goes to those of the thread that frees it, so that its addresses do not
//! depend on what others do meanwhile. Spans are handed out, and lists that grow long are handed on, in sections whose order is
//! recorded ([`sync::section`]).

mod size;

use crate::state::{me, st};
use crate::{sync, sys};
use itarget_abi::layout::{ARENA_SIZE, BOUND, ENV_BASE, MIXED_BASE, OBJ_ENV, OBJ_MIXED, OBJ_REPLAY, OBJ_SHARED, POOL_BASE, SHARED_BASE, SHARED_BOUND};
use itarget_abi::hooks::SHARED;
use size::{CLASSES, SMALL, class_of, size_of_class};

const SPAN_SHIFT: u32 = 16;
const SPAN: u64 = 1 << SPAN_SHIFT;
const SPANS: u64 = ARENA_SIZE >> SPAN_SHIFT;
/// Bytes in front of a block of the mixed arena.
const HEADER: u64 = 16;

// Entries of the span table (u32): 0 = never used, else kind in the top bits.
const SMALL_TAG: u32 = 0x8000_0000; // | class
const LARGE_TAG: u32 = 0x4000_0000; // | spans of the run (first span)
const INNER_TAG: u32 = 0xc000_0000; // its first span is in `links`
const FREE_TAG: u32 = 0x2000_0000; // | spans of the free run (first span)
const COUNT: u32 = 0x1fff_ffff;

/// Bytes of free blocks of one class from which on a thread hands a part of them on.
const PLENTY: u64 = 128 << 10;

/// What a thread has of an arena.
pub struct Local {
    free: [u64; CLASSES],
    /// Free blocks, by class.
    count: [u32; CLASSES],
    bump: [u64; CLASSES],
    bump_end: [u64; CLASSES],
}

impl Local {
    /// Nothing.
    pub const NEW: Local = Local { free: [0; CLASSES], count: [0; CLASSES], bump: [0; CLASSES], bump_end: [0; CLASSES] };
}

struct Arena {
    base: u64,
    /// Span table and, per span, first span of its run (inner spans) or next free run.
    table: *mut u32,
    links: *mut u32,
    next_span: u32,
    /// Lists of free blocks that threads handed on: the first block of a list holds the next list in its second word.
    handed: [u64; CLASSES],
    /// What threads left of spans when they ended: the next such piece in the first word, the end of the span in the second.
    rest: [u64; CLASSES],
    /// First span + 1 of the first free run, address-ordered; 0 = none.
    runs: u32,
    header: u64,
}

const fn arena(base: u64, header: u64) -> Arena {
    Arena {
        base,
        table: core::ptr::null_mut(),
        links: core::ptr::null_mut(),
        next_span: 1,
        handed: [0; CLASSES],
        rest: [0; CLASSES],
        runs: 0,
        header,
    }
}

/// Arenas.
pub const ARENA_COUNT: usize = 4;
static mut ARENAS: [Arena; ARENA_COUNT] = [arena(POOL_BASE, 0), arena(ENV_BASE, 0), arena(MIXED_BASE, HEADER), arena(SHARED_BASE, 0)];
static mut READY: bool = false;
/// Profile mode: every block goes to the mixed arena, with its objid.
static mut TAGGED: bool = false;

/// Which side of the cut memory above the bound is on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// Wholly replay space.
    Replay,
    /// Wholly environment.
    Environment,
    /// Both.
    Mixed,
}

/// Maps the arenas. False when the address space is taken.
pub fn init(tagged: bool) -> bool {
    for i in 0..ARENA_COUNT {
        // SAFETY: fixed, unused regions of the address space (MAP_FIXED_NOREPLACE); one thread.
        unsafe {
            let a = &mut *(&raw mut ARENAS[i]);
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
            let rw = libc::PROT_READ | libc::PROT_WRITE;
            let Some(p) = sys::mmap(a.base, ARENA_SIZE, rw, flags | libc::MAP_FIXED_NOREPLACE, -1, 0) else {
                return false;
            };
            if p as u64 != a.base {
                return false;
            }
            let Some(t) = sys::mmap(0, SPANS * 8, rw, flags, -1, 0) else { return false };
            a.table = t.cast();
            a.links = t.cast::<u32>().add(SPANS as usize);
        }
    }
    // SAFETY: one thread.
    unsafe {
        READY = true;
        TAGGED = tagged;
    }
    true
}

/// True once the arenas exist.
pub fn ready() -> bool {
    // SAFETY: one thread.
    unsafe { READY }
}

#[inline(always)]
fn arena_of(p: u64) -> Option<&'static mut Arena> {
    let i = if p.wrapping_sub(POOL_BASE) < ARENA_SIZE {
        0
    } else if p.wrapping_sub(ENV_BASE) < ARENA_SIZE {
        1
    } else if p.wrapping_sub(MIXED_BASE) < ARENA_SIZE {
        2
    } else if p.wrapping_sub(SHARED_BASE) < ARENA_SIZE {
        3
    } else {
        return None;
    };
    // SAFETY: one thread; references do not outlive a pool operation.
    Some(unsafe { &mut *(&raw mut ARENAS[i]) })
}

/// True for memory of the pool.
#[inline(always)]
pub fn owns(p: *const u8) -> bool {
    ready() && arena_of(p as u64).is_some()
}

impl Arena {
    #[inline(always)]
    fn entry(&self, span: u32) -> u32 {
        // SAFETY: spans of addresses in the arena are in the table.
        unsafe { *self.table.add(span as usize) }
    }
    #[inline(always)]
    fn set(&self, span: u32, v: u32) {
        // SAFETY: as above.
        unsafe { *self.table.add(span as usize) = v }
    }
    fn link(&self, span: u32) -> u32 {
        // SAFETY: as above.
        unsafe { *self.links.add(span as usize) }
    }
    fn set_link(&self, span: u32, v: u32) {
        // SAFETY: as above.
        unsafe { *self.links.add(span as usize) = v }
    }
    fn index(&self) -> usize {
        match self.base {
            POOL_BASE => 0,
            ENV_BASE => 1,
            MIXED_BASE => 2,
            _ => 3,
        }
    }
    fn address(&self, span: u32) -> u64 {
        self.base + (u64::from(span) << SPAN_SHIFT)
    }
    #[inline(always)]
    fn span(&self, p: u64) -> u32 {
        ((p - self.base) >> SPAN_SHIFT) as u32
    }

    /// A block of `n` bytes; the flag says that its memory was never used (and so is zero).
    #[inline(always)]
    fn get(&mut self, local: &mut Local, n: u64) -> (u64, bool) {
        if n <= SMALL {
            let c = class_of(n);
            let head = local.free[c];
            if head != 0 {
                // SAFETY: a free block holds the address of the next one.
                local.free[c] = unsafe { *(head as *const u64) };
                local.count[c] = local.count[c].saturating_sub(1);
                return (head, false);
            }
            let at = local.bump[c];
            if at != 0 {
                let size = size_of_class(c);
                local.bump[c] = if at + 2 * size <= local.bump_end[c] { at + size } else { 0 };
                return (at, true);
            }
            return self.new_small_span(local, c);
        }
        sync::section(|| self.large(n))
    }

    #[cold]
    fn new_small_span(&mut self, local: &mut Local, c: usize) -> (u64, bool) {
        let (list, (p, fresh)) = sync::section(|| {
            let list = self.handed[c];
            if list != 0 {
                // SAFETY: a list that a thread handed on.
                self.handed[c] = unsafe { *(list as *const u64).add(1) };
                return (list, (0, false));
            }
            let rest = self.rest[c];
            if rest != 0 {
                // SAFETY: a piece of a span that nobody used, but for these two words.
                unsafe {
                    self.rest[c] = *(rest as *const u64);
                    local.bump_end[c] = *(rest as *const u64).add(1);
                    *(rest as *mut [u64; 2]) = [0; 2];
                }
                return (0, (rest, true));
            }
            let (p, fresh) = self.run(1);
            if p != 0 {
                self.set(self.span(p), SMALL_TAG | c as u32);
            }
            (0, (p, fresh))
        });
        if list != 0 {
            // SAFETY: a free block holds the address of the next one.
            local.free[c] = unsafe { *(list as *const u64) };
            local.count[c] = Self::batch(c) - 1;
            return (list, false);
        }
        if p == 0 {
            return (0, false);
        }
        if !fresh {
            // SAFETY: the whole span is ours; small spans must start as zero for `fresh`.
            unsafe { core::ptr::write_bytes(p as *mut u8, 0, SPAN as usize) };
        }
        let size = size_of_class(c);
        if p & (SPAN - 1) == 0 {
            local.bump_end[c] = p + SPAN;
        }
        local.bump[c] = if p + 2 * size <= local.bump_end[c] { p + size } else { 0 };
        (p, true)
    }

    /// Blocks of a class that are handed on at once.
    fn batch(c: usize) -> u32 {
        (PLENTY / 2 / size_of_class(c)) as u32
    }

    /// Hands half of a thread's free blocks of a class on to whoever needs them.
    #[cold]
    fn hand_on(&mut self, local: &mut Local, c: usize) {
        let list = local.free[c];
        let mut last = list;
        let mut blocks = 1;
        while blocks < Self::batch(c) {
            // SAFETY: a free block holds the address of the next one.
            let next = unsafe { *(last as *const u64) };
            if next == 0 {
                break;
            }
            last = next;
            blocks += 1;
        }
        // SAFETY: free blocks of at least 16 bytes.
        unsafe {
            local.free[c] = *(last as *const u64);
            *(last as *mut u64) = 0;
        }
        local.count[c] = local.count[c].saturating_sub(blocks);
        sync::section(|| {
            // SAFETY: as above.
            unsafe { *(list as *mut u64).add(1) = self.handed[c] };
            self.handed[c] = list;
        });
    }

    fn large(&mut self, n: u64) -> (u64, bool) {
        if n > ARENA_SIZE / 2 {
            return (0, false);
        }
        let spans = n.div_ceil(SPAN) as u32;
        let (p, fresh) = self.run(spans);
        if p != 0 {
            let first = self.span(p);
            self.set(first, LARGE_TAG | spans);
            for k in 1..spans {
                self.set(first + k, INNER_TAG);
                self.set_link(first + k, first);
            }
        }
        (p, fresh)
    }

    /// A run of spans: the first free run that is long enough, else fresh ones.
    fn run(&mut self, spans: u32) -> (u64, bool) {
        let mut before = 0;
        let mut at = self.runs;
        while at != 0 {
            let first = at - 1;
            let len = self.entry(first) & COUNT;
            let next = self.link(first);
            if len >= spans {
                let rest = if len > spans {
                    let r = first + spans;
                    self.set(r, FREE_TAG | (len - spans));
                    self.set_link(r, next);
                    r + 1
                } else {
                    next
                };
                if before == 0 { self.runs = rest } else { self.set_link(before - 1, rest) }
                return (self.address(first), false);
            }
            before = at;
            at = next;
        }
        if u64::from(self.next_span) + u64::from(spans) > SPANS {
            return (0, false);
        }
        let first = self.next_span;
        self.next_span += spans;
        (self.address(first), true)
    }

    #[inline(always)]
    fn put(&mut self, local: &mut Local, p: u64) {
        let span = self.span(p);
        let e = self.entry(span);
        if e & INNER_TAG == SMALL_TAG {
            let c = (e & COUNT) as usize;
            // SAFETY: the block is free now and at least 16 bytes.
            unsafe { *(p as *mut u64) = local.free[c] };
            local.free[c] = p;
            local.count[c] += 1;
            if u64::from(local.count[c]) * size_of_class(c) > PLENTY && sync::threads() {
                self.hand_on(local, c);
            }
        } else if e & INNER_TAG == LARGE_TAG {
            sync::section(|| self.put_run(span, e & COUNT));
        }
    }

    /// Returns a run, keeps the list in address order and joins neighbours.
    fn put_run(&mut self, first: u32, len: u32) {
        let (mut before, mut at) = (0, self.runs);
        while at != 0 && at - 1 < first {
            before = at;
            at = self.link(at - 1);
        }
        let (mut first, mut len) = (first, len);
        let mut next = at;
        if at != 0 && at - 1 == first + len {
            len += self.entry(at - 1) & COUNT;
            next = self.link(at - 1);
        }
        if before != 0 && before - 1 + (self.entry(before - 1) & COUNT) == first {
            len += self.entry(before - 1) & COUNT;
            first = before - 1;
        } else if before != 0 {
            self.set_link(before - 1, first + 1);
        } else {
            self.runs = first + 1;
        }
        self.set(first, FREE_TAG | len);
        self.set_link(first, next);
    }

    /// Start and size of the block that contains an address.
    #[inline(always)]
    fn block(&self, p: u64) -> (u64, u64) {
        let mut span = self.span(p);
        let mut e = self.entry(span);
        if e & INNER_TAG == SMALL_TAG {
            let size = size_of_class((e & COUNT) as usize);
            let start = self.address(span);
            return (start + (p - start) / size * size, size);
        }
        if e & INNER_TAG == INNER_TAG {
            span = self.link(span);
            e = self.entry(span);
        }
        (self.address(span), u64::from(e & COUNT) << SPAN_SHIFT)
    }
}

fn arena_for(objid: u32) -> &'static mut Arena {
    // SAFETY: one thread; see `arena_of`.
    unsafe {
        let i = match objid {
            _ if TAGGED => 2,
            OBJ_REPLAY => 0,
            OBJ_ENV => 1,
            OBJ_SHARED => 3,
            _ => 2,
        };
        &mut *(&raw mut ARENAS[i])
    }
}

/// A block of `n` bytes, 16-aligned; null when the arena is full.
#[inline]
pub fn allocate(n: u64, objid: u32) -> *mut u8 {
    allocate_fresh(n, objid).0
}

/// As [`allocate`]; the flag says that the memory is zero already.
#[inline]
pub fn allocate_fresh(n: u64, objid: u32) -> (*mut u8, bool) {
    let a = arena_for(objid);
    let Some(total) = n.max(1).checked_add(a.header) else { return (core::ptr::null_mut(), false) };
    let (p, fresh) = a.get(&mut me().pool[a.index()], total);
    if p == 0 {
        return (core::ptr::null_mut(), false);
    }
    if a.header != 0 {
        // SAFETY: the header (objid, shift of an aligned object) lies in the block.
        unsafe {
            *(p as *mut u64) = u64::from(objid);
            *(p as *mut u64).add(1) = 0;
        }
    }
    ((p + a.header) as *mut u8, fresh)
}

/// A block aligned to a power of two above 16: room is taken for the shift, and `free` finds the
/// block by any address in it.
pub fn allocate_aligned(align: u64, n: u64, objid: u32) -> *mut u8 {
    if align <= 16 {
        return allocate(n, objid);
    }
    let Some(total) = n.checked_add(align) else { return core::ptr::null_mut() };
    let p = allocate(total, objid) as u64;
    if p == 0 {
        return core::ptr::null_mut();
    }
    let at = p.next_multiple_of(align);
    let a = arena_for(objid);
    if a.header != 0 {
        // SAFETY: the second word of the header.
        unsafe { *((p - HEADER + 8) as *mut u64) = at - p };
    }
    at as *mut u8
}

/// Frees a block of the pool.
#[inline]
pub fn release(p: *mut u8) {
    if let Some(a) = arena_of(p as u64) {
        let (start, _) = a.block(p as u64);
        a.put(&mut me().pool[a.index()], start);
    }
}

/// A thread ends: what it has goes to whoever needs it.
pub fn leave() {
    if !ready() {
        return;
    }
    sync::section(|| {
        for i in 0..ARENA_COUNT {
            // SAFETY: sections exclude each other.
            let arena = unsafe { &mut *(&raw mut ARENAS[i]) };
            let local = &mut me().pool[i];
            for c in 0..CLASSES {
                let (list, bump) = (core::mem::take(&mut local.free[c]), core::mem::take(&mut local.bump[c]));
                // SAFETY: free memory of at least 16 bytes.
                unsafe {
                    if list != 0 {
                        *(list as *mut u64).add(1) = core::mem::replace(&mut arena.handed[c], list);
                    }
                    if bump != 0 {
                        *(bump as *mut u64) = core::mem::replace(&mut arena.rest[c], bump);
                        *(bump as *mut u64).add(1) = local.bump_end[c];
                    }
                }
                local.count[c] = 0;
            }
        }
    });
}

/// Bytes usable at `p`.
pub fn usable(p: *const u8) -> u64 {
    arena_of(p as u64).map_or(0, |a| {
        let (start, size) = a.block(p as u64);
        start + size - p as u64
    })
}

/// Bytes from an address to the end of its block, if it is in one.
pub fn rest(p: u64) -> Option<u64> {
    owns(p as *const u8).then(|| usable(p as *const u8))
}

/// objid and offset of an address in the pool (`offset` from the start of the object).
pub fn object_of(p: u64) -> Option<(u32, u64)> {
    let a = arena_of(p)?;
    let (start, _) = a.block(p);
    if a.header == 0 {
        let objid = match a.base {
            ENV_BASE => OBJ_ENV,
            SHARED_BASE => OBJ_SHARED,
            _ => OBJ_REPLAY,
        };
        return Some((objid, p - start));
    }
    // SAFETY: the header of a live block.
    let (objid, shift) = unsafe { (*(start as *const u64), *(start as *const u64).add(1)) };
    Some((objid as u32, (p - start).saturating_sub(HEADER + shift)))
}

/// Whether an address may be one of environment memory, above the bound as it is now.
#[inline(always)]
pub fn may_be_foreign(p: u64) -> bool {
    p >= if st().alone { BOUND } else { SHARED_BOUND }
}

/// Side of `len` bytes at an address.
#[inline]
pub fn side(p: u64, len: u64) -> Side {
    if !may_be_foreign(p) {
        return Side::Replay;
    }
    if p.wrapping_sub(MIXED_BASE) < ARENA_SIZE { mixed_side(p, len) } else { Side::Environment }
}

core::arch::global_asm!(
    ".weak __itarget_mixed",
    ".pushsection .data.rel.ro.itarget_mixed_address,\"aw\"",
    ".p2align 3",
    ".hidden itarget_mixed_address",
    ".globl itarget_mixed_address",
    "itarget_mixed_address: .quad __itarget_mixed",
    ".popsection"
);

unsafe extern "C" {
    static itarget_mixed_address: *const u64;
}

fn mixed_side(p: u64, len: u64) -> Side {
    let Some((objid, offset)) = object_of(p) else { return Side::Environment };
    // SAFETY: a table made by the pass: count, then rows of four words; null without one.
    unsafe {
        let table = itarget_mixed_address;
        if table.is_null() || objid < OBJ_MIXED {
            return Side::Replay;
        }
        let (mut inside, mut outside) = (false, false);
        let rows = *table;
        let alone = st().alone;
        let mut covered = 0;
        for i in 0..rows {
            let row = table.add(1 + 4 * i as usize);
            if *row & !SHARED != u64::from(objid - OBJ_MIXED) || *row & SHARED != 0 && alone {
                continue;
            }
            let (from, to, stride) = (*row.add(1), *row.add(2), *row.add(3));
            let at = if stride != 0 { offset % stride } else { offset };
            let end = at.saturating_add(len.max(1));
            if stride != 0 && end > stride {
                return Side::Mixed;
            }
            if at < to && end > from {
                inside = true;
                covered += end.min(to) - at.max(from);
            }
        }
        if inside && covered < len.max(1) {
            outside = true;
        }
        match (inside, outside) {
            (false, _) => Side::Replay,
            (true, false) => Side::Environment,
            (true, true) => Side::Mixed,
        }
    }
}

/// Calls `f` with each used span of the replay arena, in address order.
pub fn for_each_used_span(f: impl FnMut(*const u8, usize)) {
    // SAFETY: one thread.
    spans(unsafe { &*(&raw const ARENAS[0]) }, f);
}

/// The same for the arena that is replay space as long as the process is alone.
pub fn for_each_shared_span(f: impl FnMut(*const u8, usize)) {
    // SAFETY: one thread.
    spans(unsafe { &*(&raw const ARENAS[3]) }, f);
}

/// The same for the mixed arena (all there is in modes profile and check).
pub fn for_each_mixed_span(f: impl FnMut(*const u8, usize)) {
    // SAFETY: one thread.
    spans(unsafe { &*(&raw const ARENAS[2]) }, f);
}

fn spans(a: &Arena, mut f: impl FnMut(*const u8, usize)) {
    if !ready() {
        return;
    }
    let mut s = 1;
    while s < a.next_span {
        let e = a.entry(s);
        let len = if e & INNER_TAG == SMALL_TAG { 1 } else { (e & COUNT).max(1) };
        if e & FREE_TAG == 0 || e & INNER_TAG != 0 {
            f(a.address(s) as *const u8, (u64::from(len) << SPAN_SHIFT) as usize);
        }
        s += len;
    }
}

/// True when `p` lies in the arena that blocks with this objid come from, and (mixed arena) has
/// the same objid.
pub fn same_arena(p: *const u8, objid: u32) -> bool {
    let a = arena_for(objid);
    (p as u64).wrapping_sub(a.base) < ARENA_SIZE
        && (a.header == 0 || object_of(p as u64).is_some_and(|o| o.0 == objid))
}

/// True when copying from block `old` to block `new` may bring environment bytes into replay space.
pub fn logged_across(old: *const u8, new: *const u8) -> bool {
    let in_environment = (new as u64).wrapping_sub(ENV_BASE) < ARENA_SIZE || !st().alone && (new as u64).wrapping_sub(SHARED_BASE) < ARENA_SIZE;
    may_be_foreign(old as u64) && !in_environment
}
