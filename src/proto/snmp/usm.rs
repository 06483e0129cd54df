//! Users of SNMP's version 3, and the digests by which they prove who they are (RFC 3414, section 6; RFC 7860).

use std::collections::VecDeque;

use super::message::{Kind, Pdu, Secured, Sender};
use crate::content::hex;
use crate::model::event::{Event, EventSink, LinkFact, Outcome, Proof};
use crate::model::flow::Direction;
use crate::model::limits::Cap;
use crate::model::packet::Span;
use crate::model::secret::HeldSecret;
use crate::proto::ber::{Elements, OBJECT_IDENTIFIER, SEQUENCE};
use crate::proto::login::HeldLogin;

/// Users of one conversation that are remembered.
const USERS: usize = 64;

/// Longest message whose digest is kept: no datagram is longer.
const LONGEST: usize = 64 << 10;

/// What hashcat takes: lengths of messages and of engines' names, in bytes.
const HASHCAT_MESSAGE: usize = 1500;
const HASHCAT_ENGINE: std::ops::RangeInclusive<usize> = 13..=17;

/// `usmStats` (RFC 3414, section 5): 1 and 3 to 6 count what went wrong, this does which.
const USM_STATS: [u8; 8] = [0x2b, 6, 1, 6, 3, 15, 1, 1];
const UNSUPPORTED_LEVEL: u8 = 1;
const UNKNOWN_USER: u8 = 3;
const WRONG_DIGEST: u8 = 5;

/// Those seen so far, oldest first.
#[derive(Default)]
pub(super) struct Users(VecDeque<User>);

struct User {
    engine: Vec<u8>,
    name: Vec<u8>,
    /// The message whose digest is held.
    id: u32,
    /// `None` once it was told: every message has a digest, and one is as good as all.
    login: Option<(HeldLogin, String)>,
}

impl Users {
    /// Takes a message.
    pub(super) fn message(&mut self, message: &Secured<'_>, direction: Direction, span: Span, out: &mut dyn EventSink) {
        let report = message.pdu.filter(|pdu| pdu.kind == Kind::Report);
        if let Some(UNSUPPORTED_LEVEL | UNKNOWN_USER | WRONG_DIGEST) = report.and_then(refusal) {
            return self.rejected(message, out);
        }
        if !message.authenticated {
            if report.is_none() && !message.user.is_empty() {
                out.event(Event::Link(LinkFact::Auth("usm-none")));
            }
            return;
        }
        let known = self.0.iter_mut().find(|user| user.name == message.user && user.engine == message.engine);
        let user = match known {
            Some(user) => user,
            None => {
                let Some(login) = login(message, span) else { return };
                if self.0.len() >= USERS {
                    self.0.pop_front().inspect(|user| user.report(Outcome::Unknown, out));
                    out.beyond(Cap::Outstanding);
                }
                let (engine, name) = (message.engine.to_vec(), message.user.to_vec());
                self.0.push_back(User { engine, name, id: message.id, login: Some(login) });
                let Some(user) = self.0.back_mut() else { return };
                user
            }
        };
        let answers = match message.sender() {
            Sender::Client => false,
            Sender::Server => true,
            Sender::Either => direction == Direction::ToClient,
        };
        if answers {
            // Who answers so has the user's key, and has found the digest of the request to be right.
            user.report(Outcome::Accepted, out);
            user.login = None;
        }
    }

    /// Nothing more will come.
    pub(super) fn end(&mut self, out: &mut dyn EventSink) {
        for user in self.0.drain(..) {
            user.report(Outcome::Unknown, out);
        }
    }

    fn rejected(&mut self, message: &Secured<'_>, out: &mut dyn EventSink) {
        let position = self.0.iter().position(|user| user.id == message.id && user.login.is_some());
        if let Some(user) = position.and_then(|position| self.0.remove(position)) {
            user.report(Outcome::Rejected, out);
        }
    }
}

impl User {
    fn report(&self, outcome: Outcome, out: &mut dyn EventSink) {
        if let Some((login, note)) = &self.login {
            login.report_with_note("snmp.message.digest", outcome, Some(note), out);
        }
    }
}

/// Which counter a report is about.
fn refusal(pdu: Pdu<'_>) -> Option<u8> {
    let bind = Elements::of(pdu.binds).expect(SEQUENCE)?;
    let name = Elements::of(bind).expect(OBJECT_IDENTIFIER)?;
    name.strip_prefix(&USM_STATS).and_then(|rest| rest.first()).copied()
}

/// The digest of a message, with the line a cracker reads: `$SNMPv3$kind$number$message$engine$digest`, in which zeros
/// stand where the digest was. `None`: there is none, or the message was cut off.
fn login(message: &Secured<'_>, span: Span) -> Option<(HeldLogin, String)> {
    let Secured { bytes, engine, user, digest, digest_at, private, .. } = *message;
    let (kind, mode) = match digest.len() {
        // HMAC-MD5-96 or HMAC-SHA-96, which look the same.
        12 => (0, 25000),
        16 => (3, 26700),
        24 => (4, 26800),
        32 => (5, 26900),
        48 => (6, 27300),
        _ => return None,
    };
    if bytes.len() > LONGEST || !message.is_whole() {
        return None;
    }
    let before = bytes.get(..digest_at)?;
    let after = bytes.get(digest_at + digest.len()..)?;
    let (before, after, zeros) = (hex::encode(before), hex::encode(after), "00".repeat(digest.len()));
    let (engine_hex, digest) = (hex::encode(engine), hex::encode(digest));
    let line = format!("$SNMPv3${kind}$0${before}{zeros}{after}${engine_hex}${digest}");
    let fits = bytes.len() <= HASHCAT_MESSAGE && HASHCAT_ENGINE.contains(&engine.len());
    let level = if private { "authPriv" } else { "authNoPriv" };
    let login = HeldLogin {
        mechanism: "usm",
        proof: Proof::ChallengeResponse { hashcat: fits.then_some(mode) },
        username: (!user.is_empty()).then(|| user.to_vec()),
        secret: HeldSecret::new(line),
        span,
    };
    Some((login, format!("{level}; engine {engine_hex}")))
}
