//! LDAP (RFC 4511): simple and SASL binds, StartTLS, passwords that are set, and the attributes of
//! entries that are read and written.

mod attributes;
mod message;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use super::ber::{self, ENUMERATED, Elements, INTEGER, OCTET_STRING, Start};
use super::login::HeldLogin;
use super::sasl::Exchange;
use super::upgrade::{Offer, is_tls_record};
use super::{Analyzer, Nature, Next, Opening, Progress, Protocol, Verdict};
use crate::model::event::{Event, EventSink, LinkFact, Outcome, Skip};
use crate::model::flow::{Direction, Transport};
use crate::model::limits;
use crate::model::packet::Span;
use crate::model::stream::Input;
use message::{
    ADD_REQUEST, BIND_REQUEST, BIND_RESPONSE, COMPARE_REQUEST, EXTENDED_REQUEST, EXTENDED_RESPONSE, Fit,
    MODIFY_REQUEST, Message, SEARCH_ENTRY, SEARCH_REQUEST,
};

/// LDAP.
pub static PROTOCOL: Protocol = Protocol {
    name: "ldap",
    transport: Transport::Tcp,
    ports: &[389, 3268],
    nature: Nature::Cleartext,
    probe,
    start: || Box::<Ldap>::default(),
};

const LOGIN_FIELD: &str = "ldap.bind";
/// RFC 4511, section 4.14.
const START_TLS: &[u8] = b"1.3.6.1.4.1.1466.20037";
/// RFC 3062.
const PASSWORD_MODIFY: &[u8] = b"1.3.6.1.4.1.4203.1.11.1";
/// RFC 4511, section 4.1.9.
const SUCCESS: u32 = 0;
const SASL_BIND_IN_PROGRESS: u32 = 14;
/// Length of the header or signature before a message that a SASL layer signs and does not encrypt:
/// RFC 4121, section 4.2.6.2, and MS-NLMP, section 2.2.2.9.
const SIGNATURE: usize = 16;
/// Length of the length before a buffer of a SASL security layer.
const WRAPPED_PREFIX: usize = 4;

#[derive(Default)]
struct Ldap {
    /// Requests that wait for their answers, oldest first.
    unanswered: VecDeque<(u32, Request)>,
    /// A SASL exchange that goes on over several binds, with its mechanism as the client wrote it.
    exchange: Option<(Vec<u8>, Exchange)>,
    /// A SASL bind may have put a layer of its own over what follows.
    layered: bool,
    offer: Offer,
    lost: [bool; 2],
}

#[derive(Debug)]
enum Request {
    Bind(HeldLogin),
    PasswordModify,
    SaslBind,
    StartTls,
}

fn probe(opening: &Opening<'_>) -> Verdict {
    let fits = Direction::BOTH.map(|d| (opening.side(d).is_empty(), message::fit(opening.side(d), d)));
    // Where the stream began in the middle, one side may start inside of a message.
    let whole = fits.iter().any(|(_, fit)| *fit == Fit::Whole);
    if !(opening.midstream && whole) && fits.iter().any(|(empty, fit)| !empty && *fit == Fit::No) {
        return Verdict::No;
    }
    match fits.iter().map(|(_, fit)| *fit).max() {
        Some(Fit::Whole) => Verdict::Certain,
        Some(Fit::Envelope) => Verdict::Likely,
        _ => Verdict::NeedMore,
    }
}

impl Analyzer for Ldap {
    fn data(&mut self, input: Input<'_>, out: &mut dyn EventSink) -> Progress {
        let bytes = input.bytes();
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|r| !r.is_empty()) {
            match is_tls_record(rest) {
                Some(true) => return self.switch(at, out),
                None => break,
                Some(false) => {}
            }
            let fit = message::fit(rest, input.direction);
            if fit == Fit::No {
                if self.layered
                    && let Some(length) = wrapped_length(rest)
                {
                    match self.wrapped(length, at, input, out) {
                        Some(next) => at = next,
                        None if length > limits::PENDING_BYTES => {
                            let length = length + WRAPPED_PREFIX;
                            return pass_over(at, rest.len(), length, Skip::Encrypted, out);
                        }
                        None => break,
                    }
                    continue;
                }
                at = self.resynchronise(at, input, out);
                continue;
            }
            let Start::Header(header) = ber::start(rest) else { break };
            let length = header.size + header.length;
            if length > limits::PENDING_BYTES {
                return pass_over(at, rest.len(), length, Skip::Limit, out);
            }
            let Some(content) = rest.get(header.size..length) else { break };
            if let Some(flag) = self.lost.get_mut(input.direction.index()) {
                *flag = false;
            }
            if self.message(content, at + header.size, input, out) {
                return self.switch(at + length, out);
            }
            at += length;
        }
        Progress::Continue(at)
    }

    fn gap(&mut self, direction: Direction, _missing: u64, _out: &mut dyn EventSink) {
        if let Some(flag) = self.lost.get_mut(direction.index()) {
            *flag = true;
        }
    }

    fn end(&mut self, _left: [Input<'_>; 2], out: &mut dyn EventSink) {
        self.give_up(out);
        self.offer.ended(out);
    }
}

