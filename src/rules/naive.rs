//! The rules as a simple program would run them, to compare with: one expression after the other over
//! all of the text, without keywords, checks or context.

use regex_automata::Input;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;

use super::catalogue::Catalogue;
use super::schema::When;
use super::spelling::{anchors, own};

/// Bytes of a compiled expression.
const SIZE: usize = 64 << 20;

/// An expression for each rule that looks at text.
#[derive(Debug)]
pub struct Naive {
    expressions: Vec<Regex>,
}

impl Naive {
    /// Makes expressions of the rules that are switched on. What cannot be made one is left out.
    pub fn new(catalogue: &Catalogue) -> Self {
        let patterns = catalogue.iter().filter(|(_, rule)| rule.enabled).flat_map(|(_, rule)| match &rule.when {
            When::Content(content) => content.regex.as_slice().to_vec(),
            When::Field(named) if !named.anchors.is_empty() => {
                let names: Vec<String> =
                    anchors(named).chain(own(named)).map(|name| regex_syntax::escape(&name)).collect();
                let names = names.join("|");
                vec![format!(
                    r#"(?i)(?:{names})[\w-]*["']?[ \t]{{0,8}}(?:[:=>]|=>)[ \t]{{0,8}}["']?([^\s"'<&,;]{{1,256}})"#
                )]
            }
            When::Number(number) => number.forms.iter().map(|form| of_form(form)).collect(),
            _ => Vec::new(),
        });
        let compiled = |pattern: String| {
            let syntax = syntax::Config::new().unicode(false).utf8(false);
            let config = Regex::config().utf8_empty(false).nfa_size_limit(Some(SIZE));
            Regex::builder().configure(config).syntax(syntax).build(&pattern).ok()
        };
        Self { expressions: patterns.filter_map(compiled).collect() }
    }

    /// How many expressions there are.
    pub fn len(&self) -> usize {
        self.expressions.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.expressions.is_empty()
    }

    /// How many matches a text has.
    pub fn search(&self, text: &[u8]) -> usize {
        self.expressions.iter().map(|expression| expression.find_iter(Input::new(text)).count()).sum()
    }
}

/// The expression of a form of numbers. In a form of groups, a space may follow every character.
fn of_form(form: &str) -> String {
    let (form, after) = form.split_once(" by ").map_or((form, ""), |(form, _)| (form, " ?"));
    let mut pattern = String::from(r"\b");
    let mut rest = form.chars();
    while let Some(sign) = rest.next() {
        match sign {
            '9' => pattern.push_str(&format!("(?:[0-9]{after})")),
            'A' => pattern.push_str(&format!("(?:[A-Z]{after})")),
            'X' => pattern.push_str(&format!("(?:[0-9A-Z]{after})")),
            '~' => pattern.push_str("[ .-]?"),
            '!' => pattern.extend(rest.next()),
            // A repetition is written the same way.
            '{' => {
                pattern.push('{');
                pattern.extend(rest.by_ref().take_while(|c| *c != '}'));
                pattern.push('}');
            }
            other => pattern.push_str(&regex_syntax::escape(&other.to_string())),
        }
    }
    pattern + r"\b"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_that_looks_at_text_has_its_expressions() {
        let catalogue = Catalogue::builtin().unwrap();
        let naive = Naive::new(&catalogue);
        assert!(naive.len() > catalogue.len() / 2, "{} of {}", naive.len(), catalogue.len());
        for text in ["ssn 536-90-4399", "\"password\": \"hunter2\"", "4111 1111 1111 1111"] {
            assert!(naive.search(text.as_bytes()) > 0, "{text}");
        }
    }
}
