//! Traces that were cut short, damaged, or belong to something else.

use super::{code, copy, dump, record, replay, spread, stopped};
use itarget_abi::log::{ChunkHeader, End, HEADER, Start, crc32c};
use itarget_abi::version::LOG;
use itarget_tests::{Outcome, Scratch};
use std::mem::offset_of;
use std::path::PathBuf;

/// A recorded run of `chat` whose log has several chunks.
struct Recorded {
    s: Scratch,
    exe: PathBuf,
    trace: PathBuf,
    run: Outcome,
    log: Vec<u8>,
}

fn recorded() -> Recorded {
    let s = Scratch::new();
    let exe = s.build("tests/faults/chat.c", "libc");
    let trace = s.path("trace");
    let mut next = super::numbers(1);
    let input = s.write("input", (0..200_500).map(|_| next(256) as u8).collect::<Vec<_>>());
    let run = record(&s, &trace, &exe, &["hello", &input.to_string_lossy()]);
    assert_eq!((run.status, run.stderr.as_str()), (3, ""));
    assert_eq!(run.stdout.lines().count(), 203);
    let log = std::fs::read(trace.join("log")).expect("log");
    assert!(log.len() > 200_000);
    assert_eq!(replay(&s, &trace), run);
    Recorded { s, exe, trace, run, log }
}

impl Recorded {
    /// A replay of the trace with other bytes in one of its files: it must refuse, stop with a
    /// code, or do exactly what the recorded run did. True when it did that.
    fn replay_with(&self, what: &str, file: &str, bytes: &[u8]) -> bool {
        let to = self.s.path("damaged");
        let _ = std::fs::remove_dir_all(&to);
        copy(&self.trace, &to);
        std::fs::write(to.join(file), bytes).expect("write");
        let o = replay(&self.s, &to);
        let exact = o.status == self.run.status && o.stdout == self.run.stdout;
        if exact {
            // It may say that the log is cut off behind the last event.
            assert!(o.stderr.lines().all(|l| l.starts_with("itarget: note: the log is cut off")), "{what}: {o:?}");
            return true;
        }
        let stopped = [120, 121, 122].contains(&o.status)
            && code(&o).is_some()
            && self.run.stdout.starts_with(&o.stdout)
            && !o.stderr.contains("panicked");
        assert!(stopped, "{what}: {o:?}");
        if o.status == 120 {
            assert!(o.stderr.contains("hint: "), "{what}: {o:?}");
        }
        false
    }
}

#[test]
fn a_log_cut_off_anywhere_stops_with_a_code_or_is_whole() {
    let r = recorded();
    let mut at: Vec<u64> = (0..=HEADER as u64).collect();
    at.extend(spread(r.log.len() as u64, 60));
    let mut same = vec![];
    for n in at {
        let n = usize::try_from(n).expect("small");
        if r.replay_with(&format!("cut at {n}"), "log", &r.log[..n]) {
            same.push(n);
        }
    }
    // Only where no event is lost: inside the END chunk.
    let end = r.log.len() - HEADER - size_of::<End>();
    assert!(same.iter().all(|n| *n >= end) && !same.is_empty(), "{same:?}");
}

#[test]
fn a_cut_off_log_replays_up_to_the_cut() {
    let r = recorded();
    let chunks = dump(&r.s, &r.trace)["log"]["chunks"].as_array().expect("chunks").clone();
    assert!(chunks.len() >= 5, "{chunks:?}");
    let mut before = 0;
    for c in &chunks[1..4] {
        let at = usize::try_from(c["at"].as_u64().expect("offset")).expect("small");
        let to = r.s.path("cut");
        let _ = std::fs::remove_dir_all(&to);
        copy(&r.trace, &to);
        std::fs::write(to.join("log"), &r.log[..at + 1]).expect("write");
        let o = replay(&r.s, &to);
        assert_eq!((o.status, code(&o)), (122, Some("IT0613")), "{o:?}");
        stopped(&o, &r.run.stdout);
        // Each chunk has some 65 blocks, each of them a line.
        let lines = o.stdout.lines().count();
        assert!(before == 0 || (lines > before + 60 && lines < before + 70), "{before} {lines}");
        assert!(o.stderr.contains(&format!("cut off at byte {at}")), "{o:?}");
        before = lines.max(1);
    }
}

#[test]
fn a_flipped_bit_anywhere_in_the_log_is_noticed() {
    let r = recorded();
    let mut bits: Vec<u64> = (0..HEADER as u64).map(|b| b * 8 + b % 8).collect();
    bits.extend(spread(r.log.len() as u64 * 8, 100));
    for bit in bits {
        let bit = usize::try_from(bit).expect("small");
        let mut bytes = r.log.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let exact = r.replay_with(&format!("bit {bit}"), "log", &bytes);
        // A wrong length in the END chunk can't be told from a log that was cut off there.
        assert!(!exact || bit / 8 > r.log.len() - HEADER - size_of::<End>(), "bit {bit} was not noticed");
    }
}

#[test]
fn a_flipped_bit_in_the_other_files_changes_no_replay() {
    let r = recorded();
    for (file, count) in [("version", 16), ("meta.json", 100)] {
        let bytes = std::fs::read(r.trace.join(file)).expect("file");
        for bit in spread(bytes.len() as u64 * 8, count) {
            let bit = usize::try_from(bit).expect("small");
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            r.replay_with(&format!("{file} bit {bit}"), file, &bytes);
        }
    }
}

