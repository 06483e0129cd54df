//! Answers: what they say of the login in their request, and what they carry.

use std::ops::Range;

use super::body::Body;
use super::envelope::{Envelope, Framing};
use super::exchange::{Answer, Method, Redirect};
use super::fields::{self, Origin};
use super::request::split_target;
use super::{Http, State, Step, head};
use crate::model::event::{EventSink, Outcome};
use crate::model::flow::Direction;
use crate::model::stream::Input;
use crate::proto::{Next, Progress};

const PLACE: &str = "http.response.header";

impl Http {
    /// An answer's head is complete.
    pub(super) fn response(
        &mut self,
        status: u16,
        input: Input<'_>,
        headers: Range<usize>,
        out: &mut dyn EventSink,
    ) -> Step {
        let next = headers.end;
        if (100..200).contains(&status) && status != 101 {
            return Step::On(next);
        }
        let exchange = self.exchanges.next(&self.challenges, out);
        let method = exchange.as_ref().map_or(Method::Unseen, |e| e.method);
        let resource = exchange.as_ref().map(|e| e.path.clone()).unwrap_or_default();
        let origin = Origin { resource: &resource, direction: Direction::ToClient, outcome: Outcome::Unknown };
        let mut envelope = Envelope::default();
        let mut answer = Answer { status, ..Answer::default() };
        let mut becomes = Next::Unknown;
        let block = input.bytes().get(headers.clone()).unwrap_or_default();
        let mut buffer = [0u8; 128];
        for header in head::headers(block) {
            let Some(lower) = fields::lower(&header, &mut buffer) else { continue };
            if envelope.note(lower, header.value) {
                continue;
            }
            let at = headers.start + header.at..headers.start + header.at + header.value.len();
            let span = input.span(at);
            match lower {
                b"www-authenticate" | b"proxy-authenticate" => self.challenges.asked(&header.unfolded(), span),
                b"set-cookie" | b"set-cookie2" => {
                    answer.cookie = true;
                    origin.set_cookie(header.value, span, out);
                }
                b"upgrade" if status == 101 => becomes = next_of(header.value),
                b"location" => {
                    answer.redirect = redirect(header.value, &resource);
                    origin.url(PLACE, "location", header.value, span, out);
                }
                _ => origin.header(PLACE, lower, &header, span, out),
            }
        }
        self.exchanges.answered(exchange, answer, &self.challenges, out);
        if status == 101 || method == Method::Connect && (200..300).contains(&status) {
            self.exchanges.end(&self.challenges, out);
            return Step::Return(Progress::Handoff(next, becomes));
        }
        if method == Method::Head || matches!(status, 204 | 304) {
            return Step::On(next);
        }
        let framing = envelope.of_response();
        let mut body = Body::new(envelope, framing, Direction::ToClient, resource, 0);
        body.doubtful = method == Method::Unseen;
        self.become_state(Direction::ToClient, State::Body(Box::new(body)));
        Step::On(next)
    }

    /// The answer to a request of HTTP/0.9 is nothing but content.
    pub(super) fn old_response(&mut self, at: usize, out: &mut dyn EventSink) -> Step {
        let exchange = self.exchanges.next(&self.challenges, out);
        let resource = exchange.as_ref().map(|e| e.path.clone()).unwrap_or_default();
        self.exchanges.answered(exchange, Answer { status: 200, ..Answer::default() }, &self.challenges, out);
        let body = Body::new(Envelope::default(), Framing::Close, Direction::ToClient, resource, 0);
        self.become_state(Direction::ToClient, State::Body(Box::new(body)));
        Step::On(at)
    }
}

/// What an `Upgrade` leads to.
pub(super) fn next_of(upgrade: &[u8]) -> Next {
    if upgrade.eq_ignore_ascii_case(b"websocket") { Next::WebSocket } else { Next::Unknown }
}

/// What a `Location` says about a login at `resource`.
fn redirect(location: &[u8], resource: &str) -> Redirect {
    let lower = location.to_ascii_lowercase();
    let (path, _) = split_target(&lower);
    let back = path == resource.to_ascii_lowercase().as_bytes()
        || [&b"login"[..], b"signin", b"sign-in", b"error", b"fail", b"denied", b"invalid"]
            .iter()
            .any(|word| memchr::memmem::find(&lower, word).is_some());
    if back { Redirect::Back } else { Redirect::Elsewhere }
}
