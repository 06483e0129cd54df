//! Recognises Redis by either direction alone.

use super::resp::{self, Header};
use crate::proto::{Opening, Verdict};

pub(super) const PORTS: &[u16] = &[6379, 6380, 7000, 16379, 26379];

/// Commands that are typed, and that no other protocol with lines has in this form.
const TYPED: [&str; 22] = [
    "AUTH",
    "CLIENT",
    "COMMAND",
    "CONFIG",
    "DBSIZE",
    "DEL",
    "ECHO",
    "EXISTS",
    "FLUSHALL",
    "GET",
    "HELLO",
    "HGETALL",
    "HSET",
    "INFO",
    "KEYS",
    "MONITOR",
    "PING",
    "SCAN",
    "SELECT",
    "SET",
    "SLAVEOF",
    "SUBSCRIBE",
];

pub(super) fn probe(opening: &Opening<'_>) -> Verdict {
    let client = client(opening);
    let server = server(opening);
    match (opening.to_server.is_empty(), opening.to_client.is_empty()) {
        (true, true) => Verdict::NeedMore,
        (false, true) => client,
        (true, false) => server,
        (false, false) => match (client, server) {
            (Verdict::Certain, _) => Verdict::Certain,
            (Verdict::No, _) | (_, Verdict::No) => Verdict::No,
            // A line of text and a short answer: others talk so, too.
            (Verdict::Likely, _) | (_, Verdict::Likely | Verdict::Certain) => Verdict::Likely,
            (Verdict::NeedMore, Verdict::NeedMore) => Verdict::NeedMore,
        },
    }
}

fn client(opening: &Opening<'_>) -> Verdict {
    let bytes = opening.to_server;
    match bytes.first() {
        None => Verdict::NeedMore,
        Some(b'*') => array(bytes),
        Some(_) if opening.midstream && resp::find_command(bytes).is_ok() => Verdict::Likely,
        Some(_) => typed(opening),
    }
}

/// `*3`, `$3`, `SET`: a count, a length, and a word of that length.
fn array(bytes: &[u8]) -> Verdict {
    let Header::Is(_, count, first) = resp::header(bytes) else { return short(resp::header(bytes)) };
    let rest = bytes.get(first..).unwrap_or_default();
    let Header::Is(kind, length, head) = resp::header(rest) else { return short(resp::header(rest)) };
    if kind != b'$' || !(1..=64).contains(&length) || count < 1 {
        return Verdict::No;
    }
    let name = rest.get(head..).unwrap_or_default();
    let word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'|');
    match name.get(..length as usize) {
        Some(name) if name.iter().all(word) => Verdict::Certain,
        None if name.iter().all(|b| word(b) || b.is_ascii_control()) => Verdict::NeedMore,
        _ => Verdict::No,
    }
}

const fn short(header: Header) -> Verdict {
    match header {
        Header::Short => Verdict::NeedMore,
        Header::Bad | Header::Is(..) => Verdict::No,
    }
}

fn typed(opening: &Opening<'_>) -> Verdict {
    let bytes = opening.to_server;
    let line = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
    let word = line.split(u8::is_ascii_whitespace).next().unwrap_or_default();
    let is = |known: &&str| known.as_bytes().eq_ignore_ascii_case(word);
    let begins = |known: &&str| known.get(..word.len()).is_some_and(|k| k.as_bytes().eq_ignore_ascii_case(word));
    if line.len() == bytes.len() {
        let fits = TYPED.iter().any(|k| is(k) || (word.len() == line.len() && begins(k)));
        return if fits && bytes.len() < 1024 && !opening.ended { Verdict::NeedMore } else { Verdict::No };
    }
    // HTTP, memcached, SMTP, IMAP, IRC have commands of the same names.
    let other = memchr::memmem::find(line, b" HTTP/").is_some()
        || (word.eq_ignore_ascii_case(b"SET") && line.split(|b| *b == b' ').count() == 5)
        || line.iter().any(|b| b.is_ascii_control() && *b != b'\r' && *b != b'\t');
    match (TYPED.iter().any(is), other) {
        (true, false) if PORTS.contains(&opening.server_port) => Verdict::Likely,
        (true, false) => Verdict::NeedMore,
        _ => Verdict::No,
    }
}

fn server(opening: &Opening<'_>) -> Verdict {
    const ERRORS: [&[u8]; 6] = [b"-NOAUTH ", b"-WRONGPASS ", b"-DENIED ", b"-WRONGTYPE ", b"-NOPERM ", b"-MOVED "];
    let bytes = opening.to_client;
    match (bytes.first(), resp::header(bytes)) {
        (None, _) => Verdict::NeedMore,
        (Some(b'$'), Header::Is(_, -1, 5)) => Verdict::NeedMore,
        (Some(b'$'), Header::Is(_, length @ 0.., head)) => match bytes.get(head + length as usize..) {
            Some(rest) if rest.starts_with(b"\r\n") => Verdict::Likely,
            Some([] | [b'\r']) | None => Verdict::NeedMore,
            Some(_) => Verdict::No,
        },
        (Some(b'*' | b'%' | b'~' | b'>'), Header::Is(..)) => match resp::header_after(bytes) {
            Header::Is(b'$' | b'*' | b':' | b'%' | b'+', ..) => Verdict::Likely,
            Header::Short => Verdict::NeedMore,
            _ => Verdict::No,
        },
        (Some(b'$' | b'*' | b'%' | b'~' | b'>' | b':'), Header::Is(..) | Header::Short) => Verdict::NeedMore,
        (Some(b'-'), _) if ERRORS.iter().any(|e| bytes.starts_with(e)) => Verdict::Likely,
        (Some(b'+' | b'-'), _) => {
            // POP3 says +OK and -ERR, too; with words after it, and first.
            let answer =
                bytes.starts_with(b"+OK\r\n") || bytes.starts_with(b"+PONG\r\n") || bytes.starts_with(b"-ERR ");
            match answer {
                true if PORTS.contains(&opening.server_port) => Verdict::Likely,
                true if bytes.starts_with(b"+PONG") => Verdict::Likely,
                true => Verdict::NeedMore,
                false if b"+OK\r\n".starts_with(bytes) || b"+PONG\r\n".starts_with(bytes) => Verdict::NeedMore,
                false if b"-ERR ".starts_with(bytes) => Verdict::NeedMore,
                false => Verdict::No,
            }
        }
        _ if opening.midstream && resp::find_reply(bytes).is_ok() && PORTS.contains(&opening.server_port) => {
            Verdict::Likely
        }
        _ => Verdict::No,
    }
}
