//! Drives one flow: keeps its opening until a protocol is recognised, then feeds that protocol's
//! analyzer, keeps what it leaves over, and follows it into TLS or a tunnel. Pure: no threads, no I/O.

use std::mem;

use super::classify::{self, Decision};
use super::{Analyzer, Nature, Next, Opening, PROTOCOLS, Progress, Protocol, http, text, websocket};
use crate::model::digest::Digest;
use crate::model::event::{Event, EventSink, LinkFact, Skip};
use crate::model::flow::{Direction, Flow, Roles, Transport};
use crate::model::limits;
use crate::model::link::Encryption;
use crate::model::stream::{Gathered, Input, Stretch};

/// Longest datagram that says nothing and is there for the tables of firewalls (RFC 5626, section 3.5.1).
const KEEP_ALIVE: usize = 4;

/// Takes what is said of a flow, with the protocol that said it.
pub trait SessionSink {
    /// One event. `flow` has its roles as the classifier sees them by now.
    fn event(&mut self, flow: &Flow, protocol: &'static Protocol, event: Event<'_>);
    /// The flow's protocol is now known to be this one (again after an upgrade).
    fn recognised(&mut self, flow: &Flow, protocol: &'static Protocol);
    /// See [`EventSink::recalls`].
    fn recalls(&mut self, _flow: &Flow, _protocol: &'static Protocol, _content: &Digest, _coded: Stretch<'_>) -> bool {
        false
    }
    /// See [`EventSink::most_of_body`].
    fn most_of_body(&self) -> u64 {
        limits::BODY_TOTAL_BYTES as u64
    }
    /// See [`EventSink::learn`].
    fn learn(&mut self, _content: Digest, _coded: Stretch<'_>) {}
}

/// One flow on its way from opening to end.
pub struct Session {
    flow: Flow,
    midstream: bool,
    /// Client and server are the other way round than the flow table believed.
    swapped: bool,
    state: State,
    /// What is kept of each direction, in the analyzer's view.
    sides: Sides,
    /// How many more bytes of each direction nobody wants.
    unwanted: [u64; 2],
    refused: Vec<&'static str>,
    /// The connection began in the clear: TLS that follows is an upgrade.
    was_clear: bool,
    /// What the protocol recognised last is like.
    nature: Nature,
}

enum State {
    /// The order in which the kept bytes came, as (direction, length), so that an analyzer gets them
    /// as they were captured.
    Opening(Vec<(Direction, usize)>),
    Running {
        protocol: &'static Protocol,
        analyzer: Box<dyn Analyzer>,
        /// The opening, kept until the first event confirms the protocol.
        replay: Option<Box<Replay>>,
        /// Whether the analyzer has said anything yet.
        spoke: bool,
    },
    Done,
}

#[derive(Default)]
struct Replay {
    order: Vec<(Direction, usize)>,
    sides: Sides,
}

/// What is kept of each direction. Of most flows nothing is, most of the time: it takes no room then.
#[derive(Default)]
struct Sides(Option<Box<[Gathered; 2]>>);

impl Session {
    /// A flow of which nothing was seen so far.
    pub fn new(flow: Flow, midstream: bool) -> Self {
        Self {
            flow,
            midstream,
            swapped: false,
            state: State::Opening(Vec::new()),
            sides: Sides::default(),
            unwanted: [0; 2],
            refused: Vec::new(),
            was_clear: false,
            nature: Nature::Unknown,
        }
    }

    /// The flow, with its roles as known by now.
    pub const fn flow(&self) -> &Flow {
        &self.flow
    }

    /// How many of the next bytes of a direction (the flow table's view) are of no interest;
    /// `u64::MAX` for all that will ever come.
    pub fn unwanted(&self, direction: Direction) -> u64 {
        match self.state {
            State::Done => u64::MAX,
            _ => self.unwanted.get(self.view(direction).index()).copied().unwrap_or(0),
        }
    }

    /// The next bytes of a direction, as the flow table sees the direction. One datagram for UDP.
    pub fn data(&mut self, direction: Direction, piece: Stretch<'_>, out: &mut dyn SessionSink) {
        let direction = self.view(direction);
        let Some(unwanted) = self.unwanted.get_mut(direction.index()) else { return };
        let dropped = (*unwanted).min(piece.bytes.len() as u64) as usize;
        *unwanted -= dropped as u64;
        if dropped == 0 {
            self.wanted(direction, piece, out);
        } else if dropped < piece.bytes.len() {
            let mut rest = Gathered::default();
            rest.push_part(piece, dropped..piece.bytes.len());
            self.wanted(direction, rest.stretch(), out);
        }
    }

    /// `missing` bytes of a direction were not captured, or (`unwanted` bytes) were not delivered.
    pub fn gap(&mut self, direction: Direction, missing: u64, out: &mut dyn SessionSink) {
        let direction = self.view(direction);
        let Some(unwanted) = self.unwanted.get_mut(direction.index()) else { return };
        let within = (*unwanted).min(missing);
        *unwanted -= within;
        let missing = missing - within;
        if missing == 0 {
            return;
        }
        if matches!(self.state, State::Opening(_)) {
            self.classify(true, out);
        }
        let Self { flow, state, sides, .. } = self;
        if let State::Running { protocol, analyzer, .. } = state {
            let mut sink = Tagged { flow, protocol, out, spoke: false };
            let left = sides.take(direction);
            if !left.is_empty() {
                sink.event(Event::Skipped { reason: Skip::Gap, bytes: left.len() as u64 });
            }
            analyzer.gap(direction, missing, &mut sink);
        }
    }

    /// Nothing more will come in either direction.
    pub fn end(&mut self, out: &mut dyn SessionSink) {
        if matches!(self.state, State::Opening(_)) {
            self.classify(true, out);
        }
        if let State::Running { protocol, mut analyzer, .. } = mem::replace(&mut self.state, State::Done) {
            let left = Direction::BOTH.map(|direction| Input { direction, data: self.sides.stretch(direction) });
            analyzer.end(left, &mut Tagged { flow: &self.flow, protocol, out, spoke: false });
        }
        self.sides = Sides::default();
    }

    /// Why the bytes of a flow nobody looks at any more are skipped.
    pub const fn skip_reason(&self) -> Skip {
        match self.nature {
            Nature::Tls | Nature::Ssh => Skip::Encrypted,
            Nature::Cleartext | Nature::Unknown => Skip::UnknownProtocol,
        }
    }

    /// Looks at nothing more of this flow.
    pub fn give_up(&mut self) {
        self.state = State::Done;
        self.sides = Sides::default();
    }

    /// A direction of the flow table as the analyzer sees it.
    pub const fn view(&self, direction: Direction) -> Direction {
        if self.swapped { direction.reverse() } else { direction }
    }

    fn wanted(&mut self, direction: Direction, piece: Stretch<'_>, out: &mut dyn SessionSink) {
        match &mut self.state {
            State::Opening(order) => {
                note(order, &self.flow, direction, piece.bytes.len());
                self.sides.keep(direction).push_stretch(piece);
                // A datagram decides alone, unless all it does is to keep the flow alive.
                let silent =
                    piece.bytes.len() <= KEEP_ALIVE && piece.bytes.iter().all(|b| matches!(b, b'\0' | b'\r' | b'\n'));
                let datagram = self.flow.transport.is_datagram();
                self.classify(datagram && !silent, out);
            }
            State::Running { .. } => {
                if self.feed(direction, piece, out)
                    && let State::Running { protocol, replay, .. } = mem::replace(&mut self.state, State::Done)
                {
                    self.refuse(protocol, replay.map(|replay| *replay), out);
                }
            }
            State::Done => {}
        }
    }

    /// Tries to recognise the protocol of what is kept; with `last_call`, nothing more will come.
    fn classify(&mut self, last_call: bool, out: &mut dyn SessionSink) {
        let [to_server, to_client] = Direction::BOTH.map(|direction| self.sides.stretch(direction).bytes);
        if to_server.is_empty() && to_client.is_empty() {
            return;
        }
        let opening = Opening {
            to_server,
            to_client,
            server_port: self.flow.server.port,
            midstream: self.midstream,
            ended: last_call,
        };
        let may_swap = self.flow.roles == Roles::Guessed && !self.was_clear;
        match classify::decide(self.flow.transport, &opening, may_swap, &self.refused) {
            Decision::Is { protocol, swapped } => {
                if swapped {
                    self.swap();
                }
                self.begin(protocol, None, out);
            }
            Decision::Unknown => self.begin(&text::PROTOCOL, None, out),
            Decision::Wait => {}
        }
    }

    fn swap(&mut self) {
        self.swapped = !self.swapped;
        self.flow = self.flow.swapped();
        self.sides.swap();
        self.unwanted.swap(0, 1);
        if let State::Opening(order) = &mut self.state {
            for (direction, _) in order {
                *direction = direction.reverse();
            }
        }
    }

    /// Starts a protocol's analyzer, or takes this one, and gives it the kept bytes in the order they came.
    fn begin(&mut self, protocol: &'static Protocol, heir: Option<Box<dyn Analyzer>>, out: &mut dyn SessionSink) {
        let order = match mem::replace(&mut self.state, State::Done) {
            State::Opening(order) => order,
            State::Running { .. } | State::Done => Vec::new(),
        };
        self.nature = protocol.nature;
        out.recognised(&self.flow, protocol);
        let encryption = match protocol.nature {
            Nature::Cleartext => Some(Encryption::None),
            Nature::Tls if self.was_clear => Some(Encryption::Upgraded),
            Nature::Tls => Some(Encryption::Tls),
            Nature::Ssh => Some(Encryption::Ssh),
            Nature::Unknown => None,
        };
        if let Some(encryption) = encryption {
            out.event(&self.flow, protocol, Event::Link(LinkFact::Encrypted(encryption)));
        }
        let was_clear = self.was_clear;
        self.was_clear |= protocol.nature == Nature::Cleartext;
        let opening = Replay { order, sides: mem::take(&mut self.sides) };
        let analyzer = heir.unwrap_or_else(protocol.start);
        self.state = State::Running { protocol, analyzer, replay: None, spoke: false };
        if self.play(&opening, out) {
            self.was_clear = was_clear;
            self.refuse(protocol, Some(opening), out);
        } else if let State::Running { protocol: now, replay, spoke: false, .. } = &mut self.state
            && std::ptr::eq(*now, protocol)
            && protocol.nature != Nature::Unknown
        {
            *replay = Some(Box::new(opening));
        }
    }

    /// Feeds kept bytes piece by piece, to whatever analyzer is running by then. Says whether the first
    /// of them refused.
    fn play(&mut self, opening: &Replay, out: &mut dyn SessionSink) -> bool {
        let mut from = [0usize; 2];
        for &(direction, length) in &opening.order {
            let Some(start) = from.get_mut(direction.index()) else { break };
            let mut piece = Gathered::default();
            piece.push_part(opening.sides.stretch(direction), *start..*start + length);
            *start += length;
            match &mut self.state {
                State::Done => break,
                State::Opening(_) => self.wanted(direction, piece.stretch(), out),
                State::Running { .. } => {
                    if self.feed(direction, piece.stretch(), out) {
                        return true;
                    }
                }
            }
        }
        false
    }

    /// Gives bytes to the running analyzer, after those it left over before. Says whether the
    /// analyzer refused the flow, which is for the caller to act on.
    fn feed(&mut self, direction: Direction, piece: Stretch<'_>, out: &mut dyn SessionSink) -> bool {
        let Self { flow, state, sides, .. } = self;
        let State::Running { protocol, analyzer, replay, spoke } = state else { return false };
        let mut sink = Tagged { flow, protocol, out, spoke: false };
        let fresh = sides.is_empty(direction);
        let progress = if fresh {
            analyzer.data(Input { direction, data: piece }, &mut sink)
        } else {
            sides.keep(direction).push_stretch(piece);
            analyzer.data(Input { direction, data: sides.stretch(direction) }, &mut sink)
        };
        *spoke |= sink.spoke;
        if *spoke {
            *replay = None;
        } else if let Some(kept) = replay {
            kept.push(flow, direction, piece);
            if Direction::BOTH.iter().any(|side| kept.sides.stretch(*side).bytes.len() > limits::OPENING_BYTES) {
                *replay = None;
            }
        }
        let consumed = match progress {
            Progress::Continue(consumed) | Progress::Skip(consumed, _) | Progress::Handoff(consumed, _) => consumed,
            Progress::NotMine => return true,
            Progress::Stop => {
                self.give_up();
                return false;
            }
        };
        if !fresh {
            sides.keep(direction).consume(consumed);
        } else if consumed < piece.bytes.len() {
            sides.keep(direction).push_part(piece, consumed..piece.bytes.len());
        }
        match progress {
            Progress::Skip(_, more) => self.pass_over(direction, more, out),
            Progress::Handoff(_, next) => {
                self.hand_over(direction, next, out);
                false
            }
            _ if flow.transport.is_datagram() => {
                sides.take(direction);
                false
            }
            _ => {
                if sides.stretch(direction).bytes.len() > limits::PENDING_BYTES {
                    let lost = sides.take(direction).len() as u64;
                    let mut sink = Tagged { flow, protocol, out, spoke: false };
                    sink.event(Event::Skipped { reason: Skip::Limit, bytes: lost });
                    analyzer.gap(direction, lost, &mut sink);
                }
                false
            }
        }
    }

    /// Notes that the next `more` bytes are unwanted, beginning with those that are here already.
    fn pass_over(&mut self, direction: Direction, more: u64, out: &mut dyn SessionSink) -> bool {
        let Some(unwanted) = self.unwanted.get_mut(direction.index()) else { return false };
        let mut rest = self.sides.take(direction);
        let here = more.min(rest.len() as u64);
        rest.consume(here as usize);
        *unwanted = more - here;
        if rest.is_empty() {
            return false;
        }
        self.feed(direction, rest.stretch(), out)
    }

    /// The rest of both directions is another protocol.
    fn hand_over(&mut self, last: Direction, next: Next, out: &mut dyn SessionSink) {
        let order = [last.reverse(), last]
            .into_iter()
            .map(|direction| (direction, self.sides.stretch(direction).bytes.len()))
            .filter(|(_, length)| *length > 0)
            .collect();
        let heir = match mem::replace(&mut self.state, State::Opening(order)) {
            State::Running { mut analyzer, .. } => analyzer.heir(),
            State::Opening(_) | State::Done => None,
        };
        self.refused.clear();
        self.midstream = false;
        match next {
            Next::Tls => {
                let Some(tls) = PROTOCOLS.iter().find(|p| p.nature == Nature::Tls) else { return };
                self.begin(tls, heir, out);
            }
            Next::Http2 => self.begin(&http::h2::PROTOCOL, heir, out),
            Next::WebSocket => self.begin(&websocket::PROTOCOL, heir, out),
            Next::Unknown => self.classify(false, out),
        }
    }

    /// The analyzer took the flow for its own by mistake: the next candidate gets its opening.
    fn refuse(&mut self, protocol: &'static Protocol, opening: Option<Replay>, out: &mut dyn SessionSink) {
        self.refused.push(protocol.name);
        self.sides = Sides::default();
        self.state = State::Done;
        if let Some(Replay { order, sides }) = opening {
            self.sides = sides;
            self.state = State::Opening(order);
            self.classify(true, out);
        }
    }
}

impl Replay {
    fn push(&mut self, flow: &Flow, direction: Direction, piece: Stretch<'_>) {
        note(&mut self.order, flow, direction, piece.bytes.len());
        self.sides.keep(direction).push_stretch(piece);
    }
}

/// Notes in which order bytes came. Of a stream it is of no matter how they were cut.
fn note(order: &mut Vec<(Direction, usize)>, flow: &Flow, direction: Direction, length: usize) {
    match order.last_mut() {
        Some((last, before)) if *last == direction && flow.transport == Transport::Tcp => *before += length,
        _ => order.push((direction, length)),
    }
}

impl Sides {
    fn stretch(&self, direction: Direction) -> Stretch<'_> {
        let side = self.0.as_ref().and_then(|sides| sides.get(direction.index()));
        side.map_or(Stretch { bytes: &[], origins: &[] }, Gathered::stretch)
    }

    fn is_empty(&self, direction: Direction) -> bool {
        self.stretch(direction).bytes.is_empty()
    }

    /// What more is to be kept goes there.
    fn keep(&mut self, direction: Direction) -> &mut Gathered {
        let [to_server, to_client] = self.0.get_or_insert_default().as_mut();
        match direction {
            Direction::ToServer => to_server,
            Direction::ToClient => to_client,
        }
    }

    /// What was kept of a direction, and is not any longer.
    fn take(&mut self, direction: Direction) -> Gathered {
        if self.is_empty(direction) { Gathered::default() } else { mem::take(self.keep(direction)) }
    }

    fn swap(&mut self) {
        if let Some(sides) = &mut self.0 {
            sides.reverse();
        }
    }
}

/// Adds flow and protocol to what an analyzer says, and notes whether it said anything.
struct Tagged<'a> {
    flow: &'a Flow,
    protocol: &'static Protocol,
    out: &'a mut dyn SessionSink,
    spoke: bool,
}

