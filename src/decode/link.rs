//! Link layers, and what lies between them and IP.

use super::{Ends, Layer, Undecodable, Walk, ppp, shape};
use crate::model::flow::TunnelKind;
use crate::model::packet::LinkType;

/// What packets of a link type start with: <https://www.tcpdump.org/linktypes.html>.
pub(super) fn first(link: LinkType) -> Result<Layer, Undecodable> {
    match link.0 {
        // LINKTYPE_NULL and LINKTYPE_LOOP, which differ in a byte order that nobody keeps to.
        0 | 108 => Ok(Layer::Null),
        1 => Ok(Layer::Ethernet),
        6 => Ok(Layer::TokenRing),
        // LINKTYPE_PPP, LINKTYPE_PPP_HDLC
        9 | 50 => Ok(Layer::Ppp),
        10 => Ok(Layer::Fddi),
        // LINKTYPE_RAW, and the DLT_RAW of several systems that ended up in files.
        12 | 14 | 101 => Ok(Layer::Ip),
        51 => Ok(Layer::Pppoe),
        // LINKTYPE_ATM_RFC1483
        100 => Ok(Layer::Llc),
        104 => Ok(Layer::Tag(2)),
        105 => Ok(Layer::WLAN),
        107 => Ok(Layer::FrameRelay),
        // LINKTYPE_ENC: address family, index of the security association, flags.
        109 => Ok(Layer::IpBehind(12)),
        113 => Ok(Layer::LinuxCooked),
        117 => Ok(Layer::PfLog),
        119 | 163 => Ok(Layer::Prism),
        127 => Ok(Layer::Radiotap),
        // LINKTYPE_APPLE_IP_OVER_IEEE1394: two addresses of eight bytes.
        138 => Ok(Layer::Tag(16)),
        // LINKTYPE_LINUX_PPP_WITHDIRECTION has a direction and a byte for nothing before the protocol.
        166 => Ok(Layer::PppBehind(2)),
        192 => Ok(Layer::Ppi),
        204 => Ok(Layer::PppBehind(1)),
        228 => Ok(Layer::Ipv4),
        229 => Ok(Layer::Ipv6),
        239 => Ok(Layer::NfLog),
        274 => Ok(Layer::MPacket),
        276 => Ok(Layer::LinuxCooked2),
        _ => Err(Undecodable::UNKNOWN_LINK),
    }
}

/// <https://www.iana.org/assignments/ieee-802-numbers>.
pub(super) fn ether_type(kind: u16) -> Result<Layer, Undecodable> {
    match kind {
        // A length, not a type: IEEE 802.3 with an LLC header.
        0..0x0600 => Ok(Layer::Llc),
        0x0800 => Ok(Layer::Ipv4),
        0x86dd => Ok(Layer::Ipv6),
        // IEEE 802.1Q and its predecessors: priority and identifier.
        0x8100 | 0x88a8 | 0x9100 | 0x9200 | 0x9300 => Ok(Layer::Tag(2)),
        0x6558 => Ok(Layer::Ethernet),
        0x8847 | 0x8848 => Ok(Layer::Mpls),
        0x8864 => Ok(Layer::Pppoe),
        0x880b => Ok(Layer::Ppp),
        0x88e5 => Ok(Layer::MacSec),
        // IEEE 802.1Q I-TAG: a whole frame behind the service identifier.
        0x88e7 => Ok(Layer::EthernetBehind(4)),
        // VN-tag, and the tag of IEC 62439-3 (HSR).
        0x8926 | 0x892f => Ok(Layer::Tag(4)),
        // Cisco metadata with a security group, and the E-TAG of IEEE 802.1BR.
        0x8909 | 0x893f => Ok(Layer::Tag(6)),
        0x894f => Ok(Layer::Nsh),
        _ => Err(Undecodable::NOT_IP),
    }
}

pub(super) fn ethernet(walk: &mut Walk<'_>) -> Result<Layer, Undecodable> {
    let header @ &[.., high, low] = walk.take::<14>()?;
    walk.ends = Ends::Cards(header);
    ether_type(u16::from_be_bytes([high, low]))
}

/// LINKTYPE_ETHERNET_MPACKET (IEEE 802.3br): preamble, delimiter, frame and checksum. One that another
/// frame interrupts is read as far as it goes; its checksum must not be taken for a part of it.
pub(super) fn m_packet(walk: &mut Walk<'_>) -> Result<Layer, Undecodable> {
    const PREAMBLE: usize = 7;
    const CHECKSUM: usize = 4;
    let preamble = walk.bytes.iter().take(PREAMBLE).take_while(|byte| **byte == 0x55).count();
    walk.skip(preamble);
    match *walk.take()? {
        // A frame that nothing interrupts, and the first part of one that may be.
        [0xd5 | 0xe6 | 0x4c | 0x7f | 0xb3] => {
            walk.limit(walk.wire_len.saturating_sub(CHECKSUM));
            Ok(Layer::Ethernet)
        }
        [0x61 | 0x52 | 0x9e | 0x2a] => Err(Undecodable::M_PACKET),
        // Whether the other side can do it is asked and answered this way.
        _ => Err(Undecodable::NOT_IP),
    }
}

