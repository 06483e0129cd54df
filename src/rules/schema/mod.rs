//! The form of a rule, as written in TOML. `rules/README.md` is its specification.

mod conditions;
mod example;
mod places;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

pub use conditions::{
    Allow, AllowTarget, Boundary, BulkMatch, Content, GradeName, Guard, KnownMatch, LoginMatch, Named, Need, Number,
    OneOrMany, ProofName, WeaknessMatch, Within,
};
pub use example::{Example, LongExample};
pub use places::{FormatName, Place, Way};

use crate::model::finding::{Confidence, Severity};

/// One rule.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Stable, dotted: `http.basic-auth`.
    pub id: String,
    /// One line: what was found.
    pub title: String,
    /// Kind of the findings: `cred.basic`, `fin.pan`, `tls.version`.
    pub kind: String,
    /// How bad.
    pub severity: Severity,
    /// How bad when the server refused the login; two steps less bad unless said.
    pub(super) rejected_severity: Option<Severity>,
    /// How bad when the server accepted the login; `severity` unless said.
    pub(super) accepted_severity: Option<Severity>,
    /// How sure, before a validator or the context says otherwise.
    #[serde(default = "medium")]
    pub confidence: Confidence,
    /// What it is and why it matters, in a few sentences.
    pub description: String,
    /// How to put it right, in one line.
    pub fix: String,
    /// How to put it right, by product.
    #[serde(default)]
    pub fixes: BTreeMap<String, String>,
    /// `CWE-319`, `PCI-DSS-4.0.1:4.2.1`, `GDPR:32(1)(a)`, `ATT&CK:T1040`.
    #[serde(default)]
    pub references: Vec<String>,
    /// What remains visible of the value.
    #[serde(default)]
    pub mask: Mask,
    /// Switched off unless asked for by name.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Which events it looks at. The catalogue reads it from the keys that are not listed here.
    #[serde(skip)]
    pub when: When,
    /// Protocols (globs); empty for all.
    #[serde(default)]
    pub protocols: Vec<String>,
    /// Who sent it; both ways unless said.
    pub direction: Option<Way>,
    /// Which of several findings in the same bytes stands: the one with the highest rank.
    pub(super) rank: Option<u8>,
    /// Values that are published for tests and documentation: reported as low. Numbers are written as
    /// letters (in upper case) and digits alone.
    #[serde(default)]
    pub test_values: Vec<String>,
    /// Where it is written.
    #[serde(skip)]
    pub origin: Origin,
    /// Must give exactly this rule.
    #[serde(default)]
    pub matches: Vec<Example>,
    /// Must not give this rule.
    #[serde(default)]
    pub misses: Vec<Example>,
}

/// The file and line a rule is written in.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The file.
    pub file: Arc<str>,
    /// The line, from one.
    pub line: usize,
}

/// What the names of the built-in files begin with.
pub(super) const BUILTIN: &str = "built-in ";

impl Origin {
    /// Whether the rule came with the program.
    pub fn is_builtin(&self) -> bool {
        self.file.starts_with(BUILTIN)
    }
}

impl Default for Origin {
    fn default() -> Self {
        Self { file: "".into(), line: 0 }
    }
}

/// The keys every rule may have; the others belong to its `on`.
pub(super) const COMMON: &[&str] = &[
    "id",
    "title",
    "kind",
    "severity",
    "rejected_severity",
    "accepted_severity",
    "confidence",
    "description",
    "fix",
    "fixes",
    "references",
    "mask",
    "enabled",
    "protocols",
    "direction",
    "rank",
    "test_values",
    "matches",
    "misses",
];

impl Default for When {
    fn default() -> Self {
        Self::Login(LoginMatch::default())
    }
}

impl Rule {
    /// The kind's family in words.
    pub fn category(&self) -> &'static str {
        category(&self.kind).unwrap_or("other")
    }

    /// How bad it is when the server refused the login.
    pub fn rejected_severity(&self) -> Severity {
        self.rejected_severity.unwrap_or(match self.severity {
            Severity::Critical | Severity::High => Severity::Medium,
            Severity::Medium => Severity::Low,
            Severity::Low | Severity::Info => Severity::Info,
        })
    }

    /// How bad it is when the server accepted the login.
    pub fn accepted_severity(&self) -> Severity {
        self.accepted_severity.unwrap_or(self.severity)
    }

    /// Which of several findings in the same bytes stands.
    pub fn rank(&self) -> u8 {
        self.rank.unwrap_or(match self.when {
            When::Field(_) => 20,
            When::Number(_) => 40,
            When::Content(_) => 60,
            When::Bulk(_) | When::Known(_) | When::Login(_) | When::Weakness(_) => 100,
        })
    }
}

/// The family of a kind, in words.
pub fn category(kind: &str) -> Option<&'static str> {
    Some(match kind.split_once('.')?.0 {
        "attack" => "attack",
        "cert" => "certificate",
        "cred" => "credential",
        "fin" => "financial",
        "health" => "health",
        "id" => "national-id",
        "link" => "link",
        "pii" => "contact",
        "posture" => "posture",
        "secret" => "secret",
        "ssh" => "ssh",
        "tls" => "tls",
        _ => return None,
    })
}

const fn medium() -> Confidence {
    Confidence::Medium
}

const fn yes() -> bool {
    true
}

/// Which events a rule looks at, and what must be true of them.
#[derive(Clone, Debug)]
pub enum When {
    /// Many values of a kind in one place.
    Bulk(BulkMatch),
    /// Text that holds a keyword and fits an expression.
    Content(Content),
    /// A value with a telling name: of a parsed field, or `name = value` in text.
    Field(Named),
    /// A secret of the operator's own.
    Known(KnownMatch),
    /// A login.
    Login(LoginMatch),
    /// A number (with letters, perhaps) of a fixed form, found by its digits.
    Number(Number),
    /// Something weak about a handshake, a certificate or a link.
    Weakness(WeaknessMatch),
}

/// What remains visible of a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mask {
    /// Nothing.
    #[default]
    All,
    /// The first letter and the domain of an e-mail address.
    Email,
    /// The last so many letters or digits.
    KeepLast(usize),
    /// The first so many letters or digits.
    KeepPrefix(usize),
    /// Everything: it is no secret.
    Shown,
}

impl<'de> Deserialize<'de> for Mask {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let count = |n: &str| n.parse::<usize>().map_err(serde::de::Error::custom);
        Ok(match text.split_once(':') {
            None if text == "all" => Self::All,
            None if text == "email" => Self::Email,
            None if text == "shown" => Self::Shown,
            Some(("keep_last", n)) => Self::KeepLast(count(n)?),
            Some(("keep_prefix", n)) => Self::KeepPrefix(count(n)?),
            _ => return Err(serde::de::Error::custom(format!("unknown mask `{text}`"))),
        })
    }
}
