//! The envelope of LDAP messages (RFC 4511, section 4.1.1), and whether bytes can be one.

use crate::model::flow::Direction;
use crate::proto::ber::{ENUMERATED, Elements, INTEGER, OCTET_STRING, SEQUENCE, Start, start};

pub(super) const BIND_REQUEST: u8 = 0x60;
pub(super) const BIND_RESPONSE: u8 = 0x61;
pub(super) const SEARCH_REQUEST: u8 = 0x63;
pub(super) const SEARCH_ENTRY: u8 = 0x64;
pub(super) const MODIFY_REQUEST: u8 = 0x66;
pub(super) const ADD_REQUEST: u8 = 0x68;
pub(super) const COMPARE_REQUEST: u8 = 0x6e;
pub(super) const EXTENDED_REQUEST: u8 = 0x77;
pub(super) const EXTENDED_RESPONSE: u8 = 0x78;

/// Controls may follow the operation.
const CONTROLS: u8 = 0xa0;

/// One whole message.
pub(super) struct Message<'a> {
    pub(super) id: u32,
    /// The tag of the operation.
    pub(super) operation: u8,
    pub(super) content: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads a message from the content of its sequence.
    pub(super) fn parse(content: &'a [u8]) -> Option<Self> {
        let mut elements = Elements::of(content);
        let id = elements.number(INTEGER)?;
        let (operation, content) = elements.any()?;
        Some(Self { id, operation, content })
    }
}

/// How well bytes look like the start of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    No,
    /// Too few bytes to tell.
    More,
    /// The envelope is right.
    Envelope,
    /// So are the first elements of the operation.
    Whole,
}

/// Judges bytes that should be a message in this direction.
pub(super) fn fit(bytes: &[u8], direction: Direction) -> Fit {
    let outer = match start(bytes) {
        Start::Header(header) if header.tag == SEQUENCE && header.length >= 5 => header,
        Start::More if matches!(bytes.first(), None | Some(&SEQUENCE)) => return Fit::More,
        _ => return Fit::No,
    };
    let available = bytes.get(outer.size..).unwrap_or_default();
    let inner = available.get(..outer.length.min(available.len())).unwrap_or_default();
    let id = match start(inner) {
        Start::Header(id) if id.tag == INTEGER && (1..=4).contains(&id.length) => id,
        Start::More if matches!(inner.first(), None | Some(&INTEGER)) => return Fit::More,
        _ => return Fit::No,
    };
    let after_id = id.size + id.length;
    let operation = match start(inner.get(after_id..).unwrap_or_default()) {
        Start::Header(operation) => operation,
        Start::More => return Fit::More,
        Start::Bad => return Fit::No,
    };
    // The operation fills the message, but for controls.
    let begin = after_id + operation.size;
    let Some(left) = begin.checked_add(operation.length).and_then(|end| outer.length.checked_sub(end)) else {
        return Fit::No;
    };
    let controls = inner.get(begin + operation.length).copied();
    if left > 0 && controls.is_some_and(|tag| tag != CONTROLS) {
        return Fit::No;
    }
    let content = inner.get(begin..).unwrap_or_default();
    let content = content.get(..operation.length.min(content.len())).unwrap_or_default();
    let whole = content.len() == operation.length;
    match (direction, operation.tag) {
        (Direction::ToServer, BIND_REQUEST) => first(content, whole, &[INTEGER, OCTET_STRING], |e| {
            e.number(INTEGER).is_some_and(|version| (1..=3).contains(&version))
        }),
        (Direction::ToServer, SEARCH_REQUEST) => {
            first(content, whole, &[OCTET_STRING, ENUMERATED, ENUMERATED], |_| true)
        }
        (Direction::ToServer, EXTENDED_REQUEST) => first(content, whole, &[0x80], |e| {
            e.expect(0x80).is_some_and(|oid| oid.iter().all(|b| b.is_ascii_digit() || *b == b'.'))
        }),
        (Direction::ToServer, MODIFY_REQUEST | ADD_REQUEST | COMPARE_REQUEST) => {
            first(content, whole, &[OCTET_STRING, SEQUENCE], |_| true)
        }
        // Unbind, delete, rename, abandon.
        (Direction::ToServer, 0x42 | 0x4a | 0x6c | 0x50) => Fit::Envelope,
        (Direction::ToClient, BIND_RESPONSE | 0x65 | 0x67 | 0x69 | 0x6b | 0x6d | 0x6f | EXTENDED_RESPONSE) => {
            first(content, whole, &[ENUMERATED, OCTET_STRING, OCTET_STRING], |_| true)
        }
        (Direction::ToClient, SEARCH_ENTRY) => first(content, whole, &[OCTET_STRING, SEQUENCE], |_| true),
        (Direction::ToClient, 0x73 | 0x79) => Fit::Envelope,
        _ => Fit::No,
    }
}

/// Whether the first elements have these tags and the `check` of their content holds.
fn first(content: &[u8], whole: bool, tags: &[u8], check: fn(&mut Elements<'_>) -> bool) -> Fit {
    let mut at = 0;
    for tag in tags {
        match start(content.get(at..).unwrap_or_default()) {
            Start::Header(header) if header.tag == *tag => at += header.size + header.length,
            Start::More if !whole => return Fit::More,
            _ => return Fit::No,
        }
    }
    // The content of the last one need not be there.
    match Elements::of(content).any() {
        None if !whole => Fit::More,
        _ if check(&mut Elements::of(content)) => Fit::Whole,
        _ => Fit::No,
    }
}
