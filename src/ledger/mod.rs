//! Who talks to whom, protected how: flows become links, and every link gets a verdict.
//!
//! A worker keeps a [`FlowRecord`] for each of its flows and hands it to the [`Ledger`] when the flow
//! ends. Records may be added in any order, and ledgers merged in any order: the outcome is the same.

mod link;
mod live;
mod record;
mod smallest;
mod tls;

pub use link::{Link, LinkWeakness, Mechanism, Verdict};
pub use live::LiveLedger;
pub use record::FlowRecord;
pub use tls::{Handshakes, TlsFact};

use std::net::IpAddr;

use link::{Account, Worth};
use smallest::Smallest;

use crate::model::finding::{Finding, RuleIndex};
use crate::model::flow::{Endpoint, Flow, Transport};
use crate::model::limits::{Limits, counted};
use crate::model::tally::Reached;

/// The protocol of a flow nobody recognised.
pub const UNKNOWN: &str = "unknown";

/// Endpoints, what will be spoken there, and how often that was said.
type Expected = Smallest<(Endpoint, &'static str), u64>;

/// Collects flows into links.
#[derive(Debug)]
pub struct Ledger {
    /// A link stands under each worth that its flows have, so that what is dropped for want of room
    /// does not depend on the order they came in.
    links: Smallest<(Worth, LinkKey), Box<Account>>,
    /// Those whose flows are [`Worth::Mute`] have room of their own: there can be as many as addresses.
    mute: Smallest<LinkKey, Box<Account>>,
    handshakes: Smallest<tls::Key, TlsFact>,
    /// How often each was announced.
    expected: Expected,
    added: Added,
    reached: Reached,
}

/// How much was added, kept or not.
#[derive(Clone, Copy, Debug, Default)]
struct Added {
    flows: u64,
    mute: u64,
    handshakes: u64,
    expected: u64,
}

impl Default for Ledger {
    fn default() -> Self {
        Self::new(&Limits::default())
    }
}

impl Ledger {
    /// An empty ledger.
    pub fn new(limits: &Limits) -> Self {
        Self {
            links: Smallest::new(limits.links),
            mute: Smallest::new(limits.mute_links),
            handshakes: Smallest::new(limits.handshakes),
            expected: Smallest::new(limits.expected),
            added: Added::default(),
            reached: Reached::default(),
        }
    }

    /// Adds a flow that has ended.
    pub fn add(&mut self, mut record: FlowRecord) {
        if let Some(asides) = record.take_asides() {
            self.added.expected += asides.expected.len() as u64;
            self.added.handshakes += asides.handshakes.len() as u64;
            for announced in asides.expected {
                self.expected.merge(announced, 1, |there, more| *there += more);
            }
            for fact in asides.handshakes {
                self.handshakes.merge(fact.key(), fact, TlsFact::merge);
            }
            for (cap, times) in asides.beyond {
                self.reached.add(cap.counted(), times);
            }
        }
        let link = LinkKey::of(record.flow());
        let account = Box::new(Account::of(record));
        match account.worth(link.transport) {
            Worth::Mute => {
                self.added.mute += 1;
                self.mute.merge(link, account, |there, more| there.merge(*more));
            }
            worth => {
                self.added.flows += 1;
                self.links.merge((worth, link), account, |there, more| there.merge(*more));
            }
        }
    }

    /// Adds all of another ledger.
    pub fn merge(&mut self, other: Self) {
        let Added { flows, mute, handshakes, expected } = other.added;
        self.added.flows += flows;
        self.added.mute += mute;
        self.added.handshakes += handshakes;
        self.added.expected += expected;
        self.reached.merge(&other.reached);
        self.links.merge_all(other.links, |there, more| there.merge(*more));
        self.mute.merge_all(other.mute, |there, more| there.merge(*more));
        self.handshakes.merge_all(other.handshakes, TlsFact::merge);
        self.expected.merge_all(other.expected, |there, more| *there += more);
    }

    /// Closes the books. `kind` names the kind of finding a rule makes (`cred.password`).
    pub fn finish<'k>(self, kind: impl Fn(RuleIndex) -> &'k str) -> Closed {
        let Self { links, mute, handshakes, expected, added, mut reached } = self;
        let flows = |accounts: &mut dyn Iterator<Item = &Box<Account>>| accounts.map(|account| account.flows()).sum();
        for (limit, added, kept) in [
            (counted::LINKS, added.flows, flows(&mut links.values())),
            (counted::MUTE_LINKS, added.mute, flows(&mut mute.values())),
            (counted::HANDSHAKES, added.handshakes, handshakes.values().map(|fact| fact.flows).sum::<u64>()),
            (counted::EXPECTED, added.expected, expected.values().sum()),
        ] {
            reached.add(limit, added - kept);
        }
        let mut accounts: Vec<(LinkKey, Box<Account>)> =
            links.into_iter().map(|((_, link), account)| (link, account)).chain(mute).collect();
        accounts.sort_by_key(|(link, _)| *link);
        let mut closed: Vec<Link> = Vec::new();
        let mut accounts = accounts.into_iter().peekable();
        while let Some((link, mut account)) = accounts.next() {
            while let Some((_, more)) = accounts.next_if(|(next, _)| *next == link) {
                account.merge(*more);
            }
            for cap in account.full() {
                reached.cap(cap);
            }
            let announced = announced(&expected, link);
            closed.push(account.close(link, announced, &kind));
        }
        Closed { links: closed, handshakes: handshakes.into_iter().map(|(_, fact)| fact).collect(), reached }
    }
}

/// The protocol that another flow said would be spoken on a link.
fn announced(expected: &Expected, link: LinkKey) -> Option<&'static str> {
    let (at, protocol) = expected.first_from((link.server, ""))?;
    (*at == link.server).then_some(*protocol)
}

/// What a ledger comes to.
#[derive(Debug)]
pub struct Closed {
    /// Links by client, server and transport.
    pub links: Vec<Link>,
    /// Distinct handshakes by server, SNI, version, cipher and certificate.
    pub handshakes: Vec<TlsFact>,
    /// Limits that were reached.
    pub reached: Reached,
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
        self.links.binary_search_by_key(&LinkKey::of_finding(finding), Link::key).ok()
    }
}

/// What makes a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct LinkKey {
    client: IpAddr,
    server: Endpoint,
    transport: Transport,
}

impl LinkKey {
    const fn of(flow: &Flow) -> Self {
        Self { client: flow.client.ip, server: flow.server, transport: flow.transport }
    }

    const fn of_finding(finding: &Finding) -> Self {
        Self { client: finding.client.ip, server: finding.server, transport: finding.transport }
    }
}

#[cfg(test)]
mod tests;
