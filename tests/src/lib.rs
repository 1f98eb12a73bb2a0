//! Support code of the end-to-end tests: where the built tools are, `//#` directives, running a
//! program with a time limit.

pub mod generate;
pub mod reduce;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Directory with `itarget`, `itarget-cc`, the plugin and the runtime archive: that of the test
/// executable's profile (`target/debug` or `target/release`), or `TOOLS_UNDER_TEST`.
#[must_use]
pub fn tools() -> PathBuf {
    if let Some(dir) = std::env::var_os("TOOLS_UNDER_TEST") {
        return dir.into();
    }
    let exe = std::env::current_exe().unwrap_or_default();
    exe.ancestors().nth(2).unwrap_or(Path::new(".")).to_path_buf()
}

/// Root of the repository.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_path_buf()
}

/// Rows of tests/known-failures.tsv: name of the test, reason. Rows only leave.
#[must_use]
pub fn known_failures() -> Vec<String> {
    let text = std::fs::read_to_string(root().join("tests/known-failures.tsv")).unwrap_or_default();
    text.lines().skip(1).filter_map(|l| l.split('\t').next()).map(str::to_string).collect()
}

/// What a program did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Exit status, or 128 + signal.
    pub status: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// Seconds a command may take.
const LIMIT: u64 = 60;

/// What the processes of a group are doing: state, signals, system call, stack (if gdb is there).
fn autopsy(group: u32) -> String {
    let mut out = format!("still running after {LIMIT} s:\n");
    let numbered = |e: std::fs::DirEntry| e.file_name().to_str()?.parse::<u32>().ok();
    for pid in std::fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(numbered) {
        let read = |name: &str| std::fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default();
        // After the name in parentheses: state, parent, group.
        let stat = read("stat");
        let of_group = stat.rsplit(')').next().and_then(|r| r.split_whitespace().nth(2)?.parse().ok()) == Some(group);
        if !of_group {
            continue;
        }
        let status = read("status");
        let wanted = |l: &&str| ["Name", "State", "Sig", "Shd"].iter().any(|w| l.starts_with(w));
        let lines: Vec<&str> = status.lines().filter(wanted).collect();
        out += &format!("process {pid}: {}\n  system call {}", lines.join(", ").replace('\t', " "), read("syscall"));
        let mut gdb = Command::new("timeout");
        gdb.args(["-s", "KILL", "10", "gdb", "-p", &pid.to_string(), "-batch", "-nx", "-ex", "thread apply all bt 20"]);
        if let Ok(o) = gdb.stdin(Stdio::null()).output() {
            let text = String::from_utf8_lossy(&o.stdout).into_owned();
            for l in text.lines().filter(|l| l.starts_with('#')) {
                out += &format!("  {l}\n");
            }
        }
    }
    out
}

/// Runs a command with `stdin` and a time limit of 60 seconds (then its process group is killed,
/// and what it was doing is added to its standard error).
///
/// # Errors
/// The command can't be started.
pub fn run(command: &mut Command, stdin: &[u8]) -> std::io::Result<Outcome> {
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    // A group of its own: the watchdog ends children of the command too.
    command.process_group(0);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    if let Some(mut pipe) = child.stdin.take() {
        let _ = pipe.write_all(stdin); // a program that does not read it closes the pipe
    }
    let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
    let reader = std::thread::spawn(move || {
        let mut text = vec![];
        if let Some(e) = err.as_mut() {
            let _ = e.read_to_end(&mut text);
        }
        text
    });
    let id = child.id();
    let (done, finished) = std::sync::mpsc::channel::<()>();
    let watchdog = std::thread::spawn(move || {
        let mut found = String::new();
        if finished.recv_timeout(Duration::from_secs(LIMIT)).is_err() {
            found = autopsy(id);
            let _ = Command::new("kill").args(["-9", "--", &format!("-{id}")]).status();
        }
        found
    });
    let mut stdout = vec![];
    if let Some(o) = out.as_mut() {
        o.read_to_end(&mut stdout)?;
    }
    let status = child.wait()?;
    let _ = done.send(());
    let found = watchdog.join().unwrap_or_default();
    let stderr = reader.join().unwrap_or_default();
    Ok(Outcome {
        status: status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)),
        stdout: String::from_utf8_lossy(&stdout).into_owned(),
        stderr: String::from_utf8_lossy(&stderr).into_owned() + &found,
    })
}

