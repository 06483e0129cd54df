//! Logging in: greeting, answer, and what the authentication plugins say to each other.

use super::wire::{
    CLIENT_COMPRESS, CLIENT_CONNECT_WITH_DB, CLIENT_MYSQL, CLIENT_OPTIONAL_METADATA, CLIENT_PLUGIN_AUTH,
    CLIENT_PLUGIN_AUTH_LENENC, CLIENT_PROTOCOL_41, CLIENT_QUERY_ATTRIBUTES, CLIENT_SECURE_CONNECTION, CLIENT_SSL,
    CLIENT_ZSTD, lenenc_string,
};
use crate::content::coding::Coding;
use crate::content::{hex, sniff};
use crate::model::event::{Event, EventSink, LinkFact, Outcome, Proof};
use crate::model::flow::Direction;
use crate::model::packet::Span;
use crate::model::secret::{HeldSecret, Secret};
use crate::proto::cursor::Cursor;
use crate::proto::login::HeldLogin;

/// What a login's field is called.
const FIELD: &str = "mysql.password";

const NATIVE: &str = "mysql_native_password";
const OLD: &str = "mysql_old_password";
const CACHING_SHA2: &str = "caching_sha2_password";
const SHA256: &str = "sha256_password";
const CLEAR: &str = "mysql_clear_password";
const ED25519: &str = "client_ed25519";
const DIALOG: &str = "dialog";

/// One login; `COM_CHANGE_USER` begins another.
#[derive(Default)]
pub(super) struct Login {
    /// What the server can do; 0 until its greeting was seen.
    server: u32,
    /// What the client asked for.
    client: u32,
    scramble: Vec<u8>,
    scramble_span: Option<Span>,
    user: Vec<u8>,
    note: Option<String>,
    plugin: Option<&'static str>,
    /// The client proved nothing: its answer was empty.
    empty: Option<Span>,
    held: Vec<HeldLogin>,
    /// The server asked for the password itself.
    full: bool,
}

/// What the server's packet meant for the login.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Pending,
    Done(Outcome),
}

impl Login {
    /// `Protocol::HandshakeV10`. Says whether TLS is on offer.
    pub(super) fn greeting(&mut self, payload: &[u8], span: Span) -> Option<bool> {
        let mut cursor = Cursor::new(payload);
        cursor.skip(1)?;
        cursor.c_string()?;
        cursor.skip(4)?;
        let first = cursor.take(8)?;
        cursor.skip(1)?;
        self.scramble = first.to_vec();
        self.scramble_span = Some(span);
        let low = u32::from(cursor.u16_le().unwrap_or(0));
        self.server = low;
        // Character set, status.
        if cursor.skip(3).is_some()
            && let Some(high) = cursor.u16_le()
        {
            self.server |= u32::from(high) << 16;
            cursor.skip(11)?;
            self.scramble.extend_from_slice(cursor.take(12).unwrap_or_default());
            let _ = cursor.u8();
            self.plugin = plugin(cursor.c_string().unwrap_or_else(|| cursor.rest()));
        }
        Some(self.server & CLIENT_SSL != 0)
    }

    /// Whether the client's packet asks to go on in TLS.
    pub(super) fn is_ssl_request(payload: &[u8]) -> bool {
        let capabilities = Cursor::new(payload).u32_le().unwrap_or(0);
        payload.len() == 32 && capabilities & CLIENT_SSL != 0
    }

    /// `Protocol::HandshakeResponse41` or 320.
    pub(super) fn response(&mut self, payload: &[u8], span: Span) -> Option<()> {
        let mut cursor = Cursor::new(payload);
        let low = u32::from(cursor.u16_le()?);
        if low & CLIENT_PROTOCOL_41 == 0 {
            self.client = low;
            cursor.skip(3)?;
            self.user = cursor.c_string()?.to_vec();
            let answer = cursor.until(0).unwrap_or_else(|| cursor.rest());
            self.plugin = Some(OLD);
            self.answer(answer, span);
            return Some(());
        }
        self.client = low | u32::from(cursor.u16_le()?) << 16;
        cursor.skip(28)?;
        self.user = cursor.c_string()?.to_vec();
        let answer = if self.client & CLIENT_PLUGIN_AUTH_LENENC != 0 {
            lenenc_string(&mut cursor)?
        } else if self.client & CLIENT_SECURE_CONNECTION != 0 {
            let length = cursor.u8()?;
            cursor.take(usize::from(length))?
        } else {
            cursor.c_string()?
        };
        if self.client & CLIENT_CONNECT_WITH_DB != 0 {
            self.database(cursor.c_string().unwrap_or_default());
        }
        let named = (self.client & CLIENT_PLUGIN_AUTH != 0).then(|| cursor.c_string()).flatten();
        self.plugin = match named {
            Some(name) => plugin(name),
            None => Some(if answer.len() == 8 { OLD } else { NATIVE }),
        };
        self.answer(answer, span);
        Some(())
    }

