//! Numbers: every run of letters and digits that holds a digit, with its neighbours, is looked up by
//! the lengths of its runs.

use std::ops::Range;

use smallvec::SmallVec;

use super::bytes::{after_escape, at, backward, forward, prior};
use super::keyword::{shown, stands_alone};
use super::{Hit, Names, Scan, Scratch, before, document};
use crate::model::finding::{Confidence, RuleIndex};
use crate::model::why::Fact;
use crate::rules::cost::Metered as _;
use crate::rules::engine::Matcher;
use crate::rules::forms::{RUN, RUNS, SEPARATORS, Variant, signature};
use crate::rules::names::{Reading, Role, Roles};
use crate::rules::schema::{Boundary, Need, Number, When};
use crate::rules::validate::Subject;

/// Bytes that are looked at together for a digit among them.
const BLOCK: usize = 32;

/// Groups of eight bytes that are looked at before that.
const WORDS: usize = 4;

/// The runs of what may be a number.
type Runs = SmallVec<[Range<usize>; RUNS]>;

/// What may be a number.
struct Written<'a> {
    text: &'a [u8],
    range: Range<usize>,
    /// Its letters, in upper case, and digits alone.
    plain: SmallVec<[u8; 36]>,
    /// All the runs that stand together, if there are more than its own.
    neighbours: Option<&'a Runs>,
    /// Whether it is no part of something longer, asked as numbers mostly ask.
    alone: bool,
}

impl<'a> Written<'a> {
    fn new(whole: &'a [u8], range: Range<usize>, neighbours: Option<&'a Runs>) -> Option<Self> {
        let text = whole.get(range.clone())?;
        let alone = stands_alone(whole, &range, Boundary::Number);
        let plain = text.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_uppercase).collect();
        Some(Self { text, range, plain, neighbours, alone })
    }
}

/// The name of a number, found once for all rules that ask.
struct Name {
    roles: Roles,
    shown: Option<String>,
}

impl Matcher {
    pub(super) fn numbers(&self, scan: &Scan<'_>, names: &Names<'_>, scratch: &mut Scratch) {
        if self.compiled.numbers.is_empty() {
            return;
        }
        let mut from = scan.seen.saturating_sub(2 * RUN);
        while let Some(found) = next_digit(scan.text, from) {
            let runs = around(scan.text, found);
            from = runs.last().map_or(found, |run| run.end).max(found) + 1;
            let lone = runs.first().filter(|_| runs.len() == 1).map(Range::len);
            if lone.is_none_or(|length| self.compiled.lone_runs >> length & 1 == 1) {
                self.runs(scan, names, &runs, scratch);
            }
        }
    }

    fn runs(&self, scan: &Scan<'_>, names: &Names<'_>, runs: &Runs, scratch: &mut Scratch) {
        let mut first = 0;
        while first < runs.len() {
            let length = |n: usize| runs.get(n).map_or(0, Range::len);
            let alone = self.compiled.lone_runs >> length(first) & 1 == 1;
            let together = self.compiled.second_runs.has(length(first), length(first + 1));
            let least = if alone { first } else { first + 1 };
            let most = if together { runs.len() } else { first + 1 };
            let found = (least..most).rev().find_map(|last| {
                let part = runs.get(first..=last)?;
                let range = part.first()?.start..part.last()?.end;
                let known = self.compiled.numbers.get(&signature(part.iter().map(Range::len)))?;
                let joined = first > 0 || last + 1 < runs.len();
                let number = Written::new(scan.text, range, joined.then_some(runs))?;
                self.number(scan, names, known, &number, scratch).map(|hit| (last, hit))
            });
            match found {
                Some((last, hit)) => {
                    if hit.range.end > scan.seen {
                        scratch.keep(hit);
                    }
                    first = last + 1;
                }
                None => first += 1,
            }
        }
    }

    /// The best that rules make of runs with the lengths of their forms.
    fn number(
        &self,
        scan: &Scan<'_>,
        names: &Names<'_>,
        known: &[(RuleIndex, Variant)],
        number: &Written<'_>,
        scratch: &mut Scratch,
    ) -> Option<Hit> {
        let mut name: Option<Name> = None;
        let mut best: Option<Hit> = None;
        for (index, variant) in known.iter().filter(|(_, variant)| variant.fits(number.text)) {
            let started = scratch.begin();
            let hit = self.judged(scan, *index, variant.runs(), number, || {
                name.get_or_insert_with(|| {
                    scratch.searched(*index, number.text.len());
                    self.name(scan, names, number.range.start)
                })
            });
            scratch.end(*index, &started);
            if let Some(hit) = hit
                && best.as_ref().is_none_or(|best| best.confidence < hit.confidence)
            {
                best = Some(hit);
            }
        }
        best
    }

