//! What only the processor knows, as functions: see `llvm-pass/src/prepare/processor.rs`. They are the environment's, so a replay calls none of them
//! but the one that says how to calculate.

use core::arch::asm;

/// The time stamp counter, in its own units.
#[unsafe(no_mangle)]
pub extern "C" fn itarget_rdtsc() -> u64 {
    // SAFETY: an instruction that only reads a register of the processor's.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// The same once all before has been done, and the number of the processor.
///
/// # Safety
/// `processor` is valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn itarget_rdtscp(processor: *mut u32) -> u64 {
    // SAFETY: the caller's promise.
    unsafe { core::arch::x86_64::__rdtscp(processor) }
}

/// The number of the processor, on those that have the instruction: as where the program has it itself.
#[unsafe(no_mangle)]
pub extern "C" fn itarget_rdpid() -> u64 {
    let number: u64;
    // SAFETY: an instruction that writes the register named.
    unsafe { asm!("rdpid {}", out(reg) number, options(nomem, nostack, preserves_flags)) };
    number
}

/// A counter of the processor's performance, where the kernel lets programs read it: as where the program has the instruction itself.
#[unsafe(no_mangle)]
pub extern "C" fn itarget_rdpmc(counter: u32) -> u64 {
    let (low, high): (u64, u64);
    // SAFETY: an instruction that writes the registers named.
    unsafe { asm!("rdpmc", in("ecx") counter, out("rax") low, out("rdx") high, options(nomem, nostack, preserves_flags)) };
    high << 32 | low & 0xffff_ffff
}

/// How the processor calculates, and which exceptions there were.
#[unsafe(no_mangle)]
pub extern "C" fn itarget_stmxcsr() -> u32 {
    let mut control = 0u32;
    // SAFETY: an instruction that writes a local of 4 bytes.
    unsafe { asm!("stmxcsr [{}]", in(reg) &raw mut control, options(nostack, preserves_flags)) };
    control
}

/// Sets that. It is what the program does, so a replay does it, too.
#[unsafe(no_mangle)]
pub extern "C" fn itarget_ldmxcsr(control: u32) {
    // SAFETY: an instruction that reads a local of 4 bytes; what it sets is the program's affair, as where it has the instruction itself.
    unsafe { asm!("ldmxcsr [{}]", in(reg) &raw const control, options(nostack, preserves_flags)) };
}

macro_rules! random {
    ($(#[$what:meta])* $name:ident, $instruction:literal) => {
        $(#[$what])*
        ///
        /// # Safety
        /// `to` is valid for writing; the processor has the instruction, as where the program has it itself.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(to: *mut u64) -> i32 {
            let (number, there): (u64, u8);
            // SAFETY: an instruction that writes the registers named; the caller's promise.
            unsafe {
                asm!(concat!($instruction, " {}"), "setc {}", out(reg) number, out(reg_byte) there, options(nomem, nostack));
                to.write(number);
            }
            i32::from(there)
        }
    };
}

random!(
    /// A random number of the processor's; 0 if there is none now.
    itarget_rdrand,
    "rdrand"
);
random!(
    /// One to seed a generator of random numbers with; 0 if there is none now.
    itarget_rdseed,
    "rdseed"
);

/// Stands before vector instructions that reach memory by themselves, where a recording ends: see `llvm-pass/src/prepare/reaching.rs`.
#[unsafe(no_mangle)]
pub extern "C" fn itarget_reaches() {}
