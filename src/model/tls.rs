//! The facts of a TLS handshake.

use super::packet::Span;
use super::time::Timestamp;

/// What a handshake said, as far as it was seen. Cipher suites, groups and signature schemes carry
/// their IANA names (`0x1234` for values without one).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Handshake {
    /// `SSLv2`, `SSLv3`, `TLSv1.0` … `TLSv1.3`: what was negotiated, when the server answered.
    pub version: Option<&'static str>,
    /// The best version the client offered.
    pub offered_version: Option<&'static str>,
    /// The cipher suite the server chose.
    pub cipher: Option<String>,
    /// The cipher suites the client offered.
    pub offered_ciphers: Vec<u16>,
    /// The key exchange group the server chose.
    pub group: Option<String>,
    /// The server name the client asked for.
    pub sni: Option<String>,
    /// The application protocol the server chose, or the client's first choice when it did not say.
    pub alpn: Option<String>,
    /// JA3 of the client's hello (MD5, hex).
    pub ja3: Option<String>,
    /// JA3S of the server's hello (MD5, hex).
    pub ja3s: Option<String>,
    /// JA4 of the client's hello.
    pub ja4: Option<String>,
    /// The session was resumed, so no certificate was sent.
    pub resumed: bool,
    /// The client was asked for a certificate and sent one.
    pub client_certificate: bool,
    /// The server's chain, leaf first. Not visible in TLS 1.3.
    pub chain: Vec<Certificate>,
    /// The packets of the handshake.
    pub span: Span,
}

/// The facts of one certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Certificate {
    /// Subject, RFC 4514.
    pub subject: String,
    /// Issuer, RFC 4514.
    pub issuer: String,
    /// Subject alternative names: DNS names and IP addresses.
    pub names: Vec<String>,
    /// Serial number, hex.
    pub serial: String,
    /// Start of validity.
    pub not_before: Timestamp,
    /// End of validity.
    pub not_after: Timestamp,
    /// Key algorithm: `RSA`, `EC`, `Ed25519`, `DSA`, ….
    pub key: String,
    /// Key size in bits.
    pub key_bits: u32,
    /// Signature algorithm: `sha256WithRSAEncryption`, ….
    pub signature: String,
    /// SHA-256 of the whole certificate, hex.
    pub sha256: String,
    /// Issuer and subject are the same.
    pub self_signed: bool,
}
