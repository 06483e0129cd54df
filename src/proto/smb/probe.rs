//! Recognises SMB by its first message, or by the request for a session of NetBIOS before it.

use super::{ENCRYPTED, FRAME, MESSAGE, SESSION_GRANTED, SESSION_KEEP_ALIVE, SESSION_REQUEST, SMB1, SMB2};
use crate::model::flow::Direction;
use crate::proto::{Opening, Verdict};

/// Letters of a name of NetBIOS: each byte of it is two (RFC 1001 section 14.1).
const NAME: usize = 32;

/// How well the bytes of a direction fit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    No,
    More,
    Whole,
}

pub(super) fn probe(opening: &Opening<'_>) -> Verdict {
    let fits = Direction::BOTH.map(|direction| {
        let bytes = opening.side(direction);
        match fit(bytes, direction) {
            // Where the stream began in the middle, it may start inside of a message.
            Fit::No if opening.midstream => {
                start(bytes).map_or(Fit::No, |at| fit(bytes.get(at..).unwrap_or_default(), direction))
            }
            fit => fit,
        }
    });
    match fits {
        [Fit::Whole, Fit::Whole | Fit::More] | [Fit::More, Fit::Whole] => Verdict::Certain,
        [Fit::Whole, Fit::No] | [Fit::No, Fit::Whole] if opening.midstream => Verdict::Certain,
        [Fit::No, _] | [_, Fit::No] => Verdict::No,
        _ => Verdict::NeedMore,
    }
}

fn fit(bytes: &[u8], direction: Direction) -> Fit {
    match bytes {
        [] => Fit::More,
        [MESSAGE, ..] => message(bytes, direction),
        [SESSION_REQUEST, rest @ ..] if direction == Direction::ToServer => request(rest),
        [SESSION_GRANTED..=SESSION_KEEP_ALIVE, 0, 0, 0 | 1 | 4 | 6, rest @ ..] if direction == Direction::ToClient => {
            if rest.is_empty() {
                Fit::More
            } else {
                fit(rest, direction).max(Fit::More)
            }
        }
        [SESSION_GRANTED..=SESSION_KEEP_ALIVE, rest @ ..] if rest.len() < 3 && rest.iter().all(|b| *b == 0) => {
            Fit::More
        }
        _ => Fit::No,
    }
}

/// A message must go the way it says it goes.
fn message(bytes: &[u8], direction: Direction) -> Fit {
    let Some(magic) = bytes.get(FRAME..FRAME + SMB2.len()) else {
        let begun = bytes.get(FRAME..).unwrap_or_default();
        let known = [SMB1, SMB2, ENCRYPTED].iter().any(|magic| magic.starts_with(begun));
        return if known { Fit::More } else { Fit::No };
    };
    // SMB 1 says it in its flags, SMB 2, behind the length of its header, in others.
    let (place, mark) = match magic {
        // The middle of a conversation.
        ENCRYPTED => return Fit::Whole,
        SMB1 => (FRAME + 9, 0x80),
        SMB2 if bytes.get(FRAME + 4..FRAME + 6).is_none_or(|length| length == [64, 0]) => (FRAME + 16, 1),
        _ => return Fit::No,
    };
    match bytes.get(place) {
        Some(flags) if (flags & mark != 0) == (direction == Direction::ToClient) => Fit::Whole,
        Some(_) => Fit::No,
        None => Fit::More,
    }
}

/// A request for a session: the length of two names, then the names.
fn request(rest: &[u8]) -> Fit {
    const HEAD: [u8; 4] = [0, 0, 68, 32];
    match rest.split_at_checked(HEAD.len()) {
        Some((head, names)) if head == HEAD && names.iter().take(NAME).all(|b| letter(*b)) => match names.get(NAME) {
            Some(0) => Fit::Whole,
            Some(_) => Fit::No,
            None => Fit::More,
        },
        None if HEAD.starts_with(rest) => Fit::More,
        Some(_) | None => Fit::No,
    }
}

const fn letter(byte: u8) -> bool {
    matches!(byte, b'A'..=b'P')
}

/// Where the next message begins.
pub(super) fn start(bytes: &[u8]) -> Option<usize> {
    memchr::memmem::find_iter(bytes, b"SMB")
        .filter_map(|at| at.checked_sub(FRAME + 1))
        .find(|at| bytes.get(*at) == Some(&MESSAGE) && matches!(bytes.get(at + FRAME), Some(0xfc..=0xff)))
}

/// The first name of a request for a session: of the server.
pub(super) fn netbios_name(names: &[u8]) -> Option<String> {
    let letters = names.get(1..=NAME).filter(|letters| letters.iter().all(|b| letter(*b)))?;
    let (pairs, _) = letters.as_chunks::<2>();
    // The last byte is the kind of service.
    let bytes = pairs.iter().take(NAME / 2 - 1).map(|[high, low]| ((high - b'A') << 4) | (low - b'A'));
    let name = String::from_utf8_lossy(&bytes.collect::<Vec<_>>()).trim().to_owned();
    (!name.is_empty()).then_some(name)
}
