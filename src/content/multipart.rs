//! Multipart bodies (RFC 2046 section 5.1): form uploads, mail, byte ranges. Finds the parts; what is
//! inside them is for the caller. A cut body gives the parts it has, the last of them open.

use std::ops::Range;

use memchr::memmem::Finder;

/// One part. Ranges are of the bytes given to [`parts`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its header lines, for [`super::header::headers`].
    pub head: Range<usize>,
    /// Its content, without the line end before the next delimiter.
    pub body: Range<usize>,
    /// The delimiter after it was seen; otherwise more of its content may follow.
    pub closed: bool,
}

/// A delimiter line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delimiter {
    /// Where it starts: at the line end before it, which is part of it.
    pub start: usize,
    /// Where the next line starts.
    pub end: usize,
    /// It closes the multipart.
    pub last: bool,
}

/// The parts between the delimiters made of `boundary` (without the leading dashes). What stands before
/// the first delimiter and after the closing one is no part.
pub fn parts(bytes: &[u8], boundary: &[u8]) -> impl Iterator<Item = Part> {
    let dashed = [b"--", boundary].concat();
    let mut open = next(bytes, &Finder::new(&dashed), 0);
    std::iter::from_fn(move || {
        let start = open.filter(|d| !d.last && d.end < bytes.len())?.end;
        open = next(bytes, &Finder::new(&dashed), start);
        let end = open.map_or(bytes.len(), |d| d.start.max(start));
        let head = start + head_length(bytes.get(start..end)?);
        Some(Part { head: start..head, body: head..end, closed: open.is_some() })
    })
}

/// The next delimiter at or after `from`.
pub fn delimiter(bytes: &[u8], boundary: &[u8], from: usize) -> Option<Delimiter> {
    next(bytes, &Finder::new(&[b"--", boundary].concat()), from)
}

/// The boundary of a multipart whose type did not name one: its first line that starts with two dashes.
pub fn guess_boundary(bytes: &[u8]) -> Option<&[u8]> {
    let line = bytes.split(|b| *b == b'\n').take(8).find(|line| line.starts_with(b"--"))?;
    let boundary = line.strip_prefix(b"--")?.trim_ascii_end();
    (!boundary.is_empty() && boundary.len() <= 70).then_some(boundary)
}

fn next(bytes: &[u8], dashed: &Finder<'_>, mut from: usize) -> Option<Delimiter> {
    loop {
        let at = from + dashed.find(bytes.get(from..)?)?;
        let after = at + dashed.needle().len();
        from = after;
        let before = bytes.get(..at)?;
        if !(before.is_empty() || before.ends_with(b"\n")) {
            continue;
        }
        let rest = bytes.get(after..)?;
        let line = memchr::memchr(b'\n', rest);
        let tail = rest.get(..line.unwrap_or(rest.len()))?;
        let last = tail.starts_with(b"--");
        // Padding may follow; anything else is a longer boundary, of a multipart inside this one.
        if !tail.get(if last { 2 } else { 0 }..)?.trim_ascii().is_empty() {
            continue;
        }
        let before = before.strip_suffix(b"\n").unwrap_or(before);
        let start = before.strip_suffix(b"\r").unwrap_or(before).len();
        return Some(Delimiter { start, end: line.map_or(bytes.len(), |n| after + n + 1), last });
    }
}

/// Bytes of a part up to and including its empty line. A part without one is all header.
fn head_length(part: &[u8]) -> usize {
    let mut at = 0;
    for line in part.split_inclusive(|b| *b == b'\n') {
        at += line.len();
        if matches!(line, b"\r\n" | b"\n") {
            break;
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] =
        b"preamble\r\n--AB\r\nX: 1\r\n\r\none\r\n\r\n--AB \r\n\r\ntwo --AB\r\n--ABC\r\n--AB--\r\nepilogue";

    fn texts(bytes: &[u8]) -> Vec<(String, bool)> {
        parts(bytes, b"AB").map(|p| (String::from_utf8_lossy(&bytes[p.body]).into_owned(), p.closed)).collect()
    }

    #[test]
    fn parts_lie_between_whole_delimiter_lines() {
        assert_eq!(texts(BODY), [("one\r\n".into(), true), ("two --AB\r\n--ABC".into(), true)]);
        let first = parts(BODY, b"AB").next().unwrap();
        assert_eq!(&BODY[first.head], b"X: 1\r\n\r\n");
    }

    #[test]
    fn a_body_cut_anywhere_gives_the_parts_it_has() {
        for cut in 0..BODY.len() {
            let seen = texts(&BODY[..cut]);
            assert!(seen.len() <= 2, "{seen:?}");
        }
        let inside = BODY.windows(4).position(|w| w == b"two ").unwrap() + 2;
        assert_eq!(texts(&BODY[..inside]), [("one\r\n".into(), true), ("tw".into(), false)]);
    }

    #[test]
    fn bare_line_feeds_and_empty_parts_are_tolerated() {
        assert_eq!(texts(b"--AB\nX: 1\n\none\n--AB\n--AB--\n"), [("one".into(), true), (String::new(), true)]);
    }

    #[test]
    fn a_missing_boundary_is_found_in_the_body() {
        assert_eq!(guess_boundary(b"\r\n--xyz \r\nA: b\r\n"), Some(&b"xyz"[..]));
        assert_eq!(guess_boundary(b"no parts"), None);
    }
}
