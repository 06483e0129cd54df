use super::super::tests::{PAYLOAD, decoded, in_ip, packet, tcp_v4, tcp_v6, under};
use super::super::{Checksum, Decoder, Packet};
use super::*;
use crate::model::packet::Mark;

/// A segment that is long enough to be cut.
fn long_v4() -> Vec<u8> {
    let content: Vec<u8> = (0..60).collect();
    let mut bytes = Vec::new();
    let builder = etherparse::PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64).tcp(4000, 80, 7, 512);
    builder.write(&mut bytes, &content).unwrap();
    bytes
}

/// Fragments of an IPv4 packet, as (offset, length) of its payload.
fn cut(whole: &[u8], id: u8, cuts: &[(usize, usize)]) -> Vec<Vec<u8>> {
    let (header, body) = whole.split_at(20);
    let fragment = |&(offset, length): &(usize, usize)| {
        let end = (offset + length).min(body.len());
        let mut bytes = under(header, &body[offset..end]);
        bytes[3] = (20 + end - offset) as u8;
        bytes[5] = id;
        bytes[6] = if end < body.len() { 0x20 } else { 0 };
        bytes[7] = (offset / 8) as u8;
        bytes
    };
    cuts.iter().map(fragment).collect()
}

const THREE: [(usize, usize); 3] = [(0, 32), (32, 32), (64, 99)];

#[derive(Default)]
struct Receiver {
    decoder: Decoder,
    now: i64,
}

impl Receiver {
    /// The payload of the datagram that a packet completes, and what is missing of it.
    fn takes(&mut self, bytes: &[u8]) -> Option<(Vec<u8>, u32)> {
        self.takes_cut(bytes, bytes.len())
    }

    fn takes_cut(&mut self, bytes: &[u8], captured: usize) -> Option<(Vec<u8>, u32)> {
        let mark = Mark { at: Timestamp::from_nanos(self.now), ..Mark::default() };
        let packet = Packet { mark, bytes: &bytes[..captured], ..packet(101, bytes) };
        let segment = self.decoder.decode(&packet).unwrap()?;
        assert_ne!(segment.checksum, Checksum::Bad);
        Some((segment.payload.to_vec(), segment.missing))
    }

    fn skipped(&mut self) -> Vec<(&'static str, u64)> {
        self.decoder.finish().iter().map(|(reason, volume)| (reason, volume.packets)).collect()
    }
}

#[test]
fn fragments_in_any_order_make_the_datagram() {
    let (whole, content) = (long_v4(), (0..60).collect::<Vec<u8>>());
    let pieces = cut(&whole, 1, &THREE);
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut receiver = Receiver::default();
        assert_eq!(receiver.takes(&pieces[order[0]]), None);
        assert_eq!(receiver.takes(&pieces[order[1]]), None);
        assert_eq!(receiver.takes(&pieces[order[2]]), Some((content.clone(), 0)), "{order:?}");
        assert_eq!(receiver.skipped(), []);
    }
}

#[test]
fn ipv6_is_put_together_too() {
    let whole = tcp_v6();
    let fragment = |offset: usize, more: u8, body: &[u8]| {
        let mut bytes = under(&whole[..40], &[&[6, 0, 0, offset as u8 | more, 0, 0, 0, 1], body].concat());
        bytes[4..6].copy_from_slice(&(body.len() as u16 + 8).to_be_bytes());
        bytes[6] = 44;
        bytes
    };
    let mut receiver = Receiver::default();
    assert_eq!(receiver.takes(&fragment(16, 0, &whole[56..])), None);
    assert_eq!(receiver.takes(&fragment(0, 1, &whole[40..56])), Some((PAYLOAD.to_vec(), 0)));
    assert_eq!(receiver.takes(&fragment(0, 0, &whole[40..])), Some((PAYLOAD.to_vec(), 0)), "the only one (RFC 6946)");
}

