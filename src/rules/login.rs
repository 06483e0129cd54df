//! Logins and weaknesses: the analyzer has done the work, the rules give it a name and a grade.

use super::engine::{Context, Matcher};
use super::finding::{Evidence, Found};
use super::glob::{fits, fits_any};
use super::schema::{GradeName, LoginMatch, ProofName, Rule, WeaknessMatch, When};
use super::validate::{self, Subject};
use crate::model::event::{Grade, Login, Outcome, Proof, Weakness};
use crate::model::finding::{Finding, RuleIndex, Severity};
use crate::model::why::{Fact, Why};

impl Matcher {
    /// The finding of a login: of all rules that fit, the one that asks the most.
    pub(super) fn login(&self, at: &Context<'_>, login: &Login<'_>, out: &mut dyn FnMut(Finding)) {
        let secret = login.secret.expose();
        if secret.is_empty() {
            return;
        }
        let subject = Subject { value: secret, at: login.span.first.at };
        let mut best: Option<(u32, RuleIndex, &Rule, validate::Verdict)> = None;
        for (index, checks) in &self.compiled.logins {
            let rule = self.catalogue.rule(*index);
            let When::Login(when) = &rule.when else { continue };
            let Some(weight) = weigh(rule, when, at, login) else { continue };
            if best.as_ref().is_some_and(|(most, ..)| *most >= weight) {
                continue;
            }
            if let Some(verdict) = validate::all(checks, &subject) {
                best = Some((weight, *index, rule, verdict));
            }
        }
        let Some((_, index, rule, verdict)) = best else { return };
        let notes = [login.note, verdict.note.as_deref()];
        let note = notes.into_iter().flatten().collect::<Vec<_>>().join("; ");
        let found = Found {
            rule: index,
            severity: severity(rule, login.outcome),
            confidence: verdict.confidence.unwrap_or(rule.confidence),
            direction: login.direction,
            field: login.field,
            username: login.username,
            value: Evidence::Secret(secret),
            outcome: Some(login.outcome),
            why: verdict.facts.and(Fact::Followed),
            note: (!note.is_empty()).then_some(note),
            span: login.span,
        };
        self.report(at, found, out);
    }

    /// The findings of a weakness: of all rules that fit, the one that asks the most.
    pub(super) fn weakness(&self, at: &Context<'_>, weakness: &Weakness<'_>, out: &mut dyn FnMut(Finding)) {
        let grade = match weakness.grade {
            Grade::Dated => GradeName::Dated,
            Grade::Weak => GradeName::Weak,
            Grade::Broken => GradeName::Broken,
        };
        let fitting = self.compiled.weaknesses.iter().filter_map(|&index| {
            let rule = self.catalogue.rule(index);
            let When::Weakness(when) = &rule.when else { return None };
            suits(rule, when, at, weakness).map(|weight| (weight, index, rule, when))
        });
        // The first of equals: the order of the catalogue.
        let Some((_, index, rule, when)) = fitting.rev().max_by_key(|(weight, ..)| *weight) else { return };
        let found = Found {
            rule: index,
            severity: when.grades.get(&grade).copied().unwrap_or(rule.severity),
            confidence: rule.confidence,
            direction: weakness.direction,
            field: weakness.kind,
            username: None,
            value: Evidence::Fact(weakness.value),
            outcome: None,
            why: Why::of(Fact::Graded),
            note: Some(weakness.note.to_owned()),
            span: weakness.span,
        };
        self.report(at, found, out);
    }
}

/// How bad a login is that the server answered so.
pub(super) fn severity(rule: &Rule, outcome: Outcome) -> Severity {
    match outcome {
        Outcome::Accepted => rule.accepted_severity(),
        Outcome::Rejected => rule.rejected_severity(),
        Outcome::Unknown => rule.severity,
    }
}

/// How much a rule asks of a login, when it fits.
fn weigh(rule: &Rule, when: &LoginMatch, at: &Context<'_>, login: &Login<'_>) -> Option<u32> {
    let proof = match login.proof {
        Proof::ChallengeResponse { .. } => ProofName::ChallengeResponse,
        Proof::Password => ProofName::Password,
        Proof::Token => ProofName::Token,
    };
    let fit = (when.proof.is_empty() || when.proof.contains(&proof))
        && rule.direction.is_none_or(|way| way.is(login.direction))
        && fits_any(&rule.protocols, at.protocol)
        && fits_any(&when.mechanisms, login.mechanism)
        && fits_any(&when.fields, login.field);
    fit.then(|| {
        let exact = |patterns: &[String], name: &str| match patterns {
            [] => 0,
            _ if patterns.iter().any(|p| p == name) => 3,
            _ => 2,
        };
        exact(&rule.protocols, at.protocol) * 2
            + exact(&when.mechanisms, login.mechanism) * 4
            + exact(&when.fields, login.field) * 2
            + u32::from(!when.proof.is_empty())
            + if when.validators.is_empty() { 0 } else { 16 }
    })
}

fn suits(rule: &Rule, when: &WeaknessMatch, at: &Context<'_>, weakness: &Weakness<'_>) -> Option<u32> {
    let fit = fits_any(&rule.protocols, at.protocol)
        && when.weakness.iter().any(|p| fits(p, weakness.kind))
        && fits_any(&when.values, weakness.value);
    fit.then(|| {
        u32::from(when.weakness.iter().any(|p| p == weakness.kind)) * 4
            + u32::from(!when.values.is_empty()) * 2
            + u32::from(!rule.protocols.is_empty())
    })
}
