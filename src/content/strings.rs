//! The text inside of binary messages that nobody here takes apart: runs of printable characters, in
//! UTF-8 or UTF-16.

use std::ops::Range;

use super::utf16::{self, Order};

/// Shortest run that is text, in characters.
const SHORTEST: usize = 4;

/// A run of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Where it stands.
    pub range: Range<usize>,
    /// The order of its bytes, where it is UTF-16.
    pub wide: Option<Order>,
}

impl Run {
    /// Appends what the run says.
    pub fn read(&self, bytes: &[u8], into: &mut Vec<u8>) {
        let raw = bytes.get(self.range.clone()).unwrap_or_default();
        match self.wide {
            Some(order) => {
                let mut text = String::new();
                utf16::decode(raw, order, &mut text);
                into.extend_from_slice(text.as_bytes());
            }
            None => into.extend_from_slice(raw),
        }
    }
}

/// The runs of text in binary content, in their order.
pub fn runs(bytes: &[u8]) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let rest = bytes.get(at..).unwrap_or_default();
        let (length, wide) = match rest {
            [low, 0, next, 0, ..] if graphic(*low) && graphic(*next) => (wide(rest, 0), Some(Order::Little)),
            [0, low, 0, next, ..] if graphic(*low) && graphic(*next) => {
                // A zero may end what is before, a number: then the text is in the other order.
                let little = rest.get(1..).map_or(0, |rest| wide(rest, 0));
                let big = wide(rest, 1);
                let number = at.checked_sub(1).is_some_and(|n| bytes.get(n) == Some(&0));
                if little > big || little == big && number { (0, None) } else { (big, Some(Order::Big)) }
            }
            _ if graphic(*byte) || *byte >= 0xc2 => (narrow(rest), None),
            _ => (0, None),
        };
        let units = if wide.is_some() { 2 } else { 1 };
        if length < SHORTEST * units {
            at += length.max(1);
            continue;
        }
        let end = at + length;
        // A length of one byte that looks like a letter is no part of the text that it counts.
        let counted = wide.is_none() && usize::from(*byte) == length - 1 && length > 2 * SHORTEST;
        runs.push(Run { range: at + usize::from(counted)..end, wide });
        at = end;
    }
    runs
}

const fn graphic(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n')
}

/// Bytes of UTF-16 whose other byte, at `low` of each unit, is printable.
fn wide(bytes: &[u8], low: usize) -> usize {
    let (pairs, _) = bytes.as_chunks::<2>();
    let fits = |pair: &[u8; 2]| {
        let [first, second] = *pair;
        let (letter, high) = if low == 0 { (first, second) } else { (second, first) };
        match high {
            0 => graphic(letter) || letter >= 0xa0,
            // The other scripts of Europe, the Near East and India, and those of East Asia.
            _ => matches!(high, 1..=0x0f | 0x1e..=0x20 | 0x30 | 0x4e..=0x9f | 0xac..=0xd7),
        }
    };
    pairs.iter().take_while(|pair| fits(pair)).count() * 2
}

/// Bytes of UTF-8 that can be printed.
fn narrow(bytes: &[u8]) -> usize {
    let mut at = 0;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let plain = rest.iter().take_while(|b| graphic(**b)).count();
        at += plain;
        let character = match rest.get(plain..).unwrap_or_default() {
            [0xc2..=0xdf, 0x80..=0xbf, ..] => 2,
            [0xe0..=0xef, 0x80..=0xbf, 0x80..=0xbf, ..] => 3,
            [0xf0..=0xf4, 0x80..=0xbf, 0x80..=0xbf, 0x80..=0xbf, ..] => 4,
            _ => return at,
        };
        at += character;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Vec<String> {
        runs(bytes)
            .iter()
            .map(|run| {
                let mut text = Vec::new();
                run.read(bytes, &mut text);
                String::from_utf8(text).unwrap()
            })
            .collect()
    }

    #[test]
    fn text_is_found_between_binary_fields() {
        assert_eq!(
            read(b"\x10\x27\0\x04MQTT\x04\xc2\0\x3c\0\x05bob@x\xff\x01Gr\xc3\xbc\xc3\x9fe\0"),
            ["MQTT", "bob@x", "Gr\u{fc}\u{df}e"]
        );
        assert_eq!(read(b"\x01\x01\0I\0N\0S\0E\0R\0T\0\x07\0"), ["INSERT"]);
        assert_eq!(read(b"\xff\0p\0a\0s\0s\x01"), ["pass"]);
    }

    #[test]
    fn a_zero_before_wide_text_does_not_turn_its_letters() {
        let little: Vec<u8> = "'łąka 密码'".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(
            read(&[b"\x01\0\0\0".as_slice(), "SET ".as_bytes(), b"\0\0a\0", &little].concat()),
            ["SET ", "a'łąka 密码'"]
        );
        let big: Vec<u8> = "ab łąka 密码".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(read(&big), ["ab łąka 密码"]);
    }

    #[test]
    fn a_length_before_a_text_is_no_part_of_it() {
        let text = "k".repeat(0x2a);
        assert_eq!(read(format!("\0*{text}\0").as_bytes()), [text]);
    }

    #[test]
    fn every_cut_is_read_without_harm() {
        let bytes = b"\0\x05hello\0w\0i\0d\0e\0\xe2\x82\xac\xf0\x9f\xa6\x80tail\xf0\x9f";
        for cut in 0..bytes.len() {
            let _ = (read(&bytes[cut..]), read(&bytes[..cut]));
        }
    }
}
