//! Who is the client.

use crate::model::flow::{Endpoint, Roles, Transport};

/// Where systems begin to choose ports for clients: 32768 on Linux, 49152 by RFC 6335.
const EPHEMERAL: u16 = 32768;

/// The two sides of a flow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parties {
    pub(super) client: Endpoint,
    pub(super) server: Endpoint,
    pub(super) roles: Roles,
}

/// Client and server of a connection whose handshake says whether `source` opened it.
pub(super) const fn by_handshake(source: Endpoint, destination: Endpoint, opens: bool) -> Parties {
    let (client, server) = if opens { (source, destination) } else { (destination, source) };
    Parties { client, server, roles: Roles::Handshake }
}

/// The same without a handshake to go by. The first packet went from `source` to `destination`; `serves`
/// says whether a port is one that servers are usually found at.
pub(super) fn by_port(
    source: Endpoint,
    destination: Endpoint,
    transport: Transport,
    serves: fn(u16) -> bool,
) -> Parties {
    let rank = |port: u16| match port {
        0..1024 => 0,
        _ if serves(port) => 0,
        1024..EPHEMERAL => 1,
        EPHEMERAL.. => 2,
    };
    let source_serves = match rank(source.port).cmp(&rank(destination.port)) {
        std::cmp::Ordering::Less => true,
        std::cmp::Ordering::Greater => false,
        // A datagram flow is usually seen from its start, a connection without its SYN from anywhere.
        std::cmp::Ordering::Equal => !transport.is_datagram() && source.port < destination.port,
    };
    let (client, server) = if source_serves { (destination, source) } else { (source, destination) };
    Parties { client, server, roles: Roles::Guessed }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    #[test]
    fn a_usual_server_port_goes_before_a_lower_one_and_that_before_who_spoke_first() {
        let server = |transport, source, destination| {
            let endpoint = |port| Endpoint { ip: IpAddr::from([10, 0, 0, 1]), port };
            by_port(endpoint(source), endpoint(destination), transport, |port| port == 5432).server.port
        };
        assert_eq!(server(Transport::Tcp, 443, 50000), 443);
        assert_eq!(server(Transport::Tcp, 5432, 1500), 5432);
        assert_eq!(server(Transport::Tcp, 9001, 9000), 9000);
        assert_eq!(server(Transport::Tcp, 40000, 8081), 8081);
        assert_eq!(server(Transport::Udp, 40000, 8081), 8081);
        assert_eq!(server(Transport::Udp, 40000, 50000), 50000);
        assert_eq!(server(Transport::Udp, 50000, 40000), 40000);
    }
}
