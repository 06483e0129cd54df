//! MessagePack (github.com/msgpack/msgpack, `spec.md`). Works on messages that are cut anywhere.

use crate::content::bytes::Bytes;
use crate::content::tree::Tree;

/// Elements that are read of one message.
const ELEMENTS: usize = 1 << 16;

/// Nesting that is read; [`Tree`] has a limit of its own, for what is named.
const NESTING: usize = 64;

/// A value, or the head of a container.
enum Item<'a> {
    Array(usize),
    Map(usize),
    Text(&'a [u8]),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Other,
}

/// Whether bytes begin a map of more than nothing whose first two keys are text that reads like names, or an
/// array of such maps.
pub(super) fn begins(bytes: &[u8]) -> bool {
    let mut reader = Bytes(bytes);
    let mut item = item(&mut reader);
    if let Some(Item::Array(1..)) = item {
        item = self::item(&mut reader);
    }
    matches!(item, Some(Item::Map(1..)))
        && match self::item(&mut reader) {
            Some(Item::Text(key)) => super::is_name(key),
            _ => false,
        }
        && self::item(&mut reader).is_some()
}

/// Gives the values of all messages to a tree.
pub(super) fn walk(bytes: &[u8], tree: &mut Tree<'_>) {
    let mut reader = Bytes(bytes);
    let mut left = ELEMENTS;
    while value(&mut reader, "", tree, 0, &mut left).is_some() {}
}

fn value(reader: &mut Bytes<'_>, name: &str, tree: &mut Tree<'_>, depth: usize, left: &mut usize) -> Option<()> {
    *left = left.checked_sub(1)?;
    match item(reader)? {
        Item::Text(text) => tree.value(name, text),
        Item::Signed(number) => tree.number(name, number.into()),
        Item::Unsigned(number) => tree.number(name, number.into()),
        Item::Float(number) => tree.float(name, number),
        Item::Other => {}
        _ if depth >= NESTING => return None,
        Item::Array(count) => {
            let inside = tree.enter(name, true);
            let whole = (0..count).try_for_each(|_| value(reader, "", tree, depth + 1, left));
            if inside {
                tree.leave();
            }
            whole?;
        }
        Item::Map(count) => {
            let inside = tree.enter(name, false);
            let whole = (0..count).try_for_each(|_| {
                let key = match item(reader)? {
                    Item::Text(text) => String::from_utf8_lossy(text).into_owned(),
                    Item::Signed(number) => number.to_string(),
                    Item::Unsigned(number) => number.to_string(),
                    _ => String::new(),
                };
                value(reader, &key, tree, depth + 1, left)
            });
            if inside {
                tree.leave();
            }
            whole?;
        }
    }
    Some(())
}

fn item<'a>(reader: &mut Bytes<'a>) -> Option<Item<'a>> {
    let head = reader.u8()?;
    let mut count = |bytes: usize| reader.number_be(bytes).and_then(|n| usize::try_from(n).ok());
    Some(match head {
        0x00..=0x7f => Item::Unsigned(head.into()),
        0x80..=0x8f => Item::Map(usize::from(head & 0x0f)),
        0x90..=0x9f => Item::Array(usize::from(head & 0x0f)),
        0xa0..=0xbf => Item::Text(reader.take(usize::from(head & 0x1f))?),
        0xc4 | 0xd9 => {
            let length = count(1)?;
            Item::Text(reader.take(length)?)
        }
        0xc5 | 0xda => {
            let length = count(2)?;
            Item::Text(reader.take(length)?)
        }
        0xc6 | 0xdb => {
            let length = count(4)?;
            Item::Text(reader.take(length)?)
        }
        0xc7..=0xc9 => {
            let length = count(1 << (head - 0xc7))?;
            reader.take(length + 1)?;
            Item::Other
        }
        0xca => Item::Float(f32::from_bits(u32::try_from(reader.number_be(4)?).ok()?).into()),
        0xcb => Item::Float(f64::from_bits(reader.number_be(8)?)),
        0xcc..=0xcf => Item::Unsigned(reader.number_be(1 << (head - 0xcc))?),
        0xd0..=0xd3 => {
            let bytes = 1 << (head - 0xd0);
            let shift = 64 - 8 * bytes as u32;
            Item::Signed((reader.number_be(bytes)? << shift) as i64 >> shift)
        }
        0xd4..=0xd8 => {
            reader.take((1 << (head - 0xd4)) + 1)?;
            Item::Other
        }
        0xdc => Item::Array(count(2)?),
        0xdd => Item::Array(count(4)?),
        0xde => Item::Map(count(2)?),
        0xdf => Item::Map(count(4)?),
        0xc0..=0xc3 => Item::Other,
        0xe0..=0xff => Item::Signed(i64::from(head as i8)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::tree::tests::said;

    /// `{"user": "bob", "cards": [{"pan": 4111111111111111}], "ok": true, "n": -5}`.
    const MESSAGE: &[u8] =
        b"\x84\xa4user\xa3bob\xa5cards\x91\x81\xa3pan\xcf\x00\x0e\x9b\x08\xa5\x68\xf1\xc7\xa2ok\xc3\xa1n\xfb";

    #[test]
    fn a_message_gives_its_values_by_path() {
        assert!(begins(MESSAGE));
        assert_eq!(said(|tree| walk(MESSAGE, tree)), ["cards[].pan=4111111111111111 of bob", "user=bob"]);
    }

    #[test]
    fn cut_or_hostile_messages_end() {
        for cut in 0..MESSAGE.len() {
            let _ = said(|tree| walk(&MESSAGE[..cut], tree));
        }
        let _ = said(|tree| walk(&[0x91; 5000], tree));
        let _ = said(|tree| walk(b"\xdf\xff\xff\xff\xff\xa1", tree));
    }
}
