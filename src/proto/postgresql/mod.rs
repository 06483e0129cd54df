//! PostgreSQL, frontend/backend protocol 3.0 and 3.2
//! (<https://www.postgresql.org/docs/current/protocol.html>): logins, statements, parameters, rows and
//! COPY data. Reads either direction alone and from the middle.

mod frames;
mod login;
mod messages;
mod probe;
mod requests;
#[cfg(test)]
mod tests;
mod values;

use self::frames::{Footing, HEADER, Shape};
use self::login::Login;
use self::messages::naming;
use self::probe::{CANCEL_REQUEST, GSS_REQUEST, LONGEST_STARTUP, SSL_REQUEST};
use self::requests::{Column, Columns, Formats, Requests, Row, is_binary};
use super::bulk::Transfer;
use super::cursor::Cursor;
use super::message::Message;
use super::pieces::Pieces;
use super::upgrade::{Offer, is_tls_record};
use super::value::{Fed, LongValue, Named, WHOLE_BYTES};
use super::{Analyzer, Nature, Next, Progress, Protocol};
use crate::content::sql::{Bulk, BulkFormat, Dialect, Parameters};
use crate::model::event::{Event, EventSink, FieldKind, Format, LinkFact, Outcome, Skip, Text};
use crate::model::flow::{Direction, Transport};
use crate::model::limits;
use crate::model::stream::{Input, Stretch};

/// PostgreSQL and what speaks like it: CockroachDB, Redshift, PgBouncer.
pub static PROTOCOL: Protocol = Protocol {
    name: "postgresql",
    transport: Transport::Tcp,
    ports: &[5432, 6432, 5433, 26257],
    nature: Nature::Cleartext,
    probe: probe::probe,
    start: || Box::<PostgreSql>::default(),
};

const QUERY: &str = "postgresql.query";
const BIND: &str = "postgresql.bind";
const ROW: &str = "postgresql.row";
const COPY: &str = "postgresql.copy";

#[derive(Default)]
struct PostgreSql {
    sides: [Side; 2],
    /// What the client asked for instead of starting, until the server answers.
    asked: Option<Secrecy>,
    offer: Offer,
    login: Login,
    requests: Requests,
    /// What the last COPY statement said.
    bulk: Option<Bulk>,
    transfer: Option<Transfer>,
    /// Statements on their way to an event.
    statement: Pieces,
    /// Notices and errors on their way to an event.
    notice: Pieces,
    server_spoke: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Secrecy {
    Gss,
    Tls,
}

/// How one direction is being read.
#[derive(Default)]
struct Side {
    stage: Stage,
    part: Part,
    /// Bytes of the message begun that are still to come, besides those left over.
    owed: u64,
    gap: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// Nothing was seen.
    #[default]
    Fresh,
    /// Messages with a type and a length.
    Messages,
    /// Somewhere, until something looks like a message.
    Lost,
}

/// Where inside a long message a side is.
#[derive(Default)]
enum Part {
    #[default]
    None,
    /// So many bytes of COPY data are to come.
    Copy(u64),
    /// So many bytes are to be passed over.
    Pass(u64),
    /// So many bytes of a simple query are to come.
    Query(u64),
    Values(Box<Values>),
}

/// The values of a long DataRow or Bind.
struct Values {
    /// Bytes to the end of the message.
    left: u64,
    index: usize,
    count: usize,
    row: Option<Row>,
    parameters: Parameters,
    formats: Formats,
    oids: Vec<u32>,
    long: Option<LongValue>,
}

enum Step {
    Took(usize),
    /// The message needs so many bytes in all.
    Wait(u64),
    Skip(u64),
    Tls(usize),
    Opaque(usize),
}

impl Analyzer for PostgreSql {
    fn data(&mut self, input: Input<'_>, out: &mut dyn EventSink) -> Progress {
        self.server_spoke |= input.direction == Direction::ToClient;
        let mut at = 0;
        loop {
            match self.step(input, at, out) {
                Step::Took(count) => at += count,
                Step::Wait(need) => {
                    let here = input.bytes().len().saturating_sub(at) as u64;
                    self.side(input.direction).owed = need.saturating_sub(here);
                    return Progress::Continue(at);
                }
                Step::Skip(count) => return Progress::Skip(at, count),
                Step::Tls(count) => {
                    self.offer.switched(out);
                    return Progress::Handoff(at + count, Next::Tls);
                }
                Step::Opaque(count) => {
                    self.offer.switched(out);
                    return Progress::Handoff(at + count, Next::Unknown);
                }
            }
        }
    }

