//! IPsec ESP (RFC 4303). Nothing in it says whether it is encrypted. Where it is not (RFC 2410), what
//! stands behind its header and before its trailer has the shape the trailer says, as RFC 5879 suggests.

use super::{Addresses, Layer, Undecodable, Walk, checksum, shape};
use crate::content::sniff;
use crate::model::flow::TunnelKind;

/// Security parameters index and sequence number.
const HEADER: usize = 8;
/// Length of the padding, and what is inside.
const TRAILER: usize = 2;
/// Lengths of the integrity check values in use, the commonest first: HMAC cut to 96 and 128 bits, GMAC
/// and HMAC of other lengths, none.
const CHECK_VALUES: [usize; 6] = [12, 16, 24, 32, 8, 0];

/// Where IPsec is found in UDP: its key exchange, and all of it (RFC 3948).
const IKE_PORT: u16 = 500;
const UDP_PORT: u16 = 4500;

/// What a datagram of IPsec leads to; `None` if it is none. A host may have taken the port for something
/// else: ESP is between two such ports, or looks encrypted.
pub(super) fn in_udp(walk: &mut Walk<'_>, ports: [u16; 2], addresses: Addresses) -> Option<Result<Layer, Undecodable>> {
    if ports.contains(&IKE_PORT) && is_ike(walk.bytes, walk.wire_len) {
        return Some(Err(Undecodable::IKE));
    }
    if !ports.contains(&UDP_PORT) {
        return None;
    }
    match walk.bytes {
        // Keeps the mapping of an address translator.
        [0xff] => Some(Err(Undecodable::EMPTY)),
        [0, 0, 0, 0, rest @ ..] => is_ike(rest, walk.wire_len.saturating_sub(4)).then_some(Err(Undecodable::IKE)),
        // Numbers below are reserved.
        [0, 0, 0, _, ..] => None,
        bytes => match null(walk, addresses) {
            Ok(layer) => Some(Ok(layer)),
            Err(why) => {
                let aligned = walk.wire_len > HEADER && walk.wire_len.is_multiple_of(4);
                let body = bytes.get(HEADER..).unwrap_or_default();
                (aligned && (ports == [UDP_PORT; 2] || sniff::looks_encrypted(body))).then_some(Err(why))
            }
        },
    }
}

/// RFC 7296, section 3.1, and RFC 2408: the version and the length are where they belong.
fn is_ike(bytes: &[u8], wire_len: usize) -> bool {
    let Some(&[_, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, version, _, _, _, _, _, _, l0, l1, l2, l3]) =
        bytes.first_chunk::<28>()
    else {
        return false;
    };
    matches!(version, 0x10 | 0x20) && u32::from_be_bytes([l0, l1, l2, l3]) as usize == wire_len
}

/// Leads into ESP that is not encrypted.
pub(super) fn null(walk: &mut Walk<'_>, addresses: Addresses) -> Result<Layer, Undecodable> {
    // Its end tells what it is.
    if walk.missing() > 0 {
        return Err(Undecodable::ESP);
    }
    let Some((number, length)) = CHECK_VALUES.iter().find_map(|check| payload(walk, *check, addresses)) else {
        return Err(Undecodable::ESP);
    };
    walk.skip(HEADER);
    walk.limit(length);
    walk.enter(TunnelKind::EspNull, None);
    Ok(Layer::Transport { number, addresses })
}

