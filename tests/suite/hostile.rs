//! Damaged captures: no panic, no hang, and an answer.

use std::fs;

use crate::support::{How, files, fixtures, read, shared};

#[test]
fn a_truncated_fixture_is_read_up_to_its_end() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("cut.pcap");
    for (capture, _) in fixtures() {
        let bytes = fs::read(&capture).expect("readable");
        let step = (bytes.len() / 12).max(1);
        for cut in (1..bytes.len()).step_by(step) {
            fs::write(&path, &bytes[..cut]).expect("writable");
            let said = read(&[&path], How { jobs: 1, ..How::default() });
            assert!(said.contains("\"summary\"") || said.starts_with("error: "), "{} cut at {cut}", capture.display());
        }
    }
}

#[test]
fn flipped_bits_do_no_harm() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("flipped.pcap");
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for (capture, _) in fixtures() {
        let bytes = fs::read(&capture).expect("readable");
        for _ in 0..6 {
            let mut damaged = bytes.clone();
            for _ in 0..20 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let at = (state >> 33) as usize % damaged.len();
                damaged[at] ^= 1 << (state & 7);
            }
            fs::write(&path, &damaged).expect("writable");
            let said = read(&[&path], How { jobs: 1, ..How::default() });
            assert!(said.contains("\"summary\"") || said.starts_with("error: "), "{}", capture.display());
        }
    }
}

#[test]
fn public_captures_do_no_harm() {
    let Some(corpus) = shared("corpus/pcaps") else { return };
    for path in files(&corpus) {
        let said = read(&[&path], How::default());
        assert!(said.contains("\"summary\"") || said.starts_with("error: "), "{}", path.display());
    }
}
