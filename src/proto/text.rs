//! Stands in for protocols nobody here knows: what is text meets the content rules, the rest is
//! counted. Not in the list of protocols, as there is nothing to recognise it by.

use super::pieces::Pieces;
use super::{Analyzer, Nature, Progress, Protocol, Verdict};
use crate::content::sniff;
use crate::model::event::{Event, EventSink, Format, LinkFact, Outcome, Skip, Text};
use crate::model::flow::{Direction, Transport};
use crate::model::link::Encryption;
use crate::model::stream::{Input, Stretch};

/// The stand-in.
pub static PROTOCOL: Protocol = Protocol {
    name: "unknown",
    transport: Transport::Tcp,
    ports: &[],
    nature: Nature::Unknown,
    probe: |_| Verdict::No,
    start: || Box::<Unrecognised>::default(),
};

#[derive(Default)]
struct Unrecognised {
    sides: [Side; 2],
    opaque: bool,
}

#[derive(Default)]
struct Side {
    pieces: Pieces,
}

impl Analyzer for Unrecognised {
    fn data(&mut self, input: Input<'_>, out: &mut dyn EventSink) -> Progress {
        let bytes = input.bytes();
        let Some(side) = self.sides.get_mut(input.direction.index()) else { return Progress::Stop };
        // Judged anew for every delivery, as protocols switch between text and binary.
        if sniff::is_text(bytes) {
            side.pieces.push(input.data, &mut |data, seen| out.event(text(input.direction, data, seen)));
        } else {
            out.event(Event::Skipped { reason: Skip::UnknownProtocol, bytes: bytes.len() as u64 });
            if !self.opaque && sniff::looks_encrypted(bytes) {
                self.opaque = true;
                out.event(Event::Link(LinkFact::Encrypted(Encryption::Opaque)));
            }
        }
        Progress::Continue(bytes.len())
    }

    fn gap(&mut self, direction: Direction, _missing: u64, out: &mut dyn EventSink) {
        if let Some(side) = self.sides.get_mut(direction.index()) {
            side.pieces.finish(&mut |data, seen| out.event(text(direction, data, seen)));
        }
    }

    fn end(&mut self, _left: [Input<'_>; 2], out: &mut dyn EventSink) {
        for (side, direction) in self.sides.iter_mut().zip(Direction::BOTH) {
            side.pieces.finish(&mut |data, seen| out.event(text(direction, data, seen)));
        }
    }
}

fn text(direction: Direction, data: Stretch<'_>, seen: usize) -> Event<'_> {
    let (format, outcome) = (Format::Plain, Outcome::Unknown);
    Event::Text(Text { format, place: "stream", resource: "", direction, outcome, data, seen })
}
