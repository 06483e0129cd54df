//! Fields of forms in pages, which the text before them names: `<label>Phone <input name="f2" value="x"></label>`.

use std::ops::Range;

use super::after::Pair;
use super::bytes::{backward, forward, prior, quote};
use crate::rules::schema::Place;

/// Longest tag, and longest text before one.
const TAG: usize = 256;
const TEXT: usize = 80;

/// Tags that may stand between a text and its field.
const BETWEEN: usize = 4;

/// What is in the field whose tag is at `open`; nothing of a button.
pub(super) fn value(text: &[u8], name: Range<usize>, open: usize) -> Option<Pair> {
    let close = forward(text, open, TAG, |b| b != b'>');
    let tag = text.get(open..close)?.to_ascii_lowercase();
    let button = ["submit", "button", "reset", "image", "checkbox", "radio", "file"];
    let is = |kind: &&str| {
        let said = [format!("type=\"{kind}\""), format!("type='{kind}'"), format!("type={kind}")];
        said.iter().any(|said| memchr::memmem::find(&tag, said.as_bytes()).is_some())
    };
    if button.iter().any(is) {
        return None;
    }
    let from = open + memchr::memmem::find(&tag, b" value=")? + b" value=".len();
    let mark = text.get(from).copied().filter(|mark| quote(*mark))?;
    let end = forward(text, from + 1, TAG, |b| b != mark);
    (end > from + 1 && end < close).then_some(Pair { name, value: from + 1..end, place: Place::Label, delimited: true })
}

/// The text before the field that holds what is at `start`.
pub(super) fn before(text: &[u8], start: usize) -> Option<Range<usize>> {
    let inside = backward(text, start, TAG, |b| !matches!(b, b'<' | b'>'));
    let mut from = inside.checked_sub(1)?;
    let tag = text.get(from..start)?;
    if !tag.get(..6)?.eq_ignore_ascii_case(b"<input") {
        return None;
    }
    for _ in 0..=BETWEEN {
        from = backward(text, from, TEXT, |b| b.is_ascii_whitespace() || b == b':' || b == b'*');
        if prior(text, from) != b'>' {
            break;
        }
        from = backward(text, from, TAG, |b| b != b'<').checked_sub(1)?;
    }
    let first = backward(text, from, TEXT, |b| !matches!(b, b'<' | b'>' | b'\n'));
    (first < from && prior(text, first) == b'>').then_some(first..from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_has_what_its_label_names() {
        for (page, expected) in [
            ("<label>Phone<input name=\"f2\" value=\"x7\"></label>", Some("x7")),
            ("<label>Phone<input type='tel' value='x7'/></label>", Some("x7")),
            ("<label>Phone<input type=\"submit\" value=\"x7\">", None),
            ("<label>Phone<input name=\"f2\" value=\"\">", None),
            ("<label>Phone<input name=\"f2\">", None),
        ] {
            let open = page.find("<input").unwrap();
            let found = value(page.as_bytes(), 7..12, open).map(|pair| &page[pair.value]);
            assert_eq!(found, expected, "{page}");
        }
    }

    #[test]
    fn a_label_stands_before_its_field() {
        for (page, expected) in [
            ("<p><label>Card no<input name=\"f\" value=\"x7\">", Some("Card no")),
            ("<td>Card no:</td>\n<td><input value=\"x7\">", Some("Card no")),
            ("<b>Card no</b> *<br><input value=\"x7\">", Some("Card no")),
            ("<p>Card no<select value=\"x7\">", None),
            ("x7", None),
        ] {
            let found = before(page.as_bytes(), page.find("x7").unwrap()).map(|range| &page[range]);
            assert_eq!(found, expected, "{page}");
        }
    }
}
