//! What has connections: TCP, and SCTP with its associations. The table treats them alike.

use super::assembler::{Piece, Repeats};
use super::association::{self, Association};
use super::connection::{Connection, Fit, Standing, Tcp};
use crate::decode::Checksum;
use crate::model::flow::{Direction, Tunnel};
use crate::model::packet::Mark;

/// A packet on its way into a connection.
#[derive(Clone, Copy, Debug)]
pub(super) enum Arriving<'a> {
    Tcp(Tcp<'a>),
    Sctp(association::Packet<'a>),
}

impl Arriving<'_> {
    /// Payload length on the wire.
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::Tcp(tcp) => tcp.length(),
            Self::Sctp(packet) => packet.length(),
        }
    }

    /// Whether its sender is the client, where that shows.
    pub(super) fn opens(&self) -> Option<bool> {
        match self {
            Self::Tcp(tcp) => tcp.syn().then_some(tcp.ack.is_none()),
            Self::Sctp(packet) => packet.opens(),
        }
    }

    pub(super) const fn mark(&self) -> Mark {
        match self {
            Self::Tcp(tcp) => tcp.mark,
            Self::Sctp(packet) => packet.mark,
        }
    }

    pub(super) const fn tunnel(&self) -> Option<Tunnel> {
        match self {
            Self::Tcp(tcp) => tcp.tunnel,
            Self::Sctp(packet) => packet.tunnel,
        }
    }

    /// A connection that this may be the first packet of.
    pub(super) fn connection(&self) -> Stream {
        match self {
            Self::Tcp(_) => Stream::Tcp(Connection::default()),
            Self::Sctp(_) => Stream::Sctp(Box::default()),
        }
    }
}

/// A connection. A packet of the other transport is never asked about: it has another key.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(Connection),
    /// Rare, and larger.
    Sctp(Box<Association>),
}

impl Stream {
    /// See [`Connection::fit`].
    pub(super) fn fit(&self, direction: Direction, packet: &Arriving<'_>, over: bool, idle: bool) -> Fit {
        match (self, packet) {
            (Self::Tcp(connection), Arriving::Tcp(tcp)) => connection.fit(direction, tcp, over, idle),
            (Self::Sctp(association), Arriving::Sctp(packet)) => association.fit(direction, packet, over, idle),
            _ => Fit::Replaces,
        }
    }

    /// Whether the receiver takes a packet with such a checksum.
    pub(super) fn takes(&mut self, direction: Direction, packet: &Arriving<'_>) -> bool {
        match (self, packet) {
            (Self::Tcp(connection), Arriving::Tcp(tcp)) => connection.takes(direction, tcp),
            (_, Arriving::Sctp(packet)) => packet.checksum != Checksum::Bad,
            _ => true,
        }
    }

    /// Takes in a packet that belongs to it.
    pub(super) fn packet(
        &mut self,
        direction: Direction,
        packet: &Arriving<'_>,
        out: &mut impl FnMut(Direction, Piece<'_>, Mark),
    ) -> Repeats {
        match (self, packet) {
            (Self::Tcp(connection), Arriving::Tcp(tcp)) => connection.segment(direction, tcp, out),
            (Self::Sctp(association), Arriving::Sctp(packet)) => association.packet(direction, packet, out),
            _ => Repeats::default(),
        }
    }

    /// Passes on everything that is held, with gaps for what is not there.
    pub(super) fn flush(&mut self, out: &mut impl FnMut(Direction, Piece<'_>, Mark)) {
        match self {
            Self::Tcp(connection) => connection.flush(out),
            Self::Sctp(association) => association.flush(out),
        }
    }

    /// Gives up the first hole of one direction.
    pub(super) fn give_up(&mut self, direction: Direction, out: &mut impl FnMut(Direction, Piece<'_>, Mark)) {
        match self {
            Self::Tcp(connection) => connection.give_up(direction, out),
            Self::Sctp(association) => association.give_up(direction, out),
        }
    }

    /// What both directions hold costs so many bytes.
    pub(super) fn cost(&self) -> usize {
        Direction::BOTH.into_iter().map(|direction| self.cost_of(direction)).sum()
    }

    /// What one direction holds costs so many bytes.
    pub(super) fn cost_of(&self, direction: Direction) -> usize {
        match self {
            Self::Tcp(connection) => connection.cost(direction),
            Self::Sctp(association) => association.cost(direction),
        }
    }

    pub(super) fn standing(&self) -> Standing {
        match self {
            Self::Tcp(connection) => connection.standing(),
            Self::Sctp(association) => association.standing(),
        }
    }

    /// Whether it was aborted.
    pub(super) fn is_reset(&self) -> bool {
        match self {
            Self::Tcp(connection) => connection.is_reset(),
            Self::Sctp(association) => association.is_aborted(),
        }
    }

    /// Whether anybody went on after the handshake.
    pub(super) const fn is_established(&self) -> bool {
        match self {
            Self::Tcp(connection) => connection.is_established(),
            Self::Sctp(association) => association.is_established(),
        }
    }

    /// Whether one side alone was heard.
    pub(super) fn is_one_way(&self) -> bool {
        match self {
            Self::Tcp(connection) => connection.is_one_way(),
            Self::Sctp(association) => association.is_one_way(),
        }
    }
}
