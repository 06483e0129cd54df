use etherparse::PacketBuilder;

use super::*;
use crate::model::packet::{LinkType, Mark};

pub(super) const PAYLOAD: &[u8] = b"hello";
pub(super) const MACS: [u8; 12] = [0; 12];

pub(super) fn packet(link: u16, bytes: &[u8]) -> Packet<'_> {
    Packet { mark: Mark::default(), tap: 0, link: LinkType(link), bytes, wire_len: bytes.len() as u32 }
}

/// Shows the segment of a packet that is no fragment.
pub(super) fn decoded<T>(packet: &Packet<'_>, look: impl FnOnce(Segment<'_>) -> T) -> Result<T, Undecodable> {
    Decoder::default().decode(packet).map(|segment| look(segment.expect("it is not a fragment")))
}

/// The payload and what is missing of it, once the rest was found to be as sent.
pub(super) fn payload(link: u16, bytes: &[u8]) -> (Vec<u8>, u32) {
    let look = |segment: Segment<'_>| {
        assert_eq!((segment.source.port, segment.destination.port), (4000, 80));
        if let TransportHeader::Tcp { seq, ack, flags, window } = segment.transport {
            assert_eq!((seq, ack, flags, window), (7, 9, TcpFlags::ACK, 512));
        }
        (segment.payload.to_vec(), segment.missing)
    };
    decoded(&packet(link, bytes), look).unwrap()
}

pub(super) fn whole() -> (Vec<u8>, u32) {
    (PAYLOAD.to_vec(), 0)
}

pub(super) fn refused(link: u16, bytes: &[u8]) -> Undecodable {
    decoded(&packet(link, bytes), |_| ()).unwrap_err()
}

pub(super) fn tcp_v4() -> Vec<u8> {
    let mut bytes = Vec::new();
    let builder = PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64).tcp(4000, 80, 7, 512).ack(9);
    builder.write(&mut bytes, PAYLOAD).unwrap();
    bytes
}

pub(super) fn tcp_v6() -> Vec<u8> {
    let mut bytes = Vec::new();
    let builder = PacketBuilder::ipv6([1; 16], [2; 16], 64).tcp(4000, 80, 7, 512).ack(9);
    builder.write(&mut bytes, PAYLOAD).unwrap();
    bytes
}

/// Another IPv4 packet around it.
pub(super) fn in_ip(number: u8, inner: &[u8]) -> Vec<u8> {
    let [high, low] = (20 + inner.len() as u16).to_be_bytes();
    under(&[0x45, 0, high, low, 0, 0, 0, 0, 64, number, 0, 0, 9, 9, 9, 9, 8, 8, 8, 8], inner)
}

/// An IPv6 packet with other headers between the IP header and TCP.
fn with_extensions(first: u8, extensions: &[u8]) -> Vec<u8> {
    let mut bytes = tcp_v6();
    bytes[6] = first;
    let length = (bytes.len() - 40 + extensions.len()) as u16;
    bytes[4..6].copy_from_slice(&length.to_be_bytes());
    bytes.splice(40..40, extensions.iter().copied());
    bytes
}

pub(super) fn under(header: &[u8], rest: &[u8]) -> Vec<u8> {
    [header, rest].concat()
}

#[test]
fn every_link_layer_leads_to_the_payload() {
    let (v4, v6) = (tcp_v4(), tcp_v6());
    let mac = [0; 12];
    for (link, header) in [
        (1, &[&mac[..], &[0x08, 0x00]].concat()[..]),
        (1, &[&mac[..], &[0x81, 0, 0, 5, 0x08, 0]].concat()),
        (
            1,
            &[&mac[..], &[0x88, 0xa8, 0, 1, 0x91, 0, 0, 2, 0x81, 0, 0, 3, 0x81, 0, 0, 4, 0x81, 0, 0, 5, 8, 0]].concat(),
        ),
        (1, &[&mac[..], &[0, 53, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0]].concat()),
        (1, &[&mac[..], &[0x88, 0x47, 0, 0, 0x10, 64, 0, 0, 0x21, 64]].concat()),
        (1, &[&mac[..], &[0x88, 0x64, 0x11, 0, 0, 1, 0, 47, 0, 0x21]].concat()),
        (1, &[&mac[..], &[0x88, 0x47, 0, 0, 0x11, 64, 0, 0, 0, 0], &mac[..], &[8, 0]].concat()),
        (1, &[&mac[..], &[0x88, 0x47, 0, 0, 0x11, 64], &mac[..], &[8, 0]].concat()),
        (1, &[&mac[..], &[0x88, 0x47, 0, 0, 0x11, 64], &[0x44; 12], &[8, 0]].concat()),
        (0, &[2, 0, 0, 0]),
        (0, &[0, 0, 0, 2]),
        (108, &[0, 0, 0, 2]),
        (9, &[0xff, 3, 0, 0x21]),
        (50, &[0x21]),
        (104, &[0x0f, 0, 8, 0]),
        (113, &[&[0; 14][..], &[8, 0]].concat()),
        (276, &[&[8, 0][..], &[0; 18]].concat()),
        (12, &[]),
        (14, &[]),
        (101, &[]),
        (228, &[]),
    ] {
        assert_eq!(payload(link, &under(header, &v4)), whole(), "{link} {header:02x?}");
    }
    for (link, header) in
        [(1, &[&mac[..], &[0x86, 0xdd]].concat()[..]), (0, &[30, 0, 0, 0]), (0, &[0, 0, 0, 24]), (101, &[]), (229, &[])]
    {
        assert_eq!(payload(link, &under(header, &v6)), whole(), "{link} {header:02x?}");
    }
}

