//! What the server answers, and what a client sends in bulk: a stream of tokens (MS-TDS section 2.2.7).
//! Rows become fields under the names of their columns.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::types::{self, Type};
use crate::content::strings;
use crate::model::event::{Event, EventSink, FieldKind, Format, Outcome, Skip, Text};
use crate::model::flow::Direction;
use crate::model::stream::{Origin, Stretch};
use crate::proto::cursor::Cursor;
use crate::proto::value::{Columns, Named};

/// A value as it travels, put together where it comes in pieces.
type Value<'a> = Cow<'a, [u8]>;

/// Most columns of a table (1,024, or 30,000 where most are empty).
const MOST_COLUMNS: u16 = 30_000;

/// The token streams of one direction.
#[derive(Default)]
pub(super) struct Tokens {
    columns: Option<Arc<Columns<Column>>>,
    /// Numbers are shorter, before version 7.2.
    pub(super) old: bool,
    /// Something unknown came: the rest of the message is not understood.
    lost: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Column {
    name: String,
    table: String,
    kind: Type,
}

/// What a token says of the connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    Accepted,
    /// With the number of the error.
    Error(u32),
    /// A message of NTLM.
    Sspi(Vec<u8>),
}

const ERROR: u8 = 0xaa;
const INFO: u8 = 0xab;

impl Tokens {
    /// Reads whole tokens; `end`: nothing more of the message will come. Gives how many bytes were used.
    pub(super) fn feed(
        &mut self,
        direction: Direction,
        data: Stretch<'_>,
        end: bool,
        told: &mut dyn FnMut(Told, &mut dyn EventSink),
        out: &mut dyn EventSink,
    ) -> usize {
        let mut used = 0;
        while !self.lost {
            let mut cursor = Cursor::new(data.bytes.get(used..).unwrap_or_default());
            if cursor.is_empty() || self.token(direction, data, used, &mut cursor, told, out).is_none() {
                break;
            }
            used += cursor.position();
        }
        let rest = data.bytes.get(used..).unwrap_or_default();
        if end && !rest.is_empty() {
            strings_of(direction, data, used, out);
        }
        if self.lost || end {
            self.lost = !end;
            return if end { data.bytes.len() } else { used };
        }
        used
    }

    /// A message begins after one that was not read.
    pub(super) fn begin_anew(&mut self) {
        *self = Self { old: self.old, ..Self::default() };
    }

    /// Reads one token. `None`: it is not all here, or unknown.
    fn token(
        &mut self,
        direction: Direction,
        data: Stretch<'_>,
        at: usize,
        cursor: &mut Cursor<'_>,
        told: &mut dyn FnMut(Told, &mut dyn EventSink),
        out: &mut dyn EventSink,
    ) -> Option<()> {
        match cursor.u8()? {
            0x81 => self.describe(cursor)?,
            0xd1 => self.row(direction, data, at, cursor, false, out)?,
            0xd2 => self.row(direction, data, at, cursor, true, out)?,
            0xfd..=0xff => cursor.skip(if self.old { 8 } else { 12 })?,
            0x78 | 0x79 => cursor.skip(4)?,
            code @ (ERROR | INFO) => {
                let length = usize::from(cursor.u16_le()?);
                let start = at + cursor.position();
                let mut inside = cursor.sub(length)?;
                let number = inside.u32_le()?;
                inside.skip(2)?;
                let from = start + inside.position() + 2;
                if let Some(text) = types::name(&mut inside) {
                    say_message(data, from..start + inside.position(), &text, out);
                }
                if code == ERROR {
                    told(Told::Error(number), out);
                }
            }
            0xad => {
                let length = usize::from(cursor.u16_le()?);
                let mut inside = cursor.sub(length)?;
                // Sybase says here whether it agreed.
                match inside.u8()? {
                    6 => told(Told::Error(0), out),
                    7 => {}
                    _ => told(Told::Accepted, out),
                }
            }
            0xed => {
                let length = usize::from(cursor.u16_le()?);
                told(Told::Sspi(cursor.take(length)?.to_vec()), out);
            }
            0xac => self.returned(direction, data, at, cursor, out)?,
            // Of Sybase: what it can do, and its errors.
            0xe2 | 0xe5 | 0xa4 | 0xa5 | 0xa9 | 0xe3 => {
                let length = usize::from(cursor.u16_le()?);
                cursor.skip(length)?;
            }
            0xe4 | 0xee => {
                let length = usize::try_from(cursor.u32_le()?).ok()?;
                cursor.skip(length)?;
            }
            0xae => {
                while cursor.u8()? != 0xff {
                    let length = usize::try_from(cursor.u32_le()?).ok()?;
                    cursor.skip(length)?;
                }
            }
            _ => {
                self.lost = true;
                return None;
            }
        }
        Some(())
    }

