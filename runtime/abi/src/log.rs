//! The log: per thread a stream of bytes and the order of its synchronization, cut into checksummed chunks.
//!
//! The stream has no header per event: replay is deterministic, so each site knows what comes
//! next. On disk the file `log` is a sequence of chunks of all threads, each a [`ChunkHeader`] and its payload,
//! and the file `ring` is the control page followed by what is not yet in `log`: the main thread's synchronization log
//! ([`SYNC_BUFFER`] bytes) and live chunk. The files `ring.1` and so on are the same for other threads (`Control::number` says for
//! which; one serves threads that come after each other).
//!
//! The log of a trace's first process begins with a START chunk. A child process has the same files in a directory of its own, `process.1`
//! and so on in that of the trace; its log begins with a FORK chunk and goes on where its parent's was at the fork, see [`Fork`].
//!
//! The runtime writes `log` as it is. That the `itarget` command may pack it (into a file `log.lz4` beside it) is its own business: chunks are
//! the same, and the runtime reads neither.
//!
//! Evolution: `MAGIC`, the first 8 bytes and `version` never move. New chunk kinds may be added
//! (readers skip kinds >= 0x80, refuse others they do not know). Any other change raises
//! [`crate::version::LOG`]. Written by the runtime; read by the `itarget` command, which decodes
//! it to the flat form ([`flat`]) for the runtime at replay.

/// First 4 bytes of a chunk ("ITCK", little-endian).
pub const CHUNK_MAGIC: u32 = 0x4b43_5449;
/// Value of `Control::magic` in a live ring file ("ITRING01").
pub const MAGIC: u64 = 0x3130_474e_4952_5449;

/// Bytes of a thread's synchronization log that may not be in `log` yet.
pub const SYNC_BUFFER: u64 = 16 << 10;

/// Kinds of chunk.
pub mod kind {
    /// First chunk: [`super::Start`], then nothing else.
    pub const START: u16 = 1;
    /// A piece of the event stream.
    pub const DATA: u16 = 2;
    /// Asynchronous events ([`super::Async`] records) delivered since the previous such chunk.
    pub const ASYNC: u16 = 3;
    /// How the process ended: one [`super::End`]. Nothing of its thread follows.
    pub const END: u16 = 4;
    /// A piece of a thread's synchronization log.
    pub const SYNC: u16 = 5;
    /// A thread other than the main one ended: one [`super::ThreadEnd`]. Nothing of it follows.
    pub const THREAD_END: u16 = 6;
    /// First chunk of the log of a child process: one [`super::Fork`].
    pub const FORK: u16 = 7;
    /// A fault whose handler the program has: one [`super::Fault`].
    pub const FAULT: u16 = 8;
}

/// How a recording ended ([`End::reason`], `Control::ended`).
pub mod end {
    /// Still going, or killed: no end chunk.
    pub const NONE: u32 = 0;
    /// The program called exit or returned from main (`status` = exit status).
    pub const EXIT: u32 = 1;
    /// The program called _exit.
    pub const IMMEDIATE_EXIT: u32 = 2;
    /// The program called abort.
    pub const ABORT: u32 = 3;
    /// The program replaced itself by another image (exec).
    pub const EXEC: u32 = 4;
    /// The log could not be written (`status` = errno).
    pub const IO_ERROR: u32 = 5;
    /// The program did something that can't be recorded yet (`status` = refusal code of the plan).
    pub const REFUSED: u32 = 6;
    /// A failed assertion or stack check.
    pub const ASSERT: u32 = 7;
}

/// Header of a chunk: 64 bytes, little-endian, followed by `len` payload bytes.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkHeader {
    /// [`CHUNK_MAGIC`].
    pub magic: u32,
    /// [`crate::version::LOG`].
    pub version: u16,
    /// One of [`kind`].
    pub kind: u16,
    /// Thread number (0 = main).
    pub thread: u32,
    /// Payload bytes.
    pub len: u32,
    /// Number of this chunk among those of its thread, from 0.
    pub seq: u64,
    /// Offset of the first payload byte in the thread's stream (DATA) or synchronization log (SYNC), else 0.
    pub offset: u64,
    /// `Control::sum` at the end of the chunk (see `unchecked`).
    pub sum: u64,
    /// `Control::boundaries` there; `u64::MAX`: neither is known.
    pub boundaries: u64,
    /// Payload bytes behind the point of the stream at which `sum` and `boundaries` hold (DATA).
    pub unchecked: u64,
    /// Reserved, 0.
    pub reserved2: u32,
    /// CRC-32C of the header (with this field 0) and the payload.
    pub crc: u32,
}
/// Bytes of a [`ChunkHeader`].
pub const HEADER: usize = 64;
const _: () = assert!(size_of::<ChunkHeader>() == HEADER);

