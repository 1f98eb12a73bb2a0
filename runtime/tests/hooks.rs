//! Records and replays a C program that calls the hooks by hand, with a decoder of its own.

use itarget_abi::control::Control;
use itarget_abi::log::{Async, CHUNK_MAGIC, ChunkHeader, End, HEADER, MAGIC, crc32c, end, flat, kind};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// The program, linked with the runtime of this crate.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let tmp = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let ok = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--release", "--manifest-path"])
            .arg(here.join("Cargo.toml"))
            .arg("--target-dir")
            .arg(tmp.join("rt"))
            .status();
        assert!(ok.expect("cargo").success());
        let out = tmp.join("events");
        let ok = Command::new("clang-19")
            .args(["-O1", "-g", "-fno-pie", "-no-pie", "-ftrivial-auto-var-init=zero", "-fuse-ld=lld", "-o"])
            .arg(&out)
            .arg(here.join("tests/c/events.c"))
            .arg(tmp.join("rt/release/libitarget_rt.a"))
            .status();
        assert!(ok.expect("clang-19").success());
        out
    })
}

fn dir(name: &str) -> PathBuf {
    let d = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&d);
    std::fs::create_dir_all(&d).expect("trace directory");
    d
}

fn record(trace: &Path, what: &str, options: &str) -> Output {
    let mut c = Command::new(program());
    c.arg(what).env("ITARGET_MODE", "record").env("ITARGET_TRACE", trace).env("ITARGET_OPTIONS", options);
    c.output().expect("record")
}

fn get<T: Copy>(bytes: &[u8], at: usize) -> T {
    assert!(at + size_of::<T>() <= bytes.len());
    // SAFETY: in bounds; all types read here are plain integers.
    unsafe { bytes.as_ptr().add(at).cast::<T>().read_unaligned() }
}

fn put<T>(out: &mut Vec<u8>, v: &T) {
    // SAFETY: plain records without padding.
    out.extend_from_slice(unsafe { std::slice::from_raw_parts(std::ptr::from_ref(v).cast(), size_of::<T>()) });
}

/// The trace as the flat form, and the reason of its end.
fn flatten(trace: &Path) -> (Vec<u8>, u32) {
    let log = std::fs::read(trace.join("log")).expect("log");
    let ring = std::fs::read(trace.join("ring")).expect("ring");
    let (mut start, mut stream, mut checks, mut asyncs) = (vec![], vec![], vec![], vec![]);
    let mut last = (end::NONE, 0);
    let (mut at, mut seq) = (0, 0);
    while at < log.len() {
        let mut h: ChunkHeader = get(&log, at);
        let payload = &log[at + HEADER..at + HEADER + h.len as usize];
        assert_eq!((h.magic, h.seq), (CHUNK_MAGIC, seq));
        let crc = std::mem::take(&mut h.crc);
        let mut raw = vec![];
        put(&mut raw, &h);
        assert_eq!(crc32c(crc32c(0, &raw), payload), crc, "checksum");
        match h.kind {
            kind::START => start = payload.to_vec(),
            kind::DATA => {
                assert_eq!(h.offset, stream.len() as u64);
                stream.extend_from_slice(payload);
                checks.push(flat::Check { offset: stream.len() as u64, sum: h.sum, boundaries: h.boundaries });
            }
            kind::ASYNC => asyncs.push(get::<Async>(payload, 0)),
            kind::END => {
                let e: End = get(payload, 0);
                assert_eq!(e.bytes, stream.len() as u64);
                last = (e.reason, e.status);
            }
            k => panic!("chunk kind {k}"),
        }
        at += HEADER + payload.len();
        seq += 1;
    }
    let c: Control = get(&ring, 0);
    if c.magic == MAGIC && c.clean == 0 && c.chunk_offset == stream.len() as u64 {
        let n = (c.cur - c.chunk_start) as usize;
        stream.extend_from_slice(&ring[4096..4096 + n]);
        checks.push(flat::Check { offset: stream.len() as u64, sum: c.sum, boundaries: c.boundaries });
    }
    let header_len = size_of::<flat::Header>() as u64;
    let mut body = vec![];
    let mut part = |bytes: &[u8]| {
        body.resize(body.len().next_multiple_of(8), 0);
        let at = header_len + body.len() as u64;
        body.extend_from_slice(bytes);
        at
    };
    let mut raw = vec![];
    checks.iter().for_each(|c| put(&mut raw, c));
    let checks_at = part(&raw);
    raw.clear();
    asyncs.iter().for_each(|a| put(&mut raw, a));
    let asyncs_at = part(&raw);
    let start_at = part(&start);
    let stream_at = part(&stream);
    let header = flat::Header {
        magic: flat::MAGIC,
        total: header_len + body.len() as u64,
        checks: checks_at,
        check_count: checks.len() as u64,
        asyncs: asyncs_at,
        async_count: asyncs.len() as u64,
        start: start_at,
        start_len: start.len() as u64,
        stream: stream_at,
        stream_len: stream.len() as u64,
        end_reason: last.0,
        end_status: last.1,
    };
    let mut out = vec![];
    put(&mut out, &header);
    out.extend_from_slice(&body);
    (out, last.0)
}

