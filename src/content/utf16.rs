//! UTF-16: files of Windows programs, and what databases and file servers of Windows send. UTF-32, which
//! is seldom met.

/// The order of the two bytes of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The high byte first.
    Big,
    /// The low byte first.
    Little,
}

/// Bytes that are looked at where there is no byte order mark.
const SAMPLE: usize = 512;

/// Whether content is text in UTF-16: by its byte order mark, or as every other byte of most is zero.
pub fn sniff(bytes: &[u8]) -> Option<Order> {
    let sample = bytes.get(..SAMPLE).unwrap_or(bytes);
    let order = match sample {
        [0xff, 0xfe, 0, 0, ..] => return None,
        [0xff, 0xfe, ..] => Order::Little,
        [0xfe, 0xff, ..] => Order::Big,
        _ => {
            let zeros = |n: usize| sample.iter().skip(n).step_by(2).filter(|b| **b == 0).count();
            let half = sample.len() / 2;
            match (zeros(0), zeros(1)) {
                _ if half < 4 => return None,
                (0, odd) if odd * 10 >= half * 8 => Order::Little,
                (even, 0) if even * 10 >= half * 8 => Order::Big,
                _ => return None,
            }
        }
    };
    let mut text = String::new();
    decode(sample, order, &mut text);
    let strange = |c: char| c.is_control() && !c.is_whitespace() || c == char::REPLACEMENT_CHARACTER;
    let odd = text.chars().filter(|c| strange(*c)).count();
    (odd * 16 <= text.chars().count()).then_some(order)
}

/// Appends what the bytes say, without the byte order mark; a half character at the end is dropped.
pub fn decode(bytes: &[u8], order: Order, into: &mut String) {
    let bytes = bytes.strip_prefix(b"\xff\xfe").or_else(|| bytes.strip_prefix(b"\xfe\xff")).unwrap_or(bytes);
    let (units, _) = bytes.as_chunks::<2>();
    let units = units.iter().map(|pair| match order {
        Order::Big => u16::from_be_bytes(*pair),
        Order::Little => u16::from_le_bytes(*pair),
    });
    into.extend(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
}

/// Whether content is text in UTF-32: by its byte order mark, or as three bytes of four are zero.
pub fn sniff_utf32(bytes: &[u8]) -> Option<Order> {
    let (units, _) = bytes.get(..SAMPLE).unwrap_or(bytes).as_chunks::<4>();
    let letter = |n: u8| matches!(n, b' '..=b'~' | b'\t' | b'\r' | b'\n');
    match units {
        [[0xff, 0xfe, 0, 0], ..] => Some(Order::Little),
        [[0, 0, 0xfe, 0xff], ..] => Some(Order::Big),
        [_, _, ..] if units.iter().all(|unit| matches!(unit, [n, 0, 0, 0] if letter(*n))) => Some(Order::Little),
        [_, _, ..] if units.iter().all(|unit| matches!(unit, [0, 0, 0, n] if letter(*n))) => Some(Order::Big),
        _ => None,
    }
}

/// Appends what the bytes say in UTF-32, without the byte order mark.
pub fn decode_utf32(bytes: &[u8], order: Order, into: &mut String) {
    let (units, _) = bytes.as_chunks::<4>();
    let letters = units.iter().map(|unit| match order {
        Order::Big => u32::from_be_bytes(*unit),
        Order::Little => u32::from_le_bytes(*unit),
    });
    into.extend(
        letters.filter(|code| *code != 0xfeff).map(|code| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &str, order: Order) -> Vec<u8> {
        text.encode_utf16()
            .flat_map(|unit| match order {
                Order::Big => unit.to_be_bytes(),
                Order::Little => unit.to_le_bytes(),
            })
            .collect()
    }

    #[test]
    fn both_orders_are_told_and_read_with_and_without_a_mark() {
        for order in [Order::Big, Order::Little] {
            for mark in ["", "\u{feff}"] {
                let text = format!("{mark}Passwort: Grüße 🦀");
                let bytes = encoded(&text, order);
                assert_eq!(sniff(&bytes), Some(order));
                let mut plain = String::new();
                decode(&bytes, order, &mut plain);
                assert_eq!(plain, "Passwort: Grüße 🦀");
            }
        }
    }

    #[test]
    fn utf_32_is_told_by_its_mark_or_its_zeros() {
        for text in ["\u{feff}Grüße", "password"] {
            let bytes: Vec<u8> = text.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect();
            assert_eq!((sniff_utf32(&bytes), sniff(&bytes)), (Some(Order::Big), None));
            let little: Vec<u8> = text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
            assert_eq!((sniff_utf32(&little), sniff(&little)), (Some(Order::Little), None));
            let (mut one, mut other) = (String::new(), String::new());
            decode_utf32(&bytes, Order::Big, &mut one);
            decode_utf32(&little, Order::Little, &mut other);
            assert_eq!((one.as_str(), other.as_str()), (text.trim_start_matches('\u{feff}'), one.as_str()));
        }
        assert_eq!(sniff_utf32(b"\x01\0\0\0\x02\0\0\0"), None);
    }

    #[test]
    fn eight_bit_text_and_tables_of_numbers_are_no_utf_16() {
        for bytes in [&b"plain text"[..], b"\x01\0\x02\0\x03\0\x04\0\x05\0\x06\0", b"\0\0\0\0\0\0\0\0", b"a\0b\0"] {
            assert_eq!(sniff(bytes), None, "{bytes:?}");
        }
    }
}
