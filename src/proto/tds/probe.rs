//! Recognises TDS by either direction alone.

use super::wire::{self, HEADER};
use crate::model::flow::Direction;
use crate::proto::{Opening, Verdict};

pub(super) fn probe(opening: &Opening<'_>) -> Verdict {
    let client = judge(Direction::ToServer, opening.to_server, opening);
    let server = judge(Direction::ToClient, opening.to_client, opening);
    match (client, server) {
        (Verdict::No, _) | (_, Verdict::No) => Verdict::No,
        (Verdict::Certain, _) | (_, Verdict::Certain) => Verdict::Certain,
        (Verdict::Likely, _) | (_, Verdict::Likely) => Verdict::Likely,
        (Verdict::NeedMore, Verdict::NeedMore) => Verdict::NeedMore,
    }
}

fn judge(direction: Direction, bytes: &[u8], opening: &Opening<'_>) -> Verdict {
    let mut at = 0;
    let mut found = Verdict::NeedMore;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let header = match wire::header(direction, rest) {
            Ok(Some(header)) => header,
            Ok(None) => return found,
            // What follows a handshake is TLS.
            Err(()) if found == Verdict::Certain && wire::record(rest).is_some() => return found,
            Err(()) => return Verdict::No,
        };
        let payload = rest.get(HEADER..).unwrap_or_default();
        let payload = payload.get(..header.length).unwrap_or(payload);
        let first = at == 0;
        match begins(header.kind, direction, payload) {
            _ if first && header.number > 2 && !opening.midstream => return Verdict::No,
            Some(Verdict::Certain) => found = Verdict::Certain,
            Some(Verdict::Likely) if found == Verdict::NeedMore => found = Verdict::Likely,
            Some(Verdict::No) if first => return Verdict::No,
            _ => {}
        }
        at += HEADER + header.length;
    }
}

/// What the start of a payload says. `None`: too little is here.
fn begins(kind: u8, direction: Direction, payload: &[u8]) -> Option<Verdict> {
    let sure = |yes: bool| if yes { Verdict::Certain } else { Verdict::No };
    let text = |bytes: &[u8]| {
        let (pairs, _) = bytes.get(..bytes.len().min(64)).unwrap_or_default().as_chunks::<2>();
        let wide = pairs.iter().filter(|pair| matches!(pair, [b'\t'..=b'~', 0])).count();
        wide * 10 >= pairs.len() * 8 && pairs.len() >= 4
    };
    Some(match (kind, payload) {
        (_, []) => return None,
        // The first option is the version, or TLS goes on.
        (wire::PRELOGIN, [0, 0, _, 0, ..] | [0x14..=0x17, 3, ..]) => Verdict::Certain,
        (wire::PRELOGIN, [_, _, _, _, ..]) => Verdict::No,
        (wire::LOGIN7, [a, b, c, d, _, _, _, version, ..]) => {
            sure(matches!(version, 0x70..=0x7f | 0x08) && u32::from_le_bytes([*a, *b, *c, *d]) < 1 << 17)
        }
        (wire::OLD_LOGIN, payload) if payload.len() >= 93 => {
            let field = |at: usize| {
                let length = payload.get(at + 30).copied().unwrap_or(u8::MAX);
                let value = payload.get(at..at + usize::from(length.min(30))).unwrap_or_default();
                let filler = payload.get(at + usize::from(length.min(30))..at + 30).unwrap_or_default();
                length <= 30 && value.iter().all(u8::is_ascii_graphic) && filler.iter().all(|b| *b == 0)
            };
            sure(field(0) && field(31) && payload.get(61).is_some_and(|length| *length > 0))
        }
        // Headers for the whole request; without them the text begins at once.
        (wire::BATCH | wire::RPC, [total, 0, 0, 0, length, 0, 0, 0, what, 0, ..]) => {
            sure(*total >= 10 && length < total && matches!(what, 1..=3))
        }
        (wire::BATCH, [_, _, _, _, _, _, _, _, _, _, ..]) => {
            if text(payload) {
                Verdict::Likely
            } else {
                Verdict::No
            }
        }
        (wire::RPC, [0xff, 0xff, 1..=15, 0, ..]) => Verdict::Likely,
        // The answer to a pre-login looks like it; other answers begin with a token.
        (wire::RESPONSE, [0, 0, _, 0, _, 1, ..]) if direction == Direction::ToClient => Verdict::Certain,
        (wire::RESPONSE, [0xe3 | 0xaa | 0xab | 0xad | 0xa9 | 0xac | 0xae | 0xed, _, ..]) => Verdict::Likely,
        (wire::RESPONSE, [0x81 | 0xd1..=0xd2 | 0x79 | 0xfd..=0xff, ..]) => Verdict::Likely,
        (wire::RESPONSE, [0] | [0, 0] | [0, 0, _] | [0, 0, _, 0] | [0, 0, _, 0, _]) => return None,
        (wire::RESPONSE, _) => Verdict::No,
        _ => return None,
    })
}
