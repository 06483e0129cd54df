//! Puts the segments of one direction in order: holes, overlaps, repeats. Pure: what comes out goes to
//! a callback, in order, each byte once.
//!
//! Positions are sequence numbers unwrapped to 64 bits. A segment that continues the stream is passed
//! on as it is; one that comes too early is copied and held. Where segments overlap, the bytes that
//! came first stand.

use std::collections::BTreeMap;

use crate::model::packet::Mark;
use crate::model::time::Timestamp;

/// What the next part of the stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Bytes.
    Data(&'a [u8]),
    /// So many bytes that were not captured.
    Gap(u64),
}

/// A run of the stream as a packet brought it: `bytes`, then `missing` bytes that the snap length cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival<'a> {
    /// Position of its first byte.
    pub(super) start: u64,
    /// What was captured.
    pub(super) bytes: &'a [u8],
    /// What was cut off.
    pub(super) missing: u32,
    /// The packet.
    pub(super) mark: Mark,
}

impl Arrival<'_> {
    const fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64 + self.missing as u64
    }

    /// The part from `start` to `end`, which lie inside.
    fn part(&self, start: u64, end: u64) -> Self {
        let at = |position: u64| usize::try_from(position - self.start).unwrap_or(usize::MAX).min(self.bytes.len());
        let bytes = self.bytes.get(at(start)..at(end)).unwrap_or_default();
        let missing = u32::try_from(end - start - bytes.len() as u64).unwrap_or(u32::MAX);
        Self { start, bytes, missing, ..*self }
    }
}

/// Bytes that had come before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Repeats {
    /// How many.
    pub(super) bytes: u64,
    /// How many of them are known to differ from what came first.
    pub(super) conflicting: u64,
}

/// One direction of a connection.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    next: u64,
    held: Option<Box<Held>>,
}

/// Cost of holding a segment besides its bytes, so that tiny ones cannot escape the limit.
const SEGMENT_COST: usize = 96;

/// A hole is taken for a loss of the capture after so many acknowledgements past it, the last of them so
/// long after the hole was seen, or after so many however fast. The receiver has the bytes; what is
/// captured in the wrong order is not that far apart.
pub(super) const CONFIRMATIONS: u8 = 3;
const CONFIRMED_AFTER: i64 = 100_000_000;
const CONFIRMATIONS_AT_ONCE: u8 = 32;

impl Assembler {
    /// Position of the first byte that has not been passed on.
    pub(super) const fn next(&self) -> u64 {
        self.next
    }

    /// The stream continues at `position`, whatever was before. Drops what is held.
    pub(super) fn restart(&mut self, position: u64) {
        *self = Self { next: position, held: None };
    }

    /// The stream begins earlier than it seemed. Only before anything was passed on.
    pub(super) fn begin_at(&mut self, position: u64) {
        self.next = position;
    }

    /// What is held costs so much, in bytes.
    pub(super) fn cost(&self) -> usize {
        self.held.as_ref().map_or(0, |held| held.cost)
    }

    /// The packet behind the first hole.
    pub(super) fn waiting(&self) -> Option<Mark> {
        self.held.as_ref()?.segments.first_key_value().map(|(_, segment)| segment.mark)
    }

