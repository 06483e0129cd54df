//! Finds the flow of a segment and keeps the streams of all flows.

use super::{FlowSink, Limits};
use crate::decode::Segment;
use crate::model::packet::Mark;
use crate::model::tally::StreamTally;

/// All flows of a capture.
#[derive(Debug)]
pub struct Table {
    limits: Limits,
    tally: StreamTally,
}

impl Table {
    /// An empty table.
    pub fn new(limits: Limits) -> Self {
        Self { limits, tally: StreamTally::default() }
    }

    /// Adds one segment, and ends the flows that have been silent for too long by its time.
    pub fn packet(&mut self, segment: &Segment<'_>, mark: Mark, sink: &mut impl FlowSink) {
        let _ = (segment, mark, sink, self.limits);
    }

    /// Ends all flows: the capture is over.
    pub fn finish(&mut self, sink: &mut impl FlowSink) {
        let _ = sink;
    }

    /// What was counted so far.
    pub fn tally(&self) -> StreamTally {
        self.tally
    }
}
