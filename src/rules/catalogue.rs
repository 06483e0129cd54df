//! The rules that are in force: the built-in ones, and those the operator adds.

use std::path::Path;

use super::error::RuleError;
use super::glob;
use super::schema::{COMMON, Rule, When, category};
use crate::model::finding::RuleIndex;

/// The built-in rules: file name and text.
const BUILTIN: &[(&str, &str)] = &[
    ("logins.toml", include_str!("../../rules/logins.toml")),
    ("fields.toml", include_str!("../../rules/fields.toml")),
    ("secrets.toml", include_str!("../../rules/secrets.toml")),
    ("finance.toml", include_str!("../../rules/finance.toml")),
    ("ids.toml", include_str!("../../rules/ids.toml")),
    ("people.toml", include_str!("../../rules/people.toml")),
    ("weaknesses.toml", include_str!("../../rules/weaknesses.toml")),
];

/// Rules, parsed and validated. A rule's [`RuleIndex`] is its place.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    rules: Vec<Rule>,
    ignored: Vec<String>,
    accounts: Vec<String>,
    examples: Vec<String>,
}

impl Catalogue {
    /// The rules that come with the program.
    pub fn builtin() -> Result<Self, RuleError> {
        let mut catalogue = Self::default();
        for (file, text) in BUILTIN {
            catalogue.add(file, text)?;
        }
        Ok(catalogue)
    }

    /// Adds the rules of a `.toml` file, or of all such files of a folder (by name). A rule with the
    /// id of an earlier one takes its place.
    pub fn load(&mut self, path: &Path) -> Result<(), RuleError> {
        let failed = |source| RuleError::Io { path: path.to_owned(), source };
        if !path.is_dir() {
            let text = std::fs::read_to_string(path).map_err(failed)?;
            return self.add(&path.display().to_string(), &text);
        }
        let mut files = Vec::new();
        for entry in std::fs::read_dir(path).map_err(failed)? {
            let file = entry.map_err(failed)?.path();
            if file.is_dir() || file.extension().is_some_and(|e| e == "toml") {
                files.push(file);
            }
        }
        files.sort();
        files.iter().try_for_each(|file| self.load(file))
    }

    /// Adds the rules of a text; `file` names it in errors.
    pub fn add(&mut self, file: &str, text: &str) -> Result<(), RuleError> {
        let syntax = |reason: String| RuleError::Syntax { file: file.to_owned(), reason };
        let mut document: toml::Table = toml::from_str(text).map_err(|e| syntax(e.to_string()))?;
        let rules = document.remove("rule").unwrap_or_else(|| toml::Value::Array(Vec::new()));
        for (key, list) in [
            ("ignored_names", &mut self.ignored),
            ("account_names", &mut self.accounts),
            ("example_names", &mut self.examples),
        ] {
            if let Some(names) = document.remove(key) {
                let names: Vec<String> = names.try_into().map_err(|e: toml::de::Error| syntax(e.to_string()))?;
                list.extend(names);
            }
        }
        let defaults = match document.remove("defaults") {
            Some(toml::Value::Table(defaults)) => defaults,
            Some(_) => return Err(syntax("`defaults` is a table".to_owned())),
            None => toml::Table::new(),
        };
        if let Some(key) = document.keys().next() {
            return Err(syntax(format!("unknown key `{key}`; rules are written as [[rule]]")));
        }
        let toml::Value::Array(rules) = rules else {
            return Err(syntax("rules are written as [[rule]]".to_owned()));
        };
        for mut value in rules {
            if let toml::Value::Table(rule) = &mut value {
                for (key, default) in &defaults {
                    rule.entry(key.clone()).or_insert_with(|| default.clone());
                }
            }
            let id = value.get("id").and_then(toml::Value::as_str).unwrap_or("?").to_owned();
            let wrong = |reason: String| RuleError::Rule { file: file.to_owned(), id: id.clone(), reason };
            let rule = parse(value).map_err(&wrong)?;
            validate(&rule).map_err(&wrong)?;
            match self.rules.iter_mut().find(|r| r.id == rule.id) {
                Some(old) => *old = rule,
                None => self.rules.push(rule),
            }
        }
        Ok(())
    }

    /// Switches rules on and off by id or kind (globs): with `only`, just those; then without `skip`.
    pub fn select(&mut self, only: &[String], skip: &[String]) -> Result<(), RuleError> {
        let fits = |rule: &Rule, pattern: &String| glob::fits(pattern, &rule.id) || glob::fits(pattern, &rule.kind);
        if let Some(lost) = only.iter().chain(skip).find(|p| !self.rules.iter().any(|r| fits(r, p))) {
            return Err(RuleError::NoSuchRule(lost.clone()));
        }
        for rule in &mut self.rules {
            if !only.is_empty() {
                rule.enabled = only.iter().any(|p| fits(rule, p));
            }
            rule.enabled &= !skip.iter().any(|p| fits(rule, p));
        }
        Ok(())
    }

    /// The same rules in an order in which everything that `before` numbered keeps its number: findings
    /// and records that were made with it stay meaningful. A rule that is no more stays, switched off.
    #[must_use]
    pub fn succeeding(mut self, before: &Self) -> Self {
        let mut rules = Vec::with_capacity(self.rules.len());
        for old in &before.rules {
            match self.rules.iter().position(|rule| rule.id == old.id) {
                Some(at) => rules.push(self.rules.remove(at)),
                None => {
                    let mut gone = old.clone();
                    gone.enabled = false;
                    rules.push(gone);
                }
            }
        }
        rules.append(&mut self.rules);
        Self { rules, ..self }
    }

