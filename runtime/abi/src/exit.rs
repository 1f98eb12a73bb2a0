//! Exit codes of the tools and of the runtime when it must end the process itself.
//! A recorded or replayed program's own status is passed on, so ours are few and high.

/// Usage error of an itarget command (as clap).
pub const USAGE: i32 = 2;
/// Expected failure: bad input, a trace that can't be used. Message with an error code on stderr.
pub const FAILURE: i32 = 120;
/// Replay: the replay diverged from the recording.
pub const DIVERGED: i32 = 121;
/// Replay: the recording ends before the program did (killed, disk full, refused operation).
pub const TRACE_ENDS: i32 = 122;
/// The runtime found a bug of ours.
pub const BUG: i32 = 123;
/// Replay: an environment call was attempted (seccomp filter).
pub const ENVIRONMENT_CALL: i32 = 124;
