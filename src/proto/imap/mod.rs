//! IMAP (RFC 9051, RFC 3501): LOGIN in every way its arguments can be written, AUTHENTICATE (RFC 4959),
//! the offer of STARTTLS, and the messages that are fetched and stored.

mod fetch;
mod probe;
mod syntax;
#[cfg(test)]
mod tests;

use super::cursor::Cursor;
use super::lines::{Lines, contains_word, split_word};
use super::login::HeldLogin;
use super::sasl::dialog::{Dialog, Line};
use super::upgrade::{Offer, is_tls_record};
use super::{Analyzer, Nature, Next, Progress, Protocol};
use crate::content::mime::{Message, Place};
use crate::model::event::{Event, EventSink, Outcome, Skip};
use crate::model::flow::{Direction, Transport};
use crate::model::limits;
use crate::model::packet::Span;
use crate::model::stream::Input;
use fetch::Fetched;
use syntax::{Literal, literal_at_end};

/// IMAP.
pub static PROTOCOL: Protocol = Protocol {
    name: "imap",
    transport: Transport::Tcp,
    ports: &[143],
    nature: Nature::Cleartext,
    probe: probe::probe,
    start: || Box::<Imap>::default(),
};

const PLACE: Place = Place { header: "imap.message.header", body: "imap.message" };
const LOGIN_FIELD: &str = "imap.login";

#[derive(Default)]
struct Imap {
    lines: [Lines; 2],
    client: Client,
    /// The command that the client is in the middle of.
    open: Option<Open>,
    /// Commands that wait for their tagged replies.
    unanswered: Vec<(Vec<u8>, Command)>,
    dialog: Dialog,
    server: Fetched,
    offer: Offer,
    /// After a login the server no longer offers STARTTLS.
    authenticated: bool,
    /// COMPRESS (RFC 4978): nobody here reads on.
    compressed: bool,
}

/// What the client's next bytes are.
#[derive(Default)]
enum Client {
    #[default]
    Lines,
    /// An argument of the open command.
    Argument(usize),
    /// A message to be stored.
    Message(u64, Box<Message>),
    /// Arguments of no interest.
    Skip(u64),
}

/// A command whose line has a literal in it, and goes on after it.
struct Open {
    tag: Vec<u8>,
    verb: Vec<u8>,
    arguments: Vec<Vec<u8>>,
    span: Span,
}

#[derive(Debug)]
enum Command {
    Authenticate,
    Capability,
    Compress,
    Login(HeldLogin),
    StartTls,
}

impl Analyzer for Imap {
    fn data(&mut self, input: Input<'_>, out: &mut dyn EventSink) -> Progress {
        let mut cursor = Cursor::new(input.bytes());
        loop {
            if self.compressed {
                out.event(Event::Skipped { reason: Skip::Coding, bytes: cursor.remaining() as u64 });
                return Progress::Stop;
            }
            let inside = match input.direction {
                Direction::ToServer => self.client_literal(input, &mut cursor, out),
                Direction::ToClient => self.server.literal(input, &mut cursor, out),
            };
            match is_tls_record(cursor.rest()) {
                _ if inside => break,
                Some(true) => return self.switch(cursor.position(), out),
                None => break,
                Some(false) => {}
            }
            let start = cursor.position();
            let Some(lines) = self.lines.get_mut(input.direction.index()) else { break };
            let Some(line) = lines.next(&mut cursor, out) else { break };
            let span = input.span(start..start + line.len());
            match input.direction {
                Direction::ToServer => self.client_line(line, span, out),
                Direction::ToClient => {
                    if self.server.line(line, start, input, out) && self.reply(line, out) {
                        return self.switch(cursor.position(), out);
                    }
                }
            }
        }
        Progress::Continue(cursor.position())
    }

    fn gap(&mut self, direction: Direction, missing: u64, out: &mut dyn EventSink) {
        if let Some(lines) = self.lines.get_mut(direction.index()) {
            lines.gap();
        }
        if direction == Direction::ToClient {
            return self.server.gap(missing, out);
        }
        match &mut self.client {
            Client::Message(left, message) if *left > missing => {
                *left -= missing;
                message.gap(out);
            }
            Client::Skip(left) if *left > missing => *left -= missing,
            _ => {
                self.client = Client::Lines;
                self.open = None;
            }
        }
    }

    fn end(&mut self, _left: [Input<'_>; 2], out: &mut dyn EventSink) {
        if let Client::Message(_, message) = std::mem::take(&mut self.client) {
            message.finish(out);
        }
        self.server.finish(out);
        self.give_up(out);
        self.offer.ended(out);
    }
}

impl Imap {
    /// Takes what is there of a literal. Says whether there is more of it to come.
    fn client_literal(&mut self, input: Input<'_>, cursor: &mut Cursor<'_>, out: &mut dyn EventSink) -> bool {
        match &mut self.client {
            Client::Lines => return false,
            Client::Argument(length) => {
                let Some(argument) = cursor.take(*length) else { return true };
                if let Some(open) = &mut self.open {
                    open.arguments.push(argument.to_vec());
                }
            }
            Client::Skip(left) => {
                let here = (*left).min(cursor.remaining() as u64);
                let _ = cursor.skip(here as usize);
                *left -= here;
                out.event(Event::Skipped { reason: Skip::Limit, bytes: here });
                if *left > 0 {
                    return true;
                }
            }
            Client::Message(left, message) => {
                let here = (*left).min(cursor.remaining() as u64) as usize;
                message.push(input.data, cursor.position()..cursor.position() + here, out);
                let _ = cursor.skip(here);
                *left -= here as u64;
                if *left > 0 {
                    return true;
                }
            }
        }
        if let Client::Message(_, message) = std::mem::take(&mut self.client) {
            message.finish(out);
        }
        false
    }

