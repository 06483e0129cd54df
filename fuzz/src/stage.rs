//! Stand-ins for the stages after the one under test.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use plainsight::flow::{EndReason, FlowSink, Interest};
use plainsight::model::event::{Event, EventSink};
use plainsight::model::flow::{Direction, Endpoint, Flow, FlowId, Roles, Transport};
use plainsight::model::packet::Mark;
use plainsight::proto::Protocol;
use plainsight::proto::session::SessionSink;
use plainsight::rules::{Catalogue, Context, Engine, Matcher, Options};

/// Takes streams and checks that they are told in order: every flow opens, says something, and ends once.
#[derive(Default)]
pub struct Streams {
    open: HashMap<FlowId, Arc<Interest>>,
    /// Give up every flow of an odd number after its first bytes.
    pub picky: bool,
}

impl Streams {
    fn expect(&self, flow: FlowId) -> &Interest {
        self.open.get(&flow).expect("the flow is open")
    }

    /// Everything that was opened has ended.
    pub fn check(&self) {
        assert!(self.open.is_empty(), "a flow without an end");
    }
}

impl FlowSink for Streams {
    fn open(&mut self, flow: &Flow, _: bool, _: Mark) -> Arc<Interest> {
        let interest = Arc::<Interest>::default();
        assert!(self.open.insert(flow.id, Arc::clone(&interest)).is_none(), "a flow opened twice");
        interest
    }

    fn data(&mut self, flow: FlowId, direction: Direction, bytes: &[u8], _: Mark) {
        assert!(!bytes.is_empty(), "data without bytes");
        let interest = self.expect(flow);
        if self.picky && flow.0 % 2 == 1 {
            interest.skip_to(direction, bytes.len() as u64 * 4);
        }
    }

    fn gap(&mut self, flow: FlowId, _: Direction, missing: u64, _: Mark) {
        assert!(missing > 0, "a gap of nothing");
        self.expect(flow);
    }

    fn skipped(&mut self, flow: FlowId, _: Direction, _: u64, _: Mark) {
        self.expect(flow);
    }

    fn end(&mut self, flow: FlowId, _: EndReason, _: Mark) {
        assert!(self.open.remove(&flow).is_some(), "an end without a flow");
    }
}

static MATCHER: LazyLock<Arc<Matcher>> = LazyLock::new(|| {
    let catalogue = Arc::new(Catalogue::builtin().expect("the built-in rules are sound"));
    Matcher::new(catalogue, Options::default()).expect("the built-in rules compile")
});

/// The built-in rules, compiled once.
pub fn matcher() -> Arc<Matcher> {
    Arc::clone(&MATCHER)
}

/// A flow between made-up ends.
pub fn flow(transport: Transport, roles: Roles) -> Flow {
    let end = |port| Endpoint { ip: [127, 0, 0, 1].into(), port };
    Flow { id: FlowId(1), transport, client: end(40_000), server: end(9), roles, tunnel: None }
}

/// Passes events to the rules.
pub struct Rules(pub Engine);

impl Default for Rules {
    fn default() -> Self {
        Self(Engine::new(matcher()))
    }
}

impl SessionSink for Rules {
    fn event(&mut self, flow: &Flow, protocol: &'static Protocol, event: Event<'_>) {
        let context = Context { flow, protocol: protocol.name, server_name: None };
        self.0.event(&context, &event, &mut |_| {});
    }

    fn recognised(&mut self, _flow: &Flow, _protocol: &'static Protocol) {}
}

/// Takes events and reads all they borrow.
#[derive(Default)]
pub struct Events(pub u64);

impl EventSink for Events {
    fn event(&mut self, event: Event<'_>) {
        self.0 += match event {
            Event::Field(field) => field.value.expose().len() as u64 + field.name.len() as u64,
            Event::Login(login) => login.secret.expose().len() as u64,
            Event::Skipped { bytes, .. } => bytes,
            Event::Text(text) => {
                assert!(text.seen <= text.data.bytes.len(), "more seen than there is");
                assert!(text.data.origins.first().is_some_and(|o| o.start == 0), "text from nowhere");
                text.data.bytes.len() as u64
            }
            Event::Beyond(_) | Event::Link(_) | Event::Tls(_) | Event::Weakness(_) => 1,
        } & 0xffff;
    }
}
