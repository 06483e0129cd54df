//! SWIFT MT messages (ISO 15022's predecessor format): blocks in braces, and in the fourth of them
//! fields that begin with `:tag:`. A line that begins with a slash is an account.

use super::Say;

/// Whether a text begins with the basic header block: an application and a service.
pub(super) fn begins(text: &[u8]) -> bool {
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
        if value.starts_with(b"/") {
            // `/D/` and `//CH` say whose side it is, and what clearing system.
            let inside = value.iter().rposition(|b| *b == b'/').map_or(0, |n| n + 1);
            say(format!("{tag}.account number"), start + inside..end);
        } else {
            say(tag.clone(), start..end);
        }
    }
}
