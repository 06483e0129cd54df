//! From a captured frame to the payload of a transport, through whatever lies between.

use crate::model::flow::{Endpoint, Transport};
use crate::model::packet::Packet;

/// The transport payload of one packet, with its addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Who sent it.
    pub source: Endpoint,
    /// To whom.
    pub destination: Endpoint,
    /// What the transport header says.
    pub transport: TransportHeader,
    /// The captured payload.
    pub payload: &'a [u8],
    /// Payload bytes that were on the wire after `payload` and that the snap length cut off.
    pub missing: u32,
}

/// The part of a transport header that reassembly needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportHeader {
    /// RFC 9293.
    Tcp {
        /// Sequence number of the first payload byte (of the SYN, where there is one).
        seq: u32,
        /// Next byte expected from the other side; meaningful with [`TcpFlags::ack`].
        ack: u32,
        /// Control bits.
        flags: TcpFlags,
        /// Window as sent, unscaled.
        window: u16,
    },
    /// RFC 768.
    Udp,
}

impl TransportHeader {
    /// Which transport it is.
    pub const fn transport(self) -> Transport {
        match self {
            Self::Tcp { .. } => Transport::Tcp,
            Self::Udp => Transport::Udp,
        }
    }
}

/// TCP control bits (RFC 9293, section 3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// No more data from the sender.
    pub const FIN: Self = Self(0x01);
    /// Opens a connection.
    pub const SYN: Self = Self(0x02);
    /// Aborts a connection.
    pub const RST: Self = Self(0x04);
    /// The acknowledgement number is meaningful.
    pub const ACK: Self = Self(0x10);

    /// Whether all bits of `other` are set.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Why a packet has no segment: a short reason for the tally of what was skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undecodable(pub &'static str);

/// Finds the transport payload of a packet.
pub fn decode<'a>(packet: &Packet<'a>) -> Result<Segment<'a>, Undecodable> {
    let _ = packet;
    Err(Undecodable("unknown link type"))
}
