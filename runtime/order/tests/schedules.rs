//! The core under a scheduler that tries orders (shuttle): nobody sleeps for ever, locks exclude, and what is recorded in one order is
//! replayed in the same one, whatever the schedule of the replay.

use itarget_order::count::{Count, Lock, Platform, Word};
use itarget_order::entries::{self, Entry, Reader};
use itarget_order::{Known, parts, stamp};
use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use shuttle::sync::{Condvar, Mutex};
use shuttle::thread;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64 as Unseen, Ordering::Relaxed};

/// Words whose accesses the scheduler sees.
struct Model;

struct Long(AtomicU64);

/// A word with those who sleep on it: as a futex, whoever finds the value is asleep before anybody can wake.
struct Short {
    word: AtomicU32,
    asleep: Mutex<()>,
    woken: Condvar,
}

macro_rules! word {
    ($of:ty, $word:ty, $($field:tt)+) => {
        impl Word<$of> for $word {
            fn load(&self, _: Ordering) -> $of {
                self.$($field)+.load(Ordering::SeqCst)
            }
            fn store(&self, value: $of, _: Ordering) {
                self.$($field)+.store(value, Ordering::SeqCst);
            }
            fn swap(&self, value: $of, _: Ordering) -> $of {
                self.$($field)+.swap(value, Ordering::SeqCst)
            }
            fn fetch_add(&self, value: $of, _: Ordering) -> $of {
                self.$($field)+.fetch_add(value, Ordering::SeqCst)
            }
            fn fetch_min(&self, value: $of, _: Ordering) -> $of {
                self.$($field)+.fetch_min(value, Ordering::SeqCst)
            }
            fn exchange(&self, from: $of, to: $of, _: Ordering) -> bool {
                self.$($field)+.compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst).is_ok()
            }
        }
    };
}
word!(u64, Long, 0);
word!(u32, Short, word);

impl Platform for Model {
    type Long = Long;
    type Short = Short;
    const SPINS: u32 = 1;

    // Never for a second only: who is not woken hangs, and the scheduler says so.
    fn sleep(word: &Short, value: u32) {
        let asleep = word.asleep.lock().expect("not poisoned");
        if word.word.load(Ordering::SeqCst) == value {
            drop(word.woken.wait(asleep));
        }
    }

    fn sleep_long(word: &Short, value: u32) {
        Model::sleep(word, value);
    }

    fn wake(word: &Short, most: i32) {
        let _asleep = word.asleep.lock();
        if most == 1 {
            word.woken.notify_one();
        } else {
            word.woken.notify_all();
        }
    }

    fn relax() {
        thread::yield_now();
    }
}

fn short() -> Short {
    Short { word: AtomicU32::new(0), asleep: Mutex::new(()), woken: Condvar::new() }
}

fn count() -> Count<Model> {
    Count::new(Long(AtomicU64::new(0)), Long(AtomicU64::new(0)), short())
}

/// Random schedules, and such that change threads at few places, which finds other mistakes (Burckhardt et al., ASPLOS 2010).
fn under_all(f: impl Fn() + Send + Sync + Clone + 'static) {
    shuttle::check_random(f.clone(), 10_000);
    shuttle::check_pct(f, 10_000, 3);
}

#[test]
fn whoever_waits_for_a_count_is_woken() {
    under_all(|| {
        let far = Arc::new(count());
        let waiting: Vec<_> = [3, 1, 2, 3]
            .into_iter()
            .map(|n| {
                let far = far.clone();
                thread::spawn(move || {
                    far.wait(n, |_| {});
                    assert!(far.get(Ordering::SeqCst) >= n);
                })
            })
            .collect();
        for n in 1..=3 {
            far.set(n);
        }
        for t in waiting {
            t.join().expect("woken");
        }
    });
}

#[test]
fn a_lock_has_one_owner_and_nobody_is_forgotten() {
    under_all(|| {
        let shared = Arc::new((Lock::<Model>::new(short()), AtomicU32::new(0)));
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let shared = shared.clone();
                thread::spawn(move || {
                    for _ in 0..2 {
                        shared.0.lock();
                        assert_eq!(shared.1.fetch_add(1, Ordering::SeqCst), 0, "two owners");
                        shared.1.fetch_sub(1, Ordering::SeqCst);
                        shared.0.unlock();
                    }
                })
            })
            .collect();
        for t in threads {
            t.join().expect("no panic");
        }
    });
}

/// Something that is locked: by whom, in order, while recording and at replay.
struct Object {
    lock: Lock<Model>,
    stamp: Unseen,
    owners: std::sync::Mutex<Vec<u32>>,
    again: std::sync::Mutex<Vec<u32>>,
}

/// A thread of the program, as it is recorded.
struct Recorded {
    number: u32,
    ops: u64,
    known: Known,
    last: u64,
    log: Vec<u8>,
}

impl Recorded {
    fn entry(&mut self, entry: Entry) {
        let mut bytes = [0; entries::MOST];
        let n = entries::put(&mut bytes, self.last, self.ops + 1, entry);
        self.last = self.ops + 1;
        self.log.extend_from_slice(&bytes[..n]);
    }

