//! Bulk data of databases: what follows `COPY … FROM STDIN`, `COPY … TO STDOUT` and
//! `LOAD DATA LOCAL INFILE`, with the columns that the statement named.

use super::pieces::Pieces;
use super::value::Named;
use crate::content::sniff;
use crate::content::sql::{Bulk, BulkFormat};
use crate::model::event::{Event, EventSink, FieldKind, Format, Outcome, Skip, Text};
use crate::model::flow::Direction;
use crate::model::limits;
use crate::model::stream::{Gathered, Stretch};

/// One transfer.
#[derive(Debug)]
pub struct Transfer {
    bulk: Option<Bulk>,
    place: &'static str,
    direction: Direction,
    /// The line that has not ended yet.
    line: Gathered,
    /// The rest of the line is passed over.
    overlong: bool,
    pieces: Pieces,
    begun: bool,
}

impl Transfer {
    /// A transfer that `bulk` announced; without it, the data is looked at as text.
    pub fn new(bulk: Option<Bulk>, place: &'static str, direction: Direction) -> Self {
        let (line, pieces) = (Gathered::default(), Pieces::default());
        Self { bulk, place, direction, line, overlong: false, pieces, begun: false }
    }

    /// The next bytes: those of `data` from `from` to `to`.
    pub fn data(&mut self, data: Stretch<'_>, from: usize, to: usize, out: &mut dyn EventSink) {
        let bytes = data.bytes.get(from..to).unwrap_or_default();
        match self.bulk.as_ref().map(|b| b.format) {
            Some(BulkFormat::Lines) => self.lines(data, from, to, out),
            Some(BulkFormat::Csv) => self.text(data, from, to, out),
            None if sniff::is_text(bytes) => self.text(data, from, to, out),
            Some(BulkFormat::Binary) | None => {
                out.event(Event::Skipped { reason: Skip::Binary, bytes: bytes.len() as u64 });
            }
        }
    }

    /// Nothing more will come.
    pub fn finish(&mut self, out: &mut dyn EventSink) {
        if !self.line.is_empty() {
            self.end_line(out);
        }
        let Self { bulk, pieces, place, direction, .. } = self;
        pieces.finish(&mut |data, seen| out.event(piece(bulk.as_ref(), place, *direction, data, seen)));
        self.begun = false;
    }

    fn text(&mut self, data: Stretch<'_>, from: usize, to: usize, out: &mut dyn EventSink) {
        let Self { bulk, pieces, place, direction, begun, .. } = self;
        if !*begun
            && let Some(bulk) = bulk
            && !bulk.header
            && !bulk.columns.is_empty()
        {
            // Rules read the names of the columns from the first line.
            let separator = char::from(bulk.separator).to_string();
            let header = bulk.columns.join(&separator);
            pieces.buffer(data.mark(from)).extend(header.bytes().chain(*b"\n"));
        }
        *begun = true;
        let emit = &mut |data: Stretch<'_>, seen: usize| out.event(piece(bulk.as_ref(), place, *direction, data, seen));
        pieces.push_part(data, from..to, emit);
    }

    fn lines(&mut self, data: Stretch<'_>, mut from: usize, to: usize, out: &mut dyn EventSink) {
        while from < to {
            let rest = data.bytes.get(from..to).unwrap_or_default();
            let end = memchr::memchr(b'\n', rest);
            let next = end.map_or(to, |e| from + e + 1);
            if self.overlong {
                out.event(Event::Skipped { reason: Skip::Limit, bytes: (next - from) as u64 });
            } else {
                self.line.push_part(data, from..next);
            }
            if end.is_some() {
                self.end_line(out);
            } else if self.line.len() > limits::LINE_BYTES {
                self.end_line(out);
                self.overlong = true;
            }
            from = next;
        }
    }

    fn end_line(&mut self, out: &mut dyn EventSink) {
        self.overlong = false;
        let Some(bulk) = &mut self.bulk else { return };
        let stretch = self.line.stretch();
        let line = stretch.bytes.strip_suffix(b"\n").unwrap_or(stretch.bytes);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if bulk.header && !self.begun {
            self.begun = true;
            if bulk.columns.is_empty() {
                let names = line.split(|b| *b == bulk.separator).map(String::from_utf8_lossy);
                bulk.columns = names.map(|name| name.into_owned()).collect();
            }
            self.line.clear();
            return;
        }
        let mut at = 0;
        for (n, value) in line.split(|b| *b == bulk.separator).enumerate() {
            let span = stretch.span(at..at + value.len());
            at += value.len() + 1;
            if value.len() < 3 {
                continue;
            }
            let named = Named {
                kind: FieldKind::Column,
                place: self.place,
                name: bulk.columns.get(n).map_or("", String::as_str),
                resource: &bulk.table,
                direction: self.direction,
                account: None,
            };
            if value.contains(&b'\\') {
                named.say(&unescaped(value), span, out);
            } else {
                named.say(value, span, out);
            }
        }
        self.line.clear();
    }
}

fn piece<'a>(
    bulk: Option<&'a Bulk>,
    place: &'static str,
    direction: Direction,
    data: Stretch<'a>,
    seen: usize,
) -> Event<'a> {
    let headed = bulk.is_some_and(|b| b.header || !b.columns.is_empty());
    let format = if headed { Format::Csv } else { Format::Plain };
    let (resource, outcome) = (bulk.map_or("", |b| b.table.as_str()), Outcome::Unknown);
    Event::Text(Text { format, place, resource, direction, outcome, data, seen })
}

/// Backslash escapes of the text format: `\t`, `\n`, `\\`, ….
fn unescaped(value: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(value.len());
    let mut bytes = value.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => plain.extend(bytes.next().map(|b| match b {
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                other => *other,
            })),
            byte => plain.push(*byte),
        }
    }
    plain
}
