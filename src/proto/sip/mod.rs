//! SIP over UDP and TCP (RFC 3261): logins by digest (RFC 8760) and the other schemes of HTTP, passwords in addresses,
//! headers that nobody listed, and the bodies: descriptions of sessions with the keys of their media (RFC 4568), and
//! messages of people (RFC 3428).

mod header;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use super::authorization::{Challenges, Credentials, Said};
use super::headed::{Body, Grammar, Head, Messages, Start, Step};
use super::login::HeldLogin;
use super::{Analyzer, Nature, Opening, Progress, Protocol, Verdict};
use crate::content::header::Header;
use crate::content::mime::Place;
use crate::model::event::{Event, EventSink, Field, FieldKind, LinkFact, Outcome};
use crate::model::flow::{Direction, Transport};
use crate::model::limits::{self, Cap};
use crate::model::packet::Span;
use crate::model::secret::Secret;
use crate::model::stream::Input;

/// SIP over UDP: each datagram is a message.
pub static UDP: Protocol = Protocol {
    name: "sip",
    transport: Transport::Udp,
    ports: &[5060],
    nature: Nature::Cleartext,
    probe,
    start: || Box::new(Sip::new(false)),
};

/// SIP over TCP: messages follow each other.
pub static TCP: Protocol = Protocol {
    name: "sip",
    transport: Transport::Tcp,
    ports: &[5060],
    nature: Nature::Cleartext,
    probe,
    start: || Box::new(Sip::new(true)),
};

static GRAMMAR: Grammar = Grammar {
    version: b"SIP/",
    targets: &[b"sip:", b"sips:", b"tel:", b"urn:", b"im:", b"pres:"],
    place: Place { header: "sip.message.header", body: "sip.message" },
    frames: false,
};

/// Longest part of what tells a transaction that is kept.
const KEY_BYTES: usize = 256;

struct Sip {
    messages: Messages,
    challenges: Challenges,
    /// Requests with credentials that wait for their answers, oldest first.
    unanswered: VecDeque<Request>,
    /// The domain last registered with.
    domain: Vec<u8>,
}

struct Request {
    /// Whose it is, by `Call-ID` and `CSeq`.
    key: Vec<u8>,
    direction: Direction,
    credentials: Vec<Credentials>,
}

fn probe(opening: &Opening<'_>) -> Verdict {
    GRAMMAR.probe(opening)
}

impl Analyzer for Sip {
    fn data(&mut self, input: Input<'_>, out: &mut dyn EventSink) -> Progress {
        let mut at = 0;
        loop {
            match self.messages.next(input, &mut at, out) {
                Step::Head(head) => {
                    let body = self.head(&head, input, out);
                    self.messages.begin(&body, input, at, out);
                }
                Step::Rest(progress) => return progress,
            }
        }
    }

    fn gap(&mut self, direction: Direction, missing: u64, out: &mut dyn EventSink) {
        self.messages.gap(direction, missing, out);
    }

    fn end(&mut self, left: [Input<'_>; 2], out: &mut dyn EventSink) {
        for input in left {
            if let Some(head) = self.messages.end(input, out) {
                self.head(&head, input, out);
            }
        }
        while let Some(request) = self.unanswered.pop_front() {
            self.settle(&request, None, out);
        }
    }
}

impl Sip {
    fn new(stream: bool) -> Self {
        Self {
            messages: Messages::new(&GRAMMAR, stream),
            challenges: Challenges::of_sip(),
            unanswered: VecDeque::new(),
            domain: Vec::new(),
        }
    }