#[test]
fn until_damage_replays_what_comes_before() {
    let r = recorded();
    let to = copy(&r.trace, &r.s.path("damaged"));
    let mut bytes = r.log.clone();
    bytes[100_000] ^= 1;
    std::fs::write(to.join("log"), &bytes).expect("write");
    let o = replay(&r.s, &to);
    o.refused("IT0601");
    assert!(o.stderr.contains("--until-damage"), "{o:?}");
    let o = r.s.run("itarget", &["replay".as_ref(), "--until-damage".as_ref(), to.as_os_str()]);
    assert_eq!((o.status, o.stderr.contains("IT0613")), (122, true), "{o:?}");
    assert!(o.stdout.lines().count() > 60);
    stopped(&o, &r.run.stdout);
}

#[test]
fn files_that_are_missing_or_empty_are_named() {
    let r = recorded();
    for (file, code) in [("log", "IT0604"), ("version", "IT0604"), ("meta.json", "IT0604")] {
        for empty in [true, false] {
            let to = r.s.path("broken");
            let _ = std::fs::remove_dir_all(&to);
            copy(&r.trace, &to);
            if empty {
                std::fs::write(to.join(file), "").expect("write");
            } else {
                std::fs::remove_file(to.join(file)).expect("remove");
            }
            replay(&r.s, &to).refused(code);
        }
    }
}

#[test]
fn the_trace_of_another_binary_is_refused() {
    let r = recorded();
    let other = r.s.build_noisily("tests/faults/ends.c", "libc");
    let replay_by = |exe: &str| r.s.run("itarget", &["replay", "--exe", exe, &r.trace.to_string_lossy()]);
    let o = replay_by(&other.to_string_lossy());
    o.refused("IT0603");
    assert!(o.stderr.contains("another program"), "{o:?}");
    replay_by("/bin/true").refused("IT0501");
    replay_by("/nonexistent").refused("IT0501");
    // The same source with another cut: the same program with another interface.
    std::fs::create_dir(r.s.path("min")).expect("directory");
    let (source, exe) = (itarget_tests::root().join("tests/faults/chat.c"), r.s.path("min/chat"));
    let o = r.s.run("itarget-cc", &["-O2".as_ref(), "-g".as_ref(), source.as_os_str(), "-o".as_ref(), exe.as_os_str()]);
    assert_eq!(o.status, 0, "{o:?}");
    let o = replay_by(&exe.to_string_lossy());
    o.refused("IT0603");
    assert!(o.stderr.contains("another interface"), "{o:?}");
    // Built again in its place, without --exe.
    std::fs::copy(&other, &r.exe).expect("copy");
    replay(&r.s, &r.trace).refused("IT0603");
}

/// The log with its START chunk changed and its checksum made right again.
fn start_changed(log: &[u8], at: usize, value: &[u8]) -> Vec<u8> {
    let mut bytes = log.to_vec();
    bytes[at..at + value.len()].copy_from_slice(value);
    let len = offset_of!(ChunkHeader, len);
    let len = u32::from_le_bytes(log[len..len + 4].try_into().expect("4 bytes")) as usize;
    let crc = offset_of!(ChunkHeader, crc);
    bytes[crc..crc + 4].fill(0);
    let sum = crc32c(crc32c(0, &bytes[..HEADER]), &bytes[HEADER..HEADER + len]);
    bytes[crc..crc + 4].copy_from_slice(&sum.to_le_bytes());
    bytes
}

#[test]
fn another_format_version_is_refused_by_name() {
    let r = recorded();
    let to = copy(&r.trace, &r.s.path("other"));
    let with = |bytes: Vec<u8>| {
        std::fs::write(to.join("log"), bytes).expect("write");
        replay(&r.s, &to)
    };
    let version = offset_of!(ChunkHeader, version);
    with(start_changed(&r.log, version, &(LOG + 1).to_le_bytes())).refused("IT0602");
    let kind = offset_of!(ChunkHeader, kind);
    assert_eq!(with(start_changed(&r.log, kind, &0x55u16.to_le_bytes())).status, 120);
    // What the runtime of the program checks.
    for (field, value, code) in [
        (offset_of!(Start, abi), 99u32, "IT0619"),
        (offset_of!(Start, libc), 3_001, "IT0611"),
        (offset_of!(Start, argc), 77, "IT0601"),
        (offset_of!(Start, envc), u32::MAX, "IT0601"),
    ] {
        let o = with(start_changed(&r.log, HEADER + field, &value.to_le_bytes()));
        assert_eq!((o.status, super::code(&o), o.stdout.as_str()), (120, Some(code), ""), "{o:?}");
    }
    // Unchanged, it still replays: the checksum made here is the right one.
    assert_eq!(with(start_changed(&r.log, version, &r.log[version..version + 2])), r.run);
    std::fs::write(to.join("version"), "2\n").expect("write");
    let o = replay(&r.s, &to);
    o.refused("IT0602");
    assert!(o.stderr.contains("version 2"), "{o:?}");
    for command in ["dump", "rm"] {
        r.s.run("itarget", &[command.as_ref(), to.as_os_str()]).refused("IT0602");
    }
    assert!(to.join("log").exists(), "rm leaves what it does not know");
}