/// Payload of the START chunk: this, then `argc` + `envc` NUL-terminated strings, and one more, the path of the executable, which is empty unless
/// [`crate::env::FOLLOW`] is set.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// [`crate::version::ABI`].
    pub abi: u32,
    /// Number of arguments.
    pub argc: u32,
    /// Number of environment strings.
    pub envc: u32,
    /// 1 when digests are logged (option `digest`).
    pub digest: u32,
    /// Option `digest_every`.
    pub digest_every: u64,
    /// Fingerprint of the module (first 8 bytes of the plan's module hash).
    pub module: [u8; 32],
    /// Hash of the plan.
    pub plan: [u8; 32],
    /// Bytes of the main stack.
    pub stack: u64,
    /// 1 when every event is preceded by its site id (option `full`).
    pub full: u32,
    /// Version of libc: major * 1000 + minor.
    pub libc: u32,
    /// Number of the process in the kernel.
    pub pid: i32,
    /// That of its parent.
    pub parent_pid: i32,
}

/// An asynchronous event (a signal delivered at a safe point).
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Async {
    /// `Control::boundaries` at which it was delivered.
    pub boundaries: u64,
    /// Signal number.
    pub signal: u32,
    /// `si_code`.
    pub code: i32,
    /// `si_pid`/`si_status`/`si_value` words of the siginfo, as found.
    pub info: [u64; 2],
    /// Stack pointer at which the handler was entered, 0 if that does not matter; bit 0 is set if the
    /// environment was interrupted.
    pub sp: u64,
}

/// Words of [`Fault::registers`]: those of the kernel's context, with what it says of the fault.
pub const REGISTERS: usize = 23;

/// Payload of a FAULT chunk: an instruction of the program faulted, and a handler of the program's ran.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// `Control::boundaries` there.
    pub boundaries: u64,
    /// `Control::sum` there.
    pub sum: u64,
    /// Bytes of the thread's stream that come before it; the open run of loads ended there.
    pub offset: u64,
    /// Of the loads that were counted and had not come: how many are not in the run.
    pub beyond: u64,
    /// Signal number.
    pub signal: u32,
    /// `si_code`.
    pub code: i32,
    /// What the siginfo has behind that; the first word is the address.
    pub info: [u64; 2],
    /// Signals that were blocked.
    pub mask: u64,
    /// Stack pointer at which the handler was entered, 0 if that does not matter.
    pub sp: u64,
    /// The program's registers.
    pub registers: [u64; REGISTERS],
}

/// Payload of the END chunk.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// One of [`end`].
    pub reason: u32,
    /// Exit status, errno or refusal code.
    pub status: i32,
    /// Stream bytes of the thread in all.
    pub bytes: u64,
    /// Synchronization operations of the thread.
    pub ops: u64,
    /// Digests of replay space at the end, where other threads still waited in the kernel: globals, then the heap.
    pub digests: [u64; 2],
    /// 1 if there are any.
    pub digested: u64,
}

/// Payload of a THREAD_END chunk.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThreadEnd {
    /// Stream bytes of the thread in all.
    pub bytes: u64,
    /// Synchronization operations of the thread.
    pub ops: u64,
}

/// Payload of the FORK chunk, with which the log of a child process begins: what comes before it is in the parent's. The chunk is one of the thread that
/// forked, which goes on as the child's first one.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fork {
    /// Number of the process in its trace; the first one is 0.
    pub number: u32,
    /// Number of its parent.
    pub parent: u32,
    /// Number in the kernel.
    pub pid: i32,
    /// The same of its parent.
    pub parent_pid: i32,
    /// Bytes of the parent's log that come before this one.
    pub before: u64,
    /// Numbers that threads had been given so far, that of the main thread included.
    pub threads: u32,
    /// That many [`Left`] follow.
    pub left: u32,
}

/// A thread that the parent had at the fork, and the child has not.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// Number of the thread.
    pub thread: u64,
    /// Synchronization operations that it had done.
    pub ops: u64,
}

/// The decoded form of a log that the runtime maps at replay: [`flat::Header`], the START payload, then for each thread
/// its stream, checks ([`flat::Check`]), asynchronous events ([`Async`]), faults ([`Fault`]) and synchronization log; last a [`flat::Part`] per
/// thread, ascending by number. Everything is aligned to 8 bytes; offsets are from the start of the file.
pub mod flat {
    /// First 8 bytes ("ITFLAT06").
    pub const MAGIC: u64 = 0x3630_5441_4c46_5449;

    /// Header of the flat form.
    #[repr(C)]
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Header {
        /// [`MAGIC`].
        pub magic: u64,
        /// Bytes of the whole file.
        pub total: u64,
        /// Offset of the START payload.
        pub start: u64,
        /// Bytes of the START payload.
        pub start_len: u64,
        /// Offset of the [`Part`] records.
        pub parts: u64,
        /// Number of threads.
        pub part_count: u64,
        /// The thread that ended the process.
        pub end_thread: u64,
        /// [`super::end`] reason of the recording, NONE when it was killed.
        pub end_reason: u32,
        /// Status that goes with it.
        pub end_status: i32,
        /// Of [`super::End`].
        pub end_digests: [u64; 2],
        /// Of [`super::End`].
        pub end_digested: u64,
    }

