//! SMTP, submission and LMTP (RFC 5321, RFC 6409, RFC 2033): logins by SASL (RFC 4954), the offer of
//! STARTTLS (RFC 3207), and the messages themselves, sent with DATA or BDAT (RFC 3030).

mod probe;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use super::cursor::Cursor;
use super::dotted::Dotted;
use super::lines::{Lines, Reply, split_word};
use super::sasl::dialog::{Dialog, Line};
use super::upgrade::{Offer, is_tls_record};
use super::{Analyzer, Nature, Next, Progress, Protocol};
use crate::content::mime::{Message, Place};
use crate::model::event::{EventSink, Outcome};
use crate::model::flow::{Direction, Transport};
use crate::model::limits;
use crate::model::packet::Span;
use crate::model::stream::Input;

/// SMTP and its kin.
pub static PROTOCOL: Protocol = Protocol {
    name: "smtp",
    transport: Transport::Tcp,
    ports: &[25, 587, 24, 2525],
    nature: Nature::Cleartext,
    probe: probe::probe,
    start: || Box::<Smtp>::default(),
};

const PLACE: Place = Place { header: "smtp.message.header", body: "smtp.message" };
const LOGIN_FIELD: &str = "smtp.auth";

#[derive(Default)]
struct Smtp {
    lines: [Lines; 2],
    client: Client,
    /// Commands whose replies have not been seen, oldest first.
    unanswered: VecDeque<Command>,
    dialog: Dialog,
    /// The message that comes in chunks.
    chunked: Option<Message>,
    offer: Offer,
    /// The server has spoken.
    greeted: bool,
    /// The reply at hand lists STARTTLS.
    lists_tls: bool,
}

/// What the client's next bytes are.
#[derive(Default)]
enum Client {
    #[default]
    Commands,
    /// A message up to a line with a single dot.
    Data(Dotted),
    /// So many bytes of a message.
    Chunk { left: u64, last: bool },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    Auth,
    Data,
    Ehlo,
    Other,
    StartTls,
}

impl Analyzer for Smtp {
    fn data(&mut self, input: Input<'_>, out: &mut dyn EventSink) -> Progress {
        match input.direction {
            Direction::ToServer => self.client(input, out),
            Direction::ToClient => self.server(input, out),
        }
    }

    fn gap(&mut self, direction: Direction, missing: u64, out: &mut dyn EventSink) {
        if let Some(lines) = self.lines.get_mut(direction.index()) {
            lines.gap();
        }
        if direction == Direction::ToClient {
            return;
        }
        match &mut self.client {
            Client::Data(message) => message.gap(out),
            Client::Chunk { left, .. } if *left > missing => {
                *left -= missing;
                if let Some(message) = &mut self.chunked {
                    message.gap(out);
                }
            }
            _ => self.client = Client::Commands,
        }
    }

    fn end(&mut self, _left: [Input<'_>; 2], out: &mut dyn EventSink) {
        if let Client::Data(message) = std::mem::take(&mut self.client) {
            message.finish(out);
        }
        if let Some(message) = self.chunked.take() {
            message.finish(out);
        }
        self.judge(Outcome::Unknown, out);
        self.offer.ended(out);
    }
}

impl Smtp {
    fn client(&mut self, input: Input<'_>, out: &mut dyn EventSink) -> Progress {
        let mut cursor = Cursor::new(input.bytes());
        loop {
            match &mut self.client {
                Client::Data(message) => {
                    if !message.read(input.data, &mut cursor, out) {
                        break;
                    }
                    if let Client::Data(message) = std::mem::take(&mut self.client) {
                        message.finish(out);
                    }
                    self.expect(Command::Other, out);
                }
                Client::Chunk { left, last } => {
                    let here = usize::try_from(*left).unwrap_or(usize::MAX).min(cursor.remaining());
                    let start = cursor.position();
                    let _ = cursor.skip(here);
                    *left -= here as u64;
                    if let Some(message) = &mut self.chunked {
                        message.push(input.data, start..start + here, out);
                    }
                    if *left > 0 {
                        break;
                    }
                    if *last && let Some(message) = self.chunked.take() {
                        message.finish(out);
                    }
                    self.client = Client::Commands;
                }
                Client::Commands => {
                    match is_tls_record(cursor.rest()) {
                        Some(true) => return self.switch(cursor.position(), out),
                        None => break,
                        Some(false) => {}
                    }
                    let start = cursor.position();
                    let [lines, _] = &mut self.lines;
                    let Some(line) = lines.next(&mut cursor, out) else { break };
                    let span = input.span(start..cursor.position());
                    match self.dialog.client(line, span) {
                        Line::Cancelled => self.judge(Outcome::Rejected, out),
                        Line::Command => self.command(line, span, out),
                        Line::Message => {}
                    }
                }
            }
        }
        Progress::Continue(cursor.position())
    }

