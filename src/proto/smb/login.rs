//! Session setup: who logs in with what, whether the server lets them in, and what protects the session.

use std::collections::VecDeque;

use crate::model::event::{Event, EventSink, Grade, Outcome, Proof, Weakness};
use crate::model::flow::Direction;
use crate::model::packet::Span;
use crate::model::secret::HeldSecret;
use crate::proto::login::HeldLogin;
use crate::proto::ntlm::{self, Authenticate, Message};

const FIELD: &str = "smb.session_setup";

/// Sessions of one connection whose challenges are remembered.
const SESSIONS: usize = 16;

/// What a token of Kerberos begins with inside of SPNEGO: the mechanism (RFC 4121 section 4.1), and that it is
/// an AP-REQ.
const KERBEROS: &[u8] = b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01\x00";

/// The logins of one connection.
#[derive(Default)]
pub(super) struct Logins {
    /// What the server asked, by session.
    challenges: VecDeque<(u64, [u8; 8], Span)>,
    /// Whether client and server insist on signatures.
    pub(super) signs: [Option<bool>; 2],
    /// A session was granted that need not be signed.
    unsigned: Option<Span>,
    told: Vec<(&'static str, Grade)>,
}

/// A login that the server has not answered.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) login: HeldLogin,
    pub(super) note: Option<String>,
    pub(super) field: &'static str,
}

/// What a server says of a session it grants.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Granted {
    pub(super) guest: bool,
    pub(super) anonymous: bool,
    /// All of it will be encrypted.
    pub(super) encrypted: bool,
    /// The protocol knows of signatures that are worth something.
    pub(super) signs: bool,
}

impl Logins {
    /// The server's challenge in a session.
    pub(super) fn challenge(&mut self, session: u64, challenge: [u8; 8], span: Span) {
        self.challenges.retain(|(other, ..)| *other != session);
        if self.challenges.len() >= SESSIONS {
            self.challenges.pop_front();
        }
        self.challenges.push_back((session, challenge, span));
    }

    /// A token of the server.
    pub(super) fn server(&mut self, session: u64, token: &[u8], span: Span) {
        if let Some(Message::Challenge(challenge)) = ntlm::find(token) {
            self.challenge(session, challenge, span);
        }
    }

    /// A token of the client. `None`: it does not say yet who logs in.
    pub(super) fn client(&mut self, session: u64, token: &[u8], span: Span) -> Option<Pending> {
        match ntlm::find(token) {
            Some(Message::Authenticate(response)) => Some(self.response(session, response, span)),
            Some(_) => None,
            None => {
                memchr::memmem::find(token, KERBEROS)?;
                let (proof, secret) = (Proof::ChallengeResponse { hashcat: None }, HeldSecret::default());
                let login = HeldLogin { mechanism: "kerberos", proof, username: None, secret, span };
                Some(Pending { login, note: None, field: FIELD })
            }
        }
    }

    /// A client's response to the challenge of a session.
    pub(super) fn response(&self, session: u64, response: Authenticate<'_>, span: Span) -> Pending {
        let asked = self.challenges.iter().find(|(other, ..)| *other == session).or_else(|| self.challenges.back());
        let note = response.note();
        let login = match asked {
            Some((_, challenge, asked)) => response.into_login(Some(*challenge), asked.join(span)),
            None => response.into_login(None, span),
        };
        Pending { login, note, field: FIELD }
    }

    /// A session was granted.
    pub(super) fn granted(&mut self, how: Granted, span: Span, out: &mut dyn EventSink) {
        let (kind, direction) = ("link.guest", Direction::ToClient);
        if how.guest {
            let (value, grade) = ("guest", Grade::Weak);
            let note = "the server let the client in as a guest, whatever the password";
            self.weak(Weakness { kind, value, note, grade, direction, span }, out);
        } else if how.anonymous {
            let (value, grade) = ("anonymous", Grade::Dated);
            let note = "the server let the client in without a name and a password";
            self.weak(Weakness { kind, value, note, grade, direction, span }, out);
        } else if how.signs && !how.encrypted && self.signs == [Some(false); 2] {
            self.unsigned = Some(span);
        }
    }

    /// A share was connected, and the messages for it were not encrypted.
    pub(super) fn connected(&mut self, out: &mut dyn EventSink) {
        if let Some(span) = self.unsigned.take() {
            let (kind, value, grade) = ("link.unsigned", "not required", Grade::Weak);
            let note = "neither client nor server requires messages to be signed";
            self.weak(Weakness { kind, value, note, grade, direction: Direction::ToClient, span }, out);
        }
    }

    /// Says, once, that something is weak.
    pub(super) fn weak(&mut self, weakness: Weakness<'_>, out: &mut dyn EventSink) {
        let what = (weakness.kind, weakness.grade);
        if !self.told.contains(&what) {
            self.told.push(what);
            out.event(Event::Weakness(weakness));
        }
    }
}

impl Pending {
    /// A name and a password in the clear.
    pub(super) fn clear(user: &str, domain: &str, password: &[u8], span: Span) -> Self {
        let login = HeldLogin::clear("clear", Some(user.as_bytes()), password, span);
        let note = Authenticate::new(String::new(), domain.to_owned(), b"", b"").note();
        Self { login, note, field: FIELD }
    }

    /// The server's verdict is known, or never will be.
    pub(super) fn report(&self, outcome: Outcome, out: &mut dyn EventSink) {
        self.login.report_with_note(self.field, outcome, self.note.as_deref(), out);
    }
}
