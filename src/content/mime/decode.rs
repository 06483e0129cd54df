//! Content transfer encodings (RFC 2045, section 6), line by line.

use std::ops::Range;

use crate::content::base64;
use crate::content::pieces::Pieces;
use crate::model::stream::Stretch;

/// How a body is encoded.
#[derive(Debug, Default)]
pub(super) enum Decoder {
    /// Up to three characters that wait for the fourth.
    Base64(Vec<u8>),
    /// 7bit, 8bit, binary, and what nobody knows.
    #[default]
    Identity,
    QuotedPrintable,
    /// To be judged by the first line.
    Unknown,
}

impl Decoder {
    /// By the value of `Content-Transfer-Encoding`.
    pub(super) fn named(name: &[u8]) -> Self {
        match name.trim_ascii().to_ascii_lowercase().as_slice() {
            b"base64" => Self::Base64(Vec::new()),
            b"quoted-printable" => Self::QuotedPrintable,
            _ => Self::Identity,
        }
    }

    /// By the first line: long lines of nothing but base64 and soft line breaks give themselves away.
    fn judged(line: &[u8]) -> Self {
        let text = line.trim_ascii_end();
        let base64 = text.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='));
        match text.len() {
            40.. if base64 && text.len().is_multiple_of(4) => Self::Base64(Vec::new()),
            _ if text.ends_with(b"=") => Self::QuotedPrintable,
            _ => Self::Identity,
        }
    }

    /// Decodes a line (or a part of one) into `pieces`.
    pub(super) fn decode(
        &mut self,
        data: Stretch<'_>,
        range: Range<usize>,
        pieces: &mut Pieces,
        emit: &mut dyn FnMut(Stretch<'_>, usize),
    ) {
        let mark = data.mark(range.start);
        let line = data.bytes.get(range.clone()).unwrap_or_default();
        if let Self::Unknown = self {
            *self = Self::judged(line);
        }
        match self {
            Self::Identity | Self::Unknown => return pieces.push_part(data, range, emit),
            Self::QuotedPrintable => quoted_printable(line, pieces.buffer(mark)),
            Self::Base64(carry) => {
                carry.extend(line.iter().filter(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/')));
                let padded = line.contains(&b'=');
                let whole = if padded { carry.len() } else { carry.len() / 4 * 4 };
                if let Some(ready) = carry.get(..whole) {
                    // A single character left over before the padding decodes to nothing.
                    base64::decode_into(ready, pieces.buffer(mark));
                }
                carry.drain(..whole);
            }
        }
        pieces.emit_if_full(emit);
    }
}

/// RFC 2045, section 6.7. What is not an escape stays as it is.
fn quoted_printable(line: &[u8], into: &mut Vec<u8>) {
    let end = line.trim_ascii_end();
    let Some(soft) = end.strip_suffix(b"=") else {
        unescape(end, b'=', into);
        into.extend_from_slice(line.get(end.len()..).unwrap_or_default());
        return;
    };
    unescape(soft, b'=', into);
}

/// Undoes escapes of two hexadecimal digits after `sign`: `=41` is `A`.
pub(super) fn unescape(text: &[u8], sign: u8, into: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = memchr::memchr(sign, rest) {
        into.extend_from_slice(rest.get(..at).unwrap_or_default());
        let escape = rest.get(at..).unwrap_or_default();
        let byte = match escape {
            [_, high, low, ..] => hex(*high).zip(hex(*low)).map(|(h, l)| h << 4 | l),
            _ => None,
        };
        into.push(byte.unwrap_or(sign));
        rest = escape.get(if byte.is_some() { 3 } else { 1 }..).unwrap_or_default();
    }
    into.extend_from_slice(rest);
}

fn hex(digit: u8) -> Option<u8> {
    (digit as char).to_digit(16).map(|d| d as u8)
}
