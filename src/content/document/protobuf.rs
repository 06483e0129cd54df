//! Protocol buffers (protobuf.dev, "Encoding"): values have numbers and no names. What is text is said
//! without a name; a value that reads as a message is one, unless it reads as text.

use crate::content::bytes::Bytes;
use crate::content::coding::{Coding, Decoder};
use crate::content::tree::Tree;
use crate::model::limits;

/// Messages inside of messages that are followed.
const NESTING: usize = 16;

/// Gives the text of a message to a tree.
pub(super) fn walk(bytes: &[u8], tree: &mut Tree<'_>) {
    let _ = message(Bytes(bytes), tree, NESTING);
}

/// Gives the text of gRPC's messages to a tree: each has a flag (1: packed) and its length before it.
pub(super) fn messages(bytes: &[u8], tree: &mut Tree<'_>) {
    let mut reader = Bytes(bytes);
    while let (Some(flag), Some(length)) = (reader.u8(), reader.number_be(4)) {
        let content = reader.at_most(usize::try_from(length).unwrap_or(usize::MAX));
        match flag {
            0 => walk(content, tree),
            1 => {
                let mut plain = Vec::new();
                Decoder::new(std::iter::once(Coding::Gzip)).decode(content, &mut plain, limits::DOCUMENT_BYTES);
                walk(&plain, tree);
            }
            // Trailers of gRPC-Web.
            _ => tree.value("", content),
        }
    }
}

fn message(mut reader: Bytes<'_>, tree: &mut Tree<'_>, depth: usize) -> Option<()> {
    while !reader.0.is_empty() {
        let key = varint(&mut reader)?;
        match key & 7 {
            0 => tree.number("", varint(&mut reader)?.into()),
            1 => _ = reader.take(8)?,
            2 => {
                let length = usize::try_from(varint(&mut reader)?).ok()?;
                let value = reader.at_most(length);
                match std::str::from_utf8(value) {
                    Ok(text) if !text.contains(|c: char| c.is_control() && !c.is_whitespace()) => {
                        tree.value("", value);
                    }
                    _ if depth > 0 && fits(value) => _ = message(Bytes(value), tree, depth - 1),
                    _ => {}
                }
            }
            5 => _ = reader.take(4)?,
            _ => return None,
        }
    }
    Some(())
}

/// Whether all of the bytes are the fields of a message.
fn fits(bytes: &[u8]) -> bool {
    let mut reader = Bytes(bytes);
    let mut whole = || -> Option<()> {
        while !reader.0.is_empty() {
            let key = varint(&mut reader).filter(|key| *key >> 3 != 0)?;
            match key & 7 {
                0 => _ = varint(&mut reader)?,
                1 => _ = reader.take(8)?,
                2 => {
                    let length = usize::try_from(varint(&mut reader)?).ok()?;
                    reader.take(length)?;
                }
                5 => _ = reader.take(4)?,
                _ => return None,
            }
        }
        Some(())
    };
    whole().is_some()
}

fn varint(reader: &mut Bytes<'_>) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = reader.u8()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::tree::tests::said;

    /// `1: "bob", 2: {1: "b@c.example", 3: 7}, 4: 4111111111111111`.
    const MESSAGE: &[u8] = b"\x0a\x03bob\x12\x0f\x0a\x0bb@c.example\x18\x07\x20\xc7\xe3\xa3\xab\x8a\xe1\xa6\x07";

    #[test]
    fn the_text_of_a_message_is_said_without_names() {
        assert_eq!(said(|tree| walk(MESSAGE, tree)), ["=bob", "=b@c.example", "=4111111111111111"]);
        let framed = [&[0, 0, 0, 0, MESSAGE.len() as u8], MESSAGE].concat();
        assert_eq!(said(|tree| messages(&framed, tree)).len(), 3);
    }

    #[test]
    fn cut_messages_end() {
        for cut in 0..MESSAGE.len() {
            let _ = said(|tree| walk(&MESSAGE[..cut], tree));
            let _ = said(|tree| messages(&MESSAGE[cut..], tree));
        }
    }
}
