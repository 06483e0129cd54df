//! Recognises MySQL by either direction alone, from the start or from the middle, and finds the next
//! packet after a hole.

use super::wire::{self, CLIENT_PROTOCOL_41, HEADER, LONGEST};
use crate::content::sniff;
use crate::model::flow::Direction;
use crate::proto::cursor::Cursor;
use crate::proto::{Opening, Verdict};

/// Longest packet that is waited for while it is not sure that it is one.
const CANDIDATE: usize = 16 << 10;

/// Bytes of a login before the user's name: enough to know it by.
const LOGIN: usize = 36;

/// Words that a statement begins with.
const VERBS: [&str; 46] = [
    "ALTER",
    "ANALYZE",
    "BEGIN",
    "CALL",
    "CHANGE",
    "CHECK",
    "COMMIT",
    "CREATE",
    "DEALLOCATE",
    "DELETE",
    "DESC",
    "DESCRIBE",
    "DO",
    "DROP",
    "EXECUTE",
    "EXPLAIN",
    "FLUSH",
    "GRANT",
    "HANDLER",
    "HELP",
    "INSERT",
    "INSTALL",
    "KILL",
    "LOAD",
    "LOCK",
    "OPTIMIZE",
    "PREPARE",
    "PURGE",
    "RELEASE",
    "RENAME",
    "REPAIR",
    "REPLACE",
    "RESET",
    "REVOKE",
    "ROLLBACK",
    "SAVEPOINT",
    "SELECT",
    "SET",
    "SHOW",
    "START",
    "STOP",
    "TRUNCATE",
    "UNLOCK",
    "UPDATE",
    "USE",
    "WITH",
];

/// What a packet that may start here looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// The server's greeting, or the client's answer to it: nothing else looks so.
    Opening,
    /// A whole packet. `strong`: hardly anything else looks so.
    Whole {
        length: usize,
        sequence: u8,
        strong: bool,
    },
    /// What is there fits; the packet has this length, as far as is known.
    Partial(Option<usize>),
    No,
}

pub(super) fn probe(opening: &Opening<'_>) -> Verdict {
    let client = judge(Direction::ToServer, opening.to_server, opening.midstream);
    let server = judge(Direction::ToClient, opening.to_client, opening.midstream);
    match (opening.to_server.is_empty(), opening.to_client.is_empty()) {
        (true, true) => Verdict::NeedMore,
        (false, true) => client,
        (true, false) => server,
        (false, false) => match (client, server) {
            (_, Verdict::Certain) => Verdict::Certain,
            (Verdict::No, _) | (_, Verdict::No) => Verdict::No,
            (Verdict::Certain, _) | (Verdict::Likely, Verdict::Likely) => Verdict::Certain,
            (Verdict::Likely, _) | (_, Verdict::Likely) => Verdict::Likely,
            (Verdict::NeedMore, Verdict::NeedMore) => Verdict::NeedMore,
        },
    }
}

fn judge(direction: Direction, bytes: &[u8], midstream: bool) -> Verdict {
    let (mut at, mut whole, mut strong, mut last) = (0, 0u32, 0u32, None);
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        match shape(direction, rest) {
            Shape::Opening => return Verdict::Certain,
            Shape::Whole { length, sequence, strong: s } if follows(direction, last, sequence) => {
                at += length;
                whole += 1;
                strong += u32::from(s);
                last = Some(sequence);
            }
            Shape::Partial(_) if whole == 0 => return Verdict::NeedMore,
            Shape::Partial(_) => break,
            Shape::No | Shape::Whole { .. } if strong >= 2 => return Verdict::Likely,
            Shape::No | Shape::Whole { .. } if midstream && matches!(footing(direction, bytes), Footing::At(_)) => {
                return Verdict::Likely;
            }
            Shape::No | Shape::Whole { .. } => return Verdict::No,
        }
    }
    match strong {
        0 => Verdict::NeedMore,
        1 => Verdict::Likely,
        _ => Verdict::Certain,
    }
}

/// Answers are numbered on from packet to packet; a command begins at 0.
fn follows(direction: Direction, last: Option<u8>, sequence: u8) -> bool {
    match (direction, last) {
        (_, None) => true,
        (Direction::ToServer, Some(_)) => sequence == 0,
        (Direction::ToClient, Some(last)) => sequence == last.wrapping_add(1) || sequence == 1,
    }
}

pub(super) fn shape(direction: Direction, bytes: &[u8]) -> Shape {
    let mut cursor = Cursor::new(bytes);
    let (Some(length), Some(sequence)) = (cursor.u24_le(), cursor.u8()) else { return Shape::Partial(None) };
    if length == 0 || length == LONGEST {
        return Shape::No;
    }
    let length = length as usize;
    let whole = cursor.remaining() >= length;
    let payload = cursor.take(length.min(cursor.remaining())).unwrap_or_default();
    let fits = match direction {
        Direction::ToServer => command(payload, length, sequence),
        Direction::ToClient => answer(payload, length, sequence),
    };
    match fits {
        Fits::Opening => Shape::Opening,
        Fits::Yes { strong } if whole => Shape::Whole { length: length + HEADER, sequence, strong },
        Fits::Yes { .. } => Shape::Partial(Some(length + HEADER)),
        Fits::No => Shape::No,
    }
}

/// Where, after bytes of unknown meaning, packets begin again.
pub(super) enum Footing {
    /// A packet begins here.
    At(usize),
    /// None begins before here; one may begin here.
    After(usize),
}