impl Ldap {
    /// Takes a message whose content begins at `at`. Says whether the connection turns into TLS after it.
    fn message(&mut self, content: &[u8], at: usize, input: Input<'_>, out: &mut dyn EventSink) -> bool {
        let span = input.span(at..at + content.len());
        let Some(message) = Message::parse(content) else {
            out.event(Event::Skipped { reason: Skip::Malformed, bytes: content.len() as u64 });
            return false;
        };
        let elements = Elements::of(message.content);
        match message.operation {
            BIND_REQUEST => self.bind(message.id, elements, span, out),
            BIND_RESPONSE => self.bound(message.id, elements, out),
            EXTENDED_REQUEST => self.extended(message.id, elements, span, out),
            EXTENDED_RESPONSE => return self.extended_done(message.id, elements, span, out),
            SEARCH_REQUEST => attributes::search(elements, span, out),
            SEARCH_ENTRY => {
                self.offer.content(out);
                if attributes::entry(elements, input.direction, "ldap.entry", span, out) {
                    self.offer.listed(true);
                }
            }
            ADD_REQUEST => {
                attributes::entry(elements, input.direction, "ldap.add", span, out);
            }
            MODIFY_REQUEST => attributes::modify(elements, span, out),
            COMPARE_REQUEST => attributes::compare(elements, span, out),
            _ => {}
        }
        false
    }

    /// RFC 4511, section 4.2; MS-ADTS, section 5.1.1.1.3 for what is not in it.
    fn bind(&mut self, id: u32, mut elements: Elements<'_>, span: Span, out: &mut dyn EventSink) {
        let Some(name) = elements.number(INTEGER).and_then(|_| elements.expect(OCTET_STRING)) else { return };
        let Some((choice, content)) = elements.any() else { return };
        match choice {
            0x80 => {
                self.judge(Outcome::Unknown, out);
                let mechanism = if name.is_empty() && content.is_empty() { "anonymous" } else { "simple" };
                self.expect(id, Request::Bind(HeldLogin::clear(mechanism, Some(name), content, span)), out);
            }
            0xa3 => {
                let mut sasl = Elements::of(content);
                let Some(mechanism) = sasl.expect(OCTET_STRING) else { return };
                self.sasl(id, mechanism, sasl.expect(OCTET_STRING).unwrap_or_default(), span, out);
            }
            // Sicily: package discovery, then NTLM without a wrapper.
            0x89 => self.expect(id, Request::SaslBind, out),
            0x8a | 0x8b => self.sasl(id, b"NTLM", content, span, out),
            _ => {}
        }
    }

    fn sasl(&mut self, id: u32, mechanism: &[u8], credentials: &[u8], span: Span, out: &mut dyn EventSink) {
        if self.exchange.as_ref().is_some_and(|(name, _)| name != mechanism) {
            self.judge(Outcome::Unknown, out);
        }
        let (_, exchange) = self.exchange.get_or_insert_with(|| (mechanism.to_vec(), Exchange::new(mechanism)));
        exchange.client(credentials, span);
        if credentials.len() > limits::SASL_BYTES {
            out.beyond(limits::Cap::Authentication);
        }
        self.layered = true;
        self.expect(id, Request::SaslBind, out);
    }

    fn bound(&mut self, id: u32, mut elements: Elements<'_>, out: &mut dyn EventSink) {
        let Some(code) = elements.number(ENUMERATED) else { return };
        // A Sicily server sends its challenge in place of the matched name.
        let matched = elements.expect(OCTET_STRING).unwrap_or_default();
        let sasl = elements.find(|(tag, _)| *tag == 0x87);
        self.layered |= sasl.is_some();
        let credentials = sasl.map_or(matched, |(_, content)| content);
        let outcome = outcome(code);
        match self.answered(id) {
            Some(Request::Bind(login)) => {
                login.report(LOGIN_FIELD, outcome, out);
                self.offer.login(&login, out);
            }
            Some(Request::SaslBind) | None => {
                if let Some((_, exchange)) = &mut self.exchange {
                    exchange.server(credentials);
                }
                // A Sicily server calls its challenge a success.
                if code != SASL_BIND_IN_PROGRESS && !credentials.starts_with(b"NTLMSSP\0\x02") {
                    self.judge(outcome, out);
                }
            }
            Some(other) => self.expect(id, other, out),
        }
    }

