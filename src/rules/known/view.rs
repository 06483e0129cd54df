//! A text without the escapes of URLs, JSON and HTML.

use std::ops::Range;

use memchr::memchr3;

use crate::model::why::{Fact, Why};

/// Longest entity that is undone: `&#x10ffff;`.
const ENTITY: usize = 10;

/// A text with its escapes undone.
pub(super) struct View {
    pub(super) text: Vec<u8>,
    /// After each escape: the offset here, and there.
    steps: Vec<(usize, usize)>,
}

impl View {
    /// Where a part of the view stands in the text it was made of.
    pub(super) fn origin(&self, part: &Range<usize>) -> Range<usize> {
        let place = |offset: usize| {
            let next = self.steps.partition_point(|(here, _)| *here <= offset);
            let (here, there) = next.checked_sub(1).and_then(|n| self.steps.get(n)).copied().unwrap_or_default();
            there + offset - here
        };
        // The last byte may be an escape itself: it ends where the next one begins.
        let end = match self.steps.binary_search_by_key(&part.end, |(here, _)| *here) {
            Ok(n) => self.steps.get(n).map_or(part.end, |(_, there)| *there),
            Err(_) => place(part.end),
        };
        place(part.start)..end.max(place(part.start))
    }
}

/// Undoes escapes; `None` for a text without any.
pub(super) fn unescaped(text: &[u8]) -> Option<View> {
    let first = memchr3(b'%', b'\\', b'&', text)?;
    let mut view = View { text: Vec::with_capacity(text.len()), steps: Vec::new() };
    view.text.extend_from_slice(text.get(..first)?);
    let mut at = first;
    while at < text.len() {
        let rest = text.get(at..)?;
        let (bytes, length) = match rest {
            [b'%', high, low, ..] => (hex(&[*high, *low]).and_then(|n| u8::try_from(n).ok()).map(|b| vec![b]), 3),
            [b'\\', b'u', digits @ ..] => (digits.get(..4).and_then(hex).and_then(utf8), 6),
            [b'\\', b'n', ..] => (Some(vec![b'\n']), 2),
            [b'\\', b'r', ..] => (Some(vec![b'\r']), 2),
            [b'\\', b't', ..] => (Some(vec![b'\t']), 2),
            [b'\\', plain @ (b'"' | b'\'' | b'\\' | b'/'), ..] => (Some(vec![*plain]), 2),
            [b'&', inside @ ..] => match inside.iter().take(ENTITY).position(|b| *b == b';') {
                Some(end) => (inside.get(..end).and_then(entity), end + 2),
                None => (None, 1),
            },
            _ => (None, 1),
        };
        match bytes {
            Some(bytes) => {
                // The escape itself begins where it stood.
                view.steps.push((view.text.len(), at));
                view.text.extend_from_slice(&bytes);
                at += length;
                view.steps.push((view.text.len(), at));
            }
            None => {
                view.text.push(*rest.first()?);
                at += 1;
            }
        }
        let clean = text.get(at..)?;
        let until = memchr3(b'%', b'\\', b'&', clean).unwrap_or(clean.len());
        view.text.extend_from_slice(clean.get(..until)?);
        at += until;
    }
    (!view.steps.is_empty()).then_some(view)
}

/// What kinds of escapes are in what was written.
pub(super) fn how(written: &[u8]) -> Why {
    Why::default()
        .and_if(written.contains(&b'%'), Fact::Percent)
        .and_if(written.contains(&b'\\'), Fact::Escaped)
        .and_if(written.contains(&b'&'), Fact::Entities)
}

fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |n, b| Some(n << 4 | char::from(*b).to_digit(16)?))
}

fn utf8(code: u32) -> Option<Vec<u8>> {
    char::from_u32(code).map(|letter| letter.to_string().into_bytes())
}

fn entity(name: &[u8]) -> Option<Vec<u8>> {
    match name {
        b"amp" => Some(vec![b'&']),
        b"apos" => Some(vec![b'\'']),
        b"gt" => Some(vec![b'>']),
        b"lt" => Some(vec![b'<']),
        b"quot" => Some(vec![b'"']),
        [b'#', b'x' | b'X', digits @ ..] => hex(digits).and_then(utf8),
        [b'#', digits @ ..] => std::str::from_utf8(digits).ok()?.parse().ok().and_then(utf8),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_and_their_places_known() {
        let text = br"a=%41b&amp;c\u00e9&#x21;d\/";
        let view = unescaped(text).unwrap();
        assert_eq!(view.text, "a=Ab&cé!d/".as_bytes());
        let at = view.text.iter().position(|b| *b == b'A').unwrap();
        assert_eq!(&text[view.origin(&(at..at + 4))], b"%41b&amp;c");
        assert_eq!(&text[view.origin(&(0..view.text.len()))], text);
    }

    #[test]
    fn what_only_looks_like_an_escape_stays() {
        for text in ["plain", "100%", "%zz", "&", "&nothing;", "\\", "\\u12", "\\ud800", "&#99999999;"] {
            assert!(unescaped(text.as_bytes()).is_none(), "{text}");
        }
    }
}
