//! Telnet (RFC 854): options are taken out, lines put together as the user edited them, and logins
//! recognised by what the server asks.

mod options;
mod probe;
mod prompt;
#[cfg(test)]
mod tests;

use super::login::HeldLogin;
use super::pieces::Pieces;
use super::sasl::Exchange;
use super::upgrade::{Offer, is_tls_record};
use super::{Analyzer, Nature, Next, Progress, Protocol};
use crate::model::event::{Event, EventSink, Format, LinkFact, Outcome, Skip, Text};
use crate::model::flow::{Direction, Transport};
use crate::model::packet::{Mark, Span};
use crate::model::stream::{Gathered, Input, Stretch};
use options::{Decoder, Item};
use prompt::Prompt;

/// Telnet.
pub static PROTOCOL: Protocol = Protocol {
    name: "telnet",
    transport: Transport::Tcp,
    ports: &[23, 2323],
    nature: Nature::Cleartext,
    probe: probe::probe,
    start: || Box::<Telnet>::default(),
};

/// Options: AUTHENTICATION (RFC 2941), ENCRYPT (RFC 2946), NEW-ENVIRON (RFC 1572), START_TLS.
const AUTHENTICATION: u8 = 37;
const ENCRYPT: u8 = 38;
const NEW_ENVIRON: u8 = 39;
const START_TLS: u8 = 46;
/// Longest line that is held, in bytes. A name, a password or a prompt is shorter.
const LINE_BYTES: usize = 1024;

#[derive(Default)]
struct Telnet {
    decoders: [Decoder; 2],
    /// What the user has typed of the line.
    typed: Gathered,
    /// What the server asked when the line was begun.
    asked: Option<Prompt>,
    /// The client's last character was a carriage return: the line feed or zero after it belongs to it.
    returned: bool,
    /// Inside of a control sequence that a key sends.
    sequence: Sequence,
    /// The server's line so far.
    line: Vec<u8>,
    username: Option<Vec<u8>>,
    /// A login that the server has not judged.
    login: Option<HeldLogin>,
    /// The text of both directions.
    pieces: [Pieces; 2],
    ntlm: Option<Exchange>,
    offer: Offer,
    /// Directions that are encrypted by their own option.
    encrypted: [bool; 2],
}

#[derive(Default, PartialEq, Eq)]
enum Sequence {
    #[default]
    None,
    Escape,
    Parameters,
}

impl Analyzer for Telnet {
    fn data(&mut self, input: Input<'_>, out: &mut dyn EventSink) -> Progress {
        let index = input.direction.index();
        let bytes = input.bytes();
        let idle = self.decoders.get(index).is_some_and(Decoder::is_idle);
        if idle && self.typed.is_empty() && bytes.first() == Some(&0x16) {
            match is_tls_record(bytes) {
                Some(true) => {
                    self.offer.switched(out);
                    return Progress::Handoff(0, Next::Tls);
                }
                None => return Progress::Continue(0),
                Some(false) => {}
            }
        }
        for (at, byte) in bytes.iter().enumerate() {
            if self.encrypted.get(index) == Some(&true) {
                out.event(Event::Skipped { reason: Skip::Encrypted, bytes: (bytes.len() - at) as u64 });
                break;
            }
            let Some(decoder) = self.decoders.get_mut(index) else { break };
            let mark = input.data.mark(at);
            match (decoder.take(*byte), input.direction) {
                (Item::Data(byte), Direction::ToServer) => self.key(byte, mark, out),
                (Item::Data(byte), Direction::ToClient) => self.shown(byte, mark, out),
                (Item::EraseLine, Direction::ToServer) => self.typed.clear(),
                (Item::Negotiation(verb, START_TLS), Direction::ToClient) if verb >= options::WILL + 2 => {
                    self.offer.listed(verb == options::WILL + 2);
                }
                (Item::Sub(sub), direction) => self.sub(&sub, direction, Span::at(mark), out),
                _ => {}
            }
        }
        Progress::Continue(bytes.len())
    }