#[test]
fn datagrams_do_not_mix() {
    let whole = long_v4();
    let (first, second) = (cut(&whole, 1, &THREE), cut(&whole, 2, &THREE));
    let mut elsewhere = second.clone();
    elsewhere.iter_mut().for_each(|bytes| bytes[19] = 9);
    let mut receiver = Receiver::default();
    for bytes in [&first[0], &second[1], &elsewhere[2], &first[1], &second[2]] {
        assert_eq!(receiver.takes(bytes), None);
    }
    assert!(receiver.takes(&first[2]).is_some());
    assert_eq!(receiver.skipped(), [(INCOMPLETE, 3)]);
}

#[test]
fn of_overlapping_bytes_the_first_stand() {
    let whole = long_v4();
    let pieces = cut(&whole, 1, &[(0, 32), (24, 32), (48, 99)]);
    let mut other = pieces[1].clone();
    other[20..28].fill(0xee);
    let mut receiver = Receiver::default();
    assert_eq!(receiver.takes(&pieces[0]), None);
    assert_eq!(receiver.takes(&other), None);
    assert_eq!(receiver.takes(&pieces[2]), Some(((0..60).collect(), 0)));
    assert_eq!(receiver.skipped(), [(CONFLICTING, 1), (REPEATED, 1)]);
}

#[test]
fn a_fragment_around_those_before_fills_their_holes() {
    let whole = long_v4();
    let pieces = cut(&whole, 1, &[(16, 8), (48, 8), (0, 72), (72, 99)]);
    let mut receiver = Receiver::default();
    let last = pieces.iter().map(|bytes| receiver.takes(bytes)).last();
    assert_eq!(last, Some(Some(((0..60).collect(), 0))));
}

#[test]
fn an_end_that_contradicts_another_is_left_out() {
    let whole = long_v4();
    let pieces = cut(&whole, 1, &THREE);
    let mut early = pieces[1].clone();
    early[6] = 0;
    let mut receiver = Receiver::default();
    assert_eq!(receiver.takes(&pieces[2]), None);
    assert_eq!(receiver.takes(&early), None);
    assert_eq!(receiver.takes(&pieces[0]), None);
    assert!(receiver.takes(&pieces[1]).is_some());
    assert_eq!(receiver.skipped(), [(CONFLICTING, 1)]);
}

#[test]
fn packets_captured_twice_make_one_datagram() {
    let whole = long_v4();
    let mut receiver = Receiver::default();
    let got = cut(&whole, 1, &THREE).iter().flat_map(|b| [receiver.takes(b), receiver.takes(b)]).flatten().count();
    assert_eq!(got, 1);
    assert_eq!(receiver.skipped(), [(REPEATED, 3)]);
}

#[test]
fn an_identifier_is_used_again() {
    let whole = long_v4();
    let mut receiver = Receiver::default();
    for _ in 0..3 {
        let got = cut(&whole, 1, &THREE).iter().filter_map(|bytes| receiver.takes(bytes)).count();
        assert_eq!(got, 1);
        receiver.now += 2 * ECHO;
    }
    assert_eq!(receiver.takes(&cut(&whole, 1, &THREE)[0]), None);
    receiver.now += 2 * limits::FRAGMENT_SECONDS * 1_000_000_000;
    assert_eq!(cut(&whole, 1, &THREE).iter().filter_map(|bytes| receiver.takes(bytes)).count(), 1);
    assert_eq!(receiver.skipped(), [(INCOMPLETE, 1)]);
}

#[test]
fn what_a_snap_length_cut_off_a_fragment_is_missing() {
    let pieces = cut(&long_v4(), 1, &THREE);
    let mut receiver = Receiver::default();
    assert_eq!(receiver.takes(&pieces[0]), None);
    assert_eq!(receiver.takes(&pieces[2]), None);
    assert_eq!(receiver.takes_cut(&pieces[1], 30), Some(((0..22).collect(), 38)));
}

#[test]
fn fragments_inside_and_outside_of_a_tunnel_are_put_together() {
    let inner = cut(&long_v4(), 1, &THREE);
    let mut receiver = Receiver::default();
    let mut got = Vec::new();
    for (id, bytes) in (10..).zip(&inner) {
        let mut outer = in_ip(4, bytes);
        outer[12] = 7;
        got.extend(cut(&outer, id, &[(0, 24), (24, 99)]).iter().map(|piece| receiver.takes(piece)));
    }
    let last = got.pop().unwrap();
    assert_eq!(last, Some(((0..60).collect(), 0)));
    assert!(got.iter().all(Option::is_none));
}

