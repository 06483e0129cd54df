//! FTP's control connection (RFC 959): logins, the switch to TLS (RFC 4217), and where the data
//! connections go (RFC 2428, RFC 1639). Data connections are flows of their own.

mod address;
mod probe;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use super::cursor::Cursor;
use super::lines::{Lines, Reply, contains_word, split_word};
use super::login::HeldLogin;
use super::upgrade::{Offer, is_tls_record};
use super::{Analyzer, Nature, Next, Progress, Protocol};
use crate::model::event::{Event, EventSink, Format, LinkFact, Outcome, Text};
use crate::model::flow::{Direction, Endpoint, Transport};
use crate::model::limits;
use crate::model::packet::Span;
use crate::model::stream::{Gathered, Input};

/// FTP.
pub static PROTOCOL: Protocol = Protocol {
    name: "ftp",
    transport: Transport::Tcp,
    ports: &[21, 2121, 8021],
    nature: Nature::Cleartext,
    probe: probe::probe,
    start: || Box::<Ftp>::default(),
};

/// Commands whose arguments say nothing worth reading.
const PLAIN_ARGUMENTS: [&[u8]; 15] = [
    b"ALLO", b"CLNT", b"EPRT", b"EPSV", b"HOST", b"LANG", b"LPRT", b"MODE", b"OPTS", b"PBSZ", b"PORT", b"PROT",
    b"REST", b"STRU", b"TYPE",
];

/// Commands that name a file or a directory.
const FILE_COMMANDS: [&[u8]; 16] = [
    b"APPE", b"CWD", b"DELE", b"LIST", b"MDTM", b"MKD", b"MLSD", b"MLST", b"NLST", b"RETR", b"RMD", b"RNFR", b"RNTO",
    b"SIZE", b"STOR", b"STOU",
];

#[derive(Default)]
struct Ftp {
    lines: [Lines; 2],
    username: Option<Vec<u8>>,
    /// Commands whose replies have not been seen, oldest first.
    unanswered: VecDeque<Command>,
    offer: Offer,
    greeted: bool,
    /// The reply that goes on over several lines.
    open_reply: Option<u16>,
    lists_tls: bool,
}

#[derive(Debug)]
enum Command {
    AuthTls,
    Feat,
    Login(HeldLogin, &'static str),
    Other,
    User,
}

impl Analyzer for Ftp {
    fn data(&mut self, input: Input<'_>, out: &mut dyn EventSink) -> Progress {
        let mut cursor = Cursor::new(input.bytes());
        loop {
            match is_tls_record(cursor.rest()) {
                Some(true) => return self.switch(cursor.position(), out),
                None => break,
                Some(false) => {}
            }
            let start = cursor.position();
            let Some(lines) = self.lines.get_mut(input.direction.index()) else { break };
            let Some(line) = lines.next(&mut cursor, out) else { break };
            match input.direction {
                Direction::ToServer => self.command(line, start, input, out),
                Direction::ToClient => {
                    if self.reply_line(line, start, input, out) {
                        return self.switch(cursor.position(), out);
                    }
                }
            }
        }
        Progress::Continue(cursor.position())
    }

    fn gap(&mut self, direction: Direction, _missing: u64, _out: &mut dyn EventSink) {
        if let Some(lines) = self.lines.get_mut(direction.index()) {
            lines.gap();
        }
        if direction == Direction::ToClient {
            self.open_reply = None;
        }
    }

    fn end(&mut self, _left: [Input<'_>; 2], out: &mut dyn EventSink) {
        self.give_up(out);
        self.offer.ended(out);
    }
}

impl Ftp {
    fn command(&mut self, line: &[u8], start: usize, input: Input<'_>, out: &mut dyn EventSink) {
        // A Telnet interrupt may come before ABOR and STAT (RFC 959, section 4.1.3).
        let line = match line.iter().rposition(|b| *b >= 0xf0) {
            Some(last) if last < 8 => line.get(last + 1..).unwrap_or_default(),
            _ => line,
        };
        let span = input.span(start..start + line.len());
        let (verb, argument) = split_word(line);
        let verb = verb.to_ascii_uppercase();
        let command = match verb.as_slice() {
            b"" => return,
            b"USER" => {
                self.username = Some(argument.to_vec());
                Command::User
            }
            b"PASS" => self.login(argument_of(line), span, "ftp.pass"),
            b"ACCT" => self.login(argument, span, "ftp.acct"),
            b"AUTH" if contains_word(argument, b"TLS") || contains_word(argument, b"SSL") => Command::AuthTls,
            b"FEAT" => Command::Feat,
            b"PORT" => announced(address::numbers(argument), out),
            b"EPRT" => announced(address::extended(argument), out),
            b"LPRT" => announced(address::long(argument), out),
            b"HOST" => {
                if let Ok(name) = std::str::from_utf8(argument) {
                    out.event(Event::Link(LinkFact::ServerName(name)));
                }
                Command::Other
            }
            b"REIN" => {
                self.username = None;
                Command::Other
            }
            verb => {
                if !argument.is_empty() && !PLAIN_ARGUMENTS.contains(&verb) {
                    let resource = if FILE_COMMANDS.contains(&verb) { argument } else { b"" };
                    say(input, start..start + line.len(), "ftp.command", resource, out);
                }
                Command::Other
            }
        };
        if self.unanswered.len() >= limits::OUTSTANDING {
            self.unanswered.pop_front();
            out.beyond(limits::Cap::Outstanding);
        }
        self.unanswered.push_back(command);
    }

