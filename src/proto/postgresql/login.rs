//! Logging in: what the server asks for, what the client answers, and how it ends.

use crate::content::{hex, sniff};
use crate::model::event::{Event, EventSink, LinkFact, Outcome, Proof};
use crate::model::packet::Span;
use crate::model::secret::HeldSecret;
use crate::proto::cursor::Cursor;
use crate::proto::login::HeldLogin;
use crate::proto::sasl::Exchange;

/// What a login's field is called.
const FIELD: &str = "postgresql.password";

/// One login, from the StartupMessage to ReadyForQuery.
#[derive(Default)]
pub(super) struct Login {
    user: Vec<u8>,
    note: Option<String>,
    /// A StartupMessage was seen.
    started: bool,
    asked: Method,
    held: Option<HeldLogin>,
    exchange: Option<Exchange>,
}

/// What the last Authentication message asked for.
#[derive(Default)]
enum Method {
    /// None was seen.
    #[default]
    Unknown,
    Clear,
    /// The salt, and where it was seen.
    Md5([u8; 4], Span),
    Sasl,
    /// GSSAPI, SSPI, Kerberos, SCM credentials: nothing to read in the answers.
    Opaque(&'static str),
    /// The login is over.
    Over,
}

impl Login {
    /// Reads the parameters of a StartupMessage.
    pub(super) fn startup(&mut self, parameters: &[u8]) {
        *self = Self { started: true, ..Self::default() };
        let mut cursor = Cursor::new(parameters);
        while let (Some(name), Some(value)) = (cursor.c_string(), cursor.c_string()) {
            match name {
                b"user" => self.user = value.to_vec(),
                b"database" => self.note = Some(format!("database {}", String::from_utf8_lossy(value))),
                _ => {}
            }
        }
    }

    /// Whether the client is still at it.
    pub(super) const fn is_open(&self) -> bool {
        !matches!(self.asked, Method::Over)
    }

    /// An Authentication message of the server.
    pub(super) fn request(&mut self, body: &[u8], span: Span, out: &mut dyn EventSink) {
        let mut cursor = Cursor::new(body);
        let Some(code) = cursor.u32_be() else { return };
        match code {
            0 => {
                if self.started && matches!(self.asked, Method::Unknown) && !self.has_answer() {
                    out.event(Event::Link(LinkFact::Auth("trust")));
                }
                self.finish(Outcome::Accepted, out);
                self.asked = Method::Over;
            }
            2 => self.asked = Method::Opaque("kerberos"),
            3 => self.asked = Method::Clear,
            5 => self.asked = cursor.array().map_or(Method::Unknown, |salt| Method::Md5(salt, span)),
            6 => self.asked = Method::Opaque("scm"),
            7 => self.asked = Method::Opaque("gssapi"),
            9 => self.asked = Method::Opaque("sspi"),
            10 => self.asked = Method::Sasl,
            11 | 12 => {
                if let Some(exchange) = &mut self.exchange {
                    exchange.server(cursor.rest());
                }
            }
            _ => {}
        }
    }

    /// A `p` message of the client.
    pub(super) fn answer(&mut self, body: &[u8], span: Span) {
        let text = body.strip_suffix(&[0]).unwrap_or(body);
        match &self.asked {
            Method::Clear => self.held = Some(HeldLogin::clear("clear", Some(&self.user), text, span)),
            Method::Md5(salt, asked) => {
                let mut line = b"$postgres$".to_vec();
                line.extend_from_slice(&self.user);
                line.push(b'*');
                line.extend_from_slice(hex::encode(salt).as_bytes());
                line.push(b'*');
                line.extend_from_slice(text.strip_prefix(b"md5").unwrap_or(text));
                let proof = Proof::ChallengeResponse { hashcat: Some(11100) };
                self.held = Some(self.hold("md5", proof, line, asked.join(span)));
            }
            Method::Sasl => self.sasl(body, span),
            Method::Opaque(mechanism) => {
                self.held = Some(self.hold(mechanism, Proof::Password, Vec::new(), span));
            }
            Method::Unknown => self.guess(body, text, span),
            Method::Over => {}
        }
    }

    /// The client's answer to a request that was not captured.
    fn guess(&mut self, body: &[u8], text: &[u8], span: Span) {
        let digest = text.strip_prefix(b"md5").filter(|d| d.len() == 32 && d.iter().all(u8::is_ascii_hexdigit));
        if self.exchange.is_some() || body.starts_with(b"SCRAM-SHA-256") || body.starts_with(b"OAUTHBEARER\0") {
            self.sasl(body, span);
        } else if digest.is_some() {
            // Without the salt there is no line a cracker reads; the response is kept as sent.
            let proof = Proof::ChallengeResponse { hashcat: None };
            self.held = Some(self.hold("md5", proof, text.to_vec(), span));
        } else if body.starts_with(b"c=") {
            let proof = Proof::ChallengeResponse { hashcat: None };
            self.held = Some(self.hold("scram-sha-256", proof, Vec::new(), span));
        } else if body.ends_with(&[0]) && !text.is_empty() && !text.contains(&0) && sniff::is_text(text) {
            self.held = Some(HeldLogin::clear("clear", Some(&self.user), text, span));
        }
    }

    fn sasl(&mut self, body: &[u8], span: Span) {
        if let Some(exchange) = &mut self.exchange {
            exchange.client(body, span);
            return;
        }
        let mut cursor = Cursor::new(body);
        let Some(name) = cursor.c_string() else { return };
        let exchange = self.exchange.insert(Exchange::new(name));
        if let Some(length) = cursor.u32_be()
            && length != u32::MAX
        {
            exchange.client(cursor.rest(), span);
        }
    }

    /// An ErrorResponse with this SQLSTATE.
    pub(super) fn refused(&mut self, sqlstate: &[u8], out: &mut dyn EventSink) {
        // Class 28: invalid authorization specification. Others (too many connections) say nothing
        // of the password.
        let outcome = if sqlstate.starts_with(b"28") { Outcome::Rejected } else { Outcome::Unknown };
        self.finish(outcome, out);
    }

    /// ReadyForQuery.
    pub(super) fn ready(&mut self, out: &mut dyn EventSink) {
        if self.is_open() {
            self.finish(Outcome::Accepted, out);
            self.asked = Method::Over;
        }
    }

    /// Says what was held back.
    pub(super) fn finish(&mut self, outcome: Outcome, out: &mut dyn EventSink) {
        let exchange = self.exchange.take().map(Exchange::into_login);
        let Some(mut login) = self.held.take().or(exchange) else { return };
        // The name inside a SCRAM exchange is ignored by servers and sent empty.
        if !self.user.is_empty() {
            login.username = Some(self.user.clone());
        }
        login.report_with_note(FIELD, outcome, self.note.as_deref(), out);
    }

    const fn has_answer(&self) -> bool {
        self.held.is_some() || self.exchange.is_some()
    }

    fn hold(&self, mechanism: &'static str, proof: Proof, secret: Vec<u8>, span: Span) -> HeldLogin {
        let username = (!self.user.is_empty()).then(|| self.user.clone());
        HeldLogin { mechanism, proof, username, secret: HeldSecret::new(secret), span }
    }
}
