//! Requests: their targets, headers and credentials.

use std::net::Ipv4Addr;

use super::envelope::Envelope;
use super::exchange::{Exchange, Method};
use super::fields::{self, Origin};
use super::held::Held;
use super::names;
use super::response::next_of;
use super::start::RequestLine;
use crate::content::header::Header;
use crate::content::percent::{self, Plus};
use crate::model::event::{Event, EventSink, FieldKind, LinkFact, Outcome};
use crate::model::flow::Direction;
use crate::model::limits;
use crate::model::stream::Stretch;
use crate::proto::Next;
use crate::proto::authorization::{Challenges, Said};

const PLACE: &str = "http.request.header";
/// Longest path that is kept to name content by.
const RESOURCE_BYTES: usize = 512;

/// What a connection remembers from message to message.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) challenges: Challenges,
    /// The last `Host`.
    host: Vec<u8>,
}

/// What the head of a request says.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) exchange: Exchange,
    pub(super) envelope: Envelope,
    /// What the connection is to become.
    pub(super) switching: Option<Next>,
}

impl Memory {
    /// The head of a request: its line and its headers, both with their places in the data. With `may_hold`,
    /// a query that may be a login waits for the answer.
    pub(super) fn request<'h>(
        &mut self,
        line: &RequestLine<'_>,
        data: Stretch<'_>,
        headers: impl IntoIterator<Item = Header<'h>>,
        may_hold: bool,
        out: &mut dyn EventSink,
    ) -> Request {
        let target = line.target_at..line.target_at + line.target.len();
        let (path, query) = split_target(line.target);
        let resource = String::from_utf8_lossy(path.get(..RESOURCE_BYTES).unwrap_or(path)).into_owned();
        let method = match line.method {
            b"CONNECT" => Method::Connect,
            b"HEAD" => Method::Head,
            _ if line.old => Method::Old,
            _ => Method::Other,
        };
        let mut exchange = Exchange { method, ..Exchange::default() };
        let origin = Origin { resource: &resource, direction: Direction::ToServer, outcome: Outcome::Unknown };
        let before_query = line.target.len() - query.len();
        let named = method != Method::Connect && names::path_can_hold_secrets(path);
        if named || line.target.starts_with(b"http") && line.target.contains(&b'@') {
            let base = line.target.get(..before_query).unwrap_or(path).trim_ascii_end();
            let base = base.strip_suffix(b"?").unwrap_or(base);
            let kind = (FieldKind::Query, "http.request");
            let base = percent::decode(base, Plus::Plus);
            origin.field(kind, "path", &base, None, data.span(target.clone()), out);
        }
        if !query.is_empty() {
            let range = target.end - query.len()..target.end;
            let held = Held::query(data, range, &resource);
            if may_hold && query.len() <= limits::HELD_BYTES && names::hints_at_password(query) {
                exchange.held.push(held);
            } else {
                held.report(None, out);
            }
        }
        let proxied = method == Method::Connect || !matches!(line.target, [] | [b'/' | b'*', ..]);
        let mut envelope = Envelope::default();
        let mut switching = (method == Method::Connect).then_some(Next::Unknown);
        let mut buffer = [0u8; 128];
        for header in headers {
            let Some(lower) = fields::lower(&header, &mut buffer) else { continue };
            if envelope.note(lower, header.value) {
                continue;
            }
            let span = data.span(header.at..header.at + header.value.len());
            match lower {
                b"host" if !proxied => self.host(header.value, out),
                b"upgrade" => switching = Some(next_of(header.value)),
                b"cookie" => origin.cookies(header.value, data, header.at, out),
                b"referer" => origin.url(PLACE, "referer", header.value, span, out),
                b"authorization" | b"proxy-authorization" => {
                    let proxy = lower.starts_with(b"proxy");
                    match self.challenges.answered(&header.unfolded(), line.method, proxy, span) {
                        Said::Login(credentials) => exchange.credentials.push(credentials),
                        Said::Other => origin.header(PLACE, lower, &header, span, out),
                    }
                }
                _ => origin.header(PLACE, lower, &header, span, out),
            }
        }
        exchange.path = resource;
        Request { exchange, envelope, switching }
    }

    fn host(&mut self, value: &[u8], out: &mut dyn EventSink) {
        if value.is_empty() || self.host == value {
            return;
        }
        self.host = value.to_vec();
        let Ok(name) = std::str::from_utf8(value) else { return };
        // The port is not part of the name, and an address (in brackets if it is of IPv6) is none.
        let name = name.split(':').next().unwrap_or_default();
        if !name.is_empty() && !name.starts_with('[') && name.parse::<Ipv4Addr>().is_err() {
            out.event(Event::Link(LinkFact::ServerName(name)));
        }
    }
}

/// The path of a target, and its query. A target may be a whole URL (to a proxy).
pub(super) fn split_target(target: &[u8]) -> (&[u8], &[u8]) {
    let (before, query) = match memchr::memchr(b'?', target).and_then(|n| target.split_at_checked(n)) {
        Some((before, query)) => (before, query.strip_prefix(b"?").unwrap_or(query)),
        None => (target, &b""[..]),
    };
    let path = memchr::memmem::find(before, b"://").filter(|_| !before.starts_with(b"/")).map_or(before, |scheme| {
        let authority = before.get(scheme + 3..).unwrap_or_default();
        memchr::memchr(b'/', authority).and_then(|slash| authority.get(slash..)).unwrap_or(b"/")
    });
    (path, query)
}
