//! Loads of replay space that may race: another thread may have written what they read, but seldom has. A thread remembers what it
//! saw last, by address, in its *view*; a load that reads just that is a hit and costs the log next to nothing, any other
//! is a miss and stands in the stream as a scalar does ([`crate::word::differ`]), in relation to what the view has; a byte as it is.
//!
//! Hits and misses are counted in *runs*: a byte of the stream, at the place where the run begins, holds the number of hits (low
//! 5 bits) and of the misses that follow them (high 3 bits). A hit after a miss, and a count that is full, begins the next
//! run; one that follows a run full of hits is long, and has 2 bytes there, of which 13 bits count hits. It stays open while other entries follow it,
//! until the chunk is written out. Hits are counted down in the thread's control block, which what is
//! left of a process that is killed has, too; the run gets their number at the first miss ([`settled`]).
//!
//! Instrumented code counts several loads at once, before the first of them ([`itarget_abi::view::GROUP`]), and compares by itself; what is no hit, and all loads where no run
//! takes any more, come here, and say how many of these are still to come. A fault may keep these from coming for now ([`leave`], [`go_on`]).
//!
//! Where misses follow each other in memory, more than the value is logged ([`scan`]): what lies ahead, so that the next loads hit. Copies
//! of such memory are compared with the view, too ([`copy`]).
//!
//! The view is no copy of memory: it is a function of the addresses and values of these loads and copies, and of what the thread itself stores to such
//! memory, which recording and replay both see. It has one byte for all addresses that agree in their low 22 bits.

mod copy;
mod fast;
mod scan;

use crate::hooks::{__itarget_ld, plain, watched};
use crate::state::{ctl, elsewhere, me, page, recording, replaying, st};
use crate::{fault, log, replay, variables, word};
use core::sync::atomic::{Ordering::Release, compiler_fence};
use itarget_abi::control::{Control, mix, mode};
use itarget_abi::hooks::APART;
use itarget_abi::layout::mapped_at_replay;
use itarget_abi::view::{BEYOND, BYTES, GROUP, MISSES, REST_SHIFT, most, settled};
use scan::Scans;

/// Nothing is ever mapped elsewhere: a load from there is a fault, at replay too.
const POSSIBLE: core::ops::Range<u64> = 4096..1 << 47;

/// Bytes that a thread saw last, by the low bits of addresses; a value at the end reaches beyond.
pub struct Seen([u8; BYTES + BEYOND]);

impl Seen {
    /// Nothing seen yet.
    pub const NEW: Seen = Seen([0; BYTES + BEYOND]);
}

/// What a thread saw last.
pub struct View {
    /// Replay: hits, then misses, that are left of the run.
    left: (u16, u16),
    /// The run that begins next is long.
    long: bool,
    /// Where misses follow each other in memory.
    scans: Scans,
    /// Only its thread looks there.
    pub seen: *mut Seen,
}

impl View {
    /// Nothing seen yet.
    pub const fn new(seen: *mut Seen) -> View {
        View { left: (0, 0), long: false, scans: Scans::NEW, seen }
    }

    /// The byte for an address; as many as a value has follow it, or those of the rest of the address's page.
    fn place(&self, address: u64) -> *mut u8 {
        // SAFETY: one of the first `BYTES`, a multiple of a page.
        unsafe { (&raw mut (*self.seen).0).cast::<u8>().add(address as usize % BYTES) }
    }

    /// Replay: what stands at the beginning of the next run.
    fn take_run(&mut self) {
        // What began this run may have ended a chunk, and with it the flag byte of scalars.
        if replay::at_check() {
            word::close();
        }
        let mut run = [0u8; 2];
        // SAFETY: as many writable bytes.
        unsafe { replay::take(run.as_mut_ptr(), if self.long { 2 } else { 1 }) };
        let (run, most) = (u16::from_le_bytes(run), most(self.long));
        self.left = (run & most, run >> most.trailing_ones());
        self.long = run == most;
    }

    fn at(&self, from: *const u8, size: i32) -> u64 {
        // SAFETY: at most 8 bytes from there.
        unsafe { plain(self.place(from as u64), size) as u64 }
    }

    fn keep(&mut self, from: *const u8, size: i32, value: u64) {
        let bytes = value.to_le_bytes();
        // SAFETY: at most 8 bytes from there.
        unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), self.place(from as u64), size as usize) };
    }
}

/// The run ends, since the live chunk is written out; a new thread has none.
#[inline(always)]
pub fn close() {
    let c = ctl();
    if c.run != 0 {
        end(c);
        c.hits = 0;
    }
}

/// What stands at the beginning of the open run.
fn header(c: &Control) -> u16 {
    // SAFETY: it lies in the live chunk.
    unsafe { if c.most == u64::from(most(true)) { (c.run as *const u16).read_unaligned() } else { u16::from(*(c.run as *const u8)) } }
}

