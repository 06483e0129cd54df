//! What a value means, once the escapes of the format it stands in are taken out.

use std::borrow::Cow;

use super::bytes::at;
use crate::content::entity;
use crate::model::event::Format;
use crate::rules::schema::Place;

/// The value without the escapes of its place: `\u00e9` and `\/` in quotes, `%41` and `+` in forms,
/// `&amp;` in elements.
pub(super) fn decoded<'a>(raw: &'a [u8], place: Place, format: Format) -> Cow<'a, [u8]> {
    match place {
        Place::Form | Place::Query if raw.iter().any(|b| matches!(b, b'%' | b'+')) => Cow::Owned(percent(raw)),
        Place::Xml | Place::Label | Place::Json
            if matches!(format, Format::Html | Format::Xml) && raw.contains(&b'&') =>
        {
            Cow::Owned(entity::decode(raw))
        }
        // XML has no escapes with a backslash; JSON inside of it has.
        _ if raw.contains(&b'\\') && (format != Format::Xml || place == Place::Json) => Cow::Owned(unescape(raw)),
        _ => Cow::Borrowed(raw),
    }
}

fn percent(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut n = 0;
    while n < raw.len() {
        let hex = |k: usize| char::from(at(raw, n + k)).to_digit(16).and_then(|d| u8::try_from(d).ok());
        match (at(raw, n), hex(1), hex(2)) {
            (b'%', Some(high), Some(low)) => {
                out.push(high << 4 | low);
                n += 2;
            }
            (b'+', ..) => out.push(b' '),
            (byte, ..) => out.push(byte),
        }
        n += 1;
    }
    out
}

fn unescape(raw: &[u8]) -> Vec<u8> {
    let quoted = [b"\"", raw, b"\""].concat();
    serde_json::from_slice::<String>(&quoted).map_or_else(|_| raw.to_vec(), String::into_bytes)
}
