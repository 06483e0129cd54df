//! MQTT (3.1, 3.1.1 and 5.0): logins, and what is published under which topic.

use super::cursor::Cursor;
use super::login::HeldLogin;
use super::value::Named;
use super::{Analyzer, Nature, Opening, Progress, Protocol, Verdict};
use crate::content::sniff;
use crate::model::event::{Event, EventSink, FieldKind, LinkFact, Outcome, Skip};
use crate::model::flow::{Direction, Transport};
use crate::model::stream::Input;

/// MQTT.
pub static PROTOCOL: Protocol = Protocol {
    name: "mqtt",
    transport: Transport::Tcp,
    ports: &[1883],
    nature: Nature::Cleartext,
    probe,
    start: || Box::<Mqtt>::default(),
};

const CONNECT: u8 = 1;
const CONNACK: u8 = 2;
const PUBLISH: u8 = 3;

/// The version whose packets have properties.
const WITH_PROPERTIES: u8 = 5;

/// Packets longer than this are passed over.
const LONGEST: usize = 64 << 10;

#[derive(Default)]
struct Mqtt {
    level: u8,
    login: Option<HeldLogin>,
    /// Where packets begin is not known any more.
    lost: [bool; 2],
}

/// A packet's kind, its flags, and its content.
#[derive(Clone, Copy)]
struct Packet<'a> {
    kind: u8,
    flags: u8,
    content: &'a [u8],
}

fn probe(opening: &Opening<'_>) -> Verdict {
    let answer = match opening.to_client.first() {
        None | Some(0x20 | 0xf0) => true,
        Some(_) => false,
    };
    let bytes = opening.to_server;
    let mut cursor = Cursor::new(bytes);
    match (answer, cursor.u8()) {
        (false, _) => return Verdict::No,
        (true, None) => return if opening.to_client.is_empty() { Verdict::NeedMore } else { Verdict::No },
        (true, Some(0x10)) => {}
        (true, Some(_)) => return Verdict::No,
    }
    match length(&mut cursor) {
        Some(Some(_)) => {}
        Some(None) => return Verdict::No,
        None => return Verdict::NeedMore,
    }
    let starts = [b"\0\x04MQTT".as_slice(), b"\0\x06MQIsdp"];
    match starts.iter().find_map(|name| cursor.rest().strip_prefix(*name)) {
        Some([3..=5 | 0x83 | 0x84, ..]) => Verdict::Certain,
        Some([]) => Verdict::NeedMore,
        Some(_) => Verdict::No,
        None if starts.iter().any(|name| name.starts_with(cursor.rest())) => Verdict::NeedMore,
        None => Verdict::No,
    }
}

/// The length of what follows, in up to four groups of seven bits. `None` within when there are more.
#[allow(clippy::option_option, reason = "too little and too much are different answers")]
fn length(cursor: &mut Cursor<'_>) -> Option<Option<usize>> {
    let mut length = 0;
    for group in 0..4 {
        let byte = cursor.u8()?;
        length |= usize::from(byte & 0x7f) << (7 * group);
        if byte & 0x80 == 0 {
            return Some(Some(length));
        }
    }
    Some(None)
}

fn string<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let length = cursor.u16_be()?;
    cursor.take(length.into())
}

impl Analyzer for Mqtt {
    fn data(&mut self, input: Input<'_>, out: &mut dyn EventSink) -> Progress {
        let bytes = input.bytes();
        if self.lost.get(input.direction.index()).is_some_and(|lost| *lost) {
            out.event(Event::Skipped { reason: Skip::Gap, bytes: bytes.len() as u64 });
            return Progress::Continue(bytes.len());
        }
        let mut at = 0;
        loop {
            let mut cursor = Cursor::new(bytes.get(at..).unwrap_or_default());
            let (Some(first), Some(length)) = (cursor.u8(), length(&mut cursor)) else {
                return Progress::Continue(at);
            };
            let Some(length) = length.filter(|_| first >> 4 != 0) else {
                out.event(Event::Link(LinkFact::Violation));
                out.event(Event::Skipped { reason: Skip::Malformed, bytes: (bytes.len() - at) as u64 });
                if let Some(lost) = self.lost.get_mut(input.direction.index()) {
                    *lost = true;
                }
                return Progress::Continue(bytes.len());
            };
            let head = cursor.position();
            if length > LONGEST {
                out.event(Event::Skipped { reason: Skip::Limit, bytes: (head + length) as u64 });
                let here = cursor.remaining().min(length);
                return Progress::Skip(at + head + here, (length - here) as u64);
            }
            let Some(content) = cursor.take(length) else { return Progress::Continue(at) };
            let packet = Packet { kind: first >> 4, flags: first & 0x0f, content };
            let _ = self.packet(packet, input, at + head, out);
            at += head + length;
        }
    }

    fn gap(&mut self, direction: Direction, _missing: u64, _out: &mut dyn EventSink) {
        if let Some(lost) = self.lost.get_mut(direction.index()) {
            *lost = true;
        }
    }

