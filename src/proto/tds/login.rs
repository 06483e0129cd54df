//! Pre-login and login (MS-TDS sections 2.2.6.4 and 2.2.6.5; for the login of old versions FreeTDS's
//! description): encryption is agreed on, the password is hidden by nothing but swapped bits.

use super::types;
use crate::model::event::{Event, EventSink, Field, FieldKind, Outcome};
use crate::model::flow::Direction;
use crate::model::packet::Span;
use crate::model::secret::Secret;
use crate::model::stream::Stretch;
use crate::proto::cursor::Cursor;
use crate::proto::login::HeldLogin;
use crate::proto::ntlm;

const FIELD: &str = "tds.login";

/// A login on its way to its outcome.
#[derive(Default)]
pub(super) struct Login {
    held: Option<HeldLogin>,
    database: String,
    challenge: Option<[u8; 8]>,
}

/// What a pre-login says about encryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encryption {
    /// There is none.
    NotSupported,
    /// Of the login alone.
    Off,
    On,
}

/// Reads a pre-login: options, each with the place of its data.
pub(super) fn encryption(payload: &[u8]) -> Option<Encryption> {
    const ENCRYPTION: u8 = 1;
    let mut options = Cursor::new(payload);
    loop {
        let option = options.u8().filter(|option| *option != 0xff)?;
        let (offset, length) = (options.u16_be()?, options.u16_be()?);
        if option == ENCRYPTION && length > 0 {
            return Some(match payload.get(usize::from(offset))? & 0x7f {
                0 => Encryption::Off,
                2 => Encryption::NotSupported,
                _ => Encryption::On,
            });
        }
    }
}

impl Login {
    /// A login of SQL Server 7.0 or later. Gives the version it speaks.
    pub(super) fn login7(&mut self, data: Stretch<'_>, out: &mut dyn EventSink) -> Option<u32> {
        let mut cursor = Cursor::new(data.bytes);
        cursor.skip(4)?;
        let version = cursor.u32_le()?;
        cursor.skip(28)?;
        let mut place = || Some((usize::from(cursor.u16_le()?), usize::from(cursor.u16_le()?)));
        let (_host, user, password) = (place()?, place()?, place()?);
        let (_program, _server, _extension, _library, _language) = (place()?, place()?, place()?, place()?, place()?);
        let database = place()?;
        // The address of the client's network card.
        cursor.skip(6)?;
        let mut place = || Some((usize::from(cursor.u16_le()?), usize::from(cursor.u16_le()?)));
        let sspi = place()?;
        let _file = place();
        let new = place().unwrap_or_default();
        let bytes = |(offset, length): (usize, usize)| data.bytes.get(offset..offset + length);
        let text = |(offset, length): (usize, usize)| {
            let mut cursor = Cursor::new(data.bytes);
            cursor.skip(offset)?;
            types::text(&mut cursor, length)
        };
        let span = |(offset, length): (usize, usize)| data.span(offset..offset + length * 2);
        self.database = text(database).unwrap_or_default();
        if sspi.1 > 0 {
            self.client(bytes(sspi)?, data.span(sspi.0..sspi.0 + sspi.1));
        } else {
            let secret = revealed(bytes((password.0, password.1 * 2))?);
            let user = text(user)?;
            self.held = Some(HeldLogin::clear("clear", Some(user.as_bytes()), secret.as_bytes(), span(password)));
        }
        if let Some(hidden) = bytes((new.0, new.1 * 2)).filter(|hidden| !hidden.is_empty()) {
            out.event(Event::Field(Field {
                kind: FieldKind::Attribute,
                place: FIELD,
                name: "new password",
                value: Secret::new(revealed(hidden).as_bytes()),
                resource: "",
                direction: Direction::ToServer,
                account: None,
                outcome: Outcome::Unknown,
                span: span(new),
            }));
        }
        Some(version)
    }

    /// A login of an older version, or of Sybase: fields of 30 bytes, each with its length behind it.
    pub(super) fn old(&mut self, data: Stretch<'_>) -> Option<()> {
        let field = |at: usize| {
            let length = data.bytes.get(at + 30).copied()?;
            data.bytes.get(at..at + usize::from(length.min(30)))
        };
        let (user, password) = (field(31)?, field(62)?);
        self.held = Some(HeldLogin::clear("clear", Some(user), password, data.span(62..62 + password.len())));
        Some(())
    }

    /// A message of NTLM from the client.
    pub(super) fn client(&mut self, token: &[u8], span: Span) {
        let Some(ntlm::Message::Authenticate(response)) = ntlm::find(token) else { return };
        self.held = Some(response.into_login(self.challenge, span));
    }

    /// A message of NTLM from the server.
    pub(super) fn server(&mut self, token: &[u8]) {
        if let Some(ntlm::Message::Challenge(challenge)) = ntlm::find(token) {
            self.challenge = Some(challenge);
        }
    }

    /// What was sent, until there is an outcome.
    pub(super) const fn held(&self) -> Option<&HeldLogin> {
        self.held.as_ref()
    }

    /// The outcome is known, or will never be.
    pub(super) fn finish(&mut self, outcome: Outcome, out: &mut dyn EventSink) {
        if let Some(held) = self.held.take() {
            let note = (!self.database.is_empty()).then(|| format!("database {}", self.database));
            held.report_with_note(FIELD, outcome, note.as_deref(), out);
        }
    }
}

/// A password without its disguise.
fn revealed(hidden: &[u8]) -> String {
    let plain: Vec<u8> = hidden.iter().map(|byte| (byte ^ 0xa5).rotate_left(4)).collect();
    let length = plain.len() / 2;
    types::text(&mut Cursor::new(&plain), length).unwrap_or_default()
}
