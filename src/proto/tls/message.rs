//! Puts handshake messages together from the content of records (RFC 8446 section 4): a message may
//! span many records, and a record may hold many messages.

use std::ops::Range;

use crate::model::limits;
use crate::model::packet::Span;
use crate::model::stream::{Gathered, Stretch};
use crate::proto::cursor::Cursor;

/// Length of a message header: type, length.
const HEADER: usize = 4;
/// Longest message believed. Chains of certificates are far below it; the first bytes of an encrypted
/// message seldom are.
const LONGEST: usize = 1 << 20;

/// Handshake types that are looked at.
pub(crate) mod kind {
    pub(crate) const CLIENT_HELLO: u8 = 1;
    pub(crate) const SERVER_HELLO: u8 = 2;
    pub(crate) const CERTIFICATE: u8 = 11;
    pub(crate) const SERVER_KEY_EXCHANGE: u8 = 12;
    pub(crate) const SERVER_HELLO_DONE: u8 = 14;
}

/// One handshake message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message<'a> {
    /// Handshake type.
    pub(crate) kind: u8,
    /// The body, or what was seen of it. Empty for types nobody looks at.
    pub(crate) body: &'a [u8],
    /// Nothing of it is missing.
    pub(crate) whole: bool,
    /// The packets that carry it.
    pub(crate) span: Span,
}

