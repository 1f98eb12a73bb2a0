//! Entries of a thread's synchronization log: LEB128 of `operations since the last entry << 2 | kind`, then what the kind has.

use itarget_abi::log::{unzigzag, zigzag};

/// An entry, of one operation of the thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// Kind 0, `thread << 1 | begins`, zigzag of `by`: it comes after that thread's operation, whose count is `by` more than what was
    /// known of it; `begins`: that operation need only have begun.
    After {
        /// Number of the thread.
        thread: u32,
        /// See above.
        begins: bool,
        /// Operations.
        by: i64,
    },
    /// Kind 1, zigzag: it returned this, which is not what it usually does.
    Value(i64),
    /// Kind 2, before all others of an operation: it is an access of memory, so many accesses after the last operation.
    Access(u64),
    /// Kind 3: that line of the access is racy.
    Racy(u64),
}

const AFTER: u64 = 0;
const VALUE: u64 = 1;
const ACCESS: u64 = 2;
const RACY: u64 = 3;

/// Most bytes of an entry.
pub const MOST: usize = 32;

/// Puts an entry of operation `op` at the beginning of `to`, where the one before it was of operation `last`; gives its bytes.
#[inline]
pub fn put(to: &mut [u8; MOST], last: u64, op: u64, entry: Entry) -> usize {
    let mut at = 0;
    let mut put = |mut v: u64| {
        while v >= 0x80 {
            to[at] = v as u8 | 0x80;
            at += 1;
            v >>= 7;
        }
        to[at] = v as u8;
        at += 1;
    };
    let head = |kind: u64| (op - last) << 2 | kind;
    match entry {
        Entry::After { thread, begins, by } => {
            put(head(AFTER));
            put(u64::from(thread) << 1 | u64::from(begins));
            put(zigzag(by));
        }
        Entry::Value(v) => {
            put(head(VALUE));
            put(zigzag(v));
        }
        Entry::Access(n) => {
            put(head(ACCESS));
            put(n);
        }
        Entry::Racy(line) => {
            put(head(RACY));
            put(line);
        }
    }
    at
}

/// A thread's log as a replay reads it. A number that is cut off is what there is of it; the log was checked before.
pub struct Reader<'a> {
    rest: &'a [u8],
    /// Operation and kind of the next entry.
    next: u64,
    kind: u64,
    last: u64,
}

impl<'a> Reader<'a> {
    /// An empty log.
    pub const NEW: Reader<'a> = Reader { rest: &[], next: u64::MAX, kind: 0, last: 0 };

    /// A log from its beginning.
    #[must_use]
    pub fn open(log: &'a [u8]) -> Reader<'a> {
        let mut reader = Reader { rest: log, ..Reader::NEW };
        reader.advance();
        reader
    }

    fn advance(&mut self) {
        self.next = u64::MAX;
        if !self.rest.is_empty() {
            let head = self.take();
            self.last += head >> 2;
            (self.next, self.kind) = (self.last, head & 3);
        }
    }

    fn take(&mut self) -> u64 {
        let (mut v, mut shift) = (0u64, 0);
        while let [b, rest @ ..] = self.rest
            && shift < 64
        {
            self.rest = rest;
            v |= u64::from(b & 0x7f) << shift;
            if b & 0x80 == 0 {
                return v;
            }
            shift += 7;
        }
        v
    }

    /// Whether the next entry is an access, of that operation.
    #[inline]
    #[must_use]
    pub fn is_access(&self, op: u64) -> bool {
        self.next == op && self.kind == ACCESS
    }

    /// The next entry, if it is one of that operation.
    #[inline]
    pub fn next(&mut self, op: u64) -> Option<Entry> {
        if self.next != op {
            return None;
        }
        let kind = self.kind;
        let first = self.take();
        let entry = match kind {
            AFTER => Entry::After { thread: (first >> 1) as u32, begins: first & 1 == 1, by: unzigzag(self.take()) },
            VALUE => Entry::Value(unzigzag(first)),
            ACCESS => Entry::Access(first),
            _ => Entry::Racy(first),
        };
        self.advance();
        Some(entry)
    }

    /// Whether no entry is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.next == u64::MAX
    }
}