    /// What a rule makes of a number in one of its forms.
    fn judged<'n>(
        &self,
        scan: &Scan<'_>,
        index: RuleIndex,
        runs: usize,
        written: &Written<'_>,
        name: impl FnOnce() -> &'n mut Name,
    ) -> Option<Hit> {
        let range = &written.range;
        let rule = self.catalogue.rule(index);
        let When::Number(number) = &rule.when else { return None };
        let alone = match number.boundary {
            Boundary::Number => written.alone,
            other => stands_alone(scan.text, range, other),
        };
        let alone = alone && written.neighbours.is_none_or(|all| !continues(scan.text, range, all, runs));
        if !alone || !Self::concerns(rule, scan) {
            return None;
        }
        let subject = Subject { value: &written.plain, at: scan.at };
        let verdict = self.compiled.part(index).verdict(&subject, &written.plain)?;
        if written.text.contains(&b'.') && document::in_series(scan.text, range.start) {
            return None;
        }
        let name = name();
        let whole = name.roles.is_empty() && name.shown.is_none() && alone_in_its_place(scan, range);
        let apart = runs > 1 || whole;
        let role = role(index, name, scan);
        let confidence = support(number, rule.confidence, verdict.confidence, role, apart, whole)?;
        let named = role == Some(true);
        let why = verdict
            .facts
            .and(Fact::Form)
            .and_if(named && name.shown.is_some(), Fact::Named)
            .and_if(named && name.shown.is_none(), Fact::Labelled)
            .and_if(runs > 1, Fact::Grouped)
            .and_if(whole, Fact::Alone);
        Some(Hit {
            rule: index,
            range: range.clone(),
            value: None,
            name: name.shown.clone(),
            severity: verdict.at_most(rule.severity),
            confidence: if verdict.failed { Confidence::Low } else { confidence },
            note: verdict.note,
            why,
            account: None,
        })
    }

    /// The name of the number that starts at `start`.
    fn name(&self, scan: &Scan<'_>, names: &Names<'_>, start: usize) -> Name {
        let literal = names.literals.partition_point(|literal| literal.value.start <= start).checked_sub(1);
        if let Some(literal) = literal.and_then(|n| names.literals.get(n)).filter(|l| l.value.contains(&start)) {
            let name = scan.text.get(literal.name.clone()).unwrap_or_default();
            return Name { roles: self.meaning(name, Reading::Key), shown: shown(scan.text, literal.name.clone()) };
        }
        if let Some(column) = names.header.and_then(|header| header.column(scan.text, start)) {
            return Name { roles: column.roles.clone(), shown: Some(column.name.clone()) };
        }
        match before::name(scan.text, start, scan.format) {
            Some(near) => {
                let name = scan.text.get(near.name.clone()).unwrap_or_default();
                let shown = if near.reading == Reading::Key { shown(scan.text, near.name) } else { None };
                Name { roles: self.meaning(name, near.reading), shown }
            }
            None => Name { roles: Roles::new(), shown: None },
        }
    }
}

/// What its name says of a number to a rule: the nearest name that has a say.
fn role(rule: RuleIndex, name: &Name, scan: &Scan<'_>) -> Option<bool> {
    let outer = scan.outer.map(|outer| outer.roles);
    std::iter::once(&name.roles).chain(outer).find_map(|roles| {
        roles.iter().find_map(|role| match role {
            Role::For(index) if *index == rule => Some(true),
            Role::Against(index) if *index == rule => Some(false),
            _ => None,
        })
    })
}

/// How sure a number is; `None` when it is not enough.
fn support(
    number: &Number,
    rule: Confidence,
    proven: Option<Confidence>,
    named: Option<bool>,
    apart: bool,
    whole: bool,
) -> Option<Confidence> {
    let bare = proven.unwrap_or(rule);
    match (number.context, named) {
        (Need::None, _) => Some(bare),
        (_, Some(true)) => Some(number.named_confidence.unwrap_or(Confidence::High).max(bare)),
        (Need::Required, None) if whole => number.apart_confidence,
        (Need::Required, _) | (Need::Helps, Some(false)) => None,
        (Need::Helps, None) if apart => {
            let apart = number.apart_confidence.unwrap_or(bare);
            Some(proven.map_or(apart, |proven| apart.min(proven)))
        }
        (Need::Helps, None) => Some(bare),
    }
}

