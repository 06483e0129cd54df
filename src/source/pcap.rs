//! The classic format: <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html>, and its
//! "modified" form (Kuznetzov), whose records carry eight bytes more.

use std::io;

use pcap_parser::{PcapHeader, parse_pcap_header};

use super::buffer::Buffer;
use super::resync::Looks;
use super::step::{Record, Step};
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
    /// Seconds of the last record.
    last: i64,
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
        let (captured, wire_len) = self.lengths(first, second);
        let length = captured as usize;
        if length > limits::RECORD_BYTES {
            return Ok(Step::Damaged("a packet's length makes no sense"));
        }
        if !buffer.need(self.header + length)? {
            return Ok(Step::Cut);
        }
        let start = buffer.advance(self.header + length) + self.header;
        let scale = if self.nanoseconds { 1 } else { 1000 };
        self.last = i64::from(self.u32(seconds));
        let at = Timestamp::from_parts(self.last, i64::from(self.u32(fraction)) * scale);
        Ok(Step::Packet(Record { at, link: self.link, tap: 0, start, length, wire_len: wire_len.max(captured) }))
    }

    /// Whether bytes could be a record. Its header says little that can be checked: several in a row must
    /// look like records before it is believed.
    pub(super) fn looks(&self, bytes: &[u8]) -> Looks {
        let Some((&[seconds, fraction, first, second], _)) = bytes.as_chunks::<4>().0.split_first_chunk() else {
            return Looks::Short;
        };
        let (captured, wire_len) = self.lengths(first, second);
        let fractions = if self.nanoseconds { 1_000_000_000 } else { 1_000_000 };
        let sound = (1..=wire_len).contains(&captured)
            && wire_len as usize <= limits::RESYNC_RECORD_BYTES
            && self.u32(fraction) < fractions
            && (i64::from(self.u32(seconds)) - self.last).abs() <= limits::RESYNC_SECONDS;
        if sound { Looks::Record(self.header + captured as usize) } else { Looks::Wrong }
    }

    const fn u32(&self, bytes: [u8; 4]) -> u32 {
        if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }

    /// Captured length and length on the wire.
    fn lengths(&self, first: [u8; 4], second: [u8; 4]) -> (u32, u32) {
        let (first, second) = (self.u32(first), self.u32(second));
        match self.lengths {
            Lengths::LesserIsCaptured => (first.min(second), first.max(second)),
            Lengths::CapturedFirst => (first, second),
            Lengths::WireFirst => (second, first),
        }
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
        last: 0,
    })
}
