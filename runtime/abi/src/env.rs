//! Environment variables that the runtime reads. All are removed from the environment that the
//! program sees, so neither it nor its children are affected, unless [`FOLLOW`] says that these are recorded, too.

/// Prefix of every variable of ours; a variable with this prefix that is not listed is reported.
pub const PREFIX: &str = "ITARGET_";

/// One environment variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// Full name.
    pub name: &'static str,
    /// Who reads it.
    pub reader: Reader,
    /// One sentence for help, man page and docs.
    pub help: &'static str,
}

/// The component that reads a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// The runtime inside the instrumented program.
    Runtime,
    /// The compiler wrapper.
    Compiler,
    /// The `itarget` command.
    Tool,
}

/// `record`, `replay`, `profile`; unset is plain.
pub const MODE: &str = "ITARGET_MODE";
/// Record and profile: directory of the trace (exists, absolute).
pub const TRACE: &str = "ITARGET_TRACE";
/// Replay: number of an open file descriptor with the decoded stream ([`crate::log::flat`]).
pub const STREAM_FD: &str = "ITARGET_STREAM_FD";
/// Replay: number of an open file descriptor for one JSON line about how the replay ended.
pub const STATUS_FD: &str = "ITARGET_STATUS_FD";
/// Runtime options, `name=value` separated by `:` (see [`crate::options`]).
pub const OPTIONS: &str = "ITARGET_OPTIONS";
/// Record: set where the programs that this one starts are recorded, too. Then they find it, [`MODE`], [`TRACE`] and [`OPTIONS`] in their
/// environment.
pub const FOLLOW: &str = "ITARGET_FOLLOW";
/// The compiler wrapper appends what it does to this file.
pub const CC_LOG: &str = "ITARGET_CC_LOG";

/// The tools read this file instead of the nearest `itarget.toml`.
pub const CONFIG: &str = "ITARGET_CONFIG";

/// Every variable, sorted by name.
pub const ALL: &[Variable] = &[
    Variable { name: "ITARGET_CC_ANNOTATIONS", reader: Reader::Compiler, help: "TOML files with annotations to add, separated by ':'" },
    Variable { name: "ITARGET_CC_CLANG", reader: Reader::Compiler, help: "clang to run instead of clang-19" },
    Variable { name: "ITARGET_CC_CUT", reader: Reader::Compiler, help: "cut used at link: min (default), functions or libc" },
    Variable { name: CC_LOG, reader: Reader::Compiler, help: "append what the wrapper does to this file" },
    Variable { name: "ITARGET_CC_OFF", reader: Reader::Compiler, help: "1: run clang alone, build nothing of ours in" },
    Variable { name: "ITARGET_CC_PROFILE", reader: Reader::Compiler, help: "profile whose counts are the capacities at link" },
    Variable { name: "ITARGET_CC_PROFILE_MATCH", reader: Reader::Compiler, help: "how that profile must fit: exact (default), or by function, for one of another build" },
    Variable { name: "ITARGET_CC_RACES", reader: Reader::Compiler, help: "log (default): loads of what threads may race for are logged; order: accesses are ordered as they are made; trust: the program is taken to have no data races" },
    Variable { name: "ITARGET_CC_TARGET", reader: Reader::Compiler, help: "what to replay, patterns separated by ':', after a '!' what not to; default all" },
    Variable { name: CONFIG, reader: Reader::Tool, help: "file to read instead of the nearest itarget.toml; off: none" },
    Variable { name: FOLLOW, reader: Reader::Runtime, help: "record, too, what the program starts; set by itarget record --follow" },
    Variable { name: MODE, reader: Reader::Runtime, help: "record, replay or profile; set by the itarget command" },
    Variable { name: OPTIONS, reader: Reader::Runtime, help: "runtime options, name=value separated by ':'; help=1 lists them" },
    Variable { name: STATUS_FD, reader: Reader::Runtime, help: "replay: descriptor for the status line; set by itarget replay" },
    Variable { name: STREAM_FD, reader: Reader::Runtime, help: "replay: descriptor of the decoded stream; set by itarget replay" },
    Variable { name: TRACE, reader: Reader::Runtime, help: "directory of the trace; set by the itarget command" },
];