    /// `COM_CHANGE_USER`, without its command byte.
    pub(super) fn change_user(&mut self, payload: &[u8], span: Span) -> Option<()> {
        (self.empty, self.full) = (None, false);
        self.held.clear();
        let mut cursor = Cursor::new(payload);
        self.user = cursor.c_string()?.to_vec();
        let length = cursor.u8()?;
        let answer = cursor.take(usize::from(length))?;
        self.database(cursor.c_string().unwrap_or_default());
        // Character set.
        let _ = cursor.skip(2);
        self.plugin = cursor.c_string().map_or(Some(NATIVE), plugin);
        self.answer(answer, span);
        Some(())
    }

    fn database(&mut self, name: &[u8]) {
        self.note = (!name.is_empty()).then(|| format!("database {}", String::from_utf8_lossy(name)));
    }

    /// What the client answers its plugin with.
    pub(super) fn answer(&mut self, answer: &[u8], span: Span) {
        let text = answer.strip_suffix(&[0]).unwrap_or(answer);
        let clear = !text.is_empty() && !text.contains(&0) && sniff::is_text(text);
        match (self.plugin, answer.len()) {
            (Some(NATIVE | CACHING_SHA2 | SHA256 | ED25519 | OLD | DIALOG), 0) => self.empty = Some(span),
            (Some(NATIVE), 20) => self.challenge(NATIVE, Some(11200), "$mysqlna$", answer, span),
            (Some(OLD), 8 | 9) => self.challenge(OLD, None, "$mysqlold$", text, span),
            (Some(ED25519), 64) => self.challenge(ED25519, None, "$mysqled25519$", answer, span),
            (Some(CACHING_SHA2), 32) if !self.full => self.challenge(CACHING_SHA2, None, "$mysqlsha2$", answer, span),
            // A single byte asks for the server's public key, or that the empty password is meant.
            (Some(CACHING_SHA2 | SHA256), 1) if answer == [0] => self.empty = Some(span),
            (Some(CACHING_SHA2 | SHA256), 1) => {}
            (Some(mechanism @ (CACHING_SHA2 | SHA256)), _) if clear && answer.ends_with(&[0]) => {
                self.held.push(HeldLogin::clear(mechanism, Some(&self.user), text, span));
            }
            (Some(mechanism @ (CLEAR | DIALOG)), _) if clear => {
                self.held.push(HeldLogin::clear(mechanism, Some(&self.user), text, span));
            }
            (Some(mechanism), _) if self.held.is_empty() => {
                self.held.push(self.hold(mechanism, Proof::Password, HeldSecret::default(), span));
            }
            _ => {}
        }
    }

    /// A packet of the server while a login is under way.
    pub(super) fn server(&mut self, payload: &[u8], span: Span, out: &mut dyn EventSink) -> Verdict {
        // Wrong password; no password although one is set; user changed to is refused; account locked.
        const REFUSED: [u16; 7] = [1045, 1698, 1873, 3118, 4151, 1251, 1524];
        let mut cursor = Cursor::new(payload);
        match cursor.u8() {
            Some(0x00) => self.finish(Outcome::Accepted, out),
            Some(0x01) => {
                self.full |= cursor.rest() == [4];
                return Verdict::Pending;
            }
            Some(0xfe) => {
                self.switch(cursor, span, out);
                return Verdict::Pending;
            }
            Some(0xff) => {
                let refused = cursor.u16_le().is_some_and(|code| REFUSED.contains(&code));
                let outcome = if refused { Outcome::Rejected } else { Outcome::Unknown };
                self.finish(outcome, out);
                return Verdict::Done(outcome);
            }
            // The dialog plugin's questions.
            _ => return Verdict::Pending,
        }
        Verdict::Done(Outcome::Accepted)
    }