#[test]
fn ip_is_believed_over_the_length_of_the_frame() {
    let padded = under(&tcp_v4(), &[0; 13]);
    assert_eq!(payload(101, &padded), whole());
    let padded = under(&tcp_v6(), &[0; 13]);
    assert_eq!(payload(101, &padded), whole());
}

#[test]
fn what_a_snap_length_cut_off_is_counted() {
    let whole = tcp_v4();
    let length = whole.len();
    assert_eq!(payload(101, &whole[..length - 2]), (b"hel".to_vec(), 2));
    assert_eq!(payload(101, &whole[..40]), (vec![], 5));
    assert_eq!(refused(101, &whole[..39]), Undecodable::TRUNCATED);
}

#[test]
fn a_snap_length_inside_the_tcp_options_leaves_the_sequence_number() {
    let mut bytes = Vec::new();
    let builder = PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64).tcp(4000, 80, 7, 512).ack(9);
    let builder = builder.options_raw(&[1; 12]).unwrap();
    builder.write(&mut bytes, PAYLOAD).unwrap();
    assert_eq!(payload(101, &bytes[..44]), (vec![], 5));
}

#[test]
fn segmentation_offload_leaves_a_length_of_zero() {
    let mut bytes = tcp_v4();
    bytes[2..4].fill(0);
    assert_eq!(payload(101, &bytes), whole());
    let cut = Packet { wire_len: 1000, ..packet(101, &bytes) };
    assert_eq!(decoded(&cut, |segment| segment.missing).unwrap(), 1000 - bytes.len() as u32);
}

#[test]
fn extension_headers_are_passed_over() {
    let options = [6, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(payload(101, &with_extensions(60, &options)), whole());
    let chain = [43, 0, 0, 0, 0, 0, 0, 0, 51, 0, 0, 0, 0, 0, 0, 0, 6, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1];
    let chain = [&chain[..], &[0; 12]].concat();
    assert_eq!(payload(101, &with_extensions(0, &chain)), whole());
}

#[test]
fn ip_in_ip_is_followed_to_the_inner_addresses() {
    let bytes = in_ip(4, &tcp_v4());
    assert_eq!(payload(101, &bytes), whole());
    let source = decoded(&packet(101, &bytes), |segment| segment.source.ip);
    assert_eq!(source, Ok(IpAddr::from([10, 0, 0, 1])));
}

#[test]
fn a_wrong_checksum_is_told_from_one_that_is_yet_to_be_completed() {
    let judged = |bytes: &[u8]| decoded(&packet(101, bytes), |segment| segment.checksum).unwrap();
    for (mut bytes, field, addresses) in [(tcp_v4(), 36, 12..20), (tcp_v6(), 56, 8..40)] {
        assert_eq!(judged(&bytes), Checksum::Good);
        assert_eq!(judged(&bytes[..bytes.len() - 1]), Checksum::Unknown);
        bytes[field] ^= 1;
        assert_eq!(judged(&bytes), Checksum::Bad);
        let length = (bytes.len() + 16 - field) as u32;
        let words = bytes[addresses].chunks(2).map(|w| u32::from(w[0]) << 8 | u32::from(w[1]));
        for partial in [words.clone().sum::<u32>() + 6 + length, words.sum::<u32>() + 6, 0] {
            let partial = (partial & 0xffff) + (partial >> 16);
            bytes[field..field + 2].copy_from_slice(&(partial as u16).to_be_bytes());
            assert_eq!(judged(&bytes), Checksum::Unknown);
        }
    }
}

#[test]
fn a_segment_behind_a_wrong_ip_header_is_not_taken_either() {
    let judged = |bytes: &[u8]| decoded(&packet(101, bytes), |segment| segment.checksum).unwrap();
    let mut bytes = tcp_v4();
    bytes[8] -= 1;
    assert_eq!(judged(&bytes), Checksum::Bad);
    assert_eq!(judged(&in_ip(4, &bytes)), Checksum::Bad);
    bytes[10..12].fill(0);
    assert_eq!(judged(&bytes), Checksum::Good, "a network card was to put it in");
}

#[test]
fn udp_ends_where_its_own_length_says() {
    let mut bytes = Vec::new();
    PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64).udp(4000, 80).write(&mut bytes, PAYLOAD).unwrap();
    assert_eq!(payload(101, &bytes), whole());
    bytes[25] = 8 + 3;
    assert_eq!(payload(101, &bytes), (b"hel".to_vec(), 0));
    bytes[25] = 200;
    assert_eq!(payload(101, &bytes), whole(), "the rest is in fragments that are not here");
    bytes[25] = 7;
    assert_eq!(refused(101, &bytes), Undecodable::MALFORMED);
}

