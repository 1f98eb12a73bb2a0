//! Every function and table that instrumented code shares with the runtime: one list.
//!
//! [`for_each_hook!`] calls a macro with all hooks; the pass expands it to LLVM function types, the
//! runtime to a check that each exported function has exactly this type. A missing or mistyped
//! hook is a compile error there.
//!
//! Protocol of an environment call at site `s` (`f` is skipped at replay):
//! ```text
//! run = enter(s)                 // 1: call f (record, profile), 0: do not (replay)
//! if run { r = f(args); leave() }
//! r = val(r)                     // record: appends, replay: takes; only if r is used
//! bytes(p, len) | cstr(p) | ...  // one per annotated write; record: appends, replay: fills
//! ```
//! `enter` adds the site to the checksum, counts a boundary and delivers pending asynchronous
//! events. In mode plain none of the hooks is called except the allocation functions and
//! `ld*`/`ck*`/`may_store` (which then act as the plain operation).

/// Calls `$m!` with `name(arg: type, ...) -> result;` for every hook. Types: `ptr`, `i32`, `i64`,
/// `void`.
#[macro_export]
macro_rules! for_each_hook {
    ($m:ident) => {
        $m! {
            // start and end
            __itarget_start(argc: i32, argv: ptr, envp: ptr, main: ptr) -> i32;
            // environment calls
            __itarget_enter(site: i32) -> i32;
            __itarget_leave() -> void;
            __itarget_val(value: i64) -> i64;
            __itarget_raw(value: ptr, len: i64) -> void;
            __itarget_bytes(to: ptr, len: i64) -> void;
            __itarget_copied(to: ptr, from: ptr, len: i64) -> void;
            __itarget_heap(p: ptr) -> ptr;
            __itarget_save(slot: ptr, of: ptr, offset: i64, len: i64) -> void;
            __itarget_changed(slot: ptr, of: ptr, offset: i64, len: i64) -> void;
            __itarget_behind(of: ptr, offset: i64, len: i64) -> void;
            __itarget_format(format: ptr, scanf: i32) -> void;
            __itarget_moved(slot: ptr, of: ptr, offset: i64) -> i64;
            __itarget_cstr(to: ptr) -> void;
            __itarget_wcstr(to: ptr) -> void;
            __itarget_len(of: ptr, size: i32) -> i64;
            __itarget_iovec(iov: ptr, count: i64, total: i64, carried: i32) -> void;
            __itarget_msghdr(msg: ptr, total: i64, carried: i32) -> void;
            __itarget_mmsghdr(all: ptr, count: i64, carried: i32) -> void;
            __itarget_scan(to: ptr, size: i64) -> void;
            __itarget_copy(result: ptr, len: i64, key: i32) -> ptr;
            __itarget_adopt_cstr(result: ptr, objid: i32) -> ptr;
            __itarget_show_stream(stream: ptr) -> ptr;
            __itarget_show_fd(fd: i32) -> i32;
            __itarget_standard(fd: i32) -> ptr;
            __itarget_shown_close(stream: ptr) -> void;
            __itarget_closed(stream: ptr) -> void;
            __itarget_own_buffer(buffer: ptr, size: i64) -> ptr;
            __itarget_shown_buffer(stream: ptr, mode: i32, size: i64) -> void;
            __itarget_show_name() -> void;
            __itarget_local_numbers() -> i32;
            __itarget_varies(format: ptr) -> i32;
            __itarget_show_errno(format: ptr) -> void;
            __itarget_descriptor(fd: i32) -> void;
            __itarget_duplicate(old: i32, new: i32) -> void;
            __itarget_foreign_bytes(p: ptr, n: i64) -> i32;
            __itarget_foreign_vector(iov: ptr, count: i64) -> i32;
            __itarget_foreign(p: ptr) -> i32;
            __itarget_not_captured() -> void;
            __itarget_capture(stream: ptr) -> ptr;
            __itarget_captured(memory: ptr, stream: ptr) -> i64;
            __itarget_capture_errors() -> ptr;
            __itarget_captured_errors(memory: ptr) -> void;
            __itarget_captured_fd(memory: ptr, fd: i32) -> i64;
            __itarget_printed_vector(iov: ptr, n: i64) -> void;
            __itarget_printed(p: ptr, n: i64) -> void;
            __itarget_print(stream: ptr, fd: i32) -> void;
            __itarget_refuse(code: i32) -> void;
            __itarget_free_of_library(block: ptr) -> void;
            __itarget_guard(at: ptr, site: i32) -> void;
            __itarget_stage(slot: ptr, of: ptr, len: i64, flags: i32, site: i32) -> ptr;
            __itarget_unstage(to: ptr, slot: ptr, len: i64) -> void;
            __itarget_stage_text(of: ptr, limit: i64, flags: i32, site: i32) -> ptr;
            __itarget_unstage_text(given: ptr, of: ptr) -> void;
            __itarget_unreached(name: ptr) -> void;
            __itarget_by_name() -> void;
            __itarget_poll(site: i32) -> void;
            // what the environment does to replay space: a section, ended by upcalls (of an external call) or
            // result (of a function of the environment)
            __itarget_upcalls(site: i32) -> void;
            __itarget_result(function: i32, value: ptr, len: i64) -> void;
            __itarget_upcall(function: i32, sp: ptr) -> void;
            __itarget_upcall_end() -> void;
            __itarget_apply(at: ptr, len: i64, site: i32, changed: i32) -> void;
            __itarget_applies(site: i32) -> void;
            // reads of environment values: always logged (ld), or by address (ck)
            __itarget_ld(from: ptr, size: i32, site: i32) -> i64;
            __itarget_ldn(from: ptr, to: ptr, len: i64, site: i32) -> void;
            // the same of replay space that may race, of 1, 2, 4 and 8 bytes (see `RACE`)
            __itarget_race1(from: ptr, site: i32) -> i64;
            __itarget_race2(from: ptr, site: i32) -> i64;
            __itarget_race4(from: ptr, site: i32) -> i64;
            __itarget_race8(from: ptr, site: i32) -> i64;
            // the same where it may be replay space that does not: in a variable or above the bound, or on a stack, or above the bound only
            __itarget_race_at1(from: ptr, site: i32) -> i64;
            __itarget_race_at2(from: ptr, site: i32) -> i64;
            __itarget_race_at4(from: ptr, site: i32) -> i64;
            __itarget_race_at8(from: ptr, site: i32) -> i64;
            __itarget_race_st1(from: ptr, site: i32) -> i64;
            __itarget_race_st2(from: ptr, site: i32) -> i64;
            __itarget_race_st4(from: ptr, site: i32) -> i64;
            __itarget_race_st8(from: ptr, site: i32) -> i64;
            __itarget_race_fr1(from: ptr, site: i32) -> i64;
            __itarget_race_fr2(from: ptr, site: i32) -> i64;
            __itarget_race_fr4(from: ptr, site: i32) -> i64;
            __itarget_race_fr8(from: ptr, site: i32) -> i64;
            __itarget_race_ck1(from: ptr, site: i32) -> i64;
            __itarget_race_ck2(from: ptr, site: i32) -> i64;
            __itarget_race_ck4(from: ptr, site: i32) -> i64;
            __itarget_race_ck8(from: ptr, site: i32) -> i64;
            // the same of a load that is counted already, where it may not be a hit (see `view::GROUP`), or may not race
            __itarget_race_missed1(from: ptr, site: i32) -> i64;
            __itarget_race_missed2(from: ptr, site: i32) -> i64;
            __itarget_race_missed4(from: ptr, site: i32) -> i64;
            __itarget_race_missed8(from: ptr, site: i32) -> i64;
            __itarget_race_at_missed1(from: ptr, site: i32) -> i64;
            __itarget_race_at_missed2(from: ptr, site: i32) -> i64;
            __itarget_race_at_missed4(from: ptr, site: i32) -> i64;
            __itarget_race_at_missed8(from: ptr, site: i32) -> i64;
            __itarget_race_st_missed1(from: ptr, site: i32) -> i64;
            __itarget_race_st_missed2(from: ptr, site: i32) -> i64;
            __itarget_race_st_missed4(from: ptr, site: i32) -> i64;
            __itarget_race_st_missed8(from: ptr, site: i32) -> i64;
            __itarget_race_fr_missed1(from: ptr, site: i32) -> i64;
            __itarget_race_fr_missed2(from: ptr, site: i32) -> i64;
            __itarget_race_fr_missed4(from: ptr, site: i32) -> i64;
            __itarget_race_fr_missed8(from: ptr, site: i32) -> i64;
            __itarget_race_mapped_missed1(from: ptr, site: i32) -> i64;
            __itarget_race_mapped_missed2(from: ptr, site: i32) -> i64;
            __itarget_race_mapped_missed4(from: ptr, site: i32) -> i64;
            __itarget_race_mapped_missed8(from: ptr, site: i32) -> i64;
            // where it may lie elsewhere at replay
            __itarget_race_mapped1(from: ptr, site: i32) -> i64;
            __itarget_race_mapped2(from: ptr, site: i32) -> i64;
            __itarget_race_mapped4(from: ptr, site: i32) -> i64;
            __itarget_race_mapped8(from: ptr, site: i32) -> i64;
            // where the address tells as long as the process is alone
            __itarget_race_alone1(from: ptr, site: i32) -> i64;
            __itarget_race_alone2(from: ptr, site: i32) -> i64;
            __itarget_race_alone4(from: ptr, site: i32) -> i64;
            __itarget_race_alone8(from: ptr, site: i32) -> i64;
            // the same where it may lie elsewhere at replay
            __itarget_race_mapped_alone1(from: ptr, site: i32) -> i64;
            __itarget_race_mapped_alone2(from: ptr, site: i32) -> i64;
            __itarget_race_mapped_alone4(from: ptr, site: i32) -> i64;
            __itarget_race_mapped_alone8(from: ptr, site: i32) -> i64;
            __itarget_at(from: ptr, size: i32, site: i32) -> i64;
            __itarget_atn(from: ptr, to: ptr, len: i64, site: i32) -> void;
            __itarget_st(from: ptr, size: i32, site: i32) -> i64;
            __itarget_stn(from: ptr, to: ptr, len: i64, site: i32) -> void;
            __itarget_fr(from: ptr, size: i32, site: i32) -> i64;
            __itarget_frn(from: ptr, to: ptr, len: i64, site: i32) -> void;
            __itarget_variable(at: ptr) -> i32;
            __itarget_on_stack(at: ptr) -> i32;
            __itarget_in_frame(at: ptr) -> i32;
            __itarget_ck(from: ptr, size: i32, site: i32) -> i64;
            __itarget_ckn(from: ptr, to: ptr, len: i64, site: i32) -> void;
            // before a call of what nobody knows: the process is alone no more
            __itarget_accompany() -> void;
            __itarget_ld_alone(from: ptr, size: i32, site: i32) -> i64;
            __itarget_ldn_alone(from: ptr, to: ptr, len: i64, site: i32) -> void;
            // threads: around an atomic operation on memory that several reach; around output that a replay shows; the
            // thread's copy of the program's thread-local variables; whose call it is
            __itarget_atomic_begin(at: ptr) -> i32;
            __itarget_atomic_end() -> void;
            __itarget_atomic_read(at: ptr) -> void;
            // accesses of memory that threads may race for, where the thread's table does not say that it may: a load, a load of
            // any size, a load whose address is above the bound; before a store; before a call that reads or writes there
            __itarget_order_load(from: ptr, size: i32, site: i32) -> i64;
            __itarget_order_loadn(from: ptr, to: ptr, len: i64, site: i32) -> void;
            __itarget_order_ck(from: ptr, size: i32, site: i32) -> i64;
            __itarget_order_ckn(from: ptr, to: ptr, len: i64, site: i32) -> void;
            __itarget_order_store(to: ptr, len: i64) -> void;
            __itarget_order_reads(from: ptr, len: i64, most: i64) -> i32;
            __itarget_order_writes(to: ptr, len: i64, most: i64) -> i32;
            __itarget_order_hold() -> i32;
            __itarget_order_done() -> void;
            __itarget_order_env() -> void;
            __itarget_output_begin(on: i32, stream: ptr) -> void;
            __itarget_output_end(on: i32) -> void;
            __itarget_tls() -> ptr;
            __itarget_in_env() -> i32;
            __itarget_elsewhere() -> i32;
            // stores that may hit memory a replay does not map: 1 = perform it
            __itarget_may_store(to: ptr) -> i32;
            // profile: bytes moved at a site, attributed to the object at `at`
            __itarget_count(site: i32, at: ptr, len: i64) -> void;
            // check: around an external call; an object it may write to, now or always
            __itarget_check_begin(site: i32) -> void;
            __itarget_check_object(at: ptr, keeps: i32) -> void;
            __itarget_check_end(site: i32) -> void;
            // allocation; objid: see layout::OBJ_REPLAY and following
            __itarget_malloc(size: i64, objid: i32) -> ptr;
            __itarget_calloc(count: i64, size: i64, objid: i32) -> ptr;
            __itarget_realloc(old: ptr, size: i64, objid: i32) -> ptr;
            __itarget_reallocarray(old: ptr, count: i64, size: i64, objid: i32) -> ptr;
            __itarget_memalign(align: i64, size: i64, objid: i32) -> ptr;
            __itarget_posix_memalign(out: ptr, align: i64, size: i64, objid: i32) -> i32;
            __itarget_strdup(s: ptr, objid: i32) -> ptr;
            __itarget_strndup(s: ptr, n: i64, objid: i32) -> ptr;
            __itarget_free(p: ptr) -> void;
            __itarget_malloc_usable_size(p: ptr) -> i64;
        }
    };
}

