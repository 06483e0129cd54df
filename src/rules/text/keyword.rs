//! At a literal: the expressions of its rules, or the value of the name it is part of.

use std::borrow::Cow;
use std::ops::Range;

use super::account::{self, Beside};
use super::bytes::{after_escape, at, backward, forward, identifier, prior};
use super::{Hit, NamedAt, Scan, Scratch, after, before, document, escapes, label, setting};
use crate::content::base64;
use crate::content::percent::{self, Plus};
use crate::model::event::Format;
use crate::model::finding::{Confidence, RuleIndex};
use crate::model::flow::Direction;
use crate::model::why::{Fact, Why};
use crate::rules::compile::Use;
use crate::rules::cost::Metered as _;
use crate::rules::engine::Matcher;
use crate::rules::guard::Situation;
use crate::rules::names::{Reading, Role};
use crate::rules::schema::{Boundary, Content, Place, When};
use crate::rules::validate::Subject;
use crate::rules::validate::secret::reserved;

/// Matches of one rule that may fail their checks in one window.
const ATTEMPTS: usize = 8;

/// Bytes that count for a search that could begin in one place only and found nothing. It stops where no
/// match is possible any more, mostly after a few, and does not tell where.
const STOPPED: usize = 128;

/// Escaped letters of one text that are looked at.
const ESCAPED: usize = 256;

/// Values of one list that are looked at.
const LISTED: usize = 64;

/// How far from a query its variables may stand.
const VARIABLES: usize = 4096;

impl Matcher {
    pub(super) fn literals(&self, scan: &Scan<'_>, scratch: &mut Scratch) {
        let Some(literals) = &self.compiled.literals else { return };
        let mut found = std::mem::take(&mut scratch.literals);
        literals.find(scan.text, &mut found);
        for hit in &found {
            let Some(uses) = self.compiled.uses.get(hit.literal) else { continue };
            let range = hit.start..hit.end;
            for to in uses {
                match to {
                    Use::Anchor(rule) => {
                        let started = scratch.begin();
                        self.anchor(scan, range.clone(), scratch);
                        scratch.end(*rule, &started);
                    }
                    Use::Packed(start) => {
                        if scan.text.get(range.clone()) == Some(*start) {
                            scratch.packed(scan, range.clone());
                        }
                    }
                    Use::Keyword(rule, None) => self.keyword(scan, *rule, range.clone(), scratch),
                    Use::Keyword(rule, Some(exact)) => {
                        if scan.text.get(range.clone()).is_some_and(|bytes| bytes == &**exact) {
                            self.keyword(scan, *rule, range.clone(), scratch);
                        }
                    }
                }
            }
        }
        scratch.literals = found;
    }

    /// Addresses: the keyword is one byte, too common for the literals.
    pub(super) fn at_signs(&self, scan: &Scan<'_>, scratch: &mut Scratch) {
        if self.compiled.at_sign.is_empty() {
            return;
        }
        for n in memchr::memchr_iter(b'@', scan.text) {
            let part = |b: u8| b.is_ascii_alphanumeric() || b >= 0x80;
            let beside = part(prior(scan.text, n)) && part(at(scan.text, n + 1));
            if beside && !in_url(scan.text, n) {
                for rule in &self.compiled.at_sign {
                    self.keyword(scan, *rule, n..n + 1, scratch);
                }
            }
        }
    }

    fn keyword(&self, scan: &Scan<'_>, index: RuleIndex, hit: Range<usize>, scratch: &mut Scratch) {
        let started = scratch.begin();
        self.expressions(scan, index, hit, scratch);
        scratch.end(index, &started);
    }

    /// Tries the expressions of a rule around its keyword.
    fn expressions(&self, scan: &Scan<'_>, index: RuleIndex, hit: Range<usize>, scratch: &mut Scratch) {
        let rule = self.catalogue.rule(index);
        let When::Content(content) = &rule.when else { return };
        let done = scratch.done.get(index.0 as usize).copied().unwrap_or(0);
        let format = content.formats.is_empty() || content.formats.iter().any(|f| Format::from(*f) == scan.format);
        if hit.start < done || !format || !Self::concerns(rule, scan) {
            return;
        }
        let end = scan.text.len().min(hit.end + content.after);
        // Where nothing may stand before the keyword, there is one place where a match may begin.
        let begins = content.before == 0 && !content.around;
        for expression in &self.compiled.part(index).expressions {
            let mut from = hit.start.saturating_sub(content.before).max(done);
            for _ in 0..ATTEMPTS {
                let found = if begins {
                    expression.begins(scan.text, from..end)
                } else {
                    expression.find(scan.text, from..end)
                };
                let most = if begins { end.min(from + STOPPED) } else { end };
                scratch.searched(index, found.as_ref().map_or(most, |found| found.whole.end).saturating_sub(from));
                let Some(found) = found else { break };
                if found.whole.start > hit.start && !content.around {
                    break;
                }
                if found.whole.end > scan.seen
                    && let Some(kept) = self.content(scan, index, content, &found)
                {
                    if let Some(done) = scratch.done.get_mut(index.0 as usize) {
                        *done = found.whole.end;
                    }
                    let mut kept = self.belongs(scan, kept, &found, scratch);
                    let literal = scan.text.get(hit.clone()).unwrap_or_default();
                    if let Some(place) =
                        content.keywords.iter().position(|keyword| keyword.as_bytes().eq_ignore_ascii_case(literal))
                    {
                        let fact = if content.around { Fact::KeywordNear } else { Fact::Keyword };
                        kept.why = kept.why.with_keyword(place, fact);
                    }
                    scratch.keep(kept);
                    return;
                }
                from = found.whole.start + 1;
                if begins {
                    break;
                }
            }
        }
    }

