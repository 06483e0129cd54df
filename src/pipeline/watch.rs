//! Live runs: findings are told as they are seen, until somebody says stop.
//!
//! Nothing here waits for a report to be written: what a slow or broken target has no room for is kept
//! for the next try where it can be, and counted.

use std::collections::HashSet;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, bounded};

use super::capture::Captured;
use super::closing::{self, Closing};
use super::live::{self, LaneSeen};
use super::outcome::Outcome;
use super::settings::Watching;
use super::spool::Outlet;
use super::worker::{Pace, Report};
use super::{batch, worker};
use crate::ledger::LiveLedger;
use crate::model::finding::{Finding, FindingId};
use crate::model::limits::{BATCH_CHUNKS, counted};
use crate::model::summary::{Note, Summary};
use crate::report::Sink;
use crate::rules::{Catalogue, Engine, Matcher};

/// How often workers tell what they found.
const PACE: Duration = Duration::from_millis(250);

/// A report and what becomes of it.
pub struct Board {
    /// Takes what is told, and hands it to a spool.
    pub sink: Box<dyn Sink>,
    /// The spool's other end.
    pub outlet: Outlet,
}

/// Whoever runs the program.
pub trait Operator {
    /// Is told something now, in a sentence.
    fn tell(&self, message: &str);

    /// The rules as they are now.
    fn rules(&self) -> Result<Catalogue, String>;
}

/// Watches until told to stop, or until nobody reads any report any more.
pub fn watch(watching: Watching, boards: Vec<Board>, operator: &dyn Operator) -> Summary {
    let Watching { lanes, jobs, matcher, limits, interval, duration, controls } = watching;
    let names: Vec<String> = lanes.first().into_iter().flatten().map(|i| i.name().to_owned()).collect();
    let rules = Mutex::new(Arc::clone(&matcher));
    let mut watch = Watch {
        matcher,
        boards,
        operator,
        outcome: Outcome::new(limits.findings),
        fresh: HashSet::new(),
        seen_again: HashSet::new(),
        links: LiveLedger::new(&limits),
        of_links: HashSet::new(),
        lanes: vec![LaneSeen::default(); lanes.len()],
        begun: Instant::now(),
        broken: false,
    };
    watch.each(|sink| sink.inputs(&names));
    let (controls, limits) = (&controls, &limits);
    thread::scope(|scope| {
        let _stops = StopsAtTheEnd(&controls.stop);
        let (first, inboxes) = batch::Batcher::new(jobs.get());
        let (reports_in, reports) = bounded(BATCH_CHUNKS);
        for inbox in inboxes {
            let (reports_in, rules) = (reports_in.clone(), &rules);
            let matcher = Arc::clone(&watch.matcher);
            scope.spawn(move || worker::run(&matcher, &inbox, limits, &reports_in, Some(&Pace { every: PACE, rules })));
        }
        for (number, interfaces) in lanes.into_iter().enumerate() {
            let (batcher, reports_in) = (first.another(), reports_in.clone());
            scope.spawn(move || live::run(number, interfaces, limits, batcher, controls, &reports_in));
        }
        drop((first, reports_in));
        let (mut told, mut looked) = (Instant::now(), Instant::now());
        loop {
            match reports.recv_timeout(PACE) {
                Ok(Report::Flow(record)) => watch.links.add(*record),
                Ok(Report::Open(record)) => watch.links.note(*record),
                Ok(Report::Found(found)) => watch.found(*found),
                Ok(Report::Seen(lane, seen)) => watch.seen(lane, *seen),
                Ok(Report::Message(message)) => operator.tell(&message),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            let over = duration.is_some_and(|duration| watch.begun.elapsed() >= duration);
            if over || watch.boards.iter().all(|board| board.outlet.is_gone()) {
                controls.stop.store(true, Ordering::Relaxed);
            }
            if controls.reload.swap(false, Ordering::Relaxed) {
                watch.reload(&rules);
            }
            if looked.elapsed() >= PACE {
                looked = Instant::now();
                watch.links();
            }
            let asked = controls.status.swap(false, Ordering::Relaxed);
            if asked || told.elapsed() >= interval {
                told = Instant::now();
                watch.status(asked);
            }
        }
    });
    watch.close()
}

/// Has the other threads stop when the collector is gone, by a fault too: a program that hears nothing
/// must not look as if it listened.
struct StopsAtTheEnd<'a>(&'a AtomicBool);

