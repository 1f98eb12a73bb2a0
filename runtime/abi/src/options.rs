//! Runtime options given in [`crate::env::OPTIONS`]: one list, from which help and docs come.

/// One runtime option with an integer value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuntimeOption {
    /// Name before the `=`.
    pub name: &'static str,
    /// Value when it is not given.
    pub default: u64,
    /// One sentence for help and docs.
    pub help: &'static str,
}

/// Every runtime option, sorted by name.
pub const ALL: &[RuntimeOption] = &[
    RuntimeOption { name: "digest", default: 0, help: "1: log a digest of replay-space memory at every digest_every boundary calls and at exit; replay compares it" },
    RuntimeOption { name: "digest_every", default: 0, help: "boundary calls between two digests; 0: only at exit" },
    RuntimeOption { name: "full", default: 0, help: "1 (check=full): log the site id of every event, so that a divergence names its exact site" },
    RuntimeOption { name: "help", default: 0, help: "1: list these options on stderr and exit" },
    RuntimeOption { name: "ring_kib", default: 1024, help: "size of the live chunk in KiB (64 to 65536)" },
    RuntimeOption { name: "sandbox", default: 1, help: "replay: 1 installs a seccomp filter that refuses every environment call" },
    RuntimeOption { name: "sites", default: 0, help: "replay: 1 counts events and bytes of the log by site, for itarget explain" },
    RuntimeOption { name: "stack_kib", default: 8192, help: "size of the main stack in KiB while recording (64 to 1048576)" },
];