    /// A hit with the account that the expression has found with it, or that stands beside it.
    fn belongs(
        &self,
        scan: &Scan<'_>,
        hit: Hit,
        found: &crate::rules::expression::Match,
        scratch: &mut Scratch,
    ) -> Hit {
        let place = if scan.format == Format::Json { Place::Json } else { Place::Label };
        let account = match &found.user {
            Some(user) => {
                scan.text.get(user.clone()).and_then(|user| account::name(escapes::decoded(user, place, scan.format)))
            }
            None => {
                let beside = Beside { value: found.whole.clone(), name: b"", place, format: scan.format };
                self.account_of(scan.text, hit.rule, &beside, scratch)
            }
        };
        Hit { account, ..hit }
    }

    /// A match of a rule's expression, once its surroundings and its checks have had their say.
    fn content(
        &self,
        scan: &Scan<'_>,
        index: RuleIndex,
        content: &Content,
        found: &crate::rules::expression::Match,
    ) -> Option<Hit> {
        let rule = self.catalogue.rule(index);
        let secret = scan.text.get(found.secret.clone()).filter(|s| !s.is_empty())?;
        let decoded = if content.base64 { Some(decoded(secret)?) } else { None };
        let checked = match decoded.as_deref() {
            Some(decoded) => decoded.into(),
            None => meant(scan.text.get(found.check.clone())?, scan.format),
        };
        if !stands_alone(scan.text, &found.whole, content.boundary) {
            return None;
        }
        let part = self.compiled.part(index);
        let why =
            if part.is_test(secret) { Why::default() } else { Self::random_enough(content.min_entropy, &checked)? };
        let verdict = part.verdict(&Subject { value: &checked, at: scan.at }, secret)?;
        if part.allowed.iter().any(|allowed| allowed.covers(scan.text, found)) {
            return None;
        }
        let near = before::name(scan.text, found.secret.start, scan.format);
        if !content.names.is_empty() {
            let local = near
                .as_ref()
                .and_then(|near| scan.text.get(near.name.clone()).map(|name| self.meaning(name, near.reading)));
            let roles = local.as_ref().into_iter().chain(scan.outer.map(|outer| outer.roles));
            if !roles.into_iter().any(|roles| roles.contains(&Role::For(index))) {
                return None;
            }
        }
        let name = near.filter(|near| near.reading == Reading::Key).and_then(|near| shown(scan.text, near.name));
        if scan.format == Format::Html && name.as_ref().is_some_and(|name| self.is_example(name)) {
            return None;
        }
        let whole = scan.text.get(found.whole.clone()).unwrap_or_default();
        let extent = document::extent(scan.text, &found.whole, &found.secret);
        let published = document::published(scan) && content.prose_confidence.is_some();
        // Whom a script names are its authors, and what looks like an address may be none.
        let script = scan.format == Format::Script && rule.category() == "contact";
        let prose = published
            && scan.cell(extent.start).is_none()
            && (script || document::prose(scan.text, &extent, scan.format));
        let most = content.prose_confidence.filter(|_| prose);
        // A page speaks of passwords: the word itself stands where one goes.
        if most.is_some() && self.is_word(&checked) {
            return None;
        }
        // Manuals have hosts that nobody can have, and passwords as short as `xyz`.
        let example = published
            && whole.contains(&b'@')
            && rule.category() != "contact"
            && (checked.len() < 4 || prose && document::host(whole).is_some_and(reserved));
        let plain = match decoded {
            Some(decoded) => decoded.into(),
            None => meant(secret, scan.format),
        };
        Some(Hit {
            rule: index,
            range: found.secret.clone(),
            value: (*plain != *secret).then(|| plain.into_owned()),
            name,
            severity: verdict.at_most(rule.severity),
            confidence: verdict.confidence.unwrap_or(rule.confidence).min(most.unwrap_or(Confidence::High)),
            note: verdict.note,
            why: why
                .join(verdict.facts)
                .and(Fact::Expression)
                .and_if(content.base64, Fact::Base64)
                .and_if(!content.names.is_empty(), Fact::Named),
            account: None,
        })
        .map(|hit| if example { hit.for_example() } else { hit })
    }

