//! XMPP (RFC 6120), between clients, servers and components: logins by SASL (section 6, XEP-0388) and before SASL
//! (XEP-0078), registrations (XEP-0077), the offer of STARTTLS (section 5), and what people and programs tell each
//! other. Stanzas are followed as they stream by; no tree is made of them.

mod probe;
mod scan;
mod stanza;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::net::IpAddr;

use self::scan::{Stop, Token};
use self::stanza::{Purpose, Query, Stanza, attribute};
use super::login::HeldLogin;
use super::sasl::Exchange;
use super::upgrade::{Offer, is_tls_record};
use super::value::Named;
use super::{Analyzer, Nature, Next, Progress, Protocol};
use crate::content::{base64, entity, sniff};
use crate::model::event::{Event, EventSink, FieldKind, LinkFact, Outcome, Proof, Skip, Text};
use crate::model::flow::{Direction, Transport};
use crate::model::limits::{self, Cap};
use crate::model::packet::Span;
use crate::model::secret::HeldSecret;
use crate::model::stream::{Input, Origin, Stretch};

/// XMPP.
pub static PROTOCOL: Protocol = Protocol {
    name: "xmpp",
    transport: Transport::Tcp,
    ports: &[5222, 5269, 5347],
    nature: Nature::Cleartext,
    probe: probe::probe,
    start: || Box::<Xmpp>::default(),
};

/// Elements whose text is a file in base64.
const FILES: [&[u8]; 2] = [b"BINVAL", b"data"];

#[derive(Default)]
struct Xmpp {
    sides: [Side; 2],
    exchange: Option<Exchange>,
    /// Logins in queries that wait for their answers, by the id of these; with where they stood.
    unanswered: VecDeque<(Vec<u8>, HeldLogin, &'static str)>,
    /// What a component proves that it knows the secret of, by the name it gave.
    handshake: Option<HeldLogin>,
    /// Which the server gave the stream, and whom the client asked for.
    stream: Vec<u8>,
    asked_for: Vec<u8>,
    offer: Offer,
}

#[derive(Default)]
struct Side {
    /// Until a stanza begins.
    lost: bool,
    /// Bytes of a text that are known not to end it.
    scanned: usize,
    /// Elements that are open, the stanza first. Of those nested deeper than is followed, only how many.
    path: Vec<Vec<u8>>,
    deeper: usize,
    stanza: Stanza,
}

impl Analyzer for Xmpp {
    fn data(&mut self, input: Input<'_>, out: &mut dyn EventSink) -> Progress {
        let bytes = input.bytes();
        let mut at = 0;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let Some(side) = self.sides.get_mut(input.direction.index()) else { return Progress::Stop };
            if side.lost {
                let (passed, found) = match scan::find_stanza(rest) {
                    Ok(found) => (found, true),
                    Err(passed) => (passed, false),
                };
                skip(Skip::Gap, passed, out);
                at += passed;
                side.lost = !found;
                if found {
                    continue;
                }
                return Progress::Continue(at);
            }
            if side.path.is_empty() {
                // Spaces between stanzas keep the connection alive.
                let space = rest.len() - rest.trim_ascii_start().len();
                if space > 0 {
                    at += space;
                    continue;
                }
                match is_tls_record(rest) {
                    Some(true) => return self.switch(at, out),
                    None => return Progress::Continue(at),
                    Some(false) => {}
                }
            }
            let (token, length) = match scan::token(rest, side.scanned) {
                Ok((Token::Text(_), _)) if side.path.is_empty() => {
                    side.lose();
                    out.event(Event::Link(LinkFact::Violation));
                    continue;
                }
                Ok(token) => token,
                Err(Stop::More) => {
                    side.scanned = rest.len();
                    return Progress::Continue(at);
                }
                Err(Stop::Broken) => {
                    side.lose();
                    out.event(Event::Link(LinkFact::Violation));
                    skip(Skip::Malformed, 1, out);
                    at += 1;
                    continue;
                }
            };
            side.scanned = 0;
            let span = input.span(at..at + length);
            at += length;
            if self.token(token, input.direction, span, out) {
                return self.switch(at, out);
            }
        }
    }

