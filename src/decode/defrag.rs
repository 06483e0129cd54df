//! IP datagrams from their fragments (RFC 791, section 3.2; RFC 8200, section 4.5).
//!
//! Of bytes that come twice, those captured first stand. What is waiting is bounded in number, bytes,
//! pieces and packet time; what had to go is counted.

use std::collections::VecDeque;

use hashbrown::HashMap;

use super::{Addresses, Ends, Layer, Undecodable, Walk};
use crate::model::flow::Tunnel;
use crate::model::limits::{self, Limits};
use crate::model::tally::{Skipped, Volume};
use crate::model::time::Timestamp;

/// Where a fragment belongs.
#[derive(Clone, Copy)]
pub(super) struct Part {
    pub(super) datagram: Datagram,
    /// What is inside the datagram; the first fragment's word counts.
    pub(super) number: u8,
    /// In bytes.
    pub(super) offset: usize,
    /// No fragment comes after it.
    pub(super) last: bool,
}

/// What all fragments of a datagram have in common.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Datagram {
    pub(super) addresses: Addresses,
    /// IPv4 tells datagrams of different protocols apart, IPv6 does not.
    pub(super) protocol: Option<u8>,
    pub(super) id: u32,
    /// [`Tunnel::network`].
    pub(super) network: u32,
}

/// A datagram that is complete, but for what snap lengths cut.
#[derive(Default)]
pub(super) struct Whole {
    bytes: Vec<u8>,
    wire_len: usize,
    transport: Option<(u8, Addresses)>,
    tunnel: Option<Tunnel>,
}

impl Whole {
    pub(super) fn start(&self) -> Result<(Walk<'_>, Layer), Undecodable> {
        let (number, addresses) = self.transport.ok_or(Undecodable::MALFORMED)?;
        let walk = Walk {
            bytes: &self.bytes,
            wire_len: self.wire_len,
            tunnel: self.tunnel,
            corrupt: false,
            ends: Ends::Addresses(addresses),
        };
        Ok((walk, Layer::Transport { number, addresses }))
    }
}

/// Fragments of datagrams that are not complete.
pub(super) struct Fragments {
    limits: Limits,
    waiting: HashMap<Datagram, Waiting>,
    /// In the order of their first fragments. Holds every datagram of `waiting`, and some that were
    /// replaced there by another of the same name.
    order: VecDeque<Opened>,
    opened: u64,
    /// Bytes of all datagrams together.
    held: usize,
    skipped: Skipped,
    /// Fragments smaller than any network makes them.
    tiny: u64,
    /// Datagrams that had to make room for others.
    evicted: u64,
}

impl Default for Fragments {
    fn default() -> Self {
        Self::new(&Limits::default())
    }
}

