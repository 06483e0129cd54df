//! The state of a link: what protects it, and what became of an offer to protect it.

/// How a link is encrypted. Ordered from nothing to something, so that the least of several flows
/// describes the link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Encryption {
    /// Not known: nothing readable was seen.
    #[default]
    Unknown,
    /// None: the protocol runs in the clear.
    None,
    /// Looks encrypted, by a protocol nobody here knows.
    Opaque,
    /// SSH.
    Ssh,
    /// The protocol began in the clear and switched to encryption of its own: SMB 3, SNMPv3.
    Own,
    /// The protocol began in the clear and switched to TLS.
    Upgraded,
    /// TLS from the first byte.
    Tls,
}

impl Encryption {
    /// The name used in every output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Opaque => "opaque",
            Self::Ssh => "ssh",
            Self::Own => "upgraded",
            Self::Tls => "tls",
            Self::Unknown => "unknown",
            Self::Upgraded => "upgraded",
        }
    }
}

/// What became of an in-band switch to TLS (STARTTLS, SSLRequest, `CLIENT_SSL`, …).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Upgrade {
    /// The connection switched before anything sensitive was sent.
    Done,
    /// It switched after a login had already gone over in the clear.
    DoneLate,
    /// The server's greeting did not offer it.
    NotOffered,
    /// The server offered it and the client went on in the clear.
    OfferedUnused,
    /// The client asked and the server said no.
    Refused,
}

impl Upgrade {
    /// The name used in every output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::DoneLate => "done-late",
            Self::NotOffered => "not-offered",
            Self::OfferedUnused => "offered-unused",
            Self::Refused => "refused",
        }
    }
}
