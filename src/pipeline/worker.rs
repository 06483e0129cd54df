//! A worker: follows its flows through classification and analysis, and asks the rules.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, Sender};
use hashbrown::HashMap as FastMap;

use super::batch::{Chunk, Inbox, Opened, What};
use super::outcome::Outcome;
use super::recall::Recall;
use crate::flow::Interest;
use crate::ledger::{FlowRecord, Handshakes};
use crate::model::digest::Digest;
use crate::model::event::{Event, LinkFact};
use crate::model::flow::{Direction, Flow, FlowId};
use crate::model::limits::{Limits, counted};
use crate::model::stream::{Origin, Stretch};
use crate::proto::Protocol;
use crate::proto::session::{Session, SessionSink};
use crate::rules::{Context, Engine, Matcher};

/// What the collector is told.
pub(super) enum Report {
    /// A flow is over.
    Flow(Box<FlowRecord>),
    /// A flow goes on, and there are news of it.
    #[cfg(all(feature = "live", unix))]
    Open(Box<FlowRecord>),
    /// What a worker found since it last said so.
    Found(Box<Outcome>),
    /// What a live lane has seen so far.
    #[cfg(all(feature = "live", unix))]
    Seen(usize, Box<super::live::LaneSeen>),
    /// Something the operator should know now.
    #[cfg(all(feature = "live", unix))]
    Message(String),
}

/// How a worker goes on in a live run.
pub(super) struct Pace<'a> {
    /// How often it tells what it found.
    pub(super) every: Duration,
    /// The rules that are wanted now.
    pub(super) rules: &'a Mutex<Arc<Matcher>>,
}

