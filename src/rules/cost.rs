//! What rules cost: work that is counted while text is searched, the same for the same text on every
//! machine, and how much of it a rule may cause.

use std::sync::Arc;

use super::catalogue::Catalogue;
use super::check;
use super::engine::{Engine, Matcher};
use super::error::RuleError;
use super::schema::Rule;
use super::{Key, Options};
use crate::model::finding::RuleIndex;

/// Says the time, in nanoseconds since some moment.
pub type Clock = fn() -> u64;

/// What a rule has cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Places it was asked about: a keyword of its own, a name only it leads to, a number in one of its forms.
    pub candidates: u64,
    /// Searches of its expressions.
    pub windows: u64,
    /// Bytes its expressions went over.
    pub bytes: u64,
    /// Nanoseconds; zero without a clock.
    pub nanoseconds: u64,
}

/// Work that one candidate and one search make, as so many bytes that an expression goes over.
const CANDIDATE: u64 = 24;
const WINDOW: u64 = 48;

/// Work that a rule may make for each MB (10^6 bytes) of ordinary text.
pub const BUDGET: u64 = 100_000;

/// The same for the sample of [`sample`], which is all names and secrets.
pub const SAMPLE_BUDGET: u64 = 1_000_000;

impl Cost {
    /// The work of the rule: bytes its expressions went over, and what finding them took.
    pub const fn work(&self) -> u64 {
        self.candidates * CANDIDATE + self.windows * WINDOW + self.bytes
    }

    /// The work for each MB of so many bytes of text.
    pub const fn work_per_mb(&self, text: u64) -> u64 {
        per_mb(self.work(), text)
    }
}

/// So much for each MB of a text of so many bytes.
pub const fn per_mb(number: u64, text: u64) -> u64 {
    number.saturating_mul(1_000_000) / if text == 0 { 1 } else { text }
}

/// Counts what rules cost. An engine that is not measured has none.
#[derive(Clone, Debug)]
pub(super) struct Meter {
    clock: Option<Clock>,
    costs: Vec<Cost>,
}

impl Meter {
    pub(super) fn new(rules: usize, clock: Option<Clock>) -> Self {
        Self { clock, costs: vec![Cost::default(); rules] }
    }

    pub(super) fn of(&mut self, rule: RuleIndex) -> Option<&mut Cost> {
        self.costs.get_mut(rule.0 as usize)
    }

    pub(super) fn costs(&self) -> &[Cost] {
        &self.costs
    }

    /// The time, if there is a clock.
    pub(super) fn now(&self) -> u64 {
        self.clock.map_or(0, |clock| clock())
    }
}

/// A candidate that is being looked at.
#[derive(Debug)]
#[must_use]
pub(super) struct Started(u64);

/// What is counted while a rule works. Nothing where there is no meter.
pub(super) trait Metered {
    fn meter(&mut self) -> Option<&mut Meter>;

    /// A candidate of a rule.
    fn begin(&mut self) -> Started {
        Started(self.meter().map_or(0, |meter| meter.now()))
    }

    /// The candidate has been looked at.
    fn end(&mut self, rule: RuleIndex, started: &Started) {
        if let Some(meter) = self.meter() {
            let now = meter.now();
            if let Some(cost) = meter.of(rule) {
                cost.candidates += 1;
                cost.nanoseconds += now.saturating_sub(started.0);
            }
        }
    }

    /// An expression of a rule went over so many bytes.
    fn searched(&mut self, rule: RuleIndex, bytes: usize) {
        if let Some(cost) = self.meter().and_then(|meter| meter.of(rule)) {
            cost.windows += 1;
            cost.bytes += bytes as u64;
        }
    }
}

/// What every rule costs over the examples of the others, and how many bytes these have: the text that
/// is at hand everywhere.
pub fn sample(catalogue: &Catalogue) -> Result<(Vec<(RuleIndex, Cost)>, u64), RuleError> {
    let options = Options { key: Key::from_secret(b"sample"), ..Options::default() };
    let matcher = Matcher::new(Arc::new(catalogue.clone()), options)?;
    let mut engine = Engine::new(matcher);
    let mut costs: Vec<(RuleIndex, Cost)> = catalogue.iter().map(|(index, _)| (index, Cost::default())).collect();
    let mut text = 0;
    for (_, rule) in catalogue.iter() {
        engine.measure(None);
        text += examples(&mut engine, rule);
        for ((index, total), cost) in costs.iter_mut().zip(engine.costs()) {
            if catalogue.rule(*index).kind != rule.kind {
                total.candidates += cost.candidates;
                total.windows += cost.windows;
                total.bytes += cost.bytes;
            }
        }
    }
    Ok((costs, text))
}

/// The examples of all rules that are texts, one after the other.
pub fn sample_text(catalogue: &Catalogue) -> String {
    let all = catalogue.iter().flat_map(|(_, rule)| rule.matches.iter().chain(&rule.misses));
    all.filter_map(check::text).fold(String::new(), |all, text| all + &text + "\n\n")
}

/// Searches the texts among the examples of a rule, and says how many bytes they have.
fn examples(engine: &mut Engine, rule: &Rule) -> u64 {
    let all = rule.matches.iter().chain(&rule.misses);
    all.map(|example| {
        check::run(engine, rule, example);
        check::length(example) as u64
    })
    .sum()
}
