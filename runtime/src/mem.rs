//! Raw memory access by address.
//!
//! Addresses come from the instrumented program, the pool or the mapped stream. A wrong one faults
//! exactly as the program's own access would have, so these are not `unsafe` for their callers;
//! none of them touches memory that Rust code of this crate borrows.

use core::cell::UnsafeCell;

/// A static that only the thread which runs the program touches (one thread for now).
#[repr(transparent)]
pub struct Global<T>(pub T);
// SAFETY: recorded programs have one thread; signal handlers of ours touch only `Cell`s between
// complete statements of that same thread.
unsafe impl<T> Sync for Global<T> {}
impl<T> core::ops::Deref for Global<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

/// A zeroed static buffer that the program (or libc) may be given the address of.
#[repr(C, align(16))]
pub struct Buffer<const N: usize>(UnsafeCell<[u8; N]>);
impl<const N: usize> Buffer<N> {
    /// All zero.
    pub const fn new() -> Self {
        Buffer(UnsafeCell::new([0; N]))
    }
    /// Its address.
    pub fn addr(&self) -> u64 {
        self.0.get() as u64
    }
}

/// Reads a `T`, aligned or not.
#[inline(always)]
pub fn load<T: Copy>(at: u64) -> T {
    // SAFETY: see the module comment.
    unsafe { (at as *const T).read_unaligned() }
}

/// Writes a `T`, aligned or not.
#[inline(always)]
pub fn store<T: Copy>(at: u64, v: T) {
    // SAFETY: see the module comment.
    unsafe { (at as *mut T).write_unaligned(v) }
}

/// Copies `n` bytes; the ranges may overlap.
#[inline]
pub fn copy(to: u64, from: u64, n: usize) {
    // SAFETY: see the module comment.
    unsafe { core::ptr::copy(from as *const u8, to as *mut u8, n) }
}

/// Zeroes `n` bytes.
pub fn zero(at: u64, n: usize) {
    // SAFETY: see the module comment.
    unsafe { core::ptr::write_bytes(at as *mut u8, 0, n) }
}

/// Bytes of a C string without its NUL.
pub fn strlen(s: u64) -> usize {
    // SAFETY: see the module comment.
    unsafe { libc::strlen(s as *const libc::c_char) }
}

/// `n` bytes as a slice, for as long as the caller keeps them alive and unchanged.
pub fn slice<'a>(at: u64, n: usize) -> &'a [u8] {
    if n == 0 {
        return &[];
    }
    // SAFETY: see the module comment; callers do not write to the range while they hold it.
    unsafe { core::slice::from_raw_parts(at as *const u8, n) }
}

/// A C string as a slice (without its NUL).
pub fn cstr<'a>(s: u64) -> &'a [u8] {
    slice(s, strlen(s))
}

/// The bytes of a plain `repr(C)` record without padding.
pub fn bytes_of<T: Copy>(v: &T) -> &[u8] {
    // SAFETY: `v` is a live `T`; callers pass records without padding.
    unsafe { core::slice::from_raw_parts(core::ptr::from_ref(v).cast(), size_of::<T>()) }
}