/// Works until the capture threads hang up. Without a pace, what was found is told at the end.
pub(super) fn run(
    matcher: &Arc<Matcher>,
    inbox: &Inbox,
    limits: &Limits,
    reports: &Sender<Report>,
    pace: Option<&Pace<'_>>,
) {
    let texts = limits.contents / 2;
    let mut worker = Worker {
        flows: FastMap::new(),
        news: pace.map(|_| Vec::new()),
        bench: Bench {
            engine: Engine::new(Arc::clone(matcher)).remembering(texts),
            outcome: Outcome::new(limits.findings),
            handshakes: Handshakes::default(),
            most_of_body: limits.body_bytes as u64,
            recall: Recall::of(limits.contents - texts),
        },
    };
    let patience = pace.map_or(Duration::MAX, |pace| pace.every);
    let mut rules = Arc::clone(matcher);
    let mut told = Instant::now();
    loop {
        match inbox.full.recv_timeout(patience) {
            Ok(mut batch) => {
                for (chunk, payload) in batch.drain() {
                    if let Some(record) = worker.chunk(chunk, payload) {
                        // The collector outlives the workers.
                        let _ = reports.send(Report::Flow(Box::new(record)));
                    }
                }
                let _ = inbox.empty.try_send(batch);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if told.elapsed() >= patience {
            told = Instant::now();
            worker.tell(reports);
            #[cfg(all(feature = "live", unix))]
            worker.tell_news(reports);
            if let Some(pace) = pace {
                let wanted = pace.rules.lock().unwrap_or_else(PoisonError::into_inner);
                if !Arc::ptr_eq(&wanted, &rules) {
                    rules = Arc::clone(&wanted);
                    worker.bench.engine.replace(Arc::clone(&wanted));
                    worker.bench.recall.forget();
                }
            }
        }
    }
    worker.tell(reports);
}

struct Worker {
    flows: FastMap<FlowId, Box<Followed>>,
    /// Flows there are news of, in a live run.
    news: Option<Vec<FlowId>>,
    bench: Bench,
}

/// What serves all flows of a worker.
struct Bench {
    engine: Engine,
    outcome: Outcome,
    handshakes: Handshakes,
    most_of_body: u64,
    recall: Recall,
}

/// One flow.
struct Followed {
    session: Session,
    record: FlowRecord,
    interest: Arc<Interest>,
    /// Stream offset reached in each direction, as the flow table sees the direction.
    reached: [u64; 2],
    /// What the client last called the server.
    server_name: Option<String>,
}

impl Worker {
    /// Hands over what was found since the last time.
    fn tell(&mut self, reports: &Sender<Report>) {
        let found = self.bench.outcome.take();
        let _ = reports.send(Report::Found(Box::new(found)));
    }

    /// Acts on one chunk. Gives the flow's record when it is over.
    fn chunk(&mut self, chunk: Chunk, payload: &[u8]) -> Option<FlowRecord> {
        let Chunk { flow, mark, what } = chunk;
        let (direction, step) = match what {
            What::Open(opened) => {
                let Opened { flow, midstream, interest } = *opened;
                let session = Session::new(flow, midstream);
                let record = FlowRecord::new(&flow, mark);
                let followed = Followed { session, record, interest, reached: [0; 2], server_name: None };
                self.flows.insert(flow.id, Box::new(followed));
                return None;
            }
            What::End => {
                let mut followed = self.flows.remove(&flow)?;
                followed.act(&mut self.bench, Session::end);
                followed.record.ended(mark);
                self.bench.engine.ended(flow);
                return Some(followed.record);
            }
            What::Data { direction, .. } => (direction, Step::Data),
            What::Gap { direction, missing } => (direction, Step::Gap(missing)),
            What::Skipped { direction, bytes } => (direction, Step::Skipped(bytes)),
        };
        let followed = self.flows.get_mut(&flow)?;
        let length = match step {
            Step::Data => payload.len() as u64,
            Step::Gap(length) | Step::Skipped(length) => length,
        };
        let captured = !matches!(step, Step::Gap(_));
        self.bench.engine.turned(flow, followed.session.view(direction));
        let had_news = followed.record.has_news();
        if followed.session.unwanted(direction) == u64::MAX {
            if captured {
                self.bench.outcome.skipped.add(followed.session.skip_reason().name(), length);
            }
        } else {
            let origins = [Origin { start: 0, mark }];
            followed.act(&mut self.bench, |session, sink| match step {
                Step::Data => session.data(direction, Stretch { bytes: payload, origins: &origins }, sink),
                Step::Gap(missing) => session.gap(direction, missing, sink),
                Step::Skipped(bytes) => session.gap(direction, bytes, sink),
            });
        }
        if captured {
            followed.record.bytes(followed.session.view(direction), length);
        }
        followed.advance(direction, length);
        if let Some(news) = &mut self.news
            && !had_news
            && followed.record.has_news()
        {
            news.push(flow);
        }
        None
    }

    /// Tells of flows that go on what has become known of them.
    #[cfg(all(feature = "live", unix))]
    fn tell_news(&mut self, reports: &Sender<Report>) {
        for flow in self.news.iter_mut().flat_map(|news| news.drain(..)) {
            if let Some(record) = self.flows.get_mut(&flow).and_then(|followed| followed.record.news()) {
                let _ = reports.send(Report::Open(Box::new(record)));
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Step {
    Data,
    Gap(u64),
    Skipped(u64),
}

impl Followed {
    /// Lets the session act. A failure inside an analyzer costs its flow, not the run.
    fn act(&mut self, bench: &mut Bench, act: impl FnOnce(&mut Session, &mut dyn SessionSink)) {
        let Self { session, record, server_name, .. } = self;
        let mut desk = Desk { bench, record, server_name };
        if catch_unwind(AssertUnwindSafe(|| act(session, &mut desk))).is_err() {
            session.give_up();
            bench.outcome.reached.add(counted::FAULTS, 1);
        }
    }

    /// Moves on in the stream, and tells the flow table how far ahead nothing is wanted.
    fn advance(&mut self, direction: Direction, length: u64) {
        let Some(reached) = self.reached.get_mut(direction.index()) else { return };
        *reached += length;
        let unwanted = self.session.unwanted(direction);
        if unwanted > 0 {
            self.interest.skip_to(direction, reached.saturating_add(unwanted));
        }
        if unwanted == u64::MAX {
            self.interest.skip_to(direction.reverse(), u64::MAX);
        }
    }
}

/// Takes what a session says: to the ledger's record, and to the rules.
struct Desk<'a> {
    bench: &'a mut Bench,
    record: &'a mut FlowRecord,
    server_name: &'a mut Option<String>,
}

impl SessionSink for Desk<'_> {
    fn event(&mut self, flow: &Flow, protocol: &'static Protocol, event: Event<'_>) {
        let Bench { engine, outcome, handshakes, recall, .. } = &mut *self.bench;
        self.record.event(&event);
        match event {
            Event::Beyond(cap) => outcome.reached.cap(cap),
            Event::Skipped { reason, bytes } => outcome.skipped.add(reason.name(), bytes),
            Event::Link(LinkFact::ServerName(name)) if self.server_name.as_deref() != Some(name) => {
                *self.server_name = Some(name.to_owned());
            }
            Event::Tls(_) => self.record.share(handshakes),
            _ => {}
        }
        let record = &mut *self.record;
        let context = Context { flow, protocol: protocol.name, server_name: self.server_name.as_deref() };
        engine.event(&context, &event, &mut |finding| {
            recall.finding(&finding);
            record.finding(&finding);
            outcome.add(Box::new(finding));
        });
        recall.event(&event, engine.has_counted());
    }

    fn recalls(&mut self, flow: &Flow, protocol: &'static Protocol, content: &Digest, coded: Stretch<'_>) -> bool {
        let Bench { engine, outcome, recall, .. } = &mut *self.bench;
        let Some(found) = recall.found(content, coded) else { return false };
        self.record.confirm();
        let context = Context { flow, protocol: protocol.name, server_name: self.server_name.as_deref() };
        for (finding, span) in found {
            let finding = engine.matcher().again(&context, finding, span);
            self.record.finding(&finding);
            outcome.add(Box::new(finding));
        }
        true
    }

    fn most_of_body(&self) -> u64 {
        self.bench.most_of_body
    }

    fn learn(&mut self, content: Digest, coded: Stretch<'_>) {
        self.bench.recall.learn(content, coded, self.bench.engine.matcher());
    }

    fn recognised(&mut self, flow: &Flow, protocol: &'static Protocol) {
        if self.record.flow().client != flow.client {
            self.record.swap();
        }
        self.record.protocol(protocol.name, protocol.nature);
    }
}
