//! HTTP/0.9 to HTTP/1.1 (RFC 9110, RFC 9112), with WebDAV and whatever else uses its messages.
//!
//! Requests wait for their answers in order, as the answers say whether credentials were good. Content is
//! decoded as it arrives and said in pieces; what is binary is not looked at.

mod body;
mod envelope;
mod exchange;
mod fields;
pub mod h2;
mod head;
mod held;
mod names;
mod parts;
mod probe;
mod request;
mod response;
mod rpc;
pub(super) mod start;

#[cfg(test)]
mod tests;

use std::mem;
use std::ops::Range;

use body::{Body, Step as BodyStep};
use envelope::{Envelope, Framing};
use exchange::{Answer, Exchange, Exchanges, Method};
use h2::Http2;
use request::{Memory, Request};
use response::Response;
use start::{Footing, RequestLine};

use super::{Analyzer, Nature, Next, Progress, Protocol};
use crate::model::event::{Event, EventSink, LinkFact, Skip};
use crate::model::flow::{Direction, Transport};
use crate::model::limits;
use crate::model::stream::Input;

/// HTTP up to version 1.1.
pub static PROTOCOL: Protocol = Protocol {
    name: "http",
    transport: Transport::Tcp,
    ports: &[80, 8080, 8000, 8008, 8081, 8888, 3128, 5000, 9200, 631],
    nature: Nature::Cleartext,
    probe: probe::probe,
    start: || Box::<Http>::default(),
};

#[derive(Default)]
struct Http {
    sides: [Side; 2],
    exchanges: Exchanges,
    memory: Memory,
    /// What the connection has become.
    heir: Option<Http2>,
}

#[derive(Default)]
struct Side {
    state: State,
    /// Bytes at the start that are known not to hold the end of a head.
    scanned: usize,
}

#[derive(Default)]
enum State {
    /// Inside the content of a message.
    Body(Box<Body>),
    /// A message begins.
    #[default]
    Head,
    /// Until the next message that can be recognised.
    Lost,
    /// After a request to become something else: the answer decides what follows.
    Switching(Next),
}

/// What a state made of the bytes.
enum Step {
    /// Go on at this offset, in whatever state it is now.
    On(usize),
    /// Nothing more to do with these bytes.
    Return(Progress),
}

impl Analyzer for Http {
    fn data(&mut self, input: Input<'_>, out: &mut dyn EventSink) -> Progress {
        let mut at = 0;
        loop {
            let Some(side) = self.sides.get_mut(input.direction.index()) else { return Progress::Stop };
            let step = match mem::take(&mut side.state) {
                State::Body(body) => self.body(body, input, at, out),
                State::Head => self.head(input, at, out),
                State::Lost => self.find_footing(input, at, out),
                State::Switching(next) => self.switching(next, input, at, out),
            };
            match step {
                Step::On(next) => at = next,
                Step::Return(progress) => return progress,
            }
        }
    }

    fn gap(&mut self, direction: Direction, missing: u64, out: &mut dyn EventSink) {
        let Some(side) = self.sides.get_mut(direction.index()) else { return };
        side.scanned = 0;
        let mut behind = missing;
        if let State::Body(mut body) = mem::replace(&mut side.state, State::Lost) {
            match body.gap(missing, out) {
                Ok(()) => {
                    side.state = State::Body(body);
                    return;
                }
                Err(more) => behind = more,
            }
            self.end_body(direction, *body, out);
        }
        // The shortest request has more bytes than this.
        match direction {
            Direction::ToServer if behind > 16 => self.exchanges.lost_request(),
            Direction::ToServer => {}
            Direction::ToClient => self.exchanges.lost_answer(),
        }
    }

    fn heir(&mut self) -> Option<Box<dyn Analyzer>> {
        self.heir.take().map(|heir| Box::new(heir) as Box<dyn Analyzer>)
    }

