//! Says what is inside of content that was taken apart: the fields and the texts of a file, a
//! document, a message, all of which came in the same packets.

use super::pieces::Pieces;
use crate::model::event::{Event, EventSink, Field, FieldKind, Format, Outcome, Skip, Text};
use crate::model::flow::Direction;
use crate::model::packet::Span;
use crate::model::secret::Secret;
use crate::model::stream::{Origin, Stretch};

/// What all that is inside has in common; as in [`Field`] and [`Text`].
#[derive(Clone, Copy, Debug)]
pub struct Carrier<'a> {
    /// Where the content stands.
    pub place: &'a str,
    /// What it is: URL path, file name. May be empty.
    pub resource: &'a str,
    /// Who sent it.
    pub direction: Direction,
    /// Whether the server accepted the request it was part of.
    pub outcome: Outcome,
    /// The packets that carry it.
    pub span: Span,
}

impl Carrier<'_> {
    /// One named value.
    pub fn field(&self, kind: FieldKind, name: &str, value: &[u8], account: Option<&[u8]>, out: &mut dyn EventSink) {
        if value.is_empty() {
            return;
        }
        let Self { place, resource, direction, outcome, span } = *self;
        let value = Secret::new(value);
        out.event(Event::Field(Field { kind, place, name, value, resource, direction, account, outcome, span }));
    }

    /// Text, in pieces where it is long.
    pub fn text(&self, format: Format, text: &[u8], out: &mut dyn EventSink) {
        if text.is_empty() {
            return;
        }
        let Self { place, resource, direction, outcome, span } = *self;
        let last = Origin { start: text.len().saturating_sub(1), mark: span.last };
        let origins = [Origin { start: 0, mark: span.first }, last];
        let origins = if last.start == 0 { origins.get(..1).unwrap_or_default() } else { &origins };
        let mut emit = |data: Stretch<'_>, seen: usize| {
            out.event(Event::Text(Text { format, place, resource, direction, outcome, data, seen }));
        };
        let mut pieces = Pieces::default();
        pieces.push(Stretch { bytes: text, origins }, &mut emit);
        pieces.finish(&mut emit);
    }

    /// Bytes of it that were not looked at.
    pub fn skipped(&self, reason: Skip, bytes: usize, out: &mut dyn EventSink) {
        if bytes > 0 {
            out.event(Event::Skipped { reason, bytes: bytes as u64 });
        }
    }
}