    fn gap(&mut self, direction: Direction, _missing: u64, out: &mut dyn EventSink) {
        if let Some(decoder) = self.decoders.get_mut(direction.index()) {
            *decoder = Decoder::default();
        }
        match direction {
            Direction::ToServer => self.typed.clear(),
            Direction::ToClient => self.line.clear(),
        }
        self.finish(direction, out);
    }

    fn end(&mut self, _left: [Input<'_>; 2], out: &mut dyn EventSink) {
        self.look_at_open_line(out);
        self.judge(Outcome::Unknown, out);
        for direction in Direction::BOTH {
            self.finish(direction, out);
        }
        self.offer.ended(out);
    }
}

impl Telnet {
    /// A character from the client.
    fn key(&mut self, byte: u8, mark: Mark, out: &mut dyn EventSink) {
        let returned = std::mem::take(&mut self.returned);
        if returned && matches!(byte, 0 | b'\n') {
            return;
        }
        match (&self.sequence, byte) {
            (Sequence::Escape, b'[' | b'O') => return self.sequence = Sequence::Parameters,
            (Sequence::Parameters, 0x20..=0x3f) => return,
            (Sequence::Escape | Sequence::Parameters, _) => return self.sequence = Sequence::None,
            (Sequence::None, 0x1b) => return self.sequence = Sequence::Escape,
            _ => {}
        }
        if self.asked.is_none() {
            self.look_at_open_line(out);
            self.asked = Some(prompt::prompt(&self.line));
        }
        match byte {
            b'\r' | b'\n' => {
                self.returned = byte == b'\r';
                self.entered(mark, out);
            }
            0x08 | 0x7f => self.erase(),
            // ^C, ^U
            0x03 | 0x15 => self.typed.clear(),
            0..=0x1f => {}
            _ if self.typed.len() < LINE_BYTES => self.typed.push(&[byte], mark),
            _ => {
                let line = std::mem::take(&mut self.typed);
                self.say(Direction::ToServer, line.stretch(), out);
            }
        }
    }

    /// Takes back the last character.
    fn erase(&mut self) {
        let typed = self.typed.bytes_mut();
        while let Some(byte) = typed.pop() {
            // The other bytes of a UTF-8 character.
            if byte & 0xc0 != 0x80 {
                break;
            }
        }
    }

    /// The user has ended a line.
    fn entered(&mut self, mark: Mark, out: &mut dyn EventSink) {
        let line = std::mem::take(&mut self.typed);
        let span = if line.is_empty() { Span::at(mark) } else { line.stretch().whole() };
        let text = line.stretch().bytes;
        match self.asked.take() {
            Some(Prompt::Username) => self.username = Some(text.to_vec()),
            Some(Prompt::Password) => {
                self.judge(Outcome::Unknown, out);
                if !text.is_empty() {
                    self.login = Some(HeldLogin::clear("clear", self.username.as_deref(), text, span));
                }
            }
            _ => {
                if !text.is_empty() {
                    // Whoever gives commands was let in.
                    self.judge(Outcome::Accepted, out);
                }
                // What the server echoes is in its own text.
                if !self.line.ends_with(text) {
                    let mut whole = line.clone();
                    whole.push(b"\n", mark);
                    self.say(Direction::ToServer, whole.stretch(), out);
                }
            }
        }
        // Asked and answered, whether the server moves to a new line or not.
        self.line.clear();
    }

    /// A character from the server.
    fn shown(&mut self, byte: u8, mark: Mark, out: &mut dyn EventSink) {
        if byte == 0 {
            return;
        }
        if let Some(pieces) = self.pieces.get_mut(Direction::ToClient.index()) {
            pieces.buffer(mark).push(byte);
            pieces.emit_if_full(&mut |data, seen| out.event(text(Direction::ToClient, data, seen)));
        }
        match byte {
            b'\n' => {
                if self.login.is_some() {
                    if prompt::refuses(&self.line) {
                        self.judge(Outcome::Rejected, out);
                    } else if prompt::welcomes(&self.line) {
                        self.judge(Outcome::Accepted, out);
                    }
                }
                self.line.clear();
            }
            0x08 => drop(self.line.pop()),
            _ if self.line.len() < LINE_BYTES => self.line.push(byte),
            _ => {}
        }
    }

