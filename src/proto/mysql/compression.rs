//! The compressed protocol
//! (<https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_compression.html>): packets, or
//! parts of them, inside packets with a header of 7 bytes.

use super::{MySql, Stage, Step};
use crate::content::coding::{Decoder, Status};
use crate::model::event::{Event, EventSink, LinkFact, Skip};
use crate::model::flow::Direction;
use crate::model::limits;
use crate::model::stream::{Gathered, Input};
use crate::proto::cursor::Cursor;

/// One direction of the compressed protocol.
#[derive(Default)]
pub(super) struct Inflation {
    /// Bytes to the end of the compressed packet, and its decoder unless it is stored as it is.
    packet: Option<(u64, Option<Decoder>)>,
    /// Decompressed, and not used yet.
    plain: Gathered,
    /// So many of the next bytes are of no interest.
    unwanted: u64,
}

impl MySql {
    /// Undoes the compressed protocol: packets inside packets of 7 bytes of header.
    pub(super) fn inflate(&mut self, input: Input<'_>, at: usize, out: &mut dyn EventSink) -> Step {
        const COMPRESSED_HEADER: u64 = 7;
        let coding = self.coding;
        let mut inflation = std::mem::take(&mut self.side(input.direction).inflation);
        let bytes = input.bytes().get(at..).unwrap_or_default();
        let mut cursor = Cursor::new(bytes);
        let step = match &mut inflation.packet {
            None => match (cursor.u24_le(), cursor.u8(), cursor.u24_le()) {
                (Some(length), Some(_sequence), Some(plain)) => {
                    let decoder = (plain != 0).then(|| Decoder::new(coding.into_iter()));
                    inflation.packet = (length > 0).then_some((u64::from(length), decoder));
                    Step::Took(COMPRESSED_HEADER as usize)
                }
                _ => Step::Wait(COMPRESSED_HEADER),
            },
            Some((left, _)) if bytes.is_empty() => Step::Wait(*left),
            Some((left, decoder)) => {
                let count = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                let plain = &mut inflation.plain;
                let used = match decoder {
                    None => {
                        plain.push_part(input.data, at..at + count);
                        count
                    }
                    Some(decoder) => {
                        plain.note(input.data.mark(at));
                        let piece = bytes.get(..count).unwrap_or_default();
                        let (used, status) = decoder.decode(piece, plain.bytes_mut(), limits::BODY_BYTES);
                        match status {
                            Status::Full | Status::Hungry => used,
                            Status::Ended => count,
                            Status::Broken => {
                                out.event(Event::Skipped { reason: Skip::Coding, bytes: *left });
                                count
                            }
                        }
                    }
                };
                *left -= used as u64;
                if *left == 0 {
                    inflation.packet = None;
                }
                Step::Took(used)
            }
        };
        self.drain(input.direction, &mut inflation, out);
        self.side(input.direction).inflation = inflation;
        step
    }

    /// Reads the packets among decompressed bytes.
    fn drain(&mut self, direction: Direction, inflation: &mut Inflation, out: &mut dyn EventSink) {
        let mut at = 0;
        loop {
            let dropped = inflation.unwanted.min((inflation.plain.len() - at) as u64);
            inflation.unwanted -= dropped;
            at += dropped as usize;
            let input = Input { direction, data: inflation.plain.stretch() };
            match self.step(input, at, out) {
                Step::Took(count) => at += count,
                Step::Skip(count) => inflation.unwanted = count,
                Step::Tls(_) | Step::Wait(_) => break,
            }
        }
        inflation.plain.consume(at);
        if inflation.plain.len() > limits::PENDING_BYTES {
            let bytes = inflation.plain.len() as u64;
            out.event(Event::Skipped { reason: Skip::Limit, bytes });
            out.event(Event::Link(LinkFact::Violation));
            inflation.plain.clear();
            self.side(direction).stage = Stage::Lost;
        }
    }
}
