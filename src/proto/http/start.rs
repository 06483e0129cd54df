//! Start lines (RFC 9112 sections 3 and 4), the end of a head, and finding one's footing again. Lenient:
//! any method token, spaces and 8-bit characters in the target, a missing reason, bare line feeds.

use memchr::{memchr, memmem};

/// Longest method that is believed.
const METHOD_BYTES: usize = 32;
/// Bytes before a version in which its request line must begin, when looking for one.
const LINE_BACK: usize = 8 << 10;

/// A request line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RequestLine<'a> {
    pub(super) method: &'a [u8],
    pub(super) target: &'a [u8],
    /// Where the target starts in the line, or in whatever the line is part of.
    pub(super) target_at: usize,
    /// HTTP/0.9: no version, no headers, and an answer that is nothing but content.
    pub(super) old: bool,
}

/// A request line, given without its line feed.
pub(super) fn request_line(line: &[u8]) -> Option<RequestLine<'_>> {
    let line = line.trim_ascii_end();
    let space = memchr(b' ', line)?;
    let (method, rest) = line.split_at_checked(space)?;
    if !is_method(method) {
        return None;
    }
    let target = rest.trim_ascii_start();
    let target_at = line.len() - target.len();
    let Some(version) = memchr::memrchr(b' ', target) else {
        let old = method == b"GET" && target.starts_with(b"/");
        return old.then_some(RequestLine { method, target, target_at, old });
    };
    let (target, version) = target.split_at_checked(version)?;
    match version.trim_ascii_start() {
        [b'H', b'T', b'T', b'P', b'/', b'0' | b'1', b'.', minor] if minor.is_ascii_digit() => {
            Some(RequestLine { method, target: target.trim_ascii_end(), target_at, old: false })
        }
        _ => None,
    }
}

/// The status of a status line, given without its line feed.
pub(super) fn status_line(line: &[u8]) -> Option<u16> {
    let rest = line.strip_prefix(b"HTTP/1.").or_else(|| line.strip_prefix(b"HTTP/0."))?;
    let (minor, rest) = rest.split_first()?;
    let rest = rest.strip_prefix(b" ")?.trim_ascii_start();
    let (digits, after) = rest.split_first_chunk::<3>()?;
    let end = after.first().is_none_or(|b| !b.is_ascii_graphic());
    if !minor.is_ascii_digit() || !end {
        return None;
    }
    digits.iter().try_fold(0, |status, digit| digit.is_ascii_digit().then(|| status * 10 + u16::from(digit - b'0')))
}

/// Whether these are a method's characters, and not too many of them (RFC 9110 section 5.6.2, `token`).
pub(in crate::proto) fn is_method(name: &[u8]) -> bool {
    !name.is_empty() && name.len() <= METHOD_BYTES && name.iter().all(|b| is_token(*b))
}

/// A `tchar`.
pub(in crate::proto) const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        )
}

/// Where the head ends: after its empty line. The first `scanned` bytes are known not to hold it.
pub(in crate::proto) fn head_end(bytes: &[u8], scanned: usize) -> Option<usize> {
    let mut at = scanned;
    loop {
        at += memchr(b'\n', bytes.get(at..)?)? + 1;
        match bytes.get(at..)? {
            [b'\n', ..] => return Some(at + 1),
            [b'\r', b'\n', ..] => return Some(at + 2),
            _ => {}
        }
    }
}

/// The first line, without its line feed, and where the next one starts.
pub(in crate::proto) fn first_line(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let end = memchr(b'\n', bytes)?;
    let line = bytes.get(..end)?;
    Some((line.strip_suffix(b"\r").unwrap_or(line), end + 1))
}

/// Where to go on looking for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Footing {
    /// A message starts here.
    Found(usize),
    /// None starts before here; the rest needs more bytes to be judged.
    More(usize),
}

/// The first response that starts in the bytes.
pub(super) fn find_response(bytes: &[u8]) -> Footing {
    const START: &[u8] = b"HTTP/1.";
    for at in memmem::find_iter(bytes, START) {
        let rest = bytes.get(at..).unwrap_or_default();
        match first_line(rest) {
            None if rest.len() < 256 => return Footing::More(at),
            None => {}
            Some((line, next)) if status_line(line).is_some() => match starts_header(rest.get(next..)) {
                Some(true) => return Footing::Found(at),
                Some(false) => {}
                None => return Footing::More(at),
            },
            Some(_) => {}
        }
    }
    Footing::More(bytes.len().saturating_sub(START.len() - 1))
}