    /// Locks an object, and lets go of it: two operations.
    fn step(&mut self, object: &Object) {
        object.lock.lock();
        let before = object.stamp.load(Relaxed);
        if before != 0 && parts(before).0 != self.number {
            if let Some(entry) = self.known.after(before) {
                self.entry(entry);
            }
        }
        self.ops += 1;
        object.owners.lock().expect("not poisoned").push(self.number);
        thread::yield_now();
        self.ops += 1;
        object.stamp.store(stamp(self.number, self.ops), Relaxed);
        object.lock.unlock();
    }
}

/// The same thread at replay: nothing is locked.
fn replay(thread: &Recorded, steps: &[usize], objects: &[Object], counts: &[Count<Model>], mut known: Known) {
    let mut log = Reader::open(&thread.log);
    let mut ops = thread.ops - 2 * steps.len() as u64;
    let mut operation = |then: &dyn Fn()| {
        while let Some(entry) = log.next(ops + 1) {
            let Entry::After { thread, begins, by } = entry else { panic!("{entry:?}") };
            let count = known.count(thread, begins, by);
            counts[thread as usize].wait(count, |_| {});
        }
        then();
        ops += 1;
        counts[thread.number as usize].set(ops);
    };
    for &step in steps {
        let object = &objects[step];
        operation(&|| {
            let mut again = object.again.lock().expect("not poisoned");
            again.push(thread.number);
            assert!(object.owners.lock().expect("not poisoned").starts_with(&again), "another order");
        });
        thread::yield_now();
        operation(&|| ());
    }
    assert!(log.is_empty(), "entries are left");
    counts[thread.number as usize].set(u64::MAX);
}

/// Bytes of all logs.
fn record_and_replay(steps: &[Vec<usize>], objects: usize) -> usize {
    let new = || Object { lock: Lock::new(short()), stamp: Unseen::new(0), owners: Default::default(), again: Default::default() };
    let objects: Arc<Vec<Object>> = Arc::new((0..objects).map(|_| new()).collect());
    // The maker of all threads has come to some count; they know that.
    let mut maker = Recorded { number: 0, ops: 0, known: Known::NEW, last: 0, log: vec![] };
    for object in objects.iter() {
        maker.step(object);
    }
    let inherited = {
        let mut known = maker.known;
        *known.of(0) = maker.ops;
        known
    };
    let threads: Vec<_> = (1..)
        .zip(steps)
        .map(|(number, steps)| {
            let (objects, steps) = (objects.clone(), steps.clone());
            thread::spawn(move || {
                let mut t = Recorded { number, ops: 0, known: inherited, last: 0, log: vec![] };
                steps.iter().for_each(|s| t.step(&objects[*s]));
                t
            })
        })
        .collect();
    let recorded: Vec<Recorded> = threads.into_iter().map(|t| t.join().expect("recorded")).collect();
    let bytes = recorded.iter().map(|t| t.log.len()).sum();

    let counts: Arc<Vec<Count<Model>>> = Arc::new((0..=steps.len()).map(|_| count()).collect());
    objects.iter().for_each(|o| o.again.lock().expect("not poisoned").push(0));
    counts[0].set(maker.ops);
    let threads: Vec<_> = recorded
        .into_iter()
        .zip(steps)
        .map(|(t, steps)| {
            let (objects, counts, steps) = (objects.clone(), counts.clone(), steps.clone());
            thread::spawn(move || replay(&t, &steps, &objects, &counts, inherited))
        })
        .collect();
    for t in threads {
        t.join().expect("replayed");
    }
    for object in objects.iter() {
        assert_eq!(*object.owners.lock().expect("not poisoned"), *object.again.lock().expect("not poisoned"));
    }
    bytes
}

#[test]
fn a_replay_has_the_order_of_the_recording() {
    under_all(|| {
        let mut rng = thread_rng();
        let steps: Vec<Vec<usize>> = (0..3).map(|_| (0..4).map(|_| rng.gen_range(0..2)).collect()).collect();
        record_and_replay(&steps, 2);
    });
}

#[test]
fn what_one_thread_locks_again_and_again_costs_nothing() {
    under_all(|| assert_eq!(record_and_replay(&[vec![0; 4], vec![1; 4]], 2), 0));
}

#[test]
fn entries_are_read_as_they_were_put() {
    let all = [
        (1, Entry::After { thread: 3, begins: false, by: -4 }),
        (1, Entry::Value(i64::MIN)),
        (7, Entry::Access(u64::MAX)),
        (7, Entry::After { thread: u32::MAX >> 1, begins: true, by: i64::MAX }),
        (7, Entry::Racy(1 << 41)),
        (1 << 43, Entry::Value(-1)),
    ];
    let (mut log, mut last) = (vec![], 0);
    for (op, entry) in all {
        let mut bytes = [0; entries::MOST];
        let n = entries::put(&mut bytes, last, op, entry);
        log.extend_from_slice(&bytes[..n]);
        last = op;
    }
    let mut reader = Reader::open(&log);
    for (op, entry) in all {
        assert_eq!(reader.next(op - 1).filter(|_| op > 1), None);
        assert_eq!(reader.next(op), Some(entry));
    }
    assert!(reader.is_empty());
}