/// What is there at last, in a minute.
///
/// # Panics
/// It is not.
pub fn until<T>(what: &str, mut get: impl FnMut() -> Option<T>) -> T {
    for _ in 0..LIMIT * 100 {
        if let Some(got) = get() {
            return got;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{what}: not after {LIMIT} seconds");
}

/// A recording in the background. Neither it nor its program outlives this.
#[derive(Debug)]
pub struct Recorder(Child);

impl Recorder {
    /// Starts `itarget record` as this command says.
    ///
    /// # Panics
    /// It can't be started.
    #[must_use]
    pub fn start(command: &mut Command) -> Recorder {
        Recorder(command.spawn().expect("itarget starts"))
    }

    fn child(&self) -> Option<String> {
        let id = self.0.id();
        let list = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).ok()?;
        list.split_whitespace().next().map(str::to_string)
    }

    /// The process id of the recorded program, which may not have started yet; none if it has ended.
    pub fn program(&mut self) -> Option<String> {
        until("the program runs", || match self.child() {
            None if self.0.try_wait().is_ok_and(|ended| ended.is_none()) => None,
            known => Some(known),
        })
    }

    /// Kills itarget, but not its program.
    ///
    /// # Panics
    /// It can't be killed.
    pub fn kill(&mut self) {
        self.0.kill().expect("it is ours");
    }

    /// Exit status of itarget, when it ends; none if a signal ended it.
    ///
    /// # Panics
    /// It does not end.
    pub fn ended(&mut self) -> Option<i32> {
        until("the recording ends", || self.0.try_wait().expect("it is ours")).code()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if let Some(program) = self.child() {
            kill(&program);
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Kills a process, if it is there; returns whether it was.
pub fn kill(pid: &str) -> bool {
    Command::new("kill").args(["-9", pid]).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
}

/// How a process other than the first one ends (`child: NUMBER exec`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By itself.
    Exit,
    /// `abort`: the replay does the same.
    Abort,
    /// `exec`: the recording ends there.
    Exec,
    /// `killed`: by a signal of another process, so the recording is cut off there.
    Killed,
    /// `fault`: by a wild access, which the replay makes, too.
    Fault,
}

/// When children of a program are not recorded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Unrecorded {
    /// They are.
    #[default]
    Never,
    /// With accesses that are ordered as they are made.
    IfOrdered,
    /// Never recorded.
    Always,
}

/// Directives of a test program: lines `//# name: value`.
#[derive(Debug, Clone, Default)]
pub struct Directives {
    /// Arguments.
    pub args: Vec<String>,
    /// Environment, `name=value`.
    pub env: Vec<(String, String)>,
    /// Standard input (`\n` in the directive is a line feed).
    pub stdin: String,
    /// Expected status (128 + signal for a fatal signal).
    pub status: i32,
    /// Digests of replay-space memory must be compared and agree.
    pub r3: bool,
    /// The log must be smaller than this many bytes.
    pub log_below: Option<u64>,
    /// Replay targets (`ITARGET_CC_TARGET`) under which the program is tested; empty: the usual ones.
    pub targets: Vec<String>,
    /// Each of these targets must be separable from the environment.
    pub separable: bool,
    /// `varies: output`: what is printed depends on the schedule of the threads.
    pub varies: bool,
    /// `end: running`: other threads run when the program ends, so its memory has no state to compare.
    pub running: bool,
    /// `end: exec`: the first process becomes another image, where its trace ends.
    pub replaced: bool,
    /// `races: trust`: linked with `ITARGET_CC_RACES=trust`.
    pub trusted: bool,
    /// `children: print`: processes other than the first print too, so a replay of the first shows a part.
    pub children_print: bool,
    /// `children: beside threads`: the first process has other threads when it forks, so the memory of its children has no state to compare.
    pub children_beside_threads: bool,
    /// `children: unrecorded`: children are not, and one of them says so; `children: unrecorded if ordered`: with accesses that are ordered as they are made.
    pub unrecorded: Unrecorded,
    /// `child: 2 killed`: processes other than the first that do not end by an exit; numbers are those of `itarget ps`.
    pub ends: Vec<(u64, End)>,
    /// `shows: TEXT`: a replay shows of what was printed only the lines that begin so: the rest is not the target's.
    pub shows: Option<String>,
    /// Libraries to link with, `-lname`.
    pub libs: Vec<String>,
    /// `processes: N`: so many are recorded, the first included.
    pub processes: Option<usize>,
    /// Optimisation levels; default `-O2`.
    pub levels: Vec<String>,
}

impl Directives {
    /// Reads the directives of a source text.
    ///
    /// # Errors
    /// A directive that does not exist or can't be read.
    pub fn parse(source: &str) -> Result<Directives, String> {
        let mut d = Directives { levels: vec!["-O2".into()], ..Directives::default() };
        for line in source.lines() {
            let Some(rest) = line.strip_prefix("//#") else { continue };
            let (name, value) = rest.split_once(':').ok_or_else(|| format!("no `:` in {line}"))?;
            let value = value.trim();
            let words = || value.split_whitespace().map(str::to_string).collect::<Vec<_>>();
            match name.trim() {
                "args" => d.args = words(),
                "env" => {
                    d.env = words()
                        .iter()
                        .filter_map(|w| w.split_once('='))
                        .map(|(a, b)| (a.to_string(), b.to_string()))
                        .collect();
                }
                "stdin" => d.stdin = value.replace("\\n", "\n"),
                "status" => d.status = value.parse().map_err(|e| format!("{line}: {e}"))?,
                "signal" => {
                    d.status = 128 + value.parse::<i32>().map_err(|e| format!("{line}: {e}"))?;
                }
                "level" if value == "R3" => d.r3 = true,
                "log-below" => d.log_below = Some(value.parse().map_err(|e| format!("{line}: {e}"))?),
                "target" => {
                    d.targets.push(value.to_string());
                    d.separable = true;
                }
                "varies" if value == "output" => d.varies = true,
                "end" if value == "running" => d.running = true,
                "end" if value == "exec" => d.replaced = true,
                "races" if value == "trust" => d.trusted = true,
                "children" if value == "print" => d.children_print = true,
                "children" if value == "beside threads" => d.children_beside_threads = true,
                "children" if value == "unrecorded" => d.unrecorded = Unrecorded::Always,
                "children" if value == "unrecorded if ordered" => d.unrecorded = Unrecorded::IfOrdered,
                "child" => {
                    let bad = || format!("{line}: not a process and its end");
                    let (process, end) = value.split_once(' ').ok_or_else(bad)?;
                    let end = match end {
                        "abort" => End::Abort,
                        "exec" => End::Exec,
                        "killed" => End::Killed,
                        "fault" => End::Fault,
                        _ => return Err(bad()),
                    };
                    d.ends.push((process.parse().map_err(|_| bad())?, end));
                }
                "shows" => d.shows = Some(value.to_string()),
                "libs" => d.libs = words(),
                "processes" => d.processes = Some(value.parse().map_err(|e| format!("{line}: {e}"))?),
                "opt" => d.levels = words(),
                other => return Err(format!("unknown directive `{other}`")),
            }
        }
        Ok(d)
    }
}

/// A scratch directory in which programs are built, recorded and replayed. It also stands in for
/// the user's home, and nothing of ours is in the environment.
#[derive(Debug)]
pub struct Scratch {
    dir: tempfile::TempDir,
}

impl Scratch {
    /// A new one.
    ///
    /// # Panics
    /// No directory can be made.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "it makes a directory")]
    pub fn new() -> Scratch {
        Scratch { dir: tempfile::tempdir().expect("scratch directory") }
    }

    /// A path in the directory.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file and returns its path.
    ///
    /// # Panics
    /// It can't be written.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).expect("write");
        path
    }

    /// Writes a file that may be executed and returns its path.
    ///
    /// # Panics
    /// It can't be written.
    pub fn write_program(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.write(name, bytes);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("mode");
        path
    }

    /// A command in this directory without variables of ours. Names without a slash that begin
    /// with `itarget` are those of the tools under test.
    #[must_use]
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let name = program.as_ref().to_string_lossy().into_owned();
        let ours = name.starts_with("itarget") && !name.contains('/');
        let mut c = Command::new(if ours { tools().join(&name).into() } else { program.as_ref().to_os_string() });
        for (name, _) in std::env::vars_os().filter(|(n, _)| n.to_string_lossy().starts_with("ITARGET_")) {
            c.env_remove(name);
        }
        let home = self.dir.path();
        c.env("XDG_DATA_HOME", home).env("XDG_CACHE_HOME", home).env("HOME", home).env("LC_ALL", "C").current_dir(home);
        c
    }

    /// Runs a command of [`Scratch::command`] to its end.
    ///
    /// # Panics
    /// It can't be started.
    pub fn run<S: AsRef<std::ffi::OsStr>>(&self, program: &str, args: &[S]) -> Outcome {
        self.run_with(program, args, b"")
    }

    /// The same with standard input.
    ///
    /// # Panics
    /// It can't be started.
    pub fn run_with<S: AsRef<std::ffi::OsStr>>(&self, program: &str, args: &[S], stdin: &[u8]) -> Outcome {
        run(self.command(program).args(args), stdin).expect("the command starts")
    }

    /// Builds a source of the repository (`tests/faults/ends.c`) with itarget-cc, for the cut
    /// `min` or `libc`.
    ///
    /// # Panics
    /// The build fails or says anything.
    pub fn build(&self, source: &str, cut: &str) -> PathBuf {
        let (exe, said) = self.build_saying(source, cut);
        assert_eq!(said, "", "the build of {source}");
        exe
    }

    /// The same for a program of which itarget-cc may warn that its recording will end early.
    ///
    /// # Panics
    /// The build fails.
    pub fn build_noisily(&self, source: &str, cut: &str) -> PathBuf {
        self.build_saying(source, cut).0
    }

    fn build_saying(&self, source: &str, cut: &str) -> (PathBuf, String) {
        let source = root().join(source);
        let exe = self.path(&source.file_stem().unwrap_or_default().to_string_lossy());
        let mut c = self.command("itarget-cc");
        c.args(["-O2", "-g"]).arg(&source).arg("-o").arg(&exe).env("ITARGET_CC_CUT", cut);
        let o = run(&mut c, b"").expect("itarget-cc starts");
        assert_eq!((o.status, o.stdout.as_str()), (0, ""), "the build of {}: {}", source.display(), o.stderr);
        (exe, o.stderr)
    }
}

impl Outcome {
    /// Checks that a command of ours refused: status 120, nothing on stdout, one error with this
    /// code and a hint, no panic.
    ///
    /// # Panics
    /// It did not.
    #[track_caller]
    pub fn refused(&self, code: &str) {
        assert_eq!((self.status, self.stdout.as_str()), (120, ""), "{self:?}");
        assert!(self.stderr.contains(&format!("error [{code}]: ")), "no {code}: {self:?}");
        assert!(self.stderr.contains("hint: "), "no hint: {self:?}");
        assert!(!self.stderr.contains("panicked"), "{self:?}");
    }
}