/// Whether the number is all of an unnamed field.
fn alone_in_its_place(scan: &Scan<'_>, range: &Range<usize>) -> bool {
    scan.outer.is_some_and(|outer| outer.name.is_empty() && scan.text.trim_ascii().len() == range.len())
}

/// Whether the run before or after goes on in the same way: `1111 2222 3333 4444 5555` is no card.
fn continues(text: &[u8], range: &Range<usize>, runs: &Runs, own: usize) -> bool {
    let digits = |run: &Range<usize>| text.get(run.clone()).is_some_and(|r| r.iter().all(u8::is_ascii_digit));
    own > 1
        && runs.iter().any(|run| {
            let beside = run.end + 1 == range.start || run.start == range.end + 1;
            beside && digits(run) && run.len() >= 3
        })
}

/// The next digit. Blocks without one are passed over at the speed of vector instructions.
fn next_digit(text: &[u8], from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    let mut passed = 0;
    // Where there are numbers, the next one is near.
    for word in rest.as_chunks::<8>().0.iter().take(WORDS) {
        let digits = digits(u64::from_le_bytes(*word));
        if digits != 0 {
            return Some(from + passed + digits.trailing_zeros() as usize / 8);
        }
        passed += word.len();
    }
    for block in rest.get(passed..)?.chunks(BLOCK) {
        if block.iter().fold(false, |any, b| any | b.is_ascii_digit()) {
            return block.iter().position(u8::is_ascii_digit).map(|n| from + passed + n);
        }
        passed += block.len();
    }
    None
}

/// The highest bit of each byte that is a digit, and of no other below the first of them.
const fn digits(word: u64) -> u64 {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // Digits become 0 to 9, and stay below 128 when 118 is added; bytes that were above 127 are told apart.
    let from_zero = word ^ 0x3030_3030_3030_3030;
    !((from_zero & !HIGH).wrapping_add(0x7676_7676_7676_7676) | from_zero) & HIGH
}

/// The run that holds the digit at `inside`, and the runs beside it that may belong to the same number.
/// Numbers are written in capitals: a run that a small letter or `_` touches is part of a word, and has
/// no length here, nor has one that is too long.
fn around(text: &[u8], inside: usize) -> Runs {
    let part = |b: u8| b.is_ascii_digit() || b.is_ascii_uppercase();
    let mut runs = Runs::new();
    let start = backward(text, inside, RUN + 1, part);
    let end = forward(text, inside, RUN + 1, part);
    if end - start > RUN || word(at(text, end)) || word(prior(text, start)) && !after_escape(text, start) {
        let end = forward(text, end, usize::MAX, word);
        runs.push(end..end);
        return runs;
    }
    runs.push(start..end);
    let mut left = start;
    while runs.len() < RUNS && SEPARATORS.contains(&prior(text, left)) {
        let run = backward(text, left - 1, RUN + 1, part)..left - 1;
        if run.is_empty() || run.len() > RUN || word(prior(text, run.start)) && !after_escape(text, run.start) {
            break;
        }
        left = run.start;
        runs.insert(0, run);
    }
    let mut right = end;
    while runs.len() < RUNS && SEPARATORS.contains(&at(text, right)) {
        let run = right + 1..forward(text, right + 1, RUN + 1, part);
        if run.is_empty() || run.len() > RUN || word(at(text, run.end)) {
            break;
        }
        right = run.end;
        runs.push(run);
    }
    runs
}

const fn word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_that_may_belong_together_are_found_from_any_digit() {
        let text = b"call my SSN 536-90-4399, thanks";
        for inside in [12, 14, 16, 22] {
            let runs = around(text, inside);
            assert_eq!(runs.last(), Some(&(19..23)), "{inside}");
        }
        let blob = [b'7'; 500];
        assert_eq!(around(&blob, 3).first(), Some(&(500..500)));
    }

    #[test]
    fn every_digit_is_met() {
        for pad in [0, 1, 31, 32, 33, 100] {
            let text = format!("{}7", "x".repeat(pad));
            assert_eq!(next_digit(text.as_bytes(), 0), Some(pad));
        }
        assert_eq!(next_digit(b"no digit here", 0), None);
        for byte in 0..=u8::MAX {
            let text = [&[byte][..], &[b'x'; 99], b"7"].concat();
            assert_eq!(next_digit(&text, 0), Some(if byte.is_ascii_digit() { 0 } else { 100 }), "{byte}");
        }
    }
}
