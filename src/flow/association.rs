//! One SCTP association: its two sides, and which packets are its own (RFC 9260, seen from beside the
//! path). It is between two addresses and ports: where an end has several addresses, each path counts as
//! an association.

use super::assembler::{Piece, Repeats};
use super::connection::{Fit, Standing};
use super::order::Order;
use crate::decode::sctp::{self, Chunk, Chunks};
use crate::decode::{Checksum, Segment};
use crate::model::flow::{Direction, Tunnel};
use crate::model::packet::Mark;

/// An SCTP packet on its way into an association.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet<'a> {
    tag: u32,
    chunks: Chunks<'a>,
    pub(super) checksum: Checksum,
    pub(super) tunnel: Option<Tunnel>,
    pub(super) mark: Mark,
}

impl<'a> Packet<'a> {
    pub(super) const fn new(segment: &Segment<'a>, tag: u32, mark: Mark) -> Self {
        let chunks = sctp::chunks(segment.payload, segment.missing);
        Self { tag, chunks, checksum: segment.checksum, tunnel: segment.tunnel, mark }
    }

    /// Bytes of messages.
    pub(super) fn length(&self) -> u64 {
        let length = |chunk| match chunk {
            Chunk::Data(data) => data.bytes.len() as u64 + u64::from(data.missing),
            _ => 0,
        };
        self.chunks.map(length).sum()
    }

    /// Whether its sender is the client: an INIT says yes, an INIT ACK no.
    pub(super) fn opens(&self) -> Option<bool> {
        match self.first() {
            Chunk::Init { answer, .. } => Some(!answer),
            _ => None,
        }
    }

    /// These two stand alone or before all others.
    fn first(&self) -> Chunk<'a> {
        self.chunks.clone().next().unwrap_or(Chunk::Unknown)
    }
}

/// Both directions of an association.
#[derive(Debug, Default)]
pub(super) struct Association {
    sides: [Side; 2],
    /// Somebody went on after INIT and INIT ACK.
    established: bool,
    end: Option<End>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Aborted,
    /// Nothing more will be sent.
    Shutdown,
    /// The last word was said.
    Complete,
}

#[derive(Debug, Default)]
struct Side {
    /// What it is to be addressed with.
    tag: Option<u32>,
    order: Order,
    spoke: bool,
}

impl Association {
    /// Whether a packet from `direction` is one of this association's. `over`: the end was told. `idle`:
    /// it has been silent for so long that its ports may have been given away.
    pub(super) fn fit(&self, direction: Direction, packet: &Packet<'_>, over: bool, idle: bool) -> Fit {
        let (side, other) = self.pair(direction);
        let gone = over || idle || self.end.is_some();
        match packet.first() {
            Chunk::Init { tag, .. } if side.tag == Some(tag) => {
                if over {
                    Fit::Late
                } else {
                    Fit::Belongs
                }
            }
            Chunk::Init { .. } if gone => Fit::Replaces,
            Chunk::Init { .. } if !self.established => Fit::Belongs,
            // Forged, or of an end that has forgotten the association: the answer will tell.
            Chunk::Init { answer: false, .. } => Fit::Ignore,
            Chunk::Init { answer: true, .. } if other.tag == Some(packet.tag) => Fit::Belongs,
            Chunk::Init { answer: true, .. } => Fit::Replaces,
            first => {
                let reflected = matches!(
                    first,
                    Chunk::Abort { reflected: true } | Chunk::Shutdown { complete: true, reflected: true }
                );
                let known = if reflected { side.tag } else { other.tag };
                match (known.is_none_or(|tag| tag == packet.tag), gone && packet.length() > 0) {
                    (true, _) if over && self.is_old(direction, packet) => Fit::Late,
                    (true, _) if !over => Fit::Belongs,
                    (_, true) => Fit::Replaces,
                    (_, false) => Fit::Ignore,
                }
            }
        }
    }

