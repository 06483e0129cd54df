//! Files and messages that are not text as they travel and hold text: archives, office documents, PDF,
//! binary trees of values. What is inside goes to the rules as fields and text; the rest is counted.

mod archive;
mod cbor;
mod msgpack;
mod office;
mod packed;
mod pdf;
pub mod protobuf;
#[cfg(test)]
mod tests;
mod xml;

use std::ops::Range;

pub use packed::Packing;

use super::carrier::Carrier;
use super::charset::Charset;
use super::coding::{Coding, Decoder};
use super::tree::Tree;
use super::utf16::Order;
use super::{base64, bson, dicom, keys, sniff, strings, utf16};
use crate::model::event::{EventSink, FieldKind, Outcome, Skip};
use crate::model::flow::Direction;
use crate::model::limits;
use crate::model::stream::{Gathered, Stretch};

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A binary JSON document.
    Bson,
    /// Concise binary objects (RFC 8949).
    Cbor,
    /// A picture for medicine, with its patient (PS3.10).
    Dicom,
    /// A file of private keys.
    Keys,
    /// `MessagePack`.
    MessagePack,
    /// One packed file.
    Packed(Packing),
    /// Portable document format (ISO 32000).
    Pdf,
    /// Protocol buffers: values without names.
    Protobuf,
    /// Binary content of no known kind with much text in it.
    Strings,
    /// A tape archive.
    Tar,
    /// Text in UTF-16.
    Utf16(Order),
    /// Text in UTF-32.
    Utf32(Order),
    /// An archive, or an office document.
    Zip,
}

/// What half of a binary content must be for it to be searched for text.
const TEXT_SHARE: usize = 2;

/// Bytes of a file of keys that are its value: they tell one from another.
const KEY_BYTES: usize = 3 << 10;

/// Documents inside of documents that are opened.
const DEPTH: usize = 3;

impl Kind {
    /// What a subtype of `application/` says.
    pub fn of_subtype(sub: &str) -> Option<Self> {
        let suffix = sub.rsplit_once('+').map_or(sub, |(_, suffix)| suffix);
        Some(match suffix {
            "msgpack" | "x-msgpack" | "vnd.msgpack" | "messagepack" => Self::MessagePack,
            "cbor" => Self::Cbor,
            "bson" | "x-bson" => Self::Bson,
            "dicom" => Self::Dicom,
            "proto" | "protobuf" | "x-protobuf" | "vnd.google.protobuf" | "x-google-protobuf" | "protobuffer" => {
                Self::Protobuf
            }
            _ => return None,
        })
    }

    /// What the first bytes of a file give away.
    pub fn of_file(bytes: &[u8]) -> Option<Self> {
        Some(match bytes {
            [b'P', b'K', 3, 4, ..] => Self::Zip,
            [b'%', b'P', b'D', b'F', b'-', ..] => Self::Pdf,
            _ if archive::is_tar(bytes) => Self::Tar,
            _ if keys::begins(bytes) => Self::Keys,
            _ if dicom::is_file(bytes) => Self::Dicom,
            _ => {
                if let Some(packing) = Packing::of_file(bytes) {
                    return Some(Self::Packed(packing));
                }
                let wide = utf16::sniff(bytes).map(Self::Utf16);
                return wide.or_else(|| utf16::sniff_utf32(bytes).map(Self::Utf32));
            }
        })
    }

    /// As [`Kind::of_file`], or what the structure of a message shows.
    pub fn of_message(bytes: &[u8]) -> Option<Self> {
        Self::of_file(bytes).or_else(|| match () {
            () if sniff::binary(bytes).is_some() || sniff::looks_encrypted(bytes) => None,
            () if bson::begins(bytes) == Some(true) => Some(Self::Bson),
            () if msgpack::begins(bytes) => Some(Self::MessagePack),
            () if cbor::begins(bytes) => Some(Self::Cbor),
            () => {
                let text: usize = strings::runs(bytes).iter().map(|run| run.range.len()).sum();
                (text * TEXT_SHARE >= bytes.len()).then_some(Self::Strings)
            }
        })
    }
}

/// A document on its way: held until it is whole, or as much of it as is held.
#[derive(Debug)]
pub struct Document {
    kind: Kind,
    held: Gathered,
}

/// Where a document stands; as in [`Carrier`].
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// See [`Carrier::place`].
    pub place: &'a str,
    /// See [`Carrier::resource`].
    pub resource: &'a str,
    /// See [`Carrier::direction`].
    pub direction: Direction,
    /// See [`Carrier::outcome`].
    pub outcome: Outcome,
}

impl Document {
    /// A document of which nothing is here yet.
    pub fn new(kind: Kind) -> Self {
        Self { kind, held: Gathered::default() }
    }

    /// How many bytes it holds.
    pub const fn weight(&self) -> usize {
        self.held.len()
    }

    /// Takes bytes of it; gives how many it has no room for.
    pub fn push(&mut self, data: Stretch<'_>, range: Range<usize>) -> usize {
        let room = limits::DOCUMENT_BYTES.saturating_sub(self.held.len());
        let end = range.end.min(range.start.saturating_add(room));
        self.held.push_part(data, range.start..end);
        range.end - end
    }

