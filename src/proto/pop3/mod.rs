//! POP3 (RFC 1939): `USER` and `PASS`, APOP, SASL (RFC 5034), the offer of STLS (RFC 2595), and the
//! messages that are fetched.

mod probe;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use super::cursor::Cursor;
use super::dotted::Dotted;
use super::lines::{Lines, split_word};
use super::login::HeldLogin;
use super::sasl::dialog::{Dialog, Line};
use super::upgrade::{Offer, is_tls_record};
use super::{Analyzer, Nature, Next, Progress, Protocol};
use crate::content::hex;
use crate::content::mime::{Message, Place};
use crate::model::event::{EventSink, Outcome, Proof};
use crate::model::flow::{Direction, Transport};
use crate::model::limits;
use crate::model::packet::Span;
use crate::model::secret::HeldSecret;
use crate::model::stream::Input;

/// POP3.
pub static PROTOCOL: Protocol = Protocol {
    name: "pop3",
    transport: Transport::Tcp,
    ports: &[110],
    nature: Nature::Cleartext,
    probe: probe::probe,
    start: || Box::<Pop3>::default(),
};

const PLACE: Place = Place { header: "pop3.message.header", body: "pop3.message" };

#[derive(Default)]
struct Pop3 {
    lines: [Lines; 2],
    username: Option<Vec<u8>>,
    /// The time stamp of the greeting, which APOP signs.
    stamp: Vec<u8>,
    greeted: bool,
    /// Commands whose replies have not been seen, oldest first.
    unanswered: VecDeque<Command>,
    dialog: Dialog,
    server: Server,
    offer: Offer,
}

#[derive(Debug)]
enum Command {
    Auth,
    Capabilities,
    Login(HeldLogin),
    /// With a reply of many lines that are of no interest.
    Listing,
    Other,
    Retrieve,
    StartTls,
}

/// What the server's next bytes are.
#[derive(Default)]
enum Server {
    #[default]
    Replies,
    /// Lines up to one with a single dot; whether they tell what the server can do, and whether STLS
    /// was among them.
    Listing {
        capabilities: bool,
        lists_tls: bool,
    },
    Message(Dotted),
}

impl Analyzer for Pop3 {
    fn data(&mut self, input: Input<'_>, out: &mut dyn EventSink) -> Progress {
        let mut cursor = Cursor::new(input.bytes());
        loop {
            if let (Direction::ToClient, Server::Message(message)) = (input.direction, &mut self.server) {
                if !message.read(input.data, &mut cursor, out) {
                    break;
                }
                self.finish_message(out);
            }
            match is_tls_record(cursor.rest()) {
                Some(true) => return self.switch(cursor.position(), out),
                None => break,
                Some(false) => {}
            }
            let start = cursor.position();
            let Some(lines) = self.lines.get_mut(input.direction.index()) else { break };
            let Some(line) = lines.next(&mut cursor, out) else { break };
            let range = start..cursor.position();
            match input.direction {
                Direction::ToServer => {
                    let span = input.span(range);
                    match self.dialog.client(line, span) {
                        Line::Cancelled => self.judge(Outcome::Rejected, out),
                        Line::Command => self.command(line, span, out),
                        Line::Message => {}
                    }
                }
                Direction::ToClient => {
                    if self.reply(line, out) {
                        return self.switch(cursor.position(), out);
                    }
                    // A message whose request was not captured.
                    if let Server::Replies = self.server
                        && self.unanswered.is_empty()
                        && !matches!(line.first(), None | Some(b'+' | b'-' | b'.'))
                    {
                        let mut message = Message::new(PLACE, Direction::ToClient);
                        message.push(input.data, range, out);
                        self.server = Server::Message(Dotted::new(message));
                    }
                }
            }
        }
        Progress::Continue(cursor.position())
    }

    fn gap(&mut self, direction: Direction, _missing: u64, out: &mut dyn EventSink) {
        if let Some(lines) = self.lines.get_mut(direction.index()) {
            lines.gap();
        }
        if direction == Direction::ToClient {
            match &mut self.server {
                Server::Message(message) => message.gap(out),
                // Whether the listing is over cannot be told; replies show themselves.
                _ => self.server = Server::Replies,
            }
        }
    }