impl Drop for StopsAtTheEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Watch<'a> {
    matcher: Arc<Matcher>,
    boards: Vec<Board>,
    operator: &'a dyn Operator,
    outcome: Outcome,
    /// Ids of findings that are to be told: new, or worse than before.
    fresh: HashSet<FindingId>,
    /// Those that were only seen again: told when the state is.
    seen_again: HashSet<FindingId>,
    links: LiveLedger,
    /// Findings about links as a whole that were told.
    of_links: HashSet<FindingId>,
    lanes: Vec<LaneSeen>,
    begun: Instant,
    /// The operator knows that a report cannot be written.
    broken: bool,
}

impl Watch<'_> {
    /// Tells all sinks something. Whether all had room for it.
    fn each(&mut self, mut tell: impl FnMut(&mut dyn Sink) -> io::Result<()>) -> bool {
        let mut all = true;
        for board in &mut self.boards {
            let told = tell(board.sink.as_mut()).and_then(|()| board.sink.flush());
            all &= told.is_ok() || board.outlet.is_gone();
        }
        all
    }

    fn found(&mut self, mut found: Outcome) {
        for finding in std::mem::take(&mut found.findings).into_values() {
            let risen = self.outcome.findings.get(&finding.id).is_none_or(|known| {
                finding.severity > known.severity || finding.outcome.is_some() && finding.outcome > known.outcome
            });
            let changed = if risen { &mut self.fresh } else { &mut self.seen_again };
            changed.insert(finding.id);
            if !self.outcome.findings.contains_key(&finding.id) {
                self.links.found(&finding);
            }
            self.outcome.add(finding);
        }
        self.outcome.merge(found);
        let fresh = std::mem::take(&mut self.fresh);
        self.fresh = self.tell(fresh, false);
    }

    /// Tells findings in the order they were captured. What there was no room for comes back.
    fn tell(&mut self, ids: HashSet<FindingId>, again: bool) -> HashSet<FindingId> {
        let findings = std::mem::take(&mut self.outcome.findings);
        let mut these: Vec<&Finding> = ids.iter().filter_map(|id| findings.get(id)).map(AsRef::as_ref).collect();
        these.sort_unstable_by_key(|finding| (finding.span.first, finding.rule));
        let mut untold = HashSet::new();
        for finding in these {
            let told = self.each(|sink| if again { sink.update(finding) } else { sink.finding(finding) });
            if !told {
                untold.insert(finding.id);
            }
        }
        self.outcome.findings = findings;
        untold
    }

    /// Tells links that are new or turned out otherwise, and what the rules think of them.
    fn links(&mut self) {
        let matcher = Arc::clone(&self.matcher);
        let news = self.links.news(|rule| &matcher.catalogue().rule(rule).kind);
        if news.is_empty() {
            return;
        }
        let (mut engine, mut outcome) = (Engine::new(Arc::clone(&matcher)), Outcome::new(usize::MAX));
        for link in &news {
            closing::judge(&mut engine, link, &mut outcome);
            self.each(|sink| sink.link(link));
        }
        let mut findings: Vec<_> = outcome.findings.into_values().collect();
        findings.sort_unstable_by_key(|finding| (finding.span.first, finding.rule));
        for finding in findings {
            let again = !self.of_links.insert(finding.id);
            if !self.each(|sink| if again { sink.update(&finding) } else { sink.finding(&finding) }) && !again {
                // The end is the next try.
                self.of_links.remove(&finding.id);
            }
        }
    }

    fn seen(&mut self, lane: usize, seen: LaneSeen) {
        if let Some(slot) = self.lanes.get_mut(lane) {
            *slot = seen;
        }
        self.complain();
    }

    /// Says so when a report cannot be written, and when it can again.
    fn complain(&mut self) {
        let broken: Vec<&str> =
            self.boards.iter().filter(|board| board.outlet.is_broken()).map(|board| board.outlet.name()).collect();
        if broken.is_empty() == self.broken {
            self.broken = !broken.is_empty();
            match broken.as_slice() {
                [] => self.operator.tell("the reports can be written again"),
                names => self.operator.tell(&format!(
                    "{}: cannot be written now; trying again, and counting what is lost",
                    names.join(", ")
                )),
            }
        }
    }

    fn reload(&mut self, rules: &Mutex<Arc<Matcher>>) {
        self.boards.iter().for_each(|board| board.outlet.reopen());
        let successor = self
            .operator
            .rules()
            .and_then(|catalogue| self.matcher.successor(catalogue).map_err(|error| error.to_string()));
        match successor {
            Ok(matcher) => {
                // Reports must know the rules before a worker speaks of them.
                self.matcher = Arc::clone(&matcher);
                self.each(|sink| sink.rules(matcher.catalogue()));
                *rules.lock().unwrap_or_else(PoisonError::into_inner) = matcher;
                self.operator.tell("reports opened anew, rules loaded again");
            }
            Err(error) => self.operator.tell(&format!("{error}\nthe rules stay as they were")),
        }
    }

    fn status(&mut self, asked: bool) {
        let again = std::mem::take(&mut self.seen_again);
        self.seen_again = self.tell(again, true);
        let matcher = Arc::clone(&self.matcher);
        for link in self.links.grown(|rule| &matcher.catalogue().rule(rule).kind) {
            self.each(|sink| sink.link(&link));
        }
        let summary = closing::tally(self.captured(), &self.outcome, self.matcher.catalogue(), self.begun.elapsed());
        self.each(|sink| sink.status(&summary));
        if asked {
            self.operator.tell(&crate::report::state(&summary));
        }
    }

    /// What all lanes saw, together.
    fn captured(&self) -> Captured {
        let mut captured = Captured::default();
        for LaneSeen { counted, files, drops, notes } in &self.lanes {
            captured.streams.merge(&counted.streams);
            captured.skipped.merge(&counted.skipped);
            captured.reached.merge(&counted.reached);
            let capture = &mut captured.capture;
            capture.truncated += counted.truncated;
            capture.duplicates += counted.duplicates;
            capture.dropped_by_kernel += drops.kernel;
            capture.dropped_by_interface += drops.interface;
            match capture.files.is_empty() {
                true => capture.files.clone_from(files),
                false => capture.files.iter_mut().zip(files).for_each(|(there, more)| there.merge(more)),
            }
            for note in notes {
                // Lanes of one interface lose it together.
                match captured.notes.iter_mut().find(|there| there.file == note.file) {
                    Some(there) => there.count = there.count.max(note.count),
                    None => captured.notes.push(Note::clone(note)),
                }
            }
        }
        captured
    }

    fn close(mut self) -> Summary {
        self.boards.iter().for_each(|board| board.outlet.closing());
        let untold: HashSet<FindingId> = self.fresh.drain().chain(self.seen_again.drain()).collect();
        let told: HashSet<FindingId> =
            self.outcome.findings.keys().filter(|id| !untold.contains(*id)).copied().collect();
        let captured = self.captured();
        let (outcome, ledger) = (self.outcome.take(), std::mem::take(&mut self.links).into_ended());
        let Closing { findings, closed, mut summary } =
            closing::close(&self.matcher, captured, outcome, ledger, self.begun.elapsed());
        for finding in findings.iter().filter(|finding| !told.contains(&finding.id)) {
            let again = self.of_links.contains(&finding.id);
            self.each(|sink| if again { sink.update(finding) } else { sink.finding(finding) });
        }
        for handshake in &closed.handshakes {
            self.each(|sink| sink.tls(handshake));
        }
        for link in &closed.links {
            self.each(|sink| sink.link(link));
        }
        let lost: u64 = self.boards.iter().map(|board| board.outlet.lost()).sum();
        summary.limits.add(counted::UNWRITTEN, lost);
        self.each(|sink| sink.summary(&summary));
        for Board { sink, outlet } in self.boards {
            drop(sink);
            if !outlet.wait() && !outlet.is_gone() {
                let lost = outlet.lost();
                self.operator.tell(&format!("{}: {lost} lines could not be written", outlet.name()));
            }
        }
        summary
    }
}
