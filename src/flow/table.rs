//! Finds the flow of a segment, opens and ends flows, and passes their streams on.

use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::assembler::{Piece, Repeats};
use super::association::Packet;
use super::connection::{Fit, Standing, Tcp};
use super::queue::{Claim, Crowds, Queue, UNANSWERED_PART};
use super::roles::Parties;
use super::slots::{Slot, Slots};
use super::stream::{Arriving, Stream};
use super::{EndReason, FlowSink, Interest, Limits, roles};
use crate::decode::{Segment, TransportHeader};
use crate::model::flow::{Direction, Endpoint, Flow, FlowId, FlowKey, Roles, Transport, Tunnel};
use crate::model::limits;
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
    crowds: Crowds,
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
            crowds: Crowds::new(limits.flows),
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

    /// Numbers its flows from `first` on, so that several tables can speak of theirs to one listener.
    #[must_use]
    pub const fn numbering_from(mut self, first: FlowId) -> Self {
        self.opened = first.0;
        self
    }

    /// Ends the flows that have been silent for too long by `now`, where no packet comes to tell the time.
    pub fn idle(&mut self, now: Timestamp, sink: &mut impl FlowSink) {
        if self.clock.pass(now) {
            self.expire(sink);
        }
    }

    /// Adds one segment, and ends the flows that have been silent for too long by its time.
    pub fn packet(&mut self, segment: &Segment<'_>, mark: Mark, sink: &mut impl FlowSink) {
        if self.clock.tick(mark.at) {
            // The packet before was stamped before its time was believed.
            self.slots.stamp(self.latest, self.clock.now);
            self.expire(sink);
        }
        let key = FlowKey::new(segment.transport.transport(), segment.source, segment.destination, segment.tunnel);
        let found = self.find(&key);
        match segment.transport {
            TransportHeader::Tcp { seq, ack, flags, .. } => {
                let tcp = Tcp::new(segment, seq, ack, flags, mark);
                self.stream(key, found, segment.source, segment.destination, &Arriving::Tcp(tcp), sink);
            }
            TransportHeader::Sctp { tag } => {
                let packet = Packet::new(segment, tag, mark);
                self.stream(key, found, segment.source, segment.destination, &Arriving::Sctp(packet), sink);
            }
            TransportHeader::Udp | TransportHeader::Ppp => self.datagram(key, found, segment, mark, sink),
        }
    }

    /// Ends all flows, in the order they were opened: the capture is over.
    pub fn finish(&mut self, sink: &mut impl FlowSink) {
        let mut all: Vec<_> = self.slots.iter().map(|(slot, entry)| (entry.flow.id, slot)).collect();
        all.sort_unstable_by_key(|(id, _)| *id);
        for (_, slot) in all {
            self.remove(slot, EndReason::Finished, sink);
        }
    }

    /// What was counted so far.
    pub const fn tally(&self) -> StreamTally {
        self.tally
    }

    fn stream(
        &mut self,
        key: FlowKey,
        mut found: Option<Slot>,
        source: Endpoint,
        destination: Endpoint,
        packet: &Arriving<'_>,
        sink: &mut impl FlowSink,
    ) {
        if let Some(slot) = found {
            if !self.takes(slot, source, packet) {
                self.tally.corrupt += 1;
                return;
            }
            match self.fit(slot, source, packet) {
                Fit::Belongs => {}
                Fit::Ignore => return,
                Fit::Late => {
                    self.tally.retransmitted_bytes += packet.length();
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
            None => match packet.opens() {
                None if packet.length() == 0 => return,
                opens => {
                    let by_port = || roles::by_port(source, destination, key.transport, self.serves);
                    let parties = opens.map_or_else(by_port, |opens| roles::by_handshake(source, destination, opens));
                    self.open(key, packet.tunnel(), State::Stream(packet.connection()), parties, packet.mark())
                }
            },
        };
        let Some(entry) = self.slots.value_mut(slot) else { return };
        let direction = entry.direction(source);
        entry.last = packet.mark();
        let State::Stream(stream) = &mut entry.state else { return };
        let before = stream.cost();
        let out = &mut Out { flow: &entry.flow, progress: &mut entry.progress, tally: &mut self.tally, sink };
        let Repeats { bytes, conflicting } =
            stream.packet(direction, packet, &mut |d, piece, mark| out.pass(d, piece, mark));
        while stream.cost_of(direction) > self.limits.reorder_bytes {
            out.tally.capped_gaps += 1;
            stream.give_up(direction, &mut |d, piece, mark| out.pass(d, piece, mark));
        }
        let mut after = stream.cost();
        if self.held - before + after > self.limits.reorder_total_bytes {
            // This flow pays: which one it is depends on the packets alone.
            stream.flush(&mut |d, piece, mark| out.pass(d, piece, mark));
            after = 0;
            out.tally.capped += u64::from(!std::mem::replace(&mut entry.capped, true));
        }
        self.held = self.held - before + after;
        self.tally.retransmitted_bytes += bytes;
        self.tally.conflicting_bytes += conflicting;
        let queue = match stream.standing() {
            Standing::Closed => Queue::Over,
            Standing::Handshake => Queue::Handshake,
            Standing::HalfClosed => Queue::Short,
            Standing::Open => Queue::Open(key.transport, self.crowds.claim(&entry.flow, !stream.is_one_way())),
            Standing::Leaving => Queue::Leaving,
        };
        if queue == Queue::Over {
            self.close(slot, EndReason::Closed, sink);
        }
        self.settle(slot, queue, sink);
    }

    fn datagram(
        &mut self,
        key: FlowKey,
        found: Option<Slot>,
        segment: &Segment<'_>,
        mark: Mark,
        sink: &mut impl FlowSink,
    ) {
        let slot = found.unwrap_or_else(|| {
            let parties = roles::by_port(segment.source, segment.destination, key.transport, self.serves);
            self.open(key, segment.tunnel, State::Datagrams, parties, mark)
        });
        let Some(entry) = self.slots.value_mut(slot) else { return };
        let direction = entry.direction(segment.source);
        entry.last = mark;
        let mut out = Out { flow: &entry.flow, progress: &mut entry.progress, tally: &mut self.tally, sink };
        if !segment.payload.is_empty() {
            out.pass(direction, Piece::Data(segment.payload), mark);
        }
        if segment.missing > 0 {
            out.pass(direction, Piece::Gap(u64::from(segment.missing)), mark);
        }
        let answered = entry.progress.delivered.iter().all(|bytes| *bytes > 0);
        let claim = if answered { self.crowds.claim(&entry.flow, true) } else { Claim::Unanswered };
        self.settle(slot, Queue::Open(key.transport, claim), sink);
        self.bound_unanswered(sink);
    }

    fn takes(&mut self, slot: Slot, source: Endpoint, packet: &Arriving<'_>) -> bool {
        let Some(entry) = self.slots.value_mut(slot) else { return true };
        let direction = entry.direction(source);
        match &mut entry.state {
            State::Stream(stream) => stream.takes(direction, packet),
            State::Datagrams => true,
        }
    }

    fn fit(&self, slot: Slot, source: Endpoint, packet: &Arriving<'_>) -> Fit {
        match self.slots.value(slot) {
            Some(entry @ Entry { state: State::Stream(stream), .. }) => {
                let silent = packet.mark().at.since(self.slots.used(slot));
                let idle = silent >= self.limits.tcp_short_seconds.saturating_mul(SECOND);
                stream.fit(entry.direction(source), packet, entry.progress.is_over(), idle)
            }
            _ => Fit::Replaces,
        }
    }

    /// Puts a flow where it belongs after a packet, and makes the room it needs there.
    fn settle(&mut self, slot: Slot, queue: Queue, sink: &mut impl FlowSink) {
        if queue == Queue::Handshake {
            self.touch(slot, queue);
            while self.slots.count(queue.index()) > self.limits.half_open.max(1) {
                let Some((oldest, _)) = self.slots.oldest(queue.index()) else { return };
                self.tally.evicted_half_open += 1;
                self.remove(oldest, EndReason::Evicted, sink);
            }
            return;
        }
        if self.slots.queue(slot) == Some(Queue::Handshake.index()) {
            while self.slots.len() - self.slots.count(Queue::Handshake.index()) >= self.limits.flows.max(1) {
                self.evict(sink);
            }
            if let Some(entry) = self.slots.value(slot) {
                self.crowds.enter(entry.flow.client.ip);
            }
        }
        self.touch(slot, queue);
    }

    /// What nobody answers is not given more room than it needs: its addresses may be forged, and each
    /// costs a worker something.
    fn bound_unanswered(&mut self, sink: &mut impl FlowSink) {
        const QUEUE: usize = Queue::Open(Transport::Udp, Claim::Unanswered).index();
        while self.slots.count(QUEUE) > self.limits.udp_unanswered.max(1) {
            let Some((oldest, _)) = self.slots.oldest(QUEUE) else { return };
            self.tally.evicted_udp += 1;
            self.remove(oldest, EndReason::Evicted, sink);
        }
    }

    fn touch(&mut self, slot: Slot, queue: Queue) {
        self.slots.touch(slot, queue.index(), self.clock.now);
        self.latest = slot;
    }

    fn find(&self, key: &FlowKey) -> Option<Slot> {
        let same = |slot: &Slot| self.slots.value(*slot).is_some_and(|entry| entry.is(key));
        self.index.find(self.hasher.hash_one(key), same).copied()
    }

    /// A new flow, which waits for the rest of its first packet to be looked at.
    fn open(
        &mut self,
        key: FlowKey,
        tunnel: Option<Tunnel>,
        state: State,
        Parties { client, server, roles }: Parties,
        mark: Mark,
    ) -> Slot {
        let flow = Flow { id: FlowId(self.opened), transport: key.transport, client, server, roles, tunnel };
        self.opened += 1;
        match key.transport {
            Transport::Tcp => self.tally.tcp += 1,
            Transport::Udp => self.tally.udp += 1,
            Transport::Sctp => self.tally.sctp += 1,
            Transport::Ppp => self.tally.ppp += 1,
        }
        self.tally.midstream += u64::from(is_midstream(&flow));
        let progress = Progress { delivered: [0; 2], life: Life::Untold(mark) };
        let entry = Entry { flow, capped: false, last: mark, progress, state };
        let slot = self.slots.insert(entry, Queue::Handshake.index(), self.clock.now);
        let Self { index, slots, hasher, .. } = self;
        let rehash = |slot: &Slot| slots.value(*slot).map_or(0, |entry| hasher.hash_one(entry.key()));
        index.insert_unique(hasher.hash_one(key), slot, rehash);
        slot
    }

    /// Makes room among the flows that came about.
    fn evict(&mut self, sink: &mut impl FlowSink) {
        let open = |claim| Transport::ALL.map(|transport| Queue::Open(transport, claim));
        if let Some(slot) = self.oldest([Queue::Over]) {
            return self.remove(slot, EndReason::Closed, sink);
        }
        self.tally.evicted += 1;
        if let Some(slot) = self.oldest([Queue::Short, Queue::Leaving]) {
            return self.remove(slot, EndReason::Evicted, sink);
        }
        if let Some(slot) = self.oldest(open(Claim::Crowding)) {
            self.tally.evicted_crowding += 1;
            return self.remove(slot, EndReason::Evicted, sink);
        }
        let unanswered = open(Claim::Unanswered);
        let count: usize = unanswered.iter().map(|queue| self.slots.count(queue.index())).sum();
        let patient = open(Claim::Answered);
        let answered = if count > self.limits.flows / UNANSWERED_PART { None } else { self.oldest(patient) };
        let first = self.oldest(unanswered);
        let candidates = [first, answered].into_iter().flatten();
        let Some(slot) = candidates.min_by_key(|slot| self.slots.used(*slot)) else { return };
        self.tally.evicted_unanswered += u64::from(Some(slot) == first);
        self.remove(slot, EndReason::Evicted, sink);
    }

    /// Of the flows in some queues the one idle longest.
    fn oldest<const N: usize>(&self, queues: [Queue; N]) -> Option<Slot> {
        let oldest = queues.into_iter().filter_map(|queue| self.slots.oldest(queue.index()));
        oldest.min_by_key(|(_, used)| *used).map(|(slot, _)| slot)
    }

    fn expire(&mut self, sink: &mut impl FlowSink) {
        let Limits { tcp_idle_seconds, tcp_short_seconds, udp_idle_seconds, udp_short_seconds, .. } = self.limits;
        let udp_seconds = |claim| match claim {
            Claim::Unanswered => udp_short_seconds.min(udp_idle_seconds),
            Claim::Answered | Claim::Crowding => udp_idle_seconds,
        };
        let short = [Queue::Handshake, Queue::Short, Queue::Over].map(|queue| (queue, tcp_short_seconds));
        let open = Claim::ALL.into_iter().flat_map(|claim| {
            [
                (Queue::Open(Transport::Tcp, claim), tcp_idle_seconds),
                (Queue::Open(Transport::Sctp, claim), tcp_idle_seconds),
                (Queue::Open(Transport::Udp, claim), udp_seconds(claim)),
                (Queue::Open(Transport::Ppp, claim), udp_seconds(claim)),
            ]
        });
        for (queue, seconds) in short.into_iter().chain(open) {
            let reason = if queue == Queue::Over { EndReason::Closed } else { EndReason::Idle };
            while let Some(slot) = self.overdue(queue, seconds) {
                self.remove(slot, reason, sink);
            }
        }
        while let Some(slot) = self.overdue(Queue::Leaving, limits::TCP_LINGER_SECONDS) {
            self.close(slot, EndReason::Closed, sink);
            self.touch(slot, Queue::Over);
        }
    }

    /// The entry of a queue that was idle longest, if that was too long. One from the future
    /// had a wrong timestamp, or the capture goes on with older packets.
    fn overdue(&self, queue: Queue, seconds: i64) -> Option<Slot> {
        let (slot, used) = self.slots.oldest(queue.index())?;
        (self.clock.now.since(used).saturating_abs() >= seconds.saturating_mul(SECOND)).then_some(slot)
    }

    /// Tells the end of a flow and keeps its place, so that what is repeated is known as such.
    fn close(&mut self, slot: Slot, mut reason: EndReason, sink: &mut impl FlowSink) {
        let Some(entry) = self.slots.value_mut(slot) else { return };
        if entry.progress.is_over() {
            return;
        }
        let mut out = Out { flow: &entry.flow, progress: &mut entry.progress, tally: &mut self.tally, sink };
        if let State::Stream(stream) = &mut entry.state {
            self.held -= stream.cost();
            stream.flush(&mut |d, piece, mark| out.pass(d, piece, mark));
            if !stream.is_established() && out.progress.is_untold() {
                match stream.is_reset() {
                    true => self.tally.refused += 1,
                    false => self.tally.half_open += 1,
                }
                entry.progress.life = Life::Over;
                return;
            }
            let [to_server, to_client] = out.progress.delivered;
            out.tally.one_way += u64::from(stream.is_one_way() && to_server + to_client > 0);
            if stream.is_reset() {
                reason = EndReason::Reset;
            }
        }
        out.tell();
        entry.progress.life = Life::Over;
        sink.end(entry.flow.id, reason, entry.last);
    }

    fn remove(&mut self, slot: Slot, reason: EndReason, sink: &mut impl FlowSink) {
        self.close(slot, reason, sink);
        let came_about = self.slots.queue(slot) != Some(Queue::Handshake.index());
        let Some(entry) = self.slots.remove(slot) else { return };
        if came_about {
            self.crowds.leave(entry.flow.client.ip);
        }
        if let Ok(found) = self.index.find_entry(self.hasher.hash_one(entry.key()), |other| *other == slot) {
            found.remove();
        }
    }
}

/// Nanoseconds.
const SECOND: i64 = 1_000_000_000;

#[derive(Debug)]
struct Entry {
    flow: Flow,
    capped: bool,
    last: Mark,
    progress: Progress,
    state: State,
}

#[derive(Debug)]
enum State {
    Datagrams,
    Stream(Stream),
}

impl Entry {
    fn key(&self) -> FlowKey {
        FlowKey::new(self.flow.transport, self.flow.client, self.flow.server, self.flow.tunnel)
    }

    fn is(&self, key: &FlowKey) -> bool {
        let Flow { transport, client, server, tunnel, .. } = self.flow;
        let (low, high) = (key.low, key.high);
        transport == key.transport
            && tunnel.map_or(0, Tunnel::network) == key.network
            && ((client, server) == (low, high) || (client, server) == (high, low))
    }

    fn direction(&self, source: Endpoint) -> Direction {
        if source == self.flow.client { Direction::ToServer } else { Direction::ToClient }
    }
}

fn is_midstream(flow: &Flow) -> bool {
    !flow.transport.is_datagram() && flow.roles == Roles::Guessed
}

/// How far a flow's streams have been passed on.
#[derive(Debug)]
struct Progress {
    delivered: [u64; 2],
    life: Life,
}

#[derive(Debug)]
enum Life {
    /// Nobody was told of it yet. Its first packet.
    Untold(Mark),
    /// What is still wanted of it.
    Told(Arc<Interest>),
    /// Its end was told.
    Over,
}

impl Progress {
    const fn is_over(&self) -> bool {
        matches!(self.life, Life::Over)
    }

    const fn is_untold(&self) -> bool {
        matches!(self.life, Life::Untold(_))
    }
}

/// Passes the streams of one flow on.
struct Out<'a, S> {
    flow: &'a Flow,
    progress: &'a mut Progress,
    tally: &'a mut StreamTally,
    sink: &'a mut S,
}

impl<S: FlowSink> Out<'_, S> {
    /// Tells of the flow, unless that was done.
    fn tell(&mut self) {
        if let Life::Untold(first) = self.progress.life {
            let interest = self.sink.open(self.flow, is_midstream(self.flow), first);
            self.progress.life = Life::Told(interest);
        }
    }

    fn pass(&mut self, direction: Direction, piece: Piece<'_>, mark: Mark) {
        self.tell();
        let [to_server, to_client] = &mut self.progress.delivered;
        let delivered = match direction {
            Direction::ToServer => to_server,
            Direction::ToClient => to_client,
        };
        let id = self.flow.id;
        match piece {
            Piece::Data(bytes) => {
                let wanted = match &self.progress.life {
                    Life::Told(interest) => interest.wanted_from(direction),
                    Life::Untold(_) | Life::Over => u64::MAX,
                };
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

    /// Takes in the time without a packet. Whether the second has changed.
    fn pass(&mut self, now: Timestamp) -> bool {
        let before = self.now.seconds();
        self.now = self.now.max(now);
        self.now.seconds() != before
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