    /// Whether a value is a word that names such values, in some language.
    fn is_word(&self, value: &[u8]) -> bool {
        !value.iter().any(u8::is_ascii_digit)
            && std::str::from_utf8(value)
                .is_ok_and(|word| word.len() < 40 && !self.compiled.names.resolve(word, Reading::Key).is_empty())
    }

    fn is_example(&self, name: &str) -> bool {
        !self.compiled.examples.resolve(name, Reading::Key).is_empty()
    }

    /// Keys of JSON with letters that are escaped though they need not be: no literal leads to them.
    pub(super) fn escaped_keys(&self, scan: &Scan<'_>, scratch: &mut Scratch) {
        if scan.format != Format::Json {
            return;
        }
        let letter = |n: &usize| matches!(at(scan.text, n + 4), b'4'..=b'7');
        let mut done = 0;
        for n in memchr::memmem::find_iter(scan.text, b"\\u00").filter(letter).take(ESCAPED) {
            if n >= done
                && let Some(pair) = label::key(scan.text, n..n + 6, scan.format)
            {
                done = pair.value.end;
                let _ = self.pair(scan, pair, false, scratch);
            }
        }
    }

    /// Part of a name: its value, if it has one here.
    fn anchor(&self, scan: &Scan<'_>, hit: Range<usize>, scratch: &mut Scratch) {
        if hit.start < scratch.names_done {
            return;
        }
        scratch.names_done = forward(scan.text, hit.end, 48, identifier);
        let near = after::value(scan.text, hit.clone(), scan.format);
        let found = near.is_some_and(|pair| self.pair(scan, pair, false, scratch));
        let mut pair = if found { None } else { label::value(scan.text, hit, scan.format) };
        for _ in 0..LISTED {
            let Some(named) = pair.take() else { break };
            pair = label::next(scan.text, &named);
            if !self.pair(scan, named, true, scratch) {
                break;
            }
        }
    }

    /// Whether rules make something of a name with its value. What servers call a password in several words
    /// are the texts of a program, in this language or that.
    fn pair(&self, scan: &Scan<'_>, pair: after::Pair, words: bool, scratch: &mut Scratch) -> bool {
        if pair.value.end <= scan.seen {
            return true;
        }
        let Some(name) = scan.text.get(pair.name.clone()) else { return false };
        let roles = self.meaning(name, Reading::Key);
        if roles.is_empty() {
            return false;
        }
        let pair = match variable(scan.text, &pair) {
            Some(value) => after::Pair { value, delimited: true, place: Place::Json, ..pair },
            None => pair,
        };
        let Some(raw) = scan.text.get(pair.value.clone()) else { return false };
        // A variable whose value is elsewhere.
        if scan.format == Format::Json
            && at(scan.text, pair.name.end) == b':'
            && raw.strip_prefix(b"$").is_some_and(|name| name.iter().all(|b| identifier(*b)))
        {
            return true;
        }
        let value = escapes::decoded(raw, pair.place, scan.format);
        // A string of JSON may hold a page or a line of a log, or describe something.
        let in_sentence = scan.format == Format::Json && !matches!(at(scan.text, pair.name.end), b'"' | b'\\');
        let format = match in_sentence {
            true if document::published(scan) => Format::Html,
            true => Format::Plain,
            false => scan.format,
        };
        let situation =
            Situation { direction: scan.direction, format: Some(format), place: pair.place, delimited: pair.delimited };
        let at = NamedAt { situation, protocol: scan.protocol, at: scan.at };
        // A sentence may end behind its value.
        let ended = || value.strip_suffix(b".").filter(|_| !pair.delimited);
        let found = self.named(&roles, &value, &at).or_else(|| self.named(&roles, ended()?, &at));
        // `x-api-key: x accepted`
        let first = || value.split(u8::is_ascii_whitespace).next().filter(|word| word.len() < value.len());
        let word = || first().filter(|word| scan.format == Format::Plain && setting::telling(word, false));
        let found = found.or_else(|| {
            let at = NamedAt { situation: Situation { delimited: false, ..situation }, ..at };
            self.named(&roles, word()?, &at)
        });
        let Some(found) = found else { return false };
        if words && scan.direction == Direction::ToClient && self.is_credential(found.rule) {
            return false;
        }
        let secret = value.get(found.range.clone()).unwrap_or_default();
        let value = (secret != raw).then(|| secret.to_vec());
        let beside = Beside { value: pair.value.clone(), name, place: pair.place, format: scan.format };
        let account = self.account_of(scan.text, found.rule, &beside, scratch);
        scratch.keep(Hit { range: pair.value, value, name: shown(scan.text, pair.name), account, ..found });
        true
    }
}

