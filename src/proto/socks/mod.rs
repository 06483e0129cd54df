//! SOCKS 4, 4a and 5 (RFC 1928, RFC 1929): names and passwords on their way to a proxy, and whatever is sent through it.

mod probe;
#[cfg(test)]
mod tests;
mod wire;

use self::wire::{Command, Lack};
use super::cursor::Cursor;
use super::login::HeldLogin;
use super::{Analyzer, Nature, Next, Progress, Protocol};
use crate::model::event::{Event, EventSink, LinkFact, Outcome, Skip};
use crate::model::flow::{Direction, Transport};
use crate::model::stream::Input;

/// SOCKS 5.
pub static V5: Protocol = Protocol {
    name: "socks5",
    transport: Transport::Tcp,
    ports: &[1080],
    nature: Nature::Cleartext,
    probe: probe::v5,
    start: || Box::new(Socks::new(Asks::Methods, Answers::Method)),
};

/// SOCKS 4 and 4a.
pub static V4: Protocol = Protocol {
    name: "socks4",
    transport: Transport::Tcp,
    ports: &[1080],
    nature: Nature::Cleartext,
    probe: probe::v4,
    start: || Box::new(Socks::new(Asks::OldRequest, Answers::OldReply)),
};

/// What the client sends next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asks {
    Methods,
    LoginOrRequest,
    OldRequest,
    /// What is meant for the other end, after this was asked.
    Content(Command),
}

/// What the server sends next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answers {
    Method,
    Verdict,
    Reply,
    OldReply,
}

struct Socks {
    asks: Asks,
    answers: Answers,
    login: Option<HeldLogin>,
    /// How the client said who it is, if it was not asked to prove it.
    unproved: Option<&'static str>,
    /// The answer after which there is another one was seen.
    bound: bool,
    /// The server has said something.
    heard: bool,
    spoke: bool,
    /// Something is not as it should be: nothing more is read.
    broken: bool,
    /// Messages of a direction are missing.
    lost: [bool; 2],
}

/// What a message leads to.
enum Step {
    On,
    /// What follows in both directions is what is relayed.
    Relay,
    Stop,
}

impl Socks {
    const fn new(asks: Asks, answers: Answers) -> Self {
        let (login, unproved) = (None, None);
        Self {
            asks,
            answers,
            login,
            unproved,
            bound: false,
            heard: false,
            spoke: false,
            broken: false,
            lost: [false; 2],
        }
    }
}

impl Analyzer for Socks {
    fn data(&mut self, input: Input<'_>, out: &mut dyn EventSink) -> Progress {
        self.heard |= input.direction == Direction::ToClient;
        let lost = self.is_lost(input.direction);
        let bytes = input.bytes();
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            if self.broken {
                out.event(Event::Skipped { reason: Skip::Malformed, bytes: rest.len() as u64 });
                return Progress::Continue(bytes.len());
            }
            let mut cursor = Cursor::new(rest);
            let step = match input.direction {
                Direction::ToServer => self.asked(&mut cursor, input, at, out),
                Direction::ToClient => self.answered(&mut cursor, out),
            };
            at += match step {
                Ok(Step::On) => cursor.position(),
                Ok(Step::Relay) => return Progress::Handoff(at + cursor.position(), Next::Unknown),
                Ok(Step::Stop) => return Progress::Stop,
                Err(Lack::More) => break,
                // The last message was among those that are missing.
                Err(Lack::Bad) if lost => {
                    self.settle(Outcome::Unknown, out);
                    return Progress::Handoff(at, Next::Unknown);
                }
                Err(Lack::Bad) if !self.spoke => return Progress::NotMine,
                Err(Lack::Bad) => {
                    out.event(Event::Link(LinkFact::Violation));
                    self.broken = true;
                    0
                }
            };
        }
        Progress::Continue(at)
    }

    fn gap(&mut self, direction: Direction, _missing: u64, _out: &mut dyn EventSink) {
        if let Some(lost) = self.lost.get_mut(direction.index()) {
            *lost = true;
        }
        match direction {
            Direction::ToServer if self.asks == Asks::Methods => self.asks = Asks::LoginOrRequest,
            Direction::ToClient if self.answers != Answers::OldReply => self.answers = Answers::Reply,
            Direction::ToServer | Direction::ToClient => {}
        }
    }

    fn end(&mut self, _left: [Input<'_>; 2], out: &mut dyn EventSink) {
        self.settle(Outcome::Unknown, out);
    }
}

