//! Who talks to whom.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// Transport protocol of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// RFC 9293.
    Tcp,
    /// RFC 768.
    Udp,
}

impl Transport {
    /// All.
    pub const ALL: [Self; 2] = [Self::Tcp, Self::Udp];

    /// The name used in every output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }

    /// The IP protocol number.
    pub const fn number(self) -> u8 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
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
}

impl FlowKey {
    /// The key of a packet from `a` to `b`, or from `b` to `a`.
    pub fn new(transport: Transport, a: Endpoint, b: Endpoint) -> Self {
        let (low, high) = if a <= b { (a, b) } else { (b, a) };
        Self { low, high, transport }
    }
}

/// Numbers flows in the order their first packets were read. The same for any number of workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowId(pub u64);

/// How sure it is which side is the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Roles {
    /// A SYN or SYN-ACK was seen.
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
}

impl Flow {
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
        assert_eq!(FlowKey::new(Transport::Tcp, a, b), FlowKey::new(Transport::Tcp, b, a));
    }
}
