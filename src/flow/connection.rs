//! One TCP connection: where its two streams begin and end, and which segments are its own
//! (RFC 9293, seen from beside the path).

use std::num::NonZeroU64;

use super::assembler::{Arrival, Assembler, Piece, Repeats};
use crate::decode::{Checksum, Segment, TcpFlags};
use crate::model::flow::{Direction, Tunnel};
use crate::model::limits;
use crate::model::packet::Mark;
use crate::model::time::Timestamp;

/// How far before its first-seen byte a stream may turn out to begin, in bytes: packets captured in
/// the wrong order are no further apart than what a sender has in flight at the start.
const OPENING_REACH: u64 = 64 << 10;

/// A segment whose two numbers are both further than this from where the connection stands belongs to
/// another one that uses the same ports. More than any window in use.
const STRANGE_REACH: u64 = 64 << 20;

/// Nanoseconds within which a sender repeats what was not acknowledged, most of the time: the first few
/// retransmission timeouts (RFC 6298).
pub(super) const RETRANSMITTED_WITHIN: i64 = 3_000_000_000;

/// Streams begin above this position, so that there are positions before their beginning.
const BEGINNING: u64 = 1 << 32;

/// A TCP segment on its way into a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tcp<'a> {
    pub(super) seq: u32,
    /// `None` without the ACK bit.
    pub(super) ack: Option<u32>,
    pub(super) flags: TcpFlags,
    pub(super) bytes: &'a [u8],
    pub(super) missing: u32,
    pub(super) checksum: Checksum,
    pub(super) tunnel: Option<Tunnel>,
    pub(super) mark: Mark,
}

impl<'a> Tcp<'a> {
    /// `seq`, `ack` and `flags` are those of the segment's header. The payload of a RST is a message
    /// for humans (RFC 9293, section 3.5.3) and no part of the stream.
    pub(super) fn new(segment: &Segment<'a>, seq: u32, ack: u32, flags: TcpFlags, mark: Mark) -> Self {
        let ack = flags.has(TcpFlags::ACK).then_some(ack);
        let (bytes, missing) = if flags.has(TcpFlags::RST) { (&[][..], 0) } else { (segment.payload, segment.missing) };
        Self { seq, ack, flags, bytes, missing, checksum: segment.checksum, tunnel: segment.tunnel, mark }
    }

    /// Payload length on the wire.
    pub(super) const fn length(&self) -> u64 {
        self.bytes.len() as u64 + self.missing as u64
    }

    pub(super) const fn syn(&self) -> bool {
        self.flags.has(TcpFlags::SYN)
    }

    const fn fin(&self) -> bool {
        self.flags.has(TcpFlags::FIN)
    }

    const fn rst(&self) -> bool {
        self.flags.has(TcpFlags::RST)
    }
}

/// Whether a segment belongs to a connection with its addresses and ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// It does.
    Belongs,
    /// It cannot be told yet; a later segment will show.
    Ignore,
    /// It repeats what a connection said that is over.
    Late,
    /// It begins another connection.
    Replaces,
}

/// How a connection stands: decides how long it is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Both sides have said all.
    Closed,
    /// Nothing but SYNs and their answers.
    Handshake,
    /// One side has said all, and the other was never heard.
    HalfClosed,
    /// Aborted, or said to be over with bytes yet to come. What was on its way may still arrive.
    Leaving,
    /// Under way.
    Open,
}

/// Both directions of a connection.
#[derive(Debug, Default)]
pub(super) struct Connection {
    sides: [Side; 2],
    reset: bool,
    /// Somebody went on after the SYNs.
    established: bool,
}

#[derive(Debug, Default)]
struct Side {
    assembler: Assembler,
    /// Position at which the stream ends, once a FIN was seen.
    fin: Option<NonZeroU64>,
    /// Sequence number of its SYN.
    syn: Option<u32>,
    base: Base,
    /// Anything was captured from it.
    spoke: bool,
    /// Checksums of its segments that were right, and wrong.
    right: u8,
    wrong: u8,
}

