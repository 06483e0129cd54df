//! What a worker notes down about one flow.

use std::collections::{BTreeMap, BTreeSet};

use super::UNKNOWN;
use super::link::grade_of;
use super::tls::TlsFact;
use crate::model::event::{Event, Grade, LinkFact, Login};
use crate::model::finding::{Confidence, Finding, RuleIndex, Severity};
use crate::model::flow::{Direction, Endpoint, Flow};
use crate::model::limits;
use crate::model::link::{Encryption, Upgrade};
use crate::model::packet::{Mark, Span};
use crate::model::tls::Handshake;
use crate::proto::Nature;

/// What an HTTP connection may be upgraded to and still serve the same client at the same server.
const HTTP_GOES_ON_AS: [&str; 3] = ["grpc", "http2", "websocket"];

/// Weaknesses of these families make an encrypted link a weak one.
const PROTECTION: [&str; 3] = ["tls.", "cert.", "ssh."];

/// Those of this family even when they are merely dated.
const CONNECTION: &str = "tls.";

/// One flow, for the ledger.
#[derive(Debug)]
pub struct FlowRecord {
    pub(super) flow: Flow,
    pub(super) protocol: &'static str,
    pub(super) encryption: Encryption,
    pub(super) text: bool,
    pub(super) upgrade: Option<Upgrade>,
    pub(super) mechanisms: BTreeMap<&'static str, Grade>,
    pub(super) names: BTreeSet<String>,
    /// Its encryption can be attacked.
    pub(super) weak: bool,
    pub(super) login: Option<Span>,
    pub(super) data: BTreeMap<RuleIndex, Sightings>,
    pub(super) worst: Option<Severity>,
    pub(super) bytes: [u64; 2],
    pub(super) span: Span,
    /// The analyzer has said something.
    confirmed: bool,
    expected: BTreeSet<(Endpoint, &'static str)>,
    handshakes: Vec<Handshake>,
}

/// How often findings of one rule were seen.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sightings {
    pub(super) count: u64,
    /// The first that exposes something: more than information, more than a guess.
    pub(super) first: Option<Span>,
}

impl FlowRecord {
    /// A flow whose first packet is at `first`.
    pub fn new(flow: &Flow, first: Mark) -> Self {
        Self {
            flow: *flow,
            protocol: UNKNOWN,
            encryption: Encryption::Unknown,
            text: false,
            upgrade: None,
            mechanisms: BTreeMap::new(),
            names: BTreeSet::new(),
            weak: false,
            login: None,
            data: BTreeMap::new(),
            worst: None,
            bytes: [0; 2],
            span: Span::at(first),
            confirmed: false,
            expected: BTreeSet::new(),
            handshakes: Vec::new(),
        }
    }

    /// The flow, in its present roles.
    pub const fn flow(&self) -> &Flow {
        &self.flow
    }

    /// Client and server turned out to be the other way round.
    pub const fn swap(&mut self) {
        self.flow = self.flow.swapped();
        self.bytes.swap(0, 1);
    }

    /// A protocol was recognised: called again when the flow turns into another one, or when the
    /// analyzer of the one before found out, before it had said anything, that it was not its own.
    /// What a protocol turns into (TLS, the inside of a tunnel) leaves the link its name, except where
    /// HTTP goes on in another form.
    pub fn protocol(&mut self, name: &'static str, nature: Nature) {
        if !self.confirmed {
            (self.protocol, self.encryption) = (UNKNOWN, Encryption::Unknown);
        }
        self.confirmed = false;
        let goes_on = self.protocol == "http" && HTTP_GOES_ON_AS.contains(&name);
        if (self.protocol == UNKNOWN || goes_on) && nature != Nature::Unknown {
            self.protocol = name;
        }
    }

