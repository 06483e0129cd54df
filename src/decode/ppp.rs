//! Logins to a network in PPP: PAP (RFC 1334) and CHAP (RFC 1994). They come before there are addresses.

use std::net::{IpAddr, Ipv6Addr};

use super::{Addresses, Checksum, Ends, Segment, TransportHeader, Walk};
use crate::model::flow::Endpoint;

/// Protocol numbers of PAP and CHAP.
const PROTOCOLS: [[u8; 2]; 2] = [[0xc0, 0x23], [0xc2, 0x23]];

/// Protocol, code, identifier and length.
const HEADER: usize = 6;

/// Whether the rest, from the protocol number on, is a packet of one of them; other bytes may follow.
pub(super) fn is_login(walk: &Walk<'_>) -> bool {
    const CODES: std::ops::RangeInclusive<u8> = 1..=4;
    let Some(&[p0, p1, code, _, l0, l1]) = walk.bytes.first_chunk::<HEADER>() else { return false };
    let length = usize::from(u16::from_be_bytes([l0, l1]));
    PROTOCOLS.contains(&[p0, p1]) && CODES.contains(&code) && (HEADER - 2..=walk.wire_len - 2).contains(&length)
}

/// What [`is_login`] says yes to, between the two nearest ends that are known: those of the tunnel, or the
/// link-local addresses (RFC 4291, appendix A) that belong to the two cards.
pub(super) fn login<'a>(mut walk: Walk<'a>) -> Segment<'a> {
    if let Some(&[_, _, _, _, l0, l1]) = walk.bytes.first_chunk::<HEADER>() {
        walk.limit(usize::from(u16::from_be_bytes([l0, l1])) + 2);
    }
    let Addresses(source, destination) = match walk.ends {
        Ends::Nobody => Addresses(Ipv6Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()),
        Ends::Cards(&[d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5, ..]) => {
            Addresses(link_local([s0, s1, s2, s3, s4, s5]), link_local([d0, d1, d2, d3, d4, d5]))
        }
        Ends::Addresses(addresses) => addresses,
    };
    Segment {
        source: Endpoint { ip: source, port: 0 },
        destination: Endpoint { ip: destination, port: 0 },
        transport: TransportHeader::Ppp,
        payload: walk.bytes,
        missing: walk.missing(),
        checksum: Checksum::Unknown,
        tunnel: walk.tunnel,
    }
}

fn link_local([a, b, c, d, e, f]: [u8; 6]) -> IpAddr {
    /// Says that the address is of one card and not of one network's making.
    const UNIVERSAL: u8 = 0x02;
    Ipv6Addr::from([0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ UNIVERSAL, b, c, 0xff, 0xfe, d, e, f]).into()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{decoded, in_ip, packet, refused, under};
    use super::super::{Transport, Undecodable};

    const PAP: [u8; 14] = [0xc0, 0x23, 1, 7, 0, 12, 3, b'e', b'v', b'a', 3, b'k', b'e', b'y'];

    fn ends(link: u16, bytes: &[u8]) -> String {
        decoded(&packet(link, bytes), |segment| {
            assert_eq!((segment.transport.transport(), segment.payload), (Transport::Ppp, &PAP[..]));
            format!("{} {}", segment.source.ip, segment.destination.ip)
        })
        .unwrap()
    }

    #[test]
    fn a_login_is_between_the_ends_of_what_carries_it() {
        let cards = [0x02, 0, 0, 0, 0, 1, 0, 0x11, 0x22, 0x33, 0x44, 0x55];
        let length = PAP.len() as u8;
        let pppoe = [&cards[..], &[0x81, 0, 0, 5, 0x88, 0x64, 0x11, 0, 0, 9, 0, length], &PAP, &[0; 20]].concat();
        assert_eq!(ends(1, &pppoe), "fe80::211:22ff:fe33:4455 fe80::ff:fe00:1");
        let gre = [&[0x30, 1, 0x88, 0x0b, 0, length + 2, 0, 9, 0, 0, 0, 1, 0xff, 3][..], &PAP].concat();
        assert_eq!(ends(101, &in_ip(47, &gre)), "9.9.9.9 8.8.8.8");
        let l2tp = under(&[0, 2, 0, 1, 0, 2, 0xff, 3], &PAP);
        let udp = under(&[0x06, 0xa5, 0x06, 0xa5, 0, l2tp.len() as u8 + 8, 0, 0], &l2tp);
        assert_eq!(ends(101, &in_ip(17, &udp)), "9.9.9.9 8.8.8.8");
        assert_eq!(ends(9, &under(&[0xff, 3], &PAP)), ":: ::");
    }

    #[test]
    fn what_has_another_code_or_length_is_no_login() {
        let mut echo = PAP;
        echo[2] = 9;
        assert_eq!(refused(9, &echo), Undecodable::NOT_IP);
        assert_eq!(refused(9, &PAP[..13]), Undecodable::NOT_IP);
    }
}
