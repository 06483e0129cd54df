//! The facts of X.509 certificates (RFC 5280). Nothing is verified here: what is stated is what the
//! certificate says.

use sha2::{Digest as _, Sha256};
use x509_parser::asn1_rs::{FromDer as _, Integer, Tag};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{AttributeTypeAndValue, SubjectPublicKeyInfo, X509Name};
use x509_parser::public_key::PublicKey;
use x509_parser::signature_algorithm::SignatureAlgorithm;
use x509_parser::x509::AlgorithmIdentifier;

use super::fingerprint::hex;
use crate::model::limits;
use crate::model::time::Timestamp;
use crate::model::tls::Certificate;
use crate::proto::cursor::Cursor;

/// The certificates of a Certificate message up to TLS 1.2 (RFC 5246 section 7.4.2), the sender's own
/// first. The last one may be cut short; then it is left out.
pub(super) fn chain(body: &[u8]) -> Vec<Certificate> {
    let mut at = Cursor::new(body);
    let mut chain = Vec::new();
    if at.u24_be().is_none() {
        return chain;
    }
    while chain.len() < limits::CERTIFICATES
        && let Some(length) = at.u24_be()
        && let Some(der) = at.take(length as usize)
    {
        chain.push(read(der));
    }
    chain
}

/// The facts of one certificate. One that cannot be read has its digest alone.
pub(super) fn read(der: &[u8]) -> Certificate {
    let sha256 = hex(&Sha256::digest(der));
    let Ok((_, certificate)) = X509Certificate::from_der(der) else {
        return Certificate { sha256, ..Certificate::default() };
    };
    let (key, key_bits) = key(certificate.public_key());
    let validity = certificate.validity();
    Certificate {
        subject: distinguished_name(certificate.subject()),
        issuer: distinguished_name(certificate.issuer()),
        names: alternative_names(&certificate),
        serial: hex(certificate.raw_serial()),
        not_before: Timestamp::from_parts(validity.not_before.timestamp(), 0),
        not_after: Timestamp::from_parts(validity.not_after.timestamp(), 0),
        key,
        key_bits,
        signature: signature(&certificate.signature_algorithm),
        sha256,
        self_signed: certificate.subject().as_raw() == certificate.issuer().as_raw(),
    }
}

/// The common name of a subject, where it has one: what names a server in certificates without
/// alternative names.
pub(super) fn common_name(subject: &str) -> Option<&str> {
    let (_, rest) =
        subject.split_once("CN=").filter(|(before, _)| before.is_empty() || before.ends_with([',', '+']))?;
    rest.split([',', '+']).next()
}

fn alternative_names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else { return Vec::new() };
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => address(bytes),
        _ => None,
    };
    extension.value.general_names.iter().filter_map(name).collect()
}

fn address(bytes: &[u8]) -> Option<String> {
    let four = <[u8; 4]>::try_from(bytes).map(|b| std::net::Ipv4Addr::from(b).to_string());
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(|b| std::net::Ipv6Addr::from(b).to_string())).ok()
}

/// A name as RFC 4514 writes it: the most specific part first.
fn distinguished_name(name: &X509Name<'_>) -> String {
    let part = |rdn: &x509_parser::x509::RelativeDistinguishedName<'_>| {
        rdn.iter().map(attribute).collect::<Vec<_>>().join("+")
    };
    let mut parts: Vec<String> = name.iter_rdn().map(part).collect();
    parts.reverse();
    parts.join(",")
}

fn attribute(attribute: &AttributeTypeAndValue<'_>) -> String {
    let oid = attribute.attr_type().to_id_string();
    let label = match oid.as_str() {
        "2.5.4.3" => "CN",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.9" => "STREET",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "0.9.2342.19200300.100.1.1" => "UID",
        "0.9.2342.19200300.100.1.25" => "DC",
        "1.2.840.113549.1.9.1" => "emailAddress",
        "2.5.4.5" => "serialNumber",
        other => other,
    };
    let value = attribute.attr_value();
    format!("{label}={}", escaped(&text(value.tag(), value.data)))
}

