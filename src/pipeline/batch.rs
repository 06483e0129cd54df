//! What travels from the capture thread to a worker: payload in one contiguous buffer, and a list of
//! what it means. One copy of the payload, no allocation per packet, one channel operation per batch.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::flow::{EndReason, FlowSink, Interest};
use crate::model::flow::{Direction, Flow, FlowId};
use crate::model::limits;
use crate::model::packet::Mark;

/// Payload and what happened to flows, in capture order.
#[derive(Debug, Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    chunks: Vec<Chunk>,
}

/// One thing that happened to one flow.
#[derive(Debug)]
pub(super) struct Chunk {
    /// The flow.
    pub(super) flow: FlowId,
    /// The packet that brought it about.
    pub(super) mark: Mark,
    /// What happened.
    pub(super) what: What,
}

/// What can happen to a flow.
#[derive(Debug)]
pub(super) enum What {
    /// Bytes at `start` of the batch's buffer.
    Data { direction: Direction, start: usize, length: usize },
    /// It is over.
    End,
    /// Bytes that were not captured.
    Gap { direction: Direction, missing: u64 },
    /// Its first packet. Boxed: rare and large.
    Open(Box<Opened>),
    /// Bytes the worker had said it does not want.
    Skipped { direction: Direction, bytes: u64 },
}

/// A new flow.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) flow: Flow,
    pub(super) midstream: bool,
    pub(super) interest: Arc<Interest>,
}

impl Batch {
    /// What happened, with the bytes of a `Data`.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (Chunk, &[u8])> {
        let bytes = &self.bytes;
        self.chunks.drain(..).map(move |chunk| {
            let payload = match chunk.what {
                What::Data { start, length, .. } => bytes.get(start..start + length).unwrap_or_default(),
                _ => &[],
            };
            (chunk, payload)
        })
    }

    fn is_full(&self) -> bool {
        self.bytes.len() >= limits::BATCH_BYTES || self.chunks.len() >= limits::BATCH_CHUNKS
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.chunks.clear();
    }
}

/// A worker's end of its two channels.
pub(super) struct Inbox {
    /// Full batches.
    pub(super) full: Receiver<Batch>,
    /// Empty ones on their way back.
    pub(super) empty: Sender<Batch>,
}

/// Sorts what the flow table says into one open batch per worker. A flow stays on its worker.
pub(super) struct Batcher {
    lanes: Vec<Lane>,
}

struct Lane {
    open: Batch,
    full: Sender<Batch>,
    empty: Receiver<Batch>,
}

impl Batcher {
    /// A batcher for so many workers, and their inboxes.
    pub(super) fn new(workers: usize) -> (Self, Vec<Inbox>) {
        let (lanes, inboxes) = (0..workers)
            .map(|_| {
                let (full_in, full_out) = bounded(limits::BATCHES_IN_FLIGHT);
                // Room for every batch there can be, so that a worker never waits to return one.
                let (empty_in, empty_out) = bounded(limits::BATCHES_IN_FLIGHT + 2);
                let lane = Lane { open: Batch::default(), full: full_in, empty: empty_out };
                (lane, Inbox { full: full_out, empty: empty_in })
            })
            .unzip();
        (Self { lanes }, inboxes)
    }

    #[cfg(all(feature = "live", unix))]
    /// A batcher for the same workers, for another capture thread with flows of its own.
    pub(super) fn another(&self) -> Self {
        let lane = |lane: &Lane| Lane { open: Batch::default(), full: lane.full.clone(), empty: lane.empty.clone() };
        Self { lanes: self.lanes.iter().map(lane).collect() }
    }

    /// Sends what is open.
    pub(super) fn flush(&mut self) {
        self.lanes.iter_mut().for_each(Lane::send);
    }

    fn push(&mut self, flow: FlowId, mark: Mark, what: What, payload: &[u8]) {
        let count = self.lanes.len().max(1) as u64;
        let Some(lane) = self.lanes.get_mut((flow.0 % count) as usize) else { return };
        let what = match what {
            What::Data { direction, length, .. } => What::Data { direction, start: lane.open.bytes.len(), length },
            other => other,
        };
        lane.open.bytes.extend_from_slice(payload);
        lane.open.chunks.push(Chunk { flow, mark, what });
        if lane.open.is_full() {
            lane.send();
        }
    }
}

impl Lane {
    /// Waits while the worker has too much to do. Offline, nothing is ever dropped; live, the kernel's
    /// buffer fills meanwhile, and what it has no room for it counts.
    fn send(&mut self) {
        if self.open.chunks.is_empty() {
            return;
        }
        let mut next = self.empty.try_recv().unwrap_or_default();
        next.clear();
        // A worker that is gone has failed, and says so when it is joined.
        let _ = self.full.send(std::mem::replace(&mut self.open, next));
    }
}

impl FlowSink for Batcher {
    fn open(&mut self, flow: &Flow, midstream: bool, mark: Mark) -> Arc<Interest> {
        let interest = Arc::new(Interest::default());
        let opened = Opened { flow: *flow, midstream, interest: Arc::clone(&interest) };
        self.push(flow.id, mark, What::Open(Box::new(opened)), &[]);
        interest
    }

    fn data(&mut self, flow: FlowId, direction: Direction, bytes: &[u8], mark: Mark) {
        self.push(flow, mark, What::Data { direction, start: 0, length: bytes.len() }, bytes);
    }

    fn gap(&mut self, flow: FlowId, direction: Direction, missing: u64, mark: Mark) {
        self.push(flow, mark, What::Gap { direction, missing }, &[]);
    }

    fn skipped(&mut self, flow: FlowId, direction: Direction, bytes: u64, mark: Mark) {
        self.push(flow, mark, What::Skipped { direction, bytes }, &[]);
    }

    fn end(&mut self, flow: FlowId, _reason: EndReason, mark: Mark) {
        self.push(flow, mark, What::End, &[]);
    }
}
