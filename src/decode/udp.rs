//! Tunnels in UDP. A port is where one may be; its header and what is inside tell whether it is there.

use super::shape::{is_plausible, leads_to_ip};
use super::{Layer, Walk, link, tunnel, wlan};
use crate::model::flow::TunnelKind;

/// What a datagram carries when it belongs to a tunnel, and where that begins.
pub(super) fn tunnel<'a>(datagram: &Walk<'a>, [source, destination]: [u16; 2]) -> Option<(Walk<'a>, Layer)> {
    let open = opener(destination).or_else(|| opener(source))?;
    let mut inside = *datagram;
    let layer = open(&mut inside)?;
    is_plausible(inside, layer).then_some((inside, layer))
}

type Opener = fn(&mut Walk<'_>) -> Option<Layer>;

fn opener(port: u16) -> Option<Opener> {
    match port {
        1701 => Some(l2tp),
        2152 => Some(gtp_u),
        3544 => Some(teredo),
        // The second is what Linux took before there was a number.
        4789 | 8472 => Some(vxlan),
        4790 => Some(vxlan_gpe),
        // RFC 8086
        4754 => Some(|walk| tunnel::gre(walk).ok()),
        5247 => Some(capwap),
        6081 => Some(geneve),
        // RFC 7510
        6635 => Some(|_| Some(Layer::Mpls)),
        37008 => Some(tzsp),
        _ => None,
    }
}

/// RFC 7348, and its group policy extension.
fn vxlan(walk: &mut Walk<'_>) -> Option<Layer> {
    match *walk.take().ok()? {
        [0x08, 0, 0, 0, a, b, c, 0] => walk.enter(TunnelKind::Vxlan, Some(u32::from_be_bytes([0, a, b, c]))),
        [0x88, policy, _, _, a, b, c, 0] if policy & !0x48 == 0 => {
            walk.enter(TunnelKind::Vxlan, Some(u32::from_be_bytes([0, a, b, c])));
        }
        _ => return None,
    }
    Some(Layer::Ethernet)
}

/// draft-ietf-nvo3-vxlan-gpe: says what is inside.
fn vxlan_gpe(walk: &mut Walk<'_>) -> Option<Layer> {
    const NEXT: u8 = 0x04;
    let [flags, 0, 0, next, a, b, c, 0] = *walk.take().ok()? else { return None };
    walk.enter(TunnelKind::VxlanGpe, Some(u32::from_be_bytes([0, a, b, c])));
    match (flags & NEXT, next) {
        _ if flags & 0xf8 != 0x08 => None,
        (0, 0) | (NEXT, 3) => Some(Layer::Ethernet),
        (NEXT, 1) => Some(Layer::Ipv4),
        (NEXT, 2) => Some(Layer::Ipv6),
        (NEXT, 4) => Some(Layer::Nsh),
        (NEXT, 5) => Some(Layer::Mpls),
        _ => None,
    }
}

/// RFC 8926. Options are measured in units of four bytes.
fn geneve(walk: &mut Walk<'_>) -> Option<Layer> {
    match *walk.take().ok()? {
        [options @ 0..0x40, flags, high, low, a, b, c, 0] if flags & 0x3f == 0 => {
            walk.enter(TunnelKind::Geneve, Some(u32::from_be_bytes([0, a, b, c])));
            walk.skip(usize::from(options) * 4);
            match u16::from_be_bytes([high, low]) {
                0..0x0600 => None,
                kind => link::ether_type(kind).ok(),
            }
        }
        _ => None,
    }
}

/// 3GPP TS 29.281: a packet of a user, or in 5G a frame.
fn gtp_u(walk: &mut Walk<'_>) -> Option<Layer> {
    const OPTIONAL: u8 = 0x07;
    const EXTENSION: u8 = 0x04;
    let [flags, 255, high, low, _, _, _, _] = *walk.take().ok()? else { return None };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if flags & 0xf8 != 0x30 || length > walk.wire_len {
        return None;
    }
    walk.limit(length);
    // Its number is another in each direction.
    walk.enter(TunnelKind::GtpU, None);
    if flags & OPTIONAL != 0 {
        let [_, _, _, mut next] = *walk.take().ok()?;
        while flags & EXTENSION != 0 && next != 0 {
            // In units of four bytes, the last of which names the next.
            let length = usize::from(*walk.bytes.first()?) * 4;
            next = *walk.bytes.get(length.checked_sub(1)?)?;
            walk.skip(length);
        }
    }
    [Layer::Ip, Layer::Ethernet].into_iter().find(|&layer| leads_to_ip(*walk, layer))
}

/// RFC 4380, section 5.1.1: IPv6 behind an authentication and an origin, either of which may be missing.
fn teredo(walk: &mut Walk<'_>) -> Option<Layer> {
    const PREFIX: &[u8] = &[0x20, 0x01, 0, 0];
    const LOCAL: &[u8] = &[0xfe, 0x80];
    walk.enter(TunnelKind::Teredo, None);
    if let Some(&[0, 1, identifier, value]) = walk.bytes.first_chunk() {
        walk.skip(4 + usize::from(identifier) + usize::from(value) + 9);
    }
    if walk.bytes.starts_with(&[0, 0]) {
        walk.skip(8);
    }
    let belongs = |address: &[u8]| address.starts_with(PREFIX) || address.starts_with(LOCAL);
    let addresses = [walk.bytes.get(8..24)?, walk.bytes.get(24..40)?];
    addresses.into_iter().any(belongs).then_some(Layer::Ipv6)
}

/// <https://en.wikipedia.org/wiki/TZSP>: a frame, behind tags that say how it was received.
fn tzsp(walk: &mut Walk<'_>) -> Option<Layer> {
    const PADDING: u8 = 0;
    const END: u8 = 1;
    let layer = match *walk.take().ok()? {
        [1, 0 | 1, 0, 1] => Layer::Ethernet,
        [1, 0 | 1, 0, 18] => Layer::WLAN,
        [1, 0 | 1, 0, 119 | 127] => Layer::Prism,
        _ => return None,
    };
    walk.enter(TunnelKind::Tzsp, None);
    loop {
        match *walk.take().ok()? {
            [PADDING] => {}
            [END] => return Some(layer),
            [_] => {
                let [length] = *walk.take().ok()?;
                walk.skip(usize::from(length));
            }
        }
    }
}

/// Data messages of RFC 2661, or of RFC 3931 (section 4.1.2.1).
fn l2tp(walk: &mut Walk<'_>) -> Option<Layer> {
    const LENGTH: u8 = 0x40;
    const SEQUENCE: u8 = 0x08;
    const OFFSET: u8 = 0x02;
    let whole = walk.wire_len;
    let [flags, version] = *walk.take().ok()?;
    if (flags, version) == (0, 3) {
        walk.skip(2);
        return tunnel::l2tp_3(walk).ok();
    }
    walk.enter(TunnelKind::L2tp, None);
    if version != 2 || flags & !(LENGTH | SEQUENCE | OFFSET | 0x01) != 0 {
        return None;
    }
    if flags & LENGTH != 0 {
        let stated = usize::from(u16::from_be_bytes(*walk.take().ok()?));
        if stated > whole {
            return None;
        }
        walk.limit(stated.checked_sub(4)?);
    }
    walk.skip(4 + if flags & SEQUENCE != 0 { 4 } else { 0 });
    if flags & OFFSET != 0 {
        let padding = u16::from_be_bytes(*walk.take().ok()?);
        walk.skip(usize::from(padding));
    }
    Some(Layer::Ppp)
}

/// RFC 5415, section 4.3: data that is neither in DTLS nor cut up.
fn capwap(walk: &mut Walk<'_>) -> Option<Layer> {
    const NATIVE: u8 = 0x01;
    const FRAGMENT: u8 = 0x80;
    const KEEP_ALIVE: u8 = 0x08;
    let [0, length, native, flags, 0, 0, 0, 0] = *walk.take().ok()? else { return None };
    if flags & (FRAGMENT | KEEP_ALIVE | 0x07) != 0 {
        return None;
    }
    walk.enter(TunnelKind::Capwap, None);
    walk.skip((usize::from(length >> 3) * 4).checked_sub(8)?);
    if native & NATIVE == 0 {
        return Some(Layer::Ethernet);
    }
    let is_data = |byte: u8| byte & 0x0f == 0x08;
    let &[first, second] = walk.bytes.first_chunk()?;
    Some(Layer::Wlan(wlan::Form { padded: false, swapped: !is_data(first) && is_data(second) }))
}

#[cfg(test)]
mod tests;
