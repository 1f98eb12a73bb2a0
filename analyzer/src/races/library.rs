//! What functions of the library mean to threads: who starts them, what is a lock. By name, as the standards have it;
//! what else they read and write is in the annotations.

use crate::model::{Class, Signature};

/// How a library function deals with functions of the program that it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Calls {
    /// Calls them before it returns, or when it is called again: in the thread that calls it.
    Here,
    /// In a thread of their own, and of the arguments the thread gets this one (`None`: all).
    Thread(Option<usize>),
    /// Later, in whichever thread it happens to be: handlers of signals and exits, destructors.
    Anywhere,
}

/// How the library calls functions given to this one.
pub(super) fn calls(name: &str) -> Calls {
    match name {
        "pthread_create" => Calls::Thread(Some(3)),
        "thrd_create" => Calls::Thread(Some(2)),
        "timer_create" | "mq_notify" | "clone" | "__clone" | "clone3" | "lio_listio" | "lio_listio64" | "getaddrinfo_a" => Calls::Thread(None),
        "aio_read" | "aio_read64" | "aio_write" | "aio_write64" | "aio_fsync" | "aio_fsync64" => Calls::Thread(None),
        "signal" | "__sysv_signal" | "sysv_signal" | "bsd_signal" | "ssignal" | "sigset" | "sigaction" | "__sigaction" | "sigvec"
        | "atexit" | "__cxa_atexit" | "__cxa_thread_atexit" | "__cxa_thread_atexit_impl" | "__cxa_at_quick_exit" | "on_exit" | "at_quick_exit"
        | "pthread_key_create" | "tss_create" | "pthread_atfork" | "__register_atfork" => Calls::Anywhere,
        _ => Calls::Here,
    }
}

/// Whether a function of this type can be what the library is to call there, by what it is called with. Memory that structures
/// of many kinds are kept in leads to all kinds of functions.
pub(super) fn takes(name: &str, signature: &Signature) -> bool {
    let word = |class: &Class| class.carries_pointer();
    let number = |class: &Class| matches!(class, Class::Int(..=4));
    match (calls(name), signature.params.as_slice()) {
        (Calls::Here, _) | (_, []) => true,
        (Calls::Thread(_), [only]) => word(only),
        (Calls::Thread(_), _) => false,
        (Calls::Anywhere, params) => match (name, params) {
            ("atexit" | "at_quick_exit" | "pthread_atfork" | "__register_atfork", _) => false,
            ("on_exit", [first, rest @ ..]) => number(first) && rest.len() < 2 && rest.iter().all(word),
            (name, [only]) if name.starts_with("__cxa") || name.ends_with("_create") => word(only),
            (name, _) if name.starts_with("__cxa") || name.ends_with("_create") => false,
            (_, [signal]) => number(signal),
            (_, [signal, info, context]) => number(signal) && word(info) && word(context),
            _ => false,
        },
    }
}

/// Whether it starts threads only to call functions of the program.
pub(super) fn may_start_nothing(name: &str) -> bool {
    matches!(calls(name), Calls::Thread(None))
}

/// What a function does to the lock that its first argument points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LockCall {
    /// It is held alone afterwards.
    Exclusive,
    /// It is held afterwards, perhaps by others too.
    Shared,
    /// It is not held afterwards.
    Release,
    /// `setjmp`: when it returns again, other locks may be held.
    ReturnsAgain,
}

/// What a call means to a lock. That may or may not acquire one (`pthread_mutex_trylock`) mean nothing: the lock counts as free.
pub(super) fn lock(name: &str) -> Option<LockCall> {
    Some(match name {
        "pthread_mutex_lock" | "__pthread_mutex_lock" | "pthread_spin_lock" | "pthread_rwlock_wrlock" | "__pthread_rwlock_wrlock" | "mtx_lock" => {
            LockCall::Exclusive
        }
        "pthread_rwlock_rdlock" | "__pthread_rwlock_rdlock" => LockCall::Shared,
        "pthread_mutex_unlock" | "__pthread_mutex_unlock" | "pthread_spin_unlock" | "pthread_rwlock_unlock" | "__pthread_rwlock_unlock"
        | "mtx_unlock" | "pthread_mutex_destroy" | "pthread_rwlock_destroy" | "pthread_spin_destroy" | "mtx_destroy" | "pthread_mutex_init"
        | "pthread_rwlock_init" | "pthread_spin_init" | "mtx_init" => LockCall::Release,
        _ => return None,
    })
}

/// Functions whose first arguments point to objects of the library in memory of the program (mutexes, semaphores): what they do
/// to these is synchronisation, not access.
pub(super) fn synchronises(name: &str) -> bool {
    let name = name.trim_start_matches('_');
    const FAMILIES: &[&str] =
        &["pthread_mutex", "pthread_cond", "pthread_rwlock", "pthread_spin", "pthread_barrier", "sem_", "mtx_", "cnd_", "pthread_once", "call_once"];
    FAMILIES.iter().any(|f| name.starts_with(f)) && !name.contains("attr")
}

/// Functions that keep pointers for others, or for later, and do not look where they lead.
pub(super) fn keeps(name: &str) -> bool {
    let keys = matches!(name, "pthread_setspecific" | "tss_set" | "pthread_getspecific" | "tss_get");
    keys || matches!(calls(name), Calls::Thread(Some(_)))
}

/// Functions that hand out memory with nothing in it.
pub(super) fn leaves_empty(name: &str) -> bool {
    matches!(name, "malloc" | "aligned_alloc" | "memalign" | "posix_memalign" | "valloc" | "pvalloc")
}