    fn describe(&mut self, cursor: &mut Cursor<'_>) -> Option<()> {
        let count = cursor.u16_le()?;
        if count == 0xffff {
            return Some(());
        }
        if count > MOST_COLUMNS {
            self.lost = true;
            return None;
        }
        let mut columns = Vec::new();
        for _ in 0..count {
            // The user's type and flags.
            cursor.skip(if self.old { 4 } else { 6 })?;
            if !types::is_known(cursor.peek()?) {
                self.lost = true;
                return None;
            }
            let kind = Type::read(cursor, true)?;
            let mut table = String::new();
            if kind.names_table() {
                let parts = if self.old { 1 } else { cursor.u8()? };
                for _ in 0..parts {
                    table = types::name(cursor)?;
                }
            }
            columns.push(Column { name: types::short_name(cursor)?, table, kind });
        }
        self.columns = Some(Arc::new(Columns::new(columns, |column| &column.name)));
        Some(())
    }

    /// A row; with `sparse`, bits say which values are NULL.
    fn row(
        &mut self,
        direction: Direction,
        data: Stretch<'_>,
        at: usize,
        cursor: &mut Cursor<'_>,
        sparse: bool,
        out: &mut dyn EventSink,
    ) -> Option<()> {
        let Some(columns) = self.columns.clone() else {
            self.lost = true;
            return None;
        };
        let count = columns.columns.len();
        let nulls = if sparse { cursor.take(count.div_ceil(8))? } else { &[] };
        let mut values: Vec<(Option<Value<'_>>, Range<usize>)> = Vec::with_capacity(count);
        for (index, column) in columns.columns.iter().enumerate() {
            let null = nulls.get(index / 8).is_some_and(|bits| bits >> (index % 8) & 1 == 1);
            let start = cursor.position();
            let value = if null { None } else { column.kind.take(cursor, true)? };
            values.push((value, at + start..at + cursor.position()));
        }
        let shown = |index: usize| {
            let (kind, value) = (columns.columns.get(index)?.kind, values.get(index)?.0.as_deref()?);
            let mut shown = None;
            kind.readable(value, &mut |text| shown = Some(text.to_vec()));
            shown
        };
        let account = columns.account.and_then(shown);
        let key = columns.pair.and_then(|(key, _)| shown(key));
        for (index, (value, range)) in values.iter().enumerate() {
            let (Some(column), Some(value)) = (columns.columns.get(index), value) else { continue };
            let called = columns.called(index, &column.name, |_| key.as_deref());
            column.kind.readable(value, &mut |text| {
                let named = Named {
                    kind: FieldKind::Column,
                    place: "tds.row",
                    name: called.as_deref().unwrap_or(&column.name),
                    resource: &column.table,
                    direction,
                    account: account.as_deref().filter(|_| columns.account != Some(index)),
                };
                named.say(text, data.span(range.clone()), out);
            });
        }
        Some(())
    }

    /// What a procedure gives back.
    fn returned(
        &self,
        direction: Direction,
        data: Stretch<'_>,
        at: usize,
        cursor: &mut Cursor<'_>,
        out: &mut dyn EventSink,
    ) -> Option<()> {
        cursor.skip(2)?;
        let name = types::short_name(cursor)?;
        cursor.skip(if self.old { 5 } else { 7 })?;
        let kind = Type::read(cursor, false)?;
        let start = at + cursor.position();
        let value = kind.take(cursor, false)?;
        let span = data.span(start..at + cursor.position());
        let (place, name) = ("tds.returned", name.trim_start_matches('@'));
        let named = Named { kind: FieldKind::Parameter, place, name, resource: "", direction, account: None };
        if let Some(value) = value {
            kind.readable(&value, &mut |text| named.say(text, span, out));
        }
        Some(())
    }
}

fn say_message(data: Stretch<'_>, range: Range<usize>, text: &str, out: &mut dyn EventSink) {
    let origins = [Origin { start: 0, mark: data.mark(range.start) }];
    let (direction, outcome) = (Direction::ToClient, Outcome::Unknown);
    let data = Stretch { bytes: text.as_bytes(), origins: &origins };
    out.event(Event::Text(Text {
        format: Format::Plain,
        place: "tds.message",
        resource: "",
        direction,
        outcome,
        data,
        seen: 0,
    }));
}

/// The readable parts of what was not understood.
fn strings_of(direction: Direction, data: Stretch<'_>, from: usize, out: &mut dyn EventSink) {
    let rest = data.bytes.get(from..).unwrap_or_default();
    let mut text = Vec::new();
    let mut unread = rest.len();
    for run in strings::runs(rest) {
        run.read(rest, &mut text);
        text.push(b'\n');
        unread -= run.range.len();
    }
    if !text.is_empty() {
        let origins = [Origin { start: 0, mark: data.mark(from) }];
        let (format, place, outcome) = (Format::Plain, "tds.response", Outcome::Unknown);
        let data = Stretch { bytes: &text, origins: &origins };
        out.event(Event::Text(Text { format, place, resource: "", direction, outcome, data, seen: 0 }));
    }
    if unread > 0 {
        out.event(Event::Skipped { reason: Skip::Malformed, bytes: unread as u64 });
    }
}
