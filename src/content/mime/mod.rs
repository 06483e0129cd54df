//! Internet messages (RFC 5322) and their parts (RFC 2045, RFC 2046), as they stream by: header fields
//! become fields, parts that are text become text, and the rest is counted. What is held does not grow
//! with the message.

mod decode;
mod header;
#[cfg(test)]
mod tests;

use std::ops::Range;

use self::decode::Decoder;
use self::header::{Part, Sort};
use super::charset::Charset;
use super::document::{self, Document};
use super::pieces::Pieces;
use super::sniff;
use crate::model::event::{Event, EventSink, Field, FieldKind, Format, Outcome, Skip, Text};
use crate::model::flow::Direction;
use crate::model::limits;
use crate::model::secret::Secret;
use crate::model::stream::{Gathered, Stretch};

/// Decoded bytes by which an attachment of no telling type is judged.
const SNIFF_BYTES: usize = 1024;

/// The names under which a message's content is reported.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Of its header fields: `smtp.message.header`.
    pub header: &'static str,
    /// Of its parts: `smtp.message`.
    pub body: &'static str,
}

/// One message on its way.
#[derive(Debug)]
pub struct Message {
    place: Place,
    direction: Direction,
    /// Boundaries of the multiparts around the current part, outermost first.
    boundaries: Vec<Vec<u8>>,
    /// A line whose end has not come yet.
    partial: Gathered,
    /// The bytes at hand continue a line of which the start was passed on already.
    within_line: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    Header {
        part: Part,
        /// The header field that further lines may continue.
        field: Gathered,
    },
    Body(Body),
}

#[derive(Debug)]
struct Body {
    decoder: Decoder,
    sort: Sort,
    name: String,
    /// What its media type says of its charset.
    charset: Option<Option<Charset>>,
    pieces: Pieces,
    /// It is a document, of which this much is here.
    document: Option<Document>,
    /// Bytes of the document that were too many.
    over: usize,
    /// Bytes passed over.
    skipped: u64,
}

impl Message {
    /// A message that begins with its header.
    pub fn new(place: Place, direction: Direction) -> Self {
        Self {
            place,
            direction,
            boundaries: Vec::new(),
            partial: Gathered::default(),
            within_line: false,
            state: State::header(),
        }
    }

    /// A part of a message without its header: how it is encoded shows in its first line.
    pub fn part(place: Place, direction: Direction) -> Self {
        let state = State::Body(Body { decoder: Decoder::Unknown, sort: Sort::Unclear(Format::Plain), ..Body::text() });
        Self { state, ..Self::new(place, direction) }
    }

    /// The next bytes: those of `range`.
    pub fn push(&mut self, data: Stretch<'_>, range: Range<usize>, out: &mut dyn EventSink) {
        let mut at = range.start;
        while let Some(rest) = data.bytes.get(at..range.end).filter(|r| !r.is_empty()) {
            let end = memchr::memchr(b'\n', rest).map(|n| at + n + 1);
            let stop = end.unwrap_or(range.end);
            if self.partial.is_empty() && end.is_some() {
                self.line(data, at..stop, out);
            } else {
                self.partial.push_part(data, at..stop);
                if end.is_some() || self.partial.len() >= limits::LINE_BYTES {
                    let line = std::mem::take(&mut self.partial);
                    self.line(line.stretch(), 0..line.len(), out);
                }
            }
            at = stop;
        }
    }

    /// Bytes are missing: what comes next need not begin a line.
    pub fn gap(&mut self, out: &mut dyn EventSink) {
        self.flush(out);
        self.within_line = true;
    }

    /// The message is over, or nothing more of it will come.
    pub fn finish(mut self, out: &mut dyn EventSink) {
        self.flush(out);
        if let State::Header { field, .. } = &mut self.state {
            let field = std::mem::take(field);
            self.report_field(&field, out);
        }
        self.finish_body(out);
    }

