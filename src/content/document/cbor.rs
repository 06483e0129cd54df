//! CBOR (RFC 8949). Works on items that are cut anywhere.

use crate::content::bytes::Bytes;
use crate::content::tree::Tree;

/// Elements that are read of one message.
const ELEMENTS: usize = 1 << 16;

/// Nesting that is read; [`Tree`] has a limit of its own, for what is named.
const NESTING: usize = 64;

/// The head of an item: major type and argument; `None` for an indefinite length.
type Head = (u8, Option<u64>);

const UNSIGNED: u8 = 0;
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;
const SIMPLE: u8 = 7;

/// Whether bytes begin a map whose first key is text that reads like a name, or an array of such maps.
pub(super) fn begins(bytes: &[u8]) -> bool {
    let mut reader = Bytes(bytes);
    let mut next = || loop {
        match head(&mut reader)? {
            (TAG, Some(_)) => {}
            (TEXT, Some(length)) => return Some((TEXT, reader.take(usize::try_from(length).ok()?)?)),
            (kind, argument) => return (argument != Some(0)).then_some((kind, &b""[..])),
        }
    };
    let mut first = next();
    if let Some((ARRAY, _)) = first {
        first = next();
    }
    matches!(first, Some((MAP, _))) && matches!(next(), Some((TEXT, key)) if super::is_name(key))
}

/// Gives the values of all items to a tree.
pub(super) fn walk(bytes: &[u8], tree: &mut Tree<'_>) {
    let mut walk = Walk { reader: Bytes(bytes), left: ELEMENTS };
    while walk.value("", tree, 0) == Some(true) {}
}

struct Walk<'a> {
    reader: Bytes<'a>,
    left: usize,
}

impl<'a> Walk<'a> {
    /// Reads an item. `Some(false)`: it was the end of a container of indefinite length.
    fn value(&mut self, name: &str, tree: &mut Tree<'_>, depth: usize) -> Option<bool> {
        self.left = self.left.checked_sub(1)?;
        match head(&mut self.reader)? {
            (UNSIGNED, Some(number)) => tree.number(name, number.into()),
            (NEGATIVE, Some(number)) => tree.number(name, -1 - i128::from(number)),
            (kind @ (BYTES | TEXT), length) => tree.value(name, &self.run(kind, length)?),
            (TAG, Some(_)) if depth < NESTING => return self.value(name, tree, depth + 1),
            (SIMPLE, None) => return Some(false),
            (SIMPLE, Some(_)) => {}
            (ARRAY | MAP | TAG, _) if depth >= NESTING => return None,
            (kind, length) => {
                let inside = tree.enter(name, kind == ARRAY);
                let whole = self.inside(kind == MAP, length, tree, depth + 1);
                if inside {
                    tree.leave();
                }
                whole?;
            }
        }
        Some(true)
    }

    fn inside(&mut self, map: bool, length: Option<u64>, tree: &mut Tree<'_>, depth: usize) -> Option<()> {
        let mut left = length.unwrap_or(u64::MAX);
        while left > 0 {
            left -= 1;
            let key = if map {
                match self.key()? {
                    Some(key) => key,
                    None => break,
                }
            } else {
                String::new()
            };
            if !self.value(&key, tree, depth)? {
                break;
            }
        }
        Some(())
    }

    /// A key of a map; `Some(None)` is the end of it.
    fn key(&mut self) -> Option<Option<String>> {
        Some(Some(match head(&mut self.reader)? {
            (UNSIGNED, Some(number)) => number.to_string(),
            (NEGATIVE, Some(number)) => (-1 - i128::from(number)).to_string(),
            (kind @ (BYTES | TEXT), length) => String::from_utf8_lossy(&self.run(kind, length)?).into_owned(),
            (SIMPLE, None) => return Some(None),
            _ => return None,
        }))
    }

    /// A string, or the chunks of one.
    fn run(&mut self, kind: u8, length: Option<u64>) -> Option<Vec<u8>> {
        if let Some(length) = length {
            return self.reader.take(usize::try_from(length).ok()?).map(<[u8]>::to_vec);
        }
        let mut joined = Vec::new();
        loop {
            match head(&mut self.reader)? {
                (own, Some(length)) if own == kind => {
                    joined.extend_from_slice(self.reader.take(usize::try_from(length).ok()?)?);
                }
                _ => return Some(joined),
            }
        }
    }
}

fn head(reader: &mut Bytes<'_>) -> Option<Head> {
    let first = reader.u8()?;
    let argument = match first & 0x1f {
        short @ 0..=23 => Some(u64::from(short)),
        long @ 24..=27 => Some(reader.number_be(1 << (long - 24))?),
        31 => None,
        _ => return None,
    };
    Some((first >> 5, argument))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::tree::tests::said;

    /// `{"user": "bob", "cards": [_ {"pan": 4111111111111111}], "ok": true, 1: -500}`, tagged.
    const MESSAGE: &[u8] = b"\xd9\xd9\xf7\xa4\x64user\x63bob\x65cards\x9f\xa1\x63pan\x1b\x00\x0e\x9b\x08\xa5\x68\xf1\xc7\xff\x62ok\xf5\x01\x39\x01\xf3";

    #[test]
    fn a_message_gives_its_values_by_path() {
        assert!(begins(MESSAGE));
        let said = said(|tree| walk(MESSAGE, tree));
        assert_eq!(said, ["cards[].pan=4111111111111111 of bob", "user=bob", "1=-500 of bob"]);
    }

    #[test]
    fn cut_or_hostile_messages_end() {
        for cut in 0..MESSAGE.len() {
            let _ = said(|tree| walk(&MESSAGE[..cut], tree));
        }
        let _ = said(|tree| walk(&[0x81; 5000], tree));
        let _ = said(|tree| walk(&[0xc1; 5000], tree));
        let _ = said(|tree| walk(b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff\x61a", tree));
    }
}
