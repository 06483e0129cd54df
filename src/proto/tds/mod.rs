//! TDS, what SQL Server speaks (MS-TDS), from version 7.0 on; of Sybase's (TDS 5.0) logins and statements.
//!
//! Encryption is agreed on before the login. Its handshake travels inside of packets; then TLS stands alone,
//! for good or for the login only.

mod login;
mod probe;
mod requests;
#[cfg(test)]
mod tests;
mod tokens;
mod types;
mod wire;

use self::login::{Encryption, Login};
use self::requests::Batch;
use self::tokens::{Tokens, Told};
use self::wire::{HEADER, Header};
use super::upgrade::Offer;
use super::{Analyzer, Nature, Next, Progress, Protocol, tls};
use crate::model::event::{Event, EventSink, Grade, LinkFact, Outcome, Skip, Weakness};
use crate::model::flow::{Direction, Transport};
use crate::model::limits;
use crate::model::stream::{Gathered, Input, Stretch};

/// SQL Server, and what speaks like it: Azure SQL, Babelfish; Sybase.
pub static PROTOCOL: Protocol = Protocol {
    name: "tds",
    transport: Transport::Tcp,
    ports: &[1433, 1434, 5000],
    nature: Nature::Cleartext,
    probe: probe::probe,
    start: || Box::<Tds>::default(),
};

/// Bytes of a message that are held until they make sense.
const HELD: usize = limits::PENDING_BYTES;

#[derive(Default)]
struct Tds {
    sides: [Side; 2],
    login: Login,
    offer: Offer,
    batch: Batch,
    /// What the client and the server said of encryption.
    wanted: [Option<Encryption>; 2],
    tls: Option<Nested>,
    /// There was TLS, if only for the login.
    switched: bool,
}

/// What is known of one direction.
#[derive(Default)]
struct Side {
    /// The packet whose payload is coming, and how much of it is.
    packet: Option<(Header, usize)>,
    /// What the message at hand is, by its first packet.
    kind: Option<u8>,
    /// What is held of it.
    body: Gathered,
    /// How much must be held before it is looked at again: a long row is not read anew with every packet.
    wait: usize,
    /// Why the rest of the message is passed over.
    pass: Option<Skip>,
    tokens: Tokens,
    /// Nobody knows where packets begin.
    lost: bool,
}

/// The TLS inside.
struct Nested {
    analyzer: Box<dyn Analyzer>,
    kept: [Gathered; 2],
    /// It has nothing more to say.
    done: bool,
}

impl Analyzer for Tds {
    fn data(&mut self, input: Input<'_>, out: &mut dyn EventSink) -> Progress {
        let (bytes, direction) = (input.bytes(), input.direction);
        let mut at = 0;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let Some(side) = self.sides.get_mut(direction.index()) else { return Progress::Stop };
            if let Some((header, left)) = side.packet {
                let here = left.min(rest.len());
                at += here;
                let ends = here == left;
                side.packet = (!ends).then_some((header, left - here));
                self.payload(header, ends, input, at - here..at, out);
                if !ends {
                    return Progress::Continue(at);
                }
                continue;
            }
            if rest.is_empty() {
                return Progress::Continue(at);
            }
            if self.tls.is_some()
                && let Some(length) = wire::record(rest)
            {
                let Some(record) = length.and_then(|length| rest.get(..length)) else { return Progress::Continue(at) };
                let whole = at..at + record.len();
                at = whole.end;
                if self.record(input, whole, out) {
                    return Progress::Handoff(at, Next::Tls);
                }
                continue;
            }
            match wire::header(direction, rest) {
                Ok(Some(header)) => {
                    at += HEADER;
                    self.begin(header, input, at, out);
                }
                Ok(None) => return Progress::Continue(at),
                Err(()) => {
                    if !std::mem::replace(&mut side.lost, true) {
                        out.event(Event::Link(LinkFact::Violation));
                    }
                    skip(Skip::Malformed, rest.len(), out);
                    return Progress::Continue(bytes.len());
                }
            }
        }
    }

    fn gap(&mut self, direction: Direction, missing: u64, out: &mut dyn EventSink) {
        let Some(side) = self.sides.get_mut(direction.index()) else { return };
        skip(Skip::Gap, side.body.len(), out);
        side.body.clear();
        side.pass = Some(Skip::Gap);
        side.packet = side.packet.and_then(|(header, left)| {
            let left = u64::try_from(left).ok()?.checked_sub(missing)?;
            Some((header, usize::try_from(left).ok()?))
        });
        side.lost = side.packet.is_none();
        if direction == Direction::ToServer {
            self.batch.finish(out);
        }
        self.tls = None;
    }

    fn end(&mut self, _left: [Input<'_>; 2], out: &mut dyn EventSink) {
        for direction in Direction::BOTH {
            self.message(direction, true, out);
        }
        if let Some(nested) = &mut self.tls {
            nested.end(out);
        }
        self.login.finish(Outcome::Unknown, out);
        if !self.switched {
            self.offer.ended(out);
        }
    }
}

