//! ServerKeyExchange (RFC 5246 section 7.4.3, RFC 8422 section 5.4): the group of an ephemeral key exchange.

use super::certificate::bits;
use super::names;
use crate::proto::cursor::Cursor;

/// The first bytes of the primes of RFC 7919, which differ in length and in their last bytes only.
const FFDHE: [u8; 16] =
    [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xad, 0xf8, 0x54, 0x58, 0xa2, 0xbb, 0x4a, 0x9a];

/// A group the server chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// By its number.
    Named(u16),
    /// A prime of the server's own, of so many bits.
    Prime(u32),
}

impl Group {
    /// Reads the parameters of a ServerKeyExchange of the given cipher suite.
    pub(super) fn of_key_exchange(cipher: &str, body: &[u8]) -> Option<Self> {
        let (exchange, _) = cipher.split_once("_WITH_").unwrap_or((cipher, ""));
        let mut at = Cursor::new(body);
        if exchange.contains("PSK") {
            // A hint which key to use comes first (RFC 4279 section 2).
            let hint = at.u16_be()?;
            at.skip(hint.into())?;
        }
        if exchange.contains("ECDH") {
            return match at.u8()? {
                1 => Some(Self::Named(0xff01)),
                2 => Some(Self::Named(0xff02)),
                3 => at.u16_be().map(Self::Named),
                _ => None,
            };
        }
        if !exchange.contains("DH") {
            return None;
        }
        let length = at.u16_be()?;
        let prime = at.take(length.into())?;
        let known = prime.starts_with(&FFDHE).then(|| match bits(prime) {
            2048 => Some(0x0100),
            3072 => Some(0x0101),
            4096 => Some(0x0102),
            6144 => Some(0x0103),
            8192 => Some(0x0104),
            _ => None,
        });
        Some(known.flatten().map_or_else(|| Self::Prime(bits(prime)), Self::Named))
    }

    /// Its registered name, or what it is.
    pub(super) fn name(self) -> String {
        match self {
            Self::Named(number) => names::group(number).into_owned(),
            Self::Prime(bits) => format!("DH-{bits}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cipher_suite_says_how_the_parameters_are_written() {
        let curve = [3, 0, 29, 32];
        assert_eq!(Group::of_key_exchange("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", &curve), Some(Group::Named(29)));
        let hinted = [0, 1, b'h', 3, 0, 23];
        assert_eq!(Group::of_key_exchange("TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA", &hinted), Some(Group::Named(23)));
        let mut prime = vec![0, 128];
        prime.extend([0xff; 128]);
        let group = Group::of_key_exchange("TLS_DHE_RSA_WITH_AES_128_CBC_SHA", &prime).unwrap();
        assert_eq!(group.name(), "DH-1024");
        assert_eq!(Group::of_key_exchange("TLS_RSA_EXPORT_WITH_RC4_40_MD5", &prime), None);
    }
}