    fn end(&mut self, left: [Input<'_>; 2], out: &mut dyn EventSink) {
        for input in left {
            let Some(side) = self.sides.get_mut(input.direction.index()) else { continue };
            match mem::take(&mut side.state) {
                State::Body(body) => self.end_body(input.direction, *body, out),
                State::Head | State::Switching(_) => self.cut_head(input, out),
                State::Lost => skip(Skip::Gap, input.bytes().len(), out),
            }
        }
        self.exchanges.end(&self.memory.challenges, out);
    }
}

impl Http {
    fn become_state(&mut self, direction: Direction, state: State) {
        if let Some(side) = self.sides.get_mut(direction.index()) {
            *side = Side { state, scanned: 0 };
        }
    }

    /// A message begins at `at`, or will.
    fn head(&mut self, input: Input<'_>, mut at: usize, out: &mut dyn EventSink) -> Step {
        let (bytes, direction) = (input.bytes(), input.direction);
        let index = direction.index();
        // Empty lines before a message are tolerated (RFC 9112 section 2.2).
        while matches!(bytes.get(at), Some(b'\r' | b'\n')) {
            at += 1;
        }
        let rest = bytes.get(at..).unwrap_or_default();
        if rest.is_empty() {
            return Step::Return(Progress::Continue(at));
        }
        if direction == Direction::ToClient && self.exchanges.front().is_some_and(|e| e.method == Method::Old) {
            return self.old_response(at, out);
        }
        if !plausible(direction, rest) {
            out.event(Event::Link(LinkFact::Violation));
            self.become_state(direction, State::Lost);
            return Step::On(at);
        }
        let first = start::first_line(rest);
        if direction == Direction::ToServer
            && let Some((line, next)) = first
            && let Some(request) = start::request_line(line).filter(|r| r.old)
        {
            return self.request(&request, input, at, at + next..at + next, out);
        }
        let scanned = self.sides.get(index).map_or(0, |s| s.scanned);
        let Some(length) = start::head_end(rest, scanned) else {
            if rest.len() > limits::HEAD_BYTES {
                self.become_state(direction, State::Lost);
                return Step::On(at);
            }
            // The line feed before an empty line may be the last byte that is here.
            self.sides.iter_mut().skip(index).take(1).for_each(|s| s.scanned = rest.len().saturating_sub(2));
            return Step::Return(Progress::Continue(at));
        };
        self.whole_head(input, at..at + length, out)
    }

    /// A head is complete.
    fn whole_head(&mut self, input: Input<'_>, range: Range<usize>, out: &mut dyn EventSink) -> Step {
        let direction = input.direction;
        self.become_state(direction, State::Head);
        let head = input.bytes().get(range.clone()).unwrap_or_default();
        let Some((line, next)) = start::first_line(head) else { return Step::On(range.end) };
        match direction {
            Direction::ToServer => {
                if let Some(request) = start::request_line(line) {
                    return self.request(&request, input, range.start, range.start + next..range.end, out);
                }
            }
            Direction::ToClient => {
                if let Some(status) = start::status_line(line) {
                    return self.response(status, input, range.start + next..range.end, out);
                }
            }
        }
        out.event(Event::Link(LinkFact::Violation));
        skip(Skip::Malformed, next, out);
        self.become_state(direction, State::Lost);
        Step::On(range.start + next)
    }

    /// A head that was cut off: what is whole of it is read.
    fn cut_head(&mut self, input: Input<'_>, out: &mut dyn EventSink) {
        let bytes = input.bytes();
        let whole = memchr::memrchr(b'\n', bytes).map_or(0, |n| n + 1);
        let plausible = bytes.first().is_some_and(|_| plausible(input.direction, bytes));
        if whole > 0 && plausible {
            self.whole_head(input, 0..whole, out);
        }
        skip(Skip::Malformed, bytes.len() - if plausible { whole } else { 0 }, out);
    }

