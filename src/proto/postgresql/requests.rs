//! Which answer belongs to which request: prepared statements, portals, and the order in which the
//! server answers, so that rows have their columns even where they were described long before.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use smallvec::SmallVec;

use crate::content::sql::Parameters;
use crate::model::event::EventSink;
use crate::model::limits;
use crate::proto::value;

/// One column of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    /// The type's object identifier.
    pub(super) oid: u32,
    pub(super) binary: bool,
}

/// The columns of a result.
pub(super) type Columns = value::Columns<Column>;

/// Format codes as Bind has them: none for all text, one for all, or one each.
pub(super) type Formats = SmallVec<[bool; 8]>;

/// The format of a value, where it is known.
pub(super) fn is_binary(formats: &[bool], index: usize) -> bool {
    match formats {
        [] => false,
        [all] => *all,
        each => each.get(index).copied().unwrap_or(false),
    }
}

/// What the values of the coming rows are.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    pub(super) columns: Option<Arc<Columns>>,
    /// Formats the client asked for in Bind; they win over those of the columns.
    formats: Option<Formats>,
}

impl Row {
    /// Name, type and format of a value in a row of `count`.
    pub(super) fn column(&self, index: usize, count: usize) -> (&str, u32, Option<bool>) {
        let column = self.fitting(count).and_then(|c| c.columns.get(index));
        let asked = self.formats.as_ref().map(|f| is_binary(f, index));
        let described = column.map(|c| c.binary);
        (column.map_or("", |c| c.name.as_str()), column.map_or(0, |c| c.oid), asked.or(described))
    }

    /// The columns, unless they are those of another result.
    pub(super) fn fitting(&self, count: usize) -> Option<&Columns> {
        self.columns.as_deref().filter(|c| c.columns.len() == count)
    }
}

/// A prepared statement.
#[derive(Debug, Default)]
pub(super) struct Statement {
    pub(super) parameters: Parameters,
    /// Types of the parameters, as far as they were said.
    pub(super) oids: Vec<u32>,
    columns: Option<Arc<Columns>>,
}

/// A request whose answer can be told from others only by its place.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Asked {
    Describe(u64),
    Execute(u64, Formats),
    Query,
    Sync,
}

/// The requests of one connection.
#[derive(Default)]
pub(super) struct Requests {
    names: HashMap<Vec<u8>, u64>,
    statements: BTreeMap<u64, Statement>,
    next: u64,
    portals: HashMap<Vec<u8>, (u64, Formats)>,
    /// Requests without an answer; equal neighbours are counted.
    queue: VecDeque<(Asked, u32)>,
    /// More requests are under way than are remembered: so many more ReadyForQuery until the two
    /// sides are level again.
    behind: Option<u64>,
    /// Caps that were reached and not told yet.
    beyond: Vec<limits::Cap>,
    /// What the rows that are coming now look like, once that was worked out.
    row: Option<Row>,
    /// The last description of a result.
    described: Option<Arc<Columns>>,
}

impl Requests {
    /// Tells which caps were reached.
    pub(super) fn tell(&mut self, out: &mut dyn EventSink) {
        self.beyond.drain(..).for_each(|cap| out.beyond(cap));
    }

    pub(super) fn parse(&mut self, name: &[u8], parameters: Parameters, oids: Vec<u32>) {
        self.prepare(name, Statement { parameters, oids, columns: None });
    }

    fn prepare(&mut self, name: &[u8], statement: Statement) -> u64 {
        if self.statements.len() >= limits::PREPARED {
            self.statements.pop_first();
            self.beyond.push(limits::Cap::Prepared);
            self.names.retain(|_, id| self.statements.contains_key(id));
        }
        self.next += 1;
        self.statements.insert(self.next, statement);
        self.names.insert(name.to_vec(), self.next);
        self.next
    }

    fn statement(&mut self, name: &[u8]) -> u64 {
        match self.names.get(name) {
            Some(id) => *id,
            None => self.prepare(name, Statement::default()),
        }
    }

    /// The statement whose parameters follow, where it was seen.
    pub(super) fn bind(&mut self, portal: &[u8], statement: &[u8], formats: Formats) -> Option<&Statement> {
        let id = self.statement(statement);
        if self.portals.len() >= limits::PREPARED {
            self.portals.clear();
            self.beyond.push(limits::Cap::Prepared);
        }
        self.portals.insert(portal.to_vec(), (id, formats));
        self.statements.get(&id)
    }

    pub(super) fn describe(&mut self, kind: u8, name: &[u8]) {
        let id = match kind {
            b'S' => self.statement(name),
            _ => self.portals.get(name).map_or(0, |(id, _)| *id),
        };
        self.ask(Asked::Describe(id));
    }

