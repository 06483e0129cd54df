//! What a client asks: statements, and calls of procedures with their parameters (MS-TDS sections 2.2.6.6
//! and 2.2.6.7).

use super::types::{self, Type};
use crate::content::charset::Charset;
use crate::content::sql::{Dialect, Parameters};
use crate::content::tree;
use crate::content::utf16::Order;
use crate::model::event::{Event, EventSink, FieldKind, Format, Outcome, Text};
use crate::model::flow::Direction;
use crate::model::stream::{Gathered, Stretch};
use crate::proto::cursor::Cursor;
use crate::proto::pieces::Pieces;
use crate::proto::value::Named;

/// A statement on its way.
#[derive(Default)]
pub(super) struct Batch {
    pieces: Pieces,
    begun: bool,
}

impl Batch {
    /// More of a batch. Gives how much of it was used: its beginning is waited for.
    pub(super) fn feed(&mut self, data: Stretch<'_>, end: bool, out: &mut dyn EventSink) -> usize {
        const BEGINNING: usize = 32;
        let mut from = 0;
        if !std::mem::replace(&mut self.begun, true) {
            let Some(length) = headers(data.bytes).filter(|_| end || data.bytes.len() >= BEGINNING) else {
                self.begun = false;
                return if end { data.bytes.len() } else { 0 };
            };
            from = length;
            let wide = is_wide(data.bytes.get(from..).unwrap_or_default());
            let charset = if wide { Charset::utf16(Order::Little) } else { Charset::LATIN };
            self.pieces.read_as(Some(Some(charset)), Format::Sql);
        }
        let emit = &mut |data: Stretch<'_>, seen: usize| out.event(sql(data, seen));
        self.pieces.push_part(data, from..data.bytes.len(), emit);
        if end {
            self.finish(out);
        }
        data.bytes.len()
    }

    /// It is over, or its rest will not come.
    pub(super) fn finish(&mut self, out: &mut dyn EventSink) {
        self.pieces.finish(&mut |data, seen| out.event(sql(data, seen)));
        self.begun = false;
    }
}

/// A statement in a text of one byte a character (Sybase).
pub(super) fn language(data: Stretch<'_>, out: &mut dyn EventSink) -> Option<()> {
    const LANGUAGE: u8 = 0x21;
    let mut cursor = Cursor::new(data.bytes);
    if cursor.u8()? != LANGUAGE {
        return None;
    }
    let length = usize::try_from(cursor.u32_le()?).ok()?.checked_sub(1)?;
    cursor.skip(1)?;
    let start = cursor.position();
    let mut text = Gathered::default();
    text.push_part(data, start..data.bytes.len().min(start + length));
    out.event(sql(text.stretch(), 0));
    Some(())
}

/// Calls of procedures.
pub(super) fn calls(data: Stretch<'_>, out: &mut dyn EventSink) -> Option<()> {
    let mut cursor = Cursor::new(data.bytes);
    cursor.skip(headers(data.bytes)?)?;
    while !cursor.is_empty() {
        call(data, &mut cursor, out)?;
    }
    Some(())
}

/// A parameter of a call.
struct Parameter {
    name: String,
    /// What it reads like; empty when that is of no interest.
    value: Vec<u8>,
    at: std::ops::Range<usize>,
    text: bool,
}

fn call(data: Stretch<'_>, cursor: &mut Cursor<'_>, out: &mut dyn EventSink) -> Option<()> {
    let length = cursor.u16_le()?;
    let (number, procedure) =
        if length == 0xffff { (cursor.u16_le()?, String::new()) } else { (0, types::text(cursor, length.into())?) };
    cursor.skip(2)?;
    let mut parameters = Vec::new();
    let mut whole = true;
    while !cursor.is_empty() {
        // Another call follows.
        if matches!(cursor.peek()?, 0x80 | 0xfe | 0xff) {
            cursor.skip(1)?;
            break;
        }
        let Some(parameter) = parameter(cursor) else {
            whole = false;
            break;
        };
        parameters.push(parameter);
    }
    say(data, &procedure, number, &parameters, out);
    whole.then_some(())
}

fn parameter(cursor: &mut Cursor<'_>) -> Option<Parameter> {
    let name = types::short_name(cursor)?;
    cursor.skip(1)?;
    let kind = Type::read(cursor, false)?;
    let start = cursor.position();
    let value = kind.take(cursor, false)?;
    let mut shown = Vec::new();
    if let Some(value) = &value {
        kind.readable(value, &mut |text| shown = text.to_vec());
    }
    Some(Parameter { name, value: shown, at: start..cursor.position(), text: kind.is_wide_text() })
}

