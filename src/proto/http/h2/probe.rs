//! Recognises HTTP/2 by how it begins, or, where that was not captured, by frames in a row.

use super::PREFACE;
use super::frame::{self, HEAD, Head, Look};
use crate::model::flow::Direction;
use crate::proto::{Opening, Verdict};

/// Judges an opening.
pub(super) fn probe(opening: &Opening<'_>) -> Verdict {
    match (client(opening), server(opening)) {
        (Verdict::Certain, _) | (_, Verdict::Certain) => Verdict::Certain,
        (Verdict::Likely, _) | (_, Verdict::Likely) => Verdict::Likely,
        (Verdict::No, _) | (_, Verdict::No) if opening.midstream => midstream(opening),
        (Verdict::No, _) | (_, Verdict::No) => Verdict::No,
        _ => Verdict::NeedMore,
    }
}

fn client(opening: &Opening<'_>) -> Verdict {
    let bytes = opening.to_server;
    let shown = bytes.get(..PREFACE.len()).unwrap_or(bytes);
    match () {
        () if shown == PREFACE => Verdict::Certain,
        () if !PREFACE.starts_with(shown) => Verdict::No,
        // The first line of it, cut by a snap length.
        () if opening.ended && shown.len() > 14 => Verdict::Likely,
        () => Verdict::NeedMore,
    }
}

/// A server begins with settings, which hardly anything else looks like. Where there are none of them, a
/// second frame must tell.
fn server(opening: &Opening<'_>) -> Verdict {
    let bytes = opening.to_client;
    let Some(head) = Head::read(bytes) else {
        return if [0; 3].starts_with(bytes.get(..3).unwrap_or(bytes)) || bytes.len() < 3 && bytes.starts_with(&[0]) {
            Verdict::NeedMore
        } else {
            Verdict::No
        };
    };
    if !head.is_preface() {
        return Verdict::No;
    }
    let Some(settings) = bytes.get(HEAD..HEAD + head.length) else { return Verdict::NeedMore };
    // Their numbers: those of RFC 9113, RFC 8441, RFC 9218, of gRPC, and those that are kept free for nonsense.
    let known = |number: u16| matches!(number, 1..=9 | 0xfe03..=0xfe05) || number & 0x0f0f == 0x0a0a;
    let all = settings.chunks_exact(6).all(|s| s.first_chunk().is_some_and(|n| known(u16::from_be_bytes(*n))));
    if !all {
        return Verdict::No;
    }
    match frame::look(Direction::ToClient, bytes, opening.ended) {
        Look::No if head.length == 0 && opening.to_client.len() > HEAD => Verdict::No,
        Look::Frames | Look::Message => Verdict::Certain,
        Look::No | Look::More if head.length > 0 => Verdict::Likely,
        Look::No | Look::More => Verdict::NeedMore,
    }
}

/// The capture began in the middle.
fn midstream(opening: &Opening<'_>) -> Verdict {
    let mut best = Verdict::NeedMore;
    for direction in Direction::BOTH {
        let bytes = opening.side(direction);
        let (at, found) = frame::find(direction, bytes);
        let rest = bytes.get(at..).unwrap_or_default();
        if found || opening.ended {
            match frame::look(direction, rest, opening.ended) {
                Look::Message => return Verdict::Certain,
                Look::Frames => best = Verdict::Likely,
                Look::No | Look::More => {}
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: &[u8] = b"\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64";

    fn judge(to_server: &[u8], to_client: &[u8], midstream: bool, ended: bool) -> Verdict {
        probe(&Opening { to_server, to_client, server_port: 80, midstream, ended })
    }

    #[test]
    fn the_preface_of_either_side_is_enough() {
        assert_eq!(judge(PREFACE, b"", false, false), Verdict::Certain);
        assert_eq!(judge(&PREFACE[..20], b"", false, false), Verdict::NeedMore);
        assert_eq!(judge(&PREFACE[..20], b"", false, true), Verdict::Likely);
        assert_eq!(judge(b"", SETTINGS, false, false), Verdict::Likely);
        let more = [SETTINGS, b"\0\0\0\x04\x01\0\0\0\0", b"\0\0\x04\x08\0\0\0\0\0\0\0\x01\0"].concat();
        assert_eq!(judge(b"", &more, false, false), Verdict::Certain);
    }

    #[test]
    fn others_are_refused() {
        assert_eq!(judge(b"GET / HTTP/1.1\r\n", b"", false, false), Verdict::No);
        assert_eq!(judge(b"PRI * HTTP/1.1\r\n", b"", false, false), Verdict::No);
        assert_eq!(judge(b"", b"HTTP/1.1 200 OK\r\n", false, false), Verdict::No);
        assert_eq!(judge(b"", b"\0\0\x06\x04\0\0\0\0\0\x77\x77\0\0\0\x64", false, false), Verdict::No);
        assert_eq!(judge(b"", &[0; 100], false, false), Verdict::No);
    }

    #[test]
    fn a_capture_that_starts_in_the_middle_waits_for_frames() {
        let frames = b"content\0\0\x04\x01\x04\0\0\0\x05\x82\x84\x86\xbe\0\0\x04\x08\0\0\0\0\0\0\0\x01\0\0\0\x08\x06\0\0\0\0\0pingpong";
        assert_eq!(judge(frames, b"", true, false), Verdict::Certain);
        assert_eq!(judge(frames, b"", false, false), Verdict::No);
        assert_eq!(judge(&frames[..20], b"", true, false), Verdict::NeedMore);
        assert_eq!(judge(&frames[7..33], b"", true, true), Verdict::Certain);
    }
}