    pub(super) fn execute(&mut self, portal: &[u8]) {
        let (id, formats) = self.portals.get(portal).cloned().unwrap_or_default();
        self.ask(Asked::Execute(id, formats));
    }

    pub(super) fn query(&mut self) {
        self.ask(Asked::Query);
    }

    pub(super) fn sync(&mut self) {
        self.ask(Asked::Sync);
    }

    pub(super) fn close(&mut self, kind: u8, name: &[u8]) {
        if kind == b'S' {
            self.names.remove(name);
        } else {
            self.portals.remove(name);
        }
    }

    fn ask(&mut self, asked: Asked) {
        let ready = matches!(asked, Asked::Query | Asked::Sync);
        if let Some(behind) = &mut self.behind {
            *behind += u64::from(ready);
            return;
        }
        let full = self.queue.len() >= limits::OUTSTANDING;
        match self.queue.back_mut() {
            Some((last, count)) if *last == asked => *count += 1,
            _ if full => {
                self.beyond.push(limits::Cap::Outstanding);
                let waiting = self.queue.iter().filter(|(a, _)| matches!(a, Asked::Query | Asked::Sync));
                let waiting: u64 = waiting.map(|(_, n)| u64::from(*n)).sum();
                self.behind = Some(waiting + u64::from(ready));
                self.queue.clear();
            }
            _ => self.queue.push_back((asked, 1)),
        }
    }

    fn answered(&mut self) {
        if let Some((_, count)) = self.queue.front_mut() {
            *count -= 1;
            if *count == 0 {
                self.queue.pop_front();
            }
        }
    }

    /// ParameterDescription.
    pub(super) fn parameter_types(&mut self, oids: Vec<u32>) {
        if let Some((Asked::Describe(id), _)) = self.queue.front()
            && let Some(statement) = self.statements.get_mut(id)
        {
            statement.oids = oids;
        }
    }

    /// RowDescription.
    pub(super) fn described(&mut self, columns: Columns) {
        let columns = Arc::new(columns);
        if let Some((Asked::Describe(id), _)) = self.queue.front() {
            if let Some(statement) = self.statements.get_mut(id) {
                statement.columns = Some(Arc::clone(&columns));
            }
            self.answered();
            self.row = None;
        } else {
            self.row = Some(Row { columns: Some(Arc::clone(&columns)), formats: None });
        }
        self.described = Some(columns);
    }

    /// NoData.
    pub(super) fn no_data(&mut self) {
        if matches!(self.queue.front(), Some((Asked::Describe(_), _))) {
            self.answered();
        }
    }

    /// What the row that is here looks like.
    pub(super) fn row(&mut self) -> &Row {
        let Self { row, queue, statements, described, .. } = self;
        row.get_or_insert_with(|| match queue.front() {
            Some((Asked::Execute(id, formats), _)) => Row {
                columns: statements.get(id).and_then(|s| s.columns.clone()),
                // A portal that was not seen bound may have any format.
                formats: (*id != 0).then(|| formats.clone()),
            },
            _ => Row { columns: described.clone(), formats: None },
        })
    }

    /// CommandComplete, EmptyQueryResponse, PortalSuspended.
    pub(super) fn complete(&mut self) {
        self.row = None;
        if matches!(self.queue.front(), Some((Asked::Execute(..), _))) {
            self.answered();
        }
    }

    /// ErrorResponse: everything up to the next Sync goes unanswered.
    pub(super) fn failed(&mut self) {
        self.row = None;
        while self.queue.front().is_some_and(|(a, _)| !matches!(a, Asked::Query | Asked::Sync)) {
            self.queue.pop_front();
        }
    }

    /// ReadyForQuery.
    pub(super) fn ready(&mut self) {
        self.failed();
        self.answered();
        if let Some(behind) = &mut self.behind {
            *behind = behind.saturating_sub(1);
            if *behind == 0 {
                self.behind = None;
            }
        }
        // Statements that were replaced under their name, and that no answer can refer to any more.
        if self.queue.is_empty() && self.statements.len() > self.names.len() + 8 {
            let Self { names, statements, portals, .. } = self;
            let live: std::collections::HashSet<u64> =
                names.values().copied().chain(portals.values().map(|(id, _)| *id)).collect();
            statements.retain(|id, _| live.contains(id));
        }
    }

    /// Requests or answers were missed: the order tells nothing any more.
    pub(super) fn lost(&mut self) {
        self.queue.clear();
        self.behind = None;
        self.row = None;
    }
}
