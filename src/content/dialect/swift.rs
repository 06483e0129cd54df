//! SWIFT MT messages (ISO 15022's predecessor format): blocks in braces, and in the fourth of them
//! fields that begin with `:tag:`. A line that begins with a slash is an account.

use std::ops::Range;

use super::Say;

/// Whether a text begins with the basic header block, an application and a service, or is the text of a
/// message without its blocks: a reference, then other fields.
pub(super) fn begins(text: &[u8]) -> bool {
    if text.starts_with(b":20:") {
        let start = text.get(..256).unwrap_or(text);
        let tag = |line: &[u8]| matches!(line, [b':', a, b, ..] if a.is_ascii_digit() && b.is_ascii_digit());
        return start.split(|b| *b == b'\n').skip(1).any(tag);
    }
    match text.strip_prefix(b"{1:") {
        Some([application, a, b, rest @ ..]) => {
            matches!(application, b'F' | b'A' | b'L')
                && a.is_ascii_digit()
                && b.is_ascii_digit()
                && rest.iter().take(12).filter(|b| b.is_ascii_uppercase() || b.is_ascii_digit()).count() >= 8
        }
        _ => false,
    }
}

/// The lines of all fields.
pub(super) fn values(text: &[u8], say: &mut Say<'_>) {
    let mut tag = String::new();
    let mut at = 0;
    for line in text.split_inclusive(|b| *b == b'\n') {
        let mut start = at;
        at += line.len();
        let end = start + line.trim_ascii_end().len();
        let content = text.get(start..end).unwrap_or_default();
        if content.starts_with(b"-}") || content.starts_with(b"{") {
            tag.clear();
        } else if let Some(field) = content.strip_prefix(b":")
            && let Some(length) = field.iter().take(4).position(|b| *b == b':')
        {
            tag = String::from_utf8_lossy(field.get(..length).unwrap_or_default()).into_owned();
            start += length + 2;
        }
        if tag.is_empty() {
            continue;
        }
        let value = text.get(start..end).unwrap_or_default();
        if tag.starts_with("86") && value.contains(&b'?') {
            structured(text, &tag, start..end, say);
        } else if value.starts_with(b"/") && is_party(&tag) {
            // `/D/` and `//CH` say whose side it is, and what clearing system.
            let inside = value.iter().rposition(|b| *b == b'/').map_or(0, |n| n + 1);
            say(format!("{tag}.account number"), start + inside..end);
        } else {
            let value = if tag.starts_with("25") { without_currency(value) } else { value };
            say(tag.clone(), start..start + value.len());
        }
    }
}

/// An account as statements write it, its currency (three letters) right behind it.
fn without_currency(account: &[u8]) -> &[u8] {
    match account.split_last_chunk::<3>() {
        Some((number, currency))
            if currency.iter().all(u8::is_ascii_uppercase) && number.last().is_some_and(u8::is_ascii_digit) =>
        {
            number
        }
        _ => account,
    }
}

/// Whether a field names a party or an account: in others a slash begins a code word (`/INV/`, `/IBAN/`).
fn is_party(tag: &str) -> bool {
    tag.starts_with('5') || tag.starts_with("25") || tag.starts_with("8") && !tag.starts_with("86")
}

/// The information to the account owner in subfields, as German banks write it: `?31` the account, `?32` and
/// `?33` the name of the other side.
fn structured(text: &[u8], tag: &str, range: Range<usize>, say: &mut Say<'_>) {
    for part in super::split(text, range, b'?', None) {
        let code = text.get(part.start..part.start + 2).unwrap_or_default();
        if code.iter().all(u8::is_ascii_digit) && part.len() > 2 {
            let meaning = if code == b"31" { ".account number" } else { "" };
            say(format!("{tag}.{}{meaning}", String::from_utf8_lossy(code)), part.start + 2..part.end);
        }
    }
}