#[test]
fn what_leads_nowhere_is_not_kept() {
    let mut pieces = cut(&long_v4(), 1, &THREE);
    pieces.iter_mut().for_each(|bytes| bytes[9] = 50);
    assert_eq!(decoded(&packet(101, &pieces[1]), |_| ()), Err(Undecodable::ESP));
}

#[test]
fn fragments_too_small_to_be_honest_are_counted_and_put_together() {
    let mut receiver = Receiver::default();
    for piece in cut(&long_v4(), 1, &[(0, 8), (8, 48), (56, 99)]) {
        receiver.takes(&piece);
    }
    assert_eq!(receiver.decoder.tiny_fragments(), 1);
    assert!(receiver.skipped().is_empty());
}

#[test]
fn impossible_fragments_are_malformed() {
    let pieces = cut(&long_v4(), 1, &THREE);
    let mut odd = pieces[0].clone();
    odd[3] -= 1;
    let mut beyond = pieces[2].clone();
    beyond[6..8].copy_from_slice(&[0x1f, 0xff]);
    let empty = cut(&tcp_v4(), 1, &[(0, 0)]).remove(0);
    for bytes in [odd, beyond, empty] {
        assert_eq!(decoded(&packet(101, &bytes), |_| ()), Err(Undecodable::MALFORMED), "{bytes:02x?}");
    }
}

#[test]
fn a_datagram_in_too_many_pieces_is_given_up() {
    let mut whole = in_ip(6, &[7; 8 * (limits::FRAGMENTS + 2)]);
    whole[12] = 7;
    let mut receiver = Receiver::default();
    let mut refused = 0;
    for index in 0..limits::FRAGMENTS + 2 {
        let mut bytes = under(&whole[..20], &[7; 8]);
        bytes[2..4].copy_from_slice(&28_u16.to_be_bytes());
        bytes[6..8].copy_from_slice(&(0x2000 | index as u16).to_be_bytes());
        refused += u32::from(receiver.decoder.decode(&packet(101, &bytes)) == Err(TOO_MANY));
    }
    assert_eq!(refused, 1);
    assert_eq!(receiver.skipped(), [(TOO_MANY.0, limits::FRAGMENTS as u64 + 1)]);
}

#[test]
fn the_oldest_make_room() {
    let first = &cut(&long_v4(), 1, &THREE)[0];
    let mut receiver = Receiver::default();
    let flood = limits::FRAGMENTED_DATAGRAMS + 100;
    for index in 0..flood {
        let mut bytes = first.clone();
        bytes[4..6].copy_from_slice(&(index as u16).to_be_bytes());
        assert_eq!(receiver.takes(&bytes), None);
        let fragments = &receiver.decoder.fragments;
        assert!(fragments.order.len() <= limits::FRAGMENTED_DATAGRAMS);
        assert!(fragments.waiting.len() <= fragments.order.len());
    }
    receiver.now = 2 * limits::FRAGMENT_SECONDS * 1_000_000_000;
    assert_eq!(receiver.takes(first), None);
    assert_eq!(receiver.decoder.fragments.waiting.len(), 1);
    assert_eq!(receiver.decoder.fragments.held, 32);
    assert_eq!(receiver.skipped(), [(INCOMPLETE, flood as u64 + 1)]);
}

#[test]
fn any_cuts_in_any_order_make_the_same_datagram() {
    let whole = long_v4();
    let mut state = 1_u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) % below) as usize
    };
    for _ in 0..2000 {
        let mut receiver = Receiver::default();
        let mut covered = [false; 10];
        let got = loop {
            // The segment is 80 bytes long: ten units.
            let (from, count) = (random(10), 1 + random(4));
            let count = count.min(10 - from);
            covered[from..from + count].fill(true);
            let got = receiver.takes(&cut(&whole, 1, &[(8 * from, 8 * count)])[0]);
            assert_eq!(got.is_some(), covered == [true; 10]);
            if let Some(got) = got {
                break got;
            }
        };
        assert_eq!(got, ((0..60).collect(), 0));
        assert_eq!(receiver.decoder.fragments.held, 0);
    }
}
