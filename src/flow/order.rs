//! Puts the chunks of one side of an SCTP association in order (RFC 9260, section 6). Pure: what comes out
//! goes to a callback, each chunk once.
//!
//! Transmission sequence numbers count a sender's chunks over all of its streams. In their order, the
//! parts of a message follow each other, and messages stand as they were sent; I-DATA (RFC 8260) may mix
//! the parts of several, which are then held until the last.

use std::collections::BTreeMap;

use super::assembler::{CONFIRMATIONS, Piece};
use super::connection::RETRANSMITTED_WITHIN;
use crate::decode::sctp::Data;
use crate::model::packet::Mark;
use crate::model::time::Timestamp;

/// Positions begin above this, so that there are positions before the beginning.
const BEGINNING: u64 = 1 << 32;

/// Cost of holding a chunk besides its bytes, so that tiny ones cannot escape the limit.
const CHUNK_COST: usize = 96;

/// What one side sends. Positions are its sequence numbers, unwrapped to 64 bits.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// Position of the chunk that is due.
    next: Option<u64>,
    held: BTreeMap<u64, Chunk>,
    /// Parts of messages whose last is not there.
    parts: Vec<Part>,
    cost: usize,
    /// Acknowledgements past the first hole.
    confirmations: u8,
}

impl Order {
    /// The first chunk has that number.
    pub(super) fn begin(&mut self, tsn: u32) {
        if self.next.is_none() {
            self.next = Some(BEGINNING + u64::from(tsn));
        }
    }

    /// What is held costs so much, in bytes.
    pub(super) const fn cost(&self) -> usize {
        self.cost
    }

    /// Whether a chunk was passed on or given up already.
    pub(super) fn is_past(&self, tsn: u32) -> bool {
        self.next.is_some_and(|next| self.position(tsn) < next)
    }

    /// The packet behind the first hole.
    pub(super) fn waiting(&self) -> Option<Mark> {
        self.held.first_key_value().map(|(_, chunk)| chunk.mark)
    }

