//! The order of accesses that may race, found while they are made.
//!
//! Where nothing proves that locks order two threads' accesses, logging all values would be dear. Instead every line of memory
//! remembers who accessed it last and at which count of that thread's synchronization operations (its *epoch*, as in FastTrack, Flanagan and
//! Freund, PLDI 2009, section 3). A thread that comes to a line whose last accesses were made by another one
//! depends on them: if that thread has synchronized since, an entry in the synchronization log is enough
//! (at replay this access waits until the other thread has come as far). If it has not, the two race: the line is *racy* from then on, what
//! is loaded from it is logged, and a thread that writes there for the first time waits, at replay, until the others have come to the end of the
//! epoch in which they last read it.
//!
//! A thread's table says for each line whether it may access it at once: it did so before in this epoch, and nobody else came since. A
//! load looks there *after* it has read: whoever wants to write takes the permission away first. Stores look before. So at any time
//! a line that is not racy has one writer or some readers, and what is not racy is read and written at replay in the order
//! in which it was.
//!
//! Entries lead to what happened before, or to the *beginning* of the operation after an epoch that was under way, which waits for
//! nothing that came later: a replay can't be stuck in a circle.

mod hooks;

use crate::state::{elsewhere, me, page, recording, replaying};
use crate::sync::{self, Edge};
use crate::sys;
use crate::thread::seat;
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicI64, AtomicU64, Ordering::*, fence};
use itarget_abi::control::mode;
use itarget_abi::shadow::{Access, LINE, TABLE_BITS, slot};

const WORDS: u64 = 1 << TABLE_BITS;
/// A word of a table: the line is racy. Less than any epoch.
const RACY: i64 = i64::MIN;
/// Bits of a word beside the stamp: loads need not ask; stores neither.
const READ: i64 = 2;
const WRITE: i64 = 3;
/// Flags of [`Line::writer`].
const LOCKED: u64 = 1 << 63;
const RACES: u64 = 1 << 62;
/// Most bytes of one access; no call of the kernel moves more.
const MOST: u64 = 1 << 31;
/// Most others that an access can depend on.
const OTHERS: usize = 256;
/// Most arguments that a call reads or writes memory through.
const HELD: usize = 8;

/// A line of memory.
#[repr(C)]
struct Line {
    /// Stamp of the last write; of a racy line, stamp of the epoch that ended as it was found.
    writer: AtomicU64,
    /// Bit `seat % 64` of who read it since.
    readers: AtomicU64,
}

/// What is known of the threads of a seat.
#[repr(C)]
struct Desk {
    table: AtomicU64,
    /// Stamp from which on the thread that had the seat before does nothing any more.
    left: AtomicU64,
    /// Not 0 while a library function reads what is in `held`: who takes a permission away waits.
    busy: AtomicU64,
    /// Addresses and bytes that the call at hand reads; only its own thread looks here.
    held: [(AtomicU64, AtomicU64); HELD],
    count: AtomicU64,
    /// What it writes, in the same way, before and during a call of the environment; and the stamp of the epoch in which it was acquired for a call of the environment.
    written: [(AtomicU64, AtomicU64); HELD],
    writes: AtomicU64,
    leaves: AtomicU64,
    since: AtomicU64,
}

static mut LINES: *mut Line = core::ptr::null_mut();
/// Replay: a bit per slot, 1: racy to some thread.
static mut FOUND: *mut AtomicU64 = core::ptr::null_mut();
static mut DESKS: [Desk; seat::SEATS + 1] = [const {
    Desk {
        table: AtomicU64::new(0),
        left: AtomicU64::new(0),
        busy: AtomicU64::new(0),
        held: [const { (AtomicU64::new(0), AtomicU64::new(0)) }; HELD],
        count: AtomicU64::new(0),
        written: [const { (AtomicU64::new(0), AtomicU64::new(0)) }; HELD],
        writes: AtomicU64::new(0),
        leaves: AtomicU64::new(0),
        since: AtomicU64::new(0),
    }
}; seat::SEATS + 1];

core::arch::global_asm!(
    ".weak __itarget_ordered",
    ".pushsection .data.rel.ro.itarget_ordered_address,\"aw\"",
    ".p2align 3",
    ".hidden itarget_ordered_address",
    ".globl itarget_ordered_address",
    "itarget_ordered_address: .quad __itarget_ordered",
    ".popsection",
    ".pushsection .tbss.__itarget_order,\"awT\",@nobits",
    ".p2align 3",
    ".globl __itarget_order",
    ".type __itarget_order,@object",
    ".size __itarget_order,48",
    "__itarget_order: .zero 48",
    ".popsection",
);