    fn gap(&mut self, direction: Direction, _missing: u64, _out: &mut dyn EventSink) {
        if let Some(side) = self.sides.get_mut(direction.index()) {
            side.lose();
        }
    }

    fn end(&mut self, _left: [Input<'_>; 2], out: &mut dyn EventSink) {
        self.settle(Outcome::Unknown, out);
        self.offer.ended(out);
    }
}

impl Side {
    fn lose(&mut self) {
        *self = Self { lost: true, ..Self::default() };
    }

    fn depth(&self) -> usize {
        self.path.len() + self.deeper
    }
}

impl Xmpp {
    /// Takes a token. Says whether the connection turns into TLS after it.
    fn token(&mut self, token: Token<'_>, direction: Direction, span: Span, out: &mut dyn EventSink) -> bool {
        match token {
            Token::Open { name: b"stream", attributes, .. } if probe::names_streams(attributes) => {
                self.open_stream(attributes, direction, out);
                false
            }
            Token::Open { name, attributes, empty } => {
                self.open(name, attributes, direction, out);
                empty && self.close(direction, out)
            }
            Token::Close => self.close(direction, out),
            Token::Text(text) => {
                if !text.trim_ascii().is_empty() {
                    self.text(&entity::decode(text), direction, span, out);
                }
                false
            }
            Token::Section(text) => {
                self.text(text, direction, span, out);
                false
            }
            Token::Other => false,
        }
    }

    /// A stream begins, or begins anew after a login.
    fn open_stream(&mut self, attributes: &[u8], direction: Direction, out: &mut dyn EventSink) {
        if let Some(side) = self.sides.get_mut(direction.index()) {
            *side = Side::default();
        }
        match direction {
            Direction::ToClient => self.stream = attribute(attributes, b"id").unwrap_or_default(),
            Direction::ToServer => {
                let Some(name) = attribute(attributes, b"to").filter(|name| *name != self.asked_for) else { return };
                if let Ok(name) = std::str::from_utf8(&name)
                    && name.parse::<IpAddr>().is_err()
                {
                    out.event(Event::Link(LinkFact::ServerName(name)));
                }
                self.asked_for = name;
            }
        }
    }

    fn open(&mut self, name: &[u8], attributes: &[u8], direction: Direction, out: &mut dyn EventSink) {
        let Some(side) = self.sides.get_mut(direction.index()) else { return };
        if side.path.len() >= limits::NESTING {
            side.deeper += 1;
            if side.deeper == 1 {
                out.beyond(Cap::Nesting);
            }
            return;
        }
        side.path.push(name.get(..limits::NESTING).unwrap_or(name).to_vec());
        let namespace = attribute(attributes, b"xmlns").unwrap_or_default();
        let tls = namespace == b"urn:ietf:params:xml:ns:xmpp-tls";
        match side.path.len() {
            1 => {
                let value = |name| attribute(attributes, name).unwrap_or_default();
                let (sort, id) = (value(b"type"), value(b"id"));
                side.stanza = Stanza { name: name.to_vec(), sort, id, tls, ..Stanza::default() };
                if matches!(name, b"auth" | b"authenticate") && direction == Direction::ToServer {
                    self.judge(Outcome::Unknown, out);
                    self.exchange = attribute(attributes, b"mechanism").map(|name| Exchange::new(&name));
                }
            }
            2 if side.stanza.name == b"iq" && side.stanza.query.is_none() => {
                side.stanza.query = Query::of(&namespace);
            }
            _ => {
                side.stanza.tls |= tls;
                if name == b"field" {
                    side.stanza.form_field = attribute(attributes, b"var").unwrap_or_default();
                }
            }
        }
    }

