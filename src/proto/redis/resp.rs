//! RESP2 and RESP3 (<https://redis.io/docs/latest/develop/reference/protocol-spec/>), and the inline
//! commands that people type.

use smallvec::SmallVec;
use std::ops::Range;

use crate::proto::cursor::Cursor;

/// Longest header line: a type, a number, the end of the line.
const HEADER: usize = 32;

/// The first line of an element with a length or a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Header {
    /// Type, number (-1: null), and how many bytes that took.
    Is(u8, i64, usize),
    Short,
    Bad,
}

pub(super) fn header(bytes: &[u8]) -> Header {
    let Some(end) = memchr::memchr(b'\n', bytes.get(..HEADER).unwrap_or(bytes)) else {
        let digits = bytes.get(1..).unwrap_or_default().iter().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'\r'));
        return if bytes.len() >= HEADER || !digits { Header::Bad } else { Header::Short };
    };
    let mut cursor = Cursor::new(bytes);
    let number = match (cursor.u8(), cursor.line()) {
        (Some(kind), Some(number)) => std::str::from_utf8(number).ok().and_then(|n| n.parse().ok()).map(|n| (kind, n)),
        _ => None,
    };
    match number {
        Some((kind, number)) if (-1..=i64::from(u32::MAX)).contains(&number) => Header::Is(kind, number, end + 1),
        _ => Header::Bad,
    }
}

/// Where the arguments of a command stand.
pub(super) type Arguments = SmallVec<[Range<usize>; 8]>;

/// A command at the start of the bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// Its arguments and its length.
    Whole(Arguments, usize),
    /// At least so many bytes are needed.
    Short(u64),
    Bad,
}

/// A command as an array of bulk strings.
pub(super) fn command(bytes: &[u8]) -> Command {
    let (count, mut at) = match header(bytes) {
        Header::Is(b'*', count, length) => (count, length),
        Header::Short => return Command::Short(0),
        _ => return Command::Bad,
    };
    let mut arguments = Arguments::new();
    for _ in 0..count.max(0) {
        let rest = bytes.get(at..).unwrap_or_default();
        match header(rest) {
            Header::Is(b'$', length @ 0.., head) => {
                let (start, length) = (at + head, length as usize);
                match bytes.get(start + length..) {
                    Some([b'\r', b'\n', ..]) => {}
                    Some([] | [b'\r']) | None => return Command::Short((start + length) as u64 + 2),
                    Some(_) => return Command::Bad,
                }
                arguments.push(start..start + length);
                at = start + length + 2;
            }
            Header::Short => return Command::Short(0),
            _ => return Command::Bad,
        }
    }
    Command::Whole(arguments, at)
}

/// The words of an inline command (`sdssplitargs`): quotes group, their escapes are left as written.
pub(super) fn words(line: &[u8]) -> Arguments {
    let mut words = Arguments::new();
    let mut at = 0;
    while let Some(byte) = line.get(at) {
        match byte {
            byte if byte.is_ascii_whitespace() => at += 1,
            quote @ (b'"' | b'\'') => {
                let start = at + 1;
                let mut end = start;
                while let Some(inside) = line.get(end).filter(|b| *b != quote) {
                    end += if *inside == b'\\' { 2 } else { 1 };
                }
                let end = end.min(line.len());
                words.push(start..end);
                at = end + 1;
            }
            _ => {
                let rest = line.get(at..).unwrap_or_default();
                let length = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
                words.push(at..at + length);
                at += length;
            }
        }
    }
    words
}

/// Where, after bytes of unknown meaning, a command begins: at a place, or not before one.
pub(super) fn find_command(bytes: &[u8]) -> Result<usize, usize> {
    for at in memchr::memchr_iter(b'*', bytes) {
        let here = bytes.get(at..).unwrap_or_default();
        match (header(here), header_after(here)) {
            (Header::Is(_, 1.., _), Header::Is(b'$', 1..=64, _)) => return Ok(at),
            (Header::Short, _) | (Header::Is(_, 1.., _), Header::Short) => return Err(at),
            _ => {}
        }
    }
    Err(bytes.len())
}

/// The header after the first one.
pub(super) fn header_after(bytes: &[u8]) -> Header {
    match header(bytes) {
        Header::Is(_, _, length) => header(bytes.get(length..).unwrap_or_default()),
        other => other,
    }
}

/// Where, after bytes of unknown meaning, a reply begins: after the end of a line.
pub(super) fn find_reply(bytes: &[u8]) -> Result<usize, usize> {
    for end in memchr::memmem::find_iter(bytes, b"\r\n") {
        let here = bytes.get(end + 2..).unwrap_or_default();
        match (here.first(), header(here)) {
            (None, _) | (Some(b'$' | b'*' | b'%'), Header::Short) => return Err(end),
            (Some(b'$' | b'*' | b'%'), Header::Is(..)) => return Ok(end + 2),
            _ if here.starts_with(b"+OK\r\n") => return Ok(end + 2),
            _ => {}
        }
    }
    Err(bytes.len().saturating_sub(1))
}
