//! What workers found, within a limit.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use hashbrown::HashMap;

use crate::model::finding::{Finding, FindingId, Severity};
use crate::model::tally::{Reached, Skipped};

/// What a worker found, or all of them.
pub(super) struct Outcome {
    /// Findings that are kept at most.
    most: usize,
    /// Findings by id.
    pub(super) findings: HashMap<FindingId, Box<Finding>>,
    /// Sightings past the limit, which were counted and not kept.
    pub(super) not_kept: BTreeMap<Severity, u64>,
    /// The last finding for which there is room, once there were too many.
    last: Option<Rank>,
    /// What was not looked at.
    pub(super) skipped: Skipped,
    /// Limits that were reached.
    pub(super) reached: Reached,
}

/// What is kept when there are too many: the severe before the mild, and of those a fair sample. It
/// depends on what a report shows of them alone: not on the order in which they came, nor on the key of
/// the fingerprints, but where all that is shown is the same.
type Rank = (Reverse<Severity>, u64, FindingId);

fn rank(finding: &Finding) -> Rank {
    let Finding { rule, client, server, transport, field, username, value, .. } = finding;
    let mut hasher = DefaultHasher::new();
    let masked = value.as_ref().map(|value| &value.masked);
    (rule.0, client.ip, server, transport, field, username, masked).hash(&mut hasher);
    (Reverse(finding.severity), hasher.finish(), finding.id)
}

impl Outcome {
    /// Nothing, with room for `most` findings.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            findings: HashMap::new(),
            not_kept: BTreeMap::new(),
            last: None,
            skipped: Skipped::default(),
            reached: Reached::default(),
        }
    }

    /// What there is, and nothing stays.
    pub(super) fn take(&mut self) -> Self {
        std::mem::replace(self, Self::new(self.most))
    }

    /// Adds a sighting.
    pub(super) fn add(&mut self, finding: Box<Finding>) {
        if let Some(known) = self.findings.get_mut(&finding.id) {
            known.merge(*finding);
        } else if self.last.is_some_and(|last| rank(&finding) > last) {
            self.drop(&finding);
        } else {
            self.findings.insert(finding.id, finding);
            if self.findings.len() > self.most.saturating_add(self.most / 8) {
                self.prune();
            }
        }
    }

    /// Adds all of another worker's.
    pub(super) fn merge(&mut self, other: Self) {
        self.last = self.last.into_iter().chain(other.last).min();
        if self.findings.is_empty() {
            self.findings = other.findings;
        } else {
            other.findings.into_values().for_each(|finding| self.add(finding));
        }
        for (severity, count) in other.not_kept {
            *self.not_kept.entry(severity).or_default() += count;
        }
        self.skipped.merge(&other.skipped);
        self.reached.merge(&other.reached);
    }

    /// Keeps no more findings than there is room for.
    pub(super) fn prune(&mut self) {
        let most = self.most;
        let mut ranks: Vec<Rank> = self.findings.values().map(|finding| rank(finding)).collect();
        if ranks.len() <= most || most == 0 {
            return;
        }
        let (_, last, beyond) = ranks.select_nth_unstable(most - 1);
        self.last = Some(*last);
        for (.., id) in beyond {
            if let Some(finding) = self.findings.remove(id) {
                self.drop(&finding);
            }
        }
    }

    fn drop(&mut self, finding: &Finding) {
        *self.not_kept.entry(finding.severity).or_default() += finding.count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::{Confidence, RuleIndex};
    use crate::model::flow::{Direction, Endpoint, FlowId, Transport};
    use crate::model::packet::Span;
    use crate::model::why::Why;

    fn finding(id: u64, severity: Severity) -> Box<Finding> {
        let end = Endpoint { ip: [10, 0, 0, 1].into(), port: 80 };
        Box::new(Finding {
            id: FindingId(id),
            rule: RuleIndex(0),
            severity,
            confidence: Confidence::High,
            flow: FlowId(id),
            protocol: "http",
            transport: Transport::Tcp,
            client: end,
            server: end,
            server_name: None,
            tunnel: None,
            direction: Direction::ToServer,
            field: String::new(),
            username: None,
            value: None,
            outcome: None,
            why: Why::default(),
            note: None,
            bulk: None,
            span: Span::default(),
            count: 1,
            seen: Span::default(),
        })
    }

    #[test]
    fn the_severe_stay_when_there_are_too_many_whatever_the_order() {
        let all: Vec<u64> = (0..100).collect();
        let severity = |id: u64| if id.is_multiple_of(10) { Severity::Critical } else { Severity::Info };
        let kept = [all.clone(), all.into_iter().rev().collect()].map(|ids| {
            let mut outcome = Outcome::new(15);
            for id in ids {
                outcome.add(finding(id, severity(id)));
            }
            outcome.prune();
            let mut kept: Vec<u64> = outcome.findings.keys().map(|id| id.0).collect();
            kept.sort_unstable();
            (kept, outcome.not_kept)
        });
        assert_eq!(kept[0], kept[1]);
        assert_eq!(kept[0].0, [0, 1, 2, 3, 4, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90]);
        assert_eq!(kept[0].1, BTreeMap::from([(Severity::Info, 85)]));
    }
}