/// What is known of where a stream begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Base {
    #[default]
    Unknown,
    /// The other side has acknowledged everything before.
    Acknowledged,
    /// Here, or a little earlier: held until the next packet.
    Seen,
    /// Here.
    Known,
}

impl Connection {
    /// Whether a segment from `direction` is one of this connection's. `over`: the connection's end
    /// was told. `idle`: it has been silent for so long that its ports may have been given away.
    pub(super) fn fit(&self, direction: Direction, tcp: &Tcp<'_>, over: bool, idle: bool) -> Fit {
        let (side, other) = self.pair(direction);
        let over_or_idle = over || idle || self.reset;
        if tcp.syn() {
            return match (side.syn, tcp.ack) {
                (Some(syn), _) if syn == tcp.seq => {
                    if over {
                        Fit::Late
                    } else {
                        Fit::Belongs
                    }
                }
                // A server answers a SYN once: either ours, or that of another connection.
                (None, Some(ack)) if side.may_begin(tcp.seq) && other.may_have_begun(ack) && !over_or_idle => {
                    Fit::Belongs
                }
                (_, Some(_)) => Fit::Replaces,
                (_, None) if over_or_idle => Fit::Replaces,
                (None, None) if side.may_begin(tcp.seq) => Fit::Belongs,
                (Some(_), None) if side.is_untouched() && !other.spoke => Fit::Belongs,
                // Forged, or a new connection whose SYN-ACK will tell.
                (_, None) => Fit::Ignore,
            };
        }
        if over {
            let fresh = tcp.length() > 0 && side.position(tcp.seq) + tcp.length() > side.assembler.next();
            return if fresh { Fit::Replaces } else { Fit::Late };
        }
        let strange = side.is_far(tcp.seq) && tcp.ack.is_some_and(|ack| other.is_far(ack));
        if strange && tcp.length() > 0 { Fit::Replaces } else { Fit::Belongs }
    }

    /// Whether the receiver takes a segment with such a checksum. Wrong ones count only while that
    /// sender's are mostly right: on the sender itself they are captured before they are put in.
    pub(super) fn takes(&mut self, direction: Direction, tcp: &Tcp<'_>) -> bool {
        let side = self.side(direction);
        match tcp.checksum {
            Checksum::Bad => {
                side.wrong = side.wrong.saturating_add(1);
                side.right < side.wrong
            }
            // The right checksum of a RST says nothing: systems compute that one themselves.
            Checksum::Good if !tcp.rst() => {
                side.right = side.right.saturating_add(1);
                true
            }
            Checksum::Good | Checksum::Unknown => true,
        }
    }

