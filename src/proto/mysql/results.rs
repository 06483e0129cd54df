//! What the server answers: OK and errors, results in text and binary, one after another.

use std::collections::VecDeque;
use std::sync::Arc;

use super::commands::{Commands, Statement};
use super::wire::{self, Binary, CURSOR, Column, Columns, MORE_RESULTS, lenenc};
use crate::content::pieces::Pieces;
use crate::model::event::{Event, EventSink, FieldKind, Format, Outcome, Skip, Text};
use crate::model::flow::Direction;
use crate::model::limits;
use crate::model::stream::Stretch;
use crate::proto::cursor::Cursor;
use crate::proto::message::Message;
use crate::proto::value::{Fed, LongValue, Named, WHOLE_BYTES};

const ROW: &str = "mysql.row";

/// What a client may select at once.
const MOST_COLUMNS: u64 = 4096;

/// What the server was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Binlog,
    Execute(u32),
    Fetch(u32),
    Fields,
    Other,
    Prepare,
    Query,
}

/// The answers of one connection.
#[derive(Default)]
pub(super) struct Results {
    queue: VecDeque<Asked>,
    /// What is being answered. `None`: the command was not seen.
    current: Option<Asked>,
    state: State,
    /// The answer goes on with another result.
    more: bool,
    gathered: Vec<Column>,
    columns: Option<Arc<Columns>>,
    text: Pieces,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Before the first packet of an answer.
    #[default]
    Idle,
    /// Before so many more definitions, or before nobody knows how many.
    Columns(Option<u64>),
    /// The definitions after `COM_STMT_PREPARE_OK`: parameters, then columns.
    Prepared { id: u32, parameters: u16, columns: u16 },
    /// `header`: what separates rows from columns was passed.
    Rows { header: bool },
}

/// What a packet asks of the analyzer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nothing.
    None,
    /// The client sends a file now.
    File,
}

impl Results {
    pub(super) fn ask(&mut self, asked: Asked, out: &mut dyn EventSink) {
        if self.queue.len() < limits::OUTSTANDING {
            self.queue.push_back(asked);
        } else {
            out.beyond(limits::Cap::Outstanding);
        }
    }

    /// Commands or answers were missed.
    pub(super) fn lost(&mut self) {
        self.queue.clear();
        self.state = State::Idle;
        self.current = None;
        self.more = false;
    }

    /// Whether rows are coming.
    pub(super) const fn in_rows(&self) -> bool {
        matches!(self.state, State::Rows { .. })
    }

    pub(super) fn packet(
        &mut self,
        commands: &mut Commands,
        packet: Message<'_>,
        sequence: u8,
        optional_metadata: bool,
        out: &mut dyn EventSink,
    ) -> Turn {
        let payload = packet.bytes();
        match self.state {
            State::Idle => return self.begin(commands, packet, sequence, optional_metadata, out),
            State::Columns(left) => match wire::column(payload) {
                Some(column) => {
                    self.gathered.push(column);
                    let left = left.map(|n| n.saturating_sub(1));
                    self.state = State::Columns(left);
                    if left == Some(0) || self.gathered.len() as u64 > MOST_COLUMNS {
                        self.described(commands, false);
                    }
                }
                None if wire::is_eof(payload) => {
                    self.described(commands, true);
                    if self.current == Some(Asked::Fields) {
                        self.state = State::Idle;
                    }
                }
                None => {
                    self.described(commands, false);
                    self.row_packet(packet, out);
                }
            },
            State::Prepared { id, parameters, columns } => {
                if wire::is_eof(payload) {
                    return Turn::None;
                }
                let (parameters, columns) = match wire::column(payload) {
                    Some(_) if parameters > 0 => (parameters - 1, columns),
                    Some(column) => {
                        self.gathered.push(column);
                        (0, columns.saturating_sub(1))
                    }
                    None => (0, 0),
                };
                self.state = State::Prepared { id, parameters, columns };
                if (parameters, columns) == (0, 0) {
                    self.state = State::Idle;
                    let described = Columns::new(std::mem::take(&mut self.gathered), |column| &column.name);
                    if let Some(statement) = commands.statements.get_mut(&id) {
                        statement.columns = Some(Arc::new(described));
                    }
                }
            }
            // The definitions of a statement that was prepared, unseen, are no result: its own result follows.
            State::Rows { .. } if self.current.is_none() && sequence == 1 && matches!(payload, [1..=250]) => {
                self.adrift(packet, sequence, out);
            }
            State::Rows { .. } => self.row_packet(packet, out),
        }
        Turn::None
    }

