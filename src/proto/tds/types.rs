//! Data types and their values (MS-TDS sections 2.2.5.4 to 2.2.5.6).

use std::borrow::Cow;

use crate::content::charset::Charset;
use crate::content::sniff;
use crate::content::utf16::{self, Order};
use crate::proto::cursor::Cursor;

/// A type with what is needed to read its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Type {
    code: u8,
    /// How long a value says it is.
    measure: Measure,
    /// Digits after the point.
    scale: u8,
    /// Of text that is not UTF-16.
    charset: Option<Charset>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Measure {
    /// Always so many bytes.
    Fixed(usize),
    Byte,
    Short,
    /// `text`, `ntext`, `image`, `sql_variant`.
    Long,
    /// In pieces: `varchar(max)`, `xml`.
    Pieces,
}

const GUID: u8 = 0x24;
const DATE: u8 = 0x28;
const DATETIME2: u8 = 0x2a;
const DATETIMEOFFSET: u8 = 0x2b;
const VARIANT: u8 = 0x62;
const XML: u8 = 0xf1;
const UDT: u8 = 0xf0;

/// Shortest text, and smallest number, that is worth saying.
const LEAST: usize = 3;
const DULL: u64 = 1000;

/// Whether a code is that of a type which can be read.
pub(super) const fn is_known(code: u8) -> bool {
    matches!(
        code,
        0x1f | 0x22..=0x2b | 0x2d | 0x2f | 0x30 | 0x32 | 0x34 | 0x37 | 0x38 | 0x3a..=0x3f | 0x62 | 0x63 | 0x68 | 0x6a
            | 0x6c..=0x6f | 0x7a | 0x7f | 0xa5 | 0xa7 | 0xad | 0xaf | 0xe7 | 0xef | 0xf0 | 0xf1
    )
}

impl Type {
    /// `TYPE_INFO`; of a `column` it says more of types that users define. `None`: it is not all here, or
    /// unknown.
    pub(super) fn read(cursor: &mut Cursor<'_>, column: bool) -> Option<Self> {
        let code = cursor.u8()?;
        let mut own = Self { code, measure: Measure::Byte, scale: 0, charset: None };
        match code {
            0x1f => own.measure = Measure::Fixed(0),
            0x30 | 0x32 => own.measure = Measure::Fixed(1),
            0x34 => own.measure = Measure::Fixed(2),
            0x38 | 0x3a | 0x3b | 0x7a => own.measure = Measure::Fixed(4),
            0x3c..=0x3e | 0x7f => own.measure = Measure::Fixed(8),
            DATE => {}
            0x29 | DATETIME2 | DATETIMEOFFSET => cursor.skip(1)?,
            GUID | 0x25..=0x27 | 0x2d | 0x2f | 0x68 | 0x6d..=0x6f => cursor.skip(1)?,
            0x37 | 0x3f | 0x6a | 0x6c => {
                cursor.skip(2)?;
                own.scale = cursor.u8()?;
            }
            0xa5 | 0xa7 | 0xad | 0xaf | 0xe7 | 0xef => {
                own.measure = if cursor.u16_le()? == 0xffff { Measure::Pieces } else { Measure::Short };
                own.collation(cursor)?;
            }
            0x22 | 0x23 | 0x63 | VARIANT => {
                cursor.skip(4)?;
                own.measure = Measure::Long;
                own.collation(cursor)?;
            }
            XML => {
                own.measure = Measure::Pieces;
                if cursor.u8()? != 0 {
                    short_name(cursor)?;
                    short_name(cursor)?;
                    name(cursor)?;
                }
            }
            UDT => {
                own.measure = Measure::Pieces;
                if column {
                    cursor.skip(2)?;
                }
                for _ in 0..3 {
                    short_name(cursor)?;
                }
                if column {
                    name(cursor)?;
                }
            }
            _ => return None,
        }
        Some(own)
    }

    /// Types of text in the server's code page say which one it is.
    fn collation(&mut self, cursor: &mut Cursor<'_>) -> Option<()> {
        if matches!(self.code, 0xa7 | 0xaf | 0xe7 | 0xef | 0x23 | 0x63) {
            let locale = cursor.u32_le()?;
            cursor.skip(1)?;
            self.charset = charset(locale);
        }
        Some(())
    }

    /// Whether it is text in UTF-16.
    pub(super) const fn is_wide_text(self) -> bool {
        matches!(self.code, 0xe7 | 0xef | 0x63)
    }

    /// Whether a column of this type is followed by the name of its table.
    pub(super) const fn names_table(self) -> bool {
        matches!(self.code, 0x22 | 0x23 | 0x63)
    }