/// What is believed at the start of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expect {
    /// Any message.
    Any,
    /// After ChangeCipherSpec, while it is not known whether that means anything: a hello, or it is encrypted.
    Hello,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Footing {
    /// The next byte belongs to the current message, or begins one.
    #[default]
    Sure,
    /// A record has begun; its first bytes show whether a message begins with it.
    Trying(Strictness),
    /// Until the next record.
    Lost,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strictness {
    AfterLoss,
    HelloOnly,
}

/// The messages of one direction.
#[derive(Debug, Default)]
pub(super) struct Messages {
    /// The current message with its header.
    buffer: Gathered,
    /// How long the buffer becomes: header and body, as far as they are kept.
    target: usize,
    /// Bytes of the current message behind those that are kept.
    excess: usize,
    /// Bytes to come that nobody looks at.
    skip: usize,
    footing: Footing,
}

impl Messages {
    /// A handshake record begins.
    pub(super) fn record(&mut self, expect: Expect) {
        if self.footing != Footing::Sure {
            self.buffer.clear();
            self.footing = Footing::Trying(Strictness::AfterLoss);
        }
        if expect == Expect::Hello && self.buffer.is_empty() && self.skip == 0 {
            self.footing = Footing::Trying(Strictness::HelloOnly);
        }
    }

    /// Content of a handshake record. Says how many bytes at its end are no messages: they are encrypted.
    pub(super) fn push(
        &mut self,
        piece: Stretch<'_>,
        range: Range<usize>,
        each: &mut dyn FnMut(Message<'_>),
    ) -> Option<usize> {
        let mut at = range.start;
        while at < range.end && self.footing != Footing::Lost {
            let left = range.end - at;
            if self.skip > 0 {
                let here = self.skip.min(left);
                self.skip -= here;
                at += here;
                continue;
            }
            let wanted = if self.buffer.len() < HEADER { HEADER } else { self.target };
            let here = left.min(wanted.saturating_sub(self.buffer.len()));
            self.buffer.push_part(piece, at..at + here);
            at += here;
            if self.buffer.len() == HEADER && !self.begin() {
                self.buffer.clear();
                if self.footing != Footing::Trying(Strictness::AfterLoss) {
                    return Some(range.end - at);
                }
                self.footing = Footing::Lost;
            } else if self.buffer.len() >= HEADER && self.buffer.len() == self.target {
                self.finish(self.excess == 0, each);
            }
        }
        None
    }

    /// Bytes of a record's content are missing.
    pub(super) fn gap(&mut self, missing: usize, each: &mut dyn FnMut(Message<'_>)) {
        let in_body = self.buffer.len() >= HEADER;
        let left = if in_body { self.target.saturating_sub(self.buffer.len()) + self.excess } else { self.skip };
        if missing > left || left == 0 {
            self.lost(each);
            return;
        }
        if in_body {
            self.finish(false, each);
        }
        self.skip = left - missing;
    }

    /// Nobody knows where the next message begins. What there is of the current one is handed on.
    pub(super) fn lost(&mut self, each: &mut dyn FnMut(Message<'_>)) {
        self.finish(false, each);
        self.skip = 0;
        self.footing = Footing::Lost;
    }

    /// A message header is complete: says whether it is believed, and prepares for the body.
    fn begin(&mut self) -> bool {
        let mut at = Cursor::new(self.buffer.stretch().bytes);
        let (Some(kind), Some(length)) = (at.u8(), at.u24_be()) else { return false };
        let length = length as usize;
        let believed = match self.footing {
            Footing::Sure => is_known(kind) && length <= LONGEST,
            Footing::Trying(Strictness::AfterLoss) => is_likely(kind, length),
            Footing::Trying(Strictness::HelloOnly) => {
                matches!(kind, kind::CLIENT_HELLO | kind::SERVER_HELLO) && is_likely(kind, length)
            }
            Footing::Lost => false,
        };
        if !believed {
            return false;
        }
        self.footing = Footing::Sure;
        let kept = if is_wanted(kind) { length.min(limits::HANDSHAKE_BYTES) } else { 0 };
        self.target = HEADER + kept;
        self.excess = length - kept;
        true
    }

    fn finish(&mut self, whole: bool, each: &mut dyn FnMut(Message<'_>)) {
        if self.footing == Footing::Sure && self.buffer.len() >= HEADER {
            let stretch = self.buffer.stretch();
            let mut at = Cursor::new(stretch.bytes);
            if let (Some(kind), Some(_)) = (at.u8(), at.u24_be()) {
                each(Message { kind, body: at.rest(), whole, span: stretch.whole() });
            }
        }
        self.buffer.clear();
        self.skip = std::mem::take(&mut self.excess);
    }
}

const fn is_wanted(kind: u8) -> bool {
    matches!(kind, kind::CLIENT_HELLO | kind::SERVER_HELLO | kind::CERTIFICATE | kind::SERVER_KEY_EXCHANGE)
}

/// Every type ever registered, and those of drafts that were in wide use.
const fn is_known(kind: u8) -> bool {
    matches!(kind, 0..=6 | 8..=9 | 11..=17 | 20..=26 | 67 | 203 | 254)
}

/// Whether bytes that need not be the start of a message look like one.
const fn is_likely(kind: u8, length: usize) -> bool {
    match kind {
        kind::CLIENT_HELLO | kind::SERVER_HELLO => 38 <= length && length <= 1 << 16,
        kind::CERTIFICATE => 3 <= length && length <= 1 << 16,
        kind::SERVER_KEY_EXCHANGE => 4 <= length && length <= 1 << 13,
        kind::SERVER_HELLO_DONE => length == 0,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::packet::Mark;
    use crate::model::stream::Origin;

    fn feed(messages: &mut Messages, bytes: &[u8], seen: &mut Vec<(u8, usize, bool)>) -> Option<usize> {
        let piece = Stretch { bytes, origins: &[Origin { start: 0, mark: Mark::default() }] };
        messages.push(piece, 0..bytes.len(), &mut |m| seen.push((m.kind, m.body.len(), m.whole)))
    }

    #[test]
    fn messages_are_found_however_they_are_cut() {
        let stream = [&[2, 0, 0, 3, 7, 7, 7][..], &[22, 0, 0, 2, 9, 9], &[14, 0, 0, 0]].concat();
        for cut in 0..stream.len() {
            let mut seen = Vec::new();
            let mut messages = Messages::default();
            messages.record(Expect::Any);
            assert_eq!(feed(&mut messages, &stream[..cut], &mut seen), None);
            messages.record(Expect::Any);
            assert_eq!(feed(&mut messages, &stream[cut..], &mut seen), None);
            assert_eq!(seen, [(2, 3, true), (22, 0, false), (14, 0, true)], "cut at {cut}");
        }
    }

    #[test]
    fn a_hole_inside_a_message_costs_that_message_alone() {
        let (mut seen, mut messages) = (Vec::new(), Messages::default());
        feed(&mut messages, &[11, 0, 0, 10, 1, 2], &mut seen);
        messages.gap(5, &mut |m| assert_eq!((m.body, m.whole), (&[1, 2][..], false)));
        assert_eq!(feed(&mut messages, &[8, 9, 10, 14, 0, 0, 0], &mut seen), None);
        assert_eq!(seen, [(14, 0, true)]);
    }

    #[test]
    fn a_message_too_long_to_keep_is_handed_on_in_part() {
        let (mut seen, mut messages) = (Vec::new(), Messages::default());
        feed(&mut messages, &[11, 5, 0, 0], &mut seen);
        feed(&mut messages, &vec![0; 5 << 16], &mut seen);
        feed(&mut messages, &[14, 0, 0, 0], &mut seen);
        assert_eq!(seen, [(11, limits::HANDSHAKE_BYTES, false), (14, 0, true)]);
    }

    #[test]
    fn encrypted_bytes_are_not_taken_for_messages() {
        let (mut seen, mut messages) = (Vec::new(), Messages::default());
        assert_eq!(feed(&mut messages, &[99, 1, 2, 3, 4], &mut seen), Some(1));
        let mut messages = Messages::default();
        messages.record(Expect::Hello);
        assert_eq!(feed(&mut messages, &[20, 0, 0, 12, 4], &mut seen), Some(1));
        assert_eq!(seen, []);
    }
}