    /// The first packet of an answer.
    fn begin(
        &mut self,
        commands: &mut Commands,
        packet: Message<'_>,
        sequence: u8,
        optional_metadata: bool,
        out: &mut dyn EventSink,
    ) -> Turn {
        let payload = packet.bytes();
        if sequence == 1 && !self.more {
            self.current = self.queue.pop_front();
        }
        match (payload.first(), self.current) {
            (_, Some(Asked::Binlog)) => {
                out.event(Event::Skipped { reason: Skip::Binary, bytes: payload.len() as u64 });
            }
            (Some(0xff), _) => self.error(packet, out),
            (Some(0x00), Some(Asked::Prepare)) => {
                let _ = self.prepared(commands, packet.cursor(), out);
            }
            (_, Some(Asked::Fetch(id))) => {
                self.columns = commands.statements.get(&id).and_then(|s| s.columns.clone());
                self.state = State::Rows { header: true };
                self.row_packet(packet, out);
            }
            (Some(0x00), _) => self.more = wire::status(payload).is_some_and(|s| s & MORE_RESULTS != 0),
            (Some(0xfb), Some(Asked::Query)) => return Turn::File,
            (Some(0xfe), _) if payload.len() < 9 => {}
            (Some(_), Some(Asked::Fields)) => {
                self.gathered.clear();
                self.state = State::Columns(None);
                return self.packet(commands, packet, sequence, optional_metadata, out);
            }
            (Some(_), Some(asked @ (Asked::Query | Asked::Execute(_) | Asked::Other))) => {
                match header(packet.cursor(), optional_metadata) {
                    Some((count, true)) => {
                        self.gathered.clear();
                        self.state = State::Columns(Some(count));
                    }
                    Some((_, false)) => {
                        self.columns = match asked {
                            Asked::Execute(id) => commands.statements.get(&id).and_then(|s| s.columns.clone()),
                            _ => None,
                        };
                        self.state = State::Rows { header: false };
                    }
                    // The answer of COM_STATISTICS is a sentence.
                    None => {}
                }
            }
            (Some(_), _) => self.adrift(packet, sequence, out),
            (None, _) => {}
        }
        Turn::None
    }

    /// A packet of an answer whose beginning or question was not seen.
    fn adrift(&mut self, packet: Message<'_>, sequence: u8, out: &mut dyn EventSink) {
        let payload = packet.bytes();
        if let Some(column) = wire::column(payload) {
            self.gathered = vec![column];
            self.state = State::Columns(None);
        } else if let (1, [count @ 1..=250]) = (sequence, payload) {
            self.gathered.clear();
            self.state = State::Columns(Some(u64::from(*count)));
        } else if wire::text_row(payload).is_some() {
            self.text_row(packet, out);
        } else {
            out.event(Event::Skipped { reason: Skip::Malformed, bytes: payload.len() as u64 });
        }
    }

    fn prepared(&mut self, commands: &mut Commands, mut cursor: Cursor<'_>, out: &mut dyn EventSink) -> Option<()> {
        cursor.skip(1)?;
        let (id, columns, parameters) = (cursor.u32_le()?, cursor.u16_le()?, cursor.u16_le()?);
        let named = commands.unanswered.pop_front().unwrap_or_default();
        let count = usize::from(parameters);
        commands.remember(id, Statement { parameters: named, count, ..Statement::default() }, out);
        self.gathered.clear();
        if (parameters, columns) != (0, 0) {
            self.state = State::Prepared { id, parameters, columns };
        }
        Some(())
    }

    /// All columns are known.
    fn described(&mut self, commands: &mut Commands, header: bool) {
        let columns = Arc::new(Columns::new(std::mem::take(&mut self.gathered), |column| &column.name));
        if let Some(Asked::Execute(id)) = self.current
            && let Some(statement) = commands.statements.get_mut(&id)
        {
            statement.columns = Some(Arc::clone(&columns));
        }
        self.columns = Some(columns);
        self.state = State::Rows { header };
    }

    fn row_packet(&mut self, packet: Message<'_>, out: &mut dyn EventSink) {
        let payload = packet.bytes();
        match payload.first() {
            Some(0xff) => self.error(packet, out),
            // A value of more than 16 MiB begins so too, and fills its packet.
            Some(0xfe) => {
                let status = wire::status(payload).unwrap_or(0);
                let header = wire::is_eof(payload) && self.state == State::Rows { header: false };
                if header && status & CURSOR == 0 {
                    self.state = State::Rows { header: true };
                } else {
                    self.state = State::Idle;
                    self.more = status & MORE_RESULTS != 0;
                }
            }
            _ => {
                self.state = State::Rows { header: true };
                if self.is_binary(payload) {
                    let _ = self.binary_row(packet, out);
                } else {
                    self.text_row(packet, out);
                }
            }
        }
    }