    fn client_line(&mut self, line: &[u8], span: Span, out: &mut dyn EventSink) {
        match self.dialog.client(line, span) {
            Line::Cancelled => return self.judge(Outcome::Rejected, out),
            Line::Message => return,
            Line::Command => {}
        }
        let (mut open, arguments) = match self.open.take() {
            Some(open) => (open, line),
            None => {
                let (tag, rest) = split_word(line);
                let (verb, arguments) = split_word(rest);
                let (tag, verb) = (tag.to_vec(), verb.to_ascii_uppercase());
                (Open { tag, verb, arguments: Vec::new(), span }, arguments)
            }
        };
        open.span = open.span.join(span);
        let literal = literal_at_end(arguments);
        let text = literal.map_or(arguments, |l| l.before);
        let room = limits::LINE_BYTES.saturating_sub(open.arguments.iter().map(Vec::len).sum());
        if text.len() <= room && open.arguments.len() < syntax::ARGUMENTS {
            open.arguments.extend(syntax::arguments(text));
        }
        let Some(Literal { length, .. }) = literal else { return self.command(open, out) };
        self.client = match open.verb.as_slice() {
            b"APPEND" | b"REPLACE" if open.arguments.len() > 1 || length > limits::SASL_BYTES as u64 => {
                self.offer.content(out);
                Client::Message(length, Box::new(Message::new(PLACE, Direction::ToServer)))
            }
            _ if length > room as u64 => Client::Skip(length),
            _ => Client::Argument(length as usize),
        };
        self.open = Some(open);
    }

    /// A command is complete.
    fn command(&mut self, open: Open, out: &mut dyn EventSink) {
        let Open { tag, verb, arguments, span } = open;
        let mut arguments = arguments.iter().map(Vec::as_slice);
        let command = match verb.as_slice() {
            b"LOGIN" => {
                let (Some(name), Some(password)) = (arguments.next(), arguments.next()) else { return };
                Command::Login(HeldLogin::clear("clear", Some(name), password, span))
            }
            b"AUTHENTICATE" => {
                self.judge(Outcome::Unknown, out);
                self.dialog.start(arguments.next().unwrap_or_default(), arguments.next().unwrap_or_default(), span);
                Command::Authenticate
            }
            b"CAPABILITY" => Command::Capability,
            b"COMPRESS" => Command::Compress,
            b"STARTTLS" => Command::StartTls,
            b"SELECT" | b"EXAMINE" => return self.offer.content(out),
            _ => return,
        };
        if self.unanswered.len() >= limits::OUTSTANDING {
            self.unanswered.remove(0);
            out.beyond(limits::Cap::Outstanding);
        }
        self.unanswered.push((tag, command));
    }

    /// Takes a line of the server that is not part of a message. Says whether the connection turns into
    /// TLS after it.
    fn reply(&mut self, line: &[u8], out: &mut dyn EventSink) -> bool {
        let (tag, rest) = split_word(line);
        if tag == b"+" {
            self.dialog.server(rest);
            return false;
        }
        let (status, text) = split_word(rest);
        let capabilities = status.eq_ignore_ascii_case(b"CAPABILITY") || contains_word(text, b"[CAPABILITY ");
        if tag == b"*" {
            self.authenticated |= status.eq_ignore_ascii_case(b"PREAUTH");
            if capabilities && !self.authenticated {
                self.offer.listed(contains_word(text, b"STARTTLS"));
            }
            return false;
        }
        let accepted = match status.to_ascii_uppercase().as_slice() {
            b"OK" => true,
            b"NO" | b"BAD" => false,
            _ => return false,
        };
        if !accepted && self.open.as_ref().is_some_and(|open| open.tag == tag) {
            // The server does not want the literal: it will not come.
            self.open = None;
            self.client = Client::Lines;
        }
        let Some(position) = self.unanswered.iter().position(|(t, _)| t == tag) else { return false };
        let outcome = if accepted { Outcome::Accepted } else { Outcome::Rejected };
        match self.unanswered.remove(position).1 {
            Command::Authenticate => self.judge(outcome, out),
            Command::Login(login) => {
                login.report(LOGIN_FIELD, outcome, out);
                self.offer.login(&login, out);
            }
            Command::StartTls if accepted => return true,
            Command::StartTls => self.offer.refused(),
            Command::Compress => self.compressed = accepted,
            Command::Capability => return false,
        }
        self.authenticated |= accepted;
        false
    }

    fn judge(&mut self, outcome: Outcome, out: &mut dyn EventSink) {
        self.dialog.judge(LOGIN_FIELD, outcome, &mut self.offer, out);
    }

    /// Reports the logins that were never answered.
    fn give_up(&mut self, out: &mut dyn EventSink) {
        self.judge(Outcome::Unknown, out);
        for (_, command) in self.unanswered.drain(..) {
            if let Command::Login(login) = command {
                login.report(LOGIN_FIELD, Outcome::Unknown, out);
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
