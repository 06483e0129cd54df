//! MongoDB: logins (SASL, and what `hello` carries of it), accounts that are made, and the values of
//! the documents that are read and written. The wire protocol as in the MongoDB manual, with the
//! operations that servers before 5.1 took.

mod message;
#[cfg(test)]
mod tests;

use super::login::HeldLogin;
use super::sasl::Exchange;
use super::{Analyzer, Nature, Opening, Progress, Protocol, Verdict};
use crate::content::bson::{self, Value};
use crate::content::carrier::Carrier;
use crate::content::tree::Tree;
use crate::model::event::{Event, EventSink, FieldKind, LinkFact, Outcome, Skip};
use crate::model::flow::{Direction, Transport};
use crate::model::packet::Span;
use crate::model::stream::Input;
use message::{Document, Fit, HEADER, Header};

/// MongoDB.
pub static PROTOCOL: Protocol = Protocol {
    name: "mongodb",
    transport: Transport::Tcp,
    ports: &[27017, 27018, 27019],
    nature: Nature::Cleartext,
    probe,
    start: || Box::<MongoDb>::default(),
};

/// Where a login stands.
const LOGIN_FIELD: &str = "mongodb.sasl";

/// Bytes of a message that are read; a batch of documents may have 48 MB, and the first ones show
/// what it holds.
const WHOLE: usize = 512 << 10;

#[derive(Default)]
struct MongoDb {
    exchange: Option<Exchange>,
    database: String,
    /// The last request of the exchange.
    asked: Option<u32>,
    lost: [bool; 2],
}

fn probe(opening: &Opening<'_>) -> Verdict {
    let sides = Direction::BOTH.map(|direction| opening.side(direction));
    let fits = sides.map(message::fit);
    if !opening.midstream && sides.iter().zip(fits).any(|(side, fit)| !side.is_empty() && fit == Fit::No) {
        return Verdict::No;
    }
    let found = opening.midstream && sides.iter().any(|side| message::find(side).is_ok());
    match fits.iter().max() {
        Some(Fit::Whole) => Verdict::Certain,
        _ if found => Verdict::Certain,
        _ if opening.midstream && fits.iter().all(|fit| *fit == Fit::No) => Verdict::No,
        _ => Verdict::NeedMore,
    }
}

impl Analyzer for MongoDb {
    fn data(&mut self, input: Input<'_>, out: &mut dyn EventSink) -> Progress {
        let bytes = input.bytes();
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|r| !r.is_empty()) {
            match message::fit(rest) {
                Fit::Whole => {}
                Fit::Short => break,
                Fit::No => match self.resynchronise(rest, input.direction, out) {
                    0 => break,
                    passed => {
                        at += passed;
                        continue;
                    }
                },
            }
            let Some(header) = Header::read(rest) else { break };
            let wanted = header.length.min(WHOLE);
            let Some(whole) = rest.get(HEADER..wanted) else { break };
            if let Some(lost) = self.lost.get_mut(input.direction.index()) {
                *lost = false;
            }
            self.message(&header, whole, input.direction, input.span(at..at + wanted), out);
            if header.length > wanted {
                let more = (header.length - wanted) as u64;
                out.event(Event::Skipped { reason: Skip::Limit, bytes: more });
                return Progress::Skip(at + wanted, more);
            }
            at += wanted;
        }
        Progress::Continue(at)
    }

    fn gap(&mut self, direction: Direction, _missing: u64, _out: &mut dyn EventSink) {
        if let Some(lost) = self.lost.get_mut(direction.index()) {
            *lost = true;
        }
    }

    fn end(&mut self, left: [Input<'_>; 2], out: &mut dyn EventSink) {
        for input in left {
            // A message that was cut says what it has.
            if let Some(header) = Header::read(input.bytes()).filter(|_| message::fit(input.bytes()) == Fit::Whole) {
                let body = input.bytes().get(HEADER..).unwrap_or_default();
                self.message(&header, body, input.direction, input.data.whole(), out);
            }
        }
        self.settle(Outcome::Unknown, out);
    }
}

impl MongoDb {
    /// Bytes that are no message: passed over up to the next one, or all but what may begin one.
    fn resynchronise(&mut self, rest: &[u8], direction: Direction, out: &mut dyn EventSink) -> usize {
        let passed = match message::find(rest) {
            Ok(at) => at,
            Err(range) => range.end,
        };
        let Some(lost) = self.lost.get_mut(direction.index()) else { return 0 };
        if passed > 0 {
            if !*lost {
                *lost = true;
                out.event(Event::Link(LinkFact::Violation));
            }
            out.event(Event::Skipped { reason: Skip::Malformed, bytes: passed as u64 });
        }
        passed
    }

