//! Findings in blocks: what belongs to one rule, one server and one field is told once.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use super::{Level, View};
use crate::model::event::Outcome;
use crate::model::finding::{Finding, RuleIndex, Severity};
use crate::model::flow::Endpoint;
use crate::model::packet::Span;
use crate::report::layout::{self, BAD, BOLD, DIM, GOOD, NAME, PLAIN, Text, wrap};
use crate::report::words;
use crate::rules::{Catalogue, Rule, why};

/// Blocks of one rule.
const BLOCKS: usize = 4;

/// Values of one block, each on its line.
const VALUES: usize = 4;

/// Values without an account, one behind the other.
const EXAMPLES: usize = 4;

/// Columns of a badge with its blanks: everything else stands to the right of it.
const INDENT: usize = 11;

/// Most characters of a clear value.
const CLEAR: usize = 1000;

/// Groups findings as they come, from the worst to the least.
#[derive(Debug)]
pub(super) struct Groups {
    pub(super) files: Vec<String>,
    pub(super) catalogue: Arc<Catalogue>,
    view: View,
    blocks: Vec<Block>,
    places: HashMap<Place, usize>,
    beyond: BTreeMap<RuleIndex, Beyond>,
}

/// What makes a block. A finding about a link as a whole has no server here: the links are listed anyway.
type Place = (RuleIndex, Option<Endpoint>, String);

/// What is told together.
#[derive(Debug)]
struct Block {
    severity: Severity,
    /// The first ones, in full.
    shown: Vec<Finding>,
    findings: u64,
    sightings: u64,
    clients: BTreeSet<IpAddr>,
    protocols: BTreeMap<&'static str, u64>,
}

/// Blocks of a rule that there was no room for.
#[derive(Debug, Default)]
struct Beyond {
    findings: u64,
    servers: HashSet<Endpoint>,
}