/// Hooks whose names begin so are called with LLVM's convention `preserve_most`: they keep all registers but the result, r11 and
/// the floating-point ones.
pub const RACE: &str = "__itarget_race";

/// Bit of the site of a load that may race: what it reads may lie elsewhere at replay, which its address tells.
pub const APART: u32 = 1 << 31;

/// Tables that the pass defines and the runtime reads (weak in the runtime, so that a runtime in
/// an uninstrumented link is harmless). All are arrays with a `u64` count in front.
pub mod tables {
    /// `[count, {object count of ranges: u32, offset of first range: u32}...]` see [`super::MixedObject`].
    pub const MIXED: &str = "__itarget_mixed";
    /// `[count, {start: ptr, bytes: u64}...]`: writable globals of replay space (for digests).
    pub const GLOBALS: &str = "__itarget_globals";
    /// `[count, {start: ptr, bytes: u64}...]`: variables that the environment may write.
    pub const VARIABLES: &str = "__itarget_variables";
    /// `[count, function: ptr...]`: functions the environment may call, by upcall id.
    pub const UPCALLS: &str = "__itarget_upcall_table";
    /// Present where functions of the program are in the environment: threads that are not recorded may run them.
    pub const OUTSIDE: &str = "__itarget_outside";
    /// Bytes of the program's thread-local variables in 8 words (the first is the number), then what they hold at first.
    pub const TLS: &str = "__itarget_tls_image";
    /// Present where accesses that may race are ordered as they are made.
    pub const ORDERED: &str = "__itarget_ordered";
    /// Present where the program is taken to have no data races.
    pub const TRUSTED: &str = "__itarget_trusted";
    /// Present where the profiled run started no thread: one that does is not recorded on.
    pub const SINGLE: &str = "__itarget_single";
    /// 64 bytes: module hash, plan hash.
    pub const IDENTITY: &str = "__itarget_identity";
    /// Profile and check: `[count, {start: ptr, bytes: u64}...]` of all globals, for attribution.
    pub const ALL_GLOBALS: &str = "__itarget_all_globals";
}

