//! What every message must look like: tells the protocol from others in the middle of a conversation,
//! and finds the next message after a hole.

use crate::content::sniff;
use crate::model::flow::Direction;
use crate::proto::cursor::Cursor;

/// Type byte and length.
pub(super) const HEADER: usize = 5;

/// Longest message a server or a client accepts (1 GiB, PQ_LARGE_MESSAGE_LIMIT).
const LONGEST: u32 = 1 << 30;

/// Longest message that is waited for while it is not sure that it is one.
const CANDIDATE: usize = 16 << 10;

/// What a message that may start here looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A whole message. `strong`: hardly anything else looks so.
    Whole { length: usize, strong: bool },
    /// What is there fits. `length` is the whole message's, where that is known.
    Partial { length: Option<usize> },
    /// No message.
    No,
}

enum Body {
    Strong,
    Weak,
    Wrong,
}

/// Type and length (header included) of a message, `None` if it is none. The header must be there.
pub(super) fn header(direction: Direction, bytes: &[u8]) -> Option<(u8, u64)> {
    let mut cursor = Cursor::new(bytes);
    let (kind, length) = (cursor.u8()?, cursor.u32_be()?);
    (known(direction, kind) && (4..=LONGEST).contains(&length)).then(|| (kind, u64::from(length) + 1))
}

pub(super) fn shape(direction: Direction, bytes: &[u8]) -> Shape {
    let Some(kind) = bytes.first() else { return Shape::Partial { length: None } };
    if !known(direction, *kind) {
        return Shape::No;
    }
    if bytes.len() < HEADER {
        // No message of 16 MiB opens a conversation.
        return if bytes.get(1).is_some_and(|b| *b != 0) { Shape::No } else { Shape::Partial { length: None } };
    }
    let Some((kind, length)) = header(direction, bytes) else { return Shape::No };
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let whole = bytes.len() >= length;
    let body = bytes.get(HEADER..length.min(bytes.len())).unwrap_or_default();
    let mut cursor = Cursor::new(body);
    let judged = match direction {
        Direction::ToServer => request(kind, &mut cursor, length - HEADER),
        Direction::ToClient => answer(kind, &mut cursor, length - HEADER),
    };
    match judged {
        Some(Body::Wrong) => Shape::No,
        Some(_) | None if !whole => Shape::Partial { length: Some(length) },
        Some(_) if !cursor.is_empty() => Shape::No,
        Some(body) => Shape::Whole { length, strong: matches!(body, Body::Strong) },
        None => Shape::No,
    }
}

/// Where, after bytes of unknown meaning, messages begin again.
pub(super) enum Footing {
    /// A message begins here.
    At(usize),
    /// None begins before here; one may begin here.
    After(usize),
}

pub(super) fn footing(direction: Direction, bytes: &[u8]) -> Footing {
    for at in 0..bytes.len() {
        let here = bytes.get(at..).unwrap_or_default();
        match shape(direction, here) {
            Shape::Whole { length, strong } => {
                let next = here.get(length..).unwrap_or_default();
                let followed = match shape(direction, next) {
                    Shape::Whole { .. } => true,
                    Shape::Partial { .. } => strong,
                    Shape::No => false,
                };
                if followed {
                    return Footing::At(at);
                }
            }
            Shape::Partial { length } if length.is_none_or(|l| l <= CANDIDATE) => return Footing::After(at),
            Shape::Partial { .. } | Shape::No => {}
        }
    }
    Footing::After(bytes.len())
}

const fn known(direction: Direction, kind: u8) -> bool {
    match direction {
        Direction::ToServer => {
            matches!(
                kind,
                b'B' | b'C' | b'D' | b'E' | b'F' | b'H' | b'P' | b'Q' | b'S' | b'X' | b'c' | b'd' | b'f' | b'p'
            )
        }
        Direction::ToClient => matches!(
            kind,
            b'1' | b'2'
                | b'3'
                | b'A'
                | b'C'
                | b'D'
                | b'E'
                | b'G'
                | b'H'
                | b'I'
                | b'K'
                | b'N'
                | b'R'
                | b'S'
                | b'T'
                | b'V'
                | b'W'
                | b'Z'
                | b'c'
                | b'd'
                | b'n'
                | b's'
                | b't'
                | b'v'
        ),
    }
}

const fn when(fits: bool, body: Body) -> Option<Body> {
    Some(if fits { body } else { Body::Wrong })
}