const _: () = assert!(size_of::<Access>() == 48);

unsafe extern "C" {
    static itarget_ordered_address: *const u8;
}

/// What the thread that calls may do at once.
#[inline(always)]
fn access() -> &'static mut Access {
    let own: *mut Access;
    // SAFETY: a thread-local variable of the executable; only its own thread gets its address.
    unsafe {
        core::arch::asm!("mov {0}, qword ptr fs:[0]", "lea {0}, [{0} + __itarget_order@tpoff]", out(reg) own, options(pure, readonly, nostack, preserves_flags));
        &mut *own
    }
}

/// The thread that calls looks at lines.
#[inline(always)]
pub fn active() -> bool {
    access().mask != 0
}

/// The program looks at lines, once it has threads.
pub fn wanted() -> bool {
    // SAFETY: set by the linker.
    unsafe { !itarget_ordered_address.is_null() }
}

fn fresh(bytes: u64) -> Option<*mut u8> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: fresh memory.
    unsafe { sys::mmap(0, bytes, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) }
}

/// The program is about to start its first thread. False: no room.
pub fn start() -> bool {
    if !wanted() || active() || !(recording() || replaying()) {
        return true;
    }
    // SAFETY: there is one thread.
    unsafe {
        if LINES.is_null() {
            let Some(lines) = fresh(WORDS * size_of::<Line>() as u64) else { return false };
            let Some(found) = fresh(WORDS / 8) else { return false };
            (LINES, FOUND) = (lines.cast(), found.cast());
        }
    }
    begin()
}

/// The thread that calls is recorded or replayed from now on. False: no room for its table.
pub fn begin() -> bool {
    // SAFETY: set before there were threads.
    if unsafe { LINES.is_null() } || !(recording() || replaying()) {
        return true;
    }
    let desk = desk(me().seat);
    let bytes = WORDS * size_of::<i64>() as u64;
    let mut table = desk.table.load(Acquire);
    if table == 0 {
        let Some(p) = fresh(bytes) else { return false };
        table = p as u64;
        desk.table.store(table, Release);
    } else {
        // SAFETY: the table of a thread that is gone; nobody else changes it but to take permissions away.
        unsafe { sys::sys!(libc::SYS_madvise, table, bytes, libc::MADV_DONTNEED) };
    }
    let a = access();
    *a = Access { table: table as *mut i64, mask: WORDS - 1, read: 0, write: 0, left: 0, start: 0 };
    // What the thread before did on this seat comes before what this one does.
    if recording() {
        sync::depend(desk.left.load(Acquire));
        sync::count();
    } else if replaying() {
        sync::pass();
    }
    true
}

/// The thread that calls makes no more accesses that are looked at.
pub fn end() {
    if !active() {
        return;
    }
    desk(me().seat).left.store(sync::next_stamp(), Release);
    access().mask = 0;
    sync::gone();
}

/// A new epoch of this thread, while recording.
#[inline(always)]
pub fn epoch() {
    let a = access();
    if a.mask != 0 {
        a.read = word(sync::stamp()) | READ;
        a.write = a.read + 1;
        (a.left, a.start) = (0, 0);
        sync::show_count();
    }
}

/// Replay: the thread has something to do at the access with that number from now on.
#[inline(always)]
pub fn arm(accesses: u64) {
    let a = access();
    (a.left, a.start) = (accesses, accesses);
}

/// An access that was an operation is the first one of the epoch that it began.
pub fn made() {
    let a = access();
    a.left = a.left.wrapping_sub(1);
}

/// The thread made accesses in this epoch: what it does next in the environment may let others go on with what it left.
#[inline(always)]
pub fn used() -> bool {
    let a = access();
    a.mask != 0 && a.left != a.start
}

/// The epoch of this thread ends, if it made accesses in it.
#[inline(always)]
pub fn boundary() {
    if used() {
        if recording() { sync::count() } else if replaying() { _ = sync::pass() }
    }
}

/// A call of the environment begins: others may go on with what this thread left, but for what the call writes.
#[inline(always)]
pub fn enter() {
    if used() {
        boundary();
        let desk = desk(me().seat);
        let writes = desk.writes.swap(0, Relaxed);
        for (at, len) in desk.to_write(writes) {
            range(at, len, true);
        }
        desk.leaves.store(writes, Relaxed);
        desk.since.store(sync::stamp(), Relaxed);
    }
}

