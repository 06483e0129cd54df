//! Rules in the form the engine works with.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use smallvec::SmallVec;

use super::allow::Allowed;
use super::catalogue::Catalogue;
use super::error::{Place, RuleError};
use super::expression::Expression;
use super::forms::{self, Variant};
use super::glob::fits_any;
use super::inner;
use super::literals::Literals;
use super::names::{Names, Role};
use super::schema::{Boundary, Content, Named, Need, Number, Rule, When};
use super::spelling;
use super::validate::{self, Check, Subject, Verdict};
use crate::model::finding::RuleIndex;

/// The rules that are switched on, sorted by what they look at.
#[derive(Debug, Default)]
pub(super) struct Compiled {
    pub(super) logins: Vec<(RuleIndex, Vec<Check>)>,
    pub(super) weaknesses: Vec<RuleIndex>,
    /// The rule for known secrets.
    pub(super) known: Option<RuleIndex>,
    /// What was made of each rule of the catalogue, in its order.
    parts: Vec<Part>,
    /// Every name of every rule.
    pub(super) names: Names,
    /// Names of accounts.
    pub(super) accounts: Names,
    /// Names of what is only shown as an example.
    pub(super) examples: Names,
    /// Every keyword and anchor.
    pub(super) literals: Option<Literals>,
    /// What each literal leads to.
    pub(super) uses: Vec<SmallVec<[Use; 2]>>,
    /// Ways to write numbers in several runs, by the lengths of these.
    numbers: HashMap<u64, Vec<Way>>,
    /// Those in one run, by its length.
    lone_numbers: Vec<Vec<Way>>,
    /// Lengths of numbers that are written in one run, as bits.
    pub(super) lone_runs: u64,
    /// Numbers that are written in several runs, by the lengths of the first two.
    pub(super) several_runs: SeveralRuns,
    /// Rules whose keyword is a lone `@`.
    pub(super) at_sign: Vec<RuleIndex>,
    /// For each rule of the catalogue, the rules that count its values.
    counts: Vec<SmallVec<[RuleIndex; 2]>>,
}

/// A way to write numbers.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) variant: Variant,
    /// Such numbers are no part of something longer.
    pub(super) alone: bool,
    /// They count only under a fitting name.
    pub(super) named: bool,
    pub(super) rules: Vec<RuleIndex>,
}

/// How many runs a number may have, as bits, by the lengths of its first three: no run as 0, longer ones as the
/// longest.
#[derive(Debug)]
pub(super) struct SeveralRuns([[[u16; 1 + LONG]; 1 + LONG]; 1 + LONG]);

/// Runs of so many characters and more count as one length there.
const LONG: usize = 12;

impl Default for SeveralRuns {
    fn default() -> Self {
        Self([[[0; 1 + LONG]; 1 + LONG]; 1 + LONG])
    }
}

impl SeveralRuns {
    /// Adds a number with runs of these lengths, two or more.
    fn add(&mut self, mut lengths: impl Iterator<Item = usize>) {
        let mut next = || lengths.next().map(|length| length.min(LONG));
        let (Some(first), Some(second), third) = (next(), next(), next()) else { return };
        let runs = 2 + usize::from(third.is_some()) + lengths.count();
        let Some(counts) = self.0.get_mut(first).and_then(|seconds| seconds.get_mut(second)) else { return };
        // What follows two runs may be any other.
        let thirds = third.map_or(0..=LONG, |third| third..=third);
        for counts in counts.get_mut(thirds).unwrap_or_default() {
            *counts |= 1 << runs;
        }
    }

    /// How many runs a number may have of which the first three have these lengths, as bits.
    pub(super) fn counts(&self, lengths: [usize; 3]) -> u16 {
        let [first, second, third] = lengths.map(|length| length.min(LONG));
        let counts = self.0.get(first).and_then(|seconds| seconds.get(second)).and_then(|thirds| thirds.get(third));
        counts.copied().unwrap_or(0)
    }
}

