//! Names of numbers: protocol versions, cipher suites and groups, as IANA registers them
//! (<https://www.iana.org/assignments/tls-parameters>). What was never registered has the name it is
//! known by.

use std::borrow::Cow;

use tls_parser::TlsCipherSuite;

/// TLS 1.3, RFC 8446.
pub(super) const TLS_1_3: u16 = 0x0304;
/// TLS 1.2, RFC 5246.
pub(super) const TLS_1_2: u16 = 0x0303;
/// SSL 2.0.
pub(super) const SSL_2: u16 = 0x0002;

/// The name of a protocol version; the drafts of TLS 1.3 count as TLS 1.3.
pub(super) const fn version(number: u16) -> Option<&'static str> {
    Some(match number {
        SSL_2 => "SSLv2",
        0x0101 => "TLCPv1.1",
        0x0300 => "SSLv3",
        0x0301 => "TLSv1.0",
        0x0302 => "TLSv1.1",
        TLS_1_2 => "TLSv1.2",
        _ if is_tls_1_3(number) => "TLSv1.3",
        _ => return None,
    })
}

/// TLS 1.3 or one of its drafts (IETF: 0x7fNN, experiments of a large site: 0xfbNN).
pub(super) const fn is_tls_1_3(number: u16) -> bool {
    number == TLS_1_3 || matches!(number >> 8, 0x7f | 0xfb)
}

/// Values reserved to keep servers tolerant (RFC 8701); they mean nothing.
pub(super) const fn is_grease(number: u16) -> bool {
    number & 0x0f0f == 0x0a0a && number >> 8 == number & 0xff
}

/// The name of a cipher suite; its number (`0x1234`) when it has none.
pub fn cipher_suite(number: u16) -> Cow<'static, str> {
    TlsCipherSuite::from_id(number)
        .map(|suite| suite.name)
        .or_else(|| find(OTHER_SUITES, number))
        .map_or_else(|| format!("{number:#06x}").into(), Cow::Borrowed)
}

/// The name of a cipher kind of SSL 2.0, a 24-bit number.
pub(super) fn ssl2_cipher(kind: u32) -> Cow<'static, str> {
    let name = match kind {
        0x01_00_80 => "SSL2_RC4_128_WITH_MD5",
        0x02_00_80 => "SSL2_RC4_128_EXPORT40_WITH_MD5",
        0x03_00_80 => "SSL2_RC2_128_CBC_WITH_MD5",
        0x04_00_80 => "SSL2_RC2_128_CBC_EXPORT40_WITH_MD5",
        0x05_00_80 => "SSL2_IDEA_128_CBC_WITH_MD5",
        0x06_00_40 => "SSL2_DES_64_CBC_WITH_MD5",
        0x07_00_c0 => "SSL2_DES_192_EDE3_CBC_WITH_MD5",
        0x08_00_80 => "SSL2_RC4_64_WITH_MD5",
        _ => return format!("{kind:#08x}").into(),
    };
    name.into()
}

/// The name of a key exchange group.
pub(super) fn group(number: u16) -> Cow<'static, str> {
    find(GROUPS, number).map_or_else(|| format!("{number:#06x}").into(), Cow::Borrowed)
}