    fn is_binary(&self, payload: &[u8]) -> bool {
        match self.current {
            Some(Asked::Execute(_) | Asked::Fetch(_)) => true,
            Some(_) => false,
            None => {
                let count = self.columns.as_ref().map(|c| c.columns.len());
                payload.first() == Some(&0) && (count.is_none() || wire::text_row(payload) != count)
            }
        }
    }

    fn text_row(&self, packet: Message<'_>, out: &mut dyn EventSink) {
        let columns = self.columns.as_deref();
        let account = columns.and_then(|c| c.account);
        let named = account.and_then(|n| nth_text(packet.cursor(), n));
        let mut cursor = packet.cursor();
        let mut index = 0;
        while let Some(value) = wire::text_value(&mut cursor) {
            let kind = columns.and_then(|c| c.columns.get(index)).map(|c| c.kind);
            if let Some(value) = value
                && !kind.is_some_and(wire::Kind::is_dull)
            {
                let end = packet.at + cursor.position();
                let plain = naming(columns, index);
                let called = columns.and_then(|c| c.called(index, plain.name, |n| nth_text(packet.cursor(), n)));
                let name = called.as_deref().unwrap_or(plain.name);
                wire::readable_text(value, &mut |shown| {
                    let span = packet.input.span(end - value.len()..end);
                    let account = named.filter(|_| account != Some(index));
                    Named { name, account, ..plain }.say(shown, span, out);
                });
            }
            index += 1;
        }
    }

    fn binary_row(&self, packet: Message<'_>, out: &mut dyn EventSink) -> Option<()> {
        let columns = self.columns.as_deref()?;
        let mut cursor = packet.cursor();
        cursor.skip(1)?;
        let nulls = cursor.take((columns.columns.len() + 9) / 8)?;
        let kinds = || columns.columns.iter().map(|c| c.kind);
        let mut named = None;
        if let Some(account) = columns.account {
            wire::binary_values(&mut cursor.clone(), nulls, 2, kinds(), &mut |index, _, value| {
                if let (true, Binary::Bytes(bytes)) = (index == account, value) {
                    named = Some(bytes).filter(|b| !b.is_empty());
                }
            })?;
        }
        wire::binary_values(&mut cursor, nulls, 2, kinds(), &mut |index, start, value| {
            wire::readable(value, &mut |shown| {
                let start = packet.at + start;
                let span = packet.input.span(start..start + shown.len());
                let account = named.filter(|_| columns.account != Some(index));
                Named { account, ..naming(Some(columns), index) }.say(shown, span, out);
            });
        })
    }

    fn error(&mut self, packet: Message<'_>, out: &mut dyn EventSink) {
        // MariaDB reports progress as an error of this number.
        if packet.bytes().get(1..3) == Some(&[0xff, 0xff]) {
            return;
        }
        self.state = State::Idle;
        self.more = false;
        let mut cursor = packet.cursor();
        // Mark, code; and for protocol 4.1 another mark and the SQLSTATE.
        let _ = cursor.skip(3);
        if cursor.peek() == Some(b'#') {
            let _ = cursor.skip(6);
        }
        let from = packet.at + cursor.position();
        self.text.push_part(packet.input.data, from..packet.end, &mut |data, seen| out.event(message(data, seen)));
        self.text.finish(&mut |data, seen| out.event(message(data, seen)));
    }

    /// A row too long to be waited for begins.
    pub(super) fn long_row(&self, first: Option<&u8>) -> LongRow {
        let binary = match self.current {
            Some(Asked::Execute(_) | Asked::Fetch(_)) => true,
            Some(_) => false,
            None => first == Some(&0),
        };
        let columns = self.columns.clone();
        LongRow { columns, index: 0, binary, nulls: None, long: None }
    }
}

fn message(data: Stretch<'_>, seen: usize) -> Event<'_> {
    let (format, direction, outcome) = (Format::Plain, Direction::ToClient, Outcome::Unknown);
    Event::Text(Text { format, place: "mysql.error", resource: "", direction, outcome, data, seen })
}

fn naming(columns: Option<&Columns>, index: usize) -> Named<'_> {
    let column = columns.and_then(|c| c.columns.get(index));
    Named {
        kind: FieldKind::Column,
        place: ROW,
        name: column.map_or("", |c| c.name.as_str()),
        resource: column.map_or("", |c| c.table.as_str()),
        direction: Direction::ToClient,
        account: None,
    }
}