impl EventSink for Tagged<'_> {
    fn event(&mut self, event: Event<'_>) {
        self.spoke = true;
        self.out.event(self.flow, self.protocol, event);
    }

    fn recalls(&mut self, content: &Digest, coded: Stretch<'_>) -> bool {
        let known = self.out.recalls(self.flow, self.protocol, content, coded);
        self.spoke |= known;
        known
    }

    fn most_of_body(&self) -> u64 {
        self.out.most_of_body()
    }

    fn learn(&mut self, content: Digest, coded: Stretch<'_>) {
        self.out.learn(content, coded);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::flow::{Endpoint, FlowId, Transport};
    use crate::model::packet::Mark;
    use crate::model::stream::Origin;

    #[derive(Default)]
    struct Heard {
        protocols: Vec<&'static str>,
        clients: Vec<u16>,
        texts: Vec<u8>,
        skipped: u64,
    }

    impl SessionSink for Heard {
        fn event(&mut self, flow: &Flow, _protocol: &'static Protocol, event: Event<'_>) {
            self.clients.push(flow.client.port);
            match event {
                Event::Text(text) => self.texts.extend_from_slice(text.data.bytes),
                Event::Skipped { bytes, .. } => self.skipped += bytes,
                _ => {}
            }
        }

        fn recognised(&mut self, _flow: &Flow, protocol: &'static Protocol) {
            self.protocols.push(protocol.name);
        }
    }

    const C: Direction = Direction::ToServer;
    const S: Direction = Direction::ToClient;

    fn session(roles: Roles) -> Session {
        let end = |port| Endpoint { ip: [127, 0, 0, 1].into(), port };
        let (client, server) = (end(40_000), end(9));
        Session::new(
            Flow { id: FlowId(1), transport: Transport::Tcp, client, server, roles, tunnel: None },
            roles == Roles::Guessed,
        )
    }

    fn say(session: &mut Session, direction: Direction, bytes: &[u8], heard: &mut Heard) {
        let origins = [Origin { start: 0, mark: Mark::default() }];
        session.data(direction, Stretch { bytes, origins: &origins }, heard);
    }

    #[test]
    fn guessed_roles_are_put_right_by_what_is_said() {
        let (mut session, mut heard) = (session(Roles::Guessed), Heard::default());
        say(&mut session, S, b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", &mut heard);
        say(&mut session, C, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", &mut heard);
        session.end(&mut heard);
        assert_eq!(heard.protocols, ["http"]);
        assert_eq!((session.flow().client.port, heard.clients.last()), (9, Some(&9)));
        assert_eq!(session.view(S), C);
    }

    #[test]
    fn what_is_unwanted_may_be_delivered_or_not() {
        let picture = vec![0x89; 50_000];
        let head = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 50000\r\n\r\n";
        let next = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello";
        let [delivered, left_out] = [true, false].map(|deliver| {
            let (mut session, mut heard) = (session(Roles::Handshake), Heard::default());
            say(&mut session, S, head, &mut heard);
            say(&mut session, S, &picture[..10_000], &mut heard);
            assert_eq!(session.unwanted(S), 40_000);
            if deliver {
                say(&mut session, S, &[&picture[10_000..], next].concat(), &mut heard);
            } else {
                session.gap(S, 40_000, &mut heard);
                say(&mut session, S, next, &mut heard);
            }
            session.end(&mut heard);
            (heard.texts, heard.skipped)
        });
        assert_eq!(delivered, left_out);
        assert_eq!(left_out, (b"hello".to_vec(), 50_000));
    }

    #[test]
    fn what_follows_an_upgrade_is_tls_and_nothing_of_it_is_wanted() {
        let (mut session, mut heard) = (session(Roles::Handshake), Heard::default());
        say(&mut session, S, b"220 mx ESMTP\r\n", &mut heard);
        say(&mut session, C, b"EHLO a\r\n", &mut heard);
        say(&mut session, S, b"250-mx\r\n250 STARTTLS\r\n", &mut heard);
        say(&mut session, C, b"STARTTLS\r\n", &mut heard);
        say(&mut session, S, b"220 go ahead\r\n", &mut heard);
        say(&mut session, C, &[22, 3, 1, 0, 5, 1, 0, 0, 1, 3], &mut heard);
        assert_eq!(heard.protocols, ["smtp", "tls"]);
        assert_eq!(session.skip_reason(), Skip::Encrypted);
    }

    #[test]
    fn a_hole_in_the_opening_decides_with_what_there_is() {
        let (mut session, mut heard) = (session(Roles::Handshake), Heard::default());
        say(&mut session, C, b"some words of no", &mut heard);
        session.gap(C, 10, &mut heard);
        say(&mut session, C, b" protocol at all", &mut heard);
        session.end(&mut heard);
        assert_eq!(heard.protocols, [text::PROTOCOL.name]);
        assert_eq!(heard.texts, b"some words of no protocol at all");
    }
}