/// First site id of downcalls (`enter`): index of the function in the plan's environment.
pub const DOWNCALL: u32 = 0xfff0_0000;
/// First site id of upcalls: upcall id.
pub const UPCALL: u32 = 0xfff8_0000;

/// Symbol of the table of objects with environment-side fields.
pub const MIXED_TABLE: &str = tables::MIXED;

/// One environment-side byte range of an object with index `object` in the mixed table.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MixedObject {
    /// `objid - layout::OBJ_MIXED`; [`SHARED`] is set if the range is the environment's only once the process is not alone.
    pub object: u64,
    /// First byte of the range, from the start of the object.
    pub start: u64,
    /// One past the last byte; `u64::MAX` = to the end.
    pub end: u64,
    /// Element size when the object is an array of this type (offsets are taken modulo it), else 0.
    pub stride: u64,
}

/// Flag of a range of an object, and of the size of a variable in the tables of variables: it is the environment's only once the process
/// is not alone.
pub const SHARED: u64 = 1 << 63;

/// Flag of a site given to `__itarget_count`: what its call reads.
pub const COUNT_READ: u32 = 1 << 31;
/// Flag of `__itarget_stage`: the memory is read.
pub const STAGE_READ: i32 = 1;
/// Flag of `__itarget_stage`: the memory is the environment's wherever it lies.
pub const STAGE_ALWAYS: i32 = 2;
/// Flag of `__itarget_stage`: several threads may access the memory.
pub const STAGE_ORDERED: i32 = 4;
/// What `__itarget_atomic_begin` says: the operation is to be made at once.
pub const ATOMIC_RUN: i32 = 1;
/// Others wait for its end.
pub const ATOMIC_HELD: i32 = 2;
/// Replay: it is to be made once what it found was taken from the log.
pub const ATOMIC_AGAIN: i32 = 4;
/// Replay: others wait for its end, which comes after that.
pub const ATOMIC_DONE: i32 = 8;

