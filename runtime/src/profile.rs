//! Profile mode: bytes and events per (site, object, offset).
//!
//! All heap objects lie in the mixed arena then, whose headers carry the profile's object id.

use crate::mem::{self, Global};
use crate::mode::{PROFILE, mode};
use crate::pool::{self, Place};
use crate::{report, stack, sys, tables};
use core::cell::Cell;
use core::fmt::Write;
use itarget_abi::layout::STACK_BASE;

/// Rows of the table; power of two. What does not fit is counted on a row without an offset.
const ROWS: u64 = 1 << 20;
/// Distinct offsets kept per site and object.
const OFFSETS: u64 = 64;
/// What the profile has in place of an offset that was not kept.
const NO_OFFSET: u64 = u32::MAX as u64;
/// Offset of the row for all further offsets.
const ANY: u64 = u64::MAX;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(C)]
struct Row {
    site: u32,
    /// `kind << 24`: 0 other, 1 stack, 2 global, 3 heap.
    kind: u32,
    index: u64,
    offset: u64,
    events: u64,
    bytes: u64,
    /// On the row of offset [`ANY`]: distinct offsets so far.
    distinct: u64,
    /// Not 0: in use.
    used: u64,
}
const EMPTY: Row = Row { site: 0, kind: 0, index: 0, offset: 0, events: 0, bytes: 0, distinct: 0, used: 0 };
const ROW: u64 = size_of::<Row>() as u64;

struct State {
    rows: Cell<u64>,
    used: Cell<u64>,
    /// Globals sorted by address: `[start, bytes, index]`.
    globals: Cell<u64>,
    fd: Cell<i32>,
}
static STATE: Global<State> =
    Global(State { rows: Cell::new(0), used: Cell::new(0), globals: Cell::new(0), fd: Cell::new(-1) });

/// Creates `profile.tsv` in `dir` and the tables.
pub fn open(dir: &[u8]) {
    let s = &STATE;
    let mut path = report::Line::new();
    path.push(dir);
    path.push(b"/profile.tsv\0");
    match sys::create(path.text()) {
        Ok(fd) => s.fd.set(sys::high_fd(fd)),
        Err(e) => {
            report::message(format_args!("IT0617 profiling is off: the profile can't be created (errno {e})"));
            return;
        }
    }
    let globals = tables::all_globals();
    let n = globals.len();
    let (Ok(rows), Ok(sorted)) = (sys::anonymous(ROWS * ROW), sys::anonymous(24 * n + 24)) else { return };
    for i in 0..n {
        let [start, bytes]: [u64; 2] = globals.get(i);
        mem::store(sorted + 24 * i, [start, bytes, i]);
    }
    // SAFETY: `n` rows were just written there.
    let all = unsafe { core::slice::from_raw_parts_mut(sorted as *mut [u64; 3], n as usize) };
    all.sort_unstable();
    s.globals.set(sorted);
    s.rows.set(rows);
}

/// Object at an address: kind, index, offset.
fn object(at: u64) -> (u32, u64, u64) {
    if pool::place(at) == Place::Mixed {
        return pool::object_of(at).map_or((0, 0, 0), |o| (3, u64::from(o.id), at.saturating_sub(o.start)));
    }
    if (STACK_BASE..stack::TOP).contains(&at) {
        return (1, 0, 0);
    }
    let (mut low, mut high) = (0, tables::all_globals().len());
    while low < high {
        let mid = (low + high) / 2;
        let [start, _, _]: [u64; 3] = mem::load(STATE.globals.get() + 24 * mid);
        if start <= at { low = mid + 1 } else { high = mid }
    }
    if low > 0 {
        let [start, bytes, index]: [u64; 3] = mem::load(STATE.globals.get() + 24 * (low - 1));
        if at - start < bytes {
            return (2, index, at - start);
        }
    }
    (0, 0, 0)
}

/// Address of the row of a key; 0 when the table is full.
fn find(site: u32, kind: u32, index: u64, offset: u64) -> u64 {
    let mut h = u64::from(site) << 2 | u64::from(kind);
    for w in [index, offset] {
        h = (h ^ w).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        h ^= h >> 31;
    }
    for i in 0..ROWS {
        let at = STATE.rows.get() + ((h + i) % ROWS) * ROW;
        let r: Row = mem::load(at);
        if r.used == 0 {
            if STATE.used.get() > ROWS * 3 / 4 {
                return 0;
            }
            STATE.used.set(STATE.used.get() + 1);
            mem::store(at, Row { site, kind, index, offset, used: 1, ..EMPTY });
            return at;
        }
        if r.site == site && r.kind == kind && r.index == index && r.offset == offset {
            return at;
        }
    }
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_count(site: i32, at: *mut u8, len: i64) {
    if mode() != PROFILE || STATE.rows.get() == 0 {
        return;
    }
    let (kind, index, offset) = object(at as u64);
    let any = find(site as u32, kind, index, ANY);
    if any == 0 {
        return;
    }
    let mut summary: Row = mem::load(any);
    let mut at = any;
    if kind >= 2 {
        let used = STATE.used.get();
        if summary.distinct < OFFSETS {
            let row = find(site as u32, kind, index, offset);
            if row != 0 {
                at = row;
            }
            if STATE.used.get() != used {
                summary.distinct += 1;
                mem::store(any, summary);
            }
        }
    }
    let mut row: Row = mem::load(at);
    row.events += 1;
    row.bytes += len.max(0) as u64;
    mem::store(at, row);
}

/// Writes the profile, sorted. A pair with too many offsets has one row, with offset 4294967295.
pub fn write() {
    let s = &STATE;
    if s.rows.get() == 0 || s.fd.get() < 0 {
        return;
    }
    // Pairs whose offsets were not all kept: everything goes to their row without an offset.
    for i in 0..ROWS {
        let at = s.rows.get() + i * ROW;
        let mut r: Row = mem::load(at);
        if r.used == 0 || r.offset == ANY {
            continue;
        }
        let any = find(r.site, r.kind, r.index, ANY);
        let mut all: Row = if any == 0 { EMPTY } else { mem::load(any) };
        if any != 0 && all.distinct >= OFFSETS {
            all.events += r.events;
            all.bytes += r.bytes;
            mem::store(any, all);
            r.events = 0;
            mem::store(at, r);
        }
    }
    // SAFETY: the table is ours, mapped for good.
    let rows = unsafe { core::slice::from_raw_parts_mut(s.rows.get() as *mut Row, ROWS as usize) };
    let mut n = 0;
    for i in 0..rows.len() {
        if rows[i].used != 0 && rows[i].events != 0 {
            rows.swap(n, i);
            n += 1;
        }
    }
    rows[..n].sort_unstable();
    let mut line = report::Line::new();
    for r in &rows[..n] {
        if line.text().len() > 800 {
            report::write_all(s.fd.get(), line.text());
            line = report::Line::new();
        }
        let kind = ["other", "stack", "global", "heap"][r.kind as usize & 3];
        let _ = write!(line, "{}\t{kind}:{}+", r.site, r.index);
        let _ = writeln!(line, "{}\t{}\t{}", r.offset.min(NO_OFFSET), r.events, r.bytes);
    }
    report::write_all(s.fd.get(), line.text());
    sys::close(s.fd.get());
    s.fd.set(-1);
}
