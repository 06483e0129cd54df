//! Every conversation of every fixture, delivered byte by byte, says what it says as captured.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use plainsight::decode::Decoder;
use plainsight::flow::{EndReason, FlowSink, Interest, Limits, Table};
use plainsight::model::event::Event;
use plainsight::model::flow::{Direction, Flow, FlowId, Transport};
use plainsight::model::packet::Mark;
use plainsight::model::stream::{Origin, Stretch};
use plainsight::proto::Protocol;
use plainsight::proto::session::{Session, SessionSink};
use plainsight::rules::{Context, Engine};
use plainsight::source::{self, Input};

use crate::support::{fixtures, revealing};

/// Longer captures would take long byte by byte and show nothing new.
const LONGEST: usize = 64 << 10;

#[test]
fn cut_at_every_byte_a_conversation_says_the_same() {
    let mut wrong = Vec::new();
    for (capture, _) in fixtures() {
        let all = steps(&capture);
        if all.iter().map(|(.., bytes, _)| bytes.len()).sum::<usize>() > LONGEST {
            continue;
        }
        // Both directions, and each alone, as on a one-way tap.
        for missing in [None, Some(Direction::ToServer), Some(Direction::ToClient)] {
            let steps: Vec<Step> = all.iter().filter(|step| Some(step.2) != missing).cloned().collect();
            let (whole, cut) = (said(&steps, usize::MAX), said(&steps, 1));
            if whole != cut {
                let lost: Vec<_> = whole.difference(&cut).collect();
                let new: Vec<_> = cut.difference(&whole).collect();
                wrong.push(format!("{} without {missing:?}: lost {lost:?}, new {new:?}", capture.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What happened to flows, in order: data, or a hole of so many bytes.
type Step = (Flow, bool, Direction, Vec<u8>, u64);

fn said(steps: &[Step], piece: usize) -> BTreeSet<String> {
    let mut rules = Rules { engine: Engine::new(revealing()), said: BTreeSet::new() };
    let mut sessions: BTreeMap<FlowId, Session> = BTreeMap::new();
    let origins = [Origin { start: 0, mark: Mark::default() }];
    for (flow, midstream, direction, bytes, missing) in steps {
        let session = sessions.entry(flow.id).or_insert_with(|| Session::new(*flow, *midstream));
        if *missing > 0 {
            session.gap(*direction, *missing, &mut rules);
        }
        // A datagram is a message: it cannot be cut.
        let size = if flow.transport == Transport::Udp { usize::MAX } else { piece };
        for bytes in bytes.chunks(size.min(bytes.len()).max(1)) {
            session.data(*direction, Stretch { bytes, origins: &origins }, &mut rules);
        }
    }
    for session in sessions.values_mut() {
        session.end(&mut rules);
    }
    rules.said
}

struct Rules {
    engine: Engine,
    said: BTreeSet<String>,
}

impl SessionSink for Rules {
    fn event(&mut self, flow: &Flow, protocol: &'static Protocol, event: Event<'_>) {
        let context = Context { flow, protocol: protocol.name, server_name: None };
        let said = &mut self.said;
        self.engine.event(&context, &event, &mut |f| {
            let value = f.value.and_then(|value| value.clear);
            said.insert(format!("{:?} {} {:?} {value:?} {:?}", f.rule, f.field, f.username, f.outcome));
        });
    }

    fn recognised(&mut self, flow: &Flow, protocol: &'static Protocol) {
        self.said.insert(format!("{} is {}", flow.id.0, protocol.name));
    }
}

fn steps(path: &Path) -> Vec<Step> {
    let mut source = source::open(&Input::Path(path.to_path_buf()), 0).expect("a fixture can be read");
    let (mut decoder, mut table, mut kept) = (Decoder::default(), Table::new(Limits::default()), Kept::default());
    while let Ok(Some(packet)) = source.next() {
        if let Ok(Some(segment)) = decoder.decode(&packet) {
            table.packet(&segment, packet.mark, &mut kept);
        }
    }
    table.finish(&mut kept);
    kept.steps
}

#[derive(Default)]
struct Kept {
    flows: BTreeMap<FlowId, (Flow, bool)>,
    steps: Vec<Step>,
}

impl FlowSink for Kept {
    fn open(&mut self, flow: &Flow, midstream: bool, _mark: Mark) -> Arc<Interest> {
        self.flows.insert(flow.id, (*flow, midstream));
        Arc::default()
    }

    fn data(&mut self, flow: FlowId, direction: Direction, bytes: &[u8], _mark: Mark) {
        let (flow, midstream) = self.flows[&flow];
        self.steps.push((flow, midstream, direction, bytes.to_vec(), 0));
    }

    fn gap(&mut self, flow: FlowId, direction: Direction, missing: u64, _mark: Mark) {
        let (flow, midstream) = self.flows[&flow];
        self.steps.push((flow, midstream, direction, Vec::new(), missing));
    }

    fn skipped(&mut self, _: FlowId, _: Direction, _: u64, _: Mark) {}

    fn end(&mut self, _: FlowId, _: EndReason, _: Mark) {}
}
