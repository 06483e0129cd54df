//! The account that a secret belongs to: the value under a telling name (`account_names` of the
//! catalogue) in the same object, element, form or block of lines. Looks at a bounded number of bytes
//! around the secret.

use std::borrow::Cow;
use std::ops::Range;

use hashbrown::HashMap;

use super::bytes::{at, backward, blank, forward, identifier, prior};
use super::{Scratch, after, escapes};
use crate::model::event::Format;
use crate::model::finding::RuleIndex;
use crate::rules::engine::Matcher;
use crate::rules::names::words;
use crate::rules::schema::Place;

/// How far from a secret its account may stand, in bytes.
const REACH: usize = 1024;

/// Lines of a configuration or a message that belong together are nearer.
const BLOCK: usize = 400;

/// Longest name of an account.
const LONGEST: usize = 128;

/// Accounts that are looked for in one text: a listing shows what it is by its first rows.
const LOOKUPS: usize = 512;

/// Names that are remembered. Traffic repeats a few hundred; a hostile sender can make as many as it
/// likes.
const REMEMBERED: usize = 4096;

/// A secret whose account is looked for.
#[derive(Clone, Debug)]
pub(super) struct Beside<'a> {
    /// Where it stands.
    pub(super) value: Range<usize>,
    /// The name it stands under; empty if it has none.
    pub(super) name: &'a [u8],
    /// What kind of name that is.
    pub(super) place: Place,
    /// What the text is written in.
    pub(super) format: Format,
}

/// How bad a candidate is: of another family of names, by the rank of its name, after the secret, far
/// from it.
type Order = (bool, u16, bool, usize);

impl Matcher {
    /// The account beside the value of a hit, if it is a credential.
    pub(super) fn account_of(
        &self,
        text: &[u8],
        rule: RuleIndex,
        beside: &Beside<'_>,
        scratch: &mut Scratch,
    ) -> Option<Vec<u8>> {
        if !self.is_credential(rule) || scratch.accounts >= LOOKUPS {
            return None;
        }
        scratch.accounts += 1;
        let ranks = &mut scratch.ranks;
        let mut of = |region: Range<usize>, flat| self.best(text, region, flat, beside, ranks);
        match (beside.place, beside.format) {
            (Place::Form | Place::Query, _) | (_, Format::Form) => of(form(text, &beside.value), true),
            (Place::Json, _) | (_, Format::Json | Format::Script) => object(text, &beside.value)
                .and_then(|own| of(own.clone(), false).or_else(|| of(around(text, &own)?, false))),
            (Place::Xml, _) | (_, Format::Xml) => {
                let tag = tag(text, &beside.value).and_then(|tag| of(tag, true));
                tag.or_else(|| of(element(text, &beside.value)?, false))
            }
            (_, Format::Html) => of(near(&beside.value, text.len()), true),
            _ => of(line(text, &beside.value), true).or_else(|| of(block(text, &beside.value), true)),
        }
    }

    /// Whether a rule's findings have an account.
    pub(super) fn is_credential(&self, rule: RuleIndex) -> bool {
        self.catalogue.rule(rule).category() == "credential"
    }

    /// The best candidate of a region. In what is not flat, only what stands as deep as the secret
    /// counts.
    fn best(
        &self,
        text: &[u8],
        region: Range<usize>,
        flat: bool,
        beside: &Beside<'_>,
        ranks: &mut HashMap<Box<[u8]>, Option<u16>>,
    ) -> Option<Vec<u8>> {
        let own = words(&String::from_utf8_lossy(beside.name));
        let family = own.first().filter(|_| own.len() > 1);
        let mut best: Option<(Order, Range<usize>, Place)> = None;
        let mut deep = Depth::new(flat, beside);
        let mut n = region.start;
        while n < region.end {
            if beside.value.contains(&n) {
                n = beside.value.end;
                continue;
            }
            let byte = at(text, n);
            if !identifier(byte) {
                deep.pass(text, n);
                n += 1;
                continue;
            }
            let run = n..forward(text, n, LONGEST, identifier).min(region.end);
            n = run.end;
            if !deep.level() {
                continue;
            }
            let name = whole(text, &run, &region);
            let Some(rank) = self.remembered(name, ranks) else { continue };
            let Some(pair) = after::value(text, run, beside.format) else { continue };
            let overlaps = pair.value.start < beside.value.end && beside.value.start < pair.value.end;
            if overlaps || pair.value.end > region.end || pair.value.is_empty() {
                continue;
            }
            let other = family.is_some_and(|family| words(&String::from_utf8_lossy(name)).first() != Some(family));
            let after = pair.value.start > beside.value.start;
            let order = (other, rank, after, pair.value.start.abs_diff(beside.value.start));
            if best.as_ref().is_none_or(|(least, ..)| order < *least) {
                best = Some((order, pair.value, pair.place));
            }
        }
        let (_, value, place) = best?;
        name(escapes::decoded(text.get(value)?, place, beside.format))
    }

