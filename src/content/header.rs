//! `Name: value` lines as HTTP, MIME and their kin write them: any line ending, folded values, no
//! demands on the characters.

use std::borrow::Cow;

use super::charset::Charset;
use super::percent::{self, Plus};

/// A header line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// The name, without spaces around it.
    pub name: &'a [u8],
    /// The value, without spaces around it, with the line ends of a folded value still inside.
    pub value: &'a [u8],
    /// Where the value starts in the block, in bytes.
    pub at: usize,
}

impl<'a> Header<'a> {
    /// The value on one line: the line ends of a folded value, and the spaces after them, are one space.
    pub fn unfolded(&self) -> Cow<'a, [u8]> {
        if memchr::memchr(b'\n', self.value).is_none() {
            return Cow::Borrowed(self.value);
        }
        let lines = self.value.split(|b| *b == b'\n').map(<[u8]>::trim_ascii);
        Cow::Owned(lines.collect::<Vec<_>>().join(&b' '))
    }
}

/// The headers of a block, up to its first empty line or its end. Lines without a colon are passed over.
pub fn headers(block: &[u8]) -> impl Iterator<Item = Header<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let line = logical_line(block.get(at..)?)?;
            let start = at;
            at += line.len();
            if line.trim_ascii().is_empty() {
                return None;
            }
            let Some(colon) = memchr::memchr(b':', line) else { continue };
            let (name, value) = line.split_at_checked(colon)?;
            let value = value.strip_prefix(b":").unwrap_or(value);
            let trimmed = value.trim_ascii_start();
            return Some(Header {
                name: name.trim_ascii(),
                value: trimmed.trim_ascii_end(),
                at: start + line.len() - trimmed.len(),
            });
        }
    })
}

/// A parameter of a value like `form-data; name="x"`: the part after `name=`, without its quotes. The
/// extended form `name*=charset'language'value` (RFC 8187) is decoded, also where it comes in parts
/// (`name*0*=`, `name*1=`: RFC 2231).
pub fn parameter<'a>(value: &'a [u8], name: &str) -> Option<Cow<'a, [u8]>> {
    let (mut joined, mut charset) = (None::<Vec<u8>>, None);
    for part in split_quoted(value, b';').skip(1) {
        let mut halves = part.splitn(2, |b| *b == b'=').map(<[u8]>::trim_ascii);
        let (Some(key), Some(text)) = (halves.next(), halves.next()) else { continue };
        let Some(rest) = key.split_at_checked(name.len()).filter(|(own, _)| own.eq_ignore_ascii_case(name.as_bytes()))
        else {
            continue;
        };
        let first = joined.is_none();
        match rest.1 {
            [] => return Some(unquoted(text)),
            [b'*', .., b'*'] | [b'*'] => {
                let mut parts = text.splitn(3, |b| *b == b'\'');
                let (label, coded) = (parts.next(), parts.nth(1).filter(|_| first));
                charset = coded.and(label).and_then(Charset::named).or(charset);
                let decoded = percent::decode(coded.unwrap_or(text), Plus::Plus);
                joined.get_or_insert_default().extend_from_slice(&decoded);
            }
            [b'*', number @ ..] if number.iter().all(u8::is_ascii_digit) => {
                joined.get_or_insert_default().extend_from_slice(&unquoted(text));
            }
            _ => {}
        }
    }
    let joined = joined?;
    Some(match charset {
        Some(charset) => charset.read(&joined).into_owned().into(),
        None => joined.into(),
    })
}

/// Splits at `separator` outside of double quotes; the parts are trimmed.
pub fn split_quoted(value: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(value);
    std::iter::from_fn(move || {
        let text = rest?;
        let (mut quoted, mut escaped) = (false, false);
        let end = text.iter().position(|byte| {
            let here = *byte == separator && !quoted;
            (quoted, escaped) = match byte {
                _ if escaped => (quoted, false),
                b'\\' => (quoted, quoted),
                b'"' => (!quoted, false),
                _ => (quoted, false),
            };
            here
        });
        let part = text.get(..end.unwrap_or(text.len()))?;
        rest = end.and_then(|n| text.get(n + 1..));
        Some(part.trim_ascii())
    })
}

/// A quoted string without its quotes and escapes; anything else as it is.
pub fn unquoted(text: &[u8]) -> Cow<'_, [u8]> {
    let Some(inner) = text.strip_prefix(b"\"") else { return Cow::Borrowed(text) };
    let inner = inner.strip_suffix(b"\"").unwrap_or(inner);
    if memchr::memchr(b'\\', inner).is_none() {
        return Cow::Borrowed(inner);
    }
    let mut out = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => out.extend(bytes.next()),
            _ => out.push(*byte),
        }
    }
    Cow::Owned(out)
}

/// A line with its end and the folded lines (those that begin with a space or a tab) after it. The rest
/// of the block when it has no end; `None` at the end of the block.
fn logical_line(block: &[u8]) -> Option<&[u8]> {
    let mut end = 0;
    loop {
        let rest = block.get(end..)?;
        let Some(length) = memchr::memchr(b'\n', rest) else { break };
        let empty = end == 0 && matches!(rest, [b'\n', ..] | [b'\r', b'\n', ..]);
        end += length + 1;
        if empty || !matches!(block.get(end), Some(b' ' | b'\t')) {
            return block.get(..end);
        }
    }
    if block.is_empty() { None } else { Some(block) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_bare_and_strange_lines_are_read() {
        let block = b"A: 1\r\nFold: one\r\n  two\n\tthree\r\nno colon here\nB :\xe4\xf6 \n\nC: after the end\r\n";
        let all: Vec<_> = headers(block).map(|h| (h.name, h.unfolded().into_owned())).collect();
        assert_eq!(
            all,
            [(&b"A"[..], b"1".to_vec()), (b"Fold", b"one two three".to_vec()), (b"B", b"\xe4\xf6".to_vec())]
        );
        let fold = headers(block).nth(1).unwrap();
        assert!(block[fold.at..].starts_with(b"one"));
    }

    #[test]
    fn a_cut_block_gives_what_it_has() {
        let last = headers(b"A: 1\r\nB: cut").last().unwrap();
        assert_eq!((last.name, last.value), (&b"B"[..], &b"cut"[..]));
    }

    #[test]
    fn parameters_may_be_quoted_or_extended() {
        let value = b"form-data; name=\"a;\\\"b\"; filename*=UTF-8''na%20me; x=y";
        assert_eq!(parameter(value, "name").unwrap().as_ref(), b"a;\"b");
        assert_eq!(parameter(value, "filename").unwrap().as_ref(), b"na me");
        assert_eq!(parameter(value, "X").unwrap().as_ref(), b"y");
        assert_eq!(parameter(b"x; a*=iso-8859-1''na%EFve", "a").unwrap().as_ref(), "naïve".as_bytes());
        assert_eq!(parameter(value, "form-data"), None);
        let parts = b"x; a*0*=koi8-r''%D0%C1; a*1=\"\xd2 \"; a*2*=%CF";
        assert_eq!(parameter(parts, "a").unwrap().as_ref(), "пар о".as_bytes());
    }
}
