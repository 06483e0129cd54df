//! SCTP (RFC 9260): a common header, then chunks. Those that an onlooker needs are taken apart.

use super::{Addresses, Checksum, Segment, TransportHeader, Undecodable, Walk, ip};

/// Where SCTP in UDP is found (RFC 6951).
const UDP_PORT: u16 = 9899;

/// Type, flags and length.
const CHUNK_HEADER: usize = 4;

/// The common header. Nothing is made of its checksum: network cards put it in, so that captures have it
/// wrong more often than packets do, and the tag tells strangers.
pub(super) fn packet<'a>(walk: &mut Walk<'a>, addresses: Addresses) -> Result<Segment<'a>, Undecodable> {
    let &[s0, s1, d0, d1, t0, t1, t2, t3, _, _, _, _] = walk.take()?;
    let checksum = if walk.corrupt { Checksum::Bad } else { Checksum::Unknown };
    let header = TransportHeader::Sctp { tag: u32::from_be_bytes([t0, t1, t2, t3]) };
    Ok(ip::segment(walk, addresses, [s0, s1], [d0, d1], header, checksum))
}

/// Whether a datagram holds an SCTP packet: chunks fill it, and an INIT comes without a tag.
pub(super) fn is_in_udp(datagram: &Walk<'_>, ports: [u16; 2]) -> bool {
    if !ports.contains(&UDP_PORT) {
        return false;
    }
    let mut walk = *datagram;
    let Ok(&[_, _, _, _, t0, t1, t2, t3, _, _, _, _]) = walk.take() else { return false };
    let begins = walk.bytes.first() == Some(&INIT);
    let mut chunks = chunks(walk.bytes, walk.missing());
    let known = chunks.by_ref().all(|chunk| !matches!(chunk, Chunk::Unknown));
    known && !walk.bytes.is_empty() && chunks.rest.is_empty() && begins == ([t0, t1, t2, t3] == [0; 4])
}

/// The chunks of a packet, from [`Segment::payload`] and [`Segment::missing`].
pub const fn chunks(payload: &[u8], missing: u32) -> Chunks<'_> {
    Chunks { rest: payload, missing: missing as usize }
}

/// A part of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunk<'a> {
    /// The association is over, at once. `reflected`: the packet's tag is that of its sender.
    Abort {
        /// The bit T.
        reflected: bool,
    },
    /// SACK: all up to this transmission sequence number (TSN) has arrived.
    Acknowledged(u32),
    /// A message, or a part of one.
    Data(Data<'a>),
    /// FORWARD TSN and I-FORWARD-TSN (RFC 3758, RFC 8260): what is missing up to this TSN will not come.
    Forward(u32),
    /// INIT, or INIT ACK.
    Init {
        /// Whether it answers one.
        answer: bool,
        /// The tag that packets to its sender have from here on.
        tag: u32,
        /// TSN of its sender's first data.
        tsn: u32,
    },
    /// Any other that belongs to an association that came about.
    Other,
    /// SHUTDOWN ACK: nothing more will be sent. `complete`: SHUTDOWN COMPLETE, the last word.
    Shutdown {
        /// Which of the two.
        complete: bool,
        /// As in [`Chunk::Abort`].
        reflected: bool,
    },
    /// Of a type nobody has assigned, or cut before what matters.
    Unknown,
}

/// DATA, or I-DATA (RFC 8260).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Data<'a> {
    /// Transmission sequence number: each side counts its chunks in the order it sends them.
    pub tsn: u32,
    /// The stream and the message, where parts of several messages may be mixed (I-DATA).
    pub message: Option<(u16, u32)>,
    /// The message begins here.
    pub first: bool,
    /// The message ends here.
    pub last: bool,
    /// The captured part of what the user sent.
    pub bytes: &'a [u8],
    /// Bytes after it that the snap length cut off.
    pub missing: u32,
}

/// Gives the chunks of a packet. Ends where one says that it is longer than the packet.
#[derive(Clone, Copy, Debug)]
pub struct Chunks<'a> {
    rest: &'a [u8],
    missing: usize,
}

const DATA: u8 = 0;
const INIT: u8 = 1;
const INIT_ACK: u8 = 2;
const SACK: u8 = 3;
const ABORT: u8 = 6;
const SHUTDOWN_ACK: u8 = 8;
const SHUTDOWN_COMPLETE: u8 = 14;
const I_DATA: u8 = 64;
const FORWARD_TSN: u8 = 192;
const I_FORWARD_TSN: u8 = 194;

impl<'a> Iterator for Chunks<'a> {
    type Item = Chunk<'a>;

    fn next(&mut self) -> Option<Chunk<'a>> {
        let (&[kind, flags, high, low], rest) = self.rest.split_first_chunk::<CHUNK_HEADER>()?;
        let length = usize::from(u16::from_be_bytes([high, low])).checked_sub(CHUNK_HEADER)?;
        let body = rest.get(..length).unwrap_or(rest);
        let cut = length - body.len();
        if cut > self.missing {
            return None;
        }
        self.rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(chunk(kind, flags, body, cut as u32).unwrap_or(Chunk::Unknown))
    }
}

