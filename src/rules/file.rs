//! A file of rules, read so that whatever is wrong in it is told with its place.

use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::error::{Place, RuleError};
use super::schema::{COMMON, Mask, Origin, Rule, When, category};
use super::spelling::OWN;
use crate::model::finding::{Confidence, Severity};

/// What a file says.
#[derive(Debug, Default)]
pub(super) struct File {
    pub(super) entries: Vec<Entry>,
    pub(super) ignored: Vec<String>,
    pub(super) accounts: Vec<String>,
    pub(super) examples: Vec<String>,
}

/// One `[[rule]]`.
#[derive(Debug)]
pub(super) enum Entry {
    /// A rule of its own.
    Rule(Box<Rule>),
    /// Changes to an earlier rule: it has an `id`, and no `on`.
    Change(Box<Change>, Place),
}

/// What may be changed of an earlier rule.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    pub(super) id: String,
    enabled: Option<bool>,
    severity: Option<Severity>,
    accepted_severity: Option<Severity>,
    rejected_severity: Option<Severity>,
    confidence: Option<Confidence>,
    fix: Option<String>,
    mask: Option<Mask>,
    rank: Option<u8>,
    /// Come to those the rule has.
    #[serde(default)]
    test_values: Vec<String>,
}

impl Change {
    pub(super) fn apply(self, rule: &mut Rule) {
        rule.enabled = self.enabled.unwrap_or(rule.enabled);
        rule.severity = self.severity.unwrap_or(rule.severity);
        rule.accepted_severity = self.accepted_severity.or(rule.accepted_severity);
        rule.rejected_severity = self.rejected_severity.or(rule.rejected_severity);
        rule.confidence = self.confidence.unwrap_or(rule.confidence);
        rule.mask = self.mask.unwrap_or(rule.mask);
        rule.rank = self.rank.or(rule.rank);
        if let Some(fix) = self.fix {
            rule.fix = fix;
        }
        rule.test_values.extend(self.test_values);
    }
}

/// Reads the text of a file; `name` is told in errors.
pub(super) fn parse(name: &str, text: &str) -> Result<File, RuleError> {
    Reader { name: name.into(), text }.file()
}

struct Reader<'a> {
    name: Arc<str>,
    text: &'a str,
}

impl<'a> Reader<'a> {
    fn file(&self) -> Result<File, RuleError> {
        let mut document = DeTable::parse(self.text).map_err(|e| self.syntax(&e, 0..0))?.into_inner();
        let rules = document.remove("rule");
        let mut file = File {
            ignored: self.names(&mut document, "ignored_names")?,
            accounts: self.names(&mut document, "account_names")?,
            examples: self.names(&mut document, "example_names")?,
            ..File::default()
        };
        let defaults = match document.remove("defaults") {
            None => DeTable::new(),
            Some(defaults) => match (defaults.span(), defaults.into_inner()) {
                (_, DeValue::Table(defaults)) => defaults,
                (span, _) => return Err(self.wrong(span.start, "`defaults` is a table")),
            },
        };
        if let Some(key) = document.keys().next() {
            let said = format!("unknown key `{}`; rules are written as [[rule]]", key.get_ref());
            return Err(self.wrong(key.span().start, said));
        }
        let Some(rules) = rules else { return Ok(file) };
        let span = rules.span();
        let DeValue::Array(rules) = rules.into_inner() else {
            return Err(self.wrong(span.start, "rules are written as [[rule]]"));
        };
        for rule in rules {
            let span = rule.span();
            let DeValue::Table(table) = rule.into_inner() else {
                return Err(self.wrong(span.start, "rules are written as [[rule]]"));
            };
            file.entries.push(self.entry(table, &defaults, span)?);
        }
        Ok(file)
    }

    fn names(&self, document: &mut DeTable<'a>, key: &str) -> Result<Vec<String>, RuleError> {
        let Some(value) = document.remove(key) else { return Ok(Vec::new()) };
        let span = value.span();
        Vec::deserialize(ValueDeserializer::from(value)).map_err(|e| self.syntax(&e, span))
    }

    fn entry(&self, mut table: DeTable<'a>, defaults: &DeTable<'a>, span: Range<usize>) -> Result<Entry, RuleError> {
        let id = table.get("id").and_then(|id| id.get_ref().as_str()).unwrap_or("?").to_owned();
        let wrong = |at: usize, reason: String| RuleError::Rule { at: self.place(at), id: id.clone(), reason };
        let Some(on) = table.remove("on").or_else(|| defaults.get("on").cloned()) else {
            let change: Change = self.table(table, &span, &wrong)?;
            return Ok(Entry::Change(Box::new(change), self.place(span.start)));
        };
        for (key, default) in defaults {
            if key.get_ref() != "on" && !table.contains_key(key.get_ref().as_ref()) {
                table.insert(key.clone(), default.clone());
            }
        }
        let (common, own): (DeTable<'a>, DeTable<'a>) =
            table.into_iter().partition(|(key, _)| COMMON.contains(&key.get_ref().as_ref()));
        let mut rule: Rule = self.table(common, &span, &wrong)?;
        rule.when = match on.get_ref().as_str() {
            Some("bulk") => When::Bulk(self.table(own, &span, &wrong)?),
            Some("content") => When::Content(self.table(own, &span, &wrong)?),
            Some("field") => When::Field(self.table(own, &span, &wrong)?),
            Some("known") => When::Known(self.table(own, &span, &wrong)?),
            Some("login") => When::Login(self.table(own, &span, &wrong)?),
            Some("number") => When::Number(self.table(own, &span, &wrong)?),
            Some("weakness") => When::Weakness(self.table(own, &span, &wrong)?),
            _ => {
                let said = "`on` must be bulk, content, field, known, login, number or weakness";
                return Err(wrong(on.span().start, said.to_owned()));
            }
        };
        let place = self.place(span.start);
        rule.origin = Origin { file: Arc::clone(&self.name), line: place.line };
        validate(&rule).map_err(|reason| wrong(span.start, reason))?;
        Ok(Entry::Rule(Box::new(rule)))
    }

