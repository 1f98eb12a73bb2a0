//! The annotation files that come with itarget. Kept in step with the tree by a test.

/// File name and text of every built-in annotation file, sorted by name.
pub(crate) const BUILTIN: &[(&str, &str)] = &[
    ("gnu/regex.toml", include_str!("../gnu/regex.toml")),
    ("libc/ctype.toml", include_str!("../libc/ctype.toml")),
    ("libc/errno.toml", include_str!("../libc/errno.toml")),
    ("libc/locale.toml", include_str!("../libc/locale.toml")),
    ("libc/search.toml", include_str!("../libc/search.toml")),
    ("libc/setjmp.toml", include_str!("../libc/setjmp.toml")),
    ("libc/stdio.toml", include_str!("../libc/stdio.toml")),
    ("libc/stdlib.toml", include_str!("../libc/stdlib.toml")),
    ("libc/string.toml", include_str!("../libc/string.toml")),
    ("libc/time.toml", include_str!("../libc/time.toml")),
    ("libc/wide.toml", include_str!("../libc/wide.toml")),
    ("linux/epoll.toml", include_str!("../linux/epoll.toml")),
    ("linux/system.toml", include_str!("../linux/system.toml")),
    ("math.toml", include_str!("../math.toml")),
    ("posix/dir.toml", include_str!("../posix/dir.toml")),
    ("posix/file.toml", include_str!("../posix/file.toml")),
    ("posix/ipc.toml", include_str!("../posix/ipc.toml")),
    ("posix/memory.toml", include_str!("../posix/memory.toml")),
    ("posix/poll.toml", include_str!("../posix/poll.toml")),
    ("posix/process.toml", include_str!("../posix/process.toml")),
    ("posix/pthread.toml", include_str!("../posix/pthread.toml")),
    ("posix/pwd.toml", include_str!("../posix/pwd.toml")),
    ("posix/sched.toml", include_str!("../posix/sched.toml")),
    ("posix/signal.toml", include_str!("../posix/signal.toml")),
    ("posix/socket.toml", include_str!("../posix/socket.toml")),
    (
        "posix/terminal.toml",
        include_str!("../posix/terminal.toml"),
    ),
];
