//! Requests that wait for their answers, and what the answers say of them.

use std::collections::VecDeque;
use std::mem;

use super::held::Held;
use crate::model::event::{EventSink, Outcome};
use crate::model::limits;
use crate::proto::authorization::{Challenges, Credentials};

/// What about a request decides how its answer is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Method {
    Connect,
    /// `GET` of HTTP/0.9.
    Old,
    Head,
    #[default]
    Other,
    /// The request was not captured.
    Unseen,
}

/// A request on its way to its answer.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    pub(super) number: u64,
    pub(super) method: Method,
    /// Path of the target, without the query.
    pub(super) path: String,
    pub(super) credentials: Vec<Credentials>,
    /// Content that waits for the outcome.
    pub(super) held: Vec<Held>,
    /// Its answer seems to have come before it: see [`Exchanges::asked`].
    pub(super) doubtful: bool,
}

/// What of an answer says how a login went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// It sets a cookie.
    pub(super) cookie: bool,
    pub(super) redirect: Redirect,
}

/// Where an answer sends the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Redirect {
    /// Back to a login page, or to one that speaks of an error.
    Back,
    Elsewhere,
    #[default]
    Nowhere,
}

impl Answer {
    /// How credentials in a header fared (RFC 9110 section 11.4).
    fn of_header(self, proxy: bool) -> Outcome {
        match (self.status, proxy) {
            (407, false) | (401, true) => Outcome::Unknown,
            (401 | 403 | 407, _) => Outcome::Rejected,
            (101 | 200..=399, _) => Outcome::Accepted,
            _ => Outcome::Unknown,
        }
    }

    /// How a login in a form fared. A form that failed often comes back with 200.
    pub(super) const fn of_form(self) -> Outcome {
        match (self.status, self.redirect) {
            (401 | 403, _) => Outcome::Rejected,
            (200..=399, Redirect::Back) => Outcome::Unknown,
            (200..=399, Redirect::Elsewhere) => Outcome::Accepted,
            (200..=399, Redirect::Nowhere) if self.cookie => Outcome::Accepted,
            _ => Outcome::Unknown,
        }
    }

    /// How a login in a message to an interface fared: those use the status.
    pub(super) const fn of_message(self) -> Outcome {
        match self.status {
            401 | 403 => Outcome::Rejected,
            200..=299 => Outcome::Accepted,
            _ => self.of_form(),
        }
    }
}

/// The requests of one connection that are not answered yet, in order.
#[derive(Debug, Default)]
pub(super) struct Exchanges {
    waiting: VecDeque<Exchange>,
    asked: u64,
    /// An answer that came when nothing was waiting for one.
    early: Option<Answer>,
    /// The request answered last, whose content may still be on its way.
    answered: Option<(u64, Answer)>,
    /// A request whose answer has begun, and says how it went behind its content.
    unsettled: Option<(Exchange, Answer)>,
    /// Answers are missing: the next one is for the last request that waits.
    lost_answers: bool,
}

impl Exchanges {
    /// A request begins. Gives its number.
    ///
    /// An answer that comes before any request is either the end of a conversation that began before
    /// the capture, or the request's packet was captured late. The next request is doubtful then: if
    /// another one follows before an answer does, the early answer was its own.
    pub(super) fn asked(&mut self, mut exchange: Exchange, challenges: &Challenges, out: &mut dyn EventSink) -> u64 {
        self.asked += 1;
        exchange.number = self.asked;
        if self.waiting.front().is_some_and(|first| first.doubtful) {
            self.settle_doubtful(challenges, out);
        }
        exchange.doubtful = self.early.is_some() && self.waiting.is_empty();
        if self.waiting.len() >= limits::OUTSTANDING
            && let Some(oldest) = self.waiting.pop_front()
        {
            out.beyond(limits::Cap::Outstanding);
            settle(oldest, None, challenges, out);
        }
        if self.waiting.is_empty() {
            // Few connections pipeline, and many wait for long.
            self.waiting.reserve_exact(1);
        }
        self.waiting.push_back(exchange);
        self.asked
    }