    /// A request's head is complete: a line that starts at `at`, and a block of headers.
    fn request(
        &mut self,
        line: &RequestLine<'_>,
        input: Input<'_>,
        at: usize,
        headers: Range<usize>,
        out: &mut dyn EventSink,
    ) -> Step {
        let line = RequestLine { target_at: at + line.target_at, ..*line };
        let block = head::headers(input.bytes(), headers.clone());
        let may_hold = self.exchanges.can_hold();
        let Request { exchange, envelope, switching } = self.memory.request(&line, input.data, block, may_hold, out);
        let resource = exchange.path.clone();
        let number = self.exchanges.asked(exchange, &self.memory.challenges, out);
        let state = match envelope.of_request() {
            Some(framing) => State::Body(Box::new(Body::new(envelope, framing, Direction::ToServer, resource, number))),
            None => switching.map_or(State::Head, State::Switching),
        };
        self.become_state(Direction::ToServer, state);
        Step::On(headers.end)
    }

    /// An answer's head is complete: its status, and a block of headers.
    fn response(&mut self, status: u16, input: Input<'_>, headers: Range<usize>, out: &mut dyn EventSink) -> Step {
        let next = headers.end;
        if (100..200).contains(&status) && status != 101 {
            return Step::On(next);
        }
        let Self { exchanges, memory, .. } = self;
        let exchange = exchanges.next(&memory.challenges, out);
        let method = exchange.as_ref().map_or(Method::Unseen, |e| e.method);
        let resource = exchange.as_ref().map(|e| e.path.clone()).unwrap_or_default();
        let block = head::headers(input.bytes(), headers);
        let Response { answer, envelope, becomes, unsettled } =
            memory.response(status, &resource, input.data, block, out);
        // This is the answer to the upgrade alone: that to the request is yet to come.
        if status == 101 && becomes == Next::Http2 {
            return self.become_http2(next, exchange, out);
        }
        if unsettled {
            exchanges.answering(exchange, answer);
        } else {
            exchanges.answered(exchange, answer, &memory.challenges, out);
        }
        if status == 101 || method == Method::Connect && (200..300).contains(&status) {
            exchanges.end(&memory.challenges, out);
            return Step::Return(Progress::Handoff(next, becomes));
        }
        if method == Method::Head || matches!(status, 204 | 304) {
            exchanges.settled(None, &memory.challenges, out);
            return Step::On(next);
        }
        let framing = envelope.of_response();
        let mut body = Body::new(envelope, framing, Direction::ToClient, resource, 0);
        body.doubtful = method == Method::Unseen;
        self.become_state(Direction::ToClient, State::Body(Box::new(body)));
        Step::On(next)
    }

    /// What follows in both directions is HTTP/2, and the answer to this request is part of that.
    fn become_http2(&mut self, at: usize, exchange: Option<Exchange>, out: &mut dyn EventSink) -> Step {
        self.exchanges.end(&self.memory.challenges, out);
        self.heir = Some(Http2::after(exchange, mem::take(&mut self.memory)));
        Step::Return(Progress::Handoff(at, Next::Http2))
    }

    /// The answer to a request of HTTP/0.9 is nothing but content.
    fn old_response(&mut self, at: usize, out: &mut dyn EventSink) -> Step {
        let exchange = self.exchanges.next(&self.memory.challenges, out);
        let resource = exchange.as_ref().map(|e| e.path.clone()).unwrap_or_default();
        self.exchanges.answered(exchange, Answer { status: 200, ..Answer::default() }, &self.memory.challenges, out);
        let body = Body::new(Envelope::default(), Framing::Close, Direction::ToClient, resource, 0);
        self.become_state(Direction::ToClient, State::Body(Box::new(body)));
        Step::On(at)
    }