    /// Adds a chunk and passes on what is due. How many bytes had come before.
    pub(super) fn add(&mut self, data: &Data<'_>, mark: Mark, out: &mut impl FnMut(Piece<'_>, Mark)) -> u64 {
        self.begin(data.tsn);
        let position = self.position(data.tsn);
        let length = data.bytes.len() as u64 + u64::from(data.missing);
        match self.next {
            Some(next) if position < next => return length,
            Some(next) if position == next => {
                self.next = Some(next + 1);
                self.pass(data, mark, out);
                self.release(out);
            }
            _ if self.held.contains_key(&position) => return length,
            _ => {
                self.cost += cost(data.bytes);
                self.held.insert(position, Chunk::new(data, mark));
            }
        }
        0
    }

    /// The receiver has all up to `tsn`: says it often enough, and a hole before that is a loss of the capture.
    pub(super) fn acknowledged(&mut self, tsn: u32, out: &mut impl FnMut(Piece<'_>, Mark)) {
        self.begin(tsn.wrapping_add(1));
        let position = self.position(tsn);
        if self.held.first_key_value().is_none_or(|(first, _)| *first > position + 1) {
            return;
        }
        self.confirmations = self.confirmations.saturating_add(1);
        if self.confirmations >= CONFIRMATIONS {
            self.give_up(out);
        }
    }

    /// What is missing up to `tsn` was never meant to come again.
    pub(super) fn forward(&mut self, tsn: u32, out: &mut impl FnMut(Piece<'_>, Mark)) {
        self.begin(tsn.wrapping_add(1));
        let after = self.position(tsn).saturating_add(1);
        while self.held.first_key_value().is_some_and(|(first, _)| *first < after) {
            self.give_up(out);
        }
        self.next = self.next.map(|next| next.max(after));
        self.release(out);
    }

    /// With nobody to acknowledge, a hole that a retransmission would have filled by now is a loss of the
    /// capture.
    pub(super) fn wait_no_longer(&mut self, now: Timestamp, out: &mut impl FnMut(Piece<'_>, Mark)) {
        while self.waiting().is_some_and(|mark| now.since(mark.at) >= RETRANSMITTED_WITHIN) {
            self.give_up(out);
        }
    }

    /// Gives up the first hole: passes on a gap, and what follows it. Nobody knows how long the chunks were
    /// that are missing: each counts as one byte. Without a hole, the unfinished messages.
    pub(super) fn give_up(&mut self, out: &mut impl FnMut(Piece<'_>, Mark)) {
        let first = self.held.first_key_value().map(|(position, chunk)| (*position, chunk.mark));
        let Some((position, mark)) = first else {
            for part in std::mem::take(&mut self.parts) {
                self.cost -= cost(&part.chunk.bytes);
                pass(&part.chunk.data(), part.chunk.mark, out);
            }
            return;
        };
        let missing = self.next.map_or(0, |next| position.saturating_sub(next));
        if missing > 0 {
            out(Piece::Gap(missing), mark);
        }
        self.next = Some(position);
        self.release(out);
    }

    /// Passes on everything that is held.
    pub(super) fn flush(&mut self, out: &mut impl FnMut(Piece<'_>, Mark)) {
        while self.cost > 0 {
            self.give_up(out);
        }
    }

    /// A number unwrapped to the position nearest to the one that is due.
    fn position(&self, tsn: u32) -> u64 {
        let next = self.next.unwrap_or(BEGINNING + u64::from(tsn));
        next.saturating_add_signed(i64::from(tsn.wrapping_sub(next as u32).cast_signed()))
    }

    fn release(&mut self, out: &mut impl FnMut(Piece<'_>, Mark)) {
        while let Some(next) = self.next
            && let Some(chunk) = self.held.remove(&next)
        {
            self.cost -= cost(&chunk.bytes);
            self.confirmations = 0;
            self.next = Some(next + 1);
            self.pass(&chunk.data(), chunk.mark, out);
        }
    }

    /// Passes on a chunk that is due, or holds it for the rest of its message.
    fn pass(&mut self, data: &Data<'_>, mark: Mark, out: &mut impl FnMut(Piece<'_>, Mark)) {
        let Some(message) = data.message.filter(|_| !(data.first && data.last)) else {
            return pass(data, mark, out);
        };
        if !data.last {
            self.cost += cost(data.bytes);
            self.parts.push(Part { message, chunk: Chunk::new(data, mark) });
            return;
        }
        for part in self.parts.extract_if(.., |part| part.message == message) {
            self.cost -= cost(&part.chunk.bytes);
            pass(&part.chunk.data(), part.chunk.mark, out);
        }
        pass(data, mark, out);
    }
}

#[derive(Debug)]
struct Chunk {
    message: Option<(u16, u32)>,
    first: bool,
    last: bool,
    bytes: Box<[u8]>,
    missing: u32,
    mark: Mark,
}

impl Chunk {
    fn new(data: &Data<'_>, mark: Mark) -> Self {
        let Data { message, first, last, bytes, missing, .. } = *data;
        Self { message, first, last, bytes: bytes.into(), missing, mark }
    }

    fn data(&self) -> Data<'_> {
        let Self { message, first, last, ref bytes, missing, .. } = *self;
        Data { tsn: 0, message, first, last, bytes, missing }
    }
}

#[derive(Debug)]
struct Part {
    message: (u16, u32),
    chunk: Chunk,
}

const fn cost(bytes: &[u8]) -> usize {
    bytes.len() + CHUNK_COST
}

fn pass(data: &Data<'_>, mark: Mark, out: &mut impl FnMut(Piece<'_>, Mark)) {
    if !data.bytes.is_empty() {
        out(Piece::Data(data.bytes), mark);
    }
    if data.missing > 0 {
        out(Piece::Gap(u64::from(data.missing)), mark);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(tsn: u32, bytes: &[u8]) -> Data<'_> {
        Data { tsn, message: None, first: true, last: true, bytes, missing: 0 }
    }

    fn show(said: &mut String, piece: Piece<'_>) {
        match piece {
            Piece::Data(bytes) => said.push_str(&String::from_utf8_lossy(bytes)),
            Piece::Gap(missing) => said.push_str(&format!("[{missing}]")),
        }
    }

    #[test]
    fn chunks_in_any_order_give_what_was_sent_once() {
        let (mut order, mut said) = (Order::default(), String::new());
        order.begin(u32::MAX);
        let mut again = 0;
        for (tsn, bytes) in [(1, b"c"), (u32::MAX, b"a"), (1, b"c"), (0, b"b"), (0, b"b"), (2, b"d")] {
            again += order.add(&chunk(tsn, bytes), Mark::default(), &mut |piece, _| show(&mut said, piece));
        }
        assert_eq!((said.as_str(), again, order.cost()), ("abcd", 2, 0));
    }

    #[test]
    fn a_hole_is_given_up_when_its_receiver_has_it() {
        let (mut order, mut said) = (Order::default(), String::new());
        order.begin(5);
        order.add(&chunk(7, b"after"), Mark::default(), &mut |piece, _| show(&mut said, piece));
        order.acknowledged(4, &mut |_, _| panic!("the receiver has nothing"));
        for _ in 0..CONFIRMATIONS {
            assert_eq!(said, "");
            order.acknowledged(7, &mut |piece, _| show(&mut said, piece));
        }
        assert_eq!(said, "[2]after");
        order.forward(9, &mut |_, _| panic!("nothing is held"));
        order.add(&chunk(10, b", on"), Mark::default(), &mut |piece, _| show(&mut said, piece));
        assert_eq!(said, "[2]after, on");
    }

    #[test]
    fn messages_whose_parts_are_mixed_come_out_whole() {
        let (mut order, mut said) = (Order::default(), String::new());
        for (tsn, stream, first, last, bytes) in [
            (1, 1, true, false, &b"long "[..]),
            (2, 2, true, true, b"short "),
            (3, 3, true, false, b"other "),
            (4, 1, false, true, b"one "),
        ] {
            let part = Data { message: Some((stream, 0)), first, last, ..chunk(tsn, bytes) };
            order.add(&part, Mark::default(), &mut |piece, _| show(&mut said, piece));
        }
        assert_eq!(said, "short long one ");
        order.flush(&mut |piece, _| show(&mut said, piece));
        assert_eq!((said.as_str(), order.cost()), ("short long one other ", 0));
    }
}
