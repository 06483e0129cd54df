//! However a capture was saved, it says the same: packed, cut, shuffled, or written by two taps.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{How, of_type, read};

/// Logins, personal data and several connections.
const FIXTURES: [&str; 3] =
    ["http/json-login-gzip.pcap", "http/basic-rejected-then-accepted.pcap", "http/bearer-and-api-key.pcap"];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// A little-endian classic capture: its header, and its records.
fn records(path: &Path) -> (Vec<u8>, Vec<Vec<u8>>) {
    let bytes = fs::read(path).expect("a fixture");
    assert!(bytes.starts_with(&[0xd4, 0xc3, 0xb2, 0xa1]), "{}", path.display());
    let (header, mut rest) = bytes.split_at(24);
    let mut records = Vec::new();
    while !rest.is_empty() {
        let length = u32::from_le_bytes(rest[8..12].try_into().expect("four bytes")) as usize;
        let (record, after) = rest.split_at(16 + length);
        records.push(record.to_vec());
        rest = after;
    }
    (header.to_vec(), records)
}

/// Writes captures of some records each, and gives their paths in the order given.
fn saved<'a>(folder: &TempDir, header: &[u8], files: &[(&str, Vec<&'a Vec<u8>>)]) -> Vec<PathBuf> {
    let write = |(name, records): &(&str, Vec<&'a Vec<u8>>)| {
        let path = folder.path().join(name);
        let parts: Vec<&[u8]> = std::iter::once(header).chain(records.iter().map(|record| record.as_slice())).collect();
        fs::write(&path, parts.concat()).expect("writable");
        path
    };
    files.iter().map(write).collect()
}

fn said(paths: &[PathBuf]) -> String {
    read(&paths.iter().map(PathBuf::as_path).collect::<Vec<_>>(), How::default())
}

/// All that is said but what names files and packets.
fn essence(ndjson: &str) -> Vec<Value> {
    let mut lines: Vec<Value> = ["finding", "link", "tls"].iter().flat_map(|t| of_type(ndjson, t)).collect();
    for line in lines.iter_mut().filter_map(Value::as_object_mut) {
        line.remove("evidence");
    }
    assert!(!lines.is_empty());
    lines
}

fn summary(ndjson: &str) -> Value {
    of_type(ndjson, "summary").remove(0)
}

#[test]
fn cut_into_files_of_any_name_and_order_a_capture_says_the_same() {
    for name in FIXTURES {
        let folder = tempfile::tempdir().expect("a folder");
        let (header, records) = records(&fixture(name));
        let third = records.len() / 3;
        let part = |from: usize, to: usize| records[from..to].iter().collect::<Vec<_>>();
        let parts = [("c", part(0, third)), ("a", part(third, 2 * third)), ("b", part(2 * third, records.len()))];
        let paths = saved(&folder, &header, &parts);
        let whole = said(&[fixture(name)]);
        let cuts: Vec<String> = [[0, 1, 2], [2, 1, 0], [1, 2, 0]]
            .iter()
            .map(|order| said(&order.map(|n: usize| paths[n].clone())))
            .collect();
        assert_eq!(essence(&cuts[0]), essence(&whole), "{name}");
        assert_eq!(summary(&cuts[0])["streams"], summary(&whole)["streams"], "{name}");
        assert!(cuts.iter().all(|cut| *cut == cuts[0]), "{name}: the order of the arguments shows");
    }
}

#[test]
fn files_that_were_written_at_the_same_time_are_merged() {
    for name in FIXTURES {
        let folder = tempfile::tempdir().expect("a folder");
        let (header, records) = records(&fixture(name));
        let every = |odd: usize| records.iter().skip(odd).step_by(2).collect::<Vec<_>>();
        let merged = said(&saved(&folder, &header, &[("odd", every(1)), ("even", every(0))]));
        let whole = said(&[fixture(name)]);
        assert_eq!(essence(&merged), essence(&whole), "{name}");
        assert_eq!(summary(&merged)["capture"]["duplicates"], 0);
    }
}

#[test]
fn what_two_taps_saw_is_analysed_once() {
    for name in FIXTURES {
        let folder = tempfile::tempdir().expect("a folder");
        let (header, records) = records(&fixture(name));
        // The second tap sees a VLAN tag, a router behind it, and everything a little later.
        let copies: Vec<Vec<u8>> = records.iter().map(|record| seen_behind_a_router(record)).collect();
        let both = said(&saved(&folder, &header, &[("a", records.iter().collect()), ("b", copies.iter().collect())]));
        let whole = said(&[fixture(name)]);
        assert_eq!(essence(&both), essence(&whole), "{name}");
        let (capture, streams) = (&summary(&both)["capture"], &summary(&both)["streams"]);
        assert_eq!(capture["packets"], 2 * records.len());
        assert_eq!(capture["duplicates"], records.len(), "{name}");
        assert_eq!(*streams, summary(&whole)["streams"], "{name}");
        // Copies in one file, of one interface, show by their tags.
        let mut mixed: Vec<&Vec<u8>> = records.iter().chain(&copies).collect();
        mixed.sort_by_key(|record| (u32_at(record, 0), u32_at(record, 4)));
        let mixed = said(&saved(&folder, &header, &[("c", mixed)]));
        assert_eq!(essence(&mixed), essence(&whole), "{name}");
    }
}

