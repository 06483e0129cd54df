//! Messages of the MongoDB wire protocol: their headers, and the documents in them.

use std::ops::Range;

use crate::content::bson;
use crate::content::coding::{Coding, Decoder};
use crate::model::limits;
use crate::proto::cursor::Cursor;

/// Bytes of a header.
pub(super) const HEADER: usize = 16;

/// Longest message a server takes (`maxMessageSizeBytes`), with some air.
const LONGEST: u32 = 64 << 20;

const REPLY: u32 = 1;
const UPDATE: u32 = 2001;
const INSERT: u32 = 2002;
const QUERY: u32 = 2004;
const GET_MORE: u32 = 2005;
const DELETE: u32 = 2006;
const KILL_CURSORS: u32 = 2007;
const COMMAND: u32 = 2010;
const COMMAND_REPLY: u32 = 2011;
const COMPRESSED: u32 = 2012;
const MESSAGE: u32 = 2013;

/// The flags of an `OP_MSG` that exist: a checksum follows, more to come, exhaust allowed.
const FLAGS: u32 = 0x1_0003;
const CHECKSUM: u32 = 1;

/// The head of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Of the whole message.
    pub(super) length: usize,
    pub(super) id: u32,
    pub(super) answers: u32,
    operation: u32,
}

/// What the first bytes of a message are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// Not of this protocol.
    No,
    /// Too few to tell.
    Short,
    /// A message.
    Whole,
}

/// Whether bytes begin a message.
pub(super) fn fit(bytes: &[u8]) -> Fit {
    let Some(header) = Header::read(bytes) else {
        return if bytes.len() < HEADER && may_become(bytes) { Fit::Short } else { Fit::No };
    };
    match begins(header.operation, bytes.get(HEADER..).unwrap_or_default()) {
        Some(true) => Fit::Whole,
        Some(false) => Fit::No,
        None if header.length > bytes.len() => Fit::Short,
        None => Fit::No,
    }
}

/// Whether a few bytes may be the start of a header: of a message that is not too long.
fn may_become(bytes: &[u8]) -> bool {
    match bytes.first_chunk() {
        Some(length) => (HEADER as u32 + 1..=LONGEST).contains(&u32::from_le_bytes(*length)),
        None => true,
    }
}

/// Whether a body of this operation begins so; `None` where it is too short to tell.
fn begins(operation: u32, body: &[u8]) -> Option<bool> {
    let mut cursor = Cursor::new(body);
    match operation {
        MESSAGE => {
            let flags = cursor.u32_le()?;
            if flags & !FLAGS != 0 {
                return Some(false);
            }
            match cursor.u8()? {
                0 => bson::begins(cursor.rest()),
                1 => {
                    let length = cursor.u32_le()?;
                    let name = cursor.peek()?;
                    Some(length < LONGEST && name.is_ascii_alphabetic())
                }
                _ => Some(false),
            }
        }
        QUERY | GET_MORE | INSERT | UPDATE | DELETE => {
            let flags = cursor.u32_le()?;
            if flags > 0xff {
                return Some(false);
            }
            let text = cursor.rest();
            match memchr::memchr(0, text.get(..256).unwrap_or(text)) {
                // `database.collection`
                Some(end) => Some(text.get(..end).is_some_and(|n| n.contains(&b'.') && n.is_ascii())),
                None if text.len() < 256 && text.is_ascii() => None,
                None => Some(false),
            }
        }
        REPLY => {
            let flags = cursor.u32_le()?;
            cursor.skip(12)?;
            let count = cursor.u32_le()?;
            if flags > 0xf || count > 1_000_000 {
                return Some(false);
            }
            if count == 0 { Some(true) } else { bson::begins(cursor.rest()) }
        }
        COMPRESSED => {
            let original = cursor.u32_le()?;
            let size = cursor.u32_le()?;
            let by = cursor.u8()?;
            Some(known(original) && original != COMPRESSED && size <= LONGEST && by <= 3)
        }
        COMMAND | COMMAND_REPLY | KILL_CURSORS => Some(true),
        _ => Some(false),
    }
}

const fn known(operation: u32) -> bool {
    matches!(operation, REPLY | UPDATE | INSERT | QUERY..=KILL_CURSORS | COMMAND..=MESSAGE)
}

