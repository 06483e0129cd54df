//! Any conversation, in any order and with any gaps, goes through classification, analysis and the
//! rules without harm. The input is a list of records: one byte for direction and kind, two for the
//! length, then the bytes.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use plainsight::model::event::Event;
use plainsight::model::flow::{Direction, Endpoint, Flow, FlowId, Roles, Transport};
use plainsight::model::packet::Mark;
use plainsight::model::stream::{Origin, Stretch};
use plainsight::proto::Protocol;
use plainsight::proto::session::{Session, SessionSink};
use plainsight::rules::{Catalogue, Context, Engine, Matcher, Options};

static MATCHER: LazyLock<Arc<Matcher>> = LazyLock::new(|| {
    let catalogue = Arc::new(Catalogue::builtin().expect("the built-in rules are sound"));
    Matcher::new(catalogue, Options::default()).expect("the built-in rules compile")
});

struct Rules(Engine);

impl SessionSink for Rules {
    fn event(&mut self, flow: &Flow, protocol: &'static Protocol, event: Event<'_>) {
        let context = Context { flow, protocol: protocol.name, server_name: None };
        self.0.event(&context, &event, &mut |_| {});
    }

    fn recognised(&mut self, _flow: &Flow, _protocol: &'static Protocol) {}
}

fuzz_target!(|data: &[u8]| {
    let end = |port| Endpoint { ip: [127, 0, 0, 1].into(), port };
    let Some((&first, mut rest)) = data.split_first() else { return };
    let transport = if first & 1 == 0 { Transport::Tcp } else { Transport::Udp };
    let roles = if first & 2 == 0 { Roles::Handshake } else { Roles::Guessed };
    let flow = Flow { id: FlowId(1), transport, client: end(40_000), server: end(9), roles };
    let mut session = Session::new(flow, roles == Roles::Guessed);
    let mut rules = Rules(Engine::new(Arc::clone(&MATCHER)));
    while let [kind, high, low, tail @ ..] = rest {
        let direction = if kind & 1 == 0 { Direction::ToServer } else { Direction::ToClient };
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(tail.len());
        let (bytes, after) = tail.split_at(length);
        if kind & 0x80 != 0 {
            session.gap(direction, length as u64, &mut rules);
        } else {
            let origins = [Origin { start: 0, mark: Mark::default() }];
            session.data(direction, Stretch { bytes, origins: &origins }, &mut rules);
        }
        rest = after;
    }
    session.end(&mut rules);
});
