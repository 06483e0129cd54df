//! Finds the flow of a segment, opens and ends flows, and passes their streams on.

use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::assembler::{Piece, Repeats};
use super::connection::{Connection, Fit, Standing, Tcp};
use super::roles::Parties;
use super::slots::{Slot, Slots};
use super::{EndReason, FlowSink, Interest, Limits, roles};
use crate::decode::{Segment, TransportHeader};
use crate::model::flow::{Direction, Endpoint, Flow, FlowId, FlowKey, Roles, Transport};
use crate::model::packet::Mark;
use crate::model::tally::StreamTally;
use crate::model::time::Timestamp;

/// All flows of a capture.
#[derive(Debug)]
pub struct Table {
    limits: Limits,
    serves: fn(u16) -> bool,
    slots: Slots<Entry, { Queue::COUNT }>,
    index: HashTable<Slot>,
    hasher: DefaultHashBuilder,
    clock: Clock,
    /// The flow of the packet before.
    latest: Slot,
    opened: u64,
    /// What all flows hold behind holes costs so many bytes.
    held: usize,
    tally: StreamTally,
}

impl Table {
    /// An empty table.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            serves: |_| false,
            slots: Slots::new(),
            index: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            clock: Clock::default(),
            latest: Slot(0),
            opened: 0,
            held: 0,
            tally: StreamTally::default(),
        }
    }

    /// Says which ports from 1024 on servers are usually found at: a hint for who is the client of a
    /// flow whose handshake was not seen.
    #[must_use]
    pub fn knowing(mut self, serves: fn(u16) -> bool) -> Self {
        self.serves = serves;
        self
    }

    /// Adds one segment, and ends the flows that have been silent for too long by its time.
    pub fn packet(&mut self, segment: &Segment<'_>, mark: Mark, sink: &mut impl FlowSink) {
        if self.clock.tick(mark.at) {
            // The packet before was stamped before its time was believed.
            self.slots.stamp(self.latest, self.clock.now);
            self.expire(sink);
        }
        let key = FlowKey::new(segment.transport.transport(), segment.source, segment.destination);
        let found = self.find(&key);
        match segment.transport {
            TransportHeader::Tcp { seq, ack, flags, .. } => {
                let tcp = Tcp::new(segment, seq, ack, flags, mark);
                self.tcp(key, found, segment.source, segment.destination, &tcp, sink);
            }
            TransportHeader::Udp => self.udp(key, found, segment, mark, sink),
        }
    }

    /// Ends all flows, in the order they were opened: the capture is over.
    pub fn finish(&mut self, sink: &mut impl FlowSink) {
        let mut all: Vec<_> = self.slots.iter().map(|(slot, entry)| (entry.progress.id, slot)).collect();
        all.sort_unstable_by_key(|(id, _)| *id);
        for (_, slot) in all {
            self.remove(slot, EndReason::Finished, sink);
        }
    }

    /// What was counted so far.
    pub const fn tally(&self) -> StreamTally {
        self.tally
    }

    fn tcp(
        &mut self,
        key: FlowKey,
        mut found: Option<Slot>,
        source: Endpoint,
        destination: Endpoint,
        tcp: &Tcp<'_>,
        sink: &mut impl FlowSink,
    ) {
        if let Some(slot) = found {
            if !self.takes(slot, source, tcp) {
                self.tally.corrupt += 1;
                return;
            }
            match self.fit(slot, source, tcp) {
                Fit::Belongs => {}
                Fit::Ignore => return,
                Fit::Late => {
                    self.tally.retransmitted_bytes += tcp.length();
                    return;
                }
                Fit::Replaces => {
                    self.remove(slot, EndReason::Replaced, sink);
                    found = None;
                }
            }
        }
        let slot = match found {
            Some(slot) => slot,
            // Nothing can come of an acknowledgement alone.
            None if !tcp.syn() && tcp.length() == 0 => return,
            None => {
                let parties = roles::of_tcp(source, destination, tcp, self.serves);
                self.open(key, State::Tcp(Connection::default()), parties, tcp.mark, sink)
            }
        };
        let Some(entry) = self.slots.value_mut(slot) else { return };
        let direction = entry.direction(source);
        entry.last = tcp.mark;
        let State::Tcp(connection) = &mut entry.state else { return };
        let before = connection.cost(Direction::ToServer) + connection.cost(Direction::ToClient);
        let out = &mut Out { progress: &mut entry.progress, tally: &mut self.tally, sink };
        let Repeats { bytes, conflicting } =
            connection.segment(direction, tcp, &mut |d, piece, mark| out.pass(d, piece, mark));
        while connection.cost(direction) > self.limits.reorder_bytes {
            connection.give_up(direction, &mut |d, piece, mark| out.pass(d, piece, mark));
        }
        let mut after = connection.cost(Direction::ToServer) + connection.cost(Direction::ToClient);
        if self.held - before + after > self.limits.reorder_total_bytes {
            // This flow pays: which one it is depends on the packets alone.
            connection.flush(&mut |d, piece, mark| out.pass(d, piece, mark));
            after = 0;
            out.tally.capped += u64::from(!std::mem::replace(&mut entry.capped, true));
        }
        self.held = self.held - before + after;
        self.tally.retransmitted_bytes += bytes;
        self.tally.conflicting_bytes += conflicting;
        let queue = match connection.standing() {
            Standing::Closed => Queue::Over,
            Standing::HalfOpen => Queue::Short,
            Standing::Open => Queue::Tcp,
            Standing::Leaving => Queue::Leaving,
        };
        if queue == Queue::Over {
            self.close(slot, EndReason::Closed, sink);
        }
        self.touch(slot, queue);
    }

    fn udp(&mut self, key: FlowKey, found: Option<Slot>, segment: &Segment<'_>, mark: Mark, sink: &mut impl FlowSink) {
        let slot = found.unwrap_or_else(|| {
            let parties = roles::by_port(segment.source, segment.destination, Transport::Udp, self.serves);
            self.open(key, State::Udp, parties, mark, sink)
        });
        let Some(entry) = self.slots.value_mut(slot) else { return };
        let direction = entry.direction(segment.source);
        entry.last = mark;
        let mut out = Out { progress: &mut entry.progress, tally: &mut self.tally, sink };
        if !segment.payload.is_empty() {
            out.pass(direction, Piece::Data(segment.payload), mark);
        }
        if segment.missing > 0 {
            out.pass(direction, Piece::Gap(u64::from(segment.missing)), mark);
        }
        self.touch(slot, Queue::Udp);
    }

    fn takes(&mut self, slot: Slot, source: Endpoint, tcp: &Tcp<'_>) -> bool {
        let Some(entry) = self.slots.value_mut(slot) else { return true };
        let direction = entry.direction(source);
        match &mut entry.state {
            State::Tcp(connection) => connection.takes(direction, tcp),
            State::Udp => true,
        }
    }

    fn fit(&self, slot: Slot, source: Endpoint, tcp: &Tcp<'_>) -> Fit {
        match self.slots.value(slot) {
            Some(entry @ Entry { state: State::Tcp(connection), .. }) => {
                let silent = tcp.mark.at.since(self.slots.used(slot));
                let idle = silent >= self.limits.tcp_short_seconds.saturating_mul(SECOND);
                connection.fit(entry.direction(source), tcp, entry.progress.is_over(), idle)
            }
            _ => Fit::Replaces,
        }
    }

    fn touch(&mut self, slot: Slot, queue: Queue) {
        self.slots.touch(slot, queue as usize, self.clock.now);
        self.latest = slot;
    }

    fn find(&self, key: &FlowKey) -> Option<Slot> {
        let same = |slot: &Slot| self.slots.value(*slot).is_some_and(|entry| entry.key == *key);
        self.index.find(self.hasher.hash_one(key), same).copied()
    }

    fn open(
        &mut self,
        key: FlowKey,
        state: State,
        Parties { client, server, roles }: Parties,
        mark: Mark,
        sink: &mut impl FlowSink,
    ) -> Slot {
        while self.slots.len() >= self.limits.flows.max(1) {
            self.evict(sink);
        }
        let flow = Flow { id: FlowId(self.opened), transport: key.transport, client, server, roles };
        self.opened += 1;
        let midstream = key.transport == Transport::Tcp && roles == Roles::Guessed;
        match key.transport {
            Transport::Tcp => self.tally.tcp += 1,
            Transport::Udp => self.tally.udp += 1,
        }
        self.tally.midstream += u64::from(midstream);
        let interest = Some(sink.open(&flow, midstream, mark));
        let progress = Progress { id: flow.id, delivered: [0; 2], interest };
        let entry = Entry { key, client_is_low: key.low == client, capped: false, last: mark, progress, state };
        let slot = self.slots.insert(entry, Queue::Short as usize, self.clock.now);
        let Self { index, slots, hasher, .. } = self;
        let rehash = |slot: &Slot| slots.value(*slot).map_or(0, |entry| hasher.hash_one(entry.key));
        index.insert_unique(hasher.hash_one(key), slot, rehash);
        slot
    }

    /// Makes room: a flow that is over, else the one idle longest.
    fn evict(&mut self, sink: &mut impl FlowSink) {
        if let Some((slot, _)) = self.slots.oldest(Queue::Over as usize) {
            self.remove(slot, EndReason::Closed, sink);
            return;
        }
        let oldest = (0..Queue::COUNT).filter_map(|queue| self.slots.oldest(queue)).min_by_key(|(_, used)| *used);
        if let Some((slot, _)) = oldest {
            self.tally.evicted += 1;
            self.remove(slot, EndReason::Evicted, sink);
        }
    }

    fn expire(&mut self, sink: &mut impl FlowSink) {
        for (queue, seconds, reason) in [
            (Queue::Tcp, self.limits.tcp_idle_seconds, EndReason::Idle),
            (Queue::Short, self.limits.tcp_short_seconds, EndReason::Idle),
            (Queue::Over, self.limits.tcp_short_seconds, EndReason::Closed),
            (Queue::Udp, self.limits.udp_idle_seconds, EndReason::Idle),
        ] {
            while let Some(slot) = self.overdue(queue, seconds) {
                self.remove(slot, reason, sink);
            }
        }
        while let Some(slot) = self.overdue(Queue::Leaving, self.limits.tcp_linger_seconds) {
            self.close(slot, EndReason::Closed, sink);
            self.touch(slot, Queue::Over);
        }
    }

    /// The entry of a queue that was idle longest, if that was too long. One from the future
    /// had a wrong timestamp, or the capture goes on with older packets.
    fn overdue(&self, queue: Queue, seconds: i64) -> Option<Slot> {
        let (slot, used) = self.slots.oldest(queue as usize)?;
        (self.clock.now.since(used).saturating_abs() >= seconds.saturating_mul(SECOND)).then_some(slot)
    }

    /// Tells the end of a flow and keeps its place, so that what is repeated is known as such.
    fn close(&mut self, slot: Slot, mut reason: EndReason, sink: &mut impl FlowSink) {
        let Some(entry) = self.slots.value_mut(slot) else { return };
        if entry.progress.is_over() {
            return;
        }
        if let State::Tcp(connection) = &mut entry.state {
            self.held -= connection.cost(Direction::ToServer) + connection.cost(Direction::ToClient);
            let mut out = Out { progress: &mut entry.progress, tally: &mut self.tally, sink };
            connection.flush(&mut |d, piece, mark| out.pass(d, piece, mark));
            let [to_server, to_client] = entry.progress.delivered;
            self.tally.one_way += u64::from(connection.is_one_way() && to_server + to_client > 0);
            if connection.is_reset() {
                reason = EndReason::Reset;
            }
        }
        entry.progress.interest = None;
        sink.end(entry.progress.id, reason, entry.last);
    }

    fn remove(&mut self, slot: Slot, reason: EndReason, sink: &mut impl FlowSink) {
        self.close(slot, reason, sink);
        let Some(entry) = self.slots.remove(slot) else { return };
        if let Ok(found) = self.index.find_entry(self.hasher.hash_one(entry.key), |other| *other == slot) {
            found.remove();
        }
    }
}