/// Replays a flat file; descriptor 0 is the stream, 9 the status line (kept in a file).
fn replay(trace: &Path, flat: &[u8]) -> (Output, String) {
    let (stream, status) = (trace.join("flat"), trace.join("status"));
    std::fs::write(&stream, flat).expect("flat");
    let mut c = Command::new("sh");
    c.args(["-c", "exec \"$0\" 8<\"$1\" 9>\"$2\""]).arg(program()).arg(&stream).arg(&status);
    c.env("ITARGET_MODE", "replay").env("ITARGET_STREAM_FD", "8").env("ITARGET_STATUS_FD", "9");
    let out = c.output().expect("replay");
    (out, std::fs::read_to_string(&status).unwrap_or_default())
}

fn text(b: &[u8]) -> String {
    String::from_utf8_lossy(b).into_owned()
}

fn same(what: &str, options: &str, status: Option<i32>) -> (Output, String) {
    let trace = dir(&format!("same-{what}-{}", options.replace(['=', ':'], "-")));
    let first = record(&trace, what, options);
    assert_eq!(first.status.code(), status, "{what}: {}", text(&first.stderr));
    assert_eq!(text(&first.stderr), "", "{what}");
    let (flat, _) = flatten(&trace);
    let (again, line) = replay(&trace, &flat);
    assert_eq!(text(&again.stderr), "", "{what}: {line}");
    assert_eq!(text(&again.stdout), text(&first.stdout), "{what}");
    assert_eq!(again.status, first.status, "{what}");
    assert!(line.contains("\"log_consumed\":true"), "{line}");
    (first, line)
}

#[test]
fn replay_repeats_the_recording() {
    let (first, line) = same("exit", "", Some(7));
    assert!(text(&first.stdout).contains("handler\n"));
    assert!(line.contains("\"end\":\"exit\",\"status\":7"), "{line}");
    same("exit", "full=1:ring_kib=64", Some(7));
    same("jump", "", Some(7));
    same("big", "ring_kib=64", Some(7));
    let (out, _) = same("abort", "", None);
    assert_eq!(out.status.signal(), Some(6));
}

#[test]
fn signals_run_where_they_ran() {
    let (out, _) = same("signal", "full=1", Some(7));
    assert!(text(&out.stdout).contains(" 3\n"), "{}", text(&out.stdout));
    same("signal", "ring_kib=64", Some(7));
}

#[test]
fn digests_are_compared() {
    let (_, line) = same("exit", "digest=1:digest_every=1000", Some(7));
    assert!(line.contains("\"mismatched\":0") && !line.contains("\"checked\":0"), "{line}");
}

#[test]
fn killed_recording_replays_to_its_last_event() {
    let trace = dir("killed");
    let out = record(&trace, "kill", "");
    assert_eq!(out.status.signal(), Some(9));
    let (flat, reason) = flatten(&trace);
    assert_eq!(reason, end::NONE);
    let (out, line) = replay(&trace, &flat);
    assert_eq!(out.status.code(), Some(itarget_abi::exit::TRACE_ENDS), "{line} {}", text(&out.stderr));
    assert!(line.contains("\"log_consumed\":true"), "{line}");
}

#[test]
fn refused_operation_ends_the_recording_only() {
    let trace = dir("refused");
    let out = record(&trace, "refuse", "");
    assert_eq!(out.status.code(), Some(7), "{}", text(&out.stderr));
    let (flat, reason) = flatten(&trace);
    assert_eq!(reason, end::REFUSED);
    let (out, line) = replay(&trace, &flat);
    assert_eq!(out.status.code(), Some(itarget_abi::exit::TRACE_ENDS), "{line}");
}

#[test]
fn full_disk_ends_the_recording_only() {
    let trace = dir("full");
    let mut c = Command::new("sh");
    c.args(["-c", "ulimit -f 900; exec \"$0\" big"]).arg(program());
    c.env("ITARGET_MODE", "record").env("ITARGET_TRACE", &trace).env("ITARGET_OPTIONS", "ring_kib=64");
    let out = c.output().expect("record");
    assert_eq!(out.status.code(), Some(7), "{}", text(&out.stderr));
    assert!(text(&out.stderr).contains("recording ends here"));
    let (flat, reason) = flatten(&trace);
    assert_eq!(reason, end::IO_ERROR);
    let (out, _) = replay(&trace, &flat);
    assert_eq!(out.status.code(), Some(itarget_abi::exit::TRACE_ENDS), "{}", text(&out.stderr));
}

#[test]
fn lost_directory_means_plain() {
    let out = record(Path::new("/nonexistent/trace"), "exit", "");
    assert_eq!(out.status.code(), Some(7));
    assert!(text(&out.stderr).contains("recording is off"));
}

#[test]
fn a_changed_stream_is_a_divergence() {
    let trace = dir("changed");
    record(&trace, "exit", "full=1");
    let (mut flat, _) = flatten(&trace);
    let h: flat::Header = get(&flat, 0);
    // Site ids stand in the stream: spoil one in the middle.
    let at = (h.stream + h.stream_len / 2) as usize;
    for b in &mut flat[at..at + 64] {
        *b = 0x55;
    }
    let (out, line) = replay(&trace, &flat);
    assert_eq!(out.status.code(), Some(itarget_abi::exit::DIVERGED), "{line} {}", text(&out.stderr));
    assert!(text(&out.stderr).contains("IT0620"));
}

#[test]
fn plain_mode_is_untouched() {
    let mut c = Command::new(program());
    c.arg0("events").arg("exit").env("ITARGET_TRACE", "/nonexistent");
    assert_eq!(c.output().expect("plain").status.code(), Some(7));
}