/// `None`: the bytes that are there fit, and are too few.
fn request(kind: u8, body: &mut Cursor<'_>, length: usize) -> Option<Body> {
    match kind {
        b'B' => {
            body.c_string()?;
            body.c_string()?;
            formats(body)?;
            values(body)?;
            formats(body)?;
            Some(Body::Strong)
        }
        b'C' | b'D' => {
            if !matches!(body.u8()?, b'P' | b'S') {
                return Some(Body::Wrong);
            }
            body.c_string()?;
            Some(Body::Strong)
        }
        b'E' => {
            body.c_string()?;
            body.u32_be()?;
            Some(Body::Strong)
        }
        b'P' => {
            body.c_string()?;
            if !sniff::is_text(body.rest().split(|b| *b == 0).next().unwrap_or_default()) {
                return Some(Body::Wrong);
            }
            body.c_string()?;
            let count = body.u16_be()?;
            body.skip(usize::from(count) * 4)?;
            Some(Body::Strong)
        }
        b'Q' => {
            let statement = body.rest();
            let end = memchr::memchr(0, statement);
            let seen = statement.get(..end.unwrap_or(statement.len())).unwrap_or_default();
            if !sniff::is_text(seen) || end.is_some_and(|e| e + 1 != length) {
                return Some(Body::Wrong);
            }
            body.c_string()?;
            Some(if length > 8 { Body::Strong } else { Body::Weak })
        }
        b'p' => {
            let (message, whole) = (body.rest(), body.remaining() >= length);
            let text = sniff::is_text(message.split(|b| *b == 0).next().unwrap_or_default());
            // The password ends with a zero byte; SASL and GSSAPI messages begin as they must.
            let fits = if message.ends_with(&[0]) { text } else { !whole || text || message.starts_with(&[0x60]) };
            body.skip(length.min(message.len()))?;
            when(fits && length > 1, Body::Weak)
        }
        b'F' | b'd' => {
            body.skip(length)?;
            Some(Body::Weak)
        }
        b'f' => {
            body.c_string()?;
            Some(Body::Weak)
        }
        _ => when(length == 0, Body::Weak),
    }
}

fn answer(kind: u8, body: &mut Cursor<'_>, length: usize) -> Option<Body> {
    match kind {
        b'A' => {
            body.u32_be()?;
            body.c_string()?;
            body.c_string()?;
            Some(Body::Strong)
        }
        b'C' => {
            let tag = body.c_string()?;
            when(tag.first().is_some_and(u8::is_ascii_uppercase), Body::Strong)
        }
        b'D' => {
            let fields = body.peek().map(|_| body.rest().get(..2) != Some(&[0, 0]));
            values(body)?;
            Some(if fields == Some(true) { Body::Strong } else { Body::Weak })
        }
        b'E' | b'N' => {
            let first = body.peek()?;
            while body.peek()? != 0 {
                body.u8()?;
                body.c_string()?;
            }
            body.skip(1)?;
            when(matches!(first, b'S' | b'M' | b'C'), Body::Strong)
        }
        b'G' | b'H' | b'W' => {
            if body.u8()? > 1 {
                return Some(Body::Wrong);
            }
            formats(body)?;
            Some(Body::Strong)
        }
        b'K' => {
            body.skip(length)?;
            when((8..=260).contains(&length), if length == 8 { Body::Strong } else { Body::Weak })
        }
        b'R' => {
            let fits = match body.u32_be()? {
                0 | 2 | 3 | 7 | 9 => length == 4,
                5 => length == 8,
                6 => length == 6,
                10 => body.peek().is_none_or(|b| b.is_ascii_uppercase()),
                8 | 11 | 12 => true,
                _ => false,
            };
            if !fits {
                return Some(Body::Wrong);
            }
            body.skip(length - 4)?;
            Some(Body::Strong)
        }
        b'S' => {
            let name = body.c_string()?;
            body.c_string()?;
            when(name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_' || *b == b'.'), Body::Strong)
        }
        b'T' => {
            for _ in 0..body.u16_be()? {
                body.c_string()?;
                body.skip(16)?;
                if body.u16_be()? > 1 {
                    return Some(Body::Wrong);
                }
            }
            Some(Body::Strong)
        }
        b'V' | b'd' | b'v' => {
            body.skip(length)?;
            Some(Body::Weak)
        }
        b'Z' => {
            let status = body.u8()?;
            when(length == 1 && matches!(status, b'E' | b'I' | b'T'), Body::Strong)
        }
        b't' => {
            let count = usize::from(body.u16_be()?);
            body.skip(count * 4)?;
            Some(if count > 0 { Body::Strong } else { Body::Weak })
        }
        _ => when(length == 0, Body::Weak),
    }
}

/// A count, and so many format codes.
fn formats(body: &mut Cursor<'_>) -> Option<()> {
    let count = usize::from(body.u16_be()?);
    let codes = body.take(count * 2)?;
    codes.chunks(2).all(|c| matches!(c, [0, 0 | 1])).then_some(())
}

/// A count, and so many values with their lengths.
fn values(body: &mut Cursor<'_>) -> Option<()> {
    for _ in 0..body.u16_be()? {
        match body.u32_be()? {
            u32::MAX => {}
            length => body.skip(length as usize)?,
        }
    }
    Some(())
}
