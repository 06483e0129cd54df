//! What a whole run saw, found and could not see.

use std::collections::BTreeMap;
use std::time::Duration;

use super::finding::Severity;
use super::tally::{Reached, Skipped, StreamTally};
use super::time::Timestamp;

/// The last thing a run says. Zero findings is a statement: this says what it is worth.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// What was read.
    pub capture: Capture,
    /// What the flow table and the assemblers counted.
    pub streams: StreamTally,
    /// What was not analysed, by reason.
    pub skipped: Skipped,
    /// What was found.
    pub findings: FindingTally,
    /// Links by the name of their verdict.
    pub links: BTreeMap<&'static str, u64>,
    /// What went wrong with the inputs.
    pub notes: Vec<Note>,
    /// Limits of [`super::limits`] that were reached, in words, and how often.
    pub limits: Reached,
    /// Time the run took.
    pub elapsed: Duration,
    /// The operator stopped it before the end of its input.
    pub interrupted: bool,
}

impl Summary {
    /// Captured bytes analysed per second; 0 when it was over too soon to tell.
    pub fn bytes_per_second(&self) -> u64 {
        let micros = self.elapsed.as_micros();
        let bytes = u128::from(self.capture.bytes()) * 1_000_000;
        bytes.checked_div(micros).and_then(|n| u64::try_from(n).ok()).unwrap_or(0)
    }
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capture {
    /// The inputs in the order of [`super::packet::FrameNo::file`].
    pub files: Vec<CaptureFile>,
    /// Packets the kernel dropped for want of buffer, as the capture states it.
    pub dropped_by_kernel: u64,
    /// Packets the interface dropped, as the capture states it.
    pub dropped_by_interface: u64,
    /// Packets a snap length cut short.
    pub truncated: u64,
    /// Packets that another tap had seen just before, and that were not analysed again.
    pub duplicates: u64,
}

impl Capture {
    /// Packets of all inputs.
    pub fn packets(&self) -> u64 {
        self.files.iter().map(|file| file.packets).sum()
    }

    /// Captured bytes of all packets.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Times of the earliest and the latest packet.
    pub fn span(&self) -> Option<(Timestamp, Timestamp)> {
        self.files.iter().filter_map(|file| file.span).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }
}

/// One input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaptureFile {
    /// Its name as the operator gave it, or `-`.
    pub name: String,
    /// Packets read.
    pub packets: u64,
    /// Captured bytes of them.
    pub bytes: u64,
    /// Times of its earliest and latest packet.
    pub span: Option<(Timestamp, Timestamp)>,
}

impl CaptureFile {
    /// Adds what another lane read of the same interface.
    pub fn merge(&mut self, other: &Self) {
        self.packets += other.packets;
        self.bytes += other.bytes;
        let spans = self.span.into_iter().chain(other.span);
        self.span = spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    }
}

/// Findings, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FindingTally {
    /// Distinct findings by severity.
    pub by_severity: BTreeMap<Severity, u64>,
    /// Distinct findings by category, in the words of the output contract.
    pub by_category: BTreeMap<String, u64>,
    /// Findings that were not kept because a limit was reached, by severity.
    pub not_kept: BTreeMap<Severity, u64>,
}

impl FindingTally {
    /// Counts one finding.
    pub fn add(&mut self, severity: Severity, category: &str) {
        *self.by_severity.entry(severity).or_default() += 1;
        match self.by_category.get_mut(category) {
            Some(count) => *count += 1,
            None => {
                self.by_category.insert(category.to_owned(), 1);
            }
        }
    }

    /// Distinct findings of any severity.
    pub fn total(&self) -> u64 {
        self.by_severity.values().sum()
    }

    /// The worst severity found, kept or not.
    pub fn worst(&self) -> Option<Severity> {
        self.by_severity.keys().chain(self.not_kept.keys()).max().copied()
    }
}

/// Something about one input that the operator must know: damage, truncation, an unknown link type.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// Name of the input.
    pub file: String,
    /// What is the matter, in a sentence.
    pub message: String,
    /// How many times.
    pub count: u64,
}
