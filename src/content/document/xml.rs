//! Tags and text of XML, front to back, of documents that may be cut.

use crate::content::entity;

/// A part of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// A start tag, or an empty element: its name and what follows it in the tag.
    Open(&'a [u8], &'a [u8]),
    /// An end tag.
    Close(&'a [u8]),
    /// What stands between tags, with its references.
    Text(&'a [u8]),
}

/// The parts of a document.
pub(super) fn parts(text: &[u8]) -> impl Iterator<Item = Part<'_>> {
    let mut rest = text;
    let mut close: Option<&[u8]> = None;
    std::iter::from_fn(move || {
        if let Some(name) = close.take() {
            return Some(Part::Close(name));
        }
        loop {
            if !rest.starts_with(b"<") {
                let end = memchr::memchr(b'<', rest).unwrap_or(rest.len());
                let (text, after) = rest.split_at_checked(end).filter(|(text, _)| !text.is_empty())?;
                rest = after;
                return Some(Part::Text(text));
            }
            if let Some(data) = rest.strip_prefix(b"<![CDATA[") {
                let end = memchr::memmem::find(data, b"]]>").unwrap_or(data.len());
                rest = data.get(end + 3..).unwrap_or_default();
                return data.get(..end).map(Part::Text);
            }
            let end = memchr::memchr(b'>', rest)?;
            let tag = rest.get(1..end)?;
            rest = rest.get(end + 1..)?;
            match tag.first() {
                Some(b'/') => return Some(Part::Close(tag.get(1..)?.trim_ascii())),
                Some(b'?' | b'!') | None => {}
                Some(_) => {
                    let empty = tag.ends_with(b"/");
                    let tag = tag.strip_suffix(b"/").unwrap_or(tag);
                    let (name, attributes) =
                        tag.split_at_checked(tag.iter().position(u8::is_ascii_whitespace).unwrap_or(tag.len()))?;
                    close = empty.then_some(name);
                    return Some(Part::Open(name, attributes));
                }
            }
        }
    })
}

/// The value of an attribute of a tag.
pub(super) fn attribute(attributes: &[u8], name: &str) -> Option<String> {
    let wanted = format!("{name}=");
    let mut from = 0;
    loop {
        let at = from + memchr::memmem::find(attributes.get(from..)?, wanted.as_bytes())?;
        let rest = attributes.get(at + wanted.len()..)?;
        from = at + 1;
        if at > 0 && !attributes.get(at - 1)?.is_ascii_whitespace() {
            continue;
        }
        let (mark, value) = rest.split_first()?;
        let end = memchr::memchr(*mark, value)?;
        return Some(String::from_utf8_lossy(&entity::decode(value.get(..end)?)).into_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_text_and_sections_are_told_apart() {
        let text = b"<?xml?><a x=\"1\"><b/>t&amp;<![CDATA[<]]></a>cut <c";
        let parts: Vec<_> = parts(text).collect();
        assert_eq!(
            parts,
            [
                Part::Open(b"a", b" x=\"1\""),
                Part::Open(b"b", b""),
                Part::Close(b"b"),
                Part::Text(b"t&amp;"),
                Part::Text(b"<"),
                Part::Close(b"a"),
                Part::Text(b"cut "),
            ]
        );
        assert_eq!(attribute(b" xr=\"0\" r=\"B&#50;\"", "r").as_deref(), Some("B2"));
    }
}