/// A value as it was meant: without the escapes of JSON (the line ends of a key) and of pages.
fn meant(raw: &[u8], format: Format) -> Cow<'_, [u8]> {
    match format {
        // A URL in a log.
        Format::Plain if memchr::memmem::find(raw, b"%40").is_some() => percent::decode(raw, Plus::Plus),
        Format::Json => escapes::decoded(raw, Place::Json, format),
        Format::Html | Format::Xml => escapes::decoded(raw, Place::Xml, format),
        _ => raw.into(),
    }
}

/// What SASL's PLAIN mechanism sends as a name and a password (RFC 4616): an identity to act for, the account and
/// the password, each behind a byte of zero but the first.
fn login(value: Vec<u8>) -> Vec<u8> {
    match value.split(|byte| *byte == 0).collect::<Vec<_>>().as_slice() {
        [_, account, password] => [*account, password].join(&b':'),
        _ => value,
    }
}

/// What readable text in base64 says, perhaps in lines.
pub(super) fn decoded(secret: &[u8]) -> Option<Vec<u8>> {
    let packed: Vec<u8> = secret.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
    let value = login(base64::decode(&packed)?);
    let text = std::str::from_utf8(&value).ok()?;
    let control = |c: char| c.is_control() && !c.is_ascii_whitespace();
    (!text.is_empty() && !text.contains(control)).then_some(value)
}

/// The value of the variable that stands for a value: `login(password:$p)` … `"variables":{"p":"x"}`, on either
/// side of the query.
fn variable(text: &[u8], pair: &after::Pair) -> Option<Range<usize>> {
    let name = text.get(pair.value.clone())?.strip_prefix(b"$")?;
    let from = pair.value.start.saturating_sub(VARIABLES);
    let near = text.get(from..text.len().min(pair.value.end + VARIABLES))?;
    let variables = from + memchr::memmem::find(near, b"\"variables\"")?;
    let key = [b"\"", name, b"\""].concat();
    let rest = text.get(variables..text.len().min(variables + VARIABLES))?;
    let found = variables + memchr::memmem::find(rest, &key)?;
    after::value(text, found + 1..found + 1 + name.len(), Format::Json).map(|pair| pair.value)
}

/// Whether the `@` at an offset ends the user's part of a URL, or of another address than one of mail.
fn in_url(text: &[u8], offset: usize) -> bool {
    const SCHEMES: &[&[u8]] = &[b"sip", b"sips", b"xmpp", b"h323", b"pres"];
    let start = backward(text, offset, 128, |b| b.is_ascii_graphic() && !matches!(b, b'"' | b'<' | b'>' | b','));
    let before = text.get(start..offset).unwrap_or_default();
    let user = before.iter().rposition(|b| *b == b':');
    let scheme = user.and_then(|colon| before.get(..colon)?.rsplit(|b| !b.is_ascii_alphanumeric()).next());
    memchr::memmem::find(before, b"://").is_some()
        || scheme.is_some_and(|own| SCHEMES.iter().any(|scheme| own.eq_ignore_ascii_case(scheme)))
}

/// A name as a field path may show it; labels of several words are left out.
pub(super) fn shown(text: &[u8], name: Range<usize>) -> Option<String> {
    let name = std::str::from_utf8(text.get(name)?).ok()?.trim();
    let name = name.rsplit(' ').next().unwrap_or(name);
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '[' | ']' | '$');
    (!name.is_empty() && name.len() <= 64 && name.chars().all(plain)).then(|| name.to_owned())
}

/// Whether a match is not a part of something longer.
pub(super) fn stands_alone(text: &[u8], range: &Range<usize>, boundary: Boundary) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let (left, right) = (prior(text, range.start), at(text, range.end));
    let first = at(text, range.start);
    let left_open = !word(left) || !word(first) || after_escape(text, range.start);
    match boundary {
        Boundary::None => true,
        Boundary::Token => {
            left_open && left != b'-' && !word(right) && !(right == b'-' && word(at(text, range.end + 1)))
        }
        Boundary::Number => {
            let continued = matches!(right, b'.' | b'-') && word(at(text, range.end + 1));
            left_open && !matches!(left, b'-' | b'.' | b'$' | b'#') && !word(right) && !continued
        }
    }
}
