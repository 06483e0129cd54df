//! SCRAM (RFC 5802, RFC 7677). No cracker reads a captured exchange directly; the line keeps everything
//! that an offline attack needs: name, salt, iterations, what was signed, and the proof.

use crate::content::base64;

/// What is known of an exchange.
#[derive(Debug)]
pub(crate) struct Scram {
    mechanism: &'static str,
    username: Vec<u8>,
    /// `client-first-message-bare`.
    client_first: Vec<u8>,
    /// `server-first-message`.
    server_first: Vec<u8>,
}

impl Scram {
    pub(crate) const fn new(mechanism: &'static str) -> Self {
        Self { mechanism, username: Vec::new(), client_first: Vec::new(), server_first: Vec::new() }
    }

    pub(crate) const fn mechanism(&self) -> &'static str {
        self.mechanism
    }

    pub(crate) fn username(&self) -> &[u8] {
        &self.username
    }

    pub(crate) fn server(&mut self, message: &[u8]) {
        if attribute(message, b'r').is_some() {
            self.server_first = message.to_vec();
        }
    }

    /// Takes a message of the client; gives the line once everything is known.
    pub(crate) fn client(&mut self, message: &[u8]) -> Option<String> {
        if let Some(proof) = attribute(message, b'p')
            && attribute(message, b'c').is_some()
        {
            return self.line(message, proof);
        }
        // gs2-header: channel binding flag, comma, authorization identity, comma.
        let bare = message.splitn(3, |b| *b == b',').nth(2)?;
        self.username = unescape(attribute(bare, b'n')?);
        self.client_first = bare.to_vec();
        None
    }

    fn line(&self, client_final: &[u8], proof: &[u8]) -> Option<String> {
        let salt = attribute(&self.server_first, b's')?;
        let iterations = attribute(&self.server_first, b'i')?;
        if self.client_first.is_empty() {
            return None;
        }
        let unsigned = client_final.len().checked_sub(proof.len() + ",p=".len())?;
        let signed = [&self.client_first, b",".as_slice(), &self.server_first, b",", client_final.get(..unsigned)?];
        let text = String::from_utf8_lossy;
        Some(format!(
            "${}${}${}${}${}${}",
            self.mechanism.trim_end_matches("-plus"),
            base64::encode(&self.username),
            text(iterations),
            text(salt),
            base64::encode(&signed.concat()),
            text(proof),
        ))
    }
}

/// The value of an attribute of a message.
fn attribute(message: &[u8], name: u8) -> Option<&[u8]> {
    message.split(|b| *b == b',').find_map(|part| match part {
        [n, b'=', value @ ..] if *n == name => Some(value),
        _ => None,
    })
}

/// Undoes the escaping of a `saslname`: `=2C` is a comma, `=3D` an equals sign.
pub(crate) fn unescape(name: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(name.len());
    let mut rest = name;
    while let [first, tail @ ..] = rest {
        let (byte, after) = match rest {
            [b'=', b'2', b'C' | b'c', after @ ..] => (b',', after),
            [b'=', b'3', b'D' | b'd', after @ ..] => (b'=', after),
            _ => (*first, tail),
        };
        plain.push(byte);
        rest = after;
    }
    plain
}
