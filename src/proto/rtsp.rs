//! RTSP 1.0 and 2.0 (RFC 2326, RFC 7826): logins by the schemes of HTTP and in addresses, headers that nobody listed,
//! and what is described and set. Frames of media between the messages are passed over.

use std::collections::VecDeque;
use std::net::IpAddr;

use super::authorization::{Challenges, Credentials, Said};
use super::headed::{Body, Grammar, Head, Messages, Start, Step};
use super::login::HeldLogin;
use super::{Analyzer, Nature, Opening, Progress, Protocol, Verdict};
use crate::content::header::Header;
use crate::content::mime::Place;
use crate::content::percent::{self, Plus};
use crate::model::event::{Event, EventSink, Field, FieldKind, LinkFact, Outcome};
use crate::model::flow::{Direction, Transport};
use crate::model::limits::{self, Cap};
use crate::model::packet::Span;
use crate::model::secret::Secret;
use crate::model::stream::Input;

/// RTSP.
pub static PROTOCOL: Protocol = Protocol {
    name: "rtsp",
    transport: Transport::Tcp,
    ports: &[554, 8554],
    nature: Nature::Cleartext,
    probe,
    start: || Box::<Rtsp>::default(),
};

static GRAMMAR: Grammar = Grammar {
    version: b"RTSP/",
    targets: &[b"rtsp://", b"rtspu://", b"rtsps://", b"*", b"/"],
    place: Place { header: "rtsp.message.header", body: "rtsp.message" },
    frames: true,
};

/// Longest name of a header that is looked at.
const LONGEST_NAME: usize = 64;

/// Headers that steer the media, and say what the parties can do.
const ROUTINE: [&[u8]; 43] = [
    b"accept",
    b"accept-encoding",
    b"accept-language",
    b"accept-ranges",
    b"allow",
    b"bandwidth",
    b"blocksize",
    b"cache-control",
    b"conference",
    b"connection",
    b"content-base",
    b"content-language",
    b"content-location",
    b"cseq",
    b"date",
    b"expires",
    b"from",
    b"if-match",
    b"if-modified-since",
    b"last-modified",
    b"media-properties",
    b"media-range",
    b"mtag",
    b"notify-reason",
    b"pipelined-requests",
    b"proxy-require",
    b"proxy-supported",
    b"public",
    b"range",
    b"require",
    b"rtp-info",
    b"scale",
    b"seek-style",
    b"server",
    b"session",
    b"speed",
    b"supported",
    b"timestamp",
    b"transport",
    b"unsupported",
    b"user-agent",
    b"vary",
    b"via",
];

struct Rtsp {
    messages: Messages,
    challenges: Challenges,
    /// Requests with credentials that wait for their answers, oldest first.
    unanswered: VecDeque<Request>,
    /// The name of the server in the last address.
    name: Vec<u8>,
}

struct Request {
    /// Which one it is: `CSeq`.
    number: Option<u32>,
    /// It asks what the server can do, which most servers tell anybody.
    harmless: bool,
    credentials: Vec<Credentials>,
    /// A login in the address.
    address: Option<HeldLogin>,
}

impl Default for Rtsp {
    fn default() -> Self {
        Self {
            messages: Messages::new(&GRAMMAR, true),
            challenges: Challenges::default(),
            unanswered: VecDeque::new(),
            name: Vec::new(),
        }
    }
}

fn probe(opening: &Opening<'_>) -> Verdict {
    GRAMMAR.probe(opening)
}

impl Analyzer for Rtsp {
    fn data(&mut self, input: Input<'_>, out: &mut dyn EventSink) -> Progress {
        let mut at = 0;
        loop {
            match self.messages.next(input, &mut at, out) {
                Step::Head(head) => {
                    let body = self.head(&head, input, out);
                    self.messages.begin(&body, input, at, out);
                }
                Step::Rest(progress) => return progress,
            }
        }
    }