#[test]
fn what_is_not_followed_says_why() {
    assert_eq!(refused(250, &[0; 60]), Undecodable::UNKNOWN_LINK);
    let arp = under(&[0; 12], &[8, 6, 0, 1, 8, 0]);
    assert_eq!(refused(1, &arp), Undecodable::NOT_IP);
    assert_eq!(refused(1, &arp[..13]), Undecodable::TRUNCATED);
    let mut v4 = tcp_v4();
    for (number, why) in [
        (1, Undecodable::ICMP),
        (50, Undecodable::ESP),
        (59, Undecodable::EMPTY),
        (200, Undecodable::UNKNOWN_TRANSPORT),
        (4, Undecodable::MALFORMED),
    ] {
        v4[9] = number;
        assert_eq!(refused(101, &v4), why);
    }
    let tags = [0x81, 0, 0, 1].repeat(40);
    assert_eq!(refused(1, &under(&[0; 12], &tags)), Undecodable::TOO_DEEP);
}

#[test]
fn tags_of_other_lengths_are_passed_over() {
    for header in [
        &[0x89, 0x26, 0, 0, 0, 5, 0x08, 0][..],
        &[0x89, 0x09, 1, 1, 0, 1, 0, 7, 0x08, 0],
        &[0x88, 0xe5, 0x00, 0, 0, 0, 0, 1, 0x08, 0],
        &[0x88, 0xe5, 0x20, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0x08, 0],
        &[&[0x88, 0xe7, 0, 0, 0, 9][..], &[0; 12], &[0x08, 0]].concat(),
    ] {
        assert_eq!(payload(1, &under(&[&[0; 12], header].concat(), &tcp_v4())), whole(), "{header:02x?}");
    }
    assert_eq!(refused(1, &under(&[0; 12], &[0x88, 0xe5, 0x0c, 0, 0, 0, 0, 1, 1, 2, 3, 4])), Undecodable::MACSEC);
}

#[test]
fn labels_in_frames_behind_labels_end_soon() {
    let pseudowire = [&[0x88, 0x47, 0, 0, 0x11, 64, 0, 0, 0, 0][..], &[0; 12]].concat();
    let nested = [&[0; 12], &pseudowire.repeat(2900)[..]].concat();
    assert_eq!(refused(1, &nested), Undecodable::TOO_DEEP);
}

#[test]
fn rarer_link_types_lead_to_the_payload_too() {
    const SNAP: [u8; 8] = [0xaa, 0xaa, 3, 0, 0, 0, 8, 0];
    let packet_header = [8, 0, 1, 0, 0x08, 0, 1, 0];
    let v4 = tcp_v4();
    let value = (4 + v4.len()) as u16;
    for (link, header) in [
        (6, &[&[0x10, 0x40, 1, 1, 1, 1, 1, 1, 0x80, 2, 2, 2, 2, 2, 4, 0, 0, 1][..], &SNAP].concat()[..]),
        (10, &[&[0x54][..], &MACS, &SNAP].concat()),
        (107, &[0x18, 0x41, 0x03, 0xcc]),
        (107, &[0x18, 0x41, 0x08, 0x00]),
        (107, &[0x18, 0x41, 0x03, 0x00, 0x80, 0, 0, 0, 0x08, 0x00]),
        (109, &[2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        (117, &[&[61][..], &[0; 63]].concat()),
        (166, &[1, 0, 0, 0x21]),
        (204, &[0, 0xff, 3, 0, 0x21]),
        (192, &[0, 0, 8, 0, 101, 0, 0, 0]),
        (239, &[&[2, 0, 0, 5][..], &packet_header, &value.to_le_bytes(), &[9, 0]].concat()),
        (239, &[&[2, 0, 0, 5, 0, 7, 0, 10, b'a', b'b', 0, 0][..], &value.to_be_bytes(), &[0, 9]].concat()),
    ] {
        assert_eq!(payload(link, &under(header, &v4)), whole(), "{link} {header:02x?}");
    }
    assert_eq!(refused(9, &[0, 0xfd, 1, 2, 3]), Undecodable::PPP_OPAQUE);
}

#[test]
fn no_cut_and_no_changed_byte_can_hurt() {
    for whole in [under(&[&[0; 12][..], &[8, 0]].concat(), &tcp_v4()), with_extensions(0, &[6, 0, 1, 4, 0, 0, 0, 0])] {
        for length in 0..whole.len() {
            for link in [0, 1, 9, 51, 100, 101, 104, 105, 107, 108, 113, 117, 119, 127, 166, 192, 229, 239, 276] {
                let _ = Decoder::default().decode(&packet(link, &whole[..length]));
                let mut changed = whole.clone();
                for value in [0, 1, 0x45, 0x7f, 0xff] {
                    changed[length] = value;
                    let _ = Decoder::default().decode(&packet(link, &changed));
                }
            }
        }
    }
}
