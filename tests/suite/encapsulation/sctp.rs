//! Makes SCTP associations out of TCP connections, packet for packet (RFC 9260).

use std::collections::HashMap;

use super::wrap::ip_around;

/// Every side's first transmission sequence number: they wrap.
const FIRST_TSN: u32 = u32::MAX;

/// SCTP packets that say what the IP packets say in TCP: SYNs are INITs, payload is a message in two
/// fragments, FINs are SHUTDOWNs. `in_udp`: in datagrams of the port of RFC 6951.
pub(super) fn instead(packets: &[Vec<u8>], in_udp: bool) -> Vec<Vec<u8>> {
    let mut sides: HashMap<(Vec<u8>, Vec<u8>), Side> = HashMap::new();
    packets.iter().map(|packet| convert(packet, &mut sides, in_udp)).collect()
}

#[derive(Default)]
struct Side {
    sent: u32,
    fin: bool,
}

fn convert(packet: &[u8], sides: &mut HashMap<(Vec<u8>, Vec<u8>), Side>, in_udp: bool) -> Vec<u8> {
    let is_six = packet[0] >> 4 == 6;
    let (addresses, tcp) = if is_six { (&packet[8..40], &packet[40..]) } else { (&packet[12..20], &packet[20..]) };
    let (source, destination) = addresses.split_at(addresses.len() / 2);
    let end = |ip: &[u8], port: &[u8]| [ip, port].concat();
    let (from, to) = (end(source, &tcp[..2]), end(destination, &tcp[2..4]));
    let reverse = (to.clone(), from.clone());
    let (acknowledged, other_is_done) =
        sides.get(&reverse).map_or((0, false), |other| (FIRST_TSN.wrapping_add(other.sent).wrapping_sub(1), other.fin));
    let side = sides.entry((from.clone(), to.clone())).or_default();
    let payload = &tcp[usize::from(tcp[12] >> 4) * 4..];
    let (syn, fin, ack) = (tcp[13] & 2 != 0, tcp[13] & 1 != 0, tcp[13] & 16 != 0);
    let mut chunks = Vec::new();
    if syn {
        let body = [&tag(&from).to_be_bytes()[..], &[0, 1, 0, 0, 0, 9, 0, 9], &FIRST_TSN.to_be_bytes()].concat();
        chunks.extend(chunk(if ack { 2 } else { 1 }, 0, &body));
    } else if side.sent == 0 && payload.is_empty() {
        chunks.extend(chunk(10, 0, b"a cookie"));
    } else if !payload.is_empty() {
        let (first, second) = payload.split_at(payload.len().min(50));
        for (flags, part) in [(2, first), (1, second)] {
            let tsn = FIRST_TSN.wrapping_add(side.sent).to_be_bytes();
            side.sent += 1;
            chunks.extend(chunk(0, flags, &[&tsn[..], &[0, 3, 0, 0, 0, 0, 0, 0], part].concat()));
        }
    } else if side.fin && other_is_done {
        chunks.extend(chunk(14, 0, &[]));
    } else if !fin {
        chunks.extend(chunk(3, 0, &[&acknowledged.to_be_bytes()[..], &[0; 8]].concat()));
    }
    if fin {
        side.fin = true;
        chunks.extend(if other_is_done { chunk(8, 0, &[]) } else { chunk(7, 0, &acknowledged.to_be_bytes()) });
    }
    let receiver = if syn && !ack { 0 } else { tag(&to) };
    let sctp = [&tcp[..4], &receiver.to_be_bytes(), &[0; 4], &chunks].concat();
    if !in_udp {
        return ip_around(packet, 132, &sctp);
    }
    let length = (sctp.len() as u16 + 8).to_be_bytes();
    let port = 9899_u16.to_be_bytes();
    ip_around(packet, 17, &[&port[..], &port, &length, &[0, 0], &sctp].concat())
}

/// What an end is addressed with.
fn tag(end: &[u8]) -> u32 {
    end.iter().fold(1, |tag: u32, byte| tag.wrapping_mul(31).wrapping_add(u32::from(*byte)))
}

fn chunk(kind: u8, flags: u8, body: &[u8]) -> Vec<u8> {
    let [high, low] = (4 + body.len() as u16).to_be_bytes();
    let mut chunk = [&[kind, flags, high, low][..], body].concat();
    chunk.resize(chunk.len().next_multiple_of(4), 0);
    chunk
}
