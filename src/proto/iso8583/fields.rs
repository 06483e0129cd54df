//! The fields of a message (ISO 8583:1987, table 3; where 1993 differs, its own).

use std::borrow::Cow;

use crate::proto::cursor::Cursor;

/// How a message writes its numbers and its bitmap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// In ASCII, the bitmap in bytes.
    Ascii,
    /// In ASCII, the bitmap and other bytes in hexadecimal.
    Hex,
    /// Two digits a byte.
    Packed,
}

/// Everything may be written in these ways.
pub(super) const CODINGS: [Coding; 3] = [Coding::Ascii, Coding::Hex, Coding::Packed];

/// Digits that must have been where digits belong, for a message to be taken for one.
const ENOUGH: usize = 16;

/// What stands in a field.
#[derive(Clone, Copy)]
enum Form {
    /// So many digits.
    Digits(usize),
    /// So many characters.
    Text(usize),
    /// So many bytes of eight bits.
    Bytes(usize),
    /// A sign and so many digits.
    Signed(usize),
    /// Up to so many digits, behind their number in two digits.
    SomeDigits(usize),
    /// Up to so many characters, behind their number in so many digits.
    SomeText(usize, usize),
    /// Track 2, behind its length in two digits.
    Track,
}

use Form::{Bytes, Digits, Signed, SomeDigits, SomeText, Text, Track};

/// The form of a field of a message of this version (its first digit).
const fn form(field: usize, version: u32) -> Form {
    match (field, version) {
        (12, 1..) => Digits(12),
        (22, 1..) => Text(12),
        (25 | 26, 1..) => Digits(4),
        (28, 1..) => Digits(6),
        (29 | 39 | 40, 1..) => Digits(3),
        (30, 1..) => Digits(24),
        (31 | 43 | 44 | 53, 1..) => SomeText(2, 99),
        (2 | 34, _) => SomeDigits(28),
        (3 | 11 | 12 | 73, _) => Digits(6),
        (4..=6 | 82..=85, _) => Digits(12),
        (7 | 74..=81, _) => Digits(10),
        (8..=10, _) => Digits(8),
        (13..=18 | 71 | 72, _) => Digits(4),
        (19..=24 | 68..=70, _) => Digits(3),
        (25 | 26 | 67, _) => Digits(2),
        (27 | 66, _) => Digits(1),
        (28..=31, _) => Signed(8),
        (32 | 33 | 99 | 100, _) => SomeDigits(11),
        (35, _) => Track,
        (36, _) => SomeText(3, 104),
        (37, _) => Text(12),
        (38, _) => Text(6),
        (39 | 92, _) => Text(2),
        (40 | 49..=51, _) => Text(3),
        (41, _) => Text(8),
        (42, _) => Text(15),
        (43, _) => Text(40),
        (44 | 45 | 101..=103, _) => SomeText(2, 99),
        (53 | 86..=89, _) => Digits(16),
        (52 | 64 | 65 | 96 | 128, _) => Bytes(8),
        (90, _) => Digits(42),
        (91, _) => Text(1),
        (93, _) => Text(5),
        (94, _) => Text(7),
        (95, _) => Text(42),
        (97, _) => Signed(16),
        (98, _) => Text(25),
        _ => SomeText(3, 999),
    }
}

/// A value: digits as digits, bytes as they are.
pub(super) type Value<'a> = Cow<'a, [u8]>;

/// Reads a message from its type on, and says each field with its number. Says whether it is one: the
/// type exists, and up to the PIN (field 52) each field has what its form asks for. Behind it many
/// networks have forms of their own.
pub(super) fn read<'a>(message: &'a [u8], coding: Coding, say: &mut dyn FnMut(usize, Value<'a>)) -> bool {
    let mut reader = Reader { cursor: Cursor::new(message), coding, digits: 0 };
    let Some((version, present)) = reader.head() else { return false };
    for field in (2..=128usize).filter(|field| present >> (128 - field) & 1 == 1) {
        match reader.field(form(field, version)) {
            Some(value) => say(field, value),
            None => return field > 52 && reader.digits >= ENOUGH,
        }
    }
    reader.digits >= ENOUGH
}

