//! What a rule for text leaves alone.

use std::ops::Range;

use super::expression::{Expression, Match};
use super::schema::{Allow, AllowTarget};

/// Bytes of a line that are looked at, before a match and after it.
const LINE: usize = 512;

/// An [`Allow`] with its expressions.
#[derive(Debug)]
pub(super) struct Allowed {
    target: AllowTarget,
    expressions: Vec<Expression>,
    words: Vec<Vec<u8>>,
    all: bool,
}

impl Allowed {
    pub(super) fn new(allow: &Allow) -> Result<Self, String> {
        if allow.regexes.is_empty() && allow.words.is_empty() {
            return Err("an entry of `allow` has neither regexes nor words".to_owned());
        }
        Ok(Self {
            target: allow.target,
            expressions: allow.regexes.iter().map(|p| Expression::new(p)).collect::<Result<_, _>>()?,
            words: allow.words.iter().map(|word| word.to_ascii_lowercase().into_bytes()).collect(),
            all: allow.all,
        })
    }

    /// Whether a match is left alone.
    pub(super) fn covers(&self, text: &[u8], found: &Match) -> bool {
        let range = match self.target {
            AllowTarget::Secret => found.secret.clone(),
            AllowTarget::Match => found.whole.clone(),
            AllowTarget::Line => line(text, &found.whole),
        };
        let Some(part) = text.get(range) else { return false };
        let fits = || self.expressions.iter().any(|e| e.find(part, 0..part.len()).is_some());
        let holds = || {
            let lower = part.to_ascii_lowercase();
            self.words.iter().any(|word| memchr::memmem::find(&lower, word).is_some())
        };
        if self.all {
            (self.expressions.is_empty() || fits()) && (self.words.is_empty() || holds())
        } else {
            !self.words.is_empty() && holds() || fits()
        }
    }
}

fn line(text: &[u8], found: &Range<usize>) -> Range<usize> {
    let first = found.start.saturating_sub(LINE);
    let before = text.get(first..found.start).unwrap_or_default();
    let start = memchr::memrchr(b'\n', before).map_or(first, |at| first + at + 1);
    let last = text.len().min(found.end + LINE);
    let after = text.get(found.end..last).unwrap_or_default();
    start..memchr::memchr(b'\n', after).map_or(last, |at| found.end + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_match_is_left_alone_by_its_words_its_expressions_or_its_line() {
        let text = b"one\nkey = abcdef # sample\nkey = abcdef";
        let found = Match { whole: 4..16, secret: 10..16, user: None, check: 10..16 };
        let covers = |target, regexes: &[&str], words: &[&str], all| {
            let list = |items: &[&str]| items.iter().map(|s| (*s).to_owned()).collect();
            Allowed::new(&Allow { target, regexes: list(regexes), words: list(words), all })
                .unwrap()
                .covers(text, &found)
        };
        assert!(covers(AllowTarget::Secret, &["^abc"], &[], false));
        assert!(!covers(AllowTarget::Secret, &["^key"], &[], false));
        assert!(covers(AllowTarget::Match, &["^key"], &["nothing"], false));
        assert!(!covers(AllowTarget::Match, &["^key"], &["nothing"], true));
        assert!(covers(AllowTarget::Line, &[], &["SAMPLE"], false));
        assert!(!covers(AllowTarget::Match, &[], &["sample"], false));
        assert!(Allowed::new(&Allow::default()).is_err());
    }
}