/// Says a call: the statement it brings, and its other parameters, under the columns they go into or their
/// own names.
fn say(data: Stretch<'_>, procedure: &str, number: u16, parameters: &[Parameter], out: &mut dyn EventSink) {
    // sp_cursoropen, sp_cursorprepare, sp_cursorprepexec, sp_executesql, sp_prepare, sp_prepexec.
    let brings = matches!(number, 2 | 3 | 5 | 10 | 11 | 13)
        || ["sp_executesql", "sp_prepare", "sp_prepexec", "sp_cursoropen"].contains(&procedure);
    let texts: Vec<usize> = (0..parameters.len()).filter(|n| parameters.get(*n).is_some_and(|p| p.text)).collect();
    // The declaration of the parameters stands before the statement in some of them, and behind it in others.
    let statement = texts.iter().take(2).copied().find(|n| {
        brings && parameters.get(*n).is_some_and(|p| !p.value.trim_ascii_start().starts_with(b"@") && p.name.is_empty())
    });
    let mut columns = Parameters::none();
    if let Some(parameter) = statement.and_then(|n| parameters.get(n)) {
        let mut text = Gathered::default();
        text.push(&parameter.value, data.mark(parameter.at.start));
        text.note(data.mark(parameter.at.end.saturating_sub(1)));
        out.event(sql(text.stretch(), 0));
        let names: Vec<&str> = parameters.iter().map(|p| p.name.as_str()).filter(|name| !name.is_empty()).collect();
        columns = Parameters::of(&portable(&parameter.value, &names), Dialect::PostgreSql);
    }
    let named = |index: usize, parameter: &Parameter| {
        let column = columns.name(index);
        if column.is_empty() { parameter.name.trim_start_matches('@').to_owned() } else { column.to_owned() }
    };
    let own: Vec<(String, &Parameter)> = match statement {
        Some(_) => {
            parameters.iter().filter(|p| !p.name.is_empty()).enumerate().map(|(n, p)| (named(n, p), p)).collect()
        }
        None => parameters.iter().map(|p| (named(usize::MAX, p), p)).collect(),
    };
    let account = tree::account(own.iter().map(|(name, _)| name.as_str()));
    let whose = account.and_then(|n| own.get(n)).map(|(_, parameter)| parameter.value.as_slice());
    let resource = if columns.table.is_empty() { procedure } else { &columns.table };
    for (index, (name, parameter)) in own.iter().enumerate() {
        if parameter.value.is_empty() {
            continue;
        }
        let account = whose.filter(|whose| account != Some(index) && !whose.is_empty());
        let (kind, place, direction) = (FieldKind::Parameter, "tds.parameter", Direction::ToServer);
        Named { kind, place, name, resource, direction, account }.say(
            &parameter.value,
            data.span(parameter.at.clone()),
            out,
        );
    }
}

/// A statement of Transact-SQL with its parameters and quoted names as PostgreSQL writes them.
fn portable(statement: &[u8], names: &[&str]) -> Vec<u8> {
    let mut out = Vec::with_capacity(statement.len());
    let mut at = 0;
    while let Some(byte) = statement.get(at) {
        let rest = statement.get(at..).unwrap_or_default();
        let end = 1 + rest.iter().skip(1).take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
        let name = rest.get(..end).unwrap_or_default();
        match byte {
            b'[' | b']' => out.push(b'"'),
            b'@' => match names.iter().position(|known| known.as_bytes().eq_ignore_ascii_case(name)) {
                Some(n) => {
                    out.extend_from_slice(format!("${}", n + 1).as_bytes());
                    at += end - 1;
                }
                None => out.push(b'@'),
            },
            _ => out.push(*byte),
        }
        at += 1;
    }
    out
}

/// The length of the headers that a request begins with from version 7.2 on; 0 without them. `None`: too
/// few bytes to tell.
fn headers(bytes: &[u8]) -> Option<usize> {
    let mut cursor = Cursor::new(bytes);
    let (total, first, kind) = (cursor.u32_le()?, cursor.u32_le()?, cursor.u16_le()?);
    let fits = (10..=1024).contains(&total) && first < total && first >= 6 && (1..=3).contains(&kind);
    Some(if fits { total as usize } else { 0 })
}

/// Whether text has a zero byte after most of its letters.
fn is_wide(bytes: &[u8]) -> bool {
    let (pairs, _) = bytes.get(..bytes.len().min(128)).unwrap_or_default().as_chunks::<2>();
    // Text of other scripts has none, and no ASCII either.
    let plain = bytes.iter().take(32).filter(|b| b.is_ascii_graphic()).count();
    pairs.iter().any(|[_, high]| *high == 0) || plain < 16
}

fn sql(data: Stretch<'_>, seen: usize) -> Event<'_> {
    let (format, direction, outcome) = (Format::Sql, Direction::ToServer, Outcome::Unknown);
    Event::Text(Text { format, place: "tds.query", resource: "", direction, outcome, data, seen })
}
