//! Logins to a network in PPP: PAP (RFC 1334) sends the password as it is; CHAP (RFC 1994, and Microsoft's
//! in RFC 2433 and RFC 2759) a response to a challenge.
//!
//! One analyzer follows both, a packet at a time. Who sent what is told by the code of a packet, not by
//! its direction: without a tunnel and without network cards, both ends have the same address.

mod chap;

use std::collections::VecDeque;

use super::cursor::Cursor;
use super::login::HeldLogin;
use super::{Analyzer, Nature, Opening, Progress, Protocol, Verdict};
use crate::model::event::{Event, EventSink, LinkFact, Outcome, Skip};
use crate::model::flow::{Direction, Transport};
use crate::model::limits;
use crate::model::packet::Span;
use crate::model::stream::Input;

/// The descriptor of PAP.
pub static PAP: Protocol = Protocol {
    name: "pap",
    transport: Transport::Ppp,
    ports: &[],
    nature: Nature::Cleartext,
    probe: |opening| probe(opening, PAP_NUMBER, &[1], &[2, 3]),
    start: || Box::<Ppp>::default(),
};

/// The descriptor of CHAP.
pub static CHAP: Protocol = Protocol {
    name: "chap",
    transport: Transport::Ppp,
    ports: &[],
    nature: Nature::Cleartext,
    probe: |opening| probe(opening, CHAP_NUMBER, &[2], &[1, 3, 4]),
    start: || Box::<Ppp>::default(),
};

const PAP_NUMBER: u16 = 0xc023;
const CHAP_NUMBER: u16 = 0xc223;

/// The client sends these codes, the server those.
fn probe(opening: &Opening<'_>, number: u16, client: &[u8], server: &[u8]) -> Verdict {
    if opening.to_server.is_empty() && opening.to_client.is_empty() {
        return Verdict::NeedMore;
    }
    let fits = |side: &[u8], codes: &[u8]| {
        side.is_empty() || Packet::read(side).is_some_and(|p| p.protocol == number && codes.contains(&p.code))
    };
    if fits(opening.to_server, client) && fits(opening.to_client, server) { Verdict::Certain } else { Verdict::No }
}

/// A PAP or CHAP packet.
struct Packet<'a> {
    protocol: u16,
    code: u8,
    identifier: u8,
    body: &'a [u8],
}

impl<'a> Packet<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        const HEADER: usize = 4;
        let mut cursor = Cursor::new(bytes);
        let (protocol, code, identifier) = (cursor.u16_be()?, cursor.u8()?, cursor.u8()?);
        let length = usize::from(cursor.u16_be()?);
        Some(Self { protocol, code, identifier, body: cursor.take(length.checked_sub(HEADER)?)? })
    }
}

/// Logins that wait for their outcome, and challenges for their response, the latest last. Behind a
/// concentrator they are those of many peers.
#[derive(Default)]
struct Ppp {
    challenges: VecDeque<(u8, Vec<u8>)>,
    logins: VecDeque<Waiting>,
}

struct Waiting {
    protocol: u16,
    identifier: u8,
    field: &'static str,
    login: HeldLogin,
}

impl Analyzer for Ppp {
    fn data(&mut self, input: Input<'_>, out: &mut dyn EventSink) -> Progress {
        let whole = input.bytes().len();
        let span = input.span(0..whole);
        if Packet::read(input.bytes()).and_then(|packet| self.packet(&packet, span, out)).is_none() {
            out.event(Event::Link(LinkFact::Violation));
            out.event(Event::Skipped { reason: Skip::Malformed, bytes: whole as u64 });
        }
        Progress::Continue(whole)
    }

    fn gap(&mut self, _direction: Direction, _missing: u64, _out: &mut dyn EventSink) {}

    fn end(&mut self, _left: [Input<'_>; 2], out: &mut dyn EventSink) {
        for Waiting { field, login, .. } in self.logins.drain(..) {
            login.report(field, Outcome::Unknown, out);
        }
    }
}

impl Ppp {
    /// `None`: it makes no sense.
    fn packet(&mut self, packet: &Packet<'_>, span: Span, out: &mut dyn EventSink) -> Option<()> {
        match (packet.protocol, packet.code) {
            (PAP_NUMBER, 1) => {
                let mut cursor = Cursor::new(packet.body);
                let length = cursor.u8()?;
                let peer = cursor.take(length.into())?;
                let length = cursor.u8()?;
                let password = cursor.take(length.into())?;
                self.wait(packet, "pap.password", HeldLogin::clear("pap", Some(peer), password, span), out);
            }
            (CHAP_NUMBER, 1) => {
                let mut cursor = Cursor::new(packet.body);
                let length = cursor.u8()?;
                let challenge = cursor.take(length.into())?.to_vec();
                if self.challenges.len() >= limits::OUTSTANDING {
                    self.challenges.pop_front();
                }
                self.challenges.push_back((packet.identifier, challenge));
            }
            (CHAP_NUMBER, 2) => {
                let mut cursor = Cursor::new(packet.body);
                let length = cursor.u8()?;
                let value = cursor.take(length.into())?;
                let mut challenges = self.challenges.iter().rev();
                let challenge = challenges.find(|(identifier, _)| *identifier == packet.identifier);
                let challenge = challenge.map(|(_, challenge)| challenge.as_slice());
                let login = chap::login(packet.identifier, challenge, value, cursor.rest(), span)?;
                self.wait(packet, "chap.response", login, out);
            }
            (PAP_NUMBER, 2) | (CHAP_NUMBER, 3) => self.answer(packet, Outcome::Accepted, out),
            (PAP_NUMBER, 3) | (CHAP_NUMBER, 4) => self.answer(packet, Outcome::Rejected, out),
            _ => return None,
        }
        Some(())
    }

    /// A login waits for its answer. It is sent again until there is one.
    fn wait(&mut self, packet: &Packet<'_>, field: &'static str, login: HeldLogin, out: &mut dyn EventSink) {
        let (protocol, identifier) = (packet.protocol, packet.identifier);
        let again = self.logins.iter().any(|waiting| {
            (waiting.protocol, waiting.identifier) == (protocol, identifier)
                && waiting.login.username == login.username
                && waiting.login.secret == login.secret
        });
        if again {
            return;
        }
        if self.logins.len() >= limits::OUTSTANDING
            && let Some(Waiting { field, login, .. }) = self.logins.pop_front()
        {
            login.report(field, Outcome::Unknown, out);
        }
        self.logins.push_back(Waiting { protocol, identifier, field, login });
    }

    fn answer(&mut self, packet: &Packet<'_>, outcome: Outcome, out: &mut dyn EventSink) {
        let asked = |w: &Waiting| (w.protocol, w.identifier) == (packet.protocol, packet.identifier);
        if let Some(Waiting { field, login, .. }) =
            self.logins.iter().position(asked).and_then(|at| self.logins.remove(at))
        {
            login.report(field, outcome, out);
        }
    }
}

#[cfg(test)]
mod tests;
