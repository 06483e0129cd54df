//! The rules that are in force: the built-in ones, and those the operator adds.

use std::path::Path;
use std::sync::Arc;

use super::error::RuleError;
use super::file::{self, Entry};
use super::glob;
use super::known::Known;
use super::schema::{BUILTIN as BUILTIN_FILE, Rule, When};
use crate::model::finding::RuleIndex;

/// The built-in rules: file name and text.
const BUILTIN: &[(&str, &str)] = &[
    ("logins.toml", include_str!("../../rules/logins.toml")),
    ("fields.toml", include_str!("../../rules/fields.toml")),
    ("secrets.toml", include_str!("../../rules/secrets.toml")),
    ("providers.toml", include_str!("../../rules/providers.toml")),
    ("providers-further.toml", include_str!("../../rules/providers-further.toml")),
    ("infrastructure.toml", include_str!("../../rules/infrastructure.toml")),
    ("finance.toml", include_str!("../../rules/finance.toml")),
    ("ids.toml", include_str!("../../rules/ids.toml")),
    ("ids-further.toml", include_str!("../../rules/ids-further.toml")),
    ("ids-others.toml", include_str!("../../rules/ids-others.toml")),
    ("papers.toml", include_str!("../../rules/papers.toml")),
    ("health.toml", include_str!("../../rules/health.toml")),
    ("people.toml", include_str!("../../rules/people.toml")),
    ("weaknesses.toml", include_str!("../../rules/weaknesses.toml")),
    ("bulk.toml", include_str!("../../rules/bulk.toml")),
];

/// Rules, parsed and validated. A rule's [`RuleIndex`] is its place.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    rules: Vec<Rule>,
    ignored: Vec<String>,
    accounts: Vec<String>,
    examples: Vec<String>,
    known: Option<Arc<Known>>,
}

impl Catalogue {
    /// The rules that come with the program.
    pub fn builtin() -> Result<Self, RuleError> {
        let mut catalogue = Self::default();
        for (file, text) in BUILTIN {
            catalogue.add(&format!("{BUILTIN_FILE}{file}"), text)?;
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

    /// Adds the rules of a text; `file` names it in errors. An entry without `on` changes the earlier
    /// rule with its id.
    pub fn add(&mut self, file: &str, text: &str) -> Result<(), RuleError> {
        let read = file::parse(file, text)?;
        self.ignored.extend(read.ignored);
        self.accounts.extend(read.accounts);
        self.examples.extend(read.examples);
        for entry in read.entries {
            match entry {
                Entry::Rule(rule) => match self.rules.iter_mut().find(|r| r.id == rule.id) {
                    Some(old) => *old = *rule,
                    None => self.rules.push(*rule),
                },
                Entry::Change(change, at) => match self.rules.iter_mut().find(|r| r.id == change.id) {
                    Some(rule) => change.apply(rule),
                    None => {
                        let reason = "`on` is missing, and there is no earlier rule with this id to change".to_owned();
                        return Err(RuleError::Rule { at, id: change.id, reason });
                    }
                },
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

    /// Looks for known secrets with the rule that is there for them, if it is switched on: see
    /// [`Self::seeks_known`].
    pub fn set_known(&mut self, known: Arc<Known>) {
        self.known = Some(known);
    }

    /// The secrets that are known.
    pub fn known(&self) -> Option<&Known> {
        self.known.as_deref()
    }

    /// Whether a rule looks for known secrets.
    pub fn seeks_known(&self) -> bool {
        self.rules.iter().any(|rule| rule.enabled && matches!(rule.when, When::Known(_)))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::Severity;

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
    fn an_entry_without_on_changes_the_earlier_rule() {
        let mut catalogue = Catalogue::default();
        catalogue.add("a", RULE).unwrap();
        catalogue.add("b", "[[rule]]\nid = \"test.one\"\nenabled = false\nseverity = \"low\"\n").unwrap();
        let rule = catalogue.find("test.one").unwrap();
        assert_eq!((rule.enabled, rule.severity, rule.title.as_str()), (false, Severity::Low, "A test"));
        let error = catalogue.add("b", "[[rule]]\nid = \"test.two\"\n").unwrap_err().to_string();
        assert!(error.starts_with("b:1:1: rule `test.two`: `on` is missing"), "{error}");
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