fn u32_at(record: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(record[at..at + 4].try_into().expect("four bytes"))
}

/// The record of an Ethernet frame with IPv4: 20 microseconds later, in VLAN 7, its hops one less.
fn seen_behind_a_router(record: &[u8]) -> Vec<u8> {
    let (head, frame) = record.split_at(16);
    let (macs, packet) = frame.split_at(12);
    let mut packet = packet.to_vec();
    // The type, then the IPv4 header: its hops, and its checksum (RFC 1624).
    packet[2 + 8] -= 1;
    let (sum, carry) = u16::from_be_bytes([packet[2 + 10], packet[2 + 11]]).overflowing_add(0x100);
    packet[2 + 10..2 + 12].copy_from_slice(&(sum + u16::from(carry)).to_be_bytes());
    let mut later = [head, macs, &[0x81, 0, 0, 7], &packet].concat();
    let micros = u32_at(head, 4) + 20;
    let (seconds, micros) = (u32_at(head, 0) + micros / 1_000_000, micros % 1_000_000);
    let words = [seconds, micros, u32_at(head, 8) + 4, u32_at(head, 12) + 4];
    later[..16].copy_from_slice(&words.map(u32::to_le_bytes).concat());
    later
}

#[test]
fn packed_captures_say_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let plain = fs::read(fixture(FIXTURES[0])).expect("a fixture");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&plain).expect("packed");
    let zstd = ruzstd::encoding::compress_to_vec(plain.as_slice(), ruzstd::encoding::CompressionLevel::Fastest);
    let whole = essence(&said(&[fixture(FIXTURES[0])]));
    for (name, packed) in [("a", gzip.finish().expect("packed")), ("b", zstd)] {
        let path = folder.path().join(name);
        fs::write(&path, packed).expect("writable");
        assert_eq!(essence(&said(&[path])), whole, "{name}");
    }
}

#[test]
fn keys_that_stand_in_a_capture_are_a_finding_without_the_keys() {
    let block = |kind: u32, body: &[u8]| {
        let total = (12 + body.len() as u32).to_le_bytes();
        [&kind.to_le_bytes()[..], &total, body, &total].concat()
    };
    let keys = b"CLIENT_RANDOM 0011223344 5566778899aabbcc\n\0\0";
    let length = (keys.len() as u32 - 2).to_le_bytes();
    let section = [&0x1a2b_3c4d_u32.to_le_bytes()[..], &[1, 0, 0, 0], &[0xff; 8]].concat();
    let secrets = [&0x544c_534b_u32.to_le_bytes()[..], &length, keys].concat();
    let packet = [&[0; 12][..], &[1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]].concat();
    let interface = block(1, &[1, 0, 0, 0, 0, 0, 0, 0]);
    let file = [block(0x0a0d_0d0a, &section), interface, block(10, &secrets), block(6, &packet)].concat();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("keys.pcapng");
    fs::write(&path, file).expect("writable");
    let said = said(&[path]);
    let findings = of_type(&said, "finding");
    assert_eq!(findings.len(), 1, "{said}");
    assert_eq!(findings[0]["kind"], "posture.decryption_keys");
    assert_eq!(findings[0]["evidence"]["note"], "the file itself holds a TLS key log, 1 entry");
    assert!(!said.contains("5566778899"));
}

#[cfg(unix)]
#[test]
fn a_pipe_and_a_file_are_one_capture() {
    let folder = tempfile::tempdir().expect("a folder");
    let (header, records) = records(&fixture(FIXTURES[0]));
    let half = records.len() / 2;
    let parts = [("first", records[..half].iter().collect()), ("second", records[half..].iter().collect())];
    let [first, second] = &saved(&folder, &header, &parts)[..] else { panic!("two files") };
    let fifo = folder.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().expect("mkfifo runs").success());
    let plainsight = |inputs: [&Path; 2]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plainsight"));
        command.args(["read", "--format", "ndjson", "--no-progress"]).args(inputs).stdout(Stdio::piped());
        command
    };
    let kinds = |output: &[u8]| {
        let said = String::from_utf8(output.to_vec()).expect("UTF-8");
        let of = |finding: &Value| format!("{} {} {}", finding["kind"], finding["field"], finding["count"]);
        of_type(&said, "finding").iter().map(of).collect::<Vec<_>>()
    };
    let whole = kinds(&plainsight([first, second]).output().expect("it runs").stdout);
    assert!(!whole.is_empty());
    let running = plainsight([second, &fifo]).spawn().expect("it runs");
    fs::copy(first, &fifo).expect("the pipe is read");
    assert_eq!(kinds(&running.wait_with_output().expect("it ends").stdout), whole);
    let mut running = plainsight([second, Path::new("-")]).stdin(Stdio::piped()).spawn().expect("it runs");
    let bytes = fs::read(first).expect("readable");
    running.stdin.take().expect("a pipe").write_all(&bytes).expect("it is read");
    assert_eq!(kinds(&running.wait_with_output().expect("it ends").stdout), whole);
}
