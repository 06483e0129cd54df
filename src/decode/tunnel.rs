//! Tunnels directly in IP.

use super::{Layer, Undecodable, Walk, link, shape};
use crate::model::flow::TunnelKind;

/// RFC 2784 and RFC 2890, the routing of RFC 1701, and the version 1 of PPTP (RFC 2637).
pub(super) fn gre(walk: &mut Walk<'_>) -> Result<Layer, Undecodable> {
    const CHECKSUM: u8 = 0x80;
    const ROUTING: u8 = 0x40;
    const KEY: u8 = 0x20;
    const SEQUENCE: u8 = 0x10;
    let [flags, version, high, low] = *walk.take()?;
    let kind = u16::from_be_bytes([high, low]);
    match version & 7 {
        0 => {}
        1 => return pptp(walk, flags & SEQUENCE != 0, version & 0x80 != 0),
        _ => return Err(Undecodable::NOT_IP),
    }
    walk.skip(if flags & (CHECKSUM | ROUTING) != 0 { 4 } else { 0 });
    let key = if flags & KEY != 0 { Some(u32::from_be_bytes(*walk.take()?)) } else { None };
    match (kind, key) {
        (0x88be | 0x22eb, _) => walk.enter(TunnelKind::Erspan, None),
        // RFC 7637: a virtual subnet, then a number that varies by flow.
        (0x6558, Some(key)) => walk.enter(TunnelKind::NvGre, Some(key >> 8)),
        _ => walk.enter(TunnelKind::Gre, key),
    }
    walk.skip(if flags & SEQUENCE != 0 { 4 } else { 0 });
    if flags & ROUTING != 0 {
        // Entries of a family, an offset and a length, up to an empty one.
        loop {
            let [_, _, _, length] = *walk.take()?;
            if length == 0 {
                break;
            }
            walk.skip(usize::from(length));
        }
    }
    match kind {
        // Keep-alives have no type.
        0..0x0600 => Err(Undecodable::NOT_IP),
        // WCCP puts a header of its own before the packet, or does not.
        0x883e if walk.bytes.first().is_some_and(|b| b >> 4 != 4) => {
            walk.skip(4);
            Ok(Layer::Ipv4)
        }
        0x883e => Ok(Layer::Ipv4),
        // ERSPAN of type I has no header, and GRE no sequence number to tell it by.
        0x88be if flags & SEQUENCE == 0 => Ok(Layer::Ethernet),
        0x88be => Ok(Layer::EthernetBehind(8)),
        0x22eb => erspan_3(walk),
        _ => link::ether_type(kind),
    }
}

/// Behind the key: numbers that may be there, then PPP, unless it only acknowledges.
fn pptp(walk: &mut Walk<'_>, sequence: bool, acknowledgement: bool) -> Result<Layer, Undecodable> {
    let [high, low, _, _] = *walk.take()?;
    walk.enter(TunnelKind::Pptp, None);
    walk.skip(4 * (usize::from(sequence) + usize::from(acknowledgement)));
    match usize::from(u16::from_be_bytes([high, low])) {
        0 => Err(Undecodable::EMPTY),
        length => {
            walk.limit(length.min(walk.wire_len));
            Ok(Layer::Ppp)
        }
    }
}

/// draft-foschiano-erspan: a header of twelve bytes, then what a platform adds.
fn erspan_3(walk: &mut Walk<'_>) -> Result<Layer, Undecodable> {
    const PLATFORM: u8 = 0x01;
    let [.., kind, flags] = *walk.take::<12>()?;
    walk.skip(if flags & PLATFORM != 0 { 8 } else { 0 });
    match kind >> 2 & 0x1f {
        0 => Ok(Layer::Ethernet),
        2 => Ok(Layer::Ip),
        _ => Err(Undecodable::NOT_IP),
    }
}

/// RFC 3378.
pub(super) fn ether_ip(walk: &mut Walk<'_>) -> Result<Layer, Undecodable> {
    match *walk.take()? {
        [0x30, 0] => {
            walk.enter(TunnelKind::EtherIp, None);
            Ok(Layer::Ethernet)
        }
        _ => Err(Undecodable::NOT_IP),
    }
}

/// RFC 3931 over IP: a session, then a cookie and a sublayer whose lengths only the two ends know.
pub(super) fn l2tp_3(walk: &mut Walk<'_>) -> Result<Layer, Undecodable> {
    if *walk.take()? == [0; 4] {
        return Err(Undecodable::NOT_IP);
    }
    walk.enter(TunnelKind::L2tp, None);
    [0, 4, 8, 12]
        .map(Layer::EthernetBehind)
        .into_iter()
        .find(|&layer| shape::leads_to_ip(*walk, layer))
        .ok_or(Undecodable::NOT_IP)
}

