//! Any text and any field meet the built-in rules. The first byte says what it is, the second how long
//! its name is and how much of it was seen before.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plainsight::model::event::{Event, Field, FieldKind, Format, Login, Outcome, Proof, Text};
use plainsight::model::flow::{Direction, Roles, Transport};
use plainsight::model::packet::{Mark, Span};
use plainsight::model::secret::Secret;
use plainsight::model::stream::{Origin, Stretch};
use plainsight::rules::Context;
use plainsight_fuzz::stage::{Rules, flow};

const FORMATS: [Format; 8] =
    [Format::Plain, Format::Csv, Format::Form, Format::Html, Format::Json, Format::Script, Format::Sql, Format::Xml];
const KINDS: [FieldKind; 8] = [
    FieldKind::Column,
    FieldKind::Cookie,
    FieldKind::Form,
    FieldKind::Header,
    FieldKind::Json,
    FieldKind::Parameter,
    FieldKind::Query,
    FieldKind::Sql,
];

fuzz_target!(|data: &[u8]| {
    let [choice, split, bytes @ ..] = data else { return };
    let flow = flow(Transport::Tcp, Roles::Handshake);
    let context = Context { flow: &flow, protocol: "http", server_name: Some("a.example") };
    let direction = if choice & 8 == 0 { Direction::ToServer } else { Direction::ToClient };
    let (name, value) = bytes.split_at(usize::from(*split).min(bytes.len()));
    let span = Span::at(Mark::default());
    let event = match choice >> 4 & 3 {
        0 | 1 => Event::Text(Text {
            format: FORMATS[usize::from(choice & 7)],
            place: "http.request.body",
            resource: "/login",
            direction,
            outcome: Outcome::Accepted,
            data: Stretch { bytes, origins: &[Origin { start: 0, mark: Mark::default() }] },
            seen: if choice & 16 == 0 { 0 } else { name.len() },
        }),
        2 => Event::Field(Field {
            kind: KINDS[usize::from(choice & 7)],
            place: "http.request",
            name: &String::from_utf8_lossy(name),
            value: Secret::new(value),
            resource: "",
            direction,
            account: None,
            outcome: Outcome::Unknown,
            span,
        }),
        _ => Event::Login(Login {
            mechanism: "basic",
            proof: Proof::Password,
            username: Some(name),
            secret: Secret::new(value),
            field: "http.request.header.authorization",
            direction,
            outcome: Outcome::Accepted,
            note: None,
            span,
        }),
    };
    Rules::default().0.event(&context, &event, &mut |_| {});
});