fn chunk(kind: u8, flags: u8, body: &[u8], missing: u32) -> Option<Chunk<'_>> {
    let word = |at: usize| body.get(at..)?.first_chunk().map(|word| u32::from_be_bytes(*word));
    let reflected = flags & 1 != 0;
    Some(match kind {
        DATA => Chunk::Data(data(flags, word(0)?, None, body.get(12..)?, missing)),
        I_DATA => {
            let stream = (word(4)? >> 16) as u16;
            Chunk::Data(data(flags, word(0)?, Some((stream, word(8)?)), body.get(16..)?, missing))
        }
        INIT | INIT_ACK => Chunk::Init { answer: kind == INIT_ACK, tag: word(0)?, tsn: word(12)? },
        SACK => Chunk::Acknowledged(word(0)?),
        ABORT => Chunk::Abort { reflected },
        SHUTDOWN_ACK | SHUTDOWN_COMPLETE => Chunk::Shutdown { complete: kind == SHUTDOWN_COMPLETE, reflected },
        FORWARD_TSN | I_FORWARD_TSN => Chunk::Forward(word(0)?),
        // Heartbeats, SHUTDOWN, ERROR, cookies, ECN; AUTH, RE-CONFIG, padding, address changes.
        4 | 5 | 7 | 9..=13 | 15 | 128 | 130 | 132 | 193 => Chunk::Other,
        _ => return None,
    })
}

const fn data(flags: u8, tsn: u32, message: Option<(u16, u32)>, bytes: &[u8], missing: u32) -> Data<'_> {
    const LAST: u8 = 0x01;
    const FIRST: u8 = 0x02;
    Data { tsn, message, first: flags & FIRST != 0, last: flags & LAST != 0, bytes, missing }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{decoded, in_ip, packet};
    use super::*;
    use crate::model::flow::Transport;

    const HEADER: [u8; 12] = [0x0f, 0x1c, 0x0f, 0x1d, 0, 0, 0, 9, 1, 2, 3, 4];

    #[test]
    fn chunks_are_told_apart_with_their_padding() {
        let chunks_ = [
            &[3, 0, 0, 16, 0, 0, 0, 7, 0, 1, 0, 0, 0, 0, 0, 0][..],
            &[0, 3, 0, 18, 0, 0, 0, 5, 0, 1, 0, 0, 0, 0, 0, 46, b'h', b'i', 0, 0],
            &[64, 2, 0, 21, 0, 0, 0, 6, 0, 4, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, b'x', 0, 0, 0],
            &[6, 1, 0, 4],
        ]
        .concat();
        let bytes = in_ip(132, &[&HEADER[..], &chunks_].concat());
        let seen = decoded(&packet(101, &bytes), |segment| {
            assert_eq!((segment.source.port, segment.destination.port), (3868, 3869));
            assert_eq!(segment.transport, TransportHeader::Sctp { tag: 9 });
            format!("{:?}", chunks(segment.payload, 0).collect::<Vec<_>>())
        });
        let data = Data { tsn: 5, message: None, first: true, last: true, bytes: b"hi", missing: 0 };
        let part = Data { tsn: 6, message: Some((4, 9)), first: true, last: false, bytes: b"x", missing: 0 };
        let wanted = [Chunk::Acknowledged(7), Chunk::Data(data), Chunk::Data(part), Chunk::Abort { reflected: true }];
        assert_eq!(seen, Ok(format!("{wanted:?}")));
    }

    #[test]
    fn a_chunk_longer_than_its_packet_is_none_unless_it_was_cut() {
        let chunk = [0, 3, 0, 20, 0, 0, 0, 5, 0, 1, 0, 0, 0, 0, 0, 46, b'h'];
        assert_eq!(chunks(&chunk, 2).count(), 0);
        let data = Data { tsn: 5, message: None, first: true, last: true, bytes: b"h", missing: 3 };
        assert_eq!(chunks(&chunk, 3).collect::<Vec<_>>(), [Chunk::Data(data)]);
    }

    #[test]
    fn in_udp_it_must_look_like_it() {
        let udp = |inside: &[u8]| {
            let length = (inside.len() as u16 + 8).to_be_bytes();
            in_ip(17, &[&9899_u16.to_be_bytes()[..], &9899_u16.to_be_bytes(), &length, &[0, 0], inside].concat())
        };
        let abort = [6, 0, 0, 4];
        let seen = |inside: &[u8]| {
            let bytes = udp(inside);
            decoded(&packet(101, &bytes), |segment| (segment.transport.transport(), segment.source.port)).unwrap()
        };
        assert_eq!(seen(&[&HEADER[..], &abort].concat()), (Transport::Sctp, 3868));
        assert_eq!(seen(&[&HEADER[..], b"and so on"].concat()), (Transport::Udp, 9899));
    }
}
