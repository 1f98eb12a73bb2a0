//! Packed logs: what packing saves, and what becomes of damaged, cut off and unfinished ones.

use super::{code, copy, dump, numbers, record, replay, stopped};
use itarget_tests::{Outcome, Recorder, Scratch, run, until};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// Bytes of the log in a whole piece, and of a piece's head.
const PIECE: usize = 4 << 20;
const HEAD: usize = 16;

fn size(file: &Path) -> u64 {
    file.metadata().map_or(0, |m| m.len())
}

/// Bytes of a file that the disk holds.
fn room(file: &Path) -> u64 {
    file.metadata().map_or(0, |m| m.blocks() * 512)
}

fn pack(s: &Scratch, trace: &Path) -> Outcome {
    s.run("itarget", &["pack".as_ref(), trace.as_os_str()])
}

/// Where the pieces of a packed log begin, its end, and the bytes of the log that they hold.
fn pieces(packed: &[u8]) -> (Vec<usize>, u64) {
    let field = |at: usize| u32::from_le_bytes(packed[at..at + 4].try_into().expect("4 bytes"));
    let (mut all, mut held) = (vec![0], 0);
    let mut at = 0;
    while at < packed.len() {
        assert_eq!(&packed[at..at + 4], b"ITLZ");
        held += u64::from(field(at + 4));
        at += HEAD + field(at + 8) as usize;
        all.push(at);
    }
    (all, held)
}

/// A file that is punched gives its room back, where the file system can.
fn punches_holes(s: &Scratch) -> bool {
    let probe = s.write("probe", vec![1; 1 << 20]);
    let punched = s.run("fallocate", &["-p", "-o", "0", "-l", "524288", &probe.to_string_lossy()]);
    punched.status == 0 && room(&probe) <= 600_000
}

/// A long log is packed while it is recorded, any log by `itarget pack`; what is packed replays, and its room is given back.
#[test]
fn logs_are_packed() {
    let s = Scratch::new();
    let exe = s.build_noisily("tests/faults/long.c", "libc");
    let trace = s.path("trace");
    let (log, packed) = (trace.join("log"), trace.join("log.lz4"));
    let recorded = record(&s, &trace, &exe, &[&packed.to_string_lossy()]);
    assert_eq!(recorded.status, 0, "{recorded:?}");
    assert!(size(&log) > 130_000_000, "{} bytes", size(&log));
    let early = size(&packed);
    assert!(early > 1_000_000, "{early} bytes were packed while it was recorded");
    let (_, held) = pieces(&std::fs::read(&packed).expect("there"));
    let whole = size(&log);
    let (most, takes) = (whole - held + (1 << 20), room(&log));
    assert!(takes <= most || !punches_holes(&s), "{takes} bytes are kept for what is not packed, and some: {most}");
    assert_eq!(replay(&s, &trace), recorded);
    let o = pack(&s, &trace);
    assert_eq!((o.status, o.stderr.as_str()), (0, ""), "{o:?}");
    assert!(!log.exists());
    assert!((early..20_000_000).contains(&size(&packed)), "{} bytes", size(&packed));
    assert_eq!(pieces(&std::fs::read(&packed).expect("there")).1, whole);
    assert_eq!(replay(&s, &trace), recorded);
    assert_eq!(dump(&s, &trace)["log"]["end"], "exit");
    let removed = s.run("itarget", &["rm", &trace.to_string_lossy()]);
    assert!(removed.status == 0 && !trace.exists(), "{removed:?}");
}

/// A recorded run of `chat` whose log has three pieces.
struct Packed {
    s: Scratch,
    trace: PathBuf,
    run: Outcome,
    /// The log as it was recorded, and packed.
    log: Vec<u8>,
    packed: Vec<u8>,
    /// Where its pieces begin, and its end.
    at: Vec<usize>,
}

