//! What must be true of an event for each kind of rule.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::places::{FormatName, Place};
use crate::model::finding::{Confidence, Severity};

/// Known secrets have no conditions: the operator's file of them says it all.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownMatch {}

/// Conditions on how much of something stands in one place.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BulkMatch {
    /// Kinds of findings whose values are counted (globs).
    pub of: Vec<String>,
    /// What they are called: `card numbers`.
    pub what: String,
    /// From so many different values on.
    #[serde(default = "ten")]
    pub least: usize,
    /// Where they are counted.
    #[serde(default)]
    pub within: Within,
    /// Formats of text; empty for all. Columns, attributes and the like always count.
    #[serde(default)]
    pub formats: Vec<FormatName>,
}

const fn ten() -> usize {
    10
}

/// Where values are counted together.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Within {
    /// In one body, mail, file or result.
    #[default]
    Answer,
    /// In all messages of one connection.
    Stream,
}

/// Conditions on a login. Of all rules that fit a login, the one with the most conditions stands.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoginMatch {
    /// Mechanisms (globs); empty for all.
    #[serde(default)]
    pub mechanisms: Vec<String>,
    /// What the secret is; empty for anything.
    #[serde(default)]
    pub proof: Vec<ProofName>,
    /// Fields (globs); empty for all.
    #[serde(default)]
    pub fields: Vec<String>,
    /// Checks of the secret, all of which must pass.
    #[serde(default)]
    pub validators: Vec<String>,
}

/// `Proof` without its data.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ProofName {
    /// The password itself.
    Password,
    /// A token that is as good as a login.
    Token,
    /// A challenge and its response.
    ChallengeResponse,
}

/// Conditions on a named value.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// Names, in any spelling (`card_no`, `cardNo` and `Card No.` are one). A name fits when its last
    /// words are the field's last words; `*x` fits any name that ends in the letters of `x`.
    pub names: Vec<String>,
    /// Kinds of field; empty for all, including `name = value` in text.
    #[serde(default)]
    pub kinds: Vec<Place>,
    /// Literals that lead to such a name in text, at least three bytes each; none means that text is
    /// not searched.
    #[serde(default)]
    pub anchors: Vec<String>,
    /// Expression for the whole value. A group `secret` is the part that is reported.
    #[serde(default)]
    pub regex: OneOrMany,
    /// Shortest value, in bytes.
    #[serde(default = "one")]
    pub min_len: usize,
    /// Longest value, in bytes.
    #[serde(default = "longest")]
    pub max_len: usize,
    /// Least Shannon entropy in bits per byte.
    #[serde(default)]
    pub min_entropy: f64,
    /// Checks of the value, all of which must pass.
    #[serde(default)]
    pub validators: Vec<String>,
    /// What makes a value nobody's secret, by name of a group of checks.
    #[serde(default)]
    pub guard: Guard,
    /// In a text, a finding of one of these kinds must be near.
    #[serde(default)]
    pub near: Vec<String>,
}

const fn one() -> usize {
    1
}

const fn longest() -> usize {
    4096
}

/// What makes a named value nobody's secret.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Guard {
    /// Nothing: the expression and the validators decide.
    #[default]
    None,
    /// Passwords: any word goes in what a client sends; from a server, translations, schema words,
    /// booleans, masked values and template references are refused.
    Password,
    /// Tokens and keys: the same, and a value must look random when it comes from a server.
    Token,
}