    /// Takes in a segment that belongs to this connection.
    pub(super) fn segment(
        &mut self,
        direction: Direction,
        tcp: &Tcp<'_>,
        out: &mut impl FnMut(Direction, Piece<'_>, Mark),
    ) -> Repeats {
        let [to_server, to_client] = &mut self.sides;
        let (side, other) = match direction {
            Direction::ToServer => (to_server, to_client),
            Direction::ToClient => (to_client, to_server),
        };
        let out_other = &mut |piece: Piece<'_>, mark| out(direction.reverse(), piece, mark);
        other.settle(out_other);
        if let Some(ack) = tcp.ack {
            other.acknowledged(ack, tcp, out_other);
        }
        let out = &mut |piece: Piece<'_>, mark| out(direction, piece, mark);
        side.spoke = true;
        let mut seq = tcp.seq;
        if tcp.syn() {
            side.begin(seq);
            seq = seq.wrapping_add(1);
        }
        if tcp.rst() {
            self.reset |= side.is_in_window(seq);
            return Repeats::default();
        }
        self.established |= !tcp.syn() || tcp.length() > 0;
        if tcp.length() == 0 && !tcp.fin() {
            return Repeats::default();
        }
        let repeats = side.payload(seq, tcp, out);
        if !other.spoke {
            side.wait_no_longer(tcp.mark.at, out);
        }
        repeats
    }

    /// Passes on everything that is held, with gaps for what is not there.
    pub(super) fn flush(&mut self, out: &mut impl FnMut(Direction, Piece<'_>, Mark)) {
        for (direction, side) in Direction::BOTH.into_iter().zip(&mut self.sides) {
            side.settle(&mut |piece, mark| out(direction, piece, mark));
        }
        loop {
            let sides = Direction::BOTH.into_iter().zip(&mut self.sides);
            let waiting = sides.filter_map(|(direction, side)| Some((side.assembler.waiting()?, direction, side)));
            let Some((_, direction, side)) = waiting.min_by_key(|(mark, ..)| *mark) else { return };
            side.assembler.give_up(&mut |piece, mark| out(direction, piece, mark));
        }
    }

    /// Gives up the first hole of one direction.
    pub(super) fn give_up(&mut self, direction: Direction, out: &mut impl FnMut(Direction, Piece<'_>, Mark)) {
        let out = &mut |piece: Piece<'_>, mark| out(direction, piece, mark);
        let side = self.side(direction);
        side.settle(out);
        side.assembler.give_up(out);
    }

    /// What one direction holds costs so many bytes.
    pub(super) fn cost(&self, direction: Direction) -> usize {
        self.pair(direction).0.assembler.cost()
    }

    pub(super) fn standing(&self) -> Standing {
        let [a, b] = &self.sides;
        if self.reset {
            // Of a connection that did not come about nothing is on its way.
            return if self.established { Standing::Leaving } else { Standing::Closed };
        }
        if !self.established {
            return Standing::Handshake;
        }
        match (a.spoke && b.spoke, a.is_finished(), b.is_finished()) {
            (_, true, true) => Standing::Closed,
            _ if a.fin.is_some() && b.fin.is_some() => Standing::Leaving,
            (false, true, _) | (false, _, true) => Standing::HalfClosed,
            _ => Standing::Open,
        }
    }

    /// Whether it was aborted.
    pub(super) const fn is_reset(&self) -> bool {
        self.reset
    }

    /// Whether anybody went on after the SYNs.
    pub(super) const fn is_established(&self) -> bool {
        self.established
    }

    /// Whether bytes of one direction alone were seen, and nothing at all of the other.
    pub(super) fn is_one_way(&self) -> bool {
        let [a, b] = &self.sides;
        a.spoke != b.spoke
    }

    const fn side(&mut self, direction: Direction) -> &mut Side {
        let [to_server, to_client] = &mut self.sides;
        match direction {
            Direction::ToServer => to_server,
            Direction::ToClient => to_client,
        }
    }

    const fn pair(&self, direction: Direction) -> (&Side, &Side) {
        let [to_server, to_client] = &self.sides;
        match direction {
            Direction::ToServer => (to_server, to_client),
            Direction::ToClient => (to_client, to_server),
        }
    }
}

impl Side {
    /// A sequence number unwrapped to the position nearest to where the stream stands.
    fn position(&self, seq: u32) -> u64 {
        if self.base == Base::Unknown {
            return BEGINNING + u64::from(seq);
        }
        let next = self.assembler.next();
        next.saturating_add_signed(i64::from(seq.wrapping_sub(next as u32).cast_signed()))
    }

    /// Whether the stream can begin right after a SYN of that number.
    fn may_begin(&self, syn: u32) -> bool {
        let (next, first) = (self.assembler.next(), self.position(syn.wrapping_add(1)));
        self.syn.is_none() && (self.base == Base::Unknown || (first..=first + OPENING_REACH).contains(&next))
    }

    /// Whether a SYN-ACK with that acknowledgement answers this side's SYN.
    fn may_have_begun(&self, ack: u32) -> bool {
        let position = self.position(ack);
        self.syn.is_none_or(|syn| (self.position(syn) + 1..=self.assembler.next()).contains(&position))
    }

    /// Only a SYN was seen.
    fn is_untouched(&self) -> bool {
        let after_syn = self.syn.is_some_and(|syn| syn.wrapping_add(1) == self.assembler.next() as u32);
        after_syn && self.assembler.cost() == 0 && self.fin.is_none()
    }

    fn is_far(&self, number: u32) -> bool {
        self.base == Base::Known && self.position(number).abs_diff(self.assembler.next()) > STRANGE_REACH
    }

    fn is_in_window(&self, seq: u32) -> bool {
        let (next, position) = (self.assembler.next(), self.position(seq));
        let window = next.saturating_sub(OPENING_REACH)..=next + limits::REORDER_BYTES as u64;
        self.base == Base::Unknown || window.contains(&position)
    }

    fn is_finished(&self) -> bool {
        self.base == Base::Known && self.fin.is_some_and(|fin| fin.get() <= self.assembler.next())
    }

    /// A SYN says where the stream begins.
    fn begin(&mut self, syn: u32) {
        let first = syn.wrapping_add(1);
        match (self.base, self.syn) {
            // A repeated SYN, or one captured after data it should have preceded.
            (Base::Known, Some(known)) if known == syn => {}
            (Base::Known, None) => {}
            // Held data waits for its turn; whatever comes next settles it.
            (Base::Seen, _) => self.assembler.begin_at(self.position(first)),
            _ => {
                self.assembler.restart(BEGINNING + u64::from(first));
                self.base = Base::Known;
            }
        }
        self.syn = Some(syn);
    }

    /// The stream begins where it seems to.
    fn settle(&mut self, out: &mut impl FnMut(Piece<'_>, Mark)) {
        if self.base == Base::Seen {
            self.base = Base::Known;
            self.assembler.release(out);
        }
    }

    /// The receiver of this side's stream has everything before `ack`, says `tcp`.
    fn acknowledged(&mut self, ack: u32, tcp: &Tcp<'_>, out: &mut impl FnMut(Piece<'_>, Mark)) {
        if self.base == Base::Unknown {
            let position = self.position(ack);
            self.assembler.restart(position);
            self.base = if tcp.syn() { Base::Known } else { Base::Acknowledged };
        }
        let position = self.position(ack);
        while self.assembler.acknowledged(position, tcp.mark.at) {
            self.assembler.give_up(out);
        }
    }

    /// With nobody to acknowledge, a hole that a retransmission would have filled by now is a loss of
    /// the capture.
    fn wait_no_longer(&mut self, now: Timestamp, out: &mut impl FnMut(Piece<'_>, Mark)) {
        while self.assembler.waiting().is_some_and(|mark| now.since(mark.at) >= RETRANSMITTED_WITHIN) {
            self.settle(out);
            self.assembler.give_up(out);
        }
    }

    fn payload(&mut self, seq: u32, tcp: &Tcp<'_>, out: &mut impl FnMut(Piece<'_>, Mark)) -> Repeats {
        let (start, next) = (self.position(seq), self.assembler.next());
        let earlier = (start..=start + OPENING_REACH).contains(&next);
        match self.base {
            Base::Unknown => {
                self.assembler.restart(start);
                self.base = Base::Seen;
            }
            Base::Acknowledged => {
                // A little later: the bytes between are missing. Far off: the acknowledgement was old.
                if earlier || start.abs_diff(next) > limits::REORDER_BYTES as u64 {
                    self.assembler.restart(start);
                }
                self.base = Base::Known;
            }
            Base::Seen if start < next && earlier => self.assembler.begin_at(start),
            Base::Seen => self.settle(out),
            Base::Known => {}
        }
        if tcp.fin() && self.fin.is_none() {
            self.fin = NonZeroU64::new(start + tcp.length());
        }
        if tcp.length() == 0 {
            return Repeats::default();
        }
        let arrival = Arrival { start, bytes: tcp.bytes, missing: tcp.missing, mark: tcp.mark };
        if self.base == Base::Seen { self.assembler.hold(arrival) } else { self.assembler.add(arrival, out) }
    }
}
