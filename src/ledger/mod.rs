//! Who talks to whom, protected how: flows become links, and every link gets a verdict.
//!
//! A worker keeps a [`FlowRecord`] for each of its flows and hands it to the [`Ledger`] when the flow
//! ends. Records may be added in any order, and ledgers merged in any order: the outcome is the same.

mod link;
mod record;
mod smallest;
mod tls;

pub use link::{Link, LinkWeakness, Mechanism, Verdict};
pub use record::FlowRecord;
pub use tls::{LinkTls, TlsFact};

use std::net::IpAddr;

use link::Account;
use smallest::Smallest;

use crate::model::finding::{Finding, RuleIndex};
use crate::model::flow::{Endpoint, Transport};
use crate::model::limits;

/// The protocol of a flow nobody recognised.
pub const UNKNOWN: &str = "unknown";

/// Collects flows into links.
#[derive(Debug)]
pub struct Ledger {
    links: Smallest<LinkKey, Account>,
    handshakes: Smallest<tls::Key, TlsFact>,
    expected: Smallest<(Endpoint, &'static str), ()>,
    flows: u64,
}

impl Default for Ledger {
    fn default() -> Self {
        Self::new()
    }
}

impl Ledger {
    /// An empty ledger.
    pub fn new() -> Self {
        Self {
            links: Smallest::new(limits::LINKS),
            handshakes: Smallest::new(limits::HANDSHAKES),
            expected: Smallest::new(limits::EXPECTED),
            flows: 0,
        }
    }

    /// Adds a flow that has ended.
    pub fn add(&mut self, mut record: FlowRecord) {
        self.flows += 1;
        let account = Account::of(&record);
        for expected in record.take_expected() {
            self.expected.merge(expected, (), |(), ()| {});
        }
        for fact in record.take_handshakes() {
            self.handshakes.merge(fact.key(), fact, TlsFact::merge);
        }
        let flow = record.flow();
        let key = LinkKey { client: flow.client.ip, server: flow.server, transport: flow.transport };
        self.links.merge(key, account, Account::merge);
    }

    /// Adds all of another ledger.
    pub fn merge(&mut self, other: Self) {
        self.flows += other.flows;
        self.links.merge_all(other.links, Account::merge);
        self.handshakes.merge_all(other.handshakes, TlsFact::merge);
        self.expected.merge_all(other.expected, |(), ()| {});
    }

    /// Closes the books. `kind` names the kind of finding a rule makes (`cred.password`).
    pub fn finish<'k>(self, kind: impl Fn(RuleIndex) -> &'k str) -> Closed {
        let links_beyond = self.links.beyond();
        let handshakes_beyond = self.handshakes.beyond();
        let mut kept = 0;
        let links = self
            .links
            .into_iter()
            .map(|(key, account)| {
                kept += account.flows();
                let announced = self.expected.first_from((key.server, "")).filter(|(at, _)| *at == key.server);
                account.close(key, announced.map(|(_, protocol)| *protocol), &kind)
            })
            .collect();
        Closed {
            links,
            handshakes: self.handshakes.into_iter().map(|(_, fact)| fact).collect(),
            links_beyond,
            flows_beyond: self.flows - kept,
            handshakes_beyond,
        }
    }
}

/// What a ledger comes to.
#[derive(Debug)]
pub struct Closed {
    /// Links by client, server and transport.
    pub links: Vec<Link>,
    /// Distinct handshakes by server, SNI, version, cipher and certificate.
    pub handshakes: Vec<TlsFact>,
    /// Whether there were more links than [`limits::LINKS`].
    pub links_beyond: bool,
    /// Flows of the links that were not kept.
    pub flows_beyond: u64,
    /// Whether there were more handshakes than [`limits::HANDSHAKES`].
    pub handshakes_beyond: bool,
}

impl Closed {
    /// Counts the findings of each link, once they are all known. Each counts once, however often it
    /// was seen.
    pub fn count(&mut self, findings: &[Finding]) {
        for finding in findings {
            let key = LinkKey { client: finding.client.ip, server: finding.server, transport: finding.transport };
            if let Ok(at) = self.links.binary_search_by_key(&key, Link::key)
                && let Some(link) = self.links.get_mut(at)
            {
                link.findings += 1;
                link.worst = link.worst.max(Some(finding.severity));
            }
        }
    }
}

/// What makes a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LinkKey {
    client: IpAddr,
    server: Endpoint,
    transport: Transport,
}

#[cfg(test)]
mod tests;
