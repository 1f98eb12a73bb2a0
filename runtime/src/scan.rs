//! What scanf stored.

use crate::hooks;

#[unsafe(no_mangle)]
pub unsafe extern "C" fn __itarget_scan(to: *mut u8, size: i64) {
    if size > 0 {
        hooks::bytes(to as u64, size);
    } else {
        hooks::cstr(to as u64);
    }
}
