//! Numbers: runs of letters and digits that stand together are looked up by their lengths.

use std::ops::Range;

use smallvec::SmallVec;

use super::keyword::{shown, stands_alone};
use super::runs::Chains;
use super::{Hit, Names, Scan, Scratch, before, bytes, caption, document, gap};
use crate::model::event::Format;
use crate::model::finding::{Confidence, RuleIndex};
use crate::model::flow::Direction;
use crate::model::why::Fact;
use crate::rules::compile::Way;
use crate::rules::cost::Metered as _;
use crate::rules::engine::Matcher;
use crate::rules::forms::{RUN, RUNS, longer};
use crate::rules::names::{Reading, Role, Roles};
use crate::rules::schema::{Boundary, Need, Number, When};
use crate::rules::validate::Subject;

/// Rules for numbers of one form that are tried without asking for the number's name first.
const MANY: usize = 4;

/// What may be a number.
struct Written {
    /// As it is written, with one byte for what stands between two of its runs.
    text: SmallVec<[u8; 64]>,
    range: Range<usize>,
    /// Its letters, in upper case, and digits alone.
    plain: SmallVec<[u8; 36]>,
    /// How many runs it has.
    runs: usize,
    /// Whether it is no part of something longer, asked as numbers mostly ask.
    alone: bool,
}

impl Written {
    fn new(text: SmallVec<[u8; 64]>, range: Range<usize>, runs: usize, alone: bool) -> Self {
        let plain = text.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_uppercase).collect();
        Self { text, range, plain, runs, alone }
    }
}

/// What is written in these runs, with one byte for what stands between two of them.
fn text(whole: &[u8], runs: &[Range<usize>]) -> Option<SmallVec<[u8; 64]>> {
    let mut text = SmallVec::new();
    let mut end = runs.first()?.start;
    for run in runs {
        if run.start > end {
            text.push(gap::after(whole, end)?.1);
        }
        text.extend_from_slice(whole.get(run.clone())?);
        end = run.end;
    }
    Some(text)
}

/// Whether the run before or behind goes on in the same way: `1111 2222 3333 4444 5555` is no card.
fn continues(whole: &[u8], beside: [Option<Range<usize>>; 2]) -> bool {
    let digits = |run: &Range<usize>| whole.get(run.clone()).is_some_and(|r| r.iter().all(u8::is_ascii_digit));
    beside.iter().flatten().any(|run| run.len() >= 3 && digits(run))
}

/// The name of a number, found once for all rules that ask.
struct Name {
    roles: Roles,
    shown: Option<String>,
}

impl Name {
    /// Whether there is none, and the number is all of an unnamed field.
    fn is_all(&self, scan: &Scan<'_>, range: &Range<usize>) -> bool {
        self.roles.is_empty() && self.shown.is_none() && alone_in_its_place(scan, range)
    }
}

impl Matcher {
    pub(super) fn numbers(&self, scan: &Scan<'_>, names: &Names<'_>, scratch: &mut Scratch) {
        let mut chain = Chains::new(scan.text, scan.seen.saturating_sub(2 * RUN), self.compiled.lone_runs);
        while chain.advance() {
            while !chain.runs().is_empty() {
                let found = self.first(scan, names, &mut chain, scratch);
                let runs = found.as_ref().map_or(1, |(runs, _)| *runs);
                chain.pass(runs);
                if let Some((_, hit)) = found
                    && hit.range.end > scan.seen
                {
                    scratch.keep(hit);
                }
            }
        }
    }

    /// The longest number that the next runs of a chain begin with, and how many of them it has.
    fn first(
        &self,
        scan: &Scan<'_>,
        names: &Names<'_>,
        chain: &mut Chains<'_>,
        scratch: &mut Scratch,
    ) -> Option<(usize, Hit)> {
        let runs = chain.runs();
        let length = |n: usize| runs.get(n).map_or(0, Range::len);
        let alone = u16::from(self.compiled.lone_runs >> length(0) & 1 == 1);
        let counts = self.compiled.several_runs.counts([0, 1, 2].map(length)) | alone << 1;
        let most = runs.len().min(counts.checked_ilog2()? as usize);
        let mut signatures = [0; RUNS];
        let mut signature = 0;
        for (run, kept) in runs.iter().take(most).zip(&mut signatures) {
            signature = longer(signature, run.len());
            *kept = signature;
        }
        let before = chain.before();
        (1..=most).rev().filter(|count| counts >> count & 1 == 1).find_map(|count| {
            let ways = self.compiled.ways(*signatures.get(count - 1)?);
            if ways.is_empty() {
                return None;
            }
            let runs = chain.known(count);
            let range = runs.first()?.start..runs.last()?.end;
            let alone = stands_alone(scan.text, &range, Boundary::Number);
            if ways.iter().all(|way| way.alone && !alone) {
                return None;
            }
            let text = text(scan.text, runs)?;
            let fits = |way: &&Way| (alone || !way.alone) && way.variant.fits(&text);
            let fitting: SmallVec<[&Way; 4]> = ways.iter().filter(fits).collect();
            if fitting.is_empty() || count > 1 && continues(scan.text, [before.clone(), chain.behind(count)]) {
                return None;
            }
            let number = Written::new(text, range, count, alone);
            self.number(scan, names, &fitting, &number, scratch).map(|hit| (count, hit))
        })
    }

