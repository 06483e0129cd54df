//! The messages of SNMP: versions 1 (RFC 1157, section 4), 2c (RFC 1901, section 3) and 3 (RFC 3412, section 6) with the
//! user-based security model (RFC 3414, section 2.4).

use crate::proto::ber::{Elements, INTEGER, OCTET_STRING, SEQUENCE, Start, start};
use crate::proto::cursor::Cursor;

/// Versions as they are numbered on the wire.
const V1: u32 = 0;
const V2C: u32 = 1;
const V3: u32 = 3;

/// Bits of msgFlags (RFC 3412, section 6.4).
const AUTHENTICATED: u8 = 0x01;
const PRIVATE: u8 = 0x02;
const REPORTABLE: u8 = 0x04;

/// The user-based security model (RFC 3411, section 5, `SnmpSecurityModel`).
const USM: u32 = 3;

/// What a message is for: its tag (RFC 1157, section 4.1; RFC 3416, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Get, GetNext, GetBulk, Set, Inform: an answer is due.
    Request,
    Response,
    /// The trap of version 1, which is of a form of its own.
    OldTrap,
    Trap,
    /// A receiver could not make use of a message (RFC 3412, section 7.1).
    Report,
}

/// Who sends such a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sender {
    Client,
    Server,
    /// An encrypted trap looks like an encrypted answer.
    Either,
}

/// How well bytes fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    No,
    More,
    /// A message of this length, of which the end may be missing.
    Message {
        sender: Sender,
        length: usize,
    },
}

/// What is asked, answered or told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pdu<'a> {
    pub(super) kind: Kind,
    pub(super) id: Option<u32>,
    /// Names with values.
    pub(super) binds: &'a [u8],
}

/// One message.
#[derive(Clone, Copy, Debug)]
pub(super) enum Message<'a> {
    /// Versions 1 and 2c.
    Open { version: &'static str, community: &'a [u8], pdu: Pdu<'a> },
    /// Version 3.
    Secured(Secured<'a>),
}

/// A message of version 3.
#[derive(Clone, Copy, Debug)]
pub(super) struct Secured<'a> {
    /// All of its bytes.
    pub(super) bytes: &'a [u8],
    pub(super) id: u32,
    pub(super) authenticated: bool,
    pub(super) private: bool,
    /// The engine whose keys count.
    pub(super) engine: &'a [u8],
    pub(super) user: &'a [u8],
    /// The digest of the whole message, in whose place zeros stood, and where that place is.
    pub(super) digest: &'a [u8],
    pub(super) digest_at: usize,
    /// Absent where it is encrypted or cut off.
    pub(super) pdu: Option<Pdu<'a>>,
}

impl Kind {
    const fn of(tag: u8, version: u32) -> Option<Self> {
        match (tag, version) {
            (0xa0 | 0xa1 | 0xa3, _) | (0xa5 | 0xa6, V2C | V3) => Some(Self::Request),
            (0xa2, _) => Some(Self::Response),
            (0xa4, V1) => Some(Self::OldTrap),
            (0xa7, V2C | V3) => Some(Self::Trap),
            (0xa8, V3) => Some(Self::Report),
            _ => None,
        }
    }

    const fn sender(self) -> Sender {
        match self {
            Self::Request | Self::OldTrap | Self::Trap => Sender::Client,
            Self::Response | Self::Report => Sender::Server,
        }
    }
}

/// Whether bytes begin a message: all elements but the last of each level are there and fill it exactly.
pub(super) fn fit(bytes: &[u8]) -> Fit {
    let mut heads = Heads { cursor: Cursor::new(bytes), end: usize::MAX };
    match heads.message() {
        Ok(sender) => Fit::Message { sender, length: heads.end },
        Err(fit) => fit,
    }
}

/// Reads tags and lengths up to `end`, which is where the message ends.
struct Heads<'a> {
    cursor: Cursor<'a>,
    end: usize,
}

impl Heads<'_> {
    fn message(&mut self) -> Result<Sender, Fit> {
        self.end = self.head(SEQUENCE)?;
        let version = self.small(INTEGER)?.into();
        match version {
            V1 | V2C => {
                self.pass(OCTET_STRING)?;
                self.pdu(version)
            }
            V3 => {
                let header = self.head(SEQUENCE)?;
                self.pass(INTEGER)?;
                self.pass(INTEGER)?;
                let flags = self.small(OCTET_STRING)?;
                let model = self.small(INTEGER)?;
                if u32::from(model) != USM || self.cursor.position() != header {
                    return Err(Fit::No);
                }
                self.pass(OCTET_STRING)?;
                if flags & PRIVATE != 0 {
                    self.last(OCTET_STRING)?;
                    return Ok(if flags & REPORTABLE != 0 { Sender::Client } else { Sender::Either });
                }
                self.last(SEQUENCE)?;
                self.pass(OCTET_STRING)?;
                self.pass(OCTET_STRING)?;
                self.pdu(version)
            }
            _ => Err(Fit::No),
        }
    }

    /// Where an element of this tag ends.
    fn head(&mut self, tag: u8) -> Result<usize, Fit> {
        match start(self.cursor.rest()) {
            Start::Header(header) if header.tag == tag => {
                let _ = self.cursor.skip(header.size);
                let end = self.cursor.position() + header.length;
                if end > self.end { Err(Fit::No) } else { Ok(end) }
            }
            Start::More if self.cursor.peek().is_none_or(|first| first == tag) => Err(Fit::More),
            Start::Header(_) | Start::More | Start::Bad => Err(Fit::No),
        }
    }

    fn pass(&mut self, tag: u8) -> Result<(), Fit> {
        let length = self.head(tag)? - self.cursor.position();
        self.cursor.skip(length).ok_or(Fit::More)
    }

    /// The content of an element of one byte.
    fn small(&mut self, tag: u8) -> Result<u8, Fit> {
        if self.head(tag)? != self.cursor.position() + 1 {
            return Err(Fit::No);
        }
        self.cursor.u8().ok_or(Fit::More)
    }

    /// An element that nothing may follow.
    fn last(&mut self, tag: u8) -> Result<(), Fit> {
        if self.head(tag)? == self.end { Ok(()) } else { Err(Fit::No) }
    }

    fn pdu(&mut self, version: u32) -> Result<Sender, Fit> {
        let tag = self.cursor.peek().ok_or(Fit::More)?;
        let kind = Kind::of(tag, version).ok_or(Fit::No)?;
        self.last(tag).map(|()| kind.sender())
    }
}