fn find(table: &[(u16, &'static str)], number: u16) -> Option<&'static str> {
    table.iter().find(|(n, _)| *n == number).map(|(_, name)| *name)
}

/// What tls-parser's table of suites lacks.
const OTHER_SUITES: &[(u16, &str)] = &[
    (0x001c, "SSL_FORTEZZA_KEA_WITH_NULL_SHA"),
    (0x001d, "SSL_FORTEZZA_KEA_WITH_FORTEZZA_CBC_SHA"),
    (0x0080, "TLS_GOSTR341094_WITH_28147_CNT_IMIT"),
    (0x0081, "TLS_GOSTR341001_WITH_28147_CNT_IMIT"),
    (0x0082, "TLS_GOSTR341094_WITH_NULL_GOSTR3411"),
    (0x0083, "TLS_GOSTR341001_WITH_NULL_GOSTR3411"),
    (0xc0ff, "TLS_ECJPAKE_WITH_AES_128_CCM_8"),
    (0xc100, "TLS_GOSTR341112_256_WITH_KUZNYECHIK_CTR_OMAC"),
    (0xc101, "TLS_GOSTR341112_256_WITH_MAGMA_CTR_OMAC"),
    (0xc102, "TLS_GOSTR341112_256_WITH_28147_CNT_IMIT"),
    (0xc103, "TLS_GOSTR341112_256_WITH_KUZNYECHIK_MGM_L"),
    (0xc104, "TLS_GOSTR341112_256_WITH_MAGMA_MGM_L"),
    (0xc105, "TLS_GOSTR341112_256_WITH_KUZNYECHIK_MGM_S"),
    (0xc106, "TLS_GOSTR341112_256_WITH_MAGMA_MGM_S"),
    // The drafts that became RFC 7905.
    (0xcc13, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
    (0xcc14, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
    (0xcc15, "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
    // TLCP, GB/T 38636-2020.
    (0xe001, "ECDHE_SM1_SM3"),
    (0xe003, "ECC_SM1_SM3"),
    (0xe005, "IBSDH_SM1_SM3"),
    (0xe007, "IBC_SM1_SM3"),
    (0xe009, "RSA_SM1_SM3"),
    (0xe00a, "RSA_SM1_SHA1"),
    (0xe011, "ECDHE_SM4_CBC_SM3"),
    (0xe013, "ECC_SM4_CBC_SM3"),
    (0xe015, "IBSDH_SM4_CBC_SM3"),
    (0xe017, "IBC_SM4_CBC_SM3"),
    (0xe019, "RSA_SM4_CBC_SM3"),
    (0xe01a, "RSA_SM4_CBC_SHA1"),
    (0xe01c, "RSA_SM4_CBC_SHA256"),
    (0xe051, "ECDHE_SM4_GCM_SM3"),
    (0xe053, "ECC_SM4_GCM_SM3"),
    (0xe055, "IBSDH_SM4_GCM_SM3"),
    (0xe057, "IBC_SM4_GCM_SM3"),
    (0xe059, "RSA_SM4_GCM_SM3"),
    (0xe05a, "RSA_SM4_GCM_SHA256"),
    (0xfefe, "SSL_RSA_FIPS_WITH_DES_CBC_SHA"),
    (0xfeff, "SSL_RSA_FIPS_WITH_3DES_EDE_CBC_SHA"),
    (0xff85, "TLS_GOSTR341112_256_WITH_28147_CNT_IMIT"),
    (0xffe0, "SSL_RSA_FIPS_WITH_3DES_EDE_CBC_SHA"),
    (0xffe1, "SSL_RSA_FIPS_WITH_DES_CBC_SHA"),
];

const GROUPS: &[(u16, &str)] = &[
    (1, "sect163k1"),
    (2, "sect163r1"),
    (3, "sect163r2"),
    (4, "sect193r1"),
    (5, "sect193r2"),
    (6, "sect233k1"),
    (7, "sect233r1"),
    (8, "sect239k1"),
    (9, "sect283k1"),
    (10, "sect283r1"),
    (11, "sect409k1"),
    (12, "sect409r1"),
    (13, "sect571k1"),
    (14, "sect571r1"),
    (15, "secp160k1"),
    (16, "secp160r1"),
    (17, "secp160r2"),
    (18, "secp192k1"),
    (19, "secp192r1"),
    (20, "secp224k1"),
    (21, "secp224r1"),
    (22, "secp256k1"),
    (23, "secp256r1"),
    (24, "secp384r1"),
    (25, "secp521r1"),
    (26, "brainpoolP256r1"),
    (27, "brainpoolP384r1"),
    (28, "brainpoolP512r1"),
    (29, "x25519"),
    (30, "x448"),
    (31, "brainpoolP256r1tls13"),
    (32, "brainpoolP384r1tls13"),
    (33, "brainpoolP512r1tls13"),
    (34, "GC256A"),
    (35, "GC256B"),
    (36, "GC256C"),
    (37, "GC256D"),
    (38, "GC512A"),
    (39, "GC512B"),
    (40, "GC512C"),
    (41, "curveSM2"),
    (0x0100, "ffdhe2048"),
    (0x0101, "ffdhe3072"),
    (0x0102, "ffdhe4096"),
    (0x0103, "ffdhe6144"),
    (0x0104, "ffdhe8192"),
    (0x0200, "MLKEM512"),
    (0x0201, "MLKEM768"),
    (0x0202, "MLKEM1024"),
    (0x11eb, "SecP256r1MLKEM768"),
    (0x11ec, "X25519MLKEM768"),
    (0x11ed, "SecP384r1MLKEM1024"),
    (0x11ee, "curveSM2MLKEM768"),
    (0x4138, "CECPQ2"),
    (0x6399, "X25519Kyber768Draft00"),
    (0x639a, "SecP256r1Kyber768Draft00"),
    (0xff01, "arbitrary_explicit_prime_curves"),
    (0xff02, "arbitrary_explicit_char2_curves"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_have_their_registered_names_and_unknown_ones_their_number() {
        assert_eq!(cipher_suite(0x002f), "TLS_RSA_WITH_AES_128_CBC_SHA");
        assert_eq!(cipher_suite(0x0081), "TLS_GOSTR341001_WITH_28147_CNT_IMIT");
        assert_eq!(cipher_suite(0x0b0b), "0x0b0b");
        assert_eq!(ssl2_cipher(0x0700c0), "SSL2_DES_192_EDE3_CBC_WITH_MD5");
        assert_eq!(group(0x11ec), "X25519MLKEM768");
    }

    #[test]
    fn grease_is_told_from_real_values() {
        assert!(is_grease(0x0a0a) && is_grease(0xfafa));
        assert!(!is_grease(0x0a1a) && !is_grease(0x1301));
    }
}