    fn command(&mut self, line: &[u8], span: Span, out: &mut dyn EventSink) {
        let (verb, rest) = split_word(line);
        match verb.to_ascii_uppercase().as_slice() {
            b"AUTH" => {
                self.judge(Outcome::Unknown, out);
                let (mechanism, initial) = split_word(rest);
                self.dialog.start(mechanism, initial, span);
                self.expect(Command::Auth, out);
            }
            b"BDAT" => {
                self.offer.content(out);
                let (size, rest) = split_word(rest);
                let Some(left) = std::str::from_utf8(size).ok().and_then(|s| s.parse().ok()) else { return };
                let last = rest.eq_ignore_ascii_case(b"LAST");
                self.chunked.get_or_insert_with(|| Message::new(PLACE, Direction::ToServer));
                self.client = Client::Chunk { left, last };
                self.expect(Command::Other, out);
            }
            b"DATA" => {
                self.offer.content(out);
                self.client = Client::Data(Dotted::new(Message::new(PLACE, Direction::ToServer)));
                self.expect(Command::Data, out);
            }
            b"EHLO" | b"LHLO" => self.expect(Command::Ehlo, out),
            b"STARTTLS" => self.expect(Command::StartTls, out),
            b"MAIL" => {
                self.offer.content(out);
                self.expect(Command::Other, out);
            }
            b"" => {}
            _ => self.expect(Command::Other, out),
        }
    }

    fn expect(&mut self, command: Command, out: &mut dyn EventSink) {
        if self.unanswered.len() >= limits::OUTSTANDING {
            self.unanswered.pop_front();
            out.beyond(limits::Cap::Outstanding);
        }
        self.unanswered.push_back(command);
    }

    fn server(&mut self, input: Input<'_>, out: &mut dyn EventSink) -> Progress {
        let mut cursor = Cursor::new(input.bytes());
        loop {
            match is_tls_record(cursor.rest()) {
                Some(true) => return self.switch(cursor.position(), out),
                None => break,
                Some(false) => {}
            }
            let [_, lines] = &mut self.lines;
            let Some(line) = lines.next(&mut cursor, out) else { break };
            let Some(reply) = Reply::parse(line) else { continue };
            if self.reply(reply, out) {
                return self.switch(cursor.position(), out);
            }
        }
        Progress::Continue(cursor.position())
    }

    /// Takes a line of a reply. Says whether the connection turns into TLS after it.
    fn reply(&mut self, reply: Reply<'_>, out: &mut dyn EventSink) -> bool {
        if reply.code == 250 {
            self.lists_tls |= split_word(reply.text).0.eq_ignore_ascii_case(b"STARTTLS");
            if !reply.last {
                return false;
            }
        }
        if !reply.last {
            return false;
        }
        let lists_tls = std::mem::take(&mut self.lists_tls);
        if reply.code == 334 {
            self.dialog.server(reply.text);
            return false;
        }
        if !std::mem::replace(&mut self.greeted, true)
            && reply.code == 220
            && self.unanswered.front() != Some(&Command::StartTls)
        {
            return false;
        }
        match self.answered(reply.code) {
            Some(Command::Auth) => {
                let outcome = if reply.is_success() { Outcome::Accepted } else { Outcome::Rejected };
                self.judge(outcome, out);
            }
            Some(Command::Data) if reply.is_failure() => {
                if let Client::Data(_) = self.client {
                    self.client = Client::Commands;
                }
            }
            Some(Command::Ehlo) if reply.is_success() => self.offer.listed(lists_tls),
            // The client's side was not captured.
            None if lists_tls => self.offer.listed(true),
            Some(Command::StartTls) if reply.is_success() => return true,
            Some(Command::StartTls) => self.offer.refused(),
            _ => {}
        }
        false
    }

    /// Which command a reply belongs to: the oldest one, or, when replies or commands were not
    /// captured, the one that this reply alone can belong to.
    fn answered(&mut self, code: u16) -> Option<Command> {
        let only = match code {
            235 | 535 => Some(Command::Auth),
            354 => Some(Command::Data),
            220 => Some(Command::StartTls),
            _ => None,
        };
        if let Some(position) = only.and_then(|c| self.unanswered.iter().position(|u| *u == c)) {
            self.unanswered.drain(..position);
        }
        self.unanswered.pop_front()
    }

    /// Reports the login that waits for its outcome.
    fn judge(&mut self, outcome: Outcome, out: &mut dyn EventSink) {
        self.dialog.judge(LOGIN_FIELD, outcome, &mut self.offer, out);
    }

    fn switch(&mut self, consumed: usize, out: &mut dyn EventSink) -> Progress {
        self.judge(Outcome::Unknown, out);
        self.offer.switched(out);
        Progress::Handoff(consumed, Next::Tls)
    }
}