/// Conditions on text.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// Literals one of which every match contains, at least four bytes each.
    pub keywords: Vec<String>,
    /// Expressions. A group `secret` is the part that is reported and masked, else the whole match.
    pub regex: OneOrMany,
    /// The keywords count in any case. Unless said, their case counts where the expressions' does.
    #[serde(default)]
    pub any_case: bool,
    /// Bytes before the keyword where a match may begin.
    #[serde(default)]
    pub before: usize,
    /// Bytes after the keyword where a match may end.
    #[serde(default = "window")]
    pub after: usize,
    /// The keyword stands near the match, not in it.
    #[serde(default)]
    pub around: bool,
    /// What may stand beside the match.
    #[serde(default)]
    pub boundary: Boundary,
    /// Least Shannon entropy of the secret in bits per byte.
    #[serde(default)]
    pub min_entropy: f64,
    /// The secret is written in base64: what it decodes to is checked and reported.
    #[serde(default)]
    pub base64: bool,
    /// Checks of the secret, all of which must pass.
    #[serde(default)]
    pub validators: Vec<String>,
    /// Formats of text; empty for all.
    #[serde(default)]
    pub formats: Vec<FormatName>,
    /// The names a value must have (as in `on = "field"`), if any.
    #[serde(default)]
    pub names: Vec<String>,
    /// A finding of one of these kinds must be near in the same text.
    #[serde(default)]
    pub near: Vec<String>,
    /// The most confidence in a match in the running text of a document that a server publishes.
    pub prose_confidence: Option<Confidence>,
    /// There it is as sure as elsewhere where a finding of one of these kinds is near.
    #[serde(default)]
    pub raised_by: Vec<String>,
    /// What is left alone.
    #[serde(default)]
    pub allow: Vec<Allow>,
    /// So many different values in one text make the finding `bulk_severity`.
    pub bulk: Option<usize>,
    /// How bad it is in bulk.
    pub bulk_severity: Option<Severity>,
}

/// Matches that are nobody's secret.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Allow {
    /// What is looked at.
    pub target: AllowTarget,
    /// Expressions one of which fits somewhere in it.
    pub regexes: Vec<String>,
    /// Words one of which it contains, in any case.
    pub words: Vec<String>,
    /// An expression and a word are both needed.
    pub all: bool,
}

/// What an [`Allow`] looks at.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum AllowTarget {
    /// The secret.
    #[default]
    Secret,
    /// The whole match.
    Match,
    /// The line the match stands in.
    Line,
}

const fn window() -> usize {
    256
}

/// Conditions on a number.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Number {
    /// Forms: `9` a digit, `A` a letter, `X` either, `~` one space, hyphen or dot or nothing,
    /// `9{13,16}` repeats, `!x` is `x`, a separator is itself, ` by 4` allows groups of four.
    pub forms: Vec<String>,
    /// Checks of the letters and digits alone, all of which must pass.
    #[serde(default)]
    pub validators: Vec<String>,
    /// Whether a name is needed.
    #[serde(default)]
    pub context: Need,
    /// Names, as in `on = "field"`; also words of the label before it.
    #[serde(default)]
    pub names: Vec<String>,
    /// Names that speak against it.
    #[serde(default)]
    pub other_names: Vec<String>,
    /// Confidence when a name supports it; `confidence` is for a number on its own.
    pub named_confidence: Option<Confidence>,
    /// A finding of one of these kinds must be near in the same text or the same record.
    #[serde(default)]
    pub near: Vec<String>,
    /// A number that nothing speaks for is as sure as one that stands apart where a finding of one of these
    /// kinds is near.
    #[serde(default)]
    pub raised_by: Vec<String>,
    /// Confidence when it is all there is in a place without a name, or, where a name only helps, when
    /// it is written in several runs.
    pub apart_confidence: Option<Confidence>,
    /// What may stand beside the number.
    #[serde(default = "digit")]
    pub boundary: Boundary,
}

const fn digit() -> Boundary {
    Boundary::Number
}

/// Whether a number needs a name.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Need {
    /// It counts only under a fitting name.
    #[default]
    Required,
    /// It counts alone, and a name makes it more certain.
    Helps,
    /// It counts alone.
    None,
}

/// What may stand beside a match.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Boundary {
    /// Anything.
    None,
    /// No letter, digit, `_` or `-`; an escape (`\n`, `%3D`) before the match is no letter.
    #[default]
    Token,
    /// As `token`, and no `.` that continues a number.
    Number,
}

/// One expression, or several of which any may match.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl Default for OneOrMany {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl OneOrMany {
    /// All of them.
    pub fn as_slice(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

/// Conditions on a weakness.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeaknessMatch {
    /// Kinds (globs): `tls.version`.
    pub weakness: Vec<String>,
    /// Graded values (globs); empty for all.
    #[serde(default)]
    pub values: Vec<String>,
    /// Severity by grade; `severity` for a grade that is not listed.
    #[serde(default)]
    pub grades: BTreeMap<GradeName, Severity>,
}

/// The names of the grades.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub enum GradeName {
    /// Should be improved.
    Dated,
    /// Can be attacked with effort.
    Weak,
    /// Gives no protection worth the name.
    Broken,
}