    /// The rule at a place.
    ///
    /// # Panics
    /// When the index is of another catalogue.
    #[allow(clippy::indexing_slicing, reason = "an index is made by the catalogue it belongs to")]
    pub fn rule(&self, index: RuleIndex) -> &Rule {
        &self.rules[index.0 as usize]
    }

    /// All rules with their places, switched off ones too.
    pub fn iter(&self) -> impl Iterator<Item = (RuleIndex, &Rule)> {
        (0u32..).map(RuleIndex).zip(&self.rules)
    }

    /// The rule with this id.
    pub fn find(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|r| r.id == id)
    }

    /// Names whose values are nobody's secret, though their ending says so.
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }

    /// Names whose values are accounts, the most telling first.
    pub fn accounts(&self) -> &[String] {
        &self.accounts
    }

    /// Names of attributes of HTML whose values show how to fill in a field.
    pub fn examples(&self) -> &[String] {
        &self.examples
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

fn parse(value: toml::Value) -> Result<Rule, String> {
    let toml::Value::Table(mut table) = value else { return Err("not a table".to_owned()) };
    let on = table.remove("on").ok_or("`on` is missing")?;
    let (common, own): (toml::Table, toml::Table) = table.into_iter().partition(|(k, _)| COMMON.contains(&k.as_str()));
    let mut rule: Rule = common.try_into().map_err(message)?;
    rule.when = match on.as_str() {
        Some("content") => When::Content(own.try_into().map_err(message)?),
        Some("field") => When::Field(own.try_into().map_err(message)?),
        Some("login") => When::Login(own.try_into().map_err(message)?),
        Some("number") => When::Number(own.try_into().map_err(message)?),
        Some("weakness") => When::Weakness(own.try_into().map_err(message)?),
        _ => return Err(format!("`on` must be content, field, login, number or weakness, not {on}")),
    };
    Ok(rule)
}

fn message(error: toml::de::Error) -> String {
    error.message().to_owned()
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
        When::Content(c) if c.regex.as_slice().is_empty() => Err("no regex".to_owned()),
        When::Content(c) if c.keywords.is_empty() => Err("no keywords".to_owned()),
        When::Content(c) if c.keywords.iter().any(|k| !telling(k)) => {
            Err("a keyword must have 4 bytes, or 3 with a sign among them, or be `@`".to_owned())
        }
        When::Field(n) if n.names.is_empty() => Err("no names".to_owned()),
        When::Field(n) if n.anchors.iter().any(|k| k.len() < 3) => Err("an anchor under 3 bytes".to_owned()),
        When::Number(n) if n.forms.is_empty() => Err("no forms".to_owned()),
        When::Weakness(w) if w.weakness.is_empty() => Err("no weakness".to_owned()),
        _ => Ok(()),
    }
}

/// Whether a keyword is rare enough to look at each of its occurrences.
fn telling(keyword: &str) -> bool {
    keyword.len() >= 4 || keyword == "@" || (keyword.len() == 3 && keyword.bytes().any(|b| b.is_ascii_punctuation()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: &str = r#"
        [[rule]]
        id = "test.one"
        title = "A test"
        kind = "cred.password"
        severity = "high"
        description = "Only a test."
        fix = "None."
        on = "login"
        proof = ["password"]
    "#;

    #[test]
    fn a_later_rule_replaces_the_one_with_its_id() {
        let mut catalogue = Catalogue::default();
        catalogue.add("a", RULE).unwrap();
        catalogue.add("b", &RULE.replace("A test", "Another")).unwrap();
        assert_eq!((catalogue.len(), catalogue.find("test.one").unwrap().title.as_str()), (1, "Another"));
    }

    #[test]
    fn a_key_that_does_nothing_is_refused() {
        let error = Catalogue::default().add("a", &RULE.replace("proof", "prof")).unwrap_err();
        assert!(error.to_string().contains("test.one"), "{error}");
    }

    #[test]
    fn a_later_catalogue_keeps_the_numbers_of_the_earlier_one() {
        let with = |ids: &[&str]| {
            let mut catalogue = Catalogue::default();
            ids.iter().for_each(|id| catalogue.add("a", &RULE.replace("test.one", id)).unwrap());
            catalogue
        };
        let (old, new) = (with(&["a", "b", "c"]), with(&["d", "c", "a"]));
        let now = new.succeeding(&old);
        let rules: Vec<(&str, bool)> = now.iter().map(|(_, rule)| (rule.id.as_str(), rule.enabled)).collect();
        assert_eq!(rules, [("a", true), ("b", false), ("c", true), ("d", true)]);
    }

    #[test]
    fn selecting_what_does_not_exist_is_an_error() {
        let mut catalogue = Catalogue::default();
        catalogue.add("a", RULE).unwrap();
        assert!(catalogue.select(&["nothing.*".to_owned()], &[]).is_err());
        catalogue.select(&[], &["cred.*".to_owned()]).unwrap();
        assert!(!catalogue.find("test.one").unwrap().enabled);
    }
}
