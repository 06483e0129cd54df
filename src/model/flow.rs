//! Who talks to whom.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Transport protocol of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// RFC 9293.
    Tcp,
    /// RFC 768.
    Udp,
    /// RFC 9260.
    Sctp,
    /// RFC 1661, for logins that come before there are addresses. It has no ports: they are 0.
    Ppp,
}

impl Transport {
    /// All.
    pub const ALL: [Self; 4] = [Self::Tcp, Self::Udp, Self::Sctp, Self::Ppp];

    /// The name used in every output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ppp => "ppp",
            Self::Sctp => "sctp",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }

    /// Whether what it carries comes in pieces that each stand alone.
    pub const fn is_datagram(self) -> bool {
        matches!(self, Self::Udp | Self::Ppp)
    }

    /// The transport whose protocols it carries. The messages of an SCTP association, one after the other,
    /// are read as a stream.
    #[must_use]
    pub const fn carries_as(self) -> Self {
        match self {
            Self::Sctp => Self::Tcp,
            other => other,
        }
    }

    /// The IP protocol number, of what is carried in IP.
    pub const fn number(self) -> Option<u8> {
        match self {
            Self::Ppp => None,
            Self::Sctp => Some(132),
            Self::Tcp => Some(6),
            Self::Udp => Some(17),
        }
    }
}

/// One side of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// Innermost IP address.
    pub ip: IpAddr,
    /// Transport port.
    pub port: u16,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SocketAddr::new(self.ip, self.port).fmt(f)
    }
}

/// Which way bytes travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// From the client to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
}

impl Direction {
    /// Both, in index order.
    pub const BOTH: [Self; 2] = [Self::ToServer, Self::ToClient];

    /// The other one.
    pub const fn reverse(self) -> Self {
        match self {
            Self::ToServer => Self::ToClient,
            Self::ToClient => Self::ToServer,
        }
    }

    /// 0 for `ToServer`, 1 for `ToClient`: for arrays of two.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The name used in every output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ToServer => "to_server",
            Self::ToClient => "to_client",
        }
    }
}

/// A flow's identity: both directions of a conversation give the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FlowKey {
    /// The lesser endpoint.
    pub low: Endpoint,
    /// The greater endpoint.
    pub high: Endpoint,
    /// Transport protocol.
    pub transport: Transport,
    /// [`Tunnel::network`]: the same addresses may mean others there.
    pub network: u32,
}

impl FlowKey {
    /// The key of a packet from `a` to `b`, or from `b` to `a`, inside of a tunnel or not.
    pub fn new(transport: Transport, a: Endpoint, b: Endpoint, tunnel: Option<Tunnel>) -> Self {
        let (low, high) = if a <= b { (a, b) } else { (b, a) };
        Self { low, high, transport, network: tunnel.map_or(0, Tunnel::network) }
    }
}

/// What packets were wrapped in: the innermost tunnel, and the networks that all of them say they are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tunnel {
    kind: TunnelKind,
    numbered: bool,
    /// A digest of the networks around it. Every flow has one, hence the size.
    around: u16,
    number: u32,
}

impl Tunnel {
    /// A tunnel inside of another, or of none. `number`: that of the network inside, where there is one
    /// and it is the same in both directions.
    #[must_use]
    pub fn inside(outer: Option<Self>, kind: TunnelKind, number: Option<u32>) -> Self {
        let outer = outer.map_or(0, Self::network);
        Self { kind, numbered: number.is_some(), around: (outer ^ outer >> 16) as u16, number: number.unwrap_or(0) }
    }

    /// Tells apart networks that use the same addresses; 0 where no tunnel says which it is.
    pub const fn network(self) -> u32 {
        if !self.numbered {
            return self.around as u32;
        }
        // A multiplier without pattern (the golden ratio): the same numbers nested otherwise give another.
        let around = (self.around as u32).rotate_left(15);
        (around ^ self.number ^ (self.kind as u32) << 24 ^ 1 << 31).wrapping_mul(0x9e37_79b1)
    }
}

impl fmt::Display for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())?;
        if self.numbered { write!(f, " {}", self.number) } else { Ok(()) }
    }
}

