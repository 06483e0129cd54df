//! From events to findings. Which finding an event becomes is written in the catalogue (`rules/*.toml`);
//! this module knows how to look, never what for: no Rust file names a rule.
//!
//! [`Catalogue`] holds the rules, [`Matcher`] is their compiled form and is shared by all workers, an
//! [`Engine`] is one worker's view of it with its scratch memory.

mod allow;
mod bulk;
mod catalogue;
mod check;
mod compile;
mod cost;
mod engine;
mod error;
mod expression;
mod familiar;
mod file;
mod finding;
mod forms;
pub mod glob;
mod guard;
pub mod import;
mod inner;
mod known;
mod literals;
mod login;
mod mask;
mod naive;
mod names;
mod oid;
mod schema;
mod spelling;
mod text;
mod validate;
mod why;

pub use catalogue::Catalogue;
pub use check::{Fault, Report, check};
pub use cost::{BUDGET, Clock, Cost, per_mb, sample, sample_text};
pub use engine::{Context, Engine, Matcher};
pub use error::{Place as FilePlace, RuleError};
pub use familiar::Familiar;
pub use known::{Known, KnownError};
pub use mask::Key;
pub use naive::Naive;
pub use schema::{
    Allow, AllowTarget, Boundary, BulkMatch, Content, Example, FormatName, GradeName, Guard, KnownMatch, LoginMatch,
    LongExample, Mask, Named, Need, Number, OneOrMany, Origin, Place, ProofName, Rule, Way, WeaknessMatch, When,
    Within, category,
};
pub use why::why;

use crate::model::finding::{Confidence, Severity};

/// What the operator decided about findings.
#[derive(Clone, Debug)]
pub struct Options {
    /// Put clear values into findings.
    pub reveal: bool,
    /// Mask user names too.
    pub mask_users: bool,
    /// Key of the fingerprints.
    pub key: Key,
    /// Findings under it are not made.
    pub min_severity: Severity,
    /// Findings under it are not made.
    pub min_confidence: Confidence,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            reveal: false,
            mask_users: false,
            key: Key::random(),
            min_severity: Severity::Info,
            min_confidence: Confidence::Low,
        }
    }
}