    fn remembered(&self, name: &[u8], ranks: &mut HashMap<Box<[u8]>, Option<u16>>) -> Option<u16> {
        if let Some(rank) = ranks.get(name) {
            return *rank;
        }
        if ranks.len() >= REMEMBERED {
            ranks.clear();
        }
        let rank = self.compiled.accounts.rank(&String::from_utf8_lossy(name));
        ranks.insert(name.into(), rank);
        rank
    }
}

/// The name that ends with the identifier `run`: in `User Id` the word before belongs to it.
fn whole<'a>(text: &'a [u8], run: &Range<usize>, region: &Range<usize>) -> &'a [u8] {
    let space = backward(text, run.start, 1, blank);
    let start = if space < run.start { backward(text, space, 24, identifier) } else { run.start };
    text.get(start.max(region.start)..run.end).unwrap_or_default()
}

/// A value as the name of an account, if it can be one.
pub(super) fn name(value: Cow<'_, [u8]>) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(value.trim_ascii()).ok()?;
    let fine = !text.is_empty()
        && text.len() <= LONGEST
        && !text.contains(char::is_control)
        && text.split_whitespace().count() <= 3
        && !["null", "true", "false", "none", "undefined", "nil"].iter().any(|word| text.eq_ignore_ascii_case(word))
        && text.contains(char::is_alphanumeric);
    fine.then(|| text.as_bytes().to_vec())
}

/// How deep inside a region one is.
struct Depth {
    flat: bool,
    tags: bool,
    level: i32,
    /// In a tag: whether it opens an element.
    opens: Option<bool>,
}

impl Depth {
    fn new(flat: bool, beside: &Beside<'_>) -> Self {
        let tags = beside.place == Place::Xml || beside.format == Format::Xml;
        Self { flat, tags, level: 0, opens: None }
    }

    /// Whether names count here: directly in the region, not in what it contains.
    fn level(&self) -> bool {
        self.flat || (self.level == 0 && (!self.tags || self.opens.is_some()))
    }

    fn pass(&mut self, text: &[u8], n: usize) {
        match (self.tags, at(text, n)) {
            (true, b'<') if at(text, n + 1) == b'/' => self.level -= 1,
            (true, b'<') => self.opens = Some(identifier(at(text, n + 1))),
            (true, b'>') => {
                let alone = prior(text, n) == b'/';
                self.level += i32::from(self.opens.take() == Some(true) && !alone);
            }
            (false, b'{' | b'[') => self.level += 1,
            (false, b'}' | b']') => self.level -= 1,
            _ => {}
        }
    }
}

/// The inside of the brackets that a value stands in.
fn object(text: &[u8], value: &Range<usize>) -> Option<Range<usize>> {
    let mut depth = 0u32;
    let mut start = value.start.saturating_sub(REACH);
    for n in (start..value.start).rev() {
        match at(text, n) {
            b'}' | b']' => depth += 1,
            b'{' | b'[' if depth == 0 => {
                start = n + 1;
                break;
            }
            b'{' | b'[' => depth -= 1,
            _ => {}
        }
    }
    let last = text.len().min(value.end + REACH);
    depth = 0;
    for n in value.end..last {
        match at(text, n) {
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 0 => return Some(start..n),
            b'}' | b']' => depth -= 1,
            _ => {}
        }
    }
    Some(start..last)
}

/// The object that has an object as its member: `{"user":"bob","login":{"password":"x"}}`.
fn around(text: &[u8], own: &Range<usize>) -> Option<Range<usize>> {
    let open = own.start.checked_sub(1).filter(|n| at(text, *n) == b'{')?;
    let colon = backward(text, open, 8, |b| b.is_ascii_whitespace()).checked_sub(1)?;
    (at(text, colon) == b':').then(|| object(text, &(open..own.end + 1)))?
}

/// The tag that a value stands in, as an attribute.
fn tag(text: &[u8], value: &Range<usize>) -> Option<Range<usize>> {
    let start = backward(text, value.start, REACH, |b| !matches!(b, b'<' | b'>'));
    start.checked_sub(1).filter(|n| at(text, *n) == b'<')?;
    Some(start..forward(text, value.end, REACH, |b| !matches!(b, b'<' | b'>')))
}

