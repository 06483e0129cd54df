//! A file as it passes: text goes to the rules piece by piece, what has text inside is held until it can be
//! opened, the rest is counted.

use std::ops::Range;

use super::charset::Charset;
use super::document::{Document, Kind, Place};
use super::pieces::Pieces;
use super::sniff;
use crate::model::event::{Event, EventSink, Format, Skip, Text};
use crate::model::limits;
use crate::model::stream::{Gathered, Stretch};

/// Bytes that tell what a file is.
const SNIFF: usize = 1024;

/// One file, or a part of one, from front to back.
#[derive(Debug, Default)]
pub struct File {
    fate: Fate,
    held: usize,
}

#[derive(Debug)]
enum Fate {
    Binary(Skip),
    Document(Document),
    Text(Format, Pieces),
    Undecided(Gathered),
}

impl Default for Fate {
    fn default() -> Self {
        Self::Undecided(Gathered::default())
    }
}

impl File {
    /// Takes the next bytes of it.
    pub fn push(&mut self, data: Stretch<'_>, range: Range<usize>, at: &Place<'_>, out: &mut dyn EventSink) {
        match &mut self.fate {
            Fate::Binary(reason) => skipped(*reason, range.len() as u64, out),
            Fate::Document(document) => {
                let over = document.push(data, range.clone());
                self.held += range.len() - over;
                if over > 0 {
                    skipped(Skip::Limit, over as u64, out);
                }
            }
            Fate::Text(format, pieces) => {
                let format = *format;
                pieces.push_part(data, range, &mut |data, seen| out.event(text(format, at, data, seen)));
                self.held = pieces.pending().bytes.len();
            }
            Fate::Undecided(start) => {
                start.push_part(data, range);
                self.held = start.len();
                if start.len() >= SNIFF {
                    self.decide(at, out);
                }
            }
        }
    }

    /// Nothing more of it is wanted: it need not even come here, if it is counted by [`File::pass`].
    pub fn is_unwanted(&self) -> bool {
        match self.fate {
            Fate::Binary(_) => true,
            Fate::Document(_) => self.held >= limits::DOCUMENT_BYTES,
            Fate::Text(..) | Fate::Undecided(_) => false,
        }
    }

    /// Counts bytes of it that nobody wants.
    pub fn pass(&self, bytes: u64, out: &mut dyn EventSink) {
        let reason = if let Fate::Binary(reason) = self.fate { reason } else { Skip::Limit };
        skipped(reason, bytes, out);
    }

    /// Bytes that are held of it.
    pub const fn held(&self) -> usize {
        self.held
    }

    /// Nothing more of it will come.
    pub fn finish(mut self, at: &Place<'_>, out: &mut dyn EventSink) {
        if matches!(self.fate, Fate::Undecided(_)) {
            self.decide(at, out);
        }
        match self.fate {
            Fate::Document(document) => document.finish(*at, out),
            Fate::Text(format, mut pieces) => {
                pieces.finish(&mut |data, seen| out.event(text(format, at, data, seen)));
            }
            Fate::Binary(_) | Fate::Undecided(_) => {}
        }
    }

    /// Decides by its first bytes, and its name, what it is.
    fn decide(&mut self, at: &Place<'_>, out: &mut dyn EventSink) {
        let Fate::Undecided(start) = std::mem::take(&mut self.fate) else { return };
        let data = start.stretch();
        self.fate = fate(at.resource, data.bytes);
        self.held = 0;
        self.push(data, 0..data.bytes.len(), at, out);
    }
}

fn fate(name: &str, bytes: &[u8]) -> Fate {
    let read = |start: &[u8], charset: Option<Charset>| {
        let format = sniff::format_of_name(name).unwrap_or_else(|| sniff::format(start));
        let mut pieces = Pieces::default();
        pieces.read_as(charset.map(Some), format);
        Fate::Text(format, pieces)
    };
    match Kind::of_file(bytes) {
        // Read as it comes, as other text is.
        Some(Kind::Utf16(order)) => {
            let charset = Charset::utf16(order);
            read(&charset.read(bytes), Some(charset))
        }
        Some(kind) => Fate::Document(Document::new(kind)),
        None if sniff::binary(bytes).is_some() => Fate::Binary(Skip::Binary),
        None if sniff::is_text(bytes) => read(bytes, None),
        None => Kind::of_message(bytes).map_or(Fate::Binary(Skip::Binary), |kind| Fate::Document(Document::new(kind))),
    }
}

fn text<'a>(format: Format, at: &Place<'a>, data: Stretch<'a>, seen: usize) -> Event<'a> {
    let Place { place, resource, direction, outcome } = *at;
    Event::Text(Text { format, place, resource, direction, outcome, data, seen })
}

fn skipped(reason: Skip, bytes: u64, out: &mut dyn EventSink) {
    if bytes > 0 {
        out.event(Event::Skipped { reason, bytes });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::Outcome;
    use crate::model::flow::Direction;
    use crate::model::packet::Mark;
    use crate::model::stream::Origin;

    #[derive(Default)]
    struct Heard(Vec<String>, u64);

    impl EventSink for Heard {
        fn event(&mut self, event: Event<'_>) {
            match event {
                Event::Text(text) => {
                    let new = text.data.bytes.get(text.seen..).unwrap_or_default();
                    self.0.push(format!("{:?} {}", text.format, String::from_utf8_lossy(new)));
                }
                Event::Skipped { bytes, .. } => self.1 += bytes,
                _ => {}
            }
        }
    }

    fn heard(name: &str, parts: &[&[u8]]) -> Heard {
        let (direction, outcome) = (Direction::ToClient, Outcome::Unknown);
        let at = Place { place: "file", resource: name, direction, outcome };
        let (mut file, mut heard) = (File::default(), Heard::default());
        for bytes in parts {
            let origins = [Origin { start: 0, mark: Mark::default() }];
            file.push(Stretch { bytes, origins: &origins }, 0..bytes.len(), &at, &mut heard);
        }
        file.finish(&at, &mut heard);
        heard
    }

    #[test]
    fn text_is_read_in_the_format_of_its_name_or_of_its_start() {
        assert_eq!(heard("a.csv", &[b"x\n", b"1\n"]).0, ["Csv x\n1\n"]);
        assert_eq!(heard("a", &[b"{\"x\"", b":1}"]).0, ["Json {\"x\":1}"]);
        assert_eq!(heard("", &[b"\xff\xfeh\0i\0"]).0, ["Plain hi"]);
    }

    #[test]
    fn what_nobody_can_read_is_counted() {
        let picture = [b"\x89PNG\r\n\x1a\n".as_slice(), &[0x9c; 3000]].concat();
        let said = heard("a.png", &[&picture, &[0; 7]]);
        assert_eq!((said.0.len(), said.1), (0, 3015));
    }
}
