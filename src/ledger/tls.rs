//! The handshakes that were seen, each distinct one once.

use std::collections::HashSet;
use std::sync::Arc;

use crate::model::flow::{Endpoint, Flow, FlowId, Transport};
use crate::model::limits;
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
    pub handshake: Arc<Handshake>,
    /// Its packets.
    pub span: Span,
    /// How many flows made it.
    pub flows: u64,
    /// First and last sighting.
    pub seen: Span,
}

impl TlsFact {
    pub(super) fn new(flow: &Flow, protocol: &'static str, handshake: &Handshake) -> Self {
        let span = handshake.span;
        let handshake = Arc::new(Handshake { span: Span::default(), ..handshake.clone() });
        Self { flow: *flow, protocol, handshake, span, flows: 1, seen: span }
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
        (self.span.first, self.flow.id)
    }
}

/// The worse of two handshakes, by what a link shows of them.
pub(super) fn worst(a: Option<Arc<Handshake>>, b: Option<Arc<Handshake>>) -> Option<Arc<Handshake>> {
    let parameters = |h: &Handshake| {
        let texts = [&h.cipher, &h.group, &h.sni, &h.alpn, &h.ja3, &h.ja3s, &h.ja4];
        (age(h.version), h.version, texts.map(Option::clone))
    };
    match (a, b) {
        (Some(a), Some(b)) if Arc::ptr_eq(&a, &b) || parameters(&a) <= parameters(&b) => Some(a),
        (a, None) => a,
        (_, b) => b,
    }
}

/// Handshakes that say the same, held once: a million clients of one kind and one server make a
/// million equal ones.
#[derive(Debug, Default)]
pub struct Handshakes(HashSet<Arc<Handshake>>);

impl Handshakes {
    pub(super) fn share(&mut self, handshake: &mut Arc<Handshake>) {
        if let Some(known) = self.0.get(handshake) {
            *handshake = Arc::clone(known);
            return;
        }
        if self.0.len() >= limits::HANDSHAKES_SHARED {
            self.0.clear();
        }
        self.0.insert(Arc::clone(handshake));
    }
}

/// Versions from the worst to the best; a handshake the server did not answer says least.
fn age(version: Option<&str>) -> u8 {
    const OLDEST_FIRST: [&str; 9] =
        ["SSLv2", "SSLv3", "TLSv1.0", "DTLSv1.0", "TLSv1.1", "TLSv1.2", "DTLSv1.2", "TLSv1.3", "DTLSv1.3"];
    let place = version.and_then(|version| OLDEST_FIRST.iter().position(|v| *v == version));
    place.and_then(|at| u8::try_from(at).ok()).unwrap_or(u8::MAX)
}
