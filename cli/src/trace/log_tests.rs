//! Logs made by hand, every truncation of them and every bit flip.

use super::*;
use itarget_abi::log::crc32c;

/// Makes a chunk.
pub fn chunk(kind: u16, seq: u64, offset: u64, boundaries: u64, payload: &[u8]) -> Vec<u8> {
    let mut h = vec![];
    h.extend(CHUNK_MAGIC.to_le_bytes());
    h.extend(version::LOG.to_le_bytes());
    h.extend(kind.to_le_bytes());
    h.extend(0u32.to_le_bytes());
    h.extend((payload.len() as u32).to_le_bytes());
    for v in [seq, offset, 77, boundaries, 0] {
        h.extend(v.to_le_bytes());
    }
    h.extend([0; 8]);
    assert_eq!(h.len(), HEADER);
    let crc = crc32c(crc32c(0, &h), payload);
    h[60..].copy_from_slice(&crc.to_le_bytes());
    h.extend(payload);
    h
}

/// START with two arguments, one environment string and an executable.
pub fn start(module: [u8; 32], plan: [u8; 32]) -> Vec<u8> {
    let mut p = vec![0; START_FIXED];
    p[..4].copy_from_slice(&version::ABI.to_le_bytes());
    p[offset_of!(Fixed, argc)] = 2;
    p[offset_of!(Fixed, envc)] = 1;
    p[offset_of!(Fixed, module)..][..32].copy_from_slice(&module);
    p[offset_of!(Fixed, plan)..][..32].copy_from_slice(&plan);
    p[offset_of!(Fixed, stack) + 2] = 1;
    p.extend(b"prog\0arg\0A=b\0/bin/prog\0");
    chunk(kind::START, 0, 0, 0, &p)
}

/// A whole log: START, DATA "hello", ASYNC, DATA "world", unknown kind, END.
pub fn sample() -> Vec<u8> {
    let mut log = start([1; 32], [2; 32]);
    log.extend(chunk(kind::DATA, 1, 0, 3, b"hello"));
    log.extend(chunk(kind::ASYNC, 2, 0, 4, &[5; 40]));
    log.extend(chunk(kind::DATA, 3, 5, u64::MAX, b"world"));
    log.extend(chunk(0x99, 4, 0, 4, b"later"));
    let mut e = vec![1, 0, 0, 0, 3, 0, 0, 0];
    for v in [10u64, 0, 8, 9, 1] {
        e.extend(v.to_le_bytes());
    }
    log.extend(chunk(kind::END, 5, 0, 9, &e));
    log
}

/// The first page of a ring whose live chunk is `live`.
pub fn ring(seq: u64, offset: u64, live: &[u8]) -> Vec<u8> {
    let mut r = vec![0; PAGE];
    let mut set = |at: usize, v: u64| r[at..at + 8].copy_from_slice(&v.to_le_bytes());
    set(control_at::MAGIC, MAGIC);
    set(control_at::CHUNK_SEQ, seq);
    set(control_at::CHUNK_OFFSET, offset);
    set(control_at::CHUNK_START, 0x7000_0000);
    set(control_at::CUR, 0x7000_0000 + live.len() as u64);
    r.resize(PAGE + SYNC_BUFFER as usize, 0);
    r.extend(live);
    r.extend([0; 100]);
    r
}

fn decode(bytes: &[u8], ring: &[u8], reading: Reading) -> Result<(Log, Vec<u8>), Error> {
    let mut out = vec![];
    let log = read(&mut &bytes[..], bytes.len() as u64, (&[ring.to_vec()], BTreeMap::new()), reading, &mut |_| Ok(()), &mut out)?;
    Ok((log, out))
}

#[test]
fn a_whole_log() {
    let (log, stream) = decode(&sample(), &[], Reading::Strict).expect("good");
    assert_eq!(stream, b"helloworld");
    let start = log.start.as_ref().expect("start");
    assert_eq!(start.args, [b"prog".to_vec(), b"arg".to_vec()]);
    assert_eq!(start.env, [b"A=b".to_vec()]);
    assert_eq!((start.module, start.plan, start.stack), ([1; 32], [2; 32], 1 << 16));
    let checks: Vec<_> = log.threads[&0].checks.iter().map(|c| (c.offset, c.boundaries, c.sum)).collect();
    assert_eq!(checks, [(5, 3, 77), (10, 9, 77)]);
    assert_eq!(log.threads[&0].asyncs.len(), 1);
    assert_eq!(log.end, Some(End { reason: 1, status: 3, bytes: 10, ops: 0, digests: [8, 9], digested: 1 }));
    assert_eq!((reason(&log), log.chunks.len()), ("exit", 6));
}

