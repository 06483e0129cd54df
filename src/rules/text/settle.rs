//! Of several findings in the same bytes one stands; what needs company loses its place without it.

use hashbrown::{HashMap, HashSet};

use super::{Hit, Scan, Scratch, document, keyword};
use crate::model::finding::{Confidence, RuleIndex};
use crate::model::why::Fact;
use crate::rules::engine::Matcher;
use crate::rules::glob::fits_any;
use crate::rules::schema::When;

/// How far away company may be, in bytes.
const NEAR: usize = 400;

impl Matcher {
    pub(super) fn settle(&self, scan: &Scan<'_>, scratch: &mut Scratch) {
        if scratch.hits.is_empty() {
            return;
        }
        if document::published(scan) {
            self.examples(scan, scratch);
        }
        if document::is_cluster_secret(scan) {
            self.encoded(scan, scratch);
        }
        self.company(scratch);
        if scratch.hits.len() > 1 {
            self.outranked(scratch);
        }
        self.bulk(scan, scratch);
    }

    /// Secrets that a document calls examples.
    fn examples(&self, scan: &Scan<'_>, scratch: &mut Scratch) {
        for hit in &mut scratch.hits {
            if document::example(scan.text, hit.range.start, scan.format) {
                *hit = hit.clone().for_example();
            }
        }
    }

    /// Secrets of a document that has all of them in base64: what they are is told.
    fn encoded(&self, scan: &Scan<'_>, scratch: &mut Scratch) {
        for hit in &mut scratch.hits {
            if hit.value.is_none() && self.catalogue.rule(hit.rule).category() == "credential" {
                let raw = scan.text.get(hit.range.clone()).unwrap_or_default();
                hit.value = keyword::decoded(raw);
                hit.why = hit.why.and_if(hit.value.is_some(), Fact::Base64);
            }
        }
    }

    fn company(&self, scratch: &mut Scratch) {
        let wants = |hit: &Hit| match &self.catalogue.rule(hit.rule).when {
            When::Content(content) => &content.near,
            When::Field(named) => &named.near,
            When::Number(number) => &number.near,
            _ => const { &Vec::new() },
        };
        let alone: Vec<bool> = scratch
            .hits
            .iter()
            .map(|hit| {
                let near = wants(hit);
                !near.is_empty() && !self.beside(hit, near, &scratch.hits, Confidence::Low)
            })
            .collect();
        let raised: Vec<Option<Confidence>> = scratch.hits.iter().map(|hit| self.raised(hit, &scratch.hits)).collect();
        for (hit, raised) in scratch.hits.iter_mut().zip(raised) {
            if let Some(confidence) = raised {
                hit.confidence = confidence;
                hit.why = hit.why.and(Fact::Company);
            }
            hit.why = hit.why.and_if(!wants(hit).is_empty(), Fact::Company);
        }
        let mut alone = alone.into_iter();
        scratch.hits.retain(|_| !alone.next().unwrap_or(false));
    }

    /// Whether a finding of one of these kinds, and at least so sure, is near.
    fn beside(&self, hit: &Hit, kinds: &[String], hits: &[Hit], least: Confidence) -> bool {
        hits.iter().any(|other| {
            let distance = other.range.start.abs_diff(hit.range.start);
            let near = distance > 0 && distance < NEAR && other.confidence >= least;
            near && fits_any(kinds, &self.catalogue.rule(other.rule).kind)
        })
    }

    /// How sure a number is that nothing but the findings near it speaks for.
    fn raised(&self, hit: &Hit, hits: &[Hit]) -> Option<Confidence> {
        let rule = self.catalogue.rule(hit.rule);
        let (confidence, raised_by) = match &rule.when {
            When::Number(number) => (number.apart_confidence?, &number.raised_by),
            When::Content(content) => (rule.confidence, &content.raised_by),
            _ => return None,
        };
        let test = hit.why.has(Fact::TestValue) || raised_by.is_empty() || hit.confidence != Confidence::Low;
        (!test && self.beside(hit, raised_by, hits, Confidence::Medium)).then_some(confidence)
    }

    /// Keeps the hit with the highest rank, then confidence, then length, of those that overlap. It takes
    /// over the account of one that it replaces.
    fn outranked(&self, scratch: &mut Scratch) {
        let key = |hit: &Hit| (self.catalogue.rule(hit.rule).rank(), hit.confidence, hit.range.len());
        scratch.hits.sort_by(|a, b| {
            (a.range.start, std::cmp::Reverse(key(a)), a.rule).cmp(&(b.range.start, std::cmp::Reverse(key(b)), b.rule))
        });
        let mut kept: Vec<Hit> = Vec::with_capacity(scratch.hits.len());
        for mut hit in scratch.hits.drain(..) {
            while let Some(last) = kept.last() {
                if last.range.end <= hit.range.start || key(last) >= key(&hit) {
                    break;
                }
                let lost = kept.pop().and_then(|last| last.account);
                hit.account = hit.account.or(lost);
            }
            match kept.last_mut().filter(|last| last.range.end > hit.range.start) {
                Some(last) => last.account = last.account.take().or(hit.account),
                None => kept.push(hit),
            }
        }
        scratch.hits = kept;
    }

    /// Many different values of one kind are worse than one.
    fn bulk(&self, scan: &Scan<'_>, scratch: &mut Scratch) {
        let mut values: HashMap<RuleIndex, HashSet<&[u8]>> = HashMap::new();
        for hit in &scratch.hits {
            if let When::Content(content) = &self.catalogue.rule(hit.rule).when
                && content.bulk.is_some()
            {
                values.entry(hit.rule).or_default().extend(scan.text.get(hit.range.clone()));
            }
        }
        for hit in &mut scratch.hits {
            if let When::Content(content) = &self.catalogue.rule(hit.rule).when
                && let (Some(bulk), Some(severity)) = (content.bulk, content.bulk_severity)
                && values.get(&hit.rule).is_some_and(|values| values.len() >= bulk)
            {
                hit.severity = severity;
                hit.why = hit.why.and(Fact::Bulk);
            }
        }
    }
}