impl Groups {
    pub(super) fn new(catalogue: Arc<Catalogue>, view: View) -> Self {
        Self { files: Vec::new(), catalogue, view, blocks: Vec::new(), places: HashMap::new(), beyond: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, finding: &Finding) {
        let whole_link = self.catalogue.rule(finding.rule).category() == "link";
        let place = match whole_link {
            true => (finding.rule, None, String::new()),
            false => (finding.rule, Some(finding.server), finding.field.clone()),
        };
        let index = match self.places.entry(place) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                let of_rule = self.blocks.iter().filter(|block| block.rule() == Some(finding.rule)).count();
                if of_rule >= self.view.at_most(BLOCKS) {
                    let beyond = self.beyond.entry(finding.rule).or_default();
                    beyond.findings += 1;
                    beyond.servers.insert(finding.server);
                    return;
                }
                self.blocks.push(Block::new(finding.severity));
                *entry.insert(self.blocks.len() - 1)
            }
        };
        let most = self.view.at_most(VALUES.max(EXAMPLES));
        if let Some(block) = self.blocks.get_mut(index) {
            block.add(finding, most);
        }
    }

    /// The worst finding in one sentence.
    pub(super) fn worst(&self, width: usize) -> Vec<Text> {
        let Some(worst) = self.blocks.first().and_then(|block| block.shown.first()) else { return Vec::new() };
        let rule = self.catalogue.rule(worst.rule);
        let account = worst.username.as_ref().map_or(String::new(), |name| format!("{name} "));
        let outcome = worst.outcome.filter(|outcome| *outcome != Outcome::Unknown);
        let outcome = outcome.map_or(String::new(), |outcome| format!(", {}", outcome.name()));
        let sentence = format!(" {} ({account}at {}{outcome})", rule.title, server(worst));
        wrap([Text::styled(BOLD, "Worst:").with(PLAIN, &sentence)], 1, 2, width)
    }

    /// The blocks about what was sent, and those about how it was protected.
    pub(super) fn sections(&self) -> (Vec<Text>, Vec<Text>) {
        let (mut found, mut weak) = (Vec::new(), Vec::new());
        let mut told = HashSet::new();
        let mut left: BTreeMap<RuleIndex, usize> = BTreeMap::new();
        // Blocks of one rule and severity stand together, where the first of them would stand.
        let mut places = HashMap::new();
        let mut blocks: Vec<(usize, &Block)> = Vec::new();
        for (n, block) in self.blocks.iter().enumerate() {
            blocks.push((*places.entry((block.severity, block.rule())).or_insert(n), block));
            *left.entry(block.rule().unwrap_or(RuleIndex(u32::MAX))).or_default() += 1;
        }
        blocks.sort_by_key(|(place, _)| *place);
        for (_, block) in blocks {
            let Some(index) = block.rule() else { continue };
            let rule = self.catalogue.rule(index);
            let section = if matches!(rule.category(), "tls" | "certificate" | "ssh") { &mut weak } else { &mut found };
            if !section.is_empty() {
                section.push(Text::new());
            }
            section.extend(self.block(block, rule, told.insert(index)));
            let last = left.get_mut(&index).is_some_and(|left| {
                *left -= 1;
                *left == 0
            });
            if let Some(beyond) = self.beyond.get(&index).filter(|_| last) {
                let servers = words::many(beyond.servers.len() as u64, "server");
                let more = format!("… and {} more at {servers} (ndjson has all)", words::count(beyond.findings));
                let said = Text::styled(BOLD, &rule.title).with(DIM, &format!(" {more}"));
                section.push(Text::new());
                section.extend(wrap([said], 1, INDENT, self.view.width));
            }
        }
        (found, weak)
    }

    fn block(&self, block: &Block, rule: &Rule, first_of_rule: bool) -> Vec<Text> {
        let Some(finding) = block.shown.first() else { return Vec::new() };
        let width = self.view.width;
        let badge =
            Text::styled(layout::severity(block.severity), &format!(" {} ", block.severity.name().to_uppercase()));
        let title = [Text::styled(BOLD, &rule.title), Text::styled(DIM, &rule.id)];
        let mut lines = wrap(title, 2, INDENT, width);
        if let Some(line) = lines.first_mut() {
            *line = badge.padded(INDENT).join(std::mem::take(line).skip(INDENT));
        }
        if rule.category() == "link" {
            lines.extend(block.links(width));
        } else {
            lines.extend(wrap(block.ends(finding), 2, INDENT, width));
            lines.extend(self.values(block));
            if finding.value.is_some() && !finding.field.is_empty() {
                lines.extend(wrap([Text::styled(DIM, "in ").with(PLAIN, &finding.field)], 1, INDENT, width));
            }
            if block.findings == 1 || !block.in_lines() {
                lines.extend(wrap([self.whereabouts(finding.span)], 1, INDENT, width));
            }
        }
        if self.view.level == Level::Verbose {
            lines.extend(wrap(details(finding, rule), 2, INDENT, width));
            let facts = why(finding, rule);
            if !facts.is_empty() {
                let facts = Text::styled(DIM, "why: ").with(PLAIN, &facts.join("; "));
                lines.extend(wrap([facts], 1, INDENT, width));
            }
        }
        if first_of_rule {
            let fix = Text::styled(GOOD, "fix:").with(PLAIN, &format!(" {}", rule.fix));
            lines.extend(wrap([fix], 1, INDENT, width));
        }
        lines
    }

    /// The values of a block: each on its line where they have accounts, else one behind the other.
    fn values(&self, block: &Block) -> Vec<Text> {
        let (width, shown) = (self.view.width, &block.shown);
        let many = block.findings > 1;
        if many && !block.in_lines() {
            let mut examples: Vec<Text> = shown.iter().take(self.view.at_most(EXAMPLES)).filter_map(value).collect();
            // Masked to the last character, they are all alike.
            examples.dedup();
            let count = Text::plain(&format!("{} values, e.g.", words::count(block.findings)));
            let mut items: Vec<Text> = std::iter::once(count).chain(examples).collect();
            if block.sightings > block.findings {
                items.push(Text::styled(DIM, &format!("seen {} in all", words::many(block.sightings, "time"))));
            }
            return wrap(items, 2, INDENT, width);
        }
        let mut lines = Vec::new();
        for finding in shown.iter().take(self.view.at_most(VALUES)) {
            lines.extend(wrap(self.value_line(finding, many), 2, INDENT, width));
        }
        let more = block.findings.saturating_sub(self.view.at_most(VALUES) as u64);
        if more > 0 {
            let more = format!("… and {} more (ndjson has all)", words::count(more));
            lines.push(Text::blank(INDENT).with(DIM, &more));
        }
        lines
    }

    fn value_line(&self, finding: &Finding, many: bool) -> Vec<Text> {
        let mut items = Vec::new();
        if let Some(name) = &finding.username {
            items.push(Text::styled(NAME, name));
        }
        items.extend(value(finding));
        if let Some(outcome) = finding.outcome {
            let (style, words) = match outcome {
                Outcome::Accepted => (BAD, outcome.name()),
                Outcome::Rejected => (PLAIN, outcome.name()),
                Outcome::Unknown => (DIM, "outcome unknown"),
            };
            items.push(Text::styled(style, words));
        }
        if let Some(note) = words::note(finding, self.catalogue.rule(finding.rule)) {
            // Where there is nothing else, the note is the finding.
            items.push(Text::styled(if items.is_empty() { PLAIN } else { DIM }, &note));
        }
        if finding.count > 1 {
            items.push(Text::plain(&words::many(finding.count, "time")));
        }
        if many && !items.is_empty() {
            items.push(Text::styled(DIM, &self.frames(finding.span)));
        }
        items
    }

    /// Where an analyst finds it.
    fn whereabouts(&self, span: Span) -> Text {
        Text::styled(DIM, &format!("{}, {}", self.frames(span), words::time(span.first.at)))
    }

    fn frames(&self, span: Span) -> String {
        let (first, last) = (span.first.frame, span.last.frame);
        let name = |file: u32| self.files.get(file as usize).map_or("-", String::as_str);
        if first == last {
            format!("frame {} of {}", first.number, name(first.file))
        } else if first.file == last.file {
            format!("frames {}–{} of {}", first.number, last.number, name(first.file))
        } else {
            format!("frames {} of {} – {} of {}", first.number, name(first.file), last.number, name(last.file))
        }
    }
}

