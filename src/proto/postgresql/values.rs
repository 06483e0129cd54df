//! Values in text or binary format, made readable by their type (src/include/catalog/pg_type.dat;
//! binary formats as the `*send` functions of src/backend/utils/adt write them).

use std::fmt::Write;

use crate::content::{hex, sniff};
use crate::proto::cursor::Cursor;

/// Shorter values hold nothing.
const SHORTEST: usize = 3;

const BYTEA: u32 = 17;
const INT8: u32 = 20;
const INT4: u32 = 23;
const JSONB: u32 = 3802;
const DATE: u32 = 1082;
const NUMERIC: u32 = 1700;
const UUID: u32 = 2950;

/// Gives `say` what can be read in a value: one text, or several for an array, none where there is
/// nothing to find. `binary` is `None` where the format is not known.
pub(super) fn readable(oid: u32, binary: Option<bool>, value: &[u8], say: &mut dyn FnMut(&[u8])) {
    match binary {
        _ if value.is_empty() || is_dull(oid) => {}
        Some(false) => text(oid, value, say),
        Some(true) => self::binary(oid, value, say),
        None if sniff::is_text(value) => text(oid, value, say),
        None => untyped(value, say),
    }
}

/// Types whose values cannot be anything sensitive: booleans, small and floating-point numbers, object
/// identifiers, times of day and points in time, intervals.
const fn is_dull(oid: u32) -> bool {
    matches!(oid, 16 | 21 | 24 | 26 | 27 | 28 | 29 | 700 | 701 | 1083 | 1114 | 1184 | 1186 | 1266 | 2205 | 2278)
}

fn long_enough(value: &[u8], say: &mut dyn FnMut(&[u8])) {
    if value.len() >= SHORTEST {
        say(value);
    }
}

fn text(oid: u32, value: &[u8], say: &mut dyn FnMut(&[u8])) {
    if oid == BYTEA
        && let Some(digits) = value.strip_prefix(b"\\x")
    {
        let nibble = |byte: &u8| (*byte as char).to_digit(16).and_then(|n| u8::try_from(n).ok());
        let bytes: Option<Vec<u8>> = digits
            .chunks_exact(2)
            .map(|pair| match pair {
                [high, low] => Some(nibble(high)? << 4 | nibble(low)?),
                _ => None,
            })
            .collect();
        if let Some(bytes) = bytes.filter(|b| sniff::is_text(b)) {
            long_enough(&bytes, say);
        }
        return;
    }
    long_enough(value, say);
}

fn binary(oid: u32, value: &[u8], say: &mut dyn FnMut(&[u8])) {
    let mut cursor = Cursor::new(value);
    let shown = match oid {
        0 => return untyped(value, say),
        BYTEA => {
            if sniff::is_text(value) {
                long_enough(value, say);
            }
            return;
        }
        INT8 => cursor.array().map(|b| i64::from_be_bytes(b).to_string()),
        INT4 => cursor.array().map(|b| i32::from_be_bytes(b).to_string()),
        DATE => cursor.array().map(|b| date(i32::from_be_bytes(b))),
        JSONB => return long_enough(value.get(1..).unwrap_or_default(), say),
        NUMERIC => numeric(&mut cursor),
        UUID => cursor.array().map(uuid),
        _ => return other(value, say),
    };
    if let Some(shown) = shown {
        long_enough(shown.as_bytes(), say);
    }
}

/// Text types are the same in both formats. Arrays have the type of their elements inside.
fn other(value: &[u8], say: &mut dyn FnMut(&[u8])) {
    if array(value, say).is_none() && sniff::is_text(value) {
        long_enough(value, say);
    }
}

fn array(value: &[u8], say: &mut dyn FnMut(&[u8])) -> Option<()> {
    let mut cursor = Cursor::new(value);
    let (dimensions, flags, oid) = (cursor.u32_be()?, cursor.u32_be()?, cursor.u32_be()?);
    if !(1..=6).contains(&dimensions) || flags > 1 {
        return None;
    }
    let mut count = 1u32;
    for _ in 0..dimensions {
        count = count.saturating_mul(cursor.u32_be()?);
        cursor.u32_be()?;
    }
    for _ in 0..count {
        match cursor.u32_be()? {
            u32::MAX => {}
            length => {
                let element = cursor.take(length as usize)?;
                if !is_dull(oid) && array_element(oid) {
                    binary(oid, element, say);
                }
            }
        }
    }
    Some(())
}

/// Arrays do not nest; a composite or an array inside is not looked into.
const fn array_element(oid: u32) -> bool {
    matches!(oid, 17..=25 | 114 | 1042 | 1043 | 1082 | 1700 | 2950 | 3802)
}

/// A binary value of unknown type. Long integers are shown only while they are no bit pattern of a
/// floating-point number.
fn untyped(value: &[u8], say: &mut dyn FnMut(&[u8])) {
    const LARGEST: i64 = 100_000_000_000_000_000;
    if sniff::is_text(value) {
        long_enough(value, say);
    } else if let Ok(bytes) = <[u8; 8]>::try_from(value) {
        let number = i64::from_be_bytes(bytes);
        if (0..LARGEST).contains(&number) {
            long_enough(number.to_string().as_bytes(), say);
        }
    } else if let Ok(bytes) = <[u8; 4]>::try_from(value) {
        long_enough(i32::from_be_bytes(bytes).to_string().as_bytes(), say);
    }
}

