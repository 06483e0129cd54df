//! The server's side: FETCH responses and the messages in them.

use super::PLACE;
use super::syntax::literal_at_end;
use crate::content::mime::Message;
use crate::model::event::{Event, EventSink, Format, Outcome, Skip, Text};
use crate::model::flow::Direction;
use crate::model::stream::{Gathered, Input};
use crate::proto::cursor::Cursor;
use crate::proto::lines::contains_word;

/// Where the server's side stands.
#[derive(Default)]
pub(super) struct Fetched {
    literal: Option<Open>,
    /// The next line goes on after a literal.
    within: bool,
    /// A message of which a part was fetched, and the rest may be fetched next.
    partial: Option<Partial>,
}

/// A literal of which some is still to come.
struct Open {
    left: u64,
    /// `None`: of no interest.
    message: Option<Box<Message>>,
    /// Which part of which message this is, and where the next part begins.
    next: Option<(Vec<u8>, u64)>,
}

struct Partial {
    next: (Vec<u8>, u64),
    message: Box<Message>,
}

impl Fetched {
    /// Takes what is there of a literal. Says whether there is more of it to come.
    pub(super) fn literal(&mut self, input: Input<'_>, cursor: &mut Cursor<'_>, out: &mut dyn EventSink) -> bool {
        let Some(open) = &mut self.literal else { return false };
        let here = open.left.min(cursor.remaining() as u64) as usize;
        if let Some(message) = &mut open.message {
            message.push(input.data, cursor.position()..cursor.position() + here, out);
        } else if here > 0 {
            out.event(Event::Skipped { reason: Skip::Binary, bytes: here as u64 });
        }
        let _ = cursor.skip(here);
        open.left -= here as u64;
        if open.left > 0 {
            return true;
        }
        if let Some(Open { message: Some(message), next, .. }) = self.literal.take() {
            match next {
                Some(next) => self.partial = Some(Partial { next, message }),
                None => message.finish(out),
            }
        }
        false
    }

    /// Takes a line. Says whether it is a response of its own, to be looked at by the caller.
    pub(super) fn line(&mut self, line: &[u8], start: usize, input: Input<'_>, out: &mut dyn EventSink) -> bool {
        let within = std::mem::take(&mut self.within);
        if let Some(literal) = literal_at_end(line) {
            self.within = true;
            self.open(literal.before, literal.length, out);
        }
        let fetch = line.starts_with(b"* ") && contains_word(line.get(..32).unwrap_or(line), b" FETCH (");
        if (fetch || within) && line.contains(&b'"') {
            let mut text = Gathered::default();
            text.push_part(input.data, start..start + line.len());
            out.event(Event::Text(Text {
                format: Format::Plain,
                place: "imap.fetch",
                resource: "",
                direction: Direction::ToClient,
                outcome: Outcome::Unknown,
                data: text.stretch(),
                seen: 0,
            }));
        }
        !within && !fetch
    }

    /// Bytes are missing.
    pub(super) fn gap(&mut self, missing: u64, out: &mut dyn EventSink) {
        match &mut self.literal {
            Some(open) if open.left > missing => {
                open.left -= missing;
                if let Some(message) = &mut open.message {
                    message.gap(out);
                }
            }
            _ => {
                self.within = false;
                self.finish(out);
            }
        }
    }

    /// Nothing more will come.
    pub(super) fn finish(&mut self, out: &mut dyn EventSink) {
        if let Some(Open { message: Some(message), .. }) = self.literal.take() {
            message.finish(out);
        }
        if let Some(partial) = self.partial.take() {
            partial.message.finish(out);
        }
    }

    /// A literal follows what is `before` it on its line.
    fn open(&mut self, before: &[u8], left: u64, out: &mut dyn EventSink) {
        let before = before.trim_ascii_end();
        let name_at = memchr::memrchr2(b' ', b'(', before.get(..bracket(before)).unwrap_or_default());
        let item = before.get(name_at.map_or(0, |n| n + 1)..).unwrap_or_default().to_ascii_uppercase();
        let section = |name: &[u8]| item.strip_prefix(name).and_then(|s| s.split(|b| *b == b']').next());
        let whole = match (section(b"BODY["), section(b"BINARY[")) {
            (Some(section), _) => section.is_empty() || contains_word(section, b"HEADER") || section.ends_with(b"MIME"),
            (_, Some(_)) => false,
            _ if item.starts_with(b"RFC822") => item != b"RFC822.TEXT",
            // A mailbox name or another string.
            _ => {
                self.literal =
                    Some(Open { left, message: Some(Box::new(Message::part(PLACE, Direction::ToClient))), next: None });
                return;
            }
        };
        let offset = offset_of(&item);
        let same = self.partial.take_if(|p| offset == Some(p.next.1) && item.starts_with(&p.next.0));
        if let Some(other) = self.partial.take() {
            other.message.finish(out);
        }
        let message = match same {
            Some(partial) => partial.message,
            None if whole && offset.unwrap_or(0) == 0 => Box::new(Message::new(PLACE, Direction::ToClient)),
            None => Box::new(Message::part(PLACE, Direction::ToClient)),
        };
        let next = offset.map(|offset| {
            let name = item.split(|b| *b == b'<').next().unwrap_or_default().to_vec();
            (name, offset.saturating_add(left))
        });
        self.literal = Some(Open { left, message: Some(message), next });
    }
}

/// Where the section of the last item begins; the item's name stands before it.
fn bracket(before: &[u8]) -> usize {
    match memchr::memrchr(b']', before) {
        Some(close) if before.get(close + 1..).is_some_and(|t| t.is_empty() || t.starts_with(b"<")) => {
            before.get(..close).and_then(|b| memchr::memrchr(b'[', b)).unwrap_or(0)
        }
        _ => before.len(),
    }
}

/// `<n>` at the end of an item: only a part was fetched, from there on.
fn offset_of(item: &[u8]) -> Option<u64> {
    let inner = item.strip_suffix(b">")?;
    let open = memchr::memrchr(b'<', inner)?;
    std::str::from_utf8(inner.get(open + 1..)?).ok()?.parse().ok()
}