/// What was made of a rule.
#[derive(Debug)]
pub(super) struct Part {
    /// Its checks.
    pub(super) checks: Vec<Check>,
    /// Its expressions.
    pub(super) expressions: Vec<Expression>,
    /// What it leaves alone.
    pub(super) allowed: Vec<Allowed>,
    /// Values that are published for tests.
    tests: HashSet<Box<[u8]>>,
    /// The keywords count in the case they are written in.
    exact: bool,
}

impl Part {
    /// Whether a value is published for tests.
    pub(super) fn is_test(&self, value: &[u8]) -> bool {
        !self.tests.is_empty() && self.tests.contains(value)
    }

    /// What its checks say of a value; `None` when one fails. A value published for tests is told
    /// anyway: that it is invalid is how its publisher keeps it from being somebody's.
    pub(super) fn verdict(&self, subject: &Subject<'_>, value: &[u8]) -> Option<Verdict> {
        let verdict = validate::all(&self.checks, subject);
        if self.is_test(value) { Some(Verdict::for_tests(verdict)) } else { verdict }
    }

    /// What is wrong with its expressions.
    pub(super) fn faults(&self) -> Vec<String> {
        self.expressions.iter().filter_map(|e| e.compile().err()).collect()
    }
}

/// What a literal leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// A name of a field; the first rule that looks for it.
    Anchor(RuleIndex),
    /// A keyword of this rule; with the bytes it must be, where case counts.
    Keyword(RuleIndex, Option<Box<[u8]>>),
    /// A string that begins as a document in base64 does, if it is these bytes.
    Packed(&'static [u8]),
}

impl Compiled {
    pub(super) fn new(catalogue: &Catalogue) -> Result<Self, RuleError> {
        let mut compiled = Self::default();
        let mut literals = HashMap::new();
        for name in catalogue.ignored() {
            compiled.names.add(name, Role::Ignored);
            compiled.accounts.add(name, Role::Ignored);
        }
        for name in catalogue.examples() {
            compiled.examples.add(name, Role::Ignored);
        }
        for (rank, name) in (0..).zip(catalogue.accounts()) {
            compiled.accounts.add(name, Role::Account(rank));
        }
        let mut counting = Vec::new();
        for (index, rule) in catalogue.iter() {
            if let When::Bulk(bulk) = &rule.when
                && rule.enabled
            {
                counting.push((index, bulk));
            }
        }
        for (index, rule) in catalogue.iter() {
            let counts = counting.iter().filter(|(_, bulk)| fits_any(&bulk.of, &rule.kind));
            compiled.counts.push(counts.map(|(index, _)| *index).collect());
            let wrong = |reason| {
                let at = Place { file: Arc::clone(&rule.origin.file), line: rule.origin.line, column: 1 };
                RuleError::Rule { at, id: rule.id.clone(), reason }
            };
            compiled.parts.push(part(rule).map_err(wrong)?);
            if rule.enabled {
                compiled.add(index, rule, &mut literals).map_err(wrong)?;
            }
        }
        spell(catalogue, &mut literals);
        for start in inner::BEGINNINGS {
            literal(&mut literals, start, Use::Packed(start));
        }
        compiled.uses = vec![SmallVec::new(); literals.len()];
        let mut patterns = vec![Vec::new(); literals.len()];
        for (literal, (n, uses)) in literals {
            if let (Some(pattern), Some(slot)) = (patterns.get_mut(n), compiled.uses.get_mut(n)) {
                (*pattern, *slot) = (literal, uses);
            }
        }
        compiled.literals = (!patterns.is_empty()).then(|| Literals::new(&patterns));
        Ok(compiled)
    }

    /// What was made of a rule.
    ///
    /// # Panics
    /// When the index is of another catalogue.
    #[allow(clippy::indexing_slicing, reason = "there is a part for every rule of the catalogue")]
    pub(super) fn part(&self, rule: RuleIndex) -> &Part {
        &self.parts[rule.0 as usize]
    }

    /// The rules that count the values of a rule.
    pub(super) fn counts(&self, rule: RuleIndex) -> &[RuleIndex] {
        self.counts.get(rule.0 as usize).map_or(&[], SmallVec::as_slice)
    }

