//! Community ID version 1: the flow identifier that Zeek, Suricata and others write too, so that a
//! finding can be looked up there. <https://github.com/corelight/community-id-spec>

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

use crate::model::flow::{Endpoint, Transport};

/// The specification's default seed.
const SEED: u16 = 0;

/// The identifier of the flow between two endpoints, whichever of them is named first. `None` for what is
/// no transport of IP: the specification has no word for it.
pub fn of(transport: Transport, a: Endpoint, b: Endpoint) -> Option<String> {
    let number = transport.number()?;
    let (low, high) = if (bytes(a.ip), a.port) <= (bytes(b.ip), b.port) { (a, b) } else { (b, a) };
    let mut sha = Sha1::new();
    sha.update(SEED.to_be_bytes());
    sha.update(bytes(low.ip));
    sha.update(bytes(high.ip));
    sha.update([number, 0]);
    sha.update(low.port.to_be_bytes());
    sha.update(high.port.to_be_bytes());
    Some(format!("1:{}", STANDARD.encode(sha.finalize())))
}

fn bytes(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(transport: Transport, a: (&str, u16), b: (&str, u16)) -> String {
        let end = |(ip, port): (&str, u16)| Endpoint { ip: ip.parse().unwrap(), port };
        assert_eq!(of(transport, end(a), end(b)), of(transport, end(b), end(a)));
        of(transport, end(a), end(b)).unwrap()
    }

    /// From the baseline files of the specification's repository.
    #[test]
    fn the_published_examples_come_out() {
        let tcp = id(Transport::Tcp, ("128.232.110.120", 34855), ("66.35.250.204", 80));
        assert_eq!(tcp, "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
        let udp = id(Transport::Udp, ("192.168.1.52", 54585), ("8.8.8.8", 53));
        assert_eq!(udp, "1:d/FP5EW3wiY1vCndhwleRRKHowQ=");
        let v6 = id(Transport::Tcp, ("2001:470:e5bf:dead:4957:2174:e82c:4887", 63943), ("2607:f8b0:400c:c03::1a", 25));
        assert_eq!(v6, "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=");
    }
}