    fn end(&mut self, _left: [Input<'_>; 2], out: &mut dyn EventSink) {
        self.settle(Outcome::Unknown, out);
    }
}

impl Mqtt {
    fn settle(&mut self, outcome: Outcome, out: &mut dyn EventSink) {
        if let Some(login) = self.login.take() {
            login.report("mqtt.connect", outcome, out);
        }
    }

    fn packet(&mut self, packet: Packet<'_>, input: Input<'_>, at: usize, out: &mut dyn EventSink) -> Option<()> {
        match (packet.kind, input.direction) {
            (CONNECT, Direction::ToServer) => self.connect(packet, input, at, out),
            (CONNACK, Direction::ToClient) => {
                let accepted = packet.content.get(1) == Some(&0);
                self.settle(if accepted { Outcome::Accepted } else { Outcome::Rejected }, out);
                Some(())
            }
            (PUBLISH, _) => self.publish(packet, input, at, out),
            _ => Some(()),
        }
    }

    fn properties(&self, cursor: &mut Cursor<'_>) -> Option<()> {
        if self.level < WITH_PROPERTIES {
            return Some(());
        }
        let length = length(cursor)??;
        cursor.skip(length)
    }

    fn connect(&mut self, packet: Packet<'_>, input: Input<'_>, at: usize, out: &mut dyn EventSink) -> Option<()> {
        let mut cursor = Cursor::new(packet.content);
        string(&mut cursor)?;
        self.level = cursor.u8()? & 0x7f;
        let flags = cursor.u8()?;
        cursor.skip(2)?;
        self.properties(&mut cursor)?;
        string(&mut cursor)?;
        if flags & 0x04 != 0 {
            self.properties(&mut cursor)?;
            string(&mut cursor)?;
            string(&mut cursor)?;
        }
        let user = if flags & 0x80 == 0 { None } else { Some(string(&mut cursor)?) };
        if flags & 0x40 != 0 {
            let password = string(&mut cursor)?;
            self.settle(Outcome::Unknown, out);
            let span = input.span(at..at + packet.content.len());
            self.login = Some(HeldLogin::clear("clear", user, password, span));
        }
        Some(())
    }

    fn publish(&self, packet: Packet<'_>, input: Input<'_>, at: usize, out: &mut dyn EventSink) -> Option<()> {
        let mut cursor = Cursor::new(packet.content);
        let topic = string(&mut cursor)?;
        if packet.flags & 0x06 != 0 {
            cursor.skip(2)?;
        }
        self.properties(&mut cursor)?;
        let (from, payload) = (at + cursor.position(), cursor.rest());
        if payload.len() < 2 {
            return Some(());
        }
        if !sniff::is_text(payload) {
            out.event(Event::Skipped { reason: Skip::Binary, bytes: payload.len() as u64 });
            return Some(());
        }
        let topic = String::from_utf8_lossy(topic);
        let named = Named {
            kind: FieldKind::Key,
            place: "mqtt.publish",
            name: &topic,
            resource: "",
            direction: input.direction,
            account: None,
        };
        named.say(payload, input.span(from..from + payload.len()), out);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::PROTOCOL;
    use crate::proto::replay::{C, S, play_every_cut};

    const CONNECT: &[u8] = b"\x10\x1f\0\x04MQTT\x04\xc2\0\x3c\0\x04dev1\0\x03bob\0\x08hunter22";

    #[test]
    fn a_login_gets_the_brokers_verdict() {
        let said = play_every_cut(&PROTOCOL, &[(C, CONNECT), (S, b"\x20\x02\0\0")]);
        assert!(said.has("login clear bob:hunter22 accepted @mqtt.connect"), "{said:?}");
        let said = play_every_cut(&PROTOCOL, &[(C, CONNECT), (S, b"\x20\x02\0\x05")]);
        assert!(said.has("login clear bob:hunter22 rejected @mqtt.connect"), "{said:?}");
        let said = play_every_cut(&PROTOCOL, &[(C, CONNECT)]);
        assert!(said.has("login clear bob:hunter22 unknown @mqtt.connect"), "{said:?}");
    }

    #[test]
    fn properties_and_a_will_are_passed_over() {
        let connect = b"\x10\x32\0\x04MQTT\x05\xc6\0\x3c\x05\x11\0\0\0\x0a\0\x04dev1\0\0\x04last\0\x04gone\0\x03bob\0\x08hunter22";
        let publish = b"\x32\x17\0\x04a/pw\0\x07\x02\x01\x01s3cr3t value";
        let said = play_every_cut(&PROTOCOL, &[(C, connect), (S, b"\x20\x03\0\0\0"), (C, publish)]);
        assert!(said.has("login clear bob:hunter22 accepted @mqtt.connect"), "{said:?}");
        assert!(said.has("field key mqtt.publish a/pw=s3cr3t value"), "{said:?}");
    }

    #[test]
    fn what_is_published_is_read() {
        let publish = b"\x30\x19\0\x06config{\"psk\":\"abcdef7\"}";
        let said = play_every_cut(&PROTOCOL, &[(C, CONNECT), (S, b"\x20\x02\0\0"), (S, publish)]);
        assert!(said.has("text mqtt.publish Json config {\"psk\":\"abcdef7\"}"), "{said:?}");
    }
}