/// Record: the call of the environment is over. Handlers that ran meanwhile may have ended the epoch: then nobody else may have come to what it wrote.
pub fn leave() {
    if !active() || !recording() {
        return;
    }
    let desk = desk(me().seat);
    let since = desk.since.load(Relaxed);
    let writes = desk.leaves.swap(0, Relaxed);
    if writes != 0 && since != sync::stamp() {
        let ours = |line_at: u64| {
            let line = line(index(line_at));
            let w = line.writer.load(Acquire) & !LOCKED;
            w & RACES != 0 || w == since && line.readers.load(Relaxed) & !(1 << (me().seat % 64)) == 0
        };
        if !desk.to_write(writes).all(|(at, len)| lines_of(at, len).all(ours)) {
            crate::hooks::refuse(crate::exit::site::ORDER);
        }
    }
}

/// The lines that an access lies in.
fn lines_of(at: u64, len: u64) -> impl Iterator<Item = u64> {
    (at & !(LINE - 1)..at + len.max(1)).step_by(LINE as usize)
}

#[inline(always)]
fn word(stamp: u64) -> i64 {
    (stamp << 2) as i64
}

#[inline(always)]
fn index(address: u64) -> usize {
    (slot(address) & (WORDS - 1)) as usize
}

fn desk(seat: u32) -> &'static Desk {
    // SAFETY: seats are numbered below the length; the members are atomic.
    unsafe { &*(&raw const DESKS).cast::<Desk>().add(seat as usize) }
}

impl Desk {
    /// What the call at hand writes.
    fn to_write(&self, count: u64) -> impl Iterator<Item = (u64, u64)> {
        self.written[..(count as usize).min(HELD)].iter().map(|(at, len)| (at.load(Relaxed), len.load(Relaxed)))
    }
}

fn line(index: usize) -> &'static Line {
    // SAFETY: within the table, which `start` made before anybody looks.
    unsafe { &*LINES.add(index) }
}

/// A thread's word for a line.
fn own(index: usize) -> &'static AtomicI64 {
    // SAFETY: within the thread's table.
    unsafe { &*access().table.add(index).cast::<AtomicI64>() }
}

/// Bytes that a call may access from `at` on: `len` if that is known, else what its block has from there, or `most` where there is no block.
/// 0: nobody knows.
fn reach(at: u64, len: u64, most: u64) -> u64 {
    if len < i64::MAX as u64 {
        return len;
    }
    // A replay may come here before another thread has made the block.
    let rest = if recording() { crate::pool::rest(at).map_or(0, |rest| rest + 1) } else { 0 };
    crate::word::word(rest).checked_sub(1).unwrap_or(most)
}

/// A block is made or given back: who gets its address otherwise than in an order comes after it was made, who makes another of its memory after it was given back.
pub fn block(at: *const u8) {
    range(at as u64, 1, true);
}

/// Copies memory that several threads may access. False: what is there must be logged.
pub fn copy(from: *const u8, to: *mut u8, len: u64) -> bool {
    access().left = access().left.wrapping_sub(1);
    // SAFETY: the caller has both.
    hooks::settled(from, len, || unsafe { core::ptr::copy_nonoverlapping(from, to, len as usize) })
}

/// The runtime moves what lies there around, and functions of the program run meanwhile: what is loaded from these lines is logged.
pub fn give_up(at: u64, len: u64) {
    if active() {
        lines_of(at, len).for_each(atomic);
    }
}

/// The accesses that an access comes after.
struct Edges {
    /// The first `count` are there.
    list: [MaybeUninit<Edge>; OTHERS],
    count: usize,
    /// One of them may be under way.
    race: bool,
    /// There were more than can be kept.
    overflow: bool,
}

impl Edges {
    fn new() -> Edges {
        Edges { list: [const { MaybeUninit::uninit() }; OTHERS], count: 0, race: false, overflow: false }
    }

    /// After what that thread did up to its epoch with that stamp.
    fn after(&mut self, stamp: u64) {
        let Some(edge) = sync::edge_after(stamp) else { return };
        self.race |= edge.begins;
        if self.count == OTHERS {
            self.overflow = true;
            return;
        }
        self.list[self.count] = MaybeUninit::new(edge);
        self.count += 1;
    }

    fn others(&mut self, readers: u64, index: usize) {
        for_each_seat(readers, |seat, table| {
            let desk = desk(seat);
            // SAFETY: within the table of that seat, which stays mapped.
            let held = unsafe { (*table.add(index)).load(Acquire) };
            self.after(if held > 0 { (held >> 2) as u64 } else { desk.left.load(Acquire) });
        });
    }