fn recorded() -> Packed {
    let s = Scratch::new();
    let exe = s.build("tests/faults/chat.c", "libc");
    let trace = s.path("trace");
    let mut next = numbers(5);
    let input = s.write("input", (0..9_000_000).map(|_| next(256) as u8).collect::<Vec<_>>());
    let run = record(&s, &trace, &exe, &["hello", &input.to_string_lossy()]);
    assert_eq!((run.status, run.stderr.as_str()), (3, ""));
    let log = std::fs::read(trace.join("log")).expect("log");
    let o = pack(&s, &trace);
    assert_eq!((o.status, o.stderr.as_str()), (0, ""), "{o:?}");
    let packed = std::fs::read(trace.join("log.lz4")).expect("packed");
    let (at, held) = pieces(&packed);
    assert_eq!((at.len(), held), (4, log.len() as u64));
    assert_eq!(replay(&s, &trace), run);
    Packed { s, trace, run, log, packed, at }
}

impl Packed {
    /// A copy of the trace with these bytes in `log.lz4` and in `log`.
    fn with(&self, packed: &[u8], log: Option<&[u8]>) -> PathBuf {
        let to = copy(&self.trace, &self.s.path("damaged"));
        std::fs::write(to.join("log.lz4"), packed).expect("room");
        if let Some(log) = log {
            std::fs::write(to.join("log"), log).expect("room");
        }
        to
    }

    /// The log as it is when this many pieces are packed: a hole where they were.
    fn rest(&self, trace: &Path, pieces: usize) {
        let file = File::create(trace.join("log")).expect("file");
        file.set_len(self.log.len() as u64).expect("room");
        file.write_all_at(&self.log[pieces * PIECE..], (pieces * PIECE) as u64).expect("room");
    }

    /// A replay up to the damage: it stops by name, and has shown what whole pieces hold, of this many at least.
    fn up_to_damage(&self, trace: &Path, pieces: usize, what: &str) {
        let o = self.s.run("itarget", &["replay".as_ref(), "--until-damage".as_ref(), trace.as_os_str()]);
        assert_eq!((o.status, o.stderr.contains("IT0613")), (122, true), "{what}: {o:?}");
        stopped(&o, &self.run.stdout);
        // Each line has a block of 1000 bytes and little more in the log; the last chunk may not be whole.
        let (lines, least) = (o.stdout.lines().count(), pieces * PIECE / 1100);
        assert!(lines + 200 >= least && lines < (pieces + 1) * PIECE / 1000 + 10, "{what}: {lines} lines, expected {least}");
    }
}

#[test]
fn every_bit_of_the_head_of_a_piece_counts() {
    let p = recorded();
    for (piece, at) in p.at[..3].iter().enumerate() {
        for byte in 0..HEAD {
            let what = format!("piece {piece}, byte {byte}");
            let mut bytes = p.packed.clone();
            bytes[at + byte] ^= 1 << ((byte + piece) % 8);
            let trace = p.with(&bytes, None);
            let o = replay(&p.s, &trace);
            o.refused("IT0601");
            assert!(o.stderr.contains("log.lz4"), "{what}: {o:?}");
        }
    }
}

#[test]
fn damaged_packed_logs_replay_up_to_the_damage() {
    let p = recorded();
    let middle = usize::midpoint(p.at[1], p.at[2]);
    let mut flipped = p.packed.clone();
    flipped[middle] ^= 1;
    // As of a disk that lost a block.
    let mut hole = p.packed.clone();
    hole[middle..middle + 4096].fill(0);
    let mut head = p.packed.clone();
    head[p.at[1] + 9] ^= 0x40;
    for (what, bytes) in [("a flipped bit", &flipped), ("a hole", &hole), ("a head", &head)] {
        let trace = p.with(bytes, None);
        let o = replay(&p.s, &trace);
        o.refused("IT0601");
        assert!(o.stderr.contains("--until-damage"), "{what}: {o:?}");
        p.up_to_damage(&trace, 1, what);
        let listed = p.s.run("itarget", &["ps".as_ref(), trace.as_os_str()]);
        assert!(listed.stdout.contains("damaged") || listed.stderr.contains("IT0601"), "{what}: {listed:?}");
        let removed = p.s.run("itarget", &["rm".as_ref(), trace.as_os_str()]);
        assert!(removed.status == 0 && !trace.exists(), "{what}: {removed:?}");
    }
}