    fn table<T: DeserializeOwned>(
        &self,
        table: DeTable<'a>,
        span: &Range<usize>,
        wrong: &dyn Fn(usize, String) -> RuleError,
    ) -> Result<T, RuleError> {
        let value = Spanned::new(span.clone(), DeValue::Table(table));
        T::deserialize(ValueDeserializer::from(value))
            .map_err(|e| wrong(e.span().map_or(span.start, |span| span.start), e.message().to_owned()))
    }

    fn syntax(&self, error: &toml::de::Error, span: Range<usize>) -> RuleError {
        self.wrong(error.span().unwrap_or(span).start, error.message())
    }

    fn wrong(&self, at: usize, reason: impl Into<String>) -> RuleError {
        RuleError::Syntax { at: self.place(at), reason: reason.into() }
    }

    fn place(&self, at: usize) -> Place {
        let before = self.text.get(..at).unwrap_or_default();
        let line = memchr::memchr_iter(b'\n', before.as_bytes()).count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Place { file: Arc::clone(&self.name), line, column }
    }
}

/// What the types do not say. Expressions, validators and forms are checked when they are compiled.
fn validate(rule: &Rule) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_' | '+');
    if rule.id.is_empty() || !rule.id.chars().all(plain) {
        return Err("an id is made of a-z, 0-9, `.`, `-`, `_` and `+`".to_owned());
    }
    if category(&rule.kind).is_none() {
        return Err(format!("`{}` is of no known family of kinds", rule.kind));
    }
    if rule.title.is_empty() || rule.description.is_empty() || rule.fix.is_empty() {
        return Err("title, description and fix must say something".to_owned());
    }
    match &rule.when {
        When::Bulk(b) if b.of.is_empty() || b.what.is_empty() => Err("no kinds, or no name for them".to_owned()),
        When::Bulk(b) if b.least < 2 => Err("fewer than two are no bulk".to_owned()),
        When::Content(c) if c.regex.as_slice().is_empty() => Err("no regex".to_owned()),
        When::Content(c) if c.keywords.is_empty() => Err("no keywords".to_owned()),
        When::Content(c) if c.keywords.iter().any(|k| !telling(k)) => {
            Err("a keyword must have 4 bytes, or 3 with a sign among them, or be `@`".to_owned())
        }
        When::Field(n) if n.names.is_empty() => Err("no names".to_owned()),
        When::Field(n) if n.anchors.iter().any(|k| k.len() < 3 && k != OWN) => {
            Err("an anchor under 3 bytes".to_owned())
        }
        When::Number(n) if n.forms.is_empty() => Err("no forms".to_owned()),
        When::Weakness(w) if w.weakness.is_empty() => Err("no weakness".to_owned()),
        _ => Ok(()),
    }
}

/// Whether a keyword is rare enough to look at each of its occurrences.
pub(super) fn telling(keyword: &str) -> bool {
    keyword.len() >= 4 || keyword == "@" || (keyword.len() == 3 && keyword.bytes().any(|b| b.is_ascii_punctuation()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        parse("mine.toml", text).unwrap_err().to_string()
    }

    #[test]
    fn a_mistake_is_told_with_its_file_line_column_and_rule() {
        let rule = "[[rule]]\nid = \"a.b\"\ntitle = \"A\"\nkind = \"secret.a\"\nseverity = \"high\"\n\
                    description = \"A.\"\nfix = \"A.\"\non = \"content\"\nkeywords = [\"abcd\"]\nregex = 'abcd'\n";
        assert!(parse("mine.toml", rule).is_ok());
        assert_eq!(error("a = = 1").split(": ").next(), Some("mine.toml:1:5"));
        let said = error(&rule.replace("\"high\"", "\"hihg\""));
        assert!(said.starts_with("mine.toml:5:12: rule `a.b`: unknown variant `hihg`"), "{said}");
        let said = error(&rule.replace("regex =", "regx ="));
        assert!(said.starts_with("mine.toml:10:1: rule `a.b`: unknown field `regx`"), "{said}");
        let said = error(&rule.replace("abcd\"]", "ab\"]"));
        assert!(said.starts_with("mine.toml:1:1: rule `a.b`: a keyword must have"), "{said}");
        assert_eq!(error("\n\nrules = 1"), "mine.toml:3:1: unknown key `rules`; rules are written as [[rule]]");
    }
}
