//! Answers: what they say of the login in their request, and what they carry.

use super::envelope::Envelope;
use super::exchange::{Answer, Redirect};
use super::fields::{self, Origin};
use super::request::{Memory, split_target};
use super::rpc;
use crate::content::header::Header;
use crate::content::media::Media;
use crate::model::event::{EventSink, Outcome};
use crate::model::flow::Direction;
use crate::model::stream::Stretch;
use crate::proto::Next;

const PLACE: &str = "http.response.header";

/// What the head of an answer says.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) answer: Answer,
    pub(super) envelope: Envelope,
    /// What the connection becomes, if its status says that it does.
    pub(super) becomes: Next,
    /// It is the answer to a call, and how that went is said behind its content.
    pub(super) unsettled: bool,
}

impl Memory {
    /// The head of an answer to a request for `resource`: its headers have their places in the data.
    pub(super) fn response<'h>(
        &mut self,
        status: u16,
        resource: &str,
        data: Stretch<'_>,
        headers: impl IntoIterator<Item = Header<'h>>,
        out: &mut dyn EventSink,
    ) -> Response {
        let origin = Origin { resource, direction: Direction::ToClient, outcome: Outcome::Unknown };
        let mut envelope = Envelope::default();
        let mut answer = Answer { status, ..Answer::default() };
        let mut becomes = Next::Unknown;
        let mut call = None;
        let mut buffer = [0u8; 128];
        for header in headers {
            let Some(lower) = fields::lower(&header, &mut buffer) else { continue };
            if envelope.note(lower, header.value) {
                continue;
            }
            let span = data.span(header.at..header.at + header.value.len());
            match lower {
                b"www-authenticate" | b"proxy-authenticate" => self.challenges.asked(&header.unfolded(), span),
                b"set-cookie" | b"set-cookie2" => {
                    answer.cookie = true;
                    origin.set_cookie(header.value, span, out);
                }
                b"upgrade" if status == 101 => becomes = next_of(header.value),
                b"grpc-status" => call = rpc::status(header.value),
                b"location" => {
                    answer.redirect = redirect(header.value, resource);
                    origin.url(PLACE, "location", header.value, span, out);
                }
                _ => origin.header(PLACE, lower, &header, span, out),
            }
        }
        answer.call(call);
        let unsettled = call.is_none() && matches!(envelope.media, Some(Media::Rpc { .. }));
        Response { answer, envelope, becomes, unsettled }
    }
}

impl Memory {
    /// Headers that stand behind content. What they say of how a call went, as a status of HTTP.
    pub(super) fn trailers<'h>(
        &self,
        direction: Direction,
        resource: &str,
        data: Stretch<'_>,
        headers: impl IntoIterator<Item = Header<'h>>,
        out: &mut dyn EventSink,
    ) -> Option<u16> {
        let origin = Origin { resource, direction, outcome: Outcome::Unknown };
        let place = if direction == Direction::ToServer { "http.request.header" } else { PLACE };
        let mut call = None;
        let mut buffer = [0u8; 128];
        for header in headers {
            let Some(lower) = fields::lower(&header, &mut buffer) else { continue };
            let span = data.span(header.at..header.at + header.value.len());
            match lower {
                b"grpc-status" => call = rpc::status(header.value),
                _ => origin.header(place, lower, &header, span, out),
            }
        }
        call
    }
}

/// What an `Upgrade` leads to.
pub(super) fn next_of(upgrade: &[u8]) -> Next {
    match () {
        () if upgrade.eq_ignore_ascii_case(b"websocket") => Next::WebSocket,
        () if upgrade.eq_ignore_ascii_case(b"h2c") => Next::Http2,
        () => Next::Unknown,
    }
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