/// `length` bytes, then the type of what follows, as in Ethernet.
pub(super) fn tag(walk: &mut Walk<'_>, length: usize) -> Result<Layer, Undecodable> {
    walk.skip(length);
    let kind = u16::from_be_bytes(*walk.take()?);
    ether_type(kind)
}

/// Frame control and two addresses.
pub(super) fn fddi(walk: &mut Walk<'_>) -> Result<Layer, Undecodable> {
    walk.skip(13);
    llc(walk)
}

/// IEEE 802.5: access control, frame control and two addresses, the second of which says in its highest
/// bit whether a route follows.
pub(super) fn token_ring(walk: &mut Walk<'_>) -> Result<Layer, Undecodable> {
    let [_, _, _, _, _, _, _, _, source, ..] = *walk.take::<14>()?;
    if source & 0x80 != 0 {
        let [length] = *walk.bytes.first_chunk().ok_or(Undecodable::TRUNCATED)?;
        walk.skip(usize::from(length & 0x1f));
    }
    llc(walk)
}

/// IEEE 802.2, of which IP by its own access point and the SNAP form lead on.
pub(super) fn llc(walk: &mut Walk<'_>) -> Result<Layer, Undecodable> {
    match *walk.take()? {
        [0x06, 0x06, 0x03] => Ok(Layer::Ipv4),
        [0xaa, 0xaa, 0x03] => snap(walk, 2),
        _ => Err(Undecodable::NOT_IP),
    }
}

/// Organisation and protocol; `padding` bytes stand before a bridged frame (RFC 2684, RFC 2427).
fn snap(walk: &mut Walk<'_>, padding: usize) -> Result<Layer, Undecodable> {
    match *walk.take()? {
        // RFC 1042, and IEEE 802.1H for what would be ambiguous.
        [0, 0, 0 | 0xf8, high @ 6..=0xff, low] => ether_type(u16::from_be_bytes([high, low])),
        // Bridged Ethernet with and without its checksum.
        [0, 0x80, 0xc2, 0, 1 | 7] => Ok(Layer::EthernetBehind(padding)),
        _ => Err(Undecodable::NOT_IP),
    }
}

/// LINKTYPE_LINUX_SLL.
pub(super) fn linux_cooked(walk: &mut Walk<'_>) -> Result<Layer, Undecodable> {
    let [_, _, h0, h1, .., high, low] = *walk.take::<16>()?;
    cooked(u16::from_be_bytes([h0, h1]), u16::from_be_bytes([high, low]))
}

/// LINKTYPE_LINUX_SLL2.
pub(super) fn linux_cooked_2(walk: &mut Walk<'_>) -> Result<Layer, Undecodable> {
    let [high, low, _, _, _, _, _, _, h0, h1, ..] = *walk.take::<20>()?;
    cooked(u16::from_be_bytes([h0, h1]), u16::from_be_bytes([high, low]))
}

/// The protocol means nothing on some hardware (`ARPHRD_`).
fn cooked(hardware: u16, protocol: u16) -> Result<Layer, Undecodable> {
    match hardware {
        801 => Ok(Layer::WLAN),
        802 => Ok(Layer::Prism),
        803 => Ok(Layer::Radiotap),
        _ => ether_type(protocol),
    }
}

/// LINKTYPE_NULL: the address family as the capturing system numbers it, in its byte order.
pub(super) fn null(walk: &mut Walk<'_>) -> Result<Layer, Undecodable> {
    let family = u32::from_le_bytes(*walk.take()?);
    let family = if family > 0xffff { family.swap_bytes() } else { family };
    match family {
        2 => Ok(Layer::Ipv4),
        // Linux; NetBSD and OpenBSD; FreeBSD; macOS.
        10 | 24 | 28 | 30 => Ok(Layer::Ipv6),
        _ => Err(Undecodable::NOT_IP),
    }
}

/// LINKTYPE_PFLOG: begins with its length, and is padded to a multiple of four.
pub(super) fn pf_log(walk: &mut Walk<'_>) -> Result<Layer, Undecodable> {
    let length = *walk.bytes.first().ok_or(Undecodable::TRUNCATED)?;
    walk.skip(usize::from(length).next_multiple_of(4));
    Ok(Layer::Ip)
}

