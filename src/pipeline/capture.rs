//! The capture thread of saved captures: reads them one after the other.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::batch::Batcher;
use super::lane::{Counted, Lane};
use crate::model::flow::FlowId;
use crate::model::summary::{Capture, CaptureFile, Note};
use crate::model::tally::{Skipped, StreamTally};
use crate::source::filter::Filter;
use crate::source::{self, Input, SourceError};

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
    pub(super) notes: Vec<Note>,
    pub(super) interrupted: bool,
    /// Inputs of which nothing could be read.
    pub(super) failed: Vec<SourceError>,
}

/// Reads all inputs, in the order of their first packets.
pub(super) fn run(
    inputs: &[Input],
    filter: Option<&mut Filter>,
    batcher: Batcher,
    stop: &AtomicBool,
    gauge: &Gauge,
) -> Captured {
    let mut captured = Captured::default();
    captured.capture.files =
        inputs.iter().map(|input| CaptureFile { name: name(input), ..CaptureFile::default() }).collect();
    let mut reader = Reader { lane: Lane::new(batcher, FlowId(0)), filter, captured: &mut captured, stop, gauge };
    for index in in_time_order(inputs) {
        reader.file(inputs, index);
    }
    let of_filter = reader.filter.as_ref().map(|filter| filter.notes().to_vec()).unwrap_or_default();
    let Counted { streams, skipped, truncated } = reader.lane.finish();
    captured.streams = streams;
    captured.skipped = skipped;
    captured.capture.truncated = truncated;
    captured.notes.extend(of_filter.into_iter().map(|note| noted("filter", note)));
    captured
}

struct Reader<'a> {
    lane: Lane,
    filter: Option<&'a mut Filter>,
    captured: &'a mut Captured,
    stop: &'a AtomicBool,
    gauge: &'a Gauge,
}

impl Reader<'_> {
    fn file(&mut self, inputs: &[Input], index: usize) {
        let (Some(input), false) = (inputs.get(index), self.captured.interrupted) else { return };
        let mut source = match source::open(input, index as u32) {
            Ok(source) => source,
            Err(error) => return self.captured.failed.push(error),
        };
        let before = self.gauge.read.load(Ordering::Relaxed);
        let mut file = CaptureFile { name: name(input), ..CaptureFile::default() };
        let mut number = 0u64;
        loop {
            if number.is_multiple_of(STRIDE) {
                self.gauge.read.store(before + source.position().read, Ordering::Relaxed);
                self.gauge.packets.fetch_add(if number > 0 { STRIDE } else { 0 }, Ordering::Relaxed);
                if self.stop.load(Ordering::Relaxed) {
                    self.captured.interrupted = true;
                    break;
                }
            }
            number += 1;
            let packet = match source.next() {
                Ok(Some(packet)) => packet,
                Ok(None) => break,
                Err(error) => {
                    self.captured.failed.push(error);
                    break;
                }
            };
            if self.filter.as_mut().is_none_or(|filter| filter.matches(&packet)) {
                self.lane.packet(&packet, &mut file);
            }
        }
        self.captured.notes.extend(source.notes().iter().map(|note| noted(&file.name, note.clone())));
        if let Some(slot) = self.captured.capture.files.get_mut(index) {
            *slot = file;
        }
    }
}

fn noted(file: &str, note: source::Note) -> Note {
    Note { file: file.to_owned(), message: note.message, count: note.count }
}

/// An input as the operator called it.
pub(super) fn name(input: &Input) -> String {
    match input {
        Input::Path(path) => path.display().to_string(),
        Input::Stdin => "-".to_owned(),
    }
}

/// Several files are one capture: the order of their first packets, and the order given where that does
/// not tell.
fn in_time_order(inputs: &[Input]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..inputs.len()).collect();
    // A pipe can be read once.
    let plain = |input: &Input| matches!(input, Input::Path(path) if path.is_file());
    if inputs.len() > 1 && inputs.iter().all(plain) {
        order.sort_by_cached_key(|&index| {
            let mut source = source::open(inputs.get(index)?, index as u32).ok()?;
            source.next().ok()?.map(|packet| packet.mark.at)
        });
    }
    order
}
