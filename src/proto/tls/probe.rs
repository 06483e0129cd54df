//! Recognises TLS by its first records, and sessions already running by several records in a row.

use super::record::{self, Content, HEADER, Look};
use super::sslv2;
use crate::model::flow::Direction;
use crate::proto::{Opening, Verdict};

/// Records in a row that leave no doubt.
const ENOUGH: usize = 4;

/// What one direction looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// Nothing was sent.
    Silent,
    /// It may become something.
    Short,
    ClientHello,
    ServerHello,
    /// So many records in a row that say no more.
    Records(usize),
    Other,
}

pub(super) fn probe(opening: &Opening<'_>) -> Verdict {
    let [client, server] = Direction::BOTH.map(|direction| side(opening.side(direction), opening.midstream));
    match (client, server) {
        (Side::ClientHello, _) | (_, Side::ServerHello) => Verdict::Certain,
        // The connection's server speaks as the client of TLS: so it is in some data connections of
        // FTP, or client and server were guessed wrongly.
        (Side::ServerHello, _) | (_, Side::ClientHello) => Verdict::Likely,
        (Side::Records(one), Side::Records(other)) if one + other > 2 => Verdict::Certain,
        (Side::Records(2..), Side::Silent | Side::Short) | (Side::Silent | Side::Short, Side::Records(2..)) => {
            Verdict::Certain
        }
        (Side::Records(_), Side::Silent | Side::Short | Side::Records(_))
        | (Side::Silent | Side::Short, Side::Records(_)) => Verdict::Likely,
        // The other side began inside a long record.
        (Side::Records(_), Side::Other) | (Side::Other, Side::Records(_)) if opening.midstream => Verdict::Likely,
        (Side::Silent | Side::Short, Side::Silent | Side::Short) if !opening.ended => Verdict::NeedMore,
        _ => Verdict::No,
    }
}

fn side(bytes: &[u8], midstream: bool) -> Side {
    if bytes.is_empty() {
        return Side::Silent;
    }
    match sslv2::opening(bytes) {
        sslv2::Opening::Hello { .. } if bytes.get(2) == Some(&1) => return Side::ClientHello,
        sslv2::Opening::Hello { .. } => return Side::ServerHello,
        sslv2::Opening::Short => return Side::Short,
        sslv2::Opening::No => {}
    }
    match start(bytes) {
        Side::Other if midstream => running(bytes),
        found => found,
    }
}

/// A direction that begins with a record.
fn start(bytes: &[u8]) -> Side {
    match record::header(bytes, true) {
        Look::No => Side::Other,
        Look::Short => Side::Short,
        Look::Yes { content: Content::Handshake, length } => hello(bytes.get(HEADER..).unwrap_or_default(), length),
        Look::Yes { .. } => match in_a_row(bytes) {
            0 => Side::Other,
            count => Side::Records(count),
        },
    }
}

/// A record of handshake messages: it begins with a hello, or with part of a message that nobody can
/// tell from an encrypted one.
fn hello(content: &[u8], length: usize) -> Side {
    // type, length (3 bytes), version
    let fits = |at: usize, fit: &dyn Fn(u8) -> bool| at >= length || content.get(at).is_none_or(|b| fit(*b));
    let body = fits(1, &|b| b == 0) && fits(4, &|b| matches!(b, 1 | 3 | 0x7f));
    match content.first() {
        None => Side::Short,
        Some(1 | 2) if !body => Side::Other,
        Some(1 | 2) if content.len() < length.min(6) => Side::Short,
        Some(1) => Side::ClientHello,
        Some(2) => Side::ServerHello,
        Some(_) => Side::Records(1),
    }
}

/// A direction that begins inside a record of a running session: two headers have to fit together, as
/// one may stand anywhere by chance, unless it is that of a record as long as records get.
fn running(bytes: &[u8]) -> Side {
    memchr::memchr_iter(23, bytes)
        .filter_map(|at| bytes.get(at..))
        .map(|rest| match (in_a_row(rest), rest) {
            (1, [_, 3, 3, 0x40, ..]) => 1,
            (count, _) => count.saturating_sub(1),
        })
        .find(|count| *count > 0)
        .map_or(Side::Other, Side::Records)
}

/// How many records follow each other, up to [`ENOUGH`]; 0 when something else follows before that.
fn in_a_row(mut bytes: &[u8]) -> usize {
    for count in 0..ENOUGH {
        match record::header(bytes, true) {
            Look::Yes { length, .. } => bytes = bytes.get(HEADER + length..).unwrap_or_default(),
            Look::Short => return count,
            Look::No => return 0,
        }
    }
    ENOUGH
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(to_server: &[u8], to_client: &[u8], midstream: bool) -> Verdict {
        probe(&Opening { to_server, to_client, server_port: 9, midstream, ended: false })
    }

    #[test]
    fn a_hello_is_certain_from_its_eleventh_byte() {
        let hello = [22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3];
        for cut in 0..hello.len() {
            assert_eq!(ask(&hello[..cut], b"", false), Verdict::NeedMore, "{cut}");
        }
        assert_eq!(ask(&hello, b"", false), Verdict::Certain);
        assert_eq!(ask(b"", &hello, false), Verdict::Likely);
    }

    #[test]
    fn a_hello_in_tiny_records_is_recognised() {
        assert_eq!(ask(&[22, 3, 1, 0, 1, 1, 22, 3, 1], b"", false), Verdict::Certain);
    }

    #[test]
    fn a_running_session_is_recognised_by_records_in_a_row() {
        let mut stream = vec![23, 3, 3, 0, 40];
        stream.extend([0xa7; 40]);
        assert_eq!(ask(&stream, b"", true), Verdict::Likely);
        stream.extend(stream.clone());
        assert_eq!(ask(&stream, b"", true), Verdict::Certain);
        assert_eq!(ask(&stream, &stream, true), Verdict::Certain);
        stream.extend(stream.clone());
        assert_eq!(ask(&stream[9..], b"", true), Verdict::Certain);
        assert_eq!(ask(&stream[9..], b"", false), Verdict::No);
    }

    #[test]
    fn what_only_looks_like_a_record_is_refused() {
        for bytes in [&b"\x16\x03\x01\x02\x00\x01\x20\x00"[..], b"GET / HTTP/1.1\r\n", b"\x17\x05\x01\0\x10", &[22; 40]]
        {
            assert_eq!(ask(bytes, b"", false), Verdict::No, "{bytes:?}");
        }
    }
}
