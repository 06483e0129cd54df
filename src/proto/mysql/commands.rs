//! What the client commands.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::results::Asked;
use super::sql;
use super::wire::{self, Columns, Kind, lenenc};
use crate::content::pieces::Pieces;
use crate::content::sql::{Bulk, Dialect, Parameters};
use crate::model::event::{EventSink, FieldKind};
use crate::model::flow::Direction;
use crate::model::limits;
use crate::model::stream::Stretch;
use crate::proto::cursor::Cursor;
use crate::proto::message::Message;
use crate::proto::value::Named;

const EXECUTE: &str = "mysql.execute";

/// A prepared statement.
#[derive(Debug, Default)]
pub(super) struct Statement {
    pub(super) parameters: Parameters,
    pub(super) count: usize,
    /// Types of the parameters at the last execution.
    pub(super) kinds: Vec<Kind>,
    pub(super) columns: Option<Arc<Columns>>,
}

/// The commands of one connection.
#[derive(Default)]
pub(super) struct Commands {
    /// By the number the server gave them.
    pub(super) statements: BTreeMap<u32, Statement>,
    /// Prepared, without an answer so far.
    pub(super) unanswered: VecDeque<Parameters>,
    /// What the last statement said of data that follows it.
    pub(super) bulk: Option<Bulk>,
    text: Pieces,
}

impl Commands {
    /// Reads a command; gives what the server will answer, or `None` if it will not.
    pub(super) fn command(&mut self, payload: Message<'_>, attributes: bool, out: &mut dyn EventSink) -> Option<Asked> {
        let mut cursor = payload.cursor();
        match cursor.u8()? {
            // COM_QUIT, COM_STMT_CLOSE.
            0x01 => None,
            // COM_QUERY.
            0x03 => {
                let from = pass_attributes(cursor, attributes);
                let statement = payload.bytes().get(from..).unwrap_or_default();
                self.bulk = Bulk::of(statement, Dialect::MySql);
                self.say_statement(payload, from, out);
                Some(Asked::Query)
            }
            // COM_FIELD_LIST.
            0x04 => Some(Asked::Fields),
            // COM_BINLOG_DUMP, COM_TABLE_DUMP, COM_BINLOG_DUMP_GTID: rows inside events.
            0x12 | 0x13 | 0x1e => Some(Asked::Binlog),
            // COM_STMT_PREPARE.
            0x16 => {
                let parameters = Parameters::of(cursor.rest(), Dialect::MySql);
                if self.unanswered.len() >= limits::OUTSTANDING {
                    self.unanswered.pop_front();
                    out.beyond(limits::Cap::Outstanding);
                }
                self.unanswered.push_back(parameters);
                self.say_statement(payload, 1, out);
                Some(Asked::Prepare)
            }
            // COM_STMT_EXECUTE.
            0x17 => {
                let id = cursor.u32_le()?;
                let id = self.known(id, out);
                self.execute(id, payload, cursor, attributes, out);
                Some(Asked::Execute(id))
            }
            // COM_STMT_SEND_LONG_DATA.
            0x18 => {
                let (id, index) = (cursor.u32_le()?, cursor.u16_le()?);
                let value = cursor.rest();
                let span = payload.input.span(payload.end - value.len()..payload.end);
                let parameters = self.statements.get(&id).map(|s| &s.parameters);
                wire::readable_text(value, &mut |shown| naming(parameters, index.into()).say(shown, span, out));
                None
            }
            0x19 => {
                self.statements.remove(&cursor.u32_le()?);
                None
            }
            // COM_STMT_FETCH.
            0x1c => Some(Asked::Fetch(cursor.u32_le()?)),
            _ => Some(Asked::Other),
        }
    }

