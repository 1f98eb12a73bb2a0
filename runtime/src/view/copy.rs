//! Copies of memory that threads may race for: what they read is compared with the view, a page at a time, and only what is different is logged.
//! The bytes of a page alternate: so many that are as the view has them, so many that are not, and these.

use crate::hooks::{__itarget_bytes, bulk, logged, logging, varint};
use crate::state::{me, recording, replaying};
use crate::replay;
use itarget_abi::control::PAGE;
use itarget_abi::layout::mapped_at_replay;

/// Copies of more bytes are logged whole, and the view is left as it is.
const MOST: u64 = 256 << 10;
/// Copies of up to so many bytes are known at their destination from now on, too.
const SMALL: u64 = 4096;
/// So many bytes that are as the view has them end those that are not.
const SAME: usize = 16;

/// After a call that copied `len` bytes from `from`, where threads may race, to `to`.
///
/// # Safety
/// `to` is null or valid for `len` bytes, and `from` the address that they were read from.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_copied(to: *mut u8, from: *const u8, len: i64) {
    let n = len.max(0) as u64;
    // What lies elsewhere at replay is not in the view.
    if to.is_null() || n == 0 || n > MOST || !mapped_at_replay(from as u64) || !logging() || !logged(to as u64, n) {
        // SAFETY: the caller's promise.
        return unsafe { __itarget_bytes(to, len) };
    }
    let (source, target) = (from as u64, to as u64);
    pages(source, n, |at, k| {
        // SAFETY: within the bytes at `to`.
        unsafe { piece(to.add((at - source) as usize), me().view.place(at), k as usize) }
    });
    if n > SMALL || !mapped_at_replay(target) {
        return;
    }
    pages(target, n, |at, k| {
        // SAFETY: within the bytes at `to`, and within a page of the view.
        unsafe { core::ptr::copy_nonoverlapping(at as *const u8, me().view.place(at), k as usize) };
    });
}

/// Calls `each` with the parts of `n` bytes from `from` on that lie in a page each.
fn pages(from: u64, n: u64, mut each: impl FnMut(u64, u64)) {
    let (mut at, end) = (from, from + n);
    while at < end {
        let k = (PAGE as u64 - at % PAGE as u64).min(end - at);
        each(at, k);
        at += k;
    }
}

/// Appends or takes the `n` bytes at `data`, of which the view has `seen`.
///
/// # Safety
/// Both are valid for `n` bytes.
unsafe fn piece(data: *mut u8, seen: *mut u8, n: usize) {
    let mut at = 0;
    while at < n {
        let (mut same, mut other) = (0, 0);
        if recording() {
            // SAFETY: the caller's promise. Another thread may write to the copy, if the program races for it: then any of its bytes will do.
            let (data, seen) = unsafe { (core::slice::from_raw_parts(data.add(at), n - at), core::slice::from_raw_parts(seen.add(at), n - at)) };
            same = agreeing(data, seen);
            other = differing(&data[same..], &seen[same..]);
        }
        same = varint(same as u64) as usize;
        if same < n - at {
            other = varint(other as u64) as usize;
        }
        if same + other > n - at || same + other == 0 {
            if replaying() {
                replay::diverged(b"a copy of memory that threads share has another length", (n - at) as u64, (same + other) as u64);
            }
            // The recording ended meanwhile.
            return;
        }
        // SAFETY: the caller's promise, and both parts are within it.
        unsafe {
            if replaying() {
                core::ptr::copy_nonoverlapping(seen.add(at), data.add(at), same);
            }
            let (data, seen) = (data.add(at + same), seen.add(at + same));
            if recording() {
                core::ptr::copy_nonoverlapping(data, seen, other);
            }
            bulk(seen, other as u64);
            if replaying() {
                core::ptr::copy_nonoverlapping(seen, data, other);
            }
        }
        at += same + other;
    }
}

/// Bytes at the beginning that agree.
fn agreeing(a: &[u8], b: &[u8]) -> usize {
    let mut n = 0;
    let words = |s: &[u8], n: usize| s.get(n..n + 8).and_then(|w| w.try_into().ok()).map(u64::from_le_bytes);
    while let (Some(x), Some(y)) = (words(a, n), words(b, n)) {
        if x != y {
            return n + ((x ^ y).trailing_zeros() / 8) as usize;
        }
        n += 8;
    }
    n + a[n..].iter().zip(&b[n..]).take_while(|(x, y)| x == y).count()
}

/// Bytes at the beginning before as many agree as are worth an entry, or all do up to the end.
fn differing(a: &[u8], b: &[u8]) -> usize {
    let mut n = 0;
    while n < a.len() {
        let same = agreeing(&a[n..], &b[n..]);
        if same >= SAME || n + same == a.len() {
            break;
        }
        n += same + 1;
    }
    n
}