    /// Says what is in it, as far as it is here.
    pub fn finish(self, at: Place<'_>, out: &mut dyn EventSink) {
        let data = self.held.stretch();
        if data.bytes.is_empty() {
            return;
        }
        let Place { place, resource, direction, outcome } = at;
        let carrier = Carrier { place, resource, direction, outcome, span: data.whole() };
        let mut room = limits::DOCUMENT_TEXT_BYTES;
        open(self.kind, data.bytes, &carrier, &mut room, DEPTH, out);
    }
}

/// Says what is in a document. `room` bytes may yet be unpacked.
fn open(kind: Kind, bytes: &[u8], carrier: &Carrier<'_>, room: &mut usize, depth: usize, out: &mut dyn EventSink) {
    match kind {
        Kind::Bson => tree(carrier, out, |tree| bson::walk(bytes, tree)),
        Kind::Cbor => tree(carrier, out, |tree| cbor::walk(bytes, tree)),
        Kind::MessagePack => tree(carrier, out, |tree| msgpack::walk(bytes, tree)),
        Kind::Dicom => {
            dicom::read_file(bytes, &mut |name, value| carrier.field(FieldKind::Attribute, name, value, None, out));
            carrier.skipped(Skip::Binary, bytes.len(), out);
        }
        Kind::Protobuf => tree(carrier, out, |tree| protobuf::walk(bytes, tree)),
        Kind::Keys => match keys::of_file(bytes) {
            Some(name) => {
                let start = bytes.get(..KEY_BYTES).unwrap_or(bytes);
                carrier.field(FieldKind::Attribute, name, base64::encode(start).as_bytes(), None, out);
            }
            None => carrier.skipped(Skip::Binary, bytes.len(), out),
        },
        Kind::Packed(packing) => {
            let plain = packing.open(bytes, room);
            if plain.is_empty() {
                return carrier.skipped(Skip::Coding, bytes.len(), out);
            }
            member(packing.name(carrier.resource), &plain, carrier, room, depth, out);
        }
        Kind::Pdf => pdf::read(bytes, carrier, room, out),
        Kind::Strings => {
            let mut text = Vec::new();
            let mut read = 0;
            for run in strings::runs(bytes) {
                run.read(bytes, &mut text);
                text.push(b'\n');
                read += run.range.len();
            }
            carrier.text(sniff::format(&text), &text, out);
            carrier.skipped(Skip::Binary, bytes.len() - read, out);
        }
        Kind::Tar => archive::tar(bytes, carrier, room, depth, out),
        Kind::Utf16(order) => {
            let mut text = String::new();
            utf16::decode(bytes, order, &mut text);
            carrier.text(sniff::format(text.as_bytes()), text.as_bytes(), out);
        }
        Kind::Utf32(order) => {
            let mut text = String::new();
            utf16::decode_utf32(bytes, order, &mut text);
            carrier.text(sniff::format(text.as_bytes()), text.as_bytes(), out);
        }
        Kind::Zip => archive::zip(bytes, carrier, room, depth, out),
    }
}

fn tree(carrier: &Carrier<'_>, out: &mut dyn EventSink, walk: impl FnOnce(&mut Tree<'_>)) {
    let mut tree = Tree::new(carrier, FieldKind::Json, out);
    walk(&mut tree);
    tree.finish();
}

/// Says what is in a file of an archive.
fn member(name: &str, bytes: &[u8], carrier: &Carrier<'_>, room: &mut usize, depth: usize, out: &mut dyn EventSink) {
    let carrier = Carrier { resource: name, ..*carrier };
    match Kind::of_file(bytes) {
        Some(kind) if depth > 0 => open(kind, bytes, &carrier, room, depth - 1, out),
        None if sniff::binary(bytes).is_none() && sniff::is_text(bytes) => {
            let format = sniff::format_of_name(name).unwrap_or_else(|| sniff::format(bytes));
            let charset = Charset::declared(bytes, format);
            carrier.text(format, &charset.map_or(bytes.into(), |charset| charset.read(bytes)), out);
        }
        Some(_) => carrier.skipped(Skip::Limit, bytes.len(), out),
        None => carrier.skipped(Skip::Binary, bytes.len(), out),
    }
}

/// Unpacks as much as there is room for. Gives it with how much of the input was used.
fn unpack(coding: Coding, bytes: &[u8], room: &mut usize) -> (Vec<u8>, usize) {
    let mut plain = Vec::new();
    let most = limits::DOCUMENT_BYTES.min(*room);
    let mut decoder = Decoder::new(std::iter::once(coding));
    let (used, _) = decoder.decode(bytes, &mut plain, most);
    let left = most.saturating_sub(plain.len());
    decoder.finish(&mut plain, left);
    *room -= plain.len().min(*room);
    (plain, used)
}

/// Whether the key of a map reads like a name: a word, not a piece of random bytes.
fn is_name(key: &[u8]) -> bool {
    (1..=64).contains(&key.len())
        && key
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'$' | b'@' | b' ' | b'/' | b':'))
        && key.first().is_some_and(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b'$' | b'@'))
}