/// A way to carry packets in packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TunnelKind {
    /// RFC 5415.
    Capwap,
    /// draft-foschiano-erspan.
    Erspan,
    /// RFC 4303 without encryption (RFC 2410).
    EspNull,
    /// RFC 3378.
    EtherIp,
    /// RFC 8926.
    Geneve,
    /// RFC 2784, RFC 2890.
    Gre,
    /// 3GPP TS 29.281.
    GtpU,
    /// IP in IP of any version: RFC 2003, RFC 2473, RFC 4213.
    Ip,
    /// RFC 2661, RFC 3931.
    L2tp,
    /// RFC 3032.
    Mpls,
    /// RFC 7637.
    NvGre,
    /// RFC 2637.
    Pptp,
    /// RFC 8986.
    Srv6,
    /// RFC 4380.
    Teredo,
    /// TaZmen Sniffer Protocol.
    Tzsp,
    /// RFC 7348.
    Vxlan,
    /// draft-ietf-nvo3-vxlan-gpe.
    VxlanGpe,
}

impl TunnelKind {
    /// The name used in every output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Capwap => "capwap",
            Self::Erspan => "erspan",
            Self::EspNull => "esp-null",
            Self::EtherIp => "etherip",
            Self::Geneve => "geneve",
            Self::Gre => "gre",
            Self::GtpU => "gtp-u",
            Self::Ip => "ip-in-ip",
            Self::L2tp => "l2tp",
            Self::Mpls => "mpls",
            Self::NvGre => "nvgre",
            Self::Pptp => "pptp",
            Self::Srv6 => "srv6",
            Self::Teredo => "teredo",
            Self::Tzsp => "tzsp",
            Self::Vxlan => "vxlan",
            Self::VxlanGpe => "vxlan-gpe",
        }
    }
}

/// Numbers flows in the order their first packets were read. The same for any number of workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowId(pub u64);

/// How sure it is which side is the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Roles {
    /// A SYN or SYN-ACK (or INIT and INIT ACK) was seen.
    Handshake,
    /// From ports or from who spoke first; the classifier may swap them.
    Guessed,
}

/// A conversation between a client and a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flow {
    /// Its number.
    pub id: FlowId,
    /// Transport protocol.
    pub transport: Transport,
    /// Who opened it.
    pub client: Endpoint,
    /// Who answered.
    pub server: Endpoint,
    /// How sure the two above are.
    pub roles: Roles,
    /// What its first packet was wrapped in.
    pub tunnel: Option<Tunnel>,
}

impl Flow {
    /// Stands for the capture itself, where what was found belongs to no conversation.
    pub const OF_CAPTURE: Self = {
        let nobody = Endpoint { ip: IpAddr::V4(Ipv4Addr::UNSPECIFIED), port: 0 };
        let (id, transport, roles) = (FlowId(0), Transport::Tcp, Roles::Guessed);
        Self { id, transport, client: nobody, server: nobody, roles, tunnel: None }
    };

    /// The same flow with client and server exchanged.
    pub const fn swapped(self) -> Self {
        Self { client: self.server, server: self.client, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_directions_share_a_key() {
        let a = Endpoint { ip: IpAddr::from([10, 0, 0, 1]), port: 40000 };
        let b = Endpoint { ip: IpAddr::from([10, 0, 0, 2]), port: 80 };
        assert_eq!(FlowKey::new(Transport::Tcp, a, b, None), FlowKey::new(Transport::Tcp, b, a, None));
    }

    #[test]
    fn networks_are_told_apart_by_all_numbers_on_the_way_to_them() {
        let vxlan = |outer, id| Some(Tunnel::inside(outer, TunnelKind::Vxlan, Some(id)));
        let nested = |outer: u32, inner: u32| vxlan(vxlan(None, outer), inner).map(Tunnel::network);
        let all =
            [nested(1, 2), nested(2, 1), nested(1, 1), nested(0, 1), vxlan(None, 1).map(Tunnel::network), Some(0)];
        assert!(all.iter().enumerate().all(|(n, network)| !all[..n].contains(network)), "{all:?}");
        let [a, b] = [7, 8].map(|number| Tunnel::inside(vxlan(None, number), TunnelKind::Gre, None));
        assert_ne!(a.network(), b.network());
        assert_eq!((Tunnel::inside(None, TunnelKind::Gre, None).network(), a.to_string().as_str()), (0, "gre"));
        assert_eq!(vxlan(None, 7).map(|tunnel| tunnel.to_string()), Some("vxlan 7".to_owned()));
    }
}
