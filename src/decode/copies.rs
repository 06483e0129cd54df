//! The same packet seen twice: by two taps of a link, on both sides of a router or a switch, with a VLAN
//! tag and without.

use std::collections::VecDeque;
use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashMap};
use smallvec::SmallVec;

use super::{Checksum, Segment, TransportHeader};
use crate::model::flow::Tunnel;
use crate::model::limits;
use crate::model::packet::Packet;
use crate::model::time::Timestamp;

/// Tells copies from what was sent again.
///
/// Compared is what no router changes: addresses, ports, transport header and payload. What one tap sees
/// for the second time was sent twice; what a second tap sees for the first time is a copy.
#[derive(Debug, Default)]
pub struct Copies {
    /// Nothing is looked at before there can be copies.
    watching: bool,
    first: Option<u64>,
    hasher: DefaultHashBuilder,
    seen: HashMap<u64, Seen>,
    /// In the order in which they were seen first or again.
    recent: VecDeque<(Timestamp, u64)>,
    /// Packets that were forgotten before their time.
    beyond: u64,
}

/// How often each tap has seen a packet.
#[derive(Debug)]
struct Seen {
    last: Timestamp,
    by: SmallVec<[(u64, u32); 2]>,
}

impl Copies {
    /// From now on several taps are to be expected. Otherwise they are from the second one on.
    pub const fn watch(&mut self) {
        self.watching = true;
    }

    /// Packets whose copies were not looked for long enough, for want of room.
    pub const fn beyond(&self) -> u64 {
        self.beyond
    }

    /// Whether a packet is a copy of one that another tap has seen not long ago.
    #[inline]
    pub fn has(&mut self, packet: &Packet<'_>, segment: &Segment<'_>) -> bool {
        let place = place(packet);
        if !self.watching {
            self.watching = *self.first.get_or_insert(place) != place;
            if !self.watching {
                return false;
            }
        }
        self.look(place, packet.mark.at, segment)
    }

    fn look(&mut self, place: u64, at: Timestamp, segment: &Segment<'_>) -> bool {
        self.forget(at);
        let digest = self.digest(segment);
        self.recent.push_back((at, digest));
        let seen = self.seen.entry(digest).or_insert_with(|| Seen { last: at, by: SmallVec::new() });
        seen.last = at;
        let most = seen.by.iter().map(|(_, times)| *times).max().unwrap_or(0);
        match seen.by.iter_mut().find(|(tap, _)| *tap == place) {
            Some((_, times)) => {
                *times = times.saturating_add(1);
                *times <= most
            }
            None => {
                seen.by.push((place, 1));
                most > 0
            }
        }
    }

    /// Forgets what is too old, or too much.
    fn forget(&mut self, now: Timestamp) {
        while let Some((at, digest)) = self.recent.front().copied() {
            let age = now.nanos().saturating_sub(at.nanos());
            let due = age.abs() > limits::COPY_NANOS;
            if !due && self.recent.len() < limits::COPIES {
                break;
            }
            self.beyond += u64::from(!due);
            self.recent.pop_front();
            if self.seen.get(&digest).is_some_and(|seen| seen.last == at) {
                self.seen.remove(&digest);
            }
        }
    }

    fn digest(&self, segment: &Segment<'_>) -> u64 {
        let Segment { source, destination, transport, payload, missing, checksum, tunnel } = segment;
        let network = tunnel.map_or(0, Tunnel::network);
        let header = match *transport {
            TransportHeader::Tcp { seq, ack, flags, window } => Some((seq, ack, flags.0, window)),
            // Its numbers are part of its payload.
            TransportHeader::Sctp { tag } => Some((tag, 0, 0, 0)),
            TransportHeader::Udp | TransportHeader::Ppp => None,
        };
        // A receiver does not take what has a wrong checksum: it must not stand for a copy without.
        let bad = *checksum == Checksum::Bad;
        self.hasher.hash_one((source, destination, header, network, Bytes(payload), missing, bad))
    }
}

/// Bytes as one piece.
struct Bytes<'a>(&'a [u8]);

impl Hash for Bytes<'_> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write(self.0);
    }
}

/// Where a packet was seen: its tap, and the VLAN or the interface that its frame names.
fn place(packet: &Packet<'_>) -> u64 {
    /// Ethernet, and what `-i any` writes (LINKTYPE_LINUX_SLL2), which has the number of the interface.
    const ETHERNET: u16 = 1;
    const SLL2: u16 = 276;
    let bytes = packet.bytes;
    let inside = match packet.link.0 {
        ETHERNET => match bytes.get(12..16) {
            // IEEE 802.1Q, 802.1ad, and what came before it.
            Some(&[0x81 | 0x91, 0, a, b] | &[0x88, 0xa8, a, b]) => 1 << 16 | u32::from_be_bytes([0, 0, a & 0x0f, b]),
            _ => 0,
        },
        SLL2 => bytes.get(4..).and_then(<[u8]>::first_chunk).map_or(0, |index| u32::from_be_bytes(*index)),
        _ => 0,
    };
    u64::from(packet.tap) << 32 | u64::from(inside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::flow::Endpoint;
    use crate::model::packet::{LinkType, Mark};

    fn seen(copies: &mut Copies, tap: u32, millis: i64, payload: &[u8]) -> bool {
        let mark = Mark { at: Timestamp::from_nanos(millis * 1_000_000), ..Mark::default() };
        let packet = Packet { mark, tap, link: LinkType(1), bytes: &[], wire_len: 0 };
        let end = Endpoint { ip: [10, 0, 0, 1].into(), port: 161 };
        let transport = TransportHeader::Udp;
        let checksum = Checksum::Good;
        let segment = Segment { source: end, destination: end, transport, payload, missing: 0, checksum, tunnel: None };
        copies.has(&packet, &segment)
    }

    #[test]
    fn what_two_taps_see_is_taken_once() {
        let mut copies = Copies::default();
        copies.watch();
        assert!(!seen(&mut copies, 0, 0, b"a"));
        assert!(seen(&mut copies, 1, 3, b"a"));
        assert!(!seen(&mut copies, 1, 4, b"b"));
        assert!(seen(&mut copies, 0, 5, b"b"));
    }

    #[test]
    fn what_was_sent_twice_is_taken_twice() {
        let mut copies = Copies::default();
        copies.watch();
        assert_eq!([0, 1, 0, 1, 1].map(|tap| seen(&mut copies, tap, 0, b"a")), [false, true, false, true, false]);
        assert_eq!([0, 0].map(|_| seen(&mut Copies::default(), 0, 0, b"a")), [false, false]);
    }

    #[test]
    fn what_comes_later_is_no_copy() {
        let mut copies = Copies::default();
        copies.watch();
        assert!(!seen(&mut copies, 0, 0, b"a"));
        assert!(!seen(&mut copies, 1, 101, b"a"));
        assert_eq!((copies.seen.len(), copies.recent.len()), (1, 1));
    }

    #[test]
    fn a_second_tap_is_noticed() {
        let mut copies = Copies::default();
        assert!(!seen(&mut copies, 0, 0, b"a"));
        assert!(!seen(&mut copies, 1, 0, b"a"), "nothing was remembered until here");
        assert!(seen(&mut copies, 0, 0, b"a"));
    }
}
