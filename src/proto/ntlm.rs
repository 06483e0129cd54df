//! NTLMSSP (MS-NLMP): the three messages that HTTP, SMB, LDAP, SMTP, IMAP, TDS and others carry inside
//! their own. What an eavesdropper keeps is the challenge and its response, which can be attacked offline.

use super::cursor::Cursor;
use super::login::HeldLogin;
use crate::content::hex;
use crate::content::utf16::{self, Order};
use crate::model::event::Proof;
use crate::model::packet::Span;
use crate::model::secret::HeldSecret;

const SIGNATURE: &[u8] = b"NTLMSSP\0";
/// MS-NLMP 2.2.2.5: strings are UTF-16, not in the machine's own charset.
const NEGOTIATE_UNICODE: u32 = 0x0000_0001;
/// The `NTProofStr` at the start of an NTLMv2 response.
const PROOF_BYTES: usize = 16;

/// One of the three messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// The client asks for a challenge.
    Negotiate,
    /// The server's challenge.
    Challenge([u8; 8]),
    /// The client's response.
    Authenticate(Authenticate<'a>),
}

/// MS-NLMP 2.2.1.3, `AUTHENTICATE_MESSAGE`.
#[derive(Clone, PartialEq, Eq)]
pub struct Authenticate<'a> {
    /// The account.
    pub user: String,
    /// Its domain; may be empty.
    pub domain: String,
    /// `LmChallengeResponse`.
    lm: &'a [u8],
    /// `NtChallengeResponse`.
    nt: &'a [u8],
}

impl std::fmt::Debug for Authenticate<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Authenticate({}\\{})", self.domain, self.user)
    }
}

/// A challenge with its response, as a cracker reads it.
struct Crackable {
    line: String,
    /// `hashcat -m`: 5500 for NTLMv1, 5600 for NTLMv2. John alone reads what was made with the LM hash.
    hashcat: Option<u32>,
}

/// The first message inside a token, which may be wrapped in SPNEGO.
pub fn find(token: &[u8]) -> Option<Message<'_>> {
    let start = memchr::memmem::find(token, SIGNATURE)?;
    let message = token.get(start..)?;
    let mut cursor = Cursor::new(message);
    cursor.skip(SIGNATURE.len())?;
    match cursor.u32_le()? {
        1 => Some(Message::Negotiate),
        2 => {
            // TargetNameFields and NegotiateFlags stand before the challenge.
            cursor.skip(12)?;
            Some(Message::Challenge(cursor.array()?))
        }
        3 => authenticate(message, cursor).map(Message::Authenticate),
        _ => None,
    }
}

impl<'a> Authenticate<'a> {
    /// A response to a challenge that was not carried in a message of NTLMSSP: SMB's older logins.
    pub const fn new(user: String, domain: String, lm: &'a [u8], nt: &'a [u8]) -> Self {
        Self { user, domain, lm, nt }
    }

    /// The mechanism in every output: what the response was made with decides what it is worth. `lm`: the hash
    /// of at most fourteen capitals; `ntlmv1`: DES, which gives the hash of the password to whoever pays for it.
    fn mechanism(&self) -> &'static str {
        match (self.lm.len(), self.nt.len()) {
            _ if self.user.is_empty() => "anonymous",
            // With extended session security a random number stands there, and nothing behind it.
            (24, 0 | 24) if self.lm != self.nt && self.lm.get(8..).is_some_and(|rest| rest.iter().any(|b| *b != 0)) => {
                "lm"
            }
            (_, 24) => "ntlmv1",
            _ => "ntlm",
        }
    }

    /// The login on its way to its outcome, with the line a cracker reads. Without the challenge, which was not
    /// captured, it shows who logged in and is of no use to a cracker. Nothing secret is in an anonymous one.
    pub fn into_login(self, challenge: Option<[u8; 8]>, span: Span) -> HeldLogin {
        let found = match challenge {
            Some(challenge) => self.crackable(challenge),
            None => self.response().map(|line| Crackable { line, hashcat: None }),
        };
        let (line, hashcat) = found.map(|found| (found.line, found.hashcat)).unwrap_or_default();
        HeldLogin {
            mechanism: self.mechanism(),
            proof: Proof::ChallengeResponse { hashcat },
            username: (!self.user.is_empty()).then_some(self.user.into_bytes()),
            secret: HeldSecret::new(line),
            span,
        }
    }

    /// The domain, for whoever reads the finding.
    pub fn note(&self) -> Option<String> {
        (!self.domain.is_empty()).then(|| format!("domain \"{}\"", self.domain))
    }

    fn response(&self) -> Option<String> {
        let Self { user, domain, lm, nt } = self;
        let proves = !user.is_empty() && (nt.len() >= 24 || lm.len() == 24);
        proves.then(|| format!("{user}::{domain}:{}:{}", hex::encode(lm), hex::encode(nt)))
    }

    fn crackable(&self, challenge: [u8; 8]) -> Option<Crackable> {
        let Self { user, domain, lm, nt } = self;
        let challenge = hex::encode(&challenge);
        if user.is_empty() {
            return None;
        }
        match nt.len() {
            0 if lm.len() == 24 => {
                Some(Crackable { line: format!("$NETLM${challenge}${}", hex::encode(lm)), hashcat: None })
            }
            24 => {
                let (lm, nt) = (hex::encode(lm), hex::encode(nt));
                Some(Crackable { line: format!("{user}::{domain}:{lm}:{nt}:{challenge}"), hashcat: Some(5500) })
            }
            25.. => {
                let (proof, blob) = nt.split_at_checked(PROOF_BYTES)?;
                let (proof, blob) = (hex::encode(proof), hex::encode(blob));
                Some(Crackable { line: format!("{user}::{domain}:{challenge}:{proof}:{blob}"), hashcat: Some(5600) })
            }
            _ => None,
        }
    }
}

