//! Regular expressions over bytes, compiled when they are first needed.

use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};

/// Bytes of a compiled expression: more than any sane rule needs.
const SIZE: usize = 32 << 20;

/// An expression. Its group `secret`, if it has one, is the part of a match that is reported; its group
/// `user` is the account the secret belongs to, its group `check` the part that validators look at.
pub(super) struct Expression {
    pattern: String,
    /// `None` when it was too large.
    compiled: OnceLock<Option<Compiled>>,
}

#[derive(Clone)]
struct Compiled {
    regex: Regex,
    secret: usize,
    user: usize,
    check: usize,
}

/// A match and the part of it that is reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) whole: Range<usize>,
    pub(super) secret: Range<usize>,
    pub(super) user: Option<Range<usize>>,
    pub(super) check: Range<usize>,
}

impl Expression {
    /// Checks the syntax; compiling waits for the first use.
    pub(super) fn new(pattern: &str) -> Result<Self, String> {
        syntax::parse_with(pattern, &options()).map_err(|e| format!("regex: {e}"))?;
        Ok(Self { pattern: pattern.to_owned(), compiled: OnceLock::new() })
    }

    /// The longest match of an expression in bytes; `None` where there is no limit.
    pub(super) fn longest(pattern: &str) -> Option<usize> {
        syntax::parse_with(pattern, &options()).ok()?.properties().maximum_len()
    }

    /// Compiles it now.
    pub(super) fn compile(&self) -> Result<(), String> {
        match self.get() {
            Some(compiled) if compiled.regex.is_match(Input::new(b"").anchored(Anchored::No)) => {
                Err("regex: matches nothing at all".to_owned())
            }
            Some(_) => Ok(()),
            None => Err("regex: too large".to_owned()),
        }
    }

    /// The first match inside `span`; what is around it counts as context for `\b`, `^` and `$`.
    pub(super) fn find(&self, text: &[u8], span: Range<usize>) -> Option<Match> {
        self.search(Input::new(text).span(span))
    }

    /// The match that begins where `span` does.
    pub(super) fn begins(&self, text: &[u8], span: Range<usize>) -> Option<Match> {
        self.search(Input::new(text).span(span).anchored(Anchored::Yes))
    }

    /// The match of all of `text`.
    pub(super) fn fits(&self, text: &[u8]) -> Option<Match> {
        self.search(Input::new(text).anchored(Anchored::Yes)).filter(|m| m.whole.end == text.len())
    }

    fn search(&self, input: Input<'_>) -> Option<Match> {
        let compiled = self.get()?;
        if compiled.secret == 0 && compiled.user == 0 && compiled.check == 0 {
            let found = compiled.regex.search(&input)?.range();
            return Some(Match { whole: found.clone(), secret: found.clone(), user: None, check: found });
        }
        let mut captures = compiled.regex.create_captures();
        compiled.regex.search_captures(&input, &mut captures);
        let whole = captures.get_match()?.range();
        let group = |index: usize| captures.get_group(index).filter(|_| index != 0).map(|group| group.range());
        let secret = group(compiled.secret).unwrap_or_else(|| whole.clone());
        let check = group(compiled.check).unwrap_or_else(|| secret.clone());
        Some(Match { whole, secret, user: group(compiled.user), check })
    }

    fn get(&self) -> Option<&Compiled> {
        let compile = || {
            let config = Regex::config().utf8_empty(false).nfa_size_limit(Some(SIZE)).onepass_size_limit(Some(SIZE));
            let regex = Regex::builder().configure(config).syntax(options()).build(&self.pattern).ok()?;
            let group = |name| regex.group_info().to_index(regex_automata::PatternID::ZERO, name).unwrap_or(0);
            let (secret, user, check) = (group("secret"), group("user"), group("check"));
            Some(Compiled { regex, secret, user, check })
        };
        self.compiled.get_or_init(compile).as_ref()
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.pattern)
    }
}

/// Bytes, not characters: `.` and classes are of one byte, `(?i)` and `\b` of ASCII.
fn options() -> syntax::Config {
    syntax::Config::new().unicode(false).utf8(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_keeps_its_context() {
        let expression = Expression::new(r"\bab(?P<secret>c+)$").unwrap();
        assert_eq!(expression.find(b"xabcc", 1..5), None);
        let found = expression.find(b"x abcc", 1..6).unwrap();
        assert_eq!((found.whole, found.secret), (2..6, 4..6));
        assert!(Expression::new("(").is_err());
    }
}
