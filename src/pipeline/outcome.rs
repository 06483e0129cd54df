//! What workers found, within a limit.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use hashbrown::HashMap;

use crate::model::finding::{Finding, FindingId, Severity};
use crate::model::limits;
use crate::model::tally::Skipped;

/// What a worker found, or all of them.
#[derive(Default)]
pub(super) struct Outcome {
    /// Findings by id.
    pub(super) findings: HashMap<FindingId, Box<Finding>>,
    /// Sightings past [`limits::FINDINGS`], which were counted and not kept.
    pub(super) not_kept: BTreeMap<Severity, u64>,
    /// The last finding for which there is room, once there were too many.
    last: Option<Rank>,
    /// What was not looked at.
    pub(super) skipped: Skipped,
    /// Flows that were given up because an analyzer failed on them.
    pub(super) faults: u64,
}

/// What is kept when there are too many: the severe before the mild, and of those a fair sample, since
/// ids are as good as random. It does not depend on the order in which they came.
type Rank = (Reverse<Severity>, FindingId);

fn rank(finding: &Finding) -> Rank {
    (Reverse(finding.severity), finding.id)
}

impl Outcome {
    /// Adds a sighting.
    pub(super) fn add(&mut self, finding: Box<Finding>) {
        if let Some(known) = self.findings.get_mut(&finding.id) {
            known.merge(*finding);
        } else if self.last.is_some_and(|last| rank(&finding) > last) {
            self.drop(&finding);
        } else {
            self.findings.insert(finding.id, finding);
            if self.findings.len() > limits::FINDINGS + limits::FINDINGS / 8 {
                self.prune(limits::FINDINGS);
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
        self.faults += other.faults;
    }

    /// Keeps no more than `most` findings.
    pub(super) fn prune(&mut self, most: usize) {
        let mut ranks: Vec<Rank> = self.findings.values().map(|finding| rank(finding)).collect();
        if ranks.len() <= most || most == 0 {
            return;
        }
        let (_, last, beyond) = ranks.select_nth_unstable(most - 1);
        self.last = Some(*last);
        for (_, id) in beyond {
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
            direction: Direction::ToServer,
            field: String::new(),
            username: None,
            value: None,
            outcome: None,
            why: Why::default(),
            note: None,
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
            let mut outcome = Outcome::default();
            for id in ids {
                outcome.add(finding(id, severity(id)));
                if outcome.findings.len() > 20 {
                    outcome.prune(15);
                }
            }
            outcome.prune(15);
            let mut kept: Vec<u64> = outcome.findings.keys().map(|id| id.0).collect();
            kept.sort_unstable();
            (kept, outcome.not_kept)
        });
        assert_eq!(kept[0], kept[1]);
        assert_eq!(kept[0].0, [0, 1, 2, 3, 4, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90]);
        assert_eq!(kept[0].1, BTreeMap::from([(Severity::Info, 85)]));
    }
}