/// RFC 8300: its length in units of four bytes, and what follows.
pub(super) fn nsh(walk: &mut Walk<'_>) -> Result<Layer, Undecodable> {
    let [_, length, _, next] = *walk.take()?;
    walk.skip((usize::from(length & 0x3f) * 4).checked_sub(4).ok_or(Undecodable::MALFORMED)?);
    match next {
        1 => Ok(Layer::Ipv4),
        2 => Ok(Layer::Ipv6),
        3 => Ok(Layer::Ethernet),
        4 => Ok(Layer::Nsh),
        5 => Ok(Layer::Mpls),
        _ => Err(Undecodable::NOT_IP),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{MACS, decoded, in_ip, payload, refused, tcp_v4, tcp_v6, under, whole};
    use super::super::{Undecodable, limits};

    fn frame() -> Vec<u8> {
        under(&[&MACS[..], &[8, 0]].concat(), &tcp_v4())
    }

    #[test]
    fn gre_with_whatever_fields_leads_to_the_payload() {
        for header in [
            &[0x00, 0, 8, 0][..],
            &[0x30, 0, 8, 0, 0, 0, 0, 77, 0, 0, 0, 1],
            &[0xb0, 0, 8, 0, 1, 2, 0, 0, 0, 0, 0, 77, 0, 0, 0, 1],
            &[0x40, 0, 8, 0, 0, 0, 0, 0, 0, 2, 0, 4, 10, 0, 0, 9, 0, 0, 0, 0],
            &[0x00, 0, 0x88, 0x3e],
            &[0x00, 0, 0x88, 0x3e, 1, 2, 3, 4],
        ] {
            assert_eq!(payload(101, &in_ip(47, &under(header, &tcp_v4()))), whole(), "{header:02x?}");
        }
        assert_eq!(payload(101, &in_ip(47, &under(&[0, 0, 0x86, 0xdd], &tcp_v6()))), whole());
    }

    #[test]
    fn pptp_ends_where_its_length_says() {
        let inner = under(&[0xff, 3, 0, 0x21], &tcp_v4());
        let header = [0x30, 0x81, 0x88, 0x0b, 0, inner.len() as u8, 0, 9, 0, 0, 0, 1, 0, 0, 0, 0];
        assert_eq!(payload(101, &in_ip(47, &under(&header, &inner))), whole());
        let acknowledgement = [0x20, 0x81, 0x88, 0x0b, 0, 0, 0, 9, 0, 0, 0, 1];
        assert_eq!(refused(101, &in_ip(47, &acknowledgement)), Undecodable::EMPTY);
    }

    #[test]
    fn every_tunnel_that_carries_frames_is_opened() {
        let platform = [&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 5][..], &[0; 9], &[1], &[0; 8]].concat();
        for (number, header) in [
            (47, &[0x20, 0, 0x65, 0x58, 0, 0, 77, 0][..]),
            (47, &[0x00, 0, 0x88, 0xbe]),
            (47, &[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 5, 0, 0, 0, 0, 0, 0]),
            (47, &[&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 5][..], &[0; 10]].concat()),
            (47, &platform),
            (47, &[0, 0, 0x89, 0x4f, 0, 2, 1, 3, 0, 0, 1, 255]),
            (97, &[0x30, 0]),
            (115, &[0, 0, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8]),
            (143, &[]),
        ] {
            assert_eq!(payload(101, &in_ip(number, &under(header, &frame()))), whole(), "{number} {header:02x?}");
        }
        let ip = [&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 5][..], &[0; 8], &[0x08, 0]].concat();
        assert_eq!(payload(101, &in_ip(47, &under(&ip, &tcp_v4()))), whole());
    }

    #[test]
    fn tunnels_in_tunnels_end_at_the_limit() {
        let nested = |times| (0..times).fold(tcp_v4(), |inner, _| in_ip(4, &inner));
        assert_eq!(payload(101, &nested(10)), whole());
        assert_eq!(refused(101, &nested(limits::DECODE_DEPTH)), Undecodable::TOO_DEEP);
    }

    #[test]
    fn the_innermost_tunnel_is_named_with_its_number() {
        let vxlan = under(&[8, 0, 0, 0, 0, 0x10, 0, 0], &frame());
        let [high, low] = (8 + vxlan.len() as u16).to_be_bytes();
        let vxlan = under(&[0x12, 0xb5, 0x12, 0xb5, high, low, 0, 0], &vxlan);
        for (number, inner, name) in [
            (4, tcp_v4(), "ip-in-ip"),
            (47, under(&[0, 0, 8, 0], &tcp_v4()), "gre"),
            (47, under(&[0x20, 0, 8, 0, 0, 0, 0, 77], &tcp_v4()), "gre 77"),
            (47, under(&[0x20, 0, 0x65, 0x58, 0, 0, 77, 5], &frame()), "nvgre 77"),
            (47, under(&[0, 0, 8, 0], &in_ip(17, &vxlan)), "vxlan 4096"),
            (17, vxlan, "vxlan 4096"),
        ] {
            let packet = in_ip(number, &inner);
            let tunnel = decoded(&super::super::tests::packet(101, &packet), |segment| segment.tunnel).unwrap();
            assert_eq!(tunnel.map(|tunnel| tunnel.to_string()).as_deref(), Some(name));
        }
    }

    #[test]
    fn what_a_mirror_cut_is_missing() {
        let header = [0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 5, 4, 0, 0, 0, 0, 0];
        let frame = frame();
        let cut = in_ip(47, &under(&header, &frame[..frame.len() - 2]));
        assert_eq!(payload(101, &cut), (b"hel".to_vec(), 2));
    }
}