    fn add(&mut self, index: RuleIndex, rule: &Rule, literals: &mut Collected) -> Result<(), String> {
        match &rule.when {
            When::Login(login) => self.logins.push((index, validate::named(&login.validators)?)),
            When::Weakness(_) => self.weaknesses.push(index),
            When::Bulk(_) => {}
            When::Known(_) => self.known = self.known.or(Some(index)),
            When::Content(content) => self.content(index, content, literals),
            When::Field(named) => self.named(index, named, literals),
            When::Number(number) => self.number(index, number)?,
        }
        Ok(())
    }

    fn content(&mut self, index: RuleIndex, content: &Content, literals: &mut Collected) {
        for name in &content.names {
            self.names.add(name, Role::For(index));
        }
        let exact = self.part(index).exact;
        for keyword in &content.keywords {
            if keyword == "@" {
                self.at_sign.push(index);
            } else {
                let bytes = exact.then(|| keyword.as_bytes().into());
                literal(literals, keyword.as_bytes(), Use::Keyword(index, bytes));
            }
        }
    }

    fn named(&mut self, index: RuleIndex, named: &Named, literals: &mut Collected) {
        for name in &named.names {
            self.names.add(name, Role::For(index));
        }
        spelling::anchors(named).for_each(|name| anchor(literals, &name, index));
    }

    /// The ways to write numbers in runs of these lengths, as their signature says.
    pub(super) fn ways(&self, signature: u64) -> &[Way] {
        let lone = usize::try_from(signature).ok().and_then(|length| self.lone_numbers.get(length));
        lone.or_else(|| self.numbers.get(&signature)).map_or(&[], Vec::as_slice)
    }

    fn number(&mut self, index: RuleIndex, number: &Number) -> Result<(), String> {
        for name in &number.names {
            self.names.add(name, Role::For(index));
            // Check digits say whether it is one.
            if !number.validators.is_empty() {
                self.names.add_beginning(name, Role::For(index));
            }
        }
        for name in &number.other_names {
            self.names.add(name, Role::Against(index));
        }
        for form in &number.forms {
            for variant in forms::variants(form)? {
                match (variant.lengths().next(), variant.lengths().nth(1)) {
                    (Some(only), None) => self.lone_runs |= 1 << only,
                    (Some(_), Some(_)) => self.several_runs.add(variant.lengths()),
                    _ => {}
                }
                let alone = number.boundary == Boundary::Number;
                let signature = variant.signature();
                self.lone_numbers.resize_with(1 + forms::RUN, Vec::new);
                let ways = match self.lone_numbers.get_mut(signature as usize) {
                    Some(ways) => ways,
                    None => self.numbers.entry(signature).or_default(),
                };
                let named = number.context == Need::Required;
                let same = |way: &&mut Way| way.variant == variant && way.alone == alone && way.named == named;
                match ways.iter_mut().find(same) {
                    Some(way) => way.rules.push(index),
                    None => ways.push(Way { variant, alone, named, rules: vec![index] }),
                }
            }
        }
        Ok(())
    }
}

