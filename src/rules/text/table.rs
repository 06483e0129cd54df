//! Tables of text: the first line names the columns, so a value's name is far from it.

use super::bytes::{backward, forward};
use super::{Hit, NamedAt, Scan, Scratch};
use crate::content::{sniff, tree};
use crate::model::flow::{Direction, FlowId};
use crate::rules::engine::Matcher;
use crate::rules::guard::Situation;
use crate::rules::names::{Reading, Role, Roles};
use crate::rules::schema::Place;

/// Longest line of a table, and most columns.
const LINE: usize = 8192;
const COLUMNS: usize = 256;

/// The columns of a table.
#[derive(Clone, Debug)]
pub(in crate::rules) struct Header {
    /// Whose table it is: a later piece of it has no header of its own.
    pub(in crate::rules) of: (FlowId, Direction, String),
    delimiter: u8,
    columns: Vec<Column>,
    /// The column that names each value, and the one with the values.
    pair: Option<(usize, usize)>,
}

/// A column.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) roles: Roles,
    /// How telling a name of accounts it is, if it is one.
    account: Option<u16>,
}

impl Header {
    /// The column of the value at `offset`, and the cell of its line that names it where one does; `None` in the
    /// header itself.
    pub(super) fn column<'t>(&self, text: &'t [u8], offset: usize) -> Option<(&Column, Option<&'t [u8]>)> {
        let start = backward(text, offset, LINE, |b| b != b'\n');
        if start == 0 && self.is_header(text) {
            return None;
        }
        let column = self.delimiters(text.get(start..offset)?).count();
        let naming = self.pair.filter(|(_, value)| *value == column).and_then(|(key, _)| {
            let line = text.get(start..forward(text, offset, LINE, |b| b != b'\n'))?;
            let before = key.checked_sub(1).map_or(Some(0), |n| self.delimiters(line).nth(n).map(|at| at + 1))?;
            let rest = line.get(before..)?;
            let cell = rest.get(..self.delimiters(rest).next().unwrap_or(rest.len()))?.trim_ascii();
            Some(cell.strip_prefix(b"\"").and_then(|cell| cell.strip_suffix(b"\"")).unwrap_or(cell))
        });
        Some((self.columns.get(column)?, naming))
    }

    /// Where the delimiters are that no quotation marks enclose.
    fn delimiters(&self, line: &[u8]) -> impl Iterator<Item = usize> {
        let mut quoted = false;
        let ends = move |byte: &u8| {
            quoted ^= *byte == b'"';
            *byte == self.delimiter && !quoted
        };
        line.iter().map(ends).enumerate().filter_map(|(at, ends)| ends.then_some(at))
    }

    fn is_header(&self, text: &[u8]) -> bool {
        let first = self.columns.first().map_or("", |column| column.name.as_str());
        text.trim_ascii_start().strip_prefix(b"\"").unwrap_or(text).starts_with(first.as_bytes())
    }
}

impl Matcher {
    /// The columns that the first line of a text names.
    pub(in crate::rules) fn header(&self, text: &[u8], of: (FlowId, Direction, String)) -> Option<Header> {
        let text = sniff::after_separator(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text));
        let end = text.iter().take(LINE).position(|b| matches!(b, b'\n' | b'\r'))?;
        let line = text.get(..end)?;
        let count = |d: u8| line.iter().filter(|b| **b == d).count();
        let delimiter = b",;\t|".iter().copied().max_by_key(|d| count(*d))?;
        let columns: Vec<Column> = line
            .split(|b| *b == delimiter)
            .take(COLUMNS)
            .map(|cell| self.column(String::from_utf8_lossy(cell).trim_matches(['"', ' ', '\'']).to_owned()))
            .collect();
        let pair = tree::pair(columns.iter().map(|column| column.name.as_str()));
        // A column that says itself what is in it needs no other.
        let says = |column: &Column| column.roles.iter().any(|role| matches!(role, Role::For(_)));
        let plain = |n: usize| columns.get(n).is_some_and(|column| !says(column));
        let pair = pair.filter(|(key, value)| plain(*key) && plain(*value));
        Some(Header { of, delimiter, columns, pair })
    }

    /// A header that other rules have read, as these read it.
    pub(in crate::rules) fn reread(&self, header: Header) -> Header {
        let columns = header.columns.into_iter().map(|column| self.column(column.name)).collect();
        Header { columns, ..header }
    }

    fn column(&self, name: String) -> Column {
        let roles = self.compiled.names.resolve(&name, Reading::Key);
        Column { roles, account: self.compiled.accounts.rank(&name), name }
    }

    /// The values of the columns with a telling name.
    pub(super) fn cells(&self, scan: &Scan<'_>, header: &Header, scratch: &mut Scratch) {
        if header.pair.is_none() && header.columns.iter().all(|column| column.roles.is_empty()) {
            return;
        }
        let situation =
            Situation { direction: scan.direction, format: Some(scan.format), place: Place::Column, delimited: true };
        let at = NamedAt { situation, protocol: scan.protocol, at: scan.at };
        let mut start = 0;
        for line in scan.text.split_inclusive(|b| *b == b'\n') {
            let first = start == 0 && header.is_header(scan.text);
            if !first && line.len() <= LINE && start + line.len() > scan.seen {
                self.row(header, line.trim_ascii_end(), start, &at, scratch);
            }
            start += line.len();
        }
    }

    fn row(&self, header: &Header, line: &[u8], start: usize, at: &NamedAt<'_>, scratch: &mut Scratch) {
        let mut from = 0;
        let mut quoted = false;
        let mut columns = header.columns.iter().enumerate();
        let (mut key, mut paired) = (None, None);
        let first = scratch.hits.len();
        let mut account: Option<(u16, &[u8])> = None;
        for to in 0..=line.len() {
            let byte = line.get(to).copied();
            quoted ^= byte == Some(b'"');
            if byte.is_some_and(|b| b != header.delimiter || quoted) {
                continue;
            }
            let Some((n, column)) = columns.next() else { break };
            let cell = line.get(from..to).unwrap_or_default();
            let value = cell.strip_prefix(b"\"").and_then(|c| c.strip_suffix(b"\"")).unwrap_or(cell).trim_ascii();
            if let Some(rank) = column.account.filter(|rank| account.is_none_or(|(least, _)| *rank < least)) {
                account = Some((rank, value));
            }
            let offset = start + from + memchr::memmem::find(cell, value).unwrap_or(0);
            match header.pair {
                Some((naming, _)) if naming == n => key = Some(value),
                Some((_, own)) if own == n => paired = Some((value, offset)),
                _ => self.cell(&column.roles, &column.name, value, offset, at, scratch),
            }
            from = to + 1;
        }
        if let (Some(key), Some((value, offset))) = (key, paired) {
            self.cell(&self.meaning(key, Reading::Key), &String::from_utf8_lossy(key), value, offset, at, scratch);
        }
        let Some(account) = account.and_then(|(_, value)| super::account::name(value.into())) else { return };
        for hit in scratch.hits.iter_mut().skip(first).filter(|hit| self.is_credential(hit.rule)) {
            hit.account = Some(account.clone());
        }
    }

    /// The value at an offset, under its name.
    fn cell(&self, roles: &Roles, name: &str, value: &[u8], offset: usize, at: &NamedAt<'_>, scratch: &mut Scratch) {
        if !roles.is_empty()
            && let Some(hit) = self.named(roles, value, at)
        {
            let range = offset + hit.range.start..offset + hit.range.end;
            scratch.keep(Hit { range, name: Some(name.to_owned()), ..hit });
        }
    }
}
