//! From a captured frame to the payload of a transport, through whatever lies between.

mod checksum;
pub mod copies;
mod defrag;
mod esp;
mod ip;
mod link;
mod ppp;
pub mod sctp;
mod shape;
mod tunnel;
mod udp;
mod wlan;

use std::net::IpAddr;

use self::defrag::{Fragments, Part, Whole};
use crate::model::flow::{Endpoint, Transport, Tunnel, TunnelKind};
use crate::model::limits::{self, Limits};
use crate::model::packet::Packet;
use crate::model::tally::Skipped;

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
    /// What it was wrapped in.
    pub tunnel: Option<Tunnel>,
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
        /// Next byte expected from the other side; meaningful with the flag ACK.
        ack: u32,
        /// Control bits.
        flags: TcpFlags,
        /// Window as sent, unscaled.
        window: u16,
    },
    /// RFC 768.
    Udp,
    /// RFC 9260. The payload is what [`sctp::chunks`] takes apart.
    Sctp {
        /// What the receiver chose to know its associations by.
        tag: u32,
    },
    /// PAP (RFC 1334) or CHAP (RFC 1994). The payload begins with the number of the protocol.
    Ppp,
}

impl TransportHeader {
    /// Which transport it is.
    pub const fn transport(self) -> Transport {
        match self {
            Self::Tcp { .. } => Transport::Tcp,
            Self::Udp => Transport::Udp,
            Self::Sctp { .. } => Transport::Sctp,
            Self::Ppp => Transport::Ppp,
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
    /// A packet that ends before any transport, and says so.
    pub const EMPTY: Self = Self("no payload");
    /// The encrypted payload of IPsec (RFC 4303).
    pub const ESP: Self = Self("ipsec esp");
    /// The key exchange of IPsec (RFC 7296).
    pub const IKE: Self = Self("ipsec ike");
    /// ICMP.
    pub const ICMP: Self = Self("icmp");
    /// Encrypted in the link layer (IEEE 802.1AE).
    pub const MACSEC: Self = Self("macsec");
    /// A header that contradicts itself.
    pub const MALFORMED: Self = Self("malformed header");
    /// ARP, spanning tree and whatever else needs no IP.
    pub const NOT_IP: Self = Self("not ip");
    /// The rest of a frame that another one interrupted (IEEE 802.3br).
    pub const M_PACKET: Self = Self("802.3br fragment");
    /// Encrypted or compressed in PPP.
    pub const PPP_OPAQUE: Self = Self("ppp, encrypted or compressed");
    /// More layers than [`limits::DECODE_DEPTH`].
    pub const TOO_DEEP: Self = Self("too many layers");
    /// The packet, or what the snap length left of it, ends inside a header.
    pub const TRUNCATED: Self = Self("truncated header");
    /// A link layer nobody here knows.
    pub const UNKNOWN_LINK: Self = Self("unknown link type");
    /// Neither TCP nor UDP nor SCTP.
    pub const UNKNOWN_TRANSPORT: Self = Self("unknown transport");
    /// Several frames in one.
    pub const WLAN_AGGREGATE: Self = Self("802.11 aggregate");
    /// Received with a wrong checksum, as the receiver says.
    pub const WLAN_DAMAGED: Self = Self("802.11 damaged");
    /// Cut up in the link layer.
    pub const WLAN_FRAGMENT: Self = Self("802.11 fragment");
    /// Encrypted in the link layer.
    pub const WLAN_PROTECTED: Self = Self("802.11 protected");
}

/// Finds the transport payloads of packets, and holds the fragments of datagrams that are not complete.
#[derive(Default)]
pub struct Decoder {
    fragments: Fragments,
    /// The datagram that was completed last.
    whole: Whole,
}

impl Decoder {
    /// A decoder that holds fragments within limits other than the usual ones.
    pub fn new(limits: &Limits) -> Self {
        Self { fragments: Fragments::new(limits), whole: Whole::default() }
    }

    /// Finds the transport payload of a packet; nothing, where the packet is a fragment that others are
    /// waited for, or that is not needed any more.
    ///
    /// Layers are peeled off one by one, up to [`limits::DECODE_DEPTH`]. A layer that states its own
    /// length is believed over the length of the frame, which Ethernet pads and a snap length cuts.
    pub fn decode<'a>(&'a mut self, packet: &Packet<'a>) -> Result<Option<Segment<'a>>, Undecodable> {
        let (bytes, wire_len) = (packet.bytes, packet.wire_len as usize);
        let walk = Walk { bytes, wire_len, tunnel: None, corrupt: false, ends: Ends::Nobody };
        let mut depth = limits::DECODE_DEPTH;
        match peel(walk, link::first(packet.link)?, &mut depth)? {
            Found::Segment(segment) => Ok(Some(segment)),
            Found::Fragment(walk, part) => self.put_together(&walk, &part, packet, depth),
        }
    }

    /// What was skipped besides the packets that [`Decoder::decode`] gave a reason for: fragments whose
    /// datagrams stayed incomplete, and those that came again. The capture is over.
    pub fn finish(&mut self) -> Skipped {
        self.fragments.finish()
    }

    /// Fragments that are smaller than any network needs them to be.
    pub const fn tiny_fragments(&self) -> u64 {
        self.fragments.tiny()
    }

    /// Fragmented datagrams that were given up for want of room.
    pub const fn evicted(&self) -> u64 {
        self.fragments.evicted()
    }

    #[cold]
    fn put_together(
        &mut self,
        walk: &Walk<'_>,
        part: &Part,
        Packet { mark, bytes, .. }: &Packet<'_>,
        mut depth: usize,
    ) -> Result<Option<Segment<'_>>, Undecodable> {
        let frame = bytes.len() as u64;
        let Some(mut whole) = self.fragments.add(part, walk, mark.at, frame)? else { return Ok(None) };
        // In it may be a tunnel, and in that the last fragment of another datagram.
        while let Found::Fragment(walk, part) = whole.peel(&mut depth)? {
            match self.fragments.add(&part, &walk, mark.at, frame)? {
                Some(inner) => whole = inner,
                None => return Ok(None),
            }
        }
        self.whole = whole;
        match self.whole.peel(&mut { limits::DECODE_DEPTH })? {
            Found::Segment(segment) => Ok(Some(segment)),
            Found::Fragment(..) => Ok(None),
        }
    }
}

impl Whole {
    fn peel(&self, depth: &mut usize) -> Result<Found<'_>, Undecodable> {
        let (walk, layer) = self.start()?;
        peel(walk, layer, depth)
    }
}

