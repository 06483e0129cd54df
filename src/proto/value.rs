//! Values of databases and key-value stores on their way to events: columns, parameters, keys. A value
//! that is a document of its own goes to the content rules as text, every other one is a field; one
//! too long to wait for goes by in pieces.

use std::ops::Range;

use super::pieces::Pieces;
use crate::content::sniff;
pub use crate::content::tree::account;
use crate::content::tree::pair;
use crate::model::event::{Event, EventSink, Field, FieldKind, Format, Outcome, Skip, Text};
use crate::model::flow::Direction;
use crate::model::packet::Span;
use crate::model::secret::Secret;
use crate::model::stream::{Origin, Stretch};

/// Values longer than this go by in pieces.
pub const WHOLE_BYTES: u64 = 64 << 10;

/// Longest value that names another one, in bytes.
const LONGEST_NAME: usize = 128;

/// How much of a long value is looked at to tell text from binary.
const SAMPLE_BYTES: u64 = 1024;

/// What is known of a value besides its bytes; as in [`Field`].
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    /// Its kind.
    pub kind: FieldKind,
    /// Where it stands.
    pub place: &'a str,
    /// Its name: the column, the key.
    pub name: &'a str,
    /// What it is part of: the table. May be empty.
    pub resource: &'a str,
    /// Who sent it.
    pub direction: Direction,
    /// The account named beside it.
    pub account: Option<&'a [u8]>,
}

impl Named<'_> {
    /// Says a whole value.
    pub fn say(&self, value: &[u8], span: Span, out: &mut dyn EventSink) {
        if let Some(format) = document(value) {
            let last = Origin { start: value.len().saturating_sub(1), mark: span.last };
            let origins = [Origin { start: 0, mark: span.first }, last];
            let data = Stretch { bytes: value, origins: &origins };
            out.event(self.text(format, data, 0));
            return;
        }
        out.event(Event::Field(Field {
            kind: self.kind,
            place: self.place,
            name: self.name,
            value: Secret::new(value),
            resource: self.resource,
            direction: self.direction,
            account: self.account,
            outcome: Outcome::Unknown,
            span,
        }));
    }

    fn text<'a>(&'a self, format: Format, data: Stretch<'a>, seen: usize) -> Event<'a> {
        let (place, direction, outcome) = (self.place, self.direction, Outcome::Unknown);
        Event::Text(Text { format, place, resource: self.name, direction, outcome, data, seen })
    }
}

/// Whether a whole value is a document with values of its own inside.
fn document(value: &[u8]) -> Option<Format> {
    match (value.first()?, value.last()?) {
        (b'{', b'}') | (b'[', b']') if value.len() > 8 && value.contains(&b'"') => Some(Format::Json),
        (b'<', b'>') if value.len() > 8 => Some(Format::Xml),
        // A file, a mail, a log: rules for fields expect a value of a line.
        _ if memchr::memchr(b'\n', value).is_some() && sniff::is_text(value) => Some(Format::Plain),
        _ => None,
    }
}

/// A value too long to be waited for.
#[derive(Debug)]
pub struct LongValue {
    left: u64,
    format: Option<Format>,
    pieces: Pieces,
}

/// What became of the bytes given to [`LongValue::feed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fed {
    /// So many were taken.
    Took(usize),
    /// The value is binary: it, from here to its end so many bytes, is to be passed over. It has been
    /// counted.
    Skip(u64),
    /// Too few to tell text from binary; come back with more.
    Wait,
}

impl LongValue {
    /// A value of `length` bytes, of which none were seen.
    pub fn new(length: u64) -> Self {
        Self { left: length, format: None, pieces: Pieces::default() }
    }

    /// How many of its bytes are still to come.
    pub const fn left(&self) -> u64 {
        self.left
    }

    /// Takes bytes of the value: those of `part`, or the first of them.
    pub fn feed(&mut self, data: Stretch<'_>, part: Range<usize>, named: &Named<'_>, out: &mut dyn EventSink) -> Fed {
        let from = part.start;
        let here = data.bytes.get(part).unwrap_or_default();
        let count = here.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let here = here.get(..count).unwrap_or_default();
        let format = match self.format {
            Some(format) => format,
            None if (count as u64) < self.left.min(SAMPLE_BYTES) => return Fed::Wait,
            None if !sniff::is_text(here.get(..SAMPLE_BYTES as usize).unwrap_or(here)) => {
                let bytes = std::mem::take(&mut self.left);
                out.event(Event::Skipped { reason: Skip::Binary, bytes });
                return Fed::Skip(bytes);
            }
            None => sniff::format(here),
        };
        self.format = Some(format);
        let emit = &mut |piece: Stretch<'_>, seen: usize| out.event(named.text(format, piece, seen));
        self.pieces.push_part(data, from..from + count, emit);
        self.left -= count as u64;
        if self.left == 0 {
            self.pieces.finish(emit);
        }
        Fed::Took(count)
    }

    /// The rest of the value will not come.
    pub fn cut(&mut self, named: &Named<'_>, out: &mut dyn EventSink) {
        let format = self.format.unwrap_or(Format::Plain);
        self.pieces.finish(&mut |piece, seen| out.event(named.text(format, piece, seen)));
        self.left = 0;
    }
}

/// The columns of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns<C> {
    /// What each protocol knows of a column.
    pub columns: Vec<C>,
    /// The column that says whose the others are.
    pub account: Option<usize>,
    /// The column that names each value, and the one with the values.
    pub pair: Option<(usize, usize)>,
}

impl<C> Columns<C> {
    /// Columns whose names `name` tells.
    pub fn new(columns: Vec<C>, name: impl Fn(&C) -> &str) -> Self {
        let account = account(columns.iter().map(&name));
        let pair = pair(columns.iter().map(&name));
        Self { columns, account, pair }
    }

    /// What the value in a column is called in a row, where another value of the row names it: `value`
    /// reads those.
    pub fn called<'a>(
        &self,
        index: usize,
        name: &str,
        value: impl FnOnce(usize) -> Option<&'a [u8]>,
    ) -> Option<String> {
        let (key, _) = self.pair.filter(|(_, own)| *own == index)?;
        let key = value(key).filter(|key| key.len() <= LONGEST_NAME)?;
        Some(format!("{name}.{}", String::from_utf8_lossy(key)))
    }
}