/// Runtime functions that take the place of libc functions with the same arguments (the pass
/// only renames the call). The annotation of the libc function names them.
pub const REPLACEMENTS: &[&str] = &[
    "__itarget__exit",
    "__itarget_abort",
    "__itarget_asprintf",
    "__itarget_asprintf_logged",
    "__itarget_atexit",
    "__itarget_atfork",
    "__itarget_bsearch",
    "__itarget_clearenv",
    "__itarget_ctype_b_loc",
    "__itarget_ctype_tolower_loc",
    "__itarget_ctype_toupper_loc",
    "__itarget_cxa_atexit",
    "__itarget_daemon",
    "__itarget_dlopen",
    "__itarget_execv",
    "__itarget_execve",
    "__itarget_execvp",
    "__itarget_execvpe",
    "__itarget_exit",
    "__itarget_fork",
    "__itarget_forkpty",
    "__itarget_getcwd",
    "__itarget_getdelim",
    "__itarget_getline",
    "__itarget_iconv",
    "__itarget_longjmp",
    "__itarget_madvise",
    "__itarget_mlockall",
    "__itarget_mmap",
    "__itarget_mprotect",
    "__itarget_mremap",
    "__itarget_munmap",
    "__itarget_putenv",
    "__itarget_qsort",
    "__itarget_qsort_r",
    "__itarget_realpath",
    "__itarget_setenv",
    "__itarget_setjmp",
    "__itarget_setlocale",
    "__itarget_sigaction",
    "__itarget_sigaltstack",
    "__itarget_sigignore",
    "__itarget_signal",
    "__itarget_sigset",
    "__itarget_sigsetjmp",
    "__itarget_strtok",
    "__itarget_strtok_logged",
    "__itarget_sysv_signal",
    "__itarget_timer_create",
    "__itarget_unsetenv",
    "__itarget_uselocale",
    "__itarget_vasprintf",
    "__itarget_vasprintf_logged",
    "__itarget_vfork",
];

