//! From transport payloads to ordered streams: who talks to whom, and in which order the bytes were
//! sent.
//!
//! * TCP payload that comes in order goes from the packet to the sink without a copy. What comes too
//!   early is held back (copied) until the hole before it is filled or given up.
//! * The messages of an SCTP association follow each other in the order in which they were sent, whatever
//!   their streams: each direction is read like one of TCP.
//! * Where segments overlap, the bytes that were captured first stand. A segment that its receiver will
//!   not take for its checksum is left out, where that sender's checksums are right otherwise.
//! * A hole becomes a gap when the receiver has acknowledged past it often enough to show that the
//!   capture lost the packet, when no receiver is to be seen and no retransmission came for some
//!   seconds, when more is held behind it than a limit allows, or at the flow's end.
//! * A connection (or association) is told of once it came about. One whose handshake is never completed costs an entry
//!   of the table and nothing else, among its like: a flood of SYNs pushes out other SYNs alone.
//! * What the table tells its sink depends on the packets alone, never on [`Interest`]: that decides
//!   only between [`FlowSink::data`] and [`FlowSink::skipped`].

mod assembler;
mod association;
mod connection;
mod order;
mod queue;
mod roles;
mod slots;
mod stream;
mod table;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use table::Table;

pub use crate::model::limits::Limits;

use crate::model::flow::{Direction, Flow, FlowId};
use crate::model::packet::Mark;

/// Takes what the table makes of packets.
pub trait FlowSink {
    /// A new flow, whose first packet was at `mark`. Told once something was sent, or when the flow ends
    /// after a complete handshake: connections that never came about are counted alone. `midstream`: its
    /// handshake was not seen.
    fn open(&mut self, flow: &Flow, midstream: bool, mark: Mark) -> Arc<Interest>;

    /// The next bytes of one direction (for UDP and PPP: one datagram).
    fn data(&mut self, flow: FlowId, direction: Direction, bytes: &[u8], mark: Mark);

    /// The next `missing` bytes of one direction were not captured.
    fn gap(&mut self, flow: FlowId, direction: Direction, missing: u64, mark: Mark);

    /// The next bytes of one direction, which nobody wants: counted, never copied.
    fn skipped(&mut self, flow: FlowId, direction: Direction, bytes: u64, mark: Mark);

    /// Nothing more will come of this flow.
    fn end(&mut self, flow: FlowId, reason: EndReason, mark: Mark);
}

/// Why a flow ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// Both sides said that they were done.
    Closed,
    /// It had to make room for another flow.
    Evicted,
    /// The capture ended.
    Finished,
    /// Nothing was heard of it for long.
    Idle,
    /// The same addresses and ports were used for a new connection.
    Replaced,
    /// One side aborted.
    Reset,
}

/// What is still wanted of a flow, said by the worker that analyses it. Advisory: bytes that are not
/// wanted may still be delivered, and the worker must come to the same result either way.
///
/// Offsets count the bytes of a direction from the flow's start: delivered, skipped and missing ones.
#[derive(Debug, Default)]
pub struct Interest {
    skip_to: [AtomicU64; 2],
}

impl Interest {
    /// Nothing before `offset` is wanted of one direction. `u64::MAX`: nothing more at all.
    pub fn skip_to(&self, direction: Direction, offset: u64) {
        let [to_server, to_client] = &self.skip_to;
        let side = match direction {
            Direction::ToServer => to_server,
            Direction::ToClient => to_client,
        };
        side.fetch_max(offset, Ordering::Relaxed);
    }

    /// Nothing more is wanted of either direction.
    pub fn stop(&self) {
        for direction in Direction::BOTH {
            self.skip_to(direction, u64::MAX);
        }
    }

    /// The first offset of one direction that is wanted.
    pub fn wanted_from(&self, direction: Direction) -> u64 {
        let [to_server, to_client] = &self.skip_to;
        match direction {
            Direction::ToServer => to_server.load(Ordering::Relaxed),
            Direction::ToClient => to_client.load(Ordering::Relaxed),
        }
    }
}
