//! What a capture thread does with a packet, wherever it comes from: decodes it, finds its flow, puts
//! the stream in order, and sends what comes of it to the workers.

use super::batch::Batcher;
use crate::decode::Decoder;
use crate::decode::copies::Copies;
use crate::flow::Table;
use crate::model::flow::FlowId;
use crate::model::limits::{Cap, Limits, counted};
use crate::model::packet::Packet;
use crate::model::summary::CaptureFile;
use crate::model::tally::{Reached, Skipped, StreamTally};
#[cfg(all(feature = "live", unix))]
use crate::model::time::Timestamp;
use crate::proto::PROTOCOLS;

/// One flow table with what is before and behind it.
pub(super) struct Lane {
    decoder: Decoder,
    copies: Copies,
    table: Table,
    batcher: Batcher,
    truncated: u64,
    duplicates: u64,
    skipped: Skipped,
}

/// What a lane saw.
#[derive(Clone, Debug, Default)]
pub(super) struct Counted {
    pub(super) streams: StreamTally,
    pub(super) skipped: Skipped,
    pub(super) reached: Reached,
    /// Packets a snap length cut short.
    pub(super) truncated: u64,
    /// Packets that were copies of others.
    pub(super) duplicates: u64,
}

impl Lane {
    /// A lane that feeds `batcher`, and numbers its flows from `first` on.
    pub(super) fn new(limits: &Limits, batcher: Batcher, first: FlowId) -> Self {
        Self {
            decoder: Decoder::new(limits),
            copies: Copies::default(),
            table: Table::new(*limits).knowing(is_known).numbering_from(first),
            batcher,
            truncated: 0,
            duplicates: 0,
            skipped: Skipped::default(),
        }
    }

    /// Several taps are to be expected: copies of packets are looked for from the first packet on.
    pub(super) const fn expect_copies(&mut self) {
        self.copies.watch();
    }

    /// Takes one packet, and counts it in `file`.
    pub(super) fn packet(&mut self, packet: &Packet<'_>, file: &mut CaptureFile) {
        file.packets += 1;
        file.bytes += packet.bytes.len() as u64;
        let at = packet.mark.at;
        file.span = Some(file.span.map_or((at, at), |(from, to)| (from.min(at), to.max(at))));
        self.truncated += u64::from((packet.bytes.len() as u64) < u64::from(packet.wire_len));
        match self.decoder.decode(packet) {
            Ok(Some(segment)) if self.copies.has(packet, &segment) => self.duplicates += 1,
            Ok(Some(segment)) => self.table.packet(&segment, packet.mark, &mut self.batcher),
            Ok(None) => {}
            Err(reason) => self.skipped.add(reason.0, packet.bytes.len() as u64),
        }
    }

    #[cfg(all(feature = "live", unix))]
    /// Sends what was read to the workers.
    pub(super) fn flush(&mut self) {
        self.batcher.flush();
    }

    #[cfg(all(feature = "live", unix))]
    /// Lets time pass while no packet comes.
    pub(super) fn idle(&mut self, now: Timestamp) {
        self.table.idle(now, &mut self.batcher);
    }

    /// What was seen so far.
    pub(super) fn counted(&self) -> Counted {
        Counted {
            streams: StreamTally { tiny_fragments: self.decoder.tiny_fragments(), ..self.table.tally() },
            skipped: self.skipped.clone(),
            reached: self.reached(),
            truncated: self.truncated,
            duplicates: self.duplicates,
        }
    }

    fn reached(&self) -> Reached {
        let tally = self.table.tally();
        let mut reached = Reached::default();
        for (what, times) in [
            (counted::FLOWS, tally.evicted),
            (counted::FRAGMENTS, self.decoder.evicted()),
            (counted::HALF_OPEN, tally.evicted_half_open),
            (counted::REORDER, tally.capped_gaps),
            (counted::REORDER_TOTAL, tally.capped),
            (counted::UDP_UNANSWERED, tally.evicted_udp),
            (Cap::Copies.counted(), self.copies.beyond()),
        ] {
            reached.add(what, times);
        }
        reached
    }

    /// Ends all flows, and tells what was seen.
    pub(super) fn finish(mut self) -> Counted {
        self.table.finish(&mut self.batcher);
        self.batcher.flush();
        self.skipped.merge(&self.decoder.finish());
        self.counted()
    }
}

/// Whether servers usually listen on a port: tells the server of a flow whose beginning was not captured.
fn is_known(port: u16) -> bool {
    PROTOCOLS.iter().any(|protocol| protocol.ports.contains(&port))
}