impl Fragments {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            limits: *limits,
            waiting: HashMap::new(),
            order: VecDeque::new(),
            opened: 0,
            held: 0,
            skipped: Skipped::default(),
            tiny: 0,
            evicted: 0,
        }
    }

    /// Adds what stands behind the headers of a fragment, and gives the datagram that it completes.
    /// `frame` is the length of the packet that carries it.
    pub(super) fn add(
        &mut self,
        part: &Part,
        walk: &Walk<'_>,
        at: Timestamp,
        frame: u64,
    ) -> Result<Option<Whole>, Undecodable> {
        let end = part.offset + walk.wire_len;
        if walk.wire_len == 0 || end > LONGEST || !(part.last || walk.wire_len.is_multiple_of(UNIT)) {
            return Err(Undecodable::MALFORMED);
        }
        self.tiny += u64::from(!part.last && walk.wire_len < TINY);
        self.make_room(walk.bytes.len(), at);
        let timeout = self.timeout();
        if self.waiting.get(&part.datagram).is_none_or(|waiting| waiting.is_over(at, timeout)) {
            self.open(part.datagram, at);
        }
        let Some(waiting) = self.waiting.get_mut(&part.datagram) else { return Ok(None) };
        match waiting.state {
            State::Open => {}
            State::Complete(_) => {
                self.skipped.add(REPEATED, frame);
                return Ok(None);
            }
            State::GivenUp => return Err(TOO_MANY),
        }
        let before = waiting.bytes.len();
        let added = waiting.put(part, walk, end);
        self.held += waiting.bytes.len() - before;
        if added.conflicting {
            self.skipped.add(CONFLICTING, if added.new { added.again } else { frame });
        } else if added.again > 0 {
            self.skipped.add(REPEATED, if added.new { added.again } else { frame });
        }
        if added.new {
            waiting.packets.add(frame);
        }
        if waiting.pieces.len() > limits::FRAGMENTS {
            self.held -= waiting.bytes.len();
            self.skipped.add_volume(TOO_MANY.0, waiting.packets);
            waiting.close(State::GivenUp);
            return Ok(None);
        }
        if waiting.total != Some(waiting.covered) {
            return Ok(None);
        }
        self.held -= waiting.bytes.len();
        let whole = waiting.whole(part.datagram.addresses, walk.tunnel);
        waiting.close(State::Complete(at));
        Ok(Some(whole))
    }

    /// Gives up what is still incomplete, and tells all that was skipped.
    pub(super) fn finish(&mut self) -> Skipped {
        while let Some(oldest) = self.order.pop_front() {
            self.close(oldest);
        }
        std::mem::take(&mut self.skipped)
    }

    /// Fragments that are too small to be honest. They are put together like any other.
    pub(super) const fn tiny(&self) -> u64 {
        self.tiny
    }

    /// Datagrams that were given up for want of room.
    pub(super) const fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Nanoseconds.
    const fn timeout(&self) -> i64 {
        self.limits.fragment_seconds.saturating_mul(1_000_000_000)
    }

    fn make_room(&mut self, needed: usize, at: Timestamp) {
        while let Some(&oldest) = self.order.front() {
            let full =
                self.order.len() >= limits::FRAGMENTED_DATAGRAMS || self.held + needed > self.limits.fragment_bytes;
            let late = at.since(oldest.at) > self.timeout();
            if !full && !late {
                break;
            }
            self.order.pop_front();
            if self.close(oldest) && !late {
                self.evicted += 1;
            }
        }
    }

    fn open(&mut self, datagram: Datagram, at: Timestamp) {
        if let Some(old) = self.waiting.get(&datagram) {
            self.close(Opened { datagram, serial: old.serial, at });
        }
        self.opened += 1;
        let serial = self.opened;
        self.waiting.insert(datagram, Waiting::new(serial, at));
        self.order.push_back(Opened { datagram, serial, at });
    }

    /// Whether something was lost by it.
    fn close(&mut self, Opened { datagram, serial, .. }: Opened) -> bool {
        if self.waiting.get(&datagram).is_none_or(|waiting| waiting.serial != serial) {
            return false;
        }
        let Some(waiting) = self.waiting.remove(&datagram) else { return false };
        self.held -= waiting.bytes.len();
        let incomplete = matches!(waiting.state, State::Open);
        if incomplete {
            self.skipped.add_volume(INCOMPLETE, waiting.packets);
        }
        incomplete
    }
}

const INCOMPLETE: &str = "ip fragment, incomplete";
const REPEATED: &str = "ip fragment, repeated";
const CONFLICTING: &str = "ip fragment, conflicting";
const TOO_MANY: Undecodable = Undecodable("ip fragment, one of too many");

/// Fragments but the last are multiples of this, in bytes.
const UNIT: usize = 8;
/// Every network carries packets of 68 bytes (RFC 791, section 3.2), a header of 20 among them: who makes
/// smaller fragments wants to hide the ports, or to cost something (RFC 1858).
const TINY: usize = 48;
/// No datagram is longer than its length field can say.
const LONGEST: usize = 0xffff;
/// Nanoseconds within which a packet shows up again that is captured in two places. An identifier is
/// not used again so soon.
const ECHO: i64 = 100_000_000;

#[derive(Clone, Copy)]
struct Opened {
    datagram: Datagram,
    serial: u64,
    at: Timestamp,
}

struct Waiting {
    serial: u64,
    since: Timestamp,
    state: State,
    number: Option<u8>,
    /// Length of the datagram, once the last fragment said it.
    total: Option<usize>,
    /// How many bytes of it are covered by pieces.
    covered: usize,
    /// By offset, without overlaps.
    pieces: Vec<Piece>,
    /// What the pieces point into.
    bytes: Vec<u8>,
    /// The packets it came in.
    packets: Volume,
}

