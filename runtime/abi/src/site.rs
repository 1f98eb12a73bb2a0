//! Site ids of events inside the runtime, which are above those of any program.

/// fork.
pub const FORK: i32 = 0xffff_0001_u32 as i32;
/// forkpty.
pub const TERMINAL: i32 = 0xffff_001a_u32 as i32;
/// daemon.
pub const DAEMON: i32 = 0xffff_0014_u32 as i32;
/// exec.
pub const EXEC: i32 = 0xffff_0002_u32 as i32;
/// setlocale and uselocale.
pub const LOCALE: i32 = 0xffff_0003_u32 as i32;
/// mmap and munmap.
pub const MMAP: i32 = 0xffff_0004_u32 as i32;
/// getline and getdelim.
pub const GETDELIM: i32 = 0xffff_0005_u32 as i32;
/// sigsetjmp with mask.
pub const MASK: i32 = 0xffff_0007_u32 as i32;
/// mmap of what is not the program's own, among the program's memory.
pub const FIXED: i32 = 0xffff_001f_u32 as i32;
/// sigaltstack.
pub const STACK: i32 = 0xffff_0020_u32 as i32;
/// What a handler is told of where a signal came.
pub const CONTEXT: i32 = 0xffff_0024_u32 as i32;
/// The signal of abort.
pub const ABORT: i32 = 0xffff_0025_u32 as i32;
/// What libraries do at exit.
pub const EXIT: i32 = 0xffff_0021_u32 as i32;
/// madvise with an advice that changes what memory holds, here or in a child.
pub const ADVICE: i32 = 0xffff_0022_u32 as i32;
/// A child by fork makes a lock anew that a thread of its parent's had.
pub const LEFT: i32 = 0xffff_0023_u32 as i32;
/// A replayed function is called on a stack that a replay does not have.
pub const FOREIGN_STACK: i32 = 0xffff_0026_u32 as i32;
/// Memory of the library, at places where a replay could not do the same.
pub const ABOVE: i32 = 0xffff_0008_u32 as i32;
/// A function that the analysis found no way to.
pub const UNREACHED: i32 = 0xffff_0009_u32 as i32;
/// A function that a library calls by its name, which is that of one of the C library's.
pub const BY_NAME: i32 = 0xffff_0019_u32 as i32;
/// Blocks that the environment fills: realloc, strdup.
pub const REALLOC: i32 = 0xffff_000c_u32 as i32;
/// vasprintf of text of the environment.
pub const TEXT: i32 = 0xffff_000d_u32 as i32;
/// A call that prints memory of the environment and can't be captured.
pub const PRINTED: i32 = 0xffff_0017_u32 as i32;
/// longjmp.
pub const JUMP: i32 = 0xffff_000b_u32 as i32;
/// strtok of memory of the environment.
pub const STRTOK: i32 = 0xffff_001b_u32 as i32;
/// dlopen.
pub const DLOPEN: i32 = 0xffff_001c_u32 as i32;
/// The program changes its environment variables, and a library has done so before.
pub const VARIABLES: i32 = 0xffff_001e_u32 as i32;
/// A format that comes at run time and stores, or has memory allocated.
pub const FORMAT: i32 = 0xffff_001d_u32 as i32;
/// iconv.
pub const ICONV: i32 = 0xffff_000a_u32 as i32;
/// More synchronization objects than there is room for.
pub const OBJECTS: i32 = 0xffff_0012_u32 as i32;
/// A library call on memory that other threads came to meanwhile, or of an extent that nobody knows.
pub const ORDER: i32 = 0xffff_0016_u32 as i32;
/// pthread_once on the heap.
pub const ONCE: i32 = 0xffff_0013_u32 as i32;
/// timer_create.
pub const TIMER: i32 = 0xffff_0011_u32 as i32;
/// pthread_create.
pub const THREAD: i32 = 0xffff_000e_u32 as i32;
/// A thread, in a program that is linked with a profile of a run without any.
pub const SINGLE: i32 = 0xffff_0018_u32 as i32;
/// pthread_join and pthread_detach.
pub const JOIN: i32 = 0xffff_000f_u32 as i32;
/// pthread_cancel.
pub const CANCEL: i32 = 0xffff_0015_u32 as i32;
/// Waits for conditions, semaphores and barriers.
pub const WAIT: i32 = 0xffff_0010_u32 as i32;
/// A handler changes the registers of what faulted.
pub const REGISTERS: i32 = 0xffff_0027_u32 as i32;
/// A handler of a fault starts the first thread, and returns.
pub const COMPANY: i32 = 0xffff_0028_u32 as i32;
/// A function of the environment jumps by a copy of a buffer that is forgotten.
pub const COPY: i32 = 0xffff_0029_u32 as i32;
/// realpath and getcwd.
pub const PATH: i32 = 0xffff_0006_u32 as i32;

/// Why recording ends at a refusal with that site; none: it is the site of a call, which is refused whatever happens there.
#[must_use]
pub const fn why_refused(site: i32) -> Option<&'static str> {
    Some(match site {
        UNREACHED => "code of the program runs that the analysis found no way to (IT0624)",
        BY_NAME => "a library, or an object without bitcode, calls a function of the program's by its name (one that has the name of one of the C library's, or one that it declares)",
        FIXED => "it maps a file, or memory that processes share, at an address of its own choice (MAP_FIXED, MAP_32BIT), or own memory in the place of a library's, or moves a mapping there (mremap)",
        LEFT => "a child by fork initialises a lock that a thread of its parent's held: what that thread was just doing under it is in no log",
        ADVICE => "it gives the kernel an advice about its memory that a replay could not follow (madvise with MADV_WIPEONFORK, MADV_REMOVE)",
        FOREIGN_STACK => "a function that is replayed is called on a stack that the environment allocated (an alternate stack, a coroutine)",
        ABOVE => "it does something to memory of a library that a replay could not repeat",
        FORMAT => "a format that comes at run time has scanf allocate memory (%m) or printf store through an argument (%n)",
        VARIABLES => "it changes its environment variables, and a library has changed them before (setenv)",
        DLOPEN => "code loaded at run time (dlopen) is not instrumented",
        OBJECTS => "it has more locks, conditions and semaphores than there is room for",
        ORDER => "a library call works on memory that another thread came to meanwhile, or of an extent that nobody knows",
        PRINTED => "it prints text of a library by a function whose output is not captured (psignal, wprintf; with several threads also perror, error, warn)",
        CANCEL => "the main thread is cancelled",
        FORK => "a library forks, and the program has handlers of pthread_atfork",
        LOCALE => "the locale changes while there are threads",
        TERMINAL => "a function that is not replayed calls forkpty",
        ONCE => "pthread_once uses memory of the heap",
        THREAD => "it has more threads than there is room for",
        SINGLE => "it starts a thread, which the profiled run did not (link with a profile of a run that does, or without one)",
        REGISTERS => "a handler of faults changes the registers (in its context) with which a call of a library goes on, or a thread, which is not the only one, that read memory",
        COMPANY => "a handler of faults starts the first thread (or calls a function without annotation for the first time) and returns",
        COPY => "a function that is not replayed jumps by a copy of a buffer of a frame for which setjmp was called again since (or long ago)",
        TIMER => "a timer starts threads (SIGEV_THREAD)",
        _ => return None,
    })
}