/// Nanoseconds.
const SECOND: i64 = 1_000_000_000;

/// What a flow waits for to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Queue {
    /// An open connection's silence.
    Tcp,
    /// A half-open one's.
    Short,
    /// The stragglers of one that is aborted or said to be over.
    Leaving,
    /// The end was told, what is repeated is still recognised.
    Over,
    /// A datagram flow's silence.
    Udp,
}

impl Queue {
    const COUNT: usize = 5;
}

#[derive(Debug)]
struct Entry {
    key: FlowKey,
    client_is_low: bool,
    capped: bool,
    last: Mark,
    progress: Progress,
    state: State,
}

#[derive(Debug)]
enum State {
    Tcp(Connection),
    Udp,
}

impl Entry {
    fn direction(&self, source: Endpoint) -> Direction {
        if (source == self.key.low) == self.client_is_low { Direction::ToServer } else { Direction::ToClient }
    }
}

/// How far a flow's streams have been passed on.
#[derive(Debug)]
struct Progress {
    id: FlowId,
    delivered: [u64; 2],
    /// `None` once the end was told.
    interest: Option<Arc<Interest>>,
}

impl Progress {
    const fn is_over(&self) -> bool {
        self.interest.is_none()
    }
}

/// Passes the streams of one flow on.
struct Out<'a, S> {
    progress: &'a mut Progress,
    tally: &'a mut StreamTally,
    sink: &'a mut S,
}

