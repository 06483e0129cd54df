//! Bytes of one direction of a flow, and where in the capture they came from.

use std::ops::Range;

use super::flow::Direction;
use super::limits;
use super::packet::{Mark, Span};

/// From byte `start` of a stretch onwards, the bytes came from the packet at `mark`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Offset into the stretch, in bytes.
    pub start: usize,
    /// The packet.
    pub mark: Mark,
}

/// Contiguous bytes with their packets. `origins` is sorted by `start`, is never empty, and its
/// first entry starts at 0.
#[derive(Clone, Copy, Debug)]
pub struct Stretch<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// Which packets they came from.
    pub origins: &'a [Origin],
}

impl<'a> Stretch<'a> {
    /// The packet that carries the byte at `offset` (the last packet, for an offset past the end).
    pub fn mark(&self, offset: usize) -> Mark {
        let after = self.origins.partition_point(|o| o.start <= offset);
        self.origins.get(after.saturating_sub(1)).map_or_else(Mark::default, |o| o.mark)
    }

    /// The packets that carry the bytes of `range`. An empty range is the packet at its start.
    pub fn span(&self, range: Range<usize>) -> Span {
        let last = range.end.saturating_sub(1).max(range.start);
        Span { first: self.mark(range.start), last: self.mark(last) }
    }

    /// The packets of all of it.
    pub fn whole(&self) -> Span {
        self.span(0..self.bytes.len())
    }
}

/// What an analyzer is given: the bytes of one direction that it has not consumed yet.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Which way they travel.
    pub direction: Direction,
    /// The bytes: everything left over from the call before, then what has arrived since.
    pub data: Stretch<'a>,
}

impl<'a> Input<'a> {
    /// The bytes alone.
    pub const fn bytes(&self) -> &'a [u8] {
        self.data.bytes
    }

    /// The packets of a range of the bytes.
    pub fn span(&self, range: Range<usize>) -> Span {
        self.data.span(range)
    }
}

/// A buffer that grows by pieces and remembers the packet of each: bodies, command lines, rows.
#[derive(Clone, Debug, Default)]
pub struct Gathered {
    bytes: Vec<u8>,
    origins: Vec<Origin>,
}

impl Gathered {
    /// Appends a piece that came (or was decoded from what came) in the packet at `mark`.
    pub fn push(&mut self, piece: &[u8], mark: Mark) {
        if piece.is_empty() {
            return;
        }
        self.note(mark);
        self.bytes.extend_from_slice(piece);
    }

    /// Appends a stretch with its packets.
    pub fn push_stretch(&mut self, piece: Stretch<'_>) {
        self.push_part(piece, 0..piece.bytes.len());
    }

    /// Appends the bytes of `range` of a stretch, with their packets.
    pub fn push_part(&mut self, piece: Stretch<'_>, range: Range<usize>) {
        let first = piece.origins.partition_point(|o| o.start <= range.start).saturating_sub(1);
        let origins = piece.origins.get(first..).unwrap_or_default();
        for (n, origin) in origins.iter().enumerate() {
            let start = origin.start.max(range.start);
            let end = origins.get(n + 1).map_or(range.end, |next| next.start.min(range.end));
            match piece.bytes.get(start..end) {
                Some(part) => self.push(part, origin.mark),
                None => break,
            }
        }
    }

    /// Says that bytes appended through [`Gathered::bytes_mut`] from here on come from `mark`. Of a
    /// trickle not every packet is remembered: see [`limits::ORIGINS`].
    pub fn note(&mut self, mark: Mark) {
        let (start, origins) = (self.bytes.len(), self.origins.len());
        match self.origins.last_mut() {
            Some(last) if last.mark == mark => {}
            Some(last) if last.start == start => last.mark = mark,
            Some(last) if origins >= limits::ORIGINS && start - last.start < limits::ORIGIN_BYTES => {}
            last => {
                if last.is_none() {
                    // What is kept of most flows came in one packet.
                    self.origins.reserve_exact(1);
                }
                self.origins.push(Origin { start, mark });
            }
        }
    }