#[test]
fn every_truncation_is_a_prefix_or_an_error() {
    let all = sample();
    for n in 0..all.len() {
        match decode(&all[..n], &[], Reading::Strict) {
            Ok((log, stream)) => {
                assert!(b"helloworld".starts_with(&stream[..]), "{n}");
                assert_eq!(log.end, None, "{n}");
                assert_eq!(log.stream, stream.len() as u64);
            }
            Err(e) => assert_eq!(e.code, "IT0604", "{n}: {e}"),
        }
    }
}

#[test]
fn every_bit_flip_is_noticed() {
    let all = sample();
    for bit in 0..all.len() * 8 {
        let mut bytes = all.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        match decode(&bytes, &[], Reading::Strict) {
            // A length that grew in the last chunk can't be told from a cut-off log.
            Ok((log, _)) => assert!(log.truncated.is_some(), "bit {bit}"),
            Err(e) => assert!(matches!(e.code, "IT0601" | "IT0602" | "IT0604"), "bit {bit}: {e}"),
        }
        if let Ok((log, stream)) = decode(&bytes, &[], Reading::UntilDamage) {
            assert!(b"helloworld".starts_with(&stream[..]), "bit {bit}");
            assert!(log.damage.is_some() || log.truncated.is_some(), "bit {bit}");
        }
    }
}

#[test]
fn a_length_that_swallows_the_next_chunk_is_damage() {
    let mut bytes = sample();
    let data = start([1; 32], [2; 32]).len();
    bytes[data + 14] = 1; // + 65536 bytes
    let e = decode(&bytes, &[], Reading::Strict).expect_err("damage");
    assert_eq!(e.code, "IT0601");
    assert!(e.message.contains(&format!("byte {data}")), "{e}");
}

#[test]
fn what_strict_reading_refuses() {
    let mut other = sample();
    other[4] += 1;
    assert_eq!(decode(&other, &[], Reading::Strict).expect_err("version").code, "IT0602");
    let mut twice = sample();
    twice.extend(chunk(kind::DATA, 6, 10, 9, b"x"));
    assert_eq!(decode(&twice, &[], Reading::Strict).expect_err("after the end").code, "IT0601");
    let mut gap = start([0; 32], [0; 32]);
    gap.extend(chunk(kind::DATA, 2, 0, 3, b"hello"));
    assert_eq!(decode(&gap, &[], Reading::Strict).expect_err("gap").code, "IT0601");
    let mut unknown = start([0; 32], [0; 32]);
    unknown.extend(chunk(0x42, 1, 0, 3, b"hello"));
    assert_eq!(decode(&unknown, &[], Reading::Strict).expect_err("kind").code, "IT0602");
    let mut fault = start([0; 32], [0; 32]);
    fault.extend(chunk(kind::FAULT, 1, 0, 3, &[7; FAULT_SIZE]));
    let (l, _) = decode(&fault, &[], Reading::Strict).expect("a fault");
    assert_eq!(l.threads[&0].faults, [[7; FAULT_SIZE]]);
    fault.extend(chunk(kind::FAULT, 2, 0, 3, &[7; FAULT_SIZE - 1]));
    assert_eq!(decode(&fault, &[], Reading::Strict).expect_err("half a fault").code, "IT0601");
    let no_start = chunk(kind::DATA, 0, 0, 3, b"hello");
    assert_eq!(decode(&no_start, &[], Reading::UntilDamage).expect_err("no start").code, "IT0601");
    assert_eq!(decode(&[], &[], Reading::Strict).expect_err("empty").code, "IT0604");
}

