//! MySQL and MariaDB, client/server protocol 10
//! (<https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html>): logins with every plugin,
//! statements, parameters, rows in text and binary, LOAD DATA, and the compressed protocol. Reads either
//! direction alone and from the middle.

mod commands;
mod compression;
mod login;
mod probe;
mod results;
#[cfg(test)]
mod tests;
mod wire;

use self::commands::Commands;
use self::compression::Inflation;
use self::login::{Login, Verdict};
use self::probe::{Footing, Shape};
use self::results::{LongRow, Pace, Results, Turn};
use self::wire::{HEADER, LONGEST};
use super::bulk::Transfer;
use super::cursor::Cursor;
use super::message::Message;
use super::upgrade::{Offer, is_tls_record};
use super::{Analyzer, Nature, Next, Progress, Protocol};
use crate::content::coding::Coding;
use crate::content::pieces::Pieces;
use crate::model::event::{Event, EventSink, Format, Outcome, Skip, Text};
use crate::model::flow::{Direction, Transport};
use crate::model::limits;
use crate::model::stream::{Input, Stretch};

/// MySQL and what speaks like it: MariaDB, Percona, TiDB, ProxySQL.
pub static PROTOCOL: Protocol = Protocol {
    name: "mysql",
    transport: Transport::Tcp,
    ports: &[3306, 3307, 4000, 6033],
    nature: Nature::Cleartext,
    probe: probe::probe,
    start: || Box::<MySql>::default(),
};

/// Packets longer than this are read piece by piece.
const WHOLE: usize = limits::PENDING_BYTES / 2;

#[derive(Default)]
struct MySql {
    sides: [Side; 2],
    phase: Phase,
    login: Login,
    offer: Offer,
    commands: Commands,
    results: Results,
    /// How packets are compressed, once they are.
    coding: Option<Coding>,
    /// A file on its way from the client.
    transfer: Option<Transfer>,
    /// A long statement on its way to an event.
    statement: Pieces,
    server_spoke: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// Nothing was seen that tells.
    #[default]
    Start,
    /// The server has greeted.
    Greeted,
    /// The client has answered, the server has not decided.
    Login,
    Commands,
}

#[derive(Default)]
struct Side {
    stage: Stage,
    long: Option<Long>,
    /// Bytes of the packet begun that are still to come, besides those left over.
    owed: u64,
    gap: bool,
    inflation: Inflation,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// Nothing was seen.
    #[default]
    Fresh,
    Lost,
    Packets,
}

/// A packet, or a run of packets that belong together, too long to be waited for.
struct Long {
    /// Bytes to the end of this packet.
    left: u64,
    /// Another packet goes on with it.
    more: bool,
    kind: LongKind,
}

enum LongKind {
    File,
    Pass,
    Row(Box<LongRow>),
    Statement,
}

enum Step {
    Took(usize),
    /// The packet needs so many bytes in all.
    Wait(u64),
    Skip(u64),
    Tls(usize),
}

impl Analyzer for MySql {
    fn data(&mut self, input: Input<'_>, out: &mut dyn EventSink) -> Progress {
        self.server_spoke |= input.direction == Direction::ToClient;
        let mut at = 0;
        loop {
            let step = if self.coding.is_some() { self.inflate(input, at, out) } else { self.step(input, at, out) };
            match step {
                Step::Took(count) => at += count,
                Step::Wait(need) => {
                    let here = input.bytes().len().saturating_sub(at) as u64;
                    self.side(input.direction).owed = need.saturating_sub(here);
                    return Progress::Continue(at);
                }
                Step::Skip(count) => return Progress::Skip(at, count),
                Step::Tls(count) => {
                    self.offer.switched(out);
                    return Progress::Handoff(at + count, Next::Tls);
                }
            }
        }
    }