    /// Takes in a packet that belongs to this association.
    pub(super) fn packet(
        &mut self,
        direction: Direction,
        packet: &Packet<'_>,
        out: &mut impl FnMut(Direction, Piece<'_>, Mark),
    ) -> Repeats {
        let Self { sides: [to_server, to_client], established, end } = self;
        let (side, other) = match direction {
            Direction::ToServer => (to_server, to_client),
            Direction::ToClient => (to_client, to_server),
        };
        side.spoke = true;
        let mark = packet.mark;
        let mut bytes = 0;
        for chunk in packet.chunks {
            *established |= !matches!(chunk, Chunk::Init { .. } | Chunk::Abort { .. } | Chunk::Unknown);
            let own = &mut |piece: Piece<'_>, mark| out(direction, piece, mark);
            match chunk {
                Chunk::Init { tag, tsn, .. } => {
                    *side = Side { tag: Some(tag), order: Order::default(), spoke: true };
                    side.order.begin(tsn);
                }
                Chunk::Data(data) => {
                    other.tag.get_or_insert(packet.tag);
                    bytes += side.order.add(&data, mark, own);
                }
                Chunk::Forward(tsn) => side.order.forward(tsn, own),
                Chunk::Acknowledged(tsn) => {
                    other.order.acknowledged(tsn, &mut |piece, mark| out(direction.reverse(), piece, mark));
                }
                Chunk::Abort { .. } => *end = Some(End::Aborted),
                Chunk::Shutdown { complete, .. } => *end = Some(if complete { End::Complete } else { End::Shutdown }),
                Chunk::Other | Chunk::Unknown => {}
            }
        }
        if !other.spoke {
            side.order.wait_no_longer(mark.at, &mut |piece, mark| out(direction, piece, mark));
        }
        Repeats { bytes, conflicting: 0 }
    }

    /// Passes on everything that is held, with gaps for what is not there.
    pub(super) fn flush(&mut self, out: &mut impl FnMut(Direction, Piece<'_>, Mark)) {
        for (direction, side) in Direction::BOTH.into_iter().zip(&mut self.sides) {
            side.order.flush(&mut |piece, mark| out(direction, piece, mark));
        }
    }

    /// Gives up the first hole of one direction.
    pub(super) fn give_up(&mut self, direction: Direction, out: &mut impl FnMut(Direction, Piece<'_>, Mark)) {
        let [to_server, to_client] = &mut self.sides;
        let side = if direction == Direction::ToServer { to_server } else { to_client };
        side.order.give_up(&mut |piece, mark| out(direction, piece, mark));
    }

    /// What one direction holds costs so many bytes.
    pub(super) const fn cost(&self, direction: Direction) -> usize {
        self.pair(direction).0.order.cost()
    }

    pub(super) const fn standing(&self) -> Standing {
        match self.end {
            Some(End::Complete) => Standing::Closed,
            // Of one that did not come about nothing is on its way.
            Some(End::Aborted) if !self.established => Standing::Closed,
            Some(End::Aborted | End::Shutdown) => Standing::Leaving,
            None if self.established => Standing::Open,
            None => Standing::Handshake,
        }
    }

    /// Whether it was aborted.
    pub(super) fn is_aborted(&self) -> bool {
        self.end == Some(End::Aborted)
    }

    /// Whether anybody went on after INIT and INIT ACK.
    pub(super) const fn is_established(&self) -> bool {
        self.established
    }

    /// Whether one side alone was heard.
    pub(super) const fn is_one_way(&self) -> bool {
        let [a, b] = &self.sides;
        a.spoke != b.spoke
    }

    /// Whether all of a packet had come before.
    fn is_old(&self, direction: Direction, packet: &Packet<'_>) -> bool {
        let order = &self.pair(direction).0.order;
        packet.chunks.into_iter().all(|chunk| match chunk {
            Chunk::Data(data) => order.is_past(data.tsn),
            _ => true,
        })
    }

    const fn pair(&self, direction: Direction) -> (&Side, &Side) {
        let [to_server, to_client] = &self.sides;
        match direction {
            Direction::ToServer => (to_server, to_client),
            Direction::ToClient => (to_client, to_server),
        }
    }
}