    /// Adds a segment and passes on what has become contiguous.
    pub(super) fn add(&mut self, arrival: Arrival<'_>, out: &mut impl FnMut(Piece<'_>, Mark)) -> Repeats {
        let Some((fresh, repeats)) = self.fresh(arrival) else {
            return Repeats { bytes: length(arrival), ..Repeats::default() };
        };
        if self.held.is_none() && fresh.start == self.next {
            self.next = fresh.end();
            pass(fresh.bytes, fresh.missing, fresh.mark, out);
            return repeats;
        }
        self.place(fresh, |this, part| {
            if part.start == this.next {
                this.next = part.end();
                pass(part.bytes, part.missing, part.mark, out);
                this.release(out);
            } else {
                this.held.get_or_insert_default().insert(part);
            }
        });
        repeats
    }

    /// Adds a segment and passes nothing on, for as long as the stream may yet begin earlier.
    pub(super) fn hold(&mut self, arrival: Arrival<'_>) -> Repeats {
        let Some((fresh, repeats)) = self.fresh(arrival) else {
            return Repeats { bytes: length(arrival), ..Repeats::default() };
        };
        self.place(fresh, |this, part| this.held.get_or_insert_default().insert(part));
        repeats
    }

    /// Passes on what is contiguous.
    pub(super) fn release(&mut self, out: &mut impl FnMut(Piece<'_>, Mark)) {
        let Some(held) = &mut self.held else { return };
        while let Some(segment) = held.take(self.next) {
            self.next += segment.length();
            pass(&segment.bytes, segment.missing, segment.mark, out);
        }
        if held.segments.is_empty() {
            self.held = None;
        }
    }

    /// The receiver says at some time that it has everything before `position`. Whether the first hole
    /// is a loss of the capture.
    pub(super) fn acknowledged(&mut self, position: u64, at: Timestamp) -> bool {
        let Some(held) = &mut self.held else { return false };
        let Some((_, first)) = held.segments.first_key_value().filter(|(start, _)| position >= **start) else {
            return false;
        };
        held.confirmations = held.confirmations.saturating_add(1);
        let late = at.since(first.mark.at) >= CONFIRMED_AFTER;
        held.confirmations >= if late { CONFIRMATIONS } else { CONFIRMATIONS_AT_ONCE }
    }

    /// Gives up the first hole: passes on a gap, and what follows it. `false`: there is no hole.
    pub(super) fn give_up(&mut self, out: &mut impl FnMut(Piece<'_>, Mark)) -> bool {
        let Some((&start, segment)) = self.held.as_ref().and_then(|held| held.segments.first_key_value()) else {
            return false;
        };
        if start > self.next {
            out(Piece::Gap(start - self.next), segment.mark);
            self.next = start;
        }
        self.release(out);
        true
    }

    /// What of a segment has not been passed on, and what of it is held already.
    fn fresh<'a>(&self, arrival: Arrival<'a>) -> Option<(Arrival<'a>, Repeats)> {
        let end = arrival.end();
        if end <= self.next {
            return None;
        }
        let start = arrival.start.max(self.next);
        let fresh = if start == arrival.start { arrival } else { arrival.part(start, end) };
        let mut repeats = Repeats { bytes: start - arrival.start, conflicting: 0 };
        for (at, segment) in self.held.iter().flat_map(|held| held.overlapping(start, end)) {
            let (from, to) = (at.max(start), (at + segment.length()).min(end));
            repeats.bytes += to - from;
            let (ours, theirs) = (fresh.part(from, to).bytes, segment.arrival(at).part(from, to).bytes);
            repeats.conflicting += ours.iter().zip(theirs).filter(|(a, b)| a != b).count() as u64;
        }
        Some((fresh, repeats))
    }

    /// Calls `each` with every part of a segment that is not held, in order.
    fn place(&mut self, fresh: Arrival<'_>, mut each: impl FnMut(&mut Self, Arrival<'_>)) {
        let (mut at, end) = (fresh.start, fresh.end());
        while at < end {
            let next = self.held.as_ref().and_then(|held| held.overlapping(at, end).next());
            let (hole_end, resume) = next.map_or((end, end), |(start, held)| (start.max(at), start + held.length()));
            if at < hole_end {
                each(self, fresh.part(at, hole_end));
            }
            at = resume.max(self.next);
        }
    }
}

/// Segments behind a hole. They do not overlap.
#[derive(Debug, Default)]
struct Held {
    segments: BTreeMap<u64, Segment>,
    cost: usize,
    /// Acknowledgements past the first hole.
    confirmations: u8,
}

#[derive(Debug)]
struct Segment {
    bytes: Box<[u8]>,
    missing: u32,
    mark: Mark,
}

impl Segment {
    const fn length(&self) -> u64 {
        self.bytes.len() as u64 + self.missing as u64
    }

    const fn cost(&self) -> usize {
        self.bytes.len() + SEGMENT_COST
    }

    const fn arrival(&self, start: u64) -> Arrival<'_> {
        Arrival { start, bytes: &self.bytes, missing: self.missing, mark: self.mark }
    }
}

impl Held {
    fn insert(&mut self, arrival: Arrival<'_>) {
        let segment = Segment { bytes: arrival.bytes.into(), missing: arrival.missing, mark: arrival.mark };
        self.cost += segment.cost();
        self.segments.insert(arrival.start, segment);
    }

    fn take(&mut self, position: u64) -> Option<Segment> {
        let first = self.segments.first_entry().filter(|first| *first.key() == position)?;
        let segment = first.remove();
        self.cost -= segment.cost();
        self.confirmations = 0;
        Some(segment)
    }

    fn overlapping(&self, start: u64, end: u64) -> impl Iterator<Item = (u64, &Segment)> {
        let before = self.segments.range(..start).next_back().filter(move |(at, s)| **at + s.length() > start);
        before.into_iter().chain(self.segments.range(start..end)).map(|(at, segment)| (*at, segment))
    }
}

const fn length(arrival: Arrival<'_>) -> u64 {
    arrival.end() - arrival.start
}