    /// The statement of a number. -1 is MariaDB's "the one just prepared"; for one whose answer was not
    /// seen it is the last that had none.
    fn known(&mut self, id: u32, out: &mut dyn EventSink) -> u32 {
        if !self.statements.contains_key(&id)
            && let Some(parameters) = self.unanswered.back().cloned()
        {
            let count = parameters.count();
            self.remember(id, Statement { parameters, count, ..Statement::default() }, out);
        }
        id
    }

    pub(super) fn remember(&mut self, id: u32, statement: Statement, out: &mut dyn EventSink) {
        if self.statements.len() >= limits::PREPARED {
            self.statements.pop_first();
            out.beyond(limits::Cap::Prepared);
        }
        self.statements.insert(id, statement);
    }

    fn execute(
        &mut self,
        id: u32,
        payload: Message<'_>,
        mut cursor: Cursor<'_>,
        attributes: bool,
        out: &mut dyn EventSink,
    ) -> Option<()> {
        const COUNT_AVAILABLE: u8 = 8;
        let statement = self.statements.get_mut(&id)?;
        let flags = cursor.u8()?;
        // Iterations.
        cursor.skip(4)?;
        let mut count = statement.count;
        if attributes && (count > 0 || flags & COUNT_AVAILABLE != 0) {
            count = usize::try_from(lenenc(&mut cursor)?).ok()?;
        }
        let nulls = cursor.take(count.div_ceil(8))?;
        if cursor.u8()? == 1 {
            statement.kinds = kinds(&mut cursor, count, attributes)?;
        }
        let (base, kinds, parameters) = (payload.at, &statement.kinds, &statement.parameters);
        if kinds.len() != count {
            return None;
        }
        wire::binary_values(&mut cursor, nulls, 0, kinds.iter().copied(), &mut |index, start, value| {
            wire::readable(value, &mut |shown| {
                let span = payload.input.span(base + start..base + start + shown.len());
                naming(Some(parameters), index).say(shown, span, out);
            });
        })
    }

    fn say_statement(&mut self, payload: Message<'_>, from: usize, out: &mut dyn EventSink) {
        let emit = &mut |data: Stretch<'_>, seen: usize| out.event(sql(data, seen));
        self.text.push_part(payload.input.data, payload.at + from..payload.end, emit);
        self.text.finish(emit);
    }
}

fn naming(parameters: Option<&Parameters>, index: usize) -> Named<'_> {
    Named {
        kind: FieldKind::Parameter,
        place: EXECUTE,
        name: parameters.map_or("", |p| p.name(index)),
        resource: parameters.map_or("", |p| p.table.as_str()),
        direction: Direction::ToServer,
        account: None,
    }
}

/// The types of parameters, with a name each where attributes are in use.
fn kinds(cursor: &mut Cursor<'_>, count: usize, named: bool) -> Option<Vec<Kind>> {
    let mut kinds = Vec::new();
    for _ in 0..count {
        let (code, flags) = (cursor.u8()?, cursor.u8()?);
        if named {
            wire::lenenc_string(cursor)?;
        }
        kinds.push(Kind { code, unsigned: flags & 0x80 != 0 });
    }
    Some(kinds)
}

/// Where the statement of a `COM_QUERY` begins, after the attributes. A statement never begins with a
/// zero byte, so a count of none shows even where the capabilities were not seen.
fn pass_attributes(cursor: Cursor<'_>, attributes: bool) -> usize {
    let start = cursor.position();
    let passed = |mut cursor: Cursor<'_>| {
        let (count, _sets) = (usize::try_from(lenenc(&mut cursor)?).ok()?, lenenc(&mut cursor)?);
        if count > 0 {
            let nulls = cursor.take(count.div_ceil(8))?;
            cursor.skip(1)?;
            let kinds = kinds(&mut cursor, count, true)?;
            wire::binary_values(&mut cursor, nulls, 0, kinds.into_iter(), &mut |_, _, _| {})?;
        }
        Some(cursor.position())
    };
    if attributes || cursor.rest().starts_with(&[0, 1]) { passed(cursor).unwrap_or(start) } else { start }
}