/// The number of columns, and whether they are described. MySQL says so before the number, MariaDB
/// after it.
fn header(mut cursor: Cursor<'_>, optional_metadata: bool) -> Option<(u64, bool)> {
    let before = if optional_metadata { cursor.u8()? } else { 1 };
    let count = lenenc(&mut cursor).filter(|n| (1..=MOST_COLUMNS).contains(n))?;
    let after = if cursor.is_empty() { 1 } else { cursor.u8()? };
    cursor.is_empty().then_some((count, before != 0 && after != 0))
}

fn nth_text(mut cursor: Cursor<'_>, n: usize) -> Option<&[u8]> {
    for _ in 0..n {
        wire::text_value(&mut cursor)?;
    }
    wire::text_value(&mut cursor)?.filter(|v| !v.is_empty())
}

/// A row that goes by value by value.
pub(super) struct LongRow {
    columns: Option<Arc<Columns>>,
    index: usize,
    binary: bool,
    /// Which values of a binary row are NULL, once that was read.
    nulls: Option<Vec<u8>>,
    long: Option<LongValue>,
}

/// How far a long row got.
pub(super) enum Pace {
    Took(usize),
    Skip(u64),
    Wait,
    /// Nothing in the rest can be read.
    Lost,
}

impl LongRow {
    /// Takes what it can of the bytes of `part`, which end with the packet if `ends`.
    pub(super) fn feed(
        &mut self,
        data: Stretch<'_>,
        part: std::ops::Range<usize>,
        ends: bool,
        out: &mut dyn EventSink,
    ) -> Pace {
        let Self { columns, index, binary, nulls, long } = self;
        let columns = columns.as_deref();
        let named = naming(columns, *index);
        if let Some(value) = long {
            let pace = match value.feed(data, part, &named, out) {
                Fed::Took(0) | Fed::Wait => return Pace::Wait,
                Fed::Took(count) => Pace::Took(count),
                Fed::Skip(count) => Pace::Skip(count),
            };
            if value.left() == 0 {
                *long = None;
                *index += 1;
            }
            return pace;
        }
        let missing = if ends { Pace::Lost } else { Pace::Wait };
        let start = part.start;
        let mut cursor = Cursor::new(data.bytes.get(part).unwrap_or_default());
        let kind = columns.and_then(|c| c.columns.get(*index)).map(|c| c.kind);
        if *binary {
            let Some(kind) = kind else { return Pace::Lost };
            let Some(nulls) = nulls else {
                let count = columns.map_or(0, |c| c.columns.len());
                let (Some(()), Some(bits)) = (cursor.skip(1), cursor.take((count + 9) / 8)) else { return missing };
                *nulls = Some(bits.to_vec());
                return Pace::Took(cursor.position());
            };
            let bit = *index + 2;
            if nulls.get(bit / 8).is_some_and(|byte| byte >> (bit % 8) & 1 == 1) {
                *index += 1;
                return Pace::Took(0);
            }
            if !kind.is_text() {
                let Some(value) = kind.take(&mut cursor) else { return missing };
                let span = data.span(start..start + cursor.position());
                wire::readable(value, &mut |shown| named.say(shown, span, out));
                *index += 1;
                return Pace::Took(cursor.position());
            }
        } else if cursor.peek() == Some(0xfb) {
            *index += 1;
            return Pace::Took(1);
        }
        let Some(length) = lenenc(&mut cursor) else { return missing };
        if length > WHOLE_BYTES {
            *long = Some(LongValue::new(length));
            return Pace::Took(cursor.position());
        }
        let Some(value) = cursor.take(length as usize) else { return missing };
        let end = start + cursor.position();
        let span = data.span(end - value.len()..end);
        if !kind.is_some_and(wire::Kind::is_dull) {
            wire::readable_text(value, &mut |shown| named.say(shown, span, out));
        }
        *index += 1;
        Pace::Took(cursor.position())
    }

    /// The rest will not come.
    pub(super) fn cut(&mut self, out: &mut dyn EventSink) {
        let Self { columns, index, long, .. } = self;
        if let Some(long) = long {
            long.cut(&naming(columns.as_deref(), *index), out);
        }
    }
}
