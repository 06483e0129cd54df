//! SNMP, over UDP and TCP (RFC 3417, RFC 3430): communities (RFC 1157, RFC 1901), users and what protects them
//! (RFC 3412, RFC 3414), and the texts that are read and written.

mod message;
#[cfg(test)]
mod tests;
mod usm;

use std::collections::VecDeque;

use self::message::{Fit, Kind, Message, Pdu, Sender};
use self::usm::Users;
use super::ber::{self, Elements, OBJECT_IDENTIFIER, OCTET_STRING};
use super::login::HeldLogin;
use super::upgrade::Own;
use super::value::Named;
use super::{Analyzer, Nature, Opening, Progress, Protocol, Verdict};
use crate::content::sniff;
use crate::model::event::{Event, EventSink, FieldKind, Outcome, Skip};
use crate::model::flow::{Direction, Transport};
use crate::model::limits::{self, Cap};
use crate::model::packet::Span;
use crate::model::stream::Input;

/// SNMP over UDP: each datagram is a message. Notifications go to port 162.
pub static UDP: Protocol = Protocol {
    name: "snmp",
    transport: Transport::Udp,
    ports: &[161, 162],
    nature: Nature::Cleartext,
    probe,
    start: || Box::<Snmp>::default(),
};

/// SNMP over TCP: messages follow each other.
pub static TCP: Protocol = Protocol {
    name: "snmp",
    transport: Transport::Tcp,
    ports: &[161, 162],
    nature: Nature::Cleartext,
    probe,
    start: || Box::new(Snmp { stream: true, ..Snmp::default() }),
};

/// Communities that devices come with.
const DEFAULTS: [&[u8]; 2] = [b"public", b"private"];

#[derive(Default)]
struct Snmp {
    /// Messages follow each other, and do not stand alone.
    stream: bool,
    /// Requests with communities that wait for their answers, oldest first.
    unanswered: VecDeque<(Option<u32>, HeldLogin, &'static str)>,
    users: Users,
    protection: Own,
    lost: [bool; 2],
}

fn probe(opening: &Opening<'_>) -> Verdict {
    let sides = Direction::BOTH.map(|direction| {
        let bytes = opening.side(direction);
        match message::fit(bytes) {
            _ if bytes.is_empty() => Verdict::NeedMore,
            Fit::Message { sender: Sender::Client, .. } if direction == Direction::ToClient => Verdict::No,
            Fit::Message { sender: Sender::Server, .. } if direction == Direction::ToServer => Verdict::No,
            Fit::Message { .. } => Verdict::Certain,
            Fit::More => Verdict::NeedMore,
            Fit::No => Verdict::No,
        }
    });
    match sides {
        [Verdict::No, _] | [_, Verdict::No] => Verdict::No,
        [Verdict::NeedMore, Verdict::NeedMore] => Verdict::NeedMore,
        _ => Verdict::Certain,
    }
}

impl Analyzer for Snmp {
    fn data(&mut self, input: Input<'_>, out: &mut dyn EventSink) -> Progress {
        let bytes = input.bytes();
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let lost = self.lost.get(input.direction.index()).is_some_and(|lost| *lost);
            let length = match message::fit(rest) {
                Fit::Message { length, .. } if !self.stream => length.min(rest.len()),
                Fit::Message { length, .. } if !lost && length <= limits::PENDING_BYTES => length,
                Fit::More if self.stream && !lost => break,
                // Where the next one begins in a stream is not looked for: few are carried in one.
                Fit::Message { .. } | Fit::More | Fit::No => {
                    out.event(Event::Skipped { reason: Skip::Malformed, bytes: rest.len() as u64 });
                    self.gap(input.direction, 0, out);
                    return Progress::Continue(bytes.len());
                }
            };
            let Some(message) = rest.get(..length) else { break };
            self.message(message, input.direction, input.span(at..at + length), out);
            // Nothing stands behind the message of a datagram.
            at = if self.stream { at + length } else { bytes.len() };
        }
        Progress::Continue(at)
    }