    fn login(&self, secret: &[u8], span: Span, field: &'static str) -> Command {
        Command::Login(HeldLogin::clear("clear", self.username.as_deref(), secret, span), field)
    }

    /// Takes a line of the server. Says whether the connection turns into TLS after it.
    fn reply_line(&mut self, line: &[u8], start: usize, input: Input<'_>, out: &mut dyn EventSink) -> bool {
        let reply = Reply::parse(line);
        if let Some(code) = self.open_reply {
            let last = reply.is_some_and(|r| r.code == code && r.last);
            if !last {
                self.inner_line(reply.filter(|r| r.code == code).map_or(line, |r| r.text), start, input, out);
                return false;
            }
            self.open_reply = None;
        }
        let Some(reply) = reply else { return false };
        if !reply.last {
            self.open_reply = Some(reply.code);
            self.inner_line(reply.text, start, input, out);
            return false;
        }
        self.reply(reply, out)
    }

    /// A line of a reply that goes on over several.
    fn inner_line(&mut self, text: &[u8], start: usize, input: Input<'_>, out: &mut dyn EventSink) {
        let (word, argument) = split_word(text);
        if word.eq_ignore_ascii_case(b"AUTH") {
            self.lists_tls |= contains_word(argument, b"TLS") || contains_word(argument, b"SSL");
        } else if self.open_reply != Some(211) {
            let end = start + input.bytes().get(start..).map_or(0, |b| memchr::memchr(b'\n', b).unwrap_or(b.len()));
            say(input, start..end, "ftp.reply", b"", out);
        }
    }

    fn reply(&mut self, reply: Reply<'_>, out: &mut dyn EventSink) -> bool {
        let lists_tls = std::mem::take(&mut self.lists_tls);
        if lists_tls {
            self.offer.listed(true);
        }
        match reply.code {
            227 => drop(announced(address::numbers(reply.text), out)),
            228 => drop(announced(address::long(reply.text), out)),
            229 => drop(announced(address::extended(reply.text), out)),
            _ => {}
        }
        let greeting = matches!(reply.code, 220 | 421) && !std::mem::replace(&mut self.greeted, true);
        // 1xx: another reply follows.
        if greeting || reply.code / 100 == 1 {
            return false;
        }
        match self.answered(reply.code) {
            Some(Command::AuthTls) if reply.is_success() => return true,
            Some(Command::AuthTls) => self.offer.refused(),
            Some(Command::Feat) if reply.is_success() => self.offer.listed(lists_tls),
            Some(Command::Login(login, field)) => {
                let outcome = match reply.code {
                    // The password is right; an account is wanted as well.
                    332 => Outcome::Accepted,
                    _ if reply.is_success() => Outcome::Accepted,
                    _ => Outcome::Rejected,
                };
                login.report(field, outcome, out);
                self.offer.login(&login, out);
            }
            _ => {}
        }
        false
    }

    /// Which command a reply belongs to: the oldest one, or, when something was not captured, the one
    /// that this reply alone can belong to.
    fn answered(&mut self, code: u16) -> Option<Command> {
        let position = match code {
            331 => self.unanswered.iter().position(|c| matches!(c, Command::User)),
            230 => self.unanswered.iter().position(|c| matches!(c, Command::Login(..))),
            234 => self.unanswered.iter().position(|c| matches!(c, Command::AuthTls)),
            _ => None,
        };
        if let Some(position) = position
            && !self.unanswered.range(..position).any(|c| matches!(c, Command::Login(..)))
        {
            self.unanswered.drain(..position);
        }
        self.unanswered.pop_front()
    }

    /// Reports the logins that were never answered.
    fn give_up(&mut self, out: &mut dyn EventSink) {
        for command in self.unanswered.drain(..) {
            if let Command::Login(login, field) = command {
                login.report(field, Outcome::Unknown, out);
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

/// What follows the verb and one space: a password may begin or end with more of them.
fn argument_of(line: &[u8]) -> &[u8] {
    line.trim_ascii_start().get("PASS ".len()..).unwrap_or_default()
}

fn announced(endpoint: Option<Endpoint>, out: &mut dyn EventSink) -> Command {
    if let Some(endpoint) = endpoint {
        out.event(Event::Link(LinkFact::Expect { endpoint, protocol: "ftp-data" }));
    }
    Command::Other
}

fn say(input: Input<'_>, range: std::ops::Range<usize>, place: &'static str, resource: &[u8], out: &mut dyn EventSink) {
    let mut line = Gathered::default();
    line.push_part(input.data, range);
    if line.is_empty() {
        return;
    }
    out.event(Event::Text(Text {
        format: Format::Plain,
        place,
        resource: &String::from_utf8_lossy(resource),
        direction: input.direction,
        outcome: Outcome::Unknown,
        data: line.stretch(),
        seen: 0,
    }));
}