impl<'a> Message<'a> {
    /// Reads what begins with a message that fits. `None`: it is malformed, or cut off before anything of use.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let content = opened(bytes, SEQUENCE)?;
        let before = offset(bytes, content);
        let mut elements = Elements::of(content);
        let number = elements.number(INTEGER)?;
        let version = match number {
            V1 => "SNMPv1",
            V2C => "SNMPv2c",
            V3 => return Secured::parse(bytes, before, elements, content).map(Self::Secured),
            _ => return None,
        };
        let community = elements.expect(OCTET_STRING)?;
        let pdu = Pdu::parse(content.get(elements.position()..)?, number)?;
        Some(Self::Open { version, community, pdu })
    }
}

impl<'a> Secured<'a> {
    /// `before`: bytes of the message before `content`, of which `elements` are left.
    fn parse(bytes: &'a [u8], before: usize, mut elements: Elements<'a>, content: &'a [u8]) -> Option<Self> {
        let mut header = Elements::of(elements.expect(SEQUENCE)?);
        let id = header.number(INTEGER)?;
        header.expect(INTEGER)?;
        let flags = *header.expect(OCTET_STRING)?.first()?;
        let security = elements.expect(OCTET_STRING)?;
        let security_at = before + elements.position() - security.len();
        let parameters = opened(security, SEQUENCE)?;
        let mut fields = Elements::of(parameters);
        let engine = fields.expect(OCTET_STRING)?;
        fields.expect(INTEGER)?;
        fields.expect(INTEGER)?;
        let user = fields.expect(OCTET_STRING)?;
        let digest = fields.expect(OCTET_STRING)?;
        let digest_at = security_at + offset(security, parameters) + fields.position() - digest.len();
        let private = flags & PRIVATE != 0;
        let data = content.get(elements.position()..)?;
        let pdu = if private { None } else { scoped(data) };
        let authenticated = flags & AUTHENTICATED != 0;
        Some(Self { bytes, id, authenticated, private, engine, user, digest, digest_at, pdu })
    }

    /// Who sent it, as far as can be read.
    pub(super) fn sender(&self) -> Sender {
        self.pdu.map_or(Sender::Either, |pdu| pdu.kind.sender())
    }

    /// Whether its end was captured, too.
    pub(super) fn is_whole(&self) -> bool {
        matches!(start(self.bytes), Start::Header(header) if header.size + header.length == self.bytes.len())
    }
}

impl<'a> Pdu<'a> {
    fn parse(bytes: &'a [u8], version: u32) -> Option<Self> {
        let kind = Kind::of(*bytes.first()?, version)?;
        let content = opened(bytes, *bytes.first()?)?;
        let mut elements = Elements::of(content);
        let (id, others) = match kind {
            Kind::OldTrap => (None, 5),
            _ => (elements.number(INTEGER), 2),
        };
        let passed = elements.by_ref().take(others).count();
        let binds = if passed == others { content.get(elements.position()..) } else { None };
        let binds = binds.and_then(|rest| opened(rest, SEQUENCE)).unwrap_or_default();
        Some(Self { kind, id, binds })
    }
}

/// RFC 3412, section 6.8: what a message is about stands behind whom it concerns.
fn scoped(bytes: &[u8]) -> Option<Pdu<'_>> {
    let content = opened(bytes, SEQUENCE)?;
    let mut elements = Elements::of(content);
    elements.expect(OCTET_STRING)?;
    elements.expect(OCTET_STRING)?;
    Pdu::parse(content.get(elements.position()..)?, V3)
}

/// The content of the element that begins here, as far as it was captured.
fn opened(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    let Start::Header(header) = start(bytes) else { return None };
    let content = bytes.get(header.size..).filter(|_| header.tag == tag)?;
    Some(content.get(..header.length).unwrap_or(content))
}

/// How far the content of an element that begins here is from its beginning.
fn offset(bytes: &[u8], content: &[u8]) -> usize {
    match start(bytes) {
        Start::Header(header) => header.size,
        Start::More | Start::Bad => bytes.len() - content.len(),
    }
}