    fn gap(&mut self, direction: Direction, _missing: u64, _out: &mut dyn EventSink) {
        if let Some(lost) = self.lost.get_mut(direction.index()) {
            *lost = self.stream;
        }
    }

    fn end(&mut self, _left: [Input<'_>; 2], out: &mut dyn EventSink) {
        while let Some((_, login, version)) = self.unanswered.pop_front() {
            report(&login, version, Outcome::Unknown, out);
        }
        self.users.end(out);
    }
}

impl Snmp {
    fn message(&mut self, bytes: &[u8], direction: Direction, span: Span, out: &mut dyn EventSink) {
        match Message::parse(bytes) {
            Some(Message::Open { version, community, pdu }) => {
                let login = HeldLogin::clear("community", None, community, span);
                self.community(login, version, pdu, out);
                self.protection.clear(out);
                values(pdu.binds, direction, span, out);
            }
            Some(Message::Secured(message)) => {
                self.users.message(&message, direction, span, out);
                match message.pdu {
                    // Who could not make use of a message says so in the clear.
                    Some(pdu) if pdu.kind != Kind::Report && !message.user.is_empty() => {
                        self.protection.clear(out);
                        values(pdu.binds, direction, span, out);
                    }
                    None if message.private => {
                        self.protection.sealed(out);
                        out.event(Event::Skipped { reason: Skip::Encrypted, bytes: bytes.len() as u64 });
                    }
                    Some(_) | None => {}
                }
            }
            None => out.event(Event::Skipped { reason: Skip::Malformed, bytes: bytes.len() as u64 }),
        }
    }

    /// A community is accepted when the request is answered: who has another says nothing.
    fn community(&mut self, login: HeldLogin, version: &'static str, pdu: Pdu<'_>, out: &mut dyn EventSink) {
        match pdu.kind {
            Kind::Request => {
                if self.unanswered.iter().any(|(id, asked, _)| *id == pdu.id && asked.secret == login.secret) {
                    return;
                }
                if self.unanswered.len() >= limits::OUTSTANDING
                    && let Some((_, oldest, version)) = self.unanswered.pop_front()
                {
                    report(&oldest, version, Outcome::Unknown, out);
                    out.beyond(Cap::Outstanding);
                }
                self.unanswered.push_back((pdu.id, login, version));
            }
            Kind::Response | Kind::Report => {
                let asked = self.unanswered.iter().position(|(id, ..)| *id == pdu.id);
                let asked = asked.and_then(|position| self.unanswered.remove(position));
                report(&asked.map_or(login, |(_, asked, _)| asked), version, Outcome::Accepted, out);
            }
            Kind::OldTrap | Kind::Trap => report(&login, version, Outcome::Unknown, out),
        }
    }
}

fn report(login: &HeldLogin, version: &str, outcome: Outcome, out: &mut dyn EventSink) {
    let default = DEFAULTS.contains(&login.secret.as_secret().expose());
    let note = if default { format!("{version}; a default community") } else { version.to_owned() };
    login.report_with_note("snmp.message.community", outcome, Some(&note), out);
}

/// Values that are text (RFC 3416, section 3: `VarBindList`).
fn values(binds: &[u8], direction: Direction, span: Span, out: &mut dyn EventSink) {
    for (_, bind) in Elements::of(binds) {
        let mut bind = Elements::of(bind);
        let Some(name) = bind.expect(OBJECT_IDENTIFIER) else { continue };
        let Some(value) = bind.expect(OCTET_STRING).filter(|value| value.len() > 1) else { continue };
        if !sniff::is_text(value) {
            out.event(Event::Skipped { reason: Skip::Binary, bytes: value.len() as u64 });
            continue;
        }
        let name = ber::dotted(name);
        let (kind, place) = (FieldKind::Key, "snmp.value");
        Named { kind, place, name: &name, resource: "", direction, account: None }.say(value, span, out);
    }
}