    fn end(&mut self, _left: [Input<'_>; 2], out: &mut dyn EventSink) {
        self.finish_message(out);
        self.give_up(out);
        self.offer.ended(out);
    }
}

impl Pop3 {
    fn command(&mut self, line: &[u8], span: Span, out: &mut dyn EventSink) {
        let (verb, argument) = split_word(line);
        let command = match verb.to_ascii_uppercase().as_slice() {
            b"" => return,
            b"USER" => {
                self.username = Some(argument.to_vec());
                Command::Other
            }
            b"PASS" => {
                // A password may begin or end with spaces: one space alone is the separator's.
                let password = line.get("PASS ".len()..).unwrap_or_default();
                Command::Login(HeldLogin::clear("clear", self.username.as_deref(), password, span))
            }
            b"APOP" => match self.apop(argument, span) {
                Some(login) => Command::Login(login),
                None => Command::Other,
            },
            b"AUTH" if argument.is_empty() => Command::Listing,
            b"AUTH" => {
                self.judge(Outcome::Unknown, out);
                let (mechanism, initial) = split_word(argument);
                self.dialog.start(mechanism, initial, span);
                Command::Auth
            }
            b"CAPA" => Command::Capabilities,
            b"STLS" => Command::StartTls,
            b"RETR" | b"TOP" => Command::Retrieve,
            b"LIST" | b"UIDL" if argument.is_empty() => Command::Listing,
            _ => Command::Other,
        };
        if self.unanswered.len() >= limits::OUTSTANDING {
            self.unanswered.pop_front();
            out.beyond(limits::Cap::Outstanding);
        }
        self.unanswered.push_back(command);
    }

    /// RFC 1939, section 7: the digest of the greeting's time stamp and the password. The line is the one
    /// John the Ripper reads.
    fn apop(&self, argument: &[u8], span: Span) -> Option<HeldLogin> {
        let (name, digest) = split_word(argument);
        let digest = std::str::from_utf8(digest.trim_ascii()).ok()?.to_ascii_lowercase();
        if digest.len() != 32 || !digest.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        // Without the time stamp there is nothing to attack.
        let line = match self.stamp.as_slice() {
            [] => String::new(),
            stamp => format!("$dynamic_1017${digest}$HEX${}", hex::encode(stamp)),
        };
        Some(HeldLogin {
            mechanism: "apop",
            proof: Proof::ChallengeResponse { hashcat: None },
            username: Some(name.to_vec()),
            secret: HeldSecret::new(line),
            span,
        })
    }

    /// Takes a line of the server. Says whether the connection turns into TLS after it.
    fn reply(&mut self, line: &[u8], out: &mut dyn EventSink) -> bool {
        if let Server::Listing { capabilities, lists_tls } = &mut self.server {
            if line == b"." {
                if *capabilities {
                    self.offer.listed(*lists_tls);
                }
                self.server = Server::Replies;
            } else {
                *lists_tls |= line.trim_ascii_end().eq_ignore_ascii_case(b"STLS");
            }
            return false;
        }
        let (word, text) = split_word(line);
        let success = match word {
            b"+" => {
                self.dialog.server(text);
                return false;
            }
            b"+OK" => true,
            b"-ERR" => false,
            _ => return false,
        };
        if !std::mem::replace(&mut self.greeted, true) && self.is_greeting(text) {
            return false;
        }
        let outcome = if success { Outcome::Accepted } else { Outcome::Rejected };
        match self.unanswered.pop_front() {
            Some(Command::Auth) => self.judge(outcome, out),
            Some(Command::Login(login)) => {
                login.report(field_of(&login), outcome, out);
                self.offer.login(&login, out);
            }
            Some(Command::StartTls) if success => return true,
            Some(Command::StartTls) => self.offer.refused(),
            Some(Command::Capabilities) if success => {
                self.server = Server::Listing { capabilities: true, lists_tls: false };
            }
            Some(Command::Listing) if success => {
                self.server = Server::Listing { capabilities: false, lists_tls: false };
            }
            Some(Command::Retrieve) if success => {
                self.offer.content(out);
                self.server = Server::Message(Dotted::new(Message::new(PLACE, Direction::ToClient)));
            }
            _ => {}
        }
        false
    }

    /// Whether the first reply is the greeting, and what it says. Where the stream began in the middle,
    /// it answers a command.
    fn is_greeting(&mut self, text: &[u8]) -> bool {
        if let (Some(open), Some(close)) = (memchr::memrchr(b'<', text), memchr::memrchr(b'>', text))
            && let Some(stamp) = text.get(open..=close).filter(|s| s.contains(&b'@'))
        {
            self.stamp = stamp.to_vec();
        }
        self.unanswered.is_empty() || !self.stamp.is_empty()
    }

    fn finish_message(&mut self, out: &mut dyn EventSink) {
        if let Server::Message(message) = std::mem::take(&mut self.server) {
            message.finish(out);
        }
    }

    fn judge(&mut self, outcome: Outcome, out: &mut dyn EventSink) {
        self.dialog.judge("pop3.auth", outcome, &mut self.offer, out);
    }

    /// Reports the logins that were never answered.
    fn give_up(&mut self, out: &mut dyn EventSink) {
        self.judge(Outcome::Unknown, out);
        for command in self.unanswered.drain(..) {
            if let Command::Login(login) = command {
                login.report(field_of(&login), Outcome::Unknown, out);
                self.offer.login(&login, out);
            }
        }
    }

    fn switch(&mut self, consumed: usize, out: &mut dyn EventSink) -> Progress {
        self.give_up(out);
        self.offer.switched(out);
        Progress::Handoff(consumed, Next::Tls)
    }
}

fn field_of(login: &HeldLogin) -> &'static str {
    if login.mechanism == "apop" { "pop3.apop" } else { "pop3.pass" }
}
