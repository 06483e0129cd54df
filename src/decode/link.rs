//! Link layers, and what lies between them and IP.

use super::{Layer, Undecodable, Walk};
use crate::model::packet::LinkType;

/// What packets of a link type start with: <https://www.tcpdump.org/linktypes.html>.
pub(super) fn first(link: LinkType) -> Result<Layer, Undecodable> {
    match link.0 {
        // LINKTYPE_NULL and LINKTYPE_LOOP, which differ in a byte order that nobody keeps to.
        0 | 108 => Ok(Layer::Null),
        1 => Ok(Layer::Ethernet),
        // LINKTYPE_PPP, LINKTYPE_PPP_HDLC
        9 | 50 => Ok(Layer::Ppp),
        // LINKTYPE_RAW, and the DLT_RAW of several systems that ended up in files.
        12 | 14 | 101 => Ok(Layer::Ip),
        51 => Ok(Layer::Pppoe),
        104 => Ok(Layer::CiscoHdlc),
        113 => Ok(Layer::LinuxCooked),
        228 => Ok(Layer::Ipv4),
        229 => Ok(Layer::Ipv6),
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
        0x8100 | 0x88a8 | 0x9100 | 0x9200 | 0x9300 => Ok(Layer::Vlan),
        0x8847 | 0x8848 => Ok(Layer::Mpls),
        0x8864 => Ok(Layer::Pppoe),
        _ => Err(Undecodable::NOT_IP),
    }
}

pub(super) fn ethernet(walk: &mut Walk<'_>) -> Result<Layer, Undecodable> {
    let [.., high, low] = *walk.take::<14>()?;
    Ok(Layer::EtherType(u16::from_be_bytes([high, low])))
}

/// IEEE 802.1Q: priority and identifier, then the type of what follows.
pub(super) fn vlan(walk: &mut Walk<'_>) -> Result<Layer, Undecodable> {
    let [_, _, high, low] = *walk.take()?;
    Ok(Layer::EtherType(u16::from_be_bytes([high, low])))
}

/// IEEE 802.2, of which only the SNAP form with an Ethernet type leads to IP.
pub(super) fn llc(walk: &mut Walk<'_>) -> Result<Layer, Undecodable> {
    match *walk.take()? {
        [0xaa, 0xaa, 0x03, 0, 0, 0, high, low] if high >= 6 => Ok(Layer::EtherType(u16::from_be_bytes([high, low]))),
        _ => Err(Undecodable::NOT_IP),
    }
}

/// LINKTYPE_LINUX_SLL.
pub(super) fn linux_cooked(walk: &mut Walk<'_>) -> Result<Layer, Undecodable> {
    let [.., high, low] = *walk.take::<16>()?;
    Ok(Layer::EtherType(u16::from_be_bytes([high, low])))
}

/// LINKTYPE_LINUX_SLL2.
pub(super) fn linux_cooked_2(walk: &mut Walk<'_>) -> Result<Layer, Undecodable> {
    let [high, low, ..] = *walk.take::<20>()?;
    Ok(Layer::EtherType(u16::from_be_bytes([high, low])))
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

/// RFC 3032: labels up to the one with the bottom-of-stack bit. Nothing says what follows it; IP shows
/// in its version, and a pseudowire (RFC 4385) begins with a zero where the version would be.
pub(super) fn mpls(walk: &mut Walk<'_>) -> Result<Layer, Undecodable> {
    loop {
        let [_, _, bottom, _] = *walk.take()?;
        if bottom & 1 != 0 {
            break;
        }
    }
    match walk.bytes.first().map(|b| b >> 4) {
        Some(4 | 6) => Ok(Layer::Ip),
        Some(0) => {
            walk.skip(4);
            Ok(Layer::Ethernet)
        }
        Some(_) => Err(Undecodable::NOT_IP),
        None => Err(Undecodable::TRUNCATED),
    }
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
    let [first] = *walk.take()?;
    let protocol = if first & 1 == 1 { u16::from(first) } else { u16::from_be_bytes([first, walk.take::<1>()?[0]]) };
    match protocol {
        0x0021 => Ok(Layer::Ipv4),
        0x0057 => Ok(Layer::Ipv6),
        0x0281 | 0x0283 => Ok(Layer::Mpls),
        _ => Err(Undecodable::NOT_IP),
    }
}

/// Address, control, and the type as in Ethernet.
pub(super) fn cisco_hdlc(walk: &mut Walk<'_>) -> Result<Layer, Undecodable> {
    let [_, _, high, low] = *walk.take()?;
    Ok(Layer::EtherType(u16::from_be_bytes([high, low])))
}