    fn extended(&mut self, id: u32, mut elements: Elements<'_>, span: Span, out: &mut dyn EventSink) {
        let name = elements.expect(0x80);
        if name == Some(START_TLS) {
            self.expect(id, Request::StartTls, out);
        } else if name == Some(PASSWORD_MODIFY) {
            attributes::password_modify(elements, span, out);
            self.expect(id, Request::PasswordModify, out);
        }
    }

    fn extended_done(&mut self, id: u32, mut elements: Elements<'_>, span: Span, out: &mut dyn EventSink) -> bool {
        let Some(code) = elements.number(ENUMERATED) else { return false };
        match self.answered(id) {
            Some(Request::StartTls) if code == SUCCESS => return true,
            Some(Request::StartTls) => self.offer.refused(),
            Some(Request::PasswordModify) => attributes::generated_password(elements, span, out),
            Some(other) => self.expect(id, other, out),
            None => {}
        }
        false
    }

    fn expect(&mut self, id: u32, request: Request, out: &mut dyn EventSink) {
        if self.unanswered.len() >= limits::OUTSTANDING {
            self.unanswered.pop_front();
            out.beyond(limits::Cap::Outstanding);
        }
        self.unanswered.push_back((id, request));
    }

    fn answered(&mut self, id: u32) -> Option<Request> {
        let position = self.unanswered.iter().position(|(i, _)| *i == id)?;
        self.unanswered.remove(position).map(|(_, request)| request)
    }

    /// Reports the SASL exchange that is under way.
    fn judge(&mut self, outcome: Outcome, out: &mut dyn EventSink) {
        if let Some((_, exchange)) = self.exchange.take() {
            let login = exchange.into_login();
            login.report(LOGIN_FIELD, outcome, out);
            self.offer.login(&login, out);
        }
    }

    /// Reports the logins that were never answered.
    fn give_up(&mut self, out: &mut dyn EventSink) {
        self.judge(Outcome::Unknown, out);
        for (_, request) in self.unanswered.drain(..) {
            if let Request::Bind(login) = request {
                login.report(LOGIN_FIELD, Outcome::Unknown, out);
                self.offer.login(&login, out);
            }
        }
    }

    /// A buffer of a SASL security layer (RFC 4422, section 3.7) at `at`. What is signed only can be read.
    /// `None`: it is not all there.
    fn wrapped(&mut self, length: usize, at: usize, input: Input<'_>, out: &mut dyn EventSink) -> Option<usize> {
        let begin = at + WRAPPED_PREFIX;
        let buffer = input.bytes().get(begin..begin.checked_add(length)?)?;
        let inner = buffer.get(SIGNATURE..).unwrap_or_default();
        match ber::start(inner) {
            Start::Header(header) if message::fit(inner, input.direction) == Fit::Whole => {
                if let Some(content) = inner.get(header.size..header.size + header.length) {
                    self.message(content, begin + SIGNATURE + header.size, input, out);
                }
            }
            _ => out.event(Event::Skipped { reason: Skip::Encrypted, bytes: length as u64 }),
        }
        Some(begin + length)
    }

    /// Passes over what is no message, to the next thing that looks like one.
    fn resynchronise(&mut self, at: usize, input: Input<'_>, out: &mut dyn EventSink) -> usize {
        let rest = input.bytes().get(at..).unwrap_or_default();
        let next = memchr::memchr_iter(ber::SEQUENCE, rest)
            .filter(|n| *n > 0)
            .find(|n| message::fit(rest.get(*n..).unwrap_or_default(), input.direction) >= Fit::More)
            .unwrap_or(rest.len());
        let after_gap = self.lost.get_mut(input.direction.index()).map(std::mem::take).unwrap_or(false);
        if !after_gap {
            out.event(Event::Link(LinkFact::Violation));
        }
        let reason = if after_gap { Skip::Gap } else { Skip::Malformed };
        out.event(Event::Skipped { reason, bytes: next as u64 });
        at + next
    }

    fn switch(&mut self, consumed: usize, out: &mut dyn EventSink) -> Progress {
        self.give_up(out);
        self.offer.switched(out);
        Progress::Handoff(consumed, Next::Tls)
    }
}

/// The length before such a buffer. It is never 16 MB, so it begins with a zero byte, which no message does.
fn wrapped_length(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [0, a, b, c, ..] => Some(u32::from_be_bytes([0, *a, *b, *c]) as usize),
        [0, ..] => Some(0),
        _ => None,
    }
}

fn pass_over(at: usize, here: usize, length: usize, reason: Skip, out: &mut dyn EventSink) -> Progress {
    out.event(Event::Skipped { reason, bytes: length as u64 });
    Progress::Skip(at + here.min(length), length.saturating_sub(here) as u64)
}

const fn outcome(code: u32) -> Outcome {
    if code == SUCCESS { Outcome::Accepted } else { Outcome::Rejected }
}
