//! Where a data connection goes, in the three ways FTP writes it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::model::flow::Endpoint;

/// `h1,h2,h3,h4,p1,p2` (RFC 959), alone or somewhere in the text of a reply.
pub(super) fn numbers(text: &[u8]) -> Option<Endpoint> {
    let list = list(text);
    let [a, b, c, d, high, low] = *list.as_slice() else { return None };
    endpoint(Ipv4Addr::new(a, b, c, d).into(), u16::from_be_bytes([high, low]))
}

/// `|family|address|port|` with any delimiter (RFC 2428). A reply leaves out family and address: the
/// connection goes to the server itself.
pub(super) fn extended(text: &[u8]) -> Option<Endpoint> {
    let text = match memchr::memchr(b'(', text) {
        Some(open) => text.get(open + 1..)?,
        None => text,
    };
    let (delimiter, rest) = text.split_first()?;
    let mut parts = rest.split(|b| b == delimiter).map(|p| std::str::from_utf8(p).unwrap_or_default());
    let (_family, address, port) = (parts.next()?, parts.next()?, parts.next()?.parse().ok()?);
    let ip = if address.is_empty() { Ipv4Addr::UNSPECIFIED.into() } else { address.parse().ok()? };
    endpoint(ip, port)
}

/// `family,length,h1,…,length,p1,p2` (RFC 1639).
pub(super) fn long(text: &[u8]) -> Option<Endpoint> {
    match *list(text).as_slice() {
        [4, 4, a, b, c, d, 2, high, low] => endpoint(Ipv4Addr::new(a, b, c, d).into(), u16::from_be_bytes([high, low])),
        [6, 16, ref address @ .., 2, high, low] => {
            let octets: [u8; 16] = address.try_into().ok()?;
            endpoint(Ipv6Addr::from(octets).into(), u16::from_be_bytes([high, low]))
        }
        _ => None,
    }
}

fn endpoint(ip: IpAddr, port: u16) -> Option<Endpoint> {
    (port != 0).then_some(Endpoint { ip, port })
}

/// The first run of numbers with commas between them.
fn list(text: &[u8]) -> Vec<u8> {
    text.split(|b| !b.is_ascii_digit() && *b != b',' && *b != b' ')
        .map(|run| run.trim_ascii())
        .find(|run| run.contains(&b','))
        .into_iter()
        .flat_map(|run| run.split(|b| *b == b','))
        .map_while(|n| std::str::from_utf8(n.trim_ascii()).ok()?.parse().ok())
        .take(32)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(endpoint: Option<Endpoint>) -> String {
        endpoint.map(|e| e.to_string()).unwrap_or_default()
    }

    #[test]
    fn every_notation_is_read() {
        assert_eq!(said(numbers(b"10,77,0,2,117,69")), "10.77.0.2:30021");
        assert_eq!(said(numbers(b"Entering Passive Mode (10,77,0,2,117,69).")), "10.77.0.2:30021");
        assert_eq!(said(numbers(b"Entering Passive Mode. 10,77,0,2,117,69")), "10.77.0.2:30021");
        assert_eq!(said(extended(b"|1|132.235.1.2|6275|")), "132.235.1.2:6275");
        assert_eq!(said(extended(b"|2|1080::8:800:200C:417A|5282|")), "[1080::8:800:200c:417a]:5282");
        assert_eq!(said(extended(b"Entering Extended Passive Mode (|||6446|)")), "0.0.0.0:6446");
        assert_eq!(said(long(b"4,4,10,0,0,1,2,4,1")), "10.0.0.1:1025");
        assert_eq!(said(long(b"6,16,16,128,0,0,0,0,0,0,0,8,8,0,32,12,65,122,2,4,1")), "[1080::8:800:200c:417a]:1025");
    }

    #[test]
    fn nonsense_is_no_address() {
        for text in [&b""[..], b"1,2,3", b"256,1,1,1,1,1", b"1,2,3,4,0,0", b"1,2,3,4,5,6,7"] {
            assert_eq!(said(numbers(text)), "");
            assert_eq!(said(extended(text)), "");
            assert_eq!(said(long(text)), "");
        }
    }
}