impl Block {
    const fn new(severity: Severity) -> Self {
        Self {
            severity,
            shown: Vec::new(),
            findings: 0,
            sightings: 0,
            clients: BTreeSet::new(),
            protocols: BTreeMap::new(),
        }
    }

    fn add(&mut self, finding: &Finding, most: usize) {
        if self.shown.len() < most {
            self.shown.push(finding.clone());
        }
        self.findings += 1;
        self.sightings += finding.count;
        self.clients.insert(finding.client.ip);
        *self.protocols.entry(finding.protocol).or_default() += 1;
    }

    fn rule(&self) -> Option<RuleIndex> {
        self.shown.first().map(|finding| finding.rule)
    }

    /// Whether each value deserves a line of its own: it has an account, a sentence about it, or is
    /// shown in clear.
    fn in_lines(&self) -> bool {
        self.shown.iter().any(|f| f.username.is_some() || f.value.is_none() || clear(f).is_some())
    }

    /// Client and server, and what they speak.
    fn ends(&self, finding: &Finding) -> Vec<Text> {
        if finding.is_of_capture() {
            return vec![Text::plain(&server(finding)), Text::styled(NAME, finding.protocol)];
        }
        let others = self.clients.len().saturating_sub(1);
        let mut ends = Text::plain(&finding.client.ip.to_string());
        if others > 0 {
            ends = ends.with(DIM, &format!(" and {} more", words::count(others as u64)));
        }
        ends = ends.with(DIM, " → ").with(PLAIN, &server(finding));
        vec![ends, Text::styled(NAME, finding.protocol)]
    }

    /// For findings about links: how many of which protocol.
    fn links(&self, width: usize) -> Vec<Text> {
        let mut protocols: Vec<_> = self.protocols.iter().collect();
        protocols.sort_by_key(|(name, links)| (std::cmp::Reverse(**links), **name));
        let total = Text::plain(&format!("{}:", words::many(self.findings, "link")));
        let each = protocols.into_iter().map(|(name, links)| match links {
            1 => Text::styled(NAME, name),
            _ => Text::styled(NAME, name).with(DIM, &format!(" ×{}", words::count(*links))),
        });
        wrap(std::iter::once(total).chain(each), 2, INDENT, width)
    }
}

pub(super) fn server(finding: &Finding) -> String {
    if finding.is_of_capture() {
        return "the capture itself".to_owned();
    }
    match &finding.server_name {
        Some(name) => format!("{} ({name})", finding.server),
        None => finding.server.to_string(),
    }
}

fn clear(finding: &Finding) -> Option<&str> {
    finding.value.as_ref()?.clear.as_deref()
}

pub(super) fn value(finding: &Finding) -> Option<Text> {
    let value = finding.value.as_ref()?;
    let shown = match &value.clear {
        Some(clear) => match clear.char_indices().nth(CLEAR) {
            Some((end, _)) => Text::styled(BOLD, clear.split_at(end).0).with(DIM, "… (ndjson has all)"),
            None => Text::styled(BOLD, clear),
        },
        None => Text::styled(BOLD, &value.masked),
    };
    Some(if finding.is_test_value() { shown.with(DIM, " (test value)") } else { shown })
}

/// What only those want to know who asked for more.
fn details(finding: &Finding, rule: &Rule) -> Vec<Text> {
    let mut items = vec![format!("kind {}", rule.kind), format!("confidence {}", finding.confidence.name())];
    if let Some(value) = &finding.value {
        items.extend([words::many(value.length as u64, "byte"), value.fingerprint.clone()]);
    }
    items.extend(finding.tunnel.map(|tunnel| format!("in {tunnel}")));
    items.extend(rule.references.iter().cloned());
    items.iter().map(|item| Text::styled(DIM, item)).collect()
}