    /// Takes a value; the outer `None`: it is not all here. A `column` has more before a long one.
    pub(super) fn take<'a>(self, cursor: &mut Cursor<'a>, column: bool) -> Option<Option<Cow<'a, [u8]>>> {
        let length = match self.measure {
            Measure::Fixed(length) => length,
            Measure::Byte => match cursor.u8()? {
                0 => return Some(None),
                length => length.into(),
            },
            Measure::Short => match cursor.u16_le()? {
                0xffff => return Some(None),
                length => length.into(),
            },
            Measure::Long if self.code == VARIANT => return variant(cursor),
            Measure::Long => {
                if column {
                    let pointer = cursor.u8()?;
                    if pointer == 0 {
                        return Some(None);
                    }
                    cursor.skip(usize::from(pointer) + 8)?;
                }
                match cursor.u32_le()? {
                    u32::MAX => return Some(None),
                    length => usize::try_from(length).ok()?,
                }
            }
            Measure::Pieces => return pieces(cursor),
        };
        cursor.take(length).map(|bytes| Some(bytes.into()))
    }

    /// Gives `say` what a value reads like, unless it is of no interest.
    pub(super) fn readable(self, value: &[u8], say: &mut dyn FnMut(&[u8])) {
        let number = |bytes: &[u8]| {
            let value = bytes.iter().rev().fold(0u64, |n, b| n << 8 | u64::from(*b));
            let negative = bytes.len() > 1 && bytes.last().is_some_and(|b| b & 0x80 != 0);
            (!negative && value >= DULL).then(|| value.to_string())
        };
        let shown = match self.code {
            0x34 | 0x38 | 0x7f | 0x26 => number(value),
            0x37 | 0x3f | 0x6a | 0x6c => decimal(value, self.scale),
            DATE => date(value.get(..3), 0),
            DATETIME2 => value.len().checked_sub(3).and_then(|n| date(value.get(n..), 0)),
            DATETIMEOFFSET => value.len().checked_sub(5).and_then(|n| date(value.get(n..n + 3), 0)),
            0x3d | 0x6f if value.len() == 8 => date(value.get(..4), DAYS_TO_1900),
            0x3a | 0x6f if value.len() == 4 => date(value.get(..2), DAYS_TO_1900),
            0xe7 | 0xef | 0x63 | XML => {
                let mut text = String::new();
                utf16::decode(value, Order::Little, &mut text);
                Some(text)
            }
            0xa7 | 0xaf | 0x23 | 0x27 | 0x2f => {
                let charset = self.charset.filter(|_| !value.is_ascii());
                let text = charset.map_or(value.into(), |charset| charset.read(value));
                return text_of(&text, say);
            }
            // Binary columns hold text more often than one thinks.
            0xa5 | 0xad | 0x25 | 0x2d | 0x22 | VARIANT => return text_of(value, say),
            _ => None,
        };
        if let Some(shown) = shown {
            text_of(shown.as_bytes(), say);
        }
    }
}

fn text_of(value: &[u8], say: &mut dyn FnMut(&[u8])) {
    if value.len() >= LEAST && sniff::is_text(value) {
        say(value);
    }
}

/// A value in pieces, each behind its length.
fn pieces<'a>(cursor: &mut Cursor<'a>) -> Option<Option<Cow<'a, [u8]>>> {
    if cursor.u64_le()? == u64::MAX {
        return Some(None);
    }
    let mut whole: Cow<'a, [u8]> = Cow::Borrowed(&[]);
    loop {
        let length = cursor.u32_le()?;
        if length == 0 {
            return Some(Some(whole));
        }
        let piece = cursor.take(usize::try_from(length).ok()?)?;
        if whole.is_empty() {
            whole = piece.into();
        } else {
            whole.to_mut().extend_from_slice(piece);
        }
    }
}

/// A value with a type of its own; of text, what it says.
fn variant<'a>(cursor: &mut Cursor<'a>) -> Option<Option<Cow<'a, [u8]>>> {
    let length = cursor.u32_le()?;
    let mut inside = Cursor::new(cursor.take(usize::try_from(length).ok()?)?);
    let Some((code, properties)) = inside.u8().zip(inside.u8()) else { return Some(None) };
    if inside.skip(properties.into()).is_none() {
        return Some(None);
    }
    let bytes = inside.rest();
    Some(match code {
        0xe7 | 0xef => {
            let mut text = String::new();
            utf16::decode(bytes, Order::Little, &mut text);
            Some(text.into_bytes().into())
        }
        0xa7 | 0xaf => Some(bytes.into()),
        _ => None,
    })
}

/// Sign, and a number with the low byte first.
fn decimal(value: &[u8], scale: u8) -> Option<String> {
    let (_, digits) = value.split_first()?;
    if digits.len() > 16 {
        return None;
    }
    let number = digits.iter().rev().fold(0u128, |n, b| n << 8 | u128::from(*b));
    let whole = number / 10u128.checked_pow(scale.into())?;
    (whole >= DULL.into()).then(|| whole.to_string())
}

/// From the first day of year 1 to that of 1900.
const DAYS_TO_1900: i64 = 693_595;

/// A day by its number, low byte first, and that of the day it is counted from.
fn date(bytes: Option<&[u8]>, from: i64) -> Option<String> {
    let bytes = bytes?;
    let mut days = bytes.iter().rev().fold(0i64, |n, b| n << 8 | i64::from(*b));
    // Days before 1900 are negative.
    if bytes.len() == 4 && days > i64::from(i32::MAX) {
        days -= 1 << 32;
    }
    let first = jiff::civil::date(1, 1, 1);
    let day = first.checked_add(jiff::Span::new().try_days(days + from).ok()?).ok()?;
    Some(day.to_string())
}

