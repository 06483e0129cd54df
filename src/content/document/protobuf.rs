//! Protocol buffers (protobuf.dev, "Encoding"): values have numbers and no names. What is text is said
//! without a name; a value that reads as a message is one, unless it reads as text.

use crate::content::bytes::Bytes;
use crate::content::tree::Tree;

/// Messages inside of messages that are followed.
const NESTING: usize = 16;

/// Gives the text of a message to a tree.
pub(super) fn walk(bytes: &[u8], tree: &mut Tree<'_>) {
    let _ = message(Bytes(bytes), tree, NESTING);
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
                match () {
                    () if is_text(value) => tree.value("", value),
                    () if depth == 0 || !fits(value) => {}
                    () => match named(value) {
                        Some((name, value)) => {
                            tree.value("", name.as_bytes());
                            tree.value(name, value);
                        }
                        None => _ = message(Bytes(value), tree, depth - 1),
                    },
                }
            }
            5 => _ = reader.take(4)?,
            _ => return None,
        }
    }
    Some(())
}

/// The two texts of a message that has them as its fields 1 and 2, and no other text, bytes or messages.
pub fn two_texts(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (mut texts, mut others) = ([None, None], false);
    fields(bytes, |number, value| {
        let place = usize::try_from(number).ok().and_then(|n| texts.get_mut(n.checked_sub(1)?));
        match place {
            Some(place @ None) if is_text(value) && !value.is_empty() => *place = Some(value),
            _ => others = true,
        }
    })?;
    let [first, second] = texts;
    first.zip(second).filter(|_| !others)
}

/// Name and value of an entry of a map, or of an attribute that is made like one: 1 is a name, 2 is text, or a
/// message that is nothing but text.
fn named(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (name, value) = match two_texts(bytes) {
        Some(both) => both,
        None => {
            let (mut parts, mut others) = ([None, None], false);
            fields(bytes, |number, value| match (number, &mut parts) {
                (1, [name @ None, _]) if is_text(value) => *name = Some(value),
                (2, [_, inner @ None]) => *inner = Some(value),
                _ => others = true,
            })?;
            let (name, inner) = parts.first().copied().flatten().zip(parts.get(1).copied().flatten())?;
            let mut text = None;
            fields(inner, |number, value| match text {
                None if number == 1 && is_text(value) => text = Some(value),
                _ => others = true,
            })?;
            (name, text.filter(|_| !others)?)
        }
    };
    super::is_name(name).then_some(())?;
    Some((std::str::from_utf8(name).ok()?, value))
}

/// Whether bytes are text. A message whose field 1 is text looks like text that begins with an empty line.
fn is_text(bytes: &[u8]) -> bool {
    let text = std::str::from_utf8(bytes);
    text.is_ok_and(|text| !text.contains(|c: char| c.is_control() && !c.is_whitespace()))
        && !(bytes.starts_with(b"\n") && fits(bytes))
}

/// Whether all of the bytes are the fields of a message.
fn fits(bytes: &[u8]) -> bool {
    fields(bytes, |_, _| {}).is_some()
}

/// Goes through the fields of a message, of which those are told that have a length: number and bytes.
/// `None` where the bytes are no message.
fn fields<'a>(bytes: &'a [u8], mut tell: impl FnMut(u64, &'a [u8])) -> Option<()> {
    let mut reader = Bytes(bytes);
    while !reader.0.is_empty() {
        let key = varint(&mut reader).filter(|key| *key >> 3 != 0)?;
        match key & 7 {
            0 => _ = varint(&mut reader)?,
            1 => _ = reader.take(8)?,
            2 => {
                let length = usize::try_from(varint(&mut reader)?).ok()?;
                tell(key >> 3, reader.take(length)?);
            }
            5 => _ = reader.take(4)?,
            _ => return None,
        }
    }
    Some(())
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
    }

    /// A field that has a length.
    fn field(number: u8, value: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, value.len() as u8], value].concat()
    }

    #[test]
    fn entries_of_maps_and_attributes_have_names() {
        let entry = |value: &[u8]| field(7, &[field(1, b"db.password"), field(2, value)].concat());
        assert_eq!(said(|tree| walk(&entry(b"s3cret-value"), tree)), ["=db.password", "db.password=s3cret-value"]);
        assert_eq!(said(|tree| walk(&entry(&field(1, b"any-value")), tree)), ["=db.password", "db.password=any-value"]);
        let words = field(7, &[field(1, b"two words, no name"), field(2, b"else")].concat());
        assert_eq!(said(|tree| walk(&words, tree)), ["=two words, no name", "=else"]);
    }

    #[test]
    fn two_texts_are_all_there_is() {
        let both = [field(1, b"eva"), field(2, b"secret")].concat();
        assert_eq!(two_texts(&both), Some((&b"eva"[..], &b"secret"[..])));
        assert_eq!(two_texts(&[both.as_slice(), b"\x18\x01"].concat()), Some((&b"eva"[..], &b"secret"[..])));
        assert_eq!(two_texts(&[both, field(3, b"more")].concat()), None);
        assert_eq!(two_texts(&field(2, b"secret")), None);
    }

    #[test]
    fn cut_messages_end() {
        for cut in 0..MESSAGE.len() {
            let _ = said(|tree| walk(&MESSAGE[..cut], tree));
            let _ = said(|tree| walk(&MESSAGE[cut..], tree));
        }
    }
}
