//! The format of Solaris `snoop` (RFC 1761). Everything is big-endian.

use std::io;

use super::Dropped;
use super::buffer::Buffer;
use super::step::{Record, Step};
use crate::model::limits;
use crate::model::packet::LinkType;
use crate::model::time::Timestamp;

const MAGIC: &[u8] = b"snoop\0\0\0";
const FILE_HEADER: usize = 16;
const RECORD_HEADER: usize = 24;

/// Reads the records that follow a file header.
pub(super) struct Reader {
    link: LinkType,
    dropped: u32,
}

impl Reader {
    /// Reads the file header. `None`: it is none, and nothing was consumed.
    pub(super) fn open(buffer: &mut Buffer) -> io::Result<Option<Self>> {
        buffer.need(FILE_HEADER)?;
        let Some(rest) = buffer.window().strip_prefix(MAGIC) else { return Ok(None) };
        let Some(&[_, datalink]) = rest.as_chunks::<4>().0.first_chunk() else { return Ok(None) };
        let link = link_type(u32::from_be_bytes(datalink));
        buffer.advance(FILE_HEADER);
        Ok(Some(Self { link, dropped: 0 }))
    }

    /// The next record.
    pub(super) fn step(&mut self, buffer: &mut Buffer) -> io::Result<Step> {
        if !buffer.need(RECORD_HEADER)? {
            return Ok(if buffer.window().is_empty() { Step::End } else { Step::Cut });
        }
        let Some((header, _)) = buffer.window().as_chunks::<4>().0.split_first_chunk() else { return Ok(Step::Cut) };
        let [wire_len, captured, total, dropped, seconds, micros] = header.map(u32::from_be_bytes);
        let (length, total) = (captured as usize, total as usize);
        if total > limits::RECORD_BYTES || total < RECORD_HEADER + length {
            return Ok(Step::Damaged("a packet's length makes no sense"));
        }
        if !buffer.need(total)? {
            return Ok(Step::Cut);
        }
        self.dropped = dropped;
        let start = buffer.advance(total) + RECORD_HEADER;
        let at = Timestamp::from_parts(i64::from(seconds), i64::from(micros) * 1000);
        Ok(Step::Packet(Record { at, link: self.link, tap: 0, start, length, wire_len: wire_len.max(captured) }))
    }

    /// What the last record says that was dropped.
    pub(super) fn dropped(&self) -> Dropped {
        Dropped { by_kernel: u64::from(self.dropped), by_interface: 0 }
    }
}

/// The link types of networks that carry IP; for others a number that nobody knows.
fn link_type(datalink: u32) -> LinkType {
    LinkType(match datalink {
        // IEEE 802.3, Ethernet.
        0 | 4 => 1,
        // Token ring.
        2 => 6,
        8 => 10,
        _ => u16::MAX,
    })
}