fn pass(bytes: &[u8], missing: u32, mark: Mark, out: &mut impl FnMut(Piece<'_>, Mark)) {
    if !bytes.is_empty() {
        out(Piece::Data(bytes), mark);
    }
    if missing > 0 {
        out(Piece::Gap(u64::from(missing)), mark);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A stream being put together: `None` for a byte that is missing.
    #[derive(Default)]
    struct Stream(Vec<Option<u8>>);

    impl Stream {
        fn push(&mut self, piece: Piece<'_>) {
            match piece {
                Piece::Data(bytes) => self.0.extend(bytes.iter().copied().map(Some)),
                Piece::Gap(missing) => self.0.extend((0..missing).map(|_| None)),
            }
        }
    }

    fn arrival(start: u64, bytes: &[u8]) -> Arrival<'_> {
        Arrival { start, bytes, missing: 0, mark: Mark::default() }
    }

    #[test]
    fn the_bytes_that_came_first_stand_and_conflicts_are_counted() {
        let (mut assembler, mut stream) = (Assembler::default(), Stream::default());
        let mut add = |start, bytes: &[u8]| assembler.add(arrival(start, bytes), &mut |piece, _| stream.push(piece));
        assert_eq!(add(4, b"efgh"), Repeats::default());
        assert_eq!(add(2, b"cdXf"), Repeats { bytes: 2, conflicting: 1 });
        assert_eq!(add(0, b"abcdefghij"), Repeats { bytes: 6, conflicting: 0 });
        assert_eq!(add(3, b"XXX"), Repeats { bytes: 3, conflicting: 0 }, "nothing left to compare with");
        let bytes: Vec<u8> = stream.0.into_iter().flatten().collect();
        assert_eq!(bytes, b"abcdefghij");
    }

    #[test]
    fn a_hole_is_a_loss_once_acknowledgements_past_it_confirm_it() {
        let mut assembler = Assembler::default();
        let mut pieces = Vec::new();
        assembler.add(arrival(5, b"late"), &mut |_, _| panic!("there is a hole"));
        let at = Timestamp::from_nanos;
        assert!(!assembler.acknowledged(4, at(200_000_000)), "the receiver lacks part of the hole");
        assert!(!assembler.acknowledged(9, at(0)));
        assert!(!assembler.acknowledged(9, at(0)));
        assert!(!assembler.acknowledged(9, at(0)));
        assert!(assembler.acknowledged(9, at(100_000_000)));
        assert!(assembler.give_up(&mut |piece, _| pieces.push(format!("{piece:?}"))));
        assert_eq!(pieces, ["Gap(5)", "Data([108, 97, 116, 101])"]);
        assert!(!assembler.give_up(&mut |_, _| panic!("nothing is left")));
        assert_eq!((assembler.next(), assembler.cost()), (9, 0));
    }

    #[test]
    fn what_the_snap_length_cut_is_a_gap_in_order_or_not() {
        let (mut assembler, mut stream) = (Assembler::default(), Stream::default());
        for start in [6, 0, 3] {
            let cut = Arrival { missing: 2, ..arrival(start, b"x") };
            assembler.add(cut, &mut |piece, _| stream.push(piece));
        }
        assert_eq!(stream.0, [Some(b'x'), None, None].repeat(3));
    }

    proptest! {
        /// Any cutting, repeating, overlapping and shuffling of a stream gives that stream; what no
        /// segment brings is a gap, to the byte.
        #[test]
        fn segments_in_any_order_give_the_stream_and_its_holes(
            length in 1_usize..300,
            cuts in prop::collection::vec((0_usize..300, 1_usize..60), 1..60),
            complete in any::<bool>(),
            shuffle in any::<u64>(),
        ) {
            let reference: Vec<u8> = (0..length).map(|n| (n * 7 + n / 251) as u8).collect();
            let mut segments: Vec<(usize, usize)> = cuts
                .iter()
                .map(|(start, size)| (start % length, (start % length + size).min(length)))
                .collect();
            if complete {
                segments.extend((0..length).step_by(13).map(|start| (start, (start + 13).min(length))));
            }
            let mut state = shuffle;
            segments.sort_by_cached_key(|_| {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                state >> 33
            });
            let mut expected: Vec<Option<u8>> = vec![None; segments.iter().map(|s| s.1).max().unwrap()];
            let (mut assembler, mut stream, mut repeated) = (Assembler::default(), Stream::default(), 0);
            for (start, end) in &segments {
                for n in *start..*end {
                    expected[n] = Some(reference[n]);
                }
                let repeats = assembler
                    .add(arrival(*start as u64, &reference[*start..*end]), &mut |piece, _| stream.push(piece));
                prop_assert_eq!(repeats.conflicting, 0);
                repeated += repeats.bytes;
            }
            while assembler.give_up(&mut |piece, _| stream.push(piece)) {}
            let sent: usize = segments.iter().map(|(start, end)| end - start).sum();
            prop_assert_eq!(repeated as usize, sent - expected.iter().flatten().count());
            prop_assert_eq!(assembler.cost(), 0);
            prop_assert_eq!(stream.0, expected);
        }
    }
}
