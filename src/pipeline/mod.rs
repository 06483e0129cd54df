//! Joins the stages: the only threads, channels and clocks of the program.
//!
//! One capture thread reads, decodes and reassembles, and sends batches to the workers over bounded
//! channels. A flow stays on its worker. The calling thread collects: it closes the ledger, orders and
//! writes. Offline, nothing is dropped: the capture thread waits for the workers.

mod batch;
mod capture;
mod lane;
pub mod settings;
mod worker;

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, bounded};

use capture::{Captured, Gauge};
pub use settings::Settings;
use worker::{Outcome, Report};

use crate::ledger::{Closed, Ledger, Link};
use crate::model::event::{Event, Weakness};
use crate::model::finding::Finding;
use crate::model::flow::{Direction, Endpoint};
use crate::model::limits;
use crate::model::packet::LinkType;
use crate::model::summary::Summary;
use crate::report::Sink;
use crate::rules::{Catalogue, Context, Engine};
use crate::source::SourceError;
use crate::source::filter::{Filter, FilterError};

/// How often the progress is told.
const TICK: Duration = Duration::from_millis(100);

/// What a filter is compiled for at first: a mistake in it is known before a packet is read.
const ETHERNET: LinkType = LinkType(1);

/// How far a run has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read of all inputs.
    pub read: u64,
    /// Packets read of all inputs.
    pub packets: u64,
}

/// Why a run could not be done.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The filter is not one.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// None of the inputs could be read.
    #[error("{}", joined(.0))]
    Inputs(Vec<SourceError>),
    /// A report could not be written.
    #[error("writing the report: {0}")]
    Output(#[from] io::Error),
}

/// What a run came to.
#[derive(Debug)]
pub struct Run {
    /// The summary, as the sinks were told.
    pub summary: Summary,
    /// Inputs of which nothing could be read, while others could.
    pub failed: Vec<SourceError>,
}

fn joined(errors: &[SourceError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Analyses saved captures and tells the sinks, in an order that does not depend on the number of
/// workers: findings by severity, then by first packet; handshakes and links by address; the summary.
pub fn read(
    settings: &Settings,
    sinks: &mut [Box<dyn Sink>],
    progress: &dyn Fn(Progress),
) -> Result<Run, PipelineError> {
    let begun = Instant::now();
    let matcher = &settings.matcher;
    let mut filter = settings.filter.as_deref().map(|text| Filter::compile(text, ETHERNET)).transpose()?;
    let gauge = Gauge::default();
    let (mut captured, mut outcome, ledger) = thread::scope(|scope| {
        let (batcher, inboxes) = batch::Batcher::new(settings.jobs.get());
        let (reports_in, reports) = bounded(limits::BATCH_CHUNKS);
        for inbox in inboxes {
            let (matcher, reports_in) = (Arc::clone(matcher), reports_in.clone());
            scope.spawn(move || worker::run(&matcher, &inbox, &reports_in));
        }
        drop(reports_in);
        let (filter, gauge) = (filter.as_mut(), &gauge);
        let capture = scope.spawn(move || capture::run(&settings.inputs, filter, batcher, &settings.stop, gauge));
        let (mut outcome, mut ledger) = (Outcome::default(), Ledger::new());
        loop {
            match reports.recv_timeout(TICK) {
                Ok(Report::Flow(record)) => ledger.add(*record),
                Ok(Report::Done(worker)) => outcome.merge(*worker),
                Err(RecvTimeoutError::Timeout) => progress(Progress {
                    read: gauge.read.load(Ordering::Relaxed),
                    packets: gauge.packets.load(Ordering::Relaxed),
                }),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        let captured = capture.join().unwrap_or_else(|failure| std::panic::resume_unwind(failure));
        (captured, outcome, ledger)
    });
    if captured.capture.packets() == 0 && !captured.failed.is_empty() {
        return Err(PipelineError::Inputs(captured.failed));
    }
    let catalogue = matcher.catalogue();
    let mut closed = ledger.finish(|rule| &catalogue.rule(rule).kind);
    let mut engine = Engine::new(Arc::clone(matcher));
    for link in &closed.links {
        judge(&mut engine, link, &mut outcome);
    }
    let findings = in_order(&mut outcome, &closed);
    closed.count(&findings);
    let failed = std::mem::take(&mut captured.failed);
    let summary = summarise(captured, &outcome, &closed, &findings, catalogue, begun.elapsed());
    let names: Vec<String> = settings.inputs.iter().map(capture::name).collect();
    for sink in sinks {
        sink.inputs(&names)?;
        for finding in &findings {
            sink.finding(finding)?;
        }
        for handshake in &closed.handshakes {
            sink.tls(handshake)?;
        }
        for link in &closed.links {
            sink.link(link)?;
        }
        sink.summary(&summary)?;
    }
    Ok(Run { summary, failed })
}

/// Asks the rules about a link as a whole.
fn judge(engine: &mut Engine, link: &Link, outcome: &mut Outcome) {
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
        engine.event(&context, &event, &mut |finding| outcome.add(finding));
    }
}

/// The findings, worst first, then as they were captured. Connections another one had announced get
/// the protocol it had announced.
fn in_order(outcome: &mut Outcome, closed: &Closed) -> Vec<Finding> {
    let names: BTreeMap<(IpAddr, Endpoint), &'static str> =
        closed.links.iter().map(|link| ((link.client, link.server), link.protocol)).collect();
    let mut findings: Vec<Finding> = std::mem::take(&mut outcome.findings).into_values().collect();
    for finding in &mut findings {
        if finding.protocol == crate::proto::text::PROTOCOL.name
            && let Some(protocol) = names.get(&(finding.client.ip, finding.server))
        {
            finding.protocol = protocol;
        }
    }
    // Ids depend on the key of the fingerprints: they decide only between what looks the same.
    let place = |f: &Finding| (f.span.first, f.flow, f.rule);
    let look = |f: &Finding| (f.field.clone(), f.username.clone(), f.value.as_ref().map(|v| v.masked.clone()));
    findings.sort_by(|a, b| {
        b.severity
            .cmp(&a.severity)
            .then_with(|| place(a).cmp(&place(b)))
            .then_with(|| look(a).cmp(&look(b)))
            .then_with(|| a.id.cmp(&b.id))
    });
    findings
}

fn summarise(
    captured: Captured,
    outcome: &Outcome,
    closed: &Closed,
    findings: &[Finding],
    catalogue: &Catalogue,
    elapsed: Duration,
) -> Summary {
    let Captured { capture, streams, mut skipped, notes, interrupted, .. } = captured;
    skipped.merge(&outcome.skipped);
    let mut summary = Summary { capture, streams, skipped, notes, interrupted, elapsed, ..Summary::default() };
    for finding in findings {
        summary.findings.add(finding.severity, catalogue.rule(finding.rule).category());
    }
    for link in &closed.links {
        *summary.links.entry(link.verdict.name()).or_default() += 1;
    }
    for (limit, count) in [
        ("findings not kept", outcome.findings_over_limit),
        ("flows of links not kept", closed.flows_beyond),
        ("flows given up after a fault", outcome.faults),
    ] {
        if count > 0 {
            summary.limits.insert(limit, count);
        }
    }
    summary
}
