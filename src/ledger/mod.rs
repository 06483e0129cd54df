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
pub use tls::{Handshakes, TlsFact};

use std::net::IpAddr;

use link::{Account, Worth};
use smallest::Smallest;

use crate::model::finding::{Finding, RuleIndex};
use crate::model::flow::{Endpoint, Transport};
use crate::model::limits;

/// The protocol of a flow nobody recognised.
pub const UNKNOWN: &str = "unknown";

/// Collects flows into links.
#[derive(Debug)]
pub struct Ledger {
    /// A link stands under each worth that its flows have, so that what is dropped for want of room
    /// does not depend on the order they came in.
    links: Smallest<(Worth, LinkKey), Box<Account>>,
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
        let (expected, handshakes) = record.take_asides();
        for announced in expected {
            self.expected.merge(announced, (), |(), ()| {});
        }
        for fact in handshakes {
            self.handshakes.merge(fact.key(), fact, TlsFact::merge);
        }
        let flow = record.flow();
        let link = LinkKey { client: flow.client.ip, server: flow.server, transport: flow.transport };
        let account = Box::new(Account::of(record));
        self.links.merge((account.worth(link.transport), link), account, |there, more| there.merge(*more));
    }

    /// Adds all of another ledger.
    pub fn merge(&mut self, other: Self) {
        self.flows += other.flows;
        self.links.merge_all(other.links, |there, more| there.merge(*more));
        self.handshakes.merge_all(other.handshakes, TlsFact::merge);
        self.expected.merge_all(other.expected, |(), ()| {});
    }

    /// Closes the books. `kind` names the kind of finding a rule makes (`cred.password`).
    pub fn finish<'k>(self, kind: impl Fn(RuleIndex) -> &'k str) -> Closed {
        let (links_beyond, handshakes_beyond) = (self.links.beyond(), self.handshakes.beyond());
        let mut accounts: Vec<(LinkKey, Box<Account>)> =
            self.links.into_iter().map(|((_, link), account)| (link, account)).collect();
        accounts.sort_by_key(|(link, _)| *link);
        let kept: u64 = accounts.iter().map(|(_, account)| account.flows()).sum();
        let mut links: Vec<Link> = Vec::new();
        let mut accounts = accounts.into_iter().peekable();
        while let Some((link, mut account)) = accounts.next() {
            while let Some((_, more)) = accounts.next_if(|(next, _)| *next == link) {
                account.merge(*more);
            }
            let announced = self.expected.first_from((link.server, "")).filter(|(at, _)| *at == link.server);
            links.push(account.close(link, announced.map(|(_, protocol)| *protocol), &kind));
        }
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
    pub fn count<'f>(&mut self, findings: impl IntoIterator<Item = &'f Finding>) {
        for finding in findings {
            if let Some(at) = self.place(finding)
                && let Some(link) = self.links.get_mut(at)
            {
                link.findings += 1;
                link.worst = link.worst.max(Some(finding.severity));
            }
        }
    }

    /// The link something was found on, unless there was no room for it.
    pub fn link_of(&self, finding: &Finding) -> Option<&Link> {
        self.links.get(self.place(finding)?)
    }

    fn place(&self, finding: &Finding) -> Option<usize> {
        let key = LinkKey { client: finding.client.ip, server: finding.server, transport: finding.transport };
        self.links.binary_search_by_key(&key, Link::key).ok()
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
