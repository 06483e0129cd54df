//! The handshakes that were seen, each distinct one once.

use crate::model::flow::{Endpoint, Flow, FlowId, Transport};
use crate::model::packet::{Mark, Span};
use crate::model::tls::Handshake;

/// What makes a handshake distinct: server, transport, SNI, version, cipher, digest of the leaf certificate.
pub(super) type Key = (Endpoint, Transport, Option<String>, Option<&'static str>, Option<String>, Option<String>);

/// One distinct handshake, and how often it was seen.
#[derive(Clone, Debug)]
pub struct TlsFact {
    /// The flow it was first seen in.
    pub flow: Flow,
    /// The protocol that switched to TLS, or `tls`.
    pub protocol: &'static str,
    /// Its parameters and certificates, as first seen.
    pub handshake: Handshake,
    /// How many flows made it.
    pub flows: u64,
    /// First and last sighting.
    pub seen: Span,
}

impl TlsFact {
    pub(super) const fn new(flow: &Flow, protocol: &'static str, handshake: Handshake) -> Self {
        let seen = handshake.span;
        Self { flow: *flow, protocol, handshake, flows: 1, seen }
    }

    pub(super) fn key(&self) -> Key {
        let h = &self.handshake;
        let leaf = h.chain.first().map(|leaf| leaf.sha256.clone());
        (self.flow.server, self.flow.transport, h.sni.clone(), h.version, h.cipher.clone(), leaf)
    }

    pub(super) fn merge(&mut self, mut other: Self) {
        if other.order() < self.order() {
            std::mem::swap(self, &mut other);
        }
        self.flows += other.flows;
        self.seen = self.seen.join(other.seen);
    }

    /// Which of two sightings came first.
    const fn order(&self) -> (Mark, FlowId) {
        (self.handshake.span.first, self.flow.id)
    }
}

/// The TLS parameters of a link: those of its worst handshake. Ordered from worst to best.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LinkTls {
    age: u8,
    /// Negotiated version.
    pub version: Option<&'static str>,
    /// Negotiated cipher suite.
    pub cipher: Option<String>,
    /// Negotiated group.
    pub group: Option<String>,
    /// The name asked for.
    pub sni: Option<String>,
    /// The application protocol.
    pub alpn: Option<String>,
    /// JA3 of the client.
    pub ja3: Option<String>,
    /// JA3S of the server.
    pub ja3s: Option<String>,
    /// JA4 of the client.
    pub ja4: Option<String>,
}

impl LinkTls {
    pub(super) fn of(handshake: &Handshake) -> Self {
        Self {
            age: age(handshake.version),
            version: handshake.version,
            cipher: handshake.cipher.clone(),
            group: handshake.group.clone(),
            sni: handshake.sni.clone(),
            alpn: handshake.alpn.clone(),
            ja3: handshake.ja3.clone(),
            ja3s: handshake.ja3s.clone(),
            ja4: handshake.ja4.clone(),
        }
    }
}

/// Versions from the worst to the best; a handshake the server did not answer says least.
fn age(version: Option<&str>) -> u8 {
    const OLDEST_FIRST: [&str; 9] =
        ["SSLv2", "SSLv3", "TLSv1.0", "DTLSv1.0", "TLSv1.1", "TLSv1.2", "DTLSv1.2", "TLSv1.3", "DTLSv1.3"];
    let place = version.and_then(|version| OLDEST_FIRST.iter().position(|v| *v == version));
    place.and_then(|at| u8::try_from(at).ok()).unwrap_or(u8::MAX)
}