/// The first request that starts in the bytes.
pub(super) fn find_request(bytes: &[u8]) -> Footing {
    for version in memmem::find_iter(bytes, b" HTTP/1.") {
        let back = version.saturating_sub(LINE_BACK);
        let before = bytes.get(back..version).unwrap_or_default();
        let line_start = memchr::memrchr(b'\n', before).map_or(0, |n| n + 1);
        let Some(start) = before.get(line_start..).and_then(method_start) else { continue };
        let at = back + line_start + start;
        let rest = bytes.get(at..).unwrap_or_default();
        match first_line(rest) {
            None if rest.len() < LINE_BACK => return Footing::More(at),
            None => {}
            Some((line, next)) if request_line(line).is_some() => match starts_header(rest.get(next..)) {
                Some(true) => return Footing::Found(at),
                Some(false) => {}
                None => return Footing::More(at),
            },
            Some(_) => {}
        }
    }
    // A request line may have begun: keep the last line.
    let floor = bytes.len().saturating_sub(LINE_BACK);
    let last = bytes.get(floor..).and_then(|tail| memchr::memrchr(b'\n', tail));
    Footing::More(last.map_or(floor, |n| floor + n + 1))
}

/// Where in a line, whose start may be the end of something else, a method and a target begin.
fn method_start(line: &[u8]) -> Option<usize> {
    let targets = [&b" /"[..], b" http://", b" *"];
    let space = targets.iter().filter_map(|t| memmem::find(line, t)).min()?;
    let method = line.get(..space)?.iter().rev().take_while(|b| b.is_ascii_uppercase() || **b == b'-').count();
    (method > 0).then_some(space - method)
}

/// Whether a header or an empty line starts here; `None` when it takes more bytes to tell.
fn starts_header(bytes: Option<&[u8]>) -> Option<bool> {
    let bytes = bytes?;
    match bytes.iter().position(|b| !is_token(*b)) {
        Some(0) => match bytes {
            [b'\r'] => None,
            [b'\n', ..] | [b'\r', b'\n', ..] => Some(true),
            _ => Some(false),
        },
        Some(end) => Some(matches!(bytes.get(end), Some(b':' | b' '))),
        None if bytes.len() < 128 => None,
        None => Some(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_lines_of_every_kind_are_read() {
        let read = |line| request_line(line).map(|r| (r.method, r.target, r.old));
        assert_eq!(read(b"GET / HTTP/1.1\r"), Some((&b"GET"[..], &b"/"[..], false)));
        assert_eq!(read(b"PROPFIND /a b\xe4 HTTP/1.0"), Some((&b"PROPFIND"[..], &b"/a b\xe4"[..], false)));
        assert_eq!(read(b"GET /old"), Some((&b"GET"[..], &b"/old"[..], true)));
        assert_eq!(read(b"PRI * HTTP/2.0"), None);
        assert_eq!(read(b"OPTIONS sip:a@b SIP/2.0"), None);
        assert_eq!(read(b"USER anonymous"), None);
    }

    #[test]
    fn status_lines_may_lack_a_reason() {
        assert_eq!(status_line(b"HTTP/1.1 200 OK"), Some(200));
        assert_eq!(status_line(b"HTTP/1.0 404"), Some(404));
        assert_eq!(status_line(b"HTTP/1.1 2000"), None);
        assert_eq!(status_line(b"RTSP/1.0 200 OK"), None);
    }

    #[test]
    fn a_message_is_found_behind_the_end_of_another() {
        assert_eq!(find_response(b"...</html>HTTP/1.1 200 OK\r\nDate: x\r\n"), Footing::Found(10));
        assert_eq!(find_response(b"say HTTP/1.1 is old HTT"), Footing::More(4));
        assert_eq!(find_request(b"a=1&b=2POST /x HTTP/1.1\r\nHost: y\r\n"), Footing::Found(7));
        assert_eq!(find_request(b"rubbish\nGET / HT"), Footing::More(8));
    }
}