#[test]
fn packed_logs_that_were_cut_off_replay_no_more_than_they_hold() {
    let p = recorded();
    // Behind a piece: as if the rest had never been recorded.
    let o = replay(&p.s, &p.with(&p.packed[..p.at[2]], None));
    assert_eq!((o.status, code(&o)), (122, Some("IT0613")), "{o:?}");
    stopped(&o, &p.run.stdout);
    assert!(o.stdout.lines().count() > 7000, "{}", o.stdout.lines().count());
    // Within one, its bytes are nowhere.
    for cut in [3, HEAD, HEAD + 1, p.at[1] - 1, p.at[1] + 5, p.at[2] + 100, p.packed.len() - 1] {
        let trace = p.with(&p.packed[..cut], None);
        replay(&p.s, &trace).refused("IT0601");
    }
    replay(&p.s, &p.with(b"", None)).refused("IT0604");
}

/// A log that is packed in part: what was cut off while it was packed stands in `log`; what does not is not made up.
#[test]
fn logs_that_are_packed_in_part_replay_exactly() {
    let p = recorded();
    for pieces in 0..3 {
        for more in [0, 9, 20_000] {
            let trace = p.with(&p.packed[..p.at[pieces] + more], None);
            p.rest(&trace, pieces);
            assert_eq!(replay(&p.s, &trace), p.run, "{pieces} pieces and {more} bytes");
        }
    }
    // Packed further, they are what they would have been.
    let trace = p.with(&p.packed[..p.at[1] + 20_000], None);
    p.rest(&trace, 1);
    assert_eq!(pack(&p.s, &trace).status, 0);
    assert_eq!(std::fs::read(trace.join("log.lz4")).expect("packed"), p.packed);
    // Without the piece that the hole stands for, in whole or in part.
    for there in [0, p.at[1] - 10, p.at[1] / 2] {
        let trace = p.with(&p.packed[..there], None);
        p.rest(&trace, 1);
        replay(&p.s, &trace).refused("IT0601");
        let before = std::fs::read(trace.join("log.lz4")).expect("there");
        let o = pack(&p.s, &trace);
        assert_eq!((o.status, code(&o), o.stderr.contains("panicked")), (120, Some("IT0601"), false), "{there}: {o:?}");
        assert_eq!(std::fs::read(trace.join("log.lz4")).expect("there"), before, "{there}");
        assert_eq!(size(&trace.join("log")), p.log.len() as u64);
    }
    std::fs::remove_file(trace.join("log.lz4")).expect("there");
    p.rest(&trace, 1);
    replay(&p.s, &trace).refused("IT0601");
    // A hole in what is not packed.
    let mut log = p.log.clone();
    log[PIECE + 70_000..PIECE + 74_096].fill(0);
    let trace = p.with(&p.packed[..p.at[1]], Some(&log));
    replay(&p.s, &trace).refused("IT0601");
    p.up_to_damage(&trace, 1, "a hole in the log");
}