struct Reader<'a> {
    cursor: Cursor<'a>,
    coding: Coding,
    /// Digits that were where digits belong.
    digits: usize,
}

impl<'a> Reader<'a> {
    /// The version and the bits of the fields, the first field the highest.
    fn head(&mut self) -> Option<(u32, u128)> {
        let kind = self.number(4)?;
        let [version, class, function, origin] = [1000, 100, 10, 1].map(|unit| kind / unit % 10);
        if version > 2 || !matches!(class, 1..=6 | 8) || function > 4 || origin > 5 {
            return None;
        }
        let first = self.bitmap()?;
        let second = if first >> 63 == 1 { self.bitmap()? } else { 0 };
        Some((version, u128::from(first) << 64 | u128::from(second)))
    }

    fn bitmap(&mut self) -> Option<u64> {
        if self.coding != Coding::Hex {
            return self.cursor.u64_be();
        }
        let text = std::str::from_utf8(self.cursor.take(16)?).ok()?;
        text.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u64::from_str_radix(text, 16).ok())?
    }

    fn field(&mut self, form: Form) -> Option<Value<'a>> {
        match form {
            Digits(count) => self.figures(count),
            Text(count) => self.text(count),
            Bytes(count) if self.coding == Coding::Hex => self.text(count * 2),
            Bytes(count) => self.cursor.take(count).map(Cow::Borrowed),
            Signed(count) => {
                self.cursor.skip(1)?;
                self.figures(count)
            }
            SomeDigits(most) => {
                let count = self.number(2).map(|n| n as usize).filter(|n| *n <= most)?;
                self.figures(count)
            }
            SomeText(width, most) => {
                let count = self.number(width).map(|n| n as usize).filter(|n| *n <= most)?;
                self.text(count)
            }
            Track => {
                let count = self.number(2).map(|n| n as usize).filter(|n| *n <= 40)?;
                self.track(count)
            }
        }
    }

    fn number(&mut self, width: usize) -> Option<u32> {
        let digits = self.figures(width)?;
        std::str::from_utf8(&digits).ok()?.parse().ok()
    }

    /// So many digits.
    fn figures(&mut self, count: usize) -> Option<Value<'a>> {
        let value = self.nibbles(count)?;
        self.digits += count;
        value.iter().all(u8::is_ascii_digit).then_some(value)
    }

    fn track(&mut self, count: usize) -> Option<Value<'a>> {
        let value = self.nibbles(count)?;
        let known = |b: &u8| b.is_ascii_digit() || matches!(b, b'=' | b'D');
        value.iter().all(known).then(|| value.iter().map(|b| if *b == b'D' { b'=' } else { *b }).collect())
    }

    fn text(&mut self, count: usize) -> Option<Value<'a>> {
        self.cursor.take(count).map(Cow::Borrowed)
    }

    /// So many characters that may be packed, in hexadecimal digits. A half byte that fills up is left out.
    fn nibbles(&mut self, count: usize) -> Option<Value<'a>> {
        if self.coding != Coding::Packed {
            return self.cursor.take(count).map(Cow::Borrowed);
        }
        let bytes = self.cursor.take(count.div_ceil(2))?;
        let half = |half: u8| char::from_digit(u32::from(half), 16).map_or(0, |c| c.to_ascii_uppercase() as u8);
        let mut out: Vec<u8> = bytes.iter().flat_map(|byte| [half(byte >> 4), half(byte & 15)]).collect();
        if out.len() > count {
            if out.last() == Some(&b'F') {
                out.pop();
            } else {
                out.remove(0);
            }
        }
        Some(Cow::Owned(out))
    }
}