    /// What was recorded of one thread.
    #[repr(C)]
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct Part {
        /// Number of the thread.
        pub number: u64,
        /// Offset of the stream.
        pub stream: u64,
        /// Bytes of the stream.
        pub stream_len: u64,
        /// Offset of [`Check`] records.
        pub checks: u64,
        /// Number of checks.
        pub check_count: u64,
        /// Offset of [`super::Async`] records.
        pub asyncs: u64,
        /// Number of asynchronous events.
        pub async_count: u64,
        /// Offset of [`super::Fault`] records.
        pub faults: u64,
        /// Number of faults.
        pub fault_count: u64,
        /// Offset of the synchronization log.
        pub sync: u64,
        /// Bytes of the synchronization log.
        pub sync_len: u64,
        /// Synchronization operations that were done.
        pub ops: u64,
        /// Number of the first boundary call that was not finished when the recording was cut off:
        /// a replay ends when it comes to it. `u64::MAX`: the thread ended, or it is not known.
        pub last_call: u64,
        /// The process is a child by a fork beside which this thread ran: threads with this number or a higher one
        /// were started after that. 0: the thread is one of the process's own. [`FORKED`] is added where a process, this one or one before it, was forked by this thread.
        pub left: u64,
    }

    /// See [`Part::left`]. The main thread has it never.
    pub const FORKED: u64 = 1 << 63;

    impl Part {
        /// [`Part::left`] by itself.
        #[must_use]
        pub const fn left(&self) -> u64 {
            self.left & !FORKED
        }

        /// A process was forked by this thread, which is the first one of that.
        #[must_use]
        pub const fn has_forked(&self) -> bool {
            self.left & FORKED != 0
        }
    }

    /// At stream offset `offset` the checksum was `sum` after `boundaries` calls.
    #[repr(C)]
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Check {
        /// Stream offset (bytes).
        pub offset: u64,
        /// `Control::sum`.
        pub sum: u64,
        /// `Control::boundaries`.
        pub boundaries: u64,
    }
}

/// CRC-32C (Castagnoli), table-driven; the runtime uses the CPU's instruction where it has one.
#[must_use]
pub fn crc32c(mut crc: u32, bytes: &[u8]) -> u32 {
    crc = !crc;
    let mut chunks = bytes.chunks_exact(8);
    for c in &mut chunks {
        let lo = crc ^ u32::from_le_bytes([c[0], c[1], c[2], c[3]]);
        crc = TABLES[7][(lo & 0xff) as usize]
            ^ TABLES[6][(lo >> 8 & 0xff) as usize]
            ^ TABLES[5][(lo >> 16 & 0xff) as usize]
            ^ TABLES[4][(lo >> 24) as usize]
            ^ TABLES[3][c[4] as usize]
            ^ TABLES[2][c[5] as usize]
            ^ TABLES[1][c[6] as usize]
            ^ TABLES[0][c[7] as usize];
    }
    for &b in chunks.remainder() {
        crc = TABLES[0][((crc ^ u32::from(b)) & 0xff) as usize] ^ (crc >> 8);
    }
    !crc
}

static TABLES: [[u32; 256]; 8] = tables();

const fn tables() -> [[u32; 256]; 8] {
    let mut t = [[0u32; 256]; 8];
    let mut i = 0;
    while i < 256 {
        let mut c = i as u32;
        let mut k = 0;
        while k < 8 {
            c = if c & 1 != 0 { (c >> 1) ^ 0x82f6_3b78 } else { c >> 1 };
            k += 1;
        }
        t[0][i] = c;
        i += 1;
    }
    let mut j = 1;
    while j < 8 {
        let mut i = 0;
        while i < 256 {
            t[j][i] = (t[j - 1][i] >> 8) ^ t[0][(t[j - 1][i] & 0xff) as usize];
            i += 1;
        }
        j += 1;
    }
    t
}

/// Most bytes of a variable-length integer.
pub const VARINT_MAX: usize = 10;

/// Zigzag: small negative numbers become small.
#[inline(always)]
#[must_use]
pub const fn zigzag(v: i64) -> u64 {
    ((v << 1) ^ (v >> 63)) as u64
}

/// Inverse of [`zigzag`].
#[inline(always)]
#[must_use]
pub const fn unzigzag(v: u64) -> i64 {
    (v >> 1) as i64 ^ -((v & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc_of_the_check_string() {
        assert_eq!(crc32c(0, b"123456789"), 0xe306_9283);
        let long = [7u8; 100];
        assert_eq!(crc32c(crc32c(0, &long[..37]), &long[37..]), crc32c(0, &long));
    }

    #[test]
    fn zigzag_round_trip() {
        for v in [0, -1, 1, i64::MIN, i64::MAX, 12345, -98765] {
            assert_eq!(unzigzag(zigzag(v)), v);
        }
        assert_eq!(zigzag(-1), 1);
    }
}