    /// Writes an event: this access comes after all of them; `racy`: the line with that number is found to race.
    fn write(&self, racy: Option<u64>) {
        if self.overflow {
            crate::hooks::refuse(crate::exit::site::ORDER);
        }
        let a = access();
        // SAFETY: the first `count` were written.
        let edges = unsafe { core::slice::from_raw_parts(self.list.as_ptr().cast::<Edge>(), self.count) };
        sync::access_event(a.start.wrapping_sub(a.left), edges, racy);
    }
}

/// Calls `f` with the seats, but one's own, that have a bit among `readers`, and their tables.
fn for_each_seat(readers: u64, mut f: impl FnMut(u32, *const AtomicI64)) {
    if readers & !(1 << (me().seat % 64)) == 0 && seat::count() <= 64 {
        return;
    }
    for seat in (0..seat::count()).filter(|s| readers >> (s % 64) & 1 == 1 && *s != me().seat) {
        let table = desk(seat).table.load(Acquire);
        if table != 0 {
            f(seat, table as *const AtomicI64);
        }
    }
}

/// Takes the permissions of others for a line away.
fn revoke(readers: u64, index: usize) {
    for_each_seat(readers, |_, table| {
        // SAFETY: within the table of that seat; its thread does not change this word without the line's lock.
        unsafe { (*table.add(index)).store(0, SeqCst) };
    });
    fence(SeqCst);
    for_each_seat(readers, |seat, _| {
        while desk(seat).busy.load(Acquire) != 0 {
            core::hint::spin_loop();
        }
    });
}

/// After all that a library function reads was looked at, and nothing of it is racy: nobody takes the permissions away before [`done`]. True: somebody
/// did, or an event ended the epoch of one of them, and what it gets must be logged.
fn hold() -> bool {
    let desk = desk(me().seat);
    let count = desk.count.swap(0, Relaxed) as usize;
    let mut kept = recording();
    if kept {
        desk.busy.store(1, SeqCst);
        fence(SeqCst);
        let allowed = |line| own(index(line)).load(Relaxed) >= access().read;
        let mut ranges = desk.held[..count.min(HELD)].iter().map(|(at, len)| (at.load(Relaxed), len.load(Relaxed)));
        kept = count <= HELD && ranges.all(|(at, len)| lines_of(at, len).all(allowed));
        if !kept {
            desk.busy.store(0, Release);
        }
    }
    crate::word::word(u64::from(!kept)) != 0
}

/// The library function has read and written, or is not called like that.
pub fn done() {
    if active() {
        let desk = desk(me().seat);
        desk.busy.store(0, Release);
        desk.writes.store(0, Relaxed);
    }
}

/// A call of the environment is made instead: it only writes there.
pub fn release() {
    if active() {
        desk(me().seat).busy.store(0, Release);
    }
}

/// The call at hand writes there.
fn will_write(at: u64, len: u64) {
    let desk = desk(me().seat);
    let n = desk.writes.fetch_add(1, Relaxed) as usize;
    match desk.written.get(n) {
        Some((a, l)) => {
            a.store(at, Relaxed);
            l.store(len, Relaxed);
        }
        None => crate::hooks::refuse(crate::exit::site::ORDER),
    }
}

/// The call at hand reads there.
fn will_read(at: u64, len: u64) {
    let desk = desk(me().seat);
    let n = desk.count.fetch_add(1, Relaxed) as usize;
    if let Some((a, l)) = desk.held.get(n) {
        a.store(at, Relaxed);
        l.store(len, Relaxed);
    }
}

fn lock(line: &Line) -> u64 {
    loop {
        let w = line.writer.load(Relaxed);
        if w & LOCKED == 0 && line.writer.compare_exchange_weak(w, w | LOCKED, Acquire, Relaxed).is_ok() {
            return w;
        }
        core::hint::spin_loop();
    }
}

/// Record: what a line says that the last operation, an access, found to be racy: whoever hears of it comes after that operation.
fn found_now() -> u64 {
    (sync::stamp() - 1) | RACES
}