    fn gap(&mut self, direction: Direction, missing: u64, out: &mut dyn EventSink) {
        self.messages.gap(direction, missing, out);
    }

    fn end(&mut self, left: [Input<'_>; 2], out: &mut dyn EventSink) {
        for input in left {
            if let Some(head) = self.messages.end(input, out) {
                self.head(&head, input, out);
            }
        }
        while let Some(request) = self.unanswered.pop_front() {
            self.settle(&request, None, out);
        }
    }
}

impl Rtsp {
    /// Reads a head. Gives what it says of the body.
    fn head(&mut self, head: &Head<'_>, input: Input<'_>, out: &mut dyn EventSink) -> Body {
        let (method, target) = match head.start {
            Start::Request { method, target } => (method, target),
            Start::Answer(_) => (&b""[..], &b""[..]),
        };
        let direction = input.direction;
        let mut body = Body::default();
        let harmless = method == b"OPTIONS";
        let mut request = Request { number: None, harmless, credentials: Vec::new(), address: None };
        if let Some((login, host)) = authority(target) {
            self.host(host, direction, out);
            request.address = login.and_then(|login| in_address(login, input.span(head.line.clone())));
        }
        let mut buffer = [0; LONGEST_NAME];
        for header in head.headers() {
            let Some(name) = buffer.get_mut(..header.name.len()) else { continue };
            name.copy_from_slice(header.name);
            name.make_ascii_lowercase();
            let name = &*name;
            if body.note(name, header.value) {
                continue;
            }
            let span = input.span(header.at..header.at + header.value.len());
            match name {
                b"cseq" => request.number = std::str::from_utf8(header.value).ok().and_then(|n| n.parse().ok()),
                b"authorization" | b"proxy-authorization" => {
                    let proxy = name.starts_with(b"proxy");
                    match self.challenges.answered(&header.unfolded(), method, proxy, span) {
                        Said::Login(login) => request.credentials.push(login),
                        Said::Other => field(name, &header, direction, span, out),
                    }
                }
                b"www-authenticate" | b"proxy-authenticate" => self.challenges.asked(&header.unfolded(), span),
                _ if ROUTINE.contains(&name) => {}
                _ => field(name, &header, direction, span, out),
            }
        }
        match (head.start, direction) {
            (Start::Request { .. }, Direction::ToServer) => self.asked(request, out),
            (Start::Answer(status), Direction::ToClient) if status >= 200 => {
                self.answered(request.number, status, out);
            }
            _ => {}
        }
        body
    }

    fn asked(&mut self, request: Request, out: &mut dyn EventSink) {
        if request.credentials.is_empty() && request.address.is_none() {
            return;
        }
        if self.unanswered.len() >= limits::OUTSTANDING
            && let Some(oldest) = self.unanswered.pop_front()
        {
            out.beyond(Cap::Outstanding);
            self.settle(&oldest, None, out);
        }
        self.unanswered.push_back(request);
    }

    fn answered(&mut self, number: Option<u32>, status: u16, out: &mut dyn EventSink) {
        let position = self.unanswered.iter().position(|request| request.number == number);
        if let Some(request) = position.and_then(|position| self.unanswered.remove(position)) {
            self.settle(&request, Some(status), out);
        }
    }

    fn settle(&self, request: &Request, status: Option<u16>, out: &mut dyn EventSink) {
        let outcome = |proxy| match (status, proxy) {
            (Some(407), false) | (Some(401), true) => Outcome::Unknown,
            (Some(401 | 403 | 407), _) => Outcome::Rejected,
            (Some(200..=399), _) if !request.harmless => Outcome::Accepted,
            _ => Outcome::Unknown,
        };
        for credentials in &request.credentials {
            let field = match credentials.proxy {
                true => "rtsp.request.header.proxy-authorization",
                false => "rtsp.request.header.authorization",
            };
            let note = credentials.note(&self.challenges);
            credentials.login.report_with_note(field, outcome(credentials.proxy), note.as_deref(), out);
        }
        if let Some(login) = &request.address {
            // A server that answers did not have to look at it.
            login.report("rtsp.request.address", Outcome::Unknown, out);
        }
    }

