//! A ledger that can be looked into while flows go on: a link is told before its last flow has ended.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::link::{Account, Worth};
use super::{Ledger, Link, LinkKey, Verdict, announced};
use crate::ledger::FlowRecord;
use crate::model::finding::{Finding, RuleIndex};
use crate::model::flow::FlowId;
use crate::model::limits::Limits;
use crate::model::link::{Encryption, Upgrade};

/// Flows that have ended, and what is known of those that have not.
#[derive(Debug, Default)]
pub struct LiveLedger {
    ended: Ledger,
    open: BTreeMap<(LinkKey, FlowId), Account>,
    places: HashMap<FlowId, LinkKey>,
    /// Links that something was added to and that nobody has looked at since.
    touched: BTreeSet<LinkKey>,
    /// Those that were looked at, and had no more than further flows.
    grown: BTreeSet<LinkKey>,
    /// What was last told of a link.
    told: HashMap<LinkKey, Told>,
    findings: HashMap<LinkKey, u64>,
    /// Links of which it is remembered what was told.
    most: usize,
}

/// What of a link is worth telling at once.
type Told = (Verdict, Encryption, &'static str, Option<Upgrade>);

impl LiveLedger {
    /// An empty ledger with the operator's limits.
    pub fn new(limits: &Limits) -> Self {
        Self { ended: Ledger::new(limits), most: limits.links, ..Self::default() }
    }

    /// Adds a flow that has ended.
    pub fn add(&mut self, record: FlowRecord) {
        let (id, link) = (record.flow().id, LinkKey::of(record.flow()));
        self.forget(id);
        self.touched.insert(link);
        self.ended.add(record);
    }

    /// Takes note of a flow that goes on, in place of what was known of it.
    pub fn note(&mut self, record: FlowRecord) {
        let (id, link) = (record.flow().id, LinkKey::of(record.flow()));
        self.forget(id);
        self.touched.insert(link);
        self.places.insert(id, link);
        self.open.insert((link, id), Account::of(record));
    }

    /// Counts a finding that was not seen before.
    pub fn found(&mut self, finding: &Finding) {
        *self.findings.entry(LinkKey::of_finding(finding)).or_default() += 1;
    }

    /// The links that are new, or of which something else is to be thought than what was told. `kind`
    /// names the kind of finding a rule makes.
    pub fn news<'k>(&mut self, kind: impl Fn(RuleIndex) -> &'k str) -> Vec<Link> {
        if self.told.len() >= self.most {
            // What is told twice does no harm.
            self.told.clear();
            self.findings.clear();
        }
        let mut news = Vec::new();
        for key in std::mem::take(&mut self.touched) {
            let Some(link) = self.link(key, &kind) else { continue };
            let tell: Told = (link.verdict, link.encryption, link.protocol, link.upgrade);
            if self.told.insert(key, tell) == Some(tell) {
                self.grown.insert(key);
            } else {
                self.grown.remove(&key);
                news.push(link);
            }
        }
        news
    }

    /// The other links that something was added to since the last call, as they stand.
    pub fn grown<'k>(&mut self, kind: impl Fn(RuleIndex) -> &'k str) -> Vec<Link> {
        let grown = std::mem::take(&mut self.grown);
        grown.into_iter().filter_map(|link| self.link(link, &kind)).collect()
    }

    /// All flows that have ended, when no other goes on.
    pub fn into_ended(self) -> Ledger {
        self.ended
    }

    fn forget(&mut self, id: FlowId) {
        if let Some(link) = self.places.remove(&id) {
            self.open.remove(&(link, id));
        }
    }

    fn link<'k>(&self, link: LinkKey, kind: &impl Fn(RuleIndex) -> &'k str) -> Option<Link> {
        let ended = [Worth::Telling, Worth::Real].map(|worth| self.ended.links.get(&(worth, link)));
        let ended = ended.into_iter().chain([self.ended.mute.get(&link)]).flatten().map(|account| &**account);
        let open = self.open.range((link, FlowId(0))..=(link, FlowId(u64::MAX))).map(|(_, account)| account);
        let whole = ended.chain(open).cloned().reduce(|mut whole, more| {
            whole.merge(more);
            whole
        })?;
        let findings = self.findings.get(&link).copied().unwrap_or(0);
        Some(Link { findings, ..whole.close(link, announced(&self.ended.expected, link), kind) })
    }
}
