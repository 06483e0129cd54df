//! Bytes a second of the three costs that every byte of a capture can meet: reading and reassembly, the
//! rules on text they have not met before, and the rules on text they know. `cargo bench`.

#![allow(clippy::expect_used, reason = "a benchmark without its input is no benchmark")]

use std::path::Path;
use std::sync::Arc;

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use plainsight::decode::Decoder;
use plainsight::flow::{EndReason, FlowSink, Interest, Limits, Table};
use plainsight::model::event::{Event, Format, Outcome, Text};
use plainsight::model::flow::{Direction, Endpoint, Flow, FlowId, Roles, Transport};
use plainsight::model::packet::Mark;
use plainsight::model::stream::{Origin, Stretch};
use plainsight::rules::{Catalogue, Context, Engine, Matcher, Options};
use plainsight::source::{self, Input};

fn main() {
    divan::main();
}

/// Reading, decoding and reassembling a capture, to nobody.
#[divan::bench]
fn reassembly(bencher: Bencher<'_, '_>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/redis/nothing-sensitive.pcap");
    let size = std::fs::metadata(&path).map_or(0, |file| file.len());
    bencher.counter(BytesCount::new(size)).bench(|| {
        let mut source = source::open(&Input::Path(path.clone()), 0).expect("a fixture can be read");
        let (mut decoder, mut table) = (Decoder::default(), Table::new(Limits::default()));
        while let Ok(Some(packet)) = source.next() {
            if let Ok(Some(segment)) = decoder.decode(&packet) {
                table.packet(&segment, packet.mark, &mut Nobody);
            }
        }
        table.finish(&mut Nobody);
    });
}

/// All rules on pages that differ in every piece.
#[divan::bench]
fn rules_on_new_text(bencher: Bencher<'_, '_>) {
    let mut engine = engine();
    let mut n = 0_u64;
    let mut page = page();
    bencher.counter(BytesCount::new(page.len())).bench_local(|| {
        n += 1;
        page.splice(..16, format!("{n:016}").into_bytes());
        look(&mut engine, &page);
    });
}

/// All rules on the same page over and over.
#[divan::bench]
fn rules_on_known_text(bencher: Bencher<'_, '_>) {
    let mut engine = engine();
    let page = page();
    bencher.counter(BytesCount::new(page.len())).bench_local(|| look(&mut engine, &page));
}

fn engine() -> Engine {
    let catalogue = Catalogue::builtin().expect("the built-in rules are sound");
    Engine::new(Matcher::new(Arc::new(catalogue), Options::default()).expect("the built-in rules compile"))
}

/// A page as documentation has them, without anything to find.
fn page() -> Vec<u8> {
    let paragraph = "<p class=\"note\">The password field of the login form is sent as typed. Set the \
        <code>timeout</code> to 3600 and read RFC 2617, section 3.2; see <a href=\"/docs/auth.html#basic\">Basic</a> \
        for the tokens it needs, and version 10.4.2 for the card layout.</p>\n";
    format!("{:016}<!DOCTYPE html><html><body>{}</body></html>", 0, paragraph.repeat(400)).into_bytes()
}

fn look(engine: &mut Engine, page: &[u8]) {
    let end = |port| Endpoint { ip: [127, 0, 0, 1].into(), port };
    let flow = Flow {
        id: FlowId(1),
        transport: Transport::Tcp,
        client: end(40_000),
        server: end(80),
        roles: Roles::Handshake,
        tunnel: None,
    };
    let text = Text {
        format: Format::Html,
        place: "http.response.body",
        resource: "/docs/auth.html",
        direction: Direction::ToClient,
        outcome: Outcome::Unknown,
        data: Stretch { bytes: page, origins: &[Origin { start: 0, mark: Mark::default() }] },
        seen: 0,
    };
    let context = Context { flow: &flow, protocol: "http", server_name: None };
    engine.event(&context, &Event::Text(text), &mut |finding| {
        black_box(finding);
    });
}

struct Nobody;

impl FlowSink for Nobody {
    fn open(&mut self, _: &Flow, _: bool, _: Mark) -> Arc<Interest> {
        Arc::default()
    }

    fn data(&mut self, _: FlowId, _: Direction, bytes: &[u8], _: Mark) {
        black_box(bytes);
    }

    fn gap(&mut self, _: FlowId, _: Direction, _: u64, _: Mark) {}

    fn skipped(&mut self, _: FlowId, _: Direction, _: u64, _: Mark) {}

    fn end(&mut self, _: FlowId, _: EndReason, _: Mark) {}
}
