//! SASL (RFC 4422): the authentication exchanges that SMTP, POP3, IMAP, LDAP and others carry. One state
//! machine per exchange takes the messages of both sides, as bytes or in base64, and knows in the end
//! who logged in with what.

pub mod dialog;
mod digest;
mod scram;
#[cfg(test)]
mod tests;

use self::scram::Scram;
use super::login::HeldLogin;
use super::ntlm;
use crate::content::base64;
use crate::model::event::Proof;
use crate::model::limits;
use crate::model::packet::Span;
use crate::model::secret::HeldSecret;

/// One exchange, from the choice of the mechanism to the server's verdict.
#[derive(Debug)]
pub struct Exchange {
    mechanism: Mechanism,
    username: Vec<u8>,
    secret: Option<(HeldSecret, Proof)>,
    /// What the server asked with: CRAM-MD5's challenge.
    challenge: Vec<u8>,
    span: Option<Span>,
}

#[derive(Debug)]
enum Mechanism {
    CramMd5,
    DigestMd5,
    Login(Prompt),
    /// XOAUTH2 and OAUTHBEARER (RFC 7628).
    OAuth(&'static str),
    /// NTLMSSP, bare or inside of what GSS-SPNEGO and GSSAPI wrap around it; with the server's challenge.
    Ntlm(&'static str, Option<[u8; 8]>),
    Plain,
    Scram(Box<Scram>),
    /// Nothing in it can be read or used again: Kerberos, certificates, anonymous, one-time passwords.
    Opaque(&'static str),
}

/// What LOGIN's next client message answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Prompt {
    Username,
    Password,
}

impl Exchange {
    /// The client chose this mechanism, in any case.
    pub fn new(name: &[u8]) -> Self {
        let mechanism = match name.to_ascii_uppercase().as_slice() {
            b"PLAIN" => Mechanism::Plain,
            b"LOGIN" => Mechanism::Login(Prompt::Username),
            b"CRAM-MD5" => Mechanism::CramMd5,
            b"DIGEST-MD5" => Mechanism::DigestMd5,
            b"SCRAM-SHA-1" => Mechanism::Scram(Box::new(Scram::new("scram-sha-1"))),
            b"SCRAM-SHA-1-PLUS" => Mechanism::Scram(Box::new(Scram::new("scram-sha-1-plus"))),
            b"SCRAM-SHA-256" => Mechanism::Scram(Box::new(Scram::new("scram-sha-256"))),
            b"SCRAM-SHA-256-PLUS" => Mechanism::Scram(Box::new(Scram::new("scram-sha-256-plus"))),
            b"SCRAM-SHA-512" => Mechanism::Scram(Box::new(Scram::new("scram-sha-512"))),
            b"SCRAM-SHA-512-PLUS" => Mechanism::Scram(Box::new(Scram::new("scram-sha-512-plus"))),
            b"XOAUTH2" => Mechanism::OAuth("xoauth2"),
            b"OAUTHBEARER" => Mechanism::OAuth("oauthbearer"),
            b"ANONYMOUS" => Mechanism::Opaque("anonymous"),
            b"EXTERNAL" => Mechanism::Opaque("external"),
            b"GSSAPI" | b"GS2-KRB5" | b"GS2-KRB5-PLUS" | b"KERBEROS_V4" => Mechanism::Ntlm("gssapi", None),
            b"GSS-SPNEGO" => Mechanism::Ntlm("negotiate", None),
            b"NTLM" => Mechanism::Ntlm("ntlm", None),
            b"OTP" | b"SKEY" => Mechanism::Opaque("otp"),
            b"SRP" => Mechanism::Opaque("srp"),
            _ => Mechanism::Opaque("sasl"),
        };
        Self { mechanism, username: Vec::new(), secret: None, challenge: Vec::new(), span: None }
    }

    /// The mechanism's name in every output.
    pub fn mechanism(&self) -> &'static str {
        match &self.mechanism {
            Mechanism::CramMd5 => "cram-md5",
            Mechanism::DigestMd5 => "digest-md5",
            Mechanism::Login(_) => "login",
            Mechanism::OAuth(name) | Mechanism::Opaque(name) | Mechanism::Ntlm(name, _) => name,
            Mechanism::Plain => "plain",
            Mechanism::Scram(scram) => scram.mechanism(),
        }
    }

    /// A message of the client in base64, as text protocols carry it; `=` stands for an empty one.
    pub fn client_base64(&mut self, text: &[u8], span: Span) {
        if let Some(message) = decode_base64(text) {
            self.client(&message, span);
        }
    }

    /// A message of the server in base64.
    pub fn server_base64(&mut self, text: &[u8]) {
        if let Some(message) = decode_base64(text) {
            self.server(&message);
        }
    }

    /// A message of the client.
    pub fn client(&mut self, message: &[u8], span: Span) {
        if message.is_empty() || message.len() > limits::SASL_BYTES {
            return;
        }
        self.span = Some(self.span.map_or(span, |s| s.join(span)));
        match &mut self.mechanism {
            Mechanism::CramMd5 => self.cram_md5(message),
            Mechanism::DigestMd5 => {
                if let Some((username, line)) = digest::response(message) {
                    self.username = username;
                    self.secret = Some((HeldSecret::new(line), Proof::ChallengeResponse { hashcat: None }));
                }
            }
            Mechanism::Login(prompt) => match prompt {
                Prompt::Username => {
                    *prompt = Prompt::Password;
                    self.username = message.to_vec();
                }
                Prompt::Password => {
                    *prompt = Prompt::Username;
                    self.secret = Some((HeldSecret::new(message), Proof::Password));
                }
            },
            Mechanism::Ntlm(name, challenge) => {
                let Some(ntlm::Message::Authenticate(response)) = ntlm::find(message) else { return };
                let login = response.into_login(*challenge, span);
                *name = login.mechanism;
                self.secret = Some((login.secret, login.proof));
                self.username = login.username.unwrap_or_default();
            }
            Mechanism::OAuth(_) => self.oauth(message),
            Mechanism::Opaque(_) => {}
            Mechanism::Plain => self.plain(message),
            Mechanism::Scram(scram) => {
                if let Some(line) = scram.client(message) {
                    self.secret = Some((HeldSecret::new(line), Proof::ChallengeResponse { hashcat: None }));
                }
                self.username = scram.username().to_vec();
            }
        }
    }

    /// A message of the server.
    pub fn server(&mut self, message: &[u8]) {
        if message.is_empty() || message.len() > limits::SASL_BYTES {
            return;
        }
        match &mut self.mechanism {
            Mechanism::CramMd5 => self.challenge = message.to_vec(),
            // Servers ask in whatever words; only the two usual ones are trusted over the order.
            Mechanism::Login(prompt) => match message.to_ascii_lowercase().as_slice() {
                text if text.starts_with(b"user") => *prompt = Prompt::Username,
                text if text.starts_with(b"pass") => *prompt = Prompt::Password,
                _ => {}
            },
            Mechanism::Ntlm(_, challenge) => {
                if let Some(ntlm::Message::Challenge(asked)) = ntlm::find(message) {
                    *challenge = Some(asked);
                }
            }
            Mechanism::Scram(scram) => scram.server(message),
            _ => {}
        }
    }

    /// The exchange is over: what there is to report once the server's verdict is known.
    pub fn into_login(self) -> HeldLogin {
        let mechanism = self.mechanism();
        let (secret, proof) = self.secret.unwrap_or((HeldSecret::default(), Proof::Password));
        let username = (!self.username.is_empty()).then_some(self.username);
        HeldLogin { mechanism, proof, username, secret, span: self.span.unwrap_or_default() }
    }

    /// RFC 4616: authorization identity, authentication identity, password, with zero bytes between.
    fn plain(&mut self, message: &[u8]) {
        let mut parts = message.splitn(3, |b| *b == 0);
        let (Some(authorize), Some(authenticate), Some(password)) = (parts.next(), parts.next(), parts.next()) else {
            return;
        };
        self.username = if authenticate.is_empty() { authorize } else { authenticate }.to_vec();
        self.secret = Some((HeldSecret::new(password), Proof::Password));
    }

    /// RFC 2195: the name, a space, and the keyed digest of the challenge in hexadecimal.
    fn cram_md5(&mut self, message: &[u8]) {
        let Some(space) = memchr::memrchr(b' ', message) else { return };
        let (name, digest) = message.split_at_checked(space).unwrap_or_default();
        let digest = digest.trim_ascii();
        if digest.len() != 32 || !digest.iter().all(u8::is_ascii_hexdigit) {
            return;
        }
        self.username = name.to_vec();
        // Without the challenge there is nothing to attack.
        if !self.challenge.is_empty() {
            let line = format!("$cram_md5${}${}", base64::encode(&self.challenge), base64::encode(message));
            self.secret = Some((HeldSecret::new(line), Proof::ChallengeResponse { hashcat: Some(10200) }));
        }
    }

    /// Google's XOAUTH2 and RFC 7628: `key=value` pairs with 0x01 after each; OAUTHBEARER begins with a
    /// GS2 header that names the user.
    fn oauth(&mut self, message: &[u8]) {
        for (n, pair) in message.split(|b| *b == 1).enumerate() {
            if let Some(user) = pair.strip_prefix(b"user=") {
                self.username = user.to_vec();
            } else if let Some(credentials) = pair.strip_prefix(b"auth=") {
                let token = memchr::memchr(b' ', credentials).and_then(|n| credentials.get(n + 1..));
                let token = token.unwrap_or(credentials).trim_ascii();
                self.secret = Some((HeldSecret::new(token), Proof::Token));
            } else if n == 0
                && let Some(user) = pair.split(|b| *b == b',').find_map(|p| p.strip_prefix(b"a="))
            {
                self.username = scram::unescape(user);
            }
        }
    }
}

/// A message as text protocols carry it. `=` alone is an empty one.
pub fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    match text.trim_ascii() {
        b"=" => Some(Vec::new()),
        text => base64::decode(text),
    }
}