    fn body(&mut self, mut body: Box<Body>, input: Input<'_>, at: usize, out: &mut dyn EventSink) -> Step {
        let direction = input.direction;
        let rest = input.bytes().get(at..).unwrap_or_default();
        // The answer to an unseen request may be one to HEAD, without the content it speaks of.
        if body.doubtful && direction == Direction::ToClient && b"HTTP/1.".starts_with(rest.get(..7).unwrap_or(rest)) {
            if rest.len() < 7 {
                self.become_state(direction, State::Body(body));
                return Step::Return(Progress::Continue(at));
            }
            return Step::On(at);
        }
        match body.data(input.data, at, out) {
            BodyStep::Done(next) => {
                self.end_body(direction, *body, out);
                Step::On(next)
            }
            BodyStep::Lost(next) => {
                self.end_body(direction, *body, out);
                out.event(Event::Link(LinkFact::Violation));
                self.become_state(direction, State::Lost);
                Step::On(next)
            }
            BodyStep::More(next) => {
                self.become_state(direction, State::Body(body));
                Step::Return(Progress::Continue(next))
            }
            BodyStep::Skip(next, more) => {
                self.become_state(direction, State::Body(body));
                Step::Return(Progress::Skip(next, more))
            }
        }
    }

    fn end_body(&mut self, direction: Direction, body: Body, out: &mut dyn EventSink) {
        if direction == Direction::ToClient {
            self.exchanges.settled(body.call_status(), &self.memory.challenges, out);
        }
        if let Some((request, held)) = body.finish(self.exchanges.can_hold(), out) {
            self.exchanges.hold(request, held, out);
        }
    }

    fn find_footing(&mut self, input: Input<'_>, at: usize, out: &mut dyn EventSink) -> Step {
        let rest = input.bytes().get(at..).unwrap_or_default();
        let footing = match input.direction {
            Direction::ToServer => start::find_request(rest),
            Direction::ToClient => start::find_response(rest),
        };
        match footing {
            Footing::Found(here) => {
                skip(Skip::Gap, here, out);
                Step::On(at + here)
            }
            Footing::More(here) => {
                skip(Skip::Gap, here, out);
                self.become_state(input.direction, State::Lost);
                Step::Return(Progress::Continue(at + here))
            }
        }
    }

    /// Bytes of the client after it asked to become something else, before the answer. A client that goes
    /// on with requests was refused; one that begins something else was not (its answer was not captured).
    fn switching(&mut self, next: Next, input: Input<'_>, at: usize, out: &mut dyn EventSink) -> Step {
        let rest = input.bytes().get(at..).unwrap_or_default();
        if next == Next::Http2 && rest.starts_with(h2::PREFACE) {
            let exchange = self.exchanges.next(&self.memory.challenges, out);
            return self.become_http2(at, exchange, out);
        }
        let line = start::first_line(rest);
        let request = line.is_some_and(|(line, _)| start::request_line(line).is_some());
        if request {
            return Step::On(at);
        }
        let binary = rest.first().is_some_and(|b| !start::is_token(*b) && !matches!(b, b'\r' | b'\n'));
        if binary && rest.len() >= 3 || rest.len() >= limits::OPENING_BYTES {
            return Step::Return(Progress::Handoff(at, next));
        }
        self.become_state(input.direction, State::Switching(next));
        Step::Return(Progress::Continue(at))
    }
}

fn skip(reason: Skip, bytes: usize, out: &mut dyn EventSink) {
    if bytes > 0 {
        out.event(Event::Skipped { reason, bytes: bytes as u64 });
    }
}

/// Whether the bytes may begin a message.
fn plausible(direction: Direction, bytes: &[u8]) -> bool {
    match direction {
        Direction::ToServer => match bytes.iter().take(33).position(|b| !start::is_token(*b)) {
            Some(end) => end > 0 && bytes.get(end) == Some(&b' '),
            None => bytes.len() <= 32,
        },
        Direction::ToClient => b"HTTP/".starts_with(bytes.get(..5).unwrap_or(bytes)),
    }
}
