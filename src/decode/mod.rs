//! From a captured frame to the payload of a transport, through whatever lies between.

mod checksum;
mod ip;
mod link;

use std::net::IpAddr;

use crate::model::flow::{Endpoint, Transport};
use crate::model::limits;
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
    /// Whether it is as it was sent.
    pub checksum: Checksum,
}

/// What a transport checksum (RFC 1071) says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// The receiver will not take it. Or the sender's network card had yet to put the right one in,
    /// which shows in that all of that sender's are wrong.
    Bad,
    /// The receiver will take it.
    Good,
    /// It cannot be told: a snap length cut the packet, or the checksum is one that a network card
    /// completes.
    Unknown,
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

impl Undecodable {
    /// ICMP.
    pub const ICMP: Self = Self("icmp");
    /// An encrypted IPsec payload.
    pub const IPSEC: Self = Self("ipsec payload");
    /// Part of a datagram that was cut up.
    pub const FRAGMENT: Self = Self("ip fragment");
    /// A header that contradicts itself.
    pub const MALFORMED: Self = Self("malformed header");
    /// ARP, spanning tree and whatever else needs no IP.
    pub const NOT_IP: Self = Self("not ip");
    /// More layers than [`limits::DECODE_DEPTH`].
    pub const TOO_DEEP: Self = Self("too many layers");
    /// The packet, or what the snap length left of it, ends inside a header.
    pub const TRUNCATED: Self = Self("truncated header");
    /// A link layer nobody here knows.
    pub const UNKNOWN_LINK: Self = Self("unknown link type");
    /// Neither TCP nor UDP.
    pub const UNKNOWN_TRANSPORT: Self = Self("unknown transport");
}

/// Finds the transport payload of a packet.
///
/// Layers are peeled off one by one, up to [`limits::DECODE_DEPTH`]. A layer that states its own
/// length is believed over the length of the frame, which Ethernet pads and a snap length cuts.
pub fn decode<'a>(packet: &Packet<'a>) -> Result<Segment<'a>, Undecodable> {
    let mut walk = Walk { bytes: packet.bytes, wire_len: packet.wire_len as usize };
    let mut layer = link::first(packet.link)?;
    for _ in 0..limits::DECODE_DEPTH {
        layer = match layer {
            Layer::CiscoHdlc => link::cisco_hdlc(&mut walk)?,
            Layer::EtherType(kind) => link::ether_type(kind)?,
            Layer::Ethernet => link::ethernet(&mut walk)?,
            Layer::Ip => ip::version(&walk)?,
            Layer::Ipv4 => ip::v4(&mut walk)?,
            Layer::Ipv6 => ip::v6(&mut walk)?,
            Layer::Llc => link::llc(&mut walk)?,
            Layer::LinuxCooked => link::linux_cooked(&mut walk)?,
            Layer::LinuxCooked2 => link::linux_cooked_2(&mut walk)?,
            Layer::Mpls => link::mpls(&mut walk)?,
            Layer::Null => link::null(&mut walk)?,
            Layer::Ppp => link::ppp(&mut walk)?,
            Layer::Pppoe => link::pppoe(&mut walk)?,
            Layer::Transport { number, addresses } => match ip::transport(&mut walk, number, addresses)? {
                Inner::Layer(layer) => layer,
                Inner::Segment(segment) => return Ok(segment),
            },
            Layer::Vlan => link::vlan(&mut walk)?,
        };
    }
    Err(Undecodable::TOO_DEEP)
}

/// What the next bytes are.
#[derive(Clone, Copy)]
enum Layer {
    CiscoHdlc,
    EtherType(u16),
    Ethernet,
    Ip,
    Ipv4,
    Ipv6,
    LinuxCooked,
    LinuxCooked2,
    Llc,
    Mpls,
    Null,
    Ppp,
    Pppoe,
    Transport { number: u8, addresses: Addresses },
    Vlan,
}

/// Source and destination of the innermost IP header so far.
#[derive(Clone, Copy)]
struct Addresses(IpAddr, IpAddr);

/// What an IP protocol number led to.
enum Inner<'a> {
    Layer(Layer),
    Segment(Segment<'a>),
}

/// What is left of a packet.
struct Walk<'a> {
    /// As captured.
    bytes: &'a [u8],
    /// Length on the wire, which the captured bytes may fall short of.
    wire_len: usize,
}

impl<'a> Walk<'a> {
    fn take<const N: usize>(&mut self) -> Result<&'a [u8; N], Undecodable> {
        let (taken, rest) = self.bytes.split_first_chunk().ok_or(Undecodable::TRUNCATED)?;
        self.bytes = rest;
        self.wire_len = self.wire_len.saturating_sub(N);
        Ok(taken)
    }

    /// Passes over bytes, captured or not.
    fn skip(&mut self, count: usize) {
        self.bytes = self.bytes.get(count..).unwrap_or_default();
        self.wire_len = self.wire_len.saturating_sub(count);
    }

    /// A layer says how long the rest is.
    fn limit(&mut self, wire_len: usize) {
        self.bytes = self.bytes.get(..wire_len).unwrap_or(self.bytes);
        self.wire_len = wire_len;
    }

    /// How many bytes of the rest were not captured.
    fn missing(&self) -> u32 {
        u32::try_from(self.wire_len.saturating_sub(self.bytes.len())).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests;