    /// The growing end, for decoders that write into a `Vec`. Call [`Gathered::note`] first.
    pub const fn bytes_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Puts something else in the place of the bytes from `from` on: what `made` makes of those of each
    /// packet, one packet after the other.
    pub fn rewrite(&mut self, from: usize, mut made: impl FnMut(&[u8], &mut Vec<u8>)) {
        let mut old = Self::default();
        old.push_part(self.stretch(), from..self.bytes.len());
        self.bytes.truncate(from);
        self.origins.truncate(self.origins.partition_point(|o| o.start < from));
        for (n, origin) in old.origins.iter().enumerate() {
            let end = old.origins.get(n + 1).map_or(old.bytes.len(), |next| next.start);
            self.note(origin.mark);
            made(old.bytes.get(origin.start..end).unwrap_or_default(), &mut self.bytes);
        }
    }

    /// What was gathered.
    pub fn stretch(&self) -> Stretch<'_> {
        Stretch { bytes: &self.bytes, origins: &self.origins }
    }

    /// Length in bytes.
    pub const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing was gathered.
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Forgets the first `count` bytes.
    pub fn consume(&mut self, count: usize) {
        if count >= self.bytes.len() {
            self.clear();
            return;
        }
        self.bytes.drain(..count);
        let after = self.origins.partition_point(|o| o.start <= count);
        self.origins.drain(..after.saturating_sub(1));
        for origin in &mut self.origins {
            origin.start = origin.start.saturating_sub(count);
        }
    }

    /// Forgets everything and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.origins.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::packet::FrameNo;

    fn mark(number: u64) -> Mark {
        Mark { frame: FrameNo { file: 0, number }, ..Mark::default() }
    }

    #[test]
    fn a_range_maps_to_its_first_and_last_packet() {
        let mut gathered = Gathered::default();
        gathered.push(b"abc", mark(1));
        gathered.push(b"def", mark(2));
        gathered.push(b"ghi", mark(3));
        let span = gathered.stretch().span(2..4);
        assert_eq!((span.first.frame.number, span.last.frame.number), (1, 2));
        assert_eq!(gathered.stretch().whole().last.frame.number, 3);
    }

    #[test]
    fn consuming_keeps_the_packets_of_what_is_left() {
        let mut gathered = Gathered::default();
        gathered.push(b"abc", mark(1));
        gathered.push(b"def", mark(2));
        gathered.consume(4);
        assert_eq!(gathered.stretch().bytes, b"ef");
        assert_eq!(gathered.stretch().mark(0).frame.number, 2);
        assert_eq!(gathered.stretch().origins[0].start, 0);
    }

    #[test]
    fn what_is_rewritten_keeps_its_packets() {
        let mut gathered = Gathered::default();
        (1..=3).for_each(|number| gathered.push(b"abc", mark(number)));
        gathered.rewrite(2, |bytes, out| out.extend(bytes.iter().flat_map(|b| [*b, *b])));
        assert_eq!(gathered.stretch().bytes, b"abccaabbccaabbcc");
        let frames = [0, 3, 4, 9, 10, 15].map(|offset| gathered.stretch().mark(offset).frame.number);
        assert_eq!(frames, [1, 1, 2, 2, 3, 3]);
    }

    #[test]
    fn a_trickle_costs_little_more_than_its_bytes() {
        let mut gathered = Gathered::default();
        (1..=10_000).for_each(|number| gathered.push(b"x", mark(number)));
        assert!(gathered.origins.len() <= limits::ORIGINS + 10_000 / limits::ORIGIN_BYTES);
        let near =
            |offset: u64| (offset - 63..=offset + 1).contains(&gathered.stretch().mark(offset as usize).frame.number);
        assert!((100..10_000).step_by(99).all(near));
    }

    #[test]
    fn a_stretch_is_appended_with_its_packets() {
        let mut first = Gathered::default();
        first.push(b"ab", mark(1));
        first.push(b"cd", mark(2));
        let mut second = Gathered::default();
        second.push_stretch(first.stretch());
        assert_eq!(second.stretch().bytes, b"abcd");
        assert_eq!(second.stretch().mark(3).frame.number, 2);
    }
}
