//! Stands in for protocols nobody here knows: what is text meets the content rules, as does the text
//! inside of binary messages; the rest is counted. Not in the list of protocols, as there is nothing to
//! recognise it by.

use super::pieces::Pieces;
use super::{Analyzer, Nature, Progress, Protocol, Verdict};
use crate::content::document::{Document, Kind, Place};
use crate::content::sniff;
use crate::content::strings::{self, Run};
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

/// A message of which at least one byte in so many is text is no random one.
const TEXT_SHARE: usize = 4;

#[derive(Default)]
struct Unrecognised {
    sides: [Side; 2],
    opaque: bool,
}

#[derive(Default)]
struct Side {
    pieces: Pieces,
    /// What the first text was written in.
    format: Option<Format>,
    /// The delivery before ended within a text.
    open: bool,
    /// What it carries is a file, the data connection of FTP for one.
    file: Option<Document>,
    /// It carries a picture, a film, an archive nobody opens.
    binary: bool,
    begun: bool,
}

impl Analyzer for Unrecognised {
    fn data(&mut self, input: Input<'_>, out: &mut dyn EventSink) -> Progress {
        self.read(input, out);
        Progress::Continue(input.bytes().len())
    }

    fn gap(&mut self, direction: Direction, _missing: u64, out: &mut dyn EventSink) {
        self.finish(direction, out);
    }

    fn end(&mut self, _left: [Input<'_>; 2], out: &mut dyn EventSink) {
        for direction in Direction::BOTH {
            self.finish(direction, out);
        }
    }
}

impl Unrecognised {
    /// Reads a delivery. Judged anew each time, as protocols switch between text and binary.
    fn read(&mut self, input: Input<'_>, out: &mut dyn EventSink) {
        let bytes = input.bytes();
        let Some(side) = self.sides.get_mut(input.direction.index()) else { return };
        if !std::mem::replace(&mut side.begun, true) {
            side.file = Kind::of_file(bytes).map(Document::new);
            side.binary = side.file.is_none() && sniff::file(bytes).is_some();
        }
        if side.binary {
            out.event(Event::Skipped { reason: Skip::Binary, bytes: bytes.len() as u64 });
            return;
        }
        if let Some(file) = &mut side.file {
            let over = file.push(input.data, 0..bytes.len());
            if over > 0 {
                out.event(Event::Skipped { reason: Skip::Limit, bytes: over as u64 });
            }
            return;
        }
        if sniff::is_text(bytes) {
            let Side { format, pieces, .. } = side;
            let format = *format.get_or_insert_with(|| {
                let format = sniff::format(bytes);
                pieces.read_as(None, format);
                format
            });
            pieces.push(input.data, &mut |data, seen| out.event(text(format, input.direction, data, seen)));
            return;
        }
        if sniff::looks_encrypted(bytes) {
            if !self.opaque {
                self.opaque = true;
                out.event(Event::Link(LinkFact::Encrypted(Encryption::Opaque)));
            }
            out.event(Event::Skipped { reason: Skip::UnknownProtocol, bytes: bytes.len() as u64 });
            return;
        }
        let runs = strings::runs(bytes);
        let readable: usize = runs.iter().map(|run| run.range.len()).sum();
        let mut unread = bytes.len();
        if readable * TEXT_SHARE >= bytes.len() {
            unread -= readable;
            side.strings(&runs, input, out);
        }
        if unread > 0 {
            out.event(Event::Skipped { reason: Skip::UnknownProtocol, bytes: unread as u64 });
        }
    }

    fn finish(&mut self, direction: Direction, out: &mut dyn EventSink) {
        let Some(side) = self.sides.get_mut(direction.index()) else { return };
        if let Some(file) = side.file.take() {
            file.finish(Place { place: "stream", resource: "", direction, outcome: Outcome::Unknown }, out);
        }
        let format = side.format.take().unwrap_or(Format::Plain);
        side.pieces.finish(&mut |data, seen| out.event(text(format, direction, data, seen)));
    }
}

impl Side {
    /// Takes the runs of text of a binary message, a line each. A run may go on in the next delivery.
    fn strings(&mut self, runs: &[Run], input: Input<'_>, out: &mut dyn EventSink) {
        let format = *self.format.get_or_insert_with(|| longest(runs, input.bytes()));
        for run in runs {
            let mark = input.data.mark(run.range.start);
            if run.range.start > 0 && std::mem::take(&mut self.open) {
                self.pieces.buffer(mark).push(b'\n');
            }
            let buffer = self.pieces.buffer(mark);
            run.read(input.bytes(), buffer);
            if run.range.end == input.bytes().len() {
                self.open = true;
            } else {
                buffer.push(b'\n');
            }
            self.pieces.emit_if_full(&mut |data, seen| out.event(text(format, input.direction, data, seen)));
        }
    }
}

/// The format of what a message says at most length.
fn longest(runs: &[Run], bytes: &[u8]) -> Format {
    let mut said = Vec::new();
    if let Some(run) = runs.iter().max_by_key(|run| run.range.len()) {
        run.read(bytes, &mut said);
    }
    sniff::format(&said)
}

fn text(format: Format, direction: Direction, data: Stretch<'_>, seen: usize) -> Event<'_> {
    let outcome = Outcome::Unknown;
    Event::Text(Text { format, place: "stream", resource: "", direction, outcome, data, seen })
}

#[cfg(test)]
mod tests {
    use crate::proto::replay::{C, play};

    #[test]
    fn the_text_of_binary_messages_is_read_however_it_is_cut() {
        let message = b"\x84\0\0\x07\0\0\0\x4f\0\0\0\x45INSERT INTO t VALUES ('eva@b.example', 'x')\0\x01\0";
        let whole = play(&[(C, message)]);
        assert_eq!(
            whole.lines,
            ["text stream Plain  EINSERT INTO t VALUES ('eva@b.example', 'x')\n", "skipped unknown protocol 14",]
        );
        let (start, end) = message.split_at(30);
        assert_eq!(play(&[(C, start), (C, end)]).all("text"), whole.all("text"));
    }

    #[test]
    fn a_picture_is_counted_as_one() {
        let picture = [b"\x89PNG\r\n\x1a\n".as_slice(), &[0x9c; 300], b"password=Kx92vTq"].concat();
        let (start, end) = picture.split_at(200);
        assert_eq!(play(&[(C, start), (C, end)]).lines, ["skipped binary content 324"]);
    }

    #[test]
    fn bytes_that_are_no_text_are_counted() {
        let noise: Vec<u8> = (0..200_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8 | 0x80).collect();
        assert_eq!(play(&[(C, &noise)]).lines, ["skipped unknown protocol 200"]);
    }
}