impl Header {
    /// The head of the message that the bytes begin.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let (length, id) = (cursor.u32_le()?, cursor.u32_le()?);
        let (answers, operation) = (cursor.u32_le()?, cursor.u32_le()?);
        let fits = length > HEADER as u32 && length <= LONGEST && known(operation);
        fits.then_some(Self { length: length as usize, id, answers, operation })
    }

    /// Takes a message's body apart. `body` may be cut.
    pub(super) fn body<'a>(&self, body: &'a [u8], unpacked: &'a mut Vec<u8>) -> Option<Body<'a>> {
        if self.operation != COMPRESSED {
            return Some(Body { operation: self.operation, bytes: body });
        }
        let mut cursor = Cursor::new(body);
        let (operation, size) = (cursor.u32_le()?, cursor.u32_le()?);
        let room = limits::PENDING_BYTES.min(size as usize);
        let by = cursor.u8()?;
        let packed = cursor.rest();
        match by {
            0 => return Some(Body { operation, bytes: packed }),
            1 => snappy(packed, room, unpacked)?,
            2 | 3 => {
                let coding = if by == 2 { Coding::Deflate } else { Coding::Zstd };
                let mut decoder = Decoder::new(std::iter::once(coding));
                decoder.decode(packed, unpacked, room);
                let left = room.saturating_sub(unpacked.len());
                decoder.finish(unpacked, left);
            }
            _ => return None,
        }
        Some(Body { operation, bytes: unpacked })
    }
}

/// The raw format has its length in front, and a decoder that wants all of it at once.
fn snappy(packed: &[u8], room: usize, unpacked: &mut Vec<u8>) -> Option<()> {
    let length = snap::raw::decompress_len(packed).ok().filter(|length| *length <= room)?;
    unpacked.resize(length, 0);
    snap::raw::Decoder::new().decompress(packed, unpacked).ok().map(|_| ())
}

/// The body of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Body<'a> {
    operation: u32,
    bytes: &'a [u8],
}

impl<'a> Body<'a> {
    /// The documents of the message: the first holds the command or its answer.
    pub(super) fn documents(&self) -> Vec<Document<'a>> {
        let mut found = Vec::new();
        let _ = self.collect(&mut found);
        found
    }

    fn collect(&self, found: &mut Vec<Document<'a>>) -> Option<()> {
        let mut cursor = Cursor::new(self.bytes);
        match self.operation {
            MESSAGE => {
                let flags = cursor.u32_le()?;
                let end = if flags & CHECKSUM == 0 { 0 } else { 4 };
                while cursor.rest().len() > end {
                    match cursor.u8()? {
                        0 => take(&mut cursor, "", found)?,
                        1 => {
                            let length = (cursor.u32_le()? as usize).checked_sub(4)?;
                            let mut section = Cursor::new(cursor.rest().get(..length).unwrap_or(cursor.rest()));
                            let name = std::str::from_utf8(section.c_string()?).unwrap_or_default();
                            while take(&mut section, name, found).is_some() {}
                            cursor.skip(length)?;
                        }
                        _ => return None,
                    }
                }
            }
            QUERY => {
                cursor.u32_le()?;
                cursor.c_string()?;
                cursor.skip(8)?;
                while take(&mut cursor, "", found).is_some() {}
            }
            REPLY => {
                cursor.skip(20)?;
                while take(&mut cursor, "", found).is_some() {}
            }
            INSERT => {
                cursor.u32_le()?;
                cursor.c_string()?;
                while take(&mut cursor, "documents", found).is_some() {}
            }
            UPDATE | DELETE => {
                cursor.u32_le()?;
                cursor.c_string()?;
                cursor.u32_le()?;
                while take(&mut cursor, "", found).is_some() {}
            }
            COMMAND => {
                cursor.c_string()?;
                cursor.c_string()?;
                while take(&mut cursor, "", found).is_some() {}
            }
            COMMAND_REPLY => while take(&mut cursor, "", found).is_some() {},
            _ => {}
        }
        Some(())
    }
}

/// A document of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Document<'a> {
    /// What the documents of its section are: `documents`, `updates`; empty for the command itself.
    pub(super) of: &'a str,
    /// As in [`bson`].
    pub(super) bytes: &'a [u8],
}

fn take<'a>(cursor: &mut Cursor<'a>, of: &'a str, found: &mut Vec<Document<'a>>) -> Option<()> {
    let rest = cursor.rest();
    let length = bson::length(rest)?.min(rest.len());
    found.push(Document { of, bytes: cursor.take(length)? });
    Some(())
}

/// Where in the bytes a message begins, after some of them were lost.
pub(super) fn find(bytes: &[u8]) -> Result<usize, Range<usize>> {
    // The operation is the fourth number of a header.
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| rest.len() >= HEADER) {
        if rest.get(14..16) == Some(&[0, 0]) && fit(rest) == Fit::Whole {
            return Ok(at);
        }
        at += 1;
    }
    Err(0..at)
}