    fn flush(&mut self, out: &mut dyn EventSink) {
        let line = std::mem::take(&mut self.partial);
        self.line(line.stretch(), 0..line.len(), out);
    }

    /// A line with its end, or a part of one that is too long.
    fn line(&mut self, data: Stretch<'_>, range: Range<usize>, out: &mut dyn EventSink) {
        let Some(line) = data.bytes.get(range.clone()).filter(|l| !l.is_empty()) else { return };
        let starts = !std::mem::replace(&mut self.within_line, !line.ends_with(b"\n"));
        if starts && line.starts_with(b"--") && self.boundary(line, out) {
            return;
        }
        match &mut self.state {
            State::Header { part, field } => {
                let content = line.trim_ascii_end();
                let continues = !starts || matches!(line.first(), Some(b' ' | b'\t'));
                if content.is_empty() && starts {
                    let (part, field) = (std::mem::take(part), std::mem::take(field));
                    let part = self.field_done(part, &field, out);
                    self.begin_body(part, out);
                } else if continues && !field.is_empty() {
                    if field.len() < limits::LINE_BYTES {
                        field.push_part(data, range.start..range.start + content.len());
                    }
                } else if memchr::memchr(b':', content).is_some() {
                    let mut next = Gathered::default();
                    next.push_part(data, range.start..range.start + content.len());
                    let done = std::mem::replace(field, next);
                    let part = std::mem::take(part);
                    let changed = self.field_done(part, &done, out);
                    if let State::Header { part, .. } = &mut self.state {
                        *part = changed;
                    }
                } else if !content.starts_with(b"From ") {
                    // No header field: a message without a header.
                    let (part, field) = (std::mem::take(part), std::mem::take(field));
                    let part = self.field_done(part, &field, out);
                    self.begin_body(part, out);
                    self.body(data, range, out);
                }
            }
            State::Body(_) => self.body(data, range, out),
        }
    }

    /// Whether a line that begins with two hyphens is a boundary, and if so begins the next part.
    fn boundary(&mut self, line: &[u8], out: &mut dyn EventSink) -> bool {
        let line = line.trim_ascii_end();
        let Some(text) = line.strip_prefix(b"--") else { return false };
        let found = self.boundaries.iter().enumerate().rev().find_map(|(depth, boundary)| {
            let rest = text.strip_prefix(boundary.as_slice())?;
            matches!(rest, b"" | b"--").then_some((depth, rest.is_empty()))
        });
        let Some((depth, opens)) = found else { return false };
        self.finish_body(out);
        self.boundaries.truncate(if opens { depth + 1 } else { depth });
        self.state = if opens { State::header() } else { State::Body(Body::text()) };
        true
    }

    fn field_done(&self, mut part: Part, field: &Gathered, out: &mut dyn EventSink) -> Part {
        if !field.is_empty() {
            part.learn(field.stretch().bytes);
            self.report_field(field, out);
        }
        part
    }

    fn report_field(&self, field: &Gathered, out: &mut dyn EventSink) {
        let data = field.stretch();
        let Some((name, value)) = header::split(data.bytes) else { return };
        let value = header::decode_words(value);
        if value.is_empty() || header::is_routine(name) {
            return;
        }
        out.event(Event::Field(Field {
            kind: FieldKind::Header,
            place: self.place.header,
            name,
            value: Secret::new(&value),
            resource: "",
            direction: self.direction,
            account: None,
            outcome: Outcome::Unknown,
            span: data.whole(),
        }));
    }

    fn begin_body(&mut self, part: Part, out: &mut dyn EventSink) {
        let charset = part.charset();
        self.state = match part.into_sort() {
            (Sort::Multipart(boundary), ..) if self.boundaries.len() < limits::NESTING => {
                self.boundaries.push(boundary);
                State::Body(Body::text())
            }
            (Sort::Message, Decoder::Identity, _) => State::header(),
            (sort @ (Sort::Message | Sort::Multipart(_)), decoder, name) => {
                if matches!(sort, Sort::Multipart(_)) {
                    out.beyond(limits::Cap::Nesting);
                }
                State::Body(Body { decoder, name, ..Body::text() })
            }
            (sort, decoder, name) => {
                let mut body = Body { decoder, sort, name, ..Body::text() };
                match body.sort {
                    Sort::Text(format) => body.pieces.read_as(charset, format),
                    _ => body.charset = charset,
                }
                State::Body(body)
            }
        };
    }

