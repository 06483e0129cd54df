//! What a CHAP response proves, as crackers read it. Which algorithm was agreed on shows in its length.

use sha1::{Digest, Sha1};

use crate::content::hex;
use crate::model::event::Proof;
use crate::model::packet::Span;
use crate::model::secret::HeldSecret;
use crate::proto::login::HeldLogin;

/// RFC 1994: an MD5 digest.
const MD5_BYTES: usize = 16;
/// RFC 2433 and RFC 2759: two responses of 24 bytes, or a challenge of the peer, zeros and a response;
/// then flags.
const MICROSOFT_BYTES: usize = 49;
/// The challenge of RFC 2433. That of RFC 2759 is twice as long.
const MICROSOFT_1_CHALLENGE: usize = 8;
/// What hashcat takes for mode 4800.
const HASHCAT_CHALLENGE: usize = 16;

/// The login of a response. Without the challenge it is of no use to a cracker and has no secret. `None`:
/// no algorithm gives such a value.
pub(super) fn login(
    identifier: u8,
    challenge: Option<&[u8]>,
    value: &[u8],
    name: &[u8],
    span: Span,
) -> Option<HeldLogin> {
    let (mechanism, hashcat, line) = match (value.len(), challenge) {
        (MD5_BYTES, None) => ("chap", None, None),
        (MD5_BYTES, Some(challenge)) => {
            let (response, known) = (hex::encode(value), challenge.len() == HASHCAT_CHALLENGE);
            let challenge = hex::encode(challenge);
            let line = match known {
                true => format!("{response}:{challenge}:{identifier:02x}"),
                // As John the Ripper reads it.
                false => format!("$chap${identifier}*{challenge}*{response}"),
            };
            ("chap", known.then_some(4800), Some(line))
        }
        (MICROSOFT_BYTES, None) => ("mschap", None, None),
        (MICROSOFT_BYTES, Some(challenge)) if challenge.len() == MICROSOFT_1_CHALLENGE => {
            let (lm, nt) = (value.get(..24)?, value.get(24..48)?);
            // Zeros behind the eighth byte would say that the client took part in the challenge.
            let lm = if lm.iter().all(|byte| *byte == 0) { String::new() } else { hex::encode(lm) };
            ("mschap", Some(5500), Some(line(name, &lm, nt, challenge)))
        }
        (MICROSOFT_BYTES, Some(challenge)) => {
            let (peer, nt) = (value.get(..16)?, value.get(24..48)?);
            let account = split(name).1;
            let digest = Sha1::new().chain_update(peer).chain_update(challenge).chain_update(account).finalize();
            ("mschapv2", Some(5500), Some(line(name, "", nt, digest.get(..8)?)))
        }
        _ => return None,
    };
    let username = (!name.is_empty()).then(|| name.to_vec());
    let secret = HeldSecret::new(line.unwrap_or_default().as_bytes());
    Some(HeldLogin { mechanism, proof: Proof::ChallengeResponse { hashcat }, username, secret, span })
}

/// As for NTLM of the first version, which the response is.
fn line(name: &[u8], lm: &str, nt: &[u8], challenge: &[u8]) -> String {
    let (domain, account) = split(name);
    let (domain, account) = (String::from_utf8_lossy(domain), String::from_utf8_lossy(account));
    format!("{account}::{domain}:{lm}:{}:{}", hex::encode(nt), hex::encode(challenge))
}

/// Domain and account of `DOMAIN\account`.
fn split(name: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b'\\', name) {
        Some(at) => (name.get(..at).unwrap_or_default(), name.get(at + 1..).unwrap_or_default()),
        None => (&[], name),
    }
}
