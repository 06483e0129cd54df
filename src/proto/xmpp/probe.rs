//! Recognises XMPP by the opening of a stream.

use super::scan::{self, Stop, Token};
use crate::proto::{Opening, Verdict};

/// The namespace of streams (RFC 6120, section 4.8.1).
const STREAMS: &[u8] = b"http://etherx.jabber.org/streams";
/// Namespaces that stand in stanzas and nowhere else.
const OWN: [&[u8]; 4] = [b"jabber:iq:", b"urn:ietf:params:xml:ns:xmpp-", b"http://jabber.org/protocol/", b"urn:xmpp:"];

pub(super) fn probe(opening: &Opening<'_>) -> Verdict {
    let [asked, answered] = [opening.to_server, opening.to_client].map(stream);
    match (asked, answered) {
        (Verdict::No, _) | (_, Verdict::No) if opening.midstream => {
            let own = |side: &[u8]| scan::find_stanza(side).is_ok() && OWN.iter().any(|n| contains(side, n));
            if own(opening.to_server) || own(opening.to_client) { Verdict::Likely } else { Verdict::NeedMore }
        }
        (Verdict::No, _) | (_, Verdict::No) => Verdict::No,
        (Verdict::Certain, _) | (_, Verdict::Certain) => Verdict::Certain,
        _ => Verdict::NeedMore,
    }
}

/// Whether a side opens a stream.
fn stream(bytes: &[u8]) -> Verdict {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    match scan::token(bytes, 0) {
        Ok((Token::Other, length)) if bytes.starts_with(b"<?xml") => stream(bytes.get(length..).unwrap_or_default()),
        Ok((Token::Open { name: b"stream", attributes, .. }, _)) if names_streams(attributes) => Verdict::Certain,
        Err(Stop::More) if bytes.is_empty() || bytes.starts_with(b"<") => Verdict::NeedMore,
        Ok(_) | Err(_) => Verdict::No,
    }
}

/// Whether attributes name the namespace of streams.
pub(super) fn names_streams(attributes: &[u8]) -> bool {
    contains(attributes, STREAMS)
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    memchr::memmem::find(bytes, text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(to_server: &[u8], to_client: &[u8], midstream: bool) -> Verdict {
        probe(&Opening { to_server, to_client, server_port: 5222, midstream, ended: false })
    }

    #[test]
    fn a_stream_is_known_by_its_namespace() {
        let open = b"<?xml version='1.0'?>\n<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";
        assert_eq!(judge(open, b"", false), Verdict::Certain);
        assert_eq!(judge(b"", open, false), Verdict::Certain);
        assert_eq!(judge(&open[..60], b"", false), Verdict::NeedMore);
        assert_eq!(judge(open, b"HTTP/1.1 400 Bad", false), Verdict::No);
        assert_eq!(judge(b"<?xml version='1.0'?><methodCall>", b"", false), Verdict::No);
        assert_eq!(judge(b"<stream:stream xmlns='x'>", b"", false), Verdict::No);
    }

    #[test]
    fn the_middle_of_a_stream_has_stanzas() {
        let stanza = b"dy></message><iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>";
        assert_eq!(judge(stanza, b"", true), Verdict::Likely);
        assert_eq!(judge(b"some words <message to='x'>", b"", true), Verdict::NeedMore);
    }
}
