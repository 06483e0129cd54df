//! From hits to findings.

use std::fmt::Write as _;
use std::ops::Range;

use super::{Context, Engine, Matcher};
use crate::content::json;
use crate::model::event::{FieldKind, Format, Outcome};
use crate::model::finding::{Confidence, Finding, RuleIndex, Severity};
use crate::model::flow::Direction;
use crate::model::packet::Span;
use crate::model::why::{Fact, Why};
use crate::rules::bulk::Cell;
use crate::rules::finding::{Evidence, Found};
use crate::rules::glob::fits_any;
use crate::rules::inner::Outside;
use crate::rules::login::severity;
use crate::rules::schema::{BulkMatch, Rule, When};
use crate::rules::text::document;

/// Tokens of one text whose claims are read.
const TOKENS: usize = 64;

/// Where hits were found.
pub(super) struct Source<'a> {
    /// The place in the protocol.
    pub(super) place: &'a str,
    /// The name of the field; empty for text.
    pub(super) name: &'a str,
    /// What was searched.
    pub(super) bytes: &'a [u8],
    pub(super) format: Format,
    /// What kind of field; `None` for text.
    pub(super) kind: Option<FieldKind>,
    pub(super) resource: &'a str,
    pub(super) direction: Direction,
    pub(super) outcome: Outcome,
    /// The account that a credential in the field belongs to.
    pub(super) account: Option<&'a [u8]>,
}

/// The severity after the server's answer, for a hit that its rule's own severity holds for.
fn graded(rule: &Rule, outcome: Outcome, own: Severity) -> Severity {
    if own == rule.severity { severity(rule, outcome) } else { own }
}

/// Whether a path ends in this name.
fn ends(path: &str, name: &str) -> bool {
    path.trim_end_matches("[]").strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

impl Engine {
    /// Makes findings of the hits, and looks into the tokens among them. Says whether there were any.
    pub(super) fn tell(
        &mut self,
        at: &Context<'_>,
        source: &Source<'_>,
        span: impl Fn(Range<usize>) -> Span,
        out: &mut dyn FnMut(Finding),
    ) -> bool {
        let paths = self.json_paths(source);
        let mut tokens = self.documents(source, &span);
        let mut grown = false;
        for (n, hit) in self.scratch.hits.drain(..).enumerate() {
            self.path.clear();
            self.path.push_str(source.place);
            let path = paths.get(n).map_or("", String::as_str);
            let example =
                source.direction == Direction::ToClient && [path, source.place].into_iter().any(document::example_path);
            let hit = if example { hit.for_example() } else { hit };
            let inner = hit.name.as_deref().filter(|name| hit.range.len() != source.bytes.len() && !ends(path, name));
            for part in [source.name, path, inner.unwrap_or_default()] {
                if !part.is_empty() {
                    let _ = write!(self.path, ".{part}");
                }
            }
            let secret = hit.value.as_deref().or_else(|| source.bytes.get(hit.range.clone())).unwrap_or_default();
            let rule = self.matcher.catalogue.rule(hit.rule);
            let credential = rule.category() == "credential";
            let account = source.account.filter(|account| credential && *account != secret);
            let span = span(hit.range.clone());
            let counted = hit.confidence > Confidence::Low && !hit.why.has(Fact::TestValue);
            let counts = if counted { self.matcher.compiled.counts(hit.rule) } else { &[] };
            if !counts.is_empty() {
                let cell = Cell {
                    flow: at.flow.id,
                    direction: source.direction,
                    content: self.in_text.then_some(self.content.as_str()),
                    resource: source.resource,
                    path: &self.path,
                    name: [inner.unwrap_or_default(), path, source.name]
                        .into_iter()
                        .find(|n| !n.is_empty())
                        .unwrap_or_default(),
                };
                let counting = counts.iter().find_map(|index| self.matcher.counting(*index, at, source));
                if let Some((index, asks)) = counting {
                    (grown, self.counted) = (true, true);
                    if !self.tallies.count(index, asks, &cell, secret, span) {
                        continue;
                    }
                }
            }
            let found = Found {
                rule: hit.rule,
                severity: if credential { graded(rule, source.outcome, hit.severity) } else { hit.severity },
                confidence: hit.confidence,
                direction: source.direction,
                field: &self.path,
                username: hit.account.as_deref().or(account),
                value: Evidence::Secret(secret),
                outcome: credential.then_some(source.outcome),
                why: hit.why,
                note: hit.note,
                span,
            };
            if secret.starts_with(b"eyJ") && tokens.len() < TOKENS {
                tokens.push((self.path.clone(), secret.to_vec(), found.span));
            }
            self.matcher.report(at, found, out);
        }
        let Source { resource, direction, outcome, .. } = *source;
        let grown = if grown { self.tallies.grown(at.flow.id) } else { Vec::new() };
        for column in grown {
            let rule = self.matcher.catalogue.rule(column.rule);
            let found = Found {
                rule: column.rule,
                severity: rule.severity,
                confidence: rule.confidence,
                direction,
                field: &column.path,
                username: None,
                value: Evidence::Many(column.bulk, column.again),
                outcome: None,
                why: Why::of(Fact::Bulk),
                note: None,
                span: column.span,
            };
            self.matcher.report(at, found, out);
        }
        for (path, token, span) in &tokens {
            self.inside(at, token, Outside { path, resource, direction, outcome, span: *span }, out);
        }
        !tokens.is_empty()
    }

    /// The strings of a text that may be documents in base64, with their paths and packets.
    fn documents(&mut self, source: &Source<'_>, span: &impl Fn(Range<usize>) -> Span) -> Vec<(String, Vec<u8>, Span)> {
        let packed = std::mem::take(&mut self.scratch.packed);
        let starts: Vec<usize> = packed.iter().map(|range| range.start).collect();
        let json = source.format == Format::Json && !starts.is_empty();
        let paths = if json { json::paths(source.bytes, &starts) } else { Vec::new() };
        let mut documents = Vec::new();
        for (n, range) in packed.iter().enumerate() {
            let bytes = source.bytes.get(range.clone()).unwrap_or_default();
            let parts = [source.place, source.name, paths.get(n).map_or("", String::as_str)];
            let path: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            documents.push((path.join("."), bytes.to_vec(), span(range.clone())));
        }
        documents
    }

    /// Where in JSON the hits stand.
    fn json_paths(&mut self, source: &Source<'_>) -> Vec<String> {
        if source.format != Format::Json || self.scratch.hits.is_empty() {
            return Vec::new();
        }
        self.scratch.hits.sort_by_key(|hit| hit.range.start);
        let starts: Vec<_> = self.scratch.hits.iter().map(|hit| hit.range.start).collect();
        json::paths(source.bytes, &starts)
    }
}

impl Matcher {
    /// The rule of this index, if it counts values that stand there.
    fn counting(&self, index: RuleIndex, at: &Context<'_>, source: &Source<'_>) -> Option<(RuleIndex, &BulkMatch)> {
        let rule = self.catalogue.rule(index);
        let When::Bulk(asks) = &rule.when else { return None };
        let column = source.kind.is_none_or(FieldKind::repeats);
        let format = source.kind.is_some()
            || asks.formats.is_empty()
            || asks.formats.iter().any(|f| Format::from(*f) == source.format);
        let fits = column
            && format
            && rule.direction.is_none_or(|way| way.is(source.direction))
            && fits_any(&rule.protocols, at.protocol);
        fits.then_some((index, asks))
    }
}
