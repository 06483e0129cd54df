//! BSON (bsonspec.org, version 1.1), as MongoDB stores and sends documents. Works on documents that are
//! cut anywhere.

use super::tree::Tree;

/// Shortest document: its length and its end.
const SHORTEST: usize = 5;

/// A text of which this much is here is read although it is cut.
const LONG: usize = 1024;

/// Longest name of an element that is believed.
const NAME: usize = 128;

/// Whether bytes begin a document: its length, then an element of a known type with a name that ends.
/// `None` where there are too few to tell.
pub fn begins(bytes: &[u8]) -> Option<bool> {
    let (kind, name) = bytes.get(4..)?.split_first()?;
    let Some(length) = length(bytes) else { return Some(false) };
    if *kind == 0 {
        return Some(length == SHORTEST);
    }
    let name = name.get(..NAME).unwrap_or(name);
    let end = memchr::memchr(0, name);
    let text = name.get(..end.unwrap_or(name.len()))?;
    let fits = matches!(kind, 1..=0x13 | 0x7f | 0xff) && length >= SHORTEST + 2 && text.iter().all(|b| *b >= 0x20);
    match end {
        None if fits && name.len() < NAME => None,
        _ => Some(fits && end.is_some()),
    }
}

/// The length of the document that the bytes begin.
pub fn length(bytes: &[u8]) -> Option<usize> {
    let length = i32::from_le_bytes(*bytes.first_chunk()?);
    usize::try_from(length).ok().filter(|length| *length >= SHORTEST)
}

/// Gives the values of a document to a tree.
pub fn walk(bytes: &[u8], tree: &mut Tree<'_>) {
    let length = length(bytes).unwrap_or(0).min(bytes.len());
    let mut reader = Reader { rest: bytes.get(4..length).unwrap_or_default() };
    let _ = reader.elements(tree, false);
}

/// The values at the top level of a document: name and value, for those who look for a few.
pub fn top(bytes: &[u8]) -> impl Iterator<Item = (&str, Value<'_>)> {
    let length = length(bytes).unwrap_or(0).min(bytes.len());
    let mut reader = Reader { rest: bytes.get(4..length).unwrap_or_default() };
    std::iter::from_fn(move || reader.element())
}

