//! The `filter` of Betterleaks: an expression that is true of what is to be discarded.

/// What of a finding a condition looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Secret,
    Match,
    Line,
}

impl Target {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Line => "line",
            Self::Match => "match",
            Self::Secret => "secret",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Secret, Self::Match, Self::Line].into_iter().find(|target| target.name() == name)
    }
}

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Filter {
    Any(Vec<Self>),
    All(Vec<Self>),
    /// The secret's entropy is not above this.
    Entropy(f64),
    Contains(Target, Vec<String>),
    Matches(Target, Vec<String>),
    /// Something that has no meaning here, in its own words.
    Unknown(String),
}

/// Reads a filter. What is not understood becomes [`Filter::Unknown`].
pub(super) fn parse(text: &str) -> Filter {
    let mut reader = Reader { rest: text };
    let filter = reader.any();
    if reader.rest.trim().is_empty() { filter } else { Filter::Unknown(text.trim().to_owned()) }
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn eat(&mut self, sign: &str) -> bool {
        let rest = self.rest.trim_start();
        match rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn any(&mut self) -> Filter {
        let mut branches = vec![self.all()];
        while self.eat("||") {
            branches.push(self.all());
        }
        one_or(branches, Filter::Any)
    }

    fn all(&mut self) -> Filter {
        let mut branches = vec![self.term()];
        while self.eat("&&") {
            branches.push(self.term());
        }
        one_or(branches, Filter::All)
    }

    fn term(&mut self) -> Filter {
        if self.eat("(") {
            let inner = self.any();
            return if self.eat(")") { inner } else { self.unknown(self.rest) };
        }
        let begun = self.rest;
        self.call().unwrap_or_else(|| {
            self.rest = begun;
            self.unknown(begun)
        })
    }

    /// `entropy(finding["secret"]) <= 3.5`, `containsAny(finding["match"], ["a"])`, `matchesAny(…)`.
    fn call(&mut self) -> Option<Filter> {
        self.rest = self.rest.trim_start();
        let name: &str = self.rest.get(..self.rest.find('(')?)?;
        let function = name.trim().strip_prefix("filter.").unwrap_or(name.trim());
        self.rest = self.rest.get(name.len() + 1..)?;
        let target = self.target()?;
        if function == "entropy" {
            let closed = self.eat(")") && (self.eat("<=") || self.eat("<"));
            let rest = self.rest.trim_start();
            let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            let (number, rest) = rest.split_at_checked(end)?;
            let limit = number.parse().ok().filter(|_| closed && target == Target::Secret)?;
            self.rest = rest;
            return Some(Filter::Entropy(limit));
        }
        let list = if self.eat(",") { self.list()? } else { return None };
        match function {
            _ if !self.eat(")") => None,
            "containsAny" => Some(Filter::Contains(target, list)),
            "matchesAny" => Some(Filter::Matches(target, list)),
            _ => None,
        }
    }

    /// `finding["secret"]`.
    fn target(&mut self) -> Option<Target> {
        (self.eat("finding") && self.eat("[")).then_some(())?;
        let name = self.string()?;
        Target::named(&name).filter(|_| self.eat("]"))
    }

    fn list(&mut self) -> Option<Vec<String>> {
        let mut list = Vec::new();
        self.eat("[").then_some(())?;
        while !self.eat("]") {
            list.push(self.string()?);
            self.eat(",");
        }
        Some(list)
    }

    /// `"…"` and `'…'` with escapes, `` `…` `` and `r"…"` without.
    fn string(&mut self) -> Option<String> {
        for (open, close) in [("r\"\"\"", "\"\"\""), ("r'''", "'''"), ("r\"", "\""), ("r'", "'"), ("`", "`")] {
            if self.eat(open) {
                let (text, rest) = self.rest.split_once(close)?;
                self.rest = rest;
                return Some(text.to_owned());
            }
        }
        let close = ['"', '\''].into_iter().find(|quote| self.eat(quote.encode_utf8(&mut [0; 4])))?;
        let mut text = String::new();
        let mut letters = self.rest.char_indices();
        while let Some((at, letter)) = letters.next() {
            match letter {
                _ if letter == close => {
                    self.rest = self.rest.get(at + 1..)?;
                    return Some(text);
                }
                '\\' => match letters.next()?.1 {
                    'n' => text.push('\n'),
                    'r' => text.push('\r'),
                    't' => text.push('\t'),
                    other => text.push(other),
                },
                _ => text.push(letter),
            }
        }
        None
    }

    /// Passes over what is not understood, up to the next operator outside of brackets and strings.
    fn unknown(&mut self, begun: &'a str) -> Filter {
        let mut depth = 0_usize;
        loop {
            self.rest = self.rest.trim_start();
            if self.rest.starts_with(['"', '\'', '`']) || self.rest.starts_with("r\"") {
                if self.string().is_none() {
                    self.rest = "";
                }
                continue;
            }
            let Some(letter) = self.rest.chars().next() else { break };
            let operator = self.rest.starts_with("||") || self.rest.starts_with("&&");
            match letter {
                ')' | ']' | '}' if depth == 0 => break,
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth -= 1,
                _ if operator && depth == 0 => break,
                _ => {}
            }
            self.rest = self.rest.get(letter.len_utf8()..).unwrap_or_default();
        }
        let length = begun.len() - self.rest.len();
        Filter::Unknown(begun.get(..length).unwrap_or_default().trim().to_owned())
    }
}

fn one_or(mut branches: Vec<Filter>, many: fn(Vec<Filter>) -> Filter) -> Filter {
    match branches.pop() {
        Some(only) if branches.is_empty() => only,
        last => {
            branches.extend(last);
            many(branches)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read_and_the_rest_is_kept_in_its_own_words() {
        let filter = parse(
            "filter.entropy(finding[\"secret\"]) <= 3.5\n|| (matchesAny(finding[\"match\"], [\n  `^a|b$`,\n  r\"\"\"c\"d\"\"\"\n]) && \
             containsAny(finding[\"secret\"], [\"x\\\"y\", 'z']))\n|| tokenRatio(finding[\"secret\"], \"(\") < 0.4",
        );
        let strings = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        let expected = Filter::Any(vec![
            Filter::Entropy(3.5),
            Filter::All(vec![
                Filter::Matches(Target::Match, strings(&["^a|b$", "c\"d"])),
                Filter::Contains(Target::Secret, strings(&["x\"y", "z"])),
            ]),
            Filter::Unknown("tokenRatio(finding[\"secret\"], \"(\") < 0.4".to_owned()),
        ]);
        assert_eq!(filter, expected);
    }

    #[test]
    fn text_that_is_no_filter_ends() {
        for text in ["", "(", ")", "a || ", "x(\"", "entropy(finding[", "&& && ||", "((((", "}"] {
            let _ = parse(text);
        }
    }
}