    fn body(&mut self, data: Stretch<'_>, range: Range<usize>, out: &mut dyn EventSink) {
        let (place, direction) = (self.place.body, self.direction);
        let State::Body(body) = &mut self.state else { return };
        if matches!(body.sort, Sort::Binary) {
            body.skipped += range.len() as u64;
            return;
        }
        if let Some(document) = &mut body.document {
            let Body { decoder, pieces, over, .. } = body;
            decoder.decode(data, range, pieces, &mut |data, seen| *over += document.push(data, seen..data.bytes.len()));
            return;
        }
        if let Sort::Text(format) = body.sort {
            let Body { decoder, pieces, name, .. } = body;
            let mut emit = |data: Stretch<'_>, seen: usize| out.event(text(format, place, name, direction, data, seen));
            decoder.decode(data, range, pieces, &mut emit);
            return;
        }
        // Too little to fill a piece before the judgement.
        body.decoder.decode(data, range, &mut body.pieces, &mut |_, _| {});
        if body.pieces.pending().bytes.len() >= SNIFF_BYTES {
            body.judge();
        }
    }

    fn finish_body(&mut self, out: &mut dyn EventSink) {
        let (place, direction) = (self.place.body, self.direction);
        let State::Body(body) = &mut self.state else { return };
        if !matches!(body.sort, Sort::Text(_) | Sort::Binary) && body.document.is_none() {
            body.judge();
        }
        if let Some(mut document) = body.document.take() {
            let Body { pieces, over, .. } = body;
            pieces.finish(&mut |data, seen| *over += document.push(data, seen..data.bytes.len()));
            let at = document::Place { place, resource: &body.name, direction, outcome: Outcome::Unknown };
            document.finish(at, out);
            if body.over > 0 {
                out.event(Event::Skipped { reason: Skip::Limit, bytes: body.over as u64 });
            }
        }
        if let Sort::Text(format) = body.sort {
            let name = &body.name;
            body.pieces.finish(&mut |data, seen| out.event(text(format, place, name, direction, data, seen)));
        }
        if body.skipped > 0 {
            out.event(Event::Skipped { reason: Skip::Binary, bytes: body.skipped });
        }
        *body = Body::text();
    }
}

impl State {
    fn header() -> Self {
        Self::Header { part: Part::default(), field: Gathered::default() }
    }
}

impl Body {
    fn text() -> Self {
        Self {
            decoder: Decoder::Identity,
            sort: Sort::Text(Format::Plain),
            name: String::new(),
            charset: None,
            pieces: Pieces::default(),
            document: None,
            over: 0,
            skipped: 0,
        }
    }

    /// Decides by its first bytes what an attachment of no telling type is.
    fn judge(&mut self) {
        let Sort::Unclear(format) = self.sort else { return };
        let start = self.pieces.pending().bytes;
        if let Some(kind) = document::Kind::of_file(start) {
            self.document = Some(Document::new(kind));
        } else if sniff::is_text(start) && sniff::binary(start).is_none() {
            let format = if format == Format::Plain { sniff::format(start) } else { format };
            self.pieces.read_as(self.charset, format);
            self.sort = Sort::Text(format);
        } else {
            self.skipped += start.len() as u64;
            self.pieces = Pieces::default();
            self.sort = Sort::Binary;
        }
    }
}

fn text<'a>(
    format: Format,
    place: &'a str,
    resource: &'a str,
    direction: Direction,
    data: Stretch<'a>,
    seen: usize,
) -> Event<'a> {
    Event::Text(Text { format, place, resource, direction, outcome: Outcome::Unknown, data, seen })
}