/// LINKTYPE_NFLOG: attributes in the byte order of the capturing system, one of which is the packet.
pub(super) fn nf_log(walk: &mut Walk<'_>) -> Result<Layer, Undecodable> {
    const PAYLOAD: u16 = 9;
    walk.skip(4);
    let mut little = None;
    loop {
        let [l0, l1, t0, t1] = *walk.take()?;
        // All types are below 256. Flags in the high byte come with later attributes.
        let little = *little.get_or_insert(t1 == 0);
        let read = if little { u16::from_le_bytes } else { u16::from_be_bytes };
        let value = usize::from(read([l0, l1])).checked_sub(4).ok_or(Undecodable::MALFORMED)?;
        if read([t0, t1]) == PAYLOAD {
            walk.limit(value.min(walk.wire_len));
            return Ok(Layer::Ip);
        }
        walk.skip(value.next_multiple_of(4));
    }
}

/// LINKTYPE_PPI: a header that says which other link type stands behind it.
pub(super) fn ppi(walk: &mut Walk<'_>) -> Result<Layer, Undecodable> {
    let [_, _, l0, l1, t0, t1, _, _] = *walk.take()?;
    let length = usize::from(u16::from_le_bytes([l0, l1])).checked_sub(8).ok_or(Undecodable::MALFORMED)?;
    walk.skip(length);
    first(LinkType(u16::from_le_bytes([t0, t1])))
}

/// RFC 3032: labels up to the one with the bottom-of-stack bit. Nothing says what follows it; IP shows
/// in its version. Ethernet may have a control word before it, which begins with a zero where the
/// version would be (RFC 4385), or stand alone, and then begins with anything.
pub(super) fn mpls(walk: &mut Walk<'_>) -> Result<Layer, Undecodable> {
    loop {
        let [_, _, bottom, _] = *walk.take()?;
        if bottom & 1 != 0 {
            break;
        }
    }
    walk.enter(TunnelKind::Mpls, None);
    let likely = match walk.bytes.first().ok_or(Undecodable::TRUNCATED)? >> 4 {
        4 | 6 => Some(Layer::Ip),
        0 => Some(Layer::EthernetBehind(4)),
        _ => None,
    };
    let mut layers = likely.into_iter().chain([Layer::Ethernet]);
    layers.find(|&layer| shape::leads_to_ip(*walk, layer)).or(likely).ok_or(Undecodable::NOT_IP)
}

/// IEEE 802.1AE. Where neither encryption nor a changed payload is stated, the frame can be read.
pub(super) fn mac_sec(walk: &mut Walk<'_>) -> Result<Layer, Undecodable> {
    const CHANNEL: u8 = 0x20;
    const ENCRYPTED_OR_CHANGED: u8 = 0x0c;
    let [control, ..] = *walk.take::<6>()?;
    if control & ENCRYPTED_OR_CHANGED != 0 {
        return Err(Undecodable::MACSEC);
    }
    tag(walk, if control & CHANNEL != 0 { 8 } else { 0 })
}

/// RFC 2516, session stage.
pub(super) fn pppoe(walk: &mut Walk<'_>) -> Result<Layer, Undecodable> {
    match *walk.take()? {
        [0x11, 0, _, _, _, _] => Ok(Layer::Ppp),
        _ => Err(Undecodable::NOT_IP),
    }
}

/// RFC 1661, with or without the address and control bytes of RFC 1662, and with either form of the
/// protocol field.
pub(super) fn ppp(walk: &mut Walk<'_>) -> Result<Layer, Undecodable> {
    if walk.bytes.starts_with(&[0xff, 0x03]) {
        walk.skip(2);
    }
    if ppp::is_login(walk) {
        return Ok(Layer::PppLogin);
    }
    let [first] = *walk.take()?;
    let protocol = if first & 1 == 1 { u16::from(first) } else { u16::from_be_bytes([first, walk.take::<1>()?[0]]) };
    match protocol {
        0x0021 => Ok(Layer::Ipv4),
        0x0057 => Ok(Layer::Ipv6),
        0x0281 | 0x0283 => Ok(Layer::Mpls),
        // RFC 1968 and RFC 1962, of one link of a bundle too.
        0x0053 | 0x0055 | 0x00fb | 0x00fd => Err(Undecodable::PPP_OPAQUE),
        _ => Err(Undecodable::NOT_IP),
    }
}

/// RFC 2427, or the Ethernet types that Cisco puts there.
pub(super) fn frame_relay(walk: &mut Walk<'_>) -> Result<Layer, Undecodable> {
    // The address ends with the byte that has its lowest bit set.
    while walk.take::<1>()?[0] & 1 == 0 {}
    if walk.bytes.first() != Some(&0x03) {
        return tag(walk, 0);
    }
    walk.skip(1);
    let padding = usize::from(walk.bytes.first() == Some(&0));
    walk.skip(padding);
    match *walk.take()? {
        [0xcc] => Ok(Layer::Ipv4),
        [0x8e] => Ok(Layer::Ipv6),
        [0x80] => snap(walk, 0),
        _ => Err(Undecodable::NOT_IP),
    }
}
