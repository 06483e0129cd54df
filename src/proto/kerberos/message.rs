//! The messages of Kerberos (RFC 4120 section 5) as far as they tell who asks for what, and what is encrypted
//! with a key that is made from a password.

use crate::content::hex;
use crate::model::secret::HeldSecret;
use crate::proto::ber::{Elements, SEQUENCE, Start, start};

/// Application tags of the messages.
const AS_REQ: u8 = 0x6a;
const AS_REP: u8 = 0x6b;
const TGS_REQ: u8 = 0x6c;
const TGS_REP: u8 = 0x6d;
const ERROR: u8 = 0x7e;

/// Pre-authentication (RFC 4120 section 7.5.2, RFC 4556, RFC 6113).
const ENC_TIMESTAMP: u32 = 2;
const PK_AS_REP: u32 = 17;
const FX_FAST: u32 = 136;

/// Encryption types (RFC 3961, 3962, 4757).
const AES128: u32 = 17;
const AES256: u32 = 18;
const RC4: u32 = 23;
/// Length of a checksum of each.
const AES_CHECKSUM: usize = 12;
const RC4_CHECKSUM: usize = 16;

/// One message.
#[derive(Debug)]
pub(super) enum Message {
    /// A client asks for its first ticket, and perhaps proves who it is.
    AsRequest(Principal, Option<Proof>),
    /// It gets it. What it gets besides is encrypted with its own key, unless that is protected by more.
    AsReply(Principal, Option<Proof>),
    /// It gets a ticket for a service, which is encrypted with the key of that.
    TgsReply(Principal, Option<Proof>),
    /// The server says no, with this code.
    Error(u32),
    Other,
}

/// Who asks: a name in a realm.
#[derive(Debug, Default)]
pub(super) struct Principal {
    pub(super) name: String,
    pub(super) realm: String,
}

/// Something that guesses can be tried against.
#[derive(Debug)]
pub(super) struct Proof {
    pub(super) mechanism: &'static str,
    /// The line a cracker reads.
    pub(super) line: HeldSecret,
    pub(super) hashcat: Option<u32>,
    /// The service whose ticket it is.
    pub(super) service: Option<String>,
}

/// How well bytes fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    No,
    More,
    /// A message of a client, or of a server, of this length.
    Whole {
        client: bool,
        length: usize,
    },
}

/// Whether bytes begin a message: its tag, and behind it that of what is inside, the version and the type.
pub(super) fn fit(bytes: &[u8]) -> Fit {
    let Some(tag) = bytes.first() else { return Fit::More };
    let (client, first) = match *tag {
        AS_REQ | TGS_REQ => (true, 0xa1),
        AS_REP | TGS_REP | ERROR => (false, 0xa0),
        _ => return Fit::No,
    };
    let mut inside = bytes;
    let mut length = 0;
    for (level, wanted) in [*tag, SEQUENCE].into_iter().enumerate() {
        match start(inside) {
            Start::Header(header) if header.tag == wanted => {
                if level == 0 {
                    length = header.size + header.length;
                }
                inside = inside.get(header.size..).unwrap_or_default();
            }
            Start::More => return Fit::More,
            Start::Header(_) | Start::Bad => return Fit::No,
        }
    }
    // The version, in an element of its own; then, in another, the type, which is that of the tag.
    let head = [first, 3, 2, 1, 5, first + 1, 3, 2, 1, *tag & 0x1f];
    match inside.get(..head.len()) {
        Some(start) if start == head => Fit::Whole { client, length },
        None if head.starts_with(inside) => Fit::More,
        Some(_) | None => Fit::No,
    }
}

impl Message {
    /// `None`: it is malformed.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (tag, content) = Elements::of(bytes).any()?;
        let content = Elements::of(content).expect(SEQUENCE)?;
        let fields = || Elements::of(content);
        Some(match tag {
            AS_REQ => {
                let sent = fields().inside(3).and_then(|padata| value_of(padata, ENC_TIMESTAMP));
                let body = fields().inside(4)?;
                let client = Principal::of(Elements::of(body).inside(1), Elements::of(body).inside(2));
                let proof = sent.and_then(|value| {
                    let (etype, cipher) = encrypted(Elements::of(value).expect(SEQUENCE)?)?;
                    timestamp(&client, etype, cipher)
                });
                Self::AsRequest(client, proof)
            }
            AS_REP => {
                let client = Principal::of(fields().inside(4), fields().inside(3));
                let stronger = |kind| fields().inside(2).is_some_and(|padata| value_of(padata, kind).is_some());
                let (etype, cipher) = encrypted(fields().inside(6)?)?;
                let plain = !stronger(PK_AS_REP) && !stronger(FX_FAST);
                let proof = if plain { reply(&client, etype, cipher) } else { None };
                Self::AsReply(client, proof)
            }
            TGS_REP => {
                let client = Principal::of(fields().inside(4), fields().inside(3));
                let (_, ticket) = fields().find(|(tag, _)| *tag == 0xa5)?;
                let (_, ticket) = Elements::of(ticket).any()?;
                let ticket = Elements::of(ticket).expect(SEQUENCE)?;
                let service = Principal::of(Elements::of(ticket).inside(2), Elements::of(ticket).inside(1));
                let (etype, cipher) = encrypted(Elements::of(ticket).inside(3)?)?;
                Self::TgsReply(client, ticket_of(&service, etype, cipher))
            }
            ERROR => Self::Error(number(fields().find(|(tag, _)| *tag == 0xa6)?.1)?),
            _ => Self::Other,
        })
    }
}