/// The code page of a collation, by its locale.
fn charset(locale: u32) -> Option<Charset> {
    const UTF8: u32 = 1 << 26;
    if locale & UTF8 != 0 {
        return None;
    }
    let label: &[u8] = match locale & 0xffff {
        0x0404 | 0x0c04 | 0x1404 => b"big5",
        0x0804 | 0x1004 => b"gbk",
        0x0411 => b"shift_jis",
        0x0412 => b"euc-kr",
        other => match other & 0xff {
            0x02 | 0x19 | 0x22 | 0x23 | 0x2f | 0x3f | 0x40 | 0x44 => b"windows-1251",
            0x05 | 0x0e | 0x15 | 0x18 | 0x1a | 0x1b | 0x1c | 0x24 => b"windows-1250",
            0x08 => b"windows-1253",
            0x1f => b"windows-1254",
            0x0d => b"windows-1255",
            0x01 | 0x20 | 0x29 => b"windows-1256",
            0x25..=0x27 => b"windows-1257",
            0x2a => b"windows-1258",
            0x1e => b"windows-874",
            _ => return Some(Charset::LATIN),
        },
    };
    Charset::named(label)
}

/// A name behind its length in characters, of one byte.
pub(super) fn short_name(cursor: &mut Cursor<'_>) -> Option<String> {
    let length = cursor.u8()?;
    text(cursor, length.into())
}

/// A name behind its length in characters, of two bytes.
pub(super) fn name(cursor: &mut Cursor<'_>) -> Option<String> {
    let length = cursor.u16_le()?;
    text(cursor, length.into())
}

/// So many characters of UTF-16.
pub(super) fn text(cursor: &mut Cursor<'_>, length: usize) -> Option<String> {
    let mut text = String::new();
    utf16::decode(cursor.take(length * 2)?, Order::Little, &mut text);
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(kind: &[u8], value: &[u8]) -> Option<String> {
        let own = Type::read(&mut Cursor::new(kind), true).unwrap();
        let mut cursor = Cursor::new(value);
        let taken = own.take(&mut cursor, true).expect("it is all here")?;
        assert!(cursor.is_empty());
        for cut in 0..value.len() {
            assert_eq!(own.take(&mut Cursor::new(&value[..cut]), true), None);
        }
        let mut said = None;
        own.readable(&taken, &mut |text| said = Some(String::from_utf8(text.to_vec()).unwrap()));
        said
    }

    #[test]
    fn values_are_read_by_their_types() {
        let collation = |locale: u32| [&locale.to_le_bytes()[..], &[0]].concat();
        let varchar = |locale| [&[0xa7, 30, 0][..], &collation(locale)].concat();
        let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        let nvarchar = [&[0xe7, 60, 0][..], &collation(0x409)].concat();
        let max = [&[0xe7, 0xff, 0xff][..], &collation(0x409)].concat();
        let ada = wide("Ada");
        let pieces =
            [&8u64.to_le_bytes()[..], &[4, 0, 0, 0], &wide("Lo"), &[4, 0, 0, 0], &wide("ve"), &[0; 4]].concat();
        let text = [&[16][..], &[1; 24], &[5, 0, 0, 0], b"plain"].concat();
        for (kind, value, expected) in [
            (&[0x38][..], &[0xe8, 3, 0, 0][..], Some("1000")),
            (&[0x38], &[17, 0, 0, 0], None),
            (&[0x26, 8], &[8, 0x3a, 0x94, 0x1a, 0x49, 0x61, 0x20, 0x10, 0], Some("4539201837765690")),
            (&[0x26, 8], &[0], None),
            (&[0x6c, 9, 19, 2], &[9, 1, 0x40, 0xe2, 1, 0, 0, 0, 0, 0], Some("1234")),
            (&[0x28], &[3, 0x3b, 0x1f, 0x0b], Some("1996-08-21")),
            (&[0x3d], &[0xfb, 0x6a, 0, 0, 0, 0, 0, 0], Some("1974-12-26")),
            (&[0x3d], &[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], Some("1899-12-31")),
            (&nvarchar, &[&[6, 0], ada.as_slice()].concat(), Some("Ada")),
            (&nvarchar, &[0xff, 0xff], None),
            (&max, &pieces, Some("Love")),
            (&max, &[0xff; 8], None),
            (&varchar(0x419), b"\x06\0\xef\xe0\xf0\xee\xeb\xfc", Some("пароль")),
            (&varchar(0x409), b"\x05\0Gr\xfc\xdfe", Some("Grüße")),
            (&[&[0x23, 0, 0, 0, 0x7f][..], &collation(0x409)].concat(), &text, Some("plain")),
            (&[0xf1, 0], &pieces, Some("Love")),
        ] {
            assert_eq!(said(kind, value).as_deref(), expected, "{kind:x?} {value:x?}");
        }
    }
}
