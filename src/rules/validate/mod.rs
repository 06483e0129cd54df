//! Checks of a value that an expression cannot do: check digits, dates, encodings.

mod jwt;

use crate::model::finding::Confidence;
use crate::model::time::Timestamp;

/// A value under examination.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    /// The value. For numbers: its letters (in upper case) and digits alone.
    pub(super) value: &'a [u8],
    /// When it was sent.
    pub(super) at: Timestamp,
}

/// What a check that passed has to say.
#[derive(Clone, Debug, Default)]
pub(super) struct Verdict {
    /// How sure the finding is because of it.
    pub(super) confidence: Option<Confidence>,
    /// A fact that helps; never a secret.
    pub(super) note: Option<String>,
}

type Check = fn(&Subject<'_>) -> Option<Verdict>;

/// Every check by name.
const CHECKS: &[(&str, Check)] = &[("jwt", jwt::check)];

/// Whether all names are known.
pub(super) fn known(names: &[String]) -> Result<(), String> {
    match names.iter().find(|name| find(name).is_none()) {
        Some(unknown) => Err(format!("unknown validator `{unknown}`")),
        None => Ok(()),
    }
}

/// What all the named checks say of a value; `None` when one fails.
pub(super) fn all(names: &[String], subject: &Subject<'_>) -> Option<Verdict> {
    let mut together = Verdict::default();
    for name in names {
        let verdict = find(name)?(subject)?;
        together.confidence = verdict.confidence.or(together.confidence);
        together.note = verdict.note.or(together.note);
    }
    Some(together)
}

fn find(name: &str) -> Option<Check> {
    CHECKS.iter().find(|(n, _)| *n == name).map(|(_, check)| *check)
}