impl Principal {
    fn of(name: Option<&[u8]>, realm: Option<&[u8]>) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let parts = name.and_then(|name| Elements::of(name).inside(1)).unwrap_or_default();
        let parts: Vec<_> = Elements::of(parts).map(|(_, part)| text(part)).collect();
        Self { name: parts.join("/"), realm: realm.map(text).unwrap_or_default() }
    }

    /// Whether it is an account whose password nobody has chosen: that of a machine, or of the tickets themselves.
    fn is_random(&self) -> bool {
        self.name.is_empty() || self.name.ends_with('$') || self.name.starts_with("krbtgt")
    }
}

/// What a client proves itself with: the time, encrypted with its key.
fn timestamp(client: &Principal, etype: u32, cipher: &[u8]) -> Option<Proof> {
    let Principal { name, realm } = client;
    let (line, hashcat) = match etype {
        AES128 => (format!("$krb5pa$17${name}${realm}${}", hex::encode(cipher)), Some(19800)),
        AES256 => (format!("$krb5pa$18${name}${realm}${}", hex::encode(cipher)), Some(19900)),
        RC4 => {
            let (checksum, rest) = cipher.split_at_checked(RC4_CHECKSUM)?;
            let (checksum, rest) = (hex::encode(checksum), hex::encode(rest));
            (format!("$krb5pa$23${name}${realm}$${rest}{checksum}"), Some(7500))
        }
        _ => (format!("$krb5pa${etype}${name}${realm}$${}", hex::encode(cipher)), None),
    };
    (!client.is_random()).then(|| Proof::new(etype, line, hashcat))
}

/// What a server encrypts with the key of a client.
fn reply(client: &Principal, etype: u32, cipher: &[u8]) -> Option<Proof> {
    let Principal { name, realm } = client;
    let (line, hashcat) = match etype {
        AES128 | AES256 => {
            let (rest, checksum) = cipher.split_at_checked(cipher.len().checked_sub(AES_CHECKSUM)?)?;
            let (checksum, rest) = (hex::encode(checksum), hex::encode(rest));
            let mode = if etype == AES128 { 32100 } else { 32200 };
            (format!("$krb5asrep${etype}${name}${realm}${checksum}${rest}"), Some(mode))
        }
        RC4 => {
            let (checksum, rest) = cipher.split_at_checked(RC4_CHECKSUM)?;
            let (checksum, rest) = (hex::encode(checksum), hex::encode(rest));
            (format!("$krb5asrep$23${name}@{realm}:{checksum}${rest}"), Some(18200))
        }
        _ => (format!("$krb5asrep${etype}${name}${realm}${}", hex::encode(cipher)), None),
    };
    (!client.is_random()).then(|| Proof::new(etype, line, hashcat))
}

/// A ticket for a service. With AES its key depends on the name of the service's account, which is not on the
/// wire, and most such accounts are machines: only those of RC4 are worth a guess.
fn ticket_of(service: &Principal, etype: u32, cipher: &[u8]) -> Option<Proof> {
    let Principal { name, realm } = service;
    if etype != RC4 || service.is_random() {
        return None;
    }
    let (checksum, rest) = cipher.split_at_checked(RC4_CHECKSUM)?;
    let (checksum, rest) = (hex::encode(checksum), hex::encode(rest));
    let account = name.split('/').next_back().unwrap_or_default();
    let line = format!("$krb5tgs$23$*{account}${realm}${name}*${checksum}${rest}");
    let service = Some(name.clone());
    Some(Proof { service, ..Proof::new(etype, line, Some(13100)) })
}

impl Proof {
    fn new(etype: u32, line: String, hashcat: Option<u32>) -> Self {
        let mechanism = match etype {
            AES128..=AES256 | 19 | 20 => "kerberos",
            RC4 | 24 => "kerberos-rc4",
            _ => "kerberos-des",
        };
        Self { mechanism, line: HeldSecret::new(line), hashcat, service: None }
    }
}

/// The value of the first pre-authentication of this type.
fn value_of(padata: &[u8], wanted: u32) -> Option<&[u8]> {
    Elements::of(padata).find_map(|(_, entry)| {
        let (_, kind) = Elements::of(entry).find(|(tag, _)| *tag == 0xa1)?;
        if number(kind) == Some(wanted) { Elements::of(entry).inside(2) } else { None }
    })
}

/// RFC 4120 section 5.2.9: type and bytes.
fn encrypted(data: &[u8]) -> Option<(u32, &[u8])> {
    let (_, etype) = Elements::of(data).find(|(tag, _)| *tag == 0xa0)?;
    Some((number(etype)?, Elements::of(data).inside(2)?))
}

fn number(content: &[u8]) -> Option<u32> {
    Elements::of(content).number(crate::proto::ber::INTEGER)
}
