//! Keys in DER: PKCS#1 (RFC 8017 appendix A.1.2), PKCS#8 (RFC 5958), SEC 1 (RFC 5915), the keys of DSA as
//! OpenSSL writes them, and PKCS#12 (RFC 7292).

use asn1_rs::{FromBer as _, Header, Tag};

/// Object identifiers of the algorithms of keys.
const ALGORITHMS: [&[u8]; 8] = [
    b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", // RSA
    b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a", // RSA-PSS
    b"\x2a\x86\x48\xce\x3d\x02\x01",         // elliptic curves
    b"\x2a\x86\x48\xce\x38\x04\x01",         // DSA
    b"\x2b\x65\x6e",                         // X25519
    b"\x2b\x65\x6f",                         // X448
    b"\x2b\x65\x70",                         // Ed25519
    b"\x2b\x65\x71",                         // Ed448
];

/// Beginnings of those of encryption with a password: PBES2 and its forerunners, of PKCS#5 and of PKCS#12.
const ENCRYPTIONS: [&[u8]; 2] = [b"\x2a\x86\x48\x86\xf7\x0d\x01\x05", b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01"];

/// The contents of a PKCS#12 file: data, or signed data.
const CONTENTS: [&[u8]; 2] = [b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01", b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"];

/// What a sequence is.
pub(super) fn of_file(bytes: &[u8]) -> Option<&'static str> {
    let (_, inside) = element(bytes, Tag::Sequence)?;
    if let Some((_, algorithm)) = element(inside, Tag::Sequence) {
        let (rest, oid) = element(algorithm, Tag::Oid)?;
        let encrypted = ENCRYPTIONS.iter().any(|start| oid.starts_with(start));
        return (encrypted && element(rest, Tag::Sequence).is_some()).then_some("encrypted private key");
    }
    let (rest, version) = element(inside, Tag::Integer)?;
    match version {
        [3] => {
            let (_, content) = element(rest, Tag::Sequence)?;
            let (_, oid) = element(content, Tag::Oid)?;
            CONTENTS.contains(&oid).then_some("pkcs12 store")
        }
        [0 | 1] if pkcs8(rest).is_some() || sec1(rest).is_some() || numbers(rest).is_some() => Some("der private key"),
        _ => None,
    }
}

fn pkcs8(bytes: &[u8]) -> Option<()> {
    let (rest, algorithm) = element(bytes, Tag::Sequence)?;
    let (_, oid) = element(algorithm, Tag::Oid)?;
    let (_, key) = element(rest, Tag::OctetString)?;
    (ALGORITHMS.contains(&oid) && key.len() >= 16).then_some(())
}

fn sec1(bytes: &[u8]) -> Option<()> {
    let (rest, key) = element(bytes, Tag::OctetString)?;
    // The curve by its name, in `[0]`.
    let (rest, header) = Header::from_ber(rest).ok()?;
    let named = header.is_contextspecific() && header.is_constructed() && element(rest, Tag::Oid).is_some();
    (named && matches!(key.len(), 20 | 24 | 28 | 30 | 32 | 48 | 64 | 66)).then_some(())
}

/// The numbers of an RSA key: modulus, public and private exponent. Those of a DSA key: the prime, its
/// factor, the generator.
fn numbers(bytes: &[u8]) -> Option<()> {
    let (rest, first) = element(bytes, Tag::Integer)?;
    let (rest, second) = element(rest, Tag::Integer)?;
    let (_, third) = Header::from_ber(rest).ok()?;
    let third = third.length().definite().ok().filter(|_| third.tag() == Tag::Integer)?;
    let odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
    let near = third + 16 >= first.len() && third <= first.len() + 1;
    let exponent = matches!(second, [1, 0, 1] | [3] | [17]);
    let factor = matches!(second.len(), 20..=33) && odd(second);
    (first.len() >= 64 && odd(first) && near && (exponent || factor)).then_some(())
}

/// What is in the element at the start, which must have this tag, as far as it is here; and what follows it.
fn element(bytes: &[u8], tag: Tag) -> Option<(&[u8], &[u8])> {
    let (rest, header) = Header::from_ber(bytes).ok()?;
    if header.tag() != tag || header.is_contextspecific() {
        return None;
    }
    // PKCS#12 files of old programs leave lengths open.
    let length = header.length().definite().unwrap_or(rest.len());
    let inside = rest.get(..length).unwrap_or(rest);
    Some((rest.get(length..).unwrap_or_default(), inside))
}
