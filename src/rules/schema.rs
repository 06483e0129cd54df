//! The form of a rule, as written in TOML. `rules/README.md` is its specification.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::event::{FieldKind, Format};
use crate::model::finding::{Confidence, Severity};
use crate::model::flow::Direction;

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
    rejected_severity: Option<Severity>,
    /// How bad when the server accepted the login; `severity` unless said.
    accepted_severity: Option<Severity>,
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
    rank: Option<u8>,
    /// Must give exactly this rule.
    #[serde(default)]
    pub matches: Vec<Example>,
    /// Must not give this rule.
    #[serde(default)]
    pub misses: Vec<Example>,
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
            When::Login(_) | When::Weakness(_) => 100,
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
    /// Text that holds a keyword and fits an expression.
    Content(Content),
    /// A value with a telling name: of a parsed field, or `name = value` in text.
    Field(Named),
    /// A login.
    Login(LoginMatch),
    /// A number (with letters, perhaps) of a fixed form, found by its digits.
    Number(Number),
    /// Something weak about a handshake, a certificate or a link.
    Weakness(WeaknessMatch),
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
}

const fn one() -> usize {
    1
}

const fn longest() -> usize {
    4096
}

/// What kind of place a named value stands in.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Hash)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// [`FieldKind::Attribute`].
    Attribute,
    /// [`FieldKind::Column`], and a column of CSV.
    Column,
    /// [`FieldKind::Cookie`].
    Cookie,
    /// [`FieldKind::Form`].
    Form,
    /// [`FieldKind::Header`].
    Header,
    /// [`FieldKind::Json`].
    Json,
    /// [`FieldKind::Key`].
    Key,
    /// `name = value`, `name: value`, a label before a value.
    Label,
    /// [`FieldKind::Parameter`].
    Parameter,
    /// [`FieldKind::Query`].
    Query,
    /// [`FieldKind::SetCookie`].
    SetCookie,
    /// [`FieldKind::Sql`].
    Sql,
    /// [`FieldKind::Xml`].
    Xml,
}

impl From<FieldKind> for Place {
    fn from(kind: FieldKind) -> Self {
        match kind {
            FieldKind::Attribute => Self::Attribute,
            FieldKind::Column => Self::Column,
            FieldKind::Cookie => Self::Cookie,
            FieldKind::Form => Self::Form,
            FieldKind::Header => Self::Header,
            FieldKind::Json => Self::Json,
            FieldKind::Key => Self::Key,
            FieldKind::Parameter => Self::Parameter,
            FieldKind::Query => Self::Query,
            FieldKind::SetCookie => Self::SetCookie,
            FieldKind::Sql => Self::Sql,
            FieldKind::Xml => Self::Xml,
        }
    }
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
    /// So many different values in one text make the finding `bulk_severity`.
    pub bulk: Option<usize>,
    /// How bad it is in bulk.
    pub bulk_severity: Option<Severity>,
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
    /// Confidence when it is all there is in a place without a name, or, where a name only helps, when
    /// it is written in several runs.
    pub apart_confidence: Option<Confidence>,
    /// Values that are for tests: reported as low.
    #[serde(default)]
    pub test_values: Vec<String>,
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

/// Who sent it.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// The client.
    ToServer,
    /// The server.
    ToClient,
}

impl Way {
    /// Whether `direction` is this one.
    pub const fn is(self, direction: Direction) -> bool {
        matches!((self, direction), (Self::ToServer, Direction::ToServer) | (Self::ToClient, Direction::ToClient))
    }
}

/// The names of the formats.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum FormatName {
    /// [`Format::Csv`].
    Csv,
    /// [`Format::Form`].
    Form,
    /// [`Format::Html`].
    Html,
    /// [`Format::Json`].
    Json,
    /// [`Format::Plain`].
    Plain,
    /// [`Format::Script`].
    Script,
    /// [`Format::Sql`].
    Sql,
    /// [`Format::Xml`].
    Xml,
}

impl From<FormatName> for Format {
    fn from(name: FormatName) -> Self {
        match name {
            FormatName::Csv => Self::Csv,
            FormatName::Form => Self::Form,
            FormatName::Html => Self::Html,
            FormatName::Json => Self::Json,
            FormatName::Plain => Self::Plain,
            FormatName::Script => Self::Script,
            FormatName::Sql => Self::Sql,
            FormatName::Xml => Self::Xml,
        }
    }
}

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
