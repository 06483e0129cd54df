//! The header fields of one block, decoded.

use std::ops::Range;

use super::hpack;
use crate::content::header::Header;
use crate::model::limits;
use crate::model::stream::{Gathered, Stretch};

/// Fields as they stand one after the other in `data`, with the packets they were read from.
#[derive(Debug, Default)]
pub(super) struct Fields {
    data: Gathered,
    /// Name and value of each.
    places: Vec<(Range<usize>, Range<usize>)>,
    /// How many are not known.
    pub(super) unknown: usize,
    /// The block could not be read to its end.
    pub(super) broken: bool,
}

impl Fields {
    /// Reads a block.
    pub(super) fn read(block: Stretch<'_>, decoder: &mut hpack::Decoder) -> Self {
        let mut fields = Self::default();
        let whole = decoder.read(block.bytes, |field| {
            let Some(value) = field.value else {
                fields.unknown += 1;
                return;
            };
            // A few bytes may refer to long fields a thousand times.
            if fields.data.len() + field.name.len() + value.len() > limits::HEAD_BYTES {
                return;
            }
            let mark = block.mark(field.at);
            let start = fields.data.len();
            fields.data.push(field.name, mark);
            let middle = fields.data.len();
            fields.data.push(value, mark);
            fields.places.push((start..middle, middle..fields.data.len()));
        });
        fields.broken = whole.is_none();
        fields
    }

    /// Where they stand.
    pub(super) fn data(&self) -> Stretch<'_> {
        self.data.stretch()
    }

    /// The field of this name.
    pub(super) fn find(&self, name: &str) -> Option<Header<'_>> {
        self.all().find(|header| header.name == name.as_bytes())
    }

    /// The headers of the message. The server's name is called as in HTTP/1.
    pub(super) fn headers(&self) -> impl Iterator<Item = Header<'_>> {
        self.all().filter_map(|header| match header.name {
            b":authority" => Some(Header { name: b"host", ..header }),
            [b':', ..] => None,
            _ => Some(header),
        })
    }

    fn all(&self) -> impl Iterator<Item = Header<'_>> {
        let bytes = self.data.stretch().bytes;
        self.places.iter().filter_map(|(name, value)| {
            Some(Header { name: bytes.get(name.clone())?, value: bytes.get(value.clone())?, at: value.start })
        })
    }
}
