//! The capture thread of saved captures: reads all of them as one.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::batch::Batcher;
use super::lane::{Counted, Lane};
use crate::model::flow::FlowId;
use crate::model::limits::Limits;
use crate::model::summary::{Capture, CaptureFile, Note};
use crate::model::tally::{Reached, Skipped, StreamTally};
use crate::source::filter::Filter;
use crate::source::{self, Input, Merged, Secrets, SourceError};

/// How many packets are read between two looks at the stop flag.
const STRIDE: u64 = 1024;

/// What is shared with whoever watches.
#[derive(Debug, Default)]
pub(super) struct Gauge {
    /// Bytes read of all inputs.
    pub(super) read: AtomicU64,
    /// Packets read of all inputs.
    pub(super) packets: AtomicU64,
}

/// What the capture thread saw.
#[derive(Debug, Default)]
pub(super) struct Captured {
    pub(super) capture: Capture,
    pub(super) streams: StreamTally,
    pub(super) skipped: Skipped,
    pub(super) reached: Reached,
    pub(super) notes: Vec<Note>,
    /// Keys that stand in the captures.
    pub(super) secrets: Vec<Secrets>,
    pub(super) interrupted: bool,
    /// Inputs of which nothing could be read.
    pub(super) failed: Vec<SourceError>,
}

/// Reads all inputs as one capture.
pub(super) fn run(
    inputs: &[Input],
    limits: &Limits,
    mut filter: Option<&mut Filter>,
    batcher: Batcher,
    stop: &AtomicBool,
    gauge: &Gauge,
) -> Captured {
    let mut merged = Merged::new(inputs);
    let mut lane = Lane::new(limits, batcher, FlowId(0));
    let mut files: Vec<CaptureFile> =
        merged.inputs().iter().map(|input| CaptureFile { name: name(input), ..CaptureFile::default() }).collect();
    if merged.has_several_taps() {
        lane.expect_copies();
    }
    let mut interrupted = false;
    for number in 0_u64.. {
        if number.is_multiple_of(STRIDE) {
            gauge.read.store(merged.read(), Ordering::Relaxed);
            gauge.packets.store(number, Ordering::Relaxed);
            if stop.load(Ordering::Relaxed) {
                interrupted = true;
                break;
            }
        }
        let Some(packet) = merged.packet() else { break };
        if filter.as_mut().is_none_or(|filter| filter.matches(&packet))
            && let Some(file) = files.get_mut(packet.mark.frame.file as usize)
        {
            lane.packet(&packet, file);
        }
    }
    let Counted { streams, skipped, reached, truncated, duplicates } = lane.finish();
    let mut capture = Capture { truncated, duplicates, ..Capture::default() };
    let (mut notes, mut secrets) = (Vec::new(), Vec::new());
    let (ended, failed) = merged.finish();
    for source in ended {
        let file = files.get(source.index).map_or("", |file| &file.name);
        notes.extend(source.notes.into_iter().map(|note| noted(file, note)));
        secrets.extend(source.secrets);
        capture.dropped_by_kernel += source.dropped.by_kernel;
        capture.dropped_by_interface += source.dropped.by_interface;
    }
    notes.extend(filter.iter().flat_map(|filter| filter.notes()).map(|note| noted("filter", note.clone())));
    capture.files = files;
    Captured { capture, streams, skipped, reached, notes, secrets, interrupted, failed }
}

fn noted(file: &str, note: source::Note) -> Note {
    Note { file: file.to_owned(), message: note.message, count: note.count }
}

/// An input as the operator called it.
fn name(input: &Input) -> String {
    match input {
        Input::Path(path) => path.display().to_string(),
        Input::Stdin => "-".to_owned(),
    }
}