    fn gap(&mut self, direction: Direction, missing: u64, out: &mut dyn EventSink) {
        let compressed = self.coding.is_some();
        let side = self.side(direction);
        let owed = std::mem::take(&mut side.owed);
        let long = side.long.take();
        side.inflation = Inflation::default();
        if missing <= owed && side.stage == Stage::Packets && !compressed {
            // The packet that is damaged ends at a known place.
            let more = long.as_ref().is_some_and(|l| l.more);
            side.long = Some(Long { left: owed - missing, more, kind: LongKind::Pass });
            out.event(Event::Skipped { reason: Skip::Gap, bytes: owed - missing });
        } else {
            side.stage = Stage::Lost;
            side.gap = true;
        }
        if direction == Direction::ToServer || !self.results.in_rows() || self.side(direction).stage == Stage::Lost {
            self.results.lost();
        }
        self.cut(long, out);
    }

    fn end(&mut self, _left: [Input<'_>; 2], out: &mut dyn EventSink) {
        for direction in Direction::BOTH {
            let long = self.side(direction).long.take();
            self.cut(long, out);
        }
        self.login.finish(Outcome::Unknown, out);
        self.offer.ended(out);
    }
}

impl MySql {
    fn side(&mut self, direction: Direction) -> &mut Side {
        let [to_server, to_client] = &mut self.sides;
        match direction {
            Direction::ToServer => to_server,
            Direction::ToClient => to_client,
        }
    }

    /// Says what was gathered of something whose rest will not come.
    fn cut(&mut self, long: Option<Long>, out: &mut dyn EventSink) {
        if let Some(Long { kind: LongKind::Row(mut row), .. }) = long {
            row.cut(out);
        }
        self.statement.finish(&mut |data, seen| out.event(sql(data, seen)));
        if let Some(transfer) = &mut self.transfer {
            transfer.finish(out);
        }
    }

    fn step(&mut self, input: Input<'_>, at: usize, out: &mut dyn EventSink) -> Step {
        let direction = input.direction;
        if self.side(direction).long.is_some() {
            return self.long(input, at, out);
        }
        let bytes = input.bytes().get(at..).unwrap_or_default();
        if bytes.is_empty() {
            return Step::Wait(0);
        }
        match self.side(direction).stage {
            Stage::Packets => self.packet(input, at, out),
            Stage::Fresh => self.settle(direction, bytes),
            Stage::Lost => {
                let tls = self.phase == Phase::Greeted && is_tls_record(bytes) == Some(true);
                if direction == Direction::ToServer && tls { Step::Tls(0) } else { self.footing(direction, bytes, out) }
            }
        }
    }

    /// Decides whether packets begin right here.
    fn settle(&mut self, direction: Direction, bytes: &[u8]) -> Step {
        // The request for TLS was not captured.
        if direction == Direction::ToServer && is_tls_record(bytes) == Some(true) {
            return Step::Tls(0);
        }
        let stage = match probe::shape(direction, bytes) {
            Shape::Partial(None) => return Step::Wait(0),
            Shape::No if self.phase == Phase::Start => Stage::Lost,
            _ => Stage::Packets,
        };
        self.side(direction).stage = stage;
        Step::Took(0)
    }

    fn footing(&mut self, direction: Direction, bytes: &[u8], out: &mut dyn EventSink) -> Step {
        let side = self.side(direction);
        let (passed, found) = match probe::footing(direction, bytes) {
            Footing::At(at) => (at, true),
            Footing::After(at) => (at, false),
        };
        if passed > 0 {
            let reason = if side.gap { Skip::Gap } else { Skip::Malformed };
            out.event(Event::Skipped { reason, bytes: passed as u64 });
        }
        if found {
            side.stage = Stage::Packets;
            side.gap = false;
        }
        if found || passed > 0 { Step::Took(passed) } else { Step::Wait(0) }
    }