#[derive(Clone, Copy)]
enum State {
    Open,
    /// It was passed on at this time. Its last fragments may show up again, where packets are captured
    /// twice.
    Complete(Timestamp),
    /// It came in too many pieces.
    GivenUp,
}

#[derive(Clone, Copy)]
struct Piece {
    offset: usize,
    /// On the wire.
    length: usize,
    /// Where its captured bytes are in [`Waiting::bytes`], and how many.
    at: usize,
    captured: usize,
}

impl Waiting {
    fn new(serial: u64, since: Timestamp) -> Self {
        Self {
            serial,
            since,
            state: State::Open,
            number: None,
            total: None,
            covered: 0,
            pieces: Vec::new(),
            bytes: Vec::new(),
            packets: Volume::default(),
        }
    }

    /// Whether another datagram of the same name may begin.
    fn is_over(&self, at: Timestamp, timeout: i64) -> bool {
        match self.state {
            State::Complete(then) => !(0..=ECHO).contains(&at.since(then)),
            State::Open | State::GivenUp => at.since(self.since) > timeout,
        }
    }

    fn close(&mut self, state: State) {
        self.state = state;
        self.pieces = Vec::new();
        self.bytes = Vec::new();
    }

    /// Adds of a fragment what is new.
    fn put(&mut self, part: &Part, walk: &Walk<'_>, end: usize) -> Added {
        let mut added = Added::default();
        let reached = self.pieces.last().map_or(0, Piece::end);
        let contradicts = |total| end > total || part.last && end != total;
        if self.total.is_some_and(contradicts) || part.last && reached > end {
            added.conflicting = true;
            return added;
        }
        if part.last {
            self.total = Some(end);
        }
        if part.offset == 0 {
            self.number.get_or_insert(part.number);
        }
        let mut index = self.pieces.partition_point(|piece| piece.end() <= part.offset);
        let mut from = part.offset;
        while from < end {
            let next = self.pieces.get(index).copied();
            let until = next.map_or(end, |next| next.offset.clamp(from, end));
            if until > from {
                let new = clipped(walk.bytes, from - part.offset, until - part.offset);
                let piece = Piece { offset: from, length: until - from, at: self.bytes.len(), captured: new.len() };
                self.pieces.insert(index, piece);
                self.bytes.extend_from_slice(new);
                self.covered += piece.length;
                added.new = true;
                index += 1;
            }
            let Some(next) = next else { break };
            let to = next.end().min(end);
            if to > until {
                let old = clipped(self.captured(&next), until - next.offset, to - next.offset);
                let again = clipped(walk.bytes, until - part.offset, to - part.offset);
                added.conflicting |= old.iter().zip(again).any(|(old, again)| old != again);
                added.again += (to - until) as u64;
            }
            from = to.max(until);
            index += 1;
        }
        added
    }

    /// All pieces together, up to the first byte that was not captured.
    fn whole(&self, addresses: Addresses, tunnel: Option<Tunnel>) -> Whole {
        let mut bytes = Vec::with_capacity(self.bytes.len());
        for piece in &self.pieces {
            bytes.extend_from_slice(self.captured(piece));
            if piece.captured < piece.length {
                break;
            }
        }
        let transport = self.number.map(|number| (number, addresses));
        Whole { bytes, wire_len: self.covered, transport, tunnel }
    }

    fn captured(&self, piece: &Piece) -> &[u8] {
        clipped(&self.bytes, piece.at, piece.at + piece.captured)
    }
}

impl Piece {
    const fn end(&self) -> usize {
        self.offset + self.length
    }
}

/// What came of a fragment.
#[derive(Default)]
struct Added {
    /// Some of it was not known yet.
    new: bool,
    /// How many bytes were known.
    again: u64,
    /// They, or the length of the datagram, were known to be different.
    conflicting: bool,
}

/// The part of `bytes` between two offsets that is there.
fn clipped(bytes: &[u8], from: usize, to: usize) -> &[u8] {
    bytes.get(from..to.min(bytes.len())).unwrap_or_default()
}

#[cfg(test)]
mod tests;
