//! Whether bytes have the shape of what they are said to be, where a header or a port may say it by accident.

use super::{Layer, Undecodable, Walk, checksum, step};

/// Whether what a tunnel's header announced is there.
pub(super) fn is_plausible(walk: Walk<'_>, layer: Layer) -> bool {
    // The header of a tunnel that carries frames is long enough to be no accident: frames other than of
    // IP, and such as a snap length cut, are taken on its word.
    if matches!(layer, Layer::Ppp) && leads_to_login(walk) {
        return true;
    }
    let framed = matches!(layer, Layer::Ethernet | Layer::Wlan(_) | Layer::Prism);
    match to_ip(walk, layer) {
        Ok(ip) => is_ip(&ip, framed),
        Err(Undecodable::MALFORMED | Undecodable::TOO_DEEP) => false,
        Err(Undecodable::TRUNCATED) => framed && walk.missing() > 0,
        Err(_) => framed,
    }
}

/// Whether PAP or CHAP stands behind the framing of PPP.
fn leads_to_login(mut walk: Walk<'_>) -> bool {
    matches!(step(&mut walk, Layer::Ppp), Ok(Layer::PppLogin))
}

/// Whether an IP packet stands behind the layers that follow.
pub(super) fn leads_to_ip(walk: Walk<'_>, layer: Layer) -> bool {
    to_ip(walk, layer).is_ok_and(|ip| is_ip(&ip, false))
}

fn to_ip(mut walk: Walk<'_>, mut layer: Layer) -> Result<Walk<'_>, Undecodable> {
    const LAYERS: usize = 8;
    for turn in 0..LAYERS {
        match layer {
            Layer::Ip | Layer::Ipv4 | Layer::Ipv6 => return Ok(walk),
            // What is under labels is a question for here again: one such question must do.
            Layer::Mpls if turn > 0 => return Err(Undecodable::NOT_IP),
            _ => layer = step(&mut walk, layer)?,
        }
    }
    Err(Undecodable::TOO_DEEP)
}

/// Whether this is an IP header with a length that fits, or with a checksum that does: a mirror may
/// have cut the packet. `framed`: an Ethernet type said so already.
fn is_ip(walk: &Walk<'_>, framed: bool) -> bool {
    /// Ethernet pads to this.
    const PADDING: usize = 46;
    let fits = |length: usize| length <= walk.wire_len && walk.wire_len <= length + PADDING;
    match *walk.bytes {
        [first @ 0x45..=0x4f, _, high, low, ..] => {
            let header = usize::from(first & 0x0f) * 4;
            let length = usize::from(u16::from_be_bytes([high, low]));
            length >= header && (fits(length) || walk.bytes.get(..header).is_some_and(checksum::holds))
        }
        [0x60..=0x6f, _, _, _, high, low, _, _, ..] => {
            framed || fits(40 + usize::from(u16::from_be_bytes([high, low])))
        }
        _ => framed && walk.bytes.len() < 8 && walk.missing() > 0,
    }
}
