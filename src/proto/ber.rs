//! The subset of BER (X.690) that LDAP and SNMP allow (RFC 4511, section 5.1; RFC 3417, section 8), and that DER is:
//! definite lengths, tags of one byte, primitive strings.

use std::fmt::Write as _;

use crate::proto::cursor::Cursor;

/// Universal tag of a number.
pub const INTEGER: u8 = 0x02;
/// Universal tag of bytes.
pub const OCTET_STRING: u8 = 0x04;
/// Universal tag of an object identifier.
pub const OBJECT_IDENTIFIER: u8 = 0x06;
/// Universal tag of a choice.
pub const ENUMERATED: u8 = 0x0a;
/// Universal tag of elements in order.
pub const SEQUENCE: u8 = 0x30;

/// Tag and length at the start of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The tag.
    pub tag: u8,
    /// Bytes of tag and length themselves.
    pub size: usize,
    /// Bytes of the content.
    pub length: usize,
}

/// What stands at the start of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// An element.
    Header(Header),
    /// Too few bytes to tell.
    More,
    /// Nothing of this subset.
    Bad,
}

/// Reads tag and length.
pub fn start(bytes: &[u8]) -> Start {
    let mut cursor = Cursor::new(bytes);
    let Some((tag, first)) = cursor.u8().zip(cursor.u8()) else { return Start::More };
    let length = match first {
        0..=0x7f => Some(usize::from(first)),
        0x81 => cursor.u8().map(usize::from),
        0x82 => cursor.u16_be().map(usize::from),
        0x83 => cursor.u24_be().map(|n| n as usize),
        0x84 => cursor.u32_be().map(|n| n as usize),
        _ => return Start::Bad,
    };
    match length {
        Some(length) => Start::Header(Header { tag, size: cursor.position(), length }),
        None => Start::More,
    }
}

/// The elements of a constructed element, or of a message.
pub struct Elements<'a>(Cursor<'a>);

impl<'a> Elements<'a> {
    /// Those of this content.
    pub const fn of(content: &'a [u8]) -> Self {
        Self(Cursor::new(content))
    }

    /// Offset from the start of the content to behind the last element read, in bytes: the content of that element ends
    /// there.
    pub const fn position(&self) -> usize {
        self.0.position()
    }

    /// The next element: its tag and its content.
    pub fn any(&mut self) -> Option<(u8, &'a [u8])> {
        let Start::Header(header) = start(self.0.rest()) else { return None };
        self.0.skip(header.size)?;
        Some((header.tag, self.0.take(header.length)?))
    }

    /// The content of the next element, which must have this tag.
    pub fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.any().filter(|(t, _)| *t == tag).map(|(_, content)| content)
    }

    /// The content of the element inside of the one that has this context-specific number, of those that are left.
    pub fn inside(&mut self, number: u8) -> Option<&'a [u8]> {
        let (_, content) = self.find(|(tag, _)| *tag == 0xa0 | number)?;
        Elements::of(content).any().map(|(_, content)| content)
    }

    /// The next element as a small number.
    pub fn number(&mut self, tag: u8) -> Option<u32> {
        let content = self.expect(tag)?;
        let small = (1..=4).contains(&content.len());
        small.then(|| content.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)))
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        self.any()
    }
}

/// The content of an object identifier as it is usually written, `1.3.6.1`; empty where it is malformed (X.690,
/// section 8.19).
pub fn dotted(content: &[u8]) -> String {
    let mut text = String::new();
    let mut arc = 0u64;
    for byte in content {
        arc = (arc & u64::MAX >> 7) << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 != 0 {
            continue;
        }
        // Writing to a string cannot fail.
        let _ = if text.is_empty() {
            let root = (arc / 40).min(2);
            write!(text, "{root}.{}", arc - root * 40)
        } else {
            write!(text, ".{arc}")
        };
        arc = 0;
    }
    if content.last().is_some_and(|byte| byte & 0x80 == 0) { text } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_written_with_dots() {
        assert_eq!(dotted(&[0x2b, 6, 1, 4, 1, 0xbf, 8]), "1.3.6.1.4.1.8072");
        assert_eq!(dotted(&[0x88, 0x37, 3]), "2.999.3");
        assert_eq!(dotted(&[0x2b, 0x86]), "");
        assert_eq!(dotted(&[]), "");
        assert_eq!(dotted(&[&[0xff; 40][..], &[1]].concat()).len(), 22);
    }

    #[test]
    fn an_element_ends_at_the_position_behind_it() {
        let bytes = [0x02, 1, 7, 0x04, 2, b'a', b'b'];
        let mut elements = Elements::of(&bytes);
        elements.any();
        assert_eq!(elements.position(), 3);
        let content = elements.expect(OCTET_STRING).expect("it is there");
        assert_eq!(&bytes[elements.position() - content.len()..elements.position()], b"ab");
    }

    #[test]
    fn lengths_come_short_and_long() {
        let header = |size, length| Start::Header(Header { tag: SEQUENCE, size, length });
        assert_eq!(start(&[0x30, 0x0c]), header(2, 12));
        assert_eq!(start(&[0x30, 0x84, 0, 0, 1, 0]), header(6, 256));
        assert_eq!(start(&[0x30, 0x84, 0, 0]), Start::More);
        assert_eq!(start(&[0x30, 0x80]), Start::Bad);
    }

    #[test]
    fn an_element_that_is_cut_off_is_none() {
        let mut elements = Elements::of(&[0x02, 1, 7, 0x04, 5, b'a']);
        assert_eq!(elements.number(INTEGER), Some(7));
        assert_eq!(elements.any(), None);
    }
}
