//! Damaged captures: no panic, no hang, and an answer.

use std::fs;
use std::time::{Duration, Instant};

use crate::support::{How, files, fixtures, read, shared};

/// Set to anything, every mutation is tried and not a sample of them: some hours in a debug build.
const ALL: &str = "PLAINSIGHT_ALL_MUTATIONS";
/// Mutations of each kind that are tried of one capture otherwise.
const SAMPLE: usize = 3;
/// How far into a file every byte is a place to cut it at.
const CUTS: usize = 2048;
/// Damaged copies of one capture, with a few flipped bits each.
const FLIPS: usize = 500;
/// What a length is replaced with.
const LENGTHS: [u32; 9] = [0, 1, 3, 12, 0xffff, 0x0001_0000, 0x7fff_ffff, 0xffff_fffc, 0xffff_ffff];
/// The slowest of them took a hundredth of it.
const LONGEST: Duration = Duration::from_secs(20);
/// Memory that reading all of them may add to what the test needs anyway, in KiB.
const GROWTH: u64 = 512 << 10;

#[test]
fn no_mutation_of_a_fixture_does_harm() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut tried, mut slowest, before) = (0, Duration::ZERO, peak_memory());
    for (capture, _) in fixtures() {
        let bytes = fs::read(&capture).expect("readable");
        let path = folder.path().join("mutated");
        for (what, damaged) in mutations(&bytes, &mut random) {
            fs::write(&path, damaged).expect("writable");
            let start = Instant::now();
            let said = read(&[&path], How { jobs: 1, ..How::default() });
            let took = start.elapsed();
            assert!(said.contains("\"summary\"") || said.starts_with("error: "), "{} {what}", capture.display());
            assert!(took < LONGEST, "{} {what}: {took:?}", capture.display());
            (tried, slowest) = (tried + 1, slowest.max(took));
        }
    }
    let grown = peak_memory().saturating_sub(before);
    eprintln!("{tried} mutations, the slowest took {slowest:?}, memory grew by {grown} KiB");
    assert!(grown < GROWTH, "memory grew by {grown} KiB");
}

/// Damaged copies of a capture, each with a word on what was done to it.
fn mutations<'a>(bytes: &'a [u8], random: &'a mut Random) -> impl Iterator<Item = (String, Vec<u8>)> + 'a {
    let all = std::env::var_os(ALL).is_some();
    let mut chosen = |count: usize, most: usize| -> Vec<usize> {
        if all { (0..count).collect() } else { (0..most.min(count)).map(|_| random.below(count)).collect() }
    };
    let cuts = chosen(bytes.len().min(CUTS), SAMPLE);
    let lengths = lengths(bytes);
    let places = chosen(lengths.len() * LENGTHS.len(), SAMPLE * 2);
    let flips = chosen(FLIPS, SAMPLE);
    let cut = cuts.into_iter().map(|at| (format!("cut at {at}"), bytes[..at].to_vec()));
    let stretched = places.into_iter().map(move |choice| {
        let (at, value) = (lengths[choice / LENGTHS.len()], LENGTHS[choice % LENGTHS.len()]);
        let mut damaged = bytes.to_vec();
        damaged[at..at + 4].copy_from_slice(&value.to_le_bytes());
        (format!("with a length of {value} at {at}"), damaged)
    });
    let flipped = flips.into_iter().map(move |seed| {
        let mut random = Random(seed as u64);
        let mut damaged = bytes.to_vec();
        for _ in 0..=random.below(20) {
            let at = random.below(damaged.len());
            damaged[at] ^= 1 << random.below(8);
        }
        (format!("flipped by {seed}"), damaged)
    });
    cut.chain(stretched).chain(flipped)
}

/// Where the lengths of a capture's blocks or records stand.
fn lengths(bytes: &[u8]) -> Vec<usize> {
    let word = |at: usize| bytes.get(at..at + 4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize);
    let (mut at, mut found) = (24, Vec::new());
    if bytes.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]) {
        at = 0;
        while let Some(length) = word(at + 4).filter(|length| at + length <= bytes.len() && *length >= 12) {
            found.extend([at + 4, at + length - 4]);
            // Captured length of a packet, or the first option's.
            found.extend((length >= 32).then_some(at + 20));
            at += length;
        }
    } else {
        while let Some(length) = word(at + 8) {
            found.extend([at + 8, at + 12]);
            at += 16 + length;
        }
        found.retain(|at| at + 4 <= bytes.len());
    }
    found
}

/// The most memory this process ever had, in KiB; 0 where that cannot be known.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
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
