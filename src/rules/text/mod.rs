//! Searching text: one pass for all literals, one for the digits; everything else happens at their hits.

mod account;
mod after;
mod apart;
mod before;
mod bytes;
mod caption;
mod columns;
pub(super) mod document;
mod escapes;
mod gap;
mod grant;
mod grid;
mod keyword;
mod label;
mod number;
mod rows;
mod runs;
mod setting;
mod settle;
mod sql;
mod table;

use std::ops::Range;

use hashbrown::HashMap;

use super::cost::{Meter, Metered};
use super::engine::Matcher;
use super::glob::fits_any;
use super::guard::{self, Situation};
use super::literals;
use super::names::{Reading, Role, Roles};
use super::schema::{Place, Rule, When};
use super::validate::{self, Subject};
use crate::model::event::Format;
use crate::model::finding::{Confidence, RuleIndex, Severity};
use crate::model::flow::Direction;
use crate::model::time::Timestamp;
use crate::model::why::{Fact, Why};
pub(super) use table::Header;

/// Hits of one text that are kept: more than this is a listing, and the first ones show it.
const HITS: usize = 4096;

/// Documents in base64 that are looked into in one text, how short they may be, and how long.
const PACKED: usize = 16;
const SHORTEST: usize = 40;
const LONGEST: usize = 256 << 10;

/// A text and its circumstances.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scan<'a> {
    pub(super) text: &'a [u8],
    pub(super) format: Format,
    pub(super) direction: Direction,
    /// So many bytes at its start were looked at before.
    pub(super) seen: usize,
    pub(super) at: Timestamp,
    pub(super) protocol: &'static str,
    /// It is the value of a field: what its name means.
    pub(super) outer: Option<Outer<'a>>,
    /// Its values that are named from afar, in their order.
    pub(super) cells: &'a [sql::Literal],
}

/// The field a text is the value of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outer<'a> {
    pub(super) name: &'a str,
    pub(super) roles: &'a Roles,
}

/// Names of values that stand far from them.
struct Names<'a> {
    header: Option<&'a Header>,
}

/// What was found in a text.
#[derive(Clone, Debug)]
pub(super) struct Hit {
    pub(super) rule: RuleIndex,
    /// The part that is reported.
    pub(super) range: Range<usize>,
    /// The value, where it is not the bytes of the range.
    pub(super) value: Option<Vec<u8>>,
    /// The name it was found under.
    pub(super) name: Option<String>,
    pub(super) severity: Severity,
    pub(super) confidence: Confidence,
    pub(super) note: Option<String>,
    /// The facts that decided.
    pub(super) why: Why,
    /// The account it belongs to, where it is named beside it.
    pub(super) account: Option<Vec<u8>>,
}

/// Memory that one engine uses again for each text.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub(super) hits: Vec<Hit>,
    /// Where the literals of the rules are.
    literals: Vec<literals::Hit>,
    /// For each rule, up to where it has matched.
    done: Vec<usize>,
    /// Up to where names were looked at.
    names_done: usize,
    /// How many accounts were looked for.
    accounts: usize,
    /// Strings that may be documents in base64.
    pub(super) packed: Vec<Range<usize>>,
    /// Counts what rules cost, when somebody asks.
    pub(super) meter: Option<Box<Meter>>,
    /// How telling names are as names of accounts, remembered.
    ranks: HashMap<Box<[u8]>, Option<u16>>,
}

impl Scan<'_> {
    /// The value named from afar that an offset is in.
    fn cell(&self, offset: usize) -> Option<&sql::Literal> {
        let last = self.cells.partition_point(|cell| cell.value.start <= offset).checked_sub(1)?;
        self.cells.get(last).filter(|cell| cell.value.contains(&offset))
    }
}

impl Matcher {
    /// Finds everything in a text. The hits are left in the scratch memory, settled.
    pub(super) fn scan(&self, scan: &Scan<'_>, header: Option<&Header>, scratch: &mut Scratch) {
        scratch.hits.clear();
        scratch.names_done = 0;
        scratch.accounts = 0;
        scratch.packed.clear();
        scratch.done.clear();
        scratch.done.resize(self.catalogue.len(), 0);
        let has = |word: &[u8]| memchr::memmem::find(scan.text, word).is_some();
        let literals = match scan.format {
            Format::Sql => sql::literals(scan.text),
            Format::Html if has(b"<th") => grid::cells(scan.text),
            Format::Plain if scan.outer.is_none() => columns::cells(scan.text),
            Format::Json if has(b"[[") || has(b"[ [") || has(b"[\n") && has(b"olumns\"") => rows::cells(scan.text),
            Format::Xml if has(b"office:spreadsheet") => grid::cells(scan.text),
            _ => Vec::new(),
        };
        let names = Names { header };
        let scan = &Scan { cells: &literals, ..*scan };
        self.statements(scan, &literals, scratch);
        self.literals(scan, scratch);
        self.escaped_keys(scan, scratch);
        self.numbers(scan, &names, scratch);
        self.at_signs(scan, scratch);
        if let Some(header) = header {
            self.cells(scan, header, scratch);
        }
        self.settle(scan, scratch);
    }