/// Where the layers end.
enum Found<'a> {
    Fragment(Walk<'a>, Part),
    Segment(Segment<'a>),
}

fn peel<'a>(mut walk: Walk<'a>, mut layer: Layer, depth: &mut usize) -> Result<Found<'a>, Undecodable> {
    while let Some(left) = depth.checked_sub(1) {
        *depth = left;
        layer = match layer {
            Layer::Fragment(part) => return Ok(Found::Fragment(walk, part)),
            Layer::Transport { number, addresses } => match ip::transport(&mut walk, number, addresses)? {
                Inner::Layer(layer) => layer,
                Inner::Segment(segment) => return Ok(Found::Segment(segment)),
            },
            Layer::PppLogin => return Ok(Found::Segment(ppp::login(walk))),
            layer => step(&mut walk, layer)?,
        };
    }
    Err(Undecodable::TOO_DEEP)
}

/// Peels off one layer, and says what is under it.
fn step(walk: &mut Walk<'_>, layer: Layer) -> Result<Layer, Undecodable> {
    match layer {
        Layer::Ethernet => link::ethernet(walk),
        Layer::EthernetBehind(length) => {
            walk.skip(length);
            link::ethernet(walk)
        }
        Layer::Fddi => link::fddi(walk),
        Layer::FrameRelay => link::frame_relay(walk),
        Layer::Ip => ip::version(walk),
        Layer::IpBehind(length) => {
            walk.skip(length);
            Ok(Layer::Ip)
        }
        Layer::Ipv4 => ip::v4(walk),
        Layer::Ipv6 => ip::v6(walk),
        Layer::LinuxCooked => link::linux_cooked(walk),
        Layer::LinuxCooked2 => link::linux_cooked_2(walk),
        Layer::Llc => link::llc(walk),
        Layer::MacSec => link::mac_sec(walk),
        Layer::MPacket => link::m_packet(walk),
        Layer::Mpls => link::mpls(walk),
        Layer::NfLog => link::nf_log(walk),
        Layer::Nsh => tunnel::nsh(walk),
        Layer::Null => link::null(walk),
        Layer::PfLog => link::pf_log(walk),
        Layer::Ppi => link::ppi(walk),
        Layer::Ppp => link::ppp(walk),
        Layer::PppBehind(length) => {
            walk.skip(length);
            link::ppp(walk)
        }
        Layer::Pppoe => link::pppoe(walk),
        Layer::Prism => wlan::prism(walk),
        Layer::Radiotap => wlan::radiotap(walk),
        Layer::Tag(length) => link::tag(walk, length),
        Layer::TokenRing => link::token_ring(walk),
        Layer::Wlan(form) => wlan::frame(walk, form),
        // Where IP ends, the walk does, and where PPP does not lead there.
        Layer::PppLogin => Err(Undecodable::NOT_IP),
        Layer::Fragment(_) | Layer::Transport { .. } => Err(Undecodable::UNKNOWN_TRANSPORT),
    }
}