#[test]
fn the_live_chunk_of_a_killed_program_is_used_once() {
    let mut log = start([0; 32], [0; 32]);
    log.extend(chunk(kind::DATA, 1, 0, 3, b"hello"));
    let (l, stream) = decode(&log, &ring(2, 5, b"more"), Reading::Strict).expect("salvage");
    assert_eq!((&stream[..], l.salvaged, l.threads[&0].checks.len()), (&b"hellomore"[..], 4, 1));
    assert_eq!(l.threads[&0].last_call, Some(1), "of the control page: no call, none in flight");
    // Killed while it wrote this very chunk to the log.
    let mut cut = log.clone();
    cut.extend(&chunk(kind::DATA, 2, 5, 9, b"more")[..66]);
    let (l, stream) = decode(&cut, &ring(2, 5, b"more"), Reading::Strict).expect("salvage");
    assert_eq!((&stream[..], l.salvaged, l.truncated), (&b"hellomore"[..], 4, None));
    let (l, stream) = decode(&cut, &[], Reading::Strict).expect("cut off");
    assert_eq!((&stream[..], l.truncated.is_some(), l.threads[&0].last_call), (&b"hello"[..], true, Some(4)));
    // Already in the log.
    assert_eq!(decode(&log, &ring(1, 0, b"hello"), Reading::Strict).expect("old").1, b"hello");
    assert_eq!(decode(&log, &ring(1, 5, b"hello"), Reading::Strict).expect("between").1, b"hello");
    // The log lost its end.
    assert_eq!(decode(&log, &ring(4, 99, b"x"), Reading::Strict).expect("later").1, b"hello");
    let mut clean = ring(2, 5, b"more");
    clean[control_at::CLEAN] = 1;
    assert_eq!(decode(&log, &clean, Reading::Strict).expect("clean").1, b"hello");
    assert!(!ring_is_clean(&clean));
    clean[control_at::MAGIC..control_at::MAGIC + 8].fill(0);
    assert!(ring_is_clean(&clean) && !ring_is_clean(&clean[..100]));
    let live = ring(2, 5, b"more");
    for n in 0..live.len() {
        assert!(decode(&log, &live[..n], Reading::Strict).is_ok());
    }
    for bit in 0..PAGE * 8 {
        let mut r = live.clone();
        r[bit / 8] ^= 1 << (bit % 8);
        // A ring of another thread leaves the main one without an end.
        assert!(decode(&log, &r, Reading::Strict).is_ok() || bit / 64 == control_at::NUMBER / 8);
    }
}

/// The same chunk as [`chunk`], of another thread.
fn of_thread(thread: u32, mut chunk: Vec<u8>) -> Vec<u8> {
    chunk[8..12].copy_from_slice(&thread.to_le_bytes());
    chunk[60..64].fill(0);
    let crc = crc32c(crc32c(0, &chunk[..HEADER]), &chunk[HEADER..]);
    chunk[60..64].copy_from_slice(&crc.to_le_bytes());
    chunk
}

#[test]
fn threads_have_streams_of_their_own() {
    let mut log = start([1; 32], [2; 32]);
    log.extend(of_thread(2, chunk(kind::DATA, 0, 0, 3, b"two")));
    log.extend(chunk(kind::DATA, 1, 0, 3, b"main"));
    log.extend(of_thread(2, chunk(kind::SYNC, 1, 0, u64::MAX, &[2, 0, 2])));
    let mut end = 3u64.to_le_bytes().to_vec();
    end.extend(7u64.to_le_bytes());
    log.extend(of_thread(2, chunk(kind::THREAD_END, 2, 0, 4, &end)));
    let mut e = vec![1, 0, 0, 0, 3, 0, 0, 0];
    e.extend(4u64.to_le_bytes());
    e.extend([0; 32]);
    log.extend(chunk(kind::END, 2, 0, 9, &e));
    let (l, stream) = decode(&log, &[], Reading::Strict).expect("good");
    let two = &l.threads[&2];
    assert_eq!((&stream[..], &two.bytes[..], &two.sync[..], two.ops, two.ended), (&b"main"[..], &b"two"[..], &[2, 0, 2][..], 7, true));
    assert_eq!(l.stream, 7);
    // Nothing follows its end.
    log.extend(of_thread(2, chunk(kind::DATA, 3, 3, 5, b"more")));
    assert_eq!(decode(&log, &[], Reading::Strict).expect_err("after the end").code, "IT0601");
}

#[test]
fn a_thread_without_an_end_is_refused() {
    let mut log = start([1; 32], [2; 32]);
    log.extend(of_thread(2, chunk(kind::DATA, 0, 0, 3, b"two")));
    assert_eq!(decode(&log, &[], Reading::Strict).expect_err("no ring").code, "IT0626");
}

#[test]
fn the_order_of_a_killed_thread_is_salvaged() {
    let mut log = start([1; 32], [2; 32]);
    let mut e = vec![1, 0, 0, 0, 3, 0, 0, 0];
    e.extend([0; 40]);
    log.extend(chunk(kind::END, 1, 0, 9, &e));
    let mut live = ring(0, 0, b"live");
    let mut set = |at: usize, v: u64| live[at..at + 8].copy_from_slice(&v.to_le_bytes());
    set(control_at::NUMBER, 3);
    set(control_at::OPS, 9);
    set(control_at::SYNC_START, 0x6000_0000);
    set(control_at::SYNC_CUR, 0x6000_0003);
    live[PAGE..PAGE + 3].copy_from_slice(&[4, 0, 2]);
    let (l, _) = decode(&log, &live, Reading::Strict).expect("good");
    let three = &l.threads[&3];
    assert_eq!((&three.bytes[..], &three.sync[..], three.ops), (&b"live"[..], &[4, 0, 2][..], 9));
}