fn set_header(c: &Control, run: u16) {
    // SAFETY: as above.
    unsafe { if c.most == u64::from(most(true)) { (c.run as *mut u16).write_unaligned(run) } else { *(c.run as *mut u8) = run as u8 } }
    // A process may be killed between any two instructions: the order is that of the program.
    compiler_fence(Release);
}

/// Ends the open run.
fn end(c: &mut Control) {
    let run = settled(header(c), c.most as u16, c.hits);
    set_header(c, run);
    me().view.long = u64::from(run) == c.most;
    c.run = 0;
    compiler_fence(Release);
}

/// Begins a run, with a hit or with a miss; there is room for it.
fn begin(c: &mut Control, hit: bool) {
    if c.run != 0 {
        end(c);
    }
    let long = me().view.long;
    let most = most(long);
    c.most = u64::from(most);
    c.hits = if hit { i64::from(most) - 1 } else { 0 };
    c.run = c.cur;
    set_header(c, if hit { most } else { most + 1 });
    c.cur += if long { 2 } else { 1 };
}

/// Record: a fault comes in between. The run ends. Loads that are counted and did not come, that which faulted is one of them, are hits as far as the run takes them; gives how
/// many it does not take.
pub fn leave() -> u64 {
    let beyond = (-ctl().hits).max(0);
    close();
    ctl().hits = 0;
    beyond as u64
}

/// Replay: loads that are counted and did not come.
pub fn to_come() -> u64 {
    (-ctl().hits).max(0) as u64
}

/// Replay: nothing else is left of the run at a fault before which it did not take `beyond` of these.
pub fn is_left(beyond: u64) -> bool {
    me().view.left == (to_come().saturating_sub(beyond) as u16, 0)
}

/// Replay: the fault comes.
pub fn forget() {
    me().view.left = (0, 0);
    ctl().hits = 0;
}

/// The handler of a fault has returned, and the loads that did not come may come now; a replay knows how many these are (`to_come`). Those of a group that is compared where it stands
/// ask nobody: a run begins for them, of which as many as a group may have are counted. Those that will not come are hits of that run.
pub fn go_on(to_come: u64) {
    let c = ctl();
    if st().full {
        // All come here, where what is counted is set right.
        c.hits = if recording() { -(GROUP as i64) } else { -(to_come as i64) };
    } else if recording() {
        log::reserve(log::SLACK);
        if recording() {
            begin(c, true);
            c.hits += 1 - GROUP as i64;
        }
    } else if replaying() {
        let view = &mut me().view;
        let before = view.left;
        view.take_run();
        match view.left.0.checked_sub((GROUP as u16).saturating_sub(to_come as u16)) {
            Some(left) if before == (0, 0) => view.left.0 = left,
            _ => replay::diverged(b"the runs of loads around a fault differ", u64::from(view.left.0), to_come),
        }
        c.hits = -(to_come as i64);
    }
}

/// A load, as the assembly of [`fast`] does it.
///
/// # Safety
/// `from` is valid for reading `size` bytes, unless at replay.
#[inline(always)]
pub unsafe fn load(from: *const u8, size: i32, site: i32) -> i64 {
    let c = ctl();
    c.hits -= 1;
    // SAFETY: memory is only read while recording.
    unsafe {
        if c.hits < 0 {
            return slow(from, site, size);
        }
        let value = plain(from, size);
        if me().view.at(from, size) != value as u64 {
            return appended(from, site, size, value);
        }
        value
    }
}

/// A load of what may be the environment's, where the fast path can't tell.
///
/// # Safety
/// `from` is valid for reading `size` bytes, unless at replay and of the environment.
unsafe extern "C" fn located(from: *const u8, site: i32, size: i32) -> i64 {
    // SAFETY: passed on.
    unsafe {
        if !variables::logged::<false>(from as u64, size as u64) {
            plain(from, size)
        } else if site as u32 & APART == 0 || mapped_at_replay(from as u64) {
            load(from, size, site)
        } else {
            apart(from, site, size)
        }
    }
}

/// The same of one of a group, which is counted already.
///
/// # Safety
/// As [`located`].
unsafe extern "C" fn located_counted(from: *const u8, site: i32, size: i32) -> i64 {
    // SAFETY: passed on.
    unsafe {
        let races = variables::logged::<false>(from as u64, size as u64);
        if races && (site as u32 & APART == 0 || mapped_at_replay(from as u64)) {
            return slow(from, site, size);
        }
        ctl().hits += 1;
        if races { apart(from, site, size) } else { plain(from, size) }
    }
}

/// A load of what may lie elsewhere at replay.
///
/// # Safety
/// As `__itarget_ld`.
unsafe extern "C" fn apart(from: *const u8, site: i32, size: i32) -> i64 {
    // SAFETY: passed on.
    unsafe { __itarget_ld(from, size, number(site)) }
}

/// The same of one of a group, which is counted already.
///
/// # Safety
/// As `__itarget_ld`.
unsafe extern "C" fn apart_counted(from: *const u8, site: i32, size: i32) -> i64 {
    ctl().hits += 1;
    // SAFETY: passed on.
    unsafe { apart(from, site, size) }
}

