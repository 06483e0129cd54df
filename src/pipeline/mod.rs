//! Joins the stages: the only threads, channels and clocks of the program.
//!
//! One capture thread reads, decodes and reassembles, and sends batches to the workers over bounded
//! channels. A flow stays on its worker. The calling thread collects: it closes the ledger, orders and
//! writes. Offline, nothing is dropped: the capture thread waits for the workers.

mod batch;
mod capture;
mod closing;
mod lane;
#[cfg(all(feature = "live", unix))]
mod live;
mod outcome;
mod recall;
pub mod settings;
#[cfg(all(feature = "live", unix))]
pub mod spool;
pub mod target;
#[cfg(all(feature = "live", unix))]
pub mod watch;
mod worker;

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, bounded};

use capture::Gauge;
use closing::Closing;
use outcome::Outcome;
pub use settings::Settings;
use worker::Report;

use crate::ledger::Ledger;
use crate::model::limits::BATCH_CHUNKS;
use crate::model::packet::LinkType;
use crate::model::summary::Summary;
use crate::report::Sink;
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
    let (matcher, limits) = (&settings.matcher, &settings.limits);
    let mut filter = settings.filter.as_deref().map(|text| Filter::compile(text, ETHERNET)).transpose()?;
    let gauge = Gauge::default();
    let (mut captured, outcome, ledger) = thread::scope(|scope| {
        let (batcher, inboxes) = batch::Batcher::new(settings.jobs.get());
        let (reports_in, reports) = bounded(BATCH_CHUNKS);
        for inbox in inboxes {
            let (matcher, reports_in) = (Arc::clone(matcher), reports_in.clone());
            scope.spawn(move || worker::run(&matcher, &inbox, limits, &reports_in, None));
        }
        drop(reports_in);
        let (filter, gauge) = (filter.as_mut(), &gauge);
        let capture =
            scope.spawn(move || capture::run(&settings.inputs, limits, filter, batcher, &settings.stop, gauge));
        let (mut outcome, mut ledger) = (Outcome::new(limits.findings), Ledger::new(limits));
        loop {
            match reports.recv_timeout(TICK) {
                Ok(Report::Flow(record)) => ledger.add(*record),
                Ok(Report::Found(found)) => outcome.merge(*found),
                #[cfg(all(feature = "live", unix))]
                Ok(Report::Open(_) | Report::Seen(..) | Report::Message(_)) => {}
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
    let failed = std::mem::take(&mut captured.failed);
    let Closing { findings, closed, summary } = closing::close(matcher, captured, outcome, ledger, begun.elapsed());
    let names: Vec<String> = summary.capture.files.iter().map(|file| file.name.clone()).collect();
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
