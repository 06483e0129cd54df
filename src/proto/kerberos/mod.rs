//! Kerberos (RFC 4120), over UDP and TCP: who logs in, and what is encrypted with a key that is made from a
//! password, against which guesses can be tried.

mod message;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use self::message::{Fit, Message, Principal, Proof};
use super::cursor::Cursor;
use super::login::HeldLogin;
use super::{Analyzer, Nature, Opening, Progress, Protocol, Verdict};
use crate::model::event::{Event, EventSink, LinkFact, Outcome, Proof as Kind, Skip};
use crate::model::flow::{Direction, Transport};
use crate::model::limits::{self, Cap};
use crate::model::packet::Span;
use crate::model::stream::Input;

/// Kerberos over TCP: each message has its length before it (section 7.2.2).
pub static TCP: Protocol = Protocol {
    name: "kerberos",
    transport: Transport::Tcp,
    ports: &[88],
    nature: Nature::Cleartext,
    probe: |opening| probe(opening, LENGTH),
    start: || Box::new(Kerberos { prefix: LENGTH, ..Kerberos::default() }),
};

/// Kerberos over UDP: each datagram is a message.
pub static UDP: Protocol = Protocol {
    name: "kerberos",
    transport: Transport::Udp,
    ports: &[88],
    nature: Nature::Cleartext,
    probe: |opening| probe(opening, 0),
    start: || Box::<Kerberos>::default(),
};

/// Length of the length before a message.
const LENGTH: usize = 4;

/// Longest message that is read: one with a ticket of somebody in a thousand groups has a tenth of it.
const WHOLE: usize = 256 << 10;

#[derive(Default)]
struct Kerberos {
    /// Bytes before each message.
    prefix: usize,
    /// Requests for a first ticket that wait for their answers, oldest first: what was sent with them.
    unanswered: VecDeque<Option<Pending>>,
    lost: [bool; 2],
}

struct Pending {
    login: HeldLogin,
    note: Option<String>,
}

fn probe(opening: &Opening<'_>, prefix: usize) -> Verdict {
    let sides = [(opening.to_server, true), (opening.to_client, false)].map(|(bytes, of_client)| {
        if bytes.is_empty() {
            return Verdict::NeedMore;
        }
        let message = bytes.get(prefix..).unwrap_or_default();
        match message::fit(message) {
            Fit::Whole { client, length }
                if client == of_client && announced(bytes, prefix).unwrap_or(length) == length =>
            {
                Verdict::Certain
            }
            Fit::More if prefix == 0 || bytes.first() == Some(&0) => Verdict::NeedMore,
            Fit::More | Fit::No | Fit::Whole { .. } => Verdict::No,
        }
    });
    match sides {
        [Verdict::Certain, Verdict::Certain | Verdict::NeedMore] | [Verdict::NeedMore, Verdict::Certain] => {
            Verdict::Certain
        }
        [Verdict::NeedMore, Verdict::NeedMore] => Verdict::NeedMore,
        _ => Verdict::No,
    }
}

/// The length that stands before a message.
fn announced(bytes: &[u8], prefix: usize) -> Option<usize> {
    if prefix == 0 { None } else { Cursor::new(bytes).u32_be().map(|length| length as usize) }
}

impl Analyzer for Kerberos {
    fn data(&mut self, input: Input<'_>, out: &mut dyn EventSink) -> Progress {
        let bytes = input.bytes();
        let index = input.direction.index();
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let length = match announced(rest, self.prefix) {
                _ if self.prefix == 0 => rest.len(),
                Some(length) => length,
                None => break,
            };
            if length > WHOLE || self.lost.get(index).is_some_and(|lost| *lost) {
                // Few connections have a second message: it is not looked for.
                out.event(Event::Skipped { reason: Skip::Malformed, bytes: rest.len() as u64 });
                return Progress::Continue(bytes.len());
            }
            let end = at + self.prefix + length;
            let Some(content) = bytes.get(at + self.prefix..end) else { break };
            self.message(content, input.direction, input.span(at..end), out);
            at = end;
        }
        Progress::Continue(at)
    }

    fn gap(&mut self, direction: Direction, _missing: u64, _out: &mut dyn EventSink) {
        if let Some(lost) = self.lost.get_mut(direction.index()) {
            *lost = true;
        }
    }

    fn end(&mut self, _left: [Input<'_>; 2], out: &mut dyn EventSink) {
        while !self.unanswered.is_empty() {
            self.answered(Outcome::Unknown, out);
        }
    }
}

impl Kerberos {
    fn message(&mut self, content: &[u8], direction: Direction, span: Span, out: &mut dyn EventSink) {
        let client = direction == Direction::ToServer;
        let message = match message::fit(content) {
            Fit::Whole { client: of_client, .. } if of_client == client => Message::parse(content),
            _ => None,
        };
        match message {
            Some(Message::AsRequest(client, proof)) => {
                if self.unanswered.len() >= limits::OUTSTANDING {
                    self.answered(Outcome::Unknown, out);
                    out.beyond(Cap::Outstanding);
                }
                self.unanswered.push_back(proof.map(|proof| pending(client, proof, span)));
            }
            Some(Message::AsReply(client, proof)) => {
                let proved = self.answered(Outcome::Accepted, out);
                if let Some(proof) = proof {
                    let mut pending = pending(client, proof, span);
                    if proved == Some(false) {
                        let note = "given to whoever asks, without pre-authentication";
                        pending.note = Some(pending.note.map_or(note.to_owned(), |realm| format!("{realm}; {note}")));
                    }
                    pending.report("kerberos.as_rep", Outcome::Accepted, out);
                }
            }
            Some(Message::TgsReply(client, Some(proof))) => {
                pending(client, proof, span).report("kerberos.tgs_rep", Outcome::Accepted, out);
            }
            Some(Message::Error(code)) => {
                // Nobody of this name, revoked, expired, wrong (section 7.5.9). Others speak of how it was asked.
                let refused = matches!(code, 6 | 18 | 23 | 24);
                self.answered(if refused { Outcome::Rejected } else { Outcome::Unknown }, out);
            }
            Some(Message::TgsReply(_, None) | Message::Other) => {
                out.event(Event::Link(LinkFact::Auth("kerberos")));
            }
            None => out.event(Event::Skipped { reason: Skip::Malformed, bytes: content.len() as u64 }),
        }
    }

    /// The oldest request is answered. Whether the client had proved who it is.
    fn answered(&mut self, outcome: Outcome, out: &mut dyn EventSink) -> Option<bool> {
        let sent = self.unanswered.pop_front()?;
        if let Some(pending) = &sent {
            pending.report("kerberos.as_req", outcome, out);
        }
        Some(sent.is_some())
    }
}

impl Pending {
    fn report(&self, field: &str, outcome: Outcome, out: &mut dyn EventSink) {
        self.login.report_with_note(field, outcome, self.note.as_deref(), out);
    }
}

fn pending(client: Principal, proof: Proof, span: Span) -> Pending {
    let Proof { mechanism, line, hashcat, service } = proof;
    let realm = format!("realm \"{}\"", client.realm);
    let note = Some(service.map_or(realm.clone(), |service| format!("{realm}; ticket for {service}")));
    let username = (!client.name.is_empty()).then_some(client.name.into_bytes());
    let login = HeldLogin { mechanism, proof: Kind::ChallengeResponse { hashcat }, username, secret: line, span };
    Pending { login, note }
}
