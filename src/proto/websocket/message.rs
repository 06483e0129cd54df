//! A message: text goes to the rules, a binary one as what it turns out to be.

use crate::content::document::{Document, Kind, Place};
use crate::content::sniff;
use crate::model::event::{Event, EventSink, Format, Outcome, Skip, Text};
use crate::model::flow::Direction;
use crate::model::stream::{Gathered, Stretch};
use crate::proto::pieces::Pieces;

const PLACE: &str = "websocket.message";

/// Bytes by which a message is judged.
const SAMPLE: usize = 1024;

/// A message on its way.
#[derive(Debug)]
pub(super) struct Message {
    direction: Direction,
    text: bool,
    fate: Fate,
    /// Bytes of it so far, decoded.
    length: u64,
}

#[derive(Debug)]
enum Fate {
    Document(Document),
    Passed(Skip),
    Text(Format, Pieces),
    Undecided(Gathered),
}

impl Message {
    pub(super) fn new(direction: Direction, text: bool) -> Self {
        Self { direction, text, fate: Fate::Undecided(Gathered::default()), length: 0 }
    }

    pub(super) const fn is_text(&self) -> bool {
        self.text
    }

    /// Why nothing more of it is looked at.
    pub(super) fn passed(&self) -> Option<Skip> {
        if let Fate::Passed(reason) = self.fate { Some(reason) } else { None }
    }

    /// Nothing more of it can be read.
    pub(super) fn pass(&mut self, reason: Skip, out: &mut dyn EventSink) {
        self.end(out);
        self.fate = Fate::Passed(reason);
    }

    /// More of it.
    pub(super) fn push(&mut self, data: Stretch<'_>, out: &mut dyn EventSink) {
        let length = data.bytes.len();
        self.length += length as u64;
        if self.length > out.most_of_body() && self.passed().is_none() {
            self.pass(Skip::Limit, out);
        }
        let mut from = 0;
        if let Fate::Undecided(start) = &mut self.fate {
            from = length.min(SAMPLE.saturating_sub(start.len()));
            start.push_part(data, 0..from);
            if start.len() >= SAMPLE {
                self.decide(out);
            }
        }
        if from == length {
            return;
        }
        let direction = self.direction;
        match &mut self.fate {
            Fate::Undecided(_) => {}
            Fate::Passed(reason) => out.event(Event::Skipped { reason: *reason, bytes: (length - from) as u64 }),
            Fate::Text(format, pieces) => {
                let format = *format;
                pieces.push_part(data, from..length, &mut |data, seen| out.event(text(format, direction, data, seen)));
            }
            Fate::Document(document) => {
                let over = document.push(data, from..length);
                if over > 0 {
                    out.event(Event::Skipped { reason: Skip::Limit, bytes: over as u64 });
                }
            }
        }
    }

    /// It is whole, or will never be.
    pub(super) fn end(&mut self, out: &mut dyn EventSink) {
        self.decide(out);
        let direction = self.direction;
        match std::mem::replace(&mut self.fate, Fate::Undecided(Gathered::default())) {
            Fate::Document(document) => {
                document.finish(Place { place: PLACE, resource: "", direction, outcome: Outcome::Unknown }, out);
            }
            Fate::Text(format, mut pieces) => {
                pieces.finish(&mut |data, seen| out.event(text(format, direction, data, seen)));
            }
            Fate::Passed(_) | Fate::Undecided(_) => {}
        }
    }

    /// Decides by its first bytes what it is.
    fn decide(&mut self, out: &mut dyn EventSink) {
        let Fate::Undecided(start) = &self.fate else { return };
        let data = start.stretch();
        let bytes = data.bytes;
        if bytes.is_empty() {
            return;
        }
        let readable = self.text || sniff::is_text(bytes) && sniff::binary(bytes).is_none();
        let kind = if self.text { None } else { Kind::of_file(bytes) };
        let kind = kind.or_else(|| if readable { None } else { Kind::of_message(bytes) });
        let direction = self.direction;
        self.fate = if let Some(kind) = kind {
            let mut document = Document::new(kind);
            document.push(data, 0..bytes.len());
            Fate::Document(document)
        } else if readable {
            let format = sniff::format(bytes);
            let mut pieces = Pieces::default();
            pieces.push(data, &mut |data, seen| out.event(text(format, direction, data, seen)));
            Fate::Text(format, pieces)
        } else {
            out.event(Event::Skipped { reason: Skip::Binary, bytes: bytes.len() as u64 });
            Fate::Passed(Skip::Binary)
        };
    }
}

fn text(format: Format, direction: Direction, data: Stretch<'_>, seen: usize) -> Event<'_> {
    let outcome = Outcome::Unknown;
    Event::Text(Text { format, place: PLACE, resource: "", direction, outcome, data, seen })
}
