//! Rules in the form the engine works with.

use super::catalogue::Catalogue;
use super::error::RuleError;
use super::schema::{Rule, When};
use super::validate;
use crate::model::finding::RuleIndex;

/// The rules that are switched on, sorted by what they look at.
#[derive(Debug, Default)]
pub(super) struct Compiled {
    pub(super) logins: Vec<RuleIndex>,
    pub(super) weaknesses: Vec<RuleIndex>,
}

impl Compiled {
    pub(super) fn new(catalogue: &Catalogue) -> Result<Self, RuleError> {
        let mut compiled = Self::default();
        for (index, rule) in catalogue.iter().filter(|(_, rule)| rule.enabled) {
            compiled.add(index, rule).map_err(|reason| RuleError::Rule {
                file: "catalogue".to_owned(),
                id: rule.id.clone(),
                reason,
            })?;
        }
        Ok(compiled)
    }

    fn add(&mut self, index: RuleIndex, rule: &Rule) -> Result<(), String> {
        match &rule.when {
            When::Login(login) => {
                validate::known(&login.validators)?;
                self.logins.push(index);
            }
            When::Weakness(_) => self.weaknesses.push(index),
            When::Content(content) => validate::known(&content.validators)?,
            When::Field(named) => validate::known(&named.validators)?,
            When::Number(number) => validate::known(&number.validators)?,
        }
        Ok(())
    }
}
