//! What a rule made of an event.

use std::fmt;

use super::event::Outcome;
use super::flow::{Direction, Endpoint, Flow, FlowId, Transport, Tunnel};
use super::packet::Span;
use super::why::{Fact, Why};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Should be put right in time.
    Low,
    /// Helps an attacker.
    Medium,
    /// Opens an account, a system or a person's data.
    High,
    /// Opens it now, and the server said yes.
    Critical,
}

impl Severity {
    /// All, worst first.
    pub const WORST_FIRST: [Self; 5] = [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Info];

    /// The name used in every output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
        }
    }
}

/// How sure a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// It has the shape.
    Low,
    /// Its context supports it.
    Medium,
    /// Structure or check digits prove it.
    High,
}

impl Confidence {
    /// The name used in every output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Low => "low",
            Self::Medium => "medium",
        }
    }
}

/// Index of a rule in its catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleIndex(pub u32);

/// What makes a finding distinct, in eight bytes of a keyed digest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FindingId(pub u64);

impl fmt::Display for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "f_{:016x}", self.0)
    }
}

/// A value as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// With its secret part replaced.
    pub masked: String,
    /// Keyed digest, `hmac:` and hex: equal values have equal fingerprints under one key.
    pub fingerprint: String,
    /// Length in bytes of the value.
    pub length: usize,
    /// The value itself, only when the operator asked for it.
    pub clear: Option<String>,
}

/// How much of a kind stands in one column of one answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bulk {
    /// Different values.
    pub values: u64,
    /// How often a value of the kind stood there: rows, where it is a column.
    pub rows: u64,
    /// There were more different values than are told apart.
    pub more: bool,
    /// The column as people call it: `customers.card_no`. Empty where the values stand in plain text.
    pub column: String,
    /// Counted over a stream of messages, and not in one answer.
    pub stream: bool,
}

/// One finding. The same thing seen again has the same `id` and raises `count`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Derived from rule, client address, server endpoint, field and fingerprint.
    pub id: FindingId,
    /// The rule, by its place in the catalogue.
    pub rule: RuleIndex,
    /// How bad.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// The flow it was first seen in.
    pub flow: FlowId,
    /// Protocol name.
    pub protocol: &'static str,
    /// Transport of the flow.
    pub transport: Transport,
    /// Who opened the flow.
    pub client: Endpoint,
    /// Who answered.
    pub server: Endpoint,
    /// The server's name, where one was said.
    pub server_name: Option<String>,
    /// What the flow was wrapped in.
    pub tunnel: Option<Tunnel>,
    /// Who sent the value.
    pub direction: Direction,
    /// Where in the protocol it stood.
    pub field: String,
    /// The account it belongs to.
    pub username: Option<String>,
    /// The value; absent for findings about a link or a handshake parameter.
    pub value: Option<Value>,
    /// Whether a login was let in. `None` for what is not a login.
    pub outcome: Option<Outcome>,
    /// The facts that decided.
    pub why: Why,
    /// A fact that helps; never a secret.
    pub note: Option<String>,
    /// For a finding about many values: how many, in the answer that had the most.
    pub bulk: Option<Box<Bulk>>,
    /// The packets that carry it, at its first sighting.
    pub span: Span,
    /// How many times it was seen.
    pub count: u64,
    /// First and last sighting.
    pub seen: Span,
}

impl Finding {
    /// Whether it is about the capture itself: it has no client and no server.
    pub fn is_of_capture(&self) -> bool {
        self.server == Flow::OF_CAPTURE.server
    }

    /// Whether the value is published for tests and documentation.
    pub const fn is_test_value(&self) -> bool {
        self.why.has(Fact::TestValue)
    }

    /// Adds another sighting of the same thing. The earlier sighting gives the evidence, the better
    /// known outcome and the greater severity and confidence win: the order of merging is of no matter.
    pub fn merge(&mut self, other: Self) {
        let (count, seen) = (self.count + other.count, self.seen.join(other.seen));
        let severity = self.severity.max(other.severity);
        let confidence = self.confidence.max(other.confidence);
        let outcome = self.outcome.max(other.outcome);
        let why = self.why.join(other.why);
        let bulk = self.bulk.take().max(other.bulk.clone());
        if (other.span.first, other.flow) < (self.span.first, self.flow) {
            *self = other;
        }
        self.count = count;
        self.seen = seen;
        self.severity = severity;
        self.confidence = confidence;
        self.outcome = outcome;
        self.why = why;
        self.bulk = bulk;
    }
}