    /// Whether content may be held for its answer: few requests wait.
    pub(super) fn can_hold(&self) -> bool {
        self.waiting.len() <= limits::HELD_REQUESTS
    }

    /// The request an answer is for, as far as it was seen.
    pub(super) fn next(&mut self, challenges: &Challenges, out: &mut dyn EventSink) -> Option<Exchange> {
        if mem::take(&mut self.lost_answers) {
            while self.waiting.len() > 1 {
                if let Some(unanswered) = self.waiting.pop_front() {
                    settle(unanswered, None, challenges, out);
                }
            }
        }
        self.waiting.pop_front()
    }

    /// The oldest request that waits.
    pub(super) fn front(&self) -> Option<&Exchange> {
        self.waiting.front()
    }

    /// An answer's head is complete.
    pub(super) fn answered(
        &mut self,
        exchange: Option<Exchange>,
        answer: Answer,
        challenges: &Challenges,
        out: &mut dyn EventSink,
    ) {
        let Some(exchange) = exchange else {
            self.early = Some(answer);
            return;
        };
        if exchange.doubtful {
            self.early = None;
        }
        self.answered = Some((exchange.number, answer));
        settle(exchange, Some(answer), challenges, out);
    }

    /// An answer's head is complete, and the answer says how the request went behind its content.
    pub(super) fn answering(&mut self, exchange: Option<Exchange>, answer: Answer) {
        self.unsettled = exchange.map(|exchange| (exchange, answer));
    }

    /// An answer's content is complete, and said so of how the request went.
    pub(super) fn settled(&mut self, status: Option<u16>, challenges: &Challenges, out: &mut dyn EventSink) {
        if let Some((exchange, mut answer)) = self.unsettled.take() {
            answer.call(status);
            self.answered(Some(exchange), answer, challenges, out);
        }
    }

    /// Content of the request of this number is complete and should wait for the outcome.
    pub(super) fn hold(&mut self, number: u64, held: Held, out: &mut dyn EventSink) {
        let unsettled = self.unsettled.as_mut().map(|(exchange, _)| exchange);
        if let Some(exchange) = self.waiting.iter_mut().rev().chain(unsettled).find(|e| e.number == number) {
            exchange.held.push(held);
            return;
        }
        let answer = self.answered.filter(|(answered, _)| *answered == number).map(|(_, answer)| answer);
        held.report(answer, out);
    }

    /// Requests are missing.
    pub(super) fn lost_request(&mut self) {
        if self.waiting.len() < limits::OUTSTANDING {
            self.waiting.push_back(Exchange { method: Method::Unseen, ..Exchange::default() });
        }
    }

    /// Answers are missing.
    pub(super) const fn lost_answer(&mut self) {
        self.lost_answers = true;
    }

    /// No more answers will come.
    pub(super) fn end(&mut self, challenges: &Challenges, out: &mut dyn EventSink) {
        self.settled(None, challenges, out);
        if self.waiting.front().is_some_and(|first| first.doubtful) {
            self.settle_doubtful(challenges, out);
        }
        for exchange in mem::take(&mut self.waiting) {
            settle(exchange, None, challenges, out);
        }
    }

    fn settle_doubtful(&mut self, challenges: &Challenges, out: &mut dyn EventSink) {
        let early = self.early.take();
        if let Some(exchange) = self.waiting.pop_front() {
            self.answered = early.map(|answer| (exchange.number, answer));
            settle(exchange, early, challenges, out);
        }
    }
}

/// Reports what waited for the answer.
pub(super) fn settle(exchange: Exchange, answer: Option<Answer>, challenges: &Challenges, out: &mut dyn EventSink) {
    for credentials in &exchange.credentials {
        let outcome = answer.map_or(Outcome::Unknown, |a| a.of_header(credentials.proxy));
        let note = credentials.note(challenges);
        credentials.login.report_with_note(field(credentials), outcome, note.as_deref(), out);
    }
    for held in exchange.held {
        held.report(answer, out);
    }
}

/// The header credentials stood in.
const fn field(credentials: &Credentials) -> &'static str {
    if credentials.proxy { "http.request.header.proxy-authorization" } else { "http.request.header.authorization" }
}