pub(super) fn footing(direction: Direction, bytes: &[u8]) -> Footing {
    for at in 0..bytes.len() {
        let here = bytes.get(at..).unwrap_or_default();
        match shape(direction, here) {
            Shape::Opening => return Footing::At(at),
            Shape::Whole { length, sequence, strong } => {
                let next = here.get(length..).unwrap_or_default();
                let followed = match shape(direction, next) {
                    Shape::Whole { sequence: then, .. } => follows(direction, Some(sequence), then),
                    Shape::Partial(_) => strong,
                    Shape::No | Shape::Opening => false,
                };
                if followed {
                    return Footing::At(at);
                }
            }
            Shape::Partial(length) if length.is_none_or(|l| l <= CANDIDATE) => return Footing::After(at),
            Shape::Partial(_) | Shape::No => {}
        }
    }
    Footing::After(bytes.len())
}

enum Fits {
    Opening,
    /// As far as it is there.
    Yes {
        strong: bool,
    },
    No,
}

/// What the client sends. `payload` may be cut.
fn command(payload: &[u8], length: usize, sequence: u8) -> Fits {
    if sequence == 1 {
        return match is_login(payload) {
            true => Fits::Opening,
            false if payload.len() < length.min(LOGIN) => Fits::Yes { strong: false },
            false => Fits::No,
        };
    }
    let (Some((kind, rest)), 0) = (payload.split_first(), sequence) else {
        return if payload.is_empty() && sequence == 0 { Fits::Yes { strong: false } } else { Fits::No };
    };
    let fits = |fits: bool, strong| if fits { Fits::Yes { strong } } else { Fits::No };
    match kind {
        // COM_QUERY, with or without a count of query attributes, and COM_STMT_PREPARE.
        0x03 | 0x16 => fits(is_statement(rest.strip_prefix(&[0, 1]).unwrap_or(rest)), true),
        // COM_INIT_DB.
        0x02 => fits(length <= 65 && rest.iter().all(|b| b.is_ascii_graphic() || *b >= 0x80), false),
        // COM_QUIT, COM_STATISTICS, COM_PING, COM_RESET_CONNECTION.
        0x01 | 0x09 | 0x0e | 0x1f => fits(length == 1, false),
        // COM_STMT_EXECUTE: flags, and the iteration count, which is 1.
        0x17 => fits(length >= 10 && rest.get(5..9).is_none_or(|n| n == [1, 0, 0, 0]), length >= 10),
        // COM_STMT_CLOSE, COM_STMT_RESET.
        0x19 | 0x1a => fits(length == 5, false),
        _ => Fits::No,
    }
}

/// `Protocol::HandshakeResponse41` or `Protocol::SSLRequest`: capabilities, packet size, character set,
/// zeros, and for MariaDB four bytes of more capabilities.
pub(super) fn is_login(payload: &[u8]) -> bool {
    let mut cursor = Cursor::new(payload);
    let (Some(capabilities), Some(_), Some(_)) = (cursor.u32_le(), cursor.u32_le(), cursor.u8()) else { return false };
    capabilities & CLIENT_PROTOCOL_41 != 0
        && cursor.take(19).is_some_and(|zeros| zeros.iter().all(|b| *b == 0))
        && cursor.remaining() >= 4
}

fn is_statement(text: &[u8]) -> bool {
    let start = text.trim_ascii_start();
    let word = start.split(|b| !b.is_ascii_alphabetic()).next().unwrap_or_default();
    let verb = VERBS.iter().any(|v| word.eq_ignore_ascii_case(v.as_bytes()))
        || matches!(start.first(), None | Some(b'(' | b'/' | b'-' | b'#'));
    verb && sniff::is_text(text)
}

/// What the server sends. `payload` may be cut.
fn answer(payload: &[u8], length: usize, sequence: u8) -> Fits {
    let whole = payload.len() >= length;
    match payload.first() {
        None => Fits::Yes { strong: false },
        Some(0x0a) if sequence == 0 => greeting(payload, whole),
        // OK: as short as it usually is.
        Some(0x00) if length >= 7 && sequence > 0 => Fits::Yes { strong: false },
        Some(0xfe) if length == 5 && sequence > 0 => Fits::Yes { strong: true },
        // ERR: code, and for protocol 4.1 a mark and the SQLSTATE.
        Some(0xff) if length > 3 => {
            let code = payload.get(1..3).map_or(1000, |c| c.iter().rev().fold(0u16, |n, b| n << 8 | u16::from(*b)));
            let text = payload.get(3..).unwrap_or_default();
            if (1000..5000).contains(&code) && sniff::is_text(text) { Fits::Yes { strong: true } } else { Fits::No }
        }
        // The number of columns.
        Some(1..=250) if length == 1 && sequence == 1 => Fits::Yes { strong: false },
        Some(3) if payload.starts_with(b"\x03def") => Fits::Yes { strong: true },
        Some(_) if sequence >= 2 && whole => match wire::text_row(payload) {
            Some(count) => Fits::Yes { strong: count >= 2 },
            None => Fits::No,
        },
        Some(_) if sequence >= 2 => Fits::Yes { strong: false },
        Some(_) => Fits::No,
    }
}

/// `Protocol::HandshakeV10`.
fn greeting(payload: &[u8], whole: bool) -> Fits {
    let mut cursor = Cursor::new(payload);
    let _ = cursor.skip(1);
    let ended = cursor.c_string();
    let version = ended.unwrap_or(cursor.rest());
    if !version.iter().all(u8::is_ascii_graphic) || version.first().is_some_and(|b| !b.is_ascii_alphanumeric()) {
        return Fits::No;
    }
    if ended.is_none() {
        return if whole { Fits::No } else { Fits::Yes { strong: false } };
    }
    // Thread, the first part of the scramble, and a zero.
    match cursor.take(13) {
        Some(fixed) if fixed.last() == Some(&0) => Fits::Opening,
        None if !whole => Fits::Yes { strong: false },
        _ => Fits::No,
    }
}