    fn message(&mut self, header: &Header, body: &[u8], direction: Direction, span: Span, out: &mut dyn EventSink) {
        let mut unpacked = Vec::new();
        let Some(body) = header.body(body, &mut unpacked) else {
            out.event(Event::Skipped { reason: Skip::Coding, bytes: body.len() as u64 });
            return;
        };
        let documents = body.documents();
        let Some(first) = documents.first() else { return };
        match direction {
            Direction::ToServer if self.request(first.bytes, header.id, span, out) => return,
            Direction::ToClient if self.reply(first.bytes, header.answers, out) => return,
            _ => {}
        }
        say(&documents, direction, span, out);
    }

    /// Takes a command. Says whether it is part of a login.
    fn request(&mut self, command: &[u8], id: u32, span: Span, out: &mut dyn EventSink) -> bool {
        let Some((name, _)) = bson::top(command).next() else { return false };
        let (login, sasl) = match name {
            "saslStart" | "saslContinue" => (command, true),
            "authenticate" => {
                out.event(Event::Link(LinkFact::Auth("mongodb-cr")));
                return true;
            }
            _ => match member(command, "speculativeAuthenticate") {
                Some(Value::Document(inner)) => (inner, false),
                _ => return false,
            },
        };
        let payload = binary(login, "payload");
        if let Some(Value::Text(mechanism)) = member(login, "mechanism") {
            self.settle(Outcome::Unknown, out);
            self.exchange = Some(Exchange::new(mechanism));
            let database = member(login, "db").or_else(|| member(command, "$db"));
            if let Some(Value::Text(database)) = database {
                self.database = String::from_utf8_lossy(database).into_owned();
            }
        }
        if let Some(exchange) = &mut self.exchange {
            exchange.client(payload, span);
            self.asked = Some(id);
        }
        sasl
    }

    /// Takes an answer. Says whether it is part of a login.
    fn reply(&mut self, answer: &[u8], answers: u32, out: &mut dyn EventSink) -> bool {
        let Some(exchange) = &mut self.exchange else { return false };
        if self.asked != Some(answers) {
            return false;
        }
        let (login, sasl) = match member(answer, "speculativeAuthenticate") {
            Some(Value::Document(inner)) => (inner, false),
            _ => (answer, true),
        };
        exchange.server(binary(login, "payload"));
        let is = |value: Option<Value<'_>>, least: i64| match value {
            Some(Value::Double(number)) => number >= least as f64,
            Some(Value::Integer(number)) => number >= least,
            Some(Value::Boolean(yes)) => yes,
            _ => false,
        };
        if sasl && !is(member(answer, "ok"), 1) {
            self.settle(Outcome::Rejected, out);
        } else if is(member(login, "done"), 1) {
            self.settle(Outcome::Accepted, out);
        }
        sasl
    }

    fn settle(&mut self, outcome: Outcome, out: &mut dyn EventSink) {
        self.asked = None;
        if let Some(exchange) = self.exchange.take() {
            let login: HeldLogin = exchange.into_login();
            let note = (!self.database.is_empty()).then(|| format!("database {}", self.database));
            login.report_with_note(LOGIN_FIELD, outcome, note.as_deref(), out);
        }
    }
}

/// Says the values of a message's documents.
fn say(documents: &[Document<'_>], direction: Direction, span: Span, out: &mut dyn EventSink) {
    let command = documents.iter().find(|d| d.of.is_empty());
    let collection = command.map(|d| resource(d.bytes)).unwrap_or_default();
    let place = match direction {
        Direction::ToServer => "mongodb.request",
        Direction::ToClient => "mongodb.reply",
    };
    let carrier = Carrier { place, resource: &collection, direction, outcome: Outcome::Unknown, span };
    for document in documents {
        let mut tree = Tree::new(&carrier, FieldKind::Attribute, out);
        if document.of.is_empty() || !tree.enter(document.of, true) {
            bson::walk(document.bytes, &mut tree);
        } else {
            bson::walk(document.bytes, &mut tree);
            tree.leave();
        }
        tree.finish();
    }
}

/// `database.collection` of a command; of an answer, the namespace of its cursor.
fn resource(command: &[u8]) -> String {
    let text = |value: Option<Value<'_>>| match value {
        Some(Value::Text(text)) => String::from_utf8_lossy(text).into_owned(),
        _ => String::new(),
    };
    if let Some(Value::Document(cursor)) = member(command, "cursor") {
        return text(member(cursor, "ns"));
    }
    let collection = text(bson::top(command).next().map(|(_, value)| value));
    let database = text(member(command, "$db"));
    if database.is_empty() || collection.is_empty() { collection } else { format!("{database}.{collection}") }
}

fn member<'a>(document: &'a [u8], name: &str) -> Option<Value<'a>> {
    bson::top(document).find(|(own, _)| *own == name).map(|(_, value)| value)
}

/// A payload: binary, or in base64 as some drivers send it.
fn binary<'a>(document: &'a [u8], name: &str) -> &'a [u8] {
    match member(document, name) {
        Some(Value::Binary(bytes) | Value::Text(bytes)) => bytes,
        _ => &[],
    }
}