    /// The server by its name.
    fn host(&mut self, host: &[u8], direction: Direction, out: &mut dyn EventSink) {
        if direction == Direction::ToClient || host == self.name {
            return;
        }
        self.name = host.to_vec();
        let Ok(name) = std::str::from_utf8(host) else { return };
        if !name.is_empty() && !name.starts_with('[') && name.parse::<IpAddr>().is_err() {
            out.event(Event::Link(LinkFact::ServerName(name)));
        }
    }
}

/// What is before the `@` of an address, and the host.
fn authority(target: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let after = memchr::memmem::find(target, b"://").and_then(|n| target.get(n + 3..))?;
    let after = after.split(|b| matches!(b, b'?' | b'#')).next()?;
    let end = memchr::memchr(b'/', after).unwrap_or(after.len());
    let (short, path) = after.split_at_checked(end)?;
    let colon = memchr::memchr(b':', short).filter(|_| !short.contains(&b'@') && !short.starts_with(b"["));
    let port = colon.is_none_or(|n| short.iter().skip(n + 1).all(u8::is_ascii_digit));
    // A password with a slash, as it was set in a camera.
    let end = match memchr::memchr(b'@', path).filter(|_| !port) {
        Some(at) => end + at + path.get(at..)?.iter().position(|b| *b == b'/').unwrap_or(path.len() - at),
        None => end,
    };
    let authority = after.get(..end)?;
    let (login, host) = match memchr::memrchr(b'@', authority).and_then(|at| authority.split_at_checked(at)) {
        Some((login, host)) => (Some(login), host.strip_prefix(b"@").unwrap_or(host)),
        None => (None, authority),
    };
    let name = if host.starts_with(b"[") { host } else { host.split(|b| *b == b':').next().unwrap_or(host) };
    Some((login, name))
}

/// `user:password` of an address.
fn in_address(login: &[u8], span: Span) -> Option<HeldLogin> {
    let (user, password) = login.split_at_checked(memchr::memchr(b':', login)?)?;
    let [user, password] = [user, password.strip_prefix(b":")?].map(|text| percent::decode(text, Plus::Plus));
    (!password.is_empty()).then(|| HeldLogin::clear("uri", Some(&user), &password, span))
}

/// A header that may hold anything.
fn field(name: &[u8], header: &Header<'_>, direction: Direction, span: Span, out: &mut dyn EventSink) {
    let value = header.unfolded();
    if value.len() < 2 {
        return;
    }
    out.event(Event::Field(Field {
        kind: FieldKind::Header,
        place: if direction == Direction::ToServer { "rtsp.request.header" } else { "rtsp.response.header" },
        name: &String::from_utf8_lossy(name),
        value: Secret::new(&value),
        resource: "",
        direction,
        account: None,
        outcome: Outcome::Unknown,
        span,
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::replay::{C, S, Turn, play, play_every_cut, play_with_gap};

    const OPTIONS: &[u8] = b"OPTIONS rtsp://cam.example:554/live RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: x\r\n\r\n";
    const PUBLIC: &[u8] = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: DESCRIBE, SETUP, PLAY\r\n\r\n";
    const BASIC: &[u8] =
        b"DESCRIBE rtsp://cam.example:554/live RTSP/1.0\r\nCSeq: 3\r\nAuthorization: Basic YWRtaW46S3g5MnZUcQ==\r\n\r\n";
    const DIGEST: &[u8] = b"DESCRIBE rtsp://cam.example/live RTSP/1.0\r\nCSeq: 3\r\nAuthorization: Digest \
        username=\"admin\", realm=\"cam\", nonce=\"8a1f\", uri=\"rtsp://cam.example/live\", response=\"f00d\"\r\n\r\n";
    const OK: &[u8] = b"RTSP/1.0 200 OK\r\nCSeq: 3\r\nContent-Type: application/sdp\r\nContent-Length: 22\r\n\r\n\
        v=0\r\nk=clear:Zp81wRs\r\n";
    const NO: &[u8] =
        b"RTSP/1.0 401 Unauthorized\r\nCSeq: 3\r\nWWW-Authenticate: Basic realm=\"cam\"\r\nContent-Length: 0\r\n\r\n";

    #[test]
    fn a_login_gets_the_servers_verdict() {
        let said = play_every_cut(&PROTOCOL, &[(C, OPTIONS), (S, PUBLIC), (C, BASIC), (S, OK)]);
        assert!(said.has("login basic admin:Kx92vTq accepted @rtsp.request.header.authorization"), "{said:?}");
        assert!(said.has("text rtsp.message Plain  v=0\r\nk=clear:Zp81wRs\r\n"), "{said:?}");
        assert!(said.has("link ServerName(\"cam.example\")"), "{said:?}");
        let said = play_every_cut(&PROTOCOL, &[(C, OPTIONS), (S, PUBLIC), (C, DIGEST), (S, NO)]);
        let line = "$response$f00d$admin$cam$DESCRIBE$rtsp://cam.example/live$8a1f";
        let login = format!("login digest admin:{line} rejected @rtsp.request.header.authorization");
        assert_eq!(said.all("login"), [login]);
    }

    #[test]
    fn what_anybody_is_told_proves_nothing() {
        let asked = [b"OPTIONS * RTSP/1.0\r\n", BASIC.split_at(47).1].concat();
        let said = play_every_cut(&PROTOCOL, &[(C, &asked), (S, OK)]);
        assert!(said.has("login basic admin:Kx92vTq unknown @rtsp.request.header.authorization"), "{said:?}");
    }

    #[test]
    fn frames_of_media_are_passed_over() {
        let frame = [&b"$\0\x02\x58"[..], &[0x80; 600]].concat();
        let down = [&frame[..], PUBLIC, &frame, &frame, OK].concat();
        let turns: [Turn<'_>; 4] = [(C, OPTIONS), (C, &frame), (C, BASIC), (S, &down)];
        let said = play_every_cut(&PROTOCOL, &turns);
        assert!(said.has("login basic admin:Kx92vTq accepted @rtsp.request.header.authorization"), "{said:?}");
        assert!(said.has("skipped binary content 2416"), "{said:?}");
        // The start of a frame was not captured.
        let said = play_with_gap(&[(C, OPTIONS), (S, &frame[..100]), (S, &frame[100..]), (C, BASIC), (S, OK)], 1);
        assert!(said.has("login basic admin:Kx92vTq accepted @rtsp.request.header.authorization"), "{said:?}");
    }

    #[test]
    fn addresses_may_have_a_login() {
        let asked = b"DESCRIBE rtsp://admin:Kx%4092v/Tq@10.0.0.9:554/live?x=a@b RTSP/1.0\r\nCSeq: 3\r\n\r\n";
        let said = play_every_cut(&PROTOCOL, &[(C, asked), (S, OK)]);
        assert!(said.has("login uri admin:Kx@92v/Tq unknown @rtsp.request.address"), "{said:?}");
        assert_eq!(authority(b"rtsp://10.0.0.9:554/a@b"), Some((None, &b"10.0.0.9"[..])));
        assert_eq!(authority(b"rtsp://[::1]:554/a"), Some((None, &b"[::1]:554"[..])));
        assert_eq!(authority(b"*"), None);
    }

    #[test]
    fn the_protocols_that_look_like_it_are_others() {
        for other in
            [&b"OPTIONS * HTTP/1.1\r\n\r\n"[..], b"OPTIONS sip:a@b SIP/2.0\r\n\r\n", b"GET /rtsp HTTP/1.0\r\n\r\n"]
        {
            assert!(!play(&[(C, other)]).protocols.contains(&"rtsp"), "{other:?}");
        }
    }
}
