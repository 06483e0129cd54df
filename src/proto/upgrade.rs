//! What becomes of an offer to switch a connection to TLS: STARTTLS, STLS, `AUTH TLS`; and of encryption that is part of a
//! protocol.

use super::login::HeldLogin;
use crate::model::event::{Event, EventSink, LinkFact};
use crate::model::link::{Encryption, Upgrade};

/// Follows the offer through one connection.
#[derive(Debug, Default)]
pub struct Offer {
    /// Whether the server's capabilities list it; `None` while none were seen.
    listed: Option<bool>,
    refused: bool,
    /// A login or content went over in the clear.
    exposed: bool,
    /// A login went over in the clear.
    login: bool,
    said: Option<Upgrade>,
}

impl Offer {
    /// The server listed what it can do, and this was among it or was not.
    pub fn listed(&mut self, offered: bool) {
        self.listed = Some(offered || self.listed == Some(true));
    }

    /// The client asked and the server said no.
    pub const fn refused(&mut self) {
        self.refused = true;
    }

    /// The client logged in in the clear, or tried to.
    pub fn login(&mut self, login: &HeldLogin, out: &mut dyn EventSink) {
        if !login.secret.as_secret().is_empty() {
            self.login = true;
            self.content(out);
        }
    }

    /// The client went on in the clear with something worth protecting.
    pub fn content(&mut self, out: &mut dyn EventSink) {
        self.exposed = true;
        self.report(out);
    }

    /// The connection is switching now.
    pub fn switched(&mut self, out: &mut dyn EventSink) {
        self.say(if self.login { Upgrade::DoneLate } else { Upgrade::Done }, out);
    }

    /// The connection has ended.
    pub fn ended(&mut self, out: &mut dyn EventSink) {
        if !self.refused && self.listed != Some(true) && !self.exposed {
            return;
        }
        self.report(out);
    }

    fn report(&mut self, out: &mut dyn EventSink) {
        match self.listed {
            _ if self.refused => self.say(Upgrade::Refused, out),
            Some(true) => self.say(Upgrade::OfferedUnused, out),
            Some(false) => self.say(Upgrade::NotOffered, out),
            None => {}
        }
    }

    fn say(&mut self, upgrade: Upgrade, out: &mut dyn EventSink) {
        if self.said != Some(upgrade) {
            self.said = Some(upgrade);
            out.event(Event::Link(LinkFact::Upgrade(upgrade)));
        }
    }
}

/// Follows a protocol with encryption of its own that need not be used for everything: a link is as good as what is
/// worst protected on it.
#[derive(Debug, Default)]
pub struct Own {
    sealed: bool,
    clear: bool,
}

impl Own {
    /// Something was encrypted. Says whether it is the first time.
    pub fn sealed(&mut self, out: &mut dyn EventSink) -> bool {
        let first = !std::mem::replace(&mut self.sealed, true);
        if first {
            self.say(out);
        }
        first
    }

    /// Something that could have been encrypted was not.
    pub fn clear(&mut self, out: &mut dyn EventSink) {
        if !std::mem::replace(&mut self.clear, true) {
            self.say(out);
        }
    }

    fn say(&self, out: &mut dyn EventSink) {
        if self.sealed {
            let how = if self.clear { Encryption::None } else { Encryption::Own };
            out.event(Event::Link(LinkFact::Encrypted(how)));
        }
    }
}

/// Whether bytes that should be text are a TLS record (RFC 8446, section 5.1) instead: the answer to
/// STARTTLS was not captured. `None`: too few bytes to tell.
pub fn is_tls_record(bytes: &[u8]) -> Option<bool> {
    match bytes {
        [] | [0x16] | [0x16, 3] => None,
        [0x16, 3, 0..=4, ..] => Some(true),
        _ => Some(false),
    }
}
