//! The classic format: <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html>, and its
//! "modified" form (Kuznetzov), whose records carry eight bytes more.

use std::io;

use pcap_parser::{PcapHeader, parse_pcap_header};

use super::buffer::Buffer;
use super::saved::{Record, Step};
use crate::model::limits;
use crate::model::packet::LinkType;
use crate::model::time::Timestamp;

const FILE_HEADER: usize = 24;
const RECORD_HEADER: usize = 16;
/// Interface index, protocol and packet type follow the record header.
const MODIFIED_EXTRA: usize = 8;
/// The modified magic number as a big-endian machine wrote it, read little-endian.
const MODIFIED_SWAPPED: [u8; 4] = [0xa1, 0xb2, 0xcd, 0x34];
/// The micro-second magic number as a big-endian machine wrote it.
const SWAPPED: [u8; 4] = [0xa1, 0xb2, 0xc3, 0xd4];

/// Reads the records that follow a file header.
pub(super) struct Reader {
    big_endian: bool,
    nanoseconds: bool,
    lengths: Lengths,
    header: usize,
    link: LinkType,
}

/// Which of a record's two lengths is which. Files of old libpcap have them the other way round.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lengths {
    CapturedFirst,
    LesserIsCaptured,
    WireFirst,
}

impl Reader {
    /// Reads the file header. `None`: it is none, and nothing was consumed.
    pub(super) fn open(buffer: &mut Buffer) -> io::Result<Option<Self>> {
        let whole = buffer.need(FILE_HEADER)?;
        let Some(header) = buffer.window().first_chunk().and_then(parse) else { return Ok(None) };
        debug_assert!(whole);
        buffer.advance(FILE_HEADER);
        Ok(Some(header))
    }

    /// The next record.
    #[inline]
    pub(super) fn step(&mut self, buffer: &mut Buffer) -> io::Result<Step> {
        if !buffer.need(self.header)? {
            return Ok(if buffer.window().is_empty() { Step::End } else { Step::Cut });
        }
        let Some((&[seconds, fraction, first, second], _)) = buffer.window().as_chunks::<4>().0.split_first_chunk()
        else {
            return Ok(Step::Cut);
        };
        let u32_of = |bytes| if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
        let (first, second) = (u32_of(first), u32_of(second));
        let (captured, wire_len) = match self.lengths {
            Lengths::LesserIsCaptured => (first.min(second), first.max(second)),
            Lengths::CapturedFirst => (first, second),
            Lengths::WireFirst => (second, first),
        };
        let length = captured as usize;
        if length > limits::RECORD_BYTES {
            return Ok(Step::Damaged("a packet's length makes no sense"));
        }
        if !buffer.need(self.header + length)? {
            return Ok(Step::Cut);
        }
        let start = buffer.advance(self.header + length) + self.header;
        let scale = if self.nanoseconds { 1 } else { 1000 };
        let at = Timestamp::from_parts(i64::from(u32_of(seconds)), i64::from(u32_of(fraction)) * scale);
        Ok(Step::Packet(Record { at, link: self.link, start, length, wire_len: wire_len.max(captured) }))
    }
}

fn parse(bytes: &[u8; FILE_HEADER]) -> Option<Reader> {
    // The parser knows the modified magic number in its little-endian form alone.
    let mut bytes = *bytes;
    let magic = bytes.first_chunk_mut::<4>()?;
    let modified_swapped = *magic == MODIFIED_SWAPPED;
    if modified_swapped {
        *magic = SWAPPED;
    }
    let (_, header): (_, PcapHeader) = parse_pcap_header(&bytes).ok()?;
    let modified = modified_swapped || header.is_modified_format();
    Some(Reader {
        big_endian: header.is_bigendian(),
        nanoseconds: header.is_nanosecond_precision(),
        lengths: match (header.version_major, header.version_minor) {
            (2, 0..3) => Lengths::WireFirst,
            (2, 3) => Lengths::LesserIsCaptured,
            _ => Lengths::CapturedFirst,
        },
        header: RECORD_HEADER + if modified { MODIFIED_EXTRA } else { 0 },
        // The upper half says whether frames end with a check sequence, which lengths inside them show too.
        link: LinkType(header.network.0 as u16),
    })
}
