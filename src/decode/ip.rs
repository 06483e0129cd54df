//! IP, and what it carries.

use etherparse::err::{ipv4, ipv6};
use etherparse::{Ipv4HeaderSlice, Ipv6HeaderSlice};

use super::defrag::{Datagram, Part};
use super::{
    Addresses, Checksum, Ends, Inner, Layer, Segment, TcpFlags, TransportHeader, Undecodable, Walk, checksum, esp,
    sctp, tunnel, udp,
};
use crate::model::flow::{Endpoint, TunnelKind};

/// Tells the versions apart.
pub(super) fn version(walk: &Walk<'_>) -> Result<Layer, Undecodable> {
    match walk.bytes.first().map(|b| b >> 4) {
        Some(4) => Ok(Layer::Ipv4),
        Some(6) => Ok(Layer::Ipv6),
        Some(_) => Err(Undecodable::NOT_IP),
        None => Err(Undecodable::TRUNCATED),
    }
}

/// RFC 791.
pub(super) fn v4(walk: &mut Walk<'_>) -> Result<Layer, Undecodable> {
    let header = Ipv4HeaderSlice::from_slice(walk.bytes).map_err(|error| match error {
        ipv4::HeaderSliceError::Len(_) => Undecodable::TRUNCATED,
        ipv4::HeaderSliceError::Content(_) => Undecodable::MALFORMED,
    })?;
    let length = usize::from(header.total_len());
    // Segmentation offload leaves zero where the length does not fit or is not known yet.
    if length != 0 {
        if length < header.slice().len() {
            return Err(Undecodable::MALFORMED);
        }
        walk.limit(length);
    }
    // Zero is what a system leaves for its network card to fill in.
    walk.corrupt |= header.header_checksum() != 0 && !checksum::holds(header.slice());
    walk.skip(header.slice().len());
    let number = header.protocol().0;
    let addresses = Addresses(header.source_addr().into(), header.destination_addr().into());
    walk.ends = Ends::Addresses(addresses);
    if header.is_fragmenting_payload() {
        let id = header.identification().into();
        return fragment(Part {
            datagram: Datagram { addresses, protocol: Some(number), id, network: walk.network() },
            number,
            offset: header.fragments_offset().byte_offset().into(),
            last: !header.more_fragments(),
        });
    }
    Ok(Layer::Transport { number, addresses })
}

/// RFC 8200.
pub(super) fn v6(walk: &mut Walk<'_>) -> Result<Layer, Undecodable> {
    let header = Ipv6HeaderSlice::from_slice(walk.bytes).map_err(|error| match error {
        ipv6::HeaderSliceError::Len(_) => Undecodable::TRUNCATED,
        ipv6::HeaderSliceError::Content(_) => Undecodable::MALFORMED,
    })?;
    walk.skip(header.slice().len());
    // Zero in a jumbogram, and after segmentation offload.
    if header.payload_length() != 0 {
        walk.limit(usize::from(header.payload_length()));
    }
    let addresses = Addresses(header.source_addr().into(), header.destination_addr().into());
    walk.ends = Ends::Addresses(addresses);
    Ok(Layer::Transport { number: header.next_header().0, addresses })
}

/// What stands behind an IP protocol number: an extension header, another IP header, or a transport.
pub(super) fn transport<'a>(walk: &mut Walk<'a>, number: u8, addresses: Addresses) -> Result<Inner<'a>, Undecodable> {
    let layer = match number {
        6 => return tcp(walk, addresses),
        17 => return datagram(walk, addresses),
        4 | 41 => {
            walk.enter(TunnelKind::Ip, None);
            if number == 4 { Layer::Ipv4 } else { Layer::Ipv6 }
        }
        // Hop-by-hop options, routing, destination options, mobility, HIP, Shim6.
        0 | 43 | 60 | 135 | 139 | 140 => {
            let [next, units, ..] = *walk.take::<8>()?;
            walk.skip(usize::from(units) * 8);
            Layer::Transport { number: next, addresses }
        }
        44 => v6_fragment(walk, addresses)?,
        47 => tunnel::gre(walk)?,
        50 => esp::null(walk, addresses)?,
        // Authentication header: in units of four bytes, two of them not counted.
        51 => {
            let [next, units, ..] = *walk.take::<8>()?;
            walk.skip(usize::from(units) * 4);
            Layer::Transport { number: next, addresses }
        }
        97 => tunnel::ether_ip(walk)?,
        115 => tunnel::l2tp_3(walk)?,
        // RFC 4023
        137 => Layer::Mpls,
        132 => return sctp::packet(walk, addresses).map(Inner::Segment),
        143 => {
            walk.enter(TunnelKind::Srv6, None);
            Layer::Ethernet
        }
        _ => return Err(opaque(number).unwrap_or(Undecodable::UNKNOWN_TRANSPORT)),
    };
    Ok(Inner::Layer(layer))
}