impl Tds {
    /// A packet begins, whose payload stands at `at`.
    fn begin(&mut self, header: Header, input: Input<'_>, at: usize, out: &mut dyn EventSink) {
        let direction = input.direction;
        let Some(side) = self.sides.get_mut(direction.index()) else { return };
        // After a hole the next message is waited for. Not every client counts from 1 in each.
        if std::mem::take(&mut side.lost) {
            side.pass = (header.number > 1).then_some(Skip::Gap);
            side.kind = None;
            side.tokens.begin_anew();
        }
        side.packet = Some((header, header.length));
        side.kind.get_or_insert(header.kind);
        // A login of its own was encrypted, and this is not.
        let handshake = header.kind == wire::PRELOGIN;
        if let Some(mut nested) = self.tls.take_if(|_| !handshake) {
            nested.end(out);
            let span = input.span(at.saturating_sub(HEADER)..at);
            let note = "after the login, requests and their results go over in the clear";
            let (kind, value, grade) = ("link.login_only", "TDS", Grade::Weak);
            out.event(Event::Weakness(Weakness { kind, value, note, grade, direction, span }));
        }
    }

    /// A part of a packet's payload; with `ends`, the last.
    fn payload(
        &mut self,
        header: Header,
        ends: bool,
        input: Input<'_>,
        range: std::ops::Range<usize>,
        out: &mut dyn EventSink,
    ) {
        let direction = input.direction;
        let Some(side) = self.sides.get_mut(direction.index()) else { return };
        let last = header.last && ends;
        let over = side.body.len() + range.len() > HELD;
        if let Some(reason) = side.pass.or(over.then_some(Skip::Limit)) {
            skip(reason, side.body.len() + range.len(), out);
            side.body.clear();
            side.pass = Some(reason).filter(|_| !last);
            if last {
                side.kind = None;
                side.tokens.begin_anew();
            }
            return;
        }
        side.body.push_part(input.data, range);
        self.message(direction, last, out);
    }

    /// Reads what is held of a message. With `last`, nothing more of it will come.
    fn message(&mut self, direction: Direction, last: bool, out: &mut dyn EventSink) {
        let Some(side) = self.sides.get_mut(direction.index()) else { return };
        let Some(kind) = side.kind.filter(|_| side.pass.is_none()) else { return };
        if !last && side.body.len() < side.wait {
            return;
        }
        let mut body = std::mem::take(&mut side.body);
        let data = body.stretch();
        let used = match kind {
            wire::BATCH => self.batch.feed(data, last, out),
            wire::BULK => self.tokens(direction, data, last, out),
            wire::RESPONSE if self.wanted.iter().any(Option::is_some) && data.bytes.first() == Some(&0) => {
                if last {
                    self.agreed(data.bytes);
                }
                0
            }
            wire::RESPONSE => self.tokens(direction, data, last, out),
            _ if !last => 0,
            wire::PRELOGIN if wire::record(data.bytes).is_some() => {
                self.handshake(direction, data, out);
                0
            }
            wire::PRELOGIN if direction == Direction::ToServer => {
                self.wanted = [login::encryption(data.bytes), None];
                0
            }
            wire::PRELOGIN => {
                self.agreed(data.bytes);
                0
            }
            wire::LOGIN7 => {
                let version = self.login.login7(data, out);
                // Its bytes came in the order of a big number: 0x72 is 7.2.
                let old = version.is_some_and(|version| version >> 24 < 0x72);
                self.sides.iter_mut().for_each(|side| side.tokens.old = old);
                self.logged_in(out);
                0
            }
            wire::OLD_LOGIN => {
                let _ = self.login.old(data);
                self.sides.iter_mut().for_each(|side| side.tokens.old = true);
                self.logged_in(out);
                0
            }
            wire::SSPI => {
                self.login.client(data.bytes, data.whole());
                self.logged_in(out);
                0
            }
            wire::RPC => {
                if requests::calls(data, out).is_none() {
                    skip(Skip::Malformed, 1, out);
                }
                0
            }
            wire::NORMAL if direction == Direction::ToClient => self.tokens(direction, data, last, out),
            wire::NORMAL => {
                let _ = requests::language(data, out);
                0
            }
            _ => 0,
        };
        if last {
            body.clear();
        } else {
            body.consume(used);
        }
        if let Some(side) = self.sides.get_mut(direction.index()) {
            side.kind = Some(kind).filter(|_| !last);
            side.wait = body.len() + body.len() / 2;
            side.body = body;
        }
    }

