//! How much of a kind stands in one place: the values of a column in one answer, counted.
//!
//! An answer is a run of content (a body, a mail, a file), or the rows that come before the other side
//! speaks again; for a stream of messages it is all of the stream. What is counted of a flow depends on
//! that flow alone, so any number of workers comes to the same.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};

use hashbrown::HashMap;

use super::schema::{BulkMatch, Within};
use crate::model::finding::{Bulk, RuleIndex};
use crate::model::flow::{Direction, FlowId};
use crate::model::limits;
use crate::model::packet::Span;

/// What is counted, of all flows of a worker.
#[derive(Debug, Default)]
pub(super) struct Tallies {
    flows: BTreeMap<FlowId, Vec<Column>>,
    /// Hashes of values are not foreseeable by who sends them.
    hasher: RandomState,
}

/// Where a value stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell<'a> {
    pub(super) flow: FlowId,
    pub(super) direction: Direction,
    /// The place of the content it is part of; `None` for the value of a field.
    pub(super) content: Option<&'a str>,
    /// The thing it is part of: a table, the path of a URL.
    pub(super) resource: &'a str,
    /// Where in the protocol it stands, its name included.
    pub(super) path: &'a str,
    /// Its name; may be empty.
    pub(super) name: &'a str,
}

/// A column that has grown since it was last told of.
#[derive(Debug)]
pub(super) struct Grown {
    pub(super) rule: RuleIndex,
    pub(super) path: String,
    pub(super) span: Span,
    pub(super) bulk: Bulk,
    /// It was told of before.
    pub(super) again: bool,
}

/// The values of one kind in one place.
#[derive(Debug)]
struct Column {
    rule: RuleIndex,
    direction: Direction,
    content: Option<Box<str>>,
    resource: Box<str>,
    path: Box<str>,
    name: Box<str>,
    within: Within,
    /// Hashes of the values, in the order they came.
    values: HashMap<u64, usize>,
    /// There were more values than are told apart.
    more: bool,
    rows: u64,
    span: Span,
    told: bool,
    grown: bool,
}

impl Tallies {
    /// Whether nothing is counted.
    pub(super) fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }

    /// New content begins: what the same place held before was another answer.
    pub(super) fn begin(&mut self, flow: FlowId, direction: Direction, place: &str, resource: &str) {
        self.end(flow, |column| {
            column.direction == direction
                && &*column.resource == resource
                && column.content.as_deref().is_some_and(|content| content == place)
        });
    }

    /// A side speaks: the rows of the other side were its answer to something else.
    pub(super) fn turn(&mut self, flow: FlowId, direction: Direction) {
        self.end(flow, |column| column.direction != direction && column.content.is_none());
    }

    /// The flow is over.
    pub(super) fn forget(&mut self, flow: FlowId) {
        self.flows.remove(&flow);
    }

    /// Counts a value. Says whether it is one of the first, which are findings of their own.
    pub(super) fn count(&mut self, rule: RuleIndex, asks: &BulkMatch, cell: &Cell<'_>, value: &[u8], at: Span) -> bool {
        if self.flows.len() >= limits::COUNTED_FLOWS && !self.flows.contains_key(&cell.flow) {
            self.flows.pop_first();
        }
        let hash = self.hasher.hash_one(value);
        let columns = self.flows.entry(cell.flow).or_default();
        let place = columns.iter().position(|column| column.is(rule, cell)).unwrap_or_else(|| {
            if columns.len() >= limits::COUNTED_COLUMNS {
                columns.remove(0);
            }
            columns.push(Column::new(rule, asks.within, cell, at));
            columns.len() - 1
        });
        let Some(column) = columns.get_mut(place) else { return true };
        column.rows += 1;
        column.span = column.span.join(at);
        let known = column.values.len();
        let number = match column.values.get(&hash) {
            Some(number) => *number,
            None if known < limits::COUNTED_VALUES => {
                column.values.insert(hash, known);
                known
            }
            None => {
                column.more = true;
                known
            }
        };
        column.grown = column.values.len() >= asks.least;
        number < limits::COLUMN_FINDINGS
    }

    /// What has grown of a flow, with what is counted in it.
    pub(super) fn grown(&mut self, flow: FlowId) -> Vec<Grown> {
        let Some(columns) = self.flows.get_mut(&flow) else { return Vec::new() };
        columns.iter_mut().filter_map(Column::tell).collect()
    }

    fn end(&mut self, flow: FlowId, over: impl Fn(&Column) -> bool) {
        if self.flows.is_empty() {
            return;
        }
        let Some(columns) = self.flows.get_mut(&flow) else { return };
        columns.retain(|column| column.within == Within::Stream || !over(column));
        if columns.is_empty() {
            self.flows.remove(&flow);
        }
    }
}

impl Column {
    fn new(rule: RuleIndex, within: Within, cell: &Cell<'_>, span: Span) -> Self {
        Self {
            rule,
            direction: cell.direction,
            content: cell.content.map(Into::into),
            resource: cell.resource.into(),
            path: cell.path.into(),
            name: cell.name.into(),
            within,
            values: HashMap::new(),
            more: false,
            rows: 0,
            span,
            told: false,
            grown: false,
        }
    }

    fn is(&self, rule: RuleIndex, cell: &Cell<'_>) -> bool {
        self.rule == rule
            && self.direction == cell.direction
            && &*self.path == cell.path
            && &*self.resource == cell.resource
            && self.content.as_deref() == cell.content
    }

    fn tell(&mut self) -> Option<Grown> {
        if !std::mem::take(&mut self.grown) {
            return None;
        }
        Some(Grown {
            rule: self.rule,
            path: self.path.clone().into(),
            span: self.span,
            bulk: Bulk {
                values: self.values.len() as u64,
                rows: self.rows,
                more: self.more,
                column: self.label(),
                stream: self.within == Within::Stream,
            },
            again: std::mem::replace(&mut self.told, true),
        })
    }

    /// The column as people call it: `customers.card_no`.
    fn label(&self) -> String {
        match (&*self.resource, &*self.name) {
            ("", name) => name.to_owned(),
            (resource, "") => resource.to_owned(),
            (resource, name) if resource.contains('/') => format!("{name} of {resource}"),
            (resource, name) => format!("{resource}.{name}"),
        }
    }
}

#[cfg(test)]
mod tests;
