//! Percent-encoding of URLs and forms (RFC 3986 section 2.1, WHATWG URL "percent-encoded bytes").

use std::borrow::Cow;

/// What `+` stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plus {
    /// Itself: paths.
    Plus,
    /// A space: queries and forms.
    Space,
}

/// Undoes percent-encoding. A `%` without two hex digits stands for itself. Borrows when there is
/// nothing to undo.
pub fn decode(text: &[u8], plus: Plus) -> Cow<'_, [u8]> {
    let coded = |b: &u8| *b == b'%' || (*b == b'+' && plus == Plus::Space);
    let Some(first) = text.iter().position(coded) else { return Cow::Borrowed(text) };
    let (clean, mut rest) = text.split_at(first);
    let mut out = Vec::with_capacity(text.len());
    out.extend_from_slice(clean);
    while let [byte, tail @ ..] = rest {
        rest = tail;
        match (byte, tail) {
            (b'+', _) if plus == Plus::Space => out.push(b' '),
            (b'%', [high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    out.push(high << 4 | low);
                    rest = after;
                }
                _ => out.push(b'%'),
            },
            _ => out.push(*byte),
        }
    }
    Cow::Owned(out)
}

/// The value of a hex digit.
pub const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_triplets_are_decoded_and_others_stand_for_themselves() {
        assert_eq!(decode(b"a%26b%2", Plus::Plus).as_ref(), b"a&b%2");
        assert_eq!(decode(b"100%zz%%41", Plus::Plus).as_ref(), b"100%zz%A");
        assert!(matches!(decode(b"plain+", Plus::Plus), Cow::Borrowed(b"plain+")));
    }

    #[test]
    fn a_plus_is_a_space_in_forms_alone() {
        assert_eq!(decode(b"a+b%2Bc", Plus::Space).as_ref(), b"a b+c");
        assert_eq!(decode(b"a+b", Plus::Plus).as_ref(), b"a+b");
    }
}