/// Record: gets the permission to read or write a line, number `number` of the access at hand. True: it is racy.
fn acquire(address: u64, write: bool, number: u64) -> bool {
    let index = index(address);
    let own = own(index);
    let held = own.load(Relaxed);
    if held == RACY {
        return true;
    }
    let a = access();
    if held >= if write { a.write } else { a.read } {
        return false;
    }
    let line = line(index);
    let w = lock(line);
    let mut edges = Edges::new();
    if w & RACES != 0 {
        edges.after(w & !RACES);
        edges.write(Some(number));
        own.store(RACY, Relaxed);
        line.writer.store(w, Release);
        return true;
    }
    let mine = 1u64 << (me().seat % 64);
    let readers = line.readers.load(Relaxed);
    // Nobody else was here: what is read may be written as well.
    let alone = (w == 0 || w >> sync::COUNT == u64::from(me().number)) && readers & !mine == 0 && seat::count() <= 64;
    if w != 0 && !alone {
        edges.after(w);
    }
    if write && !alone {
        edges.others(readers, index);
    }
    if edges.race || edges.overflow {
        if !write {
            edges.others(readers, index);
        }
        edges.write(Some(number));
        revoke(readers, index);
        own.store(RACY, Relaxed);
        line.writer.store(found_now(), Release);
        return true;
    }
    if edges.count > 0 {
        edges.write(None);
    }
    let now = sync::stamp();
    let mut next = w;
    if write || alone {
        next = now;
        line.readers.store(mine, Relaxed);
        own.store(word(now) | WRITE, Relaxed);
    } else {
        line.readers.store(readers | mine, Relaxed);
        own.store(word(now) | READ, Relaxed);
    }
    fence(SeqCst);
    line.writer.store(next, Release);
    false
}

/// Before the access of `len` bytes that is counted last: record gets the permission, replay does what is due. True: a line is racy, so that what is
/// read there must be logged.
fn look(at: u64, len: u64, write: bool) -> bool {
    let lines = |f: &mut dyn FnMut(u64, u64) -> bool| {
        let (first, last) = (at & !(LINE - 1), at.wrapping_add(len.max(1) - 1) & !(LINE - 1));
        let mut any = false;
        for number in 0..=(last.wrapping_sub(first) / LINE) {
            any |= f(first + number * LINE, number);
        }
        any
    };
    match page().mode {
        mode::RECORD if !elsewhere() => loop {
            let before = sync::stamp();
            let racy = lines(&mut |line, number| acquire(line, write, number));
            // An event between two lines ends the epoch in which the first was acquired.
            if len <= 1 || before == sync::stamp() || page().mode != mode::RECORD {
                return racy;
            }
        },
        mode::REPLAY if !elsewhere() => {
            while (access().left as i64) <= 0 && sync::access_is_next() {
                sync::await_access(|number| mark((at & !(LINE - 1)) + number * LINE));
            }
            lines(&mut |line, _| own(index(line)).load(Relaxed) == RACY)
        }
        _ => {
            access().mask = 0;
            false
        }
    }
}

/// Replay: the line is racy.
fn mark(address: u64) {
    let index = index(address);
    own(index).store(RACY, Relaxed);
    // SAFETY: within the bitmap.
    unsafe { (*FOUND.add(index / 64)).fetch_or(1 << (index % 64), Relaxed) };
}

/// Before a function of the runtime accesses memory of the program for it. True: what it reads there must be logged.
pub fn range(at: u64, len: u64, write: bool) -> bool {
    if !active() || len == 0 || at == 0 {
        return false;
    }
    access().left = access().left.wrapping_sub(1);
    if len > MOST {
        crate::hooks::refuse(crate::exit::site::ORDER);
    }
    look(at, len.min(MOST), write)
}

/// Before an atomic operation: what is loaded otherwise from such a line is logged.
pub fn atomic(at: u64) {
    if !active() || own(index(at)).load(Relaxed) == RACY {
        return;
    }
    access().left = access().left.wrapping_sub(1);
    if !recording() || elsewhere() {
        look(at, 1, true);
        return;
    }
    let index = index(at);
    let line = line(index);
    let w = lock(line);
    let mut edges = Edges::new();
    let found = w & RACES != 0;
    let readers = line.readers.load(Relaxed);
    if w != 0 {
        edges.after(w & !RACES);
    }
    if !found {
        edges.others(readers, index);
    }
    edges.write(Some(0));
    if !found {
        revoke(readers, index);
    }
    own(index).store(RACY, Relaxed);
    line.writer.store(if found { w } else { found_now() }, Release);
}

/// Whether what lies there may differ at replay, to the knowledge of all threads.
pub fn is_racy(address: u64) -> bool {
    // SAFETY: the tables, if there are any.
    unsafe {
        if LINES.is_null() {
            return false;
        }
        let index = index(address);
        if replaying() { (*FOUND.add(index / 64)).load(Relaxed) >> (index % 64) & 1 == 1 } else { line(index).writer.load(Relaxed) & RACES != 0 }
    }
}