fn authenticate<'a>(message: &'a [u8], mut cursor: Cursor<'a>) -> Option<Authenticate<'a>> {
    let lm = buffer(message, &mut cursor)?;
    let nt = buffer(message, &mut cursor)?;
    let domain = buffer(message, &mut cursor)?;
    let user = buffer(message, &mut cursor)?;
    buffer(message, &mut cursor)?;
    // Messages of Windows 95 and of some clients today end before session key and flags.
    let flags = cursor.skip(8).and_then(|()| cursor.u32_le());
    let unicode = flags.is_none_or(|flags| flags & NEGOTIATE_UNICODE != 0);
    Some(Authenticate { user: string(user, unicode), domain: string(domain, unicode), lm, nt })
}

/// A length, a capacity and an offset into the message.
fn buffer<'a>(message: &'a [u8], cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let length = usize::from(cursor.u16_le()?);
    cursor.skip(2)?;
    let start = cursor.u32_le()? as usize;
    if length == 0 { Some(b"") } else { message.get(start..start.checked_add(length)?) }
}

fn string(bytes: &[u8], unicode: bool) -> String {
    if unicode {
        let mut text = String::new();
        utf16::decode(bytes, Order::Little, &mut text);
        text
    } else {
        String::from_utf8_lossy(bytes).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An AUTHENTICATE message with these responses, domain and user in UTF-16.
    fn message(lm: &[u8], nt: &[u8], domain: &str, user: &str) -> Vec<u8> {
        let utf16 = |s: &str| s.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        let parts = [lm.to_vec(), nt.to_vec(), utf16(domain), utf16(user), Vec::new(), Vec::new()];
        let mut head = [SIGNATURE, &[3, 0, 0, 0]].concat();
        let mut offset = 64;
        for part in &parts {
            head.extend((part.len() as u16).to_le_bytes());
            head.extend((part.len() as u16).to_le_bytes());
            head.extend((offset as u32).to_le_bytes());
            offset += part.len();
        }
        head.extend(NEGOTIATE_UNICODE.to_le_bytes());
        [head, parts.concat()].concat()
    }

    /// Mechanism, mode of hashcat and line of a login.
    fn said(login: Authenticate<'_>, challenge: Option<[u8; 8]>) -> (&'static str, Option<u32>, String) {
        let held = login.into_login(challenge, Span::default());
        let Proof::ChallengeResponse { hashcat } = held.proof else { panic!() };
        (held.mechanism, hashcat, String::from_utf8_lossy(held.secret.as_secret().expose()).into_owned())
    }

    #[test]
    fn a_version_2_response_gives_its_hashcat_line() {
        let nt = [[0xaa; 16].to_vec(), [1, 1, 0, 0].to_vec(), vec![0xbb; 24]].concat();
        let wrapped = [b"\x60\x10spnego".to_vec(), message(&[0; 24], &nt, "CORP", "Zoë")].concat();
        let Some(Message::Authenticate(login)) = find(&wrapped) else { panic!() };
        assert_eq!(login.note().as_deref(), Some("domain \"CORP\""));
        let (proof, blob) = ("aa".repeat(16), format!("01010000{}", "bb".repeat(24)));
        let line = format!("Zoë::CORP:0102030405060708:{proof}:{blob}");
        assert_eq!(said(login, Some([1, 2, 3, 4, 5, 6, 7, 8])), ("ntlm", Some(5600), line));
    }

    #[test]
    fn a_version_1_response_gives_its_hashcat_line() {
        let bytes = message(&[0x11; 24], &[0x22; 24], "", "bob");
        let Some(Message::Authenticate(login)) = find(&bytes) else { panic!() };
        let response = format!("bob:::{}:{}", "11".repeat(24), "22".repeat(24));
        let line = format!("{response}:{}", "ff".repeat(8));
        assert_eq!(said(login.clone(), Some([0xff; 8])), ("lm", Some(5500), line));
        assert_eq!(said(login, None), ("lm", None, response));
    }

    #[test]
    fn what_a_response_was_made_with_is_told() {
        let extended = [[7; 8].as_slice(), &[0; 16]].concat();
        let (nt, v2) = ([0x22; 24], [0x22; 40]);
        for (lm, nt, mechanism, hashcat) in [
            (&extended[..], &nt[..], "ntlmv1", Some(5500)),
            (&nt, &nt, "ntlmv1", Some(5500)),
            (&[0x11; 24], &[], "lm", None),
            (&[0x11; 24], &v2, "ntlm", Some(5600)),
            (&[], &[], "ntlm", None),
        ] {
            let (said, mode, line) = said(Authenticate::new("bob".into(), String::new(), lm, nt), Some([1; 8]));
            assert_eq!((said, mode), (mechanism, hashcat), "{line}");
        }
    }

    #[test]
    fn anonymous_logins_and_cut_messages_give_nothing() {
        let bytes = message(&[0], &[], "", "");
        let Some(Message::Authenticate(login)) = find(&bytes) else { panic!() };
        assert_eq!(said(login, Some([0; 8])), ("anonymous", None, String::new()));
        let whole = message(&[0; 24], &[1; 40], "CORP", "user");
        for cut in 0..whole.len() {
            find(&whole[..cut]);
        }
        assert_eq!(find(b"NTLMSSP\0\x02\0\0\0"), None);
    }
}
