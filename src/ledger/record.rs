//! What a worker notes down about one flow.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::UNKNOWN;
use super::link::grade_of;
use super::tls::{Handshakes, TlsFact, worst};
use crate::model::event::{Event, Grade, LinkFact, Login};
use crate::model::finding::{Confidence, Finding, RuleIndex, Severity};
use crate::model::flow::{Direction, Endpoint, Flow, Tunnel};
use crate::model::limits::{self, Cap};
use crate::model::link::{Encryption, Upgrade};
use crate::model::packet::{Mark, Span};
use crate::model::small::SmallMap;
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
    /// Its encryption can be attacked.
    pub(super) weak: bool,
    pub(super) worst: Option<Severity>,
    /// The analyzer has said something.
    confirmed: bool,
    pub(super) bytes: [u64; 2],
    pub(super) span: Span,
    /// Of a handshake the outcome was seen.
    pub(super) negotiated: bool,
    /// Something has changed that a verdict may depend on.
    news: bool,
    /// What many flows have nothing of.
    pub(super) details: Option<Box<Details>>,
    asides: Option<Box<Asides>>,
}

/// What a flow, or all flows of a link, had besides bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct Details {
    pub(super) upgrade: Option<Upgrade>,
    pub(super) mechanisms: SmallMap<&'static str, Grade>,
    /// Names of the server, and how many flows called it so.
    pub(super) names: SmallMap<Box<str>, u64>,
    pub(super) tunnels: SmallMap<Tunnel, ()>,
    /// Boxed: few flows log in, and many have a name.
    pub(super) login: Option<Box<Span>>,
    pub(super) data: SmallMap<RuleIndex, Sightings>,
    /// The worst handshake.
    pub(super) tls: Option<Arc<Handshake>>,
}

/// What a flow tells of others than its link.
#[derive(Debug, Default)]
pub(super) struct Asides {
    pub(super) expected: BTreeSet<(Endpoint, &'static str)>,
    pub(super) handshakes: Vec<TlsFact>,
    /// Caps that were reached, and how often.
    pub(super) beyond: SmallMap<Cap, u64>,
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
            weak: false,
            worst: None,
            confirmed: false,
            bytes: [0; 2],
            span: Span::at(first),
            negotiated: false,
            news: false,
            details: None,
            asides: None,
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
        self.news = true;
        let goes_on = self.protocol == "http" && HTTP_GOES_ON_AS.contains(&name);
        if (self.protocol == UNKNOWN || goes_on) && nature != Nature::Unknown {
            self.protocol = name;
        }
    }

    /// Takes from an event what concerns the link.
    pub fn event(&mut self, event: &Event<'_>) {
        // How a protocol is encrypted is known from its name alone: no word of its analyzer.
        self.confirmed |= !matches!(event, Event::Link(LinkFact::Encrypted(_)));
        self.news |= matches!(event, Event::Link(_) | Event::Login(_) | Event::Tls(_) | Event::Weakness(_));
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
            Event::Beyond(_) | Event::Field(_) | Event::Skipped { .. } => {}
        }
    }

    /// The flow as it stands, if there are news of it.
    pub fn news(&mut self) -> Option<Self> {
        std::mem::take(&mut self.news).then(|| Self { details: self.details.clone(), asides: None, ..*self })
    }

    /// Whether [`Self::news`] has something to tell.
    pub const fn has_news(&self) -> bool {
        self.news
    }

    /// The analyzer has read something that it need not speak of.
    pub const fn confirm(&mut self) {
        self.confirmed = true;
    }

    /// Holds what other flows said in their handshakes together with them.
    pub fn share(&mut self, pool: &mut Handshakes) {
        let (Some(details), Some(asides)) = (&mut self.details, &mut self.asides) else { return };
        let facts = asides.handshakes.iter_mut().map(|fact| &mut fact.handshake);
        facts.chain(&mut details.tls).for_each(|handshake| pool.share(handshake));
    }

    /// Counts a finding of this flow.
    pub fn finding(&mut self, finding: &Finding) {
        self.worst = self.worst.max(Some(finding.severity));
        self.news = true;
        let telling = finding.severity > Severity::Info && finding.confidence > Confidence::Low;
        let here = Sightings { count: finding.count, first: telling.then_some(finding.span) };
        self.details().data.merge(finding.rule, here, Sightings::add);
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

    /// What was announced of other connections, and the handshakes.
    pub(super) fn take_asides(&mut self) -> Option<Box<Asides>> {
        self.asides.take()
    }

    fn beyond(&mut self, cap: Cap) {
        self.asides.get_or_insert_default().beyond.merge(cap, 1, |there, more| *there += more);
    }

    fn details(&mut self) -> &mut Details {
        self.details.get_or_insert_default()
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
                let expected = &mut self.asides.get_or_insert_default().expected;
                if expected.len() < limits::FLOW_EXPECTED {
                    expected.insert((endpoint, protocol));
                } else if !expected.contains(&(endpoint, protocol)) {
                    self.beyond(Cap::Expected);
                }
            }
            LinkFact::ServerName(name) => self.name(name),
            LinkFact::Upgrade(upgrade) => self.details().upgrade = Some(upgrade),
            LinkFact::Violation => {}
        }
    }

    fn login(&mut self, login: &Login<'_>) {
        self.mechanism(login.mechanism);
        self.details().login.get_or_insert_with(|| Box::new(login.span));
    }

    fn handshake(&mut self, handshake: &Handshake) {
        if let Some(sni) = &handshake.sni {
            self.name(sni);
        }
        let (flow, protocol) = (self.flow, self.protocol);
        let handshakes = &mut self.asides.get_or_insert_default().handshakes;
        if handshakes.len() >= limits::FLOW_HANDSHAKES {
            return self.beyond(Cap::Handshakes);
        }
        let fact = TlsFact::new(&flow, protocol, handshake);
        let made = Arc::clone(&fact.handshake);
        // One is the rule, and room for four would be most of what an idle flow takes.
        handshakes.reserve_exact(1);
        handshakes.push(fact);
        self.negotiated |= handshake.version.is_some();
        let details = self.details();
        details.tls = worst(details.tls.take(), Some(made));
    }

    fn mechanism(&mut self, name: &'static str) {
        self.details().mechanisms.merge(name, grade_of(name), |_, _| {});
    }

    fn name(&mut self, name: &str) {
        if name.is_empty() {
            return;
        }
        let names = &mut self.details().names;
        if names.len() < limits::SERVER_NAMES {
            names.merge(name.into(), 1, |_, _| {});
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
