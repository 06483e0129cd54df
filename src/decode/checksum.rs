//! The Internet checksum (RFC 1071).

use std::net::IpAddr;

use super::{Addresses, Checksum};

/// Judges the checksum that a whole segment, header and payload, states.
pub(super) fn of_tcp(bytes: &[u8], stated: u16, ends: Addresses) -> Checksum {
    let (addresses, pseudo) = pseudo_header(bytes.len(), TCP, ends);
    if fold(pseudo + sum(bytes)) == 0xffff {
        return Checksum::Good;
    }
    // What a system leaves in the field for the network card to complete: the sum of the pseudo-header,
    // with the length or, when the card also cuts the segment, without it; or nothing.
    let partial = [fold(pseudo), fold(addresses), 0];
    if partial.contains(&stated.to_be()) { Checksum::Unknown } else { Checksum::Bad }
}

/// Whether a transport segment has the right checksum.
pub(super) fn holds_for(bytes: &[u8], number: u8, ends: Addresses) -> bool {
    let (_, pseudo) = pseudo_header(bytes.len(), number, ends);
    fold(pseudo + sum(bytes)) == 0xffff
}

/// Whether an IPv4 header has the checksum it states.
pub(super) fn holds(header: &[u8]) -> bool {
    fold(sum(header)) == 0xffff
}

const TCP: u8 = 6;

/// Sum of the pseudo-header (RFC 9293, section 3.1; RFC 8200, section 8.1) without the length, and with it.
fn pseudo_header(length: usize, number: u8, Addresses(source, destination): Addresses) -> (u64, u64) {
    let addresses = address(source) + address(destination) + u64::from(u16::from(number).to_be());
    (addresses, addresses + u64::from((length as u16).to_be()))
}

fn address(ip: IpAddr) -> u64 {
    match ip {
        IpAddr::V4(ip) => sum(&ip.octets()),
        IpAddr::V6(ip) => sum(&ip.octets()),
    }
}

/// Sum of 16-bit words in memory order, whatever the machine's: the checksum does not mind (RFC 1071,
/// section 2 (B)). In steps of 32 bits, which leaves a loop that compilers vectorise.
fn sum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<4>();
    let mut last = [0; 4];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    words.iter().chain([&last]).map(|word| u64::from(u32::from_ne_bytes(*word))).sum()
}

fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}
