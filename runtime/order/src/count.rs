//! What threads wait for: counts that only grow, and locks. Over [`Platform`], so that tests can take words whose accesses a scheduler sees.

use core::marker::PhantomData;
use core::sync::atomic::Ordering::{self, Acquire, Relaxed, Release, SeqCst};
use core::sync::atomic::{AtomicU32, AtomicU64};

/// An atomic word.
pub trait Word<T> {
    /// As of `core`'s atomics; so are all of these.
    fn load(&self, order: Ordering) -> T;
    /// Stores.
    fn store(&self, value: T, order: Ordering);
    /// Gives what was there.
    fn swap(&self, value: T, order: Ordering) -> T;
    /// Gives what was there; wraps.
    fn fetch_add(&self, value: T, order: Ordering) -> T;
    /// Gives what was there.
    fn fetch_min(&self, value: T, order: Ordering) -> T;
    /// True: `from` was there, and `to` is.
    fn exchange(&self, from: T, to: T, order: Ordering) -> bool;
}

macro_rules! word {
    ($of:ty, $atomic:ty) => {
        impl Word<$of> for $atomic {
            #[inline(always)]
            fn load(&self, order: Ordering) -> $of {
                self.load(order)
            }
            #[inline(always)]
            fn store(&self, value: $of, order: Ordering) {
                self.store(value, order);
            }
            #[inline(always)]
            fn swap(&self, value: $of, order: Ordering) -> $of {
                self.swap(value, order)
            }
            #[inline(always)]
            fn fetch_add(&self, value: $of, order: Ordering) -> $of {
                self.fetch_add(value, order)
            }
            #[inline(always)]
            fn fetch_min(&self, value: $of, order: Ordering) -> $of {
                self.fetch_min(value, order)
            }
            #[inline(always)]
            fn exchange(&self, from: $of, to: $of, order: Ordering) -> bool {
                self.compare_exchange(from, to, order, Relaxed).is_ok()
            }
        }
    };
}
word!(u32, AtomicU32);
word!(u64, AtomicU64);

/// Words, and sleep.
pub trait Platform {
    /// A word of 64 bits.
    type Long: Word<u64>;
    /// A word of 32 bits, on which threads sleep.
    type Short: Word<u32>;
    /// Sleeps while the word has that value, until woken, for a second or less, or not at all.
    fn sleep(word: &Self::Short, value: u32);
    /// As `sleep`, without an end to it.
    fn sleep_long(word: &Self::Short, value: u32);
    /// Wakes so many of those that sleep on the word.
    fn wake(word: &Self::Short, most: i32);
    /// Between two looks at a word.
    fn relax();
    /// Times that a count is looked at before a thread sleeps.
    const SPINS: u32;
}

/// A number that only grows, and that threads wait for. All zero bytes is one that is 0.
#[repr(C)]
pub struct Count<P: Platform> {
    value: P::Long,
    /// The lowest that some thread waits for; nobody is woken before.
    wanted: P::Long,
    /// Times that threads were woken.
    wakes: P::Short,
}

impl<P: Platform> Count<P> {
    /// Of words that are all 0.
    pub const fn new(value: P::Long, wanted: P::Long, wakes: P::Short) -> Count<P> {
        Count { value, wanted, wakes }
    }

    /// What it is.
    #[inline(always)]
    pub fn get(&self, order: Ordering) -> u64 {
        self.value.load(order)
    }

    /// It becomes `value`; nobody waits for it.
    #[inline(always)]
    pub fn show(&self, value: u64) {
        self.value.store(value, Release);
    }

    /// It becomes `value`, and whoever waits for that is woken.
    #[inline(always)]
    pub fn set(&self, value: u64) {
        self.value.store(value, SeqCst);
        if value >= self.wanted.load(SeqCst) {
            self.wake();
        }
    }

    /// What was waited for is there, or never will be. Who waits for more asks again.
    #[cold]
    pub fn wake(&self) {
        self.wanted.store(u64::MAX, SeqCst);
        self.wakes.fetch_add(1, SeqCst);
        P::wake(&self.wakes, i32::MAX);
    }

    /// Waits until it is `count` or more; `woken` is told what it is each time that this was not so.
    pub fn wait(&self, count: u64, mut woken: impl FnMut(u64)) {
        for _ in 0..P::SPINS {
            if self.value.load(Acquire) >= count {
                return;
            }
            P::relax();
        }
        loop {
            // Before the wish, which whoever wakes others takes back.
            let wakes = self.wakes.load(SeqCst);
            self.wanted.fetch_min(count, SeqCst);
            let value = self.value.load(SeqCst);
            if value >= count {
                return;
            }
            P::sleep(&self.wakes, wakes);
            woken(self.value.load(SeqCst));
        }
    }
}

/// A lock: 0 free, 1 taken, 2 taken and perhaps waited for (Drepper, "Futexes are tricky", 2011, mutex 2).
pub struct Lock<P: Platform>(P::Short, PhantomData<P>);

impl<P: Platform> Lock<P> {
    /// Of a word that is 0: free.
    pub const fn new(word: P::Short) -> Lock<P> {
        Lock(word, PhantomData)
    }

    /// Takes it.
    #[inline]
    pub fn lock(&self) {
        if self.0.exchange(0, 1, Acquire) {
            return;
        }
        while self.0.swap(2, Acquire) != 0 {
            P::sleep_long(&self.0, 2);
        }
    }

    /// Takes it if it is free.
    #[inline]
    pub fn attempt(&self) -> bool {
        self.0.exchange(0, 1, Acquire)
    }

    /// Sleeps while it is taken, until [`Lock::unlock_for_all`], or for no reason.
    pub fn wait(&self) {
        self.0.exchange(1, 2, Acquire);
        P::sleep_long(&self.0, 2);
    }

    /// Gives it back. Who waits need not take it.
    pub fn unlock_for_all(&self) {
        if self.0.swap(0, Release) == 2 {
            P::wake(&self.0, i32::MAX);
        }
    }

    /// Gives it back.
    #[inline]
    pub fn unlock(&self) {
        if self.0.swap(0, Release) == 2 {
            P::wake(&self.0, 1);
        }
    }
}