fn text(tag: Tag, bytes: &[u8]) -> String {
    match tag {
        Tag::BmpString => {
            let mut at = Cursor::new(bytes);
            let units: Vec<u16> = std::iter::from_fn(|| at.u16_be()).collect();
            String::from_utf16_lossy(&units)
        }
        Tag::T61String => bytes.iter().copied().map(char::from).collect(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for (at, c) in value.char_indices() {
        let edge = (c == ' ' && (at == 0 || at + 1 == value.len())) || (c == '#' && at == 0);
        match c {
            '\0' => text.push_str("\\00"),
            _ => {
                if edge || matches!(c, ',' | '+' | '"' | '\\' | '<' | '>' | ';') {
                    text.push('\\');
                }
                text.push(c);
            }
        }
    }
    text
}

/// Algorithm and size of a key, in bits.
fn key(key: &SubjectPublicKeyInfo<'_>) -> (String, u32) {
    let oid = key.algorithm.algorithm.to_id_string();
    let curve = || key.algorithm.parameters.as_ref().and_then(|p| p.as_oid().ok()).map(|o| o.to_id_string());
    let (name, bits) = match (oid.as_str(), key.parsed()) {
        (_, Ok(PublicKey::RSA(rsa))) => ("RSA", bits(rsa.modulus)),
        (_, Ok(PublicKey::EC(point))) => match curve() {
            Some(curve) if curve == "1.2.156.10197.1.301" => ("SM2", 256),
            curve => ("EC", curve_bits(curve.as_deref().unwrap_or_default(), point.data())),
        },
        (_, Ok(PublicKey::DSA(y))) => ("DSA", dsa_bits(&key.algorithm).unwrap_or_else(|| bits(y))),
        (_, Ok(PublicKey::GostR3410(y) | PublicKey::GostR3410_2012(y))) => ("GOST R 34.10", y.len() as u32 * 4),
        // The key of RSASSA-PSS is an RSA key under another name (RFC 4055).
        ("1.2.840.113549.1.1.10", _) => ("RSA", rsa_bits(&key.subject_public_key.data).unwrap_or_default()),
        ("1.3.101.112", _) => ("Ed25519", 256),
        ("1.3.101.113", _) => ("Ed448", 456),
        ("2.16.840.1.101.3.4.3.17", _) => ("ML-DSA-44", 0),
        ("2.16.840.1.101.3.4.3.18", _) => ("ML-DSA-65", 0),
        ("2.16.840.1.101.3.4.3.19", _) => ("ML-DSA-87", 0),
        (other, _) => return (other.to_owned(), 0),
    };
    (name.to_owned(), bits)
}

/// Size of a big-endian number.
pub(super) fn bits(number: &[u8]) -> u32 {
    let mut digits = number.iter().skip_while(|byte| **byte == 0);
    let Some(first) = digits.next() else { return 0 };
    let rest = u32::try_from(digits.count()).unwrap_or(u32::MAX / 8 - 1);
    rest * 8 + (8 - first.leading_zeros())
}

fn rsa_bits(der: &[u8]) -> Option<u32> {
    let (_, key) = x509_parser::public_key::RSAPublicKey::from_der(der).ok()?;
    Some(bits(key.modulus))
}

/// The size of a DSA key is that of its prime, the first parameter.
fn dsa_bits(algorithm: &AlgorithmIdentifier<'_>) -> Option<u32> {
    let (_, prime) = Integer::from_der(algorithm.parameters.as_ref()?.data).ok()?;
    Some(bits(prime.as_ref()))
}

/// Curves whose size is no multiple of eight are told by their names, others by their points.
fn curve_bits(curve: &str, point: &[u8]) -> u32 {
    match curve {
        "1.3.132.0.1" | "1.3.132.0.2" | "1.3.132.0.15" => 163,
        "1.3.132.0.24" | "1.3.132.0.25" => 193,
        "1.3.132.0.26" | "1.3.132.0.27" => 233,
        "1.3.132.0.3" => 239,
        "1.3.132.0.16" | "1.3.132.0.17" => 283,
        "1.3.132.0.35" => 521,
        "1.3.132.0.36" | "1.3.132.0.37" => 409,
        "1.3.132.0.38" | "1.3.132.0.39" => 571,
        _ => {
            let coordinates = if point.first() == Some(&4) { 2 } else { 1 };
            (point.len().saturating_sub(1) / coordinates * 8) as u32
        }
    }
}

/// The name of a signature algorithm; its number when it has none here.
fn signature(algorithm: &AlgorithmIdentifier<'_>) -> String {
    let oid = algorithm.algorithm.to_id_string();
    if let Ok(SignatureAlgorithm::RSASSA_PSS(parameters)) = SignatureAlgorithm::try_from(algorithm) {
        let hash = parameters.hash_algorithm_oid().to_id_string();
        let hash = match hash.as_str() {
            "1.3.14.3.2.26" => "sha1",
            "2.16.840.1.101.3.4.2.1" => "sha256",
            "2.16.840.1.101.3.4.2.2" => "sha384",
            "2.16.840.1.101.3.4.2.3" => "sha512",
            other => other,
        };
        return format!("rsassaPss-{hash}");
    }
    SIGNATURES.iter().find(|(number, _)| *number == oid).map_or(oid, |(_, name)| (*name).to_owned())
}

const SIGNATURES: &[(&str, &str)] = &[
    ("1.2.840.113549.1.1.2", "md2WithRSAEncryption"),
    ("1.2.840.113549.1.1.3", "md4WithRSAEncryption"),
    ("1.2.840.113549.1.1.4", "md5WithRSAEncryption"),
    ("1.2.840.113549.1.1.5", "sha1WithRSAEncryption"),
    ("1.2.840.113549.1.1.11", "sha256WithRSAEncryption"),
    ("1.2.840.113549.1.1.12", "sha384WithRSAEncryption"),
    ("1.2.840.113549.1.1.13", "sha512WithRSAEncryption"),
    ("1.2.840.113549.1.1.14", "sha224WithRSAEncryption"),
    ("1.3.14.3.2.3", "md5WithRSA"),
    ("1.3.14.3.2.13", "dsaWithSHA"),
    ("1.3.14.3.2.15", "shaWithRSAEncryption"),
    ("1.3.14.3.2.27", "dsaWithSHA1"),
    ("1.3.14.3.2.29", "sha1WithRSA"),
    ("1.2.840.10040.4.3", "dsa-with-SHA1"),
    ("2.16.840.1.101.3.4.3.1", "dsa-with-SHA224"),
    ("2.16.840.1.101.3.4.3.2", "dsa-with-SHA256"),
    ("1.2.840.10045.4.1", "ecdsa-with-SHA1"),
    ("1.2.840.10045.4.3.1", "ecdsa-with-SHA224"),
    ("1.2.840.10045.4.3.2", "ecdsa-with-SHA256"),
    ("1.2.840.10045.4.3.3", "ecdsa-with-SHA384"),
    ("1.2.840.10045.4.3.4", "ecdsa-with-SHA512"),
    ("1.3.101.112", "Ed25519"),
    ("1.3.101.113", "Ed448"),
    ("1.2.156.10197.1.501", "SM2-with-SM3"),
    ("1.2.643.2.2.3", "GOST R 34.11-94 with GOST R 34.10-2001"),
    ("1.2.643.7.1.1.3.2", "GOST R 34.10-2012 with GOST R 34.11-2012 (256 bit)"),
    ("1.2.643.7.1.1.3.3", "GOST R 34.10-2012 with GOST R 34.11-2012 (512 bit)"),
    ("2.16.840.1.101.3.4.3.17", "ML-DSA-44"),
    ("2.16.840.1.101.3.4.3.18", "ML-DSA-65"),
    ("2.16.840.1.101.3.4.3.19", "ML-DSA-87"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_that_cannot_be_read_keeps_its_digest() {
        let certificate = read(b"raw public key");
        assert_eq!(certificate.subject, "");
        assert_eq!(certificate.sha256.len(), 64);
    }

    #[test]
    fn values_are_escaped_as_rfc_4514_says() {
        assert_eq!(escaped(" Big, Inc. #1 "), "\\ Big\\, Inc. #1\\ ");
        assert_eq!(common_name("CN=a.example,O=CN=x"), Some("a.example"));
        assert_eq!(common_name("O=XCN=x"), None);
    }

    #[test]
    fn sizes_are_counted_in_bits() {
        assert_eq!(bits(&[0, 0x80, 0]), 16);
        assert_eq!(bits(&[0x01, 0xff]), 9);
        assert_eq!(bits(&[]), 0);
    }
}
