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

/// Work that a rule may make for each MB (10^6 bytes) of text: an expression over a tenth of it.
pub const BUDGET: u64 = 100_000;

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

/// The rules that make more work than they may over the [`sample`], and how much for each MB.
pub(super) fn over_budget(catalogue: &Catalogue) -> Result<Vec<(RuleIndex, u64)>, RuleError> {
    let (costs, text) = sample(catalogue)?;
    let work = costs.iter().map(|(index, cost)| (*index, cost.work_per_mb(text)));
    Ok(work.filter(|(_, work)| *work > BUDGET).collect())
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands in a `[[rule]]` of its own.
    fn with(rule: &str) -> Catalogue {
        let mut catalogue = Catalogue::builtin().unwrap();
        let text = format!(
            "[[rule]]\nid = \"test.own\"\ntitle = \"A test\"\nkind = \"secret.test\"\nseverity = \"high\"\n\
             description = \"Only a test.\"\nfix = \"None.\"\non = \"content\"\n{rule}"
        );
        catalogue.add("own.toml", &text).unwrap();
        catalogue
    }

    fn over(catalogue: &Catalogue) -> Vec<&str> {
        over_budget(catalogue).unwrap().iter().map(|(index, _)| catalogue.rule(*index).id.as_str()).collect()
    }

    #[test]
    fn a_rule_whose_keyword_is_everywhere_is_over_its_budget() {
        let greedy =
            with("keywords = [\"pass\", \"user\", \"http\"]\nbefore = 100\nafter = 2000\nregex = \"pass.{1,900}zzz\"");
        assert_eq!(over(&greedy), ["test.own"]);
        let modest = with("keywords = [\"xyzzy_\"]\nregex = \"xyzzy_[a-z]{32}\"");
        assert_eq!(over(&modest), [""; 0]);
    }

    #[test]
    fn work_is_the_same_each_time() {
        let catalogue = Catalogue::builtin().unwrap();
        let (costs, text) = sample(&catalogue).unwrap();
        assert_eq!(sample(&catalogue).unwrap(), (costs.clone(), text));
        assert!(costs.iter().any(|(_, cost)| cost.candidates > 0 && cost.bytes > 0 && cost.nanoseconds == 0));
    }
}
