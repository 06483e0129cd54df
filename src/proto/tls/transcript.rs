//! What a handshake has said so far, put together from its messages, whatever carried them.

use smallvec::SmallVec;

use super::audit::{self, Holder, Verdict};
use super::certificate;
use super::exchange::Group;
use super::fingerprint;
use super::hello::{ClientHello, ServerHello};
use super::message::{Message, kind};
use super::{names, sslv2};
use crate::model::event::{Event, EventSink, LinkFact, Weakness};
use crate::model::flow::Direction;
use crate::model::limits::Cap;
use crate::model::packet::Span;
use crate::model::tls::{Certificate, Handshake};

/// The messages of both sides, as far as they were seen.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    client: Option<(ClientHello, Span)>,
    server: Option<(Chosen, Span)>,
    /// Who is the server of the handshake. Usually that of the connection; not where an FTP server opens a
    /// data connection.
    server_sends: Option<Direction>,
    group: Option<(Group, Span)>,
    /// Certificates, by who sent them.
    chains: [Option<(Vec<Certificate>, Span)>; 2],
    /// The server began to encrypt without having shown who it is.
    abbreviated: bool,
    server_done: bool,
    /// Messages of the server are missing.
    incomplete: bool,
    /// Caps that were reached.
    beyond: SmallVec<[Cap; 1]>,
    span: Option<Span>,
}

/// What the server chose.
#[derive(Debug)]
enum Chosen {
    Tls(ServerHello),
    /// SSL 2.0, where the client chooses the cipher.
    Ssl2(Option<u32>),
}

impl Transcript {
    /// One more message.
    pub(crate) fn message(&mut self, direction: Direction, message: Message<'_>) {
        self.note(message.span);
        if !message.whole && !message.body.is_empty() && self.server_direction() == direction {
            self.incomplete = true;
        }
        if !message.whole && message.body.len() >= Cap::HandshakeBytes.most() {
            self.beyond.push(Cap::HandshakeBytes);
        }
        match message.kind {
            kind::CLIENT_HELLO => {
                if let Some(hello) = ClientHello::parse(message.body) {
                    let whole = hello.whole && message.whole;
                    self.client_hello(direction, ClientHello { whole, ..hello }, message.span);
                }
            }
            kind::SERVER_HELLO => {
                if let Some(hello) = ServerHello::parse(message.body) {
                    let whole = hello.whole && message.whole;
                    self.server_sends = Some(direction);
                    self.server = Some((Chosen::Tls(ServerHello { whole, ..hello }), message.span));
                }
            }
            kind::CERTIFICATE => {
                let chain = certificate::chain(message.body);
                if chain.len() >= Cap::Certificates.most() {
                    self.beyond.push(Cap::Certificates);
                }
                if let Some(slot) = self.chains.get_mut(direction.index()).filter(|_| !chain.is_empty()) {
                    *slot = Some((chain, message.span));
                }
            }
            kind::SERVER_KEY_EXCHANGE => {
                let cipher = self.cipher().unwrap_or_default();
                self.group = Group::of_key_exchange(&cipher, message.body).map(|group| (group, message.span));
            }
            kind::SERVER_HELLO_DONE => self.server_done = true,
            _ => {}
        }
    }

    /// A message of SSL 2.0. Says whether what follows in this direction is encrypted.
    pub(super) fn ssl2(&mut self, direction: Direction, content: &[u8], span: Span) -> bool {
        match sslv2::message(content) {
            sslv2::Message::ClientHello(hello) => {
                self.note(span);
                self.client_hello(direction, hello, span);
                false
            }
            sslv2::Message::ServerHello { certificate, ciphers } => {
                self.note(span);
                self.server_sends = Some(direction);
                // With one cipher left there is nothing to choose.
                let only = ciphers.first().copied().filter(|_| ciphers.len() == 1);
                self.server = Some((Chosen::Ssl2(only), span));
                if let Some(slot) = self.chains.get_mut(direction.index()).filter(|_| !certificate.is_empty()) {
                    *slot = Some((vec![certificate::read(certificate)], span));
                }
                true
            }
            sslv2::Message::ClientMasterKey(cipher) => {
                self.note(span);
                // It answers the server's hello, even if that was not captured.
                self.server.get_or_insert((Chosen::Ssl2(None), span)).0 = Chosen::Ssl2(Some(cipher));
                true
            }
            sslv2::Message::Other => true,
        }
    }

    /// A side has announced that it encrypts from here on.
    pub(super) fn encrypts(&mut self, direction: Direction) {
        if self.server.is_some() && self.server_direction() == direction {
            let shown = self.server_done || self.incomplete || self.chain(direction).is_some() || self.group.is_some();
            self.abbreviated |= !shown;
        }
    }

    /// Messages of a side are missing.
    pub(crate) fn gap(&mut self, direction: Direction) {
        self.incomplete |= self.server_direction() == direction;
    }

    /// The version the server chose; `None` while it has not answered for good.
    pub(crate) fn version(&self) -> Option<u16> {
        match &self.server {
            Some((Chosen::Tls(hello), _)) if !hello.retry => Some(hello.version),
            Some((Chosen::Ssl2(_), _)) => Some(names::SSL_2),
            _ => None,
        }
    }

    /// Whether this side has said all it says in the clear.
    pub(super) fn is_done(&self, direction: Direction) -> bool {
        let tls_1_3 = self.version().is_some_and(names::is_tls_1_3);
        self.server_sends == Some(direction) && (self.server_done || tls_1_3)
    }