    fn packet(&mut self, input: Input<'_>, at: usize, out: &mut dyn EventSink) -> Step {
        let direction = input.direction;
        let bytes = input.bytes().get(at..).unwrap_or_default();
        if direction == Direction::ToServer && self.phase == Phase::Greeted {
            match is_tls_record(bytes) {
                // An answer of 790 bytes begins as a record of SSL 3.0 does.
                Some(true) if bytes.len() < HEADER + 36 => return Step::Wait(HEADER as u64 + 36),
                // The request for TLS was not captured.
                Some(true) if !probe::is_login(bytes.get(HEADER..).unwrap_or_default()) => return Step::Tls(0),
                None => return Step::Wait(HEADER as u64),
                Some(_) => {}
            }
        }
        let mut cursor = Cursor::new(bytes);
        let (Some(length), Some(sequence)) = (cursor.u24_le(), cursor.u8()) else {
            return Step::Wait(HEADER as u64);
        };
        if direction == Direction::ToServer && self.phase == Phase::Login && sequence == 0 {
            // The login is over, and what the server said of it was not captured.
            self.login.finish(Outcome::Unknown, out);
            self.begin_commands();
            return Step::Took(0);
        }
        let total = length as usize + HEADER;
        if length == LONGEST || total > WHOLE {
            return self.begin_long(direction, length, cursor, out);
        }
        if bytes.len() < total {
            return Step::Wait(total as u64);
        }
        let packet = Message { input, at: at + HEADER, end: at + total };
        match direction {
            Direction::ToServer => {
                if self.phase == Phase::Greeted && Login::is_ssl_request(packet.bytes()) {
                    return Step::Tls(total);
                }
                self.request(packet, sequence, out);
            }
            Direction::ToClient => self.reply(packet, sequence, out),
        }
        Step::Took(total)
    }

    fn request(&mut self, packet: Message<'_>, sequence: u8, out: &mut dyn EventSink) {
        let payload = packet.bytes();
        match self.phase {
            Phase::Start | Phase::Greeted if sequence != 0 => {
                if self.login.response(payload, packet.span()).is_some() {
                    self.offer.content(out);
                    self.phase = Phase::Login;
                }
            }
            Phase::Login => self.login.answer(payload, packet.span()),
            Phase::Start | Phase::Greeted | Phase::Commands => {
                self.phase = Phase::Commands;
                if sequence != 0 {
                    self.file(packet, out);
                } else if payload.first() == Some(&0x11) {
                    let changed = self.login.change_user(payload.get(1..).unwrap_or_default(), packet.span());
                    self.phase = if changed.is_some() { Phase::Login } else { Phase::Commands };
                } else {
                    self.end_file(out);
                    let attributes = self.login.query_attributes();
                    if let Some(asked) = self.commands.command(packet, attributes, out) {
                        self.results.ask(asked, out);
                    }
                }
            }
        }
    }

    fn reply(&mut self, packet: Message<'_>, sequence: u8, out: &mut dyn EventSink) {
        let payload = packet.bytes();
        match self.phase {
            Phase::Start if sequence == 0 && payload.first() == Some(&0x0a) => {
                if let Some(offered) = self.login.greeting(payload, packet.span()) {
                    self.offer.listed(offered);
                    self.phase = Phase::Greeted;
                }
            }
            Phase::Greeted | Phase::Login => {
                if let Verdict::Done(outcome) = self.login.server(payload, packet.span(), out)
                    && outcome == Outcome::Accepted
                {
                    self.begin_commands();
                }
            }
            Phase::Start | Phase::Commands => {
                self.phase = Phase::Commands;
                let optional = self.login.optional_metadata();
                if self.results.packet(&mut self.commands, packet, sequence, optional, out) == Turn::File {
                    self.open_file();
                }
            }
        }
    }

    fn begin_commands(&mut self) {
        self.phase = Phase::Commands;
        if self.coding.is_none() {
            self.coding = self.login.compression();
        }
    }

    fn open_file(&mut self) -> &mut Transfer {
        let Self { transfer, commands, .. } = self;
        transfer.get_or_insert_with(|| Transfer::new(commands.bulk.take(), "mysql.file", Direction::ToServer))
    }

    /// A piece of a file; an empty one ends it.
    fn file(&mut self, packet: Message<'_>, out: &mut dyn EventSink) {
        if packet.bytes().is_empty() {
            self.end_file(out);
        } else if self.transfer.is_some() || self.commands.bulk.is_some() {
            self.open_file().data(packet.input.data, packet.at, packet.end, out);
        } else {
            out.event(Event::Skipped { reason: Skip::Malformed, bytes: packet.bytes().len() as u64 });
        }
    }

    fn end_file(&mut self, out: &mut dyn EventSink) {
        if let Some(mut transfer) = self.transfer.take() {
            transfer.finish(out);
        }
    }