/// Adds what leads to the names of fields in text by itself. What leads to the end of a name leads to the name.
fn spell(catalogue: &Catalogue, literals: &mut Collected) {
    let fields = || {
        catalogue.iter().filter(|(_, rule)| rule.enabled).filter_map(|(index, rule)| match &rule.when {
            When::Field(named) => Some((index, named)),
            _ => None,
        })
    };
    let mut known = Parts::default();
    fields().flat_map(|(_, named)| spelling::anchors(named)).for_each(|anchor| known.add(anchor));
    let mut spelled: Vec<_> =
        fields().flat_map(|(index, named)| spelling::own(named).map(move |s| (s, index))).collect();
    spelled.sort_unstable_by(|(a, _), (b, _)| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
    for (name, index) in spelled {
        if !known.lead_to(&name) {
            anchor(literals, &name, index);
            known.add(name);
        }
    }
}

/// Texts that lead to what they are part of.
#[derive(Default)]
struct Parts {
    texts: HashSet<String>,
    /// What they begin with: most places of a name begin none.
    beginnings: HashSet<[u8; 3]>,
}

impl Parts {
    fn add(&mut self, text: String) {
        self.beginnings.extend(text.as_bytes().first_chunk());
        self.texts.insert(text);
    }

    /// Whether a part of the name that reaches into its last word is known.
    fn lead_to(&self, name: &str) -> bool {
        let last = name.rfind(' ').map_or(0, |space| space + 1);
        let begun = |start: &usize| {
            let begins = name.as_bytes().get(*start..).and_then(|rest| rest.first_chunk());
            begins.is_some_and(|begins| self.beginnings.contains(begins))
        };
        let ends = |start: usize| (start.max(last) + 1..=name.len()).filter_map(move |end| name.get(start..end));
        (0..name.len()).filter(begun).flat_map(ends).any(|part| self.texts.contains(part))
    }
}

/// Adds what leads to a name, in each case, and as JSON and URLs may write it: keys, which are seldom in capitals.
fn anchor(literals: &mut Collected, name: &str, index: RuleIndex) {
    let cases = cases(name);
    for word in &cases {
        literal(literals, word.as_bytes(), Use::Anchor(index));
    }
    if name.is_ascii() {
        return;
    }
    let escaped = cases.iter().take(2).map(|name| {
        written(name, |letter, to| {
            letter.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| write!(to, "\\u{unit:04x}"))
        })
    });
    let percent = cases.iter().take(1).map(|name| {
        written(name, |letter, to| {
            letter.encode_utf8(&mut [0; 4]).bytes().try_for_each(|byte| write!(to, "%{byte:02x}"))
        })
    });
    for coded in escaped.chain(percent) {
        literal(literals, coded.as_bytes(), Use::Anchor(index));
    }
}

/// A word with the letters that are not of ASCII written in some other way.
fn written(word: &str, way: impl Fn(char, &mut String) -> fmt::Result) -> String {
    let mut all = String::with_capacity(6 * word.len());
    for letter in word.chars() {
        if letter.is_ascii() {
            all.push(letter);
        } else {
            // To write into a string does not fail.
            let _ = way(letter, &mut all);
        }
    }
    all
}

/// A word as it is, with a capital, and in capitals. Of ASCII letters the case does not count anyway.
fn cases(word: &str) -> Vec<String> {
    let mut all = vec![word.to_owned()];
    if !word.is_ascii() {
        let mut letters = word.chars();
        let capital: String = letters.by_ref().take(1).flat_map(char::to_uppercase).collect();
        all.extend([capital + letters.as_str(), word.to_uppercase()]);
    }
    all
}

/// Literals with their places and what they lead to.
type Collected = HashMap<Vec<u8>, (usize, SmallVec<[Use; 2]>)>;

fn literal(literals: &mut Collected, bytes: &[u8], to: Use) {
    let count = literals.len();
    let (_, uses) = literals.entry(bytes.to_ascii_lowercase()).or_insert((count, SmallVec::new()));
    let anchor = |to: &Use| matches!(to, Use::Anchor(_));
    let known = uses.contains(&to) || anchor(&to) && uses.iter().any(anchor);
    if !known {
        uses.push(to);
    }
}

fn part(rule: &Rule) -> Result<Part, String> {
    let (validators, patterns): (&[String], &[String]) = match &rule.when {
        When::Content(content) => (&content.validators, content.regex.as_slice()),
        When::Field(named) => (&named.validators, named.regex.as_slice()),
        When::Number(number) => (&number.validators, &[]),
        When::Bulk(_) | When::Known(_) | When::Login(_) | When::Weakness(_) => (&[], &[]),
    };
    Ok(Part {
        checks: validate::named(validators)?,
        expressions: patterns.iter().map(|p| Expression::new(p)).collect::<Result<_, _>>()?,
        tests: rule.test_values.iter().map(|value| value.as_bytes().into()).collect(),
        allowed: match &rule.when {
            When::Content(content) => content.allow.iter().map(Allowed::new).collect::<Result<_, _>>()?,
            _ => Vec::new(),
        },
        exact: !patterns.iter().any(|p| p.contains("(?i"))
            && !matches!(&rule.when, When::Content(c) if c.around || c.any_case),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_other_scripts_are_looked_for_in_every_case() {
        assert_eq!(cases("пароль"), ["пароль", "Пароль", "ПАРОЛЬ"]);
        assert_eq!(cases("password"), ["password"]);
    }
}