    /// The best that rules make of what is written in their forms.
    fn number(
        &self,
        scan: &Scan<'_>,
        names: &Names<'_>,
        fitting: &[&Way],
        number: &Written,
        scratch: &mut Scratch,
    ) -> Option<Hit> {
        let mut name: Option<Name> = None;
        let mut best: Option<Hit> = None;
        // To ask for the name is dear, but of many rules one passes its checks and asks for it anyway. Then
        // those need none that want another name.
        let known = fitting.iter().map(|way| way.rules.len()).sum::<usize>() > MANY;
        if known {
            name = Some(self.name(scan, names, number.range.start));
        }
        let open = name.as_ref().is_none_or(|name| name.is_all(scan, &number.range));
        for (way, index) in fitting.iter().flat_map(|way| way.rules.iter().map(|rule| (*way, rule))) {
            if way.named && !open && name.as_ref().is_some_and(|name| role(*index, name, scan) != Some(true)) {
                continue;
            }
            let started = scratch.begin();
            let hit = self.judged(scan, *index, number, || {
                name.get_or_insert_with(|| {
                    scratch.searched(*index, number.text.len());
                    self.name(scan, names, number.range.start)
                })
            });
            scratch.end(*index, &started);
            if let Some(hit) = hit
                && best.as_ref().is_none_or(|best| (best.confidence, hit.rule) < (hit.confidence, best.rule))
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
        written: &Written,
        name: impl FnOnce() -> &'n mut Name,
    ) -> Option<Hit> {
        let range = &written.range;
        let rule = self.catalogue.rule(index);
        let When::Number(number) = &rule.when else { return None };
        let alone = match number.boundary {
            Boundary::Number => written.alone,
            other => stands_alone(scan.text, range, other),
        };
        if !alone || !Self::concerns(rule, scan) {
            return None;
        }
        let subject = Subject { value: &written.plain, at: scan.at };
        let verdict = self.compiled.part(index).verdict(&subject, &written.plain)?;
        if written.text.contains(&b'.') && document::in_series(scan.text, range.start) {
            return None;
        }
        let name = name();
        let whole = name.is_all(scan, range);
        let apart = written.runs > 1 || whole;
        let role = role(index, name, scan);
        let confidence = support(number, rule.confidence, verdict.confidence, role, apart, whole)?;
        // What a server shows of the numbers for tests are its instructions.
        let shown = scan.direction == Direction::ToClient && verdict.facts.has(Fact::TestValue);
        let named = role == Some(true);
        let why = verdict
            .facts
            .and(Fact::Form)
            .and_if(named && name.shown.is_some(), Fact::Named)
            .and_if(named && name.shown.is_none(), Fact::Labelled)
            .and_if(written.runs > 1, Fact::Grouped)
            .and_if(whole, Fact::Alone);
        Some(Hit {
            rule: index,
            range: range.clone(),
            value: scan.text.get(range.clone()).filter(|raw| **raw != *written.text).map(|_| written.text.to_vec()),
            name: name.shown.clone(),
            severity: verdict.at_most(rule.severity),
            confidence: if verdict.failed || shown { Confidence::Low } else { confidence },
            note: verdict.note,
            why,
            account: None,
        })
    }

    /// The name of the number that starts at `start`.
    fn name(&self, scan: &Scan<'_>, names: &Names<'_>, start: usize) -> Name {
        if let Some(literal) = scan.cell(start) {
            let name = scan.text.get(literal.name.clone()).unwrap_or_default();
            return Name { roles: self.meaning(name, Reading::Key), shown: shown(scan.text, literal.name.clone()) };
        }
        if let Some((column, naming)) = names.header.and_then(|header| header.column(scan.text, start)) {
            let roles = naming.map_or_else(|| column.roles.clone(), |name| self.meaning(name, Reading::Key));
            return Name { roles, shown: Some(column.name.clone()) };
        }
        match before::name(scan.text, start, scan.format) {
            Some(near) => {
                let name = scan.text.get(near.name.clone()).unwrap_or_default();
                // Variables of scripts that were made small have names that say nothing: `var ic=…`.
                let small = name.len() < 3
                    && matches!(scan.format, Format::Html | Format::Script)
                    && bytes::at(scan.text, near.name.end) == b'=';
                let roles = if small { Roles::new() } else { self.meaning(name, near.reading) };
                if roles.is_empty()
                    && scan.format == Format::Html
                    && let Some(caption) = caption::before(scan.text, start)
                {
                    let name = scan.text.get(caption.clone()).unwrap_or_default();
                    let shown = shown(scan.text, caption);
                    return Name { roles: self.meaning(name, Reading::Label), shown };
                }
                let shown = if near.reading == Reading::Key { shown(scan.text, near.name) } else { None };
                Name { roles, shown }
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
