//! Several files as one capture.

use std::fs;

use super::*;
use crate::source::{Ended, Merged};

/// File and content of each.
type Packets = Vec<(u32, Vec<u8>)>;

/// Writes classic files of the packets (seconds, content), reads them together, and gives packets, taps, and ends.
fn together(files: &[&[(u32, &[u8])]]) -> (Packets, Vec<u32>, Vec<Ended>) {
    let folder = tempfile::tempdir().unwrap();
    let inputs: Vec<Input> = files
        .iter()
        .enumerate()
        .map(|(n, packets)| {
            let path = folder.path().join(format!("{n}.pcap"));
            let file = packets.iter().fold(Writer::pcap(false, 0xa1b2_c3d4, 4), |file, (at, bytes)| {
                file.u32(*at).u32(0).u32(bytes.len() as u32).u32(bytes.len() as u32).raw(bytes)
            });
            fs::write(&path, file.bytes).unwrap();
            Input::Path(path)
        })
        .collect();
    let mut merged = Merged::new(&inputs);
    let (mut packets, mut taps) = (Vec::new(), Vec::new());
    while let Some(packet) = merged.packet() {
        packets.push((packet.mark.frame.file, packet.bytes.to_vec()));
        taps.push(packet.tap);
    }
    let (ended, failed) = merged.finish();
    assert!(failed.is_empty(), "{failed:?}");
    (packets, taps, ended)
}

fn contents(packets: &[(u32, Vec<u8>)]) -> String {
    packets.iter().map(|(_, bytes)| String::from_utf8_lossy(bytes)).collect()
}

#[test]
fn files_that_overlap_are_merged_by_time() {
    let (packets, taps, _) = together(&[&[(2, b"b"), (3, b"c"), (6, b"f")], &[(1, b"a"), (4, b"d"), (5, b"e")]]);
    assert_eq!(contents(&packets), "abcdef");
    assert_eq!(packets.iter().map(|(file, _)| *file).collect::<Vec<_>>(), [0, 1, 1, 0, 0, 1]);
    assert_eq!(taps.iter().map(|tap| tap >> 16).collect::<Vec<_>>(), [0, 1, 1, 0, 0, 1]);
}

#[test]
fn files_that_follow_each_other_are_one_tap_whatever_they_are_called() {
    let (packets, taps, ended) = together(&[&[(5, b"e")], &[(3, b"c"), (5, b"d")], &[], &[(1, b"a"), (3, b"b")]]);
    assert_eq!(contents(&packets), "abcde");
    assert_eq!(taps, [0; 5]);
    assert_eq!(ended.iter().map(|ended| ended.index).collect::<Vec<_>>(), [0, 1, 2, 3]);
}

#[test]
fn a_clock_that_goes_back_inside_a_file_loses_nothing() {
    let (packets, ..) = together(&[&[(1, b"a"), (9, b"c"), (2, b"d")], &[(3, b"b"), (10, b"e")]]);
    assert_eq!(contents(&packets), "abcde");
}

#[test]
fn what_cannot_be_read_keeps_nothing_else_from_being_read() {
    let good = NamedTempFile::new().unwrap();
    fs::write(good.path(), Writer::pcap(false, 0xa1b2_c3d4, 4).u32(1).u32(0).u32(1).u32(1).raw(b"a").bytes).unwrap();
    let bad = NamedTempFile::new().unwrap();
    fs::write(bad.path(), "no capture").unwrap();
    let inputs = [bad.path().into(), "no/such.pcap".into(), good.path().into()].map(Input::Path);
    let mut merged = Merged::new(&inputs);
    assert_eq!(merged.packet().unwrap().mark.frame.file, 2);
    assert!(merged.packet().is_none());
    let (ended, failed) = merged.finish();
    assert_eq!((ended.len(), failed.len()), (1, 2));
}
