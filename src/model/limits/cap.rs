//! Caps of one flow or one packet that nobody would set, as the summary counts them.

use super as limits;

/// What is past one of these is not remembered or not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cap {
    /// [`limits::SASL_BYTES`].
    Authentication,
    /// [`limits::CERTIFICATES`].
    Certificates,
    /// [`limits::COPIES`].
    Copies,
    /// [`limits::FLOW_EXPECTED`].
    Expected,
    /// [`limits::HANDSHAKE_BYTES`].
    HandshakeBytes,
    /// [`limits::FLOW_HANDSHAKES`].
    Handshakes,
    /// [`limits::NESTING`].
    Nesting,
    /// [`limits::OUTSTANDING`].
    Outstanding,
    /// [`limits::PREPARED`].
    Prepared,
    /// [`limits::SERVER_NAMES`].
    ServerNames,
    /// [`limits::LINK_TUNNELS`].
    Tunnels,
}

impl Cap {
    /// All.
    pub const ALL: [Self; 11] = [
        Self::Authentication,
        Self::Certificates,
        Self::Copies,
        Self::Expected,
        Self::HandshakeBytes,
        Self::Handshakes,
        Self::Nesting,
        Self::Outstanding,
        Self::Prepared,
        Self::ServerNames,
        Self::Tunnels,
    ];

    /// What the summary counts.
    pub const fn counted(self) -> &'static str {
        match self {
            Self::Authentication => "authentication messages too long to read",
            Self::Certificates => "chains of as many certificates as are read",
            Self::Copies => "packets too many to know their copies",
            Self::Expected => "connections announced by one flow and not remembered",
            Self::HandshakeBytes => "TLS handshake messages read in part",
            Self::Handshakes => "TLS handshakes of one flow not listed",
            Self::Nesting => "structures nested too deep to follow",
            Self::Outstanding => "requests too many to wait for their answers",
            Self::Prepared => "prepared statements forgotten",
            Self::ServerNames => "links with as many server names as are kept",
            Self::Tunnels => "links in as many tunnels as are named",
        }
    }

    /// How many, or how many bytes, are too many.
    pub const fn most(self) -> usize {
        match self {
            Self::Authentication => limits::SASL_BYTES,
            Self::Certificates => limits::CERTIFICATES,
            Self::Copies => limits::COPIES,
            Self::Expected => limits::FLOW_EXPECTED,
            Self::HandshakeBytes => limits::HANDSHAKE_BYTES,
            Self::Handshakes => limits::FLOW_HANDSHAKES,
            Self::Nesting => limits::NESTING,
            Self::Outstanding => limits::OUTSTANDING,
            Self::Prepared => limits::PREPARED,
            Self::ServerNames => limits::SERVER_NAMES,
            Self::Tunnels => limits::LINK_TUNNELS,
        }
    }
}