    /// `AuthSwitchRequest`: what was answered so far was not even looked at.
    fn switch(&mut self, mut cursor: Cursor<'_>, span: Span, out: &mut dyn EventSink) {
        self.empty = None;
        self.full = false;
        self.finish(Outcome::Unknown, out);
        if cursor.is_empty() {
            self.plugin = Some(OLD);
            return;
        }
        self.plugin = plugin(cursor.c_string().unwrap_or_default());
        if cursor.remaining() >= 8 {
            let data = cursor.rest();
            self.scramble = data.strip_suffix(&[0]).unwrap_or(data).to_vec();
            self.scramble_span = Some(span);
        }
    }

    /// Says what was held back.
    pub(super) fn finish(&mut self, outcome: Outcome, out: &mut dyn EventSink) {
        for login in self.held.drain(..) {
            login.report_with_note(FIELD, outcome, self.note.as_deref(), out);
        }
        if let (Some(span), Some(mechanism)) = (self.empty.take(), self.plugin) {
            let login = self.hold(mechanism, Proof::Password, HeldSecret::default(), span);
            out.event(Event::Link(LinkFact::Auth(mechanism)));
            out.event(Event::Login(crate::model::event::Login {
                mechanism,
                proof: Proof::Password,
                username: login.username.as_deref(),
                secret: Secret::new(b""),
                field: FIELD,
                direction: Direction::ToServer,
                outcome,
                note: self.note.as_deref(),
                span,
            }));
        }
    }

    /// What both sides agreed to compress with from the end of the login on.
    pub(super) const fn compression(&self) -> Option<Coding> {
        let agreed = if self.server == 0 { self.client } else { self.client & self.server };
        match () {
            () if agreed & CLIENT_COMPRESS != 0 => Some(Coding::Deflate),
            () if agreed & CLIENT_ZSTD != 0 => Some(Coding::Zstd),
            () => None,
        }
    }

    /// Whether a statement comes after a count of attributes.
    pub(super) const fn query_attributes(&self) -> bool {
        self.agreed(CLIENT_QUERY_ATTRIBUTES)
    }

    /// Whether the number of columns comes after a byte that says if they are described.
    pub(super) const fn optional_metadata(&self) -> bool {
        self.agreed(CLIENT_OPTIONAL_METADATA)
    }

    /// MariaDB clears `CLIENT_MYSQL` and uses the upper bits for itself elsewhere.
    const fn agreed(&self, capability: u32) -> bool {
        self.client & self.server & capability != 0 && self.server & CLIENT_MYSQL != 0
    }

    fn challenge(&mut self, mechanism: &'static str, hashcat: Option<u32>, start: &str, answer: &[u8], span: Span) {
        let used = if mechanism == OLD { 8 } else { self.scramble.len() };
        let scramble = self.scramble.get(..used).unwrap_or(&self.scramble);
        let secret = HeldSecret::new(format!("{start}{}*{}", hex::encode(scramble), hex::encode(answer)));
        // Without the challenge no cracker reads the line.
        let hashcat = hashcat.filter(|_| self.scramble.len() >= 8);
        let span = self.scramble_span.map_or(span, |s| s.join(span));
        self.held.push(self.hold(mechanism, Proof::ChallengeResponse { hashcat }, secret, span));
    }

    fn hold(&self, mechanism: &'static str, proof: Proof, secret: HeldSecret, span: Span) -> HeldLogin {
        let username = (!self.user.is_empty()).then(|| self.user.clone());
        HeldLogin { mechanism, proof, username, secret, span }
    }
}

/// The plugins' names; those of unknown plugins are one.
fn plugin(name: &[u8]) -> Option<&'static str> {
    Some(match name {
        b"mysql_native_password" | b"" => NATIVE,
        b"mysql_old_password" => OLD,
        b"caching_sha2_password" => CACHING_SHA2,
        b"sha256_password" => SHA256,
        b"mysql_clear_password" => CLEAR,
        b"client_ed25519" => ED25519,
        b"dialog" => DIALOG,
        b"parsec" => "parsec",
        b"auth_gssapi_client" | b"authentication_kerberos_client" => "gssapi",
        b"authentication_windows_client" => "windows",
        b"authentication_ldap_sasl_client" => "ldap_sasl",
        b"authentication_fido_client" | b"authentication_webauthn_client" => "webauthn",
        _ => "plugin",
    })
}