    /// Takes from an event what concerns the link.
    pub fn event(&mut self, event: &Event<'_>) {
        // How a protocol is encrypted is known from its name alone: no word of its analyzer.
        self.confirmed |= !matches!(event, Event::Link(LinkFact::Encrypted(_)));
        match event {
            Event::Link(fact) => self.fact(*fact),
            Event::Login(login) => self.login(login),
            Event::Tls(handshake) => self.handshake(handshake),
            Event::Weakness(weakness) => {
                // Of a chain, what is dated is somebody else's certificate; of a connection, its protection.
                let least = if weakness.kind.starts_with(CONNECTION) { Grade::Dated } else { Grade::Weak };
                self.weak |= weakness.grade >= least && PROTECTION.iter().any(|f| weakness.kind.starts_with(f));
            }
            Event::Text(_) => self.text = true,
            Event::Field(_) | Event::Skipped { .. } => {}
        }
    }

    /// The analyzer has read something that it need not speak of.
    pub const fn confirm(&mut self) {
        self.confirmed = true;
    }

    /// Counts a finding of this flow.
    pub fn finding(&mut self, finding: &Finding) {
        self.worst = self.worst.max(Some(finding.severity));
        let telling = finding.severity > Severity::Info && finding.confidence > Confidence::Low;
        let here = Sightings { count: finding.count, first: telling.then_some(finding.span) };
        self.data.entry(finding.rule).or_default().add(here);
    }

    /// Counts payload bytes, read or not.
    pub fn bytes(&mut self, direction: Direction, count: u64) {
        match direction {
            Direction::ToServer => self.bytes[0] += count,
            Direction::ToClient => self.bytes[1] += count,
        }
    }

    /// The flow's last packet.
    pub fn ended(&mut self, last: Mark) {
        self.span = self.span.join(Span::at(last));
    }

    pub(super) fn take_expected(&mut self) -> BTreeSet<(Endpoint, &'static str)> {
        std::mem::take(&mut self.expected)
    }

    pub(super) fn take_handshakes(&mut self) -> Vec<TlsFact> {
        let handshakes = std::mem::take(&mut self.handshakes);
        handshakes.into_iter().map(|handshake| TlsFact::new(&self.flow, self.protocol, handshake)).collect()
    }

    pub(super) fn handshakes(&self) -> &[Handshake] {
        &self.handshakes
    }

    fn fact(&mut self, fact: LinkFact<'_>) {
        match fact {
            LinkFact::Auth(name) => self.mechanism(name),
            // A switch to TLS is told apart from TLS by what the flow was before.
            LinkFact::Encrypted(Encryption::Tls) if self.encryption == Encryption::Upgraded => {}
            LinkFact::Encrypted(how) => self.encryption = how,
            LinkFact::Expect { mut endpoint, protocol } => {
                if endpoint.ip.is_unspecified() {
                    endpoint.ip = self.flow.server.ip;
                }
                if self.expected.len() < limits::FLOW_EXPECTED {
                    self.expected.insert((endpoint, protocol));
                }
            }
            LinkFact::ServerName(name) => self.name(name),
            LinkFact::Upgrade(upgrade) => self.upgrade = Some(upgrade),
            LinkFact::Violation => {}
        }
    }

    fn login(&mut self, login: &Login<'_>) {
        self.mechanism(login.mechanism);
        self.login.get_or_insert(login.span);
    }

    fn handshake(&mut self, handshake: &Handshake) {
        if let Some(sni) = &handshake.sni {
            self.name(sni);
        }
        if self.handshakes.len() < limits::FLOW_HANDSHAKES {
            self.handshakes.push(handshake.clone());
        }
    }

    fn mechanism(&mut self, name: &'static str) {
        self.mechanisms.insert(name, grade_of(name));
    }

    fn name(&mut self, name: &str) {
        if self.names.len() < limits::SERVER_NAMES && !name.is_empty() && !self.names.contains(name) {
            self.names.insert(name.to_owned());
        }
    }
}

impl Sightings {
    pub(super) fn add(&mut self, other: Self) {
        self.count += other.count;
        self.first = earlier(self.first, other.first);
    }
}

/// The span that begins first.
pub(super) fn earlier(a: Option<Span>, b: Option<Span>) -> Option<Span> {
    a.into_iter().chain(b).min_by_key(|span| (span.first, span.last))
}