    /// Reads a head. Gives what it says of the body.
    fn head(&mut self, head: &Head<'_>, input: Input<'_>, out: &mut dyn EventSink) -> Body {
        let (method, target) = match head.start {
            Start::Request { method, target } => (method, target),
            Start::Answer(_) => (&b""[..], &b""[..]),
        };
        let asks = !method.is_empty();
        let mut body = Body::default();
        let (mut call, mut sequence): (&[u8], &[u8]) = (b"", b"");
        let mut credentials = Vec::new();
        let mut stale = false;
        if asks {
            header::password(target).into_iter().for_each(|login| {
                self.address(&login, input.direction, input.span(head.line.clone()), out);
            });
        }
        if method == b"REGISTER" {
            self.domain(target, out);
        }
        let mut buffer = [0; header::LONGEST_NAME];
        for header in head.headers() {
            let Some(name) = header::full_name(header.name, &mut buffer) else { continue };
            if body.note(name, header.value) {
                continue;
            }
            let span = input.span(header.at..header.at + header.value.len());
            match name {
                b"call-id" => call = header.value,
                b"cseq" => sequence = header.value,
                b"authorization" | b"proxy-authorization" => {
                    let proxy = name.starts_with(b"proxy");
                    // An ACK repeats what its INVITE had, computed for that (section 22.1).
                    if matches!(method, b"ACK" | b"CANCEL") {
                        continue;
                    }
                    match self.challenges.answered(&header.unfolded(), method, proxy, span) {
                        Said::Login(login) => credentials.push(login),
                        Said::Other => field(asks, name, &header, input.direction, span, out),
                    }
                }
                b"www-authenticate" | b"proxy-authenticate" => {
                    let value = header.unfolded();
                    stale |= header::is_stale(&value);
                    self.challenges.asked(&value, span);
                }
                b"from" | b"to" | b"contact" if asks => {
                    if let Some(login) = header::password(header.value) {
                        self.address(&login, input.direction, span, out);
                    }
                }
                _ if header::can_hold_secrets(name) => field(asks, name, &header, input.direction, span, out),
                _ => {}
            }
        }
        let part = |text: &[u8]| text.get(..KEY_BYTES).unwrap_or(text).to_vec();
        let key = [part(call), part(sequence)].join(&b'\n');
        match head.start {
            Start::Request { .. } if !credentials.is_empty() => {
                self.asked(Request { key, direction: input.direction, credentials }, out);
            }
            Start::Request { .. } => {}
            // What was asked is being looked at.
            Start::Answer(100) => {}
            Start::Answer(status) => self.answered(&key, input.direction.reverse(), status, stale, out),
        }
        body
    }

    fn asked(&mut self, request: Request, out: &mut dyn EventSink) {
        // Until there is an answer, a request is sent again and again (section 17.1).
        if self.unanswered.iter().any(|r| r.key == request.key && r.direction == request.direction) {
            return;
        }
        if self.unanswered.len() >= limits::OUTSTANDING
            && let Some(oldest) = self.unanswered.pop_front()
        {
            out.beyond(Cap::Outstanding);
            self.settle(&oldest, None, out);
        }
        self.unanswered.push_back(request);
    }

    fn answered(&mut self, key: &[u8], direction: Direction, status: u16, stale: bool, out: &mut dyn EventSink) {
        let position = self.unanswered.iter().position(|r| r.key == key && r.direction == direction);
        if let Some(request) = position.and_then(|position| self.unanswered.remove(position)) {
            // The password was right, and the challenge too old (RFC 7616, section 3.3).
            self.settle(&request, Some(status).filter(|_| !stale), out);
        }
    }

    fn settle(&self, request: &Request, status: Option<u16>, out: &mut dyn EventSink) {
        for credentials in &request.credentials {
            let outcome = match (status, credentials.proxy) {
                (Some(407), false) | (Some(401), true) => Outcome::Unknown,
                (Some(401 | 403 | 407), _) => Outcome::Rejected,
                // Whoever hears it ring, or that somebody is busy, was let in.
                (Some(101..=399 | 480 | 486 | 487 | 600 | 603), _) => Outcome::Accepted,
                _ => Outcome::Unknown,
            };
            let field = if credentials.proxy {
                "sip.request.header.proxy-authorization"
            } else {
                "sip.request.header.authorization"
            };
            let note = credentials.note(&self.challenges);
            credentials.login.report_from(request.direction, field, outcome, note.as_deref(), out);
        }
    }

    /// A password in an address.
    fn address(&self, login: &header::Login<'_>, direction: Direction, span: Span, out: &mut dyn EventSink) {
        let held = HeldLogin::clear("uri", Some(login.user), &login.password, span);
        held.report_from(direction, "sip.request.address", Outcome::Unknown, None, out);
    }

    /// The domain of a registrar.
    fn domain(&mut self, target: &[u8], out: &mut dyn EventSink) {
        let Some(name) = header::host(target).filter(|name| *name != self.domain) else { return };
        self.domain = name.to_vec();
        if let Ok(name) = std::str::from_utf8(name) {
            out.event(Event::Link(LinkFact::ServerName(name)));
        }
    }
}

/// A header that may hold anything.
fn field(asks: bool, name: &[u8], header: &Header<'_>, direction: Direction, span: Span, out: &mut dyn EventSink) {
    let value = header.unfolded();
    if value.len() < 2 {
        return;
    }
    out.event(Event::Field(Field {
        kind: FieldKind::Header,
        place: if asks { "sip.request.header" } else { "sip.response.header" },
        name: &String::from_utf8_lossy(name),
        value: Secret::new(&value),
        resource: "",
        direction,
        account: None,
        outcome: Outcome::Unknown,
        span,
    }));
}