impl<S: FlowSink> Out<'_, S> {
    fn pass(&mut self, direction: Direction, piece: Piece<'_>, mark: Mark) {
        let [to_server, to_client] = &mut self.progress.delivered;
        let delivered = match direction {
            Direction::ToServer => to_server,
            Direction::ToClient => to_client,
        };
        let id = self.progress.id;
        match piece {
            Piece::Data(bytes) => {
                let wanted = self.progress.interest.as_ref().map_or(u64::MAX, |i| i.wanted_from(direction));
                let unwanted = wanted.saturating_sub(*delivered).min(bytes.len() as u64);
                *delivered += bytes.len() as u64;
                if unwanted > 0 {
                    self.sink.skipped(id, direction, unwanted, mark);
                }
                match bytes.get(unwanted as usize..) {
                    Some(rest) if !rest.is_empty() => self.sink.data(id, direction, rest, mark),
                    _ => {}
                }
            }
            Piece::Gap(missing) => {
                *delivered += missing;
                self.tally.gaps += 1;
                self.tally.gap_bytes += missing;
                self.sink.gap(id, direction, missing, mark);
            }
        }
    }
}

/// Packet time as the table goes by it: the middle one of the last three packets, so that a single
/// wrong timestamp cannot end every flow.
#[derive(Clone, Copy, Debug, Default)]
struct Clock {
    now: Timestamp,
    /// The two packets before.
    last: Option<[Timestamp; 2]>,
}

impl Clock {
    /// Takes in a packet's time. Whether the second has changed.
    fn tick(&mut self, at: Timestamp) -> bool {
        let before = self.now.seconds();
        let [a, b] = self.last.unwrap_or([at; 2]);
        self.now = a.min(b).max(a.max(b).min(at));
        self.last = Some([b, at]);
        self.now.seconds() != before
    }
}

#[cfg(test)]
mod tests;