    /// A packet too long to be waited for begins.
    fn begin_long(&mut self, direction: Direction, length: u32, after: Cursor<'_>, out: &mut dyn EventSink) -> Step {
        let more = length == LONGEST;
        let mut taken = HEADER;
        let Some(first) = after.peek() else { return Step::Wait(u64::from(length) + HEADER as u64) };
        let kind = match direction {
            Direction::ToServer if self.transfer.is_some() => LongKind::File,
            Direction::ToServer if first == 0x03 || first == 0x16 => {
                let Some(start) = after.rest().get(..3) else { return Step::Wait(u64::from(length)) };
                taken += if start.get(1..) == Some(&[0, 1]) { 3 } else { 1 };
                self.results.ask(results::Asked::Query, out);
                LongKind::Statement
            }
            Direction::ToClient if self.results.in_rows() => {
                LongKind::Row(Box::new(self.results.long_row(Some(&first))))
            }
            _ => {
                out.event(Event::Skipped { reason: Skip::Limit, bytes: u64::from(length) });
                LongKind::Pass
            }
        };
        let left = u64::from(length) + HEADER as u64 - taken as u64;
        self.side(direction).long = Some(Long { left, more, kind });
        Step::Took(taken)
    }

    /// More of a long packet.
    fn long(&mut self, input: Input<'_>, at: usize, out: &mut dyn EventSink) -> Step {
        let direction = input.direction;
        let Some(mut long) = self.side(direction).long.take() else { return Step::Took(0) };
        let step = self.advance(&mut long, input, at, out);
        if long.left > 0 || long.more {
            self.side(direction).long = Some(long);
        } else if let LongKind::Statement = long.kind {
            self.statement.finish(&mut |data, seen| out.event(sql(data, seen)));
        }
        step
    }

    fn advance(&mut self, long: &mut Long, input: Input<'_>, at: usize, out: &mut dyn EventSink) -> Step {
        let bytes = input.bytes().get(at..).unwrap_or_default();
        if long.left == 0 {
            if !long.more {
                return Step::Took(0);
            }
            let mut cursor = Cursor::new(bytes);
            let (Some(length), Some(_sequence)) = (cursor.u24_le(), cursor.u8()) else {
                return Step::Wait(HEADER as u64);
            };
            (long.left, long.more) = (u64::from(length), length == LONGEST);
            return Step::Took(HEADER);
        }
        let count = bytes.len().min(usize::try_from(long.left).unwrap_or(usize::MAX));
        let ends = count as u64 == long.left;
        let step = match &mut long.kind {
            LongKind::Pass => Step::Skip(long.left),
            _ if count == 0 => return Step::Wait(long.left),
            LongKind::File => {
                self.open_file().data(input.data, at, at + count, out);
                Step::Took(count)
            }
            LongKind::Statement => {
                let emit = &mut |data: Stretch<'_>, seen: usize| out.event(sql(data, seen));
                self.statement.push_part(input.data, at..at + count, emit);
                Step::Took(count)
            }
            LongKind::Row(row) => match row.feed(input.data, at..at + count, ends, out) {
                Pace::Took(count) => Step::Took(count),
                // A binary value may go on in the next packet; its rest there is passed over as well.
                Pace::Skip(count) if count > long.left => {
                    long.kind = LongKind::Pass;
                    Step::Skip(long.left)
                }
                Pace::Skip(count) => Step::Skip(count),
                Pace::Wait if ends => {
                    long.kind = LongKind::Pass;
                    Step::Took(0)
                }
                Pace::Wait => return Step::Wait(long.left),
                Pace::Lost => {
                    out.event(Event::Skipped { reason: Skip::Limit, bytes: long.left });
                    long.kind = LongKind::Pass;
                    Step::Took(0)
                }
            },
        };
        long.left -= match step {
            Step::Took(count) => count as u64,
            Step::Skip(count) => count,
            Step::Tls(_) | Step::Wait(_) => 0,
        };
        step
    }
}

fn sql(data: Stretch<'_>, seen: usize) -> Event<'_> {
    let (format, direction, outcome) = (Format::Sql, Direction::ToServer, Outcome::Unknown);
    Event::Text(Text { format, place: "mysql.query", resource: "", direction, outcome, data, seen })
}