/// The site without [`APART`] and what stands at [`REST_SHIFT`].
#[inline(always)]
const fn number(site: i32) -> i32 {
    (site as u32 & ((1 << REST_SHIFT) - 1)) as i32
}

/// Loads of the group that are still to come.
#[inline(always)]
const fn rest(site: i32) -> i64 {
    ((site as u32 & !APART) >> REST_SHIFT) as i64
}

/// A load, counted already, where the fast path does not do.
///
/// # Safety
/// `from` is valid for reading `size` bytes.
unsafe extern "C" fn slow(from: *const u8, site: i32, size: i32) -> i64 {
    match page().mode {
        mode::REPLAY => taken(from, site, size) as i64,
        mode::RECORD => {
            // SAFETY: the caller's promise.
            appended(from, site, size, unsafe { plain(from, size) })
        }
        // SAFETY: the caller's promise.
        _ => unsafe { plain(from, size) },
    }
}

/// Appends what was read; the load is counted already.
extern "C" fn appended(from: *const u8, site: i32, size: i32, value: i64) -> i64 {
    if page().mode != mode::RECORD || elsewhere() {
        return value;
    }
    let (rest, site) = (rest(site), number(site));
    ctl().hits += rest + 1;
    if st().watched {
        watched(site as u32);
    }
    log::reserve(log::SLACK);
    if !recording() {
        return value;
    }
    let view = &mut me().view;
    let last = view.at(from, size);
    let hit = last == value as u64;
    let c = ctl();
    if hit && c.hits > 0 {
        c.hits -= 1;
    } else if !hit && c.run != 0 && u64::from(header(c)) < u64::from(MISSES) * (c.most + 1) {
        let run = settled(header(c), c.most as u16, c.hits) + c.most as u16 + 1;
        set_header(c, run);
        c.hits = 0;
    } else {
        begin(c, hit);
    }
    // A process may be killed between any two instructions: a miss is counted before its value is there.
    compiler_fence(Release);
    if !hit {
        view.keep(from, size, value as u64);
        count(site as u32);
        if size == 1 {
            // A text, mostly: shorter than differences, and packs better.
            // SAFETY: room was reserved.
            unsafe { *(ctl().cur as *mut u8) = value as u8 };
            compiler_fence(Release);
            ctl().cur += 1;
        } else {
            word::differ(value as u64, last);
        }
        let n = view.scans.ahead(from as u64, size as u64);
        if n > 0 {
            let (next, place) = (from as u64 + size as u64, view.place(from as u64 + size as u64));
            word::raw(n);
            // SAFETY: the rest of a page of which something was just read; what is logged is what the view has then.
            unsafe {
                core::ptr::copy_nonoverlapping(next as *const u8, place, n as usize);
                log::put(place, n);
            }
        }
    }
    if st().watched {
        // The next one comes here again.
        close();
    }
    ctl().hits -= rest;
    value
}

/// Takes what was read; the load is counted already.
fn taken(from: *const u8, site: i32, size: i32) -> u64 {
    if elsewhere() {
        // SAFETY: such a thread does what it does; see `elsewhere`.
        return unsafe { plain(from, size) as u64 };
    }
    ctl().hits = -rest(site) - 1;
    fault::before(from as u64, size as u64, false);
    if !POSSIBLE.contains(&(from as u64)) || replay::is_cut_off() && mapped_at_replay(from as u64) {
        // It may be what the recorded program died of.
        // SAFETY: a fault there is the program's.
        unsafe { core::ptr::read_volatile(from) };
    }
    // There is no run here that takes hits: instrumented code asks for each.
    ctl().hits = -rest(site);
    let site = number(site) as u32;
    if st().watched {
        watched(site);
    }
    let view = &mut me().view;
    if view.left == (0, 0) {
        view.take_run();
    }
    let last = view.at(from, size);
    if view.left.0 > 0 {
        view.left.0 -= 1;
        return last;
    }
    if view.left.1 == 0 {
        replay::diverged(b"a run of loads is empty", 0, u64::from(site));
    }
    view.left.1 -= 1;
    count(site);
    let value = if size == 1 {
        let mut byte = 0u8;
        // SAFETY: one writable byte.
        unsafe { replay::take(&raw mut byte, 1) };
        u64::from(byte)
    } else {
        word::differed(last)
    };
    view.keep(from, size, value);
    let n = view.scans.ahead(from as u64, size as u64);
    if n > 0 {
        word::raw(n);
        // SAFETY: within a page of the view.
        unsafe { replay::take(view.place(from as u64 + size as u64), n) };
    }
    value
}

/// Misses count as events. Hits leave no trace, not even of their site: scalars that follow one stand in relation to the event before
/// it, at replay too.
#[inline(always)]
fn count(site: u32) {
    let c = ctl();
    c.sum = mix(c.sum, site);
    c.last_site = site;
    word::begin();
}
