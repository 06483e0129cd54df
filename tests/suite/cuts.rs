//! Every conversation of every fixture, delivered byte by byte, says what it says as captured.

use std::collections::{BTreeMap, BTreeSet};

use plainsight::model::event::Event;
use plainsight::model::flow::{Direction, Flow, FlowId};
use plainsight::model::packet::Mark;
use plainsight::model::stream::{Origin, Stretch};
use plainsight::proto::Protocol;
use plainsight::proto::session::{Session, SessionSink};
use plainsight::rules::{Context, Engine};

use crate::support::{Step, fixtures, revealing, steps};

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
        let size = if flow.transport.is_datagram() { usize::MAX } else { piece };
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