    fn gap(&mut self, direction: Direction, missing: u64, out: &mut dyn EventSink) {
        let side = self.side(direction);
        let owed = std::mem::take(&mut side.owed);
        let inside = missing <= owed && side.stage == Stage::Messages;
        let part = std::mem::take(&mut side.part);
        if inside {
            // The message that is damaged ends at a known place.
            side.part = Part::Pass(owed - missing);
            out.event(Event::Skipped { reason: Skip::Gap, bytes: owed - missing });
        } else {
            side.stage = Stage::Lost;
            side.gap = true;
            self.requests.lost();
        }
        self.cut(direction, part, out);
    }

    fn end(&mut self, _left: [Input<'_>; 2], out: &mut dyn EventSink) {
        for direction in Direction::BOTH {
            let part = std::mem::take(&mut self.side(direction).part);
            self.cut(direction, part, out);
        }
        self.login.finish(Outcome::Unknown, out);
        self.offer.ended(out);
    }
}

impl PostgreSql {
    fn side(&mut self, direction: Direction) -> &mut Side {
        let [to_server, to_client] = &mut self.sides;
        match direction {
            Direction::ToServer => to_server,
            Direction::ToClient => to_client,
        }
    }

    /// Says what was gathered of a message whose rest will not come.
    fn cut(&mut self, direction: Direction, part: Part, out: &mut dyn EventSink) {
        match part {
            Part::Query(_) => self.statement.finish(&mut |data, seen| out.event(sql(data, seen))),
            Part::Values(mut values) => {
                let Values { long, row, parameters, index, count, .. } = &mut *values;
                if let Some(long) = long {
                    long.cut(&naming(direction, row.as_ref(), parameters, *index, *count), out);
                }
            }
            Part::Copy(_) | Part::None | Part::Pass(_) => {}
        }
        if let Some(transfer) = &mut self.transfer {
            transfer.finish(out);
        }
    }

    fn step(&mut self, input: Input<'_>, at: usize, out: &mut dyn EventSink) -> Step {
        let bytes = input.bytes().get(at..).unwrap_or_default();
        let side = self.side(input.direction);
        match &mut side.part {
            Part::None => {}
            Part::Pass(left) => {
                let count = std::mem::take(left);
                side.part = Part::None;
                return if count == 0 { Step::Took(0) } else { Step::Skip(count) };
            }
            Part::Copy(_) | Part::Query(_) => return self.streamed(input, at, out),
            Part::Values(_) => return self.value(input, at, out),
        }
        if bytes.is_empty() {
            return Step::Wait(0);
        }
        let stage = side.stage;
        match (stage, input.direction) {
            (Stage::Messages, _) => self.message(input, at, out),
            (Stage::Fresh, Direction::ToServer) => self.opening(input, at, out),
            (Stage::Fresh, Direction::ToClient) => self.answer(input.direction, bytes),
            (Stage::Lost, direction) => {
                if direction == Direction::ToServer && at == 0 && is_tls_record(bytes) == Some(true) {
                    return Step::Tls(0);
                }
                self.footing(direction, bytes, out)
            }
        }
    }

    /// What the client says before messages have types.
    fn opening(&mut self, input: Input<'_>, at: usize, out: &mut dyn EventSink) -> Step {
        let bytes = input.bytes().get(at..).unwrap_or_default();
        match bytes.first() {
            Some(0x16) => match is_tls_record(bytes) {
                Some(true) => return Step::Tls(0),
                None => return Step::Wait(0),
                Some(false) => return self.lose(input.direction, out),
            },
            Some(0) => {}
            _ => return self.settle(input.direction, bytes),
        }
        let mut cursor = Cursor::new(bytes);
        let (Some(length), Some(code)) = (cursor.u32_be(), cursor.u32_be()) else { return Step::Wait(8) };
        if !(8..=LONGEST_STARTUP).contains(&length) {
            return self.lose(input.direction, out);
        }
        let Some(parameters) = cursor.take(length as usize - 8) else { return Step::Wait(u64::from(length)) };
        match code {
            SSL_REQUEST => self.asked = Some(Secrecy::Tls),
            GSS_REQUEST => self.asked = Some(Secrecy::Gss),
            CANCEL_REQUEST => {}
            _ => {
                if self.asked.take().is_some() {
                    // The answer was not captured; a client that was told yes would not go on so.
                    self.offer.refused();
                }
                self.login.startup(parameters);
                self.offer.content(out);
                self.side(input.direction).stage = Stage::Messages;
            }
        }
        Step::Took(length as usize)
    }

