//! Recognises HTTP/0.9 to HTTP/1.1 by its start lines.

use super::start::{Footing, find_request, find_response, first_line, is_token, request_line, status_line};
use crate::proto::{Opening, Verdict};

/// Methods of HTTP and WebDAV, for requests whose line is longer than what is there.
const METHODS: [&[u8]; 12] = [
    b"GET ",
    b"POST ",
    b"PUT ",
    b"HEAD ",
    b"DELETE ",
    b"PATCH ",
    b"CONNECT ",
    b"OPTIONS ",
    b"PROPFIND ",
    b"PROPPATCH ",
    b"REPORT ",
    b"MKCOL ",
];
/// An unfinished line is believed from here on.
const LONG_LINE: usize = 1024;

/// Judges an opening.
pub(super) fn probe(opening: &Opening<'_>) -> Verdict {
    let asked = request(opening.to_server, opening.ended);
    let answered = response(opening.to_client, opening.ended);
    match (asked, answered) {
        // What the other side says has another form: an error message in a strange protocol's
        // direction, or a conversation that began before the capture.
        (Verdict::Certain, Verdict::No) | (Verdict::No, Verdict::Certain) if !opening.midstream => Verdict::Likely,
        (Verdict::Certain, _) | (_, Verdict::Certain) => Verdict::Certain,
        // HTTP/0.9, whose answer has no form at all; lines that were cut.
        (Verdict::Likely, _) | (_, Verdict::Likely) => Verdict::Likely,
        (Verdict::No, _) | (_, Verdict::No) if opening.midstream => midstream(opening),
        (Verdict::No, _) | (_, Verdict::No) => Verdict::No,
        _ => Verdict::NeedMore,
    }
}

fn request(bytes: &[u8], ended: bool) -> Verdict {
    let start = bytes.iter().position(|b| !matches!(b, b'\r' | b'\n')).unwrap_or(bytes.len());
    let bytes = bytes.get(start..).unwrap_or_default();
    match first_line(bytes) {
        Some((line, next)) => match request_line(line) {
            Some(line) if !line.old => Verdict::Certain,
            Some(_) if next == bytes.len() => Verdict::Likely,
            _ => Verdict::No,
        },
        None => {
            let token = bytes.iter().take_while(|b| is_token(**b)).count();
            let method = METHODS.iter().any(|m| bytes.starts_with(m));
            match bytes.get(token..) {
                // Too long for what is kept, or cut by a snap length.
                Some([b' ', b'/' | b'h' | b'*', ..]) if method && (ended || bytes.len() >= LONG_LINE) => {
                    Verdict::Likely
                }
                Some([] | [b' ', ..]) if bytes.is_empty() || token > 0 && token <= 32 => Verdict::NeedMore,
                _ => Verdict::No,
            }
        }
    }
}

fn response(bytes: &[u8], ended: bool) -> Verdict {
    const START: &[u8] = b"HTTP/1.";
    let start = bytes.get(..START.len()).unwrap_or(bytes);
    if !START.starts_with(start) && !b"HTTP/0.".starts_with(start) {
        return Verdict::No;
    }
    match bytes.get(..13) {
        // `HTTP/1.1 200` and what follows it.
        Some(line) if status_line(line).is_some() => Verdict::Certain,
        Some(_) => Verdict::No,
        None => match first_line(bytes) {
            Some((line, _)) if status_line(line).is_some() => Verdict::Certain,
            Some(_) => Verdict::No,
            None if ended && start.len() == START.len() => Verdict::Likely,
            None => Verdict::NeedMore,
        },
    }
}

/// The capture began inside a message: a whole start line somewhere later tells.
fn midstream(opening: &Opening<'_>) -> Verdict {
    let found = |footing| matches!(footing, Footing::Found(_));
    if found(find_request(opening.to_server)) || found(find_response(opening.to_client)) {
        Verdict::Likely
    } else {
        Verdict::NeedMore
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(to_server: &[u8], to_client: &[u8], midstream: bool) -> Verdict {
        probe(&Opening { to_server, to_client, server_port: 80, midstream, ended: false })
    }

    #[test]
    fn a_start_line_of_either_side_is_enough() {
        assert_eq!(judge(b"GET / HTTP/1.1\r\n", b"", false), Verdict::Certain);
        assert_eq!(judge(b"", b"HTTP/1.1 200 OK\r\n", false), Verdict::Certain);
        assert_eq!(judge(b"GET /unfini", b"", false), Verdict::NeedMore);
        assert_eq!(judge(b"GET /old\r\n", b"", false), Verdict::Likely);
    }

    #[test]
    fn a_line_cut_by_a_snap_length_is_likely() {
        let cut = |to_server: &[u8], to_client: &[u8]| {
            probe(&Opening { to_server, to_client, server_port: 80, midstream: false, ended: true })
        };
        assert_eq!(cut(b"GET /download.html HT", b"HTTP/1.1 2"), Verdict::Likely);
        assert_eq!(cut(b"", b"HTTP/1.1 2"), Verdict::Likely);
        assert_eq!(cut(b"GET me out", b""), Verdict::NeedMore);
    }

    #[test]
    fn others_are_refused() {
        assert_eq!(judge(b"OPTIONS rtsp://x RTSP/1.0\r\n", b"", false), Verdict::No);
        assert_eq!(judge(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"", false), Verdict::No);
        assert_eq!(judge(b"", b"SSH-2.0-x\r\n", false), Verdict::No);
        assert_eq!(judge(b"\x16\x03\x01", b"", false), Verdict::No);
        assert_eq!(judge(b"HTTP/1.1 200 OK\r\n", b"", false), Verdict::No);
    }

    #[test]
    fn a_capture_that_starts_inside_a_body_waits_for_a_start_line() {
        assert_eq!(judge(b"", b"of a page</html>", true), Verdict::NeedMore);
        assert_eq!(judge(b"", b"of a page</html>HTTP/1.1 200 OK\r\nDate: now\r\n", true), Verdict::Likely);
        assert_eq!(judge(b"GET / HTTP/1.1\r\n", b"of a page", true), Verdict::Certain);
    }
}