/// Library functions that the runtime's take the place of, with the same arguments, in programs whose threads are recorded.
pub const THREADS: &[(&str, &str)] = &[
    ("__pthread_register_cancel", "__itarget_register_cancel"),
    ("__pthread_unregister_cancel", "__itarget_unregister_cancel"),
    ("__pthread_unwind_next", "__itarget_unwind_next"),
    ("__sigsetjmp_cancel", "__itarget_sigsetjmp"),
    ("call_once", "__itarget_once"),
    ("cnd_broadcast", "__itarget_cond_broadcast"),
    ("cnd_destroy", "__itarget_cond_destroy"),
    ("cnd_init", "__itarget_cnd_init"),
    ("cnd_signal", "__itarget_cond_signal"),
    ("cnd_timedwait", "__itarget_cnd_timedwait"),
    ("cnd_wait", "__itarget_cond_wait"),
    ("mtx_destroy", "__itarget_mutex_destroy"),
    ("mtx_init", "__itarget_mtx_init"),
    ("mtx_lock", "__itarget_mtx_lock"),
    ("mtx_timedlock", "__itarget_mtx_timedlock"),
    ("mtx_trylock", "__itarget_mtx_trylock"),
    ("mtx_unlock", "__itarget_mtx_unlock"),
    ("pthread_barrier_destroy", "__itarget_barrier_destroy"),
    ("pthread_barrier_init", "__itarget_barrier_init"),
    ("pthread_barrier_wait", "__itarget_barrier_wait"),
    ("pthread_cancel", "__itarget_pthread_cancel"),
    ("pthread_clockjoin_np", "__itarget_pthread_clockjoin"),
    ("pthread_cond_broadcast", "__itarget_cond_broadcast"),
    ("pthread_cond_clockwait", "__itarget_cond_clockwait"),
    ("pthread_cond_destroy", "__itarget_cond_destroy"),
    ("pthread_cond_init", "__itarget_cond_init"),
    ("pthread_cond_signal", "__itarget_cond_signal"),
    ("pthread_cond_timedwait", "__itarget_cond_timedwait"),
    ("pthread_cond_wait", "__itarget_cond_wait"),
    ("pthread_create", "__itarget_pthread_create"),
    ("pthread_detach", "__itarget_pthread_detach"),
    ("pthread_exit", "__itarget_pthread_exit"),
    ("pthread_getattr_np", "__itarget_pthread_getattr"),
    ("pthread_getspecific", "__itarget_getspecific"),
    ("pthread_join", "__itarget_pthread_join"),
    ("pthread_key_create", "__itarget_key_create"),
    ("pthread_key_delete", "__itarget_key_delete"),
    ("pthread_mutex_clocklock", "__itarget_mutex_clocklock"),
    ("pthread_mutex_consistent", "__itarget_mutex_consistent"),
    ("pthread_mutex_destroy", "__itarget_mutex_destroy"),
    ("pthread_mutex_init", "__itarget_mutex_init"),
    ("pthread_mutex_lock", "__itarget_mutex_lock"),
    ("pthread_mutex_timedlock", "__itarget_mutex_timedlock"),
    ("pthread_mutex_trylock", "__itarget_mutex_trylock"),
    ("pthread_mutex_unlock", "__itarget_mutex_unlock"),
    ("pthread_once", "__itarget_once"),
    ("pthread_rwlock_clockrdlock", "__itarget_rwlock_clockrdlock"),
    ("pthread_rwlock_clockwrlock", "__itarget_rwlock_clockwrlock"),
    ("pthread_rwlock_destroy", "__itarget_rwlock_destroy"),
    ("pthread_rwlock_init", "__itarget_rwlock_init"),
    ("pthread_rwlock_rdlock", "__itarget_rwlock_rdlock"),
    ("pthread_rwlock_timedrdlock", "__itarget_rwlock_timedrdlock"),
    ("pthread_rwlock_timedwrlock", "__itarget_rwlock_timedwrlock"),
    ("pthread_rwlock_tryrdlock", "__itarget_rwlock_tryrdlock"),
    ("pthread_rwlock_trywrlock", "__itarget_rwlock_trywrlock"),
    ("pthread_rwlock_unlock", "__itarget_rwlock_unlock"),
    ("pthread_rwlock_wrlock", "__itarget_rwlock_wrlock"),
    ("pthread_setcanceltype", "__itarget_setcanceltype"),
    ("pthread_setspecific", "__itarget_setspecific"),
    ("pthread_spin_destroy", "__itarget_spin_destroy"),
    ("pthread_spin_init", "__itarget_spin_init"),
    ("pthread_spin_lock", "__itarget_spin_lock"),
    ("pthread_spin_trylock", "__itarget_spin_trylock"),
    ("pthread_spin_unlock", "__itarget_spin_unlock"),
    ("pthread_timedjoin_np", "__itarget_pthread_timedjoin"),
    ("pthread_tryjoin_np", "__itarget_pthread_tryjoin"),
    ("sem_clockwait", "__itarget_sem_clockwait"),
    ("sem_destroy", "__itarget_sem_destroy"),
    ("sem_getvalue", "__itarget_sem_getvalue"),
    ("sem_init", "__itarget_sem_init"),
    ("sem_post", "__itarget_sem_post"),
    ("sem_timedwait", "__itarget_sem_timedwait"),
    ("sem_trywait", "__itarget_sem_trywait"),
    ("sem_wait", "__itarget_sem_wait"),
    ("thrd_create", "__itarget_thrd_create"),
    ("thrd_detach", "__itarget_pthread_detach"),
    ("thrd_exit", "__itarget_thrd_exit"),
    ("thrd_join", "__itarget_thrd_join"),
    ("tss_create", "__itarget_key_create"),
    ("tss_delete", "__itarget_key_delete"),
    ("tss_get", "__itarget_getspecific"),
    ("tss_set", "__itarget_setspecific"),
];