/// What is inside and how long it is, if the integrity check value is `check` bytes long.
fn payload(walk: &Walk<'_>, check: usize, addresses: Addresses) -> Option<(u8, usize)> {
    let body = walk.bytes.get(HEADER..walk.bytes.len().checked_sub(check)?)?;
    let (rest, &[padding, number]) = body.split_last_chunk::<TRAILER>()?;
    let (inside, padding) = rest.split_at(rest.len().checked_sub(padding.into())?);
    let inner = Walk { bytes: inside, wire_len: inside.len(), ..*walk };
    let fits = match number {
        4 => shape::leads_to_ip(inner, Layer::Ipv4),
        41 => shape::leads_to_ip(inner, Layer::Ipv6),
        // TCP, and UDP that is as long as it says.
        6 => inside.len() >= 20 && checksum::holds_for(inside, number, addresses),
        17 => {
            let stated = inside.get(4..6).and_then(|length| length.try_into().ok()).map(u16::from_be_bytes);
            stated.map(usize::from) == Some(inside.len()) && checksum::holds_for(inside, number, addresses)
        }
        _ => false,
    };
    let counts_up = (1..=u8::MAX).zip(padding).all(|(n, byte)| n == *byte);
    (fits && counts_up).then_some((number, inside.len()))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{decoded, in_ip, packet, payload, refused, tcp_v4, tcp_v6, under, whole};
    use super::super::{Undecodable, checksum};
    use super::*;

    /// ESP around a packet, without encryption.
    fn around(number: u8, inner: &[u8], padding: u8, check: usize) -> Vec<u8> {
        let padded: Vec<u8> = (1..=padding).collect();
        [&[0, 0, 0, 9, 0, 0, 0, 1][..], inner, &padded, &[padding, number], &vec![0xee; check]].concat()
    }

    #[test]
    fn what_is_not_encrypted_is_read() {
        for check in [0, 12, 16, 32] {
            for padding in [0, 2, 6] {
                assert_eq!(payload(101, &in_ip(50, &around(4, &tcp_v4(), padding, check))), whole());
                assert_eq!(payload(101, &in_ip(50, &around(41, &tcp_v6(), padding, check))), whole());
            }
        }
    }

    #[test]
    fn in_transport_mode_the_checksum_tells() {
        let mut tcp = tcp_v4()[20..].to_vec();
        let outer = Addresses([9, 9, 9, 9].into(), [8, 8, 8, 8].into());
        assert_eq!(refused(101, &in_ip(50, &around(6, &tcp, 2, 12))), Undecodable::ESP);
        tcp[16..18].copy_from_slice(&[0, 0]);
        let right = (0..=u16::MAX).find(|sum| {
            tcp[16..18].copy_from_slice(&sum.to_be_bytes());
            checksum::holds_for(&tcp, 6, outer)
        });
        assert!(right.is_some());
        assert_eq!(payload(101, &in_ip(50, &around(6, &tcp, 2, 12))), whole());
    }

    #[test]
    fn in_udp_it_is_told_from_the_key_exchange_and_from_others() {
        let udp = |source: u16, inside: &[u8]| {
            let length = (inside.len() as u16 + 8).to_be_bytes();
            in_ip(17, &[&source.to_be_bytes()[..], &4500_u16.to_be_bytes(), &length, &[0, 0], inside].concat())
        };
        let mut null = around(4, &tcp_v4(), 2, 12);
        null[0] = 1;
        assert_eq!(payload(101, &udp(30000, &null)), whole());
        let mut ike = [7; 28];
        ike[17] = 0x20;
        ike[24..].copy_from_slice(&[0, 0, 0, 28]);
        assert_eq!(refused(101, &udp(4500, &under(&[0; 4], &ike))), Undecodable::IKE);
        assert_eq!(refused(101, &udp(4500, &[0xff])), Undecodable::EMPTY);
        assert_eq!(refused(101, &udp(4500, &[0xab; 64])), Undecodable::ESP);
        let port = |bytes: &[u8]| decoded(&packet(101, bytes), |segment| segment.source.port);
        assert_eq!(port(&udp(53, b"an answer that is as long as it pleases.")), Ok(53));
    }

    #[test]
    fn what_is_encrypted_is_called_so() {
        let noise: Vec<u8> = (0..200_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        for length in 0..noise.len() {
            assert_eq!(refused(101, &in_ip(50, &noise[..length])), Undecodable::ESP);
        }
        assert_eq!(refused(101, &in_ip(50, &under(&[0; 8], &tcp_v4()))), Undecodable::ESP);
    }
}