    /// The client speaks next, or nobody: what the server's last line says of the login before it.
    fn look_at_open_line(&mut self, out: &mut dyn EventSink) {
        if self.login.is_none() {
            return;
        }
        match prompt::prompt(&self.line) {
            Prompt::Username | Prompt::Password => self.judge(Outcome::Rejected, out),
            Prompt::Command => self.judge(Outcome::Accepted, out),
            Prompt::Other if prompt::refuses(&self.line) => self.judge(Outcome::Rejected, out),
            Prompt::Other => {}
        }
    }

    /// Reports the login that waits for its outcome.
    fn judge(&mut self, outcome: Outcome, out: &mut dyn EventSink) {
        if let Some(login) = self.login.take() {
            login.report("telnet.password", outcome, out);
            self.offer.login(&login, out);
        }
    }

    fn sub(&mut self, sub: &[u8], direction: Direction, span: Span, out: &mut dyn EventSink) {
        match (direction, sub) {
            (Direction::ToServer, [NEW_ENVIRON, parameters @ ..]) => {
                if let Some(user) = options::environment_user(parameters) {
                    self.username = Some(user);
                }
            }
            // IS or REPLY, then the type: 15 is NTLM.
            (Direction::ToServer, [AUTHENTICATION, 0, 15, _, message @ ..]) => {
                self.ntlm.get_or_insert_with(|| Exchange::new(b"NTLM")).client(message, span);
            }
            (Direction::ToClient, [AUTHENTICATION, 2, 15, _, message @ ..]) => {
                let exchange = self.ntlm.get_or_insert_with(|| Exchange::new(b"NTLM"));
                exchange.server(message);
                // ACCEPT and REJECT carry no message.
                if let [verdict @ (3 | 4), ..] = message
                    && let Some(exchange) = self.ntlm.take()
                {
                    let outcome = if *verdict == 3 { Outcome::Accepted } else { Outcome::Rejected };
                    exchange.into_login().report("telnet.authentication", outcome, out);
                }
            }
            (Direction::ToServer, [AUTHENTICATION, 0, kind, ..]) => {
                let mechanism = match kind {
                    1 | 2 => "gssapi",
                    5 | 6 => "srp",
                    _ => return,
                };
                out.event(Event::Link(LinkFact::Auth(mechanism)));
            }
            // START: what this side sends is encrypted from here on.
            (direction, [ENCRYPT, 3, ..]) => {
                if let Some(encrypted) = self.encrypted.get_mut(direction.index()) {
                    *encrypted = true;
                }
            }
            _ => {}
        }
    }

    fn say(&mut self, direction: Direction, line: Stretch<'_>, out: &mut dyn EventSink) {
        if let Some(pieces) = self.pieces.get_mut(direction.index()) {
            pieces.push(line, &mut |data, seen| out.event(text(direction, data, seen)));
        }
    }

    fn finish(&mut self, direction: Direction, out: &mut dyn EventSink) {
        if let Some(pieces) = self.pieces.get_mut(direction.index()) {
            pieces.finish(&mut |data, seen| out.event(text(direction, data, seen)));
        }
        if direction == Direction::ToServer
            && let Some(exchange) = self.ntlm.take()
        {
            exchange.into_login().report("telnet.authentication", Outcome::Unknown, out);
        }
    }
}

fn text(direction: Direction, data: Stretch<'_>, seen: usize) -> Event<'_> {
    let (format, outcome) = (Format::Plain, Outcome::Unknown);
    Event::Text(Text { format, place: "telnet.session", resource: "", direction, outcome, data, seen })
}
