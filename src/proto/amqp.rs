//! AMQP 0-9-1 (RabbitMQ and its kin): logins, and the messages that are published and delivered.

use super::cursor::Cursor;
use super::login::HeldLogin;
use super::sasl::Exchange;
use super::value::Named;
use super::{Analyzer, Nature, Opening, Progress, Protocol, Verdict};
use crate::content::sniff;
use crate::model::event::{Event, EventSink, FieldKind, LinkFact, Outcome, Skip};
use crate::model::flow::{Direction, Transport};
use crate::model::stream::Input;

/// AMQP.
pub static PROTOCOL: Protocol = Protocol {
    name: "amqp",
    transport: Transport::Tcp,
    ports: &[5672],
    nature: Nature::Cleartext,
    probe,
    start: || Box::<Amqp>::default(),
};

/// What a client begins with, and the versions that it may name then.
const START: &[u8] = b"AMQP\0\0\x09\x01";

const METHOD: u8 = 1;
const BODY: u8 = 3;
const HEARTBEAT: u8 = 8;

/// The byte behind each frame.
const END: u8 = 0xce;

/// Kind, channel and length.
const HEAD: usize = 7;

/// Frames longer than this are passed over.
const LONGEST: usize = 128 << 10;

#[derive(Default)]
struct Amqp {
    login: Option<HeldLogin>,
    sides: [Side; 2],
}

#[derive(Default)]
struct Side {
    /// Where frames begin is not known.
    lost: bool,
    /// The routing key of the message that is on its way.
    key: String,
}

fn probe(opening: &Opening<'_>) -> Verdict {
    let server = match opening.to_client {
        [] => Verdict::NeedMore,
        // `connection.start`
        [METHOD, 0, 0, _, _, _, _, 0, 10, 0, 10, 0, 9, ..] => Verdict::Certain,
        bytes if bytes.len() < 13 && bytes.starts_with(&[METHOD]) => Verdict::NeedMore,
        _ => Verdict::No,
    };
    let client = match opening.to_server {
        bytes if bytes.starts_with(START) => Verdict::Certain,
        bytes if START.starts_with(bytes) => Verdict::NeedMore,
        _ => Verdict::No,
    };
    match (client, server) {
        (Verdict::No, _) | (_, Verdict::No) => Verdict::No,
        (Verdict::Certain, _) | (_, Verdict::Certain) => Verdict::Certain,
        _ => Verdict::NeedMore,
    }
}

fn short<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let length = cursor.u8()?;
    cursor.take(length.into())
}

fn long<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let length = cursor.u32_be()?;
    cursor.take(length as usize)
}

impl Analyzer for Amqp {
    fn data(&mut self, input: Input<'_>, out: &mut dyn EventSink) -> Progress {
        let bytes = input.bytes();
        let mut at = 0;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let side = self.side(input.direction);
            if side.lost {
                out.event(Event::Skipped { reason: Skip::Gap, bytes: rest.len() as u64 });
                return Progress::Continue(bytes.len());
            }
            if rest.starts_with(START) {
                at += START.len();
                continue;
            }
            let mut cursor = Cursor::new(rest);
            let (Some(kind), Some(()), Some(length)) = (cursor.u8(), cursor.skip(2), cursor.u32_be()) else {
                return Progress::Continue(at);
            };
            let length = length as usize;
            let whole = cursor.take(length).map(|content| (content, cursor.u8()));
            let fits = matches!(kind, METHOD..=BODY | HEARTBEAT);
            match whole {
                Some((content, Some(END))) if fits => {
                    let _ = self.frame(kind, content, input, at + HEAD, out);
                    at += HEAD + length + 1;
                }
                None | Some((_, None)) if fits && length > LONGEST => {
                    out.event(Event::Skipped { reason: Skip::Limit, bytes: (HEAD + length + 1) as u64 });
                    let here = rest.len().saturating_sub(HEAD).min(length + 1);
                    return Progress::Skip(at + HEAD + here, (length + 1 - here) as u64);
                }
                None | Some((_, None)) if fits => return Progress::Continue(at),
                _ => {
                    side.lost = true;
                    out.event(Event::Link(LinkFact::Violation));
                }
            }
        }
    }

    fn gap(&mut self, direction: Direction, _missing: u64, _out: &mut dyn EventSink) {
        self.side(direction).lost = true;
    }

    fn end(&mut self, _left: [Input<'_>; 2], out: &mut dyn EventSink) {
        self.settle(Outcome::Unknown, out);
    }
}

impl Amqp {
    fn side(&mut self, direction: Direction) -> &mut Side {
        let [server, client] = &mut self.sides;
        if direction == Direction::ToServer { server } else { client }
    }

    fn settle(&mut self, outcome: Outcome, out: &mut dyn EventSink) {
        if let Some(login) = self.login.take() {
            login.report("amqp.start_ok", outcome, out);
        }
    }

