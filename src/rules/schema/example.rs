//! Examples of a rule.

use serde::Deserialize;

use super::conditions::{GradeName, ProofName};
use super::places::{FormatName, Place, Way};

/// An example of a rule: a text, a named value, a login or a weakness. In `text` and `value`,
/// `{hex:32}`, `{alnum:24}`, `{b64:86}`, `{upper:16}` and `{digit:8}` stand for so many characters.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Example {
    /// A text, sent by the client.
    Short(String),
    /// Anything else.
    Long(Box<LongExample>),
}

/// An example with its circumstances.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LongExample {
    /// Protocol; `http` unless said.
    pub protocol: Option<String>,
    /// Who sent it; the client unless said.
    pub direction: Option<Way>,
    /// A text, in `format`.
    pub text: Option<String>,
    /// Format of the text; `plain` unless said.
    pub format: Option<FormatName>,
    /// The value the rule must report.
    pub secret: Option<String>,
    /// The account it must report.
    pub username: Option<String>,
    /// A named value: its name.
    pub field: Option<String>,
    /// Its kind; `form` unless said.
    pub place: Option<Place>,
    /// The value of a field, the secret of a login, the graded value of a weakness.
    pub value: Option<String>,
    /// A login: its mechanism.
    pub mechanism: Option<String>,
    /// What its secret is.
    pub proof: Option<ProofName>,
    /// A weakness: its kind.
    pub weakness: Option<String>,
    /// Its grade.
    pub grade: Option<GradeName>,
}