    /// Text inside of a stanza, without references.
    fn text(&mut self, text: &[u8], direction: Direction, span: Span, out: &mut dyn EventSink) {
        let Self { sides, exchange, handshake, stream, asked_for, offer, .. } = self;
        let Some(Side { path, deeper: 0, stanza, .. }) = sides.get_mut(direction.index()) else { return };
        let mut names = path.iter().map(Vec::as_slice);
        let (Some(first), second) = (names.next(), names.next()) else { return };
        let last = path.last().map(Vec::as_slice).unwrap_or_default();
        match (first, second, direction) {
            (b"auth" | b"response", None, Direction::ToServer)
            | (b"authenticate", Some(b"initial-response"), Direction::ToServer) => {
                if let Some(exchange) = exchange {
                    exchange.client_base64(text, span);
                }
            }
            (b"challenge", None, Direction::ToClient) => {
                if let Some(exchange) = exchange {
                    exchange.server_base64(text);
                }
            }
            (b"handshake", None, Direction::ToServer) if stanza::is_sha1(text) => {
                *handshake = Some(digest(asked_for, text, stream, span));
            }
            (b"iq" | b"message" | b"presence", Some(child), _) => {
                let name = if last == b"value" && !stanza.form_field.is_empty() { &stanza.form_field } else { last };
                if direction == Direction::ToServer
                    && stanza.sort == b"set"
                    && stanza.query.as_mut().is_some_and(|query| query.note(name, text, span))
                {
                    return;
                }
                match (first, child, name) {
                    (b"message", b"body" | b"subject", _) => {
                        offer.content(out);
                        said(text, child, direction, span, out);
                    }
                    // The body says the same.
                    (b"message", b"html", _) | (.., b"jid") => {}
                    _ if FILES.contains(&name) && base64::decode(&squeezed(text)).is_some() => {
                        skip(Skip::Binary, text.len(), out)
                    }
                    _ if text.len() > 1 => {
                        let place = match first {
                            b"iq" => "xmpp.iq",
                            b"message" => "xmpp.message",
                            _ => "xmpp.presence",
                        };
                        let name = String::from_utf8_lossy(name);
                        let account = stanza.query.as_ref().map(|query| query.username.as_slice());
                        let account = account.filter(|account| !account.is_empty());
                        Named { kind: FieldKind::Xml, place, name: &name, resource: "", direction, account }
                            .say(text, span, out);
                        // Whoever it is that a server tells of.
                        if let Some(query) = stanza.query.as_mut().filter(|_| name == "username") {
                            query.note(b"username", text, span);
                        }
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }

    /// An element ends. Says whether the connection turns into TLS after it.
    fn close(&mut self, direction: Direction, out: &mut dyn EventSink) -> bool {
        let Some(side) = self.sides.get_mut(direction.index()) else { return false };
        if side.deeper > 0 {
            side.deeper -= 1;
            return false;
        }
        if side.path.pop().is_none() || side.depth() > 0 {
            return false;
        }
        let stanza = std::mem::take(&mut side.stanza);
        match (stanza.name.as_slice(), direction) {
            (b"features", Direction::ToClient) => self.offer.listed(stanza.tls),
            (b"proceed", Direction::ToClient) if stanza.tls => return true,
            (b"failure", Direction::ToClient) if stanza.tls => self.offer.refused(),
            (b"failure", Direction::ToClient) | (b"abort", Direction::ToServer) => self.judge(Outcome::Rejected, out),
            (b"success", Direction::ToClient) => self.judge(Outcome::Accepted, out),
            (b"handshake", Direction::ToClient) => self.shaken(Outcome::Accepted, out),
            (b"error", Direction::ToClient) => self.shaken(Outcome::Rejected, out),
            (b"iq", Direction::ToServer) => self.asked(stanza, out),
            (b"iq", Direction::ToClient) => self.answered(&stanza, out),
            _ => {}
        }
        false
    }

    /// A query of the client is whole.
    fn asked(&mut self, stanza: Stanza, out: &mut dyn EventSink) {
        let Some(Query { purpose, username, password, digest: proof }) = stanza.query else { return };
        let login = match (password, proof) {
            (Some((secret, span)), _) => HeldLogin { secret, ..HeldLogin::clear("clear", Some(&username), b"", span) },
            (None, Some((hash, span))) => digest(&username, &hash, &self.stream, span),
            (None, None) => return,
        };
        let field = match purpose {
            Purpose::Auth => "xmpp.iq.auth",
            Purpose::Register => "xmpp.iq.register",
        };
        self.offer.login(&login, out);
        if self.unanswered.len() >= limits::OUTSTANDING
            && let Some((_, oldest, field)) = self.unanswered.pop_front()
        {
            out.beyond(Cap::Outstanding);
            oldest.report(field, Outcome::Unknown, out);
        }
        self.unanswered.push_back((stanza.id, login, field));
    }

    /// A query of the server is whole, or its answer.
    fn answered(&mut self, stanza: &Stanza, out: &mut dyn EventSink) {
        let outcome = match stanza.sort.as_slice() {
            b"result" => Outcome::Accepted,
            b"error" => Outcome::Rejected,
            _ => return,
        };
        let position = self.unanswered.iter().position(|(id, ..)| *id == stanza.id);
        if let Some((_, login, field)) = position.and_then(|position| self.unanswered.remove(position)) {
            login.report(field, outcome, out);
        }
    }

    /// The server has judged a login by SASL, or never will.
    fn judge(&mut self, outcome: Outcome, out: &mut dyn EventSink) {
        if let Some(exchange) = self.exchange.take() {
            let login = exchange.into_login();
            login.report("xmpp.auth", outcome, out);
            self.offer.login(&login, out);
        }
    }

    /// The server has judged a component, or never will.
    fn shaken(&mut self, outcome: Outcome, out: &mut dyn EventSink) {
        if let Some(login) = self.handshake.take() {
            login.report("xmpp.handshake", outcome, out);
        }
    }

    /// Nobody waits for anything any more.
    fn settle(&mut self, outcome: Outcome, out: &mut dyn EventSink) {
        self.judge(outcome, out);
        self.shaken(outcome, out);
        while let Some((_, login, field)) = self.unanswered.pop_front() {
            login.report(field, outcome, out);
        }
    }

    fn switch(&mut self, consumed: usize, out: &mut dyn EventSink) -> Progress {
        self.settle(Outcome::Unknown, out);
        self.offer.switched(out);
        Progress::Handoff(consumed, Next::Tls)
    }
}

/// A SHA-1 of the stream's id and a password, as hashcat reads it: mode 120, `sha1($salt.$pass)`.
fn digest(username: &[u8], hash: &[u8], stream: &[u8], span: Span) -> HeldLogin {
    let proof = Proof::ChallengeResponse { hashcat: Some(120) };
    let line = if stream.is_empty() { Vec::new() } else { [hash, stream].join(&b':') };
    HeldLogin { proof, secret: HeldSecret::new(line), ..HeldLogin::clear("digest", Some(username), b"", span) }
}

/// What somebody says.
fn said(text: &[u8], name: &[u8], direction: Direction, span: Span, out: &mut dyn EventSink) {
    let last = Origin { start: text.len().saturating_sub(1), mark: span.last };
    let origins = [Origin { start: 0, mark: span.first }, last];
    let data = Stretch { bytes: text, origins: &origins };
    let place = if name == b"body" { "xmpp.message.body" } else { "xmpp.message.subject" };
    let format = sniff::format(text);
    out.event(Event::Text(Text { format, place, resource: "", direction, outcome: Outcome::Unknown, data, seen: 0 }));
}

/// Without the spaces and line ends that stand between the lines of base64.
fn squeezed(text: &[u8]) -> Vec<u8> {
    text.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect()
}

fn skip(reason: Skip, bytes: usize, out: &mut dyn EventSink) {
    if bytes > 0 {
        out.event(Event::Skipped { reason, bytes: bytes as u64 });
    }
}