/// What the next bytes are.
#[derive(Clone, Copy)]
enum Layer {
    Ethernet,
    /// So many bytes, then an Ethernet frame.
    EthernetBehind(usize),
    Fddi,
    Fragment(Part),
    FrameRelay,
    Ip,
    /// So many bytes, then IP.
    IpBehind(usize),
    Ipv4,
    Ipv6,
    LinuxCooked,
    LinuxCooked2,
    Llc,
    MacSec,
    MPacket,
    Mpls,
    NfLog,
    Nsh,
    Null,
    PfLog,
    Ppi,
    Ppp,
    /// So many bytes, then PPP.
    PppBehind(usize),
    /// PAP or CHAP, from the number of the protocol on.
    PppLogin,
    Pppoe,
    Prism,
    Radiotap,
    /// So many bytes, then an Ethernet type.
    Tag(usize),
    TokenRing,
    Transport {
        number: u8,
        addresses: Addresses,
    },
    Wlan(wlan::Form),
}

impl Layer {
    const WLAN: Self = Self::Wlan(wlan::Form { padded: false, swapped: false });
}

/// Source and destination of the innermost IP header so far.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Addresses(IpAddr, IpAddr);

/// What an IP protocol number led to.
enum Inner<'a> {
    Layer(Layer),
    Segment(Segment<'a>),
}

/// What is left of a packet.
#[derive(Clone, Copy)]
struct Walk<'a> {
    /// As captured.
    bytes: &'a [u8],
    /// Length on the wire, which the captured bytes may fall short of.
    wire_len: usize,
    /// The tunnel that the rest is in.
    tunnel: Option<Tunnel>,
    /// An IPv4 header on the way had a wrong checksum: no receiver gets this.
    corrupt: bool,
    /// Between whom it is, as far as was seen.
    ends: Ends<'a>,
}

/// The innermost ends of a packet so far.
#[derive(Clone, Copy)]
enum Ends<'a> {
    Addresses(Addresses),
    /// An Ethernet header.
    Cards(&'a [u8; 14]),
    Nobody,
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

    /// What follows is in a tunnel of a network with this number, or of none that both directions share.
    fn enter(&mut self, kind: TunnelKind, id: Option<u32>) {
        self.tunnel = Some(Tunnel::inside(self.tunnel, kind, id));
    }

    /// Tells apart packets with the same addresses.
    fn network(&self) -> u32 {
        self.tunnel.map_or(0, Tunnel::network)
    }

    /// How many bytes of the rest were not captured.
    fn missing(&self) -> u32 {
        u32::try_from(self.wire_len.saturating_sub(self.bytes.len())).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests;
