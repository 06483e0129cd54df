//! JA3 and JA3S (<https://github.com/salesforce/ja3>) and JA4 (<https://github.com/FoxIO-LLC/ja4>): short
//! digests of hellos, by which implementations are recognised.

use std::fmt::Write as _;

use md5::{Digest as _, Md5};
use sha2::Sha256;

use super::hello::{ClientHello, ServerHello};
use super::names::is_grease;

/// JA3 of a client: version, ciphers, extensions, groups and point formats as sent.
pub(super) fn ja3(hello: &ClientHello) -> String {
    let formats: Vec<u16> = hello.point_formats.iter().map(|f| (*f).into()).collect();
    let lists = [&hello.ciphers, &hello.extensions, &hello.groups, &formats].map(|l| dashed(l));
    md5_hex(&format!("{},{}", hello.version, lists.join(",")))
}

/// JA3S of a server: version, cipher and extensions as sent.
pub(super) fn ja3s(hello: &ServerHello) -> String {
    let cipher = hello.cipher.unwrap_or_default();
    md5_hex(&format!("{},{cipher},{}", hello.legacy_version, dashed(&hello.extensions)))
}

/// JA4 of a client over TCP.
pub(super) fn ja4(hello: &ClientHello) -> String {
    let version = match hello.best_version() {
        0x0002 => "s2",
        0x0300 => "s3",
        0x0301 => "10",
        0x0302 => "11",
        0x0303 => "12",
        0x0304 => "13",
        _ => "00",
    };
    let mut ciphers: Vec<u16> = real(&hello.ciphers).collect();
    ciphers.sort_unstable();
    let mut extensions: Vec<u16> = real(&hello.extensions).collect();
    let counted = extensions.len().min(99);
    // Server name and ALPN depend on the server, not on the client.
    let name = if extensions.contains(&0x0000) { 'd' } else { 'i' };
    extensions.retain(|e| !matches!(e, 0x0000 | 0x0010));
    extensions.sort_unstable();
    let mut second = hex_list(&extensions);
    let signatures: Vec<u16> = real(&hello.signatures).collect();
    if !signatures.is_empty() && !second.is_empty() {
        second = format!("{second}_{}", hex_list(&signatures));
    }
    format!(
        "t{version}{name}{:02}{counted:02}{}_{}_{}",
        ciphers.len().min(99),
        alpn(hello.alpn.first().map_or(&[], Vec::as_slice)),
        short_sha256(&hex_list(&ciphers)),
        short_sha256(&second),
    )
}

/// Bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// First and last character of a protocol's name; of its hexadecimal form when they are no letters or digits.
fn alpn(protocol: &[u8]) -> String {
    let (Some(first), Some(last)) = (protocol.first(), protocol.last()) else { return "00".to_owned() };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        return format!("{}{}", char::from(*first), char::from(*last));
    }
    format!("{:x}{:x}", first >> 4, last & 0xf)
}

fn real(numbers: &[u16]) -> impl Iterator<Item = u16> {
    numbers.iter().copied().filter(|n| !is_grease(*n))
}

fn dashed(numbers: &[u16]) -> String {
    real(numbers).map(|n| n.to_string()).collect::<Vec<_>>().join("-")
}

fn hex_list(numbers: &[u16]) -> String {
    numbers.iter().map(|n| format!("{n:04x}")).collect::<Vec<_>>().join(",")
}

fn md5_hex(text: &str) -> String {
    hex(&Md5::digest(text.as_bytes()))
}

fn short_sha256(text: &str) -> String {
    if text.is_empty() {
        return "0".repeat(12);
    }
    let mut digest = hex(&Sha256::digest(text.as_bytes()));
    digest.truncate(12);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of JA4's own specification.
    #[test]
    fn ja4_sorts_and_leaves_out_what_depends_on_the_server() {
        let hello = ClientHello {
            version: 0x0303,
            versions: vec![0x1a1a, 0x0304, 0x0303],
            ciphers: vec![
                0x2a2a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c,
                0x009d, 0x002f, 0x0035,
            ],
            extensions: vec![
                0x1a1a, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012, 0x002b,
                0xff01, 0x000b, 0x000a, 0x0015,
            ],
            alpn: vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            signatures: vec![0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601],
            ..ClientHello::default()
        };
        assert_eq!(ja4(&hello), "t13d1516h2_8daaf6152771_e5627efa2ab1");
    }

    /// The example of JA3's own description.
    #[test]
    fn ja3_keeps_the_order_and_leaves_empty_lists_empty() {
        let hello = ClientHello {
            version: 769,
            ciphers: vec![4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99],
            ..ClientHello::default()
        };
        assert_eq!(ja3(&hello), "de350869b8c85de67a350c8d186f11e6");
    }
}