    fn tokens(&mut self, direction: Direction, data: Stretch<'_>, last: bool, out: &mut dyn EventSink) -> usize {
        /// The number of the error by which a server refuses a login, and of those for its reasons.
        const REFUSED: [u32; 7] = [0, 18_452, 18_456, 18_470, 18_486, 18_487, 18_488];
        let Some(side) = self.sides.get_mut(direction.index()) else { return 0 };
        let login = &mut self.login;
        let mut told = |told: Told, out: &mut dyn EventSink| match told {
            Told::Accepted => login.finish(Outcome::Accepted, out),
            Told::Error(number) if REFUSED.contains(&number) => login.finish(Outcome::Rejected, out),
            Told::Error(_) => {}
            Told::Sspi(token) => login.server(&token),
        };
        side.tokens.feed(direction, data, last, &mut told, out)
    }

    /// A login was sent in the clear.
    fn logged_in(&mut self, out: &mut dyn EventSink) {
        if let Some(held) = self.login.held() {
            self.offer.login(held, out);
        }
    }

    /// The server's answer to the pre-login.
    fn agreed(&mut self, payload: &[u8]) {
        let answer = login::encryption(payload);
        let [wanted, own] = &mut self.wanted;
        *own = answer;
        match (*wanted, answer) {
            (Some(Encryption::On), Some(Encryption::NotSupported)) => self.offer.refused(),
            (_, Some(answer)) => self.offer.listed(answer != Encryption::NotSupported),
            _ => {}
        }
    }

    /// A part of the handshake, inside of packets.
    fn handshake(&mut self, direction: Direction, data: Stretch<'_>, out: &mut dyn EventSink) {
        if self.tls.is_none() {
            let analyzer = (tls::PROTOCOL.start)();
            self.tls = Some(Nested { analyzer, kept: Default::default(), done: false });
            self.offer.switched(out);
            self.switched = true;
        }
        if let Some(nested) = &mut self.tls {
            nested.feed(direction, data, out);
        }
    }

    /// A record of TLS that stands alone. Whether all that follows is TLS.
    fn record(&mut self, input: Input<'_>, range: std::ops::Range<usize>, out: &mut dyn EventSink) -> bool {
        const APPLICATION: u8 = 0x17;
        let mut record = Gathered::default();
        record.push_part(input.data, range);
        let data = record.stretch();
        if let Some(nested) = &mut self.tls {
            nested.feed(input.direction, data, out);
        }
        skip(Skip::Encrypted, data.bytes.len(), out);
        // Of a login alone, the server's answer is in the clear.
        let for_good = input.direction == Direction::ToClient && data.bytes.first() == Some(&APPLICATION);
        if for_good && let Some(nested) = &mut self.tls {
            nested.end(out);
        }
        for_good
    }
}

impl Nested {
    fn feed(&mut self, direction: Direction, data: Stretch<'_>, out: &mut dyn EventSink) {
        let Some(kept) = self.kept.get_mut(direction.index()).filter(|_| !self.done) else { return };
        kept.push_stretch(data);
        match self.analyzer.data(Input { direction, data: kept.stretch() }, out) {
            Progress::Continue(used) => kept.consume(used),
            Progress::Skip(..) | Progress::Handoff(..) | Progress::NotMine | Progress::Stop => self.done = true,
        }
        if kept.len() > HELD {
            self.done = true;
        }
    }

    /// Nothing more of it is here.
    fn end(&mut self, out: &mut dyn EventSink) {
        if !std::mem::replace(&mut self.done, true) {
            let [to_server, to_client] = &self.kept;
            let left = [(Direction::ToServer, to_server), (Direction::ToClient, to_client)];
            self.analyzer.end(left.map(|(direction, kept)| Input { direction, data: kept.stretch() }), out);
        }
    }
}

fn skip(reason: Skip, bytes: usize, out: &mut dyn EventSink) {
    if bytes > 0 {
        out.event(Event::Skipped { reason, bytes: bytes as u64 });
    }
}