    fn frame(&mut self, kind: u8, content: &[u8], input: Input<'_>, at: usize, out: &mut dyn EventSink) -> Option<()> {
        match kind {
            METHOD => self.method(content, input, at, out),
            BODY if content.len() > 1 && !sniff::is_text(content) => {
                out.event(Event::Skipped { reason: Skip::Binary, bytes: content.len() as u64 });
                Some(())
            }
            BODY if content.len() > 1 => {
                let side = self.side(input.direction);
                let named = Named {
                    kind: FieldKind::Key,
                    place: "amqp.message",
                    name: &side.key,
                    resource: "",
                    direction: input.direction,
                    account: None,
                };
                named.say(content, input.span(at..at + content.len()), out);
                Some(())
            }
            _ => Some(()),
        }
    }

    fn method(&mut self, content: &[u8], input: Input<'_>, at: usize, out: &mut dyn EventSink) -> Option<()> {
        let mut cursor = Cursor::new(content);
        let method = (cursor.u16_be()?, cursor.u16_be()?);
        match (method, input.direction) {
            // `connection.start-ok`
            ((10, 11), Direction::ToServer) => {
                long(&mut cursor)?;
                let mechanism = short(&mut cursor)?;
                let response = long(&mut cursor)?;
                self.settle(Outcome::Unknown, out);
                let span = input.span(at..at + content.len());
                self.login = if mechanism.eq_ignore_ascii_case(b"AMQPLAIN") {
                    let value = |name| entry(response, name);
                    value(b"PASSWORD").map(|password| HeldLogin::clear("amqplain", value(b"LOGIN"), password, span))
                } else {
                    let mut exchange = Exchange::new(mechanism);
                    exchange.client(response, span);
                    Some(exchange.into_login())
                };
            }
            // `connection.tune`, `connection.close`
            ((10, 30), Direction::ToClient) => self.settle(Outcome::Accepted, out),
            ((10, 50), Direction::ToClient) => self.settle(Outcome::Rejected, out),
            // `basic.publish`, `basic.deliver`, `basic.get-ok`
            ((60, 40), _) => {
                cursor.skip(2)?;
                short(&mut cursor)?;
                self.keep(input.direction, short(&mut cursor)?);
            }
            ((60, 60), _) => {
                short(&mut cursor)?;
                cursor.skip(9)?;
                short(&mut cursor)?;
                self.keep(input.direction, short(&mut cursor)?);
            }
            ((60, 71), _) => {
                cursor.skip(9)?;
                short(&mut cursor)?;
                self.keep(input.direction, short(&mut cursor)?);
            }
            _ => {}
        }
        Some(())
    }

    fn keep(&mut self, direction: Direction, key: &[u8]) {
        self.side(direction).key = String::from_utf8_lossy(key).into_owned();
    }
}

/// A string of a table: its name, `S`, its length in four bytes.
fn entry<'a>(table: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let key = [&[u8::try_from(name.len()).ok()?], name, b"S"].concat();
    let at = memchr::memmem::find(table, &key)?;
    long(&mut Cursor::new(table.get(at + key.len()..)?))
}

#[cfg(test)]
mod tests {
    use super::{END, PROTOCOL, START};
    use crate::proto::replay::{C, S, play_every_cut};

    fn frame(kind: u8, content: &[u8]) -> Vec<u8> {
        [&[kind, 0, 0][..], &(content.len() as u32).to_be_bytes(), content, &[END]].concat()
    }

    fn start_ok(mechanism: &[u8], response: &[u8]) -> Vec<u8> {
        let length = (response.len() as u32).to_be_bytes();
        let head = [b"\0\x0a\0\x0b\0\0\0\0".as_slice(), &[mechanism.len() as u8], mechanism, &length];
        frame(1, &[&head.concat(), response, b"\x05en_US"].concat())
    }

    #[test]
    fn a_login_gets_the_brokers_verdict() {
        let start = frame(1, b"\0\x0a\0\x0a\0\x09\0\0\0\0\0\0\0\x05PLAIN\0\0\0\x05en_US");
        let login = start_ok(b"PLAIN", b"\0bob\0hunter22");
        for (answer, outcome) in [(30, "accepted"), (50, "rejected")] {
            let answer = frame(1, &[0, 10, 0, answer, 0, 0, 0, 0, 0, 0, 0, 0]);
            let said = play_every_cut(&PROTOCOL, &[(C, START), (S, &start), (C, &login), (S, &answer)]);
            assert!(said.has(&format!("login plain bob:hunter22 {outcome} @amqp.start_ok")), "{said:?}");
        }
        let own = start_ok(b"AMQPLAIN", b"\x05LOGINS\0\0\0\x03bob\x08PASSWORDS\0\0\0\x08hunter22");
        let said = play_every_cut(&PROTOCOL, &[(C, START), (C, &own)]);
        assert!(said.has("login amqplain bob:hunter22 unknown @amqp.start_ok"), "{said:?}");
    }

    #[test]
    fn messages_are_read_under_their_routing_key() {
        let publish = frame(1, b"\0\x3c\0\x28\0\0\x02ex\x06config\0");
        let header = frame(2, b"\0\x3c\0\0\0\0\0\0\0\0\0\x11\0\0");
        let body = frame(3, b"{\"psk\":\"abcdef7\"}");
        let said = play_every_cut(&PROTOCOL, &[(C, START), (C, &publish), (C, &header), (C, &body)]);
        assert!(said.has("text amqp.message Json config {\"psk\":\"abcdef7\"}"), "{said:?}");
    }
}