impl Socks {
    /// Takes the next message of the client, which begins at `at`.
    fn asked(
        &mut self,
        cursor: &mut Cursor<'_>,
        input: Input<'_>,
        at: usize,
        out: &mut dyn EventSink,
    ) -> Result<Step, Lack> {
        match self.asks {
            Asks::Methods => {
                wire::methods(cursor)?;
                self.asks = Asks::LoginOrRequest;
            }
            Asks::LoginOrRequest if wire::is_login(cursor) => {
                let (user, password) = wire::login(cursor)?;
                let span = input.span(at..at + cursor.position());
                self.settle(Outcome::Unknown, out);
                self.login = Some(HeldLogin::clear("clear", Some(user), password, span));
            }
            Asks::LoginOrRequest => self.asks = Asks::Content(wire::request(cursor)?),
            Asks::OldRequest => {
                let (command, user) = wire::old_request(cursor)?;
                self.unproved = Some(if user.is_empty() { "anonymous" } else { "userid" });
                self.asks = Asks::Content(command);
            }
            // The answer comes first, unless those of this server were not captured.
            Asks::Content(_) if self.heard && !self.is_lost(Direction::ToServer) => return Err(Lack::More),
            Asks::Content(_) => {
                self.settle(Outcome::Unknown, out);
                return Ok(Step::Relay);
            }
        }
        Ok(Step::On)
    }

    /// Takes the next message of the server.
    fn answered(&mut self, cursor: &mut Cursor<'_>, out: &mut dyn EventSink) -> Result<Step, Lack> {
        let done = match self.answers {
            Answers::Method => {
                match wire::method(cursor)? {
                    Some(wire::NO_LOGIN) => {
                        self.unproved = Some("anonymous");
                        self.answers = Answers::Reply;
                    }
                    Some(wire::PASSWORD) => self.answers = Answers::Verdict,
                    // What follows may be wrapped (RFC 1961, section 4).
                    Some(wire::GSSAPI) => {
                        self.auth("gssapi", out);
                        return Ok(Step::Stop);
                    }
                    Some(_) | None => return Ok(Step::Stop),
                }
                return Ok(Step::On);
            }
            Answers::Reply if wire::is_login(cursor) && self.is_lost(Direction::ToClient) => {
                self.answers = Answers::Verdict;
                return Ok(Step::On);
            }
            Answers::Verdict => {
                let accepted = wire::verdict(cursor)?;
                self.settle(if accepted { Outcome::Accepted } else { Outcome::Rejected }, out);
                self.answers = Answers::Reply;
                return Ok(if accepted { Step::On } else { Step::Stop });
            }
            Answers::Reply => wire::reply(cursor)?,
            Answers::OldReply => wire::old_reply(cursor)?,
        };
        if let Some(name) = self.unproved.take() {
            self.auth(name, out);
        }
        self.settle(if done { Outcome::Accepted } else { Outcome::Unknown }, out);
        Ok(match self.asks {
            _ if !done => Step::Stop,
            Asks::Content(Command::Associate) => Step::Stop,
            Asks::Content(Command::Bind) if !std::mem::replace(&mut self.bound, true) => Step::On,
            _ => Step::Relay,
        })
    }

    fn is_lost(&self, direction: Direction) -> bool {
        self.lost.get(direction.index()).is_some_and(|lost| *lost)
    }

    fn auth(&mut self, name: &'static str, out: &mut dyn EventSink) {
        self.spoke = true;
        out.event(Event::Link(LinkFact::Auth(name)));
    }

    fn settle(&mut self, outcome: Outcome, out: &mut dyn EventSink) {
        if let Some(login) = self.login.take() {
            self.spoke = true;
            login.report("socks5.login", outcome, out);
        }
    }
}