/// A value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Bytes of any kind.
    Binary(&'a [u8]),
    /// An object.
    Document(&'a [u8]),
    /// An array: a document whose names are numbers.
    Array(&'a [u8]),
    /// A number with a fraction.
    Double(f64),
    /// A whole number.
    Integer(i64),
    /// True or false.
    Boolean(bool),
    /// Text.
    Text(&'a [u8]),
    /// What holds nothing to read: null, identifiers, times, decimals.
    Other,
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn elements(&mut self, tree: &mut Tree<'_>, array: bool) -> Option<()> {
        loop {
            let (name, value) = self.element()?;
            let name = if array { "" } else { name };
            match value {
                Value::Binary(bytes) | Value::Text(bytes) => tree.value(name, bytes),
                Value::Integer(number) => tree.number(name, number.into()),
                Value::Double(number) => tree.float(name, number),
                Value::Document(inner) | Value::Array(inner) => {
                    let array = matches!(value, Value::Array(_));
                    if tree.enter(name, array) {
                        let _ = Reader { rest: inner.get(4..).unwrap_or_default() }.elements(tree, array);
                        tree.leave();
                    }
                }
                Value::Boolean(_) | Value::Other => {}
            }
        }
    }

    fn element(&mut self) -> Option<(&'a str, Value<'a>)> {
        let kind = *self.take(1)?.first()?;
        if kind == 0 {
            return None;
        }
        let name = self.c_string()?;
        let name = std::str::from_utf8(name).unwrap_or_default();
        let value = match kind {
            0x01 => Value::Double(f64::from_le_bytes(*self.take(8)?.first_chunk()?)),
            0x02 | 0x0d | 0x0e => {
                let text = self.counted()?;
                Value::Text(text.strip_suffix(b"\0").unwrap_or(text))
            }
            0x03 => Value::Document(self.document()?),
            0x04 => Value::Array(self.document()?),
            0x05 => {
                let length = self.length()?;
                self.take(1)?;
                Value::Binary(self.at_most(length))
            }
            0x06 | 0x0a | 0x7f | 0xff => Value::Other,
            0x07 => self.pass(12)?,
            0x08 => Value::Boolean(self.take(1)?.first() == Some(&1)),
            0x09 | 0x11 => self.pass(8)?,
            0x0b => {
                let pattern = self.c_string()?;
                self.c_string()?;
                Value::Text(pattern)
            }
            0x0c => {
                self.counted()?;
                self.pass(12)?
            }
            0x0f => {
                let total = self.length()?.checked_sub(4)?;
                self.at_most(total);
                Value::Other
            }
            0x10 => Value::Integer(i32::from_le_bytes(*self.take(4)?.first_chunk()?).into()),
            0x12 => Value::Integer(i64::from_le_bytes(*self.take(8)?.first_chunk()?)),
            0x13 => self.pass(16)?,
            _ => return None,
        };
        Some((name, value))
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    /// As much of a value as there is.
    fn at_most(&mut self, count: usize) -> &'a [u8] {
        let count = count.min(self.rest.len());
        self.take(count).unwrap_or_default()
    }

    fn pass(&mut self, count: usize) -> Option<Value<'a>> {
        self.take(count).map(|_| Value::Other)
    }

    fn length(&mut self) -> Option<usize> {
        usize::try_from(i32::from_le_bytes(*self.take(4)?.first_chunk()?)).ok()
    }

    fn counted(&mut self) -> Option<&'a [u8]> {
        let length = self.length()?;
        // Half an address is none; of a long text the first half is worth reading.
        if length > self.rest.len() && self.rest.len() < LONG {
            return None;
        }
        Some(self.at_most(length))
    }

    fn document(&mut self) -> Option<&'a [u8]> {
        let length = length(self.rest)?;
        Some(self.at_most(length))
    }

    fn c_string(&mut self) -> Option<&'a [u8]> {
        let end = memchr::memchr(0, self.rest)?;
        let text = self.take(end)?;
        self.take(1)?;
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::tree::tests::said;

    /// `{insert: "users", documents: [{email: "a@b.example", card: 4111111111111111, ok: true}], n: 7}`.
    fn document() -> Vec<u8> {
        let inner = [
            b"\x02email\0\x0c\0\0\0a@b.example\0\x12card\0".as_slice(),
            &4_111_111_111_111_111_i64.to_le_bytes(),
            b"\x08ok\0\x01\0",
        ]
        .concat();
        let wrap = |content: &[u8]| [&(content.len() as u32 + 4).to_le_bytes(), content].concat();
        let array = wrap(&[b"\x030\0".as_slice(), &wrap(&inner), b"\0"].concat());
        let body = [b"\x02insert\0\x06\0\0\0users\0\x04documents\0".as_slice(), &array, b"\x10n\0\x07\0\0\0\0"];
        wrap(&body.concat())
    }

    #[test]
    fn a_document_gives_its_values_by_path() {
        assert_eq!(begins(&document()), Some(true));
        assert_eq!(
            said(|tree| walk(&document(), tree)),
            ["documents[].email=a@b.example", "documents[].card=4111111111111111 of a@b.example", "insert=users",]
        );
        assert_eq!(top(&document()).last(), Some(("n", Value::Integer(7))));
    }

    #[test]
    fn a_cut_document_gives_what_it_has() {
        let whole = document();
        for cut in 0..whole.len() {
            let lines = said(|tree| walk(&whole[..cut], tree));
            assert!(lines.len() <= 3, "{lines:?}");
        }
        assert_eq!(said(|tree| walk(&whole[..72], tree)), ["documents[].email=a@b.example", "insert=users"]);
    }

    #[test]
    fn other_binary_content_is_no_document() {
        for bytes in [b"\x10\0\0\0\x40name\0".as_slice(), b"\x05\0\0\0\x02", b"\xff\xff\xff\xff\x02a\0"] {
            assert_eq!(begins(bytes), Some(false), "{bytes:?}");
        }
        assert_eq!(begins(b"\x10\0\0\0\x02na"), None);
    }
}