/// The inside of the element that holds the element, or the tag, that a value stands in.
fn element(text: &[u8], value: &Range<usize>) -> Option<Range<usize>> {
    let first = value.start.saturating_sub(REACH);
    // Out of the own tag, or over the own element's opening tag.
    let own = (first..value.start).rev().find(|n| at(text, *n) == b'<' && at(text, n + 1) != b'!')?;
    let in_tag = text.get(own..value.start).is_some_and(|tag| !tag.contains(&b'>'));
    let mut depth = 0u32;
    let mut start = first;
    let mut close = own;
    for n in (first..own).rev() {
        match at(text, n) {
            b'>' => close = n,
            b'<' if at(text, n + 1) == b'/' => depth += 1,
            b'<' if !identifier(at(text, n + 1)) || prior(text, close) == b'/' => {}
            b'<' if depth == 0 => {
                start = close + 1;
                break;
            }
            b'<' => depth -= 1,
            _ => {}
        }
    }
    // The sibling elements after it: forward to the tag that closes the parent.
    let last = text.len().min(value.end + REACH);
    let mut level = i32::from(!in_tag);
    let mut n = value.end;
    while n < last {
        if at(text, n) == b'<' {
            let close = forward(text, n, REACH, |b| b != b'>');
            if at(text, n + 1) == b'/' {
                level -= 1;
                if level < 0 {
                    return Some(start..n);
                }
            } else if identifier(at(text, n + 1)) && prior(text, close) != b'/' {
                level += 1;
            }
            n = close;
        }
        n += 1;
    }
    Some(start..last)
}

/// The form that a value stands in.
fn form(text: &[u8], value: &Range<usize>) -> Range<usize> {
    let part = |b: u8| b.is_ascii_graphic() && b != b'"';
    backward(text, value.start, REACH, part)..forward(text, value.end, REACH, part)
}

/// The line that a value stands in.
fn line(text: &[u8], value: &Range<usize>) -> Range<usize> {
    let part = |b: u8| !matches!(b, b'\n' | b'\r');
    backward(text, value.start, REACH, part)..forward(text, value.end, REACH, part)
}

/// The lines around a value up to empty ones.
fn block(text: &[u8], value: &Range<usize>) -> Range<usize> {
    let near = near(value, text.len());
    let before = text.get(near.start..value.start).unwrap_or_default();
    let after = text.get(value.end..near.end).unwrap_or_default();
    let empty = [b"\n\n".as_slice(), b"\n\r\n", b"\n["];
    let start = empty.iter().filter_map(|gap| memchr::memmem::rfind(before, gap)).max().unwrap_or(0);
    let end = empty.iter().filter_map(|gap| memchr::memmem::find(after, gap)).min().unwrap_or(after.len());
    near.start + start..value.end + end
}

fn near(value: &Range<usize>, length: usize) -> Range<usize> {
    value.start.saturating_sub(BLOCK)..length.min(value.end + BLOCK)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::rules::{Catalogue, Options};

    fn matcher() -> Arc<Matcher> {
        Matcher::new(Arc::new(Catalogue::builtin().unwrap()), Options::default()).unwrap()
    }

    fn of(matcher: &Matcher, text: &str, place: Place, format: Format) -> Option<String> {
        let (rule, _) = matcher.catalogue.iter().find(|(_, rule)| rule.kind == "cred.password").unwrap();
        let start = text.find("x7").unwrap_or(text.len());
        let beside = Beside { value: start..(start + 2).min(text.len()), name: b"password", place, format };
        let found = matcher.account_of(text.as_bytes(), rule, &beside, &mut Scratch::default());
        found.map(|name| String::from_utf8(name).unwrap())
    }

    #[test]
    fn the_account_is_in_the_same_structure_and_nowhere_else() {
        let matcher = matcher();
        for (text, place, format, expected) in [
            (r#"[{"user":"a","pw":"q"},{"pw":"x7","user":"b"}]"#, Place::Json, Format::Json, Some("b")),
            (r#"[{"user":"a","pw":"q"},{"pw":"x7"}]"#, Place::Json, Format::Json, None),
            (r#"{"email":"e@x","login":"b","pw":"x7"}"#, Place::Json, Format::Json, Some("b")),
            (r#"{\"user\":\"b\",\"pw\":\"x7\"}"#, Place::Json, Format::Json, Some("b")),
            ("a=1&user=b%40c&pw=x7&x=2", Place::Form, Format::Form, Some("b@c")),
            ("<r><u><user>a</user></u><p>x7</p><user>b</user></r>", Place::Xml, Format::Xml, Some("b")),
            ("<r><u user='a'/></r><r><p>x7</p></r>", Place::Xml, Format::Xml, None),
            ("user=a pw=q\nuser=b pw=x7\n", Place::Label, Format::Plain, Some("b")),
            ("[one]\nuser=a\n[two]\npw=x7\n", Place::Label, Format::Plain, None),
            ("User Name: b\npw: x7\n", Place::Label, Format::Plain, Some("b")),
        ] {
            assert_eq!(of(&matcher, text, place, format).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn text_that_is_cut_anywhere_is_no_trouble() {
        let matcher = matcher();
        let text = "<a user='b'>{\"user\":[\"x7\"],\"login\":\"c\"}</a>user=d<![CDATA[x7]]></b>";
        for cut in 0..text.len() {
            for (place, format) in
                [(Place::Json, Format::Json), (Place::Xml, Format::Xml), (Place::Label, Format::Plain)]
            {
                let _ = (of(&matcher, &text[cut..], place, format), of(&matcher, &text[..cut], place, format));
            }
        }
    }
}
