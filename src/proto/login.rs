//! A login on its way to its outcome.

use crate::model::event::{Event, EventSink, LinkFact, Login, Outcome, Proof};
use crate::model::flow::Direction;
use crate::model::packet::Span;
use crate::model::secret::HeldSecret;

/// What the client sent to log in, held until the server has answered.
#[derive(Debug)]
pub struct HeldLogin {
    /// As in [`Login::mechanism`].
    pub mechanism: &'static str,
    /// What the secret is.
    pub proof: Proof,
    /// The account.
    pub username: Option<Vec<u8>>,
    /// The password, the token, or the line a cracker reads. Empty where nothing of use was sent.
    pub secret: HeldSecret,
    /// The packets that carry it.
    pub span: Span,
}

impl HeldLogin {
    /// A name and a password in the clear.
    pub fn clear(mechanism: &'static str, username: Option<&[u8]>, password: &[u8], span: Span) -> Self {
        let username = username.filter(|u| !u.is_empty()).map(<[u8]>::to_vec);
        Self { mechanism, proof: Proof::Password, username, secret: HeldSecret::new(password), span }
    }

    /// Says which mechanism was used and, unless the secret is empty, the login.
    pub fn report(&self, field: &str, outcome: Outcome, out: &mut dyn EventSink) {
        self.report_with_note(field, outcome, None, out);
    }

    /// As [`Self::report`], with a fact that helps to find it: the database, the realm.
    pub fn report_with_note(&self, field: &str, outcome: Outcome, note: Option<&str>, out: &mut dyn EventSink) {
        self.report_from(Direction::ToServer, field, outcome, note, out);
    }

    /// As [`Self::report_with_note`], of whichever side logs in.
    pub fn report_from(
        &self,
        direction: Direction,
        field: &str,
        outcome: Outcome,
        note: Option<&str>,
        out: &mut dyn EventSink,
    ) {
        out.event(Event::Link(LinkFact::Auth(self.mechanism)));
        let secret = self.secret.as_secret();
        if secret.is_empty() {
            return;
        }
        out.event(Event::Login(Login {
            mechanism: self.mechanism,
            proof: self.proof,
            username: self.username.as_deref(),
            secret,
            field,
            direction,
            outcome,
            note,
            span: self.span,
        }));
    }
}