    /// Whether a rule looks at this text at all.
    fn concerns(rule: &Rule, scan: &Scan<'_>) -> bool {
        rule.direction.is_none_or(|way| way.is(scan.direction)) && fits_any(&rule.protocols, scan.protocol)
    }

    /// What the rules for named values make of one. At most one of them reports it: the one whose name
    /// fits best.
    pub(super) fn named(&self, roles: &Roles, value: &[u8], at: &NamedAt<'_>) -> Option<Hit> {
        if value.is_empty() {
            return None;
        }
        for role in roles {
            let Role::For(index) = role else {
                if *role == Role::Ignored {
                    return None;
                }
                continue;
            };
            let rule = self.catalogue.rule(*index);
            let When::Field(named) = &rule.when else { continue };
            let fits = (named.kinds.is_empty() || named.kinds.contains(&at.situation.place))
                && rule.direction.is_none_or(|way| way.is(at.situation.direction))
                && fits_any(&rule.protocols, at.protocol)
                && (named.min_len..=named.max_len).contains(&value.len());
            if !fits {
                continue;
            }
            let part = self.compiled.part(*index);
            let secret = match part.expressions.as_slice() {
                [] => 0..value.len(),
                all => match all.iter().find_map(|e| e.fits(value)) {
                    Some(found) => found.secret,
                    None => continue,
                },
            };
            let Some(secret_value) = value.get(secret.clone()) else { continue };
            let (why, sure) = if part.is_test(secret_value) {
                (Why::default(), Confidence::Low)
            } else {
                let Some(why) = Self::random_enough(named.min_entropy, secret_value) else { continue };
                let sure = guard::judge(named.guard, &self.compiled.names, secret_value, &at.situation);
                let Some(sure) = sure else { continue };
                (why.join(at.situation.facts(named.guard)), sure)
            };
            let subject = Subject { value: secret_value, at: at.at };
            let Some(verdict) = part.verdict(&subject, secret_value) else { continue };
            let confidence = verdict.confidence.unwrap_or(rule.confidence).min(sure);
            let why = why.join(verdict.facts).and(Fact::Named);
            return Some(Hit {
                rule: *index,
                range: secret,
                value: None,
                name: None,
                severity: verdict.at_most(rule.severity),
                confidence,
                note: verdict.note,
                why: why.and_if(!part.expressions.is_empty(), Fact::Expression),
                account: None,
            });
        }
        None
    }

    /// Nothing when a value has less entropy than a rule asks for.
    fn random_enough(least: f64, value: &[u8]) -> Option<Why> {
        if least <= 0.0 {
            return Some(Why::default());
        }
        let entropy = validate::secret::entropy(value);
        (entropy >= least).then(|| Why::default().with_entropy(entropy))
    }

    /// What a name of the text means.
    fn meaning(&self, name: &[u8], reading: Reading) -> Roles {
        let name = String::from_utf8_lossy(name);
        if let Some(register) = super::oid::register(&name) {
            return self.compiled.names.resolve(register, Reading::Key);
        }
        let plain = name.contains('\\') || name.contains('%');
        let name = if plain { std::borrow::Cow::Owned(unescaped(&name)) } else { name };
        self.compiled.names.resolve(&name, reading)
    }
}

/// Where a named value stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct NamedAt<'a> {
    pub(super) situation: Situation,
    pub(super) protocol: &'a str,
    pub(super) at: Timestamp,
}

impl Hit {
    /// The same as an example in a document.
    pub(super) fn for_example(self) -> Self {
        let severity = self.severity.min(Severity::Low);
        Self { severity, confidence: Confidence::Low, why: self.why.and(Fact::TestValue), ..self }
    }
}

impl Scratch {
    /// Takes note of a string of JSON, or of what a client sends, that begins as a document in base64 does.
    fn packed(&mut self, scan: &Scan<'_>, start: Range<usize>) {
        let data = scan.format == Format::Json || scan.direction == Direction::ToServer;
        // The literal begins with the quotation mark, or ends with it.
        let mark = if bytes::prior(scan.text, start.end) == b'"' { start.end - 1 } else { start.start };
        let first = mark + 1;
        let seen = scan.seen > first || self.packed.last().is_some_and(|last| last.end > first);
        if !data || seen || self.packed.len() >= PACKED {
            return;
        }
        let part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_' | b'=' | b'\\');
        let end = bytes::forward(scan.text, first, LONGEST, part);
        if end - first >= SHORTEST && bytes::at(scan.text, end) == b'"' {
            self.packed.push(first..end);
        }
    }

    pub(super) fn keep(&mut self, hit: Hit) {
        if self.hits.len() < HITS {
            self.hits.push(hit);
        }
    }
}

impl Metered for Scratch {
    fn meter(&mut self) -> Option<&mut Meter> {
        self.meter.as_deref_mut()
    }
}

/// A name without the escapes of JSON and URLs.
fn unescaped(name: &str) -> String {
    let percent = escapes::decoded(name.as_bytes(), Place::Form, Format::Form);
    let plain = escapes::decoded(&percent, Place::Json, Format::Json);
    String::from_utf8_lossy(&plain).into_owned()
}
