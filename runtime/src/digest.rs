//! Digests of replay-space memory (level R3): writable globals of replay space and the replay arena.

use crate::hooks::scalar;
use crate::state::{be_plain, ctl, recording, replaying, st};
use crate::sys::sys;
use crate::thread::still;
use crate::{mapping, pool, shadow, sync};
use core::sync::atomic::Ordering::{Relaxed, SeqCst};
use core::sync::atomic::compiler_fence;
use itarget_abi::hooks::SHARED;
use itarget_abi::shadow::LINE;

/// How often a thread that ends the process looks whether all others wait, every 2 milliseconds.
const TRIES: u32 = 1000;

core::arch::global_asm!(
    ".weak __itarget_globals",
    ".pushsection .data.rel.ro.itarget_globals_address,\"aw\"",
    ".p2align 3",
    ".hidden itarget_globals_address",
    ".globl itarget_globals_address",
    "itarget_globals_address: .quad __itarget_globals",
    ".popsection"
);

unsafe extern "C" {
    static itarget_globals_address: *const u64;
}

/// A hash, without pages that can't be read, and what threads race for: a replay leaves something else there.
fn hash_ordered(seed: u64, from: *const u8, n: usize) -> u64 {
    let mut h = seed;
    mapping::each_open(from, n, |from, n| h = hash_open(h, from, n));
    h
}

/// A hash of memory that can be read.
fn hash_open(seed: u64, from: *const u8, n: usize) -> u64 {
    if !shadow::active() {
        return hash(seed, from, n);
    }
    let (mut h, mut at, end) = (seed, from as u64, from as u64 + n as u64);
    while at < end {
        let next = (at & !(LINE - 1)).wrapping_add(LINE).min(end);
        if !shadow::is_racy(at) {
            h = hash(h, at as *const u8, (next - at) as usize);
        }
        at = next;
    }
    h
}

/// A fast 64-bit hash over words; not cryptographic.
fn hash(seed: u64, from: *const u8, n: usize) -> u64 {
    let mut h = seed;
    let words = n / 8;
    for i in 0..words {
        // SAFETY: within `n` readable bytes.
        let w = unsafe { from.cast::<u64>().add(i).read_unaligned() };
        h = (h ^ w).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    }
    for i in words * 8..n {
        // SAFETY: as above.
        h = (h ^ u64::from(unsafe { *from.add(i) })).wrapping_mul(0x0100_0000_01b3);
    }
    h
}

/// Record: the digests, while all other threads wait in the kernel, and the recording is over; `None`: they did not all wait, or nobody asked.
pub fn when_others_wait() -> Option<[u64; 2]> {
    if !st().digest || !sync::threads() || st().alive.load(Relaxed) == 1 || st().left_others {
        return None;
    }
    let mut tries = (0..TRIES).inspect(|&n| if n > 0 { pause() });
    let (stamp, digests) = tries.find_map(|_| {
        let stamp = still::stamp()?;
        let digests = now();
        (still::stamp() == Some(stamp)).then_some((stamp, digests))
    })?;
    // What others do from here on is not recorded. One of them may have gone on just before that; nothing was recorded of it if it
    // waits again and the sum is the same.
    be_plain();
    compiler_fence(SeqCst);
    let after = still::stamp().or_else(|| tries.find_map(|_| still::stamp()));
    (after == Some(stamp)).then_some(digests)
}

/// 2 milliseconds.
fn pause() {
    let time = libc::timespec { tv_sec: 0, tv_nsec: 2_000_000 };
    // SAFETY: sleeps for a moment.
    unsafe { sys!(libc::SYS_nanosleep, &raw const time, 0u64) };
}

/// Replay: all other threads are where they were then.
pub fn compare_end(digests: [u64; 2]) {
    for (i, (here, there)) in now().into_iter().zip(digests).enumerate() {
        compare(i, here, there);
    }
}

fn compare(i: usize, here: u64, there: u64) {
    st().digests_checked += 1;
    if here != there {
        st().digests_mismatched += 1;
        let what: &[u8] = if i == 0 { b"globals" } else { b"the heap" };
        crate::sys::say(&[b"IT0622 memory of replay space differs from the recording: ", what, b", event ", crate::sys::Digits::new(ctl().boundaries).bytes()]);
    }
}

fn now() -> [u64; 2] {
    sync::unmark_used();
    let mut d = [0x1234_5678, 0x8765_4321];
    // SAFETY: the pass's table: count, then address and size of each global; spans of the pool.
    unsafe {
        let t = itarget_globals_address;
        if !t.is_null() {
            for i in 0..*t as usize {
                let size = *t.add(2 + 2 * i);
                if size & SHARED == 0 || st().alone {
                    d[0] = hash_ordered(d[0], *t.add(1 + 2 * i) as *const u8, (size & !SHARED) as usize);
                }
            }
        }
    }
    pool::for_each_used_span(|p, n| match crate::thread::values::left_out(p, n) {
        None => d[1] = hash_ordered(d[1], p, n),
        Some((at, len)) => {
            d[1] = hash_ordered(d[1], p, at);
            let after = (at + len).min(n);
            d[1] = hash_ordered(d[1], p.wrapping_add(after), n - after);
        }
    });
    if st().alone {
        pool::for_each_shared_span(|p, n| d[1] = hash_ordered(d[1], p, n));
    }
    d
}

/// A digest at this boundary, if one is due.
#[inline(always)]
pub fn maybe() {
    let every = st().digest_every;
    if st().digest && every != 0 && !sync::threads() && ctl().boundaries.is_multiple_of(every) {
        at_end();
    }
}

/// A digest now, if digests are on.
#[cold]
pub fn at_end() {
    // Others may have to come after what this thread did, and are waited for.
    shadow::boundary();
    if !st().digest || !(recording() || replaying()) {
        return;
    }
    // While other threads run there is no moment at which memory could be compared, but perhaps at the very end: see `when_others_wait`.
    // Where others were at a fork nobody can say to the instruction.
    if sync::threads() && crate::word::word(u64::from(st().alive.load(Relaxed) == 1 && !st().left_others)) == 0 {
        return;
    }
    if replaying() && sync::threads() {
        crate::thread::wait_alone();
    }
    let here = now();
    for (i, &v) in here.iter().enumerate() {
        let mut x = v;
        // SAFETY: a local of 8 bytes.
        unsafe { scalar((&raw mut x).cast(), 8) };
        if replaying() {
            compare(i, v, x);
        }
    }
}
