//! SSL 2.0 (draft-hickman-netscape-ssl-00): its hello, in which clients also offered TLS for years
//! (RFC 5246 appendix E.2), the server's answer, and the client's choice of a cipher.

use super::hello::ClientHello;
use super::names::SSL_2;
use crate::proto::cursor::Cursor;

const CLIENT_HELLO: u8 = 1;
const CLIENT_MASTER_KEY: u8 = 2;
const SERVER_HELLO: u8 = 4;

/// Whether a stream begins with a hello of SSL 2.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// It does; the record's length without its header of two bytes.
    Hello {
        length: usize,
    },
    /// What there is of it fits.
    Short,
    No,
}

/// Looks for a hello. Every length in it has to agree with the length of the record.
pub(super) fn opening(bytes: &[u8]) -> Opening {
    let Some(first) = bytes.first() else { return Opening::Short };
    if first & 0x80 == 0 {
        return Opening::No;
    }
    let fits = match bytes.get(2) {
        None => true,
        Some(&CLIENT_HELLO) => prefix_fits(bytes, &[(3, &[0, 3]), (4, &[0, 1, 2, 3, 4])]),
        Some(&SERVER_HELLO) => prefix_fits(bytes, &[(3, &[0, 1]), (4, &[0, 1]), (5, &[0]), (6, &[2])]),
        Some(_) => false,
    };
    if !fits {
        return Opening::No;
    }
    match lengths(bytes) {
        None => Opening::Short,
        Some((said, found)) if said == found => Opening::Hello { length: said },
        Some(_) => Opening::No,
    }
}

fn prefix_fits(bytes: &[u8], allowed: &[(usize, &[u8])]) -> bool {
    allowed.iter().all(|(at, values)| bytes.get(*at).is_none_or(|b| values.contains(b)))
}

/// The record's length as its header says, and as the lengths inside add up to.
fn lengths(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut at = Cursor::new(bytes);
    let said = usize::from(at.u16_be()? & 0x7fff);
    let head = if at.u8()? == CLIENT_HELLO { 2 } else { 4 };
    at.skip(head)?;
    let mut found = 1 + head + 6;
    for _ in 0..3 {
        found += usize::from(at.u16_be()?);
    }
    Some((said, found))
}

/// Header length and content length of a record (section 1.1), once the header is there. Padding
/// counts as content.
pub(super) fn header(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut at = Cursor::new(bytes);
    let [high, low] = at.array::<2>()?;
    let length = |mask: u8| usize::from(u16::from_be_bytes([high & mask, low]));
    if high & 0x80 != 0 {
        return Some((2, length(0x7f)));
    }
    at.u8()?;
    Some((3, length(0x3f)))
}

/// A message of SSL 2.0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Message<'a> {
    ClientHello(ClientHello),
    /// The cipher kind the client chose; everything after it is encrypted.
    ClientMasterKey(u32),
    ServerHello {
        certificate: &'a [u8],
        /// What the server supports of what the client offered.
        ciphers: Vec<u32>,
    },
    /// Encrypted, or of no interest.
    Other,
}

/// Reads the content of a record, or what was seen of it.
pub(super) fn message(content: &[u8]) -> Message<'_> {
    let mut at = Cursor::new(content);
    let read = match at.u8() {
        Some(CLIENT_HELLO) => client_hello(&mut at).map(Message::ClientHello),
        Some(CLIENT_MASTER_KEY) => at.u24_be().map(Message::ClientMasterKey),
        Some(SERVER_HELLO) => server_hello(&mut at),
        _ => None,
    };
    read.unwrap_or(Message::Other)
}

fn client_hello(at: &mut Cursor<'_>) -> Option<ClientHello> {
    let version = at.u16_be()?;
    let ciphers = at.u16_be()?;
    at.skip(4)?;
    let mut ciphers = at.sub(usize::from(ciphers).min(at.remaining()))?;
    let kinds = std::iter::from_fn(|| ciphers.u24_be());
    // Suites of TLS have a zero in front; the others are SSL 2.0's own kinds.
    let ciphers = kinds.filter_map(|kind| u16::try_from(kind).ok()).collect();
    Some(ClientHello { version, ciphers, ..ClientHello::default() })
}

fn server_hello<'a>(at: &mut Cursor<'a>) -> Option<Message<'a>> {
    at.skip(2)?;
    if at.u16_be()? != SSL_2 {
        return None;
    }
    let (certificate, ciphers) = (at.u16_be()?, at.u16_be()?);
    at.skip(2)?;
    let certificate = at.take(certificate.into()).unwrap_or_default();
    let mut ciphers = at.sub(usize::from(ciphers).min(at.remaining()))?;
    Some(Message::ServerHello { certificate, ciphers: std::iter::from_fn(|| ciphers.u24_be()).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Offers `SSL2_RC4_128_WITH_MD5` and `TLS_RSA_WITH_RC4_128_MD5`, up to TLS 1.0.
    const HELLO: &[u8] = b"\x80\x1f\x01\x03\x01\x00\x06\x00\x00\x00\x10\x01\x00\x80\x00\x00\x04ABCDEFGHIJKLMNOP";

    #[test]
    fn a_hello_may_offer_tls() {
        assert_eq!(opening(HELLO), Opening::Hello { length: 31 });
        let Message::ClientHello(hello) = message(&HELLO[2..]) else { panic!("no hello") };
        assert_eq!((hello.version, hello.ciphers), (0x0301, vec![0x0004]));
    }

    #[test]
    fn a_header_is_told_once_all_of_it_is_there() {
        assert_eq!(header(&[0x80, 5]), Some((2, 5)));
        assert_eq!((header(&[0x00, 5]), header(&[0x00, 5, 1])), (None, Some((3, 5))));
    }

    #[test]
    fn every_start_of_a_hello_may_become_one() {
        for cut in 0..11 {
            assert_eq!(opening(&HELLO[..cut]), Opening::Short, "{cut}");
        }
        assert_eq!(opening(b"\x80\x1e\x01\x03\x01\x00\x06\x00\x00\x00\x10\x01\x00\x80"), Opening::No);
    }
}