/// IT0628: nothing of the trace is touched.
#[test]
fn logs_that_are_used_or_may_grow_are_not_packed() {
    let p = recorded();
    let refused = |trace: &Path, what: &str| {
        let o = pack(&p.s, trace);
        assert_eq!((o.status, code(&o)), (120, Some("IT0628")), "{what}: {o:?}");
        assert!(o.stderr.contains("hint: ") && o.stderr.contains(what) && !o.stderr.contains("panicked"), "{what}: {o:?}");
        assert!(trace.join("log").exists());
    };
    // Another one reads it.
    let trace = p.with(&p.packed[..p.at[1]], None);
    p.rest(&trace, 1);
    let file = File::open(trace.join("log.lz4")).expect("there");
    file.lock_shared().expect("a lock");
    refused(&trace, "another itarget");
    // It is read at the same time.
    assert_eq!(replay(&p.s, &trace), p.run);
    file.unlock().expect("a lock");
    assert_eq!(pack(&p.s, &trace).status, 0);
    assert_eq!(replay(&p.s, &trace), p.run);
    // The program still runs: it waits at a pipe that nobody writes.
    let s = &p.s;
    let made = s.run("mkfifo", &["pipe"]);
    assert_eq!(made.status, 0, "{made:?}");
    let mut recorder = s.command("itarget");
    recorder.args(["record", "--ring-kib", "64", "-o", "running", "--", "./chat", "hello", "pipe"]);
    let mut recorder = Recorder::start(recorder.stdin(Stdio::null()).stdout(Stdio::null()));
    let mut pipe = opened(&s.path("pipe"));
    pipe.write_all(&[7; 60_000]).expect("it has room for that");
    let running = s.path("running");
    refused(&running, "may still be written");
    let live = replay(s, &running);
    assert_eq!((live.status, code(&live)), (122, Some("IT0613")), "{live:?}");
    drop(pipe);
    assert_eq!(recorder.ended(), Some(3));
    assert_eq!(pack(s, &running).status, 0);
    assert_eq!(replay(s, &running).status, 3);
    // It was killed: its live chunk holds what came last.
    let killed = s.path("killed");
    let script = "itarget record --ring-kib 64 -o killed -- ./chat hello pipe & exec 3>pipe; head -c 3500 input >&3; sleep 0.05; kill -9 $(cat /proc/$!/task/$!/children) $!; wait";
    let mut c = s.command("sh");
    c.args(["-c", script]).env("PATH", format!("{}:{}", itarget_tests::tools().display(), std::env::var("PATH").unwrap_or_default()));
    let o = run(&mut c, b"").expect("runs");
    refused(&killed, "may still be written");
    let again = replay(s, &killed);
    assert_eq!((again.status, code(&again)), (122, Some("IT0613")), "{o:?} {again:?}");
}

/// The end for writing of a pipe with a name, once somebody has opened the other one.
fn opened(pipe: &Path) -> File {
    const O_NONBLOCK: i32 = 0o4000;
    until("the program opens the pipe", || OpenOptions::new().write(true).custom_flags(O_NONBLOCK).open(pipe).ok())
}

#[test]
fn a_log_that_can_not_be_packed_for_want_of_room_stays() {
    let p = recorded();
    let disk = p.s.path("disk");
    std::fs::create_dir(&disk).expect("directory");
    // The log has 9 MB; its first piece is as long packed: what it holds is arbitrary.
    let mounted = p.s.run("mount", &["-t", "tmpfs", "-o", "size=10m", "tmpfs", &disk.to_string_lossy()]);
    if mounted.status != 0 {
        println!("skipped: no mount here: {}", mounted.stderr);
        return;
    }
    let result = std::panic::catch_unwind(|| {
        let trace = disk.join("trace");
        std::fs::create_dir(&trace).expect("room");
        for name in ["version", "meta.json"] {
            std::fs::copy(p.trace.join(name), trace.join(name)).expect("room");
        }
        std::fs::write(trace.join("log"), &p.log).expect("room");
        let o = pack(&p.s, &trace);
        assert_eq!((o.status, code(&o)), (120, Some("IT0628")), "{o:?}");
        assert!(o.stderr.contains("hint: "), "{o:?}");
        assert_eq!(std::fs::read(trace.join("log")).expect("there"), p.log);
        assert_eq!(replay(&p.s, &trace), p.run);
    });
    let unmounted = p.s.run("umount", &[&disk]);
    assert_eq!(unmounted.status, 0, "{unmounted:?}");
    if let Err(e) = result {
        std::panic::resume_unwind(e);
    }
}
