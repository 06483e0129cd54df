//! The end of a run, live or not: links are judged, findings put in order, everything is counted.

use std::sync::Arc;
use std::time::Duration;

use super::capture::Captured;
use super::outcome::Outcome;
use crate::ledger::{Closed, Ledger, Link};
use crate::model::event::{Event, Grade, Skip, Weakness};
use crate::model::finding::Finding;
use crate::model::flow::{Direction, Flow};
use crate::model::limits::counted;
use crate::model::packet::{Mark, Span};
use crate::model::summary::{Capture, Summary};
use crate::rules::{Catalogue, Context, Engine, Matcher};
use crate::source::Secrets;

/// What a run came to, in order.
pub(super) struct Closing {
    #[expect(clippy::vec_box, reason = "they come in boxes, and are large to sort")]
    pub(super) findings: Vec<Box<Finding>>,
    pub(super) closed: Closed,
    pub(super) summary: Summary,
}

/// Closes the books.
pub(super) fn close(
    matcher: &Arc<Matcher>,
    captured: Captured,
    mut outcome: Outcome,
    ledger: Ledger,
    elapsed: Duration,
) -> Closing {
    let catalogue = matcher.catalogue();
    let mut closed = ledger.finish(|rule| &catalogue.rule(rule).kind);
    let mut engine = Engine::new(Arc::clone(matcher));
    for link in &closed.links {
        judge(&mut engine, link, &mut outcome);
    }
    for secrets in &captured.secrets {
        judge_secrets(&mut engine, secrets, &captured.capture, &mut outcome);
    }
    outcome.prune();
    let findings = in_order(&mut outcome, &closed);
    closed.count(findings.iter().map(AsRef::as_ref));
    let summary = summarise(captured, &outcome, &closed, &findings, catalogue, elapsed);
    Closing { findings, closed, summary }
}

/// Asks the rules about a link as a whole.
pub(super) fn judge(engine: &mut Engine, link: &Link, outcome: &mut Outcome) {
    let server_name = link.server_name.as_deref();
    let context = Context { flow: &link.flow, protocol: link.protocol, server_name };
    for weakness in link.weaknesses() {
        let event = Event::Weakness(Weakness {
            kind: weakness.kind,
            value: weakness.value,
            note: &weakness.note,
            grade: weakness.grade,
            direction: Direction::ToServer,
            span: weakness.span,
        });
        engine.event(&context, &event, &mut |finding| outcome.add(Box::new(finding)));
    }
}

/// Asks the rules about keys that stand in a capture.
fn judge_secrets(engine: &mut Engine, secrets: &Secrets, capture: &Capture, outcome: &mut Outcome) {
    let Secrets { kind, count, frame, at } = secrets;
    let begins = capture.files.get(frame.file as usize).and_then(|file| file.span).map(|span| span.0);
    let mark = Mark { at: at.or(begins).unwrap_or_default(), frame: *frame };
    let plural = if *count == 1 { "y" } else { "ies" };
    let event = Event::Weakness(Weakness {
        kind: "capture.keys",
        value: kind,
        note: &format!("the file itself holds a {kind}, {count} entr{plural}"),
        grade: Grade::Broken,
        direction: Direction::ToServer,
        span: Span::at(mark),
    });
    let context = Context { flow: &Flow::OF_CAPTURE, protocol: "pcapng", server_name: None };
    engine.event(&context, &event, &mut |finding| outcome.add(Box::new(finding)));
}

/// The findings, worst first, then as they were captured. Connections another one had announced get
/// the protocol it had announced.
#[expect(clippy::vec_box, reason = "they come in boxes, and are large to sort")]
fn in_order(outcome: &mut Outcome, closed: &Closed) -> Vec<Box<Finding>> {
    let mut findings: Vec<Box<Finding>> = std::mem::take(&mut outcome.findings).into_values().collect();
    for finding in &mut findings {
        if finding.protocol == crate::proto::text::PROTOCOL.name
            && let Some(link) = closed.link_of(finding)
        {
            finding.protocol = link.protocol;
        }
    }
    // Ids depend on the key of the fingerprints: they decide only between what looks the same.
    let place = |f: &Finding| (f.span.first, f.flow, f.rule);
    findings.sort_by(|a, b| {
        let (shown_a, shown_b) = (a.value.as_ref(), b.value.as_ref());
        b.severity
            .cmp(&a.severity)
            .then_with(|| place(a).cmp(&place(b)))
            .then_with(|| a.field.cmp(&b.field))
            .then_with(|| a.username.cmp(&b.username))
            .then_with(|| shown_a.map(|value| &value.masked).cmp(&shown_b.map(|value| &value.masked)))
            .then_with(|| a.id.cmp(&b.id))
    });
    findings
}

fn summarise(
    captured: Captured,
    outcome: &Outcome,
    closed: &Closed,
    findings: &[Box<Finding>],
    catalogue: &Catalogue,
    elapsed: Duration,
) -> Summary {
    let mut summary = tally(captured, outcome, catalogue, elapsed);
    for finding in findings {
        summary.findings.add(finding.severity, catalogue.rule(finding.rule).category());
    }
    for link in &closed.links {
        *summary.links.entry(link.verdict.name()).or_default() += 1;
    }
    summary.limits.merge(&closed.reached);
    summary
}

/// The summary of a run that goes on: links are not judged yet.
pub(super) fn tally(captured: Captured, outcome: &Outcome, catalogue: &Catalogue, elapsed: Duration) -> Summary {
    let Captured { capture, streams, mut skipped, reached: mut limits, notes, interrupted, .. } = captured;
    skipped.merge(&outcome.skipped);
    limits.merge(&outcome.reached);
    limits.add(counted::FINDINGS, outcome.not_kept.values().sum());
    limits.add(counted::OVERLONG, skipped.of(Skip::Limit.name()).packets);
    let mut summary = Summary { capture, streams, skipped, limits, notes, interrupted, elapsed, ..Summary::default() };
    for finding in outcome.findings.values() {
        summary.findings.add(finding.severity, catalogue.rule(finding.rule).category());
    }
    summary.findings.not_kept.clone_from(&outcome.not_kept);
    summary
}
