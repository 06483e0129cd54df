//! Recognises PostgreSQL by either direction alone, from the start or from the middle.

use super::frames::{self, Footing, HEADER, Shape};
use crate::model::flow::Direction;
use crate::proto::cursor::Cursor;
use crate::proto::upgrade::is_tls_record;
use crate::proto::{Opening, Verdict};

/// Request codes that stand where a StartupMessage has its version (src/include/libpq/pqcomm.h).
pub(super) const CANCEL_REQUEST: u32 = 80_877_102;
pub(super) const SSL_REQUEST: u32 = 80_877_103;
pub(super) const GSS_REQUEST: u32 = 80_877_104;

/// Longest StartupMessage a server takes (MAX_STARTUP_PACKET_LENGTH).
pub(super) const LONGEST_STARTUP: u32 = 10_000;

/// Bytes of a message that must fit before it counts although its end is not there.
const ENOUGH: usize = HEADER + 24;

pub(super) fn probe(opening: &Opening<'_>) -> Verdict {
    let client = match startup(opening.to_server) {
        Verdict::No => messages(Direction::ToServer, opening.to_server, opening.midstream),
        verdict => verdict,
    };
    let server = match opening.to_client {
        // The answer to an SSLRequest or GSSENCRequest that was not captured.
        [b'S', tls @ ..] if is_tls_record(tls) == Some(true) => Verdict::Likely,
        [b'N' | b'S'] if !opening.ended => Verdict::NeedMore,
        [b'N', rest @ ..] if rest.first().is_some_and(|b| *b != 0) => {
            messages(Direction::ToClient, rest, opening.midstream)
        }
        bytes => messages(Direction::ToClient, bytes, opening.midstream),
    };
    match (opening.to_server.is_empty(), opening.to_client.is_empty()) {
        (true, true) => Verdict::NeedMore,
        (false, true) => client,
        (true, false) => server,
        (false, false) => match (client, server) {
            (Verdict::Certain, _) => Verdict::Certain,
            (Verdict::No, _) | (_, Verdict::No) => Verdict::No,
            (_, Verdict::Certain) | (Verdict::Likely, Verdict::Likely) => Verdict::Certain,
            (Verdict::Likely, _) | (_, Verdict::Likely) => Verdict::Likely,
            (Verdict::NeedMore, Verdict::NeedMore) => Verdict::NeedMore,
        },
    }
}

/// What a client may open a connection with.
fn startup(bytes: &[u8]) -> Verdict {
    let mut cursor = Cursor::new(bytes);
    let (Some(length), Some(code)) = (cursor.u32_be(), cursor.u32_be()) else {
        let fits = bytes.iter().zip([0, 0]).all(|(byte, zero)| *byte == zero);
        return if fits { Verdict::NeedMore } else { Verdict::No };
    };
    match (code, length) {
        (SSL_REQUEST | GSS_REQUEST, 8) | (CANCEL_REQUEST, 16..=272) => Verdict::Certain,
        (0x0003_0000..=0x0003_270f, 9..=LONGEST_STARTUP) => {
            let whole = bytes.len() >= length as usize;
            let parameters = cursor.take((length as usize - 8).min(cursor.remaining())).unwrap_or_default();
            match named_user(parameters) {
                Some(true) => Verdict::Certain,
                None if !whole => Verdict::NeedMore,
                Some(false) | None => Verdict::No,
            }
        }
        _ => Verdict::No,
    }
}

/// Whether the parameters of a StartupMessage name a user. `None`: not so far.
fn named_user(parameters: &[u8]) -> Option<bool> {
    let mut cursor = Cursor::new(parameters);
    loop {
        let name = cursor.c_string()?;
        if name.is_empty() || !name.iter().all(u8::is_ascii_graphic) {
            return Some(false);
        }
        if name == b"user" {
            return Some(true);
        }
        cursor.c_string()?;
    }
}

/// Judges messages without knowing what came before.
fn messages(direction: Direction, bytes: &[u8], midstream: bool) -> Verdict {
    let (mut at, mut whole, mut strong) = (0, 0u32, 0u32);
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        match frames::shape(direction, rest) {
            Shape::Whole { length, strong: s } => {
                at += length;
                whole += 1;
                strong += u32::from(s);
            }
            Shape::Partial { .. } if whole == 0 => {
                let enough = rest.len() >= ENOUGH && matches!(rest.first(), Some(b'B' | b'D' | b'P' | b'Q' | b'T'));
                return if enough { Verdict::Likely } else { Verdict::NeedMore };
            }
            Shape::Partial { .. } => break,
            Shape::No if strong >= 2 => return Verdict::Likely,
            Shape::No if midstream && matches!(frames::footing(direction, bytes), Footing::At(_)) => {
                return Verdict::Likely;
            }
            Shape::No => return Verdict::No,
        }
    }
    if strong >= 1 && whole >= 2 { Verdict::Certain } else { Verdict::Likely }
}