fn uuid(bytes: [u8; 16]) -> String {
    let mut shown = hex::encode(&bytes);
    for at in [20, 16, 12, 8] {
        shown.insert(at, '-');
    }
    shown
}

/// Days since 2000-01-01, as a calendar date.
fn date(days: i32) -> String {
    let epoch = jiff::civil::date(2000, 1, 1);
    match epoch.checked_add(jiff::Span::new().days(i64::from(days).clamp(-7_000_000, 7_000_000))) {
        Ok(date) => date.to_string(),
        Err(_) => String::new(),
    }
}

/// Base-10000 digits: count, weight of the first, sign, digits after the point, digits.
fn numeric(cursor: &mut Cursor<'_>) -> Option<String> {
    const NEGATIVE: u16 = 0x4000;
    const SPECIAL: u16 = 0xc000;
    let (count, weight) = (cursor.u16_be()?, i32::from(cursor.u16_be()?.cast_signed()));
    let (sign, scale) = (cursor.u16_be()?, usize::from(cursor.u16_be()?));
    if sign & SPECIAL == SPECIAL || weight > 64 || count > 64 {
        return None;
    }
    let mut digits = SmallDigits::default();
    for _ in 0..count {
        digits.0.push(cursor.u16_be()?);
    }
    let mut shown = String::from(if sign == NEGATIVE { "-" } else { "" });
    for place in 0..=weight.max(0) {
        let digit = digits.at(if weight < 0 { -1 } else { place });
        let _ = if place == 0 { write!(shown, "{digit}") } else { write!(shown, "{digit:04}") };
    }
    if scale > 0 {
        let mut fraction = String::new();
        for place in (weight + 1)..(weight + 1 + 17) {
            let _ = write!(fraction, "{:04}", digits.at(place));
        }
        shown.push('.');
        shown.push_str(fraction.get(..scale.min(fraction.len())).unwrap_or_default());
    }
    Some(shown)
}

#[derive(Default)]
struct SmallDigits(smallvec::SmallVec<[u16; 16]>);

impl SmallDigits {
    fn at(&self, place: i32) -> u16 {
        usize::try_from(place).ok().and_then(|p| self.0.get(p)).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(oid: u32, binary: Option<bool>, value: &[u8]) -> Vec<String> {
        let mut all = Vec::new();
        readable(oid, binary, value, &mut |v| all.push(String::from_utf8_lossy(v).into_owned()));
        all
    }

    #[test]
    fn binary_values_are_shown_as_their_type_is_written() {
        let b = Some(true);
        assert_eq!(shown(INT8, b, &4_539_201_837_465_026i64.to_be_bytes()), ["4539201837465026"]);
        assert_eq!(shown(INT4, b, &457_206_619i32.to_be_bytes()), ["457206619"]);
        assert_eq!(shown(DATE, b, &(-5i32).to_be_bytes()), ["1999-12-27"]);
        assert_eq!(shown(UUID, b, &[0xab; 16]), ["abababab-abab-abab-abab-abababababab"]);
        assert_eq!(shown(JSONB, b, b"\x01{\"a\":1}"), ["{\"a\":1}"]);
        assert_eq!(shown(16, b, &[1]), [] as [String; 0]);
    }

    #[test]
    fn numbers_in_base_ten_thousand_are_written_out() {
        let numeric = |words: &[u16]| -> Vec<u8> { words.iter().flat_map(|w| w.to_be_bytes()).collect() };
        let card = numeric(&[4, 3, 0, 0, 4539, 2018, 3746, 5026]);
        assert_eq!(shown(NUMERIC, Some(true), &card), ["4539201837465026"]);
        assert_eq!(shown(NUMERIC, Some(true), &numeric(&[2, 0, 0x4000, 2, 12, 500])), ["-12.05"]);
        assert_eq!(shown(NUMERIC, Some(true), &numeric(&[1, 0xfffe, 0, 6, 1200])), ["0.000012"]);
        assert_eq!(shown(NUMERIC, Some(true), &numeric(&[1, 2, 0, 0, 5])), ["500000000"]);
    }

    #[test]
    fn elements_of_an_array_are_values_each() {
        let mut array = [1u32, 0, 25, 2, 1].iter().flat_map(|w| w.to_be_bytes()).collect::<Vec<u8>>();
        array.extend_from_slice(b"\0\0\0\x03one\xff\xff\xff\xff");
        assert_eq!(shown(1009, Some(true), &array), ["one"]);
    }

    #[test]
    fn without_a_type_numbers_are_shown_unless_they_may_be_fractions() {
        assert_eq!(shown(0, None, b"alice@example.org"), ["alice@example.org"]);
        assert_eq!(shown(0, None, &4_539_201_837_465_026i64.to_be_bytes()), ["4539201837465026"]);
        assert_eq!(shown(0, None, &1.5f64.to_be_bytes()), [] as [String; 0]);
    }

    #[test]
    fn bytes_in_hexadecimal_are_shown_when_they_are_text() {
        assert_eq!(shown(BYTEA, Some(false), b"\\x68656c6c6f"), ["hello"]);
        assert_eq!(shown(BYTEA, Some(false), b"\\x00ff0001"), [] as [String; 0]);
    }
}