/// What is known to lead nowhere.
const fn opaque(number: u8) -> Option<Undecodable> {
    match number {
        1 | 58 => Some(Undecodable::ICMP),
        // In fragments, where it may be assumed to be encrypted.
        50 => Some(Undecodable::ESP),
        59 => Some(Undecodable::EMPTY),
        _ => None,
    }
}

/// RFC 8200, section 4.5. The header on a whole packet is allowed (RFC 6946).
fn v6_fragment(walk: &mut Walk<'_>, addresses: Addresses) -> Result<Layer, Undecodable> {
    let [number, _, o0, o1, id @ ..] = *walk.take::<8>()?;
    // In units of eight bytes, with three bits below it.
    let (offset, last) = (u16::from_be_bytes([o0, o1]) & !0x0007, o1 & 0x01 == 0);
    if offset == 0 && last {
        return Ok(Layer::Transport { number, addresses });
    }
    let id = u32::from_be_bytes(id);
    let datagram = Datagram { addresses, protocol: None, id, network: walk.network() };
    fragment(Part { datagram, number, offset: offset.into(), last })
}

/// Nothing is put together that leads nowhere.
fn fragment(part: Part) -> Result<Layer, Undecodable> {
    opaque(part.number).map_or(Ok(Layer::Fragment(part)), Err)
}

/// RFC 9293, section 3.1.
fn tcp<'a>(walk: &mut Walk<'a>, addresses: Addresses) -> Result<Inner<'a>, Undecodable> {
    const FIXED: usize = 20;
    let whole = (walk.missing() == 0).then_some(walk.bytes);
    let &[s0, s1, d0, d1, q0, q1, q2, q3, a0, a1, a2, a3, offset, flags, w0, w1, c0, c1, _, _] =
        walk.take::<FIXED>()?;
    // The snap length may have cut the options: the sequence number still counts.
    let options = (usize::from(offset >> 4) * 4).checked_sub(FIXED).ok_or(Undecodable::MALFORMED)?;
    if options > walk.wire_len {
        return Err(Undecodable::MALFORMED);
    }
    walk.skip(options);
    let stated = u16::from_be_bytes([c0, c1]);
    let checksum = match whole {
        _ if walk.corrupt => Checksum::Bad,
        Some(bytes) => checksum::of_tcp(bytes, stated, addresses),
        None => Checksum::Unknown,
    };
    let header = TransportHeader::Tcp {
        seq: u32::from_be_bytes([q0, q1, q2, q3]),
        ack: u32::from_be_bytes([a0, a1, a2, a3]),
        flags: TcpFlags(flags),
        window: u16::from_be_bytes([w0, w1]),
    };
    Ok(Inner::Segment(segment(walk, addresses, [s0, s1], [d0, d1], header, checksum)))
}

/// RFC 768.
fn datagram<'a>(walk: &mut Walk<'a>, addresses: Addresses) -> Result<Inner<'a>, Undecodable> {
    let &[s0, s1, d0, d1, l0, l1, _, _] = walk.take()?;
    match usize::from(u16::from_be_bytes([l0, l1])) {
        // A jumbogram, or segmentation offload: IP says how long it is.
        0 => {}
        length @ 8.. => walk.limit((length - 8).min(walk.wire_len)),
        _ => return Err(Undecodable::MALFORMED),
    }
    let ports = [u16::from_be_bytes([s0, s1]), u16::from_be_bytes([d0, d1])];
    if let Some(layer) = esp::in_udp(walk, ports, addresses) {
        return layer.map(Inner::Layer);
    }
    if sctp::is_in_udp(walk, ports) {
        return sctp::packet(walk, addresses).map(Inner::Segment);
    }
    if let Some((inside, layer)) = udp::tunnel(walk, ports) {
        *walk = inside;
        return Ok(Inner::Layer(layer));
    }
    Ok(Inner::Segment(segment(walk, addresses, [s0, s1], [d0, d1], TransportHeader::Udp, Checksum::Unknown)))
}

pub(super) fn segment<'a>(
    walk: &Walk<'a>,
    Addresses(source, destination): Addresses,
    source_port: [u8; 2],
    destination_port: [u8; 2],
    transport: TransportHeader,
    checksum: Checksum,
) -> Segment<'a> {
    let source = Endpoint { ip: source, port: u16::from_be_bytes(source_port) };
    let destination = Endpoint { ip: destination, port: u16::from_be_bytes(destination_port) };
    let (payload, missing) = (walk.bytes, walk.missing());
    Segment { source, destination, transport, payload, missing, checksum, tunnel: walk.tunnel }
}