    /// Whether this side's hello was seen and is that of a client.
    pub(super) fn is_client(&self, direction: Direction) -> bool {
        self.client.is_some() && self.server_direction() != direction
    }

    /// Whether the client's hello was seen.
    pub(crate) const fn has_client(&self) -> bool {
        self.client.is_some()
    }

    /// Tells what is known. Nothing is said of a handshake of which nothing was seen.
    pub(crate) fn report(&self, out: &mut dyn EventSink) {
        let Some(span) = self.span else { return };
        let handshake = self.handshake(span);
        if let Some(name) = &handshake.sni {
            out.event(Event::Link(LinkFact::ServerName(name)));
        }
        out.event(Event::Tls(&handshake));
        self.grade(&handshake, out);
    }

    fn client_hello(&mut self, direction: Direction, hello: ClientHello, span: Span) {
        // After a HelloRetryRequest the client comes again; its first hello is the one it is known by.
        if self.client.is_none() {
            self.client = Some((hello, span));
        }
        self.server_sends.get_or_insert(direction.reverse());
    }

    fn note(&mut self, span: Span) {
        self.span = Some(self.span.map_or(span, |seen| seen.join(span)));
    }

    fn server_direction(&self) -> Direction {
        self.server_sends.unwrap_or(Direction::ToClient)
    }

    fn chain(&self, direction: Direction) -> Option<&(Vec<Certificate>, Span)> {
        self.chains.get(direction.index())?.as_ref()
    }

    fn cipher(&self) -> Option<String> {
        match &self.server.as_ref()?.0 {
            Chosen::Tls(hello) => hello.cipher.map(|c| names::cipher_suite(c).into_owned()),
            Chosen::Ssl2(kind) => kind.map(|k| names::ssl2_cipher(k).into_owned()),
        }
    }

    fn handshake(&self, span: Span) -> Handshake {
        let client = self.client.as_ref().map(|(hello, _)| hello);
        let server = match &self.server {
            Some((Chosen::Tls(hello), _)) => Some(hello),
            _ => None,
        };
        let version = match &self.server {
            Some((Chosen::Tls(hello), _)) => names::version(hello.version),
            Some((Chosen::Ssl2(_), _)) => names::version(names::SSL_2),
            None => None,
        };
        let first_offer = || client?.alpn.iter().find(|p| !is_grease(p));
        let group = server.and_then(|hello| hello.group).map(Group::Named).or(self.group.map(|(group, _)| group));
        let sender = self.server_direction();
        Handshake {
            version,
            offered_version: client.and_then(|hello| names::version(hello.best_version())),
            cipher: self.cipher(),
            offered_ciphers: client.map(|hello| hello.ciphers.clone()).unwrap_or_default(),
            group: group.map(Group::name),
            sni: client.and_then(|hello| hello.server_name.clone()),
            alpn: server
                .and_then(|hello| hello.alpn.as_ref())
                .or_else(first_offer)
                .map(|protocol| String::from_utf8_lossy(protocol).into_owned()),
            ja3: client.filter(|hello| hello.whole).map(fingerprint::ja3),
            ja3s: server.filter(|hello| hello.whole && !hello.retry).map(fingerprint::ja3s),
            ja4: client.filter(|hello| hello.whole).map(fingerprint::ja4),
            resumed: server.is_some_and(|hello| self.resumed(hello)),
            client_certificate: self.chain(sender.reverse()).is_some(),
            chain: self.chain(sender).map(|(chain, _)| chain.clone()).unwrap_or_default(),
            span,
        }
    }

    /// TLS 1.3 says so. Before it, the server repeats the client's session id (RFC 5246 section 7.4.1.3), or it
    /// goes on without a certificate (RFC 5077 section 3.4).
    fn resumed(&self, hello: &ServerHello) -> bool {
        if names::is_tls_1_3(hello.version) {
            return hello.pre_shared_key;
        }
        let repeated = self.client.as_ref().is_some_and(|(c, _)| c.session_id == hello.session_id);
        let shown = self.chain(self.server_direction()).is_some() || self.server_done;
        self.abbreviated || (repeated && !hello.session_id.is_empty() && !shown)
    }

    fn grade(&self, handshake: &Handshake, out: &mut dyn EventSink) {
        self.beyond.iter().for_each(|cap| out.beyond(*cap));
        let sender = self.server_direction();
        let mut tell = |verdict: Option<Verdict>, direction, span| {
            if let Some(Verdict { kind, value, note, grade }) = verdict {
                out.event(Event::Weakness(Weakness { kind, value: &value, note: &note, grade, direction, span }));
            }
        };
        if let Some((chosen, span)) = &self.server {
            tell(handshake.version.and_then(audit::version), sender, *span);
            tell(handshake.cipher.as_deref().and_then(audit::cipher), sender, *span);
            if let Chosen::Tls(hello) = chosen {
                tell(audit::compression(hello.compression), sender, *span);
                tell(hello.group.map(Group::Named).and_then(audit::group), sender, *span);
            }
        }
        if let Some((group, span)) = self.group {
            tell(audit::group(group), sender, span);
        }
        for direction in [sender, sender.reverse()] {
            let Some((chain, span)) = self.chain(direction) else { continue };
            let client = direction != sender;
            let holder = Holder { client, server_name: handshake.sni.as_deref(), at: span.first.at };
            for verdict in audit::chain(chain, holder) {
                tell(Some(verdict), direction, *span);
            }
        }
    }
}

/// Application protocols reserved to keep servers tolerant (RFC 8701 section 2).
fn is_grease(protocol: &[u8]) -> bool {
    matches!(protocol, [a, b] if a == b && a & 0x0f == 0x0a)
}