    /// What the server says first: one byte, if it was asked, or a message.
    fn answer(&mut self, direction: Direction, bytes: &[u8]) -> Step {
        match (self.asked, bytes) {
            (Some(Secrecy::Tls), [b'S', ..]) => Step::Tls(1),
            (Some(Secrecy::Gss), [b'G', ..]) => Step::Opaque(1),
            (Some(_), [b'N', ..]) => {
                self.asked = None;
                self.offer.refused();
                Step::Took(1)
            }
            (Some(_), [b'E', ..]) => {
                self.asked = None;
                self.offer.refused();
                self.settle(direction, bytes)
            }
            // The question was not captured.
            (None, [b'N' | b'S']) => Step::Wait(0),
            (None, [b'S', tls @ ..]) if tls.first() == Some(&0x16) => match is_tls_record(tls) {
                Some(true) => Step::Tls(1),
                None => Step::Wait(0),
                Some(false) => self.settle(direction, bytes),
            },
            (None, [b'N', next, ..]) if *next != 0 => {
                self.offer.refused();
                Step::Took(1)
            }
            _ => self.settle(direction, bytes),
        }
    }

    /// Decides whether messages begin right here.
    fn settle(&mut self, direction: Direction, bytes: &[u8]) -> Step {
        let stage = match frames::shape(direction, bytes) {
            Shape::Partial { length: None } => return Step::Wait(0),
            Shape::Partial { .. } | Shape::Whole { .. } => Stage::Messages,
            Shape::No => Stage::Lost,
        };
        self.side(direction).stage = stage;
        Step::Took(0)
    }

    fn lose(&mut self, direction: Direction, out: &mut dyn EventSink) -> Step {
        out.event(Event::Link(LinkFact::Violation));
        self.requests.lost();
        self.side(direction).stage = Stage::Lost;
        Step::Took(0)
    }

    fn footing(&mut self, direction: Direction, bytes: &[u8], out: &mut dyn EventSink) -> Step {
        let side = self.side(direction);
        let (passed, found) = match frames::footing(direction, bytes) {
            Footing::At(at) => (at, true),
            Footing::After(at) => (at, false),
        };
        if passed > 0 {
            let reason = if side.gap { Skip::Gap } else { Skip::Malformed };
            out.event(Event::Skipped { reason, bytes: passed as u64 });
        }
        if found {
            side.stage = Stage::Messages;
            side.gap = false;
        }
        if found || passed > 0 { Step::Took(passed) } else { Step::Wait(0) }
    }

    fn message(&mut self, input: Input<'_>, at: usize, out: &mut dyn EventSink) -> Step {
        let bytes = input.bytes().get(at..).unwrap_or_default();
        if bytes.len() < HEADER {
            return Step::Wait(HEADER as u64);
        }
        let Some((kind, length)) = frames::header(input.direction, bytes) else {
            return self.lose(input.direction, out);
        };
        if length > limits::BODY_BYTES as u64 {
            return self.long_message(input, at, kind, length, out);
        }
        if (bytes.len() as u64) < length {
            return Step::Wait(length);
        }
        let end = at + length as usize;
        let body = Message { input, at: at + HEADER, end };
        match input.direction {
            Direction::ToServer => self.request(kind, body, out),
            Direction::ToClient => self.reply(kind, body, out),
        }
        Step::Took(end - at)
    }
}

fn sql(data: Stretch<'_>, seen: usize) -> Event<'_> {
    let (format, direction, outcome) = (Format::Sql, Direction::ToServer, Outcome::Unknown);
    Event::Text(Text { format, place: QUERY, resource: "", direction, outcome, data, seen })
}
